"""The log as a table of a SQLite file. One connection appends, under the lock of whoever calls; reading opens another for each chunk."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from integrakit._sqlite import code_of, write_ahead
from integrakit.audit.chain import NOTHING, Head, Stored, first, is_hash, link
from integrakit.errors import StoreError

__all__ = ["SqliteFile", "read_sqlite"]

#: "IKau" in the header of files that hold nothing but a log (``PRAGMA application_id``); "IKit" is that of a store.
APPLICATION_ID, STORE_ID = 0x494B6175, 0x494B6974
_CHUNK = 1000
_SHOWN = ("at", "kind", "call", "attempt", "actor", "method", "url", "status", "error", "microseconds", "request_hash", "response_hash", "request_id")
_TABLE = "CREATE TABLE IF NOT EXISTS integrakit_audit (seq INTEGER PRIMARY KEY, record TEXT NOT NULL, hash TEXT NOT NULL)"
_SCHEMA = (
    _TABLE,
    # Against mistakes, not against enemies: those are what the chain is for.
    """CREATE TRIGGER IF NOT EXISTS integrakit_audit_update BEFORE UPDATE ON integrakit_audit
        BEGIN SELECT RAISE(ABORT, 'an audit log is only appended to'); END""",
    """CREATE TRIGGER IF NOT EXISTS integrakit_audit_delete BEFORE DELETE ON integrakit_audit
        BEGIN SELECT RAISE(ABORT, 'an audit log is only appended to'); END""",
    "CREATE VIEW IF NOT EXISTS integrakit_audit_records AS SELECT seq, "
    + ", ".join(f"json_extract(record, '$.{name}') AS {name}" for name in _SHOWN)
    + " FROM integrakit_audit WHERE json_valid(record)",
)
_LAST = "SELECT seq, hash FROM integrakit_audit ORDER BY seq DESC LIMIT 1"
_FIRST_RECORD = "SELECT record FROM integrakit_audit ORDER BY seq LIMIT 1"
_LAST_RECORD = "SELECT record FROM integrakit_audit ORDER BY seq DESC LIMIT 1"
_INSERT = "INSERT INTO integrakit_audit (seq, record, hash) VALUES (?, ?, ?)"


class SqliteFile:
    """The end of the log that is written to. Not safe for threads: `Appender` sees to that."""

    def __init__(self, path: Path, durability: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        try:
            self._connection: sqlite3.Connection | None = _open(path, durability, timeout)
        except sqlite3.Error as problem:
            raise _explain(problem, path, timeout) from problem

    def append(self, drafts: Sequence[Mapping[str, Any]], at: str) -> tuple[int, Head]:
        """Writes them all or none; the number of the first one and the new head. ``at`` is the time of a first record, should there be none."""
        connection = self._connection
        if connection is None:
            raise StoreError(f"the audit log {self._path} is closed: open it again")
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                row = connection.execute(_LAST).fetchone()
                seq, previous = (-1, NOTHING) if row is None else (max(row[0], 0), row[1] if is_hash(row[1]) else NOTHING)
                rows = []
                begun = seq + 1
                for draft in ([first(at)] if row is None else []) + list(drafts):
                    seq += 1
                    data, hash = link(draft, seq, previous)
                    rows.append((seq, data.decode(), hash))
                    previous = hash
                connection.executemany(_INSERT, rows)
                log = _read(connection, _FIRST_RECORD, "log")
                last = str(drafts[-1]["at"]) if drafts else _read(connection, _LAST_RECORD, "at")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except OverflowError as problem:
            raise StoreError(f"the audit log {self._path} cannot go on: its last record has a number that none can follow") from problem
        except sqlite3.Error as problem:
            raise _explain(problem, self._path, self._timeout) from problem
        return begun, Head(log=log, seq=seq, hash=previous, at=last)

    def discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Leaves what was inherited through a fork open for ever: closing it would disturb what the parent may be writing."""
        connection, self._connection = self._connection, None
        if connection is not None and sys.implementation.name == "cpython":
            # Imported here: needed in forked children only.
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _open(path: Path, durability: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if owner not in (0, APPLICATION_ID, STORE_ID):
            raise StoreError(f"{path} is the database of another application (application_id {owner:#x}): give the audit log a file of its own")
        write_ahead(connection, durability, timeout)
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _read(connection: sqlite3.Connection, select: str, name: str) -> str:
    """One field of a record. Somebody may have put anything there: the log must open all the same, so that it can be verified."""
    try:
        value = json.loads(connection.execute(select).fetchone()[0])[name]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        return "unknown"
    return value if isinstance(value, str) and value else "unknown"


def read_sqlite(path: Path, timeout: float, after: int | None) -> Iterator[Stored]:
    """All that lies in the table, in the order of its numbers. Each chunk has a connection of its own, so nothing stays open in between."""
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
                # Bytes: whatever somebody put into the columns, it is looked at as it is.
                connection.text_factory = bytes
                connection.execute("PRAGMA query_only = ON")
                where = "" if after is None else "WHERE seq > ?"
                select = f"SELECT seq, record, hash FROM integrakit_audit {where} ORDER BY seq LIMIT {_CHUNK}"
                rows = connection.execute(select, () if after is None else (after,)).fetchall()
        except sqlite3.Error as problem:
            raise _explain(problem, path, timeout) from problem
        for seq, record, hash in rows:
            text = hash.decode("latin-1") if isinstance(hash, bytes) else str(hash)
            yield Stored(f"row {seq}", seq, record if isinstance(record, bytes) else None, text)
        if len(rows) < _CHUNK:
            return
        after = rows[-1][0]


_WORDS = {
    sqlite3.SQLITE_FULL: "the disk, or the quota, is full: free some space",
    sqlite3.SQLITE_READONLY: "the file or its directory may not be written to: change its permissions",
    sqlite3.SQLITE_PERM: "the file may not be read: change its permissions",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened or made: does its directory exist, and may it be written to?",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database: give the log a file of its own",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: keep it as it is, and begin a new one elsewhere",
    sqlite3.SQLITE_IOERR: "the disk or the network drive failed, or a limit on file size was reached",
}


def _explain(problem: sqlite3.Error, path: Path, timeout: float) -> StoreError:
    if code_of(problem) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"the audit log {path} was locked by another process for {timeout:g} s: find what holds it, or raise timeout=")
    return StoreError(f"the audit log {path} cannot go on: {_WORDS.get(code_of(problem), 'SQLite refused')} ({problem})")
