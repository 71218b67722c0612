"""Datasette, which serves any SQLite file over HTTP: opaque cursors in ``next_url`` and in the ``Link`` header. Nobody here wrote it."""

from __future__ import annotations

import asyncio
import importlib.util
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.services.require import away
from tests.services.started import free_port, started

import integrakit as ik
from integrakit.errors import IncompleteRead

pytestmark = pytest.mark.service

NORTHWIND = Path(__file__).parents[3] / "shared" / "data" / "northwind.sqlite"


class Northwind(ik.Connector):
    """Northwind's tables, by the URL of the next page that each answer names."""

    paginator = ik.JSONLinkPaginator("next_url")
    orders = ik.Resource("/northwind/Orders.json", key="OrderID", records="rows", params={"_shape": "objects", "_size": 50})
    lines = ik.Resource("/northwind/Order+Details.json", key=("OrderID", "ProductID"), records="rows", params={"_shape": "objects", "_size": 100})


class Unsaid(ik.Connector):
    """The same, without a word on how pages follow each other."""

    orders = ik.Resource("/northwind/Orders.json", key="OrderID", params={"_shape": "array", "_size": 70})
    asked = ik.Resource("/northwind.json", key="OrderID", records="rows", params={"sql": "select * from Orders", "_shape": "objects"})


@pytest.fixture(scope="module")
def datasette(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not NORTHWIND.exists():
        pytest.skip("the Northwind database is not here")
    if importlib.util.find_spec("datasette") is None:
        away("datasette is not installed: pip install datasette")
    port = free_port()
    folder = tmp_path_factory.mktemp("datasette")
    command = [sys.executable, "-m", "datasette", "serve", "--immutable", str(NORTHWIND), "--host", "127.0.0.1", "--port", str(port)]
    with started([*command, "--setting", "max_returned_rows", "200"], port, log=folder / "log", env={"HOME": str(folder)}):
        yield f"http://127.0.0.1:{port}"


def rows(table: str) -> list[dict[str, object]]:
    connection = sqlite3.connect(f"file:{quote(str(NORTHWIND))}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
    finally:
        connection.close()


def test_every_order_comes_exactly_once(datasette: str) -> None:
    with Northwind(base_url=datasette) as api:
        read = api.orders.read()
        assert sorted(read, key=lambda row: row["OrderID"]) == sorted(rows("Orders"), key=lambda row: row["OrderID"])
        assert read.evidence.complete is True
        assert read.evidence.pages == 17  # 830 by 50


def test_a_table_with_a_composite_key_too_and_in_async_code(datasette: str) -> None:
    async def body() -> None:
        async with Northwind(base_url=datasette) as api:
            read = api.lines.read()
            found = [row async for row in read]
            assert {(row["OrderID"], row["ProductID"]) for row in found} == {(row["OrderID"], row["ProductID"]) for row in rows("Order Details")}
            assert len(found) == 2155
            assert read.evidence.complete is True

    asyncio.run(body())


def test_what_nobody_named_is_recognised_by_its_link_header(datasette: str) -> None:
    with Unsaid(base_url=datasette) as api:
        read = api.orders.read()
        assert len(list(read)) == 830
        assert read.evidence.complete is True


def test_an_answer_that_says_it_was_cut_off_is_no_complete_read(datasette: str) -> None:
    with Unsaid(base_url=datasette) as api, pytest.raises(IncompleteRead, match="truncated"):
        list(api.asked)  # 200 of 830 rows, in a 200, with "truncated": true beside them
