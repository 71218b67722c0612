"""Which values can be compared, and which are the same: for the sort, the smallest and largest, the groups and the distinct values of lists.

Nothing is compared that a person would not compare: numbers with numbers, days with days. What is not comparable is a `Misfit`, never an order that
Python happens to have. Whole values only; where they stand in a record is the business of the nodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from integrakit.money import Money
from integrakit.transform.exact import EXACT_DIGITS
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.unset import UNSET

__all__ = ["alike", "arranged", "distinct", "greatest", "key_of", "least", "rank", "same"]

_FINE_AS_THEY_ARE = frozenset({str, int, date, timedelta, UUID})


def _number(value: Decimal | float) -> Decimal:
    """A finite Decimal; a float by its shortest text, so that 0.1 is one tenth wherever it comes from."""
    found = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    if not found.is_finite():
        raise Misfit(f"{excerpt(value)} is not a finite number")
    if found and abs(found.adjusted()) > EXACT_DIGITS:
        raise Misfit(f"{excerpt(value)} has more than {EXACT_DIGITS} digits before or after the point")
    return found


def key_of(value: Any) -> Hashable:
    """What two values have in common when they are the same. Raises `Misfit` for what cannot be a key.

    Numbers are the same by value (1, 1.0, Decimal("1.00")); a bool is not a number, text is not a number ("1"), and null is only null. Instants are
    the same when they are the same moment.
    """
    kind = type(value)
    if kind in _FINE_AS_THEY_ARE or value is None:
        return value  # type: ignore[no-any-return]
    if kind is Decimal or kind is float:
        return _number(value)
    if isinstance(value, bool):
        return (bool, value)
    if kind is datetime or kind is time:
        return (kind, value.utcoffset() is not None, value)
    if kind is bytes:
        return (bytes, value)
    if kind is Money:
        return (Money, value.amount, value.currency)
    if isinstance(value, str):  # subclasses, such as an enum of texts, by their text
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    raise Misfit(f"{article(value)} cannot be a key: text, numbers, bools, dates, times, UUIDs, amounts of money and null can")


def same(left: Any, right: Any) -> bool:
    """True where two values of a record are the same: by `key_of`, and lists and objects part by part. Raises `Misfit`."""
    # A stack of its own, because a record may be nested deeper than Python can call.
    waiting = [(left, right)]
    while waiting:
        one, other = waiting.pop()
        if one is other:
            continue
        if one is UNSET or other is UNSET:
            return False
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            waiting += [(one[key], other[key]) for key in one]
        elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
            if len(one) != len(other):
                return False
            waiting += zip(one, other, strict=True)
        elif isinstance(one, dict | list | tuple) or isinstance(other, dict | list | tuple) or key_of(one) != key_of(other):
            return False
    return True


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order of first appearance. Raises `Misfit`."""
    found: dict[Hashable, Any] = {}
    for value in values:
        found.setdefault(key_of(value), value)
    return list(found.values())


def rank(value: Any) -> str:
    """The kind of values that this one can be compared with, for a message too. Raises `Misfit` where there is none."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "bools"
    if isinstance(value, int):
        return "numbers"
    if isinstance(value, Decimal | float):
        _number(value)
        return "numbers"
    if isinstance(value, datetime | time):
        zone = "with" if value.utcoffset() is not None else "without"
        return f"{'datetimes' if isinstance(value, datetime) else 'times of day'} {zone} a zone"
    if isinstance(value, date):
        return "dates"
    if isinstance(value, timedelta):
        return "durations"
    if type(value) is Money:
        return f"amounts in {value.currency}"
    if value is None:
        raise Misfit("null has no place in an order: say default = … with nullable = false, or leave such items out with where")
    raise Misfit(f"{article(value)} has no place in an order: text, numbers, dates, times and amounts of money have")


def alike(values: Sequence[Any]) -> None:
    """Raises `Misfit` unless all the values can be compared with one another."""
    kinds = set(map(type, values))
    if kinds <= {int, Decimal} or (len(kinds) == 1 and kinds <= {str, date, bool}):  # that the numbers are finite is seen by `_comparable`
        return
    ranks = list(dict.fromkeys(map(rank, values)))
    if len(ranks) > 1:
        raise Misfit(f"{ranks[0]} and {ranks[1]} cannot be compared")


def _comparable(value: Any) -> Any:
    return _number(value) if isinstance(value, Decimal | float) else value


def least(values: Sequence[Any]) -> Any:
    """The smallest value, the first of equals. Raises `Misfit`."""
    alike(values)
    return min(values, key=_comparable)


def greatest(values: Sequence[Any]) -> Any:
    """The largest value, the first of equals. Raises `Misfit`."""
    alike(values)
    return max(values, key=_comparable)


def arranged(items: Sequence[Any], columns: Sequence[Sequence[Any]], descending: Sequence[bool]) -> list[Any]:
    """The items in the order of their keys, given as columns, the first the most important. Equals keep their order. Raises `Misfit`."""
    order = list(range(len(items)))
    for column, down in reversed(list(zip(columns, descending, strict=True))):
        alike(column)
        keys = list(map(_comparable, column))
        order.sort(key=keys.__getitem__, reverse=down)
    return [items[index] for index in order]
