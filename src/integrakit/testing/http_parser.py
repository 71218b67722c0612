"""HTTP/1.1 requests out of bytes. Pure, and strict: what two readers could understand differently is refused."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from attrs import frozen

from integrakit.testing.exchange import Call, Headers

__all__ = ["MAX_BODY", "MAX_HEAD", "BadHttp", "Parsed", "parse", "wants_continue"]

MAX_HEAD = 65_536
MAX_BODY = 32 * 1024 * 1024
_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\r\n]*)?")


class BadHttp(Exception):
    """These bytes are no request: answer ``status`` and close. Never leaves the simulator."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@frozen
class Parsed:
    """One request, how many bytes it took, and whether the connection stays open after it."""

    call: Call
    size: int
    keep_alive: bool


def parse(data: bytes | bytearray) -> Parsed | None:
    """The first request in ``data``, or None when more bytes are needed. Raises `BadHttp`."""
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
    end = data.find(_END, start, start + MAX_HEAD)
    if end < 0:
        if len(data) - start > MAX_HEAD:
            raise BadHttp(431, f"the head of the request is longer than {MAX_HEAD} bytes")
        return None
    request_line, *lines = bytes(data[start:end]).split(b"\r\n")
    found = _REQUEST_LINE.fullmatch(request_line)
    if found is None:
        raise BadHttp(400, "the request line is not HTTP")
    method, target = found[1].decode(), found[2].decode()
    if found[3] != b"1":
        raise BadHttp(505, "HTTP/1.1 is spoken here")
    pairs: list[tuple[str, str]] = []
    for line in lines:
        part = _FIELD.fullmatch(line)
        if part is None:
            raise BadHttp(400, "a header line is not of the form name: value")
        pairs.append((part[1].decode(), _decoded(part[2]).strip(" \t")))
    headers = Headers(pairs)
    modern = found[4] != b"0"
    if modern and "host" not in headers:
        raise BadHttp(400, "the Host header is missing")
    body, size = _body(data, end + len(_END), headers)
    if body is None:
        return None
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    keep_alive = "close" not in options if modern else "keep-alive" in options
    return Parsed(Call(method, _origin_form(target), headers, body), size, keep_alive)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _origin_form(target: str) -> str:
    if target.startswith("/") or "://" not in target:
        return target
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadHttp(400, "the address in the request line is not a URL") from None
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _body(data: bytes | bytearray, start: int, headers: Headers) -> tuple[bytes | None, int]:
    """The body and where it ends; None while it is not all there."""
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise BadHttp(400, "Content-Length and Transfer-Encoding exclude each other")
        if coding.lower() != "chunked":
            raise BadHttp(501, "the only Transfer-Encoding understood is chunked")
        return _chunks(data, start)
    if length is None:
        return b"", start
    if not (length.isascii() and length.isdecimal() and len(length) < 16):
        raise BadHttp(400, "Content-Length is not a number")
    end = start + int(length)
    if end - start > MAX_BODY:
        raise BadHttp(413, f"the body is longer than {MAX_BODY} bytes")
    return (bytes(data[start:end]), end) if len(data) >= end else (None, start)


def _chunks(data: bytes | bytearray, at: int) -> tuple[bytes | None, int]:
    body = bytearray()
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            if len(data) - at > 1024:
                raise BadHttp(400, "a chunk has no size")
            return None, at
        found = _CHUNK.fullmatch(bytes(data[at:line_end]))
        if found is None:
            raise BadHttp(400, "a chunk has no size")
        size, at = int(found[1], 16), line_end + 2
        if len(body) + size > MAX_BODY:
            raise BadHttp(413, f"the body is longer than {MAX_BODY} bytes")
        if size == 0:
            return _trailers(data, at, body)
        if len(data) < at + size + 2:
            return None, at
        if data[at + size : at + size + 2] != b"\r\n":
            raise BadHttp(400, "a chunk is longer than its size")
        body += data[at : at + size]
        at += size + 2


def _trailers(data: bytes | bytearray, at: int, body: bytearray) -> tuple[bytes | None, int]:
    if data.startswith(b"\r\n", at):
        return bytes(body), at + 2
    end = data.find(_END, at)
    if end < 0:
        if len(data) - at > MAX_HEAD:
            raise BadHttp(431, "the trailers are too long")
        return None, at
    return bytes(body), end + len(_END)


def wants_continue(data: bytes | bytearray) -> bool:
    """Whether the sender of an incomplete request waits for ``100 Continue`` before it sends the body."""
    end = data.find(_END)
    return end >= 0 and b"\r\nexpect: 100-continue" in data[:end].lower()
