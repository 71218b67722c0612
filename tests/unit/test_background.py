"""Jobs that go on beyond the call that began them, in each world: they run, let nothing out, and end when they are dismissed."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from typing import Any

import pytest
import trio

from integrakit.runtimes import SimulatedRuntime, drive, runtime

COLOUR = contextvars.ContextVar("COLOUR", default="none")


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "integrakit-ahead"]


def test_a_job_runs_in_a_copy_of_the_context_while_the_caller_does_something_else(world: Any) -> None:
    seen: list[Any] = []

    async def job() -> None:
        seen.append((COLOUR.get(), runtime().name))
        COLOUR.set("of the job")
        await runtime().sleep(0.001)
        seen.append("done")

    async def main() -> None:
        COLOUR.set("of the caller")
        background = runtime().background(2)
        assert background.here()
        background.start(job)
        waiting = runtime().now()
        while len(seen) < 2 and runtime().now() - waiting < 2:
            await runtime().sleep(0.002)
        assert seen == [("of the caller", runtime().name), "done"]
        assert COLOUR.get() == "of the caller"
        background.dismiss()

    world(main)


@pytest.mark.parametrize("problem", [ValueError("x"), ExceptionGroup("many", [ValueError("x")])])
def test_what_a_job_raises_goes_no_further_than_the_log(world: Any, problem: Exception, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[int] = []

    async def job() -> None:
        ran.append(1)
        raise problem

    async def main() -> None:
        background = runtime().background(1)
        background.start(job)
        background.start(job)
        until = runtime().now() + 2
        while len(ran) < 2 and runtime().now() < until:
            await runtime().sleep(0.002)
        background.dismiss()

    world(main)
    assert ran == [1, 1]
    assert "a job in the background failed" in caplog.text


def test_what_is_dismissed_is_cancelled_or_never_begins() -> None:
    async def main() -> None:
        begun: list[str] = []
        ended: list[str] = []

        async def until(condition: Any) -> None:
            end = runtime().now() + 5
            while not condition() and runtime().now() < end:
                await runtime().sleep(0.002)

        async def job() -> None:
            begun.append("begun")
            try:
                await runtime().sleep(30)
            finally:
                ended.append("ended")

        background = runtime().background(3)
        for _ in range(3):
            background.start(job)
        await until(lambda: len(begun) == 3)
        background.dismiss()
        background.dismiss()
        await until(lambda: len(ended) == 3)
        assert ended == ["ended"] * 3

    asyncio.run(main())
    trio.run(main)
    SimulatedRuntime().run(main())


def test_threads_that_are_dismissed_begin_nothing_more() -> None:
    gate, ran = threading.Event(), []

    async def job() -> None:
        ran.append(1)
        gate.wait(2)

    background = runtime().background(1)
    for _ in range(5):
        background.start(job)
    while not ran:
        time.sleep(0.001)
    background.dismiss()
    gate.set()
    until = time.monotonic() + 2
    while ours() and time.monotonic() < until:
        time.sleep(0.002)
    assert ran == [1]
    assert not ours()


def test_no_more_threads_than_agreed_and_they_are_used_again() -> None:
    lock, seen = threading.Lock(), []
    under_way, most = [0], [0]

    async def job() -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        await runtime().sleep(0.002)
        with lock:
            under_way[0] -= 1
            seen.append(threading.get_ident())

    background = runtime().background(3)
    for _ in range(20):
        background.start(job)
    until = time.monotonic() + 2
    while len(seen) < 20 and time.monotonic() < until:
        time.sleep(0.002)
    assert len(seen) == 20
    assert most[0] <= 3
    assert len(set(seen)) <= 3
    background.dismiss()


def test_it_is_here_only_where_it_was_made() -> None:
    async def made() -> Any:
        background = runtime().background(1)
        assert background.here()
        return background

    async def elsewhere(background: Any) -> None:
        assert not background.here()
        background.dismiss()

    in_asyncio, in_trio, simulated = asyncio.run(made()), trio.run(made), SimulatedRuntime().run(made())
    for background in (in_asyncio, in_trio, simulated):
        assert not background.here()
        asyncio.run(elsewhere(background))
        trio.run(elsewhere, background)
        drive(elsewhere(background))


def test_jobs_left_over_when_a_world_ends_end_with_it(recwarn: pytest.WarningsRecorder) -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def job() -> None:
        begun.append(1)
        try:
            await runtime().sleep(30)
        finally:
            ended.append(1)

    async def main() -> None:
        begun.clear()
        runtime().background(1).start(job)
        while not begun:
            await runtime().sleep(0.002)

    asyncio.run(main())
    trio.run(main)
    SimulatedRuntime().run(main())
    assert ended == [1, 1, 1]
    assert not recwarn.list
