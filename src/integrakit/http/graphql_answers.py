"""What a GraphQL answer says: which error stands in its body, whatever its status. What is asked, and when it is asked again, is not known here.

Codes are looked for where servers put them: ``extensions.code`` (Apollo, Shopify), ``extensions.type`` and ``errorType`` (Linear, DGS), ``type``
(GitHub), and statuses as numbers there or in ``extensions.http.status`` (Apollo). They are compared without their punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrakit.errors import (
    AuthenticationError,
    BadRequest,
    Conflict,
    DecodeError,
    GraphQLError,
    IntegrakitError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ResponseError,
    ServerError,
    Unprocessable,
)
from integrakit.model import Response
from integrakit.runtimes import runtime

__all__ = ["errors_in_answer", "errors_in_refusal"]

#: In the extensions of a request: whether its document is a mutation, so that a part of it may have taken place.
MUTATION = "graphql_mutation"
#: So many errors are looked at for a code, and so many are told of in a message. All of them are in ``errors``.
LOOKED_AT, TOLD_OF = 100, 3
#: Characters of one message of the server's, and of a path.
LONGEST = 500
#: Seconds. A server cannot make us wait for longer by a number in a body: the retry's own limits are far below.
LONGEST_WAIT = 86_400.0
_PUNCTUATION = re.compile(r"[^A-Z0-9]")
_WAITS = ("retryAfter", "retry_after", "retry_in_seconds")


class GraphQLBadRequest(GraphQLError, BadRequest):
    """The document or its variables are wrong."""


class GraphQLAuthenticationError(GraphQLError, AuthenticationError):
    """UNAUTHENTICATED, or 401."""


class GraphQLPermissionDenied(GraphQLError, PermissionDenied):
    """FORBIDDEN, or 403."""


class GraphQLNotFound(GraphQLError, NotFound):
    """NOT_FOUND, or 404."""


class GraphQLConflict(GraphQLError, Conflict):
    """CONFLICT, or 409."""


class GraphQLUnprocessable(GraphQLError, Unprocessable):
    """422"""


class GraphQLRateLimited(GraphQLError, RateLimited):
    """THROTTLED, or 429."""


class GraphQLServerError(GraphQLError, ServerError):
    """INTERNAL_SERVER_ERROR, or 5xx."""


_KINDS: tuple[tuple[type[ResponseError], type[GraphQLError], tuple[int, ...], str], ...] = (
    (
        RateLimited,
        GraphQLRateLimited,
        (429,),
        # COMPLEXITY_BUDGET_EXHAUSTED is monday.com's: the budget of a minute. Too complex a query is another matter: waiting does not help.
        "THROTTLED RATELIMITED RATELIMIT RATELIMITEXCEEDED TOOMANYREQUESTS RESOURCEEXHAUSTED COMPLEXITYBUDGETEXHAUSTED REQUESTTHROTTLED",
    ),
    (AuthenticationError, GraphQLAuthenticationError, (401,), "UNAUTHENTICATED UNAUTHORIZED AUTHENTICATIONERROR AUTHENTICATIONREQUIRED"),
    (PermissionDenied, GraphQLPermissionDenied, (403,), "FORBIDDEN ACCESSDENIED PERMISSIONDENIED INSUFFICIENTSCOPES"),
    (NotFound, GraphQLNotFound, (404,), "NOTFOUND RESOURCENOTFOUND"),
    (Conflict, GraphQLConflict, (409,), "CONFLICT"),
    (Unprocessable, GraphQLUnprocessable, (422,), "UNPROCESSABLE UNPROCESSABLEENTITY"),
    (BadRequest, GraphQLBadRequest, (400,), "BADREQUEST BADUSERINPUT GRAPHQLPARSEFAILED GRAPHQLVALIDATIONFAILED UNDEFINEDFIELD INVALIDINPUT"),
    (
        ServerError,
        GraphQLServerError,
        tuple(range(500, 600)),
        "INTERNALSERVERERROR INTERNALERROR INTERNAL SERVERERROR SERVICEUNAVAILABLE UNAVAILABLE TIMEOUT TIMEDOUT REQUESTTIMEOUT GATEWAYTIMEOUT "
        "BADGATEWAY DOWNSTREAMSERVICEERROR SUBREQUESTHTTPERROR",
    ),
)
#: A query that is too much in itself: no waiting makes it fit.
_TOO_MUCH = frozenset({"MAXCOSTEXCEEDED", "MAXCOMPLEXITY", "MAXCOMPLEXITYEXCEEDED", "QUERYTOOCOMPLEX", "MAXNODELIMITEXCEEDED", "MAXDEPTHEXCEEDED"})


def errors_in_answer(response: Response) -> IntegrakitError | None:
    """The error in an answer of a status below 400, or None where it holds data and nothing else. For ``classify``."""
    try:
        body = response.json()
    except DecodeError as problem:
        return problem
    if not isinstance(body, Mapping):
        more = ": several operations in one request are not asked for here" if isinstance(body, list) else ""
        return DecodeError(f"{response}: the body is a {type(body).__name__} where a GraphQL answer was agreed{more}", response=response)
    if (errors := _errors(body)) is not None:
        return _error(response, body, errors, None)
    if isinstance(body.get("data"), Mapping):
        return None
    what = f"data: {_kind(body['data'])}" if "data" in body else f"{', '.join(map(repr, list(body)[:12])) or 'nothing'}"
    return DecodeError(f"{response}: the body has neither data nor errors, as a GraphQL answer would; it has {what}", path="data", response=response)


def errors_in_refusal(response: Response, error: ResponseError) -> ResponseError:
    """The error of a status of 400 or more, with the GraphQL errors that its body tells of, where it does."""
    try:
        body = response.json()
    except DecodeError:
        return error  # a proxy's own page
    errors = _errors(body) if isinstance(body, Mapping) else None
    return error if errors is None else _error(response, body, errors, error)


def _errors(body: Mapping[str, Any]) -> list[Any] | None:
    errors = body.get("errors")
    if errors is None or errors == []:
        return None
    return errors if isinstance(errors, list) else [errors]


def _error(response: Response, body: Mapping[str, Any], errors: list[Any], refusal: ResponseError | None) -> GraphQLError:
    """``refusal``: the error of the status, which decides where there is one."""
    data = body.get("data")
    kind, hint = GraphQLError, ""
    if refusal is not None:
        kind = next((graphql for plain, graphql, _, _ in _KINDS if type(refusal) is plain), GraphQLError)
    else:
        kinds = [found for found in map(_kind_of, errors[:LOOKED_AT]) if found is not None]
        if GraphQLRateLimited in kinds:
            kind = GraphQLRateLimited
            if response.request.extensions.get(MUTATION) and not _refused_whole(data, errors):
                # Asked again, what went through would take place twice.
                kind, hint = GraphQLError, "; a part of the mutation may have taken place, so it is not sent again"
        elif kinds:
            kind = kinds[0]
    if any(_too_much(error) for error in errors[:LOOKED_AT]):
        hint = "; the query is too much in itself: ask for less at once (a smaller first:, fewer connections inside each other)"
    told = "; ".join(map(_words, errors[:TOLD_OF])) + (f"; and {len(errors) - TOLD_OF} more" if len(errors) > TOLD_OF else "")
    request_id = f", request id {response.request_id}" if response.request_id else ""
    what = "a GraphQL error" if len(errors) == 1 else f"{len(errors)} GraphQL errors"
    wait = None if refusal is None else refusal.retry_after
    if issubclass(kind, RateLimited) and wait is None:
        wait = _wait(response, errors)
    return kind(
        f"{response.request} answered {response.status_code}{request_id} with {what}: {told}{hint}",
        errors=errors,
        data=data,
        response=response,
        request=response.request,
        retry_after=wait,
    )


def _refused_whole(data: Any, errors: list[Any]) -> bool:
    """Whether nothing was executed. An error of a field has a path; one of the whole request has none, and no data beside it."""
    return data is None and not any(isinstance(error, Mapping) and error.get("path") for error in errors)


def _codes(error: Any) -> list[Any]:
    if not isinstance(error, Mapping):
        return []
    found = [error.get("type")]
    extensions = error.get("extensions")
    if isinstance(extensions, Mapping):
        http = extensions.get("http")
        found = [extensions.get("code"), *found, extensions.get("type"), extensions.get("errorType"), extensions.get("classification")]
        found += [http.get("status") if isinstance(http, Mapping) else None, extensions.get("statusCode"), extensions.get("status")]
    return [code for code in found if isinstance(code, str | int) and not isinstance(code, bool) and code != ""]


def _plain(code: Any) -> str:
    return _PUNCTUATION.sub("", str(code)[:100].upper())


def _kind_of(error: Any) -> type[GraphQLError] | None:
    for code in map(_plain, _codes(error)):
        for _, kind, statuses, names in _KINDS:
            if code in names.split() or code in map(str, statuses):
                return kind
    return None


def _too_much(error: Any) -> bool:
    return any(_plain(code) in _TOO_MUCH for code in _codes(error))


def _wait(response: Response, errors: list[Any]) -> float | None:
    """Seconds until the server will have room: as it says itself, by Shopify's bucket, or by GitHub's headers; None where nothing tells."""
    # Imported here, for those who are refused: dialects take as long to import as everything else of GraphQL.
    from integrakit.http.limiting.dialects.bodies import shopify_graphql
    from integrakit.http.limiting.dialects.values import amount
    from integrakit.http.limiting.signals import read_signals

    for error in errors[:LOOKED_AT]:
        extensions = error.get("extensions") if isinstance(error, Mapping) else None
        if isinstance(extensions, Mapping):
            waits = [seconds for name in _WAITS if (seconds := amount(extensions.get(name))) is not None]
            if waits:
                return min(waits[0], LONGEST_WAIT)
    now = runtime().wall()
    # Shopify's is recognised by the path; behind a gateway it may have another.
    signals = [*read_signals(response, now), *shopify_graphql(response, now)]
    return next((signal.retry_after for signal in signals if signal.refused and signal.retry_after is not None), None)


def _words(error: Any) -> str:
    """One error in a line: its message, its code and its place in the answer."""
    if not isinstance(error, Mapping):
        return _cut(error if isinstance(error, str) else _kind(error))
    message = error.get("message")
    text = _cut(message) if isinstance(message, str) and message.strip() else "an error without a message"
    code = next((f" ({_cut(str(code))})" for code in _codes(error)), "")
    path = error.get("path")
    place = (
        f" at data.{_cut('.'.join(map(str, path[:20])))}" if isinstance(path, list) and path and all(isinstance(s, str | int) for s in path) else ""
    )
    return text + code + place


def _cut(text: str) -> str:
    """A text of the server's in one line. It is cut between words: half a secret would not be recognised when secrets are taken out."""
    text = "".join(character if character.isprintable() else " " for character in text[: LONGEST + 1]).strip()
    return text if len(text) <= LONGEST else text.rpartition(" ")[0][:LONGEST] + "…"


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
