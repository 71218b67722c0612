"""The order of policies, redirects, origins, deadlines, and where credentials go. Every test that does I/O runs in four worlds."""

from __future__ import annotations

import copy
import math
import pickle
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from integrakit.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineExceeded,
    DecodeError,
    IntegrakitError,
    ReadError,
    TransportError,
    TransportTimeout,
)
from integrakit.http import ApiKey, BasicAuth, BearerToken, Client, JSONLinkPaginator, PerAttempt, RateLimit, Request, Response, Retry, Timeout
from integrakit.http.origins import Origins
from integrakit.model.events import AttemptStarted
from integrakit.runtimes import runtime

SECRET = "s3cr3t-T0ken-value"
AUTHS = [
    BearerToken(SECRET),
    BearerToken(lambda: SECRET),
    ApiKey(SECRET, header="X-Api-Key"),
    ApiKey(SECRET, query="key"),
    BasicAuth("user", SECRET),
]
NO_RETRY = Retry(attempts=1)


def sent(server: Any) -> str:
    """Everything that the server got to see."""
    return "\n".join(f"{asked.method} {asked.target} {asked.headers} {asked.body!r}" for asked in server.asked)


def run(world: Any, client_of: Any, body: Any) -> Any:
    async def main() -> Any:
        async with client_of() as client:
            return await body(client)

    return world(main)


# ---------------------------------------------------------------------------------------------- credentials and origins


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: repr(auth)[:24])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_takes_no_credentials_along(serve: Any, world: Any, auth: Any, status: int) -> None:
    thief = serve(lambda asked: {"ok": True})
    owner = serve(lambda asked: (status, {"Location": f"{thief.url}/steal"}, b""))

    async def body(client: Client) -> Any:
        return await client.aget("/a", headers={"X-Trace": SECRET, "Cookie": SECRET}, params={"p": SECRET})

    make = lambda: Client(owner.url, auth=auth, headers={"X-Shop": SECRET}, params={"tenant": SECRET})  # noqa: E731
    response = run(world, make, body)
    assert response.json() == {"ok": True}
    assert response.url == f"{thief.url}/steal"
    assert len(thief.asked) == 1
    encoded = list(auth.secrets())
    assert not any(secret in sent(thief) for secret in [SECRET, *encoded])
    assert SECRET in sent(owner)


@pytest.mark.parametrize("own", [httpx, None])
def test_credentials_of_an_own_http_client_stay_at_home_too(serve: Any, own: Any) -> None:
    thief = serve(lambda asked: (200, {"Set-Cookie": "thief=1"}, b"{}"))
    owner = serve(
        lambda asked: (
            (200, {"Set-Cookie": f"session={SECRET}; Path=/"}, b"{}") if asked.path == "/login" else (307, {"Location": f"{thief.url}/steal"}, b"")
        )
    )
    http = None if own is None else own.Client(headers={"X-Api-Key": SECRET}, params={"key": SECRET}, auth=("user", SECRET), cookies={"sid": SECRET})
    with Client(owner.url, http=http) as client:
        client.get("/login")
        client.get("/go")
    assert len(thief.asked) == 1
    assert SECRET not in sent(thief)
    assert "authorization" not in thief.asked[0].headers
    assert "cookie" not in thief.asked[0].headers
    if http is not None:
        http.close()


def test_an_absolute_url_of_another_origin_gets_no_credentials(serve: Any, world: Any) -> None:
    other = serve(lambda asked: {})

    async def body(client: Client) -> None:
        await client.aget(f"{other.url}/x", headers={"Accept": "text/csv"})

    run(world, lambda: Client("https://api.shop.example", auth=BearerToken(SECRET), headers={"X-Key": SECRET}), body)
    assert SECRET not in sent(other)
    assert other.asked[0].headers["accept"] == "text/csv"


