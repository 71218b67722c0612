"""Why two values differ, in one or two words that a person who keeps books understands. A guess for the report; nothing is decided by it.

A cause is the first in the list that fits, so that one pair of values always has the same one, whichever engine found it.
"""

from __future__ import annotations

import html
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Hashable, Mapping
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from integrakit.reconciliation.rules.totals import wide
from integrakit.reconciliation.rules.values import NAN, Incomparable, canonical, category
from integrakit.unset import UNSET

__all__ = ["CAUSES", "cause_of"]

#: Each cause, and what it says to a person who has never seen the data. In the order in which a report may list them.
CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "absent": "One side does not have this field in the record at all.",
        "null": "One side has no value (null), the other has one.",
        "empty": "One side has an empty text, the other has text.",
        "type": "The values are of different types, such as the text '42' and the number 42.",
        "nan": "One side has 'not a number', which is what failed calculations leave behind.",
        "sign": "The same amount with the opposite sign, such as a debit booked as a credit.",
        "×100": "One value is a hundred times the other: whole units against cents.",
        "×1000": "One value is a thousand times the other: units against thousands, or grams against kilos.",
        "precision": "The same number but for the last digits that a computer's floating-point numbers can hold.",
        "scale": "The same number, rounded to fewer decimal places on one side.",
        "rounding": "One unit apart in the last decimal place: calculated or rounded in different ways.",
        "truncation": "One value is the other cut short: decimals, letters at the end, or parts of a time are missing.",
        "unicode": "The texts look alike and are stored in different ways (Unicode forms).",
        "blanks": "Only blanks (spaces, tabs, line breaks) differ.",
        "case": "Only upper and lower case differ, blanks and Unicode forms aside.",
        "format": "The same number, written differently as text: leading zeros, or separators of thousands.",
        "escapes": "One text has characters written for web pages, such as &amp; for &.",
        "encoding": "One text was read with the wrong character set: Ã¼ or ? for ü.",
        "accents": "Only accents differ, such as Muller for Müller.",
        "timezone missing": "One side says in which time zone its time is, the other does not.",
        "timezone shift": "The times are apart by whole hours, halves or quarters, as clocks of two time zones or of summer and winter are.",
        "one day off": "The dates are one day apart, as midnight in one time zone is the day before in another.",
        "day and month": "Day and month are swapped: 2026-01-02 against 2026-02-01.",
        "currency": "The amounts are in different currencies.",
        "order": "The same items in another order.",
        "value": "The values differ, and none of the usual reasons fits.",
    }
)

#: Longer text is looked at only where it differs.
_LONG = 4_096
_MINUTE = 60_000_000_000
_QUARTER = 15 * _MINUTE
_DAY = 24 * 60 * _MINUTE
_MOST_OF_A_DAY = 14 * 60 * _MINUTE
_LAST_DAY = date.max.toordinal()
_TIMES = {"instant", "naive"}
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", re.ASCII)
_GROUPED_BY_POINTS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})*,[0-9]+", re.ASCII)
#: Widest first: a time that lost its minutes has lost its seconds too.
_CUTS = (_MINUTE, 1_000_000_000, 1_000_000, 1_000)
_WIDE_CUTS = (_DAY, 60 * _MINUTE)


def _finer_first(left: Decimal, right: Decimal) -> tuple[Decimal, Decimal]:
    exponents = [int(value.as_tuple().exponent) for value in (left, right)]
    return (left, right) if exponents[0] <= exponents[1] else (right, left)


def _was_single(value: Decimal, other: Decimal) -> bool:
    """Whether the other is this number after it was held in a float of 32 bits, which keeps about seven digits."""
    try:
        single: float = struct.unpack("<f", struct.pack("<f", float(value)))[0]
    except OverflowError:
        return False
    return len(other.as_tuple().digits) > 7 and Decimal(float.__repr__(single)) == other


def _one_unit_apart(difference: Decimal, exponent: int, left: Decimal, right: Decimal) -> bool:
    exact = wide()
    # 0.1 and 0.2 are no results of the same calculation.
    return exponent < 0 and difference == exact.scaleb(Decimal(1), exponent) and exact.scaleb(difference, 1) < max(left.copy_abs(), right.copy_abs())


def _of_numbers(left: Decimal, right: Decimal, *, same_places: bool = False) -> str:
    """``same_places``: both are decimals that are written with as many places, so that zeros at the end count."""
    if not (left.is_finite() and right.is_finite()):
        return "value"
    if left == right.copy_negate():
        return "sign"
    exact = wide()
    for cause, places in (("×100", 2), ("×1000", 3)):
        if exact.scaleb(left, places) == right or exact.scaleb(right, places) == left:
            return cause
    difference = exact.abs(exact.subtract(left, right))
    if difference <= exact.multiply(max(left.copy_abs(), right.copy_abs()), Decimal("1E-15")):
        return "precision"
    fine, coarse = _finer_first(left.normalize(exact), right.normalize(exact))
    finest = int(fine.as_tuple().exponent)
    one_unit = _one_unit_apart(difference, finest, left, right)
    if one_unit and same_places:
        return "rounding"
    if _was_single(fine, coarse) or _was_single(coarse, fine):
        return "precision"
    # No place was dropped. Places that neither uses say nothing: columns of databases fill them with zeros.
    if same_places and finest == left.as_tuple().exponent:
        return "value"
    # 100 and not 1E+2: what was rounded to hundreds by chance of its digits is not called rounded.
    step = exact.scaleb(Decimal(1), min(0, int(coarse.as_tuple().exponent)))
    for rounding, cause in ((ROUND_HALF_UP, "scale"), (ROUND_HALF_EVEN, "scale"), (ROUND_DOWN, "truncation")):
        # Out of range this is NaN, which equals nothing.
        if fine.quantize(step, rounding=rounding, context=exact) == coarse:
            return cause
    return "rounding" if one_unit else "value"


