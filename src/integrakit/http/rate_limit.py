"""Using a quota to the full and never being refused: by reservation, not by polling.

`RateLimit.reserve` books a slot and says how long to wait for it, first come first served. Windows up to a minute are paced evenly (GCRA: one float
says when the next slot is); longer ones are counted budgets. State is plain numbers under a lock held for microseconds, so that one object serves
threads, event loops and simulations at once.
"""

from __future__ import annotations

import math
import os
import re
import threading
from collections import deque
from typing import Any

from integrakit.errors import ConfigurationError, RateLimited, RateLimitExceeded
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
        self._paused = float("-inf")
        self._returned: list[tuple[float, int]] = []

    def forget(self, now: float) -> None:
        if self._returned:
            self._returned = [slot for slot in self._returned if slot[0] >= now]

    def earliest(self, at: float, cost: int) -> float:
        """The first moment from ``at`` on when it would do."""
        fresh = max(at, self._next - self._tolerance)
        return min((start for start, size in self._returned if at <= start < fresh and size >= cost), default=fresh)

    def book(self, start: float, cost: int) -> Any:
        """Takes the slot at ``start``; what it returns is for `give_back`."""
        for slot in self._returned:
            if slot[0] == start and slot[1] >= cost:
                self._returned.remove(slot)
                return slot, None
        before = self._next
        self._next = max(before, start) + cost * self._interval
        return (start, cost), (before, self._next)

    def give_back(self, ticket: Any) -> None:
        slot, moved = ticket
        if moved is not None and moved[1] == self._next:
            self._next = moved[0]  # the last one booked: as if it had never been
        elif slot[0] >= self._paused:
            self._returned.append(slot)

    def pause(self, until: float) -> None:
        self._paused = max(self._paused, until)
        self._next = max(self._next, until + self._tolerance)
        self._returned = [slot for slot in self._returned if slot[0] >= until]


