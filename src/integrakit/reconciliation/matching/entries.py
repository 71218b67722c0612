"""Entries of two ledgers as they are matched: amounts as exact decimals, dates as days, references and parties as bare words.

A record that cannot be read says why. Nothing is matched here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.money import Money
from integrakit.reconciliation.matching.wording import party_words, words_of
from integrakit.reconciliation.reports.showing import show
from integrakit.reconciliation.rules.cells import cell_number
from integrakit.reconciliation.rules.values import Incomparable, number
from integrakit.unset import UNSET

__all__ = ["Columns", "Entry", "entries_of"]

#: Amounts are below 10^30 and have at most so many places: all sums of them are exact then.
_MOST, _PLACES = 30, 50


@frozen(kw_only=True)
class Columns:
    """Where one side has what entries are matched by: names of fields; None where it has no such thing."""

    id: str
    amount: str
    date: str | None
    currency: str | None
    reference: str | None
    party: str | None


@frozen(kw_only=True, eq=False)
class Entry:
    """One entry: ``place``, its number on its side; ``amount``, as it counts; ``currency``, "" where none is said; ``day``, None where it has none;
    ``words``, what its reference consists of, bare; ``party``, what tells its party from others, empty where it has none."""

    place: int
    id: Any
    amount: Decimal
    currency: str
    day: date | None
    words: tuple[str, ...]
    party: frozenset[str]
    #: The words of the reference, put together: "inv2026001". "" where there is none.
    reference: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "reference", "".join(self.words))

    def days_to(self, other: Entry) -> int | None:
        """How many days lie between them; None where one has no day."""
        return None if self.day is None or other.day is None else abs((self.day - other.day).days)


def entries_of(records: Sequence[Any], columns: Columns, *, side: str, untyped: bool, opposite: bool) -> tuple[list[Entry], list[tuple[Any, str]]]:
    """The entries of one side, and the records that are none, each with the reason. Raises `ConfigurationError` where no record has a field."""
    for name in (columns.id, columns.amount, columns.date, columns.currency, columns.reference, columns.party):
        if name is not None and records and not any(isinstance(record, Mapping) and name in record for record in records):
            raise ConfigurationError(f"no record on the {side} has the field {name!r}")
    entries: list[Entry] = []
    invalid: list[tuple[Any, str]] = []
    for place, record in enumerate(records):
        try:
            if not isinstance(record, Mapping):
                raise _Unreadable(f"a record is a dict, not a {type(record).__name__}")
            entries.append(_entry(place, record, columns, untyped, opposite))
        except _Unreadable as problem:
            invalid.append((record, str(problem)))
    return entries, invalid


class _Unreadable(Exception):
    """Why a record is no entry."""


def _entry(place: int, record: Mapping[str, Any], columns: Columns, untyped: bool, opposite: bool) -> Entry:
    amount, currency = _amount(record.get(columns.amount, UNSET), columns.amount, untyped)
    if columns.currency is not None:
        said = record.get(columns.currency)
        if not isinstance(said, str) or not said.strip():
            raise _Unreadable(f"{columns.currency} is no currency: {show(said)}")
        if currency and currency != said.strip().upper():
            raise _Unreadable(f"{columns.amount} is in {currency}, and {columns.currency} says {said.strip()}")
        currency = said.strip().upper()
    return Entry(
        place=place,
        id=record.get(columns.id),
        amount=amount.copy_negate() if opposite else amount,
        currency=currency,
        day=None if columns.date is None else _day(record.get(columns.date), columns.date),
        words=() if columns.reference is None else words_of(_text(record.get(columns.reference), columns.reference)),
        party=frozenset() if columns.party is None else party_words(_text(record.get(columns.party), columns.party)),
    )


def _amount(value: Any, name: str, untyped: bool) -> tuple[Decimal, str]:
    currency = ""
    if isinstance(value, Money):
        value, currency = value.amount, str(value.currency)
    try:
        found = cell_number(value.strip()) if untyped and isinstance(value, str) else number(value)
    except Incomparable:
        found = None
    if found is None or not (amount := Decimal(found)).is_finite():
        raise _Unreadable(f"{name} is no amount: {show(value)}")
    if not amount:
        return Decimal(0), currency
    if amount.adjusted() >= _MOST or int(amount.as_tuple().exponent) < -_PLACES:
        raise _Unreadable(f"{name} is beyond all amounts: {show(value)}")
    return amount, currency


def _day(value: Any, name: str) -> date | None:
    """An aware time is of the day that it says itself, in its own zone."""
    if value is None or value == "" or value != value:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value.strip()).date()
    except (TypeError, ValueError, AttributeError):
        raise _Unreadable(f"{name} is no date: {show(value)}") from None


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is UNSET or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a column of whole numbers with gaps, as data frames have it
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a foreign class may raise anything
        raise _Unreadable(f"{name} cannot be read: {show(value)}") from None
