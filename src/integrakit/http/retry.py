"""Repeating what is safe to repeat, and waiting well in between. The strategy objects may be tenacity's: tenacity decides, the runtime sleeps."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError, IntegrakitError, RateLimited, ResponseError, ServerError, TransportError
from integrakit.model import Request, Response
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["Retry"]

#: Repeating these has the effect of sending them once (RFC 9110 §9.2.2).
SAFE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
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
    connection was made; POST and PATCH on the rest only when an idempotency key goes with them. A wait longer than ``max_wait``, or than what is left
    of the deadline, is not slept: the error comes at once and says when to come back.
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
    #: Gives a float in [0, 1); an argument so that tests can decide.
    random: Callable[[], float] = field(default=random.random, validator=_function, repr=False)

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        started = world.now()
        for attempt in itertools.count(1):
            response: Response | None = None
            error: IntegrakitError | None
            try:
                response = await call_next(request if attempt == 1 else request.copy(attempt=attempt))
                error = response.error
            except TransportError as problem:
                error = problem
            if error is None:
                if response is None:  # pragma: no cover - no error means a response
                    raise AssertionError
                response.attempts = attempt
                return response
            wait = self._next_wait(request, error, attempt, world.now() - started)
            if wait is not None:
                left = float("inf") if request.deadline is None else request.deadline - world.now()
                if wait > self.max_wait or wait >= left:
                    limit = f"max_wait of {self.max_wait:g} s" if wait > self.max_wait else "deadline"
                    error.add_note(f"not tried again: the next attempt is due in {wait:.1f} s, beyond the {limit}")
                    wait = None
            if wait is None:
                return _give_up(response, error, attempt, world.now() - started)
            await world.sleep(wait)
        raise AssertionError("unreachable")  # pragma: no cover

    def _next_wait(self, request: Request, error: IntegrakitError, attempt: int, elapsed: float) -> float | None:
        """Seconds until the next attempt, or None for no more."""
        told = getattr(error, "retry_after", None)
        state = None
        if self.wait is not None or self.stop is not None or self.when is not None:
            state = _call_state(request, error, attempt, elapsed)
        if told:
            wait = float(told)
        elif self.wait is not None:
            wait = _as_seconds(self.wait(state))
        else:
            # Full jitter: clients that failed together must not come back together.
            wait = float(self.random() * min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 32)))
        if state is not None:
            state.upcoming_sleep = wait  # stop_before_delay goes by it
        if self.stop(state) if self.stop is not None else attempt >= self.attempts:
            return None
        if not (self.when(state) if self.when is not None else self.repeatable(request, error)):
            return None
        return wait

    def repeatable(self, request: Request, error: IntegrakitError) -> bool:
        """Whether sending this request again is safe, and of use, after this error."""
        safe = request.method in SAFE_METHODS or "idempotent" in request.extensions
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


def _give_up(response: Response | None, error: IntegrakitError, attempts: int, elapsed: float) -> Response:
    if isinstance(error, TransportError | ResponseError):
        error.attempts = attempts
    if attempts > 1:
        error.add_note(f"after {attempts} attempts in {elapsed:.1f} s")
    if response is None:
        raise error
    response.attempts = attempts
    return response


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
