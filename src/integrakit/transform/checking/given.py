"""What a rule can give, as values: the ways a value may look, whether it may be null, whether it may be absent.

Nothing is claimed that is not known: a way without a kind may be anything. How rules come to these is in `inferring`, what is done with them in
`comparing` and `classes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from attrs import fields, frozen, has

from integrakit.money import Money
from integrakit.unset import UNSET

__all__ = ["ABSENT", "ANYTHING", "JSON_TYPES", "KINDS", "NULL", "Given", "Way", "of_value", "one", "together"]

#: The kinds of a value → its JSON type once it is sent, and its format where the schema can name one. Empty: JSON cannot say it.
KINDS: Mapping[str, tuple[str, str]] = {
    "str": ("string", ""),
    "int": ("integer", ""),
    "float": ("number", ""),
    "decimal": ("number", ""),
    "bool": ("boolean", ""),
    "date": ("string", "date"),
    "datetime": ("string", "date-time"),
    "time": ("string", "time"),
    "uuid": ("string", "uuid"),
    "money": ("object", ""),
    "object": ("object", ""),
    "array": ("array", ""),
    "duration": ("", ""),
}
#: How a person calls the types of JSON Schema.
JSON_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
# Deeper than any value of a mapping.
_DEEPEST = 64
# Ways beyond this are one way each for a kind: a table of a million codes says no more than its first ten thousand values do.
_MOST_WAYS = 10_000


@frozen(eq=False)
class Way:
    """One way a value may look. ``kind``: a name of `KINDS`, or empty where anything is possible."""

    kind: str = ""
    #: The value itself, where it is known.
    value: Any = UNSET
    #: The format of a text, where it is known and its kind does not say it.
    format: str = ""
    #: The most digits after the point of a decimal.
    scale: int | None = None
    #: Of an object; None where its fields are not known.
    fields: Mapping[str, Given] | None = None
    #: Of a list; None where its items are not known.
    items: Given | None = None

    @property
    def json(self) -> str:
        """The JSON type; empty where anything is possible, or where JSON has none for it."""
        return KINDS[self.kind][0] if self.kind else ""

    @property
    def spelling(self) -> str:
        """The format of its text, where it is known."""
        return self.format or (KINDS[self.kind][1] if self.kind else "")


@frozen(eq=False)
class Given:
    """``ways``: it looks like one of them, where it is there and not null. None at all: it is never anything but null or absent."""

    ways: tuple[Way, ...]
    null: bool = False
    missing: bool = False

    @property
    def always_null(self) -> bool:
        return self.null and not self.ways


ANYTHING = Given((Way(),), null=True)
NULL = Given((), null=True)
ABSENT = Given((), missing=True)
_AMOUNT = {"amount": Given((Way("str"),)), "currency": Given((Way("str"),))}


def one(kind: str, **details: Any) -> Given:
    """Certainly a value of that kind."""
    return Given((Way(kind, **details),))


def together(several: Iterable[Given]) -> Given:
    """One or the other."""
    several = tuple(several)
    ways = merged(way for given in several for way in given.ways)
    return Given(ways, null=any(given.null for given in several), missing=any(given.missing for given in several))


def merged(ways: Iterable[Way]) -> tuple[Way, ...]:
    """Each way once; where there are very many, their kinds alone."""
    kept: dict[Any, Way] = {}
    for way in ways:
        kept.setdefault(_identity(way), way)
        if len(kept) > _MOST_WAYS:
            break
    else:
        return tuple(kept.values())
    kinds: dict[str, Way] = {}
    for way in (*kept.values(), *ways):
        other = kinds.setdefault(way.kind, Way(way.kind, format=way.format, scale=way.scale))
        if (way.format, way.scale) != (other.format, other.scale):
            scale = None if way.scale is None or other.scale is None else max(way.scale, other.scale)
            kinds[way.kind] = Way(way.kind, format=way.format if way.format == other.format else "", scale=scale)
    return tuple(kinds.values())


def _identity(way: Way) -> Any:
    if way.value is not UNSET:
        return way.kind, str(way.value)
    return id(way) if way.kind in ("object", "array") else (way.kind, way.format, way.scale, UNSET)


# ---------------------------------------------------------------- known values

# Subclasses before their parents.
_PLAIN: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (Decimal, "decimal"),
    (str, "str"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (timedelta, "duration"),
    (UUID, "uuid"),
)


def of_value(value: Any, depth: int = 0) -> Given:
    """A value that is known: a constant, an entry of a table, a mapped record."""
    if value is None:
        return NULL
    if value is UNSET:
        return ABSENT
    if depth > _DEEPEST:
        return Given((Way(),))
    if type(value) is Money:
        return one("money", fields={"amount": of_value(f"{value.amount:f}"), "currency": of_value(value.currency)})
    if isinstance(value, Enum):
        return of_value(value.value, depth + 1)
    if isinstance(value, Mapping):
        known = {name: of_value(item, depth + 1) for name, item in value.items() if isinstance(name, str)}
        return one("object", fields={name: item for name, item in known.items() if item is not ABSENT})
    if isinstance(value, list | tuple):
        return one("array", items=together(of_value(item, depth + 1) for item in value))
    if has(type(value)):
        return of_value({field.name: getattr(value, field.name) for field in fields(type(value))}, depth)
    kind = next((kind for known, kind in _PLAIN if isinstance(value, known)), "")
    if kind == "decimal":
        return one(kind, value=value, scale=_digits(value))
    return one(kind, value=value) if kind else Given((Way(),))


def _digits(number: Decimal) -> int | None:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else None


def money() -> Given:
    """An amount of money as it is sent."""
    return one("money", fields=_AMOUNT)
