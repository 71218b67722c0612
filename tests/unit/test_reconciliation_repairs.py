"""Repairs: the plan that makes one side say what the other says, through every kind of sink."""

from __future__ import annotations

import random

import pytest

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import ConfigurationError, GuardTripped
from integrakit.http import HeaderLinkPaginator
from integrakit.model import Change, Outcome
from integrakit.reconciliation import areconcile, reconcile
from integrakit.sql import SqlTable
from integrakit.testing import Simulator
from integrakit.writing import Guard

LEFT = [{"id": 1, "name": "a", "total": 1}, {"id": 2, "name": "b", "total": 2}, {"id": 3, "name": "c", "total": 3}]
RIGHT = [{"id": 2, "name": "B", "total": 2, "own": "kept"}, {"id": 3, "name": "c", "total": 3, "own": "kept"}, {"id": 4, "name": "d", "total": 4}]


class Ledger(Connector):
    paginator = HeaderLinkPaginator()
    rows = Resource(
        "/rows",
        key="id",
        records="rows",
        create=Endpoint("POST", "/rows"),
        update=Endpoint("PUT", "/rows/{key}"),
        delete=Endpoint("DELETE", "/rows/{key}"),
    )


def test_plan_is_looked_at_before_anything_is_written(world):
    async def body():
        with Simulator({"rows": RIGHT}) as api:
            async with Ledger(base_url=api.url) as ledger:
                await check(api, ledger)

    async def check(api, ledger):
        diff = await areconcile(LEFT, ledger.rows, key="id", fields=["name", "total"])
        plan = diff.repairs(sink=ledger.rows)
        assert (plan.creates, plan.updates, plan.deletes, plan.unchanged) == (1, 1, 1, 1)
        assert all(request.method == "GET" for request in api.requests)
        report = await plan.aapply()
        assert (report.written, report.deleted, report.rejected) == (2, 1, 0)
        assert (await areconcile(LEFT, ledger.rows, key="id", fields=["name", "total"])).matches
        # What is not compared stays, though this API replaces whole records.
        assert api.get("rows", 2) == {"id": 2, "name": "b", "total": 2, "own": "kept"}

    world(body)


def test_table_says_what_the_other_side_says_in_the_end(tmp_path):
    chance = random.Random(5)
    left = [{"id": n, "v": chance.randint(0, 3)} for n in chance.sample(range(60), 40)]
    with SqlTable(tmp_path / "t.db", "t", key="id", create={"id": "INTEGER", "v": "INTEGER"}) as table:
        table.write([Change.create(n, {"id": n, "v": chance.randint(0, 3)}) for n in chance.sample(range(60), 40)])
        diff = reconcile(left, table, key="id")
        assert not diff.matches
        diff.repairs(to="right", sink=table).apply()
        assert reconcile(left, table, key="id").matches


def test_other_direction_writes_to_the_left(tmp_path):
    with SqlTable(tmp_path / "t.db", "t", key="id", create={"id": "INTEGER", "name": "TEXT", "total": "INTEGER"}) as table:
        table.write([Change.create(row["id"], row) for row in LEFT])
        right = [{key: value for key, value in row.items() if key != "own"} for row in RIGHT]
        reconcile(table, right, key="id").repairs(to="left", sink=table).apply()
        assert sorted(table, key=lambda row: row["id"]) == right


def test_deletes_without_proof_are_noted_and_guarded():
    diff = reconcile(LEFT, RIGHT, key="id", fields=["name"])
    plan = diff.repairs(sink=_Refusing())
    assert any("nothing proves" in note for note in plan.notes)
    with pytest.raises(GuardTripped, match="1 of 3 records would be deleted"):
        diff.repairs(sink=_Refusing(), guard=Guard(max_deletes=0))
    with pytest.raises(GuardTripped, match="max_changes"):
        diff.repairs(sink=_Refusing(), guard=Guard(max_deletes=None, max_changes=2))


def test_what_cannot_be_repaired_is_said():
    diff = reconcile([*LEFT, {"id": None, "name": "x"}], LEFT, key="id", fields=["name"])
    assert any("1 breaks" in note for note in diff.repairs(sink=_Refusing()).notes)


class _Refusing:
    key = "id"

    def write(self, changes):
        return [Outcome.rejected(change.key, "the books are closed") for change in changes]


def test_refusals_are_reported():
    report = reconcile(LEFT, RIGHT, key="id", fields=["name"]).repairs(sink=_Refusing()).apply()
    assert report.rejected == 3
    assert {outcome.key for outcome in report.refused} == {1, 2, 4}
    assert "the books are closed" in str(report)


def test_many_are_written_in_batches():
    sizes = []

    def sink(records):
        sizes.append(len(records))

    report = reconcile([{"id": n, "v": 1} for n in range(250)], [], key="id", fields=["v"]).repairs(sink=sink).apply()
    assert (sizes, report.written) == ([100, 100, 50], 250)


@pytest.mark.parametrize(("arguments", "words"), [({"to": "up", "sink": _Refusing()}, "right"), ({"sink": 7}, "sink")])
def test_wrong_arguments(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        reconcile(LEFT, RIGHT, key="id", fields=["name"]).repairs(**arguments)
