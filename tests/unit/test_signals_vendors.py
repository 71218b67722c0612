"""What single vendors send, as documented or as seen: the source stands beside each set of headers, all looked up in November 2026."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from integrakit.http.limiting import QuotaSignal, read_signals
from integrakit.model import Request, Response

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
JSON = {"Content-Type": "application/json; charset=utf-8"}
GRAPHQL = "https://shop.myshopify.example/admin/api/2026-10/graphql.json"


def read(headers: Mapping[str, str], status: int = 200, body: Any = None, url: str = "https://x.example/v1/orders") -> list[QuotaSignal]:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    headers = {**({} if isinstance(body, bytes) else JSON), **headers}
    return read_signals(Response(httpx.Response(status, headers=headers, content=content), Request(method="GET", url=url)), NOW)


def told(signal: QuotaSignal) -> dict[str, Any]:
    """What a signal says, and nothing of what it does not."""
    fields = ("name", "kind", "unit", "limit", "remaining", "window", "reset", "rate", "retry_after", "everybody", "charged", "requested", "refused")
    usual = QuotaSignal(dialect=signal.dialect)
    return {name: getattr(signal, name) for name in fields if getattr(signal, name) != getattr(usual, name)}


# ---------------------------------------------------------------------------------------------------- GitHub

#: KnpLabs/php-github-api#1072 has such a dump of a secondary limit; the docs the names.
GITHUB = {
    "X-GitHub-Request-Id": "A2F6:1B2C:33",
    "X-RateLimit-Limit": "5000",
    "X-RateLimit-Remaining": "4999",
    "X-RateLimit-Used": "1",
    "X-RateLimit-Reset": str(EPOCH + 1800),
    "X-RateLimit-Resource": "core",
}
SECONDARY = {
    "documentation_url": "https://docs.github.com/en/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
    "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
}


def test_github_on_a_good_day() -> None:
    (signal,) = read(GITHUB)
    assert signal.dialect == "github"
    assert told(signal) == {"name": "core", "limit": 5000, "remaining": 4999, "reset": 1800, "window": 3600}
    assert read({**GITHUB, "X-RateLimit-Resource": "search"})[0].window == 60
    assert read({**GITHUB, "X-RateLimit-Resource": "something_new"})[0].window is None


@pytest.mark.parametrize("status", [403, 429])
def test_github_retry_after_comes_first(status: int) -> None:
    primary, secondary = read({**GITHUB, "Retry-After": "45"}, status, SECONDARY)
    assert told(secondary) == {"name": "secondary", "retry_after": 45, "everybody": True, "refused": True}
    assert (primary.remaining, primary.refused, primary.retry_after) == (4999, False, None)


@pytest.mark.parametrize("status", [403, 429])
def test_github_then_the_reset_where_nothing_remains(status: int) -> None:
    (signal,) = read({**GITHUB, "X-RateLimit-Remaining": "0"}, status, {"message": "API rate limit exceeded for user ID 1."})
    assert told(signal) == {
        "name": "core",
        "limit": 5000,
        "remaining": 0,
        "reset": 1800,
        "window": 3600,
        "retry_after": 1800,
        "everybody": True,
        "refused": True,
    }


@pytest.mark.parametrize("status", [403, 429])
def test_github_else_a_minute(status: int) -> None:
    """octokit/plugin-throttling.js#566: there is no Retry-After, and remaining is not zero."""
    _, secondary = read(GITHUB, status, SECONDARY)
    assert told(secondary) == {"name": "secondary", "retry_after": 60, "everybody": True, "refused": True}


def test_github_nothing_remains_is_enough_whatever_the_body_says() -> None:
    (signal,) = read({**GITHUB, "X-RateLimit-Remaining": "0"}, 403, {"message": "Forbidden"})
    assert (signal.refused, signal.retry_after) == (True, 1800)


def test_github_both_limits_at_once() -> None:
    primary, secondary = read({**GITHUB, "X-RateLimit-Remaining": "0", "Retry-After": "45"}, 403, SECONDARY)
    assert (primary.retry_after, primary.everybody, primary.refused) == (1800, True, False)
    assert (secondary.retry_after, secondary.refused) == (45, True)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest/repos"},
        {"message": 5, "documentation_url": ["rate limit"]},
        ["rate limit"],
        b"<html>rate limit</html>",
        None,
    ],
)
def test_a_403_of_github_that_is_about_permissions_is_no_refusal(body: Any) -> None:
    assert [signal.refused for signal in read(GITHUB, 403, body)] == [False]


