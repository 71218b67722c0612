"""``when``, ``cases``, and paths from the record on (``$``)."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping
from integrakit.transform.paths import parse_path
from integrakit.unset import UNSET

AWARE = dt.datetime(2024, 1, 31, 23, 30, tzinfo=dt.UTC)


class Status(str, enum.Enum):  # noqa: UP042 - what older programs have
    PAID = "paid"


class Plain(enum.Enum):
    ONE = 1


def mapped(rule: Any, record: Any, **options: Any) -> Any:
    """The field ``f`` of the result, or UNSET; both passes must say the same."""
    mapping = Mapping({"fields": {"f": rule}}, **options)
    result = mapping(record)
    assert mapping._carefully(record) == result
    return result.get("f", UNSET)


def refused(rule: Any, record: Any, **options: Any) -> str:
    """The first error of the record."""
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"f": rule}}, **options)(record)
    return str(caught.value.errors[0])


def mistake(rule: Any, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"f": rule}}, **options)
    return str(caught.value)


def holds(condition: str, record: Any) -> bool:
    return mapped({"value": 1, "when": condition}, record) == 1


# ---------------------------------------------------------------- what conditions mean


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("a == 'x'", "x"),
        ('a == "x"', "x"),
        ("a == 'it\\'s'", "it's"),
        ("a != 'x'", "y"),
        ("a in ['x', 'y']", "y"),
        ("a not in ['x', 'y']", "z"),
        ("a starts with 'x-'", "x-1"),
        ("a ends with '-1'", "x-1"),
        ("a contains '-'", "x-1"),
        ("not a contains '-'", "x"),
        ("a < 'b'", "a"),
        ("a == 'é'", "é"),
        ("a == 5", 5),
        ("a == 5", 5.0),
        ("a == 5", Decimal("5.00")),
        ("a == 0.1", 0.1),
        ("a == 0.1", Decimal("0.1")),
        ("a == -1e2", -100),
        ("a in [1, 2.5]", 2.5),
        ("a > 1 and a < 3", 2),
        ("a>=1 and(2<=a)", 2),
        ("2 > a", 1),
        ("a == true", True),
        ("a != true", False),
        ("a", True),
        ("not a", False),
        ("a in [true]", True),
        ("a == 5.5", Decimal("5.5")),
        ("a < 5.5", -(10**400)),
        ("a == 'paid'", Status.PAID),
        ("a in ['paid', 'open']", Status.PAID),
        ("'vip' in a", ["x", "vip"]),
        ("not 'vip' in a", []),
        ("'x' in a", ("x",)),
        ("length(a) == 0", []),
        ("length(a) == 2", "ab"),
        ("length(a) == 1", {"b": 1}),
        ("number(a) > 2", "3.5"),
        ("text(a) == '5'", 5),
        ("lower(strip(a)) == 'x'", " X "),
        ("a >= '2024-01-01'", dt.date(2024, 1, 1)),
        ("a < '2024-02-01T00:00:00Z'", AWARE),
        ("a == '2024-02-01T00:30:00+01:00'", AWARE),
        ("a < '12:00'", dt.time(8)),
        ("date(a) == '2024-01-31'", "2024-01-31 10:00"),
        ("date(a, 'Europe/Berlin') == '2024-02-01'", AWARE),
        ("datetime(a) < '2024-02-01T00:00:00Z'", "2024-02-01T00:30:00+01:00"),
        ("a > '2024-01-01'", "2024-01-01T10:00:00Z"),
        ("a.b == 1", MappingProxyType({"b": 1})),
        ("a == a", "x"),
        ("(a == 1 or a == 2) and not (a == 1)", 2),
        ("a == 1 or a == 2 and a == 3", 1),
        ("not not a == 1", 1),
        ("`a` == 1", 1),
        ("$.a == 1", 1),
        ("a is present", 0),
        ("a is null", None),
        ("a is not present", None),
        ("a is not missing", None),
        ("a is missing", UNSET),
        ("a.b is missing", None),
    ],
)
def test_holds(condition: str, value: Any) -> None:
    assert holds(condition, {"a": value})


@pytest.mark.parametrize("value", [None, UNSET])
def test_nothing_is_equal_to_nothing_alone(value: Any) -> None:
    record = {"a": value, "b": None}
    for condition in ("a == null", "a == b", "a in ['x', null]", "a != 'x'", "not (a < 1)", "not a", "a not in ['x']", "a == c"):
        assert holds(condition, record), condition
    for condition in ("a != null", "a == 'x'", "a < 1", "a >= 1", "a < c", "a", "a starts with ''", "a contains ''", "'x' in a", "number(a) == 0"):
        assert not holds(condition, record), condition
    assert not holds("length(a) == 0", record)


@pytest.mark.parametrize(
    ("condition", "value", "reason"),
    [
        ("a == 5", "5", "f: '5' is text and 5 a number: number(…) makes a number of text, text(…) makes text of a number (from 'a', str)"),
        ("a == '5'", 5, "5 is a number and '5' text"),
        ("a == 1", True, "true is a bool and 1 a number"),
        ("a == true", "true", "'true' is text and true a bool"),
        ("a == 1", float("nan"), "nan is not a finite number"),
        ("a < 1", Decimal("sNaN"), "sNaN is not a finite number"),
        ("a", "yes", "'yes' is not true or false"),
        ("a == 'x'", ["x"], "a list cannot be compared: length(…)"),
        ("a == 'x'", {"x": 1}, "an object cannot be compared"),
        ("a == 1", Plain.ONE, "a Plain cannot be compared"),
        ("a == 'x'", UUID(int=0), "an UUID cannot be compared"),
        ("a == 'x'", b"x", "a bytes cannot be compared"),
        ("'x' in a", "x", "a str stands where a list is wanted"),
        ("'y' in a", ["x", 5], "'y' is text and 5 a number"),
        ("a contains 'b'", ["b"], "in finds an item of a list"),
        ("a starts with 'b'", 5, "5 is an int, and starts with is for text"),
        ("a.b is missing", "text", "a str stands where an object is wanted (from 'a', str)"),
        ("a >= '2024-01-01'", AWARE, "compare date(…) with the day"),
        ("a >= '2024-01-01T00:00:00'", AWARE, "has no zone"),
        ("a == 'x'", dt.date(2024, 1, 1), "'x' is not a date in ISO 8601"),
        ("a == b", AWARE, "2024-01-31T23:30:00+00:00 is a date with a time and 2024-01-31 a date: date(…) gives the day of a time"),
        ("date(a) == '2024-01-01'", AWARE, "say date(…, 'Europe/Berlin')"),
        ("number(a) > 2", "", "'' is blank, not a number"),
        ("lower(a) == 'x'", 5, "lower works on text"),
        ("length(a) > 1", 5, "an int has no length"),
    ],
)
def test_what_does_not_compare_is_an_error_of_the_field(condition: str, value: Any, reason: str) -> None:
    assert reason in refused({"value": 1, "when": condition}, {"a": value, "b": dt.date(2024, 1, 31)})


def test_what_is_behind_the_deciding_part_is_not_looked_at() -> None:
    assert not holds("a is present and number(a.b) > 1", {"a": None})
    assert holds("kind == 'x' or amount > 5", {"kind": "x", "amount": "text"})
    assert "is text" in refused({"value": 1, "when": "kind == 'x' or amount > 5"}, {"kind": "y", "amount": "text"})


def test_an_hour_that_comes_twice_is_compared_as_instants() -> None:
    from zoneinfo import ZoneInfo

    first, second = (dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold) for fold in (0, 1))
    assert holds("a < b and a != b", {"a": first, "b": second})


def test_a_value_with_a_mind_of_its_own_is_an_error() -> None:
    class Odd(str):
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("never asked")

        __hash__ = None  # type: ignore[assignment]

    assert holds("a == 'x'", {"a": Odd("x")})
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"a": deep}
    assert "an object cannot be compared" in refused({"value": 1, "when": "a == b"}, {"a": deep, "b": deep})


# ---------------------------------------------------------------- where a condition stands


def test_a_field_is_left_out_or_takes_its_default() -> None:
    record = {"status": "open", "a": 1, "nothing": None}
    assert mapped({"from": "a", "when": "status == 'open'"}, record) == 1
    assert mapped({"from": "a", "when": "status == 'paid'"}, record) is UNSET
    assert mapped({"from": "a", "when": "status == 'paid'", "default": 7}, record) == 7
    assert mapped({"from": "nothing", "when": "status == 'open'", "default": 7}, record) is None
    assert mapped({"value": "x", "when": "status == 'paid'", "default": "y"}, record) == "y"
    assert refused({"from": "b", "when": "status == 'open'"}, record) == "f: is missing (from 'b', missing)"
    assert refused({"from": "nothing", "when": "status == 'open'", "nullable": False}, record)


def test_objects_and_lists_have_conditions() -> None:
    nested = {"fields": {"city": "address.city"}, "when": "address is present"}
    assert mapped(nested, {"address": {"city": "Reims"}}) == {"city": "Reims"}
    assert mapped(nested, {}) is UNSET
    # Nothing unusual: the fast pass is enough.
    assert Mapping({"fields": {"f": nested}})._mapped({}) == {}
    each = {"each": "lines", "fields": {"sku": "sku", "gift": {"value": True, "when": "price == 0"}}, "when": "status != 'draft'"}
    assert mapped(each, {"status": "x", "lines": [{"sku": 1, "price": 0}, {"sku": 2, "price": 5}]}) == [{"sku": 1, "gift": True}, {"sku": 2}]
    assert mapped(each, {"status": "draft"}) is UNSET


def test_operands_have_conditions() -> None:
    fee = {"value": 5, "when": "express", "default": 0}
    assert mapped({"add": ["a", fee]}, {"a": 1, "express": True}) == 6
    assert mapped({"add": ["a", fee]}, {"a": 1, "express": False}) == 1
    assert mapped({"sum": "lines", "of": {"from": "p", "when": "k == 'i'", "default": 0}}, {"lines": [{"k": "i", "p": 1}, {"k": "x"}]}) == 1
    assert "a missing value is not a number" in refused({"sum": "lines", "of": {"from": "p", "when": "k"}}, {"lines": [{"p": 1}]})
    assert mapped({"concat": ["a", {"value": "!", "when": "loud"}], "optional": True}, {"a": "x"}) is UNSET


def test_a_condition_is_documented_and_what_it_reads_is_used() -> None:
    mapping = Mapping({"fields": {"f": {"from": "a", "when": "kind == 'x' and $.b > 1"}}})
    assert "| f | a, kind, b | read; where kind == 'x' and $.b &gt; 1 |" in mapping.document().replace("\\", "")
    assert mapping.coverage([{"a": 1, "kind": "y", "b": 2, "c": 3}]).unused == {"c": 1}


# ---------------------------------------------------------------- mistakes in conditions


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("", "'' is not a condition: at character 1: a condition is empty"),
        ("a = 1", "at character 3: '=' stands where a comparison, such as ==, should stand: did you mean ==?"),
        ("a && b", "did you mean and?"),
        ("a || b", "did you mean or?"),
        ("!a", "at character 1: '!' stands where a path or a value should stand: did you mean not?"),
        ("a <> 1", "did you mean !=?"),
        ("a AND b", "did you mean and?"),
        ("a == 'x", "at character 6: a text without its second quote"),
        ("`a == 1", "a path without its second backquote"),
        ("a == 1 and", "at character 11: it ends where a path or a value should stand"),
        ("(a == 1", "the ) of the ( at character 1"),
        ("a == 1)", "at character 7: ')' stands where and, or, or the end should stand"),
        ("a == None", "None is not known: did you mean null? A key of this name is `None`"),
        ("a == True", "did you mean true?"),
        ("a is 5", "null, missing or present (neither of them)"),
        ("a is empty", "did you mean == '', or length(…) == 0?"),
        ("'x' is null", "is asks about a path"),
        ("1 == 1", "at character 3: two values of the condition's own are compared"),
        ("'x' in ['x']", "two values of the condition's own"),
        ("'x'", "alone is no condition"),
        ("true and a", "alone is no condition"),
        ("a in ('x')", "in takes a list in brackets: in ['a', 'b']"),
        ("a in 'x'", "in takes a list in brackets"),
        ("a in ['x', 5]", "values of several kinds: 'x' is text and 5 a number"),
        ("a in [b]", "not 'b' (text stands in quotes)"),
        ("a in ['x' 'y']", "a , or the ] of the list"),
        ("a < b < c", "comparisons do not chain: write a < b and b < c"),
        ("a < null", "null has no order"),
        ("a < true", "true is neither more nor less than false"),
        ("a contains 5", "contains is for text"),
        ("a starts 'x'", "with, as in starts with"),
        ("a not contains 'x'", "not a contains b"),
        ("a like 'x'", "did you mean contains, or starts with?"),
        ("(a) == 5", "parentheses hold a whole condition, not a value"),
        ("foo(a) == 1", "there is no function foo(…): known are number"),
        ("numbr(a) == 1", "did you mean 'number'?"),
        ("number(a) == '5'", "number(…) gives a number, and is not compared with '5'"),
        ("lower(a) in ['x', 5]", "lower(…) gives text, and is not compared with 5"),
        ("number(5) == 5", "number(…) takes a path"),
        ("text(a, 'x') == 'x'", "text(…) takes one path"),
        ("date(a, 5) == 'x'", "is a text in quotes"),
        ("date(a == 1", "the ) of date("),
        ("date(a) >= '2024-13-01'", "a day, as in '2024-01-31', and is not compared with '2024-13-01'"),
        ("date(a, 'Europ/Berlin') >= '2024-01-01'", "did you mean 'Europe/Berlin'?"),
        ("datetime(a) > '2024-01-01'", "a time with its zone"),
        ("a >= 2024-01-01", "at character 6: '2024-01-01' is no number: text and dates stand in quotes"),
        ("in == 5", "in is a word of conditions"),
        ("Order Details == 5", "at character 7"),
        ("`a[` == 5", "is not a path"),
        ("a == 'x\\n'", "a backslash stands before a quote or another backslash"),
        ("a ~ 1", "'~' stands where a comparison"),
        ("a == 1;", "at character 7: ';' has no meaning here"),
        ("(" * 30 + "a" + ")" * 30, "at character 21: nested more than 20 levels deep"),
        ("not " * 30 + "a", "nested more than 20 levels deep"),
        ("a == " + "9" * 401, "a number has at most 400 digits"),
        ("a" * 4001, "a condition has at most 4000 characters"),
        (5, "a condition is text, such as \"status == 'paid'\", not 5"),
        (["a"], "a condition is text"),
    ],
)
def test_mistakes(condition: Any, reason: str) -> None:
    message = mistake({"from": "a", "when": condition})
    assert reason in message
    assert message.startswith("Mapping({…}): fields.f.when: ")


@pytest.mark.parametrize("condition", ["`Order Details`[0] == 5", "`Order Details[0]`.x == 5"])
def test_backquotes_hold_the_whole_path(condition: str) -> None:
    assert "at character" in mistake({"from": "a", "when": condition})
    assert holds("`Order Details[0].in` == 5 and a.'b c'[0].in == 6", {"Order Details": [{"in": 5}], "a": {"b c": [{"in": 6}]}})


# ---------------------------------------------------------------- cases


def test_the_first_case_that_holds() -> None:
    cases = {"cases": [{"when": "kind == 'a'", "value": "A"}, {"when": "kind in ['a', 'b']", "from": "b"}, {"concat": ["kind", {"value": "!"}]}]}
    assert mapped(cases, {"kind": "a"}) == "A"
    assert mapped(cases, {"kind": "b", "b": 5}) == 5
    assert mapped(cases, {"kind": "c"}) == "c!"
    assert refused(cases, {"kind": "b"}) == "f: is missing (from 'b', missing)"
    assert "is text and" not in refused(cases, {"kind": 5})
    assert "5 is a number and 'a' text" in refused(cases, {"kind": 5})


def test_no_case_is_missing() -> None:
    cases = [{"when": "kind == 'a'", "value": "A"}]
    assert refused({"cases": cases}, {"kind": "b"}) == "f: none of the cases holds (from '.', missing)"
    assert mapped({"cases": cases, "optional": True}, {"kind": "b"}) is UNSET
    assert mapped({"cases": cases, "default": "?"}, {"kind": "b"}) == "?"
    assert mapped({"coalesce": [{"cases": cases}, "kind"]}, {"kind": "b"}) == "b"


def test_cases_take_steps_and_objects() -> None:
    cases = [{"when": "company is present", "fields": {"name": "company"}}, {"fields": {"name": "person.name"}}]
    assert mapped({"cases": cases}, {"company": "Acme"}) == {"name": "Acme"}
    assert mapped({"cases": cases}, {"person": {"name": "Ann"}}) == {"name": "Ann"}
    assert mapped({"cases": [{"when": "a", "value": "x"}, "b"], "apply": ["upper"]}, {"b": "y"}) == "Y"
    assert mapped({"cases": [{"when": "a", "value": "x"}, {"from": "b", "default": "z"}]}, {"a": False}) == "z"


@pytest.mark.parametrize("count", [19, 20, 21, 60, 1200])
def test_many_cases(count: int) -> None:
    mapping = Mapping({"fields": {"f": {"cases": [{"when": f"a == {index}", "value": -index} for index in range(count)] + ["a"]}}})
    for index in {0, 1, 19, 20, 21, 39, 40, count - 1, count}:
        assert mapping({"a": index}) == {"f": -index if index < count else index}


@pytest.mark.parametrize(
    ("cases", "reason"),
    [
        ([], "cases takes a list of at least 1 operand"),
        ("a", "cases takes a list of at least 1 operand"),
        ([{"value": 1}, {"value": 2}], "fields.f.cases[0]: has no when, so the cases after it are never looked at"),
        ([{"when": "a =", "value": 1}], "fields.f.cases[0].when: 'a =' is not a condition"),
        ([{"when": "a"}], "fields.f.cases[0]: says nothing about where the value comes from"),
        ([{"when": "a", "value": 1, "optional": True}], "optional"),
    ],
)
def test_mistakes_of_cases(cases: Any, reason: str) -> None:
    assert reason in mistake({"cases": cases})


# ---------------------------------------------------------------- paths from the record on


def test_the_record_is_reached_from_a_line() -> None:
    record = {"currency": "EUR", "rates": [{"vat": Decimal("0.19")}], "status": "paid", "lines": [{"sku": "A", "net": 100}, {"sku": "B", "net": 10}]}
    fields = {
        "sku": "sku",
        "currency": "$.currency",
        "vat": {"multiply": ["net", "$.rates[0].vat"]},
        "paid": {"value": True, "when": "$.status == 'paid'"},
    }
    each = {"each": "lines", "fields": fields}
    assert mapped(each, record)[1] == {"sku": "B", "currency": "EUR", "vat": Decimal("1.90"), "paid": True}
    assert mapped({"sum": "lines", "of": {"multiply": ["net", "$.rates[0].vat"]}}, record) == Decimal("20.90")
    assert mapped({"each": "lines", "fields": {"whole": "$"}}, {"lines": [{}]}) == [{"whole": {"lines": [{}]}}]
    assert refused(each, {**record, "rates": []}) == "f[0].vat: is missing (from 'rates[0]', missing)"
    assert refused(each, {**record, "rates": "x"}) == "f[0].vat: a str stands where a list is wanted (from 'rates', str)"
    assert "| f[].currency | currency |" in Mapping({"fields": {"f": each}}).document().replace("\\", "")
    assert Mapping({"fields": {"f": each}}).coverage([{**record, "x": 1}]).unused == {"x": 1}


def test_the_record_is_reached_from_a_nested_object_and_a_default() -> None:
    inner = {"from": "customer", "fields": {"name": "name", "tag": {"from": "$.tags.first", "default": "-"}}}
    assert mapped(inner, {"customer": {"name": "Ann"}, "tags": {"first": "vip"}}) == {"name": "Ann", "tag": "vip"}
    assert mapped(inner, {"customer": {"name": "Ann"}, "tags": None}) == {"name": "Ann", "tag": "-"}
    assert mapped(inner, MappingProxyType({"customer": MappingProxyType({"name": "Ann"})})) == {"name": "Ann", "tag": "-"}


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("$.a", {"a": 5}),
        ('$."$"', {"$": 5}),
        ('"$"', {"$": 5}),
        ('"$".a', {"$": {"a": 5}}),
        ("$a", {"$a": 5}),
        ("a.$", {"a": {"$": 5}}),
        ("$ a", {"$ a": 5}),
    ],
)
def test_a_key_that_looks_like_the_record(path: str, record: Any) -> None:
    assert mapped(path, record) == 5
    assert parse_path(str(parse_path(path))) == parse_path(path)


def test_a_dollar_wants_a_key() -> None:
    assert "'$.' is not a path: expected a key at character 3" in mistake("$.")
    assert "an object stands where a list is wanted" in refused("$[0]", {"a": 1})
