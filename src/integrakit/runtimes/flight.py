"""One run of a job for all who ask for it at the same time, over tasks, threads and event loops. Processes are kept apart by a lease, not here.

Written once on `Runtime.waiter`, for all three worlds. Nothing else may live here.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError

if TYPE_CHECKING:
    from integrakit.runtimes.protocol import Runtime, Waiter

__all__ = ["SingleFlight"]

T = TypeVar("T")


class _Run:
    __slots__ = ("done", "error", "place", "result", "waiters")

    def __init__(self, place: tuple[int, Any]) -> None:
        #: Thread and task of the one who runs the job.
        self.place = place
        self.waiters: list[Waiter] = []
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None


class SingleFlight:
    """Whose job it is: keep one with what the job is about (a token, a secret), and give it to ``runtime().single_flight``.

    The job runs to its end even when the caller who began it is cancelled. Everybody who came while it ran gets its result, or its error.
    """

    def __init__(self) -> None:
        self._guard = StateLock(self._forked).here
        self._run: _Run | None = None

    async def run(self, world: Runtime, task: Any, job: Callable[[], Coroutine[Any, Any, T]], within: float | None) -> T:
        """For runtimes. ``task``: what runs here, None for blocking code. ``within``: seconds a follower waits; then `TimeoutError`."""
        here = (threading.get_ident(), task)
        until = None if within is None else world.now() + within
        while True:
            waiter: Waiter | None = None
            with self._guard():
                run = self._run
                if run is None:
                    run = self._run = _Run(here)
                else:
                    if run.place == here or (run.place[0] == here[0] and world.name == "blocking"):
                        raise ConfigurationError(
                            "a blocking call waits for something that its own thread's event loop is doing, and would wait for ever: "
                            "use await client.aget() and its kin there"
                        )
                    waiter = world.waiter()
                    run.waiters.append(waiter)
            if waiter is None:
                return await self._lead(world, run, job)
            await waiter.wait(None if until is None else max(0.0, until - world.now()))
            if not run.done:
                raise TimeoutError(f"not done within {within:g} s")
            if run.error is None:
                result: T = run.result
                return result
            if isinstance(run.error, Exception):
                # A copy: one exception raised in several threads would collect all their tracebacks.
                raise copy.copy(run.error) from run.error
            # Whoever ran it was stopped (an interrupt, an exit): that is not this caller's end.

    async def _lead(self, world: Runtime, run: _Run, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async def work() -> T:
            try:
                run.result = await job()
            except BaseException as problem:
                run.error = problem
                raise
            finally:
                with self._guard():
                    run.done = True
                    if self._run is run:
                        self._run = None
                    waiters, run.waiters = run.waiters, []
                for waiter in waiters:
                    waiter.wake()
            result: T = run.result
            return result

        return await world.shielded(work)

    def _forked(self) -> None:
        self._run = None  # the parent's goes on in the parent