@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
def test_github_graphql_refuses_in_a_200(kind: str) -> None:
    """renovatebot/renovate#21861 and yanyongyu/githubkit#271."""
    url = "https://api.github.com/graphql"
    body = {"errors": [{"type": kind, "message": "API rate limit already exceeded for user ID 1."}]}
    headers = {**GITHUB, "X-RateLimit-Resource": "graphql"}
    assert [signal.refused for signal in read({**headers, "X-RateLimit-Remaining": "0"}, 200, body, url)] == [True]
    assert [signal.refused for signal in read(headers, 200, body, url)] == [False, True]
    assert [signal.refused for signal in read(headers, 200, {"data": {}}, url)] == [False]
    assert [signal.refused for signal in read(headers, 200, body)] == [False]


# ---------------------------------------------------------------------------------------------------- Shopify


def test_shopify_rest() -> None:
    """shopify.dev, "REST Admin API rate limits": used / size. It is not remaining / size."""
    (signal,) = read({"X-Shopify-Shop-Api-Call-Limit": "32/40"})
    assert told(signal) == {"kind": "rate", "limit": 40, "remaining": 8, "rate": 2, "reset": 16}
    assert read({"X-Shopify-Shop-Api-Call-Limit": "1/400"})[0].rate == 20
    full, advice = read({"X-Shopify-Shop-Api-Call-Limit": "40/40", "Retry-After": "2.0"}, 429)
    assert (full.remaining, full.everybody, full.retry_after, full.refused, advice.retry_after) == (0, True, 2, True, 2)
    assert read({"X-Shopify-Shop-Api-Call-Limit": "41/40"})[0].retry_after == 0.5


@pytest.mark.parametrize("value", ["40", "/40", "1/0", "-1/40", "1/40/2", "1e3/40", "٣/40", "1/" + "9" * 400, "", "a/b"])
def test_shopify_junk(value: str) -> None:
    raw = httpx.Response(200, headers=[(b"X-Shopify-Shop-Api-Call-Limit", value.encode())])
    assert read_signals(Response(raw, Request(method="GET", url="https://x.example/")), NOW) == []


def cost(requested: Any = 502, actual: Any = 42, available: Any = 958, restore: Any = 50) -> dict[str, Any]:
    """MONEI/Shopify-api-node#489."""
    throttle = {"maximumAvailable": 1000, "currentlyAvailable": available, "restoreRate": restore}
    return {"extensions": {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": throttle}}}


def test_shopify_graphql_debit_and_refund() -> None:
    (signal,) = read({}, 200, {"data": {}, **cost()}, GRAPHQL)
    assert signal.dialect == "shopify-graphql"
    assert told(signal) == {
        "kind": "rate",
        "unit": "points",
        "limit": 1000,
        "remaining": 958,
        "rate": 50,
        "reset": 0.84,
        "charged": 42,
        "requested": 502,
    }


def test_shopify_graphql_throttled_in_a_200() -> None:
    """Shopify/cli#8317."""
    errors = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
    (signal,) = read({}, 200, {**errors, **cost(actual=None, available=402)}, GRAPHQL)
    assert (signal.refused, signal.charged, signal.requested, signal.retry_after, signal.everybody) == (True, None, 502, 2, False)
    # More than the bucket ever holds: until it is full.
    assert read({}, 200, {**errors, **cost(requested=5000, actual=None, available=0)}, GRAPHQL)[0].retry_after == 20
    assert read({}, 200, {**errors, **cost(requested=None, actual=None, available=0)}, GRAPHQL)[0].retry_after == 1
    (bare,) = read({}, 200, errors, GRAPHQL)
    assert told(bare) == {"kind": "rate", "unit": "points", "refused": True}


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"shop": {}}},
        {"extensions": {"cost": None}},
        {"extensions": []},
        {"extensions": {"cost": [1]}},
        {"errors": "THROTTLED"},
        {"errors": [None, {"extensions": None}, {"extensions": {"code": "MAX_COST_EXCEEDED"}}]},
        [],
        None,
        b"THROTTLED",
        b'{"extensions": NaN}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_a_graphql_answer_without_a_cost(body: Any) -> None:
    assert read(JSON, 200, body, GRAPHQL) == []


def test_costs_that_are_no_numbers() -> None:
    for wrong in ("5", True, -1, 10**400, [1], None):
        (signal,) = read({}, 200, cost(wrong, wrong, wrong, wrong), GRAPHQL)
        assert told(signal) == {"kind": "rate", "unit": "points", "limit": 1000}
    assert told(read({}, 200, cost(restore=0), GRAPHQL)[0]).keys() == {"kind", "unit", "limit", "remaining", "rate", "charged", "requested"}


