"""Which rows of two windows have the same key: pairs that stand once on each side, rows alone, and rows of keys that stand more than once.

Positions only; no values of other columns, no rules.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from integrakit.reconciliation.engines.arrow.keys import Keys

__all__ = ["Matches", "match"]

#: Runs of a window that are compared one by one; with more of them the rows are taken out first.
_MOST_RUNS = 400


@frozen(eq=False)
class Matches:
    """``left``, ``right``: positions of the pairs, ascending. ``rest``: the positions on each side that are in no pair."""

    left: Any
    right: Any
    rest: tuple[Any, Any]
    #: (left, right, length) of pairs that follow each other on both sides; None where they are too many.
    runs: list[tuple[int, int, int]] | None


def match(arrow: Any, left: Keys, right: Keys) -> Matches:
    """Both windows ascend, and hold all rows of the keys they have."""
    import numpy as np  # an extra

    if not left.length or not right.length:
        nothing = np.zeros(0, np.int64)
        return Matches(nothing, nothing, (np.arange(left.length), np.arange(right.length)), [])
    repeated = [None if keys.unique or not (same := keys.compared()[1]).any() else same for keys in (left, right)]
    if repeated[0] is None and repeated[1] is None:
        if left.length == right.length and all(map(_same, left.parts, right.parts)):
            every = np.arange(left.length)
            return Matches(every, every, (every[:0], every[:0]), [(0, 0, left.length)])
        pairs = _pairs(arrow, left, right)
    else:
        pairs = _pairs_of_unique(arrow, left, right, repeated)
    rest = []
    for keys, found in ((left, pairs[0]), (right, pairs[1])):
        alone = np.ones(keys.length, bool)
        alone[found] = False
        rest.append(np.flatnonzero(alone))
    return Matches(*pairs, (rest[0], rest[1]), _runs(*pairs))


def _same(left: Any, right: Any) -> bool:
    import numpy as np  # an extra

    return bool(np.array_equal(left, right)) if isinstance(left, np.ndarray) else bool(left.equals(right))


def _runs(left: Any, right: Any) -> list[tuple[int, int, int]] | None:
    import numpy as np  # an extra

    breaks = np.flatnonzero((np.diff(left) != 1) | (np.diff(right) != 1)) + 1
    if len(breaks) > _MOST_RUNS:
        return None
    starts, ends = [0, *breaks.tolist()], [*breaks.tolist(), len(left)]
    return [(int(left[start]), int(right[start]), end - start) for start, end in zip(starts, ends, strict=True) if end > start]


def _pairs(arrow: Any, left: Keys, right: Keys) -> tuple[Any, Any]:
    """Positions of equal keys, each of which stands once on its side."""
    import numpy as np  # an extra

    one, other = _codes(arrow, left, right)
    if isinstance(one, np.ndarray) and len(left.parts) == 1:
        places = np.searchsorted(other, one)
        found = other[np.minimum(places, len(other) - 1)] == one
        return np.flatnonzero(found), places[found]
    if isinstance(one, np.ndarray):
        one, other = arrow.array(one), arrow.array(other)
    indices = arrow.compute.index_in(one, value_set=other)
    there = indices.is_valid().to_numpy(zero_copy_only=False)
    return np.flatnonzero(there), indices.drop_null().to_numpy(zero_copy_only=False).astype(np.int64)


def _pairs_of_unique(arrow: Any, left: Keys, right: Keys, repeated: list[Any]) -> tuple[Any, Any]:
    """The same, for windows in which some keys stand more than once on a side: those are in no pair."""
    import numpy as np  # an extra

    firsts, once = [], []
    for keys, same in zip((left, right), repeated, strict=True):
        first = np.ones(keys.length, bool) if same is None else np.concatenate(([True], ~same))
        firsts.append(np.flatnonzero(first))
        once.append(np.diff(np.append(firsts[-1], keys.length)) == 1)
    groups = [_taken(arrow, keys, first) for keys, first in zip((left, right), firsts, strict=True)]
    one, other = _pairs(arrow, groups[0], groups[1])
    single = once[0][one] & once[1][other]
    return firsts[0][one[single]], firsts[1][other[single]]


def _taken(arrow: Any, keys: Keys, places: Any) -> Keys:
    import numpy as np  # an extra

    parts = tuple(part[places] if isinstance(part, np.ndarray) else part.take(arrow.array(places)) for part in keys.parts)
    return Keys(parts, len(places))


def _codes(arrow: Any, left: Keys, right: Keys) -> tuple[Any, Any]:
    """For each side one column that is equal where all parts of the keys are."""
    import numpy as np  # an extra

    if len(left.parts) == 1:
        return left.parts[0], right.parts[0]
    codes: Any = None
    for one, other in zip(left.parts, right.parts, strict=True):
        numbers = isinstance(one, np.ndarray)
        both = arrow.array(np.concatenate((one, other))) if numbers else arrow.concat_arrays([one, other.cast(one.type)])
        code = both.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
        if codes is None:
            codes = code
        else:
            # Both are below the number of rows of two windows, so the product fits; then they are numbered anew.
            codes = arrow.array(codes * (int(code.max()) + 1) + code).dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: left.length], codes[left.length :]
