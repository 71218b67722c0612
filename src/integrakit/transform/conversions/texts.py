"""``to = "str"``: values as text, and what the target asks of a text: its length, its characters, its width.

A text is cut only where the mapping says so, and never inside what a reader sees as one character. Spelling moments and numbers otherwise is the
business of their own types (``write``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from integrakit.transform.conversions.bools import bool_text
from integrakit.transform.conversions.patterns import LONGEST_PATTERN, LONGEST_SUBJECT, compile_pattern
from integrakit.transform.conversions.target_types import SHORTEST, Converter, Given, Made, Mistake, TargetType, choice, text, whole
from integrakit.transform.exact import number, plain_text, shortest_number
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["STR", "convert_text", "cut"]

# No column of a business system is longer; filling to it costs nothing.
_WIDEST = 1000
_LONGEST = 2**31 - 1
_JOINER = "\u200d"


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
            return plain_text(Decimal(shortest_number(value)))
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, UUID):
            return str(value)
        raise Misfit("null is not text: use coalesce to say what stands for null" if value is None else f"{article(value)} cannot be written as text")

    return to_text


def cut(value: str, most: int) -> str:
    """At most ``most`` characters of the text, ending where a reader sees the end of a character. Raises `Misfit` where nothing would be left."""
    if len(value) <= most:
        return value
    end = most
    while end and _inside(value, end):
        end -= 1
    if not end:
        raise Misfit(f"{excerpt(value)} cannot be cut: its first character is longer than {most}")
    return value[:end]


def _inside(value: str, at: int) -> bool:
    """Whether a cut before ``value[at]`` would tear apart what is seen as one character (the rules of UAX 29 that business texts meet)."""
    before, after = value[at - 1], value[at]
    if after == _JOINER or before == _JOINER or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":  # skin tones, and the tags in flags of regions
        return True
    if ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff") or (before == "\r" and after == "\n"):
        return True
    if _flag_half(before) and _flag_half(after):  # a flag is two letters: is an odd number of them before the cut?
        start = at
        while start and _flag_half(value[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return False


def _flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _make(given: Given) -> Made:
    convert = convert_text("float" in given)
    checks = _checks(given)
    if not checks:
        return Made(convert=convert, inline=True, gives="str")

    def to_text(value: Any) -> str:
        result: str = convert(value)
        for check in checks:
            result = check(result)
        return result

    return Made(convert=to_text, gives="str")


def _checks(given: Given) -> list[Callable[[str], str]]:
    most, least, width = given.get("max_length"), given.get("min_length"), given.get("width")
    if "too_long" in given and most is None:
        raise Mistake("too_long belongs to max_length, which is missing")
    if "fill" in given and width is None:
        raise Mistake("fill belongs to width, which is missing")
    if most is not None and max(least or 0, width or 0) > most:
        raise Mistake(f"max_length = {most} is below {'min_length' if (least or 0) > most else 'width'}: no text fits")
    checks: list[Callable[[str], str]] = []
    if width is not None:
        checks.append(_filled(width, given.get("fill", "0")))
    if most is not None:
        checks.append(_at_most(most, given.get("too_long", "error") == "cut"))
    if least is not None:
        checks.append(_at_least(least))
    if "pattern" in given:
        checks.append(_matching(given["pattern"]))
    return checks


def _filled(width: int, fill: str) -> Callable[[str], str]:
    def to_width(value: str) -> str:
        if len(value) > width:
            raise Misfit(f"{excerpt(value)} has {len(value)} characters, and the width is {width}")
        if fill == "0" and value[:1] in ("-", "+") and len(value) < width:
            raise Misfit(f"{excerpt(value)} has a sign, and zeros would stand before it")
        return value.rjust(width, fill)

    return to_width


def _at_most(most: int, may_cut: bool) -> Callable[[str], str]:
    def to_length(value: str) -> str:
        if len(value) <= most:
            return value
        if may_cut:
            return cut(value, most)
        raise Misfit(f'{excerpt(value)} has {len(value)} characters, and at most {most} are allowed: too_long = "cut" would cut it')

    return to_length


def _at_least(least: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if len(value) < least:
            raise Misfit(f"{excerpt(value)} has {len(value)} characters, and at least {least} are needed")
        return value

    return check


def _matching(pattern: str) -> Callable[[str], str]:
    try:
        matches = compile_pattern(pattern)
    except ValueError as problem:
        raise Mistake(f"pattern {excerpt(pattern)}: {problem}") from None

    def check(value: str) -> str:
        if len(value) > LONGEST_SUBJECT:
            raise Misfit(f"{excerpt(value)} has {len(value)} characters, and a pattern is tried on {LONGEST_SUBJECT} at most")
        if not matches(value):
            raise Misfit(f"{excerpt(value)} does not match the pattern {excerpt(pattern)}")
        return value

    return check


STR = TargetType(
    {
        "float": SHORTEST,
        "max_length": whole(1, _LONGEST, "a number of characters"),
        "min_length": whole(1, _LONGEST, "a number of characters"),
        "too_long": choice("error", "cut"),
        "width": whole(1, _WIDEST, "a number of characters"),
        "fill": text("the character that fills up at the left", 1),
        "pattern": text("a regular expression for the whole text", LONGEST_PATTERN),
    },
    _make,
)
