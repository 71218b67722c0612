"""Which few of many amounts add up to one: the search behind one payment for several invoices. Bounded, and never content with the first find."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, gcd

__all__ = ["Steps", "Undecided", "adding_up", "by_chance"]

#: Steps of one search before it is given up: what takes longer has so many answers that none of them would mean anything.
_STEPS = 50_000


class Steps:
    """How many steps all searches together may still take."""

    def __init__(self, left: int) -> None:
        self.left = left


class Undecided(Exception):
    """More than one set adds up, or too many would have to be tried; ``found``: the first two sets, as far as there are any."""

    def __init__(self, found: Sequence[tuple[int, ...]]) -> None:
        super().__init__(f"{len(found)} sets")
        self.found = tuple(found)


def adding_up(amounts: Sequence[int], target: int, *, most: int, within: int = 0, steps: Steps | None = None) -> tuple[int, ...] | None:
    """The places of the one set of 2 to ``most`` amounts whose sum is within ``within`` of the target; None where there is none.

    Raises `Undecided` where more than one set does, or where the search is too long to tell.
    """
    order = sorted(range(len(amounts)), key=lambda place: -abs(amounts[place]))
    values = [amounts[place] for place in order]
    # What the rest can add at most and at least: beyond that no choice helps.
    highest, lowest = [0], [0]
    for value in reversed(values):
        highest.append(highest[-1] + max(value, 0))
        lowest.append(lowest[-1] + min(value, 0))
    highest.reverse()
    lowest.reverse()
    found: list[tuple[int, ...]] = []
    limit = _STEPS if steps is None else min(_STEPS, steps.left)
    taken = 0
    stack: list[tuple[int, int, tuple[int, ...]]] = [(0, target, ())]
    try:
        while stack:
            taken += 1
            if taken > limit:
                raise Undecided(found)
            at, missing, chosen = stack.pop()
            if len(chosen) >= 2 and abs(missing) <= within:
                found.append(tuple(sorted(order[place] for place in chosen)))
                if len(found) > 1:
                    raise Undecided(found)
            if len(chosen) == most or at == len(values) or not lowest[at] - within <= missing <= highest[at] + within:
                continue
            for place in range(len(values) - 1, at - 1, -1):
                stack.append((place + 1, missing - values[place], (*chosen, place)))
    finally:
        if steps is not None:
            steps.left -= taken
    return found[0] if found else None


def by_chance(amounts: Sequence[int], *, most: int, within: int = 0) -> float:
    """How many sets of 2 to ``most`` of these amounts could be expected to add up to an amount that has nothing to do with them."""
    sets = sum(comb(len(amounts), size) for size in range(2, min(most, len(amounts)) + 1))
    unit = max(gcd(*amounts), 1)
    return sets * (2 * (within // unit) + 1) * unit / max(sum(map(abs, amounts)), unit)
