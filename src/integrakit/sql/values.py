"""Values on their way into a column and out of it. Pure functions of a column and a value.

On the way in nothing may change its value silently: SQLite turns text that looks like a number into a number, NaN into null and long decimals into
floats, so what would not come back the same is refused in words. On the way out the declared type, or ``types=``, says what a value is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from integrakit._json import dumps, loads
from integrakit.errors import ConfigurationError
from integrakit.money import Money
from integrakit.sql.schema import Column, Schema
from integrakit.unset import UNSET

__all__ = ["TYPES", "Stored", "Unfit", "decoder", "encode", "encode_field", "encode_key"]

#: What SQLite itself keeps.
Stored: TypeAlias = int | float | str | bytes | None

#: What ``types=`` takes for a column.
TYPES: tuple[Any, ...] = (Decimal, int, float, str, bool, date, datetime, time, bytes, "json")

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
_OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{6})?)?)?"
_DATETIME = re.compile(_DATE.pattern + "([T ]" + _TIME.pattern + _OFFSET + ")?")
_TIME_OF_DAY = re.compile(_TIME.pattern + _OFFSET)
_SPACES = " \t\n\v\f\r"
_NUMERIC = ("INTEGER", "REAL", "NUMERIC")
_NUMBERS = ("integer", "real", "decimal", "boolean")


class Unfit(ValueError):
    """The value does not do; the text says why."""


# ---------------------------------------------------------------- in


def encode(column: Column, value: Any, *, json: bool = False) -> Stored:
    """What to store for ``value``; raises `Unfit` where the column cannot keep it as it is."""
    if value is None:
        return None
    if json:
        return _text(column, _json(value), "JSON")
    exact = _EXACT.get(type(value))
    if exact is not None:
        return exact(column, value)
    if isinstance(value, Enum):
        value = value.value
    for kind, encoder in _ENCODERS:
        if isinstance(value, kind):
            return encoder(column, value)
    if isinstance(value, Money):
        raise Unfit("money has no column type: map its amount and its currency to two columns")
    raise Unfit(f"a {type(value).__name__} cannot be stored")


def encode_key(schema: Schema, names: Sequence[str], key: Any) -> tuple[Stored, ...]:
    """The key as it is stored in the columns ``names``; raises `Unfit` where no row can have it."""
    parts = (key,) if len(names) == 1 else tuple(key) if isinstance(key, tuple | list) else ()
    if len(parts) != len(names):
        raise Unfit(f"the key is ({', '.join(names)}), not {key!r}")
    if any(part is None or part is UNSET for part in parts):
        raise Unfit(f"the key ({', '.join(names)}) is null, or a part of it: {key!r}")
    return tuple(encode_field(schema, name, part) for name, part in zip(names, parts, strict=True))


def encode_field(schema: Schema, name: str, value: Any, *, json: bool = False) -> Stored:
    """`encode`, with the field's name in the reason."""
    try:
        return encode(schema.columns[name], value, json=json)
    except Unfit as problem:
        raise Unfit(f"{name}: {problem}") from problem


def _wrong(column: Column, what: str, instead: str = "") -> Unfit:
    return Unfit(f"the column is {column.declared}, and the value is {what}{instead}")


