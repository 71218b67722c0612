"""The engine **merge**: two sides in the order of their keys, joined stretch by stretch in the memory of a few pages.

The order is checked as it goes: that of values, and of text the one by code point. Text keys that are all plain whole numbers may come in the order
of the numbers as well (1, 2, 10), for among them the same text is the same number. Any other order (a locale's, one without case) is found out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from integrakit.reconciliation.engines.run import Run, Unsuitable
from integrakit.reconciliation.rules.keys import Keyed
from integrakit.runtimes import runtime

__all__ = ["merge"]

#: Records that a side has waiting before it is joined, if it has so many: joining a few at a time costs more.
_ENOUGH = 500


async def merge(run: Run) -> None:
    """Raises `Unsuitable` for keys that are out of order or have no order in common."""
    run.comparison.looks_late = True
    merging = _Merging(run)
    streams = merging.streams
    await merging.begin()
    while not (streams[0].ended and streams[1].ended):
        _one_kind(run)
        limit = min(stream.last for stream in streams if not stream.ended)
        left, right = streams[0].take(limit), streams[1].take(limit)
        if left.keys or right.keys:
            merging.joins(left, right)
            await runtime().blocking(run.joiner.join, left, right)
        for stream in streams:
            if not stream.ended and stream.last == limit:
                await stream.more()
            await stream.fill()
    _one_kind(run)
    await runtime().blocking(run.joiner.join, streams[0].take_all(), streams[1].take_all())


def _one_kind(run: Run) -> None:
    for name, mine, others in zip(run.order.key.names, run.readings[0].kinds, run.readings[1].kinds, strict=True):
        if len(mine | others) > 1:
            raise Unsuitable(f"the values of the key {name!r} are of several types ({', '.join(sorted(mine | others))}), which have no common order")


def _ascending(keys: list[Any]) -> bool:
    return sorted(keys) == keys


def _numbers(keys: Sequence[Any]) -> list[int] | None:
    """Keys that are all the plain writing of whole numbers, as these; None where one of them is not."""
    try:
        found = list(map(int, keys))
    except ValueError:  # no number, or one of thousands of digits
        return None
    return found if list(map(str, found)) == keys and min(found, default=0) >= 0 else None


def _digits(keys: list[Any]) -> int | None:
    """Of ascending texts: how many digits each of them has, where all are plain whole numbers of as many. Such ascend as numbers too."""
    text = "".join(keys)
    lengths = set(map(len, keys))
    if not (len(lengths) == 1 and text.isascii() and text.isdigit()):
        return None
    return len(keys[0]) if keys[0][0] != "0" or len(keys[0]) == 1 else None


class _Merging:
    """Both sides, and the order they are in."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.streams = (_Stream(run, 0, self), _Stream(run, 1, self))
        #: Whether text keys are taken as the numbers that they are.
        self.by_number = False
        #: Whether all that was joined so far is in that order too.
        self._open = len(run.order.key.names) == 1
        #: The last key that was joined in the order of text, and the digits that all of them have.
        self._joined: str | None = None

    async def begin(self) -> None:
        """Reads the beginnings of both sides, and decides by them where it can."""
        run = self._run
        run.feeds[0].read_beside(run.feeds[1])
        for side in run.sides:
            run.readings[side].coerce(run.readings[1 - side])
            await self.streams[side].more()
            await self.streams[side].fill()
        keys: list[Any] = [key for stream in self.streams for key in stream.waiting.keys]
        if not self._open or not keys or set(map(type, keys)) != ({int} if self.by_number else {str}):
            self._open = False
            return
        self._open = self.by_number or (self.go_by_number() if len(set(map(len, keys))) > 1 else _numbers(keys) is not None)
        if self._open:
            run.joiner.in_order_of_text()

    def go_by_number(self) -> bool:
        """Takes text for numbers from now on, where all that waits is that, ascends so, and comes after all that was joined."""
        waiting = [stream.waiting.keys for stream in self.streams]
        if self.by_number or not self._open or not all(type(keys[0]) is str for keys in waiting if keys):
            return False
        found = [_numbers(keys) for keys in waiting]
        if not all(keys is not None and _ascending(keys) for keys in found):
            return False
        if self._joined is not None and any(keys and keys[0] <= int(self._joined) for keys in found):
            return False
        for stream, keys in zip(self.streams, found, strict=True):
            stream.waiting.keys = list(keys or ())
        self.by_number = True
        return True

    def joins(self, *sides: Keyed) -> None:
        """These are joined now."""
        if self.by_number or not self._open:
            return
        for keyed in sides:
            if not keyed.keys:
                continue
            digits = _digits(keyed.keys)
            if digits is None or (self._joined is not None and digits != len(self._joined)):
                self._open = False
                return
            self._joined = max(self._joined or "", str(keyed.keys[-1]))


class _Stream:
    """One side of a merge: what was read and is not joined yet. Its keys ascend."""

    def __init__(self, run: Run, side: int, merging: _Merging) -> None:
        self._run = run
        self._side = side
        self._merging = merging
        self._reading = run.readings[side]
        self.waiting = Keyed()
        self.ended = False

    @property
    def last(self) -> Any:
        return self.waiting.keys[-1]

    async def fill(self) -> None:
        """Reads on until enough is waiting, or the end."""
        while not self.ended and len(self.waiting.keys) < _ENOUGH:
            await self.more()

    async def more(self) -> None:
        """Reads on until there is another key, or the end. Raises `Unsuitable` for keys out of order."""
        while (page := await self._run.page(self._side)) is not None:
            keyed = self._reading.read(page.rows)
            keyed.invalid = page.invalid + keyed.invalid
            self._run.joiner.unkeyed(self._side, keyed)
            if keyed.keys:
                self._append(keyed)
                return
        self.ended = True

    def _append(self, keyed: Keyed) -> None:
        feed = self._run.feeds[self._side]
        if not self._reading.ordered:
            kinds = ", ".join(sorted(set().union(*self._reading.kinds)))
            raise Unsuitable(f"the keys of the {feed.name} side ({feed.label}) have no order to merge by: {kinds}")
        keys: list[Any] = keyed.keys
        if self._merging.by_number:
            numbers = _numbers(keys)
            if numbers is None:
                odd = next(key for key in keys if _numbers([key]) is None)
                raise Unsuitable(f"the {feed.name} side ({feed.label}) is in the order of whole numbers, and the key {odd!r} is not written as one")
            keys = numbers
        since = max(0, len(self.waiting.keys) - 1)
        self.waiting.keys += keys
        self.waiting.rows += keyed.rows
        fresh: list[Any] = self.waiting.keys[since:]
        if not _ascending(fresh) and not self._merging.go_by_number():
            place = since + next(index for index in range(1, len(fresh)) if fresh[index] < fresh[index - 1])
            before, after = (self._reading.raw(self.waiting.rows[index]) for index in (place - 1, place))
            raise Unsuitable(f"the {feed.name} side ({feed.label}) is not in the order of its keys: {after!r} comes after {before!r}")

    def take(self, limit: Any) -> Keyed:
        """What is below the limit, and complete: no more of it will come."""
        keys, rows = self.waiting.keys, self.waiting.rows
        place = bisect_left(keys, limit)
        taken = Keyed(keys=keys[:place], rows=rows[:place])
        del keys[:place], rows[:place]
        return taken

    def take_all(self) -> Keyed:
        taken, self.waiting = self.waiting, Keyed()
        return taken
