"""A hostile server tries to get at credentials and bodies that are not for it: by redirects, by ``next`` links, and by what it repeats."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

import pytest
from tests.fakes.reporter import reported

from integrakit.errors import IntegrakitError, TransportError
from integrakit.http import ApiKey, BasicAuth, BearerToken, Client, HeaderLinkPaginator, IdempotencyKey, JSONLinkPaginator, Request, Response, Retry
from integrakit.http.origins import Origins
from integrakit.http.redirects import follow_redirects
from integrakit.http.stack import compose
from integrakit.runtimes import SimulatedRuntime

SECRET = "s3cr3t-T0ken-value"
AUTHS = [ApiKey(SECRET, query="k"), BasicAuth("user", SECRET)]
GIVEN = {
    "Authorization": f"Token {SECRET}",
    "X-Api-Key": SECRET,
    "Cookie": f"sid={SECRET}",
    "Proxy-Authorization": f"Basic {SECRET}",
    "Idempotency-Key": SECRET,
    "X-Anything": SECRET,
    "Accept": "text/csv",
}


def sent(server: Any) -> str:
    """Everything that the server got to see."""
    return "\n".join(f"{asked.method} {asked.target} {asked.headers} {asked.body!r}" for asked in server.asked)


def secrets_of(auth: Any) -> list[str]:
    return [SECRET, *auth.secrets()]


def run(world: Any, make: Any, body: Any) -> Any:
    async def main() -> Any:
        async with make() as client:
            return await body(client)

    return world(main)


class Internet(dict[Any, Any]):
    """Every host there is, simulated: ``script(request)`` answers for all of them, as `Server` of the wire would see it."""

    def __init__(self, script: Any) -> None:
        super().__init__()
        self.script = script
        self.asked: list[Request] = []

    def get(self, origin: Any, default: Any = None) -> Any:
        async def host(request: Request, world: Any) -> Any:
            self.asked.append(request)
            status, headers, body = self.script(request)
            return status, list(headers.items()), body

        return host

    def words(self) -> str:
        return "\n".join(f"{r.method} {r.url} {r.params} {r.headers} {r.json} {r.content!r}" for r in self.asked[1:])


def browse(script: Any, body: Any, **options: Any) -> tuple[Internet, Any]:
    world = SimulatedRuntime(seed=1)
    internet = world.hosts = Internet(script)

    async def main() -> Any:
        async with Client("https://api.example.com/v1", **{"auth": BearerToken(SECRET), **options}) as client:
            try:
                return await body(client)
            except IntegrakitError as error:
                return error

    return internet, world.run(main())


# ---------------------------------------------------------------------------------------------- redirects to a stranger, over real connections

TO_THIEF = [
    "http://127.0.0.1:{thief}/steal",
    "//127.0.0.1:{thief}/steal",
    "HTTP://LOCALHOST:{thief}/steal",
    "http://2130706433:{thief}/steal",
    "http://0x7f.1:{thief}/steal",
    "http://127.0.0.1:{owner}@127.0.0.1:{thief}/steal",
    "http://127.0.0.1:{owner}%2F@127.0.0.1:{thief}/steal",
    "//user:pass@127.0.0.1:{thief}/steal",
    "http://127.0.0.1:{thief}/http://127.0.0.1:{owner}/",
    "http://127.0.0.1:{thief}#@127.0.0.1:{owner}/",
    "http://127.0.0.1:{thief}?@127.0.0.1:{owner}/",
    "http://127.0.0.1:{thief}\\@127.0.0.1:{owner}/",
    "http://127.0.0.1:{owner}\\@127.0.0.1:{thief}/",
    "http:\\\\127.0.0.1:{thief}\\steal",
    "/\\127.0.0.1:{thief}/steal",
    "/\t/127.0.0.1:{thief}/steal",
    "ht\ttp://127.0.0.1:{thief}/steal",
    "http://127.0.0.1\t:{thief}/steal",
    "http://[::ffff:127.0.0.1]:{thief}/steal",
    "http://127.0.0.1.:{thief}/steal",
]


@pytest.mark.parametrize("location", TO_THIEF)
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
def test_no_way_of_writing_it_takes_credentials_along(serve: Any, world: Any, auth: Any, location: str) -> None:
    thief = serve(lambda asked: {"ok": True})

    def script(asked: Any) -> Any:
        if asked.path != "/a":
            return {"ok": "home"}
        return 307, {"Location": location.format(thief=thief.port, owner=owner.port)}, b""

    owner = serve(script)

    async def body(client: Client) -> None:
        # Some of these are refused, some lead nowhere, some arrive: whatever it is, no credential goes along.
        with contextlib.suppress(IntegrakitError):
            await client.aget("/a", headers=GIVEN, params={"p": SECRET}, timeout=1.0)

    run(world, lambda: Client(owner.url, auth=auth, headers={"X-Shop": SECRET}, params={"tenant": SECRET}, retry=None), body)
    assert SECRET in sent(owner)
    assert not [secret for secret in secrets_of(auth) if secret in sent(thief)]
    assert not [name for asked in thief.asked for name in ("authorization", "cookie", "proxy-authorization") if name in asked.headers]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_the_caller_gave_with_the_call_stays_too(serve: Any, world: Any, status: int) -> None:
    thief = serve(lambda asked: {"ok": True})
    owner = serve(lambda asked: (status, {"Location": f"{thief.url}/steal"}, b""))

    async def body(client: Client) -> Any:
        return await client.aget("/a", headers=GIVEN)

    assert run(world, lambda: Client(owner.url), body).json() == {"ok": True}
    assert SECRET not in sent(thief)
    assert thief.asked[0].headers["accept"] == "text/csv"


def test_a_user_name_in_a_redirect_does_not_replace_our_credentials(serve: Any, world: Any) -> None:
    """Otherwise an open redirect makes us work in the attacker's account, and leave our data there."""

    def script(asked: Any) -> Any:
        return (307, {"Location": f"http://evil:evil@127.0.0.1:{owner.port}/b"}, b"") if asked.path == "/a" else {"ok": True}

    owner = serve(script)

    async def body(client: Client) -> Any:
        return await client.aget("/a")

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET)), body)
    assert [asked.headers["authorization"] for asked in owner.asked] == [f"Bearer {SECRET}"] * 2
    run(world, lambda: Client(owner.url), body)
    assert "authorization" not in owner.asked[-1].headers


