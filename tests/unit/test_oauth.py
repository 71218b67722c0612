"""The OAuth 2 auths over real sockets in four worlds: what is sent, when it is renewed, what is kept, and what a person is told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import logging
import pickle
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.fakes.reporter import reported
from tests.fakes.token_server import TokenServer

from integrakit.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DeadlineExceeded,
    IntegrakitError,
    RateLimited,
    ReauthorisationNeeded,
    ServerError,
    StoreError,
    TransportError,
)
from integrakit.http import Client
from integrakit.http.oauth import OAuth2ClientCredentials, OAuth2JWTBearer, OAuth2RefreshToken, endpoint
from integrakit.model import Request, Response
from integrakit.model.events import GrantLost, TokenRefreshed
from integrakit.protocols import Delete, Put
from integrakit.runtimes import drive, runtime
from integrakit.secrets import Secret
from integrakit.state import MemoryStore, SqliteStore, acquire_lease
from integrakit.testing import simulate

URL = "https://login.example.com/token"


def form(asked: Any) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(asked.body.decode(), keep_blank_values=True).items()}


def credentials(url: str, **options: Any) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(f"{url}/token", **{"client_id": "c", "client_secret": "s3cret-value", **options})


def refreshing(url: str, **options: Any) -> OAuth2RefreshToken:
    return OAuth2RefreshToken(f"{url}/token", **{"client_id": "c", "client_secret": "s3cret-value", "refresh_token": "refresh-token-0", **options})


def get(world: Any, url: str, auth: Any, times: int = 1, **options: Any) -> list[Any]:
    async def main() -> list[Any]:
        async with Client(url, auth=auth, **options) as client:
            return [(await client.aget("/orders")).status_code for _ in range(times)]

    result: list[Any] = world(main)
    return result


def token_requests(server: Any) -> list[Any]:
    return [asked for asked in server.asked if asked.path == "/token"]


# ---------------------------------------------------------------------------------------------- what is sent


def test_client_credentials_are_sent_in_the_header_and_the_token_on_each_request(serve: Any, world: Any) -> None:
    server = serve(TokenServer().serve)
    auth = credentials(server.url, client_id="a:b", client_secret="p+ä/", scope=["read", "write"], audience="https://api", extra={"resource": "x"})
    assert get(world, server.url, auth, 3) == [200, 200, 200]
    (asked,) = token_requests(server)
    assert form(asked) == {"grant_type": "client_credentials", "scope": "read write", "audience": "https://api", "resource": "x"}
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode() == "a%3Ab:p%2B%C3%A4%2F"
    assert asked.headers["accept"] == "application/json"
    assert [each.headers["authorization"] for each in server.asked if each.path == "/orders"] == ["Bearer access-token-1"] * 3


def test_a_scope_in_whatever_form_it_is_at_hand() -> None:
    names = {credentials("https://login.example.com", scope=scope).name for scope in ("a b", ["a", "b"], ("a", "b"), {"b", "a"}, frozenset("ab"))}
    assert len(names) == 1


def test_or_in_the_body(serve: Any, world: Any) -> None:
    server = serve(TokenServer().serve)
    get(world, server.url, credentials(server.url, client_auth="post"))
    (asked,) = token_requests(server)
    assert form(asked) == {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s3cret-value"}
    assert "authorization" not in asked.headers


def test_a_public_client_only_says_its_id(serve: Any, world: Any) -> None:
    server = serve(TokenServer().serve)
    get(world, server.url, refreshing(server.url, client_secret=None, scope="a"))
    (asked,) = token_requests(server)
    assert form(asked) == {"grant_type": "refresh_token", "refresh_token": "refresh-token-0", "scope": "a", "client_id": "c"}
    assert "authorization" not in asked.headers


def test_headers_and_parameters_of_the_client_stay_away_from_the_token_endpoint(serve: Any, world: Any) -> None:
    server = serve(TokenServer().serve)
    get(world, server.url, credentials(server.url), headers={"X-Api-Key": "k3y"}, params={"key": "k3y"})
    (asked,) = token_requests(server)
    assert "x-api-key" not in asked.headers
    assert asked.query == []


# ---------------------------------------------------------------------------------------------- renewing


def test_a_token_is_renewed_before_it_expires() -> None:
    server = TokenServer(expires_in=3600)

    async def main() -> None:
        auth = refreshing("http://127.0.0.1")
        for at, expected in ((0, 1), (3539, 1), (3541, 2), (7075, 2), (7090, 3)):
            await runtime().sleep(at - runtime().now())
            await auth.authorise_over(Request(method="GET", url=URL), exchange_of(server))
            assert (at, server.refreshed) == (at, expected)

    simulate(main)


@pytest.mark.parametrize(("life", "leeway", "fresh_for"), [(100, None, 90), (3600, 600, 3000), (20, 60, 10), (None, None, 1e6), (7, 0, 7)])
def test_the_leeway(life: float | None, leeway: float | None, fresh_for: float) -> None:
    server = TokenServer(expires_in=life)

    async def main() -> None:
        auth = refreshing("http://127.0.0.1", leeway=leeway)
        for at, expected in ((0, 1), (fresh_for * 0.99, 1), (fresh_for * 1.01, 1 if life is None else 2)):
            await runtime().sleep(at - runtime().now())
            await auth.authorise_over(Request(method="GET", url=URL), exchange_of(server))
            assert server.refreshed == expected

    simulate(main)


def exchange_of(server: TokenServer, *, before: Any = None) -> Any:
    """A fake exchange: no network."""

    class Raw:
        def __init__(self, answer: Any) -> None:
            self.status_code, headers, self.content = answer
            self.headers = {name.lower(): value for name, value in headers.items()}
            self.text, self.url = self.content.decode(), URL

    async def exchange(request: Request) -> Response:
        if before is not None:
            await before()
        assert request.data is not None
        return Response(Raw(server.token(request.data)), request)

    return exchange


def test_a_401_for_the_current_token_renews_it_once(serve: Any, world: Any) -> None:
    server = TokenServer()
    http = serve(server.serve)
    auth = refreshing(http.url)
    assert get(world, http.url, auth) == [200]
    server.expire()
    assert get(world, http.url, auth) == [200]
    assert server.refreshed == 2


def test_a_server_that_refuses_every_token_is_not_asked_for_more_and_more(serve: Any, world: Any) -> None:
    server = TokenServer()
    http = serve(lambda asked: server.token(asked.body) if asked.path == "/token" else (401, {}, b"no"))
    auth = refreshing(http.url)

    async def main() -> None:
        async with Client(http.url, auth=auth) as client:
            for _ in range(5):
                with pytest.raises(AuthenticationError, match="/orders answered 401"):
                    await client.aget("/orders")

    world(main)
    assert server.refreshed == 2


def test_a_token_that_was_taken_after_a_401_and_is_refused_later_is_renewed_again_at_once(serve: Any, world: Any) -> None:
    server = TokenServer()
    http = serve(server.serve)

    async def main() -> None:
        async with Client(http.url, auth=refreshing(http.url)) as client:
            for generation in range(1, 5):
                assert (await client.aget("/orders")).status_code == 200
                assert server.refreshed == generation
                server.expire()

    world(main)
    assert server.reused == 0


def test_where_a_401_says_nothing_about_the_token_it_is_left_alone(serve: Any, world: Any) -> None:
    server = TokenServer()
    http = serve(lambda asked: server.token(asked.body) if asked.path == "/token" else (401, {}, b"no"))
    with pytest.raises(AuthenticationError):
        get(world, http.url, refreshing(http.url, refresh_on_401=False))
    assert server.refreshed == 1


def test_a_401_for_a_token_that_was_replaced_meanwhile_costs_no_renewal(world: Any) -> None:
    server = TokenServer()
    store = MemoryStore()

    async def main() -> None:
        one, other = refreshing("http://127.0.0.1", store=store), refreshing("http://127.0.0.1", store=store)
        request, exchange = Request(method="GET", url=URL), exchange_of(server)
        old = await one.authorise_over(request, exchange)
        await other.authorise_over(request, exchange)
        assert await one.rejected(old, None)  # type: ignore[arg-type]
        new = await one.authorise_over(request, exchange)
        assert new.headers != old.headers
        assert await one.rejected(old, None)  # type: ignore[arg-type]
        # The other one finds in the store what the first has renewed.
        assert await other.rejected(old, None)  # type: ignore[arg-type]
        assert (await other.authorise_over(request, exchange)).headers == new.headers
        assert server.refreshed == 2
        assert not await one.rejected(Request(method="GET", url=URL, headers={"authorization": "Basic x"}), None)  # type: ignore[arg-type]

    world(main)


def test_the_same_token_again_after_a_forced_renewal_ends_there(world: Any) -> None:
    """Some servers give the same token until it expires."""
    asked: list[int] = []

    class Same(TokenServer):
        def token(self, body: Any) -> Any:
            asked.append(1)
            return 200, {}, b'{"access_token": "same", "expires_in": 3600}'

    async def main() -> None:
        auth = credentials("http://127.0.0.1")
        request, exchange = Request(method="GET", url=URL), exchange_of(Same())
        for _ in range(4):
            signed = await auth.authorise_over(request, exchange)
            await auth.rejected(signed, None)  # type: ignore[arg-type]
        assert len(asked) == 2

    world(main)


def test_a_renewal_that_fails_while_the_token_lives_is_tried_later() -> None:
    server = TokenServer(expires_in=1000)
    failing = [False]

    async def before() -> None:
        if failing[0]:
            raise ConnectError("no way", sent=False)

    async def main() -> None:
        auth, exchange = refreshing("http://127.0.0.1"), exchange_of(server, before=before)
        request = Request(method="GET", url=URL)
        first = await auth.authorise_over(request, exchange)
        failing[0] = True
        for moment in (945, 947, 960, 999):
            await runtime().sleep(moment - runtime().now())
            assert (await auth.authorise_over(request, exchange)).headers == first.headers
        await runtime().sleep(2)
        with pytest.raises(ConnectError, match="so that no token could be had") as caught:
            await auth.authorise_over(request, exchange)
        assert caught.value.sent is False
        assert caught.value.lasting is True
        failing[0] = False
        assert (await auth.authorise_over(request, exchange)).headers != first.headers

    simulate(main)


def test_a_lost_answer_and_a_failing_server_are_asked_again_soon(world: Any) -> None:
    server = TokenServer(grace=True)
    script = ["lost", 502, None]

    async def before() -> None:
        step = script.pop(0)
        if step == "lost":
            server.token({"grant_type": "refresh_token", "refresh_token": "refresh-token-0"})
            raise TransportError("gone")
        if step == 502:
            raise ServerErrorAnswer

    class ServerErrorAnswer(Exception):
        pass

    async def main() -> None:
        plain = exchange_of(server, before=before)

        async def exchange(request: Request) -> Any:
            try:
                return await plain(request)
            except ServerErrorAnswer:
                return await exchange_of(Broken())(request)

        auth = refreshing("http://127.0.0.1")
        signed = await auth.authorise_over(Request(method="GET", url=URL), exchange)
        assert signed.headers["authorization"] == "Bearer access-token-2"
        assert script == []

    class Broken(TokenServer):
        def token(self, body: Any) -> Any:
            return 502, {}, b"<html>bad gateway</html>"

    world(main)


# ---------------------------------------------------------------------------------------------- the grant in the store


def test_the_rotated_token_is_kept_before_it_is_used(serve: Any, tmp_path: Path, world: Any) -> None:
    server = TokenServer()
    kept: list[Any] = []

    def script(asked: Any) -> Any:
        if asked.path == "/orders":
            with SqliteStore(tmp_path / "tokens.db") as other:
                kept.append(next(iter(other.scan("tokens"))).value["refresh_token"])
        return server.serve(asked)

    http = serve(script)
    with SqliteStore(tmp_path / "tokens.db") as store:
        get(world, http.url, refreshing(http.url, store=store))
    assert kept == [server.current]


@pytest.mark.parametrize("form", ["text", "path", "url", "store"])
def test_a_store_is_given_as_everywhere(serve: Any, tmp_path: Path, world: Any, form: str) -> None:
    server, file = TokenServer(), tmp_path / "tokens.db"
    http = serve(server.serve)
    for _ in range(2):
        store: Any = {"text": str(file), "path": file, "url": f"sqlite:///{file}", "store": file}[form]
        with contextlib.closing(SqliteStore(store)) if form == "store" else contextlib.nullcontext(store) as given:
            auth = refreshing(http.url, store=given)
            assert get(world, http.url, auth) == [200]
            del auth  # closes what it opened
    gc.collect()
    assert (server.refreshed, server.reused) == (1, 0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_store_in_memory_by_its_url_does_not_last(caplog: Any) -> None:
    async def main() -> None:
        auth = refreshing("http://127.0.0.1", store="memory://")
        await auth.authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer()))

    simulate(main)
    assert "kept in this process only" in caplog.text


def test_a_first_token_that_is_a_secret_with_a_fixed_text_needs_no_name(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "tokens.db") as store:
        names = {refreshing(URL, refresh_token=Secret(token), store=store).name for token in ("refresh-token-0", "another-account")}
        assert len(names) == 2
        assert refreshing(URL, store=store).name in names  # as with the text itself
        with pytest.raises(ConfigurationError, match="takes name="):
            refreshing(URL, refresh_token=Secret.env("REFRESH_TOKEN"), store=store)


def test_the_next_run_goes_on_from_the_store_and_not_from_the_seed(serve: Any, tmp_path: Path, world: Any) -> None:
    server = TokenServer()
    http = serve(server.serve)
    for run in range(4):
        with SqliteStore(tmp_path / "tokens.db") as store:
            auth = refreshing(http.url, store=store, name="books")
            assert get(world, http.url, auth) == [200]
            entry = store.get("tokens", "books")
            assert entry is not None
            assert (entry.value["generation"], entry.value["refresh_token"]) == (run + 1, server.current)
            store.commit([Put("tokens", "books", {**entry.value, "expires_at": "2020-01-01T00:00:00+00:00"})])
    assert (server.refreshed, server.reused) == (4, 0)


def test_a_new_seed_is_taken_and_an_old_one_is_not(world: Any) -> None:
    store, first, second = MemoryStore(), TokenServer("first"), TokenServer("second")
    request = Request(method="GET", url=URL)

    async def main() -> None:
        await refreshing("http://127.0.0.1", refresh_token="first", store=store, name="x").authorise_over(request, exchange_of(first))
        await refreshing("http://127.0.0.1", refresh_token="second", store=store, name="x").authorise_over(request, exchange_of(second))
        assert (first.refreshed, second.refreshed) == (1, 1)
        # A process with the old configuration, after a rotation more: the old seed is known as used.
        for number in range(3):
            auth = refreshing("http://127.0.0.1", refresh_token="first", store=store, name="x")
            signed = await auth.authorise_over(request, exchange_of(second))
            await auth.rejected(signed, None)  # type: ignore[arg-type]
            await auth.authorise_over(request, exchange_of(second))
            assert (second.refreshed, second.reused) == (2, 0), number

    world(main)


def test_two_accounts_of_one_client_do_not_get_each_others_tokens(world: Any) -> None:
    store, one, other = MemoryStore(), TokenServer("one"), TokenServer("other")
    request = Request(method="GET", url=URL)

    async def main() -> None:
        for _ in range(2):
            for server, seed in ((one, "one"), (other, "other")):
                auth = refreshing("http://127.0.0.1", refresh_token=seed, store=store)
                signed = await auth.authorise_over(request, exchange_of(server))
                await auth.rejected(signed, None)  # type: ignore[arg-type]
                await auth.authorise_over(request, exchange_of(server))
        assert (one.reused, other.reused) == (0, 0)
        assert (one.refreshed, other.refreshed) == (2, 2)
        with pytest.raises(ConfigurationError, match="takes name="):
            refreshing("http://127.0.0.1", refresh_token=Rotating("seed"), store=store)

    world(main)


def test_what_came_with_the_seed_is_used_until_it_expires() -> None:
    server = TokenServer("seed")

    async def main() -> None:
        auth = OAuth2RefreshToken(
            URL, client_id="c", refresh_token="seed", access_token="given-token", expires_at=runtime().wall() + timedelta(seconds=500)
        )
        request = Request(method="GET", url=URL)
        for moment, token in ((0, "given-token"), (430, "given-token"), (441, "access-token-1")):
            await runtime().sleep(moment - runtime().now())
            assert (await auth.authorise_over(request, exchange_of(server))).headers["authorization"] == f"Bearer {token}"

    simulate(main)


def test_the_life_of_the_refresh_token_is_told_where_the_server_tells_it(world: Any) -> None:
    class Books(TokenServer):
        def token(self, body: Any) -> Any:
            return 200, {}, b'{"access_token": "a", "refresh_token": "r", "expires_in": 3600, "x_refresh_token_expires_in": 8726400}'

    async def main() -> None:
        auth = refreshing("http://127.0.0.1")
        assert auth.refresh_token_expires_at is None
        before = runtime().wall()
        await auth.authorise_over(Request(method="GET", url=URL), exchange_of(Books()))
        assert auth.refresh_token_expires_at is not None
        assert auth.expires_at is not None
        assert timedelta(0) <= auth.refresh_token_expires_at - before - timedelta(days=101) < timedelta(seconds=5)
        assert timedelta(0) <= auth.expires_at - before - timedelta(hours=1) < timedelta(seconds=5)

    world(main)


def test_a_token_before_the_last_is_tried_where_the_last_was_never_accepted(world: Any) -> None:
    """The server answered, and forgot what it had answered: restored from a backup, say."""
    store = MemoryStore()
    server = TokenServer()

    async def main() -> None:
        request = Request(method="GET", url=URL)
        auth = refreshing("http://127.0.0.1", store=store)
        signed = await auth.authorise_over(request, exchange_of(server))

        class Forgetful(TokenServer):
            def token(self, body: Any) -> Any:
                if body.get("refresh_token") == server.current:
                    return self._error("invalid_grant", "never heard of it")
                return super().token(body)

        assert await auth.rejected(signed, None)  # type: ignore[arg-type]
        assert (await auth.authorise_over(request, exchange_of(Forgetful()))).headers["authorization"] == "Bearer access-token-1"

    world(main)


def test_when_the_grant_is_gone_a_person_is_told_and_the_server_not_asked_by_each_request(serve: Any, world: Any, tmp_path: Path) -> None:
    server = TokenServer()
    server.revoked = True
    http = serve(server.serve)
    events: list[Any] = []
    with SqliteStore(tmp_path / "tokens.db") as store:
        auth = refreshing(http.url, store=store, name="books")

        async def main() -> None:
            async with Client(http.url, auth=auth, observers=[events.append]) as client:
                for _ in range(3):
                    with pytest.raises(ReauthorisationNeeded) as caught:
                        await client.aget("/orders")
                    said = str(caught.value)
                    for part in ("'c'", f"127.0.0.1:{http.port}", "tokens/books", "tokens.db", "first_grant"):
                        assert part in said
                    assert "refresh-token" not in said + repr(caught.value.__cause__)

        world(main)
        assert [type(event) for event in events if isinstance(event, GrantLost)] == [GrantLost]
        assert len(token_requests(http)) == 1
        # A new grant in the store is found at once.
        server.revoked, server.current = False, "fresh"
        assert get(world, http.url, refreshing(http.url, store=store, name="books", refresh_token="fresh")) == [200]
        assert get(world, http.url, auth) == [200]


def test_an_empty_store_says_that_there_is_no_grant_yet(world: Any) -> None:
    async def main() -> None:
        auth = OAuth2RefreshToken(URL, client_id="c", store=MemoryStore())
        with pytest.raises(ReauthorisationNeeded, match="is not there yet"):
            await auth.authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer()))

    world(main)


def test_a_name_of_somebody_elses_tokens_is_said(world: Any) -> None:
    store = MemoryStore()

    async def main() -> None:
        request = Request(method="GET", url=URL)
        await refreshing("http://127.0.0.1", store=store, name="x").authorise_over(request, exchange_of(TokenServer()))
        with pytest.raises(ConfigurationError, match="another client"):
            await refreshing("http://127.0.0.1", store=store, name="x", client_id="d").authorise_over(request, exchange_of(TokenServer()))
        store.commit([Put("tokens", "x", {"format": 2, "access_token": "s3cret"})])
        with pytest.raises(StoreError, match="tokens/x holds no tokens that this version can read") as caught:
            await refreshing("http://127.0.0.1", store=store, name="x").authorise_over(request, exchange_of(TokenServer()))
        assert "s3cret" not in str(caught.value)

    world(main)


def test_another_scope_under_the_same_name_is_another_token(world: Any) -> None:
    store, server = MemoryStore(), TokenServer()

    async def main() -> None:
        request, tokens = Request(method="GET", url=URL), []
        for scope in ("read", "write", "write"):
            auth = credentials("http://127.0.0.1", store=store, name="x", scope=scope)
            tokens.append((await auth.authorise_over(request, exchange_of(server))).headers["authorization"][-1])
        assert tokens == ["1", "2", "2"]

    world(main)


class Failing:
    """A store that takes what it is told to take."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.full = False
        for name in ("get", "get_many", "scan", "get_columns", "scan_columns", "count_columns", "close"):
            setattr(self, name, getattr(self.inner, name))

    def commit(self, operations: Any) -> None:
        if self.full and operations[0].space == "tokens":
            raise StoreError("the disk is full")
        self.inner.commit(operations)


