"""Applying the repairs and comparing again gives no break: for random sides, in both directions, with sides of truth, on every engine."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrakit.model import Change, Outcome
from integrakit.reconciliation import Diff, Field, reconcile

FIELDS = ("name", "amount", "at")

values = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "", "a", "A", "é", "é", "a "]),
        "amount": st.sampled_from([None, *map(Decimal, ("0", "0.01", "-1.50", "1.5", "99999.99"))]),
        "at": st.sampled_from([None, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]),
    }
)
sides = st.dictionaries(st.integers(-5, 12), values, max_size=12)


class Table:
    """A table in memory, as one of the sides and as what repairs are written to."""

    key = "id"
    repeatable = True

    def __init__(self, rows: dict[int, dict[str, Any]]) -> None:
        self.rows = {id: {"id": id, **row} for id, row in rows.items()}

    def write(self, changes: list[Change]) -> list[Outcome]:
        outcomes = []
        for change in changes:
            if change.kind == "delete":
                del self.rows[change.key]
            elif change.kind == "create":
                assert change.key not in self.rows
                self.rows[change.key] = dict(change.record)
            else:
                self.rows[change.key] |= change.record
            outcomes.append(Outcome.applied(change.key))
        return outcomes

    def sorted(self) -> list[dict[str, Any]]:
        return [self.rows[id] for id in sorted(self.rows)]

    def arrow(self) -> Any:
        pa = pytest.importorskip("pyarrow", reason="columns are pyarrow's")
        schema = pa.schema({"id": pa.int64(), "name": pa.string(), "amount": pa.decimal128(12, 2), "at": pa.timestamp("us", "UTC")})
        return pa.Table.from_pylist(self.sorted(), schema=schema)


def compared(engine: str, left: Table, right: Table, fields: Any = FIELDS) -> Diff:
    if engine == "pushdown":
        pytest.importorskip("duckdb", reason="frames are joined in DuckDB")
    form = Table.arrow if engine in ("arrow", "pushdown") else Table.sorted
    diff = reconcile(form(left), form(right), key="id", fields=fields, engine=engine)  # type: ignore[arg-type]
    assert f"engine: {engine}" in diff.explain()
    return diff


@pytest.mark.parametrize("engine", ["dict", "merge", "spill", "arrow", "pushdown"])
@settings(max_examples=15)
@given(sides, sides, st.sampled_from(["left", "right"]))
def test_apply_and_compare_again(engine, a, b, to):
    left, right = Table(a), Table(b)
    target = {"left": left, "right": right}[to]
    plan = compared(engine, left, right).repairs(to=to, sink=target)
    plan.apply()
    assert left.rows == right.rows
    assert compared(engine, left, right).matches


@pytest.mark.parametrize("engine", ["dict", "arrow"])
@settings(max_examples=15)
@given(sides, sides, st.sampled_from(["left", "right"]))
def test_each_side_is_right_about_something(engine, a, b, truth):
    left, right = Table(a), Table(b)
    fields = [Field("name", truth="left"), Field("amount", truth="right"), "at"]
    diff = compared(engine, left, right, fields)
    plans = [diff.repairs(to="right", sink=right, truth=truth), diff.repairs(to="left", sink=left, truth=truth)]
    for plan in plans:
        plan.apply()
    assert compared(engine, left, right, fields).matches
    assert left.rows.keys() == (a if truth == "left" else b).keys()
    for id in a.keys() & b.keys():
        assert left.rows[id]["name"] == a[id]["name"]
        assert right.rows[id]["amount"] == b[id]["amount"]
        assert left.rows[id]["at"] == (a if truth == "left" else b)[id]["at"]