def _text(column: Column, text: str, what: str = "text") -> str:
    if column.meaning in _NUMBERS:
        raise _wrong(column, f"{what} {_shown(text)}", ": convert it in the mapping")
    if column.affinity in _NUMERIC and _NUMBER.fullmatch(text.strip(_SPACES)):
        raise _wrong(column, f"{what} {_shown(text)}", ", which SQLite would turn into a number: declare the column TEXT")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise Unfit(f"the text is not Unicode: {problem.reason} at position {problem.start}") from None
    return str(text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _json(value: Any) -> str:
    try:
        return dumps(value).decode()
    except ConfigurationError as problem:
        raise Unfit(str(problem.__cause__)) from problem


def _boolean(column: Column, value: bool) -> Stored:
    if column.meaning in ("date", "datetime"):
        raise _wrong(column, repr(value))
    return _integer(column, int(value))


def _integer(column: Column, value: int) -> Stored:
    if column.affinity == "TEXT":
        return str(int(value))
    if column.meaning == "boolean" and value not in (0, 1):
        raise _wrong(column, f"{value}, neither 0 nor 1")
    if not -(2**63) <= value < 2**63:
        raise Unfit(f"{value} is beyond 64 bits: declare the column TEXT")
    if column.affinity == "REAL" and int(float(value)) != value:
        raise _wrong(column, f"{value}, which a float cannot hold")
    return int(value)


def _float(column: Column, value: float) -> Stored:
    if not math.isfinite(value):
        raise Unfit(f"{value} is not a number that can be stored")
    if column.affinity == "TEXT":
        # SQLite would write 15 digits, and the value needs up to 17.
        return repr(float(value))
    if column.meaning in ("integer", "boolean"):
        if not value.is_integer():
            raise _wrong(column, f"{value}, not a whole number")
        return _integer(column, int(value))
    return float(value)


def _decimal(column: Column, value: Decimal) -> Stored:
    if not value.is_finite():
        raise Unfit(f"{value} is not a number that can be stored")
    if column.affinity in ("TEXT", "BLOB"):
        return format(value, "f" if -20 < value.adjusted() < 40 else "E")
    whole = value == value.to_integral_value()
    if column.meaning in ("integer", "boolean") and not whole:
        raise _wrong(column, f"{value}, not a whole number")
    if whole and column.affinity != "REAL" and -(2**63) <= value < 2**63:
        return _integer(column, int(value))
    number = float(value)
    if not math.isfinite(number) or Decimal(repr(number)) != value:
        raise _wrong(column, f"{value}, which would be kept as {number!r}: declare the column TEXT, which keeps every digit")
    return number


def _datetime(column: Column, value: datetime) -> Stored:
    if column.meaning == "date":
        raise _wrong(column, f"a date with a time, {value.isoformat()}", ": give a date")
    return _text(column, value.isoformat(), "a time,")


def _bytes(column: Column, value: bytes | bytearray | memoryview) -> Stored:
    if column.meaning in (*_NUMBERS, "date", "datetime"):
        raise _wrong(column, f"{len(value)} bytes")
    return bytes(value)


# In the order of asking: a bool is an int, a datetime is a date.
_ENCODERS: tuple[tuple[Any, Callable[[Column, Any], Stored]], ...] = (
    (str, _text),
    (bool, _boolean),
    (int, _integer),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, lambda column, value: _text(column, value.isoformat(), "a date,")),
    (time, lambda column, value: _text(column, value.isoformat(), "a time,")),
    (bytes | bytearray | memoryview, _bytes),
    (UUID, lambda column, value: _text(column, str(value))),
    (Mapping | list | tuple, lambda column, value: _text(column, _json(value), "JSON")),
)


# For the classes themselves, no subclass of theirs, there is nothing to ask.
_EXACT: Mapping[type, Callable[[Column, Any], Stored]] = {kind: encoder for kind, encoder in _ENCODERS if isinstance(kind, type)}

# ---------------------------------------------------------------- out


def decoder(column: Column, wanted: Any = None) -> Callable[[Any], Any] | None:
    """What turns a stored value that is not null into what the column means, or None where it stays as it is.

    ``wanted``, one of `TYPES`, is strict: the function raises ValueError for what is not of that type. The declared type alone is not: what does not
    fit it stays as it is stored.
    """
    return _DECLARED.get(column.meaning) if wanted is None else _WANTED[wanted]


def _declared_decimal(value: Any) -> Any:
    return value if isinstance(value, str | bytes) else Decimal(repr(value))


def _declared_boolean(value: Any) -> Any:
    return bool(value) if isinstance(value, int) and value in (0, 1) else value


def _declared_moment(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        try:
            return parse(value)
        except ValueError:
            return value

    return decode


def _to_decimal(value: Any) -> Decimal:
    if isinstance(value, int | float):
        return Decimal(repr(value))
    return Decimal(_matching(_NUMBER, value, "a decimal number"))


def _to_int(value: Any) -> int:
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return int(_matching(re.compile("[+-]?[0-9]+"), value, "a whole number"))


def _to_float(value: Any) -> float:
    return float(value if isinstance(value, int | float) else _matching(_NUMBER, value, "a number"))


def _to_str(value: Any) -> str:
    if isinstance(value, bytes):
        raise ValueError("not text")
    return value if isinstance(value, str) else repr(value)


def _to_bool(value: Any) -> bool:
    found = {0: False, 1: True, "0": False, "1": True, "false": False, "true": True}.get(value.lower() if isinstance(value, str) else value)
    if found is None:
        raise ValueError("not 0, 1, true or false")
    return found


def _to_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("not bytes")
    return value


def _matching(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"not {what}")
    return value


def _to_date(value: Any) -> date:
    return date.fromisoformat(_matching(_DATE, value, "a date such as 2024-01-31"))


def _to_datetime(value: Any) -> datetime:
    return datetime.fromisoformat(_matching(_DATETIME, value, "a time such as 2024-01-31T12:00:00"))


def _to_time(value: Any) -> time:
    return time.fromisoformat(_matching(_TIME_OF_DAY, value, "a time of day such as 12:00:00"))


def _to_json(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("not JSON text")
    return loads(value, decimals=True)


_DECLARED: Mapping[str, Callable[[Any], Any]] = {
    "decimal": _declared_decimal,
    "boolean": _declared_boolean,
    "date": _declared_moment(_to_date),
    "datetime": _declared_moment(_to_datetime),
}
_WANTED: Mapping[Any, Callable[[Any], Any]] = {
    Decimal: _to_decimal,
    int: _to_int,
    float: _to_float,
    str: _to_str,
    bool: _to_bool,
    date: _to_date,
    datetime: _to_datetime,
    time: _to_time,
    bytes: _to_bytes,
    "json": _to_json,
}
