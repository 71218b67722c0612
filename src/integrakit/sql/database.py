"""Where the database is, and the connections to it.

Idle connections are kept and lent to one thread at a time, so worker threads that come and go leave none behind. A connection is never carried over a
fork, and never used once the file under its path is another one. What goes wrong inside sqlite3 gets its words here; no SQL of tables may live here.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from integrakit._locks import StateLock
from integrakit._sqlite import code_of
from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError, ReadError, WriteError

__all__ = ["Database", "FileHeld", "FileSession", "database_path", "leave_alone", "one_record", "translate"]

T = TypeVar("T")

_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_GIVE = '"sqlite:///file.db", a path ending in .db, .sqlite or .sqlite3, a pathlib.Path, or a SqliteStore'


def database_path(database: Any, who: str = "SqlTable") -> str:
    """The absolute path that a URL, a path or a SqliteStore stands for; raises `ConfigurationError` for everything else."""
    if callable(getattr(database, "commit_with", None)) and hasattr(database, "path"):
        database = Path(database.path)
    if isinstance(database, str):
        database = _from_text(database, who)
    if not isinstance(database, Path):
        hint = ": give the path of its file" if isinstance(database, sqlite3.Connection) else ""
        raise ConfigurationError(f"{who}(database) takes {_GIVE}, not {type(database).__name__}{hint}")
    if database.name in ("", ":memory:") or "\0" in str(database):
        raise ConfigurationError(f"{who}(database) takes a file, which {str(database)!r} is not: several connections must see the same tables")
    return os.path.abspath(database)


def _from_text(text: str, who: str) -> Path:
    scheme, found, rest = text.partition("://")
    if found:
        # The scheme alone is shown: the rest of a database URL may hold a password.
        if scheme.lower() != "sqlite":
            raise ConfigurationError(f"{who} does not know {scheme}://…: give {_GIVE}, postgresql://… or mysql://…")
        if not rest.startswith("/") or "?" in rest:
            raise ConfigurationError(
                f"{who}({text!r}): write sqlite:///relative.db or sqlite:////absolute.db, and options as arguments (timeout=…) instead of '?'"
            )
        return Path(rest[1:])
    if text.lower().endswith(_SUFFIXES):
        return Path(text)
    raise ConfigurationError(f"{who}({text!r}): give {_GIVE}")


def leave_alone(inherited: Any) -> None:
    """Keeps what was inherited through a fork for ever: closing it, as collecting does, would harm the parent's locks, its WAL or its transaction."""
    if sys.implementation.name == "cpython":
        import ctypes  # here: needed in forked children only

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


def _release(idle: list[tuple[sqlite3.Connection, tuple[int, int]]], process: int) -> None:
    while idle:
        connection = idle.pop()[0]
        if process == os.getpid():
            connection.close()
        else:
            leave_alone(connection)


