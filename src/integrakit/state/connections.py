"""The SQLite connections of one store: opened late, one writer and one reader for each process, each used by one thread at a time.

Two and not one, so that reading never waits for a write or for another process that writes: measured, four reading threads beside a writing one do
forty thousand reads a second this way, and four hundred with one connection. One for each thread would read twice as fast still, but starves the
writer, and leaves connections behind in every pool thread. What SQLite says when it fails is put into words here, too.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from integrakit._sqlite import code_of, write_ahead
from integrakit.errors import StoreError
from integrakit.state.schema import is_current, migrate

__all__ = ["Channel", "Connections", "explain"]

# A file that grew under a long read shrinks back to this.
_JOURNAL_BYTES = 64 * 1024 * 1024


class Channel:
    """One connection and its lock: ``with channel as connection``. Opened on first use, and again after `discard`."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection], timeout: float, what: str) -> None:
        self._open = open_connection
        self._timeout = timeout
        self._what = what
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._shut = False

    def fetch(self, sql: str, values: Sequence[object]) -> list[Any]:
        """All rows of one SELECT. What ``with`` would do, in one call: a read of one row takes no longer than this."""
        self._acquire()
        try:
            return (self._connection or self._reopen()).execute(sql, values).fetchall()
        finally:
            self._owner = None
            self._lock.release()

    def __enter__(self) -> sqlite3.Connection:
        self._acquire()
        try:
            return self._connection or self._reopen()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()

    def _acquire(self) -> None:
        me = threading.get_ident()
        if self._owner == me:
            raise StoreError(
                f"this thread is {self._what} the store already: inside commit_with() return the operations instead of committing them, "
                "and in a signal handler use another store object"
            )
        if not self._lock.acquire(True, self._timeout):
            raise StoreError(f"another thread of this process has been {self._what} the store for {self._timeout:g} s: nothing was changed")
        self._owner = me

    def _reopen(self) -> sqlite3.Connection:
        if self._shut:
            raise StoreError("this store was closed by another thread: open it again")
        self._connection = self._open()
        return self._connection

    def shut(self) -> None:
        """Waits for the thread that uses it, then closes it for good."""
        self._acquire()
        try:
            self._shut = True
            self.discard()
        finally:
            self.__exit__()

    def discard(self) -> None:
        """Closes the connection; the next use opens a new one. Call it while holding the channel, or when nobody can."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Leaves a connection that was inherited through a fork open for ever.

        Closing it would roll back what the parent may be writing, in memory that both share, and may wait for a lock that no thread here holds.
        """
        connection, self._connection = self._connection, None
        if connection is not None and sys.implementation.name == "cpython":
            # Imported here: needed in forked children only.
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


class _Pair:
    """What one process has of a store."""

    def __init__(self, path: Path, durability: str, timeout: float) -> None:
        self.writer = Channel(lambda: _open_writer(path, durability, timeout), timeout, "writing to")
        self.reader = Channel(lambda: _open_reader(path, timeout), timeout, "reading from")


class Connections:
    """The pair of this process, whichever process this is: a forked child gets its own."""

    def __init__(self, path: Path, *, durability: str, timeout: float) -> None:
        self._path = path
        self._new: Callable[[], _Pair] = lambda: _Pair(path, durability, timeout)
        self._pairs: dict[int, _Pair] = {}
        # Stores that were never closed are closed when they are collected, or at exit.
        self._at_end = weakref.finalize(self, _release, self._pairs)

    @property
    def writer(self) -> Channel:
        return self._pair().writer

    @property
    def reader(self) -> Channel:
        return self._pair().reader

    def _pair(self) -> _Pair:
        pid = os.getpid()
        pair = self._pairs.get(pid)
        if pair is None:
            if not self._at_end.alive:
                raise StoreError(f"this store is closed: open {self._path} again")
            pair = self._pairs.setdefault(pid, self._new())
        return pair

    def check_open(self) -> None:
        """Raises `StoreError` once the store is closed."""
        self._pair()

    def close(self) -> None:
        """Waits for what other threads are doing, then closes the connections of this process. Closing twice is allowed."""
        pair = self._pairs.get(os.getpid())
        if pair is not None:
            pair.writer.shut()
            pair.reader.shut()
        self._at_end.detach()
        _release(self._pairs)


def _release(pairs: dict[int, _Pair]) -> None:
    while pairs:
        pid, pair = pairs.popitem()
        for channel in (pair.writer, pair.reader):
            if pid == os.getpid():
                channel.discard()
            else:
                channel.abandon()


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    # A new file is its owner's alone: it will hold records and tokens. SQLite gives its other files the same mode.
    with contextlib.suppress(OSError):  # it is there, or cannot be: SQLite says why
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False, cached_statements=256)


def _open_reader(path: Path, timeout: float) -> sqlite3.Connection:
    connection = _connect(path, timeout)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open_writer(path: Path, durability: str, timeout: float) -> sqlite3.Connection:
    connection = _connect(path, timeout)
    try:
        current = is_current(connection, str(path))
        write_ahead(connection, durability, timeout)
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        if not current:
            connection.execute("BEGIN IMMEDIATE")
            migrate(connection, str(path))
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


_WORDS = {
    sqlite3.SQLITE_FULL: "the disk, or the quota, is full: free some space and run again",
    sqlite3.SQLITE_READONLY: "the file or its directory may not be written to: change its permissions, or give the store another path",
    sqlite3.SQLITE_PERM: "the file may not be read: change its permissions, or give the store another path",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database: give the store a file of its own",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore it from a backup, or move it away to begin anew",
    sqlite3.SQLITE_IOERR: "the disk or the network drive failed, or a limit on file size was reached: check it and run again",
    sqlite3.SQLITE_TOOBIG: "a value is too big for SQLite (1 GB)",
}


def explain(problem: sqlite3.Error, path: Path, timeout: float) -> StoreError:
    """What SQLite said, in words that say what to do next. The caller chains the cause."""
    code = code_of(problem)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        reason = f"another process kept it locked for {timeout:g} s: find what writes to it, or raise timeout="
    elif code == sqlite3.SQLITE_CANTOPEN:
        reason = _why_not_open(path)
    else:
        reason = _WORDS.get(code, "SQLite refused")
    return StoreError(f"the store {path} cannot go on: {reason} ({problem}). What was committed before is kept")


def _why_not_open(path: Path) -> str:
    if path.is_dir():
        return "it is a directory: name a file in it"
    if not path.parent.is_dir():
        return f"its directory {path.parent} does not exist: make it first"
    return "the file cannot be opened or made there: check the permissions of the file and of its directory"
