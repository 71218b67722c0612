"""The scored pass: what is likely. Each pair that could belong together gets a score from 0 to 1 out of the evidence there is; the best is taken
where it is above the threshold and clearly before the next, for both of its entries."""

from __future__ import annotations

from attrs import frozen

from integrakit.reconciliation.matching.book import Book, apart
from integrakit.reconciliation.matching.candidates import Candidates
from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.exact import days_apart
from integrakit.reconciliation.matching.parties import same_party
from integrakit.reconciliation.matching.rarity import Rarity
from integrakit.reconciliation.matching.wording import TELLING
from integrakit.reconciliation.reports.showing import amount

__all__ = ["match_by_score"]

#: What each kind of evidence weighs. Only kinds that both sides have a column for count; where one entry says nothing, half of it.
_AMOUNT, _DAY, _REFERENCE, _PARTY = 0.35, 0.25, 0.25, 0.15
_UNKNOWN, _ALIKE = 0.5, 0.8
#: Entries of one party, or of no known one, that are looked at for one entry. Where more have the amount, it says nothing.
_CROWD = 30


@frozen
class _Pair:
    left: Entry
    right: Entry
    score: float
    #: The score without the days. They limit what can be a pair; which of two equal ones is the right one they do not say: people pay late.
    strength: float
    reasons: tuple[str, ...]
    #: Whether a reference speaks for it; whether that or a party does, besides the amount and the day.
    named: bool
    told: bool
    #: The side that names the other by a short number and is of the same party; None where neither does.
    numbering: int | None


def match_by_score(book: Book, rarity: Rarity) -> None:
    """Takes the likely pairs, the strongest first."""
    still = Rarity(book.open[0].values(), book.open[1].values(), book.terms.days)
    pairs = sorted(_pairs(book), key=lambda pair: (-pair.strength, pair.left.place, pair.right.place))
    rivals: tuple[dict[int, list[_Pair]], dict[int, list[_Pair]]] = ({}, {})
    for pair in pairs:
        rivals[0].setdefault(pair.left.place, []).append(pair)
        rivals[1].setdefault(pair.right.place, []).append(pair)
    for pair in pairs:
        left, right = pair.left, pair.right
        if left.place not in book.open[0] or right.place not in book.open[1] or pair.score < book.terms.threshold:
            continue
        close = [[each for each in rivals[side][entry.place] if _rivals(book, pair, each)] for side, entry in ((0, left), (1, right))]
        if close[0]:
            book.doubt(0, left, [right, *(each.right for each in close[0])], "several fit as well")
        if close[1]:
            book.doubt(1, right, [left, *(each.left for each in close[1])], "several fit as well")
        if close[0] or close[1]:
            continue
        if why := _doubtful(pair, rarity, still):
            book.doubt(0, left, [right], why)
            continue
        alone = len(rivals[0][left.place]) == len(rivals[1][right.place]) == 1
        book.take([left], [right], "scored", pair.score, [*pair.reasons, "the only candidate" if alone else "the best of several candidates"])


def _pairs(book: Book) -> list[_Pair]:
    rights = book.free(1)
    candidates, places = Candidates(rights), {each.place for each in rights}
    found: list[_Pair] = []
    crowds = 0
    for left in book.free(0):
        near, whole = candidates.of(left, book.terms.within, _CROWD)
        named = [book.open[1][place] for place in book.naming.of(0, left) if place in places]
        others = {each.place: each for each in (*near, *named)}
        pairs = [pair for right in others.values() if (pair := _judged(book, left, right)) is not None]
        if not whole:
            crowds += 1
            pairs = [pair for pair in pairs if pair.named]
        found += pairs
    if crowds:
        book.notes.append(
            f"{crowds:,} entries on the left have an amount that more than {_CROWD} entries of one party, or of none, have: only by a reference "
            "could they be matched"
        )
    return found


def _judged(book: Book, left: Entry, right: Entry) -> _Pair | None:
    """The score of a pair, or None where it cannot be one."""
    terms = book.terms
    difference, days = apart(left.amount, right.amount), left.days_to(right)
    if difference > terms.within or left.currency != right.currency or (days is not None and days > terms.days) or book.naming.elsewhere(left, right):
        return None
    level = book.naming.level(left, right)
    party = same_party(left.party, right.party) if left.party and right.party else ""
    # A short number, years aside, with the right party and amount: that is hardly chance.
    named = level is not None and level >= TELLING
    numbering = _numbering(book, left, right) if level is not None and party == "same party" else None
    if party is None and not named:
        return None  # somebody else, of whom nothing says that he pays for this one
    told = named or bool(party)
    if difference and not told:
        return None
    evidence = [(_AMOUNT, 1.0 - (0.5 * float(difference / terms.within) if difference else 0.0))]
    if terms.has_references:
        evidence.append((_REFERENCE, 1.0 if named or numbering is not None else _UNKNOWN))
    if terms.has_parties:
        evidence.append((_PARTY, 0.0 if party is None else {"same party": 1.0, "party alike": _ALIKE}.get(party, _UNKNOWN)))
    strength = _mean(evidence)
    if terms.has_days:
        evidence.append((_DAY, _UNKNOWN if days is None else 1.0 - 0.5 * days / max(terms.days, 1)))
    reasons = (
        f"amounts {amount(difference)} apart" if difference else f"same amount {amount(left.amount)}",
        days_apart(left, right),
        "the reference is named"
        if named or numbering is not None
        else "a short number that is named may be its reference"
        if level is not None
        else "",
        "another party" if party is None else party,
    )
    return _Pair(left, right, _mean(evidence), strength, reasons, named, told, numbering)


def _numbering(book: Book, left: Entry, right: Entry) -> int | None:
    side, number = (0, right.reference) if right.place in book.naming.of(0, left) else (1, left.reference)
    is_year = len(number) == 4 and number[:2] in ("19", "20")
    return side if number.isdigit() and len(number) >= 3 and not is_year else None


def _mean(evidence: list[tuple[float, float]]) -> float:
    return sum(weight * value for weight, value in evidence) / sum(weight for weight, _ in evidence)


def _rivals(book: Book, pair: _Pair, other: _Pair) -> bool:
    """Whether the other pair is open and nearly as good."""
    if other is pair or other.left.place not in book.open[0] or other.right.place not in book.open[1]:
        return False
    return other.strength > pair.strength - book.terms.margin


def _doubtful(pair: _Pair, rarity: Rarity, still: Rarity) -> str:
    """Why the best pair there is may be wrong all the same; "" where nothing says so. ``rarity``: of all entries; ``still``: of the open ones."""
    if pair.named:
        return ""
    if not pair.told and not rarity.only_these(pair.left, pair.right):
        return "the amount fits, but others have it too, and nothing else speaks for it"
    sides = ((0, pair.left), (1, pair.right))
    if pair.numbering is None and still.recurs(pair.left, pair.right):
        return "it fits, but this party has the amount more than once"
    if any(still.twice(side, entry) for side, entry in sides if pair.numbering in (None, side)):
        return "it fits, but the amount is there more than once"
    if any(still.taken_back(side, entry) for side, entry in sides):
        return "it fits, but the same amount was returned"
    return ""
