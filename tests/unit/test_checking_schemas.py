"""The documents that a mapping is held against: references, OpenAPI, files, and schemas that are none, or mean harm."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Mapping
from integrakit.transform.checking.text_patterns import matches

MAPPING = Mapping({"target": "books.invoices", "fields": {"x": {"value": "a"}, "party": {"fields": {"city": {"value": "b"}}}}})

INVOICE = {"type": "object", "properties": {"x": {"type": "integer"}, "party": {"$ref": "#/components/schemas/Party"}}}
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/invoices": {
            "post": {
                "operationId": "createInvoice",
                "requestBody": {"content": {"application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Invoice"}}, "text/csv": {}}},
            },
            "get": {"responses": {}},
        },
        "/invoices/{id}": {"put": {"requestBody": {"$ref": "#/components/requestBodies/Change"}}},
        "/files": {"post": {"requestBody": {"content": {"text/csv": {}, "text/plain": {}}}}},
        "/empty": {"post": {"requestBody": {"content": {"application/json": {}}}}},
    },
    "components": {
        "schemas": {"Invoice": INVOICE, "Party": {"properties": {"city": {"maxLength": 0}}}, "Line": {}},
        "requestBodies": {"Change": {"content": {"application/vnd.books+json": {"schema": {"$ref": "#/components/schemas/Party"}}}}},
    },
}
WRONG = ["error: x: gives 'a', and the schema wants a whole number", "error: party.city: gives 'b', and the schema takes at most 0 characters"]


def found(schema: Any, **options: Any) -> list[str]:
    return [str(finding) for finding in MAPPING.check(schema, **options).errors]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"component": "Invoice"},
        {"operation": "POST /invoices"},
        {"operation": "post /invoices"},
        {"operation": "createInvoice"},
    ],
)
def test_the_schema_of_an_openapi_document(options: dict[str, str]) -> None:
    assert found(OPENAPI, **options) == WRONG


def test_a_body_by_reference_and_a_path_with_a_parameter() -> None:
    assert MAPPING.check(OPENAPI, operation="PUT /invoices/{number}").warnings[0].place == "x"
    assert str(MAPPING.check(OPENAPI, component="Line")) == "Mapping({…}) fits the schema Line"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"component": "Invoise"}, "there is no schema 'Invoise': did you mean 'Invoice'?"),
        ({"operation": "POST /invoice"}, "there is no operation 'POST /invoice': did you mean 'POST /invoices'?"),
        ({"operation": "GET /invoices"}, "operation GET /invoices takes no body"),
        ({"operation": "POST /files"}, "takes no JSON: it takes 'text/csv', 'text/plain'"),
        ({"operation": "POST /empty"}, "does not say what its body looks like"),
        ({"operation": "POST /invoices", "component": "Invoice"}, "give one of them"),
        ({"operation": 5}, "operation=… is a name"),
    ],
)
def test_what_an_openapi_document_does_not_have(options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        MAPPING.check(OPENAPI, **options)


def test_a_schema_that_is_not_meant_clearly() -> None:
    nameless = Mapping({"fields": {"x": {"value": 1}}})
    with pytest.raises(ConfigurationError, match="say component=… or operation='POST /…': known are Invoice, Party, Line"):
        nameless.check(OPENAPI)
    schemas: dict[str, Any] = {"Invoice": {}, "invoices": {}, "INVOICES": {}}
    assert not MAPPING.check({"openapi": "3.0.0", "components": {"schemas": schemas}})
    del schemas["invoices"]
    with pytest.raises(ConfigurationError, match="more than one schema is called like the mapping's target 'invoices'"):
        MAPPING.check({"openapi": "3.0.0", "components": {"schemas": schemas}})
    with pytest.raises(ConfigurationError, match="belongs to an OpenAPI document"):
        MAPPING.check({}, operation="POST /x")


def test_swagger_and_definitions() -> None:
    body = {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Invoice"}}
    swagger = {"swagger": "2.0", "paths": {"/a": {"post": {"parameters": [{"in": "query"}, body]}}}, "definitions": {"Invoice": {"required": ["y"]}}}
    assert found(swagger, operation="POST /a") == found(swagger) == ["error: y: is required by the schema, and no field gives it"]
    assert found({"$defs": {"A": {"required": ["y"]}}}, component="A") == ["error: y: is required by the schema, and no field gives it"]


def test_references() -> None:
    schema = {
        "$id": "https://books.example/invoice",
        "properties": {"x": {"$ref": "#/$defs/a~1b%20c"}, "party": {"$ref": "https://books.example/party"}},
        "$defs": {
            "a/b c": {"$ref": "#number"},
            "number": {"$anchor": "number", "type": "integer"},
            "party": {"$id": "https://books.example/party", "properties": {"city": {"$ref": "https://books.example/invoice#/$defs/short"}}},
            "short": {"allOf": [{"$ref": "#/$defs/shorter/0"}]},
            "shorter": [{"maxLength": 0}],
        },
    }
    assert found(schema) == WRONG


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://books.example/a.json"}, "nothing is fetched"),
        ({"$ref": "other.json#/a"}, "nothing is fetched"),
        ({"$ref": "#/definitions/Inv", "definitions": {"Invoice": {}}}, "there is no 'Inv': did you mean 'Invoice'?"),
        ({"$ref": "#here"}, "no such anchor"),
        ({"$ref": 5}, "$ref is text, not 5"),
        ({"type": "strin"}, "unknown type 'strin': did you mean 'string'?"),
        ({"type": 5}, "type is a name or a list of names"),
        ({"properties": []}, "properties is an object"),
        ({"properties": {"x": 5}}, "a schema is an object, true or false, not 5"),
        ({"required": "x"}, "required is a list of names"),
        ({"allOf": {}}, "allOf is a list of schemas"),
        ({"anyOf": 5}, "anyOf is a list of schemas"),
        ({"enum": {"a": 1}}, "enum is a list of values"),
        (5, "takes a JSON Schema or OpenAPI document as a dict, the path of one, or an attrs class, not an int"),
        (None, "not null"),
        (int, "the class int, which is no attrs class"),
    ],
)
def test_a_schema_that_is_none(schema: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        MAPPING.check(schema)


def nested(keyword: str, depth: int, wrap: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {keyword: wrap(schema)}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}], "anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"properties": {"party": {"$ref": "#"}}},
        {"oneOf": [{"properties": {"party": {"$ref": "#"}}}, {"$ref": "#/oneOf/0"}]},
        nested("anyOf", 40, lambda schema: [schema, schema]),
        nested("not", 10_000, lambda schema: schema),
        nested("properties", 10_000, lambda schema: {"party": schema}),
        {"properties": {"x": {"enum": list(range(50_000))}}},
        {"properties": {"x": {"maxLength": "5", "pattern": 5, "format": 5, "enum": ["a", [], {}, None, float("nan"), 10**400]}}},
        {"properties": {"x": {"maxLength": float("inf"), "minimum": [], "multipleOf": 0}}},
    ],
)
def test_schemas_that_mean_harm_are_bounded(schema: Any) -> None:
    started = time.process_time()
    MAPPING.check(schema)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("schema", [nested("allOf", 10_000, lambda schema: [schema]), nested("anyOf", 10_000, lambda schema: [schema])])
def test_schemas_that_are_too_deep_are_refused(schema: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"too large to be checked|too deeply to be checked"):
        MAPPING.check(schema)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^[A-Z]{2}$", "DE", True),
        ("^[A-Z]{2}$", "de", False),
        ("b", "abc", True),
        (r"^\d+$", "٣", False),
        ("(a+)+$", "a" * 60, None),
        ("(a|a)*b", "a", None),
        ("a?" * 30 + "b", "a" * 30, None),
        ("(a|b)" * 50 + "c", "a", None),
        (r"\p{L}", "a", None),
        ("(", "a", None),
        (5, "a", None),
        ("a", "a" * 101, None),
    ],
)
def test_patterns_are_tried_where_they_end_soon(pattern: Any, text: str, fits: bool | None) -> None:
    assert matches(pattern, text) is fits


# ---------------------------------------------------------------- files


YAML = """
openapi: 3.0.3
paths:
  /invoices:
    post:
      responses: {200: {description: made}}
