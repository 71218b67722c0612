"""Records as tables of other libraries. Each is imported where it is used and nowhere else."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from integrakit.errors import ConfigurationError

__all__ = ["to_arrow", "to_pandas", "to_polars"]


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as problem:
        raise ConfigurationError(f'this needs {name}: pip install "integrakit[{extra}]"') from problem


def to_arrow(records: list[Any]) -> Any:
    return _library("pyarrow", "arrow").Table.from_pylist(records)


def to_pandas(records: list[Any]) -> Any:
    return _library("pandas", "pandas").DataFrame.from_records(records)


def to_polars(records: list[Any]) -> Any:
    return _library("polars", "polars").from_dicts(records, infer_schema_length=None) if records else _library("polars", "polars").DataFrame()
