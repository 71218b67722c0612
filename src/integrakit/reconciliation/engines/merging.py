"""The engine **merge**: two sides in the order of their keys, joined stretch by stretch in the memory of a few pages.

The order is checked as it goes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable
from itertools import islice
from operator import le
from typing import Any

from integrakit.reconciliation.engines.run import Run, Unsuitable
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.runtimes import runtime

__all__ = ["merge"]


async def merge(run: Run) -> None:
    """Raises `Unsuitable` for keys that are out of order or have no order in common."""
    streams = (_Stream(run, 0), _Stream(run, 1))
    for side in run.sides:
        run.readings[side].coerce(run.readings[1 - side])
        await streams[side].more()
    while not (streams[0].ended and streams[1].ended):
        limits: list[Any] = [stream.last for stream in streams if not stream.ended]
        _one_kind(run)
        limit = min(limits)
        left, right = streams[0].take(limit), streams[1].take(limit)
        if left.keys or right.keys:
            await runtime().blocking(run.joiner.join, left, right)
        for stream in streams:
            if not stream.ended and stream.last == limit:
                await stream.more()
    await runtime().blocking(run.joiner.join, streams[0].take_all(), streams[1].take_all())


def _one_kind(run: Run) -> None:
    for name, mine, others in zip(run.order.key.names, run.readings[0].kinds, run.readings[1].kinds, strict=True):
        if len(mine | others) > 1:
            raise Unsuitable(f"the values of the key {name!r} are of several types ({', '.join(sorted(mine | others))}), which have no common order")


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
        """Reads on until there is another key, or the end. Raises `Unsuitable` for keys out of order."""
        while (page := await self._run.page(self._side)) is not None:
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
            raise Unsuitable(f"the keys of the {feed.name} side ({feed.label}) have no order to merge by: {kinds}")
        keys: list[Any] = [*self._waiting.keys[-1:], *keyed.keys]
        if not all(map(le, keys, islice(keys, 1, None))):
            place = next(index for index in range(1, len(keys)) if keys[index] < keys[index - 1])
            rows = [*self._waiting.rows[-1:], *keyed.rows]
            before, after = (self._reading.raw(rows[index]) for index in (place - 1, place))
            raise Unsuitable(f"the {feed.name} side ({feed.label}) is not in the order of its keys: {after!r} comes after {before!r}")

    def take(self, limit: Any) -> Keyed:
        """What is below the limit, and complete: no more of it will come."""
        place = bisect_left(self._waiting.keys, limit)
        taken = Keyed(keys=self._waiting.keys[:place], rows=self._waiting.rows[:place])
        self._waiting = Keyed(keys=self._waiting.keys[place:], rows=self._waiting.rows[place:])
        return taken

    def take_all(self) -> Keyed:
        taken, self._waiting = self._waiting, Keyed()
        return taken
