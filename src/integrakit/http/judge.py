"""From an answer to its verdict: which error a response is, in words that help and without secrets. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

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
from integrakit.http.retry_after import read_retry_after
from integrakit.model import Response
from integrakit.secrets.redaction import redact

__all__ = ["Classify", "error_of", "judge", "redact"]

#: What a user's ``classify`` is: a response that looks like a success → the error that it really is, or None.
Classify = Callable[[Response], Exception | None]

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
                found.retry_after = read_retry_after(response.headers, now)
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
    retry_after = read_retry_after(response.headers, now)
    return error_of(status)(
        hide(f"{response.request} answered {status} {phrase}{request_id}") + (f": {body}" if body else ", with an empty body"),
        response=response,
        request=response.request,
        retry_after=retry_after,
    )
