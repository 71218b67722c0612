"""The exact pass: only what leaves no doubt. A reference that is named and the exact amount, for one or several; else the same amount on the same
day, where no other entry of either side has that amount anywhere near."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import frozen

from integrakit.reconciliation.matching.book import Book, added
from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.parties import same_party
from integrakit.reconciliation.matching.rarity import Rarity
from integrakit.reconciliation.matching.wording import TELLING, UNMISTAKABLE
from integrakit.reconciliation.reports.showing import amount, show

__all__ = ["days_apart", "match_exactly"]


def match_exactly(book: Book, rarity: Rarity) -> None:
    """Takes what is certain from the book."""
    for group in _groups(book):
        _explain(book, group)
    _by_amount_and_day(book, rarity)


def days_apart(one: Entry, other: Entry) -> str:
    """In words; "" where one has no day."""
    days = one.days_to(other)
    return "" if days is None else "same day" if days == 0 else f"{days} day{'s' if days > 1 else ''} apart"


@frozen
class _Group:
    """Entries that name each other, directly or by way of others: the neighbours of each, on the left and on the right."""

    partners: tuple[dict[int, list[Entry]], dict[int, list[Entry]]]


@frozen
class _Explanation:
    """Entries of both sides whose references and amounts agree."""

    left: tuple[Entry, ...]
    right: tuple[Entry, ...]
    reasons: tuple[str, ...]
    #: Not so where somebody else pays and the number is a short one: it casts doubt on other explanations, and is none itself.
    certain: bool = True

    def members(self) -> list[tuple[int, int]]:
        return [*((0, each.place) for each in self.left), *((1, each.place) for each in self.right)]


def _groups(book: Book) -> Iterator[_Group]:
    partners: tuple[dict[int, list[Entry]], dict[int, list[Entry]]] = ({}, {})
    for left, right in _edges(book):
        partners[0].setdefault(left.place, []).append(right)
        partners[1].setdefault(right.place, []).append(left)
    seen: set[tuple[int, int]] = set()
    for place in partners[0]:
        if (0, place) in seen:
            continue
        group = _Group(({}, {}))
        waiting = [(0, place)]
        while waiting:
            side, at = waiting.pop()
            if (side, at) not in seen:
                seen.add((side, at))
                group.partners[side][at] = partners[side][at]
                waiting += [(1 - side, each.place) for each in partners[side][at]]
        yield group


def _edges(book: Book) -> Iterator[tuple[Entry, Entry]]:
    found: dict[tuple[int, int], None] = {}
    for side in (0, 1):
        for entry in book.open[side].values():
            for place, level in book.naming.of(side, entry).items():
                if level >= TELLING and book.open[1 - side][place].currency == entry.currency:
                    found[(place, entry.place) if side else (entry.place, place)] = None
    return ((book.open[0][left], book.open[1][right]) for left, right in sorted(found))


def _explain(book: Book, group: _Group) -> None:
    lefts, rights = group.partners
    whole = _star(book, group, 0 if len(lefts) == 1 else 1) if min(len(lefts), len(rights)) == 1 < max(len(lefts), len(rights)) else None
    explanations = [whole] if whole is not None else [*_pairs(book, group), *_stars(book, group)]
    often = Counter(member for each in explanations for member in each.members())
    for each in explanations:
        if all(often[member] == 1 for member in each.members()):
            if each.certain:
                book.take(each.left, each.right, "exact", 1.0, each.reasons)
            else:
                book.doubt(0, each.left[0], each.right, "it names this one, and the amount is the same, but another party pays", bar=True)
            continue
        for side, entries, others in ((0, each.left, each.right), (1, each.right, each.left)):
            for entry in entries:
                book.doubt(side, entry, group.partners[side].get(entry.place, others), "references and amounts fit in more than one way", bar=True)


def _pairs(book: Book, group: _Group) -> Iterator[_Explanation]:
    """One names the other, and the amounts are the same."""
    for place, rights in group.partners[0].items():
        left = book.open[0][place]
        for right in rights:
            if left.amount != right.amount:
                continue
            level = book.naming.level(left, right)
            other_party = bool(left.party and right.party) and same_party(left.party, right.party) is None
            if _taken_back(left, group.partners[1][right.place]) or _taken_back(right, rights):
                for side, entry, other in ((0, left, right), (1, right, left)):
                    book.doubt(side, entry, [other], "it fits, and the same amount was returned under the same reference", bar=True)
                continue
            reasons = (
                "the reference is named",
                f"same amount {amount(left.amount)}",
                days_apart(left, right),
                "another party" if other_party else "",
            )
            yield _Explanation((left,), (right,), reasons, certain=not other_party or level == UNMISTAKABLE)


def _taken_back(entry: Entry, others: Sequence[Entry]) -> bool:
    """Whether one of the same side undoes it: a debit that was returned, an invoice that was cancelled."""
    return bool(entry.amount) and any(each is not entry and each.amount == entry.amount.copy_negate() for each in others)


def _stars(book: Book, group: _Group) -> Iterator[_Explanation]:
    for side in (0, 1):
        for place in group.partners[side]:
            if (found := _star(book, group, side, place)) is not None:
                yield found


def _star(book: Book, group: _Group, side: int, place: int | None = None) -> _Explanation | None:
    """One entry that names several or is named by several, all of whom add up to exactly its amount."""
    place = next(iter(group.partners[side])) if place is None else place
    one, many = book.open[side][place], group.partners[side][place]
    if not 2 <= len(many) <= book.terms.most or added(many) != one.amount:
        return None
    named = book.naming.of(side, one)
    if any(each.place in named for each in many):
        words = f"{show(one.id)} names {len(many)} entries that add up to exactly {amount(one.amount)}"
    else:
        words = f"{len(many)} entries name {show(one.id)} and add up to exactly {amount(one.amount)}"
    left, right = ((one,), tuple(many)) if side == 0 else (tuple(many), (one,))
    return _Explanation(left, right, (words,))


def _by_amount_and_day(book: Book, rarity: Rarity) -> None:
    rights = {(each.currency, each.amount, each.day): each for each in book.free(1)}
    for left in book.free(0):
        right = None if left.day is None else rights.get((left.currency, left.amount, left.day))
        if right is None or not rarity.only_these(left, right) or book.naming.elsewhere(left, right):
            continue
        party = same_party(left.party, right.party) if left.party and right.party else ""
        if party is None or rarity.taken_back(0, left) or rarity.taken_back(1, right):
            continue
        book.take(
            [left], [right], "exact", 1.0, (f"same amount {amount(left.amount)} on the same day, which no other entry has anywhere near", party)
        )
