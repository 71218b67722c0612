"""One window of both sides, joined by key and compared: everything at once (dict), or a stretch of keys that is complete on both sides (merge).

Both engines come through here, so both say the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from integrakit.reconciliation.breaks import Entry
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.comparison import Comparison
from integrakit.reconciliation.rules.duplicates import pair_up
from integrakit.reconciliation.rules.keys import Keyed, Reading, order_of
from integrakit.reconciliation.tally import Tally

__all__ = ["Joiner", "Unsuitable"]

_BLOCK = 1024
#: Records of one key that a break holds at most on each side.
_HELD = 100

Found = list[tuple[Hashable, Entry | None]]


def _group(keys: Iterable[Hashable], rows: Iterable[Row], wanted: set[Hashable]) -> dict[Hashable, list[Row]]:
    groups: dict[Hashable, list[Row]] = {}
    for key, row in zip(keys, rows, strict=True):
        if key in wanted:
            groups.setdefault(key, []).append(row)
    return groups


def _repeated(keys: Iterable[Hashable]) -> set[Hashable]:
    seen: set[Hashable] = set()
    again: set[Hashable] = set()
    for key in keys:
        (again if key in seen else seen).add(key)
    return again


class Unsuitable(Exception):
    """This engine cannot give a right answer for this input; the reason is for the user. Never raised out of the package: another engine follows."""


class Joiner:
    """Joins windows into a tally."""

    def __init__(self, comparison: Comparison, readings: tuple[Reading, Reading], tally: Tally) -> None:
        self._comparison = comparison
        self._readings = readings
        self._tally = tally

    def unkeyed(self, side: int, keyed: Keyed) -> None:
        """Reports what has no key to be joined by."""
        self._tally.unkeyed(side, self._readings[side], keyed.null, keyed.invalid)
        self._comparison.alone(side, keyed.null)

    def join(self, left: Keyed, right: Keyed) -> None:
        """Both hold every record of the keys they have."""
        lefts, rights = dict(zip(left.keys, left.rows, strict=True)), dict(zip(right.keys, right.rows, strict=True))
        found: Found = []
        if len(lefts) < len(left.keys) or len(rights) < len(right.keys):
            self._duplicates(left, right, lefts, rights, found)
        common = [key for key in lefts if key in rights]
        for start in range(0, len(common), _BLOCK):
            self._compare(common[start : start + _BLOCK], lefts, rights, found)
        for side, mine, other in ((0, lefts, rights), (1, rights, lefts)):
            if len(common) < len(mine):
                alone = {key: row for key, row in mine.items() if key not in other}
                self._comparison.alone(side, list(alone.values()))
                raw = self._readings[side].raw
                for key, row in alone.items():
                    found.append((key, (raw(row), "missing_left", None, row, (), "") if side else (raw(row), "missing_right", row, None, (), "")))
        self._keep(found)

    def _keep(self, found: Found) -> None:
        readings = self._readings
        kinds = [a | b for a, b in zip(readings[0].kinds, readings[1].kinds, strict=True)]
        if all(reading.ordered for reading in readings) and all(len(each) <= 1 for each in kinds):
            found.sort(key=lambda item: item[0])  # type: ignore[arg-type, return-value]
        else:
            found.sort(key=lambda item: order_of(item[0], len(kinds)))
        for key, entry in found:
            if entry is None:
                self._tally.agreed(key)
            else:
                self._tally.keep(entry)

    def _compare(self, keys: list[Hashable], lefts: dict[Hashable, Row], rights: dict[Hashable, Row], found: Found) -> None:
        mine, others = list(map(lefts.__getitem__, keys)), list(map(rights.__getitem__, keys))
        changed, failures = self._comparison.block(mine, others)
        self._tally.equal(len(keys) - len(changed) - len(failures))
        raw = self._readings[0].raw
        undecided = self._comparison.undecided if changed else frozenset()
        for index, fields in changed.items():
            self._tally.changed(fields, undecided)
            found.append((keys[index], (raw(mine[index]), "changed", mine[index], others[index], tuple(fields), "")))
        for index, reason in failures.items():
            found.append((keys[index], (raw(mine[index]), "invalid", mine[index], others[index], (), reason)))

    def _duplicates(self, left: Keyed, right: Keyed, lefts: dict[Hashable, Row], rights: dict[Hashable, Row], found: Found) -> None:
        again = _repeated(left.keys) | _repeated(right.keys)
        groups = _group(left.keys, left.rows, again), _group(right.keys, right.rows, again)
        if open_fields := self._comparison.undecided:
            # Whether these records agree depends on whether a field is compared at all, and a merge knows that only when it has read everything.
            example = next(iter(again))
            raise Unsuitable(
                f"the key {example!r} is there more than once, and so far only one side has {', '.join(sorted(open_fields))}: give fields="
            )
        columns = list(self._comparison.columns.values())
        for key in again:
            lefts.pop(key, None)
            rights.pop(key, None)
            mine, others = groups[0].get(key, []), groups[1].get(key, [])
            self._comparison.alone(0, mine)
            self._comparison.alone(1, others)
            agreeing, *rest = pair_up(mine, others, columns)
            self._tally.counts["duplicates"] += 1
            self._tally.equal(agreeing)
            if not any(rest):
                found.append((key, None))
                continue
            raw: Any = self._readings[0].raw(mine[0]) if mine else self._readings[1].raw(others[0])
            reason = f"{len(mine):,} on the left, {len(others):,} on the right, {agreeing:,} agree"
            if any(len(rows) > _HELD for rows in rest):
                reason += f"; the first {_HELD} without a partner are held here"
            found.append((key, (raw, "duplicate", tuple(rest[0][:_HELD]), tuple(rest[1][:_HELD]), (), reason)))
