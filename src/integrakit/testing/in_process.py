"""The simulated server without a socket: a host of the simulated runtime. It sees the same bytes that HTTP would bring, at virtual times."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

from integrakit._http import encode_params
from integrakit._json import dumps
from integrakit.errors import ConfigurationError, ConnectError, TransportError
from integrakit.model import Request
from integrakit.runtimes.simulated import Answer, Host, SimulatedRuntime
from integrakit.testing.exchange import Call, Headers, Reply

__all__ = ["call_of", "host", "refusing"]

_FORM = "application/x-www-form-urlencoded"


def call_of(request: Request) -> Call:
    """The call that a server gets when this request is sent."""
    parts = urlsplit(request.url)
    query = "&".join(part for part in (parts.query, urlencode(encode_params(request.params))) if part)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    headers = {"host": parts.netloc.rpartition("@")[2], **{name.lower(): value for name, value in request.headers.items()}}
    body = b""
    if request.files is not None:
        raise ConfigurationError("files= is not simulated: use a Simulator outside simulate(), which is a real server")
    if request.json is not None:
        body = dumps(request.json)
        headers.setdefault("content-type", "application/json")
    elif request.data is not None:
        body = urlencode(encode_params(request.data)).encode()
        headers.setdefault("content-type", _FORM)
    elif request.content is not None:
        body = request.content.encode() if isinstance(request.content, str) else bytes(request.content)
    if body or request.method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(body))
    return Call(request.method.upper(), f"{path}?{query}" if query else path, Headers(headers.items()), body)


def host(handle: Callable[[Call], Reply], finish: Callable[[Reply], None]) -> Host:
    """A host that answers with ``handle``; ``finish`` is told when the reply is out."""

    async def answer(request: Request, world: SimulatedRuntime) -> Answer:
        call = call_of(request)
        reply = handle(call)
        try:
            await world.sleep(reply.delay)
        finally:
            finish(reply)
        if reply.dropped:
            raise TransportError(f"{request!r}: the server closed the connection without an answer", request=request)
        status = reply.status or 500
        headers = reply.headers if status == 204 else [*reply.headers, ("Content-Length", str(len(reply.body)))]
        return status, headers, b"" if call.method == "HEAD" else reply.body

    return answer


async def refusing(request: Request, world: SimulatedRuntime) -> Answer:
    """The host that is left when a simulator has stopped: nobody listens."""
    raise ConnectError(f"{request!r}: connection refused, the simulator has stopped", request=request, sent=False)
