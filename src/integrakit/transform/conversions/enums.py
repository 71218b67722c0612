"""``to = "enum"``: one of a few values that the target knows, exactly as the mapping spells them. Translating them is a lookup's business."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from integrakit.transform.conversions.target_types import Given, Made, Mistake, TargetType, flag, scalars
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.wording import spelled

__all__ = ["ENUM"]

_MOST_SHOWN = 12
# Looking for what was meant takes time with the length and the number of texts, and helps only people.
_LONGEST_MEANT = 60
_MOST_MEANT = 200


def _make(given: Given) -> Made:
    if "one_of" not in given:
        raise Mistake('to = "enum" needs one_of = […]: what is right')
    ignore = given.get("ignore_case", False)
    values: dict[str | int, str | int] = {}
    for value in given["one_of"]:
        key = value.casefold() if ignore and isinstance(value, str) else value
        if key in values:
            raise Mistake(f"one_of: {spelled(values[key])} and {spelled(value)} differ in capitals only, and ignore_case = true")
        values[key] = value
    longest = max((len(key) for key in values if isinstance(key, str)), default=0)
    known = tuple(values.values())

    def to_enum(value: Any) -> str | int:
        key: Any = value
        if isinstance(value, str):
            # Casefolding can make a text longer, never shorter than a third.
            key = (value.casefold() if ignore else str.__str__(value)) if len(value) <= 3 * longest else None
        elif isinstance(value, bool) or not isinstance(value, int):
            key = None
        found = values.get(key)
        if found is None:
            raise Misfit(f"{excerpt(value)} is not one of {_shown(known)}{_meant(value, known)}")
        return found

    kinds = {type(value) for value in known}
    return Made(convert=to_enum, gives="str" if kinds == {str} else "int" if kinds == {int} else "")


def _shown(known: tuple[str | int, ...]) -> str:
    return ", ".join(excerpt(value) for value in known[:_MOST_SHOWN]) + ", …" * (len(known) > _MOST_SHOWN)


def _meant(value: Any, known: tuple[str | int, ...]) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_MEANT:
        return ""
    texts = {text.casefold(): text for text in known[:_MOST_MEANT] if isinstance(text, str) and len(text) <= _LONGEST_MEANT}
    close = get_close_matches(value.strip().casefold(), texts, n=1)
    return f": did you mean {texts[close[0]]!r}?" if close else ""


ENUM = TargetType({"one_of": scalars("what is right"), "ignore_case": flag()}, _make)
