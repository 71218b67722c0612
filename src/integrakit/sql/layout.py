"""What a read of rows selects, and in which order: one value, whatever the database.

A `Term` is one thing that rows are sorted by, as SQL that compares the same way everywhere: text by code point, nulls first. Who builds a layout
knows a database; who reads by it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from attrs import field, frozen

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.sql.schema import Column, Schema, quote, suggest
from integrakit.sql.statement import Statement
from integrakit.sql.values import Unfit, decoder, encode_key
from integrakit.sql.watermarks import Cursor

__all__ = ["Layout", "Row", "Session", "Term", "file_layout", "query_layout"]

Row = tuple[Any, ...]


class Session(Protocol):
    """A connection inside a transaction that may only read."""

    #: The driver's own.
    connection: Any

    def rows(self, statement: str, values: Sequence[Any], /) -> list[Row]: ...


@frozen(kw_only=True)
class Term:
    """One thing rows are sorted by."""

    #: What is compared, as SQL, and how it is sorted, nulls first.
    sql: str
    sort: str
    #: What stands for a value of it in a condition.
    mark: str = "?"
    #: Selected behind the columns where the column itself does not give the exact value back; None where it does.
    shown: str | None = None


@frozen(kw_only=True)
class Layout:
    """What to select, and in which order."""

    #: What messages call it, and what stands behind FROM, with the values of its marks.
    name: str
    source: str
    source_values: tuple[Any, ...] = ()
    #: Column → what is selected for it.
    columns: Mapping[str, str]
    key: tuple[str, ...]
    #: The columns the caller asked to be sorted by, the key among them.
    order: tuple[str, ...]
    #: One for each of ``order``, and perhaps one more that makes the order exact.
    terms: tuple[Term, ...]
    #: Whether no two rows are equal in all terms, and whether none have the same key.
    exact: bool
    unique: bool
    cursor: Cursor | None = None
    #: Column → decoder, for those that need one.
    decoders: Mapping[str, Callable[[Any], Any]]
    #: Finds rows by their keys.
    finder: Callable[[Session, Layout, Sequence[Any]], dict[Any, dict[str, Any]]]
    #: Where in a row the values of the terms are.
    places: tuple[int, ...] = field(init=False)
    selected: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        names = list(self.columns)
        places: list[int] = []
        extra: list[str] = []
        for index, term in enumerate(self.terms):
            if term.shown is None:
                places.append(names.index(self.order[index]))
            else:
                places.append(len(names) + len(extra))
                extra.append(term.shown)
        object.__setattr__(self, "places", tuple(places))
        object.__setattr__(self, "selected", ", ".join([*self.columns.values(), *extra]))

    def find(self, session: Session, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
        """The rows that have one of the keys."""
        return self.finder(session, self, keys)

    def position(self, row: Row) -> Row:
        """What a row is sorted by, as it is stored."""
        return tuple(row[place] for place in self.places)

    def records(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows as dicts of decoded values; raises `DecodeError` for what is not as ``types`` says."""
        names = list(self.columns)
        # A row may be longer than the names: what it is sorted by comes behind them.
        records = [dict(zip(names, row, strict=False)) for row in rows]
        for name, decode in self.decoders.items():
            for record, row in zip(records, rows, strict=True):
                value = record[name]
                if value is not None:
                    try:
                        record[name] = decode(value)
                    except ValueError as problem:
                        place = dict(zip(self.order, self.position(row), strict=False))
                        raise DecodeError(
                            f"{self.name} at {place}, column {name!r}: {value!r:.60} is {problem}, and types={{…}} says that it is",
                            path=name,
                            record=dict(zip(names, row, strict=False)),
                        ) from problem
        return records


def file_layout(
    schema: Schema, *, key: tuple[str, ...], order: tuple[str, ...], cursor: str | None, decoders: Mapping[str, Callable[[Any], Any]]
) -> Layout:
    """The layout of a table of SQLite. Where the order is not unique, the row's own number follows."""
    # Compared as bytes whatever the column says, so that the order is the one other code can rely on.
    terms = [Term(sql=(sql := f"{quote(name)} COLLATE BINARY"), sort=sql) for name in order]
    exact = schema.is_unique(order)
    if not exact and schema.rowid is not None:
        terms.append(Term(sql=schema.rowid, sort=schema.rowid, shown=schema.rowid))
        exact = True
    return Layout(
        name=schema.table,
        source=quote(schema.table),
        columns={name: quote(name) for name in schema.columns},
        key=key,
        order=order,
        terms=tuple(terms),
        exact=exact,
        unique=schema.is_unique(key),
        cursor=None if cursor is None else Cursor(name=cursor, sql=f"{quote(cursor)} COLLATE BINARY", kind="stored"),
        decoders=decoders,
        finder=partial(_find, schema),
    )


def query_layout(
    statement: Statement, names: Sequence[str], *, key: tuple[str, ...], order: tuple[str, ...], cursor: str | None, types: Mapping[str, Any]
) -> Layout:
    """The layout of a query on SQLite. Raises `ConfigurationError` for columns that it does not give."""
    for what, wanted in (("key=", key), ("order_by=", order), ("cursor=", (cursor,) if cursor else ()), ("types=", types)):
        for name in wanted:
            if name not in names:
                raise ConfigurationError(f"{what}: the query has no column {name!r}{suggest(name, names)}; it has {', '.join(names)}")
    terms = [Term(sql=(sql := f"t.{quote(name)} COLLATE BINARY"), sort=sql) for name in order]
    return Layout(
        name="the query",
        source=f"(\n{statement.sql}\n) AS t",
        source_values=statement.values,
        columns={name: f"t.{quote(name)}" for name in names},
        key=key,
        order=order,
        terms=tuple(terms),
        exact=False,
        unique=False,
        cursor=None if cursor is None else Cursor(name=cursor, sql=f"t.{quote(cursor)} COLLATE BINARY", kind="stored"),
        decoders={name: decode for name, wanted in types.items() if (decode := decoder(_PLAIN, wanted)) is not None},
        finder=_not_found,
    )


_PLAIN = Column("", "", "BLOB", "", False, False)


def _not_found(session: Session, layout: Layout, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    raise ConfigurationError(f"{layout.name} cannot be asked by key")


def _find(schema: Schema, session: Session, layout: Layout, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    where = " AND ".join(f"{quote(name)} = ?" for name in layout.key)
    statement = f"SELECT {layout.selected} FROM {layout.source} WHERE {where} LIMIT 1"
    found: dict[Any, dict[str, Any]] = {}
    for key in keys:
        try:
            stored = encode_key(schema, layout.key, key)
        except Unfit:
            continue
        if rows := session.rows(statement, stored):
            found[key] = layout.records(rows)[0]
    return found
