"""Which entries of the other side an entry could belong to, by amount and party: found without comparing each with each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.parties import Parties
from integrakit.reconciliation.rules.totals import wide

__all__ = ["Candidates"]

_Party: TypeAlias = frozenset[str]


class Candidates:
    """Entries of one side by currency, party and amount."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._sorted: dict[tuple[str, _Party | None], list[tuple[Decimal, int, Entry]]] = {}
        for entry in entries:
            self._sorted.setdefault((entry.currency, entry.party), []).append((entry.amount, entry.place, entry))
            # Under None: all of them, for those of whom no party is known.
            self._sorted.setdefault((entry.currency, None), []).append((entry.amount, entry.place, entry))
        for some in self._sorted.values():
            some.sort(key=lambda each: each[:2])
        self._parties = Parties(party for _, party in self._sorted if party)

    def of(self, entry: Entry, within: Decimal, most: int) -> tuple[list[Entry], bool]:
        """Those of nearly the same amount and of no other party, and whether these are all: at most so many of each party, or of no known one."""
        nobody: _Party = frozenset()
        found, whole = [], True
        for party in [*self._parties.like(entry.party), nobody] if entry.party else [None]:
            some = self._near(entry, party, within, most + 1)
            found += some[:most]
            whole = whole and len(some) <= most
        return found, whole

    def _near(self, entry: Entry, party: _Party | None, within: Decimal, most: int) -> list[Entry]:
        some = self._sorted.get((entry.currency, party), [])
        low = bisect_left(some, (wide().subtract(entry.amount, within), -1), key=lambda each: each[:2])
        high = bisect_right(some, (wide().add(entry.amount, within), 1 << 62), key=lambda each: each[:2])
        return [each for _, _, each in some[low : min(high, low + most)]]