def test_a_full_disk_does_not_cost_the_grant(caplog: Any) -> None:
    store, server = Failing(), TokenServer(expires_in=100)
    for name in ("get", "get_many", "scan", "get_columns", "scan_columns", "count_columns", "close"):
        assert callable(getattr(store, name))

    async def main() -> None:
        request, exchange = Request(method="GET", url=URL), exchange_of(server)
        auth = refreshing("http://127.0.0.1", store=store, name="x")
        store.full = True
        for _ in range(3):
            assert (await auth.authorise_over(request, exchange)).headers["authorization"] == "Bearer access-token-1"
            await runtime().sleep(2)
        assert store.inner.get("tokens", "x") is None
        # Another token is not asked for while this one is nowhere but in memory.
        await runtime().sleep(100)
        with pytest.raises(StoreError, match="the disk is full"):
            await auth.authorise_over(request, exchange)
        assert server.refreshed == 1
        store.full = False
        assert (await auth.authorise_over(request, exchange)).headers["authorization"] == "Bearer access-token-2"
        entry = store.inner.get("tokens", "x")
        assert entry is not None
        assert entry.value["refresh_token"] == server.current
        assert server.reused == 0

    with caplog.at_level(logging.ERROR, "integrakit.oauth"):
        simulate(main)
    assert "could not be kept" in caplog.text
    assert "refresh-token-" not in caplog.text


