"""Money: exact, of one currency, and never a float. Every mistake is named."""

from __future__ import annotations

import copy
import decimal
import pickle
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest

from integrakit.errors import ConfigurationError
from integrakit.money import ROUNDINGS, Currency, Money

POINTS = Currency("POINTS", digits=0)
GOLD = Money(3, "XAU")
price = Money("9.80", "EUR")


class Text(str):
    """As many ORMs have it."""

    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("called")


class Level(IntEnum):
    HIGH = 3


class Shouting:
    def __repr__(self) -> str:
        raise AssertionError("called")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("9.8", "EUR", "9.80 EUR"),
        (Decimal("9.800"), "EUR", "9.80 EUR"),
        (5, "EUR", "5.00 EUR"),
        (" -0.5 ", "EUR", "-0.50 EUR"),
        (".5", "EUR", "0.50 EUR"),
        ("5.", "EUR", "5.00 EUR"),
        ("-0", "EUR", "0.00 EUR"),
        (Decimal("-0.000"), "EUR", "0.00 EUR"),
        ("0E+500", "EUR", "0.00 EUR"),
        ("1e3", "EUR", "1000.00 EUR"),
        ("1E+5", "JPY", "100000 JPY"),
        ("0.00000001", "EUR", "0.00000001 EUR"),
        ("0.0045", "EUR", "0.0045 EUR"),
        ("5.0", "JPY", "5 JPY"),
        ("5.5", "JPY", "5.5 JPY"),
        ("1.2", "KWD", "1.200 KWD"),
        ("1.2", "CLF", "1.2000 CLF"),
        ("1.20", "XAU", "1.2 XAU"),
        (100, "XAU", "100 XAU"),
        (7, POINTS, "7 POINTS"),
        (Text("1.5"), Text("EUR"), "1.50 EUR"),
        (Level.HIGH, "EUR", "3.00 EUR"),
    ],
)
def test_an_amount_is_written_in_one_way(amount, currency, written):
    money = Money(amount, currency)
    assert str(money) == written
    assert str(Money(money.amount, money.unit)) == written
    assert type(money.amount) is Decimal
    assert type(money.currency) is str or currency is POINTS


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (9.8, r'never a float, and 9\.8 is one: give Decimal\("9\.8"\), and decode JSON with decimals=True'),
        (float("nan"), "never a float, and nan is one$"),
        (True, "not True"),
        (None, "not None"),
        (b"1", "not a bytes"),
        ([1], "not a list"),
        (Fraction(1, 3), "not a Fraction"),
        (Shouting(), "not a Shouting"),
        ("", "with a point and nothing else"),
        ("1,234.50", "such as \"1234.50\", with a point and nothing else, not '1,234.50'"),
        ("1_000", "with a point"),
        ("١٢", "with a point"),
        ("9.80 EUR", "with a point"),
        ("NaN", "with a point"),
        ("Infinity", "with a point"),
        ("0x10", "with a point"),
        ("x" * 500, "…"),
        (Decimal("NaN"), "finite"),
        (Decimal("sNaN"), "finite"),
        (Decimal("-Infinity"), "finite"),
        ("1E+300", "more than 200 digits"),
        ("1E-300", "more than 200 digits"),
        (10**300, "more than 200 digits"),
        (-(10**200), "more than 200 digits"),
        ("9" * 100_000, "more than 200 digits"),
        (Decimal("1." + "1" * 100_000), "more than 200 digits"),
        (Decimal("1E+999999"), "more than 200 digits"),
    ],
)
def test_what_is_no_exact_amount_is_refused(amount, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        Money(amount, "EUR")
    assert len(str(caught.value)) < 250


def test_an_amount_has_no_exponent():
    for money in (Money("1E+5", "XAU"), Money("1E+5", "JPY"), Money(Decimal("2E+3"), "EUR"), Money(50, "EUR") * 20):
        assert "E" not in str(money.amount)


def test_an_int_too_long_to_be_written_is_refused_like_any_other():
    with pytest.raises(ConfigurationError, match="more than 200 digits"):
        Money(10**5000, "EUR")
    with pytest.raises(ConfigurationError, match=r"EUR \+ a huge int: only money goes with money"):
        price + 10**5000


def test_the_currency_has_to_be_one():
    with pytest.raises(ConfigurationError, match="did you mean 'EUR'"):
        Money(1, "eur")
    with pytest.raises(ConfigurationError, match="not 978"):
        Money(1, 978)
    with pytest.raises(ConfigurationError, match="not None"):
        Money(1, None)


def test_equal_amounts_are_equal_in_every_way():
    same = [Money(1, "EUR"), Money("1.0", "EUR"), Money(Decimal("1.000"), Currency("EUR"))]
    assert len(set(same)) == 1
    assert {repr(money) for money in same} == {"Money('1.00', 'EUR')"}
    assert Money(1, "EUR") != Money(1, "USD")
    assert Money(1, "EUR") != 1
    assert Money(0, "EUR") != 0
    assert Money(1, POINTS) != Money(1, Currency("POINTS", digits=2))


def test_repr_can_be_read_back():
    for money in (price, Money("-0.0045", "EUR"), GOLD, Money(7, POINTS), Money(1, Currency("DEM", digits=2)), Money(1, Currency("XAU", digits=3))):
        assert eval(repr(money)) == money


def test_arithmetic():
    assert price + Money("0.2", "EUR") == Money(10, "EUR")
    assert price - Money(10, "EUR") == Money("-0.2", "EUR")
    assert -price == Money("-9.8", "EUR")
    assert +price is price
    assert abs(-price) == price
    assert price * 3 == 3 * price == Money("29.4", "EUR")
    assert Decimal("0.195") * price == Money("1.911", "EUR")
    assert price / 4 == Money("2.45", "EUR")
    assert price / Decimal("0.5") == Money("19.6", "EUR")
    assert str(Money(1, "EUR") / 3) == "0." + "3" * 50 + " EUR"
    assert price / Money("4.90", "EUR") == Decimal(2)
    assert str(-Money(0, "EUR")) == str(Money(0, "EUR") * -1) == "0.00 EUR"
    assert sum([price, price]) == Money("19.6", "EUR")
    assert sum([], Money(0, "EUR")) == Money(0, "EUR")
    assert not Money("0.00", "EUR")
    assert Money("-0.001", "EUR")


def test_comparison_within_a_currency():
    low, high = Money("9.8", "EUR"), Money("10", "EUR")
    assert low < high
    assert low <= high
    assert high > low
    assert high >= low
    assert high >= Money("10.0", "EUR")
    assert not low > high
    assert max(low, high) is high
    assert sorted([high, low]) == [low, high]


@pytest.mark.parametrize(
    ("operate", "words"),
    [
        (lambda: price + Money(5, "USD"), "9.80 EUR and 5.00 USD are of different currencies and cannot be added"),
        (lambda: price - Money(5, "USD"), "cannot be subtracted"),
        (lambda: price / Money(5, "USD"), "cannot be divided"),
        (lambda: price < Money(5, "USD"), "cannot be compared"),
        (lambda: price <= Money(5, "USD"), "cannot be compared"),
        (lambda: price > Money(5, "USD"), "cannot be compared"),
        (lambda: price >= Money(5, "USD"), "cannot be compared"),
        (lambda: sum([price, Money(5, "USD")]), "cannot be added"),
        (lambda: Money(1, POINTS) + Money(1, Currency("POINTS", digits=2)), "with 0 and with 2 digits, and cannot be added"),
        (lambda: price + 1, r'9\.80 EUR \+ 1: only money goes with money: Money\(1, "EUR"\)'),
        (lambda: price + 0.5, r'Money\("0\.5", "EUR"\)'),
        (lambda: 1 + price, "only money goes with money"),
        (lambda: 0.0 + price, "only money goes with money"),
        (lambda: False + price, "only money goes with money"),
        (lambda: price - Decimal("1"), r'Money\("1", "EUR"\)'),
        (lambda: price > 0, r'Money\(0, "EUR"\)'),
        (lambda: price + "1", "that is text"),
        (lambda: price * "2", "that is text"),
        (lambda: price * 0.1, "never a float"),
        (lambda: 0.1 * price, "never a float"),
        (lambda: price * True, "not True"),
        (lambda: price / 0.5, "never a float"),
        (lambda: price / 0, "divided by zero"),
        (lambda: price / Money(0, "EUR"), "divided by zero"),
        (lambda: price * Decimal("NaN"), "finite"),
        (lambda: price / Decimal("Infinity"), "finite"),
        (lambda: price * price, "by numbers, not by money"),
        (lambda: Money("1E+150", "EUR") * Money("1E+150", "EUR").amount, "more than 200 digits"),
        (lambda: Money("9" * 200, "EUR") + Money("9" * 200, "EUR"), "more than 200 digits"),
        (lambda: Money(Decimal("1E-150"), "EUR") * Decimal("1E-150"), "more than 200 digits"),
        # Rounded to 400 digits, this product would look like an amount.
        (lambda: Money("1" + "0" * 100 + "." + "0" * 199 + "1", "EUR") * Decimal("1." + "0" * 199 + "1"), "more than 200 digits"),
    ],
)
def test_what_would_be_wrong_is_refused_and_named(operate, words):
    with pytest.raises(ConfigurationError, match=words):
        operate()


@pytest.mark.parametrize(
    "operate",
    [
        lambda: price + object(),
        lambda: object() + price,
        lambda: price - [],
        lambda: price * Fraction(1, 2),
        lambda: price / object(),
        lambda: price < object(),
        lambda: price >= None,
        lambda: float(price),
        lambda: int(price),
    ],
)
def test_other_classes_may_know_better(operate):
    with pytest.raises(TypeError):
        operate()


def test_nothing_depends_on_the_context_of_the_caller():
    with decimal.localcontext(decimal.Context(prec=2, rounding=decimal.ROUND_UP, traps=[decimal.Inexact, decimal.Rounded, decimal.FloatOperation])):
        many = Money("123456789.125", "EUR")
        assert str(many + many) == "246913578.25 EUR"
        assert str(many * 3) == "370370367.375 EUR"
        assert str(many.round()) == "123456789.12 EUR"
        assert str(-many - many) == "-246913578.25 EUR"
        assert str(abs(-many)) == "123456789.125 EUR"
        assert f"{many:,.2f}" == "123,456,789.12 EUR"
        assert many.round().minor == 12345678912
        assert [str(part) for part in many.round().split(2)] == ["61728394.56 EUR", "61728394.56 EUR"]
        assert str(many.round("half-up", step="0.05")) == "123456789.15 EUR"
    with decimal.localcontext(decimal.Context(traps=[])), pytest.raises(ConfigurationError):
        Money("x", "EUR")


def test_minor_units():
    assert Money("12.30", "EUR").minor == 1230
    assert Money("-0.01", "EUR").minor == -1
    assert Money(500, "JPY").minor == 500
    assert Money("1.5", "KWD").minor == 1500
    assert Money.from_minor(1230, "EUR") == Money("12.3", "EUR")
    assert Money.from_minor(-5, "JPY") == Money(-5, "JPY")
    assert Money.from_minor(1500, "KWD") == Money("1.5", "KWD")
    with pytest.raises(ConfigurationError, match=r"12\.345 EUR has more than the 2 digits of EUR: round it first"):
        _ = Money("12.345", "EUR").minor
    with pytest.raises(ConfigurationError, match=r"XAU has no smallest unit.*Currency\(\"XAU\", digits=3\)"):
        _ = GOLD.minor
    for wrong in (12.0, True, "1230", Decimal(1230), None):
        with pytest.raises(ConfigurationError, match="whole number of the smallest unit"):
            Money.from_minor(wrong, "EUR")
    with pytest.raises(ConfigurationError, match="more than 200 digits"):
        Money.from_minor(10**300, "EUR")
    with pytest.raises(ConfigurationError, match="no smallest unit"):
        Money.from_minor(1, "XDR")


def test_whether_it_can_be_paid():
    assert Money("12.3", "EUR").is_rounded
    assert not Money("12.345", "EUR").is_rounded
    assert not Money("1.5", "JPY").is_rounded
    assert not GOLD.is_rounded


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        # of 2.345, -2.345, 2.335, 2.341, -2.349
        ("half-even", ["2.34", "-2.34", "2.34", "2.34", "-2.35"]),
        ("half-up", ["2.35", "-2.35", "2.34", "2.34", "-2.35"]),
        ("half-down", ["2.34", "-2.34", "2.33", "2.34", "-2.35"]),
        ("up", ["2.35", "-2.35", "2.34", "2.35", "-2.35"]),
        ("down", ["2.34", "-2.34", "2.33", "2.34", "-2.34"]),
        ("ceiling", ["2.35", "-2.34", "2.34", "2.35", "-2.34"]),
        ("floor", ["2.34", "-2.35", "2.33", "2.34", "-2.35"]),
    ],
)
def test_rounding(rounding, expected):
    amounts = ["2.345", "-2.345", "2.335", "2.341", "-2.349"]
    assert [Money(amount, "EUR").round(rounding) for amount in amounts] == [Money(amount, "EUR") for amount in expected]
    # The same on a coarser grid: 5 of these steps are 0.01.
    assert [(Money(a, "EUR") * 5).round(rounding, step="0.05") for a in amounts] == [Money(a, "EUR") * 5 for a in expected]


