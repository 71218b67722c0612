"""One run of a sync: settle what is open, then read a page, map, compare, write, keep, until the read is over; deletes come last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from integrakit._json import canonical
from integrakit.errors import PaginationStalled, ResponseError
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.protocols import Entry, Operation, Put, Reader, Store
from integrakit.reading import open_reader
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison, Mode, Work
from integrakit.sync.progress import Shown
from integrakit.sync.report import Report
from integrakit.sync.settle import settle
from integrakit.writing import DeadLetter, Delivery, Guard, Item, Journal, SinkHandle, Tally

__all__ = ["Progressed", "Run", "load_progressed"]

SPACE = "checkpoints"
#: Answers of a server that knows a page token no more; the read then begins at the watermark.
TOKEN_GONE = frozenset({400, 404, 410, 422})


@frozen(kw_only=True)
class Progressed:
    """How far a sync has come: what its document in the store says."""

    checkpoint: Checkpoint | None = None
    #: The version of the mapping that read up to there.
    mapping: str = ""
    #: Complete runs so far: tells the records of one append run from those of the next.
    runs: int = 0
    #: The document's version; 0: there is none yet.
    version: int = 0

    def put(self, name: str) -> Put:
        checkpoint = None if self.checkpoint is None else self.checkpoint.to_dict()
        return Put(SPACE, name, {"checkpoint": checkpoint, "mapping": self.mapping, "runs": self.runs})


def load_progressed(store: Store, name: str) -> Progressed:
    """From the store. Blocks."""
    entry: Entry | None = store.get(SPACE, name)
    if entry is None:
        return Progressed()
    found = entry.value["checkpoint"]
    checkpoint = None if found is None else Checkpoint.from_dict(found)
    return Progressed(checkpoint=checkpoint, mapping=entry.value["mapping"], runs=entry.value["runs"], version=entry.version)


class Run:
    """One run. Built by `Sync`, used once."""

    def __init__(
        self,
        *,
        name: str,
        source: Any,
        sink: SinkHandle,
        comparison: Comparison,
        mapping: str,
        journal: Journal,
        progressed: Progressed,
        mode: Mode,
        guard: Guard,
        batch: int,
        workers: int,
        show: Callable[[Shown], Any] | None,
        stop: Callable[[], bool],
    ) -> None:
        self._name = name
        self._source = source
        self._sink = sink
        self._comparison = comparison
        self._mapping = mapping
        self._journal = journal
        self._progressed = progressed
        self._mode = mode
        self._guard = guard
        self._show = show
        self._stop = stop
        self._tally = Tally()
        self._delivery = Delivery(journal, sink, batch=batch, workers=workers, mapping=mapping, tally=self._tally)
        self._read = self._unchanged = self._skipped = self._mapping_failures = self._settled = self._owned = self._changes = 0
        self._held: set[str] = set()
        self._notes: list[str] = []
        self._started = runtime().now()

    # ------------------------------------------------------------------ the whole of it

    async def execute(self) -> Report:
        """Runs to the end and reports. Raises what ended it early; everything that was done until then is kept."""
        self._settled, self._held = await settle(self._journal, self._sink, self._delivery)
        if self._held:
            self._notes.append(f"{len(self._held)} earlier writes have an unknown outcome: see sync.unknown; their records were left alone")
        self._owned = await runtime().blocking(self._journal.remembered.count)
        if self._mode == "mirror":
            await self._journal.commit(self._journal.remembered.clear_seen())
        reader = open_reader(self._source, self._since())
        page = await self._first_page(reader)
        while page is not None and not self._stop():
            number, page_now = self._number, page
            if not await self._one_page(page_now, number, reader):
                break
            page = await self._reader.next_page()
        if self._stop():
            self._notes.append("the run was interrupted; the next one goes on from here")
            return self._report(done=True)
        self._guard.check_rejected(self._rejected, self._read, end=True)
        if self._mode == "mirror":
            await self._delete(self._reader.evidence)
        final = evolve(self._progressed, checkpoint=self._reader.checkpoint, mapping=self._mapping, runs=self._progressed.runs + 1)
        await self._journal.commit([final.put(self._name)])
        return self._report(done=True)

    def _since(self) -> Checkpoint | None:
        """Where to begin. A mirror needs the whole; and so does a mapping that changed, since records it has seen would map differently now."""
        before = self._progressed
        if self._mode == "mirror":
            return None
        if before.checkpoint is not None and before.mapping != self._mapping:
            self._notes.append("the mapping has changed since the last run: everything was read again")
            return None
        return before.checkpoint

    async def _first_page(self, reader: Reader) -> Page | None:
        self._reader, self._number = reader, 0
        try:
            return await reader.next_page()
        except (ResponseError, PaginationStalled) as problem:
            checkpoint = self._progressed.checkpoint
            status = getattr(problem, "status_code", None)
            if checkpoint is None or checkpoint.token is None or (isinstance(problem, ResponseError) and status not in TOKEN_GONE):
                raise
            self._notes.append("the server does not know the page any more where the last run stopped: the read began anew at the watermark")
            self._reader = open_reader(self._source, evolve(checkpoint, token=None, pages=0, records=0))
            return await self._reader.next_page()

    # ------------------------------------------------------------------ one page

    async def _one_page(self, page: Page, number: int, reader: Reader) -> bool:
        """True when all of the page is written and kept."""
        self._number += 1
        world = runtime()
        now = world.wall().isoformat(timespec="milliseconds")
        work: Work = await world.blocking(lambda: self._comparison.page(page, place=self._place(page, number), now=now))
        self._read += work.read
        self._unchanged += work.unchanged
        self._skipped += work.skipped
        self._mapping_failures += len(work.letters)
        items, held = self._hold_back(work.items, now)
        also: list[Operation] = [*self._journal.letters.put([*work.letters, *held])]
        if work.letters or held:
            # They are kept even if the guard ends the run now: they say why.
            await self._journal.commit(also)
            also = []
        self._guard.check_rejected(self._rejected, self._read, end=False)
        self._changes += len(items)
        self._guard.check_changes(self._changes, max(self._owned, self._read))
        also += self._delivery.well(work.well)
        if self._mode == "mirror":
            also += self._journal.remembered.mark_seen(work.seen)
        if page.checkpoint is not None and self._mode != "mirror":
            self._progressed = evolve(self._progressed, checkpoint=page.checkpoint, mapping=self._mapping)
            also.append(self._progressed.put(self._name))
        done = await self._delivery.deliver(items, also, stop=self._stop)
        self._guard.check_rejected(self._rejected, self._read, end=False)
        self._report(done=False)
        return done

    def _place(self, page: Page, number: int) -> str:
        """Names a page, so that the records of an append run that is resumed are known again."""
        before = self._progressed.checkpoint
        where = str(number) if page.checkpoint is None or before is None else hashlib.blake2b(canonical(before.token), digest_size=8).hexdigest()
        return f"{self._progressed.runs}/{where}"

    def _hold_back(self, items: list[Item], now: str) -> tuple[list[Item], list[DeadLetter]]:
        """Nothing newer may go out for a record whose last write is unknown; it waits as a dead letter."""
        if not self._held:
            return items, []
        why = "held back: an earlier write of this record has an unknown outcome. Settle it with sync.settle(key, applied=…), then replay this letter"
        letters = [
            DeadLetter(id=item.letter, input=item.source, key=item.change.key, stage="write", error=why, mapping=self._mapping, at=now)
            for item in items
            if item.id in self._held
        ]
        return [item for item in items if item.id not in self._held], letters

    # ------------------------------------------------------------------ the end of it

    async def _delete(self, evidence: Evidence) -> None:
        world = runtime()
        if self._mapping_failures:
            self._notes.append(f"nothing was deleted: {self._mapping_failures} records could not be mapped, so which are gone is not known")
            return
        if evidence.complete is not True:
            self._notes.append(f"nothing was deleted: {evidence}")
            return
        deletes = await world.blocking(lambda: sum(1 for _ in self._journal.remembered.unseen()))
        self._guard.check_deletes(deletes, self._owned)
        self._changes += deletes
        self._guard.check_changes(self._changes, max(self._owned, self._read))
        unseen = self._journal.remembered.unseen()
        while batch := await world.blocking(lambda: _take(unseen, 500)):
            await self._delivery.deliver([self._comparison.deletion(id, was) for id, was in batch if id not in self._held])
        await self._journal.commit(self._journal.remembered.clear_seen())

    @property
    def _rejected(self) -> int:
        return self._mapping_failures + self._tally.rejected

    def _report(self, *, done: bool) -> Report:
        tally, evidence, seconds = self._tally, self._reader.evidence, runtime().now() - self._started
        if self._show is not None:
            self._show(
                Shown(
                    name=self._name,
                    read=self._read,
                    written=tally.written,
                    unchanged=self._unchanged + tally.unchanged,
                    rejected=self._rejected,
                    total=evidence.declared_total,
                    seconds=seconds,
                    done=done,
                )
            )
        return Report(
            name=self._name,
            read=self._read,
            written=tally.written,
            created=tally.created,
            updated=tally.updated,
            deleted=tally.deleted,
            unchanged=self._unchanged + tally.unchanged,
            skipped=self._skipped,
            rejected=self._rejected,
            failed=tally.failed,
            unknown=tally.unknown + len(self._held),
            settled=self._settled,
            evidence=evidence,
            seconds=seconds,
            notes=tuple(self._notes),
        )


def _take(iterator: Any, count: int) -> list[Any]:
    taken = []
    for value in iterator:
        taken.append(value)
        if len(taken) == count:
            break
    return taken
