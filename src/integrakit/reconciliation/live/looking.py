"""Looking again at what does not agree: the records as they are now, compared by the very same rules.

What agrees is resolved. What differs as it did before is broken; what differs otherwise is in flight. How a side is asked stands in ``asking``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from attrs import define, evolve, field

from integrakit.reconciliation.breaks import Entry
from integrakit.reconciliation.engines.planning import Finished
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.live.asking import Again
from integrakit.reconciliation.live.moments import Moments
from integrakit.reconciliation.live.moving import moves
from integrakit.reconciliation.live.settling import Recheck
from integrakit.reconciliation.live.watched import CANDIDATES, State, Watched, records_of
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.keys import rows_of
from integrakit.reconciliation.rules.spec import Field
from integrakit.reconciliation.rules.values import Incomparable, canonical
from integrakit.runtimes import runtime
from integrakit.unset import UNSET

__all__ = ["Looks"]

#: Breaks that are looked at again in one go.
BATCH = 500
#: Breaks that are looked at again at most: so many keys are held in memory, and the rest stays as it is.
LIMIT = 100_000


@define
class _Candidate:
    """One break that is looked at again. ``rows``: its records as they are now, on each side; None where an answer makes no sense."""

    entry: Entry
    state: State
    key: Hashable
    rows: list[list[Row] | None] = field(factory=lambda: [[], []])

    def held(self, side: int) -> tuple[Any, ...]:
        return records_of(self.entry[2 + side])


class Looks:
    """All looks of one reconciliation. ``is_fresh``: whether a break holds a record that changed too lately to be judged."""

    def __init__(
        self,
        finished: Finished,
        fields: tuple[Field, ...],
        moments: Moments,
        *,
        started: datetime,
        is_fresh: Callable[[Entry], bool],
        limit: int = LIMIT,
    ) -> None:
        self._old = finished.run
        self._fields = fields
        self._order = evolve(self._old.order, fields=fields, engine="dict")
        self._moments = moments
        self._started = started
        self._is_fresh = is_fresh
        self._limit = limit
        key, cells = self._old.order.key, self._old.feeds[0].untyped != self._old.feeds[1].untyped
        self._sides = (Again(self._old.feeds[0], 0, key, cells=cells), Again(self._old.feeds[1], 1, key, cells=cells))
        #: How often was looked, and how many breaks were too many to be.
        self.times = 0
        self.beyond = 0
        #: Records that the read of a side passed over, whose rows may move.
        self.missed: Counter[int] = Counter()

    async def all(self, watched: Watched, recheck: Recheck) -> Watched:
        """Looks as often as there is anything to look at. Raises what asking and reading raise."""
        for _ in range(recheck.times):
            candidates = sum(self._is_candidate(entry, state) for entry, state in watched)
            if not candidates:
                break
            self.beyond = max(0, candidates - self._limit)
            await runtime().sleep(recheck.wait)
            watched = await self._look(watched)
            self.times += 1
        return watched

    def notes(self) -> list[str]:
        """What a reader should know of the looks."""
        never = [side.feed.name for side in self._sides if side.way == "never"]
        found = []
        if len(never) == 2:
            found.append("neither side can be read again: breaks could not be looked at again")
        elif never:
            found.append(f"the {never[0]} side can be read only once: when breaks were looked at again, its records stood as they had been read")
        if self.beyond:
            found.append(f"{self.beyond:,} breaks were not looked at again: the first {self._limit:,} were")
        return found

    def unstable(self) -> list[str]:
        return [
            f"{count:,} {'record was' if count == 1 else 'records were'} missed by the read of the {feed.name} side, whose pages are not stable"
            for feed, count in ((self._old.feeds[side], self.missed[side]) for side in (0, 1))
            if count
        ]

    # ---------------------------------------------------------------- one look

    def _is_candidate(self, entry: Entry, state: State) -> bool:
        ways = [side.way for side in self._sides]
        if state not in CANDIDATES or ways == ["never", "never"]:
            return False
        # Of a key that stands more than once a break does not hold all the records: both sides must give them again.
        return entry[1] != "duplicate" or "never" not in ways

    async def _look(self, watched: Watched) -> Watched:
        run = self._fresh_run()
        wanted: tuple[set[Hashable], set[Hashable]] = (set(), set())
        for candidate in self._candidates(iter(watched), run, 0):
            if candidate is not None:
                for side in (0, 1):
                    if self._reads(side, candidate):
                        wanted[side].add(candidate.key)
        picked = [await self._sides[side].read(run, wanted[side]) for side in (0, 1)]
        found, looked, stream = Watched(), 0, iter(watched)
        while batch := list(islice(stream, BATCH)):
            candidates = list(self._candidates(iter(batch), run, looked))
            present = [candidate for candidate in candidates if candidate is not None]
            first = self.times == 0 and looked == 0
            if not all([await self._fill(run, side, present, picked[side], first=first) for side in (0, 1)]):
                return await self._look(watched)
            looked += len(present)
            differing = await runtime().blocking(self._differing, present)
            for (entry, state), candidate in zip(batch, candidates, strict=True):
                found.append(*((entry, state) if candidate is None else self._judged(candidate, differing)))
        return found

    def _candidates(self, stream: Iterator[tuple[Entry, State]], run: Run, looked: int) -> Iterator[_Candidate | None]:
        """What is looked at again, and None for all else. ``looked``: how many there were before."""
        for entry, state in stream:
            key = self._key(run, entry) if looked < self._limit and self._is_candidate(entry, state) else None
            looked += key is not None
            yield None if key is None else _Candidate(entry, state, key)

    def _reads(self, side: int, candidate: _Candidate) -> bool:
        """Whether the records of this side come from a new read of all of it."""
        way = self._sides[side].way
        return way == "read" or (way == "ask" and (candidate.entry[1] == "duplicate" or not _hashable(candidate.entry[0])))

    async def _fill(self, run: Run, side: int, candidates: list[_Candidate], picked: dict[Hashable, list[Row]], *, first: bool) -> bool:
        """The records of one side as they are now. False: its answers cannot be trusted, and it must be looked at in another way."""
        again = self._sides[side]
        asked: dict[Any, _Candidate] = {}
        for candidate in candidates:
            if self._reads(side, candidate):
                candidate.rows[side] = picked.get(candidate.key, [])
            elif again.way == "never":
                candidate.rows[side] = list(candidate.held(side))
            else:
                asked[again.asked_as(self._raw(side, candidate))] = candidate
        found = await again.find(list(asked))
        had = [key for key, candidate in asked.items() if candidate.held(side)]
        if first and had and not again.sure and not any(key in found for key in had):
            again.distrust()
            return False
        for key, candidate in asked.items():
            if key in found:
                rows, _ = rows_of([found[key]])
                named = run.readings[side].read(rows).keys
                candidate.rows[side] = list(rows) if named == [candidate.key] else None
        return True

    def _raw(self, side: int, candidate: _Candidate) -> Any:
        held = candidate.held(side)
        return self._old.readings[side].raw(held[0]) if held else candidate.entry[0]

    def _judged(self, candidate: _Candidate, differing: dict[Hashable, Entry]) -> tuple[Entry, State]:
        before, rows = candidate.entry, candidate.rows
        if rows[0] is None or rows[1] is None:
            return before, candidate.state
        now = differing.get(candidate.key)
        if now is None:
            for side, kind in ((0, "missing_left"), (1, "missing_right")):
                self.missed[side] += before[1] == kind and any(self._was_there(side, row) for row in rows[side] or ())
            return before, State.RESOLVED
        if self._is_fresh(now):
            return now, State.FRESH
        return now, State.BROKEN if self._form(before) == self._form(now) else State.MOVED

    def _was_there(self, side: int, row: Row) -> bool:
        """Whether a record that was not read had been there, as far as one can tell, and the read passed over it."""
        if not moves(self._old.feeds[side], live=True):
            return False
        moment = self._moments.of(side, row)
        return moment is None or moment < self._started

    # ---------------------------------------------------------------- by the same rules

    def _fresh_run(self) -> Run:
        """A run that reads keys and compares as the first one did."""
        run = Run(self._old.feeds, self._order)
        for mine, theirs in zip(run.readings, self._old.readings, strict=True):
            for kinds, met in zip(mine.kinds, theirs.kinds, strict=True):
                kinds |= met
        for side in (0, 1):
            run.readings[side].coerce(run.readings[1 - side])
        return run

    def _differing(self, candidates: list[_Candidate]) -> dict[Hashable, Entry]:
        run = self._fresh_run()
        clear = [candidate for candidate in candidates if None not in candidate.rows]
        sides = [[row for candidate in clear for row in candidate.rows[side] or ()] for side in (0, 1)]
        run.join(*sides)
        log = run.tally.logs[0]
        log.flush()
        return {key: entry for entry in log if (key := self._key(run, entry)) is not None}

    def _key(self, run: Run, entry: Entry) -> Hashable | None:
        for side in (0, 1):
            for record in records_of(entry[2 + side]):
                keys = run.readings[side].read([record]).keys
                return keys[0] if keys else None
        return None

    def _form(self, entry: Entry) -> Any:
        """What a break says, so that two looks at it can be compared: its kind, and the compared fields of its records."""
        sides = []
        for side in (0, 1):
            names = [each.right if side else each.name for each in self._fields]
            sides.append(Counter(tuple(_value(record, name) for name in names) for record in records_of(entry[2 + side])))
        return entry[1], sides


def _value(record: Row, name: str) -> Hashable:
    try:
        found = canonical(record.get(name, UNSET))
        hash(found)
    except (Incomparable, RecursionError):
        return "incomparable"
    return found


def _hashable(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
