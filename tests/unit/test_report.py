"""What a run did, in words, in HTML and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from integrakit.model import Evidence
from integrakit.sync import Report

REPORT = Report(
    name="orders <1>",
    read=10,
    written=4,
    created=3,
    updated=1,
    unchanged=5,
    rejected=1,
    unknown=2,
    seconds=1.25,
    evidence=Evidence(complete=None, reasons=("offset",), records=10, pages=1, started=datetime(2026, 1, 1, tzinfo=UTC)),
    notes=("look <here>",),
)


def test_words() -> None:
    assert str(REPORT).splitlines() == [
        "orders <1>: 10 read, 4 written, 5 unchanged, 1 rejected, 2 unknown in 1.2 s; the read is not proved complete: 10 records in 1 page (offset)",
        "  note: look <here>",
    ]


def test_html_is_escaped() -> None:
    page = REPORT._repr_html_()
    assert "orders &lt;1&gt;" in page
    assert "<li>look &lt;here&gt;</li>" in page
    assert "<td>10</td>" in page
    assert "<ul>" not in Report(name="x", evidence=Evidence())._repr_html_()


def test_json() -> None:
    values = json.loads(json.dumps(REPORT.to_dict()))
    assert values == REPORT.to_dict()
    assert (values["read"], values["notes"], values["evidence"]["started"]) == (10, ["look <here>"], "2026-01-01T00:00:00+00:00")
    assert json.dumps(Report(name="x", evidence=Evidence()).to_dict())
