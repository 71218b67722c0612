"""Answers to "where does this come from" and "what breaks if this goes": the steps from field to field, as far as they lead.

Each step is there once, whatever ways lead to it: an answer is never larger than the mappings. There and back ends where it began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from attrs import field as attribute
from attrs import frozen

from integrakit.transform.documenting.flows import NOWHERE, Flow, Flows, Spot, spot_field

__all__ = ["Direction", "Lineage", "LineageStep", "trace"]

Direction: TypeAlias = Literal["upstream", "downstream"]

_MOST_STEPS = 5_000
_MOST_LINES = 200


@frozen
class LineageStep:
    """One field read by one rule of one mapping. ``by``: the name of the sync, or of the mapping. A constant has no source: both are empty."""

    source: str
    source_field: str
    target: str
    target_field: str
    rule: str
    by: str

    def __str__(self) -> str:
        origin = f"{self.source}: {self.source_field} → " if self.source else ""
        return f"{origin}{self.target}: {self.target_field} by {self.by}: {self.rule}"


_Next: TypeAlias = Mapping[Spot, tuple[tuple[LineageStep, Spot], ...]]


@frozen
class Lineage:
    """Iterates over its steps, the nearest first; false where there is none. ``str()`` is a tree of lines for people."""

    dataset: str
    field: str
    direction: Direction
    steps: tuple[LineageStep, ...]
    #: True where there were more steps than are kept.
    truncated: bool
    _start: Spot = attribute(repr=False, eq=False)
    _next: _Next = attribute(repr=False, eq=False)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __iter__(self) -> Iterator[LineageStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Every field that it leads to, as dataset and field, the nearest first."""
        up = self.direction == "upstream"
        ends = ((step.source, step.source_field) if up else (step.target, step.target_field) for step in self.steps)
        return tuple(end for end in dict.fromkeys(ends) if end[0])

    @property
    def ends(self) -> tuple[tuple[str, str], ...]:
        """Those from which nothing leads further: the first sources, or the last targets."""
        spots = dict.fromkeys(spot for steps in self._next.values() for _, spot in steps if spot != NOWHERE and not self._next.get(spot))
        return tuple(dict.fromkeys((spot[0], spot_field(spot)) for spot in spots))

    def paths(self, most: int = 100) -> Iterator[tuple[LineageStep, ...]]:
        """The ways to the ends, each as its steps from here on, at most ``most`` of them. A way that comes back to where it was ends there."""
        stack: list[tuple[tuple[LineageStep, ...], Spot, frozenset[Spot]]] = [((), self._start, frozenset([self._start]))]
        while stack and most > 0:
            path, spot, seen = stack.pop()
            further = [(step, next) for step, next in self._next.get(spot, ()) if next not in seen]
            if path and not further:
                most -= 1
                yield path
            stack.extend(((*path, step), next, seen | {next}) for step, next in reversed(further))

    def __str__(self) -> str:
        lines, told = [f"{self.dataset}: {self.field}"], {self._start}
        up = self.direction == "upstream"
        stack = self._below(1, self._start)
        while stack and len(lines) <= _MOST_LINES:
            depth, step, spot = stack.pop()
            name = f"{step.source}: {step.source_field} " * bool(step.source) if up else f"{step.target}: {step.target_field} "
            again = spot in told and bool(self._next.get(spot))
            lines.append(f"{'  ' * depth}{'←' if up else '→'} {name}({step.by}: {step.rule}){', see above' * again}")
            if not again:
                told.add(spot)
                stack += self._below(depth + 1, spot)
        if not self.steps:
            lines.append("  nothing writes it" if up else "  nothing reads it")
        if stack or self.truncated:
            lines.append("  … and more")
        return "\n".join("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line) for line in lines)

    def _below(self, depth: int, spot: Spot) -> list[tuple[int, LineageStep, Spot]]:
        """The next lines of the tree, the first one last. Two ways that read differently, and lead on alike, are one line."""
        found: dict[tuple[object, ...], tuple[int, LineageStep, Spot]] = {}
        for step, next in self._next.get(spot, ()):
            found.setdefault((next, step.rule, step.by), (depth, step, next))
        return list(found.values())[::-1]


def trace(flows: Flows, start: Spot, direction: Direction) -> Lineage:
    """Every step from ``start`` on."""
    walk: Callable[[Spot, int], Iterable[tuple[Flow, Spot, Spot]]] = flows.before if direction == "upstream" else flows.after
    steps, deepest = dict[LineageStep, None](), flows.deepest(start)
    following: dict[Spot, tuple[tuple[LineageStep, Spot], ...]] = {}
    waiting, truncated = deque([start]), False
    while waiting:
        spot = waiting.popleft()
        if spot in following:
            continue
        found: dict[tuple[LineageStep, Spot], None] = {}
        for flow, here, there in walk(spot, deepest):
            left, right = (there, here) if direction == "upstream" else (here, there)
            step = LineageStep(left[0], spot_field(left), right[0], spot_field(right), flow.row.rule, flow.by)
            if step not in steps and len(steps) >= _MOST_STEPS:
                truncated = True
                break
            steps[step] = None
            found[step, there] = None
            waiting.append(there)
        following[spot] = tuple(found)
    return Lineage(start[0], spot_field(start), direction, tuple(steps), truncated, start, following)
