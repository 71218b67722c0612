"""All quotas of one key together: booked at one moment, or not at all. Pure: no lock, no clock, no I/O.

`Ledger.apply` takes operations as plain lists, so that the same words work in this process, in a store, in memcached and in the Redis script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrakit.http.limiting.counted import Counted
from integrakit.http.limiting.meters import FAR, NEVER, Meter, Ticket
from integrakit.http.limiting.paced import Paced
from integrakit.http.limiting.terms import Terms

__all__ = ["Ledger", "Operation"]

#: ["reserve", cost, purpose, within] · ["give back", tickets, purpose] · ["settle", tickets, index, more, purpose] · ["pause", seconds]
#: ["told", index, remaining, seconds] · ["slower", index, interval, seconds] · ["charge", units of each quota]
Operation = list[Any]


class Ledger:
    """The state of several quotas. Times are seconds of whatever clock the caller has; they must not go back."""

    __slots__ = ("_alone", "meters", "paused")

    def __init__(self, terms: Sequence[Terms]) -> None:
        self.meters: list[Meter] = [Paced(each) if each.paced else Counted(each) for each in terms]
        self._alone = self.meters[0] if len(self.meters) == 1 else None
        #: Nobody goes before; those that wait for a slot of theirs included.
        self.paused = NEVER

    def reserve(self, cost: int, purpose: str, now: float, within: float) -> tuple[float, list[Ticket]]:
        """When it may go; booked, and then with tickets, where that is no more than ``within`` seconds away."""
        start = now
        if self._alone is not None:
            meter = self._alone
            meter.forget(now)
            # At most one slot given back, pause or slower pace after the other: it comes to an end.
            while (later := meter.earliest(start, cost, purpose)) > start:
                start = later
            return start, [meter.book(start, cost, purpose)] if start - now <= within and start < FAR else []
        meters = self.meters
        for meter in meters:
            meter.forget(now)
            if (later := meter.earliest(start, cost, purpose)) > start:
                start = later
        # All at one moment: what one quota could do earlier, another may not, and then its own slot may be taken.
        while start > now and (later := max([meter.earliest(start, cost, purpose) for meter in meters])) > start:
            start = later
        if start - now > within or start >= FAR:
            return start, []
        return start, [meter.book(start, cost, purpose) for meter in meters]

    def give_back(self, tickets: Sequence[Ticket], purpose: str) -> None:
        for meter, ticket in zip(self.meters, tickets, strict=False):
            meter.give_back(ticket, purpose)

    def pause(self, until: float) -> None:
        self.paused = max(self.paused, until)
        for meter in self.meters:
            meter.pause(until)

    def apply(self, operation: Operation, now: float) -> Any:
        """One operation at ``now``. "reserve" answers [delay, tickets], the others nothing."""
        name, *values = operation
        if name == "reserve":
            cost, purpose, within = values
            start, tickets = self.reserve(cost, purpose, now, within)
            return [start - now, tickets]
        for meter in self.meters:
            meter.forget(now)
        if name == "give back":
            self.give_back(*values)
        elif name == "pause":
            self.pause(now + values[0])
        elif name == "settle":
            tickets, index, more, purpose = values
            self.meters[index].settle(tickets[index], more, purpose, now)
        elif name == "told":
            index, remaining, seconds = values
            self.meters[index].told(remaining, seconds, now)
        elif name == "slower":
            index, interval, seconds = values
            self.meters[index].slower(interval, seconds, now)
        else:
            for meter, units in zip(self.meters, values[0], strict=False):
                meter.charge(units, now)
        return None

    def horizon(self) -> float:
        """From when on this state is as good as a fresh one."""
        return max(self.paused, *[meter.horizon() for meter in self.meters])
