"""`Backfill`: a long history read in partitions, each once, over as many runs and processes as it takes.

What may live here is what the user says and asks. The ledger is in `ledger`, how a partition is read in `backfilling`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from attrs import frozen

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, IncompleteRead, LeaseHeld, ReadError
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence
from integrakit.protocols import Reader
from integrakit.reading.backfilling import Abandoned, BackfillReader, BackfillSpec, Work, judged
from integrakit.reading.intervals import Interval, merged
from integrakit.reading.ledger import Ledger, Partition
from integrakit.reading.partitions import Grid
from integrakit.runtimes import WorldClock, drive, runtime
from integrakit.state import MemoryStore, open_store

__all__ = ["Backfill", "BackfillReport", "BackfillStatus"]


@frozen(kw_only=True)
class BackfillReport:
    """What one run of a backfill did. ``done``: partitions; ``lost``: those that another run took over meanwhile; ``missing``: what is left to do."""

    name: str
    done: int
    records: int
    pages: int
    lost: int
    missing: tuple[tuple[Any, Any], ...]
    seconds: float

    def __str__(self) -> str:
        left = "nothing is missing" if not self.missing else f"{len(self.missing)} intervals are missing"
        return f"{self.name}: {self.done} partitions done, {self.records} records in {self.pages} pages; {left}"


class BackfillStatus(Sequence[Partition]):
    """How all partitions stand, in their order. Printed, it is a summary and what is not plain."""

    def __init__(self, name: str, partitions: Sequence[Partition]) -> None:
        self.name = name
        self._partitions = tuple(partitions)

    def __getitem__(self, index: Any) -> Any:
        return self._partitions[index]

    def __len__(self) -> int:
        return len(self._partitions)

    @property
    def counts(self) -> dict[str, int]:
        """Partitions by state: "done", "running", "failed", "pending"."""
        return {state: sum(each.state == state for each in self) for state in ("done", "running", "failed", "pending")}

    def __str__(self) -> str:
        counts = ", ".join(f"{number} {state}" for state, number in self.counts.items() if number)
        records = sum(each.records for each in self if each.state == "done")
        lines = [f"{self.name}: {counts or 'nothing to do'}; {records} records"]
        return "\n".join([*lines, *(f"  {each}" for each in self if each.state in ("running", "failed"))])


class Backfill(Rereadable):
    """The history between ``start`` and ``end`` (without it), in partitions of ``step``: "1 month", "7 days", "6 hours", a timedelta, a whole number.

    ``source_for(low, high)`` gives the source of one partition, from ``low`` on and below ``high``; or ``partitions``: pairs of bounds. ``store``:
    where the ledger is, as for a `Sync`. A partition is done when its read proved complete; with ``accept_unproved=True`` also when nothing spoke
    against it. ``purpose``: what its requests are for, so that `RateLimit(reserve=…)` keeps quota for others (resources are told; other sources tell
    their own). ``pause_when``: a function; while it is true no page is asked for, and it is called again after ``pause`` seconds. ``wait``: the
    longest wait for quota, in seconds (25 hours: that of a day comes back). ``lease``: seconds after which a partition is taken over whose process
    does not go on. ``newest_first``: from the end backwards. Raises `ConfigurationError` for wrong arguments.
    """

    #: A read is done once, and not to be had again: it is for those who write what they read.
    marks_what_was_read = True

    def __init__(
        self,
        name: str,
        source_for: Callable[[Any, Any], Any],
        *,
        start: Any = None,
        end: Any = None,
        step: Any = None,
        partitions: Sequence[tuple[Any, Any]] | None = None,
        store: Any = None,
        key: str | tuple[str, ...] | None = None,
        purpose: str | None = "backfill",
        newest_first: bool = False,
        accept_unproved: bool = False,
        pause_when: Callable[[], Any] | None = None,
        pause: float = 30.0,
        wait: float = 90_000.0,
        lease: float = 300.0,
    ) -> None:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ConfigurationError(f"Backfill(name) takes a name that stays, such as 'orders-history', not {name!r}")
        if not callable(source_for) or inspect.iscoroutinefunction(source_for):
            raise ConfigurationError(f"Backfill({name!r}, source_for) takes a function of two bounds that gives a source, not {source_for!r}")
        for argument, flag in (("newest_first", newest_first), ("accept_unproved", accept_unproved)):
            if not isinstance(flag, bool):
                raise ConfigurationError(f"Backfill({name!r}, {argument}=…) takes True or False, not {flag!r}")
        for argument, seconds in (("pause", pause), ("wait", wait), ("lease", lease)):
            least = 0 if argument == "wait" else 0.001
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not least <= seconds < 1e9:
                raise ConfigurationError(f"Backfill({name!r}, {argument}=…) takes seconds, not {seconds!r}")
        if pause_when is not None and (not callable(pause_when) or inspect.iscoroutinefunction(pause_when)):
            raise ConfigurationError(f"Backfill({name!r}, pause_when=…) takes a plain function without arguments, not {pause_when!r}")
        if purpose is not None and (not isinstance(purpose, str) or not purpose):
            raise ConfigurationError(f"Backfill({name!r}, purpose=…) takes a text such as 'backfill', or None, not {purpose!r}")
        self.name = name
        self.key = key
        self._purpose = purpose
        self._source_for = source_for
        self._grid = Grid(start, end, step, partitions)
        self._store = MemoryStore() if store is None else open_store(store)
        self._ledger = Ledger(self._store, name, self._grid, lease=lease, clock=WorldClock())
        self._spec = BackfillSpec(
            name=name,
            ledger=self._ledger,
            source=self._source,
            newest_first=newest_first,
            accept_unproved=accept_unproved,
            pause_when=pause_when,
            pause=pause,
            wait=wait,
            lease=lease,
        )
        self._abandoned = Abandoned()
        self._latest: Reader | None = None

    def _source(self, low: Any, high: Any) -> Any:
        source = self._source_for(low, high)
        if self._purpose is not None and hasattr(source, "reading"):
            source = source.reading(purpose=self._purpose)
        return source

    # ------------------------------------------------------------------ as a source

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of what is missing: a partition is done once the page after its last is asked for. The ledger says where to go on, not ``since``.

        Raises `CheckpointMismatch` for a checkpoint of something else.
        """
        if since is not None and (not isinstance(since, Checkpoint) or since.resource != f"backfill:{self.name}"):
            raise CheckpointMismatch(f"this checkpoint is none of backfill {self.name!r}: start without it; its ledger knows where to go on")
        reader = BackfillReader(self._spec, self._abandoned.own, self._abandoned.release)
        self._latest = reader
        return reader

    @property
    def evidence(self) -> Evidence:
        """Of the latest read."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

    # ------------------------------------------------------------------ as a job

    async def arun(self, handle: Callable[[list[Any]], Any], *, workers: int = 1) -> BackfillReport:
        """Reads what is missing and calls ``handle(records)`` with each page; ``workers`` partitions side by side, in threads in blocking code.

        ``handle`` may be async. A page whose handling was not kept comes again after a kill: it must be able to take records twice. Raises
        `IncompleteRead` at the end when partitions failed, and at once what ``handle`` and the source raise otherwise; the next run goes on there.
        """
        if not callable(handle):
            raise ConfigurationError(f"run(handle) takes a function of a list of records, not {type(handle).__name__}")
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise ConfigurationError(f"run(workers=…) takes a whole number of 1 or more, not {workers!r}")
        run = _Run(self._spec, handle)
        await runtime().gather([run.work] * workers, workers)
        missing = await self.amissing()
        report = run.report(missing)
        if run.failed:
            failed = [why for _, why in sorted(run.failed)]
            said = "; ".join(failed[:5]) + (f"; and {len(failed) - 5} more" if len(failed) > 5 else "")
            evidence = Evidence(complete=False, reasons=tuple(failed[:20]), pages=report.pages, records=report.records)
            raise IncompleteRead(f"backfill {self.name!r}: {len(failed)} partitions failed, {report.done} are done: {said}", evidence=evidence)
        return report

    def run(self, handle: Callable[[list[Any]], Any], *, workers: int = 1) -> BackfillReport:
        """`arun` for blocking code."""
        return drive(self.arun(handle, workers=workers))

    # ------------------------------------------------------------------ asking the ledger

    async def amissing(self) -> list[tuple[Any, Any]]:
        """The intervals that are not done, merged and in order, each from its low on and below its high."""
        return self._values(await runtime().blocking(self._ledger.missing))

    def missing(self) -> list[tuple[Any, Any]]:
        return drive(self.amissing())

    async def adone(self) -> list[tuple[Any, Any]]:
        """The intervals that are done, merged and in order; those outside of start and end too."""
        return self._values(await runtime().blocking(self._ledger.done))

    def done(self) -> list[tuple[Any, Any]]:
        return drive(self.adone())

    async def astatus(self) -> BackfillStatus:
        """How each partition stands; printed, it is a summary."""
        return BackfillStatus(self.name, await runtime().blocking(self._ledger.partitions))

    def status(self) -> BackfillStatus:
        return drive(self.astatus())

    async def aforget(self, low: Any, high: Any) -> None:
        """What is done from ``low`` on and below ``high`` is missing again: the next run reads it anew."""
        try:
            interval = self._grid.scale.position(low), self._grid.scale.position(high)
        except ValueError as problem:
            raise ConfigurationError(f"forget(low, high) takes bounds of the kind of start and end: {problem}") from None
        await runtime().blocking(self._ledger.forget, interval)

    def forget(self, low: Any, high: Any) -> None:
        drive(self.aforget(low, high))

    def _values(self, intervals: Sequence[Interval]) -> list[tuple[Any, Any]]:
        return [self._grid.values(interval) for interval in merged(intervals)]

    def __repr__(self) -> str:
        return f"<Backfill {self.name!r}, {len(self._grid.cells)} partitions>"


class _Run:
    """One run: what its workers share."""

    def __init__(self, spec: BackfillSpec, handle: Callable[[list[Any]], Any]) -> None:
        self._spec = spec
        self._handle = handle
        self._awaits = inspect.iscoroutinefunction(handle) or inspect.iscoroutinefunction(getattr(handle, "__call__", None))  # noqa: B004 - an async callable object
        self._tried: list[Interval] = []
        self._ended: list[Work] = []
        self._broken = False
        self.failed: list[tuple[Interval, str]] = []
        self._lost: list[Interval] = []
        self._started = runtime().now()

    async def work(self) -> None:
        """Partition after partition, until there is none left to take."""
        world = runtime()
        while not self._broken:
            claim = await world.blocking(partial(self._spec.ledger.claim, self._tried, newest=self._spec.newest_first))
            if claim is None:
                return
            work = Work(self._spec, claim)
            try:
                await self._one(work)
            except BaseException as problem:
                self._broken = True
                # Another worker that is just claiming shall not take it up at once, and its error with it.
                self._tried.append(work.claim.interval)
                await world.shielded(partial(self._give_up, work, problem))
                raise

    async def _one(self, work: Work) -> None:
        try:
            while (page := await work.next_page(self._is_broken)) is not None:
                if self._broken:
                    await runtime().blocking(work.claim.lease.release)
                    return
                records = list(page.records)
                await (self._handle(records) if self._awaits else runtime().blocking(self._handle, records))
                await work.handled(page)
            # Before it is free: no other worker of this run shall take it once more.
            self._tried.append(work.claim.interval)
            evidence = await work.finish()
        except LeaseHeld:
            self._lost.append(work.claim.interval)
            self._tried.append(work.claim.interval)
            return
        except (ReadError, DecodeError) as problem:
            self._tried.append(work.claim.interval)
            await work.failed(problem)
            self._fail(work, str(problem))
            return
        if judged(evidence, self._spec.accept_unproved):
            self._ended.append(work)
        else:
            self._fail(work, str(evidence))

    def _fail(self, work: Work, why: str) -> None:
        self.failed.append((work.claim.interval, f"{work.claim.low} to {work.claim.high}: {why}"))

    def _is_broken(self) -> bool:
        return self._broken

    async def _give_up(self, work: Work, problem: BaseException) -> None:
        """The partition is free for the next run, at once."""
        try:
            if isinstance(problem, Exception):
                await work.failed(problem)
            else:
                await runtime().blocking(work.claim.lease.release)
        except Exception as second:  # noqa: BLE001 - what broke first is raised
            problem.add_note(f"and its partition could not be given back, so the next run may have to wait: {second}")

    def report(self, missing: list[tuple[Any, Any]]) -> BackfillReport:
        claims = [work.claim for work in self._ended]
        return BackfillReport(
            name=self._spec.name,
            done=len(claims),
            records=sum(claim.records for claim in claims),
            pages=sum(claim.pages for claim in claims),
            lost=len(self._lost),
            missing=tuple(missing),
            seconds=runtime().now() - self._started,
        )
