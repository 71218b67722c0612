"""The async world: asyncio and trio, both through anyio. Loaded only once a loop is running, since anyio is."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
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
        # Shielded: a commit that is cut off half-way in the caller's eyes may still have happened.
        with anyio.CancelScope(shield=True):
            result = await anyio.to_thread.run_sync(partial(function, *args))
        return result  # noqa: RET504 - mypy takes the scope for one that may swallow an exception

    async def gather(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        results: list[Any] = [None] * len(jobs)
        slots = anyio.Semaphore(max(1, limit))

        async def work(index: int, job: Callable[[], Coroutine[Any, Any, T]]) -> None:
            async with slots:
                results[index] = await job()

        try:
            async with anyio.create_task_group() as group:
                for index, job in enumerate(jobs):
                    group.start_soon(work, index, job)
        except BaseExceptionGroup as many:
            raise _first(many) from None
        return cast("list[T]", results)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first leaf: callers of `gather` see the error of the job, as they would one by one."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
