"""What an `AuditLog` costs: microseconds for each record and each call, for both forms and both durabilities, against a bare policy chain.

No target: a flush of the disk costs what the disk costs. CPU time is what the log itself costs, the clock what a caller waits for. Beside it what
four threads get out of one log together, and how fast a log is verified.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx
from _measure import alternating, options, show

from integrakit.audit import AuditLog
from integrakit.http.stack import compose
from integrakit.model import Request, Response
from integrakit.protocols import CallNext
from integrakit.runtimes import drive

BODY = {"id": 7, "status": "paid", "email": "customer@shop.example", "lines": [{"sku": "A-1", "quantity": 2, "price": "6.25"}] * 4}
RAW = httpx.Response(200, content=b'{"id": 7}', headers={"x-request-id": "r-1"}, request=httpx.Request("POST", "https://shop.example/orders"))
THREADS = 4
CASES = [(form, durability, announce) for form in ("db", "jsonl") for durability in ("full", "normal") for announce in ("all", "none")]


async def answered(request: Request) -> Response:
    return Response(RAW, request)


def request() -> Request:
    return Request(method="POST", url="https://shop.example/orders?page=2", headers={"Accept": "application/json"}, json=BODY)


def calls(chain: CallNext, count: int) -> None:
    async def one() -> Response:
        return await chain(request())

    for _ in range(count):
        drive(one())


def together(chain: CallNext, count: int) -> None:
    threads = [threading.Thread(target=calls, args=(chain, count // THREADS)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    arguments = options(__doc__ or "")
    rounds, count = (2, 40) if arguments.quick else (9, 400)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        logs = {case: AuditLog(Path(folder, f"{case[1]}-{case[2]}.{case[0]}"), durability=case[1], announce=case[2]) for case in CASES}  # type: ignore[arg-type]
        chains = {case: compose([log.call, log.attempt], answered) for case, log in logs.items()}
        work: dict[str, Callable[[], object]] = {"bare": lambda: calls(compose([], answered), count)}
        for case, chain in chains.items():
            work[" ".join(case)] = lambda chain=chain: calls(chain, count)  # type: ignore[misc]
            work[" ".join(case) + " threads"] = lambda chain=chain: together(chain, count)  # type: ignore[misc]
        times = alternating(work, rounds)
        bare = median(cpu for cpu, _ in times["bare"])
        for case in CASES:
            name = " ".join(case)
            cpu, wall = (median(pair[index] for pair in times[name]) - bare for index in (0, 1))
            records = 3 if case[2] == "all" else 2
            rows.append(
                {
                    "form": {"db": "SQLite", "jsonl": "JSON lines"}[case[0]],
                    "durability": case[1],
                    "announce": case[2],
                    "CPU µs/record": cpu / count / records * 1e6,
                    "µs/record": wall / count / records * 1e6,
                    "CPU µs/call": cpu / count * 1e6,
                    "µs/call": wall / count * 1e6,
                    f"µs/call, {THREADS} threads": median(pair[1] for pair in times[name + " threads"]) / count * 1e6,
                }
            )
        verdict: dict[str, object] = {}
        for form in ("db", "jsonl"):
            log = logs[form, "normal", "all"]
            seen = log.verify()
            if not seen.ok:
                raise SystemExit(str(seen))
            spent = [cpu for cpu, _ in alternating({"verify": log.verify}, 1 if arguments.quick else 5)["verify"]]
            verdict[f"verify .{form}, CPU µs/record, of {seen.records} records"] = median(spent) / seen.records * 1e6
        for log in logs.values():
            log.close()
    show(f"AuditLog, {count} calls, {rounds} rounds", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
