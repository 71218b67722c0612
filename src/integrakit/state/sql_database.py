"""The database behind a `SqlStore`: its URL, its connections, and transactions that begin, end and are tried again.

The only file of the stores that knows SQLAlchemy, which is loaded when a store is opened. What statements say is the business of the files beside it.
"""

from __future__ import annotations

import os
import random
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError, StoreError
from integrakit.state.sql_dialect import KILLED, MARIADB, POSTGRESQL, RETRIED, code_of, reason_for

__all__ = ["Database", "Session"]

T = TypeVar("T")

_DIALECTS = {"postgresql": POSTGRESQL, "mysql": MARIADB, "mariadb": MARIADB}
_GIVE = '"postgresql://user:password@host/database", "mysql://…", "mariadb://…", or a SQLAlchemy engine for one of these'
# Locks are taken in one order, so that deadlocks are rare; losing so many in a row means that something else locks these tables.
_ATTEMPTS = 10


class Session:
    """Statements on one connection. A value that is a list goes into ``IN :name``."""

    def __init__(self, connection: Any, statement: Callable[[str, Mapping[str, Any]], Any]) -> None:
        self._connection = connection
        self._statement = statement

    def rows(self, sql: str, values: Mapping[str, Any]) -> Sequence[Any]:
        rows: Sequence[Any] = self._connection.execute(self._statement(sql, values), values).fetchall()
        return rows

    def run(self, sql: str, values: Sequence[Mapping[str, Any]] | None = None) -> None:
        """One statement: once, or once for each of ``values``."""
        if values is None:
            self._connection.execute(self._statement(sql, {}))
        elif values:
            self._connection.execute(self._statement(sql, values[0]), values if len(values) > 1 else values[0])


