"""A sweep: every id that the source still has is read, and what this sync wrote and the source has no more is deleted.

For sources that tell no deletes. Nothing is deleted unless the read proved itself complete; which ids are alive stands in a temporary file, so memory
is flat. A sweep that was killed on the way is run again: what it had sent is settled first, and the rest is found anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from attrs import define, evolve, field, frozen

from integrakit.errors import ConfigurationError, IncompleteRead, PlanOutdated
from integrakit.model import Checkpoint, Evidence, Page, Tombstone
from integrakit.reading import open_reader
from integrakit.reading.key_table import KeyTable, Side
from integrakit.runtimes import runtime
from integrakit.sync.burials import Burials
from integrakit.sync.compare import Comparison
from integrakit.sync.deleting import Deleting
from integrakit.sync.judging import source_key
from integrakit.sync.progressed import load_progressed
from integrakit.sync.report import Report
from integrakit.writing import Delivery, Guard, Intents, Journal, Remembered, Spool, Written, key_text

__all__ = ["Sweeping", "Swept", "apply_sweep"]

CHUNK = 500


@frozen(kw_only=True)
class Swept:
    """What a sweep found: the records to delete, with what each was based on, and the proof."""

    #: One dict for each change, as `Plan` shows it, with the record's ``id`` and ``count``.
    items: Spool
    read: int
    owned: int
    evidence: Evidence
    notes: tuple[str, ...]
    #: When the read began, as ISO 8601.
    began: str


@define(kw_only=True)
class Sweeping:
    """Finds what is gone. Writes nothing but temporary files.

    ``whole``: the source brings whole records, which are mapped; else ids only, which ``burials`` makes records of this sync of.
    """

    name: str
    comparison: Comparison
    burials: Burials
    remembered: Remembered
    intents: Intents
    guard: Guard
    whole: bool
    source_names: tuple[str, ...]
    read: int = 0
    table: KeyTable = field(factory=KeyTable)

    async def find(self, source: Any) -> Swept:
        """Raises `IncompleteRead` unless it is certain that every id was read, `GuardTripped`, and what reading raises."""
        world = runtime()
        if not self.whole and not self.burials.resolves:
            raise ConfigurationError(
                f"sync {self.name!r} does not know which of its records an id of the source is: give Sync(tombstone_key=…), or sweep() without ids="
            )
        began = world.wall().isoformat()
        reader = open_reader(source)
        try:
            # First of all: what another run writes while the ids are read is not among them, and not gone.
            await world.blocking(self._know)
            self._check_whole(reader.checkpoint)
            while (page := await reader.next_page()) is not None:
                self._check_whole(page.checkpoint)
                await world.blocking(self._take, page)
            evidence = reader.evidence
            if evidence.complete is not True:
                raise IncompleteRead(f"nothing of {self.name!r} was swept, since the read of the ids is {evidence}", evidence=evidence)
            return await world.blocking(self._finish, evidence, began)
        finally:
            self.table.close()

    def _check_whole(self, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None and checkpoint.watermark is not None:
            raise ConfigurationError(f"a sweep of {self.name!r} reads all ids, and this source begins at a watermark: give the whole of it")

    @property
    def _by_source(self) -> bool:
        return self.burials.indexed and not self.whole

    def _know(self) -> None:
        by_source, remembered = self._by_source, self.remembered
        self.table.add_texts("known", (source for source, _ in remembered.all_sources()) if by_source else (id for id, _ in remembered.all()))

    def _take(self, page: Page) -> None:
        records = [record for record in page.records if not isinstance(record, Tombstone)]
        self.read += len(records)
        if not self.whole:
            self.table.add_texts("alive", self._ids(records))
            return
        work = self.comparison.page(Page(records), place="sweep", now="", order=(0, 0))
        if work.letters:
            raise IncompleteRead(
                f"nothing of {self.name!r} was swept: a record could not be mapped, so which it is is not known ({work.letters[0].error:.300})",
                evidence=Evidence(reasons=("a record could not be mapped",)),
            )
        self.table.add_texts("alive", work.seen)

    def _ids(self, records: list[Any]) -> Iterator[str]:
        """What the table compares: records of this sync, or the source's own keys where those are remembered."""
        for record in records:
            plain = not isinstance(record, Mapping) and not hasattr(record, "__attrs_attrs__")
            key = record if plain else source_key(record, self.source_names)
            if key is None:
                raise IncompleteRead(
                    f"nothing of {self.name!r} was swept: an id is missing in {record!r:.200}", evidence=Evidence(reasons=("an id is missing",))
                )
            if self.burials.tombstone_key is None:
                yield key_text(key)
            elif (own := self.burials.tombstone_key(Tombstone(key))) is not None:
                yield key_text(own)

    def _finish(self, evidence: Evidence, began: str) -> Swept:
        notes = []
        doubts = {intent.id for intent in self.intents.all() if intent.status != "failed"}
        owned = self.remembered.count()
        by_source = self._by_source
        count, pairs = self.table.lookalikes()
        if count:
            raise ConfigurationError(
                f"nothing of {self.name!r} was swept: {count} of its keys are there as another type, such as {pairs[0][0]!r} and {pairs[0][1]!r}: "
                "give Sync(tombstone_key=…) that makes one of the other"
            )
        items, deletes = Spool(), 0
        gone = self._gone_by_source() if by_source else self.table.only("known")
        while ids := list(islice(gone, CHUNK)):
            written = self.remembered.read(ids)
            deletes += len(written)
            for id, was in written.items():
                if id not in doubts:
                    items.append(self.comparison.deletion(id, was, order=(0, 0)).to_dict())
        if left := deletes - len(items):
            notes.append(f"{left} records are left alone: an earlier write of them is not settled, see sync.unknown")
        if by_source and (strangers := owned - sum(1 for _ in self.remembered.all_sources())) > 0:
            notes.append(f"{strangers} records were written before the source's keys were remembered, and left alone: sweep() without ids= sees them")
        self.guard.check_deletes(deletes, owned)
        self.guard.check_changes(deletes, owned)
        return Swept(items=items, read=self.read, owned=owned, evidence=evidence, notes=tuple(notes), began=began)

    def _gone_by_source(self) -> Iterator[str]:
        """The records of the keys that are gone, but for those that another key, which is alive, stands for too."""
        gone, records = self.table.only("known"), KeyTable()
        mark = next(gone, None)
        sources = self.remembered.all_sources()
        while some := list(islice(sources, CHUNK)):
            sides: dict[Side, list[str]] = {"known": [], "alive": []}
            for source, id in some:
                dead = source == mark
                sides["known" if dead else "alive"].append(id)
                if dead:
                    mark = next(gone, None)
            for side, ids in sides.items():
                records.add_texts(side, ids)
        yield from records.only("known")
        records.close()


