"""Vendors of whose limits something stands in the body: GitHub, Shopify GraphQL, Salesforce, HubSpot, NetSuite. Small JSON bodies only, and pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve

from integrakit.http.limiting.dialects.telling import DAY, LONGEST_REFUSAL, at, body_of, patience, quota
from integrakit.http.limiting.dialects.values import amount, bounded, number, reset_in
from integrakit.http.limiting.quota_signal import Kind, QuotaSignal
from integrakit.model import Response

__all__ = ["github", "hubspot", "netsuite", "salesforce", "shopify_graphql"]

#: "Otherwise, wait for at least one minute before retrying" (docs.github.com, "Rate limits for the REST API", 2026-11).
GITHUB_AT_LEAST = 60.0
#: How long GitHub's windows are, where it says so (docs.github.com, "REST API endpoints for rate limits", 2026-11).
_GITHUB_WINDOWS = {"core": 3_600.0, "graphql": 3_600.0, "search": 60.0, "code_search": 60.0}
_GITHUB_LIMITED = re.compile(r"rate.?limit|abuse detection", re.IGNORECASE)
#: Bytes of a GraphQL answer that are worth decoding for its cost; the caller decodes it in any case, and once.
LONGEST_ANSWER = 4 * 1_048_576
_SALESFORCE_USAGE = re.compile(r"\s*([a-z-]{1,40})\s*=\s*([0-9]{1,12})\s*/\s*([0-9]{1,12})\s*(?:\([^()]{0,200}\))?\s*")
_NETSUITE = "SSS_REQUEST_LIMIT_EXCEEDED"
_NETSUITE_TEXT = re.compile(rb"\s*error code:\s*([A-Z_]{1,60})\b")


def github(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``X-RateLimit-*`` in epoch seconds, and secondary limits: a 403 or 429, perhaps with Retry-After, whatever is remaining.

    The order is GitHub's own: Retry-After; else nothing remaining: until the reset; else a minute or more, growing with each refusal.
    """
    headers, status = response.headers, response.status_code
    limit, left = number(headers.get("x-ratelimit-limit")), number(headers.get("x-ratelimit-remaining"))
    end = reset_in(headers.get("x-ratelimit-reset"), headers, now, "epoch")
    resource = headers.get("x-ratelimit-resource", "")
    used_up = left is not None and left < 1
    told = patience(response, now) if status in (403, 429) else None
    refused = status == 429 or (status == 403 and (told is not None or used_up or _speaks_of_limits(response))) or _graphql_refused(response)
    signals = []
    if limit is not None or left is not None:
        window = _GITHUB_WINDOWS.get(resource)
        primary = quota("github", response, now, name=resource, limit=limit, remaining=left, reset=end, window=window, refused=refused and used_up)
        # A Retry-After is of the secondary limit; what is left of the primary one is not changed by it.
        signals.append(primary if told is None else evolve(primary, retry_after=end if used_up else None, refused=False))
    if refused and (told is not None or not used_up):
        signals.append(QuotaSignal(dialect="github", name="secondary", retry_after=_or(told, GITHUB_AT_LEAST), everybody=True, refused=True))
    return signals


def _or(told: float | None, otherwise: float) -> float:
    return otherwise if told is None else told


def _speaks_of_limits(response: Response) -> bool:
    body = body_of(response)
    said = [at(body, "message"), at(body, "documentation_url")]
    return any(isinstance(text, str) and _GITHUB_LIMITED.search(text[:1_000]) is not None for text in said)


def _graphql_refused(response: Response) -> bool:
    """GitHub's GraphQL API refuses in a 200: ``errors[].type`` is RATE_LIMITED."""
    if response.status_code != 200 or "/graphql" not in response.request.url:
        return False
    return any(at(error, "type") in ("RATE_LIMITED", "RATE_LIMIT") for error in _list(at(body_of(response, LONGEST_ANSWER), "errors")))


