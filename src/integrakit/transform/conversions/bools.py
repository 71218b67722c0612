"""``to = "bool"``: the spellings of true and false that are found in exports, and one's own.

Only words that mean one thing in every language they occur in are known here. Blank text, "x", and single letters of other languages than English
mean different things in different files: a mapping names those itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrakit.transform.conversions.target_types import Converter, Given, Made, Mistake, TargetType, scalars
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.wording import spelled

__all__ = ["BOOL", "bool_text"]

# English, and what spreadsheets and people write in German, French, Spanish, Italian, Portuguese and Dutch.
_TRUE = "true yes y t on 1 1.0 ja oui sí si sì sim wahr vrai verdadero vero verdadeiro waar"
_FALSE = "false no n f off 0 0.0 nein non nee não nao falsch faux falso onwaar"
_WORDS = {**dict.fromkeys(_TRUE.split(), True), **dict.fromkeys(_FALSE.split(), False)}
_LONGEST = 16
_KNOWN = "true/false, yes/no, y/n, t/f, on/off, 1/0 (and yes and no of six more languages) are"


def bool_text(value: bool) -> str:
    """As JSON spells it."""
    return "true" if value else "false"


def _make(given: Given) -> Made:
    if not given:
        return Made(convert=_to_bool, inline=True, gives="bool")
    for option, other in (("true_values", "false_values"), ("false_values", "true_values")):
        if option not in given:
            raise Mistake(f"{other} needs {option} beside it: one's own spellings stand instead of the known ones")
    meanings: dict[str | int, bool] = {}
    for option, meaning in (("true_values", True), ("false_values", False)):
        for word in given[option]:
            if meanings.setdefault(word if isinstance(word, int) else _key(word), meaning) is not meaning:
                raise Mistake(f"{spelled(word)} is in true_values and in false_values (blanks around and capitals do not count)")
    known = f"{_shown(given['true_values'])} are true, {_shown(given['false_values'])} are false"
    return Made(convert=_own(meanings, known), gives="bool")


def _shown(words: tuple[str | int, ...]) -> str:
    return ", ".join(spelled(word) for word in words[:8]) + ", …" * (len(words) > 8)


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", word.strip().casefold())


def _own(meanings: Mapping[str | int, bool], known: str) -> Converter:
    longest = max((len(key) for key in meanings if isinstance(key, str)), default=0) + 64

    def to_bool(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and len(value) <= longest:
            found = meanings.get(_key(value))
        else:
            found = meanings.get(value) if isinstance(value, int) else None
        if found is None:
            raise Misfit(f"{excerpt(value)} is not a bool: {known}")
        return found

    return to_bool


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) <= _LONGEST:
            found = _WORDS.get(_key(value))
            if found is not None:
                return found
        if len(value) <= _LONGEST and not value.strip():
            raise Misfit(
                f'{excerpt(value)} is blank, which may mean false or unknown: apply = ["blank_to_null"] makes it null, and "" in false_values false'
            )
    elif isinstance(value, int | float):
        if value in (0, 1):
            return value == 1
    elif isinstance(value, Decimal):
        if value.is_finite() and value in (0, 1):
            return value == 1
    elif isinstance(value, bytes) and value in (b"\x00", b"\x01"):  # a BIT(1) of MySQL
        return value == b"\x01"
    raise Misfit(f"{excerpt(value)} is not a bool: {_KNOWN}")


BOOL = TargetType(
    {
        "true_values": scalars("what means true"),
        "false_values": scalars("what means false"),
    },
    _make,
)
