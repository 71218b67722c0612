"""Which field of which dataset comes from which: the rows of several mappings, joined where one reads what another writes.

A place that is written feeds every place that is read at it, in it, or around it: who reads ``customer`` reads what was written to
``customer.email``, and who reads ``customer.email`` reads part of an object that was copied to ``customer``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from attrs import Factory, define, frozen

from integrakit.transform.documenting.rows import FieldRow, pattern, shown
from integrakit.transform.rules import Place

__all__ = ["NOWHERE", "Flow", "Flows", "Spot", "spot_field"]

#: A dataset and a place in its records.
Spot: TypeAlias = tuple[str, Place]
#: What a constant comes from.
NOWHERE: Spot = ("", ())

# At the end of a place: only that it is there, or how many items it has, is read, and nothing inside it.
_BARE = "\0bare"

# There and back, an object that is copied into a field of itself would go deeper with every turn.
_DEEPEST = 24


def spot_field(spot: Spot) -> str:
    """The field as text."""
    place = spot[1]
    return shown(place[:-1] if place[-1:] == (_BARE,) else place)


@frozen(kw_only=True)
class Flow:
    """One field of one mapping. ``by``: the name of the mapping, or of its sync."""

    by: str
    source: str
    target: str
    row: FieldRow

    @property
    def place(self) -> Place:
        return pattern(self.row.place)

    def reads(self) -> Iterator[tuple[Place, bool]]:
        """Every place it reads, and True where its value is read, False where it only decides."""
        seen = dict.fromkeys((pattern(place), True) for place in self.row.origins)
        seen.update(dict.fromkeys((pattern(place), False) for place in (*self.row.deciding, *self.row.around)))
        yield from seen

    def skips_inside(self, place: Place) -> bool:
        """It reads this place, but nothing inside it: the items of a list have flows of their own, or are only counted."""
        return bool(self.row.holds) or place in map(pattern, self.row.counted)


@define
class Flows:
    """All flows, found by dataset and first name."""

    all: list[Flow] = Factory(list)
    #: How deep each mapping writes.
    _depths: dict[str, int] = Factory(dict)
    _writes: dict[str, dict[object, list[Flow]]] = Factory(dict)
    _reads: dict[str, dict[object, list[tuple[Place, bool, Flow]]]] = Factory(dict)

    def add(self, flow: Flow) -> None:
        self.all.append(flow)
        self._depths[flow.by] = max(len(flow.place), self._depths.get(flow.by, 0))
        self._writes.setdefault(flow.target, {}).setdefault(flow.place[0], []).append(flow)
        for place, value in flow.reads():
            # What reads the whole record is found under no name.
            self._reads.setdefault(flow.source, {}).setdefault(place[0] if place else None, []).append((place, value, flow))

    def written(self, dataset: str) -> Iterator[Flow]:
        """All that writes to it, in order."""
        return (flow for flow in self.all if flow.target == dataset)

    def read(self, dataset: str) -> Iterator[tuple[Place, Flow]]:
        """All places that are read of it."""
        return ((place, flow) for flow in self.all if flow.source == dataset for place, _ in flow.reads())

    def deepest(self, start: Spot) -> int:
        """The longest place that a way from here on can come to, as long as it takes no mapping twice to go deeper."""
        return min(len(start[1]) + sum(self._depths.values()), _DEEPEST)

    def before(self, spot: Spot, deepest: int = _DEEPEST) -> Iterator[tuple[Flow, Spot, Spot]]:
        """What feeds a place: the flow, the place it writes, and a place it reads for it, or `NOWHERE` where it reads none."""
        dataset, place = spot
        for flow, rest in self._writers(dataset, place):
            written = (dataset, flow.place + rest)
            if not flow.row.sources and not flow.row.holds:
                yield flow, written, NOWHERE
            for read, value in flow.reads():
                origin = read + rest if value and flow.row.copied else (*read, _BARE) if value and flow.skips_inside(read) else read
                if len(origin) <= deepest + 1:
                    yield flow, written, (flow.source, origin)

    def _writers(self, dataset: str, place: Place) -> Iterator[tuple[Flow, Place]]:
        found, bare = self._writes.get(dataset, {}), place[-1:] == (_BARE,)
        for flow in found.get(place[0], ()) if place else (flow for flows in found.values() for flow in flows):
            if flow.place[: len(place)] == place or (bare and flow.place == place[:-1]):
                yield flow, place[-1:] if bare and flow.row.copied else ()
            elif place[: len(flow.place)] == flow.place and not flow.row.holds:
                yield flow, place[len(flow.place) :] if flow.row.copied else ()

    def after(self, spot: Spot, deepest: int = _DEEPEST) -> Iterator[tuple[Flow, Spot, Spot]]:
        """What a place feeds: the flow, the place it reads, and the place it writes."""
        dataset, place = spot
        found = self._reads.get(dataset, {})
        near = [*found.get(place[0], ()), *found.get(None, ())] if place else [one for ones in found.values() for one in ones]
        for read, value, flow in near:
            if read[: len(place)] == place:
                yield flow, (dataset, read), (flow.target, flow.place)
            elif place[: len(read)] == read and not (value and flow.skips_inside(read)):
                rest = place[len(read) :] if value and flow.row.copied else ()
                if len(flow.place) + len(rest) <= deepest:
                    yield flow, spot, (flow.target, flow.place + rest)
