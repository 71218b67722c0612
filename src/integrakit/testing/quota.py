"""The rate limit of the simulated server: three ways in which real servers count, under one grammar.

Time is an argument. A refused request is not counted, and tells after how many seconds the next one would be let in.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["KINDS", "Quota", "parse_rates"]

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"([0-9]+) *(?:/|per ) *(?:([0-9]+) *)?(second|minute|hour|day)s?", re.IGNORECASE)
# Instants are sums of floats: a client that waits exactly as long as it was told is not refused for the last digit.
_TOLERANCE = 1e-9


@frozen
class Rate:
    """``count`` requests in ``period`` seconds."""

    count: int
    period: int


def parse_rates(text: Any) -> list[Rate]:
    """Reads ``"50/second"``, ``"100 per 15 minutes"``, several joined by ``;`` or ``,``."""
    if not isinstance(text, str):
        raise ConfigurationError(f'limit takes a text such as "50/second" or "100 per 15 minutes", not {text!r}')
    rates = []
    for part in re.split("[;,]", text):
        found = _RATE.fullmatch(part.strip())
        if found is None:
            raise ConfigurationError(
                f'limit={text!r}: {part.strip()!r} is not a rate; write "50/second", "600/minute" or "100 per 15 minutes" '
                "(units: second, minute, hour, day), several joined by ;"
            )
        count, multiple = int(found[1]), int(found[2] or 1)
        if count < 1 or multiple < 1:
            raise ConfigurationError(f"limit={text!r}: the numbers in a rate are 1 or more")
        rates.append(Rate(count, multiple * _UNITS[found[3].lower()]))
    return rates


class Meter(Protocol):
    """Counts one rate. ``wait(now)``: seconds until a request would be let in, 0 for at once; ``take(now)`` lets one in."""

    def wait(self, now: float) -> float: ...

    def take(self, now: float) -> None: ...


class SlidingLog:
    """Never more than ``count`` in any span of ``period`` seconds: the strictest, since it remembers each request."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._taken: deque[float] = deque()

    def wait(self, now: float) -> float:
        taken, period = self._taken, self._rate.period
        while taken and taken[0] + period <= now + _TOLERANCE:
            taken.popleft()
        return 0.0 if len(taken) < self._rate.count else taken[0] + period - now

    def take(self, now: float) -> None:
        self._taken.append(now)


class TokenBucket:
    """A bucket of ``count`` tokens, full at first, refilled evenly: allows a burst of ``count`` on top of the rate."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tokens = float(rate.count)
        self._at: float | None = None

    def wait(self, now: float) -> float:
        count, period = self._rate.count, self._rate.period
        if self._at is not None:
            now = max(now, self._at)
            self._tokens = min(float(count), self._tokens + (now - self._at) * count / period)
        self._at = now
        return 0.0 if self._tokens >= 1 - _TOLERANCE else (1 - self._tokens) * period / count

    def take(self, now: float) -> None:
        self._tokens -= 1


class FixedWindow:
    """At most ``count`` in each window of ``period`` seconds, counted from the zero of the clock: allows twice that across a border."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._window = -1
        self._used = 0

    def wait(self, now: float) -> float:
        window = math.floor((now + _TOLERANCE) / self._rate.period)
        if window != self._window:
            self._window, self._used = window, 0
        return 0.0 if self._used < self._rate.count else (window + 1) * self._rate.period - now

    def take(self, now: float) -> None:
        self._used += 1


KINDS: dict[str, Callable[[Rate], Meter]] = {"sliding-log": SlidingLog, "token-bucket": TokenBucket, "fixed-window": FixedWindow}


class Quota:
    """Several rates together: a request is let in by all of them or by none."""

    def __init__(self, limit: str, kind: str) -> None:
        self._meters = [KINDS[kind](rate) for rate in parse_rates(limit)]

    def admit(self, now: float) -> float:
        """0 when the request is let in (and counted), else the seconds until it would be."""
        wait = max(meter.wait(now) for meter in self._meters)
        if wait <= 0:
            for meter in self._meters:
                meter.take(now)
        return max(0.0, wait)
