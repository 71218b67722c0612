"""A mapping held against a JSON Schema: what each rule can give, and what the schema says to it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.money import Money
from integrakit.transform import Mapping
from integrakit.transform.checking.findings import Findings

LOOKUPS = {"status": {"a": "PAID", "b": "Viod"}, "code": {"a": 1, "b": 2}, "half": {"a": "x", "b": None}}


def checked(rule: Any, schema: Any, **options: Any) -> list[str]:
    """What is found about one field ``x``, without its name."""
    mapping = Mapping({"fields": {"x": rule}, "lookups": LOOKUPS}, **options)
    return [str(finding).replace(": x: ", ": ") for finding in mapping.check({"properties": {"x": schema}})]


def never_null(rule: dict[str, Any]) -> dict[str, Any]:
    return {**rule, "nullable": False}


@pytest.mark.parametrize(
    ("rule", "type"),
    [
        (never_null({"from": "a"}), "boolean"),  # anything may stand there: no claim
        (never_null({"from": "a", "to": "str"}), "string"),
        (never_null({"from": "a", "to": "int"}), "integer"),
        (never_null({"from": "a", "to": "int"}), "number"),
        (never_null({"from": "a", "to": "float"}), "number"),
        (never_null({"from": "a", "to": "decimal", "scale": 0}), "integer"),
        (never_null({"from": "a", "to": "bool"}), "boolean"),
        (never_null({"from": "a", "to": "date"}), "string"),
        (never_null({"from": "a", "to": "uuid"}), "string"),
        (never_null({"from": "a", "to": "money", "currency": "EUR"}), "object"),
        (never_null({"from": "a", "lookup": "code"}), "integer"),
        ({"add": ["a", "b"]}, "number"),
        ({"sum": "l"}, "number"),
        ({"count": "l"}, "integer"),
        ({"concat": ["a", "b"]}, "string"),
        ({"fields": {"y": "y"}}, "object"),
        (never_null({"each": "l", "fields": {"y": "y"}}), "array"),
        (never_null({"values": "l"}), "array"),
        (never_null({"split": "a", "by": ","}), "array"),
        (never_null({"split": "a", "by": ",", "index": 0}), "string"),
        (never_null({"join": "l", "by": ","}), "string"),
        ({"list": ["a", "b"]}, "array"),
        ({"value": 2}, "integer"),
        ({"value": Decimal("2.00")}, "integer"),
        ({"coalesce": ["a", {"value": "none"}]}, "string"),
        ({"cases": [{"value": 1, "when": "a == 1"}, {"value": 2}]}, "integer"),
        (never_null({"from": "a", "to": "str", "default": "-"}), "string"),
    ],
)
def test_what_fits_is_no_finding(rule: Any, type: str) -> None:
    assert checked(rule, {"type": type}) == []


@pytest.mark.parametrize(
    ("rule", "schema", "words"),
    [
        ({"concat": ["a"]}, {"type": "integer"}, 'error: gives text, and the schema wants a whole number: say to = "int"'),
        ({"sum": "l"}, {"type": "string"}, 'error: gives a decimal number, and the schema wants text: say to = "str"'),
        ({"sum": "l"}, {"type": "integer"}, 'warning: gives a decimal number, and the schema wants a whole number: say to = "int", or scale = 0'),
        (
            never_null({"from": "a", "to": "decimal", "scale": 2}),
            {"type": "integer"},
            'error: gives a decimal number, and the schema wants a whole number: say to = "int", or scale = 0',
        ),
        (
            never_null({"from": "a", "to": "bool"}),
            {"type": ["string", "null"]},
            'error: gives true or false, and the schema wants null or text: say to = "str"',
        ),
        (
            never_null({"from": "a", "to": "date"}),
            {"type": "integer"},
            "error: gives a date, and the schema wants a whole number: write = … gives it as a number",
        ),
        (
            never_null({"from": "a", "to": "date"}),
            {"format": "date-time"},
            'error: gives a date, and the schema wants a text of the format date-time: say to = "datetime"',
        ),
        (
            never_null({"from": "a", "to": "email"}),
            {"format": "uuid"},
            'error: gives text (email), and the schema wants a text of the format uuid: say to = "uuid"',
        ),
        (never_null({"from": "a", "to": "date"}), {"maxLength": 8}, "error: gives a date, and the schema takes at most 8 characters"),
        (
            never_null({"from": "a", "to": "duration"}),
            {"type": "string"},
            "error: is a duration, which JSON has no form for: say write = … beside to",
        ),
        (
            never_null({"from": "a", "to": "money", "currency": "EUR"}),
            {"type": "number"},
            "error: gives money (an object with amount and currency), and the schema wants a number",
        ),
        (
            never_null({"from": "a", "lookup": "status"}),
            {"enum": ["PAID", "VOID"]},
            "error: gives 'Viod', and the schema takes only 'PAID', 'VOID': did you mean 'VOID'?",
        ),
        (never_null({"from": "a", "lookup": "status"}), {"enum": [1, 2]}, "error: gives 'PAID', 'Viod', and the schema takes only 1, 2"),
        (
            never_null({"from": "a", "to": "enum", "one_of": ["DE", "D"]}),
            {"minLength": 2},
            "error: gives 'D', and the schema takes at least 2 characters",
        ),
        ({"value": "web"}, {"const": "shop"}, "error: gives 'web', and the schema takes only 'shop'"),
        ({"value": "GERMANY"}, {"maxLength": 2}, "error: gives 'GERMANY', and the schema takes at most 2 characters"),
        ({"value": "de"}, {"pattern": "^[A-Z]{2}$"}, "error: gives 'de', and the schema wants what matches '^[A-Z]{2}$'"),
        ({"value": "31.1.2024"}, {"format": "date"}, "error: gives '31.1.2024', and the schema wants a text of the format date"),
        (
            {"value": "2024-01-31T10:00:00"},
            {"format": "date-time"},
            "error: gives '2024-01-31T10:00:00', and the schema wants a text of the format date-time",
        ),
        ({"value": 0}, {"minimum": 1}, "error: gives 0, and the schema takes at least 1"),
        ({"value": 1}, {"minimum": 1, "exclusiveMinimum": True}, "error: gives 1, and the schema takes more than 1"),
        ({"value": 1}, {"exclusiveMinimum": 1}, "error: gives 1, and the schema takes more than 1"),
        ({"value": 9}, {"maximum": 8.5}, "error: gives 9, and the schema takes at most 8.5"),
        ({"value": 1}, {"multipleOf": 5}, "error: gives 1, and the schema takes multiples of 5 only"),
        (
            never_null({"from": "a", "to": "decimal", "scale": 3}),
            {"multipleOf": 0.01},
            "error: gives a decimal number, and the schema takes multiples of 0.01 only: say scale = 2",
        ),
        ({"sum": "l"}, {"multipleOf": 0.01}, "warning: gives a decimal number, and the schema takes multiples of 0.01 only: say scale = 2"),
        ({"value": None}, {"type": "string"}, "error: is always null, and the schema does not take null"),
        ({"value": "x"}, {"readOnly": True}, "error: is readOnly in the schema: the target sets it, and refuses or ignores what is written"),
        ({"value": "x"}, False, "error: the schema takes no value here"),
        (
            {"value": "x"},
            {"anyOf": [{"type": "integer"}, {"enum": ["y"]}]},
            "error: gives 'x', and the schema wants a whole number or takes only 'y'",
        ),
    ],
)
def test_what_does_not_fit_is_named(rule: Any, schema: Any, words: str) -> None:
    assert checked(rule, schema) == [words]


@pytest.mark.parametrize(
    ("schema", "takes"),
    [
        ({"type": "string"}, False),
        ({"type": ["string", "null"]}, True),
        ({"type": "string", "nullable": True}, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, False),
        ({"enum": ["a", None]}, True),
        ({"enum": ["a"]}, False),
        ({"allOf": [{}, {"type": "string"}]}, False),
        ({}, True),
    ],
)
def test_null_is_a_warning_where_the_schema_does_not_take_it(schema: Any, takes: bool) -> None:
    found = checked({"from": "a", "to": "str"}, schema)
    null = ["warning: may be null, and the schema does not take null: say default = … or nullable = false"]
    assert [words for words in found if "null" in words] == ([] if takes else null)


@pytest.mark.parametrize(
    ("rule", "null"),
    [
        ({"from": "a"}, True),
        ({"from": "a", "default": "b"}, True),
        ({"from": "a", "default": "b", "nullable": False}, False),
        ({"from": "a", "lookup": "half", "nullable": False}, False),
        ({"from": "a", "lookup": "half"}, True),
        ({"from": "a", "nullable": False, "on_error": "null"}, True),
        ({"coalesce": ["a", {"value": "b"}]}, False),
        ({"coalesce": ["a", "b"]}, True),
        ({"concat": ["a"]}, False),
        ({"concat": ["a"], "apply": ["blank_to_null"]}, True),
        ({"concat": ["a"], "null_values": ["-"]}, True),
        ({"call": "own", "with": ["a"]}, True),
        ({"concat": ["a"], "apply": ["own"]}, True),
        ({"concat": ["a"], "apply": ["strip", "upper"]}, False),
    ],
)
def test_which_rules_may_give_null(rule: Any, null: bool) -> None:
    found = checked(rule, {"type": "string"}, functions={"own": lambda value: value})
    assert any("may be null" in words for words in found) is null


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"from": "a", "optional": True}, "may be left out here"),
        ({"value": 1, "when": "a == 1"}, "may be left out here"),
        ({"value": 1, "when": "a == 1", "default": 2}, ""),
        ({"from": "a", "default": 1, "nullable": False}, ""),
        ({"value": 1}, ""),
        (never_null({"from": "a"}), ""),
        ({"fields": {"y": {"from": "y", "optional": True}}}, ""),
    ],
)
def test_what_is_required_may_not_be_left_out(rule: Any, words: str) -> None:
    found = Mapping({"fields": {"x": rule}}).check({"required": ["x"]})
    assert [words in str(finding) for finding in found.errors] == [True] * bool(words)


def test_places_names_and_the_words_of_all() -> None:
    lines = {"each": "l", "fields": {"sku": {"value": 5}, "a.b": {"value": "x"}, "quantty": {"count": "m"}}, "nullable": False}
    mapping = Mapping({"fields": {"lines": lines, "head": {"fields": {"nme": {"value": "x"}}}}}, name="orders.toml")
    line = {
        "properties": {"sku": {"type": "string"}, "a.b": {"maxLength": 0}, "quantity": {}},
        "required": ["quantity"],
        "additionalProperties": False,
    }
    head = {"properties": {"name": {"type": "string"}}}
    found = mapping.check({"type": "object", "properties": {"lines": {"type": "array", "items": line}, "head": head}, "required": ["id"]})
    assert str(found) == (
        "orders.toml against the schema: 5 errors, 1 warning\n"
        "  error: lines[].sku: gives 5, and the schema wants text\n"
        "  error: lines[].\"a.b\": gives 'x', and the schema takes at most 0 characters\n"
        "  error: lines[].quantty: is not in the schema, which takes no other property: did you mean 'quantity'?\n"
        "  error: lines[].quantity, id: is required by the schema, and no field gives it\n"
        "  warning: head.nme: is not in the schema: did you mean 'name'?"
    )
    assert [finding.place for finding in found.errors][-1] == "id"
    assert len(found) == 6
    with pytest.raises(ConfigurationError, match="no field gives it") as caught:
        found.raise_()
    assert str(caught.value) == str(found)


def test_nothing_wrong_is_false_and_warnings_are_not_raised() -> None:
    good = Mapping({"fields": {"x": {"value": 1}}}).check({"type": "object", "properties": {"x": {"type": "integer"}}})
    assert not good
    assert list(good) == []
    assert str(good) == "Mapping({…}) fits the schema"
    good.raise_(warnings=True)
    warned = Mapping({"fields": {"x": "x"}}).check({"properties": {"x": {"type": "integer"}}}, strict=True)
    assert isinstance(warned, Findings)
    assert len(warned.warnings) == 1
    with pytest.raises(ConfigurationError, match="may be null"):
        warned.raise_(warnings=True)
    with pytest.raises(ConfigurationError, match="wants text"):
        Mapping({"fields": {"x": {"value": 1}}}).check({"properties": {"x": {"type": "string"}}}, strict=True)


def test_properties_beyond_those_of_the_schema() -> None:
    mapping = Mapping({"fields": {"x": {"value": 1}, "meta_y": {"value": 2}}})
    assert not mapping.check({"type": "object"})
    assert not mapping.check({"properties": {"x": {}}, "patternProperties": {"^meta_": {"type": "integer"}}, "additionalProperties": False})
    assert not mapping.check({"properties": {"x": {}}, "additionalProperties": {"type": "integer"}})
    assert mapping.check({"properties": {"x": {}}, "additionalProperties": {"type": "string"}}).errors
    # Whether a pattern that is not tried would match is not known: no claim.
    assert not mapping.check({"properties": {"x": {}}, "patternProperties": {"^(m+)+e": {}}, "additionalProperties": False})
    composed: dict[str, Any] = {"allOf": [{"properties": {"x": {}}}, {"properties": {"meta_y": {}}}]}
    assert not mapping.check({**composed, "unevaluatedProperties": False})
    assert [finding.severity for finding in mapping.check({"anyOf": [{"properties": {"x": {}}}]})] == ["warning"]


def test_alternatives_of_objects_tell_of_the_nearest() -> None:
    card = {"properties": {"kind": {"const": "card"}, "number": {"type": "string"}}, "required": ["kind", "number"]}
    bank = {"properties": {"kind": {"const": "bank"}, "iban": {"type": "string"}}, "required": ["kind", "iban"]}
    mapping = Mapping({"fields": {"kind": {"value": "bank"}, "iban": {"value": 5}}})
    found = mapping.check({"oneOf": [card, bank]})
    assert [str(each) for each in found] == ["error: iban: gives 5, and the schema wants text (in the alternative that fits best, number 2 of 2)"]
    assert not Mapping({"fields": {"kind": {"value": "bank"}, "iban": {"value": "5"}}}).check({"oneOf": [card, bank]})


def test_a_required_property_that_the_target_sets_is_not_asked_for() -> None:
    schema = {"properties": {"id": {"type": "string", "readOnly": True}, "x": {}}, "required": ["id", "x"]}
    assert not Mapping({"fields": {"x": {"value": 1}}}).check(schema)


def test_a_table_of_very_many_values_is_known_by_its_kinds() -> None:
    table = {str(number): number for number in range(20_000)}
    mapping = Mapping({"fields": {"x": {"from": "a", "lookup": "t", "nullable": False}}}, lookups={"t": table})
    assert not mapping.check({"properties": {"x": {"type": "integer", "maximum": 5}}})
    assert mapping.check({"properties": {"x": {"type": "string"}}}).errors


def test_samples_are_mapped_and_checked() -> None:
    mapping = Mapping({"fields": {"x": never_null({"from": "a"}), "m": never_null({"from": "m"})}})
    schema = {"properties": {"x": {"type": "integer"}, "m": {"properties": {"amount": {"type": "number"}, "currency": {}}}}}
    assert not mapping.check(schema)
    records = [{"a": 1, "m": {}}, {"a": "1", "m": {}}, {"a": 2, "m": Money("1.5", "EUR")}, {"m": {}}]
    assert [str(finding) for finding in mapping.check(schema, records=iter(records))] == [
        "error: x: gives '1', and the schema wants a whole number",
        "error: m.amount: gives '1.50', and the schema wants a number",
        "warning: the record: record 4 does not fit the mapping: x: is missing",
    ]
    with pytest.raises(ConfigurationError, match="takes an iterable of records"):
        mapping.check(schema, records={"a": 1})


@pytest.mark.parametrize("sample", [{"foo": 1}, {"id": 7, "total": "5"}])
def test_a_sample_is_no_schema(sample: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text(json.dumps(sample))
    for schema in (sample, path):
        with pytest.raises(ConfigurationError, match="says nothing of what it describes: a JSON Schema has type and properties"):
            Mapping({"fields": {"id": "id"}}).check(schema)
