"""One entry for several of the other side, by what they add up to: of the same party or named, and only where no chance explains it as well."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from operator import itemgetter

from attrs import frozen

from integrakit.reconciliation.matching.book import Book, added, apart
from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.parties import same_party
from integrakit.reconciliation.matching.sums import Steps, Undecided, adding_up, by_chance
from integrakit.reconciliation.matching.wording import TELLING
from integrakit.reconciliation.reports.showing import amount
from integrakit.reconciliation.rules.totals import wide

__all__ = ["match_sums"]

#: Candidates that a sum is looked for among. With more, some sum fits by chance.
_CANDIDATES = 24
_LOOKED_AT = 8 * _CANDIDATES
#: Of all searches of a side together: a few seconds.
_STEPS = 2_000_000
#: How many sums may be expected to fit by chance where one is believed that leaves some candidates out.
_CHANCE = 0.25
_SCORE = 0.9


@frozen
class _Sum:
    side: int
    one: Entry
    many: tuple[Entry, ...]
    reasons: tuple[str, ...]

    def members(self) -> list[tuple[int, int]]:
        return [(self.side, self.one.place), *((1 - self.side, each.place) for each in self.many)]


def match_sums(book: Book) -> None:
    """Takes the sums that leave no other choice. Those of both sides are found first, and what two of them want is nobody's."""
    if book.terms.most < 2 or book.terms.threshold > _SCORE:
        return
    found = [each for side in (0, 1) for each in _found(book, side)]
    often = Counter(member for each in found for member in each.members())
    for each in found:
        if all(often[member] == 1 for member in each.members()):
            left, right = ((each.one,), each.many) if each.side == 0 else (each.many, (each.one,))
            book.take(left, right, "scored", _SCORE, each.reasons)
        else:
            book.doubt(each.side, each.one, each.many, "they add up, and some of them fit another entry as well")


def _found(book: Book, side: int) -> Iterator[_Sum]:
    others = _Known(book.free(1 - side))
    steps, crowds, unsought = Steps(_STEPS), 0, 0
    for entry in sorted(book.free(side), key=lambda each: (each.amount.copy_abs(), each.place)):
        all_near = others.near(book, side, entry)
        if len(all_near) >= _LOOKED_AT:
            crowds += 1
            continue
        near = [each for each in all_near if each.amount and not _elsewhere(book, side, entry, each)]
        if len(near) > _CANDIDATES:
            crowds += 1
        elif len(near) < 2 or not entry.amount:
            continue
        elif steps.left <= 0:
            unsought += 1
        elif (found := _sum(book, side, entry, near, steps)) is not None:
            yield found
    where = "right" if side else "left"
    if crowds:
        book.notes.append(f"for {crowds:,} entries on the {where} no sums were looked for: more than {_CANDIDATES} entries of their party are open")
    if unsought:
        book.notes.append(f"for {unsought:,} entries on the {where} no sums were looked for: the search had taken too long by then")


def _elsewhere(book: Book, side: int, entry: Entry, other: Entry) -> bool:
    return book.naming.elsewhere(*((entry, other) if side == 0 else (other, entry)))


def _sum(book: Book, side: int, entry: Entry, near: Sequence[Entry], steps: Steps) -> _Sum | None:
    terms = book.terms
    if any(apart(each.amount, entry.amount) <= terms.within for each in near):
        return None  # one alone would do; why it was not taken is said already
    amounts, target, within = _whole([each.amount for each in near], entry.amount, terms.within)
    try:
        chosen = adding_up(amounts, target, most=terms.most, steps=steps)
        if chosen is None and within:
            chosen = adding_up(amounts, target, most=terms.most, within=within, steps=steps)
    except Undecided as several:
        if several.found:
            book.doubt(side, entry, [near[place] for place in {place for places in several.found for place in places}], "several sums fit")
        return None
    if chosen is None:
        return None
    many = tuple(near[place] for place in chosen)
    difference = apart(added(many), entry.amount)
    if len(many) < len(near) and by_chance(amounts, most=terms.most, within=within if difference else 0) > _CHANCE:
        book.doubt(side, entry, many, "they add up, but so might others by chance")
        return None
    but = f", but for {amount(difference)}" if difference else ""
    all_of_them = "all that is open near it" if len(many) == len(near) else "no other sum does"
    party = "same party" if entry.party and all(each.party == entry.party for each in many) else ""
    return _Sum(side, entry, many, (f"{len(many)} entries add up to {amount(entry.amount)}{but}", all_of_them, party))


def _whole(amounts: Sequence[Decimal], target: Decimal, within: Decimal) -> tuple[list[int], int, int]:
    """As whole numbers of the smallest unit that one of them has."""
    all_of_them = [*amounts, target, within]
    places = max(0, *(-int(each.as_tuple().exponent) for each in all_of_them))
    *found, aim, near = (int(wide().scaleb(each, places)) for each in all_of_them)
    return found, aim, near


class _Known:
    """Entries by currency, party and day."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        self._places = {each.place: each for each in entries}
        self._dated: dict[tuple[str, frozenset[str]], list[tuple[int, int, Entry]]] = {}
        self._undated: dict[tuple[str, frozenset[str]], list[Entry]] = {}
        for entry in entries:
            what = (entry.currency, entry.party)
            if entry.day is None:
                self._undated.setdefault(what, []).append(entry)
            else:
                self._dated.setdefault(what, []).append((entry.day.toordinal(), entry.place, entry))
        for dated in self._dated.values():
            dated.sort(key=itemgetter(0, 1))

    def near(self, book: Book, side: int, entry: Entry) -> list[Entry]:
        """Those of its party, and those that it names or that name it, at most so many days away as may be, or without a day; by their place."""
        found: dict[int, Entry] = {}
        if entry.party:
            what = (entry.currency, entry.party)
            dated = self._dated.get(what, [])
            low, high = 0, len(dated)
            if entry.day is not None:
                low = bisect_left(dated, entry.day.toordinal() - book.terms.days, key=itemgetter(0))
                high = bisect_right(dated, entry.day.toordinal() + book.terms.days, key=itemgetter(0))
            # Of too many some are enough to see that they are too many.
            near = [*(each for _, _, each in dated[low : min(high, low + _LOOKED_AT)]), *self._undated.get(what, ())[:_LOOKED_AT]]
            found.update((each.place, each) for each in near)
        for place, level in book.naming.of(side, entry).items():
            other = self._places.get(place)
            if level < TELLING or other is None or other.currency != entry.currency or (entry.days_to(other) or 0) > book.terms.days:
                continue
            if not (entry.party and other.party) or same_party(entry.party, other.party) is not None:
                found[place] = other
        return [found[place] for place in sorted(found)]
