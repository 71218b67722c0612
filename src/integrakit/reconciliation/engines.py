"""The two engines. **dict** reads both sides into memory and joins them at once. **merge** streams two sides that are in the order of their keys and
joins them stretch by stretch, in the memory of a few pages; it checks the order as it goes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable
from itertools import islice
from operator import le
from typing import Any

from integrakit.reconciliation.comparison import Comparison
from integrakit.reconciliation.inputs import Feed
from integrakit.reconciliation.joining import CannotMerge, Joiner
from integrakit.reconciliation.keys import Keyed, Reading, rows_of
from integrakit.reconciliation.tally import Tally
from integrakit.runtimes import runtime

__all__ = ["Run"]


class Run:
    """One attempt to reconcile two feeds: what both engines share."""

    def __init__(self, feeds: tuple[Feed, Feed], comparison: Comparison) -> None:
        self.feeds = feeds
        self.comparison = comparison
        self.tally = Tally()
        key = comparison.key
        self.readings = (Reading(key, 0, untyped=comparison.untyped[0]), Reading(key, 1, untyped=comparison.untyped[1]))
        self.joiner = Joiner(comparison, self.readings, self.tally)
        # The typed side is read first: it says what the untyped text of the other is to be read as.
        self._order = (1, 0) if comparison.untyped[0] and not comparison.untyped[1] else (0, 1)

    async def _page(self, side: int) -> Keyed | None:
        """The next page of one side, as rows without keys yet and what is no record; None at the end."""
        page = await self.feeds[side].next_page()
        if page is None:
            return None
        rows, invalid = rows_of(page.records)
        self.tally.read(side, len(page.records))
        self.comparison.see(side, rows)
        return Keyed(rows=list(rows), invalid=invalid)

    # ------------------------------------------------------------------ dict

    async def in_memory(self) -> None:
        """The dict engine."""
        sides = (Keyed(), Keyed())
        for side in self._order:
            while (page := await self._page(side)) is not None:
                sides[side].rows += page.rows
                sides[side].invalid += page.invalid
        self.comparison.settle()
        await runtime().blocking(self._join_all, sides)

    def _join_all(self, sides: tuple[Keyed, Keyed]) -> None:
        keyed: list[Keyed] = [Keyed(), Keyed()]
        for side in self._order:
            self.readings[side].coerce(self.readings[1 - side])
            keyed[side] = self.readings[side].read(sides[side].rows)
            keyed[side].invalid = sides[side].invalid + keyed[side].invalid
        for side in (0, 1):
            self.joiner.unkeyed(side, keyed[side])
        self.joiner.join(keyed[0], keyed[1])

    # ------------------------------------------------------------------ merge

    async def merged(self) -> None:
        """The merge engine. Raises `CannotMerge`."""
        streams = (_Stream(self, 0), _Stream(self, 1))
        for side in self._order:
            self.readings[side].coerce(self.readings[1 - side])
            await streams[side].more()
        while not (streams[0].ended and streams[1].ended):
            limits: list[Any] = [stream.last for stream in streams if not stream.ended]
            self._one_kind()
            limit = min(limits)
            left, right = streams[0].take(limit), streams[1].take(limit)
            if left.keys or right.keys:
                await runtime().blocking(self.joiner.join, left, right)
            for stream in streams:
                if not stream.ended and stream.last == limit:
                    await stream.more()
        await runtime().blocking(self.joiner.join, streams[0].take_all(), streams[1].take_all())

    def _one_kind(self) -> None:
        for name, mine, others in zip(self.comparison.key.names, self.readings[0].kinds, self.readings[1].kinds, strict=True):
            if len(mine | others) > 1:
                raise CannotMerge(
                    f"the values of the key {name!r} are of several types ({', '.join(sorted(mine | others))}), which have no common order"
                )


class _Stream:
    """One side of a merge: what was read and is not joined yet. Its keys ascend."""

    def __init__(self, run: Run, side: int) -> None:
        self._run = run
        self._side = side
        self._reading = run.readings[side]
        self._waiting = Keyed()
        self.ended = False

    @property
    def last(self) -> Hashable:
        return self._waiting.keys[-1]

    async def more(self) -> None:
        """Reads on until there is another key, or the end. Raises `CannotMerge` for keys out of order."""
        while (page := await self._run._page(self._side)) is not None:
            keyed = self._reading.read(page.rows)
            keyed.invalid = page.invalid + keyed.invalid
            self._run.joiner.unkeyed(self._side, keyed)
            if keyed.keys:
                self._check(keyed)
                self._waiting.keys += keyed.keys
                self._waiting.rows += keyed.rows
                return
        self.ended = True

    def _check(self, keyed: Keyed) -> None:
        feed = self._run.feeds[self._side]
        if not self._reading.ordered:
            kinds = ", ".join(sorted(set().union(*self._reading.kinds)))
            raise CannotMerge(f"the keys of the {feed.name} side ({feed.label}) have no order to merge by: {kinds}")
        keys: list[Any] = [*self._waiting.keys[-1:], *keyed.keys]
        if not all(map(le, keys, islice(keys, 1, None))):
            place = next(index for index in range(1, len(keys)) if keys[index] < keys[index - 1])
            rows = [*self._waiting.rows[-1:], *keyed.rows]
            before, after = (self._reading.raw(rows[index]) for index in (place - 1, place))
            raise CannotMerge(f"the {feed.name} side ({feed.label}) is not in the order of its keys: {after!r} comes after {before!r}")

    def take(self, limit: Any) -> Keyed:
        """What is below the limit, and complete: no more of it will come."""
        place = bisect_left(self._waiting.keys, limit)
        taken = Keyed(keys=self._waiting.keys[:place], rows=self._waiting.rows[:place])
        self._waiting = Keyed(keys=self._waiting.keys[place:], rows=self._waiting.rows[place:])
        return taken

    def take_all(self) -> Keyed:
        taken, self._waiting = self._waiting, Keyed()
        return taken
