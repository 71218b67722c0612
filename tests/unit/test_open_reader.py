"""One kind of reader out of everything that can be read, in every world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from integrakit.errors import ConfigurationError, ReadError
from integrakit.http import Client
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.reading import is_source, open_reader
from integrakit.reading import open as opening
from integrakit.runtimes import drive, runtime
from integrakit.testing import Simulator

ROWS = [{"id": number} for number in range(1, 6)]
SINCE = Checkpoint(resource="rows", token=3)


async def pages_of(reader: Any) -> list[list[Any]]:
    pages = []
    while (page := await reader.next_page()) is not None:
        pages.append(list(page.records))
    assert await reader.next_page() is None  # the end stays the end
    return pages


class Source:
    """A source of somebody's own."""

    def __init__(self, *pages: Any) -> None:
        self._pages = pages
        self.since: Any = "not asked"

    def pages(self, since: Checkpoint | None) -> Iterator[Any]:
        self.since = since
        yield from self._pages


class AsyncSource:
    """The same for async code."""

    def __init__(self, *pages: Any) -> None:
        self._pages = pages
        self.since: Any = "not asked"

    async def apages(self, since: Checkpoint | None) -> Any:
        self.since = since
        for page in self._pages:
            await runtime().sleep(0)
            yield page


class Rows:
    """An asynchronous iterable of records that is no generator."""

    def __init__(self, *records: Any) -> None:
        self._records = iter(records)

    def __aiter__(self) -> Rows:
        return self

    async def __anext__(self) -> Any:
        await runtime().sleep(0)
        for record in self._records:
            return record
        raise StopAsyncIteration


@pytest.mark.parametrize(
    "make",
    [lambda: ROWS, lambda: tuple(ROWS), lambda: (row for row in ROWS), lambda: iter(ROWS), dict(enumerate(ROWS)).values],
    ids=["list", "tuple", "generator", "iterator", "values"],
)
def test_iterables_of_records(make: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGE", 2)

    async def main() -> Any:
        reader = open_reader(make())
        assert reader.evidence.reasons == ("the read was not finished",)
        assert reader.evidence.started is None
        assert await pages_of(reader) == [ROWS[:2], ROWS[2:4], ROWS[4:]]
        assert reader.checkpoint is None
        return reader.evidence

    evidence = world(main)
    assert evidence.complete is None
    assert evidence.reasons == ("the source cannot prove that this was everything",)
    assert (evidence.pages, evidence.records, evidence.ended_by, evidence.stability) == (3, 5, "exhausted", "unknown")
    assert evidence.started.tzinfo is not None


def test_nothing_at_all(world: Any) -> None:
    async def main() -> None:
        for source in ([], (), iter(()), Source()):
            reader = open_reader(source)
            assert await pages_of(reader) == []
            assert reader.evidence.ended_by == "exhausted"
            assert reader.evidence.pages == 0

    world(main)


def test_records_need_not_be_dicts(world: Any) -> None:
    @attrs.frozen
    class Order:
        id: int

    async def main() -> None:
        assert await pages_of(open_reader([Order(1), (1, 2), None, "text"])) == [[Order(1), (1, 2), None, "text"]]

    world(main)


def test_sources_are_given_the_checkpoint(world: Any) -> None:
    async def main() -> None:
        source = Source(Page(ROWS[:2], SINCE), Page([]), Page(ROWS[2:]))
        reader = open_reader(source, SINCE)
        page = await reader.next_page()
        assert page is not None
        assert page.records == ROWS[:2]
        assert reader.checkpoint is SINCE
        assert source.since is SINCE
        assert await pages_of(reader) == [[], ROWS[2:]]
        assert reader.checkpoint is None
        assert reader.evidence.records == 5

    world(main)


def test_sources_with_evidence_of_their_own_are_believed(world: Any) -> None:
    class Sure(Source):
        evidence = Evidence(complete=True, records=5)

    class Unsure(Source):
        def evidence(self) -> str:
            return "surely"

    async def main() -> None:
        reader = open_reader(Sure(Page(ROWS)))
        await pages_of(reader)
        assert reader.evidence is Sure.evidence
        assert open_reader(Unsure(Page(ROWS))).evidence.complete is None

    world(main)


def test_integrakits_own_sources_open_their_own_reader(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ROWS}) as api:
            async with Client(api.url) as client:
                reader = open_reader(client.stream("/orders", records="orders"))
                assert await pages_of(reader) == [ROWS]
                assert reader.evidence.records == 5

    world(main)


