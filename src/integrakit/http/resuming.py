"""From a page's request to a checkpoint's token and back: where a read that was cut off goes on, and when it had better not. Pure."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import asdict

from integrakit._http import encode_params
from integrakit.errors import (
    AuthenticationError,
    ConfigurationError,
    GraphQLError,
    IntegrakitError,
    PaginationStalled,
    PermissionDenied,
    RateLimited,
    ResponseError,
    ServerError,
)
from integrakit.http.paginators import CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator
from integrakit.http.read_options import ReadSpec
from integrakit.model import Checkpoint, Request, Stability

__all__ = ["COUNTED", "found_of", "good_for", "is_lost", "mode_of", "recognised_from", "request_from", "token_of", "why_not"]

#: Modes that count rows or pages off: an empty page is an end there like any other, whatever it carries.
COUNTED = ("offset", "page")
#: Where paginators say what they ask by.
_WORDS = ("param", "offset_param", "in_", "field", "template", "clause", "start")
#: What is recognised, and goes on.
_RECOGNISED: tuple[Any, ...] = (HeaderLinkPaginator, JSONLinkPaginator, CursorPaginator)
#: How long an offset is worth resuming at, where nobody says otherwise.
OFFSETS_KEEP = timedelta(minutes=15)
#: Answers of a server that knows a page token no more.
TOKEN_GONE = frozenset({400, 404, 410, 422})


def mode_of(paginator: Any) -> str:
    """How a paginator's tokens go on: what it says itself, or else its class. "" while it is not recognised yet."""
    return "" if paginator is None else str(getattr(paginator, "mode", None) or type(paginator).__name__)


def token_of(request: Request, first: Request) -> dict[str, Any]:
    """The request for a page, JSON-able, without the headers that each read of the collection has."""
    headers = {name: value for name, value in request.headers.items() if first.headers.get(name) != value}
    return {"url": request.url, "params": _plain(request.params), "json": request.json, "headers": headers}


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they can be kept: what is more than text or a number becomes what would be sent."""
    return {
        name: value if value is None or type(value) in (str, int, float, bool) else [text for _, text in encode_params({name: value})]
        for name, value in params.items()
    }


def good_for(lifetime: float | None, stability: Stability) -> timedelta | None:
    """How long a token is worth resuming at; None: there is no end to it."""
    if lifetime is not None:
        return timedelta(seconds=lifetime)
    # Counted-off rows shift: after a while it is better to begin anew than to go on at a number.
    return OFFSETS_KEEP if stability == "offset" else None


def _words_of(paginator: Any) -> str:
    """By what a token means something to the paginator: the same number after another field, or as another parameter, is another place."""
    words = repr([getattr(paginator, name, None) for name in _WORDS])
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def found_of(spec: ReadSpec, paginator: Any, records: Any) -> dict[str, Any]:
    """For a token: in which words it goes on, and what was found out about the collection where nobody said. The last page tells less of it."""
    words = _words_of(paginator)
    paginator, records = paginator if spec.paginator is None else None, records if spec.records is None else None
    kept = {"class": type(paginator).__name__, **asdict(paginator, filter=lambda each, _: each.init)} if type(paginator) in _RECOGNISED else None
    return {name: value for name, value in (("words", words), ("paginator", kept), ("records", records)) if value is not None}


def recognised_from(found: Any) -> tuple[Any, str | None]:
    """The inverse of `found_of`; None for what it cannot have given."""
    found = found if isinstance(found, dict) else {}
    kept, records = found.get("paginator"), found.get("records")
    paginator = None
    if isinstance(kept, dict):
        kind = next((each for each in _RECOGNISED if each.__name__ == kept.get("class")), None)
        with contextlib.suppress(TypeError, ConfigurationError):
            paginator = None if kind is None else kind(**{name: value for name, value in kept.items() if name != "class"})
    return paginator, records if isinstance(records, str) and records and "." not in records else None


def request_from(token: Any, first: Request, own: Callable[[str], bool]) -> Request | None:
    """The request that `token_of` made a token of; None for what is no such token, or leads elsewhere."""
    parts: dict[str, Any] = token if isinstance(token, dict) else {}
    url, params, headers = parts.get("url"), parts.get("params"), parts.get("headers", {})
    if not isinstance(url, str) or not isinstance(params, dict) or not isinstance(headers, dict) or "json" not in parts:
        return None
    if not all(isinstance(text, str) for pair in headers.items() for text in pair) or not (url == first.url or own(url)):
        return None
    try:
        encode_params(params)
    except ConfigurationError:
        return None
    return first.copy(url=url, params=params, json=parts["json"], headers={**first.headers, **headers})


def why_not(since: Checkpoint, paginator: Any, now: datetime) -> str | None:
    """Why a checkpoint's token is not used, in words."""
    mode = mode_of(paginator)
    if since.expires is not None and since.expires <= now:
        return f"the page where the last read stopped was good until {since.expires.isoformat(timespec='seconds')}"
    if since.mode and mode and since.mode != mode:
        return f"the last read went on by {since.mode}, and this one goes on by {mode}"
    found = since.token.get("found") if isinstance(since.token, dict) else None
    if paginator is not None and isinstance(found, dict) and found.get("words", _words_of(paginator)) != _words_of(paginator):
        return f"the last read went on by {mode} in other words (another field or parameter) than this one"
    return None


def is_lost(problem: IntegrakitError) -> bool:
    """Whether this error, at the very first page of a read that goes on, means that the server does not know the page any more."""
    if isinstance(problem, GraphQLError) and problem.status_code == 200:
        # Of a cursor that it does not know, each server speaks in its own words; what speaks of the moment or of credentials is no such word.
        return not isinstance(problem, AuthenticationError | PermissionDenied | RateLimited | ServerError)
    return isinstance(problem, PaginationStalled) or (isinstance(problem, ResponseError) and problem.status_code in TOKEN_GONE)
