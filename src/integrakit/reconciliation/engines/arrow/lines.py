"""Two CSV files that are written in the same way: stretches of bytes that are the same are the same records, and are parsed once, for both sides.

Of the right side only the lines that differ are parsed. That holds as long as both sides ascend by keys that stand once; where they do not, nothing
has been counted yet, and the columns of both sides are compared instead.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any

from integrakit.reconciliation.engines.arrow.keys import Keys, read_keys
from integrakit.reconciliation.engines.arrow.streams import rows_at
from integrakit.reconciliation.engines.arrow.sums import total_of
from integrakit.reconciliation.engines.run import Run, Unsuitable
from integrakit.reconciliation.inputs.csv_batches import Block, CsvRead, Unreadable
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.totals import Total, measure, wide

__all__ = ["LineByLine", "OutOfStep", "written_alike"]

_STEP = 1 << 14
#: Lines that differ, held back until it is sure that nothing has to be taken back.
_HELD = 20_000
#: Bytes of a line at most.
_LONGEST = 1 << 27
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)

Key = tuple[Any, ...]


class OutOfStep(Exception):
    """The sides are not in order, or a key stands more than once: their columns must be compared. Never raised out of the engine."""


def written_alike(run: Run, reads: Sequence[Any]) -> bool:
    """Whether the same line means the same on both sides, and all that it says is compared."""
    left, right = reads
    if not (isinstance(left, CsvRead) and isinstance(right, CsvRead)) or run.order.key.names != run.order.key.right:
        return False
    fields = [column.field for column in run.comparison.columns.values()]
    return (
        (left.names, left.delimiter, left.quote) == (right.names, right.delimiter, right.quote)
        and all(field.name == field.right for field in fields)
        and {*(field.name for field in fields), *run.order.key.names} >= set(left.names)
    )


class LineByLine:
    """The comparison of two such files. ``kinds``: what the parts of the key are read as, "whole" or "text"."""

    def __init__(self, arrow: Any, run: Run, reads: Sequence[Any], kinds: Sequence[str]) -> None:
        self._arrow = arrow
        self._run = run
        self._left: CsvRead = reads[0]
        self._right: CsvRead = reads[1]
        self._kinds = kinds
        self._found: list[tuple[list[Row], list[Row]]] = []
        self._held = 0
        #: Counted and not told yet: pairs that are the same, and records of each side.
        self._agreed, self._counts = 0, [0, 0]
        self._sure = False
        self._last: Key | None = None
        self._last_alone: Key | None = None
        self._place = 0
        self._width = 0
        self._totals = {name: _SharedTotal(arrow, name) for name in run.comparison.columns}

    def step(self) -> bool:
        """Compares the next block of the left side, and in the end what is left of the right one; False when both are over. Raises `OutOfStep`."""
        block = self._left.block()
        if block is None:
            while self._rest_of_right():
                pass
            self._sure = True
            self._tell()
            for name, total in self._totals.items():
                for side in (0, 1):
                    self._run.total(side, name, total.of(side))
            return False
        wanted = dict.fromkeys([*self._run.order.key.names, *(name for name, total in self._totals.items() if total.adds)])
        batch = self._left.parsed(block, list(wanted))
        if batch is not None:
            keys = read_keys(self._arrow, [batch.column(name) for name in self._run.order.key.names], self._kinds)
            self._check(keys)
            for total in self._totals.values():
                total.add(batch)
            pairs = self._block(block)
            self._agreed += batch.num_rows - pairs
            self._count(0, batch.num_rows)
            self._count(1, batch.num_rows - pairs)
            self._last = keys.at(keys.length - 1)
        if self._held > _HELD:
            self._sure = True
        if self._sure:
            self._tell()
        return True

    def _check(self, keys: Keys) -> None:
        if (self._last is not None and keys.at(0) <= self._last) or (keys.length > 1 and not keys.compared()[0].all()):
            self._out_of_step("the left side is not in the order of its keys, or has one more than once")

    def _out_of_step(self, why: str) -> None:
        if self._sure:
            raise Unsuitable(why)
        raise OutOfStep(why)

    def _count(self, side: int, records: int) -> None:
        self._counts[side] += records

    # ---------------------------------------------------------------- one block of the left side

    def _block(self, block: Block) -> int:
        """Compares one block; how many records of it are not the same on the right."""
        import numpy as np  # an extra

        right, mine, size, quotes = self._right, block.data, block.size, block.quotes
        mine_as_numbers = np.frombuffer(mine, np.uint8, size)
        theirs = np.frombuffer(right.rest, np.uint8)
        lefts: list[Row] = []
        rights: list[Row] = []
        here, there = 0, self._place
        while here < size:
            same = _same(mine_as_numbers, theirs, here, there)
            if here + same == size:
                there += same
                break
            if there + same == len(right.rest) and not right.over:
                start = _line_start(mine, quotes, here, here + same)
                right.rest = right.rest[there + start - here :]
                here, there = start, 0
                right.fill()
                theirs = np.frombuffer(right.rest, np.uint8)
                continue
            start = _line_start(mine, quotes, here, here + same)
            here, there = start, there + start - here
            end = _line_end(mine, quotes, here)
            other_end = self._end_of_right(there)
            if other_end is None:
                right.rest, there = right.rest[there:], 0
                right.fill()
                theirs = np.frombuffer(right.rest, np.uint8)
                continue
            row, other = self._row(mine[here:end], self._left), self._row(right.rest[there:other_end], right)
            if row is None:
                here = end
                continue
            if other is None and other_end > there:
                there = other_end
                continue
            key, other_key = self._key(row), None if other is None else self._key(other)
            if other_key is None or key <= other_key:
                here = end
                lefts.append(row)
            if other is not None and other_key is not None and other_key <= key:
                if other_key < key:
                    self._alone(other_key, mine, quotes, here)
                there = other_end
                rights.append(other)
        right.rest, self._place = (right.rest[there:], 0) if there > len(right.rest) // 2 else (right.rest, there)
        self._take(lefts, rights)
        return len(lefts)

    def _alone(self, key: Key, mine: bytes, quotes: Any, here: int) -> None:
        """Checks the order of a record that is on the right only: it stands above whatever came before it on either side."""
        before = self._last
        if here:
            previous = None
            end = here
            while end and previous is None:
                start = _line_start(mine, quotes, 0, end - 1)
                previous, end = self._row(mine[start:end], self._left), start
            before = self._last if previous is None else self._key(previous)
        if (before is not None and key <= before) or (self._last_alone is not None and key <= self._last_alone):
            self._out_of_step("the right side is not in the order of its keys, or has one more than once")
        self._last_alone = key

    def _end_of_right(self, start: int) -> int | None:
        """The end of the record that begins there; None where it has not been read yet, ``start`` where there is no more."""
        right = self._right
        end = start
        while (end := right.rest.find(b"\n", end) + 1) > 0:
            if right.rest.count(right.quote, start, end) % 2 == 0:
                return end
        return None if not right.over and len(right.rest) - start < _LONGEST else len(right.rest)

    def _row(self, line: bytes, read: CsvRead) -> Row | None:
        """The record of a line; None for a blank one. What is not right about it, the file's own reader says."""
        try:
            if b"\0" in line:
                raise ValueError("NUL")
            cells = next(csv.reader([line.decode()], delimiter=read.delimiter.decode(), quotechar=read.quote.decode(), strict=True), [])
        except (ValueError, csv.Error):
            cells = [*read.names, "?"]
        if cells and (len(cells) != len(read.names) or len(line) > _LONGEST):
            try:
                read.let_source_speak("a line is not like the others")
            except Unreadable:
                self._out_of_step("a line is not like the others")
        return dict(zip(read.names, cells, strict=True)) if cells else None

    def _key(self, row: Row) -> Key:
        parts = []
        for name, kind in zip(self._run.order.key.names, self._kinds, strict=True):
            if kind == "whole" and not _WHOLE.fullmatch(row[name]):
                self._out_of_step("text keys that are not all plain whole numbers")
            parts.append(int(row[name]) if kind == "whole" else row[name])
        return tuple(parts)

    # ---------------------------------------------------------------- what was found

    def _rest_of_right(self) -> bool:
        """The next records that are on the right only, after the last on the left."""
        right = self._right
        right.rest, self._place = right.rest[self._place :], 0
        batch = right.next()
        if batch is None:
            return False
        keys = read_keys(self._arrow, [batch.column(name) for name in self._run.order.key.names], self._kinds)
        last = max((key for key in (self._last, self._last_alone) if key is not None), default=None)
        if (last is not None and keys.at(0) <= last) or (keys.length > 1 and not keys.compared()[0].all()):
            self._out_of_step("the right side is not in the order of its keys, or has one more than once")
        self._last_alone = keys.at(keys.length - 1)
        right.rows -= batch.num_rows
        self._take([], rows_at(self._arrow, batch, range(batch.num_rows), self._run.feeds[1].label))
        return True

    def _take(self, lefts: list[Row], rights: list[Row]) -> None:
        if lefts or rights:
            self._found.append((lefts, rights))
            self._held += len(lefts) + len(rights)
            self._count(1, len(rights))
            for total in self._totals.values():
                total.apart(lefts, rights)
        if self._sure:
            self._tell()

    def _tell(self) -> None:
        """Tells the run what was found since."""
        run = self._run
        for side, records in enumerate(self._counts):
            run.count(side, records)
            run.feeds[side].counted(records)
        self._right.rows += self._counts[1]
        run.agreed(self._agreed)
        self._agreed, self._counts = 0, [0, 0]
        for lefts, rights in self._found:
            for mine, others in self._stretches(lefts, rights):
                run.join(mine, others)
        self._found = []

    def _stretches(self, lefts: list[Row], rights: list[Row]) -> Iterator[tuple[list[Row], list[Row]]]:
        """In pieces whose keys are in order as text: of whole numbers, those of as many digits."""
        if list(self._kinds) != ["whole"]:
            yield lefts, rights
            return
        name = self._run.order.key.names[0]
        for width in sorted({len(row[name]) for rows in (lefts, rights) for row in rows}):
            if width != self._width:
                self._run.tally.begin_stretch(1)
                self._width = width
            yield [row for row in lefts if len(row[name]) == width], [row for row in rights if len(row[name]) == width]