def _list(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else []


def shopify_graphql(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``extensions.cost`` of an answer: the bucket, and what the query cost; THROTTLED in an answer of status 200 is a refusal.

    (shopify.dev, "API limits", 2026-11: the bucket is charged with ``requestedQueryCost``, the difference to ``actualQueryCost`` given back.)
    """
    body = body_of(response, LONGEST_ANSWER)
    cost = at(body, "extensions", "cost")
    errors = _list(at(body, "errors"))
    refused = any(at(error, "extensions", "code") == "THROTTLED" for error in errors)
    if not isinstance(cost, dict) and not refused:
        return ()
    requested, charged = amount(at(cost, "requestedQueryCost")), amount(at(cost, "actualQueryCost"))
    limit, left, rate = (amount(at(cost, "throttleStatus", name)) for name in ("maximumAvailable", "currentlyAvailable", "restoreRate"))
    signal = quota(
        "shopify-graphql",
        response,
        now,
        kind="rate",
        unit="points",
        refused=refused,
        limit=limit,
        remaining=left,
        rate=rate,
        reset=bounded(max(0.0, limit - left) / rate) if limit is not None and left is not None and rate else None,
        charged=charged,
        requested=requested,
    )
    if refused and left is not None and rate:
        # Until the bucket holds what the query is charged with; of a query of unknown cost, one second's worth.
        missing = rate if requested is None else (requested if limit is None else min(requested, limit)) - left
        signal = evolve(signal, retry_after=bounded(missing / rate))
    return (signal,)


def salesforce(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``Sforce-Limit-Info: api-usage=10018/100000`` of the org and 24 rolling hours, a little late; and the refusals REQUEST_LIMIT_EXCEEDED in a 403.

    (developer.salesforce.com, REST API "Limit Info Header" and "Status Codes and Error Responses", v67.0, 2026-11.)
    """
    signals = []
    refusals = {"api-usage": False, "concurrent": False}
    if response.status_code in (403, 503):
        for error in _list(body_of(response)):
            if at(error, "errorCode") == "REQUEST_LIMIT_EXCEEDED":
                # "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", or "TotalRequests Limit exceeded."
                refusals["concurrent" if str(at(error, "message")).startswith("Concurrent") else "api-usage"] = True
    usage = response.headers.get("sforce-limit-info", "")
    for part in usage.replace(",", ";").split(";")[:10] if len(usage) <= 1_000 else ():
        told = _SALESFORCE_USAGE.fullmatch(part)
        if told is not None:
            name, used, limit = told[1], float(told[2]), float(told[3])
            left = max(0.0, limit - used)
            # Calls beyond the number are still answered for a while: what stops them is a refusal, not a count.
            signal = quota("salesforce", response, now, name=name, limit=limit, remaining=left, window=DAY, refused=False)
            signals.append(evolve(signal, everybody=False))
    if refusals["api-usage"]:
        first = next((signal for signal in signals if signal.name == "api-usage"), QuotaSignal(dialect="salesforce", name="api-usage", kind="budget"))
        rest = [signal for signal in signals if signal is not first]
        signals = [evolve(first, refused=True, everybody=True, window=DAY, retry_after=patience(response, now)), *rest]
    if refusals["concurrent"]:
        signals.append(QuotaSignal(dialect="salesforce", name="concurrent", kind="concurrency", refused=True, retry_after=patience(response, now)))
    return signals


def hubspot(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``X-HubSpot-RateLimit-Max``, ``-Remaining`` and ``-Interval-Milliseconds``; ``-Daily`` and ``-Daily-Remaining``, but not for OAuth.

    (developers.hubspot.com, "API usage guidelines" and changelog, 2026-11. Where ``-Max`` is sent, the older ``-Secondly`` is not looked at.)
    """
    headers = response.headers

    def told(name: str) -> float | None:
        return number(headers.get(f"x-hubspot-ratelimit-{name}"))

    milliseconds = told("interval-milliseconds")
    rows: list[tuple[str, float | None, float | None, float | None]] = [
        ("interval", told("max"), told("remaining"), None if milliseconds is None else bounded(milliseconds / 1000)),
        ("daily", told("daily"), told("daily-remaining"), DAY),
    ]
    if rows[0][1] is None and rows[0][2] is None:
        rows[0] = ("secondly", told("secondly"), told("secondly-remaining"), 1.0)
    policy = at(body_of(response), "policyName") if response.status_code == 429 else None
    refused_by = ("daily" if policy == "DAILY" else rows[0][0]) if isinstance(policy, str) else None
    signals = []
    for name, limit, left, window in rows:
        if limit is not None or left is not None or name == refused_by:
            refused = None if refused_by is None else name == refused_by
            signal = quota("hubspot", response, now, name=name, limit=limit, remaining=left, window=window, refused=refused)
            # The daily one ends at midnight of the account's own time zone, which nobody tells.
            signals.append(evolve(signal, everybody=True) if refused and name == "daily" else signal)
    return signals


def netsuite(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """Too many requests at once for an account: 429, and from RESTlets 400 with SSS_REQUEST_LIMIT_EXCEEDED.

    (Oracle, "Web Services and RESTlet Concurrency Governance", 2026-11.)
    """
    told = response.status_code in (400, 429) and _NETSUITE in _netsuite_codes(response)
    if not told and not (response.status_code == 429 and _host(response).endswith(".netsuite.com")):
        return ()
    kind: Kind = "concurrency"
    return (QuotaSignal(dialect="netsuite", name="account", kind=kind, refused=True, retry_after=patience(response, now)),)


def _host(response: Response) -> str:
    try:
        return urlsplit(response.request.url).hostname or ""
    except ValueError:
        return ""


def _netsuite_codes(response: Response) -> set[str]:
    content = response.content
    if len(content) > LONGEST_REFUSAL or _NETSUITE.encode() not in content:
        return set()
    # RESTlets answer in the type they were asked for: {"error": {"code": …}} or "error code: …"; REST web services in o:errorDetails.
    plain = _NETSUITE_TEXT.match(content)
    if plain is not None:
        return {plain[1].decode()}
    body = body_of(response)
    codes = [at(body, "error", "code"), at(body, "o:errorCode"), *(at(detail, "o:errorCode") for detail in _list(at(body, "o:errorDetails")))]
    return {code for code in codes if isinstance(code, str)}
