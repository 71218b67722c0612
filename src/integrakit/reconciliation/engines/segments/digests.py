"""The digests of both sides, bucket by bucket: which buckets are clean, and what the numbers of each side add up to. Reads answers; makes no SQL.

A bucket is clean when everything that both servers said of it is the same: how many rows it has, the digest of their values, the lowest and highest
key or the sum of the keys, and the exact sum of each numeric field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext

from attrs import define, field

from integrakit.reconciliation.engines.joining import Unsuitable
from integrakit.reconciliation.engines.segments.buckets import NO_KEY
from integrakit.reconciliation.engines.segments.forms import FAR
from integrakit.reconciliation.engines.segments.plan import Plan
from integrakit.reconciliation.engines.segments.snapshot import Snapshot
from integrakit.reconciliation.rules.totals import wide
from integrakit.sql.layout import Row

__all__ = ["PAGES", "Digests"]

#: Rows of an answer fetched at a time.
PAGES = 100
_NULL = "~"
#: A sum above it has a float in it that is no number of millionths, unless a bucket has thousands of very large ones.
_FAR = Decimal(FAR // 2) / 10**6


@define
class Sums:
    """The exact sums of all numeric fields of one side so far; for a field of which nothing was seen, None."""

    values: list[Decimal | None]
    #: Places of fields whose sums are not all: they have numbers that are not finite, or floats that are no millionths.
    partial: set[int] = field(factory=set)

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        for place, column in enumerate(columns):
            if found := [Decimal(text) for text in column if text != _NULL]:
                self.values[place] = sum(found, self.values[place] or Decimal(0))
                if not all(map(Decimal.is_finite, found)):
                    self.partial.add(place)

    def add_millionths(self, place: int, column: Sequence[str]) -> None:
        if any(abs(Decimal(text)) > _FAR for text in column if text != _NULL):
            self.partial.add(place)


@define
class Digests:
    """What comparing the digests has shown so far."""

    plan: Plan
    dirty: list[int] = field(factory=list)
    buckets: int = 0
    #: Rows of each side in clean buckets, and in the others.
    clean: int = 0
    suspect: list[int] = field(factory=lambda: [0, 0])
    sums: tuple[Sums, Sums] = field(init=False)

    def __attrs_post_init__(self) -> None:
        count = len(self.plan.summed)
        self.sums = Sums([None] * count), Sums([None] * count)

    @property
    def rows(self) -> tuple[int, int]:
        return self.clean + self.suspect[0], self.clean + self.suspect[1]

    @property
    def share(self) -> float:
        """How many of the rows of the side that has it worse are in buckets that differ."""
        return max(suspect / max(1, total) for suspect, total in zip(self.suspect, self.rows, strict=True))

    def compare(self, snapshots: tuple[Snapshot, Snapshot], first: Sequence[list[Row]]) -> None:
        """Reads both answers to their ends, page by page. Raises `Unsuitable` and what reading raises."""
        pages = [_pages(snapshot, rows) for snapshot, rows in zip(snapshots, first, strict=True)]
        waiting = [next(each, None) for each in pages]
        with localcontext(wide()):
            while waiting[0] is not None or waiting[1] is not None:
                number = min(int(page[0]) for page in waiting if page is not None)
                lines: list[list[str]] = [[], []]
                for side in (0, 1):
                    page = waiting[side]
                    if page is not None and int(page[0]) == number:
                        lines[side] = self._lines(side, page)
                        waiting[side] = next(pages[side], None)
                self._page(lines[0], lines[1])

    def _lines(self, side: int, page: Row) -> list[str]:
        _, text, barred = page
        if barred:
            raise Unsuitable(f"the {('left', 'right')[side]} side has a field that cannot be added up: {self.plan.why_barred(side, int(barred))}")
        return (text.decode() if isinstance(text, bytes) else str(text)).split(";")

    def _page(self, lefts: list[str], rights: list[str]) -> None:
        same = set(lefts).intersection(rights)
        common, rest = _cut(line for line in lefts if line in same), [_cut(line for line in lines if line not in same) for lines in (lefts, rights)]
        skipped = -len(self.plan.summed) or None
        dirty = {int(cells[0]) for cells in (*rest[0], *rest[1])}
        for cells in common:
            rows = int(cells[1])
            if int(cells[0]) == NO_KEY or cells[2] != "0":
                dirty.add(int(cells[0]))
                self.suspect[0] += rows
                self.suspect[1] += rows
            else:
                self.clean += rows
        for side in (0, 1):
            self.suspect[side] += sum(int(cells[1]) for cells in rest[side])
            if skipped is not None and (lines := [*common, *rest[side]]):
                columns = list(zip(*lines, strict=True))[skipped:]
                self.sums[side].add(columns)
                for place, name in enumerate(self.plan.summed):
                    if self.plan.fields[name].in_millionths:
                        self.sums[side].add_millionths(place, columns[place])
        self.buckets += len(common) + len(dirty.difference(int(cells[0]) for cells in common))
        self.dirty += sorted(dirty)


def _cut(lines: Iterable[str]) -> list[list[str]]:
    return [line.split(",") for line in lines]


def _pages(snapshot: Snapshot, rows: list[Row]) -> Iterator[Row]:
    while True:
        yield from rows
        if len(rows) < PAGES:
            break
        rows = snapshot.fetch(PAGES, digesting=True)
    snapshot.finish()
