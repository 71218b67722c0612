"""Changes applied to a table, inside a transaction that somebody else began.

Each change stands in a savepoint of its own: one that the table refuses is undone by itself and said so, and the others go on. Beginning, committing
and what is wrong with the database as a whole are the business of the caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Change, Outcome
from integrakit.sql.database import one_record
from integrakit.sql.schema import Schema, quote, suggest
from integrakit.sql.values import Stored, Unfit, encode_field, encode_key
from integrakit.unset import UNSET

__all__ = ["TransactionLost", "Writer", "checked"]

_MARK = "integrakit_change"


class TransactionLost(Exception):
    """A trigger of the table rolled the whole transaction back because of the change at ``index``. Never leaves the package."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason


class Writer:
    """Applies changes to one table on one connection."""

    def __init__(self, connection: sqlite3.Connection, schema: Schema, *, key: tuple[str, ...], json: Collection[str]) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._schema = schema
        self._key = key
        self._json = json
        self._table = quote(schema.table)
        self._where = " AND ".join(f"{quote(name)} = ?" for name in key)

    def apply(self, changes: Sequence[Change], refused: Mapping[int, str]) -> list[Outcome]:
        """One outcome for each change; those in ``refused`` (index → reason) are not tried. Raises `sqlite3.Error` for what is about no record."""
        return [
            Outcome.rejected(change.key, refused[index]) if index in refused else self._one(index, change) for index, change in enumerate(changes)
        ]

    def _one(self, index: int, change: Change) -> Outcome:
        cursor = self._cursor
        cursor.execute(f"SAVEPOINT {_MARK}")
        try:
            outcome = self._perform(change)
        except Unfit as problem:
            reason = str(problem)
        except (sqlite3.Error, OverflowError) as problem:
            if isinstance(problem, sqlite3.Error) and not one_record(problem):
                raise
            reason = str(problem)
            if not self._connection.in_transaction:
                raise TransactionLost(index, reason) from problem
        else:
            cursor.execute(f"RELEASE {_MARK}")
            return outcome
        cursor.execute(f"ROLLBACK TO {_MARK}")
        cursor.execute(f"RELEASE {_MARK}")
        return Outcome.rejected(change.key, f"{self._schema.table}: {reason}")

    def _perform(self, change: Change) -> Outcome:
        if change.kind == "delete":
            return self._delete(change)
        values = self._values(change.record or {})
        if change.key is None and change.kind == "create" and self._key == (self._schema.automatic,) and values.get(self._key[0]) is None:
            self._insert(values)
            return Outcome.applied(None, remote_key=self._cursor.lastrowid)
        key = encode_key(self._schema, self._key, change.key)
        for name, part in zip(self._key, key, strict=True):
            its = values.pop(name, part)
            if (type(its), its) != (type(part), part):
                raise Unfit(f"the record has {name} = {its!r}, and the change is for the key {change.key!r}")
        whole = {**dict(zip(self._key, key, strict=True)), **values}
        if change.kind == "create":
            # The very same row may be there from an earlier attempt that was cut off after it took place.
            if self._there(key, values):
                return Outcome.unchanged(change.key)
            if self._there(key):
                raise Unfit(f"there is another row with the key {change.key!r} already: update it, or upsert")
            self._insert(whole)
            return Outcome.applied(change.key)
        if not values and self._there(key):
            return Outcome.unchanged(change.key)
        # First the update, then the insert: an INSERT … ON CONFLICT wants every NOT NULL column even where the row is there, and a unique key.
        if values and self._update(change, key, values):
            return Outcome.applied(change.key)
        if change.kind == "update":
            raise Unfit(f"there is no row with the key {change.key!r} to update")
        self._insert(whole)
        return Outcome.applied(change.key)

    def _values(self, record: Mapping[str, Any]) -> dict[str, Stored]:
        values: dict[str, Stored] = {}
        for name, value in record.items():
            if value is UNSET:
                continue
            column = self._schema.columns.get(name)
            if column is None:
                raise Unfit(f"there is no column {name!r}{suggest(name, self._schema.columns)}")
            if column.generated:
                raise Unfit(f"the column {name!r} is computed by the database: leave it out")
            values[name] = encode_field(self._schema, name, value, json=name in self._json)
        return values

    def _there(self, key: Sequence[Stored], values: Mapping[str, Stored] = MappingProxyType({})) -> bool:
        same = "".join(f" AND {quote(name)} COLLATE BINARY IS ?" for name in values)
        found = self._cursor.execute(f"SELECT 1 FROM {self._table} WHERE {self._where}{same} LIMIT 1", (*key, *values.values()))
        return found.fetchone() is not None

    # OR ABORT: what the table itself says to do on a conflict (REPLACE, IGNORE, ROLLBACK …) would lose a row, a change or the transaction.

    def _insert(self, values: Mapping[str, Stored]) -> None:
        columns = f"({', '.join(map(quote, values))}) VALUES ({', '.join('?' * len(values))})" if values else "DEFAULT VALUES"
        self._cursor.execute(f"INSERT OR ABORT INTO {self._table} {columns}", tuple(values.values()))
        if self._cursor.rowcount != 1:
            raise Unfit("a trigger of the table left the row out")

    def _update(self, change: Change, key: Sequence[Stored], values: Mapping[str, Stored]) -> bool:
        assignments = ", ".join(f"{quote(name)} = ?" for name in values)
        self._cursor.execute(f"UPDATE OR ABORT {self._table} SET {assignments} WHERE {self._where}", (*values.values(), *key))
        return self._just_one(change)

    def _delete(self, change: Change) -> Outcome:
        key = encode_key(self._schema, self._key, change.key)
        self._cursor.execute(f"DELETE FROM {self._table} WHERE {self._where}", key)
        return Outcome.applied(change.key) if self._just_one(change) else Outcome.unchanged(change.key)

    def _just_one(self, change: Change) -> bool:
        if self._cursor.rowcount > 1:
            raise Unfit(f"{self._cursor.rowcount} rows have the key {change.key!r}: which one is meant? Give a key that is unique")
        return self._cursor.rowcount == 1


def checked(changes: Sequence[Change]) -> list[Change]:
    """The changes as a list; raises `ConfigurationError` for anything else."""
    changes = list(changes)
    for change in changes:
        if not isinstance(change, Change):
            raise ConfigurationError(f"write() takes changes, Change.upsert(key, record) and its kin, not {type(change).__name__}")
    return changes