def test_allowed_hosts_get_the_credentials(serve: Any, world: Any) -> None:
    other = serve(lambda asked: {})
    owner = serve(lambda asked: (302, {"Location": f"{other.url}/x"}, b""))

    async def body(client: Client) -> None:
        await client.aget("/a")

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET), allow_hosts=[f"127.0.0.1:{other.port}"]), body)
    assert other.asked[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://api.example.com/x", True),
        ("https://API.example.com:443/x", True),
        ("http://api.example.com/x", False),
        ("https://api.example.com:8443/x", False),
        ("https://api.example.com.evil.com/x", False),
        ("https://api.example.com@evil.com/x", False),
        ("https://evil.com/?https://api.example.com", False),
        ("https://evil.com\\@api.example.com/", False),
        ("https://api.example.com\\@evil.com/", False),
        ("https://files.example.com/x", True),
        ("http://files.example.com/x", False),
        ("http://open.example.com:8080/x", True),
        ("https://open.example.com:8080/x", False),
        ("https://api.example.com:99999/", False),
        ("https://api.example.com:abc/", False),
        ("https://[::1/", False),
        ("//api.example.com/", False),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_what_an_own_origin_is(url: str, own: bool) -> None:
    origins = Origins("https://api.example.com", ["files.example.com", "http://open.example.com:8080"])
    assert origins.own(url) is own


@pytest.mark.parametrize(
    "hosts", ["evil.com", [""], [None], [5], ["https://x.example/path"], ["https://"], ["a b"], ["x:abc"], ["[::1"], None, 5, True]
)
def test_wrong_allow_hosts_are_said_at_once(hosts: Any) -> None:
    with pytest.raises(ConfigurationError, match="allow_hosts"):
        Client("https://api.example.com", allow_hosts=hosts)


@pytest.mark.parametrize("location", ["http://[", "http://host:99999/", "http://h:x/", "//", "http://exa mple/", "http://\x7f/"])
def test_a_hostile_location_is_one_of_our_errors(serve: Any, world: Any, location: str) -> None:
    owner = serve(lambda asked: (302, {"Location": location}, b""))

    async def body(client: Client) -> None:
        with pytest.raises(IntegrakitError):
            await client.aget("/a", timeout=0.5)

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET), retry=None), body)


@pytest.mark.parametrize("link", ["http://[", "http://h:x/", "http://127.0.0.1:1/next", "https://127.0.0.1/next", "ftp://x/y", "javascript:1"])
def test_a_hostile_next_link_is_not_followed(serve: Any, world: Any, link: str) -> None:
    owner = serve(lambda asked: {"data": [{"id": 1}], "next": link})

    async def body(client: Client) -> None:
        stream = client.stream("/a", paginator=JSONLinkPaginator("next"), records="data")
        with pytest.raises((ReadError, DecodeError)):
            [record async for record in stream]
        assert stream.evidence.complete is not True

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET)), body)
    assert len(owner.asked) == 1


def test_redirects_change_the_method_as_browsers_do(serve: Any, world: Any) -> None:
    def script(asked: Any) -> Any:
        if asked.path.startswith("/to/"):
            return int(asked.path[4:]), {"Location": "../end"}, b""
        return {"method": asked.method, "body": asked.body.decode(), "type": asked.headers.get("content-type")}

    server = serve(script)

    async def body(client: Client) -> Any:
        answers = {}
        for status in (301, 302, 303, 307, 308):
            for method in ("POST", "PUT"):
                answers[status, method] = (await client.arequest(method, f"/to/{status}", json=[1])).json()["method"]
        kept = (await client.apost("/to/307", json=[1])).json()
        gone = (await client.apost("/to/303", json=[1])).json()
        return answers, kept, gone

    answers, kept, gone = run(world, lambda: Client(server.url), body)
    assert {method for (_, method), became in answers.items() if method == "PUT" and became == "PUT"} == {"PUT"}
    assert answers[301, "POST"] == answers[302, "POST"] == answers[303, "POST"] == answers[303, "PUT"] == "GET"
    assert answers[307, "POST"] == answers[308, "POST"] == "POST"
    assert kept == {"method": "POST", "body": "[1]", "type": "application/json"}
    assert gone == {"method": "GET", "body": "", "type": None}


def test_redirects_in_circles_end(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (302, {"Location": asked.target}, b""))

    async def body(client: Client) -> None:
        with pytest.raises(TransportError, match="redirected more than 5 times"):
            await client.aget("/round")

    run(world, lambda: Client(server.url), body)
    assert len(server.asked) == 6  # a circle does not pass: it is not tried again


