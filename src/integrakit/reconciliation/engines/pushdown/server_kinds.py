"""Types of PostgreSQL and MariaDB as kinds of values, by what a cursor tells of its columns. Types that are not named here are "other"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from integrakit.reconciliation.engines.pushdown.kinds import OTHER, Kind

__all__ = ["mariadb_kind", "postgresql_kind"]

# Of times of day with an offset, and of intervals, equality in SQL is not that of values: what is written the same way is the same.
_POSTGRESQL: Mapping[str, Kind] = MappingProxyType(
    {
        **{name: Kind(family="number", name=name, whole=digits, scale=0, integer=True) for name, digits in (("int2", 5), ("int4", 10), ("int8", 19))},
        "oid": Kind(family="number", name="oid", whole=10, scale=0, integer=True, value="CAST({} AS int8)"),
        "numeric": Kind(family="number", name="numeric"),
        "float4": Kind(family="float", name="float4", bits=32),
        "float8": Kind(family="float", name="float8"),
        "text": Kind(family="text", name="text"),
        "varchar": Kind(family="text", name="text"),
        "name": Kind(family="text", name="text", value="CAST({} AS text)"),
        # A CHAR is read with its blanks, which every cast cuts off.
        "bpchar": Kind(family="text", name="bpchar", value="textin(bpcharout({}))"),
        "uuid": Kind(family="text", name="uuid", value="CAST({} AS text)"),
        "bytea": Kind(family="bytes", name="bytea"),
        "bool": Kind(family="bool", name="bool"),
        "date": Kind(family="date", name="date"),
        "timestamp": Kind(family="naive", name="timestamp"),
        "timestamptz": Kind(family="instant", name="timestamptz"),
        "time": Kind(family="time", name="time"),
    }
)


def postgresql_kind(types: Any, column: Any) -> Kind:
    """The kind of a column of psycopg's description; ``types``: its registry."""
    info = types.get(column.type_code)
    # One number is the type, and another an array of it.
    name = info.name if info is not None and info.oid == column.type_code else ""
    found = _POSTGRESQL.get(name)
    return found if found is not None else Kind(family=OTHER, name=f"type {name or column.type_code}", equal=False)


_INTEGERS: Mapping[int, int] = MappingProxyType({1: 4, 2: 5, 3: 10, 8: 20, 9: 8})
_TEXTS = frozenset({249, 250, 251, 252, 253, 254})
_FLOAT, _DOUBLE = 4, 5
_BINARY = 63


def mariadb_kind(column: Any, field: Any, decode: Callable[[Any], Any] | None) -> Kind:
    """The kind of a column of pymysql's description and result, https://mariadb.com/kb/en/result-set-packets/#field-types.

    ``decode``: what the reader makes of its values.
    """
    code = column[1]
    if code in (_FLOAT, _DOUBLE):
        # A FLOAT that is selected as DOUBLE has the digits that it would not be written with.
        return Kind(family="float", name=f"float {code}", bits=32 if decode else 64)
    if code == 7:
        return Kind(family="instant", name="timestamp")
    if decode is not None:
        # A bool that is stored as a number, a document that is stored as text: the same only where it is read the same way.
        return Kind(family=OTHER, name=f"type {code} by {decode.__name__}", equal=False)
    if code in _INTEGERS:
        return Kind(family="number", name=f"integer {code}", whole=_INTEGERS[code], scale=0, integer=True)
    if code in (0, 246):
        scale = int(column[5] or 0)
        return Kind(family="number", name=f"decimal .{scale}", whole=65 - scale, scale=scale)
    if code in _TEXTS and field.charsetnr != _BINARY:
        return Kind(family="text", name="text", value="CONVERT({} USING utf8mb4)")
    if code in _TEXTS:
        return Kind(family="bytes", name="bytes")
    families = {10: "date", 12: "naive"}
    return Kind(family=families.get(code, OTHER), name=f"type {code}", equal=code in families)
