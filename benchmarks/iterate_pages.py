"""What iterating over a paginated collection costs over a bare httpx and json loop that does the same, without retry, evidence or checks.

1,000 pages of 100 records behind a cursor, from a server in a process of its own, beside dlt's RESTClient and singer-sdk's RESTStream where they are
installed. Target: at most 1.10 times the CPU of the bare loop.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any

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


def dlt_client(address: str) -> Callable[[], int]:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    def loop() -> int:
        seen = 0
        client = RESTClient(
            base_url=address, paginator=JSONResponseCursorPaginator(cursor_path="meta.next", cursor_param="after"), data_selector="data"
        )
        for page in client.paginate("/orders"):
            for record in page:
                seen += record["id"] >= 0
        return seen

    return loop


def singer_stream(address: str) -> Callable[[], int]:
    import logging

    from singer_sdk import RESTStream, Tap
    from singer_sdk.pagination import JSONPathPaginator

    logging.getLogger("tap-orders").setLevel(logging.ERROR)

    class Orders(RESTStream[Any]):
        name = "orders"
        path = "/orders"
        url_base = address
        records_jsonpath = "$.data[*]"
        schema = {"properties": {"id": {"type": "integer"}}}  # noqa: RUF012

        def get_new_paginator(self) -> Any:
            return JSONPathPaginator("$.meta.next")

        def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
            return {"after": next_page_token} if next_page_token else {}

    class Orderly(Tap):
        name = "tap-orders"
        config_jsonschema = {"properties": {}}  # noqa: RUF012

        def discover_streams(self) -> list[Any]:
            return [Orders(self)]

    def loop() -> int:
        seen = 0
        for record in Orders(Orderly(config={})).get_records(None):
            seen += record["id"] >= 0
        return seen

    return loop


def main() -> None:
    arguments = options(__doc__ or "")
    pages, size, rounds = (50, 100, 2) if arguments.quick else (1000, 100, 7)
    with server("_pages_server.py", str(pages), str(size)) as address:
        contestants: dict[str, Callable[[], int]] = {"httpx + json": lambda: bare(address), "integrakit": lambda: integrated(address)}
        for name, module, make in (("dlt", "dlt", dlt_client), ("singer-sdk", "singer_sdk", singer_stream)):
            if find_spec(module) is not None:
                contestants[name] = make(address)
        counts = {loop() for loop in contestants.values()}
        if counts != {pages * size}:
            raise SystemExit(f"all must see {pages * size} records, they saw {sorted(counts)}")
        times = alternating(contestants, rounds)  # type: ignore[arg-type]
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
    verdict |= {f"ratio of {name}": ratio(cpu[name], cpu["httpx + json"]) for name in cpu if name in ("dlt", "singer-sdk")}
    show(f"{pages} pages × {size} records, {rounds} alternating rounds", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
