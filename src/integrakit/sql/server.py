"""The database server behind a table or a query: its URL, its connections, and transactions that may only read.

The only file of this package that knows SQLAlchemy, of which it takes the pool and the drivers; statements go to the driver as they are, since rows
are read by the million. Engines of the caller's are used as they are, and get their connections back as they were.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError, IntegrakitError, ReadError
from integrakit.sql import mariadb, postgresql
from integrakit.sql.database import leave_alone
from integrakit.sql.failures import killed, translated
from integrakit.sql.layout import Row
from integrakit.state.sql_dialect import MARIADB, POSTGRESQL

__all__ = ["Held", "Server", "ServerSession", "file_of", "is_server"]

T = TypeVar("T")

_DIALECTS = {"postgresql": POSTGRESQL, "mysql": MARIADB, "mariadb": MARIADB}
_SCHEMES = ("postgresql", "postgres", "mysql", "mariadb")
_GIVE = '"postgresql://user:password@host/database", "mysql://…", "mariadb://…", or a SQLAlchemy engine for one of these'


def is_server(database: Any) -> bool:
    """Whether this is a URL of a database server, or an engine of SQLAlchemy's."""
    if isinstance(database, str):
        return database.partition("://")[0].partition("+")[0].lower() in _SCHEMES and "://" in database
    return hasattr(database, "get_backend_name") or (hasattr(database, "dialect") and hasattr(database, "url"))


def file_of(engine: Any) -> Path | None:
    """The file of an engine for SQLite, which is read through the standard library; None for other databases.

    Raises `ConfigurationError` for a database in memory.
    """
    if isinstance(engine, str) or (engine.url if hasattr(engine, "url") else engine).get_backend_name() != "sqlite":
        return None
    return Path((engine.url if hasattr(engine, "url") else engine).database or ":memory:")


class ServerSession:
    """Statements on one connection; `%s` stands for a value."""

    def __init__(self, connection: Any, *, driver: Any, adapts: bool, postgres: bool) -> None:
        self.connection = connection.connection
        #: The driver's module.
        self.driver = driver
        self._adapts = adapts
        self._postgres = postgres

    def cursor(self) -> Any:
        """A cursor of the driver's."""
        cursor = self.connection.cursor()
        if self._adapts:
            postgresql.adapt(self.driver, cursor)
        return cursor

    def rows(self, statement: str, values: Sequence[Any]) -> list[Row]:
        cursor = self.cursor()
        try:
            cursor.execute(statement, tuple(values))
            return self.fetched(cursor)
        finally:
            cursor.close()

    def fetched(self, cursor: Any) -> list[Row]:
        """All that a cursor has."""
        return postgresql.fetched(self.driver, cursor) if self._postgres else list(cursor.fetchall())

    def run(self, *statements: str) -> None:
        """Statements of ours, without values."""
        cursor = self.connection.cursor()
        try:
            for statement in statements:
                if self._postgres:
                    # Several statements in one text, which cannot be prepared.
                    cursor.execute(statement, None, prepare=False)
                else:
                    cursor.execute(statement)
        finally:
            cursor.close()