def test_costs_elsewhere_are_not_looked_for() -> None:
    assert read({}, 200, cost(), "https://x.example/orders") == []
    assert read({"Content-Type": "text/html"}, 200, cost(), GRAPHQL) == []


def test_the_body_is_decoded_once_for_all() -> None:
    response = Response(httpx.Response(200, headers=JSON, content=json.dumps(cost()).encode()), Request(method="POST", url=GRAPHQL))
    read_signals(response, NOW)
    assert response.json() is response.json()


def test_decimals_are_numbers_too() -> None:
    raw = httpx.Response(200, headers=JSON, content=json.dumps(cost(requested=1.5)).encode())
    (signal,) = read_signals(Response(raw, Request(method="POST", url=GRAPHQL), decimals=True), NOW)
    assert signal.requested == 1.5


# ---------------------------------------------------------------------------------------------------- Salesforce


def test_salesforce() -> None:
    """developer.salesforce.com, REST API, "Limit Info Header"."""
    org, app = read({"Sforce-Limit-Info": "api-usage=10018/100000; per-app-api-usage=17/250(appName=sample-connected-app)"})
    assert told(org) == {"name": "api-usage", "kind": "budget", "limit": 100_000, "remaining": 89_982, "window": 86_400}
    assert told(app) == {"name": "per-app-api-usage", "kind": "budget", "limit": 250, "remaining": 233, "window": 86_400}
    # The number may be exceeded for a while: only a refusal is the end.
    (over,) = read({"Sforce-Limit-Info": "api-usage=100018/100000"})
    assert (over.remaining, over.everybody, over.retry_after) == (0, False, None)


def test_salesforce_refuses_with_a_403() -> None:
    body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    (signal,) = read({"Sforce-Limit-Info": "api-usage=100000/100000"}, 403, body)
    assert (signal.limit, signal.remaining, signal.refused, signal.everybody) == (100_000, 0, True, True)
    (bare,) = read({}, 403, body)
    assert told(bare) == {"name": "api-usage", "kind": "budget", "window": 86_400, "everybody": True, "refused": True}


