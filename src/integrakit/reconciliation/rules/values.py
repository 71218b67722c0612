"""When two values are the same. The one place that knows: everything else asks `same` or compares what `canonical` gives.

Pure: no records, no fields, no options. `canonical` turns a value into something hashable whose ``==`` is the comparison by value that
reconciliation promises: 1.10 is Decimal("1.1"), a float is its shortest text at its own width, an aware time is an instant, True is not 1,
and money is never the same as a bare number.
Text, whole numbers and decimals stand for themselves; everything else becomes a tuple that begins with its category, so nothing meets by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any
from uuid import UUID

from attrs import fields as attrs_fields
from attrs import has

from integrakit.money import Money
from integrakit.unset import UNSET, Unset

__all__ = ["NAN", "Incomparable", "Moment", "attributes", "canonical", "category", "number", "same"]

#: What every "not a number" is, and every "not a time" (pandas): the same as another one, and as nothing else.
NAN = ("nan",)

_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000_000


class Incomparable(Exception):
    """This value cannot be compared, and its reason is for the report: never raised out of the package."""


class Moment(datetime):
    """A time with what is below its microseconds, as other libraries and some text have it."""

    nanosecond: int = 0

    @classmethod
    def of(cls, moment: datetime, nanosecond: int) -> datetime:
        """The time with so many nanoseconds (0 to 999) more."""
        if not nanosecond:
            return moment
        date_and_time = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)
        made = cls(*date_and_time, tzinfo=moment.tzinfo, fold=moment.fold)
        made.nanosecond = nanosecond
        return made


class _Opaque:
    """A value of a class unknown here: the same as a value of the very same class that says it is equal."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Opaque) or type(self.value) is not type(other.value):
            return False
        if self.value is other.value:
            return True
        try:
            return bool(self.value == other.value)
        except Exception as problem:  # whatever a foreign class raises makes one record invalid, not the whole run fail
            raise Incomparable(f"comparing two values of {type(self.value).__name__} failed: {type(problem).__name__}") from problem

    def __hash__(self) -> int:
        try:
            return hash(self.value)
        except TypeError:
            return hash(type(self.value))

    def __repr__(self) -> str:
        try:  # what keys of such a class are sorted by: not by where they lie in memory
            return f"{type(self.value).__name__}: {self.value!r}"
        except Exception:  # noqa: BLE001 - a foreign class may raise anything
            return type(self.value).__name__


def attributes(record: Any) -> dict[str, Any]:
    """The fields of an attrs instance as a dict; those that are UNSET are absent."""
    found = {attribute.name: getattr(record, attribute.name) for attribute in attrs_fields(type(record))}
    return {name: value for name, value in found.items() if value is not UNSET}


def _decimal(value: Decimal) -> Hashable:
    return NAN if value.is_nan() else value


def _float(value: float) -> Hashable:
    # The shortest text that gives the float back is what its author meant: 0.1, and not 0.1000000000000000055….
    return NAN if value != value else Decimal(float.__repr__(value))


def _since_midnight(value: datetime | time) -> int:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (seconds * 1_000_000 + value.microsecond) * 1000 + int(getattr(value, "nanosecond", 0))  # pandas times have nanoseconds


