"""The engine that spills says what the engine in memory says, on whatever stands in the records, and however little memory there is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.money import Money
from integrakit.reconciliation import Diff, Field, Key, reconcile
from integrakit.reconciliation.engines.spill import engine as spilling
from integrakit.reconciliation.engines.spill import parting

slow = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


class Local:
    """Equal only to itself."""

    def __repr__(self) -> str:
        return "Local"


class Closed:
    """Equal by its value, and refuses to be written."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Closed) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __reduce__(self) -> Any:
        raise RuntimeError("not me")

    def __repr__(self) -> str:
        return f"Closed({self.value})"


class Changed(Closed):
    """Comes back as something else."""

    def __reduce__(self) -> Any:
        return Closed, (self.value + 1,)


@attrs.frozen
class Inner:
    value: Any


LOCALS = [Local(), Local()]
ZONES = [UTC, timezone(timedelta(hours=2))]
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([2**53, 2**53 + 1, 1.0, 1.1, Decimal("1.10"), Decimal("1"), 0.0, -0.0, math.nan, Decimal("NaN"), math.inf, 2**61 - 1, 0]),
    st.sampled_from(["", "a", "A", "1", "é", "\ud800", b"", b"a", bytearray(b"a"), Money("1.10", "EUR")]),
    st.sampled_from([date(2026, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=ZONES[1])]),
    st.sampled_from([time(1), time(1, tzinfo=UTC), timedelta(1), UUID(int=1)]),
)
odd = st.one_of(
    st.sampled_from(LOCALS), st.builds(Closed, st.integers(0, 1)), st.builds(Changed, st.integers(0, 1)), st.builds(Inner, st.integers(0, 1))
)
values = st.recursive(
    st.one_of(plain, plain, odd),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2), st.tuples(inner)),
    max_leaves=5,
)
keys = st.one_of(st.integers(0, 9), st.integers(0, 9), plain, st.sampled_from([LOCALS[0], Closed(1), [1], (1, "a"), {"k": 1}]))
rows = st.lists(st.builds(lambda key, rest: {"id": key, **rest}, keys, st.dictionaries(st.sampled_from("abc"), values, max_size=3)), max_size=25)


def everything(diff: Diff) -> Any:
    """All that two engines must agree on."""
    breaks = [(b.key, b.kind, b.left, b.right, {name: (m.left, m.right, m.cause) for name, m in b.fields.items()}, b.reason) for b in diff.breaks()]
    fields = {name: (each.mismatches, sorted(each.causes.items())) for name, each in diff.by_field.items()}
    return (
        dict(diff.summary), fields, repr(dict(diff.totals)), diff.only_left, diff.only_right, diff.lookalikes, diff._findings.agreeing_duplicates,
        list(map(repr, breaks)),
    )  # fmt: skip


def spilled(left: Any, right: Any, *, room: int = 3_000, **options: Any) -> Diff:
    """With next to no memory, and blocks of a few records."""
    with patch.object(spilling, "_ROOM", room / 1e9), patch.object(parting, "_BLOCK", (2, 3)), patch.object(parting, "_PARTS", 4):
        return reconcile(left, right, engine="spill", **options)


def once(rows: Sequence[Any]) -> Any:
    return iter(list(rows))


@slow
@given(rows, rows, st.sampled_from([None, ["a"], ["a", "b", "c"]]), st.sampled_from([1, 3_000, 20_000]))
def test_spilling_gives_the_answer_of_the_memory(left: list[Any], right: list[Any], fields: list[str] | None, room: int) -> None:
    compared = None if fields is None else [Field(name, null_is_empty=True) for name in fields]
    by_dict = everything(reconcile(left, right, key="id", fields=compared, engine="dict"))
    assert everything(spilled(once(left), once(right), key="id", fields=compared, room=room)) == by_dict


few = st.lists(st.fixed_dictionaries({"id": st.integers(0, 1), "a": st.one_of(st.integers(0, 3), values)}), max_size=30)


@slow
@given(few, few, st.sampled_from([Field("a"), Field("a", within=1), Field("a", unordered=True)]), st.booleans())
def test_a_key_that_stands_very_often(left: list[Any], right: list[Any], field: Field, many: bool) -> None:
    """So little room that records of one key alone are too many, and so few tries that pairs are not tried one by one."""
    with patch("integrakit.reconciliation.rules.duplicates._TRIED", 4 if many else 40_000):
        by_dict = everything(reconcile(left, right, key="id", fields=[field], engine="dict"))
        assert everything(spilled(once(left), once(right), key="id", fields=[field], room=1)) == by_dict


parts = st.one_of(st.integers(0, 2), st.sampled_from(["a", "b", None, 1.0, Decimal("1.0"), datetime(2026, 1, 1), True]))
composite = st.lists(st.fixed_dictionaries({"k": parts, "l": parts, "v": plain}), max_size=25)


@slow
@given(composite, composite)
def test_composite_keys(left: list[Any], right: list[Any]) -> None:
    right = [{"K": row["k"], "l": row["l"], "v": row["v"]} for row in right]
    key = Key("k", "l", right=("K", "l"))
    assert everything(spilled(once(left), once(right), key=key)) == everything(reconcile(left, right, key=key, engine="dict"))


@attrs.frozen
class Order:
    id: Any
    v: Any


orders = st.lists(st.one_of(st.builds(Order, keys, values), st.sampled_from([None, "text", 1])), max_size=15)


@slow
@given(orders, rows)
def test_objects_and_what_is_no_record(left: list[Any], right: list[Any]) -> None:
    assert everything(spilled(once(left), once(right), key="id")) == everything(reconcile(left, right, key="id", engine="dict"))


cells = st.lists(st.tuples(st.sampled_from(["1", "2", "03", "x", "", "4.0"]), st.sampled_from(["", "1", "1.50", "x"])), max_size=15)
typed = st.lists(st.fixed_dictionaries({"id": st.one_of(st.integers(0, 5), st.none()), "v": st.sampled_from([1, 1.5, None, "x"])}), max_size=15)


@slow
@given(cells, typed, st.booleans())
def test_cells_against_types(tmp_path_factory: Any, left: list[Any], right: list[Any], swapped: bool) -> None:
    path: Path = tmp_path_factory.mktemp("cells") / "side.csv"
    path.write_text("id,v\n" + "".join(f"{key},{value}\n" for key, value in left), encoding="utf-8")
    sides = (right, path) if swapped else (path, right)
    assert everything(spilled(*sides, key="id")) == everything(reconcile(*sides, key="id", engine="dict"))