components:
  schemas:
    Invoice:
      properties:
        x: {type: integer}
        party: {properties: {city: {maxLength: 0}}}
"""
TOML = """
[properties.x]
type = "integer"
[properties.party.properties.city]
maxLength = 0
"""


@pytest.mark.parametrize(("name", "text"), [("a.json", json.dumps(OPENAPI)), ("a.yaml", YAML), ("a.YML", YAML), ("a.toml", TOML)])
def test_files(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text("\ufeff" * (name == "a.json") + text, encoding="utf-8")
    assert found(tmp_path / name) == WRONG
    assert str(MAPPING.check(str(tmp_path / name))).startswith(f"Mapping({{…}}) against the schema '{name}'")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.json", b"{", "is not valid JSON"),
        ("a.json", b"[" * 100_000, "is not valid JSON: nested too deeply"),
        ("a.json", b'{"a": NaN}', "NaN is not JSON"),
        ("a.json", b"\xff", "is not valid JSON"),
        ("a.toml", b"a =", "is not valid TOML"),
        ("a.yaml", b"a: [", "is not valid YAML"),
        ("a.yaml", b"a: !!python/object:os.system x", "a mapping holds plain values only"),
        ("a.json", b"5", "a schema is an object, true or false, not 5"),
        ("a.txt", b"{}", "must end in .json, .toml, .yaml, .yml"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        MAPPING.check(tmp_path / name)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        MAPPING.check(tmp_path / "a.json")
    (tmp_path / "b.json").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        MAPPING.check(tmp_path / "b.json")
    with pytest.raises(ConfigurationError, match="is an address, and nothing is fetched"):
        MAPPING.check("https://books.example/openapi.json")
