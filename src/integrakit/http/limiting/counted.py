"""Quotas that are counted over a window, with what is kept back for each purpose. Pure; the Redis script does the same sums in the same order."""

from __future__ import annotations

from integrakit.http.limiting.meters import FAR, Meter, Ticket

__all__ = ["Counted"]


class Counted(Meter):
    """At most ``capacity`` in any window. A call with a purpose leaves untouched what is kept back for the others and not used by them yet."""

    __slots__ = ()

    def earliest(self, at: float, cost: int, purpose: str) -> float:
        if at < self.paused:
            at = self.paused
        if at < self.slow_until:
            at = max(at, min(self.slow_next, self.slow_until))
        terms = self.terms
        free = terms.capacity - self.total - self.foreign
        spent = self.spent
        if free - (self._kept_back(spent, purpose) if terms.reserves else 0) >= cost:
            return at
        if terms.reserves:
            spent = dict(spent)
        foreign_until = self.foreign_until if self.foreign else FAR
        for step in self.log:
            expires: float = step[0] + terms.window
            if foreign_until <= expires:
                free += self.foreign
                if free - (self._kept_back(spent, purpose) if terms.reserves else 0) >= cost:
                    return max(at, foreign_until)
                foreign_until = FAR
            free += step[1]
            for name, units in step[2].items():
                spent[name] -= units
            if free - (self._kept_back(spent, purpose) if terms.reserves else 0) >= cost:
                return max(at, expires)
        if foreign_until < FAR and free + self.foreign - (self._kept_back(spent, purpose) if terms.reserves else 0) >= cost:
            return max(at, foreign_until)
        return FAR

    def _kept_back(self, spent: dict[str, float], purpose: str) -> float:
        kept: float = 0
        for name, units in self.terms.reserves.items():
            if name != purpose:
                kept += max(0.0, units - spent.get(name, 0))
        return kept

    def book(self, start: float, cost: int, purpose: str) -> Ticket:
        if start < self.slow_until:
            self.slow_next = max(self.slow_next, start) + cost * self.slow
        log = self.log
        if log and start < log[-1][0] and not purpose:
            log[-1][1] += cost
            self.total += cost
            end = log[-1][0]
        else:
            end = self._write(self._end(start), cost, purpose)
        return [start, cost, cost, 1, 0, 0, end]

    def charge(self, units: float, now: float) -> None:
        if units > 0:
            self._write(self._end(now), units, "")
