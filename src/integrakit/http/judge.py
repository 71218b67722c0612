"""From an answer to its verdict: which error a response is, in words that help and without secrets. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from integrakit.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    Conflict,
    GraphQLError,
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

__all__ = ["CLASSIFY", "EXPLAIN", "Classify", "error_of", "judge", "redact"]

#: Names in the extensions of a request: a `Classify` of its own, asked after the client's; and a function of a response of status 400 or more and of
#: its error that gives one of the same kind which says more.
CLASSIFY, EXPLAIN = "classify", "explain"
#: Lists and objects inside of each other that the words of an error are looked for in.
DEEPEST = 20

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
        if found is None and (own := response.request.extensions.get(CLASSIFY)) is not None:
            found = own(response)
        if found is None:
            return None
        if not isinstance(found, IntegrakitError):
            raise ConfigurationError(f"classify returns one of integrakit's errors or None, not a {type(found).__name__}")
        if isinstance(found, ResponseError):
            found.response = found.response or response
            found.request = found.request or response.request
            if found.retry_after is None:
                found.retry_after = read_retry_after(response.headers, now)
        return _hidden(found, hide)
    status = response.status_code
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "no standard status"
    request_id = f", request id {response.request_id}" if response.request_id else ""
    body = response.excerpt().strip()
    retry_after = read_retry_after(response.headers, now)
    error = error_of(status)(
        hide(f"{response.request} answered {status} {phrase}{request_id}") + (f": {body}" if body else ", with an empty body"),
        response=response,
        request=response.request,
        retry_after=retry_after,
    )
    explain = response.request.extensions.get(EXPLAIN)
    return error if explain is None else _hidden(explain(response, error), hide)


def _hidden(error: IntegrakitError, hide: Callable[[str], str]) -> IntegrakitError:
    """The error without secrets. Its words are likely to be the server's own."""
    error.args = tuple(hide(arg) if isinstance(arg, str) else arg for arg in error.args)
    if isinstance(error, GraphQLError):
        error.errors = _without(error.errors, hide, DEEPEST)
    return error


def _without(value: Any, hide: Callable[[str], str], deep: int) -> Any:
    """A decoded body with all of its texts hidden; what is nested deeper than anybody writes is left out."""
    if isinstance(value, str):
        return hide(value)
    if not isinstance(value, dict | list):
        return value
    if not deep:
        return "…"
    if isinstance(value, list):
        return [_without(item, hide, deep - 1) for item in value]
    return {hide(name): _without(item, hide, deep - 1) for name, item in value.items()}
