"""Where the records of a page are, and making them what ``into=`` asks for."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import attrs
import httpx
import pytest

from integrakit._convert import structure
from integrakit._json import dumps
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.records import check_selector, select, structured
from integrakit.model import Request, Response


def response(body: Any, status: int = 200) -> Response:
    request = Request(method="GET", url="https://x.example/a")
    content = body if isinstance(body, bytes) else dumps(body)
    return Response(httpx.Response(status, content=content, request=httpx.Request("GET", request.url)), request)


ROWS = [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("body", "selector", "found"),
    [
        (ROWS, None, ROWS),
        ([], None, []),
        ({"data": ROWS}, None, ROWS),
        ({"data": ROWS, "tags": ["a"], "n": 1}, None, ROWS),
        ({"data": []}, None, []),
        ({"data": ROWS}, "data", ROWS),
        ({"a": {"b": ROWS}}, "a.b", ROWS),
        ([{"rows": ROWS}], "0.rows", ROWS),
        ({"data": None}, "data", []),
        ({"orders": ROWS, "customers": ROWS}, "customers", ROWS),
        ({"data": {"x": ROWS[0], "y": ROWS[1]}}, lambda body: body["data"].values(), ROWS),
        ({"data": {}}, lambda body: None, []),
        ({"data": ROWS}, lambda body: (row for row in body["data"]), ROWS),
        (["a", 1, None], None, ["a", 1, None]),
    ],
)
def test_where_they_are(body: Any, selector: Any, found: Any) -> None:
    assert select(response(body), selector) == found


def test_no_content_means_no_records() -> None:
    assert select(response(b"", 204), None) == []
    assert select(response(b"", 204), "data") == []


@pytest.mark.parametrize(
    ("body", "selector", "words"),
    [
        ({"items": ROWS}, "data", "no records at 'data'; the body has 'items'"),
        ({}, "data", "the body has nothing in it"),
        (ROWS, "data", "the body is a list"),
        ({"data": {"a": 1}}, "data", "gives a dict where a list was agreed"),
        ({"data": "text"}, "data", "gives a str"),
        ({"data": 0}, "data", "gives a int"),
        ({"n": 1}, None, "no list of records in the body, which has 'n'"),
        ("text", None, "which is a str"),
        (None, None, "which is a NoneType"),
        (5, None, "which is a int"),
        ({"tags": ["a", "b"]}, None, "no list of records"),
        (b"<html>", None, "not JSON"),
        (b"", None, "not JSON"),
    ],
)
def test_what_is_not_there_is_said(body: Any, selector: Any, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        select(response(body), selector)


@pytest.mark.parametrize("body", [{"orders": ROWS, "customers": ROWS}, {"orders": ROWS, "customers": []}, {"orders": [], "customers": []}])
def test_two_lists_are_not_chosen_between(body: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"'orders', 'customers'.*records="):
        select(response(body), None)


@pytest.mark.parametrize("selector", ["", "a..b", 5, True, ["data"], object(), float("nan")])
def test_wrong_selectors_are_said(selector: Any) -> None:
    with pytest.raises(ConfigurationError):
        check_selector(selector)


# ---------------------------------------------------------------------------------------------- into=


class Colour(enum.Enum):
    RED = "red"


@attrs.frozen
class Line:
    sku: str
    price: Decimal
    quantity: int = 1


@attrs.frozen
class Order:
    id: int
    lines: list[Line]
    at: datetime | None = None
    day: date | None = None
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    weight: float = 0.0
    paid: bool = False
    note: str | None = None
    extra: dict[str, Any] = attrs.Factory(dict)


def test_nested_classes() -> None:
    order = structure(
        {
            "id": 1,
            "lines": [{"sku": "x", "price": "1.10"}, {"sku": "y", "price": 0.1, "quantity": 3, "unknown": 1}],
            "at": "2026-01-01T00:00:00Z",
            "day": "2026-01-02",
            "colour": "red",
            "kind": "b",
            "weight": 3,
            "paid": True,
            "extra": {"a": [1]},
        },
        Order,
        "record 0",
    )
    assert order.lines == [Line("x", Decimal("1.10")), Line("y", Decimal("0.1"), 3)]
    assert order.at.tzinfo is not None
    assert order.day == date(2026, 1, 2)
    assert order.weight == 3.0
    assert isinstance(order.weight, float)
    assert order.kind == "b"
    assert order.extra == {"a": [1]}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "1"}, "id"),
        ({"id": None}, "id"),
        ({"id": True}, "id"),
        ({"id": 1.0}, "id"),
        ({"lines": None}, "lines"),
        ({"lines": [{"sku": "x", "price": "1"}, {"sku": 5, "price": "1"}]}, "lines[1].sku"),
        ({"lines": [{"sku": "x", "price": "abc"}]}, "lines[0].price"),
        ({"lines": [{"sku": "x", "price": "NaN"}]}, "lines[0].price"),
        ({"lines": [{"sku": "x", "price": True}]}, "lines[0].price"),
        ({"lines": [{"sku": "x", "price": None}]}, "lines[0].price"),
        ({"lines": [{"sku": "x"}]}, "lines[0]"),
        ({"lines": ["text"]}, "lines[0]"),
        ({"at": "yesterday"}, "at"),
        ({"at": 5}, "at"),
        ({"day": "2026-01-02T00:00:00"}, "day"),
        ({"colour": "blue"}, "colour"),
        ({"kind": "c"}, "kind"),
        ({"weight": "3"}, "weight"),
        ({"weight": True}, "weight"),
        ({"paid": 1}, "paid"),
        ({"note": 5}, "note"),
    ],
)
def test_misfits_name_the_record_and_the_path(change: dict[str, Any], path: str) -> None:
    record = {"id": 1, "lines": [], **change}
    with pytest.raises(DecodeError) as caught:
        structure(record, Order, "record 7")
    assert caught.value.path.startswith(path)
    assert str(caught.value).startswith("record 7 does not fit Order at ")
    assert caught.value.record is record


@pytest.mark.parametrize("record", [None, 5, "text", []])
def test_what_is_no_object_at_all(record: Any) -> None:
    with pytest.raises(DecodeError, match="record 0"):
        structure(record, Order, "record 0")


def test_decimals_stay_exact() -> None:
    line = structure({"sku": "a", "price": Decimal("12345678901234567890.120")}, Line, "x")
    assert str(line.price) == "12345678901234567890.120"


def test_misfits_can_be_set_aside() -> None:
    aside: list[Any] = []
    good, bad = structured(
        [{"sku": "a", "price": "1"}, {"sku": 5}, {"sku": "b", "price": "2"}], Line, 40, lambda record, error: aside.append((record, str(error)))
    )
    assert [line.sku for line in good] == ["a", "b"]
    assert bad == 1
    assert aside[0][0] == {"sku": 5}
    assert "record 41" in aside[0][1]


def test_a_selector_is_checked_when_it_is_given() -> None:
    for selector in (None, "a.b", lambda body: body):
        check_selector(selector)


def test_without_a_place_to_set_misfits_aside_the_first_is_raised() -> None:
    with pytest.raises(DecodeError, match="record 41 does not fit Line"):
        structured([{"sku": "a", "price": "1"}, {"sku": 5}], Line, 40, None)