def test_rounding_to_other_digits_and_steps():
    money = Money("1234.5678", "EUR")
    assert str(money.round(digits=3)) == "1234.568 EUR"
    assert str(money.round(digits=0)) == "1235.00 EUR"
    assert str(money.round(digits=-2)) == "1200.00 EUR"
    assert str(round(money)) == "1234.57 EUR"
    assert str(round(money, 1)) == "1234.60 EUR"
    assert str(money.round(step=25)) == "1225.00 EUR"
    assert str(Money("7.125", "CHF").round("half-up", step=Decimal("0.05"))) == "7.15 CHF"
    assert str(Money("7.10", "CHF").round("exact", step="0.05")) == "7.10 CHF"
    assert Money("2.30", "EUR").round("exact") == Money("2.3", "EUR")
    assert GOLD.round(digits=1) == GOLD


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rounding": "half-upp"}, "did you mean 'half-up'"),
        ({"rounding": "bankers"}, "known are half-even"),
        ({"rounding": None}, "unknown rounding None"),
        ({"rounding": ["half-up"]}, "unknown rounding a list"),
        ({"digits": 2.0}, "whole number"),
        ({"digits": True}, "whole number"),
        ({"digits": 10**9}, "whole number"),
        ({"step": 0}, "above zero"),
        ({"step": "-0.05"}, "above zero"),
        ({"step": 0.05}, "never a float"),
        ({"step": "0.05", "digits": 2}, "digits or a step"),
        ({"rounding": "exact"}, r"12\.345 cannot be written with 2 digits after the point exactly"),
        ({"rounding": "exact", "step": "0.05"}, "exactly"),
    ],
)
def test_a_rounding_that_is_none_is_refused(options, words):
    with pytest.raises(ConfigurationError, match=words):
        Money("12.345", "EUR").round(**options)


