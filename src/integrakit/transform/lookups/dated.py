"""A table whose entries hold from one day to another: for each key periods that do not overlap, half-open, [since, until)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from attrs import field, frozen

from integrakit.transform.lookups.copying import copied, shareable
from integrakit.transform.lookups.keys import Keys
from integrakit.transform.lookups.lookup import Entry
from integrakit.transform.lookups.plain import column_of
from integrakit.unset import UNSET

__all__ = ["DatedTable", "Periods"]


@frozen(eq=False)
class Periods:
    """The periods of one key, in order. A first day of ``date.min`` is one that was not said; an ``until`` of None is never."""

    starts: tuple[date, ...]
    ends: tuple[date | None, ...]
    values: tuple[Any, ...]

    def on(self, day: date) -> Any:
        """What holds on the day, or UNSET."""
        index = self.index(day)
        return UNSET if index is None else self.values[index]

    def index(self, day: date) -> int | None:
        """The place of the period that the day is in."""
        index = bisect_right(self.starts, day) - 1
        if index < 0:
            return None
        end = self.ends[index]
        return index if end is None or day < end else None


@frozen(eq=False)
class DatedTable:
    """``found``: key, as `keys` makes it, → its periods. ``spellings``: as in `PlainTable`."""

    found: dict[Any, Periods]
    keys: Keys
    origin: str
    columns: tuple[str, ...] = ()
    spellings: dict[Any, Any] = field(factory=dict)
    gives: str = ""
    dated: bool | None = True
    plain: Mapping[str, Any] | None = None
    _shared: bool = field(init=False)

    @_shared.default  # pyright: ignore[reportAttributeAccessIssue]  # attrs takes it for an attribute while the class is made
    def _all_shareable(self) -> bool:
        return all(shareable(value) for periods in self.found.values() for value in periods.values)

    def find(self, value: Any, day: date | None) -> Any:
        periods = self.found.get(self.keys.of(value))
        if periods is None or day is None:
            return UNSET
        found = periods.on(day)
        return found if self._shared else copied(found)

    def identify(self, value: Any, day: date | None) -> Any:
        key = self.keys.of(value)
        periods = self.found.get(key)
        index = None if periods is None or day is None else periods.index(day)
        return None if periods is None or index is None else (key, periods.starts[index])

    def entries(self) -> Iterator[Entry]:
        for key, periods in self.found.items():
            for since, until, value in zip(periods.starts, periods.ends, periods.values, strict=True):
                yield Entry(self.spellings.get(key, key), value, None if since == date.min else since, until, (key, since))

    def taking(self, column: str) -> DatedTable:
        def taken(key: Any, periods: Periods) -> Periods:
            return Periods(periods.starts, periods.ends, tuple(column_of(value, column, self.columns, key) for value in periods.values))

        return DatedTable({key: taken(key, periods) for key, periods in self.found.items()}, self.keys, self.origin, (), self.spellings, column)
