"""Frames of pandas as Arrow tables, without what its own conversion does to values: NaN among floats stays NaN, and a named index is a column.

Columns of Python objects are converted only where all of them are of one type; what else there is has no column in Arrow.
"""

from __future__ import annotations

from decimal import Decimal
from types import NoneType
from typing import Any

from integrakit.errors import ConfigurationError

__all__ = ["is_pandas", "pandas_table"]


def is_pandas(value: Any) -> bool:
    """Whether it is a frame of pandas."""
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "columns") and hasattr(value, "index")


def pandas_table(arrow: Any, frame: Any) -> Any:
    """A `pyarrow.Table`. Raises `ConfigurationError` for columns that Arrow does not have."""
    index = [(level.name, level) for level in _levels(frame.index) if level.name is not None]
    columns = [*index, *((name, frame.iloc[:, place]) for place, name in enumerate(frame.columns))]
    arrays = []
    for name, values in columns:
        if not isinstance(name, str):
            raise ConfigurationError(f"the DataFrame has a column named {name!r}: names of fields are text")
        try:
            arrays.append(_array(arrow, values))
        except (arrow.ArrowException, ValueError, TypeError, OverflowError) as problem:
            raise ConfigurationError(
                f"the column {name!r} of the DataFrame holds values of several types, or of one that columns do not have ({problem!s:.200}): "
                "give its rows as dicts, frame.to_dict('records')"
            ) from problem
    return arrow.Table.from_arrays(arrays, names=[name for name, _ in columns])


def _levels(index: Any) -> list[Any]:
    return [index.get_level_values(level) for level in range(index.nlevels)]


def _array(arrow: Any, values: Any) -> Any:
    kind = values.dtype
    if getattr(kind, "kind", "") == "f" and hasattr(values.array, "_mask"):
        data, mask = values.array._data, values.array._mask
        return arrow.array(data, mask=mask, from_pandas=False)
    if getattr(kind, "kind", "") == "f" and type(kind).__module__.startswith("numpy"):
        return arrow.array(values.to_numpy(), from_pandas=False)
    if getattr(kind, "kind", "") == "O" and type(kind).__module__.startswith("numpy"):
        return _of_objects(arrow, list(values))
    return arrow.array(values.array, from_pandas=True)


def _of_objects(arrow: Any, values: list[Any]) -> Any:
    kinds = set(map(type, values)) - {NoneType}
    missing = {kind for kind in kinds if kind.__name__ in ("NAType", "NaTType")}
    if len(kinds - missing) > 1 and float in kinds and not any(issubclass(kind, int | Decimal) for kind in kinds):
        # NaN is how pandas marks what is missing in a column of anything else.
        values = [None if type(value) is float and value != value else value for value in values]
        kinds = set(map(type, values)) - {NoneType}
    if missing:
        values = [None if type(value) in missing else value for value in values]
        kinds -= missing
    if len(kinds) > 1:
        raise ValueError(", ".join(sorted(kind.__name__ for kind in kinds)))
    if kinds & {list, dict, tuple, set}:
        raise ValueError("lists or dicts among Python objects")
    zones = {getattr(value, "tzinfo", None) is None for value in values if value is not None}
    if len(zones) > 1:
        raise ValueError("times with and without a time zone")
    return arrow.array(values, from_pandas=False)
