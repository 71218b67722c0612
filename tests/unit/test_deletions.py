"""Tombstones: feeds of deletes, marks among the records, and what reads, mappings and comparisons make of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import attrs
import pytest

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead
from integrakit.http import CursorPaginator, SinglePagePaginator
from integrakit.model import Checkpoint, Evidence, Page, Tombstone, Window
from integrakit.reading import Tombstones, mapped
from integrakit.reconciliation import areconcile
from integrakit.runtimes import drive, runtime

ONE = SinglePagePaginator()


class Feed:
    """A shop whose orders and deletes a test sets; both can be asked for from a moment on. Deletes come two at a time."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.deleted: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, asked: Any) -> Any:
        self.asked.append((asked.path, asked.params))
        if asked.path == "/orders":
            since = asked.params.get("since", "")
            return {"orders": [order for order in self.orders if order["at"] >= since]}
        since, start = asked.params.get("deleted_since", ""), int(asked.params.get("after", 0))
        rows = [row for row in self.deleted if row["deleted_at"] >= since]
        return {"deleted": rows[start : start + 2], "next": start + 2 if start + 2 < len(rows) else None}


def order(number: int, at: str) -> dict[str, Any]:
    return {"id": number, "at": f"2026-01-01T{at}Z"}


def gone(number: int, at: str) -> dict[str, Any]:
    return {"id": number, "deleted_at": f"2026-01-01T{at}Z"}


class Shop(Connector):
    paginator = ONE
    orders = Resource(
        "/orders",
        key="id",
        cursor="at",
        since_param="since",
        records="orders",
        tombstones=Tombstones(
            "/orders/deleted", at="deleted_at", since_param="deleted_since", records="deleted", paginator=CursorPaginator("next", "after")
        ),
    )
    plain = Resource("/orders", key="id", records="orders", tombstones=Tombstones("/orders/deleted", records="deleted", paginator=ONE))


async def read(resource: Any, since: Checkpoint | None = None) -> tuple[list[Any], Checkpoint]:
    """Keys of records, and of tombstones as negative numbers; and where the next read begins."""
    reader = resource.open_read(since)
    found: list[Any] = []
    while (page := await reader.next_page()) is not None:
        found += [-record.key if isinstance(record, Tombstone) else record["id"] for record in page.records]
    assert reader.checkpoint is not None
    return found, Checkpoint.from_dict(reader.checkpoint.to_dict())


def test_deletes_come_first_each_once_and_neither_watermark_loses_the_other(world: Any, serve: Any) -> None:
    feed = Feed()
    server = serve(feed)

    async def main() -> None:
        async with Shop(base_url=server.url) as shop:
            feed.orders = [order(1, "10:00:00"), order(2, "11:00:00")]
            feed.deleted = [gone(7, "09:00:00"), gone(8, "12:00:00"), gone(9, "12:00:00")]
            found, first = await read(shop.orders)
            assert found == [-7, -8, -9, 1, 2]
            assert first.watermark == "2026-01-01T11:00:00Z"
            assert first.deletes is not None
            assert first.deletes["watermark"] == "2026-01-01T12:00:00Z"
            assert set(first.deletes["ties"]) == {"8", "9"}
            feed.orders.append(order(3, "13:00:00"))
            feed.deleted.append(gone(10, "12:00:00"))
            found, second = await read(shop.orders, first)
            assert found == [-10, 3]
            assert feed.asked[-2][1]["deleted_since"] == "2026-01-01T12:00:00Z"
            assert feed.asked[-1][1]["since"] == "2026-01-01T11:00:00Z"
            found, third = await read(shop.orders, second)
            assert found == []
            assert third == attrs.evolve(second, born=third.born)
            # Neither empties the other.
            feed.orders, feed.deleted = [], []
            _, fourth = await read(shop.orders, third)
            assert (fourth.watermark, fourth.deletes and fourth.deletes["watermark"]) == ("2026-01-01T13:00:00Z", "2026-01-01T12:00:00Z")

    world(main)


