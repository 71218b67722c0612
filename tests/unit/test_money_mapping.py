"""Money from the values of a record, for mappings: what does not fit is a Misfit and nothing else."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest

from integrakit.errors import MappingError
from integrakit.money import Currency, Money
from integrakit.transform import Mapping
from integrakit.transform.conversions.money import from_minor, to_currency, to_minor, to_money, to_parts
from integrakit.transform.misfit import Misfit, excerpt

EUR = Currency("EUR")
HOSTILE = [None, True, [], {}, object(), b"1", "", "abc", "1,5", "NaN", "9" * 10_000, 10**5000, Decimal("NaN"), Decimal("sNaN"), Decimal("1E+999999")]
HOSTILE += [float("nan"), float("inf"), "1E+999999", "-", "1_0", "٣", "1\x00", Money(1, "USD")]


@pytest.mark.parametrize(("value", "expected"), [("12.3", "12.30"), (Decimal("12.345"), "12.345"), (12, "12.00"), (Money("12.30", "EUR"), "12.30")])
def test_a_value_becomes_money(value, expected):
    for currency in (EUR, "EUR"):
        assert to_money(value, currency) == Money(expected, "EUR")


def test_a_float_only_where_it_is_said():
    with pytest.raises(Misfit, match='say float = "shortest"'):
        to_money(9.8, EUR)
    assert to_money(9.8, EUR, shortest=True) == Money("9.80", "EUR")
    assert to_minor(9.8, EUR, shortest=True) == 980


def test_money_of_another_currency_does_not_fit():
    with pytest.raises(Misfit, match=r"5\.00 USD is not of the currency EUR, and there is no rate"):
        to_money(Money(5, "USD"), EUR)
    with pytest.raises(Misfit, match="not of the currency"):
        to_minor(Money(5, "USD"), EUR)


@pytest.mark.parametrize(
    ("code", "words"), [("eur", "did you mean 'EUR'"), ("DEM", "withdrawn"), ("", "no currency"), (None, "null is null, not"), (978, "not the code")]
)
def test_a_currency_that_the_record_names_is_checked(code, words):
    with pytest.raises(Misfit, match=words):
        to_currency(code)
    with pytest.raises(Misfit, match=words):
        to_money(1, code)
    with pytest.raises(Misfit, match=words):
        from_minor(1, code)


def test_minor_units_and_back():
    assert to_minor("12.30", "EUR") == 1230
    assert to_minor(12, "JPY") == 12
    assert to_minor(Money("1.5", "KWD"), "KWD") == 1500
    assert to_minor("12.345", EUR, rounding="half-even") == 1234
    assert to_minor("12.345", EUR, rounding="half-up") == 1235
    assert from_minor(1230, EUR) == from_minor("1230", "EUR") == from_minor(Decimal("1230.0"), EUR) == Money("12.30", "EUR")
    with pytest.raises(Misfit, match=r"12\.345 EUR has more than the 2 digits of EUR: say how it is rounded"):
        to_minor("12.345", EUR)
    with pytest.raises(Misfit, match=r"'12\.5' is not a whole number of the smallest unit"):
        from_minor("12.5", EUR)
    with pytest.raises(Misfit, match="no smallest unit"):
        to_minor(1, "XAU")
    with pytest.raises(Misfit, match="no smallest unit"):
        from_minor(1, "XAU")
    with pytest.raises(Misfit, match="is a float"):
        from_minor(1230.0, EUR)


def test_parts():
    assert to_parts("100", [1, "1", Decimal(1)]) == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    assert to_parts(100, (1, 1, 1), scale=0) == [34, 33, 33]
    assert to_parts(Money(5, "JPY"), [1, 1]) == [Money(3, "JPY"), Money(2, "JPY")]
    assert to_parts(0.3, [0.1, 0.2], shortest=True) == [Decimal("0.10"), Decimal("0.20")]
    for value, weights, words in [
        (1, [], "no weights"),
        (1, [0], "all weights are zero"),
        (1, [-1], "never negative"),
        (1, [None], "null is not a number"),
        (1, [0.5], "is a float"),
        (1, "11", "not a list of weights"),
        (1, None, "not a list of weights"),
        ("0.001", [1], "more than 2 digits"),
    ]:
        with pytest.raises(Misfit, match=words):
            to_parts(value, weights)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_whatever_stands_in_a_record_is_money_or_a_misfit(value):
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact])):
        for convert in (to_money, to_minor, from_minor):
            with pytest.raises(Misfit) as caught:
                convert(value, EUR)
            assert len(str(caught.value)) < 300
        with pytest.raises(Misfit):
            to_parts(1, [value])
        if not isinstance(value, Money):
            with pytest.raises(Misfit):
                to_parts(value, [1])
        with pytest.raises(Misfit):
            to_currency(value)


def test_a_path_goes_into_money():
    mapping = Mapping({"fields": {"net": "total.amount", "currency": "total.currency", "all": "total"}})
    money = Money("1.5", "EUR")
    assert mapping({"total": money}) == {"net": Decimal("1.50"), "currency": "EUR", "all": money}


def test_arithmetic_wants_the_number():
    mapping = Mapping({"fields": {"net": {"multiply": ["price", 2]}}})
    with pytest.raises(MappingError, match=r"1\.50 EUR is money, not a number: add \.amount to the path"):
        mapping({"price": Money("1.5", "EUR")})
    assert Mapping({"fields": {"net": {"multiply": ["price.amount", 2]}}})({"price": Money("1.5", "EUR")}) == {"net": Decimal("3.00")}


def test_messages_quote_money():
    assert excerpt(Money("1.5", "EUR")) == "1.50 EUR"
    assert len(excerpt(Money("9" * 200, "EUR"))) <= 60
