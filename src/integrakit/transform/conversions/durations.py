"""``to = "duration"``: lengths of time that are the same everywhere.

A day is 24 hours, a week 7 days; months and years have no fixed length and are refused. Moments are in `times`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from integrakit.transform.conversions.target_types import ROUNDING, SCALE, SHORTEST, Converter, Given, Made, Mistake, TargetType, choice
from integrakit.transform.exact import number, operations, rounder, shortest_number
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["DURATION"]

_LONGEST_TEXT = 64
_MICROSECONDS = {
    "weeks": 604_800_000_000,
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1_000,
    "microseconds": 1,
}
_CLOCKS = ("h:m:s", "h:m", "m:s")
_FRACTION = r"(?:[.,][0-9]{1,20})?"
_PART = rf"[0-9]{{1,20}}{_FRACTION}"
_ISO = re.compile(
    rf"(?P<sign>[+-])?P(?:(?P<years>{_PART})Y)?(?:(?P<months>{_PART})M)?(?:(?P<weeks>{_PART})W)?(?:(?P<days>{_PART})D)?"
    rf"(?P<clock>T(?:(?P<hours>{_PART})H)?(?:(?P<minutes>{_PART})M)?(?:(?P<seconds>{_PART})S)?)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?P<sign>[+-])?(?P<parts>[0-9]{1,12}(?::[0-5][0-9]){1,2})(?P<fraction>\.[0-9]{1,9})?")
Multiply = Callable[[Any, Any], Decimal]

# timedelta holds 999,999,999 days and the rest of one above, and 999,999,999 below zero; a cheap limit before numbers get out of hand.
_TOO_MUCH = 1_000_000_000 * _MICROSECONDS["days"]


def _make(given: Given) -> Made:
    take = shortest_number if "float" in given else number
    unit, clock = given.get("unit"), given.get("clock")
    multiply = operations()["multiply"]

    def to_duration(value: Any) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, str):
            text = value.strip() if len(value) <= _LONGEST_TEXT else ""
            if found := _ISO.fullmatch(text):
                return _from_iso(found, value, multiply)
            if ":" in text and (found := _CLOCK.fullmatch(text)):
                return _from_clock(found, clock, value, multiply)
            if unit is None or not text or text[:1] in "pP" or ":" in text:
                hint = "" if unit else ', or a number with unit = "…"'
                raise Misfit(f"{excerpt(value)} is not a duration: PT1H30M or 01:30:00{hint} is wanted")
        elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        elif value is None or isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise Misfit(f"{article(value)} is not a duration")
        if unit is None:
            raise Misfit(f'{excerpt(value)} is a number, and of what is not said: unit = "minutes", for one')
        return _exactly(take(value), _MICROSECONDS[unit], value, multiply)

    return _written(given, to_duration)


def _exactly(amount: Decimal | int, size: int, value: Any, multiply: Multiply) -> timedelta:
    try:
        if isinstance(amount, int) and abs(amount) >= _TOO_MUCH:
            raise OverflowError
        exact = multiply(amount, size)
        if exact.copy_abs() >= _TOO_MUCH:
            raise OverflowError
        if exact == int(exact):
            return timedelta(microseconds=int(exact))
    except (ArithmeticError, OverflowError):
        raise Misfit(f"{excerpt(value)} is longer than 999,999,999 days") from None
    raise Misfit(f"{excerpt(value)} has a fraction of a microsecond, which a duration cannot hold")


def _from_iso(found: re.Match[str], value: str, multiply: Multiply) -> timedelta:
    parts = [(name, text) for name, text in found.groupdict().items() if text is not None and name not in ("sign", "clock")]
    if not parts or (found["clock"] is not None and len(found["clock"]) == 1):
        raise Misfit(f"{excerpt(value)} is not a duration: it has no part, such as 1H in PT1H")
    micros: list[Decimal] = []
    for index, (name, text) in enumerate(parts):
        amount = Decimal(text.replace(",", "."))
        if name in ("years", "months"):
            if amount:
                raise Misfit(f"{excerpt(value)} has {name}, which are not always the same length: add them to a date, or say days")
            continue
        if not text.isdigit() and index < len(parts) - 1:
            raise Misfit(f"{excerpt(value)} has a fraction before its last part")
        micros.append(multiply(amount, _MICROSECONDS[name]))
    # Only the last part has a fraction, so the others are whole numbers, and the sum is exact.
    whole = sum(map(int, micros[:-1]))
    last = micros[-1] if micros else Decimal(0)
    if last != int(last):
        raise Misfit(f"{excerpt(value)} has a fraction of a microsecond, which a duration cannot hold")
    total = whole + int(last)
    return _exactly(-total if found["sign"] == "-" else total, 1, value, multiply)


def _from_clock(found: re.Match[str], clock: str | None, value: str, multiply: Multiply) -> timedelta:
    parts = [int(part) for part in found["parts"].split(":")]
    if clock is None and len(parts) == 2:
        raise Misfit(f'{excerpt(value)} may be hours and minutes or minutes and seconds: say clock = "h:m" or clock = "m:s"')
    if clock is not None and len(parts) != len(clock.split(":")):
        raise Misfit(f"{excerpt(value)} is not of the form {clock}")
    if clock == "h:m":
        parts.append(0)
        if found["fraction"]:
            raise Misfit(f"{excerpt(value)} has a fraction of a minute: a duration by the clock has fractions of seconds only")
    elif clock == "m:s":
        parts.insert(0, 0)
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
    exact = Decimal(f"{found['sign'] or ''}{seconds}{found['fraction'] or ''}")
    return _exactly(exact, _MICROSECONDS["seconds"], value, multiply)


# ---------------------------------------------------------------- writing


def _written(given: Given, to_duration: Converter) -> Made:
    write, scale = given.get("write"), given.get("scale")
    if scale is not None and write not in _MICROSECONDS:
        raise Mistake('scale is for durations written as a number: write = "hours", for one')
    if "rounding" in given and scale is None:
        raise Mistake("rounding needs a scale: the digits after the point to round to")
    if write is None:
        return Made(convert=to_duration, gives="duration")
    if write not in _MICROSECONDS:
        text = _iso_text if write == "iso8601" else _clock_text
        return Made(convert=lambda value: text(to_duration(value)), gives="str")
    size = _MICROSECONDS[write]
    if scale is None:

        def to_whole(value: Any) -> int:
            whole, rest = divmod(_ticks(to_duration(value)), size)
            if rest:
                raise Misfit(f"{excerpt(value)} is not a whole number of {write}: scale = … says how many digits to write")
            return whole

        return Made(convert=to_whole, gives="int")
    quantize, unit = rounder(scale, given["rounding"])

    def to_number(value: Any) -> Decimal:
        ticks = _ticks(to_duration(value))
        # The quotient is rounded once: cut one digit behind the last, with a further digit where anything was cut, it rounds as the whole would.
        whole, rest = divmod(abs(ticks) * 10 ** (scale + 1), size)
        digits = Decimal(f"{'-' * (ticks < 0)}{whole * 10 + (1 if rest else 0)}E-{scale + 2}")
        try:
            return quantize(digits, unit)
        except ArithmeticError:
            raise Misfit(f"{excerpt(value)} cannot be written in {write} with {scale} digits after the point exactly") from None

    return Made(convert=to_number, gives="decimal")


def _ticks(duration: timedelta) -> int:
    return (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds


def _fraction(microseconds: int) -> str:
    return f".{microseconds:06}".rstrip("0") if microseconds else ""


def _iso_text(duration: timedelta) -> str:
    ticks = _ticks(duration)
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    days, ticks = divmod(ticks, _MICROSECONDS["days"])
    hours, ticks = divmod(ticks, _MICROSECONDS["hours"])
    minutes, ticks = divmod(ticks, _MICROSECONDS["minutes"])
    seconds, ticks = divmod(ticks, _MICROSECONDS["seconds"])
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{seconds}{_fraction(ticks)}S" * bool(seconds or ticks)
    text = f"{days}D" * bool(days) + f"T{clock}" * bool(clock)
    return f"{sign}P{text or 'T0S'}"


def _clock_text(duration: timedelta) -> str:
    ticks = _ticks(duration)
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, ticks = divmod(ticks, 1_000_000)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{_fraction(ticks)}"


DURATION = TargetType(
    {
        "unit": choice(*_MICROSECONDS),
        "clock": choice(*_CLOCKS),
        "float": SHORTEST,
        "write": choice("iso8601", "h:m:s", *_MICROSECONDS),
        "scale": SCALE,
        "rounding": ROUNDING,
    },
    _make,
)
