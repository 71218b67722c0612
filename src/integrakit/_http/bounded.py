"""A transport for blocking code that keeps the time of a whole attempt by the clock.

The HTTP libraries begin their read timeout anew with every drop that comes, so a server that drips its headers or its body holds a thread for ever.
Async code is cancelled from outside; here each operation on the socket is given what is left of the attempt, and no more. Built on the public parts
of the library and of its core only. Nothing else may live here.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["Bound", "bounded_transport"]

_CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}
#: As both libraries set them for their own transports.
_POOL = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
#: A body is handed to the socket in pieces of this size, since the clock is looked at before each.
_PIECE = 65_536


class Bound(threading.local):
    """Until when this thread's attempt may go on (monotonic seconds); None: for as long as it takes."""

    until: float | None = None

    def left(self, timeout: float | None, expired: type[Exception]) -> float | None:
        """What one operation may take; raises ``expired`` when nothing is left."""
        if self.until is None:
            return timeout
        left = self.until - time.monotonic()
        if left <= 0:
            raise expired("timed out")
        return left if timeout is None or left < timeout else timeout


@cache
def _transport_class(library: str) -> Any:
    http, core = import_module(library), import_module(_CORES[library])

    class Stream(core.NetworkStream):  # type: ignore[name-defined, misc]
        def __init__(self, inner: Any, bound: Bound) -> None:
            self._inner = inner
            self._bound = bound
            self.close = inner.close
            self.get_extra_info = inner.get_extra_info

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            data: bytes = self._inner.read(max_bytes, self._bound.left(timeout, core.ReadTimeout))
            return data

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            for start in range(0, len(buffer), _PIECE):
                self._inner.write(buffer[start : start + _PIECE], self._bound.left(timeout, core.WriteTimeout))

        def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, self._bound.left(timeout, core.ConnectTimeout)), self._bound)

    class Backend(core.SyncBackend):  # type: ignore[name-defined, misc]
        def __init__(self, bound: Bound) -> None:
            self._bound = bound

        def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> Any:
            return Stream(super().connect_tcp(host, port, self._bound.left(timeout, core.ConnectTimeout), **options), self._bound)

    def translated(problem: Exception) -> Exception:
        """The core's errors have the same names in the library."""
        for kind in type(problem).__mro__:
            # By the core's own name: httpx2.alias_httpx() makes it answer to the other's.
            if kind.__module__.partition(".")[0] == core.__name__ and isinstance(found := getattr(http, kind.__name__, None), type):
                error: Exception = found(str(problem))
                return error
        return problem

    class Body(http.SyncByteStream):  # type: ignore[name-defined, misc]
        def __init__(self, inner: Any) -> None:
            self._inner = inner
            self.close = inner.close

        def __iter__(self) -> Any:
            try:
                yield from self._inner
            except Exception as problem:
                raise translated(problem) from problem

    class Bounded(http.BaseTransport):  # type: ignore[name-defined, misc]
        def __init__(self, bound: Bound, context: Any) -> None:
            self._pool = core.ConnectionPool(ssl_context=context or http.create_ssl_context(), network_backend=Backend(bound), **_POOL)
            self.close = self._pool.close

        def handle_request(self, request: Any) -> Any:
            url = request.url
            asked = core.Request(
                method=request.method,
                url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
            try:
                answer = self._pool.handle_request(asked)
            except Exception as problem:
                raise translated(problem) from problem
            return http.Response(status_code=answer.status, headers=answer.headers, stream=Body(answer.stream), extensions=answer.extensions)

    return Bounded


def bounded_transport(library: str, bound: Bound, context: Any = None) -> Any:
    """A transport of ``library`` whose every wait ends at ``bound.until`` of the thread it happens in. ``context``: of TLS, if not the library's."""
    return _transport_class(library)(bound, context)
