"""One commit on a SQL database: lock, read what is there, decide in memory, write. How transactions begin and end is not its business.

Whatever a commit touches belongs to a bucket, and its buckets are locked first, in their order, rows of one small table. So commits that share a
document, a key that is not there yet, or a set go one after the other, each seeing what the one before left; others go side by side, and none of
them can deadlock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from attrs import define

from integrakit.protocols import Delete, DeleteColumns, Operation, Put, PutColumns
from integrakit.state.arguments import check_expected
from integrakit.state.sql_database import Session
from integrakit.state.sql_dialect import Dialect
from integrakit.state.sql_schema import SqlPlace, Tables, bucket_of, place_of

__all__ = ["BATCH", "SqlTransaction", "term_of"]

#: Keys of one statement, rows of one batch.
BATCH = 200
_KEY = ("place", "digest", "name")
_encode = json.JSONEncoder(ensure_ascii=False).encode


def term_of(space: str, name: str, value: str | int) -> bytes:
    """What stands for one attribute of a space in the index: text and number are never the same."""
    text = _encode([space, name, value if isinstance(value, str) else int(value)])
    return blake2b(text.encode(), digest_size=16).digest()


@define
class _Document:
    """One document of the commit: as it was (``old_…``; version 0: there was no row) and as it will be."""

    space: str
    key: str
    where: SqlPlace
    bucket: int
    old_version: int = 0
    old_attributes: str | None = None
    version: int = 0
    alive: bool = False
    attributes: str | None = None
    value: bytes = b""
    ttl: float | None = None
    touched: bool = False


class SqlTransaction:
    """``now``: what the caller's clock says, seconds since the epoch; None for the database's own clock."""

    def __init__(self, session: Session, dialect: Dialect, tables: Tables, now: float | None) -> None:
        self._session = session
        self._d = dialect
        self._t = tables
        self._now = now
        self._now_sql = dialect.now if now is None else ":now"
        self._now_value: dict[str, Any] = {} if now is None else {"now": now}
        self._spent: dict[int, int] = {}
        self._moved: set[int] = set()

    def apply(self, packed: Sequence[tuple[Operation, bytes]]) -> None:
        """Raises `VersionConflict`; the caller rolls back."""
        documents = _touched(packed)
        buckets = {document.bucket for document in documents.values()}
        buckets |= {bucket_of(place_of(each.set)) for each, _ in packed if isinstance(each, PutColumns | DeleteColumns)}
        if not buckets:
            return
        lock = f"SELECT bucket, spent FROM {self._t.buckets} WHERE bucket IN :buckets ORDER BY bucket FOR UPDATE"
        self._spent = {int(bucket): int(spent) for bucket, spent in self._session.rows(lock, {"buckets": sorted(buckets)})}
        self._find(documents)
        for operation, value in packed:
            if isinstance(operation, Put | Delete):
                self._stage(documents[operation.space, operation.key], operation, value)
        self._write([document for document in documents.values() if document.touched])
        self._write_columns([operation for operation, _ in packed if isinstance(operation, PutColumns | DeleteColumns)])
        expiring = [document for document in documents.values() if document.ttl is not None]
        if expiring:
            self._purge(sorted({document.bucket for document in expiring}), limit=2 * len(expiring) + 10)
        moved = [{"bucket": bucket, "spent": self._spent[bucket]} for bucket in sorted(self._moved)]
        self._session.run(f"UPDATE {self._t.buckets} SET spent = :spent WHERE bucket = :bucket", moved)

    def _find(self, documents: Mapping[tuple[str, str], _Document]) -> None:
        places = {(each.where.place, each.where.digest, each.where.name): each for each in documents.values()}
        wanted = list(places)
        # Three lists and not one of triples: what they find besides is passed over, and the statement is the same for both databases.
        find = f"""SELECT place, digest, name, version, attributes, CASE WHEN expires <= {self._now_sql} THEN 1 ELSE 0 END
            FROM {self._t.documents} WHERE place IN :places AND digest IN :digests AND name IN :names"""
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            lists = {name: sorted({each[at] for each in part}) for at, name in enumerate(("places", "digests", "names"))}
            for place, digest, name, version, attributes, gone in self._session.rows(find, lists | self._now_value):
                document = places.get((bytes(place), bytes(digest), bytes(name)))
                if document is not None:
                    document.old_version = document.version = int(version)
                    document.old_attributes = document.attributes = None if attributes is None else bytes(attributes).decode()
                    document.alive = not gone

    def _stage(self, document: _Document, operation: Put | Delete, value: bytes) -> None:
        check_expected(operation, document.version if document.alive else 0)
        document.touched = True
        if isinstance(operation, Delete):
            if document.version:
                self._spend(document.bucket, document.version)
            document.version, document.alive, document.attributes, document.ttl = 0, False, None, None
            return
        document.version = (document.version or self._spent[document.bucket]) + 1
        document.alive, document.value, document.ttl = True, value, operation.ttl
        document.attributes = None
        if operation.attributes:
            document.attributes = _encode({name: item if isinstance(item, str) else int(item) for name, item in operation.attributes.items()})

    def _spend(self, bucket: int, version: int) -> None:
        if version > self._spent[bucket]:
            self._spent[bucket] = version
            self._moved.add(bucket)

    def _write(self, documents: Sequence[_Document]) -> None:
        self._reindex(documents)
        gone = [_key(each.where) for each in documents if not each.version and each.old_version]
        self._session.run(f"DELETE FROM {self._t.documents} WHERE place = :place AND digest = :digest AND name = :name", gone)
        kept = [each for each in documents if each.version]
        now = 0.0
        if any(each.ttl is not None for each in kept):
            now = float(self._session.rows(f"SELECT {self._now_sql}", self._now_value)[0][0]) if self._now is None else self._now
        rows = [
            {
                **_key(each.where),
                "long_name": each.where.long_name,
                "bucket": each.bucket,
                "version": each.version,
                "value": each.value,
                "expires": None if each.ttl is None else now + each.ttl,
                "attributes": None if each.attributes is None else each.attributes.encode(),
                "space": each.space.encode(),
            }
            for each in kept
        ]
        if rows:
            self._session.run(self._d.upserting(self._t.documents, tuple(rows[0]), _KEY, ("long_name", "bucket", "space")), rows)

    def _reindex(self, documents: Sequence[_Document]) -> None:
        remove, add = [], []
        for each in documents:
            if each.attributes != each.old_attributes:
                old, new = _terms(each.space, each.old_attributes), _terms(each.space, each.attributes)
                place = {"digest": each.where.digest, "name": each.where.name}
                remove += [{"term": term, **place} for term in old - new]
                add += [{"term": term, **place} for term in new - old]
        self._unindex(remove)
        self._session.run(self._d.inserting(self._t.attributes, ("term", "digest", "name")), add)

    def _unindex(self, rows: list[dict[str, bytes]]) -> None:
        self._session.run(f"DELETE FROM {self._t.attributes} WHERE term = :term AND digest = :digest AND name = :name", rows)

    def _purge(self, buckets: list[int], *, limit: int) -> None:
        # Who writes what expires also clears away, in the buckets it has locked: twice as much as was written, so that garbage cannot pile up.
        rows = self._session.rows(
            f"""SELECT place, digest, name, bucket, version, attributes, space FROM {self._t.documents}
                WHERE bucket IN :buckets AND expires <= {self._now_sql} ORDER BY expires LIMIT :size""",
            {"buckets": buckets, "size": limit} | self._now_value,
        )
        gone = [{"place": bytes(row[0]), "digest": bytes(row[1]), "name": bytes(row[2])} for row in rows]
        for row in rows:
            self._spend(int(row[3]), int(row[4]))
        for row, key in zip(rows, gone, strict=True):
            terms = _terms(bytes(row[6]).decode(), None if row[5] is None else bytes(row[5]).decode())
            self._unindex([{"term": term, "digest": key["digest"], "name": key["name"]} for term in terms])
        self._session.run(f"DELETE FROM {self._t.documents} WHERE place = :place AND digest = :digest AND name = :name", gone)

    def _write_columns(self, operations: Sequence[PutColumns | DeleteColumns]) -> None:
        for operation in operations:
            place = place_of(operation.set)
            if isinstance(operation, PutColumns):
                found = [(SqlPlace.of(place, key), value) for key, value in operation.values.items()]
                rows = [{**_key(where), "long_name": where.long_name, "value": value} for where, value in found]
                self._session.run(self._d.upserting(self._t.columns, (*_KEY, "long_name", "value"), _KEY, ("long_name",)), rows)
            elif operation.keys is None:
                self._session.run(f"DELETE FROM {self._t.columns} WHERE place = :place", [{"place": place}])
            else:
                rows = [_key(SqlPlace.of(place, key)) for key in operation.keys]
                self._session.run(f"DELETE FROM {self._t.columns} WHERE place = :place AND digest = :digest AND name = :name", rows)


def _touched(packed: Sequence[tuple[Operation, bytes]]) -> dict[tuple[str, str], _Document]:
    places: dict[str, bytes] = {}
    documents: dict[tuple[str, str], _Document] = {}
    for each, _ in packed:
        if isinstance(each, Put | Delete) and (each.space, each.key) not in documents:
            place = places.setdefault(each.space, place_of(each.space))
            documents[each.space, each.key] = _Document(each.space, each.key, SqlPlace.of(place, each.key), bucket_of(place, each.key))
    return documents


def _key(where: SqlPlace) -> dict[str, Any]:
    return {"place": where.place, "digest": where.digest, "name": where.name}


def _terms(space: str, attributes: str | None) -> set[bytes]:
    return set() if attributes is None else {term_of(space, name, value) for name, value in json.loads(attributes).items()}