def test_what_could_not_be_kept_is_kept_as_soon_as_the_store_works(world: Any) -> None:
    store, server = Failing(), TokenServer()

    async def main() -> None:
        request, exchange = Request(method="GET", url=URL), exchange_of(server)
        auth = refreshing("http://127.0.0.1", store=store, name="x")
        store.full = True
        await auth.authorise_over(request, exchange)
        store.full = False
        auth._tokens._shelf._next_try = 0.0
        await auth.authorise_over(request, exchange)
        entry = store.inner.get("tokens", "x")
        assert entry is not None
        assert entry.value["refresh_token"] == server.current

    world(main)


class Breaking(Failing):
    """A store whose steps can be made to fail one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[str] = set()
        plain, commit = self.inner.get, self.inner.commit

        def get(space: str, key: str) -> Any:
            if f"get {space}" in self.broken:
                raise StoreError("the disk is on fire")
            return plain(space, key)

        self.get, self._commit = get, commit

    def commit(self, operations: Any) -> None:
        if f"{type(operations[0]).__name__.lower()} {operations[0].space}" in self.broken:
            raise StoreError("the disk is on fire")
        self._commit(operations)


def test_a_store_that_is_away_stops_nobody_who_has_a_token() -> None:
    store, server = Breaking(), TokenServer(expires_in=1000)

    async def main() -> None:
        auth, request, exchange = refreshing("http://127.0.0.1", store=store), Request(method="GET", url=URL), exchange_of(server)
        signed = await auth.authorise_over(request, exchange)
        for step in ("get tokens", "put leases", "get leases"):
            store.broken = {step}
            await runtime().sleep(945 - runtime().now() if runtime().now() < 945 else 6)
            assert (await auth.authorise_over(request, exchange)).headers == signed.headers
        store.broken = {"get tokens"}
        assert await auth.rejected(signed, None)  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="on fire") as caught:
            await auth.authorise_over(request, exchange)
        assert "refused with a 401" in caught.value.__notes__[0]
        assert server.refreshed == 1
        # A lease that cannot be given back does not cost the token that was granted.
        store.broken = {"delete leases"}
        await runtime().sleep(1000)
        assert (await auth.authorise_over(request, exchange)).headers["authorization"] == "Bearer access-token-2"

    simulate(main)


def test_tokens_that_were_deleted_while_they_were_renewed_are_kept_all_the_same(world: Any) -> None:
    store, server = MemoryStore(), TokenServer()

    async def main() -> None:
        request, auth = Request(method="GET", url=URL), refreshing("http://127.0.0.1", store=store, name="x")

        async def meddle() -> None:
            store.commit([Delete("tokens", "x")])

        signed = await auth.authorise_over(request, exchange_of(server))
        await auth.rejected(signed, None)  # type: ignore[arg-type]
        await auth.authorise_over(request, exchange_of(server, before=meddle))
        entry = store.get("tokens", "x")
        assert entry is not None
        assert entry.value["refresh_token"] == server.current

    world(main)


def test_what_could_not_be_kept_gives_way_to_what_somebody_else_kept_since(world: Any) -> None:
    store, server = Failing(), TokenServer()

    async def main() -> None:
        request, auth = Request(method="GET", url=URL), refreshing("http://127.0.0.1", store=store, name="x")
        store.full = True
        await auth.authorise_over(request, exchange_of(server))
        store.full = False
        other = refreshing("http://127.0.0.1", store=store, name="x", refresh_token="fresh")
        signed = await other.authorise_over(request, exchange_of(TokenServer("fresh", expires_in=9999)))
        auth._tokens._shelf._next_try = 0.0
        assert (await auth.authorise_over(request, exchange_of(server))).headers == signed.headers
        assert auth.expires_at == other.expires_at

    world(main)


def test_secrets_of_the_library_fit(serve: Any, world: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("BOOKS_SECRET", "s3cret-value")
    server = serve(TokenServer("seed").serve)
    options = {"client_secret": Secret.env("BOOKS_SECRET"), "refresh_token": Secret("seed"), "client_auth": "post"}
    assert get(world, server.url, refreshing(server.url, **options)) == [200]
    assert form(token_requests(server)[0])["client_secret"] == "s3cret-value"
    monkeypatch.setenv("BOOKS_SECRET", "")
    with pytest.raises(ConfigurationError):
        get(world, server.url, credentials(server.url, client_secret=Secret.env("BOOKS_SECRET")))
    with pytest.raises(ConfigurationError, match="line ends"):
        get(world, server.url, credentials(server.url, client_secret=Secret("s3cret\n")))


def test_a_file_that_others_can_read_is_told_of(tmp_path: Path, caplog: Any) -> None:
    for mode, expected in ((0o644, True), (0o600, False)):
        caplog.clear()
        path = tmp_path / f"{mode}.db"
        with SqliteStore(path) as store:
            path.chmod(mode)
            auth = refreshing("http://127.0.0.1", store=store)
            drive(auth.authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer())))
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert ("chmod 600" in caplog.text) is expected


def test_a_refresh_token_that_ends_with_the_process_is_told_of(caplog: Any) -> None:
    for options, expected in (({}, True), ({"rotate": False}, False)):
        caplog.clear()
        drive(refreshing("http://127.0.0.1").authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer(**options))))
        assert ("in this process only" in caplog.text) is expected


# ---------------------------------------------------------------------------------------------- waiting for each other


def test_many_tasks_ask_once(world: Any) -> None:
    server = TokenServer()

    async def slow() -> None:
        await runtime().sleep(0.02)

    async def main() -> None:
        auth = refreshing("http://127.0.0.1")

        async def one() -> str:
            return (await auth.authorise_over(Request(method="GET", url=URL), exchange_of(server, before=slow))).headers["authorization"]

        assert set(await runtime().gather([one] * 12, 12)) == {"Bearer access-token-1"}

    world(main)
    assert (server.refreshed, server.reused) == (1, 0)


def test_everybody_gets_the_error(world: Any) -> None:
    async def slow() -> None:
        await runtime().sleep(0.02)

    class Refusing(TokenServer):
        def token(self, body: Any) -> Any:
            self.log.append(body)
            return self._error("unauthorized_client", "")

    server = Refusing()

    async def main() -> None:
        auth = credentials("http://127.0.0.1")

        async def one() -> None:
            with pytest.raises(AuthenticationError, match="may not use this kind of grant"):
                await auth.authorise_over(Request(method="GET", url=URL), exchange_of(server, before=slow))

        await runtime().gather([one] * 6, 6)

    world(main)
    assert len(server.log) < 6


def test_one_whose_deadline_passes_is_told_and_the_token_comes_all_the_same(world: Any) -> None:
    server = TokenServer()

    async def slow() -> None:
        await runtime().sleep(0.05)

    async def main() -> None:
        auth = refreshing("http://127.0.0.1")
        exchange = exchange_of(server, before=slow)

        async def patient() -> str:
            return (await auth.authorise_over(Request(method="GET", url=URL), exchange)).headers["authorization"]

        async def hurried() -> str:
            await runtime().sleep(0.01)
            with pytest.raises(DeadlineExceeded, match="while it waited for a token"):
                await auth.authorise_over(Request(method="GET", url=URL, deadline=runtime().now() + 0.01), exchange)
            return "late"

        assert await runtime().gather([patient, hurried], 2) == ["Bearer access-token-1", "late"]

    world(main)


def test_the_deadline_of_the_first_is_not_that_of_the_others(world: Any) -> None:
    """The first one gives up waiting for another process; those who have more time go on."""
    server, store = TokenServer(), MemoryStore()

    async def main() -> None:
        auth = refreshing("http://127.0.0.1", store=store, name="x")
        lease = acquire_lease(store, "token:x", clock=runtime())

        async def hurried() -> str:
            with pytest.raises(DeadlineExceeded):
                await auth.authorise_over(Request(method="GET", url=URL, deadline=runtime().now() + 0.03), exchange_of(server))
            return "late"

        async def patient() -> str:
            await runtime().sleep(0.01)
            return (await auth.authorise_over(Request(method="GET", url=URL), exchange_of(server))).headers["authorization"]

        async def other() -> str:
            await runtime().sleep(0.1)
            lease.release()
            return ""

        assert await runtime().gather([hurried, patient, other], 3) == ["late", "Bearer access-token-1", ""]

    world(main)


def test_a_lease_that_is_never_given_back_is_not_waited_for_for_ever() -> None:
    store = MemoryStore()

    async def main() -> None:
        auth = refreshing("http://127.0.0.1", store=store, name="x", timeout=10)
        acquire_lease(store, "token:x", ttl=100_000, clock=runtime())
        with pytest.raises(DeadlineExceeded, match=r"for 20 s: the lease 'token:x' is held by process"):
            await auth.authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer()))
        assert 20 <= runtime().now() < 21

    simulate(main)


def test_a_cancelled_task_does_not_lose_the_token() -> None:
    server, store = TokenServer(), MemoryStore()

    async def main() -> None:
        auth = refreshing("http://127.0.0.1", store=store, name="x")
        begun = asyncio.Event()

        async def slow() -> None:
            begun.set()
            await asyncio.sleep(0.03)

        task = asyncio.ensure_future(auth.authorise_over(Request(method="GET", url=URL), exchange_of(server, before=slow)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        entry = store.get("tokens", "x")
        assert entry is not None
        assert entry.value["refresh_token"] == server.current == "refresh-token-1"
        assert store.get("leases", "token:x") is None

    asyncio.run(main())


def test_a_blocking_call_in_the_loop_that_is_renewing_is_told_instead_of_hanging() -> None:
    async def main() -> None:
        auth, begun = refreshing("http://127.0.0.1"), asyncio.Event()

        async def slow() -> None:
            begun.set()
            await asyncio.sleep(0.03)

        exchange = exchange_of(TokenServer(), before=slow)
        task = asyncio.ensure_future(auth.authorise_over(Request(method="GET", url=URL), exchange))
        await begun.wait()
        with pytest.raises(ConfigurationError, match=r"await client\.aget"):
            drive(auth.authorise_over(Request(method="GET", url=URL), exchange))
        await task

    asyncio.run(main())


def test_the_loser_of_a_race_uses_what_the_winner_kept(world: Any) -> None:
    """The lease expired while the answer was on its way, and somebody else was faster."""
    store, server = MemoryStore(), TokenServer()

    async def main() -> None:
        auth = refreshing("http://127.0.0.1", store=store, name="x")
        other = refreshing("http://127.0.0.1", store=store, name="x", refresh_token="other")
        request = Request(method="GET", url=URL)

        async def overtaken() -> None:
            store.commit([Delete("leases", "token:x")])
            await other.authorise_over(request, exchange_of(TokenServer("other")))

        signed = await auth.authorise_over(request, exchange_of(server, before=overtaken))
        entry = store.get("tokens", "x")
        assert entry is not None
        assert signed.headers["authorization"] == f"Bearer {entry.value['access_token']}"

    world(main)


class Overtaking(Failing):
    """Between the first look at the tokens and the lease, somebody else is faster."""

    def __init__(self) -> None:
        super().__init__()
        self.then: Any = None
        plain = self.inner.get

        def get(space: str, key: str) -> Any:
            entry, then = plain(space, key), self.then
            if space == "tokens" and then is not None:
                self.then = None
                then()
            return entry

        self.get = get


def test_what_was_kept_before_the_lease_was_taken_is_found(world: Any) -> None:
    server, store = TokenServer(), Overtaking()
    request, exchange = Request(method="GET", url=URL), exchange_of(server)
    other = refreshing("http://127.0.0.1", store=store.inner, name="x")
    store.then = lambda: drive(other.authorise_over(request, exchange))

    async def main() -> None:
        signed = await refreshing("http://127.0.0.1", store=store, name="x").authorise_over(request, exchange)
        assert signed.headers["authorization"] == "Bearer access-token-1"

    world(main)
    assert (server.refreshed, server.reused) == (1, 0)


def test_a_401_that_comes_while_an_early_renewal_fails_still_renews() -> None:
    server = TokenServer(expires_in=1000)
    failing = [False]

    async def before() -> None:
        if failing.pop():
            await runtime().sleep(1)
            raise ConnectError("no way", sent=False)
        failing.append(False)

    async def main() -> None:
        request, exchange = Request(method="GET", url=URL), exchange_of(server, before=before)
        auth = refreshing("http://127.0.0.1")
        old = await auth.authorise_over(request, exchange)
        await runtime().sleep(945)
        failing[:] = [False, True]

        async def early() -> str:
            return (await auth.authorise_over(request, exchange)).headers["authorization"]

        async def refused() -> str:
            await runtime().sleep(0.5)
            assert await auth.rejected(old, None)  # type: ignore[arg-type]
            return await early()

        assert await runtime().gather([early, refused], 2) == ["Bearer access-token-2"] * 2

    simulate(main)


# ---------------------------------------------------------------------------------------------- secrets and events


class Rotating:
    """What has the shape of a Secret."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)

    async def get(self) -> str:
        return self.values[0]

    def known(self) -> tuple[str, ...]:
        return (self.values[0],)

    async def replaced(self) -> bool:
        if len(self.values) == 1:
            return False
        del self.values[0]
        return True


