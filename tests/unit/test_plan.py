"""A plan to look at and to apply; and changes as values that a store can keep."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.errors import ConfigurationError, PlanOutdated
from integrakit.model import Change
from integrakit.writing import Plan, Spool
from integrakit.writing.plan import change_from_dict, change_to_dict

CHANGES = [
    Change.upsert(1, {"id": 1, "name": "<b>"}, idempotency_key="k1"),
    Change.create(None, {"id": 2}),
    Change.update(("a", 3), {"v": None}, whole={"v": None, "w": 1}, remote_key=9),
    Change.delete(4, remote_key=8),
]


def plan_of(changes: list[Change], apply: Any = None, **options: Any) -> Plan:
    spool = Spool()
    for change in changes:
        spool.append({"change": change_to_dict(change)})

    async def nothing() -> str:
        return "report"

    return Plan(spool, apply or nothing, title="orders", **options)


@pytest.mark.parametrize("change", CHANGES)
def test_changes_come_back_as_they_were(change: Change) -> None:
    assert change_from_dict(change_to_dict(change)) == change


def test_counts_and_iteration() -> None:
    plan = plan_of(CHANGES, unchanged=5, rejected=1)
    assert (plan.creates, plan.updates, plan.deletes, plan.unchanged, plan.rejected, len(plan)) == (2, 1, 1, 5, 1, 4)
    assert list(plan) == CHANGES == list(plan)


def test_words() -> None:
    text = str(plan_of([*CHANGES, *[Change.delete(number) for number in range(20)]], notes=("look here",)))
    lines = text.splitlines()
    assert lines[0] == "orders: 2 to create, 1 to update, 21 to delete; 0 unchanged, 0 rejected"
    assert lines[1] == "  note: look here"
    assert lines[2] == "  upsert 1 id=1, name='<b>'"
    assert "update ('a', 3) v=None" in lines[4]
    assert lines[5] == "  delete 4"
    assert lines[-1] == "  … and 14 more"
    assert repr(plan_of(CHANGES)) == "<Plan orders: 2 creates, 1 updates, 1 deletes>"
    assert "&lt;b&gt;" in plan_of(CHANGES)._repr_html_()
    assert len(str(plan_of([Change.upsert(1, {"text": "x" * 10_000})]))) < 400


def test_it_is_applied_once(world: Any) -> None:
    plan = plan_of(CHANGES)
    assert world(plan.aapply) == "report"
    with pytest.raises(ConfigurationError, match="applied already"):
        world(plan.aapply)


def test_what_failed_may_be_tried_again() -> None:
    calls: list[int] = []

    async def apply() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise PlanOutdated("moved")
        return 7

    plan = plan_of([], apply)
    with pytest.raises(PlanOutdated):
        plan.apply()
    assert plan.apply() == 7
