"""Rate limits against what a server with a sliding log would say, over random times, costs, bursts and slots given back."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from integrakit.errors import RateLimitExceeded
from integrakit.http import RateLimit, Request, Reservation, Response
from integrakit.http.rate_limit import Quota
from integrakit.runtimes import SimulatedRuntime, runtime

UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
steps = st.lists(
    st.tuples(st.floats(0, 3), st.integers(1, 3), st.sampled_from(["keep", "keep", "keep", "cancel", "cancel an old one", "pause"])), max_size=60
)


def most_in_a_window(taken: list[tuple[float, int]], seconds: float) -> int:
    """As a sliding log counts: both ends of the window belong to it only by half."""
    return max((sum(cost for start, cost in taken if first <= start < first + seconds - 1e-6) for first, _ in taken), default=0)


@given(st.integers(1, 30), st.sampled_from(["second", "minute"]), st.integers(1, 4), steps)
def test_no_window_of_a_paced_quota_holds_more_than_the_limit(amount: int, unit: str, burst: int, steps: list[tuple[float, int, str]]) -> None:
    limit = RateLimit(f"{amount}/{unit}", margin=0, burst=burst)
    now, taken, largest = 0.0, [], 1
    for wait, cost, action in steps:
        now += wait * UNITS[unit] / 10
        cost = min(cost, amount)
        slot = limit.reserve(cost, now=now)
        assert slot.start >= now
        assert slot.delay >= 0
        taken.append((slot.start, cost, slot))
        largest = max(largest, cost)
        if action == "cancel":
            slot.cancel()
            taken.pop()
        elif action == "cancel an old one":
            ahead = [entry for entry in taken if entry[0] >= now]
            if ahead:
                entry = ahead[len(ahead) // 2]
                entry[2].cancel()
                entry[2].cancel()
                taken.remove(entry)
    # What a token bucket of this size and burst allows; with a burst of one and equal costs this is the limit itself.
    assert most_in_a_window([(start, cost) for start, cost, _ in taken], UNITS[unit]) <= amount + (burst - 1) + (largest - 1)


@given(st.integers(1, 50), st.sampled_from(["hour", "day"]), steps)
def test_no_window_of_a_budget_holds_more_than_the_limit(amount: int, unit: str, steps: list[tuple[float, int, str]]) -> None:
    limit = RateLimit(f"{amount}/{unit}", margin=0)
    now, taken = 0.0, []
    for wait, cost, action in steps:
        now += wait * UNITS[unit] / 7
        cost = min(cost, amount)
        slot = limit.reserve(cost, now=now)
        assert slot.start >= now
        # Bounded: whatever is booked before it, it fits after so many windows at the latest.
        assert slot.delay <= (len(taken) * 3 / amount + 2) * UNITS[unit] * 1.02
        taken.append((slot.start, cost))
        if action.startswith("cancel"):
            slot.cancel()
            taken.pop()
    assert most_in_a_window(taken, UNITS[unit]) <= amount


@given(st.integers(1, 20), st.integers(2, 200), steps)
def test_several_quotas_hold_at_once(per_second: int, per_hour: int, steps: list[tuple[float, int, str]]) -> None:
    limit = RateLimit(f"{per_second}/second; {per_hour}/hour", margin=0)
    now, taken = 0.0, []
    for wait, _, action in steps:
        now += wait
        slot = limit.reserve(now=now, within=10.0)
        if slot.delay > 10.0:
            continue
        taken.append((slot.start, 1))
        if action == "cancel":
            slot.cancel()
            taken.pop()
        elif action == "pause":
            limit.pause(now + 5)
            assert limit.reserve(now=now, within=0).start >= now + 5
    assert most_in_a_window(taken, 1.0) <= per_second
    assert most_in_a_window(taken, 3600.0) <= per_hour


@given(st.integers(1, 40), st.lists(st.integers(0, 40), max_size=40))
def test_slots_given_back_are_never_doubled(amount: int, cancelled: list[int]) -> None:
    limit = RateLimit(f"{amount}/second", margin=0)
    slots = [limit.reserve(now=0.0) for _ in range(41)]
    for index in cancelled:
        slots[index].cancel()
    kept = {round(slot.start, 9) for index, slot in enumerate(slots) if index not in cancelled}
    again = [round(limit.reserve(now=0.0).start, 9) for _ in range(60)]
    assert len(set(again)) == 60
    assert not kept & set(again)
    # And nothing is lost: together they are the slots from the first to the last, without a gap.
    everything = sorted(kept | set(again))
    assert all(abs(later - earlier - 1 / amount) < 1e-6 for earlier, later in pairwise(everything))


kinds = st.lists(
    st.one_of(
        st.builds(Quota, st.integers(1, 30), st.sampled_from([1, 7.5, 60]), kind=st.just("rate"), burst=st.integers(1, 4)),
        st.builds(Quota, st.integers(1, 30), st.sampled_from([1, 10, 60]), kind=st.just("window")),
        st.builds(Quota, st.integers(300, 900), st.just(60), kind=st.just("window")),
        st.builds(Quota, st.integers(1, 60), st.sampled_from([300, 3600]), kind=st.just("budget")),
    ),
    min_size=1,
    max_size=3,
)
events = st.lists(
    st.tuples(
        st.floats(0, 20),
        st.integers(1, 4),
        st.sampled_from(["keep"] * 5 + ["cancel", "cancel an old one", "pause", "told", "impatient", "charge more"]),
        st.sampled_from(["", "interactive", "backfill"]),
        st.sampled_from(["a", "b"]),
    ),
    max_size=60,
)


@given(kinds, st.sampled_from([0.0, 0.02]), events)
def test_no_window_of_any_kind_holds_more_than_the_limit(quotas: list[Quota], margin: float, steps: list[tuple[float, int, str, str, str]]) -> None:
    budget = any(quota.kind == "budget" and quota.amount >= 12 for quota in quotas) and all(
        quota.amount >= 12 for quota in quotas if quota.kind == "budget"
    )
    limit = RateLimit(*quotas, margin=margin, reserve={"interactive": 3, "export": 2} if budget else None, key=lambda request: request.url)
    now, taken, largest = 0.0, dict[str, list[tuple[float, int, Reservation]]](a=[], b=[]), 1
    most = min(5, *[quota.amount for quota in quotas])
    for wait, cost, action, purpose, key in steps:
        now += wait
        cost = min(cost, most)
        within = 5.0 if action == "impatient" else float("inf")
        slot = limit.reserve(cost, now=now, within=within, key=key, purpose=purpose)
        assert slot.start >= now
        if slot.delay > within:
            continue
        largest = max(largest, cost)
        taken[key].append((slot.start, cost, slot))
        if action == "cancel":
            slot.cancel()
            taken[key].pop()
        elif action == "cancel an old one" and (ahead := [entry for entry in taken[key] if entry[0] >= now]):
            ahead[len(ahead) // 2][2].cancel()
            taken[key].remove(ahead[len(ahead) // 2])
        elif action == "pause":
            limit.pause(now + 5, key=key)
        elif action == "told":
            limit._ledgers.get(key, now).apply(["told", 0, float(cost), 20.0], now)
        elif action == "charge more":
            # It cost more than was booked: what comes after it has to make up for that.
            for index in range(len(quotas)):
                limit._ledgers.get(key, now).apply(["settle", slot._tickets, index, 1, slot._purpose], now)
    for quota in quotas:
        slack = (quota.burst - 1) + (largest - 1) if quota.kind == "rate" else 0
        for entries in taken.values():
            assert most_in_a_window([(start, cost) for start, cost, _ in entries], quota.seconds) <= quota.amount + slack


@given(st.integers(12, 40), st.lists(st.tuples(st.sampled_from(["interactive", "export", "", "other"]), st.integers(1, 3)), max_size=60))
def test_no_purpose_takes_what_is_kept_for_another(amount: int, calls: list[tuple[str, int]]) -> None:
    reserve = {"interactive": 5, "export": 3}
    limit = RateLimit(f"{amount}/day", margin=0, reserve=reserve)
    used = dict.fromkeys(["interactive", "export", "", "other"], 0)
    for purpose, cost in calls:
        if limit.reserve(cost, now=0.0, within=1.0, purpose=purpose).delay == 0:
            used[purpose] += cost
        total = sum(used.values())
        assert total <= amount
        # What is kept is there, for whoever it is kept for, to the last unit.
        for name, units in reserve.items():
            left = units - used[name]
            if left > 0:
                slot = limit.reserve(left, now=0.0, within=1.0, purpose=name)
                assert slot.delay == 0
                slot.cancel()


@given(st.integers(1, 20), st.integers(1, 5), st.lists(st.tuples(st.floats(0, 3), st.integers(1, 10), st.integers(0, 10)), max_size=40))
def test_a_bucket_of_the_server_never_runs_dry_when_costs_are_settled(rate: int, burst: int, calls: list[tuple[float, int, int]]) -> None:
    # What a server with a token bucket would say: it holds ``burst``, may be overdrawn by one call, and is charged what the call really cost.
    limit = RateLimit(Quota(max(rate, 10), max(rate, 10) / rate, burst=burst), margin=0)
    free, now, tokens, last = 0.0, 0.0, float(burst), 0.0
    for wait, booked, actual in calls:
        now = max(now + wait, free)
        slot = limit.reserve(booked, now=now)
        tokens = min(float(burst), tokens + (slot.start - last) * rate)
        last = free = slot.start
        assert tokens >= 1 - 1e-6  # it is not asked while it is overdrawn
        tokens -= actual
        if actual != booked:
            limit._only.apply(["settle", slot._tickets, 0, actual - booked, ""], slot.start)  # type: ignore[union-attr]


@given(st.integers(1, 20), st.integers(1, 3), st.lists(st.floats(0.1, 10), min_size=1, max_size=10), st.floats(0, 5))
def test_waits_are_bounded_and_deadlines_kept(per_second: int, width: int, deadlines: list[float], max_wait: float) -> None:
    limit = RateLimit(f"{per_second}/second", max_wait=max_wait)

    async def one(deadline: float) -> None:
        async def send(request: Request) -> Response:
            return Response(_Raw(), request)

        began = runtime().now()
        refusal: RateLimitExceeded | None = None
        try:
            await limit(Request(method="GET", url="http://a.test", deadline=began + deadline), send)
        except RateLimitExceeded as problem:
            refusal = problem
        seconds, most = runtime().now() - began, min(deadline, max_wait)
        assert seconds <= most + 1e-9
        # Said at once, and only where it would have taken too long.
        assert refusal is None or (seconds == 0 and (refusal.retry_after or 0) >= most)

    async def main() -> None:
        await runtime().gather([partial(one, deadline) for deadline in deadlines * width], len(deadlines) * width)

    SimulatedRuntime().run(main())


class _Raw:
    status_code = 200
    headers: ClassVar[dict[str, str]] = {}
    content = b""
