"""What is still open while two ledgers are matched, and the matches so far. The passes take from it; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from attrs import frozen

from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.naming import Naming
from integrakit.reconciliation.matching.results import Ambiguity, Match, Rule
from integrakit.reconciliation.rules.totals import wide

__all__ = ["Book", "Terms", "added", "apart"]

_CANDIDATES = 10


@frozen(kw_only=True)
class Terms:
    """What matching may do: how far amounts and days may be apart, how many entries one may stand for, and how sure it must be."""

    within: Decimal
    days: int
    most: int
    threshold: float
    #: By how much the best must be better than the next.
    margin: float
    #: Whether both sides have such a column at all.
    has_days: bool
    has_references: bool
    has_parties: bool


def added(entries: Iterable[Entry]) -> Decimal:
    """The exact sum of amounts."""
    context, total = wide(), Decimal(0)
    for entry in entries:
        total = context.add(total, entry.amount)
    return total


def apart(one: Decimal, other: Decimal) -> Decimal:
    """The exact difference, without its sign."""
    return wide().subtract(one, other).copy_abs()


class Book:
    """Both sides. Sides are told by their number: 0 is the left."""

    def __init__(self, left: Sequence[Entry], right: Sequence[Entry], terms: Terms) -> None:
        self.terms = terms
        self.sides = (left, right)
        self.naming = Naming(left, right)
        self.open: tuple[dict[int, Entry], dict[int, Entry]] = ({each.place: each for each in left}, {each.place: each for each in right})
        #: Open, and not to be matched by less certain passes: a more certain one found more than one answer.
        self.barred: tuple[set[int], set[int]] = (set(), set())
        self.matches: list[Match] = []
        self._doubts: dict[tuple[int, int], tuple[Entry, Sequence[Entry], str]] = {}
        self.notes: list[str] = []

    def free(self, side: int) -> list[Entry]:
        """The entries of a side that are open and not barred."""
        return [entry for place, entry in self.open[side].items() if place not in self.barred[side]]

    def take(self, left: Iterable[Entry], right: Iterable[Entry], rule: Rule, score: float, reasons: Iterable[str]) -> None:
        """These belong together and are open no more."""
        sides = [sorted(entries, key=lambda each: each.place) for entries in (left, right)]
        for side, entries in enumerate(sides):
            for entry in entries:
                del self.open[side][entry.place]
        self.matches.append(
            Match(
                left=tuple(each.id for each in sides[0]),
                right=tuple(each.id for each in sides[1]),
                rule=rule,
                score=round(score, 4),
                reasons=tuple(reason for reason in reasons if reason),
                amount_left=added(sides[0]),
                amount_right=added(sides[1]),
                currency=sides[0][0].currency,
            )
        )

    def doubt(self, side: int, entry: Entry, candidates: Iterable[Entry], reason: str, *, bar: bool = False) -> None:
        """Why an entry is not matched, and what it may belong to. The first doubt about an entry is the one that is told."""
        if bar:
            self.barred[side].add(entry.place)
        self._doubts.setdefault((side, entry.place), (entry, sorted(candidates, key=lambda each: each.place), reason))

    def is_doubted(self, side: int, entry: Entry) -> bool:
        """Whether a doubt about an entry is told already."""
        return (side, entry.place) in self._doubts

    def ambiguous(self) -> list[Ambiguity]:
        """The doubts about entries that are still open, the left side's first; in each only what is still open too."""
        found = []
        for (side, place), (entry, candidates, reason) in sorted(self._doubts.items(), key=lambda each: each[0]):
            still = [each.id for each in candidates if each.place in self.open[1 - side]]
            if place in self.open[side] and still:
                found.append(Ambiguity(side="right" if side else "left", id=entry.id, candidates=tuple(still[:_CANDIDATES]), reason=reason))
        return found
