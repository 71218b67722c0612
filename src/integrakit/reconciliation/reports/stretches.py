"""Where on a range of values something lies: histograms that grow coarser as they fill, so that millions of values take the memory of a thousand.

Made for the keys of breaks, and for times in them. Nothing here knows what a break is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, count, pairwise
from math import floor
from types import MappingProxyType
from typing import Any
from uuid import UUID

from attrs import frozen

from integrakit.reconciliation.reports.showing import show

__all__ = ["Spread", "Stretch", "Stretches"]

_MOST_BINS = 1000
_STRETCHES = 10
#: A cluster: at least so many percent of at least so many values, on at most this share of the range.
_PERCENT = (95, 90, 80)
_ENOUGH = 10
_NARROW = Decimal("0.25")
_PREFIX = 64
_GROUPS = 12
_LARGEST = 10**30


@frozen
class Stretch:
    """A part of the range, in words, and how many values lie in it."""

    first: str
    last: str
    number: int

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first} – {self.last}"


@frozen(kw_only=True)
class Stretches:
    """The range from the first value to the last in about ten parts.

    ``cluster`` says in words where most lie, if they do; ``elsewhere``: how many values are of another kind.
    """

    by: str
    stretches: tuple[Stretch, ...]
    cluster: str
    elsewhere: int = 0


class _Scale:
    """Whole numbers in bins of one width. A bin is [how many, the first, the last]."""

    def __init__(self, widths: Iterator[int], shift: int) -> None:
        self._widths = widths
        self._width = next(widths)
        self._shift = shift
        self._bins: dict[int, list[int]] = {}
        self.number = 0

    def add(self, value: int) -> None:
        self.number += 1
        place = (value - self._shift) // self._width
        found = self._bins.get(place)
        if found is None:
            self._bins[place] = [1, value, value]
            if len(self._bins) > _MOST_BINS:
                self._coarser()
            return
        found[0] += 1
        if value < found[1]:
            found[1] = value
        elif value > found[2]:
            found[2] = value

    def _coarser(self) -> None:
        before, self._width = self._width, next(self._widths)
        factor, finer, self._bins = self._width // before, self._bins, {}
        for place, (number, first, last) in finer.items():
            found = self._bins.setdefault(place // factor, [0, first, last])
            found[:] = found[0] + number, min(found[1], first), max(found[2], last)

    @property
    def single(self) -> bool:
        return len(self._bins) == 1 and self.ends[0] == self.ends[1]

    @property
    def ends(self) -> tuple[int, int]:
        return min(found[1] for found in self._bins.values()), max(found[2] for found in self._bins.values())

    def parts(self, steps: Iterator[int]) -> tuple[int, list[tuple[int, int, int]]]:
        """First, last and number of each part of the range, the parts of one length that reads well; and that length."""
        first, last = self.ends
        step = next(step for step in steps if step * _STRETCHES >= last - first + 1 and step % self._width == 0)
        numbers: dict[int, int] = {}
        for place, found in self._bins.items():
            part = place * self._width // step
            numbers[part] = numbers.get(part, 0) + found[0]
        parts = []
        for part in range((first - self._shift) // step, (last - self._shift) // step + 1):
            edge = part * step + self._shift
            parts.append((max(edge, first), min(edge + step - 1, last), numbers.get(part, 0)))
        if len(parts) > 2 and (parts[0][1] - parts[0][0] + 1) * _STRETCHES < step:  # a lone 0 before 1 to 100
            (begin, _, some), (_, end, more) = parts[:2]
            parts[:2] = [(begin, end, some + more)]
        return step, parts

    def cluster(self) -> tuple[int, int, int] | None:
        """Percent, first and last of the narrowest part that holds most of the values, if it is narrow."""
        first, last = self.ends
        bins = [self._bins[place] for place in sorted(self._bins)]
        until = [0, *accumulate(found[0] for found in bins)]
        for percent in _PERCENT if self.number >= _ENOUGH else ():
            wanted = -(-self.number * percent // 100)
            start, narrowest = 0, None
            for end in range(len(bins)):
                while until[end + 1] - until[start + 1] >= wanted:
                    start += 1
                if until[end + 1] - until[start] >= wanted and (narrowest is None or bins[end][2] - bins[start][1] < narrowest[1] - narrowest[0]):
                    narrowest = bins[start][1], bins[end][2], until[end + 1] - until[start]
            if narrowest is not None and narrowest[1] - narrowest[0] + 1 <= _NARROW * (last - first + 1):
                return self._widened(bins, *narrowest)
        return None

    def _widened(self, bins: list[list[int]], first: int, last: int, number: int) -> tuple[int, int, int]:
        """A cluster and what lies next to it as densely: its ends are where it thins out, not where enough was found."""
        near = 10 * (last - first + 1) // number + self._width
        for found in bins:
            if last < found[1] <= last + near:
                last, number = found[2], number + found[0]
        for found in reversed(bins):
            if first - near <= found[2] < first:
                first, number = found[1], number + found[0]
        return number * 100 // self.number, first, last


def _alike(one: str, other: str) -> int:
    """How many letters two texts have in common from their start."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class _Texts:
    """Texts by their first letters: as many letters as leave few enough groups. A group is [how many, the first, the last]."""

    def __init__(self) -> None:
        self._letters = _PREFIX
        self._groups: dict[str, list[Any]] = {}
        self.number = 0

    def add(self, value: str) -> None:
        self.number += 1
        begin = value[: self._letters]
        found = self._groups.get(begin)
        if found is None:
            self._groups[begin] = [1, begin, begin]
            if len(self._groups) > _MOST_BINS:
                self._shorter()
        else:
            found[0] += 1

    def _shorter(self) -> None:
        names = sorted(self._groups)
        shared = sorted(_alike(one, other) for one, other in pairwise(names))
        self._letters = shared[_MOST_BINS // 2]
        self._groups = self._by(self._letters)

    def _by(self, letters: int) -> dict[str, list[Any]]:
        groups: dict[str, list[Any]] = {}
        for begin, (number, first, last) in self._groups.items():
            found = groups.setdefault(begin[:letters], [0, first, last])
            found[:] = found[0] + number, min(found[1], first), max(found[2], last)
        return groups

    @property
    def single(self) -> bool:
        return len(self._groups) == 1

    def _shared(self) -> int:
        """How many letters all begin with."""
        return _alike(min(self._groups), max(self._groups))

    def parts(self) -> Iterator[tuple[str, str, int]]:
        letters = self._shared() + 1
        groups = self._by(letters)
        while letters < self._letters and len(finer := self._by(letters + 1)) <= _GROUPS:
            letters, groups = letters + 1, finer
        names = sorted(groups)
        size = 1 if len(names) <= _GROUPS else -(-len(names) // _STRETCHES)
        for start in range(0, len(names), size):
            chunk = names[start : start + size]
            yield self._named(chunk[0], groups), self._named(chunk[-1], groups), sum(groups[name][0] for name in chunk)

    def _named(self, name: str, groups: dict[str, list[Any]]) -> str:
        _, first, last = groups[name]
        return show(first) if first == last and len(first) < self._letters else show(name) + "…"

    def cluster(self) -> tuple[int, str, bool] | None:
        """Percent, the letters that most begin with, and whether that is the whole text."""
        best = None
        letters = self._shared() + 1
        while letters <= self._letters and self.number >= _ENOUGH:
            groups = self._by(letters)
            name = max(groups, key=lambda each: groups[each][0])
            share = groups[name][0] * 100 // self.number
            if share < _PERCENT[-1] or (best is not None and best[1] == name):
                break
            best = share, name, groups[name][1] == groups[name][2] and len(groups[name][1]) < self._letters
            if best[2]:
                return share, groups[name][1], True
            letters += 1
        return best


def _tens() -> Iterator[int]:
    return (10**power for power in count())


def _one_two_five() -> Iterator[int]:
    return (digit * 10**power for power in count() for digit in (1, 2, 5))


def _seconds() -> Iterator[int]:
    yield from (1, 60, 3600)
    yield from (86_400 * days for days in _tens())


def _round_times() -> Iterator[int]:
    yield from (1, 2, 5, 10, 15, 30)
    yield from (60 * minutes for minutes in (1, 2, 5, 10, 15, 30))
    yield from (3600 * hours for hours in (1, 2, 3, 6, 12))
    yield from (86_400 * days for days in _one_two_five())


_EPOCH = datetime(1970, 1, 1)


def _moment(value: int, step: int) -> str:
    moment = _EPOCH + timedelta(seconds=value)
    return moment.isoformat(" ") if step % 86_400 else moment.date().isoformat()


def _seconds_of(value: datetime) -> int:
    offset = value.utcoffset()
    plain = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second)
    return (plain - _EPOCH - (offset or timedelta(0))) // timedelta(seconds=1)


#: Kind → how a whole number of it is written, widths of bins, lengths of stretches, and where counting begins.
_SCALES: Mapping[str, tuple[Callable[[int, int], str], Callable[[], Iterator[int]], Callable[[], Iterator[int]], int]] = MappingProxyType(
    {
        "number": (lambda value, _: f"{value:,}", _tens, _one_two_five, 1),
        "day": (lambda value, _: date.fromordinal(value).isoformat(), _tens, _one_two_five, 0),
        "moment": (_moment, _seconds, _round_times, 0),
        "instant": (_moment, _seconds, _round_times, 0),
    }
)


class Spread:
    """How the values of one name spread. Values of several kinds are kept apart; the most frequent kind is told of."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nothing = 0
        self._scales: dict[str, _Scale] = {}
        self._texts = _Texts()
        #: Texts as numbers, as long as all of them are written in digits.
        self._digits: _Scale | None = _Scale(_tens(), 1)

    def add(self, value: Any) -> None:
        """Any value; null counts as nothing."""
        if value is None:
            self.nothing += 1
        elif isinstance(value, str):
            self._text(value)
        else:
            kind, place = _place(value)
            if place is None:
                self._text(kind)
                return
            if kind not in self._scales:
                self._scales[kind] = _Scale(_SCALES[kind][1](), _SCALES[kind][3])
            self._scales[kind].add(place)

    def _text(self, value: str) -> None:
        self._texts.add(value)
        if self._digits is not None:
            if len(value) < 19 and value.isascii() and value.isdigit():
                self._digits.add(int(value))
            else:
                self._digits = None

    @property
    def single(self) -> bool:
        """Whether there is but one value, or none."""
        kinds: list[_Scale | _Texts] = [*self._scales.values(), *([self._texts] if self._texts.number else [])]
        return len(kinds) < 2 and all(kind.single for kind in kinds)

    @property
    def number(self) -> int:
        """How many values there are, without those that are nothing."""
        return self._texts.number + sum(scale.number for scale in self._scales.values())

    def result(self) -> Stretches | None:
        """None where there is nothing to show: fewer than two values."""
        if self.single:
            return None
        kind, scale = max(self._scales.items(), key=lambda each: each[1].number, default=("", None))
        if scale is None or scale.number < self._texts.number:
            number = self._texts.number
            if self._digits is None:
                return self._of_texts(self.number - number)
            kind, scale = "number", self._digits
        write, _, steps, _ = _SCALES[kind]
        step, parts = scale.parts(steps())
        found = scale.cluster()
        return Stretches(
            by=f"{self.name} (UTC)" if kind == "instant" else self.name,
            stretches=tuple(Stretch(write(first, step), write(last, step), number) for first, last, number in parts),
            cluster="" if found is None else self._between(found[0], write(found[1], 1), write(found[2], 1)),
            elsewhere=self.number - scale.number,
        )

    @staticmethod
    def _between(percent: int, first: str, last: str) -> str:
        return f"{percent} % of the breaks lie at {first}" if first == last else f"{percent} % of the breaks lie between {first} and {last}"

    def _of_texts(self, elsewhere: int) -> Stretches:
        found = self._texts.cluster()
        words = "" if found is None else f"in {found[0]} % of the breaks {self.name} {'is' if found[2] else 'begins with'} {show(found[1])}"
        return Stretches(by=self.name, stretches=tuple(Stretch(*part) for part in self._texts.parts()), cluster=words, elsewhere=elsewhere)


def _place(value: Any) -> tuple[str, int | None]:
    """The kind of a value and its place on the scale of that kind; without a place, the text it stands for."""
    try:
        if isinstance(value, bool):
            return show(value), None
        if isinstance(value, datetime):
            return ("moment" if value.utcoffset() is None else "instant"), _seconds_of(value)
        if isinstance(value, date):
            return "day", value.toordinal()
        if isinstance(value, int | float | Decimal) or hasattr(value, "__index__"):
            if isinstance(value, Decimal) and value.adjusted() > 40:  # before a whole number of a million digits is made
                return show(value), None
            whole = floor(value)
            if abs(whole) < _LARGEST:
                return "number", whole
    except (ArithmeticError, ValueError, TypeError):  # no number after all: NaN, an infinity, pandas' NaT
        pass
    return str(value) if isinstance(value, UUID) else show(value), None
