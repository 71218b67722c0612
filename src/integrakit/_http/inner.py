"""`Inner`: the wire under a `Transport`. Requests of one library's clients go out on transports of that library. Bodies of successes stay unread.

Which library it is, is known when the first request comes, unless a transport of it was given. No policy stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any
from urllib.request import getproxies
from weakref import WeakKeyDictionary

from integrakit._http.failures import transport_error
from integrakit._http.handed import HANDED, Handed, built
from integrakit._http.libraries import library_of, loop_in_force
from integrakit._http.tls import checked_tls, refused_for_its_version, set_it_there, tls_context
from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError
from integrakit.model.exchange import Request

__all__ = ["Inner"]


class _Routed:
    """A client in the place of a transport: it knows the proxies of the environment, which a transport does not."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.close = getattr(client, "close", None)
        self.aclose = getattr(client, "aclose", None)

    def handle_request(self, request: Any) -> Any:
        return self._client.send(request, stream=True, follow_redirects=False, auth=None)

    # What it gives is awaited.
    handle_async_request = handle_request


class Inner:
    """Hands requests on to transports of the library: those given, or its own, made when first used and anew after a fork.

    ``look``: of which URLs answers in JSON are read even when they are successes. Raises `TransportError` and its kin; the library's own exception
    is their ``__cause__``.
    """

    def __init__(self, given: Any = None, *, tls: str | None = None, look: Callable[[str], bool] | None = None) -> None:
        self._given = _checked_inner(given)
        self._tls = checked_tls(tls)
        if self._tls is not None and self._given:
            raise ConfigurationError(f"tls={tls!r} is for connections of integrakit's own, and inner= brings others; {set_it_there(self._tls)}")
        self._look = look
        self._guard = StateLock(self._forked).here
        self._name = next((name for each in self._given if (name := library_of(each))), None)
        #: The library; None before the first request.
        self.module: Any = None
        self._context: Any = None
        self._transport: Any = None
        self._loops: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def take(self, raw: Any, *, concurrent: bool) -> Handed:
        """A request of the library's. Raises `ConfigurationError` when it is not of the one library that this serves."""
        name = library_of(raw)
        if name is None:
            raise ConfigurationError(f"Transport serves clients of httpx and httpx2, and was handed a {type(raw).__module__}.{type(raw).__name__}")
        if name != self._name or self.module is None:
            with self._guard():
                if self._name not in (None, name):
                    why = "its inner= is one" if self._given else "it has served others"
                    raise ConfigurationError(
                        f"this Transport is asked by a client of {name}, and {why} of {self._name}: make a Transport for each library, "
                        "they may share their RateLimit, CircuitBreaker and other policies"
                    )
                self._name, self.module = name, import_module(name)
        return Handed(raw, concurrent)

    # ------------------------------------------------------------------ transports

    def _forked(self) -> None:
        # Nothing of the parent's connections may be used: both would read each other's answers.
        self._transport, self._loops = None, WeakKeyDictionary()

    def _blocking(self) -> Any:
        if self._given:
            return _with_method(self._given, "handle_request", "blocking")
        with self._guard():
            if self._transport is None:
                self._transport = self._make("Client", "HTTPTransport")
            return self._transport

    def _concurrent(self) -> Any:
        if self._given:
            return _with_method(self._given, "handle_async_request", "async")
        loop = loop_in_force()
        with self._guard():
            transport = self._loops.get(loop)
            if transport is None:
                for other in [other for other in self._loops if getattr(other, "is_closed", bool)()]:
                    del self._loops[other]  # its connections hold on to it, so it would never be collected
                transport = self._loops[loop] = self._make("AsyncClient", "AsyncHTTPTransport")
            return transport

    def _make(self, client: str, transport: str) -> Any:
        if self._tls is not None and self._context is None:
            self._context = tls_context(self.module, self._tls)
        options = {} if self._context is None else {"verify": self._context}
        if getproxies():
            # The library forgets the environment where a client is given a transport; a Transport must not take anybody's proxy away.
            return _Routed(getattr(self.module, client)(follow_redirects=False, **options))
        return getattr(self.module, transport)(**options)

    # ------------------------------------------------------------------ sending

    def send(self, request: Request, limit: float | None) -> Any:
        """One attempt, up to the headers of its answer, in ``limit`` seconds as far as the library's own time-outs hold to it."""
        handed, prepared = self._prepare(request, limit)
        transport = self._blocking()
        try:
            answer = transport.handle_request(prepared)
            # Of an async client, in a simulation: it could not read a blocking body.
            if not self._stays_unread(handed, answer) or (handed is not None and handed.concurrent):
                try:
                    content = b"".join(answer.stream)
                finally:
                    answer.close()
                return self._read(handed, answer, content)
        except self.module.HTTPError as problem:
            raise self._failure(problem, request, limit) from problem
        return answer if handed is None else handed.arrived(answer, prepared)

    async def asend(self, request: Request, limit: float | None) -> Any:
        handed, prepared = self._prepare(request, limit)
        transport = self._concurrent()
        try:
            answer = await transport.handle_async_request(prepared)
            if not self._stays_unread(handed, answer):
                try:
                    content = b"".join([part async for part in answer.stream])
                finally:
                    await answer.aclose()
                return self._read(handed, answer, content)
        except self.module.HTTPError as problem:
            raise self._failure(problem, request, limit) from problem
        return answer if handed is None else handed.arrived(answer, prepared)

    def answer(self, request: Request, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> Any:
        """An answer that no server sent: for simulations."""
        handed = _handed(request)
        made = self.made(status, headers, content)
        if handed is None or not self._stays_unread(handed, made):
            return self._read(handed, made, content)
        return handed.arrived(made, handed.raw)

    def made(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> Any:
        """A response of the library's with a body that nobody has read."""
        length = [] if status == 204 or any(name.lower() == "content-length" for name, _ in headers) else [("content-length", str(len(content)))]
        stream = self.module.ByteStream(content)
        return self.module.Response(status, headers=[*headers, *length], stream=stream, extensions={"http_version": b"HTTP/1.1"})

    @staticmethod
    def conceal(response: Any, headers: Sequence[str], params: Sequence[str]) -> None:
        """Nothing to do: answers know the request as the client made it, not as it was signed."""

    def _prepare(self, request: Request, limit: float | None) -> tuple[Handed | None, Any]:
        handed = _handed(request)
        return handed, built(self.module, request, limit) if handed is None else handed.changed(self.module, request, limit)

    # ------------------------------------------------------------------ answers and failures

    def _stays_unread(self, handed: Handed | None, answer: Any) -> bool:
        if handed is None or answer.status_code >= 400:
            return False
        if self._look is None or not self._look(handed.url):
            return True
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return not (kind == "application/json" or kind.endswith("+json"))

    def _read(self, handed: Handed | None, answer: Any, content: bytes) -> Any:
        """An answer to look at, whose body is there; and for the client another one of the same bytes, as if nobody had looked."""
        seen = self._like(answer, answer.headers, content)
        try:
            seen.read()
        except self.module.DecodingError:
            # What the client makes of it is its own business; here it is looked at as it came.
            fields = [(name, value) for name, value in answer.headers.multi_items() if name != "content-encoding"]
            seen = self._like(answer, fields, content)
            seen.read()
        if handed is not None:
            seen.request = handed.raw
            handed.ready.append((seen, self._like(answer, answer.headers, content)))
        return seen

    def _like(self, answer: Any, headers: Any, content: bytes) -> Any:
        stream = self.module.ByteStream(content)
        return self.module.Response(answer.status_code, headers=headers, stream=stream, extensions=answer.extensions)

    def _failure(self, problem: Exception, request: Request, limit: float | None) -> Exception:
        version = refused_for_its_version(self._tls, problem)
        if version:
            problem.add_note(version)
        error = transport_error(self.module, problem, request, limit, version)
        error.lasting = error.lasting or isinstance(problem, self.module.LocalProtocolError | self.module.UnsupportedProtocol)
        return error

    def original(self, error: BaseException) -> Exception:
        """The library's own exception that ``error`` stands for: the very one, or, where a policy or a limit was first, one that says the same."""
        cause: Any = error.__cause__
        if isinstance(cause, self.module.HTTPError):
            for note in getattr(error, "__notes__", ()):
                cause.add_note(note)
            found: Exception = cause
            return found
        name = {"ConnectError": "ConnectError", "TransportTimeout": "ReadTimeout"}.get(type(error).__name__, "ReadError")
        made: Exception = getattr(self.module, name)(str(error))
        made.__cause__ = error
        return made

    # ------------------------------------------------------------------ the end

    def call_given(self, method: str, *arguments: Any) -> list[Any]:
        """Calls a method of the given transports, where they have it: ``__enter__``, ``close`` and their kin."""
        return [getattr(each, method)(*arguments) for each in self._given if hasattr(each, method)]

    def close(self) -> None:
        """Closes the blocking transport of its own."""
        with self._guard():
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def aclose(self) -> None:
        """Closes that of this event loop; without one, in a simulation, the blocking one, which served the async client there."""
        loop = loop_in_force()
        if loop is None:
            self.close()
        with self._guard():
            transport = None if loop is None else self._loops.pop(loop, None)
        if transport is not None:
            await transport.aclose()


def _handed(request: Request) -> Handed | None:
    """What a client made; None for a request of an auth's own."""
    handed: Handed | None = None if request.extensions.get("foreign") else request.extensions.get(HANDED)
    return handed


def _checked_inner(given: Any) -> tuple[Any, ...]:
    each = () if given is None else tuple(given) if isinstance(given, tuple | list) else (given,)
    good = all(not isinstance(one, type) and (hasattr(one, "handle_request") or hasattr(one, "handle_async_request")) for one in each)
    if not good or len(each) > 2 or (given is not None and not each) or len({name for one in each if (name := library_of(one))}) > 1:
        raise ConfigurationError(
            "inner= takes a transport of httpx or httpx2, such as httpx.HTTPTransport(http2=True), or a pair of a blocking and an async one of the "
            f"same library, not {given!r}"
        )
    return each


def _with_method(given: Sequence[Any], method: str, colour: str) -> Any:
    for each in given:
        if hasattr(each, method):
            return each
    raise ConfigurationError(
        f"inner= of this Transport is not for {colour} code, it has no {method}(): inner=(transport, async_transport) serves both"
    )
