"""Records of many levels, kept until they are put together: a temporary SQLite database of one read. Memory is its cache; beyond that it is on disk.

Who is whose child, twice there, or without a parent is answered here; what a child is called in its parent is not known.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from integrakit._json import pack, unpack
from integrakit.errors import ReadError

__all__ = ["Family", "Member"]

#: Kilobytes of the database that stay in memory.
CACHE = 32_000
#: Parents asked for in one statement; SQLite takes 999 parameters everywhere.
_AT_ONCE = 500


class Member(NamedTuple):
    """One record as it came: its number, its own id and its parent's (packed, None where there is none), and itself."""

    number: int
    id: bytes | None
    parent: bytes | None
    record: Any


class Family:
    """The records of one read. Nothing but it knows the file, which is gone when it is closed."""

    def __init__(self) -> None:
        # An empty name: a database of its own, in memory until the cache is full, and then in a file that nobody else can open.
        self._database: sqlite3.Connection | None = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._run(f"PRAGMA cache_size = -{CACHE}")
        self._run("PRAGMA temp_store = FILE")
        self._run("PRAGMA journal_mode = OFF")
        self._run("CREATE TABLE member (number INTEGER PRIMARY KEY, id BLOB, parent BLOB, record BLOB)")

    def add(self, members: Sequence[Member]) -> None:
        """Keeps the records of a page."""
        rows = [(number, id, parent, pack(record)) for number, id, parent, record in members]
        with self._failures() as database:
            database.execute("BEGIN")
            database.executemany("INSERT INTO member VALUES (?, ?, ?, ?)", rows)
            database.execute("COMMIT")

    def settle(self) -> int:
        """Everything is there: makes it ready to be asked, and says how many came twice.

        The same record under two parents is there twice by right, unless it has children: whose they are cannot be told. They are the first one's.
        """
        self._run("CREATE INDEX by_parent ON member (parent, number) WHERE parent IS NOT NULL")
        self._run("CREATE INDEX by_id ON member (id, parent, number) WHERE id IS NOT NULL")
        twice = self._run("SELECT id FROM member WHERE id IS NOT NULL GROUP BY id HAVING COUNT(*) > 1 LIMIT 1")
        if not twice:
            return 0
        ((doubled,),) = self._run(
            "SELECT COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM member AS child WHERE child.parent = same.id) THEN came - 1 ELSE again END), 0) "
            "FROM (SELECT id, COUNT(*) AS came, COUNT(*) - COUNT(DISTINCT COALESCE(parent, x'')) AS again FROM member WHERE id IS NOT NULL "
            "GROUP BY id HAVING COUNT(*) > 1) AS same"
        )
        self._run(
            "UPDATE member SET id = NULL WHERE id IS NOT NULL AND number > (SELECT MIN(number) FROM member AS first WHERE first.id = member.id)"
        )
        return int(doubled)

    def roots(self, after: int, most: int) -> list[Member]:
        """Records without a parent, in the order they came."""
        rows = self._run("SELECT number, id, parent, record FROM member WHERE parent IS NULL AND number > ? ORDER BY number LIMIT ?", after, most)
        return [_member(row) for row in rows]

    def children(self, parents: Iterable[bytes]) -> list[Member]:
        """The children of all of them, in the order they came."""
        wanted = list(parents)
        found: list[Member] = []
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            found += map(_member, self._run(f"SELECT number, id, parent, record FROM member WHERE parent IN ({marks})", *part))
        return sorted(found, key=_number)

    def orphans(self, most: int) -> tuple[int, int, list[Member]]:
        """How many records have a parent that never came, how many came with them below, and a few of them."""
        lost = "parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM member AS elder WHERE elder.id = member.parent)"
        ((count,),) = self._run(f"SELECT COUNT(*) FROM member WHERE {lost}")
        if not count:
            return 0, 0, []
        ((below,),) = self._run(
            f"WITH RECURSIVE line (number, id) AS (SELECT number, id FROM member WHERE {lost} "
            "UNION SELECT child.number, child.id FROM line JOIN member AS child ON child.parent = line.id) SELECT COUNT(*) FROM line"
        )
        rows = self._run(f"SELECT number, id, parent, record FROM member WHERE {lost} ORDER BY number LIMIT ?", most)
        return int(count), int(below), [_member(row) for row in rows]

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with self._failures() as database:
            return database.execute(statement, values).fetchall()

    @contextmanager
    def _failures(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._database is None:
                raise ReadError("this read was closed before its end: begin a new one")
            try:
                yield self._database
            except sqlite3.Error as problem:
                raise ReadError(
                    f"the records to be put together could not be kept in a temporary file ({problem}): SQLITE_TMPDIR or TMPDIR names a directory "
                    "with room for them"
                ) from problem

    def close(self) -> None:
        """Forgets everything. Closing twice is no error."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def __del__(self) -> None:
        if getattr(self, "_database", None) is not None:
            self.close()


def _member(row: Any) -> Member:
    number, id, parent, record = row
    return Member(number, id, parent, unpack(record))


def _number(member: Member) -> int:
    return member.number
