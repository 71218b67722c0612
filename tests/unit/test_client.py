"""Clients: what they send, what they give back, and what they refuse to be built with."""

from __future__ import annotations

import datetime as dt
import enum
import io
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from integrakit.errors import ConfigurationError, DeadlineExceeded, DecodeError, IntegrakitError, NotFound, RateLimited, ServerError
from integrakit.http import BearerToken, Client, HeaderLinkPaginator, IdempotencyKey, RateLimit, Request, Response, Retry, Timeout
from integrakit.model import UNSET
from integrakit.runtimes import runtime
from integrakit.secrets import Secret
from integrakit.testing import Simulator, VirtualClock


class Colour(enum.Enum):
    RED = "red"


def echo(asked: Any) -> Any:
    return {"method": asked.method, "path": asked.path, "query": asked.query, "headers": asked.headers, "body": asked.body.decode("latin-1")}


def test_the_methods_in_both_colours(serve: Any, world: Any) -> None:
    server = serve(echo)

    async def main() -> None:
        async with Client(server.url + "/v2/") as client:
            for name in ("get", "post", "put", "patch", "delete"):
                answer = (await getattr(client, f"a{name}")("/x")).json()
                assert (answer["method"], answer["path"]) == (name.upper(), "/v2/x")
                assert getattr(client, name)("/x").json()["method"] == name.upper()
            assert (await client.arequest("options", "x")).json()["method"] == "OPTIONS"

    world(main)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/orders", "/v2/orders"),
        ("orders", "/v2/orders"),
        ("", "/v2"),
        ("/", "/v2/"),
        ("?a=1", "/v2"),
        ("//evil.example/x", "/v2//evil.example/x"),
        ("/a%2Fb", "/v2/a%2Fb"),
        ("/ü", "/v2/%C3%BC"),
    ],
)
def test_relative_urls_are_joined(serve: Any, url: str, path: str) -> None:
    server = serve(echo)
    with Client(server.url + "/v2") as client:
        assert client.get(url).json()["path"] == path


def test_parameters_as_servers_expect_them(serve: Any) -> None:
    server = serve(echo)
    params = {
        "text": "a b&c=ü",
        "yes": True,
        "no": False,
        "none": None,
        "unset": UNSET,
        "many": [1, None, "x"],
        "pair": ("a", "b"),
        "at": dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC),
        "day": dt.date(2026, 1, 2),
        "time": dt.time(12, 30),
        "price": Decimal("1E+2"),
        "colour": Colour.RED,
        "id": UUID(int=1),
        "empty": "",
        "empty_list": [],
    }
    with Client(server.url) as client:
        query = client.get("/a?given=1&given=2", params=params).json()["query"]
    assert query == [
        ["given", "1"],
        ["given", "2"],
        ["text", "a b&c=ü"],
        ["yes", "true"],
        ["no", "false"],
        ["many", "1"],
        ["many", "x"],
        ["pair", "a"],
        ["pair", "b"],
        ["at", "2026-01-01T12:00:00+00:00"],
        ["day", "2026-01-02"],
        ["time", "12:30:00"],
        ["price", "100"],
        ["colour", "red"],
        ["id", "00000000-0000-0000-0000-000000000001"],
        ["empty", ""],
    ]


@pytest.mark.parametrize("value", [{"a": 1}, b"bytes", {1, 2}, [[1]], [{"a": 1}]])
def test_parameters_that_would_be_garbage_are_said(value: Any) -> None:
    with Client("http://127.0.0.1:9", retry=None) as client, pytest.raises(ConfigurationError, match="params="):
        client.get("/a", params={"x": value})


def test_bodies(serve: Any) -> None:
    server = serve(echo)
    with Client(server.url) as client:
        answer = client.post("/a", json={"price": Decimal("1.10"), "at": dt.date(2026, 1, 1), "name": "ü"}).json()
        assert answer["body"].encode("latin-1").decode() == '{"price":1.10,"at":"2026-01-01","name":"ü"}'
        assert answer["headers"]["content-type"] == "application/json"
        answer = client.post("/a", json=[1], headers={"Content-Type": "application/vnd.api+json"}).json()
        assert answer["headers"]["content-type"] == "application/vnd.api+json"
        answer = client.post("/a", data={"a": "1 2", "b": ["x", "y"]}).json()
        assert answer["body"] == "a=1+2&b=x&b=y"
        assert client.post("/a", content=b"\x00\xff").json()["body"] == "\x00\xff"
        assert client.put("/a", content="text").json()["body"] == "text"
        assert client.post("/a", json=0).json()["body"] == "0"
        assert client.post("/a", json=False).json()["body"] == "false"