class Server:
    """Connections to one database, in whichever process this is: a forked child gets connections of its own."""

    def __init__(self, database: Any, *, timeout: float, statement_timeout: float | None, who: str) -> None:
        sqlalchemy = _sqlalchemy(who)
        self._errors = sqlalchemy.exc
        self._who = who
        self._timeout, self._statement_timeout = timeout, statement_timeout
        self._theirs = database if isinstance(database, sqlalchemy.engine.Engine) else None
        if self._theirs is None and hasattr(database, "sync_engine"):
            raise ConfigurationError(f"{who} takes an engine made by create_engine(), not an asynchronous one: it works in async code, too")
        self._url: Any = self._theirs.url if self._theirs is not None else _url(sqlalchemy, database, who)
        name = self._url.get_backend_name()
        if name not in _DIALECTS:
            raise ConfigurationError(f"{who} does not know {name} databases: give {_GIVE}, or a file of SQLite")
        self.dialect = _DIALECTS[name]
        self.postgres = self.dialect is POSTGRESQL
        driver = self._theirs.dialect.driver if self._theirs is not None else self._url.drivername.partition("+")[2]
        if driver != self.dialect.driver:
            raise ConfigurationError(
                f"{who} reads {self.dialect.name} through {self.dialect.driver}, not {driver}: write {name}+{self.dialect.driver}://…"
            )
        #: The database in messages: no user, no password, no options.
        port = f":{self._url.port}" if self._url.port else ""
        self.name = f"{name}://{self._url.host or 'localhost'}{port}/{self._url.database or ''}"
        self._lock = max(1, round(timeout * 1000))
        self._statement = 0 if statement_timeout is None else max(1, round(statement_timeout * 1000))
        self._engines: dict[int, tuple[Any, Any]] = {}
        self._guard = StateLock().here
        # What was never closed is closed when it is collected, or at exit.
        self._at_end = weakref.finalize(self, _release, self._engines, self._theirs is None)

    def is_same_as(self, other: Server) -> bool:
        """Whether a connection of either sees the same: one database, one user, the same options."""
        if self._theirs is not None or other._theirs is not None:
            return self._theirs is other._theirs
        return self.dialect is other.dialect and bool(self._url.set(drivername="same") == other._url.set(drivername="same"))

    # ------------------------------------------------------------------------------------------------ reading

    def lend(self, work: Callable[[Any], T], *, doing: str, transaction: bool = True) -> T:
        """Calls ``work`` with a session in a transaction that may only read, in which all queries see the same moment.

        ``transaction=False``: each statement is a transaction of its own.
        """
        held = self.hold(doing=doing, transaction=transaction)
        try:
            result = work(held.session)
        except BaseException as problem:
            held.failed(problem)
            if held.is_theirs(problem):
                raise held.told(problem) from problem
            raise
        held.end()
        return result

    def hold(self, *, doing: str, transaction: bool = True, long: bool = False) -> Held:
        """A connection in a transaction that may only read, until it is given back. ``long``: it will be kept over many pages."""
        for again in (True, False):
            connection = self._connect(doing)
            held = Held(self, connection, self._session(connection), doing)
            try:
                held.begin(self._begin(long) if transaction else ())
            except BaseException as problem:
                held.failed(problem)
                if again and held.lost:
                    # An idle connection that the server had closed meanwhile; the others are no better.
                    self._engine().dispose()
                    continue
                if held.is_theirs(problem):
                    raise held.told(problem) from problem
                raise
            return held
        raise AssertionError("unreachable")

    def _session(self, connection: Any) -> ServerSession:
        driver = self._engine().dialect.loaded_dbapi
        return ServerSession(connection, driver=driver, adapts=self.postgres and self._theirs is not None, postgres=self.postgres)

    def _begin(self, long: bool) -> Sequence[str]:
        if self.postgres:
            limit = f"; SET LOCAL statement_timeout = {self._statement}" if self._statement else ""
            idle = "; SET LOCAL idle_in_transaction_session_timeout = 0" if long else ""
            return (postgresql.BEGIN.format(lock=self._lock) + limit + idle,)
        mine = () if self._theirs is None else mariadb.settings(self._timeout, self._statement_timeout)
        return (*mine, *mariadb.begin(long))

    def restoring(self) -> Sequence[str]:
        """What ends a transaction."""
        if self.postgres:
            return ("ROLLBACK",)
        return ("ROLLBACK",) if self._theirs is None else ("ROLLBACK", *mariadb.restoring(self._statement_timeout))

    # ------------------------------------------------------------------------------------------------ connections

    def _connect(self, doing: str) -> Any:
        engine = self._engine()
        try:
            return engine.connect()
        except self._errors.TimeoutError as problem:
            raise ReadError(f"{doing} in {self.name}: all connections were busy for {self._timeout:g} s") from problem
        except self._errors.DBAPIError as problem:
            raise self._unreachable(problem.orig or problem, doing) from problem.orig
        except engine.dialect.loaded_dbapi.Error as problem:
            raise self._unreachable(problem, doing) from problem
        except (self._errors.SQLAlchemyError, RuntimeError) as problem:
            raise ReadError(f"{doing} in {self.name}: it cannot be opened ({type(problem).__name__})") from None

    def _unreachable(self, problem: BaseException, doing: str) -> IntegrakitError:
        found = translated(problem, doing=doing, database=self.name)
        if isinstance(found, ConfigurationError) or "the database refused" not in str(found):
            return found
        return ReadError(
            str(found).replace("the database refused", "it cannot be reached: check host, port and database in the URL, and that it runs")
        )

    def _engine(self) -> Any:
        with self._guard():
            found = self._engines.get(os.getpid())
            if found is None:
                if not self._at_end.alive:
                    self._at_end = weakref.finalize(self, _release, self._engines, self._theirs is None)
                found = self._engines[os.getpid()] = self._make()
            return found[1]

    def _make(self) -> tuple[Any, Any]:
        sqlalchemy = _sqlalchemy(self._who)
        if self._theirs is not None:
            if self._engines:  # those of the parent: not ours to use, nor to close
                self._theirs.dispose(close=False)
            return self._theirs, self._theirs.execution_options(isolation_level="AUTOCOMMIT")
        try:
            engine = sqlalchemy.create_engine(
                self._url, isolation_level="AUTOCOMMIT", hide_parameters=True, pool_timeout=self._timeout, pool_size=5, max_overflow=15
            )
        except ImportError as problem:
            raise ConfigurationError(
                f'{self.dialect.name} needs the driver {self.dialect.driver}, which is not installed: pip install "{self.dialect.install}"'
            ) from problem
        except (self._errors.ArgumentError, TypeError, ValueError):
            raise ConfigurationError(f"SQLAlchemy does not take the URL of {self.name}: check its options") from None

        # Nothing of `self`: an engine that leads back to it would keep it from being collected, and its connections open.
        settings = None if self.postgres else mariadb.settings(self._timeout, self._statement_timeout)

        driver = engine.dialect.loaded_dbapi

        def set_up(connection: Any, _: Any) -> None:
            if settings is None:
                postgresql.adapt(driver, connection)
                return
            with connection.cursor() as cursor:
                for statement in settings:
                    cursor.execute(statement)

        sqlalchemy.event.listen(engine, "connect", set_up)
        return engine, engine

    def is_lost(self, problem: BaseException, connection: Any) -> bool:
        """Whether the connection is gone."""
        try:
            return killed(problem) or bool(self._engine().dialect.is_disconnect(problem, connection.connection.dbapi_connection, None))
        except self._errors.SQLAlchemyError:
            return True

    @property
    def driver_error(self) -> Any:
        """The class of the driver's errors."""
        return self._engine().dialect.loaded_dbapi.Error

    def close(self) -> None:
        """Closes the idle connections of this process. It may be used again: it opens new ones."""
        self._at_end()


