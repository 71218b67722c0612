"""A store that forgets: for tests, notebooks, and runs that need no tomorrow.

It keeps packed bytes as the other stores do, so that a value that works here works there, and nobody can change what is kept by holding on to it.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from integrakit._json import unpack
from integrakit.clock import Clock, SystemClock
from integrakit.errors import StoreError
from integrakit.protocols import Delete, DeleteColumns, Entry, Operation, Put, PutColumns, checked_text
from integrakit.state.arguments import check_clock, check_expected, check_keys, check_range, pack_operations

__all__ = ["MemoryStore"]


class _Document(NamedTuple):
    value: bytes
    version: int
    expires: float | None
    attributes: dict[str, str | int]


class MemoryStore:
    """Keeps everything in this process, and nothing after it. Thread-safe; a forked child goes on with a copy of its own.

    ``clock`` says when documents with a ``ttl`` are over (`SystemClock` unless told).
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = SystemClock() if clock is None else check_clock(clock)
        self._lock = threading.Lock()
        self._documents: dict[str, dict[str, _Document]] = {}
        self._columns: dict[str, dict[str, bytes]] = {}
        self._expiries: list[tuple[float, str, str]] = []
        # The greatest version any deleted document had: a new document starts above it, so that no key ever sees a version twice.
        self._floor = 0
        self._closed = False

    def get(self, space: str, key: str) -> Entry | None:
        return self.get_many(space, (key,)).get(key)

    def get_many(self, space: str, keys: Iterable[str]) -> dict[str, Entry]:
        checked_text("space", space)
        wanted = check_keys("get_many()", keys)
        with self._lock:
            documents = self._open().get(space, {})
            now = self._now()
            found = {key: document for key in wanted if (document := documents.get(key)) is not None and _alive(document, now)}
        return {key: _entry(key, document) for key, document in found.items()}

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
        conditions = dict(check_range(space, prefix, where, after, limit)).items()
        with self._lock:
            keys = sorted(key for key in self._open().get(space, {}) if key.startswith(prefix) and (after is None or key > after))
        return self._walk(space, keys, conditions, limit)

    def _walk(self, space: str, keys: list[str], conditions: Iterable[tuple[str, str | int]], limit: int | None) -> Iterator[Entry]:
        left = len(keys) if limit is None else limit
        for key in keys:
            if left <= 0:
                return
            with self._lock:
                document = self._open().get(space, {}).get(key)
                alive = document is not None and _alive(document, self._now())
            if document is not None and alive and all(document.attributes.get(name) == value for name, value in conditions):
                left -= 1
                yield _entry(key, document)

    def get_columns(self, set: str, keys: Iterable[str]) -> dict[str, bytes]:
        checked_text("set", set)
        wanted = check_keys("get_columns()", keys)
        with self._lock:
            self._open()
            values = self._columns.get(set, {})
            return {key: values[key] for key in wanted if key in values}

    def scan_columns(self, set: str, *, after: str | None = None, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        """See `integrakit.protocols.Store.scan_columns`."""
        check_range(set, "", None, after, limit)
        with self._lock:
            self._open()
            keys = sorted(key for key in self._columns.get(set, {}) if after is None or key > after)
        return self._walk_columns(set, keys, limit)

    def _walk_columns(self, set: str, keys: list[str], limit: int | None) -> Iterator[tuple[str, bytes]]:
        left = len(keys) if limit is None else limit
        for key in keys:
            if left <= 0:
                return
            with self._lock:
                self._open()
                value = self._columns.get(set, {}).get(key)
            if value is not None:
                left -= 1
                yield key, value

    def count_columns(self, set: str) -> int:
        checked_text("set", set)
        with self._lock:
            self._open()
            return len(self._columns.get(set, {}))

    def commit(self, operations: Sequence[Operation]) -> None:
        """See `integrakit.protocols.Store.commit`. "Durable" means: as long as this object."""
        packed = pack_operations(operations)
        with self._lock:
            self._open()
            now = self._now()
            staged = self._stage(packed, now)
            for (space, key), document in staged.items():
                self._keep(space, key, document)
            for operation, _ in packed:
                if isinstance(operation, PutColumns):
                    self._columns.setdefault(operation.set, {}).update(operation.values)
                elif isinstance(operation, DeleteColumns):
                    self._drop_columns(operation)
            self._purge(now)

    def _stage(self, packed: Sequence[tuple[Operation, bytes]], now: float) -> dict[tuple[str, str], _Document | None]:
        """What the commit makes of each document it touches; raises before anything is kept."""
        staged: dict[tuple[str, str], _Document | None] = {}
        floor = self._floor
        for operation, value in packed:
            if not isinstance(operation, Put | Delete):
                continue
            place = (operation.space, operation.key)
            old = staged[place] if place in staged else self._documents.get(operation.space, {}).get(operation.key)
            check_expected(operation, old.version if old is not None and _alive(old, now) else 0)
            if isinstance(operation, Delete):
                floor = floor if old is None else max(floor, old.version)
                staged[place] = None
            else:
                version = floor + 1 if old is None else old.version + 1
                expires = None if operation.ttl is None else now + operation.ttl
                staged[place] = _Document(value, version, expires, {name: _plain(item) for name, item in operation.attributes.items()})
        self._floor = floor
        return staged

    def _keep(self, space: str, key: str, document: _Document | None) -> None:
        if document is None:
            self._documents.get(space, {}).pop(key, None)
            return
        self._documents.setdefault(space, {})[key] = document
        if document.expires is not None:
            heapq.heappush(self._expiries, (document.expires, space, key))

    def _drop_columns(self, operation: DeleteColumns) -> None:
        if operation.keys is None:
            self._columns.pop(operation.set, None)
            return
        values = self._columns.get(operation.set, {})
        for key in operation.keys:
            values.pop(key, None)

    def _purge(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            expires, space, key = heapq.heappop(self._expiries)
            document = self._documents.get(space, {}).get(key)
            if document is not None and document.expires == expires:
                self._floor = max(self._floor, document.version)
                del self._documents[space][key]

    def close(self) -> None:
        """Forgets everything. A closed store refuses to be used; closing twice is allowed."""
        with self._lock:
            self._closed = True
            self._documents, self._columns, self._expiries = {}, {}, []

    def __enter__(self) -> MemoryStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "MemoryStore()"

    def _open(self) -> dict[str, dict[str, _Document]]:
        if self._closed:
            raise StoreError("this MemoryStore is closed: make a new one")
        return self._documents

    def _now(self) -> float:
        return self._clock.wall().timestamp()


def _plain(value: str | int) -> str | int:
    return value if isinstance(value, str) else int(value)


def _alive(document: _Document, now: float) -> bool:
    return document.expires is None or document.expires > now


def _entry(key: str, document: _Document) -> Entry:
    return Entry(unpack(document.value), document.version, key, dict(document.attributes))
