"""CSV cells: text to values, strictly, and values to text. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from integrakit._json import dumps, loads
from integrakit.errors import ConfigurationError
from integrakit.files.append import Unfit
from integrakit.money import Money

__all__ = ["TYPES", "parser", "to_cell"]

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{6})?)?)?")
_DATETIME = re.compile(f"{_DATE.pattern}[T ]{_TIME.pattern}")
_BOOLEANS: Mapping[str, bool] = {"true": True, "false": False, "1": True, "0": False}


def _matching(pattern: re.Pattern[str], make: Callable[[str], Any], example: str) -> Callable[[str], Any]:
    def parse(cell: str) -> Any:
        if not pattern.fullmatch(cell):
            raise ValueError(f"not {example}")
        return make(cell)

    return parse


def _boolean(cell: str) -> bool:
    try:
        return _BOOLEANS[cell.lower()]
    except KeyError:
        raise ValueError("not true, false, 1 or 0") from None


def _float(cell: str) -> float:
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError("beyond the range of a float")
    return number


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    Decimal: _matching(_NUMBER, Decimal, "a number such as 1234.50"),
    int: _matching(_WHOLE, int, "a whole number such as 42"),
    float: _matching(_NUMBER, _float, "a number such as 1234.5"),
    bool: _boolean,
    date: _matching(_DATE, date.fromisoformat, "a date such as 2024-01-31"),
    datetime: _matching(_DATETIME, datetime.fromisoformat, "a time such as 2024-01-31T12:00:00"),
    time: _matching(_TIME, time.fromisoformat, "a time of day such as 12:00:00"),
    "json": lambda cell: loads(cell, decimals=True),
}

#: What ``types=`` takes for a column. ``str`` is what every cell is anyway.
TYPES: tuple[Any, ...] = (*_PARSERS, str)


def parser(wanted: Any) -> Callable[[str], Any] | None:
    """What reads a cell that is not blank as one of `TYPES`, raising ValueError for what is none; None where text stays text."""
    return _PARSERS.get(wanted)


def to_cell(value: Any) -> str:
    """The text of a value; raises `Unfit` for what has none, or not one that reads back the same."""
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return ""
    if isinstance(value, str):
        if "\0" in value:
            raise Unfit("a NUL character cannot be written")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise Unfit(f"{value} is not a number that can be written")
        return format(value, "f" if -20 < value.adjusted() < 40 else "E")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit(f"{value} is not a number that can be written")
        return repr(float(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, int | UUID):
        return str(value)
    if isinstance(value, Mapping | list | tuple):
        try:
            return dumps(value).decode()
        except ConfigurationError as problem:
            raise Unfit(str(problem.__cause__)) from problem
    if isinstance(value, Money):
        raise Unfit("money is no cell: map its amount and its currency to two columns")
    raise Unfit(f"a {type(value).__name__} cannot be written to a CSV file")
