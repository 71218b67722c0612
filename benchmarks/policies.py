"""What the default policies cost around one call, over the same call by bare httpx; beside what tenacity, stamina and httpx-retries cost.

One GET of a small JSON body from a server in a process of its own, in blocking and in async code. Target: at most 12 % more CPU than bare httpx. The
peers are measured where they are installed (``pip install -r benchmarks/peers.txt``); integrakit needs none of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from statistics import median
from typing import Any

import httpx
from _measure import alternating, options, ratio, server, show

import integrakit as ik
from integrakit.http import Transport

TARGET = 1.12
Contestants = dict[str, Callable[[], object]]


def peer(name: str) -> Any:
    """A library to compare with, or None where it is not installed."""
    with suppress(ImportError):
        return import_module(name)
    return None


def answered(response: httpx.Response) -> Any:
    response.raise_for_status()
    return json.loads(response.content)


def blocking(address: str, calls: int) -> Contestants:
    url = f"{address}/orders"

    def repeated(call: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            for _ in range(calls):
                call()

        return run

    bare = httpx.Client()
    guarded = httpx.Client(transport=Transport())
    client = ik.Client(address)
    calling: Contestants = {
        "httpx": lambda: answered(bare.get(url)),
        "integrakit Client": lambda: client.get("/orders").json(),
        "httpx with integrakit's Transport": lambda: answered(guarded.get(url)),
    }
    if (tenacity := peer("tenacity")) is not None:
        calling["tenacity"] = tenacity.retry(
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_random_exponential(0.25, 20),
            retry=tenacity.retry_if_exception_type(httpx.HTTPError),
        )(lambda: answered(bare.get(url)))
    if (stamina := peer("stamina")) is not None:
        calling["stamina"] = stamina.retry(on=httpx.HTTPError, attempts=3)(lambda: answered(bare.get(url)))
    if (retries := peer("httpx_retries")) is not None:
        retrying = httpx.Client(transport=retries.RetryTransport(retry=retries.Retry(total=3)))
        calling["httpx-retries"] = lambda: answered(retrying.get(url))
    return {name: repeated(call) for name, call in calling.items()}


def concurrent(address: str, calls: int) -> tuple[Contestants, asyncio.Runner]:
    """All in one event loop, so that connections stay open from round to round."""
    url = f"{address}/orders"
    runner = asyncio.Runner()

    def repeated(call: Callable[[], Awaitable[object]]) -> Callable[[], object]:
        async def run() -> None:
            for _ in range(calls):
                await call()

        return lambda: runner.run(run())

    bare = httpx.AsyncClient()
    guarded = httpx.AsyncClient(transport=Transport())
    client = ik.Client(address)

    async def plain() -> object:
        return answered(await bare.get(url))

    async def ours() -> object:
        return (await client.aget("/orders")).json()

    async def through() -> object:
        return answered(await guarded.get(url))

    calling: dict[str, Callable[[], Awaitable[object]]] = {"httpx": plain, "integrakit Client": ours, "httpx with integrakit's Transport": through}
    if (tenacity := peer("tenacity")) is not None:
        calling["tenacity"] = tenacity.retry(
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_random_exponential(0.25, 20),
            retry=tenacity.retry_if_exception_type(httpx.HTTPError),
        )(plain)
    if (stamina := peer("stamina")) is not None:
        calling["stamina"] = stamina.retry(on=httpx.HTTPError, attempts=3)(plain)
    if (retries := peer("httpx_retries")) is not None:
        retrying = httpx.AsyncClient(transport=retries.RetryTransport(retry=retries.Retry(total=3)))

        async def again() -> object:
            return answered(await retrying.get(url))

        calling["httpx-retries"] = again
    return {name: repeated(call) for name, call in calling.items()}, runner


def main() -> None:
    arguments = options(__doc__ or "")
    calls, rounds = (50, 2) if arguments.quick else (1000, 9)
    rows: list[dict[str, object]] = []
    verdict: dict[str, object] = {}
    with server("_pages_server.py", "1", "1") as address:
        in_loop, runner = concurrent(address, calls)
        for world, contestants in (("blocking", blocking(address, calls)), ("async", in_loop)):
            gc.collect()
            times = alternating(contestants, rounds)
            cpu = {name: [each for each, _ in measured] for name, measured in times.items()}
            for name, measured in cpu.items():
                over = ratio(measured, cpu["httpx"])
                extra = median(one - other for one, other in zip(measured, cpu["httpx"], strict=True)) / calls * 1e6
                rows.append({"call": f"{world}: {name}", "CPU µs": median(measured) / calls * 1e6, "over httpx µs": extra, "ratio": over})
            verdict[f"{world}: integrakit Client over httpx (CPU, median of rounds)"] = ratio(cpu["integrakit Client"], cpu["httpx"])
        runner.close()
    verdict["target"] = f"at most {TARGET:.2f}"
    show(f"one call, {calls} times, {rounds} alternating rounds", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
