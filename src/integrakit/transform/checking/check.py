"""A mapping's fields held against a target: which kind of target it is, and for samples, what they are mapped to as well."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform.checking.classes import against_class, is_class, with_defaults
from integrakit.transform.checking.comparing import Comparison
from integrakit.transform.checking.findings import Finding, Findings
from integrakit.transform.checking.given import of_value, one
from integrakit.transform.checking.inferring import infer_fields
from integrakit.transform.checking.openapi import chosen
from integrakit.transform.checking.reading import read_schema
from integrakit.transform.checking.schemas import Document
from integrakit.transform.misfit import article
from integrakit.transform.rules import Field

__all__ = ["check_class", "check_schema"]

_MOST_FINDINGS = 1_000
# What a schema, or a document with schemas in it, cannot say nothing of.
# fmt: off
_SAYINGS = frozenset({
    "$schema", "$id", "$ref", "$defs", "$dynamicRef", "$anchor", "definitions", "type", "properties", "required", "additionalProperties",
    "patternProperties", "propertyNames", "items", "prefixItems", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems",
    "uniqueItems", "contains", "title", "description", "readOnly", "writeOnly", "unevaluatedProperties", "unevaluatedItems",
    "dependentRequired", "dependentSchemas", "minProperties", "maxProperties", "nullable", "format", "openapi", "swagger", "components", "paths",
})
# fmt: on


def check_schema(
    fields: tuple[Field, ...],
    schema: Any,
    *,
    mapping: str,
    target: str | None,
    into: type | None = None,
    component: str | None = None,
    operation: str | None = None,
    records: Iterable[Any] | None = None,
    mapped: Callable[[Any], Any],
) -> Findings:
    """What `Mapping.check` says. Raises `ConfigurationError` for what is no schema."""
    if is_class(schema):
        if component is not None or operation is not None or records is not None:
            raise ConfigurationError("check(schema): component, operation and records belong to a JSON Schema or OpenAPI document, not to a class")
        return check_class(fields, schema, mapping=mapping)
    document, name = _document(schema)
    wanted, called = chosen(document, component=component, operation=operation, target=target)
    given = infer_fields(fields)
    if into is not None:
        given = with_defaults(given, into)
    found = dict.fromkeys(Comparison(document).findings(one("object", fields=given), wanted))
    for problem in _sampled(document, wanted, records, mapped) if records is not None else ():
        if len(found) < _MOST_FINDINGS:
            found.setdefault(problem)
    ordered = sorted(found, key=lambda finding: finding.severity != "error")
    return Findings(mapping, f"{name}{f' {called}' * bool(called)}", tuple(ordered))


def check_class(fields: tuple[Field, ...], cls: type, *, mapping: str) -> Findings:
    """The same for an attrs class."""
    return Findings(mapping, f"the class {cls.__name__}", against_class(infer_fields(fields), cls))


def _document(schema: Any) -> tuple[Document, str]:
    if isinstance(schema, str | os.PathLike):
        name = f"the schema {os.path.basename(os.fspath(schema))!r}"
        return Document(_no_sample(read_schema(schema), name), name), name
    if isinstance(schema, Mapping | bool):
        return Document(_no_sample(schema, "the schema"), "the schema"), "the schema"
    what = f"the class {schema.__name__}, which is no attrs class" if isinstance(schema, type) else article(schema)
    raise ConfigurationError(f"check(schema) takes a JSON Schema or OpenAPI document as a dict, the path of one, or an attrs class, not {what}")


def _no_sample(schema: Any, name: str) -> Any:
    """The schema, unless it says nothing that a schema could say: a sample of a record would allow everything."""
    if isinstance(schema, Mapping) and schema and not _SAYINGS.intersection(schema):
        raise ConfigurationError(
            f"{name} says nothing of what it describes: a JSON Schema has type and properties, an OpenAPI document has components or paths (a record "
            "is no schema: records=[…] checks what samples become)"
        )
    return schema


def _sampled(document: Document, wanted: Any, records: Iterable[Any], mapped: Callable[[Any], Any]) -> Iterable[Finding]:
    """What is wrong with what records become."""
    if not isinstance(records, Iterable) or isinstance(records, str | bytes | Mapping):
        raise ConfigurationError(f"check(schema, records=…) takes an iterable of records, not {article(records)}")
    for number, record in enumerate(records, 1):
        try:
            result = mapped(record)
        except MappingError as problem:
            words = "; ".join(f"{error.target}: {error.reason}" for error in problem.errors[:3])
            yield Finding("", "warning", f"record {number} does not fit the mapping: {words}")
            continue
        # A comparison remembers what it has seen, by the values it was given: a new one for each record.
        yield from Comparison(document).findings(of_value(result), wanted)
