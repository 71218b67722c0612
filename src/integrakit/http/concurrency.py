"""How many requests may be in flight at once, first come first served, over tasks, threads, event loops and, where shared, processes.

The permits themselves are in `limiting.permits`. Here is what a request has to do with them: which it needs, how long it waits, and what is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError, RateLimitExceeded
from integrakit.http.limiting.away import say_back, say_lost
from integrakit.http.limiting.permits import Permits
from integrakit.http.observing import observed
from integrakit.model import Request, Response
from integrakit.model.events import Waited
from integrakit.protocols import CallNext, Store
from integrakit.runtimes import Runtime, runtime

__all__ = ["ConcurrencyLimit"]

#: A permit of a process that died comes back after the time-out of its attempt and so many seconds more: it may have waited in the rate limit.
SLACK = 60.0
#: The time-out of an attempt that has none, for this purpose.
LONG_ATTEMPT = 300.0


class _Pool:
    """The permits of one key, and how many requests are about them."""

    __slots__ = ("permits", "users")

    def __init__(self, permits: Any) -> None:
        self.permits = permits
        self.users = 0


class ConcurrencyLimit:
    """At most ``limit`` requests in flight, their bodies included; the others wait, first come first served.

    ``key``: request → text; each has permits of its own. ``max_wait``: who waits longer (seconds), or beyond the deadline, gets `RateLimitExceeded`
    and nothing is sent. ``shared``: a URL such as ``"redis://localhost:6379/0"``, or a store object, for a limit over processes; it needs a ``name``
    then, the same in all of them. Permits of a process that died come back at once on the same machine, else when its attempt would have timed out.

    A limit belongs to the object: pass the same one to share it between clients. A blocking call that would wait for its own thread's event loop
    raises `ConfigurationError`. A forked child begins with all permits free.
    """

    def __init__(
        self,
        limit: int,
        /,
        *,
        key: Callable[[Request], str] | None = None,
        shared: str | Store | None = None,
        max_wait: float = 60.0,
        name: str | None = None,
    ) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ConfigurationError(f"ConcurrencyLimit(limit) takes a whole number of 1 or more: the requests in flight, not {limit!r}")
        if key is not None and not callable(key):
            raise ConfigurationError(f"ConcurrencyLimit(key=…) takes a function of a request that gives text, not {key!r}")
        if isinstance(max_wait, bool) or not isinstance(max_wait, int | float) or not max_wait >= 0:
            raise ConfigurationError(f"ConcurrencyLimit(max_wait=…) takes seconds, 0 or more, not {max_wait!r}")
        if name is not None and (not isinstance(name, str) or not name.isprintable() or not name):
            raise ConfigurationError(f"ConcurrencyLimit(name=…) takes a text such as 'shop', not {name!r}")
        if shared is not None and name is None:
            raise ConfigurationError("ConcurrencyLimit(shared=…) needs a name=, the same in all processes that share the limit, e.g. name='shop'")
        self._limit = limit
        self._key = key
        self._max_wait = max_wait
        self._name = name or f"{limit} in flight"
        self._backend = None if shared is None else _backend_of(shared, limit)
        self._pools: dict[str, _Pool] = {}
        # Reentrant: what is collected as garbage while this thread holds it may be a task that gives its permit back.
        self._guard = StateLock(self._forked, threading.RLock).here

    # ------------------------------------------------------------------ one request

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        key = "" if self._key is None else self._key(request)
        if not isinstance(key, str):
            raise ConfigurationError(f"ConcurrencyLimit(key=…) must give text, and gave {key!r}")
        pool = self._enter(key)
        try:
            if isinstance(pool.permits, Permits):
                return await self._within(request, call_next, pool.permits)
            return await self._within_shared(request, call_next, pool.permits)
        finally:
            self._leave(key, pool)

    async def _within(self, request: Request, call_next: CallNext, permits: Permits) -> Response:
        permit = permits.acquire_now()
        if permit is None:
            permit = await self._wait(request, permits.acquire)
        try:
            response = await call_next(request)
        except BaseException:
            permits.release(permit)
            raise
        if (held := _held(request, response)) is None:
            permits.release(permit)
        else:

            async def release() -> None:
                permits.release(permit)

            held.append(release)
        return response

    async def _within_shared(self, request: Request, call_next: CallNext, permits: Any) -> Response:
        attempt = request.timeout.attempt or LONG_ATTEMPT

        def tell(change: Any) -> None:
            if change.error is not None:
                say_lost(request, self._name, change.share / self._limit, change.error)
            else:
                say_back(request, self._name, change.seconds)

        permit = await self._wait(request, lambda world, within: permits.acquire(world, within, attempt + SLACK, tell))
        try:
            response = await call_next(request)
        except GeneratorExit:
            permits.abandon(permit)  # its loop is gone: nothing can be awaited
            raise
        except BaseException:
            await permits.release(runtime(), permit, tell)
            raise
        if (held := _held(request, response)) is None:
            await permits.release(runtime(), permit, tell)
        else:
            held.append(lambda: permits.release(runtime(), permit, tell))
        return response

    async def _wait(self, request: Request, acquire: Callable[[Runtime, float], Any]) -> Any:
        world = runtime()
        began = world.now()
        left = float("inf") if request.deadline is None else request.deadline - began
        permit = await acquire(world, min(self._max_wait, left))
        waited = world.now() - began
        if permit is None:
            limit = f"max_wait of {self._max_wait:g} s" if self._max_wait <= left else "deadline"
            message = f"{request} was not sent: no permit of {self._name!r} ({self._limit}) became free in {waited:.1f} s, up to the {limit}"
            raise RateLimitExceeded(message, request=request, attempts=request.attempt - 1)
        if waited > 0 and (tell := observed(request)):
            tell(Waited(request=request, what="concurrency", seconds=waited))
        return permit

    # ------------------------------------------------------------------ the pools

    def _enter(self, key: str) -> _Pool:
        with self._guard():
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = _Pool(Permits(self._limit) if self._backend is None else self._shared(key))
            pool.users += 1
            return pool

    def _leave(self, key: str, pool: _Pool) -> None:
        with self._guard():
            pool.users -= 1
            # Only as many as are in use are kept, whatever the keys. The one without a key stays, and knows whether its shared state is there.
            if not pool.users and key and not pool.permits.held and self._pools.get(key) is pool:
                del self._pools[key]

    def _shared(self, key: str) -> Any:
        # Imported here: only a limit that is shared needs to know about processes and stores.
        from integrakit.http.limiting.permits_shared import SharedPermits

        return SharedPermits(self._backend(f"{self._name}:{key}" if key else self._name), self._limit)  # type: ignore[misc]

    def _forked(self) -> None:
        # Who held or waited for a permit does so in the parent.
        self._pools = {}

    def in_flight(self) -> int:
        """How many requests of this process have a permit, over all keys."""
        with self._guard():
            return sum(pool.permits.held for pool in self._pools.values())

    def __repr__(self) -> str:
        return f"ConcurrencyLimit({self._limit}" + ("" if self._backend is None else f", shared, name={self._name!r}") + ")"


def _held(request: Request, response: Response) -> list[Any] | None:
    """Where to put what gives a permit back once the body has been read, where that is somebody else's to do; None for now."""
    held: list[Any] | None = request.extensions.get("held")
    return None if held is None or response.raw.is_closed else held


def _backend_of(shared: Any, limit: int) -> Callable[[str], Any]:
    """What makes the shared permits of a name. No message repeats the URL: it may hold a password."""
    if isinstance(shared, Store) and not isinstance(shared, type):
        # Imported here: see above.
        from integrakit.http.limiting.permits_store import StorePermits

        return lambda name: StorePermits(shared, name, limit)
    # Imported here: see above.
    from integrakit.http.limiting.permits_redis import SCHEMES, RedisPermits, client_of

    scheme = shared.partition("://")[0].lower() if isinstance(shared, str) and "://" in shared else ""
    if scheme not in SCHEMES:
        what = f"{scheme}:// cannot hold permits" if scheme else f"not a {type(shared).__name__}" if not isinstance(shared, str) else "and no file"
        raise ConfigurationError(
            "ConcurrencyLimit(shared=…) takes a URL such as 'redis://localhost:6379/0' or a store object such as ik.open_store('state.db'), "
            f"{what}; memcached and MongoDB have no queue to wait in"
        )
    client = client_of(str(shared))
    return lambda name: RedisPermits(client, name, limit)
