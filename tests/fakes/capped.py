"""A collection that gives no more than so many records for one question, as search endpoints do; and what it was asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from integrakit.errors import ServerError
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.runtimes import runtime


class Capped:
    """``between(low, high)`` is a source of the rows from ``low`` on and below ``high``. ``order``: "ascending", "descending" or "random"."""

    def __init__(
        self,
        rows: Sequence[Any],
        *,
        by: str = "id",
        cap: int = 1000,
        page: int = 100,
        order: str = "ascending",
        declares: bool = False,
        complete: bool | None = True,
        place: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        self.rows = list(rows)
        self.by, self.cap, self.page, self.order, self.declares, self.complete, self.place = by, cap, page, order, declares, complete, place
        self.requests = 0
        self.asked: list[tuple[Any, Any]] = []
        #: Called before each request; may raise, or change ``rows``.
        self.before: Callable[[], None] = lambda: None

    def between(self, low: Any, high: Any) -> _Narrowed:
        self.asked.append((low, high))
        return _Narrowed(self, low, high)

    def select(self, low: Any, high: Any) -> list[Any]:
        def belongs(row: Any) -> bool:
            value = row[self.by]
            if value is None:
                return low is None and high is None
            place = self.place(value)
            return (low is None or place >= self.place(low)) and (high is None or place < self.place(high))

        rows = sorted((row for row in self.rows if belongs(row)), key=lambda row: (row[self.by] is None, row[self.by] and self.place(row[self.by])))
        if self.order == "random":
            random.Random(len(rows)).shuffle(rows)
        return rows[::-1] if self.order == "descending" else rows


class _Narrowed(Rereadable):
    def __init__(self, collection: Capped, low: Any, high: Any) -> None:
        self.collection, self.low, self.high = collection, low, high

    def open_read(self, since: Checkpoint | None = None, /) -> Any:
        return _Reader(self)


class _Reader:
    checkpoint: Checkpoint | None = None

    def __init__(self, source: _Narrowed) -> None:
        self._source = source
        self._at = 0
        self._over = False
        self._total: int | None = None
        self._rows: list[Any] | None = None

    async def next_page(self) -> Page | None:
        collection = self._source.collection
        if self._over:
            return None
        await runtime().sleep(0)
        collection.before()
        if self._rows is None:  # each question is answered from what was there when it was asked
            self._rows = collection.select(self._source.low, self._source.high)
        rows = self._rows
        collection.requests += 1
        if collection.declares:
            self._total = len(rows)
        if self._at >= collection.cap:
            raise ServerError("asked beyond the cap")
        page = rows[: collection.cap][self._at : self._at + collection.page]
        self._at += len(page)
        self._over = self._at >= len(rows)
        return Page(page)

    @property
    def evidence(self) -> Evidence:
        complete = self._source.collection.complete if self._over else None
        return Evidence(
            complete=complete,
            declared_total=self._total,
            stability="keyset",
            records=self._at,
            reasons=("rows were counted off",) * (complete is not True),
        )
