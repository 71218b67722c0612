"""One key with more records than memory holds: paired up as multisets all the same, by parting its records by what they say instead of by their key.

The result is the one that `rules.duplicates` would give with all of them in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from integrakit.reconciliation.engines.joining import HELD
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.engines.spill.parting import Part, Parting
from integrakit.reconciliation.memory import Scales
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.duplicates import Signature, signature_of
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.reconciliation.rules.values import Incomparable

__all__ = ["join_one_key"]

#: Not a level of parts by key: the hash must be another one than any of theirs.
_LEVEL = -1

Stream = Callable[[int], Iterator[Keyed]]


def join_one_key(run: Run, key: Hashable, counts: tuple[int, int], stream: Stream, room: int) -> None:
    """Joins and reports it. ``counts``: records of each side; ``stream``: those records, as often as it is called."""
    signature = signature_of(list(run.comparison.columns.values()), *counts)
    firsts = [next((block.rows[0] for block in stream(side) if block.rows), None) for side in (0, 1)]
    chosen = any(row is not None and run.joiner.chooses(side, row) for side, row in enumerate(firsts))
    if chosen or (signature is None and all(counts)):
        # All must be seen to know which of them count; or they are few enough to be tried one by one.
        held = [Keyed(keys=[key] * count, rows=[row for block in stream(side) for row in block.rows]) for side, count in enumerate(counts)]
        run.joiner.join(held[0], held[1])
        return
    raw = next(run.readings[side].raw(row) for side, row in enumerate(firsts) if row is not None)
    for side in (0, 1):
        for block in stream(side):
            run.comparison.alone(side, block.rows)
    if signature is None or not all(counts):  # nothing to pair
        alone = [_first_of(stream(side)) for side in (0, 1)]
        run.joiner.stands_often(key, raw, counts, 0, alone, sum(counts))
        return
    pairing = _Pairing(signature, room)
    try:
        for side in (0, 1):
            pairing.read(side, stream(side))
        agreeing = pairing.pair()
        run.joiner.stands_often(key, raw, counts, agreeing, pairing.firsts(), sum(counts) - 2 * agreeing)
    finally:
        pairing.close()


def _first_of(blocks: Iterator[Keyed]) -> list[Row]:
    found: list[Row] = []
    for block in blocks:
        found += block.rows[: HELD - len(found)]
        if len(found) == HELD:
            break
    return found


class _Pairing:
    """Records with the same signature agree. Each record goes with its place among those of its side, for what is left over stands in their order."""

    def __init__(self, signature: Signature, room: int) -> None:
        self._signature = signature
        self._scales = Scales()
        self._parting = Parting(self._signatures, None, room // 2, level=_LEVEL)
        #: The first records without a partner, with their places; also those that cannot be compared with any.
        self._alone: tuple[list[tuple[int, Row]], list[tuple[int, Row]]] = ([], [])

    def _signatures(self, side: int, items: Sequence[dict[str, Any]]) -> list[Hashable]:
        return [self._signature(item["record"], side) for item in items]

    def close(self) -> None:
        self._parting.close()

    def read(self, side: int, blocks: Iterator[Keyed]) -> None:
        place = 0
        for block in blocks:
            items: list[dict[str, Any]] = []
            keys: list[Hashable] = []
            for row in block.rows:
                try:
                    keys.append(self._signature(row, side))
                    items.append({"place": place, "record": row})
                except Incomparable:
                    self._leave_alone(side, place, row)
                place += 1
            self._parting.add(side, keys, items, self._scales.weigh(items) * 2)

    def _leave_alone(self, side: int, place: int, row: Row) -> None:
        alone = self._alone[side]
        alone.append((place, row))
        if len(alone) > 4 * HELD:
            alone.sort(key=itemgetter(0))
            del alone[HELD:]

    def pair(self) -> int:
        """How many records agree."""
        return sum(map(self._pair, self._parting.parts))

    def firsts(self) -> list[list[Row]]:
        """The first records of each side without a partner."""
        return [[row for _, row in sorted(alone, key=itemgetter(0))[:HELD]] for alone in self._alone]

    def _pair(self, part: Part) -> int:
        counts: tuple[Counter[Hashable], Counter[Hashable]] = (Counter(), Counter())
        for side in (0, 1):
            for block in self._parting.blocks(part, side):
                counts[side].update(block.keys)
        for side in (0, 1):
            self._leave(side, part, counts[1 - side])
        return (counts[0] & counts[1]).total()

    def _leave(self, side: int, part: Part, partners: Counter[Hashable]) -> None:
        """The first records of a signature find partners, as many as there are on the other side; the others do not."""
        seen: Counter[Hashable] = Counter()
        left = 0  # no more of one part can be among the first of all
        for block in self._parting.blocks(part, side):
            for key, item in zip(block.keys, block.rows, strict=True):
                seen[key] += 1
                if seen[key] > partners[key]:
                    self._leave_alone(side, item["place"], item["record"])
                    left += 1
                    if left == HELD:
                        return
