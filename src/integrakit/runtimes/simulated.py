"""The simulated world: virtual time and a heap of sleepers. A week of retries takes a millisecond, and a seed makes it happen again exactly.

Requests to the hosts registered here are answered in the process, at virtual latencies; all others go over the wire as usual, taking no virtual time.
One thread runs everything, one step at a time. A blocking call inside a simulated task runs the others from inside that task until it is done; where
several tasks block at once, the one that began last goes on first, so its elders may find that more time has passed than they asked for.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import random
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError, TransportError, TransportTimeout
from integrakit.model import Request
from integrakit.model.exchange import origin
from integrakit.runtimes.ambient import enter, leave
from integrakit.runtimes.flight import SingleFlight
from integrakit.runtimes.protocol import Background, Waiter, Wire
from integrakit.runtimes.threads import job_failed

__all__ = ["EPOCH", "Answer", "Host", "SimulatedRuntime"]

T = TypeVar("T")

#: Status, headers and body of a simulated answer; a host may also raise `TransportError`.
Answer = tuple[int, Sequence[tuple[str, str]], bytes]
Host = Callable[[Request, "SimulatedRuntime"], Coroutine[Any, Any, Answer]]

#: When a simulation begins, unless it is told.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

_FOREIGN = "a simulated task awaited something that needs a real event loop: await ik.runtime()'s verbs and integrakit's own methods only"
# A cancelled task that goes on awaiting is cancelled at each await, as in anyio; one that never gives in is closed by force.
_PATIENCE = 1000
_FOREVER = float("inf")


class _Cancelled(BaseException):
    """Thrown into a task that nobody waits for any more. Not an Exception, so that ``except Exception`` does not take it for a failure."""


class _Pause:
    """Suspends one simulated task: for some seconds, or until it is woken (infinity)."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[_Pause, None, None]:
        yield self


class _Waiter:
    def __init__(self, world: SimulatedRuntime) -> None:
        self._world = world
        self._woken = False
        self._task: Any = None

    def wake(self) -> None:
        self._woken = True
        if self._task is not None:
            self._world._wake(self._task)

    async def wait(self, seconds: float | None = None) -> bool:
        if not self._woken:
            self._task = self._world._current
            try:
                await _Pause(_FOREVER if seconds is None else max(0.0, seconds))
            finally:
                self._task = None
        return self._woken


