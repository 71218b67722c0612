"""Reaching a system over HTTP: the client, its policies, its paginators.

Nothing is loaded before it is asked for (PEP 562): most clients need few of these, and all of them take as long to import as httpx.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from integrakit._lazy import handing_on as _handing_on

if TYPE_CHECKING:
    from integrakit.http.auth import ApiKey, BasicAuth, BearerToken
    from integrakit.http.call_options import CallOptions
    from integrakit.http.circuit_breaker import CircuitBreaker
    from integrakit.http.client import Client
    from integrakit.http.concurrency import ConcurrencyLimit
    from integrakit.http.downloads import Download
    from integrakit.http.hedging import Hedge, percentile
    from integrakit.http.idempotency import IdempotencyKey
    from integrakit.http.limiting.forecast import Forecast
    from integrakit.http.limiting.quota_signal import QuotaSignal
    from integrakit.http.limiting.quotas import Quota
    from integrakit.http.notices import ApiVersion
    from integrakit.http.oauth import OAuth2ClientCredentials, OAuth2JWTBearer, OAuth2RefreshToken
    from integrakit.http.paginators import (
        CursorPaginator,
        HeaderLinkPaginator,
        JSONLinkPaginator,
        KeysetPaginator,
        NestedConnection,
        OffsetPaginator,
        PageNumberPaginator,
        RelayPaginator,
        SinglePagePaginator,
    )
    from integrakit.http.rate_limit import RateLimit, Reservation
    from integrakit.http.read_options import ReadOptions, ReadSpec
    from integrakit.http.reader import HttpReader
    from integrakit.http.retry import Retry
    from integrakit.http.retry_budget import RetryBudget
    from integrakit.http.signing import AWSCredentials, AWSSigV4, OAuth1
    from integrakit.http.stack import PerAttempt
    from integrakit.http.stalling import StallGuard
    from integrakit.http.stream import Stream
    from integrakit.http.transport import Transport
    from integrakit.iterating import Pages, Read
    from integrakit.model import Request, Response, Timeout

__all__ = [
    "AWSCredentials",
    "AWSSigV4",
    "ApiKey",
    "ApiVersion",
    "BasicAuth",
    "BearerToken",
    "CallOptions",
    "CircuitBreaker",
    "Client",
    "ConcurrencyLimit",
    "CursorPaginator",
    "Download",
    "Forecast",
    "HeaderLinkPaginator",
    "Hedge",
    "HttpReader",
    "IdempotencyKey",
    "JSONLinkPaginator",
    "KeysetPaginator",
    "NestedConnection",
    "OAuth1",
    "OAuth2ClientCredentials",
    "OAuth2JWTBearer",
    "OAuth2RefreshToken",
    "OffsetPaginator",
    "PageNumberPaginator",
    "Pages",
    "PerAttempt",
    "Quota",
    "QuotaSignal",
    "RateLimit",
    "Read",
    "ReadOptions",
    "ReadSpec",
    "RelayPaginator",
    "Request",
    "Reservation",
    "Response",
    "Retry",
    "RetryBudget",
    "SinglePagePaginator",
    "StallGuard",
    "Stream",
    "Timeout",
    "Transport",
    "percentile",
]

#: The module of each name.
_HOMES = MappingProxyType(
    {
        "AWSCredentials": "integrakit.http.signing",
        "AWSSigV4": "integrakit.http.signing",
        "ApiKey": "integrakit.http.auth",
        "ApiVersion": "integrakit.http.notices",
        "BasicAuth": "integrakit.http.auth",
        "BearerToken": "integrakit.http.auth",
        "CallOptions": "integrakit.http.call_options",
        "CircuitBreaker": "integrakit.http.circuit_breaker",
        "Client": "integrakit.http.client",
        "ConcurrencyLimit": "integrakit.http.concurrency",
        "CursorPaginator": "integrakit.http.paginators",
        "Download": "integrakit.http.downloads",
        "Forecast": "integrakit.http.limiting.forecast",
        "HeaderLinkPaginator": "integrakit.http.paginators",
        "Hedge": "integrakit.http.hedging",
        "HttpReader": "integrakit.http.reader",
        "IdempotencyKey": "integrakit.http.idempotency",
        "JSONLinkPaginator": "integrakit.http.paginators",
        "KeysetPaginator": "integrakit.http.paginators",
        "NestedConnection": "integrakit.http.paginators",
        "OAuth1": "integrakit.http.signing",
        "OAuth2ClientCredentials": "integrakit.http.oauth",
        "OAuth2JWTBearer": "integrakit.http.oauth",
        "OAuth2RefreshToken": "integrakit.http.oauth",
        "OffsetPaginator": "integrakit.http.paginators",
        "PageNumberPaginator": "integrakit.http.paginators",
        "Pages": "integrakit.iterating",
        "PerAttempt": "integrakit.http.stack",
        "Quota": "integrakit.http.limiting.quotas",
        "QuotaSignal": "integrakit.http.limiting.quota_signal",
        "RateLimit": "integrakit.http.rate_limit",
        "Read": "integrakit.iterating",
        "ReadOptions": "integrakit.http.read_options",
        "ReadSpec": "integrakit.http.read_options",
        "RelayPaginator": "integrakit.http.paginators",
        "Request": "integrakit.model",
        "Reservation": "integrakit.http.rate_limit",
        "Response": "integrakit.model",
        "Retry": "integrakit.http.retry",
        "RetryBudget": "integrakit.http.retry_budget",
        "SinglePagePaginator": "integrakit.http.paginators",
        "StallGuard": "integrakit.http.stalling",
        "Stream": "integrakit.http.stream",
        "Timeout": "integrakit.model",
        "Transport": "integrakit.http.transport",
        "percentile": "integrakit.http.hedging",
    }
)

if not TYPE_CHECKING:
    __getattr__, __dir__ = _handing_on(__name__, _HOMES, __all__)
