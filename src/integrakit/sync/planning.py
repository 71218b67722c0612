"""Making a plan, and applying it. The steps are those of a run; between them the changes wait on disk, and nothing was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from attrs import define, evolve, field, frozen

from integrakit.errors import IncompleteRead, PlanOutdated
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.reading import open_reader
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison, Mode, Places, Work
from integrakit.sync.judging import nulled_notes, sample
from integrakit.sync.progressed import Progressed, final_checkpoint
from integrakit.sync.report import Report
from integrakit.writing import DeadLetter, Delivery, Guard, Intents, Item, Journal, Letters, Noted, Remembered, Spool

__all__ = ["Draft", "Drafting", "apply_draft"]

CHUNK = 500
#: What is noted of a record that needs nothing, and of one that is there after all.
NOTHING = -1


@frozen(kw_only=True)
class Draft:
    """What a plan holds, and what it was based on."""

    items: Spool
    letters: Spool
    sources: Spool
    #: Records that were to be deleted and are there after all; and those that are to be once an earlier write of them is settled.
    back: Spool
    later: Spool
    #: Dead letters of records that turned out well, or are gone.
    well: tuple[tuple[str, str], ...]
    progressed: Progressed
    checkpoint: Checkpoint | None
    evidence: Evidence
    mapping: str
    mode: Mode
    guard: Guard
    read: int
    unchanged: int
    skipped: int
    notes: tuple[str, ...]


@define(kw_only=True)
class Drafting:
    """Reads everything and computes the changes. Writes nothing anywhere but temporary files."""

    comparison: Comparison
    mapping: str
    mode: Mode
    guard: Guard
    progressed: Progressed
    remembered: Remembered
    intents: Intents
    dead: Letters
    read: int = 0
    unchanged: int = 0
    skipped: int = 0
    nulled: Counter[str] = field(factory=Counter)
    because: str = ""
    items: Spool = field(factory=Spool)
    letters: Spool = field(factory=Spool)
    #: Record id → its number among the items, so that of a record that comes more than once the latest counts.
    noted: Noted = field(factory=Noted)
    superseded: set[int] = field(factory=set)
    #: Records that tombstones named, each with a number; a record that is there after all has another one in `buried`.
    graves: Spool = field(factory=Spool)
    buried: Noted = field(factory=Noted)
    #: Key of the source → record, for what is written by the plan.
    sources: Spool = field(factory=Spool)
    back: Spool = field(factory=Spool)
    later: Spool = field(factory=Spool)
    ignored: int = 0
    unmatched: int = 0
    why: str = ""
    deletes: bool = True
    held: int = 0
    well: list[tuple[str, str]] = field(factory=list)
    _there: set[str] = field(factory=set)
    _doubts: set[str] = field(factory=set)

    async def draft(self, source: Any, since: Checkpoint | None) -> Draft:
        """Raises what reading raises, `IncompleteRead` and `GuardTripped`."""
        world = runtime()
        self._there = await world.blocking(lambda: set(self.dead.orders()))
        self._doubts = await world.blocking(lambda: {intent.id for intent in self.intents.all("unknown")})
        if self.mode == "upsert":
            await world.blocking(self._stage_again)
        reader = open_reader(source, since)
        places = Places(self.progressed.runs, since)
        while (page := await reader.next_page()) is not None:
            now, place = world.wall().isoformat(timespec="milliseconds"), places.name
            work = await world.blocking(lambda page=page, place=place, now=now: self._compare(page, place, now))
            await world.blocking(self._take, work)
            places.passed(page)
            self.guard.check_rejected(len(self.letters), self.read, end=False, because=self.because, kept=False)
        evidence = reader.evidence
        if evidence.complete is False and not evidence.warned:
            raise IncompleteRead(f"the read for this plan is {evidence}", evidence=evidence)
        self.guard.check_rejected(len(self.letters), self.read, end=True, because=self.because, kept=False)
        checkpoint = since if evidence.warned else final_checkpoint(reader, places.pages, since)
        return await world.blocking(self._finish, checkpoint, evidence)

    def _compare(self, page: Page, place: str, now: str) -> Work:
        return self.comparison.page(page, place=place, now=now, order=(0, 0), doubtful=self._doubts.__contains__)

    def _stage_again(self) -> None:
        """What earlier runs were told is gone, and did not delete yet."""
        for id, was in self.remembered.staged():
            self.comparison.watchful = True
            if was is not None:
                self._bury([id])

    def _bury(self, ids: Iterable[str]) -> None:
        for id in ids:
            self.buried.put({id: len(self.graves)})
            self.graves.append([id, len(self.graves)])
            self.comparison.watchful = True

    def _planned(self, strangers: list[str]) -> set[str]:
        """Those of these that earlier pages of this plan would write."""
        by_source = {id for sources in self.sources for source, id in sources.items() if source in strangers}
        return by_source or set(self.noted.get(strangers))

    def _take(self, work: Work) -> None:
        graves = work.graves
        self.ignored += work.ignored
        self.unmatched += graves.unmatched
        self.why = self.why or graves.why
        if graves.back and len(self.graves):
            self.buried.put(dict.fromkeys(self.buried.get(graves.back), NOTHING))
        if graves.back and (staged := self.remembered.staged_of(graves.back)):
            self.back.append(staged)
        self._bury(graves.gone)
        if graves.strangers:
            self._bury(self._planned(graves.strangers))
        if graves.sources:
            self.sources.append(graves.sources)
        self.read += work.read
        self.unchanged += work.unchanged
        self.skipped += work.skipped
        self.nulled.update(work.nulled)
        if work.letters and not self.because:
            self.because = sample(work.letters[0])
        for letter in work.letters:
            self.letters.append(letter.to_dict())
        if work.letters and self.well:
            newer = {letter.id for letter in work.letters}
            self.well = [pair for pair in self.well if newer.isdisjoint(pair)]
        if self._there:
            self.well += [pair for pair in work.well if self._there.intersection(pair)]
        before = self.noted.get(work.seen)
        now = dict.fromkeys(work.seen, NOTHING) if self.mode == "mirror" else dict.fromkeys(before, NOTHING)
        for item in work.items:
            if item.id in self._doubts:
                self.held += 1
            elif self.mode == "append" and item.id in before:
                self.unchanged += 1
                now[item.id] = before[item.id]
            else:
                now[item.id] = len(self.items)
                self.items.append(item.to_dict())
        self.superseded.update(number for id, number in before.items() if number != NOTHING and now[id] != number)
        self.noted.put(now)

    def _finish(self, checkpoint: Checkpoint | None, evidence: Evidence) -> Draft:
        notes = list(nulled_notes(self.nulled))
        if self.because:
            notes.append(f"one of the {len(self.letters)} rejected: {self.because}" if len(self.letters) > 1 else f"the one rejected: {self.because}")
        owned = self.remembered.count()
        if open_writes := sum(1 for intent in self.intents.all() if intent.status != "unknown"):
            notes.append(f"{open_writes} writes of an earlier run are not settled: run the sync once, then make a plan that can be applied")
        if self.held:
            notes.append(f"{self.held} changes are left out: an earlier write of their records has an unknown outcome, see sync.unknown")
        if self.ignored:
            notes.append(f"{self.ignored} tombstones are left alone: append never deletes")
        if self.unmatched:
            notes.append(f"{self.unmatched} tombstones could not be matched with a record, which stays: {self.why}")
        gone = [] if not len(self.graves) else list(self._gone())
        if gone and not self.deletes:
            notes.append(f"{len(gone)} records are gone from the source, and the sink cannot delete")
            gone = []
        if evidence.warned:
            notes.append(f"the watermark stays where it was, and nothing is deleted: the read is {evidence}")
            gone = []
        items = self._latest()
        if gone:
            self.guard.check_deletes(len(gone), owned)
            for item in gone:
                items.append(item.to_dict())
        if self.mode == "mirror":
            if self.letters or evidence.complete is not True:
                why = f"{len(self.letters)} records could not be mapped" if self.letters else str(evidence)
                notes.append(f"deletes are left out: {why}")
            else:
                self.guard.check_deletes(self._deletions(items), owned)
        self.guard.check_changes(len(items), max(owned, self.read))
        self.noted.close()
        self.buried.close()
        return Draft(
            items=items,
            letters=self.letters,
            sources=self.sources,
            back=self.back,
            later=self.later,
            well=tuple(self.well),
            progressed=self.progressed,
            checkpoint=checkpoint,
            evidence=evidence,
            mapping=self.mapping,
            mode=self.mode,
            guard=self.guard,
            read=self.read,
            unchanged=self.unchanged,
            skipped=self.skipped,
            notes=tuple(notes),
        )

    def _gone(self) -> Iterator[Item]:
        """The deletions that tombstones ask for. What this plan would write of such a record is not written."""
        graves = iter(self.graves)
        while chunk := list(islice(graves, CHUNK)):
            ids = [id for id, _ in chunk]
            numbers, written, noted = self.buried.get(ids), self.remembered.read(ids), self.noted.get(ids)
            for id, number in chunk:
                if numbers[id] != number:
                    continue
                if id in self._doubts:
                    self.later.append([id])
                    continue
                if noted.get(id, NOTHING) != NOTHING:
                    self.superseded.add(noted[id])
                if id in written:
                    yield self.comparison.deletion(id, written[id], order=(0, 0))

    def _latest(self) -> Spool:
        """The items without those that a later version of their record replaced."""
        if not self.superseded:
            return self.items
        latest = Spool()
        for number, values in enumerate(self.items):
            if number not in self.superseded:
                latest.append(values)
        self.items.close()
        return latest

    def _deletions(self, items: Spool) -> int:
        remembered, deletes = self.remembered.all(), 0
        while chunk := list(islice(remembered, CHUNK)):
            there = self.noted.get(id for id, _ in chunk)
            for id, was in chunk:
                if id not in there:
                    deletes += 1
                    if id not in self._doubts:
                        items.append(self.comparison.deletion(id, was, order=(0, 0)).to_dict())
        return deletes


def _chunks(items: Iterable[Any]) -> Iterator[list[Item]]:
    values = iter(items)
    while chunk := [Item.from_dict(each) for each in islice(values, CHUNK)]:
        yield chunk


def _check(name: str, plan: Draft, now: Progressed, remembered: Remembered, intents: Intents) -> None:
    """Raises `PlanOutdated` when anything the plan is based on has moved. Blocks."""
    if now.version != plan.progressed.version:
        raise PlanOutdated(f"sync {name!r} has run since this plan was made: make a new plan")
    if any(intent.status != "unknown" for intent in intents.all()):
        raise PlanOutdated(f"sync {name!r} has writes of an earlier run to settle first: run it once, then make a new plan")
    for chunk in _chunks(plan.items):
        before = remembered.read([item.id for item in chunk])
        for item in chunk:
            was = before.get(item.id)
            if (0 if was is None else was.count) != item.count:
                raise PlanOutdated(f"record {item.change.key!r} was written since this plan of {name!r} was made: make a new plan")


async def apply_draft(name: str, plan: Draft, *, now: Progressed, journal: Journal, delivery: Delivery, stop: Callable[[], bool]) -> Report:
    """Writes what a plan holds. Raises `PlanOutdated` before anything is written when the world has moved, and `GuardTripped`."""
    world = runtime()
    started = world.now()
    await world.blocking(_check, name, plan, now, journal.remembered, journal.intents)
    await delivery.begin()
    order = (journal.lease.token, 0)
    letters = (evolve(DeadLetter.from_dict(values), order=order) for values in plan.letters)
    while some := await world.blocking(lambda: list(islice(letters, CHUNK))):
        await journal.commit(delivery.put_letters(some))
    notes = list(plan.notes)
    also = delivery.well(plan.well)
    chunks = _chunks(plan.items)
    whole = True
    while whole and (chunk := await world.blocking(lambda: next(chunks, None))):
        items = delivery.minted([evolve(item, order=order) for item in chunk])
        buried = journal.remembered.unstage(item.id for item in items if item.change.kind == "delete")
        whole = not stop() and await delivery.deliver(items, buried, stop=stop)
        plan.guard.check_rejected(len(plan.letters) + delivery.tally.rejected, plan.read, end=False)
    if whole:
        for sources in plan.sources:
            await journal.commit(journal.remembered.name_sources(sources))
        for ids in plan.back:
            await journal.commit(journal.remembered.unstage(ids))
        for ids in plan.later:
            await journal.commit(journal.remembered.stage(ids))
        final = evolve(now, checkpoint=plan.checkpoint, mapping=plan.mapping, runs=now.runs + 1)
        await journal.commit([*also, final.put(name)])
        plan.guard.check_rejected(len(plan.letters) + delivery.tally.rejected, plan.read, end=True)
    else:
        notes.append("applying the plan was interrupted; run the sync to go on from here")
    tally = delivery.tally
    return Report(
        name=name,
        read=plan.read,
        written=tally.written,
        created=tally.created,
        updated=tally.updated,
        deleted=tally.deleted,
        unchanged=plan.unchanged + tally.unchanged,
        skipped=plan.skipped,
        rejected=len(plan.letters) + tally.rejected,
        failed=tally.failed,
        unknown=tally.unknown,
        evidence=plan.evidence,
        seconds=world.now() - started,
        notes=tuple(notes),
    )
