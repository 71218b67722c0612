"""How one partition of a backfill is read, waits for its quota, and is judged; and the reader that goes from partition to partition.

Which partitions there are and who has them is the ledger's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from integrakit.errors import CheckpointMismatch, DecodeError, IncompleteRead, LeaseHeld, RateLimitExceeded, ReadError
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.protocols import Reader
from integrakit.reading.intervals import Interval, without
from integrakit.reading.ledger import Claim, Ledger
from integrakit.reading.open import open_reader
from integrakit.runtimes import runtime

__all__ = ["BackfillReader", "BackfillSpec", "Work", "judged"]


@frozen(kw_only=True)
class BackfillSpec:
    """What is read and how."""

    name: str
    ledger: Ledger
    source: Callable[[Any, Any], Any]
    newest_first: bool
    accept_unproved: bool
    pause_when: Callable[[], Any] | None
    #: Seconds: between two looks at ``pause_when``; the longest wait for quota; what a lease is held for without a renewal.
    pause: float
    wait: float
    lease: float


class Work:
    """The read of one claimed partition."""

    def __init__(self, spec: BackfillSpec, claim: Claim) -> None:
        self.claim = claim
        self._spec = spec
        self._incomplete: Evidence | None = None
        self._kept: Checkpoint | None = claim.checkpoint
        self._reader: Reader | None = None

    async def next_page(self, stop: Callable[[], bool] = bool) -> Page | None:
        """The next page, or None at the end, when `evidence` tells. Waits while the backfill is paused, and where quota is kept for others."""
        await self._paused(stop)
        while True:
            try:
                page = await self._ask()
            except RateLimitExceeded as problem:
                wait = problem.retry_after
                if wait is None or wait > self._spec.wait or stop():
                    raise
                await self._rest(max(wait, 0.001))
                continue
            except IncompleteRead as problem:
                self._incomplete = problem.evidence or Evidence(complete=False, reasons=(str(problem),))
                return None
            if page is not None:
                self.claim.pages += 1
                self.claim.records += len(page.records)
            return page

    async def _ask(self) -> Page | None:
        try:
            if self._reader is None:
                self._reader = open_reader(self._spec.source(self.claim.low, self.claim.high), self._kept)
            return await self._reader.next_page()
        except CheckpointMismatch:
            if self._kept is None:
                raise
            # The source was changed since: the partition begins anew.
            self._kept = None
            self.claim.pages = self.claim.records = 0
            self._reader = open_reader(self._spec.source(self.claim.low, self.claim.high))
            return await self._reader.next_page()

    async def _paused(self, stop: Callable[[], bool]) -> None:
        if self._spec.pause_when is not None:
            while not stop() and await runtime().blocking(self._spec.pause_when):
                await self._rest(self._spec.pause)

    async def _rest(self, seconds: float) -> None:
        """Sleeps, and keeps the lease."""
        world, step = runtime(), self._spec.lease / 3
        while seconds > 0:
            await world.sleep(min(seconds, step))
            seconds -= step
            await world.blocking(self.claim.lease.renew)

    async def handled(self, page: Page) -> None:
        """The page is dealt with. Raises `LeaseHeld` where another run has taken the partition over."""
        self._kept = page.checkpoint
        await runtime().blocking(self._spec.ledger.keep, self.claim, page.checkpoint)

    async def failed(self, problem: BaseException) -> None:
        """Something else than the read broke: the partition goes on from here the next time."""
        error = f"{type(problem).__name__}: {problem}"[:500]
        await runtime().blocking(lambda: self._spec.ledger.finish(self.claim, "failed", error=error, kept=self._kept))

    async def finish(self) -> Evidence:
        """Keeps in the ledger how the partition's read ended."""
        evidence = self.evidence
        state = "done" if judged(evidence, self._spec.accept_unproved) else "failed"
        await runtime().blocking(lambda: self._spec.ledger.finish(self.claim, state, complete=evidence.complete, reasons=tuple(evidence.reasons)))
        return evidence

    @property
    def evidence(self) -> Evidence:
        return self._incomplete or (Evidence() if self._reader is None else self._reader.evidence)


def judged(evidence: Evidence, accept_unproved: bool) -> bool:
    """Whether a partition whose read ended so is done."""
    return evidence.complete is True or (evidence.complete is None and accept_unproved)


