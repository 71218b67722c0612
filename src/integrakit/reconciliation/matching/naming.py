"""Who names whom: the references of one side, found in the texts of the other. Looked up once; it is the same all the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from integrakit.reconciliation.matching.entries import Entry
from integrakit.reconciliation.matching.wording import TELLING, WEAK, shape_of, telling, windows

__all__ = ["Naming"]

#: What more entries than these have for a reference tells none of them from the others.
_SHARED = 3
#: So many digits of a reference name it without the letters before them.
_DIGITS = 6


class Naming:
    """Of two sides. ``side``: 0 is the left. Entries are told by their place."""

    def __init__(self, left: Sequence[Entry], right: Sequence[Entry]) -> None:
        self._own = (_levels(left), _levels(right))
        self._named: tuple[dict[int, dict[int, int]], dict[int, dict[int, int]]] = ({}, {})
        self._strays: tuple[set[int], set[int]] = (set(), set())
        self._shapes: tuple[dict[int, str], dict[int, str]] = ({}, {})
        for side, entries, others in ((0, left, right), (1, right, left)):
            self._look(side, entries, others)

    def _look(self, side: int, entries: Sequence[Entry], others: Sequence[Entry]) -> None:
        references = _by_reference(others, self._own[1 - side])
        shapes = {shape_of(each.reference) for each in others if self._own[1 - side][each.place] >= TELLING}
        for entry in entries:
            if not entry.words:
                continue
            own = self._own[side][entry.place]
            if own >= TELLING:
                self._shapes[side][entry.place] = shape_of(entry.reference)
            found: dict[int, int] = {}
            for window in (*windows(entry.words), entry.reference):
                named = references.get(window, ())
                for place, level in named:
                    found[place] = max(level, found.get(place, WEAK))
                # It says the number of a document that the other side does not have. Its own number says nothing like that.
                if not named and own < TELLING and shape_of(window) in shapes and telling((window,)) >= TELLING:
                    self._strays[side].add(entry.place)
            if found:
                self._named[side][entry.place] = found

    def of(self, side: int, entry: Entry) -> Mapping[int, int]:
        """Places on the other side that this entry names → how telling that is."""
        return self._named[side].get(entry.place, {})

    def level(self, left: Entry, right: Entry) -> int | None:
        """How telling it is that one of them names the other; None where neither does."""
        found = [self._named[0].get(left.place, {}).get(right.place), self._named[1].get(right.place, {}).get(left.place)]
        return max((level for level in found if level is not None), default=None)

    def elsewhere(self, left: Entry, right: Entry) -> bool:
        """Whether one of them names something else, and not the other."""
        if (level := self.level(left, right)) is not None and level >= TELLING:
            return False
        for side, entry in ((0, left), (1, right)):
            if entry.place in self._strays[side] or any(each >= TELLING for each in self.of(side, entry).values()):
                return True
        shapes = self._shapes[0].get(left.place), self._shapes[1].get(right.place)
        return shapes[0] is not None and shapes[0] == shapes[1] and left.reference != right.reference


def _levels(entries: Iterable[Entry]) -> dict[int, int]:
    return {entry.place: telling(entry.words) for entry in entries}


def _by_reference(entries: Iterable[Entry], levels: Mapping[int, int]) -> dict[str, list[tuple[int, int]]]:
    """Whole references, and those of many digits without their letters → places, and how telling they are."""
    found: dict[str, list[tuple[int, int]]] = {}
    for entry in entries:
        if not entry.reference:
            continue
        found.setdefault(entry.reference, []).append((entry.place, levels[entry.place]))
        digits = entry.reference.lstrip("abcdefghijklmnopqrstuvwxyz")
        if levels[entry.place] >= TELLING and digits != entry.reference and digits.isdigit() and len(digits) >= _DIGITS:
            found.setdefault(digits, []).append((entry.place, telling((digits,))))
    return {reference: places for reference, places in found.items() if len(places) <= _SHARED}
