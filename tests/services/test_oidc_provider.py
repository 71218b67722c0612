"""oidc-provider, a certified authorization server that nobody here wrote: every flow of ours against it, its login and consent pages included."""

from __future__ import annotations

import html
import http.cookiejar
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
from tests.services.require import away

from integrakit.errors import AuthenticationError, PermissionDenied, ReauthorisationNeeded
from integrakit.http import Client
from integrakit.http.first_grant import aauthorise_device, aauthorise_in_browser, authorise_in_browser
from integrakit.http.oauth import OAuth2ClientCredentials, OAuth2JWTBearer, OAuth2RefreshToken
from integrakit.protocols import Put
from integrakit.runtimes import drive
from integrakit.state import MemoryStore, SqliteStore
from integrakit.testing import simulate

pytestmark = pytest.mark.service

HERE = Path(__file__).parent / "oidc"


def installed() -> Path:
    """The folder with the server and its packages. The tests contact no registry: whoever runs them says where it is installed."""
    if shutil.which("node") is None:
        away("oidc-provider needs node")
    packages = os.environ.get("INTEGRAKIT_OIDC_PROVIDER", "")
    if not Path(packages, "node_modules", "oidc-provider").is_dir():
        away("oidc-provider is not installed: copy tests/services/oidc to a folder, npm ci there, and name it in INTEGRAKIT_OIDC_PROVIDER")
    return Path(packages)


@pytest.fixture(scope="module")
def key() -> tuple[str, dict[str, Any]]:
    jwt = pytest.importorskip("jwt", reason='needs PyJWT: pip install "integrakit[jwt]"')
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return pem, {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key())), "kid": "one"}


