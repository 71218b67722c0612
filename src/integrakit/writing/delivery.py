"""One step of writing: intents are stored, the sink is called, and outcomes, what was written, dead letters and checkpoint are kept in one commit.

Wherever this is cut off, the store says what may have happened: the next run settles the open intents before anything newer goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, evolve, frozen

from integrakit.model import Change, Outcome
from integrakit.protocols import Operation, Store
from integrakit.runtimes import runtime
from integrakit.state import Lease
from integrakit.writing.dead_letters import DeadLetter, Letters
from integrakit.writing.intents import Intent, Intents, Status
from integrakit.writing.plan import change_from_dict, change_to_dict
from integrakit.writing.remembered import Remembered, Written
from integrakit.writing.sinks import SinkHandle

__all__ = ["Delivery", "Item", "Journal", "Tally"]


@frozen(kw_only=True)
class Item:
    """One change to be sent, with what is needed to remember it or to write its dead letter."""

    change: Change
    #: `key_text` of the record.
    id: str
    fingerprint: str
    #: How often the record had been written before.
    count: int = 0
    #: The record of the source, and the id its dead letter has.
    source: Any = None
    letter: str = ""

    def to_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in ("id", "fingerprint", "count", "source", "letter")}
        return {"change": change_to_dict(self.change), **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Item:
        return cls(**{**values, "change": change_from_dict(values["change"])})


@define
class Tally:
    """What became of the changes so far."""

    written: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    rejected: int = 0
    failed: int = 0
    unknown: int = 0

    def note(self, change: Change, outcome: Outcome) -> None:
        if outcome.status == "applied" and change.kind == "delete":
            self.deleted += 1
        elif outcome.status == "applied":
            self.written += 1
            self.updated += change.kind == "update"
            self.created += change.kind != "update"
        else:
            setattr(self, outcome.status, getattr(self, outcome.status) + 1)


@frozen(kw_only=True)
class Journal:
    """What one sync keeps in the store, and the lease that lets it."""

    store: Store
    remembered: Remembered
    intents: Intents
    letters: Letters
    lease: Lease

    async def commit(self, operations: Sequence[Operation]) -> None:
        """Keeps the operations and renews the lease, or nothing: a run that lost its lease cannot write any more."""
        await runtime().blocking(self._commit, operations)

    def _commit(self, operations: Sequence[Operation]) -> None:
        self.store.commit([*operations, self.lease.renewal()])
        self.lease.renewed()


class Delivery:
    """Sends items to one sink for one run."""

    def __init__(self, journal: Journal, sink: SinkHandle, *, batch: int, workers: int, mapping: str, tally: Tally) -> None:
        self._journal = journal
        self._sink = sink
        self._batch = batch if sink.batch is None else min(batch, sink.batch)
        self._workers = workers
        self._mapping = mapping
        self._tally = tally
        # A sink that may be sent anything again needs no intent before; one in the store's own transaction needs none at all.
        self._needs_intents = not sink.repeatable and not sink.transactional
        self._letters_there: set[str] | None = None
        self._left_there: set[str] | None = None

    async def deliver(self, items: Sequence[Item], also: Sequence[Operation] = (), *, stop: Callable[[], bool] = lambda: False) -> bool:
        """Writes the items, ``batch`` at a time and ``workers`` batches side by side, and keeps ``also`` in the commit of the last.

        False when ``stop()`` became true before everything was written: then ``also`` was not kept.
        """
        if self._letters_there is None:
            self._letters_there = await runtime().blocking(self._journal.letters.ids)
            self._left_there = await runtime().blocking(lambda: {intent.id for intent in self._journal.intents.all()})
        groups = list(_groups(items, self._batch, 1 if self._sink.transactional else self._workers))
        if not groups:
            await self._journal.commit(also)
            return True
        for number, group in enumerate(groups):
            if number and stop():
                return False
            await self._step(group, also if number == len(groups) - 1 else ())
        return True

    def well(self, letters: Sequence[str]) -> list[Operation]:
        """Operations that take away the dead letters of records that turned out well; nothing for those that have none."""
        gone = [id for id in letters if id in (self._letters_there or ())]
        return self._journal.letters.done(gone)

    async def _step(self, group: Sequence[Sequence[Item]], also: Sequence[Operation]) -> None:
        world = runtime()
        now = world.wall().isoformat(timespec="milliseconds")
        items = [item for batch in group for item in batch]
        if self._sink.transactional:
            changes = [item.change for item in items]
            journal = self._journal

            def after(outcomes: list[Outcome]) -> Sequence[Operation]:
                return [*self._outcome_operations(items, outcomes, now), *also, journal.lease.renewal()]

            outcomes = await world.blocking(self._sink.commit_in, journal.store, changes, after)
            journal.lease.renewed()
        else:
            if self._needs_intents:
                await self._journal.commit(self._journal.intents.put(_intent(item, now) for item in items))
            outcomes = await self._write(group)
            await self._journal.commit([*self._outcome_operations(items, outcomes, now), *also])
        for item, outcome in zip(items, outcomes, strict=True):
            self._tally.note(item.change, outcome)

    async def _write(self, group: Sequence[Sequence[Item]]) -> list[Outcome]:
        if len(group) == 1:
            return await self._sink.write([item.change for item in group[0]])
        jobs = [lambda batch=batch: self._sink.write([item.change for item in batch]) for batch in group]
        return [outcome for outcomes in await runtime().gather(jobs, self._workers) for outcome in outcomes]

    def _outcome_operations(self, items: Sequence[Item], outcomes: Sequence[Outcome], now: str) -> list[Operation]:
        journal = self._journal
        written: dict[str, Written] = {}
        gone: list[str] = []
        letters: list[DeadLetter] = []
        settled: list[str] = []
        left: list[Intent] = []
        replaced: list[str] = []
        for item, outcome in zip(items, outcomes, strict=True):
            change = item.change
            if outcome.status in ("applied", "unchanged"):
                if change.kind == "delete":
                    gone.append(item.id)
                else:
                    written[item.id] = Written(
                        key=change.key,
                        fingerprint=item.fingerprint,
                        count=item.count + 1,
                        remote_key=outcome.remote_key if outcome.remote_key is not None else change.remote_key,
                        at=now,
                        record=change.whole if change.whole is not None else change.record,
                    )
                settled.append(item.id)
                replaced.append(item.letter)
            elif outcome.status == "rejected":
                letters.append(self._letter(item, outcome, now))
                settled.append(item.id)
            else:
                status: Status = "failed" if outcome.status == "failed" else "open"
                left.append(evolve(_intent(item, now), status=status, error=outcome.error))
        known = self._letters_there or set()
        replaced = [id for id in replaced if id in known]
        known.update(letter.id for letter in letters)
        known.difference_update(replaced)
        operations = [
            *journal.remembered.put(written),
            *journal.remembered.forget(gone),
            *journal.letters.put(letters),
            *journal.letters.done(replaced),
        ]
        if not self._needs_intents:
            # No intent was stored before; only those that an earlier write left behind are there to strike off.
            settled = [id for id in settled if id in (self._left_there or ())]
        return [*operations, *journal.intents.put(left), *journal.intents.done(settled)]

    def _letter(self, item: Item, outcome: Outcome, now: str) -> DeadLetter:
        return DeadLetter(
            id=item.letter or item.id,
            input=item.source,
            target=item.change.whole if item.change.whole is not None else item.change.record,
            key=item.change.key,
            stage="write",
            error=outcome.error or "the sink rejected it",
            mapping=self._mapping,
            request_id=outcome.request_id,
            at=now,
        )


def _intent(item: Item, now: str) -> Intent:
    return Intent(change=item.change, id=item.id, fingerprint=item.fingerprint, count=item.count, at=now)


def _groups(items: Sequence[Item], batch: int, workers: int) -> Iterator[list[Sequence[Item]]]:
    batches = [items[start : start + batch] for start in range(0, len(items), batch)]
    for start in range(0, len(batches), workers):
        yield batches[start : start + workers]
