"""The simulated world: virtual time and a heap of sleepers. A week of retries takes a millisecond, and a seed makes it happen again exactly.

Requests to the hosts registered here are answered in the process, at virtual latencies; all others go over the wire as usual, taking no virtual time.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Coroutine, Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError, TransportTimeout
from integrakit.model import Request
from integrakit.model.exchange import origin
from integrakit.runtimes.ambient import enter, leave
from integrakit.runtimes.protocol import Wire

__all__ = ["Answer", "Host", "SimulatedRuntime"]

T = TypeVar("T")

#: Status, headers and body of a simulated answer; a host may also raise `TransportError`.
Answer = tuple[int, Sequence[tuple[str, str]], bytes]
Host = Callable[[Request, "SimulatedRuntime"], Coroutine[Any, Any, Answer]]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _Pause:
    """Suspends one simulated task: for some seconds, or until it is woken (None)."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[_Pause, None, None]:
        yield self


class _Task:
    __slots__ = ("coroutine", "done", "error", "result", "steps", "waiter")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.waiter: Callable[[], None] | None = None
        # A wake-up is meant for one pause; one that comes after the task went on by another way is ignored.
        self.steps = 0


class SimulatedRuntime:
    """One simulation: a clock that moves only when everybody waits. ``random`` is seeded, for whatever in it must be left to chance."""

    name = "simulated"

    def __init__(self, *, seed: int = 0, start: datetime = _EPOCH) -> None:
        self._now = 0.0
        self._start = start
        self._heap: list[tuple[float, int, _Task, int]] = []
        self._order = itertools.count()
        self._current: Any = None
        self.random = random.Random(seed)
        #: origin → host; `integrakit.testing.Simulator` registers itself here.
        self.hosts: dict[tuple[str, str, int | None], Host] = {}

    def now(self) -> float:
        return self._now

    def wall(self) -> datetime:
        return self._start + timedelta(seconds=self._now)

    async def sleep(self, seconds: float) -> None:
        await _Pause(max(0.0, seconds))

    async def send(self, wire: Wire, request: Request, limit: float | None) -> Any:
        host = self.hosts.get(origin(request.url))
        if host is None:
            return wire.send(request, limit)
        serving = self._spawn(host(request, self))
        if not await self._finished(serving, limit):
            # The server goes on with what it is doing, as real ones do.
            raise TransportTimeout(f"{request!r} took longer than its timeout of {limit:g} s", request=request)
        if serving.error is not None:
            raise serving.error
        status, headers, content = serving.result
        return wire.answer(request, status, headers, content)

    async def _finished(self, task: _Task, limit: float | None) -> bool:
        """Waits for a task, no longer than ``limit`` seconds."""
        parent = self._current
        task.waiter = lambda: self._wake(parent)
        if limit is not None:
            self._wake(parent, limit)
        if not task.done:
            await _Pause(None)
        task.waiter = None
        return task.done

    async def blocking(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def gather(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        waiting = list(enumerate(jobs))[::-1]
        results: list[Any] = [None] * len(jobs)
        finished: list[BaseException | None] = []
        parent = self._current

        async def worker() -> None:
            while waiting and not any(finished):
                index, job = waiting.pop()
                results[index] = await job()

        workers = [self._spawn(worker()) for _ in range(min(max(1, limit), len(jobs)))]

        def one_done(task: _Task) -> Callable[[], None]:
            def note() -> None:
                finished.append(task.error)
                if task.error is not None or len(finished) == len(workers):
                    self._wake(parent)

            return note

        for task in workers:
            task.waiter = one_done(task)
        while len(finished) < len(workers) and not any(finished):
            await _Pause(None)
        for error in finished:
            if error is not None:
                for task in workers:
                    self._cancel(task)
                raise error
        return results

    # ------------------------------------------------------------------ the scheduler

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> _Task:
        task = _Task(coroutine)
        self._wake(task)
        return task

    def _wake(self, task: _Task, after: float = 0.0) -> None:
        heapq.heappush(self._heap, (self._now + after, next(self._order), task, task.steps))

    def _cancel(self, task: _Task) -> None:
        if not task.done:
            task.done = True
            task.coroutine.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs until ``coroutine`` is done and gives its result. Raises `ConfigurationError` when everybody waits for ever.

        A blocking call inside a simulated task comes through here again: the others go on meanwhile.
        """
        outer = self._current
        token = enter(self) if outer is None else None
        main = self._spawn(coroutine)
        try:
            while not main.done:
                self._next()
        finally:
            self._cancel(main)
            self._current = outer
            if token is not None:
                for _, _, task, _ in self._heap:
                    self._cancel(task)
                self._heap.clear()
                leave(token)
        if main.error is not None:
            raise main.error
        result: T = main.result
        return result

    def _next(self) -> None:
        if not self._heap:
            raise ConfigurationError("the simulation stands still: a task waits for something that no task will do")
        moment, _, task, steps = heapq.heappop(self._heap)
        if task.done or task.steps != steps:
            return
        self._now = max(self._now, moment)
        self._step(task)

    def _step(self, task: _Task) -> None:
        self._current = task
        task.steps += 1
        try:
            pause = task.coroutine.send(None)
        except StopIteration as end:
            task.done, task.result = True, end.value
        except BaseException as error:  # noqa: BLE001 - kept for whoever waits for the task
            task.done, task.error = True, error
        else:
            if not isinstance(pause, _Pause):
                task.done = True
                task.coroutine.close()
                task.error = ConfigurationError("a simulated task awaited something that needs a real event loop: await ik.runtime()'s verbs only")
            elif pause.seconds is not None:
                self._wake(task, pause.seconds)
        if task.done and task.waiter is not None:
            task.waiter()
