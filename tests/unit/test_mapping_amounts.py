"""``to = "money"`` and ``to = "minor"`` in a mapping, with a fixed currency and one that is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.money import Currency, Money
from integrakit.transform import Mapping


def rule(**options: Any) -> Mapping:
    return Mapping({"fields": {"it": {"from": "a", **options}}})


def both(mapping: Mapping, record: dict[str, Any]) -> Any:
    assert mapping._carefully(record) == mapping(record)
    return mapping(record)["it"]


def problem(mapping: Mapping, record: dict[str, Any]) -> Any:
    with pytest.raises(MappingError) as caught:
        mapping(record)
    (error,) = caught.value.errors
    return error


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        ({"to": "money", "currency": "EUR"}, "12.30", Money("12.30", "EUR")),
        ({"to": "money", "currency": "EUR"}, Decimal("12.305"), Money("12.305", "EUR")),
        ({"to": "money", "currency": "EUR", "rounding": "half-even"}, Decimal("12.305"), Money("12.30", "EUR")),
        ({"to": "money", "currency": "EUR", "rounding": "half-up"}, Decimal("12.305"), Money("12.31", "EUR")),
        ({"to": "money", "currency": "JPY"}, 1200, Money(1200, "JPY")),
        ({"to": "money", "currency": "EUR", "unit": "minor"}, 1230, Money("12.30", "EUR")),
        ({"to": "money", "currency": "KWD", "unit": "minor"}, "1230", Money("1.230", "KWD")),
        ({"to": "money", "currency": "EUR", "float": "shortest"}, 0.1, Money("0.10", "EUR")),
        ({"to": "money", "currency": "EUR"}, Money("1", "EUR"), Money("1", "EUR")),
        ({"to": "money", "currency": "EUR"}, None, None),
        ({"to": "money", "currency": "POINTS", "digits": 0}, 7, Money(7, Currency("POINTS", digits=0))),
        ({"to": "minor", "currency": "DEM", "digits": 2}, "1.50", 150),
        ({"to": "minor", "currency": "EUR"}, "12.30", 1230),
        ({"to": "minor", "currency": "JPY"}, 12, 12),
        ({"to": "minor", "currency": "EUR", "rounding": "half-up"}, "12.305", 1231),
        ({"to": "minor", "currency": "EUR"}, Money("7.5", "EUR"), 750),
        ({"to": "money", "currency": "EUR", "default": "0"}, None, None),
    ],
)
def test_a_fixed_currency(options: dict[str, Any], value: Any, expected: Any) -> None:
    result = both(rule(**options), {"a": value})
    assert result == expected
    assert type(result) is type(expected)


def test_a_default_is_money_too() -> None:
    assert rule(to="money", currency="EUR", default=0)({}) == {"it": Money(0, "EUR")}


@pytest.mark.parametrize(("code", "expected"), [("EUR", Money("1.50", "EUR")), ("JPY", Money("1.5", "JPY"))])
def test_a_currency_that_is_read(code: str, expected: Money) -> None:
    mapping = rule(to="money", currency={"from": "c.code", "apply": ["strip"]})
    assert both(mapping, {"a": "1.50", "c": {"code": f" {code} "}}) == expected
    assert "the currency beside it" in mapping.document()
    assert not mapping.coverage([{"a": "1.50", "c": {"code": code}}]).unused


def test_in_lines_the_currency_of_the_record() -> None:
    lines = {"each": "lines", "fields": {"price": {"from": "price", "to": "minor", "currency": {"from": "$.currency"}}}}
    mapping = Mapping({"fields": {"lines": lines}})
    record = {"currency": "KWD", "lines": [{"price": "1.5"}, {"price": "2"}]}
    assert mapping(record) == mapping._carefully(record) == {"lines": [{"price": 1500}, {"price": 2000}]}


@pytest.mark.parametrize(
    ("options", "record", "words"),
    [
        ({"to": "money", "currency": "EUR"}, {"a": 1.5}, "is a float"),
        ({"to": "money", "currency": "EUR"}, {"a": "x"}, "is not a number"),
        ({"to": "money", "currency": "EUR"}, {"a": True}, "is a bool"),
        ({"to": "money", "currency": "EUR"}, {"a": Money(1, "USD")}, "is not of the currency EUR"),
        ({"to": "money", "currency": "EUR"}, {"a": Decimal("NaN")}, "not a finite number"),
        ({"to": "minor", "currency": "EUR"}, {"a": "1.005"}, "more than the 2 digits"),
        ({"to": "money", "currency": "EUR", "unit": "minor"}, {"a": "1.5"}, "not a whole number"),
        ({"to": "money", "currency": {"from": "c"}}, {"a": 1, "c": "euro"}, "euro"),
        ({"to": "money", "currency": {"from": "c"}}, {"a": 1, "c": None}, "not the code of a currency"),
        ({"to": "money", "currency": {"from": "c"}}, {"a": 1}, "is missing"),
        ({"to": "money", "currency": {"from": "c"}}, {"a": 1, "c": []}, "not the code of a currency"),
    ],
)
def test_records_that_do_not_fit(options: dict[str, Any], record: dict[str, Any], words: str) -> None:
    error = problem(rule(**options), record)
    assert words in error.reason
    assert error.target == "it"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "money"}, "needs a currency"),
        ({"to": "minor"}, "needs a currency"),
        ({"to": "money", "currency": "EURO"}, "currency"),
        ({"to": "money", "currency": "currency_code"}, "a path is written"),
        ({"to": "money", "currency": "POINTS"}, "currency"),
        ({"to": "money", "currency": "EUR", "digits": 3}, "currency"),
        ({"to": "money", "currency": {"from": "c"}, "digits": 0}, "digits are for a unit of your own"),
        ({"to": "money", "currency": "POINTS", "digits": "0"}, "digits is how many"),
        ({"to": "money", "currency": 978}, "is a code such as"),
        ({"to": "money", "currency": {"frm": "c"}}, "unknown option 'frm'"),
        ({"to": "money", "currency": "EUR", "rounding": "upp"}, "unknown rounding"),
        ({"to": "money", "currency": {"from": "c"}, "default": 1}, "default needs a currency of the mapping's own"),
        ({"to": "decimal", "currency": "EUR"}, "currency has no meaning"),
        ({"currency": "EUR"}, "currency belongs to to ="),
        ({"to": "minor", "currency": "EUR", "unit": "minor"}, "unit has no meaning"),
    ],
)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rule(**options)
    assert words in str(caught.value)
