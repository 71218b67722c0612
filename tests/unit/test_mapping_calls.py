"""Rules of several inputs: ``call``, ``list``, ``split`` and ``join``."""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping
from integrakit.unset import UNSET


def mapped(rule: Any, record: Any, **functions: Any) -> Any:
    """The field ``f`` of the result, or UNSET; both passes must say the same."""
    mapping = Mapping({"fields": {"f": rule}}, functions=functions)
    result = mapping(record)
    assert mapping._carefully(record) == result
    return result.get("f", UNSET)


def refused(rule: Any, record: Any, **functions: Any) -> str:
    """The first error of the record."""
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"f": rule}}, functions=functions)(record)
    return str(caught.value.errors[0])


def mistake(rule: Any, **functions: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"f": rule}}, functions=functions)
    return str(caught.value)


def pair(left: Any, right: Any) -> Any:
    """Both, side by side."""
    return [left, right]


# ---------------------------------------------------------------- call


def test_a_function_of_several_values() -> None:
    assert mapped({"call": "pair", "with": ["a", {"concat": ["a", "b"]}]}, {"a": "x", "b": "y"}, pair=pair) == ["x", "xy"]
    assert mapped({"call": "largest", "with": [1, "a", {"value": 2}]}, {"a": 5}, largest=max) == 5
    assert mapped({"call": "many", "with": [{"list": ["a", "b"]}, {"fields": {"a": "a"}}]}, {"a": 1, "b": 2}, many=pair) == [[1, 2], {"a": 1}]


def first(values: list[Any]) -> Any:
    return values[0]


def test_steps_come_after_the_call() -> None:
    rule = {"call": "pair", "with": ["a", "b"], "apply": ["first"], "to": "decimal", "scale": 1}
    assert mapped(rule, {"a": "2", "b": 0}, pair=pair, first=first) == Decimal("2.0")


def test_a_missing_value_makes_the_whole_missing_and_null_is_none() -> None:
    rule = {"call": "pair", "with": ["a", "b"]}
    assert mapped(rule, {"a": 1, "b": None}, pair=pair) == [1, None]
    assert refused(rule, {"a": 1}, pair=pair) == "f: is missing (from 'b', missing)"
    assert mapped({**rule, "optional": True}, {"a": 1}, pair=pair) is UNSET
    assert mapped({**rule, "default": 5}, {"a": 1}, pair=pair) == 5
    assert mapped({"call": "pair", "with": ["a", {"from": "b", "default": 3}]}, {"a": 1}, pair=pair) == [1, 3]


def test_what_the_function_gives() -> None:
    assert mapped({"call": "none", "with": ["a"]}, {"a": 1}, none=lambda value: None) is None
    assert (
        refused({"call": "none", "with": ["a"], "nullable": False}, {"a": 1}, none=lambda value: None)
        == "f: null is not allowed here (from 'a', null)"
    )
    assert mapped({"call": "unset", "with": ["a"], "optional": True}, {"a": 1}, unset=lambda value: UNSET) is UNSET
    assert refused({"call": "unset", "with": ["a"]}, {"a": 1}, unset=lambda value: UNSET) == "f: is missing (from 'a', missing)"


def test_what_the_function_raises_is_the_error_of_the_field() -> None:
    def broken(left: Any, right: Any) -> Any:
        raise KeyError("secret" * 100)

    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"f": {"call": "broken", "with": ["a", "b"]}, "g": "c"}}, functions={"broken": broken})({"a": "x", "b": 1})
    assert [error.target for error in caught.value.errors] == ["f", "g"]
    assert caught.value.errors[0].reason.startswith("function 'broken' failed on 'x': KeyError: ")
    assert len(caught.value.errors[0].reason) < 150
    assert isinstance(caught.value.__cause__, KeyError)


async def later(value: Any) -> Any:
    return value


class Later:
    async def __call__(self, value: Any) -> Any:
        return value


