"""The async world: asyncio and trio, both through anyio. Loaded only once a loop is running, since anyio is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import anyio
import anyio.to_thread

from integrakit.errors import TransportTimeout
from integrakit.model import Request
from integrakit.runtimes.protocol import Wire

T = TypeVar("T")


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
            try:
                outcome.set_result(function(*args))
            except BaseException as problem:  # noqa: BLE001 - raised where it is waited for
                outcome.set_exception(problem)

        with anyio.CancelScope(shield=True):
            try:
                await anyio.to_thread.run_sync(work)
            except anyio.get_cancelled_exc_class():
                # A task of asyncio that is cancelled by its own means does not mind the shield.
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


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first leaf: callers of `gather` see the error of the job, as they would one by one."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
