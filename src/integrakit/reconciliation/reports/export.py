"""The findings for machines: JSON, written piece by piece, and an Arrow table with one row for each field that differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from integrakit._json import dumps
from integrakit.errors import ConfigurationError
from integrakit.reconciliation.findings import Break, Findings, Mismatch
from integrakit.reconciliation.reports.naming import PLAIN
from integrakit.reconciliation.reports.options import field_options, key_options
from integrakit.reconciliation.reports.overview import Overview, passing
from integrakit.reconciliation.reports.showing import plain, show
from integrakit.reconciliation.reports.stretches import Stretches
from integrakit.reconciliation.reports.verdict import verdict_of
from integrakit.reconciliation.reports.words import headline, remarks
from integrakit.reconciliation.rules.causes import CAUSES
from integrakit.unset import UNSET

__all__ = ["arrow", "json_pieces"]

_ROWS = 10_000
_ARROW_COLUMNS = ("kind", "key", "field", "left", "right", "cause")


def _mismatch(found: Mismatch) -> dict[str, Any]:
    sides = {name: plain(value) for name, value in (("left", found.left), ("right", found.right)) if value is not UNSET}
    return {**sides, "cause": found.cause}


def _break(found: Break) -> dict[str, Any]:
    values: dict[str, Any] = {"key": plain(found.key), "kind": found.kind, "left": plain(found.left), "right": plain(found.right)}
    if found.fields:
        values["fields"] = {plain(name): _mismatch(each) for name, each in found.fields.items()}
    if found.reason:
        values["reason"] = plain(found.reason)
    return values


def _when(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _verdict(findings: Findings) -> dict[str, Any]:
    found = verdict_of(findings)
    checks = [{"name": each.name, "passed": each.passed, "sentence": each.sentence} for each in found.checks]
    return {"accepted": found.accepted, "headline": headline(findings), "reasons": list(found.reasons), "rule": found.rule or None, "checks": checks}


def _head(findings: Findings) -> dict[str, Any]:
    return {
        "version": 1,
        "names": dict(zip(PLAIN, findings.names, strict=True)),
        "matches": not len(findings.breaks),
        "verdict": _verdict(findings),
        "summary": dict(findings.summary),
        "by_field": {name: {"mismatches": each.mismatches, "causes": dict(each.causes)} for name, each in findings.by_field.items()},
        "causes": {cause: CAUSES.get(cause, "") for each in findings.by_field.values() for cause in each.causes},
        "totals": {
            name: {"left": plain(each.left), "right": plain(each.right), "difference": plain(each.difference), "exact": each.exact}
            for name, each in findings.totals.items()
        },
        "key": {"left": list(findings.key.names), "right": list(findings.key.right), "options": key_options(findings.key)},
        "fields": [{"left": field.name, "right": field.right, "options": field_options(field)} for field in findings.fields],
        "ignored": list(findings.ignored),
        "only_left": list(findings.only_left),
        "only_right": list(findings.only_right),
        "lookalikes": [{"left": plain(each.left), "right": plain(each.right), "why": each.why} for each in findings.lookalikes],
        "notes": list(remarks(findings)),
        "engine": findings.engine,
        "why": list(findings.why),
        "started": _when(findings.started),
        "ended": _when(findings.ended),
        "reads": [
            {
                "side": read.side,
                "source": read.label,
                "records": read.records,
                "pages": read.pages,
                "started": _when(read.started),
                "complete": read.complete,
                "evidence": read.evidence,
            }
            for read in findings.reads
        ],
        "live": {
            "in_flight": len(findings.in_flight),
            "verified_through": _when(findings.verified_through),
            "unstable": list(findings.unstable),
            "resolved": findings.resolved,
            "rechecked": findings.rechecked,
        },
    }


def _stretches(found: Stretches | None) -> dict[str, Any] | None:
    if found is None:
        return None
    parts = [{"first": each.first, "last": each.last, "breaks": each.number} for each in found.stretches]
    return {"by": found.by, "stretches": parts, "cluster": found.cluster or None, "elsewhere": found.elsewhere}


def _tail(overview: Overview) -> dict[str, Any]:
    samples = [
        {
            "field": field,
            "cause": cause,
            "key": sample.key,
            "left": sample.left,
            "right": sample.right,
            "compared": None if sample.compared is None else list(sample.compared),
        }
        for field, causes in overview.samples.items()
        for cause, some in causes.items()
        for sample in some
    ]
    return {"where": {"by_key": _stretches(overview.by_key), "by_time": _stretches(overview.by_time)}, "samples": samples}


def _listed(breaks: Iterable[Break]) -> Iterator[str]:
    for place, found in enumerate(breaks):
        yield ("," if place else "") + "\n" + _json(_break(found))


def _json(value: Any) -> str:
    return dumps(value).decode()


def json_pieces(findings: Findings) -> Iterator[str]:
    """One JSON object in pieces: version, matches, verdict, summary, by_field, totals, … all breaks, and what is known when they have been read."""
    yield _json(plain(_head(findings)))[:-1] + ',"breaks":['
    overview = passing(findings)
    yield from _listed(overview)
    yield '],"in_flight":['
    yield from _listed(findings.in_flight)
    yield "]," + _json(plain(_tail(overview.result())))[1:-1] + "}\n"


def _rows(findings: Findings) -> Iterator[tuple[str | None, ...]]:
    for found in findings.breaks:
        key = show(found.key)
        if found.kind == "changed":
            for name, each in found.fields.items():
                yield found.kind, key, name, show(each.left, length=1000), show(each.right, length=1000), each.cause
        else:
            sides = [None if record is None else show(record, length=1000) for record in (found.left, found.right)]
            yield found.kind, key, None, *sides, found.reason or None


def arrow(findings: Findings) -> Any:
    """A pyarrow.Table of text columns. Raises `ConfigurationError` when pyarrow is not installed."""
    try:
        import pyarrow  # optional, and heavy: only for those who ask for a table
    except ImportError as missing:
        raise ConfigurationError('to_arrow() needs pyarrow: pip install "integrakit[arrow]"') from missing
    schema = pyarrow.schema([(name, pyarrow.string()) for name in _ARROW_COLUMNS])
    batches = []
    rows = _rows(findings)
    while chunk := list(islice(rows, _ROWS)):
        columns = [pyarrow.array(values, pyarrow.string()) for values in zip(*chunk, strict=True)]
        batches.append(pyarrow.record_batch(columns, schema=schema))
    return pyarrow.Table.from_batches(batches, schema=schema)