class _Counted:
    """At most ``amount`` in any window of ``seconds``, remembered in a hundred buckets a window."""

    def __init__(self, amount: int, seconds: float, margin: float) -> None:
        # Rounded up: of "2/day" the margin must not take one. The tiny amount undoes what floats add.
        self.capacity = math.ceil(amount * (1.0 - margin) - 1e-9)
        self._seconds = seconds
        self._bucket = seconds / 100
        self._used: deque[list[float]] = deque()  # [end of bucket, cost], oldest first
        self._total = 0
        self._paused = float("-inf")

    def forget(self, now: float) -> None:
        while self._used and self._used[0][0] + self._seconds <= now:
            self._total -= int(self._used.popleft()[1])

    def earliest(self, at: float, cost: int) -> float:
        """The first moment from ``at`` on when it would do."""
        start, free = at, self.capacity - self._total
        for end, used in self._used:
            if free >= cost:
                break
            start, free = end + self._seconds, free + int(used)
        return max(at, start, self._paused)

    def book(self, start: float, cost: int) -> Any:
        """Counts it at ``start``, or in the newest bucket if that is later; what it returns is for `give_back`."""
        end = (start // self._bucket + 1) * self._bucket
        if self._used and self._used[-1][0] >= end:
            self._used[-1][1] += cost
        else:
            self._used.append([end, cost])
        self._total += cost
        return self._used[-1], cost

    def give_back(self, ticket: Any) -> None:
        bucket, cost = ticket
        if self._used and self._used[0][0] <= bucket[0]:  # otherwise it is forgotten already
            bucket[1] -= cost
            self._total -= cost

    def pause(self, until: float) -> None:
        self._paused = max(self._paused, until)


class Reservation:
    """A booked slot: ``delay`` seconds from now. `cancel` gives it back, once. One that was too far away was not booked at all."""

    __slots__ = ("_limit", "_tickets", "delay", "start")

    def __init__(self, limit: RateLimit, start: float, delay: float, tickets: list[Any]) -> None:
        self._limit = limit
        self.start = start
        self.delay = delay
        self._tickets = tickets

    def cancel(self) -> None:
        self._limit._give_back(self)

    def _take_tickets(self) -> list[Any]:
        tickets, self._tickets = self._tickets, []
        return tickets


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
        self._smallest = min(quota.capacity for quota in self._quotas)
        self._paused = float("-inf")
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def _guard(self) -> threading.Lock:
        if self._pid != os.getpid():  # another thread of the parent may have held it at the moment of the fork
            self._pid, self._lock = os.getpid(), threading.Lock()
        return self._lock

    def reserve(self, cost: int = 1, *, now: float, within: float = float("inf")) -> Reservation:
        """Books ``cost`` units of all quotas together, at the runtime's ``now``. The caller waits ``delay``, or cancels.

        A slot more than ``within`` seconds away is told and not booked. Raises `ConfigurationError` when ``cost`` is more than a quota ever holds.
        """
        if isinstance(cost, bool) or not isinstance(cost, int) or not 1 <= cost <= self._smallest:
            raise ConfigurationError(
                f"cost={cost!r} can never be granted by the rate limit {self._text!r}: give a whole number from 1 to {self._smallest}"
            )
        with self._guard():
            for quota in self._quotas:
                quota.forget(now)
            start = now
            # All at one moment: what one quota could do earlier, another may not, and then its own slot may be taken.
            while (later := max([quota.earliest(start, cost) for quota in self._quotas])) > start:
                start = later
            tickets = [quota.book(start, cost) for quota in self._quotas] if start - now <= within else []
        return Reservation(self, start, start - now, tickets)

    def pause(self, until: float) -> None:
        """Nobody goes before ``until`` (the runtime's ``now``), those who wait for a slot already included: the server said that all is gone."""
        with self._guard():
            self._paused = max(self._paused, until)
            for quota in self._quotas:
                quota.pause(until)

    def _give_back(self, reservation: Reservation) -> None:
        with self._guard():
            for quota, ticket in zip(self._quotas, reservation._take_tickets(), strict=False):
                quota.give_back(ticket)

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        began = now = world.now()
        while True:
            left = float("inf") if request.deadline is None else request.deadline - now
            patience = max(0.0, self._max_wait - (now - began))
            booking = self.reserve(request.cost, now=now, within=min(patience, left))
            if booking.delay <= 0:
                break
            if booking.delay > patience or booking.delay >= left:
                booking.cancel()
                raise self._refusal(request, booking.delay, f"max_wait of {self._max_wait:g} s" if patience < left else "deadline")
            try:
                await world.sleep(booking.delay)
            except BaseException:
                booking.cancel()
                raise
            if booking.start >= self._paused:
                break
            now = world.now()  # everybody was told to wait while this one waited for its turn: it lapsed
        response = await call_next(request)
        if isinstance(response.error, RateLimited):
            told = response.error.retry_after
            if told is not None and (told >= EVERYBODY_WAITS_FROM or response.headers.get("x-ratelimit-remaining") == "0"):
                self.pause(world.now() + told)
        return response

    def _refusal(self, request: Request, delay: float, limit: str) -> RateLimitExceeded:
        message = f"{request} was not sent: the next free slot of {self._text!r} is {delay:.1f} s away, beyond the {limit}"
        return RateLimitExceeded(message, request=request, attempts=request.attempt - 1, retry_after=delay)

    def __repr__(self) -> str:
        return f"RateLimit({self._text!r})"


def _parse(rate: Any) -> list[tuple[int, float]]:
    # Imported here: limits costs more to import than httpx, and a client without a limit does not need it.
    from limits import parse_many

    wrong = f"a rate limit is written like '2/second', '100 per 10 seconds' or '2/second; 100000/day', not {rate!r}"
    if not isinstance(rate, str) or re.search(r"(per|/)\s*0+\s*[a-z]", rate, re.IGNORECASE):  # which limits takes for 1
        raise ConfigurationError(wrong)
    try:
        quotas = [(item.amount, float(item.get_expiry())) for item in parse_many(rate)]
    except ValueError as problem:
        raise ConfigurationError(wrong) from problem
    if not quotas or any(amount < 1 or seconds <= 0 for amount, seconds in quotas):
        raise ConfigurationError(wrong)
    return quotas
