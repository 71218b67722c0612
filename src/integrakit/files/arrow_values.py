"""What Python values the columns of Arrow become: one place for Parquet files and for frames, so that both give the same records.

Only conversion; nothing is read here. pyarrow is imported by whoever has columns to convert, and never by this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrakit.model import Record

__all__ = ["records_of"]


def records_of(arrow: Any, batch: Any) -> list[Record]:
    """The rows of a record batch as dicts. ``arrow``: the module. Raises what pyarrow and Python raise for values that Python does not have."""
    table = arrow.Table.from_batches([batch])
    # A float of 32 bits is its shortest text, and so 0.1 and not 0.10000000149011612: it goes by way of text.
    changes = () if all(_is_plain(arrow, field.type) for field in batch.schema) else (_narrow_floats_as_text, _wide_floats, _plain)
    for change in changes:
        fields = [field.with_type(change(arrow, field.type)) for field in batch.schema]
        if fields != list(table.schema):
            table = table.cast(arrow.schema(fields))
    rows: list[Record] = table.to_pylist()
    for field in table.schema if changes else ():
        if (make := _maker(arrow, field.type)) is not None:
            for row in rows:
                row[field.name] = make(row[field.name])
    return rows


def _is_plain(arrow: Any, kind: Any) -> bool:
    """Whether its values are as Python has them; False where that must be looked at."""
    types = arrow.types
    return not (types.is_nested(kind) or types.is_float32(kind) or getattr(kind, "unit", "us") == "ns" or isinstance(kind, arrow.BaseExtensionType))


def _changed(arrow: Any, kind: Any, leaf: Callable[[Any], Any]) -> Any:
    """A type with its innermost types changed; those that cannot be cast item by item stay as they are."""
    types = arrow.types
    if types.is_struct(kind):
        return arrow.struct([field.with_type(_changed(arrow, field.type, leaf)) for field in kind])
    if types.is_map(kind):
        return arrow.map_(_changed(arrow, kind.key_type, leaf), _changed(arrow, kind.item_type, leaf))
    for is_list, make in ((types.is_list, arrow.list_), (types.is_large_list, arrow.large_list)):
        if is_list(kind):
            return make(kind.value_field.with_type(_changed(arrow, kind.value_type, leaf)))
    if types.is_fixed_size_list(kind):
        return arrow.list_(kind.value_field.with_type(_changed(arrow, kind.value_type, leaf)), kind.list_size)
    return leaf(kind)


def _narrow_floats_as_text(arrow: Any, kind: Any) -> Any:
    return _changed(arrow, kind, lambda leaf: arrow.string() if arrow.types.is_float32(leaf) else leaf)


def _wide_floats(arrow: Any, kind: Any) -> Any:
    return _changed(arrow, kind, lambda leaf: arrow.float64() if arrow.types.is_float32(leaf) else leaf)


def _plain(arrow: Any, kind: Any) -> Any:
    """The type whose values Python has: of times in nanoseconds, that in microseconds. A cast to it refuses to lose anything."""

    def leaf(kind: Any) -> Any:
        types = arrow.types
        if types.is_float32(kind):
            return arrow.float64()
        if types.is_timestamp(kind) and kind.unit == "ns":
            return arrow.timestamp("us", kind.tz)
        if types.is_time64(kind) and kind.unit == "ns":
            return arrow.time64("us")
        if types.is_duration(kind) and kind.unit == "ns":
            return arrow.duration("us")
        return kind

    return _changed(arrow, kind, leaf)


def _maker(arrow: Any, kind: Any) -> Callable[[Any], Any] | None:
    """What makes a dict of every map inside a value: pyarrow gives pairs. None where there is none."""
    types = arrow.types
    if types.is_map(kind):
        item = _maker(arrow, kind.item_type)
        return lambda value: None if value is None else {key: item(each) if item else each for key, each in value}
    if types.is_struct(kind):
        inner: Mapping[str, Any] = {field.name: make for field in kind if (make := _maker(arrow, field.type)) is not None}
        if inner:
            return lambda value: None if value is None else {**value, **{name: make(value[name]) for name, make in inner.items()}}
    if (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)) and (each := _maker(arrow, kind.value_type)) is not None:
        return lambda value: None if value is None else [each(one) for one in value]
    return None