def test_what_is_no_redirect_is_handed_back(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (304, {}, b"") if asked.path == "/304" else (302, {"Location": "ftp://x/y"} if asked.path == "/ftp" else {}, b"x"))

    async def body(client: Client) -> list[int]:
        return [(await client.aget(path)).status_code for path in ("/ftp", "/none")]

    assert run(world, lambda: Client(server.url), body) == [302, 302]


def test_each_hop_of_a_redirect_keeps_the_query_it_names(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (302, {"Location": "/b?x=1#frag"}, b"") if asked.path == "/a" else {"q": asked.query})

    async def body(client: Client) -> Any:
        return (await client.aget("/a", params={"y": 2})).json()

    assert run(world, lambda: Client(server.url, params={"version": "7", "x": "mine", "id": "5"}), body) == {
        "q": [["x", "1"], ["version", "7"], ["id", "5"]]
    }


def test_client_parameters_go_out_beside_similar_names(serve: Any) -> None:
    server = serve(lambda asked: {"q": asked.params})
    with Client(server.url, params={"id": "7"}) as client:
        assert client.get("/a?order_id=5").json() == {"q": {"order_id": "5", "id": "7"}}
        assert client.get("/a?id=5").json() == {"q": {"id": "5"}}
        assert client.get("/a", params={"id": 9}).json() == {"q": {"id": "9"}}
        assert client.get("/a?%69d=5").json() == {"q": {"id": "5"}}


def test_an_api_key_in_the_query_is_sent_once(serve: Any) -> None:
    def script(asked: Any) -> Any:
        keys = [value for name, value in asked.query if name == "key"]
        assert keys == [SECRET]
        if "page" in asked.params:
            return {"data": [{"id": 2}]}
        return {"data": [{"id": 1}], "next": f"/items?page=2&key={SECRET}"}

    server = serve(script)
    with Client(server.url, auth=ApiKey(SECRET, query="key")) as client:
        pages = list(client.stream("/items", records="data", paginator=JSONLinkPaginator("next")).pages())
    assert [page.records for page in pages] == [[{"id": 1}], [{"id": 2}]]
    assert SECRET not in repr([page.checkpoint for page in pages])


# ---------------------------------------------------------------------------------------------- secrets in words


def everything_of(error: BaseException) -> str:
    """All that logs, reports and other processes may get to see of an error."""
    parts = [str(error), repr(error), "".join(traceback.format_exception(error)), *getattr(error, "__notes__", ())]
    for name in ("request", "response"):
        if getattr(error, name, None) is not None:
            parts += [repr(getattr(error, name)), str(getattr(error, name))]
    request = getattr(error, "request", None)
    if request is not None:
        parts += [request.url, repr(request.headers), repr(request.params)]
    response = getattr(error, "response", None)
    if response is not None:
        parts += [response.url, repr(response.raw.request.headers.multi_items()), str(response.raw.request.url), response.excerpt()]
    data = pickle.dumps(error)
    parts.append(data.decode("latin-1"))
    again = pickle.loads(data)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert str(copy.copy(error)) == str(error)
    return "\n".join(parts)


def _echo(asked: Any) -> Any:
    # A server that tells everything it was told, in the ways servers write it.
    text = f"{'x' * 200} {asked.headers} {asked.target} {asked.query}"
    if asked.path == "/html":
        return 200, {"Content-Type": "text/html"}, f"<p>{asked.headers} {asked.target}".encode()
    if asked.path == "/drop":
        return lambda connection: None
    if asked.path == "/garbage":
        return lambda connection: connection.sendall(b"garbage " + text.encode() + b"\r\n\r\n")
    return 500 if asked.path == "/500" else 400, {}, text.encode()


@pytest.mark.parametrize("path", ["/400", "/500", "/html", "/drop", "/garbage"])
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: repr(auth)[:24])
def test_no_error_holds_a_secret(serve: Any, world: Any, auth: Any, path: str) -> None:
    server = serve(_echo)

    async def body(client: Client) -> str:
        with pytest.raises(IntegrakitError) as caught:
            (await client.aget(path)).json()
        # The body that came is the server's own; what we say and keep of the request is ours.
        if (response := getattr(caught.value, "response", None)) is not None:
            response.raw._content = b""
        return everything_of(caught.value)

    make = partial(
        Client, server.url, auth=auth, headers={"X-Shop-Secret": "client-header-value"}, params={"client_token": "client-param-value"}, retry=None
    )
    words = run(world, make, body)
    assert SECRET in sent(server) or "Basic" in sent(server)
    for secret in [SECRET, *auth.secrets(), "client-header-value", "client-param-value"]:
        assert secret not in words