async def many(value: Any) -> Any:
    yield value


@pytest.mark.parametrize("function", [later, Later(), many, functools.partial(later), functools.partial(functools.partial(Later()))])
def test_an_async_function_is_refused(function: Any) -> None:
    assert "'f' must be a plain function, not an async one" in mistake("a", f=function)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"call": "pair", "with": ["a"]}, "fields.f.call: 'pair' cannot be called like this: it takes (left: "),
        ({"call": "pair", "with": ["a", "b", "c"]}, "called with 3 values: too many positional arguments"),
        (
            {"call": "part", "with": ["a"]},
            "fields.f.call: unknown function 'part': did you mean 'pair'? (functions are given as functions={'part': …})",
        ),
        ({"call": 5, "with": ["a"]}, "unknown function 5"),
        ({"call": "pair"}, "fields.f: call needs with = [ … ]"),
        ({"call": "pair", "with": "a"}, "with takes a list of at least 1 operand, not 'a'"),
        ({"call": "pair", "with": []}, "with takes a list of at least 1 operand"),
        ({"call": "pair", "with": ["a", True]}, "fields.f.with[1]: a rule is a path as text or a table, not true"),
        ({"from": "a", "with": ["a"]}, "with has no meaning beside from"),
        ({"from": "a", "apply": ["pair"]}, "function 'pair' cannot stand in apply: it takes (left: "),
    ],
)
def test_mistakes_of_a_call(rule: Any, reason: str) -> None:
    assert reason in mistake(rule, pair=pair)


def test_a_function_that_does_not_tell_what_it_takes_is_called() -> None:
    # dict.get has no signature on some versions of Python; what it cannot do shows on the first record.
    assert "TypeError" in refused({"call": "get", "with": ["a", "a", "a"]}, {"a": 1}, get=type)


def test_a_call_in_words() -> None:
    document = Mapping({"fields": {"f": {"call": "pair", "with": ["a", {"value": 1}]}}}, functions={"pair": pair}).document()
    assert "| f | a | pair(a, 1) |" in document
    assert "- pair: Both, side by side." in document


# ---------------------------------------------------------------- list


def test_a_list_of_several_inputs() -> None:
    record = {"a": 1, "b": None, "c": "", "lines": [{"x": 1}]}
    assert mapped({"list": ["a", {"value": "v"}, 5, "b"]}, record) == [1, "v", 5, None]
    assert mapped({"list": [{"fields": {"kind": {"value": "home"}, "a": "a"}}, {"each": "lines", "fields": {"y": "x"}}]}, record) == [
        {"kind": "home", "a": 1},
        [{"y": 1}],
    ]
    assert mapped({"count": {"list": ["a", "b"]}}, record) == 2
    assert mapped({"list": ["a", "c", "b", "d"], "skip": "missing"}, record) == [1, "", None]
    assert mapped({"list": ["a", "c", "b", "d"], "skip": "null"}, record) == [1, ""]
    assert mapped({"list": ["a", "c", "b", "d"], "skip": "empty"}, record) == [1]
    assert mapped({"list": ["d"], "skip": "null"}, record) == []


def test_a_list_needs_every_input() -> None:
    assert refused({"list": ["a", "d.e"]}, {"a": 1}) == "f[1]: is missing (from 'd', missing)"
    assert refused({"list": ["a", {"fields": {"x": "d"}}]}, {"a": 1}) == "f[1].x: is missing (from 'd', missing)"
    assert mapped({"list": ["a", "d"], "optional": True}, {"a": 1}) is UNSET
    assert mapped({"list": ["a", "d"], "default": []}, {"a": 1}) == []