@pytest.mark.parametrize("options", [{"json": 1, "content": b"x"}, {"json": 1, "data": {}}, {"content": b"", "files": {"f": b"x"}}])
def test_two_bodies_are_refused(options: Any) -> None:
    with Client("https://x.example") as client, pytest.raises(ConfigurationError, match="one body"):
        client.post("/a", **options)


def test_files_are_sent_whole_on_each_attempt(serve: Any, world: Any, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(b"id,total\n1,2\n")
    server = serve(lambda asked: (503, {}, b"") if len(server.asked) % 3 else {})
    stream = io.BytesIO(b"skipped-kept")
    stream.seek(8)

    async def main() -> None:
        async with Client(server.url, retry=Retry(wait=lambda state: 0.0)) as client:
            await client.aput("/a", files={"f": path}, data={"note": "hi"})
            await client.aput("/a", files={"f": ("other.csv", path, "text/csv")})
            with path.open("rb") as handle:
                await client.aput("/a", files={"f": handle})
            await client.aput("/a", files=[("f", ("x.bin", stream)), ("g", b"raw"), ("h", ("n.txt", "text"))])

    world(main)
    bodies = [asked.body for asked in server.asked]
    assert len(bodies) == 12
    assert all(b'filename="orders.csv"' in body and b"id,total\n1,2\n" in body and b"hi" in body for body in bodies[:3])
    assert all(b'filename="other.csv"' in body and b"text/csv" in body and b"id,total\n1,2\n" in body for body in bodies[3:6])
    assert all(b"id,total\n1,2\n" in body for body in bodies[6:9])
    assert all(b"skipped-kept" in body and b"raw" in body and b"text" in body for body in bodies[9:])


@pytest.mark.parametrize("files", ["x", 5, {"f": "orders.csv"}, {"f": 5}, [1], [("a", "b", "c")]])
def test_wrong_files_are_said(files: Any) -> None:
    with Client("https://x.example") as client, pytest.raises(ConfigurationError, match="files="):
        client.post("/a", files=files)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(ConfigurationError, match="cannot be read"):
        client.post("/a", files={"f": tmp_path / "missing"})


def test_what_a_response_is(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (200, [("X-Request-Id", "r-1"), ("X-Multi", "a"), ("Link", "</2>; rel=next")], b'{"a": 0.1}'))

    async def main() -> None:
        async with Client(server.url) as client:
            response = await client.aget("/a", params={"b": 1})
            assert response.status_code == 200
            assert response.headers["x-MULTI"] == "a"
            assert response.json() == {"a": 0.1}
            assert response.json() is response.json()
            assert response.text == '{"a": 0.1}'
            assert response.content == b'{"a": 0.1}'
            assert response.url == f"{server.url}/a?b=1"
            assert response.links == {"next": "/2"}
            assert response.request_id == "r-1"
            assert response.attempts == 1
            assert response.raw.status_code == 200
            assert not response.is_error
            assert repr(response) == f"<Response 200 GET {server.url}/a>"
            assert str(response) == f"GET {server.url}/a, answered 200"

    world(main)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}),
        ('{"a": "ü"}'.encode("utf-16-be"), {"a": "ü"}),
        ('{"a": "ü"}'.encode("utf-32"), {"a": "ü"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b" \n[1]\n", [1]),
        (b'"\\ud800"', "\ud800"),
        (b"12345678901234567890123", 12345678901234567890123),
    ],
)
def test_bodies_that_are_json(serve: Any, body: bytes, value: Any) -> None:
    server = serve(lambda asked: (200, {}, body))
    with Client(server.url) as client:
        assert client.get("/a").json() == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html>",
        b"{",
        b"[1,]",
        b"NaN",
        b'{"a": Infinity}',
        b"-Infinity",
        b"{'a': 1}",
        b"\xff\xfe\xfd",
        b"\x80",
        b"[" * 200_000,
        b"9" * 5000,
        b'{"a": 1}x',
    ],
)
def test_bodies_that_are_not(serve: Any, body: bytes) -> None:
    server = serve(lambda asked: (200, {"Content-Type": "text/html"}, body))
    with Client(server.url) as client:
        response = client.get("/a")
        for _ in range(2):
            with pytest.raises(DecodeError, match=r"not JSON \(text/html") as caught:
                response.json()
        assert caught.value.response is response


def test_no_content_has_no_json(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (204, {}, b""))

    async def main() -> None:
        async with Client(server.url) as client:
            response = await client.adelete("/a")
            assert response.status_code == 204
            assert response.content == b""
            with pytest.raises(DecodeError):
                response.json()

    world(main)