@pytest.mark.parametrize("secret", ["with space & more/=+?", 'quote"and\\back', "ümlaut".encode().hex()])
def test_secrets_are_found_in_whatever_way_they_are_written(serve: Any, secret: str) -> None:
    server = serve(lambda asked: (400, {}, {"target": asked.target, "query": asked.params}))
    with Client(server.url, auth=ApiKey(secret, query="k"), retry=None) as client, pytest.raises(IntegrakitError) as caught:
        client.get("/a")
    words = str(caught.value)
    assert "***" in words
    assert secret.partition("/")[0][5:] not in words
    assert "more" not in words


def test_a_secret_that_straddles_the_end_of_the_excerpt_is_hidden(serve: Any) -> None:
    token = "T" + "0123456789abcdef" * 100
    server = serve(lambda asked: (400, {}, b"y" * 280 + asked.headers["authorization"].encode()))
    with Client(server.url, auth=BearerToken(token)) as client, pytest.raises(IntegrakitError) as caught:
        client.get("/a")
    assert "T0123" not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_token_that_is_renewed_meanwhile_is_hidden_too(serve: Any) -> None:
    server = serve(lambda asked: (400, {}, asked.headers["authorization"].encode()))
    numbers = iter(range(1000))
    with Client(server.url, auth=BearerToken(lambda: f"rotating-{next(numbers)}"), retry=None) as client, pytest.raises(IntegrakitError) as caught:
        client.get("/a")
    assert "rotating" not in str(caught.value)
    assert next(numbers) == 1  # asked for once, and not again for the message


def test_headers_of_the_call_are_hidden(serve: Any) -> None:
    server = serve(lambda asked: (400, {}, repr(asked.headers).encode()))
    with Client(server.url) as client, pytest.raises(IntegrakitError) as caught:
        client.get("/a", headers={"Authorization": f"Custom {SECRET}"})
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.request)


