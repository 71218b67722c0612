"""Dotted paths: looking up and putting."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.http.paths import ABSENT, look_up, parse_path, put_at


@pytest.mark.parametrize(
    ("body", "path", "found"),
    [
        ({"a": {"b": [1, {"c": 2}]}}, "a.b.1.c", 2),
        ({"a": {"b": [1, 2]}}, "a.b.0", 1),
        ({"a": None}, "a", None),
        ({"a": None}, "a.b", ABSENT),
        ({"a": {}}, "a.b", ABSENT),
        ({"a": [1]}, "a.1", ABSENT),
        ({"a": [1]}, "a.-1", ABSENT),
        ({"a": [1]}, "a.x", ABSENT),
        ({"0": "zero"}, "0", "zero"),
        ([{"id": 1}], "0.id", 1),
        ("text", "0", ABSENT),
        (None, "a", ABSENT),
        (5, "a", ABSENT),
        ({"@odata.nextLink": "next"}, "@odata.nextLink", "next"),
        ({"value": {"@odata.count": 5}}, "value.@odata.count", 5),
        ({"a": {"b": 1}, "a.b": 2}, "a.b", 1),
        ({"a": [1]}, "a.²", ABSENT),
    ],
)
def test_looking_up(body: Any, path: str, found: Any) -> None:
    assert look_up(body, parse_path(path)) is found or look_up(body, parse_path(path)) == found


def test_putting_makes_a_copy_and_what_is_missing() -> None:
    body = {"query": {"params": [0, {"x": 1}]}, "other": [1]}
    changed = put_at(body, parse_path("query.params.1.after"), "t")
    assert changed == {"query": {"params": [0, {"x": 1, "after": "t"}]}, "other": [1]}
    assert body == {"query": {"params": [0, {"x": 1}]}, "other": [1]}
    assert put_at({}, parse_path("a.b.c"), 1) == {"a": {"b": {"c": 1}}}
    assert put_at([1, 2], parse_path("1"), 9) == [1, 9]


@pytest.mark.parametrize(("body", "path"), [([1], "1"), ([1], "x"), ({"a": [1]}, "a.5.b"), ({"a": 5}, "a.b"), ("text", "a"), ({"a": None}, "a.b")])
def test_places_that_cannot_be_are_said(body: Any, path: str) -> None:
    with pytest.raises(ConfigurationError, match="no place"):
        put_at(body, parse_path(path), 1)


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", None, 5])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="not a dotted path"):
        parse_path(path)


def test_absent_prints_its_name() -> None:
    assert repr(ABSENT) == "ABSENT"
