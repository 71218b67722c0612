"""Quotas of every kind, keys, costs, reserves and forecasts: what a limit grants without anybody telling it anything."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, RateLimitExceeded
from integrakit.http import Client, RateLimit, Request
from integrakit.http.limiting import by_key
from integrakit.http.limiting.forecast import forecast_of
from integrakit.http.rate_limit import Quota
from integrakit.runtimes import runtime
from integrakit.testing import Simulator, simulate


def delays(limit: RateLimit, count: int, *, now: float = 0.0, cost: int = 1, **options: Any) -> list[float]:
    return [round(limit.reserve(cost, now=now, **options).delay, 6) for _ in range(count)]


def by_url(request: Request) -> str:
    return request.url


def test_a_window_lets_its_whole_amount_go_at_once_and_then_nothing() -> None:
    limit = RateLimit(Quota(3, 10, kind="window"), margin=0)
    assert delays(limit, 7) == [0, 0, 0, 10, 10, 10, 20]
    assert limit.reserve(now=30.0).delay == 0


def test_the_margin_of_a_window_is_in_time() -> None:
    assert delays(RateLimit(Quota(2, 10, kind="window")), 3) == [0, 0, 10.2]


def test_a_great_window_is_remembered_in_steps_on_the_safe_side() -> None:
    limit = RateLimit(Quota(1000, 10, kind="window"), margin=0)
    assert delays(limit, 1000) == [0] * 1000
    assert 10 < limit.reserve(now=0.0).delay <= 10.06


def test_several_quotas_of_several_kinds_hold_at_once() -> None:
    limit = RateLimit(Quota(10, 1), Quota(3, 5, kind="window"), Quota(4, 3600, kind="budget"), margin=0)
    assert delays(limit, 4) == [0, 0.1, 0.2, 5]
    assert limit.reserve(now=6.0, within=60).delay > 3500


def test_a_quota_has_a_burst_of_its_own() -> None:
    assert delays(RateLimit(Quota(2, 1, burst=3), margin=0), 4) == [0, 0, 0, 0.5]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Quota(0, 1),
        lambda: Quota(True, 1),
        lambda: Quota(1.5, 1),  # type: ignore[arg-type]
        lambda: Quota(1, 0),
        lambda: Quota(1, float("nan")),
        lambda: Quota(1, float("inf")),
        lambda: Quota(1, 1, kind="concurrency"),  # type: ignore[arg-type]
        lambda: Quota(1, 1, name=None),  # type: ignore[arg-type]
        lambda: Quota(1, 1, burst=0),
        lambda: RateLimit("2/second", Quota(1, 1)),
        lambda: RateLimit(Quota(1, 1), "2/second"),  # type: ignore[arg-type]
        lambda: RateLimit("2/second", key="account"),  # type: ignore[arg-type]
        lambda: RateLimit("2/second", cost_of=str),  # type: ignore[arg-type]
        lambda: RateLimit("2/second", dialects="github"),
        lambda: RateLimit("2/second", dialects=["klingon"]),
        lambda: RateLimit("2/second", reserve={"a": 1}),
        lambda: RateLimit("2/day", reserve={"a": -1}),
        lambda: RateLimit("2/day", reserve={"a": True}),
        lambda: RateLimit("2/day", reserve={"a": "lots"}),
        lambda: RateLimit("2/day", reserve={"a": 1.5}),
        lambda: RateLimit("2/day", reserve={"": 1}),
        lambda: RateLimit("2/day", reserve=["a"]),  # type: ignore[arg-type]
        lambda: RateLimit("100/day", reserve={"a": 60, "b": "50%"}),
    ],
)
def test_wrong_arguments_are_said(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        wrong()


# ------------------------------------------------------------------ keys


def test_each_key_has_a_limit_of_its_own() -> None:
    limit = RateLimit("1/second", margin=0)
    keyed = RateLimit("1/second", margin=0, key=lambda request: request.url)
    assert [limit.reserve(now=0.0).delay, limit.reserve(now=0.0).delay] == [0, 1]
    assert [keyed.reserve(now=0.0, key=key).delay for key in ("a", "b", "a", "b")] == [0, 0, 1, 1]


def test_the_key_is_taken_from_the_request(world: Any) -> None:
    async def main() -> None:
        limit = RateLimit("1/minute", key=lambda request: request.headers.get("account", ""))
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=limit) as client:
                for account in ("one", "two"):
                    await client.aget("/orders/1", headers={"account": account})
                with pytest.raises(RateLimitExceeded):
                    await client.aget("/orders/1", headers={"account": "one"}, deadline=1)

    world(main)


def test_a_key_that_is_no_text_is_said() -> None:
    limit = RateLimit("1/minute", key=lambda request: None)  # type: ignore[arg-type, return-value]
    with (
        Simulator({"orders": [{"id": 1}]}) as api,
        Client(api.url, rate_limit=limit) as client,
        pytest.raises(ConfigurationError, match="give a text"),
    ):
        client.get("/orders/1")


def test_only_keys_that_are_as_good_as_fresh_are_forgotten() -> None:
    limit = RateLimit("1/second", margin=0, key=by_url)
    limit.reserve(now=0.0, key="old")
    busy = limit.reserve(now=0.0, key="busy")
    for _ in range(3000):
        limit.reserve(now=0.0, key="busy")
    for number in range(5000):
        limit.reserve(now=100.0 + number / 10, key=str(number))
    assert len(limit._ledgers) < 2500
    assert limit.reserve(now=200.0, key="busy").start > 3000
    assert busy.start == 0


def test_more_keys_than_can_be_kept_are_refused_and_never_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_key, "MOST_KEYS", 1500)
    limit = RateLimit("2/day", key=by_url)
    for number in range(1500):
        limit.reserve(now=0.0, key=str(number))
    with pytest.raises(RateLimitExceeded, match="keys in use at once"):
        limit.reserve(now=0.0, key="one more")
    assert limit.reserve(now=0.0, key="7").delay == 0
    assert limit.reserve(now=0.0, key="7").delay > 0
    assert limit.reserve(now=200_000.0, key="new").delay == 0


def test_keys_are_made_by_many_threads_once_each() -> None:
    limit = RateLimit("1/second", margin=0, key=by_url)
    gate, starts, lock = threading.Barrier(16), [], threading.Lock()

    def work() -> None:
        gate.wait()
        mine = [(number % 10, limit.reserve(now=0.0, key=str(number % 10)).start) for number in range(100)]
        with lock:
            starts.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(starts) == [(key, float(start)) for key in range(10) for start in range(160)]


# ------------------------------------------------------------------ costs and purposes


def test_the_cost_may_come_from_the_request() -> None:
    async def main() -> float:
        limit = RateLimit("10/second", margin=0, cost_of=lambda request: 5)
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=limit) as client:
                for _ in range(3):
                    await client.aget("/orders/1")
                return runtime().now()

    assert simulate(main) == pytest.approx(1.0)


@pytest.mark.parametrize("cost", [0, -1, 1.0, None, 11])
def test_a_cost_that_makes_no_sense_is_said(cost: Any) -> None:
    limit = RateLimit("10/second", cost_of=lambda request: cost)
    with Simulator({"orders": [{"id": 1}]}) as api, Client(api.url, rate_limit=limit) as client:
        with pytest.raises(ConfigurationError, match="can never be granted"):
            client.get("/orders/1")
        assert api.requests == []


def test_what_is_kept_for_a_purpose_no_other_takes() -> None:
    limit = RateLimit("100/day", margin=0, reserve={"interactive": 20, "export": "10%"})
    assert delays(limit, 70, purpose="backfill") == [0] * 70
    assert limit.reserve(now=1.0, within=60, purpose="backfill").delay > 80_000
    assert limit.reserve(now=1.0, within=60).delay > 80_000
    assert delays(limit, 20, now=2.0, purpose="interactive", within=60) == [0] * 20
    assert limit.reserve(now=2.0, within=60, purpose="interactive").delay > 80_000
    assert delays(limit, 10, now=3.0, purpose="export", within=60) == [0] * 10


def test_what_a_purpose_has_used_of_its_own_is_not_kept_twice() -> None:
    limit = RateLimit("100/day", margin=0, reserve={"interactive": 20})
    assert delays(limit, 50, purpose="interactive") == [0] * 50
    assert delays(limit, 50, purpose="backfill", within=60) == [0] * 50


def test_what_a_purpose_gives_back_is_kept_for_it_again() -> None:
    limit = RateLimit("10/day", margin=0, reserve={"interactive": 5})
    mine = [limit.reserve(now=0.0, purpose="interactive") for _ in range(5)]
    for slot in mine:
        slot.cancel()
        slot.cancel()
    assert [delay > 60 for delay in delays(limit, 7, purpose="x", within=60)] == [False] * 5 + [True] * 2


def test_a_call_that_could_never_go_for_what_is_kept_is_said() -> None:
    limit = RateLimit("10/day", margin=0, reserve={"interactive": 5})
    with pytest.raises(ConfigurationError, match="from 1 to 5"):
        limit.reserve(6, now=0.0, purpose="backfill")
    assert limit.reserve(6, now=0.0, purpose="interactive").delay == 0


def test_the_purpose_comes_with_the_call(world: Any) -> None:
    async def main() -> None:
        limit = RateLimit("4/day", reserve={"interactive": 0.5})
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=limit) as client:
                for _ in range(2):
                    await client.aget("/orders/1", purpose="backfill")
                with pytest.raises(RateLimitExceeded):
                    await client.aget("/orders/1", purpose="backfill")
                for _ in range(2):
                    await client.aget("/orders/1", purpose="interactive")

    world(main)


# ------------------------------------------------------------------ forecasts


def test_a_forecast_goes_by_the_last_hour() -> None:
    limit = RateLimit("2400/day", margin=0)
    for minute in range(120):
        for _ in range(2):
            limit.reserve(now=minute * 60.0)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    (forecast,) = forecast_of(limit._only, 7200.0, at)  # type: ignore[arg-type]
    assert (forecast.used, forecast.remaining) == (240, 2160)
    assert 110 <= forecast.per_hour <= 145
    assert forecast.exhausted_in == pytest.approx(2160 / forecast.per_hour * 3600)
    assert forecast.exhausted_at is not None
    assert (forecast.exhausted_at - at).total_seconds() == pytest.approx(forecast.exhausted_in, abs=1e-3)
    assert "2160 left" in str(forecast)


def test_what_never_runs_out_has_no_end() -> None:
    limit = RateLimit("2400/day", margin=0)
    for minute in range(0, 120, 2):
        limit.reserve(now=minute * 60.0)
    (forecast,) = forecast_of(limit._only, 7200.0, datetime(2026, 3, 1, tzinfo=UTC))  # type: ignore[arg-type]
    assert forecast.exhausted_in is None
    assert "not used up" in str(forecast)


def test_a_fresh_limit_and_one_that_is_used_up_have_forecasts() -> None:
    limit = RateLimit("2/second; 5/day", margin=0)
    assert [(each.used, each.per_hour, each.exhausted_in) for each in limit.forecast()] == [(0, 0, None), (0, 0, None)]

    async def main() -> Any:
        now = runtime().now()
        for _ in range(5):
            limit.reserve(now=now)
        return limit.forecast()[1], limit.state()

    (budget, words) = simulate(main)
    assert (budget.remaining, budget.exhausted_in) == (0, 0)
    assert len(words.splitlines()) == 2
