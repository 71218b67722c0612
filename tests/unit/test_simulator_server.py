"""The simulated server on its socket: what raw bytes do to it, and that nothing of it is left when it ends."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrakit.testing import Faults, Simulator
from integrakit.testing.http_parser import MAX_BODY, MAX_HEAD, BadHttp, parse, wants_continue

HOST = b"Host: x\r\n"


class Line:
    """A raw connection: bytes out, bytes in."""

    def __init__(self, api: Simulator) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2])), timeout=5)
        # As HTTP clients do: else the second of two small writes waits for the acknowledgement of the first.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self.received:
            self._more()
        end = self.received.index(b"\r\n\r\n")
        head = self.received[:end]
        del self.received[: end + 4]
        status_line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self.received) < length:
            self._more()
        body = bytes(self.received[:length])
        del self.received[:length]
        return int(status_line.split(" ")[1]), headers, body

    def _more(self) -> None:
        data = self.socket.recv(65536)
        assert data, f"hung up after {self.received!r}"
        self.received += data

    def ended(self) -> bool:
        return not self.received and self.socket.recv(1) == b""

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def api() -> Iterator[Simulator]:
    with Simulator({"orders": [{"id": number, "text": "x" * 50} for number in range(100)]}, page_size=100) as api:
        yield api


@pytest.fixture
def line(api: Simulator) -> Iterator[Line]:
    line = Line(api)
    yield line
    line.close()


def test_one_connection_serves_many_requests_without_stalls(line: Line) -> None:
    started = time.perf_counter()
    for _ in range(100):
        line.send(b"POST /orders HTTP/1.1\r\n" + HOST + b"Content-Length: 7\r\n\r\n")
        line.send(b'{"n":1}')
        assert line.answer()[0] == 201
    assert time.perf_counter() - started < 2  # 100 delayed acknowledgements would take 4 s


def test_pipelined_requests_are_answered_in_their_order(api: Simulator, line: Line) -> None:
    api.faults = Faults.script([None, "slow", None, None], slow_seconds=0.02)
    line.send(b"".join(b"GET /orders/%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in (1, 2, 3, 777)))
    assert [line.answer()[0] for _ in range(4)] == [200, 200, 200, 404]
    # The third arrived, as far as the server is concerned, when the second had been answered.
    assert api.requests[2].at - api.requests[1].at >= 0.019
    line.send(b"\r\n\r\nGET /orders/5 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert line.answer()[0] == 200


def test_a_request_may_drip_in(line: Line) -> None:
    for byte in b"PUT /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n" + b'{"a": 1}':
        line.send(bytes([byte]))
    assert line.answer()[2] == b'{"a":1,"id":1}'


def test_a_chunked_body(api: Simulator, line: Line) -> None:
    line.send(b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n")
    for part in (b'3;x="y"\r\n{"a', b"\r\n", b'0A\r\n":"0123456\r\n', b'3\r\n7"}\r\n', b"0\r\nX-Sum: 1\r\n", b"\r\n"):
        line.send(part)
        time.sleep(0.002)
    assert line.answer()[0] == 201
    assert api.requests[-1].json() == {"a": "01234567"}

    def parts() -> Iterator[bytes]:
        yield b'{"n":'
        yield b"1}"

    assert httpx.post(api.url + "/orders", content=parts()).status_code == 201


def test_who_waits_to_continue_is_told_to(api: Simulator, line: Line) -> None:
    line.send(b"POST /orders HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 7\r\n\r\n")
    assert line.answer() == (100, {}, b"")
    line.send(b'{"n"')
    line.send(b":1}")
    assert line.answer()[0] == 201


@pytest.mark.parametrize(
    ("version", "header", "stays"),
    [(b"1.1", b"", True), (b"1.1", b"Connection: x, Close\r\n", False), (b"1.0", b"", False), (b"1.0", b"Connection: Keep-Alive\r\n", True)],
)
def test_when_the_connection_stays_open(line: Line, version: bytes, header: bytes, stays: bool) -> None:
    line.send(b"GET /orders/1 HTTP/" + version + b"\r\nHost: x\r\n" + header + b"\r\n")
    status, headers, _ = line.answer()
    assert (status, headers.get("connection")) == (200, None if stays else "close")
    if stays:
        line.send(b"GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.answer()[0] == 200
    else:
        line.send(b"GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")  # read and thrown away
        assert line.ended()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET  /orders HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /or ders HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /ördérs HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
        (b"GET /orders HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /orders HTTP/1.1\r\n\r\n", 400),
        (b"GET /orders HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /orders HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET /orders HTTP/1.1\r\nHost: x\0\r\n\r\n", 400),
        (b"GET /orders HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400),
        (b"GET http://[x/orders HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000, 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a" * (MAX_HEAD + 1), 431),
        (b"GET /orders HTTP/1.1\r\nHost: x\r\nX-Huge: " + b"a" * 200_000, 431),
    ],
)
def test_what_is_no_http_is_answered_and_hung_up_on(api: Simulator, line: Line, data: bytes, status: int) -> None:
    line.send(data)
    found, headers, body = line.answer()
    assert (found, headers["connection"], headers["content-type"]) == (status, "close", "application/json")
    assert b'"code":"bad_http"' in body
    assert line.ended()
    assert api.requests == []
    assert httpx.get(api.url + "/orders/1").status_code == 200  # nobody else is disturbed


def test_a_header_in_any_encoding_and_an_absolute_address(api: Simulator, line: Line) -> None:
    line.send(b"GET http://elsewhere/orders/1?a=%FF HTTP/1.1\r\nHost: x\r\nX-Utf: \xc3\xa9\r\nX-Latin: \xe9 \r\nX-Two: a\r\nX-Two:b\r\n\r\n")
    assert line.answer()[0] == 200
    (request,) = api.requests
    assert (request.path, request.query) == ("/orders/1", {"a": "\ufffd"})
    assert (request.headers["x-utf"], request.headers["x-latin"], request.headers["x-two"]) == ("é", "é", "a, b")
    line.send(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
    assert line.answer()[0] == 404
    line.send(b"GET http://elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
    assert line.answer()[0] == 404


def test_an_answer_larger_than_the_sockets_buffers() -> None:
    text = "x" * 1000
    with Simulator({"orders": [{"id": number, "text": text} for number in range(10_000)]}, page_size=10_000) as api:
        line = Line(api)
        line.send(b"GET /orders HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        time.sleep(0.05)  # the server cannot write on
        assert httpx.get(api.url + "/orders/1").status_code == 200
        for _ in range(2):
            assert len(line.answer()[2]) > 10_000_000
        line.send(b"GET /orders HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.02)
        line.close()  # in the middle of it
        assert httpx.get(api.url + "/orders/1").status_code == 200


def test_a_client_that_hangs_up_early_changes_nothing(api: Simulator) -> None:
    api.faults = Faults(slow=1.0, slow_seconds=0.02)
    lines = [Line(api) for _ in range(3)]
    lines[0].send(b"GET /orders HT")
    lines[1].send(b"DELETE /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    lines[2].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset instead of a goodbye
    lines[2].send(b"GET /orders/2 HT")
    time.sleep(0.005)
    for line in lines:
        line.close()
    assert httpx.get(api.url + "/orders/1").status_code == 404
    assert httpx.get(api.url + "/orders/2").status_code == 200


def test_nothing_is_left_behind() -> None:
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with Simulator({"orders": [{"id": 1}]}, faults=Faults.script([None, "slow"], slow_seconds=60)) as api:
            first, second = Line(api), Line(api)
            for line in (first, second):
                line.send(b"GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            while len(api.requests) < 2:
                time.sleep(0.001)
        # Also the one whose answer is not due for a minute is hung up on.
        assert first.answer()[0] == 200
        for line in (first, second):
            assert line.ended()
            line.close()
    assert threading.active_count() == threads
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_server_that_breaks_down_says_so_at_the_end() -> None:
    def broken() -> None:
        with Simulator({"orders": []}) as api:
            assert api._server is not None
            api._server._timers.append((0.0, 0, None, None, False, False))  # type: ignore[arg-type]
            line = Line(api)
            assert line.ended()
            line.close()

    with pytest.raises(AttributeError):
        broken()


def test_a_fault_hangs_up_before_or_after(api: Simulator, line: Line) -> None:
    api.faults = Faults.script(["drop"])
    line.send(b"DELETE /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert line.ended()
    assert len(api.table("orders")) == 100


def test_many_connections_at_once(api: Simulator) -> None:
    lines = [Line(api) for _ in range(200)]
    for line in lines:
        line.send(b"GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert {line.answer()[0] for line in lines} == {200}
    for line in lines:
        line.close()


# ---------------------------------------------------------------------------------------------- the parser alone


@pytest.mark.parametrize("data", [b"", b"\r\n", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab"])
def test_more_bytes_are_needed(data: bytes) -> None:
    assert parse(data) is None
    assert parse(bytearray(data)) is None


def test_every_prefix_of_a_request_needs_more() -> None:
    whole: Any
    for whole in (
        b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    ):
        for size in range(len(whole)):
            assert parse(whole[:size]) is None, whole[:size]
        parsed = parse(whole + b"GET")
        assert parsed is not None
        assert (parsed.call.body, parsed.size, parsed.call.target) == (b"abc", len(whole), "/a?b")


def test_who_waits_to_continue() -> None:
    assert wants_continue(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n")
    assert not wants_continue(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\n")
    assert not wants_continue(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nexpect: 100-continue")


def test_the_largest_body_is_still_one() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    assert parse(head % MAX_BODY) is None
    with pytest.raises(BadHttp) as caught:
        parse(head % (MAX_BODY + 1))
    assert caught.value.status == 413
