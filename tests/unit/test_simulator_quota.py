"""The rate limits of the simulated server, counted at instants the test chooses."""

from __future__ import annotations

import pytest

from integrakit.errors import ConfigurationError
from integrakit.testing.quota import KINDS, Quota, Rate, parse_rates


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("50/second", [Rate(50, 1)]),
        (" 600 / minute ", [Rate(600, 60)]),
        ("100 per 15 minutes", [Rate(100, 900)]),
        ("1 per hour", [Rate(1, 3600)]),
        ("5/2 Seconds; 1000/day", [Rate(5, 2), Rate(1000, 86400)]),
        ("5/second,9/minute", [Rate(5, 1), Rate(9, 60)]),
    ],
)
def test_rates_are_read(text: str, rates: list[Rate]) -> None:
    assert parse_rates(text) == rates


@pytest.mark.parametrize(
    "text", ["", "50", "fast", "50/fortnight", "-1/second", "1.5/second", "0/second", "5/0 seconds", "5/second;", "5//second", "٥/second"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="limit="):
        parse_rates(text)


def admitted(quota: Quota, moments: list[float]) -> list[bool]:
    return [quota.admit(moment) == 0 for moment in moments]


def test_a_sliding_log_looks_back_one_period() -> None:
    quota = Quota("2/second", "sliding-log")
    assert admitted(quota, [0.0, 0.9, 0.95, 1.0, 1.5, 1.9, 2.0]) == [True, True, False, True, False, True, True]
    assert quota.admit(2.0) == pytest.approx(0.9)


def test_a_token_bucket_allows_a_burst_and_then_the_rate() -> None:
    quota = Quota("2/second", "token-bucket")
    assert admitted(quota, [0.0, 0.0, 0.0, 0.4, 0.5, 0.6, 1.0]) == [True, True, False, False, True, False, True]
    assert quota.admit(1.25) == pytest.approx(0.25)
    assert admitted(quota, [100.0, 100.0, 100.0]) == [True, True, False]


def test_a_fixed_window_begins_anew() -> None:
    quota = Quota("2/second", "fixed-window")
    assert admitted(quota, [0.8, 0.9, 0.95, 1.0, 1.0, 1.5, 2.0]) == [True, True, False, True, True, False, True]
    assert quota.admit(2.25) == 0
    assert quota.admit(2.25) == pytest.approx(0.75)


@pytest.mark.parametrize("kind", list(KINDS))
def test_who_comes_back_when_told_is_let_in(kind: str) -> None:
    quota = Quota("3/second; 40/minute", kind)
    now = 0.1
    for _ in range(200):
        wait = quota.admit(now)
        if wait:
            now += wait
            assert quota.admit(now) == 0
        now += 0.1


def test_several_rates_are_taken_together_or_not_at_all() -> None:
    quota = Quota("2/second; 3/minute", "sliding-log")
    assert admitted(quota, [0, 0, 0, 0, 0, 1, 1, 2, 59.9, 60]) == [True, True, False, False, False, True, False, False, False, True]


def test_time_that_stands_still_or_goes_back_gives_nothing() -> None:
    quota = Quota("1/second", "token-bucket")
    assert admitted(quota, [5.0, 5.0, 4.0, 5.0]) == [True, False, False, False]
