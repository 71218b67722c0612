"""What fetching pages ahead gains: a read of many pages from a server that is some way off, one by one and with ``prefetch=``.

Pages by number, of a collection that declares its total: with ``prefetch=10`` ten are on their way at a time. Target: at least 6 times as fast as one
by one. A chain of cursors, where walking a page takes as long as fetching one: ``prefetch=1`` fetches the next page meanwhile. Target: at least 1.6
times as fast (2 would be all of it). The server answers each request of any connection after the same time, in a process of its own. Walking is
sleeping here, so CPU is what the reading itself costs; that of the threads is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from _measure import alternating, options, ratio, server, show

import integrakit as ik

LATENCY = 0.05
TARGETS = {"pages by number": 6.0, "chain of cursors": 1.6}

NUMBERED = ik.PageNumberPaginator(total="meta.total")
CHAIN = ik.CursorPaginator(cursor="meta.next", param="after")


def read(address: str, paginator: object, prefetch: int, thinking: float) -> int:
    """Records seen by blocking code, which thinks about each page for so many seconds."""
    seen = 0
    with ik.Client(address) as client:
        for page in client.stream("/orders", records="data", paginator=paginator, prefetch=prefetch).pages():  # type: ignore[arg-type]
            seen += len(page)
            if thinking:
                time.sleep(thinking)
    return seen


async def aread(address: str, paginator: object, prefetch: int, thinking: float) -> int:
    """The same in asyncio."""
    seen = 0
    async with ik.Client(address) as client:
        async for page in client.stream("/orders", records="data", paginator=paginator, prefetch=prefetch).pages():  # type: ignore[arg-type]
            seen += len(page)
            if thinking:
                await asyncio.sleep(thinking)
    return seen


def in_asyncio(address: str, paginator: object, prefetch: int, thinking: float) -> int:
    return asyncio.run(aread(address, paginator, prefetch, thinking))


def main() -> None:
    arguments = options(__doc__ or "")
    pages, size, rounds = (30, 20, 1) if arguments.quick else (200, 20, 3)
    rows: list[dict[str, object]] = []
    verdict: dict[str, object] = {}
    with server("_pages_server.py", str(pages), str(size), str(LATENCY)) as address:
        for title, paginator, prefetch, thinking in (("pages by number", NUMBERED, 10, 0.0), ("chain of cursors", CHAIN, 1, LATENCY)):
            for colour, run in (("blocking", read), ("asyncio", in_asyncio)):
                contestants: dict[str, Callable[[], object]] = {
                    "one by one": partial(run, address, paginator, 0, thinking),
                    f"prefetch={prefetch}": partial(run, address, paginator, prefetch, thinking),
                }
                counts = {work() for work in contestants.values()}
                if counts != {pages * size}:
                    raise SystemExit(f"each must see {pages * size} records, they saw {sorted(map(str, counts))}")
                times = alternating(contestants, rounds)
                for name, measured in times.items():
                    rows.append(
                        {
                            "read": f"{title}, {colour}, {name}",
                            "wall s": median(wall for _, wall in measured),
                            "CPU ms": median(cpu for cpu, _ in measured) * 1e3,
                        }
                    )
                alone, ahead = times.values()
                verdict[f"{title}, {colour}: times as fast"] = ratio([wall for _, wall in alone], [wall for _, wall in ahead])
                verdict[f"{title}, {colour}: CPU of it"] = ratio([cpu for cpu, _ in ahead], [cpu for cpu, _ in alone])
            verdict[f"{title}: target"] = f"at least {TARGETS[title]:.1f} times as fast"
    show(f"{pages} pages, {LATENCY * 1e3:.0f} ms away, {rounds} alternating rounds", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
