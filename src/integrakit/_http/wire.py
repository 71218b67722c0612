"""`Wire`: requests on their way out, and what comes back. The two libraries have the same shape; none is imported that was not asked for.

A `Wire` holds one blocking client, and one async client for each event loop, made when first used and made anew after a fork.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import urlencode
from urllib.request import getproxies
from weakref import WeakKeyDictionary

from integrakit._http.bounded import Bound, bounded_transport
from integrakit._http.encoding import encode_params, open_files
from integrakit._http.failures import timed_out, transport_error
from integrakit._http.libraries import LIBRARIES, loop_in_force
from integrakit._http.tls import checked_tls, refused_for_its_version, set_it_there, tls_context
from integrakit._json import dumps
from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError
from integrakit.model.exchange import Request, Timeout

__all__ = ["BODY_TO", "Wire"]

#: Where in ``request.extensions`` the names of those parameters are that nobody but the server may see.
SECRET_PARAMS = "secret_params"
#: Where in ``request.extensions`` the `Place` is that the body of the answer goes to, instead of into memory.
BODY_TO = "body_to"
#: The library of a client that names none. The tests put the other one here, and run everything again.
DEFAULT = "httpx"
#: Sent with each request by clients of our own making; merged once, and not for each request.
_OWN_HEADERS = MappingProxyType({"user-agent": "integrakit"})
#: Headers by which an HTTP library's own settings may have signed a request.
_SIGNED_BY_LIBRARY = ("authorization", "cookie", "proxy-authorization")


def _library(http: Any) -> tuple[str, Any, Any]:
    """Name of the library, and the user's own blocking and async clients where given."""
    if http is None or (isinstance(http, str) and http in LIBRARIES):
        return http or DEFAULT, None, None
    given = http if isinstance(http, tuple | list) and http else (http,)
    name: str | None = None
    found: dict[str, Any] = {"Client": None, "AsyncClient": None}
    for client in given:
        kind = next(
            ((c.__module__.partition(".")[0], c.__name__) for c in type(client).__mro__ if c.__module__.partition(".")[0] in LIBRARIES),
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
                raise timed_out(self._request, self._limit)

    def close(self) -> None:
        self._stream.close()


class Wire:
    """Sends requests for one `Client`. Safe to use from several threads and event loops at once.

    ``tls``: the lowest version of TLS that will do, "1.2" or "1.3". Raises `ConfigurationError` where the clients are the user's own: theirs to say.
    """

    def __init__(self, http: Any = None, *, tls: str | None = None) -> None:
        self._name, self._given, self._agiven = _library(http)
        self._own = self._given is None and self._agiven is None
        self._tls = checked_tls(tls)
        if self._tls is not None and not self._own:
            raise ConfigurationError(f"tls={tls!r} is for connections of integrakit's own, and http= brings others; " + set_it_there(self._tls))
        self._context: Any = None
        self._guard = StateLock(self._forked).here
        self._client: Any = None
        # Weak, since trio's runs do not say when they are over.
        self._loops: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._bound = Bound()
        self._is_bounded = False
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

    def _forked(self) -> None:
        # Nothing of the parent's connections may be used: both would read each other's answers.
        self._client, self._loops = None, WeakKeyDictionary()

    def warm(self, world: str) -> None:
        """Makes the inner client of this place now, where it would be made at the first request: importing the library takes as long as many."""
        if world == "blocking":
            self._blocking()
        elif world == "concurrent":
            self._concurrent()

    def _blocking(self) -> Any:
        lock = self._guard()
        client = self._given or self._client
        if client is None:
            if not self._own:
                raise ConfigurationError("this client was given an AsyncClient only: give http=(client, async_client), or await the a… methods")
            with lock:
                if self._client is None:
                    # A proxy in the environment is the library's own business; with one, drops of headers are not counted.
                    self._is_bounded = not getproxies()
                    options = self._verified()
                    if self._is_bounded:
                        options = {"transport": bounded_transport(self._name, self._bound, options.get("verify"))}
                    self._client = self._module.Client(follow_redirects=False, headers=_OWN_HEADERS, **options)
                client = self._client
        return client

    def _concurrent(self) -> Any:
        lock = self._guard()
        if self._agiven is not None:
            return self._agiven
        if not self._own:
            raise ConfigurationError("this client was given a blocking Client only: give http=(client, async_client) to use it in async code")
        loop = loop_in_force()
        client = self._loops.get(loop)
        if client is None:
            with lock:
                for other in [other for other in self._loops if getattr(other, "is_closed", bool)()]:
                    # Its connections hold on to it, so it would never be collected.
                    del self._loops[other]
                client = self._loops[loop] = self._module.AsyncClient(follow_redirects=False, headers=_OWN_HEADERS, **self._verified())
        return client

    def _verified(self) -> dict[str, Any]:
        """What the library's clients are told of TLS. One context for all of them: it takes 10 ms to make."""
        if self._tls is None:
            return {}
        if self._context is None:
            self._context = tls_context(self._module, self._tls)
        return {"verify": self._context}

    def _prepare(self, client: Any, request: Request, limit: float | None, opened: list[IO[bytes]]) -> Any:
        if self.closed:
            raise ConfigurationError("this client is closed: make a new one, or keep it open as long as it is used")
        url, target = request.url.partition("#")[0], None
        if request.params and (pairs := encode_params(request.params)):
            mark = "&" if "?" in url else "?"
            secret = request.extensions.get(SECRET_PARAMS)
            if secret and self._own and not getproxies():
                # Out of the URL, which the library logs, and put on the wire all the same. A proxy needs it whole, and others' transports may, too.
                target = self._module.URL(url + mark + urlencode(pairs)).raw_path
                pairs = [pair for pair in pairs if pair[0] not in secret]
            if pairs:
                url += mark + urlencode(pairs)
        headers, content = request.headers, request.content
        if request.json is not None:
            content = dumps(request.json)
            headers = {"content-type": "application/json", **headers}
        try:
            parts: dict[str, Any] = {
                "headers": headers or None,
                "content": content,
                "data": request.data,
                "files": None if request.files is None else open_files(request.files, opened),
            }
            if request.extensions.get("foreign"):
                # What the library's client adds on its own, its headers, parameters and cookies, are credentials too.
                return self._module.Request(request.method, url, **parts, extensions={"timeout": _timeouts(request.timeout, limit)})
            # As an extension: the library would make an object of its own of it first.
            extensions: dict[str, Any] = {"timeout": _timeouts(request.timeout, limit)}
            if target is not None:
                extensions["target"] = target
            return client.build_request(request.method, url, **parts, extensions=extensions)
        except (self._module.InvalidURL, self._module.UnsupportedProtocol, TypeError, ValueError) as problem:
            raise ConfigurationError(f"{request} cannot be built: {problem}") from problem

    # ------------------------------------------------------------------ sending

    def send(self, request: Request, limit: float | None) -> Any:
        """Sends and reads the whole body, in ``limit`` seconds by the clock. Raises `TransportError` and its kin."""
        client = self._blocking()
        started, before = time.monotonic(), self._bound.until
        opened: list[IO[bytes]] = []
        place = request.extensions.get(BODY_TO)
        try:
            prepared = self._prepare(client, request, limit, opened)
            self._bound.until = None if limit is None else started + limit
            if place is not None:
                return self._send_into(place, client, prepared, request)
            response = client.send(prepared, stream=True, follow_redirects=False, **_no_auth(request))
            try:
                if limit is not None and not self._is_bounded:
                    response.stream = _timed(response.stream, started + limit, request, limit)
                response.read()
            finally:
                response.close()
        except (self._module.HTTPError, self._module.InvalidURL, RuntimeError) as problem:
            raise self._translate(problem, request, limit) from self._cause(problem)
        finally:
            self._bound.until = before
            for file in opened:
                file.close()
        return response

    def _send_into(self, place: Any, client: Any, prepared: Any, request: Request) -> Any:
        """`send` for a body that goes elsewhere. Without a limit, each piece of it may take a while, but not for ever."""
        from integrakit._http.placed import receive  # for those who download

        last = self._bound.until

        def patience(seconds: float | None) -> float | None:
            until = None if seconds is None else time.monotonic() + seconds
            self._bound.until = until if last is None else last if until is None else min(last, until)
            return last

        patience(place.answer_within)
        response = client.send(prepared, stream=True, follow_redirects=False, **_no_auth(request))
        receive(self._module, response, place, request, patience)
        return response

    async def asend(self, request: Request, limit: float | None) -> Any:
        """The same for async code; the runtime in force keeps the limit by cancelling."""
        client = self._concurrent()
        opened: list[IO[bytes]] = []
        place = request.extensions.get(BODY_TO)
        try:
            prepared = self._prepare(client, request, limit, opened)
            if place is not None:
                return await self._asend_into(place, client, prepared, request)
            response = await client.send(prepared, stream=True, follow_redirects=False, **_no_auth(request))
            stream = response.stream
            try:
                content = [part async for part in stream]
            finally:
                await stream.aclose()
            # Decoded from memory: where that fails in the middle of the library's own async generators, trio complains of each of them.
            response.stream = self._module.ByteStream(b"".join(content))
            response.read()
        except (self._module.HTTPError, self._module.InvalidURL, RuntimeError) as problem:
            raise self._translate(problem, request, limit) from self._cause(problem)
        finally:
            for file in opened:
                file.close()
        return response

    async def _asend_into(self, place: Any, client: Any, prepared: Any, request: Request) -> Any:
        from integrakit._http.placed import areceive, asend_into  # for those who download

        try:
            response = await asend_into(place, lambda: client.send(prepared, stream=True, follow_redirects=False, **_no_auth(request)))
        except TimeoutError:
            raise timed_out(request, place.answer_within) from None
        await areceive(self._module, response, place, request)
        return response

    @staticmethod
    def conceal(response: Any, headers: Sequence[str], params: Sequence[str]) -> None:
        """Takes what only the server may know out of the library's own record of the request: it travels with the response, and with errors."""
        shown = response.request.headers
        for name in (*headers, *_SIGNED_BY_LIBRARY):
            if name in shown:
                shown[name] = "***"
        for name in params:
            response.request.url = response.request.url.copy_remove_param(name)

    def answer(self, request: Request, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> Any:
        """A response that no server sent, for simulations."""
        prepared = self._prepare(self._blocking(), request, None, [])
        place, fields = request.extensions.get(BODY_TO), self._module.Headers(list(headers))
        if place is not None and place.begin(status, fields, True):
            place.write(content)
            place.end()
            if "content-encoding" in fields:
                place.in_memory, content = False, b""
        return self._module.Response(status, headers=fields, content=content, request=prepared)

    def _translate(self, problem: Exception, request: Request, limit: float | None) -> Exception:
        module = self._module
        if isinstance(problem, module.LocalProtocolError):
            # The library's words hold the value of the header, which may be a credential.
            what = "a header holds characters that HTTP cannot carry" if "header" in str(problem).lower() else str(problem)
            return ConfigurationError(f"{request} cannot be sent: {what}")
        if isinstance(problem, module.UnsupportedProtocol | module.InvalidURL):
            return ConfigurationError(f"{request} cannot be sent: {problem}")
        if not isinstance(problem, module.HTTPError):
            if "client has been closed" not in str(problem):
                return problem
            return ConfigurationError("the http= client that this client was given is closed: keep it open as long as it is used")
        return transport_error(module, problem, request, limit, refused_for_its_version(self._tls, problem))

    def _cause(self, problem: Exception) -> BaseException | None:
        """Chained, except where the library's words hold a header's value, and where it is no error of the library at all."""
        return (
            problem if isinstance(problem, self._module.HTTPError) and not isinstance(problem, self._module.LocalProtocolError) else problem.__cause__
        )

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Closes the blocking client. Clients that the user made are the user's to close."""
        self._guard()  # for the client of this process
        self.closed = True
        if self._client is not None:
            self._client.close()
            self._client = None

    async def aclose(self) -> None:
        """Closes the blocking client and the one of this event loop."""
        self.close()
        loop = loop_in_force()
        client = None if loop is None else self._loops.pop(loop, None)
        if client is not None:
            await client.aclose()


def _no_auth(request: Request) -> dict[str, Any]:
    """At another origin, the credentials of the user's own HTTP client stay at home too."""
    return {"auth": None} if request.extensions.get("foreign") else {}


def _timeouts(timeout: Timeout, limit: float | None) -> dict[str, float | None]:
    """As both libraries hand them to their cores; none beyond the limit."""
    connect, read, write, pool = timeout.connect, timeout.read, timeout.write, timeout.pool
    if limit is not None:
        connect = limit if connect is None or connect > limit else connect
        read = limit if read is None or read > limit else read
        write = limit if write is None or write > limit else write
        pool = limit if pool is None or pool > limit else pool
    return {"connect": connect, "read": read, "write": write, "pool": pool}


@cache
def _timed_class(kind: type) -> Any:
    # The library checks the class of its streams, so ours is made a subclass of the one it gave.
    return type("Timed", (_Timed, kind), {})


def _timed(stream: Any, until: float, request: Request, limit: float) -> Any:
    kind = next(c for c in type(stream).__mro__ if c.__name__ == "SyncByteStream")
    return _timed_class(kind)(stream, until, request, limit)
