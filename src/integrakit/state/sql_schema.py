"""What a SQL store looks like inside its database, and how an older one becomes a newer one.

Only tables and the steps between versions may live here. A step, once released, is never edited: a change is a new step at the end of `STEPS`.
Each statement may run twice: MariaDB ends the transaction at every one, so that a step that was killed is taken again from its start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError, StoreError, StoreTooNew
from integrakit.state.sql_database import Database, Session
from integrakit.state.sql_dialect import MARIADB, Dialect

__all__ = ["BUCKETS", "STEPS", "SqlPlace", "Tables", "bucket_of", "migrate", "place_of"]

#: Commits lock the buckets of what they touch, in their order, before they read: two commits wait for each other only where they share one.
BUCKETS = 64
#: Bytes of a key that an index holds; longer keys are found by their digest (InnoDB indexes 3,072 bytes in all, PostgreSQL 2,704).
SHORT = 512


@frozen
class Tables:
    """The names, quoted."""

    meta: str
    buckets: str
    documents: str
    attributes: str
    columns: str
    expiry: str

    @classmethod
    def named(cls, dialect: Dialect, prefix: Any, schema: Any) -> Tables:
        if not isinstance(prefix, str) or not re.fullmatch(r"[a-z_][a-z0-9_]{0,39}", prefix):
            raise ConfigurationError(f'prefix must be lower-case letters, digits and _, at most 40, e.g. "integrakit_"; not {prefix!r}')
        if schema is not None and dialect is MARIADB:
            raise ConfigurationError("schema is for PostgreSQL; with MariaDB and MySQL name another database in the URL")
        if schema is not None and (not isinstance(schema, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]{0,62}", schema)):
            raise ConfigurationError(f"schema must be the name of a schema: letters, digits, _ and $; not {schema!r}")
        q = dialect.quote
        before = "" if schema is None else f"{q}{schema}{q}."
        names = {name: f"{before}{q}{prefix}{name}{q}" for name in ("meta", "buckets", "documents", "attributes", "columns")}
        return cls(**names, expiry=f"{q}{prefix}documents_expiry{q}")


@frozen
class SqlPlace:
    """Where a key is: ``name`` is its bytes, or, of a key too long for an index, empty; its ``digest`` finds it then."""

    place: bytes
    digest: bytes
    name: bytes
    long_name: bytes | None

    @classmethod
    def of(cls, place: bytes, key: str) -> SqlPlace:
        data = key.encode()
        return cls(place, b"", data, None) if len(data) <= SHORT else cls(place, _digest(data), b"", data)


def place_of(name: str) -> bytes:
    """What stands for a space or a set in an index, however long its name is."""
    return _digest(name.encode())


def bucket_of(place: bytes, key: str | None = None) -> int:
    return _digest(place + (b"" if key is None else b"\0" + key.encode()))[0] % BUCKETS


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _first(d: Dialect, t: Tables) -> Sequence[str]:
    end = d.table_end
    index = f"CREATE INDEX IF NOT EXISTS {t.expiry} ON {t.documents} (bucket, expires) {d.index_where}"
    inside = ""
    if d is MARIADB:  # MySQL knows no CREATE INDEX IF NOT EXISTS
        inside, index = f", INDEX {t.expiry} (bucket, expires)", ""
    statements = (
        # Of each bucket the greatest version any deleted document had: new ones start above it, so that no key ever sees a version twice.
        f"CREATE TABLE IF NOT EXISTS {t.buckets} (bucket INTEGER NOT NULL PRIMARY KEY, spent BIGINT NOT NULL) {end}",
        *(d.inserting(t.buckets, ("bucket", "spent")).replace(":bucket", str(n)).replace(":spent", "0") for n in range(BUCKETS)),
        f"""CREATE TABLE IF NOT EXISTS {t.documents} (place {d.place} NOT NULL, digest {d.place} NOT NULL, name {d.key} NOT NULL, long_name {d.value},
            bucket INTEGER NOT NULL, version BIGINT NOT NULL, value {d.value} NOT NULL, expires {d.number}, attributes {d.value},
            space {d.value} NOT NULL, PRIMARY KEY (place, digest, name){inside}) {end}""",
        index,
        # `term` stands for (space, name of the attribute, its type, its value).
        f"""CREATE TABLE IF NOT EXISTS {t.attributes} (term {d.place} NOT NULL, digest {d.place} NOT NULL, name {d.key} NOT NULL,
            PRIMARY KEY (term, digest, name)) {end}""",
        f"""CREATE TABLE IF NOT EXISTS {t.columns} (place {d.place} NOT NULL, digest {d.place} NOT NULL, name {d.key} NOT NULL, long_name {d.value},
            value {d.value} NOT NULL, PRIMARY KEY (place, digest, name)) {end}""",
    )
    return [statement for statement in statements if statement]


#: Step n makes version n + 1 of the schema out of version n.
STEPS: Sequence[Callable[[Dialect, Tables], Sequence[str]]] = (_first,)


def migrate(database: Database, tables: Tables, timeout: float, steps: Sequence[Callable[[Dialect, Tables], Sequence[str]]] = STEPS) -> None:
    """Takes the missing steps; of several processes that open a new store at once one does. Raises `StoreTooNew`, having changed nothing."""
    if database.aside(lambda session: _version(database, session, tables)) == len(steps):
        return
    if database.dialect is MARIADB:
        database.aside(lambda session: _alone_in_mariadb(database, session, tables, timeout, steps))
    else:
        database.transact(lambda session: _alone_in_postgresql(database, session, tables, steps))


def _alone_in_postgresql(database: Database, session: Session, tables: Tables, steps: Sequence[Any]) -> None:
    session.rows("SELECT pg_advisory_xact_lock(:number)", {"number": int.from_bytes(_digest(tables.meta.encode())[:7], "big")})
    _take(database, session, tables, steps)


def _alone_in_mariadb(database: Database, session: Session, tables: Tables, timeout: float, steps: Sequence[Any]) -> None:
    # These locks are the whole server's: the database belongs to the name.
    name = {"name": "integrakit:" + _digest(f"{database.shown} {tables.meta}".encode()).hex(), "seconds": max(1, round(timeout))}
    if session.rows("SELECT get_lock(:name, :seconds)", name)[0][0] != 1:
        raise StoreError(f"another process has been setting up the store {database.shown} for {timeout:g} s: try again later")
    try:
        _take(database, session, tables, steps)
    finally:
        session.rows("SELECT release_lock(:name)", {"name": name["name"]})


def _take(database: Database, session: Session, tables: Tables, steps: Sequence[Any]) -> None:
    d = database.dialect
    version = _version(database, session, tables, len(steps)) or 0
    if version == 0:
        session.run(f"CREATE TABLE IF NOT EXISTS {tables.meta} (name VARCHAR(40) NOT NULL PRIMARY KEY, value BIGINT NOT NULL) {d.table_end}")
    for number in range(version, len(steps)):
        for statement in steps[number](d, tables):
            session.run(statement)
        session.run(d.upserting(tables.meta, ("name", "value"), ("name",)), [{"name": "schema_version", "value": number + 1}])


def _version(database: Database, session: Session, tables: Tables, known: int | None = None) -> int | None:
    schema, _, name = tables.meta.replace(database.dialect.quote, "").rpartition(".")
    here = ":schema" if schema else ("database()" if database.dialect is MARIADB else "current_schema()")
    values = {"name": name} | ({"schema": schema} if schema else {})
    if not session.rows(f"SELECT 1 FROM information_schema.tables WHERE table_name = :name AND table_schema = {here}", values):
        return None
    rows = session.rows(f"SELECT value FROM {tables.meta} WHERE name = 'schema_version'", {})
    version = int(rows[0][0]) if rows else None
    if version is not None and version > (known or len(STEPS)):
        raise StoreTooNew(
            f"{database.shown} was written by a newer integrakit (schema {version}, this one knows up to {known or len(STEPS)}): upgrade integrakit. "
            "Nothing was changed"
        )
    return version
