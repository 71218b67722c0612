"""Shared state as one document for each key, read and written back if nobody else did meanwhile: in a store, in memcached, in MongoDB.

None of them has a clock that we could ask in the same step, so the time is that of this machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from integrakit.errors import StoreError, VersionConflict
from integrakit.http.limiting.backend import ANSWER_WITHIN, CONNECT_WITHIN, Answer, StateAway
from integrakit.http.limiting.document import apply_to, open_document
from integrakit.http.limiting.ledger import Ledger, Operation
from integrakit.http.limiting.terms import Terms
from integrakit.http.limiting.this_process import ThisProcess, place_of, shown
from integrakit.protocols import Put, Store

__all__ = ["Cells", "DocumentBackend", "MemcachedCells", "MongoCells", "StoreCells"]

#: Losing so many races in a row means that there are too many of us for this kind of store.
RACES = 100
SPACE = "rate_limits"
#: What a document that is none of ours makes the reader raise.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError)


class Cells(Protocol):
    """Documents by key, with compare-and-swap. Raises `StateAway`."""

    def read(self, key: str) -> tuple[Any, Any]:
        """The document or None, and what to `write` it back with."""
        ...

    def write(self, key: str, document: dict[str, Any], token: Any, lasts: float, wall: float) -> bool:
        """False where somebody else was faster. ``lasts``: seconds it must be kept."""
        ...


class DocumentBackend:
    """The quota arithmetic of this process, on a document that all share."""

    def __init__(self, cells: Cells, name: str, terms: Sequence[Terms]) -> None:
        self._cells = cells
        self._name = name
        self._terms = terms
        self._process = ThisProcess()

    def apply(self, key: str, operations: Sequence[Operation], wall: float) -> Answer:
        process, place = self._process.name(), f"{self._name}:{place_of(key)}"
        for _ in range(RACES):
            document, token = self._cells.read(place)
            try:
                after, answer, lasts = apply_to(document, self._terms, operations, wall, process)
            except _UNREADABLE as problem:
                raise StateAway(f"what is kept of the rate limit {self._name!r} cannot be read") from problem
            if self._cells.write(place, after, token, lasts, wall):
                return answer
        raise StateAway(f"too many threads and processes change the rate limit {self._name!r} at once")

    def look(self, key: str, wall: float) -> tuple[Ledger, float]:
        try:
            return open_document(self._cells.read(f"{self._name}:{place_of(key)}")[0], self._terms, wall)[:2]
        except _UNREADABLE as problem:
            raise StateAway(f"what is kept of the rate limit {self._name!r} cannot be read") from problem


class StoreCells:
    """In a store: for processes of one machine, and limits that a restart must not forget."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, key: str) -> tuple[Any, Any]:
        try:
            entry = self._store.get(SPACE, key)
        except StoreError as problem:
            raise StateAway(f"{self._store!r} cannot be read") from problem
        return (None, 0) if entry is None else (entry.value, entry.version)

    def write(self, key: str, document: dict[str, Any], token: Any, lasts: float, wall: float) -> bool:
        try:
            self._store.commit([Put(SPACE, key, document, expect=token, ttl=min(lasts, 9e9))])
        except VersionConflict:
            return False
        except StoreError as problem:
            raise StateAway(f"{self._store!r} cannot be written") from problem
        return True


class MemcachedCells:
    """In memcached, by its ``gets`` and ``cas``."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._process = ThisProcess()

    def _connect(self) -> Any:
        # Core, on first use: limits costs more to import than httpx.
        from limits.storage import storage_from_string

        options: dict[str, Any] = {"connect_timeout": CONNECT_WITHIN, "timeout": ANSWER_WITHIN}
        storage: Any = storage_from_string(self._uri, **options)
        return storage.storage

    def _do(self, *call: Any) -> Any:
        # An extra; who comes here has it.
        from pymemcache.exceptions import MemcacheError, MemcacheUnexpectedCloseError

        name, *values = call
        try:
            client = self._process.held(self._connect)[0]
            try:
                return getattr(client, name)(*values)
            except (ConnectionResetError, BrokenPipeError, MemcacheUnexpectedCloseError):
                # A connection that the server has closed since. If it was done all the same, the race is lost and run again.
                return getattr(client, name)(*values)
        except (MemcacheError, OSError, ValueError) as problem:
            raise StateAway(f"{shown(self._uri)} cannot be asked") from problem

    def read(self, key: str) -> tuple[Any, Any]:
        value, token = self._do("gets", _hashed(key))
        try:
            return (None, None) if value is None else (json.loads(value), token)
        except (ValueError, TypeError) as problem:
            raise StateAway(f"{shown(self._uri)} has something else under the name of this rate limit") from problem

    def write(self, key: str, document: dict[str, Any], token: Any, lasts: float, wall: float) -> bool:
        # memcached takes more than 30 days for a moment of the calendar.
        expire = int(lasts) + 1 if lasts < 2_500_000 else int(min(wall + lasts, 4e9))
        value = json.dumps(document).encode()
        if token is None:
            return bool(self._do("add", _hashed(key), value, expire, False))
        return bool(self._do("cas", _hashed(key), value, token, expire, False))


class MongoCells:
    """In the collection that `limits` keeps its windows in. Not tested against a real server."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._process = ThisProcess()

    def _connect(self) -> Any:
        # Core, on first use: limits costs more to import than httpx.
        from limits.storage import storage_from_string

        milliseconds = {"serverSelectionTimeoutMS": int(CONNECT_WITHIN * 1000), "connectTimeoutMS": int(CONNECT_WITHIN * 1000)}
        options: dict[str, Any] = {**milliseconds, "socketTimeoutMS": int(ANSWER_WITHIN * 1000)}
        storage: Any = storage_from_string(self._uri, **options)
        return storage.windows

    def read(self, key: str) -> tuple[Any, Any]:
        # An extra; who comes here has it.
        from pymongo.errors import PyMongoError

        try:
            found = self._process.held(self._connect)[0].find_one({"_id": _hashed(key)})
            return (None, None) if found is None else (json.loads(found["state"]), found["version"])
        except (PyMongoError, OSError, *_UNREADABLE) as problem:
            raise StateAway(f"{shown(self._uri)} cannot be asked") from problem

    def write(self, key: str, document: dict[str, Any], token: Any, lasts: float, wall: float) -> bool:
        # An extra; who comes here has it.
        from pymongo.errors import DuplicateKeyError, PyMongoError

        expires = datetime.fromtimestamp(min(wall + lasts, 2e11), UTC)
        after = {"_id": _hashed(key), "state": json.dumps(document), "version": (token or 0) + 1, "expireAt": expires}
        try:
            windows = self._process.held(self._connect)[0]
            if token is None:
                windows.insert_one(after)
                return True
            return bool(windows.replace_one({"_id": after["_id"], "version": token}, after).matched_count)
        except DuplicateKeyError:
            return False
        except (PyMongoError, OSError) as problem:
            raise StateAway(f"{shown(self._uri)} cannot be asked") from problem


def _hashed(key: str) -> str:
    # memcached takes keys of up to 250 bytes without spaces, and users have others.
    return "integrakit:limit:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
