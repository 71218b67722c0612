"""How a long range is divided: by a step of the calendar, of time or of numbers, or at bounds that were given. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.reading.bounds import Scale, scale_of
from integrakit.reading.intervals import Interval, intersected, merged

__all__ = ["Grid"]

_STEP = re.compile(r"([1-9][0-9]{0,8})? ?(second|minute|hour|day|week|month|year)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
#: More partitions than this are a step that was too small.
MOST = 1_000_000


class Grid:
    """The range ``[start, end)`` and where it is divided, as places on a scale.

    ``step``: "1 month", "7 days", "6 hours", a timedelta, or a whole number where the range is of numbers; months and days are those of the calendar
    of ``start``. Or ``partitions``: pairs of bounds. Raises `ConfigurationError`.
    """

    def __init__(self, start: Any, end: Any, step: Any, partitions: Sequence[Any] | None) -> None:
        if partitions is not None:
            if start is not None or end is not None or step is not None:
                raise ConfigurationError("Backfill takes start=, end= and step=, or partitions=, and not both")
            pairs: list[Any] = [tuple(pair) if isinstance(pair, tuple | list) else () for pair in partitions]
            if not pairs or any(len(pair) != 2 or None in pair for pair in pairs):
                raise ConfigurationError("Backfill(partitions=…) takes pairs of bounds, [(low, high), …], from low on and without high")
            self.kind = _kind(*(bound for pair in pairs for bound in pair))
            self.scale: Scale = scale_of(*(bound for pair in pairs for bound in pair))
            self.cells = sorted((self.scale.position(low), self.scale.position(high)) for low, high in pairs)
            for (low, high), (after, _) in zip(self.cells, [*self.cells[1:], (self.cells[-1][1], 0)], strict=True):
                if low >= high or high > after:
                    raise ConfigurationError("Backfill(partitions=…): each high is above its low, and no two overlap")
        else:
            self.kind = _kind(start, end)
            self.scale = scale_of(start, end)
            bounds = [self.scale.position(bound) for bound in _bounds(start, end, step)]
            if any(low >= high for low, high in pairwise(bounds)) or len(bounds) < 2:
                raise ConfigurationError(f"Backfill(start={start!r}, end={end!r}, step={step!r}): end must be after start, and step above 0")
            self.cells = list(pairwise(bounds))
        self._lows = [low for low, _ in self.cells]
        #: All of it, in as few intervals as can be.
        self.whole = merged(self.cells)

    def first(self, missing: list[Interval], *, newest: bool) -> Interval | None:
        """The first (or last) part of what is missing that lies within one cell."""
        missing = intersected(missing, self.whole)
        if not missing:
            return None
        low, high = missing[-1] if newest else missing[0]
        cell = self.cells[bisect_right(self._lows, high - 1 if newest else low) - 1]
        return max(low, cell[0]), min(high, cell[1])

    def divided(self, intervals: list[Interval]) -> list[Interval]:
        """The parts of the intervals, each within one cell."""
        parts: list[Interval] = []
        for low, high in intersected(intervals, self.whole):
            at = bisect_right(self._lows, low) - 1
            while at < len(self.cells) and self.cells[at][0] < high:
                parts.append((max(low, self.cells[at][0]), min(high, self.cells[at][1])))
                at += 1
        return parts

    def values(self, interval: Interval) -> tuple[Any, Any]:
        """Places as the bounds they stand for."""
        return self.scale.value(interval[0]), self.scale.value(interval[1])


def _kind(*bounds: Any) -> str:
    for kind, known in (("time", datetime), ("date", date), ("number", int)):
        if all(isinstance(bound, known) and not isinstance(bound, bool) and (kind != "date" or not isinstance(bound, datetime)) for bound in bounds):
            if kind == "time" and len({bound.tzinfo is None for bound in bounds}) > 1:
                raise ConfigurationError("Backfill: some bounds have a time zone and some have none")
            return "naive time" if kind == "time" and bounds[0].tzinfo is None else kind
    raise ConfigurationError(f"Backfill takes bounds that are all dates, all datetimes or all whole numbers, not {bounds[0]!r} and {bounds[-1]!r}")


def _bounds(start: Any, end: Any, step: Any) -> list[Any]:
    bounds, number = [start], 0
    while _instant(bounds[-1]) < _instant(end):
        number += 1
        if number > MOST:
            raise ConfigurationError(f"Backfill(step={step!r}) divides the range into more than {MOST} partitions")
        try:
            following = _stepped(start, step, number)
        except OverflowError:  # beyond the last year there is
            following = end
        if _instant(following) <= _instant(bounds[-1]):
            return [start]
        bounds.append(min(following, end, key=_instant))
    return bounds


def _instant(bound: Any) -> Any:
    """What bounds are compared by: of two times in one zone Python compares what their clocks show."""
    return bound.astimezone(UTC) if isinstance(bound, datetime) and bound.tzinfo is not None else bound


def _stepped(start: Any, step: Any, times: int) -> Any:
    """``start`` and so many steps: counted from the start, so that the 31st stays the 31st where a month has one."""
    if isinstance(start, int):
        if isinstance(step, bool) or not isinstance(step, int):
            raise ConfigurationError(f"Backfill(step=…) of numbers takes a whole number, not {step!r}")
        return start + step * times
    if isinstance(step, timedelta):
        return _later(start, step * times, whole_days=not step % timedelta(days=1))
    found = _STEP.fullmatch(step) if isinstance(step, str) else None
    if found is None:
        raise ConfigurationError(f"Backfill(step=…) takes '1 month', '7 days', '6 hours' or a timedelta, not {step!r}")
    count, unit = int(found[1] or 1) * times, found[2]
    if unit in _SECONDS:
        return _later(start, timedelta(seconds=_SECONDS[unit] * count), whole_days=unit in ("day", "week"))
    months = start.year * 12 + start.month - 1 + count * (12 if unit == "year" else 1)
    year, month = months // 12, months % 12 + 1
    if year > date.max.year:
        raise OverflowError
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def _later(start: Any, by: timedelta, *, whole_days: bool) -> Any:
    if not isinstance(start, datetime) and not whole_days:
        raise ConfigurationError("Backfill(step=…) of dates takes whole days; for hours give start= and end= as datetimes")
    if whole_days or start.tzinfo is None:
        return start + by  # days of the calendar, of which some have 23 hours
    return (start.astimezone(UTC) + by).astimezone(start.tzinfo)
