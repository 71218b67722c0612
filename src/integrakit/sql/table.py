"""`SqlTable`: one table as a source and as a sink. What users touch; reading, writing, values and connections are its neighbours in this package.

A file of SQLite is read and written through the standard library; PostgreSQL and MariaDB are read through SQLAlchemy's pools.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import frozen

from integrakit.errors import CheckpointMismatch, ConfigurationError, IntegrakitError, WriteError
from integrakit.iterating import Rereadable
from integrakit.model import Change, Checkpoint, Outcome, Window
from integrakit.protocols import SinkLimits, Store
from integrakit.runtimes import runtime
from integrakit.sql.arguments import checked_mark, checked_names, checked_number, checked_types, checked_window
from integrakit.sql.database import Database, database_path, translate
from integrakit.sql.layout import Layout, Session, file_layout
from integrakit.sql.reader import TableReader
from integrakit.sql.schema import Schema, create_statement, load, suggest, table_names
from integrakit.sql.server import Server, file_of, is_server
from integrakit.sql.server_schema import ServerSchema, server_layout
from integrakit.sql.server_table import horizon_of, load_table
from integrakit.sql.values import decoder
from integrakit.sql.writer import TransactionLost, Writer, checked

__all__ = ["OrderedBy", "SqlTable"]

T = TypeVar("T")


@frozen
class OrderedBy:
    """How a source is sorted: by these fields, as they are stored, nulls first; text by code point (``BINARY``)."""

    names: tuple[str, ...]
    collation: str = "BINARY"


class SqlTable(Rereadable):
    """One table of a database: iterate it, read it in pages, and (SQLite) write changes to it.

    ``database``: ``"sqlite:///file.db"``, a path ending in .db, .sqlite or .sqlite3, a `pathlib.Path`, or a ``SqliteStore``;
    ``"postgresql://…"``, ``"mysql://…"``, ``"mariadb://…"``; or a SQLAlchemy engine. ``table``: its name, on servers also ``schema.table``. ``key``:
    the column that names a record, or several. ``types``: column → Decimal, int, float, str, bool, date, datetime, time, bytes or ``"json"``, where
    the declared type does not say it. ``order_by``: columns to sort a read by instead of the key. ``cursor``: the column that grows when a row
    changes, for reads since a watermark, taken with care by ``window``. ``timeout``: seconds to wait for a lock or a connection. SQLite only:
    ``create``, column → SQL type, makes the table on the first write where it is missing; ``foreign_keys``, whether SQLite checks them, which it does
    not by itself. Servers only: ``statement_timeout``, the seconds one query may take (None: as long as the server allows).

    A wrong argument is a `ConfigurationError` at once; a missing file, table or column is one on first use.
    """

    #: `awrite` needs nothing but the runtime.
    on_runtime = True
    #: The same change twice has the effect of one.
    repeatable = True

    def __init__(
        self,
        database: Any,
        table: str,
        *,
        key: str | Sequence[str],
        types: Mapping[str, Any] | None = None,
        order_by: str | Sequence[str] | None = None,
        cursor: str | None = None,
        window: Window | None = None,
        page_size: int = 1000,
        create: Mapping[str, str] | None = None,
        timeout: float = 5.0,
        statement_timeout: float | None = None,
        foreign_keys: bool = False,
    ) -> None:
        if not isinstance(table, str) or not table or "\0" in table:
            raise ConfigurationError(f"SqlTable(table) takes the name of a table, not {table!r}")
        #: What messages and reports call it.
        self.name = self.table = table
        self._key = checked_names("SqlTable", "key", key)
        #: The column that names a record; a tuple where it takes several.
        self.key: str | tuple[str, ...] = self._key[0] if len(self._key) == 1 else self._key
        order = checked_names("SqlTable", "order_by", order_by) if order_by is not None else ()
        self._order = (*order, *(name for name in self._key if name not in order))
        self._cursor = checked_names("SqlTable", "cursor", cursor)[0] if cursor is not None else None
        self._window = checked_window("SqlTable", window, self._cursor)
        self._types = checked_types("SqlTable", {} if types is None else types, self._key)
        self._page_size = checked_number("SqlTable", "page_size", page_size, int)
        timeout = checked_number("SqlTable", "timeout", timeout, int | float)
        self._create = None if create is None else _definitions(create)
        self._statement = None if self._create is None else self._creation(self._create)
        self._timeout, self._foreign_keys = timeout, foreign_keys
        self._file: Database | None = None
        self._server: Server | None = None
        path = file_of(database) if is_server(database) else database
        if path is None and is_server(database):
            if create is not None or foreign_keys:
                raise ConfigurationError("SqlTable(create=…, foreign_keys=…) are for SQLite; this version does not write to database servers")
            if statement_timeout is not None:
                statement_timeout = checked_number("SqlTable", "statement_timeout", statement_timeout, int | float)
            self._server = Server(database, timeout=timeout, statement_timeout=statement_timeout, who="SqlTable")
            self._name = self._server.name
        else:
            if statement_timeout is not None:
                raise ConfigurationError("SqlTable(statement_timeout=…) is for database servers: SQLite has no such limit")
            self._file = Database(database_path(path), timeout=timeout, foreign_keys=foreign_keys)
            self._name = self._file.name
        self.limits = SinkLimits()

    def _creation(self, create: Mapping[str, str]) -> str:
        for name in self._key:
            if name not in create:
                raise ConfigurationError(f"SqlTable(create=…) has no column {name!r}, which is in key=")
        return create_statement(self.table, create, self._key)

    @property
    def server(self) -> Server | None:
        """The database server it is in; None for a file of SQLite."""
        return self._server

    @property
    def types(self) -> Mapping[str, Any]:
        """What ``types=`` said."""
        return self._types

    def server_layout(self, session: Session) -> Layout:
        """What a read selects, asked on a connection of `server`: for those who ask the database for more than its rows."""
        found = self._layout(session)
        assert found is not None
        return found

    def server_schema(self, session: Session) -> ServerSchema:
        """The columns as the server describes them, asked on a connection of `server`. Raises `ConfigurationError` where there is no such table."""
        assert self._server is not None
        return load_table(self._server, session, self.table)

    @property
    def cursor(self) -> str | None:
        """The column that grows when a row changes, where one was named."""
        return self._cursor

    @property
    def ordered_by(self) -> OrderedBy | None:
        """What a read is sorted by; None where ``types`` makes something else of such a column, which may sort differently."""
        if any(self._types.get(name) not in (None, str, bytes) for name in self._order):
            return None
        return OrderedBy(self._order)

    def __repr__(self) -> str:
        return f"<SqlTable {self.table!r} in {self._name}, key {self.key!r}>"

    # ---------------------------------------------------------------- reading

    def open_read(self, since: Checkpoint | None = None, /) -> TableReader:
        """A new read: from the beginning, on from a page's checkpoint, or of what changed since a watermark (rows at the watermark included).

        Nothing is touched before the first page is asked for. Raises `CheckpointMismatch` for a checkpoint of another table or another order.
        """
        horizon = None
        if self._server is not None and self._cursor is not None:
            horizon = horizon_of(self._server, self._window, doing=self._reading)
        return TableReader(
            layout=self._layout,
            lend=self._read,
            start=self._start(since),
            page_size=self._page_size,
            window=self._window,
            horizon=horizon,
        )

    def checkpoint(self, watermark: Any = None) -> Checkpoint:
        """A checkpoint of this table: from the beginning, or from a value of the cursor column as it is stored (a time as text, or as itself)."""
        parameters = f"order={','.join(self._order)}" + (f" cursor={self._cursor}" if self._cursor else "")
        return Checkpoint(resource=self.table, parameters=parameters, watermark=checked_mark(watermark, times=self._server is not None))

    def _start(self, since: Checkpoint | None) -> Checkpoint:
        fresh = self.checkpoint()
        if since is None:
            return fresh
        since.check(fresh.resource, fresh.parameters)
        if since.watermark is not None and self._cursor is None:
            raise CheckpointMismatch(f"the checkpoint has a watermark, and {self!r} has no cursor= to compare with it")
        self.checkpoint(since.watermark)
        return since

    def count(self) -> int:
        """How many rows there are now."""

        def work(session: Session | None) -> int:
            layout = None if session is None else self._layout(session)
            return 0 if session is None or layout is None else int(session.rows(f"SELECT count(*) FROM {layout.source}", ())[0][0])

        return self._read(work)

    def find(self, keys: Iterable[Any], /) -> dict[Any, dict[str, Any]]:
        """The rows that have one of the keys: ``{key: record}``. Keys that are not there are left out, and so are those no row can have."""
        wanted = [tuple(key) if isinstance(key, list) else key for key in keys]

        def work(session: Session | None) -> dict[Any, dict[str, Any]]:
            layout = None if session is None else self._layout(session)
            return {} if session is None or layout is None else layout.find(session, wanted)

        return self._read(work)

    # ---------------------------------------------------------------- writing

    def write(self, changes: Sequence[Change], /) -> list[Outcome]:
        """Applies the changes in one transaction; what the table refuses is ``rejected`` by itself.

        Raises `WriteError` where nothing could be written (another writer for longer than ``timeout``, a full disk, a read-only file), and
        `ConfigurationError` where the file or the table is not there and ``create`` does not say how to make it.
        """
        changes, file = checked(changes), self._writable()
        refused: dict[int, str] = {}
        while changes:
            try:
                return self._transaction(file, changes, refused)
            except TransactionLost as lost:
                # The good changes before it are gone with it: all over again, without the one that did it.
                refused[lost.index] = lost.reason
        return []

    async def awrite(self, changes: Sequence[Change], /) -> list[Outcome]:
        """`write`, without holding up an event loop."""
        return await runtime().blocking(self.write, changes)

    def write_in(self, connection: Any, changes: Sequence[Change], /) -> list[Outcome]:
        """Applies the changes on a connection that is inside a transaction, and leaves committing to its owner."""
        file = self._writable()
        try:
            return self._apply(file, connection, checked(changes), {})
        except TransactionLost as lost:
            raise WriteError(
                f"{self.table}: a trigger rolled the whole transaction back ({lost.reason}); nothing of it was written"
            ) from lost.__cause__
        except sqlite3.Error as problem:
            raise self._translated(problem, "writing to") from problem

    def shares_database_with(self, store: Store, /) -> bool:
        """Whether ``store`` is a SqliteStore on the very same file, so that `write_in` may be used with its connection."""
        path = getattr(store, "path", None)
        # Only connections of our own are known to check foreign keys.
        if self._file is None or self._foreign_keys or not callable(getattr(store, "commit_with", None)) or not isinstance(path, str | os.PathLike):
            return False
        try:
            return os.path.samefile(path, self._file.path)
        except OSError:
            return os.path.realpath(path) == os.path.realpath(self._file.path)

    def close(self) -> None:
        """Closes the connections that are kept open. The table may be used again: it opens new ones."""
        for database in (self._file, self._server):
            if database is not None:
                database.close()

    def __enter__(self) -> SqlTable:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> SqlTable:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await runtime().blocking(self.close)

    # ---------------------------------------------------------------- on a connection

    @property
    def _reading(self) -> str:
        return f"reading {self.table}"

    def _read(self, work: Callable[[Session | None], T]) -> T:
        if self._server is not None:
            return self._server.lend(work, doing=self._reading)
        file = self._writable()
        if self._statement is not None and not file.exists():
            # Reading makes nothing: what create= will make is empty until then.
            return work(None)
        return file.lend(work, doing=self._reading)

    def _writable(self) -> Database:
        if self._file is None:
            raise ConfigurationError(f"{self!r}: this version writes to SQLite only, and reads from PostgreSQL and MariaDB")
        return self._file

    def _transaction(self, file: Database, changes: Sequence[Change], refused: Mapping[int, str]) -> list[Outcome]:
        try:
            with file.connection(create=self._statement is not None) as connection:
                connection.execute("BEGIN IMMEDIATE")
                outcomes = self._apply(file, connection, changes, refused)
                try:
                    connection.execute("COMMIT")
                except sqlite3.IntegrityError as problem:
                    # A deferred foreign key: only now does SQLite say no, and not to which record. One by one it does.
                    connection.execute("ROLLBACK")
                    if len(changes) == 1:
                        return [Outcome.rejected(changes[0].key, f"{self.table}: {problem}")]
                else:
                    return outcomes
        except sqlite3.Error as problem:
            raise self._translated(problem, "writing to") from problem
        return [outcome for change in changes for outcome in self.write([change])]

    def _apply(self, file: Database, connection: sqlite3.Connection, changes: Sequence[Change], refused: Mapping[int, str]) -> list[Outcome]:
        schema = self._schema(connection)
        if schema is None and self._statement is not None:
            connection.execute(self._statement)
            schema = self._schema(connection)
        if schema is None or schema.view:
            raise ConfigurationError(f"{self.table} in {file.name} is a view: write to the table it is made of")
        json = [name for name, wanted in self._types.items() if wanted == "json"]
        return Writer(connection, schema, key=self._key, json=json).apply(changes, refused)

    def _schema(self, connection: sqlite3.Connection) -> Schema | None:
        """The table of a file as it stands, checked against the arguments; None where ``create`` is still to make it."""
        schema = load(connection, self.table)
        if schema is None:
            if self._statement is None:
                names = table_names(connection)
                there = f"it has {', '.join(names)}" if names else "it has none"
                raise ConfigurationError(f"{self._name} has no table {self.table!r}{suggest(self.table, names)}; {there}")
            return None
        schema.require(self._key, "key=")
        schema.require(self._order, "order_by=")
        schema.require([self._cursor] if self._cursor else [], "cursor=")
        schema.require(self._types, "types=")
        schema.require(self._create or (), "create= (the table was there already)")
        return schema

    def _layout(self, session: Session) -> Layout | None:
        if self._server is not None:
            found = load_table(self._server, session, self.table)
            return server_layout(found, key=self._key, order=self._order, cursor=self._cursor, types=self._types)
        schema = self._schema(session.connection)
        if schema is None:
            return None
        decoders = {name: decoder(column, self._types.get(name)) for name, column in schema.columns.items()}
        needed = {name: decode for name, decode in decoders.items() if decode is not None}
        return file_layout(schema, key=self._key, order=self._order, cursor=self._cursor, decoders=needed)

    def _translated(self, problem: sqlite3.Error, doing: str) -> IntegrakitError:
        return translate(problem, doing=f"{doing} {self.table}", database=self._name, timeout=self._timeout)


def _definitions(create: Any) -> dict[str, str]:
    if not isinstance(create, Mapping) or not create or not all(isinstance(part, str) and part.strip() for item in create.items() for part in item):
        raise ConfigurationError(f"SqlTable(create=…) takes column → SQL type, e.g. {{'id': 'TEXT', 'total': 'DECIMAL(12,2)'}}, not {create!r}")
    return dict(create)