def test_salesforce_long_running_requests_are_another_limit() -> None:
    body = [{"message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    (signal,) = read({}, 403, body)
    assert told(signal) == {"name": "concurrent", "kind": "concurrency", "refused": True}


@pytest.mark.parametrize(
    "value", ["", "api-usage=5", "api-usage=-5/10", "api-usage=5/1e9", "5/10", "api usage=5/10", "x" * 20_000, "=" * 900, "a=1/2(" * 150]
)
def test_salesforce_junk(value: str) -> None:
    assert read({"Sforce-Limit-Info": value}) == []


@pytest.mark.parametrize(
    "body", [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}, [None, 5], [{"errorCode": "INSUFFICIENT_ACCESS"}], b"REQUEST_LIMIT_EXCEEDED"]
)
def test_other_403s_are_not_salesforces(body: Any) -> None:
    assert read({}, 403, body) == []


# ---------------------------------------------------------------------------------------------------- HubSpot

HUBSPOT = {
    "X-HubSpot-Correlation-Id": "6828d000",
    "X-HubSpot-RateLimit-Max": "190",
    "X-HubSpot-RateLimit-Remaining": "188",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    "X-HubSpot-RateLimit-Daily": "650000",
    "X-HubSpot-RateLimit-Daily-Remaining": "649000",
    "X-HubSpot-RateLimit-Secondly": "19",
    "X-HubSpot-RateLimit-Secondly-Remaining": "18",
}


def test_hubspot() -> None:
    """developers.hubspot.com, "API usage guidelines"."""
    interval, daily = read(HUBSPOT)
    assert told(interval) == {"name": "interval", "limit": 190, "remaining": 188, "window": 10}
    assert told(daily) == {"name": "daily", "kind": "budget", "limit": 650_000, "remaining": 649_000, "window": 86_400}


def test_hubspot_with_oauth_has_no_daily_limit() -> None:
    (interval,) = read({name: value for name, value in HUBSPOT.items() if "Daily" not in name})
    assert interval.name == "interval"


def test_hubspot_of_2018() -> None:
    """developers.hubspot.com/changelog/2018-11-06."""
    (secondly,) = read({name: value for name, value in HUBSPOT.items() if "Secondly" in name})
    assert told(secondly) == {"name": "secondly", "limit": 19, "remaining": 18, "window": 1}


def test_hubspot_says_in_the_body_which_limit_it_was() -> None:
    """HGData/mk-node-hubspot#89."""
    body = {"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
    interval, daily = read(HUBSPOT, 429, body)
    assert (interval.refused, daily.refused) == (True, False)
    interval, daily = read(HUBSPOT, 429, {**body, "policyName": "DAILY"})
    assert (interval.refused, daily.refused, daily.everybody) == (False, True, True)
    # The search API sends no headers: community.hubspot.com, on the announcement of the headers.
    (search,) = read({"X-HubSpot-Correlation-Id": "6828d000"}, 429, {**body, "policyName": "SECONDLY"})
    assert told(search) == {"name": "secondly", "window": 1, "refused": True}
    assert read({"X-HubSpot-Correlation-Id": "6828d000"}, 429) == []
    # Half of the pair is enough for the newer headers to count.
    assert read({"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Secondly": "19"})[0].name == "interval"


# ---------------------------------------------------------------------------------------------------- others


def test_zendesk() -> None:
    """developer.zendesk.com, "Best practices for avoiding rate limiting", word for word."""
    headers = {
        "x-rate-limit": "700",
        "ratelimit-limit": "700",
        "x-rate-limit-remaining": "699",
        "ratelimit-remaining": "699",
        "ratelimit-reset": "41",
        "zendesk-ratelimit-tickets-index": "total=100; remaining=99; resets=41",
    }
    account, tickets = read(headers)
    assert told(account) == {"name": "account", "limit": 700, "remaining": 699, "reset": 41, "window": 60}
    assert told(tickets) == {"name": "tickets-index", "limit": 100, "remaining": 99, "reset": 41}
    assert read({"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699"})[0].reset is None
    assert read({"X-Rate-Limit": "700"})[0].limit == 700
    assert read({"Zendesk-RateLimit-Tickets-Index": "remaining=9"})[0].remaining == 9
    refused, advice = read({"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "0", "Retry-After": "41"}, 429)
    assert (refused.refused, refused.retry_after, advice.retry_after) == (True, 41, 41)


@pytest.mark.parametrize("value", ["", "total", "total=; remaining=", "total=-1; remaining=x", ";" * 5_000, "=;=;=", "resets=41"])
def test_zendesk_junk(value: str) -> None:
    assert read({"Zendesk-RateLimit-Tickets-Index": value}) == []


def test_amazon() -> None:
    """SP-API, "Usage Plans and Rate Limits": only the rate is told."""
    (signal,) = read({"x-amzn-RateLimit-Limit": "0.0167"})
    assert told(signal) == {"kind": "rate", "rate": 0.0167}
    (signal,) = read({"x-amzn-RateLimit-Limit": "0.5"}, 429)
    assert told(signal) == {"kind": "rate", "rate": 0.5, "retry_after": 2, "refused": True}
    assert read({"x-amzn-RateLimit-Limit": "0.5", "Retry-After": "9"}, 429)[0].retry_after == 9
    for junk in ("0", "0.0", "-1", "1e-300", "nan", "fast"):
        assert read({"x-amzn-RateLimit-Limit": junk}) == []
    assert read({"x-amzn-RateLimit-Limit": "0.000000001"}, 429)[0].retry_after is None


def test_netsuite() -> None:
    """docs.jitterbit.com, "NetSuite concurrency governance"; the body as RESTlets send it."""
    body = {"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED", "message": "Request Limit Exceeded."}}
    refusal = {"name": "account", "kind": "concurrency", "refused": True}
    for status, content in ((400, body), (429, body), (400, b"error code: SSS_REQUEST_LIMIT_EXCEEDED\nerror message: Request Limit Exceeded.")):
        (signal,) = read({}, status, content)
        assert told(signal) == refusal
    (signal,) = read({}, 400, {"title": "Bad Request", "o:errorDetails": [{"o:errorCode": "SSS_REQUEST_LIMIT_EXCEEDED"}]})
    assert told(signal) == refusal
    (signal,) = read({}, 429, None, "https://123456.suitetalk.api.netsuite.com/services/rest/query/v1/suiteql")
    assert told(signal) == refusal


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"code": "SSS_MISSING_REQD_ARGUMENT", "message": "not SSS_REQUEST_LIMIT_EXCEEDED"}}),
        (400, {"error": "SSS_REQUEST_LIMIT_EXCEEDED"}),
        (400, b"you sent: error code: SSS_REQUEST_LIMIT_EXCEEDED"),
        (400, b"error code: SSS_REQUEST_LIMIT_EXCEEDED_X"),
        (400, b"error code: SSS_REQUEST_LIMIT_EXCEEDED" + b" " * 70_000),
        (200, {"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED"}}),
        (429, {"a": 1}),
    ],
)
def test_what_is_not_netsuites_refusal(status: int, body: Any) -> None:
    assert read({}, status, body) == []


