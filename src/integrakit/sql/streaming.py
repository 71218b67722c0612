"""One query whose rows are fetched bit by bit, in one transaction that may only read: all of them are of one moment.

A server keeps what was not fetched yet, so memory stays flat. A stream is used by one thread at a time, whichever it is. It is closed at the end, on
an error, and when whoever held it is gone; in a forked child it is left alone, since its connection is the parent's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from integrakit.errors import IntegrakitError
from integrakit.sql.database import Database, translate
from integrakit.sql.layout import Row
from integrakit.sql.server import Server
from integrakit.sql.server_schema import ServerColumn
from integrakit.sql.server_table import dialect_of
from integrakit.sql.statement import Statement

__all__ = ["FileStream", "ServerStream", "Stream"]

_DOING = "reading a query"


class Stream(Protocol):
    """What a reader needs of one."""

    def fetch(self, size: int) -> list[Row]: ...

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        """As the drivers have it: name, type … of each column."""
        ...

    def end(self) -> None: ...

    def drop(self) -> None: ...


class ServerStream:
    """On PostgreSQL a cursor of the server's; on MariaDB a result that is sent as it is read."""

    def __init__(self, server: Server, statement: Statement) -> None:
        self._postgres = server.postgres
        self._held = server.hold(doing=_DOING, long=True)
        session = self._held.session
        try:
            if self._postgres:
                # All rows will be read: plans that are quick to give the first are of no use.
                session.run("SET LOCAL cursor_tuple_fraction = 1")
                self._cursor = session.cursor()
                self._cursor.execute(f"DECLARE integrakit_read NO SCROLL CURSOR FOR {statement.sql}", statement.values)
            else:
                self._cursor = session.connection.cursor(session.driver.cursors.SSCursor)
                self._cursor.execute(statement.sql, statement.values)
        except BaseException as problem:
            self._fail(problem)
            raise

    def fetch(self, size: int) -> list[Row]:
        """The next rows; fewer than ``size`` at the end."""
        try:
            if not self._postgres:
                return list(self._cursor.fetchmany(size))
            self._cursor.execute(f"FETCH FORWARD {size} FROM integrakit_read", None, prepare=False)
            return self._held.session.fetched(self._cursor)
        except BaseException as problem:
            self._fail(problem)
            raise

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = self._cursor.description or ()
        return found

    def columns(self) -> Mapping[str, ServerColumn]:
        """What is known of the columns, once rows were fetched."""
        found: Mapping[str, ServerColumn] = dialect_of(self._held.server).described(self._cursor)
        return found

    def _fail(self, problem: BaseException) -> None:
        """Raises the error of integrakit's own for one of the driver's."""
        told: IntegrakitError | None = self._held.told(problem) if self._held.is_theirs(problem) else None
        if self._postgres:
            self._held.failed(problem)
        else:
            self.drop()
        if told is not None:
            raise told from problem

    def end(self) -> None:
        """After the last row: the connection goes back."""
        self._cursor.close()
        self._held.end()

    def drop(self) -> None:
        """Before the last row, or after an error."""
        if self._postgres:
            self._held.drop()
            return
        # pymysql would read all that is still to come before it closes anything.
        result = getattr(getattr(self, "_cursor", None), "_result", None)
        if result is not None:
            result.unbuffered_active = False
        self._held.drop()


class FileStream:
    """A cursor of SQLite's."""

    def __init__(self, database: Database, statement: Statement) -> None:
        self._database = database
        self._held = database.hold()
        try:
            self._cursor = self._held.session.connection.execute(statement.sql, statement.values)
        except BaseException as problem:
            self._fail(problem)
            raise

    def fetch(self, size: int) -> list[Row]:
        try:
            rows: list[Row] = self._cursor.fetchmany(size)
        except BaseException as problem:
            self._fail(problem)
            raise
        return rows

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        return self._cursor.description or ()

    def _fail(self, problem: BaseException) -> None:
        self.drop()
        if isinstance(problem, sqlite3.Error):
            raise translate(problem, doing=_DOING, database=self._database.name, timeout=self._database.timeout) from problem

    def end(self) -> None:
        self._cursor.close()
        self._held.end()

    def drop(self) -> None:
        self._held.drop()
