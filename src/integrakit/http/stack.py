"""The policies of a client in their one fixed order, ending at the wire.

    idempotency key > the user's policies > retry            once per logical call
      > redirects > rate limit > the user's PerAttempt > auth > send    per attempt

What stands once per call must not be repeated by retry; what stands per attempt must be. Redirects are followed here and not by the HTTP library,
so that each hop takes its turn in the rate limit and credentials are decided for each origin anew. The deadline is looked at by whoever waits:
retry, rate limit and send.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from attrs import frozen

from integrakit.errors import ConfigurationError, DeadlineExceeded, IntegrakitError, TransportError, TransportTimeout
from integrakit.http.judge import Classify, judge, redact
from integrakit.model import Request, Response
from integrakit.model.exchange import is_secret_name, mask_url, origin, without_params
from integrakit.protocols import Auth, CallNext, Policy
from integrakit.runtimes import Wire, runtime

__all__ = ["Origins", "PerAttempt", "Send", "checked", "compose", "follow_redirects"]

#: Headers that may go to an origin the credentials do not belong to; all others may be credentials.
HARMLESS = frozenset({"accept", "accept-language", "content-type", "range", "user-agent", "if-none-match", "if-modified-since"})
MAX_REDIRECTS = 5
#: Shorter values are not looked for in messages: they would be found everywhere, and are no secrets.
SHORTEST_CREDENTIAL, SHORTEST_VALUE = 4, 6


@frozen
class PerAttempt:
    """Marks a policy of one's own to stand inside retry: it sees every attempt."""

    policy: Policy

    def __attrs_post_init__(self) -> None:
        if not callable(self.policy):
            raise ConfigurationError(f"PerAttempt takes a policy, async def policy(request, call_next), not {self.policy!r}")


def checked(policy: Policy) -> Policy:
    """A policy of the user's own, which may forget to return the response: `ConfigurationError` says so."""

    async def checking(request: Request, call_next: CallNext, /) -> Response:
        answer = policy(request, call_next)
        if not inspect.isawaitable(answer):
            raise ConfigurationError(f"the policy {policy!r} is not async: write async def policy(request, call_next)")
        response = await answer
        if not isinstance(response, Response):
            raise ConfigurationError(f"the policy {policy!r} returned {response!r}: it must return the response of call_next(request)")
        return response

    return checking


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


# A read asks for the same few URLs without their parameters over and over.
_origin = lru_cache(maxsize=256)(origin)


class Origins:
    """Which origins the credentials of a client belong to: that of ``base_url`` and those in ``allow_hosts``."""

    def __init__(self, base_url: str, allow_hosts: Sequence[str]) -> None:
        self._base = origin(base_url)
        self._hosts = set()
        if not isinstance(allow_hosts, list | tuple | set | frozenset):
            raise ConfigurationError(f"allow_hosts= takes a list of hosts, such as ['files.example.com'], not {allow_hosts!r}")
        for host in allow_hosts:
            wrong = f"allow_hosts= takes hosts such as 'files.example.com', 'localhost:8080' or 'https://x.example', not {host!r}"
            if not isinstance(host, str) or not host or any(character.isspace() for character in host):
                raise ConfigurationError(wrong)
            # A bare host means the scheme of the base URL: credentials for https never go out over http.
            url = host if "://" in host else f"{self._base[0]}://{host}"
            scheme, name, port = origin(url)
            if scheme not in ("http", "https") or not name or mask_url(url).rstrip("/").count("/") != 2 or "@" in url:
                raise ConfigurationError(wrong)
            self._hosts.add((scheme, name, port))

    def own(self, url: str) -> bool:
        """Whether credentials may go to this URL."""
        where = _origin(url)
        return where == self._base or where in self._hosts


async def follow_redirects(request: Request, call_next: CallNext, /) -> Response:
    """Follows 301, 302, 303, 307 and 308 as browsers do, at most five times; anything else is handed back."""
    for _ in range(MAX_REDIRECTS + 1):
        response = await call_next(request)
        if response.raw.status_code not in (301, 302, 303, 307, 308) or "location" not in response.headers:
            return response
        status, method = response.raw.status_code, request.method
        try:
            url = urljoin(str(response.raw.url), response.headers["location"])
            scheme = urlsplit(url).scheme
        except ValueError:
            url, scheme = "", "http"
        if scheme not in ("http", "https"):
            return response
        if not origin(url)[1]:
            raise _misled(f"{request} was redirected to a URL that cannot be read", request)
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            request = request.copy(method="GET", url=url, params={}, json=None, data=None, files=None, content=None)
            request.headers.pop("content-type", None)
        else:
            request = request.copy(url=url, params={})
    raise _misled(f"{request} was redirected more than {MAX_REDIRECTS} times: the server sends it in circles", request)


