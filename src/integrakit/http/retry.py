"""Repeating what is safe to repeat, and waiting well in between. The strategy objects may be tenacity's: tenacity decides, the runtime sleeps."""

from __future__ import annotations

import inspect
import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from integrakit.errors import ConfigurationError, IntegrakitError, PolicyError, RateLimited, ResponseError, ServerError, TransportError
from integrakit.http.observing import observed
from integrakit.http.retry_budget import RetryBudget
from integrakit.model import Request, Response
from integrakit.model.events import RetryRefused, RetryScheduled
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["Retry"]

#: Repeating these has the effect of sending them once (RFC 9110 §9.2.2).
SAFE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
#: Name in the extensions of a request that only reads, whatever its method: a query sent by POST.
SAFE = "safe"
#: Statuses that speak of the moment, not of the request.
STATUSES = frozenset({408, 429, 502, 503, 504})
FIRST_WAIT, LONGEST_WAIT = 0.25, 20.0


def _whole(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"Retry(attempts=…) takes a whole number of 1 or more, the first attempt included, not {value!r}")


def _seconds(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ConfigurationError(f"Retry({attribute.name}=…) takes seconds, 0 or more, not {value!r}")


def _strategy(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"Retry({attribute.name}=…) takes a strategy of tenacity's or another callable, not {value!r}")


def _function(owner: Any, attribute: Any, value: Any) -> None:
    if not callable(value):
        raise ConfigurationError(f"Retry({attribute.name}=…) takes a function without arguments, such as random.random, not {value!r}")


def _budget(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and not isinstance(value, RetryBudget):
        raise ConfigurationError(f"Retry(budget=…) takes a RetryBudget, e.g. RetryBudget(share=0.2), or None for no limit, not {value!r}")


def _statuses(value: Iterable[int]) -> frozenset[int]:
    wrong = f"Retry(also=…) takes a list of statuses from 400 to 599, such as also=[500], not {value!r}"
    try:
        statuses = frozenset(value)
    except TypeError:
        raise ConfigurationError(wrong) from None
    if not all(isinstance(status, int) and not isinstance(status, bool) and 400 <= status <= 599 for status in statuses):
        raise ConfigurationError(wrong)
    return statuses


@frozen(kw_only=True)
class Retry:
    """Tries again after a failure that may pass: see the table in the documentation for which.

    GET, HEAD, PUT, DELETE and OPTIONS on 408, 429, 502, 503, 504 and transport errors; every method on 429, on 503 with ``Retry-After``, and when no
    connection was made; POST and PATCH on the rest only when an idempotency key goes with them, or when they are known to read only: GraphQL queries.
    A wait longer than ``max_wait``, or than what is left of the deadline, is not slept: the error comes at once and says when to come back. So it
    does when the host's ``budget`` is used up: a server in trouble is not asked three times as often.
    """

    #: How often to send at most, the first time included.
    attempts: int = field(default=3, validator=_whole)
    #: The longest single wait, in seconds.
    max_wait: float = field(default=60.0, validator=_seconds)
    #: Statuses to treat like 503 besides the usual ones, e.g. ``[500]`` for servers whose 500s pass.
    also: frozenset[int] = field(default=frozenset(), converter=_statuses)
    #: tenacity strategies, or callables with the same argument (a ``RetryCallState``).
    wait: Callable[[Any], float] | None = field(default=None, validator=_strategy)
    stop: Callable[[Any], bool] | None = field(default=None, validator=_strategy)
    when: Callable[[Any], bool] | None = field(default=None, validator=_strategy)
    #: How much repeating a host has to bear. Each `Retry` has one of its own; pass the same `RetryBudget` to share it, or None for no limit.
    budget: RetryBudget | None = field(factory=RetryBudget, validator=_budget)
    #: Gives a float in [0, 1); an argument so that tests can decide.
    random: Callable[[], float] = field(default=random.random, validator=_function, repr=False)

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        started = world.now()
        if self.budget is not None and self.budget.in_use:
            self.budget.deposit(_host(request.url))
        error: IntegrakitError | None = None
        for attempt in itertools.count(1):
            response: Response | None = None
            try:
                response = await call_next(request if attempt == 1 else request.copy(attempt=attempt))
                error = response.error
            except TransportError as problem:
                error = problem
            except PolicyError as refusal:
                if error is not None:
                    refusal.add_note(f"the attempt before it failed: {error}")
                raise
            if error is None:
                if response is None:  # pragma: no cover - no error means a response
                    raise AssertionError
                response.attempts = max(attempt, response.attempts)  # one that was signed anew went out twice
                return response
            wait = self._next_wait(request, error, attempt, world.now() - started)
            if wait is not None:
                why = self._against(request, wait, world.now())
                tell = observed(request)
                if why:
                    error.add_note(f"not tried again: {why}")
                    if tell:
                        tell(RetryRefused(request=request, error=error, why=why))
                    wait = None
                elif tell:
                    tell(RetryScheduled(request=request, error=error, seconds=wait))
            if wait is None:
                return _give_up(response, error, attempt, world.now() - started)
            await world.sleep(wait)
        raise AssertionError("unreachable")  # pragma: no cover

    def _against(self, request: Request, wait: float, now: float) -> str:
        """The limit that stands against a retry after ``wait`` seconds, in words; "" for none, and then it is paid for."""
        if wait > self.max_wait:
            return f"the next attempt is due in {wait:.1f} s, beyond the max_wait of {self.max_wait:g} s"
        if request.deadline is not None and wait >= request.deadline - now:
            return f"the next attempt is due in {wait:.1f} s, beyond the deadline"
        if self.budget is not None and not self.budget.take(_host(request.url), now):
            return f"the retry budget of {_host(request.url) or 'this host'} is used up: {self.budget}"
        return ""

    def _next_wait(self, request: Request, error: IntegrakitError, attempt: int, elapsed: float) -> float | None:
        """Seconds until the next attempt, or None for no more."""
        told = getattr(error, "retry_after", None)
        state = None
        if self.wait is not None or self.stop is not None or self.when is not None:
            state = _call_state(request, error, attempt, elapsed)
        if told:
            wait = float(told)
        elif self.wait is not None:
            wait = _as_seconds(_said("wait", self.wait(state)))
        else:
            # Full jitter: clients that failed together must not come back together.
            wait = float(self.random() * min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 32)))
        if state is not None:
            state.upcoming_sleep = wait  # stop_before_delay goes by it
        if _said("stop", self.stop(state)) if self.stop is not None else attempt >= self.attempts:
            return None
        if not (_said("when", self.when(state)) if self.when is not None else self.repeatable(request, error)):
            return None
        return wait

    def repeatable(self, request: Request, error: IntegrakitError) -> bool:
        """Whether sending this request again is safe, and of use, after this error."""
        safe = request.method in SAFE_METHODS or "idempotent" in request.extensions or request.extensions.get(SAFE) is True
        if isinstance(error, TransportError):
            return not error.lasting and (safe or not error.sent)
        status = getattr(error, "status_code", None)
        if isinstance(error, RateLimited) or status == 429:
            return True
        if status == 503 and error.retry_after is not None:  # type: ignore[attr-defined]
            return True
        if status is not None and status >= 400:
            return safe and (status in STATUSES or status in self.also)
        # An error that `classify` found in a 200.
        return safe and isinstance(error, ServerError)


