"""The engine **dict**: both sides in memory, joined at once. And how both sides are read and keyed for it and for the engine that spills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from integrakit.reconciliation.engines.run import Run, Unsuitable
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.memory import JOINING, Scales, written
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.runtimes import runtime

__all__ = ["Held", "Taker", "join_in_memory", "read_both"]

#: Records that are keyed and handed on at a time.
_LOT = 5_000


class Taker(Protocol):
    """Where records go that were read."""

    def take(self, side: int, keyed: Keyed, size: int) -> None:
        """Some records of one side with their keys, and the bytes they take, joining them included. Blocks."""
        ...


class Held:
    """Both sides in memory."""

    def __init__(self) -> None:
        self.sides = (Keyed(), Keyed())
        #: Bytes, by side.
        self.sizes = [0, 0]

    def take(self, side: int, keyed: Keyed, size: int) -> None:
        self.sides[side].keys += keyed.keys
        self.sides[side].rows += keyed.rows
        self.sizes[side] += size

    @property
    def size(self) -> int:
        """Bytes of both sides."""
        return sum(self.sizes)


class _Limited(Held):
    """Gives up when there is more than was allowed."""

    def __init__(self, memory: int) -> None:
        super().__init__()
        self._memory = memory

    def take(self, side: int, keyed: Keyed, size: int) -> None:
        super().take(side, keyed, size)
        if self.size > self._memory:
            held = len(self.sides[0].rows) + len(self.sides[1].rows)
            raise Unsuitable(f"the first {held:,} records take more than {written(self._memory)} of memory already")


async def join_in_memory(run: Run) -> None:
    """Reads everything, then joins. Raises `Unsuitable` for records that take more than ``memory=``."""
    held = _Limited(run.order.memory)
    await read_both(run, held)
    run.comparison.settle()
    await runtime().blocking(run.joiner.join, *held.sides)


async def read_both(run: Run, taker: Taker) -> None:
    """Reads one side to its end and then the other. What has no key is reported at once."""
    scales = Scales()

    def take(side: int, pages: Sequence[Keyed]) -> None:
        lot = Keyed()
        for page in pages:
            keyed = run.readings[side].read(page.rows)
            keyed.invalid = page.invalid + keyed.invalid
            run.joiner.unkeyed(side, keyed)
            lot.keys += keyed.keys
            lot.rows += keyed.rows
        theirs = _in_memory_anyway(run.feeds[side])
        taker.take(side, lot, (0 if theirs else scales.weigh(lot.rows)) + (JOINING + _key_size(run)) * len(lot.rows))

    for place, side in enumerate(run.sides):
        if place:
            run.readings[side].coerce(run.readings[1 - side])
        pages: list[Keyed] = []
        waiting = 0
        while (page := await run.page(side)) is not None:
            pages.append(page)
            waiting += len(page.rows)
            if waiting >= _LOT:
                await runtime().blocking(take, side, pages)
                pages, waiting = [], 0
        if pages:
            await runtime().blocking(take, side, pages)


def _key_size(run: Run) -> int:
    """Bytes of a key that is not the value in the record itself."""
    parts = len(run.order.key.names)
    return 64 if parts == 1 else 56 + 48 * parts


def _in_memory_anyway(feed: Feed) -> bool:
    """Whether the records are the user's own objects, which stay where they are whatever becomes of ours."""
    source = feed.source
    return isinstance(source, list | tuple) and bool(source) and isinstance(source[0], dict)
