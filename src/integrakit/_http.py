"""The one place that knows httpx and httpx2: how a `Request` becomes theirs, and how their errors become ours.

A `Wire` holds one blocking client, and one async client for each event loop, made when first used and made anew after a fork. The two libraries
have the same shape, so the code asks for the module by name and never imports one that was not asked for.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from integrakit._json import dumps
from integrakit.errors import ConfigurationError, ConnectError, TransportError, TransportTimeout
from integrakit.model.exchange import Request, Timeout
from integrakit.unset import UNSET

__all__ = ["Wire", "encode_params"]

_LIBRARIES = ("httpx", "httpx2")


def encode_params(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Query parameters as text: None and UNSET are left out, a list repeats its name, booleans are ``true`` and ``false``, times are ISO 8601."""
    pairs = []
    for name, value in params.items():
        values = value if isinstance(value, list | tuple) else (value,)
        pairs += [(name, _text(item)) for item in values if item is not None and item is not UNSET]
    return pairs


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value.value if isinstance(value, Enum) else value)


def _library(http: Any) -> tuple[str, Any, Any]:
    """Name of the library, and the user's own blocking and async clients where given."""
    given = http if isinstance(http, tuple | list) else (http,)
    if http is None or http in _LIBRARIES:
        return http or "httpx", None, None
    name, found = None, {"Client": None, "AsyncClient": None}
    for client in given:
        kind = next(
            ((c.__module__.partition(".")[0], c.__name__) for c in type(client).__mro__ if c.__module__.partition(".")[0] in _LIBRARIES),
            None,
        )
        if kind is None or kind[1] not in found or found[kind[1]] is not None or name not in (None, kind[0]):
            raise ConfigurationError(
                f"http= takes None, 'httpx', 'httpx2', a Client or an AsyncClient of one of them, or a pair of both of the same library, not {http!r}"
            )
        name, found[kind[1]] = kind[0], client
    return str(name), found["Client"], found["AsyncClient"]


class _Timed:
    """A body that ends by the clock: the library's own read timeout starts anew with every drop of a drip."""

    def __init__(self, stream: Any, until: float, request: Request, limit: float) -> None:
        self._stream = stream
        self._until = until
        self._request = request
        self._limit = limit

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield chunk
            if time.monotonic() > self._until:
                raise _timed_out(self._request, self._limit)

    def close(self) -> None:
        self._stream.close()


def _timed_out(request: Request, limit: float | None) -> TransportTimeout:
    within = "" if limit is None else f" within {limit:g} s"
    return TransportTimeout(f"{request} was not answered{within}", request=request)