def test_decimals_on_request(serve: Any) -> None:
    server = serve(lambda asked: (200, {}, b'{"a": 1.10, "b": 1e400}'))
    with Client(server.url, decimals=True) as client:
        assert str(client.get("/a").json()) == "{'a': Decimal('1.10'), 'b': Decimal('1E+400')}"
    server = serve(lambda asked: (200, {}, b'{"a": 1e99999999999999999999}'))
    with Client(server.url, decimals=True) as client, pytest.raises(DecodeError):
        client.get("/a").json()


def test_errors_are_raised_unless_told(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (404, {"X-Request-Id": "r-9"}, b"no such order"))

    async def main() -> None:
        async with Client(server.url) as client:
            with pytest.raises(NotFound, match="answered 404 Not Found, request id r-9: no such order") as caught:
                await client.aget("/a")
            assert caught.value.status_code == 404
            assert caught.value.request_id == "r-9"
            assert caught.value.attempts == 1
            assert caught.value.request.method == "GET"
            response = await client.aget("/a", check=False)
            assert response.is_error
            assert isinstance(response.error, NotFound)

    world(main)


def test_per_call_options(serve: Any) -> None:
    server = serve(echo)
    with Client(
        server.url, headers={"X-A": "client", "X-B": "b"}, params={"p": "client", "q": "q"}, idempotency=IdempotencyKey(header="Idempotency-Key")
    ) as client:
        answer = client.post("/a", headers={"x-a": "call"}, params={"p": "call"}, idempotency_key="k-1", timeout=5, deadline=5, cost=1).json()
    assert answer["headers"]["x-a"] == "call"
    assert answer["headers"]["x-b"] == "b"
    assert answer["headers"]["idempotency-key"] == "k-1"
    assert answer["headers"]["user-agent"] == "integrakit"
    assert sorted(answer["query"]) == [["p", "call"], ["q", "q"]]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("nonsense", 1),
        ("timeout", 0),
        ("timeout", None),
        ("timeout", True),
        ("timeout", float("nan")),
        ("deadline", -1),
        ("deadline", float("inf")),
        ("headers", {"a": 5}),
        ("headers", ["a"]),
        ("params", "a=b"),
        ("content", iter([b"x"])),
        ("content", {"a": 1}),
        ("idempotency_key", "k"),
    ],
)
def test_wrong_options_of_a_call_are_said(option: str, value: Any) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(ConfigurationError, match=option):
        client.get("/a", **{option: value})


@pytest.mark.parametrize("method", ["", "GET /", None, 5, "G T"])
def test_wrong_methods_and_urls_are_said(method: Any) -> None:
    with Client("http://127.0.0.1:9") as client:
        with pytest.raises(ConfigurationError, match="method="):
            client.request(method, "/a")
        with pytest.raises(ConfigurationError, match="URL"):
            client.get(None)  # type: ignore[arg-type]


def test_a_body_that_json_cannot_say_is_said(world: Any) -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:9") as client:
            for body in ({"a": float("nan")}, {"a": {1, 2}}, {"a": UNSET}, {"a": object()}, {"a": Decimal("NaN")}, "\ud800"):
                with pytest.raises(ConfigurationError, match="cannot be sent as JSON"):
                    await client.apost("/a", json=body)

    world(main)


@pytest.mark.parametrize("url", ["http://exa mple.com/", "http://\x7f/", "http://[::1", "https://x:99999/", "http://"])
def test_a_url_that_cannot_be_is_one_of_our_errors(world: Any, url: str) -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:9", retry=None) as client:
            with pytest.raises(IntegrakitError):
                await client.aget(url, timeout=0.5)

    world(main)


WRONG: dict[str, list[Any]] = {
    "auth": ["", "token", -1, 0, True, object(), BearerToken, ("user", "password")],
    "rate_limit": ["", "fast", -1, 0, True, float("nan"), object(), RateLimit],
    "retry": ["", -1, 0, True, object(), Retry],
    "idempotency": ["", "Idempotency-Key", -1, True, object(), IdempotencyKey],
    "timeout": [None, "", -1, 0, True, float("nan"), float("inf"), object(), (1, 2)],
    "deadline": ["", -1, 0, True, float("nan"), float("inf"), object()],
    "paginator": ["", "link", -1, True, object(), HeaderLinkPaginator],
    "decimals": [None, "", -1, 0, 1, float("nan"), object()],
    "classify": ["", -1, 0, True, object()],
    "allow_hosts": [None, "", "x", -1, 0, True, object(), [""], [5], [None], ["a/b"], ["ftp://x"]],
    "headers": ["", "a", -1, 0, True, object(), {"": "x"}, {"a b": "x"}, {"a": None}, {"a": 5}, {"a": "x\ny"}, {5: "x"}, [("a", "b")]],
    "params": ["", "a=b", -1, 0, True, object(), {5: "x"}, {"": 1}],
    "policies": [None, "", "ab", -1, 0, True, object(), [None], ["x"], [5]],
    "http": ["", "requests", -1, 0, True, float("nan"), object(), [], (), [None], ("httpx",)],
}


