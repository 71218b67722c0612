"""Both sides in one database server: one transaction that may only read, in which both are seen at one moment.

Rows come back through a cursor of the server's, and become records by the layouts of `SqlTable` and `SqlQuery`, as they do when these are read.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from attrs import evolve

from integrakit.model import Evidence
from integrakit.reconciliation.engines.pushdown.dialects import MARIADB, POSTGRESQL
from integrakit.reconciliation.engines.pushdown.kinds import PlacedColumn, PlacedSide
from integrakit.reconciliation.engines.pushdown.server_kinds import mariadb_kind, postgresql_kind
from integrakit.reconciliation.engines.pushdown.session import Came
from integrakit.reconciliation.engines.run import Unsuitable
from integrakit.sql.layout import Layout
from integrakit.sql.server import Held
from integrakit.sql.statement import Statement

__all__ = ["open_server"]

_DOING = "comparing two sides"
_BATCH = 2000


def open_server(sources: tuple[Any, Any], keys: tuple[tuple[str, ...], tuple[str, ...]]) -> ServerSession:
    """Both on one connection. ``keys``: the columns that are joined. Raises `Unsuitable`, and what reading raises."""
    held = sources[0].server.hold(doing=_DOING, long=True)
    try:
        return ServerSession(held, sources, keys)
    except BaseException as problem:
        held.failed(problem)
        if held.is_theirs(problem):
            raise held.told(problem) from problem
        raise


class ServerSession:
    """An open transaction with both sides in it."""

    snapshot = True

    def __init__(self, held: Held, sources: tuple[Any, Any], keys: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
        self._held: Held | None = held
        self._session = held.session
        #: A cursor of MariaDB's whose rows are still to come.
        self._unread: Any = None
        self._postgres = held.server.postgres
        self.dialect = POSTGRESQL if self._postgres else MARIADB
        for source in sources:
            if source.cursor is not None:
                raise Unsuitable(f"{source.name} is read by its cursor column, which leaves out what is not committed yet")
        if self._postgres:
            # All rows will be fetched: plans that are quick to give the first are of no use.
            self._session.run("SET LOCAL cursor_tuple_fraction = 1")
        self._layouts = tuple(source.server_layout(self._session) for source in sources)
        self.sides = (self._side(0, sources[0], keys[0]), self._side(1, sources[1], keys[1]))

    def _side(self, side: int, source: Any, key: tuple[str, ...]) -> PlacedSide:
        layout: Layout = self._layouts[side]
        cursor = self._session.cursor()
        try:
            cursor.execute(f"SELECT {', '.join(layout.columns.values())} FROM {layout.source} LIMIT 0", layout.source_values)
            if self._postgres:
                kinds = [postgresql_kind(cursor.adapters.types, column) for column in cursor.description]
            else:
                told = zip(layout.columns, cursor.description, cursor._result.fields, strict=True)
                own = {name: decode for name, decode in layout.decoders.items() if name not in source.types}
                kinds = [mariadb_kind(column, field, own.get(name)) for name, column, field in told]
        finally:
            cursor.close()
        wanted = source.types
        return PlacedSide(
            columns={
                name: PlacedColumn(name=name, selected=sql, kind=kind if name not in wanted else evolve(kind, wanted=wanted[name]))
                for (name, sql), kind in zip(layout.columns.items(), kinds, strict=True)
            },
            source=layout.source,
            values=layout.source_values,
            unique=layout.unique and set(layout.key) <= set(key),
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        held = self._held
        assert held is not None
        try:
            yield
        except BaseException as problem:
            told = held.told(problem) if held.is_theirs(problem) else None
            self._held = None
            if self._postgres:
                held.failed(problem)
            else:
                held.drop()
            if told is not None:
                raise told from problem
            raise

    def rows(self, statement: Statement, /) -> list[tuple[Any, ...]]:
        with self._failures():
            return self._session.rows(statement.sql, statement.values)

    def came(self, statement: Statement, /) -> Iterator[Came]:
        ends = (len(self.sides[0].columns), len(self.sides[1].columns))
        for rows in self._stream(statement):
            first = len(rows[0]) - sum(ends) - 3
            middle = first + 2 + ends[0]
            sides = []
            for side, at in ((0, first + 1), (1, middle)):
                there = [row[at + 1 : at + 1 + ends[side]] if row[at] is not None else None for row in rows]
                records = iter(self._records(side, [row for row in there if row is not None]))
                sides.append([None if row is None else next(records) for row in there])
            yield Came([row[:first] for row in rows], [row[first] for row in rows], sides[0], sides[1])

    def listed(self, statement: Statement, /) -> None:
        """Rows of a server come one by one."""

    def column(self, statement: Statement, side: int, name: str, /) -> Generator[list[Any], None, None]:
        layout: Layout = self._layouts[side]
        decode = layout.decoders.get(name)
        for rows in self._stream(statement):
            values = [row[0] for row in rows]
            yield values if decode is None else [None if value is None else decode(value) for value in values]

    def _records(self, side: int, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        layout: Layout = self._layouts[side]
        # Messages of a layout look for what its rows are sorted by behind the columns.
        behind = (None,) * len(layout.terms)
        return layout.records([row + behind for row in rows] if layout.decoders else rows)

    def _stream(self, statement: Statement) -> Generator[list[tuple[Any, ...]], None, None]:
        """The rows of an answer, fetched bit by bit. Whoever needs no more of them closes it."""
        with self._failures():
            cursor = self._opened(statement)
        try:
            while True:
                with self._failures():
                    rows = self._fetched(cursor)
                if rows:
                    yield rows
                if len(rows) < _BATCH:
                    return
        finally:
            self._end(cursor)

    def _opened(self, statement: Statement) -> Any:
        session = self._session
        if self._postgres:
            cursor = session.cursor()
            cursor.execute(f"DECLARE integrakit_join NO SCROLL CURSOR FOR {statement.sql}", statement.values)
            return cursor
        self._unread = session.connection.cursor(session.driver.cursors.SSCursor)
        self._unread.execute(statement.sql, statement.values)
        return self._unread

    def _fetched(self, cursor: Any) -> list[tuple[Any, ...]]:
        if not self._postgres:
            return list(cursor.fetchmany(_BATCH))
        cursor.execute(f"FETCH FORWARD {_BATCH} FROM integrakit_join", None, prepare=False)
        return self._session.fetched(cursor)

    def _end(self, cursor: Any) -> None:
        if self._held is None:
            return  # the connection was given back already
        with self._failures():
            if self._postgres:
                cursor.execute("CLOSE integrakit_join", None, prepare=False)
            cursor.close()
            self._unread = None

    def evidence(self, side: int, records: int, started: datetime, /) -> Evidence:
        return Evidence(complete=True, records=records, stability="snapshot", ended_by="protocol", started=started)

    def close(self) -> None:
        """Ends the transaction, and gives the connection back."""
        held, self._held = self._held, None
        if held is None:
            return
        if self._unread is None:
            held.end()
            return
        # In the middle of an answer: pymysql would read all that is still to come before it closes anything.
        if self._unread._result is not None:
            self._unread._result.unbuffered_active = False
        held.drop()