# ---------------------------------------------------------------------------------------------- … and over every host there is


@pytest.mark.parametrize(
    ("location", "ours"),
    [
        ("https://api.example.com/b", True),
        ("https://API.EXAMPLE.com:443/b", True),
        ("/b", True),
        ("//api.example.com/b", True),
        ("https://user:pass@api.example.com/b", True),
        ("/\\evil.example/b", True),
        ("https:/evil.example/b", True),  # relative, by RFC 3986 §5.2.2 in its older reading
        ("http://api.example.com/b", False),
        ("http://api.example.com:443/b", False),
        ("https://api.example.com:8443/b", False),
        ("https://api.example.com./b", False),
        ("https://api.example.com.evil.example/b", False),
        ("https://api.example.com@evil.example/b", False),
        ("https://api.example.com:443@evil.example/b", False),
        ("https://api.example.com%40evil.example/b", False),
        ("https://evil.example/api.example.com/b", False),
        ("https://evil.example/?https://api.example.com/", False),
        ("https://evil.example#@api.example.com/", False),
        ("//evil.example/b", False),
        ("https://аpi.example.com/b", False),  # a Cyrillic а
        ("https://xn--pi-7kc.example.com/b", False),
        ("https://api。example。com/b", False),
        ("https://ａｐｉ.example.com/b", False),
        ("https://api.example.com%2eevil.example/b", False),
        ("https://[::1]/b", False),
        ("https://2130706433/b", False),
        ("https://sub.api.example.com/b", False),
        ("https://example.com/b", False),
    ],
)
def test_which_redirects_come_home(location: str, ours: bool) -> None:
    def script(request: Request) -> Any:
        return (307, {"Location": location.encode()}, b"") if request.url.endswith("/v1/a") else (200, {}, b"{}")

    async def body(client: Client) -> Any:
        return await client.aget("/a", headers={"X-Given": SECRET})

    internet, _ = browse(script, body, headers={"X-Shop": SECRET}, params={"tenant": SECRET})
    assert SECRET in str(internet.asked[0].headers)
    assert (SECRET in internet.words()) is ours
    if ours:
        assert len(internet.asked) == 2


@pytest.mark.parametrize(
    "location", ["data:text/plain,{}", "javascript:alert(1)", "file:///etc/passwd", "ftp://evil.example/", "unix:/tmp/x", "mailto:a@b"]
)
def test_other_schemes_are_handed_back(location: str) -> None:
    async def body(client: Client) -> Any:
        return await client.aget("/a")

    internet, response = browse(lambda request: (302, {"Location": location}, b""), body)
    assert response.status_code == 302
    assert len(internet.asked) == 1