async def apply_sweep(name: str, swept: Swept, *, comparison: Comparison, journal: Journal, delivery: Delivery, stop: Callable[[], bool]) -> Report:
    """Deletes what a sweep found. Raises `PlanOutdated`, before anything is deleted, where a record was written since."""
    world = runtime()
    started = world.now()
    remembered, order = journal.remembered, (journal.lease.token, 0)
    await world.blocking(_check, name, swept, remembered)

    def records() -> Iterator[tuple[str, Written | None]]:
        values = iter(swept.items)
        while ids := [one["id"] for one in islice(values, CHUNK)]:
            written = remembered.read(ids)
            yield from ((id, written.get(id)) for id in ids)

    deleting = Deleting(comparison=comparison, journal=journal, delivery=delivery, order=order, stop=stop)
    notes = list(swept.notes)
    if await deleting.all(records(), remembered.unstage):
        await _note_for_feed(name, swept, journal)
    else:
        notes.append("the sweep was interrupted; run it again for the rest")
    tally = delivery.tally
    return Report(
        name=f"{name} (sweep)",
        read=swept.read,
        deleted=tally.deleted,
        unchanged=swept.owned - len(swept.items),
        rejected=tally.rejected,
        failed=tally.failed,
        unknown=delivery.doubts,
        evidence=swept.evidence,
        seconds=world.now() - started,
        notes=tuple(notes),
    )


def _check(name: str, swept: Swept, remembered: Remembered) -> None:
    values = iter(swept.items)
    while chunk := list(islice(values, CHUNK)):
        before = remembered.read([one["id"] for one in chunk])
        for one in chunk:
            was = before.get(one["id"])
            if was is not None and was.count != one["count"]:
                raise PlanOutdated(f"record {was.key!r} was written since this sweep of {name!r} was planned: make a new plan")


async def _note_for_feed(name: str, swept: Swept, journal: Journal) -> None:
    """All deletes until the sweep are known now, also those that a feed of the source has forgotten: it may go on without them."""
    progressed = await runtime().blocking(load_progressed, journal.store, name)
    checkpoint: Checkpoint | None = progressed.checkpoint
    if checkpoint is not None and checkpoint.deletes:
        deletes = {**checkpoint.deletes, "swept": swept.began}
        await journal.commit([evolve(progressed, checkpoint=evolve(checkpoint, deletes=deletes)).put(name)])
