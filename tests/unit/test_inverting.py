"""The way back: which fields have one, which come back by others, and what is said of the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Mapping

STATUS = {"status": {"paid": "PAID", "void": "VOID", "7": 7, "yes": True}}


def mapping(fields: dict[str, Any], **more: Any) -> Mapping:
    return Mapping({"fields": fields, "lookups": STATUS, **more})


@pytest.mark.parametrize(
    ("fields", "record"),
    [
        ({"x": "a"}, {"a": 1}),
        ({"x": "a", "y": "b.c.d"}, {"a": 1, "b": {"c": {"d": None}}}),
        ({"x": "b.c", "y": "b.d"}, {"b": {"c": 1, "d": [2]}}),
        ({"a.b": '"x.y"'}, {"x.y": 5}),
        ({"x": {"from": "a", "optional": True}, "y": "b"}, {"b": 1}),
        ({"x": {"from": "a", "optional": True}, "y": "b"}, {"a": None, "b": 1}),
        ({"x": {"from": "c.d", "optional": True}, "z": {"from": "c.e", "optional": True}, "y": "b"}, {"b": 1}),
        ({"x": {"from": "c.d", "optional": True}, "z": {"from": "c.e", "optional": True}, "y": "b"}, {"b": 1, "c": {"e": 2}}),
        ({"x": {"from": "a", "lookup": "status"}}, {"a": "paid"}),
        ({"x": {"from": "a", "lookup": "status"}}, {"a": "7"}),
        ({"x": {"from": "a", "lookup": "status"}}, {"a": "yes"}),
        ({"o": {"fields": {"x": "a", "p": {"fields": {"y": "b"}}}}}, {"a": 1, "b": 2}),
        ({"o": {"from": "c", "fields": {"x": "a"}}}, {"c": {"a": 1}}),
        ({"o": {"from": "c", "fields": {"x": "a"}}}, {"c": None}),
        ({"l": {"each": "rows", "fields": {"x": "a", "y": "b.c"}}}, {"rows": [{"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"c": 4}}]}),
        ({"l": {"each": "o.rows", "fields": {"x": {"each": "s", "fields": {"t": "u"}}}}}, {"o": {"rows": [{"s": [{"u": 1}]}, {"s": []}]}}),
        ({"x": {"multiply": ["a", 100]}}, {"a": Decimal("1.25")}),
        ({"x": {"divide": ["a", 100]}}, {"a": Decimal("125")}),
        ({"x": {"add": [7, "a"]}, "y": {"subtract": ["b", 7]}, "z": {"subtract": [7, "c"]}}, {"a": Decimal(1), "b": Decimal(2), "c": Decimal(3)}),
        # What has no way back is no harm where all that it reads comes back by others.
        ({"x": "a", "y": {"from": "a", "to": "str"}, "z": {"concat": ["a", "a"]}}, {"a": 5}),
        ({"l": {"each": "rows", "fields": {"x": "a"}}, "n": {"count": "rows"}, "t": {"sum": "rows", "of": "a"}}, {"rows": [{"a": 1}, {"a": 2}]}),
        ({"whole": "customer", "email": {"from": "customer.email", "apply": ["lower"]}}, {"customer": {"email": "A@b.example"}}),
        ({"x": "a", "kind": {"value": "web"}}, {"a": 1}),
        # The way back is said.
        ({"x": {"from": "a", "to": "decimal", "scale": 2, "back": "str"}}, {"a": "1.50"}),
        ({"x": {"from": "a", "to": "str", "back": "int"}}, {"a": 15}),
        ({"x": {"from": "a", "apply": ["lower"], "back": {"apply": ["upper"]}}}, {"a": "ABC"}),
        ({"x": {"from": "a", "apply": ["strip"], "default": "x", "back": "keep"}}, {"a": "ABC"}),
        ({"x": {"multiply": ["a", 100], "to": "int", "back": "str"}}, {"a": "12.5"}),
    ],
)
def test_there_and_back(fields: dict[str, Any], record: dict[str, Any]) -> None:
    there = mapping(fields)
    back = there.inverse()
    assert back(there(record)) == record


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"x": {"from": "a", "to": "int"}}, "x", 'say back = "str"'),
        ({"x": {"from": "a", "apply": ["lower"]}}, "x", "apply lower may lose something"),
        ({"x": {"from": "a", "default": 1}}, "x", "default fills in"),
        ({"x": {"concat": ["a", "b"]}}, "x", "concat has no way back"),
        ({"x": "a[0]"}, "x", "one item of a list"),
        ({"x": "."}, "x", "is not one field of it"),
        ({"x": {"sum": "rows"}}, "x", "has no way back"),
        ({"x": {"count": "rows"}}, "x", "has no way back"),
        ({"x": {"multiply": ["a", "b"]}}, "x", "multiply of several values"),
        ({"x": {"multiply": ["a", 0]}}, "x", "by this operand"),
        ({"x": {"divide": ["a", 3]}}, "x", "is rounded"),
        ({"x": {"divide": [3, "a"]}}, "x", "by this operand"),
        ({"x": {"add": ["a", 1, 2]}}, "x", "more than two operands"),
        ({"x": {"from": "a", "lookup": "status", "otherwise": "keep"}}, "x", "outside its table"),
        ({"o": {"fields": {"p": {"fields": {"x": {"from": "a", "to": "int"}}}}}}, "o.p.x", "to = 'int'"),
        ({"l": {"each": "rows", "fields": {"x": {"from": "a", "to": "int"}}}}, "l[].x", "to = 'int'"),
        ({"o": {"from": "c", "fields": {"x": {"from": "a", "to": "int"}}}}, "o.x", "to = 'int'"),
    ],
)
def test_no_way_back(fields: dict[str, Any], name: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapping({"well": "well", **fields}).inverse()
    assert "there is no inverse, because 1 field has no way back:" in str(caught.value)
    assert f"  {name}: " in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"a": "X", "b": "X"}, "makes 'X' of 'a' and of 'b'"),
        ({"a": 1, "b": "1"}, "makes '1' of 'a' and of 'b'"),
        ({"a": None}, "only text, whole numbers and bools"),
        ({"a": Decimal("1.5")}, "only text, whole numbers and bools"),
        ({}, "is empty"),
    ],
)
def test_lookups_that_are_not_one_to_one(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"x": {"from": "a", "lookup": "t"}}, "lookups": {"t": table}}).inverse()
    assert words in str(caught.value)


def test_every_field_is_named() -> None:
    fields = {f"x{index}": {"from": f"a{index}", "to": "int"} for index in range(25)}
    with pytest.raises(ConfigurationError) as caught:
        mapping(fields).inverse()
    assert "because 25 fields have no way back" in str(caught.value)
    assert str(caught.value).endswith("… and 5 more")


def test_nothing_to_come_back() -> None:
    with pytest.raises(ConfigurationError, match="no field of it reads anything"):
        mapping({"x": {"value": 1}}).inverse()


def test_what_an_inverse_is() -> None:
    there = mapping({"x": "a"}, source="shop.orders", target="books.invoices", on_error="null")
    back = there.inverse()
    assert (back.source_name, back.target_name, back.on_error) == ("books.invoices", "shop.orders", "null")
    assert repr(back).startswith('<Mapping "the inverse of Mapping({…})"') or "the inverse of" in repr(back)
    assert back.inverse()({"a": 1}) == {"x": 1}


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (7, 'is "keep", "none" (no part of the way back), a type'),
        ("strr", "unknown type 'strr'"),
        ({"lookup": "status"}, "unknown option 'lookup'"),
        ({"to": "decimal", "scale": "x"}, "scale"),
    ],
)
def test_mistakes_in_back_are_found_when_the_mapping_is_built(back: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapping({"x": {"from": "a", "to": "int", "back": back}})
    assert "fields.x.back" in str(caught.value)
    assert words in str(caught.value)
