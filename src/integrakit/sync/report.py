"""`Report`: what one run did, in numbers and in words."""

from __future__ import annotations

import html
from typing import Any

from attrs import asdict, frozen

from integrakit.model import Evidence

__all__ = ["Report"]


@frozen(kw_only=True)
class Report:
    """What one run of a sync did. Counts are of records."""

    name: str
    read: int = 0
    #: Created or updated in the sink by this run, those settled from an earlier run included.
    written: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    #: Nothing had changed since they were last written, so nothing was sent.
    unchanged: int = 0
    #: Left out by the mapping, which gave None.
    skipped: int = 0
    #: Set aside as dead letters: they broke the mapping, or the sink said no.
    rejected: int = 0
    #: Certainly not written; the next run tries again.
    failed: int = 0
    #: May or may not have been written; the next run settles those that can be, `Sync.unknown` lists the rest.
    unknown: int = 0
    #: Writes of an earlier run that this one settled first.
    settled: int = 0
    evidence: Evidence
    #: Wall-clock seconds by the runtime's clock.
    seconds: float = 0.0
    #: What a person should know, such as why deletes were withheld.
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        values = asdict(self)
        values["notes"] = list(self.notes)
        values["evidence"]["reasons"] = list(self.evidence.reasons)
        values["evidence"]["notes"] = list(self.evidence.notes)
        values["evidence"]["started"] = None if self.evidence.started is None else self.evidence.started.isoformat()
        return values

    def __str__(self) -> str:
        parts = [f"{self.read} read", f"{self.written} written", f"{self.unchanged} unchanged"]
        for name in ("deleted", "skipped", "rejected", "failed", "unknown", "settled"):
            if count := getattr(self, name):
                parts.append(f"{count} {name}")
        lines = [f"{self.name}: {', '.join(parts)} in {self.seconds:.1f} s; the read is {self.evidence}"]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        shown = ("read", "written", "unchanged", "deleted", "skipped", "rejected", "failed", "unknown", "settled")
        head = "".join(f"<th>{name}</th>" for name in shown)
        row = "".join(f"<td>{getattr(self, name)}</td>" for name in shown)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<table><caption>{html.escape(self.name)}: {html.escape(str(self.evidence))}</caption><tr>{head}</tr><tr>{row}</tr></table>"
            f"{f'<ul>{notes}</ul>' if notes else ''}"
        )
