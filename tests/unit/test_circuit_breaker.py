"""When a circuit opens, what it lets through, and what counts: the same in every world."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest

from integrakit.errors import (
    AuthenticationError,
    CircuitOpen,
    ConfigurationError,
    ConnectError,
    DeadlineExceeded,
    NotFound,
    RateLimited,
    RateLimitExceeded,
    ServerError,
    TransportError,
    TransportTimeout,
)
from integrakit.http import Client, PerAttempt, Request, Response, Retry
from integrakit.http.circuit_breaker import MOST_CIRCUITS, CircuitBreaker
from integrakit.http.stack import compose
from integrakit.model.events import CircuitChanged
from integrakit.runtimes import SimulatedRuntime, drive, runtime

URL = "https://api.test/a"
HOST = "https://api.test"


class Raw:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Server:
    """``send`` of a stack: answers what it is told, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = await answer()
        if isinstance(answer, BaseException):
            raise answer
        status, error = answer if isinstance(answer, tuple) else (answer, None)
        response = Response(Raw(status), request)
        kind = ServerError if status >= 500 else NotFound if status >= 400 else None
        response.error = error or (None if kind is None else kind("no", response=response))
        return response


def get(url: str = URL, **more: Any) -> Request:
    return Request(method="GET", url=url, **more)


async def ask(call: Any, request: Request | None = None) -> Any:
    """The status, or the class of the error."""
    try:
        return (await call(request or get())).status_code
    except Exception as error:  # noqa: BLE001 - whatever it is, the test compares it
        return type(error)


def simulated(body: Any) -> Any:
    return SimulatedRuntime(seed=1).run(body())


def breaker_of(**options: Any) -> CircuitBreaker:
    return CircuitBreaker(**{"calls": 4, "window": 10.0, "open_for": 30.0, **options})


# ---------------------------------------------------------------------------------------------- opening


def test_it_opens_at_the_rate_and_sends_nothing_more(world: Any) -> None:
    async def main() -> None:
        server, breaker = Server(200, 500, 200, 500, 200), breaker_of()
        call = compose([breaker], server)
        assert [await ask(call) for _ in range(3)] == [200, 500, 200]
        assert breaker.state(URL) == "closed"
        assert await ask(call) == 500
        assert breaker.state(HOST) == breaker.state(URL) == breaker.state("HTTPS://API.test:443/other") == "open"
        with pytest.raises(CircuitOpen, match="2 of 4 calls failed") as caught:
            await call(get(attempt=2))
        assert server.asked == 4
        assert 29 < caught.value.retry_after <= 30
        assert caught.value.attempts == 1
        assert caught.value.request.url == URL
        assert breaker.state("https://other.test/") == "closed"
        assert await ask(call, get("https://other.test/x")) == 200

    world(main)


def test_fewer_calls_than_the_minimum_never_open_it() -> None:
    async def main() -> None:
        server = Server(500)
        call = compose([breaker_of(calls=20)], server)
        for _ in range(19):
            assert await ask(call) == 500
        await runtime().sleep(11)  # all forgotten
        for _ in range(19):
            assert await ask(call) == 500
        assert await ask(call) == 500
        assert await ask(call) is CircuitOpen

    simulated(main)


def test_a_rate_below_the_limit_never_opens_it() -> None:
    async def main() -> None:
        server = Server(*[200, 200, 500] * 100)
        call = compose([breaker_of()], server)
        assert CircuitOpen not in [await ask(call) for _ in range(300)]

    simulated(main)


def test_old_failures_are_forgotten() -> None:
    async def main() -> None:
        breaker = breaker_of()
        call = compose([breaker], Server(500, 500, 500, 200, 200, 200, 500))
        assert [await ask(call) for _ in range(3)] == [500] * 3
        await runtime().sleep(12)
        assert [await ask(call) for _ in range(4)] == [200, 200, 200, 500]
        assert breaker.state(URL) == "closed"

    simulated(main)


COUNTS: list[tuple[Any, bool | None]] = [
    (500, True),
    (502, True),
    (503, True),
    (501, False),
    (404, False),
    ((429, RateLimited("slow")), False),
    ((401, AuthenticationError("who")), False),
    ((200, ServerError("in a 200")), True),
    ((200, NotFound("in a 200")), False),
    (TransportError("gone"), True),
    (ConnectError("refused", sent=False), True),
    (TransportTimeout("late"), True),
    (TransportTimeout("the pool is full", sent=False), None),
    (DeadlineExceeded("before it was sent"), None),
    (RateLimitExceeded("no slot"), None),
    (ConfigurationError("wrong"), None),
    (ZeroDivisionError(), None),
]


