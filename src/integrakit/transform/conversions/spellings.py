"""How moments are spelled in data: ISO 8601, formats, RFC 2822, .NET's ``/Date(…)/``, and numbers counted from 1970; each to read and to write.

What a moment means in a place (zones, gaps, doubled hours) is in `times`.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from integrakit.transform.conversions.formats import LONGEST_FORMAT, MONTHS, WEEKDAYS, Format, compile_format, offset_zone
from integrakit.transform.conversions.target_types import Mistake, Option, choice
from integrakit.transform.exact import number, shortest_number
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["EPOCH", "FORMAT", "LONGEST_TEXT", "WRITE", "Spelling", "Writing", "epoch_reader", "is_whole_week", "iso_text", "spelled_by", "written_by"]

#: Characters a date or time may have.
LONGEST_TEXT = 64

#: Reads a text, stripped and not too long; None where it is not spelled so.
Spelling = Callable[[str], Any]
#: Text or a number of a moment.
Writing = Callable[[Any], str | int]

_MOST_FORMATS = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Ticks of each unit in a second, as a power of ten.
_UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_LONGEST_DAY = len("2000-12-31")
_NO_DAY = re.compile(r"0000-00-00(?:[T ][0-9:.]*)?")
_DOTNET = re.compile(r"(?:\\?/)?Date\((-?[0-9]{1,15})([+-][0-9]{4})?\)(?:\\?/)?")
_WEEK = re.compile(r"[0-9]{4}-?W[0-9]{2}(?!-?[0-9])")
# RFC 822 gave these names to offsets, and RFC 2822 still reads them; HTTP dates end in GMT. -0000 is a time in UTC whose place is not told.
_NAMED_OFFSETS = {"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_MAIL = re.compile(
    rf"(?:(?P<day>{'|'.join(name[:3] for name in WEEKDAYS)}),? *)?(?P<date>[0-9]{{1,2}} (?:{'|'.join(name[:3] for name in MONTHS)}) [0-9]{{4}}) "
    rf"(?P<time>[0-9]{{1,2}}:[0-9]{{2}}(?P<seconds>:[0-9]{{2}})?) (?P<zone>[+-][0-9]{{4}}|{'|'.join(_NAMED_OFFSETS)})(?: ?\([A-Za-z ]{{0,30}}\))?",
    re.IGNORECASE,
)


def is_whole_week(value: str) -> bool:
    """Whether it is a week of ISO 8601 without a day, 2024-W05, of which Python takes the Monday."""
    return "W" in value and _WEEK.match(value) is not None


def iso_text(value: str) -> datetime | date | None:
    """ISO 8601 as Python reads it; a day alone is a date, because its midnight would be an invention."""
    if is_whole_week(value):
        raise Misfit(f"{excerpt(value)} is a week without a day, and Monday would be an invention")
    try:
        moment = datetime.fromisoformat(value)
        return moment.date() if len(value) <= _LONGEST_DAY else moment
    except ValueError:
        if _NO_DAY.fullmatch(value):
            raise Misfit(f'{excerpt(value)} is how MySQL writes that there is no date: say null_values = ["{value}"] to take it as null') from None
        return None


def _iso_time(value: str) -> time | None:
    try:
        return time.fromisoformat(value)
    except ValueError:
        return None


def _mail_reader() -> Spelling:
    with_seconds, without = compile_format("%d %b %Y %H:%M:%S"), compile_format("%d %b %Y %H:%M")

    def read(value: str) -> datetime | None:
        found = _MAIL.fullmatch(value)
        if found is None:
            return None
        moment = (with_seconds if found["seconds"] else without).read(f"{found['date']} {found['time']}")
        if moment is None or (found["day"] and found["day"].title() != WEEKDAYS[moment.weekday()][:3]):
            return None
        zone = found["zone"].upper()
        offset = offset_zone(zone) if zone[0] in "+-" else offset_zone(f"{_NAMED_OFFSETS[zone]:+03}")
        aware: datetime = moment.replace(tzinfo=offset)
        return aware

    return read


def _dotnet(value: str) -> datetime | None:
    found = _DOTNET.fullmatch(value)
    if found is None:
        return None
    # The number counts in UTC whatever the offset, which only tells the place.
    moment = _EPOCH + timedelta(milliseconds=int(found[1]))
    return moment.astimezone(offset_zone(found[2])) if found[2] else moment


_NAMED: dict[str, Callable[[], Spelling]] = {"iso8601": lambda: iso_text, "rfc2822": _mail_reader, "dotnet": lambda: _dotnet}


def _reads(name: str, value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= _MOST_FORMATS:
        raise Mistake(f'{name} is a format such as "%d.%m.%Y", or a list of 1 to {_MOST_FORMATS} of them, not {spelled(value)}')
    for item in items:
        _checked(name, item, tuple(_NAMED), to_read=True)
    if len(set(items)) < len(items):
        raise Mistake(f"{name} says the same twice")
    return tuple(items)


def _checked(name: str, item: Any, words: tuple[str, ...], *, to_read: bool) -> str:
    if not isinstance(item, str) or not 1 <= len(item) <= LONGEST_FORMAT:
        raise Mistake(f'{name} is a format such as "%d.%m.%Y", of at most {LONGEST_FORMAT} characters, not {spelled(item)}')
    if "%" in item:
        compile_format(item, to_read=to_read)
    elif item not in words:
        raise Mistake(f"{name}: {spelled(item)} has no directive such as %d, and is no known spelling{did_you_mean(item, words)}")
    return item


_ONE = {"anyOf": [{"enum": list(_NAMED)}, {"type": "string", "pattern": "%", "maxLength": LONGEST_FORMAT}]}
FORMAT = Option({"anyOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1, "maxItems": _MOST_FORMATS, "uniqueItems": True}]}, _reads)
EPOCH = choice(*_UNITS)


def spelled_by(formats: tuple[str, ...], fits: Callable[[Format], str], *, clock: bool = False) -> Callable[[str], Any]:
    """A reader of text in any of the formats. ``fits`` says what is missing in one, for this kind; ``clock``: times of day are read.

    Where two formats read one text as two moments, neither is taken; formats that do so with every text are refused at once. Raises `Mistake`.
    """
    readers: list[tuple[str, Spelling]] = []
    for text in formats:
        if "%" not in text:
            if clock and text != "iso8601":
                raise Mistake(f"format: {text!r} has no meaning for a time of day")
            readers.append((text, _iso_time if clock else _NAMED[text]()))
            continue
        compiled = compile_format(text)
        if reason := fits(compiled):
            raise Mistake(f"format {text!r} {reason}")
        if compiled.says_utc:
            raise Mistake(f"format {text!r} ends with a Z, which means UTC: write %z, which reads it")
        readers.append((text, compiled.read))
    for (one, read), (other, read_other) in combinations(readers, 2):
        _refuse_rivals(one, read, other, read_other)
    words = " or ".join(repr(text) if "%" in text else text for text, _ in readers)

    def read_text(value: str) -> Any:
        found = None
        for text, read in readers:
            moment = read(value)
            if moment is not None and found is not None and moment != found[1]:
                raise Misfit(
                    f"{excerpt(value)} is {found[1].isoformat()} by {found[0]!r} and {moment.isoformat()} by {text!r}: one of them has to go"
                )
            if moment is not None and found is None:
                found = text, moment
        if found is None:
            if _NO_DAY.fullmatch(value):
                raise Misfit(f'{excerpt(value)} is how MySQL writes that there is no date: say null_values = ["{value}"] to take it as null')
            raise Misfit(f"{excerpt(value)} is not spelled as {words}")
        return found[1]

    return read_text


def _refuse_rivals(one: str, read: Spelling, other: str, read_other: Spelling) -> None:
    """Two formats that differ in the order of day and month only would read most days of a month as two different ones."""
    for first, reader, second in ((one, read, read_other), (other, read_other, read)):
        if "%" not in first:
            continue
        sample = compile_format(first).write(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC))
        mine, theirs = reader(sample), second(sample)
        if mine is not None and theirs is not None and mine != theirs:
            raise Mistake(f"format: {one!r} and {other!r} read {sample!r} as two different moments: which one is meant would be a guess")


def epoch_reader(unit: str, shortest: bool) -> Callable[[Any], datetime]:
    """Numbers, and text of numbers, counted from 1970 in UTC. Digits beyond a microsecond are cut."""
    shift = 6 - _UNITS[unit]
    context = decimal.Context(prec=60, rounding=decimal.ROUND_FLOOR, traps=[decimal.InvalidOperation])

    def read(value: Any) -> datetime:
        if isinstance(value, float) and not shortest:
            if not value.is_integer():
                raise Misfit(f'{excerpt(float(value))} is a float and would be taken inexactly: say float = "shortest" to take its shortest text')
            value = int(value) if abs(value) < 2**53 else Decimal(value)
        found = shortest_number(value) if shortest else number(value)
        huge = found.bit_length() > 200 if isinstance(found, int) else bool(found) and found.adjusted() > 30
        if not huge:
            exact = Decimal(found)
            try:
                ticks = exact.scaleb(shift, context) if exact.adjusted() > -30 else Decimal(-1 if exact < 0 else 0)
                return _EPOCH + timedelta(microseconds=int(ticks.to_integral_value(decimal.ROUND_FLOOR, context)))
            except (OverflowError, decimal.InvalidOperation):
                pass  # out of range, said below
        raise Misfit(f'{excerpt(value)} as epoch = "{unit}" is outside the years 1 to 9999')

    return read


# ---------------------------------------------------------------- writing


def _ticks(unit: str) -> Writing:
    step = timedelta(microseconds=10 ** (6 - _UNITS[unit]))
    return lambda moment: (moment - _EPOCH) // step


def _mail_text(moment: datetime) -> str:
    return _MAIL_FORMAT.write(moment)


_MAIL_FORMAT = compile_format("%a, %d %b %Y %H:%M:%S %z")
_WRITTEN: Mapping[str, Writing] = {
    "iso8601": lambda moment: moment.isoformat(),
    "rfc2822": _mail_text,
    "dotnet": lambda moment: f"/Date({(moment - _EPOCH) // timedelta(milliseconds=1)})/",
    "epoch_s": _ticks("s"),
    "epoch_ms": _ticks("ms"),
    "epoch_us": _ticks("us"),
}


def _write(name: str, value: Any) -> str:
    return _checked(name, value, tuple(_WRITTEN), to_read=False)


WRITE = Option({"anyOf": [{"enum": list(_WRITTEN)}, {"type": "string", "pattern": "%", "maxLength": LONGEST_FORMAT}]}, _write)


def written_by(write: str, fits: Callable[[Format], str], *, instants: bool) -> tuple[Writing, str]:
    """The writer, and whether it gives "str" or "int". ``instants``: moments have a zone. Raises `Mistake`."""
    if "%" not in write:
        if not instants and write != "iso8601":
            raise Mistake(f"write: {write!r} is for datetimes: a date or a time of day alone is no instant")
        return _WRITTEN[write], "int" if write.startswith("epoch") else "str"
    compiled = compile_format(write, to_read=False)
    if reason := fits(compiled):
        raise Mistake(f"write {write!r} {reason}")
    return compiled.write, "str"
