"""Whether what a rule gives is what the other side holds: text as text, numbers and times by value, in the spelling that the target has.

Stricter than how values are compared while pairs are looked for (`formats`): there "0151 23" and "+49 151 23" may be one number, here they are not.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from integrakit.transform.suggesting.columns import Column
from integrakit.transform.suggesting.formats import NUMBERS, TIMES, day_of, instant_of, number_of, spelled_time, text_of

__all__ = ["exact", "loose"]


def exact(value: Any, right: Column) -> Hashable:
    """A key: equal for two values that are the same for the target, and for those only."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "flag", value
    if right.form in TIMES and (key := _time(value, right)) is not None:
        return key
    if isinstance(value, str):
        # "20.9" and "20.90" are the same amount; "007" and "7" are not the same code.
        number = number_of(value) if right.form == "number" and right.types == {str} else None
        return ("number", _plain(Decimal(value.strip()))) if number is not None else ("text", value)
    if isinstance(value, int | float | Decimal):
        # A number for text that shows whole numbers, such as a code, is of the wrong type.
        return ("number" if right.form in NUMBERS and (right.types != {str} or right.form == "number") else type(value).__name__), _plain(value)
    if isinstance(value, date):
        return "time", str(value)
    return "other", str(value) if type(value) is UUID else id(value)


def _plain(value: int | float | Decimal) -> Hashable:
    if isinstance(value, int):
        return value
    number = float(value)
    if not math.isfinite(number) or abs(number) >= 1e15:
        return number
    return round(number, 6)


def _time(value: Any, right: Column) -> Hashable:
    """ISO 8601 and objects are one spelling, the others one each."""
    if right.form == "epoch":
        return ("text", value) if isinstance(value, str) else ("number", value) if type(value) is int else None
    if right.form == "date":
        if isinstance(value, str):
            return ("iso day", day_of(value)) if len(value.strip()) == 10 else ("text", value)
        return ("iso day", day_of(value)) if type(value) is date else None
    if right.form == "written date":
        return ("text", value) if isinstance(value, str) else None
    if isinstance(value, str):
        spelling = spelled_time(value)
        return (spelling, instant_of(value) or ("day", day_of(value))) if spelling else ("text", value)
    if type(value) is datetime:
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return "iso", instant_of(aware)
    return ("iso", ("day", day_of(value))) if type(value) is date else None


def loose(value: Any, right: Column) -> Hashable:
    """A key that is equal for values that mean the same however they are written; None where a value says nothing."""
    if right.form in NUMBERS:
        return number_of(value)
    if right.form in TIMES:
        return day_of(value)
    text = text_of(value)
    if right.form == "phone":
        digits = text.replace(" ", "")
        return digits[-9:] if digits.isdigit() and len(digits) >= 7 else None
    return text or None
