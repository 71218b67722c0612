"""Sending dead letters their way again: through the same comparison and the same delivery as any record, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import define, evolve, field

from integrakit.model import Evidence, Page
from integrakit.protocols import Operation
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison, Work
from integrakit.sync.judging import nulled_notes
from integrakit.sync.report import Report
from integrakit.writing import DeadLetter, Delivery, Item, Journal, key_text

__all__ = ["Replay"]

NEWER = "a newer version of the record was written since"


@define
class Replay:
    """One replay of letters. A record that was written newer since is not overwritten by its old letter."""

    name: str
    comparison: Comparison
    journal: Journal
    delivery: Delivery
    read: int = 0
    unchanged: int = 0
    unmapped: int = 0
    superseded: int = 0
    waiting: int = 0
    nulled: Counter[str] = field(factory=Counter)

    async def run(self, letters: Iterable[DeadLetter], *, stop: Callable[[], bool]) -> Report:
        """All of them, and a report."""
        world = runtime()
        started = world.now()
        for letter in letters:
            if stop():
                break
            await self.one(letter)
        notes = list(nulled_notes(self.nulled))
        if self.superseded:
            notes.append(f"{self.superseded} letters were discarded: {NEWER}")
        if self.waiting:
            notes.append(f"{self.waiting} letters wait: an earlier write of their records has an unknown outcome, see sync.unknown")
        tally = self.delivery.tally
        return Report(
            name=f"{self.name} (replay)",
            read=self.read,
            written=tally.written,
            created=tally.created,
            updated=tally.updated,
            deleted=tally.deleted,
            unchanged=self.unchanged + tally.unchanged,
            rejected=self.unmapped + tally.rejected,
            failed=tally.failed,
            unknown=tally.unknown,
            evidence=Evidence(records=self.read, reasons=("letters were replayed; nothing was read from the source",)),
            seconds=world.now() - started,
            notes=tuple(notes),
        )

    async def one(self, letter: DeadLetter) -> None:
        """One letter: it goes with the commit that keeps the outcome, or is written anew by it."""
        self.read += 1
        if letter.stage == "delete":
            await self._delete(letter)
            return
        now = runtime().wall().isoformat(timespec="milliseconds")
        work: Work = await runtime().blocking(
            lambda: self.comparison.page(Page([letter.input]), place=f"letter/{letter.id}", now=now, order=letter.order)
        )
        self.nulled.update(work.nulled)
        if work.letters:
            self.unmapped += 1
            await self.journal.commit(self.delivery.put_letters([evolve(again, id=letter.id) for again in work.letters]))
        elif not work.items:
            self.unchanged += 1
            await self.journal.commit(self.delivery.well([(letter.id, letter.id)]))
        else:
            await self._write(letter, work.items[0], self.journal.remembered.name_sources(work.graves.sources))

    async def _delete(self, letter: DeadLetter) -> None:
        id = key_text(letter.key)
        was = (await runtime().blocking(self.journal.remembered.read, [id])).get(id)
        if was is None:
            self.unchanged += 1
            await self.journal.commit(self.delivery.well([(letter.id, id)]))
        else:
            await self._write(letter, self.comparison.deletion(id, was, order=letter.order))

    async def _write(self, letter: DeadLetter, item: Item, also: Sequence[Operation] = ()) -> None:
        was = (await runtime().blocking(self.journal.remembered.read, [item.id])).get(item.id)
        if self.delivery.doubt(item.id) is not None:
            self.waiting += 1
        elif was is not None and was.order > letter.order:
            self.superseded += 1
            await self.journal.commit([*self.journal.letters.discard([letter], NEWER), *self.delivery.well([(letter.id, item.id)])])
        else:
            await self.delivery.deliver(self.delivery.minted([evolve(item, letter=letter.id)]), also)
