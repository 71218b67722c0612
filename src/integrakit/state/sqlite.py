"""The default store: one SQLite file, by the standard library alone.

Reading and the frame of a commit live here. What operations do is in `transaction`, connections and locks are in `connections`, tables in `schema`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from integrakit._json import unpack
from integrakit.clock import Clock, SystemClock
from integrakit.errors import ConfigurationError, StoreError
from integrakit.protocols import Entry, Operation, checked_text
from integrakit.state.arguments import check_clock, check_keys, check_range, pack_operations, prefix_end
from integrakit.state.connections import Connections, explain
from integrakit.state.transaction import Transaction

__all__ = ["SqliteStore"]

T = TypeVar("T")

# The + keeps SQLite from the index on expiry, which is there for clearing away only.
_DOCUMENT = "d.key, d.value, d.version, d.attributes"
_GET = f"SELECT {_DOCUMENT}, d.expires FROM integrakit_documents d WHERE d.space = ? AND d.key = ?"
_GET_MANY = f"SELECT {_DOCUMENT} FROM integrakit_documents d WHERE d.space = ? AND (+d.expires IS NULL OR +d.expires > ?) AND d.key IN "
_GET_COLUMNS = "SELECT key, value FROM integrakit_columns WHERE set_id = (SELECT id FROM integrakit_sets WHERE name = ?) AND key IN "
_SCAN_COLUMNS = """SELECT key, value FROM integrakit_columns WHERE set_id = (SELECT id FROM integrakit_sets WHERE name = ?) AND key {} ?
    ORDER BY key LIMIT ?"""
_COUNT_COLUMNS = "SELECT count(*) FROM integrakit_columns WHERE set_id = (SELECT id FROM integrakit_sets WHERE name = ?)"

# Keys of one SELECT: measured flat from 50 to 500. Two sizes only, padded, so that two prepared statements serve every call.
_FEW, _MANY = 10, 200
# A scan reads this many rows at a time, or fewer once they are this big together: memory stays flat and no read lasts.
_CHUNK, _CHUNK_BYTES = 1000, 1 << 20


class SqliteStore:
    """Keeps state in one SQLite file: WAL, safe for threads, for several processes on one machine, and across a fork.

    ``path``: the file; it is made if it does not exist, its directory is not. It may be the database of an application: the store's tables are
    named ``integrakit_…``. ``durability``: ``"normal"`` survives a crash of the process at any instruction, and may lose the last commits (never
    half of one) when the machine loses power; ``"full"`` survives that, too, and is about twenty times slower. ``clock`` says when documents with a
    ``ttl`` are over. ``timeout``: seconds to wait for other threads and processes that are writing.

    Raises `ConfigurationError` for wrong arguments, and `StoreError` where the file cannot be used (`StoreTooNew`: by this version).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Literal["normal", "full"] = "normal",
        clock: Clock | None = None,
        timeout: float = 30.0,
    ) -> None:
        if durability not in ("normal", "full"):
            raise ConfigurationError(f'durability must be "normal" or "full", not {durability!r}')
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 86_400:
            raise ConfigurationError(f"timeout must be seconds above 0 and up to a day, not {timeout!r}")
        self._path = _check_path(path)
        self._durability = durability
        self._timeout = timeout
        self._clock = SystemClock() if clock is None else check_clock(clock)
        self._connections = Connections(self._path, durability=durability, timeout=timeout)
        self._transact(lambda _: (None, ()), begin=False)

    @property
    def path(self) -> Path:
        """The file, as an absolute path."""
        return self._path

    def same_database(self, path: Any) -> bool:
        """Whether ``path`` is the file of this store, by whatever name (relative, through a link)."""
        try:
            return os.path.samefile(self._path, path)
        except (OSError, ValueError, TypeError):
            return False

    # ------------------------------------------------------------------------------------------------ reading

    def get(self, space: str, key: str) -> Entry | None:
        rows = self._read(_GET, (checked_text("space", space), checked_text("key", key)))
        if not rows:
            return None
        key, value, version, attributes, expires = rows[0]
        return _entry(space, key, value, version, attributes) if expires is None or expires > self._now() else None

    def get_many(self, space: str, keys: Iterable[str]) -> dict[str, Entry]:
        checked_text("space", space)
        found: dict[str, Entry] = {}
        wanted = check_keys("get_many()", keys)
        for part in _parts(wanted):
            for row in self._read(_GET_MANY + _marks(part), (space, self._now(), *part)):
                found[row[0]] = _entry(space, *row)
        return {key: found[key] for key in wanted if key in found}

    def scan(
        self,
        space: str,
        *,
        prefix: str = "",
        where: Mapping[str, str | int] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """See `integrakit.protocols.Store.scan`."""
        conditions = dict(check_range(space, prefix, where, after, limit))
        self._connections.check_open()  # not only at the first step of the iterator
        return self._walk(space, prefix, conditions, after, limit)

    def _walk(self, space: str, prefix: str, conditions: Mapping[str, str | int], after: str | None, limit: int | None) -> Iterator[Entry]:
        tables, matches, values, key = _conditions(space, conditions)
        end = prefix_end(prefix)
        if end is not None:
            matches += f" AND {key} < ?"
            values.append(end)
        sql = f"SELECT {_DOCUMENT} FROM {tables} WHERE {matches} AND (+d.expires IS NULL OR +d.expires > ?) AND {key} {{}} ? ORDER BY {key} LIMIT ?"
        from_prefix = after is None or after < prefix
        start = prefix if after is None or from_prefix else after
        for row in self._chunks(sql, lambda: (*values, self._now()), start, from_prefix, limit):
            yield _entry(space, *row)

    def get_columns(self, set: str, keys: Iterable[str]) -> dict[str, bytes]:
        checked_text("set", set)
        found: dict[str, bytes] = {}
        wanted = check_keys("get_columns()", keys)
        for part in _parts(wanted):
            found.update(self._read(_GET_COLUMNS + _marks(part), (set, *part)))
        return {key: found[key] for key in wanted if key in found}

    def scan_columns(self, set: str, *, after: str | None = None, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        """See `integrakit.protocols.Store.scan_columns`."""
        check_range(set, "", None, after, limit)
        self._connections.check_open()
        return self._chunks(_SCAN_COLUMNS, lambda: (set,), after or "", after is None, limit)

    def count_columns(self, set: str) -> int:
        rows = self._read(_COUNT_COLUMNS, (checked_text("set", set),))
        return int(rows[0][0])

    def _chunks(self, sql: str, values: Callable[[], tuple[Any, ...]], start: str, at_least: bool, limit: int | None) -> Iterator[Any]:
        """Rows in the order of their first column, from ``start`` on. No read is open while the consumer works."""
        left = limit
        while left is None or left > 0:
            size = _CHUNK if left is None else min(_CHUNK, left)
            rows, more = self._read_some(sql.format(">=" if at_least else ">"), (*values(), start, size), size)
            yield from rows
            if not more:
                return
            start, at_least = rows[-1][0], False
            left = None if left is None else left - len(rows)

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            return self._connections.reader.fetch(sql, values)
        except sqlite3.Error as problem:
            raise self._explain(problem) from problem

    def _read_some(self, sql: str, values: tuple[Any, ...], size: int) -> tuple[list[Any], bool]:
        rows: list[Any] = []
        weight = 0
        try:
            with self._connections.reader as connection:
                cursor = connection.execute(sql, values)
                try:
                    for row in cursor:
                        rows.append(row)
                        weight += len(row[1])
                        if weight > _CHUNK_BYTES:
                            return rows, True
                finally:
                    cursor.close()
        except sqlite3.Error as problem:
            raise self._explain(problem) from problem
        return rows, len(rows) == size

    # ------------------------------------------------------------------------------------------------ writing

    def commit(self, operations: Sequence[Operation]) -> None:
        """See `integrakit.protocols.Store.commit`."""
        packed = pack_operations(operations)
        self._transact(lambda _: (None, packed), begin=bool(packed))

    def commit_with(self, work: Callable[[sqlite3.Connection], tuple[T, Sequence[Operation]]]) -> T:
        """See `integrakit.protocols.TransactionalStore.commit_with`. ``connection`` is a `sqlite3.Connection` in the middle of a transaction."""

        def prepared(connection: sqlite3.Connection) -> tuple[T, Sequence[tuple[Operation, bytes]]]:
            answer = work(connection)
            if not isinstance(answer, tuple) or len(answer) != 2:
                raise ConfigurationError(f"the work of commit_with() must return (result, operations), not a {type(answer).__name__}")
            connection.row_factory, connection.text_factory = None, str  # what the work wanted of them is not for us
            if not connection.in_transaction:
                raise StoreError("the work of commit_with() ended the transaction: it must not commit, roll back or use executescript()")
            return answer[0], pack_operations(answer[1])

        return self._transact(prepared)

    def _transact(self, work: Callable[[sqlite3.Connection], tuple[T, Sequence[tuple[Operation, bytes]]]], *, begin: bool = True) -> T:
        ours = True
        try:
            with self._connections.writer as connection:
                if not begin:
                    return work(connection)[0]
                connection.execute("BEGIN IMMEDIATE")
                try:
                    ours = False
                    result, packed = work(connection)
                    ours = True
                    Transaction(connection, self._now()).apply(packed)
                    connection.execute("COMMIT")
                except BaseException:
                    self._roll_back(connection)
                    raise
                return result
        except sqlite3.Error as problem:
            if not ours:
                raise
            raise self._explain(problem) from problem

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        connection.row_factory, connection.text_factory = None, str
        try:
            if connection.in_transaction:  # after some failures SQLite has rolled back by itself
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            # Closing rolls back too; the next commit opens a new connection. The error that brought us here is the one to tell.
            self._connections.writer.discard()

    def close(self) -> None:
        """Closes the file, after what other threads are doing. A closed store refuses to be used; closing twice is allowed."""
        try:
            self._connections.close()
        except sqlite3.Error as problem:
            raise self._explain(problem) from problem

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._path)!r}, durability={self._durability!r})"

    def _now(self) -> float:
        return self._clock.wall().timestamp()

    def _explain(self, problem: sqlite3.Error) -> StoreError:
        return explain(problem, self._path, self._timeout)


