"""Circuit breakers against a plain model, over random answers and times: what is let through, when, and that none stays open for ever."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrakit.errors import CircuitOpen, ServerError
from integrakit.http import Request, Response
from integrakit.http.circuit_breaker import BUCKETS, LONGEST_OPEN, CircuitBreaker
from integrakit.http.stack import compose
from integrakit.runtimes import SimulatedRuntime, runtime

URL = "https://api.test/a"


class Raw:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Cancelled(BaseException):
    """As cancellations are: no Exception."""


async def send(request: Request) -> Response:
    await runtime().sleep(request.extensions["seconds"])
    outcome = request.extensions["outcome"]
    if outcome == "cancelled":
        raise Cancelled
    response = Response(Raw(200 if outcome == "ok" else 503), request)
    response.error = None if outcome == "ok" else ServerError("no", response=response)
    return response


steps = st.lists(
    st.tuples(st.floats(0, 8), st.sampled_from(["ok", "ok", "failed", "failed", "cancelled"]), st.sampled_from([0.0, 0.0, 0.5, 3.0])), max_size=80
)


@given(steps, st.integers(1, 6), st.sampled_from([0.25, 0.5, 1.0]))
def test_one_after_the_other_it_does_as_the_model_says(steps: list[tuple[float, str, float]], calls: int, share: float) -> None:
    breaker = CircuitBreaker(failures=share, calls=calls, window=10.0, open_for=5.0)
    call = compose([breaker], send)

    async def main() -> None:
        world = runtime()
        log: list[tuple[float, bool]] = []  # (end of its bucket, failed) of what counts while it is closed
        until, opened, state = 0.0, 0, "closed"
        for pause, outcome, seconds in steps:
            await world.sleep(pause)
            now = world.now()
            refusal: CircuitOpen | None = None
            try:
                await call(Request(method="GET", url=URL, extensions={"outcome": outcome, "seconds": seconds}))
            except Cancelled:
                pass
            except CircuitOpen as error:
                refusal = error
            passed = refusal is None
            if refusal is not None:
                assert refusal.retry_after is not None
                assert abs(refusal.retry_after - (until - now)) < 1e-6
                assert 0 < refusal.retry_after <= 5.0 * LONGEST_OPEN + 1e-6
            assert passed is (state == "closed" or now >= until)
            if not passed:
                continue
            if state != "closed":
                state = "half-open"
            if outcome == "cancelled":
                continue
            now = world.now()
            if state == "half-open":
                if outcome == "ok":
                    state, opened = "closed", 0
                    log.clear()
                else:
                    until, opened, state = now + 5.0 * min(LONGEST_OPEN, 2**opened), opened + 1, "open"
                continue
            log = [(end, failed) for end, failed in log if end + 10.0 > now]
            log.append(((now // (10.0 / BUCKETS) + 1) * (10.0 / BUCKETS), outcome == "failed"))
            failures = sum(failed for _, failed in log)
            if outcome == "failed" and len(log) >= calls and failures >= share * len(log):
                until, opened, state = now + 5.0, 1, "open"
            assert breaker.state(URL) == state

    SimulatedRuntime(seed=1).run(main())


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["ok", "failed", "cancelled"]), st.floats(0, 30)), min_size=1, max_size=40),
    st.integers(1, 3),
)
def test_with_many_at_once_probes_are_few_and_it_always_comes_back(steps: list[tuple[float, str, float]], probes: int) -> None:
    breaker = CircuitBreaker(failures=0.5, calls=2, window=10.0, open_for=5.0, probes=probes)
    under_way: list[float] = []

    async def watched(request: Request) -> Response:
        if breaker.state(URL) != "half-open":
            return await send(request)
        now = runtime().now()
        under_way.append(now)
        # Older ones than open_for may never come back: they make room.
        assert sum(1 for began in under_way if now - began < 5.0) <= probes
        try:
            return await send(request)
        finally:
            if now in under_way:
                under_way.remove(now)

    def note(event: Any) -> None:
        if event.after != "half-open":
            under_way.clear()

    call = compose([breaker], watched)

    async def one(at: float, outcome: str, seconds: float) -> None:
        await runtime().sleep(at)
        with contextlib.suppress(CircuitOpen, Cancelled):
            await call(Request(method="GET", url=URL, extensions={"outcome": outcome, "seconds": seconds, "observers": note}))

    async def main() -> None:
        world = runtime()
        await world.gather([lambda step=step: one(*step) for step in steps], len(steps))
        await world.sleep(5.0 * LONGEST_OPEN + 1)
        # Whatever was before: a server that is well again is found out by the next request.
        await call(Request(method="GET", url=URL, extensions={"outcome": "ok", "seconds": 0.0}))
        assert breaker.state(URL) == "closed"

    SimulatedRuntime(seed=1).run(main())