class Held:
    """One connection that was lent, until `end` or `failed`."""

    def __init__(self, server: Server, connection: Any, session: ServerSession, doing: str) -> None:
        self.server = self._server = server
        self._connection = connection
        self.session = session
        self._doing = doing
        self._process = os.getpid()
        self.lost = False

    def begin(self, statements: Sequence[str]) -> None:
        self.session.run(*statements)

    def end(self) -> None:
        """Ends the transaction, and gives the connection back."""
        try:
            self.session.run(*self._server.restoring())
        except BaseException as problem:
            self.failed(problem)
            if self.is_theirs(problem):
                raise self.told(problem) from problem
            raise
        self._connection.close()

    def failed(self, problem: BaseException) -> None:
        """Gives the connection back after an error: as it was, or closed where that cannot be."""
        self._look(problem)
        try:
            if self.lost or not isinstance(problem, Exception):
                self.drop()
            else:
                self.session.run(*self._server.restoring())
                self._connection.close()
        except Exception:  # noqa: BLE001  # the error that brought us here is the one to tell
            self.drop()

    def drop(self) -> None:
        """Closes the connection without a word to the server: for one that is gone, or in the middle of an answer."""
        if self._process != os.getpid():
            leave_alone(self)
        elif not self._connection.closed:
            self._connection.invalidate()
            self._connection.close()

    def _look(self, problem: BaseException) -> None:
        if not self._connection.closed:
            self.lost = self.is_theirs(problem) and self._server.is_lost(problem, self._connection)

    def is_theirs(self, problem: BaseException) -> bool:
        """Whether it is an error of the driver's."""
        return isinstance(problem, self._server.driver_error)

    def told(self, problem: BaseException) -> IntegrakitError:
        """The error of integrakit's own for one of the driver's."""
        self._look(problem)
        return translated(problem, doing=self._doing, database=self._server.name, lost=self.lost)


def _release(engines: dict[int, tuple[Any, Any]], ours: bool) -> None:
    # Engines inherited through a fork stay as they are: their connections are the parent's.
    engine = engines.pop(os.getpid(), None)
    if ours and engine is not None:
        engine[0].dispose()


def _sqlalchemy(who: str) -> Any:
    try:
        # An extra.
        import sqlalchemy
    except ImportError as problem:
        raise ConfigurationError(f'{who} needs SQLAlchemy for this database: pip install "integrakit[sql]"') from problem
    return sqlalchemy


def _url(sqlalchemy: Any, target: Any, who: str) -> Any:
    # No message here repeats the URL: it may hold a password.
    try:
        url = sqlalchemy.engine.make_url(target)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise ConfigurationError(f"this is no URL of a database: write {_GIVE}; special characters of a password as %40") from None
    name, _, driver = url.drivername.partition("+")
    name = "postgresql" if name == "postgres" else name
    if name in _DIALECTS:
        if not url.database:
            raise ConfigurationError(f"{who}: the URL names no database: add /database to its end")
        url = url.set(drivername=f"{name}+{driver or _DIALECTS[name].driver}")
    return url
