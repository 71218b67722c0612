"""The corpus of reconciliation as records, Arrow tables and CSV files, and what all engines must agree on, as one comparable value."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.corpus.reconciliation import CELLS, GROUPS, Group, Keys

from integrakit.model import Page
from integrakit.reconciliation import Diff, Field, Key
from integrakit.reconciliation.rules.values import canonical

__all__ = [
    "CARRIED_BY_ARROW",
    "CARRIED_BY_CSV",
    "FIRST",
    "Pages",
    "answer",
    "answers_of_cells",
    "answers_of_groups",
    "cell_groups",
    "fields_of",
    "key_of",
    "key_table",
    "records",
    "records_of_keys",
    "table",
    "write_csv",
]

Row = dict[str, Any]

#: Keys of as many digits each are in one order as numbers and as text.
FIRST = 1000
_SCALARS = ("int64", "int32", "float64", "float32", "decimal(38,10)", "decimal(20,2)", "text", "char(8)", "bool", "date", "naive", "instant")
CARRIED_BY_ARROW = tuple(group for group in GROUPS if "any" not in (group.left, group.right))
CARRIED_BY_CSV = tuple(group for group in GROUPS if group.left in _SCALARS and group.right in _SCALARS)


class Pages:
    """Records that come in pages, and can be read again and again."""

    def __init__(self, rows: Sequence[Any], size: int = 50) -> None:
        self.rows, self.size = rows, size

    def pages(self, since: Any) -> Iterable[Page]:
        return (Page(self.rows[start : start + self.size]) for start in range(0, len(self.rows), self.size))


# ---------------------------------------------------------------- groups: one record for each pair, null in all columns but its own


def records(groups: Sequence[Group], side: int) -> list[Row]:
    empty: Row = {group.name: None for group in groups}
    rows: list[Row] = []
    for group in groups:
        for pair in group.pairs:
            rows.append({"id": FIRST + len(rows), **empty, group.name: _python(pair[side], group.right if side else group.left)})
    return rows


def _python(value: Any, kind: str) -> Any:
    if kind == "float32" and value is not None:
        import numpy as np

        return np.float32(value)
    return value


def fields_of(groups: Sequence[Group]) -> list[Field]:
    return [Field(group.name, **group.options) for group in groups]


def answers_of_groups(groups: Sequence[Group]) -> dict[int, dict[str, str]]:
    """Key of each record that must differ → field → cause."""
    pairs = [(group.name, pair[2]) for group in groups for pair in group.pairs]
    return {FIRST + index: {name: cause} for index, (name, cause) in enumerate(pairs) if cause is not None}


def cell_groups() -> list[Group]:
    """The cells as groups: text on the left, a type on the right."""
    return [Group(kind, "text", kind, pairs) for kind, pairs in CELLS.items()]


def answers_of_cells() -> dict[int, dict[str, str]]:
    return answers_of_groups(cell_groups())


# ---------------------------------------------------------------- Arrow and CSV


def _types() -> Mapping[str, Any]:
    import pyarrow as pa

    return MappingProxyType(
        {
            "int64": pa.int64(),
            "int32": pa.int32(),
            "float64": pa.float64(),
            "float32": pa.float32(),
            "decimal(38,10)": pa.decimal128(38, 10),
            "decimal(20,2)": pa.decimal128(20, 2),
            "text": pa.string(),
            "char(8)": pa.string(),
            "bool": pa.bool_(),
            "date": pa.date32(),
            "naive": pa.timestamp("us"),
            "naive ms": pa.timestamp("ms"),
            "instant": pa.timestamp("us", tz="UTC"),
            "instant in Berlin": pa.timestamp("us", tz="Europe/Berlin"),
            "bytes": pa.binary(),
            "list of text": pa.list_(pa.string()),
        }
    )


def table(groups: Sequence[Group], side: int) -> Any:
    import pyarrow as pa

    rows = records(groups, side)
    types = _types()
    schema = pa.schema([("id", pa.int64()), *((group.name, types[group.right if side else group.left]) for group in groups)])
    return pa.Table.from_pydict({name: [row[name] for row in rows] for name in schema.names}, schema=schema)


def write_csv(rows: Sequence[Row], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return path


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# ---------------------------------------------------------------- keys


def key_of(keys: Keys) -> Key:
    return Key(*_names(keys), **keys.options)


def _names(keys: Keys) -> list[str]:
    width = len((*keys.left, *keys.right, ("", ""))[0])
    return [f"k{index}" for index in range(width - 1)]


def records_of_keys(keys: Keys, side: int) -> list[Row]:
    names = [*_names(keys), "value"]
    return [dict(zip(names, row, strict=True)) for row in (keys.right if side else keys.left)]


def key_table(keys: Keys, side: int) -> Any:
    import pyarrow as pa

    assert keys.types is not None
    types = _types()
    schema = pa.schema([*zip(_names(keys), (types[kind] for kind in keys.types[side]), strict=True), ("value", pa.string())])
    rows = records_of_keys(keys, side)
    return pa.Table.from_pydict({name: [row[name] for row in rows] for name in schema.names}, schema=schema)


# ---------------------------------------------------------------- what must be the same


def answer(diff: Diff, *, values: bool = True) -> dict[str, Any]:
    """All that engines must agree on, whatever they read the values from. ``values``: with those of the breaks and the totals."""
    found: Callable[[Any], Any] = canonical if values else lambda value: None
    breaks = [
        (
            canonical(each.key),
            each.kind,
            each.reason,
            {name: (found(one.left), found(one.right), one.cause) for name, one in each.fields.items()},
            found(each.left),
            found(each.right),
        )
        for each in diff.breaks()
    ]
    return {
        "summary": dict(diff.summary),
        "by_field": {name: (each.mismatches, dict(each.causes)) for name, each in diff.by_field.items()},
        "breaks": breaks,
        "totals": {name: (canonical(each.left), canonical(each.right), each.exact) for name, each in diff.totals.items()} if values else {},
    }
