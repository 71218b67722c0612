"""What a single value looks like: its form (a date, an e-mail address, a number …) and its normal form, in which values of two systems compare.

One value at a time; what holds for a whole field is in `columns`. Anything may come in here, so nothing is called on classes that are not known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from enum import Enum
from uuid import UUID

__all__ = ["NUMBERS", "TIMES", "day_of", "form_of", "instant_of", "number_of", "rounded", "slashed_day", "spelled_time", "text_of"]

#: Forms that hold numbers, and forms that hold days or moments.
NUMBERS = frozenset({"whole number", "number"})
TIMES = frozenset({"date", "instant", "local time", "written date", "epoch"})

_LONGEST = 400
_LONGEST_NUMBER = 40
# (form, what the whole text looks like), the narrower before the wider.
_FORMS = (
    ("phone", re.compile(r"\+[1-9]\d{8,14}")),
    ("whole number", re.compile(r"[+-]?\d{1,18}")),
    ("number", re.compile(r"[+-]?\d{1,18}\.\d{1,12}")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("instant", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)")),
    ("instant", re.compile(r"/Date\(-?\d{1,16}([+-]\d{4})?\)/")),
    ("instant", re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d ([+-]\d{4}|GMT|UTC)")),
    ("local time", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?")),
    ("written date", re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}")),
    ("e-mail", re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,190}\.[A-Za-z]{2,24}")),
    ("uuid", re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    ("url", re.compile(r"(?i)(https?://|www\.)\S+")),
    ("phone", re.compile(r"(?=(\D*\d){7,15}\D*$)(\+[\d ().\-/]+|\(?\d{2,5}\)?[ ./-][\d ().\-/]+)")),
    ("two letters", re.compile(r"[A-Za-z]{2}")),
    ("three letters", re.compile(r"[A-Z]{3}|[a-z]{3}")),
)
_DOTNET = re.compile(r"/Date\((-?\d{1,16})")
_RFC = re.compile(r"[A-Z][a-z]{2}, \d")
# An epoch as text; eight digits are a day in ISO 8601.
_DIGITS_ONLY = re.compile(r"\d{9,13}")
_NOT_A_WORD = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\D+")
_BOOLS = frozenset({"true", "false", "yes", "no"})


def form_of(value: object) -> str:
    """The form of a scalar: one of the forms above, "flag", or "text". Empty for what is no scalar, says nothing or cannot be used (NaN)."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "whole number"
    if isinstance(value, float):
        return ("whole number" if value.is_integer() and abs(value) >= 1e15 else "number") if math.isfinite(value) else ""
    if isinstance(value, Decimal):
        return "number" if value.is_finite() else ""
    if isinstance(value, datetime):
        return "local time" if value.tzinfo is None else "instant"
    if isinstance(value, date):
        return "date"
    if isinstance(value, UUID):
        return "uuid"
    if isinstance(value, time):
        return "text"
    if not isinstance(value, str):
        return ""
    text = str.strip(str.__str__(value[:_LONGEST]))
    if not text:
        return ""
    if len(text) <= 200:
        for form, pattern in _FORMS:
            if pattern.fullmatch(text):
                return form
        if text.lower() in _BOOLS:
            return "flag"
    return "text"


def text_of(value: object) -> str:
    """Small letters and digits with single blanks: "#1001" and "1001" are the same, "Ann  LEE" and "ann lee" are."""
    if type(value) is str:
        return value.casefold() if value.isalnum() else _NOT_A_WORD.sub(" ", value[:_LONGEST]).strip().casefold()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value) if value.bit_length() <= 200 else ""
    if isinstance(value, str):
        text = str.__str__(value[:_LONGEST])
        return _NOT_A_WORD.sub(" ", text).strip().casefold()
    if isinstance(value, float | Decimal | date | time | UUID) and type(value).__module__ in ("builtins", "decimal", "datetime", "uuid"):
        return _NOT_A_WORD.sub(" ", str(value)[:_LONGEST]).strip().casefold()
    return ""


def number_of(value: object) -> float | int | None:
    """The number as it compares: whole, or rounded."""
    if type(value) is float:
        return rounded(value) if math.isfinite(value) else None
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value.bit_length() <= 200 else None
    if isinstance(value, str):
        text = value.strip() if len(value) <= _LONGEST_NUMBER else ""
        if not text.isascii() or "_" in text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
    if isinstance(value, float | Decimal):
        try:
            found = float(value)
        except (OverflowError, ValueError):  # ValueError: a signalling NaN
            return None
        return rounded(found) if math.isfinite(found) else None
    return None


def rounded(number: float) -> float:
    """As far as numbers of two systems can be held to agree: one may hold cents where the other holds what they were computed from."""
    return round(number, 2 if abs(number) >= 1 else 6)


def _moment(value: object) -> datetime | date | None:
    if isinstance(value, str):
        text = value.strip()[:40]
        try:
            if dotnet := _DOTNET.match(text):
                return datetime.fromtimestamp(int(dotnet[1]) / 1000, UTC)
            if _RFC.match(text):
                return parsedate_to_datetime(text)
            if _DIGITS_ONLY.fullmatch(text):
                return _moment(int(text))
            return datetime.fromisoformat(text)
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if abs(value) > 20_000_000_000 else value, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return value if isinstance(value, date) else None


def spelled_time(text: str) -> str:
    """How a time in text is written: "iso", "dotnet", "rfc2822", or nothing that is known."""
    text = text.strip()
    return "dotnet" if _DOTNET.match(text) else "rfc2822" if _RFC.match(text) else "iso" if text[:4].isdigit() and text[4:5] == "-" else ""


def instant_of(value: object) -> Hashable:
    """Seconds since 1970 where a moment is known; a naive time counts as UTC. None otherwise."""
    moment = _moment(value)
    if not isinstance(moment, datetime) or (isinstance(value, str) and value.strip()[4:5] == "-" and len(value.strip()) <= 10):
        return None
    try:
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def day_of(value: object) -> int | None:
    """The day as a number: in UTC for a moment, as written otherwise."""
    moment = _moment(value)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            return None
    return moment.toordinal() if moment is not None else None


def slashed_day(value: object, *, month_first: bool) -> int | None:
    """The day of ``31/12/2024`` or ``12/31/2024``."""
    if not isinstance(value, str) or len(value) > 12:
        return None
    parts = _DIGITS.split(value.strip())
    try:
        first, second, year = map(int, parts)
        return date(year, first, second).toordinal() if month_first else date(year, second, first).toordinal()
    except ValueError:
        return None
