"""``to = "int"``, ``"float"`` and ``"decimal"``: numbers and text of numbers, exactly or not at all.

What counts as a number is said in `exact`, marks in text in `marks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from integrakit.transform.conversions.marks import MARKS, marked_number
from integrakit.transform.conversions.target_types import ROUNDING, SCALE, SHORTEST, Converter, Given, Made, Mistake, TargetType
from integrakit.transform.exact import EXACT_DIGITS, blank, number, rounder, shortest_number
from integrakit.transform.misfit import Misfit, excerpt

__all__ = ["DECIMAL", "FLOAT", "INT"]

_INTEGER = re.compile(r"[+-]?[0-9]+")
# Above this not every integer is a float, so an integral float may have been another number once.
_FLOAT_INTEGERS = 2**53


def _make_int(given: Given) -> Made:
    return _made(_to_int, given, "int")


def _make_float(given: Given) -> Made:
    return _made(_to_float, given, "float")


def _make_decimal(given: Given) -> Made:
    if "rounding" in given and "scale" not in given:
        raise Mistake("rounding needs a scale: the digits after the point to round to")
    return _made(_decimal_converter(given.get("scale"), given.get("rounding"), "float" in given), given, "decimal")


def _made(convert: Converter, given: Given, kind: str) -> Made:
    read = marked_number(given)
    return Made(convert=convert if read is None else _reading(read, convert), inline=read is None and kind != "float", gives=kind)


def _reading(read: Callable[[str], Decimal], convert: Converter) -> Converter:
    def to_number(value: Any) -> Any:
        return convert(read(value) if isinstance(value, str) else value)

    return to_number


def _to_int(value: Any) -> int:
    if isinstance(value, bool):
        raise Misfit(f"{excerpt(value)} is a bool, not a whole number")
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if value.is_integer() and abs(value) <= _FLOAT_INTEGERS:
            return int(value)
        raise Misfit(f"{excerpt(float(value))} is not a whole number" if abs(value) < _FLOAT_INTEGERS else f"{excerpt(float(value))} is not exact")
    if isinstance(value, str):
        text = value.strip() if len(value) <= EXACT_DIGITS else ""
        if not _INTEGER.fullmatch(text):
            raise Misfit(f"{excerpt(value)} is not a whole number in plain digits" if value.strip() else blank(value))
        return int(text)
    found = number(value)
    if (found and found.adjusted() > EXACT_DIGITS) or found != found.to_integral_value():  # type: ignore[union-attr]  # ints are done
        raise Misfit(f"{excerpt(found)} is not a whole number of at most {EXACT_DIGITS} digits")
    return int(found)


def _to_float(value: Any) -> float:
    found = value if isinstance(value, float) else number(value)
    try:
        result = float(found)
    except OverflowError:
        raise Misfit(f"{excerpt(value)} is too large for a float") from None
    if result - result != 0.0:
        raise Misfit(f"{excerpt(value)} is not a finite float")
    if result == 0.0 and found != 0:
        raise Misfit(f"{excerpt(value)} is too small for a float")
    if isinstance(found, int) and result != found:
        raise Misfit(f"{excerpt(value)} cannot be held exactly by a float")
    return result


def _decimal_converter(scale: int | None, rounding: str | None, shortest: bool) -> Converter:
    take = shortest_number if shortest else number

    def to_decimal(value: Any) -> Decimal:
        return Decimal(take(value))

    if scale is None:
        return to_decimal
    quantize, unit = rounder(scale, rounding or "half-even")

    def to_scale(value: Any) -> Decimal:
        found = take(value)
        try:
            return quantize(found, unit)
        except ArithmeticError:
            exactly = " exactly" if rounding == "exact" else ""
            raise Misfit(f"{excerpt(value)} cannot be written with {scale} digits after the point{exactly}") from None

    return to_scale


INT = TargetType({**MARKS}, _make_int)
FLOAT = TargetType({**MARKS}, _make_float)
DECIMAL = TargetType({"scale": SCALE, "rounding": ROUNDING, "float": SHORTEST, **MARKS}, _make_decimal)
