"""Waiters, single flight, shields and races: the verbs that let tasks and threads wait for each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

from integrakit.errors import ConfigurationError, StoreError
from integrakit.runtimes import SimulatedRuntime, SingleFlight, drive, runtime


def counted(flight: SingleFlight, ran: list[int], gate: Callable[[], object] | None = None, together: int = 1):
    arrived = []

    async def job() -> int:
        ran.append(1)
        # On a busy machine a thread may begin late.
        while len(arrived) < together:
            await runtime().sleep(0.005)
        await runtime().sleep(0.02)
        if gate is not None:
            gate()
        return len(ran)

    async def once() -> int:
        arrived.append(1)
        return await runtime().single_flight(flight, job)

    return once


def test_one_run_for_all_that_work_side_by_side(world):
    flight, ran = SingleFlight(), []
    once = counted(flight, ran, together=8)

    async def body():
        return await runtime().gather([once] * 8, 8)

    assert world(body) == [1] * 8
    assert ran == [1]


def test_the_next_one_runs_anew(world):
    flight, ran = SingleFlight(), []
    once = counted(flight, ran)

    async def body():
        return [await once(), await once()]

    assert world(body) == [1, 2]


def test_everybody_gets_the_error(world):
    flight, begun, arrived = SingleFlight(), [], []

    async def job():
        begun.append(1)
        while len(arrived) < 4:
            await runtime().sleep(0.005)
        await runtime().sleep(0.02)
        raise StoreError("the disk is full")

    async def once():
        arrived.append(1)
        try:
            await runtime().single_flight(flight, job)
        except StoreError as problem:
            return str(problem)

    async def body():
        return await runtime().gather([once] * 4, 4)

    assert world(body) == ["the disk is full"] * 4
    assert len(begun) == 1


def test_a_follower_does_not_wait_longer_than_it_wants(world):
    flight = SingleFlight()

    async def job():
        await runtime().sleep(0.05)

    async def lead():
        await runtime().single_flight(flight, job)

    async def follow():
        await runtime().sleep(0.01)
        with pytest.raises(TimeoutError):
            await runtime().single_flight(flight, job, within=0.01)
        return "gone"

    async def body():
        return await runtime().gather([lead, follow], 2)

    assert world(body)[1] == "gone"


def test_one_run_over_threads_and_loops():
    flight, ran = SingleFlight(), []
    once = counted(flight, ran, together=20)

    async def eight():
        return await runtime().gather([once] * 8, 8)

    runners = [lambda: drive(once())] * 4 + [lambda: asyncio.run(eight()), lambda: trio.run(eight)]
    barrier = threading.Barrier(len(runners))

    def work(run):
        barrier.wait()
        return run()

    with ThreadPoolExecutor(len(runners)) as pool:
        results = list(pool.map(work, runners))
    assert results[0] == 1
    # All began within the 20 ms that a run takes, give or take a slow thread: certainly not one run each.
    assert len(ran) < 4


@pytest.mark.parametrize("run", [asyncio.run, lambda made: trio.run(lambda: made)], ids=["asyncio", "trio"])
def test_a_blocking_call_does_not_wait_for_its_own_loop(run):
    flight = SingleFlight()

    async def slow():
        await runtime().sleep(0.02)

    async def lead():
        await runtime().single_flight(flight, slow)

    async def other():
        await runtime().sleep(0.005)
        with pytest.raises(ConfigurationError, match=r"await client\.aget"):
            drive(in_blocking_code())

    async def in_blocking_code():
        await runtime().single_flight(flight, slow)

    async def body():
        await runtime().gather([lead, other], 2)

    run(body())


@pytest.mark.parametrize("run", [drive, lambda made: trio.run(lambda: made)], ids=["sync", "trio"])
def test_a_job_that_waits_for_itself_is_told(run):
    flight = SingleFlight()

    async def inner():
        return await runtime().single_flight(flight, inner)

    async def body():
        with pytest.raises(ConfigurationError):
            await runtime().single_flight(flight, inner)

    run(body())


def test_a_cancelled_leader_finishes_the_job_for_the_others():
    async def in_asyncio():
        flight, done = SingleFlight(), []

        async def job():
            await runtime().sleep(0.03)
            done.append(1)
            return "token"

        async def once():
            return await runtime().single_flight(flight, job)

        leader = asyncio.ensure_future(once())
        await asyncio.sleep(0.005)
        follower = asyncio.ensure_future(once())
        await asyncio.sleep(0.005)
        leader.cancel()
        leader.cancel()
        assert await follower == "token"
        with pytest.raises(asyncio.CancelledError):
            await leader
        assert done == [1]

    asyncio.run(in_asyncio())

    async def in_trio():
        flight, done = SingleFlight(), []

        async def job():
            await runtime().sleep(0.03)
            done.append(1)

        with trio.move_on_after(0.005):
            await runtime().single_flight(flight, job)
        assert done == [1]

    trio.run(in_trio)


def test_a_shield_holds_in_a_simulation():
    async def body():
        done = []

        async def job():
            await runtime().sleep(5)
            done.append(runtime().now())

        async def shielded():
            await runtime().shielded(job)

        async def quick():
            await runtime().sleep(1)
            return "quick"

        assert await runtime().race([(0, shielded), (0, quick)]) == "quick"
        return done

    assert SimulatedRuntime(seed=1).run(body()) == [5.0]


@pytest.mark.parametrize("kind", ["asyncio", "trio", "simulated"])
def test_the_first_one_decides_and_the_others_are_cancelled(kind):
    ended = []

    def runner(seconds, result):
        async def job():
            try:
                await runtime().sleep(seconds)
            except BaseException:
                ended.append(f"{result} cancelled")
                raise
            if isinstance(result, Exception):
                raise result
            return result

        return job

    async def body():
        assert await runtime().race([(0, runner(0.05, "slow")), (0.005, runner(0.005, "fast"))]) == "fast"
        with pytest.raises(StoreError, match="failed"):
            await runtime().race([(0, runner(0.001, StoreError("failed"))), (0.05, runner(0, "never begun"))])

    {"asyncio": lambda: asyncio.run(body()), "trio": lambda: trio.run(body), "simulated": lambda: SimulatedRuntime(seed=1).run(body())}[kind]()
    assert ended == ["slow cancelled"]


def test_blocking_code_cannot_race():
    async def body():
        with pytest.raises(ConfigurationError, match="async code"):
            await runtime().race([])

    drive(body())


def test_a_waiter_woken_before_it_waits(world):
    async def body():
        waiter = runtime().waiter()
        waiter.wake()
        woken = await waiter.wait(5)
        return woken, await runtime().waiter().wait(0.001)

    assert world(body) == (True, False)


def test_a_waiter_woken_after_its_loop_is_over_disturbs_nobody():
    kept = []

    async def body():
        kept.append(runtime().waiter())

    asyncio.run(body())
    trio.run(body)
    for waiter in kept:
        waiter.wake()