class Database:
    """Connections to one database, in whichever process this is: a forked child gets connections of its own."""

    def __init__(self, target: Any, *, timeout: float) -> None:
        sqlalchemy = _sqlalchemy()
        self._errors = sqlalchemy.exc
        self._text, self._bindparam = sqlalchemy.text, sqlalchemy.bindparam
        self._timeout = timeout
        self._statements: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._theirs = target if isinstance(target, sqlalchemy.engine.Engine) else None
        self._url: Any = target.url if self._theirs is not None else _url(sqlalchemy, target)
        name = self._url.get_backend_name()
        if name not in _DIALECTS:
            hint = "SqliteStore(path) is for that" if name == "sqlite" else f"give {_GIVE}"
            raise ConfigurationError(f"SqlStore does not know {name} databases: {hint}")
        self.dialect = _DIALECTS[name]
        if not self._url.database and self.dialect is MARIADB:
            raise ConfigurationError("the URL names no database: add /database to its end")
        #: The database in messages: no user, no password, no options.
        port = f":{self._url.port}" if self._url.port else ""
        self.shown = f"{name}://{self._url.host or 'localhost'}{port}/{self._url.database or ''}"
        self._engines: dict[int, tuple[Any, Any]] = {}
        # Stores that were never closed are closed when they are collected, or at exit.
        self._at_end = weakref.finalize(self, _release, self._engines, self._theirs is None)

    def _engine(self) -> Any:
        pid = os.getpid()
        found = self._engines.get(pid)
        if found is None:
            self.check_open()
            found = self._engines.setdefault(pid, self._make())
        return found[1]

    def _make(self) -> tuple[Any, Any]:
        sqlalchemy = _sqlalchemy()
        if self._theirs is not None:
            if self._engines:  # those of the parent: not ours to use, nor to close
                self._theirs.dispose(close=False)
            return self._theirs, self._theirs.execution_options(isolation_level="AUTOCOMMIT")
        try:
            engine = sqlalchemy.create_engine(
                self._url, isolation_level="AUTOCOMMIT", hide_parameters=True, pool_timeout=self._timeout, pool_size=5, max_overflow=15
            )
        except ImportError as problem:
            driver = self._url.drivername.partition("+")[2]
            what = f'pip install "{self.dialect.install}"' if driver == self.dialect.driver else "install it"
            raise ConfigurationError(f"{self.dialect.name} needs the driver {driver}, which is not installed: {what}") from problem
        except (self._errors.ArgumentError, TypeError, ValueError):
            raise ConfigurationError(f"SQLAlchemy does not take the URL of {self.shown}: check its driver and its options") from None
        milliseconds = round(self._timeout * 1000)
        settings = [each.format(milliseconds=milliseconds, seconds=max(1, milliseconds // 1000)) for each in self.dialect.session]

        def set_up(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for setting in settings:
                cursor.execute(setting)
            cursor.close()
            connection.commit()

        sqlalchemy.event.listen(engine, "connect", set_up)
        return engine, engine

    def _statement(self, sql: str, values: Mapping[str, Any]) -> Any:
        lists = tuple(name for name, value in values.items() if isinstance(value, list))
        statement = self._statements.get((sql, lists))
        if statement is None:
            statement = self._text(sql)
            if lists:
                statement = statement.bindparams(*(self._bindparam(name, expanding=True) for name in lists))
            self._statements[sql, lists] = statement
        return statement

    # ------------------------------------------------------------------------------------------------ reading and writing

    def read(self, sql: str, values: Mapping[str, Any]) -> Sequence[Any]:
        return self._try(lambda session, _: session.rows(sql, values))

    def aside(self, work: Callable[[Session], T]) -> T:
        """Runs ``work`` on one connection, outside of any transaction."""
        return self._try(lambda session, _: work(session))

    def transact(self, work: Callable[[Session], T]) -> T:
        """Runs ``work`` in a transaction, again from its start where the database gave up on a deadlock, or had dropped an idle connection."""

        def attempt(session: Session, connection: Any) -> T:
            session.run(self.dialect.begin)
            try:
                result = work(session)
            except BaseException as problem:
                self._roll_back(session, connection, broken=not isinstance(problem, Exception))
                raise
            try:
                session.run("COMMIT")
            except self._errors.DBAPIError as problem:
                if problem.connection_invalidated or code_of(problem.orig) in KILLED:
                    connection.invalidate()
                    raise StoreError(
                        f"the connection to the store {self.shown} was lost in the middle of a commit: it is not known whether it was kept. "
                        "Read before writing again"
                    ) from problem.orig
                self._roll_back(session, connection, broken=False)
                raise
            except BaseException:
                connection.invalidate()  # cut off in the middle: nobody knows what it would answer next
                raise
            return result

        return self._try(attempt)

    def _roll_back(self, session: Session, connection: Any, *, broken: bool) -> None:
        try:
            if broken:
                connection.invalidate()
            elif not connection.invalidated:
                session.run("ROLLBACK")
        except self._errors.SQLAlchemyError:
            connection.invalidate()  # closing rolls back, too; the error that brought us here is the one to tell

    def _connect(self) -> Any:
        engine = self._engine()
        try:
            return engine.connect()
        except engine.dialect.loaded_dbapi.Error:
            # Told as it is only where a connection of the caller's engine is switched to our mode, and was dead: the others may be, too.
            engine.dispose()
            try:
                return engine.connect()
            except engine.dialect.loaded_dbapi.Error as problem:
                raise StoreError(f"the store {self.shown} cannot go on: the connection was lost, twice ({type(problem).__name__})") from problem

    def _try(self, work: Callable[[Session, Any], T]) -> T:
        lost = False
        for left in reversed(range(_ATTEMPTS)):
            self.check_open()
            try:
                with self._connect() as connection:
                    try:
                        return work(Session(connection, self._statement), connection)
                    except self._errors.DBAPIError as problem:
                        if code_of(problem.orig) in KILLED and not connection.invalidated:
                            connection.invalidate()
                            problem.connection_invalidated = True
                        raise
            except self._errors.DBAPIError as problem:
                again = code_of(problem.orig) in RETRIED
                if problem.connection_invalidated and not lost:  # an idle connection that the server had closed; the pool is empty now
                    lost = again = True
                if not again or not left:
                    raise self._explain(problem) from problem.orig
            except self._errors.TimeoutError as problem:
                raise StoreError(f"all connections to the store {self.shown} were busy for {self._timeout:g} s: nothing was changed") from problem
            except self._errors.SQLAlchemyError as problem:
                raise StoreError(f"the store {self.shown} cannot go on ({type(problem).__name__})") from None
            except RuntimeError as problem:  # PyMySQL, where it lacks a package for the server's way to log in
                raise StoreError(f"the store {self.shown} cannot be opened: {problem}") from None
            time.sleep(random.uniform(0, 0.02))  # not together with whom it collided
        raise AssertionError("unreachable")

    def _explain(self, problem: Any) -> StoreError:
        said = str(problem.orig).splitlines() or [""]
        if (reason := reason_for(problem.orig)) is None:
            if problem.connection_invalidated:
                reason = "the connection was lost, twice (MariaDB also hangs up on what is bigger than its max_allowed_packet)"
            elif problem.statement is None:
                reason = "it cannot be reached: check host, port and database in the URL, and that the server runs"
            else:
                reason = f"{self.dialect.name} refused"
        said_by = f"{type(problem.orig).__name__}: {said[0]}"
        return StoreError(f"the store {self.shown} cannot go on: {reason} ({said_by}). What was committed before is kept")

    # ------------------------------------------------------------------------------------------------ the end

    def check_open(self) -> None:
        """Raises `StoreError` once the store is closed."""
        if not self._at_end.alive:
            raise StoreError(f"this store is closed: open {self.shown} again")

    def close(self) -> None:
        """Closes the connections of this process; those that other threads use close when they are done. Closing twice is allowed."""
        self._at_end()


def _release(engines: dict[int, tuple[Any, Any]], ours: bool) -> None:
    # Engines inherited through a fork stay as they are: their connections are the parent's.
    engine = engines.pop(os.getpid(), None)
    if ours and engine is not None:
        engine[0].dispose()


def _sqlalchemy() -> Any:
    try:
        # An extra.
        import sqlalchemy
    except ImportError as problem:
        raise ConfigurationError('SqlStore needs SQLAlchemy: pip install "integrakit[sql]"') from problem
    return sqlalchemy


def _url(sqlalchemy: Any, target: Any) -> Any:
    # No message here repeats the URL: it may hold a password.
    if not isinstance(target, str | sqlalchemy.engine.URL):
        raise ConfigurationError(f"SqlStore takes {_GIVE}; not a {type(target).__name__}")
    try:
        url = sqlalchemy.engine.make_url(target)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise ConfigurationError(f"this is no URL of a database: write {_GIVE}; special characters of a password as %40") from None
    name, _, driver = url.drivername.partition("+")
    name = "postgresql" if name == "postgres" else name
    if name in _DIALECTS:
        url = url.set(drivername=f"{name}+{driver or _DIALECTS[name].driver}")
    elif name != "sqlite":
        raise ConfigurationError(f"SqlStore does not know {name} databases: give {_GIVE}")
    return url
