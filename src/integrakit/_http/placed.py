"""A body that goes to a place of its own, piece by piece, instead of into memory: to a file, for a download. What becomes of it there is the place's.

Loaded by the first request that names one, so that all others pay nothing for it. An answer that the place does not take (an error, a redirect) is
read into memory, and not all of it where it is large.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import anyio

from integrakit._http.failures import timed_out
from integrakit.model.exchange import Request

__all__ = ["Place", "areceive", "asend_into", "receive"]

#: Bytes of a body that are kept in memory all the same, for whoever looks for an error in it.
KEPT = 65_536
#: Bytes that go to a worker thread at once: a thread takes as long as it takes to write that much.
PIECE = 262_144


class Place(Protocol):
    """Where a body goes. Its methods block; those of async code call them through `blocking`."""

    #: Seconds until the headers of an answer must be there, where the request has no limit of its own.
    answer_within: float | None
    #: Whether the body of the latest answer is in memory, too: it was short.
    in_memory: bool

    def begin(self, status: int, headers: Mapping[str, str], framed: bool) -> bool:
        """An answer has come. Whether it is the one whose body belongs here. ``framed``: the protocol itself says where bodies end."""
        ...

    def moved(self, count: int) -> None:
        """So many bytes have come. Raises where they come too slowly."""
        ...

    def write(self, data: bytes) -> None: ...

    def end(self) -> None:
        """The body is over. Raises where it is not the one that was promised."""
        ...

    async def blocking(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls one of the methods without holding up an event loop."""
        ...


class _Short:
    """The body as far as it is kept in memory."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= KEPT:
            self._parts.append(part)
        elif self._parts:
            self._parts, self._place.in_memory = [], False

    def all(self) -> bytes:
        return b"".join(self._parts) if self._place.in_memory else b""


class _Waiting:
    """What has come and is not written."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> bool:
        """Whether it is time to write."""
        self._parts.append(part)
        self._size += len(part)
        return self._size >= PIECE

    async def write(self) -> None:
        parts, self._parts, self._size = self._parts, [], 0
        if parts:
            await self._place.blocking(self._place.write, b"".join(parts))


def _framed(response: Any) -> bool:
    # HTTP/2 and 3 end each body; in HTTP/1 it takes a header to know.
    return bool(response.extensions.get("http_version", b"HTTP/1.1") in (b"HTTP/2", b"HTTP/3"))


def _content(module: Any, response: Any, content: bytes) -> None:
    """Makes ``content`` the response's body; the stream it had is over."""
    response.stream = module.ByteStream(content)
    response.read()


def receive(module: Any, response: Any, place: Place, request: Request, patience: Callable[[float | None], float | None]) -> None:
    """Reads the body in blocking code. ``patience(seconds)`` lets the socket wait so much longer, and gives the moment when it must not any more."""
    stream, stall = response.stream, request.timeout.read
    try:
        if not place.begin(response.status_code, response.headers, _framed(response)):
            content = _beginning(stream, request, stall)
            stream.close()
            _content(module, response, content)
            return
        kept = _Short(place)
        until = patience(stall)
        for part in stream:
            if until is not None and time.monotonic() > until:
                raise timed_out(request, None)
            place.moved(len(part))
            kept.add(part)
            place.write(part)
            until = patience(stall)
        place.end()
    finally:
        stream.close()
    _content(module, response, kept.all())


def _beginning(stream: Any, request: Request, stall: float | None) -> bytes:
    until = math.inf if stall is None else time.monotonic() + stall
    parts, size = [], 0
    for part in stream:
        parts.append(part)
        size += len(part)
        if size >= KEPT:
            break
        if time.monotonic() > until:
            raise timed_out(request, stall)
    return b"".join(parts)[:KEPT]


async def asend_into(place: Place, send: Callable[[], Any]) -> Any:
    """Awaits the headers of an answer, no longer than the place waits for them. Raises `TimeoutError`."""
    with anyio.fail_after(place.answer_within):
        return await send()


async def areceive(module: Any, response: Any, place: Place, request: Request) -> None:
    """Reads the body in async code. Raises `TransportTimeout` when nothing comes any more."""
    stream = response.stream
    stall = math.inf if request.timeout.read is None else request.timeout.read
    parts = aiter(stream)
    over = False
    content = b""
    try:
        with anyio.CancelScope(deadline=anyio.current_time() + stall) as scope:
            if await place.blocking(place.begin, response.status_code, response.headers, _framed(response)):
                kept, waiting = _Short(place), _Waiting(place)
                try:
                    async for part in parts:
                        place.moved(len(part))
                        kept.add(part)
                        if waiting.add(part):
                            scope.deadline = math.inf  # the disk may take its time
                            await waiting.write()
                        scope.deadline = anyio.current_time() + stall
                finally:
                    # What has come is kept, too, where no more will.
                    scope.deadline = math.inf
                    await waiting.write()
                await place.blocking(place.end)
                content, over = kept.all(), True
            else:
                content, over = await _abeginning(parts)
        if scope.cancelled_caught:
            raise timed_out(request, request.timeout.read)
    finally:
        if not over:
            await _abandon(parts)
        await stream.aclose()
    _content(module, response, content)


async def _abeginning(parts: Any) -> tuple[bytes, bool]:
    """The first bytes, and whether they are all of it."""
    found, size = [], 0
    async for part in parts:
        found.append(part)
        size += len(part)
        if size >= KEPT:
            return b"".join(found)[:KEPT], False
    return b"".join(found), True


async def _abandon(parts: Any) -> None:
    """Ends the library's own async generators where they wait: trio complains of each that is dropped in the middle."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        async for _ in parts:
            pass