def test_a_plain_loop_brings_tombstones_only_where_they_were_asked_for(world: Any, serve: Any) -> None:
    feed = Feed()
    feed.orders, feed.deleted = [order(1, "10:00:00")], [gone(7, "09:00:00")]
    server = serve(feed)

    async def main() -> None:
        async with Shop(base_url=server.url) as shop:
            assert [record async for record in shop.orders] == [Tombstone(7, "2026-01-01T09:00:00Z", gone(7, "09:00:00")), order(1, "10:00:00")]
            assert shop.orders.evidence.complete is not False
            # Without a moment to ask from, the feed is read whole each time.
            found, checkpoint = await read(shop.plain)
            assert found == [-7, 1]
            assert (await read(shop.plain, checkpoint))[0] == [-7, 1]
            assert any("the feed of deletes is" in note for note in shop.plain.evidence.notes) or shop.plain.evidence.complete

    world(main)


def test_a_record_that_was_restored_comes_after_the_word_that_it_is_gone(world: Any, serve: Any) -> None:
    feed = Feed()
    server = serve(feed)

    async def main() -> None:
        async with Shop(base_url=server.url) as shop:
            feed.orders = [order(1, "10:00:00")]
            _, checkpoint = await read(shop.orders)
            feed.deleted = [gone(1, "11:00:00")]
            # It is there, unchanged: a tie that would not be given out again, but for its tombstone.
            assert (await read(shop.orders, checkpoint))[0] == [-1, 1]

    world(main)


def test_a_read_that_is_cut_off_reads_the_feed_again_or_not_at_all(world: Any, serve: Any) -> None:
    feed = Feed()
    feed.orders, feed.deleted = [order(1, "10:00:00"), order(2, "11:00:00")], [gone(7, "09:00:00"), gone(8, "09:30:00"), gone(9, "09:40:00")]

    def script(asked: Any) -> Any:
        if asked.path != "/orders":
            return feed(asked)
        feed.asked.append((asked.path, asked.params))
        place = int(asked.params.get("page", 0))
        return {"orders": feed.orders[place : place + 1], "next": place + 1 if place + 1 < len(feed.orders) else None}

    server = serve(script)

    class Paged(Connector):
        orders = Shop.orders.reading(paginator=CursorPaginator("next", "page"))

    async def main() -> None:
        async with Paged(base_url=server.url) as shop:
            reader = shop.orders.open_read()
            page = await reader.next_page()
            assert page is not None
            assert page.checkpoint is not None
            assert [tombstone.key for tombstone in page.records] == [7, 8]
            assert (await read(shop.orders, page.checkpoint))[0] == [-7, -8, -9, 1, 2]
            while page is not None and not (page.records and page.records[0] == feed.orders[0]):
                page = await reader.next_page()
            assert page is not None
            assert page.checkpoint is not None
            feed.asked.clear()
            found, checkpoint = await read(shop.orders, Checkpoint.from_dict(page.checkpoint.to_dict()))
            assert found == [2]
            assert [path for path, _ in feed.asked] == ["/orders"]
            assert checkpoint.deletes is not None
            assert checkpoint.deletes["watermark"] == "2026-01-01T09:40:00Z"

    world(main)


def test_the_overlap_of_the_feed_brings_each_tombstone_once(world: Any, serve: Any) -> None:
    feed = Feed()
    server = serve(feed)

    class Late(Connector):
        paginator = ONE
        orders = Resource(
            "/orders",
            key="id",
            cursor="at",
            since_param="since",
            records="orders",
            window=Window(overlap=3600),
            tombstones=Tombstones("/orders/deleted", at="deleted_at", since_param="deleted_since", records="deleted", paginator=ONE),
        )

    async def main() -> None:
        async with Late(base_url=server.url) as shop:
            feed.deleted = [gone(1, "08:00:00"), gone(2, "11:30:00")]
            _, checkpoint = await read(shop.orders)
            feed.deleted = [gone(1, "08:00:00"), gone(2, "11:30:00"), gone(4, "11:00:00")]
            found, again = await read(shop.orders, checkpoint)
            assert found == [-4]
            assert feed.asked[-2][1]["deleted_since"] == "2026-01-01T10:30:00Z"
            assert (await read(shop.orders, again))[0] == []
            # Deleted once more, after it was restored: that is news.
            feed.deleted = [gone(4, "11:10:00")]
            assert (await read(shop.orders, again))[0] == [-4]

    world(main)