class _Tasks:
    """Jobs in the background: tasks on the heap. What is still going on when the simulation ends, it cancels."""

    def __init__(self, world: SimulatedRuntime) -> None:
        self._world = world
        self._tasks: list[_Task] = []

    def start(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks = [task for task in self._tasks if not task.done]
        task = self._world._spawn(job())
        task.waiter = lambda: job_failed(task.error) if isinstance(task.error, Exception) else None
        self._tasks.append(task)

    def here(self) -> bool:
        return self._world._current is not None and self._world._thread == threading.get_ident()

    def dismiss(self) -> None:
        # Told at its next turn: this may be a garbage collection, in the middle of another task's step.
        for task in self._tasks:
            if not task.done:
                task.cancelled = True
                self._world._wake(task)


class _Task:
    __slots__ = ("cancelled", "context", "coroutine", "done", "error", "result", "running", "steps", "waiter")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine
        # Its own copy, as in asyncio: what a task sets in a context variable, its siblings do not see.
        self.context = contextvars.copy_context()
        self.running = False
        self.cancelled = False
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        #: Called when it is done; None when nobody waits for it.
        self.waiter: Callable[[], None] | None = None
        # A wake-up is meant for one pause; one that comes after the task went on by another way is ignored.
        self.steps = 0


def _looked_after() -> None:
    """The waiter of what `run` itself waits for: it looks at each turn."""


class SimulatedRuntime:
    """One simulation: a clock that moves only when everybody waits. ``random`` is seeded, for whatever in it must be left to chance.

    ``start`` is the time of day at the beginning, aware; ``now()`` begins at 0. Raises `ConfigurationError` when ``start`` is naive.
    """

    name = "simulated"

    def __init__(self, *, seed: int = 0, start: datetime = EPOCH) -> None:
        if not isinstance(start, datetime) or start.tzinfo is None:
            raise ConfigurationError(f"start takes an aware datetime such as datetime(2026, 1, 1, tzinfo=UTC), not {start!r}")
        self._now = 0.0
        self._start = start.astimezone(UTC)
        self._heap: list[tuple[float, int, _Task, int]] = []
        self._order = itertools.count()
        self._current: Any = None
        self._thread: int | None = None
        # Ordered, so that what is left over is cancelled in the same order each time.
        self._live: dict[_Task, None] = {}
        self._stray: list[BaseException] = []
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
        if not await self._finished(serving, _FOREVER if limit is None else max(0.0, limit)):
            # The server goes on with what it is doing, as real ones do.
            raise TransportTimeout(f"{request} took longer than its timeout of {limit:g} s", request=request)
        if serving.error is not None:
            raise serving.error
        status, headers, content = serving.result
        return wire.answer(request, status, headers, content)

    async def _finished(self, task: _Task, limit: float) -> bool:
        """Waits for a task that has just been spawned, no longer than ``limit`` seconds."""
        parent = self._current
        task.waiter = lambda: self._wake(parent)
        try:
            await _Pause(limit)
        finally:
            task.waiter = None
        return task.done

    async def blocking(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def gather(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        waiting = list(enumerate(jobs))[::-1]
        results: list[Any] = [None] * len(jobs)
        errors: list[BaseException] = []
        parent = self._current

        async def worker() -> None:
            while waiting and not errors:
                index, job = waiting.pop()
                results[index] = await job()

        workers = [self._spawn(worker()) for _ in range(min(max(1, limit), len(jobs)))]

        def one_done(task: _Task) -> Callable[[], None]:
            def note() -> None:
                if task.error is not None:
                    errors.append(task.error)
                if errors or all(each.done for each in workers):
                    self._wake(parent)

            return note

        for task in workers:
            task.waiter = one_done(task)
        try:
            while not errors and not all(task.done for task in workers):
                await _Pause(_FOREVER)
        finally:
            # Also when this task itself is cancelled: workers do not outlive the gather.
            for task in workers:
                task.waiter = _looked_after  # its end is no longer what this task waits for: a wake-up would end the next pause instead
                self._cancel(task)
        if errors:
            raise errors[0]
        return results

    def background(self, most: int) -> Background:
        return _Tasks(self)

    def waiter(self) -> Waiter:
        return _Waiter(self)

    async def single_flight(self, flight: SingleFlight, job: Callable[[], Coroutine[Any, Any, T]], *, within: float | None = None) -> T:
        return await flight.run(self, self._current, job, within)

    async def shielded(self, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        running = self._spawn(job())
        try:
            await self._finished(running, _FOREVER)
        finally:
            # Cancelled: the others go on until this one is done, as they do for a blocking call.
            while not running.done:
                self._next()
        if running.error is not None:
            raise running.error
        result: T = running.result
        return result

    async def race(self, jobs: Sequence[tuple[float, Callable[[], Coroutine[Any, Any, T]]]]) -> T:
        ended: list[_Task] = []
        parent = self._current

        async def late(delay: float, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
            if delay > 0:
                await _Pause(delay)
            return await job()

        def one_done(task: _Task) -> Callable[[], None]:
            def note() -> None:
                ended.append(task)
                self._wake(parent)

            return note

        running = [self._spawn(late(delay, job)) for delay, job in jobs]
        for task in running:
            task.waiter = one_done(task)
        try:
            while not ended:
                await _Pause(_FOREVER)
            first = ended[0]
        finally:
            for task in running:
                task.waiter = _looked_after
                self._cancel(task)
        if first.error is not None:
            raise first.error
        result: T = first.result
        return result

    # ------------------------------------------------------------------ the scheduler

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs until ``coroutine`` is done and gives its result. Raises `ConfigurationError` when everybody waits for ever.

        A blocking call inside a simulated task comes through here again: the others go on meanwhile. When the outermost call ends, whatever else is
        still going on is cancelled.
        """
        if self._thread not in (None, threading.get_ident()):
            coroutine.close()
            raise ConfigurationError("this simulation runs in another thread: a simulation has one thread only")
        outer: _Task | None = self._current
        if outer is not None:
            nested: T = self._result(self._spawn(coroutine), outer)
            return nested
        token = enter(self)
        self._thread = threading.get_ident()
        try:
            result: T = self._result(self._spawn(coroutine), None)
            self._end()
            if self._stray:
                raise self._stray[0]
            return result
        finally:
            self._end()
            self._stray.clear()
            self._heap.clear()
            self._thread = None
            leave(token)

    def _result(self, main: _Task, outer: _Task | None) -> Any:
        main.waiter = _looked_after
        try:
            while not main.done:
                if outer is not None and outer.cancelled:
                    raise _Cancelled
                self._next()
        finally:
            self._cancel(main)
        if main.error is not None:
            raise main.error
        return main.result

    def _end(self) -> None:
        """Cancels whatever is still going on."""
        while self._live:
            self._cancel(next(iter(self._live)))

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> _Task:
        task = _Task(coroutine)
        self._live[task] = None
        self._wake(task)
        return task

    def _wake(self, task: _Task, after: float = 0.0) -> None:
        heapq.heappush(self._heap, (self._now + after, next(self._order), task, task.steps))

    def _cancel(self, task: _Task) -> None:
        if task.done:
            return
        task.cancelled = True
        if not task.running:  # a running one, in the middle of a blocking call, is told where it pauses next
            self._step(task)

    def _next(self) -> None:
        if not self._heap:
            raise ConfigurationError(
                f"the simulation stands still at {self._now:g} s: {len(self._live)} tasks, and each waits for something that no task will do"
            )
        moment, _, task, steps = heapq.heappop(self._heap)
        if task.done or task.steps != steps:
            return
        self._now = max(self._now, moment)
        self._step(task)

    def _step(self, task: _Task) -> None:
        """Lets one task go on to its next pause, or to its end."""
        before, self._current = self._current, task
        task.running = True
        task.steps += 1
        try:
            pause = self._advance(task)
        except StopIteration as end:
            self._over(task, None, end.value)
        except (KeyboardInterrupt, SystemExit) as error:
            self._over(task, error, None)
            raise
        except BaseException as error:  # noqa: BLE001 - kept for whoever waits for the task
            self._over(task, error, None)
        else:
            if pause.seconds < _FOREVER:
                self._wake(task, pause.seconds)
        finally:
            task.running = False
            self._current = before

    def _advance(self, task: _Task) -> _Pause:
        """The next pause that is one. What a task should not await, and its cancellation, are thrown into it where it stands."""
        error: BaseException | None = _Cancelled() if task.cancelled else None
        for _ in range(_PATIENCE):
            pause: Any = task.context.run(task.coroutine.throw, error) if error is not None else task.context.run(task.coroutine.send, None)
            if task.cancelled:
                error = _Cancelled()
            elif not isinstance(pause, _Pause):
                error = ConfigurationError(_FOREIGN)
            else:
                return pause
        task.coroutine.close()
        raise ConfigurationError(f"a simulated task was stopped {_PATIENCE} times at one moment and goes on all the same")

    def _over(self, task: _Task, error: BaseException | None, result: Any) -> None:
        if isinstance(error, RuntimeError) and "no running event loop" in str(error):
            problem = ConfigurationError(_FOREIGN)
            problem.__cause__ = error
            error = problem
        task.done, task.error, task.result = True, error, result
        del self._live[task]
        if task.waiter is not None:
            task.waiter()
        elif error is not None and not isinstance(error, TransportError | _Cancelled):
            self._stray.append(error)
