"""One window of both sides, joined by key and compared: everything at once (dict), or a stretch of keys that is complete on both sides (merge).

Both engines come through here, so both say the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Set
from itertools import chain, compress, islice
from operator import lt, not_
from typing import Any

from integrakit.reconciliation.breaks import Entry
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.comparison import Comparison
from integrakit.reconciliation.rules.duplicates import pair_up
from integrakit.reconciliation.rules.keys import Keyed, Reading, order_of
from integrakit.reconciliation.tally import Tally

__all__ = ["HELD", "Joiner", "Unsuitable"]

_BLOCK = 512
#: So many keys are looked for one by one in a list, rather than each of its keys among them.
_FEW = 4
#: Records of one key that a break holds at most on each side.
HELD = 100

Found = list[tuple[Hashable, Entry | None]]
#: Side, records of one key → those that count: of several copies that one side gave because its rows moved, the newest.
Newest = Callable[[int, Sequence[Row]], Sequence[Row]]


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


def _without(keyed: Keyed, out: Set[Hashable]) -> Keyed:
    inside = list(map(not_, map(out.__contains__, keyed.keys)))
    return Keyed(keys=list(compress(keyed.keys, inside)), rows=list(compress(keyed.rows, inside)))


def _parted(keyed: Keyed, out: Set[Hashable]) -> tuple[Keyed, Keyed]:
    """What has other keys than these, and what has these. Each key is there once."""
    if not out:
        return keyed, Keyed()
    if len(out) > _FEW:
        index = dict(zip(keyed.keys, keyed.rows, strict=True))
        return _without(keyed, out), Keyed(keys=list(out), rows=list(map(index.__getitem__, out)))
    keys, rows, taken = keyed.keys.copy(), keyed.rows.copy(), Keyed()
    for key in out:
        place = keys.index(key)
        taken.keys.append(keys.pop(place))
        taken.rows.append(rows.pop(place))
    return Keyed(keys=keys, rows=rows), taken


def _strictly_ascending(keys: list[Any]) -> bool:
    return all(map(lt, keys, islice(keys, 1, None)))


def _fitting(left: Keyed, right: Keyed) -> Iterator[tuple[Keyed, Keyed]]:
    """Pieces of both sides that hold the same range of keys. They ascend strictly."""
    places = [0, 0]
    while places[0] < len(left.keys) and places[1] < len(right.keys):
        pieces: list[list[Any]] = [keyed.keys[place : place + _BLOCK] for keyed, place in zip((left, right), places, strict=True)]
        limit = min(piece[-1] for piece in pieces)
        window: list[Keyed] = []
        for side, keyed in ((0, left), (1, right)):
            keys = pieces[side]
            if keys[-1] > limit:
                del keys[bisect_right(keys, limit) :]
            window.append(Keyed(keys=keys, rows=keyed.rows[places[side] : places[side] + len(keys)]))
            places[side] += len(keys)
        yield window[0], window[1]
    yield Keyed(keys=left.keys[places[0] :], rows=left.rows[places[0] :]), Keyed(keys=right.keys[places[1] :], rows=right.rows[places[1] :])


class Unsuitable(Exception):
    """This engine cannot give a right answer for this input; the reason is for the user. Never raised out of the package: another engine follows."""


class Joiner:
    """Joins windows into a tally."""

    def __init__(self, comparison: Comparison, readings: tuple[Reading, Reading], tally: Tally, newest: Newest | None = None) -> None:
        self._comparison = comparison
        self._readings = readings
        self._tally = tally
        self._newest = newest
        #: Of the longest key, where whole numbers are kept in the order of their text.
        self._digits: int | None = None

    def chooses(self, side: int, row: Row) -> bool:
        """Whether of several records of this one's key not all count."""
        return self._newest is not None and len(self._newest(side, [row, row])) < 2

    def unkeyed(self, side: int, keyed: Keyed) -> None:
        """Reports what has no key to be joined by."""
        self._tally.unkeyed(side, self._readings[side], keyed.null, keyed.invalid)
        self._comparison.look(side, [record for record, _ in keyed.invalid if type(record) is dict])
        self._comparison.alone(side, keyed.null)

    def join(self, left: Keyed, right: Keyed) -> None:
        """Both hold every record of the keys they have. Nothing of them is changed."""
        found: Found = []
        for mine, others in self._windows(left, right):
            if mine.keys == others.keys and len(set(mine.keys)) == len(mine.keys):
                self._pairs(mine.keys, mine.rows, others.rows, found)
            else:
                self._join_by_key(mine, others, found)
        if found:
            self._keep(found)

    def _windows(self, left: Keyed, right: Keyed) -> Iterable[tuple[Keyed, Keyed]]:
        """Both in pieces that fit together, where the keys ascend and each is there once; else as they are. Records that are near are read fast."""
        keys: tuple[list[Any], list[Any]] = left.keys, right.keys
        if max(map(len, keys)) <= 4 * _BLOCK or not self._one_order or not all(map(_strictly_ascending, keys)):
            return ((left, right),)
        return _fitting(left, right)

    @property
    def _one_order(self) -> bool:
        """Whether all keys can be compared with each other."""
        return all(reading.ordered for reading in self._readings) and all(
            len(mine | others) <= 1 for mine, others in zip(self._readings[0].kinds, self._readings[1].kinds, strict=True)
        )

    def _join_by_key(self, left: Keyed, right: Keyed, found: Found) -> None:
        lefts, rights = set(left.keys), dict(zip(right.keys, right.rows, strict=True))
        if len(lefts) < len(left.keys) or len(rights) < len(right.keys):
            left, right = self._without_duplicates(left, right, found)
            lefts, rights = set(left.keys), dict(zip(right.keys, right.rows, strict=True))
        left, lonely = _parted(left, lefts.difference(rights))
        self._alone(0, lonely, found)
        right, lonely = _parted(right, rights.keys() - lefts)
        self._alone(1, lonely, found)
        if left.keys == right.keys:
            del lefts, rights
            self._pairs(left.keys, left.rows, right.rows, found)
        else:
            self._pairs(left.keys, left.rows, map(rights.__getitem__, left.keys), found)

    def _alone(self, side: int, lonely: Keyed, found: Found) -> None:
        self._comparison.alone(side, lonely.rows)
        raw = self._readings[side].raw
        for key, row in zip(lonely.keys, lonely.rows, strict=True):
            found.append((key, (raw(row), "missing_left", None, row, (), "") if side else (raw(row), "missing_right", row, None, (), "")))

    def _pairs(self, keys: list[Hashable], lefts: Iterable[Row], rights: Iterable[Row], found: Found) -> None:
        """Compares records that belong together, one beside the other."""
        mine, others = iter(lefts), iter(rights)
        for start in range(0, len(keys), _BLOCK):
            self._compare(keys[start : start + _BLOCK], list(islice(mine, _BLOCK)), list(islice(others, _BLOCK)), found)

    def _keep(self, found: Found) -> None:
        if self._one_order:
            found.sort(key=lambda item: item[0])  # type: ignore[arg-type, return-value]
        else:
            found.sort(key=lambda item: order_of(item[0], len(self._readings[0].names)))
        for key, entry in found:
            stands = key if self._digits is None else self._as_text(key, self._digits)
            if entry is None:
                self._tally.agreed(stands)
            else:
                self._tally.keep(entry, stands)

    def in_order_of_text(self) -> None:
        """Keys come as text, or as the whole numbers that it is the plain writing of: in the order of the numbers, and are kept in that of the text.

        To be called before the first window.
        """
        self._digits = 0

    def _as_text(self, key: Hashable, digits: int) -> str:
        text = str(key)
        if len(text) > digits:
            # Among numbers of as many digits both orders are one.
            self._digits = len(text)
            self._tally.begin_stretch(1)
        return text

    def _compare(self, keys: list[Hashable], mine: list[Row], others: list[Row], found: Found) -> None:
        changed, failures = self._comparison.block(mine, others)
        self._tally.equal(len(keys) - len(changed) - len(failures))
        raw = self._readings[0].raw
        undecided = self._comparison.undecided if changed else frozenset()
        for index, fields in changed.items():
            self._tally.changed(fields, undecided)
            found.append((keys[index], (raw(mine[index]), "changed", mine[index], others[index], tuple(fields), "")))
        for index, reason in failures.items():
            found.append((keys[index], (raw(mine[index]), "invalid", mine[index], others[index], (), reason)))

    def _without_duplicates(self, left: Keyed, right: Keyed, found: Found) -> tuple[Keyed, Keyed]:
        """Compares the records of keys that stand more than once on a side; the others are left, each key once."""
        again = _repeated(left.keys) | _repeated(right.keys)
        groups = _group(left.keys, left.rows, again), _group(right.keys, right.rows, again)
        if self._comparison.looks_late:
            for side in (0, 1):
                self._comparison.look(side, list(chain.from_iterable(groups[side].values())))
        if open_fields := self._comparison.undecided:
            open_fields = open_fields.intersection(chain.from_iterable(chain.from_iterable(chain(groups[0].values(), groups[1].values()))))
        if open_fields:
            # Whether these records agree depends on whether a field is compared at all, and a merge knows that only when it has read everything.
            example = next(iter(again))
            raise Unsuitable(
                f"the key {example!r} is there more than once, and so far only one side has {', '.join(sorted(open_fields))}: give fields="
            )
        columns = list(self._comparison.columns.values())
        sides = _without(left, again), _without(right, again)
        for key in again:
            mine, others = groups[0].get(key, []), groups[1].get(key, [])
            if self._newest is not None:
                mine, others = list(self._newest(0, mine)), list(self._newest(1, others))
                if len(mine) <= 1 and len(others) <= 1:
                    for half, rows in zip(sides, (mine, others), strict=True):
                        half.keys += [key] * len(rows)
                        half.rows += rows
                    continue
            self._comparison.alone(0, mine)
            self._comparison.alone(1, others)
            agreeing, *rest = pair_up(mine, others, columns)
            raw = self._readings[0].raw(mine[0]) if mine else self._readings[1].raw(others[0])
            found.append((key, self._multiset(raw, (len(mine), len(others)), agreeing, rest, sum(map(len, rest)))))
        return sides

    def stands_often(self, key: Hashable, raw: Any, counts: tuple[int, int], agreeing: int, rest: Sequence[Sequence[Row]], over: int) -> None:
        """Reports a key whose records were paired up elsewhere, because they are more than memory holds; their totals were added up before.

        ``counts``: records of each side. ``rest``: the first `HELD` without a partner of each side; ``over``: how many there are on both sides.
        """
        self._keep([(key, self._multiset(raw, counts, agreeing, rest, over))])

    def _multiset(self, raw: Any, counts: tuple[int, int], agreeing: int, rest: Sequence[Sequence[Row]], over: int) -> Entry | None:
        self._tally.counts["duplicates"] += 1
        self._tally.equal(agreeing)
        if not over:
            return None
        reason = f"{counts[0]:,} on the left, {counts[1]:,} on the right, {agreeing:,} agree"
        if any(count - agreeing > HELD for count in counts):
            reason += f"; the first {HELD} without a partner are held here"
        return raw, "duplicate", tuple(rest[0][:HELD]), tuple(rest[1][:HELD]), (), reason
