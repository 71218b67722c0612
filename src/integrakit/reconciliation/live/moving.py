"""Sides whose rows may move while they are read, and what that does to a read: a record that comes twice, one that is passed over.

Which copy of a record counts is decided here; that it is the newest is known only where records say when they changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrakit.model import Evidence
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.live.moments import Moments
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.values import Incomparable, same

__all__ = ["Copies", "moves", "notes_of_moments"]


def moves(feed: Feed, *, live: bool) -> bool:
    """Whether rows of this side may change their place between two pages of a read. ``live``: the user says that it goes on working."""
    evidence = feed.evidence or Evidence()
    # What is in memory, a frame or a stream of batches too, has no pages that could move.
    held = feed.in_memory or hasattr(feed.source, "__arrow_c_stream__") or hasattr(feed.source, "__dataframe__")
    if held or evidence.stability == "snapshot":
        return False
    if evidence.stability == "offset":
        return True
    if (order := getattr(feed.source, "ordered_by", None)) is not None:
        # Sorted by more than its key: a row that changes there moves.
        key = feed.source.key if isinstance(feed.source.key, tuple) else (feed.source.key,)
        return not set(order.names) <= set(key)
    return live and evidence.stability == "unknown" and evidence.pages > 1


class Copies:
    """Of several copies of a record that one side gave because its rows moved, the newest counts."""

    def __init__(self, feeds: tuple[Feed, Feed], moments: Moments, *, live: bool) -> None:
        self._feeds = feeds
        self._moments = moments
        self._live = live
        #: Keys that came more than once because pages moved, on each side.
        self.seen = [0, 0]

    def newest(self, side: int, rows: Sequence[Row]) -> Sequence[Row]:
        """The records of one key that count: all of them where nothing moves, or where it cannot be told which is the newest."""
        if len(rows) < 2 or not moves(self._feeds[side], live=self._live):
            return rows
        moments = [self._moments.of(side, row) for row in rows]
        known = [moment for moment in moments if moment is not None]
        if len(known) < len(rows):
            return rows
        latest = max(known)
        newest = [row for row, moment in zip(rows, known, strict=True) if moment == latest]
        if any(not _equal(newest[0], row) for row in newest[1:]):
            return rows
        self.seen[side] += 1
        return newest[:1]

    def notes(self) -> list[str]:
        return [
            f"{count:,} {'record' if count == 1 else 'records'} came more than once from the {feed.name} side, whose rows moved meanwhile: the "
            f"newest copy counts, by {self._moments.field(side)}"
            for side, (feed, count) in enumerate(zip(self._feeds, self.seen, strict=True))
            if count
        ]


def _equal(one: Any, other: Any) -> bool:
    try:
        return same(one, other)
    except Incomparable:
        return False


def notes_of_moments(feeds: tuple[Feed, Feed]) -> list[str]:
    """Sides whose records are of different moments: read page by page, and nothing held them still in between."""
    found = []
    for feed in feeds:
        evidence = feed.evidence
        if evidence is not None and evidence.pages > 1 and evidence.stability in ("keyset", "offset"):
            found.append(f"the {feed.name} side was read in {evidence.pages:,} pages, one after the other: its records are of different moments")
    return found