def test_gold_needs_to_be_told_its_digits():
    with pytest.raises(ConfigurationError, match=r"Money\.round: XAU has no smallest unit in ISO 4217"):
        GOLD.round()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", "-1234.555 EUR"),
        (",", "-1,234.555 EUR"),
        (".2f", "-1234.56 EUR"),
        (",.1f", "-1,234.6 EUR"),
        (".0f", "-1235 EUR"),
        ("f", "-1234.555 EUR"),
        (">16", "   -1234.555 EUR"),
        ("16", "   -1234.555 EUR"),
        ("<16,", "-1,234.555 EUR  "),
        ("*^17", "**-1234.555 EUR**"),
        ("+", "-1234.555 EUR"),
    ],
)
def test_format(spec, expected):
    assert format(Money("-1234.555", "EUR"), spec) == expected


def test_format_shows_a_sign_and_rounds_halves_to_even():
    assert f"{price:+}" == "+9.80 EUR"
    assert f"{Money('0.125', 'EUR'):.2f}|{Money('0.135', 'EUR'):.2f}" == "0.12 EUR|0.14 EUR"
    for wrong in ("d", "%", ".2e", "_", "x>5d", ">99999", ".400f"):
        with pytest.raises(ConfigurationError, match="no format of money"):
            format(price, wrong)


