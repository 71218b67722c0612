"""GraphQL: what is asked, what is raised, and what is sent again; in every colour."""

from __future__ import annotations

import itertools
import json
import pickle
import re
from typing import Any

import httpx
import pytest
from tests.fakes.graphql_server import GraphQLServer

import integrakit as ik
from integrakit import errors
from integrakit.http import Client, Hedge, IdempotencyKey, RateLimit, Request, Retry
from integrakit.http.graphql import operation_of, operations
from integrakit.runtimes import SimulatedRuntime, runtime

SHOP = {"shop": {"name": "Acme", "currency": "EUR"}, "order": lambda **given: {**given, "total": "10.00"}}
QUERY = "query Shop { shop { name } }"
MUTATION = "mutation Pay($id: ID!) { pay(id: $id) { paid } }"
THROTTLED = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
URL = "https://shop.example/graphql"


@pytest.fixture
def server() -> GraphQLServer:
    return GraphQLServer(SHOP, {"pay": lambda **given: {"paid": True}})


def client_of(server: GraphQLServer, **options: Any) -> Client:
    return Client(URL, http=server.http(), **{"retry": None, **options})


def raised(server: GraphQLServer, answer: Any, document: str = QUERY, **options: Any) -> Any:
    """The error that this answer is raised as."""
    server.script.append(answer)
    with client_of(server, **options) as client, pytest.raises(ik.IntegrakitError) as caught:
        client.graphql(document)
    return caught.value


def with_code(code: Any, **more: Any) -> dict[str, Any]:
    return {"data": None, "errors": [{"message": "no", "extensions": {"code": code}, **more}]}


# ---------------------------------------------------------------------------------------------------- a call


def test_it_gives_the_data(world: Any, server: GraphQLServer) -> None:
    async def main() -> Any:
        async with client_of(server) as client:
            plain = await client.agraphql(QUERY)
            order = await client.agraphql("query($id: ID!) { order(id: $id) { id total } }", {"id": "7"})
            return plain, order

    assert world(main) == ({"shop": {"name": "Acme"}}, {"order": {"id": "7", "total": "10.00"}})
    assert server.asked == [{"query": QUERY}, {"query": "query($id: ID!) { order(id: $id) { id total } }", "variables": {"id": "7"}}]


def test_blocking_code_has_it_too_over_a_real_connection(server: GraphQLServer, serve: Any) -> None:
    loopback = serve(server.serve)
    with Client(loopback.url) as client:
        assert client.graphql(QUERY, headers={"X-Shop": "acme"}) == {"shop": {"name": "Acme"}}
        with pytest.raises(errors.GraphQLError, match="Cannot query field 'nothing'"):
            client.graphql("{ nothing }")
    asked = loopback.asked[0]
    assert (asked.method, asked.path, asked.headers["content-type"], asked.headers["x-shop"]) == ("POST", "/graphql", "application/json", "acme")


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.example", None, "https://api.example/graphql"),
        ("https://api.example/v2", None, "https://api.example/v2/graphql"),
        ("https://api.example/graphql", None, "https://api.example/graphql"),
        ("https://shop.example/admin/api/2026-10/graphql.json", None, "https://shop.example/admin/api/2026-10/graphql.json"),
        ("https://api.example/graphql/v1", None, "https://api.example/graphql/v1/graphql"),
        ("https://api.example/v2", "", "https://api.example/v2"),
        ("https://api.example/v2", "/gql", "https://api.example/v2/gql"),
    ],
)
def test_the_base_url_is_the_endpoint_where_it_says_so(base: str, path: str | None, url: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"data": {}})

    with Client(base, http=httpx.Client(transport=httpx.MockTransport(answer))) as client:
        assert client.graphql("{ a }", path=path) == {}
    assert asked == [url]


