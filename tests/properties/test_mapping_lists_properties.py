"""Lists in mappings against a slow reference, written from the documentation alone: both passes, random rules and records; shares always add up."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import MappingError
from integrakit.transform import Mapping, grouped

D = Decimal
MISSING = object()


class Bad(Exception):
    """The reference refuses the record."""


# ---------------------------------------------------------------- the reference


def walk(scope: Any, path: str) -> Any:
    """A path of names, without indexes."""
    for name in [] if path == "." else path.split("."):
        if scope is None or scope is MISSING:
            return MISSING
        if not isinstance(scope, dict):
            raise Bad
        scope = scope.get(name, MISSING)
    return scope


def read(scope: Any, path: str) -> Any:
    value = walk(scope, path)
    if value is MISSING:
        raise Bad
    return value


def as_number(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | D | str):
        raise Bad
    try:
        return Fraction(D(value) if isinstance(value, str) else value)
    except (ValueError, ArithmeticError):
        raise Bad from None


def identity(value: Any) -> Any:
    """Equal for values that are the same."""
    if isinstance(value, list | dict) or (isinstance(value, D) and not value.is_finite()):
        raise Bad
    if isinstance(value, int | float | D) and not isinstance(value, bool):
        return ("number", Fraction(value))
    return (type(value).__name__, value)


def in_order(values: list[Any], down: bool) -> list[int]:
    """The indexes of the values in their order, by insertion: equals stay as they stand."""
    kinds = {identity(value)[0] for value in values}
    if len(kinds) > 1 or "NoneType" in kinds:
        raise Bad
    result: list[int] = []
    for index, value in enumerate(values):
        at = len(result)
        while at and (value > values[result[at - 1]] if down else value < values[result[at - 1]]):
            at -= 1
        result.insert(at, index)
    return result


def items_of(tree: dict[str, Any], name: str, record: Any) -> list[Any]:
    items = flat(tree, record) if name == "flatten" else read(record, tree[name])
    if not isinstance(items, list):
        raise Bad
    if "where" in tree:
        items = [item for item in items if item["t"] == "x"]
    if "sort" in tree:
        items = [items[index] for index in in_order([read(item, tree["sort"]) for item in items], tree.get("descending", False))]
    return items


def flat(tree: dict[str, Any], record: Any) -> list[Any]:
    outer = read(record, "outer")
    if not isinstance(outer, list):
        raise Bad
    result = []
    for item in outer:
        inner = read(item, "list")
        if not isinstance(inner, list):
            raise Bad
        result += [{"o": item, "i": one, "t": "x"} if "as" in tree else one for one in inner]
        if not inner and tree.get("keep_empty"):
            result.append({"o": item})
    return result


def total(tree: dict[str, Any], name: str, record: Any) -> Any:
    values = [read(item, tree["of"]) for item in items_of(tree, name, record)]
    if name in ("min", "max"):
        values = [value if isinstance(value, date) else as_number(value) for value in values]
        if not values:
            raise Bad
        order = in_order([D(value.numerator) / D(value.denominator) if isinstance(value, Fraction) else value for value in values], False)
        return values[order[0 if name == "min" else -1]]
    numbers = [as_number(value) for value in values]
    if name == "average":
        if not numbers:
            raise Bad
        return sum(numbers, Fraction(0)) / len(numbers)
    if name == "residue":
        return Fraction(near(sum(numbers, Fraction(0)), tree)) - sum((Fraction(near(value, tree)) for value in numbers), Fraction(0))
    return sum(numbers, Fraction(0))


def near(value: Fraction, tree: dict[str, Any]) -> D:
    up = tree.get("rounding") == "half-up"
    exact = D(value.numerator) / D(value.denominator)
    return exact.quantize(D(1).scaleb(-tree["scale"]), ROUND_HALF_UP if up else ROUND_HALF_EVEN)


def groups(tree: dict[str, Any], record: Any) -> list[Any]:
    found: dict[Any, list[Any]] = {}
    for item in items_of(tree, "group", record):
        if not isinstance(item, dict):
            raise Bad
        found.setdefault(identity(read(item, tree["by"])), []).append(item)
    result = []
    for rows in found.values():
        if len({identity(read(row, "t")) for row in rows}) > 1:
            raise Bad
        result.append({"t": rows[0]["t"], "n": len(rows), "all": [read(row, "a") for row in rows]})
    return result


# ---------------------------------------------------------------- random rules and records

NUMBERS = st.integers(-9, 10**6) | st.decimals(-99, 99, places=3) | st.sampled_from(["1.5", "2", D("1.0"), 1])
ODD = st.sampled_from([None, True, False, "", "x", "NaN", D("NaN"), D("Infinity"), [], [1], {}, date(2024, 1, 31), date(2023, 1, 1)])
KEYS = st.sampled_from([1, 2, D("1.00"), "1", "x", True, None])


def item(values: st.SearchStrategy[Any], keys: st.SearchStrategy[Any] = KEYS) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"t": st.sampled_from(["x", "x", "y"])}, optional={"a": values, "k": keys})


ITEMS = st.lists(st.fixed_dictionaries({"t": st.sampled_from(["x", "y"]), "a": NUMBERS, "k": st.integers(0, 2)}), max_size=6)
DAYS = st.lists(st.fixed_dictionaries({"t": st.just("x"), "a": st.dates(date(2020, 1, 1)), "k": st.text("ab", max_size=2)}), max_size=4)
WILD = st.lists(item(NUMBERS | ODD), max_size=4)
OUTER = st.lists(st.fixed_dictionaries({"n": NUMBERS, "list": ITEMS | DAYS}), max_size=3)
RECORDS = st.fixed_dictionaries({"list": ITEMS | DAYS | WILD, "outer": OUTER | st.lists(st.fixed_dictionaries({}, optional={"list": WILD | ODD}))})
WHERE = {"where": st.just("t == 'x'"), "sort": st.sampled_from(["a", "k", "t"]), "descending": st.booleans()}


def walked(**fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    options = st.fixed_dictionaries({}, optional=WHERE).map(lambda tree: {key: tree[key] for key in tree if key != "descending" or "sort" in tree})
    return st.builds(lambda some, more: {**some, **more}, st.fixed_dictionaries({key: st.just(value) for key, value in fixed.items()}), options)


def totals(name: str) -> st.SearchStrategy[dict[str, Any]]:
    more = {"scale": st.integers(0, 2), "rounding": st.sampled_from(["half-even", "half-up"])} if name == "residue" else {}
    return st.fixed_dictionaries({name: st.just("list"), "of": st.just("a"), **more}, optional={"where": WHERE["where"]})


RULES = st.one_of(
    [totals(name) for name in ("sum", "min", "max", "average", "residue")]
    + [
        walked(values="list", of="a"),
        walked(values="list", of="a", distinct=True),
        walked(each="list", fields={"a": "a", "n": {"position": 1}}),
        walked(group="list", by="k", fields={"t": "t", "n": {"count": "rows"}, "all": {"values": "rows", "of": "a"}}),
        walked(flatten="outer[].list[]", fields={"t": "t", "a": {"from": "a", "optional": True}}),
        st.just({"flatten": ["outer", "list"], "as": ["o", "i"], "fields": {"o": "o.list", "i": "i.t"}}),
        st.just({"flatten": "outer[].list", "as": ["o", "i"], "keep_empty": True, "fields": {"i": {"from": "i.t", "optional": True}}}),
    ]
)


def reference(tree: dict[str, Any], record: Any) -> Any:
    for name in ("sum", "min", "max", "average", "residue"):
        if name in tree:
            return total(tree, name, record)
    if "values" in tree:
        values = [read(one, tree["of"]) for one in items_of(tree, "values", record)]
        if tree.get("distinct"):
            values = once(values)
        return values
    if "each" in tree:
        return [{"a": read(one, "a"), "n": number} for number, one in enumerate(items_of(tree, "each", record), 1)]
    if "group" in tree:
        return groups(tree, record)
    found = items_of(tree, "flatten", record)
    if not all(isinstance(one, dict) for one in found):
        raise Bad
    result = []
    for one in found:
        if "as" not in tree:
            entry = {"t": read(one, "t"), "a": walk(one, "a")}
        elif tree.get("keep_empty"):
            entry = {"i": walk(one, "i.t")}
        else:
            entry = {"o": read(one, "o.list"), "i": read(one, "i.t")}
        result.append({key: value for key, value in entry.items() if value is not MISSING})
    return result


def once(values: list[Any]) -> list[Any]:
    seen: list[Any] = []
    result = []
    for value in values:
        if identity(value) not in seen:
            seen.append(identity(value))
            result.append(value)
    return result


def same(left: Any, right: Any) -> bool:
    """By value; text, bools and numbers are never the same; NaN equals NaN."""
    if isinstance(right, dict):
        return isinstance(left, dict) and list(left) == list(right) and all(same(left[key], right[key]) for key in right)
    if isinstance(right, list):
        return isinstance(left, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(right, Fraction):
        exact = Context(prec=50).divide(D(right.numerator), D(right.denominator))
        return isinstance(left, int | D) and (Fraction(left) == right or D(left) == exact)
    return left is right or (type(left) is type(right) and left == right)


def check(tree: dict[str, Any], record: Any) -> None:
    mapping = Mapping({"fields": {"it": tree}})
    try:
        with localcontext(Context(prec=500)):
            expected = reference(tree, record)
    except Bad:
        with pytest.raises(MappingError) as caught:
            mapping(record)
        assert all(error.path.startswith(("list", "outer")) for error in caught.value.errors)
    else:
        assert same(mapping(record)["it"], expected), mapping.source()
        assert same(mapping._carefully(record)["it"], expected)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=RULES, record=RECORDS)
def test_both_passes_are_the_reference(tree: dict[str, Any], record: Any) -> None:
    check(tree, record)


@settings(max_examples=80, deadline=None)
@given(
    amount=st.decimals(-(10**6), 10**6, places=2),
    weights=st.lists(st.decimals(0, 10**4, places=3) | st.integers(0, 9), min_size=1, max_size=12),
    sign=st.sampled_from([1, -1]),
)
def test_shares_add_up(amount: D, weights: list[Any], sign: int) -> None:
    mapping = Mapping({"fields": {"lines": {"each": "lines", "fields": {"s": {"share": "amount", "by": "w", "scale": 2}}}}})
    record = {"amount": amount, "lines": [{"w": sign * weight} for weight in weights]}
    if amount and not any(weights):
        with pytest.raises(MappingError):
            mapping(record)
        return
    found = [line["s"] for line in mapping(record)["lines"]]
    assert mapping._carefully(record) == {"lines": [{"s": part} for part in found]}
    assert sum(found) == amount
    whole = sum(map(Fraction, weights))
    for part, weight in zip(found, weights, strict=True):
        exact = Fraction(amount) * Fraction(weight) / whole if whole else Fraction(0)
        assert abs(Fraction(part) - exact) < Fraction(1, 100)
        assert weight or part == 0


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries({"k": st.sampled_from([1, 1.0, D(1), 2, "1", None, True]), "v": st.integers(0, 3)}), max_size=12))
def test_grouping_rows_outside_and_inside_is_the_same(rows: list[dict[str, Any]]) -> None:
    order = once([row["k"] for row in rows])
    rows = sorted(rows, key=lambda row: [identity(key) for key in order].index(identity(row["k"])))
    mapping = Mapping({"fields": {"it": {"group": "rows", "by": "k", "fields": {"k": {"first": "rows", "of": "k"}, "rows": "rows"}}}})
    assert mapping({"rows": rows})["it"] == list(grouped(rows, by="k"))
