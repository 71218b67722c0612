"""`match_ledgers`: the arguments checked, both sides read, the passes run one after the other, and the account closed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.inputs.feed import Feed, attach_both
from integrakit.reconciliation.matching.book import Book, Terms, added, apart
from integrakit.reconciliation.matching.entries import Columns, Entry, entries_of
from integrakit.reconciliation.matching.exact import match_exactly
from integrakit.reconciliation.matching.rarity import Rarity
from integrakit.reconciliation.matching.results import Matching, Remainder
from integrakit.reconciliation.matching.scored import match_by_score
from integrakit.reconciliation.matching.several import match_sums
from integrakit.reconciliation.matching.wording import TELLING
from integrakit.reconciliation.reports.showing import amount as shown
from integrakit.reconciliation.reports.showing import show
from integrakit.reconciliation.rules.values import number
from integrakit.runtimes import drive, runtime

__all__ = ["amatch_ledgers", "match_ledgers"]

#: The name of a field on both sides, or a pair of names: left, right.
Names: TypeAlias = str | tuple[str, str]


def match_ledgers(
    left: Any,
    right: Any,
    *,
    id: Names,
    amount: Names,
    date: Names | None = None,
    currency: Names | None = None,
    reference: Names | None = None,
    party: Names | None = None,
    within: Any = 0,
    days: int = 30,
    most: int = 6,
    threshold: float = 0.75,
    margin: float = 0.05,
    opposite: bool = False,
) -> Matching:
    """Which entries of two ledgers belong together, payments and invoices say: one to one, one to several, several to one.

    ``id``, ``amount``, ``date``, ``currency``, ``reference``, ``party``: where the sides have them, one name or a pair (left, right). A reference is
    any text in which the other side's whole reference may stand, such as the purpose of a payment. ``within``: how far amounts may be apart in the
    scored pass, in their unit. ``days``: how far dates may be apart. ``most``: how many entries one may stand for. ``threshold``: the least score
    from 0 to 1 that is a match; ``margin``: by how much it must be better than the next. ``opposite``: amounts on the right have the other sign.

    First an exact pass, then a scored one; each match says its reasons, and what is left is in the account. Raises `ConfigurationError`, and
    whatever reading raises.
    """
    return drive(
        amatch_ledgers(
            left,
            right,
            id=id,
            amount=amount,
            date=date,
            currency=currency,
            reference=reference,
            party=party,
            within=within,
            days=days,
            most=most,
            threshold=threshold,
            margin=margin,
            opposite=opposite,
        )
    )


async def amatch_ledgers(
    left: Any,
    right: Any,
    *,
    id: Names,
    amount: Names,
    date: Names | None = None,
    currency: Names | None = None,
    reference: Names | None = None,
    party: Names | None = None,
    within: Any = 0,
    days: int = 30,
    most: int = 6,
    threshold: float = 0.75,
    margin: float = 0.05,
    opposite: bool = False,
) -> Matching:
    """`match_ledgers` for async code."""
    names = {"id": id, "amount": amount, "date": date, "currency": currency, "reference": reference, "party": party}
    pairs = {argument: _pair(argument, value) for argument, value in names.items()}
    if pairs["id"][0] is None or pairs["amount"][0] is None:
        raise ConfigurationError("match_ledgers() needs id= and amount=: one name of a field, or a pair (left, right)")
    both = {f"has_{argument}": all(pairs[name]) for argument, name in (("days", "date"), ("references", "reference"), ("parties", "party"))}
    terms = _terms(within, days, most, threshold, margin, both)
    if not isinstance(opposite, bool):
        raise ConfigurationError(f"opposite= takes True or False, not {opposite!r}")
    feeds = attach_both(left, right)
    sides = []
    for place, feed in enumerate(feeds):
        columns = Columns(**{argument: pair[place] for argument, pair in pairs.items()})  # type: ignore[arg-type]
        records = await _records(feed)
        sides.append(entries_of(records, columns, side=feed.name, untyped=feed.untyped, opposite=opposite and place == 1))
    return await runtime().blocking(_matched, sides, terms)


async def _records(feed: Feed) -> list[Any]:
    feed.keep_nothing()
    records: list[Any] = []
    while (page := await feed.next_page()) is not None:
        records += page.records
    return records


def _pair(argument: str, value: Any) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    if isinstance(value, str):
        return value, value
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(name, str) for name in value):
        return value
    raise ConfigurationError(f"{argument}= takes the name of a field, or a pair of names (left, right), not {value!r}")


def _terms(within: Any, days: Any, most: Any, threshold: Any, margin: Any, both: dict[str, bool]) -> Terms:
    allowed = number(Decimal(within)) if isinstance(within, str) and _is_amount(within) else number(within)
    if allowed is None or not 0 <= allowed < Decimal("1E+30") or len(Decimal(allowed).as_tuple().digits) > 40:
        raise ConfigurationError(f'within= takes an amount of 0 or more, such as "0.50", not {within!r}')
    for argument, value, least, highest in (("days", days, 0, 3660), ("most", most, 1, 12)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= highest:
            raise ConfigurationError(f"{argument}= takes a whole number from {least} to {highest}, not {value!r}")
    for argument, value in (("threshold", threshold), ("margin", margin)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigurationError(f"{argument}= takes a number from 0 to 1, not {value!r}")
    return Terms(within=Decimal(allowed), days=days, most=most, threshold=float(threshold), margin=float(margin), **both)


def _is_amount(text: str) -> bool:
    try:
        Decimal(text)
    except ArithmeticError:
        return False
    return True


def _matched(sides: list[tuple[list[Entry], list[tuple[Any, str]]]], terms: Terms) -> Matching:
    (left, invalid_left), (right, invalid_right) = sides
    book, rarity = Book(left, right, terms), Rarity(left, right, terms.days)
    match_exactly(book, rarity)
    match_by_score(book, rarity)
    match_sums(book)
    _say_what_is_named(book)
    for side, entries in zip(("left", "right"), book.sides, strict=True):
        if twice := len(entries) - len({show(entry.id) for entry in entries}):
            book.notes.append(f"{twice:,} entries on the {side} have an id that another one has: what is matched is not told by its id alone")
    return Matching(
        matches=tuple(book.matches),
        unmatched_left=tuple(entry.id for entry in book.open[0].values()),
        unmatched_right=tuple(entry.id for entry in book.open[1].values()),
        ambiguous=tuple(book.ambiguous()),
        invalid_left=tuple(invalid_left),
        invalid_right=tuple(invalid_right),
        remainder=MappingProxyType(_remainder(book)),
        notes=tuple(book.notes),
    )


def _say_what_is_named(book: Book) -> None:
    """A reference that is named and an amount that does not fit: a part was paid, a fee kept, or another currency used. A person must look."""
    for side in (0, 1):
        for entry in book.open[side].values():
            named = [book.open[1 - side].get(place) for place, level in book.naming.of(side, entry).items() if level >= TELLING]
            others = [each for each in named if each is not None]
            # Two that name each other are told of once.
            if not all(book.is_doubted(1 - side, each) for each in others):
                book.doubt(side, entry, others, _misfit(entry, others))


def _misfit(entry: Entry, others: Sequence[Entry]) -> str:
    what = "it names this one" if len(others) == 1 else f"it names these {len(others)}"
    if any(each.currency != entry.currency for each in others):
        return f"{what}, in another currency"
    difference = apart(entry.amount, added(others))
    return f"{what}, and the amounts are {shown(difference)} apart" if difference else f"{what}, but not clearly"


def _remainder(book: Book) -> dict[str, Remainder]:
    """What is matched is what is not open any more."""
    found: dict[str, Remainder] = {}
    for currency in sorted({entry.currency for side in book.sides for entry in side}):
        sums = []
        for entries, still in zip(book.sides, book.open, strict=True):
            mine = [entry for entry in entries if entry.currency == currency]
            sums.append([added(mine), *(added(entry for entry in mine if (entry.place in still) is is_open) for is_open in (False, True))])
        (left, matched_left, unmatched_left), (right, matched_right, unmatched_right) = sums
        found[currency] = Remainder(
            left=left,
            right=right,
            matched_left=matched_left,
            matched_right=matched_right,
            unmatched_left=unmatched_left,
            unmatched_right=unmatched_right,
        )
    return found
