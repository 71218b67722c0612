"""Reconciliation against a reference that is slow, plain and written from the rules; and both engines against each other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.reconciliation import Diff, Field, Key, reconcile

slow = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])

# ---------------------------------------------------------------- values and records

ZONES = [UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-5, minutes=-30))]
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, float(2**53), 1.1, Decimal("1.10"), Decimal("1.1"), 0.1 + 0.2, 0.3, -0.0, 0.0, 1e300, Decimal("1E+300")]),
    st.sampled_from([math.nan, Decimal("NaN"), math.inf, Decimal("Infinity"), -math.inf, Decimal("1E+1000000"), Decimal("1E-400"), 5e-324]),
    st.floats(width=64),
    st.decimals(allow_nan=True, places=2, min_value=-10, max_value=10),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    st.sampled_from(["", "a", "A", " a", "42", "é", "e\u0301", "1.10", "😀"]),
    st.sampled_from([date(2026, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=ZONES[1])]),
    st.sampled_from([b"", b"a", timedelta(1)]),
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)), max_leaves=5
)
names = st.sampled_from(["a", "b", "c"])
key_values = st.one_of(st.integers(0, 6), st.sampled_from([None, 1.0, Decimal("2.00")]))
records = st.lists(
    st.builds(lambda key, rest: {"id": key, **rest}, key_values, st.dictionaries(names, values, max_size=3)),
    max_size=8,
)


# ---------------------------------------------------------------- the reference


def reference_same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        a, b = (Decimal(repr(each)) if isinstance(each, float) else Decimal(each) for each in (left, right))
        return True if a.is_nan() and b.is_nan() else not a.is_nan() and not b.is_nan() and a == b
    if type(left) is not type(right):
        return False
    if isinstance(left, datetime):
        if (left.tzinfo is None) != (right.tzinfo is None):
            return False
        return left.astimezone(UTC) == right.astimezone(UTC) if left.tzinfo else left == right
    if isinstance(left, list):
        return len(left) == len(right) and all(map(reference_same, left, right))
    if isinstance(left, dict):
        return set(left) == set(right) and all(reference_same(left[name], right[name]) for name in left)
    return bool(left == right)


def reference_rows_same(left: dict[str, Any], right: dict[str, Any], fields: list[str]) -> bool:
    return all((name in left) == (name in right) and (name not in left or reference_same(left[name], right[name])) for name in fields)


def reference_pairs(lefts: list[Any], rights: list[Any], fields: list[str]) -> int:
    waiting, agree = list(rights), 0
    for left in lefts:
        for index, right in enumerate(waiting):
            if reference_rows_same(left, right, fields):
                del waiting[index]
                agree += 1
                break
    return agree


def reference(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> dict[str, int]:
    seen = [{name for row in rows for name in row} - {"id"} for rows in (left, right)]
    fields = sorted(seen[0] & seen[1] if left and right else seen[0] | seen[1])
    counts = dict.fromkeys(["left", "right", "matched", "equal", "changed", "missing_left", "missing_right", "duplicates", "null_keys", "invalid"], 0)
    counts.update(left=len(left), right=len(right))
    counts["null_keys"] = sum(row["id"] is None for row in left + right)
    for key in sorted({row["id"] for row in left + right if row["id"] is not None}):
        mine, others = [row for row in left if row["id"] == key], [row for row in right if row["id"] == key]
        if max(len(mine), len(others)) > 1:
            counts["duplicates"] += 1
            counts["equal"] += reference_pairs(mine, others, fields)
        elif not mine:
            counts["missing_left"] += 1
        elif not others:
            counts["missing_right"] += 1
        else:
            counts["equal" if reference_rows_same(mine[0], others[0], fields) else "changed"] += 1
    counts["matched"] = counts["equal"] + counts["changed"]
    return counts


def everything(diff: Diff) -> Any:
    """All that two runs must agree on, as one comparable value."""
    breaks = [(b.key, b.kind, b.left, b.right, {name: (m.left, m.right, m.cause) for name, m in b.fields.items()}, b.reason) for b in diff.breaks()]
    return repr((dict(diff.summary), breaks, dict(diff.by_field), dict(diff.totals), diff.only_left, diff.only_right, diff.matches))


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -1 if row["id"] is None else row["id"])


@slow
@given(records, records)
def test_the_dict_engine_says_what_the_reference_says(left: list[Any], right: list[Any]) -> None:
    diff = reconcile(left, right, key="id", engine="dict")
    assert dict(diff.summary) == reference(left, right)
    wrong = {"changed", "missing_left", "missing_right", "null_keys", "invalid"}
    if any(diff.summary[name] for name in wrong):
        assert not diff.matches
    assert diff.matches == (not list(diff.breaks()))


@slow
@given(records, records, st.sampled_from([None, ["a"], ["a", "b", "c"]]))
def test_both_engines_give_the_same_answer(left: list[Any], right: list[Any], fields: list[str] | None) -> None:
    left, right = ordered(left), ordered(right)
    given_fields = None if fields is None else [Field(name, null_is_empty=True) for name in fields]
    by_dict = reconcile(left, right, key="id", fields=given_fields, engine="dict")
    assert everything(by_dict) == everything(reconcile(left, right, key="id", fields=given_fields))
    repeated = any(count > 1 for rows in (left, right) for count in Counter(row["id"] for row in rows if row["id"] is not None).values())
    if fields is not None or not repeated:  # a merge that does not know its fields yet refuses repeated keys
        for size in (1, 2, 100):
            merged = reconcile(Pages(left, size), Pages(right, size), key="id", fields=given_fields, engine="merge")
            assert everything(by_dict) == everything(merged)
    assert everything(by_dict) == everything(reconcile(Pages(left, 2), Pages(right, 3), key="id", fields=given_fields, engine="auto"))


class Pages:
    """A source that can be read again and again, page by page."""

    def __init__(self, rows: list[Any], size: int) -> None:
        self.rows, self.size = rows, size

    def pages(self, since: Any) -> Any:
        from integrakit.model import Page

        return (Page(self.rows[start : start + self.size]) for start in range(0, len(self.rows), self.size))


@slow
@given(records, records)
def test_the_sides_can_be_swapped(left: list[Any], right: list[Any]) -> None:
    one, other = reconcile(left, right, key="id").summary, reconcile(right, left, key="id").summary
    swapped = {"left": "right", "right": "left", "missing_left": "missing_right", "missing_right": "missing_left"}
    assert {swapped.get(name, name): count for name, count in one.items()} == dict(other)


@slow
@given(records, st.randoms())
def test_a_side_matches_itself_in_any_order(rows: list[Any], random: Any) -> None:
    rows = [row for row in rows if row["id"] is not None]
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert reconcile(rows, shuffled, key="id").matches


@slow
@given(values, values)
def test_values_are_the_same_by_the_rules(left: Any, right: Any) -> None:
    diff = reconcile([{"id": 1, "v": left}], [{"id": 1, "v": right}], key="id", fields=["v"])
    assert diff.matches == reference_same(left, right)


whole = st.fixed_dictionaries({"id": st.integers(0, 8), "a": values, "b": scalars})
unique = st.lists(whole, max_size=8, unique_by=lambda row: row["id"])


def applied(rows: list[dict[str, Any]], diff: Diff, name: Callable[[str], str] = str) -> list[dict[str, Any]]:
    world = {row[name("id")]: dict(row) for row in rows}
    for change in diff.changes(to="right"):
        if change.kind == "delete":
            del world[change.key]
        elif change.kind == "update":
            world[change.key].update(change.record or {})
        else:
            assert change.key not in world
            world[change.key] = dict(change.record or {})
    return list(world.values())


@slow
@given(unique, unique)
def test_applying_the_changes_leaves_no_break(left: list[Any], right: list[Any]) -> None:
    diff = reconcile(left, right, key="id")
    after = reconcile(left, applied(right, diff), key="id")
    assert after.matches, str(after)
    assert len(list(diff.changes())) == sum(diff.summary[kind] for kind in ("changed", "missing_left", "missing_right"))


@slow
@given(unique, unique)
def test_applying_the_changes_uses_the_names_of_the_other_side(left: list[Any], right: list[Any]) -> None:
    right = [{"R-" + name: value for name, value in row.items()} for row in right]
    key, fields = Key("id", right="R-id"), [Field("a", right="R-a", null_is_empty=True), ("b", "R-b")]
    if not left and not right:
        return
    diff = reconcile(left, right, key=key, fields=fields)
    patched = applied(right, diff, lambda name: "R-" + name)
    assert reconcile(left, patched, key=key, fields=fields).matches or not (left or patched)


@slow
@given(st.lists(st.tuples(st.sampled_from(["a", "a|b", "1", "11", ""]), st.sampled_from(["b|c", "c", "1", "11"])), unique=True, max_size=8))
def test_parts_of_composite_keys_never_run_together(keys: list[tuple[str, str]]) -> None:
    left = [{"k": one, "l": two, "v": index} for index, (one, two) in enumerate(keys)]
    assert reconcile(left, left[::-1], key=("k", "l")).matches
    swapped = [{**row, "k": row["l"], "l": row["k"]} for row in left]
    both = {(row["k"], row["l"]) for row in left} & {(row["k"], row["l"]) for row in swapped}
    assert reconcile(left, swapped, key=["k", "l"]).summary["matched"] == len(both)


@slow
@given(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(["0", "0.01", "1", "1E+3"]),
)
def test_tolerances_are_exact(left: Decimal, right: Decimal, limit: str) -> None:
    from fractions import Fraction

    if max(abs(left.adjusted()), abs(right.adjusted())) > 500:
        return  # beyond what the reference can afford
    diff = reconcile([{"id": 1, "v": left}], [{"id": 1, "v": right}], key="id", fields=[Field("v", within=limit)])
    assert diff.matches == (abs(Fraction(left) - Fraction(right)) <= Fraction(limit))


@slow
@given(
    st.lists(st.one_of(st.integers(), st.decimals(places=3, min_value=-(10**6), max_value=10**6), st.floats(-1e6, 1e6).map(lambda x: round(x, 2))))
)
def test_control_totals_are_exact(amounts: list[Any]) -> None:
    rows = [{"id": index, "v": value} for index, value in enumerate(amounts)]
    diff = reconcile(rows, rows[1:], key="id", fields=[Field("v", null_is_empty=True)])
    exact = [Decimal(repr(value)) if isinstance(value, float) else Decimal(value) for value in amounts]
    from fractions import Fraction

    if rows:
        total = diff.totals["v"]
        assert Fraction(total.left) == sum(map(Fraction, exact))
        assert Fraction(total.right) == sum(map(Fraction, exact[1:]))
        assert Fraction(total.difference) == Fraction(exact[0])
