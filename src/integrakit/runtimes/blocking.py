"""The blocking world: ordinary sync code. No await of it ever suspends, which is what lets `drive` run a whole chain with a single step."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from integrakit.model import Request
from integrakit.runtimes.protocol import Wire

T = TypeVar("T")


class BlockingRuntime:
    """Sleeps with ``time.sleep``, sends with a blocking client, works side by side in threads."""

    name = "blocking"

    def __init__(self, drive: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._drive = drive

    now = staticmethod(time.monotonic)

    @staticmethod
    def wall() -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)  # noqa: ASYNC251 - this world blocks on purpose

    async def send(self, wire: Wire, request: Request, limit: float | None) -> Any:
        return wire.send(request, limit)

    async def blocking(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def gather(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        if limit <= 1 or len(jobs) <= 1:
            return [await job() for job in jobs]
        # Imported here: a third of httpx's own import time, for those who work side by side only.
        from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

        with ThreadPoolExecutor(max_workers=min(limit, len(jobs)), thread_name_prefix="integrakit") as pool:
            futures = [pool.submit(contextvars.copy_context().run, self._work, job) for job in jobs]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                failed = next((future for future in futures if future in done and future.exception() is not None), None)
                if failed is not None:
                    failed.result()
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def _work(self, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        result: T = self._drive(job())
        return result
