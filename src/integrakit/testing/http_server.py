"""The simulated server on a real socket: one thread, one selector, any number of connections on the loopback address.

Only bytes and time live here; what is answered is decided by the callable it is given. A connection has one request in hand at a time, so answers
to pipelined requests keep their order. A reply goes out in one write, as soon as it is due.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from attrs import define, field

from integrakit.testing.exchange import Call, Reply, error_reply
from integrakit.testing.http_parser import BadHttp, parse, wants_continue

__all__ = ["HttpServer", "encode"]

_READ = 262_144
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def encode(reply: Reply, *, head_only: bool, keep_alive: bool) -> bytes:
    """The bytes of an answer."""
    status = reply.status or 500
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if status != 204:
        lines.append(f"Content-Length: {len(reply.body)}")
    if not keep_alive:
        lines.append("Connection: close")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if head_only or status == 204 else head + reply.body


@define(eq=False)
class _Connection:
    socket: socket.socket
    received: bytearray = field(factory=bytearray)
    #: A view, so that what is left of a large answer is not copied at each write.
    unsent: memoryview = field(factory=lambda: memoryview(b""))
    #: A reply is on its way: nothing is read until it is out.
    busy: bool = False
    #: Refused: what still comes is thrown away until the other side has read the refusal and hangs up.
    draining: bool = False
    continued: bool = False
    interest: int = selectors.EVENT_READ
    open: bool = True


class HttpServer:
    """Serves ``handle`` on 127.0.0.1 from `start` to `stop`; ``finish`` is told when a reply is out."""

    def __init__(self, handle: Callable[[Call], Reply], finish: Callable[[Reply], None]) -> None:
        self._handle = handle
        self._finish = finish
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.setblocking(False)
        self._waker, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._waker, selectors.EVENT_READ)
        self._connections: dict[int, _Connection] = {}
        self._timers: list[tuple[float, int, _Connection, Reply, bool, bool]] = []
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._run, name="integrakit-simulator", daemon=True)
        #: The first error that was not the client's: the user's own ``auth`` callable, or a defect here.
        self.failure: Exception | None = None

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Hangs up on everybody; returns when the thread is gone and every socket is closed."""
        with contextlib.suppress(OSError):  # the thread is gone already, and ``failure`` says why
            self._wake.send(b"x")
        self._thread.join()
        self._wake.close()

    # ------------------------------------------------------------------ the loop

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except Exception as problem:  # noqa: BLE001 - raised again by the simulator when the test leaves it
            self.failure = self.failure or problem
        finally:
            for connection in list(self._connections.values()):
                self._close(connection)
            self._selector.close()
            self._listener.close()
            self._waker.close()

    def _turn(self) -> bool:
        timeout = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._waker:
                return False
            if key.fileobj is self._listener:
                self._accept()
            elif key.data.unsent:
                self._flush(key.data)
                self._work(key.data)
            else:
                self._read(key.data)
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, connection, reply, head_only, keep_alive = heapq.heappop(self._timers)
            self._deliver(connection, reply, head_only, keep_alive)
            self._work(connection)
        return True

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):  # the caller hung up between the two system calls
            accepted, _ = self._listener.accept()
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = self._connections[accepted.fileno()] = _Connection(accepted)
            self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:  # reset by the client, which is a way of hanging up
            data = b""
        if not data:
            self._close(connection)
        elif not connection.draining:
            connection.received += data
            self._work(connection)

    def _work(self, connection: _Connection) -> None:
        """Handles what has come in, request by request, until one has to wait."""
        while connection.open and not connection.busy and not connection.draining and not connection.unsent and connection.received:
            try:
                parsed = parse(connection.received)
            except BadHttp as problem:
                connection.draining = True
                self._send(connection, encode(error_reply(problem.status, "bad_http", str(problem)), head_only=False, keep_alive=False))
                break
            if parsed is None:
                if not connection.continued and wants_continue(connection.received):
                    connection.continued = True
                    self._send(connection, _CONTINUE)
                break
            del connection.received[: parsed.size]
            connection.continued = False
            reply = self._reply(parsed.call)
            head_only = parsed.call.method == "HEAD"
            if reply.delay > 0:
                connection.busy = True
                due = time.monotonic() + reply.delay
                heapq.heappush(self._timers, (due, next(self._order), connection, reply, head_only, parsed.keep_alive))
            else:
                self._deliver(connection, reply, head_only, parsed.keep_alive)
        self._attend(connection)

    def _reply(self, call: Call) -> Reply:
        try:
            return self._handle(call)
        except Exception as problem:  # noqa: BLE001 - raised again by the simulator when the test leaves it
            self.failure = self.failure or problem
            return error_reply(500, "simulator_failed", f"the simulator itself failed: {problem!r}")

    def _deliver(self, connection: _Connection, reply: Reply, head_only: bool, keep_alive: bool) -> None:
        self._finish(reply)
        connection.busy = False
        if not connection.open:
            return
        if reply.dropped:
            self._close(connection)
            return
        connection.draining = not keep_alive
        self._send(connection, encode(reply, head_only=head_only, keep_alive=keep_alive))

    # ------------------------------------------------------------------ sockets

    def _send(self, connection: _Connection, data: bytes) -> None:
        connection.unsent = memoryview(data)  # never while something is unsent: nothing is handled until it is out
        self._flush(connection)

    def _flush(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection)
            return
        connection.unsent = connection.unsent[sent:]
        if connection.draining and not connection.unsent:
            # Closing with unread bytes would reset the connection, and the client might never see the answer.
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_WR)

    def _attend(self, connection: _Connection) -> None:
        """Listens for what matters now: room to write, the next bytes, or (while a reply is on its way) nothing."""
        if not connection.open:
            return
        wanted = selectors.EVENT_WRITE if connection.unsent else 0 if connection.busy else selectors.EVENT_READ
        if wanted == connection.interest:
            return
        if not connection.interest:
            self._selector.register(connection.socket, wanted, connection)
        elif not wanted:
            self._selector.unregister(connection.socket)
        else:
            self._selector.modify(connection.socket, wanted, connection)
        connection.interest = wanted

    def _close(self, connection: _Connection) -> None:
        connection.open = False
        self._connections.pop(connection.socket.fileno(), None)
        if connection.interest:
            self._selector.unregister(connection.socket)
        connection.socket.close()
