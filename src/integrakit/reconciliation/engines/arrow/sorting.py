"""Sides that are in no order, sorted by their keys in memory.

They come out as batches again, so that the merge goes on as if they had been in order all along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from integrakit.reconciliation.engines.arrow.keys import read_keys
from integrakit.reconciliation.engines.run import Unsuitable
from integrakit.reconciliation.inputs.plain_columns import WINDOW

__all__ = ["Sorted", "sorted_batches"]


class Sorted:
    """Batches of a table by its positions in order."""

    def __init__(self, arrow: Any, table: Any, places: Any) -> None:
        self._arrow = arrow
        self._batches = self._taken(table, places)

    def _taken(self, table: Any, places: Any) -> Iterator[Any]:
        for start in range(0, len(places), WINDOW):
            yield from table.take(places.slice(start, WINDOW)).combine_chunks().to_batches()

    def next(self) -> Any:
        return next(self._batches, None)


def sorted_batches(
    arrow: Any, batches: Iterable[Any], names: Sequence[str], kinds: Sequence[str], memory: int, problem: Unsuitable
) -> tuple[Sorted, int]:
    """All rows by their keys, those without one first, and the bytes they take. Raises ``problem`` where they take more than ``memory``."""
    held: list[Any] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += 2 * batch.nbytes + 16 * batch.num_rows
        if size > memory:
            raise Unsuitable(f"{problem}, and to sort it takes more memory than memory= allows")
    if not held:
        return Sorted(arrow, arrow.table({}), arrow.array([], arrow.int64())), 0
    table = arrow.Table.from_batches(held)
    held.clear()
    return Sorted(arrow, table, _order(arrow, table, names, kinds)), size


def _order(arrow: Any, table: Any, names: Sequence[str], kinds: Sequence[str]) -> Any:
    import numpy as np  # an extra

    keys = read_keys(arrow, [table.column(name).combine_chunks() for name in names], kinds)
    columns = arrow.table(
        [arrow.array(part) if isinstance(part, np.ndarray) else part for part in keys.parts], names=list(map(str, range(len(names))))
    )
    order = arrow.compute.sort_indices(columns, sort_keys=[(name, "ascending") for name in columns.column_names])
    if keys.null is None:
        return order.cast(arrow.int64())
    there, absent = np.flatnonzero(~keys.null), np.flatnonzero(keys.null)
    return arrow.array(np.concatenate((absent, there[order.to_numpy()])))
