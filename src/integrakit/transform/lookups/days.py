"""Days: on which one an entry must be in force, and from when to when it is. Instants are refused here: their day depends on the place."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from integrakit.transform.conversions.spellings import is_whole_week
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["boundary", "day_after", "day_of", "spelled_period"]

_LONGEST_TEXT = 64


def day_of(value: Any) -> date:
    """The calendar day of a date, of a time without a zone, or of either as ISO 8601 text. Raises `Misfit`."""
    moment = _moment(value)
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is not None:
        raise Misfit(f'{excerpt(value)} is an instant, and its day depends on the place: say at = {{ from = "…", to = "date", timezone = "…" }}')
    return moment.date()


def boundary(value: Any) -> date | None:
    """A first or last day in a table; None where nothing stands. Raises `Misfit`."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    moment = _moment(value)
    if isinstance(moment, datetime):
        if moment.tzinfo is not None:
            raise Misfit(f'{excerpt(value)} is an instant, and its day depends on the place: say types = {{ … = {{ to = "date", timezone = "…" }} }}')
        if moment.time() != time():
            raise Misfit(f"{excerpt(value)} is not the beginning of a day")
        return moment.date()
    return moment


def day_after(day: date) -> date | None:
    """The next day; None, which is for ever, after the last one that there is."""
    return None if day == date.max else day + timedelta(days=1)


def spelled_period(since: date | None, until: date | None) -> str:
    """``from 2020-07-01 until 2021-01-01``: the first day, and the first day after."""
    words = [] if since is None else [f"from {since.isoformat()}"]
    words += [] if until is None else [f"until {until.isoformat()}"]
    return " ".join(words) or "always"


def _moment(value: Any) -> datetime | date:
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            raise Misfit(f"{excerpt(value)} is too long for a date")
        text = value.strip()
        if is_whole_week(text):
            raise Misfit(f"{excerpt(value)} is a week without a day")
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise Misfit(f"{excerpt(value)} is not a date in ISO 8601") from None
    if isinstance(value, date):  # a datetime is one
        return value
    raise Misfit(f"{article(value)} is not a date: a date, or text in ISO 8601, is wanted")
