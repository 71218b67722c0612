"""How two values of a record compare in a condition: by value within a kind, an error across kinds, and never with a float's own arithmetic.

Both passes use these functions, so they agree. Missing and null are one "nothing": equal to itself, and neither equal to, nor before, nor after
anything else. Everything here raises `Misfit` and nothing else for values of Python's own types.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from integrakit.transform.containers import listed
from integrakit.transform.conversions.spellings import is_whole_week
from integrakit.transform.exact import shortest_number
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.unset import UNSET

__all__ = ["ORDERS", "Compare", "contains", "ends_with", "equal", "holds", "kind_of_value", "length", "one_of", "starts_with", "unequal"]

Compare: TypeAlias = Callable[[Any, Any], bool]

# Characters a date or time may have.
_LONGEST_MOMENT = 64
# No longer than this is a day alone.
_LONGEST_DAY = len("2000-12-31")
_MOMENTS = ("date", "datetime", "time")


def kind_of_value(value: Any) -> str:
    """ "text", "number", "bool", "date", "datetime" or "time"; raises `Misfit` for what cannot be compared."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, datetime):
        return "datetime"
    if isinstance(value, date):
        return "date"
    if isinstance(value, time):
        return "time"
    hint = ": length(…) gives the number of its items" if isinstance(value, list | tuple) else ""
    raise Misfit(f"{article(value)} cannot be compared{hint}")


def equal(left: Any, right: Any) -> bool:
    """``==``."""
    if left is None or left is UNSET:
        return right is None or right is UNSET
    if right is None or right is UNSET:
        return False
    _, left, right = _alike(left, right)
    return bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """``!=``, the exact opposite of ``==``."""
    return not equal(left, right)


def _ordered(compare: Compare) -> Compare:
    def ordered(left: Any, right: Any) -> bool:
        if left is None or left is UNSET or right is None or right is UNSET:
            return False
        kind, left, right = _alike(left, right)
        if kind == "bool":
            raise Misfit(f"{excerpt(left)} is a bool, and true is neither more nor less than false")
        return bool(compare(left, right))

    ordered.__name__ = compare.__name__
    return ordered


#: The comparisons of order by their sign.
ORDERS: Mapping[str, Compare] = {"<": _ordered(operator.lt), "<=": _ordered(operator.le), ">": _ordered(operator.gt), ">=": _ordered(operator.ge)}


def one_of(value: Any, items: Any) -> bool:
    """``in``: whether the value equals an item of the list. There is nothing in a missing list, nor in null."""
    if items is None or items is UNSET:
        return False
    return any(equal(value, item) for item in listed(items))


def holds(value: Any) -> bool:
    """A value that is a condition of its own: a bool, or nothing, which does not hold."""
    if value is None or value is UNSET:
        return False
    if isinstance(value, bool):
        return value
    raise Misfit(f"{excerpt(value)} is not true or false: a condition compares it with something, as in … == {excerpt(value)}")


def starts_with(left: Any, right: Any) -> bool:
    """``starts with``."""
    texts = _texts(left, right, "starts with")
    return texts is not None and texts[0].startswith(texts[1])


def ends_with(left: Any, right: Any) -> bool:
    """``ends with``."""
    texts = _texts(left, right, "ends with")
    return texts is not None and texts[0].endswith(texts[1])


def contains(left: Any, right: Any) -> bool:
    """``contains``: one text in another."""
    texts = _texts(left, right, "contains")
    return texts is not None and texts[1] in texts[0]


def length(value: Any) -> int:
    """The number of characters, items or entries."""
    if isinstance(value, str):
        return str.__len__(value)
    if isinstance(value, list | tuple | Mapping):
        return len(value)
    raise Misfit(f"{article(value)} has no length: text, a list or an object has")


def _texts(left: Any, right: Any, name: str) -> tuple[str, str] | None:
    for value in (left, right):
        if value is None or value is UNSET:
            return None
    for value in (left, right):
        if not isinstance(value, str):
            hint = ": in finds an item of a list, as in 'a' in tags" if isinstance(value, list | tuple) and name == "contains" else ""
            raise Misfit(f"{excerpt(value)} is {article(value)}, and {name} is for text{hint}")
    return str.__str__(left), str.__str__(right)


def _alike(left: Any, right: Any) -> tuple[str, Any, Any]:
    """The kind of both and their plain values; raises `Misfit` where they are of two kinds."""
    kinds = kind_of_value(left), kind_of_value(right)
    if kinds[0] == "text" and kinds[1] in _MOMENTS:
        return kinds[1], *_zoned(_moment(left, right, kinds[1]), right)
    if kinds[1] == "text" and kinds[0] in _MOMENTS:
        return kinds[0], *_zoned(left, _moment(right, left, kinds[0]))
    if kinds[0] != kinds[1]:
        raise Misfit(f"{excerpt(left)} is {_NAMES[kinds[0]]} and {excerpt(right)} {_NAMES[kinds[1]]}: {_advice(set(kinds))}")
    if kinds[0] == "text":
        # The text alone: what an enum or another kind of str has made of == does not count.
        return "text", str.__str__(left), str.__str__(right)
    if kinds[0] == "number":
        return "number", _number(left), _number(right)
    return kinds[0], *(_zoned(left, right) if kinds[0] in _MOMENTS else (left, right))


_NAMES = {"text": "text", "number": "a number", "bool": "a bool", "date": "a date", "datetime": "a date with a time", "time": "a time of day"}


def _advice(kinds: set[str]) -> str:
    if kinds == {"text", "number"}:
        return "number(…) makes a number of text, text(…) makes text of a number"
    if kinds == {"date", "datetime"}:
        return "date(…) gives the day of a time"
    return "they do not compare"


def _number(value: Any) -> Decimal | int:
    found = shortest_number(value)
    return int(found) if isinstance(found, int) else Decimal(found)


def _moment(text: str, like: Any, kind: str) -> Any:
    """Text in ISO 8601, read as what it is compared with."""
    plain = str.__str__(text)
    try:
        if len(plain) > _LONGEST_MOMENT:
            raise ValueError("too long")
        if is_whole_week(plain.strip()):
            raise ValueError("no day")
        if kind == "datetime" and len(plain.strip()) <= _LONGEST_DAY:
            raise Misfit(f"{excerpt(text)} is a day and {excerpt(like)} a time of a day: compare date(…) with the day, or write the time")
        readers: dict[str, Callable[[str], Any]] = {
            "date": date.fromisoformat,
            "datetime": datetime.fromisoformat,
            "time": time.fromisoformat,
        }
        return readers[kind](plain.strip())
    except Misfit:
        raise
    except ValueError:
        raise Misfit(f"{excerpt(text)} is not {_NAMES[kind]} in ISO 8601, and is compared with one") from None


def _zoned(left: Any, right: Any) -> tuple[Any, Any]:
    for value in (left, right):
        if value != value:  # pandas' NaT calls itself a datetime
            raise Misfit(f"{article(value)} is no moment")
    if isinstance(left, datetime | time) and (left.utcoffset() is None) != (right.utcoffset() is None):
        naive, aware = (left, right) if left.utcoffset() is None else (right, left)
        raise Misfit(f"{excerpt(naive)} has no zone and {excerpt(aware)} has one: datetime(…, 'Europe/Berlin') says which clock it shows")
    # As instants: of two times in one zone Python compares the clocks, which an hour that comes twice makes wrong.
    return _instant(left), _instant(right)


def _instant(value: Any) -> Any:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Misfit(f"{excerpt(value)} is outside the years 1 to 9999 in UTC") from None
