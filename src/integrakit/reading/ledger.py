"""The interval ledger of a backfill: what is done, and what is being read by whom, in a store that several processes may share.

One document says which intervals are done, merged, and which are running; each running one has a lease. One more document for each partition says how
it went. It is of intervals, not of numbers: other steps, and a range that grows, go on from what is there. Everything here blocks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from integrakit.clock import Clock
from integrakit.errors import ConfigurationError, LeaseHeld, StoreError, VersionConflict
from integrakit.model import Checkpoint
from integrakit.protocols import Delete, Operation, Put, Store
from integrakit.reading.intervals import Interval, intersected, merged, without
from integrakit.reading.partitions import Grid
from integrakit.state import Lease, acquire_lease

__all__ = ["Claim", "Ledger", "Partition"]

_SPACE = "backfills"
#: Losing so many races in a row means that something else is wrong.
_ATTEMPTS = 100


@frozen(kw_only=True)
class Partition:
    """How one partition stands: ``low`` and ``high``, its ``state`` ("pending", "running", "done" or "failed"), and what is known of its read."""

    low: Any
    high: Any
    state: str
    records: int = 0
    pages: int = 0
    #: What its evidence says: True, False, or None where nothing is proved.
    complete: bool | None = None
    reasons: tuple[str, ...] = ()
    error: str = ""
    #: When it came to this state, ISO 8601 in UTC.
    at: str = ""
    #: How often its reading was begun or taken over.
    runs: int = 0

    def __str__(self) -> str:
        counts = f", {self.records} records in {self.pages} pages" if self.pages else ""
        why = self.error or "; ".join(self.reasons)
        return f"{_text(self.low)} to {_text(self.high)}: {self.state}{counts}{f' ({why})' if why else ''}"


@define(eq=False)
class Claim:
    """A partition that this run reads now, under a lease."""

    interval: Interval
    low: Any
    high: Any
    lease: Lease
    #: Where an earlier run of it stopped.
    checkpoint: Checkpoint | None
    runs: int
    pages: int = 0
    records: int = 0
    renewed: float = field(default=0.0)


class Ledger:
    """The ledger ``name`` in a store, as a grid reads it."""

    def __init__(self, store: Store, name: str, grid: Grid, *, lease: float, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._grid = grid
        self._ttl = lease
        self._clock = clock
        self._space = f"backfill:{name}"

    # ------------------------------------------------------------------ asking

    @property
    def whole(self) -> list[Interval]:
        """All that there is to do."""
        return self._grid.whole

    def _load(self) -> tuple[int, list[Interval], list[Interval]]:
        """Version, what is done, what is running."""
        entry = self._store.get(_SPACE, self._name)
        if entry is None:
            return 0, [], []
        if entry.value["kind"] != self._grid.kind:
            raise ConfigurationError(
                f"backfill {self._name!r} has a ledger of {entry.value['kind']}s, and its bounds are {self._grid.kind}s now: give it another name"
            )
        done = merged(self._within(pair) for pair in entry.value["done"])
        return entry.version, done, [self._places(pair) for pair in entry.value["running"]]

    def missing(self) -> list[Interval]:
        """What of the grid is not done."""
        return without(self._grid.whole, self._load()[1])

    def done(self) -> list[Interval]:
        return merged(self._load()[1])

    def partitions(self) -> list[Partition]:
        """All that is known of partitions that were begun, those that other steps made among them; and the rest as pending."""
        _, done, running = self._load()
        missing = without(self._grid.whole, done)
        found: list[tuple[Interval, Partition]] = []
        for entry in self._store.scan(self._space):
            value = {name: entry.value[name] for name in entry.value if name != "checkpoint"}
            interval = self._places((value["low"], value["high"]))
            if value["state"] == "running" and interval not in running:
                value["state"] = "pending"  # it was begun by a process that is gone, and will be gone on with
            if value["state"] == "done" or _touches(interval, missing):
                value["low"], value["high"] = self._grid.values(interval)
                found.append((interval, Partition(**{**value, "reasons": tuple(value["reasons"])})))
        unknown = without(self._grid.whole, [interval for interval, _ in found])
        for state, intervals in (("pending", intersected(unknown, missing)), ("done", without(unknown, missing))):
            for interval in self._grid.divided(intervals):
                low, high = self._grid.values(interval)
                found.append((interval, Partition(low=low, high=high, state=state)))
        return [partition for _, partition in sorted(found, key=lambda each: each[0])]

    # ------------------------------------------------------------------ claiming

    def claim(self, tried: list[Interval], *, newest: bool) -> Claim | None:
        """Takes the next partition that is missing, that nobody reads, and that is none of ``tried``; None where there is none.

        What a process that is gone was reading is taken over first. ``tried`` may grow meanwhile. Raises `StoreError`.
        """
        for _ in range(_ATTEMPTS):
            version, done, running = self._load()
            missing = without(self._grid.whole, [*done, *tried])
            if not missing:
                return None
            gone: dict[Interval, Lease] = {}
            try:
                for interval in running:
                    if (lease := self._lease(interval)) is not None:
                        gone[interval] = lease
                free = without(missing, [interval for interval in running if interval not in gone])
                # Only as it was: another grid cuts it otherwise.
                again = next((interval for interval in gone if not without([interval], free)), None)
                cell = again or self._grid.first(free, newest=newest)
                if cell is None:
                    return None
                mine = gone.pop(cell, None) or self._lease(cell)
                if mine is None:
                    continue
                claim = self._take(cell, mine, version, done, [interval for interval in running if interval not in (*gone, cell)], list(gone))
                if claim is not None:
                    return claim
                mine.release()
            finally:
                for lease in gone.values():
                    lease.release()
        raise StoreError(f"no partition of backfill {self._name!r} could be taken: other runs were faster {_ATTEMPTS} times in a row")

    def _lease(self, interval: Interval) -> Lease | None:
        try:
            return acquire_lease(self._store, f"backfill:{self._name}:{self._key(interval)}", ttl=self._ttl, clock=self._clock)
        except LeaseHeld:
            return None

    def _take(self, cell: Interval, lease: Lease, version: int, done: list[Interval], running: list[Interval], gone: list[Interval]) -> Claim | None:
        before = self._store.get(self._space, self._key(cell))
        value: dict[str, Any] = {} if before is None else before.value
        kept = value.get("checkpoint")
        low, high = self._grid.values(cell)
        checkpoint = None if kept is None else Checkpoint.from_dict(kept)
        claim = Claim(cell, low, high, lease, checkpoint, value.get("runs", 0) + 1, renewed=self._clock.now())
        if checkpoint is not None:
            claim.pages, claim.records = value["pages"], value["records"]
        operations: list[Operation] = [self._head(version, done, [*running, cell]), self._document(claim, "running", checkpoint=kept)]
        operations += [Delete(self._space, self._key(interval)) for interval in gone if _touches(interval, [cell])]
        return claim if self._commit(claim, operations) else None

    # ------------------------------------------------------------------ keeping

    def keep(self, claim: Claim, checkpoint: Checkpoint | None) -> None:
        """How far the partition has come. Raises `LeaseHeld` where another run has taken it over."""
        kept = None if checkpoint is None or checkpoint.token is None else checkpoint.to_dict()
        self._commit(claim, [self._document(claim, "running", checkpoint=kept)])

    def finish(
        self,
        claim: Claim,
        state: str,
        *,
        complete: bool | None = None,
        reasons: tuple[str, ...] = (),
        error: str = "",
        kept: Checkpoint | None = None,
    ) -> None:
        """The partition is "done" or "failed"; the lease is given back. Raises `LeaseHeld` where another run has taken it over: nothing was kept."""
        document = self._document(
            claim, state, complete=complete, reasons=list(reasons), error=error, checkpoint=None if kept is None else kept.to_dict()
        )
        for _ in range(_ATTEMPTS):
            version, done, running = self._load()
            done = merged([*done, claim.interval]) if state == "done" else done
            if self._commit(claim, [self._head(version, done, [each for each in running if each != claim.interval]), document]):
                claim.lease.release()
                return
        raise StoreError(f"partition {claim.low} of backfill {self._name!r} could not be kept: other runs were faster {_ATTEMPTS} times in a row")

    def forget(self, interval: Interval) -> None:
        """It is missing again."""
        for _ in range(_ATTEMPTS):
            version, done, running = self._load()
            entries = list(self._store.scan(self._space, where={"state": "done"}))
            gone = [entry.key for entry in entries if _touches(self._places((entry.value["low"], entry.value["high"])), [interval])]
            try:
                self._store.commit([self._head(version, without(done, [interval]), running), *(Delete(self._space, key) for key in gone)])
            except VersionConflict:
                continue
            return
        raise StoreError(f"backfill {self._name!r}: other runs wrote its ledger {_ATTEMPTS} times in a row")

    def _commit(self, claim: Claim, operations: list[Operation]) -> bool:
        """False where another run wrote the ledger meanwhile; `LeaseHeld` where the partition is not ours any more."""
        try:
            self._store.commit([claim.lease.renewal(), *operations])
        except VersionConflict as conflict:
            if conflict.space != "leases":
                return False
            raise LeaseHeld(
                f"the partition from {claim.low} of backfill {self._name!r} was taken over by another run, which goes on with it"
            ) from conflict
        claim.lease.renewed()
        claim.renewed = self._clock.now()
        return True

    # ------------------------------------------------------------------ documents

    def _head(self, version: int, done: list[Interval], running: list[Interval]) -> Put:
        value = {"kind": self._grid.kind, "done": [self._pair(each) for each in merged(done)], "running": [self._pair(each) for each in running]}
        return Put(_SPACE, self._name, value, expect=version)

    def _document(self, claim: Claim, state: str, **also: Any) -> Put:
        low, high = self._pair(claim.interval)
        at = self._clock.wall().isoformat(timespec="milliseconds")
        value = {"low": low, "high": high, "state": state, "records": claim.records, "pages": claim.pages, "complete": None, "reasons": []}
        return Put(self._space, self._key(claim.interval), {**value, "error": "", "at": at, "runs": claim.runs, **also}, attributes={"state": state})

    def _pair(self, interval: Interval) -> list[Any]:
        return [value if isinstance(value, int) else value.isoformat() for value in self._grid.values(interval)]

    def _places(self, pair: Any) -> Interval:
        low, high = (self._grid.scale.position(value) for value in pair)
        return low, high

    def _within(self, pair: Any) -> Interval:
        """No more than the pair: one that was noted by finer bounds may begin between two places of this grid."""
        low, high = self._places(pair)
        begins_later = self._grid.kind.endswith("time") and datetime.fromisoformat(pair[0]) > self._grid.scale.value(low)
        return low + begins_later, high

    def _key(self, interval: Interval) -> str:
        return "..".join(map(str, self._pair(interval)))


def _touches(interval: Interval, others: list[Interval]) -> bool:
    return without([interval], others) != [interval]


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
