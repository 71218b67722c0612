"""The engine **arrow**: two streams of record batches in the order of their keys, merged window by window, column by column.

What is surely the same is counted; everything else becomes records and goes to the rules. Sides that are in no order are sorted in memory, where they
fit there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.engines.arrow.keys import Keys, kind_of, whole_numbers
from integrakit.reconciliation.engines.arrow.lines import LineByLine, OutOfStep, written_alike
from integrakit.reconciliation.engines.arrow.matching import match
from integrakit.reconciliation.engines.arrow.sieve import Sieve
from integrakit.reconciliation.engines.arrow.sorting import sorted_batches
from integrakit.reconciliation.engines.arrow.streams import OutOfOrder, Stream, rows_at
from integrakit.reconciliation.engines.arrow.sums import total_of
from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.inputs.batches import ColumnsRead, Unreadable
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.inputs.plain_columns import arrow_or_none
from integrakit.runtimes import runtime

__all__ = ["compare_columns", "suits_arrow"]


def suits_arrow(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether both sides come as columns, and why or why not."""
    if find_spec("pyarrow") is None:  # importing it takes longer than many a comparison, and 50 MB
        return False, 'pyarrow is not installed: pip install "integrakit[arrow]"'
    for feed in feeds:
        if feed.columns is None:
            return False, f"the {feed.name} side does not come as columns"
    if reason := _obstacle(order):
        return False, reason
    return True, "both sides come as columns"


def _obstacle(order: Order) -> str:
    if order.key.normalise is not None:
        return "keys are prepared before they are compared, which is done record by record"
    if any(field.by_side for field in order.fields or ()):
        return "a field goes by the clocks of two time zones"
    return ""


async def compare_columns(run: Run) -> None:
    """Raises `Unsuitable`; `ConfigurationError` where pyarrow is missing; and what reading raises."""
    arrow = arrow_or_none()
    if arrow is None:
        raise ConfigurationError('engine="arrow" needs pyarrow and numpy: pip install "integrakit[arrow]"')
    if reason := _obstacle(run.order):
        raise Unsuitable(reason)
    started = runtime().wall()
    with _failures(arrow), _Work(arrow, run) as work:
        await runtime().blocking(work.begin)
        while await runtime().blocking(work.step):
            pass
        for feed, read in zip(run.feeds, work.reads, strict=True):
            feed.told(read.evidence(started))


@contextmanager
def _failures(arrow: Any) -> Any:
    """What columns cannot do is left to an engine that takes records."""
    try:
        yield
    except Unreadable as problem:
        raise Unsuitable(str(problem)) from problem
    except (arrow.ArrowException, UnicodeError) as problem:
        raise Unsuitable(f"pyarrow cannot do this with these columns: {str(problem).partition(chr(10))[0]:.200}") from problem


