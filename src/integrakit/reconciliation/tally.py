"""What a run has found so far: counts, causes, breaks, and keys that look alike. Grows window by window; an engine that gives up throws it away.

An engine meets keys in one order, or in stretches that are each in order by themselves (`Tally.begin_stretch`): those are merged in the end.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import Any

from integrakit.reconciliation.breaks import Entry, Log
from integrakit.reconciliation.findings import Lookalike
from integrakit.reconciliation.rules.causes import cause_of
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.keys import Reading, order_of
from integrakit.reconciliation.rules.values import NAN, Incomparable, canonical
from integrakit.unset import UNSET

__all__ = ["Lookalikes", "Tally"]

_WATCHED = 50_000
_SHOWN = 10
_ALIKE = 3
_WORDS = {
    "type": "different types",
    "format": "written differently",
    "case": "upper and lower case",
    "blanks": "blanks",
    "unicode": "another unicode form",
}
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)


def _loose(key: Any) -> Hashable:
    """What a careless reader would see: without case, blanks, unicode forms, types, leading and trailing zeros."""
    if isinstance(key, tuple):
        return tuple(map(_loose, key))
    text = unicodedata.normalize("NFKC", str(key)[:200] if isinstance(key, str | int | float | Decimal) else repr(canonical(key))[:200])
    text = "".join(text.casefold().split())
    return Decimal(text) if _NUMBER.fullmatch(text) else text


class Lookalikes:
    """Keys without a partner, among the first of each side, that look like one on the other side."""

    def __init__(self) -> None:
        self._seen: tuple[dict[Hashable, list[Any]], dict[Hashable, list[Any]]] = ({}, {})
        self._taken = [0, 0]

    def add(self, side: int, key: Any) -> None:
        if self._taken[side] < _WATCHED:
            self._taken[side] += 1
            try:
                same = self._seen[side].setdefault(_loose(key), [])
            except (Incomparable, ValueError):  # ValueError: a whole number too long to be written down
                return
            if len(same) < _ALIKE:
                same.append(key)

    def found(self) -> tuple[int, tuple[Lookalike, ...]]:
        """How many pairs, and the first of them."""
        left, right = self._seen
        alike = [(key, other) for loose, keys in left.items() if loose in right for key in keys for other in right[loose]]
        return len(alike), tuple(Lookalike(key, other, self._why(key, other)) for key, other in alike[:_SHOWN])

    @staticmethod
    def _why(left: Any, right: Any) -> str:
        if isinstance(left, tuple) and isinstance(right, tuple):
            causes = [cause_of(a, b) for a, b in zip(left, right, strict=True) if canonical(a) != canonical(b)]
        else:
            causes = [cause_of(left, right)]
        return ", ".join(dict.fromkeys(_WORDS.get(cause, cause) for cause in causes))


class _First:
    """The first so many of all stretches together, each of which comes in order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._merged: list[tuple[Any, Any]] = []
        self._coming: list[tuple[Any, Any]] = []

    def add(self, order: Any, value: Any) -> None:
        if len(self._coming) < self._most:
            self._coming.append((order, value))

    def values(self) -> Iterable[Any]:
        """What came so far; the next that is added begins another stretch."""
        if self._coming:
            self._merged = list(islice(heapq.merge(self._merged, self._coming, key=itemgetter(0)), self._most))
            self._coming = []
        return map(itemgetter(1), self._merged)


def _firsts() -> tuple[_First, _First, _First]:
    """Keys on the left only, keys on the right only, keys that stand more than once and agree."""
    return _First(_WATCHED), _First(_WATCHED), _First(_SHOWN)


class Tally:
    """Counters and logs of one run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.causes: dict[str, Counter[str]] = {}
        #: Breaks in the order of keys; then what has no key: null and invalid ones on the left, null and invalid ones on the right.
        self.logs = (Log(), Log(), Log(), Log(), Log())
        self.lookalikes = Lookalikes()
        self.agreeing: list[Any] = []
        #: Changed pairs all or some of whose fields may turn out not to be compared: their fields → how many.
        self.open: Counter[frozenset[str]] = Counter()
        #: Number of parts of a key, where keys come in several stretches.
        self._parts = 0
        self._firsts = _firsts()

    def begin_stretch(self, parts: int) -> None:
        """The keys from now on are in order by themselves, and stand between those before. ``parts``: how many parts a key has.

        Called before the first key, and then again whenever the order begins anew.
        """
        self._parts = parts
        self.logs[0].begin_run()
        for first in self._firsts:
            first.values()

    def read(self, side: int, records: int) -> None:
        self.counts["right" if side else "left"] += records

    def keep(self, entry: Entry, key: Hashable) -> None:
        """One break that has a key, and that key in its canonical form; called in the order of keys."""
        kind = entry[1]
        order = order_of(key, self._parts) if self._parts else None
        if kind != "changed":
            self.counts[kind] += 1
        if kind in ("missing_left", "missing_right"):
            side = int(kind == "missing_left")
            if order is None:
                self.lookalikes.add(side, entry[0])
            else:
                self._firsts[side].add(order, entry[0])
        self.logs[0].append(entry, order)

    def agreed(self, key: Any) -> None:
        """A key that stands more than once, with the same records on both sides."""
        if self._parts:
            self._firsts[2].add(order_of(key, self._parts), key)
        elif len(self.agreeing) < _SHOWN:
            self.agreeing.append(key)

    def equal(self, pairs: int) -> None:
        self.counts["equal"] += pairs

    def changed(self, fields: Sequence[tuple[str, str]], undecided: frozenset[str]) -> None:
        """One pair that differs in these fields."""
        for name, cause in fields:
            self.causes.setdefault(name, Counter())[cause] += 1
        names = frozenset(name for name, _ in fields)
        if names & undecided:
            self.open[names] += 1
        else:
            self.counts["changed"] += 1

    def unkeyed(self, side: int, reading: Reading, null: Sequence[Row], invalid: Sequence[tuple[Any, str]]) -> None:
        """Records of one side that identify nothing."""
        for row in null:
            self.logs[1 + 2 * side].append((reading.raw(row), "null_key", *_at(side, row), (), _why_null(reading, row)))
        for record, reason in invalid:
            self.logs[2 + 2 * side].append((None, "invalid", *_at(side, record), (), reason))
        self.counts["null_key"] += len(null)
        self.counts["invalid"] += len(invalid)

    def close(self, dropped: frozenset[str]) -> None:
        """Everything has been compared: what was open is decided."""
        for side in (0, 1):
            for key in self._firsts[side].values():
                self.lookalikes.add(side, key)
        self.agreeing += self._firsts[2].values()
        self._firsts = _firsts()
        for names, pairs in self.open.items():
            self.counts["changed" if names - dropped else "equal"] += pairs
        self.open.clear()
        for name in dropped:
            self.causes.pop(name, None)


def _at(side: int, record: Any) -> tuple[Any, Any]:
    return (None, record) if side else (record, None)


def _why_null(reading: Reading, row: Row) -> str:
    words = {None: "null", UNSET: "absent", NAN: "not a number"}
    for name in reading.names:
        try:
            part = canonical(row.get(name, UNSET))
        except Incomparable:  # pragma: no cover - such a key is invalid, not null
            continue
        if part in words:
            return f"{name} is {words[part]}"
    return "the key is null after normalise="
