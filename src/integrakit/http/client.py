"""`Client`: one system behind one base URL, with the policies around every request. The same object serves threads, event loops and simulations."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import Unpack

from integrakit._http import Wire
from integrakit.clock import Clock
from integrakit.errors import ConfigurationError
from integrakit.http.arguments import (
    checked_auth,
    checked_base,
    checked_clock,
    checked_deadline,
    checked_headers,
    checked_paginator,
    checked_params,
    checked_purpose,
    checked_timeout,
    instance,
)
from integrakit.http.call_options import Asking, CallOptions
from integrakit.http.idempotency import IdempotencyKey
from integrakit.http.judge import Classify
from integrakit.http.notices import ApiVersion, Notices
from integrakit.http.order import arrange, rate_limiter
from integrakit.http.origins import Origins
from integrakit.http.read_options import ReadOptions, ReadSpec, read_spec
from integrakit.http.reader import HttpReader
from integrakit.http.redirects import follow_redirects
from integrakit.http.retry import Retry
from integrakit.http.sending import Send
from integrakit.http.signing_anew import sign_anew
from integrakit.http.stack import PerAttempt
from integrakit.http.stream import Stream
from integrakit.model import Checkpoint, Request, Response, Timeout
from integrakit.model.events import Observer
from integrakit.protocols import Auth, CallNext, Paginator, Policy, Reader
from integrakit.runtimes import clocked, drive, enter, leave, runtime

if TYPE_CHECKING:
    from integrakit.audit import AuditLog
    from integrakit.http.circuit_breaker import CircuitBreaker
    from integrakit.http.concurrency import ConcurrencyLimit
    from integrakit.http.downloads import Download
    from integrakit.http.hedging import Hedge
    from integrakit.http.rate_limit import RateLimit

__all__ = ["Client"]

#: Stands for a `Retry()` of the client's own.
USUAL_RETRY = Retry(budget=None)


class Client:
    """Requests to one system. Relative URLs are joined to ``base_url``; a status of 400 or more raises the matching `ResponseError`.

    ``retry=None`` turns repeating off; ``rate_limit`` is text or a `RateLimit` to share, and ``concurrency`` a number or a `ConcurrencyLimit`;
    ``http`` is None, ``"httpx"``, ``"httpx2"``, or a client object of either (a pair of both for use in sync and async code); ``tls="1.3"`` refuses
    older ones; ``observers`` are called with what happens; ``api_version`` says which version should answer. Use it with ``with`` or ``async with``,
    or close it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None = None,
        rate_limit: str | RateLimit | None = None,
        concurrency: int | ConcurrencyLimit | None = None,
        retry: Retry | None = USUAL_RETRY,
        circuit_breaker: CircuitBreaker | None = None,
        hedge: Hedge | None = None,
        idempotency: IdempotencyKey | None = None,
        timeout: float | Timeout = 30.0,
        deadline: float | None = None,
        purpose: str = "",
        paginator: Paginator | None = None,
        decimals: bool = False,
        classify: Classify | None = None,
        allow_hosts: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        policies: Sequence[Policy | PerAttempt] = (),
        observers: Sequence[Observer] = (),
        audit: AuditLog | None = None,
        api_version: ApiVersion | None = None,
        http: Any = None,
        tls: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._base_url = checked_base(base_url)
        self._paginator = checked_paginator(paginator)
        self._clock = checked_clock(clock)
        self._idempotency = idempotency
        self._asking = Asking(
            base_url=self._base_url,
            timeout=checked_timeout(timeout),
            deadline=checked_deadline(deadline),
            purpose=checked_purpose(purpose),
            keyed=idempotency is not None,
            now=_now if self._clock is None else self._clock.now,
        )
        self._rate_limit = None if rate_limit is None else rate_limiter(rate_limit)
        # Its own: what a host can bear of repeats is counted in it.
        retry = Retry() if retry is USUAL_RETRY else instance("retry", retry, Retry, "a Retry, or None for no repeating")
        if classify is not None and not callable(classify):
            raise ConfigurationError("classify= takes a function of a response that gives an error or None")
        if not isinstance(decimals, bool):
            raise ConfigurationError(f"decimals= takes True or False, not {decimals!r}")
        self._auth = checked_auth(auth)
        self._origins = Origins(self._base_url, allow_hosts)
        self._wire = Wire(http, tls=tls)
        self._send = Send(
            self._wire,
            origins=self._origins,
            auth=self._auth,
            headers=checked_headers(headers),
            params=checked_params("params", params),
            classify=classify,
            decimals=decimals,
            notices=Notices(api_version),
        )
        self._call = arrange(
            self._send,
            redirects=partial(follow_redirects, own=self._origins.own, clean=self._send.without_secrets),
            signing_anew=sign_anew if hasattr(self._auth, "rejected") else None,
            audit=audit,
            observers=observers,
            idempotency=idempotency,
            policies=policies,
            retry=retry,
            hedge=hedge,
            circuit_breaker=circuit_breaker,
            concurrency=concurrency,
            rate_limit=self._rate_limit,
        )
        if self._rate_limit is not None:
            self._call = _warmed(self._wire, self._call)
        if self._clock is not None:
            self._call = _by_clock(self._clock, self._call)

    # ------------------------------------------------------------------ one request

    async def arequest(self, method: str, url: str, **options: Unpack[CallOptions]) -> Response:
        """Sends one request through all policies. Raises `ResponseError`, `TransportError`, `PolicyError`."""
        check = options.pop("check", True)
        request = self._asking.request(method, url, options)
        response = await self._call(request)
        if check and response.error is not None:
            raise response.error
        return response

    def request(self, method: str, url: str, **options: Unpack[CallOptions]) -> Response:
        """`arequest` for blocking code; so are the others without an ``a``."""
        return drive(self.arequest(method, url, **options))

    def get(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return drive(self.arequest("GET", url, **options))

    def post(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return drive(self.arequest("POST", url, **options))

    def put(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return drive(self.arequest("PUT", url, **options))

    def patch(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return drive(self.arequest("PATCH", url, **options))

    def delete(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return drive(self.arequest("DELETE", url, **options))

    async def aget(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return await self.arequest("GET", url, **options)

    async def apost(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return await self.arequest("POST", url, **options)

    async def aput(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return await self.arequest("PUT", url, **options)

    async def apatch(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return await self.arequest("PATCH", url, **options)

    async def adelete(self, url: str, **options: Unpack[CallOptions]) -> Response:
        return await self.arequest("DELETE", url, **options)

    async def agraphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
        operation: str | None = None,
        **options: Unpack[CallOptions],
    ) -> dict[str, Any]:
        """Sends a GraphQL document by POST and gives the ``data`` object of the answer. Raises `GraphQLError` for errors in it, partial data or not.

        ``path``: of the endpoint; None: the base URL itself where its last part has "graphql" in it, else ``/graphql``. ``operation``: which one of
        several in the document. A query is sent again like a GET, a mutation like a POST. Raises what `arequest` raises, and `DecodeError` too.
        """
        from integrakit.http.graphql import graphql_request  # for those who use it

        response = await self._call(graphql_request(self._asking, query, variables, path, operation, options))
        if response.error is not None:
            raise response.error
        data: dict[str, Any] = response.json()["data"]
        return data

    def graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
        operation: str | None = None,
        **options: Unpack[CallOptions],
    ) -> dict[str, Any]:
        """`agraphql` for blocking code."""
        return drive(self.agraphql(query, variables, path=path, operation=operation, **options))

    async def adownload(self, url: str, path: str | os.PathLike[str], *, method: str = "GET", **options: Unpack[CallOptions]) -> Download:
        """Sends one request through all policies and writes what comes to the file ``path``, which is there as a whole or not at all; see `Download`.

        An attempt may take as long as it moves; ``timeout=`` given here limits it all the same. Raises what `arequest` raises, `TransportError` for a
        body that is not whole or not what was promised, too, and `WriteError` where the disk does not take it.
        """
        from integrakit.http.downloads import download  # for those who use it

        if not options.pop("check", True):
            raise ConfigurationError("download() takes no check=False: what is refused leaves no file")
        return await download(self._call, self._asking.request(method, url, options), path, unlimited="timeout" not in options)

    def download(self, url: str, path: str | os.PathLike[str], *, method: str = "GET", **options: Unpack[CallOptions]) -> Download:
        """`adownload` for blocking code."""
        return drive(self.adownload(url, path, method=method, **options))

    def owns(self, url: str) -> bool:
        """Whether the credentials of this client may go to this absolute URL."""
        return self._origins.own(url)

    def secrets(self) -> Iterable[str]:
        """The values of this client's credentials, for those who hide them (`RedactingFilter`). Never print what this gives."""
        return () if self._auth is None else self._auth.secrets()

    @property
    def sends_idempotency_keys(self) -> bool:
        """Whether a key given with a call goes anywhere; which methods carry it is for the `IdempotencyKey` to say."""
        return self._idempotency is not None

    @property
    def takes_idempotency_keys(self) -> bool:
        """Whether the server recognises a POST that is sent again, as far as this client was told. The other methods are safe to repeat anyway."""
        return self._idempotency is not None and "POST" in self._idempotency.methods

    # ------------------------------------------------------------------ collections

    def stream(
        self,
        url: str,
        *,
        key: str | tuple[str, ...] | None = None,
        params: Mapping[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Stream:
        """A collection page by page; see `Stream`. Nothing is sent before it is iterated.

        ``key``: the field that tells records apart, by which doubles are found. ``start``: parameters of the first request that do not make another
        read of it: where a watermark begins. All else, ``records``, ``paginator``, ``into``, ``stability`` and more, is told in `ReadOptions`.
        """
        spec = read_spec(self._asking, url, options, key=key, params=params, start=start, paginator=self._paginator)
        return Stream(lambda since: self._reader(spec, since), f"{spec.request}")

    def _reader(self, spec: ReadSpec, since: Checkpoint | None) -> Reader:
        return HttpReader(spec, self._fetch, own=self._origins.own, clean=self._send.without_secrets, since=since)

    async def _fetch(self, request: Request) -> Response:
        response = await self._call(self._asking.again(request))
        if response.error is not None:
            raise response.error
        return response

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Closes the connections of blocking code."""
        self._wire.close()

    async def aclose(self) -> None:
        """Closes the connections of blocking code and of this event loop."""
        await self._wire.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._base_url}>"


def _now() -> float:
    return runtime().now()


def _warmed(wire: Wire, call: CallNext) -> CallNext:
    """The stack, with the connections' owner made before a slot is booked: a slot that is used a tenth of a second late comes bunched with others."""

    async def warmed(request: Request) -> Response:
        wire.warm(runtime().name)
        return await call(request)

    return warmed


def _by_clock(clock: Clock, call: CallNext) -> CallNext:
    """The stack in a world that goes by another clock. Set for this thread and task only, so that nobody else's time changes."""

    async def by_clock(request: Request) -> Response:
        token = enter(clocked(runtime(), clock))
        try:
            return await call(request)
        finally:
            leave(token)

    return by_clock
