"""What is MariaDB's (and MySQL's) own: how its types come out, how its columns are sorted, and how its catalogue is asked. Through pymysql.

Its collations fold case and trailing spaces; rows are sorted by bytes of UTF-8 all the same, which is the order of code points.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrakit._json import loads
from integrakit.sql.layout import Session, Term
from integrakit.sql.server_schema import ServerColumn, ServerSchema
from integrakit.sql.watermarks import Kind

__all__ = ["begin", "column_of", "described", "load", "quote", "restoring", "settings", "table_names"]

_COLUMNS = """
SELECT column_name, data_type, column_type, is_nullable, collation_name FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
"""
_TABLE = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = coalesce(%s, database()) AND table_name = %s"
_UNIQUE = """
SELECT index_name, column_name, sub_part, nullable FROM information_schema.statistics
WHERE table_schema = %s AND table_name = %s AND non_unique = 0
"""
_CHECKS = "SELECT check_clause FROM information_schema.check_constraints WHERE constraint_schema = %s AND table_name = %s"
_NAMES = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1 LIMIT 200"

_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
#: Text that is sorted by something else than its characters, if at all.
_ODD_TEXTS = frozenset({"enum", "set", "uuid", "inet4", "inet6", "json"})
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_TIMES = frozenset({"date", "datetime", "timestamp", "time"})
#: Collations that are the order of code points, trailing spaces included: an index serves it.
_PLAIN = frozenset({"utf8mb4_nopad_bin", "utf8mb3_nopad_bin", "ascii_nopad_bin", "utf8mb4_0900_bin"})
_CURSORS: Mapping[str, Kind] = {
    "timestamp": "zoned",
    **dict.fromkeys(("datetime", "date"), "naive"),
    **dict.fromkeys((*_INTEGERS, "decimal", "double", "float"), "number"),
    **dict.fromkeys(("char", "varchar"), "text"),
}
_CLASSES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(_INTEGERS, (int,)),
    **dict.fromkeys(("decimal", "double", "float"), (int, float, Decimal)),
    **dict.fromkeys((*_TEXTS, *_ODD_TEXTS), (str,)),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), (bytes,)),
    "date": (date,),
    **dict.fromkeys(("datetime", "timestamp"), (datetime,)),
}


def settings(timeout: float, statement_timeout: float | None) -> Sequence[str]:
    """What a connection is told first. TIMESTAMP is written in the session's time zone: in UTC no hour comes twice.

    A server that cannot get rid of its rows hangs up after net_write_timeout, 60 seconds: whoever works on a page for longer would lose the read.
    """
    limit = ("", "")
    if statement_timeout is not None:
        limit = ", @integrakit_limit = @@max_statement_time", f", SESSION max_statement_time = {statement_timeout:f}"
    return (
        f"SET @integrakit_zone = @@time_zone, @integrakit_lock = @@lock_wait_timeout, @integrakit_net = @@net_write_timeout{limit[0]}",
        f"SET SESSION time_zone = '+00:00', SESSION lock_wait_timeout = {max(1, round(timeout))}, SESSION net_write_timeout = 86400{limit[1]}",
    )


def restoring(statement_timeout: float | None) -> Sequence[str]:
    """What `settings` changed, put back."""
    limit = "" if statement_timeout is None else ", SESSION max_statement_time = @integrakit_limit"
    zone = "SET SESSION time_zone = @integrakit_zone, SESSION lock_wait_timeout = @integrakit_lock"
    return (f"{zone}, SESSION net_write_timeout = @integrakit_net{limit}",)


def begin(long: bool) -> Sequence[str]:
    """A transaction that may only read; ``long``: its snapshot is taken at once."""
    snapshot = "WITH CONSISTENT SNAPSHOT, " if long else ""
    return ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", f"START TRANSACTION {snapshot}READ ONLY")


def quote(name: str) -> str:
    """The name as an identifier, in a statement with values."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def column_of(name: str, kind: str, declared: str, *, required: bool = False, collation: str | None = None, json: bool = False) -> ServerColumn:
    """A column of the type ``kind``; ``declared``: the whole of its type; ``json``: a text that is checked to be JSON."""
    quoted = f"t.{quote(name)}"
    selected, sql, shown = quoted, quoted, None
    if kind in _ODD_TEXTS or (kind in _TEXTS and collation not in _PLAIN):
        sql = f"CAST(CONVERT({quoted} USING utf8mb4) AS BINARY)"
    elif kind == "float":
        # As text it has six digits, which are not all that it has.
        selected = sql = f"CAST({quoted} AS DOUBLE)"
    elif kind == "bit":
        selected = sql = f"CAST({quoted} AS UNSIGNED)"
    elif kind in _TIMES:
        shown = f"CAST({quoted} AS CHAR)"
    elif kind not in _INTEGERS | _CLASSES.keys():
        sql = shown = f"CAST({quoted} AS CHAR)"
    return ServerColumn(
        name=name,
        quoted=quoted,
        selected=selected,
        # Nulls come first by themselves.
        term=Term(sql=sql, sort=sql, mark="%s", shown=shown),
        decode=_json if json or kind == "json" else _decoder(kind, declared),
        cursor=_CURSORS.get(kind),
        cursor_mark="CAST(%s AS DECIMAL(65, 20))" if kind == "decimal" else "%s",
        required=required,
        equal=quoted if selected == quoted else selected,
        shortened=kind == "float",
        classes=(int, bool) if declared == "tinyint(1)" else _CLASSES.get(kind, ()),
        kind="json" if json else kind,
        declared=declared,
    )


