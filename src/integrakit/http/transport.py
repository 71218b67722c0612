"""`Transport`: the policies of `Client` around other people's SDKs, as a transport that a client of httpx or httpx2 is given.

The SDK's own requests, errors and streams go through unchanged. A refusal of ours becomes an answer that an SDK understands, and does not try again.
No HTTP library is known here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from integrakit._http import Handed, Inner, held_to_the_end
from integrakit.errors import (
    CircuitOpen,
    ConfigurationError,
    DeadlineExceeded,
    DecodeError,
    PolicyError,
    RateLimitExceeded,
    TransportError,
)
from integrakit.http.arguments import checked_auth, checked_deadline, instance
from integrakit.http.idempotency import IdempotencyKey
from integrakit.http.judge import Classify, judge
from integrakit.http.notices import ApiVersion, Notices
from integrakit.http.order import arrange
from integrakit.http.origins import Origins
from integrakit.http.retry import Retry
from integrakit.http.sending import Send, out_of_time, time_left
from integrakit.http.signing_anew import sign_anew
from integrakit.http.stack import PerAttempt
from integrakit.model import Request, Response
from integrakit.model.events import Observer
from integrakit.protocols import Auth, CallNext, Policy
from integrakit.runtimes import drive, runtime

if TYPE_CHECKING:
    from integrakit.audit import AuditLog
    from integrakit.http.circuit_breaker import CircuitBreaker
    from integrakit.http.concurrency import ConcurrencyLimit
    from integrakit.http.rate_limit import RateLimit

__all__ = ["Transport"]

#: What a refusal answers. The first that fits; any other refusal is 503, as a server would say that is not there for now.
_STATUS: tuple[tuple[type[PolicyError], int], ...] = ((CircuitOpen, 503), (RateLimitExceeded, 429), (DeadlineExceeded, 504))


class _Answer(Response):
    """One whose body belongs to the client, unless it was read to be looked at."""

    __slots__ = ()

    @property
    def content(self) -> bytes:
        if not hasattr(self.raw, "_content"):
            raise DecodeError(f"{self} with a body that is not read here: a Transport hands it on to its client as it comes", response=self)
        content: bytes = self.raw.content
        return content

    @property
    def text(self) -> str:
        return str(self.raw.text) if self.content else ""


class _HandOn(Send):
    """The innermost step: credentials for their own origins, then the inner transport, then the verdict. What a client signed itself stays."""

    def _for_strangers(self, request: Request) -> Request:
        return request  # what is in it the client put there, and meant to go there

    async def _transmit(self, request: Request, asked: Request) -> Response:
        world = runtime()
        limit = time_left(request, asked, world.now())
        try:
            raw = await world.send(self._wire, request, limit)
        except TransportError as problem:
            problem.request = asked
            if request.deadline is not None and world.now() >= request.deadline:
                raise out_of_time(request, asked) from problem
            raise
        hide = partial(self.hide, request)
        response = _Answer(raw, asked, attempts=request.attempt, hide=hide)
        if self._notices is not None:
            self._notices.look(response, world.wall)
        if raw.status_code >= 400 or (self._classify is not None and hasattr(raw, "_content")):
            response.error = judge(response, self._classify, hide, world.wall())
        return response


class Transport:
    """Give it as ``transport=`` to a client of httpx or httpx2, blocking or async, and that client to an SDK.

    ``retry`` is off unless asked for, since most SDKs repeat by themselves; a body that is made while it is sent is sent once in any case.
    ``idempotency``: a key for writes, in a header or the query; one that is there already is kept. ``auth`` signs requests to ``allow_hosts`` only,
    wherever a redirect leads. ``deadline``: seconds until the headers of the answer, waits included. ``classify`` sees answers in JSON. ``tls``:
    "1.3" or "1.2", the lowest version that will do. ``inner``: a transport of the library to send with, or a pair of a blocking and an async one; by
    default one like the library's own, with the proxies of the environment.

    A refusal (`CircuitOpen`, `RateLimitExceeded`, `DeadlineExceeded`) comes as an answer: 503, 429 or 504, with ``x-should-retry: false`` and
    ``x-integrakit-refused``. Exceptions of the HTTP library arrive as they were raised. Raises `ConfigurationError` for wrong arguments.
    """

    def __init__(
        self,
        *,
        rate_limit: str | RateLimit | None = None,
        concurrency: int | ConcurrencyLimit | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        retry: Retry | None = None,
        idempotency: IdempotencyKey | None = None,
        auth: Auth | None = None,
        allow_hosts: Sequence[str] = (),
        deadline: float | None = None,
        classify: Classify | None = None,
        policies: Sequence[Policy | PerAttempt] = (),
        observers: Sequence[Observer] = (),
        audit: AuditLog | None = None,
        tls: str | None = None,
        api_version: ApiVersion | None = None,
        inner: Any = None,
    ) -> None:
        retry = instance("retry", retry, Retry, "a Retry, or None for no repeating")
        if classify is not None and not callable(classify):
            raise ConfigurationError("classify= takes a function of a response that gives an error or None")
        if isinstance(idempotency, IdempotencyKey) and idempotency.body is not None:
            raise ConfigurationError("idempotency= of a Transport goes into header= or query=: nothing is put into a body that the client made")
        self._deadline = checked_deadline(deadline)
        self._inner = Inner(inner, tls=tls, look=_everywhere if classify is not None else _graphql if rate_limit is not None else None)
        send = _HandOn(
            self._inner,
            origins=_origins(auth, allow_hosts),
            auth=auth,
            headers={},
            params={},
            classify=classify,
            decimals=False,
            notices=Notices(api_version),
        )
        self._call = arrange(
            send,
            redirects=None,  # the client's own business: it hands us each hop
            signing_anew=_unless_spent(sign_anew) if hasattr(auth, "rejected") else None,
            audit=audit,
            observers=observers,
            idempotency=idempotency,
            policies=policies,
            retry=None if retry is None else _unless_spent(retry),
            hedge=None,
            circuit_breaker=circuit_breaker,
            concurrency=concurrency,
            rate_limit=rate_limit,
        )

    # ------------------------------------------------------------------ what the HTTP library calls

    def handle_request(self, request: Any) -> Any:
        """One request of a blocking client; its response."""
        return drive(self._through(self._inner.take(request, concurrent=False)))

    async def handle_async_request(self, request: Any) -> Any:
        """One request of an async client; its response."""
        return await self._through(self._inner.take(request, concurrent=True))

    async def _through(self, handed: Handed) -> Any:
        problem: Exception | None = None
        response: Response | None = None
        answer: Any = None
        try:
            response = await self._call(await self._asked(handed))
            answer = response.raw
        except PolicyError as refusal:
            answer = self._refusal(refusal)
        except TransportError as error:
            problem = self._inner.original(error)
        finally:
            if handed.held or len(handed.answers) > 1 or response is None:
                try:
                    if handed.others(answer):
                        await runtime().shielded(lambda: handed.close_all_but(answer))
                finally:
                    answer = await self._hold(handed, answer)
        if problem is not None:
            # Outside of the except clause: its context is its own, not ours.
            raise problem
        return handed.for_the_client(answer)

    async def _asked(self, handed: Handed) -> Request:
        world = runtime()
        if handed.content is None and world.name == "simulated":
            # A server of a simulation is given the body, and not the way to it.
            handed.content = await handed.raw.aread() if handed.concurrent else handed.raw.read()
        return handed.request(None if self._deadline is None else world.now() + self._deadline)

    async def _hold(self, handed: Handed, answer: Any) -> Any:
        """What policies hold is given back when the body has been read or given up; at once where there is none to read."""
        held = handed.held

        async def release() -> None:
            while held:
                await held.pop()()

        if not held:
            return answer
        if answer is None or answer not in handed.answers or answer.is_closed:
            await runtime().shielded(release)
            return answer
        answer.stream = held_to_the_end(self._inner.module, answer.stream, lambda: drive(release()), lambda: runtime().shielded(release))
        return answer

    def _refusal(self, refusal: PolicyError) -> Any:
        kind = type(refusal)
        headers = [
            ("content-type", "application/json"),
            ("x-should-retry", "false"),
            ("x-integrakit-refused", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()),
        ]
        after = refusal.retry_after
        if after is not None and 0 <= after < math.inf:
            headers += [("retry-after", str(math.ceil(after))), ("retry-after-ms", str(math.ceil(after * 1000)))]
        body = {"error": {"message": f"integrakit: {refusal}", "type": f"integrakit.{kind.__name__}"}}
        status = next((status for error, status in _STATUS if issubclass(kind, error)), 503)
        return self._inner.made(status, headers, json.dumps(body).encode())

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Closes the connections of blocking code, those of ``inner`` too: a client closes its transport."""
        self._inner.call_given("close")
        self._inner.close()

    async def aclose(self) -> None:
        """Closes the connections of this event loop, those of ``inner`` too."""
        for closing in self._inner.call_given("aclose"):
            await closing
        await self._inner.aclose()

    def __enter__(self) -> Self:
        self._inner.call_given("__enter__")
        return self

    def __exit__(self, kind: type[BaseException] | None = None, error: BaseException | None = None, trace: TracebackType | None = None) -> None:
        self._inner.call_given("__exit__", kind, error, trace)
        self._inner.close()

    async def __aenter__(self) -> Self:
        for entering in self._inner.call_given("__aenter__"):
            await entering
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None = None, error: BaseException | None = None, trace: TracebackType | None = None
    ) -> None:
        for leaving in self._inner.call_given("__aexit__", kind, error, trace):
            await leaving
        await self._inner.aclose()


# ---------------------------------------------------------------------- policies


def _everywhere(url: str) -> bool:
    return True


def _graphql(url: str) -> bool:
    """Its quotas are told in the bodies of successes, and nothing streams there as JSON."""
    return "/graphql" in url


def _unless_spent(policy: Policy) -> Policy:
    """A policy that sends again, but for requests whose body is gone once it was sent."""

    async def repeating(request: Request, call_next: CallNext, /) -> Response:
        return await (call_next(request) if request.files is not None else policy(request, call_next))

    return repeating


def _origins(auth: Any, allow_hosts: Any) -> Origins:
    if auth is None:
        if allow_hosts:
            raise ConfigurationError("allow_hosts= says where auth= may go, and there is no auth=")
        return Origins("", ())
    checked_auth(auth)
    if not allow_hosts:
        raise ConfigurationError(
            "auth= needs allow_hosts=['api.example.com']: a transport sees requests to any host, also those of redirects; only these get credentials"
        )
    if not isinstance(allow_hosts, list | tuple):
        return Origins("", allow_hosts)  # which says what is wrong
    hosts = [f"https://{host}" if isinstance(host, str) and host and "://" not in host else host for host in allow_hosts]
    return Origins(str(hosts[0]), hosts)
