"""Rate limits: what they grant, when, and what happens to slots that are given back."""

from __future__ import annotations

import os
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from tests.fakes.cancelling import wait_after_cancelling

from integrakit.errors import ConfigurationError, RateLimited, RateLimitExceeded
from integrakit.http import Client, RateLimit, Response, Retry
from integrakit.http.rate_limit import Reservation
from integrakit.runtimes import SimulatedRuntime, runtime
from integrakit.testing import Simulator


def delays(limit: RateLimit, count: int, *, now: float = 0.0, cost: int = 1) -> list[float]:
    return [round(limit.reserve(cost, now=now).delay, 6) for _ in range(count)]


def test_windows_up_to_a_minute_are_paced() -> None:
    assert delays(RateLimit("2/second", margin=0), 4) == [0, 0.5, 1, 1.5]
    assert delays(RateLimit("60/minute", margin=0), 3) == [0, 1, 2]
    assert delays(RateLimit("10 per 5 seconds", margin=0), 3) == [0, 0.5, 1]


def test_the_margin_stays_below_the_servers_number() -> None:
    assert delays(RateLimit("98/second", margin=0.5), 2)[1] == pytest.approx(1 / 49, abs=1e-6)
    assert delays(RateLimit("1/second"), 2)[1] == pytest.approx(1 / 0.98, abs=1e-6)


def test_a_burst_goes_at_once_after_a_pause() -> None:
    limit = RateLimit("2/second", margin=0, burst=3)
    assert delays(limit, 5) == [0, 0, 0, 0.5, 1]
    assert delays(limit, 4, now=10) == [0, 0, 0, 0.5]


def test_longer_windows_are_counted_budgets() -> None:
    limit = RateLimit("100/hour", margin=0)
    assert delays(limit, 100) == [0] * 100
    assert limit.reserve(now=1.0).delay == pytest.approx(3600 + 36 - 1)  # a bucket of a hundredth of the window, and then the window


def test_all_quotas_are_taken_together_or_not_at_all() -> None:
    limit = RateLimit("2/second, 4/hour", margin=0)
    assert delays(limit, 4) == [0, 0.5, 1, 1.5]
    far = limit.reserve(now=2.0, within=60.0)
    assert far.delay > 3000
    far.cancel()
    # Nothing was taken of the first quota either: once the second has room again, it goes at once.
    assert limit.reserve(now=4000.0).delay == 0


def test_a_costly_call_that_is_refused_does_not_block_cheap_ones() -> None:
    limit = RateLimit("60/minute; 100/day", margin=0)
    now = 0.0
    for _ in range(90):
        now += 1.0
        assert limit.reserve(now=now).delay <= 1.0
    expensive = limit.reserve(60, now=now + 1, within=60.0)
    assert expensive.delay > 80_000
    expensive.cancel()
    assert limit.reserve(now=now + 2).delay <= 1.0


def test_the_last_slot_that_is_given_back_is_as_if_it_had_never_been() -> None:
    limit = RateLimit("60/minute; 100/day", margin=0)
    limit.reserve(now=0.0)
    for _ in range(5):
        far = limit.reserve(60, now=0.0)
        assert far.delay == pytest.approx(1.0)
        far.cancel()
    assert limit.reserve(now=0.0).delay == pytest.approx(1.0)


def test_slots_given_back_are_handed_out_again_and_once() -> None:
    limit = RateLimit("1/second", margin=0)
    booked = [limit.reserve(now=0.0) for _ in range(5)]
    booked[2].cancel()
    booked[2].cancel()
    assert [round(limit.reserve(now=0.0).start, 6) for _ in range(2)] == [2, 5]


def test_a_slot_given_back_fits_its_own_size_only() -> None:
    limit = RateLimit("10/second", margin=0)
    one, three, _ = limit.reserve(1, now=0.0), limit.reserve(3, now=0.0), limit.reserve(1, now=0.0)
    one.cancel()
    assert limit.reserve(3, now=0.0).start == pytest.approx(0.5)
    three.cancel()
    assert limit.reserve(2, now=0.0).start == pytest.approx(0.1)


def test_a_slot_of_the_past_is_not_handed_out() -> None:
    limit = RateLimit("1/second", margin=0)
    booked = [limit.reserve(now=0.0) for _ in range(4)]
    booked[1].cancel()
    assert limit.reserve(now=2.5).start == pytest.approx(4)


