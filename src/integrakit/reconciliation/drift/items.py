"""One thing that is wrong between two systems, from the day it was first seen to the day it was gone. A value; what changes it is the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from attrs import fields, frozen

from integrakit.reconciliation.findings import Break, BreakKind
from integrakit.reconciliation.reports.showing import show

__all__ = ["AGES", "DriftItem", "DriftState", "age_bucket", "aged", "items_table", "parts_of"]

#: new: seen for the first time; persisting: seen before and still there; reopened: it was resolved and came back; resolved: no longer there.
DriftState: TypeAlias = Literal["new", "persisting", "reopened", "resolved"]

#: The age buckets of `DriftLedger.ages`, in order: name → from how many days on.
AGES: Mapping[str, int] = MappingProxyType({"under 1 day": 0, "1 to 2 days": 1, "3 to 6 days": 3, "7 to 29 days": 7, "30 days and more": 30})


@frozen(kw_only=True)
class DriftItem:
    """One field of one record that differs, or one record that is missing, repeated, without a key or unreadable.

    ``key``: as the record had it when it was first seen, a tuple for a composite; as text where a store cannot keep it. ``field``: for kind "changed"
    the field by its name on the left, else None. ``cause``: of a field the likely cause, of other kinds what is wrong in words, where a diff says so.
    ``left`` and ``right``: the values, or the records, as a report shows them, cut; "" where there is none or the ledger keeps no values.
    Times are aware, in UTC: ``opened``, since when it is there without interruption, is its first sight or when it came back; ``first_seen`` never
    changes; ``resolved`` is None while it is open. ``times``: in how many reconciliations it was seen. ``owner``: who looks after it, None: nobody;
    ``note``: what a person wrote, or "".
    """

    id: str
    key: Any
    kind: BreakKind
    field: str | None
    state: DriftState
    cause: str
    left: str
    right: str
    owner: str | None
    note: str
    first_seen: datetime
    opened: datetime
    last_seen: datetime
    resolved: datetime | None
    times: int
    reopenings: int

    @property
    def is_open(self) -> bool:
        """Whether it is still there."""
        return self.state != "resolved"

    def age(self, now: datetime) -> timedelta:
        """How long it has been there, or was until it was resolved. Never below zero, also where a clock was set back."""
        return max((self.resolved or now) - self.opened, timedelta(0))

    def to_dict(self) -> dict[str, Any]:
        """All of it as values that JSON has: ``pandas.DataFrame(item.to_dict() for item in ledger.items())``. Times are ISO 8601; of keys, what is
        neither text nor a whole number is shown as text."""
        found = {each.name: getattr(self, each.name) for each in fields(type(self))}
        key = [_sayable(part) for part in self.key] if isinstance(self.key, tuple) else _sayable(self.key)
        return {**{name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}, "key": key}

    def __str__(self) -> str:
        what = f"{show(self.key)} {self.kind if self.field is None else self.field}"
        owner = f", owner {self.owner}" if self.owner else ""
        values = f": {self.left} / {self.right}" if self.left or self.right else ""
        return f"{what}{values} ({self.cause or self.kind}; {self.state}, since {self.opened:%Y-%m-%d}, seen {self.times} times{owner})"


def _sayable(part: Any) -> Any:
    if isinstance(part, str):
        return part.encode("utf-8", "backslashreplace").decode()
    return part if part is None or isinstance(part, bool) or (isinstance(part, int) and part.bit_length() < 64) else show(part)


def age_bucket(age: timedelta) -> str:
    """The name of the age bucket."""
    return [name for name, days in AGES.items() if age >= timedelta(days=days) or days == 0][-1]


def aged(items: Iterable[DriftItem], now: datetime) -> dict[str, int]:
    """Age bucket → how many of these are in it; all buckets, in order."""
    counts = dict.fromkeys(AGES, 0)
    for item in items:
        counts[age_bucket(item.age(now))] += 1
    return counts


def parts_of(found: Break) -> list[tuple[str | None, str, Any, Any]]:
    """A break as field, cause, and the two values: one part for each field that differs, one for any other kind."""
    if found.kind == "changed":
        return [(name, each.cause, each.left, each.right) for name, each in found.fields.items()]
    return [(None, found.reason, found.left, found.right)]


def items_table(items: Iterable[DriftItem], now: datetime) -> str:
    """Items as a table of text, in their order, ages in days."""
    rows = [("age", "key", "what", "left", "right", "times", "owner", "note")]
    for item in items:
        what = item.kind.replace("_", " ") if item.field is None else item.field
        days = f"{item.age(now).days} d"
        rows.append((days, show(item.key), what, item.left, item.right, f"{item.times:,}", item.owner or "", item.note))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
