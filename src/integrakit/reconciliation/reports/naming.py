"""What the two sides are called in words for people: left and right, or the names that the user gave them.

Only words of this library are put through here. What comes from data may hold the same words and is never looked at.
"""

from __future__ import annotations

import re
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.reports.showing import clean

__all__ = ["PLAIN", "named", "names_of_sides", "retold"]

PLAIN = ("left", "right")
_LENGTH = 40
_SIDES = re.compile(r"(on )?the (left|right)( side)?\b(?! end)")
_SIDE = re.compile(r"(on the |the )?\b(left|right)\b( side)?", re.IGNORECASE)


def names_of_sides(value: Any) -> tuple[str, str]:
    """Two names that can be told apart. Raises `ConfigurationError`."""
    if isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(each, str) and each.strip() for each in value):
        left, right = (clean(each.strip(), _LENGTH) for each in value)
        if left != right:
            return left, right
    raise ConfigurationError(f'names= takes two names of the sides, such as ("Shop", "Books"), not {value!r}')


def named(words: str, names: tuple[str, str]) -> str:
    """Words about left and right with the names of the sides in them: "only on the left" becomes "only in Shop"."""
    if names == PLAIN:
        return words

    def called(found: re.Match[str]) -> str:
        name = names[found[2].lower() == "right"]
        return f"in {name}" if (found[1] or "").lower() == "on the " and not found[3] else name

    return _SIDE.sub(called, words)


def retold(reason: str, names: tuple[str, str]) -> str:
    """A sentence in which names from data may stand: only "the left side" and "on the left" are taken for the side."""
    if names == PLAIN:
        return reason

    def called(found: re.Match[str]) -> str:
        name = names[found[2] == "right"]
        return f"in {name}" if found[1] else name

    return _SIDES.sub(called, reason)
