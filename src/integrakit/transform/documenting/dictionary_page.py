"""A data dictionary as Markdown: the overview, and a section for each dataset. The same mappings give the same text, letter for letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from integrakit.transform.documenting.document import drawn, table
from integrakit.transform.documenting.escaping import cell, label, line, paragraphs
from integrakit.transform.documenting.flows import Flows
from integrakit.transform.documenting.lineage import Lineage
from integrakit.transform.documenting.picture import Arrow, Picture, Spot, flowchart

if TYPE_CHECKING:
    from integrakit.transform.dictionary import DataDictionary, DictionaryField

__all__ = ["page"]

_MOST_NAMED = 12
_MOST_DATASETS = 100


def page(dictionary: DataDictionary, flows: Flows) -> str:
    lines = [f"# {cell(dictionary.title)}", ""]
    titles = ("From", "To", "By", "Version", "Fields", "What for")
    lines += table(titles, ((part.source, part.target, part.by, part.version, str(part.fields), part.doc) for part in dictionary.parts))
    lines += ["", *drawn(_datasets(dictionary))]
    lines += _warnings(dictionary)
    for dataset in dictionary.datasets:
        lines += _section(dictionary, flows, dataset)
    return "\n".join(lines)


def _datasets(dictionary: DataDictionary) -> Picture:
    names = list(dictionary.datasets)
    shown = {name: number for number, name in enumerate(names[:_MOST_DATASETS])}
    lines = ["flowchart LR", *(f'  d{number}["{label(name)}"]' for name, number in shown.items())]
    for part in dictionary.parts:
        if part.source in shown and part.target in shown and len(lines) < 3 * _MOST_DATASETS:
            lines.append(f'  d{shown[part.source]} -->|"{label(part.by)}"| d{shown[part.target]}')
    return Picture(tuple(lines), f"Only the first {_MOST_DATASETS} datasets are drawn." if len(names) > _MOST_DATASETS else "")


def _warnings(dictionary: DataDictionary) -> Iterator[str]:
    if twice := dictionary.written_twice:
        yield from ("## Written by several", "", "What is written last stays.", "")
        yield from table(("Dataset", "Field", "By"), ((dataset, field, ", ".join(names)) for dataset, field, names in twice))
        yield ""
    if cycles := dictionary.cycles:
        yield from ("## There and back", "", "These datasets feed each other: a rule has to say which side is right.", "")
        yield from (f"- {cell(', '.join(group))}" for group in cycles)
        yield ""


def _section(dictionary: DataDictionary, flows: Flows, dataset: str) -> Iterator[str]:
    yield from (f"## {cell(dataset)}", "")
    writing, reading = ([part for part in dictionary.parts if getattr(part, side) == dataset] for side in ("target", "source"))
    for doc in dict.fromkeys(part.doc for part in writing if part.doc):
        yield from paragraphs(doc)
    told = [f"{word} {', '.join(part.by for part in parts)}" for word, parts in (("Written by", writing), ("Read by", reading)) if parts]
    yield from (line("; ".join(told).replace("; R", "; r") + "."), "")
    titles = ("Field", "Type", "Meaning", "From", "By", "Rule", "First source", "Goes to")
    yield from table(titles, (row for field in dictionary.fields(dataset) for row in _rows(dictionary, field, bool(writing))))
    yield ""
    if writing:
        yield from drawn(_incoming(dictionary, flows, dataset))


def _rows(dictionary: DataDictionary, field: DictionaryField, written: bool) -> Iterator[tuple[str, ...]]:
    sources = {part.by: part.source for part in dictionary.parts}
    goes = _named(dictionary.downstream(field.dataset, field.field).fields)
    if not field.written:
        around = dictionary.upstream(field.dataset, field.field) if written else None
        direct, first = ("", "") if around is None else _origins(around) if around else ("not by these mappings", "")
        yield field.field, "", "", direct, "", "", first, goes
        return
    first = _origins(dictionary.upstream(field.dataset, field.field))[1]
    for index, (by, rule, origins) in enumerate(field.written):
        direct = f"{sources[by]}: {', '.join(origins)}" if origins else "–"
        yield field.field, field.type, field.doc, direct, by, rule, "" if index else first, "" if index else goes


def _origins(lineage: Lineage) -> tuple[str, str]:
    """The nearest fields, and the first ones where those are others."""
    near = {(step.source, step.source_field) for step in lineage.steps if step.target == lineage.dataset and step.target_field == lineage.field}
    further = [end for end in lineage.ends if end not in near]
    nearest = [spot for spot in lineage.fields if spot in near]
    return _named(nearest), _named(further)


def _named(spots: Iterable[tuple[str, str]]) -> str:
    spots = list(spots)
    more = len(spots) - _MOST_NAMED
    return "; ".join(f"{dataset}: {field}" for dataset, field in spots[:_MOST_NAMED]) + f"; … and {more} more" * (more > 0)


def _incoming(dictionary: DataDictionary, flows: Flows, dataset: str) -> Picture:
    """The fields of a dataset, and what they are made of."""
    frames = {name: (number, name) for number, name in enumerate(dictionary.datasets)}
    right = (len(frames), dataset)
    arrows: list[Arrow] = []
    alone: list[Spot] = []
    for flow in flows.written(dataset):
        alone.append((right, flow.place))
        arrows += [((frames[flow.source], place), (right, flow.place)) for place in (*flow.row.origins, *flow.row.deciding)]
    return flowchart(arrows, alone)
