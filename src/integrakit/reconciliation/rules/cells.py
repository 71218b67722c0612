"""Cells of untyped text (CSV): read strictly as what the other side has.

A cell is text and says nothing about its type. Against text it is compared as text; against anything else it must be written the way that type is
written, in full: "042" is not the number 42, "1,000.00" is no number, "yes" is not True. The empty cell is the only way CSV has to write null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from integrakit.reconciliation.rules.values import Moment, canonical, category

__all__ = ["cell_as", "cell_like", "cell_number"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,9})?", re.ASCII)
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
#: Three more digits of a second than Python's times have.
_FINER = re.compile(r"(.*\.[0-9]{6})([0-9]{1,3})(Z|[+-][0-9:]+)?", re.ASCII)
_OFFSET = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOT_FINITE = {"nan": Decimal("NaN"), "inf": Decimal("Infinity"), "infinity": Decimal("Infinity"), "-inf": Decimal("-Infinity")}
_BOOLS = {"true": True, "false": False}


def cell_number(cell: str) -> Decimal | None:
    """The number that a cell is the strict writing of, or None."""
    return Decimal(cell) if _NUMBER.fullmatch(cell) else None


def _iso(pattern: str, parse: Callable[[str], Any]) -> Callable[[str], Any]:
    compiled = re.compile(pattern, re.ASCII)

    def read(cell: str) -> Any:
        if not compiled.fullmatch(cell):
            return None
        try:
            return parse(cell)
        except ValueError:  # the 30th of February
            return None

    return read


_NAIVE = _iso(f"{_DATE}[T ]{_TIME}", datetime.fromisoformat)
_INSTANT = _iso(f"{_DATE}[T ]{_TIME}{_OFFSET}", datetime.fromisoformat)
_CLOCK = _iso(_TIME, time.fromisoformat)
_CLOCK_WITH_OFFSET = _iso(_TIME + _OFFSET, time.fromisoformat)


def _time(read: Callable[[str], Any], cell: str) -> Any:
    found = _FINER.fullmatch(cell)
    if found is None:
        return read(cell)
    coarse, nanosecond = read(found[1] + (found[3] or "")), int(found[2].ljust(3, "0"))
    return Moment.of(coarse, nanosecond) if isinstance(coarse, datetime) else None if nanosecond else coarse


#: category → cell → value, or None where the cell is not such a value
_READERS: dict[str, Callable[[str], Any]] = {
    "number": cell_number,
    "nan": lambda cell: _NOT_FINITE.get(cell.lower()),
    "bool": lambda cell: _BOOLS.get(cell.lower()),
    "date": _iso(_DATE, date.fromisoformat),
    # A time of the other kind is a time all the same: it is said that its zone is missing, or it is taken by the clock of `Field(zone=…)`.
    "naive": lambda cell: _time(_NAIVE, cell) or _time(_INSTANT, cell),
    "instant": lambda cell: _time(_INSTANT, cell) or _time(_NAIVE, cell),
    "time": lambda cell: _time(_CLOCK, cell),
    "time with offset": lambda cell: _time(_CLOCK_WITH_OFFSET, cell),
    "uuid": lambda cell: UUID(cell) if _UUID.fullmatch(cell) else None,
}


def cell_as(cell: str, kind: str) -> Any:
    """The value of that category which the cell is the strict writing of; the cell itself where it is none."""
    if kind == "null":
        return None if cell == "" else cell
    reader = _READERS.get(kind)
    value = None if reader is None else reader(cell)
    if value is None and kind == "number":
        value = _NOT_FINITE.get(cell.lower())  # float("inf") is a number to compare with, and no number to write strictly
    return cell if value is None else value


def cell_like(cell: Any, other: Any) -> Any:
    """A cell as the type of the value it is compared with; what is no text is no untyped cell and stays what it is."""
    if type(cell) is not str or type(other) is str:
        return cell
    return None if cell == "" else cell_as(cell, category(canonical(other)))
