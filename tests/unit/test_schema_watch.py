"""`watched`: shapes are learned from read to read and kept in a store; what is different is told at the end of a read."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError
from integrakit.model import Page, Tombstone
from integrakit.model.events import SchemaChanged
from integrakit.protocols import Put
from integrakit.reading import watched
from integrakit.runtimes import drive
from integrakit.state import MemoryStore, SqliteStore
from integrakit.testing import Simulator
from integrakit.transform.shapes import Shape


def rows(count: int = 30, **more: Any) -> list[dict[str, Any]]:
    return [{"id": number, "email": f"{number}@b", **more} for number in range(count)]


def told(store: Any, source: Any, name: str = "orders") -> list[str]:
    changes: list[SchemaChanged] = []
    list(watched(source, store, name=name, on_change=changes.append))
    return [str(change) for change in changes]


def test_what_is_new_is_told_once() -> None:
    store = MemoryStore()
    assert told(store, rows()) == []
    assert told(store, rows(note="x")) == ["orders: field note is new (text)"]
    assert told(store, rows(note="x")) == []
    assert told(store, rows(note=5)) == ["orders: field note was text, and is integer now"]


def test_resources_are_told_apart() -> None:
    store = MemoryStore()
    assert told(store, rows(), "orders") == []
    assert told(store, rows(note="x"), "customers") == []
    assert told(store, rows(note="x"), "orders") != []


def test_records_pass_untouched_in_every_world(world: Any) -> None:
    class Shop(Connector):
        orders = Resource("/orders", key="id")

    async def main() -> None:
        with Simulator({"orders": rows()}, page_size=7) as api:
            async with Shop(base_url=api.url) as shop:
                source = watched(shop.orders, MemoryStore())
                read = source.read()
                assert [record async for record in read] == rows()
                assert read.evidence.complete is True
                assert source.shape.records == 30
                assert source.key == "id"
                api.put("orders", {"id": 99, "email": None, "vip": True})
                assert len([record async for record in source]) == 31
                assert [change.kind for change in source.changes] == ["nullable", "new"]
                assert source.changes[1].resource == "orders"

    world(main)


def test_a_read_that_was_left_teaches_nothing() -> None:
    store = MemoryStore()
    source = watched(rows(2000), store, name="orders")
    for _ in source:
        break
    assert source.shape == Shape()


def test_what_on_change_raises_ends_the_read_and_comes_again() -> None:
    store = MemoryStore()

    def refuse(change: SchemaChanged) -> None:
        raise RuntimeError(str(change))

    assert told(store, rows()) == []
    for _ in range(2):
        with pytest.raises(RuntimeError, match="note is new"):
            list(watched(rows(note="x"), store, name="orders", on_change=refuse))


def test_by_default_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="integrakit.schema")
    store = MemoryStore()
    for records in (rows(), rows(note="x"), rows(id="a", note="x")):
        list(watched(records, store, name="orders"))
    logged = [(record.levelno, record.getMessage()) for record in caplog.records if record.name == "integrakit.schema"]
    assert logged == [(logging.INFO, "orders: field note is new (text)"), (logging.ERROR, "orders: field id was integer, and is text now")]


def test_it_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    source = watched(rows(), str(path), name="orders")
    list(source)
    source.close()
    with SqliteStore(path) as store:
        assert told(store, rows(note="x")) == ["orders: field note is new (text)"]


def test_two_reads_at_once_both_teach() -> None:
    store = MemoryStore()
    one, other = watched(rows(), store, name="orders"), watched(rows(5, note="x"), store, name="orders")
    pages, others = one.pages(), other.pages()
    next(pages)
    next(others)
    kept = store.commit
    interrupted = []

    def meanwhile(operations: Any) -> None:
        if not interrupted:
            interrupted.append(True)
            list(others)
        kept(operations)

    store.commit = meanwhile  # type: ignore[method-assign]
    list(pages)
    assert one.shape.records == 35
    assert "note" in one.shape.fields


def test_many_reads_at_once_all_teach() -> None:
    class Busy(MemoryStore):
        """Before each of the first commits somebody else was faster."""

        left = 5

        def commit(self, operations: Any, /) -> Any:
            if self.left:
                self.left -= 1
                told(others, rows(**{f"other{self.left}": 1}))
                return super().commit([Put("shapes", "orders", others.get("shapes", "orders").value)]), super().commit(operations)
            return super().commit(operations)

    store, others = Busy(), MemoryStore()
    told(store, rows(mine=1))
    shape = watched([], store, name="orders").shape
    assert {"mine", *(f"other{number}" for number in range(5))} <= set(shape.fields)


def test_asked_again_it_tells_again() -> None:
    store = MemoryStore()
    told(store, rows())
    heard: list[str] = []

    def stop(change: SchemaChanged) -> None:
        heard.append(str(change))
        if len(heard) == 1:
            raise ValueError("not now")

    reader = watched(rows(vip=True), store, name="orders", on_change=stop).open_read()
    assert drive(reader.next_page()) is not None
    with pytest.raises(ValueError, match="not now"):
        drive(reader.next_page())
    assert drive(reader.next_page()) is None
    assert heard == ["orders: field vip is new (boolean)"] * 2
    assert told(store, rows(vip=True)) == []


def test_forgotten_everything_is_learned_anew() -> None:
    store = MemoryStore()
    source = watched(rows(), store, name="orders")
    list(source)
    source.forget()
    assert told(store, rows(note="x")) == []


def test_tombstones_are_no_records() -> None:
    class Feed:
        def pages(self, since: Any) -> Any:
            yield Page([*rows(), Tombstone(7)])

    source = watched(Feed(), MemoryStore(), name="orders")
    assert len(list(source)) == 31
    assert source.shape.records == 30


def test_wrong_arguments() -> None:
    with pytest.raises(ConfigurationError, match="takes a resource, table, file"):
        watched(5, MemoryStore())
    with pytest.raises(ConfigurationError, match=r"on_change=…\) takes a function"):
        watched([], MemoryStore(), name="x", on_change=5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="has no name of its own"):
        watched([], MemoryStore())
    assert drive(watched([], MemoryStore(), name="x").open_read().next_page()) is None
