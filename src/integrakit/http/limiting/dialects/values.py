"""Numbers and times as servers write them, read strictly: what is malformed, negative or beyond all bounds was not said. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from integrakit.http.limiting.dialects.structured_fields import Item, parse_list
from integrakit.model.reading import utc

__all__ = ["LONGEST", "ResetForm", "amount", "amounts", "bounded", "number", "numbers", "reset_in", "server_now"]

#: Seconds. No quota has a longer window than a year; who says so cannot mean it, and must not silence a client for ever.
LONGEST = 366 * 86_400.0
#: From here on a number is no length of time any more but a moment: seconds since 1970, and milliseconds. (2001-09-09 in both.)
EPOCH_FROM, EPOCH_MS_FROM = 1e9, 1e12
#: A Date header further from our own clock than this is a replayed answer, not a clock that is wrong.
CLOCKS_DIFFER_BY = 86_400.0

#: How a header says when a quota is whole again; "auto" tells them apart by their size.
ResetForm = Literal["auto", "epoch", "epoch-ms", "delta", "delta-ms"]

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_PART = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
# As Go writes them, and so OpenAI and many others: "6m0s", "1h2m3.5s", "12ms".
_DURATION = re.compile(rf"(?:{_PART}d)?(?:{_PART}h)?(?:{_PART}m)?(?:{_PART}s)?(?:{_PART}ms)?")
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?")
# As JavaScript writes a Date; Python's parser would take the time zone for a word and leave it out.
_JAVASCRIPT_ZONE = re.compile(r"GMT(?=[+-][0-9]{4})")
#: The longest of all these, a JavaScript date with the name of its zone, has about 70.
_LONGEST_TEXT = 100


def number(text: str | None) -> float | None:
    """Digits, with or without a fraction. No sign, no exponent, no other alphabet's digits."""
    if text is None or _NUMBER.fullmatch(text := text.strip(" \t")) is None:
        return None
    return float(text)


def amount(value: Any) -> float | None:
    """The same of a value out of JSON, or of a structured field."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value < 1e15:
        return None
    return float(value)


def amounts(text: str | None) -> list[Item]:
    """The numbers of a list, with their parameters: ``100, 100;w=60``. Two headers of one name arrive as one list, too."""
    if text is None:
        return []
    plain = number(text)
    if plain is not None:
        return [Item(plain, {})]
    items = parse_list(text) or []
    return items if all(amount(item.value) is not None for item in items) else []


def numbers(text: str | None) -> list[float]:
    """The numbers alone."""
    return [float(item.value) for item in amounts(text)]


def bounded(seconds: float | None) -> float | None:
    """From now on: what has passed is now, and what is further away than any quota's end was not said."""
    if seconds is None or not seconds <= LONGEST:
        return None
    return max(0.0, seconds)


def server_now(headers: Mapping[str, str], now: datetime) -> datetime:
    """The time by the server's own clock, where it tells it: its moments are counted from there, however wrong our clock is or its own."""
    date = _moment(headers.get("date"))
    return date if date is not None and abs((date - now).total_seconds()) < CLOCKS_DIFFER_BY else now


def reset_in(text: str | None, headers: Mapping[str, str], now: datetime, form: ResetForm = "auto") -> float | None:
    """Seconds until what the text names: a length of time, or a moment, which is counted from the `server_now` of these headers."""
    if text is None:
        return None
    told = numbers(text)
    if told:
        # Of two headers the later: waiting a little longer is cheaper than being refused.
        return bounded(_from_number(max(told), headers, now, form))
    if len(text) > _LONGEST_TEXT:
        return None
    lasting = _DURATION.fullmatch(text.strip())
    if lasting is not None and any(lasting.groups()):
        return bounded(sum(float(part) * unit for part, unit in zip(lasting.groups(), _UNITS, strict=True) if part is not None))
    moment = _moment(text)
    return None if moment is None else bounded((moment - server_now(headers, now)).total_seconds())


def _from_number(told: float, headers: Mapping[str, str], now: datetime, form: ResetForm) -> float:
    if form == "auto":
        form = "epoch-ms" if told >= EPOCH_MS_FROM else "epoch" if told >= EPOCH_FROM else "delta"
    told = told / 1000 if form in ("epoch-ms", "delta-ms") else told
    return told - server_now(headers, now).timestamp() if form in ("epoch", "epoch-ms") else told


def _moment(text: str | None) -> datetime | None:
    """ISO 8601, HTTP's dates, and JavaScript's. In UTC; without a time zone it is UTC."""
    if text is None or len(text) > _LONGEST_TEXT or not text.isascii():
        return None
    text = text.strip()
    try:
        if _ISO.fullmatch(text):
            return utc(datetime.fromisoformat(text.upper()))
        return utc(parsedate_to_datetime(_JAVASCRIPT_ZONE.sub("", text.partition(" (")[0])))
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
