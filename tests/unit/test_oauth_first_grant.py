"""The first grant: a browser that comes back to this machine, a pasted address, a code typed on another device; and who tries to get between."""

from __future__ import annotations

import base64
import hashlib
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import trio
from tests.fakes.token_server import TokenServer

from integrakit.errors import AuthenticationError, ConfigurationError, DeadlineExceeded, DecodeError, IntegrakitError, PermissionDenied, StoreError
from integrakit.http import Client
from integrakit.http.first_grant import aauthorise_device, aauthorise_in_browser, authorise_device, authorise_in_browser
from integrakit.http.first_grant.redirects import Asking
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.runtimes import drive, runtime
from integrakit.state import MemoryStore
from integrakit.testing import simulate

PAGE = "https://login.example.com/authorize?tenant=1"


class Server(TokenServer):
    """Gives codes and device codes, too, and checks what comes back."""

    def __init__(self, *script: Any, **device: Any) -> None:
        super().__init__()
        self.asked_page: dict[str, str] = {}
        self.script = list(script)
        page = "https://x.example/device"
        self.device = {"device_code": "dev1ce-code", "user_code": "ABCD-EFGH", "verification_uri": page, "interval": 0.01, **device}
        self.times: list[float] = []

    def page(self, url: str) -> None:
        self.asked_page = dict(parse_qsl(urlsplit(url).query))

    def serve(self, asked: Any) -> Any:
        form = {name: values[-1] for name, values in parse_qs(asked.body.decode()).items()}
        if asked.path == "/device":
            return self.device
        if asked.path == "/token" and form["grant_type"] == "authorization_code":
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
            right = challenge == self.asked_page["code_challenge"] and form["redirect_uri"] == self.asked_page["redirect_uri"]
            if form["code"] != "c0de" or not right:
                return self._error("invalid_grant", f"wrong code {form['code']}")
            return self._grant(refreshing=True)
        if asked.path == "/token" and form["grant_type"].endswith("device_code"):
            assert form["device_code"] == "dev1ce-code"
            self.times.append(runtime().now())
            step = self.script.pop(0) if self.script else "granted"
            return self._grant(refreshing=True) if step == "granted" else step if isinstance(step, tuple) else self._error(step, "")
        return super().serve(asked)


def fetched(url: str) -> tuple[int, str]:
    """What a browser sees."""
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()
    except OSError:
        return 0, ""  # too late: nobody listens any more


class Browser:
    """Opens the page in a thread of its own, and comes back with ``answers``: each is the query to come back with, or a function of it."""

    def __init__(self, server: Server, *answers: Any) -> None:
        self.server, self.answers, self.seen = server, answers, []
        self.opened = ""

    def __call__(self, url: str) -> None:
        self.opened = url
        self.server.page(url)
        self.thread = threading.Thread(target=self.go)
        self.thread.start()

    def go(self) -> None:
        asked = self.server.asked_page
        for answer in self.answers:
            target = answer(asked) if callable(answer) else f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], **answer})}"
            self.seen.append(fetched(target))


def browsing(world: Any, url: str, browser: Browser, **options: Any) -> Any:
    async def main() -> Any:
        options.setdefault("show", lambda text: None)
        try:
            return await aauthorise_in_browser(PAGE, f"{url}/token", client_id="c", scope="a b", open_browser=browser, timeout=5, **options)
        finally:
            browser.thread.join()

    return world(main)


REAL = ["sync", "asyncio", "trio"]  # a browser takes no virtual time


@pytest.fixture(params=REAL)
def real(request: pytest.FixtureRequest) -> Any:
    import asyncio

    return {"sync": lambda make: drive(make()), "asyncio": lambda make: asyncio.run(make()), "trio": trio.run}[request.param]


