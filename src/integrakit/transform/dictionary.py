"""`data_dictionary`: several mappings, or the syncs that have them, as one dictionary of datasets and their fields, with the way each field has come.

Datasets are joined by name: the ``target`` of one mapping is the ``source`` of another. How fields are joined is the business of `flows`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.transform.documenting.dictionary_page import page
from integrakit.transform.documenting.flows import Flow, Flows, Spot
from integrakit.transform.documenting.lineage import Direction, Lineage, trace
from integrakit.transform.documenting.rows import read_pattern, shown
from integrakit.transform.mapping import Mapping
from integrakit.transform.misfit import article
from integrakit.transform.rules import Place
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["DataDictionary", "DictionaryField", "Part", "data_dictionary"]


@frozen(kw_only=True)
class Part:
    """One mapping in a dictionary. ``by``: the name of its sync, or its own."""

    by: str
    source: str
    target: str
    version: str
    doc: str
    #: How many target fields it writes, at any depth.
    fields: int


@frozen(kw_only=True)
class DictionaryField:
    """One field of a dataset, at any depth: ``total``, ``lines[].sku``."""

    dataset: str
    field: str
    #: As far as the rules tell.
    type: str
    doc: str
    #: What writes it: the name of the sync or mapping, the rule in words, and the source fields that are read.
    written: tuple[tuple[str, str, tuple[str, ...]], ...]
    #: What reads it, or what is around or inside it: name, dataset and field that is written with it.
    read: tuple[tuple[str, str, str], ...]


@frozen
class DataDictionary:
    """Made by `data_dictionary`. ``str()`` is `document()`."""

    title: str
    parts: tuple[Part, ...]
    _flows: Flows = field(repr=False, eq=False)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names, in the order in which the mappings name them. A mapping without a heading has a name in parentheses."""
        return tuple(dict.fromkeys(name for part in self.parts for name in (part.source, part.target)))

    def fields(self, dataset: str) -> tuple[DictionaryField, ...]:
        """Every field of it that one of the mappings writes or reads."""
        self._check(dataset)
        writing: dict[Place, list[Flow]] = {}
        for flow in self._flows.written(dataset):
            writing.setdefault(flow.place, []).append(flow)
        places = dict.fromkeys([*writing, *(place for place, _ in self._flows.read(dataset))])
        return tuple(self._field((dataset, place), writing.get(place, [])) for place in places)

    def _field(self, spot: Spot, writing: Sequence[Flow]) -> DictionaryField:
        return DictionaryField(
            dataset=spot[0],
            field=shown(spot[1]),
            type=" / ".join(dict.fromkeys(flow.row.type for flow in writing if flow.row.type)),
            doc=" / ".join(dict.fromkeys(flow.row.doc for flow in writing if flow.row.doc)),
            written=tuple((flow.by, flow.row.rule, flow.row.sources) for flow in writing),
            read=tuple(dict.fromkeys((flow.by, target, shown(place)) for flow, _, (target, place) in self._flows.after(spot))),
        )

    def upstream(self, dataset: str, field: str) -> Lineage:
        """Where a field comes from: through every mapping, back to the first sources."""
        return self._trace(dataset, field, "upstream")

    def downstream(self, dataset: str, field: str) -> Lineage:
        """What is made of a field, and breaks when it goes: through every mapping, to the last targets."""
        return self._trace(dataset, field, "downstream")

    def _trace(self, dataset: str, field: str, direction: Direction) -> Lineage:
        self._check(dataset)
        if not isinstance(field, str):
            raise ConfigurationError(f"{direction}(dataset, field) takes a field as text, such as 'lines[].sku', not {article(field)}")
        try:
            place = read_pattern(field)
        except ValueError as problem:
            raise ConfigurationError(f"{direction}(dataset, field): {spelled(field)} is not a path: {problem}") from problem
        return trace(self._flows, (dataset, place), direction)

    def _check(self, dataset: str) -> None:
        if dataset not in self.datasets:
            known = did_you_mean(dataset, self.datasets)
            raise ConfigurationError(f"no mapping reads or writes {spelled(dataset) if isinstance(dataset, str) else article(dataset)}{known}")

    @property
    def written_twice(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Fields that several mappings write, whose order then matters: dataset, field, and the names of what writes it."""
        return tuple(self._clashes())

    def _clashes(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for dataset in self.datasets:
            writing: dict[Place, dict[str, None]] = {}
            for flow in self._flows.written(dataset):
                if flow.row.holds != "object":  # an object is as many mappings' as have fields in it
                    writing.setdefault(flow.place, {})[flow.by] = None
            for place, names in writing.items():
                around = [writing[place[:depth]] for depth in range(1, len(place)) if place[:depth] in writing]
                all_names = {**names, **{name: None for others in around for name in others}}
                if len(all_names) > 1:
                    yield dataset, shown(place), tuple(all_names)

    @property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Datasets that feed each other, there and back: each group once."""
        reached = {name: self._reached(name) for name in self.datasets}
        groups = [tuple(other for other in self.datasets if other in reached[name] and name in reached[other]) for name in self.datasets]
        return tuple(dict.fromkeys(group for group in groups if group))

    def _reached(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            here = waiting.pop()
            new = {part.target for part in self.parts if part.source == here} - found
            found |= new
            waiting += new
        return found

    def document(self) -> str:
        """The whole dictionary as Markdown: the mappings, a picture of the datasets, and for each dataset its fields with a picture."""
        return page(self, self._flows)

    def __str__(self) -> str:
        return self.document()

    def _repr_markdown_(self) -> str:
        return self.document()


def data_dictionary(*parts: Any, title: str = "Data dictionary") -> DataDictionary:
    """The dictionary of all datasets that ``parts`` read or write: `Mapping` objects, or syncs that have one.

    The same mapping or sync given twice counts once. Raises `ConfigurationError` for anything else, and for a sync whose mapping is a function: its
    fields are not known.
    """
    if not isinstance(title, str):
        raise ConfigurationError(f"data_dictionary(title=…) is text, not {article(title)}")
    different = list({id(part): part for part in parts}.values())
    if not different:
        raise ConfigurationError("data_dictionary(…) needs at least one Mapping or Sync")
    flows, found, names = Flows(), [], [_named(part) for part in different]
    for number, (by, mapping) in enumerate(names):
        earlier = sum(name == by for name, _ in names[:number])
        by = f"{by} ({earlier + 1})" if earlier else by
        source, target = mapping.source_name or f"(source of {by})", mapping.target_name or f"(target of {by})"
        rows = mapping.described()
        for row in rows:
            flows.add(Flow(by=by, source=source, target=target, row=row))
        found.append(Part(by=by, source=source, target=target, version=mapping.version, doc=mapping.doc, fields=len(rows)))
    return DataDictionary(title, tuple(found), flows)


def _named(part: Any) -> tuple[str, Mapping]:
    if isinstance(part, Mapping):
        return part.name, part
    mapping, name = getattr(part, "mapping", None), getattr(part, "name", None)
    if isinstance(mapping, Mapping) and isinstance(name, str):
        return name, mapping
    if isinstance(part, list | tuple | set):
        raise ConfigurationError("data_dictionary(…) takes each Mapping or Sync by itself: data_dictionary(*parts)")
    if isinstance(name, str) and hasattr(part, "mapping"):
        what = "no mapping" if mapping is None else "a function for its mapping"
        raise ConfigurationError(f"data_dictionary(…): {name!r:.80} has {what}: only the fields of a Mapping are known")
    raise ConfigurationError(f"data_dictionary(…) takes Mappings and Syncs, not {article(part)}")
