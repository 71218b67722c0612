"""How sides that are larger than memory are joined: all of it is read once and parted where it does not fit, then part after part is joined.

A part that is still too large is parted again by another hash. What no hash parts, records of one key above all, is joined as a stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from functools import partial

from integrakit.reconciliation.engines.in_memory import Held, read_both
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.engines.spill.one_key import join_one_key
from integrakit.reconciliation.engines.spill.parting import Part, Parting
from integrakit.reconciliation.memory import JOINING, Scales, written
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.runtimes import runtime

__all__ = ["join_on_disk"]

#: Of memory=, what records may take; the rest is for buffers, and for what no estimate sees.
_ROOM = 0.8
#: A part that keeps so much of its size when it is parted again is not parted a third time.
_HARDLY_SMALLER = 0.8
#: How often records are parted at most.
_LEVELS = 6
#: Records of the memory that are handed over to the disk at a time.
_LOT = 10_000


async def join_on_disk(run: Run) -> str:
    """Reads everything, then joins; "dict" when it all fitted into memory, else "spill". Raises `StoreError` when the disk is full."""
    spilling = Spilling(run)
    try:
        await read_both(run, spilling)
        run.comparison.settle()
        if not spilling.parted:
            await runtime().blocking(run.joiner.join, *spilling.held.sides)
            return "dict"
        waiting = spilling.parts()
        while waiting:
            # One by one: a cancellation takes effect between them.
            waiting += await runtime().blocking(spilling.join, *waiting.pop())
        run.remarks += spilling.remarks()
        return "spill"
    finally:
        spilling.close()


class Spilling:
    """The records of one run: in memory as long as they fit, then parted."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._room = int(run.order.memory * _ROOM)
        self._scales = Scales()
        self.held = Held()
        self._partings: list[Parting] = []

    @property
    def parted(self) -> bool:
        return bool(self._partings)

    def take(self, side: int, keyed: Keyed, size: int) -> None:
        """More records of one side. Raises `StoreError` when the disk is full."""
        if self._partings:
            self._partings[0].add(side, keyed.keys, keyed.rows, size)
            return
        self.held.take(side, keyed, size)
        if self.held.size > self._room:
            parting = self._parting(0)
            for each in self._run.sides:
                mine, total = self.held.sides[each], self.held.sizes[each]
                for start in range(0, len(mine.rows), _LOT):
                    keys, rows = mine.keys[start : start + _LOT], mine.rows[start : start + _LOT]
                    parting.add(each, keys, rows, total * len(rows) // len(mine.rows))
            self.held = Held()

    def _parting(self, level: int) -> Parting:
        key = self._run.order.key
        names = (key.names[0], key.right[0]) if len(key.names) == 1 else None
        self._partings.append(Parting(self._keys, names, self._room, level=level))
        return self._partings[-1]

    def _keys(self, side: int, rows: Sequence[Row]) -> Sequence[Hashable]:
        return self._run.readings[side].read(rows).keys

    def remarks(self) -> list[str]:
        """For the report."""
        again = len(self._partings) - 1
        size = written(sum(each.written for each in self._partings))
        found = [f"the records take more than memory={written(self._run.order.memory)}, so {size} of them were written to the disk in parts"]
        if again:
            found.append(f"{again} of the parts {'was' if again == 1 else 'were'} too large, and parted again")
        if unwritable := sum(each.unwritable for each in self._partings):
            found.append(f"{unwritable:,} records hold values that cannot be written, and stayed in memory")
        return found

    def close(self) -> None:
        """Gives the disk back."""
        for each in self._partings:
            each.close()

    # ---------------------------------------------------------------- joining

    def parts(self, parting: Parting | None = None) -> list[tuple[Parting, Part]]:
        """The parts to be joined, the first one last: those in memory make room for the others."""
        parting = parting or self._partings[0]
        return sorted(((parting, part) for part in parting.parts if part.count), key=lambda item: not item[1].on_disk)

    def join(self, parting: Parting, part: Part) -> list[tuple[Parting, Part]]:
        """Joins a part, or says what parts it consists of. Blocks."""
        if not part.on_disk or parting.size(part) <= self._room:
            self._join(*parting.whole(part))
        elif parting.level < _LEVELS and not part.skewed:
            return self._part_again(parting, part)
        else:
            self._join_key_by_key(parting, part)
        part.clear()
        if parting.done:
            parting.close()
        return []

    def _join(self, left: Keyed, right: Keyed) -> None:
        self._run.tally.begin_stretch(len(self._run.order.key.names))
        self._run.joiner.join(left, right)

    def _part_again(self, parting: Parting, part: Part) -> list[tuple[Parting, Part]]:
        finer = self._parting(parting.level + 1)
        for side in self._run.sides:
            for block in parting.blocks(part, side):
                finer.add(side, block.keys, block.rows, self._scales.weigh(block.rows) + JOINING * len(block.rows))
        limit = part.count * _HARDLY_SMALLER
        part.clear()
        for each in finer.parts:
            each.skewed = each.count > limit
        return self.parts(finer)

    def _join_key_by_key(self, parting: Parting, part: Part) -> None:
        """One key has most of the records, or many keys have the same hash."""
        counts: tuple[Counter[Hashable], Counter[Hashable]] = (Counter(), Counter())
        for side in self._run.sides:
            for block in parting.blocks(part, side):
                counts[side].update(block.keys)
        most = part.count * self._room // max(1, parting.size(part))  # records that fit into memory
        for keys in _packs(counts[0] + counts[1], most):
            some = {key: (counts[0][key], counts[1][key]) for key in keys}
            stream = partial(_stream, parting, part, some)
            if sum(map(sum, some.values())) <= most or max(map(max, some.values())) == 1:
                self._join(_whole(stream(0)), _whole(stream(1)))
            else:
                self._run.tally.begin_stretch(len(self._run.order.key.names))
                (key,) = some
                join_one_key(self._run, key, some[key], stream, self._room)


def _packs(counts: Counter[Hashable], most: int) -> Iterator[list[Hashable]]:
    """Keys that have at most so many records together, or one that has more."""
    pack: list[Hashable] = []
    held = 0
    for key, count in counts.items():
        if pack and held + count > most:
            yield pack
            pack, held = [], 0
        pack.append(key)
        held += count
    if pack:
        yield pack


def _stream(parting: Parting, part: Part, wanted: Collection[Hashable], side: int) -> Iterator[Keyed]:
    for block in parting.blocks(part, side):
        places = [index for index, key in enumerate(block.keys) if key in wanted]
        yield Keyed(keys=[block.keys[place] for place in places], rows=[block.rows[place] for place in places])


def _whole(blocks: Iterator[Keyed]) -> Keyed:
    found = Keyed()
    for block in blocks:
        found.keys += block.keys
        found.rows += block.rows
    return found