@pytest.mark.parametrize(("answer", "failed"), COUNTS, ids=str)
def test_what_counts(answer: Any, failed: bool | None) -> None:
    async def main() -> None:
        alone = breaker_of(calls=1)
        await ask(compose([alone], Server(answer)))
        assert alone.state(URL) == ("open" if failed else "closed")
        # What counts as nothing is no success either: with it, one failure of two would not be enough.
        mixed = breaker_of(calls=2, failures=1.0)
        call = compose([mixed], Server(500, answer, 500))
        for _ in range(3):
            await ask(call)
        assert mixed.state(URL) == ("closed" if failed is False else "open")

    simulated(main)


def test_a_deadline_that_ends_an_attempt_is_a_failure() -> None:
    """Otherwise callers with less patience than the attempt's own time-out would never find out about a server that hangs."""

    async def late() -> Any:
        error = DeadlineExceeded("in attempt 1")
        error.__cause__ = TransportTimeout("late")
        return error

    async def main() -> None:
        breaker = breaker_of(calls=1)
        assert await ask(compose([breaker], Server(late))) is DeadlineExceeded
        assert breaker.state(URL) == "open"

    simulated(main)


def test_failed_decides_where_it_says_something() -> None:
    def failed(answer: Any) -> bool | None:
        if isinstance(answer, Response) and answer.status_code == 404:
            return True
        return False if isinstance(answer, ConnectError) else None

    async def main() -> None:
        for answer, state in [(404, "open"), (ConnectError("refused"), "closed"), (500, "open"), (200, "closed")]:
            breaker = breaker_of(calls=1, failed=failed)
            await ask(compose([breaker], Server(answer)))
            assert breaker.state(URL) == state

    simulated(main)


# ---------------------------------------------------------------------------------------------- half-open


def test_one_probe_at_a_time_and_its_success_closes_it(world: Any) -> None:
    async def main() -> None:
        breaker = breaker_of(calls=1, open_for=0.02)
        gate: list[Any] = []

        async def slow() -> Any:
            waiter = runtime().waiter()
            gate.append(waiter)
            # The others that come meanwhile are refused; asked from in here, so that it works in blocking code as well.
            assert breaker.state(URL) == "half-open"
            with pytest.raises(CircuitOpen, match="a probe is under way") as caught:
                await call(get())
            assert 0 < caught.value.retry_after <= 0.02
            return 200

        server = Server(500, slow, 200)
        call = compose([breaker], server)
        assert await ask(call) == 500
        assert await ask(call) is CircuitOpen
        await runtime().sleep(0.03)
        assert await ask(call) == 200
        assert breaker.state(URL) == "closed"
        assert [await ask(call) for _ in range(3)] == [200] * 3
        assert server.asked == 5

    world(main)


def test_a_failed_probe_opens_it_for_longer_each_time_up_to_a_bound() -> None:
    async def main() -> None:
        world = runtime()
        breaker = breaker_of(calls=1, open_for=10.0)
        server = Server(500)
        call = compose([breaker], server)
        assert await ask(call) == 500
        waits = []
        for _ in range(6):
            with pytest.raises(CircuitOpen) as caught:
                await call(get())
            waits.append(caught.value.retry_after)
            await world.sleep(caught.value.retry_after - 0.001)
            assert await ask(call) is CircuitOpen
            await world.sleep(0.002)
            assert await ask(call) == 500
        assert [round(wait) for wait in waits] == [10, 20, 40, 80, 80, 80]
        # Once it was closed, it begins anew.
        server.answers = [200, 500]
        await world.sleep(81)
        assert [await ask(call), await ask(call)] == [200, 500]
        with pytest.raises(CircuitOpen) as caught:
            await call(get())
        assert caught.value.retry_after == 10

    simulated(main)


@pytest.mark.parametrize("answer", [RateLimitExceeded("no slot"), DeadlineExceeded("before sending"), ZeroDivisionError()], ids=str)
def test_a_probe_that_tells_nothing_is_given_back(answer: Any) -> None:
    async def main() -> None:
        breaker = breaker_of(calls=1)
        call = compose([breaker], Server(500, answer, 200))
        await ask(call)
        await runtime().sleep(31)
        assert await ask(call) is type(answer)
        assert breaker.state(URL) == "half-open"
        assert await ask(call) == 200
        assert breaker.state(URL) == "closed"

    simulated(main)


def test_a_probe_that_is_cancelled_is_given_back(world: Any) -> None:
    class Stop(BaseException):
        """As cancellations are: no Exception."""

    async def main() -> None:
        breaker = breaker_of(calls=1, open_for=0.01)
        call = compose([breaker], Server(500, Stop(), 200))
        await ask(call)
        await runtime().sleep(0.02)
        with pytest.raises(Stop):
            await call(get())
        assert breaker.state(URL) == "half-open"
        assert await ask(call) == 200

    world(main)


