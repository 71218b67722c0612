"""One record at a time: what is one, what key it has, what can be kept of it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from attrs import define

from integrakit.errors import MappingError
from integrakit.model import FieldError
from integrakit.sync.judging import WORDS, checked_key, dead_letter, keepable, letter_of_record, record_of, source_key
from integrakit.unset import UNSET
from integrakit.writing import letter_id


@define
class Order:
    id: Any
    total: Any = UNSET


def letter(record: Any, problem: Exception, names: tuple[str, ...] = ("id",)) -> Any:
    return dead_letter(record, problem, names, mapping="m", now="now", order=(1, 2))


def test_what_a_mapping_may_give() -> None:
    assert record_of({"a": 1}) == {"a": 1}
    assert record_of({"a": UNSET, "b": None}) == {"b": None}
    assert record_of(Order(1)) == {"id": 1}
    assert record_of(Order(1, 2)) == {"id": 1, "total": 2}


@pytest.mark.parametrize("wrong", [[], [{"a": 1}], "text", 7, Order, object(), iter([])])
def test_what_it_may_not(wrong: Any) -> None:
    with pytest.raises(MappingError, match=f"the mapping gave a {type(wrong).__name__} where a record"):
        record_of(wrong)


def test_keys() -> None:
    assert checked_key({"id": 0}, "id") == 0
    assert checked_key({"id": False, "b": "x"}, ("id", "b")) == (False, "x")
    assert checked_key({"id": ("a", 1)}, "id") == ("a", 1)


@pytest.mark.parametrize("wrong", [None, "", math.nan, [1], {"a": 1}, set()])
def test_keys_that_tell_nothing_apart(wrong: Any) -> None:
    with pytest.raises(MappingError, match="the key 'id' is"):
        checked_key({"id": wrong}, "id")
    with pytest.raises(MappingError):
        checked_key({"a": 1, "id": wrong}, ("a", "id"))


def test_a_missing_key() -> None:
    with pytest.raises(MappingError, match="the record has no 'id', which is the key of this sync"):
        checked_key({"ID": 1}, "id")


def test_the_sources_own_key() -> None:
    assert source_key({"id": 1}, ("id",)) == 1
    assert source_key(Order(1), ("id",)) == 1
    assert source_key({"a": 1, "b": "x"}, ("a", "b")) == (1, "x")
    assert source_key({"id": Decimal("1.0")}, ("id",)) == Decimal("1.0")
    for record, names in [({"id": 1}, ()), ({}, ("id",)), ({"id": None}, ("id",)), ({"id": [1]}, ("id",)), ("text", ("id",)), ({"a": 1}, ("a", "b"))]:
        assert source_key(record, names) is None


def test_one_letter_for_a_record_whatever_is_wrong_with_it() -> None:
    by_mapping = letter({"id": 7, "v": "bad"}, KeyError("v"))
    assert by_mapping.id == letter_of_record({"id": 7, "v": 1}, "target key", ("id",)) == letter_id(7)
    assert letter_of_record({"v": 1}, "target key", ("id",)) == letter_id("target key")
    assert letter({"v": 1}, KeyError("v")).id == letter_id({"v": 1})


def test_what_the_letter_says() -> None:
    plain = letter({"id": 1}, KeyError("v"))
    assert plain.error == "the mapping failed with KeyError: 'v'"
    assert (plain.input, plain.stage, plain.mapping, plain.at, plain.order, plain.errors) == ({"id": 1}, "mapping", "m", "now", (1, 2), ())
    errors = (FieldError("a", "b"),)
    ours = letter({"id": 1}, MappingError("bad", errors=errors))
    assert (ours.error, ours.errors) == ("bad", errors)
    assert len(letter({"id": 1}, ValueError("x" * 10_000)).error) == WORDS


def test_errors_of_other_libraries_may_call_anything_errors() -> None:
    class ValidationError(ValueError):
        def errors(self) -> list[str]:
            return ["pydantic has a method of this name"]

    assert letter({"id": 1}, ValidationError("no")).errors == ()


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("not even that")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("record", [{"id": 1, "x": object()}, {"id": 1, "x": Odd()}, {"id": 1, "x": {1, 2}}, {"id": 1, "x": nested(100_000)}, Odd()])
def test_what_no_store_can_keep_still_gets_its_letter(record: Any) -> None:
    found = letter(record, ValueError("no"))
    assert isinstance(found.input, str)
    if isinstance(record, dict):
        assert found.id == letter_id(1)
    assert keepable({"a": 1}) == {"a": 1}


def test_a_source_key_of_a_class_of_its_own_is_taken_by_its_picture() -> None:
    class Id:
        def __repr__(self) -> str:
            return "Id(7)"

    assert source_key({"id": Id()}, ("id",)) == "Id(7)"