def test_too_many_tombstones_to_be_known_are_not_told_again(world: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reading.deletions.MOST", 0)
    feed = Feed()
    feed.deleted = [{"id": 7, "deleted_at": "2025-12-31T09:00:00Z"}]
    server = serve(feed)

    async def main() -> None:
        async with Shop(base_url=server.url) as shop:
            _, checkpoint = await read(shop.orders)
            assert checkpoint.deletes is not None
            assert checkpoint.deletes["ties"] == {}
            # 7 is there again since, and no record of this read says so; 8 is news.
            feed.deleted.append({"id": 8, "deleted_at": "2025-12-31T09:00:01Z"})
            reader = shop.orders.open_read(checkpoint)
            page = await reader.next_page()
            assert page is not None
            assert [record.key for record in page.records] == [8]
            while await reader.next_page() is not None:
                pass
            assert any("1 deletes came again" in note and "a sweep finds it" in note for note in reader.evidence.notes)

    world(main)


def test_a_delete_of_the_future_does_not_hide_those_until_then(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reading.deletions.MOST", 0)
    feed = Feed()
    feed.deleted = [{"id": 7, "deleted_at": "2999-01-01T00:00:00Z"}]
    with Shop(base_url=serve(feed).url) as shop:
        reader = shop.orders.open_read()
        drive(_to_the_end(reader))
        assert reader.checkpoint is not None
        assert reader.checkpoint.deletes is not None
        assert reader.checkpoint.deletes["told"] < "2999"


async def _to_the_end(reader: Any) -> None:
    while await reader.next_page() is not None:
        pass


# ---------------------------------------------------------------------- how far a feed reaches: Salesforce's getDeleted


class Deleted:
    """GET …/deleted/?start&end, whose answer says what it covers and how far back it goes."""

    def __init__(self) -> None:
        self.covered, self.earliest = "2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"
        self.ids: list[Any] = []
        self.asked: list[dict[str, str]] = []

    def __call__(self, asked: Any) -> Any:
        if asked.path == "/orders":
            return {"orders": []}
        self.asked.append(asked.params)
        records = [{"id": number, "deletedDate": self.covered} for number in self.ids]
        return {"deletedRecords": records, "earliestDateAvailable": self.earliest, "latestDateCovered": self.covered}


class Force(Connector):
    paginator = ONE
    orders = Resource(
        "/orders",
        key="id",
        records="orders",
        tombstones=Tombstones(
            "/orders/deleted",
            at="deletedDate",
            since_param="start",
            end_param="end",
            covered="latestDateCovered",
            earliest="earliestDateAvailable",
            reach=15 * 86400,
            records="deletedRecords",
        ),
    )


def test_the_next_read_begins_at_what_was_covered(world: Any, serve: Any) -> None:
    deleted = Deleted()
    server = serve(deleted)

    async def main() -> None:
        async with Force(base_url=server.url) as shop:
            deleted.asked.clear()
            deleted.covered, deleted.ids = _ago(shop, 3600), [5]
            found, checkpoint = await read(shop.orders)
            assert found == [-5]
            assert checkpoint.deletes is not None
            assert checkpoint.deletes["watermark"] == deleted.covered
            assert deleted.asked[0]["start"] < deleted.covered < deleted.asked[0]["end"]
            # What was said at the very edge is not said again.
            assert (await read(shop.orders, checkpoint))[0] == []
            assert deleted.asked[-1]["start"] == deleted.covered
            # A minute must lie between start and end, so the feed waits.
            deleted.covered, deleted.ids = _ago(shop, 10), [6]
            found, checkpoint = await read(shop.orders, checkpoint)
            assert found == [-6]
            count = len(deleted.asked)
            assert (await read(shop.orders, checkpoint))[0] == []
            assert len(deleted.asked) == count

    world(main)


def _ago(shop: Any, seconds: float) -> str:
    return (runtime().wall() - timedelta(seconds=seconds)).isoformat(timespec="seconds").replace("+00:00", "Z")


def test_deletes_that_the_feed_has_forgotten_are_an_error_until_a_sweep(world: Any, serve: Any) -> None:
    deleted = Deleted()
    server = serve(deleted)

    async def main() -> None:
        async with Force(base_url=server.url) as shop:
            deleted.covered = _ago(shop, 7200)
            _, checkpoint = await read(shop.orders)
            deleted.earliest = _ago(shop, 3600)
            deleted.covered = _ago(shop, 60)
            with pytest.raises(IncompleteRead, match=r"goes back to .* A sweep finds it"):
                await read(shop.orders, checkpoint)
            old = attrs.evolve(checkpoint, deletes={"watermark": _ago(shop, 30 * 86400), "ties": {}})
            with pytest.raises(IncompleteRead, match="it remembers 1296000 seconds"):
                await read(shop.orders, old)
            assert old.deletes is not None
            assert checkpoint.deletes is not None
            for state in (old.deletes, checkpoint.deletes):
                swept = attrs.evolve(checkpoint, deletes={**state, "swept": _ago(shop, 30)})
                _, after = await read(shop.orders, swept)
                assert after.deletes is not None
                assert after.deletes["watermark"] == deleted.covered
                assert "swept" not in after.deletes
            deleted.covered = None  # type: ignore[assignment]
            with pytest.raises(DecodeError, match="does not say at 'latestDateCovered'"):
                await read(shop.orders)

    world(main)


# ---------------------------------------------------------------------- marks among the records, and other parameters


def test_marks_among_the_records(world: Any, serve: Any) -> None:
    rows = [{"id": 1, "at": 1, "status": "Paid"}, {"id": 2, "at": 2, "status": "Deleted"}, {"id": 3, "at": 3, "status": "Deleted"}]

    def script(asked: Any) -> Any:
        return [row for row in rows if row["at"] >= int(asked.params.get("since", 0))]

    server = serve(script)

    class Books(Connector):
        paginator = ONE
        by_field = Resource("/x", key="id", cursor="at", since_param="since", tombstones=Tombstones(where={"status": "Deleted"}))
        by_function = Resource("/x", key="id", tombstones=Tombstones(where=lambda row: row["id"] == 1, at="status"))

    async def main() -> None:
        async with Books(base_url=server.url) as books:
            found, checkpoint = await read(books.by_field)
            assert found == [1, -2, -3]
            assert (checkpoint.watermark, checkpoint.deletes) == (3, None)
            assert (await read(books.by_field, checkpoint))[0] == []
            first = await anext(aiter(books.by_function))
            assert first == Tombstone(1, "Paid", rows[0])

    world(main)


def test_marks_on_structured_records(world: Any, serve: Any) -> None:
    @attrs.frozen
    class Row:
        id: int | None
        state: str

    server = serve(lambda asked: [{"id": 4, "state": "gone"}, {"id": None, "state": asked.params["state"]}])

    class Books(Connector):
        paginator = ONE
        rows = Resource("/x", key="id", into=Row, tombstones=Tombstones(where={"state": "gone"}))

    async def main() -> None:
        async with Books(base_url=server.url) as books:
            assert [row async for row in books.rows.where(state="well")] == [Tombstone(4, None, Row(4, "gone")), Row(None, "well")]
            with pytest.raises(DecodeError, match="marked as deleted has no key"):
                [row async for row in books.rows.where(state="gone")]

    world(main)


def test_archived_records_of_the_same_path(world: Any, serve: Any) -> None:
    server = serve(lambda asked: [{"id": 9, "archivedAt": 5}] if asked.params.get("archived") else [{"id": 1}])

    class Hub(Connector):
        paginator = ONE
        contacts = Resource("/contacts", key="id", tombstones=Tombstones(params={"archived": "true"}, at="archivedAt"))

    async def main() -> None:
        async with Hub(base_url=server.url) as hub:
            assert [row async for row in hub.contacts] == [Tombstone(9, 5, {"id": 9, "archivedAt": 5}), {"id": 1}]

    world(main)


@pytest.mark.parametrize("row", [{"deleted_at": "2026-01-01T00:00:00Z"}, {"id": 1, "deleted_at": []}])
def test_a_delete_that_says_nothing_usable_is_an_error_and_comes_again(row: Any, world: Any, serve: Any) -> None:
    feed = Feed()
    server = serve(lambda asked: {"deleted": [row], "next": None} if "deleted" in asked.path else feed(asked))

    async def main() -> None:
        async with Shop(base_url=server.url) as shop:
            reader = shop.orders.open_read()
            for _ in range(2):
                with pytest.raises(DecodeError):
                    await reader.next_page()

    world(main)


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "takes a path"),
        ({"path": "orders"}, "takes a path such as"),
        ({"path": 7}, "takes a path such as"),
        ({"path": "/x", "where": {"a": 1}}, "takes a path"),
        ({"where": {}}, "takes field → value"),
        ({"where": 7}, "takes field → value"),
        ({"where": {"a": 1}, "since_param": "s"}, "takes key= and at= besides"),
        ({"where": {"a": 1}, "records": "x"}, "takes key= and at= besides"),
        ({"path": "/x", "at": ""}, "at=…) takes a name"),
        ({"path": "/x", "since_param": "s"}, "needs at="),
        ({"path": "/x", "end_param": "e"}, "need since_param="),
        ({"path": "/x", "reach": 5}, "need since_param="),
        ({"path": "/x", "at": "a", "since_param": "s", "covered": "c"}, "needs records="),
        ({"path": "/x", "at": "a", "since_param": "s", "reach": 0}, "takes seconds above 0"),
        ({"path": "/x", "window": 5}, "takes a Window"),
        ({"path": "/x", "key": 5}, "key"),
        ({"path": "/x", "recrods": "a"}, "records"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        Tombstones(options.pop("path", None), **options)


def test_resources_take_tombstones_and_need_a_key() -> None:
    with pytest.raises(ConfigurationError, match="takes a Tombstones"):
        Resource("/x", key="id", tombstones={"status": "Deleted"})  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="needs key="):
        Resource("/x", tombstones=Tombstones("/y"))
    assert Resource("/x", tombstones=Tombstones("/y", key="id")).tombstones is not None
    assert "by {'a': 1}" in repr(Tombstones(params={"a": 1}))
    assert "/y" in repr(Tombstones("/y"))
    assert "marked" in repr(Tombstones(where={"a": 1}))


# ---------------------------------------------------------------------- what others make of them


class Told:
    key = "id"
    evidence = Evidence(complete=True)

    def pages(self, since: Checkpoint | None) -> Any:
        yield Page([Tombstone(1), {"id": 2, "v": 1}])
        yield Page([{"id": 3, "v": 1}, Tombstone(4)])


def test_a_mapping_passes_tombstones_through(world: Any) -> None:
    async def main() -> None:
        found = [record async for record in mapped(Told(), lambda record: {"key": record["id"]})]
        assert found == [Tombstone(1), {"key": 2}, {"key": 3}, Tombstone(4)]

    world(main)


def test_a_comparison_compares_what_is_there(world: Any) -> None:
    async def main() -> None:
        diff = await areconcile(Told(), [{"id": 2, "v": 1}, {"id": 3, "v": 1}, {"id": 4, "v": 1}], key="id")
        assert diff.summary["left"] == 2
        assert diff.summary["missing_left"] == 1
        assert diff.summary["equal"] == 2

    world(main)


def test_the_feed_of_a_resource_reaches_back_only_so_far_at_first(world: Any, serve: Any) -> None:
    asked: list[Any] = []

    def script(request: Any) -> Any:
        if request.path != "/orders":
            asked.append(request.params.get("since"))
            return {"deleted": [{"id": 1, "at": None}]}
        return {"orders": []}

    server = serve(script)

    class Books(Connector):
        paginator = ONE
        orders = Resource(
            "/orders",
            key="id",
            records="orders",
            tombstones=Tombstones("/cdc", at="at", since_param="since", reach=30 * 86400, records=lambda body: body["deleted"]),
        )

    async def main() -> None:
        asked.clear()
        async with Books(base_url=server.url) as books:
            found, checkpoint = await read(books.orders)
            assert found == [-1]
            assert asked[0] < _ago(books, 29 * 86400)
            # A delete without its moment moves nothing, and is known by its key all the same.
            assert checkpoint.deletes is not None
            assert (checkpoint.deletes["watermark"], set(checkpoint.deletes["ties"])) == (None, {"1"})
            assert (await read(books.orders, checkpoint))[0] == []

    world(main)


def test_a_feed_whose_deletes_are_not_where_they_should_be(world: Any, serve: Any) -> None:
    server = serve(lambda asked: {"orders": [], "latestDateCovered": "2026-01-01T00:00:00Z"})

    async def main() -> None:
        async with Force(base_url=server.url) as shop:
            with pytest.raises(DecodeError, match="there are no deletes at 'deletedRecords'"):
                await read(shop.orders)

    world(main)


def test_a_feed_that_names_no_paginator_is_read_as_the_resource_is(serve: Any) -> None:
    def answer(asked: Any) -> Any:
        if asked.path == "/orders":
            return {"rows": [{"id": 1}], "go_on": None}
        return {"rows": [{"id": 8 if "from" in asked.params else 7}], "go_on": None if "from" in asked.params else "b"}

    class Shop(Connector):
        orders = Resource(
            "/orders", key="id", records="rows", paginator=CursorPaginator("go_on", "from"), tombstones=Tombstones("/orders/deleted", records="rows")
        )

    with Shop(base_url=serve(answer).url) as shop:
        assert [getattr(record, "key", record) for record in shop.orders] == [7, 8, {"id": 1}]