def test_the_browser_comes_back_with_a_code(serve: Any, real: Any) -> None:
    server, store, shown = Server(), MemoryStore(), []
    http = serve(server.serve)
    browser = Browser(server, {"code": "c0de"})
    auth = browsing(real, http.url, browser, store=store, name="books", params={"access_type": "offline"}, show=shown.append)
    asked = server.asked_page
    assert browser.opened.startswith(PAGE + "&")
    assert browser.opened in shown[0]
    assert (asked["response_type"], asked["client_id"], asked["scope"], asked["access_type"]) == ("code", "c", "a b", "offline")
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert len(asked["state"]) >= 32
    ((status, page),) = browser.seen
    assert (status, "Done" in page) == (200, True)
    assert "c0de" not in page
    entry = store.get("tokens", "books")
    assert entry is not None
    assert entry.value["refresh_token"] == server.current
    # It is ready for use, and so is the one of the next process.
    for each in (auth, OAuth2RefreshToken(f"{http.url}/token", client_id="c", scope="a b", store=store, name="books")):
        with Client(http.url, auth=each) as client:
            assert client.get("/orders").json() == {"ok": True}
    assert server.refreshed == 1
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        urllib.request.urlopen(asked["redirect_uri"], timeout=1)


def test_answers_of_others_are_refused_and_the_wait_goes_on(serve: Any, real: Any) -> None:
    server = Server()
    http = serve(server.serve)
    browser = Browser(
        server,
        {"code": "evil", "state": "wrong"},
        {"code": "evil", "state": ""},
        {"error": "access_denied", "state": "wrong"},
        lambda asked: asked["redirect_uri"] + "?code=evil",
        lambda asked: asked["redirect_uri"] + f"?code=evil&code=c0de&state={asked['state']}",
        lambda asked: asked["redirect_uri"].replace("/callback", "/favicon.ico"),
        lambda asked: asked["redirect_uri"],
        {"code": ""},
        {"code": "c0de"},
        {"code": "late"},
    )
    assert browsing(real, http.url, browser) is not None
    assert [status for status, _ in browser.seen[:9]] == [400, 400, 400, 400, 400, 404, 400, 400, 200]
    assert server.refreshed == 1


def test_the_person_says_no(serve: Any, real: Any) -> None:
    server = Server()
    http = serve(server.serve)
    with pytest.raises(PermissionDenied, match=r"access_denied \(not today\): the person said no"):
        browsing(real, http.url, Browser(server, {"error": "access_denied", "error_description": "not\ntoday"}))
    with pytest.raises(AuthenticationError, match="invalid_scope: check client_id="):
        browsing(real, http.url, Browser(server, {"error": "invalid_scope"}))
    assert http.asked == []


def test_the_issuer_is_checked(serve: Any, real: Any) -> None:
    server = Server()
    http = serve(server.serve)
    browser = Browser(server, {"code": "evil"}, {"code": "evil", "iss": "https://evil.example"}, {"code": "c0de", "iss": "https://login.example.com"})
    browsing(real, http.url, browser, issuer="https://login.example.com")
    assert [status for status, _ in browser.seen] == [400, 400, 200]


def test_a_wrong_code_is_said_without_it(serve: Any, real: Any) -> None:
    server = Server()
    http = serve(server.serve)
    with pytest.raises(AuthenticationError, match="used before, has expired") as caught:
        browsing(real, http.url, Browser(server, {"code": "s3cret-wrong"}))
    assert "s3cret" not in str(caught.value)
    assert len(http.asked) == 1


def test_nobody_comes(serve: Any, real: Any) -> None:
    server = Server()

    async def main() -> Any:
        return await aauthorise_in_browser(
            PAGE, "https://x.example/token", client_id="c", open_browser=server.page, timeout=0.05, show=lambda text: None
        )

    with pytest.raises(DeadlineExceeded, match=r"nobody authorised this program in the browser within 0\.05 s"):
        real(main)
    assert [thread.name for thread in threading.enumerate() if "first-grant" in thread.name] == []


