"""Leaving a server alone that fails: by its failure rate over a sliding window, with a few probes before it is trusted again.

State is plain numbers under a lock held for microseconds, so that one object serves threads, event loops and simulations at once. It stands before
the limits: what an open circuit refuses spends no quota and holds no permit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from integrakit._locks import StateLock
from integrakit.errors import CircuitOpen, ConfigurationError, DeadlineExceeded, ServerError, TransportError, TransportTimeout
from integrakit.http.observing import observed
from integrakit.model import Request, Response
from integrakit.model.events import CircuitChanged
from integrakit.model.exchange import origin
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["CircuitBreaker"]

CircuitState = Literal["closed", "open", "half-open"]

#: A window is remembered in so many buckets.
BUCKETS = 10
#: Each failed probe doubles the time a circuit stays open, up to so many times ``open_for``.
LONGEST_OPEN = 8.0
#: The longest ``Retry-After`` that keeps a circuit open: one probe an hour does nobody harm, whatever the server wrote.
LONGEST_ADVICE = 3600.0
#: While a probe is under way, its end decides: worth asking again after so many seconds.
SOON = 1.0
#: Circuits kept at most; a key that varies with each request must not fill the memory.
MOST_CIRCUITS = 1000

_DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=256)
def _named(start: str) -> str:
    scheme, host, port = origin(start)
    if not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{port}"


def _origin_of(url: str) -> str:
    """The origin as text. Only the beginning of the URL is looked at, so that few texts are parsed again and again."""
    end = url.find("/", 8)
    return _named(url if end < 0 else url[:end])


class _Circuit:
    """One circuit: closed with its window, open until a moment, or half-open with its probes."""

    __slots__ = ("calls", "failures", "last", "opened", "probes", "state", "turn", "until", "window")

    def __init__(self) -> None:
        self.state: CircuitState = "closed"
        self.window: deque[list[float]] = deque()  # [end of bucket, calls, failures], oldest first
        self.calls = self.failures = 0
        #: Grows with each change of state: an answer counts only in the state its request was sent in.
        self.turn = 0
        self.until = 0.0
        #: How often it opened without having been closed in between.
        self.opened = 0
        #: When each probe that is under way was sent.
        self.probes: list[float] = []
        self.last = 0.0

    def count(self, now: float, failed: bool, window: float) -> None:
        self.forget(now, window)
        bucket = window / BUCKETS
        if not self.window or self.window[-1][0] <= now:
            self.window.append([(now // bucket + 1) * bucket, 0, 0])
        self.window[-1][1] += 1
        self.calls += 1
        if failed:
            self.window[-1][2] += 1
            self.failures += 1

    def forget(self, now: float, window: float) -> None:
        while self.window and self.window[0][0] + window <= now:
            _, calls, failures = self.window.popleft()
            self.calls -= int(calls)
            self.failures -= int(failures)

    def become(self, state: CircuitState) -> tuple[str, str, int, int]:
        """What changed, for the event."""
        change = (self.state, state, self.failures, self.calls)
        self.state = state
        self.turn += 1
        self.probes = []
        if state == "closed":
            self.window.clear()
            self.calls = self.failures = self.opened = 0
        return change


class CircuitBreaker:
    """Refuses requests to a server that fails, with `CircuitOpen`, and nothing is sent.

    A circuit opens when at least ``failures`` (a share) of at least ``calls`` requests of the last ``window`` seconds failed. It stays open for
    ``open_for`` seconds, or for what ``Retry-After`` says where that is longer (an hour at most); then ``probes`` requests at a time are let through.
    The first that succeeds closes it; one that fails opens it again, for twice as long each time, up to eight times ``open_for``.

    Failures are transport errors, time-outs and 5xx but 501. 429 and other 4xx are answers of a server that works. A request that was cancelled or
    never sent counts as nothing. ``failed(response_or_error)`` may say True or False instead, and None for the usual.

    ``key``: request → text; each has a circuit of its own. The origin of the URL, unless told. A circuit belongs to the object: pass the same one to
    share it between clients.
    """

    def __init__(
        self,
        *,
        failures: float = 0.5,
        calls: int = 20,
        window: float = 30.0,
        open_for: float = 30.0,
        probes: int = 1,
        key: Callable[[Request], str] | None = None,
        failed: Callable[[Any], bool | None] | None = None,
    ) -> None:
        if isinstance(failures, bool) or not isinstance(failures, int | float) or not 0 < failures <= 1:
            raise ConfigurationError(f"CircuitBreaker(failures=…) takes a share above 0 and up to 1, such as 0.5, not {failures!r}")
        for name, number in (("calls", calls), ("probes", probes)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ConfigurationError(f"CircuitBreaker({name}=…) takes a whole number of 1 or more, not {number!r}")
        for name, seconds in (("window", window), ("open_for", open_for)):
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
                raise ConfigurationError(f"CircuitBreaker({name}=…) takes seconds above 0, not {seconds!r}")
        for name, function in (("key", key), ("failed", failed)):
            if function is not None and not callable(function):
                raise ConfigurationError(f"CircuitBreaker({name}=…) takes a function, not {function!r}")
        self._failures, self._calls, self._window = failures, calls, float(window)
        self._open_for, self._probes = float(open_for), probes
        self._key, self._failed = key, failed
        self._circuits: dict[str, _Circuit] = {}
        self._guard = StateLock(self._forked).here

    # ------------------------------------------------------------------ looking at it

    def state(self, key: str) -> CircuitState:
        """ "closed", "open" or "half-open". ``key``: a URL of the server, or what the breaker's own ``key`` gives. Open also when a probe is due."""
        with self._guard():
            circuit = self._circuits.get(self._normal(key))
            return "closed" if circuit is None else circuit.state

    def reset(self, key: str | None = None) -> None:
        """Closes the circuit of ``key``, or all of them, and forgets what was counted. Answers that are still to come count as nothing."""
        with self._guard():
            chosen = [self._normal(key)] if key is not None else list(self._circuits)
            for name in chosen:
                if (circuit := self._circuits.pop(name, None)) is not None:
                    circuit.turn += 1

    def _normal(self, key: str) -> str:
        if not isinstance(key, str):
            raise ConfigurationError(f"a circuit is named by text, such as 'https://api.example.com', not {key!r}")
        return key if self._key is not None else _origin_of(key)

    def __repr__(self) -> str:
        with self._guard():
            unwell = {name: circuit.state for name, circuit in self._circuits.items() if circuit.state != "closed"}
        return f"CircuitBreaker(failures={self._failures:g}, calls={self._calls}, window={self._window:g}, open_for={self._open_for:g})" + (
            f" {unwell}" if unwell else ""
        )

    # ------------------------------------------------------------------ one request

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        key = _origin_of(request.url) if self._key is None else self._key(request)
        if not isinstance(key, str):
            raise ConfigurationError(f"CircuitBreaker(key=…) must give text, and gave {key!r}")
        began = world.now()
        circuit, turn, change = self._admit(request, key, began)
        if change is not None and (tell := observed(request)):
            tell(CircuitChanged(request=request, key=key, before=change[0], after=change[1], failures=change[2], calls=change[3]))
        failed: bool | None = None
        advice: float | None = None
        try:
            response = await call_next(request)
            failed = self._judged(response)
            if failed and response.error is not None:
                advice = getattr(response.error, "retry_after", None)
            return response
        except Exception as problem:
            failed = self._judged(problem)
            raise
        finally:
            # Also when it was cancelled: then it counts as nothing, and a probe is given back.
            change = self._done(circuit, turn, world.now(), began, failed, advice)
            if change is not None and (tell := observed(request)):
                tell(CircuitChanged(request=request, key=key, before=change[0], after=change[1], failures=change[2], calls=change[3]))

    def _judged(self, answer: Any) -> bool | None:
        """Whether it failed; None for what tells nothing of the server."""
        if self._failed is not None and (said := self._failed(answer)) is not None:
            return bool(said)
        if isinstance(answer, Response):
            status = answer.raw.status_code
            if status >= 500:
                return bool(status != 501)  # it works, and does not know the method
            return isinstance(answer.error, ServerError)  # found by `classify` in a 200
        if isinstance(answer, DeadlineExceeded):
            # Otherwise a server that hangs would never be found out by callers who have less patience than the time-out of an attempt.
            return True if isinstance(answer.__cause__, TransportError) else None
        if isinstance(answer, TransportTimeout) and not answer.sent:
            return None  # our own pool of connections was used up
        return True if isinstance(answer, TransportError) else None

    def _admit(self, request: Request, key: str, now: float) -> tuple[_Circuit, int, tuple[str, str, int, int] | None]:
        change = None
        with self._guard():
            circuit = self._circuits.get(key)
            if circuit is None:
                circuit = self._circuits[key] = _Circuit()
                if len(self._circuits) > MOST_CIRCUITS:
                    self._drop_one(now)
            circuit.last = now
            if circuit.state == "open" and now >= circuit.until:
                change = circuit.become("half-open")
            if circuit.state == "half-open":
                # A probe that takes as long as this may never come back.
                circuit.probes = [sent for sent in circuit.probes if now - sent < self._open_for]
                if len(circuit.probes) < self._probes:
                    circuit.probes.append(now)
                    return circuit, circuit.turn, change
            elif circuit.state == "closed":
                return circuit, circuit.turn, None
            wait = min(SOON, self._open_for) if circuit.state == "half-open" else circuit.until - now
            state, failures, calls = circuit.state, circuit.failures, circuit.calls
        why = "a probe is under way" if state == "half-open" else f"the next probe is due in {wait:.1f} s"
        message = f"{request} was not sent: the circuit of {key or 'this URL'} is {state} ({failures} of {calls} calls failed); {why}"
        raise CircuitOpen(message, request=request, attempts=request.attempt - 1, retry_after=wait)

    def _done(
        self, circuit: _Circuit, turn: int, now: float, began: float, failed: bool | None, advice: float | None
    ) -> tuple[str, str, int, int] | None:
        with self._guard():
            if circuit.turn != turn:
                return None
            if circuit.state == "half-open":
                if began in circuit.probes:
                    circuit.probes.remove(began)
                if failed is None:
                    return None
                return self._open(circuit, now, advice) if failed else circuit.become("closed")
            if failed is None:
                return None
            circuit.count(now, failed, self._window)
            if failed and circuit.calls >= self._calls and circuit.failures >= self._failures * circuit.calls:
                return self._open(circuit, now, advice)
        return None

    def _open(self, circuit: _Circuit, now: float, advice: float | None) -> tuple[str, str, int, int]:
        lasting = self._open_for * min(LONGEST_OPEN, 2.0 ** min(circuit.opened, 30))
        circuit.until = now + max(lasting, min(advice or 0.0, LONGEST_ADVICE))
        circuit.opened += 1
        return circuit.become("open")

    def _drop_one(self, now: float) -> None:
        """Makes room: first a circuit that is closed and long unused, then the one unused longest."""
        *others, _ = self._circuits.items()  # the newest is the one that room is made for
        name, _ = min(others, key=lambda item: (item[1].state != "closed", item[1].last))
        del self._circuits[name]

    def _forked(self) -> None:
        # The parent's probes do not come back here.
        for circuit in self._circuits.values():
            circuit.probes = []
