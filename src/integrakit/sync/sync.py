"""`Sync`: source → mapping → sink, with memory. What users build and run; the steps themselves are in the other modules of this package."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import evolve

from integrakit.errors import ConfigurationError, LeaseHeld, StoreError, VersionConflict
from integrakit.model import Checkpoint, Outcome, Tombstone
from integrakit.reading import is_source
from integrakit.runtimes import WorldClock, drive, runtime
from integrakit.state import acquire_lease
from integrakit.sync.arguments import check_arguments, check_mapped_key, check_unmarked, checked_names
from integrakit.sync.burials import Burials
from integrakit.sync.compare import Comparison, Mode, mapping_version
from integrakit.sync.interrupts import Interrupts
from integrakit.sync.letters import DeadLetters
from integrakit.sync.opening import opened_store
from integrakit.sync.owned import WrittenRecords
from integrakit.sync.planning import Draft, Drafting, apply_draft
from integrakit.sync.progress import Progress, make_bar
from integrakit.sync.progressed import load_progressed, since_for_plan
from integrakit.sync.replay import Replay
from integrakit.sync.report import Report
from integrakit.sync.run import Run
from integrakit.sync.settle import settle
from integrakit.sync.sweep import Sweeping, Swept, apply_sweep
from integrakit.writing import (
    DeadLetter,
    Delivery,
    Guard,
    Intent,
    Intents,
    Journal,
    Letters,
    Plan,
    Remember,
    Remembered,
    Tally,
    item_of,
    key_text,
    open_sink,
)

__all__ = ["Sync"]

T = TypeVar("T")

#: Seconds a run may be silent before another may take over; a run renews with every step.
LEASE = 300.0


class Sync:
    """One integration with memory: what changed in ``source`` is mapped and written to ``sink``, and nothing else.

    ``name`` is what the store knows it by: keep it. ``key``: field of the mapped record (default: the sink's key). ``store``: a path, URL or
    `Store`; None keeps nothing beyond this object. ``mode``: "append" (records are added and never changed), "upsert", or "mirror" (records gone
    from the source are deleted too, if this sync wrote them). ``remember``: what was last written, as the whole "record" (updates send the
    differences) or a "fingerprint". ``batch`` changes at a time, ``workers`` batches side by side. ``tombstone_key``: a function of a
    `Tombstone` that gives this sync's key, or None for one to leave alone. Raises `ConfigurationError` for a wrong argument.
    """

    def __init__(
        self,
        name: str,
        *,
        source: Any,
        sink: Any,
        mapping: Callable[[Any], Any] | None = None,
        key: str | tuple[str, ...] | None = None,
        store: Any = None,
        mode: Mode = "upsert",
        remember: Remember = "record",
        guard: Guard = Guard(),  # noqa: B008 - frozen
        batch: int = 100,
        workers: int = 1,
        progress: Progress = "auto",
        tombstone_key: Callable[[Tombstone], Any] | None = None,
    ) -> None:
        check_arguments(
            name,
            source=source,
            sink=sink,
            mapping=mapping,
            mode=mode,
            remember=remember,
            guard=guard,
            batch=batch,
            workers=workers,
            progress=progress,
            tombstone_key=tombstone_key,
        )
        self.name = name
        self._store, close = opened_store(store)
        if close is not None:
            self._finalizer = weakref.finalize(self, close)
        self._source = source
        key = None if key is None else checked_names(name, key)
        self._sink = open_sink(sink, self._store, key=key)
        self._mapping = mapping
        self._version = mapping_version(mapping)
        self.key = key if key is not None else self._sink.key
        if self.key is None and mode != "append":
            raise ConfigurationError(
                f"Sync({name!r}) needs key=, the field of the mapped record that tells records apart: the sink has none (or mode='append')"
            )
        check_mapped_key(name, self.key, mapping)
        if mode == "mirror" and not self._sink.deletes:
            raise ConfigurationError(f"Sync({name!r}, mode='mirror') needs a sink that can delete, and {self._sink.name} cannot")
        self._mode: Mode = mode
        self._guard = guard
        self._batch = batch
        self._workers = workers
        self._progress = progress
        self._remembered = Remembered(self._store, name, remember)
        self._tombstone_key = tombstone_key
        self._intents = Intents(self._store, name)
        self._letters = Letters(self._store, name)

    def _comparison(self, mapping: Callable[[Any], Any] | None) -> Comparison:
        return Comparison(
            self.name,
            mapping=mapping,
            key=self.key,
            source_key=getattr(self._source, "key", None),
            mode=self._mode,
            remembered=self._remembered,
            burials=self._burials() if self._mode == "upsert" else None,
        )

    def _burials(self) -> Burials:
        source_key = getattr(self._source, "key", None)
        direct = self._mapping is None and self._tombstone_key is None and source_key is not None and source_key == self.key
        named = bool(getattr(self._source, "tombstones", None)) and source_key is not None
        indexed = named and not direct and self._tombstone_key is None
        return Burials(remembered=self._remembered, direct=direct, indexed=indexed, tombstone_key=self._tombstone_key)

    @property
    def mapping(self) -> Callable[[Any], Any] | None:
        """What it was given as ``mapping``."""
        return self._mapping

    # ------------------------------------------------------------------ running

    async def arun(self) -> Report:
        """Brings the sink up to date and reports.

        Raises `LeaseHeld` when another run is under way, `IncompleteRead`, `GuardTripped`, and what source, sink and store raise. Whatever it
        raises, what was done until then is kept and the next run goes on from there. SIGINT and SIGTERM finish the batch first.
        """
        return await self._uninterrupted(self._run)

    def run(self) -> Report:
        """`arun` for blocking code."""
        return drive(self.arun())

    async def _run(self, journal: Journal, stop: Callable[[], bool]) -> Report:
        run = Run(
            name=self.name,
            source=self._source,
            sink=self._sink,
            comparison=self._comparison(self._mapping),
            mapping=self._version,
            journal=journal,
            progressed=await runtime().blocking(load_progressed, self._store, self.name),
            mode=self._mode,
            guard=self._guard,
            delivery=self._delivery(journal),
            show=make_bar(self._progress),
            stop=stop,
        )
        return await run.execute()

    async def _uninterrupted(self, work: Callable[[Journal, Callable[[], bool]], Awaitable[T]]) -> T:
        """Does ``work`` under the lease; a signal that comes meanwhile is told to it, and takes its course when all is kept."""
        stop = Interrupts()
        try:
            with stop:
                return await self._leased(lambda journal: work(journal, stop))
        finally:
            stop.take_course()

    async def _leased(self, work: Callable[[Journal], Awaitable[T]]) -> T:
        """Does ``work`` under this sync's lease; nobody else runs it meanwhile."""
        world = runtime()
        lease = await world.blocking(lambda: acquire_lease(self._store, f"sync:{self.name}", ttl=LEASE, clock=WorldClock()))
        journal = Journal(name=self.name, store=self._store, remembered=self._remembered, intents=self._intents, letters=self._letters, lease=lease)
        try:
            result = await work(journal)
        except BaseException as problem:
            try:
                await world.blocking(lease.release)
            except StoreError as second:
                problem.add_note(f"and the lease could not be given back, so the next run may have to wait: {second}")
            if isinstance(problem, VersionConflict) and problem.space == "leases":
                raise LeaseHeld(
                    f"sync {self.name!r} was taken over by another run, which goes on with it; this one stopped, its last step not kept"
                ) from problem
            raise
        try:
            await world.blocking(lease.release)
        except StoreError as problem:
            problem.add_note(f"all that sync {self.name!r} had to do was done and is kept; but its lease could not be given back")
            raise
        return result

    def _delivery(self, journal: Journal, *, workers: int | None = None) -> Delivery:
        workers = self._workers if workers is None else workers
        return Delivery(journal, self._sink, batch=self._batch, workers=workers, mapping=self._version, tally=Tally())

    # ------------------------------------------------------------------ planning

    async def aplan(self) -> Plan:
        """Computes what a run would do, and writes nothing. Raises as a run does, `GuardTripped` included."""
        check_unmarked(self.name, self._source, "plan")
        progressed = await runtime().blocking(load_progressed, self._store, self.name)
        since = None if self._mode == "mirror" else since_for_plan(progressed, self._version)
        drafting = Drafting(
            comparison=self._comparison(self._mapping),
            mapping=self._version,
            mode=self._mode,
            guard=self._guard,
            progressed=progressed,
            remembered=self._remembered,
            intents=self._intents,
            dead=self._letters,
            deletes=self._sink.deletes,
        )
        found = await drafting.draft(self._source, since)

        async def apply() -> Report:
            return await self._uninterrupted(lambda journal, stop: self._apply(journal, found, stop))

        rejected = len(found.letters)
        return Plan(found.items, apply, title=self.name, unchanged=found.unchanged, rejected=rejected, notes=found.notes)

    def plan(self) -> Plan:
        """`aplan` for blocking code."""
        return drive(self.aplan())

    async def _apply(self, journal: Journal, found: Draft, stop: Callable[[], bool]) -> Report:
        now = await runtime().blocking(load_progressed, self._store, self.name)
        return await apply_draft(self.name, found, now=now, journal=journal, delivery=self._delivery(journal), stop=stop)

    # ------------------------------------------------------------------ what is gone

    async def asweep(self, ids: Any = None) -> Report:
        """Reads every id that the source has, and deletes what this sync wrote and the source has no more.

        ``ids``: a source of ids, or of records with little but the key, such as ``shop.orders.where(fields="id")``; default: the sync's own source.
        Raises `IncompleteRead`, and deletes nothing, unless the read proves that every id was seen; `GuardTripped`; and what a run raises.
        """

        async def work(journal: Journal, stop: Callable[[], bool]) -> Report:
            delivery = self._delivery(journal)
            await delivery.begin()
            await settle(journal, self._sink, delivery)
            return await apply_sweep(
                self.name, await self._find_gone(ids), comparison=self._comparison(None), journal=journal, delivery=delivery, stop=stop
            )

        return await self._uninterrupted(work)

    def sweep(self, ids: Any = None) -> Report:
        """`asweep` for blocking code."""
        return drive(self.asweep(ids))

    async def aplan_sweep(self, ids: Any = None) -> Plan:
        """What a sweep would delete. Writes nothing. Raises as `asweep` does, `GuardTripped` included."""
        swept = await self._find_gone(ids)

        async def work(journal: Journal, stop: Callable[[], bool]) -> Report:
            await (delivery := self._delivery(journal)).begin()
            return await apply_sweep(self.name, swept, comparison=self._comparison(None), journal=journal, delivery=delivery, stop=stop)

        unchanged = swept.owned - len(swept.items)
        return Plan(swept.items, lambda: self._uninterrupted(work), title=f"{self.name} (sweep)", unchanged=unchanged, notes=swept.notes)

    def plan_sweep(self, ids: Any = None) -> Plan:
        """`aplan_sweep` for blocking code."""
        return drive(self.aplan_sweep(ids))

    async def _find_gone(self, ids: Any) -> Swept:
        if self._mode == "append" or not self._sink.deletes:
            why = "mode='append' never deletes" if self._mode == "append" else f"{self._sink.name} cannot delete"
            raise ConfigurationError(f"sync {self.name!r} cannot sweep: {why}")
        if ids is not None and not is_source(ids):
            raise ConfigurationError(f"sweep(ids=…) takes a resource, table, file, or iterable of ids or records, not {type(ids).__name__}")
        check_unmarked(self.name, self._source if ids is None else ids, "sweep")
        key = getattr(self._source, "key", None)
        sweeping = Sweeping(
            name=self.name,
            comparison=self._comparison(self._mapping),
            burials=self._burials(),
            remembered=self._remembered,
            intents=self._intents,
            guard=self._guard,
            whole=ids is None,
            source_names=(key,) if isinstance(key, str) else tuple(key or ()),
        )
        return await sweeping.find(self._source if ids is None else ids)

    # ------------------------------------------------------------------ what was set aside

    @property
    def dead_letters(self) -> DeadLetters:
        """The records set aside so far."""
        return DeadLetters(self._letters, self._replay, self._discard)

    async def _replay(self, mapping: Any) -> Report:
        if mapping is not None and not callable(mapping):
            raise ConfigurationError(f"replay(mapping=…) takes a Mapping or a function of a record, not {type(mapping).__name__}")

        async def work(journal: Journal, stop: Callable[[], bool]) -> Report:
            delivery = self._delivery(journal, workers=1)
            await delivery.begin()
            await settle(journal, self._sink, delivery)
            letters = await runtime().blocking(lambda: list(self._letters))
            comparison = self._comparison(mapping if mapping is not None else self._mapping)
            return await Replay(self.name, comparison, journal, delivery).run(letters, stop=stop)

        return await self._uninterrupted(work)

    def _discard(self, letters: list[DeadLetter], why: str) -> None:
        self._store.commit(self._letters.discard(letters, why))

    @property
    def written(self) -> WrittenRecords:
        """What this sync wrote last, record by record, each with the version of the mapping that made it."""
        return WrittenRecords(self._remembered)

    @property
    def unknown(self) -> list[Intent]:
        """Writes that may or may not have taken place, which neither the sink's keys nor asking it could settle."""
        return list(self._intents.all("unknown"))

    async def asettle(self, write: Any, *, applied: bool) -> None:
        """Says what became of an unknown write, after somebody looked. ``applied=False``: the next run sends it again.

        ``write``: the record's key, or one of `unknown` where records have none.
        """
        intent = await runtime().blocking(self._intents.get, write.id if isinstance(write, Intent) else key_text(write))
        if intent is None or intent.status != "unknown":
            key = write.change.key if isinstance(write, Intent) else write
            raise ConfigurationError(
                f"sync {self.name!r} has no unknown write of record {key!r}; there are {[i.change.key for i in self.unknown[:10]]}"
            )

        async def work(journal: Journal) -> None:
            delivery = self._delivery(journal)
            await delivery.begin()
            if applied:
                await delivery.keep([item_of(intent)], [Outcome.applied(intent.change.key)])
            else:
                await journal.commit(journal.intents.leave([evolve(intent, status="failed")]))

        await self._leased(work)

    def settle(self, write: Any, *, applied: bool) -> None:
        """`asettle` for blocking code."""
        drive(self.asettle(write, applied=applied))

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the next run begins."""
        return load_progressed(self._store, self.name).checkpoint

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Closes the store, if it was opened here from a path or URL. Source and sink are their owner's to close."""
        if self._finalizer is not None:
            self._finalizer()

    _finalizer: weakref.finalize[Any, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await runtime().blocking(self.close)

    def __repr__(self) -> str:
        return f"<Sync {self.name!r}: {self._source!r} → {self._sink.name}>"
