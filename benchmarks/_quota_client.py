"""One contestant of quota.py: as many requests in so many seconds as its limiter lets through, from 16 tasks. Prints what went wrong, if anything.

    python _quota_client.py <contestant> <address> <requests per second> <begin> <seconds> <address of Redis, or nothing>

``begin`` is a moment of the monotonic clock, which all processes of a machine share. Before it each contestant loads what it needs and opens a
connection, with a request that the server does not count.

A peer that is refused waits as long as the server says, as any decent client does, and goes on. Ends with status 3 where its library is not
installed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

import integrakit as ik

TASKS = 16
Slot = Callable[[], Awaitable[Any]]


def aiolimiter(rate: int, redis: str) -> Slot:
    from aiolimiter import AsyncLimiter  # a peer: not everybody has it

    return AsyncLimiter(rate, 1).acquire


def pyrate_limiter(rate: int, redis: str) -> Slot:
    from pyrate_limiter import Duration, Limiter, Rate  # a peer: not everybody has it

    limiter = Limiter(Rate(rate, Duration.SECOND))

    async def acquire() -> None:
        await limiter.try_acquire_async("orders")

    return acquire


def limits_and_sleep(rate: int, redis: str) -> Slot:
    from limits import RateLimitItemPerSecond, storage, strategies  # as its documentation shows it

    limiter = strategies.MovingWindowRateLimiter(storage.storage_from_string(redis or "memory://"))
    item = RateLimitItemPerSecond(rate)

    async def acquire() -> None:
        while not limiter.hit(item, "benchmark-orders"):  # noqa: ASYNC110 - polling is all it offers
            await asyncio.sleep(0.01)

    return acquire


async def peers(acquire: Slot, address: str, begin: float, until: float) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(f"{address}/warm")
        await asyncio.sleep(begin - time.monotonic())

        async def work() -> None:
            while time.monotonic() < until:
                await acquire()
                if time.monotonic() >= until:
                    return
                response = await client.get(f"{address}/orders")
                if response.status_code == 429:
                    await asyncio.sleep(float(response.headers["retry-after"]))

        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(work())


async def integrakit(address: str, rate: int, begin: float, until: float, redis: str) -> None:
    limit = ik.RateLimit(f"{rate}/second", shared=redis, name="benchmark") if redis else ik.RateLimit(f"{rate}/second")
    async with ik.Client(address, rate_limit=limit) as client:
        await client.aget("/warm")
        await asyncio.sleep(begin - time.monotonic())

        async def work() -> None:
            while (left := until - time.monotonic()) > 0:
                try:
                    await client.aget("/orders", deadline=left)
                except (ik.errors.DeadlineExceeded, ik.errors.RateLimitExceeded):
                    return  # the time is over
                except ik.errors.RateLimited:
                    continue

        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(work())


def main() -> None:
    name, address, rate, begin, seconds, redis = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]), sys.argv[6]
    if name == "integrakit":
        asyncio.run(integrakit(address, rate, begin, begin + seconds, redis))
        return
    makers = {"aiolimiter": aiolimiter, "pyrate-limiter": pyrate_limiter, "limits + sleep": limits_and_sleep}

    async def run() -> None:
        acquire = makers[name](rate, redis)
        await peers(acquire, address, begin, begin + seconds)

    try:
        asyncio.run(run())
    except ImportError:
        sys.exit(3)


if __name__ == "__main__":
    main()
