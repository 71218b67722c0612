"""One read of a table: pages in the order of the key, each a query of its own.

Between two pages nothing is held, neither a cursor nor a lock: memory stays flat, writers are not kept waiting, and a read goes on from a checkpoint
exactly where it stopped. No record is written here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen

from integrakit._json import pack, unpack
from integrakit.errors import CheckpointMismatch, DecodeError
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.runtimes import runtime
from integrakit.sql.schema import Schema, quote
from integrakit.sql.values import Unfit, encode_key

__all__ = ["Layout", "TableReader", "find"]

Row = tuple[Any, ...]


@frozen(kw_only=True)
class Layout:
    """What to select from a table, and in which order."""

    schema: Schema
    key: tuple[str, ...]
    #: The columns the caller asked to be sorted by, the key among them.
    order: tuple[str, ...]
    cursor: str | None
    #: Column → decoder, for those that need one.
    decoders: dict[str, Callable[[Any], Any]]
    #: What is sorted by in the end, as SQL. Where the order is not unique, the row's own number follows.
    terms: tuple[str, ...] = field(init=False)
    #: Whether no two rows are equal in all terms.
    exact: bool = field(init=False)
    #: Where in a row the values of the terms are.
    places: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        # Compared as bytes whatever the column says, so that the order is the one other code can rely on.
        terms = tuple(f"{quote(name)} COLLATE BINARY" for name in self.order)
        exact = self.schema.is_unique(self.order)
        if not exact and self.schema.rowid is not None:
            terms, exact = (*terms, self.schema.rowid), True
        object.__setattr__(self, "terms", terms)
        object.__setattr__(self, "exact", exact)
        columns = list(self.schema.columns)
        places = (*(columns.index(name) for name in self.order), *range(len(columns), len(columns) + len(terms) - len(self.order)))
        object.__setattr__(self, "places", places)

    @property
    def selected(self) -> str:
        names = [quote(name) for name in self.schema.columns]
        return ", ".join([*names, *self.terms[len(self.order) :]])

    def position(self, row: Row) -> Row:
        """What a row is sorted by, as it is stored."""
        return tuple(row[place] for place in self.places)

    def records(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows as dicts of decoded values; raises `DecodeError` for what is not as ``types`` says."""
        names = list(self.schema.columns)
        # A row may be longer than the names: what it is sorted by comes behind them.
        records = [dict(zip(names, row, strict=False)) for row in rows]
        for name, decode in self.decoders.items():
            for record, row in zip(records, rows, strict=True):
                value = record[name]
                if value is not None:
                    try:
                        record[name] = decode(value)
                    except ValueError as problem:
                        place = dict(zip(self.order, self.position(row), strict=False))
                        raise DecodeError(
                            f"{self.schema.table} at {place}, column {name!r}: {value!r:.60} is {problem}, and types={{…}} says that it is",
                            path=name,
                            record=dict(zip(names, row, strict=False)),
                        ) from problem
        return records


