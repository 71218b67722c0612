"""Money against exact fractions: sharing out, rounding, adding up and travelling lose nothing, whatever the numbers."""

from __future__ import annotations

import decimal
import math
import operator
import pickle
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrakit._json import canonical, dumps, loads, pack, unpack
from integrakit.errors import ConfigurationError
from integrakit.money import ROUNDINGS, Currency, Money, allocate, total

UNITS = st.sampled_from(
    [Currency("EUR"), Currency("JPY"), Currency("KWD"), Currency("CLF"), Currency("POINTS", digits=0), Currency("ETH", digits=18)]
)
NUMBERS = st.builds(
    lambda units, digits: Decimal(units).scaleb(-digits, decimal.Context(prec=99)), st.integers(-(10**12), 10**12), st.integers(-3, 9)
)
WEIGHT = st.integers(0, 20) | st.integers(0, 10**15) | NUMBERS.map(abs)
WEIGHTS = st.lists(WEIGHT, min_size=1, max_size=12).filter(any)
CONTEXTS = st.builds(
    lambda prec, rounding, traps: decimal.Context(prec=prec, rounding=rounding, traps=traps),
    st.integers(1, 6),
    st.sampled_from([decimal.ROUND_UP, decimal.ROUND_FLOOR]),
    st.sampled_from([[], [decimal.Inexact, decimal.Rounded, decimal.Subnormal]]),
)


@st.composite
def amounts(draw: Any, count: int = 1) -> Any:
    """That many amounts of one currency."""
    unit = draw(UNITS)
    found = [Money(draw(NUMBERS), unit) for _ in range(count)]
    return found[0] if count == 1 else found


def exact(money: Money) -> Fraction:
    return Fraction(money.amount)


def by_hand(number: Fraction, rounding: str) -> int:
    """The reference: to a whole number, from the definitions."""
    low, high = math.floor(number), math.ceil(number)
    if low == high:
        return low
    toward, away = (low, high) if number > 0 else (high, low)
    middle = number - low == Fraction(1, 2)
    nearest = low if number - low < Fraction(1, 2) else high
    return {
        "floor": low,
        "ceiling": high,
        "down": toward,
        "up": away,
        "half-up": away if middle else nearest,
        "half-down": toward if middle else nearest,
        "half-even": (low if low % 2 == 0 else high) if middle else nearest,
    }[rounding]


@given(st.integers(-(10**15), 10**15), WEIGHTS, st.integers(0, 9))
def test_parts_add_up_and_each_is_near_its_share(units, weights, scale):
    whole = Fraction(units, 10**scale)
    parts = allocate(Decimal(units).scaleb(-scale, decimal.Context(prec=99)), weights, scale)
    assert len(parts) == len(weights)
    assert sum(map(Fraction, parts)) == whole
    everything = sum(map(Fraction, weights))
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - whole * Fraction(weight) / everything) < Fraction(1, 10**scale)
        assert weight or not part


@given(st.integers(-(10**9), 10**9), WEIGHTS, st.integers(1, 1000))
def test_sharing_out_knows_neither_sign_nor_size_of_the_weights(units, weights, factor):
    parts = allocate(units, weights, 0)
    assert allocate(-units, weights, 0) == [-part for part in parts]
    assert allocate(units, [weight * factor for weight in weights], 0) == parts
    # Nobody gets less than somebody with a smaller weight, and of equals only earlier ones get more.
    ranked = sorted(zip(weights, [abs(part) for part in parts], strict=True), key=lambda each: each[0])
    assert all(low[1] <= high[1] for low, high in pairwise(ranked) if low[0] < high[0])


@given(UNITS, st.integers(-(10**12), 10**12), st.integers(1, 40), CONTEXTS)
def test_splits_are_equal_but_for_one_unit(unit, units, count, context):
    money = Money.from_minor(units, unit)
    with decimal.localcontext(context):
        parts = money.split(count)
    minors = [part.minor for part in parts]
    assert sum(minors) == units
    assert max(minors) - min(minors) <= 1
    assert [abs(minor) for minor in minors] == sorted((abs(minor) for minor in minors), reverse=True)


@given(UNITS, st.integers(-(10**60), 10**60))
def test_minor_units_come_back(unit, units):
    assert Money.from_minor(units, unit).minor == units
    assert exact(Money.from_minor(units, unit)) == Fraction(units, 10 ** (unit.digits or 0))


