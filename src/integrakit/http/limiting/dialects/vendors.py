"""What single vendors tell in headers of their own. Each function names where the format comes from, and when it was looked up. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from integrakit.http.limiting.dialects.generic import MOST
from integrakit.http.limiting.dialects.telling import EVERYBODY_WAITS_FROM, patience, quota
from integrakit.http.limiting.dialects.values import bounded, number, reset_in
from integrakit.http.limiting.quota_signal import QuotaSignal
from integrakit.model import Response

__all__ = ["amazon", "anthropic", "openai", "quickbooks", "shopify", "slack", "stripe", "zendesk"]

_USED_OF = re.compile(r"\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*")
#: Shopify's buckets of 40, 80, 400 and 800 leak 2, 4, 20 and 40 a second: all of them are empty after 20 s.
_SHOPIFY_EMPTY_AFTER = 20.0
_OPENAI = re.compile(r"x-ratelimit-(?:limit|remaining|reset)-([a-z0-9_-]*(?:requests|tokens)[a-z0-9_-]*)")
_ANTHROPIC = re.compile(r"anthropic-ratelimit-([a-z0-9-]+)-(?:limit|remaining|reset)")
_ZENDESK_PREFIX = "zendesk-ratelimit-"


def shopify(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``X-Shopify-Shop-Api-Call-Limit: 32/40``: **used** / size of a leaky bucket (shopify.dev, "REST Admin API rate limits", 2026-11)."""
    told = _USED_OF.fullmatch(response.headers.get("x-shopify-shop-api-call-limit", ""))
    if told is None or not float(told[2]):
        return ()
    used, size = float(told[1]), float(told[2])
    rate = size / _SHOPIFY_EMPTY_AFTER
    left = max(0.0, size - used)
    return (quota("shopify", response, now, kind="rate", limit=size, remaining=left, rate=rate, reset=bounded(used / rate)),)


def amazon(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``x-amzn-RateLimit-Limit: 0.5``: what a token bucket gains per second; neither its size nor its level (SP-API "Usage Plans", 2026-11)."""
    rate = number(response.headers.get("x-amzn-ratelimit-limit"))
    if not rate:
        return ()
    refused = response.status_code == 429
    wait = patience(response, now) if refused else None
    wait = bounded(1 / rate) if wait is None else wait
    return (QuotaSignal(dialect="amazon", kind="rate", rate=rate, refused=refused, retry_after=wait if refused else None),)


def zendesk(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``X-Rate-Limit`` and ``-Remaining`` of the account and minute; ``Zendesk-RateLimit-…: total=100; remaining=99; resets=41`` of one endpoint.

    (developer.zendesk.com, "Rate limits" and "Best practices for avoiding rate limiting", 2026-11.)
    """
    headers = response.headers
    signals = []
    limit, left = number(headers.get("x-rate-limit")), number(headers.get("x-rate-limit-remaining"))
    end = reset_in(headers.get("ratelimit-reset"), headers, now, "delta")  # only the Ticketing APIs send it
    if limit is not None or left is not None:
        signals.append(quota("zendesk", response, now, name="account", limit=limit, remaining=left, reset=end, window=60.0))
    for name in _names(headers, re.compile(rf"{_ZENDESK_PREFIX}(.+)")):
        told = _pairs(headers.get(_ZENDESK_PREFIX + name, ""))
        limit, left, end = number(told.get("total")), number(told.get("remaining")), reset_in(told.get("resets"), headers, now, "delta")
        if limit is not None or left is not None:
            signals.append(quota("zendesk", response, now, name=name, limit=limit, remaining=left, reset=end))
    return signals


def openai(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``X-RateLimit-{Limit,Remaining,Reset}-{Requests,Tokens}``; Reset is how long until the bucket is full: "6m0s" (OpenAI, 2026-11)."""
    names = _names(response.headers, _OPENAI)
    return _buckets("openai", response, now, {name: f"x-ratelimit-{{}}-{name}" for name in names})


def anthropic(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``Anthropic-RateLimit-{Requests,Input-Tokens,Output-Tokens …}-{Limit,Remaining,Reset}``; Reset is a date (Anthropic "Rate limits", 2026-11)."""
    names = _names(response.headers, _ANTHROPIC)
    return _buckets("anthropic", response, now, {name: f"anthropic-ratelimit-{name}-{{}}" for name in names})


def _buckets(dialect: str, response: Response, now: datetime, headers: Mapping[str, str]) -> list[QuotaSignal]:
    signals = []
    for name, header in headers.items():
        limit, left = (number(response.headers.get(header.format(what))) for what in ("limit", "remaining"))
        end = reset_in(response.headers.get(header.format("reset")), response.headers, now)
        if limit is None and left is None:
            continue  # Azure sends -1 where it does not know, and a reset of 0 with it
        # What is missing comes back until the reset, evenly: so the rate is told, if not in so many words.
        rate = (limit - left) / end if limit and left is not None and limit > left and end else None
        unit = "tokens" if "tokens" in name else "requests"
        signals.append(quota(dialect, response, now, name=name, kind="rate", unit=unit, limit=limit, remaining=left, reset=end, rate=rate))
    return signals


def stripe(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``Stripe-Rate-Limited-Reason`` of a 429: which limiter refused (Stripe "Rate limits", 2026-04). Without it, it may be a lock, not a limit."""
    reason = response.headers.get("stripe-rate-limited-reason", "").strip().lower()
    if response.status_code != 429 or not reason or len(reason) > 64:
        return ()
    window = 1.0 if reason.endswith("-rate") else None  # "global-rate" and "endpoint-rate" are per second
    kind: Any = "concurrency" if reason.endswith("-concurrency") else "window"
    # Stripe sends no Retry-After here; should it begin to, it counts.
    return (QuotaSignal(dialect="stripe", name=reason, kind=kind, window=window, refused=True, retry_after=patience(response, now)),)


def slack(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """A 429's ``Retry-After``, which is of one method in one workspace: the method is the name (docs.slack.dev, "Rate limits", 2026-11)."""
    if response.status_code != 429:
        return ()
    wait = patience(response, now)
    method = _path(response).rstrip("/").rpartition("/")[2]
    return (QuotaSignal(dialect="slack", name=method, retry_after=wait, everybody=(wait or 0.0) >= EVERYBODY_WAITS_FROM, refused=True),)


def quickbooks(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """A 429 of QuickBooks Online (it has ``intuit_tid``) says nothing more: "wait 60 seconds", for the whole company file (Intuit, 2026-11)."""
    if response.status_code != 429:
        return ()
    wait = patience(response, now)
    wait = 60.0 if wait is None else wait
    return (QuotaSignal(dialect="quickbooks", name="realm", window=60.0, retry_after=wait, everybody=True, refused=True),)


def _path(response: Response) -> str:
    try:
        return urlsplit(response.request.url).path
    except ValueError:
        return ""


def _names(headers: Mapping[str, str], pattern: re.Pattern[str]) -> list[str]:
    """What the pattern's group finds in the names of the headers, in small letters, each once."""
    found = (pattern.fullmatch(name.lower()) for name in headers)
    return list(dict.fromkeys(match[1] for match in found if match is not None))[:MOST]


def _pairs(text: str) -> dict[str, str]:
    """``total=100; remaining=99``"""
    if len(text) > 200:
        return {}
    return {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";"))}
