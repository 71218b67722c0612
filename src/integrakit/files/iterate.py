"""Plain iteration over a reader, for sync and for async code: thin shells, since all the reading is in ``next_page``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrakit.model import Page, Record
from integrakit.protocols import Reader
from integrakit.runtimes import drive

__all__ = ["AsyncRecords", "pages", "records"]


def pages(reader: Reader) -> Iterator[Page]:
    """The pages of a read, in sync code."""
    while (page := drive(reader.next_page())) is not None:
        yield page


def records(reader: Reader) -> Iterator[Record]:
    """The records of a read, in sync code."""
    for page in pages(reader):
        yield from page.records


class AsyncRecords:
    """The records of a read, in async code. A class: an async generator is bound to the loop that first steps it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._page: Iterator[Any] = iter(())

    def __aiter__(self) -> AsyncRecords:
        return self

    async def __anext__(self) -> Record:
        while True:
            for record in self._page:
                return record
            page = await self._reader.next_page()
            if page is None:
                raise StopAsyncIteration
            self._page = iter(page.records)
