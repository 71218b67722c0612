"""What iterating over a paginated collection costs over a bare httpx and json loop that does the same, without retry, evidence or checks.

1,000 pages of 100 records behind a cursor, from a server in a process of its own. Target: at most 1.10 times the CPU of the bare loop.
"""

from __future__ import annotations

import json
from statistics import median

import httpx
from _measure import alternating, options, ratio, server, show

import integrakit as ik

TARGET = 1.10


def bare(address: str) -> int:
    seen = 0
    with httpx.Client(base_url=address) as client:
        params: dict[str, str] = {}
        while True:
            body = json.loads(client.get("/orders", params=params).content)
            for record in body["data"]:
                seen += record["id"] >= 0
            cursor = body["meta"]["next"]
            if cursor is None:
                return seen
            params = {"after": cursor}


def integrated(address: str) -> int:
    seen = 0
    with ik.Client(address) as client:
        stream = client.stream("/orders", records="data", paginator=ik.CursorPaginator(cursor="meta.next", param="after"))
        for record in stream:
            seen += record["id"] >= 0
    return seen


def main() -> None:
    arguments = options(__doc__ or "")
    pages, size, rounds = (50, 100, 2) if arguments.quick else (1000, 100, 7)
    with server("_pages_server.py", str(pages), str(size)) as address:
        counts = {bare(address), integrated(address)}
        if counts != {pages * size}:
            raise SystemExit(f"both must see {pages * size} records, they saw {sorted(counts)}")
        times = alternating({"httpx + json": lambda: bare(address), "integrakit": lambda: integrated(address)}, rounds)
    rows: list[dict[str, object]] = [
        {
            "loop": name,
            "CPU ms": median(cpu for cpu, _ in measured) * 1e3,
            "wall ms": median(wall for _, wall in measured) * 1e3,
            "CPU µs/page": median(cpu for cpu, _ in measured) / pages * 1e6,
        }
        for name, measured in times.items()
    ]
    cpu = {name: [each for each, _ in measured] for name, measured in times.items()}
    verdict: dict[str, object] = {"ratio (CPU, median of rounds)": ratio(cpu["integrakit"], cpu["httpx + json"]), "target": f"at most {TARGET:.2f}"}
    show(f"{pages} pages × {size} records, {rounds} alternating rounds", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
