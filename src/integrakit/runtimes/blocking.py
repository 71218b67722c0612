"""The blocking world: ordinary sync code. No await of it ever suspends, which is what lets `drive` run a whole chain with a single step."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError
from integrakit.model import Request
from integrakit.runtimes.flight import SingleFlight
from integrakit.runtimes.protocol import Background, Waiter, Wire
from integrakit.runtimes.threads import Threads

T = TypeVar("T")


class _Waiter:
    def __init__(self) -> None:
        self._event = threading.Event()
        self.wake = self._event.set

    async def wait(self, seconds: float | None = None) -> bool:
        return self._event.wait(seconds)


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

    def background(self, most: int) -> Background:
        return Threads(self._drive, most)

    def waiter(self) -> Waiter:
        return _Waiter()

    async def single_flight(self, flight: SingleFlight, job: Callable[[], Coroutine[Any, Any, T]], *, within: float | None = None) -> T:
        return await flight.run(self, None, job, within)

    async def shielded(self, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await job()  # nobody can cancel it

    async def race(self, jobs: Sequence[tuple[float, Callable[[], Coroutine[Any, Any, T]]]]) -> T:
        raise ConfigurationError(
            "a blocking call cannot run two attempts side by side and cancel one: hedging works in async code only, await client.aget()"
        )
