"""Fields made of two others: a full name of a first and a last one. Proposed only where aligned rows prove it."""

from __future__ import annotations

from itertools import islice

from attrs import frozen

from integrakit.transform.suggesting.aligning import Pairs
from integrakit.transform.suggesting.columns import Column

__all__ = ["Joined", "joined_texts"]

_FEWEST = 5
_SHARE = 0.95
_MOST_COLUMNS = 60
_BETWEEN = (" ", ", ")


@frozen
class Joined:
    """``target`` is ``first``, ``between`` and ``last`` in ``share`` of ``rows``."""

    target: Column
    first: Column
    last: Column
    between: str
    share: float
    rows: int


def joined_texts(left: list[Column], right: list[Column], rows: Pairs) -> list[Joined]:
    """Texts of the right side that are two texts of the left side, one after the other."""
    found = []
    parts = [column for column in left if column.types == {str} and column.has_letters and column.distinct > 2][:_MOST_COLUMNS]
    for column in right:
        if column.types != {str} or column.distinct < _FEWEST or column.form != "text":
            continue
        pairs = [(a, column.values[b].strip()) for a, b in islice(rows, 200) if b in column.values]
        best = _best(column, parts, pairs)
        if best is not None:
            found.append(best)
    return found


def _best(column: Column, parts: list[Column], pairs: list[tuple[tuple[int, ...], str]]) -> Joined | None:
    firsts = [part for part in parts if _holds(part, pairs, start=True)]
    lasts = [part for part in parts if _holds(part, pairs, start=False)]
    options = []
    for first in firsts:
        for last in lasts:
            if first is last:
                continue
            both = [(first.values[a].strip(), last.values[a].strip(), text) for a, text in pairs if a in first.values and a in last.values]
            if len(both) < _FEWEST:
                continue
            for between in _BETWEEN:
                share = sum(one + between + other == text for one, other, text in both) / len(both)
                if share >= _SHARE and len({text for _, _, text in both}) >= _FEWEST:
                    options.append(Joined(column, first, last, between, share, len(both)))
    return max(options, key=lambda option: (option.share, option.rows), default=None)


def _holds(part: Column, pairs: list[tuple[tuple[int, ...], str]], *, start: bool) -> bool:
    first = [text for a, text in pairs[:_FEWEST] if a in part.values and part.values[a].strip() not in text]
    if len(first) > 1:
        return False
    both = [(part.values[a].strip(), text) for a, text in pairs if a in part.values]
    fits = sum(text != own and (text.startswith(own) if start else text.endswith(own)) for own, text in both)
    return len(both) >= _FEWEST and fits >= 0.9 * len(both)