def test_a_secret_that_was_replaced_is_asked_for_anew(serve: Any, world: Any) -> None:
    server = TokenServer()

    def script(asked: Any) -> Any:
        if asked.path == "/token" and form(asked)["client_secret"] != "new-secret":
            return 401, {}, {"error": "invalid_client"}
        return server.serve(asked)

    http = serve(script)
    assert get(world, http.url, credentials(http.url, client_secret=Rotating("old-secret", "new-secret"), client_auth="post")) == [200]
    with pytest.raises(AuthenticationError, match="client_auth=basic"):
        get(world, http.url, credentials(http.url, client_secret=Rotating("old-secret"), client_auth="post"))


def test_no_secret_is_in_any_message(serve: Any, world: Any) -> None:
    """The server echoes what it was sent."""

    def script(asked: Any) -> Any:
        sent = form(asked)
        words = " ".join([*sent.values(), asked.headers.get("authorization", "")])
        return 400, {"X-Request-Id": f"r-{words[-60:]}"}, {"error": "invalid_scope", "error_description": words}

    http = serve(script)
    for auth in (refreshing(http.url), refreshing(http.url, client_auth="post"), credentials(http.url)):
        with pytest.raises(AuthenticationError) as caught:
            get(world, http.url, auth)
        shown = repr(auth) + str(caught.value) + repr(caught.value) + repr(caught.value.__cause__) + repr(pickle.loads(pickle.dumps(caught.value)))
        assert "invalid_scope" in shown
        for secret in ("s3cret-value", "refresh-token-0", base64.b64encode(b"c:s3cret-value").decode()):
            assert secret not in shown


