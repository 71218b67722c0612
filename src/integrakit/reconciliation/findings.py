"""What a reconciliation found, as values: breaks, mismatches per field, control totals, keys that look alike.

The reports are written from these and from nothing else. No comparing, no reading, no formatting here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias

from attrs import field, frozen

from integrakit.model import Evidence
from integrakit.reconciliation.rules.spec import Field, Key

__all__ = [
    "Break",
    "BreakKind",
    "Breaks",
    "Check",
    "ControlTotal",
    "FieldMismatches",
    "Findings",
    "Lookalike",
    "Mismatch",
    "Read",
    "Rule",
    "Sides",
    "Verdict",
]

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
class Read:
    """What was read on one side, when and how well. ``started`` is aware and None where the read does not say; ``evidence`` is in words."""

    side: str
    label: str
    records: int
    pages: int
    started: datetime | None
    complete: bool | None
    evidence: str


@frozen
class Check:
    """One thing that was held against the rule, and what came of it in a sentence with its numbers."""

    name: str
    passed: bool
    sentence: str


@frozen
class Verdict:
    """Whether what differs is accepted. ``reasons``: why not, or what was borne with, in sentences; ``rule``: what was accepted to begin with."""

    accepted: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    rule: str = ""

    def __str__(self) -> str:
        return f"{'accepted' if self.accepted else 'not accepted'}: {'; '.join(self.reasons) or 'nothing differs'}"


class Rule(Protocol):
    """An acceptance rule, as far as findings and reports know it."""

    def judge(self, findings: Findings) -> Verdict: ...


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
    #: What would have been better and does not suit these sides, each with its reason: "pushdown: the sides are not in one engine".
    considered: tuple[str, ...]
    sides: tuple[str, str]
    #: What the sides are called in words for people.
    names: tuple[str, str] = field(default=("left", "right"), kw_only=True)
    #: Nothing but the keys was compared, and nobody asked for that: both sides have other fields, and none in common.
    keys_alone: bool = field(default=False, kw_only=True)
    untyped: tuple[bool, bool]
    evidence: Sides
    breaks: Breaks
    #: The rule that the verdict is given by; None: no break at all is accepted.
    accept: Rule | None = None
    #: When the comparison began and ended, by the clock of the runtime; aware.
    started: datetime | None = None
    ended: datetime | None = None
    reads: tuple[Read, ...] = ()
    #: Side → name of a field or of a part of the key → category of its values, as far as it is known and is one.
    kinds: tuple[Mapping[str, str], Mapping[str, str]] = field(factory=lambda: (MappingProxyType({}), MappingProxyType({})))
    #: Records that changed so lately that nothing can be said about them yet. They are no breaks.
    in_flight: Breaks = ()
    #: What changed before this moment has been compared; None where nothing was left out as too new.
    verified_through: datetime | None = None
    #: What moved while it was read, in words.
    unstable: tuple[str, ...] = ()
    #: How many breaks were gone when they were looked at again, and how often that was done.
    resolved: int = 0
    rechecked: int = 0
    #: What reports compute from the breaks by reading them once, and keep. A copy made by ``evolve`` begins without it.
    memo: dict[str, Any] = field(factory=dict, init=False, repr=False, eq=False)
