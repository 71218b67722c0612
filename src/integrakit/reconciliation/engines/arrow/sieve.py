"""Which pairs of values of two columns are surely the same. A false "maybe" costs time, a false "surely" would be a wrong answer.

Everything here must imply that `rules.values.same` says yes of the values that the columns become, for cells of CSV after `rules.cells.cell_like`.
What is not known here is a maybe: the rules decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrakit.reconciliation.engines.arrow.written_numbers import fixed_point

__all__ = ["Sieve"]

_BLOCK = 1024
#: Decimals of up to 15 digits are floats and back without a change; powers of ten up to 22 are floats exactly.
_EXACT_FLOAT = 10**15
_EXACT_POWER = 22
#: Below it whole numbers are floats exactly, and floats are the whole numbers that they show.
_WHOLE_FLOAT = 2**53
#: Of a number, more than is lost when it becomes a float of 64 bits, is subtracted, and stands for its shortest text.
_ROUNDING = 2.0**-45


class Sieve:
    """For one field. ``cells``: which side's column is untyped text next to a typed one; None: neither. ``within``: numbers so near agree."""

    def __init__(self, arrow: Any, left: Any, right: Any, cells: int | None, *, within: float | None = None) -> None:
        self._arrow = arrow
        self._alike = left.equals(right)
        self._decide = _elementwise(arrow, left, right, cells)
        if within is not None and cells is None and _is_number(arrow, left) and _is_number(arrow, right):
            self._decide = _or_near(arrow, self._decide, within)

    def maybes(self, left: Any, right: Any, pairs: Sequence[tuple[int, int, int]]) -> Any:
        """The positions, among all pairs, that may differ. ``pairs``: (position on the left, on the right, length) of each run."""
        import numpy as np  # an extra

        found: list[Any] = []
        before = 0
        for start, other, length in pairs:
            mine, theirs = left.slice(start, length), right.slice(other, length)
            if not (self._alike and mine.equals(theirs)):
                found += [place + before for place in self._in_run(mine, theirs)]
            before += length
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _in_run(self, left: Any, right: Any) -> list[Any]:
        import numpy as np  # an extra

        found = []
        for start in range(0, len(left), _BLOCK):
            mine, theirs = left.slice(start, _BLOCK), right.slice(start, _BLOCK)
            if self._alike and len(left) > _BLOCK and mine.equals(theirs):
                continue
            if len(places := np.flatnonzero(~self._surely(mine, theirs))):
                found.append(places + start)
        return found

    def _surely(self, left: Any, right: Any) -> Any:
        import numpy as np  # an extra

        if left.null_count and right.null_count:
            nothing = left.is_null().to_numpy(zero_copy_only=False) & right.is_null().to_numpy(zero_copy_only=False)
        else:
            nothing = np.zeros(len(left), bool)
        try:
            return nothing | self._decide(left, right)
        except (self._arrow.ArrowException, ValueError, OverflowError):  # out of some range, or not written as it should be
            if len(left) <= 16:
                return nothing
            half = len(left) // 2
            return np.concatenate([self._surely(left.slice(0, half), right.slice(0, half)), self._surely(left.slice(half), right.slice(half))])


Decide = Callable[[Any, Any], Any]


def _true(compared: Any) -> Any:
    """A boolean column as an array of numpy; null is False."""
    return (compared.fill_null(False) if compared.null_count else compared).to_numpy(zero_copy_only=False)


def _elementwise(arrow: Any, left: Any, right: Any, cells: int | None) -> Decide:
    """What tells for each pair whether it is surely the same; where both are null need not be told."""
    if cells is not None:
        decide = _cells(arrow, right if cells == 0 else left)
        return decide if cells == 0 else lambda one, other: decide(other, one)
    types = arrow.types
    if _is_text(arrow, left) and _is_text(arrow, right):
        return _after_cast(arrow, arrow.large_string() if types.is_large_string(left) or types.is_large_string(right) else arrow.string())
    if _is_number(arrow, left) and _is_number(arrow, right):
        return _numbers(arrow, left, right)
    if left.equals(right) and _is_flat(arrow, left):
        return lambda one, other: _true(arrow.compute.equal(one, other))
    if types.is_timestamp(left) and types.is_timestamp(right) and (left.tz is None) == (right.tz is None):
        return _after_cast(arrow, arrow.timestamp(_finer(left, right), left.tz))
    if types.is_duration(left) and types.is_duration(right):
        return _after_cast(arrow, arrow.duration(_finer(left, right)))
    if types.is_date(left) and types.is_date(right):
        return _after_cast(arrow, arrow.date32())
    if types.is_time(left) and types.is_time(right):
        return _after_cast(arrow, arrow.time64("ns"))
    if _is_bytes(arrow, left) and _is_bytes(arrow, right):
        return _after_cast(arrow, arrow.large_binary())
    return _whole_values if left.equals(right) else _never


