"""Asking a second time beside the first when an answer is late: for reads whose slowest few decide. Async and simulated only.

A hedge goes through ``call_next`` like any attempt, so that it takes its own turn in circuit breaker, concurrency and rate limit. What is lost by it
is quota, which is why only a small share of requests may be hedged.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from integrakit._http import BODY_TO
from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError, PolicyError
from integrakit.http.observing import observed
from integrakit.model import Request, Response
from integrakit.model.events import HedgeSent
from integrakit.protocols import CallNext
from integrakit.runtimes import Runtime, runtime

__all__ = ["Hedge", "percentile"]

#: How many durations ``after=percentile(…)`` goes by at most, and how many it needs.
RECENT, ENOUGH = 200, 20
#: Hedges that may be saved up.
SAVED = 10.0


def percentile(share: float, /) -> Callable[[Sequence[float]], float]:
    """For ``Hedge(after=percentile(95))``: as long as 95 % of the recent answers took at most."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 100:
        raise ConfigurationError(f"percentile() takes a number above 0 and up to 100, such as 95, not {share!r}")

    def of(durations: Sequence[float]) -> float:
        return sorted(durations)[math.ceil(len(durations) * share / 100) - 1]

    return of


def _methods(value: Iterable[str]) -> frozenset[str]:
    if not isinstance(value, list | tuple | set | frozenset) or not value or not all(isinstance(each, str) and each.isalpha() for each in value):
        raise ConfigurationError(f"Hedge(methods=…) takes a list of methods such as ['GET'], not {value!r}")
    return frozenset(method.upper() for method in value)


class Hedge:
    """When no answer came for ``after`` seconds, sends the request once more beside the first: the first success wins, the other is cancelled.

    ``after``: seconds, or a function of the durations (seconds) of the latest 200 answers, such as `percentile(95)`; with fewer than 20 of them
    nothing is hedged. ``at_most`` further requests, each ``after`` seconds after the one before. ``share``: of the requests, so many may be hedged
    (and ten at once after a quiet time). ``methods`` are hedged, and every request with an idempotency key or that is known to read only. A failure
    of one decides only when no other is under way, so that a hedge that finds no free slot does no harm.

    In blocking code nothing can be cancelled: there it raises `ConfigurationError`. What is counted belongs to the object.
    """

    def __init__(
        self,
        *,
        after: float | Callable[[Sequence[float]], float] = 0.5,
        at_most: int = 1,
        share: float = 0.1,
        methods: Iterable[str] = ("GET", "HEAD", "OPTIONS"),
    ) -> None:
        if not callable(after) and (isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after < float("inf")):
            raise ConfigurationError(f"Hedge(after=…) takes seconds, or a function of recent durations such as percentile(95), not {after!r}")
        if isinstance(at_most, bool) or not isinstance(at_most, int) or at_most < 1:
            raise ConfigurationError(f"Hedge(at_most=…) takes a whole number of 1 or more, not {at_most!r}")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise ConfigurationError(f"Hedge(share=…) takes a share above 0 and up to 1, such as 0.1, not {share!r}")
        self._after, self._at_most, self._share, self._methods = after, at_most, float(share), _methods(methods)
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._left = SAVED
        self._guard = StateLock().here

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        if world.name == "blocking":
            raise ConfigurationError(
                "Hedge works in async code only, since a blocking call cannot be cancelled: use await client.aget(), "
                "or build the client without hedge="
            )
        # A file that is open can be read once only, and one that is downloaded written by one.
        again = request.method in self._methods or "idempotent" in request.extensions or request.extensions.get("safe") is True
        hedged = request.files is None and BODY_TO not in request.extensions and again
        after = self._delay() if hedged else None
        if after is None:
            began = world.now()
            response = await call_next(request)
            if hedged:
                self._note(world.now() - began)
            return response
        race = _Race(self, world, request, call_next, after)
        return await world.race([(number * after, race.runner(number)) for number in range(self._at_most + 1)])

    def _delay(self) -> float | None:
        """Seconds until the hedge, or None for none. The request counts towards the budget."""
        with self._guard():
            self._left = min(SAVED, self._left + self._share)
            if not callable(self._after):
                return float(self._after)
            if len(self._recent) < ENOUGH:
                return None
            durations = list(self._recent)
        after = self._after(durations)
        if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after < float("inf"):
            raise ConfigurationError(f"Hedge(after=…) must give seconds, and gave {after!r}")
        return float(after)

    def _note(self, seconds: float) -> None:
        with self._guard():
            self._recent.append(seconds)

    def _take(self) -> bool:
        with self._guard():
            if self._left < 1.0 - 1e-9:
                return False
            self._left -= 1.0
            return True

    def __repr__(self) -> str:
        return f"Hedge(after={self._after!r}, at_most={self._at_most}, share={self._share:g})"


class _Race:
    """One request and its hedges. Its tasks run in one loop, so plain attributes will do."""

    def __init__(self, hedge: Hedge, world: Runtime, request: Request, call_next: CallNext, after: float) -> None:
        self._hedge = hedge
        self._world = world
        self._request = request
        self._call_next = call_next
        self._after = after
        self._began = world.now()
        self._running = 0
        self._failures: list[tuple[Response | None, Exception | None]] = []

    def runner(self, number: int) -> Callable[[], Coroutine[Any, Any, Response]]:
        return lambda: self._run(number)

    async def _run(self, number: int) -> Response:
        request = self._request
        if number:
            if not self._hedge._take():
                await self._lose()
            request = request.copy()
            if tell := observed(request):
                tell(HedgeSent(request=request, after=self._after * number))
        self._running += 1
        try:
            response = await self._call_next(request)
        except Exception as problem:  # noqa: BLE001 - raised where no other attempt is under way
            self._failures.append((None, problem))
        else:
            if not _may_pass(response):
                # From the first on, also where a hedge won: that one took longer still.
                self._hedge._note(self._world.now() - self._began)
                return response
            self._failures.append((response, None))
        self._running -= 1
        if self._running:
            await self._lose()
        return self._failed()

    async def _lose(self) -> None:
        """Waits to be cancelled: whoever ends first decides."""
        while True:
            await self._world.waiter().wait()

    def _failed(self) -> Response:
        """The first failure that the server had a part in: that a hedge was refused its turn is no news."""
        response, problem = min(self._failures, key=lambda failure: isinstance(failure[1], PolicyError))
        if problem is not None:
            raise problem
        if response is None:  # pragma: no cover - no error means a response
            raise AssertionError
        return response


def _may_pass(response: Response) -> bool:
    """Whether another attempt may do better. A 404 is an answer."""
    status = response.raw.status_code
    return response.error is not None and (status == 429 or status >= 500 or status < 400)
