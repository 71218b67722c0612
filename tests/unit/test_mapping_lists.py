"""Lists in mappings: which items count, in which order, what is made of them, lists in lists; both passes, and every bad list."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.money import Money
from integrakit.transform import Mapping
from integrakit.unset import UNSET

D = Decimal


def one(rule: Any, record: Any, **more: Any) -> Any:
    """The value of a single field; the careful pass, which decides when the generated code gives up, says the same, and the code does not give up."""
    mapping = Mapping({"fields": {"it": rule}}, **more)
    result = mapping._mapped(record)
    assert repr(mapping._carefully(record)) == repr(result)
    return result.get("it", UNSET)


def bad(rule: Any, record: Any, **more: Any) -> list[tuple[str, str, str]]:
    """(path, type, reason) of every error of a single field; nobody else sees a value in it."""
    mapping = Mapping({"fields": {"it": rule}}, **more)
    with pytest.raises(Exception):  # noqa: B017 - the code may raise anything, and must raise something
        mapping._mapped(record)
    with pytest.raises(MappingError) as caught:
        mapping(record)
    return [(error.path, error.value_type, error.reason) for error in caught.value.errors]


def refused(rule: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"it": rule}})
    return str(caught.value)


LINES = {
    "lines": [
        {"sku": "B", "kind": "item", "price": D("9.80"), "day": date(2024, 3, 1)},
        {"sku": "A", "kind": "fee", "price": 2, "day": date(2024, 1, 9)},
        {"sku": "C", "kind": "item", "price": "10.5", "day": date(2024, 2, 29)},
        {"sku": "A", "kind": "item", "price": D("2.00"), "day": date(2023, 12, 31)},
    ]
}
ITEM = "kind == 'item'"


# ---------------------------------------------------------------- where


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"sum": "lines", "of": "price", "where": ITEM}, D("22.30")),
        ({"count": "lines", "where": ITEM}, 3),
        ({"first": "lines", "of": "sku", "where": "kind == 'fee'"}, "A"),
        ({"last": "lines", "of": "price", "where": "kind == 'fee'"}, 2),
        ({"min": "lines", "of": "price", "where": ITEM}, D("2.00")),
        ({"max": "lines", "of": "price", "where": ITEM}, D("10.5")),
        ({"average": "lines", "of": "price", "where": "sku == 'A'"}, D("2")),
        ({"values": "lines", "of": "sku", "where": ITEM}, ["B", "C", "A"]),
        ({"each": "lines", "fields": {"s": "sku"}, "where": "kind != 'item'"}, [{"s": "A"}]),
        ({"flatten": ["lines", {"value": [1, 2]}], "where": ". > 1"}, [2, 2, 2, 2]),
        ({"group": "lines", "by": "sku", "where": ITEM, "fields": {"s": "sku", "n": {"count": "rows"}}}, [{"s": x, "n": 1} for x in "BCA"]),
        ({"sum": "lines", "of": "price", "where": "kind == 'nothing'"}, D(0)),
        ({"each": "lines", "fields": {"s": "sku"}, "where": "kind == 'nothing'"}, []),
        ({"count": "lines", "where": "kind == 'nothing'"}, 0),
    ],
)
def test_where(rule: Any, wanted: Any) -> None:
    assert one(rule, LINES) == wanted


def test_where_counts_for_the_errors_too() -> None:
    record = {"lines": [{"kind": "item", "price": 1}, {"kind": "fee", "price": "x"}, {"kind": "item", "price": "y"}]}
    found = bad({"sum": "lines", "of": "price", "where": ITEM}, record)
    assert [(path, kind) for path, kind, _ in found] == [("lines[2].price", "str")]


def test_places_are_those_of_the_record() -> None:
    record = {"lines": [{"n": 3, "x": 1}, {"n": 2, "x": 0}, {"n": 1, "x": None}]}
    rule = {"each": "lines", "where": "x != 0", "sort": "n", "fields": {"x": {"from": "x", "to": "int", "nullable": False}}}
    assert bad(rule, record) == [("lines[2].x", "null", "null is not allowed here")]
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"it": rule}})(record)
    assert caught.value.errors[0].target == "it[0].x"


def test_first_of_nothing_that_counts() -> None:
    assert bad({"first": "lines", "where": "kind == 'x'"}, LINES) == [("lines", "list", "the list is empty: it has no first item")]
    assert one({"first": "lines", "where": "kind == 'x'", "optional": True}, LINES) is UNSET
    assert one({"last": "lines", "where": "kind == 'x'", "default": 0}, LINES) == 0


# ---------------------------------------------------------------- sort


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"sort": "sku"}, ["A2", "A4", "B1", "C3"]),
        ({"sort": "sku", "descending": True}, ["C3", "B1", "A2", "A4"]),
        ({"sort": "day"}, ["A4", "A2", "C3", "B1"]),
        ({"sort": {"from": "price", "to": "decimal"}}, ["A2", "A4", "B1", "C3"]),
        ({"sort": ["sku", "day"]}, ["A4", "A2", "B1", "C3"]),
        ({"sort": ["sku", "day"], "descending": [True, False]}, ["C3", "B1", "A4", "A2"]),
        ({"sort": [{"multiply": ["price", -1]}]}, ["C3", "B1", "A2", "A4"]),
    ],
)
def test_sort(options: Any, wanted: list[str]) -> None:
    record = {"lines": [{**line, "n": index} for index, line in enumerate(LINES["lines"], 1)]}
    name = {"concat": ["sku", "n"]}
    assert [item["n"] for item in one({"each": "lines", "fields": {"n": name}, **options}, record)] == wanted
    assert one({"values": "lines", "of": name, **options}, record) == wanted
    assert one({"first": "lines", "of": name, **options}, record) == wanted[0]
    assert one({"last": "lines", "of": name, **options}, record) == wanted[-1]


def test_the_record_is_not_sorted() -> None:
    record = {"lines": [3, 1, 2]}
    assert one({"values": "lines", "sort": "."}, record) == [1, 2, 3]
    assert record == {"lines": [3, 1, 2]}


@pytest.mark.parametrize(
    ("values", "path", "reason"),
    [
        (["a", 1], "l[1].k", "text and numbers cannot be sorted together"),
        ([1, True], "l[1].k", "numbers and bools cannot be sorted together"),
        ([date(2024, 1, 1), datetime(2024, 1, 1)], "l[1].k", "dates and datetimes without a zone cannot be sorted together"),
        (
            [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1)],
            "l[1].k",
            "datetimes with a zone and datetimes without a zone cannot be sorted together",
        ),
        ([Money("1", "EUR"), Money("1", "USD")], "l[1].k", "amounts in EUR and amounts in USD cannot be sorted together"),
        ([1, None], "l[1].k", "null has no place in an order"),
        ([1, UNSET], "l[1].k", "is missing"),
        ([1, D("NaN")], "l[1].k", "NaN is not a finite number"),
        ([1, float("inf")], "l[1].k", "inf is not a finite number"),
        ([[1], [2]], "l[0].k", "a list has no place in an order"),
        ([object(), object()], "l[0].k", "an object has no place in an order"),
    ],
)
def test_what_cannot_be_sorted(values: list[Any], path: str, reason: str) -> None:
    for rule in ({"values": "l", "of": {"value": 0}, "sort": "k"}, {"each": "l", "fields": {"x": {"value": 1}}, "sort": "k"}):
        found = bad(rule, {"l": [{"k": value} for value in values]})
        assert found[0][0] == path
        assert reason in found[0][2]


def test_numbers_of_all_types_are_sorted_by_value() -> None:
    assert one({"values": "l", "sort": "."}, {"l": [1.5, 1, D("1.25"), 10**30, -2]}) == [-2, 1, D("1.25"), 1.5, 10**30]
    assert one({"values": "l", "sort": "."}, {"l": [timedelta(2), timedelta(1)]}) == [timedelta(1), timedelta(2)]
    assert one({"values": "l", "sort": "."}, {"l": [time(2), time(1)]}) == [time(1), time(2)]
    early, late = datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 1, 1, tzinfo=UTC)
    assert one({"values": "l", "sort": "."}, {"l": [late, early]}) == [early, late]
    assert one({"values": "l", "sort": "."}, {"l": []}) == []


# ---------------------------------------------------------------- min, max, average, residue


@pytest.mark.parametrize(
    ("rule", "values", "wanted"),
    [
        ({"min": "l"}, [3, D("2.5"), "4"], D("2.5")),
        ({"max": "l"}, [3, D("2.5"), "4"], D(4)),
        ({"max": "l"}, ["9.8", "10"], D(10)),
        ({"max": "l"}, [1, D("1.0")], 1),
        ({"min": "l"}, [date(2024, 2, 1), date(2024, 1, 31)], date(2024, 1, 31)),
        ({"max": "l", "of": {"from": ".", "to": "date"}}, ["2024-02-01", "2024-01-31"], date(2024, 2, 1)),
        ({"max": "l", "of": {"from": ".", "to": "str"}}, ["9", "10"], "9"),
        ({"max": "l", "to": "str"}, ["9", "10"], "10"),
        ({"max": "l"}, [Money("1", "EUR"), Money("2", "EUR")], Money("2", "EUR")),
        ({"min": "l", "float": "shortest"}, [0.1, 1], D("0.1")),
        ({"average": "l"}, [1, 2], D("1.5")),
        ({"average": "l"}, [D("0.10"), "0.20"], D("0.15")),
        ({"average": "l"}, [10**60 + 1, 10**60 + 3], D(10**60 + 2)),
        ({"average": "l", "to": "decimal", "scale": 2}, [1, 1, 0], D("0.67")),
        ({"residue": "l", "scale": 2}, [D("0.005"), D("0.015"), D("0.005")], D("0.00")),
        ({"residue": "l", "scale": 2, "rounding": "half-up"}, [D("0.005"), D("0.005")], D("-0.01")),
        ({"residue": "l", "scale": 0, "of": {"multiply": [".", "."]}}, [D("1.2"), D("1.2")], D("1")),
        ({"residue": "l", "scale": 2}, [], D("0.00")),
        ({"residue": "l", "scale": 0, "float": "shortest"}, [0.4, 0.4], D("1")),
    ],
)
def test_aggregates(rule: Any, values: list[Any], wanted: Any) -> None:
    found = one(rule, {"l": values})
    assert (found, type(found)) == (wanted, type(wanted))


def test_an_average_that_is_not_exact_has_fifty_digits() -> None:
    with localcontext(Context(prec=3)):
        found = one({"average": "l"}, {"l": [1, 0, 0]})
    assert found == D("0." + "3" * 50)


def test_the_residue_is_what_the_lines_lack() -> None:
    lines = [{"net": D("1.004")} for _ in range(7)]
    fields = {
        "lines": {"each": "lines", "fields": {"net": {"from": "net", "to": "decimal", "scale": 2}}},
        "rounding": {"residue": "lines", "of": "net", "scale": 2},
        "total": {"sum": "lines", "of": "net", "to": "decimal", "scale": 2},
    }
    found = Mapping({"fields": fields})({"lines": lines})
    assert found["rounding"] == D("0.03")
    assert sum(line["net"] for line in found["lines"]) + found["rounding"] == found["total"] == D("7.03")


@pytest.mark.parametrize("name", ["min", "max", "average"])
def test_nothing_has_no_average(name: str) -> None:
    assert bad({name: "l"}, {"l": []})[0][2].startswith("the list is empty: it has no ")
    assert one({name: "l", "optional": True}, {"l": []}) is UNSET
    assert one({name: "l", "default": 0}, {"l": []}) == 0
    assert one({name: "l", "optional": True}, {}) is UNSET
    assert bad({name: "l"}, {"l": None})[0][0] == "l"
    assert bad({name: "l"}, {}) == [("l", "missing", "is missing")]


@pytest.mark.parametrize("name", ["min", "max", "average", "residue", "sum"])
@pytest.mark.parametrize("value", [True, None, "x", "", 0.1, D("NaN"), D("Infinity"), [], {}, object(), UNSET, b"1", float("nan"), "1_0", "١"])
def test_what_is_not_a_number(name: str, value: Any) -> None:
    more = {"scale": 2} if name == "residue" else {}
    found = bad({name: "l", "of": "k", **more}, {"l": [{"k": 1}, {"k": value}]})
    assert found[0][0] == "l[1].k"


def test_min_says_how_dates_are_compared() -> None:
    assert 'say to = "date"' in bad({"min": "l"}, {"l": ["2024-01-01"]})[0][2]
    assert "cannot be compared" in bad({"min": "l"}, {"l": [1, date(2024, 1, 1)]})[0][2]


# ---------------------------------------------------------------- values


def test_values() -> None:
    assert one({"values": "lines", "of": "sku"}, LINES) == ["B", "A", "C", "A"]
    assert one({"values": "lines", "of": "sku", "distinct": True}, LINES) == ["B", "A", "C"]
    assert one({"values": "lines", "of": "sku", "distinct": True, "sort": "sku"}, LINES) == ["A", "B", "C"]
    assert one({"values": "l"}, {"l": (1, None, "x")}) == [1, None, "x"]
    assert one({"values": "l"}, {"l": None}) is None
    assert one({"values": "l", "optional": True}, {}) is UNSET
    assert one({"count": {"values": "lines", "of": "sku", "distinct": True}}, LINES) == 3
    assert one({"sum": {"values": "lines", "of": {"multiply": ["price", 2]}}}, LINES) == D("48.60")
    assert bad({"sum": {"values": "lines", "of": "kind"}}, LINES)[0][0] == "lines[0].kind"


def test_missing_values_are_not_dropped_in_silence() -> None:
    record = {"l": [{"k": 1}, {}]}
    assert bad({"values": "l", "of": "k"}, record) == [("l[1].k", "missing", "is missing")]
    assert one({"values": "l", "of": {"from": "k", "default": None}}, record) == [1, None]
    assert one({"values": "l", "of": "k", "where": "k is present"}, record) == [1]


def test_distinct_by_value() -> None:
    values = [1, 1.0, D("1.00"), True, "1", None, None, 0.1, D("0.1"), False, 0, date(2024, 1, 1), datetime(2024, 1, 1), b"1"]
    found = one({"values": "l", "distinct": True}, {"l": values})
    assert [repr(value) for value in found] == [
        "1", "True", "'1'", "None", "0.1", "False", "0", "datetime.date(2024, 1, 1)", "datetime.datetime(2024, 1, 1, 0, 0)", "b'1'",
    ]  # fmt: skip
    assert bad({"values": "l", "distinct": True}, {"l": [1, [2]]})[0][:2] == ("l[1]", "list")
    assert bad({"values": "l", "distinct": True}, {"l": [D("NaN")]})[0][0] == "l[0]"


# ---------------------------------------------------------------- flatten

SHIPMENTS = {
    "shipments": [
        {"id": 1, "lines": [{"sku": "A", "boxes": [1, 2]}, {"sku": "B", "boxes": []}]},
        {"id": 2, "lines": []},
        {"id": 3, "lines": [{"sku": "C", "boxes": [3]}]},
    ]
}


@pytest.mark.parametrize("levels", ["shipments[].lines[]", "shipments[].lines", ["shipments", "lines"], [{"from": "shipments"}, {"from": "lines"}]])
def test_flatten(levels: Any) -> None:
    assert one({"flatten": levels, "fields": {"s": "sku"}}, SHIPMENTS) == [{"s": "A"}, {"s": "B"}, {"s": "C"}]
    assert one({"flatten": levels}, SHIPMENTS) == [line for shipment in SHIPMENTS["shipments"] for line in shipment["lines"]]
    named = {"flatten": levels, "as": ["shipment", "line"]}
    fields = {"id": "shipment.id", "s": "line.sku"}
    rows = [{"id": 1, "s": "A"}, {"id": 1, "s": "B"}, {"id": 3, "s": "C"}]
    assert one({**named, "fields": fields}, SHIPMENTS) == rows
    assert one({"each": named, "fields": fields}, SHIPMENTS) == rows
    assert one({**named, "where": "shipment.id == 3", "fields": fields}, SHIPMENTS) == rows[2:]
    assert one({**named, "sort": "line.sku", "descending": True, "fields": fields}, SHIPMENTS) == rows[::-1]
    assert one({"count": {"flatten": levels}}, SHIPMENTS) == 3
    assert one({"sum": named, "of": {"multiply": ["shipment.id", 2]}}, SHIPMENTS) == 10


def test_flatten_deeper() -> None:
    assert one({"flatten": "shipments[].lines[].boxes[]"}, SHIPMENTS) == [1, 2, 3]
    rule = {"flatten": "shipments[].lines[].boxes", "as": ["s", "l", "b"], "fields": {"row": {"concat": ["s.id", "l.sku", "b"]}}}
    assert [row["row"] for row in one(rule, SHIPMENTS)] == ["1A1", "1A2", "3C3"]
    rule = {**rule, "keep_empty": True, "fields": {"s": "s.id", "b": {"from": "b", "optional": True}}}
    assert one(rule, SHIPMENTS) == [{"s": 1, "b": 1}, {"s": 1, "b": 2}, {"s": 1}, {"s": 2}, {"s": 3, "b": 3}]


def test_flatten_lists_of_lists() -> None:
    matrix = {"m": [[1, 2], (3,), []], "deep": [[[1], [2]], [[3]]]}
    assert one({"flatten": "m"}, matrix) == [1, 2, 3]
    assert one({"flatten": "m[]"}, matrix) == [1, 2, 3]
    assert one({"flatten": "deep[][]"}, matrix) == [[1], [2], [3]]
    assert one({"flatten": ["deep", ".", "."]}, matrix) == [1, 2, 3]
    assert one({"flatten": '"a[].b"[].c'}, {"a[].b": [{"c": [1]}]}) == [1]
    assert one({"values": {"flatten": "m"}, "where": ". > 1"}, matrix) == [2, 3]


def test_flatten_what_is_not_there() -> None:
    assert one({"flatten": "a[].b", "optional": True}, {}) is UNSET
    assert one({"flatten": "a[].b"}, {"a": None}) is None
    assert bad({"flatten": "a[].b"}, {"a": [{"b": [1]}, {"b": None}]})[0][:2] == ("a[1].b", "null")
    assert bad({"flatten": "a[].b"}, {"a": [{"b": [1]}, {}]}) == [("a[1].b", "missing", "is missing")]
    assert bad({"flatten": "a[].b", "fields": {"x": "x"}}, {"a": [{"b": [1]}, {"b": "xy"}]})[0][:2] == ("a[1].b", "str")
    assert one({"flatten": ["a", {"from": "b", "default": [], "nullable": False}]}, {"a": [{"b": [1]}, {}, {"b": None}]}) == [1]


def test_errors_of_flattened_items_name_their_place() -> None:
    record = {"a": [{"n": "x", "b": [{"c": 1}]}, {"n": 2, "b": [{"c": 1}, {"c": "y"}]}]}
    plain = {"flatten": "a[].b", "fields": {"c": {"from": "c", "to": "int"}}}
    assert bad(plain, record)[0][0] == "a[1].b[1].c"
    named = {"flatten": "a[].b", "as": ["outer", "inner"], "fields": {"c": {"from": "inner.c", "to": "int"}, "n": {"from": "outer.n", "to": "int"}}}
    assert [error[0] for error in bad(named, record)] == ["a[0].n", "a[1].b[1].c"]
    assert bad({"sum": {"flatten": "a[].b", "as": ["o", "i"]}, "of": "i.c"}, record)[0][0] == "a[1].b[1].c"
    missing = {"flatten": "a[].b", "as": ["outer", "inner"], "fields": {"c": "inner.d.e"}}
    assert bad(missing, {"a": [{"b": [{"d": None}]}]}) == [("a[0].b[0].d.e", "missing", "is missing, because a[0].b[0].d is null")]


# ---------------------------------------------------------------- position


def test_position() -> None:
    assert one({"each": "lines", "where": ITEM, "sort": "sku", "fields": {"n": {"position": 1}, "s": "sku"}}, LINES) == [
        {"n": 1, "s": "A"},
        {"n": 2, "s": "B"},
        {"n": 3, "s": "C"},
    ]
    tens = {"multiply": [{"position": 1}, 10]}
    assert one({"each": "lines", "fields": {"n": tens}}, LINES) == [{"n": D(n)} for n in (10, 20, 30, 40)]
    inner = {"each": "lines", "fields": {"n": {"position": 0}}}
    found = one({"each": "shipments", "fields": {"n": {"position": 1}, "lines": inner, "again": {"position": 1}}}, SHIPMENTS)
    assert [(item["n"], [line["n"] for line in item["lines"]], item["again"]) for item in found] == [(1, [0, 1], 1), (2, [], 2), (3, [0], 3)]
    assert one({"flatten": "shipments[].lines", "fields": {"at": {"fields": {"n": {"position": 1}}}}}, SHIPMENTS)[2] == {"at": {"n": 3}}


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"each": "l", "fields": {"a": "a"}, "descending": True}, "descending belongs to sort"),
        ({"each": "l", "fields": {"a": "a"}, "sort": []}, "takes a path or rule"),
        ({"each": "l", "fields": {"a": "a"}, "sort": 3}, "a rule is a path"),
        ({"each": "l", "fields": {"a": "a"}, "sort": "a", "descending": "yes"}, "descending is true or false"),
        ({"each": "l", "fields": {"a": "a"}, "sort": ["a", "b"], "descending": [True]}, "one of them for each key"),
        ({"each": "l", "fields": {"a": "a"}, "where": 3}, "fields.it.where"),
        ({"each": "l", "fields": {"a": "a"}, "where": "a =="}, "fields.it.where"),
        ({"each": "l", "fields": {"a": "a"}, "were": "a"}, "did you mean 'where'"),
        ({"sum": "l", "sort": "a"}, "sort has no meaning beside sum"),
        ({"count": "l", "of": "a"}, "of has no meaning beside count"),
        ({"values": "l", "distinct": "yes"}, "distinct is true or false"),
        ({"residue": "l"}, "residue needs scale, the number of digits"),
        ({"residue": "l", "scale": -1}, "scale is a number of digits"),
        ({"residue": "l", "scale": 2, "rounding": "half"}, "unknown rounding 'half'"),
        ({"residue": "l", "scale": 2, "to": "str"}, "to has no meaning beside residue"),
        ({"flatten": []}, "from the outside in"),
        ({"flatten": ["a", "b", "c", "d", "e"]}, "at most 4 lists"),
        ({"flatten": "a[].b", "as": ["x"]}, "as gives each of the 2 lists a name"),
        ({"flatten": "a[].b", "as": ["x", "x"]}, "as gives each of the 2 lists a name"),
        ({"flatten": "a[].b", "as": "x"}, "as gives each of the 2 lists a name"),
        ({"flatten": "a[].b", "keep_empty": True}, "keep_empty needs as"),
        ({"flatten": ["a", 3]}, "fields.it.flatten[1]"),
        ({"flatten": "a[].b..c"}, "is not a path"),
        ({"flatten": "a", "fields": {"x": "x"}, "apply": ["strip"]}, "apply has no meaning beside flatten"),
        ({"add": [{"flatten": "a", "fields": {"x": "x"}}, 1]}, "make a whole field"),
        ({"position": 1}, "position belongs into the fields of a list"),
        ({"each": "l", "fields": {"n": {"position": True}}}, "position is the number of the first item"),
        ({"each": "l", "fields": {"n": {"sum": "m", "of": {"position": 1}}}}, "position belongs into the fields of a list"),
        ({"each": "l", "fields": {"n": {"position": 1, "optional": True}}}, "optional has no meaning beside position"),
    ],
)
def test_mistakes(rule: Any, words: str) -> None:
    assert words in refused(rule)


# ---------------------------------------------------------------- hostile


@pytest.mark.parametrize("hostile", [None, "text", 5, {"a": 1}, {1, 2}, object(), D("NaN"), b"x", range(3), iter([1])])
@pytest.mark.parametrize(
    "rule",
    [
        {"min": "l"},
        {"average": "l"},
        {"residue": "l", "scale": 2},
        {"flatten": "l[].m"},
        {"values": {"flatten": "l"}, "distinct": True},
        {"each": "l", "sort": "a", "where": "a > 1", "fields": {"a": "a"}},
        {"group": "l", "by": "a", "fields": {"a": "a"}},
    ],
)
def test_hostile_lists(rule: Any, hostile: Any) -> None:
    mapping = Mapping({"fields": {"it": rule}})
    for record in (
        {"l": hostile},
        {"l": [hostile]},
        {"l": [{"a": hostile, "m": hostile}]},
        {"l": [{"a": 1, "m": [hostile]}, {"a": hostile, "m": []}]},
    ):
        try:
            mapping(record)
        except MappingError as problem:
            assert [error.path for error in problem.errors if not error.path.startswith("l")] == []  # noqa: PT017 - some of these records fit


def test_a_deep_list_is_an_error_and_no_crash() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    other: Any = []
    for _ in range(50_000):
        other = [other]
    assert Mapping({"fields": {"it": {"flatten": "l"}}})({"l": [deep]})["it"][0] is deep[0]
    assert bad({"values": "l", "distinct": True}, {"l": [deep]})[0][0] == "l[0]"
    group = Mapping({"fields": {"it": {"group": "l", "by": "k", "fields": {"d": "d"}}}})
    record = {"l": [{"k": 1, "d": deep}, {"k": 1, "d": other}]}
    assert group(record)["it"][0]["d"] is group._carefully(record)["it"][0]["d"] is deep
    while deep:  # freed step by step: the interpreter frees deep lists by recursion
        deep = deep.pop()
    while other:
        other = other.pop()


def test_numbers_without_end_are_errors_and_quick() -> None:
    huge = D("1E+999999")
    for rule in ({"min": "l"}, {"values": "l", "distinct": True}, {"values": "l", "sort": "."}, {"average": "l"}, {"residue": "l", "scale": 2}):
        assert bad(rule, {"l": [huge, 10**5000]})[0][0].startswith("l")


def test_many_items() -> None:
    record = {"l": [{"k": index % 1000, "x": index} for index in range(50_000)]}
    fields = {
        "groups": {"group": "l", "by": "k", "fields": {"k": "k", "n": {"count": "rows"}}},
        "sorted": {"values": "l", "of": "x", "sort": ["k", "x"], "where": "x > 100"},
        "max": {"max": "l", "of": "x"},
    }
    found = Mapping({"fields": fields})(record)
    assert len(found["groups"]) == 1000
    assert found["sorted"][0] == 1000
    assert found["max"] == 49_999


# ---------------------------------------------------------------- documents and coverage


def test_the_page_names_the_places() -> None:
    fields = {
        "rows": {
            "flatten": "a[].b",
            "as": ["o", "i"],
            "where": "i.ok == true",
            "fields": {"x": "i.x", "n": "o.n", "p": {"position": 1}, "all": "$.all"},
        },
        "top": {"max": "a", "of": "n", "where": "k == 'x'"},
        "names": {"values": "a", "of": "n", "distinct": True, "sort": "s", "descending": True},
    }
    page = Mapping({"fields": fields}).document()
    for row in [
        "| rows\\[\\].x | a\\[\\].b\\[\\].x | as it is |",
        "| rows\\[\\].n | a\\[\\].n | as it is |",
        "| rows\\[\\].p | – | its position, counted from 1 |",
        "| rows\\[\\].all | all | as it is |",
        "| top | a\\[\\].n, a\\[\\].k | max(a where k == 'x' of n) |",
        "| names | a\\[\\].n, a\\[\\].s | distinct values(a sorted by s descending of n) |",
    ]:
        assert row in page


def test_coverage_knows_what_is_read() -> None:
    rule = {"flatten": "a[].b", "as": ["o", "i"], "where": "i.ok == true", "sort": "o.s", "fields": {"x": "i.x", "n": "o.n"}}
    record = {"a": [{"n": 1, "s": 1, "z": 1, "b": [{"x": 1, "ok": True, "y": 2}]}], "c": 1}
    assert set(Mapping({"fields": {"it": rule}}).coverage([record]).unused) == {"c", "a[].z", "a[].b[].y"}
    assert set(Mapping({"fields": {"it": {"flatten": "a[].b"}}}).coverage([record]).unused) == {"c", "a[].n", "a[].s", "a[].z"}


def nested(depth: int, make: Any) -> Any:
    return make(nested(depth - 1, make)) if depth else "b"


@pytest.mark.parametrize(
    "make",
    [
        lambda inner: {"flatten": ["a", inner], "as": ["x", "y"]},
        lambda inner: {"flatten": ["a", "b", "c", inner], "as": ["w", "x", "y", "z"]},
        lambda inner: {"values": "a", "of": inner, "sort": inner, "where": "b == 1"},
        lambda inner: {"group": "a", "by": "b", "fields": {"n": {"position": 1}, "x": inner}},
        lambda inner: {"each": "a", "sort": "b", "fields": {"s": {"share": "t", "by": "w", "scale": 2}, "x": inner}},
    ],
)
def test_however_deep_it_is_refused_or_compiled(make: Any) -> None:
    for depth in range(1, 9):
        rule = nested(depth, make)
        try:
            mapping = Mapping({"fields": {"it": rule}})
        except ConfigurationError as problem:
            assert depth > 4 and "levels deep" in str(problem)  # noqa: PT017, PT018 - most of these are compiled
        else:
            assert mapping.document()
            assert mapping.coverage([{"a": [{"b": 1}]}]).records == 1
