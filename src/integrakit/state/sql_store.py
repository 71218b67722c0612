"""State in PostgreSQL, MariaDB or MySQL: the store for several machines.

Arguments and reading live here. What a commit does is in `sql_transaction`, tables in `sql_schema`, connections and transactions in `sql_database`.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from integrakit._json import unpack
from integrakit.clock import Clock
from integrakit.errors import ConfigurationError, StoreError
from integrakit.protocols import Entry, Operation, checked_text
from integrakit.state.arguments import check_clock, check_keys, check_range, pack_operations, prefix_end
from integrakit.state.sql_database import Database
from integrakit.state.sql_schema import SqlPlace, Tables, migrate, place_of
from integrakit.state.sql_transaction import BATCH, SqlTransaction, term_of

__all__ = ["SqlStore"]

# A scan reads this many rows first, and then as many as made up about this many bytes: memory stays flat and no read lasts.
_CHUNK, _MOST, _CHUNK_BYTES = 100, 1000, 1 << 20


class SqlStore:
    """Keeps state in a PostgreSQL, MariaDB or MySQL database (InnoDB): for threads, processes and machines, and across a fork.

    ``database``: a URL (``"postgresql://user:password@host/database"``, ``"mysql://…"``, ``"mariadb://…"``; by psycopg or pymysql, unless it names
    another synchronous driver), a SQLAlchemy URL, or an engine, which stays the caller's to dispose of. ``prefix`` begins the names of the tables;
    ``schema`` is where in PostgreSQL they are (the first of the search path, unless told). ``clock`` says when documents with a ``ttl`` are over:
    the *database's* clock unless told, since the clocks of several machines differ. ``timeout``: seconds to wait for a connection and for other
    commits; with an engine the waiting for commits is as the server has it.

    Raises `ConfigurationError` for wrong arguments and a missing driver, and `StoreError` where the database cannot be used (`StoreTooNew`: by this
    version). No message shows the user or the password.
    """

    def __init__(
        self, database: Any, *, prefix: str = "integrakit_", schema: str | None = None, clock: Clock | None = None, timeout: float = 30.0
    ) -> None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 86_400:
            raise ConfigurationError(f"timeout must be seconds above 0 and up to a day, not {timeout!r}")
        self._clock = None if clock is None else check_clock(clock)
        self._database = Database(database, timeout=timeout)
        self._dialect = self._database.dialect
        self._prefix = prefix
        self._tables = Tables.named(self._dialect, prefix, schema)
        self._alive = f"(d.expires IS NULL OR d.expires > {self._dialect.now if clock is None else ':now'})"
        try:
            migrate(self._database, self._tables, timeout)
        except BaseException:
            self._database.close()
            raise

    # ------------------------------------------------------------------------------------------------ reading

    def get(self, space: str, key: str) -> Entry | None:
        return self.get_many(space, (key,)).get(key)

    def get_many(self, space: str, keys: Iterable[str]) -> dict[str, Entry]:
        checked_text("space", space)
        wanted = check_keys("get_many()", keys)
        self._database.check_open()
        return {key: _entry(space, key, *rest) for key, rest in self._documents(space, wanted)}

    def _documents(self, space: str, keys: list[str]) -> Iterator[tuple[str, Sequence[Any]]]:
        sql = f"""SELECT d.digest, d.name, d.value, d.version, d.attributes FROM {self._tables.documents} d
            WHERE d.place = :place AND d.digest IN :digests AND d.name IN :names AND {self._alive}"""
        return self._pick(sql, place_of(space), keys, self._now)

    def _pick(self, sql: str, place: bytes, keys: list[str], more: Callable[[], dict[str, Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
        """Those of ``keys`` that are there, in their order, with the columns after (digest, name)."""
        for start in range(0, len(keys), BATCH):
            part = {key: SqlPlace.of(place, key) for key in keys[start : start + BATCH]}
            digests, names = sorted({each.digest for each in part.values()}), sorted({each.name for each in part.values()})
            # Filled up to two sizes, by repeating, so that two prepared statements serve nearly every call.
            names += names[-1:] * ((1 if len(part) == 1 else BATCH) - len(names))
            rows = self._database.read(sql, {"place": place, "digests": digests, "names": names} | more())
            found = {(bytes(row[0]), bytes(row[1])): row[2:] for row in rows}
            for key, each in part.items():
                if (rest := found.get((each.digest, each.name))) is not None:
                    yield key, rest

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
        self._database.check_open()  # not only at the first step of the iterator
        terms = {f"term{number}": term_of(space, name, value) for number, (name, value) in enumerate(conditions.items())}
        tables = f"{self._tables.documents} d"
        matches = f"d.place = :place AND {self._alive}"
        for number, term in enumerate(terms):
            first = "d" if number == 0 else "a0"
            alias = f"a{number}"
            tables = f"{tables} JOIN {self._tables.attributes} {alias} ON {alias}.digest = {first}.digest AND {alias}.name = {first}.name"
            matches = f"{alias}.term = :{term} AND {matches}"
        walk = _Walk(tables, matches, "a0" if terms else "d", "d.value, d.version, d.attributes", {"place": place_of(space), **terms})
        rows = self._walk(walk, prefix, after, limit, self._now, lambda keys: self._documents(space, keys))
        return (_entry(space, key, *rest) for key, rest in rows)

    def get_columns(self, set: str, keys: Iterable[str]) -> dict[str, bytes]:
        checked_text("set", set)
        wanted = check_keys("get_columns()", keys)
        self._database.check_open()
        return {key: bytes(rest[0]) for key, rest in self._columns(set, wanted)}

    def _columns(self, set: str, keys: list[str]) -> Iterator[tuple[str, Sequence[Any]]]:
        sql = f"SELECT digest, name, value FROM {self._tables.columns} WHERE place = :place AND digest IN :digests AND name IN :names"
        return self._pick(sql, place_of(set), keys, dict)

    def scan_columns(self, set: str, *, after: str | None = None, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        """See `integrakit.protocols.Store.scan_columns`."""
        check_range(set, "", None, after, limit)
        self._database.check_open()
        walk = _Walk(f"{self._tables.columns} d", "d.place = :place", "d", "d.value", {"place": place_of(set)})
        rows = self._walk(walk, "", after, limit, dict, lambda keys: self._columns(set, keys))
        return ((key, bytes(rest[0])) for key, rest in rows)

    def count_columns(self, set: str) -> int:
        values = {"place": place_of(checked_text("set", set))}
        return int(self._database.read(f"SELECT count(*) FROM {self._tables.columns} WHERE place = :place", values)[0][0])

    def _walk(
        self,
        walk: _Walk,
        prefix: str,
        after: str | None,
        limit: int | None,
        now: Callable[[], dict[str, Any]],
        fetch: Callable[[list[str]], Iterator[tuple[str, Sequence[Any]]]],
    ) -> Iterator[tuple[str, Sequence[Any]]]:
        """Rows in the order of their keys. Nothing is open in the database while the consumer works."""
        if limit == 0:
            return
        # Keys too long for an index are few: their names are read at the start and sorted here (MariaDB would sort by their first 1,024 bytes).
        names = [bytes(row[0]).decode() for row in self._database.read(walk.long_names, walk.values | now())]
        long = sorted(name for name in names if name.startswith(prefix) and (after is None or name > after))
        short = self._short(walk, prefix, after, limit, now)
        if long:
            parts = (long[start : start + 20] for start in range(0, len(long), 20))
            short = heapq.merge(short, (row for part in parts for row in fetch(part)), key=lambda row: row[0])
        for number, row in enumerate(short, 1):
            yield row
            if number == limit:
                return

    def _short(
        self, walk: _Walk, prefix: str, after: str | None, limit: int | None, now: Callable[[], dict[str, Any]]
    ) -> Iterator[tuple[str, Sequence[Any]]]:
        end = prefix_end(prefix)
        from_prefix = after is None or after < prefix
        values = walk.values | {"start": (prefix if after is None or from_prefix else after).encode(), "none": b""}
        if end is not None:
            values |= {"end": end.encode()}
        size, at_least = _CHUNK, from_prefix
        left = limit
        while left is None or left > 0:
            size = size if left is None else min(size, left)
            rows = self._database.read(walk.chunk(at_least, end is not None), values | {"size": size} | now())
            for row in rows:
                yield bytes(row[0]).decode(), row[1:]
            if len(rows) < size:
                return
            values["start"], at_least = bytes(rows[-1][0]), False
            left = None if left is None else left - len(rows)
            size = max(1, min(_MOST, size * 10, _CHUNK_BYTES * len(rows) // (1 + sum(len(row[1]) for row in rows))))

    # ------------------------------------------------------------------------------------------------ writing

    def commit(self, operations: Sequence[Operation]) -> None:
        """See `integrakit.protocols.Store.commit`. Where the connection is lost in the very moment of the commit, the `StoreError` says that it
        is not known whether it was kept."""
        packed = pack_operations(operations)
        self._database.check_open()
        if packed:
            now = None if self._clock is None else self._clock.wall().timestamp()
            self._database.transact(lambda session: SqlTransaction(session, self._dialect, self._tables, now).apply(packed))

    def close(self) -> None:
        """Closes the connections, unless the engine is the caller's. A closed store refuses to be used; closing twice is allowed."""
        self._database.close()

    def __enter__(self) -> SqlStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqlStore({self._database.shown!r}, prefix={self._prefix!r})"

    def _now(self) -> dict[str, Any]:
        return {} if self._clock is None else {"now": self._clock.wall().timestamp()}


class _Walk:
    """The statements of one scan: along the index of the first attribute, if any; of others row by row."""

    def __init__(self, tables: str, matches: str, along: str, columns: str, values: dict[str, Any]) -> None:
        self.values = values
        self.long_names = f"SELECT d.long_name FROM {tables} WHERE {matches} AND {along}.digest > {_EMPTY}"
        self._begin = f"SELECT d.name, {columns} FROM {tables} WHERE {matches} AND {along}.digest = :none AND {along}.name "
        self._before = f" AND {along}.name < :end"
        self._end = f" ORDER BY {along}.name LIMIT :size"

    def chunk(self, at_least: bool, bounded: bool) -> str:
        return f"{self._begin}{'>=' if at_least else '>'} :start{self._before if bounded else ''}{self._end}"


_EMPTY = "''"  # no bytes, in both databases


def _entry(space: str, key: str, value: Any, version: int, attributes: Any) -> Entry:
    try:
        return Entry(unpack(bytes(value)), int(version), key, json.loads(bytes(attributes)) if attributes else {})
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise StoreError(f"{space}/{key} holds something that this store never wrote: delete it, or restore the database from a backup") from problem
