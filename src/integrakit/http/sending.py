"""The innermost step: credentials for their own origins, then the wire, then the verdict. It does not repeat, wait or count."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from integrakit._http import BODY_TO
from integrakit.errors import DeadlineExceeded, IntegrakitError, TransportError, TransportTimeout
from integrakit.http.judge import CLASSIFY, Classify, judge, redact
from integrakit.http.notices import Notices
from integrakit.http.observing import observed
from integrakit.http.origins import Origins
from integrakit.http.retry import Retry
from integrakit.http.signing_anew import AGAIN
from integrakit.http.stack import compose
from integrakit.model import Request, Response
from integrakit.model.events import AttemptFinished, AttemptStarted
from integrakit.model.exchange import is_secret_name, without_params
from integrakit.protocols import Auth
from integrakit.runtimes import Wire, runtime

__all__ = ["AUDIT", "OF_AUTH", "Send", "out_of_time", "time_left"]

#: Headers that may go to an origin the credentials do not belong to; all others may be credentials.
HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "content-type", "range", "if-range", "user-agent", "if-none-match", "if-modified-since"}
)
#: Names in the extensions of a request: how what is sent for it is recorded, and whether it is an auth's own, so that its bodies are credentials.
AUDIT, OF_AUTH = "audit", "of_auth"
#: Shorter values are not looked for in messages: they would be found everywhere, and are no secrets.
SHORTEST_CREDENTIAL, SHORTEST_VALUE = 4, 6


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
        notices: Notices | None = None,
    ) -> None:
        self._wire = wire
        self._origins = origins
        self._auth = auth
        self._authorise_over = getattr(auth, "authorise_over", None)
        self._rejected = getattr(auth, "rejected", None)
        self._accepted = getattr(auth, "accepted", None)
        # Retried by the rules for POST: again only where nothing was sent, or the server said so. A refresh token must not be spent twice.
        self._exchange = compose([Retry()], self._bare)
        self._signs = bool(headers or params or auth is not None)
        self._headers = headers
        self._params = params
        self._classify = classify
        self._decimals = decimals
        self._notices = notices

    def hide(self, request: Request, text: str, *, asked: Request | None = None) -> str:
        """The text without the credentials of this client and of this request, as sent and as ``asked`` for: signing merges parameters."""
        secrets = [] if self._auth is None else [secret for secret in self._auth.secrets() if len(secret) >= SHORTEST_CREDENTIAL]
        for name, value in (*request.headers.items(), *self._headers.items()):
            if name.lower() not in HARMLESS:
                secrets += [part for part in (value, *value.split()) if len(part) >= SHORTEST_VALUE]
        for name, value in (*request.params.items(), *(() if asked is None else asked.params.items()), *self._params.items()):
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
        if BODY_TO in request.extensions:
            # What came before the last attempt broke need not come again.
            request = request.extensions[BODY_TO].asked(request)
        tell = observed(request)
        if tell is None:
            return await self._attempt(request)
        world = runtime()
        tell(AttemptStarted(request=request))
        began = world.now()
        try:
            response = await self._attempt(request)
        except BaseException as problem:
            tell(AttemptFinished(request=request, seconds=world.now() - began, error=problem))
            raise
        tell(AttemptFinished(request=request, seconds=world.now() - began, response=response, error=response.error))
        return response

    async def _attempt(self, request: Request) -> Response:
        transmit = self._recorded if AUDIT in request.extensions else self._transmit
        if not self._origins.own(request.url):
            return await transmit(self._for_strangers(request), request)
        if not self._signs:
            return await transmit(request, request)
        signed = await self._sign(request)
        response = await transmit(signed, request)
        await self._heard(signed, response, request.extensions.get(AGAIN))
        return response

    def _for_strangers(self, request: Request) -> Request:
        """The request as it goes to an origin that the credentials do not belong to."""
        foreign = request.copy(headers={name: value for name, value in request.headers.items() if name.lower() in HARMLESS})
        foreign.extensions["foreign"] = True
        return foreign

    async def _heard(self, signed: Request, response: Response, replaced: list[bool] | None) -> None:
        """Tells the auth how its credentials were taken. ``replaced``: where to note that there are others now; None: nobody would send again."""
        if response.raw.status_code == 401 and self._rejected is not None and replaced is not None:
            if await self._rejected(signed, response):
                replaced.append(True)
        elif self._accepted is not None and response.raw.status_code < 400:
            self._accepted(signed)

    async def _sign(self, request: Request) -> Request:
        if self._headers or self._params:
            request = request.copy(headers={**self._headers, **request.headers}, params=self._all_params(request))
        if self._auth is None:
            return request
        named = len(request.params)
        if self._authorise_over is None:
            signed: Request = await self._auth.authorise(request)
        else:
            signed = await self._authorise_over(request, partial(self._exchange_for, request) if AUDIT in request.extensions else self._exchange)
        if len(signed.params) > named:
            # What the auth put into the query goes out by a way that the HTTP library does not log.
            signed.extensions["secret_params"] = signed.params.keys() - request.params.keys()
        return signed

    async def _bare(self, request: Request) -> Response:
        """For an auth's own requests: they carry their own credentials and no others of this client."""
        bare = request.copy()
        bare.extensions["foreign"] = True
        return await (self._recorded if AUDIT in request.extensions else self._transmit)(bare, request)

    async def _exchange_for(self, needed: Request, request: Request) -> Response:
        """An auth's own request, on the record of the call that needed it."""
        marked = request.copy()
        marked.extensions |= {AUDIT: needed.extensions[AUDIT], OF_AUTH: True}
        return await self._exchange(marked)

    async def _recorded(self, request: Request, asked: Request) -> Response:
        """`_transmit`, on the record of the audit: whatever goes out is an exchange, an auth's own requests and its repeats included."""
        response: Response = await asked.extensions[AUDIT].record(asked, lambda _: self._transmit(request, asked))
        return response

    async def _transmit(self, request: Request, asked: Request) -> Response:
        """Sends ``request``, and speaks of ``asked``: the same before it was signed."""
        world = runtime()
        limit, left = request.timeout.attempt, time_left(request, asked, world.now())
        if left is not None:
            limit = left if limit is None else min(limit, left)
        hide = partial(self.hide, request, asked=asked)
        try:
            raw = await world.send(self._wire, request, limit)
        except IntegrakitError as problem:
            _censor(problem, hide)
            if isinstance(problem, TransportError):
                problem.request = asked
                # In a simulation a real server takes no virtual time, so the clock alone does not tell.
                late = isinstance(problem, TransportTimeout) and left is not None and left <= min(limit or left, request.timeout.read or left)
                if request.deadline is not None and (late or world.now() >= request.deadline):
                    raise out_of_time(request, asked) from problem
            raise
        conceal = partial(self._conceal, request, asked)
        if len(request.params) != len(asked.params):
            conceal(raw)  # at once, since the response shows its URL
        response = Response(raw, asked, attempts=request.attempt, decimals=self._decimals, hide=hide, conceal=conceal)
        if self._notices is not None:
            self._notices.look(response, world.wall)
        looks = self._classify is not None or CLASSIFY in asked.extensions
        if raw.status_code >= 400 or (looks and (BODY_TO not in asked.extensions or asked.extensions[BODY_TO].in_memory)):
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


def time_left(request: Request, asked: Request, now: float) -> float | None:
    """Seconds until the deadline, None where there is none; raises `DeadlineExceeded` where it has passed."""
    if request.deadline is None:
        return None
    left = request.deadline - now
    if left <= 0:
        message = f"{asked} ran out of its deadline before attempt {request.attempt}"
        raise DeadlineExceeded(message, request=asked, attempts=request.attempt - 1)
    return left


def out_of_time(request: Request, asked: Request) -> DeadlineExceeded:
    """The error of an attempt that the deadline ended."""
    return DeadlineExceeded(f"{asked} ran out of its deadline in attempt {request.attempt}", request=asked, attempts=request.attempt)


def _censor(problem: BaseException, hide: Callable[[str], str]) -> None:
    """Takes secrets out of the words of an error and of all that it is chained to: servers echo what they were sent."""
    seen: list[BaseException] = []
    link: BaseException | None = problem
    while link is not None and link not in seen:
        seen.append(link)
        link.args = tuple(hide(arg) if isinstance(arg, str) else arg for arg in link.args)
        link = link.__cause__ or link.__context__
