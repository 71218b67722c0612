"""A server that costs as little as an HTTP server in Python can: every answer is ready before it is asked for. Part of iterate_pages.py
and parallel_pages.py.

``GET /orders?after=<n>`` is page n; its ``meta.next`` is the cursor of the next page, null on the last. ``GET /orders?page=<n>`` is page n too,
counted from 1; ``meta.total`` is the number of all records. Each answer is sent so many seconds after its request. Ends with its parent, when its
standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

CURSOR = re.compile(rb"^GET /orders\S*[?&](?:after|(page))=(\d+)")


def bodies(pages: int, size: int) -> list[bytes]:
    """Complete HTTP responses, one for each page."""
    made = []
    for page in range(pages):
        records = [
            {
                "id": number,
                "status": "paid" if number % 3 else "open",
                "email": f"customer-{number}@shop.example",
                "total_price": f"{number % 500}.95",
                "currency": "EUR",
                "created_at": "2026-03-01T10:00:00Z",
                "updated_at": "2026-03-02T11:30:00Z",
                "note": None,
            }
            for number in range(page * size, (page + 1) * size)
        ]
        body = json.dumps(
            {"data": records, "meta": {"next": str(page + 1) if page + 1 < pages else None, "total": pages * size}}, separators=(",", ":")
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        made.append(head.encode() + body)
    return made


class Pages(asyncio.Protocol):
    def __init__(self, answers: list[bytes], latency: float) -> None:
        self.answers = answers
        self.latency = latency
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            cursor = CURSOR.match(head)
            answer = self.answers[int(cursor[2]) - (cursor[1] is not None) if cursor else 0]
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)  # type: ignore[attr-defined]
            else:
                self.transport.write(answer)  # type: ignore[attr-defined]


async def main(pages: int, size: int, latency: float) -> None:
    answers = bodies(pages, size)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Pages(answers, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0))