@pytest.mark.parametrize("page", [ROWS, ROWS[0], None, 5, "page"])
def test_pages_must_be_pages(page: Any, world: Any) -> None:
    """None above all: taken for the end, what comes after it would be passed over."""

    async def main() -> None:
        reader = open_reader(Source(Page(ROWS), page, Page(ROWS)))
        await reader.next_page()
        with pytest.raises(ConfigurationError, match=r"pages\(\) of Source gives integrakit.Page\(records, checkpoint\), not \w+"):
            await reader.next_page()
        assert reader.evidence.ended_by is None

    world(main)


def test_a_page_needs_a_list_of_records(world: Any) -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="a Page whose records are no list"):
            await open_reader(Source(Page(iter(ROWS)))).next_page()  # type: ignore[arg-type]

    world(main)


def test_a_source_that_failed_does_not_look_like_the_end(world: Any) -> None:
    def failing() -> Iterator[Any]:
        yield ROWS[0]
        raise OSError("the line went dead")

    class Failing(Source):
        def pages(self, since: Checkpoint | None) -> Iterator[Any]:
            yield Page(ROWS)
            raise OSError("the line went dead")

    async def main() -> None:
        for source, good in ((failing(), 0), (Failing(), 1)):
            reader = open_reader(source)
            for _ in range(good):
                assert await reader.next_page() is not None
            with pytest.raises(OSError, match="the line went dead"):
                await reader.next_page()
            for _ in range(2):
                with pytest.raises(ReadError, match="failed before and cannot go on: begin a new one") as caught:
                    await reader.next_page()
                assert isinstance(caught.value.__cause__, OSError)
            assert reader.evidence.ended_by is None

    world(main)


@pytest.mark.parametrize("source", [None, 5, "orders", b"orders", {"id": 1}, object(), Source, Client, type])
def test_what_is_no_source(source: Any) -> None:
    assert not is_source(source)
    with pytest.raises(ConfigurationError, match="is none of them"):
        open_reader(source)


@pytest.mark.parametrize("source", [[], (), iter([]), Source(), AsyncSource(), Rows(), set()])
def test_what_is_a_source(source: Any) -> None:
    assert is_source(source)


# ---------------------------------------------------------------------- for async code only


async def some_rows() -> Any:
    for row in ROWS:
        yield row


ASYNC = {"source": lambda: AsyncSource(Page(ROWS[:3]), Page(ROWS[3:])), "generator": some_rows, "iterator": lambda: Rows(*ROWS)}


@pytest.mark.parametrize("name", ASYNC)
def test_asynchronous_sources(name: str, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGE", 3)

    async def main() -> None:
        source = ASYNC[name]()
        reader = open_reader(source, SINCE)
        if runtime().name == "blocking":
            for _ in range(2):
                with pytest.raises(ConfigurationError, match=f"{type(source).__name__} can be read in async code only"):
                    await reader.next_page()
            return
        assert await pages_of(reader) == [ROWS[:3], ROWS[3:]]
        assert reader.evidence.ended_by == "exhausted"
        if name == "source":
            assert source.since is SINCE

    world(main)


def test_asynchronous_sources_in_plain_code() -> None:
    with pytest.raises(ConfigurationError, match=r"await sync.arun\(\) instead of sync.run\(\)"):
        drive(open_reader(some_rows()).next_page())


def test_a_source_of_both_kinds_is_read_in_its_worlds_way(world: Any) -> None:
    class Both(Source):
        async def apages(self, since: Checkpoint | None) -> Any:
            yield Page([{"by": "apages"}])

    async def main() -> None:
        kind = "apages" if runtime().name == "concurrent" else "pages"
        assert await pages_of(open_reader(Both(Page([{"by": "pages"}])))) == [[{"by": kind}]]

    world(main)


def test_asynchronous_pages_must_be_pages(world: Any) -> None:
    async def main() -> None:
        if runtime().name != "blocking":
            reader = open_reader(AsyncSource(None, Page(ROWS)))
            with pytest.raises(ConfigurationError, match="pages"):
                await reader.next_page()
            with pytest.raises(ReadError):
                await reader.next_page()

    world(main)


def test_methods_of_the_wrong_kind_are_named(world: Any) -> None:
    class Awaited:
        async def pages(self, since: Any) -> Any:
            return [Page(ROWS)]

    class Plain:
        def apages(self, since: Any) -> Any:
            return [Page(ROWS)]

    class Returned:
        async def apages(self, since: Any) -> Any:
            return [Page(ROWS)]

    class Nothing:
        def pages(self, since: Any) -> Any:
            return None

    async def main() -> None:
        for source, words in ((Awaited(), "pages.. of Awaited .* coroutine"), (Nothing(), "pages.. of Nothing .* NoneType")):
            with pytest.raises(ConfigurationError, match=words):
                open_reader(source)
        for source, words in ((Plain(), "apages.. of Plain .* list"), (Returned(), "apages.. of Returned .* coroutine")):
            with pytest.raises(ConfigurationError, match=words):
                open_reader(source)

    world(main)
