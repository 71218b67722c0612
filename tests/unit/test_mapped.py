"""A source seen through a mapping."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.http import Client, HeaderLinkPaginator
from integrakit.iterating import Read
from integrakit.model import Checkpoint, Page
from integrakit.reading import mapped, open_reader
from integrakit.testing import Simulator

ROWS = [{"id": number} for number in range(1, 8)]


def doubled(record: dict[str, Any]) -> dict[str, Any] | None:
    return None if record["id"] == 4 else {"twice": record["id"] * 2}


def test_mapping_keeps_pages_checkpoints_and_evidence(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ROWS}, page_size=3) as api:
            async with Client(api.url) as client:
                reader = open_reader(mapped(client.stream("/orders", paginator=HeaderLinkPaginator(), key="id"), doubled))
                pages = []
                while (page := await reader.next_page()) is not None:
                    pages.append(page)
                assert [[record["twice"] for record in page.records] for page in pages] == [[2, 4, 6], [10, 12], [14]]
                assert reader.evidence.complete is True
                assert reader.evidence.records == 7
                assert reader.checkpoint is not None
                assert reader.checkpoint.resource == "/orders"
                first = pages[0].checkpoint
                resumed = open_reader(mapped(client.stream("/orders", paginator=HeaderLinkPaginator(), key="id"), doubled), first)
                page = await resumed.next_page()
                assert page is not None
                assert page.records[0] == {"twice": 10}

    world(main)


def test_each_iteration_is_a_new_read(world: Any) -> None:
    source = mapped(ROWS, doubled)

    async def main() -> None:
        for _ in range(2):
            assert [record["twice"] async for record in source] == [2, 4, 6, 10, 12, 14]

    world(main)
    assert [record["twice"] for record in source] == [2, 4, 6, 10, 12, 14]
    assert [record["twice"] for record in mapped(source, lambda record: record if record["twice"] > 10 else None)] == [12, 14]


def test_a_record_that_breaks_the_mapping_is_not_passed_over(world: Any) -> None:
    """Whoever takes the read up again after the error gets the same page, and not the one after it."""

    class Source:
        def pages(self, since: Checkpoint | None) -> Any:
            yield Page([{"id": 1}, {}])
            yield Page([{"id": 2}])

    broken = {"id"}

    def mapping(record: dict[str, Any]) -> Any:
        return record["id"] if broken else record.get("id", "mended")

    async def main() -> None:
        read = Read(mapped(Source(), mapping).open_read())
        for _ in range(2):
            with pytest.raises(KeyError):
                [record async for record in read]
        assert read.evidence.complete is None
        broken.clear()
        assert [record async for record in read] == [1, "mended", 2]

    world(main)
    broken.add("id")


@pytest.mark.parametrize("source", [None, 5, "text", b"bytes", {"id": 1}, dict, Client])
def test_wrong_sources_are_refused_at_once(source: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes a resource, table, file, or iterable of records"):
        mapped(source, doubled)


def test_wrong_mappings_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="not dict"):
        mapped(ROWS, {"a": "b"})  # type: ignore[arg-type]

    async def later(record: Any) -> Any:
        return record

    with pytest.raises(ConfigurationError, match="plain function"):
        mapped(ROWS, later)


def test_it_says_what_it_is() -> None:
    assert repr(mapped([], len)) == "<[] through <built-in function len>>"
