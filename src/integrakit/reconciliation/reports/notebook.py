"""The report as notebooks show it under a cell: a few rows that follow the notebook's own looks, without a script or colours of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice

from integrakit.reconciliation.findings import Findings
from integrakit.reconciliation.reports.naming import named
from integrakit.reconciliation.reports.overview import break_counts
from integrakit.reconciliation.reports.showing import amount, clean, show
from integrakit.reconciliation.reports.verdict import verdict_of
from integrakit.reconciliation.reports.words import COUNTS, KINDS, field_label, headline, remarks, verdict, what_differs

__all__ = ["fragment"]

_BREAKS = 5
_LEFT = ' style="text-align:left"'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    def cells(tag: str, values: Sequence[str]) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        return "".join(f"<{tag}{scope}{_LEFT}>{escape(value)}</{tag}>" for value in values)

    yield f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>\n"
    yield from (f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    yield "</tbody></table>\n"


def _parts(findings: Findings) -> Iterator[str]:
    sign = "✓" if verdict_of(findings).accepted else "✗"
    yield f"<p><strong>{sign} {escape(headline(findings))}</strong></p>\n"
    if findings.accept is not None:
        yield f"<p>{escape(verdict(findings))}</p>\n"
    counts = {"left": findings.summary["left"], "right": findings.summary["right"], "equal": findings.summary["equal"], **break_counts(findings)}
    words = {**COUNTS, "equal": "agree", "changed": "differ", "duplicates": "repeated keys that do not agree"}
    shown = [(named(words[name], findings.names), f"{number:,}") for name, number in counts.items() if number or name in ("left", "right", "equal")]
    yield from _table([name for name, _ in shown], [[number for _, number in shown]])
    if findings.by_field:
        rows = [(field_label(findings, name), f"{cause}: {n:,}") for name, each in findings.by_field.items() for cause, n in each.causes.items()]
        yield from _table(("field", "likely cause"), rows)
    apart = [(name, each) for name, each in findings.totals.items() if each.difference]
    if apart:
        rows_ = [(field_label(findings, name), amount(each.left), amount(each.right), amount(each.difference)) for name, each in apart]
        yield from _table(("control total", *findings.names, "difference"), rows_)
    if number := len(findings.breaks):
        first = [
            (show(found.key), named(KINDS[found.kind], findings.names), clean(what_differs(found, findings.names)))
            for found in islice(findings.breaks, _BREAKS)
        ]
        yield from _table(("key", "what", "the first breaks" if number > _BREAKS else "breaks"), first)
    yield from (f"<p>Note: {escape(notice)}</p>\n" for notice in remarks(findings))


def fragment(findings: Findings) -> str:
    """HTML without a page around it."""
    return f"<div>{''.join(_parts(findings))}</div>"
