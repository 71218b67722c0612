"""`SqlQuery`: any SELECT as a source. What users touch; how rows are fetched, and what SQL is asked, is said by its neighbours in this package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any, TypeVar

from attrs import evolve

from integrakit._json import pack
from integrakit.errors import CheckpointMismatch, ConfigurationError
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Window
from integrakit.protocols import Reader
from integrakit.runtimes import runtime
from integrakit.sql.arguments import checked_mark, checked_names, checked_number, checked_types, checked_window
from integrakit.sql.database import Database, database_path
from integrakit.sql.horizon import Horizon
from integrakit.sql.layout import Layout, Session, query_layout
from integrakit.sql.query_reader import Opened, QueryReader, names_of
from integrakit.sql.reader import TableReader, bounded
from integrakit.sql.server import Server, file_of, is_server
from integrakit.sql.server_schema import ServerColumn, ServerSchema, server_layout, wanted_decoder
from integrakit.sql.server_table import dialect_of, horizon_of
from integrakit.sql.statement import Statement, parsed, wrapped
from integrakit.sql.streaming import FileStream, ServerStream

__all__ = ["SqlQuery"]

T = TypeVar("T")

_DOING = "reading a query"


class SqlQuery(Rereadable):
    """Any SELECT as a source: ``SqlQuery(url, "SELECT … WHERE region = :region", params={"region": "EU"})``.

    ``database``: as for `SqlTable`. ``query``: one SELECT, with ``:name`` for parameters, whose values are bound by the driver and never written into
    the text. ``key``: the columns that name a record, for who needs to know. Without ``order_by`` a read is one transaction and sees one moment,
    whatever is written meanwhile; it cannot go on after an error, nor from a checkpoint in its middle. With ``order_by``, the columns of the result
    that give an order (``key`` follows them), each page is a query of its own that begins behind the last row: it goes on from any checkpoint, and
    locks nothing. ``cursor``: the column of the result that grows when a row changes, for reads since a watermark, taken with care by ``window``.
    ``types``: column → Decimal, int, float, str, bool, date, datetime, time, bytes or ``"json"``. ``name``: what checkpoints and messages call it.
    ``timeout``: seconds to wait for a lock or a connection; ``statement_timeout`` (servers only): seconds that one query, or a page of it, may take.

    A wrong argument is a `ConfigurationError` at once; what the database does not understand is one on first use.
    """

    def __init__(
        self,
        database: Any,
        query: str,
        *,
        params: Mapping[str, Any] | None = None,
        key: str | Sequence[str] | None = None,
        order_by: str | Sequence[str] | None = None,
        cursor: str | None = None,
        window: Window | None = None,
        types: Mapping[str, Any] | None = None,
        page_size: int = 1000,
        name: str = "query",
        timeout: float = 5.0,
        statement_timeout: float | None = None,
    ) -> None:
        who = "SqlQuery"
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"SqlQuery(name=…) takes a text, not {name!r}")
        #: What messages and reports call it.
        self.name = name
        self._key = checked_names(who, "key", key) if key is not None else ()
        #: The column that names a record; a tuple where it takes several, None where it was not said.
        self.key: str | tuple[str, ...] | None = self._key[0] if len(self._key) == 1 else self._key or None
        order = checked_names(who, "order_by", order_by) if order_by is not None else ()
        self._order = (*order, *(name for name in self._key if name not in order)) if order else ()
        self._cursor = checked_names(who, "cursor", cursor)[0] if cursor is not None else None
        self._window = checked_window(who, window, self._cursor)
        self._types = checked_types(who, {} if types is None else types, self._key)
        self._page_size = checked_number(who, "page_size", page_size, int)
        timeout = checked_number(who, "timeout", timeout, int | float)
        if statement_timeout is not None:
            statement_timeout = checked_number(who, "statement_timeout", statement_timeout, int | float)
        self._file: Database | None = None
        self._server: Server | None = None
        engine = is_server(database)
        path = file_of(database) if engine else None
        if engine and path is None:
            self._server = Server(database, timeout=timeout, statement_timeout=statement_timeout, who=who)
            self._where, dialect = self._server.name, "postgresql" if self._server.postgres else "mariadb"
        else:
            if statement_timeout is not None:
                raise ConfigurationError("SqlQuery(statement_timeout=…) is for database servers: SQLite has no such limit")
            self._file = Database(database_path(path if engine else database, who), timeout=timeout, foreign_keys=False)
            self._where, dialect = self._file.name, "sqlite"
        found = parsed(query, params, dialect)
        self._statement = Statement(found.sql, tuple(_bound(value, dialect) for value in found.values))

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
        schema = self._schema(session)
        found = server_layout(schema, key=self._key or self._order, order=self._order, cursor=self._cursor, types=self._types)
        # A read in one transaction takes the columns as the query gives them.
        return found if self._order else evolve(found, columns={name: column.quoted for name, column in schema.columns.items()})

    def server_schema(self, session: Session) -> ServerSchema:
        """The columns as the server describes them, asked on a connection of `server`."""
        return self._schema(session)

    @property
    def cursor(self) -> str | None:
        """The column that grows when a row changes, where one was named."""
        return self._cursor

    def __repr__(self) -> str:
        return f"<SqlQuery {self.name!r} in {self._where}>"

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A new read: from the beginning, of what changed since a watermark, or (``order_by=``) on from a page's checkpoint.

        Nothing is touched before the first page is asked for. Raises `CheckpointMismatch` for a checkpoint of another query or other parameters.
        """
        start = self._start(since)
        if self._order:
            return TableReader(
                layout=self._layout,
                lend=self._lend,
                start=start,
                page_size=self._page_size,
                window=self._window,
                horizon=self._horizon(),
            )
        return QueryReader(open_stream=partial(self._open, start.watermark), start=start, page_size=self._page_size, window=self._window)

    def checkpoint(self, watermark: Any = None) -> Checkpoint:
        """A checkpoint of this query: from the beginning, or from a value of the cursor column."""
        told = pack([self._statement.sql, [repr(value) for value in self._statement.values], list(self._order), self._cursor])
        parameters = hashlib.sha256(told).hexdigest()[:16]
        return Checkpoint(resource=self.name, parameters=parameters, watermark=checked_mark(watermark, times=self._server is not None))

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
        """How many rows it gives now."""
        sql = f"SELECT count(*) FROM (\n{self._statement.sql}\n) AS t"
        found: int = self._lend(lambda session: int(session.rows(sql, self._statement.values)[0][0]))
        return found

    def close(self) -> None:
        """Closes the connections that are kept open. The query may be used again: it opens new ones."""
        for database in (self._file, self._server):
            if database is not None:
                database.close()

    def __enter__(self) -> SqlQuery:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> SqlQuery:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await runtime().blocking(self.close)

    # ---------------------------------------------------------------- on a connection

    def _lend(self, work: Callable[[Any], T]) -> T:
        if self._server is not None:
            return self._server.lend(work, doing=_DOING)
        return self._opened_file.lend(work, doing=_DOING)

    @property
    def _opened_file(self) -> Database:
        assert self._file is not None
        return self._file

    def _horizon(self) -> Callable[[], Horizon] | None:
        return None if self._server is None or self._cursor is None else horizon_of(self._server, self._window, doing=_DOING)

    def _layout(self, session: Session) -> Layout:
        if self._server is None:
            names = names_of(session.connection.execute(f"SELECT * FROM (\n{self._statement.sql}\n) LIMIT 0", self._statement.values).description)
            return query_layout(self._statement, names, key=self._key or self._order, order=self._order, cursor=self._cursor, types=self._types)
        return server_layout(self._schema(session), key=self._key or self._order, order=self._order, cursor=self._cursor, types=self._types)

    def _schema(self, session: Any) -> ServerSchema:
        """What the columns are, asked without a row."""
        assert self._server is not None
        cursor = session.cursor()
        try:
            cursor.execute(f"SELECT * FROM (\n{self._statement.sql}\n) AS t LIMIT 0", self._statement.values)
            names_of(cursor.description)
            columns = dialect_of(self._server).described(cursor)
        finally:
            cursor.close()
        source = f"(\n{self._statement.sql}\n) AS t"
        return ServerSchema(name="the query", source=source, source_values=self._statement.values, columns=columns)

    def _open(self, watermark: Any) -> Opened:
        """Runs the query. The horizon comes first, in a transaction of its own: see ``horizon``."""
        horizon = self._horizon()
        taken = horizon() if horizon is not None else None
        statement, cursor = self._statement, None
        if self._cursor is not None:
            # Only now is it known what its values are.
            cursor = self._lend(self._layout).cursor
            assert cursor is not None
            statement = wrapped(statement, *bounded(cursor, watermark, self._window, taken))
        stream: ServerStream | FileStream
        stream = ServerStream(self._server, statement) if self._server is not None else FileStream(self._opened_file, statement)
        try:
            first = stream.fetch(self._page_size)
            names = names_of(stream.description)
            its: Mapping[str, ServerColumn] = {} if isinstance(stream, FileStream) else stream.columns()
            for name in self._types:
                if name not in names:
                    raise ConfigurationError(f"types=: the query has no column {name!r}; it has {', '.join(names)}")
            short = [f"CAST({name} AS DOUBLE)" for name in names if name in its and its[name].shortened]
            decoders = [
                (place, name, decode)
                for place, name in enumerate(names)
                if (decode := wanted_decoder(self._types.get(name), its[name].decode if name in its else None)) is not None
            ]
        except BaseException:
            stream.drop()
            raise
        notes = (f"MariaDB writes only six digits of FLOAT: select {', '.join(short)} where that is not all",) if short else ()
        return Opened(notes=notes, stream=stream, first=first, names=names, decoders=decoders, cursor=cursor, horizon=taken)


def _bound(value: Any, dialect: str) -> Any:
    """A parameter as the driver takes it, without a loss."""
    if isinstance(value, datetime) and value.tzinfo is not None and dialect != "postgresql":
        # Neither has a type for it; times are read in UTC.
        value = value.astimezone(UTC).replace(tzinfo=None)
    if dialect == "sqlite":
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        if isinstance(value, date | time):
            return value.isoformat()
        if value is not None and not isinstance(value, int | float | str | bytes):
            raise ConfigurationError(f"SqlQuery(params=…): SQLite takes numbers, text, bytes, dates and times, not {type(value).__name__}")
    return value
