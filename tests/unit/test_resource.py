"""Resources: what they refuse when they are built, how they are read, and how single records are found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
import pytest

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, NotFound, ServerError
from integrakit.http import BearerToken, HeaderLinkPaginator, IdempotencyKey, SinglePagePaginator
from integrakit.model import Change, Checkpoint, Window
from integrakit.reading import WatermarkReader
from integrakit.testing import Faults, Simulator

ORDERS = [{"id": number, "status": "paid" if number % 2 else "open", "at": f"2026-01-0{number}"} for number in range(1, 8)]


@attrs.frozen
class Order:
    id: int
    status: str
    at: str


class Shop(Connector):
    paginator = HeaderLinkPaginator()
    retry = None
    orders = Resource("/orders", key="id", records="orders", cursor="at", since_param="at_min", update=Endpoint("PATCH", "/orders/{key}"))
    typed = Resource("/orders", key="id", records="orders", into=Order)


# ---------------------------------------------------------------------- wrong arguments


WRONG: list[dict[str, Any]] = [
    {"path": "orders"}, {"path": ""}, {"path": None}, {"path": 5}, {"path": "/orders?a=b"}, {"path": "/orders/{key}"}, {"path": "/orders#x"},
    {"key": ""}, {"key": 5}, {"key": ["id"]}, {"key": ()}, {"key": ("id", "")}, {"key": "a..b"},
    {"records": 5}, {"records": ""}, {"records": "a..b"},
    {"cursor": "at"}, {"since_param": "min"}, {"cursor": "", "since_param": "x"}, {"cursor": 5, "since_param": "x"},
    {"cursor": "x", "since_param": 5},
    {"cursor": "a..b", "since_param": "x"}, {"cursor": "x", "since_param": ""},
    {"window": Window()}, {"cursor": "at", "since_param": "min", "window": 300},
    {"params": ["a"]}, {"params": {1: 2}},
    {"paginator": "link"}, {"paginator": HeaderLinkPaginator},
    {"stability": "stable"}, {"into": "Order"}, {"on_invalid": print}, {"into": Order, "on_invalid": 5},
    {"method": ""}, {"method": 5},
    {"item": ""}, {"item": "orders/{key}"}, {"item": "/orders"}, {"item": "/orders/{"}, {"item": "/orders/{}"}, {"item": 5},
    {"item": "/orders/{id}"}, {"key": "id", "item": "/orders/{number}"}, {"key": ("a", "b"), "item": "/{a}/{c}"},
    {"create": "POST /orders"}, {"update": ("PATCH", "/orders")}, {"upsert": Endpoint}, {"delete": True}, {"batch": 100},
    {"delete": Endpoint("DELETE", "/orders")}, {"delete": Endpoint("POST", "/orders/purge")}, {"batch": Endpoint("POST", "/orders/{key}/batch")},
    {"create": Endpoint("POST", "/orders", size=5)}, {"update": Endpoint("PUT", "/x/{key}", results="a")},
    {"upsert": Endpoint("PUT", "/x/{key}", correlate="a")},
    {"find": "/orders?id={id}"}, {"find": {"id": 5}}, {"find": {"id": "/orders"}}, {"find": {"id": "/orders?id={key}"}}, {"find": {5: "/x/{5}"}},
    {"find": {"id": "orders?id={id}"}}, {"find": {"id": "/{shop}/orders?id={id}"}}, {"find": {"id": "/orders?id={id}}"}},
    {"nonsense": 1},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_wrong_arguments_are_refused_when_it_is_built(wrong: dict[str, Any]) -> None:
    options = {"path": "/orders", **wrong}
    with pytest.raises(ConfigurationError):
        Resource(options.pop("path"), **options)


def test_right_arguments_are_taken() -> None:
    resource = Resource(
        "/orders", key=("shop", "number"), item="/shops/{shop}/orders/{number}", find={"email": "/orders?email={email}"}, method="post", json={},
        batch=Endpoint("POST", "/orders/batch", size=7),
    )  # fmt: skip
    assert resource.limits.batch == 7
    assert resource.writable
    assert not Resource("/orders").writable
    assert Resource("/orders").limits.batch is None


# ---------------------------------------------------------------------- reading


def test_reading(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}, page_size=3) as api:
            async with Shop(base_url=api.url) as shop:
                assert shop.orders.evidence.reasons == ("nothing was read yet",)
                assert [order async for order in shop.orders] == ORDERS
                assert shop.orders.evidence.complete is True
                assert [len(page) async for page in shop.orders.pages()] == [3, 3, 1]
                read = shop.orders.read()
                assert [order["id"] async for order in read] == [1, 2, 3, 4, 5, 6, 7]
                assert read.evidence.records == 7

    world(main)


def test_reading_in_blocking_code() -> None:
    with Simulator({"orders": ORDERS}, page_size=3) as api, Shop(base_url=api.url) as shop:
        assert list(shop.orders) == shop.orders.to_list() == ORDERS
        assert [len(page) for page in shop.orders.pages()] == [3, 3, 1]
        assert next(iter(shop.typed)) == Order(1, "paid", "2026-01-01")
        assert shop.orders.get(3) == ORDERS[2]
        assert shop.orders.find([3, 99]) == {3: ORDERS[2]}


def test_narrowing_leaves_the_whole_as_it_was(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}) as api:
            async with Shop(base_url=api.url) as shop:
                assert len([order async for order in shop.orders]) == 7
                paid = shop.orders.where(status="paid")
                assert paid.evidence.reasons == ("nothing was read yet",)
                assert [order["id"] async for order in paid] == [1, 3, 5, 7]
                assert [order["id"] async for order in paid.where(id=3)] == [3]
                assert [order["id"] async for order in paid.where(status="open")] == [2, 4, 6]
                assert (paid.evidence.records, shop.orders.evidence.records) == (4, 7)
                assert paid.client is shop
                assert [order["id"] async for order in paid.where(self=1)] == [1, 3, 5, 7]

    world(main)


def test_from_a_checkpoint_on(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}, page_size=3) as api:
            async with Shop(base_url=api.url) as shop:
                pages = [page async for page in shop.orders.pages()]
                rest = shop.orders.since(pages[0].checkpoint)
                assert [order["id"] async for order in rest] == [4, 5, 6, 7]
                assert [order["id"] async for page in shop.orders.pages(pages[1].checkpoint) for order in page.records] == [7]
                assert [order["id"] async for order in shop.orders.since(None)] == [1, 2, 3, 4, 5, 6, 7]
                reader = shop.orders.open_read()
                assert isinstance(reader, WatermarkReader)
                while await reader.next_page() is not None:
                    pass
                newest = shop.orders.since(reader.checkpoint)
                assert [order["id"] async for order in newest] == [], "the one at the watermark came again, and is still what it was"
                api.put("orders", {**ORDERS[-1], "status": "refunded"})
                assert [order["id"] async for order in newest] == [7]
                assert api.requests[-1].query["at_min"] == "2026-01-07"
                with pytest.raises(CheckpointMismatch):
                    [order async for order in newest.where(status="paid")]

    world(main)


@pytest.mark.parametrize("since", ["2026-01-01", 5, {"watermark": "2026-01-01"}, datetime(2026, 1, 1), b"", 0])
def test_a_checkpoint_is_never_a_bare_value(since: Any) -> None:
    shop = Shop(base_url="https://x.example")
    for begin in (shop.orders.since, shop.orders.open_read, shop.orders.pages):
        with pytest.raises(ConfigurationError, match="a read begins at a Checkpoint, or None"):
            begin(since)  # type: ignore[operator]


def test_a_description_cannot_be_read_or_written() -> None:
    for use in (Shop.orders.to_list, lambda: Shop.orders.get(1), lambda: Shop.orders.write([]), lambda: Shop.orders.takes_keys):
        with pytest.raises(ConfigurationError, match="'orders' is a description"):
            use()


# ---------------------------------------------------------------------- one record


def test_one_record(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [*ORDERS, {"id": "a/b ü", "status": "odd", "at": "2026"}]}) as api:
            async with Shop(base_url=api.url) as shop:
                assert await shop.orders.aget(3) == ORDERS[2]
                assert await shop.orders.aget("3") == ORDERS[2]
                assert (await shop.orders.aget("a/b ü"))["status"] == "odd"
                assert api.requests[-1].path == "/orders/a%2Fb%20%C3%BC"
                assert await shop.typed.aget(3) == Order(3, "paid", "2026-01-03")
                with pytest.raises(NotFound):
                    await shop.orders.aget(99)
                count = len(api.requests)
                for key in (None, "", "..", ".", {"id": 1}, (1, 2), True):
                    with pytest.raises(ConfigurationError):
                        await shop.orders.aget(key)
                assert len(api.requests) == count

    world(main)


def answering(world: Any, serve: Any, answer: Callable[[Any], Any], body: Callable[[Any, Any], Any], **options: Any) -> Any:
    """Runs ``body(resource, server)`` against a server that gives ``answer(asked)``."""

    class Odd(Connector):
        retry = None
        things = Resource("/things", **{"key": "id", **options})

    server = serve(answer)

    async def main() -> Any:
        async with Odd(base_url=server.url) as odd:
            return await body(odd.things, server)

    return world(main)


@pytest.mark.parametrize(
    ("body", "record"),
    [
        ({"id": 1, "a": {"b": 2}}, {"id": 1, "a": {"b": 2}}),
        ({"thing": {"id": 1}}, {"id": 1}),
        ({"data": {"id": 1}, "links": {}}, {"data": {"id": 1}, "links": {}}),
        ({"id": {"nested": 1}}, {"id": {"nested": 1}}),
        ({}, {}),
    ],
)
def test_records_in_a_wrapper(body: Any, record: Any, world: Any, serve: Any) -> None:
    async def get(things: Any, server: Any) -> Any:
        return await things.aget(1)

    assert answering(world, serve, lambda asked: body, get) == record


@pytest.mark.parametrize("body", [[], [{"id": 1}], None, "text", 5])
def test_what_is_no_record_is_an_error(body: Any, world: Any, serve: Any) -> None:
    async def get(things: Any, server: Any) -> None:
        with pytest.raises(DecodeError, match="where one record was agreed"):
            await things.aget(1)

    answering(world, serve, lambda asked: body, get)


def test_a_misfit_names_the_record(world: Any, serve: Any) -> None:
    async def get(things: Any, server: Any) -> None:
        with pytest.raises(DecodeError, match="record 1 of things does not fit Order"):
            await things.aget(1)

    answering(world, serve, lambda asked: {"id": "x"}, get, into=Order)


def test_composite_keys_fill_the_item(world: Any, serve: Any) -> None:
    async def get(things: Any, server: Any) -> None:
        await things.aget(("a/b", 7))
        await things.aget([1, 2])
        assert [asked.target for asked in server.asked] == ["/shops/a%2Fb/things/7", "/shops/1/things/2"]
        with pytest.raises(ConfigurationError):
            await things.aget(("a", "b", "c"))

    answering(world, serve, lambda asked: {}, get, key=("shop", "number"), item="/shops/{shop}/things/{number}")


def test_the_key_field_fills_the_item_too(world: Any, serve: Any) -> None:
    async def get(things: Any, server: Any) -> str:
        await things.aget(7)
        return str(server.asked[0].target)

    assert answering(world, serve, lambda asked: {}, get, item="/thing/{id}.json") == "/thing/7.json"


# ---------------------------------------------------------------------- find


def test_finding_by_item(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}) as api:
            async with Shop(base_url=api.url) as shop:
                assert await shop.orders.afind([3, 99, 1]) == {3: ORDERS[2], 1: ORDERS[0]}
                assert await shop.typed.afind([3]) == {3: ORDERS[2]}  # as the system has them
                assert await shop.orders.afind([]) == {}
                api.faults = Faults(error=1.0)
                with pytest.raises(ServerError):
                    await shop.orders.afind([3])

    world(main)


@pytest.mark.parametrize(
    "body",
    [
        [{"email": "a@x"}],
        {"things": [{"email": "b@x"}, {"email": "a@x"}]},
        {"things": [{"email": "a@x"}], "tags": [{"id": 9}]},
        {"email": "a@x"},
        {"person": {"email": "a@x"}},
        {"other": [{"email": "a@x"}]},
    ],
)
def test_finding_by_search(body: Any, world: Any, serve: Any) -> None:
    async def find(things: Any, server: Any) -> None:
        found = await things.afind(["a@x"])
        assert found == {"a@x": {"email": "a@x"}}
        assert server.asked[0].params == {"email": "a@x"}

    answering(world, serve, lambda asked: body, find, key="email", records="things", find={"email": "/search?email={email}"})


@pytest.mark.parametrize("body", [[], {"things": []}, [{"email": "aa@x"}, {"id": 3}], {"email": "aa@x"}, {"things": None}, (204, {}, b"")])
def test_a_search_that_finds_only_others_finds_nothing(body: Any, world: Any, serve: Any) -> None:
    async def find(things: Any, server: Any) -> Any:
        return await things.afind(["a@x"])

    assert answering(world, serve, lambda asked: body, find, key="email", records="things", find={"email": "/search?email={email}"}) == {}


def test_a_search_may_take_a_function_for_its_records(world: Any, serve: Any) -> None:
    async def find(things: Any, server: Any) -> Any:
        return await things.afind([7])

    options: dict[str, Any] = {"records": lambda body: body["a"]["b"], "find": {"id": "/search?id={id}"}}
    assert answering(world, serve, lambda asked: {"a": {"b": [{"id": "7"}]}, "c": []}, find, **options) == {7: {"id": "7"}}


def test_a_404_says_something_about_an_address_and_nothing_by_a_search(world: Any, serve: Any) -> None:
    async def find(things: Any, server: Any) -> Any:
        return await things.afind([7])

    async def fail(things: Any, server: Any) -> None:
        with pytest.raises(NotFound):
            await things.afind([7])

    def nothing(asked: Any) -> Any:
        return 404, {}, {}

    assert answering(world, serve, nothing, find, find={"id": "/by-id/{id}"}) == {}
    answering(world, serve, nothing, fail, find={"id": "/search?id={id}"})


def test_what_can_be_asked_for() -> None:
    item, search = {"item": "/t/{key}"}, {"find": {"id": "/s?id={id}"}}
    put = {"update": Endpoint("PUT", "/t/{key}")}
    assert Resource("/t", key="id", **item).findable  # type: ignore[arg-type]
    assert Resource("/t", key="id", **search).findable  # type: ignore[arg-type]
    assert Resource("/t", key="id", **put).findable  # type: ignore[arg-type]
    assert not Resource("/t", **item).findable  # type: ignore[arg-type]
    assert not Resource("/t", key=("id", "b"), **put).findable  # type: ignore[arg-type]
    # The 404 of a path that is only a guess would be taken for "it is not there", and the record written twice.
    assert not Resource("/t", key="id", create=Endpoint("POST", "/t")).findable
    assert not Resource("/t", key="id", find={"email": "/s?email={email}"}).findable


def test_what_may_be_sent_again() -> None:
    class Kinds(Connector):
        base_url = "https://x.example"
        idempotency = IdempotencyKey(header="K")
        posts = Resource("/t", create=Endpoint("POST", "/t"), delete=Endpoint("DELETE", "/t/{key}"))
        puts = Resource("/t", upsert=Endpoint("PUT", "/t/{key}"))
        many = Resource("/t", batch=Endpoint("POST", "/t"))

    kinds: Any = Kinds()
    assert [kinds.posts.repeatable, kinds.puts.repeatable, kinds.many.repeatable] == [False, True, False]
    assert [kinds.posts.deletes, kinds.puts.deletes] == [True, False]
    # After a restart a batch is put together anew, so the server would not recognise what it had of the old one.
    assert [kinds.posts.takes_keys, kinds.many.takes_keys] == [True, False]
    without: Any = Kinds(idempotency=None)
    assert not without.posts.takes_keys


def test_only_changes_are_written() -> None:
    shop = Shop(base_url="https://x.example")
    for wrong in ([{"id": 1}], [Change.update(1, {}), None], ["x"]):
        with pytest.raises(ConfigurationError, match="takes changes"):
            shop.orders.write(wrong)  # type: ignore[arg-type]


def test_it_describes_itself() -> None:
    resource = Resource("/orders", key="id", cursor="at", since_param="x", paginator=SinglePagePaginator(), upsert=Endpoint("PUT", "/o/{key}"))
    assert resource.describe() == "| `/orders` | `/orders` | id | at | SinglePagePaginator | upsert |"
    assert Resource("/x").describe() == "| `/x` | `/x` | – | – | the connector's | read only |"


def test_credentials_go_along(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}, auth="the-token") as api:
            async with Shop(base_url=api.url, auth=BearerToken("the-token")) as shop:
                assert await shop.orders.aget(1) == ORDERS[0]

    world(main)


def test_checkpoints_of_other_resources_are_refused(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ORDERS}) as api:
            async with Shop(base_url=api.url) as shop:
                with pytest.raises(CheckpointMismatch):
                    await shop.orders.open_read(Checkpoint(resource="/customers", watermark="2026")).next_page()

    world(main)


def test_keys_for_other_methods_do_not_make_a_post_safe_to_repeat():
    class Books(Connector):
        base_url = "https://books.example"
        invoices = Resource("/invoices", key="id", create=Endpoint("POST", "/invoices"))

    assert Books(idempotency=IdempotencyKey(header="Idempotency-Key")).invoices.takes_keys
    assert not Books(idempotency=IdempotencyKey(header="Idempotency-Key", methods=["PATCH"])).invoices.takes_keys
