"""What is PostgreSQL's own: how its types come out, how its columns are sorted, and how its catalogue is asked. Through psycopg 3.

Values that Python has no room for (infinity, years beyond 9999, intervals with months) come as the text that PostgreSQL writes, never as something
near them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from integrakit._json import loads
from integrakit.sql.layout import Row, Session, Term
from integrakit.sql.server_schema import ServerColumn, ServerSchema
from integrakit.sql.watermarks import Kind

__all__ = ["BEGIN", "adapt", "column_of", "described", "fetched", "load", "quote", "table_names"]

#: Said with each transaction, so that nothing is left behind on a connection of the caller's. Settings that change what values look like are ours.
BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; "
    "SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL extra_float_digits = 1; SET LOCAL lock_timeout = {lock}"
)

_RELATION = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
"""
# The type of a domain is what it is made of. A collation of "" is the database's own.
_COLUMNS = """
SELECT a.attname, b.typname, format_type(a.atttypid, a.atttypmod), a.attnotnull, b.typcategory, b.typtype,
       coalesce(nullif(co.collcollate, ''), CASE WHEN co.collprovider = 'd' THEN d.datcollate END), co.collprovider
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_collation co ON co.oid = a.attcollation
JOIN pg_database d ON d.datname = current_database()
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
# Partial indexes and those over expressions tell nothing about all rows; nulls are never equal.
_UNIQUE = """
SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid HAVING bool_and(a.attnotnull)
"""
_NAMES = """
SELECT CASE WHEN n.nspname = ANY (current_schemas(false)) THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
ORDER BY 1 LIMIT 200
"""

#: Types whose values come back exactly as they came out, and those for which PostgreSQL's own text does. The rest is sorted by its text.
_EXACT = frozenset({"int2", "int4", "int8", "oid", "bool", "uuid", "bytea", "xid8"})
_TEXTED = frozenset({"numeric", "float4", "float8", "money", "date", "timestamp", "timestamptz", "time", "timetz", "interval"})
_CURSORS: Mapping[str, Kind] = {
    "timestamptz": "zoned",
    **dict.fromkeys(("timestamp", "date"), "naive"),
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), "number"),
    **dict.fromkeys(("text", "varchar"), "text"),
    "xid8": "xid8",
}
_CLASSES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "xid8"), (int,)),
    **dict.fromkeys(("numeric", "float4", "float8", "money"), (int, float, Decimal)),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext"), (str,)),
    "bool": (bool,),
    "bytea": (bytes,),
    "date": (date,),
    **dict.fromkeys(("timestamp", "timestamptz"), (datetime,)),
}


def quote(name: str) -> str:
    """The name as an identifier, in a statement with values."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def column_of(name: str, kind: str, declared: str, *, required: bool = False, text: bool = False, plain_order: bool = False) -> ServerColumn:
    """A column of the type ``kind``. ``text``: a kind of text; ``plain_order``: its own collation is the order of code points already."""
    quoted = f"t.{quote(name)}"
    mark, shown, sql = f"CAST(%s AS {declared.replace('%', '%%')})", None, quoted
    if kind == "xid8":
        # There is no cast from numbers.
        mark = "CAST(CAST(%s AS text) AS xid8)"
    elif kind in _TEXTED:
        shown = f"CAST({quoted} AS text)"
    elif kind not in _EXACT:
        mark = "CAST(%s AS text)"
        if kind not in ("text", "varchar", "name"):
            sql = shown = f"CAST({quoted} AS text)"
        if not plain_order:
            sql = f'{sql} COLLATE "C"'
    # By itself PostgreSQL puts nulls last.
    term = Term(sql=sql, sort=sql if required else f"{sql} NULLS FIRST", mark=mark, shown=shown)
    return ServerColumn(
        name=name,
        quoted=quoted,
        selected=f"CAST({quoted} AS numeric)" if kind == "money" else quoted,
        term=term,
        cursor=_CURSORS.get(kind),
        cursor_mark=mark,
        required=required,
        equal=sql.removesuffix(' COLLATE "C"'),
        classes=_CLASSES.get(kind, (str,) if text else ()),
        kind=kind,
        declared=declared,
    )


def described(cursor: Any) -> dict[str, ServerColumn]:
    """The columns of what a cursor ran."""
    columns: dict[str, ServerColumn] = {}
    for column in cursor.description:
        info = cursor.adapters.types.get(column.type_code)
        # One number is the type, and another an array of it.
        kind = "xid8" if column.type_code == _XID8 else info.name if info is not None and info.oid == column.type_code else ""
        columns[column.name] = column_of(column.name, kind, kind, text=kind in ("text", "varchar", "bpchar", "name"))
    return columns


