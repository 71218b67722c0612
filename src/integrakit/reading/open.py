"""Making one kind of reader out of everything that can be read."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from integrakit.errors import ConfigurationError, ReadError
from integrakit.model import Checkpoint, Evidence, Page, Record
from integrakit.protocols import Reader
from integrakit.runtimes import runtime

__all__ = ["is_source", "open_reader"]

#: Records of a plain iterable that make a page.
PAGE = 500
#: The end of an iterator; a source that gives None in its midst has not ended.
_END: Final = object()
Step = Callable[[], Awaitable[Any]]


def open_reader(source: Any, since: Checkpoint | None = None) -> Reader:
    """A reader of one read of ``source``: integrakit's own, a `Source`, an `AsyncSource`, or any iterable of records.

    Raises `ConfigurationError` for what is none of these.
    """
    if not is_source(source):
        what = f"the class {source.__name__}" if isinstance(source, type) else type(source).__name__
        raise ConfigurationError(
            f"a source is a resource, a stream, a table, a file, an object with pages(since), or an iterable of records; {what} is none of them"
        )
    if hasattr(source, "open_read"):
        reader: Reader = source.open_read(since)
        return reader
    if hasattr(source, "apages") and (runtime().name == "concurrent" or not hasattr(source, "pages")):
        return _Foreign(source, _awaited_pages(_given(source, "apages", "__aiter__", source.apages(since))), awaits=True)
    if hasattr(source, "pages"):
        return _Foreign(source, _blocking_pages(_given(source, "pages", "__iter__", source.pages(since))))
    if hasattr(source, "__iter__"):
        return _Foreign(source, _blocking_records(source))
    return _Foreign(source, _awaited_records(source), awaits=True)


def _given(source: Any, method: str, wanted: str, pages: Any) -> Any:
    """What a source's method gave, if it can be iterated in the way that is agreed for it."""
    if hasattr(pages, wanted):
        return pages
    if inspect.iscoroutine(pages):
        pages.close()
    kind = "an asynchronous iterator of pages (async def with yield)" if wanted == "__aiter__" else "an iterable of pages (def, with yield)"
    raise ConfigurationError(f"{method}() of {type(source).__name__} must give {kind}, not a {type(pages).__name__}")


# ---------------------------------------------------------------------- one step of each kind of iterator: the next page, or _END


def _blocking_pages(pages: Iterable[Any]) -> Step:
    iterator = iter(pages)

    async def step() -> Any:
        return await runtime().blocking(next, iterator, _END)

    return step


def _blocking_records(source: Iterable[Any]) -> Step:
    iterator = iter(source)

    def gather() -> Any:
        records: list[Record] = list(islice(iterator, PAGE))
        return Page(records) if records else _END

    async def step() -> Any:
        if isinstance(source, list | tuple):
            return gather()  # nothing to wait for: no worker thread either
        return await runtime().blocking(gather)

    return step


def _awaited_pages(pages: Any) -> Step:
    iterator = aiter(pages)

    async def step() -> Any:
        return await anext(iterator, _END)

    return step


def _awaited_records(source: Any) -> Step:
    iterator = aiter(source)

    async def step() -> Any:
        records: list[Record] = []
        while len(records) < PAGE and (record := await anext(iterator, _END)) is not _END:
            records.append(record)
        return Page(records) if records else _END

    return step


# ---------------------------------------------------------------------- the reader


class _Foreign:
    """Reads a foreign source step by step. What it lets us know is how much came, and its own evidence where it has any.

    ``awaits``: in async code only.
    """

    def __init__(self, source: Any, step: Step, *, awaits: bool = False) -> None:
        self._source = source
        self._step = step
        self._awaits = awaits
        self._pages = self._records = 0
        self._ended = False
        self._failed: Exception | None = None
        self._started: datetime | None = None
        self._latest: Checkpoint | None = None

    async def next_page(self) -> Page | None:
        kind = type(self._source).__name__
        if self._awaits and runtime().name == "blocking":
            raise ConfigurationError(f"{kind} can be read in async code only: async for, or await sync.arun() instead of sync.run()")
        if self._failed is not None:
            # An iterator that raised is over: asked again it would look like the end.
            raise ReadError(f"the read of {kind} failed before and cannot go on: begin a new one") from self._failed
        self._started = self._started or runtime().wall()
        try:
            found = await self._step()
            page = None if found is _END else _checked(found, kind)
        except Exception as problem:
            self._failed = problem
            raise
        if page is None:
            self._ended = True
            return None
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


def _checked(page: Any, kind: str) -> Page:
    if not isinstance(page, Page) or not isinstance(page.records, Sequence):
        what = "a Page whose records are no list" if isinstance(page, Page) else type(page).__name__
        raise ConfigurationError(f"pages() of {kind} gives integrakit.Page(records, checkpoint), not {what}")
    return page


def is_source(value: Any) -> bool:
    """Whether `open_reader` would take it."""
    if isinstance(value, type):
        return False  # a class has the methods of its instances, and cannot be read
    if hasattr(value, "open_read") or hasattr(value, "pages") or hasattr(value, "apages"):
        return True
    return hasattr(value, "__aiter__") or (isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping))
