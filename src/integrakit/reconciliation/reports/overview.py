"""What reports say about all breaks together: where they lie, and examples of each cause.

It is found by reading the breaks once, when it is first asked for. Its memory does not grow with the number of breaks or with the length of their
values. Nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from attrs import frozen

from integrakit.reconciliation.findings import Break, Findings, Mismatch
from integrakit.reconciliation.reports.bridge import Bridge, Bridges
from integrakit.reconciliation.reports.showing import show, show_both
from integrakit.reconciliation.reports.stretches import Spread, Stretches
from integrakit.reconciliation.rules.agreeing import Agreement
from integrakit.reconciliation.rules.cells import cell_as, cell_like
from integrakit.reconciliation.rules.values import Incomparable

__all__ = ["Overview", "Passing", "Sample", "break_counts", "only_in", "overview_of", "passing"]

_EACH = 3
_LENGTH = 200
#: Letters of a date as ISO 8601 writes it.
_DATE = 10
#: Breaks that are searched for fields that hold times.
_SEARCHED = 1000
_COMBINATIONS = 1000


@frozen(kw_only=True)
class Sample:
    """One example, in texts for people. ``compared``: what was compared, left and right, where the rule of the field makes that another value."""

    key: str
    left: str
    right: str
    compared: tuple[str, str] | None = None


@frozen(kw_only=True)
class Overview:
    """All that takes reading the breaks."""

    #: By the first part of the key that is not the same in all of them; None where they are too few.
    by_key: Stretches | None
    #: By the compared field of dates or times that most breaks have, if there is one.
    by_time: Stretches | None
    #: Field → cause → up to three examples.
    samples: Mapping[str, Mapping[str, tuple[Sample, ...]]]
    #: Breaks without a key.
    keyless: int
    #: The fields in which a record differs → how many records differ in just these; None where there are too many combinations to keep.
    together: Mapping[frozenset[str], int] | None
    #: Fields with control totals → how the breaks add up to the difference.
    bridges: Mapping[str, Bridge]


def break_counts(findings: Findings) -> dict[str, int]:
    """Breaks by kind, in the names of the summary. Keys that stand more than once and agree are none."""
    counts = {name: findings.summary[name] for name in ("changed", "missing_left", "missing_right", "null_keys", "invalid")}
    return {**counts, "duplicates": len(findings.breaks) - sum(counts.values())}


class _Examples:
    """Up to three examples of each field and cause."""

    def __init__(self, findings: Findings) -> None:
        self._rules = {field.name: (field, Agreement(field)) for field in findings.fields}
        self._untyped = findings.untyped
        self.found: dict[str, dict[str, list[Sample]]] = {name: {} for name in self._rules}

    def add(self, found: Break) -> None:
        for name, each in found.fields.items():
            some = self.found[name].setdefault(each.cause, [])
            if len(some) < _EACH:
                some.append(self._sample(name, each, found))

    def _sample(self, name: str, each: Mismatch, found: Break) -> Sample:
        raw = show_both(each.left, each.right, _LENGTH)
        compared = self._compared(name, each, found)
        texts = raw if compared is None else show_both(*compared, _LENGTH)
        return Sample(key=show(found.key), left=raw[0], right=raw[1], compared=texts if texts != raw else None)

    def _compared(self, name: str, each: Mismatch, found: Break) -> tuple[Any, Any] | None:
        left, right = each.left, each.right
        if self._untyped[0] != self._untyped[1]:
            left, right = (cell_like(left, right), right) if self._untyped[0] else (left, cell_like(right, left))
        try:
            return self._rules[name][1].differ(left, right, (found.left, found.right))
        except Incomparable:
            return None


def _time_in(cell: str) -> Any:
    """The date or time that an untyped cell is the strict writing of, if it is one."""
    return cell_as(cell, "date" if len(cell) == _DATE else "instant") if cell[4:5] == "-" == cell[7:8] else cell


class _Times:
    """How breaks spread over the fields that hold dates or times."""

    def __init__(self, findings: Findings) -> None:
        self._untyped = findings.untyped
        self._names = [
            (field.name, field.right, tuple(field.preparation(side) if field.zone is not None else None for side in (0, 1)))
            for field in findings.fields
        ]
        self._spreads: dict[str, Spread] = {}
        self._searched = 0

    def add(self, found: Break) -> None:
        if found.kind not in ("changed", "missing_left", "missing_right"):
            return
        self._searched += 1
        if self._searched == _SEARCHED:
            self._names = [names for names in self._names if names[0] in self._spreads]
        for name, other, clocks in self._names:
            side = int(found.left is None)
            value = found.right.get(other) if side else found.left.get(name)
            if self._untyped[side] and type(value) is str:
                value = _time_in(value)
            clock = clocks[side]
            if clock is not None and isinstance(value, datetime):
                value = clock(value)
            if isinstance(value, date):
                self._spreads.setdefault(name, Spread(name)).add(value)

    def result(self) -> Stretches | None:
        widest = max(self._spreads.values(), key=lambda each: each.number, default=None)
        return None if widest is None else widest.result()


class Passing:
    """The breaks, to be iterated once for another purpose, and looked at on the way."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._parts = [Spread(name) for name in findings.key.names]
        self._examples, self._times, self._bridges = _Examples(findings), _Times(findings), Bridges(findings)
        self._together: Counter[frozenset[str]] | None = Counter()
        self._keyless = 0

    def __iter__(self) -> Iterator[Break]:
        for found in self._findings.breaks:
            self._look(found)
            yield found

    def _look(self, found: Break) -> None:
        key = found.key if len(self._parts) > 1 and isinstance(found.key, tuple) else (found.key,)
        if found.kind == "null_key" or key == (None,):
            self._keyless += 1
        else:
            for part, value in zip(self._parts, key, strict=False):
                part.add(value)
        if found.kind == "changed":
            self._examples.add(found)
            if self._together is not None:
                self._together[frozenset(found.fields)] += 1
                if len(self._together) > _COMBINATIONS:
                    self._together = None
        self._times.add(found)
        self._bridges.add(found)

    def result(self) -> Overview:
        """When all have been iterated; kept with the findings."""
        found = self._findings.memo["overview"] = Overview(
            by_key=next((part.result() for part in self._parts if not part.single), None),
            by_time=self._times.result(),
            samples={name: {cause: tuple(some) for cause, some in causes.items()} for name, causes in self._examples.found.items() if causes},
            keyless=self._keyless,
            together=self._together,
            bridges=self._bridges.result(),
        )
        return found


class _Known:
    """The breaks, when all that is to be known of them is known already."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def __iter__(self) -> Iterator[Break]:
        return iter(self._findings.breaks)

    def result(self) -> Overview:
        return overview_of(self._findings)


def passing(findings: Findings) -> Passing | _Known:
    """The breaks, to be iterated to their end; then ``result()`` is the overview."""
    return _Known(findings) if "overview" in findings.memo else Passing(findings)


def overview_of(findings: Findings) -> Overview:
    """Computed at first use, and kept with the findings."""
    if "overview" not in findings.memo:
        breaks = Passing(findings)
        for _ in breaks:
            pass
        return breaks.result()
    found: Overview = findings.memo["overview"]
    return found


def only_in(findings: Findings, names: Collection[str]) -> int:
    """How many records differ in some of these fields and in no others."""
    own = frozenset(names)
    together = overview_of(findings).together
    if together is None:
        return sum(found.kind == "changed" and own.issuperset(found.fields) for found in findings.breaks)
    return sum(number for fields, number in together.items() if fields <= own)
