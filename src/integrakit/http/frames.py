"""Records as tables of other libraries. Each is imported where it is used and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from attrs import asdict, has

from integrakit.errors import ConfigurationError, DecodeError

__all__ = ["to_arrow", "to_pandas", "to_polars"]


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as problem:
        raise ConfigurationError(f'this needs {name}: pip install "integrakit[{extra}]"') from problem


def _rows(records: list[Any]) -> list[Mapping[str, Any]]:
    rows: list[Any] = [asdict(record) if has(type(record)) else record for record in records]
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise DecodeError(f"record {index} is a {type(row).__name__}: a table is made of objects with named fields", record=row)
    return rows


def _made(make: Callable[[], Any], what: str) -> Any:
    try:
        return make()
    except Exception as problem:
        raise DecodeError(f"the records do not fit into {what}: {problem}") from problem


def to_arrow(records: list[Any]) -> Any:
    pyarrow, rows = _library("pyarrow", "arrow"), _rows(records)
    # By columns: from rows it takes the names of the first one, and drops what only later ones have.
    names = {name: None for row in rows for name in row}
    return _made(lambda: pyarrow.table({name: [row.get(name) for row in rows] for name in names}), "an Arrow table")


def to_pandas(records: list[Any]) -> Any:
    pandas, rows = _library("pandas", "pandas"), _rows(records)
    return _made(lambda: pandas.DataFrame.from_records(rows), "a pandas frame")


def to_polars(records: list[Any]) -> Any:
    polars, rows = _library("polars", "polars"), _rows(records)
    return _made(lambda: polars.from_dicts(rows, infer_schema_length=None) if rows else polars.DataFrame(), "a polars frame")
