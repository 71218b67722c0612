"""Rows that become visible late: how far a watermark may move while transactions are open on PostgreSQL.

A row that is stamped ``now()`` carries the start of its transaction, and is seen when that commits, which may be long after rows with later stamps
were read. A watermark at the highest stamp seen has passed it then, and it is lost. Two bounds prevent that.

**Times.** Let H be the earliest start of all transactions that are open at a moment t0, or t0 where there are none. A transaction T that is stamped
u < H is over when the horizon is taken: had it begun before t0 and were it still open, H would be u at most; had it begun after t0, u would be t0 at
least. Every snapshot taken *later* therefore sees its rows, and a watermark that never passes H loses nothing. The order is what matters: horizon
first, in a transaction of its own, then the rows. Taken the other way round, or inside the rows' own snapshot (``pg_stat_activity`` is not part of a
snapshot: it tells what is open when it is asked), T may commit in between: its rows are not in the snapshot, and it is no longer in the list. For
pages that are queries of their own the same holds with the horizon taken before the first page: what T writes into pages that were read already is
stamped H or later. For the same reason open transactions are listed before prepared ones: what is prepared in between is in one of the lists.

A backend notes its start some microseconds after it took the time for it, in which it is not listed: a second is taken off for that.

**Transaction numbers** (a column ``xid8 default pg_current_xact_id()``). M is ``pg_snapshot_xmin(pg_current_snapshot())``: every transaction below M
is over. Rows from the last M (inclusive) up to M (exclusive) are read, and M is the next watermark: none is lost, and none comes twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

__all__ = ["Horizon", "postgresql_horizon"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BARELY = timedelta(seconds=1)

# Who may not see another user's session finds only this text in it; who does not track activities, this state.
_OPEN = """
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_is_in_recovery(), pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
       (extract(epoch FROM min(xact_start) FILTER (WHERE coalesce(backend_type, '') NOT IN ('autovacuum worker', 'walsender'))) * 1000000)::bigint,
       count(*) FILTER (WHERE query = '<insufficient privilege>' OR state = 'disabled')
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared"


@frozen(kw_only=True)
class Horizon:
    """What was open when a read began. It travels in the read's checkpoints."""

    #: Rows stamped before this are all visible; None where it is not known.
    start: datetime | None = None
    #: Every transaction below this number is over.
    xmin: int | None = None
    #: How long the oldest open transaction had been open, in seconds.
    age: float = 0.0
    #: Whether the watermark must stay where it is.
    held: bool = False
    notes: tuple[str, ...] = ()

    def to_list(self) -> list[Any]:
        return [None if self.start is None else self.start.isoformat(), self.xmin, self.age, self.held, list(self.notes)]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> Horizon:
        """The inverse of `to_list`. Raises ValueError or TypeError."""
        start, xmin, age, held, notes = values
        return cls(
            start=None if start is None else datetime.fromisoformat(start),
            xmin=None if xmin is None else int(xmin),
            age=float(age),
            held=bool(held),
            notes=tuple(map(str, notes)),
        )


def postgresql_horizon(session: Any) -> Horizon:
    """The horizon now. ``session`` runs each statement in a transaction of its own, which must be over before the rows' begins."""
    # Times as numbers: how a time is written depends on settings of the caller's.
    ((now, replica, xmin, oldest, hidden),) = session.rows(_OPEN, ())
    prepared = [gid for (gid,) in session.rows(_PREPARED, ())]
    number = int(xmin)
    if replica:
        why = "this is a replica, which does not know what is open on its primary: only Window(overlap=…) keeps rows that are committed late"
        return Horizon(xmin=number, notes=(why,))
    if hidden:
        why = (
            f"{hidden} sessions of other users are hidden from this one, so rows that they commit late may be missed: grant it pg_read_all_stats, "
            "or give Window(overlap=…)"
        )
        return Horizon(xmin=number, notes=(why,))
    moment = _EPOCH + timedelta(microseconds=now)
    start = _EPOCH + timedelta(microseconds=min(now, now if oldest is None else oldest)) - _BARELY
    # A prepared transaction does not tell when it began. Earlier reads began before it did, or had it in their list: their watermark is safe.
    held = bool(prepared)
    notes = (f"the watermark stays where it is: the prepared transaction {prepared[0]!r} is neither committed nor rolled back",) if held else ()
    return Horizon(start=start, xmin=number, age=(moment - start).total_seconds(), held=held, notes=notes)
