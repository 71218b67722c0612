"""Quotas that are spread evenly: GCRA, where one float says when the next slot is. Pure; the Redis script does the same sums in the same order."""

from __future__ import annotations

from integrakit.http.limiting.meters import Meter, Ticket

__all__ = ["Paced"]


class Paced(Meter):
    """GCRA: slots ``interval`` apart, ``burst`` of them at once at most. Slots given back are handed out again before new ones."""

    __slots__ = ()

    def earliest(self, at: float, cost: int, purpose: str) -> float:
        if at < self.paused:
            at = self.paused
        if at < self.slow_until:
            at = max(at, min(self.slow_next, self.slow_until))
        fresh = self.next - self.terms.tolerance
        if fresh < at:
            fresh = at
        if self.returned:
            return min((start for start, size in self.returned if at <= start < fresh and size >= cost), default=fresh)
        return fresh

    def book(self, start: float, cost: int, purpose: str) -> Ticket:
        if start < self.slow_until:
            self.slow_next = max(self.slow_next, start) + cost * self.slow
        terms, log = self.terms, self.log
        if log and start < log[-1][0]:
            # As in `_write`, which this saves nearly all calls.
            log[-1][1] += cost
            self.total += cost
            end = log[-1][0]
        else:
            end = self._write(self._end(start), cost, "")
        for slot in self.returned:
            if slot[0] == start and slot[1] >= cost:
                self.returned.remove(slot)
                return [start, slot[1], cost, 0, 0, 0, end]
        before = self.next
        if start >= before:
            self.filled = start
            self.next = start + cost * terms.interval
        else:
            self.next = before + cost * terms.interval
        return [start, cost, cost, 1, before, self.next, end]

    def give_back(self, ticket: Ticket, purpose: str) -> None:
        start, size, cost, new, before, after, end = ticket
        self._unlog(end, -cost, "")
        if new and after == self.next:
            self.next = before  # the last one booked: as if it had never been
        elif start >= self.paused:
            self.returned.append([start, size])

    def settle(self, ticket: Ticket, more: float, purpose: str, now: float) -> None:
        self._unlog(ticket[6], more, "")
        if more > 0:
            self.next = max(self.next, now) + more * self.terms.interval
        elif ticket[0] >= self.filled and self.next > now:
            # Only as far as it fills up what is missing: a bucket that was full since then has let the difference run over.
            self.next = max(self.next + more * self.terms.interval, now)

    def pause(self, until: float) -> None:
        self.paused = max(self.paused, until)
        self.next = max(self.next, until + self.terms.tolerance)
        self.returned = [slot for slot in self.returned if slot[0] >= until]

    def charge(self, units: float, now: float) -> None:
        """Nothing: what is over does not make a paced quota slower."""