@pytest.mark.parametrize("location", ["http://[", "https://h:99999/", "https://h:x/", "https://", "//", "https:evil", "https://a\\b/"])
def test_what_cannot_be_read_is_not_followed(location: str) -> None:
    async def body(client: Client) -> Any:
        return await client.aget("/a")

    internet, result = browse(lambda request: (302, {"Location": location}, b""), body)
    assert len(internet.asked) <= 1 or all(request.url.startswith("https://api.example.com/") for request in internet.asked)
    assert isinstance(result, IntegrakitError)


def test_circles_between_two_origins_end(serve: Any, world: Any) -> None:
    other = serve(lambda asked: (302, {"Location": f"{owner.url}/a"}, b""))
    owner = serve(lambda asked: (302, {"Location": f"{other.url}/b"}, b""))

    async def body(client: Client) -> None:
        with pytest.raises(TransportError, match="redirected more than 5 times"):
            await client.aget("/a")

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET)), body)
    assert (len(owner.asked), len(other.asked)) == (3, 3)
    assert SECRET not in sent(other)


def test_who_comes_home_over_a_stranger_is_known_there_again(serve: Any, world: Any) -> None:
    stranger = serve(lambda asked: (302, {"Location": f"{owner.url}/b"}, b""))
    owner = serve(lambda asked: (302, {"Location": f"{stranger.url}/x"}, b"") if asked.path == "/a" else {"ok": True})

    async def body(client: Client) -> Any:
        return await client.aget("/a")

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET)), body)
    assert [asked.headers.get("authorization") for asked in owner.asked] == [f"Bearer {SECRET}"] * 2
    assert SECRET not in sent(stranger)


# ---------------------------------------------------------------------------------------------- writes and bodies

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("POST", {"json": {"iban": SECRET}}),
    ("POST", {"data": {"iban": SECRET}}),
    ("POST", {"content": SECRET}),
    ("POST", {"files": {"f": SECRET.encode()}}),
    ("POST", {}),
    ("PUT", {"json": {"iban": SECRET}}),
    ("PATCH", {"json": [SECRET]}),
    ("DELETE", {}),
    ("GET", {"json": {"search": SECRET}}),
]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(("method", "options"), WRITES, ids=lambda value: value if isinstance(value, str) else "+".join(value))
def test_no_write_and_no_body_goes_to_another_origin(serve: Any, world: Any, method: str, options: Any, status: int) -> None:
    if method == "POST" and status in (301, 302):
        return  # becomes a GET without a body, below
    thief = serve(lambda asked: {"ok": True})
    owner = serve(lambda asked: (status, {"Location": f"{thief.url}/steal"}, b""))

    async def body(client: Client) -> None:
        with pytest.raises(TransportError, match="allow_hosts") as caught:
            await client.arequest(method, "/a", headers=GIVEN, **options)
        assert SECRET not in str(caught.value)

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET), idempotency=IdempotencyKey(header="Idempotency-Key")), body)
    assert thief.asked == []
    assert len(owner.asked) == 1  # another try would end in the same way


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_that_becomes_a_get_leaves_everything_behind(serve: Any, world: Any, status: int) -> None:
    thief = serve(lambda asked: {"ok": True})
    owner = serve(lambda asked: (status, {"Location": f"{thief.url}/seen?ok=1"}, b""))

    async def body(client: Client) -> None:
        await client.apost("/a", json={"iban": SECRET}, headers={"Content-Language": "de", "Content-Type": "application/x"}, idempotency_key=SECRET)

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET), idempotency=IdempotencyKey(header="Idempotency-Key")), body)
    assert SECRET not in sent(thief)
    (asked,) = thief.asked
    assert (asked.method, asked.body, asked.query) == ("GET", b"", [("ok", "1")])
    assert not [name for name in asked.headers if name.startswith("content-")]


def test_within_one_origin_the_body_goes_on(serve: Any, world: Any) -> None:
    owner = serve(lambda asked: (307, {"Location": "/b"}, b"") if asked.path == "/a" else {"body": asked.body.decode()})

    async def body(client: Client) -> Any:
        return (await client.apost("/a", json=[1])).json()

    assert run(world, lambda: Client(owner.url), body) == {"body": "[1]"}


