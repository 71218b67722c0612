"""`Handed`: one request that a client of the library made, as policies see it, and the same again as it goes out. No I/O but the closing of answers.

What no policy touches goes out as it came: the same object where nothing was touched at all, and otherwise the same header fields in their order and
spelling, the same body stream, the same extensions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlencode

from integrakit._http.encoding import encode_params
from integrakit._json import dumps
from integrakit.model.exchange import Request, Timeout

__all__ = ["HANDED", "HELD", "Handed", "held_to_the_end"]

#: Where in ``request.extensions`` the library's own request is, unless the request is an auth's own ("foreign").
HANDED = "handed"
#: Where policies put what must be called, an ``async def`` without arguments, when the body of the answer has been read or given up.
HELD = "held"
#: The library's time-outs are the client's business, and go with its own request.
_NO_TIMEOUT = Timeout(connect=None, read=None, write=None, pool=None, attempt=None)


class Handed:
    """One request of the library's, as it was handed to us, and the answers that came for it: one for each attempt."""

    __slots__ = ("answers", "concurrent", "content", "headers", "held", "raw", "ready", "url")

    def __init__(self, raw: Any, concurrent: bool) -> None:
        self.raw = raw
        #: Whether an async client made it.
        self.concurrent = concurrent
        self.url = str(raw.url)
        #: A view for policies: values of a repeated name are joined.
        self.headers = dict(raw.headers.items())
        #: None for a body that is made while it is sent, and can be sent once only.
        self.content: bytes | None = raw.content if hasattr(raw, "_content") else None
        #: Those whose bodies are unread.
        self.answers: list[Any] = []
        #: (an answer that was read to be looked at, the same answer as if it had not been).
        self.ready: list[tuple[Any, Any]] = []
        self.held: list[Callable[[], Any]] = []

    def request(self, deadline: float | None) -> Request:
        """It as policies see it."""
        # A body that is not known beforehand stands where files do: those who sign bodies know that they cannot sign that.
        return Request(
            method=self.raw.method,
            url=self.url,
            headers=dict(self.headers),
            content=self.content or None,
            files=self.raw.stream if self.content is None else None,
            timeout=_NO_TIMEOUT,
            deadline=deadline,
            extensions={HANDED: self, HELD: self.held},
        )

    def changed(self, module: Any, request: Request, limit: float | None) -> Any:
        """The library's request with what policies changed of it; itself where they changed nothing. ``limit``: seconds for each of its waits."""
        raw = self.raw
        url = raw.url if request.url == self.url and not request.params else module.URL(_whole_url(request))
        fresh = None
        same_body = request.files is raw.stream if self.content is None else request.files is None and request.content == (self.content or None)
        if not same_body or request.json is not None or request.data is not None:
            # Without the length of the body that was.
            headers = {name: value for name, value in request.headers.items() if name.lower() not in ("content-length", "transfer-encoding")}
            fresh = built(module, request.copy(headers=headers))
        if fresh is None and url is raw.url and request.headers == self.headers:
            if request.method == raw.method and limit is None:
                return raw
            headers = raw.headers
        else:
            headers = self._fields(module, request, url, fresh)
        extensions = raw.extensions if limit is None else _limited(raw.extensions, limit)
        return module.Request(request.method, url, headers=headers, stream=raw.stream if fresh is None else fresh.stream, extensions=extensions)

    def _fields(self, module: Any, request: Request, url: Any, fresh: Any) -> Any:
        """The header fields as they came, but for those that are others now."""
        fields = module.Headers(self.raw.headers.raw)
        kept = {name.lower() for name in request.headers}
        for name in self.headers:
            if name not in kept:
                del fields[name]
        for name, value in request.headers.items():
            if self.headers.get(name.lower()) != value:
                fields[name] = value
        if url.netloc != self.raw.url.netloc:
            fields["Host"] = url.netloc.decode("ascii")
        if fresh is not None:
            for name in ("content-length", "transfer-encoding"):
                fields.pop(name, None)
                if name in fresh.headers:
                    fields[name] = fresh.headers[name]
            if "content-type" in fresh.headers:
                fields.setdefault("content-type", fresh.headers["content-type"])
        return fields

    def arrived(self, answer: Any, prepared: Any) -> Any:
        """An answer whose body is unread: it knows the request as the client made it, not as it was signed."""
        answer.request = self.raw
        self.answers.append(answer)
        if prepared.extensions is not self.raw.extensions and prepared.extensions.get("timeout") is not self.raw.extensions.get("timeout"):
            # The body is read in the client's own time, however long it streams: the limit was for the headers.
            limited, own = prepared.extensions["timeout"], self.raw.extensions.get("timeout", {})
            limited.update(dict.fromkeys(limited) | own)
        return answer

    def for_the_client(self, answer: Any) -> Any:
        """The answer as if nobody had looked into it."""
        return next((fresh for seen, fresh in self.ready if seen is answer), answer)

    def others(self, kept: Any) -> list[Any]:
        """The answers that nobody will read: of attempts that were followed by another one, or by an error."""
        return [answer for answer in self.answers if answer is not kept and not answer.is_closed]

    async def close_all_but(self, kept: Any) -> None:
        """Closes the `others`."""
        for answer in self.others(kept):
            if self.concurrent:
                await answer.aclose()
            else:
                answer.close()


def _limited(extensions: dict[str, Any], limit: float) -> dict[str, Any]:
    told = extensions.get("timeout", {})
    limited = {name: limit if told.get(name) is None else min(limit, told[name]) for name in ("connect", "read", "write", "pool")}
    return {**extensions, "timeout": limited}


def built(module: Any, request: Request, limit: float | None = None) -> Any:
    """The library's request for one of ours that no client of the library made."""
    headers, content = request.headers, request.content
    if request.json is not None:
        content = dumps(request.json)
        headers = {"content-type": "application/json", **headers}
    extensions = {} if limit is None else _limited({}, limit)
    return module.Request(
        request.method, _whole_url(request), headers=headers, content=content, data=request.data, files=request.files, extensions=extensions
    )


def _whole_url(request: Request) -> str:
    url, mark, fragment = request.url.partition("#")
    if request.params and (pairs := encode_params(request.params)):
        url += ("&" if "?" in url else "?") + urlencode(pairs)
    return url + mark + fragment


def held_to_the_end(module: Any, stream: Any, end: Callable[[], Any], aend: Callable[[], Any]) -> Any:
    """The stream of an answer; when it is closed, ``end()`` is called, or ``aend()`` awaited, once."""
    return _stream_class(module)(stream, end, aend)


@cache
def _stream_class(module: Any) -> Any:
    class Held(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any, end: Callable[[], Any], aend: Callable[[], Any]) -> None:
            self._stream = stream
            self._end: Callable[[], Any] | None = end
            self._aend: Callable[[], Any] | None = aend

        def __iter__(self) -> Any:
            return iter(self._stream)

        def __aiter__(self) -> Any:
            return self._stream.__aiter__()

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                end, self._end = self._end, None
                if end is not None:
                    end()

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                end, self._aend = self._aend, None
                if end is not None:
                    await end()

    return Held
