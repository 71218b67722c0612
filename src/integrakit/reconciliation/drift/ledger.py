"""`DriftLedger`: what reconciliations found over time, in a store: what is new, what persists, what was resolved, what came back.

One document for each item, one for each run, one for the ledger. Recording writes them in many commits and is seen as one: what it wrote counts from
its last commit on. What becomes of a single item is in ``transitions``, what it is known by in ``identity``, the words for people in ``account``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError, StoreError, VersionConflict
from integrakit.protocols import Delete, Entry, Put, Store
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.drift.account import Drift
from integrakit.reconciliation.drift.items import DriftItem, DriftState, aged, items_table
from integrakit.reconciliation.drift.recording import Recording, Spaces, lease_of
from integrakit.reconciliation.drift.sightings import Owner, Sightings, owner_checked
from integrakit.reconciliation.drift.transitions import State, held, item_of
from integrakit.reconciliation.findings import BreakKind
from integrakit.runtimes import drive, runtime
from integrakit.state import open_store

__all__ = ["DriftLedger"]

T = TypeVar("T")

_BATCH = 500
_ATTEMPTS = 20


class DriftLedger:
    """The ledger ``name`` in a store: ``DriftLedger("state.db", "shop-books").record(diff)`` after each reconciliation.

    ``owner``: who looks after what is found: a name; field (or kind of break) → name; or a function of the break and the name of the field (None for
    a missing record and the like) that gives a name or None. What it says of a field comes first, then ``Field(owner=…)``, then what it says of all;
    `assign` has the last word. ``values``: whether values and reasons are kept as text, cut; without, records that have no key are only counted.
    A store that is given as an object stays open at `close`. Raises `ConfigurationError`; `StoreError` when it is used and the store fails.
    """

    def __init__(self, store: str | os.PathLike[str] | Store, name: str, *, owner: Owner | None = None, values: bool = True) -> None:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"DriftLedger(store, name) takes the ledger's name as text, not {name!r}")
        if not isinstance(values, bool):
            raise ConfigurationError(f"DriftLedger(values=…) takes True or False, not {values!r}")
        self.name = name
        self._owner = owner_checked(owner)
        self._values = values
        self._store = open_store(store)
        self._ours = self._store is not store
        self._spaces = Spaces.of(name)

    def __repr__(self) -> str:
        return f"<DriftLedger {self.name!r}>"

    def __enter__(self) -> DriftLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- recording

    def record(self, diff: Diff) -> Drift:
        """Takes note of one reconciliation and says what has changed since the one before. Interrupted, it is simply repeated.

        A record that is in flight is left as it was; so is a field that was not compared this time. Raises `ConfigurationError` for a diff by another
        key than the ledger's and for an owner function that fails, `LeaseHeld` while another process records, `StoreError`; what was recorded before
        stands then.
        """
        return drive(self.arecord(diff))

    async def arecord(self, diff: Diff) -> Drift:
        """`record` for async code."""
        if not isinstance(diff, Diff):
            raise ConfigurationError(f"record() takes the Diff that reconcile() gives, not {type(diff).__name__}")
        return await runtime().blocking(self._record, diff, runtime().wall())

    def _record(self, diff: Diff, at: datetime) -> Drift:
        sightings = Sightings(diff.key, diff.fields, self._owner, values=self._values)
        with Recording(self._store, self._spaces, diff.key, at) as recording:
            for batch in _batches(sightings.of(diff.breaks())):
                recording.note(batch)
            for records in _batches(map(sightings.known, diff.in_flight())):
                recording.leave(records)
            return recording.end({field.name for field in diff.fields})

    # ---------------------------------------------------------------- asking

    def items(
        self,
        *,
        owner: str | None = None,
        field: str | None = None,
        kind: BreakKind | None = None,
        state: DriftState | None = None,
        age: timedelta | None = None,
        resolved: bool = False,
    ) -> Iterator[DriftItem]:
        """What is open, in the order of keys as text; with ``resolved=True`` what was resolved instead.

        Of one ``owner`` ("": nobody's), ``field``, ``kind`` or ``state`` only; ``age``: that is, or was, open for so long or longer. While a
        reconciliation is recorded, they are what they were before it.
        """
        if age is not None and not isinstance(age, timedelta):
            raise ConfigurationError(f"items(age=…) takes a timedelta, not {age!r}")
        resolved = resolved or state == "resolved"
        now = runtime().wall()
        for entry, value, said in self._held(resolved):
            item = item_of(entry, value, said)
            if (
                (owner is None or (item.owner or "") == owner)
                and (field is None or item.field == field)
                and (kind is None or item.kind == kind)
                and (state is None or item.state == state)
                and (age is None or item.age(now) >= age)
            ):
                yield item

    def _held(self, resolved: bool) -> Iterator[tuple[Entry, State, dict[str, Any] | None]]:
        head = self._store.get(*self._spaces.head)
        done = 0 if head is None else head.value["done"]
        said = self._spaces.said_of(self._store)
        # What was resolved lately is still among the open ones: those of the last reconciliation can be told as they were before it.
        for entry in self._store.scan(self._spaces.items, where=None if resolved else {"open": 1}):
            value = held(entry, done)
            if value is not None and (value["state"] == "resolved") == resolved:
                yield entry, value, said(entry.key)

    def ages(self) -> dict[str, int]:
        """Age bucket → how many open items are in it; all buckets, in order."""
        return aged(self.items(), runtime().wall())

    def oldest(self, number: int = 20) -> list[DriftItem]:
        """The open items that have been there longest, the oldest first."""
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ConfigurationError(f"oldest() takes the number of items, 0 or more, not {number!r}")
        return nsmallest(number, self.items(), key=attrgetter("opened"))

    def table(self, number: int = 20) -> str:
        """The `oldest` open items as a table of text."""
        return items_table(self.oldest(number), runtime().wall())

    def history(self) -> Iterator[Drift]:
        """What each reconciliation changed, the first one first."""
        return (Drift.from_dict(self.name, entry.value) for entry in self._store.scan(self._spaces.runs))

    # ---------------------------------------------------------------- assigning, forgetting

    def assign(self, item: DriftItem | str, owner: str | None = None, *, note: str | None = None) -> DriftItem:
        """Gives an item (or its id) an owner, a note, or both; later reconciliations keep them. An empty text takes it away again.

        May be called while a reconciliation is recorded. Raises `KeyError` for an item that is not there, `ConfigurationError`, `StoreError`.
        """
        id = item.id if isinstance(item, DriftItem) else item
        for name, text in (("owner", owner), ("note", note)):
            if text is not None and not isinstance(text, str):
                raise ConfigurationError(f"assign({name}=…) takes text, not {text!r}")
        entry, head = self._store.get(self._spaces.items, id), self._store.get(*self._spaces.head)
        state = held(entry, 0 if head is None else head.value["done"])
        if entry is None or state is None:
            raise KeyError(id)
        for _ in range(_ATTEMPTS):
            before = self._store.get(self._spaces.said, id)
            said = {"owner": None, "note": ""} if before is None else {**before.value}
            if owner is not None:
                said["owner"] = owner or None
            if note is not None:
                said["note"] = note
            try:
                self._store.commit([Put(self._spaces.said, id, said, expect=0 if before is None else before.version)])
            except VersionConflict:
                continue
            return item_of(entry, state, said)
        raise StoreError(f"assign() lost {_ATTEMPTS} races in a row for {id!r}: others assign it all the time")

    def forget_resolved(self, before: datetime) -> int:
        """Removes what was resolved before a moment, aware; returns how many. One that comes back later is new again.

        Raises `ConfigurationError`, `LeaseHeld` while a reconciliation is recorded, `StoreError`.
        """
        return drive(self.aforget_resolved(before))

    async def aforget_resolved(self, before: datetime) -> int:
        """`forget_resolved` for async code."""
        if not isinstance(before, datetime) or before.tzinfo is None:
            raise ConfigurationError(f"forget_resolved() takes an aware datetime, such as datetime.now(UTC) - timedelta(days=90), not {before!r}")
        return await runtime().blocking(self._forget, before)

    def _forget(self, before: datetime) -> int:
        with lease_of(self._store, self._spaces) as lease:
            old = (entry.key for entry, state, _ in self._held(resolved=True) if datetime.fromisoformat(state["resolved"]) < before)
            count = 0
            for batch in _batches(old):
                self._store.commit([lease.renewal(), *(Delete(space, id) for id in batch for space in (self._spaces.items, self._spaces.said))])
                lease.renewed()
                count += len(batch)
        return count

    def close(self) -> None:
        """Closes the store if it was opened here, by a path or a URL."""
        if self._ours:
            self._store.close()


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
