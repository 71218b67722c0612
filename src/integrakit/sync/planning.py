"""Making a plan, and applying it. The steps are those of a run; between them the changes wait on disk, and nothing was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve, frozen

from integrakit.errors import PlanOutdated
from integrakit.model import Checkpoint, Evidence
from integrakit.reading import open_reader
from integrakit.runtimes import runtime
from integrakit.sync.compare import Comparison, Mode
from integrakit.sync.report import Report
from integrakit.sync.run import Progressed
from integrakit.writing import DeadLetter, Delivery, Guard, Intents, Item, Journal, Remembered, SinkHandle, Spool, Tally, Written

__all__ = ["Draft", "apply_draft", "draft"]

CHUNK = 500


@frozen(kw_only=True)
class Draft:
    """What a plan holds, and what it was based on."""

    items: Spool
    letters: list[DeadLetter]
    progressed: Progressed
    checkpoint: Checkpoint | None
    evidence: Evidence
    mapping: str
    read: int
    unchanged: int
    skipped: int
    owned: int
    notes: tuple[str, ...]


async def draft(
    *,
    source: Any,
    since: Checkpoint | None,
    comparison: Comparison,
    mapping: str,
    mode: Mode,
    guard: Guard,
    progressed: Progressed,
    remembered: Remembered,
) -> Draft:
    """Reads everything and computes the changes. Writes nothing anywhere but a temporary file."""
    world = runtime()
    reader = open_reader(source, since)
    items, letters = Spool(), []
    read = unchanged = skipped = number = 0
    seen: set[str] = set()
    notes: list[str] = []
    planned: set[str] = set()
    while (page := await reader.next_page()) is not None:
        now = world.wall().isoformat(timespec="milliseconds")
        work = await world.blocking(lambda page=page, number=number, now=now: comparison.page(page, place=f"{progressed.runs}/{number}", now=now))
        number += 1
        read += work.read
        unchanged += work.unchanged
        skipped += work.skipped
        letters += work.letters
        for item in work.items:
            if item.id in planned:
                # What it is based on will have moved by the time it is sent; the run that follows brings it.
                notes.append(f"record {item.change.key!r} came more than once; the plan has its first version")
                continue
            planned.add(item.id)
            items.append(item.to_dict())
        if mode == "mirror":
            seen.update(work.seen)
        guard.check_rejected(len(letters), read, end=False)
    guard.check_rejected(len(letters), read, end=True)
    owned = await world.blocking(remembered.count)
    if mode == "mirror":
        if letters or reader.evidence.complete is not True:
            why = f"{len(letters)} records could not be mapped" if letters else str(reader.evidence)
            notes.append(f"deletes are left out: {why}")
        else:
            deletes = 0
            for id, was in await world.blocking(_unseen, remembered, seen):
                items.append(comparison.deletion(id, was).to_dict())
                deletes += 1
            guard.check_deletes(deletes, owned)
    guard.check_changes(len(items), max(owned, read))
    return Draft(
        items=items,
        letters=letters,
        progressed=progressed,
        checkpoint=reader.checkpoint,
        evidence=reader.evidence,
        mapping=mapping,
        read=read,
        unchanged=unchanged,
        skipped=skipped,
        owned=owned,
        notes=tuple(dict.fromkeys(notes)),
    )


def _unseen(remembered: Remembered, seen: set[str]) -> list[tuple[str, Written]]:
    return [(id, was) for id, was in remembered.all() if id not in seen]


def _chunks(items: Iterable[Any]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    for values in items:
        chunk.append(Item.from_dict(values))
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _check(name: str, plan: Draft, now: Progressed, remembered: Remembered, intents: Intents) -> None:
    """Raises `PlanOutdated` when anything the plan is based on has moved. Blocks."""
    if now.version != plan.progressed.version:
        raise PlanOutdated(f"sync {name!r} has run since this plan was made: make a new plan")
    if next(iter(intents.all()), None) is not None:
        raise PlanOutdated(f"sync {name!r} has writes of an earlier run to settle first: run it once, then make a new plan")
    for chunk in _chunks(plan.items):
        before = remembered.read([item.id for item in chunk])
        for item in chunk:
            was = before.get(item.id)
            if (0 if was is None else was.count) != item.count:
                raise PlanOutdated(f"record {item.change.key!r} was written since this plan of {name!r} was made: make a new plan")


async def apply_draft(name: str, plan: Draft, *, now: Progressed, journal: Journal, sink: SinkHandle, batch: int, workers: int) -> Report:
    """Writes what a plan holds. Raises `PlanOutdated` before anything is written when the world has moved."""
    world = runtime()
    started = world.now()
    await world.blocking(_check, name, plan, now, journal.remembered, journal.intents)
    tally = Tally()
    delivery = Delivery(journal, sink, batch=batch, workers=workers, mapping=plan.mapping, tally=tally)
    await journal.commit(journal.letters.put(plan.letters))
    for chunk in _chunks(plan.items):
        await delivery.deliver(chunk)
    final = evolve(now, checkpoint=plan.checkpoint, mapping=plan.mapping, runs=now.runs + 1)
    await journal.commit([final.put(name)])
    plan.items.close()
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
        notes=plan.notes,
    )