def test_the_operation_is_named_where_there_are_several(server: GraphQLServer) -> None:
    document = QUERY + " query Other { shop { currency } }"
    with client_of(server) as client:
        client.graphql(document, operation="Other")
    assert server.asked == [{"query": document, "operationName": "Other"}]


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((QUERY + "query B { a }",), {}, "has 2 operations: say which with operation=; there is 'Shop', 'B'"),
        ((QUERY,), {"operation": "B"}, "has no single operation 'B'; there is 'Shop'"),
        ((QUERY,), {"operation": ""}, "operation= takes the name"),
        (("{ a } query B { a }",), {"operation": "C"}, "there is 'B'"),
        ((QUERY, [1]), {}, "variables= takes a mapping of names to values, not list"),
        ((QUERY, {1: 2}), {}, "variables= takes a mapping"),
        ((QUERY,), {"json": {}}, "graphql\\(\\) takes no json="),
        ((QUERY,), {"check": False}, "graphql\\(\\) takes no check="),
        ((QUERY,), {"nope": 1}, "there is no option"),
        ((QUERY,), {"cost": 0}, "cost= takes"),
        (("subscription { a }",), {}, "a subscription has no end"),
        ((None,), {}, "query= takes a GraphQL document"),
    ],
)
def test_wrong_arguments_are_said_before_anything_is_sent(server: GraphQLServer, arguments: Any, options: Any, words: str) -> None:
    with client_of(server) as client, pytest.raises(errors.ConfigurationError, match=words):
        client.graphql(*arguments, **options)
    assert server.asked == []


# ---------------------------------------------------------------------------------------------------- errors


def test_errors_in_an_answer_of_status_200_are_raised(world: Any, server: GraphQLServer) -> None:
    failed = {"message": "boom", "path": ["orders", 0, "total"], "extensions": {"code": "E42"}}
    server.script.append({"data": {"orders": [None]}, "errors": [failed, {"message": "bang"}]})

    async def main() -> Any:
        async with client_of(server) as client:
            with pytest.raises(errors.GraphQLError) as caught:
                await client.agraphql(QUERY)
            return caught.value

    error = world(main)
    assert type(error) is errors.GraphQLError
    assert str(error) == f"POST {URL} answered 200 with 2 GraphQL errors: boom (E42) at data.orders.0.total; bang"
    assert error.errors == [failed, {"message": "bang"}]
    assert error.data == {"orders": [None]}  # what came in spite of them
    assert error.status_code == 200
    assert error.request.url == URL


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *[
            (code, errors.RateLimited)
            for code in ("THROTTLED", "RATE_LIMITED", "RATELIMITED", "too-many-requests", "COMPLEXITY_BUDGET_EXHAUSTED", 429)
        ],
        *[(code, errors.AuthenticationError) for code in ("UNAUTHENTICATED", "UNAUTHORIZED", "AUTHENTICATION_ERROR", "401")],
        *[(code, errors.PermissionDenied) for code in ("FORBIDDEN", "ACCESS_DENIED", 403)],
        *[(code, errors.NotFound) for code in ("NOT_FOUND", "RESOURCE_NOT_FOUND", 404)],
        *[(code, errors.ServerError) for code in ("INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT", 500, 504)],
        *[(code, errors.BadRequest) for code in ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", 400)],
        ("CONFLICT", errors.Conflict),
        (422, errors.Unprocessable),
    ],
)
def test_codes_that_say_what_it_is_are_raised_as_that(server: GraphQLServer, code: Any, kind: type) -> None:
    error = raised(server, with_code(code))
    assert isinstance(error, kind)
    assert isinstance(error, errors.GraphQLError)
    assert error.errors[0]["message"] == "no"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.errors, str(again)) == (type(error), error.errors, str(error))


@pytest.mark.parametrize("code", ["SOMETHING", 200, 600, True, None, "", [], {}, 1.5])
def test_codes_that_say_nothing_leave_it_a_graphql_error(server: GraphQLServer, code: Any) -> None:
    assert type(raised(server, with_code(code))) is errors.GraphQLError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "no", "type": "NOT_FOUND"}, errors.NotFound),  # GitHub
        ({"message": "no", "extensions": {"type": "ratelimited"}}, errors.RateLimited),  # Linear
        ({"message": "no", "extensions": {"errorType": "UNAVAILABLE"}}, errors.ServerError),  # DGS
        ({"message": "no", "extensions": {"code": "X1", "http": {"status": 401}}}, errors.AuthenticationError),  # Apollo
        ({"message": "no", "extensions": []}, errors.GraphQLError),
        ({"extensions": {"http": []}}, errors.GraphQLError),
    ],
)
def test_codes_are_found_where_servers_put_them(server: GraphQLServer, error: Any, kind: type) -> None:
    assert isinstance(raised(server, {"errors": [error]}), kind)


