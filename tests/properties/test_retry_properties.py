"""Retry, circuit breaker, concurrency and rate limit together, in virtual time with random faults: the deadline holds, waits are bounded, nothing is
lost; and a host never bears more retries than its budget."""

from __future__ import annotations

import contextlib
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrakit._http import Wire
from integrakit.errors import ConnectError, IntegrakitError, TransportError
from integrakit.http import RateLimit, Request, Response, Retry, Timeout
from integrakit.http.circuit_breaker import CircuitBreaker
from integrakit.http.concurrency import ConcurrencyLimit
from integrakit.http.hedging import Hedge
from integrakit.http.origins import Origins
from integrakit.http.retry_budget import SAVED_AT_LEAST, SAVED_SECONDS, RetryBudget
from integrakit.http.sending import Send
from integrakit.http.stack import compose
from integrakit.model.events import RetryScheduled, Waited
from integrakit.runtimes import SimulatedRuntime, runtime

faults = st.sampled_from(["ok", "ok", "503", "429", "503 later", "429 much later", "gone", "refused", "hang", "slow"])


class Host:
    """Answers as the list of faults says, over and over."""

    def __init__(self, plan: list[str]) -> None:
        self.plan = plan
        self.asked = 0

    async def __call__(self, request: Request, world: Any) -> Any:
        fault = self.plan[self.asked % len(self.plan)]
        self.asked += 1
        if fault == "hang":
            await world.sleep(10_000)
        if fault == "gone":
            await world.sleep(0.3)
            raise TransportError("gone")
        if fault == "refused":
            raise ConnectError("refused", sent=False)
        await world.sleep(4.0 if fault == "slow" else 0.05)
        status, _, later = fault.partition(" ")
        headers = [("Retry-After", "7" if later == "later" else "5000")] if later else []
        return (int(status) if status.isdigit() else 200), headers, b"{}"


@given(
    plan=st.lists(faults, min_size=1, max_size=12),
    calls=st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 40), st.sampled_from(["GET", "POST", "PUT"])), min_size=1, max_size=12),
    limit=st.integers(1, 3),
    rate=st.sampled_from(["1/second", "5/second", "3/minute", "20/second; 6/hour"]),
    hedged=st.booleans(),
    seed=st.integers(0, 999),
)
def test_no_call_takes_longer_than_its_deadline(plan: list[str], calls: list[Any], limit: int, rate: str, hedged: bool, seed: int) -> None:
    world = SimulatedRuntime(seed=seed)
    host = world.hosts[("https", "api.test", 443)] = Host(plan)
    concurrency = ConcurrencyLimit(limit, max_wait=15.0)
    send = Send(Wire(None), origins=Origins("https://api.test", []), auth=None, headers={}, params={}, classify=None, decimals=False)
    policies = [
        Retry(attempts=5, max_wait=10.0, random=random.Random(seed).random),
        *([Hedge(after=0.5)] if hedged else []),
        CircuitBreaker(calls=5, open_for=3.0),
        concurrency,
        RateLimit(rate, max_wait=20.0),
    ]
    call = compose(policies, send)
    events: list[Any] = []

    async def one(at: float, deadline: float, method: str) -> None:
        await world.sleep(at)
        began = world.now()
        request = Request(
            method=method, url="https://api.test/a", timeout=Timeout(attempt=6.0), deadline=began + deadline, extensions={"observers": events.append}
        )
        try:
            result: Any = await call(request)
        except IntegrakitError as error:
            result = error
        assert world.now() - began <= deadline + 1e-6
        assert result.attempts <= 5
        if isinstance(result, IntegrakitError):
            assert (getattr(result, "retry_after", None) or 0) >= 0
        else:
            assert result.status_code in (200, 429, 503)

    async def main() -> None:
        await world.gather([lambda each=each: one(*each) for each in calls], len(calls))
        assert concurrency.in_flight() == 0

    world.run(main())
    assert host.asked <= len(calls) * 5 * 2
    for event in events:
        if isinstance(event, RetryScheduled):
            assert 0 <= event.seconds <= 10.0
        if isinstance(event, Waited):
            assert event.seconds <= (15.0 if event.what == "concurrency" else 20.0) + 1e-6


@given(
    share=st.sampled_from([0.0, 0.1, 0.2, 1.0]),
    per_second=st.sampled_from([0.0, 1.0, 10.0]),
    steps=st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=150),
)
def test_a_host_never_bears_more_than_its_budget(share: float, per_second: float, steps: list[tuple[float, bool]]) -> None:
    budget = RetryBudget(share=share, per_second=per_second)
    most = max(SAVED_AT_LEAST, SAVED_SECONDS * per_second)
    now, granted, requests = 0.0, [], []
    for pause, is_request in steps:
        now += pause
        if is_request:
            budget.deposit("a")
            requests.append(now)
        elif budget.take("a", now):
            granted.append(now)
        else:
            assert len(granted) >= most  # what was saved up is used up
        for first in granted[:: max(1, len(granted) // 5)]:
            inside = sum(1 for each in granted if each >= first)
            earned = share * sum(1 for each in requests if each >= first)
            assert inside <= most + earned + per_second * (now - first) + 1e-6


@given(st.integers(1, 300))
def test_in_a_storm_the_server_gets_at_most_a_fifth_more(calls: int) -> None:
    asked = 0

    async def send(request: Request) -> Response:
        nonlocal asked
        asked += 1
        raise TransportError("gone")

    retry = Retry(attempts=6, random=lambda: 0.0, budget=RetryBudget(share=0.2, per_second=0.0))

    async def main() -> None:
        call = compose([retry], send)
        for _ in range(calls):
            with contextlib.suppress(TransportError):
                await call(Request(method="GET", url="https://api.test/a"))
        assert runtime().now() == 0

    SimulatedRuntime(seed=1).run(main())
    assert asked <= calls * 1.2 + SAVED_AT_LEAST
