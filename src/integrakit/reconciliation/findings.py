"""What a reconciliation found, as values: breaks, mismatches per field, control totals, keys that look alike.

The reports are written from these and from nothing else. No comparing, no reading, no formatting here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, Protocol, TypeAlias

from attrs import frozen

from integrakit.model import Evidence
from integrakit.reconciliation.rules.spec import Field, Key

__all__ = ["Break", "BreakKind", "ControlTotal", "FieldMismatches", "Findings", "Lookalike", "Mismatch", "Sides"]

BreakKind: TypeAlias = Literal["changed", "missing_left", "missing_right", "duplicate", "null_key", "invalid"]


@frozen
class Mismatch:
    """One field of one pair of records: both values as they were read (UNSET: absent), and the likely cause."""

    left: Any
    right: Any
    cause: str


@frozen
class Break:
    """One place where the sides do not agree.

    ``kind``: changed; missing_left (on the right only); missing_right (on the left only); duplicate (the records of a key that found no partner);
    null_key; invalid (no record, a key that cannot be read, values that cannot be compared). ``left`` and ``right`` are the records as dicts or
    None; for a duplicate, tuples of them. ``fields``: for changed ones, name on the left → `Mismatch`. ``key``: as the record has it, a tuple for a
    composite. Each iteration makes new objects: changing one changes nothing else.
    """

    key: Any
    kind: BreakKind
    left: Any
    right: Any
    fields: Mapping[str, Mismatch]
    #: For duplicate, null_key and invalid: what is wrong, in words.
    reason: str = ""


@frozen
class FieldMismatches:
    """How many pairs differ in one field, and how many of them by each likely cause."""

    mismatches: int
    causes: Mapping[str, int]


@frozen
class ControlTotal:
    """The sum of one numeric field over all records of each side. ``exact`` is False where 120 digits were not enough or an infinity is in it."""

    left: int | Decimal
    right: int | Decimal
    difference: int | Decimal
    exact: bool = True


@frozen
class Lookalike:
    """Two keys that no rule makes equal and that a person may take for the same: '42' / 42."""

    left: Any
    right: Any
    why: str


@frozen
class Sides:
    """The evidence of both reads."""

    left: Evidence | None
    right: Evidence | None


class Breaks(Protocol):
    """Where breaks are kept: counted, and iterated as often as one likes."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Break]: ...


@frozen(kw_only=True)
class Findings:
    """All that a report can say."""

    summary: Mapping[str, int]
    by_field: Mapping[str, FieldMismatches]
    totals: Mapping[str, ControlTotal]
    key: Key
    #: What was compared, with the names on both sides.
    fields: tuple[Field, ...]
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]
    ignored: tuple[str, ...]
    lookalikes: tuple[Lookalike, ...]
    lookalike_count: int
    #: Keys that occur more than once with the same records on both sides: no break, and worth knowing. The first ten.
    agreeing_duplicates: tuple[Any, ...]
    notes: tuple[str, ...]
    engine: str
    why: tuple[str, ...]
    sides: tuple[str, str]
    untyped: tuple[bool, bool]
    evidence: Sides
    breaks: Breaks
