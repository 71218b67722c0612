"""Keys: the text by which a value stands in a table, and how two spellings of it are one key. No table is known here."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from attrs import frozen

from integrakit.transform.conversions import bool_text
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["Keys", "key_text", "shown_value"]

# Bits of a whole number; beyond it nothing is a code.
_LARGEST = 256
# The digits of such a number.
_MOST_DIGITS = 77
_SHOWN_PARTS = 8


def key_text(value: Any) -> str:
    """Text itself; whole numbers (Decimals without a fraction too) in digits, bools as JSON has them, dates and UUIDs as text. Raises `Misfit`."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return bool_text(value)
    if isinstance(value, int) and value.bit_length() <= _LARGEST:
        return int.__repr__(value)
    if type(value) is Decimal and _whole(value):
        return int.__repr__(int(value))
    if isinstance(value, date) and not isinstance(value, datetime):
        return date.isoformat(value)
    if type(value) is UUID:
        return str(value)
    shown = excerpt(value) if isinstance(value, Decimal) else article(value)
    raise Misfit(f"{shown} cannot be looked up: text, a whole number, a bool, a date or a UUID can")


def _whole(value: Decimal) -> bool:
    return value.is_finite() and value.adjusted() <= _MOST_DIGITS and value == value.to_integral_value()


@frozen
class Keys:
    """How a table's keys are made. ``parts``: of how many values one is. ``columns``: what the parts are called, where they are called anything."""

    columns: tuple[str, ...] = ()
    parts: int = 1
    ignore_case: bool = False
    strip: bool = False

    @property
    def exact(self) -> bool:
        """True where each spelling is a key of its own."""
        return not (self.ignore_case or self.strip)

    def of(self, value: Any) -> Hashable:
        """The key of a value: a text, or a tuple of texts where it has several parts. Raises `Misfit`."""
        if self.parts == 1:
            return self.one(value)
        called = f" ({', '.join(self.columns)})" if self.columns else ""
        if not isinstance(value, list | tuple):
            raise Misfit(f"{article(value)} cannot be looked up: the key is a list of {self.parts}{called}")
        if len(value) != self.parts:
            raise Misfit(f"a list of {len(value)} cannot be looked up: the key is a list of {self.parts}{called}")
        return tuple(self.one(part) for part in value)

    def spelt(self, value: Any) -> Hashable:
        """As `of`, with case and blanks as they stand."""
        return key_text(value) if self.parts == 1 else tuple(map(key_text, value))

    def one(self, value: Any) -> str:
        """One part of a key."""
        text = key_text(value)
        if self.strip:
            text = text.strip()
        return text.casefold() if self.ignore_case else text


def shown_value(value: Any) -> str:
    """What was looked up, for a message: as `excerpt`, and the parts of a list."""
    if type(value) not in (list, tuple) or len(value) > _SHOWN_PARTS:  # what a class of its own says of its parts is not asked for a message
        return excerpt(value)
    return f"[{', '.join(excerpt(part) for part in value)}]"
