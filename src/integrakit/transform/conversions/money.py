"""Money in mappings: a value of a record as `Money`, or as a whole number of the smallest unit, and back.

What is wrong with a record is a `Misfit` here. The arithmetic is in `integrakit.money`, where the same mistake in a program is a
`ConfigurationError`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from integrakit.errors import ConfigurationError
from integrakit.money import Currency, Money, allocate
from integrakit.money.currencies import currency_of
from integrakit.transform.exact import EXACT_DIGITS, number, shortest_number
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["from_minor", "to_currency", "to_minor", "to_money", "to_parts"]

P = ParamSpec("P")
T = TypeVar("T")


def _fitting(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Calls it; what it says is wrong with its arguments is wrong with the record."""
    try:
        return function(*arguments, **options)
    except ConfigurationError as problem:
        raise Misfit(str(problem)) from problem


def to_currency(value: Any) -> Currency:
    """The currency that a record names by its ISO 4217 code, in capitals. Raises `Misfit`."""
    if not isinstance(value, str | Currency):
        raise Misfit(f"{excerpt(value)} is {article(value)}, not the code of a currency")
    return _fitting(currency_of, value)


def to_money(value: Any, currency: Currency | str, *, shortest: bool = False) -> Money:
    """Money of that currency, with all digits of the value. Raises `Misfit`.

    ``value``: a Decimal, an int, decimal text, or money that is of that currency already; a float only with ``shortest``, as its shortest text.
    """
    unit = currency if type(currency) is Currency else to_currency(currency)
    if isinstance(value, Money):
        if value.unit != unit:
            raise Misfit(f"{value} is not of the currency {unit}, and there is no rate to convert it with")
        return value
    return _fitting(Money, shortest_number(value) if shortest else number(value), unit)


def to_minor(value: Any, currency: Currency | str, *, rounding: str | None = None, shortest: bool = False) -> int:
    """The value as `to_money` takes it, in whole smallest units: 12.30 EUR is 1230. Raises `Misfit`.

    Digits below the smallest unit are a `Misfit` too, unless a ``rounding`` says what becomes of them.
    """
    money = to_money(value, currency, shortest=shortest)
    if rounding is None and not money.is_rounded and money.unit.digits is not None:
        raise Misfit(f"{money} has more than the {money.unit.digits} digits of {money.currency}: say how it is rounded")
    return _fitting(_minor, money, rounding)


def _minor(money: Money, rounding: str | None) -> int:
    return money.minor if rounding is None else money.round(rounding).minor


def from_minor(value: Any, currency: Currency | str) -> Money:
    """Money from whole smallest units, given as an int, a whole Decimal or text of digits: 1230 is 12.30 EUR. Raises `Misfit`."""
    units = number(value)
    if isinstance(units, Decimal) and (units.adjusted() > EXACT_DIGITS or units != units.to_integral_value()):
        raise Misfit(f"{excerpt(value)} is not a whole number of the smallest unit")
    return _fitting(Money.from_minor, int(units), currency if type(currency) is Currency else to_currency(currency))


def to_parts(value: Any, weights: Any, *, scale: int = 2, shortest: bool = False) -> list[Any]:
    """``value`` shared out in proportion to ``weights``, by the largest remainder, so that the parts add up to it. Raises `Misfit`.

    Money gives Money, in its own smallest units; any other number gives Decimals with ``scale`` digits after the point.
    """
    take = shortest_number if shortest else number
    if not isinstance(weights, list | tuple):
        raise Misfit(f"{excerpt(weights)} is {article(weights)}, not a list of weights")
    if isinstance(value, Money):
        return list(_fitting(value.allocate, [each if isinstance(each, Money) else take(each) for each in weights]))
    return list(_fitting(allocate, Decimal(take(value)), [take(each) for each in weights], scale))