def test_it_never_changes_and_is_copied_as_itself():
    for name in ("amount", "currency", "_amount", "other"):
        with pytest.raises(AttributeError):
            setattr(price, name, 5)
        with pytest.raises(AttributeError):
            delattr(price, name)
    assert copy.copy(price) is price
    assert copy.deepcopy([price])[0] is price
    for money in (price, GOLD, Money(7, POINTS), Money("-0.00450", "EUR"), Money(1, Currency("DEM", digits=2))):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            back = pickle.loads(pickle.dumps(money, protocol))
            assert back == money
            assert repr(back) == repr(money)
            assert hash(back) == hash(money)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Money("100", "EUR").split(3), "33.34 33.33 33.33"),
        (lambda: Money("-100", "EUR").split(3), "-33.34 -33.33 -33.33"),
        (lambda: Money("0.02", "EUR").split(3), "0.01 0.01 0.00"),
        (lambda: Money("0", "EUR").split(2), "0.00 0.00"),
        (lambda: Money("5", "JPY").split(2), "3 2"),
        (lambda: Money("1", "XAU").split(3, digits=1), "0.4 0.3 0.3"),
        (lambda: Money("1", "EUR").split(3, digits=4), "0.3334 0.3333 0.3333"),
        (lambda: Money("10", "EUR").allocate([1, 0, 2]), "3.33 0.00 6.67"),
        (lambda: Money("10", "EUR").allocate(["0.5", Decimal("0.25"), "0.25"]), "5.00 2.50 2.50"),
        (lambda: Money("4.90", "EUR").allocate([Money("59.9", "USD"), Money("12.5", "USD")]), "4.05 0.85"),
        (lambda: Money("1", "EUR").allocate(weight for weight in (1, 1)), "0.50 0.50"),
    ],
)
def test_sharing_out(make, expected):
    assert [f"{part.amount:f}" for part in make()] == expected.split()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Money("10.005", "EUR").split(2), r"10\.005 has more than 2 digits after the point: round it before"),
        (lambda: GOLD.split(2), "Money.allocate: XAU has no smallest unit"),
        (lambda: price.split(0), "number of parts, 1 to 1,000,000, not 0"),
        (lambda: price.split(2.0), "not 2.0"),
        (lambda: price.split(True), "not True"),
        (lambda: price.split(10**9), "number of parts"),
        (lambda: price.allocate([]), "there are no weights"),
        (lambda: price.allocate([0, 0]), "all weights are zero"),
        (lambda: price.allocate([1, -1]), "weight 1 is -1, and a weight is never negative"),
        (lambda: price.allocate([0.5, 0.5]), "weight 0 is never a float"),
        (lambda: price.allocate("12"), "a list of numbers, not '12'"),
        (lambda: price.allocate(5), "a list of numbers, not 5"),
        (lambda: price.allocate([Money(1, "EUR"), Money(1, "USD")]), "cannot be weights of one whole"),
        (lambda: price.allocate([Money(1, "EUR"), 1]), "not some of each"),
        (lambda: price.allocate([1], digits=-1), "scale"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


def test_every_rounding_is_known():
    assert {Money("1", "EUR").round(rounding) for rounding in ROUNDINGS} == {Money(1, "EUR")}
