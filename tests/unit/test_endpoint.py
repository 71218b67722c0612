"""Endpoints as data: what they refuse when they are built, and how keys get into paths."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from integrakit.connector import Endpoint
from integrakit.connector.endpoint import fill, placeholders
from integrakit.errors import ConfigurationError


class Colour(Enum):
    RED = "dark red"
    NONE = None


@pytest.mark.parametrize("method", ["GET", "", "post it", None, 5, b"POST", ["POST"], {}])
def test_wrong_methods_are_refused(method: Any) -> None:
    with pytest.raises(ConfigurationError, match="POST, PUT, PATCH or DELETE"):
        Endpoint(method, "/orders")


def test_methods_are_taken_in_small_letters() -> None:
    assert Endpoint("patch", "/orders/{key}").method == "PATCH"


@pytest.mark.parametrize("path", ["orders", "", None, 7, "ftp://x/y", b"/orders"])
def test_wrong_paths_are_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="begins with '/'"):
        Endpoint("POST", path)


@pytest.mark.parametrize("path", ["/orders/{key", "/orders/key}", "/orders/{}", "/orders/{{key}}", "/orders/{a..b}", "/x/}{"])
def test_braces_that_do_not_match_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="braces"):
        Endpoint("POST", path)


@pytest.mark.parametrize("name", ["body", "results", "correlate"])
@pytest.mark.parametrize("value", ["", 5, "a..b", ".a", ["a"]])
def test_wrong_names_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"Endpoint\({name}=…\)"):
        Endpoint("POST", "/orders", **{name: value})


@pytest.mark.parametrize("size", [0, -1, True, 1.5, "100"])
def test_wrong_sizes_are_refused(size: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Endpoint\(size=…\)"):
        Endpoint("POST", "/orders", size=size)


def test_endpoints_are_values() -> None:
    one, other = Endpoint("POST", "/orders", body="order"), Endpoint("POST", "/orders", body="order")
    assert one == other
    assert len({one, other}) == 1
    assert str(one) == "POST /orders"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a/b", "a%2Fb"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("..x", "..x"),
        ("ü €", "%C3%BC%20%E2%82%AC"),
        ("a\r\nHost: evil", "a%0D%0AHost%3A%20evil"),
        ("{key}", "%7Bkey%7D"),
        (0, "0"),
        (7, "7"),
        (1.5, "1.5"),
        (Decimal("1E+2"), "100"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00%3A00%3A00%2B00%3A00"),
        (Colour.RED, "dark%20red"),
    ],
)
def test_keys_are_percent_encoded(key: Any, path: str) -> None:
    assert Endpoint("PUT", "/orders/{key}").url(key, None) == f"/orders/{path}"


@pytest.mark.parametrize("key", [".", "..", "\ud800", {"a": 1}, [1], {1}, (1, 2), b"x", True, object(), Colour.NONE, Decimal("NaN")])
def test_what_names_no_record_is_refused(key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot (stand in a path|be written in a URL)"):
        Endpoint("DELETE", "/orders/{key}").url(key, None)


@pytest.mark.parametrize("key", [None, ""])
def test_a_missing_key_is_named(key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"needs 'key' for '/orders/\{key\}'"):
        Endpoint("DELETE", "/orders/{key}").url(key, None)


def test_other_placeholders_are_fields_of_the_record() -> None:
    endpoint = Endpoint("PUT", "/shops/{shop.id}/orders/{number}/{key}")
    assert endpoint.url(9, {"shop": {"id": "a/b"}, "number": 5, "key": "not this one"}) == "/shops/a%2Fb/orders/5/9"
    with pytest.raises(ConfigurationError, match=r"PUT of record 9 needs 'shop\.id'"):
        endpoint.url(9, {"number": 5})
    assert fill("/x/{a.b}", {"a.b": 1}, "test") == "/x/1"


def test_placeholders() -> None:
    assert placeholders("/a/{b}/{c.d}?e={b}") == ["b", "c.d", "b"]
    assert placeholders("/a") == []
    assert placeholders("/a/{b") is None
