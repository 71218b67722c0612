"""The findings of a run that came to its end: its counts, causes, totals and breaks as one value that reports are written from."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

from integrakit.reconciliation.breaks import Kept
from integrakit.reconciliation.engines.planning import Finished
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.findings import ControlTotal, FieldMismatches, Findings, Sides
from integrakit.reconciliation.rules.totals import Total, wide

__all__ = ["findings_of"]


def _control(left: Total, right: Total) -> ControlTotal:
    a, b = left.value, right.value
    difference = a - b if isinstance(a, int) and isinstance(b, int) else wide().subtract(a, b)
    return ControlTotal(a, b, difference, exact=not (left.inexact or right.inexact))


def findings_of(finished: Finished) -> Findings:
    """All that the reports need."""
    run, engine, why = finished.run, finished.engine, finished.why
    comparison, tally = run.comparison, run.tally
    dropped = comparison.one_sided
    tally.close(dropped)
    columns = comparison.compared()
    counts: Counter[str] = tally.counts
    breaks = sum(counts[kind] for kind in ("changed", "missing_left", "missing_right", "duplicate", "null_key", "invalid"))
    alike, shown = tally.lookalikes.found()
    by_field = {}
    totals = {}
    for column in columns:
        name = column.field.name
        if causes := tally.causes.get(name):
            by_field[name] = FieldMismatches(causes.total(), MappingProxyType(dict(causes.most_common())))
        # A sum of one side next to text on the other would look like a difference and be none.
        if any(total.numeric for total in column.totals) and not any(total.others for total in column.totals):
            totals[name] = _control(*column.totals)
    return Findings(
        summary=MappingProxyType(
            {
                "left": counts["left"],
                "right": counts["right"],
                "matched": counts["equal"] + counts["changed"],
                "equal": counts["equal"],
                "changed": counts["changed"],
                "missing_left": counts["missing_left"],
                "missing_right": counts["missing_right"],
                "duplicates": counts["duplicates"],
                "null_keys": counts["null_key"],
                "invalid": counts["invalid"],
            }
        ),
        by_field=MappingProxyType(by_field),
        totals=MappingProxyType(totals),
        key=comparison.key,
        fields=tuple(column.field for column in columns),
        only_left=comparison.only(0),
        only_right=comparison.only(1),
        ignored=tuple(sorted(comparison.ignored)),
        lookalikes=shown,
        lookalike_count=alike,
        agreeing_duplicates=tuple(tally.agreeing),
        notes=_notes(run),
        engine=engine,
        why=tuple(why),
        sides=(run.feeds[0].label, run.feeds[1].label),
        untyped=comparison.untyped,
        evidence=Sides(run.feeds[0].evidence, run.feeds[1].evidence),
        breaks=Kept(tally.logs, names={column.field.name: column.field.right for column in columns}, dropped=dropped, count=breaks),
    )


def _notes(run: Run) -> tuple[str, ...]:
    notes = [
        f"no record on the {feed.name} has a usable key ({', '.join(reading.names)}): is that its name?"
        for feed, reading in zip(run.feeds, run.readings, strict=True)
        if feed.records and not any(reading.kinds)
    ]
    notes += [
        f'the {feed.name} side was read twice, for it turned out late that merging would not do (see explain()): engine="dict" reads it once'
        for feed in run.feeds
        if feed.restarts
    ]
    return tuple(notes)
