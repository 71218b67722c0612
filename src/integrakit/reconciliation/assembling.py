"""The findings of a run that came to its end: its counts, causes, totals and breaks as one value that reports are written from."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from types import MappingProxyType

from integrakit.reconciliation.breaks import Kept
from integrakit.reconciliation.engines.planning import Finished
from integrakit.reconciliation.engines.run import Run
from integrakit.reconciliation.findings import Breaks, ControlTotal, FieldMismatches, Findings, Read, Rule, Sides
from integrakit.reconciliation.hinting import hints_of, key_meant, kinds_of
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.reports.naming import PLAIN, named
from integrakit.reconciliation.rules.totals import Total, wide
from integrakit.runtimes import runtime

__all__ = ["findings_of"]


def _control(left: Total, right: Total) -> ControlTotal:
    a, b = left.value, right.value
    difference = a - b if isinstance(a, int) and isinstance(b, int) else wide().subtract(a, b)
    return ControlTotal(a, b, difference, exact=not (left.inexact or right.inexact))


def _most_first(found: tuple[str, int]) -> tuple[int, str]:
    # By name where they are as many, for engines meet them in different orders.
    return -found[1], found[0]


def findings_of(
    finished: Finished,
    *,
    accept: Rule | None = None,
    names: tuple[str, str] = PLAIN,
    started: datetime | None = None,
    ended: datetime | None = None,
    in_flight: Breaks = (),
    verified_through: datetime | None = None,
    unstable: tuple[str, ...] = (),
    resolved: int = 0,
    rechecked: int = 0,
) -> Findings:
    """All that the reports need. No break is read here: what takes reading them is computed when it is first asked for.

    ``started``, ``ended``: when the comparison began and ended, aware; it ends now where nothing is said. The rest is what comparing live systems
    found out, see `Findings`.
    """
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
            by_field[name] = FieldMismatches(causes.total(), MappingProxyType(dict(sorted(causes.items(), key=_most_first))))
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
        notes=_notes(run, names),
        engine=engine,
        why=tuple(why),
        considered=tuple(finished.considered),
        sides=(run.feeds[0].label, run.feeds[1].label),
        names=names,
        keys_alone=not comparison.named and not columns and bool(comparison.only(0)) and bool(comparison.only(1)),
        untyped=comparison.untyped,
        evidence=Sides(run.feeds[0].evidence, run.feeds[1].evidence),
        breaks=Kept(tally.logs, names={column.field.name: column.field.right for column in columns}, dropped=dropped, count=breaks),
        accept=accept,
        started=started,
        ended=runtime().wall() if ended is None else ended,
        kinds=(kinds_of(run, 0), kinds_of(run, 1)),
        reads=(_read(run.feeds[0], counts["left"]), _read(run.feeds[1], counts["right"])),
        in_flight=in_flight,
        verified_through=verified_through,
        unstable=unstable,
        resolved=resolved,
        rechecked=rechecked,
    )


def _read(feed: Feed, records: int) -> Read:
    evidence = feed.evidence
    return Read(
        side=feed.name,
        label=feed.label,
        records=records,
        pages=feed.pages if evidence is None else evidence.pages,
        started=None if evidence is None else evidence.started,
        complete=None if evidence is None else evidence.complete,
        evidence="it says nothing about its completeness" if evidence is None else str(evidence),
    )


def _notes(run: Run, names: tuple[str, str]) -> tuple[str, ...]:
    notes = [
        named(f"no record on the {feed.name} has", names) + f" a usable key ({', '.join(reading.names)}): {key_meant(run, side)}"
        for side, (feed, reading) in enumerate(zip(run.feeds, run.readings, strict=True))
        if feed.records and not any(reading.kinds)
    ]
    notes += hints_of(run, names)
    notes += [
        named(f"the {feed.name} side was read twice", names)
        + ', for it turned out late that merging would not do (see explain()): engine="dict" reads it once'
        for feed in run.feeds
        if feed.restarts
    ]
    return tuple(notes)