@pytest.mark.parametrize("answered", ["refused", "html", "failing", "nothing"])
def test_no_secret_is_in_the_local_variables_of_an_error(serve: Any, world: Any, monkeypatch: Any, answered: str) -> None:
    monkeypatch.setattr(endpoint, "FIRST_WAIT", 0.001)
    answers: dict[str, Any] = {"refused": (400, {}, {"error": "invalid_grant"}), "html": (200, {}, b"<html>"), "failing": (500, {}, b"")}
    http = serve(lambda asked: answers.get(answered, lambda connection: None))
    for auth in (
        refreshing(http.url, client_secret=Secret("s3cret-value"), refresh_token=Secret("refresh-token-0")),
        refreshing(http.url, client_auth="post"),
        credentials(http.url, client_auth="post"),
    ):
        for _ in range(2):
            with pytest.raises(IntegrakitError) as caught:
                get(world, http.url, auth, retry=None)
            shown = reported(caught.value)
            assert str(caught.value) in shown
            for secret in ("s3cret-value", "refresh-token-0", base64.b64encode(b"c:s3cret-value").decode()):
                assert secret not in shown


def test_secrets_are_those_of_now_and_before_without_asking_anybody(world: Any) -> None:
    server = TokenServer()

    async def main() -> None:
        auth = refreshing("http://127.0.0.1", client_secret=Rotating("from-a-vault"))
        assert {"refresh-token-0", "from-a-vault"} <= set(auth.secrets())
        request, exchange = Request(method="GET", url=URL), exchange_of(server)
        signed = await auth.authorise_over(request, exchange)
        await auth.rejected(signed, None)  # type: ignore[arg-type]
        await auth.authorise_over(request, exchange)
        assert {f"{kind}-token-{number}" for kind in ("access", "refresh") for number in (1, 2)} <= set(auth.secrets())

    world(main)