def test_an_asyncio_task_that_is_cancelled_gives_its_probe_back() -> None:
    async def main() -> None:
        breaker = breaker_of(calls=1, open_for=0.01)

        async def hang() -> Any:
            await asyncio.sleep(60)

        call = compose([breaker], Server(500, hang, 200))
        await ask(call)
        await asyncio.sleep(0.02)
        task = asyncio.ensure_future(call(get()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await ask(call) == 200

    asyncio.run(main())


def test_a_probe_that_hangs_does_not_keep_it_half_open_for_ever() -> None:
    async def main() -> None:
        world = runtime()
        breaker = breaker_of(calls=1)

        async def hang() -> Any:
            await world.sleep(1000)
            return 500

        call = compose([breaker], Server(500, hang, 200))
        await ask(call)
        await world.sleep(31)

        async def others() -> None:
            assert await ask(call) is CircuitOpen
            await world.sleep(31)
            assert await ask(call) == 200
            assert breaker.state(URL) == "closed"

        await world.gather([lambda: ask(call), others], 2)
        # Its end came when the circuit was another one: it counts as nothing.
        assert breaker.state(URL) == "closed"

    simulated(main)


def test_several_probes_at_a_time() -> None:
    async def main() -> None:
        world = runtime()
        breaker = breaker_of(calls=1, probes=3)

        async def slow() -> Any:
            await world.sleep(1)
            return 200

        server = Server(500, slow)
        call = compose([breaker], server)
        await ask(call)
        await world.sleep(31)
        results = await world.gather([lambda: ask(call)] * 5, 5)
        assert sorted(map(str, results)) == ["200"] * 3 + [str(CircuitOpen)] * 2

    simulated(main)


def test_answers_that_come_late_do_not_count_in_the_next_state() -> None:
    async def main() -> None:
        world = runtime()
        breaker = breaker_of(calls=2)

        async def slow() -> Any:
            await world.sleep(5)
            return 200

        call = compose([breaker], Server(slow, 500, 500, 500))

        async def failing() -> None:
            assert [await ask(call), await ask(call)] == [500, 500]

        await world.gather([lambda: ask(call), failing], 2)
        assert breaker.state(URL) == "open"  # the success of before it opened is no probe

    simulated(main)


# ---------------------------------------------------------------------------------------------- Retry-After, Retry, events


@pytest.mark.parametrize(("told", "wait"), [(5.0, 30.0), (120.0, 120.0), (1e9, 3600.0), (None, 30.0)])
def test_the_open_time_honours_what_the_server_said(told: float | None, wait: float) -> None:
    async def main() -> None:
        call = compose([breaker_of(calls=1)], Server((503, ServerError("later", retry_after=told))))
        await ask(call)
        with pytest.raises(CircuitOpen) as caught:
            await call(get())
        assert caught.value.retry_after == wait

    simulated(main)


def test_an_open_circuit_is_not_retried(world: Any) -> None:
    async def main() -> None:
        server = Server(503)
        breaker = breaker_of(calls=2)
        call = compose([Retry(attempts=9, random=lambda: 0.0), breaker], server)
        with pytest.raises(CircuitOpen) as caught:
            await call(get())
        assert server.asked == 2
        assert caught.value.attempts == 2
        assert "the attempt before it failed: no" in caught.value.__notes__
        with pytest.raises(CircuitOpen) as caught:
            await call(get())
        assert caught.value.attempts == 0
        assert server.asked == 2

    world(main)


def test_changes_are_told() -> None:
    events: list[Any] = []

    async def main() -> None:
        request = get(extensions={"observers": events.append})
        call = compose([breaker_of(calls=2)], Server(500, 500, 500, 200))
        for _ in range(3):
            await ask(call, request)
        await runtime().sleep(31)
        await ask(call, request)
        await runtime().sleep(61)
        await ask(call, request)

    simulated(main)
    assert all(isinstance(event, CircuitChanged) and event.key == HOST for event in events)
    assert [(event.before, event.after) for event in events] == [
        ("closed", "open"),
        ("open", "half-open"),
        ("half-open", "open"),
        ("open", "half-open"),
        ("half-open", "closed"),
    ]
    assert (events[0].failures, events[0].calls) == (2, 2)


def test_in_a_client_it_spares_the_server(serve: Any, world: Any) -> None:
    server = serve(lambda asked: (500, {}, b"{}"))
    breaker = CircuitBreaker(calls=3)

    async def main() -> None:
        async with Client(server.url, policies=[PerAttempt(breaker)]) as client:
            for _ in range(3):
                with pytest.raises(ServerError):
                    await client.aget("/a")
            with pytest.raises(CircuitOpen):
                await client.aget("/b")

    world(main)
    assert len(server.asked) == 3
    assert breaker.state(server.url) == "open"


# ---------------------------------------------------------------------------------------------- keys, resetting, looking


def test_a_key_of_ones_own() -> None:
    async def main() -> None:
        breaker = breaker_of(calls=1, key=lambda request: request.headers["shop"])
        call = compose([breaker], Server(500))
        await ask(call, get(headers={"shop": "a"}))
        assert await ask(call, get(headers={"shop": "a"})) is CircuitOpen
        assert await ask(call, get(headers={"shop": "b"})) == 500
        assert (breaker.state("a"), breaker.state("b"), breaker.state("c")) == ("open", "open", "closed")
        wrong: Any = breaker_of(key=lambda request: 7)
        assert await ask(compose([wrong], Server(200))) is ConfigurationError

    simulated(main)


def test_resetting_closes() -> None:
    async def main() -> None:
        breaker = breaker_of(calls=1)
        call = compose([breaker], Server(500))
        for host in ("a", "b", "c"):
            await ask(call, get(f"https://{host}.test/"))
        breaker.reset("https://a.test/whatever")
        assert [breaker.state(f"https://{host}.test") for host in ("a", "b", "c")] == ["closed", "open", "open"]
        breaker.reset()
        assert [breaker.state(f"https://{host}.test") for host in ("a", "b", "c")] == ["closed"] * 3
        assert await ask(call) == 500

    simulated(main)


def test_keys_are_bounded_and_open_circuits_are_kept() -> None:
    async def main() -> None:
        breaker = breaker_of(calls=1, key=lambda request: request.url)
        server = Server(500, 200)
        call = compose([breaker], server)
        await ask(call, get("https://bad.test/"))
        for number in range(MOST_CIRCUITS + 50):
            await ask(call, get(f"https://api.test/{number}"))
        assert len(breaker._circuits) <= MOST_CIRCUITS
        assert breaker.state("https://bad.test/") == "open"

    simulated(main)


def test_urls_that_cannot_be_read_share_a_circuit_and_do_no_harm() -> None:
    async def main() -> None:
        call = compose([breaker_of()], Server(200))
        for url in ("http://[", "", "x", "https://user:secret@api.test\\@evil/", "http://h:99999/"):
            assert await ask(call, get(url)) == 200
        breaker = breaker_of(calls=1)
        call = compose([breaker], Server(500))
        await ask(call, get("https://user:secret@api.test:8443/a?token=secret"))
        assert breaker.state("https://api.test:8443") == "open"
        assert "secret" not in repr(breaker)
        assert repr(breaker) == "CircuitBreaker(failures=0.5, calls=1, window=10, open_for=30) {'https://api.test:8443': 'open'}"

    simulated(main)


# ---------------------------------------------------------------------------------------------- threads, forks


def test_threads_open_it_together_and_one_of_them_probes() -> None:
    breaker = breaker_of(calls=100, window=60.0, open_for=0.02)
    server = Server(500)
    call = compose([breaker], server)
    start = threading.Barrier(8)
    results: list[Any] = []

    def work() -> None:
        start.wait()
        results.extend([drive(ask(call)) for _ in range(25)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 200
    assert 100 <= results.count(500) <= 110  # those that were under way when it opened, and at most a probe or two
    assert set(results) == {500, CircuitOpen}


def test_a_forked_child_is_not_held_up_by_the_parents_lock_or_probe() -> None:
    breaker = breaker_of(calls=1, open_for=60.0)
    call = compose([breaker], Server(500, 200))
    assert drive(ask(call)) == 500
    circuit = breaker._circuits[HOST]
    circuit.until = 0.0
    breaker._admit(get(), HOST, runtime().now())  # the parent's probe is under way
    assert drive(ask(call)) is CircuitOpen
    with breaker._guard():
        pid = os.fork()
        if pid == 0:
            os._exit(0 if drive(ask(call)) == 200 and breaker.state(URL) == "closed" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


# ---------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("failures", [None, "", 0, -0.1, 1.1, True, float("nan"), object()]),
        ("calls", [None, "", 0, -1, True, 1.5, float("inf"), object()]),
        ("probes", [None, "", 0, -1, True, 1.5, object()]),
        ("window", [None, "", 0, -1, True, float("nan"), float("inf"), object()]),
        ("open_for", [None, "", 0, -1, True, float("nan"), float("inf"), object()]),
        ("key", ["", 5, True, object()]),
        ("failed", ["", 5, True, object()]),
    ],
)
def test_wrong_arguments_are_said(argument: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=argument):
            CircuitBreaker(**{argument: value})
    with pytest.raises(ConfigurationError, match="a circuit is named by text"):
        CircuitBreaker().state(5)  # type: ignore[arg-type]
