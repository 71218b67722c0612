"""Every mistake in a mapping is a ConfigurationError when it is built, and names the place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Mapping


def mistake(tree: Any, **more: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Mapping(tree, **more)
    return str(caught.value)


RULES: list[tuple[Any, str]] = [
    (5, "a rule is a path as text or a table, not 5: a constant is written { value = … }"),
    (None, "not null"),
    (True, "not true"),
    (["a"], "not a list of 1"),
    ({}, "says nothing about where the value comes from"),
    ({"to": "int"}, "says nothing about where the value comes from"),
    ({"form": "a"}, "unknown option 'form': did you mean 'from'?"),
    ({"from": "a", "optionl": True}, "unknown option 'optionl': did you mean 'optional'?"),
    ({"from": "a", "zzz": True}, "unknown option 'zzz': known are from, value, each"),
    ({"from": 5}, "a path is text, not 5"),
    ({"from": "a", "value": 1}, "from and value exclude each other"),
    ({"from": "a", "value": 1, "fields": {"x": "x"}}, "from and value exclude each other"),
    ({"from": "a", "of": "b"}, "of has no meaning beside from"),
    ({"count": "a", "of": "b"}, "of has no meaning beside count"),
    ({"value": 1, "apply": ["strip"]}, "apply has no meaning beside value"),
    ({"value": 1, "optional": True}, "optional has no meaning beside value"),
    ({"value": "x", "to": "int"}, "value does not fit to = 'int': 'x' is not a whole number"),
    ({"from": "a", "to": "int", "default": "x"}, "default does not fit to = 'int'"),
    ({"from": "a", "optional": True, "default": 1}, "give one of them"),
    ({"from": "a", "optional": 1}, "optional is true or false, not 1"),
    ({"from": "a", "nullable": "no"}, "nullable is true or false, not 'no'"),
    ({"from": "a", "apply": "strip"}, "apply takes a list of function names"),
    ({"from": "a", "apply": ["stripp"]}, "unknown function 'stripp': did you mean 'strip'?"),
    ({"from": "a", "apply": [5]}, "unknown function 5"),
    ({"from": "a", "apply": [["strip"]]}, "unknown function a list of 1"),
    ({"from": "a", "to": "integer"}, "unknown type 'integer' in to: did you mean 'int'?"),
    ({"from": "a", "to": "zzz"}, "unknown type 'zzz' in to: known are str, int, float, decimal, bool, date, datetime"),
    ({"from": "a", "to": None}, "unknown type null"),
    ({"from": "a", "to": ["int"]}, "unknown type a list of 1"),
    ({"from": "a", "to": "int", "scale": 2}, "scale has no meaning with to = 'int'"),
    ({"from": "a", "scale": 2}, "scale belongs to to = 'decimal', which is missing"),
    ({"from": "a", "timezone": "UTC"}, "timezone belongs to to = 'date', which is missing"),
    ({"from": "a", "to": "decimal", "scale": -1}, "scale is a number of digits after the point, 0 to 100, not -1"),
    ({"from": "a", "to": "decimal", "scale": True}, "not true"),
    ({"from": "a", "to": "decimal", "scale": 2.5}, "not 2.5"),
    ({"from": "a", "to": "decimal", "scale": None}, "not null"),
    ({"from": "a", "to": "decimal", "rounding": "half-even"}, "rounding needs a scale"),
    ({"from": "a", "to": "decimal", "scale": 2, "rounding": "half_even"}, "unknown rounding 'half_even': did you mean 'half-even'?"),
    ({"from": "a", "to": "decimal", "scale": 2, "rounding": 5}, "unknown rounding 5"),
    ({"from": "a", "to": "decimal", "float": "exact"}, 'float = "shortest" is the only rule for floats'),
    ({"from": "a", "to": "int", "float": "shortest"}, 'float = "shortest" is for arithmetic'),
    ({"from": "a", "to": "date", "timezone": "Europe/Berln"}, "unknown timezone 'Europe/Berln': did you mean 'Europe/Berlin'?"),
    ({"from": "a", "to": "date", "timezone": "../etc/passwd"}, "unknown timezone"),
    ({"from": "a", "to": "date", "timezone": 5}, "unknown timezone 5"),
    ({"from": "a", "to": "date", "timezone": "Europe"}, "unknown timezone 'Europe'"),
    ({"from": "a", "to": "datetime", "timezone": "UTC", "fold": "first"}, 'fold is "earlier" or "later"'),
    ({"from": "a", "to": "datetime", "fold": "later"}, "fold needs a timezone"),
    ({"from": "a", "lookup": "statuss"}, "unknown lookup 'statuss': did you mean 'status'?"),
    ({"from": "a", "lookup": ["status"]}, "unknown lookup a list of 1"),
    ({"from": "a", "otherwise": "keep"}, "otherwise belongs to lookup"),
    ({"from": "a", "lookup": "status", "otherwise": "kep"}, 'otherwise is "error", "keep", { value = … } or another rule, not \'kep\''),
    ({"from": "a", "lookup": "status", "otherwise": []}, "otherwise is"),
    ({"from": "a", "lookup": "status", "otherwise": {}}, "fields.it.otherwise: says nothing about where the value comes from"),
    ({"each": "a"}, "each needs fields"),
    ({"each": "a", "fields": {}}, "has no field"),
    ({"each": 5, "fields": {"x": "x"}}, "each takes the path of a list, not 5"),
    ({"each": "a", "fields": {"x": "x"}, "to": "int"}, "to has no meaning beside each"),
    ({"fields": {"x": "x"}, "optional": True}, "optional has no meaning beside fields"),
    ({"fields": ["x"]}, "must be a table, not a list of 1"),
    ({"each": "a", "fields": {"x": {"frm": "x"}}}, "fields.it.fields.x: unknown option 'frm'"),
    ({"sum": ["a"]}, "sum takes the path of a list, not a list of 1"),
    ({"add": "a"}, "add takes a list of at least 2 operands, not 'a'"),
    ({"add": ["a"]}, "add takes a list of at least 2 operands, not a list of 1"),
    ({"concat": []}, "concat takes a list of at least 1 operand, not a list of 0"),
    ({"add": ["a", True]}, "fields.it.add[1]: a rule is a path as text or a table, not true"),
    ({"add": ["a", {"value": "x"}]}, "fields.it.add[1]: cannot be an operand of add: 'x' is not a number"),
    ({"add": ["a", {"value": True}]}, "true is a bool, not a number"),
    ({"concat": ["a", {"value": []}]}, "cannot be an operand of concat"),
    ({"add": ["a", {"multiply": ["b", {"subract": [1, "d"]}]}]}, "fields.it.add[1].multiply[1]: unknown option 'subract': did you mean 'subtract'?"),
    ({"add": ["a", {"from": "b", "optional": True}]}, "optional belongs to a whole field"),
    ({"add": ["a", {"each": "b", "fields": {"x": "x"}}]}, "each and fields make a whole field, not an operand"),
    ({"sum": "a", "of": 5}, "fields.it.of: a rule is a path as text or a table, not 5"),
    ({"value": 10**400, "to": "decimal", "scale": 2, "zzz" * 99: 1}, "unknown option"),
    ({"from": 10**400}, "a path is text, not a huge number"),
    ({"from": Decimal("1." + "1" * 99)}, "…"),
]


@pytest.mark.parametrize(("rule", "reason"), RULES, ids=[str(index) for index in range(len(RULES))])
def test_mistakes_of_a_rule(rule: Any, reason: str) -> None:
    message = mistake({"fields": {"it": rule}, "lookups": {"status": {"a": "b"}}}, name="orders.toml")
    assert message.startswith("orders.toml: fields.it")
    assert reason in message
    assert len(message) < 700


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (None, "a mapping is a tree of dicts"),
        ([], "a mapping is a tree of dicts"),
        ({}, "fields: is missing"),
        ({"field": {"a": "a"}}, "unknown entry 'field': did you mean 'fields'?"),
        ({"fields": {}}, "has no field"),
        ({"fields": "a"}, "fields: must be a table, not 'a'"),
        ({"fields": {5: "a"}}, "fields: a name must be text, not int"),
        ({"fields": {"a": {"from": "a", None: 1}}}, "fields.a: a name must be text"),
        ({"fields": {"a": "a"}, "source": 5}, "source: is a name, as text, not 5"),
        ({"fields": {"a": "a"}, "lookups": []}, "lookups: must be a table"),
        ({"fields": {"a": "a"}, "lookups": {"t": "x"}}, "lookups.t: must be a table, not 'x'"),
        ({"fields": {"a": "a"}, "lookups": {"t": {"x": {"y": 1}}}}, "lookups.t.x: stands for one value, not a table"),
        ({"fields": {"a": {"value": float("nan")}}}, "fields.a.value: nan is not a number a mapping can use"),
        ({"fields": {"a": {"value": Decimal("inf")}}}, "fields.a.value: Infinity is not a number"),
        ({"fields": {"a": {"value": {1, 2}}}}, "fields.a.value: a set cannot be part of a mapping"),
        ({"fields": {"a": {"value": b"x"}}}, "a bytes cannot be part of a mapping"),
        ({"fields": {"a": {"lookup": "x", "from": "a"}}}, "unknown lookup 'x': there are none"),
    ],
)
def test_mistakes_of_the_tree(tree: Any, reason: str) -> None:
    message = mistake(tree)
    assert message.startswith("Mapping({…}): ")
    assert reason in message


def nested(levels: int) -> Any:
    rule: Any = {"from": "a"}
    for _ in range(levels):
        rule = {"add": [rule, 1]}
    return rule


def loops(levels: int) -> Any:
    rule: Any = "a"
    for _ in range(levels):
        rule = {"each": "a", "fields": {"a": rule}}
    return rule


def test_depth() -> None:
    assert Mapping({"fields": {"a": nested(15)}})({"a": 1}) == {"a": 16}
    assert "nested more than 16 levels deep" in mistake({"fields": {"a": nested(17)}})
    assert "nested too deeply" in mistake({"fields": {"a": nested(5000)}})
    assert Mapping({"fields": {"a": loops(15)}})({"a": []}) == {"a": []}
    assert "nested more than 16 levels deep" in mistake({"fields": {"a": loops(16)}})


def test_many_fields_and_operands() -> None:
    names = [f"f{index}" for index in range(3000)]
    mapping = Mapping({"fields": {**{name: name for name in names}, "all": {"add": names}, "some": {"coalesce": names}, "text": {"concat": names}}})
    result = mapping(dict.fromkeys(names, 1))
    assert (result["all"], result["some"], result["text"]) == (3000, 1, "1" * 3000)


@pytest.mark.parametrize(
    ("functions", "reason"),
    [
        ([], "takes a dict of name → function, not a list"),
        ({5: str}, "a function's name is text, not 5"),
        ({"": str}, "a function's name is text"),
        ({"strip": str}, "'strip' is built in"),
        ({"f": 5}, "'f' must be a plain function, not an int"),
    ],
)
def test_mistakes_of_the_functions(functions: Any, reason: str) -> None:
    assert reason in mistake({"fields": {"a": "a"}}, functions=functions)


def test_an_async_function_is_refused() -> None:
    async def later(value: Any) -> Any:
        return value

    assert "must be a plain function" in mistake({"fields": {"a": "a"}}, functions={"later": later})


def test_an_unknown_function_says_how_to_give_it() -> None:
    message = mistake({"fields": {"a": {"from": "a", "apply": ["sku"]}}}, functions={"skus": str})
    assert "unknown function 'sku': did you mean 'skus'?" in message
    assert "functions={'sku': …}" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[fields]\na = 'b'\nb = = 2\n", "line 3, column 5"),
        (b"[fields]\na = 'b'\na = 'c'\n", "3: fields.a: is there twice, first in line 2"),
        (b"\xff\xfe", "a mapping file is UTF-8 text"),
        (b"[fields]\na = { value = nan }\n", "nan is not a number a mapping can use"),
        (b"[fields]\na = { value = -inf }\n", "-inf is not a number"),
        (b"[fields]\na = " + b"[" * 50_000, "nested too deeply"),
        (b"[fields]\na = { frm = 'b' }\n", "fields.a: unknown option 'frm': did you mean 'from'?"),
        (b"", "fields: is missing"),
        (b"#" * 10_000_001, "too many for a mapping file"),
    ],
)
def test_mistakes_of_a_file(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "orders.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        Mapping.load(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Mapping.load(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Mapping.load(str(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Mapping.load("a\0b")


def test_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "orders.toml"
    path.write_bytes(b"\xef\xbb\xbf[fields]\r\na = 'b'\r\n")
    assert Mapping.load(path)({"b": 1}) == {"a": 1}
