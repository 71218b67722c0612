"""One step of writing: intents are stored, the sink is called, and outcomes, what was written, dead letters and checkpoint are kept in one commit.

Wherever this is cut off, the store says what may have happened: the next run settles the open intents before anything newer goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from attrs import evolve, frozen

from integrakit.errors import IntegrakitError
from integrakit.model import Outcome
from integrakit.protocols import Operation, Store
from integrakit.runtimes import runtime
from integrakit.state import Lease
from integrakit.writing.dead_letters import DeadLetter, Letters, letter_id
from integrakit.writing.intents import Intent, Intents, Status
from integrakit.writing.item import Item, Tally, idempotency_key, intent_of, letter_of, written_of
from integrakit.writing.remembered import Remembered, Written
from integrakit.writing.sinks import SinkHandle

__all__ = ["Delivery", "Journal"]


@frozen(kw_only=True)
class Journal:
    """What one sync keeps in the store, and the lease that lets it."""

    name: str
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


_NEWEST = (float("inf"), 0.0)
_NEVER = (float("inf"), 1.0)


@frozen
class _Left:
    status: Status
    fingerprint: str


class Delivery:
    """Sends items to one sink for one run. Call `begin` first."""

    def __init__(self, journal: Journal, sink: SinkHandle, *, batch: int, workers: int, mapping: str, tally: Tally) -> None:
        self._journal = journal
        self._sink = sink
        self._batch = batch if sink.batch is None else min(batch, sink.batch)
        self._workers = workers
        self._mapping = mapping
        self.tally = tally
        # The ids of the dead letters that are there, and of the intents that are not settled: so that looking them up costs nothing per record.
        self._letters: dict[str, tuple[int, int]] = {}
        self._left: dict[str, _Left] = {}

    async def begin(self) -> None:
        """Learns what earlier runs left. Raises `ConfigurationError` when the sink cannot be written to in this world."""
        self._sink.check_world()
        self._letters = await runtime().blocking(self._journal.letters.orders)
        self._left = await runtime().blocking(lambda: {intent.id: _Left(intent.status, intent.fingerprint) for intent in self._journal.intents.all()})

    # ------------------------------------------------------------------ what is left of earlier writes

    def left(self, id: str) -> Status | None:
        """The status of the record's intent, where an earlier write of it is not settled."""
        found = self._left.get(id)
        return None if found is None else found.status

    def doubt(self, id: str) -> str | None:
        """The fingerprint of an earlier write that may or may not have taken place: nothing newer may go out for this record. None: no doubt."""
        found = self._left.get(id)
        return None if found is None or found.status == "failed" else found.fingerprint

    def all_left(self) -> set[str]:
        """The ids of all records with an intent that is not settled."""
        return set(self._left)

    @property
    def doubts(self) -> int:
        """How many records there is a doubt about."""
        return sum(1 for found in self._left.values() if found.status != "failed")

    def well(self, records: Sequence[tuple[str, str]]) -> list[Operation]:
        """Operations that forget what was wrong with records that need nothing now, by letter id and record id; nothing for those all was well with.

        What failed before and did not take place is not sent any more: the record is what it was.
        """
        failed = [id for _, id in records if id in self._left and self._left[id].status == "failed"] if self._left else []
        for id in failed:
            del self._left[id]
        return [*self._journal.letters.done(self._passed(records, _NEWEST)), *self._journal.intents.done(failed, left=failed)]

    def put_letters(self, letters: Iterable[DeadLetter]) -> list[Operation]:
        """Operations that keep these letters, but for those of records that have one of a newer version."""
        newest = [letter for letter in letters if self._letters.get(letter.id, letter.order) <= letter.order]
        self._letters.update((letter.id, letter.order) for letter in newest)
        return self._journal.letters.put(newest)

    def _passed(self, records: Iterable[tuple[str, str]], order: tuple[float, float]) -> list[str]:
        """The letters of these records that are not newer than ``order``, which are over now."""
        if not self._letters:
            return []
        # A record that was to be deleted has its letter by the id, any other by what the source calls it.
        over = {id for letter, record in records for id in (letter, letter_id(record)) if self._letters.get(id, _NEVER) <= order}
        for id in over:
            del self._letters[id]
        return sorted(over)

    def minted(self, items: Sequence[Item]) -> list[Item]:
        """Items that were made before this run, with idempotency keys of this one."""
        name, run = self._journal.name, self._journal.lease.token
        keys = [idempotency_key(name, item.id, item.count, item.fingerprint, run) for item in items]
        return [evolve(item, change=evolve(item.change, idempotency_key=key)) for item, key in zip(items, keys, strict=True)]

    # ------------------------------------------------------------------ writing

    async def deliver(self, items: Sequence[Item], also: Sequence[Operation] = (), *, stop: Callable[[], bool] = lambda: False) -> bool:
        """Writes the items, ``batch`` at a time and ``workers`` batches side by side, and keeps ``also`` in the commit of the last.

        False when ``stop()`` became true before everything was written: then ``also`` was not kept.
        """
        groups = list(_groups(items, self._batch, 1 if self._sink.transactional else self._workers))
        if not groups:
            await self._journal.commit(also)
            return True
        for number, group in enumerate(groups):
            if number and stop():
                return False
            await self._step(group, also if number == len(groups) - 1 else ())
        return True

    async def keep(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        """Keeps outcomes that were found out in another way than by writing."""
        await self._journal.commit(self._operations(items, outcomes))
        self._note(items, outcomes)

    async def _step(self, group: Sequence[Sequence[Item]], also: Sequence[Operation]) -> None:
        if self._sink.transactional:
            await self._step_in_one(group[0], also)
            return
        now = runtime().wall().isoformat(timespec="milliseconds")
        await self._journal.commit(self._journal.intents.sending(intent_of(item, now) for batch in group for item in batch))
        results = await self._write(group)
        # Of a batch that failed nothing is known, and its intents stay open; what is known of the others is kept first.
        told = [(item, outcome) for batch, result in zip(group, results, strict=True) for item, outcome in _told(batch, result)]
        items, outcomes = [item for item, _ in told], [outcome for _, outcome in told]
        problems = [result for result in results if isinstance(result, IntegrakitError)]
        if items or not problems:
            await self._journal.commit([*self._operations(items, outcomes), *(() if problems else also)])
            self._note(items, outcomes)
        if problems:
            raise problems[0]

    async def _step_in_one(self, items: Sequence[Item], also: Sequence[Operation]) -> None:
        """Sink and store in one transaction: it needs no intent, since either both have the change or neither."""
        journal = self._journal

        def after(outcomes: list[Outcome]) -> Sequence[Operation]:
            return [*self._operations(items, outcomes), *also, journal.lease.renewal()]

        outcomes = await runtime().blocking(self._sink.commit_in, journal.store, [item.change for item in items], after)
        journal.lease.renewed()
        self._note(items, outcomes)

    async def _write(self, group: Sequence[Sequence[Item]]) -> list[list[Outcome] | IntegrakitError]:
        async def one(batch: Sequence[Item]) -> list[Outcome] | IntegrakitError:
            try:
                return await self._sink.write([item.change for item in batch])
            except IntegrakitError as problem:
                return problem

        if len(group) == 1:
            return [await one(group[0])]
        return await runtime().gather([partial(one, batch) for batch in group], self._workers)

    # ------------------------------------------------------------------ what became of it

    def _note(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        for item, outcome in zip(items, outcomes, strict=True):
            self.tally.note(item.change, outcome)

    def _operations(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> list[Operation]:
        journal, now = self._journal, runtime().wall().isoformat(timespec="milliseconds")
        written: dict[str, Written] = {}
        gone: list[str] = []
        letters: list[DeadLetter] = []
        settled: list[Item] = []
        left: list[Intent] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome.status in ("applied", "unchanged"):
                if item.change.kind == "delete":
                    gone.append(item.id)
                else:
                    written[item.id] = written_of(item, outcome, now)
                settled.append(item)
            elif outcome.status == "rejected":
                letters.append(letter_of(item, outcome, self._mapping, now))
                settled.append(item)
            else:
                left.append(intent_of(item, now, status=self._status(item, outcome), error=outcome.error))
        passed = [id for item in settled for id in self._passed([(item.letter, item.id)], item.order)]
        struck = [item.id for item in settled]
        was_left = [id for id in struck if id in self._left]
        for item in settled:
            self._left.pop(item.id, None)
        self._left.update((intent.id, _Left(intent.status, intent.fingerprint)) for intent in left)
        return [
            *journal.remembered.put(written),
            *journal.remembered.forget(gone),
            *journal.letters.done(passed),
            *self.put_letters(letters),
            *journal.intents.leave(left),
            # A transactional sink stored no intents; only what an earlier write left behind is there to strike off.
            *journal.intents.done(was_left if self._sink.transactional else struck, left=was_left),
        ]

    def _status(self, item: Item, outcome: Outcome) -> Status:
        if outcome.status == "failed" and not item.doubtful:
            return "failed"
        return "open" if self._sink.settles else "unknown"

    def mark_unknown(self, intents: Sequence[Intent]) -> list[Operation]:
        """Operations that leave these to a person: nothing can tell what became of them."""
        self._left.update((intent.id, _Left("unknown", intent.fingerprint)) for intent in intents)
        return self._journal.intents.leave(
            [evolve(intent, status="unknown", error=intent.error or "the run ended before the sink answered") for intent in intents]
        )


def _told(batch: Sequence[Item], result: list[Outcome] | IntegrakitError) -> Iterable[tuple[Item, Outcome]]:
    return () if isinstance(result, IntegrakitError) else zip(batch, result, strict=True)


def _groups(items: Sequence[Item], batch: int, workers: int) -> Iterator[list[Sequence[Item]]]:
    batches = [items[start : start + batch] for start in range(0, len(items), batch)]
    for start in range(0, len(batches), workers):
        yield batches[start : start + workers]