def test_lists_of_two_records_are_two_lists() -> None:
    mapping = Mapping({"fields": {"f": {"list": ["a", {"value": []}], "skip": "null"}}})
    one, other = mapping({"a": 1}), mapping({"a": 1})
    one["f"][1].append(5)
    one["f"].append(6)
    assert other == {"f": [1, []]}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"list": "a"}, "list takes a list of at least 1 operand, not 'a'"),
        ({"list": []}, "list takes a list of at least 1 operand"),
        ({"list": ["a"], "skip": "nul"}, "fields.f.skip: cannot be 'nul': did you mean 'null'?"),
        ({"list": ["a"], "skip": ""}, "fields.f.skip: cannot be ''"),
        ({"list": [{"from": "a", "optional": True}]}, "optional belongs to a whole field"),
    ],
)
def test_mistakes_of_a_list(rule: Any, reason: str) -> None:
    assert reason in mistake(rule)


# ---------------------------------------------------------------- split


@pytest.mark.parametrize(
    ("options", "text", "parts"),
    [
        ({"by": ","}, "a, b,,c", ["a", " b", "", "c"]),
        ({"by": ",", "strip": True}, " a, b,,c ", ["a", "b", "", "c"]),
        ({"by": ",", "strip": True, "skip": "empty"}, "a, ,c", ["a", "c"]),
        ({"by": ","}, "", []),
        ({"by": ","}, ",", ["", ""]),
        ({}, "  Ann  Lee ", ["Ann", "Lee"]),
        ({}, "", []),
        ({"parts": 2}, "Ann Lee Smith", ["Ann", "Lee Smith"]),
        ({"by": " - ", "parts": 2}, "a - b - c", ["a", "b - c"]),
        ({"by": ",", "index": 0}, "a,b", "a"),
        ({"by": ",", "index": -1, "strip": True}, "a, b ", "b"),
        ({"by": ",", "index": 1}, "a,,b", ""),
        ({"by": ","}, None, None),
        ({"by": ",", "index": 7, "optional": True}, "a", UNSET),
        ({"by": ",", "index": 0, "default": "-"}, "", "-"),
    ],
)
def test_split(options: dict[str, Any], text: Any, parts: Any) -> None:
    assert mapped({"split": "a", **options}, {"a": text}) == parts


def test_split_of_a_rule() -> None:
    assert mapped({"split": {"from": "a", "apply": ["upper"]}, "by": ":", "index": 1, "to": "int"}, {"a": "x:5"}) == 5
    assert mapped({"count": {"split": "a", "by": ","}}, {"a": "x,y"}) == 2


@pytest.mark.parametrize(
    ("options", "value", "reason"),
    [
        ({"by": ",", "index": 2}, "a,b", "'a,b' has 2 parts, and none at [2] (from 'a', str)"),
        ({"by": ",", "index": 0}, "", "'' has 0 parts, and none at [0]"),
        ({"by": ","}, 5, "5 is an int, and split works on text (from 'a', int)"),
        ({"by": ","}, ["a"], "split works on text"),
        ({"by": ","}, "," * 200_000, "has more than 100,000 parts"),
        ({}, "a " * 200_000, "has more than 100,000 parts"),
        ({"by": ","}, UNSET, "is missing"),
    ],
)
def test_what_cannot_be_split(options: dict[str, Any], value: Any, reason: str) -> None:
    assert reason in refused({"split": "a", **options}, {"a": value})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"by": ""}, "fields.f.by: is the text between the parts, not ''; without by the text is split at blanks"),
        ({"by": 5}, "fields.f.by: "),
        ({"index": "0"}, "fields.f.index: is the number of a part, from 0, or -1 for the last, not '0'"),
        ({"index": True}, "fields.f.index: "),
        ({"parts": 1}, "fields.f.parts: is the greatest number of parts, 2 to 100000, not 1"),
        ({"strip": "yes"}, "strip is true or false"),
        ({"skip": "null"}, 'fields.f.skip: of split is "empty"'),
        ({"seperator": ","}, "unknown option 'seperator'"),
    ],
)
def test_mistakes_of_a_split(options: dict[str, Any], reason: str) -> None:
    assert reason in mistake({"split": "a", **options})