def test_a_redirect_uri_of_ones_own(serve: Any) -> None:
    server = Server()
    http = serve(server.serve)
    browser = Browser(server, {"code": "c0de"})
    browsing(lambda make: drive(make()), http.url, browser, redirect_uri="http://localhost/back")
    assert server.asked_page["redirect_uri"].startswith("http://localhost:")
    assert server.asked_page["redirect_uri"].endswith("/back")


def test_the_address_is_pasted(serve: Any, world: Any) -> None:
    server = Server()
    http = serve(server.serve)
    prompts: list[str] = []

    def paste(prompt: str) -> str:
        prompts.append(prompt)
        server.page(prompt.split("\n")[2])
        return f" https://app.example/back?code=c0de&state={server.asked_page['state']}\n"

    async def main() -> None:
        auth = await aauthorise_in_browser(PAGE, f"{http.url}/token", client_id="c", redirect_uri="https://app.example/back", paste=paste)
        async with Client(http.url, auth=auth) as client:
            assert (await client.aget("/orders")).json() == {"ok": True}

    world(main)
    assert server.asked_page["redirect_uri"] == "https://app.example/back"


@pytest.mark.parametrize("pasted", ["", "c0de", "http://127.0.0.1:8400/callback?code=c0de", "http://x/?code=c0de&state=other", "http://[x", "\ud800"])
def test_a_wrong_paste_is_said(world: Any, pasted: str) -> None:
    async def main() -> None:
        with pytest.raises(AuthenticationError, match=r"state is another one|neither a code nor an error") as caught:
            await aauthorise_in_browser(PAGE, "https://x.example/token", client_id="c", paste=lambda prompt: pasted)
        assert "c0de" not in str(caught.value)

    world(main)


def test_each_request_has_its_own_state_and_verifier() -> None:
    one, other = Asking("http://127.0.0.1/"), Asking("http://127.0.0.1/")
    assert one.state != other.state
    assert one.verifier != other.verifier
    assert 43 <= len(one.verifier) <= 128
    assert one.state not in repr(one)
    assert one.read(f"http://127.0.0.1/?code=x&state={other.state}")[0] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": 0}, "timeout="),
        ({"port": -1}, "port="),
        ({"port": True}, "port="),
        ({"params": "a=b"}, "params="),
        ({"redirect_uri": "https://app.example/back"}, "paste=input"),
        ({"scope": 5}, "scope="),
        ({"client_id": ""}, "client_id="),
        ({"stores": None}, "stores"),
        ({"store": 5}, "store="),
    ],
)
def test_wrong_arguments_are_said_before_anybody_is_bothered(options: dict[str, Any], words: str) -> None:
    opened: list[str] = []
    with pytest.raises(ConfigurationError, match=words):
        authorise_in_browser(PAGE, "https://x.example/token", **{"client_id": "c", "open_browser": opened.append, "show": opened.append, **options})
    with pytest.raises(ConfigurationError, match="authorization_url"):
        authorise_in_browser("http://login.example.com", "https://x.example/token", client_id="c", open_browser=opened.append)
    with pytest.raises(ConfigurationError, match="token_url"):
        authorise_in_browser(PAGE, "http://x.example/token", client_id="c", open_browser=opened.append)
    assert opened == []


def test_a_port_that_is_taken_is_said(serve: Any) -> None:
    taken = serve(lambda asked: {})
    with pytest.raises(ConfigurationError, match=f"port= {taken.port}"):
        authorise_in_browser(PAGE, "https://x.example/token", client_id="c", port=taken.port, open_browser=str, show=str)


# ---------------------------------------------------------------------------------------------- another device


