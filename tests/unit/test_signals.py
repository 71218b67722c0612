"""Which dialects an answer is read in, and what all signals have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from integrakit.errors import ConfigurationError
from integrakit.http.limiting import DIALECTS, QuotaSignal, read_signals, resolve_dialects, x_ratelimit
from integrakit.model import Request, Response

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SHOP = {"X-Shopify-Shop-Api-Call-Limit": "32/40"}
GENERIC = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "30"}


def answer(headers: Mapping[str, str] | None = None, status: int = 200, content: bytes = b"", url: str = "https://x.example/v1/orders") -> Response:
    return Response(httpx.Response(status, headers=headers, content=content), Request(method="GET", url=url))


def who(headers: Mapping[str, str], status: int = 200) -> list[str]:
    return [signal.dialect for signal in read_signals(answer(headers, status), NOW)]


def test_an_answer_without_a_word_on_quotas_says_nothing() -> None:
    plain = {"Content-Type": "application/json", "Date": "Sat, 21 Nov 2026 04:00:00 GMT", "Server": "nginx"}
    for status in (200, 204, 301, 400, 403, 404, 429, 500, 503):
        assert read_signals(answer(plain, status, b'{"a": 1}'), NOW) == []


def test_headers_that_only_look_like_it_say_nothing() -> None:
    assert read_signals(answer({"X-Upload-Limit": "5", "Body-Size-Limit": "7"}), NOW) == []


def test_the_specific_dialect_speaks_and_the_general_one_is_silent() -> None:
    assert who(GENERIC) == ["x-ratelimit"]
    assert who({**GENERIC, "X-RateLimit-Resource": "core"}) == ["github"]
    assert who({**GENERIC, "X-GitHub-Request-Id": "A:B"}) == ["github"]
    assert who({"X-RateLimit-Limit-Requests": "60", "X-RateLimit-Remaining-Requests": "59"}) == ["openai"]
    assert who({"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699", "RateLimit-Limit": "700", "RateLimit-Remaining": "699"}) == ["zendesk"]
    assert who({"X-Rate-Limit-Limit": "15", "X-Rate-Limit-Remaining": "14", "X-Rate-Limit-Reset": "1795300000"}) == ["x-rate-limit"]


def test_two_dialects_with_headers_of_their_own_both_speak() -> None:
    assert sorted(who({**SHOP, "Retry-After": "2.0"}, 429)) == ["retry-after", "shopify"]
    assert sorted(who({**GENERIC, "RateLimit": '"a";r=1'})) == ["ratelimit", "x-ratelimit"]


@pytest.mark.parametrize("mark", ["X-GitHub-Request-Id", "X-Slack-Req-Id", "Intuit_Tid"])
def test_the_advice_of_a_503_is_heard_whoever_sends_it(mark: str) -> None:
    (signal,) = read_signals(answer({mark: "1", "Retry-After": "30"}, 503), NOW)
    assert (signal.dialect, signal.retry_after, signal.refused) == ("retry-after", 30.0, False)


def test_names_are_not_case_sensitive() -> None:
    for change in (str.upper, str.lower, str.title):
        assert who({change(name): value for name, value in GENERIC.items()}) == ["x-ratelimit"]


def test_headers_may_be_any_case_insensitive_mapping() -> None:
    raw = SimpleNamespace(status_code=200, content=b"", headers={"x-ratelimit-remaining": "7", "x-ratelimit-reset": "30"})
    (signal,) = read_signals(Response(raw, Request(method="GET", url="https://x.example/")), NOW)
    assert (signal.remaining, signal.reset) == (7, 30)


def test_what_comes_out_of_a_cache_is_old() -> None:
    assert who({**GENERIC, "Age": "0"}) == ["x-ratelimit"]
    assert who({**GENERIC, "Age": "junk"}) == ["x-ratelimit"]
    assert who({**GENERIC, "Age": "3"}) == []


def test_dialects_can_be_named() -> None:
    told = answer({**GENERIC, **SHOP, "X-GitHub-Request-Id": "A:B"})
    assert [signal.dialect for signal in read_signals(told, NOW, ["shopify"])] == ["shopify"]
    assert [signal.dialect for signal in read_signals(told, NOW, ["x-ratelimit", "shopify"])] == ["x-ratelimit", "shopify"]
    assert read_signals(told, NOW, []) == []


def test_dialects_can_be_functions_of_ones_own() -> None:
    def own(response: Response, now: datetime) -> list[QuotaSignal]:
        return [QuotaSignal(dialect="own", remaining=float(response.headers["x-left"]), reset=(now - NOW).total_seconds())]

    (signal,) = read_signals(answer({"X-Left": "3"}), NOW, [own])
    assert signal == QuotaSignal(dialect="own", remaining=3.0, reset=0.0)


@pytest.mark.parametrize("wrong", ["github", 5, {"github"}, ["gitlab"], [None], [["github"]], (5,)])
def test_a_dialect_that_does_not_exist_is_said(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="dialect"):
        read_signals(answer(), NOW, wrong)
    with pytest.raises(ConfigurationError, match="dialect"):
        resolve_dialects(wrong)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        DIALECTS["x"] = DIALECTS["github"]  # type: ignore[index]
    assert resolve_dialects(["github", len]) == (DIALECTS["github"], len)  # type: ignore[list-item]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_silent_where_nothing_is_said(name: str) -> None:
    for status in (200, 400, 403, 503):
        assert list(DIALECTS[name](answer(None, status), NOW)) == []


@pytest.mark.parametrize("field", ["limit", "remaining", "window", "reset", "rate", "retry_after", "charged", "requested"])
@pytest.mark.parametrize("wrong", [-1, -0.001, float("nan"), float("inf"), "5", True, [1]])
def test_a_signal_with_a_number_that_is_none_is_refused(field: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"QuotaSignal\({field}="):
        QuotaSignal(dialect="own", **{field: wrong})


def test_a_signal_needs_texts_and_a_kind() -> None:
    for wrong in ({"dialect": 5}, {"dialect": "a", "name": None}, {"dialect": "a", "kind": "bucket"}, {"dialect": "a", "kind": []}):
        with pytest.raises(ConfigurationError, match="QuotaSignal"):
            QuotaSignal(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"reset": "seconds"}, {"reset": None}, {"prefix": ""}, {"prefix": "x rate"}, {"prefix": None}])
def test_a_wrong_x_ratelimit_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="x_ratelimit"):
        x_ratelimit(**wrong)