class BackfillReader:
    """Reads what the ledger misses, partition by partition. A page counts as dealt with once the next one is asked for."""

    def __init__(self, spec: BackfillSpec, own: Callable[[BackfillReader, Claim], None], release: Callable[[], None]) -> None:
        self._spec = spec
        self._own = own
        self._release = release
        self._work: Work | None = None
        self._given: Page | None = None
        self._ended = self._begun = self._over = self._concluded = False
        self._tried: list[Interval] = []
        self._reasons: list[str] = []
        self._notes: list[str] = []
        self._missing = self._unproved = False
        self._pages = self._records = self._done = 0
        self._started: datetime | None = None
        self._at: Claim | None = None

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises `IncompleteRead` there when partitions failed."""
        world = runtime()
        if not self._begun:
            self._started = world.wall()
            await self._look_back()
            self._begun = True
        while True:
            if self._work is None:
                await world.blocking(self._release)
                claim = await world.blocking(lambda: self._spec.ledger.claim(self._tried, newest=self._spec.newest_first))
                if claim is None:
                    await self._end()
                    return None
                self._own(self, claim)
                self._work, self._at, self._ended = Work(self._spec, claim), claim, False
            try:
                if self._given is not None:
                    given, self._given = self._given, None
                    await self._work.handled(given)
                page = None if self._ended else await self._work.next_page()
                self._ended = page is None
                if page is not None:
                    self._given = page
                    self._pages += 1
                    self._records += len(page.records)
                    return Page(page.records, self.checkpoint)
                evidence = await self._work.finish()
            except LeaseHeld as problem:
                self._leave(str(problem), unproved=True)
            except (ReadError, DecodeError) as problem:
                await self._work.failed(problem)
                self._leave(f"{_words(self._work.claim)}: {problem}")
            else:
                if judged(evidence, self._spec.accept_unproved):
                    self._done += 1
                    self._work = None
                    self._unproved = self._unproved or evidence.complete is None
                else:
                    self._leave(f"{_words(self._work.claim)} is {evidence}")

    async def _look_back(self) -> None:
        grid_missing = await runtime().blocking(self._spec.ledger.missing)
        if without(self._spec.ledger.whole, grid_missing):
            self._unproved = True
            self._notes.append("what the ledger says is done was not read again")

    def _leave(self, why: str, *, unproved: bool = False) -> None:
        if self._work is not None:
            self._tried.append(self._work.claim.interval)
        self._reasons.append(why)
        self._missing, self._unproved = self._missing or not unproved, self._unproved or unproved
        self._work = None

    async def _end(self) -> None:
        if not self._over and without(await runtime().blocking(self._spec.ledger.missing), self._tried):
            self._unproved = True
            self._reasons.append("other runs are still reading a part of it")
        self._over = True
        evidence = self.evidence
        if evidence.complete is False and not self._concluded:
            self._concluded = True
            raise IncompleteRead(f"backfill {self._spec.name!r} is {evidence}", evidence=evidence)

    @property
    def evidence(self) -> Evidence:
        reasons = list(self._reasons)
        if not self._over:
            reasons.append("the read was not finished")
        elif self._unproved and not reasons:
            reasons.append("a part of it was read before, or could not be proved")
        complete = False if self._missing else None if not self._over or self._unproved else True
        return Evidence(
            complete=complete,
            reasons=tuple(reasons),
            notes=(*self._notes, f"{self._done} partitions were done"),
            pages=self._pages,
            records=self._records,
            ended_by="exhausted" if self._over else None,
            started=self._started,
        )

    @property
    def checkpoint(self) -> Checkpoint:
        """Which partition is being read. Where a read goes on, the ledger knows."""
        low = None if self._at is None or self._over else str(self._at.low)
        token = None if low is None else {"low": low}
        return Checkpoint(resource=f"backfill:{self._spec.name}", mode="partitions" if token else "", token=token, born=self._started)


class Abandoned:
    """Claims of readers that nobody holds any more: their partitions are free at once, and not when the lease runs out."""

    def __init__(self) -> None:
        self._claims: list[tuple[weakref.ref[BackfillReader], Claim]] = []

    def own(self, reader: BackfillReader, claim: Claim) -> None:
        self._claims = [entry for entry in self._claims if entry[0]() is not reader]
        self._claims.append((weakref.ref(reader), claim))

    def release(self) -> None:
        """Blocks."""
        left, self._claims = [entry for entry in self._claims if entry[0]() is None], [entry for entry in self._claims if entry[0]() is not None]
        for _, claim in left:
            claim.lease.release()


def _words(claim: Claim) -> str:
    return f"the partition from {claim.low} to {claim.high}"