class Wire:
    """Sends requests for one `Client`. Safe to use from several threads and event loops at once."""

    def __init__(self, http: Any = None) -> None:
        self._name, self._given, self._agiven = _library(http)
        self._own = self._given is None and self._agiven is None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._client: Any = None
        self._loops: dict[Any, Any] = {}
        self.closed = False
        if self._name == "httpx2":
            self._module  # noqa: B018 - a missing library is said now, not at the first request

    @property
    def _module(self) -> Any:
        module = sys.modules.get(self._name)
        if module is None or not hasattr(module, "Client"):
            try:
                module = import_module(self._name)
            except ImportError as problem:
                raise ConfigurationError(f'http="{self._name}" needs the library: pip install {self._name}') from problem
        return module

    # ------------------------------------------------------------------ clients

    def _renew(self) -> None:
        """After a fork nothing of the parent's connections may be used: both would read each other's answers."""
        if self._pid != os.getpid():
            self._pid, self._client, self._loops, self._lock = os.getpid(), None, {}, threading.Lock()

    def _blocking(self) -> Any:
        self._renew()
        client = self._given or self._client
        if client is None:
            if not self._own:
                raise ConfigurationError("this client was given an AsyncClient only: give http=(client, async_client), or await the a… methods")
            with self._lock:
                if self._client is None:
                    self._client = self._module.Client(follow_redirects=False)
                client = self._client
        return client

    def _concurrent(self) -> Any:
        self._renew()
        if self._agiven is not None:
            return self._agiven
        if not self._own:
            raise ConfigurationError("this client was given a blocking Client only: give http=(client, async_client) to use it in async code")
        loop = _loop()
        client = self._loops.get(loop)
        if client is None:
            with self._lock:
                for other in [other for other in self._loops if getattr(other, "is_closed", bool)()]:
                    del self._loops[other]
                client = self._loops[loop] = self._module.AsyncClient(follow_redirects=False)
        return client

    def _prepare(self, client: Any, request: Request, limit: float | None) -> Any:
        if self.closed:
            raise ConfigurationError("this client is closed: make a new one, or keep it open as long as it is used")
        url = request.url
        if request.params and (pairs := encode_params(request.params)):
            url += ("&" if "?" in url else "?") + urlencode(pairs)
        headers, content = request.headers, request.content
        if request.json is not None:
            content = dumps(request.json)
            headers = {"content-type": "application/json", **headers}
        try:
            return client.build_request(
                request.method,
                url,
                headers=headers,
                content=content,
                data=request.data,
                files=request.files,
                timeout=_timeouts(request.timeout, limit),
            )
        except (self._module.InvalidURL, self._module.UnsupportedProtocol, TypeError, ValueError) as problem:
            raise ConfigurationError(f"{request} cannot be built: {problem}") from problem

    # ------------------------------------------------------------------ sending

    def send(self, request: Request, limit: float | None) -> Any:
        """Sends and reads the whole body, in ``limit`` seconds by the clock. Raises `TransportError` and its kin."""
        client = self._blocking()
        prepared = self._prepare(client, request, limit)
        started = time.monotonic()
        try:
            response = client.send(prepared, stream=True, follow_redirects=False)
            try:
                if limit is not None:
                    response.stream = _timed(response.stream, started + limit, request, limit)
                response.read()
            finally:
                response.close()
        except self._module.HTTPError as problem:
            raise self._translate(problem, request, limit) from problem
        except self._module.InvalidURL as problem:
            raise ConfigurationError(f"{request} cannot be sent: {problem}") from problem
        return response

    async def asend(self, request: Request, limit: float | None) -> Any:
        """The same for async code; the runtime in force keeps the limit by cancelling."""
        client = self._concurrent()
        prepared = self._prepare(client, request, limit)
        try:
            response = await client.send(prepared, stream=True, follow_redirects=False)
            try:
                await response.aread()
            finally:
                await response.aclose()
        except self._module.HTTPError as problem:
            raise self._translate(problem, request, limit) from problem
        except self._module.InvalidURL as problem:
            raise ConfigurationError(f"{request} cannot be sent: {problem}") from problem
        return response

    def answer(self, request: Request, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> Any:
        """A response that no server sent, for simulations."""
        prepared = self._prepare(self._blocking(), request, None)
        return self._module.Response(status, headers=list(headers), content=content, request=prepared)

    def _translate(self, problem: Exception, request: Request, limit: float | None) -> Exception:
        module = self._module
        if isinstance(problem, module.UnsupportedProtocol | module.LocalProtocolError):
            return ConfigurationError(f"{request} cannot be sent: {problem}")
        if isinstance(problem, module.ConnectError | module.ConnectTimeout | module.ProxyError):
            why = str(problem) or "timed out"
            return ConnectError(f"{request}: no connection was made ({why}); nothing was sent", request=request, sent=False)
        if isinstance(problem, module.PoolTimeout):
            return TransportTimeout(f"{request}: no connection became free in time; nothing was sent", request=request, sent=False)
        if isinstance(problem, module.TimeoutException):
            return _timed_out(request, limit)
        return TransportError(f"{request}: no usable answer ({type(problem).__name__}: {problem})", request=request)

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Closes the blocking client. Clients that the user made are the user's to close."""
        self._renew()
        self.closed = True
        if self._client is not None:
            self._client.close()
            self._client = None

    async def aclose(self) -> None:
        """Closes the blocking client and the one of this event loop."""
        self.close()
        client = self._loops.pop(_loop(), None)
        if client is not None:
            await client.aclose()


def _loop() -> Any:
    """What an async client belongs to: the running asyncio loop, or trio's token; None without either."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and (loop := asyncio._get_running_loop()) is not None:
        return loop
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.current_trio_token()
        except RuntimeError:
            return None
    return None


def _timeouts(timeout: Timeout, limit: float | None) -> tuple[float | None, ...]:
    parts = (timeout.connect, timeout.read, timeout.write, timeout.pool)
    if limit is None:
        return parts
    return tuple(limit if part is None or part > limit else part for part in parts)


@cache
def _timed_class(kind: type) -> Any:
    # The library checks the class of its streams, so ours is made a subclass of the one it gave.
    return type("Timed", (_Timed, kind), {})


def _timed(stream: Any, until: float, request: Request, limit: float) -> Any:
    kind = next(c for c in type(stream).__mro__ if c.__name__ == "SyncByteStream")
    return _timed_class(kind)(stream, until, request, limit)