def test_the_first_error_that_says_what_it_is_decides_but_for_a_quota(server: GraphQLServer) -> None:
    some = [{"message": "?"}, *with_code("NOT_FOUND")["errors"], *with_code("FORBIDDEN")["errors"]]
    assert isinstance(raised(server, {"errors": some}), errors.NotFound)
    assert isinstance(raised(server, {"errors": [*some, THROTTLED]}), errors.RateLimited)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "the body is a list where a GraphQL answer was agreed: several operations"),
        ("x", "the body is a str"),
        ({}, "neither data nor errors, as a GraphQL answer would; it has nothing"),
        ({"ok": 1}, "it has 'ok'"),
        ({"data": None}, "it has data: null"),
        ({"data": []}, "it has data: a list"),
        ({"data": None, "errors": []}, "it has data: null"),
        ((200, b"<html>Sign in</html>"), "a body that is not JSON"),
        ((200, b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}"), "not JSON|data: a list"),
        ((204, b""), "a body that is not JSON"),
    ],
)
def test_what_is_no_graphql_answer_is_a_decode_error(server: GraphQLServer, answer: Any, words: str) -> None:
    error = raised(server, answer, retry=Retry())
    assert type(error) is errors.DecodeError
    assert re.search(words, str(error))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("boom", "with a GraphQL error: boom"),
        ({"message": "boom"}, "with a GraphQL error: boom"),
        (5, "with a GraphQL error: a int"),
        ([None], "with a GraphQL error: null"),
        ([{}], "an error without a message"),
        ([{"message": ["x"], "path": "a"}], "an error without a message"),
        ([{"message": "a\nb\x1b[31m", "path": [{}]}], "error: a b \\[31m$"),
        ([{"message": "x"}] * 5, "with 5 GraphQL errors: x; x; x; and 2 more"),
        ([{"message": "word " * 200}], "word word…$"),
        ([{"message": "x" * 501}], "error: …$"),
    ],
)
def test_errors_that_are_none_by_the_book_are_raised_all_the_same(server: GraphQLServer, found: Any, words: str) -> None:
    error = raised(server, {"data": {"a": 1}, "errors": found})
    assert type(error) is errors.GraphQLError
    assert re.search(words, str(error))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 429, 500, 503])
def test_errors_in_a_refusal_are_told_with_the_error_of_its_status(server: GraphQLServer, status: int) -> None:
    error = raised(server, (status, {"errors": [{"message": "Cannot query", "extensions": {"code": "THROTTLED"}}]}))
    plain = {400: errors.BadRequest, 401: errors.AuthenticationError, 403: errors.PermissionDenied, 404: errors.NotFound, 409: errors.Conflict}
    plain |= {418: errors.ResponseError, 422: errors.Unprocessable, 429: errors.RateLimited, 500: errors.ServerError, 503: errors.ServerError}
    assert isinstance(error, errors.GraphQLError)
    assert isinstance(error, plain[status])
    assert (error.status_code, error.errors[0]["message"]) == (status, "Cannot query")
    assert "Cannot query (THROTTLED)" in str(error)
    assert status == 429 or not isinstance(error, errors.RateLimited)


@pytest.mark.parametrize("answer", [(502, b"<html>Bad Gateway</html>"), (400, {"message": "no"}), (400, []), (400, {"errors": None})])
def test_a_refusal_without_graphql_errors_is_that_of_its_status(server: GraphQLServer, answer: Any) -> None:
    error = raised(server, answer)
    assert type(error) is (errors.ServerError if answer[0] == 502 else errors.BadRequest)


def test_no_message_and_no_error_holds_a_credential(server: GraphQLServer) -> None:
    secret = "shpat_0123456789abcdef"
    found = {"message": f"bad token {secret}", "extensions": {"code": "UNAUTHENTICATED", "sent": [f"Bearer {secret}", {secret: 1}]}}
    deep: Any = secret
    for _ in range(50):
        deep = [deep]
    for answer in ({"errors": [found, {"message": "x", "extensions": {"deep": deep}}]}, (401, {"errors": [found]})):
        error = raised(server, answer, auth=ik.BearerToken(secret))
        assert isinstance(error, errors.AuthenticationError)
        assert secret not in f"{error} {error!r} {error.errors}"
        assert "bad token ***" in str(error)


def test_a_query_that_is_too_much_in_itself_is_said_and_not_asked_again(server: GraphQLServer) -> None:
    for code in ("MAX_COST_EXCEEDED", "MAX_COMPLEXITY", "QUERY_TOO_COMPLEX"):
        error = raised(server, with_code(code), retry=Retry())
        assert type(error) is errors.GraphQLError
        assert "ask for less at once" in str(error)
    assert len(server.asked) == 3


def test_the_client_s_own_classify_comes_first(server: GraphQLServer) -> None:
    def classify(response: Any) -> Exception | None:
        return errors.Conflict("ours") if "errors" in response.json() else None

    assert type(raised(server, with_code("NOT_FOUND"), classify=classify)) is errors.Conflict
    with client_of(server, classify=lambda response: None) as client:
        server.script.append(with_code("NOT_FOUND"))
        with pytest.raises(errors.NotFound):
            client.graphql(QUERY)


