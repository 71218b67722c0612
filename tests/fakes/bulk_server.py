"""A server of one big file that keeps its word or not: it cuts, drips, lies about lengths and ranges, and changes the file between two requests.

Give `BulkFile` to the ``serve`` fixture as its script. What it does at the first request, the second … stands in ``plan``; after that it behaves.
"""

from __future__ import annotations

import gzip
import re
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any


class BulkFile:
    """``plan``: one of these for each request: "good", ("cut", bytes), ("drop", bytes), ("slow", piece, seconds), "ignore range", "wrong range",
    "other version", "unasked part", "long", "unsatisfiable", or what `LoopbackServer` takes as an answer."""

    def __init__(
        self, body: bytes, *, etag: str | None = '"v1"', ranges: bool = True, headers: dict[str, str] | None = None, plan: Sequence[Any] = ()
    ) -> None:
        self.body = body
        self.etag = etag
        self.ranges = ranges
        self.headers = {"Content-Type": "text/csv", **(headers or {})}
        self.plan = list(plan)

    def __call__(self, asked: Any) -> Any:
        act = self.plan.pop(0) if self.plan else "good"
        if not isinstance(act, str) and not (isinstance(act, tuple) and isinstance(act[0], str)):
            return act
        if act == "other version":
            self.body, self.etag = self.body.swapcase(), '"v2"'
        headers = {**self.headers, "Connection": "close"}
        if self.etag is not None:
            headers["ETag"] = self.etag
        if self.ranges:
            headers["Accept-Ranges"] = "bytes"
        body, status = self.body, 200
        start = self._start(asked, act)
        if act == "unsatisfiable":
            return 416, {"Content-Range": f"bytes */{len(body)}"}, b"no such range"
        if act == "unasked part":
            start = 10
        if start is not None:
            told = start + 7 if act == "wrong range" else start
            headers["Content-Range"] = f"bytes {told}-{len(body) - 1}/{len(body)}"
            body, status = body[told:], 206
        length = len(body) - 5 if act == "long" else len(body)
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + f"Content-Length: {length}\r\n\r\n"
        return self._sending(head.encode("latin-1"), body, act)

    def _start(self, asked: Any, act: Any) -> int | None:
        found = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        if found is None or not self.ranges or act == "ignore range":
            return None
        condition = asked.headers.get("if-range")
        known = self.etag if self.etag is not None else self.headers.get("Last-Modified")
        if condition is not None and condition != known and act != "careless":
            return None
        return int(found[1])

    @staticmethod
    def _sending(head: bytes, body: bytes, act: Any) -> Callable[[socket.socket], None]:
        def send(connection: socket.socket) -> None:
            if isinstance(act, tuple) and act[0] == "slow":
                connection.sendall(head)
                for at in range(0, len(body), act[1]):
                    connection.sendall(body[at : at + act[1]])
                    time.sleep(act[2])
                return
            if isinstance(act, tuple) and act[0] in ("cut", "drop"):
                connection.sendall(head + body[: act[1]])
                if act[0] == "drop":  # a reset, and not an orderly end
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            connection.sendall(head + body)

        return send


def packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
