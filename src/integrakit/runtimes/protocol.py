"""The verbs that all I/O logic is written on. Three worlds implement them: blocking, concurrent (asyncio, trio) and simulated."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from integrakit.model import Request
from integrakit.runtimes.flight import SingleFlight

T = TypeVar("T")


class Wire(Protocol):
    """How a request reaches a server: one inner client for blocking code, one for each event loop. Raises `TransportError` and its kin only."""

    def send(self, request: Request, limit: float | None) -> Any:
        """Sends and reads the whole body; ``limit`` is the time in seconds for all of it, by the clock."""
        ...

    async def asend(self, request: Request, limit: float | None) -> Any: ...

    def conceal(self, response: Any, headers: Sequence[str], params: Sequence[str]) -> None:
        """Takes credentials out of the inner library's own record of the request: it travels with the response, and with errors."""
        ...

    def answer(self, request: Request, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> Any:
        """The inner library's response, made up without a network: for simulations."""
        ...


class Waiter(Protocol):
    """One wait of one task or thread, ended from anywhere. Made by the one who waits; used once."""

    def wake(self) -> None:
        """Ends the wait, also one that has not begun. From any thread, at any time, as often as one likes."""
        ...

    async def wait(self, seconds: float | None = None) -> bool:
        """Until `wake`, or for so many seconds. Whether it was woken."""
        ...


class Background(Protocol):
    """Jobs of one owner that go on while nobody waits for them. The owner keeps it between calls, and dismisses it, when it is garbage at the latest.

    What becomes of a job, the job itself notes where its owner will look: nothing it returns gets out of here, and what it raises only to the log.
    """

    def start(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Soon, in a copy of this context."""
        ...

    def here(self) -> bool:
        """Whether the code that asks runs where the jobs do: in the same event loop, simulation or process. If not, nobody should wait for them."""
        ...

    def dismiss(self) -> None:
        """Cancels the jobs, without waiting for that. Blocking ones cannot be cancelled: those that run end by themselves, the others never begin.

        From any thread, at any time, as often as one likes.
        """
        ...


class Runtime(Protocol):
    """One world. Obtained with ``ik.runtime()``; never kept beyond the call it was asked for in."""

    #: "blocking", "concurrent" or "simulated".
    name: str

    def now(self) -> float:
        """Monotonic seconds of this world."""
        ...

    def wall(self) -> datetime:
        """The time of day of this world, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def send(self, wire: Wire, request: Request, limit: float | None) -> Any: ...

    async def blocking(self, function: Callable[..., T], *args: Any) -> T:
        """Calls a function that blocks (a store, a file) without holding up an event loop. Not interrupted by a cancellation."""
        ...

    async def gather(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """Runs the jobs, at most ``limit`` at a time; results in the jobs' order. The first exception ends the rest and is raised."""
        ...

    def background(self, most: int) -> Background:
        """Jobs that go on beyond this call, blocking ones ``most`` at a time. For what is of use in time only, and can be asked for again."""
        ...

    def waiter(self) -> Waiter:
        """A wait that another task or thread will end."""
        ...

    async def single_flight(self, flight: SingleFlight, job: Callable[[], Coroutine[Any, Any, T]], *, within: float | None = None) -> T:
        """Runs the job, or waits for the run of it that is under way and shares its result or error. One run over tasks, threads and event loops.

        Not ended by a cancellation of the caller. ``within``: the seconds one waits for another's run; then `TimeoutError`. Raises
        `ConfigurationError` when a blocking call would wait for its own thread's event loop.
        """
        ...

    async def shielded(self, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs the job to its end; a cancellation of the caller takes effect after it. For what must not be left half done."""
        ...

    async def race(self, jobs: Sequence[tuple[float, Callable[[], Coroutine[Any, Any, T]]]]) -> T:
        """Starts each job after its delay in seconds; the first one that ends decides, with its result or error, and the others are cancelled.

        Raises `ConfigurationError` in blocking code, which cannot cancel.
        """
        ...
