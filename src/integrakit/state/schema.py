"""What a SQLite store looks like on disk, and how an older one becomes a newer one.

Only SQL and the steps between versions may live here. A step, once released, is never edited: a change is a new step at the end of `STEPS`.
Tables and views carry the prefix ``integrakit_``, since they may stand beside tables of an application in its own database file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from integrakit.errors import StoreError, StoreTooNew

__all__ = ["APPLICATION_ID", "STEPS", "is_current", "migrate"]

#: "IKit" in the header of files that hold nothing but a store (``PRAGMA application_id``).
APPLICATION_ID = 0x494B6974


def _view(name: str, spaces: str) -> str:
    # Values are kept as bytes (any text at all), and are JSON: a cast makes them readable and usable by json_extract().
    return f"""
        CREATE VIEW integrakit_{name} AS
        SELECT space, CASE instr(space, ':') WHEN 0 THEN NULL ELSE substr(space, instr(space, ':') + 1) END AS sync, key, version,
               CAST(value AS TEXT) AS value, attributes, datetime(expires, 'unixepoch') AS expires
        FROM integrakit_documents
        WHERE space GLOB '{spaces}*' AND (expires IS NULL OR expires > (julianday('now') - 2440587.5) * 86400.0)"""


_FIRST = (
    "CREATE TABLE integrakit_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    # The greatest version any deleted document had: new ones start above it, so that no key ever sees a version twice.
    "INSERT INTO integrakit_meta VALUES ('schema_version', 0), ('version_floor', 0)",
    """CREATE TABLE integrakit_documents (
        id INTEGER PRIMARY KEY, space TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
        value BLOB NOT NULL, expires REAL, attributes TEXT, UNIQUE (space, key))""",
    "CREATE INDEX integrakit_documents_expiry ON integrakit_documents (expires) WHERE expires IS NOT NULL",
    # `value` has no type on purpose: text stays text, and a number a number.
    """CREATE TABLE integrakit_attributes (
        space TEXT NOT NULL, name TEXT NOT NULL, value NOT NULL, key TEXT NOT NULL, PRIMARY KEY (space, name, value, key)) WITHOUT ROWID""",
    "CREATE TABLE integrakit_sets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # With rowids: measured three times faster to fill than WITHOUT ROWID with values of 400 bytes and more, and no slower with 16.
    "CREATE TABLE integrakit_columns (id INTEGER PRIMARY KEY, set_id INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (set_id, key))",
    _view("checkpoints", "checkpoint"),
    _view("dead_letters", "dead_letter"),
    _view("write_intents", "intent"),
    _view("leases", "lease"),
)

#: Step n makes version n + 1 of the schema out of version n.
STEPS: Sequence[Sequence[str]] = (_FIRST,)


def is_current(connection: sqlite3.Connection, name: str, steps: Sequence[Sequence[str]] = STEPS) -> bool:
    """Whether the store in this database needs no step. Changes nothing.

    Raises `StoreTooNew`, and `StoreError` for a database that is not ours to write to. ``name`` is the file, for the messages.
    """
    version = _version(connection)
    if version is None:
        _check_guest(connection, name)
        return False
    if version > len(steps):
        raise StoreTooNew(
            f"{name} was written by a newer integrakit (schema {version}, this one knows up to {len(steps)}): upgrade integrakit. Nothing was changed"
        )
    return version == len(steps)


def migrate(connection: sqlite3.Connection, name: str, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Takes the missing steps, all or none of them. Call it inside a write transaction: whatever another process did meanwhile is seen."""
    if is_current(connection, name, steps):
        return
    version = _version(connection) or 0
    if version == 0 and not _has_tables(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for step in steps[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute("UPDATE integrakit_meta SET value = ? WHERE name = 'schema_version'", (len(steps),))


def _version(connection: sqlite3.Connection) -> int | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'integrakit_meta'").fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM integrakit_meta WHERE name = 'schema_version'").fetchone()
    return None if row is None else int(row[0])


def _check_guest(connection: sqlite3.Connection, name: str) -> None:
    """Whether our tables may be put into this database beside what is there."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    if owner not in (0, APPLICATION_ID):
        raise StoreError(f"{name} is the database of another application (application_id {owner:#x}): give the store a file of its own")
    encoding = connection.execute("PRAGMA encoding").fetchone()[0]
    if encoding != "UTF-8" and _has_tables(connection):
        raise StoreError(f"{name} is a {encoding} database, in which keys would not be in their order: give the store a file of its own")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
