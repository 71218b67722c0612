"""The thin shells that make a reader something to iterate: ``for`` and ``async for``, over pages and over records.

All reading is in ``next_page``, written once on the runtime. Only pages cross it; the records inside a page are walked here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator

from integrakit.model import Checkpoint, Evidence, Page, Record
from integrakit.protocols import Reader
from integrakit.runtimes import drive

__all__ = ["AsyncRecords", "Pages", "Read", "Rereadable"]


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


class AsyncRecords:
    """The records of one read in async code. Not an async generator: event loops adopt those, and end them early."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        #: What has not been walked of the latest page.
        self.left: Iterator[Record] = iter(())

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    async def __anext__(self) -> Record:
        while True:
            for record in self.left:
                return record
            page = await self._reader.next_page()
            if page is None:
                raise StopAsyncIteration
            self.left = iter(page.records)


class Read:
    """One read, with its own evidence. It is iterated once; going on after a break continues where it stopped."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        # Kept, with what is left of its page: a new one would pass it over.
        self._records = AsyncRecords(reader)

    def __iter__(self) -> Iterator[Record]:
        while True:
            yield from self._records.left
            page = drive(self._reader.next_page())
            if page is None:
                return
            self._records.left = iter(page.records)

    def __aiter__(self) -> AsyncIterator[Record]:
        return self._records

    def pages(self) -> Pages:
        """The pages that are still to come; what is left of the one at hand is not among them."""
        return Pages(self._reader)

    @property
    def evidence(self) -> Evidence:
        """What this read can prove so far."""
        return self._reader.evidence


class Rereadable(ABC):
    """What every source of integrakit's own is to its user, whatever it reads: each iteration is a new read. A subclass says how one is opened."""

    @abstractmethod
    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call. Nothing is touched before the first page is asked for."""

    def read(self, since: Checkpoint | None = None, /) -> Read:
        """One new read, with its own evidence."""
        return Read(self.open_read(since))

    def pages(self, since: Checkpoint | None = None, /) -> Pages:
        """One new read as pages, each with the checkpoint that is true after it."""
        return Pages(self.open_read(since))

    def __iter__(self) -> Iterator[Record]:
        return iter(self.read())

    def __aiter__(self) -> AsyncIterator[Record]:
        return aiter(self.read())

    def to_list(self) -> list[Record]:
        """Everything in memory. Raises as iterating does. It blocks: in async code ``await source.ato_list()``."""
        return list(self)

    async def ato_list(self) -> list[Record]:
        """`to_list` for async code."""
        return [record async for record in self]
