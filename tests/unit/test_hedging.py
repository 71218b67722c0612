"""When a second request goes out beside the first, which of them decides, and that the other leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import trio

from integrakit.errors import CircuitOpen, ConfigurationError, NotFound, RateLimited, RateLimitExceeded, ServerError, TransportError
from integrakit.http import Client, PerAttempt, Request, Response, Retry
from integrakit.http.concurrency import ConcurrencyLimit
from integrakit.http.hedging import Hedge, percentile
from integrakit.http.stack import compose
from integrakit.model.events import HedgeSent
from integrakit.runtimes import SimulatedRuntime, drive, runtime


class Raw:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Server:
    """Answers the n-th request after so many seconds with so much: ``(seconds, answer)``, the last one for ever."""

    def __init__(self, *plan: tuple[float, Any]) -> None:
        self.plan = plan
        self.at: list[float] = []
        self.cancelled = 0

    async def __call__(self, request: Request) -> Response:
        self.at.append(runtime().now())
        seconds, answer = self.plan[min(len(self.at), len(self.plan)) - 1]
        try:
            await runtime().sleep(seconds)
        except BaseException:
            self.cancelled += 1
            raise
        if isinstance(answer, Exception):
            raise answer
        status, error = answer if isinstance(answer, tuple) else (answer, None)
        response = Response(Raw(status), request)
        response.error = error or (ServerError("no", response=response) if status >= 500 else None)
        return response


def get(method: str = "GET", **more: Any) -> Request:
    return Request(method=method, url="https://api.test/a", **more)


def simulated(body: Any) -> Any:
    return SimulatedRuntime(seed=1).run(body())


def outcome(server: Server, hedge: Hedge, request: Request | None = None) -> tuple[Any, float]:
    """Status or error of one call, and how long it took."""

    async def main() -> Any:
        try:
            result: Any = (await compose([hedge], server)(request or get())).status_code
        except Exception as error:  # noqa: BLE001 - whatever it is, the test compares it
            result = type(error)
        return result, runtime().now()

    return simulated(main)


def test_a_quick_answer_is_never_hedged() -> None:
    server = Server((0.4, 200))
    assert outcome(server, Hedge(after=0.5)) == (200, 0.4)
    assert server.at == [0]


def test_a_late_answer_is_overtaken_and_the_loser_is_cancelled() -> None:
    server = Server((10, 200), (0.1, 201))
    assert outcome(server, Hedge(after=0.5)) == (201, 0.6)
    assert server.at == [0, 0.5]
    assert server.cancelled == 1


def test_the_first_may_still_win() -> None:
    server = Server((0.7, 200), (5, 201))
    assert outcome(server, Hedge(after=0.5)) == (200, 0.7)
    assert server.cancelled == 1


def test_several_hedges_one_after_the_other() -> None:
    server = Server((10, 200), (10, 200), (0.1, 201))
    assert outcome(server, Hedge(after=0.5, at_most=3)) == (201, 1.1)
    assert server.at == [0, 0.5, 1.0]
    assert server.cancelled == 2


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        # A failure before the hedge decides at once: repeating is for Retry.
        ((0.1, 503), (0.1, 200), (503, 0.1)),
        ((0.1, TransportError("gone")), (0.1, 200), (TransportError, 0.1)),
        # A failure while another is under way does not.
        ((0.6, 503), (1, 200), (200, 1.5)),
        ((0.6, TransportError("gone")), (1, 200), (200, 1.5)),
        ((2, 200), (0.1, 503), (200, 2)),
        ((2, 200), (0.1, TransportError("gone")), (200, 2)),
        ((2, 200), (0.1, (429, RateLimited("slow"))), (200, 2)),
        ((2, 200), (0.1, (200, ServerError("in a 200"))), (200, 2)),
        # A hedge that gets no turn does no harm.
        ((2, 200), (0, RateLimitExceeded("no slot")), (200, 2)),
        ((2, 200), (0, CircuitOpen("open")), (200, 2)),
        # Both fail: what the server had a part in is told.
        ((2, 503), (0, RateLimitExceeded("no slot")), (503, 2)),
        ((2, 503), (2, TransportError("gone")), (503, 2.5)),
        # A 404 is an answer.
        ((10, 200), (0.1, (404, NotFound("no"))), (404, 0.6)),
    ],
)
def test_which_of_them_decides(first: Any, second: Any, result: Any) -> None:
    assert outcome(Server(first, second), Hedge(after=0.5)) == result


def test_only_what_may_be_sent_twice_is_hedged() -> None:
    for method, number in [("GET", 2), ("HEAD", 2), ("OPTIONS", 2), ("POST", 1), ("PATCH", 1), ("PUT", 1), ("DELETE", 1)]:
        server = Server((1, 200))
        outcome(server, Hedge(after=0.5), get(method))
        assert len(server.at) == number, method
    server = Server((1, 200))
    outcome(server, Hedge(after=0.5), get("POST", extensions={"idempotent": True}))
    assert len(server.at) == 2
    server = Server((1, 200))
    outcome(server, Hedge(after=0.5, methods=["PUT"]), get("PUT"))
    assert len(server.at) == 2
    server = Server((1, 200))
    outcome(server, Hedge(after=0.5), get("GET", files={"f": object()}))
    assert len(server.at) == 1


def test_no_more_than_its_share_is_hedged() -> None:
    server, hedge = Server((1, 200)), Hedge(after=0.5, share=0.05)
    call = compose([hedge], server)

    async def main() -> None:
        for _ in range(400):
            await call(get())

    simulated(main)
    assert 400 * 0.05 + 9 <= len(server.at) - 400 <= 400 * 0.05 + 10


def test_after_may_go_by_recent_answers() -> None:
    hedge = Hedge(after=percentile(90))
    server = Server(*[(0.1 * number, 200) for number in range(1, 20)], (100, 200), (5, 200), (0.1, 201))
    call = compose([hedge], server)

    async def main() -> None:
        for _ in range(19):
            assert (await call(get())).status_code == 200
        await call(get())  # still too few known: not hedged, however long
        assert len(server.at) == 20
        began = runtime().now()
        assert (await call(get())).status_code == 201
        assert server.at[-1] - began == pytest.approx(1.8)  # 18 of the 20

    simulated(main)


@pytest.mark.parametrize("wrong", [None, "1", -1.0, float("nan"), float("inf"), True])
def test_a_function_that_gives_no_seconds_is_said(wrong: Any) -> None:
    hedge = Hedge(after=lambda durations: wrong)
    call = compose([hedge], Server((0.1, 200)))

    async def main() -> None:
        for _ in range(20):
            await call(get())
        with pytest.raises(ConfigurationError, match="must give seconds"):
            await call(get())

    simulated(main)


def test_hedges_are_told() -> None:
    events: list[Any] = []
    outcome(Server((1, 200)), Hedge(after=0.25, at_most=2), get(extensions={"observers": events.append}))
    assert [(type(event), event.after) for event in events] == [(HedgeSent, 0.25), (HedgeSent, 0.5)]


def test_the_losers_permit_is_given_back_and_a_hedge_waits_its_turn() -> None:
    limit = ConcurrencyLimit(1)
    server = Server((0.03, 200))
    call = compose([Hedge(after=0.005), limit], server)

    async def main() -> None:
        assert (await call(get())).status_code == 200
        assert len(server.at) == 1  # no permit for the hedge, until it was cancelled
        assert limit.in_flight() == 0

    for run in (lambda: asyncio.run(main()), lambda: trio.run(main)):
        server.at.clear()
        run()
    limit, server = ConcurrencyLimit(2), Server((9, 200), (0.1, 200))
    simulated(lambda: compose([Hedge(after=0.5), limit], server)(get()))
    assert server.cancelled == 1
    assert limit.in_flight() == 0


def test_it_works_in_every_world_but_the_blocking_one(serve: Any, world: Any, request: Any) -> None:
    first, answered = threading.Event(), threading.Event()

    def script(asked: Any) -> Any:
        if not first.is_set():
            first.set()
            answered.wait(5)
            return {"number": 1}
        return {"number": 2}

    server = serve(script)

    async def main() -> Any:
        async with Client(server.url, policies=[PerAttempt(Hedge(after=0.01))], retry=Retry(attempts=1)) as client:
            if runtime().name == "blocking":
                with pytest.raises(ConfigurationError, match=r"async code only.*await client\.aget"):
                    await client.aget("/a")
                with pytest.raises(ConfigurationError, match="async code only"):
                    await client.apost("/a")
                return 0
            if runtime().name == "simulated":
                first.set()  # a real server takes no virtual time there
            return (await client.aget("/a")).json()["number"]

    number = world(main)
    answered.set()
    assert number == (0 if "sync" in request.node.callspec.id and "asyncio" not in request.node.callspec.id else 2)
    assert len(server.asked) == {0: 0, 2: 2}[number] or "simulated" in request.node.callspec.id


def test_blocking_code_sends_nothing() -> None:
    server = Server((0, 200))
    with pytest.raises(ConfigurationError, match="async code only"):
        drive(compose([Hedge()], server)(get()))
    assert server.at == []


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("after", [None, "", -1, True, float("nan"), float("inf"), object()]),
        ("at_most", [None, "", 0, -1, True, 1.5, object()]),
        ("share", [None, "", 0, -1, 1.1, True, float("nan"), object()]),
        ("methods", [None, "GET", [], [5], [""], ["a b"], object()]),
    ],
)
def test_wrong_arguments_are_said(argument: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=argument):
            Hedge(**{argument: value})


@pytest.mark.parametrize("wrong", [None, "", 0, -1, 101, True, float("nan")])
def test_wrong_percentiles_are_said(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="percentile"):
        percentile(wrong)


def test_percentiles() -> None:
    durations = [float(number) for number in range(100, 0, -1)]
    assert [percentile(share)(durations) for share in (95, 50, 100, 0.1)] == [95, 50, 100, 1]


def test_it_says_what_it_is() -> None:
    assert repr(Hedge()) == "Hedge(after=0.5, at_most=1, share=0.1)"