@pytest.mark.parametrize(
    ("reason", "kind", "window"),
    [
        ("global-rate", "window", 1.0),
        ("endpoint-rate", "window", 1.0),
        ("global-concurrency", "concurrency", None),
        ("endpoint-concurrency", "concurrency", None),
        ("resource-specific", "window", None),
    ],
)
def test_stripe(reason: str, kind: str, window: float | None) -> None:
    """docs.stripe.com/rate-limits, April 2026, by a secondary source."""
    (signal,) = read({"Stripe-Rate-Limited-Reason": reason}, 429, {"error": {"type": "invalid_request_error"}})
    assert (signal.name, signal.kind, signal.window, signal.refused, signal.retry_after) == (reason, kind, window, True, None)


def test_stripes_locks_are_no_limits() -> None:
    assert read({"Request-Id": "req_1"}, 429, {"error": {"code": "lock_timeout", "type": "invalid_request_error"}}) == []
    assert read({"Stripe-Rate-Limited-Reason": "global-rate"}) == []
    assert read({"Stripe-Rate-Limited-Reason": "x" * 5_000}, 429) == []


def test_slack_limits_each_method() -> None:
    """docs.slack.dev, "Rate limits"."""
    (signal,) = read({"X-Slack-Req-Id": "1", "Retry-After": "30"}, 429, None, "https://slack.com/api/conversations.history?limit=100")
    assert told(signal) == {"name": "conversations.history", "retry_after": 30, "everybody": True, "refused": True}
    for wait, everybody in (("4.9", False), ("5", True)):
        assert read({"X-Slack-Req-Id": "1", "Retry-After": wait}, 429)[0].everybody is everybody
    assert read({"X-Slack-Req-Id": "1", "Retry-After": "30"}) == []
    assert read({"X-Slack-Req-Id": "1"}, 429, None, "https://[broken/api")[0].name == ""


def test_quickbooks_says_nothing_and_means_a_minute() -> None:
    (signal,) = read({"intuit_tid": "1-abc"}, 429)
    assert told(signal) == {"name": "realm", "window": 60, "retry_after": 60, "everybody": True, "refused": True}
    assert read({"intuit_tid": "1-abc", "Retry-After": "5"}, 429)[0].retry_after == 5
    assert read({"intuit_tid": "1-abc"}) == []


def test_openai() -> None:
    """community.openai.com, "How to get rate limit reset time"; the form "6m0s" is in OpenAI's own guide."""
    headers = {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-limit-tokens": "160000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-remaining-tokens": "100000",
        "x-ratelimit-reset-requests": "12ms",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    requests, tokens = read(headers)
    assert told(requests) == {"name": "requests", "kind": "rate", "limit": 5000, "remaining": 4999, "reset": 0.012, "rate": 1 / 0.012}
    assert told(tokens) == {
        "name": "tokens",
        "kind": "rate",
        "unit": "tokens",
        "limit": 160_000,
        "remaining": 100_000,
        "reset": 360,
        "rate": 60_000 / 360,
    }
    # A bucket with nothing in it has a token again long before it is full.
    headers |= {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}
    requests = read(headers, 429)[0]
    assert (requests.retry_after, requests.everybody, requests.refused) == (60 / 5000, True, True)


def test_azure_does_not_know() -> None:
    """learn.microsoft.com/answers 5625878."""
    assert read({"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "7"})[0].remaining == 7
    assert read({"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"}) == []


def test_anthropic() -> None:
    """The recorded answer in the tests of the R package tidyllm, of August 2025."""
    headers = {
        "anthropic-ratelimit-input-tokens-limit": "80000",
        "anthropic-ratelimit-input-tokens-remaining": "79000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-21T04:00:10Z",
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "999",
        "anthropic-ratelimit-requests-reset": "2026-11-21T03:59:59Z",
    }
    tokens, requests = read(headers)
    assert told(tokens) == {"name": "input-tokens", "kind": "rate", "unit": "tokens", "limit": 80_000, "remaining": 79_000, "reset": 10, "rate": 100}
    assert told(requests) == {"name": "requests", "kind": "rate", "limit": 1000, "remaining": 999, "reset": 0}
