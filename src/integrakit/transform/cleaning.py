"""The functions that ``apply`` knows without being told: blanks, capitals, Unicode forms, what cannot be seen.

Each takes text and gives text (or null, where its name says so), in time linear in the text. They change how a text is spelled; what it means is a
conversion's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["BUILT_IN", "METHODS", "built_in"]

#: Those that are methods of ``str``, and can be chained as such.
METHODS = ("strip", "lower", "upper", "casefold", "title", "lstrip", "rstrip")

# Text up to this length is put into a Unicode form without a look at its combining characters.
_SHORT = 1000
# Putting n combining characters in a row into order takes n² steps; UAX 15 calls 30 in a row already far beyond any language.
_MOST_COMBINING = 200
_LONGEST_FORMED = 1_000_000

_BLANKS = re.compile(r"\s+")
_NO_DIGITS = re.compile(r"[^0-9]+")
# Unicode's categories Cc (but for tab, line feed, carriage return), Cf and Cs: controls, marks of direction, blanks of no width, byte order marks,
# soft hyphens, tags, halves of surrogate pairs.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def _formed(form: Form) -> Callable[[str], str]:
    def to_form(value: str) -> str:
        if value.isascii():
            return value
        if len(value) > _SHORT:
            _look_at_combining(value)
        return unicodedata.normalize(form, value)

    return to_form


def _look_at_combining(value: str) -> None:
    if len(value) > _LONGEST_FORMED:
        raise Misfit(f"{excerpt(value)} has {len(value)} characters: a Unicode form is made of {_LONGEST_FORMED} at most")
    row = 0
    for character in value:
        row = row + 1 if unicodedata.combining(character) else 0
        if row > _MOST_COMBINING:
            raise Misfit(f"{excerpt(value)} has more than {_MOST_COMBINING} combining characters in a row")


def _squeeze(value: str) -> str:
    return _BLANKS.sub(" ", value).strip()


def _digits(value: str) -> str:
    if not value.isascii():
        for character in value:
            if character.isdigit() and not character.isascii():
                raise Misfit(f"{excerpt(value)} has the digit {character!r}, which is not one of 0 to 9")
    return _NO_DIGITS.sub("", value)


def _ascii(value: str) -> str:
    if value.isascii():
        return value
    plain = "".join(character for character in _formed("NFKD")(value) if not unicodedata.combining(character))
    if not plain.isascii():
        other = next(character for character in plain if not character.isascii())
        raise Misfit(f"{excerpt(value)} has {other!r}, which is no ASCII letter with an accent: a lookup or a function of your own can spell it")
    return plain


def _remove_invisible(value: str) -> str:
    return _INVISIBLE.sub("", value)


def _blank_to_null(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _nan_to_null(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value else None  # NaN is the number that does not equal itself
    return None if isinstance(value, Decimal) and value.is_nan() else value


_TEXT: dict[str, Callable[[str], str]] = {
    **{name: getattr(str, name) for name in METHODS},
    "nfc": _formed("NFC"),
    "nfd": _formed("NFD"),
    "nfkc": _formed("NFKC"),
    "nfkd": _formed("NFKD"),
    "squeeze": _squeeze,
    "digits": _digits,
    "ascii": _ascii,
    "remove_invisible": _remove_invisible,
}
# These hand on what is not theirs to change: a column may hold text here and numbers there.
_ANY: dict[str, Callable[[Any], Any]] = {"blank_to_null": _blank_to_null, "nan_to_null": _nan_to_null}

#: All their names.
BUILT_IN = (*_TEXT, *_ANY)


def built_in(name: str) -> Callable[[Any], Any]:
    """The function of that name. It raises `Misfit` for what is not text."""
    if name in _ANY:
        return _ANY[name]
    function = _TEXT[name]

    def apply(value: Any) -> Any:
        if not isinstance(value, str):
            raise Misfit(f"{excerpt(value)} is {article(value)}, and {name} works on text")
        return function(value)

    return apply