def _datetime(value: datetime) -> Hashable:
    moment = value.toordinal() * _DAY + _since_midnight(value)
    # Python compares two times of one zone by their wall clocks, whatever their fold; the offset tells the two hours of an autumn night apart.
    offset = value.utcoffset()
    return ("naive", moment) if offset is None else ("instant", moment - offset // _MICROSECOND * 1000)


def _time(value: time) -> Hashable:
    offset = value.utcoffset()
    return ("time", _since_midnight(value)) if offset is None else ("time with offset", _since_midnight(value) - offset // _MICROSECOND * 1000)


def _timedelta(value: timedelta) -> Hashable:
    return "timedelta", value // _MICROSECOND * 1000 + int(getattr(value, "nanoseconds", 0))


def _list(value: Any) -> Hashable:
    return "list", tuple(canonical(item) for item in value)


def _set(value: Any) -> Hashable:
    return "set", frozenset(canonical(item) for item in value)


def _dict(value: Mapping[Any, Any]) -> Hashable:
    return "dict", frozenset((canonical(name), canonical(item)) for name, item in value.items() if item is not UNSET)


_MAKERS: dict[type, Callable[[Any], Hashable]] = {
    str: lambda value: value,
    int: lambda value: value,
    bool: lambda value: ("bool", value),
    float: _float,
    Decimal: _decimal,
    NoneType: lambda value: value,
    Unset: lambda value: value,
    datetime: _datetime,
    date: lambda value: ("date", value.toordinal()),
    time: _time,
    timedelta: _timedelta,
    UUID: lambda value: ("uuid", value.int),
    bytes: lambda value: ("bytes", value),
    Money: lambda value: ("money", value.amount, value.currency),
    list: _list,
    tuple: _list,
    dict: _dict,
    set: _set,
    frozenset: _set,
}

#: For subclasses, in this order: a datetime is a date too.
_SHAPES: tuple[tuple[Any, Callable[[Any], Hashable]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, lambda value: ("date", value.toordinal())),
    (time, _time),
    (timedelta, _timedelta),
    (UUID, lambda value: ("uuid", value.int)),
    (bytes | bytearray | memoryview, lambda value: ("bytes", bytes(value))),
    (list, _list),
    (tuple, _list),
    (Mapping, _dict),
    (Set, _set),
)


def _of_array_library(value: Any, kind: str) -> Hashable:
    """Scalars and arrays that describe themselves with a ``dtype``, as numpy's do; numpy itself is not needed."""
    if getattr(value, "ndim", 0):
        return _list(value)
    if kind == "b":
        return "bool", bool(value)
    if kind in "iu":
        return int(value)
    if kind == "f":
        text = str(value)  # the shortest at its own width: float32(0.1) is 0.1
        return NAN if text == "nan" else Decimal(text)
    if value != value:
        return NAN
    if kind == "M":
        moment = value.astype("datetime64[us]").item()
        if type(moment) is datetime:
            nanoseconds = int(str(value).partition(".")[2][6:9].ljust(3, "0"))
            return "naive", moment.toordinal() * _DAY + _since_midnight(moment) + nanoseconds
    return _Opaque(value)


def _by_shape(value: Any) -> Hashable:
    for shape, maker in _SHAPES:
        if isinstance(value, shape):
            return NAN if shape in (datetime, timedelta) and value != value else maker(value)
    if isinstance(value, Enum):
        return _Opaque(value)
    if has(type(value)):
        return _dict(attributes(value))
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return _Opaque(value) if kind is None else _of_array_library(value, kind)


def canonical(value: Any) -> Hashable:
    """Something hashable, equal for equal values only. Raises `Incomparable` for what is nested too deeply or contains itself."""
    maker = _MAKERS.get(type(value))
    try:
        return maker(value) if maker is not None else _by_shape(value)
    except RecursionError:
        raise Incomparable("nested too deeply to compare") from None


#: Values of one of these types, met by a value of the same type, are the same exactly when Python says that they are equal.
_PLAIN = frozenset({str, int, bool, date, UUID, bytes, timedelta})


def same(left: Any, right: Any) -> bool:
    """Whether both are the same value. Raises `Incomparable` where that cannot be told."""
    if left is right:
        return True
    kind = type(left)
    try:
        if kind is type(right):
            if kind in _PLAIN:
                return bool(left == right)
            if kind is list:
                return len(left) == len(right) and all(map(same, left, right))
            if kind is dict and set(map(type, left)) == {str} and left.keys() == right.keys():
                return all(same(value, right[name]) for name, value in left.items())
        return bool(canonical(left) == canonical(right))
    except RecursionError:
        raise Incomparable("nested too deeply to compare") from None


def category(part: Hashable) -> str:
    """What kind of value a canonical value is: "text", "number", "null", "instant", "list"…"""
    if isinstance(part, tuple):
        return str(part[0])
    if isinstance(part, str):
        return "text"
    if part is None:
        return "null"
    if part is UNSET:
        return "absent"
    return "other" if isinstance(part, _Opaque) else "number"


def number(value: Any) -> int | Decimal | None:
    """The value as an exact number, or None when it is not one (bool, NaN and text are not)."""
    found = canonical(value)
    return found if isinstance(found, int | Decimal) else None