# ---------------------------------------------------------------------------------------------------- sent again


def simulated(
    server: GraphQLServer, document: str = QUERY, variables: Any = None, call: Any = None, *, url: str = URL, **options: Any
) -> tuple[Any, list[float]]:
    """The data or the error of a call in virtual time, and when the server was asked."""
    at: list[float] = []

    async def host(request: Request, world: SimulatedRuntime) -> Any:
        at.append(world.now())
        status, headers, body = server.answer(json.dumps(request.json).encode())
        return status, list(headers.items()), body

    async def main() -> Any:
        async with Client(url, **options) as client:
            try:
                return await client.agraphql(document, variables, **(call or {}))
            except ik.IntegrakitError as error:
                return error

    world = SimulatedRuntime(seed=3)
    world.hosts[("https", "shop.example", 443)] = host
    return world.run(main()), at


def test_a_query_is_sent_again_and_a_mutation_is_not(server: GraphQLServer) -> None:
    for answer in ((502, b""), with_code("INTERNAL_SERVER_ERROR")):
        server.script[:] = [answer]
        data, at = simulated(server)
        assert (data, len(at)) == ({"shop": {"name": "Acme"}}, 2)
        server.script[:] = [answer]
        error, at = simulated(server, MUTATION, {"id": "7"})
        assert isinstance(error, errors.ServerError)
        assert len(at) == 1


def test_a_mutation_with_an_idempotency_key_is_sent_again(server: GraphQLServer) -> None:
    server.script[:] = [with_code("INTERNAL_SERVER_ERROR")]
    data, at = simulated(server, MUTATION, {"id": "7"}, {"idempotency_key": "pay-7"}, idempotency=IdempotencyKey(header="Idempotency-Key"))
    assert (data, len(at)) == ({"pay": {"paid": True}}, 2)


def test_a_mutation_that_was_refused_whole_waits_for_the_quota(server: GraphQLServer) -> None:
    server.script[:] = [{"errors": [THROTTLED]}]
    data, at = simulated(server, MUTATION, {"id": "7"})
    assert (data, len(at)) == ({"pay": {"paid": True}}, 2)


@pytest.mark.parametrize("limit", [None, "100/second"])
@pytest.mark.parametrize("answer", [{"data": {"pay": {"paid": True}, "b": None}}, {"data": None, "errors": [{**THROTTLED, "path": ["b"]}]}])
def test_a_mutation_of_which_a_part_may_have_taken_place_is_not_sent_again(server: GraphQLServer, answer: Any, limit: Any) -> None:
    server.script[:] = [{"errors": [{**THROTTLED, "path": ["b"]}], **answer}]
    error, at = simulated(server, MUTATION, {"id": "7"}, rate_limit=limit)
    assert len(at) == 1
    assert type(error) is errors.GraphQLError
    assert "a part of the mutation may have taken place" in str(error)


