"""The runtimes of sync, asyncio and trio code: which is in force, the driver, and the verbs."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio

from integrakit.clock import SystemClock
from integrakit.errors import ConfigurationError
from integrakit.http import Client, Request, Response
from integrakit.runtimes import drive, runtime
from integrakit.testing import Simulator

ROWS = [{"id": 1}]


async def name_of() -> str:
    return runtime().name


def test_which_one_is_in_force() -> None:
    assert runtime().name == "blocking"
    assert drive(name_of()) == "blocking"
    assert asyncio.run(name_of()) == "concurrent"
    assert trio.run(name_of) == "concurrent"

    async def inside() -> list[str]:
        names = [runtime().name, drive(name_of()), runtime().name]
        names.append(await asyncio.to_thread(lambda: runtime().name))
        names.append(await asyncio.get_running_loop().run_in_executor(None, lambda: drive(name_of())))
        return names

    assert asyncio.run(inside()) == ["concurrent", "blocking", "concurrent", "blocking", "blocking"]

    async def loop_in_drive() -> list[str]:
        return [runtime().name, asyncio.run(name_of()), trio.run(name_of), runtime().name]

    assert drive(loop_in_drive()) == ["blocking", "concurrent", "concurrent", "blocking"]


def test_a_task_started_inside_a_blocking_call_gets_its_own() -> None:
    seen: list[str] = []

    async def main() -> None:
        async def note() -> None:
            seen.append(runtime().name)

        async def driven() -> asyncio.Task[None]:
            seen.append(runtime().name)
            return asyncio.get_running_loop().create_task(note())

        await drive(driven())
        asyncio.get_running_loop().call_soon(lambda: seen.append(runtime().name))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert seen == ["blocking", "concurrent", "concurrent"]


def test_threads_that_copy_the_context_get_their_own() -> None:
    async def driven() -> str:
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(context.run, lambda: f"{runtime().name} {asyncio.run(name_of())}").result()

    assert drive(driven()) == "blocking concurrent"


def test_the_driver_gives_results_and_errors() -> None:
    async def fail() -> None:
        raise ValueError("mine")

    async def runtime_error() -> None:
        raise RuntimeError("mine too")

    with pytest.raises(ValueError, match="mine"):
        drive(fail())
    with pytest.raises(RuntimeError, match="mine too"):
        drive(runtime_error())
    assert runtime().name == "blocking"


def test_nested_drives() -> None:
    async def inner(depth: int) -> int:
        return depth if depth == 20 else drive(inner(depth + 1))

    assert drive(inner(0)) == 20


def test_awaiting_what_needs_a_loop_is_said() -> None:
    cleaned: list[int] = []

    async def foreign() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            cleaned.append(1)

    class Pending:
        def __await__(self) -> Any:
            yield "something"

    async def waiting() -> None:
        try:
            await Pending()
        finally:
            cleaned.append(2)

    for job in (foreign, waiting):
        with pytest.raises(ConfigurationError, match="needs an event loop"):
            drive(job())
    assert cleaned == [1, 2]

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="needs an event loop"):
            drive(foreign())

    asyncio.run(main())


@pytest.mark.parametrize("wrong", [None, 5, name_of, "text", object()])
def test_what_is_no_coroutine_is_said(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"run\(job\(\)\) and not run\(job\)"):
        drive(wrong)


def test_run_inside_a_running_loop() -> None:
    async def job(client: Client) -> Any:
        return (await client.aget("/orders/1")).json()

    with Simulator({"orders": ROWS}) as api:

        async def main() -> None:
            async with Client(api.url) as client:
                assert drive(job(client)) == {"id": 1}
                assert await job(client) == {"id": 1}

        asyncio.run(main())


def test_sync_calls_in_policies_in_loops_in_sync_calls() -> None:
    with Simulator({"orders": ROWS}) as api, Client(api.url) as plain:

        async def elsewhere() -> Any:
            async with Client(api.url) as other:
                return (await other.aget("/orders/1")).json()

        async def policy(request: Request, call_next: Any) -> Response:
            assert plain.get("/orders/1").json() == {"id": 1}
            if runtime().name == "blocking":
                assert asyncio.run(elsewhere()) == {"id": 1}
            await runtime().sleep(0)
            return await call_next(request)

        with Client(api.url, policies=[policy]) as client:
            assert client.get("/orders/1").json() == {"id": 1}

        async def main() -> Any:
            async with Client(api.url, policies=[policy]) as client:
                return (await client.aget("/orders/1")).json()

        assert asyncio.run(main()) == {"id": 1}


# ---------------------------------------------------------------------------------------------- the verbs


def test_time(world: Any) -> None:
    async def main() -> None:
        here = runtime()
        before, at = here.now(), here.wall()
        await here.sleep(0.02)
        await here.sleep(-5)
        assert 0.019 <= here.now() - before < 1
        assert at.utcoffset() is not None
        assert (here.wall() - at).total_seconds() >= 0.015

    world(main)
    assert SystemClock().wall().tzinfo is not None
    assert SystemClock().now() > 0
    assert repr(SystemClock()) == "SystemClock()"


def test_blocking_calls(world: Any) -> None:
    async def main() -> None:
        assert await runtime().blocking(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await runtime().blocking(divmod, 7, 0)

    world(main)


@pytest.mark.parametrize("how", ["asyncio", "trio"])
def test_a_blocking_call_is_off_the_loop_and_not_interrupted(how: str) -> None:
    done: list[int] = []

    def commit() -> int:
        time.sleep(0.04)
        done.append(threading.get_ident())
        return 1

    async def with_asyncio() -> None:
        task = asyncio.create_task(runtime().blocking(commit))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done

    async def with_trio() -> None:
        with trio.move_on_after(0.01):
            await runtime().blocking(commit)
        assert done

    if how == "asyncio":
        asyncio.run(with_asyncio())
    else:
        trio.run(with_trio)
    assert done[0] != threading.get_ident()


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_gathering_keeps_the_order_and_the_limit(world: Any, limit: int) -> None:
    async def main() -> None:
        running, most = [0], [0]
        lock = threading.Lock()

        def job(number: int) -> Any:
            async def work() -> int:
                with lock:
                    running[0] += 1
                    most[0] = max(most[0], running[0])
                await runtime().sleep(0.002 * (7 - number))
                with lock:
                    running[0] -= 1
                return number

            return work

        assert await runtime().gather([job(number) for number in range(7)], limit) == list(range(7))
        assert most[0] <= limit
        assert await runtime().gather([], limit) == []
        assert await runtime().gather([job(1)], limit) == [1]

    world(main)


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_the_first_error_ends_a_gather(world: Any, limit: int) -> None:
    started: list[int] = []

    async def main() -> None:
        def job(number: int) -> Any:
            async def work() -> None:
                started.append(number)
                if number == 1:
                    raise ValueError("first")
                await runtime().sleep(0.03)

            return work

        with pytest.raises(ValueError, match="first"):
            await runtime().gather([job(number) for number in range(30)], limit)

    world(main)
    assert len(started) <= 2 * limit + 1


def test_a_late_job_that_fails_first_is_not_waited_for_in_turn() -> None:
    async def main() -> None:
        async def slow() -> None:
            await runtime().sleep(0.04)

        async def fail() -> None:
            raise ValueError

        started = time.monotonic()
        with pytest.raises(ValueError):
            await runtime().gather([slow, fail, *([slow] * 20)], 2)
        assert time.monotonic() - started < 0.3

    drive(main())


def test_gathered_jobs_see_the_callers_context(world: Any) -> None:
    variable = contextvars.ContextVar("variable", default="none")

    async def main() -> None:
        variable.set("mine")

        async def work() -> str:
            return variable.get()

        assert await runtime().gather([work] * 3, 3) == ["mine"] * 3

    world(main)


def test_several_at_once_over_one_client(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": number} for number in range(20)]}) as api:
            async with Client(api.url) as client:

                def job(number: int) -> Any:
                    async def work() -> Any:
                        return (await client.aget(f"/orders/{number}")).json()["id"]

                    return work

                assert await runtime().gather([job(number) for number in range(20)], 5) == list(range(20))

    world(main)


def test_a_task_that_is_cancelled_already_does_not_begin_to_block():
    ran = []

    async def body():
        asyncio.current_task().cancel()
        with pytest.raises(asyncio.CancelledError):
            await runtime().blocking(ran.append, 1)
        asyncio.current_task().uncancel()
        return await runtime().blocking(lambda: "again")

    assert asyncio.run(asyncio.wait_for(body(), 5)) == "again"
    assert ran in ([], [1])
