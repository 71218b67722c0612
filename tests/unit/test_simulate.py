"""`simulate` and `VirtualClock`: time as a test wants it."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Generator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from integrakit.clock import Clock
from integrakit.errors import ConfigurationError
from integrakit.runtimes import drive, runtime
from integrakit.testing import VirtualClock, simulate

DAY = 86400.0


def test_a_year_takes_no_time() -> None:
    async def main() -> tuple[float, datetime]:
        await runtime().sleep(365 * DAY)
        return runtime().now(), runtime().wall()

    assert simulate(main) == (365 * DAY, datetime(2027, 1, 1, tzinfo=UTC))


def test_a_plain_function_runs_in_virtual_time_too() -> None:
    async def nap(seconds: float) -> str:
        await runtime().sleep(seconds)
        return runtime().name

    def main() -> tuple[str, float]:
        name = drive(nap(DAY))
        drive(nap(1))
        return name, runtime().now()

    assert simulate(main) == ("simulated", DAY + 1)
    assert runtime().name == "blocking"


def test_a_factory_may_return_anything_that_can_be_awaited() -> None:
    class Answer:
        def __await__(self) -> Generator[Any, None, int]:
            yield from runtime().sleep(5).__await__()
            return 42

    def make() -> Awaitable[int]:
        return Answer()

    assert simulate(make) == 42
    assert simulate(lambda: None) is None


def test_the_start_and_the_seed_are_given() -> None:
    async def main() -> Any:
        return runtime().wall(), [runtime().random.random() for _ in range(3)]  # type: ignore[attr-defined]

    start = datetime(2026, 5, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    wall, numbers = simulate(main, seed=5, start=start)
    assert (wall, wall.utcoffset()) == (datetime(2026, 5, 1, tzinfo=UTC), timedelta(0))
    assert simulate(main, seed=5)[1] == numbers
    assert simulate(main, seed=6)[1] != numbers


def test_one_simulation_inside_another_has_its_own_time() -> None:
    async def inner() -> float:
        await runtime().sleep(100)
        return runtime().now()

    async def main() -> tuple[float, float]:
        await runtime().sleep(1)
        return simulate(inner), runtime().now()

    assert simulate(main) == (100, 1)


def test_errors_come_out_as_they_are() -> None:
    async def main() -> None:
        await runtime().sleep(1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        simulate(main)


def test_a_coroutine_instead_of_its_factory() -> None:
    async def job() -> None:
        raise AssertionError("never run")

    with pytest.raises(ConfigurationError, match=r"simulate\(job\) and not simulate\(job\(\)\)"):
        simulate(job())  # type: ignore[arg-type, call-overload]
    with pytest.raises(ConfigurationError, match="not int"):
        simulate(7)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="aware"):
        simulate(job, start=datetime(2026, 1, 1))


# ---------------------------------------------------------------------------------------------- the clock


def test_a_virtual_clock_moves_when_told() -> None:
    clock: Clock = VirtualClock(datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1))))
    assert isinstance(clock, VirtualClock)
    assert (clock.now(), clock.wall()) == (0.0, datetime(2026, 3, 1, 11, tzinfo=UTC))
    clock.advance(1.5)
    clock.advance(timedelta(hours=1))
    clock.advance(0)
    assert (clock.now(), clock.wall()) == (3601.5, datetime(2026, 3, 1, 12, 0, 1, 500_000, tzinfo=UTC))
    assert repr(clock) == "VirtualClock(2026-03-01T12:00:01.500000+00:00, now=3601.5)"
    assert VirtualClock().wall() == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "1", True, None, timedelta(seconds=-1)])
def test_a_clock_never_goes_back(wrong: Any) -> None:
    clock = VirtualClock()
    with pytest.raises(ConfigurationError, match=r"advance\(\)"):
        clock.advance(wrong)
    assert clock.now() == 0


@pytest.mark.parametrize("wrong", [datetime(2026, 1, 1), date(2026, 1, 1), 0.0, None])
def test_a_clock_starts_at_an_aware_time(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="aware"):
        VirtualClock(wrong)


def test_a_clock_loses_no_second_among_threads() -> None:
    clock = VirtualClock()
    threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 8000