def test_a_slot_given_back_is_not_moved_between_its_neighbours() -> None:
    # One quota has a slot back at 1, the other can only from 1.5 on: there the first has none, it must queue up at its end.
    limit = RateLimit("1/second; 3 per 61 second", margin=0)
    booked = [limit.reserve(now=0.0) for _ in range(3)]
    booked[1].cancel()
    starts = sorted([limit.reserve(now=0.0).start for _ in range(3)] + [booked[0].start, booked[2].start])
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(starts))


def test_what_a_budget_gets_back_counts_again() -> None:
    limit = RateLimit("3/hour", margin=0)
    booked = [limit.reserve(now=0.0) for _ in range(3)]
    assert limit.reserve(now=1.0, within=1).delay > 3000
    booked[0].cancel()
    booked[0].cancel()
    assert limit.reserve(now=1.0).delay == 0
    assert limit.reserve(now=1.0, within=1).delay > 3000
    booked[1].cancel()  # too late to matter once its window is over
    late = limit.reserve(now=1.0)
    limit.reserve(now=9000.0)
    late.cancel()
    assert [limit.reserve(now=9000.0, within=1).delay == 0 for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("cost", [0, -1, 3, True, 1.5, None, "1"])
def test_a_cost_that_can_never_be_granted_is_said(cost: Any) -> None:
    with pytest.raises(ConfigurationError, match="can never be granted"):
        RateLimit("2/second").reserve(cost, now=0.0)


@pytest.mark.parametrize(
    "rate",
    [
        None,
        "",
        " ",
        5,
        "fast",
        "0/second",
        "2",
        "2/",
        "/second",
        "-1/second",
        "2/second;",
        "2/fortnight",
        "2 per 0 seconds",
        ["2/second"],
        b"2/second",
    ],
)
def test_a_rate_that_cannot_be_read_is_said(rate: Any) -> None:
    with pytest.raises(ConfigurationError, match="is written like"):
        RateLimit(rate)


@pytest.mark.parametrize(("name", "values"), [("margin", [None, "", -1, 1, True, float("nan"), float("inf"), object()])])
@pytest.mark.parametrize(
    "more", [("burst", [None, "", -1, 0, True, 1.5, float("nan"), object()]), ("max_wait", [None, "", -1, True, float("nan"), object()])]
)
def test_wrong_arguments_are_said(name: str, values: list[Any], more: tuple[str, list[Any]]) -> None:
    for argument, wrong in ((name, values), more):
        for value in wrong:
            with pytest.raises(ConfigurationError, match=argument):
                RateLimit("2/second", **{argument: value})


def test_a_thousand_threads_get_a_slot_each() -> None:
    limit = RateLimit("1000/second", margin=0)
    starts: list[float] = []
    lock = threading.Lock()
    gate = threading.Barrier(50)

    def work() -> None:
        gate.wait()
        mine = [limit.reserve(now=0.0).start for _ in range(20)]
        with lock:
            starts.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(start * 1000) for start in starts) == list(range(1000))