def throttled(requested: float, available: float, rate: float) -> dict[str, Any]:
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"errors": [THROTTLED], "extensions": {"cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}}}


@pytest.mark.parametrize("url", [URL, "https://shop.example/gateway"])
@pytest.mark.parametrize("listens", [None, {}, {"dialects": ["shopify-graphql"]}])
def test_a_throttled_query_waits_until_the_bucket_holds_its_cost(server: GraphQLServer, listens: Any, url: str) -> None:
    server.script[:] = [throttled(300, 50, 100)]
    limit = None if listens is None else RateLimit("1000/second", **listens)
    data, at = simulated(server, call={"path": ""}, url=url, rate_limit=limit)
    assert data == {"shop": {"name": "Acme"}}
    assert at == [0.0, pytest.approx(2.5, abs=0.01)]


@pytest.mark.parametrize(
    ("name", "value", "wait"), [("retryAfter", 3, 3), ("retry_in_seconds", 7, 7), ("retry_after", "4", None), ("retryAfter", -1, None)]
)
def test_a_wait_that_the_error_names_is_waited_for(server: GraphQLServer, name: str, value: Any, wait: float | None) -> None:
    server.script[:] = [{"errors": [{"message": "slow down", "extensions": {"code": "RATE_LIMITED", name: value}}]}]
    data, at = simulated(server, retry=Retry(random=lambda: 0.0))
    assert data == {"shop": {"name": "Acme"}}
    assert at == [0.0, wait or 0.0]


def test_a_wait_beyond_all_bounds_is_said_and_not_waited_for(server: GraphQLServer) -> None:
    server.script[:] = [{"errors": [{"message": "slow down", "extensions": {"code": "RATE_LIMITED", "retryAfter": 1e14}}]}]
    error, at = simulated(server)
    assert (type(error).__mro__[2], error.retry_after, len(at)) == (errors.RateLimited, 86_400.0, 1)


def test_cost_is_booked_in_the_rate_limit(server: GraphQLServer) -> None:
    limit = RateLimit("10/second", margin=0, burst=1)

    async def host(request: Request, world: SimulatedRuntime) -> Any:
        at.append(world.now())
        return 200, [("Content-Type", "application/json")], b'{"data": {}}'

    async def main() -> None:
        async with Client(URL, rate_limit=limit) as client:
            for _ in range(3):
                await client.agraphql(QUERY, cost=5)

    at: list[float] = []
    world = SimulatedRuntime()
    world.hosts[("https", "shop.example", 443)] = host
    world.run(main())
    assert [round(later - earlier, 3) for earlier, later in itertools.pairwise(at)] == [0.5, 0.5]


@pytest.mark.parametrize(("document", "took", "times"), [(QUERY, 0.6, 2), (MUTATION, 10.0, 1)])
def test_a_query_is_hedged_and_a_mutation_is_not(document: str, took: float, times: int) -> None:
    asked: list[float] = []

    async def host(request: Request, world: SimulatedRuntime) -> Any:
        asked.append(world.now())
        await world.sleep(10 if len(asked) == 1 else 0.1)
        return 200, [("Content-Type", "application/json")], b'{"data": {}}'

    async def main() -> float:
        async with Client(URL, hedge=Hedge(after=0.5)) as client:
            await client.agraphql(document, {"id": "7"})
            return runtime().now()

    world = SimulatedRuntime()
    world.hosts[("https", "shop.example", 443)] = host
    assert world.run(main()) == pytest.approx(took)
    assert len(asked) == times


# ---------------------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        ("{ a }", [("query", "")]),
        ("query { a }", [("query", "")]),
        ("\ufeff mutation M { a }", [("mutation", "M")]),
        ("# mutation { b }\nquery Q { a }", [("query", "Q")]),
        ("# query\rmutation M { a }", [("mutation", "M")]),
        ('query Q { a(text: "} mutation {", b: "\\"}") }', [("query", "Q")]),
        ('query Q { a(text: """} " \\""" mutation {""", b: "") { c } }', [("query", "Q")]),
        ("fragment F on mutation { query { a } } mutation M { ...F }", [("mutation", "M")]),
        ("query mutation { subscription }", [("query", "mutation")]),
        ("query A { a } mutation B { b } { c }", [("query", "A"), ("mutation", "B"), ("query", "")]),
        ("query Q($in: In = {a: [{b: 1}]}) @d(x: {y: 1}) { a }", [("query", "Q")]),
        ("mutation @d(x: 1) { a }", [("mutation", "")]),
        ('"""what it does: mutation { }""" query Q { a }', [("query", "Q")]),
    ],
)
def test_the_kind_of_an_operation_is_read_from_the_document(document: str, kinds: list[tuple[str, str]]) -> None:
    assert [(each.kind, each.name) for each in operations(document)] == kinds


def test_variables_are_read_from_the_document() -> None:
    found = operation_of("query Q($first: Int = 5, $after: String) { a(first: $first, after: $after, c: $not) { b } }")
    assert found.variables == {"first", "after"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "takes a GraphQL document"),
        (7, "takes a GraphQL document"),
        ("query Q", "ends before its 'query' does"),
        ("{ a", "ends before its '{' does"),
        ("{ a } }", "begins a definition with '}'"),
        ("{ a ) }", "closes a '\\)' that nothing opened"),
        ("type A { b: Int }", "begins a definition with 'type'"),
        ("fragment F on A { b }", "no operation, only fragments"),
        ('{ a(b: "c) }', "a text that does not end"),
        ('{ a(b: """c) }', "a text that does not end"),
        ("...", "no operation"),
    ],
)
def test_what_is_no_document_is_said(document: Any, words: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=words):
        operations(document)


def test_long_documents_are_read_in_linear_time() -> None:
    assert operations("{ a(b: " + '"' * 3 + '\\"' * 200_000 + "." + '"' * 3 + ") }")[0].kind == "query"
    assert operations("{" * 50_000 + "a" + "}" * 50_000)[0].kind == "query"