class FileSession:
    """A connection inside a transaction that may only read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection: Any = connection

    def rows(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(statement, values).fetchall()
        return rows


class FileHeld:
    """A connection that was lent for reading, until `end` or `drop`."""

    def __init__(self, database: Database, connection: sqlite3.Connection, identity: tuple[int, int]) -> None:
        self._database = database
        self._connection, self._identity = connection, identity
        self._process = os.getpid()
        self.session = FileSession(connection)

    def end(self) -> None:
        """Ends the transaction, and gives the connection back."""
        try:
            self._connection.execute("COMMIT")
            self._connection.execute("PRAGMA query_only = OFF")
        except BaseException:
            self.drop()
            raise
        self._database.give_back(self._connection, self._identity, self._process)

    def drop(self) -> None:
        """Closes the connection, in the middle of its rows if need be."""
        _release([(self._connection, self._identity)], self._process)


class Database:
    """One SQLite file, and the idle connections to it. Thread-safe; may be used again after `close`."""

    def __init__(self, path: str, *, timeout: float, foreign_keys: bool) -> None:
        self.path = path
        self.timeout = self._timeout = timeout
        self._foreign_keys = foreign_keys
        self._start()
        self._guard = StateLock(self._forked).here

    def _start(self) -> None:
        self._idle: list[tuple[sqlite3.Connection, tuple[int, int]]] = []
        self._finalizer = weakref.finalize(self, _release, self._idle, os.getpid())

    def _forked(self) -> None:
        self._finalizer()
        self._start()

    @property
    def name(self) -> str:
        """What messages call it."""
        return os.path.basename(self.path)

    def exists(self) -> bool:
        """Whether the file is there. Raises `ConfigurationError` for a directory."""
        if os.path.isdir(self.path):
            raise ConfigurationError(f"{self.path} is a directory, not a SQLite database")
        return os.path.exists(self.path)

    def missing(self) -> ConfigurationError:
        """The error to raise for a file that is not there; it names files that may have been meant."""
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            return ConfigurationError(f"there is no directory {folder} for the database {self.name}")
        near = get_close_matches(self.name, sorted(os.listdir(folder)), n=3, cutoff=0.5)
        meant = f": did you mean {' or '.join(near)}?" if near else f" in {folder}"
        return ConfigurationError(f"there is no database {self.name}{meant} (only writing with create={{…}} makes a new one)")

    @contextmanager
    def connection(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """Lends a connection in autocommit mode. One that an exception passes through is rolled back and closed."""
        connection, identity = self._take(create)
        process = os.getpid()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self.give_back(connection, identity, process)

    def give_back(self, connection: sqlite3.Connection, identity: tuple[int, int], process: int) -> None:
        """Takes a connection that ``process`` had borrowed."""
        with self._guard():
            if process == os.getpid() and self._finalizer.alive:
                self._idle.append((connection, identity))
                return
        connection.close()

    def hold(self) -> FileHeld:
        """A connection in a transaction that may only read, until it is given back: SQLite refuses whatever would write, a function's doing, too."""
        connection, identity = self._take(create=False)
        try:
            connection.execute("PRAGMA query_only = ON")
            # The queries of one transaction see the same moment.
            connection.execute("BEGIN")
        except BaseException:
            connection.close()
            raise
        return FileHeld(self, connection, identity)

    def lend(self, work: Callable[[FileSession], T], *, doing: str) -> T:
        """Calls ``work`` with such a connection; raises errors of integrakit's own."""
        try:
            with self.reading() as session:
                return work(session)
        except sqlite3.Error as problem:
            raise translate(problem, doing=doing, database=self.name, timeout=self.timeout) from problem

    @contextmanager
    def reading(self) -> Iterator[FileSession]:
        """Lends such a connection."""
        held = self.hold()
        try:
            yield held.session
        except BaseException:
            held.drop()
            raise
        held.end()

    def _take(self, create: bool) -> tuple[sqlite3.Connection, tuple[int, int]]:
        if not self.exists() and not (create and os.path.isdir(os.path.dirname(self.path))):
            raise self.missing()
        identity = self._identity()
        with self._guard():
            if not self._finalizer.alive:
                self._start()
            while self._idle:
                connection, its = self._idle.pop()
                if its == identity:
                    return connection, its
                connection.close()
        return self._open(create)

    def _open(self, create: bool) -> tuple[sqlite3.Connection, tuple[int, int]]:
        uri = f"{Path(self.path).as_uri()}?mode={'rwc' if create else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA foreign_keys = {'ON' if self._foreign_keys else 'OFF'}")
            # Reads the file's header, so that a file that is no database is found here.
            connection.execute("PRAGMA schema_version").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection, self._identity()

    def _identity(self) -> tuple[int, int]:
        try:
            stat = os.stat(self.path)
        except FileNotFoundError:
            return (0, 0)
        return (stat.st_dev, stat.st_ino)

    def close(self) -> None:
        """Closes the idle connections; one that is lent out is closed when it comes back."""
        with self._guard():
            self._finalizer()


# ---------------------------------------------------------------- what goes wrong

_ERROR, _PERM, _BUSY, _LOCKED, _READONLY, _CORRUPT, _FULL, _CANTOPEN, _TOOBIG, _CONSTRAINT, _MISMATCH, _NOTADB = (
    1,
    3,
    5,
    6,
    8,
    11,
    13,
    14,
    18,
    19,
    20,
    26,
)

_WORDS = {
    _PERM: "permission denied",
    _BUSY: "it is locked by another writer, for longer than timeout={timeout:g} seconds: try again, or give a longer timeout",
    _LOCKED: "it is locked by another statement: try again",
    _READONLY: "the file is read-only",
    _CORRUPT: "the file is damaged: restore it, or run PRAGMA integrity_check",
    _FULL: "the disk is full",
    _CANTOPEN: "the file cannot be opened: look at its permissions and those of its directory",
}


def one_record(problem: sqlite3.Error) -> bool:
    """Whether the error is about one record's statement, as opposed to the database as a whole."""
    return code_of(problem) in (_ERROR, _TOOBIG, _CONSTRAINT, _MISMATCH) or isinstance(problem, sqlite3.ProgrammingError | sqlite3.InterfaceError)


def translate(problem: sqlite3.Error, *, doing: str, database: str, timeout: float) -> IntegrakitError:
    """The error of integrakit's own that says what ``problem`` means while ``doing`` ("reading orders", "writing to orders")."""
    code = code_of(problem)
    if code == _NOTADB:
        return ConfigurationError(f"{database} is not a SQLite database (or an encrypted one)")
    if "decode to UTF-8" in str(problem):
        return DecodeError(f"{doing} in {database}: a text is not UTF-8; repair it, or read it as CAST(… AS BLOB) through a view ({problem})")
    words = _WORDS[code].format(timeout=timeout) if code in _WORDS else str(problem)
    if code == _READONLY and doing.startswith("reading"):
        words = "reads are read-only, and this would write"
    nothing = "" if doing.startswith("reading") else "; nothing of this call was written"
    kind = ReadError if doing.startswith("reading") else WriteError
    return kind(f"{doing} in {database}: {words}{nothing}")
