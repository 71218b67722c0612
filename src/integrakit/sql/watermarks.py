"""The column that grows when a row changes: which of its values is the highest, and how a bound is moved. Pure.

A watermark is kept as text or a number, so that it is JSON: times as ISO 8601, with a space as the databases write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Cursor", "Kind", "capped", "earlier", "kept"]

#: "stored": whatever SQLite keeps. "zoned" and "naive": times with and without a time zone. "xid8": numbers of PostgreSQL's transactions.
Kind: TypeAlias = Literal["stored", "zoned", "naive", "number", "text", "xid8"]

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?")
_FRACTION = re.compile(r"[.]([0-9]+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Numbers above this are milliseconds: as seconds they would be of the year 5138.
_MILLISECONDS = 100_000_000_000
#: What every time zone can still write.
_FIRST = datetime(1, 1, 2, tzinfo=UTC)


@frozen(kw_only=True)
class Cursor:
    """One such column."""

    name: str
    #: What is compared, as SQL, and what stands for a value of it.
    sql: str
    mark: str = "?"
    kind: Kind

    def highest(self, values: Sequence[Any], before: Any) -> Any:
        """The highest of some rows' values and of the watermark so far, as a watermark is kept; None where there is none."""
        seen = [value for value in values if value is not None]
        if self.kind == "stored":
            return max([*seen, *([] if before is None else [before])], key=_rank, default=None)
        read, fits = _READ[self.kind]
        # What no calendar of Python's has (infinity, 0000-00-00) comes as text: no bound, since nothing would come after it.
        seen = [value for value in seen if fits(value)]
        if before is not None:
            seen.append(read(before))
        return kept(max(seen)) if seen else None

    def order(self, mark: Any) -> Any:
        """What watermarks of this column are compared by."""
        return _rank(mark) if self.kind == "stored" else _READ[self.kind][0](mark)


def _rank(value: Any) -> tuple[int, Any]:
    # The order SQLite sorts in: numbers, text by code point, bytes.
    return (2, value) if isinstance(value, bytes) else (1, value) if isinstance(value, str) else (0, value)


def _moment(value: Any) -> Any:
    moment = datetime.fromisoformat(value)
    return moment.date() if len(value) == len("2026-01-01") else moment


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value


_READ: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], bool]]] = {
    "zoned": (_moment, lambda value: isinstance(value, date)),
    "naive": (_moment, lambda value: isinstance(value, date)),
    "number": (_number, lambda value: value == value and not isinstance(value, str)),
    "text": (str, lambda value: isinstance(value, str)),
    "xid8": (int, lambda value: isinstance(value, int)),
}


def kept(value: Any) -> Any:
    """A value of the cursor as a watermark keeps it."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else format(value, "f") if isinstance(value, Decimal) else value


# ---------------------------------------------------------------------- moving


def earlier(mark: Any, seconds: float) -> Any:
    """The watermark, so many seconds before. Raises `ConfigurationError` for what is no time."""
    if mark is None or not seconds:
        return mark
    if isinstance(mark, str) and (moment := _time(mark)) is not None:
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        try:
            aware = max(aware - timedelta(seconds=seconds), _FIRST)
        except OverflowError:
            aware = _FIRST
        return min(mark, _written(mark, aware), key=_instant)
    if isinstance(mark, int | float):
        units = Decimal(str(seconds)) * (1000 if abs(mark) >= _MILLISECONDS else 1)
        return mark - (int(units.to_integral_value(rounding="ROUND_CEILING")) if isinstance(mark, int) else float(units))
    raise _no_time(mark)


def capped(mark: Any, limit: datetime) -> Any:
    """The watermark, but not after ``limit``. Raises `ConfigurationError` for what is no time."""
    if mark is None:
        return None
    if isinstance(mark, str) and _time(mark) is not None:
        return mark if _instant(mark) <= limit else _written(mark, limit)
    if isinstance(mark, int | float):
        unit = 1000 if abs(mark) >= _MILLISECONDS else 1
        number = (limit - _EPOCH) / timedelta(seconds=1) * unit
        return min(mark, int(number) if isinstance(mark, int) else number)
    raise _no_time(mark)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        return None


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _written(like: str, moment: datetime) -> str:
    """The instant, written as ``like`` is; cut off where that way of writing is coarser."""
    zone = datetime.fromisoformat(like).tzinfo
    moment = moment.astimezone(zone or UTC)
    if zone is None:
        moment = moment.replace(tzinfo=None)
    if len(like) == len("2026-01-01"):
        return moment.date().isoformat()
    fraction = _FRACTION.search(like)
    precision = "microseconds" if fraction is not None and len(fraction[1]) > 3 else "milliseconds" if fraction is not None else "seconds"
    text = moment.isoformat(sep=like[10], timespec=precision)
    return text.removesuffix("+00:00") + "Z" if like[-1] == "Z" else text


def _no_time(mark: Any) -> ConfigurationError:
    return ConfigurationError(f"window= needs a cursor of times or of seconds since 1970; {mark!r:.60} is neither: leave the window out")
