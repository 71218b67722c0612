"""A request that waits for its slot of a rate limit, and is given up meanwhile: as asyncio, trio and the runtime's own ``gather`` do it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integrakit import Client, RateLimit
from integrakit.runtimes import SimulatedRuntime, runtime
from integrakit.testing import Simulator


def wait_after_cancelling(how: str, limit: RateLimit) -> float:
    """Seconds until the next slot, from the answer to a first request on, after a second one was cancelled. ``how``: asyncio, trio or simulated."""

    async def main() -> float:
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=limit) as client:
                await client.aget("/orders/1")
                now = runtime().now()
                if how == "asyncio":
                    task = asyncio.create_task(client.aget("/orders/1"))
                    await asyncio.sleep(0.03)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                elif how == "trio":
                    import trio

                    with trio.move_on_after(0.03):
                        await client.aget("/orders/1")
                else:

                    async def fail() -> Any:
                        await runtime().sleep(1)
                        raise ValueError

                    with pytest.raises(ValueError):
                        await runtime().gather([lambda: client.aget("/orders/1"), fail], 2)
                return limit.reserve(now=now).delay

    if how == "asyncio":
        return asyncio.run(main())
    if how == "trio":
        import trio

        return trio.run(main)
    return SimulatedRuntime().run(main())
