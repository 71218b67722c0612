"""What is in flight told apart from what is broken, once two sides that go on working have been compared.

The order of it: what changed too lately is set aside, what remains is looked at again, and the findings are written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from integrakit.reconciliation.breaks import Entry
from integrakit.reconciliation.engines.planning import Finished
from integrakit.reconciliation.findings import Findings
from integrakit.reconciliation.live.looking import Looks
from integrakit.reconciliation.live.moments import Moments, cutoff
from integrakit.reconciliation.live.moving import Copies, notes_of_moments
from integrakit.reconciliation.live.settling import Recheck, Settle
from integrakit.reconciliation.live.watched import State, Watched, entry_of, parted, records_of
from integrakit.reconciliation.rules.keys import rows_of
from integrakit.runtimes import runtime

__all__ = ["Live"]

#: What time may mend: a null key, and a value that cannot be compared, are wrong by themselves.
_JUDGED = ("changed", "missing_left", "missing_right", "duplicate")


@frozen(kw_only=True)
class Live:
    """What was said of the two systems, and what is known of their clocks. ``started``: when the comparison began, by the clock of the runtime."""

    settle: Settle | None
    recheck: Recheck
    moments: Moments
    copies: Copies
    started: datetime

    async def findings(self, finished: Finished, findings: Findings) -> Findings:
        """The findings without what is in flight, and with it apart. Raises `ConfigurationError` where settle= has no field to go by."""
        notes: list[str] = []
        unstable = self.copies.notes()
        if self.settle is not None or self.recheck.times:
            notes += notes_of_moments(finished.run.feeds)
            watched = await runtime().blocking(self._watched, findings, notes)
            if self.settle is not None:
                self.moments.check(_names(finished))
                notes += self.moments.notes()
            looks = Looks(finished, findings.fields, self.moments, started=self.started, is_fresh=self._freshness())
            watched = await looks.all(watched, self.recheck)
            notes += looks.notes() if self.recheck.times and len(watched) else []
            unstable += looks.unstable()
            if looks.times or watched.count(frozenset({State.FRESH})):
                findings = await runtime().blocking(parted, findings, watched)
            findings = evolve(findings, rechecked=looks.times)
        return evolve(
            findings,
            notes=(*findings.notes, *notes),
            unstable=(*findings.unstable, *unstable),
            verified_through=None if self.settle is None else cutoff(self.started, self.settle),
        )

    def _watched(self, findings: Findings, notes: list[str]) -> Watched:
        is_fresh, silent, watched = self._freshness(), [0, 0], Watched()
        for found in findings.breaks:
            entry = entry_of(found)
            if found.kind not in _JUDGED:
                watched.append(entry, State.WRONG)
                continue
            watched.append(entry, State.FRESH if is_fresh(entry) else State.BROKEN)
            if self.settle is not None:
                for side in (0, 1):
                    silent[side] += sum(self.moments.of(side, record) is None for record in records_of(entry[2 + side]))
        for side, count in enumerate(silent):
            if count and self.moments.had[side]:
                name = ("left", "right")[side]
                notes.append(f"{count:,} of the records in breaks on the {name} do not say readably when they changed, and count as settled")
        return watched

    def _freshness(self) -> Callable[[Entry], bool]:
        if self.settle is None:
            return lambda entry: False
        limit, moments = cutoff(self.started, self.settle), self.moments

        def is_fresh(entry: Entry) -> bool:
            return any(
                (moment := moments.of(side, record)) is not None and moment >= limit for side in (0, 1) for record in records_of(entry[2 + side])
            )

        return is_fresh


def _names(finished: Finished) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What is known of the fields of each side, also where nothing is broken."""
    names = []
    for side, feed in enumerate(finished.run.feeds):
        rows = rows_of([] if feed.sample is None else [feed.sample])[0]
        names.append({**finished.run.comparison.names[side], **(rows[0] if rows else {})})
    return names[0], names[1]
