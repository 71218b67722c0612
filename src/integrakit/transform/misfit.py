"""A value that does not fit: the one exception that conversions raise, and how a value is quoted in a message.

Nothing here leaves the package: the careful pass turns every `Misfit` into a `FieldError`. Quoting must be safe for any object at all: it never calls
the ``repr`` of a class it does not know, never recurses, and never builds more than a line of text. What an object says of its own class counts for
nothing here: types are asked, not objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from datetime import date, datetime, time
from decimal import Decimal

from integrakit.money import Money
from integrakit.unset import UNSET

__all__ = ["Misfit", "article", "excerpt", "kind_name"]

_WIDTH = 60
# Turning a larger int into text is refused by Python itself (4300 digits), and slow before that.
_LONGEST_INT = 200
_NAME = type.__dict__["__name__"].__get__
_PLAIN = (float, Decimal, Money)
_MOMENTS = (date, datetime, time)
_SIZED = (list, tuple, dict, set, frozenset, bytes, bytearray)


class Misfit(ValueError):
    """A value that a step cannot take; the text says why, with an excerpt of the value."""


def _clip(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def kind_name(value: object) -> str:
    """The name of the value's type, as a line of at most 60 characters; "missing" and "null" are those of nothing."""
    if value is UNSET or value is None:
        return "missing" if value is UNSET else "null"
    name: str = _NAME(type(value))  # a metaclass may have names of its own
    name = _clip(str.__getitem__(name, slice(_WIDTH + 1)))
    return name if name.isprintable() else ascii(name)[1:-1]


def excerpt(value: object) -> str:
    """The value in at most 60 characters: text and numbers as they are, everything else by its type and size."""
    kind = type(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if _is(kind, str):
        text: str = str.__getitem__(value, slice(_WIDTH))  # type: ignore[index]
        return _clip(repr(text) + "…" * (str.__len__(value) > _WIDTH))  # type: ignore[arg-type]
    if kind is int:
        return _clip(str(value)) if isinstance(value, int) and value.bit_length() <= _LONGEST_INT else "a huge int"
    if any(kind is known for known in _PLAIN):
        return _clip(str(value))
    if any(kind is known for known in _MOMENTS) and isinstance(value, date | time):
        try:
            return _clip(value.isoformat())
        except Exception:  # noqa: BLE001 - a zone of somebody's own, which fails
            return article(value)
    if any(kind is known for known in _SIZED) and isinstance(value, Sized):
        return f"{article(value)} of {len(value)}"
    return article(value)


def article(value: object) -> str:
    """What the value is, for a sentence: "a list", "an object", "null"."""
    if value is None:
        return "null"
    if value is UNSET:
        return "a missing value"
    if _is(type(value), Mapping):
        return "an object"
    name = kind_name(value)
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _is(kind: type, wanted: type) -> bool:
    try:
        return issubclass(kind, wanted)
    except Exception:  # noqa: BLE001 - a metaclass with a mind of its own is of no type that is known here
        return False