def test_a_slot_is_given_back_once_by_many_threads() -> None:
    limit = RateLimit("1/second", margin=0)
    first, slot, _ = (limit.reserve(now=0.0) for _ in range(3))
    threads = [threading.Thread(target=slot.cancel) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [limit.reserve(now=0.0).start for _ in range(2)] == [1, 3]
    assert isinstance(first, Reservation)


def test_the_wait_is_slept_and_the_server_is_never_asked_too_often(world: Any) -> None:
    async def main() -> Any:
        with Simulator({"orders": [{"id": 1}]}, limit="20/second") as api:
            async with Client(api.url, rate_limit="20/second", retry=None) as client:
                started = runtime().now()
                for _ in range(8):
                    await client.aget("/orders/1")
                return runtime().now() - started, api.refused

    seconds, refused = world(main)
    assert 0.35 <= seconds < 1.0
    assert refused == 0


def test_a_slot_too_far_away_is_an_error_that_says_when(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=RateLimit("1/minute", max_wait=5)) as client:
                await client.aget("/orders/1")
                for _ in range(3):
                    with pytest.raises(RateLimitExceeded, match=r"beyond the max_wait of 5 s") as caught:
                        await client.aget("/orders/1")
                    assert 55 < (caught.value.retry_after or 0) <= 62  # the slot was given back each time
                    assert caught.value.attempts == 0
                with pytest.raises(RateLimitExceeded, match="beyond the deadline"):
                    await client.aget("/orders/1", deadline=0.5)
                assert len(api.requests) == 1

    world(main)


@pytest.mark.parametrize("how", ["asyncio", "trio", "simulated"])
def test_cancelling_gives_the_slot_back(how: str) -> None:
    assert wait_after_cancelling(how, RateLimit("1/minute", margin=0)) <= 60.01


def test_a_429_that_says_the_quota_is_gone_makes_everybody_wait() -> None:
    world = SimulatedRuntime()

    async def main() -> None:
        limit = RateLimit("10/second", max_wait=1000, margin=0)
        sent: list[float] = []

        async def answer(request: Any, world: Any) -> Any:
            sent.append(world.now())
            return (429, [("Retry-After", "30")], b"") if len(sent) == 1 else (200, [], b"{}")

        world.hosts[("http", "api.test", 80)] = answer
        async with Client("http://api.test", rate_limit=limit, retry=None) as client:

            async def one() -> Any:
                return (await client.aget("/a", check=False)).status_code

            assert await runtime().gather([one] * 20, 20) == [429] + [200] * 19
        # Those who had a slot already wait too, and do not come all at once afterwards.
        assert sent[0] == 0
        assert sent[1] >= 30
        assert all(later - earlier >= 0.099 for earlier, later in pairwise(sent[1:]))

    world.run(main())


@pytest.mark.parametrize(
    ("headers", "paused"), [([("Retry-After", "2")], False), ([("Retry-After", "2"), ("X-RateLimit-Remaining", "0")], True), ([], False)]
)
def test_a_short_429_concerns_its_caller_only(headers: list[tuple[str, str]], paused: bool) -> None:
    world = SimulatedRuntime()
    limit = RateLimit("10/second", margin=0)

    async def answer(request: Any, world: Any) -> Any:
        return 429, headers, b""

    async def main() -> None:
        world.hosts[("http", "api.test", 80)] = answer
        async with Client("http://api.test", rate_limit=limit, retry=None) as client:
            await client.aget("/a", check=False)
            assert (limit.reserve(now=runtime().now()).delay > 1) is paused

    world.run(main())


def test_a_limit_found_in_a_200_pauses_too() -> None:
    world = SimulatedRuntime()
    limit = RateLimit("10/second", margin=0)

    async def answer(request: Any, world: Any) -> Any:
        return 200, [], b'{"throttled": true}'

    def classify(response: Response) -> Exception | None:
        return RateLimited("throttled", retry_after=20.0) if response.json().get("throttled") else None

    async def main() -> None:
        world.hosts[("http", "api.test", 80)] = answer
        async with Client("http://api.test", rate_limit=limit, classify=classify, retry=Retry(attempts=1)) as client:
            with pytest.raises(RateLimited):
                await client.aget("/a")
            assert limit.reserve(now=runtime().now()).delay >= 20

    world.run(main())


def test_a_slot_given_back_during_a_pause_is_not_handed_out_before_its_end() -> None:
    limit = RateLimit("1/second; 1000/hour", margin=0)
    booked = [limit.reserve(now=0.0) for _ in range(3)]
    limit.pause(100.0)
    booked[1].cancel()
    assert limit.reserve(now=0.5).start >= 100
    assert [round(limit.reserve(now=0.5).start, 3) for _ in range(2)] == [101, 102]


def test_one_limit_serves_two_clients(world: Any) -> None:
    async def main() -> None:
        limit = RateLimit("1/minute")
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=limit) as one, Client(api.url, rate_limit=limit) as other:
                await one.aget("/orders/1")
                with pytest.raises(RateLimitExceeded):
                    await other.aget("/orders/1", deadline=1)

    world(main)


def test_a_fork_while_another_thread_reserves_does_not_hang() -> None:
    limit = RateLimit("1000/second")
    with limit._guard():
        child = os.fork()
        if child == 0:
            limit.reserve(now=0.0)
            os._exit(7)
    until = time.monotonic() + 5
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < until:
        time.sleep(0.005)
    if done[0] == 0:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(done[1]) == 7


def test_what_it_prints() -> None:
    assert repr(RateLimit("2/second; 5/day")) == "RateLimit('2/second; 5/day')"


def test_margin_does_not_take_a_whole_unit_of_a_small_budget():
    limit = RateLimit("2/day")
    assert [limit.reserve(now=0.0).delay for _ in range(2)] == [0.0, 0.0]
    assert limit.reserve(now=0.0).delay > 86_000
