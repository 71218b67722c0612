"""The page of one mapping, as Markdown, for people who have to agree on it. The same mapping gives the same page, letter for letter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.transform.documenting.escaping import cell, line, paragraphs
from integrakit.transform.documenting.picture import Arrow, Picture, Spot, flowchart
from integrakit.transform.documenting.rows import FieldRow
from integrakit.transform.lookups import Table
from integrakit.transform.lookups.showing import ShownTable, shown_table
from integrakit.transform.misfit import article, excerpt

__all__ = ["describe", "drawn", "table"]

_ON_ERROR = {
    "dead_letter": "A record that does not fit is set aside with its reasons.",
    "raise": "A record that does not fit ends the run.",
    "null": "A field that does not fit its record becomes null, and is counted.",
}


def describe(
    rows: Sequence[FieldRow],
    tree: Mapping[str, Any],
    *,
    version: str,
    on_error: str,
    functions: Mapping[str, Callable[..., Any]],
    lookups: Mapping[str, Table],
    most_rows: int,
) -> str:
    """Headings, fields, the functions that are used, tables with at most ``most_rows`` rows each, and the picture."""
    if isinstance(most_rows, bool) or not isinstance(most_rows, int) or most_rows < 0:
        shown = excerpt(most_rows) if isinstance(most_rows, int | str) else article(most_rows)
        raise ConfigurationError(f"document(rows=…) is the most rows of a table to show, 0 or more, not {shown}")
    source, target = (tree.get("source") or "source"), (tree.get("target") or "target")
    lines = [f"# {cell(f'{source} → {target}')}", "", *paragraphs(tree.get("doc", ""))]
    lines += [f"Mapping version {version}. {_ON_ERROR[on_error]}", "", "## Fields", "", *_fields(rows)]
    used = [name for name in functions if name in _called(tree.get("fields"))]
    if used:
        lines += ["", "## Functions", "", *(f"- {cell(name)}: {cell(_first_line(functions[name]))}" for name in used)]
    for name, one in lookups.items():
        lines += ["", f"## Lookup {cell(name)}", "", *_lookup(shown_table(one, most_rows))]
    lines += ["", "## Picture", "", *drawn(_picture(rows, source, target))]
    return "\n".join(lines)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown; the cells are escaped here. Columns in which nothing stands are left out, but for the first two."""
    rows = list(rows)
    kept = [index for index in range(len(titles)) if index < 2 or any(row[index] for row in rows)]
    yield f"| {' | '.join(cell(titles[index]) for index in kept)} |"
    yield "|" + "---|" * len(kept)
    yield from (f"| {' | '.join(cell(row[index]) for index in kept)} |" for row in rows)


def drawn(picture: Picture) -> Iterator[str]:
    """A picture between its fences, with its note."""
    yield from ("```mermaid", *picture.lines, "```", "")
    if picture.note:
        yield from (picture.note, "")


def _fields(rows: Sequence[FieldRow]) -> Iterator[str]:
    titles = ("Field", "From", "Rule", "Type", "Meaning")
    return table(titles, ((row.field, ", ".join(row.sources) or "–", row.rule, row.type, row.doc) for row in rows))


def _called(fields: Any) -> set[str]:
    """Every name under ``apply`` and ``call``. A constant may hold such a word too: then a function too many is described."""
    found: set[str] = set()
    stack = [fields]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            apply, call = part.get("apply"), part.get("call")
            found.update(name for name in (*(apply if isinstance(apply, list) else ()), call) if isinstance(name, str))
            stack += part.values()
        elif isinstance(part, list):
            stack += part
    return found


def _first_line(function: Callable[..., Any]) -> str:
    told = function.func if isinstance(function, partial) else function
    words = getattr(told, "__doc__", None)
    lines = words.strip().splitlines() if isinstance(words, str) else []
    return lines[0] if lines else "a function of this project"


def _lookup(shown: ShownTable) -> Iterator[str]:
    if shown.about:
        yield from (line(shown.about), "")
    if shown.titles:
        yield f"| {' | '.join(map(cell, shown.titles))} |"
        yield "|" + "---|" * len(shown.titles)
        yield from (f"| {' | '.join(map(cell, row))} |" for row in shown.rows)
    if shown.more:
        yield from ("", f"… and {shown.more} more.")


def _picture(rows: Sequence[FieldRow], source: str, target: str) -> Picture:
    left, right = (0, source), (1, target)
    arrows: list[Arrow] = [((left, origin), (right, row.place)) for row in rows for origin in (*row.origins, *row.deciding)]
    alone: list[Spot] = [(right, row.place) for row in rows]
    return flowchart(arrows, alone)
