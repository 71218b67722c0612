"""From an answer to its verdict, and the words of it."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from integrakit import errors
from integrakit.http.judge import error_of, judge, redact
from integrakit.model import Request, Response

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def verdict(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
    request = Request(method="GET", url="https://x.example/a?token=abc&page=2")
    raw = httpx.Response(status, headers=headers, content=body, request=httpx.Request("GET", request.url))
    return judge(Response(raw, request), None, str, NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (422, errors.Unprocessable),
        (429, errors.RateLimited),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (599, errors.ServerError),
        (418, errors.ResponseError),
        (402, errors.ResponseError),
        (499, errors.ResponseError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type) -> None:
    assert error_of(status) is kind
    assert type(verdict(status)) is kind
    assert verdict(status).status_code == status


@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 304, 399])
def test_a_success_has_none(status: int) -> None:
    assert verdict(status) is None


def test_the_words() -> None:
    assert str(verdict(404, b"no", {"X-Request-Id": "r-1"})) == "GET https://x.example/a?token=***&page=2 answered 404 Not Found, request id r-1: no"
    assert str(verdict(500)).endswith("answered 500 Internal Server Error, with an empty body")
    assert "answered 499 no standard status" in str(verdict(499))
    assert str(verdict(400, b" \n ")).endswith("with an empty body")
    long = str(verdict(400, b"\xff" + b"x" * 5000))
    assert len(long) < 400
    assert long.endswith("…")


def test_when_to_come_back() -> None:
    assert verdict(429, headers={"Retry-After": "7"}).retry_after == 7
    assert verdict(503, headers={"Retry-After": "Thu, 01 Jan 2026 00:01:00 GMT"}).retry_after == 60
    assert verdict(429, headers={"Retry-After": "-7"}).retry_after is None
    assert verdict(429).request_id is None


@pytest.mark.parametrize("name", ["X-Request-Id", "Request-Id", "X-Correlation-Id", "x-amzn-RequestId", "X-Trace-Id"])
def test_request_ids_by_many_names(name: str) -> None:
    assert verdict(500, headers={name: "abc"}).request_id == "abc"


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("token abc here", ["abc"], "token *** here"),
        ("abcdef abc", ["abc", "abcdef"], "*** ***"),
        ("nothing", [], "nothing"),
        ("nothing", [""], "nothing"),
        ("a%2Fb a%2Bb", ["a/b", "a+b"], "*** ***"),
        (r'{"x": "a\/b\"c"}', ['a/b"c'], '{"x": "***"}'),
        ("a&amp;b", ["a&b"], "***"),
        ("a+b%26", ["a b&"], "***"),
    ],
)
def test_secrets_are_taken_out(text: str, secrets: list[str], shown: str) -> None:
    assert redact(text, secrets) == shown


SECRET = "s3cr/et+\"ü' x&"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%C3%BC", "%c3%bc"),
        quote(quote(SECRET, safe=""), safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET).replace("/", "\\/")[1:-1],
        json.dumps(SECRET).replace("u00fc", "u00FC")[1:-1],
        json.dumps(json.dumps(SECRET))[3:-3],
        html.escape(SECRET),
        html.escape(SECRET).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        repr(SECRET)[1:-1],
    ],
)
def test_secrets_are_taken_out_however_they_are_written(written: str) -> None:
    assert redact(f"<{written}>", [SECRET]) == "<***>"


def test_overlapping_secrets_leave_no_piece_behind() -> None:
    assert redact("-abcdef-", ["abcd", "cdef"]) == "-***-"
    assert redact("-abcabc-", ["abc"]) == "-******-"
    assert redact("-aaaa-", ["aa"]) == "-***-"
    assert redact("a*b", ["*"]) == "a***b"
    assert redact("\ud800", ["\ud800"]) == "***"


def classified(found: Any, headers: dict[str, str] | None = None) -> Any:
    request = Request(method="GET", url="https://x.example/a")
    raw = httpx.Response(200, headers=headers, content=b"{}", request=httpx.Request("GET", request.url))
    response = Response(raw, request)
    return response, judge(response, lambda given: found, lambda text: text.replace("abc", "***"), NOW)


def test_what_classify_returns_is_completed_and_shows_no_secret() -> None:
    response, found = classified(errors.RateLimited("token abc", retry_after=5.0), {"Retry-After": "9"})
    assert (found.response, found.request, found.retry_after, str(found)) == (response, response.request, 5.0, "token ***")
    assert classified(errors.RateLimited("slow"), {"Retry-After": "9"})[1].retry_after == 9.0
    assert classified(errors.RateLimited("slow"))[1].retry_after is None
    own = Request(method="PUT", url="https://x.example/b")
    assert classified(errors.ServerError("x", request=own))[1].request is own
    assert type(classified(errors.DecodeError("x"))[1]) is errors.DecodeError
    assert classified(None)[1] is None


@pytest.mark.parametrize("found", [ValueError("x"), "text", True, False, errors.ServerError, 5, object()])
def test_what_classify_must_not_return_is_said(found: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="classify returns"):
        classified(found)


def test_classify_is_for_what_looks_like_a_success() -> None:
    request = Request(method="GET", url="https://x.example/a")
    raw = httpx.Response(500, request=httpx.Request("GET", request.url))
    assert isinstance(judge(Response(raw, request), lambda given: errors.NotFound("no"), str, NOW), errors.ServerError)


def test_binary_and_huge_bodies_stay_one_short_line() -> None:
    for body in (bytes(range(256)) * 4000, b"a\nb\r\n\x1b[31m\x00\xe2\x80\xa8", '{"a": "ü"}'.encode("utf-16")):
        message = str(verdict(500, body))
        assert len(message) < 450
        assert len(message.splitlines()) == 1
        assert "\x1b" not in message
        assert "\x00" not in message


def test_a_secret_at_the_cut_of_the_excerpt_is_seen_whole() -> None:
    request = Request(method="GET", url="https://x.example/a")
    raw = httpx.Response(500, content=b"x" * 295 + b"s3cret-value" * 3, request=httpx.Request("GET", request.url))
    hide = lambda text: redact(text, ["s3cret-value"])  # noqa: E731
    assert "s3c" not in str(judge(Response(raw, request, hide=hide), None, hide, NOW))
