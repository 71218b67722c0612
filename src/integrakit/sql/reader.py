"""One read in the order of the key: pages, each a query of its own.

Between two pages nothing is held, neither a cursor nor a lock: memory stays flat, writers are not kept waiting, and a read goes on from a checkpoint
exactly where it stopped. Which database it is, the layout knows. No record is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve

from integrakit._json import pack, unpack
from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.runtimes import runtime
from integrakit.sql.horizon import Horizon
from integrakit.sql.layout import Layout, Row, Session, Term
from integrakit.sql.watermarks import Cursor, capped, earlier

__all__ = ["MODE", "TableReader", "advanced", "bounded", "following"]

#: How the tokens of these reads go on.
MODE = "keyset"


class TableReader:
    """One read in progress. ``watermark`` is the highest value of the cursor column seen so far, as it is stored."""

    def __init__(
        self,
        *,
        layout: Callable[[Session], Layout | None],
        lend: Callable[[Callable[[Session | None], None]], None],
        start: Checkpoint,
        page_size: int,
        window: Window,
        horizon: Callable[[], Horizon] | None = None,
    ) -> None:
        self._find_layout = layout
        self._lend = lend
        self._start = start
        self._page_size = page_size
        self._window = window
        self._sample = horizon
        self._horizon: Horizon | None = None
        self._layout: Layout | None = None
        self._after: Row | None = None
        # The last page was given, and the end itself.
        self._last = self._over = self._begun = False
        # Made in a worker thread, and not yet given: a cancellation may come in between.
        self._ready: Page | None = None
        self._page_checkpoint: Checkpoint | None = None
        self._pages = self._records = self._duplicates = 0
        self._notes: list[str] = []
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self.watermark: Any = start.watermark

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises `ReadError`, `DecodeError` and `ConfigurationError`; then the same page is asked for again."""
        world = runtime()
        if not self._begun:
            self._begin(world.wall())
        if self._ready is None and not self._last:
            await world.blocking(self._step)
        page, self._ready = self._ready, None
        if page is None:
            self._last = self._over = True
            self._ended = self._ended or world.wall()
        else:
            self._page_checkpoint = page.checkpoint
        return page

    def _begin(self, now: datetime) -> None:
        start, why = self._start, None
        if start.token is not None and start.live(now).token is None:
            why = "the checkpoint's place in the middle had expired"
        elif start.token is not None and start.mode not in ("", MODE):
            why = f"the checkpoint goes on by {start.mode!r}, and this read by {MODE!r}"
        elif start.token is not None:
            try:
                after, watermark, *rest = unpack(start.token.encode())
                self._after, self.watermark = tuple(after), watermark
                self._horizon = Horizon.from_list(rest[0]) if rest and rest[0] is not None else None
                # What was read before was read under that horizon, or none: a later one would not hold for it.
                self._sample = None
            except (AttributeError, TypeError, ValueError):
                why = "the checkpoint's place in the middle cannot be read"
        if why is not None:
            self._begin_anew(why)
        else:
            self._pages, self._records = start.pages, start.records
        self._started = self._start.born or now
        self._begun = True

    def _begin_anew(self, why: str) -> None:
        self._notes.append(f"{why}: the read begins at its watermark" if self._start.watermark is not None else f"{why}: the read begins anew")
        self._start = evolve(self._start, token=None, pages=0, records=0, born=None, expires=None)
        self._after, self.watermark = None, self._start.watermark

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            complete=True if self._over else None,
            reasons=() if self._over else ("the read is not at its end",),
            notes=(*self._notes, *(self._horizon.notes if self._horizon is not None else ())),
            pages=self._pages,
            records=self._records,
            duplicates=self._duplicates,
            stability="keyset",
            ended_by="protocol" if self._over else None,
            started=self._started or self._start.born,
        )

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where to go on; after the end, where the next read begins: at the watermark, or (None) from the start where there is no cursor."""
        if not self._over:
            return self._page_checkpoint
        cursor = self._layout.cursor if self._layout is not None else None
        mark = self._start.watermark
        if cursor is not None and self._started is not None and self._ended is not None:
            mark = advanced(cursor, self.watermark, floor=mark, window=self._window, horizon=self._horizon, began=self._started, ended=self._ended)
        return following(self._start, mark)

    # ---------------------------------------------------------------- in a worker thread from here on

    def _step(self) -> None:
        if self._sample is not None:
            # Before any row is read, and in a transaction of its own: see ``horizon``.
            self._horizon, self._sample = self._sample(), None
        self._lend(self._fetch)

    def _fetch(self, session: Session | None) -> None:
        if session is None:
            return
        layout = self._layout
        if layout is None:
            layout = self._layout = self._find_layout(session)
            if layout is None:
                return
            if self._after is not None and len(self._after) != len(layout.terms):
                self._begin_anew("the checkpoint does not fit the table as it is now (its unique columns may have changed)")
                self._pages = self._records = 0
        rows, last = self._rows(session, layout)
        if not rows:
            return
        records = layout.records(rows)
        self._count(layout, rows)
        # Only now: a page that could not be decoded is read again, not skipped.
        self._after = layout.position(rows[-1])
        self._last = last
        horizon = self._horizon.to_list() if self._horizon is not None else None
        token = pack([list(self._after), self.watermark] + ([] if horizon is None else [horizon])).decode()
        self._ready = Page(records, evolve(self._start, token=token, mode=MODE, pages=self._pages, records=self._records, born=self._started))

    def _rows(self, session: Session, layout: Layout) -> tuple[list[Row], bool]:
        """Rows of a page, and whether they are the last ones."""
        if layout.exact:
            rows = self._following(session, layout, self._page_size)
            return rows, len(rows) < self._page_size
        # Rows that nothing tells apart (of a view, say) must not be split over two pages: the second would not find its place.
        rows = self._following(session, layout, self._page_size + 1)
        if len(rows) <= self._page_size:
            return rows, True
        edge = layout.position(rows.pop())
        if layout.position(rows[-1]) == edge:
            rows = [row for row in rows if layout.position(row) != edge] + self._select(session, layout, _equal(layout.terms, edge), None)
        return rows, False

    def _following(self, session: Session, layout: Layout, limit: int) -> list[Row]:
        """At most ``limit`` rows behind the last one.

        First those that are equal to it in all terms but the last, then in all but the last two, and so on: each a plain range of an index, and right
        for nulls too, which a comparison of whole tuples is not.
        """
        after = self._after
        if after is None:
            return self._first(session, layout, limit)
        rows: list[Row] = []
        for depth in reversed(range(len(after))):
            conditions, values = _equal(layout.terms[:depth], after[:depth])
            term = layout.terms[depth]
            if after[depth] is None:
                conditions.append(f"{term.sql} IS NOT NULL")
            else:
                conditions.append(f"{term.sql} > {term.mark}")
                values.append(after[depth])
            rows += self._select(session, layout, (conditions, values), limit - len(rows), depth + 1)
            if len(rows) == limit:
                break
        return rows

    def _first(self, session: Session, layout: Layout, limit: int) -> list[Row]:
        term = layout.terms[0]
        if term.sort == term.sql:
            return self._select(session, layout, ([], []), limit)
        # Nulls stand at the other end of an index there: asked for by themselves, both parts are ranges of it.
        rows = self._select(session, layout, ([f"{term.sql} IS NULL"], []), limit, 1)
        if len(rows) < limit:
            rows += self._select(session, layout, ([f"{term.sql} IS NOT NULL"], []), limit - len(rows), 1)
        return rows

    def _select(self, session: Session, layout: Layout, where: tuple[list[str], list[Any]], limit: int | None, settled: int = 0) -> list[Row]:
        """Rows in their order. ``settled``: of so many terms ``where`` says whether they are null."""
        conditions, values = where
        if layout.cursor is not None:
            more, bounds = bounded(layout.cursor, self._start.watermark, self._window, self._horizon)
            conditions, values = [*conditions, *more], [*values, *bounds]
        statement = f"SELECT {layout.selected} FROM {layout.source}"
        if conditions:
            statement += f" WHERE {' AND '.join(conditions)}"
        statement += f" ORDER BY {', '.join(term.sql if index < settled else term.sort for index, term in enumerate(layout.terms))}"
        if limit is not None:
            statement += f" LIMIT {limit}"
        return session.rows(statement, (*layout.source_values, *values))

    def _count(self, layout: Layout, rows: Sequence[Row]) -> None:
        self._pages += 1
        self._records += len(rows)
        size = len(layout.key)
        if layout.order == layout.key and not layout.unique:
            # Sorted by the key, so rows that share one stand side by side.
            places = [layout.position(row)[:size] for row in rows]
            before = [self._after[:size] if self._after is not None else None, *places[:-1]]
            self._duplicates += sum(place == previous for place, previous in zip(places, before, strict=True))
        if layout.cursor is not None:
            at = list(layout.columns).index(layout.cursor.name)
            self.watermark = layout.cursor.highest([row[at] for row in rows], self.watermark)


def _equal(terms: Sequence[Term], values: Sequence[Any]) -> tuple[list[str], list[Any]]:
    conditions = [f"{term.sql} IS NULL" if value is None else f"{term.sql} = {term.mark}" for term, value in zip(terms, values, strict=True)]
    return conditions, [value for value in values if value is not None]


# ---------------------------------------------------------------- watermarks, of this read and of the next


def bounded(cursor: Cursor, watermark: Any, window: Window, horizon: Horizon | None) -> tuple[list[str], list[Any]]:
    """The conditions of a read since ``watermark``, and their values. Rows without a value, which are in no order, always come."""
    conditions: list[str] = []
    values: list[Any] = []
    if watermark is not None:
        conditions.append(f"({cursor.sql} >= {cursor.mark} OR {cursor.sql} IS NULL)")
        values.append(watermark if cursor.kind == "xid8" else earlier(watermark, window.overlap))
    if cursor.kind == "xid8" and horizon is not None and horizon.xmin is not None:
        conditions.append(f"({cursor.sql} < {cursor.mark} OR {cursor.sql} IS NULL)")
        values.append(horizon.xmin)
    return conditions, values


def advanced(cursor: Cursor, highest: Any, *, floor: Any, window: Window, horizon: Horizon | None, began: datetime, ended: datetime) -> Any:
    """The watermark after a whole read, from the highest value seen; never below ``floor``, where it was."""
    if horizon is not None and cursor.kind == "xid8":
        return horizon.xmin
    mark = highest
    if horizon is not None and cursor.kind in ("zoned", "naive"):
        if horizon.held:
            return floor
        if horizon.start is not None and cursor.kind == "zoned":
            mark = capped(mark, horizon.start)
        elif horizon.start is not None:
            # In which zone these times are is not known. But none is later than the end of the read, there; so the watermark is moved back by as
            # long as the oldest transaction that was open at the start has been open by then.
            mark = earlier(mark, horizon.age + (ended - began).total_seconds())
    if window.settle and mark is not None:
        mark = capped(mark, began - timedelta(seconds=window.settle))
    if floor is None or (mark is not None and cursor.order(mark) > cursor.order(floor)):
        return mark
    return floor


def following(start: Checkpoint, mark: Any) -> Checkpoint | None:
    """The checkpoint after the end of a read that began at ``start``."""
    return None if mark is None else evolve(start, token=None, mode="", watermark=mark, pages=0, records=0, born=None, expires=None)
