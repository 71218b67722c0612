"""Whether an amount stands out: what many entries have says nothing about which of them belong together, and what went out again was never paid."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.parties import Parties

__all__ = ["Rarity"]

#: Of the days that are allowed: who pays within thirty days as a rule may need ninety, and then it is the payment of another month.
_NEAR = 3

_Party: TypeAlias = frozenset[str]
_NOBODY: _Party = frozenset()


class Rarity:
    """Of the entries of both sides, by currency, amount, party and day. Near: at most three times as many days away as may be, or without a day."""

    def __init__(self, left: Iterable[Entry], right: Iterable[Entry], days: int) -> None:
        self._sides = tuple(_Side(entries, days * _NEAR) for entries in (left, right))

    def only_these(self, left: Entry, right: Entry) -> bool:
        """Whether no other entry of either side has the amount of these two near them."""
        return all(
            [other.place for other in islice(self._sides[side].near(one, one.amount, None), 2)] == [entry.place]
            for one in (left, right)
            for side, entry in ((0, left), (1, right))
        )

    def recurs(self, left: Entry, right: Entry) -> bool:
        """Whether the party has this amount near them another time, on one side: a subscription, of which only a reference tells the months apart."""
        return any(
            self._another(side, entry, party) for side, entry in ((0, left), (1, right)) for party in self._sides[side].like(left.party, right.party)
        )

    def twice(self, side: int, entry: Entry) -> bool:
        """Whether anybody has this amount near it another time on its side, while it stands out on the other: it may have been paid twice, or by
        somebody else."""
        return self._stands_out(1 - side, entry) and self._another(side, entry, None)

    def _another(self, side: int, entry: Entry, party: _Party | None) -> bool:
        return any(other.place != entry.place for other in islice(self._sides[side].near(entry, entry.amount, party), 2))

    def taken_back(self, side: int, entry: Entry) -> bool:
        """Whether the same party took the amount back near it, or anybody where it stands out, and the other side knows nothing of that."""
        mine, others = self._sides[side], self._sides[1 - side]
        returned = entry.amount.copy_negate()
        if not entry.amount or any(any(others.near(entry, returned, party)) for party in (*others.like(entry.party), _NOBODY)):
            return False
        parties = [None] if self._stands_out(1 - side, entry) else [*mine.like(entry.party), _NOBODY]
        return any(any(mine.near(entry, returned, party)) for party in parties)

    def _stands_out(self, side: int, entry: Entry) -> bool:
        return len(list(islice(self._sides[side].near(entry, entry.amount, None), 2))) < 2


class _Side:
    """The entries of one side. Under the party None there are all of them."""

    def __init__(self, entries: Iterable[Entry], days: int) -> None:
        self._days = days
        self._dated: dict[tuple[str, Decimal, _Party | None], list[tuple[int, int, Entry]]] = {}
        self._undated: dict[tuple[str, Decimal, _Party | None], list[Entry]] = {}
        parties = set()
        for entry in entries:
            parties.add(entry.party)
            for party in (entry.party, None):
                what = (entry.currency, entry.amount, party)
                if entry.day is None:
                    self._undated.setdefault(what, []).append(entry)
                else:
                    self._dated.setdefault(what, []).append((entry.day.toordinal(), entry.place, entry))
        for dated in self._dated.values():
            dated.sort(key=_order)
        self._parties = Parties(parties - {_NOBODY})

    def near(self, entry: Entry, amount: Decimal, party: _Party | None) -> Iterator[Entry]:
        """Entries with this amount and party, near an entry."""
        what = (entry.currency, amount, party)
        dated = self._dated.get(what, [])
        low, high = 0, len(dated)
        if entry.day is not None:
            day = entry.day.toordinal()
            low, high = bisect_left(dated, (day - self._days, -1), key=_order), bisect_right(dated, (day + self._days, 1 << 62), key=_order)
        for place in range(low, high):
            yield dated[place][2]
        yield from self._undated.get(what, ())

    def like(self, *parties: _Party) -> list[_Party]:
        """The parties of this side that may be one of these."""
        return list(dict.fromkeys(each for party in parties if party for each in self._parties.like(party)))


def _order(each: tuple[int, int, Entry]) -> tuple[int, int]:
    return each[:2]
