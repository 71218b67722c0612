"""Reaching a system over HTTP: the client, its policies, its paginators."""

from integrakit.http.auth import ApiKey, BasicAuth, BearerToken
from integrakit.http.client import CallOptions, Client
from integrakit.http.idempotency import IdempotencyKey
from integrakit.http.paginators import (
    CursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    KeysetPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from integrakit.http.rate_limit import RateLimit, Reservation
from integrakit.http.reader import HttpReader, ReadSpec
from integrakit.http.retry import Retry
from integrakit.http.stack import PerAttempt
from integrakit.http.stream import Stream
from integrakit.iterating import Pages, Read
from integrakit.model import Request, Response, Timeout

__all__ = [
    "ApiKey",
    "BasicAuth",
    "BearerToken",
    "CallOptions",
    "Client",
    "CursorPaginator",
    "HeaderLinkPaginator",
    "HttpReader",
    "IdempotencyKey",
    "JSONLinkPaginator",
    "KeysetPaginator",
    "OffsetPaginator",
    "PageNumberPaginator",
    "Pages",
    "PerAttempt",
    "RateLimit",
    "Read",
    "ReadSpec",
    "Request",
    "Reservation",
    "Response",
    "Retry",
    "SinglePagePaginator",
    "Stream",
    "Timeout",
]
