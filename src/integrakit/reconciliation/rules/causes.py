"""Why two values differ, in one or two words that a person who keeps books understands. A guess for the report; nothing is decided by it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from integrakit.reconciliation.rules.totals import wide
from integrakit.reconciliation.rules.values import NAN, Incomparable, canonical, category
from integrakit.unset import UNSET

__all__ = ["cause_of"]

_LONG = 1_000_000
_QUARTER = 900_000_000_000
_MOST_OF_A_DAY = 14 * 3_600_000_000_000
_TIMES = {"instant", "naive"}
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
#: Widest first: a time that lost its minutes has lost its seconds too.
_CUTS = (60_000_000_000, 1_000_000_000, 1_000_000, 1_000)


def _finer_first(left: Decimal, right: Decimal) -> tuple[Decimal, Decimal]:
    exponents = [int(value.as_tuple().exponent) for value in (left, right)]
    return (left, right) if exponents[0] <= exponents[1] else (right, left)


def _of_numbers(left: Decimal, right: Decimal) -> str:
    if not (left.is_finite() and right.is_finite()):
        return "value"
    if left == right.copy_negate():
        return "sign"
    exact = wide()
    if exact.scaleb(left, 2) == right or exact.scaleb(right, 2) == left:
        return "×100"
    fine, coarse = _finer_first(left.normalize(exact), right.normalize(exact))
    # 100 and not 1E+2: what was rounded to hundreds by chance of its digits is not called rounded.
    step = exact.scaleb(Decimal(1), min(0, int(coarse.as_tuple().exponent)))
    for rounding, cause in ((ROUND_HALF_UP, "scale"), (ROUND_HALF_EVEN, "scale"), (ROUND_DOWN, "truncation")):
        # Out of range this is NaN, which equals nothing.
        if fine.quantize(step, rounding=rounding, context=exact) == coarse:
            return cause
    difference = exact.abs(exact.subtract(left, right))
    if difference <= exact.multiply(max(left.copy_abs(), right.copy_abs()), Decimal("1E-15")):
        return "precision"
    return "value"


def _mojibake(left: str, right: str) -> bool:
    for encoding in ("latin-1", "cp1252"):
        for plain, broken in ((left, right), (right, left)):
            try:
                if plain.encode().decode(encoding) == broken:
                    return True
            except UnicodeError:
                continue
    return False


def _of_texts(left: str, right: str) -> str:
    if not left or not right:
        return "empty"
    if max(len(left), len(right)) <= _LONG:
        if unicodedata.normalize("NFC", left) == unicodedata.normalize("NFC", right):
            return "unicode"
        left_compact, right_compact = "".join(left.split()), "".join(right.split())
        if left_compact == right_compact:
            return "blanks"
        left_compact, right_compact = unicodedata.normalize("NFKC", left_compact), unicodedata.normalize("NFKC", right_compact)
        if left_compact == right_compact:
            return "unicode"
        if left_compact.casefold() == right_compact.casefold():
            return "case"
        if len(left) < 100 and _NUMBER.fullmatch(left) and len(right) < 100 and _NUMBER.fullmatch(right) and Decimal(left) == Decimal(right):
            return "format"
        if not (left.isascii() and right.isascii()) and _mojibake(left, right):
            return "encoding"
    return "truncation" if left.startswith(right) or right.startswith(left) else "value"


def _of_moments(left: int, right: int) -> str:
    difference = abs(left - right)
    if any(left // cut * cut == right or right // cut * cut == left for cut in _CUTS):
        return "truncation"
    return "timezone shift" if difference % _QUARTER == 0 and difference <= _MOST_OF_A_DAY else "value"


def _of_lists(left: tuple[Hashable, ...], right: tuple[Hashable, ...]) -> str:
    if len(left) != len(right):
        return "value"
    counts: dict[Hashable, int] = {}
    for item in left:
        counts[item] = counts.get(item, 0) + 1
    for item in right:
        counts[item] = counts.get(item, 0) - 1
    return "order" if not any(counts.values()) else "value"


def _of_canonical(left: Any, right: Any) -> str:
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
        return _of_numbers(Decimal(left), Decimal(right))
    if kinds[0] == "text":
        return _of_texts(left, right)
    if kinds[0] in _TIMES:
        return _of_moments(left[1], right[1])
    if kinds[0] == "money":
        return _of_numbers(left[1], right[1]) if left[2] == right[2] else "currency"
    return _of_lists(left[1], right[1]) if kinds[0] == "list" else "value"


def cause_of(left: Any, right: Any) -> str:
    """The likely cause of a difference: absent, null, empty, type, nan, sign, ×100, scale, truncation, precision, unicode, blanks, case, format,
    encoding, timezone missing, timezone shift, currency, order, or just value."""
    try:
        return _of_canonical(canonical(left), canonical(right))
    except (Incomparable, RecursionError):
        return "value"