def _misled(message: str, request: Request) -> TransportError:
    error = TransportError(message, request=request)
    error.lasting = True
    return error


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

    def hide(self, request: Request, text: str) -> str:
        """The text without the credentials of this client and of this request, as it was sent."""
        secrets = [] if self._auth is None else [secret for secret in self._auth.secrets() if len(secret) >= SHORTEST_CREDENTIAL]
        for name, value in (*request.headers.items(), *self._headers.items()):
            if name.lower() not in HARMLESS:
                secrets += [part for part in (value, *value.split()) if len(part) >= SHORTEST_VALUE]
        for name, value in (*request.params.items(), *self._params.items()):
            if (name in self._params or is_secret_name(name)) and len(str(value)) >= SHORTEST_VALUE:
                secrets.append(str(value))
        return redact(text, secrets)

    def without_secrets(self, url: str) -> str:
        """A URL that a server wrote, without our credentials: they are added to each request anew, and must not be kept with it."""
        if self._auth is None or "?" not in url:
            return url
        secrets = frozenset(secret for secret in self._auth.secrets() if len(secret) >= SHORTEST_CREDENTIAL)
        return without_params(url, lambda name, value: value in secrets)

    async def __call__(self, request: Request) -> Response:
        if (url := self.without_secrets(request.url)) != request.url:
            request = request.copy(url=url)
        asked = request
        if self._origins.own(request.url):
            if self._headers or self._params:
                request = request.copy(headers={**self._headers, **request.headers}, params=self._all_params(request))
            if self._auth is not None:
                request = await self._auth.authorise(request)
        else:
            request = request.copy(headers={name: value for name, value in request.headers.items() if name.lower() in HARMLESS})
            request.extensions["foreign"] = True
        world = runtime()
        limit, left = request.timeout.attempt, None
        if request.deadline is not None:
            left = request.deadline - world.now()
            if left <= 0:
                message = f"{asked} ran out of its deadline before attempt {request.attempt}"
                raise DeadlineExceeded(message, request=asked, attempts=request.attempt - 1)
            limit = left if limit is None else min(limit, left)
        hide = partial(self.hide, request)
        try:
            raw = await world.send(self._wire, request, limit)
        except IntegrakitError as problem:
            _censor(problem, hide)
            if isinstance(problem, TransportError):
                problem.request = asked
                # In a simulation a real server takes no virtual time, so the clock alone does not tell.
                late = isinstance(problem, TransportTimeout) and left is not None and left <= min(limit or left, request.timeout.read or left)
                if request.deadline is not None and (late or world.now() >= request.deadline):
                    message = f"{asked} ran out of its deadline in attempt {request.attempt}"
                    raise DeadlineExceeded(message, request=asked, attempts=request.attempt) from problem
            raise
        conceal = partial(self._conceal, request, asked)
        if len(request.params) != len(asked.params):
            conceal(raw)  # at once, since the response shows its URL
        response = Response(raw, asked, attempts=request.attempt, decimals=self._decimals, hide=hide, conceal=conceal)
        if raw.status_code >= 400 or self._classify is not None:
            response.error = judge(response, self._classify, hide, world.wall())
            if response.error is not None:
                response.conceal()
        return response

    def _conceal(self, request: Request, asked: Request, raw: Any) -> None:
        headers = [name for name in request.headers if name not in asked.headers and name != "user-agent"]
        self._wire.conceal(raw, headers, [name for name in request.params if name not in asked.params])

    def _all_params(self, request: Request) -> dict[str, Any]:
        """The client's parameters and the call's; what the URL names already is left as it is."""
        if not self._params or "?" not in request.url:
            return {**self._params, **request.params}
        named = {name for name, _ in parse_qsl(urlsplit(request.url).query, keep_blank_values=True)}
        return {**{name: value for name, value in self._params.items() if name not in named}, **request.params}


def _censor(problem: BaseException, hide: Callable[[str], str]) -> None:
    """Takes secrets out of the words of an error and of all that it is chained to: servers echo what they were sent."""
    seen: list[BaseException] = []
    link: BaseException | None = problem
    while link is not None and link not in seen:
        seen.append(link)
        link.args = tuple(hide(arg) if isinstance(arg, str) else arg for arg in link.args)
        link = link.__cause__ or link.__context__
