"""How much of a server's quota is used, and how often it refuses: 50 requests a second, 20 ms away, against three ways of counting.

One process beside aiolimiter, pyrate-limiter and `limits` with sleeping; then four processes that share one quota through Redis (``REDIS_URL``, by
default redis://127.0.0.1:6379/15; left out with a word where it, or its Python client, is away). Targets: at least 0.97 of the quota, at most 10
refusals in 15 s. Peers are measured where they are installed (``pip install -r benchmarks/peers.txt``), each set to the server's own number, as
people set them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from _measure import options, server, show

RATE, LATENCY = 50, 0.02
KINDS = ("token-bucket", "fixed-window", "sliding-log")
ALONE = ("integrakit", "aiolimiter", "pyrate-limiter", "limits + sleep")
SHARING = ("integrakit", "limits + sleep")
PROCESSES = 4
NOT_INSTALLED = 3
#: Seconds that contestants have for imports and connections before the clock starts.
LOADING = 3.0


def compete(contestant: str, kind: str, seconds: float, processes: int, redis: str) -> dict[str, object] | None:
    """One row, or None where the library of this contestant is not installed."""
    program = str(Path(__file__).with_name("_quota_client.py"))
    with server("_quota_server.py", kind, f"{RATE}/second", str(LATENCY)) as address:
        begin = time.monotonic() + LOADING
        command = [sys.executable, program, contestant, address, str(RATE), str(begin), str(seconds), redis]
        running = [subprocess.Popen(command) for _ in range(processes)]
        statuses = {process.wait() for process in running}
        if NOT_INSTALLED in statuses:
            return None
        if statuses != {0}:
            raise SystemExit(f"{contestant} failed")
        counts = json.loads(httpx.get(f"{address}/stats").content)
    return {
        "limiter": contestant,
        "processes": processes,
        "server counts": kind,
        "quota used": counts["ok"] / (RATE * seconds),
        "refusals": counts["refused"],
    }


def reachable(url: str) -> bool:
    if find_spec("redis") is None:
        return False
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), 1).close()
    except OSError:
        return False
    return True


def main() -> None:
    arguments = options(__doc__ or "")
    seconds = 2.0 if arguments.quick else 15.0
    redis = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/15")
    heats = [[(name, kind, 1, "") for name in ALONE] for kind in KINDS]
    verdict: dict[str, object] = {}
    if reachable(redis):
        # One after the other: they share more than the machine, the names in Redis.
        heats += [[(name, kind, PROCESSES, redis)] for kind in KINDS for name in SHARING]
    else:
        verdict["left out"] = "four processes sharing: no Redis at REDIS_URL, or no redis package"
    rows: list[dict[str, object]] = []
    for heat in heats:
        with ThreadPoolExecutor(len(heat)) as pool:
            rows += [row for row in pool.map(lambda entry: compete(entry[0], entry[1], seconds, entry[2], entry[3]), heat) if row is not None]
    ours = [row for row in rows if row["limiter"] == "integrakit"]
    verdict["integrakit: least quota used"] = min(float(str(row["quota used"])) for row in ours)
    verdict["integrakit: most refusals"] = max(int(str(row["refusals"])) for row in ours)
    verdict["target"] = "at least 0.97 used, at most 10 refusals"
    show(f"{RATE} requests a second, {LATENCY * 1e3:.0f} ms away, for {seconds:.0f} s", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
