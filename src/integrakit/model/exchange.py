"""One HTTP exchange as values: what is sent and what came back, with no type of an HTTP library in a signature.

A `Request` is what policies and paginators see and change; a `Response` is what callers get. Neither does any I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit, urlunsplit

from attrs import Factory, define, field, fields

from integrakit._json import loads
from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError
from integrakit.model.links import parse_links

__all__ = ["Request", "Response", "Timeout", "is_header_name", "is_secret_name", "mask_url", "origin", "without_params"]

_SECRET_NAME = re.compile(
    r"token|secret|passw|api_?-?key|access_?-?key|signature|auth|credential|session|^(key|sig|code|jwt|pwd|hmac|x-amz-.*)$", re.IGNORECASE
)
#: Names of parameters inside of a value: ``…?name=``, ``…;name=``.
_INNER_NAME = re.compile(r"[?&;#]([^?&;#=]*)=")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: What would break a message out of its line, or paint a terminal.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-trace-id")
_EXCERPT = 300
#: Bytes an excerpt is made of: more than it shows, so that a long token at its end is seen whole.
_EXCERPT_OF = 16_384


def is_secret_name(name: str) -> bool:
    """Whether a parameter or header of this name commonly holds a credential."""
    return _SECRET_NAME.search(name) is not None


def is_header_name(name: str) -> bool:
    """Whether a header may be called so (a token of RFC 9110)."""
    return _HEADER_NAME.fullmatch(name) is not None


def mask_url(url: str) -> str:
    """The URL as it may be shown: no user info, and ``***`` for query values whose names look like secrets."""
    try:
        parts = urlsplit(url)
        # A port that is none is what a password with a slash or a question mark in it looks like.
        if "@" in url:
            _ = parts.port
    except ValueError:
        return "<a URL that cannot be read>"
    host, path = parts.netloc.rpartition("@")[2], parts.path
    if not host:
        first, slash, rest = path.partition("/")
        path = first.rpartition("@")[2] + slash + rest
    query = "&".join(map(_mask_parameter, parts.query.split("&")))
    return urlunsplit((parts.scheme, host, path, query, ""))


def _mask_parameter(part: str) -> str:
    name, mark, value = part.partition("=")
    if _SECRET_NAME.search(unquote_plus(name)):
        return f"{name}=***"
    # A URL in a parameter has parameters of its own, and some servers part them with semicolons.
    plain = unquote_plus(unquote_plus(value))
    hidden = any(_SECRET_NAME.search(inner) for inner in _INNER_NAME.findall(plain))
    return f"{name}=***" if hidden else name + mark + value


def without_params(url: str, drop: Callable[[str, str], bool]) -> str:
    """The URL without those of its query parameters that ``drop(name, value)`` names; untouched where there are none."""
    before, mark, rest = url.partition("?")
    if not mark:
        return url
    query, hash_mark, fragment = rest.partition("#")
    kept = [part for part in query.split("&") if not any(drop(name, value) for name, value in parse_qsl(part, keep_blank_values=True))]
    query = "&".join(kept)
    return before + ("?" if query else "") + query + hash_mark + fragment


_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what credentials belong to. Three times nothing for what is no URL that can be reached."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        # A backslash ends the host for some and is part of it for others: who disagrees with us must not be trusted with credentials.
        if "\\" in parts.netloc:
            return "", "", None
        return scheme, (parts.hostname or "").lower(), _DEFAULT_PORTS.get(scheme) if parts.port is None else parts.port
    except ValueError:
        return "", "", None


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
    #: What it is for, where the rate limit keeps a reserve for each purpose: "interactive", "backfill" …
    purpose: str = ""
    idempotency_key: str | None = None
    #: Which attempt this is, counted from 1.
    attempt: int = 1
    #: Notes that policies leave for each other.
    extensions: dict[str, Any] = Factory(dict)

    def copy(self, **changes: Any) -> Request:
        """A copy with its own ``params``, ``headers`` and ``extensions``, and with ``changes``."""
        # By hand: attrs.evolve takes three times as long, and each call of a client copies its request.
        copy = Request.__new__(Request)
        copy.method, copy.url, copy.json, copy.data = self.method, self.url, self.json, self.data
        copy.files, copy.content, copy.timeout, copy.deadline = self.files, self.content, self.timeout, self.deadline
        copy.cost, copy.purpose, copy.idempotency_key, copy.attempt = self.cost, self.purpose, self.idempotency_key, self.attempt
        copy.params, copy.headers, copy.extensions = dict(self.params), dict(self.headers), dict(self.extensions)
        for name, value in changes.items():
            if name not in _FIELDS:
                raise ConfigurationError(f"a Request has no {name!r}")
            setattr(copy, name, dict(value) if name in ("params", "headers", "extensions") else value)
        return copy

    def __getstate__(self) -> dict[str, Any]:
        # Errors carry their request to other processes; open files and what policies noted cannot go there.
        return {name: getattr(self, name) for name in _FIELDS if name not in ("files", "extensions")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {"files": None, "extensions": {}, **state}.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return f"{self.method} {mask_url(self.url)}"

    def __repr__(self) -> str:
        names = f" params={sorted(self.params)}" if self.params else ""
        return f"<Request {self}{names}>"


_FIELDS = tuple(attribute.name for attribute in fields(Request))


class Response:
    """What came back. ``raw`` is the HTTP library's own response, for what is not here."""

    __slots__ = ("_conceal", "_decimals", "_hide", "_json", "attempts", "error", "raw", "request")

    def __init__(
        self,
        raw: Any,
        request: Request,
        *,
        attempts: int = 1,
        decimals: bool = False,
        hide: Callable[[str], str] | None = None,
        conceal: Callable[[Any], None] | None = None,
    ) -> None:
        self.raw = raw
        self.request = request
        #: What this answer will be raised as, or None for a success: the status, or what ``classify`` found in the body.
        self.error: IntegrakitError | None = None
        #: How many times the request was sent until this came back.
        self.attempts = attempts
        self._decimals = decimals
        # Takes the secrets of the request out of a text: servers echo what they were sent.
        self._hide = hide
        # Takes them out of the library's own record of the request, before it goes anywhere with this response.
        self._conceal = conceal
        self._json: Any = loads  # a marker that no decoded body can be

    def conceal(self) -> None:
        """Before this response becomes part of an error, or goes to another process: ``raw`` holds the request as it was signed."""
        if self._conceal is not None:
            self._conceal(self.raw)

    def __getstate__(self) -> dict[str, Any]:
        self.conceal()
        return {"raw": self.raw, "request": self.request, "attempts": self.attempts, "_decimals": self._decimals}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # The error that holds this response is not part of it: the two would go round in circles.
        for name, value in {**state, "error": None, "_hide": None, "_conceal": None, "_json": loads}.items():
            setattr(self, name, value)

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
        """The ``Link`` header (RFC 8288) as relation (in small letters) → URL, as the server wrote it."""
        return parse_links(self.headers.get("link"))

    @property
    def request_id(self) -> str | None:
        for name in _REQUEST_ID_HEADERS:
            if value := self.headers.get(name):
                # A server may make it of what it was sent.
                return value if self._hide is None else self._hide(value)
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
                self.conceal()
                kind = self.headers.get("content-type", "no content type")
                raise DecodeError(
                    f"{self.request} answered {self.status_code} with a body that is not JSON ({kind}, "
                    f"{len(self.content)} bytes: {problem}): {self.excerpt()!r}",
                    response=self,
                ) from problem
        return self._json

    def fresh(self) -> Response:
        """The same answer, its body not decoded yet."""
        return Response(self.raw, self.request, attempts=self.attempts, decimals=self._decimals, hide=self._hide, conceal=self._conceal)

    def excerpt(self) -> str:
        """The first characters of the body in one line, for messages, without the request's own secrets."""
        text = self.content[:_EXCERPT_OF].decode("utf-8", "replace")
        if self._hide is not None:
            # Before it is cut: half a secret would not be recognised.
            text = self._hide(text)
        text = _CONTROLS.sub(" ", text)
        return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"

    def __str__(self) -> str:
        return f"{self.request}, answered {self.status_code}"

    def __repr__(self) -> str:
        return f"<Response {self.status_code} {self.request}>"
