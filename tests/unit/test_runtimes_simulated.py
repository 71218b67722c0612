"""The simulated runtime: order, limits, errors, timeouts, and what happens to those nobody waits for."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from integrakit._http import Wire
from integrakit.errors import ConfigurationError, ConnectError, TransportError, TransportTimeout
from integrakit.model import Request
from integrakit.model.exchange import origin
from integrakit.runtimes import SimulatedRuntime, drive, runtime

URL = "http://api.test/x"
ORIGIN = origin(URL)


@pytest.fixture
def world() -> SimulatedRuntime:
    return SimulatedRuntime(seed=1)


def sleeper(world: SimulatedRuntime, seconds: float, log: list[Any], name: Any = None) -> Callable[[], Coroutine[Any, Any, Any]]:
    async def job() -> Any:
        log.append(("start", name, world.now()))
        try:
            await world.sleep(seconds)
        except BaseException:
            log.append(("stopped", name, world.now()))
            raise
        log.append(("end", name, world.now()))
        return name

    return job


# ---------------------------------------------------------------------------------------------- time


def test_time_moves_only_when_everybody_waits(world: SimulatedRuntime) -> None:
    async def main() -> list[float]:
        moments = [world.now()]
        for seconds in (0, 1.5, -5, float("nan"), 86400):
            await world.sleep(seconds)
            moments.append(world.now())
        return moments

    assert world.run(main()) == [0, 0, 1.5, 1.5, 1.5, 86401.5]
    assert world.wall() == datetime(2026, 1, 2, 0, 0, 1, 500_000, tzinfo=UTC)


def test_a_naive_start_is_refused() -> None:
    for wrong in (datetime(2026, 1, 1), "2026-01-01"):
        with pytest.raises(ConfigurationError, match="aware"):
            SimulatedRuntime(start=wrong)  # type: ignore[arg-type]


def test_sleepers_of_the_same_instant_wake_in_their_order(world: SimulatedRuntime) -> None:
    log: list[Any] = []
    world.run(world.gather([sleeper(world, 5, log, number) for number in range(5)], 5))
    assert [name for kind, name, _ in log if kind == "end"] == [0, 1, 2, 3, 4]


def test_the_second_run_goes_on_where_the_first_ended(world: SimulatedRuntime) -> None:
    world.run(world.sleep(3))
    world.run(world.sleep(4))
    assert world.now() == 7


def test_everything_again_by_seed() -> None:
    def story(seed: int) -> list[Any]:
        world = SimulatedRuntime(seed=seed)
        log: list[Any] = []

        async def job(number: int) -> None:
            for _ in range(5):
                await world.sleep(world.random.random())
                log.append((number, world.now()))

        world.run(world.gather([lambda number=number: job(number) for number in range(10)], 4))  # type: ignore[misc]
        return log

    assert story(1) == story(1)
    assert story(1) != story(2)


# ---------------------------------------------------------------------------------------------- gather


@pytest.mark.parametrize(("limit", "seconds"), [(1, 10), (2, 5), (3, 4), (10, 1), (99, 1), (0, 10), (-1, 10)])
def test_no_more_than_the_limit_at_a_time(world: SimulatedRuntime, limit: int, seconds: float) -> None:
    log: list[Any] = []
    assert world.run(world.gather([sleeper(world, 1, log, number) for number in range(10)], limit)) == list(range(10))
    assert world.now() == seconds
    assert [name for kind, name, _ in log if kind == "start"] == list(range(10))
    active = most = 0
    for kind, _, _ in log:
        active += 1 if kind == "start" else -1
        most = max(most, active)
    assert most == min(max(1, limit), 10)


def test_results_come_in_the_order_of_the_jobs(world: SimulatedRuntime) -> None:
    assert world.run(world.gather([sleeper(world, 10 - number, [], number) for number in range(5)], 5)) == [0, 1, 2, 3, 4]
    assert world.run(world.gather([], 5)) == []


def test_a_job_without_a_pause(world: SimulatedRuntime) -> None:
    async def quick() -> int:
        return 1

    assert world.run(world.gather([quick] * 3, 2)) == [1, 1, 1]


class Falsy(Exception):
    def __bool__(self) -> bool:
        return False


@pytest.mark.parametrize("error", [ValueError("mine"), Falsy("mine"), BaseException("mine")])
def test_the_first_error_ends_the_rest(world: SimulatedRuntime, error: BaseException) -> None:
    log: list[Any] = []

    async def fail() -> None:
        await world.sleep(2)
        raise error

    jobs = [sleeper(world, 1, log, "a"), fail, sleeper(world, 9, log, "b"), sleeper(world, 1, log, "never")]
    with pytest.raises(type(error), match="mine"):
        world.run(world.gather([*jobs[:3], sleeper(world, 9, log, "c"), jobs[3]], 3))
    assert world.now() == 2
    begun = [("start", "a", 0), ("start", "b", 0), ("end", "a", 1), ("start", "c", 1)]
    assert log == [*begun, ("stopped", "c", 2), ("stopped", "b", 2)]  # in the order of the workers: c came after a


def test_of_two_errors_at_one_instant_the_first_is_raised(world: SimulatedRuntime) -> None:
    def failing(name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def fail() -> None:
            await world.sleep(1)
            raise ValueError(name)

        return fail

    with pytest.raises(ValueError, match="first"):
        world.run(world.gather([failing("first"), failing("second")], 2))


def test_a_gather_inside_a_gather_is_ended_with_it(world: SimulatedRuntime) -> None:
    log: list[Any] = []

    async def inner() -> None:
        await world.gather([sleeper(world, 9, log, "deep")], 1)

    async def fail() -> None:
        await world.sleep(1)
        raise ValueError("mine")

    async def main() -> None:
        with pytest.raises(ValueError, match="mine"):
            await world.gather([inner, fail], 2)
        await world.sleep(100)

    world.run(main())
    assert log == [("start", "deep", 0), ("stopped", "deep", 1)]


def test_tidying_up_is_cancelled_at_each_pause(world: SimulatedRuntime) -> None:
    log: list[str] = []

    async def tidy() -> None:
        try:
            await world.sleep(9)
        finally:
            log.append("begins")
            try:
                await world.sleep(1)
            finally:
                log.append("ends")

    async def fail() -> None:
        await world.sleep(1)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        world.run(world.gather([tidy, fail], 2))
    assert (log, world.now()) == (["begins", "ends"], 1)


def test_a_task_that_never_gives_in_is_stopped_by_force(world: SimulatedRuntime) -> None:
    attempts: list[int] = []

    async def stubborn() -> None:
        for _ in range(100_000):
            try:
                await world.sleep(1)
            except GeneratorExit:
                raise
            except BaseException:  # noqa: BLE001
                attempts.append(1)

    async def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        world.run(world.gather([stubborn, fail], 2))
    assert len(attempts) == 1000


def test_context_variables_are_each_tasks_own(world: SimulatedRuntime) -> None:
    variable = contextvars.ContextVar("variable", default="outside")

    async def job(name: str) -> str:
        seen = variable.get()
        variable.set(name)
        await world.sleep(1)
        assert variable.get() == name
        return seen

    async def main() -> Any:
        variable.set("main")
        seen = await world.gather([lambda: job("a"), lambda: job("b")], 2)
        return seen, variable.get()

    assert world.run(main()) == (["main", "main"], "main")
    assert variable.get() == "outside"


# ---------------------------------------------------------------------------------------------- hosts


def get(world: SimulatedRuntime, limit: float | None = None, url: str = URL) -> Coroutine[Any, Any, Any]:
    return world.send(Wire(), Request(method="GET", url=url), limit)


def answering(seconds: float, log: list[Any] | None = None) -> Any:
    async def host(request: Request, world: SimulatedRuntime) -> Any:
        await world.sleep(seconds)
        if log is not None:
            log.append(world.now())
        return 200, [("X-Who", "host")], b"{}"

    return host


def test_a_host_answers(world: SimulatedRuntime) -> None:
    world.hosts[ORIGIN] = answering(3)
    for limit in (None, 5.0, float("inf")):
        response = world.run(get(world, limit))
        assert (response.status_code, response.headers["x-who"], response.content) == (200, "host", b"{}")
    assert world.now() == 9


def test_a_hosts_refusal_is_raised(world: SimulatedRuntime) -> None:
    async def host(request: Request, world: SimulatedRuntime) -> Any:
        raise TransportError("gone", request=request)

    world.hosts[ORIGIN] = host
    with pytest.raises(TransportError, match="gone"):
        world.run(get(world, 1.0))


@pytest.mark.parametrize("limit", [2.0, 0.0, -1.0])
def test_a_host_that_takes_too_long_goes_on(world: SimulatedRuntime, limit: float) -> None:
    log: list[Any] = []
    world.hosts[ORIGIN] = answering(5, log)

    async def main() -> None:
        with pytest.raises(TransportTimeout, match="longer than its timeout"):
            await get(world, limit)
        assert world.now() == max(0.0, limit)
        await world.sleep(10)

    world.run(main())
    assert log == [5]


def test_what_goes_wrong_after_the_timeout(world: SimulatedRuntime) -> None:
    def host_of(error: Exception) -> Any:
        async def host(request: Request, world: SimulatedRuntime) -> Any:
            await world.sleep(5)
            raise error

        return host

    async def main() -> str:
        with pytest.raises(TransportTimeout):
            await get(world, 1.0)
        await world.sleep(10)
        return "done"

    world.hosts[ORIGIN] = host_of(TransportError("the line was cut"))
    assert world.run(main()) == "done"
    # A defect of the host is never lost, even where its client has gone.
    world.hosts[ORIGIN] = host_of(KeyError("defect"))
    with pytest.raises(KeyError, match="defect"):
        world.run(main())
    assert world.run(world.gather([], 1)) == []


def test_other_addresses_go_over_the_wire(world: SimulatedRuntime) -> None:
    with pytest.raises(ConnectError):
        world.run(get(world, 1.0, "http://127.0.0.1:9/"))
    assert world.now() == 0


# ---------------------------------------------------------------------------------------------- the end


def test_a_world_that_stands_still_says_so(world: SimulatedRuntime) -> None:
    async def main() -> None:
        await world.sleep(3)
        await world.sleep(float("inf"))

    with pytest.raises(ConfigurationError, match="stands still at 3 s: 1 tasks"):
        world.run(main())
    assert world.run(world.gather([sleeper(world, 1, [], "x")], 1)) == ["x"]


def test_what_is_left_over_is_cancelled_in_order(world: SimulatedRuntime) -> None:
    log: list[Any] = []

    def host(name: str) -> Any:
        async def serve(request: Request, world: SimulatedRuntime) -> Any:
            return await sleeper(world, 60, log, name)()

        return serve

    async def main() -> None:
        for name in "abc":
            world.hosts[ORIGIN] = host(name)
            with pytest.raises(TransportTimeout):
                await get(world, 1.0)

    world.run(main())
    assert [entry for entry in log if entry[0] == "stopped"] == [("stopped", "a", 3), ("stopped", "b", 3), ("stopped", "c", 3)]


def test_a_defect_while_tidying_up_is_raised(world: SimulatedRuntime) -> None:
    async def host(request: Request, world: SimulatedRuntime) -> Any:
        try:
            await world.sleep(60)
        finally:
            raise KeyError("defect")

    async def main(error: Exception | None) -> None:
        with pytest.raises(TransportTimeout):
            await get(world, 1.0)
        if error is not None:
            raise error

    world.hosts[ORIGIN] = host
    with pytest.raises(KeyError, match="defect"):
        world.run(main(None))
    with pytest.raises(ValueError, match="mine"):
        world.run(main(ValueError("mine")))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_it_at_once(world: SimulatedRuntime, kind: type[BaseException]) -> None:
    log: list[Any] = []

    async def interrupt() -> None:
        await world.sleep(1)
        raise kind

    async def main() -> None:
        await world.gather([interrupt, sleeper(world, 9, log, "a")], 2)

    with pytest.raises(kind):
        world.run(main())
    assert log == [("start", "a", 0), ("stopped", "a", 1)]
    assert runtime().name == "blocking"


# ---------------------------------------------------------------------------------------------- blocking calls inside


def test_a_blocking_call_lets_the_others_go_on(world: SimulatedRuntime) -> None:
    log: list[Any] = []

    async def blocked() -> str:
        result = drive(sleeper(world, 5, log, "nested")())
        log.append(("back", None, world.now()))
        return str(result)

    assert world.run(world.gather([blocked, sleeper(world, 2, log, "other")], 2)) == ["nested", "other"]
    assert log == [("start", "other", 0), ("start", "nested", 0), ("end", "other", 2), ("end", "nested", 5), ("back", None, 5)]


def test_blocking_calls_in_several_workers(world: SimulatedRuntime) -> None:
    log: list[Any] = []

    async def blocked(number: int) -> int:
        for _ in range(3):
            drive(sleeper(world, 1, log, number)())
        return number

    assert world.run(world.gather([lambda number=number: blocked(number) for number in range(4)], 4)) == [0, 1, 2, 3]  # type: ignore[misc]
    assert len(log) == 24
    assert 3 <= world.now() <= 12


def test_an_error_of_a_blocking_call_is_the_callers(world: SimulatedRuntime) -> None:
    async def fail() -> None:
        await world.sleep(1)
        raise ValueError("mine")

    async def main() -> float:
        with pytest.raises(ValueError, match="mine"):
            drive(fail())
        with pytest.raises(ConfigurationError, match="stands still"):
            drive(world.sleep(float("inf")))
        await world.sleep(1)
        return world.now()

    assert world.run(main()) == 2


def test_a_blocked_task_is_cancelled_where_it_blocks(world: SimulatedRuntime) -> None:
    log: list[Any] = []

    async def blocked() -> None:
        try:
            drive(sleeper(world, 1000, log, "nested")())
        finally:
            log.append("unwound")

    async def fail() -> None:
        await world.sleep(1)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        world.run(world.gather([blocked, fail], 2))
    assert world.now() == 1
    assert log == [("start", "nested", 0), ("stopped", "nested", 1), "unwound"]


def test_a_cancelled_task_that_was_blocked_is_told_at_its_next_pause(world: SimulatedRuntime) -> None:
    log: list[Any] = []

    async def blocked() -> None:
        # Both end at the same instant: the blocking call is over before its task hears that nobody waits for it.
        drive(world.sleep(1))
        log.append("back")
        await sleeper(world, 1000, log, "next")()

    async def fail() -> None:
        await world.sleep(1)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        world.run(world.gather([fail, blocked], 2))
    assert world.now() == 1


def test_a_task_of_its_own_thread_only(world: SimulatedRuntime) -> None:
    problems: list[Any] = []

    def elsewhere() -> None:
        problems.append(runtime().name)
        try:
            world.run(world.sleep(1))
        except ConfigurationError as problem:
            problems.append(str(problem))

    async def main() -> None:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    world.run(main())
    assert problems == ["blocking", "this simulation runs in another thread: a simulation has one thread only"]


# ---------------------------------------------------------------------------------------------- what does not belong here


def test_awaiting_what_needs_a_loop_is_said_where_it_stands(world: SimulatedRuntime) -> None:
    class Foreign:
        def __await__(self) -> Any:
            yield "something"

    async def main() -> str:
        try:
            await Foreign()
        except ConfigurationError as problem:
            await world.sleep(1)
            return str(problem)
        return "went through"

    assert "real event loop" in world.run(main())

    async def late() -> None:
        await asyncio.sleep(1)

    with pytest.raises(ConfigurationError, match="real event loop") as caught:
        world.run(late())
    assert isinstance(caught.value.__cause__, RuntimeError)

    async def other() -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        world.run(other())


def test_inside_a_running_loop(world: SimulatedRuntime) -> None:
    async def main() -> tuple[str, float]:
        await runtime().sleep(5)
        return runtime().name, runtime().now()

    async def notebook() -> Any:
        result = world.run(main())
        return result, runtime().name

    assert asyncio.run(notebook()) == (("simulated", 5), "concurrent")


def test_blocking_work_takes_no_virtual_time(world: SimulatedRuntime) -> None:
    async def main() -> tuple[int, float]:
        return await runtime().blocking(max, 3, 7), runtime().now()

    assert world.run(main()) == (7, 0)


@pytest.mark.parametrize("verb", ["race", "gather"])
def test_what_was_cancelled_does_not_cut_the_next_wait_short(verb: str) -> None:
    async def slow() -> None:
        await runtime().sleep(10)

    async def quick() -> None:
        await runtime().sleep(1)

    async def wrong() -> None:
        await runtime().sleep(1)
        raise ValueError

    async def main() -> float:
        world = runtime()
        if verb == "race":
            await world.race([(0, slow), (0, quick)])
        else:
            with contextlib.suppress(ValueError):
                await world.gather([slow, wrong, slow], 3)
        began = world.now()
        await world.sleep(5)
        return world.now() - began

    assert SimulatedRuntime().run(main()) == 5
