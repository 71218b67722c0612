"""Where slices are cut, so that each is below the cap and few requests are spent on those that are not. Pure: places on a `Scale`, and counts.

A slice that was full is cut where the values seen in it say, or evenly where a declared total is all that is known. What is behind the first part is
not asked for in one piece: steps are taken as wide as the rows lie dense, and each step that is over corrects the next.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from attrs import define, field

from integrakit.model import Evidence
from integrakit.reading.bounds import Scale

__all__ = ["Owed", "Slice", "cut", "learn", "step"]

#: A slice is meant to hold this part of the cap: rows do not lie evenly, and one that is full is read for nothing.
FILL = 0.75
#: A slice that is expected to hold at most this part of the cap is tried as it is.
FITS = 0.9
#: How much wider a step may be than the one before it, where nothing but that one tells.
GROWTH = 4
#: Towards an open end, one looks this many times as far as what was seen.
FAR = 4


@define
class Owed:
    """What a full slice showed before it was cut: its parts must bring as many."""

    expected: int
    #: The parts of it that are not over yet.
    parts: int
    came: int = 0
    where: str = ""


@define(eq=False)
class Slice:
    """One slice ``[low, high)`` as places on a scale; None: an open end."""

    low: int | None
    high: int | None
    #: Rows for each place, as far as anything is known.
    density: float | None = None
    #: Whether ``density`` comes from a declared total, and not from what is beside it.
    exact: bool = False
    #: What is behind it, and learns from it.
    rest: Slice | None = None
    owed: list[Owed] = field(factory=list)
    #: It cannot be cut any more.
    final: bool = False
    # How its reading stands.
    reader: Any = None
    pages: list[list[Any]] = field(factory=list)
    keys: list[Any] = field(factory=list)
    places: list[int] = field(factory=list)
    came: int = 0
    #: Rows at the very upper bound, which belong to the next slice.
    passed: int = 0
    nulls: int = 0
    total: int | None = None
    evidence: Evidence | None = None
    #: "new", "full" (it has to be cut), or "over".
    state: str = "new"

    def restart(self) -> None:
        """It is read from its beginning."""
        self.reader, self.pages, self.keys, self.places = None, [], [], []
        self.came = self.passed = self.nulls = 0

    @property
    def width(self) -> int | None:
        return None if self.low is None or self.high is None else self.high - self.low

    @property
    def expected(self) -> float | None:
        """How many rows it is thought to hold."""
        return None if self.width is None or self.density is None else self.density * self.width


def step(span: Slice, cap: int, scale: Scale) -> Slice | None:
    """Takes a front part off ``span`` that should be below the cap, or None where it may be asked for as it is. ``span`` is what remains."""
    if span.density is None or span.low is None or span.density <= 0:
        return None
    expected = span.expected
    if expected is not None and expected <= FITS * cap:
        return None
    place = _place(scale, span, span.low + max(1, int(FILL * cap / span.density)))
    if place is None:
        return None
    front = Slice(span.low, place, density=span.density, rest=span, owed=span.owed)
    _split(span.owed, 1)
    span.low = place
    return front


def learn(span: Slice) -> None:
    """``span`` is over or was found full: what it held says how wide the next step may be."""
    rest, width = span.rest, span.width
    if rest is None or not width:
        return
    held = max(span.total or 0, len(span.places))
    if rest.exact and rest.width and rest.density is not None and (span.state == "over" or span.total):
        expected = (span.density or rest.density) * width
        if held * GROWTH < expected:
            # The rows lie elsewhere: the way there is made in ever longer steps.
            rest.density, rest.exact = expected / width / GROWTH, False
        else:
            rest.density = max(rest.density * rest.width + expected - held, 0.0) / rest.width
    elif span.state == "over":
        found = held / width
        rest.exact = False
        if rest.width is None and held < FILL * (span.expected or 0) / 2:
            rest.density = None  # the rows grow thin towards an open end: it is asked for in one piece
        else:
            rest.density = found if rest.density is None else max(found, rest.density / GROWTH)


def cut(span: Slice, cap: int, scale: Scale, where: str) -> list[Slice]:
    """The parts of a full slice, in order; none where it cannot be cut. Every part is smaller than it, in its bounds or in its rows."""
    if span.width == 1:
        return []
    parts = _cut(span, cap, scale)
    if parts:
        _split(span.owed, len(parts) - 1)
        owed = [*span.owed, Owed(max(span.came, span.total or 0), len(parts), where=where)]
        for part in parts:
            part.owed = owed
        if span.rest is not None:
            parts[-1].rest = span.rest
    return parts


def _cut(span: Slice, cap: int, scale: Scale) -> list[Slice]:
    places, total = span.places, span.total if span.total is not None and span.total > cap else None
    if total is not None and span.width:
        ascending = len(places) >= 10 and places == sorted(places) and places[-1] > places[0]
        even = total / span.width
        # The first page of an ordered answer says how dense the rows lie at the front.
        near = max(even, len(places) / (places[-1] - (span.low or 0) + 1)) if ascending else even
        place = _place(scale, span, (span.low or 0) + int(min(FILL * cap / near, FILL * span.width)))
        if place is not None and place - (span.low or 0) < span.width:
            rest = Slice(place, span.high, density=total / span.width, exact=True)
            front = Slice(span.low, place, density=even, rest=rest)
            return [front, rest]
    return _cut_by_rows(span, scale)


def _cut_by_rows(span: Slice, scale: Scale) -> list[Slice]:
    places = span.places
    ordered = sorted(places)
    if not ordered:
        return _cut_in_half(span, scale)
    lowest, highest = ordered[0], ordered[-1]
    if lowest == highest:
        bounds = [span.low, lowest, lowest + 1, span.high]
        parts = [Slice(low, high) for low, high in pairwise(bounds) if low is None or high is None or low < high]
        return parts if len(parts) > 1 else []
    if places == ordered:
        # The lowest rows came: so many lie between the bound and the last of them.
        place, density = ordered[int(FILL * len(ordered))], len(ordered) / (highest - (lowest if span.low is None else span.low) + 1)
    elif places == ordered[::-1]:
        return _cut_below(span, scale, ordered)
    else:
        place, density = ordered[len(ordered) // 2], None
    if place == lowest:
        place = next(each for each in ordered if each > lowest)
    rest = Slice(place, span.high, density=density)
    return [Slice(span.low, place, rest=rest), rest]


def _cut_below(span: Slice, scale: Scale, ordered: list[int]) -> list[Slice]:
    """Where the highest rows came first: what lies below them is stepped through, as dense as they are."""
    rows, lowest, highest = len(ordered), ordered[0], ordered[-1]
    density = rows / (highest - lowest + 1)
    place = ordered[max(1, int((1 - FILL) * rows))]
    place = next(each for each in ordered if each >= max(place, lowest + 1))
    last = [Slice(place, span.high)]
    if span.low is not None:
        return [Slice(span.low, place, density=density), *last]
    # An open end: so far down it would reach if it went on like this.
    down = lowest - int((span.total or FAR * rows) / density)
    try:
        down = scale.position(scale.value(down))
    except (OverflowError, ValueError):
        down = lowest
    return [Slice(None, place), *last] if down >= lowest else [Slice(None, down), Slice(down, place, density=density), *last]


def _cut_in_half(span: Slice, scale: Scale) -> list[Slice]:
    place = None if span.width is None or span.low is None else _place(scale, span, span.low + span.width // 2)
    return [] if place is None else [Slice(span.low, place), Slice(place, span.high)]


def _place(scale: Scale, span: Slice, wanted: int) -> int | None:
    """The place nearest to ``wanted`` that can be written, strictly inside; None where there is none."""
    if span.low is None:
        return None
    wanted = max(wanted, span.low + 1)
    if span.high is not None:
        wanted = min(wanted, span.high - 1)
    try:
        found = scale.position(scale.value(wanted))
    except OverflowError:  # beyond the last year that can be written
        return None
    return found if span.low < found and (span.high is None or found < span.high) else None


def _split(owed: list[Owed], more: int) -> None:
    for each in owed:
        each.parts += more