# ---------------------------------------------------------------- join


def test_join() -> None:
    record = {
        "tags": ["a", 5, Decimal("1.50"), True],
        "empty": [],
        "null": None,
        "first": "Ann",
        "last": "Lee",
        "middle": "",
        "nulls": ["a", None, ""],
    }
    assert mapped({"join": "tags", "by": ", "}, record) == "a, 5, 1.50, true"
    assert mapped({"join": "empty", "by": ", "}, record) == ""
    assert mapped({"join": "null", "by": ", "}, record) is None
    assert mapped({"join": ["first", "last"], "by": " "}, record) == "Ann Lee"
    assert mapped({"join": ["first", "middle", "null", "gone", "last"], "by": " ", "skip": "empty"}, record) == "Ann Lee"
    assert mapped({"join": ["first", "middle", "null", "gone"], "by": "-", "skip": "null"}, record) == "Ann-"
    assert mapped({"join": "nulls", "by": "-", "skip": "null"}, record) == "a-"
    assert mapped({"join": "nulls", "by": "-", "skip": "empty"}, record) == "a"
    assert mapped({"join": {"split": "first", "by": "n"}, "by": "m"}, record) == "Amm"
    assert mapped({"join": "gone", "by": ",", "optional": True}, record) is UNSET
    assert mapped({"join": ["first", "gone"], "by": ",", "default": "-"}, record) == "-"
    assert mapped({"join": "floats", "by": ",", "float": "shortest"}, {"floats": [0.1, 2.0]}) == "0.1,2.0"


@pytest.mark.parametrize(
    ("rule", "record", "reason"),
    [
        ({"join": "a", "by": ","}, {"a": ["x", None]}, "f: null is not text: use coalesce to say what stands for null (from 'a[1]', null)"),
        ({"join": "a", "by": ","}, {"a": [{"x": 1}]}, "f: an object cannot be written as text (from 'a[0]', dict)"),
        ({"join": "a", "by": ","}, {"a": "text"}, "f: a str stands where a list is wanted (from 'a', str)"),
        ({"join": ["a", "b"], "by": ","}, {"a": "x", "b": None}, "f: null is not text: use coalesce to say what stands for null (from 'b', null)"),
        ({"join": ["a", "b"], "by": ","}, {"a": "x"}, "f: is missing (from 'b', missing)"),
        ({"join": "a", "by": ","}, {"a": [0.1]}, "is a float, whose text is a guess"),
        ({"join": "a", "by": ",", "skip": "missing"}, {"a": [None]}, "null is not text"),
    ],
)
def test_what_cannot_be_joined(rule: Any, record: Any, reason: str) -> None:
    assert reason in refused(rule, record)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"join": "a"}, 'join needs by: the text between the items, such as by = ", "'),
        ({"join": "a", "by": 5}, "join needs by"),
        ({"join": 5, "by": ","}, "join takes the path of a list, not 5"),
        ({"join": [], "by": ","}, "join takes a list of at least 1 operand"),
        ({"join": "a", "by": ",", "skip": "all"}, "fields.f.skip: cannot be 'all'"),
    ],
)
def test_mistakes_of_a_join(rule: Any, reason: str) -> None:
    assert reason in mistake(rule)


def test_lists_and_texts_in_words() -> None:
    mapping = Mapping({"fields": {"f": {"list": ["a", {"split": "b", "by": ",", "index": 0}], "skip": "null"}, "g": {"join": ["a", "c"], "by": "-"}}})
    document = mapping.document().replace("\\", "")
    assert "| f | a, b | [a, split(b by ',')[0]] without null |" in document
    assert "| g | a, c | join([a, c] by '-') |" in document
    assert mapping.coverage([{"a": 1, "b": "x", "c": 2, "d": 3}]).unused == {"d": 1}