class _Work:
    """Both sides, and how far they have come."""

    def __init__(self, arrow: Any, run: Run) -> None:
        self._arrow = arrow
        self._run = run
        self.reads: list[ColumnsRead] = []
        self._streams: tuple[Stream, Stream]
        self._columns: list[_Column] = []
        #: For each side what the parts of its key are read as.
        self._kinds: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        #: While both sides are files of lines that are the same most of the time.
        self._lines: LineByLine | None = None
        #: The number of digits of the keys so far, where text is merged as the whole numbers that it is the writing of.
        self._width = 0

    def __enter__(self) -> _Work:
        return self

    def __exit__(self, *_: object) -> None:
        for read in self.reads:
            read.close()

    # ---------------------------------------------------------------- before the first row

    def begin(self) -> None:
        """Opens both sides and looks at their first batches."""
        run = self._run
        for feed in run.feeds:
            if (columns := feed.columns) is None:
                raise Unsuitable(f"the {feed.name} side ({feed.label}) does not come as columns")
            self.reads.append(columns.open_columns())
        for side, read in enumerate(self.reads):
            run.have(side, read.schema.names)
        self._columns = [_Column(self._arrow, run, name, self.reads) for name in run.comparison.columns]
        firsts = [_Peeked(read) for read in self.reads]
        self._choose_kinds(firsts)
        run.totals_are_known()
        if self._kinds[0] == self._kinds[1] and set(self._kinds[0]) <= {"whole", "text"} and written_alike(run, self.reads):
            self._reopen()
            self._lines = LineByLine(self._arrow, run, self.reads, self._kinds[0])
        else:
            self._begin_columns(firsts)

    def _reopen(self) -> None:
        for side, feed in enumerate(self._run.feeds):
            self.reads[side].close()
            assert feed.columns is not None
            self.reads[side] = feed.columns.open_columns()

    def _begin_columns(self, firsts: Sequence[_Peeked]) -> None:
        self._streams = (self._stream(0, firsts[0]), self._stream(1, firsts[1]))
        try:
            for stream in self._streams:
                stream.fill()
        except OutOfOrder as problem:
            self._sort(firsts, problem)

    def _stream(self, side: int, batches: Any) -> Stream:
        feed = self._run.feeds[side]
        return Stream(self._arrow, batches, self._names(side), self._kinds[side], f"{feed.name} side ({feed.label})", self._run.order.memory)

    def _names(self, side: int) -> Sequence[str]:
        return self._run.order.key.right if side else self._run.order.key.names

    def _choose_kinds(self, firsts: Sequence[_Peeked]) -> None:
        """What each part of the key is read as, on both sides. Raises `Unsuitable` where they have nothing in common."""
        untyped = self._run.comparison.untyped
        found = []
        for names in zip(self._names(0), self._names(1), strict=True):
            for name, read, feed in zip(names, self.reads, self._run.feeds, strict=True):
                if name not in read.schema.names:
                    raise Unsuitable(f"the {feed.name} side has no column {name!r}")
            kinds = [kind_of(self._arrow, read.schema.field(name).type) for name, read in zip(names, self.reads, strict=True)]
            if untyped == (True, True):
                kind = "whole" if len(self._names(0)) == 1 and self._all_whole(names, firsts) else "text"
                found.append((kind, kind))
            elif kinds[0] == kinds[1] and kinds[0] not in ("", "null"):
                found.append((kinds[0], kinds[0]))
            elif any(untyped) and kinds[untyped.index(False)] == "number":
                found.append(("signed", "number") if untyped[0] else ("number", "signed"))
            else:
                raise Unsuitable(f"keys of the types {self.reads[0].schema.field(names[0]).type} and {self.reads[1].schema.field(names[1]).type}")
        self._kinds = tuple(left for left, _ in found), tuple(right for _, right in found)
        run = self._run
        if any(untyped) and not all(untyped):
            typed = untyped.index(False)
            for place, kind in enumerate(self._kinds[typed]):
                run.readings[typed].kinds[place].add(kind)
            run.readings[1 - typed].coerce(run.readings[typed])

    def _all_whole(self, names: Sequence[str], firsts: Sequence[_Peeked]) -> bool:
        found = [first.peek() for first in firsts]
        return all(
            batch is None or whole_numbers(self._arrow, batch.column(name), signed=False) is not None
            for batch, name in zip(found, names, strict=True)
        )

    def _sort(self, firsts: Sequence[_Peeked], problem: OutOfOrder) -> None:
        """Both sides in memory, in the order of their keys. Nothing was counted before."""
        streams = []
        left = self._run.order.memory
        for side, (first, stream) in enumerate(zip(firsts, self._streams, strict=True)):
            batches, size = sorted_batches(self._arrow, [*stream.news, *first.rest()], self._names(side), self._kinds[side], left, problem)
            left -= size
            streams.append(self._stream(side, batches))
        self._streams = (streams[0], streams[1])
        for stream in self._streams:
            stream.fill()
        self._run.remarks.append("both sides were sorted by their keys in memory")

    # ---------------------------------------------------------------- window by window

    def step(self) -> bool:
        """Joins the next window; False when both sides are over."""
        if self._lines is not None:
            try:
                return self._lines.step()
            except OutOfStep:
                self._lines = None
                self._reopen()
                self._begin_columns([_Peeked(read) for read in self.reads])
        for side, stream in enumerate(self._streams):
            stream.fill()
            self._note(side, stream)
        left, right = self._streams
        if left.ended and right.ended:
            return False
        limit = min(stream.last for stream in self._streams if not stream.ended)
        self._join(limit)
        return True

    def _note(self, side: int, stream: Stream) -> None:
        """Counts and adds up what was read, and hands on what has no key."""
        run = self._run
        for batch in stream.news:
            run.count(side, batch.num_rows)
            run.feeds[side].counted(batch.num_rows)
            for column in self._columns:
                column.add_up(side, batch)
        stream.news.clear()
        for batch in stream.unkeyed:
            rows = rows_at(self._arrow, batch, range(batch.num_rows), run.feeds[side].label)
            run.join(*((rows, ()) if side == 0 else ((), rows)))
        stream.unkeyed.clear()

    def _join(self, limit: tuple[Any, ...]) -> None:
        import numpy as np  # an extra

        (left, keys), (right, others) = (stream.take(limit) for stream in self._streams)
        found = match(self._arrow, keys, others)
        maybe = np.zeros(len(found.left), bool)
        if len(found.left):
            mine, theirs, runs = left, right, found.runs
            if runs is None:
                mine, theirs = left.take(self._arrow.array(found.left)), right.take(self._arrow.array(found.right))
                runs = [(0, 0, len(found.left))]
            for column in self._columns:
                column.mark(maybe, mine, theirs, runs)
        self._run.agreed(len(maybe) - int(maybe.sum()))
        places = [np.sort(np.concatenate((pairs[maybe], rest))) for pairs, rest in zip((found.left, found.right), found.rest, strict=True)]
        for start, end in self._stretches(keys, others, places):
            lefts, rights = (
                rows_at(self._arrow, batch, those[(those >= low) & (those < high)], feed.label)
                for batch, those, low, high, feed in zip((left, right), places, start, end, self._run.feeds, strict=True)
            )
            self._run.join(lefts, rights)

    def _stretches(self, keys: Any, others: Any, places: Sequence[Any]) -> Any:
        """The window in pieces whose keys are in order as text, where they were merged as whole numbers: those of as many digits."""
        if not (len(places[0]) or len(places[1])):
            return
        whole = (0, 0), (keys.length, others.length)
        if self._kinds[0] != ("whole",):
            yield whole
            return
        start = (0, 0)
        for width in range(1, 20):
            limit = 10**width - 1
            end = _up_to(keys, limit), _up_to(others, limit)
            if any(((those >= low) & (those < high)).any() for those, low, high in zip(places, start, end, strict=True)):
                if width != self._width:
                    self._run.tally.begin_stretch(1)
                    self._width = width
                yield start, end
            start = end


