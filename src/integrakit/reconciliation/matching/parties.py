"""Whether two names may be the same party."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Parties", "same_party"]

#: A single word that is shorter than this is in too many names to say that they are alike.
_TELLING = 4
#: So many parties may be alike.
_MANY = 50


def same_party(one: frozenset[str], other: frozenset[str]) -> str | None:
    """In words: the same, or alike, where one has all the words of the other. None: another one. Both must have words."""
    if one == other:
        return "same party"
    shorter = min(one, other, key=len)
    return "party alike" if (one < other or other < one) and max(map(len, shorter)) >= _TELLING else None


class Parties:
    """Many parties, to be asked for those that may be the same as one: without looking at all of them."""

    def __init__(self, parties: Iterable[frozenset[str]]) -> None:
        self._having: dict[str, list[frozenset[str]]] = {}
        # In the order of their text: that of a set is another one in each process.
        for party in sorted(set(parties), key=sorted):
            for word in party:
                self._having.setdefault(word, []).append(party)
        self._by_rarest: dict[str, list[frozenset[str]]] = {}
        for party in sorted({each for some in self._having.values() for each in some}, key=sorted):
            self._by_rarest.setdefault(self._rarest(party), []).append(party)
        self._like: dict[frozenset[str], list[frozenset[str]]] = {}

    def _rarest(self, party: frozenset[str]) -> str:
        return min(party, key=lambda word: (len(self._having.get(word, ())), word))

    def like(self, party: frozenset[str]) -> list[frozenset[str]]:
        """Those that are the same or alike; at most so many that a common first name does not make everybody a candidate."""
        if party not in self._like:
            self._like[party] = self._found(party) if party else []
        return self._like[party]

    def _found(self, party: frozenset[str]) -> list[frozenset[str]]:
        found = {each for word in party for each in self._by_rarest.get(word, ())}
        found.update(self._having.get(self._rarest(party), ()))
        alike = sorted((each for each in found if same_party(party, each) is not None), key=sorted)
        # Of whom there are so many, nobody is meant by a part of the name.
        return alike if len(alike) <= _MANY else [each for each in alike if each == party]
