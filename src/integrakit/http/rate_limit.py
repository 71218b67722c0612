"""Using a quota to the full and never being refused: by reservation, not by polling.

`RateLimit.reserve` books a slot and says how long to wait for it, first come first served. Windows up to a minute are paced evenly (GCRA: one float
says when the next slot is); longer ones are counted budgets. State is plain numbers under a lock held for microseconds, so that one object serves
threads, event loops and simulations at once.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from integrakit.errors import ConfigurationError, RateLimitExceeded
from integrakit.model import Request, Response
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["RateLimit", "Reservation"]

#: Windows up to this many seconds are paced, longer ones are counted.
PACED_UP_TO = 60.0
#: A server's advice from this many seconds on means that the whole quota is gone, not only this caller's turn.
EVERYBODY_WAITS_FROM = 5.0


class _Paced:
    """GCRA: slots ``interval`` apart, ``burst`` of them at once at most. Slots given back are handed out again before new ones."""

    def __init__(self, amount: int, seconds: float, margin: float, burst: int) -> None:
        self.capacity = amount
        self._interval = seconds / (amount * (1.0 - margin))
        self._tolerance = (burst - 1) * self._interval
        self._next = float("-inf")
        self._returned: list[tuple[float, int]] = []

    def earliest(self, now: float, cost: int) -> float:
        self._returned = [slot for slot in self._returned if slot[0] >= now]
        if any(size >= cost for _, size in self._returned):
            return min(start for start, size in self._returned if size >= cost)
        return max(now, self._next - self._tolerance)

    def book(self, start: float, cost: int) -> None:
        for slot in self._returned:
            if slot[0] == start and slot[1] >= cost:
                self._returned.remove(slot)
                return
        self._next = max(self._next, start) + cost * self._interval

    def give_back(self, start: float, cost: int) -> None:
        self._returned.append((start, cost))

    def pause(self, until: float) -> None:
        self._next = max(self._next, until + self._tolerance)
        self._returned = [slot for slot in self._returned if slot[0] >= until]


class _Counted:
    """At most ``amount`` in any window of ``seconds``, remembered in a hundred buckets a window."""

    def __init__(self, amount: int, seconds: float, margin: float) -> None:
        self.capacity = max(1, int(amount * (1.0 - margin)))
        self._seconds = seconds
        self._bucket = seconds / 100
        self._used: deque[list[float]] = deque()  # [end of bucket, cost], oldest first
        self._total = 0
        self._paused = float("-inf")

    def earliest(self, now: float, cost: int) -> float:
        while self._used and self._used[0][0] + self._seconds <= now:
            self._total -= int(self._used.popleft()[1])
        start, free = now, self.capacity - self._total
        for end, used in self._used:
            if free >= cost:
                break
            start, free = end + self._seconds, free + int(used)
        return max(now, start, self._paused)

    def book(self, start: float, cost: int) -> None:
        end = (start // self._bucket + 1) * self._bucket
        if self._used and self._used[-1][0] >= end:
            self._used[-1][1] += cost
        else:
            self._used.append([end, cost])
        self._total += cost

    def give_back(self, start: float, cost: int) -> None:
        # It counts for as long as its bucket does; the amount leaves the newest bucket, which is the strict side.
        if self._used:
            back = min(cost, int(self._used[-1][1]))
            self._used[-1][1] -= back
            self._total -= back

    def pause(self, until: float) -> None:
        self._paused = max(self._paused, until)


class Reservation:
    """A booked slot: ``delay`` seconds from now. `cancel` gives it back, once."""

    __slots__ = ("_cost", "_limit", "delay", "start")

    def __init__(self, limit: RateLimit, start: float, delay: float, cost: int) -> None:
        self._limit: RateLimit | None = limit
        self.start = start
        self.delay = delay
        self._cost = cost

    def cancel(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None:
            limit._give_back(self.start, self._cost)


class RateLimit:
    """Several quotas at once, e.g. ``RateLimit("2/second; 100000/day")``: ``N/unit`` or ``N per M unit``, joined by ``;`` or ``,``.

    ``margin`` stays that share below the server's number, since clocks and networks differ. ``burst`` requests may go at once after a pause.
    ``max_wait``: a slot further away (seconds) is not waited for: `RateLimitExceeded` says when to come back. A limit belongs to the object: pass the
    same one to share it between clients.
    """

    def __init__(self, rate: str, /, *, margin: float = 0.02, burst: int = 1, max_wait: float = 60.0) -> None:
        if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 <= margin < 1:
            raise ConfigurationError(f"RateLimit(margin=…) takes a share from 0 to below 1, such as 0.02, not {margin!r}")
        if isinstance(burst, bool) or not isinstance(burst, int) or burst < 1:
            raise ConfigurationError(f"RateLimit(burst=…) takes a whole number of 1 or more, not {burst!r}")
        if isinstance(max_wait, bool) or not isinstance(max_wait, int | float) or not max_wait >= 0:
            raise ConfigurationError(f"RateLimit(max_wait=…) takes seconds, 0 or more, not {max_wait!r}")
        self._text = rate
        self._max_wait = max_wait
        self._quotas: list[_Paced | _Counted] = []
        for amount, seconds in _parse(rate):
            paced = seconds <= PACED_UP_TO
            self._quotas.append(_Paced(amount, seconds, margin, burst) if paced else _Counted(amount, seconds, margin))
        self._lock = threading.Lock()

    def reserve(self, cost: int = 1, *, now: float) -> Reservation:
        """Books ``cost`` units of all quotas together, at the runtime's ``now``. The caller waits ``delay``, or cancels.

        Raises `ConfigurationError` when ``cost`` is more than a quota ever holds.
        """
        smallest = min(quota.capacity for quota in self._quotas)
        if isinstance(cost, bool) or not isinstance(cost, int) or not 1 <= cost <= smallest:
            raise ConfigurationError(f"cost={cost!r} can never be granted by the rate limit {self._text!r}: give a whole number from 1 to {smallest}")
        with self._lock:
            start = max(quota.earliest(now, cost) for quota in self._quotas)
            for quota in self._quotas:
                quota.book(start, cost)
        return Reservation(self, start, start - now, cost)

    def pause(self, until: float) -> None:
        """Nobody goes before ``until`` (the runtime's ``now``): the server said that the quota is gone."""
        with self._lock:
            for quota in self._quotas:
                quota.pause(until)

    def _give_back(self, start: float, cost: int) -> None:
        with self._lock:
            for quota in self._quotas:
                quota.give_back(start, cost)

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        now = world.now()
        booking = self.reserve(request.cost, now=now)
        if booking.delay > 0:
            left = float("inf") if request.deadline is None else request.deadline - now
            if booking.delay > self._max_wait or booking.delay >= left:
                booking.cancel()
                limit = f"max_wait of {self._max_wait:g} s" if booking.delay > self._max_wait else "deadline"
                raise RateLimitExceeded(
                    f"{request} was not sent: the next free slot of {self._text!r} is {booking.delay:.1f} s away, beyond the {limit}",
                    request=request,
                    retry_after=booking.delay,
                )
            try:
                await world.sleep(booking.delay)
            except BaseException:
                booking.cancel()
                raise
        response = await call_next(request)
        if response.raw.status_code == 429:
            told = getattr(response.error, "retry_after", None)
            if told is not None and (told >= EVERYBODY_WAITS_FROM or response.headers.get("x-ratelimit-remaining") == "0"):
                self.pause(world.now() + told)
        return response

    def __repr__(self) -> str:
        return f"RateLimit({self._text!r})"


def _parse(rate: Any) -> list[tuple[int, float]]:
    # Imported here: limits costs more to import than httpx, and a client without a limit does not need it.
    from limits import parse_many

    wrong = f"a rate limit is written like '2/second', '100 per 10 seconds' or '2/second; 100000/day', not {rate!r}"
    if not isinstance(rate, str):
        raise ConfigurationError(wrong)
    try:
        quotas = [(item.amount, float(item.get_expiry())) for item in parse_many(rate)]
    except ValueError as problem:
        raise ConfigurationError(wrong) from problem
    if not quotas or any(amount < 1 or seconds <= 0 for amount, seconds in quotas):
        raise ConfigurationError(wrong)
    return quotas
