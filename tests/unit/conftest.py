"""A tiny server on the loopback that does exactly what a test says, wrong things included: what no decent simulator can be made to do."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest


class Asked:
    """One request as it arrived."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path, _, query = target.partition("?")
        self.query = parse_qsl(query, keep_blank_values=True)
        self.params = dict(self.query)

    def json(self) -> Any:
        return json.loads(self.body)


class LoopbackServer:
    """Calls ``script(asked)`` for each request. It gives ``(status, headers, body)``, a JSON-able body, or a function of the socket."""

    def __init__(self, script: Callable[[Asked], Any]) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as stream:
                while (asked := self._read(stream)) is not None:
                    with self._lock:
                        self.asked.append(asked)
                    answer = self.script(asked)
                    if callable(answer):
                        answer(connection)
                        return
                    self.reply(connection, answer)
        except (OSError, ValueError):
            pass  # the client went away in the middle, or the server was closed: both are the end of this connection
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    @staticmethod
    def _read(stream: Any) -> Asked | None:
        line = stream.readline()
        if not line.strip():
            return None
        if line.count(b" ") < 2:
            return None  # no HTTP at all
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (line := stream.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while (size := int(stream.readline(), 16)) > 0:
                body += stream.read(size)
                stream.readline()
            stream.readline()
        else:
            body = stream.read(int(headers.get("content-length", 0)))
        return Asked(method, target, headers, body)

    @staticmethod
    def reply(connection: socket.socket, answer: Any) -> None:
        status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
        if not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **dict(headers)}
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
        length = "" if status == 204 else f"Content-Length: {len(body)}\r\n"
        connection.sendall(f"HTTP/1.1 {status} X\r\n{head}{length}\r\n".encode("latin-1") + body)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Any]], LoopbackServer]]:
    """``server = serve(script)``; closed after the test."""
    servers: list[LoopbackServer] = []

    def start(script: Callable[[Asked], Any]) -> LoopbackServer:
        servers.append(LoopbackServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
