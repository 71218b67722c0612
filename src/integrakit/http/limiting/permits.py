"""A fair semaphore for threads, event loops and simulations in one object: first come first served, a permit is handed to whoever is next.

Plain state under a lock; the waiting itself is the runtime's. Nothing here knows of requests, or of other processes.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.runtimes import Runtime, Waiter

__all__ = ["Permit", "Permits"]

_OWN_THREAD = (
    "a blocking call waits for a permit of a concurrency limit that its own thread's event loop holds, or the call that this one was made in, and "
    "would wait for ever: use await client.aget() and its kin there"
)


class Permit:
    """One permit, or the wait for it. ``thread``: whose it is."""

    __slots__ = ("blocking", "granted", "thread", "waiter")

    def __init__(self, thread: int, waiter: Waiter | None, *, blocking: bool = False) -> None:
        self.thread = thread
        #: Whether its thread does nothing else while it waits.
        self.blocking = blocking
        self.waiter = waiter
        self.granted = waiter is None


class Permits:
    """``amount`` permits. `acquire` waits for one, `release` hands it on."""

    def __init__(self, amount: int) -> None:
        self._amount = amount
        self._held: set[Permit] = set()
        self._queue: deque[Permit] = deque()
        # Reentrant: what is collected as garbage while this thread holds it may be a task that gives its permit back.
        self._lock = threading.RLock()

    @property
    def held(self) -> int:
        return len(self._held)

    def acquire_now(self) -> Permit | None:
        """A permit if there is one for which nobody waits. Needs no runtime, and costs next to nothing."""
        with self._lock:
            if len(self._held) >= self._amount or self._queue:
                return None
            permit = Permit(threading.get_ident(), None)
            self._held.add(permit)
            return permit

    def resize(self, amount: int) -> None:
        """From now on there are so many. Nobody loses the one that he holds."""
        with self._lock:
            self._amount = amount
            woken = self._hand_on()
        for waiter in woken:
            waiter.wake()

    async def acquire(self, world: Runtime, within: float) -> Permit | None:
        """A permit, or None when none became free ``within`` so many seconds.

        Raises `ConfigurationError` where a blocking call would wait for what only its own thread can give back.
        """
        permit = self.acquire_now()
        if permit is not None or within <= 0:
            return permit
        waiter = world.waiter()
        permit = Permit(threading.get_ident(), waiter, blocking=world.name == "blocking")
        self._enqueue(permit)
        try:
            await waiter.wait(None if within == float("inf") else within)
        except BaseException:
            # Cancelled in the very moment it was granted: passed on.
            self.release(permit)
            raise
        with self._lock:
            # Timed out in the moment it was granted: then it is taken.
            if not permit.granted:
                self._queue.remove(permit)
                return None
        return permit

    def _enqueue(self, permit: Permit) -> None:
        with self._lock:
            if permit.blocking:
                if self._stuck(permit.thread):
                    raise ConfigurationError(_OWN_THREAD)
                # Before the tasks of its own thread: none of them goes on before this call returns.
                place = next((index for index, other in enumerate(self._queue) if other.thread == permit.thread), len(self._queue))
                self._queue.insert(place, permit)
            else:
                self._queue.append(permit)
            # One may have come back since it was asked for.
            woken = self._hand_on()
        for waiter in woken:
            waiter.wake()

    def _stuck(self, thread: int) -> bool:
        """Whether every permit is held in this thread, or in threads that wait for one themselves."""
        waiting = {thread, *(permit.thread for permit in self._queue if permit.blocking)}
        return len(self._held) >= self._amount and all(permit.thread in waiting for permit in self._held)

    def release(self, permit: Permit) -> None:
        """Gives a permit back, or the place in the queue where it was not granted yet. Once; more often does nothing."""
        with self._lock:
            if not permit.granted:
                if permit in self._queue:
                    self._queue.remove(permit)
                return
            self._held.discard(permit)
            woken = self._hand_on()
        for waiter in woken:
            waiter.wake()

    def _hand_on(self) -> list[Any]:
        woken = []
        while self._queue and len(self._held) < self._amount:
            permit = self._queue.popleft()
            self._held.add(permit)
            permit.granted = True
            woken.append(permit.waiter)
        return woken