@pytest.fixture(scope="module")
def issuer(key: tuple[str, dict[str, Any]]) -> Iterator[str]:
    folder = installed()
    process = subprocess.Popen(
        ["node", "server.js"],
        cwd=folder,
        env={**os.environ, "SIGNER_KEY": json.dumps(key[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        url = process.stdout.readline().strip()
        watchdog.cancel()
        watchdog.join()
        if not url:
            process.kill()
            away(f"oidc-provider does not start: {process.communicate()[1][-300:]}")
        yield url
    finally:
        # Its process group: whatever node has started goes too.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class Person:
    """Somebody with a browser: follows redirects, keeps cookies, fills in the forms of each page until there is none."""

    def __init__(self, *handlers: urllib.request.BaseHandler) -> None:
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), *handlers)
        self.pages: list[str] = []

    def visit(self, url: str) -> str:
        data = None
        for _ in range(12):
            with self.browser.open(url, data, timeout=10) as page:
                text, url = page.read().decode(), page.url
            self.pages.append(text)
            action = re.search(r'<form[^>]*action="([^"]+)"', text)
            if action is None:
                return text
            fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', text))
            fields |= {name: "somebody" for name in ("login", "password") if f'name="{name}"' in text}
            url, data = urljoin(url, html.unescape(action[1])), urlencode({name: html.unescape(value) for name, value in fields.items()}).encode()
        raise AssertionError(text)

    def visit_aside(self, url: str) -> None:
        self.thread = threading.Thread(target=self.visit, args=(url,))
        self.thread.start()


def authorised(issuer: str, store: Any = None, **options: Any) -> OAuth2RefreshToken:
    person = Person()
    auth = authorise_in_browser(
        f"{issuer}/auth",
        f"{issuer}/token",
        client_id="notebook",
        scope="openid offline_access",
        params={"prompt": "consent"},
        issuer=issuer,
        open_browser=person.visit_aside,
        show=lambda text: None,
        store=store,
        timeout=20,
        **options,
    )
    person.thread.join()
    return auth


def expire(store: Any, name: str) -> None:
    entry = store.get("tokens", name)
    store.commit([Put("tokens", name, {**entry.value, "expires_at": entry.value["granted_at"]})])


def test_client_credentials(issuer: str, world: Any) -> None:
    async def main() -> None:
        for options in ({"client_id": "machine", "client_secret": "m4chine:s3cret+"}, {"client_id": "poster", "client_secret": "p0ster-s3cret"}):
            post = options["client_id"] == "poster"
            store = MemoryStore()
            auth = OAuth2ClientCredentials(f"{issuer}/token", store=store, name="x", client_auth="post" if post else "basic", **options)
            async with Client(issuer, auth=auth) as client:
                # No person stands behind this token, so that the server knows it and has nothing to say about anybody.
                with pytest.raises(AuthenticationError, match="/me answered 401"):
                    await client.aget("/me")
            assert store.get("tokens", "x") is not None
            wrong = OAuth2ClientCredentials(f"{issuer}/token", **{**options, "client_secret": "wr0ng-s3cret"})
            async with Client(issuer, auth=wrong) as client:
                with pytest.raises(AuthenticationError, match="invalid_client") as caught:
                    await client.aget("/me")
                assert "wr0ng" not in str(caught.value)

    world(main)


def test_a_signed_statement_in_place_of_a_secret(issuer: str, key: tuple[str, dict[str, Any]]) -> None:
    store = MemoryStore()
    options: dict[str, Any] = {"issuer": "signer", "audience": issuer, "algorithm": "ES256", "as_client_assertion": True, "key_id": "one"}
    auth = OAuth2JWTBearer(f"{issuer}/token", key=key[0], store=store, name="x", **options)
    with Client(issuer, auth=auth) as client, pytest.raises(AuthenticationError, match="/me answered 401"):
        client.get("/me")
    assert store.get("tokens", "x") is not None
    other = OAuth2JWTBearer(f"{issuer}/token", key=key[0], **{**options, "issuer": "machine"})
    with Client(issuer, auth=other) as client, pytest.raises(AuthenticationError, match="invalid_client"):
        client.get("/me")


def test_code_with_pkce_and_rotation(issuer: str, tmp_path: Path) -> None:
    tokens = []
    with SqliteStore(tmp_path / "tokens.db") as store:
        auth = authorised(issuer, store, name="somebody")
        for _ in range(3):
            with Client(issuer, auth=auth) as client:
                assert client.get("/me").json() == {"sub": "somebody"}
            entry = store.get("tokens", "somebody")
            assert entry is not None
            tokens.append((entry.value["access_token"], entry.value["refresh_token"]))
            expire(store, "somebody")
            # As the next process would: it has nothing but the store.
            auth = OAuth2RefreshToken(f"{issuer}/token", client_id="notebook", scope="openid offline_access", store=store, name="somebody")
    assert len({access for access, _ in tokens}) == len({refresh for _, refresh in tokens}) == 3


def test_an_old_refresh_token_costs_the_grant_and_a_person_is_told(issuer: str) -> None:
    store = MemoryStore()
    auth = authorised(issuer, store, name="somebody")
    entry = store.get("tokens", "somebody")
    assert entry is not None
    stolen = entry.value["refresh_token"]
    expire(store, "somebody")
    auth = OAuth2RefreshToken(f"{issuer}/token", client_id="notebook", store=store, name="somebody")
    with Client(issuer, auth=auth) as client:
        assert client.get("/me").json() == {"sub": "somebody"}
    thief = OAuth2RefreshToken(f"{issuer}/token", client_id="notebook", refresh_token=stolen)
    with Client(issuer, auth=thief) as client, pytest.raises(ReauthorisationNeeded):
        client.get("/me")
    # The whole grant is gone: the access token is refused, and the newest refresh token too.
    with Client(issuer, auth=auth) as client, pytest.raises(ReauthorisationNeeded, match="'notebook'") as caught:
        client.get("/me")
    assert stolen not in str(caught.value)


def test_many_threads_and_one_rotating_token(issuer: str) -> None:
    store = MemoryStore()
    authorised(issuer, store, name="somebody")
    expire(store, "somebody")
    auth = OAuth2RefreshToken(f"{issuer}/token", client_id="notebook", store=store, name="somebody")
    answers: list[Any] = []

    def ask() -> None:
        with Client(issuer, auth=auth) as client:
            answers.append(client.get("/me").json())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{"sub": "somebody"}] * 8
    entry = store.get("tokens", "somebody")
    assert entry is not None
    assert entry.value["generation"] == 2


def test_a_pasted_address(issuer: str, world: Any) -> None:
    """The browser is elsewhere: nobody listens where it is sent to."""

    class Elsewhere(urllib.request.HTTPRedirectHandler):
        ended = ""

        def redirect_request(self, request: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            if newurl.startswith("http://127.0.0.1:8400/"):
                Elsewhere.ended = newurl
                newurl = f"{issuer}/.well-known/openid-configuration"
            return super().redirect_request(request, fp, code, msg, headers, newurl)

    def paste(prompt: str) -> str:
        Person(Elsewhere()).visit(prompt.split("\n")[2])
        return Elsewhere.ended

    async def main() -> None:
        auth = await aauthorise_in_browser(
            f"{issuer}/auth", f"{issuer}/token", client_id="notebook", scope="openid offline_access", params={"prompt": "consent"}, paste=paste
        )
        async with Client(issuer, auth=auth) as client:
            assert (await client.aget("/me")).json() == {"sub": "somebody"}

    world(main)


def test_another_device(issuer: str) -> None:
    """In virtual time: the server wants to be asked every five seconds."""
    said: list[str] = []

    def show(text: str) -> None:
        said.append(text)
        Person().visit(text.rpartition(" ")[2])

    async def main() -> None:
        auth = await aauthorise_device(f"{issuer}/device/auth", f"{issuer}/token", client_id="notebook", scope="openid offline_access", show=show)
        async with Client(issuer, auth=auth) as client:
            assert (await client.aget("/me")).json() == {"sub": "somebody"}
        assert auth.expires_at is not None

    simulate(main)
    assert re.search(r"enter the code [A-Z]{4}-[A-Z]{4}", said[0])


def test_the_person_says_no(issuer: str) -> None:
    """oidc-provider's pages have a link for it."""

    class Unwilling(Person):
        def visit(self, url: str) -> str:
            with self.browser.open(url, timeout=10) as page:
                abort = re.search(r'href="([^"]+/abort)"', page.read().decode())
                assert abort is not None
                with self.browser.open(urljoin(page.url, abort[1]), timeout=10) as last:
                    return str(last.read())

    person = Unwilling()

    async def main() -> None:
        await aauthorise_in_browser(
            f"{issuer}/auth",
            f"{issuer}/token",
            client_id="notebook",
            scope="openid",
            issuer=issuer,
            open_browser=person.visit_aside,
            show=lambda text: None,
            timeout=20,
        )

    with pytest.raises(PermissionDenied, match="access_denied"):
        drive(main())
    person.thread.join()
