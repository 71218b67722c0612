"""One HTTP exchange as values: what is sent and what came back, with no type of an HTTP library in a signature.

A `Request` is what policies and paginators see and change; a `Response` is what callers get. Neither does any I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from attrs import Factory, define, evolve, field

from integrakit._json import loads
from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError

__all__ = ["Request", "Response", "Timeout", "mask_url", "origin"]

_SECRET_NAME = re.compile(r"token|secret|passw|api_?-?key|access_?-?key|signature|auth|credential|session", re.IGNORECASE)
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-trace-id")
_EXCERPT = 300


def mask_url(url: str) -> str:
    """The URL as it may be shown: no user info, and ``***`` for query values whose names look like secrets."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = parts.query
    if query and _SECRET_NAME.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(name, "***" if _SECRET_NAME.search(name) else value) for name, value in pairs], safe="*")
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what credentials belong to."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme)


def _positive(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf")):
        raise ConfigurationError(f"Timeout({attribute.name}=…) takes seconds above 0, or None for no limit, not {value!r}")


@define(frozen=True, kw_only=True)
class Timeout:
    """Limits of one attempt in seconds, None for none. ``attempt`` ends the whole attempt by the clock, body included, however it drips."""

    connect: float | None = field(default=10.0, validator=_positive)
    read: float | None = field(default=30.0, validator=_positive)
    write: float | None = field(default=30.0, validator=_positive)
    pool: float | None = field(default=30.0, validator=_positive)
    attempt: float | None = field(default=30.0, validator=_positive)


@define(kw_only=True, eq=False)
class Request:
    """One request on its way out. Policies and paginators change a `copy`, never the one they were given."""

    method: str
    #: Absolute. A query that stands in it is kept; ``params`` are added to it.
    url: str
    params: dict[str, Any] = Factory(dict)
    headers: dict[str, str] = Factory(dict)
    #: At most one of ``json``, ``data`` (form fields; with ``files``: multipart) and ``content`` (bytes or text).
    json: Any = None
    data: Mapping[str, Any] | None = None
    files: Any = None
    content: bytes | str | None = None
    timeout: Timeout = Factory(Timeout)
    #: The moment, by the runtime's ``now()``, after which nothing of this call may go on.
    deadline: float | None = None
    #: What this request costs in the rate limit's unit.
    cost: int = 1
    idempotency_key: str | None = None
    #: Which attempt this is, counted from 1.
    attempt: int = 1
    #: Notes that policies leave for each other.
    extensions: dict[str, Any] = Factory(dict)

    def copy(self, **changes: Any) -> Request:
        """A copy with its own ``params``, ``headers`` and ``extensions``, and with ``changes``."""
        for name in ("params", "headers", "extensions"):
            changes.setdefault(name, dict(getattr(self, name)))
        return evolve(self, **changes)

    def __str__(self) -> str:
        return f"{self.method} {mask_url(self.url)}"

    def __repr__(self) -> str:
        names = f" params={sorted(self.params)}" if self.params else ""
        return f"<Request {self}{names}>"


class Response:
    """What came back. ``raw`` is the HTTP library's own response, for what is not here."""

    __slots__ = ("_decimals", "_json", "attempts", "error", "raw", "request")

    def __init__(self, raw: Any, request: Request, *, attempts: int = 1, decimals: bool = False) -> None:
        self.raw = raw
        self.request = request
        #: What this answer will be raised as, or None for a success: the status, or what ``classify`` found in the body.
        self.error: IntegrakitError | None = None
        #: How many times the request was sent until this came back.
        self.attempts = attempts
        self._decimals = decimals
        self._json: Any = loads  # a marker that no decoded body can be

    @property
    def status_code(self) -> int:
        return int(self.raw.status_code)

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive."""
        headers: Mapping[str, str] = self.raw.headers
        return headers

    @property
    def content(self) -> bytes:
        content: bytes = self.raw.content
        return content

    @property
    def text(self) -> str:
        return str(self.raw.text)

    @property
    def url(self) -> str:
        """Where the answer came from, after redirects."""
        return str(self.raw.url)

    @property
    def links(self) -> Mapping[str, str]:
        """The ``Link`` header (RFC 8288) as relation → URL, as the server wrote it."""
        return {relation: link["url"] for relation, link in self.raw.links.items() if "url" in link}

    @property
    def request_id(self) -> str | None:
        for name in _REQUEST_ID_HEADERS:
            if value := self.headers.get(name):
                return value
        return None

    @property
    def is_error(self) -> bool:
        return self.status_code >= 400

    def json(self) -> Any:
        """The decoded body; raises `DecodeError` when it is not JSON. With ``decimals=True`` on the client, fractions are exact Decimals."""
        if self._json is loads:
            try:
                self._json = loads(self.content, decimals=self._decimals)
            except ValueError as problem:
                kind = self.headers.get("content-type", "no content type")
                raise DecodeError(
                    f"{self.request} answered {self.status_code} with a body that is not JSON ({kind}, "
                    f"{len(self.content)} bytes: {problem}): {self.excerpt()!r}",
                    response=self,
                ) from problem
        return self._json

    def fresh(self) -> Response:
        """The same answer, its body not decoded yet."""
        return Response(self.raw, self.request, attempts=self.attempts, decimals=self._decimals)

    def excerpt(self) -> str:
        """The first characters of the body, for messages."""
        text = self.content[: _EXCERPT * 4].decode("utf-8", "replace")
        return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"

    def __str__(self) -> str:
        return f"{self.request}, answered {self.status_code}"

    def __repr__(self) -> str:
        return f"<Response {self.status_code} {self.request}>"