def test_observers_hear_of_it(serve: Any, world: Any) -> None:
    http = serve(TokenServer(expires_in=100).serve)
    events: list[Any] = []
    get(world, http.url, refreshing(http.url, name="books"), 2, observers=[events.append])
    (told,) = [event for event in events if isinstance(event, TokenRefreshed)]
    assert (told.grant, told.expires_in, told.rotated) == (f"the refresh token of 'books' at 127.0.0.1:{http.port}", 100, True)
    assert "token-1" not in repr(events)


# ---------------------------------------------------------------------------------------------- signed statements


@pytest.fixture(scope="module")
def key() -> tuple[str, Any]:
    pytest.importorskip("jwt", reason='needs PyJWT: pip install "integrakit[jwt]"')
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return pem, private.public_key()


@pytest.mark.parametrize("as_client", [False, True])
def test_a_signed_statement(serve: Any, world: Any, key: Any, as_client: bool) -> None:
    import jwt

    http = serve(TokenServer().serve)
    options: dict[str, Any] = {"as_client_assertion": True} if as_client else {"subject": "me@example.com"}
    auth = OAuth2JWTBearer(
        f"{http.url}/token", issuer="c", audience="https://login", key=key[0], key_id="k", algorithm="ES256", scope="x", claims={"y": 1}, **options
    )
    assert get(world, http.url, auth, 2) == [200, 200]
    (asked,) = token_requests(http)
    sent = form(asked)
    place, kind = ("client_assertion", "client_credentials") if as_client else ("assertion", "urn:ietf:params:oauth:grant-type:jwt-bearer")
    assert sent["grant_type"] == kind
    assert sent["scope"] == "x"
    assert sent.get("client_assertion_type") == ("urn:ietf:params:oauth:client-assertion-type:jwt-bearer" if as_client else None)
    assert jwt.get_unverified_header(sent[place])["kid"] == "k"
    claims = jwt.decode(sent[place], key[1], ["ES256"], audience="https://login", options={"verify_iat": False, "verify_exp": False})
    assert (claims["iss"], claims["sub"], claims["y"]) == ("c", "c" if as_client else "me@example.com", 1)
    assert claims["exp"] - claims["iat"] == 120
    assert "PRIVATE" not in repr(auth)


