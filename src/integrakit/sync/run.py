"""One run of a sync: settle what is open, then read a page, map, compare, write, keep, until the read is over; deletes come last."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from attrs import evolve

from integrakit.errors import IncompleteRead, PaginationStalled, ResponseError
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.protocols import Operation
from integrakit.reading import open_reader
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison, Mode, Places, Work
from integrakit.sync.progress import Shown
from integrakit.sync.progressed import Progressed, final_checkpoint, from_watermark
from integrakit.sync.replay import Replay
from integrakit.sync.report import Report
from integrakit.sync.settle import settle
from integrakit.writing import DeadLetter, Delivery, Guard, Item, Journal, SinkHandle, key_text

__all__ = ["Run"]

#: Answers of a server that knows a page token no more; the read then begins at the watermark.
TOKEN_GONE = frozenset({400, 404, 410, 422})
#: Deletes prepared at a time.
CHUNK = 500


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
        delivery: Delivery,
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
        self._delivery = delivery
        self._tally = delivery.tally
        self._read = self._unchanged = self._skipped = self._mapping_failures = self._settled = self._owned = self._changes = (
            self._rejected_before
        ) = 0
        self._number = 0
        self._because = ""
        # Intents that this run tried to settle and could not: once is enough.
        self._tried: set[str] = set()
        self._notes: list[str] = []
        self._started = runtime().now()

    # ------------------------------------------------------------------ the whole of it

    async def execute(self) -> Report:
        """Runs to the end and reports. Raises what ended it early; everything that was done until then is kept."""
        await self._delivery.begin()
        await self._settle()
        self._owned = await runtime().blocking(self._journal.remembered.count)
        if self._mode == "mirror":
            await self._journal.commit(self._journal.remembered.clear_seen())
        since = self._since()
        self._reader = open_reader(self._source, since)
        self._places = Places(self._progressed.runs, since)
        try:
            page = await self._first_page(since)
            while page is not None and not self._stop():
                if not await self._one_page(page):
                    break
                page = await self._reader.next_page()
            if self._stop():
                return self._interrupted()
            evidence = self._reader.evidence
            if evidence.complete is False:
                raise IncompleteRead(f"the read of {self._name!r} is {evidence}", evidence=evidence)
        except IncompleteRead:
            await self._rewind(since)
            raise
        self._guard.check_rejected(self._rejected - self._rejected_before, self._read, end=True, because=self._because)
        if self._mode == "mirror" and not await self._delete(evidence):
            return self._interrupted()
        checkpoint = final_checkpoint(self._reader, self._places.pages, self._progressed.checkpoint)
        final = evolve(self._progressed, checkpoint=checkpoint, mapping=self._mapping, runs=self._progressed.runs + 1)
        await self._journal.commit([final.put(self._name)])
        return self._report(done=True)

    async def _settle(self) -> None:
        """Settles what earlier runs left, then sends what waited for that."""
        self._settled = await settle(self._journal, self._sink, self._delivery)
        self._tried = self._delivery.all_left()
        if doubts := self._delivery.doubts:
            self._notes.append(f"{doubts} earlier writes have an unknown outcome: see sync.unknown; their records were left alone")
        replay = Replay(self._name, self._comparison, self._journal, self._delivery)
        for letter in await runtime().blocking(lambda: list(self._journal.letters.of_stage("held"))):
            if letter.key is None or self._delivery.doubt(key_text(letter.key)) is None:
                await replay.one(letter)
        # They are of records that were read before: this run's guard is about what this run reads.
        self._rejected_before = self._tally.rejected

    def _interrupted(self) -> Report:
        self._notes.append("the run was interrupted; the next one goes on from here")
        return self._report(done=True)

    def _since(self) -> Checkpoint | None:
        """Where to begin. A mirror needs the whole; and so does a mapping that changed, since records it has seen would map differently now."""
        before = self._progressed
        if self._mode == "mirror":
            return None
        if before.checkpoint is not None and before.mapping != self._mapping:
            self._notes.append("the mapping has changed since the last run: everything was read again")
            self._progressed = evolve(before, checkpoint=None)
            return None
        return before.checkpoint

    async def _first_page(self, since: Checkpoint | None) -> Page | None:
        try:
            return await self._reader.next_page()
        except (ResponseError, PaginationStalled) as problem:
            status = getattr(problem, "status_code", None)
            if since is None or since.token is None or (isinstance(problem, ResponseError) and status not in TOKEN_GONE):
                raise
            self._notes.append("the server does not know the page any more where the last run stopped: the read began anew at the watermark")
            self._progressed = evolve(self._progressed, checkpoint=from_watermark(since))
            self._reader = open_reader(self._source, self._progressed.checkpoint)
            self._places = Places(self._progressed.runs, self._progressed.checkpoint)
            return await self._reader.next_page()

    async def _rewind(self, since: Checkpoint | None) -> None:
        """Something was missed, and it may have stood before the last page: the next run begins where this read did."""
        self._progressed = evolve(self._progressed, checkpoint=None if since is None else from_watermark(since))
        await self._journal.commit([self._progressed.put(self._name)])

    # ------------------------------------------------------------------ one page

    async def _one_page(self, page: Page) -> bool:
        """True when all of the page is written and kept."""
        work = await self._compare(page)
        if again := [item.id for item in work.items if self._delivery.left(item.id) in ("open", "failed") and item.id not in self._tried]:
            # An earlier page brought these records too, and what became of them was not said.
            self._tried.update(again)
            await settle(self._journal, self._sink, self._delivery, again)
            work = await self._compare(page)
        self._number += 1
        self._read += work.read
        self._unchanged += work.unchanged
        self._skipped += work.skipped
        self._mapping_failures += len(work.letters)
        if work.letters and not self._because:
            self._because = str(work.letters[0])[:300]
        items, held, over = self._hold_back(work.items)
        also: list[Operation] = self._delivery.put_letters([*work.letters, *held])
        if also:
            # They are kept even if the guard ends the run now: they say why.
            await self._journal.commit(also)
            also = []
        self._guard.check_rejected(self._rejected - self._rejected_before, self._read, end=False, because=self._because)
        self._changes += len(items)
        self._guard.check_changes(self._changes, max(self._owned, self._read))
        also += self._delivery.well([*work.well, *over])
        self._places.passed(page)
        if self._mode == "mirror":
            also += self._journal.remembered.mark_seen(work.seen)
        elif page.checkpoint is not None:
            self._progressed = evolve(self._progressed, checkpoint=page.checkpoint, mapping=self._mapping)
            also.append(self._progressed.put(self._name))
        done = await self._delivery.deliver(items, also, stop=self._stop)
        self._guard.check_rejected(self._rejected - self._rejected_before, self._read, end=False, because=self._because)
        self._report(done=False)
        return done

    async def _compare(self, page: Page) -> Work:
        world = runtime()
        now, place = world.wall().isoformat(timespec="milliseconds"), self._places.name
        order = (self._journal.lease.token, self._number)
        return await world.blocking(lambda: self._comparison.page(page, place=place, now=now, order=order, doubtful=self._in_doubt))

    def _in_doubt(self, id: str) -> bool:
        return self._delivery.doubt(id) is not None

    def _hold_back(self, items: list[Item]) -> tuple[list[Item], list[DeadLetter], list[tuple[str, str]]]:
        """Nothing newer may go out for a record whose last write is in doubt; it waits as a letter, and the run that settles the doubt sends it."""
        free: list[Item] = []
        held: list[DeadLetter] = []
        over: list[tuple[str, str]] = []
        why = "held back: an earlier write of this record has an unknown outcome. It is sent once that is settled: see sync.unknown and sync.settle()"
        now = runtime().wall().isoformat(timespec="milliseconds")
        for item in items:
            doubt = self._delivery.doubt(item.id)
            if doubt is None:
                free.append(item)
            elif doubt == item.fingerprint:
                over.append((item.letter, item.id))  # what waited, if anything did, is not what the source says now
            else:
                key, order = item.change.key, item.order
                letter = DeadLetter(id=item.letter, input=item.source, key=key, stage="held", error=why, mapping=self._mapping, at=now, order=order)
                held.append(letter)
        return free, held, over

    # ------------------------------------------------------------------ the end of it

    async def _delete(self, evidence: Evidence) -> bool:
        """Deletes what the source has no more, if that is certain. False when the run was interrupted before the end."""
        world, remembered = runtime(), self._journal.remembered
        if self._mapping_failures:
            self._notes.append(f"nothing was deleted: {self._mapping_failures} records could not be mapped, so which are gone is not known")
            return True
        if evidence.complete is not True:
            self._notes.append(f"nothing was deleted: {evidence}")
            return True
        deletes = await world.blocking(lambda: sum(1 for _ in remembered.unseen()))
        self._guard.check_deletes(deletes, self._owned)
        self._changes += deletes
        self._guard.check_changes(self._changes, max(self._owned, self._read))
        unseen = remembered.unseen()
        order = (self._journal.lease.token, self._number)
        while batch := await world.blocking(lambda: list(islice(unseen, CHUNK))):
            items = [self._comparison.deletion(id, was, order=order) for id, was in batch if self._delivery.doubt(id) is None]
            if self._stop() or not await self._delivery.deliver(items, stop=self._stop):
                return False
        await self._journal.commit(remembered.clear_seen())
        return True

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
            unknown=self._delivery.doubts,
            settled=self._settled,
            evidence=evidence,
            seconds=seconds,
            notes=tuple(self._notes),
        )
