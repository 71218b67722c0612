"""One use of a table by a rule, and what every table is to the passes. Tables themselves are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from integrakit.transform.lookups.days import day_of
from integrakit.transform.lookups.keys import Keys, shown_value
from integrakit.transform.misfit import Misfit
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.rules import Constant, Rule

__all__ = ["Entry", "Lookup", "Table", "look_up", "search"]


@frozen
class Entry:
    """One entry of a table: the key as the table spells it, a text or a tuple of texts; the value; the days [since, until) on which it holds."""

    key: Any
    value: Any
    since: date | None = None
    until: date | None = None
    #: What tells it from the others of its table: the key as the table makes it, and the first day.
    identity: Any = None


class Table(Protocol):
    """Something that knows what stands for a key. A table never changes once it is built."""

    #: How its keys are made.
    @property
    def keys(self) -> Keys: ...

    #: Where its entries come from, in words.
    @property
    def origin(self) -> str: ...

    #: The column that its values are from, where it has a name.
    @property
    def gives(self) -> str: ...

    #: The columns of what it gives, where that is an object for each key; else none.
    @property
    def columns(self) -> tuple[str, ...]: ...

    #: True: its entries have dates, and ``at`` must be said. False: ``at`` has no meaning. None: as the rule likes.
    @property
    def dated(self) -> bool | None: ...

    #: A dict from text to value, where exactly these texts give exactly these values, the same object each time: the generated code reads it
    #: itself, and calls `find` for every other value. Else None.
    @property
    def plain(self) -> Mapping[str, Any] | None: ...

    def find(self, value: Any, day: date | None) -> Any:
        """What stands for a value that is not null, on the day where entries have dates; UNSET for a miss. Raises `Misfit`."""

    def identify(self, value: Any, day: date | None) -> Any:
        """The `Entry.identity` of what was found; None where entries are not known."""

    def entries(self) -> Iterator[Entry] | None:
        """Every entry, in the order of the table; None where nobody can list them."""

    def taking(self, column: str) -> Table:
        """The same with one of its `columns` for its value. Raises `Misfit` where there is none of that name, or not in every entry."""
        ...


@frozen
class Lookup:
    """``otherwise``: "error", "keep", or what a value outside the table becomes. ``at`` reads the day on which the entry must be in force."""

    name: str
    table: Table
    otherwise: str | Constant | Rule
    at: Rule | None = None
    #: The column that is taken, where the table gives objects and the rule says so; the table is made for it already.
    column: str | None = None

    def instead(self, value: Any, day: date | None) -> Any:
        """What a value that is not in the table becomes, unless a rule says it. Raises `Misfit`."""
        if self.otherwise == "keep":
            return value
        if isinstance(self.otherwise, str):
            raise Misfit(f"{shown_value(value)} is not in lookup {self.name!r}{_on(day)}")
        return self.otherwise.fresh()  # type: ignore[union-attr]  # a rule is the passes' own business

    def shown(self, value: Any, day: date | None) -> str:
        """What was looked up, for people."""
        return shown_value(value) + _on(day)


def _on(day: date | None) -> str:
    return "" if day is None else f" on {day.isoformat()}"


def search(lookup: Lookup, value: Any, at: Any = UNSET) -> Any:
    """What the table says about the value, at what ``at`` gave where the rule has one; UNSET for a miss. Raises `Misfit`."""
    return lookup.table.find(value, None if at is UNSET else day_of(at))


def look_up(lookup: Lookup, value: Any, at: Any = UNSET) -> Any:
    """As `search`, and ``otherwise`` for a miss."""
    day = None if at is UNSET else day_of(at)
    found = lookup.table.find(value, day)
    return lookup.instead(value, day) if found is UNSET else found