@pytest.mark.parametrize(
    ("start", "to", "goes"),
    [
        ("https://api.example.com/a", "https://files.example.com/b", True),
        ("https://files.example.com/a", "https://api.example.com/b", True),
        ("https://api.example.com/a", "https://evil.example/b", False),
        ("https://api.example.com/a", "http://api.example.com/b", False),
        ("https://other.example/a", "https://other.example/b", True),
        # A stranger may not send an authorised write to where he likes.
        ("https://other.example/a", "https://api.example.com/b", False),
        ("https://other.example/a", "https://evil.example/b", False),
    ],
)
def test_between_which_origins_a_write_goes_on(world: Any, start: str, to: str, goes: bool) -> None:
    origins = Origins("https://api.example.com", ["files.example.com"])
    seen: list[str] = []

    class Raw:
        def __init__(self, url: str) -> None:
            self.url = url
            self.status_code = 307 if url == start else 200
            self.headers = {"location": to}

    async def send(request: Request) -> Response:
        seen.append(request.url)
        return Response(Raw(request.url), request)

    async def main() -> None:
        call = compose([partial(follow_redirects, own=origins.own)], send)
        request = Request(method="POST", url=start, json={"iban": SECRET})
        if goes:
            assert (await call(request)).status_code == 200
        else:
            with pytest.raises(TransportError, match="which would get its body"):
                await call(request)

    world(main)
    assert seen == [start, to][: 1 + goes]


def test_a_key_that_a_server_repeats_in_a_redirect_at_home_is_in_no_error(serve: Any, world: Any) -> None:
    """The name of the parameter looks harmless, so that nothing but its value tells."""
    server = serve(lambda asked: (302, {"Location": f"/b?{asked.target.partition('?')[2]}&page=2"}, b""))

    async def body(client: Client) -> Any:
        with pytest.raises(TransportError, match="in circles") as caught:
            await client.aget("/a", params={"session": "of-the-caller"})
        return caught.value

    problem = run(world, lambda: Client(server.url, auth=ApiKey(SECRET, query="id")), body)
    shown = f"{problem} {problem.request.url} {problem.request.params} {reported(problem)}"
    assert SECRET not in shown
    assert [asked.params["id"] for asked in server.asked] == [SECRET] * 6
    assert [asked.params["session"] for asked in server.asked] == ["of-the-caller"] * 6


def test_what_only_looks_like_a_credential_stays_in_a_redirect_at_home(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (302, {"Location": "/b?tenant=tenant-42&session=of-the-caller"}, b"") if asked.path == "/a" else {})

    async def body(client: Client) -> Any:
        return await client.aget("/a", params={"session": "of-the-caller"}, headers={"X-Tenant": "tenant-42"})

    run(world, lambda: Client(server.url, auth=ApiKey(SECRET, query="id")), body)
    assert server.asked[1].params == {"tenant": "tenant-42", "session": "of-the-caller", "id": SECRET}


def test_an_idempotency_key_in_the_query_survives_a_redirect(serve: Any, world: Any) -> None:
    """Without it the second request would be one that may not be sent again, and the retry would send it again."""
    numbers = iter(range(10))

    def script(asked: Any) -> Any:
        if asked.path == "/a":
            return 307, {"Location": "/b"}, b""
        return (lambda connection: None) if next(numbers) == 0 else {"ok": True}

    owner = serve(script)

    async def body(client: Client) -> None:
        await client.apost("/a", json=[1], params={"dry": 0}, idempotency_key="order-7")

    run(world, lambda: Client(owner.url, idempotency=IdempotencyKey(query="key"), retry=Retry(wait=lambda state: 0.0)), body)
    assert [asked.params for asked in owner.asked if asked.path == "/b"] == [{"key": "order-7"}] * 2
    other = serve(lambda asked: (308, {"Location": "/b?key=order-7"}, b"") if asked.path == "/a" else {"ok": True})
    run(world, lambda: Client(other.url, idempotency=IdempotencyKey(query="key")), body)
    assert other.asked[-1].query == [("key", "order-7")]


# ---------------------------------------------------------------------------------------------- what servers repeat, and cookies


def test_a_key_that_is_repeated_in_the_location_is_not_passed_on(serve: Any, world: Any) -> None:
    thief = serve(lambda asked: {"ok": True})
    owner = serve(lambda asked: (302, {"Location": f"{thief.url}/steal?k={SECRET}&page=2&also={SECRET}&tenant=our-tenant&note=of+our-tenant"}, b""))
    events: list[Any] = []

    async def body(client: Client) -> Any:
        return await client.aget("/a")

    make = lambda: Client(owner.url, auth=ApiKey(SECRET, query="k"), params={"tenant": "our-tenant"}, observers=[events.append])  # noqa: E731
    response = run(world, make, body)
    assert SECRET in sent(owner)
    assert SECRET not in sent(thief)
    assert thief.asked[0].query == [("page", "2"), ("note", "of our-tenant")]
    assert SECRET not in response.url
    redirects = [event for event in events if type(event).__name__ == "RedirectFollowed"]
    assert len(redirects) == 1
    assert SECRET not in repr(redirects)


