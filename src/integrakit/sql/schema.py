"""What a table looks like: its columns, what their declared types mean, and which columns are unique. Read from the database, never guessed.

Names are quoted here and nowhere else. Values are the business of ``values``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from difflib import get_close_matches
from typing import Literal, TypeAlias

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Column", "Schema", "create_statement", "load", "quote", "suggest", "table_names"]

Affinity: TypeAlias = Literal["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"]
#: What a declared type says about the values, beyond how they are stored; "" where it says nothing.
Meaning: TypeAlias = Literal["integer", "real", "decimal", "boolean", "date", "datetime", ""]

_MEANINGS: Mapping[str, Meaning] = {
    **dict.fromkeys(("INT", "INTEGER", "TINYINT", "SMALLINT", "MEDIUMINT", "BIGINT", "UNSIGNED", "INT2", "INT4", "INT8"), "integer"),
    **dict.fromkeys(("REAL", "DOUBLE", "FLOAT"), "real"),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "MONEY"), "decimal"),
    **dict.fromkeys(("BOOLEAN", "BOOL"), "boolean"),
    "DATE": "date",
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), "datetime"),
}


def quote(name: str) -> str:
    """The name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def suggest(name: str, names: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` where a name is close, else nothing."""
    by_fold = {other.casefold(): other for other in names}
    near = get_close_matches(str(name).casefold(), list(by_fold), n=1, cutoff=0.6)
    return f" (did you mean {by_fold[near[0]]!r}?)" if near else ""


@frozen
class Column:
    """One column.

    ``affinity`` is what SQLite does to values on the way in (sqlite.org/datatype3.html, section 3.1), ``meaning`` what the declared type promises.
    """

    name: str
    declared: str
    affinity: Affinity
    meaning: Meaning
    required: bool
    generated: bool


@frozen
class Schema:
    """One table or view as it stands."""

    table: str
    columns: Mapping[str, Column]
    view: bool
    #: Sets of columns that no two rows share; columns that may be null do not count, since nulls are never equal.
    unique: tuple[frozenset[str], ...]
    #: How to say "rowid" here, or None where rows have none (views, WITHOUT ROWID) or every name for it is taken.
    rowid: str | None
    #: The column that SQLite fills by itself when it is left out.
    automatic: str | None

    def require(self, names: Iterable[str], what: str) -> None:
        """Raises `ConfigurationError` unless there is a column for each name; ``what`` is the argument they come from."""
        for name in names:
            if name not in self.columns:
                raise ConfigurationError(
                    f"{what}: {self.table} has no column {name!r}{suggest(name, self.columns)}; it has {', '.join(self.columns)}"
                )

    def is_unique(self, names: Iterable[str]) -> bool:
        given = frozenset(names)
        return any(known <= given for known in self.unique)


def _affinity(declared: str, strict: bool) -> Affinity:
    kind = declared.upper()
    if strict and kind == "ANY":
        return "BLOB"
    if "INT" in kind:
        return "INTEGER"
    if any(part in kind for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not kind or "BLOB" in kind:
        return "BLOB"
    return "REAL" if any(part in kind for part in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _meaning(declared: str) -> Meaning:
    words = declared.upper().replace("(", " ").split()
    return _MEANINGS.get(words[0], "") if words else ""


def table_names(connection: sqlite3.Connection) -> list[str]:
    """Tables and views, in alphabetical order."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [name for (name,) in found]


def load(connection: sqlite3.Connection, table: str) -> Schema | None:
    """The schema of a table or view (the case of its name does not matter, as in SQL), or None when there is none of this name."""
    found = connection.execute(
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE", (table,)
    ).fetchone()
    if found is None:
        return None
    name, view = found[0], found[1] == "view"
    # The pragma is not there before SQLite 3.37, and neither are strict tables.
    strict = any(row[5] for row in connection.execute("SELECT * FROM pragma_table_list(?) WHERE schema = 'main'", (name,)))
    columns: dict[str, Column] = {}
    primary: list[str] = []
    for _, column, declared, required, _, key, hidden in connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)):
        if hidden == 1:
            continue
        kind = str(declared or "")
        columns[column] = Column(column, kind, _affinity(kind, strict), _meaning(kind), bool(required), hidden in (2, 3))
        if key:
            primary.append(column)
    rowid = None if view else _rowid(connection, name, columns)
    unique, has_primary_index = _unique(connection, name, columns)
    automatic = None
    if rowid is not None and len(primary) == 1 and columns[primary[0]].declared.upper() == "INTEGER" and not has_primary_index:
        # The rowid under another name.
        automatic = primary[0]
        unique.append(frozenset(primary))
    return Schema(name, columns, view, tuple(unique), rowid, automatic)


def _rowid(connection: sqlite3.Connection, table: str, columns: Mapping[str, Column]) -> str | None:
    taken = {name.lower() for name in columns}
    free = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
    if free is None:
        return None
    try:
        connection.execute(f"SELECT {free} FROM {quote(table)} LIMIT 0")
    except sqlite3.OperationalError as problem:
        if "no such column" in str(problem):
            return None
        raise
    return free


def _unique(connection: sqlite3.Connection, table: str, columns: Mapping[str, Column]) -> tuple[list[frozenset[str]], bool]:
    unique: list[frozenset[str]] = []
    has_primary_index = False
    for _, index, is_unique, origin, partial in connection.execute("SELECT * FROM pragma_index_list(?)", (table,)).fetchall():
        has_primary_index = has_primary_index or origin == "pk"
        names = [name for (name,) in connection.execute("SELECT name FROM pragma_index_info(?)", (index,))]
        # An index over an expression has columns without a name.
        if is_unique and not partial and all(name in columns and columns[name].required for name in names):
            unique.append(frozenset(names))
    return unique, has_primary_index


def create_statement(table: str, columns: Mapping[str, str], key: Sequence[str]) -> str:
    """The statement for ``create={…}``, tried out on an empty database; raises `ConfigurationError` where SQLite does not take it."""
    lines = [
        f"{quote(name)} {definition}{' NOT NULL' if name in key and 'NOT NULL' not in definition.upper() else ''}"
        for name, definition in columns.items()
    ]
    statement = f"CREATE TABLE IF NOT EXISTS {quote(table)} ({', '.join(lines)}, PRIMARY KEY ({', '.join(map(quote, key))}))"
    with closing(sqlite3.connect(":memory:")) as trial:
        try:
            trial.execute(statement)
            made = load(trial, table)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as problem:
            raise ConfigurationError(f"SqlTable(create=…) is no table definition: {problem}; give name → type, e.g. {{'id': 'TEXT'}}") from problem
    if made is None or list(made.columns) != list(columns):
        raise ConfigurationError(f"SqlTable(create=…): one type for each column, not several columns in one: {', '.join(columns.values())}")
    return statement
