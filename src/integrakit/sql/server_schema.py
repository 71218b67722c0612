"""What a table of a database server looks like to a read, and the layout made of it. What servers differ in stands in ``postgresql``, ``mariadb``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.sql.layout import Layout, Session, Term
from integrakit.sql.schema import Column, suggest
from integrakit.sql.values import Unfit, decoder
from integrakit.sql.watermarks import Cursor, Kind

__all__ = ["ServerColumn", "ServerSchema", "server_layout", "wanted_decoder"]

_PLAIN = Column("", "", "BLOB", "", False, False)
#: Keys asked for in one statement.
_AT_ONCE = 500


@frozen(kw_only=True)
class ServerColumn:
    """One column: how it is selected, sorted by and compared."""

    name: str
    quoted: str
    selected: str
    term: Term
    decode: Callable[[Any], Any] | None = None
    #: What kind of cursor it makes, and what stands for a watermark; None where it makes none.
    cursor: Kind | None = None
    cursor_mark: str = "%s"
    required: bool = False
    #: What is compared where a key is looked for: as loosely as an index serves it.
    equal: str
    #: Whether a driver is not given all digits of it.
    shortened: bool = False
    #: The classes of Python a key of it may have; empty: any.
    classes: tuple[type, ...] = ()
    #: The type as the server's catalogue has it ("numeric", "bpchar"; "json" for a text that is checked to be JSON), and with its size where that is
    #: known ("numeric(12,2)").
    kind: str = ""
    declared: str = ""


@frozen(kw_only=True)
class ServerSchema:
    """A table, a view, or what a query gives."""

    name: str
    source: str
    source_values: tuple[Any, ...] = ()
    columns: Mapping[str, ServerColumn]
    #: Sets of columns that no two rows share; none of them may be null.
    unique: tuple[frozenset[str], ...] = ()

    def require(self, names: Iterable[str], what: str) -> None:
        """Raises `ConfigurationError` unless there is a column for each name; ``what`` is the argument they come from."""
        for name in names:
            if name not in self.columns:
                raise ConfigurationError(f"{what}: {self.name} has no column {name!r}{suggest(name, self.columns)}; it has {', '.join(self.columns)}")

    def is_unique(self, names: Iterable[str]) -> bool:
        given = frozenset(names)
        return any(known <= given for known in self.unique)


def server_layout(schema: ServerSchema, *, key: tuple[str, ...], order: tuple[str, ...], cursor: str | None, types: Mapping[str, Any]) -> Layout:
    """What to select from a table or query, and in which order. Raises `ConfigurationError` for names it does not have."""
    schema.require(key, "key=")
    schema.require(order, "order_by=")
    schema.require([cursor] if cursor else [], "cursor=")
    schema.require(types, "types=")
    decoders: dict[str, Callable[[Any], Any]] = {}
    for name, column in schema.columns.items():
        wanted = types.get(name)
        decode = wanted_decoder(wanted, column.decode)
        if decode is not None:
            decoders[name] = decode
    its = None
    if cursor is not None:
        column = schema.columns[cursor]
        if column.cursor is None:
            raise ConfigurationError(f"cursor=: the column {cursor!r} of {schema.name} is of a type that does not grow: name a time or a number")
        its = Cursor(name=cursor, sql=column.term.sql if column.cursor == "text" else column.quoted, mark=column.cursor_mark, kind=column.cursor)
    return Layout(
        name=schema.name,
        source=schema.source,
        source_values=schema.source_values,
        columns={name: column.selected for name, column in schema.columns.items()},
        key=key,
        order=order,
        terms=tuple(schema.columns[name].term for name in order),
        exact=schema.is_unique(order),
        unique=schema.is_unique(key),
        cursor=its,
        decoders=decoders,
        finder=partial(_find, schema),
    )


def wanted_decoder(wanted: Any, own: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """What turns a value of a driver's into what ``types=`` wants; ``own`` where it wants nothing. It raises ValueError for what does not fit."""
    if wanted is None:
        return own
    convert = decoder(_PLAIN, wanted)

    def decode(value: Any) -> Any:
        if own is not None:
            value = own(value)
        if isinstance(wanted, type) and type(value) is wanted:
            return value
        if wanted is str and not isinstance(value, bytes | list | dict):
            return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
        if wanted == "json" and not isinstance(value, str):
            return value
        if isinstance(value, Decimal):
            if wanted is int and value != value.to_integral_value():
                raise ValueError("not a whole number")
            value = format(value, "f") if wanted is not int else int(value)
        return value if convert is None else convert(value)

    return decode


def _find(schema: ServerSchema, session: Session, layout: Layout, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    columns = [schema.columns[name] for name in layout.key]
    asked: dict[tuple[Any, ...], Any] = {}
    for key in keys:
        try:
            asked[_parts(columns, key)] = key
        except Unfit:
            continue
    found: dict[Any, dict[str, Any]] = {}
    names = list(layout.columns)
    places = [names.index(name) for name in layout.key]
    one = f"({' AND '.join(f'{column.equal} = {column.term.mark}' for column in columns)})"
    wanted = list(asked)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        where = f"{columns[0].equal} IN ({', '.join([columns[0].term.mark] * len(some))})"
        if len(columns) > 1:
            where = " OR ".join([one] * len(some))
        values = [part for parts in some for part in parts]
        rows = session.rows(f"SELECT {layout.selected} FROM {layout.source} WHERE {where}", (*layout.source_values, *values))
        for row, record in zip(rows, layout.records(rows), strict=True):
            # A collation may take other texts for the same.
            key = asked.get(tuple(row[place] for place in places))
            if key is not None:
                found.setdefault(key, record)
    return found


def _parts(columns: Sequence[ServerColumn], key: Any) -> tuple[Any, ...]:
    parts = (key,) if len(columns) == 1 else tuple(key) if isinstance(key, tuple | list) else ()
    if len(parts) != len(columns):
        raise Unfit("the key has another number of parts")
    return tuple(_part(column, part) for column, part in zip(columns, parts, strict=True))


def _part(column: ServerColumn, part: Any) -> Any:
    if isinstance(part, UUID):
        part = str(part)
    if part is None or (column.classes and (not isinstance(part, column.classes) or (isinstance(part, bool) and bool not in column.classes))):
        raise Unfit("no row can have it")
    if isinstance(part, int) and not -(2**63) <= part < 2**64:
        raise Unfit("beyond 64 bits")
    if isinstance(part, str) and "\0" in part:
        raise Unfit("a NUL")
    return part
