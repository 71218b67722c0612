"""The state of one quota: pure, on plain numbers, with no lock and no clock. The Redis script does the same sums in the same order.

Here is what all kinds have in common: what was used, and what the server told: a pause, what others have used, a slower pace. How a slot is found
is in `paced` and `counted`. No judgement of what a server said may live here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from integrakit.http.limiting.terms import Terms

__all__ = ["FAR", "NEVER", "Meter", "Ticket"]

#: Before all time, and after it. No infinities: this state travels as JSON.
NEVER, FAR = -1e18, 1e18
#: Of one quota: [start, size of the slot, cost, 1 for a new slot, next before, next after, end of its step]. For `Meter.give_back`.
Ticket = list[float]


class Meter(ABC):
    """The state of one quota, and what both kinds have in common."""

    __slots__ = (
        "filled",
        "foreign",
        "foreign_until",
        "log",
        "next",
        "paused",
        "returned",
        "slow",
        "slow_next",
        "slow_until",
        "spent",
        "terms",
        "total",
    )

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        #: Paced: when the next slot is, and when the quota was last whole.
        self.next = NEVER
        self.filled = NEVER
        self.returned: list[list[float]] = []
        self.paused = NEVER
        #: What was used: [end of the step, units, units by purpose], oldest first.
        self.log: deque[list[Any]] = deque()
        self.total: float = 0
        self.spent: dict[str, float] = {}
        #: What others have used, as the server told, and until when that counts.
        self.foreign: float = 0
        self.foreign_until = NEVER
        #: Until ``slow_until`` there are ``slow`` seconds to a unit, the next one at ``slow_next``.
        self.slow = 0.0
        self.slow_until = NEVER
        self.slow_next = NEVER

    def forget(self, now: float) -> None:
        log, window = self.log, self.terms.window
        while log and log[0][0] + window <= now:
            step = log.popleft()
            self.total -= step[1]
            for purpose, units in step[2].items():
                self.spent[purpose] -= units
        if self.returned:
            self.returned = [slot for slot in self.returned if slot[0] >= now]
        if self.foreign and self.foreign_until <= now:
            self.foreign = 0

    @abstractmethod
    def earliest(self, at: float, cost: int, purpose: str) -> float:
        """The first moment from ``at`` on when it would do. ``purpose`` is one that has a reserve, or ""."""
        ...

    @abstractmethod
    def book(self, start: float, cost: int, purpose: str) -> Ticket:
        """Takes the slot at ``start``."""
        ...

    def give_back(self, ticket: Ticket, purpose: str) -> None:
        """A slot that was not used: as if it had never been, as far as others have not been told theirs."""
        self._unlog(ticket[6], -ticket[2], purpose)

    def settle(self, ticket: Ticket, more: float, purpose: str, now: float) -> None:
        """The call was charged ``more`` (or less, below 0) than it had booked: who comes next waits longer, or less."""
        self._unlog(ticket[6], more, purpose)

    @abstractmethod
    def charge(self, units: float, now: float) -> None:
        """Counts what was used elsewhere."""
        ...

    def pause(self, until: float) -> None:
        self.paused = max(self.paused, until)

    def told(self, remaining: float, seconds: float, now: float) -> None:
        """The server says that ``remaining`` units are left for the next ``seconds``: what we did not use ourselves, others did."""
        amount = self.terms.quota.amount
        others = amount - remaining - self.total
        if self.terms.quota.kind == "budget":
            self.foreign, self.foreign_until = min(max(0.0, others), float(amount)), now + seconds
        elif others <= max(2.0, 0.05 * amount):
            self.slow_until = NEVER  # what is under way explains that much
        elif remaining < 1:
            self.pause(now + seconds)
        else:
            if self.terms.quota.kind == "window":
                self.foreign, self.foreign_until = min(others, float(amount)), now + seconds
            self.slower(seconds / remaining, seconds, now)

    def slower(self, interval: float, seconds: float, now: float) -> None:
        """For ``seconds``, units are ``interval`` seconds apart at least. Slots that were told already stay."""
        if self.slow_until <= now:
            self.slow_next = now + interval
        self.slow, self.slow_until = interval, now + seconds

    def used(self) -> float:
        return self.total + self.foreign

    def horizon(self) -> float:
        """From when on this state is as good as a fresh one."""
        last = self.log[-1][0] + self.terms.window if self.log else NEVER
        return max(last, self.next, self.paused, self.slow_until, self.foreign_until if self.foreign else NEVER)

    def _end(self, start: float) -> float:
        """Of the step that ``start`` belongs to: the newest one, or one after it."""
        if self.log and start < self.log[-1][0]:
            return float(self.log[-1][0])
        bucket = self.terms.bucket
        return (math.floor(start / bucket) + 1) * bucket if bucket else start

    def _write(self, end: float, cost: float, purpose: str) -> float:
        log = self.log
        if log and log[-1][0] >= end:
            step = log[-1]
            step[1] += cost
        else:
            step = [end, cost, {}]
            log.append(step)
        self.total += cost
        if purpose:
            step[2][purpose] = step[2].get(purpose, 0) + cost
            self.spent[purpose] = self.spent.get(purpose, 0) + cost
        return float(step[0])

    def _unlog(self, end: float, more: float, purpose: str) -> None:
        for step in reversed(self.log):
            if step[0] < end:
                return  # forgotten already
            if step[0] == end:
                more = max(more, -step[1])
                step[1] += more
                self.total += more
                if purpose:
                    step[2][purpose] = step[2].get(purpose, 0) + more
                    self.spent[purpose] = self.spent.get(purpose, 0) + more
                return

    def dump(self) -> list[Any]:
        numbers = [self.next, self.filled, self.paused, self.foreign, self.foreign_until, self.slow, self.slow_until, self.slow_next]
        return [numbers, [list(slot) for slot in self.returned], [[step[0], step[1], dict(step[2])] for step in self.log]]

    def load(self, state: Any) -> None:
        """Takes a `dump` over. Raises `ValueError` and its kin for what is none."""
        numbers, returned, log = state
        self.next, self.filled, self.paused, self.foreign, self.foreign_until, self.slow, self.slow_until, self.slow_next = map(float, numbers)
        self.returned = [[float(start), float(size)] for start, size in returned]
        self.log = deque([float(end), float(units), {str(name): float(part) for name, part in parts.items()}] for end, units, parts in log)
        self.total, self.spent = 0, {}
        for step in self.log:
            self.total += step[1]
            for purpose, units in step[2].items():
                self.spent[purpose] = self.spent.get(purpose, 0) + units
