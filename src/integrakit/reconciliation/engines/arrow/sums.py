"""Control totals of whole columns, by the rule of `rules.totals`: what can be added up exactly is, and the rest is left to that rule, value by value.

Nothing is compared here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrakit.files.arrow_values import records_of
from integrakit.reconciliation.engines.arrow.written_numbers import fixed_point
from integrakit.reconciliation.rules.cells import cell_number
from integrakit.reconciliation.rules.totals import Total, measure, wide

__all__ = ["total_of"]

_SAMPLE = 64
_PLACES = 9
_DIGITS = 10**15
_WHOLE = 2**62


def total_of(arrow: Any, column: Any, *, untyped: bool) -> Total:
    """The total of a column of a plain type."""
    types, kind = arrow.types, column.type
    count = len(column) - column.null_count
    if not count:
        return Total()
    if untyped:
        return _of_cells(arrow, column)
    if types.is_integer(kind):
        return Total.of(_whole_sum(column.drop_null().to_numpy(zero_copy_only=False)), count=count)
    if types.is_decimal(kind):
        return _of_decimals(arrow, column, count)
    if types.is_float64(kind):
        return _of_floats(column.drop_null().to_numpy(zero_copy_only=False))
    if types.is_float32(kind):
        return _of_floats(column.drop_null().cast(arrow.string()).cast(arrow.float64()).to_numpy(zero_copy_only=False))
    if types.is_float16(kind) or isinstance(kind, arrow.BaseExtensionType):
        return _one_by_one(arrow, column, untyped=False)
    return Total.of(0, count=0, others=count)


def _one_by_one(arrow: Any, column: Any, *, untyped: bool) -> Total:
    values = [row["value"] for row in records_of(arrow, arrow.RecordBatch.from_arrays([column], names=["value"]))]
    return measure(values, set(map(type, values)), untyped)


def _whole_sum(values: Any) -> int:
    """Of int64 or narrower, exactly."""
    import numpy as np  # an extra

    if not len(values):
        return 0
    largest = max(abs(int(values.max())), abs(int(values.min())), 1)
    step = _WHOLE // largest
    if step < 16 or values.dtype == np.uint64:
        return sum(values.tolist())
    return sum(int(values[start : start + step].sum(dtype=np.int64)) for start in range(0, len(values), step))


def _scaled(value: int, places: int) -> int | Decimal:
    return wide(len(str(value))).scaleb(Decimal(value), -places) if places else value


def _of_decimals(arrow: Any, column: Any, count: int) -> Total:
    # The sum of decimal128 has 38 digits and says nothing when that is too few.
    if column.type.precision + len(str(count)) > 38:
        return _one_by_one(arrow, column, untyped=False)
    return Total.of(arrow.compute.sum(column).as_py(), count=count)


def _of_floats(values: Any) -> Total:
    import numpy as np  # an extra

    nans = infinite = 0
    finite = np.isfinite(values)
    if not finite.all():
        nans = int(np.isnan(values).sum())
        infinite = len(values) - int(finite.sum()) - nans
        values = values[finite]
    found = Total.of(0, count=infinite, others=nans, exact=not infinite)
    before = -1
    while len(values):
        places = next((each for each in range(before + 1, _PLACES + 1) if _fitting(values[:_SAMPLE], each)[1].all()), _PLACES)
        if places <= before:
            break
        digits, fits = _fitting(values, places)
        if fits.all():
            found.merge(Total.of(_scaled(_whole_sum(digits.astype(np.int64)), places), count=len(values)))
            return found
        if fits.any():
            found.merge(Total.of(_scaled(_whole_sum(digits[fits].astype(np.int64)), places), count=int(fits.sum())))
            values = values[~fits]
        before = places
    if len(values):
        found.merge(measure(values.tolist(), {float}, False))
    return found


def _fitting(values: Any, places: int) -> tuple[Any, Any]:
    """The digits of floats with so many places, and for which of them these are all there are: no other decimal of up to 15 digits is it."""
    import numpy as np  # an extra

    scale = float(10**places)
    with np.errstate(over="ignore", invalid="ignore"):
        digits = np.rint(values * scale)
        return digits, (np.abs(digits) < _DIGITS) & (digits / scale == values)


def _of_cells(arrow: Any, column: Any) -> Total:
    # One cell that is no number is enough: a column with any has no total.
    if any(cell and cell_number(cell) is None for cell in column.slice(0, _SAMPLE).to_pylist()):
        return Total.of(0, count=0, others=1)
    found = fixed_point(arrow, column)
    if found is None:
        return _one_by_one(arrow, column, untyped=True)
    return Total.of(_scaled(_whole_sum(found.digits), found.scale), count=int(found.there.sum()))
