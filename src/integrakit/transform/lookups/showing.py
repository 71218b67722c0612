"""Tables for people: the first rows of one as cells of text, and the entries that nobody needed. Markup is not known here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from attrs import frozen

from integrakit.transform.lookups.days import spelled_period
from integrakit.transform.lookups.lookup import Entry, Table
from integrakit.transform.misfit import excerpt
from integrakit.transform.wording import spelled

__all__ = ["ShownTable", "never_found", "shown_table"]

_MOST_ROWS = 100


@frozen
class ShownTable:
    """``about``: where the entries come from, empty for those that stand in the mapping. ``more``: entries beyond those in ``rows``."""

    about: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int


def shown_table(table: Table, most: int = _MOST_ROWS) -> ShownTable:
    """The first ``most`` entries of a table."""
    about = "" if table.origin == "this mapping" else f"From {table.origin}."
    entries = table.entries()
    if entries is None:
        return ShownTable(about, (), (), 0)
    keys = table.keys.columns or (("From",) if table.keys.parts == 1 else tuple(f"From {part}" for part in range(1, table.keys.parts + 1)))
    values = tuple(name for name in table.columns if name not in keys) if table.columns else (table.gives or "To",)
    titles = (*keys, *values, *(("From day", "Until day") if table.dated else ()))
    rows = tuple(_cells(entry, table, values) for entry in islice(entries, most))
    return ShownTable(about, titles, rows, sum(1 for _ in entries))


def _cells(entry: Entry, table: Table, values: tuple[str, ...]) -> tuple[str, ...]:
    keys = entry.key if isinstance(entry.key, tuple) else (entry.key,)
    cells = [spelled(entry.value.get(name, "")) for name in values] if table.columns else [spelled(entry.value)]
    days = [day.isoformat() if day is not None else "" for day in (entry.since, entry.until)] if table.dated else []
    return (*keys, *cells, *days)


def never_found(table: Table, found: set[object], most: int) -> tuple[str, ...]:
    """The entries whose `Entry.identity` is not in ``found``, in words, at most ``most`` of them."""
    return tuple(islice(_never_found(table, found), most))


def _never_found(table: Table, found: set[object]) -> Iterator[str]:
    for entry in table.entries() or ():
        if entry.identity not in found:
            key = f"[{', '.join(map(excerpt, entry.key))}]" if isinstance(entry.key, tuple) else excerpt(entry.key)
            yield key + (f" {spelled_period(entry.since, entry.until)}" if table.dated else "")
