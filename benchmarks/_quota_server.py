"""A server with a quota, counted in one of three ways. Part of quota.py.

    python _quota_server.py <sliding-log | token-bucket | fixed-window> <rate> <latency in seconds>

``GET /stats`` gives how many requests it let in and how many it refused; ``GET /warm`` is not counted. Ends when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import partial

from integrakit.testing.quota import Quota


class Limited(asyncio.Protocol):
    quota: Quota
    counts: dict[str, int]
    latency: float
    received = b""

    def __init__(self, quota: Quota, counts: dict[str, int], latency: float) -> None:
        self.quota, self.counts, self.latency = quota, counts, latency

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            # Half of the latency lies before the request is counted, half behind it, as on a network.
            asyncio.get_running_loop().call_later(self.latency / 2, self.arrive, head.startswith((b"GET /stats", b"GET /warm")))

    def arrive(self, stats: bool) -> None:
        if stats:
            answer = 200, "", json.dumps(self.counts).encode()
        else:
            wait = self.quota.admit(time.monotonic())
            self.counts["refused" if wait else "ok"] += 1
            answer = (429, f"Retry-After: {wait:.3f}\r\n", b"{}") if wait else (200, "", b"{}")
        asyncio.get_running_loop().call_later(self.latency / 2, partial(self.reply, *answer))

    def reply(self, status: int, headers: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)  # type: ignore[attr-defined]


async def main(kind: str, rate: str, latency: float) -> None:
    loop = asyncio.get_running_loop()
    quota, counts = Quota(rate, kind), {"ok": 0, "refused": 0}
    listening = await loop.create_server(lambda: Limited(quota, counts, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
