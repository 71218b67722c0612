"""Values that can be cut in two: whole numbers, decimals, days, instants, UUIDs, and text over a known alphabet.

A `Scale` gives each value of a field a place on the line of whole numbers, and writes a place as the server wants it. What lies between two values,
and how far apart they are, is then plain arithmetic. Pure.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Scale", "ceiling", "like", "scale_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}.*")
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_NUMBER = re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}")
_FRACTION = re.compile(r"[.,]([0-9]+)")
_OFFSET_WITHOUT_COLON = re.compile(r"[+-][0-9]{4}")


class Scale(Protocol):
    """How values of one field stand on the line of whole numbers."""

    def position(self, value: Any, /) -> int:
        """The place of a value; of one between two places, the lower. Raises ValueError for what is no value of this kind."""
        ...

    def value(self, position: int, /) -> Any:
        """What stands there, written as the bounds were. Where nothing can be written for a place, the nearest below."""
        ...


@frozen
class _Whole:
    text: bool = False

    def position(self, value: Any, /) -> int:
        if isinstance(value, str):
            if _WHOLE.fullmatch(value):
                return int(value)
        elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value):
            return math.floor(value)
        raise ValueError("not a whole number")

    def value(self, position: int, /) -> Any:
        return str(position) if self.text else position


@frozen
class _Decimals:
    quantum: Decimal
    text: bool = False

    def position(self, value: Any, /) -> int:
        try:
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value) if isinstance(value, int | str | Decimal) else None
        except InvalidOperation:
            number = None
        if number is None or isinstance(value, bool) or not number.is_finite():
            raise ValueError("not a number")
        return math.floor(number / self.quantum)

    def value(self, position: int, /) -> Any:
        number = position * self.quantum
        return format(number, "f") if self.text else number


@frozen
class _Days:
    text: bool = False

    def position(self, value: Any, /) -> int:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).toordinal()
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.toordinal()
        # A server's day begins in its own time zone, which nobody told us.
        raise ValueError("not a day: of a field that holds times, give the bounds as times")

    def value(self, position: int, /) -> Any:
        day = date.fromordinal(min(max(position, 1), date.max.toordinal()))
        return day.isoformat() if self.text else day


@frozen
class _Instants:
    #: A bound, which says how others are written.
    like: Any
    #: Microseconds from one place to the next.
    unit: int

    def position(self, value: Any, /) -> int:
        moment = _moment(value)
        if moment is None:
            raise ValueError("not a time")
        return int((_aware(moment) - _EPOCH) // _MICROSECOND // self.unit)

    def value(self, position: int, /) -> Any:
        moment = _EPOCH + timedelta(microseconds=position * self.unit)
        like = _moment(self.like)
        zone = None if like is None else like.tzinfo
        moment = moment.replace(tzinfo=None) if zone is None else moment.astimezone(zone)
        return moment if not isinstance(self.like, str) else _written(moment, self.like, self.unit)


@frozen
class _Uuids:
    text: bool = False
    upper: bool = False

    def position(self, value: Any, /) -> int:
        if isinstance(value, str):
            value = UUID(value)
        if not isinstance(value, UUID):
            raise ValueError("not a UUID")
        return value.int

    def value(self, position: int, /) -> Any:
        found = UUID(int=min(max(position, 0), (1 << 128) - 1))
        return found if not self.text else str(found).upper() if self.upper else str(found)


@frozen
class _Letters:
    """Text as a number in base of its alphabet. ``fixed``: all have this length, or are told apart by so many characters."""

    alphabet: str
    width: int
    fixed: bool

    def position(self, value: Any, /) -> int:
        if not isinstance(value, str):
            raise ValueError("not text")
        if self.fixed and len(value) < self.width:
            raise ValueError(f"shorter than the bounds, which are all of {self.width} characters")
        base, place = len(self.alphabet) + (not self.fixed), 0
        for index in range(self.width):
            digit = -1 if index >= len(value) else self.alphabet.find(value[index])
            if digit < 0 and index < len(value):
                raise ValueError(f"{value[index]!r} is not in the alphabet")
            place = place * base + digit + (not self.fixed)
        return place

    def value(self, position: int, /) -> Any:
        base, digits = len(self.alphabet) + (not self.fixed), []
        for _ in range(self.width):
            position, digit = divmod(position, base)
            digits.append(digit)
        digits.reverse()
        if self.fixed:
            return "".join(self.alphabet[digit] for digit in digits)
        # The text ends where the first "nothing" stands: what would come after it is no text of its own.
        end = digits.index(0) if 0 in digits else len(digits)
        return "".join(self.alphabet[digit - 1] for digit in digits[:end])


def ceiling(scale: Scale, value: Any) -> int:
    """The first place that is not below the value: where it lies between two, the upper."""
    place = scale.position(value)
    if isinstance(scale, _Decimals):
        return place + (Decimal(value) > place * scale.quantum)
    moment = _moment(value) if isinstance(scale, _Instants) else None
    return place if moment is None else place + (_aware(moment) > _EPOCH + place * scale.unit * _MICROSECOND)  # type: ignore[attr-defined]


def like(value: Any, bound: Any) -> Any:
    """A text from a checkpoint or a record, as the kind of value that the bound is."""
    if not isinstance(value, str) or isinstance(bound, str):
        return value
    try:
        if isinstance(bound, datetime):
            moment = datetime.fromisoformat(value)
            if (moment.tzinfo is None) == (bound.tzinfo is None):
                return moment if moment.tzinfo is None else moment.astimezone(bound.tzinfo)
            return _aware(moment) if bound.tzinfo is not None else moment.astimezone(UTC).replace(tzinfo=None)
        if isinstance(bound, date):
            return date.fromisoformat(value)
        return type(bound)(value) if isinstance(bound, Decimal | UUID) else value
    except (ValueError, ArithmeticError):
        return value  # what cannot stand on the scale is said there


def scale_of(*bounds: Any, resolution: Any = None, alphabet: str | None = None) -> Scale:
    """The scale that the bounds are on (None among them: an open end; one at least is not).

    ``resolution``: the smallest step: seconds or a timedelta for times (default: a second, or finer as the bounds are written), a Decimal for
    decimals. ``alphabet``: the characters of text ids in their order. Raises `ConfigurationError` for values that cannot be cut in two.
    """
    given = [bound for bound in bounds if bound is not None]
    first = given[0]
    scale = _scale(first, given, resolution, alphabet)
    for bound in given:
        try:
            scale.position(bound)
        except ValueError as problem:
            raise ConfigurationError(f"low= and high= must be of one kind; {bound!r} beside {first!r} is {problem}") from None
    return scale


def _scale(first: Any, given: list[Any], resolution: Any, alphabet: Any) -> Scale:
    if alphabet is not None:
        if not isinstance(alphabet, str) or len(alphabet) < 2 or list(alphabet) != sorted(set(alphabet)):
            raise ConfigurationError(
                f"alphabet= takes the characters of the ids in ascending order, each once, such as '0123456789abcdef', not {alphabet!r}"
            )
        texts = [text for text in given if isinstance(text, str)]
        width = max((len(text) for text in texts), default=0)
        return _Letters(alphabet, max(width, 1), fixed=len({len(text) for text in texts}) == 1)
    if isinstance(first, int) and not isinstance(first, bool):
        return _Whole()
    if isinstance(first, Decimal):
        return _Decimals(_quantum(resolution, given))
    if isinstance(first, UUID):
        return _Uuids()
    if isinstance(first, datetime):
        return _Instants(first, _unit(resolution, given))
    if isinstance(first, date):
        return _Days()
    if isinstance(first, str):
        return _of_text(first, given, resolution)
    raise ConfigurationError(f"low= and high= take whole numbers, Decimals, dates, datetimes, UUIDs or text, not {first!r}")


def _of_text(first: str, given: list[Any], resolution: Any) -> Scale:
    if _WHOLE.fullmatch(first):
        return _Whole(text=True)
    if _NUMBER.fullmatch(first):
        return _Decimals(_quantum(resolution, given), text=True)
    if _DATE.fullmatch(first) and _moment(first) is not None:
        return _Days(text=True)
    if _TIME.fullmatch(first) and _moment(first) is not None:
        return _Instants(first, _unit(resolution, given))
    try:
        UUID(first)
    except ValueError:
        raise ConfigurationError(
            f"{first!r} is neither a number, a time nor a UUID: name the characters that such ids are made of, in ascending order, as alphabet="
        ) from None
    return _Uuids(text=True, upper=first.upper() == first and first.lower() != first)


def _quantum(resolution: Any, given: list[Any]) -> Decimal:
    if resolution is not None:
        if not isinstance(resolution, Decimal | int) or isinstance(resolution, bool) or not resolution > 0:
            raise ConfigurationError(f"resolution= of decimals takes a Decimal above 0, such as Decimal('0.01'), not {resolution!r}")
        return Decimal(resolution)
    # What is no number is said once all are put on the scale.
    numbers = [Decimal(each) for each in given if isinstance(each, Decimal) or (isinstance(each, str) and _NUMBER.fullmatch(each))]
    return Decimal(1).scaleb(min([0, *(exponent for number in numbers if isinstance(exponent := number.as_tuple().exponent, int))]))


def _unit(resolution: Any, given: list[Any]) -> int:
    """Microseconds."""
    if resolution is not None:
        seconds = resolution.total_seconds() if isinstance(resolution, timedelta) else resolution
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1e-6 <= seconds < 1e9:
            raise ConfigurationError(f"resolution= of times takes seconds or a timedelta, a microsecond or more, not {resolution!r}")
        return round(seconds * 1_000_000)
    parts = [moment.microsecond for value in given if (moment := _moment(value)) is not None]
    written = max((len(found[1]) for value in given if isinstance(value, str) and (found := _FRACTION.search(value))), default=0)
    if not any(parts) and not written:
        return 1_000_000
    return 1000 if not any(part % 1000 for part in parts) and written <= 3 else 1


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and (_TIME.fullmatch(value) or _DATE.fullmatch(value)) else None
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _written(moment: datetime, like: str, unit: int) -> str:
    """As ``like`` is written: its separator, its digits (more of them where the unit is finer), its way of naming a time zone."""
    fraction = _FRACTION.search(like)
    digits = max(0 if fraction is None else min(len(fraction[1]), 6), 0 if unit % 1_000_000 == 0 else 3 if unit % 1000 == 0 else 6)
    text = moment.isoformat(sep=like[10], timespec="seconds" if digits == 0 else "milliseconds" if digits <= 3 else "microseconds")
    if like[-1] in "Zz":
        return text.removesuffix("+00:00") + like[-1]
    return text[:-3] + text[-2:] if _OFFSET_WITHOUT_COLON.fullmatch(like[-5:]) else text
