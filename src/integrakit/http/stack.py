"""The policies of a client in their one fixed order, ending at the wire.

    deadline > idempotency key > the user's policies > retry            once per logical call
      > redirects > rate limit > the user's PerAttempt > auth > send    per attempt

What stands once per call must not be repeated by retry; what stands per attempt must be. Redirects are followed here and not by the HTTP library, so
that each hop takes its turn in the rate limit and credentials are decided for each origin anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from attrs import frozen

from integrakit.errors import ConfigurationError, DeadlineExceeded, TransportError, TransportTimeout
from integrakit.http.judge import Classify, judge, redact
from integrakit.model import Request, Response
from integrakit.model.exchange import origin
from integrakit.protocols import Auth, CallNext, Policy
from integrakit.runtimes import Wire, runtime

__all__ = ["Origins", "PerAttempt", "Send", "compose", "follow_redirects", "keep_deadline"]

#: Headers that may go to an origin the credentials do not belong to; all others may be credentials.
HARMLESS = frozenset({"accept", "accept-language", "content-type", "range", "user-agent", "if-none-match", "if-modified-since"})
MAX_REDIRECTS = 5


@frozen
class PerAttempt:
    """Marks a policy of one's own to stand inside retry: it sees every attempt."""

    policy: Policy

    def __attrs_post_init__(self) -> None:
        if not callable(self.policy):
            raise ConfigurationError(f"PerAttempt takes a policy, async def policy(request, call_next), not {self.policy!r}")


class _Bound:
    """A policy with what comes after it."""

    __slots__ = ("_next", "_policy")

    def __init__(self, policy: Policy, call_next: CallNext) -> None:
        self._policy = policy
        self._next = call_next

    def __call__(self, request: Request) -> Awaitable[Response]:
        return self._policy(request, self._next)


def compose(policies: Sequence[Policy], send: CallNext) -> CallNext:
    """The policies around ``send``, the first one outermost."""
    for policy in reversed(policies):
        send = _Bound(policy, send)
    return send


class Origins:
    """Which origins the credentials of a client belong to: that of ``base_url`` and those in ``allow_hosts``."""

    def __init__(self, base_url: str, allow_hosts: Sequence[str]) -> None:
        self._base = origin(base_url)
        self._hosts = set()
        if isinstance(allow_hosts, str):
            raise ConfigurationError(f"allow_hosts= takes a list of hosts, such as [{allow_hosts!r}], not a text")
        for host in allow_hosts:
            if not isinstance(host, str) or not host:
                raise ConfigurationError(
                    f"allow_hosts= takes hosts such as 'files.example.com', 'localhost:8080' or 'https://x.example', not {host!r}"
                )
            # A bare host means the scheme of the base URL: credentials for https never go out over http.
            scheme, name, port = origin(host if "://" in host else f"{self._base[0] or 'https'}://{host}")
            if not name or (urlsplit(host).path.strip("/") and "://" in host):
                raise ConfigurationError(f"allow_hosts= takes hosts, not {host!r}")
            self._hosts.add((scheme, name, port))

    def own(self, url: str) -> bool:
        """Whether credentials may go to this URL."""
        where = origin(url)
        return where == self._base or where in self._hosts


async def keep_deadline(request: Request, call_next: CallNext, /) -> Response:
    """Turns a time-out that the deadline caused into what it is."""
    if request.deadline is None:
        return await call_next(request)
    try:
        return await call_next(request)
    except TransportTimeout as problem:
        if runtime().now() < request.deadline:
            raise
        raise DeadlineExceeded(f"{request} ran out of its deadline", request=request, attempts=problem.attempts) from problem


async def follow_redirects(request: Request, call_next: CallNext, /) -> Response:
    """Follows 301, 302, 303, 307 and 308 as browsers do, at most five times; anything else is handed back."""
    for _ in range(MAX_REDIRECTS + 1):
        response = await call_next(request)
        if response.raw.status_code not in (301, 302, 303, 307, 308) or "location" not in response.headers:
            return response
        status, method = response.raw.status_code, request.method
        url = urljoin(str(response.raw.url), response.headers["location"])
        if urlsplit(url).scheme not in ("http", "https"):
            return response
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            request = request.copy(method="GET", url=url, params={}, json=None, data=None, files=None, content=None)
            request.headers.pop("content-type", None)
        else:
            request = request.copy(url=url, params={})
    raise TransportError(f"{request} was redirected more than {MAX_REDIRECTS} times: the server sends it in circles", request=request)


class Send:
    """The innermost step: credentials for their own origins, then the wire, then the verdict."""

    def __init__(
        self,
        wire: Wire,
        *,
        origins: Origins,
        auth: Auth | None,
        headers: dict[str, str],
        params: dict[str, Any],
        classify: Classify | None,
        decimals: bool,
    ) -> None:
        self._wire = wire
        self._origins = origins
        self._auth = auth
        self._headers = headers
        self._params = params
        self._classify = classify
        self._decimals = decimals

    def secrets(self) -> tuple[str, ...]:
        """What must not show up in a message."""
        return () if self._auth is None else tuple(self._auth.secrets())

    async def __call__(self, request: Request) -> Response:
        asked = request
        if self._origins.own(request.url):
            if self._headers or self._params:
                query = urlsplit(request.url).query
                params = {name: value for name, value in self._params.items() if f"{name}=" not in query}
                request = request.copy(headers={**self._headers, **request.headers}, params={**params, **request.params})
            if self._auth is not None:
                request = await self._auth.authorise(request)
        else:
            request = request.copy(headers={name: value for name, value in request.headers.items() if name.lower() in HARMLESS})
        world = runtime()
        limit = request.timeout.attempt
        if request.deadline is not None:
            left = request.deadline - world.now()
            if left <= 0:
                raise DeadlineExceeded(f"{asked} ran out of its deadline before attempt {request.attempt}", request=asked)
            limit = left if limit is None else min(limit, left)
        try:
            raw = await world.send(self._wire, request, limit)
        except TransportError as problem:
            message = redact(str(problem), self.secrets())
            problem.args = (message,)
            problem.request = asked
            raise
        response = Response(raw, asked, attempts=request.attempt, decimals=self._decimals)
        if raw.status_code >= 400 or self._classify is not None:
            response.error = judge(response, self._classify, self.secrets(), world.wall())
        return response
