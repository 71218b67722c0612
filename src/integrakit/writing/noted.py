"""Texts and a number for each, in a database without a name: what a plan must look up while it is made, in flat memory."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Mapping

from integrakit.errors import StoreError

__all__ = ["Noted"]

#: Values of one query; SQLite's own limit was 999 for long.
MANY = 900


class Noted:
    """text → number. SQLite keeps it in memory as long as it is small, and then in a temporary file that goes with the object."""

    def __init__(self) -> None:
        # Used from the runtime's worker threads, one after the other.
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._finalizer = weakref.finalize(self, self._connection.close)
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("CREATE TABLE noted (text TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID")

    def put(self, numbers: Mapping[str, int]) -> None:
        """Notes these, whatever was there. Raises `StoreError` when the disk is full."""
        try:
            with self._lock:
                self._connection.execute("BEGIN")
                self._connection.executemany("INSERT OR REPLACE INTO noted VALUES (?, ?)", numbers.items())
                self._connection.execute("COMMIT")
        except sqlite3.Error as problem:
            raise StoreError(f"the temporary file for a plan cannot be written: {problem}") from problem

    def get(self, texts: Iterable[str]) -> dict[str, int]:
        """Those of the texts that were noted."""
        wanted = list(texts)
        found: dict[str, int] = {}
        with self._lock:
            for start in range(0, len(wanted), MANY):
                part = wanted[start : start + MANY]
                marks = ", ".join("?" * len(part))
                found.update(self._connection.execute(f"SELECT text, number FROM noted WHERE text IN ({marks})", part).fetchall())
        return found

    def close(self) -> None:
        self._finalizer()