def load(session: Session, table: str) -> ServerSchema | None:
    """The table or view of this name: one of the search path, or ``schema.table``; None where there is none."""
    schema, dot, rest = table.partition(".")
    for place in (_whole(table), *([f"{_whole(schema)}.{_whole(rest)}"] if dot and schema and rest else [])):
        if found := session.rows(_RELATION, (place,)):
            break
    else:
        return None
    ((oid, its_schema, relation),) = found
    columns: dict[str, ServerColumn] = {}
    for name, kind, declared, required, category, kind_of, collation, provider in session.rows(_COLUMNS, (oid,)):
        plain = kind == "name" or (collation in ("C", "POSIX") and provider != "i")
        text = category == "S" or kind_of == "e"
        columns[name] = column_of(name, kind, declared, required=required, text=text, plain_order=plain and kind in ("text", "varchar", "name"))
    unique = tuple(frozenset(names) for (names,) in session.rows(_UNIQUE, (oid,)))
    return ServerSchema(name=table, source=f"{quote(its_schema)}.{quote(relation)} AS t", columns=columns, unique=unique)


def _whole(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table_names(session: Session) -> list[str]:
    """Tables and views, in alphabetical order; those that need their schema's name have it."""
    return [name for (name,) in session.rows(_NAMES, ())]


# ---------------------------------------------------------------------- values


def adapt(psycopg: Any, context: Any) -> None:
    """Tells a connection or a cursor of psycopg how values come out. The module comes from SQLAlchemy, which loaded it."""
    for name, loader in _loaders(psycopg).items():
        context.adapters.register_loader(name, loader)
    psycopg.types.json.set_json_loads(_json, context)


#: What psycopg has classes for that neither JSON nor other parts of integrakit know.
_AS_TEXT = ("uuid", "inet", "cidr", "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")
_MULTIRANGES = ("int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange")
_XID8 = 5069
# PostgreSQL writes P1Y2M3DT4H5M6.7S. Days and times make a timedelta; years and months have no length, and stay text.
_INTERVAL = re.compile(r"P(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+(?:\.\d+)?)S)?)?")


@lru_cache(maxsize=1)
def _loaders(psycopg: Any) -> Mapping[Any, Any]:
    def load(self: Any, data: Any) -> Any:
        return _interval(bytes(data).decode())

    interval = type("IntervalOrText", (psycopg.adapt.Loader,), {"load": load})
    text = dict.fromkeys((*_AS_TEXT, *_MULTIRANGES), psycopg.types.string.TextLoader)
    return {**text, _XID8: psycopg.types.numeric.IntLoader, "interval": interval}


def _interval(text: str) -> Any:
    found = _INTERVAL.fullmatch(text)
    if found is None:
        return text
    days, hours, minutes, seconds = (Decimal(part or 0) for part in found.groups())
    try:
        return timedelta(days=int(days), microseconds=int(((hours * 60 + minutes) * 60 + seconds) * 1_000_000))
    except OverflowError:
        return text


def _json(text: Any) -> Any:
    return loads(text if isinstance(text, str) else bytes(text), decimals=True)


@lru_cache(maxsize=1)
def _careful(psycopg: Any) -> Mapping[str, Any]:
    """Loaders that give the text where psycopg's give up."""
    its = psycopg.types.datetime

    def careful(loader: Any) -> Any:
        def load(self: Any, data: Any) -> Any:
            try:
                return loader.load(self, data)
            except psycopg.DataError:
                return bytes(data).decode()

        return type(f"Careful{loader.__name__}", (loader,), {"load": load})

    loaders = {"date": its.DateLoader, "timestamp": its.TimestampLoader, "timestamptz": its.TimestamptzLoader, "time": its.TimeLoader}
    return {name: careful(loader) for name, loader in loaders.items()}


def fetched(psycopg: Any, cursor: Any) -> list[Row]:
    """All rows that a cursor has; what Python has no room for, and psycopg can make no value of, comes as text."""
    try:
        rows: list[Row] = cursor.fetchall()
    except psycopg.DataError:
        return _rescued(psycopg, cursor)
    return rows


def _rescued(psycopg: Any, cursor: Any) -> list[Row]:
    for name, loader in _careful(psycopg).items():
        cursor.adapters.register_loader(name, loader)
    transformer = psycopg.adapt.Transformer(cursor)
    transformer.set_pgresult(cursor.pgresult)
    rows: list[Row] = transformer.load_rows(0, cursor.pgresult.ntuples, tuple)
    return rows
