"""Cells of text that are the strict writing of plain decimals, as whole numbers and a scale: a form that can be added up and compared exactly.

What `rules.cells.cell_number` would refuse, or takes and is written otherwise (exponents, more than 15 digits), has no such form.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

__all__ = ["FixedPoint", "fixed_point"]

_LONGEST = 16  # 15 digits and a point; a minus sign besides
_MOST = 10**15


@frozen(eq=False)
class FixedPoint:
    """``digits`` / 10 ** ``scale`` for each cell, 0 where it is empty; ``there``: where it is a number."""

    digits: Any
    scale: int
    there: Any


def fixed_point(arrow: Any, cells: Any) -> FixedPoint | None:
    """None where any cell is neither empty nor such a number, or null."""
    import numpy as np  # an extra

    text = cells.cast(arrow.string())
    size = len(text)
    if text.null_count:
        return None
    if text.buffers()[2] is None or not size:
        return FixedPoint(np.zeros(size, np.int64), 0, np.zeros(size, bool))
    offsets = np.frombuffer(text.buffers()[1], np.int32, size + 1, text.offset * 4)
    data = np.frombuffer(text.buffers()[2], np.uint8)
    starts, ends = offsets[:-1], offsets[1:]
    there = ends > starts
    every = bool(there.all())
    if not every:
        starts, ends = starts[there], ends[there]
        if not len(starts):
            return FixedPoint(np.zeros(size, np.int64), 0, there)
    places = _places(data, starts, ends, offsets)
    if places is None:
        return None
    numbers = (text if every else text.filter(arrow.array(there))).cast(arrow.float64()).to_numpy(zero_copy_only=False)
    # Rounded at most twice, by less than a quarter in all: what it is rounded to is exact.
    digits = np.rint(numbers * float(10**places))
    if not (np.abs(digits) < _MOST).all():
        return None
    if every:
        return FixedPoint(digits.astype(np.int64), places, there)
    found = np.zeros(size, np.int64)
    found[there] = digits.astype(np.int64)
    return FixedPoint(found, places, there)


def _places(data: Any, starts: Any, ends: Any, offsets: Any) -> int | None:
    """The most digits after a point, where all cells are written as -?(0|[1-9][0-9]*)(\\.[0-9]+)?; None where any is not."""
    import numpy as np  # an extra

    used = data[offsets[0] : offsets[-1]]
    digit = (used - np.uint8(48)) <= 9
    begins = starts
    if not digit.all():
        negative = data[starts] == 45
        marks = np.flatnonzero(~digit)
        points = marks[used[marks] == 46] + offsets[0]
        if len(marks) != len(points) + np.count_nonzero(negative):
            return None
        begins = starts + negative
    else:
        points = np.zeros(0, np.int64)
    if (ends - begins).max() > _LONGEST or (ends <= begins).any() or not ((data[begins] - np.uint8(48)) <= 9).all():
        return None
    places = 0
    if len(points):
        if len(points) == len(ends) and (points > begins).all():
            after = ends - points - 1
        else:
            cell = np.searchsorted(ends, points, "right")
            if (np.diff(cell) == 0).any() or (points <= begins[cell]).any():
                return None
            after = ends[cell] - points - 1
        if after.min() < 1:
            return None
        places = int(after.max())
    zero = np.flatnonzero((data[begins] == 48) & (ends - begins > 1))
    return None if len(zero) and (data[begins[zero] + 1] != 46).any() else places
