"""A lease: one run at a time, over threads, processes and machines that share a store.

It is a document of the space ``leases``. Its version is what makes it safe: whoever commits with `Lease.renewal` in the commit cannot commit any more
once another run has taken the lease over, however late it wakes up. Nothing here waits or runs in the background.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from attrs import frozen

from integrakit.clock import Clock, SystemClock
from integrakit.errors import ConfigurationError, LeaseHeld, StoreError, VersionConflict
from integrakit.protocols import Delete, Entry, Put, Store, checked_text
from integrakit.state.arguments import check_clock
from integrakit.state.processes import Process, this_process

__all__ = ["Lease", "acquire_lease"]

_SPACE = "leases"
# Losing so many races in a row means that others take it again and again.
_ATTEMPTS = 10


def acquire_lease(store: Store, name: str, *, ttl: float = 60.0, clock: Clock | None = None) -> Lease:
    """Takes the lease ``name``, or raises `LeaseHeld` saying who holds it and until when.

    ``ttl``: seconds it is held without a renewal. A lease is taken over when it has expired, or at once when its holder was a process of this
    machine that is gone. ``clock`` must be the one of the other runs: the machine's, unless told.
    """
    if not isinstance(store, Store) or isinstance(store, type):
        raise ConfigurationError(f"store must be a store object, e.g. SqliteStore(path), not {type(store).__name__}")
    if not checked_text("the name of a lease", name):
        raise ConfigurationError("the name of a lease must not be empty")
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl < 1e9:
        raise ConfigurationError(f"ttl must be seconds above 0, not {ttl!r}")
    clock = SystemClock() if clock is None else check_clock(clock)
    process, holder = this_process(), uuid4().hex
    for _ in range(_ATTEMPTS):
        entry = store.get(_SPACE, name)
        if entry is not None and not _Kept.read(entry).is_free(clock.wall()):
            raise LeaseHeld(_held(entry))
        expires = clock.wall() + timedelta(seconds=ttl)
        try:
            store.commit([Put(_SPACE, name, _value(holder, process, expires), expect=0 if entry is None else entry.version)])
        except VersionConflict:
            continue
        taken = store.get(_SPACE, name)
        if taken is not None and _Kept.read(taken).holder == holder:
            return Lease(store, name, ttl=ttl, clock=clock, process=process, holder=holder, version=taken.version, expires=expires)
    raise LeaseHeld(f"the lease {name!r} could not be taken: other runs took it {_ATTEMPTS} times in a row while this one tried. Try again later")


class Lease:
    """A lease that is held. Built by `acquire_lease`; ``with`` releases it at the end.

    A run puts `renewal` into each commit and calls `renewed` after it; then no commit of a run that lost its lease is ever kept. One commit at a
    time: a lease is not for several threads at once.
    """

    def __init__(self, store: Store, name: str, *, ttl: float, clock: Clock, process: Process, holder: str, version: int, expires: datetime) -> None:
        self._store = store
        self._name = name
        self._ttl = ttl
        self._clock = clock
        self._process = process
        self._holder = holder
        self._token = version
        self._version = version
        self._expires = expires
        self._next_expires = expires
        self._released = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def token(self) -> int:
        """The fencing token: greater with every acquisition of this lease. A system that remembers the greatest it saw can refuse a late writer."""
        return self._token

    @property
    def expires(self) -> datetime:
        """When others may take it over, unless it is renewed before; aware, in UTC."""
        return self._expires

    def renewal(self) -> Put:
        """The operation that renews the lease, to be put into a commit. Raises `LeaseHeld` where this lease is not this process's any more.

        The commit raises `VersionConflict` (with ``space="leases"``) when another run has taken the lease; an expired lease that nobody took is
        renewed. Call `renewed` when the commit succeeded.
        """
        self._check_ours()
        self._next_expires = self._clock.wall() + timedelta(seconds=self._ttl)
        return Put(_SPACE, self._name, _value(self._holder, self._process, self._next_expires), expect=self._version)

    def renewed(self) -> None:
        """The commit with the latest `renewal` succeeded."""
        self._version += 1
        self._expires = self._next_expires

    def renew(self) -> None:
        """Renews it in a commit of its own, for a step that commits nothing else for long. Raises `LeaseHeld` when another run has taken it."""
        try:
            self._store.commit([self.renewal()])
        except VersionConflict as conflict:
            # Also the way back for a run that was interrupted between a commit and renewed().
            entry = self._ours()
            if entry is None:
                raise LeaseHeld(f"the lease {self._name!r} was lost: {self._who_has_it()}") from conflict
            self._version = entry.version
            self._store.commit([self.renewal()])
        self.renewed()

    def release(self) -> None:
        """Gives it back. Does nothing when it was lost, was given back before, or in a forked child of the holder."""
        if self._released or self._process.pid != os.getpid():
            return
        entry = self._ours()
        if entry is not None:
            # Lost between the two lines: it is somebody else's now, and nothing is left to give back.
            with contextlib.suppress(VersionConflict):
                self._store.commit([Delete(_SPACE, self._name, expect=entry.version)])
        self._released = True

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"Lease({self._name!r}, token={self._token}, expires={self._expires.isoformat(timespec='seconds')!r})"

    def _check_ours(self) -> None:
        if self._released:
            raise LeaseHeld(f"the lease {self._name!r} was released: acquire it again")
        if self._process.pid != os.getpid():
            raise LeaseHeld(
                f"the lease {self._name!r} is held by process {self._process.pid}, of which this one is a fork: acquire a lease of its own"
            )

    def _ours(self) -> Entry | None:
        entry = self._store.get(_SPACE, self._name)
        return entry if entry is not None and _Kept.read(entry).holder == self._holder else None

    def _who_has_it(self) -> str:
        entry = self._store.get(_SPACE, self._name)
        return "it was taken over and released since" if entry is None else _held(entry)


def _value(holder: str, process: Process, expires: datetime) -> dict[str, Any]:
    return {
        "holder": holder,
        "host": process.host,
        "pid": process.pid,
        "boot": process.boot,
        "started": process.started,
        "expires": expires.isoformat(),
    }


@frozen
class _Kept:
    """What the document says."""

    holder: str
    process: Process
    expires: datetime

    @classmethod
    def read(cls, entry: Entry) -> _Kept:
        value = entry.value
        try:
            process = Process(host=str(value["host"]), pid=int(value["pid"]), boot=value["boot"], started=value["started"])
            return cls(value["holder"], process, datetime.fromisoformat(value["expires"]).astimezone(UTC))
        except (TypeError, KeyError, ValueError) as problem:
            raise StoreError(f"{_SPACE}/{entry.key} is not a lease this version can read: delete the document if no run is under way") from problem

    def is_free(self, now: datetime) -> bool:
        return self.expires <= now or self.process.is_gone()


def _held(entry: Entry) -> str:
    kept = _Kept.read(entry)
    until = kept.expires.isoformat(sep=" ", timespec="seconds")
    return (
        f"the lease {entry.key!r} is held by process {kept.process.pid} on {kept.process.host} until {until}, longer if it goes on: "
        "another run is under way. Wait for it; if that process is gone, the lease is free then"
    )
