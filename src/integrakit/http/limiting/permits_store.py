"""Permits in a `Store`, for processes of one machine or of one database: one document for each name, changed by compare-and-swap."""

from __future__ import annotations

from typing import Any

from integrakit.errors import StoreError, VersionConflict
from integrakit.protocols import Entry, Put, Store

__all__ = ["StorePermits"]

_SPACE = "permits"
#: Who waits and does not ask for so many seconds is gone; and so is, for the counting of shares, a process after so many.
WAITER_LASTS, PROCESS_LASTS = 2.0, 60.0
#: Losing so many races in a row, one asks again later; to give a permit back is worth more.
ATTEMPTS, ATTEMPTS_TO_RELEASE = 5, 100


class StorePermits:
    """The permits of ``name`` in ``store``. All who share them must have about the same time of day."""

    def __init__(self, store: Store, name: str, limit: int) -> None:
        self._store = store
        self._name = name
        self._limit = limit

    def acquire(self, token: str, process: str, ttl: float, now: float) -> tuple[bool, int]:
        seen = 1
        for _ in range(ATTEMPTS):
            entry = self._store.get(_SPACE, self._name)
            state = _State(entry, now)
            place = next((index for index, (other, _) in enumerate(state.queue) if other == token), len(state.queue))
            granted = token in state.held or place < self._limit - len(state.held)
            state.queue = [other for other in state.queue if other[0] != token]
            if granted:
                state.held[token] = now + ttl
            else:
                state.queue.insert(place, [token, now + WAITER_LASTS])
            state.processes[process] = now + PROCESS_LASTS
            seen = len(state.processes)
            if self._kept(entry, state, ttl):
                return granted, seen
        return False, seen

    def release(self, token: str, now: float) -> None:
        for _ in range(ATTEMPTS_TO_RELEASE):
            entry = self._store.get(_SPACE, self._name)
            state = _State(entry, now)
            if token not in state.held and all(other != token for other, _ in state.queue):
                return
            state.held.pop(token, None)
            state.queue = [other for other in state.queue if other[0] != token]
            if self._kept(entry, state, 0.0):
                return

    def holders(self) -> list[str]:
        return list(_State(self._store.get(_SPACE, self._name), 0.0).held)

    def _kept(self, entry: Entry | None, state: _State, ttl: float) -> bool:
        lasts = max([ttl, PROCESS_LASTS, *(expires - state.now for expires in state.held.values())])
        value = {"held": state.held, "queue": state.queue, "processes": state.processes}
        try:
            self._store.commit([Put(_SPACE, self._name, value, expect=0 if entry is None else entry.version, ttl=lasts + 1)])
        except VersionConflict:
            return False
        return True


class _State:
    """What the document says, without what is over."""

    def __init__(self, entry: Entry | None, now: float) -> None:
        value: Any = {"held": {}, "queue": [], "processes": {}} if entry is None else entry.value
        self.now = now
        try:
            self.held = {str(token): float(expires) for token, expires in value["held"].items() if expires > now}
            self.queue = [[str(token), float(expires)] for token, expires in value["queue"] if expires > now]
            self.processes = {str(process): float(expires) for process, expires in value["processes"].items() if expires > now}
        except (TypeError, KeyError, ValueError, AttributeError) as problem:
            raise StoreError(f"{_SPACE}/{'' if entry is None else entry.key} is no document of permits that this version can read") from problem