def _check_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"path must be the path of a file, not a {type(path).__name__}")
    text = os.fsdecode(path)
    if text in ("", ":memory:"):
        raise ConfigurationError(f"path must name a file, not {text!r}: use MemoryStore() to keep nothing")
    if "\0" in text:
        raise ConfigurationError(f"path must not contain a NUL: {text!r}")
    return Path(os.path.abspath(text))


def _parts(keys: list[str]) -> Iterator[list[str]]:
    """In pieces of two sizes; the last is filled up by repeating its last key, which changes no answer."""
    for start in range(0, len(keys), _MANY):
        part = keys[start : start + _MANY]
        size = _FEW if len(part) <= _FEW else _MANY
        yield part + part[-1:] * (size - len(part))


def _marks(part: list[str]) -> str:
    return "(?" + ", ?" * (len(part) - 1) + ")"


def _conditions(space: str, conditions: Mapping[str, str | int]) -> tuple[str, str, list[Any], str]:
    """FROM, WHERE, its values, and the column to walk along: the index of the first attribute, if any; the others are looked up row by row."""
    tables, matches = "integrakit_documents d", "d.space = ?"
    values: list[Any] = [space]
    for number, (name, value) in reversed(list(enumerate(conditions.items()))):
        alias, other = f"a{number}", "d" if number == 0 else "a0"
        tables = f"integrakit_attributes {alias} CROSS JOIN {tables}"
        matches = f"{alias}.space = ? AND {alias}.name = ? AND {alias}.value = ? AND {other}.key = {alias}.key AND {matches}"
        values = [space, name, value, *values]
    return tables, matches, values, "a0.key" if conditions else "d.key"


def _entry(space: str, key: str, value: bytes, version: int, attributes: str | None) -> Entry:
    try:
        return Entry(unpack(value), version, key, json.loads(attributes) if attributes else {})
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise StoreError(f"{space}/{key} holds something that this store never wrote: delete it, or restore the file from a backup") from problem
