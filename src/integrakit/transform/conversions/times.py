"""``to = "date"``, ``"datetime"`` and ``"time"``: text, numbers and objects to moments, with a zone where one is needed.

A day is only known where the wall clock is known. So naive text is taken as written, and an instant (aware) is moved to the mapping's zone before its
day is taken; without a zone it is refused. A local time that the clock skips or shows twice is an error unless the mapping says which one to take.
How moments are spelled is in `spellings`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from integrakit.transform.conversions.formats import Format
from integrakit.transform.conversions.spellings import EPOCH, FORMAT, LONGEST_TEXT, WRITE, epoch_reader, spelled_by, written_by
from integrakit.transform.conversions.target_types import SHORTEST, Converter, Given, Made, Mistake, Option, TargetType, choice
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["DATE", "DATETIME", "FOLDS", "LONGEST_TEXT", "TIME", "ZONE"]

#: Which of two readings of a doubtful local time to take.
FOLDS = ("earlier", "later")

_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "GMT", "Etc/GMT"})
_DAY = timedelta(days=1)


def _zone(name: str, value: Any) -> tzinfo:
    try:
        if not isinstance(value, str):
            raise ValueError("not a text")
        return zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError) as problem:
        zones = sorted(zoneinfo.available_timezones())
        hint = did_you_mean(value, zones) if zones else ": this machine has no time zone data, which pip install tzdata brings"
        hint = hint if "known are" not in hint else ": a name such as Europe/Berlin is wanted"
        raise Mistake(f"unknown {name} {spelled(value)}{hint}") from problem


#: The option ``timezone``: a name of the IANA database.
ZONE = Option({"type": "string", "minLength": 1}, _zone, lambda name, value: f"in {value}")


# ---------------------------------------------------------------- reading


def _reader(given: Given, fits: Callable[[Format], str]) -> Converter:
    """Text and numbers to a moment, by the options ``format`` and ``epoch``."""
    if "epoch" in given:
        if "format" in given:
            raise Mistake("format and epoch exclude each other: a value is text in a format, or a number counted from 1970")
        return epoch_reader(given["epoch"], "float" in given)
    read = spelled_by(given.get("format", ("iso8601",)), fits)
    only_iso = given.get("format", ("iso8601",)) == ("iso8601",)

    def read_text(value: Any) -> Any:
        if not isinstance(value, str):
            hint = ': say epoch = "s" or "ms" if it counts from 1970' if isinstance(value, int | float) and not isinstance(value, bool) else ""
            raise Misfit(f"{article(value)} is not a date or time: text in {'ISO 8601' if only_iso else 'the format'} is wanted{hint}")
        if len(value) > LONGEST_TEXT:
            raise Misfit(f"{excerpt(value)} is too long for a date or time")
        text = value.strip()
        if not text:
            raise Misfit(f'{excerpt(value)} is blank: apply = ["blank_to_null"] makes it null')
        try:
            return read(text)
        except Misfit as problem:
            if only_iso and "is not spelled as" in str(problem):
                hint = 'epoch = "s" or "ms" reads numbers' if text.isdigit() else 'format = "…" says how it is spelled'
                raise Misfit(f"{excerpt(value)} is not a date or time in ISO 8601: {hint}") from None
            raise

    return read_text


def _object(value: Any) -> date | None:
    """The value itself if it is a date or datetime."""
    if not isinstance(value, date):  # a datetime is one
        return None
    if value != value:  # pandas' NaT calls itself a datetime
        raise Misfit(f"{article(value)} is no moment: coalesce or a function can say what stands for it")
    return value


def _moved(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        raise Misfit(f"{excerpt(moment)} is outside the years 1 to 9999 in {zone}") from None


# ---------------------------------------------------------------- dates


def _make_date(given: Given) -> Made:
    zone: tzinfo | None = given.get("timezone")
    read = _reader(given, lambda form: "" if form.has_date else "names no whole day: a year, a month and a day are needed")
    if "epoch" in given and zone is None:
        raise Mistake('epoch counts instants, and the day of an instant depends on the place: say timezone = "…"')

    def to_date(value: Any) -> date:
        moment = value if type(value) is datetime else _object(value) or read(value)
        if not isinstance(moment, datetime):
            return moment
        if moment.tzinfo is None:
            return moment.date()
        if zone is None:
            raise Misfit(f'{excerpt(value)} is an instant, and its day depends on the place: say timezone = "…"')
        return _moved(moment, zone).date()

    if "write" in given:
        write, gives = written_by(given["write"], lambda form: "" if form.only_date else "names a time of day, which a date has not", instants=False)
        return Made(convert=lambda value: write(to_date(value)), gives=gives)
    return Made(convert=to_date, inline="format" not in given and "epoch" not in given, gives="date")


# ---------------------------------------------------------------- datetimes


def _make_datetime(given: Given) -> Made:
    zone: tzinfo | None = given.get("timezone")
    for option in ("fold", "gap"):
        if option in given and zone is None:
            raise Mistake(f"{option} needs a timezone: only a place's clock shows a time twice, or never")
    read = _reader(given, _whole_moment)
    fold = given.get("fold")
    gap = given.get("gap", fold)

    def to_datetime(value: Any) -> datetime:
        moment = _object(value) or read(value)
        if not isinstance(moment, datetime):
            raise Misfit(f"{excerpt(value)} is a date without a time of day")
        if moment.tzinfo is None:
            if zone is None:
                raise Misfit(f'{excerpt(value)} has no zone: say timezone = "…", the place whose clock it shows')
            return _local(moment, zone, fold, None if gap == "error" else gap)
        return moment if zone is None else _moved(moment, zone)

    if "write" not in given:
        return Made(convert=to_datetime, gives="datetime")
    write, gives = written_by(given["write"], lambda form: _place_of(form, zone), instants=True)
    return Made(convert=lambda value: write(to_datetime(value)), gives=gives)


def _whole_moment(form: Format) -> str:
    if not form.has_date:
        return "names no whole day: a year, a month and a day are needed"
    return "" if form.has_clock else "names no time of day: midnight would be an invention"


def _place_of(form: Format, zone: tzinfo | None) -> str:
    """A written time that does not say its place has to have one in the mapping."""
    if form.says_utc and str(zone) not in _UTC_NAMES:
        return 'ends with a Z, which means UTC: say timezone = "UTC", or write %z'
    if zone is None and "z" not in form.directives:
        return 'does not write the zone (%z), so the place has to be said: timezone = "…"'
    return ""


def _local(moment: datetime, zone: tzinfo, fold: str | None, gap: str | None) -> datetime:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    # PEP 495: in a gap the two readings are off the clock, in an overlap both are on it. Through UTC each becomes the instant it means.
    readings = sorted((_moved(_moved(reading, UTC), zone) for reading in (first, second)), key=lambda reading: reading.timestamp())
    skipped = readings[0].replace(tzinfo=None, fold=0) != moment.replace(fold=0)
    rule = gap if skipped else fold
    if rule is None:
        trouble = "does not exist there (the clock skips it)" if skipped else "comes twice there (the clock is set back)"
        option = "gap" if skipped and fold is not None else "fold"
        raise Misfit(f'{excerpt(moment)} in {zone} {trouble}: say {option} = "earlier" or {option} = "later"')
    return readings[FOLDS.index(rule)]


# ---------------------------------------------------------------- times of day


def _make_time(given: Given) -> Made:
    zone: tzinfo | None = given.get("timezone")
    formats = given.get("format", ("iso8601",))
    read = spelled_by(formats, lambda form: "" if form.has_clock else "names no time of day", clock=True)

    def to_time(value: Any) -> time:
        moment = value
        if isinstance(value, str):
            if len(value) > LONGEST_TEXT:
                raise Misfit(f"{excerpt(value)} is too long for a time of day")
            text = value.strip()
            if formats == ("iso8601",) and ":" not in text:
                raise Misfit(f"{excerpt(value)} is not a time of day in ISO 8601, such as 14:30 or 14:30:00")
            moment = _iso_moment(text) if formats == ("iso8601",) else None
            moment = read(text) if moment is None else moment
        if isinstance(moment, datetime):
            if moment.tzinfo is not None:
                if zone is None:
                    raise Misfit(f'{excerpt(value)} is an instant, and its time of day depends on the place: say timezone = "…"')
                moment = _moved(moment, zone)
            return moment.time()
        if isinstance(moment, timedelta) and timedelta(0) <= moment < _DAY:  # how MySQL's drivers give a TIME
            return (datetime.min + moment).time()
        if not isinstance(moment, time):
            raise Misfit(f"{excerpt(value)} is not a time of day: text in ISO 8601 is wanted")
        if moment.tzinfo is not None:
            raise Misfit(f"{excerpt(value)} has a zone and no day, so what it is elsewhere cannot be known")
        return moment

    if "write" in given:
        write, gives = written_by(given["write"], lambda form: "" if form.only_clock else "names a day, which a time of day has not", instants=False)
        return Made(convert=lambda value: write(to_time(value)), gives=gives)
    return Made(convert=to_time, gives="time")


def _iso_moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


DATE = TargetType({"timezone": ZONE, "format": FORMAT, "epoch": EPOCH, "float": SHORTEST, "write": WRITE}, _make_date)
DATETIME = TargetType(
    {
        "timezone": ZONE,
        "fold": choice(*FOLDS),
        "gap": choice(*FOLDS, "error"),
        "format": FORMAT,
        "epoch": EPOCH,
        "float": SHORTEST,
        "write": WRITE,
    },
    _make_datetime,
)
TIME = TargetType({"timezone": ZONE, "format": FORMAT, "write": WRITE}, _make_time)
