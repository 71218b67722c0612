"""Relay connections: their pages, what is cut off inside of their records, and bodies that are wrong; in every colour."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.fakes.graphql_server import GraphQLServer, Rows

import integrakit as ik
from integrakit import errors
from integrakit.http import Client, NestedConnection, RelayPaginator, Request, Response
from integrakit.runtimes import SimulatedRuntime

URL = "https://shop.example/graphql"
ORDERS = "query($first: Int, $after: String, $status: String) { orders(first: $first, after: $after, status: $status) { %s } }"
NODES = ORDERS % "nodes { id } pageInfo { hasNextPage endCursor }"
EDGES = ORDERS % "edges { cursor node { id } } pageInfo { hasNextPage endCursor }"
DEEP = ORDERS % (
    """nodes { id
         items(first: 2) {
           nodes { id discounts(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } }
           pageInfo { hasNextPage endCursor } }
       } pageInfo { hasNextPage endCursor }"""
)
ITEMS = NestedConnection(
    "items",
    query="""query Items($id: ID!, $after: String) { node(id: $id) { ... on Order { items(first: 3, after: $after) {
        nodes { id discounts(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } } pageInfo { hasNextPage endCursor } } } } }""",
    connection="data.node.items",
)
DISCOUNTS = NestedConnection(
    "items.discounts",
    query="""query($id: ID!, $after: String) { node(id: $id) { ... on Item { discounts(first: 2, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor } } } } }""",
    connection="data.node.discounts",
)


def shop(orders: int = 23, items: int = 7, discounts: int = 4) -> GraphQLServer:
    """Orders with items with discounts; an order of an even number has one item only, and an item of an even number one discount."""
    things: dict[str, Any] = {}

    def thing(key: str, **more: Any) -> dict[str, Any]:
        things[key] = {"id": key, **more}
        return things[key]

    def item(key: str, number: int) -> dict[str, Any]:
        return thing(key, discounts=Rows(thing(f"{key}.{n}") for n in range(discounts if number % 2 else 1)))

    rows = [
        thing(f"o{number}", status="paid" if number % 3 else "open", items=Rows(item(f"o{number}.{n}", n) for n in range(items if number % 2 else 1)))
        for number in range(orders)
    ]

    def found(status: str | None = None, **args: Any) -> Any:
        return Rows(row for row in rows if status in (None, row["status"])).page(args)

    server = GraphQLServer({"orders": found, "node": lambda **given: things.get(given["id"])})
    server.things = things  # type: ignore[attr-defined]
    return server


def ids(rows: list[Any]) -> list[str]:
    return [row["id"] for row in rows]


def stream(client: Client, query: str = NODES, paginator: Any = None, variables: Any = None, **options: Any) -> Any:
    paginator = paginator or RelayPaginator("data.orders")
    body = {"query": query, "variables": {"first": 5, **(variables or {})}}
    return client.stream("", method="POST", json=body, paginator=paginator, key="id", **options)


def read(server: GraphQLServer, *args: Any, **options: Any) -> Any:
    with Client(URL, http=server.http(), retry=None) as client:
        reading = stream(client, *args, **options).read()
        return list(reading), reading.evidence


def refused(server: GraphQLServer, *args: Any, **options: Any) -> Any:
    with Client(URL, http=server.http(), retry=None) as client, pytest.raises(ik.IntegrakitError) as caught:
        list(stream(client, *args, **options))
    return caught.value


# ---------------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("query", [NODES, EDGES])
def test_pages_are_read_to_the_end(world: Any, query: str) -> None:
    server = shop()

    async def main() -> Any:
        async with Client(URL, http=server.http()) as client:
            reading = stream(client, query).read()
            return [record async for record in reading], reading.evidence

    records, evidence = world(main)
    assert ids(records) == [f"o{number}" for number in range(23)]
    assert (evidence.complete, evidence.pages, evidence.stability) == (True, 5, "keyset")
    assert [asked["variables"].get("after") for asked in server.asked] == [None, "row 4", "row 9", "row 14", "row 19"]


def test_it_reads_over_a_real_connection_and_goes_on_where_it_stopped(serve: Any) -> None:
    server = shop()
    loopback = serve(server.serve)
    with Client(loopback.url) as client:
        body = {"query": NODES, "variables": {"first": 10}}
        collection = client.stream("/graphql", method="POST", json=body, paginator=RelayPaginator("data.orders"))
        first = next(iter(collection.pages()))
        assert first.checkpoint.mode == "relay"
        kept = ik.Checkpoint.from_dict(json.loads(json.dumps(first.checkpoint.to_dict())))
        rest = [record for page in collection.pages(kept) for record in page.records]
    assert ids(first.records) + ids(rest) == [f"o{number}" for number in range(23)]


def test_parameters_of_the_read_become_variables() -> None:
    server = shop()
    records, _ = read(server, params={"status": "open"}, start={"first": 3})
    assert ids(records) == ["o0", "o3", "o6", "o9", "o12", "o15", "o18", "o21"]
    assert server.asked[0]["variables"] == {"first": 3, "status": "open"}
    assert [asked["variables"].get("after") for asked in server.asked] == [None, "row 2", "row 5"]


def test_a_resource_begins_at_its_watermark_by_a_variable(world: Any) -> None:
    rows = [{"id": n, "updated": f"2026-11-0{n}T00:00:00Z"} for n in range(1, 6)]

    def orders(query: str | None = None, **args: Any) -> Any:
        since = "" if query is None else query.removeprefix("updated_at:>='").removesuffix("'")
        return Rows(row for row in rows if row["updated"] >= since).page(args)

    server = GraphQLServer({"orders": orders})
    document = """query($first: Int, $after: String, $query: String) {
        orders(first: $first, after: $after, query: $query) { nodes { id updated } pageInfo { hasNextPage endCursor } } }"""

    class Dated(ik.Connector):
        base_url = "https://shop.example"
        orders = ik.Resource(
            "/graphql",
            method="POST",
            json={"query": document, "variables": {"first": 2}},
            paginator=RelayPaginator("data.orders", templates={"query": "updated_at:>='{}'"}),
            key="id",
            cursor="updated",
            since_param="query",
            window=ik.Window(overlap=0, settle=0),
        )

    async def main() -> Any:
        async with Dated(http=server.http()) as connector:
            reader = connector.orders.open_read()
            while await reader.next_page():
                pass
            kept = ik.Checkpoint.from_dict(json.loads(json.dumps(reader.checkpoint.to_dict())))
            rows.append({"id": 6, "updated": "2026-11-06T00:00:00Z"})
            return [record async for record in connector.orders.since(kept)]

    assert ids(world(main))[-1] == 6
    assert [asked["variables"].get("query") for asked in server.asked] == [None] * 3 + ["updated_at:>='2026-11-05T00:00:00Z'"]


def test_a_value_of_a_template_says_nothing_but_itself() -> None:
    server = shop()
    paginator = RelayPaginator("data.orders", templates={"status": "status:'{}'"})
    with pytest.raises(errors.DecodeError, match="a quote or a backslash"):
        read(server, paginator=paginator, params={"status": "x' OR status:'y"})
    assert server.asked == []


@pytest.mark.parametrize("gone", [{"message": "`b` is no valid cursor", "type": "INVALID_CURSOR_ARGUMENTS"}, {"message": "bad cursor"}])
def test_a_cursor_that_the_server_does_not_know_any_more_is_no_end(world: Any, gone: Any) -> None:
    server = shop()

    async def main() -> Any:
        async with Client(URL, http=server.http(), retry=None) as client:
            first = await stream(client).open_read().next_page()
            server.script.append({"errors": [gone]})
            reading = stream(client).open_read(first.checkpoint)
            records = []
            while page := await reading.next_page():
                records += page.records
            return records, reading.evidence

    records, evidence = world(main)
    assert ids(records) == [f"o{number}" for number in range(23)]
    assert "does not know the page any more" in str(evidence.notes)


def test_a_server_that_is_busy_still_knows_its_cursors() -> None:
    server = shop()
    with Client(URL, http=server.http(), retry=None) as client:
        first = next(iter(stream(client).pages()))
        server.script.append({"errors": [{"message": "busy", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})
        with pytest.raises(errors.ServerError):
            list(stream(client).pages(first.checkpoint))


class Shop(ik.Connector):
    base_url = "https://shop.example"
    orders = ik.Resource(
        "/graphql",
        method="POST",
        json={"query": DEEP, "variables": {"first": 5}},
        paginator=RelayPaginator("data.orders", nested=[ITEMS, DISCOUNTS]),
        key="id",
    )


def test_a_resource_of_a_connector_reads_them(world: Any) -> None:
    server = shop()

    async def main() -> Any:
        async with Shop(http=server.http()) as connector:
            paid = connector.orders.where(status="paid")
            return [record async for record in paid], paid.evidence

    records, evidence = world(main)
    assert evidence.complete is True
    assert ids(records) == [f"o{number}" for number in range(23) if number % 3]
    assert len(records[0]["items"]["nodes"]) == 7


def test_the_declared_total_is_held_against_what_came() -> None:
    query = ORDERS % "nodes { id } totalCount pageInfo { hasNextPage endCursor }"
    _, evidence = read(shop(), query, RelayPaginator("data.orders", total="data.orders.totalCount"))
    assert (evidence.declared_total, evidence.complete) == (23, True)


def test_the_cursor_may_be_a_parameter_of_the_query() -> None:
    page = {"data": {"orders": {"nodes": [{"id": 1}], "pageInfo": {"hasNextPage": True, "endCursor": 7}}}}
    end = {"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": False}}}}
    asked: list[Request] = []

    async def host(request: Request, world: SimulatedRuntime) -> Any:
        asked.append(request)
        return 200, [("Content-Type", "application/json")], json.dumps(page if len(asked) == 1 else end).encode()

    async def main() -> Any:
        async with Client("https://shop.example") as client:
            found = client.stream("/orders", params={"a": 1}, paginator=RelayPaginator("data.orders", param="after", in_="params"))
            return [record async for record in found]

    world = SimulatedRuntime()
    world.hosts[("https", "shop.example", 443)] = host
    assert world.run(main()) == [{"id": 1}]
    assert [request.params for request in asked] == [{"a": 1}, {"a": 1, "after": 7}]


# ---------------------------------------------------------------------------------------------------- what goes wrong


def test_errors_in_a_page_of_status_200_are_raised(world: Any) -> None:
    server = shop()

    gone = {"message": "gone", "path": ["orders"], "extensions": {"code": "NOT_FOUND"}}

    async def main() -> Any:
        async with Client(URL, http=server.http(), retry=None) as client:
            reader = stream(client).open_read()
            seen = list((await reader.next_page()).records)
            server.script.append({"data": {"orders": None}, "errors": [gone]})
            with pytest.raises(errors.NotFound, match=r"gone \(NOT_FOUND\) at data.orders"):
                await reader.next_page()
            while page := await reader.next_page():  # the same page is asked for again
                seen += page.records
            return seen

    assert ids(world(main)) == [f"o{number}" for number in range(23)]


def test_a_page_is_sent_again_like_a_get() -> None:
    server = shop()
    server.script += [(502, b""), {"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}]

    async def main() -> Any:
        async with Client(URL, http=server.http()) as client:
            return [record async for record in stream(client)]

    assert len(SimulatedRuntime().run(main())) == 23
    assert len(server.asked) == 7


def connection(**parts: Any) -> dict[str, Any]:
    return {"data": {"orders": {"nodes": [{"id": 1}], "pageInfo": {"hasNextPage": False, "endCursor": None}, **parts}}}


MORE = {"hasNextPage": True, "endCursor": "c"}


@pytest.mark.parametrize(
    ("body", "words", "path"),
    [
        ({"data": {"orders": {"nodes": []}}}, "has no pageInfo, so nobody can tell whether that is all: ask for pageInfo", "data.orders.pageInfo"),
        (connection(pageInfo=[]), "a pageInfo that is a list", "data.orders.pageInfo"),
        (connection(pageInfo=None), "a pageInfo that is null", "data.orders.pageInfo"),
        (connection(pageInfo={}), "has no hasNextPage", "data.orders.pageInfo.hasNextPage"),
        (connection(pageInfo={"hasNextPage": "false"}), "a hasNextPage that is a str", "data.orders.pageInfo.hasNextPage"),
        (connection(pageInfo={"hasNextPage": None}), "a hasNextPage that is null", "data.orders.pageInfo.hasNextPage"),
        (connection(pageInfo={"hasNextPage": True}), "there is more, and there is no endCursor", "data.orders.pageInfo.endCursor"),
        (connection(pageInfo={**MORE, "endCursor": None}), "its endCursor is null", "data.orders.pageInfo.endCursor"),
        (connection(pageInfo={**MORE, "endCursor": ""}), "its endCursor is empty", "data.orders.pageInfo.endCursor"),
        (connection(pageInfo={**MORE, "endCursor": True}), "its endCursor is a bool", "data.orders.pageInfo.endCursor"),
        (connection(pageInfo={**MORE, "endCursor": ["c"]}), "its endCursor is a list", "data.orders.pageInfo.endCursor"),
        (connection(nodes=None), "data.orders holds nodes: null where a list was agreed", "data.orders"),
        (connection(nodes={}, edges=7), "holds nodes: a dict and edges: a int", "data.orders"),
        ({"data": {"orders": {"pageInfo": MORE}}}, "has neither nodes nor edges", "data.orders"),
        (connection(nodes=None, edges=[{"cursor": "c"}]), "data.orders.edges.0 has no node", "data.orders.edges.0"),
        (connection(nodes=None, edges=[5]), "data.orders.edges.0 holds a int", "data.orders.edges.0"),
        ({"data": {"orders": None}}, "data.orders is null, or what it stands in is", "data.orders"),
        ({"data": {"orders": []}}, "data.orders holds a list where a connection was agreed", "data.orders"),
        ({"data": {"products": {}}}, "no connection at 'data.orders': data has 'products'", "data.orders"),
        ({"data": {}}, "no connection at 'data.orders': data has nothing", "data.orders"),
    ],
)
def test_a_body_that_is_no_connection_is_said(body: Any, words: str, path: str) -> None:
    server = shop()
    server.script.append(body)
    error = refused(server)
    assert isinstance(error, errors.DecodeError)
    assert words in str(error)
    assert (error.path, error.response.status_code) == (path, 200)


@pytest.mark.parametrize("cursors", [["c", "c"], ["a", "b", "a"]])
def test_a_cursor_that_comes_again_is_no_way_on(cursors: list[str]) -> None:
    server = shop()
    server.script += [connection(nodes=[{"id": n}], pageInfo={**MORE, "endCursor": cursor}) for n, cursor in enumerate(cursors)]
    assert isinstance(refused(server), errors.PaginationStalled)
    assert len(server.asked) == len(cursors)


def test_the_cursor_that_was_sent_is_no_way_on_whoever_reads() -> None:
    paginator = RelayPaginator("data.orders")
    request = Request(method="POST", url=URL, json={"query": NODES, "variables": {"after": "c"}})
    response = Response(httpx.Response(200, json=connection(pageInfo=MORE)), request)
    with pytest.raises(errors.PaginationStalled, match="ends at the cursor that was sent, 'c'"):
        paginator.next_request(request, response, [])


@pytest.mark.parametrize("rows", [[1, 2], ["a"], [[{"id": 1}]]])
def test_records_need_not_be_objects(rows: list[Any]) -> None:
    server = shop()
    server.script.append(connection(nodes=rows))
    with Client(URL, http=server.http()) as client:
        found = client.stream("", method="POST", json={"query": NODES}, paginator=RelayPaginator("data.orders")).read()
        assert list(found) == rows
        assert found.evidence.complete is True


def test_moments_and_numbers_go_out_as_in_any_body() -> None:
    server = shop()
    records, _ = read(server, params={"status": None, "since": datetime(2026, 11, 21, 8, tzinfo=UTC), "least": Decimal("1.50"), "ids": ["a"]})
    assert len(records) == 23
    assert server.asked[0]["variables"] == {"first": 5, "status": None, "since": "2026-11-21T08:00:00+00:00", "least": 1.5, "ids": ["a"]}


@pytest.mark.parametrize("parts", [{"nodes": [None, {"id": 1}, None]}, {"nodes": None, "edges": [None, {"node": {"id": 1}}, {"node": None}]}])
def test_records_that_come_as_null_were_withheld(parts: Any) -> None:
    server = shop()
    server.script.append(connection(**parts))
    with pytest.warns(errors.IncompleteReadWarning):
        records, evidence = read(server, incomplete="warn")
    assert records == [{"id": 1}]
    assert evidence.complete is False
    assert "2 records of data.orders came as null: the server withheld them" in evidence.reasons


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"json": None}, "RelayPaginator reads by POST"),
        ({"json": [1]}, "RelayPaginator reads by POST"),
        ({"json": {"query": "mutation($after: String) { a }"}}, "the document's mutation does not only read"),
        ({"json": {"query": "subscription($after: String) { a }"}}, "does not only read"),
        ({"json": {"query": "{ orders { nodes { id } } }"}}, "no variable \\$after"),
        ({"json": {"query": "query($cursor: String) { a }"}}, "no variable \\$after, which RelayPaginator\\(param='variables.after'\\) sends"),
        ({"json": {"query": "query A { a } query B { b }"}}, "has 2 operations"),
        ({"json": {"query": "{ a"}}, "ends before"),
    ],
)
def test_a_query_that_cannot_be_paged_is_said_before_anything_is_sent(options: Any, words: str) -> None:
    server = shop()
    with Client(URL, http=server.http()) as client, pytest.raises(errors.ConfigurationError, match=words):
        list(client.stream("", method="POST", paginator=RelayPaginator("data.orders"), **options))
    assert server.asked == []


def test_a_document_that_is_kept_by_the_server_is_taken_as_it_is() -> None:
    server = shop()
    server.script.append(connection())
    with Client(URL, http=server.http()) as client:
        body = {"extensions": {"persistedQuery": {"sha256Hash": "ab"}}}
        assert list(client.stream("", method="POST", json=body, paginator=RelayPaginator("data.orders"))) == [{"id": 1}]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RelayPaginator(""), "connection"),
        (lambda: RelayPaginator("header:X"), "connection"),
        (lambda: RelayPaginator(7), "connection"),  # type: ignore[arg-type]
        (lambda: RelayPaginator("data.orders", param=""), "param"),
        (lambda: RelayPaginator("data.orders", param="a..b"), "dotted path"),
        (lambda: RelayPaginator("data.orders", in_="body"), "in_"),  # type: ignore[arg-type]
        (lambda: RelayPaginator("data.orders", nested=ITEMS), "nested=…\\) takes a list"),  # type: ignore[arg-type]
        (lambda: RelayPaginator("data.orders", nested=["items"]), "nested=…\\) takes a list"),  # type: ignore[list-item]
        (lambda: RelayPaginator("data.orders", nested=5), "nested=…\\) takes a list"),  # type: ignore[arg-type]
        (lambda: RelayPaginator("data.orders", nested=[ITEMS, ITEMS]), "twice"),
        (lambda: RelayPaginator("data.orders", partial="items"), "partial=…\\) takes a list"),  # type: ignore[arg-type]
        (lambda: RelayPaginator("data.orders", partial=[""]), "partial=…\\) takes a list"),
        (lambda: RelayPaginator("data.orders", nested=[ITEMS], partial=["items"]), "in nested= and in partial="),
        (lambda: RelayPaginator("data.orders", templates=["a"]), "takes a mapping"),  # type: ignore[arg-type]
        (lambda: RelayPaginator("data.orders", templates={"a": "b"}), "one place for the value"),
        (lambda: RelayPaginator("data.orders", templates={"a": "x{}y"}), "must stand in quotes"),
        (lambda: NestedConnection("", query=ITEMS.query, connection="data.a"), "path"),
        (lambda: NestedConnection("a", query=ITEMS.query, connection="data..a"), "connection"),
        (lambda: NestedConnection("a", query="{ a }", connection="data.a"), "no variable \\$id, which is the id of the parent"),
        (lambda: NestedConnection("a", query="query($id: ID!) { a }", connection="data.a"), "no variable \\$after, which is the cursor"),
        (lambda: NestedConnection("a", query="mutation($id: ID!, $after: String) { a }", connection="data.a"), "takes a query: a mutation"),
        (lambda: NestedConnection("a", query=ITEMS.query, connection="data.a", id_variable="$id"), "without its \\$"),
        (lambda: NestedConnection("a", query=ITEMS.query, connection="data.a", variables=[1]), "variables"),  # type: ignore[arg-type]
        (lambda: NestedConnection("a", query=ITEMS.query, connection="data.a", pages=0), "pages"),
        (lambda: NestedConnection("a", query=ITEMS.query, connection="data.a", cost=True), "cost"),
    ],
)
def test_wrong_arguments_are_said_when_it_is_built(make: Any, words: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=words):
        make()


# ---------------------------------------------------------------------------------------------------- inside of records


def whole(server: GraphQLServer) -> dict[str, list[str]]:
    """What each connection holds, by its parent."""
    things: dict[str, Any] = server.things  # type: ignore[attr-defined]
    return {key: ids(row.get("items") or row.get("discounts") or []) for key, row in things.items()}


def test_connections_inside_of_records_are_read_to_their_end_at_any_depth(world: Any) -> None:
    server = shop()
    paginator = RelayPaginator("data.orders", nested=[ITEMS, DISCOUNTS])

    async def main() -> Any:
        async with Client(URL, http=server.http()) as client:
            reading = stream(client, DEEP, paginator).read()
            return [record async for record in reading], reading.evidence

    records, evidence = world(main)
    expected = whole(server)
    assert (evidence.complete, evidence.reasons, evidence.records, evidence.pages) == (True, (), 23, 5)
    for record in records:
        assert ids(record["items"]["nodes"]) == expected[record["id"]]
        assert record["items"]["pageInfo"]["hasNextPage"] is False
        for item in record["items"]["nodes"]:
            assert ids(item["discounts"]["nodes"]) == expected[item["id"]]
            assert item["discounts"]["pageInfo"]["hasNextPage"] is False
    nested = [asked["variables"] for asked in server.asked if "node(" in asked["query"]]
    assert {"id": "o1", "after": "row 1"} in nested
    assert len(nested) == len({(each["id"], each["after"]) for each in nested})  # nothing is asked for twice


def test_edges_stay_edges() -> None:
    server = shop(orders=2)
    items = "items(first: 2) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }"
    query = ORDERS % f"edges {{ node {{ id {items} }} }} pageInfo {{ hasNextPage endCursor }}"
    inside = "edges { cursor node { id } }"
    for inner in (inside, "nodes { id }"):
        nested = NestedConnection(
            "items",
            query="query($order: ID!, $cursor: String, $n: Int) { node(id: $order) { items(first: $n, after: $cursor) "
            f"{{ {inner} pageInfo {{ hasNextPage endCursor }} }} }} }}",
            connection="data.node.items",
            id_variable="order",
            after="cursor",
            variables={"n": 4},
            cost=3,
        )
        records, evidence = read(server, query, RelayPaginator("data.orders", nested=[nested]))
        assert evidence.complete is True
        assert [edge["node"]["id"] for edge in records[1]["items"]["edges"]] == [f"o1.{n}" for n in range(7)]
        assert "nodes" not in records[1]["items"]
    assert server.asked[1]["variables"] == {"n": 4, "order": "o1", "after": None} or server.asked[1]["variables"] == {
        "n": 4,
        "order": "o1",
        "cursor": "row 1",
    }


def test_what_was_cut_off_and_is_not_declared_makes_the_read_incomplete(world: Any) -> None:
    server = shop()

    async def main() -> Any:
        async with Client(URL, http=server.http()) as client:
            reading = stream(client, DEEP).read()
            with pytest.raises(errors.IncompleteRead) as caught:
                async for _ in reading:
                    pass
            return str(caught.value), reading.evidence

    text, evidence = world(main)
    assert evidence.complete is False
    assert "items of 'o1' and of 1 others was cut off by the server: declare it, nested=[NestedConnection('items', query=…, connection=…)]" in text
    assert "items.discounts of 'o1.1'" in text
    assert "partial=['items.discounts'] where its first page will do" in text


def test_of_some_connections_the_first_page_will_do() -> None:
    server = shop()
    records, evidence = read(server, DEEP, RelayPaginator("data.orders", partial=["items", "items.discounts"]))
    assert (evidence.complete, evidence.reasons) == (True, ())
    assert len(records[1]["items"]["nodes"]) == 2
    assert len(server.asked) == 5


def records_of(*rows: Any) -> dict[str, Any]:
    return connection(nodes=[{"id": "o1", **row} for row in rows])


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"a": {"b": [{"c": {"pageInfo": MORE}}]}}, "a.b.c"),
        ({"a": {"edges": [{"node": {"b": {"nodes": [], "pageInfo": MORE}}}], "pageInfo": {"hasNextPage": False}}}, "a.b"),
        ({"a": {"edges": [{"role": {"pageInfo": MORE}, "node": None}, None, 5], "pageInfo": {"hasNextPage": False}}}, "a.role"),
        ({"a": [[{"b": {"pageInfo": MORE}}]]}, "a.b"),
        ({"pageInfo": MORE, "nodes": []}, "a connection"),
    ],
)
def test_what_was_cut_off_is_found_wherever_it_stands(row: Any, path: str) -> None:
    server = shop()
    server.script.append(records_of(row))
    error = refused(server)
    assert isinstance(error, errors.IncompleteRead)
    assert f"{path} of " in str(error)


def test_what_was_cut_off_is_found_however_deep_it_stands() -> None:
    row: dict[str, Any] = {"pageInfo": MORE}
    for _ in range(10_000):
        row = {"a": row}

    async def main() -> Any:
        return await RelayPaginator("data.orders").fill_in([row], Request(method="POST", url=URL), lambda request: None)  # type: ignore[arg-type, return-value]

    reasons = SimulatedRuntime().run(main())
    assert len(reasons) == 1
    assert "was cut off" in reasons[0]


@pytest.mark.parametrize("info", [{}, {"pageInfo": []}, {"pageInfo": None}, {"pageInfo": {}}, {"pageInfo": {"hasNextPage": "true"}}])
def test_a_connection_that_does_not_say_leaves_it_open(info: Any) -> None:
    server = shop()
    server.script.append(records_of({"items": {"nodes": [{"id": 1}], **info}}))
    records, evidence = read(server)
    assert len(records) == 1
    assert evidence.complete is None
    assert "items of 'o1' does not say whether it was cut off: ask for its pageInfo" in str(evidence.reasons)
    server.script.append(records_of({"items": {"nodes": [], **info}}))  # what is empty was not cut off
    assert read(server)[1].complete is True
    server.script.append(records_of({"items": {"nodes": [{"id": 1}], **info}}))
    assert read(server, paginator=RelayPaginator("data.orders", partial=["items"]))[1].complete is True
    server.script.append(records_of({"items": {"nodes": [], **info}}))
    error = refused(server, paginator=RelayPaginator("data.orders", nested=[ITEMS]))
    assert isinstance(error, errors.DecodeError)
    assert "ask for pageInfo" in str(error)


CUT = {"items": {"nodes": [{"id": 1}], "pageInfo": MORE}}


def rest(**parts: Any) -> dict[str, Any]:
    return {"data": {"node": {"items": {"nodes": [{"id": 2}], "pageInfo": {"hasNextPage": False}, **parts}}}}


def completing(*answers: Any, nested: Any = ITEMS, first: Any = None) -> GraphQLServer:
    server = shop()
    server.script += [records_of(CUT) if first is None else first, *answers]
    return server


@pytest.mark.parametrize("gone", [{"data": {"node": None}}, {"data": {"node": {"items": None}}}])
def test_a_parent_that_is_gone_meanwhile_is_a_reason(gone: Any) -> None:
    with pytest.warns(errors.IncompleteReadWarning):
        records, evidence = read(completing(gone), paginator=RelayPaginator("data.orders", nested=[ITEMS]), incomplete="warn")
    assert evidence.complete is False
    assert "items of 'o1' was cut off, and its rest was not there any more" in str(evidence.reasons)
    assert records[0]["items"]["pageInfo"]["hasNextPage"] is True


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ([{"data": {"order": {}}}], errors.DecodeError, "no connection at 'data.node.items': data has 'order'"),
        ([rest(nodes=None)], errors.DecodeError, "data.node.items holds nodes: null"),
        ([rest(pageInfo=None)], errors.DecodeError, "data.node.items has a pageInfo that is null"),
        ([rest(pageInfo=MORE)], errors.PaginationStalled, "items of 'o1' names a cursor that was read before"),
        (
            [rest(pageInfo={**MORE, "endCursor": "d"})],
            errors.PaginationStalled,
            "more than the 1 further pages that NestedConnection",
        ),
        ([{"data": None, "errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}], errors.PermissionDenied, "no \\(FORBIDDEN\\)"),
        ([(503, b"")], errors.ServerError, "503"),
    ],
)
def test_what_goes_wrong_inside_of_a_record_is_raised(answers: list[Any], kind: type, words: str) -> None:
    nested = NestedConnection("items", query=ITEMS.query, connection="data.node.items", pages=1)
    error = refused(completing(*answers), paginator=RelayPaginator("data.orders", nested=[nested]))
    assert isinstance(error, kind)
    assert re.search(words, str(error))


def test_after_an_error_inside_of_a_record_the_page_is_asked_for_again(world: Any) -> None:
    server = shop(orders=3)

    async def main() -> Any:
        async with Client(URL, http=server.http(), retry=None) as client:
            reading = stream(client, DEEP, RelayPaginator("data.orders", nested=[ITEMS, DISCOUNTS])).read()
            server.script += [server._execute({"query": DEEP, "variables": {"first": 5}}), (500, b"")]
            with pytest.raises(errors.ServerError):
                async for _ in reading:
                    pass
            return [record async for record in reading], reading.evidence

    records, evidence = world(main)
    assert ids(records[1]["items"]["nodes"]) == whole(server)["o1"]
    assert (evidence.complete, evidence.records) == (True, 3)


def test_the_id_of_the_nearest_object_that_has_one_is_the_parent_s() -> None:
    first = connection(nodes=[{"key": {"gid": "o9"}, "shipping": CUT}])
    nested = NestedConnection("shipping.items", query=ITEMS.query, connection="data.node.items", id="key.gid")
    server = completing(rest(), first=first)
    with Client(URL, http=server.http()) as client:
        body = {"query": NODES, "variables": {}}
        records = list(client.stream("", method="POST", json=body, paginator=RelayPaginator("data.orders", nested=[nested])))
    assert ids(records[0]["shipping"]["items"]["nodes"]) == [1, 2]
    assert server.asked[1]["variables"] == {"id": "o9", "after": "c"}
    without = RelayPaginator("data.orders", nested=[NestedConnection("shipping.items", query=ITEMS.query, connection="data.node.items")])
    with Client(URL, http=completing(first=first).http()) as client, pytest.raises(errors.DecodeError, match="stands in has no 'id'"):
        list(client.stream("", method="POST", json=body, paginator=without))


def test_parents_are_completed_side_by_side() -> None:
    async def host(request: Request, world: SimulatedRuntime) -> Any:
        await world.sleep(1.0)
        status, headers, body = server.answer(json.dumps(request.json).encode())
        return status, list(headers.items()), body

    async def main() -> Any:
        async with Client(URL) as client:
            found = stream(client, DEEP, RelayPaginator("data.orders", nested=[ITEMS, DISCOUNTS]), {"first": 20})
            return len([record async for record in found]), world.now()

    server, world = shop(orders=20), SimulatedRuntime()
    world.hosts[("https", "shop.example", 443)] = host
    count, seconds = world.run(main())
    assert count == 20
    assert seconds < len(server.asked) / 3
