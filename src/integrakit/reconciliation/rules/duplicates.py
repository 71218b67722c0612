"""Records that share a key, paired up as multisets: how many agree, and which find no partner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from integrakit.reconciliation.rules.columns import Column, Row
from integrakit.reconciliation.rules.values import Incomparable, canonical

__all__ = ["Signature", "pair_up", "signature_of"]

#: Pairs of one key tried for the best pairing; beyond it only records that are exactly the same find each other.
_TRIED = 40_000

Signature = Callable[[Row, int], Hashable]


def _by_signature(lefts: Sequence[Row], rights: Sequence[Row], signature: Signature) -> dict[int, int]:
    waiting: dict[Hashable, list[int]] = {}
    for index in reversed(range(len(rights))):
        try:
            waiting.setdefault(signature(rights[index], 1), []).append(index)
        except Incomparable:
            continue  # finds no partner, and is reported with the rest
    pairs: dict[int, int] = {}
    for index, row in enumerate(lefts):
        try:
            partners = waiting.get(signature(row, 0))
        except Incomparable:
            continue
        if partners:
            pairs[index] = partners.pop()
    return pairs


def _best(lefts: Sequence[Row], rights: Sequence[Row], columns: Sequence[Column]) -> dict[int, int]:
    """As many pairs as possible (augmenting paths, breadth first): with a tolerance, the first that fits may be another one's only partner."""
    fits = [[index for index, right in enumerate(rights) if all(each.agree(left, right) for each in columns)] for left in lefts]
    taken: dict[int, int] = {}  # right → left
    for start in range(len(lefts)):
        came_from: dict[int, int] = {}
        queue = [start]
        end: int | None = None
        for left in queue:
            for right in fits[left]:
                if right in came_from:
                    continue
                came_from[right] = left
                if right not in taken:
                    end = right
                    break
                queue.append(taken[right])
            if end is not None:
                break
        while end is not None:
            left = came_from[end]
            previous = next((right for right, owner in taken.items() if owner == left), None)
            taken[end] = left
            end = previous
    return {left: right for right, left in taken.items()}


def signature_of(columns: Sequence[Column], lefts: int, rights: int) -> Signature | None:
    """What tells, for so many records of one key, which of them agree: those with the same signature. None where pairs must be tried.

    A signature raises `Incomparable` for a record that finds no partner.
    """

    def whole(row: Row, side: int) -> Any:
        return tuple(each.key(row, side) for each in columns)

    def exactly(row: Row, side: int) -> Any:
        return tuple(canonical(row.get(each.field.right if side else each.field.name)) for each in columns)

    if all(each.plain for each in columns):
        return whole
    return None if lefts * rights <= _TRIED else exactly


def pair_up(lefts: Sequence[Row], rights: Sequence[Row], columns: Sequence[Column]) -> tuple[int, list[Row], list[Row]]:
    """The number of records that agree, and the records on each side that found no partner, in their order."""
    signature = signature_of(columns, len(lefts), len(rights))
    if not (lefts and rights):
        pairs: dict[int, int] = {}
    else:
        pairs = _best(lefts, rights, columns) if signature is None else _by_signature(lefts, rights, signature)
    matched = set(pairs.values())
    rest_left = [row for index, row in enumerate(lefts) if index not in pairs]
    rest_right = [row for index, row in enumerate(rights) if index not in matched]
    return len(pairs), rest_left, rest_right
