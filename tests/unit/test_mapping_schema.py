"""The JSON schema of the mapping format: what the parser takes passes, typical mistakes do not, and it names whatever the grammar names."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Mapping
from integrakit.transform.cleaning import BUILT_IN
from integrakit.transform.conversions import OPTION_TYPES
from integrakit.transform.exact import ROUNDINGS
from integrakit.transform.format_contents import BY_KIND, CONTENTS, MEANINGS, NEEDED, OPTIONS, TABLES, TOP
from integrakit.transform.format_schema import format_schema
from integrakit.transform.grammar import ALL, HEADINGS, KINDS
from integrakit.transform.lookups.declared import TABLE_OPTIONS

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checker() -> Any:
    schema = format_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fits(checker: Any, tree: Any) -> bool:
    return bool(checker.is_valid(tree))


GOOD: list[Any] = [
    "id",
    "lines[0].price",
    ".",
    {"from": "a"},
    {"from": "a", "apply": ["strip", "lower", "sku"], "lookup": "status", "otherwise": "keep", "to": "str", "optional": True},
    {"from": "a", "lookup": "status", "otherwise": {"value": "none"}},
    {"from": "a", "to": "decimal", "scale": 2, "rounding": "half-up", "float": "shortest", "default": Decimal("0.00")},
    {"from": "a", "to": "date", "timezone": "Europe/Berlin", "nullable": False, "default": date(2024, 1, 31)},
    {"from": "a", "to": "datetime", "timezone": "Europe/Berlin", "fold": "later"},
    {"from": "a", "null_values": ["", "-", 0]},
    {"from": "a", "default": None},
    {"from": "a", "default": {"any": ["thing"]}},
    {"value": None},
    {"value": [1, {"a": Decimal("0.1")}]},
    {"value": "1.10", "to": "decimal", "scale": 1},
    {"fields": {"x": "y", "z": {"fields": {"deep": {"value": 1}}}}},
    {"from": "a", "fields": {"x": "y"}, "optional": True},
    {"each": "lines", "fields": {"sku": "sku"}, "default": []},
    {"each": {"coalesce": ["a", "b"]}, "fields": {"sku": {"from": "sku", "to": "int"}}},
    {"add": ["a", 1, Decimal("1.5"), {"multiply": ["b", {"subtract": [1, "c"]}]}], "to": "decimal"},
    {"divide": ["a", "b"], "float": "shortest"},
    {"sum": "lines", "of": {"multiply": ["price", "quantity"]}, "to": "decimal", "scale": 2},
    {"count": "lines", "nullable": False},
    {"first": "lines", "of": "sku"},
    {"last": {"from": "lines"}},
    {"concat": ["first", {"value": " "}, "last"], "apply": ["strip"]},
    {"coalesce": ["a", {"from": "b", "default": 1}, {"value": 0}]},
    {
        "each": "lines",
        "where": "quantity > 0",
        "sort": ["sku", {"from": "price", "to": "decimal"}],
        "descending": [True, False],
        "fields": {"s": "sku"},
    },
    {"each": "lines", "fields": {"n": {"position": 1}, "tax": {"share": "$.tax", "by": "net", "scale": 2}}},
    {"group": "rows", "by": ["a", {"from": "b", "apply": ["strip"]}], "as": "items", "fields": {"a": "a", "n": {"count": "items"}}},
    {
        "flatten": "orders[].lines[]",
        "as": ["order", "line"],
        "keep_empty": True,
        "fields": {"id": "order.id", "sku": {"from": "line.sku", "default": None}},
    },
    {"flatten": ["orders", "lines"]},
    {"values": "lines", "of": "sku", "distinct": True, "apply": ["strip"]},
    {"residue": "lines", "of": "net", "scale": 2, "rounding": "half-up"},
    {"max": "lines", "of": "price", "where": "price > 0"},
    {"cases": [{"value": "big", "when": "total > 100"}, {"value": "small"}]},
    {"split": "name", "by": " ", "index": -1},
    {"join": "tags", "by": ", ", "skip": "empty"},
    {"join": ["first", {"value": "x"}], "by": " "},
    {"list": ["a", {"fields": {"x": "y"}}], "skip": "missing"},
    {"call": "both", "with": ["a", 1, {"value": "x"}]},
    {"from": "a", "lookup": "rates", "at": "day", "column": "rate", "otherwise": {"from": "b"}},
    {"from": "a", "to": "enum", "one_of": ["x", "y"], "when": "a > 1"},
    {"from": "a", "to": "money", "currency": "EUR", "rounding": "half-up"},
    {"from": "a", "to": "money", "currency": {"from": "$.currency", "apply": ["upper"]}},
]

BAD: list[Any] = [
    5,
    True,
    None,
    [],
    "",
    {},
    {"frm": "a"},
    {"from": "a", "roundin": "half-up"},
    {"from": 5},
    {"from": ["a"]},
    {"from": "a", "value": 1},
    {"add": ["a", 1], "sum": "b"},
    {"to": "int"},
    {"from": "a", "to": "number"},
    {"from": "a", "to": ["int"]},
    {"from": "a", "to": "decimal", "scale": -1},
    {"from": "a", "to": "decimal", "scale": "2"},
    {"from": "a", "to": "decimal", "scale": 2, "rounding": "half-upp"},
    {"from": "a", "scale": 2},
    {"from": "a", "rounding": "half-up"},
    {"from": "a", "timezone": "Europe/Berlin"},
    {"from": "a", "to": "bool", "scale": 2},
    {"from": "a", "to": "date", "fold": "later"},
    {"from": "a", "to": "datetime", "timezone": "UTC", "fold": "first"},
    {"from": "a", "to": "decimal", "float": "exact"},
    {"from": "a", "apply": "strip"},
    {"from": "a", "apply": [5]},
    {"from": "a", "lookup": ["status"]},
    {"from": "a", "otherwise": "keep"},
    {"from": "a", "lookup": "status", "otherwise": "kep"},
    {"from": "a", "optional": "yes"},
    {"from": "a", "optional": True, "default": 1},
    {"from": "a", "nullable": "no"},
    {"from": "a", "on_error": "raise"},
    {"value": 1, "apply": ["strip"]},
    {"value": 1, "optional": True},
    {"value": 1, "default": 2},
    {"each": "a"},
    {"each": "a", "fields": {}},
    {"each": 5, "fields": {"x": "x"}},
    {"each": "a", "fields": {"x": "x"}, "to": "int"},
    {"each": "a", "fields": {"x": {"frm": "x"}}},
    {"fields": {}},
    {"fields": ["x"]},
    {"fields": {"x": "x"}, "optional": True},
    {"fields": {"x": "x"}, "apply": ["strip"]},
    {"from": "a", "fields": {"x": "x"}, "lookup": "status"},
    {"from": "a", "of": "b"},
    {"sum": ["a"]},
    {"sum": "a", "of": 5},
    {"count": "a", "of": "b"},
    {"add": "a"},
    {"add": ["a"]},
    {"add": ["a", True]},
    {"add": ["a", {"multiply": ["b", {"subract": [1, "d"]}]}]},
    {"add": ["a", {"from": "b", "optional": True}]},
    {"add": ["a", {"each": "b", "fields": {"x": "x"}}]},
    {"add": ["a", {"from": "b", "fields": {"x": "x"}}]},
    {"concat": []},
    {"coalesce": "a"},
    {"each": "a", "fields": {"x": "x"}, "descending": True},
    {"each": "a", "fields": {"x": "x"}, "where": 5},
    {"group": "rows", "fields": {"a": "a"}},
    {"group": "rows", "by": "a"},
    {"group": "rows", "by": "a", "as": ["x"], "fields": {"a": "a"}},
    {"flatten": "a[].b", "as": "x"},
    {"flatten": "a[].b", "keep_empty": True},
    {"flatten": []},
    {"values": "a", "distinct": "yes"},
    {"residue": "lines"},
    {"residue": "lines", "scale": 2, "to": "decimal"},
    {"cases": []},
    {"cases": [{"value": 1, "optional": True}]},
    {"split": "a", "by": ""},
    {"split": "a", "skip": "missing"},
    {"join": "a"},
    {"join": "a", "by": ", ", "skip": "nothing"},
    {"call": "both"},
    {"from": "a", "column": "rate"},
    {"from": "a", "to": "datetime", "fold": "later"},
    {"from": "a", "to": "enum"},
    {"from": "a", "to": "enum", "one_of": []},
]


def whole(rule: Any) -> dict[str, Any]:
    rates = {"key": "code", "value": ["rate", "note"], "valid_from": "since", "types": {"rate": {"to": "decimal", "scale": 4}, "since": "date"}}
    rows = [{"code": "EUR", "rate": "1.1", "note": "", "since": "2024-01-01"}]
    return {"fields": {"it": rule}, "lookups": {"status": {"a": "b", "1": None}}, "tables": {"rates": {**rates, "rows": rows}}}


@pytest.mark.parametrize("rule", GOOD, ids=repr)
def test_what_the_parser_takes_passes(rule: Any, checker: Any) -> None:
    Mapping(whole(rule), functions={"sku": str, "both": lambda *values: values})
    assert fits(checker, whole(rule)), next(checker.iter_errors(whole(rule))).message


@pytest.mark.parametrize("rule", BAD, ids=repr)
def test_typical_mistakes_do_not(rule: Any, checker: Any) -> None:
    with pytest.raises(ConfigurationError):
        Mapping(whole(rule), functions={"both": lambda *values: values})
    assert not fits(checker, whole(rule))


@pytest.mark.parametrize(
    ("tree", "good"),
    [
        ({"fields": {"a": "b"}}, True),
        ({"$schema": "mapping.schema.json", "source": "s", "target": "t", "on_error": "null", "fields": {"a": "b"}, "lookups": {}}, True),
        ({"fields": {"a": "b"}, "lookups": {"t": {"x": 1, "y": True, "z": None, "w": Decimal("0.5"), "v": date(2024, 1, 1)}}}, True),
        ({}, False),
        ({"fields": {}}, False),
        ({"fields": "a"}, False),
        ({"field": {"a": "b"}}, False),
        ({"fields": {"a": "b"}, "source": 5}, False),
        ({"fields": {"a": "b"}, "on_error": "ignore"}, False),
        ({"fields": {"a": "b"}, "lookup": {}}, False),
        ({"fields": {"a": "b"}, "lookups": {"t": "x"}}, False),
        ({"fields": {"a": "b"}, "lookups": {"t": {"x": {"y": 1}}}}, False),
        ({"fields": {"a": "b"}, "tables": {"t": {"key": ["x", "y"], "rows": [], "ignore_case": True}}}, True),
        ({"fields": {"a": "b"}, "tables": {"t": {"rows": []}}}, False),
        ({"fields": {"a": "b"}, "tables": {"t": {"key": "x", "csv": "t.csv", "rows": []}}}, False),
        ({"fields": {"a": "b"}, "tables": {"t": {"key": "x", "rows": [], "delimiter": ";"}}}, False),
        ({"fields": {"a": "b"}, "tables": {"t": {"key": "x", "rows": [], "delimiterr": ";"}}}, False),
        ({"fields": {"a": "b"}, "tables": {"t": {"key": "x", "rows": [], "types": {"y": {"scale": 2}}}}}, False),
        ([], False),
    ],
)
def test_the_whole_mapping(tree: Any, good: bool, checker: Any) -> None:
    assert fits(checker, tree) is good
    if good:
        Mapping(tree)
    else:
        with pytest.raises(ConfigurationError):
            Mapping(tree)


def pages() -> list[Any]:
    found = []
    for page in sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]):
        texts = re.findall(r"<!-- file: (\S+\.toml) -->\s*```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        found += [pytest.param(text, id=f"{page.name}:{name}") for name, text in texts if "[fields]" in text]
    return found + [pytest.param(path.read_text(encoding="utf-8"), id=path.name) for path in sorted((ROOT / "examples").glob("*.toml"))]


@pytest.mark.parametrize("text", pages())
def test_the_mappings_of_the_documentation_pass(text: str, checker: Any) -> None:
    tree = tomllib.loads(text, parse_float=Decimal)
    assert fits(checker, tree) is ("roundin " not in text), list(checker.iter_errors(tree))


# ---------------------------------------------------------------- beside each other, as the parser has it


#: The least that makes a rule of a kind.
LEAST: dict[str, dict[str, Any]] = {name: {name: "a"} for name in KINDS}
LEAST |= {name: {name: ["a", "b"]} for name in ("add", "subtract", "multiply", "divide", "concat", "coalesce", "cases", "list")}
LEAST |= {
    "each": {"each": "a", "fields": {"x": "x"}},
    "group": {"group": "a", "by": "k", "fields": {"x": "x"}},
    "fields": {"fields": {"x": "x"}},
    "residue": {"residue": "a", "scale": 2},
    "share": {"share": "a", "scale": 2},
    "position": {"position": 1},
    "call": {"call": "f", "with": ["a"]},
    "join": {"join": "a", "by": ", "},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", [{}, {"when": "a = 1"}], ids=["always", "when"])
def test_what_may_stand_beside_a_kind_is_what_the_parser_says(kind: str, when: dict[str, Any], checker: Any) -> None:
    """The least rule passes; with all names in it, the schema refuses those that have no meaning for the parser."""
    least = {**LEAST[kind], **when}
    assert fits(checker, whole(least)), next(checker.iter_errors(whole(least))).message
    others = [name for name in ALL if name not in least and name not in KINDS and name != "when"]
    everything = {**dict.fromkeys(others, "x"), **least}
    refused = {name for problem in checker.iter_errors(whole(everything)) for name in refused_names(problem)}
    assert refused == {name for name in others if name not in KINDS[kind].allowed(everything)}


def refused_names(problem: Any) -> set[str]:
    """The names that may not be there, as the schema says here and inside."""
    here = {problem.instance} if problem.validator == "not" and isinstance(problem.instance, str) else set()
    return here.union(*map(refused_names, problem.context or ()))


def test_every_name_of_the_grammar_is_described(checker: Any) -> None:
    """Whoever adds a kind, an option or a heading says in `format_contents` what it holds."""
    properties = checker.schema["$defs"]["rule"]["properties"]
    assert list(properties) == list(ALL)
    assert [name for name in ALL if not properties[name].get("description")] == []
    assert [name for name in ALL if len(properties[name]) == 1 and name not in ("value", "default")] == []
    assert list(checker.schema["properties"]) == list(HEADINGS)
    assert set(HEADINGS) == set(TOP)
    assert set(TABLE_OPTIONS) == set(TABLES)
    assert {option for options in OPTION_TYPES.values() for option in options} == set(MEANINGS)
    assert [name for name in (*CONTENTS, *NEEDED) if name not in KINDS] == []
    assert [name for name in OPTIONS if name not in ALL] == []
    assert [(kind, name) for kind, name in BY_KIND if name not in KINDS[kind].options] == []
    own = {(kind.name, option) for kind in KINDS.values() for option in kind.options if option not in KINDS}
    assert [(kind, name) for kind, name in own if (kind, name) not in BY_KIND and name not in OPTIONS and kind != "value"] == []


def test_words_to_choose_from(checker: Any) -> None:
    properties = checker.schema["$defs"]["rule"]["properties"]
    assert properties["to"]["enum"] == list(OPTION_TYPES)
    assert properties["rounding"]["enum"] == list(ROUNDINGS)
    assert checker.schema["$defs"]["function"]["anyOf"][0]["enum"] == list(BUILT_IN)


def test_it_is_json_and_new_each_time() -> None:
    schema = Mapping.schema()
    assert json.loads(json.dumps(schema)) == schema == format_schema()
    schema["$defs"].clear()
    assert Mapping.schema()["$defs"]
