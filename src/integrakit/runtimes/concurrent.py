"""The async world: asyncio and trio, both through anyio. Loaded only once a loop is running, since anyio is."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import anyio
import anyio.to_thread

from integrakit.errors import TransportTimeout
from integrakit.model import Request
from integrakit.runtimes.flight import SingleFlight
from integrakit.runtimes.protocol import Background, Waiter, Wire
from integrakit.runtimes.tasks import AsyncioTasks, TrioTasks

T = TypeVar("T")


class _Waiter:
    """An event of this loop that other threads can set."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._soon = _scheduler()

    def wake(self) -> None:
        self._soon(self._event.set)

    async def wait(self, seconds: float | None = None) -> bool:
        with anyio.move_on_after(seconds):
            await self._event.wait()
        return self._event.is_set()


def _scheduler() -> Callable[[Callable[[], None]], None]:
    """What calls a function in this loop, from any thread. A loop that is over has nobody left who waits."""
    loop = asyncio._get_running_loop()
    if loop is not None:

        def in_asyncio(function: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(function)

        return in_asyncio
    trio = sys.modules["trio"]
    token = trio.lowlevel.current_trio_token()

    def in_trio(function: Callable[[], None]) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(function)

    return in_trio


class ConcurrentRuntime:
    """Every wait gives the event loop back. Stores and files are taken to a worker thread."""

    name = "concurrent"
    now = staticmethod(time.monotonic)

    @staticmethod
    def wall() -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))

    async def send(self, wire: Wire, request: Request, limit: float | None) -> Any:
        if limit is None:
            return await wire.asend(request, None)
        try:
            with anyio.fail_after(limit):
                response = await wire.asend(request, limit)
        except TimeoutError:
            raise TransportTimeout(f"{request} was not answered within {limit:g} s", request=request) from None
        return response

    async def blocking(self, function: Callable[..., T], *args: Any) -> T:
        # A commit that is cut off half-way in the caller's eyes may still have happened, so it is always waited for.
        outcome: Future[T] = Future()

        def work() -> None:
            if not outcome.set_running_or_notify_cancel():
                return
            try:
                outcome.set_result(function(*args))
            except BaseException as problem:  # noqa: BLE001 - raised where it is waited for
                outcome.set_exception(problem)

        with anyio.CancelScope(shield=True):
            try:
                await anyio.to_thread.run_sync(work)
            except anyio.get_cancelled_exc_class():
                # A task of asyncio that is cancelled by its own means does not mind the shield. Before a thread took the work up, nothing happens.
                if outcome.cancel():
                    raise
                while not outcome.done():
                    with contextlib.suppress(anyio.get_cancelled_exc_class()):
                        await anyio.sleep(0.001)
                raise
        return outcome.result()

    async def gather(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        results: list[Any] = [None] * len(jobs)
        waiting = list(enumerate(jobs))[::-1]

        async def worker() -> None:
            while waiting:
                index, job = waiting.pop()
                results[index] = await job()

        try:
            async with anyio.create_task_group() as group:
                for _ in range(min(max(1, limit), len(jobs))):
                    group.start_soon(worker)
        except BaseExceptionGroup as many:
            raise _first(many) from None
        return cast("list[T]", results)

    def background(self, most: int) -> Background:
        return TrioTasks() if asyncio._get_running_loop() is None else AsyncioTasks()

    def waiter(self) -> Waiter:
        return _Waiter()

    async def single_flight(self, flight: SingleFlight, job: Callable[[], Coroutine[Any, Any, T]], *, within: float | None = None) -> T:
        return await flight.run(self, _current_task(), job, within)

    async def shielded(self, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if asyncio._get_running_loop() is None:
            with anyio.CancelScope(shield=True):
                return await job()
        # A task of its own: asyncio's task.cancel(), unlike a cancelled scope, would reach into it.
        task = asyncio.ensure_future(job())
        cancelled: BaseException | None = None
        while not task.done():
            try:
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([task])
            except asyncio.CancelledError as problem:
                cancelled = problem
        if cancelled is not None:
            if not task.cancelled():
                task.exception()  # looked at, so that asyncio does not complain of it: the cancellation is what the caller sees
            raise cancelled
        return task.result()

    async def race(self, jobs: Sequence[tuple[float, Callable[[], Coroutine[Any, Any, T]]]]) -> T:
        ended: list[tuple[Any, Exception | None]] = []

        async def run(delay: float, job: Callable[[], Coroutine[Any, Any, T]]) -> None:
            if delay > 0:
                await anyio.sleep(delay)
            try:
                ended.append((await job(), None))
            except Exception as problem:  # noqa: BLE001 - raised below, once the others are cancelled
                ended.append((None, problem))
            group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                for delay, job in jobs:
                    group.start_soon(run, delay, job)
        except BaseExceptionGroup as many:
            raise _first(many) from None
        result, error = ended[0]
        if error is not None:
            raise error
        return cast("T", result)


def _current_task() -> Any:
    loop = asyncio._get_running_loop()
    return sys.modules["trio"].lowlevel.current_task() if loop is None else asyncio.current_task() or loop


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first leaf: callers of `gather` see the error of the job, as they would one by one."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
