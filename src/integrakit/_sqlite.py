"""What every SQLite file of ours is opened with, and what its errors are told apart by. Which tables are in it is its owner's business.

Imported by those only who keep something in SQLite.
"""

from __future__ import annotations

import sqlite3
import time

__all__ = ["code_of", "write_ahead"]


def code_of(problem: sqlite3.Error) -> int:
    """The primary result code; 0 for an error that the Python module raises by itself."""
    return int(getattr(problem, "sqlite_errorcode", None) or 0) & 0xFF


def write_ahead(connection: sqlite3.Connection, durability: str, timeout: float) -> None:
    """Turns the write-ahead log on, flushed at each commit for ``durability="full"``. Waits ``timeout`` seconds for others who do the same."""
    _use_wal(connection, timeout)
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    if durability == "full":
        connection.execute("PRAGMA fullfsync = ON")  # macOS: without it the drive may keep the last writes in its cache


def _use_wal(connection: sqlite3.Connection, timeout: float) -> None:
    # SQLite does not wait by itself here when several processes open a new file at once.
    give_up = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as problem:
            if code_of(problem) != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up:
                raise
            time.sleep(0.01)
        else:
            return
