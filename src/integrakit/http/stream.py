"""`Stream`: a collection behind an API, as something to iterate. Each iteration is a new read; only pages cross the runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from integrakit.http.frames import to_arrow, to_pandas, to_polars
from integrakit.model import Checkpoint, Evidence, Page, Record
from integrakit.protocols import Reader
from integrakit.runtimes import drive

__all__ = ["Pages", "Read", "Stream"]


class Pages:
    """The pages of one read, for ``for`` and ``async for``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[Page]:
        return self

    def __next__(self) -> Page:
        page = drive(self._reader.next_page())
        if page is None:
            raise StopIteration
        return page

    def __aiter__(self) -> AsyncIterator[Page]:
        return self

    async def __anext__(self) -> Page:
        page = await self._reader.next_page()
        if page is None:
            raise StopAsyncIteration
        return page


class _Records:
    """The records of one read in async code. Not an async generator: event loops adopt those, and end them early."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._left: Iterator[Record] = iter(())

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    async def __anext__(self) -> Record:
        while True:
            for record in self._left:
                return record
            page = await self._reader.next_page()
            if page is None:
                raise StopAsyncIteration
            self._left = iter(page.records)


class Read:
    """One read, with its own evidence. It is iterated once; going on after a break continues where it stopped."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._left: Iterator[Record] = iter(())

    def __iter__(self) -> Iterator[Record]:
        while True:
            yield from self._left
            page = drive(self._reader.next_page())
            if page is None:
                return
            self._left = iter(page.records)

    def __aiter__(self) -> AsyncIterator[Record]:
        return _Records(self._reader)

    def pages(self) -> Pages:
        return Pages(self._reader)

    @property
    def evidence(self) -> Evidence:
        """What this read can prove so far."""
        return self._reader.evidence


class Stream:
    """Records page by page, in flat memory: ``for record in stream``, ``async for record in stream``, ``stream.pages()``, ``stream.to_list()``."""

    def __init__(self, open_reader: Callable[[Checkpoint | None], Reader], description: str) -> None:
        self._open = open_reader
        self._description = description
        self._latest: Reader | None = None

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        self._latest = self._open(since)
        return self._latest

    def read(self, since: Checkpoint | None = None) -> Read:
        """One new read, with its own evidence."""
        return Read(self.open_read(since))

    def pages(self, since: Checkpoint | None = None, /) -> Pages:
        """One new read as pages, each with the checkpoint that is true after it."""
        return Pages(self.open_read(since))

    def __iter__(self) -> Iterator[Record]:
        return iter(self.read())

    def __aiter__(self) -> AsyncIterator[Record]:
        return _Records(self.open_read())

    @property
    def evidence(self) -> Evidence:
        """Of the latest read; nothing is known before the first."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

    def to_list(self) -> list[Record]:
        """Everything in memory. Raises as iterating does."""
        return list(self)

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table``; needs ``integrakit[arrow]``."""
        return to_arrow(self.to_list())

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; needs ``integrakit[pandas]``."""
        return to_pandas(self.to_list())

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``; needs ``integrakit[polars]``."""
        return to_polars(self.to_list())

    def __repr__(self) -> str:
        return f"<Stream of {self._description}>"