def _finer(left: Any, right: Any) -> str:
    units = ("s", "ms", "us", "ns")
    return units[max(units.index(left.unit), units.index(right.unit))]


def _is_text(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _is_bytes(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind) or arrow.types.is_fixed_size_binary(kind))


def _is_number(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    return bool(types.is_integer(kind) or types.is_decimal(kind) or types.is_float32(kind) or types.is_float64(kind))


def _is_flat(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    return bool(types.is_boolean(kind) or types.is_temporal(kind) or _is_bytes(arrow, kind))


def _never(left: Any, right: Any) -> Any:
    import numpy as np  # an extra

    return np.zeros(len(left), bool)


def _whole_values(left: Any, right: Any) -> Any:
    """Lists, structs, maps and what else there is: the same column of values is the same, halved until what differs is alone."""
    import numpy as np  # an extra

    if left.equals(right):
        return np.ones(len(left), bool)
    if len(left) == 1:
        return np.zeros(1, bool)
    half = len(left) // 2
    return np.concatenate(
        [_whole_values(left.slice(0, half), right.slice(0, half)), _whole_values(left.slice(half), right.slice(half))],
    )


def _after_cast(arrow: Any, kind: Any) -> Decide:
    """Both as one type that loses nothing; a cast that would raises."""
    return lambda left, right: _true(arrow.compute.equal(left.cast(kind), right.cast(kind)))


# ---------------------------------------------------------------- numbers


def _numbers(arrow: Any, left: Any, right: Any) -> Decide:
    types, compute = arrow.types, arrow.compute
    floats = [types.is_floating(kind) for kind in (left, right)]
    if all(floats):

        def of_floats(one: Any, other: Any) -> Any:
            if not one.type.equals(other.type):
                one, other = _wide(arrow, one), _wide(arrow, other)
            nans = compute.and_(compute.is_nan(one), compute.is_nan(other))
            return _true(compute.or_(compute.equal(one, other), nans))

        return of_floats
    if any(floats):
        whole = types.is_integer(right if floats[0] else left)
        decide = _whole_and_float if whole else _decimal_and_float
        return lambda one, other: decide(arrow, other, one) if floats[0] else decide(arrow, one, other)
    if left.equals(right):
        return lambda one, other: _true(compute.equal(one, other))
    if types.is_integer(left) and types.is_integer(right):
        return _after_cast(arrow, arrow.int64())
    scale = max(kind.scale if types.is_decimal(kind) else 0 for kind in (left, right))
    return _after_cast(arrow, arrow.decimal256(76, max(0, scale)))


def _or_near(arrow: Any, decide: Decide, limit: float) -> Decide:
    """Also those whose distance is below the limit by more than all rounding on the way can be."""
    import numpy as np  # an extra

    def near(left: Any, right: Any) -> Any:
        surely = decide(left, right)
        if surely.all():
            return surely
        one, other = (_wide(arrow, each).cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False) for each in (left, right))
        with np.errstate(over="ignore", invalid="ignore"):
            return surely | (np.abs(one - other) + (np.abs(one) + np.abs(other)) * _ROUNDING <= limit * (1 - _ROUNDING))

    return near


def _wide(arrow: Any, column: Any) -> Any:
    """Floats as the 64 bits of their shortest text."""
    return column.cast(arrow.string()).cast(arrow.float64()) if arrow.types.is_float32(column.type) else column


def _floats(arrow: Any, column: Any) -> Any:
    """As numpy, NaN where null: it equals nothing."""
    return _wide(arrow, column).to_numpy(zero_copy_only=False)


def _whole_and_float(arrow: Any, whole: Any, floats: Any) -> Any:
    numbers = whole.cast(arrow.int64()).fill_null(_WHOLE_FLOAT).to_numpy(zero_copy_only=False)
    return (numbers < _WHOLE_FLOAT) & (numbers > -_WHOLE_FLOAT) & (numbers.astype(float) == _floats(arrow, floats))


def _decimal_and_float(arrow: Any, decimals: Any, floats: Any) -> Any:
    """m / 10 ** s, both exact as floats, is rounded once, to the float that m × 10 ** -s is read as; and no other decimal of 15 digits is."""
    import numpy as np  # an extra

    scale = decimals.type.scale
    if not 0 <= scale <= _EXACT_POWER:
        return _never(decimals, floats)
    unscaled = _unscaled(arrow, decimals)
    return (np.abs(unscaled) < _EXACT_FLOAT) & (unscaled / float(10**scale) == _floats(arrow, floats))


def _unscaled(arrow: Any, decimals: Any) -> Any:
    """The digits of decimals as int64, for null 10 ** 15. Raises `pyarrow.ArrowInvalid` where they are too many."""
    import numpy as np  # an extra

    wide = decimals.cast(arrow.decimal128(38, decimals.type.scale))
    words = np.frombuffer(wide.buffers()[1], np.int64, 2 * len(wide), wide.offset * 16).reshape(-1, 2)
    low, high = words[:, 0], words[:, 1]
    found = np.where(high == (low >> 63), low, _EXACT_FLOAT)
    # The smallest number of 64 bits has no magnitude among them.
    found = np.where(found == np.iinfo(np.int64).min, _EXACT_FLOAT, found)
    return np.where(wide.is_null().to_numpy(zero_copy_only=False), _EXACT_FLOAT, found) if wide.null_count else found


# ---------------------------------------------------------------- cells of text


def _cells(arrow: Any, kind: Any) -> Decide:
    """Cells (first) with a typed column: what is written as Arrow writes the value, or is parsed to it where one way of writing is checked."""
    types, compute = arrow.types, arrow.compute
    if _is_text(arrow, kind):
        return _after_cast(arrow, kind)
    if types.is_timestamp(kind):
        return lambda cells, values: _times_in_cells(arrow, cells, values)
    if not (_is_number(arrow, kind) or types.is_boolean(kind) or types.is_date(kind)):
        return lambda cells, values: _empty(arrow, cells, values)

    def written(cells: Any, values: Any) -> Any:
        plain = values.cast(arrow.date32()) if types.is_date(kind) else values
        surely = _true(compute.equal(cells, plain.cast(cells.type))) | _empty(arrow, cells, values)
        if _is_number(arrow, kind) and not surely.all():
            surely |= _numbers_in_cells(arrow, cells, values)
        return surely

    return written


def _empty(arrow: Any, cells: Any, values: Any) -> Any:
    """The empty cell is how null is written."""
    return values.is_null().to_numpy(zero_copy_only=False) & _true(arrow.compute.equal(cells, ""))


def _numbers_in_cells(arrow: Any, cells: Any, values: Any) -> Any:
    """Plain decimals that are written with other zeros at their end: 7 and 7.00."""
    import numpy as np  # an extra

    found = fixed_point(arrow, cells)
    if found is None or found.scale > _EXACT_POWER:
        return _never(cells, values)
    if arrow.types.is_floating(values.type):
        return found.there & (found.digits / float(10**found.scale) == _floats(arrow, values))
    unscaled, scale = found.digits, values.type.scale if arrow.types.is_decimal(values.type) else 0
    if scale > _EXACT_POWER or scale < 0:
        return _never(cells, values)
    as_decimals = values if arrow.types.is_decimal(values.type) else values.cast(arrow.decimal128(38, 0))
    theirs = _unscaled(arrow, as_decimals)
    step = abs(scale - found.scale)
    coarse, fine = (unscaled, theirs) if scale > found.scale else (theirs, unscaled)
    if step > 15:
        return _never(cells, values)
    inside = np.abs(coarse) < _EXACT_FLOAT // 10**step
    return found.there & inside & (np.abs(theirs) < _EXACT_FLOAT) & (np.where(inside, coarse, 0) * 10**step == fine)


def _times_in_cells(arrow: Any, cells: Any, values: Any) -> Any:
    """ISO 8601 with minutes at least, aware ones in UTC with a Z. The shape is that of `rules.cells`; pyarrow reads others besides."""
    compute = arrow.compute
    aware = values.type.tz is not None
    shape = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?" + ("Z$" if aware else "$")
    fits = compute.match_substring_regex(cells, shape)
    parsed = compute.if_else(fits, cells, arrow.scalar(None, cells.type)).cast(values.type)
    return _true(compute.equal(parsed, values)) | _empty(arrow, cells, values)