def described(cursor: Any) -> dict[str, ServerColumn]:
    """The columns of what a cursor ran."""
    columns: dict[str, ServerColumn] = {}
    for (name, code, _, size, *_), field in zip(cursor.description, cursor._result.fields, strict=True):
        kind = _CODES.get(code, "")
        if kind in ("text", "varchar", "char") and field.charsetnr == _BINARY:
            kind = "blob"
        columns[name] = column_of(name, kind, f"{kind}({size})" if kind in ("tinyint", "bit") else kind)
    return columns


#: Types in the protocol, https://mariadb.com/kb/en/result-set-packets/#field-types, and the character set of bytes.
_CODES: Mapping[int, str] = {
    0: "decimal",
    1: "tinyint",
    2: "smallint",
    3: "int",
    4: "float",
    5: "double",
    7: "timestamp",
    8: "bigint",
    9: "mediumint",
    10: "date",
    11: "time",
    12: "datetime",
    13: "year",
    15: "varchar",
    16: "bit",
    245: "json",
    246: "decimal",
    247: "enum",
    248: "set",
    **dict.fromkeys((249, 250, 251, 252), "text"),
    253: "varchar",
    254: "char",
}
_BINARY = 63


def load(session: Session, table: str) -> ServerSchema | None:
    """The table or view of this name, in the database of the connection or as ``database.table``; None where there is none."""
    database, dot, rest = table.partition(".")
    for place in ((None, table), *([(database, rest)] if dot and database and rest else [])):
        if found := session.rows(_TABLE, place):
            break
    else:
        return None
    ((its, name),) = found
    checks = {clause for (clause,) in session.rows(_CHECKS, (its, name))}
    columns: dict[str, ServerColumn] = {}
    for column, kind, declared, nullable, collation in session.rows(_COLUMNS, (its, name)):
        json = f"json_valid(`{column}`)" in checks
        columns[column] = column_of(column, str(kind).lower(), _text(declared).lower(), required=nullable == "NO", collation=collation, json=json)
    indexes: dict[str, list[str] | None] = {}
    for index, column, part, nullable in session.rows(_UNIQUE, (its, name)):
        names = indexes.setdefault(index, [])
        # Of a part of a text, of an expression, or with nulls in it, it says nothing about all rows.
        if part is not None or nullable == "YES" or column is None:
            indexes[index] = None
        elif names is not None:
            names.append(column)
    unique = tuple(frozenset(names) for names in indexes.values() if names)
    return ServerSchema(name=table, source=f"{quote(its)}.{quote(name)} AS t", columns=columns, unique=unique)


def table_names(session: Session) -> list[str]:
    """Tables and views of the database, in alphabetical order."""
    return [name for (name,) in session.rows(_NAMES, ())]


# ---------------------------------------------------------------------- values


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _decoder(kind: str, declared: str) -> Callable[[Any], Any] | None:
    if declared == "tinyint(1)":
        return _boolean
    if kind == "bit":
        return _bit if declared == "bit(1)" else _bits
    return {"float": _single, "timestamp": _instant}.get(kind)


def _bits(value: Any) -> Any:
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def _bit(value: Any) -> Any:
    return _boolean(_bits(value))


def _boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


def _instant(value: Any) -> Any:
    # 0000-00-00 00:00:00 is no moment, and comes as text.
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _single(value: float) -> float:
    """The shortest number that is the same at 32 bits."""
    bits = struct.pack("f", value)
    return next((short for digits in (6, 7, 8) if struct.pack("f", short := float(f"{value:.{digits}g}")) == bits), float(f"{value:.9g}"))


def _json(value: Any) -> Any:
    try:
        return loads(value, decimals=True) if isinstance(value, str | bytes) else value
    except ValueError:
        return value
