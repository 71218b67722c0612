"""One reconciliation on its way into a ledger: under a lease, in many commits, and of effect only with the last. Blocks.

Each attempt has a serial number of its own. The head says which attempts are done; what another one wrote is undone by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError, LeaseHeld, VersionConflict
from integrakit.protocols import Delete, Entry, Operation, Put, Store
from integrakit.reconciliation.drift.account import Drift
from integrakit.reconciliation.drift.identity import key_prefix
from integrakit.reconciliation.drift.transitions import Sighting, State, closed, held, put, seen
from integrakit.reconciliation.rules.spec import Key
from integrakit.runtimes import WorldClock, runtime
from integrakit.state import Lease, acquire_lease

__all__ = ["Recording", "Spaces", "lease_of"]

_BATCH = 500
#: Seconds; renewed with each commit, and in time where there is nothing to commit.
_LEASE = 300.0


@frozen
class Spaces:
    """Where a ledger keeps what. The name of the lease is that of ``items``."""

    name: str
    head: tuple[str, str]
    items: str
    runs: str
    said: str

    @classmethod
    def of(cls, name: str) -> Spaces:
        return cls(name, ("drift", name), f"drift:{name}", f"drift-runs:{name}", f"drift-said:{name}")

    def said_of(self, store: Store) -> Callable[[str], dict[str, Any] | None]:
        """What people said about items, to be asked for in the order of ids: both are read once, side by side."""
        entries = store.scan(self.said)
        last: list[Entry | None] = [next(entries, None)]

        def said(id: str) -> dict[str, Any] | None:
            while (entry := last[0]) is not None and entry.key < id:
                last[0] = next(entries, None)
            return entry.value if entry is not None and entry.key == id else None

        return said


def lease_of(store: Store, spaces: Spaces) -> Lease:
    """Raises `LeaseHeld` while another process records, or forgets."""
    return acquire_lease(store, spaces.items, ttl=_LEASE, clock=WorldClock())


class Recording:
    """One attempt: ``with Recording(…) as recording``, then `note` what was found, `leave` what is in flight, and `end`."""

    def __init__(self, store: Store, spaces: Spaces, key: Key, at: datetime) -> None:
        self._store = store
        self._spaces = spaces
        self._key = [list(key.names), list(key.right)]
        self._at = at
        self._lease = lease_of(store, spaces)

    def __enter__(self) -> Recording:
        try:
            self._begin()
        except BaseException:
            self._lease.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lease.release()

    def _begin(self) -> None:
        entry = self._store.get(*self._spaces.head)
        if entry is not None and entry.value["key"] != self._key:
            raise ConfigurationError(
                f"the ledger {self._spaces.name!r} is of records by {entry.value['key'][0]}, and this diff is by {self._key[0]}: give it a ledger of "
                "its own"
            )
        fresh = {"key": self._key, "run": 0, "begun": 0, "done": 0}
        self._head: dict[str, Any] = {**fresh, **({} if entry is None else entry.value)}
        self._done: int = self._head["done"]
        self._serial = self._head["begun"] = self._head["begun"] + 1
        self._drift = Drift(name=self._spaces.name, run=self._head["run"] + 1, at=self._at)
        self._commit([Put(*self._spaces.head, self._head)])

    def _commit(self, operations: Sequence[Operation]) -> None:
        if not operations:
            if (self._lease.expires - runtime().wall()).total_seconds() < _LEASE / 2:
                self._lease.renew()
            return
        try:
            self._store.commit([self._lease.renewal(), *operations])
        except VersionConflict as conflict:
            raise LeaseHeld(
                f"the ledger {self._spaces.name!r} was taken over by another process, for nothing was heard of this one for {_LEASE:.0f} seconds: "
                "nothing was recorded here. Record again"
            ) from conflict
        self._lease.renewed()

    def note(self, sightings: Sequence[Sighting]) -> None:
        """These were seen."""
        known = self._store.get_many(self._spaces.items, dict.fromkeys(each.id for each in sightings))
        operations: dict[str, Put] = {}
        for each in sightings:
            entry = known.get(each.id)
            if each.id in operations or (entry is not None and entry.value["serial"] == self._serial):
                continue  # records without a key that hold the same are one item
            before = held(entry, self._done)
            state = seen(before, each, self._at)
            what = {"key": each.key, "kind": each.kind, "field": each.field} if entry is None else entry.value
            operations[each.id] = put(self._spaces.items, each.id, what, state, before, self._serial)
            self._drift.count(state["state"])
        self._commit(list(operations.values()))

    def leave(self, known: Iterable[str]) -> None:
        """Nothing can be said about these records now: what was open of them is open still."""
        operations = []
        for each in known:
            for entry in self._store.scan(self._spaces.items, prefix=key_prefix(each), where={"open": 1}):
                before = held(entry, self._done)
                if entry.value["serial"] != self._serial and before is not None:
                    operations.append(put(self._spaces.items, entry.key, entry.value, before, before, self._serial))
        self._commit(operations)

    def end(self, judged: Iterable[str]) -> Drift:
        """What was not seen is resolved, unless it is of a field that is none of the ``judged``; then all of it holds."""
        judged = frozenset(judged)
        said = self._spaces.said_of(self._store)
        operations: list[Operation] = []
        for place, entry in enumerate(self._store.scan(self._spaces.items, where={"open": 1}), 1):
            operations += self._settled(entry, judged, said)
            if len(operations) >= _BATCH or place % _BATCH == 0:
                self._commit(operations)
                operations = []
        self._commit(operations)
        run = Put(self._spaces.runs, f"{self._drift.run:09}", self._drift.to_dict())
        self._commit([run, Put(*self._spaces.head, {**self._head, "run": self._drift.run, "done": self._serial})])
        return self._drift

    def _settled(self, entry: Entry, judged: frozenset[str], said: Callable[[str], dict[str, Any] | None]) -> list[Operation]:
        before = held(entry, self._done)
        if entry.value["serial"] == self._serial:
            self._count_open(entry.value["is"], said(entry.key))
            return []
        if before is None:
            return [Delete(self._spaces.items, entry.key)]  # of an attempt that broke off
        if before["state"] == "resolved":
            return [put(self._spaces.items, entry.key, entry.value, before, None, self._serial)]  # no longer among the open ones
        field = entry.value["field"]
        if field is None or field in judged:
            self._drift.count("resolved")
            return [put(self._spaces.items, entry.key, entry.value, closed(before, self._at), before, self._serial)]
        self._count_open(before, said(entry.key))
        return [put(self._spaces.items, entry.key, entry.value, before, before, self._serial)] if entry.value["serial"] > self._done else []

    def _count_open(self, state: State, said: dict[str, Any] | None) -> None:
        owner = state["owner"] if said is None or said["owner"] is None else said["owner"]
        self._drift.count_open(datetime.fromisoformat(state["opened"]), owner)
