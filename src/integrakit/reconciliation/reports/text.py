"""The report as plain text: the verdict first, then counts, control totals, causes, where the breaks lie, and the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from integrakit.reconciliation.findings import Findings
from integrakit.reconciliation.reports.naming import PLAIN, named, retold
from integrakit.reconciliation.reports.options import field_options, key_options
from integrakit.reconciliation.reports.overview import overview_of
from integrakit.reconciliation.reports.showing import amount, clean, show
from integrakit.reconciliation.reports.stretches import Stretches
from integrakit.reconciliation.reports.verdict import verdict_of
from integrakit.reconciliation.reports.words import KINDS, counted, field_label, headline, key_label, moment, remarks, verdict, what_differs
from integrakit.reconciliation.rules.causes import CAUSES

__all__ = ["explanation", "report"]

_BREAKS = 10
_BAR = 40


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they must be: the first to the left, the others to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]).rstrip()


def _head(findings: Findings) -> Iterator[str]:
    if findings.accept is None:
        yield verdict(findings)
        return
    found = verdict_of(findings)
    one = len(found.reasons) == 1 and not found.accepted
    yield headline(findings) if found.accepted or one else "NOT accepted:"
    yield from (f"  {clean(reason)}" for reason in (() if one else found.reasons))
    yield f"The rule: {clean(found.rule)}."
    yield verdict(findings)


def _counts(findings: Findings) -> Iterator[str]:
    counts = findings.summary
    labels = ("left", "right", "matched", "equal", "changed", "missing_left", "missing_right", "duplicates", "null_keys", "invalid")
    notes = {"missing_left": "on the right only", "missing_right": "on the left only", "duplicates": "keys that stand more than once"}
    ours = dict(zip(PLAIN, findings.names, strict=True)) | {
        "missing_left": f"missing in {findings.names[0]}",
        "missing_right": f"missing in {findings.names[1]}",
    }
    plain = findings.names == PLAIN
    rows = [(name.replace("_", " ") if plain else ours.get(name, name.replace("_", " ")), f"{counts[name]:,}") for name in labels]
    for line, name in zip(_table(rows), labels, strict=True):
        yield line + (f"  ({named(notes[name], findings.names)})" if name in notes and counts[name] else "")


def _totals(findings: Findings) -> Iterator[str]:
    rows = [(field_label(findings, name), amount(each.left), amount(each.right), amount(each.difference)) for name, each in findings.totals.items()]
    if rows:
        yield from _table([("control totals", *findings.names, "difference"), *rows])


def _fields(findings: Findings) -> Iterator[str]:
    if findings.by_field:
        yield "fields that differ"
        for name, each in findings.by_field.items():
            causes = ", ".join(f"{cause} {number:,}" for cause, number in each.causes.items())
            yield f"  {field_label(findings, name)}: {each.mismatches:,} ({causes})"


def _causes(findings: Findings) -> Iterator[str]:
    """Each cause once, explained; with an example where the breaks below do not show it."""
    if not findings.by_field:
        return
    met = {cause for each in findings.by_field.values() for cause in each.causes}
    samples = overview_of(findings).samples
    every = len(findings.breaks) <= _BREAKS
    yield "likely causes"
    for cause in [*(cause for cause in CAUSES if cause in met), *sorted(met - CAUSES.keys())]:
        yield f"  {cause}: {CAUSES.get(cause, '')}"
        for name, causes in samples.items():
            some = sorted(causes.get(cause, ()), key=lambda sample: sample.compared is None)
            for sample in some[: 1 if not every or (some and some[0].compared) else 0]:
                compared = "" if sample.compared is None else f", compared as {' / '.join(sample.compared)}"
                yield f"    {field_label(findings, name)} of {sample.key}: {sample.left} / {sample.right}{compared}"


def _where(found: Stretches | None, findings: Findings) -> Iterator[str]:
    if found is None or len(findings.breaks) <= _BREAKS:
        return
    most = max(each.number for each in found.stretches)
    yield f"where the breaks lie, by {clean(found.by)}" + (f": {clean(found.cluster)}" if found.cluster else "")
    rows = [(str(each), f"{each.number:,}") for each in found.stretches]
    for line, each in zip(_table(rows), found.stretches, strict=True):
        yield f"{line}  {'#' * -(-each.number * _BAR // most)}".rstrip()
    if found.elsewhere:
        yield f"  and {found.elsewhere:,} with values of another kind"


def _breaks(findings: Findings) -> Iterator[str]:
    number = len(findings.breaks)
    if number:
        yield f"the first {_BREAKS} of {number:,} breaks" if number > _BREAKS else "breaks"
        yield from (
            f"  {show(found.key)}: {named(KINDS[found.kind], findings.names)}: {what_differs(found, findings.names)}"
            for found in islice(findings.breaks, _BREAKS)
        )


def report(findings: Findings) -> str:
    """The whole report."""
    parts = [_head(findings), _counts(findings), _totals(findings), _fields(findings), _causes(findings)]
    if len(findings.breaks) > _BREAKS:
        overview = overview_of(findings)
        parts += [_where(overview.by_key, findings), _where(overview.by_time, findings)]
    parts += [(f"note: {notice}" for notice in remarks(findings)), _breaks(findings)]
    return "\n\n".join(text for part in parts if (text := "\n".join(part)))


def _once(reasons: Sequence[str]) -> list[str]:
    """Ways that do not suit for one and the same reason, in one line: the first of them."""
    ways: dict[str, list[str]] = {}
    for each in reasons:
        way, colon, why = each.partition(": ")
        ways.setdefault(colon + why, []).append(way)
    return [f"{some[0]}{why}" for why, some in ways.items()]


def explanation(findings: Findings) -> str:
    """How the answer was found: the engine and why it, what was read and when, what was compared and how, what was not."""
    lines = [f"engine: {findings.engine}"]
    lines += [f"  because {clean(retold(reason, findings.names))}" for reason in dict.fromkeys(findings.why)]
    lines += [f"  not {clean(retold(reason, findings.names))}" for reason in _once(findings.considered)]
    if findings.started is not None:
        lines.append(f"when: from {moment(findings.started)} to {moment(findings.ended)}")
    for place, (name, evidence) in enumerate((("left", findings.evidence.left), ("right", findings.evidence.right))):
        untyped = ", untyped text" if findings.untyped[place] else ""
        started = f", read from {moment(evidence.started)}" if evidence is not None and evidence.started is not None else ""
        proof = f"; {clean(str(evidence))}" if evidence is not None else ""
        records = counted(findings.summary[name], "record", "records")
        lines.append(f"{findings.names[place]}: {clean(findings.sides[place])}: {records}{untyped}{started}{proof}")
    options = key_options(findings.key)
    lines.append(f"key: {key_label(findings)}" + (f" [{options}]" if options else ""))
    compared = [field_label(findings, field.name) + (f" [{options}]" if (options := field_options(field)) else "") for field in findings.fields]
    lines.append(f"compared: {', '.join(compared) or 'only the keys'}")
    for name, names in (("ignored", findings.ignored), ("only on the left", findings.only_left), ("only on the right", findings.only_right)):
        if names:
            lines.append(f"{named(name, findings.names)}: {clean(', '.join(names))}")
    if findings.rechecked:
        gone = counted(findings.resolved, "difference was gone", "differences were gone") if findings.resolved else "none of the differences was gone"
        lines.append(f"looked at again ({counted(findings.rechecked, 'look', 'looks')}): {gone}")
    return "\n".join(lines)