@given(amounts(2), NUMBERS, CONTEXTS)
def test_arithmetic_is_that_of_fractions_in_any_context(pair, number, context):
    left, right = pair
    with decimal.localcontext(context):
        results = left + right, left - right, left * number, -left, abs(left), sum([left, right, left])
    a, b, n = exact(left), exact(right), Fraction(number)
    assert [exact(each) for each in results] == [a + b, a - b, a * n, -a, abs(a), a + b + a]
    assert (left + right) - right == left
    if number:
        assert abs(exact(left / number) - a / n) <= abs(a / n) / 10**49
        assert (left * number) / number == left
    assert (left < right, left <= right, left == right, left > right, left >= right) == (a < b, a <= b, a == b, a > b, a >= b)
    assert left != right or hash(left) == hash(right)


@given(amounts(), st.sampled_from([each for each in ROUNDINGS if each != "exact"]), st.integers(-3, 9), CONTEXTS)
def test_rounding_is_what_it_is_called(money, rounding, digits, context):
    with decimal.localcontext(context):
        found = money.round(rounding, digits)
    assert exact(found) * Fraction(10) ** digits == by_hand(exact(money) * Fraction(10) ** digits, rounding)


@given(amounts(), st.sampled_from([each for each in ROUNDINGS if each != "exact"]), NUMBERS.map(abs).filter(bool), CONTEXTS)
def test_rounding_to_a_step_is_too(money, rounding, step, context):
    with decimal.localcontext(context):
        found = money.round(rounding, step=step)
    assert exact(found) == by_hand(exact(money) / Fraction(step), rounding) * Fraction(step)


@settings(max_examples=150)
@given(UNITS, st.lists(NUMBERS | st.integers(-3, 3).map(lambda units: Decimal(units) / 2 / 100), max_size=12), st.sampled_from(ROUNDINGS[:-1]))
def test_lines_with_their_residue_add_up(unit, numbers, rounding):
    lines = [Money(number, unit) for number in numbers]
    by_line, by_document = (total(lines, per, rounding, currency=unit) for per in ("line", "document"))
    nothing, smallest = Money(0, unit), Money.from_minor(1, unit)
    assert by_line.residue == by_document.residue == by_document.total - by_line.total
    assert by_document.total == sum(lines, nothing).round(rounding)
    assert sum(by_line.lines, nothing) == by_line.total
    spread = by_document.spread()
    assert sum(spread, nothing) == sum(by_document.as_line(), nothing) == by_document.total
    for given_line, placed, line in zip(lines, spread, by_document.lines, strict=True):
        assert abs(placed - line) <= smallest
        assert abs(placed - given_line) <= smallest
    if lines:
        assert sum(by_document.on_line(len(lines) // 2), nothing) == by_document.total


@given(amounts(2))
def test_it_travels_and_comes_back(pair):
    money, other = pair
    assert unpack(pack([money])) == [money]
    assert pickle.loads(pickle.dumps(money)) == money
    assert eval(repr(money)) == money
    assert (canonical(money) == canonical(other)) == (money == other)
    said = loads(dumps(money))
    assert Money(said["amount"], money.unit) == money
    assert said["currency"] == money.currency
    assert "E" not in said["amount"]
    assert f"{money} {money:,}".count(money.currency) == 2


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text("0123456789.,eE+-_ \t١", max_size=12)
    | st.decimals()
    | st.binary()
    | st.lists(st.integers())
    | st.fractions()
    | st.integers(-20000, 20000).map(lambda exponent: Decimal((0, (1,), exponent)))
)


def attempt(make: Any) -> Any:
    """What it gives, or the error."""
    try:
        return make()
    except (ConfigurationError, TypeError) as problem:
        return problem


@given(ANYTHING, st.sampled_from(["EUR", "XAU"]) | ANYTHING)
def test_whatever_comes_in_it_is_exact_money_or_refused(amount, currency):
    found = attempt(lambda: Money(amount, currency))
    if isinstance(found, Money):
        assert not isinstance(amount, float | bool)
        assert exact(found) == Fraction(str(amount).strip())
    else:
        assert isinstance(found, ConfigurationError)
        assert len(str(found)) < 400


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.lt, operator.ge, lambda money, other: other + money]


@pytest.mark.parametrize("operate", OPERATORS)
@given(other=ANYTHING)
@settings(max_examples=40)
def test_beside_anything_else_it_is_right_or_refused(operate, other):
    found = attempt(lambda: operate(Money("9.80", "EUR"), other))
    if isinstance(found, TypeError):
        # Python's own word where neither side knows the other.
        assert not isinstance(other, int | float | Decimal | str)
    elif not isinstance(found, ConfigurationError):
        assert isinstance(other, int | Decimal)
        assert not isinstance(other, bool)
