"""Exact decimal arithmetic: what counts as a number, the operators, and rounding.

Sums, differences and products are exact or an error, whatever the decimal context of the caller says; only ``divide`` and an explicit scale may lose
digits. Only numbers live here: which operator a mapping uses is the parser's to say.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from integrakit.money import Money
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = [
    "DIVISION_DIGITS",
    "EXACT_DIGITS",
    "ROUNDINGS",
    "Number",
    "blank",
    "exact_context",
    "number",
    "operations",
    "plain_text",
    "rounder",
    "shortest_number",
]

#: Significant digits an exact result may have. Far beyond money, and it bounds what a hostile record can make us compute.
EXACT_DIGITS = 400
#: Significant digits a quotient is rounded to, half to even.
DIVISION_DIGITS = 50

Number = Decimal | int

_REFUSED = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]

#: The names of roundings in a mapping. "exact" is an error where a digit would be lost.
ROUNDINGS = ("half-even", "half-up", "half-down", "up", "down", "ceiling", "floor", "exact")


def _divide(left: Number, right: Number, context: Context) -> Decimal:
    # An infinite divisor would give a finite 0, the one way for a bad operand to hide in a good result.
    if isinstance(right, Decimal) and not right.is_finite():
        raise Misfit(f"{excerpt(right)} is not a finite number")
    if right == 0:
        raise Misfit("division by zero")
    return context.divide(left, right)


def exact_context() -> Context:
    """Where sums, differences and products are exact or raise ArithmeticError: the context of `operations`, for plain operators between Decimals."""
    return Context(prec=EXACT_DIGITS, traps=[*_REFUSED, decimal.Inexact])


def operations() -> dict[str, Callable[[Any, Any], Decimal]]:
    """The binary operators by name, with contexts of their own. They take Decimals and ints, and raise ArithmeticError instead of losing a digit."""
    exact = exact_context()
    division = Context(prec=DIVISION_DIGITS, rounding=decimal.ROUND_HALF_EVEN, traps=_REFUSED)
    return {
        "add": exact.add,
        "subtract": exact.subtract,
        "multiply": exact.multiply,
        "divide": lambda left, right: _divide(left, right, division),
    }


def rounder(scale: int, rounding: str) -> tuple[Callable[[Any, Any], Decimal], Decimal]:
    """``(quantize, unit)``: ``quantize(number, unit)`` rounds to ``scale`` digits after the point, or raises ArithmeticError."""
    exact = rounding == "exact"
    name = decimal.ROUND_HALF_EVEN if exact else "ROUND_" + rounding.upper().replace("-", "_")
    context = Context(prec=EXACT_DIGITS, rounding=name, traps=[*_REFUSED, decimal.Inexact] if exact else _REFUSED)
    return context.quantize, Decimal((0, (1,), -scale))


def blank(value: str) -> str:
    """What to say about a blank text where a number is wanted, such as an empty cell of a CSV file."""
    return f'{excerpt(value)} is blank, not a number: apply = ["blank_to_null"] makes it null'


def number(value: Any) -> Number:
    """The value as an exact finite number: a Decimal, an int, or text that is a decimal number. A float is refused. Raises `Misfit`."""
    if isinstance(value, str):
        # Python's own spelling 1_000 and digits of other scripts are not what the data of a business system means by a number.
        if len(value) <= EXACT_DIGITS and "_" not in value and value.isascii():
            try:
                found = Decimal(value)
            except decimal.InvalidOperation:
                if not value.strip():
                    raise Misfit(blank(value)) from None
                marked = any(mark in value for mark in ",'%() ") and any(map(str.isdigit, value))
                hint = ': marks have to be named, beside to = "decimal" as decimal_mark, group_mark, negative or percent' if marked else ""
                raise Misfit(f"{excerpt(value)} is not a number{hint}") from None
            if found.is_finite():
                return found
        raise Misfit(f"{excerpt(value)} is not a finite number in plain digits, at most {EXACT_DIGITS} of them")
    if isinstance(value, Decimal):
        if value.is_finite():
            return value
        raise Misfit(f"{excerpt(value)} is not a finite number")
    if isinstance(value, bool):
        raise Misfit(f"{excerpt(value)} is a bool, not a number")
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        raise Misfit(f'{float.__repr__(value)} is a float and would be taken inexactly: say float = "shortest" to take its shortest text')
    if isinstance(value, Money):
        raise Misfit(f"{excerpt(value)} is money, not a number: add .amount to the path to take its number")
    raise Misfit("null is not a number: use coalesce to say what stands for null" if value is None else f"{article(value)} is not a number")


def shortest_number(value: Any) -> Number:
    """As `number`, and a finite float is its shortest text: 0.1 is one tenth."""
    if isinstance(value, float):
        text = float.__repr__(value)
        if not text[-1].isdigit():
            raise Misfit(f"{text} is not a finite number")
        return Decimal(text)
    return number(value)


def plain_text(value: Decimal) -> str:
    """A finite Decimal in plain digits, without an exponent wherever that is readable."""
    return format(value, "f") if -EXACT_DIGITS < value.adjusted() < EXACT_DIGITS else str(value)
