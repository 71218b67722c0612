"""Columns of Arrow in the few forms that engines work on: dictionaries decoded, views and runs unrolled. Values stay what they are.

No reading, no comparing. pyarrow is an extra, and is handed in or imported inside functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["WINDOW", "arrow_or_none", "plain_batch", "plain_schema", "windows"]

#: Rows of a batch that engines are given at most, and bytes that it should not be much larger than.
WINDOW = 65_536
WINDOW_BYTES = 24_000_000


def arrow_or_none() -> Any:
    """The module pyarrow with what is needed here, or None where it (or numpy) is not installed."""
    try:
        # an extra
        import numpy  # noqa: F401
        import pyarrow
        import pyarrow.compute
    except ImportError:
        return None
    return pyarrow


def _plain(arrow: Any, kind: Any) -> Any:
    types = arrow.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain(arrow, kind.value_type)
    if types.is_string_view(kind):
        return arrow.large_string()
    return arrow.large_binary() if types.is_binary_view(kind) else kind


def plain_schema(arrow: Any, schema: Any) -> Any:
    """The schema of `plain_batch`, without metadata."""
    return arrow.schema([arrow.field(field.name, _plain(arrow, field.type), field.nullable) for field in schema])


def _plain_array(arrow: Any, array: Any) -> Any:
    kind, types = array.type, arrow.types
    if types.is_run_end_encoded(kind):
        return _plain_array(arrow, arrow.compute.run_end_decode(array))
    if types.is_dictionary(kind):
        return _plain_array(arrow, array.dictionary).take(array.indices)
    wanted = _plain(arrow, kind)
    return array if wanted == kind else array.cast(wanted)


def plain_batch(arrow: Any, batch: Any, schema: Any) -> Any:
    """A batch whose columns have the types of a plain schema."""
    if batch.schema.equals(schema, check_metadata=False):
        return batch
    return arrow.RecordBatch.from_arrays([_plain_array(arrow, column) for column in batch.columns], schema=schema)


def _size(batch: Any) -> int:
    return int(max(1, min(WINDOW, WINDOW_BYTES * batch.num_rows // max(1, batch.nbytes))))


def windows(arrow: Any, batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows in batches of a size that is good to work on: large ones are cut, and runs of small ones are put together."""
    waiting: list[Any] = []
    rows = size = 0
    for batch in batches:
        large = batch.num_rows >= WINDOW // 4 or batch.nbytes >= WINDOW_BYTES // 4
        if waiting and (large or rows + batch.num_rows > WINDOW or size + batch.nbytes > WINDOW_BYTES):
            yield from _together(arrow, waiting)
            waiting, rows, size = [], 0, 0
        if large:
            step = _size(batch)
            for start in range(0, batch.num_rows, step):
                yield batch.slice(start, step)
        elif batch.num_rows:
            waiting.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
    yield from _together(arrow, waiting)


def _together(arrow: Any, batches: list[Any]) -> Iterator[Any]:
    if len(batches) == 1:
        yield batches[0]
    elif batches:
        yield arrow.concat_batches(batches)
