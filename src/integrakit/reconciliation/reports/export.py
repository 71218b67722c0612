"""The findings for machines: JSON, written piece by piece, and an Arrow table with one row for each field that differs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from integrakit._json import dumps
from integrakit.errors import ConfigurationError
from integrakit.reconciliation.findings import Break, Findings, Mismatch
from integrakit.reconciliation.reports.showing import plain, show
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
        values["fields"] = {name: _mismatch(each) for name, each in found.fields.items()}
    if found.reason:
        values["reason"] = plain(found.reason)
    return values


def json_pieces(findings: Findings) -> Iterator[str]:
    """One JSON object in pieces: version, matches, summary, by_field, totals, … and all breaks."""
    head = {
        "version": 1,
        "matches": not len(findings.breaks),
        "summary": dict(findings.summary),
        "by_field": {name: {"mismatches": each.mismatches, "causes": dict(each.causes)} for name, each in findings.by_field.items()},
        "totals": {
            name: {"left": plain(each.left), "right": plain(each.right), "difference": plain(each.difference), "exact": each.exact}
            for name, each in findings.totals.items()
        },
        "fields": [{"left": field.name, "right": field.right} for field in findings.fields],
        "only_left": list(findings.only_left),
        "only_right": list(findings.only_right),
        "lookalikes": [{"left": plain(each.left), "right": plain(each.right), "why": each.why} for each in findings.lookalikes],
        "engine": findings.engine,
    }
    yield dumps(head).decode()[:-1] + ',"breaks":['
    for place, found in enumerate(findings.breaks):
        yield ("," if place else "") + "\n" + dumps(_break(found)).decode()
    yield "]}\n"


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