def _mojibake(left: str, right: str) -> bool:
    for encoding in ("latin-1", "cp1252"):
        for plain, broken in ((left, right), (right, left)):
            try:
                if plain.encode().decode(encoding) == broken:
                    return True
            except UnicodeError:
                continue
    # A letter that the other character set does not have.
    return len(left) == len(right) and all(
        a == b or (min(a, b) == "?" and max(a, b) > "\x7f") or "\ufffd" in (a, b) for a, b in zip(left, right, strict=True)
    )


def _written(text: str) -> Decimal | None:
    """The number that a text may be meant to be."""
    if len(text) >= 100:
        return None
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    if _GROUPED.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if _GROUPED_BY_POINTS.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    return None


def _escaped(text: str) -> str:
    """Text without the escapes of web pages."""
    try:
        return html.unescape(text) if "&" in text else text
    except ValueError:  # the number of a character that has thousands of digits
        return text


def _without_marks(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character))


def _of_short_texts(left: str, right: str) -> str | None:
    if unicodedata.normalize("NFC", left) == unicodedata.normalize("NFC", right):
        return "unicode"
    compact, other = "".join(left.split()), "".join(right.split())
    if compact == other:
        return "blanks"
    if not compact or not other:
        return "empty"
    compact, other = unicodedata.normalize("NFKC", compact), unicodedata.normalize("NFKC", other)
    if compact == other:
        return "unicode"
    if compact.casefold() == other.casefold():
        return "case"
    number = _written(left)
    if number is not None and number == _written(right):
        return "format"
    if _escaped(left) == _escaped(right):
        return "escapes"
    if left.isascii() and right.isascii():
        return None
    if _mojibake(left, right):
        return "encoding"
    return "accents" if _without_marks(compact).casefold() == _without_marks(other).casefold() else None


def _shared(left: str, right: str) -> int:
    """How many characters at the beginning are the same, in a time that grows with the length alone."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _where_they_differ(left: str, right: str) -> tuple[str, str]:
    """What lies between the first and the last difference, with a few characters around it."""
    start = max(0, _shared(left, right) - 10)
    left, right = left[start:], right[start:]
    ends = 0
    step = 1 << 20
    while left and right and step:
        if (
            ends + step <= min(len(left), len(right))
            and left[len(left) - ends - step : len(left) - ends] == right[len(right) - ends - step : len(right) - ends]
        ):
            ends += step
        else:
            step //= 2
    ends = max(0, ends - 10)
    return left[: len(left) - ends], right[: len(right) - ends]


def _of_texts(left: str, right: str) -> str:
    cause = None
    if max(len(left), len(right)) <= _LONG:
        cause = _of_short_texts(left, right)
    elif left and right:
        part, other = _where_they_differ(left, right)
        if part and other and max(len(part), len(other)) <= _LONG:
            cause = _of_short_texts(part, other)
    if cause is not None:
        return cause
    if not left or not right:
        return "empty"
    return "truncation" if left.startswith(right) or right.startswith(left) else "value"


def _of_moments(left: int, right: int) -> str:
    difference = abs(left - right)
    if any(left // cut * cut == right or right // cut * cut == left for cut in _CUTS):
        return "truncation"
    if difference % _QUARTER == 0 and difference <= _MOST_OF_A_DAY:
        return "timezone shift"
    if any(left // cut * cut == right or right // cut * cut == left for cut in _WIDE_CUTS):
        return "truncation"
    return _of_days(left // _DAY, right // _DAY) if difference % _DAY == 0 else "value"


def _of_days(left: int, right: int) -> str:
    if abs(left - right) == 1:
        return "one day off"
    if min(left, right) < 1 or max(left, right) > _LAST_DAY:  # by another clock the first or last day there is
        return "value"
    first, second = date.fromordinal(left), date.fromordinal(right)
    return "day and month" if (first.year, first.month, first.day) == (second.year, second.day, second.month) else "value"


def _of_lists(left: tuple[Hashable, ...], right: tuple[Hashable, ...]) -> str:
    return "order" if len(left) == len(right) and Counter(left) == Counter(right) else "value"


def _same_places(left: Any, right: Any) -> bool:
    return isinstance(left, Decimal) and isinstance(right, Decimal) and left.as_tuple().exponent == right.as_tuple().exponent


def _of_canonical(left: Any, right: Any, *, same_places: bool) -> str:
    kinds = category(left), category(right)
    if UNSET in (left, right):
        return "absent"
    if left is None or right is None:
        return "null"
    if set(kinds) == _TIMES:
        return "timezone missing"
    if NAN in (left, right):
        return "nan" if {*kinds} <= {"nan", "number"} else "type"
    if kinds[0] != kinds[1]:
        return "type"
    if kinds[0] == "number":
        return _of_numbers(Decimal(left), Decimal(right), same_places=same_places)
    if kinds[0] == "text":
        return _of_texts(left, right)
    if kinds[0] in _TIMES:
        return _of_moments(left[1], right[1])
    if kinds[0] == "date":
        return _of_days(left[1], right[1])
    if kinds[0] == "money":
        return _of_numbers(Decimal(left[1]), Decimal(right[1]), same_places=_same_places(left[1], right[1])) if left[2] == right[2] else "currency"
    return _of_lists(left[1], right[1]) if kinds[0] == "list" else "value"


def cause_of(left: Any, right: Any) -> str:
    """The likely cause of a difference: one of `CAUSES`."""
    try:
        return _of_canonical(canonical(left), canonical(right), same_places=_same_places(left, right))
    except (Incomparable, RecursionError):
        return "value"
