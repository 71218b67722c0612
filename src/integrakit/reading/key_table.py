"""Two sets of keys on disk, and what is in one of them only. Bounded memory, whatever their size; used by anti-joins and sweeps. Blocks.

Keys are compared by type and value: 42 and "42" are two, and `KeyTable.lookalikes` finds such pairs, since they are nearly always a mistake.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Literal, TypeAlias, cast

from integrakit._json import unpack
from integrakit.errors import ConfigurationError, DecodeError, StoreError
from integrakit.reading.ties import key_texts_of

__all__ = ["MEMORY", "KeyTable", "Side"]

Side: TypeAlias = Literal["known", "alive"]

#: Bytes of memory before the keys go to a temporary file.
MEMORY = 32 << 20
#: Keys written in one transaction, and read at a time.
CHUNK = 10_000

_KEYS = "CREATE TABLE keys (text TEXT PRIMARY KEY, known INTEGER NOT NULL, alive INTEGER NOT NULL) WITHOUT ROWID"
#: The same for 42 and "42".
_LOOSE = """CASE WHEN length(text) > 2 AND substr(text, 1, 1) = '"' AND substr(text, -1) = '"' THEN substr(text, 2, length(text) - 2) ELSE text END"""


class KeyTable:
    """Key text → how often it was on either side. The file has no name and goes with the object.

    What is added is only written down; the first question sorts it. An index that is kept while keys come in any order costs several times as much
    as soon as it is larger than its memory.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        if isinstance(memory, bool) or not isinstance(memory, int) or memory < 1 << 20:
            raise ConfigurationError(f"memory= takes bytes, {1 << 20} (1 MiB) or more, not {memory!r}")
        # Used from the runtime's worker threads, one after the other.
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._finalizer = weakref.finalize(self, self._connection.close)
        self._lock = threading.Lock()
        self._unsorted = False
        self._counts: tuple[int, int, int, int] | None = None
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA temp_store = FILE",
            f"PRAGMA cache_size = -{memory >> 11}",  # and as much for sorting
            "CREATE TABLE came (text TEXT NOT NULL, known INTEGER NOT NULL, alive INTEGER NOT NULL)",
            _KEYS,
        ):
            self._connection.execute(statement)

    def add(self, side: Side, keys: Iterable[Any]) -> int:
        """Adds keys to a side; how many there were. Raises `DecodeError` for one that is none, and `StoreError` when the disk is full."""
        values = iter(keys)
        return sum(self.add_texts(side, _texts(chunk)) for chunk in iter(lambda: list(islice(values, CHUNK)), []))

    def add_texts(self, side: Side, texts: Iterable[str]) -> int:
        statement = f"INSERT INTO came VALUES (?, {'1, 0' if side == 'known' else '0, 1'})"
        count, values = 0, iter(texts)
        while chunk := [(text,) for text in islice(values, CHUNK)]:
            count += len(chunk)
            with self._writing():
                self._unsorted = True
                self._connection.execute("BEGIN")
                self._connection.executemany(statement, chunk)
                self._connection.execute("COMMIT")
        return count

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.ProgrammingError:  # it was closed
            raise
        except sqlite3.Error as problem:
            raise StoreError(f"the temporary file for keys cannot be written: {problem}") from problem

    def _sort(self) -> None:
        """Makes one row of each key, in their order, of what came since the last time."""
        if not self._unsorted:
            return
        with self._writing():
            for statement in (
                "BEGIN",
                "ALTER TABLE keys RENAME TO sorted",
                _KEYS,
                """INSERT INTO keys SELECT text, sum(known), sum(alive) FROM (SELECT * FROM sorted UNION ALL SELECT * FROM came)
                   GROUP BY text ORDER BY text""",
                "DROP TABLE sorted",
                "DELETE FROM came",
                "COMMIT",
            ):
                self._connection.execute(statement)
            self._unsorted = False

    def only(self, side: Side) -> Iterator[str]:
        """The texts of the keys that are on this side and not on the other, in their order."""
        other = "alive" if side == "known" else "known"
        after = ""
        while chunk := self._all(f"SELECT text FROM keys WHERE text > ? AND {side} > 0 AND {other} = 0 ORDER BY text LIMIT {CHUNK}", after):
            yield from (text for (text,) in chunk)
            after = chunk[-1][0]

    def count_only(self, side: Side) -> int:
        return self._counted()[0 if side == "known" else 1]

    def surplus(self, side: Side) -> int:
        """How many keys of this side came more than once, each time but the first."""
        return self._counted()[2 if side == "known" else 3]

    def _counted(self) -> tuple[int, int, int, int]:
        """Keys of one side only, and doubles: known, alive."""
        if self._counts is None or self._unsorted:
            row = self._all(
                "SELECT sum(known > 0 AND alive = 0), sum(alive > 0 AND known = 0), sum(max(known, 1)), sum(max(alive, 1)), count(*) FROM keys"
            )
            gone, new, known, alive, many = (number or 0 for number in row[0])
            self._counts = gone, new, known - many, alive - many
        return self._counts

    def lookalikes(self, limit: int = 10) -> tuple[int, list[tuple[Any, Any]]]:
        """How many known keys that are not alive read like one that is alive and not known, and some of these pairs."""
        if not self.count_only("known") or not self.count_only("alive"):
            return 0, []
        # Of two that read alike one is in quotes, so that there are no more than two.
        pairs = f"""SELECT max(CASE WHEN known > 0 THEN text END) AS one, max(CASE WHEN alive > 0 THEN text END) AS other
            FROM keys WHERE (known > 0) <> (alive > 0) GROUP BY {_LOOSE} HAVING one NOT NULL AND other NOT NULL"""
        with self._writing():
            self._connection.execute("DROP TABLE IF EXISTS temp.alike")
            self._connection.execute(f"CREATE TEMP TABLE alike AS {pairs}")
        count = int(self._all("SELECT count(*) FROM alike")[0][0])
        some = self._all(f"SELECT one, other FROM alike ORDER BY one LIMIT {int(limit)}")
        return count, [(key_of(one), key_of(other)) for one, other in some]

    def _all(self, statement: str, *values: Any) -> list[Any]:
        self._sort()
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        self._finalizer()


def key_of(text: str) -> Any:
    """The key that a text is of."""
    return int(text) if text.isdecimal() else unpack(text.encode())


def _texts(keys: list[Any]) -> list[str]:
    texts = key_texts_of(keys)
    if None in texts:
        key = keys[texts.index(None)]
        raise DecodeError(f"{key!r:.100} is no key: a key is a text, a number or another value that tells one record from all others", record=key)
    return cast("list[str]", texts)
