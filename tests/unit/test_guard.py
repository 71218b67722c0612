"""Limits trip before harm, counts and shares, and one record alone never trips a share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError, GuardTripped
from integrakit.writing import Guard
from integrakit.writing.guard import allowed


@pytest.mark.parametrize("name", ["max_deletes", "max_rejected", "max_changes"])
@pytest.mark.parametrize("wrong", [-1, True, 1.5, "5", "5 percent", "%", "x%", "101%", "-1%", "nan%", "inf%", [], "5%%"])
def test_limits_that_are_none(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"Guard\({name}=…\) takes a count such as 20, a share such as '5%'"):
        Guard(**{name: wrong})


@pytest.mark.parametrize("right", [None, 0, 7, "0%", "5%", "0.5%", "100%"])
def test_limits_that_are_some(right: Any) -> None:
    assert Guard(max_changes=right).max_changes == right


def test_deletes_are_measured_against_what_is_owned() -> None:
    Guard().check_deletes(5, 100)
    with pytest.raises(GuardTripped, match=r"6 of 100 records would be deleted, and max_deletes='5%' allows 5: none was deleted"):
        Guard().check_deletes(6, 100)
    Guard().check_deletes(1, 3)
    Guard(max_deletes=3).check_deletes(3, 3)
    with pytest.raises(GuardTripped):
        Guard(max_deletes=0).check_deletes(1, 10_000)
    Guard(max_deletes=None).check_deletes(10**9, 1)


def test_shares_of_rejections_count_from_a_hundred_on_and_at_the_end() -> None:
    guard = Guard()
    guard.check_rejected(50, 99, end=False)
    with pytest.raises(GuardTripped, match="50 of 99 records were rejected"):
        guard.check_rejected(50, 99, end=True)
    with pytest.raises(GuardTripped):
        guard.check_rejected(11, 100, end=False)
    guard.check_rejected(10, 100, end=False)
    guard.check_rejected(1, 1, end=True)


def test_counts_of_rejections_trip_at_once() -> None:
    with pytest.raises(GuardTripped):
        Guard(max_rejected=1).check_rejected(2, 3, end=False)
    Guard(max_rejected=None).check_rejected(100, 100, end=True)


def test_changes() -> None:
    Guard().check_changes(10**9, 0)
    Guard(max_changes="10%").check_changes(1, 0 + 1)
    with pytest.raises(GuardTripped, match="this run would make 3 changes or more"):
        Guard(max_changes=2).check_changes(3, 100)


@given(share=st.integers(0, 100), whole=st.integers(0, 10**9))
def test_a_share_is_rounded_up_exactly(share: int, whole: int) -> None:
    assert allowed(f"{share}%", whole) == -(-share * whole // 100)
