"""Mappings and records that were made to do harm: objects with a mind of their own, bombs, text that cannot be seen. A result or an error, always."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from typing import Any, NoReturn

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping, parsing


def fails(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("a mind of its own")


class NoClass:
    __class__ = property(fails)


class SaysText:
    __class__ = str  # type: ignore[assignment]


class SaysList:
    __class__ = list  # type: ignore[assignment]


class Meta(type):
    __name__ = property(fails)
    __hash__ = fails
    __eq__ = fails


class OfMeta(metaclass=Meta):
    pass


class Zone(tzinfo):
    utcoffset = fails
    dst = fails
    tzname = fails


class BadList(list[Any]):
    __iter__ = fails


class Short(list[Any]):
    def __len__(self) -> int:
        return 0


class Key:
    def __hash__(self) -> int:
        return hash("x")

    __eq__ = fails


HOSTILE = {
    "no class": NoClass(),
    "says text": SaysText(),
    "says list": SaysList(),
    "metaclass": OfMeta(),
    "a class": OfMeta,
    "zone": datetime(2020, 1, 1, tzinfo=Zone()),
    "bad list": BadList([1]),
    "key": {Key(): 1},
    "list of them": [NoClass(), SaysText(), OfMeta()],
}
RULES: list[dict[str, Any]] = [
    {"from": "x", "to": "str"},
    {"from": "x", "to": "int"},
    {"from": "x", "to": "date"},
    {"from": "x.x"},
    {"from": "x[0].x"},
    {"from": "x", "apply": ["strip"]},
    {"from": "x", "lookup": "t"},
    {"values": "x", "of": {"from": ".", "to": "int"}},
    {"each": "x", "fields": {"a": "a"}},
    {"sum": "x"},
    {"values": "x", "sort": "."},
    {"concat": ["x", "x"]},
    {"value": 1, "when": "x == 'a'"},
    {"jmespath": "x[?a > `1`] | [0]"},
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("name", HOSTILE)
def test_objects_with_a_mind_of_their_own_are_errors_of_the_field(rule: dict[str, Any], name: str) -> None:
    mapping = Mapping({"fields": {"o": rule}, "lookups": {"t": {"a": "A"}}})
    mapped = mapping.each([{"x": HOSTILE[name]}])  # lets every exception but a MappingError through
    assert len(list(mapped)) + len(mapped.failures) == 1
    errors = [error for failure in mapped.failures for error in failure.error.errors]
    assert {error.target.partition("[")[0] for error in errors} <= {"o"}
    assert all(error.reason and error.value_type for error in errors)


def test_a_list_of_a_class_of_its_own_is_read_once_and_whole() -> None:
    mapping = Mapping({"fields": {"n": {"count": "x"}, "v": {"values": "x"}, "last": "x[-1]"}})
    assert mapping({"x": Short([1, 2])}) == {"n": 2, "v": [1, 2], "last": 2} == mapping._carefully({"x": Short([1, 2])})


def test_the_name_of_a_type_is_a_short_line_in_a_message() -> None:
    for name in ("a" * 100_000, "a\nb\u202e"):
        with pytest.raises(MappingError) as caught:
            Mapping({"fields": {"o": {"from": "x", "to": "int"}}})({"x": type(name, (), {})()})
        assert len(str(caught.value)) < 500
        assert str(caught.value).count("\n") == 1
        assert "\u202e" not in str(caught.value)


def test_names_that_cannot_be_seen_are_spelled_out_in_messages_and_kept_in_the_error() -> None:
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"a\nb\u202e": "x\x1b"}})({})
    assert caught.value.errors[0].target == "a\nb\u202e"
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    assert "a\\nb\\u202e" in str(caught.value)


def test_an_expression_that_cannot_be_seen_is_spelled_out() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Mapping({"fields": {"a": {"jmespath": "\u202e"}}})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (".".join("a" * 1_000_000), "not a path: it has more than 10000 characters"),
        (".".join("a" * 101), "not a path: it has more than 100 steps"),
        ("a" + "[0]" * 3000, "not a path: it has more than 100 steps"),
        ({"from": "a", "apply": ["strip", "lower"] * 5000}, "at most 100 functions, not 10000"),
        ({"jmespath": "[@,@]|" * 30 + "@"}, "multiplies what it is given too often"),
        ({"jmespath": "{a:@,b:@}|" * 25 + "@ == @"}, "multiplies what it is given too often"),
        ({"jmespath": "map(&[@,@,@,@,@,@,@,@], @) | " * 9 + "@"}, "multiplies what it is given too often"),
    ],
    ids=["long path", "deep path", "indexes", "apply", "doubling", "objects", "mapped"],
)
def test_bombs_are_refused_at_once_in_a_short_line(rule: Any, words: str) -> None:
    begun = time.process_time()
    with pytest.raises(ConfigurationError) as refused:
        Mapping({"fields": {"a": rule}})
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "rule",
    [
        {"add": [1] * 300},
        {"list": ["a"] * 300},
        {"value": 1, "when": " or ".join(["a"] * 300)},
        {"fields": {f"f{number}": "a" for number in range(300)}},
    ],
    ids=["constants", "operands", "condition", "fields"],
)
def test_rules_operands_and_paths_of_conditions_are_counted(rule: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    Mapping({"fields": {"a": rule}})
    monkeypatch.setattr(parsing, "_MOST_RULES", 200)  # the real one takes a second to reach
    with pytest.raises(ConfigurationError, match="at most 200 rules, operands and paths of conditions"):
        Mapping({"fields": {"a": rule}})


def test_what_is_large_and_not_a_bomb_is_taken() -> None:
    fields = {f"f{number}": {"from": "x", "apply": ["strip", "lower"] * 50} for number in range(20)}
    assert set(Mapping({"fields": fields})({"x": " A "}).values()) == {"a"}
    many = "lines[].{" + ", ".join(f"f{number}: x" for number in range(60)) + "} | [0].{" + ", ".join(f"g{n}: f{n}" for n in range(60)) + "}"
    assert Mapping({"fields": {"o": {"jmespath": many}}})({"lines": [{"x": 1}]})["o"]["g59"] == 1
    path = ".".join(["a"] * 60)
    with pytest.raises(MappingError):
        Mapping({"fields": {"o": path}})({})


def test_a_record_that_holds_one_list_a_million_times_over() -> None:
    shared: list[Any] = [1]
    for _ in range(60):
        shared = [shared, shared]
    mapping = Mapping({"fields": {"same": {"jmespath": "a == b"}}})
    assert mapping({"a": shared, "b": shared}) == {"same": True}


def test_a_moment_in_a_zone_that_fails_is_quoted_by_its_type() -> None:
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"o": {"from": "x", "to": "int"}}})({"x": datetime(2020, 1, 1, tzinfo=Zone())})
    assert "datetime" in caught.value.errors[0].reason
    assert Mapping({"fields": {"o": "x"}})({"x": datetime(2020, 1, 1, tzinfo=UTC)})["o"].year == 2020
