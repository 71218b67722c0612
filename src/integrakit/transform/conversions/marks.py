"""Numbers as people write them: decimal and grouping marks, accounting negatives, percent signs.

Every mark has to be named by the mapping, and stand where it belongs: what "1.234" means is never guessed. Without these options numbers are read by
`exact` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from integrakit.transform.conversions.target_types import Given, Mistake, Option, choice, texts
from integrakit.transform.exact import EXACT_DIGITS, blank
from integrakit.transform.misfit import Misfit, excerpt

__all__ = ["MARKS", "marked_number"]

# The blanks that typography puts between groups of digits, and the two apostrophes of Swiss numbers.
_BLANKS = " \u00a0\u2009\u202f"
_ALIKE = {" ": _BLANKS, "'": "'\u2019"}
_NEGATIVES = ("parentheses", "trailing")

#: The options of int, float and decimal for marked text.
MARKS: dict[str, Option] = {
    "decimal_mark": choice(".", ",", say=lambda name, value: f"decimal mark {value!r}"),
    "group_mark": choice(",", ".", " ", "'", say=lambda name, value: f"group mark {value!r}"),
    "negative": texts(dict.fromkeys(_NEGATIVES), 'how a negative number may be written besides -1: "parentheses" or "trailing"', 20, 2),
    "percent": choice("fraction", "number"),
}


def marked_number(given: Given) -> Callable[[str], Decimal] | None:
    """The reader of text for these options, or None where the mapping has none of them. Raises `Mistake`; the reader raises `Misfit`."""
    if not any(option in given for option in MARKS):
        return None
    point = given.get("decimal_mark", ".")
    group: str | None = given.get("group_mark")
    if group == point:
        raise Mistake(f"decimal_mark and group_mark are both {point!r}: they have to differ" + " (decimal_mark is '.' unless said)" * (point == "."))
    percent = given.get("percent")
    pattern = _pattern(point, group, given.get("negative", ()), percent is not None)
    groups = "" if group is None else _ALIKE.get(group, group)
    shift = "E-2" if percent == "fraction" else ""
    what = _sentence(point, group, given.get("negative", ()), percent is not None)

    def read(value: str) -> Decimal:
        if not value.strip():
            raise Misfit(blank(value))
        found = pattern.fullmatch(value.strip()) if len(value) <= EXACT_DIGITS else None
        if found is None:
            raise Misfit(f"{excerpt(value)} is not a number {what}")
        digits = "".join(character for character in found["whole"] if character not in groups)
        rest = found["rest"] or ""
        if not digits and not rest:
            raise Misfit(f"{excerpt(value)} has no digits")
        marked = bool(found["open"] or found["end"])
        if found["sign"] and marked:
            raise Misfit(f"{excerpt(value)} has two signs")
        minus = "-" if marked or found["sign"] in ("-", "\u2212") else ""
        return Decimal(f"{minus}{digits or '0'}{'.' * bool(rest)}{rest}{shift}")

    return read


def _pattern(point: str, group: str | None, negative: tuple[str, ...], percent: bool) -> re.Pattern[str]:
    whole = "[0-9]*"
    if group is not None:
        # One kind of blank or apostrophe throughout: the first mark is what the others have to be.
        mark = f"[{re.escape(_ALIKE.get(group, group))}]"
        whole = f"[0-9]{{1,3}}(?P<mark>{mark})[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*|[0-9]*"
    start = r"(?P<open>\()?" if "parentheses" in negative else "(?P<open>(?!))?"
    stop = r"(?(open)\))"
    end = "(?P<end>[-\u2212])?" if "trailing" in negative else "(?P<end>(?!))?"
    sign = f"[{_BLANKS}]*%" if percent else ""
    return re.compile(f"{start}(?P<sign>[+\\-\u2212])?(?P<whole>{whole})(?:{re.escape(point)}(?P<rest>[0-9]+))?{end}{sign}{stop}")


def _sentence(point: str, group: str | None, negative: tuple[str, ...], percent: bool) -> str:
    words = f"with decimal mark {point!r} and " + (f"group mark {group!r} between groups of three digits" if group else "no group mark")
    if negative:
        words += ", negative also " + " and ".join({"parentheses": "(1)", "trailing": "1-"}[one] for one in negative)
    return words + (", followed by a % sign" if percent else "")
