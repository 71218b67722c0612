"""The report as one HTML page that needs nothing else: no network, no library, light and dark, searchable; and the small table notebooks show.

Everything that comes from data is escaped. The text of the page is for people who keep books, not for people who write Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice

from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.reports.showing import amount, show
from integrakit.reconciliation.reports.text import KINDS, field_label, remarks, verdict, what_differs

__all__ = ["fragment", "page"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --paper: #ffffff; --soft: #f1f3f5; --line: #d5d9de; --good: #14693a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #16181b; --soft: #22262b; --line: #3b4149; --good: #6fd79a; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } .good { color: var(--good); } .bad { color: var(--bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { background: var(--soft); } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
input { font: inherit; padding: .4rem .6rem; width: 100%; max-width: 28rem; color: inherit; background: var(--soft); border: 1px solid var(--line); }
""".strip()

_SCRIPT = """
const box = document.getElementById("search"), rows = [...document.querySelectorAll("#breaks tbody tr")], count = document.getElementById("count");
box.addEventListener("input", () => {
  const wanted = box.value.toLowerCase();
  let shown = 0;
  for (const row of rows) { row.hidden = !row.textContent.toLowerCase().includes(wanted); shown += !row.hidden; }
  count.textContent = wanted ? shown + " of " + rows.length + " rows" : "";
});
""".strip()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = (), id: str = "") -> Iterator[str]:
    def cells(tag: str, values: Sequence[str]) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        number = ' class="n"'
        return "".join(f"<{tag}{scope}{number if place in numbers else ''}>{escape(value)}</{tag}>" for place, value in enumerate(values))

    name = f' id="{id}"' if id else ""
    yield f'<div class="scroll"><table{name}><thead><tr>{cells("th", head)}</tr></thead><tbody>\n'
    for row in rows:
        yield f"<tr>{cells('td', row)}</tr>\n"
    yield "</tbody></table></div>\n"


def _counts(findings: Findings) -> list[tuple[str, str]]:
    words = {
        "left": "records on the left",
        "right": "records on the right",
        "matched": "records with the same key on both sides",
        "equal": "… that agree in every field",
        "changed": "… that differ",
        "missing_right": "only on the left",
        "missing_left": "only on the right",
        "duplicates": "keys that stand more than once",
        "null_keys": "records without a key",
        "invalid": "records that cannot be compared",
    }
    return [(text, f"{findings.summary[name]:,}") for name, text in words.items()]


def _body(findings: Findings, cap: int) -> Iterator[str]:
    good = not len(findings.breaks)
    yield f'<h1 class="{"good" if good else "bad"}">{"✓" if good else "✗"} {escape(verdict(findings))}</h1>\n'
    yield f"<p>Left: {escape(findings.sides[0])}. Right: {escape(findings.sides[1])}. Key: {escape(', '.join(findings.key.names))}.</p>\n"
    yield "<h2>Counts</h2>\n"
    yield from _table(("", "number"), _counts(findings), numbers=(1,))
    if findings.totals:
        yield "<h2>Control totals</h2>\n"
        rows = [
            (field_label(findings, name), amount(each.left), amount(each.right), amount(each.difference)) for name, each in findings.totals.items()
        ]
        yield from _table(("field", "left", "right", "difference"), rows, numbers=(1, 2, 3))
    if findings.by_field:
        yield "<h2>Fields that differ, and the likely cause</h2>\n"
        causes = [
            (field_label(findings, name), cause, f"{number:,}") for name, each in findings.by_field.items() for cause, number in each.causes.items()
        ]
        yield from _table(("field", "likely cause", "records"), causes, numbers=(2,))
    notices = list(remarks(findings))
    if notices:
        yield "<h2>Notes</h2>\n<ul>\n"
        yield from (f"<li>{escape(notice)}</li>\n" for notice in notices)
        yield "</ul>\n"
    if not good:
        yield from _breaks(findings, cap)


def _breaks(findings: Findings, cap: int) -> Iterator[str]:
    shown = min(cap, len(findings.breaks))
    yield f"<h2>Breaks</h2>\n<p>{'All' if shown == len(findings.breaks) else f'The first {shown:,} of'} {len(findings.breaks):,}.</p>\n"
    yield '<p><label>Search: <input id="search" type="search" autocomplete="off"></label> <span id="count" aria-live="polite"></span></p>\n'
    yield from _table(("key", "what", "details: left / right"), _rows(islice(findings.breaks, cap)), id="breaks")
    yield f"<script>\n{_SCRIPT}\n</script>\n"


def _rows(breaks: Iterable[Break]) -> Iterator[tuple[str, str, str]]:
    for found in breaks:
        yield show(found.key), KINDS[found.kind], what_differs(found)


def page(findings: Findings, cap: int) -> Iterator[str]:
    """The page in pieces, with at most ``cap`` breaks."""
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escape(verdict(findings))}</title>\n<style>\n{_STYLE}\n</style></head><body>\n"
    yield from _body(findings, cap)
    yield "</body></html>\n"


def fragment(findings: Findings) -> str:
    """A few rows for a notebook: no script, no style of its own."""
    rows = [*_counts(findings), *((f"{name}: {cause}", f"{n:,}") for name, each in findings.by_field.items() for cause, n in each.causes.items())]
    return f"<p><strong>{escape(verdict(findings))}</strong></p>\n" + "".join(_table(("", "number"), rows, numbers=(1,)))