@pytest.mark.parametrize("argument", WRONG)
def test_wrong_arguments_are_said_when_it_is_built(argument: str) -> None:
    for value in WRONG[argument]:
        with pytest.raises(ConfigurationError, match=argument.replace("_", ".")):
            Client("https://x.example", **{argument: value})


@pytest.mark.parametrize(
    "base_url",
    [
        None,
        "",
        -1,
        0,
        True,
        object(),
        "x.example",
        "/v2",
        "ftp://x",
        "https://",
        "http:///x",
        "https://u:p@x",
        "https://x?a=1",
        "https://x#a",
        "https://[::1",
        "https://x:abc",
        "https://x:99999",
        "https://a b",
        "https://x\\y",
        b"https://x",
        "https://x/{a}\n",
    ],
)
def test_wrong_base_urls_are_said(base_url: Any) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        Client(base_url)


def test_a_password_in_the_base_url_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("https://user:hunter22@x.example?a=1")
    assert "hunter22" not in str(caught.value)
    assert "BasicAuth" in str(caught.value)


@pytest.mark.parametrize("part", ["connect", "read", "write", "pool", "attempt"])
def test_wrong_timeouts_are_said(part: str) -> None:
    for value in ("", -1, 0, True, float("nan"), float("inf"), object(), "5"):
        with pytest.raises(ConfigurationError, match=part):
            Timeout(**{part: value})
    assert getattr(Timeout(**{part: None}), part) is None


def test_what_it_prints() -> None:
    client = Client("https://x.example/v2/", auth=BearerToken("secret"))
    assert repr(client) == "<Client https://x.example/v2>"
    assert client.takes_idempotency_keys is False
    assert Client("https://x.example", idempotency=IdempotencyKey(header="K")).takes_idempotency_keys is True


def test_classify_must_give_an_error_or_nothing(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {"ok": False})

    async def main() -> None:
        async with Client(server.url, classify=lambda response: "wrong") as client:  # type: ignore[arg-type,return-value]
            with pytest.raises(ConfigurationError, match="not a str"):
                await client.aget("/a")
        async with Client(server.url, classify=lambda response: ServerError("hidden"), retry=None) as client:
            assert isinstance((await client.aget("/a", check=False)).error, ServerError)
            with pytest.raises(ServerError, match="hidden") as caught:
                await client.aget("/a")
            assert caught.value.response.json() == {"ok": False}
            assert caught.value.request.url == f"{server.url}/a"

    world(main)


def test_classify_sees_successes_only(world: Any) -> None:
    seen: list[int] = []

    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, classify=lambda response: seen.append(response.status_code)) as client:
                await client.aget("/orders/1")
                with pytest.raises(NotFound):
                    await client.aget("/orders/9")

    world(main)
    assert seen == [200]


def test_garbage_of_all_kinds_is_one_of_our_errors(serve: Any, world: Any) -> None:
    garbage = [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ]
    left = iter(garbage)

    def script(asked: Any) -> Any:
        answer = next(left)
        return lambda connection: connection.sendall(answer)

    server = serve(script)

    async def main() -> None:
        async with Client(server.url, retry=None, timeout=2) as client:
            for _ in garbage:
                with pytest.raises(IntegrakitError, match="no usable answer") as caught:
                    await client.aget("/a")
                assert caught.value.__cause__ is not None

    world(main)


def test_rate_limited_says_when(serve: Any) -> None:
    server = serve(lambda asked: (429, {"Retry-After": "900"}, b""))
    with Client(server.url) as client, pytest.raises(RateLimited) as caught:
        client.get("/a")
    assert caught.value.retry_after == 900


# ---------------------------------------------------------------------- what calls are for


