"""Rate limits against what a server with a sliding log would say, over random times, costs, bursts and slots given back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from integrakit.http import RateLimit

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
