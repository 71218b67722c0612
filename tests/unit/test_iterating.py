"""The shells that make a reader something to iterate, in every world."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.errors import ReadError
from integrakit.iterating import AsyncRecords, Pages, Read
from integrakit.model import Evidence, Page
from integrakit.runtimes import runtime


class Scripted:
    """A reader that brings these pages; what is an exception is raised once."""

    def __init__(self, *pages: Any) -> None:
        self._pages = list(pages)
        self.asked = 0

    async def next_page(self) -> Page | None:
        self.asked += 1
        await runtime().sleep(0)
        if not self._pages:
            return None
        page = self._pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return Page(page)

    @property
    def evidence(self) -> Evidence:
        return Evidence(records=self.asked)

    checkpoint = None


def test_pages_in_async_code(world: Any) -> None:
    async def main() -> list[Any]:
        return [page.records async for page in Pages(Scripted([1, 2], [], [3]))]

    assert world(main) == [[1, 2], [], [3]]


def test_pages_in_blocking_code() -> None:
    pages = Pages(Scripted([1, 2], [], [3]))
    assert [page.records for page in pages] == [[1, 2], [], [3]]
    assert list(pages) == []


def test_records_in_async_code(world: Any) -> None:
    async def main() -> list[Any]:
        return [record async for record in AsyncRecords(Scripted([], [1, 2], [], [], [3]))]

    assert world(main) == [1, 2, 3]


def test_records_in_blocking_code() -> None:
    assert list(Read(Scripted([], [1, 2], [], [3], []))) == [1, 2, 3]


def test_a_read_goes_on_after_a_break(world: Any) -> None:
    async def main() -> list[Any]:
        read = Read(Scripted([1, 2, 3], [4]))
        found = []
        for stop in (1, 2, None):
            async for record in read:
                found.append(record)
                if record == stop:
                    break
        return found

    assert world(main) == [1, 2, 3, 4]


def test_a_read_goes_on_after_a_break_in_blocking_code() -> None:
    read = Read(Scripted([1, 2, 3], [4]))
    assert next(iter(read)) == 1
    assert next(iter(read)) == 2
    assert list(read) == [3, 4]
    assert list(read) == []


def test_blocking_and_async_iteration_of_one_read_share_their_place(world: Any) -> None:
    async def main() -> list[Any]:
        read = Read(Scripted([1, 2], [3, 4, 5], [6]))
        found = [next(iter(read)), await anext(aiter(read)), await anext(aiter(read))]
        for record in read:
            found.append(record)
            if record == 4:
                break
        async for record in read:
            found.append(record)
        return found

    assert world(main) == [1, 2, 3, 4, 5, 6]


def test_an_error_ends_the_loop_and_not_the_read(world: Any) -> None:
    async def main() -> list[Any]:
        read = Read(Scripted([1], ReadError("not now"), [2]))
        found = []
        found.append(await anext(aiter(read)))
        with pytest.raises(ReadError, match="not now"):
            await anext(aiter(read))
        async for record in read:
            found.append(record)
        return found

    assert world(main) == [1, 2]


def test_what_a_read_gives_on_request(world: Any) -> None:
    async def main() -> None:
        read = Read(Scripted([1], [2], [3]))
        assert read.evidence.records == 0
        assert await anext(aiter(read)) == 1
        assert [page.records async for page in read.pages()] == [[2], [3]]
        assert read.evidence.records == 4

    world(main)