class _SharedTotal:
    """The total of one column: that of the left side, and on the right that with what differs exchanged."""

    def __init__(self, arrow: Any, name: str) -> None:
        self._arrow = arrow
        self._name = name
        self._left = Total()
        self._apart = (Total(), Total())
        self.adds = True

    def add(self, batch: Any) -> None:
        """A batch of the left side."""
        if self.adds:
            self._left.merge(total_of(self._arrow, batch.column(self._name), untyped=True))
            self.adds = not self._left.others

    def apart(self, lefts: Sequence[Row], rights: Sequence[Row]) -> None:
        """Records that are not the same on the other side."""
        if self.adds:
            for total, rows in zip(self._apart, (lefts, rights), strict=True):
                total.merge(measure([row[self._name] for row in rows], {str}, True))

    def of(self, side: int) -> Total:
        if not side:
            return self._left
        mine, other = self._apart
        context = wide()
        value = context.add(context.subtract(self._left.value, mine.value), other.value)
        exact = not (self._left.inexact or mine.inexact or other.inexact)
        return Total.of(value, count=self._left.count - mine.count + other.count, others=max(other.others, self._left.others), exact=exact)


def _same(mine: Any, theirs: Any, here: int, there: int) -> int:
    """How many bytes are the same from there on."""
    most = min(len(mine) - here, len(theirs) - there)
    for start in range(0, most, _STEP):
        size = min(_STEP, most - start)
        differ = mine[here + start : here + start + size] != theirs[there + start : there + start + size]
        place = int(differ.argmax())
        if differ[place]:
            return start + place
    return most


def _line_start(data: bytes, quotes: Any, low: int, place: int) -> int:
    """The start of the record that the place is in."""
    start = data.rfind(b"\n", low, place) + 1
    while start > low and quotes is not None and int(quotes.searchsorted(start)) % 2:
        start = data.rfind(b"\n", low, start - 1) + 1
    return max(start, low)


def _line_end(data: bytes, quotes: Any, start: int) -> int:
    """The end of the record that begins there."""
    end = data.find(b"\n", start) + 1
    while end > 0 and quotes is not None and int(quotes.searchsorted(end)) % 2:
        end = data.find(b"\n", end) + 1
    return end or len(data)