def test_a_code_is_entered_on_another_device(serve: Any, world: Any) -> None:
    server = Server("authorization_pending", "authorization_pending", verification_uri_complete="https://x.example/device?c=1")
    http, store, shown = serve(server.serve), MemoryStore(), []

    async def main() -> None:
        auth = await aauthorise_device(f"{http.url}/device", f"{http.url}/token", client_id="c", scope="a", store=store, name="x", show=shown.append)
        async with Client(http.url, auth=auth) as client:
            assert (await client.aget("/orders")).json() == {"ok": True}

    world(main)
    assert shown == ["Open https://x.example/device on any device and enter the code ABCD-EFGH, or open https://x.example/device?c=1"]
    assert len(server.times) == 3
    entry = store.get("tokens", "x")
    assert entry is not None
    assert entry.value["refresh_token"] == server.current
    assert parse_qs(http.asked[0].body.decode()) == {"client_id": ["c"], "scope": ["a"]}


def test_how_often_it_asks(serve: Any) -> None:
    server = Server("authorization_pending", "slow_down", "authorization_pending", (503, {}, b""), "granted", interval=5)
    http = serve(server.serve)
    asked: list[float] = []

    async def main() -> None:
        script = http.script

        def timed(request: Any) -> Any:
            if request.path == "/token":
                asked.append(now())
            return script(request)

        now = runtime().now
        http.script = timed
        await aauthorise_device(f"{http.url}/device", f"{http.url}/token", client_id="c", show=str)

    simulate(main)
    assert [round(moment) for moment in asked] == [5, 10, 20, 30, 50]


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        ("access_denied", PermissionDenied, "the person said no"),
        ("expired_token", DeadlineExceeded, "ABCD-EFGH has expired"),
        ("invalid_client", AuthenticationError, "client_auth="),
        ((200, {}, b"<html>"), DecodeError, "no JSON object"),
    ],
)
def test_how_it_can_end(serve: Any, world: Any, step: Any, kind: type[IntegrakitError], words: str) -> None:
    server = Server("authorization_pending", step)
    http = serve(server.serve)

    async def main() -> None:
        with pytest.raises(kind, match=words) as caught:
            await aauthorise_device(f"{http.url}/device", f"{http.url}/token", client_id="c", show=str)
        assert "dev1ce" not in str(caught.value)

    world(main)


def test_nobody_enters_the_code(serve: Any) -> None:
    server = Server(*["authorization_pending"] * 100, interval=5, expires_in=60)
    http = serve(server.serve)

    async def main() -> None:
        with pytest.raises(DeadlineExceeded, match="nobody entered the code ABCD-EFGH"):
            await aauthorise_device(f"{http.url}/device", f"{http.url}/token", client_id="c", show=str)
        assert 55 <= runtime().now() <= 60

    simulate(main)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"device_code": None}, DecodeError, "without device_code"),
        ({"verification_uri": "javascript:alert(1)"}, ConfigurationError, "verification_uri"),
        ({"verification_uri": "http://evil.example/"}, ConfigurationError, "must be https"),
        ({"verification_uri_complete": "ftp://x"}, ConfigurationError, "verification_uri_complete"),
    ],
)
def test_what_is_no_device_endpoint(serve: Any, answer: dict[str, Any], kind: type[IntegrakitError], words: str) -> None:
    http = serve(Server(**answer).serve)
    shown: list[str] = []
    with pytest.raises(kind, match=words):
        authorise_device(f"{http.url}/device", f"{http.url}/token", client_id="c", show=shown.append)
    with pytest.raises(AuthenticationError, match="/orders answered 401"):
        authorise_device(f"{http.url}/orders", f"{http.url}/token", client_id="c", show=shown.append)
    assert shown == []


def test_tokens_that_cannot_be_kept_are_said(serve: Any) -> None:
    http = serve(Server().serve)
    store = MemoryStore()

    class Full:
        get, get_many, scan = store.get, store.get_many, store.scan
        get_columns, scan_columns, count_columns, close = store.get_columns, store.scan_columns, store.count_columns, store.close

        def commit(self, operations: Any) -> None:
            raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="the disk is full"):
        authorise_device(f"{http.url}/device", f"{http.url}/token", client_id="c", show=str, store=Full())
