"""Records of both sides, parted by a hash of their keys: what belongs together falls into one part, and no more than one part has to be in memory.

Parts stay in memory for as long as all of them fit there; then the largest goes to the disk, and what comes for it later follows. Nothing is compared
here, and a hash decides only where records go, never whether they are equal.
"""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Callable, Hashable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from operator import is_

from attrs import Factory, define, field

from integrakit.reconciliation.memory import JOINING, Scales
from integrakit.reconciliation.portable import pickled_rows
from integrakit.reconciliation.rules.columns import Row, column
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.reconciliation.scratch import Scratch

__all__ = ["Part", "Parting"]

#: A power of two.
_PARTS = 128
#: Records of one block at most, and at least where memory is short.
_BLOCK = (16, 1_000)
#: Weighing takes longer than writing: one block of so many is weighed.
_WEIGHED = 16
#: Of the room, what may wait for the disk in all parts together.
_WAITING = 4

#: Of such parts a key is written; other keys are made anew from the records.
_PLAIN = frozenset({int, str, bool, bytes, Decimal})

#: The keys of records, by their side: for those that are read from the disk.
Keys = Callable[[int, Sequence[Row]], Sequence[Hashable]]


@define(eq=False)
class _Side:
    """One side of a part: blocks on the disk, and after them the records that wait in memory."""

    keys: list[Hashable] = field(factory=list)
    rows: list[Row] = field(factory=list)
    #: Place and length of each block, in turns.
    places: array[int] = field(factory=lambda: array("Q"))
    #: Block → place in it → a record that cannot be written, and stays in memory.
    unwritable: dict[int, dict[int, Row]] = field(factory=dict)
    #: How many records are on the disk, and how many bytes they will take in memory.
    written: int = 0
    size: int = 0


@define(eq=False)
class Part:
    """Every record of the keys it has."""

    sides: tuple[_Side, _Side] = Factory(lambda: (_Side(), _Side()))
    on_disk: bool = False
    #: Whether parting again would hardly make it smaller.
    skewed: bool = False

    def clear(self) -> None:
        """It has been dealt with."""
        self.sides = (_Side(), _Side())

    @property
    def count(self) -> int:
        return sum(each.written + len(each.rows) for each in self.sides)


