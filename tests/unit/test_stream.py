"""Streams: what is iterated, in both colours, and what a break leaves behind."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.http import Client, HeaderLinkPaginator, Stream
from integrakit.http import frames as frames_module
from integrakit.testing import Simulator

ROWS = [{"id": number} for number in range(1, 13)]


@pytest.fixture
def api() -> Any:
    with Simulator({"orders": ROWS}, page_size=5) as api:
        yield api


def stream_of(client: Client) -> Stream:
    return client.stream("/orders", paginator=HeaderLinkPaginator(), key="id")


def test_for_and_async_for_give_the_same(api: Simulator) -> None:
    with Client(api.url) as client:
        stream = stream_of(client)
        assert list(stream) == ROWS
        assert stream.to_list() == ROWS
        assert [page.records for page in stream.pages()] == [ROWS[:5], ROWS[5:10], ROWS[10:]]
        assert [len(page) for page in stream.pages()] == [5, 5, 2]
        read = stream.read()
        assert list(read) == ROWS
        assert read.evidence.complete is True
        assert list(read) == []  # one read is iterated once; a stream as often as one likes
        assert repr(stream) == f"<Stream of GET {api.url}/orders>"

    async def main() -> None:
        async with Client(api.url) as client:
            stream = stream_of(client)
            assert [record async for record in stream] == ROWS
            assert [record async for record in stream.read()] == ROWS
            assert [page.records async for page in stream.pages()] == [ROWS[:5], ROWS[5:10], ROWS[10:]]

    asyncio.run(main())


def test_nothing_is_sent_before_it_is_iterated(api: Simulator) -> None:
    with Client(api.url) as client:
        stream = stream_of(client)
        stream.read()
        stream.pages()
        iter(stream)
        assert api.requests == []


def test_going_on_after_a_break_passes_nothing_over(api: Simulator) -> None:
    with Client(api.url) as client:
        read = stream_of(client).read()
        seen = [next(iter(read)) for _ in range(3)]
        for record in read:
            seen.append(record)
            if record["id"] == 7:
                break
        seen += list(read)
        assert seen == ROWS
        assert read.evidence.complete is True


def test_going_on_after_a_break_in_async_code_passes_nothing_over(api: Simulator) -> None:
    async def main() -> None:
        async with Client(api.url) as client:
            read = stream_of(client).read()
            seen = []
            for stop in (2, 7, 99):
                async for record in read:
                    seen.append(record)
                    if record["id"] == stop:
                        break
            assert seen == ROWS
            assert read.evidence.complete is True

    asyncio.run(main())


def test_going_on_in_pages(api: Simulator) -> None:
    with Client(api.url) as client:
        pages = stream_of(client).read().pages()
        assert iter(pages) is pages
        first = next(pages)
        assert [*first.records, *(record for page in pages for record in page.records)] == ROWS
        with pytest.raises(StopIteration):
            next(pages)


def test_evidence_is_of_the_latest_read(api: Simulator) -> None:
    with Client(api.url) as client:
        stream = stream_of(client)
        one = stream.read()
        list(one)
        other = stream.read()
        next(iter(other))
        assert stream.evidence is not one.evidence
        assert one.evidence.complete is True
        assert stream.evidence.complete is None
        assert stream.evidence.pages == 1


def test_two_reads_at_once_do_not_disturb_each_other(api: Simulator) -> None:
    with Client(api.url) as client:
        stream = stream_of(client)
        assert [(a["id"], b["id"]) for a, b in zip(stream, stream, strict=True)] == [(row["id"], row["id"]) for row in ROWS]


def test_tables_of_other_libraries(api: Simulator) -> None:
    for library in ("pyarrow", "pandas", "polars"):
        pytest.importorskip(library)
    with Client(api.url) as client:
        stream = stream_of(client)
        assert stream.to_arrow().to_pylist() == ROWS
        assert stream.to_pandas().to_dict("records") == ROWS
        assert stream.to_polars().to_dicts() == ROWS


def test_tables_of_nothing() -> None:
    for library in ("pyarrow", "pandas", "polars"):
        pytest.importorskip(library)
    assert frames_module.to_arrow([]).num_rows == 0
    assert len(frames_module.to_pandas([])) == 0
    assert len(frames_module.to_polars([])) == 0
    assert frames_module.to_polars([{"a": 1}, {"b": 2.5}]).to_dicts() == [{"a": 1, "b": None}, {"a": None, "b": 2.5}]


@pytest.mark.parametrize(
    ("library", "method", "extra"), [("pyarrow", "to_arrow", "arrow"), ("pandas", "to_pandas", "pandas"), ("polars", "to_polars", "polars")]
)
def test_a_missing_library_is_said_with_its_pip_line(monkeypatch: pytest.MonkeyPatch, library: str, method: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=rf'pip install "integrakit\[{extra}\]"'):
        getattr(frames_module, method)([{"a": 1}])
