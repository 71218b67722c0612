"""How a mistake in a mapping is worded: the value as its author wrote it, and what was probably meant. For people who read a mapping file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

__all__ = ["closest", "did_you_mean", "quoted_text", "spelled"]

_WIDTH = 60
_MOST_NAMES = 40
# A name that has less in common with another is another word, not a slip: "const" is not "count".
_CLOSE = 0.75
_SHORTEST_START = 3
_MARKS = dict.fromkeys(map(ord, " _-."))


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name."""
    known = list(known)
    close = closest(name, known)
    if close is not None:
        return f": did you mean {close!r}?"
    if not known:
        return ": there are none"
    return f": known are {', '.join(known[:_MOST_NAMES])}{', …' * (len(known) > _MOST_NAMES)}"


def closest(name: Any, known: Iterable[str]) -> str | None:
    """The one of the known names that was probably meant, where one is really close."""
    if not isinstance(name, str) or len(name) > _WIDTH:
        return None
    known = [other for other in known if len(other) <= _WIDTH]
    # The same letters in another case or order are the commonest slips, and not what the measure of difflib finds first.
    plain = _plain(name)
    for other in known:
        if plain and _plain(other) == plain:
            return other
    letters = sorted(name)
    for other in known:
        if len(other) == len(name) and sorted(other) == letters:
            return other
    # Records of many keys fail by the thousand: what has too few letters of the name is not measured.
    alike = [other for other in known if 2 * sum(map(other.count, set(name))) >= _CLOSE * (len(name) + len(other))]
    close = get_close_matches(name, alike, n=1, cutoff=_CLOSE)
    if close:
        return close[0]
    return next((other for other in known if len(name) >= _SHORTEST_START and other.startswith(name)), None)


def _plain(name: str) -> str:
    return name.casefold().translate(_MARKS)


def quoted_text(text: str) -> str:
    """The text as TOML writes it, in at most 60 characters."""
    return json.dumps(text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…", ensure_ascii=False)


def spelled(value: Any) -> str:
    """The value as TOML would spell it, in at most 60 characters."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = repr(value[:_WIDTH])
    elif isinstance(value, int) and value.bit_length() > 200:
        text = "a huge number"
    else:
        text = str(value) if isinstance(value, Decimal | date | time | int) else type(value).__name__
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