def test_a_key_that_cannot_sign_is_said_without_it(world: Any, key: Any) -> None:
    async def main() -> None:
        for pem in (key[0][:100], key[0]):
            auth = OAuth2JWTBearer(URL, issuer="c", key=pem, algorithm="RS256")
            with pytest.raises(ConfigurationError, match="key= cannot sign with RS256") as caught:
                await auth.authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer()))
            assert pem[-60:] not in str(caught.value)
            assert caught.value.__cause__ is None
            assert caught.value.__context__ is None

    world(main)


@pytest.mark.parametrize("form", ["text", "bytes", "path", "secret", "secret of bytes", "secret of a file"])
def test_a_key_in_whatever_form_it_is_at_hand(world: Any, key: Any, tmp_path: Path, form: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(key[0])
    given: Any = {
        "text": key[0],
        "bytes": key[0].encode(),
        "path": file,
        "secret": Secret(key[0]),
        "secret of bytes": Secret(key[0].encode()),
        "secret of a file": Secret.file(file),
    }[form]

    async def main() -> None:
        auth = OAuth2JWTBearer(URL, issuer="c", key=given, algorithm="ES256")
        signed = await auth.authorise_over(Request(method="GET", url=URL), exchange_of(TokenServer()))
        assert signed.headers["authorization"] == "Bearer access-token-1"

    world(main)


@pytest.mark.parametrize("wrong", ["no-key-s3cret", "/etc/keys/s3cret.pem", b"\xffs3cret", b"", 5])
def test_what_is_no_key_is_said_when_it_is_given(key: Any, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="key= takes") as caught:
        OAuth2JWTBearer(URL, issuer="c", key=wrong)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_statement_that_is_not_accepted(world: Any, key: Any) -> None:
    class Refusing(TokenServer):
        def token(self, body: Any) -> Any:
            return self._error("invalid_grant", f"bad assertion {body['assertion']}")

    async def main() -> None:
        auth = OAuth2JWTBearer(URL, issuer="c", key=key[0], algorithm="ES256")
        with pytest.raises(AuthenticationError, match="this machine's clock") as caught:
            await auth.authorise_over(Request(method="GET", url=URL), exchange_of(Refusing()))
        assert "eyJ" not in str(caught.value)

    world(main)


# ---------------------------------------------------------------------------------------------- wrong arguments


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://login.example.com/token", "must be https"),
        ("ftp://login.example.com", "absolute URL"),
        ("/token", "absolute URL"),
        ("https://user:s3cret@login.example.com", "without user name"),
        ("https://login.example.com/#x", "fragment"),
        ("https://login.example.com:port/", "absolute URL"),
        ("https://login.example.com/ a", "absolute URL"),
        ("https://login.example.com\\@evil.example/", "absolute URL"),
        (None, "absolute URL"),
        (b"https://x", "absolute URL"),
    ],
)
def test_wrong_urls_are_said(url: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        OAuth2ClientCredentials(url, client_id="c", client_secret="s")
    assert "s3cret" not in str(caught.value)


def test_http_goes_to_this_machine_or_where_it_is_allowed() -> None:
    for url in ("http://127.0.0.1:8000/t", "http://localhost/t", "http://[::1]:80/t"):
        OAuth2ClientCredentials(url, client_id="c", client_secret="s")
    OAuth2ClientCredentials("http://login.example.com/t", client_id="c", client_secret="s", insecure=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"client_id": ""}, "client_id="),
        ({"client_id": None}, "client_id="),
        ({"client_id": "a\n"}, "client_id="),
        ({"client_secret": None}, "client_secret="),
        ({"client_secret": "s3cret\n"}, "client_secret="),
        ({"client_secret": b"s3cret"}, "client_secret="),
        ({"client_secret": ""}, "client_secret="),
        ({"client_auth": "header"}, "client_auth="),
        ({"scope": ""}, "scope="),
        ({"scope": ["a", 5]}, "scope="),
        ({"scope": "a\nb"}, "scope="),
        ({"audience": 5}, "audience="),
        ({"extra": {"client_secret": "s3cret"}}, "extra="),
        ({"extra": {"a": 5}}, "extra="),
        ({"extra": "a=b"}, "extra="),
        ({"store": 5}, "store="),
        ({"store": "gopher://tokens"}, "store="),
        ({"store": SqliteStore}, "store="),
        ({"name": ""}, "name="),
        ({"name": 5}, "name="),
        ({"leeway": -1}, "leeway="),
        ({"leeway": float("nan")}, "leeway="),
        ({"leeway": True}, "leeway="),
        ({"refresh_on_401": 1}, "refresh_on_401="),
        ({"timeout": 0}, "timeout="),
        ({"timeout": float("inf")}, "timeout="),
    ],
)
def test_wrong_arguments_are_said(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        OAuth2ClientCredentials(URL, **{"client_id": "c", "client_secret": "s", **options})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "refresh_token="),
        ({"refresh_token": ""}, "refresh_token="),
        ({"refresh_token": " s3cret"}, "refresh_token="),
        ({"refresh_token": "r", "access_token": 5}, "access_token="),
        ({"refresh_token": "r", "expires_at": datetime(2026, 1, 1)}, "expires_at="),
        ({"refresh_token": "r", "expires_at": 5}, "expires_at="),
    ],
)
def test_wrong_arguments_of_a_refresh_token_are_said(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        OAuth2RefreshToken(URL, client_id="c", **options)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"issuer": ""}, "issuer="),
        ({"key": None}, "key="),
        ({"key": 5}, "key="),
        ({"algorithm": "HS256"}, "algorithm="),
        ({"algorithm": "none"}, "algorithm="),
        ({"lifetime": 0}, "lifetime="),
        ({"lifetime": 100_000}, "lifetime="),
        ({"claims": {5: 5}}, "claims="),
        ({"client_secret": "s"}, "client_id="),
        ({"subject": ""}, "subject="),
    ],
)
def test_wrong_arguments_of_a_statement_are_said(options: dict[str, Any], words: str) -> None:
    pytest.importorskip("jwt", reason='needs PyJWT: pip install "integrakit[jwt]"')
    with pytest.raises(ConfigurationError, match=words):
        OAuth2JWTBearer(URL, **{"issuer": "i", "key": "PEM", **options})


