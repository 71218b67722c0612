"""Deleting many records of a sync: in pieces, under intents, so that a run killed on the way goes on where it was. Whether to is decided before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from attrs import define

from integrakit.protocols import Operation
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison
from integrakit.writing import Delivery, Item, Journal, Written

__all__ = ["Deleting"]

#: Deletes prepared at a time.
CHUNK = 500


@define(kw_only=True)
class Deleting:
    """Deletes on behalf of one run."""

    comparison: Comparison
    journal: Journal
    delivery: Delivery
    order: tuple[int, int]
    stop: Callable[[], bool]

    async def all(self, records: Iterator[tuple[str, Written | None]], also: Callable[[Iterable[str]], list[Operation]] = lambda ids: []) -> bool:
        """Deletes these, and keeps ``also`` with each piece: what is to be noted of records that were dealt with. False when it was stopped.

        A record whose earlier write is in doubt is left as it is; None in place of what was written: there is nothing to delete.
        """
        world = runtime()
        while batch := await world.blocking(lambda: list(islice(records, CHUNK))):
            free = [(id, was) for id, was in batch if self.delivery.doubt(id) is None]
            items: list[Item] = [self.comparison.deletion(id, was, order=self.order) for id, was in free if was is not None]
            if self.stop() or not await self.delivery.deliver(items, also([id for id, _ in free]), stop=self.stop):
                return False
        return True
