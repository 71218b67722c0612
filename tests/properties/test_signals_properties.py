"""What servers say of their quotas: whatever they send, nothing is raised, and no number comes out that is not finite, or below zero."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import httpx
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from integrakit.http.limiting import DIALECTS, QuotaSignal, read_signals
from integrakit.http.limiting.dialects.structured_fields import Item, Token, parse_dictionary, parse_list
from integrakit.http.limiting.dialects.values import LONGEST, reset_in
from integrakit.model import Request, Response

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
NAMES = [
    "age", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset", "date",
    "intuit_tid", "ratelimit", "ratelimit-limit", "ratelimit-name", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset", "retry-after",
    "retry-after-ms", "sforce-limit-info", "stripe-rate-limited-reason", "x-amzn-ratelimit-limit", "x-github-request-id", "x-hubspot-ratelimit-daily",
    "x-hubspot-ratelimit-daily-remaining", "x-hubspot-ratelimit-interval-milliseconds", "x-hubspot-ratelimit-max", "x-hubspot-ratelimit-remaining",
    "x-rate-limit", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset", "x-ratelimit-bucket", "x-ratelimit-limit",
    "x-ratelimit-limit-requests", "x-ratelimit-remaining", "x-ratelimit-remaining-minute", "x-ratelimit-remaining-requests",
    "x-ratelimit-reset", "x-ratelimit-reset-after", "x-ratelimit-reset-requests", "x-ratelimit-resource", "x-ratelimit-used",
    "x-shopify-shop-api-call-limit", "x-slack-req-id", "zendesk-ratelimit-tickets-index",
]  # fmt: skip
#: What they are made of, and so much likelier to be understood than any text.
PIECES = [
    "0", "1", "7", "30", "100", "1763697600", "1763697600000", "999999999999999", "9" * 20, "1e999", "-1", "0.5", "nan", "٣", ",", ";", "=", " ",
    '"', "/", ":", "?1", "r=0", "t=30", "q=5", "w=60", ';w=60;name="x"', '"burst";r=0;t=1', "limit=5, remaining=0, reset=9", "6m0s", "12ms", "d", "h",
    "2026-11-21T04:00:30Z", "Sat, 21 Nov 2026 04:00:30 GMT", "GMT+0100 (x)", "api-usage=1/2", "total=1; remaining=0; resets=3", "application/json",
]  # fmt: skip
VALUES = (
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
    | st.text(max_size=60)
    | st.binary(max_size=60).map(lambda some: some.decode("latin-1"))
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["THROTTLED", "RATE_LIMITED", "REQUEST_LIMIT_EXCEEDED"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["errors", "extensions", "cost", "code", "type", "throttleStatus", "requestedQueryCost", "actualQueryCost", "maximumAvailable",
                 "currentlyAvailable", "restoreRate", "errorCode", "message", "error", "o:errorDetails", "policyName"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip
BODIES = st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode())
URLS = st.sampled_from(
    ["https://x.example/a", "https://x.example/graphql", "https://x.myshopify.com/admin/api/1/graphql.json", "https://1.netsuite.com", "http://["]
)
NUMBERS = [field.name for field in fields(QuotaSignal) if "float" in str(field.type)]


def answer(headers: list[tuple[str, str]], status: int, content: bytes, url: str) -> Response:
    raw = httpx.Response(status, headers=[(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers], content=content)
    return Response(raw, Request(method="GET", url=url))


def check(signals: list[QuotaSignal]) -> None:
    for signal in signals:
        for name in NUMBERS:
            value = getattr(signal, name)
            assert value is None or (isinstance(value, float) and math.isfinite(value) and value >= 0), (name, value)
        for name in ("reset", "retry_after", "window"):
            assert (getattr(signal, name) or 0) <= LONGEST
        assert len(signal.name) <= 100


def test_there_are_numbers_to_check() -> None:
    assert {"limit", "remaining", "window", "reset", "rate", "retry_after", "charged", "requested"} == set(NUMBERS)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8),
    st.sampled_from([200, 301, 400, 403, 429, 500, 503]),
    BODIES,
    URLS,
    st.booleans(),
)
def test_any_answer_is_read_without_an_error(headers: list[tuple[str, str]], status: int, content: bytes, url: str, is_json: bool) -> None:
    response = answer([*headers, *([("content-type", "application/json")] if is_json else [])], status, content, url)
    signals = read_signals(response, NOW)
    check(signals)
    assert signals == read_signals(response, NOW)
    for dialect in DIALECTS.values():
        check(list(dialect(response, NOW)))


@given(VALUES, st.sampled_from(["auto", "epoch", "epoch-ms", "delta", "delta-ms"]))
def test_a_reset_lies_within_a_year(text: str, form: Any) -> None:
    seconds = reset_in(text, {}, NOW, form)
    assert seconds is None or 0 <= seconds <= LONGEST


@given(st.integers(0, 30_000_000))
def test_all_forms_of_a_reset_agree(seconds: int) -> None:
    moment = int(NOW.timestamp()) + seconds
    iso = datetime.fromtimestamp(moment, UTC).isoformat()
    for text in (str(seconds), str(moment), str(moment * 1000), iso, f"{seconds}s"):
        told = reset_in(text, {}, NOW)
        # A duration's part has nine digits at most, as all of these have.
        assert told == seconds, text


# ---------------------------------------------------------------------------------------------------- structured fields

KEYS = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
TOKENS = st.from_regex(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,12}", fullmatch=True).map(Token)
STRINGS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
BARE = (
    st.booleans()
    | st.integers(-(10**15) + 1, 10**15 - 1)
    | st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000)
    | TOKENS
    | STRINGS
    | st.binary(max_size=20)
)
ITEMS = st.builds(Item, BARE, st.dictionaries(KEYS, BARE, max_size=3))


def written(value: Any) -> str:
    """RFC 9651 §4.1."""
    import base64

    match value:
        case bool():
            return "?1" if value else "?0"
        case bytes():
            return f":{base64.b64encode(value).decode()}:"
        case Token():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case float():
            return f"{value:.3f}"
    return str(value)


def item_written(item: Item) -> str:
    return written(item.value) + "".join(f";{key}" if value is True else f";{key}={written(value)}" for key, value in item.params.items())


@given(st.lists(ITEMS, max_size=5), st.sampled_from([",", ", ", " ,\t"]))
def test_lists_come_back(items: list[Item], between: str) -> None:
    found = parse_list(between.join(map(item_written, items)))
    assert found == items
    assert [type(item.value) for item in found or []] == [type(item.value) for item in items]


@given(st.dictionaries(KEYS, ITEMS, max_size=5))
def test_dictionaries_come_back(members: dict[str, Item]) -> None:
    text = ", ".join(f"{key}={item_written(item)}" for key, item in members.items())
    assert parse_dictionary(text) == members


@given(st.text(max_size=200) | st.text(' ,;="\\:?@%()abzAZ019.-*_', max_size=60))
def test_any_text_is_a_list_or_is_none(text: str) -> None:
    for found in (parse_list(text), parse_dictionary(text)):
        assert found is None or isinstance(found, list | dict)
