"""What hostile, broken and odd token endpoints answer: the tokens, or one clear error that shows none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrakit.errors import AuthenticationError, DecodeError, IntegrakitError, PermissionDenied, RateLimited, ServerError
from integrakit.http import Client
from integrakit.http.oauth import OAuth2ClientCredentials
from integrakit.http.oauth.answers import Granted, Refusal, read_answer
from integrakit.model import Request, Response

TOKEN = "s3cr3t-access-token"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Raw:
    def __init__(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.status_code, self.content, self.headers, self.url = status, content, headers or {}, "https://x"


def read(status: int, body: Any, headers: dict[str, str] | None = None, *, secrets: tuple[str, ...] = (), client_auth: str = "basic") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = Response(Raw(status, content, headers), Request(method="POST", url="https://x/token"))
    return read_answer(response, asked="POST https://x/token", client_auth=client_auth, secrets=secrets, now=NOW)


def granted(**body: Any) -> Any:
    return read(200, {"access_token": TOKEN, "token_type": "Bearer", **body})


def test_the_standard_answer() -> None:
    answer = granted(expires_in=3600, refresh_token="r", scope="a b")
    assert answer == Granted(access_token=TOKEN, refresh_token="r", expires_in=3600.0, scope="a b")
    assert TOKEN not in repr(answer)


@pytest.mark.parametrize("kind", ["bearer", "BEARER", "Bearer", None])
def test_the_kind_of_token_in_any_letters_or_not_at_all(kind: Any) -> None:
    assert granted(token_type=kind).access_token == TOKEN


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        (0.5, 0.5),
        ("3599.5", 3599.5),
        (None, None),
        (0, None),
        (-1, None),
        ("-1", None),
        (1e99, None),
        ("1e99", None),
        ("never", None),
        ("", None),
        (True, None),
        ([3600], None),
        ({}, None),
        (10**30, None),
        ("٣", None),
    ],
)
def test_its_life(said: Any, seconds: float | None) -> None:
    assert granted(expires_in=said).expires_in == seconds
    assert granted(x_refresh_token_expires_in=said).refresh_expires_in == seconds


@pytest.mark.parametrize("name", ["x_refresh_token_expires_in", "refresh_token_expires_in", "refresh_expires_in"])
def test_the_life_of_the_refresh_token_by_its_names(name: str) -> None:
    assert granted(**{name: 100}).refresh_expires_in == 100


@pytest.mark.parametrize("refresh", [None, ""])
def test_no_refresh_token(refresh: Any) -> None:
    assert granted(refresh_token=refresh).refresh_token is None


@pytest.mark.parametrize("scope", [None, 5, ["a"], "a\nb", ""])
def test_a_scope_that_is_none(scope: Any) -> None:
    assert granted(scope=scope).scope is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>log in</html>", "no JSON object"),
        (200, b"", "no JSON object"),
        (200, b"[1]", "no JSON object"),
        (200, b'"x"', "no JSON object"),
        (200, b"\xff\xfe\x00", "no JSON object"),
        (200, b"[" * 100_000, "no JSON object"),
        (200, b'{"access_token": NaN}', "no JSON object"),
        (200, f"access_token={TOKEN}&token_type=bearer".encode(), "no JSON object"),
        (204, b"", "no JSON object"),
        (200, b" " * 1_000_001, "1000001 bytes"),
        (200, {}, "without an access_token; there is: nothing"),
        (200, {"id_token": TOKEN, "x": 1}, "without an access_token; there is: id_token, x"),
        (200, {"access_token": None}, "without an access_token"),
        (200, {"access_token": ""}, "cannot be sent"),
        (200, {"access_token": 5}, "cannot be sent"),
        (200, {"access_token": [TOKEN]}, "cannot be sent"),
        (200, {"access_token": TOKEN + "\r\nX-Evil: 1"}, "cannot be sent"),
        (200, {"access_token": TOKEN + "\x00"}, "cannot be sent"),
        (200, {"access_token": TOKEN + " x"}, "cannot be sent"),
        (200, {"access_token": TOKEN + "ü"}, "cannot be sent"),
        (200, {"access_token": TOKEN * 10_000}, "cannot be sent"),
        (200, {"access_token": TOKEN, "token_type": "mac"}, "token_type 'mac': only bearer"),
        (200, {"access_token": TOKEN, "token_type": TOKEN}, "only bearer"),
        (200, {"access_token": TOKEN, "token_type": 5}, "token_type 'int'"),
        (200, {"access_token": TOKEN, "refresh_token": 5}, "refresh_token"),
        (200, {"access_token": TOKEN, "refresh_token": TOKEN + "\ud800"}, "refresh_token"),
        (200, {"access_token": TOKEN, "refresh_token": TOKEN + "\n"}, "refresh_token"),
        (302, b"", "a redirect"),
        (307, {"access_token": TOKEN}, "a redirect"),
    ],
)
def test_what_is_no_answer_of_a_token_endpoint(status: int, body: Any, words: str) -> None:
    with pytest.raises(DecodeError, match=words) as caught:
        read(status, body)
    assert TOKEN not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("status", "body", "code", "kind", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "no"}, "invalid_grant", AuthenticationError, r"400 invalid_grant \(no\)"),
        (200, {"error": "bad_refresh_token"}, "bad_refresh_token", AuthenticationError, "bad_refresh_token"),
        (200, {"ok": False, "error": "invalid_refresh_token"}, "invalid_refresh_token", AuthenticationError, "invalid_refresh_token"),
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing"}, "BAD_REFRESH_TOKEN", AuthenticationError, "400 BAD_REFRESH_TOKEN"),
        (401, {"error": "invalid_client"}, "invalid_client", AuthenticationError, "client_auth=post"),
        (401, b"<h1>no</h1>", "invalid_client", AuthenticationError, "client_auth=post"),
        (400, {"error": "unauthorized_client"}, "unauthorized_client", AuthenticationError, "has to be allowed where the client is registered"),
        (400, {"error": "unsupported_grant_type"}, "unsupported_grant_type", AuthenticationError, "token_url="),
        (400, {"error": "invalid_scope"}, "invalid_scope", AuthenticationError, "scope="),
        (400, {"error": "invalid_request"}, "invalid_request", AuthenticationError, "extra="),
        (403, b"", "", PermissionDenied, "is token_url= the token endpoint"),
        (404, b"", "", AuthenticationError, "is token_url= the token endpoint"),
        (400, {"error": {"message": "odd"}}, "", AuthenticationError, "400"),
        (400, {"error": "Some words, said badly"}, "", AuthenticationError, r"\(Some words, said badly\)"),
        (400, {"error": "slow_down"}, "slow_down", RateLimited, "try again later"),
        (400, {"error": "temporarily_unavailable"}, "temporarily_unavailable", ServerError, "try again later"),
        (500, {"error": "invalid_grant"}, "invalid_grant", ServerError, "try again later"),
        (503, b"<html>", "", ServerError, "try again later"),
        (429, b"", "", RateLimited, "try again later"),
    ],
)
def test_refusals(status: int, body: Any, code: str, kind: type[IntegrakitError], words: str) -> None:
    answer = read(status, body)
    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert type(answer.error) is kind
    with pytest.raises(kind, match=words):
        raise answer.error


def test_when_to_come_back() -> None:
    answer = read(429, b"", {"retry-after": "7"})
    assert (answer.error.retry_after, str(answer.error).endswith("try again in 7 s")) == (7.0, True)


def test_the_other_way_to_show_the_secret_is_named() -> None:
    assert "client_auth=basic" in str(read(401, b"", client_auth="post").error)


@pytest.mark.parametrize("place", ["error", "error_description", "request id", "both"])
def test_what_the_server_echoes_is_hidden_and_kept_to_one_line(place: str) -> None:
    words = f"you sent {TOKEN}\r\n\x1b[31m\u2028" + "x" * 5000
    body = {"error": words if place in ("error", "both") else "invalid_scope", "error_description": words if place != "error" else ""}
    answer = read(400, body, {"x-request-id": words}, secrets=(TOKEN,))
    said = str(answer.error)
    assert TOKEN not in said
    assert said.isprintable()
    assert len(said) < 1200


def test_a_long_life_of_hostile_answers_over_a_socket(serve: Any, world: Any) -> None:
    answers: list[tuple[Any, type[Exception]]] = [
        ((200, {}, b"<html>"), DecodeError),
        ((302, {"Location": "/elsewhere"}, b""), DecodeError),
        ((200, {}, b"{" * 2_000_000), DecodeError),
        ((401, {"WWW-Authenticate": "Basic"}, b""), AuthenticationError),
        ((200, {"Content-Type": "application/json"}, json.dumps({"error": "invalid_client"}).encode()), AuthenticationError),
    ]
    script = iter(answers)
    server = serve(lambda asked: next(script)[0])

    async def main() -> None:
        auth = OAuth2ClientCredentials(f"{server.url}/token", client_id="c", client_secret=TOKEN)
        async with Client(server.url, auth=auth) as client:
            for _, kind in answers:
                with pytest.raises(kind) as caught:
                    await client.aget("/orders")
                assert TOKEN not in str(caught.value)

    world(main)
    assert [asked.path for asked in server.asked] == ["/token"] * len(answers)
