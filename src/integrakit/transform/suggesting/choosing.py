"""Which pairs of fields win: one target for one source, and the less sure the closer a rival comes.

A pair's confidence is its share of the odds of everything its two fields could belong to, "to nothing" included. How odds arise is in `comparing`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from integrakit.transform.suggesting.comparing import Match

__all__ = ["choose"]

# A pair as sure as this no longer counts as a rival of others.
_SETTLED = 0.9
_ROUNDS = 6
_HIGHEST = 30.0


#: Columns of one side that hold the same under names that do not exclude each other: ids of columns, both ways.
Twins = frozenset[tuple[int, int]]


def choose(matches: list[Match], twins: Twins = frozenset()) -> list[Match]:
    """The winning pairs with their confidence, at most one for each field of either side, in the order they came. Twins are no rivals."""
    waiting, settled = list(matches), []
    for _ in range(_ROUNDS):
        _weigh(waiting, twins)
        won = _pick(match for match in waiting if match.confidence >= _SETTLED)
        if not won:
            break
        settled += won
        taken = {id(column) for match in won for column in (match.left, match.right)}
        waiting = [match for match in waiting if id(match.left) not in taken and id(match.right) not in taken]
    kept = {id(match) for match in [*settled, *_pick(waiting)]}
    return [match for match in matches if id(match) in kept]


def _weigh(matches: list[Match], twins: Twins) -> None:
    odds = [math.exp(min(_HIGHEST, match.score)) for match in matches]
    sums: defaultdict[int, float] = defaultdict(float)
    of: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    brothers = {one for pair in twins for one in pair}
    for match, share in zip(matches, odds, strict=True):
        for column, other in ((match.left, match.right), (match.right, match.left)):
            sums[id(column)] += share
            if id(other) in brothers:
                of[id(column)].append((id(other), share))
    for match, share in zip(matches, odds, strict=True):
        rivals = sums[id(match.left)] + sums[id(match.right)] - 2 * share
        for column, other in ((match.left, match.right), (match.right, match.left)):
            if id(other) in brothers:
                rivals -= sum(share for twin, share in of[id(column)] if (twin, id(other)) in twins)
        match.confidence = share / (1.0 + share + max(0.0, rivals))


def _pick(matches: Iterable[Match]) -> list[Match]:
    """The surest first; where two are equally sure, the one that came first."""
    taken: set[int] = set()
    won = []
    for match in sorted(matches, key=lambda match: -match.confidence):
        if id(match.left) not in taken and id(match.right) not in taken:
            taken |= {id(match.left), id(match.right)}
            won.append(match)
    return won
