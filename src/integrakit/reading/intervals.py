"""Arithmetic of half-open intervals ``[low, high)`` over anything that has an order. Pure: no time, no store, no rounding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

__all__ = ["Interval", "intersected", "merged", "without"]

#: ``(low, high)``: from ``low`` on, up to ``high`` and without it.
Interval: TypeAlias = tuple[Any, Any]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same points in as few intervals as can be, in order; empty ones are left out, and those that touch become one."""
    found: list[Interval] = []
    for low, high in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """The points of ``intervals`` that are in none of ``taken``, merged and in order."""
    left: list[Interval] = []
    away = merged(taken)
    place = 0
    for low, high in merged(intervals):
        while place < len(away) and away[place][1] <= low:
            place += 1
        at = place
        while at < len(away) and away[at][0] < high:
            if low < away[at][0]:
                left.append((low, away[at][0]))
            low = away[at][1]
            at += 1
        if low < high:
            left.append((low, high))
    return left


def intersected(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    """The points that are in both, merged and in order."""
    one = merged(one)
    return without(one, without(one, other))
