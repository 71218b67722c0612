"""One read of a query from its first row to its last, in one transaction: a snapshot, whatever is written meanwhile.

It cannot go on after an error, nor from a checkpoint in its middle: the moment that it showed is gone. No text of SQL may live here.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError, ReadError
from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.runtimes import runtime
from integrakit.sql.horizon import Horizon
from integrakit.sql.layout import Row
from integrakit.sql.reader import advanced, following
from integrakit.sql.streaming import Stream
from integrakit.sql.watermarks import Cursor

__all__ = ["Opened", "QueryReader", "names_of"]


@frozen(kw_only=True)
class Opened:
    """A query that runs, and how its rows become records."""

    stream: Stream
    #: Rows that came with it, since some databases tell the columns only then.
    first: Sequence[Row]
    names: tuple[str, ...]
    decoders: Sequence[tuple[int, str, Callable[[Any], Any]]]
    cursor: Cursor | None
    horizon: Horizon | None
    notes: tuple[str, ...] = ()

    def records(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows as dicts; raises `DecodeError` for what is not as ``types`` says."""
        names = self.names
        records = [dict(zip(names, row, strict=True)) for row in rows]
        for place, name, decode in self.decoders:
            for record, row in zip(records, rows, strict=True):
                value = row[place]
                if value is not None:
                    try:
                        record[name] = decode(value)
                    except ValueError as problem:
                        raise DecodeError(
                            f"the query, column {name!r}: {value!r:.60} is {problem}, and types={{…}} says that it is",
                            path=name,
                            record=dict(zip(names, row, strict=True)),
                        ) from problem
        return records


class QueryReader:
    """One read in progress. ``watermark`` is the highest value of the cursor column seen so far."""

    def __init__(self, *, open_stream: Callable[[], Opened], start: Checkpoint, page_size: int, window: Window) -> None:
        self._open = open_stream
        self._start = start
        self._page_size = page_size
        self._window = window
        self._opened: Opened | None = None
        self._rows: Sequence[Row] | None = None
        # Made in a worker thread, and not yet given: a cancellation may come in between.
        self._ready: Page | None = None
        self._failed: IntegrakitError | None = None
        self._last = self._over = False
        self._pages = self._records = 0
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._streams: list[Stream] = []
        # Whoever leaves in the middle gives the connection back by it.
        self._left = weakref.finalize(self, _drop, self._streams)
        self.watermark: Any = start.watermark

    async def next_page(self) -> Page | None:
        """The next page, or None at the end. Raises `ReadError`, `DecodeError` and `ConfigurationError`."""
        world = runtime()
        self._started = self._started or world.wall()
        if self._ready is None and not self._last:
            await world.blocking(self._step)
        page, self._ready = self._ready, None
        if page is None:
            self._over = True
            self._ended = self._ended or world.wall()
        return page

    @property
    def evidence(self) -> Evidence:
        opened = self._opened
        notes = () if opened is None else (*opened.notes, *(opened.horizon.notes if opened.horizon is not None else ()))
        return Evidence(
            complete=True if self._over else None,
            reasons=() if self._over else ("the read is not at its end",),
            notes=notes,
            pages=self._pages,
            records=self._records,
            stability="snapshot",
            ended_by="protocol" if self._over else None,
            started=self._started,
        )

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the next read begins: after the end at the new watermark, before it at the old one; None: from the start."""
        mark = self._start.watermark
        opened = self._opened
        if self._over and opened is not None and opened.cursor is not None and self._started is not None and self._ended is not None:
            mark = advanced(
                opened.cursor,
                self.watermark,
                floor=mark,
                window=self._window,
                horizon=opened.horizon,
                began=self._started,
                ended=self._ended,
            )
        return following(self._start, mark)

    # ---------------------------------------------------------------- in a worker thread from here on

    def _step(self) -> None:
        if self._failed is not None:
            raise ReadError(
                f"the read of the query broke off after {self._records} records, and its moment is gone: begin a new one"
            ) from self._failed
        try:
            self._fetch()
        except DecodeError:
            raise  # the rows are kept: they can be asked for again
        except IntegrakitError as problem:
            self._streams.clear()
            if self._pages:
                # Before the first page a read may simply be tried again.
                self._failed = problem
            self._opened = None if not self._pages else self._opened
            raise

    def _fetch(self) -> None:
        opened = self._opened
        if opened is None:
            opened = self._open()
            self._streams.append(opened.stream)
            self._opened, self._rows = opened, opened.first
        if self._rows is None:
            self._rows = opened.stream.fetch(self._page_size)
        rows = self._rows
        records = opened.records(rows)
        if opened.cursor is not None:
            at = opened.names.index(opened.cursor.name)
            self.watermark = opened.cursor.highest([row[at] for row in rows], self.watermark)
        self._rows = None
        if rows:
            self._pages += 1
            self._records += len(rows)
            self._ready = Page(records, None if self._start.watermark is None else evolve(self._start, token=None))
        if len(rows) < self._page_size:
            self._last = True
            self._streams.clear()
            with suppress(IntegrakitError):  # all rows are here, and nothing was to be kept
                opened.stream.end()


def _drop(streams: list[Stream]) -> None:
    while streams:
        streams.pop().drop()


def names_of(description: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The names of the columns. Raises `ConfigurationError` where two are the same: one would hide the other."""
    names = tuple(str(column[0]) for column in description)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"the query gives several columns the name {twice[0]!r}: name them apart (AS)")
    return names
