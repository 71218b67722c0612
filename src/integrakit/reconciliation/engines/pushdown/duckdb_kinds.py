"""Types of DuckDB as kinds of values, and which types of Arrow go into DuckDB and come out of it as they were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from integrakit.reconciliation.engines.pushdown.kinds import OTHER, Kind, PlacedColumn
from integrakit.reconciliation.engines.run import Unsuitable

__all__ = ["arrow_side", "kind_of"]

_INTEGERS: Mapping[str, int] = MappingProxyType(
    {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20}
)
_FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "BOOLEAN": "bool",
        "VARCHAR": "text",
        "BLOB": "bytes",
        "DATE": "date",
        "TIMESTAMP": "naive",
        "TIMESTAMP_S": "naive",
        "TIMESTAMP_MS": "naive",
        "TIMESTAMP WITH TIME ZONE": "instant",
        "TIME": "time",
        "DOUBLE": "float",
    }
)
_DECIMAL = re.compile(r"DECIMAL\(([0-9]+),\s*([0-9]+)\)")


def kind_of(name: str) -> Kind | None:
    """The kind of a column; None where its values do not come out through Arrow as they are."""
    if name in _INTEGERS:
        return Kind(family="number", name=name, whole=_INTEGERS[name], scale=0, integer=True)
    if found := _DECIMAL.fullmatch(name):
        digits, scale = int(found[1]), int(found[2])
        return Kind(family="number", name=name, whole=digits - scale, scale=scale)
    if name == "FLOAT":
        return Kind(family="float", name=name, bits=32)
    if name in _FAMILIES:
        # Times of other units are compared as microseconds, which both are, exactly.
        value = "CAST({} AS TIMESTAMP)" if name in ("TIMESTAMP_S", "TIMESTAMP_MS") else "{}"
        return Kind(family=_FAMILIES[name], name=name, value=value)
    if _plainly_nested(name):
        return Kind(family=OTHER, name=name)
    return None


def _plainly_nested(name: str) -> bool:
    """A list, and lists of lists, of what has an equality of its own."""
    if not name.endswith("[]"):
        return False
    inner = kind_of(name[:-2])
    return inner is not None and (inner.family != OTHER or inner.equal)


def _expected(arrow: Any, kind: Any) -> str | None:
    """The type of DuckDB that a type of Arrow must have become for its values to come back as they were."""
    types = arrow.types
    plain = {
        "int8": "TINYINT",
        "int16": "SMALLINT",
        "int32": "INTEGER",
        "int64": "BIGINT",
        "uint8": "UTINYINT",
        "uint16": "USMALLINT",
        "uint32": "UINTEGER",
        "uint64": "UBIGINT",
        "float": "FLOAT",
        "double": "DOUBLE",
        "bool": "BOOLEAN",
        "string": "VARCHAR",
        "large_string": "VARCHAR",
        "binary": "BLOB",
        "large_binary": "BLOB",
        "date32[day]": "DATE",
        "time64[us]": "TIME",
        "timestamp[s]": "TIMESTAMP_S",
        "timestamp[ms]": "TIMESTAMP_MS",
        "timestamp[us]": "TIMESTAMP",
    }
    if types.is_dictionary(kind):
        return _expected(arrow, kind.value_type)
    if types.is_decimal128(kind):
        return f"DECIMAL({kind.precision},{kind.scale})" if 0 <= kind.scale <= kind.precision else None
    if types.is_timestamp(kind) and kind.tz is not None:
        return None if kind.unit == "ns" else "TIMESTAMP WITH TIME ZONE"
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _expected(arrow, kind.value_type)
        return None if inner is None else inner + "[]"
    return plain.get(str(kind))


def arrow_side(arrow: Any, schema: Any, kinds: Mapping[str, str], *, cells: bool) -> dict[str, PlacedColumn]:
    """The columns of a file or frame. Raises `Unsuitable` for one that does not come back as it was."""
    columns: dict[str, PlacedColumn] = {}
    if len({name.casefold() for name in schema.names}) < len(schema.names):
        raise Unsuitable("two columns have names that DuckDB takes for one")
    for field in schema:
        there = kinds.get(field.name, "").replace(", ", ",")
        wanted = _expected(arrow, field.type)
        # Files do not tell seconds from milliseconds and microseconds, which hold the same times.
        times = {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"}
        if wanted is None or not (there == wanted or {there, wanted} <= times):
            raise Unsuitable(f"the column {field.name!r} is {field.type}, which is {there or 'nothing'} in DuckDB and may not come back as it was")
        kind = kind_of(there)
        assert kind is not None
        if cells:
            kind = Kind(family="cell", name="cell")
        columns[field.name] = PlacedColumn(name=field.name, selected='t."' + field.name.replace('"', '""') + '"', kind=kind)
    return columns
