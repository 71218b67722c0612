"""A value that does not fit: the one exception that conversions raise, and how a value is quoted in a message.

Nothing here leaves the package: the careful pass turns every `Misfit` into a `FieldError`. Quoting must be safe for any object at all: it never calls
the ``repr`` of a class it does not know, never recurses, and never builds more than a line of text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from datetime import date, time
from decimal import Decimal

__all__ = ["Misfit", "article", "excerpt"]

_WIDTH = 60
# Turning a larger int into text is refused by Python itself (4300 digits), and slow before that.
_LONGEST_INT = 200


class Misfit(ValueError):
    """A value that a step cannot take; the text says why, with an excerpt of the value."""


def _clip(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def excerpt(value: object) -> str:
    """The value in at most 60 characters: text and numbers as they are, everything else by its type and size."""
    kind = type(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, str):
        return _clip(repr(str.__getitem__(value, slice(_WIDTH))) + "…" * (str.__len__(value) > _WIDTH))
    if kind is int:
        return _clip(str(value)) if isinstance(value, int) and value.bit_length() <= _LONGEST_INT else "a huge int"
    if kind in (float, Decimal):
        return _clip(str(value))
    if isinstance(value, date | time) and kind.__module__ == "datetime":
        return _clip(value.isoformat())
    if kind in (list, tuple, dict, set, frozenset, bytes, bytearray) and isinstance(value, Sized):
        return f"{article(value)} of {len(value)}"
    return article(value)


def article(value: object) -> str:
    """What the value is, for a sentence: "a list", "an object", "null"."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    name = _clip(type(value).__name__)
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
