"""Permits that several processes share: first come first served in each process, and among the processes as the shared state says.

One caller of a process asks the shared state at a time, again and again with random pauses; the others wait behind it. When the shared state is
away, each process keeps to its share of the limit, and looks now and then whether it is back. Where permits are kept is in `permits_redis` and
`permits_store`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.http.limiting.permits import Permit, Permits
from integrakit.runtimes import Runtime, Waiter
from integrakit.state.processes import Process, this_process

__all__ = ["Backend", "Lost", "SharedPermit", "SharedPermits", "process_of"]

#: Pauses between two questions, in seconds: random in between, longer the longer one waits.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.25
#: How often a process that waits looks for permits of processes that are gone.
LOOK_FOR_GONE = 1.0
#: How often shared state that is away is tried again.
TRY_AGAIN = 5.0


class Backend(Protocol):
    """Where the permits of one name are kept. Blocking, thread-safe, fork-safe; what it raises means that it is away."""

    def acquire(self, token: str, process: str, ttl: float, now: float) -> tuple[bool, int]:
        """Whether it was granted for ``ttl`` seconds, and how many processes were seen of late. A token that is not granted keeps its place in the
        queue as long as it goes on asking. ``now``: the time of day, for those who have no clock of their own."""
        ...

    def release(self, token: str, now: float) -> None:
        """Gives back a permit, or a place in the queue."""
        ...

    def holders(self) -> list[str]: ...


@frozen
class Lost:
    """What is told when the shared state cannot be reached (``error``), or is back after ``seconds``."""

    share: int
    error: Exception | None = None
    seconds: float = 0.0


class SharedPermit:
    """A permit of this process, and its ``token`` in the shared state; "" while that is away."""

    __slots__ = ("local", "token")

    def __init__(self, local: Permit, token: str) -> None:
        self.local = local
        self.token = token


class SharedPermits:
    """The permits of one name, as one process sees them."""

    def __init__(self, backend: Backend, limit: int) -> None:
        self._backend = backend
        self._limit = limit
        self._local = Permits(limit)
        self._turn = Permits(1)
        self._poll: Waiter | None = None
        self._process = _text(this_process())
        #: How many processes shared it of late. Never heard of: as many as there can be.
        self._seen = limit
        self._lost_since: float | None = None
        self._try_at = float("-inf")

    @property
    def held(self) -> int:
        return self._local.held

    async def acquire(self, world: Runtime, within: float, ttl: float, tell: Callable[[Lost], None]) -> SharedPermit | None:
        """A permit, or None when none became free ``within`` so many seconds. It comes back by itself after ``ttl`` seconds."""
        until = world.now() + within
        while True:
            local = await self._local.acquire(world, until - world.now())
            if local is None:
                return None
            try:
                token = await self._ask(world, until, ttl, tell)
            except BaseException:
                self._local.release(local)
                raise
            if token is not None:
                return SharedPermit(local, token)
            self._local.release(local)
            if self._lost_since is None:
                return None
            # Away since: this one was let in under the whole limit, and must come in again under the share.

    async def _ask(self, world: Runtime, until: float, ttl: float, tell: Callable[[Lost], None]) -> str | None:
        """A token, "" where the shared state is known to be away, None where there was none in time or it has just gone away."""
        if self._lost_since is not None and world.now() < self._try_at:
            return ""
        turn = await self._turn.acquire(world, until - world.now())
        if turn is None:
            return None
        try:
            if self._lost_since is not None:
                if world.now() < self._try_at:
                    return None
                self._try_at = world.now() + TRY_AGAIN  # the others do not wait for this one
            return await self._poll_for(world, until, ttl, tell)
        finally:
            self._turn.release(turn)

    async def _poll_for(self, world: Runtime, until: float, ttl: float, tell: Callable[[Lost], None]) -> str | None:
        token = json.dumps([uuid4().hex, self._process])
        pause, look_at = SHORTEST_PAUSE, float("-inf")
        try:
            while True:
                granted, seen = await world.blocking(self._backend.acquire, token, self._process, ttl, world.wall().timestamp())
                self._seen = max(1, seen)
                self._is_back(world, tell)
                if granted:
                    return token
                if world.now() >= look_at:
                    look_at = world.now() + LOOK_FOR_GONE
                    if await world.blocking(self._free_gone, world.wall().timestamp()):
                        continue
                if world.now() >= until:
                    await world.blocking(self._backend.release, token, world.wall().timestamp())
                    return None
                self._poll = waiter = world.waiter()
                await waiter.wait(min(until - world.now(), random.uniform(SHORTEST_PAUSE, pause)))
                pause = min(LONGEST_PAUSE, pause * 2)
        except ConfigurationError:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever it is, the shared state is of no use now, and the observers are told
            self._is_away(world, problem, tell)
            return None
        except GeneratorExit:
            raise  # the loop is gone, nothing can be awaited: the token goes by itself
        except BaseException:
            await self._free(world, token, tell)
            raise
        finally:
            self._poll = None

    def _free_gone(self, now: float) -> bool:
        """Frees what processes of this machine hold that are gone. Whether there were any."""
        found = False
        for token in self._backend.holders():
            process = process_of(token)
            if process is not None and process.is_gone():
                self._backend.release(token, now)
                found = True
        return found

    async def release(self, world: Runtime, permit: SharedPermit, tell: Callable[[Lost], None]) -> None:
        """Gives it back. Does not fail: where the shared state is away, the permit comes back by itself later."""
        try:
            if permit.token:
                await self._free(world, permit.token, tell)
        finally:
            self._local.release(permit.local)
            if (waiter := self._poll) is not None:
                waiter.wake()

    async def _free(self, world: Runtime, token: str, tell: Callable[[Lost], None]) -> None:
        try:
            await world.blocking(self._backend.release, token, world.wall().timestamp())
        except Exception as problem:  # noqa: BLE001 - see above
            self._is_away(world, problem, tell)

    def abandon(self, permit: SharedPermit) -> None:
        """The same where nothing can be awaited any more: only this process's own is given back at once."""
        self._local.release(permit.local)

    def _is_away(self, world: Runtime, problem: Exception, tell: Callable[[Lost], None]) -> None:
        self._try_at = world.now() + TRY_AGAIN
        if self._lost_since is None:
            self._lost_since = world.now()
            share = max(1, self._limit // self._seen)
            self._local.resize(share)
            tell(Lost(share, error=problem))

    def _is_back(self, world: Runtime, tell: Callable[[Lost], None]) -> None:
        if (since := self._lost_since) is not None:
            self._lost_since = None
            self._local.resize(self._limit)
            tell(Lost(self._limit, seconds=world.now() - since))


def _text(process: Process) -> str:
    return json.dumps([process.host, process.pid, process.boot, process.started])


def process_of(token: str) -> Process | None:
    """Whose token it is, or None for one that cannot be read."""
    try:
        _, text = json.loads(token)
        host, pid, boot, started = json.loads(text)
        return Process(host=host, pid=pid, boot=boot, started=started)
    except (ValueError, TypeError):
        return None
