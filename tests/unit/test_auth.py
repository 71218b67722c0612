"""Credentials: what goes on the wire, and that they never show."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import httpx
import pytest
from tests.fakes.reporter import reported

from integrakit.errors import AuthenticationError, ConfigurationError, PolicyError
from integrakit.http import ApiKey, BasicAuth, BearerToken, Client
from integrakit.model import Request, Response
from integrakit.runtimes import SimulatedRuntime, drive, runtime
from integrakit.secrets import Secret
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
    assert list(auth.secrets()) == []
    drive(auth.authorise(Request(method="GET", url="https://x.example/")))
    assert list(auth.secrets()) == ["first"]
    assert list(auth.secrets()) == ["first"]
    drive(auth.authorise(Request(method="GET", url="https://x.example/")))
    assert list(auth.secrets()) == ["first", "second"]  # requests with the first may still be on their way


def test_credentials_survive_pickling() -> None:
    for auth in (BearerToken("abc"), ApiKey("abc", query="k"), BasicAuth("user", "abc")):
        assert list(pickle.loads(pickle.dumps(auth)).secrets()) == list(auth.secrets())


# ------------------------------------------------------------------ secrets and functions


KINDS: list[Any] = [
    BearerToken,
    lambda value: ApiKey(value, header="X-Key"),
    lambda value: ApiKey(value, query="key"),
    lambda value: BasicAuth("user", value),
]


def carried(auth: Any) -> Request:
    signed = drive(auth.authorise(Request(method="GET", url="https://x.example/a")))
    assert isinstance(signed, Request)
    return signed


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_a_secret_and_a_function_are_signed_with_alike(kind: Any) -> None:
    signed = [carried(kind(given)) for given in ("abcd", Secret("abcd"), Secret(lambda: "abcd"), lambda: "abcd")]
    assert len({repr((one.headers, one.params)) for one in signed}) == 1
    assert repr((signed[0].headers, signed[0].params)) != "({}, {})"


@pytest.mark.parametrize("kind", KINDS)
def test_what_secrets_and_functions_gave_is_hidden(kind: Any) -> None:
    for given in (Secret(lambda: "s3cret-value"), lambda: "s3cret-value"):
        auth = kind(given)
        assert not [value for value in auth.secrets() if "s3cret" in value]
        carried(auth)
        assert "s3cret-value" in auth.secrets()
        assert "s3cret" not in repr(auth) + str(auth)
    auth = BasicAuth(Secret("someone"), Secret("s3cret-value"))
    carried(auth)
    assert set(auth.secrets()) == {"someone", "s3cret-value", base64.b64encode(b"someone:s3cret-value").decode()}
    assert "someone" not in repr(auth)


def test_what_functions_gave_is_forgotten_in_the_end() -> None:
    numbers = iter(range(100))
    auth = BearerToken(lambda: f"token-{next(numbers)}")
    for _ in range(50):
        carried(auth)
    assert list(auth.secrets()) == [f"token-{number}" for number in range(38, 50)]


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[1], KINDS[2]])
@pytest.mark.parametrize("value", ["s3cret\n", " s3cret", "s3crét", "s3\x00cret"])
def test_values_that_fit_in_no_request_are_said_with_their_source(kind: Any, value: str, monkeypatch: Any, tmp_path: Any) -> None:
    (tmp_path / "token").write_text(value + "\n")
    sources = [(Secret(lambda: value), "the function"), (Secret.file(tmp_path / "token"), str(tmp_path))]
    if "\x00" not in value:
        monkeypatch.setenv("INTEGRAKIT_TEST_TOKEN", value)
        sources.append((Secret.env("INTEGRAKIT_TEST_TOKEN"), "the environment variable INTEGRAKIT_TEST_TOKEN"))
    for source, words in sources:
        with pytest.raises(ConfigurationError, match="with its line end") as caught:
            carried(kind(source))
        assert words in str(caught.value)
        assert "s3c" not in reported(caught.value)
    with pytest.raises(ConfigurationError, match="no usable token") as caught:
        carried(kind(lambda: value))
    assert "s3c" not in reported(caught.value)


def test_a_password_may_be_anything_but_control_characters() -> None:
    assert (
        carried(BasicAuth("user", Secret(" pä:ss "))).headers["authorization"] == "Basic " + base64.b64encode(" user: pä:ss "[1:].encode()).decode()
    )
    for user, password in (("user", Secret("s3cret\n")), (Secret("s3cret\n"), "x"), (Secret("s3:cret"), "x")):
        with pytest.raises(ConfigurationError, match="BasicAuth with <Secret") as caught:
            carried(BasicAuth(user, password))
        assert "s3" not in reported(caught.value)


def test_the_word_bearer_is_found_in_secrets_too() -> None:
    with pytest.raises(ConfigurationError, match="the token alone"):
        carried(BearerToken(Secret("Bearer s3cret")))


def test_a_secret_that_cannot_be_had_stops_the_request(serve: Any, world: Any) -> None:
    server = serve(lambda asked: {})

    def fails() -> str:
        raise KeyError("s3cret")

    async def main() -> None:
        async with Client(server.url, auth=BearerToken(Secret(fails))) as client:
            with pytest.raises(PolicyError, match="it raised KeyError"):
                await client.aget("/a")
        async with Client(server.url, auth=BearerToken(Secret.env("INTEGRAKIT_NOT_SET"))) as client:
            with pytest.raises(ConfigurationError, match="INTEGRAKIT_NOT_SET is not set"):
                await client.aget("/a")

    world(main)
    assert server.asked == []


# ------------------------------------------------------------------ after a refusal


def refused() -> Response:
    request = Request(method="GET", url="https://x.example/a")
    response = Response(httpx.Response(401), request)
    response.error = AuthenticationError("no", request=request, response=response)
    return response


def in_time(steps: Any) -> None:
    SimulatedRuntime().run(steps())


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_asks_for_the_value_again(kind: Any) -> None:
    given, asked = ["one1", "one1", "two2"], []

    def ask() -> str:
        asked.append(1)
        return given.pop(0)

    async def steps() -> None:
        auth = kind(Secret(ask))
        request = await auth.authorise(Request(method="GET", url="https://x.example/a"))
        assert not await auth.rejected(request, refused())  # asked just now
        await runtime().sleep(2)
        assert not await auth.rejected(request, refused())  # the same as before
        await runtime().sleep(2)
        assert await auth.rejected(request, refused())
        assert len(asked) == 3
        # A request that was signed with the old one and is refused later asks nobody.
        await runtime().sleep(2)
        assert await auth.rejected(request, refused())
        assert len(asked) == 3
        again = await auth.authorise(Request(method="GET", url="https://x.example/a"))
        assert (again.headers, again.params) != (request.headers, request.params)

    in_time(steps)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_secret_is_not_asked_for_again(kind: Any) -> None:
    async def steps() -> None:
        for given in ("abcd", lambda: "abcd", Secret("abcd")):
            auth = kind(given)
            request = await auth.authorise(Request(method="GET", url="https://x.example/a"))
            await runtime().sleep(2)
            assert not await auth.rejected(request, refused())

    in_time(steps)


@pytest.mark.parametrize("kind", KINDS)
def test_where_another_cannot_be_had_the_refusal_stands(kind: Any) -> None:
    given = ["one1"]

    async def steps() -> None:
        auth = kind(Secret(lambda: given.pop(0)))
        request = await auth.authorise(Request(method="GET", url="https://x.example/a"))
        for _ in range(2):
            await runtime().sleep(2)
            response = refused()
            assert not await auth.rejected(request, response)
            assert response.error is not None
            (note,) = response.error.__notes__
            assert "another credential could not be asked for: the function" in note
            assert "one1" not in note

    in_time(steps)


def test_either_part_of_a_login_may_have_been_replaced() -> None:
    names, words = ["me", "you"], ["one1", "one1"]

    async def steps() -> None:
        auth = BasicAuth(Secret(lambda: names.pop(0)), Secret(lambda: words.pop(0)))
        request = await auth.authorise(Request(method="GET", url="https://x.example/a"))
        await runtime().sleep(2)
        assert await auth.rejected(request, refused())
        assert (names, words) == ([], [])

    in_time(steps)