def test_it_needs_a_client_to_ask_with() -> None:
    with pytest.raises(ConfigurationError, match="needs a client"):
        drive(credentials(URL).authorise(Request(method="GET", url=URL)))


def test_a_server_that_is_away(world: Any) -> None:
    async def main() -> None:
        auth = OAuth2ClientCredentials("http://127.0.0.1:9/token", client_id="c", client_secret="s3cret-value")
        async with Client("http://127.0.0.1:9", auth=auth, retry=None) as client:
            with pytest.raises(ConnectError, match=r"POST http://127.0.0.1:9/token gave no answer \(ConnectError\)"):
                await client.aget("/orders")

    world(main)


@pytest.mark.parametrize(
    ("status", "headers", "kind"), [(429, {"Retry-After": "100"}, RateLimited), (503, {"Retry-After": "100"}, ServerError), (500, {}, ServerError)]
)
def test_a_server_that_wants_to_be_left_alone(serve: Any, world: Any, status: int, headers: dict[str, str], kind: type[Exception]) -> None:
    http = serve(lambda asked: (status, headers, b"{}"))
    with pytest.raises(kind, match="try again") as caught:
        get(world, http.url, credentials(http.url))
    assert caught.value.retry_after == (100 if headers else None)  # type: ignore[attr-defined]
    assert len(http.asked) == (1 if headers else 3)


def test_a_server_that_never_answers_ends_by_the_clock(serve: Any) -> None:
    gate = threading.Event()
    http = serve(lambda asked: gate.wait(5) and None)
    with Client(http.url, auth=credentials(http.url, timeout=0.05)) as client, pytest.raises(TransportError, match=r"did not answer within 0\.05 s"):
        client.get("/orders")
    gate.set()


def test_a_token_that_is_on_its_way_is_not_thrown_away_at_the_deadline() -> None:
    server, ends = TokenServer(), []

    async def main() -> None:
        auth, plain = refreshing("http://127.0.0.1"), exchange_of(server)

        async def exchange(request: Request) -> Any:
            assert request.deadline is not None
            ends.append(request.deadline - runtime().now())
            await runtime().sleep(5)
            return await plain(request)

        signed = await auth.authorise_over(Request(method="GET", url=URL, deadline=runtime().now() + 3), exchange)
        assert signed.headers["authorization"] == "Bearer access-token-1"

    simulate(main)
    assert ends == [13]