def _up_to(keys: Keys, limit: int) -> int:
    return keys.count_up_to((limit,)) if keys.length else 0


class _Peeked:
    """A read whose first batch may be looked at before it is taken."""

    def __init__(self, read: ColumnsRead) -> None:
        self._read = read
        self._first: list[Any] | None = None

    def peek(self) -> Any:
        if self._first is None:
            self._first = [self._read.next()]
        return self._first[0] if self._first else None

    def next(self) -> Any:
        if self._first:
            return self._first.pop()
        return self._read.next()

    def rest(self) -> Any:
        """All that has not been taken."""
        return iter(self.next, None)


class _Column:
    """One field: where it stands on both sides, how it is sifted, and whether it is added up."""

    def __init__(self, arrow: Any, run: Run, name: str, reads: Sequence[ColumnsRead]) -> None:
        field = run.comparison.columns[name].field
        self._arrow = arrow
        self._run = run
        self._field = field
        self._names = (field.name, field.right)
        self._there = [each in read.schema.names for each, read in zip(self._names, reads, strict=True)]
        self._adds = True
        self._mark: Callable[[Any, Any, Any], Any] | None = None
        if all(self._there):
            untyped = run.comparison.untyped
            cells = untyped.index(True) if untyped[0] != untyped[1] else None
            kinds = [read.schema.field(each).type for each, read in zip(self._names, reads, strict=True)]
            limit = field.within.absolute if field.within is not None and field.options == {"within"} else None
            self._mark = Sieve(arrow, kinds[0], kinds[1], cells, within=None if limit is None else float(limit)).maybes

    def add_up(self, side: int, batch: Any) -> None:
        """The control total. A column that turns out to hold something else than numbers has none, and is not looked at any more."""
        if self._adds and self._there[side]:
            total = total_of(self._arrow, batch.column(self._names[side]), untyped=self._run.comparison.untyped[side])
            self._run.total(side, self._field.name, total)
            self._adds = not total.others

    def mark(self, maybe: Any, left: Any, right: Any, runs: Sequence[tuple[int, int, int]]) -> None:
        """Marks the pairs that may differ in this field."""
        if self._mark is not None:
            maybe[self._mark(left.column(self._names[0]), right.column(self._names[1]), runs)] = True
        elif any(self._there):
            maybe[:] = True
