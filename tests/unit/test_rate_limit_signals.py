"""What a limit does about what a server says of its quotas, hostile things included."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from integrakit.errors import PermissionDenied, RateLimited, RateLimitExceeded
from integrakit.http import Client, RateLimit, Request, Response, Retry
from integrakit.http.limiting.quota_signal import QuotaSignal
from integrakit.http.rate_limit import Quota
from integrakit.model.events import QuotaPaused, QuotaTold, Waited
from integrakit.runtimes import SimulatedRuntime, runtime

Answer = Callable[[int, float], Any]


def calls(limit: RateLimit, answer: Answer, count: int, *, retry: Retry | None = None, width: int = 1, cost: int = 1, **options: Any) -> list[float]:
    """When the server was asked: so many calls, ``width`` at a time. ``answer`` is given the number of the request and its time."""
    world, sent = SimulatedRuntime(seed=1), list[float]()

    async def host(request: Any, world: Any) -> Any:
        sent.append(world.now())
        status, headers, body = answer(len(sent), world.now())
        headers = {"Content-Type": "application/json", **headers}
        return status, list(headers.items()), body if isinstance(body, bytes) else json.dumps(body).encode()

    async def main() -> None:
        world.hosts[("http", "api.test", 80)] = host
        async with Client("http://api.test", rate_limit=limit, retry=retry, **options) as client:
            await runtime().gather([lambda: client.aget("/graphql", check=False, cost=cost)] * count, width)

    world.run(main())
    return [round(at, 3) for at in sent]


def telling(**signal: Any) -> Any:
    """A dialect that says the same each time."""
    return [lambda response, now: [QuotaSignal(dialect="test", **signal)]]


def ok(number: int, now: float) -> Any:
    return 200, {}, {}


def test_a_budget_takes_the_servers_number_over() -> None:
    # Others have used most of it: the server says that 3 are left when we have sent one.
    limit = RateLimit("100/day", margin=0, max_wait=1e6, dialects=["x-ratelimit"])

    def answer(number: int, now: float) -> Any:
        return 200, {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": str(max(0, 4 - number)), "X-RateLimit-Reset": str(int(43_200 - now))}, {}

    sent = calls(limit, answer, 6)
    assert sent[3] < 1
    assert sent[4] >= 43_199


def test_a_server_that_says_there_is_more_does_not_make_us_faster() -> None:
    limit = RateLimit("3/day", margin=0, max_wait=1e6, dialects=telling(kind="budget", limit=1e308, remaining=1e308, reset=1.0))
    assert calls(limit, ok, 4)[3] > 86_000
    limit = RateLimit("1/second", margin=0, dialects=telling(kind="rate", rate=1e308))
    assert calls(limit, ok, 3) == [0, 1, 2]


def test_where_others_use_a_window_what_remains_is_spread_evenly() -> None:
    # 60 a minute, and after our first request half of it is gone.
    limit = RateLimit("60/minute", margin=0, dialects=["x-ratelimit"])

    def answer(number: int, now: float) -> Any:
        return 200, {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": str(30 - number), "X-RateLimit-Reset": str(int(60 - now))}, {}

    sent = calls(limit, answer, 20)
    assert all(1.9 <= later - earlier <= 2.2 for earlier, later in pairwise(sent[1:]))


@pytest.mark.parametrize("quota", ["50/second", Quota(50, 1, kind="window")])
def test_alone_at_full_speed_a_server_that_counts_does_not_slow_us(quota: Any) -> None:
    limit = RateLimit(quota, margin=0, max_wait=1e6, dialects=["x-ratelimit"])
    log: list[float] = []

    def answer(number: int, now: float) -> Any:
        log.append(now)
        used = sum(at > now - 1 + 1e-6 for at in log)  # a sliding log, always all but used up
        return 200, {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": str(50 - used), "X-RateLimit-Reset": "1"}, {}

    sent = calls(limit, answer, 500, width=10)
    assert 9.0 <= sent[-1] <= 10.0


def test_a_rate_that_is_told_slows_us_down() -> None:
    limit = RateLimit("5/second", margin=0, dialects=["amazon"])
    sent = calls(limit, lambda number, now: (200, {"x-amzn-RateLimit-Limit": "0.5"}, {}), 4)
    assert sent == [0, 2, 4, 6]


def test_a_rate_that_is_not_told_any_more_is_forgotten() -> None:
    limit = RateLimit("5/second", margin=0, dialects=["amazon"], max_wait=1000)
    sent = calls(limit, lambda number, now: (200, {"x-amzn-RateLimit-Limit": "0.001"} if number == 1 else {}, {}), 4)
    assert sent == [0, 60, 60.2, 60.4]


@pytest.mark.parametrize(
    "signal",
    [
        {"kind": "window", "limit": 10.0, "remaining": 0.0, "reset": 1e9, "everybody": True},
        {"kind": "window", "remaining": 0.0, "reset": 1e300, "retry_after": 1e300, "refused": True},
        {"kind": "rate", "rate": 5e-324, "limit": 1e308},
        {"kind": "rate", "rate": 0.0},
        {"kind": "budget", "limit": 0.0, "remaining": 0.0, "reset": 1e12},
        {"kind": "window", "window": 5e-324, "limit": 5e-324, "remaining": 5e-324, "reset": 1e308},
        {"kind": "rate", "limit": 10.0, "charged": 1e308, "requested": 1.0},
        {"kind": "window", "window": 1.0, "limit": 10.0, "remaining": 1.0, "reset": 1e308},
    ],
)
@pytest.mark.parametrize("quota", ["10/second", "10/hour", Quota(10, 1, kind="window")])
def test_nothing_that_a_server_says_stops_us_for_long(signal: dict[str, Any], quota: Any) -> None:
    limit = RateLimit(quota, max_wait=1e6, dialects=telling(**signal))
    sent = calls(limit, ok, 3)
    assert len(sent) == 3
    assert sent[1] - sent[0] <= 3700
    assert sent[2] - sent[1] <= 3700


def test_what_a_call_really_cost_is_refunded_and_debited() -> None:
    def cost(actual: int) -> Answer:
        body = {"extensions": {"cost": {"requestedQueryCost": 100, "actualQueryCost": actual, "throttleStatus": {"maximumAvailable": 1000.0}}}}
        body["extensions"]["cost"]["throttleStatus"] |= {"currentlyAvailable": 900, "restoreRate": 100.0}  # type: ignore[dict-item]
        return lambda number, now: (200, {}, body)

    for actual, apart in ((100, 1.0), (20, 0.2), (300, 3.0)):
        sent = calls(RateLimit("100/second", margin=0, burst=1), cost(actual), 4, cost=100)
        assert sent == pytest.approx([0, apart, 2 * apart, 3 * apart], abs=0.002)


def test_points_are_not_taken_for_requests() -> None:
    # The limit counts requests, the server tells of points: 300 points are not 300 requests.
    body = {"extensions": {"cost": {"requestedQueryCost": 300, "actualQueryCost": 300}}}
    body["extensions"]["cost"]["throttleStatus"] = {"maximumAvailable": 2000.0, "currentlyAvailable": 1700, "restoreRate": 100.0}  # type: ignore[assignment]
    assert calls(RateLimit("2/second", margin=0), lambda number, now: (200, {}, body), 3) == [0, 0.5, 1]


def test_a_refusal_in_a_200_is_retried() -> None:
    refusal = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": {"requestedQueryCost": 10}}}
    refusal["extensions"]["cost"]["throttleStatus"] = {"maximumAvailable": 1000.0, "currentlyAvailable": 5, "restoreRate": 50.0}  # type: ignore[call-overload]

    def answer(number: int, now: float) -> Any:
        return 200, {}, refusal if number == 1 else {"data": 1}

    sent = calls(RateLimit("50/second", max_wait=100), answer, 1, retry=Retry(attempts=3), cost=10)
    assert len(sent) == 2


def test_a_403_that_is_a_limit_becomes_one(serve: Any) -> None:
    text = b'{"message": "You have exceeded a secondary rate limit"}'
    server = serve(lambda asked: (403, {"x-github-request-id": "1", "Retry-After": "9", "Content-Type": "application/json"}, text))
    with Client(server.url, rate_limit=RateLimit("100/second"), retry=None) as client:
        with pytest.raises(RateLimited, match="secondary rate limit") as caught:
            client.get("/repos")
        assert caught.value.retry_after == 9
        assert caught.value.status_code == 403
    server.script = lambda asked: (403, {"x-github-request-id": "1"}, {"message": "Must have admin rights"})
    with Client(server.url, rate_limit=RateLimit("100/second"), retry=None) as client, pytest.raises(PermissionDenied):
        client.get("/repos")


def test_observers_are_told() -> None:
    events: list[Any] = []
    limit = RateLimit("10/second", max_wait=100)
    headers = {"Retry-After": "30"}
    calls(limit, lambda number, now: (429, headers, {}) if number == 1 else (200, {}, {}), 2, observers=[events.append])
    kinds = [type(event) for event in events]
    assert kinds.count(QuotaTold) == 1
    assert [round(event.seconds) for event in events if isinstance(event, QuotaPaused)] == [30]
    assert [(event.what, round(event.seconds)) for event in events if isinstance(event, Waited)] == [("rate limit", 30)]


def test_who_does_not_want_to_listen_need_not() -> None:
    limit = RateLimit("10/second", margin=0, dialects=[])
    sent = calls(limit, lambda number, now: (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60", "X-RateLimit-Limit": "10"}, {}), 3)
    assert sent == [0, 0.1, 0.2]


def test_a_pause_of_one_key_is_not_one_of_another() -> None:
    limit = RateLimit("10/second", margin=0, key=lambda request: request.url)
    limit.pause(100.0, key="a")
    assert limit.reserve(now=0.0, key="a").delay == 100
    assert limit.reserve(now=0.0, key="b").delay == 0


def test_an_error_of_the_users_own_is_left_alone() -> None:
    error = PermissionDenied("no")

    def classify(response: Response) -> Exception | None:
        return error

    world = SimulatedRuntime()

    async def main() -> None:
        async def host(request: Any, world: Any) -> Any:
            return 200, [], b"{}"

        world.hosts[("http", "api.test", 80)] = host
        async with Client("http://api.test", rate_limit="10/second", retry=None, classify=classify) as client:
            with pytest.raises(PermissionDenied) as caught:
                await client.aget("/x")
            assert caught.value is error

    world.run(main())


def test_a_refusal_says_that_the_server_told_to_wait_and_what_is_kept_for_whom():
    async def body():
        limit = RateLimit("2/second; 10/day", margin=0, reserve={"interactive": 4})
        request = Request(method="GET", url="https://api.test/a", purpose="backfill")

        async def answer(asked):
            return Response(httpx.Response(200, request=httpx.Request("GET", asked.url)), asked)

        for _ in range(6):
            await limit(request, answer)
        with pytest.raises(RateLimitExceeded, match="kept for 'interactive'; this call is for 'backfill'"):
            await limit(request, answer)
        await limit(request.copy(purpose="interactive"), answer)
        limit.pause(runtime().now() + 600)
        with pytest.raises(RateLimitExceeded, match=r"600\.0 s away, since the server told everybody to wait, beyond the max_wait"):
            await limit(request.copy(purpose="interactive"), answer)

    SimulatedRuntime(seed=1).run(body())
