"""What ``to =`` can make of a value: one function for each type name, built once with its options.

A converter takes any value but null and gives the target type, or raises `Misfit`. It never loses information silently: no truncation, no guess, no
float that pretends to be exact. Numbers themselves are in `exact`, dates in `times`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from attrs import frozen

from integrakit.transform.exact import EXACT_DIGITS, number, plain_text, rounder, shortest_number
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.times import date_converter, datetime_converter

__all__ = ["CONVERSIONS", "Conversion", "bool_text", "convert_text", "make_conversion"]

Converter = Callable[[Any], Any]

#: The names ``to =`` knows, and the options each takes.
CONVERSIONS: dict[str, tuple[str, ...]] = {
    "str": ("float",),
    "int": (),
    "float": (),
    "decimal": ("scale", "rounding", "float"),
    "bool": (),
    "date": ("timezone",),
    "datetime": ("timezone", "fold"),
}

_INTEGER = re.compile(r"[+-]?[0-9]+")
# Above this not every integer is a float, so an integral float may have been another number once.
_FLOAT_INTEGERS = 2**53
_TRUE = frozenset({"true", "yes", "y", "t", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "f", "off", "0"})


@frozen
class Conversion:
    """A built ``to =``. ``scale`` is set for a decimal of fixed scale; ``words`` says it all in the mapping's own spelling."""

    to: str
    convert: Converter
    words: str
    scale: int | None = None
    rounding: str | None = None


def make_conversion(
    to: str,
    *,
    scale: int | None = None,
    rounding: str | None = None,
    shortest: bool = False,
    zone: tzinfo | None = None,
    fold: str | None = None,
) -> Conversion:
    """Builds the converter for one field. The options were checked by the parser."""
    words = [to]
    if scale is not None:
        rounding = rounding or "half-even"
        words += [f"scale {scale}", f"rounding {rounding}"]
    if shortest:
        words.append("floats by their shortest text")
    if zone is not None:
        words.append(f"in {zone}")
    if fold is not None:
        words.append(f"fold {fold}")
    makers: dict[str, Callable[[], Converter]] = {
        "str": lambda: convert_text(shortest),
        "int": lambda: _to_int,
        "float": lambda: _to_float,
        "decimal": lambda: _decimal_converter(scale, rounding, shortest),
        "bool": lambda: _to_bool,
        "date": lambda: date_converter(zone),
        "datetime": lambda: datetime_converter(zone, fold),
    }
    return Conversion(to, makers[to](), ", ".join(words), scale, rounding)


def bool_text(value: bool) -> str:
    """As JSON spells it."""
    return "true" if value else "false"


def convert_text(shortest: bool) -> Converter:
    """To text: numbers in plain digits, bools as JSON spells them, dates and times in ISO 8601. Lists, objects and bytes are refused."""

    def to_text(value: Any) -> str:
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bool):
            return bool_text(value)
        if isinstance(value, int):
            try:
                return int.__repr__(value)
            except ValueError:  # Python refuses to write integers of thousands of digits
                raise Misfit(f"{excerpt(value)} has too many digits to be written") from None
        if isinstance(value, Decimal):
            return plain_text(Decimal(number(value)))
        if isinstance(value, float):
            if not shortest:
                raise Misfit(f'{excerpt(float(value))} is a float, whose text is a guess: say float = "shortest" to take its shortest text')
            return str(shortest_number(value))
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, UUID):
            return str(value)
        raise Misfit("null is not text: use coalesce to say what stands for null" if value is None else f"{article(value)} cannot be written as text")

    return to_text


def _to_int(value: Any) -> int:
    if isinstance(value, bool):
        raise Misfit(f"{excerpt(value)} is a bool, not a whole number")
    if isinstance(value, float):
        if value.is_integer() and abs(value) <= _FLOAT_INTEGERS:
            return int(value)
        raise Misfit(f"{excerpt(float(value))} is not a whole number" if abs(value) < _FLOAT_INTEGERS else f"{excerpt(float(value))} is not exact")
    if isinstance(value, str):
        text = value.strip() if len(value) <= EXACT_DIGITS else ""
        if not _INTEGER.fullmatch(text):
            raise Misfit(f"{excerpt(value)} is not a whole number in plain digits")
        return int(text)
    found = number(value)
    if isinstance(found, int):
        return int(found)
    if found.adjusted() > EXACT_DIGITS or found != found.to_integral_value():
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


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and len(value) <= 16:
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise Misfit(f"{excerpt(value)} is not a bool: true/false, yes/no, y/n, t/f, on/off, 1/0 are")


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
