"""Exact decimal arithmetic for amounts: what counts as one, the operators, rounding, and one way of writing each.

Every context here is complete in itself, so nothing depends on the decimal context of the caller. Numbers only: no currencies, no records.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from decimal import Context, Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any

from integrakit.errors import ConfigurationError

__all__ = [
    "EXACT_DIGITS",
    "ROUNDINGS",
    "add",
    "divide",
    "exact_number",
    "from_units",
    "multiply",
    "rounded",
    "settled",
    "shown",
    "stepped",
    "to_units",
]

#: Digits an amount may have before the point, and as many after it. Far beyond money, and it bounds what a hostile record can make us compute.
EXACT_DIGITS = 200
#: Significant digits a quotient is rounded to, half to even.
DIVISION_DIGITS = 50

#: The names of roundings. Halves go to the even digit, or away from zero, or to zero; "exact" is an error where a digit would be lost.
ROUNDINGS = ("half-even", "half-up", "half-down", "up", "down", "ceiling", "floor", "exact")

_WIDTH = 60
# Turning a larger int into text is refused by Python itself (4300 digits), and slow before that.
_LONGEST_INT = 700
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*", re.ASCII)
_REFUSED = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow, decimal.Underflow]


def _context(digits: int, rounding: str = decimal.ROUND_HALF_EVEN, *, exact: bool = False) -> Context:
    traps = [*_REFUSED, decimal.Inexact] if exact else _REFUSED
    # Said in full: what is left out is taken from decimal.DefaultContext, which any program may have changed.
    return Context(digits, rounding, Emin=-9999, Emax=9999, capitals=1, clamp=0, flags=[], traps=traps)


_EXACT = _context(2 * EXACT_DIGITS, exact=True)
_DIVISION = _context(DIVISION_DIGITS)


def shown(value: object) -> str:
    """The value in at most 60 characters, for a message; of an unknown class only its name."""
    kind = type(value)
    if isinstance(value, str):
        return repr(str.__getitem__(value, slice(_WIDTH))) + "…" * (str.__len__(value) > _WIDTH)
    if kind is int and isinstance(value, int) and value.bit_length() > _LONGEST_INT:
        return "a huge int"
    if kind in (int, float, bool, Decimal) or value is None:
        text = str(value)
        return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    return f"a {kind.__name__[:_WIDTH]}"


def exact_number(value: Any, what: str) -> Decimal:
    """A Decimal, an int or decimal text as a finite Decimal; raises `ConfigurationError` beginning with ``what`` for anything else."""
    if isinstance(value, Decimal):
        number = value if type(value) is Decimal else Decimal(value)
    elif isinstance(value, bool) or not isinstance(value, int | str | float):
        raise ConfigurationError(f'{what} is a Decimal, an int or decimal text such as "9.80", not {shown(value)}')
    elif isinstance(value, float):
        text = float.__repr__(value)
        instead = f': give Decimal("{text}"), and decode JSON with decimals=True' if text[-1].isdigit() else ""
        raise ConfigurationError(f"{what} is never a float, and {text} is one{instead}")
    elif isinstance(value, int):
        if value.bit_length() > _LONGEST_INT:
            raise _too_long(what)
        number = Decimal(int.__index__(value))
    elif len(value) > 4 * EXACT_DIGITS:
        raise _too_long(what)
    elif _NUMBER.fullmatch(value):
        number = Decimal(str.strip(value))
    else:
        raise ConfigurationError(f'{what} is decimal text such as "1234.50", with a point and nothing else, not {shown(value)}')
    if not number.is_finite():
        raise ConfigurationError(f"{what} is a finite number, not {shown(number)}")
    if number and not -EXACT_DIGITS <= number.adjusted() < EXACT_DIGITS:
        raise _too_long(what)
    return number


def _too_long(what: str) -> ConfigurationError:
    return ConfigurationError(f"{what} has more than {EXACT_DIGITS} digits before or after the point")


def settled(number: Decimal, unit: Decimal | None, what: str = "an amount of money") -> Decimal:
    """The one way to write a finite number: with the digits of ``unit``, and more only where they are not zero; never an exponent, never -0."""
    if unit is not None and number.same_quantum(unit) and number.adjusted() < EXACT_DIGITS:
        return number if number else number.copy_abs()
    try:
        found = _EXACT.normalize(number)
        least = -int(found.as_tuple().exponent)
        digits = max(least, 0 if unit is None else -int(unit.as_tuple().exponent))
        found = _EXACT.quantize(found, Decimal((0, (1,), -digits))) if digits != least else found
    except ArithmeticError:
        raise _too_long(what) from None
    if digits > EXACT_DIGITS or (found and found.adjusted() >= EXACT_DIGITS):
        raise _too_long(what)
    return found if found else found.copy_abs()


def _operator(operate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Decimal, Decimal], Decimal]:
    def apply(left: Decimal, right: Decimal) -> Decimal:
        try:
            return operate(left, right)
        except ArithmeticError:
            raise _too_long("the result") from None

    return apply


#: Exact, or a `ConfigurationError`.
add = _operator(_EXACT.add)
multiply = _operator(_EXACT.multiply)
#: Rounded to `DIVISION_DIGITS` significant digits, half to even. The divisor is not zero.
divide = _operator(_DIVISION.divide)


@cache
def _rounding(name: str) -> Context:
    exact = name == "exact"
    return _context(2 * EXACT_DIGITS + 2, decimal.ROUND_HALF_EVEN if exact else "ROUND_" + name.upper().replace("-", "_"), exact=exact)


def _checked(rounding: Any) -> str:
    if isinstance(rounding, str) and rounding in ROUNDINGS:
        return rounding
    close = get_close_matches(rounding, ROUNDINGS, n=1) if isinstance(rounding, str) else []
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(ROUNDINGS)}"
    raise ConfigurationError(f"unknown rounding {shown(rounding)}: {hint}")


def rounded(number: Decimal, digits: int, rounding: str) -> Decimal:
    """The number with ``digits`` after the point; raises `ConfigurationError` for an unknown rounding, and for a digit that "exact" would lose."""
    context = _rounding(_checked(rounding))
    if isinstance(digits, bool) or not isinstance(digits, int) or not -EXACT_DIGITS < digits < EXACT_DIGITS:
        raise ConfigurationError(f"digits after the point are a whole number, at most {EXACT_DIGITS - 1}, not {shown(digits)}")
    try:
        return context.quantize(number, Decimal((0, (1,), -digits)))
    except ArithmeticError:
        raise ConfigurationError(f"{shown(number)} cannot be written with {digits} digits after the point exactly") from None


def stepped(number: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The number rounded to a multiple of ``step``, which is above zero."""
    digits = max(0, *(-int(each.as_tuple().exponent) for each in (number, step)))
    whole, rest = divmod(abs(_integer(number, digits)), _integer(step, digits))
    # What lies between two multiples is told by which side of the middle it is on: all that any rounding asks.
    half = 2 * rest - _integer(step, digits)
    quarters = 0 if rest == 0 else 25 if half < 0 else 50 if half == 0 else 75
    times = Decimal((int(number.is_signed()), Decimal(whole * 100 + quarters).as_tuple().digits, -2))
    return multiply(rounded(times, 0, rounding), step)


def _integer(number: Decimal, digits: int) -> int:
    return int(_EXACT.scaleb(number, digits))


def to_units(number: Decimal, digits: int) -> int | None:
    """The settled number in units of its last digit, or None where it has more digits than that."""
    scaled = _EXACT.scaleb(number, digits)
    return int(scaled) if scaled == _EXACT.to_integral_value(scaled) else None


def from_units(units: int, digits: int) -> Decimal:
    """The inverse of `to_units`."""
    return _EXACT.scaleb(Decimal(units), -digits)