def test_a_purpose_reaches_the_policies_from_call_stream_and_client(serve: Any) -> None:
    server = serve(lambda asked: [{"id": 1}])
    seen: list[tuple[str, int]] = []

    async def look(request: Request, call_next: Any) -> Response:
        seen.append((request.purpose, request.cost))
        return await call_next(request)

    with Client(server.url, policies=[look], purpose="backfill") as client:
        client.get("/orders")
        client.get("/orders", purpose="interactive", cost=3)
        client.stream("/orders").to_list()
        client.stream("/orders", purpose="interactive", cost=2).to_list()
    with Client(server.url, policies=[look]) as client:
        client.get("/orders")
    assert seen == [("backfill", 1), ("interactive", 3), ("backfill", 1), ("interactive", 2), ("", 1)]


@pytest.mark.parametrize("wrong", [5, None, b"backfill"])
def test_a_purpose_is_text(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="purpose="):
        Client("https://x.example", purpose=wrong)


@pytest.mark.parametrize("place", ["params", "data"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_secret_is_not_sent_as_words_about_it(serve: Any, place: str, wrapped: bool) -> None:
    server = serve(lambda asked: {})
    value: Any = [Secret("s3cret-value")] if wrapped else Secret("s3cret-value")
    with Client(server.url) as client, pytest.raises(ConfigurationError, match=rf"{place}=.*'key'.*Secret") as caught:
        client.post("/x", **{place: {"key": value}})
    assert "s3cret" not in str(caught.value)
    assert server.asked == []


def test_form_data_is_a_mapping(serve: Any) -> None:
    with Client("https://x.example") as client, pytest.raises(ConfigurationError, match="content="):
        client.post("/x", data="a=1")  # type: ignore[arg-type]


# ---------------------------------------------------------------------- another clock


def test_the_policies_of_a_client_go_by_its_clock_and_nobody_elses_do(world: Any, serve: Any) -> None:
    server = serve(lambda asked: (429, {"Retry-After": "Tue, 01 Jan 2030 00:00:30 GMT"}, b""))
    clock = VirtualClock(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
    seen: list[float] = []

    async def look(request: Request, call_next: Any) -> Response:
        seen.append(runtime().now())
        return await call_next(request)

    async def body() -> float | None:
        client = Client(server.url, retry=None, clock=clock, policies=[look])
        clock.advance(7)
        response = await client.aget("/orders", check=False)
        assert runtime().now() != seen[0]
        assert runtime().wall() != clock.wall()
        await client.aclose()
        assert isinstance(response.error, RateLimited)
        return response.error.retry_after

    assert world(body) == 23.0
    assert seen == [7.0]


def test_a_deadline_goes_by_the_clock_too(serve: Any) -> None:
    server = serve(lambda asked: {})
    clock = VirtualClock()

    async def late(request: Request, call_next: Any) -> Response:
        clock.advance(10)
        return await call_next(request)

    with Client(server.url, clock=clock, policies=[late]) as client:
        assert client.get("/", deadline=11).json() == {}
        with pytest.raises(DeadlineExceeded):
            client.get("/", deadline=10)


@pytest.mark.parametrize("wrong", [5, "now", VirtualClock, object()])
def test_a_clock_has_two_methods(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="clock="):
        Client("https://x.example", clock=wrong)


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "1", None])
def test_a_cost_is_a_whole_number(wrong: Any) -> None:
    with Client("https://x.example") as client:
        with pytest.raises(ConfigurationError, match="cost="):
            client.get("/orders", cost=wrong)
        with pytest.raises(ConfigurationError, match="cost="):
            client.stream("/orders", cost=wrong)


# ---------------------------------------------------------------------- the very first calls

_COLD = """
import threading
import integrakit as ik
from integrakit.testing import Simulator

wrong = []
with Simulator({"orders": [{"id": 1}]}) as api:
    client = ik.Client(api.url)
    gate = threading.Barrier(16)

    def work():
        gate.wait()
        try:
            for _ in range(3):
                client.get("/orders/1")
        except BaseException as problem:
            wrong.append(repr(problem))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert not wrong, wrong[:3]
"""


def test_many_threads_may_be_the_first_to_use_the_library() -> None:
    """One of them imports it, and trio with it; the others must not take what is half imported for something that runs."""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-W", "error", "-c", _COLD], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


def test_the_library_is_loaded_before_a_slot_is_booked(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {})
    booked: list[bool] = []

    class Watched(RateLimit):
        async def __call__(self, request: Request, call_next: Any, /) -> Response:
            booked.append(client._wire._client is not None or len(client._wire._loops) > 0)
            return await super().__call__(request, call_next)

    client = Client(server.url, rate_limit=Watched("100/second"))

    async def body() -> str:
        await client.aget("/orders")
        await client.aclose()
        return runtime().name

    assert booked == [world(body) != "simulated"]