class TableReader:
    """One read in progress. ``watermark`` is the highest value of the cursor column seen so far, as it is stored."""

    def __init__(
        self,
        *,
        layout: Callable[[sqlite3.Connection], Layout | None],
        lend: Callable[[Callable[[sqlite3.Connection | None], Page | None]], Page | None],
        start: Checkpoint,
        page_size: int,
    ) -> None:
        self._find_layout = layout
        self._lend = lend
        self._start = start
        self._page_size = page_size
        self._layout: Layout | None = None
        self._after: Row | None = None
        # The last page was given, and the end itself.
        self._last = self._over = False
        self._page_checkpoint: Checkpoint | None = None
        self._pages, self._records, self._duplicates = start.pages, start.records, 0
        self._started: datetime | None = start.born
        self.watermark: Any = start.watermark

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises `ReadError`, `DecodeError`, `ConfigurationError` and `CheckpointMismatch`."""
        if self._started is None:
            self._started = runtime().wall()
        page = None if self._last else await runtime().blocking(self._lend, self._fetch)
        if page is None:
            self._last = self._over = True
        else:
            self._page_checkpoint = page.checkpoint
        return page

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            complete=True if self._over else None,
            reasons=() if self._over else ("the read is not at its end",),
            pages=self._pages,
            records=self._records,
            duplicates=self._duplicates,
            stability="keyset",
            ended_by="protocol" if self._over else None,
            started=self._started,
        )

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where to go on; after the end, where the next read begins: at the watermark, or (None) from the start where there is no cursor."""
        if not self._over:
            return self._page_checkpoint
        if self.watermark is None:
            return None
        return evolve(self._start, token=None, watermark=self.watermark, pages=0, records=0, born=None)

    # ---------------------------------------------------------------- in a worker thread from here on

    def _fetch(self, connection: sqlite3.Connection | None) -> Page | None:
        if connection is None:
            return None
        layout = self._layout
        if layout is None:
            layout = self._layout = self._find_layout(connection)
            if layout is None:
                return None
            self._resume(layout)
        # One transaction: the queries of a page see the same moment.
        connection.execute("BEGIN")
        rows, last = self._rows(connection, layout)
        connection.execute("COMMIT")
        if not rows:
            return None
        records = layout.records(rows)
        self._count(layout, rows)
        # Only now: a page that could not be decoded is read again, not skipped.
        self._after = layout.position(rows[-1])
        self._last = last
        return Page(records, self._checkpoint())

    def _resume(self, layout: Layout) -> None:
        if self._start.token is None:
            return
        try:
            after, watermark = unpack(self._start.token.encode())
            if len(after) != len(layout.terms):
                raise ValueError(len(after))
        except (AttributeError, TypeError, ValueError) as problem:
            raise CheckpointMismatch(
                f"the checkpoint of {layout.schema.table} does not fit the table as it is now (its unique columns may have changed): start without it"
            ) from problem
        self._after, self.watermark = tuple(after), watermark

    def _rows(self, connection: sqlite3.Connection, layout: Layout) -> tuple[list[Row], bool]:
        """Rows of a page, and whether they are the last ones."""
        if layout.exact:
            rows = self._following(connection, layout, self._page_size)
            return rows, len(rows) < self._page_size
        # Rows that nothing tells apart (of a view, say) must not be split over two pages: the second would not find its place.
        rows = self._following(connection, layout, self._page_size + 1)
        if len(rows) <= self._page_size:
            return rows, True
        edge = layout.position(rows.pop())
        if layout.position(rows[-1]) == edge:
            rows = [row for row in rows if layout.position(row) != edge] + self._select(connection, layout, _equal(layout.terms, edge), None)
        return rows, False

    def _following(self, connection: sqlite3.Connection, layout: Layout, limit: int) -> list[Row]:
        """At most ``limit`` rows behind the last one.

        First those that are equal to it in all terms but the last, then in all but the last two, and so on: each a plain range of an index, and right
        for nulls too, which a comparison of whole tuples is not.
        """
        after = self._after
        if after is None:
            return self._select(connection, layout, ([], []), limit)
        rows: list[Row] = []
        for depth in reversed(range(len(after))):
            conditions, values = _equal(layout.terms[:depth], after[:depth])
            if after[depth] is None:
                conditions.append(f"{layout.terms[depth]} IS NOT NULL")
            else:
                conditions.append(f"{layout.terms[depth]} > ?")
                values.append(after[depth])
            rows += self._select(connection, layout, (conditions, values), limit - len(rows))
            if len(rows) == limit:
                break
        return rows

    def _select(self, connection: sqlite3.Connection, layout: Layout, where: tuple[list[str], list[Any]], limit: int | None) -> list[Row]:
        conditions, values = where
        if layout.cursor is not None and self._start.watermark is not None:
            # Rows without a cursor value have no place in the order of changes: they come every time rather than never.
            column = quote(layout.cursor)
            conditions, values = [*conditions, f"({column} COLLATE BINARY >= ? OR {column} IS NULL)"], [*values, self._start.watermark]
        statement = f"SELECT {layout.selected} FROM {quote(layout.schema.table)}"
        if conditions:
            statement += f" WHERE {' AND '.join(conditions)}"
        statement += f" ORDER BY {', '.join(layout.terms)}"
        if limit is not None:
            statement += f" LIMIT {limit}"
        return connection.execute(statement, values).fetchall()

    def _count(self, layout: Layout, rows: Sequence[Row]) -> None:
        self._pages += 1
        self._records += len(rows)
        size = len(layout.key)
        if layout.order == layout.key and not layout.schema.is_unique(layout.key):
            # Sorted by the key, so rows that share one stand side by side.
            places = [layout.position(row)[:size] for row in rows]
            before = [self._after[:size] if self._after is not None else None, *places[:-1]]
            self._duplicates += sum(place == previous for place, previous in zip(places, before, strict=True))
        if layout.cursor is not None:
            at = list(layout.schema.columns).index(layout.cursor)
            seen = [row[at] for row in rows if row[at] is not None]
            if self.watermark is not None:
                seen.append(self.watermark)
            self.watermark = max(seen, key=_rank, default=None)

    def _checkpoint(self) -> Checkpoint:
        token = pack([list(self._after or ()), self.watermark]).decode()
        return evolve(self._start, token=token, pages=self._pages, records=self._records, born=self._started)


def _equal(terms: Sequence[str], values: Sequence[Any]) -> tuple[list[str], list[Any]]:
    conditions = [f"{term} IS NULL" if value is None else f"{term} = ?" for term, value in zip(terms, values, strict=True)]
    return conditions, [value for value in values if value is not None]


def _rank(value: Any) -> tuple[int, Any]:
    # The order SQLite sorts in: numbers, text by code point, bytes.
    return (2, value) if isinstance(value, bytes) else (1, value) if isinstance(value, str) else (0, value)


def find(connection: sqlite3.Connection, layout: Layout, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """The rows that have one of the keys, in one transaction."""
    where = " AND ".join(f"{quote(name)} = ?" for name in layout.key)
    statement = f"SELECT {layout.selected} FROM {quote(layout.schema.table)} WHERE {where} LIMIT 1"
    found: dict[Any, dict[str, Any]] = {}
    connection.execute("BEGIN")
    for key in keys:
        try:
            stored = encode_key(layout.schema, layout.key, key)
        except Unfit:
            continue
        row = connection.execute(statement, stored).fetchone()
        if row is not None:
            found[key] = layout.records([row])[0]
    connection.execute("COMMIT")
    return found
