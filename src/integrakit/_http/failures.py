"""How an exception of an HTTP library becomes one of ours. Pure: nothing is sent here, and nothing decided."""

from __future__ import annotations

from typing import Any

from integrakit.errors import ConnectError, TransportError, TransportTimeout
from integrakit.model.exchange import Request

__all__ = ["said", "timed_out", "transport_error"]


def said(problem: BaseException) -> str:
    """The words of an exception, or of the nearest one behind it that has any: under trio those of a failed handshake lie deep."""
    link: BaseException | None = problem
    while link is not None and not str(link):
        link = link.__cause__ or link.__context__
    return "" if link is None else str(link)


def timed_out(request: Request, limit: float | None) -> TransportTimeout:
    within = "" if limit is None else f" within {limit:g} s"
    return TransportTimeout(f"{request} was not answered{within}", request=request)


def transport_error(module: Any, problem: Exception, request: Request, limit: float | None, version: str = "") -> TransportError:
    """What an ``HTTPError`` of ``module`` is here. ``version``: what is known of a handshake that failed for the version of TLS."""
    if isinstance(problem, module.ConnectError | module.ConnectTimeout | module.ProxyError):
        why = version or said(problem) or "timed out"
        error = ConnectError(f"{request}: no connection was made ({why}); nothing was sent", request=request, sent=False)
        error.lasting = bool(version)
        return error
    if isinstance(problem, module.PoolTimeout):
        return TransportTimeout(f"{request}: no connection became free in time; nothing was sent", request=request, sent=False)
    if isinstance(problem, module.TimeoutException):
        return timed_out(request, limit)
    return TransportError(f"{request}: no usable answer ({type(problem).__name__}: {problem})", request=request)
