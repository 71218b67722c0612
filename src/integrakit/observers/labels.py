"""What events are counted under: few and bounded names, so that no server, link or typing error makes a new time series for each request. Pure."""

from __future__ import annotations

import threading
from typing import Any

from integrakit.model import Request, Response
from integrakit.model.exchange import origin

__all__ = ["METHODS", "OTHER", "Bounded", "error_type", "method_label", "outcome", "server", "status_class"]

#: Those of RFC 9110 and RFC 5789; all others are counted together.
METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
OTHER = "_OTHER"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def method_label(request: Request) -> str:
    return request.method if request.method in METHODS else OTHER


def server(request: Request) -> tuple[str, str, int]:
    """Name, name with its port where that is not the default, and port. Empty and 0 for a URL that cannot be read."""
    scheme, host, port = origin(request.url)
    usual = port is None or _DEFAULT_PORTS.get(scheme) == port
    return host, host if usual else f"{host}:{port}", port or 0


def status_class(response: Response | None, error: BaseException | None) -> str:
    """``2xx`` … ``5xx``; without an answer ``error``, or ``cancelled``."""
    if response is not None:
        return f"{response.status_code // 100}xx"
    return outcome(error)


def outcome(error: BaseException | None) -> str:
    """``ok``, ``error`` or ``cancelled``."""
    if error is None:
        return "ok"
    return "error" if isinstance(error, Exception) else "cancelled"


def error_type(response: Response | None, error: BaseException | None) -> str | None:
    """The status from 400 on, or the class of the error with its module: what OpenTelemetry calls ``error.type``. None for a success."""
    if response is not None and response.status_code >= 400:
        return str(response.status_code)
    if error is None:
        return None
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Bounded:
    """The first ``most`` names that are seen, and ``_OTHER`` for those that come later. Safe for threads."""

    __slots__ = ("_known", "_lock", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def __call__(self, given: Any) -> str:
        name = str(given)
        if name in self._known:  # a set that is replaced and never changed is read without the lock
            return name
        with self._lock:
            if len(self._known) >= self._most and name not in self._known:
                return OTHER
            self._known |= {name}
        return name