@pytest.mark.parametrize("value", ["{}\n{}", "{}\r{}", "{}\x00", "{}\x7f{}", " {}", "{} ", "{}é", "{}\t"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(ConfigurationError, match="headers=") as caught:
        Client("https://x.example", headers={"X-Key": value.format(SECRET, SECRET)})
    assert SECRET not in str(caught.value)


def test_a_header_that_a_policy_spoils_is_said_without_its_value(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {})

    async def spoil(request: Request, call_next: Any) -> Response:
        request = request.copy()
        request.headers["x-key"] = f"{SECRET}\x00"
        return await call_next(request)

    async def body(client: Client) -> None:
        with pytest.raises(ConfigurationError) as caught:
            await client.aget("/a")
        assert SECRET not in "".join(traceback.format_exception(caught.value))

    run(world, lambda: Client(server.url, policies=[spoil]), body)


def test_user_information_in_a_url_is_not_shown(serve: Any) -> None:
    server = serve(lambda asked: (400, {}, b"no"))
    with Client(server.url) as client, pytest.raises(IntegrakitError) as caught:
        client.get(f"http://user:{SECRET}@127.0.0.1:{server.port}/a?access_token={SECRET}&sig={SECRET}&key={SECRET}")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.request)


# ---------------------------------------------------------------------------------------------- order


def test_policies_stand_in_their_order(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (503, {}, b"") if len(server.asked) < 3 else {})
    seen: list[str] = []

    def note(name: str) -> Any:
        async def policy(request: Request, call_next: Any) -> Response:
            seen.append(f"{name}>{request.attempt}")
            await runtime().sleep(0.001)
            response = await call_next(request)
            seen.append(f"{name}<{response.status_code}")
            return response

        return policy

    async def body(client: Client) -> Any:
        return await client.aget("/a")

    policies = [PerAttempt(note("in")), note("out"), PerAttempt(note("inner")), note("outer")]
    response = run(world, lambda: Client(server.url, policies=policies, retry=Retry(wait=lambda state: 0.001)), body)
    inner = [f"in>{{}} inner>{{}} inner<{code} in<{code}".replace("{}", str(n)) for n, code in ((1, 503), (2, 503), (3, 200))]
    assert " ".join(seen) == " ".join(["out>1 outer>1", *inner, "outer<200 out<200"])
    assert response.attempts == 3


@pytest.mark.parametrize("where", [lambda policy: policy, PerAttempt])
def test_a_policy_that_gives_no_response_is_said(serve: Any, world: Any, where: Any) -> None:
    async def forgetful(request: Request, call_next: Any) -> Any:
        await call_next(request)

    async def body(client: Client) -> None:
        with pytest.raises(ConfigurationError, match="forgetful"):
            await client.aget("/a")

    server = serve(lambda asked: {})
    run(world, lambda: Client(server.url, policies=[where(forgetful)]), body)


def test_a_policy_that_is_not_async_is_said(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, policies=[lambda request, call_next: None]) as client, pytest.raises(ConfigurationError, match="async def"):
        client.get("/a")


def test_a_blocking_call_inside_a_policy_works(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {"token": "t"} if asked.path == "/token" else {"got": asked.headers.get("x-token")})

    async def body(client: Client) -> Any:
        plain = Client(server.url)

        async def fetch(request: Request, call_next: Any) -> Response:
            request = request.copy()
            request.headers["x-token"] = plain.get("/token").json()["token"]
            return await call_next(request)

        async with Client(server.url, policies=[fetch]) as other:
            answer = (await other.aget("/a")).json()
        plain.close()
        return answer

    assert run(world, lambda: Client(server.url), body) == {"got": "t"}


@pytest.mark.parametrize("wrong", [None, 5, "policy", object()])
def test_what_is_no_policy_is_said(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="PerAttempt takes a policy"):
        PerAttempt(wrong)


def test_a_redirect_that_echoes_the_credentials_does_not_keep_them(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (302, {"Location": f"/b?x=1&key={SECRET}"}, b"") if asked.path == "/a" else (404, {}, b"no"))

    async def body(client: Client) -> str:
        with pytest.raises(IntegrakitError) as caught:
            await client.aget("/a")
        return everything_of(caught.value)

    assert SECRET not in run(world, lambda: Client(server.url, auth=ApiKey(SECRET, query="key")), body)
    assert [value for name, value in server.asked[1].query if name == "key"] == [SECRET]


# ---------------------------------------------------------------------------------------------- time


def _drip(asked: Any) -> Any:
    def slowly(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" if asked.path != "/head" else b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(200):
            time.sleep(0.02)
            connection.sendall(b"x")

    return slowly


async def shortest(asking: Callable[[], Awaitable[object]], enough: float) -> float:
    """Seconds that it takes: the least of up to five tries, since what else the machine does makes them longer, and never shorter."""
    least = math.inf
    for _ in range(5):
        started = time.monotonic()
        await asking()
        least = min(least, time.monotonic() - started)
        if least < enough:
            break
    return least


@pytest.mark.parametrize("path", ["/body", "/head"])
def test_a_dripping_answer_ends_by_the_clock(serve: Any, world: Any, path: str) -> None:
    server = serve(_drip)

    async def body(client: Client) -> None:
        async def ask() -> None:
            with pytest.raises(TransportTimeout, match=r"within 0.15 s"):
                await client.aget(path)

        assert 0.14 < await shortest(ask, 0.5) < 0.5

    run(world, lambda: Client(server.url, timeout=0.15, retry=None), body)


def test_a_late_drop_does_not_double_the_time(serve: Any, world: Any) -> None:
    def late(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        time.sleep(0.2)
        connection.sendall(b"x")
        time.sleep(0.5)

    server = serve(lambda asked: late)

    async def body(client: Client) -> None:
        async def ask() -> None:
            with pytest.raises(TransportTimeout):
                await client.aget("/a")

        assert await shortest(ask, 0.4) < 0.4

    run(world, lambda: Client(server.url, timeout=0.25, retry=None), body)


def test_the_deadline_ends_the_whole_call(serve: Any, world: Any) -> None:
    server = serve(_drip)

    async def body(client: Client) -> None:
        async def ask() -> None:
            with pytest.raises(DeadlineExceeded, match="ran out of its deadline") as caught:
                await client.aget("/a", deadline=0.15)
            assert caught.value.attempts == 1

        assert await shortest(ask, 0.5) < 0.5

    run(world, lambda: Client(server.url), body)


def test_the_deadline_covers_waits(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (503, {}, b"") if asked.path == "/503" else {})

    async def body(client: Client) -> None:
        started = runtime().now()
        with pytest.raises(IntegrakitError, match="503") as caught:
            await client.aget("/503", deadline=0.45)
        assert runtime().now() - started < 0.45
        assert any("beyond the deadline" in note for note in caught.value.__notes__)

    run(world, lambda: Client(server.url, retry=Retry(attempts=50, wait=lambda state: 0.25)), body)
    assert len(server.asked) == 2


def test_a_deadline_that_passes_in_a_policy_is_noticed_before_sending(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {})

    async def slow(request: Request, call_next: Any) -> Response:
        await runtime().sleep(0.03)
        return await call_next(request)

    async def body(client: Client) -> None:
        with pytest.raises(DeadlineExceeded, match="before attempt 1") as caught:
            await client.aget("/a")
        assert caught.value.attempts == 0

    run(world, lambda: Client(server.url, deadline=0.01, policies=[slow]), body)
    assert server.asked == []


def test_a_timeout_below_the_deadline_stays_a_timeout(serve: Any, world: Any) -> None:
    server = serve(_drip)

    async def body(client: Client) -> None:
        with pytest.raises(TransportTimeout):
            await client.aget("/a", deadline=5.0)

    run(world, lambda: Client(server.url, timeout=0.1, retry=None), body)


def test_parts_of_a_timeout(serve: Any, world: Any) -> None:
    def silent(connection: Any) -> None:
        time.sleep(0.4)

    server = serve(lambda asked: silent)

    async def body(client: Client) -> None:
        with pytest.raises(TransportTimeout):
            await client.aget("/a")

    run(world, lambda: Client(server.url, timeout=Timeout(read=0.1, attempt=None), retry=None), body)


# ---------------------------------------------------------------------- a second try with other credentials


class Replaced:
    """Has another token after each 401."""

    number = 0

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        request.headers["authorization"] = f"token {self.number}"
        return request

    def secrets(self) -> list[str]:
        return []

    async def rejected(self, request: Request, response: Response, /) -> bool:
        self.number += 1
        return True


def test_a_request_that_is_signed_anew_is_an_attempt_of_its_own(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {} if asked.headers["authorization"] == "token 1" else (401, {}, b""))
    limit, events = RateLimit("100/second; 1000/day"), []

    async def body(client: Client) -> None:
        response = await client.aget("/orders")
        assert response.status_code == 200
        assert response.attempts == 2

    run(world, lambda: Client(server.url, auth=Replaced(), rate_limit=limit, observers=[events.append]), body)
    assert [type(event).__name__ for event in events if type(event).__name__ != "Waited"] == [
        "CallStarted", "AttemptStarted", "AttemptFinished", "AttemptStarted", "AttemptFinished", "CallFinished",
    ]  # fmt: skip
    assert [event.request.attempt for event in events if isinstance(event, AttemptStarted)] == [1, 2]
    assert events[-1].attempts == 2
    assert limit.forecast()[1].used == 2


def test_a_401_that_stays_is_asked_for_once_more_only(serve: Any) -> None:
    server = serve(lambda asked: (401, {}, b""))
    with Client(server.url, auth=Replaced()) as client, pytest.raises(AuthenticationError) as caught:
        client.get("/orders")
    assert caught.value.attempts == 2
    assert len(server.asked) == 2


def test_a_request_id_that_echoes_credentials_is_hidden(serve: Any) -> None:
    server = serve(lambda asked: (200, {"X-Request-Id": asked.headers["authorization"]}, b"{}"))
    with Client(server.url, auth=BearerToken(SECRET)) as client:
        assert SECRET not in str(client.get("/orders").request_id)
