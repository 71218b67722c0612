"""Dates and times: text and objects to ``date`` and ``datetime``, with a zone where one is needed.

A day is only known where the wall clock is known. So naive text is taken as written, and an instant (aware) is moved to the mapping's zone before its
day is taken; without a zone it is refused. A local time that the clock skips or shows twice is an error unless the mapping says which one to take.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["FOLDS", "LONGEST_TEXT", "date_converter", "datetime_converter"]

#: Which of two readings of a doubtful local time to take.
FOLDS = ("earlier", "later")

#: Characters a date or time may have.
LONGEST_TEXT = 64
# Text no longer than this is a day alone; midnight would be an invention.
_LONGEST_DAY = len("2000-12-31")


def _moment(value: Any) -> datetime | date:
    if isinstance(value, str):
        if len(value) <= LONGEST_TEXT:
            try:
                return datetime.fromisoformat(value.strip())
            except ValueError:
                raise Misfit(f"{excerpt(value)} is not a date or time in ISO 8601") from None
        raise Misfit(f"{excerpt(value)} is too long for a date or time")
    if isinstance(value, date):  # a datetime is one
        return value
    raise Misfit(f"{article(value)} is not a date or time: text in ISO 8601 is wanted")


def _moved(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        raise Misfit(f"{excerpt(moment)} is outside the years 1 to 9999 in {zone}") from None


def date_converter(zone: tzinfo | None) -> Callable[[Any], date]:
    """To a calendar date: the day as written for naive values, the day in ``zone`` for aware ones."""

    def to_date(value: Any) -> date:
        moment = value if type(value) is datetime else _moment(value)
        if not isinstance(moment, datetime):
            return moment
        if moment.tzinfo is None:
            return moment.date()
        if zone is None:
            raise Misfit(f'{excerpt(value)} is an instant, and its day depends on the place: say timezone = "…"')
        return _moved(moment, zone).date()

    return to_date


def datetime_converter(zone: tzinfo | None, fold: str | None) -> Callable[[Any], datetime]:
    """To an aware datetime: in ``zone`` where given, else as it came. A naive value is local time in ``zone``."""

    def to_datetime(value: Any) -> datetime:
        moment = _moment(value)
        if not isinstance(moment, datetime) or (isinstance(value, str) and len(value.strip()) <= _LONGEST_DAY):
            raise Misfit(f"{excerpt(value)} is a date without a time of day")
        if moment.tzinfo is None:
            if zone is None:
                raise Misfit(f'{excerpt(value)} has no zone: say timezone = "…", the place whose clock it shows')
            return _local(moment, zone, fold)
        return moment if zone is None else _moved(moment, zone)

    return to_datetime


def _local(moment: datetime, zone: tzinfo, fold: str | None) -> datetime:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    # PEP 495: in a gap the two readings are off the clock, in an overlap both are on it. Through UTC each becomes the instant it means.
    readings = sorted((_moved(_moved(reading, UTC), zone) for reading in (first, second)), key=lambda reading: reading.timestamp())
    if fold is None:
        skipped = readings[0].replace(tzinfo=None, fold=0) != moment.replace(fold=0)
        trouble = "does not exist there (the clock skips it)" if skipped else "comes twice there (the clock is set back)"
        raise Misfit(f'{excerpt(moment)} in {zone} {trouble}: say fold = "earlier" or fold = "later"')
    return readings[FOLDS.index(fold)]
