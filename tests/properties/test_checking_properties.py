"""A mapping of constants, whose result is known: `check` finds an error exactly where the jsonschema package finds one in the result."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from integrakit._json import dumps
from integrakit.transform import Mapping

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([Decimal("0.5"), Decimal("1.25"), Decimal("2.0")]),
    st.sampled_from(["", "a", "ab", "abc", "2024-01-31"]),
)
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, min_size=1, max_size=2)), max_leaves=4
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keywords = {
        "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
        "enum": st.lists(SCALARS.map(plain), min_size=1, max_size=3),
        "const": SCALARS.map(plain),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(["^a", "b$", "^[a-c]+$"]),
        "minimum": st.integers(-2, 2),
        "exclusiveMaximum": st.integers(-2, 2),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "additionalProperties": st.one_of(st.booleans(), inner),
        "items": inner,
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "anyOf": st.lists(inner, min_size=1, max_size=2),
    }
    return st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: keywords[name] for name in names})
    )


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


SCHEMAS = st.recursive(st.one_of(st.booleans(), schemas(st.just({}))), schemas, max_leaves=6)


@settings(max_examples=150)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), SCHEMAS)
def test_an_error_is_found_where_the_result_would_be_refused(constants: dict[str, Any], schema: Any) -> None:
    mapping = Mapping({"fields": {name: {"value": value} for name, value in constants.items()}})
    refused = not jsonschema.Draft202012Validator(schema).is_valid(json.loads(dumps(mapping({}))))
    found = mapping.check(schema)
    assert bool(found.errors) is refused, (str(found), schema)