class Parting:
    """``keys``: makes the keys of records anew. ``names``: the field of each side that is its key as it stands, if that may be so.

    ``room``: bytes that records may take in memory. ``level``: how often they were parted before; each level parts by another hash.
    """

    def __init__(self, keys: Keys, names: tuple[str, str] | None, room: int, *, level: int = 0) -> None:
        self._keys = keys
        self._names = names
        self._room = room
        self._scratch = Scratch("records that are larger than memory=")
        self.level = level
        self.parts = [Part() for _ in range(_PARTS)]
        #: Bytes of all records that came, and their number, by side.
        self._sizes = [0, 0]
        self._came = [0, 0]
        self._in_memory = [0, 0]
        #: Blocks written, and the bytes of one record that is read back, by side.
        self._blocks = [0, 0]
        self._read_back = [0.0, 0.0]
        self._scales = Scales()
        #: Records that cannot be written and stay in memory.
        self.unwritable = 0

    @property
    def written(self) -> int:
        """Bytes on the disk."""
        return self._scratch.size

    @property
    def done(self) -> bool:
        return not any(part.count for part in self.parts)

    def close(self) -> None:
        self._scratch.close()

    def add(self, side: int, keys: Sequence[Hashable], rows: Sequence[Row], size: int) -> None:
        """More records of one side, in their order. ``size``: bytes of all of them. Raises `StoreError` when the disk is full."""
        level, last = self.level, len(self.parts) - 1
        sides = [part.sides[side] for part in self.parts]
        to_keys, to_rows = [each.keys.append for each in sides], [each.rows.append for each in sides]
        for index, key, row in zip([hash((level, key)) & last for key in keys], keys, rows, strict=True):
            to_keys[index](key)
            to_rows[index](row)
        self._sizes[side] += size
        self._came[side] += len(rows)
        self._in_memory[side] += len(rows)
        self._make_room(side)

    def size(self, part: Part) -> int:
        """Bytes that a part takes in memory, about."""
        return int(sum(self._each(side) * len(half.rows) + half.size for side, half in enumerate(part.sides)))

    def blocks(self, part: Part, side: int) -> Iterator[Keyed]:
        """The records of one side of a part, in the order they came, some at a time."""
        half = part.sides[side]
        for index in range(0, len(half.places), 2):
            keys, rows = pickle.loads(self._scratch.read(half.places[index], half.places[index + 1]))
            for place, row in half.unwritable.get(index // 2, {}).items():
                rows[place] = row
            yield Keyed(keys=list(self._keys(side, rows)) if keys is None else keys, rows=rows)
        if half.rows:
            yield Keyed(keys=half.keys, rows=half.rows)

    def whole(self, part: Part) -> tuple[Keyed, Keyed]:
        """All of a part, in memory."""
        found = (Keyed(), Keyed())
        for side, keyed in enumerate(found):
            for block in self.blocks(part, side):
                keyed.keys += block.keys
                keyed.rows += block.rows
        return found

    # ---------------------------------------------------------------- to the disk

    def _each(self, side: int) -> float:
        """Bytes of one record, on average."""
        return self._sizes[side] / max(1, self._came[side])

    def _held(self) -> float:
        return self._each(0) * self._in_memory[0] + self._each(1) * self._in_memory[1]

    def _make_room(self, side: int) -> None:
        limit = self._block(side)
        for part in self.parts:
            if part.on_disk and len(part.sides[side].rows) >= limit:
                self._write(part, side)
        while self._held() > self._room:
            resident = [part for part in self.parts if not part.on_disk]
            if not resident:
                for part in self.parts:
                    self._write(part, side)
                return
            largest = max(resident, key=self.size)
            largest.on_disk = True
            self._write(largest, 0)
            self._write(largest, 1)

    def _block(self, side: int) -> int:
        least, most = _BLOCK
        return max(least, min(most, int(self._room / _WAITING / len(self.parts) / max(1.0, self._each(side)))))

    def _write(self, part: Part, side: int) -> None:
        half, length = part.sides[side], self._block(side)
        for start in range(0, len(half.rows), length):
            self._write_block(half, side, half.keys[start : start + length], half.rows[start : start + length])
        self._in_memory[side] -= len(half.rows)
        half.written += len(half.rows)
        half.keys, half.rows = [], []

    def _write_block(self, half: _Side, side: int, keys: list[Hashable], rows: list[Row]) -> None:
        data, stubborn = pickled_rows(rows, self._worth_writing(side, keys, rows))
        if stubborn:
            half.unwritable[len(half.places) // 2] = {index: rows[index] for index in stubborn}
            self.unwritable += len(stubborn)
        half.places.append(self._scratch.append(data))
        half.places.append(len(data))
        if self._blocks[side] % _WEIGHED == 0:
            self._read_back[side] = self._scales.weigh(rows) / len(rows) + JOINING
        self._blocks[side] += 1
        # A sample may miss the one record with a novel in it; its pickle does not.
        half.size += int(max(self._read_back[side] * len(rows), len(data)))

    def _worth_writing(self, side: int, keys: list[Hashable], rows: list[Row]) -> list[Hashable] | None:
        """The keys, where making them anew costs more than writing them, and they can be written without a second look."""
        if self._names is not None and all(map(is_, keys, column(rows, self._names[side]))):
            return None
        kinds = set(map(type, keys))
        if kinds == {tuple}:
            kinds = set(map(type, chain.from_iterable(keys)))  # type: ignore[arg-type]
        return keys if kinds <= _PLAIN else None
