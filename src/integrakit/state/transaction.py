"""Operations become SQL here: what happens between BEGIN and COMMIT of one commit, and nothing of how transactions begin or end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from integrakit.protocols import Delete, DeleteColumns, Operation, Put, PutColumns
from integrakit.state.arguments import check_expected

__all__ = ["Transaction"]

_FIND = "SELECT id, version, expires, attributes FROM integrakit_documents WHERE space = ? AND key = ?"
_CREATE = "INSERT INTO integrakit_documents (space, key, version, value, expires, attributes) VALUES (?, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE integrakit_documents SET version = version + 1, value = ?, expires = ?, attributes = ? WHERE id = ?"
_DELETE = "DELETE FROM integrakit_documents WHERE id = ?"
_EXPIRED = "SELECT id, version, attributes, space, key FROM integrakit_documents WHERE expires <= ? ORDER BY expires LIMIT ?"
_INDEX = "INSERT INTO integrakit_attributes (space, name, value, key) VALUES (?, ?, ?, ?)"
_UNINDEX = "DELETE FROM integrakit_attributes WHERE space = ? AND name = ? AND value = ? AND key = ?"
_PUT_COLUMN = "INSERT INTO integrakit_columns (set_id, key, value) VALUES (?, ?, ?) ON CONFLICT (set_id, key) DO UPDATE SET value = excluded.value"


class Transaction:
    """Applies operations on a connection that is inside a write transaction. ``now``: seconds since the epoch."""

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._now = now
        self._floor: int | None = None
        self._floor_moved = False
        self._expiring = 0
        self._text = json.JSONEncoder(ensure_ascii=False).encode

    def apply(self, packed: Sequence[tuple[Operation, bytes]]) -> None:
        """Raises `VersionConflict`; the caller rolls back."""
        for operation, value in packed:
            if isinstance(operation, Put):
                self._put(operation, value)
            elif isinstance(operation, Delete):
                self._delete(operation)
            elif isinstance(operation, PutColumns):
                set_id = self._set_id(operation.set)
                self._executemany(_PUT_COLUMN, [(set_id, key, data) for key, data in operation.values.items()])
            else:
                self._delete_columns(operation)
        if self._expiring:
            self._purge(limit=2 * self._expiring + 10)
        if self._floor_moved:
            self._execute("UPDATE integrakit_meta SET value = ? WHERE name = 'version_floor'", (self._floor,))

    def _put(self, put: Put, value: bytes) -> None:
        space, key = put.space, put.key
        row = self._execute(_FIND, (space, key)).fetchone()
        if put.expect is not None:
            check_expected(put, self._current(row))
        expires = None
        if put.ttl is not None:
            expires = self._now + put.ttl
            self._expiring += 1
        attributes = None
        if put.attributes:
            attributes = self._text({name: item if isinstance(item, str) else int(item) for name, item in put.attributes.items()})
        if row is None:
            self._execute(_CREATE, (space, key, self._read_floor() + 1, value, expires, attributes))
            old = None
        else:
            self._execute(_UPDATE, (value, expires, attributes, row[0]))
            old = row[3]
        if attributes != old:
            self._unindex(space, key, old)
            self._index(space, key, put.attributes)

    def _delete(self, delete: Delete) -> None:
        row = self._execute(_FIND, (delete.space, delete.key)).fetchone()
        if delete.expect is not None:
            check_expected(delete, self._current(row))
        if row is not None:
            self._remove(row[0], row[1], row[3], delete.space, delete.key)

    def _remove(self, identity: int, version: int, attributes: str | None, space: str, key: str) -> None:
        self._execute(_DELETE, (identity,))
        self._unindex(space, key, attributes)
        if version > self._read_floor():
            self._floor, self._floor_moved = version, True

    def _purge(self, *, limit: int) -> None:
        # Who writes what expires also clears away: twice as much as was written, so that garbage cannot pile up, and no commit pays for all of it.
        for row in self._execute(_EXPIRED, (self._now, limit)).fetchall():
            self._remove(*row)

    def _current(self, row: tuple[int, int, float | None, str | None] | None) -> int:
        if row is None or (row[2] is not None and row[2] <= self._now):
            return 0
        return row[1]

    def _read_floor(self) -> int:
        if self._floor is None:
            self._floor = int(self._execute("SELECT value FROM integrakit_meta WHERE name = 'version_floor'").fetchone()[0])
        return self._floor

    def _index(self, space: str, key: str, attributes: Mapping[str, str | int]) -> None:
        self._executemany(_INDEX, [(space, name, value, key) for name, value in attributes.items()])

    def _unindex(self, space: str, key: str, attributes: str | None) -> None:
        if attributes is not None:
            self._executemany(_UNINDEX, [(space, name, value, key) for name, value in json.loads(attributes).items()])

    def _set_id(self, name: str) -> int:
        row = self._execute("SELECT id FROM integrakit_sets WHERE name = ?", (name,)).fetchone()
        if row is None:
            return self._execute("INSERT INTO integrakit_sets (name) VALUES (?)", (name,)).lastrowid or 0
        return int(row[0])

    def _delete_columns(self, operation: DeleteColumns) -> None:
        set_id = self._set_id(operation.set)
        if operation.keys is None:
            self._execute("DELETE FROM integrakit_columns WHERE set_id = ?", (set_id,))
        else:
            self._executemany("DELETE FROM integrakit_columns WHERE set_id = ? AND key = ?", [(set_id, key) for key in operation.keys])
