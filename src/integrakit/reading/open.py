"""Making one kind of reader out of everything that can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Checkpoint, Evidence, Page, Record
from integrakit.protocols import Reader
from integrakit.runtimes import runtime

__all__ = ["is_source", "open_reader"]

#: Records of a plain iterable that make a page.
PAGE = 500


def open_reader(source: Any, since: Checkpoint | None = None) -> Reader:
    """A reader of one read of ``source``: integrakit's own, a `Source`, an `AsyncSource`, or any iterable of records.

    Raises `ConfigurationError` for what is none of these.
    """
    if hasattr(source, "open_read"):
        reader: Reader = source.open_read(since)
        return reader
    if hasattr(source, "apages") and (runtime().name == "concurrent" or not hasattr(source, "pages")):
        return _Async(source.apages(since), source, pages=True)
    if hasattr(source, "pages"):
        return _Blocking(iter(source.pages(since)), source, pages=True)
    if isinstance(source, str | bytes | Mapping) or not (hasattr(source, "__iter__") or hasattr(source, "__aiter__")):
        raise ConfigurationError(
            "a source is a resource, a stream, a table, a file, an object with pages(since), or an iterable of records; "
            f"{type(source).__name__} is none of them"
        )
    if hasattr(source, "__iter__"):
        return _Blocking(iter(source), source, pages=False)
    return _Async(source, source, pages=False)


class _Tally:
    """What a foreign source lets us know: how much came, and its own evidence where it has any."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._pages = self._records = 0
        self._ended = False
        self._started: datetime | None = None
        self._latest: Checkpoint | None = None

    def _note(self, page: Page | None) -> Page | None:
        if page is None:
            self._ended = True
            return None
        if not isinstance(page, Page):
            raise ConfigurationError(
                f"pages() of {type(self._source).__name__} gives integrakit.Page(records, checkpoint), not {type(page).__name__}"
            )
        self._started = self._started or runtime().wall()
        self._pages += 1
        self._records += len(page.records)
        self._latest = page.checkpoint
        return page

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self._latest

    @property
    def evidence(self) -> Evidence:
        own = getattr(self._source, "evidence", None)
        if isinstance(own, Evidence):
            return own
        why = "the source cannot prove that this was everything" if self._ended else "the read was not finished"
        return Evidence(
            reasons=(why,),
            pages=self._pages,
            records=self._records,
            ended_by="exhausted" if self._ended else None,
            started=self._started,
        )


class _Blocking(_Tally):
    """Pages, or records gathered into pages, of an ordinary iterator; off the event loop in async code."""

    def __init__(self, iterator: Iterator[Any], source: Any, *, pages: bool) -> None:
        super().__init__(source)
        self._iterator = iterator
        self._step: Callable[[], Page | None] = self._page if pages else self._gather

    async def next_page(self) -> Page | None:
        if isinstance(self._source, list | tuple):
            return self._note(self._step())  # nothing to wait for: no worker thread either
        return self._note(await runtime().blocking(self._step))

    def _page(self) -> Page | None:
        return next(self._iterator, None)

    def _gather(self) -> Page | None:
        records: list[Record] = list(islice(self._iterator, PAGE))
        return Page(records) if records else None


class _Async(_Tally):
    """Pages or records of an asynchronous iterator: in async code only."""

    def __init__(self, iterable: Any, source: Any, *, pages: bool) -> None:
        super().__init__(source)
        self._iterator: AsyncIterator[Any] = aiter(iterable)
        self._as_pages = pages

    async def next_page(self) -> Page | None:
        if runtime().name == "blocking":
            raise ConfigurationError(f"{type(self._source).__name__} can be read in async code only: await sync.arun() instead of sync.run()")
        if self._as_pages:
            return self._note(await anext(self._iterator, None))
        records: list[Record] = []
        while len(records) < PAGE:
            try:
                records.append(await anext(self._iterator))
            except StopAsyncIteration:
                break
        return self._note(Page(records) if records else None)


def is_source(value: Any) -> bool:
    """Whether `open_reader` would take it."""
    if hasattr(value, "open_read") or hasattr(value, "pages") or hasattr(value, "apages"):
        return True
    return hasattr(value, "__aiter__") or (isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping))
