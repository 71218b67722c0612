"""From an answer to its verdict: which error a response is, in words that help and without secrets. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, quote_plus

from integrakit.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    Conflict,
    IntegrakitError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ResponseError,
    ServerError,
    Unprocessable,
)
from integrakit.http.retry_after import parse_retry_after
from integrakit.model import Response

__all__ = ["Classify", "error_of", "judge", "redact"]

#: What a user's ``classify`` is: a response that looks like a success → the error that it really is, or None.
Classify = Callable[[Response], Exception | None]

_PERCENT = re.compile("%[0-9A-F]{2}")
_ESCAPED = re.compile(r"\\u[0-9a-f]{4}")

_BY_STATUS: tuple[tuple[int, type[ResponseError]], ...] = (
    (400, BadRequest),
    (401, AuthenticationError),
    (403, PermissionDenied),
    (404, NotFound),
    (409, Conflict),
    (422, Unprocessable),
    (429, RateLimited),
)


def error_of(status: int) -> type[ResponseError]:
    """The class for a status of 400 or more."""
    return dict(_BY_STATUS).get(status, ServerError if status >= 500 else ResponseError)


def _ways(secret: str) -> set[str]:
    """How a text is written in URLs, JSON, HTML and reprs."""
    in_url = {quote(secret, errors="replace"), quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")}
    in_url |= {_PERCENT.sub(lambda found: found[0].lower(), way) for way in in_url}
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    in_json |= {_ESCAPED.sub(lambda found: found[0][:2] + found[0][2:].upper(), way) for way in in_json}
    in_json |= {way.replace("/", "\\/") for way in in_json}
    in_html = html.escape(secret)
    return {secret, *in_url, *in_json, in_html, in_html.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"), repr(secret)[1:-1]}


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret value replaced, in whatever way it is written, once or twice over: servers echo what they were sent."""
    written = {again for secret in secrets if secret for way in _ways(secret) for again in _ways(way)}
    found = []
    for way in written:
        start = text.find(way)
        while start >= 0:
            found.append((start, start + len(way)))
            start = text.find(way, start + 1)
    # All are found before any is replaced: where two overlap, neither may leave a piece behind.
    shown, end = [], 0
    for start, stop in sorted(found):
        if start >= end:
            shown += [text[end:start], "***"]
        end = max(end, stop)
    return "".join(shown) + text[end:]


def judge(response: Response, classify: Classify | None, hide: Callable[[str], str], now: datetime) -> IntegrakitError | None:
    """The error that this response stands for, or None for a success. Nothing is raised but what ``classify`` raises."""
    if response.raw.status_code < 400:
        found = None if classify is None else classify(response)
        if found is None:
            return None
        if not isinstance(found, IntegrakitError):
            raise ConfigurationError(f"classify returns one of integrakit's errors or None, not a {type(found).__name__}")
        if isinstance(found, ResponseError):
            found.response = found.response or response
            found.request = found.request or response.request
            if found.retry_after is None:
                found.retry_after = parse_retry_after(response.headers.get("retry-after"), now)
        # Its words are likely to be the server's own.
        found.args = tuple(hide(arg) if isinstance(arg, str) else arg for arg in found.args)
        return found
    status = response.status_code
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "no standard status"
    request_id = f", request id {response.request_id}" if response.request_id else ""
    body = response.excerpt().strip()
    retry_after = parse_retry_after(response.headers.get("retry-after"), now)
    return error_of(status)(
        hide(f"{response.request} answered {status} {phrase}{request_id}") + (f": {body}" if body else ", with an empty body"),
        response=response,
        request=response.request,
        retry_after=retry_after,
    )
