"""One run of a sync: settle what is open, then read a page, map, compare, write, keep, until the read is over; deletes come last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import evolve

from integrakit.errors import CheckpointMismatch, IncompleteRead, PaginationStalled, ResponseError
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.protocols import Operation
from integrakit.reading import open_reader
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison, Mode, Places, Work
from integrakit.sync.deleting import Deleting
from integrakit.sync.judging import nulled_notes, sample
from integrakit.sync.progress import Shown
from integrakit.sync.progressed import Progressed, final_checkpoint, from_the_beginning, from_watermark
from integrakit.sync.replay import Replay
from integrakit.sync.report import Report
from integrakit.sync.settle import settle
from integrakit.writing import DeadLetter, Delivery, Guard, Item, Journal, SinkHandle, key_text

__all__ = ["Run"]

#: Answers of a server that knows a page token no more; the read then begins at the watermark.
TOKEN_GONE = frozenset({400, 404, 410, 422})


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
        self._because = self._why = ""
        self._ignored = self._unmatched = self._strangers = 0
        # Intents that this run tried to settle and could not: once is enough.
        self._tried: set[str] = set()
        self._notes: list[str] = []
        self._nulled: Counter[str] = Counter()
        self._started = runtime().now()

    # ------------------------------------------------------------------ the whole of it

    async def execute(self) -> Report:
        """Runs to the end and reports. Raises what ended it early; everything that was done until then is kept."""
        await self._delivery.begin()
        await self._settle()
        self._owned = await runtime().blocking(self._journal.remembered.count)
        if await runtime().blocking(self._journal.remembered.count_staged):
            self._comparison.watchful = True
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
            if evidence.complete is False and not evidence.warned:
                raise IncompleteRead(f"the read of {self._name!r} is {evidence}", evidence=evidence)
        except IncompleteRead:
            await self._rewind(since)
            raise
        self._guard.check_rejected(self._rejected - self._rejected_before, self._read, end=True, because=self._because)
        if evidence.warned:
            # As after the error that it would have been, but that the run is over: the next one reads all of this once more.
            self._notes.append("the read is known to be incomplete: the watermark stays where it was, and nothing is deleted")
            await self._rewind(since)
            return self._report(done=True)
        if not await (self._delete(evidence) if self._mode == "mirror" else self._bury()):
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
            again = "everything was read again"
            if getattr(self._source, "marks_what_was_read", False):
                again = "what the source's own ledger says is done is not read again; to have that, forget() it"
            self._notes.append(f"the mapping has changed since the last run: {again}")
            self._progressed = evolve(before, checkpoint=from_the_beginning(before.checkpoint))
        return self._progressed.checkpoint

    async def _first_page(self, since: Checkpoint | None) -> Page | None:
        """Readers of our own go back to the watermark by themselves where a token is of no use; a source of somebody else's is opened again."""
        try:
            page = await self._reader.next_page()
        except CheckpointMismatch as problem:
            problem.add_note(
                f"sync {self._name!r} was about another source, or other parameters of it: a new name makes it a new sync, which reads all"
            )
            raise
        except (ResponseError, PaginationStalled) as problem:
            lost = isinstance(problem, PaginationStalled) or problem.status_code in TOKEN_GONE
            if since is None or since.token is None or not lost or hasattr(self._source, "open_read"):
                raise
            self._notes.append("the server does not know the page any more where the last run stopped: the read began anew at the watermark")
            self._begin_at_watermark(since)
            self._reader = open_reader(self._source, self._progressed.checkpoint)
            return await self._reader.next_page()
        if since is not None and self._reader.evidence.began_anew:
            self._begin_at_watermark(since)
        return page

    def _begin_at_watermark(self, since: Checkpoint) -> None:
        self._progressed = evolve(self._progressed, checkpoint=from_watermark(since))
        self._places = Places(self._progressed.runs, self._progressed.checkpoint)

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
        self._nulled.update(work.nulled)
        self._mapping_failures += len(work.letters)
        if work.letters and not self._because:
            self._because = sample(work.letters[0])
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
        also += self._graves(work)
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
        self._check_deletes(deletes)
        if not await self._deleting().all(remembered.unseen()):
            return False
        await self._journal.commit(remembered.clear_seen())
        return True

    async def _bury(self) -> bool:
        """Deletes what tombstones named, now that the read is over. False when the run was interrupted before the end."""
        remembered = self._journal.remembered
        if self._ignored:
            self._notes.append(f"{self._ignored} tombstones were left alone: append never deletes")
        if self._unmatched:
            self._notes.append(f"{self._unmatched} tombstones could not be matched with a record, which stays: {self._why}")
        if self._mode == "append" or not self._comparison.watchful:
            return True
        if self._strangers and self._comparison.indexed:
            unnamed = self._owned - await runtime().blocking(remembered.count_sources)
            if unnamed > 0:
                self._notes.append(
                    f"{self._strangers} tombstones named records that are not known, and {unnamed} records were written before the source's keys "
                    "were remembered: sweep() without ids= finds those that are gone"
                )
        if not self._sink.deletes:
            if staged := await runtime().blocking(remembered.count_staged):
                self._notes.append(f"{staged} records are gone from the source, and {self._sink.name} cannot delete")
            return True
        self._check_deletes(await runtime().blocking(lambda: sum(was is not None for _, was in remembered.staged())))
        return await self._deleting().all(remembered.staged(), remembered.unstage)

    def _check_deletes(self, deletes: int) -> None:
        self._guard.check_deletes(deletes, self._owned)
        self._changes += deletes
        self._guard.check_changes(self._changes, max(self._owned, self._read))

    def _deleting(self) -> Deleting:
        order = (self._journal.lease.token, self._number)
        return Deleting(comparison=self._comparison, journal=self._journal, delivery=self._delivery, order=order, stop=self._stop)

    def _graves(self, work: Work) -> list[Operation]:
        """What tombstones said of a page is kept with the page; nothing is deleted before the read is over."""
        remembered, graves = self._journal.remembered, work.graves
        self._ignored += work.ignored
        self._unmatched += graves.unmatched
        self._strangers += len(graves.strangers)
        self._why = self._why or graves.why
        if graves.gone:
            self._comparison.watchful = True
        return [*remembered.unstage(graves.back), *remembered.stage(graves.gone), *remembered.name_sources(graves.sources)]

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
            notes=(*self._notes, *nulled_notes(self._nulled), *evidence.notes),
        )