def test_a_key_that_is_repeated_on_the_way_home_is_sent_once(serve: Any, world: Any) -> None:
    owner = serve(lambda asked: (302, {"Location": f"/b?k={SECRET}"}, b"") if asked.path == "/a" else {"ok": True})

    async def body(client: Client) -> Any:
        return await client.aget("/a")

    events: list[Any] = []
    run(world, lambda: Client(owner.url, auth=ApiKey(SECRET, query="k"), observers=[events.append]), body)
    (redirect,) = [event for event in events if type(event).__name__ == "RedirectFollowed"]
    assert SECRET not in repr(redirect)
    assert owner.asked[-1].query == [("k", SECRET)]


def test_cookies_of_each_host_are_its_own(serve: Any, world: Any) -> None:
    def strange(asked: Any) -> Any:
        return 200, [("Set-Cookie", "planted=1"), ("Set-Cookie", "wide=1; Domain=127.0.0.1"), ("Content-Length", "0")], b""

    stranger = serve(strange)
    where = f"http://localhost:{stranger.port}/x"

    def script(asked: Any) -> Any:
        if asked.path == "/login":
            return 200, {"Set-Cookie": f"session={SECRET}; Path=/"}, b"{}"
        return (302, {"Location": where}, b"") if asked.path == "/a" else {"cookie": asked.headers.get("cookie")}

    owner = serve(script)

    async def body(client: Client) -> Any:
        await client.aget("/login")
        await client.aget("/a")
        return (await client.aget("/b")).json()

    assert run(world, lambda: Client(owner.url), body) == {"cookie": f"session={SECRET}"}
    assert SECRET not in sent(stranger)
    assert "cookie" not in stranger.asked[0].headers


# ---------------------------------------------------------------------------------------------- next links


LINKS = [*TO_THIEF, "https://127.0.0.1:{owner}/steal", "file:///etc/passwd", "javascript:1", "data:,x"]


@pytest.mark.parametrize(
    ("paginator", "location"), [*((JSONLinkPaginator("next"), link) for link in LINKS), *((HeaderLinkPaginator(), link) for link in LINKS[:4])]
)
def test_a_next_link_to_a_stranger_is_refused(serve: Any, world: Any, paginator: Any, location: str) -> None:
    thief = serve(lambda asked: {"data": []})

    def script(asked: Any) -> Any:
        if asked.path != "/a":
            return {"data": []}
        link = location.format(thief=thief.port, owner=owner.port)
        headers = {"Link": f'<{link}>; rel="next"'} if isinstance(paginator, HeaderLinkPaginator) else {}
        return 200, headers, {"data": [{"id": 1}], "next": link}

    owner = serve(script)

    async def body(client: Client) -> None:
        stream = client.stream("/a", paginator=paginator, records="data", headers=GIVEN)
        with contextlib.suppress(IntegrakitError):
            [record async for record in stream]
            assert len(owner.asked) == 2  # it was a path of our own
            return
        assert stream.evidence.complete is not True

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET), timeout=1.0, retry=None), body)
    assert thief.asked == []


def test_a_next_link_to_an_allowed_host_is_followed_with_credentials(serve: Any, world: Any) -> None:
    other = serve(lambda asked: {"data": [{"id": 2}]})
    owner = serve(lambda asked: {"data": [{"id": 1}], "next": f"{other.url}/b"})

    async def body(client: Client) -> Any:
        return [record async for record in client.stream("/a", paginator=JSONLinkPaginator("next"), records="data")]

    make = lambda: Client(owner.url, auth=BearerToken(SECRET), allow_hosts=[f"127.0.0.1:{other.port}"])  # noqa: E731
    assert run(world, make, body) == [{"id": 1}, {"id": 2}]
    assert other.asked[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_next_link_that_redirects_to_a_stranger_takes_nothing_along(serve: Any, world: Any) -> None:
    thief = serve(lambda asked: {"data": []})

    def script(asked: Any) -> Any:
        return (302, {"Location": f"{thief.url}/steal"}, b"") if asked.path == "/b" else {"data": [{"id": 1}], "next": "/b"}

    owner = serve(script)

    async def body(client: Client) -> None:
        [record async for record in client.stream("/a", paginator=JSONLinkPaginator("next"), records="data")]

    run(world, lambda: Client(owner.url, auth=BearerToken(SECRET)), body)
    assert len(thief.asked) == 1
    assert SECRET not in sent(thief)
