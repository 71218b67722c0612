"""How a mistake in a mapping is worded: the value as its author wrote it, and what was probably meant. For people who read a mapping file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

__all__ = ["did_you_mean", "spelled"]

_WIDTH = 60
_MOST_NAMES = 40


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name."""
    known = list(known)
    close = get_close_matches(name, known, n=1) if isinstance(name, str) else []
    if close:
        return f": did you mean {close[0]!r}?"
    if not known:
        return ": there are none"
    return f": known are {', '.join(known[:_MOST_NAMES])}{', …' * (len(known) > _MOST_NAMES)}"


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
