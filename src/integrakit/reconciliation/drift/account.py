"""`Drift`: what one reconciliation changed in a ledger, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define, field

from integrakit.reconciliation.drift.items import AGES, DriftState, age_bucket

__all__ = ["Drift"]

_NOBODY = "nobody"
_COUNTS = ("new", "persisting", "reopened", "resolved", "open")


@define(kw_only=True)
class Drift:
    """Counts of items (fields of records that differ, records that are missing …): ``new``, ``persisting``, ``reopened``, ``resolved``; of those
    that are open now, ``ages`` (bucket → number) and ``owners`` (owner → number, None: nobody). ``run``: the number of the reconciliation, from 1 on;
    ``at``: when it was recorded, aware, in UTC."""

    name: str
    run: int
    at: datetime
    new: int = 0
    persisting: int = 0
    reopened: int = 0
    resolved: int = 0
    #: All that is open, also what was not judged this time: in flight, or of a field that was not compared.
    open: int = 0
    ages: dict[str, int] = field(factory=lambda: dict.fromkeys(AGES, 0))
    owners: dict[str | None, int] = field(factory=dict)

    def count(self, state: DriftState) -> None:
        """One more item that was seen."""
        setattr(self, state, getattr(self, state) + 1)

    def count_open(self, opened: datetime, owner: str | None) -> None:
        """One more item that is open."""
        self.open += 1
        self.ages[age_bucket(self.at - opened)] += 1
        self.owners[owner] = self.owners.get(owner, 0) + 1

    def to_dict(self) -> dict[str, Any]:
        """All but the name, as a store or JSON keeps it: the time in ISO 8601, owners as pairs, for nobody is one of them."""
        counts = {name: getattr(self, name) for name in ("run", *_COUNTS)}
        return {**counts, "at": self.at.isoformat(), "ages": dict(self.ages), "owners": [list(each) for each in self._by_number()]}

    @classmethod
    def from_dict(cls, name: str, values: Mapping[str, Any]) -> Drift:
        """The inverse of `to_dict`."""
        known = {"at": datetime.fromisoformat(values["at"]), "owners": dict(values["owners"])}
        return cls(name=name, **{**values, **known})

    def _by_number(self) -> list[tuple[str | None, int]]:
        return sorted(self.owners.items(), key=lambda each: (-each[1], each[0] or ""))

    def __str__(self) -> str:
        head = (
            f"{self.name}, run {self.run}: {self.new:,} new, {self.persisting:,} persisting, {self.reopened:,} reopened, {self.resolved:,} resolved"
        )
        lines = [f"{head}; {self.open:,} open"]
        if self.open:
            lines.append("  age: " + ", ".join(f"{name} {count:,}" for name, count in self.ages.items() if count))
            lines.append("  owner: " + ", ".join(f"{_NOBODY if owner is None else owner} {count:,}" for owner, count in self._by_number()))
        return "\n".join(lines)
