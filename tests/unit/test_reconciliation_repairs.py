"""Repairs: the plan that makes one side say what the other says, through every kind of sink."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import ConfigurationError, GuardTripped
from integrakit.http import HeaderLinkPaginator
from integrakit.model import Change, Outcome
from integrakit.money import Money
from integrakit.reconciliation import Field, Key, Settle, areconcile, reconcile
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


# ---------------------------------------------------------------------------------------------------- sides of truth, kinds


def test_a_field_that_is_right_there_is_not_written_there():
    fields = [Field("name"), Field("price", truth="right")]
    left = [{"id": 1, "name": "a", "price": 1}, {"id": 2, "name": "b", "price": 2}]
    right = [{"id": 1, "name": "x", "price": 9}, {"id": 3, "name": "c", "price": 3}]
    diff = reconcile(left, right, key="id", fields=fields)
    to_right = [(change.kind, change.key, change.record) for change in diff.changes("right", truth="left")]
    assert to_right == [("update", 1, {"name": "a"}), ("create", 2, {"id": 2, "name": "b", "price": 2}), ("delete", 3, None)]
    assert [(change.kind, change.key, change.record) for change in diff.changes("left", truth="left")] == [("update", 1, {"price": 9})]
    notes = diff.repairs(to="left", sink=lambda records: None, truth="left").notes
    assert any("1 values that differ are right on the left" in note for note in notes)
    assert any("2 records that only one side has are left as they are" in note for note in notes)


def test_which_side_is_right_about_the_rest_must_be_said_where_fields_disagree():
    diff = reconcile([{"id": 1, "a": 1}], [{"id": 1, "a": 2}], key="id", fields=[Field("a", truth="right")])
    with pytest.raises(ConfigurationError, match=r"Field\('a'\) says that the right is right: say truth='left' or truth='right'"):
        list(diff.changes("right"))
    assert [change.record for change in diff.changes("left")] == [{"a": 2}]


def test_kinds_choose_what_is_repaired():
    diff = reconcile([{"id": 1, "a": 1}, {"id": 2, "a": 1}], [{"id": 1, "a": 2}, {"id": 3, "a": 1}], key="id")
    assert [change.kind for change in diff.changes(kinds=("changed", "missing_right"))] == ["update", "create"]
    assert [change.kind for change in diff.changes(kinds=["missing_left"])] == ["delete"]
    for kinds in (["duplicate"], "everything", 3):
        with pytest.raises(ConfigurationError, match="kinds= takes some of"):
            list(diff.changes(kinds=kinds))
    with pytest.raises(ConfigurationError, match="truth= takes"):
        list(diff.changes(truth="both"))


def test_what_no_write_can_mend_is_noted():
    diff = reconcile([{"id": 1, "a": 1}], [{"id": 1, "a": 1, "b": None}], key="id", fields=["a", "b"])
    plan = diff.repairs(sink=lambda records: None)
    assert len(plan) == 0
    assert any("absent on one side and null on the other" in note for note in plan.notes)


# ---------------------------------------------------------------------------------------------------- the target's own words


class _Rows:
    """A sink that keeps records by their key, as the target writes it."""

    def __init__(self, key, rows):
        self.key = key
        self.rows = {self.of(row): dict(row) for row in rows}

    def of(self, row):
        return row[self.key] if isinstance(self.key, str) else tuple(row[name] for name in self.key)

    def write(self, changes):
        for change in changes:
            if change.kind == "delete":
                del self.rows[change.key]
            elif change.kind == "create":
                assert change.key not in self.rows
                assert change.key == self.of(change.record)
                self.rows[change.key] = dict(change.record)
            else:
                self.rows[change.key] |= change.record
        return [Outcome.applied(change.key) for change in changes]

    def list(self):
        return list(self.rows.values())


@pytest.mark.parametrize("engine", ["dict", "spill", "merge"])
def test_a_key_that_is_written_otherwise_there_is_written_to_as_it_is_there(engine):
    key = Key("sku", right="code", ignore_case=True, blanks="trim")
    source = [{"sku": "AB", "v": 5}, {"sku": "x", "v": 1}]
    target = _Rows("code", [{"code": "ab ", "v": 1, "own": 1}, {"code": "CD", "v": 2}])
    reconcile(source, target.list(), key=key, fields=["v"], engine=engine).repairs(sink=target).apply()
    assert target.rows == {"ab ": {"code": "ab ", "v": 5, "own": 1}, "x": {"code": "x", "v": 1}}
    assert reconcile(source, target.list(), key=key, fields=["v"], engine=engine).matches


def test_composite_keys_with_other_names_in_both_directions():
    key = Key("a", "b", right=("x", "y"))
    lefts, rights = [{"a": 1, "b": "q", "v": 3}, {"a": 9, "b": "n", "v": 1}], [{"x": 1, "y": "q", "w": 1}, {"x": 2, "y": "q", "w": 1}]
    for to, target in (("right", _Rows(("x", "y"), rights)), ("left", _Rows(("a", "b"), lefts))):
        reconcile(lefts, rights, key=key, fields=[("v", "w")]).repairs(to=to, sink=target).apply()
        sides = (lefts, target.list()) if to == "right" else (target.list(), rights)
        assert reconcile(*sides, key=key, fields=[("v", "w")]).matches


def test_cells_of_a_file_are_written_as_what_the_column_holds_also_where_null_stands_there(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,n,day,at,done,text\n1,1.50,2026-01-01,2026-01-01T10:00:00Z,true,x\n2,2,2026-01-02,2026-01-01T10:00:00Z,false,\n3,,,,,7\n")
    moment = datetime(2026, 1, 1, 10, tzinfo=UTC)
    target = _Rows(
        "id",
        [
            {"id": 1, "n": Decimal(9), "day": date(2026, 1, 2), "at": moment - timedelta(1), "done": False, "text": "y"},
            {"id": 2, "n": None, "day": None, "at": None, "done": None, "text": "q"},
        ],
    )
    reconcile(path, target.list(), key="id").repairs(sink=target).apply()
    assert target.rows[1] == {"id": 1, "n": Decimal("1.50"), "day": date(2026, 1, 1), "at": moment, "done": True, "text": "x"}
    assert target.rows[2] == {"id": 2, "n": 2, "day": date(2026, 1, 2), "at": moment, "done": False, "text": ""}
    assert target.rows[3] == {"id": 3, "n": None, "day": None, "at": None, "done": None, "text": "7"}
    assert reconcile(path, target.list(), key="id").matches


def test_money_is_written_as_money():
    target = _Rows("id", [{"id": 1, "m": Money("1", "EUR")}])
    source = [{"id": 1, "m": Money("2", "EUR")}, {"id": 2, "m": Money("3.10", "USD")}]
    reconcile(source, target.list(), key="id").repairs(sink=target).apply()
    assert target.list() == source


def test_what_is_in_flight_is_neither_written_nor_deleted():
    now = datetime.now(UTC)
    target = _Rows("id", [{"id": 1, "v": 1, "at": now}, {"id": 2, "v": 1, "at": now}])
    plan = reconcile([{"id": 1, "v": 2, "at": now}], target.list(), key="id", fields=["v"], settle=Settle(3600, "at")).repairs(sink=target)
    assert len(plan) == 0
    assert any("2 breaks are in flight" in note for note in plan.notes)


def test_a_sink_that_rejects_too_many_is_left_in_peace():
    asked = []

    class Refusing(_Refusing):
        def write(self, changes):
            asked.extend(changes)
            return super().write(changes)

    diff = reconcile([{"id": n, "v": 1} for n in range(1000)], [], key="id", fields=["v"])
    with pytest.raises(GuardTripped, match=r"100 of 100 records were rejected.*the books are closed"):
        diff.repairs(sink=Refusing()).apply()
    assert len(asked) == 100
    assert diff.repairs(sink=Refusing(), guard=Guard(max_deletes=None, max_rejected=None)).apply().rejected == 1000
