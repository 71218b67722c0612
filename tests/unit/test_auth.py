"""Credentials: what goes on the wire, and that they never show."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.http import ApiKey, BasicAuth, BearerToken, Client
from integrakit.model import Request
from integrakit.runtimes import drive
from integrakit.testing import Simulator


def sent_by(serve: Any, auth: Any, url: str = "/a", **options: Any) -> Any:
    server = serve(lambda asked: {})
    with Client(server.url, auth=auth, retry=None) as client:
        client.get(url, **options)
    return server.asked[0]


def test_bearer(serve: Any) -> None:
    assert sent_by(serve, BearerToken("abc")).headers["authorization"] == "Bearer abc"
    tokens = iter(["one", "two"])
    auth = BearerToken(lambda: next(tokens))
    assert sent_by(serve, auth).headers["authorization"] == "Bearer one"
    assert sent_by(serve, auth).headers["authorization"] == "Bearer two"


def test_api_key(serve: Any) -> None:
    assert sent_by(serve, ApiKey("abc", header="X-Api-Key"), headers={"x-api-key": "other"}).headers["x-api-key"] == "abc"
    assert sent_by(serve, ApiKey("a b&c", query="key"), "/a?key=old&x=1#f", params={"y": 2}).query == [("x", "1"), ("y", "2"), ("key", "a b&c")]
    assert sent_by(serve, ApiKey("abc", query="key"), "/a?key=old").query == [("key", "abc")]


def test_basic(serve: Any) -> None:
    for user, password in (("user", "pä:ss"), ("sk_live_1", ""), ("", "secret")):
        header = sent_by(serve, BasicAuth(user, password)).headers["authorization"]
        assert base64.b64decode(header.removeprefix("Basic ")).decode() == f"{user}:{password}"


def test_an_auth_of_ones_own(serve: Any) -> None:
    class Signed:
        async def authorise(self, request: Any) -> Any:
            request = request.copy()
            request.headers["x-signature"] = f"{request.method}:{len(request.url) > 0}"
            return request

        def secrets(self) -> Any:
            return ()

    assert sent_by(serve, Signed()).headers["x-signature"] == "GET:True"


def test_it_is_accepted_in_every_world(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}, auth="abc") as api:
            async with Client(api.url, auth=BearerToken("abc")) as client:
                assert (await client.aget("/orders/1")).json() == {"id": 1}

    world(main)


@pytest.mark.parametrize(
    "auth", [BearerToken("s3cret-value"), ApiKey("s3cret-value", query="k"), ApiKey("s3cret-value", header="K"), BasicAuth("user", "s3cret-value")]
)
def test_values_are_never_shown(auth: Any) -> None:
    assert "s3cret" not in repr(auth)
    assert "s3cret" not in str(auth)


CREDENTIALS: list[Any] = [None, "", " ", "a\n", " a", "a ", "a\tb\n", "ü", "a\x00", 5, True, b"abc", float("nan"), object(), ["a"]]


@pytest.mark.parametrize("value", CREDENTIALS)
def test_wrong_credentials_are_said_without_their_value(value: Any) -> None:
    for build in (BearerToken, lambda value: ApiKey(value, header="X-Key")):
        with pytest.raises(ConfigurationError) as caught:
            build(value)
        assert "\x00" not in str(caught.value)


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"header": "a", "query": "b"},
        {"header": ""},
        {"header": "a b"},
        {"header": "a:"},
        {"query": 5},
        {"header": True},
        {"query": "ü"},
        {"header": "a\n"},
        {"header": "a(b"},
        {"query": " "},
        {"query": float("nan")},
    ],
)
def test_wrong_places_are_said(places: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="ApiKey"):
        ApiKey("abc", **places)


@pytest.mark.parametrize(("user", "password"), [(None, "x"), ("x", None), ("a:b", "x"), ("", ""), (5, "x"), ("x", 5), (True, True), (b"x", b"y")])
def test_wrong_names_are_said(user: Any, password: Any) -> None:
    with pytest.raises(ConfigurationError, match="BasicAuth"):
        BasicAuth(user, password)


@pytest.mark.parametrize("token", [None, "", " ", 5, "a\nb", "ü", " a", "a "])
def test_a_function_that_gives_no_token_is_said(world: Any, token: Any) -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:9", auth=BearerToken(lambda: token)) as client:
            with pytest.raises(ConfigurationError, match="no usable token"):
                await client.aget("/a")

    world(main)


def test_an_async_function_is_said_when_it_is_given() -> None:
    async def token() -> str:
        return "abc"

    with pytest.raises(ConfigurationError, match="plain function"):
        BearerToken(token)  # type: ignore[arg-type]


def test_the_word_bearer_is_not_part_of_the_token() -> None:
    with pytest.raises(ConfigurationError, match="the token alone") as caught:
        BearerToken("Bearer s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("password", ["s3cret\n", "s3\x00cret", "s3cret\ud800"])
def test_a_password_with_control_characters_is_said_without_it(password: str) -> None:
    for user, secret in (("user", password), (password, "x")):
        with pytest.raises(ConfigurationError, match="BasicAuth") as caught:
            BasicAuth(user, secret)
        assert "s3" not in str(caught.value)


def test_an_api_key_with_a_blank_is_fine_for_schemes_of_ones_own(serve: Any) -> None:
    assert sent_by(serve, ApiKey("Token abc", header="Authorization")).headers["authorization"] == "Token abc"


@pytest.mark.parametrize("auth", [BearerToken("abc"), ApiKey("abc", query="k"), ApiKey("abc", header="X-K"), BasicAuth("user", "abc")])
def test_signing_changes_a_copy(auth: Any) -> None:
    request = Request(method="GET", url="https://x.example/a?k=old")
    signed = drive(auth.authorise(request))
    assert signed is not request
    assert (request.url, request.headers, request.params) == ("https://x.example/a?k=old", {}, {})
    assert "abc" not in repr(signed)
    assert "abc" in list(auth.secrets())


def test_what_a_function_gave_last_is_kept_secret_without_another_call() -> None:
    given = iter(["first", "second"])
    auth = BearerToken(lambda: next(given))
    assert list(auth.secrets()) == [""]
    drive(auth.authorise(Request(method="GET", url="https://x.example/")))
    assert list(auth.secrets()) == ["first"]
    assert list(auth.secrets()) == ["first"]


def test_credentials_survive_pickling() -> None:
    for auth in (BearerToken("abc"), ApiKey("abc", query="k"), BasicAuth("user", "abc")):
        assert list(pickle.loads(pickle.dumps(auth)).secrets()) == list(auth.secrets())
