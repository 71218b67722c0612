"""Keys as columns that can be put in order and compared: whole numbers of 64 bits, or text by its bytes, which is the order of its code points.

What kind of value a key is follows from the type of its column. Keys that have no such form make the engine unsuitable; nothing is matched here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from attrs import frozen

from integrakit.reconciliation.engines.run import Unsuitable

__all__ = ["Keys", "kind_of", "read_keys", "whole_numbers"]

_LARGEST_WHOLE_FLOAT = 2**53


def kind_of(arrow: Any, kind: Any) -> str:
    """The category of the values of a column, as `rules.values.category` says it; "" for what cannot be a key here."""
    types = arrow.types
    if types.is_integer(kind) or types.is_decimal(kind) or types.is_float32(kind) or types.is_float64(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_timestamp(kind):
        return "naive" if kind.tz is None else "instant"
    simple = {"bool": types.is_boolean, "date": types.is_date, "time": types.is_time, "timedelta": types.is_duration, "null": types.is_null}
    if found := next((name for name, is_it in simple.items() if is_it(kind)), ""):
        return found
    return "bytes" if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind) else ""


@frozen(eq=False)
class Keys:
    """The keys of some rows: for each part an array of numpy (int64) or of Arrow (text, bytes), without nulls."""

    parts: tuple[Any, ...]
    length: int
    #: Which rows of the batch they came from are without a key; None: none.
    null: Any = None
    #: Whether they were found to ascend strictly.
    unique: bool = False

    def slice(self, start: int, end: int) -> Keys:
        return Keys(tuple(part[start:end] for part in self.parts), end - start, unique=self.unique)

    def at(self, index: int) -> tuple[Any, ...]:
        """One key, comparable with other keys."""
        return tuple(part[index].as_py() if hasattr(part[index], "as_py") else int(part[index]) for part in self.parts)

    def count_up_to(self, limit: tuple[Any, ...]) -> int:
        """How many keys, which ascend, are at or below the limit."""
        return bisect_right(range(self.length), limit, key=self.at)

    def compared(self) -> tuple[Any, Any]:
        """For each key but the first: whether it is above the one before, and whether it is the same."""
        import numpy as np  # an extra

        above: Any = np.zeros(self.length - 1, bool)
        same: Any = np.ones(self.length - 1, bool)
        for part in self.parts:
            if isinstance(part, np.ndarray):
                more, equal = part[1:] > part[:-1], part[1:] == part[:-1]
            else:
                compute: Any = import_module("pyarrow.compute")  # an extra
                later, earlier = part[1:], part[: len(part) - 1]
                more = compute.greater(later, earlier).to_numpy(zero_copy_only=False)
                equal = compute.equal(later, earlier).to_numpy(zero_copy_only=False) if len(self.parts) > 1 or not more.all() else ~more
            above |= same & more
            same &= equal
        return above, same


def read_keys(arrow: Any, columns: Sequence[Any], kinds: Sequence[str]) -> Keys:
    """The keys of a batch. ``kinds``: what each part is read as, "whole" and "signed" for text that writes whole numbers. Raises `Unsuitable`."""
    import numpy as np  # an extra

    compute = arrow.compute
    null: Any = None
    for column in columns:
        absent = None
        if arrow.types.is_floating(column.type):
            absent = compute.is_null(column, nan_is_null=True)
        elif column.null_count:
            absent = compute.is_null(column)
        if absent is not None and (found := absent.to_numpy(zero_copy_only=False)).any():
            null = found if null is None else null | found
    if null is not None:
        there = arrow.array(~null)
        columns = [column.filter(there) for column in columns]
    length = len(columns[0])
    parts = [_part(arrow, column, kind) if length else np.zeros(0, np.int64) for column, kind in zip(columns, kinds, strict=True)]
    return Keys(tuple(parts), length, null)


def _part(arrow: Any, column: Any, kind: str) -> Any:
    try:
        if kind in ("whole", "signed"):
            found = whole_numbers(arrow, column, signed=kind == "signed")
            if found is None:
                raise Unsuitable("text keys that are not all plain whole numbers have no order in common with whole numbers")
            return found
        if kind == "text":
            return column.cast(arrow.string()) if arrow.types.is_string(column.type) else column.cast(arrow.large_string())
        if kind == "bytes":
            return column.cast(arrow.large_binary())
        return _as_numbers(arrow, column)
    except (arrow.ArrowException, ValueError) as problem:
        raise Unsuitable(f"keys of the type {column.type} that have no plain order as columns ({problem!s:.100})") from problem


def _as_numbers(arrow: Any, column: Any) -> Any:
    import numpy as np  # an extra

    types, kind = arrow.types, column.type
    if types.is_floating(kind):
        values = column.to_numpy(zero_copy_only=False)
        if not (np.abs(values) < _LARGEST_WHOLE_FLOAT).all() or not (values == np.rint(values)).all():
            raise Unsuitable("keys are floats that are no whole numbers")
        return values.astype(np.int64)
    if types.is_boolean(kind):
        column = column.cast(arrow.int8())
    elif types.is_date(kind):
        column = column.cast(arrow.date32()).cast(arrow.int32())
    elif types.is_time(kind):
        column = column.cast(arrow.time64("us")).cast(arrow.int64())
    elif types.is_timestamp(kind):
        column = column.cast(arrow.timestamp("us", kind.tz)).cast(arrow.int64())
    elif types.is_duration(kind):
        column = column.cast(arrow.duration("us")).cast(arrow.int64())
    return column.cast(arrow.int64()).to_numpy(zero_copy_only=False)


def whole_numbers(arrow: Any, column: Any, *, signed: bool) -> Any:
    """Text as int64, where every cell is the one plain writing of a whole number; None where any is not: '042', '+1', ' 1', '1.0', '-0'.

    ``signed``: also of those below 0.
    """
    import numpy as np  # an extra

    text = column.cast(arrow.string())
    if not len(text):
        return np.zeros(0, np.int64)
    offsets = np.frombuffer(text.buffers()[1], np.int32, len(text) + 1, text.offset * 4)
    data = np.frombuffer(text.buffers()[2], np.uint8) if text.buffers()[2] is not None else np.zeros(0, np.uint8)
    lengths = np.diff(offsets)
    if lengths.min() < 1 or lengths.max() > 18:
        return None
    begins = offsets[:-1]
    marks = np.count_nonzero((data[offsets[0] : offsets[-1]] - np.uint8(48)) > 9)
    if marks:
        negative = data[begins] == 45
        if not signed or np.count_nonzero(negative) != marks or lengths[negative].min() < 2 or (data[begins[negative] + 1] == 48).any():
            return None
        begins = begins + negative
    if ((data[begins] == 48) & (lengths > 1)).any():
        return None
    return text.cast(arrow.int64()).to_numpy(zero_copy_only=False)
