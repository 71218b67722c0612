"""How many retries a host has to bear, in numbers; that `Retry` keeps to it is in test_retry."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.http.retry_budget import MOST_HOSTS, RetryBudget


def takes(budget: RetryBudget, now: float, host: str = "a") -> int:
    """How many retries there are at this moment."""
    number = 0
    while budget.take(host, now):
        number += 1
        assert number < 10_000
    return number


def test_ten_seconds_are_saved_up_and_come_back() -> None:
    budget = RetryBudget(share=0.2, per_second=10)
    assert takes(budget, 0.0) == 100
    assert takes(budget, 0.5) == 5
    assert takes(budget, 1.5) == 10
    assert takes(budget, 1000.0) == 100


def test_a_share_of_the_requests() -> None:
    budget = RetryBudget(share=0.2, per_second=0)
    assert takes(budget, 0.0) == 10
    for _ in range(5):
        budget.deposit("a")
    assert takes(budget, 1e6) == 1
    for _ in range(1000):
        budget.deposit("a")
    assert takes(budget, 1e6) == 10
    assert takes(RetryBudget(share=0, per_second=0), 0.0) == 10


def test_each_host_has_its_own() -> None:
    budget = RetryBudget(per_second=1)
    assert takes(budget, 0.0, "a") == 10
    assert takes(budget, 0.0, "b") == 10
    assert takes(budget, 0.0, "a") == 0


def test_nothing_is_kept_until_something_was_repeated_nor_when_it_is_full_again() -> None:
    budget = RetryBudget(share=1.0)
    budget.deposit("a")
    assert not budget.in_use
    budget.take("a", 0.0)
    assert budget.in_use
    budget.deposit("a")
    assert not budget.in_use


def test_hosts_are_bounded_and_the_empty_ones_are_kept() -> None:
    budget = RetryBudget(per_second=0)
    assert takes(budget, 0.0, "busy") == 10
    for number in range(MOST_HOSTS + 50):
        budget.take(f"host{number}", 0.0)
    assert len(budget._hosts) <= MOST_HOSTS
    assert takes(budget, 0.0, "busy") == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    budget = RetryBudget()
    assert takes(budget, 100.0) == 100
    assert takes(budget, 50.0) == 0


def test_threads_together_get_no_more() -> None:
    budget, got = RetryBudget(per_second=50), []
    threads = [threading.Thread(target=lambda: got.append(takes(budget, 0.0))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 500


def test_a_forked_child_is_not_held_up() -> None:
    budget = RetryBudget()
    with budget._guard():
        pid = os.fork()
        if pid == 0:
            os._exit(0 if budget.take("a", 0.0) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_budgets_are_equal_by_their_numbers_and_travel_without_what_was_used() -> None:
    budget = RetryBudget(share=0.1)
    takes(budget, 0.0)
    assert budget == RetryBudget(share=0.1) != RetryBudget(share=0.2)
    assert hash(budget) == hash(RetryBudget(share=0.1))
    assert budget != (0.1, 10.0)
    for again in (pickle.loads(pickle.dumps(budget)), copy.deepcopy(budget), copy.copy(budget)):
        assert again == budget
        assert takes(again, 0.0) == 100
    assert repr(budget) == "RetryBudget(share=0.1, per_second=10)"


@pytest.mark.parametrize(
    ("argument", "values"),
    [("share", [None, "", -0.1, 1.1, True, float("nan"), object()]), ("per_second", [None, "", -1, True, float("nan"), float("inf"), object()])],
)
def test_wrong_arguments_are_said(argument: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=argument):
            RetryBudget(**{argument: value})
