"""What kind of values a column in a database has, as the rules see them, and a side that has such columns. Values only: no SQL is made here.

A kind is claimed only where the database's values are known to come back as values of that category; everything else is "other".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

__all__ = ["OTHER", "Kind", "PlacedColumn", "PlacedSide"]

#: What nothing is known about.
OTHER = "other"


@frozen(kw_only=True)
class Kind:
    """``family``: "number", "float", "text", "bytes", "bool", "date", "naive", "instant", "time", "cell" (untyped text), or "other"."""

    family: str
    #: The type as the database calls it: columns of one name that are written the same way hold the same value.
    name: str
    #: Digits before and behind the point, of numbers; None: no limit.
    whole: int | None = None
    scale: int | None = None
    #: Whether numbers come as int.
    integer: bool = False
    #: Of floats.
    bits: int = 64
    #: What makes the value that a reader gives from the column, where that is not the column itself: "CAST({} AS text)".
    value: str = "{}"
    #: Whether equality in SQL is equality of values among columns of this very type; of families that have it anyway, True.
    equal: bool = True
    #: What ``types=`` makes of it in Python; None: nothing. Only what is written the same way is the same then.
    wanted: Any = None


@frozen(kw_only=True)
class PlacedColumn:
    """One column of one side."""

    name: str
    #: What is selected for it from the side's source.
    selected: str
    kind: Kind


@frozen(kw_only=True)
class PlacedSide:
    """One side as the engine sees it. ``source``: what stands behind FROM; ``values``: of the marks in it."""

    columns: Mapping[str, PlacedColumn]
    source: str
    values: tuple[Any, ...] = ()
    #: Whether no two rows are known to have the same key.
    unique: bool = False
    #: How many rows there are, where that is known beforehand.
    rows: int | None = None

    def place(self, name: str) -> int:
        """Where a column stands among the others."""
        return list(self.columns).index(name)