def _host(url: str) -> str:
    """Host and port as they stand in the URL: what a budget is kept for. Never the user info before them."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _give_up(response: Response | None, error: IntegrakitError, attempts: int, elapsed: float) -> Response:
    if response is not None:
        attempts = max(attempts, response.attempts)
    if isinstance(error, TransportError | ResponseError):
        error.attempts = attempts
    if attempts > 1:
        error.add_note(f"after {attempts} attempts in {elapsed:.1f} s")
    if response is None:
        raise error
    response.attempts = attempts
    return response


def _said(argument: str, value: Any) -> Any:
    """What a strategy gave. A coroutine would be taken for a yes."""
    if not inspect.isawaitable(value):
        return value
    if inspect.iscoroutine(value):
        value.close()
    raise ConfigurationError(f"Retry({argument}=…) takes a function that is not async, and tenacity's strategies but those of tenacity.asyncio")


def _as_seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ConfigurationError(f"Retry(wait=…) must give seconds, and gave {value!r}")
    return max(0.0, float(value))


def _call_state(request: Request, error: IntegrakitError, attempt: int, elapsed: float) -> Any:
    # Imported here: tenacity costs a third of httpx's import time, and only those who bring its strategies need it.
    from tenacity import Future, RetryCallState

    state = RetryCallState(None, None, (request,), {})  # type: ignore[arg-type]
    state.attempt_number = attempt
    state.start_time -= elapsed
    state.outcome_timestamp = state.start_time + elapsed
    state.outcome = Future.construct(attempt, error, has_exception=True)
    return state
