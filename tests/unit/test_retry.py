"""What is tried again, how often, and after how long."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest
import tenacity
import tenacity.asyncio

from integrakit.errors import (
    BadRequest,
    ConfigurationError,
    ConnectError,
    DeadlineExceeded,
    IntegrakitError,
    NotFound,
    RateLimited,
    ServerError,
    TransportError,
    TransportTimeout,
)
from integrakit.http import Client, IdempotencyKey, RateLimit, Request, Response, Retry
from integrakit.http.retry_budget import RetryBudget
from integrakit.model.events import RetryRefused, RetryScheduled
from integrakit.runtimes import SimulatedRuntime, runtime

METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH")
SAFE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


class Server:
    """Answers in a simulation what it is told, the last one for ever, and keeps when it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = answers
        self.at: list[float] = []
        self.asked: list[Request] = []

    async def __call__(self, request: Request, world: SimulatedRuntime) -> Any:
        self.at.append(world.now())
        self.asked.append(request)
        answer = self.answers[min(len(self.at), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise type(answer)(str(answer), sent=getattr(answer, "sent", True))
        if callable(answer):
            answer = await answer(world)
        status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"{}")
        return status, list(headers.items()), body

    @property
    def waits(self) -> list[float]:
        return [round(later - earlier, 6) for earlier, later in zip(self.at, self.at[1:], strict=False)]


def call(server: Server, *, method: str = "GET", options: dict[str, Any] | None = None, **client_options: Any) -> Any:
    """The response, or the error, of one call in virtual time."""
    world = SimulatedRuntime(seed=1)
    world.hosts[("http", "api.test", 80)] = server

    async def main() -> Any:
        async with Client("http://api.test", **client_options) as client:
            try:
                return await client.arequest(method, "/a", **(options or {}))
            except IntegrakitError as error:
                return error

    return world.run(main())


HALF = Retry(random=lambda: 0.5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("failure", "who"),
    [
        (408, SAFE),
        (429, METHODS),
        ((429, {"Retry-After": "1"}, b""), METHODS),
        (502, SAFE),
        (503, SAFE),
        ((503, {"Retry-After": "1"}, b""), METHODS),
        (504, SAFE),
        (500, ()),
        (501, ()),
        (400, ()),
        (404, ()),
        (409, ()),
        (425, ()),
        (TransportError("gone"), SAFE),
        (TransportTimeout("late"), SAFE),
        (ConnectError("refused", sent=False), METHODS),
        (TransportTimeout("no connection became free", sent=False), METHODS),
    ],
)
def test_the_table_of_what_is_repeated(failure: Any, method: str, who: tuple[str, ...]) -> None:
    server = Server(failure, 200)
    result = call(server, method=method, retry=HALF)
    assert len(server.at) == (2 if method in who else 1)
    assert isinstance(result, Response) is (method in who)
    if method in who:
        assert result.attempts == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failure", [502, 503, 504, 408, TransportError("gone")])
def test_an_idempotency_key_makes_posts_repeatable(method: str, failure: Any) -> None:
    server = Server(failure, failure, 200)
    result = call(server, method=method, idempotency=IdempotencyKey(header="Idempotency-Key"), options={"json": {}}, retry=HALF)
    assert result.attempts == 3
    assert len({request.headers["idempotency-key"] for request in server.asked}) == 1


def test_further_statuses_on_request() -> None:
    assert call(Server(500, 200), retry=Retry(also=[500])).attempts == 2
    assert isinstance(call(Server(500, 200), method="POST", retry=Retry(also=[500])), ServerError)


def test_none_turns_it_off() -> None:
    server = Server(503, 200)
    error = call(server, retry=None)
    assert isinstance(error, ServerError)
    assert error.attempts == 1
    assert len(server.at) == 1
    assert not hasattr(error, "__notes__")


def test_the_original_error_comes_after_the_last_attempt() -> None:
    server = Server(502, 504, (503, {"X-Request-Id": "abc"}, b"third"))
    error = call(server, retry=HALF)
    assert isinstance(error, ServerError)
    assert error.status_code == 503
    assert error.attempts == 3
    assert error.request_id == "abc"
    assert "third" in str(error)
    assert error.__notes__ == ["after 3 attempts in 0.4 s"]


def test_the_response_that_is_not_checked_knows_its_attempts() -> None:
    response = call(Server(503), retry=HALF, options={"check": False})
    assert response.attempts == 3
    assert response.error.attempts == 3


def test_full_jitter_doubles_from_a_quarter_second_to_twenty() -> None:
    server = Server(503)
    call(server, retry=Retry(attempts=10, random=lambda: 1.0))
    assert server.waits == [0.25, 0.5, 1, 2, 4, 8, 16, 20, 20]
    server = Server(503)
    call(server, retry=Retry(attempts=4, random=lambda: 0.0))
    assert server.waits == [0, 0, 0]


def test_thousands_of_attempts_do_not_overflow() -> None:
    server = Server(503)
    assert call(server, retry=Retry(attempts=1500, random=lambda: 0.0, budget=None)).attempts == 1500


def test_retry_after_is_honoured() -> None:
    server = Server((429, {"Retry-After": "7.5"}, b""), (503, {"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}, b""), 200)
    assert call(server, retry=HALF).attempts == 3
    assert server.waits == [7.5, 22.5]


@pytest.mark.parametrize("value", ["0", "-5", "120junk", "Thu, 01 Jan 2020 00:00:30 GMT", ""])
def test_a_retry_after_that_is_no_advice_falls_back(value: str) -> None:
    server = Server((429, {"Retry-After": value}, b""), 200)
    call(server, retry=HALF)
    assert server.waits == [0.125]


def test_a_wait_beyond_max_wait_is_not_slept() -> None:
    server = Server((429, {"Retry-After": "3600"}, b""), 200)
    error = call(server)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 3600
    assert server.at == [0]
    assert error.__notes__ == ["not tried again: the next attempt is due in 3600.0 s, beyond the max_wait of 60 s"]
    assert call(Server((429, {"Retry-After": "3600"}, b""), 200), retry=Retry(max_wait=4000)).attempts == 2


def test_a_wait_beyond_the_deadline_is_not_slept() -> None:
    server = Server((503, {"Retry-After": "10"}, b""), 200)
    error = call(server, deadline=5)
    assert isinstance(error, ServerError)
    assert error.retry_after == 10
    assert "beyond the deadline" in error.__notes__[0]
    assert server.at == [0]


def test_a_slow_server_runs_into_the_deadline() -> None:
    async def slow(world: SimulatedRuntime) -> Any:
        await world.sleep(4)
        return 503, {}, b""

    server = Server(slow)
    error = call(server, deadline=10, retry=Retry(attempts=9, random=lambda: 0.0))
    assert isinstance(error, DeadlineExceeded)
    assert error.attempts == 3
    assert server.at == [0, 4, 8]


def test_a_refusal_of_the_rate_limit_ends_the_retrying() -> None:
    server = Server(503)
    error = call(server, rate_limit=RateLimit("1/minute", max_wait=5), retry=HALF)
    assert type(error).__name__ == "RateLimitExceeded"
    assert error.attempts == 1


# ---------------------------------------------------------------------------------------------- errors that hide in a 200


@pytest.mark.parametrize(
    ("error", "method", "attempts"),
    [
        (RateLimited("slow down"), "GET", 2),
        (RateLimited("slow down"), "POST", 2),
        (ServerError("oops"), "GET", 2),
        (ServerError("oops"), "POST", 1),
        (BadRequest("no"), "GET", 1),
        (NotFound("no"), "GET", 1),
    ],
)
def test_what_classify_finds_is_retried_like_its_status(error: Any, method: str, attempts: int) -> None:
    server = Server((200, {}, b'{"ok": false}'), (200, {}, b'{"ok": true}'))
    result = call(server, method=method, classify=lambda response: None if response.json()["ok"] else type(error)(str(error)), retry=HALF)
    assert len(server.at) == attempts
    if attempts == 1:
        assert isinstance(result, type(error))
        assert result.response.json() == {"ok": False}
        assert result.status_code == 200
        assert result.request is not None


def test_classify_may_say_when_to_come_back() -> None:
    server = Server((200, {}, b"1"), (200, {}, b"2"))
    call(server, classify=lambda response: RateLimited("later", retry_after=12.0) if response.json() == 1 else None)
    assert server.waits == [12]


# ---------------------------------------------------------------------------------------------- the budget


def many(server: Server, number: int, pause: float = 0.0, *, hosts: int = 1, **client_options: Any) -> list[Any]:
    """The errors of so many calls, one after the other, in one simulation."""
    world = SimulatedRuntime(seed=1)
    for host in range(hosts):
        world.hosts[("http", f"api{host}.test", 80)] = server

    async def main() -> list[Any]:
        found: list[Any] = []
        clients = [Client(f"http://api{host}.test", **client_options) for host in range(hosts)]
        for turn in range(number):
            try:
                found.append(await clients[turn % hosts].aget("/a"))
            except IntegrakitError as error:
                found.append(error)
            await world.sleep(pause)
        for client in clients:
            await client.aclose()
        return found

    return world.run(main())


def test_a_server_in_trouble_is_not_asked_three_times_as_often() -> None:
    server = Server(503)
    errors = many(server, 1000, retry=Retry(random=lambda: 0.0))
    assert 1000 + 100 + 1000 * 0.2 - 20 <= len(server.at) <= 1000 + 100 + 1000 * 0.2
    assert all(isinstance(error, ServerError) for error in errors)
    assert errors[0].attempts == 3
    refused = errors[-1] if errors[-1].attempts == 1 else errors[-2]
    assert refused.__notes__ == ["not tried again: the retry budget of api0.test is used up: RetryBudget(share=0.2, per_second=10)"]


def test_the_budget_fills_up_again() -> None:
    retry = Retry(random=lambda: 0.0, budget=RetryBudget(share=0.0, per_second=2.0))
    server = Server(503)
    many(server, 300, 1.0, retry=retry)
    # 20 to begin with and two each second are exactly enough; with half of that half of them are refused.
    assert len(server.at) == 900
    server = Server(503)
    many(server, 300, 1.0, retry=Retry(random=lambda: 0.0, budget=RetryBudget(share=0.0, per_second=1.0)))
    assert 300 + 300 <= len(server.at) <= 300 + 300 + 10


def test_hosts_do_not_take_from_each_other_and_a_budget_can_be_shared() -> None:
    tight = {"share": 0.0, "per_second": 0.0}
    server = Server(503)
    many(server, 100, hosts=2, retry=Retry(random=lambda: 0.0, budget=RetryBudget(**tight)))
    assert len(server.at) == 100 + 2 * 10
    budget = RetryBudget(**tight)
    one, other = Server(503), Server(503)
    many(one, 20, retry=Retry(random=lambda: 0.0, budget=budget))
    many(other, 20, retry=Retry(random=lambda: 0.0, attempts=5, budget=budget))
    assert (len(one.at), len(other.at)) == (30, 20)


def test_each_retry_has_a_budget_of_its_own_and_none_turns_it_off() -> None:
    assert Retry().budget is not Retry().budget
    assert Retry() == Retry() != Retry(budget=None)
    assert hash(Retry(budget=RetryBudget(share=0.1))) == hash(Retry(budget=RetryBudget(share=0.1)))
    for again in (copy.deepcopy(Retry(attempts=5)), pickle.loads(pickle.dumps(Retry(attempts=5)))):
        assert (again.attempts, again.budget) == (5, RetryBudget())
    server = Server(503)
    many(server, 300, retry=Retry(random=lambda: 0.0, budget=None))
    assert len(server.at) == 900


def test_what_is_not_repeated_anyway_costs_nothing() -> None:
    budget = RetryBudget(share=0.0, per_second=0.0)
    server = Server((429, {"Retry-After": "3600"}, b""))
    many(server, 50, retry=Retry(budget=budget))
    many(Server(404), 50, retry=Retry(budget=budget))
    many(Server(503), 50, retry=Retry(attempts=1, budget=budget))
    assert not budget.in_use


def test_no_password_in_the_url_is_told() -> None:
    error = call(Server(503), retry=Retry(random=lambda: 0.0, attempts=50, budget=RetryBudget(per_second=0)))
    assert "api.test" in error.__notes__[0]
    request = Request(method="GET", url="https://user:secret@api.test/a?token=secret")
    full = RetryBudget(per_second=0)
    while full.take("api.test", 0.0):
        pass
    assert "secret" not in Retry(budget=full)._against(request, 0.1, 0.0)


# ---------------------------------------------------------------------------------------------- events


def test_retries_are_told() -> None:
    events: list[Any] = []
    call(Server(503, (503, {"Retry-After": "7"}, b""), 200), retry=HALF, observers=[events.append])
    told = [(type(event), event.error.status_code, event.seconds) for event in events if isinstance(event, RetryScheduled)]
    assert told == [(RetryScheduled, 503, 0.125), (RetryScheduled, 503, 7.0)]
    assert not [event for event in events if isinstance(event, RetryRefused)]


@pytest.mark.parametrize(
    ("answer", "options", "retry", "why"),
    [
        ((429, {"Retry-After": "3600"}, b""), {}, {}, "beyond the max_wait of 60 s"),
        ((503, {"Retry-After": "10"}, b""), {"deadline": 5.0}, {}, "beyond the deadline"),
        (503, {}, {"attempts": 20, "budget": RetryBudget(per_second=0)}, "the retry budget of api.test is used up"),
    ],
)
def test_refused_retries_are_told(answer: Any, options: Any, retry: Any, why: str) -> None:
    events: list[Any] = []
    error = call(Server(answer), retry=Retry(random=lambda: 0.0, **retry), observers=[events.append], options=options)
    (refused,) = [event for event in events if isinstance(event, RetryRefused)]
    assert why in refused.why
    assert refused.error is error
    assert refused.why in error.__notes__[0]


# ---------------------------------------------------------------------------------------------- tenacity


def test_tenacitys_waits_are_slept() -> None:
    server = Server(503)
    call(server, retry=Retry(attempts=4, wait=tenacity.wait_fixed(1) + tenacity.wait_exponential(multiplier=1)))
    assert server.waits == [2, 3, 5]
    server = Server(503)
    call(server, retry=Retry(attempts=4, wait=tenacity.wait_chain(tenacity.wait_fixed(3), tenacity.wait_fixed(7))))
    assert server.waits == [3, 7, 7]
    server = Server(503)
    call(server, retry=Retry(attempts=3, wait=tenacity.wait_exception(lambda error: error.status_code / 100)))
    assert server.waits == [5.03, 5.03]
    server = Server(503)
    call(server, retry=Retry(attempts=5, wait=tenacity.wait_combine(tenacity.wait_incrementing(1, 2), tenacity.wait_fixed(0.5))))
    assert server.waits == [1.5, 3.5, 5.5, 7.5]
    server = Server(503)
    call(server, retry=Retry(attempts=4, wait=sum([tenacity.wait_fixed(1), tenacity.wait_fixed(2)], start=tenacity.wait_none())))
    assert server.waits == [3, 3, 3]
    server = Server(503)
    call(server, retry=Retry(attempts=9, wait=tenacity.wait_random_exponential(multiplier=0.5, max=4) + tenacity.wait_random(0.25, 0.5)))
    assert all(0.25 <= wait <= 4.5 for wait in server.waits)
    server = Server(503)
    call(server, retry=Retry(attempts=4, wait=tenacity.wait_exponential_jitter(initial=1, max=3, jitter=0)))
    assert server.waits == [1, 2, 3]


@pytest.mark.parametrize(
    ("stop", "attempts"),
    [
        (tenacity.stop_after_attempt(5), 5),
        (tenacity.stop_after_attempt(5) | tenacity.stop_after_delay(2.5), 4),
        (tenacity.stop_after_attempt(2) & tenacity.stop_after_delay(2.5), 4),
        (tenacity.stop_before_delay(2.5), 3),
        (tenacity.stop_any(tenacity.stop_after_attempt(7), tenacity.stop_after_delay(1.5)), 3),
        (tenacity.stop_after_delay(0.5), 2),
        (lambda state: state.idle_for > 5 or state.attempt_number == 4, 4),
        (tenacity.stop_all(tenacity.stop_after_attempt(2), tenacity.stop_after_attempt(3)), 3),
    ],
)
def test_tenacitys_stops_stop(stop: Any, attempts: int) -> None:
    server = Server(503)
    error = call(server, retry=Retry(stop=stop, wait=tenacity.wait_fixed(1)))
    assert len(server.at) == attempts
    assert error.attempts == attempts


@pytest.mark.parametrize(
    ("when", "repeated"),
    [
        (tenacity.retry_if_exception_type(ServerError), True),
        (tenacity.retry_if_exception_type(NotFound), False),
        (tenacity.retry_if_exception_type(NotFound) | tenacity.retry_if_exception_message(match=".*answered 500"), True),
        (tenacity.retry_if_exception_type(ServerError) & tenacity.retry_if_exception(lambda error: error.status_code != 500), False),
        (tenacity.retry_never, False),
        (tenacity.retry_always, True),
        (lambda state: state.attempt_number < 2, True),
    ],
)
def test_tenacitys_retries_decide(when: Any, repeated: bool) -> None:
    server = Server(500, 200)
    call(server, method="POST", retry=Retry(when=when, wait=tenacity.wait_none()))
    assert len(server.at) == 1 + repeated


def test_strategies_see_the_request_and_the_error() -> None:
    seen: list[Any] = []

    def wait(state: Any) -> float:
        seen.append((state.args[0].method, state.outcome.exception().status_code, state.attempt_number, round(state.seconds_since_start, 3)))
        return 2.0

    call(Server(503), retry=Retry(wait=wait))
    assert seen == [("GET", 503, 1, 0), ("GET", 503, 2, 2), ("GET", 503, 3, 4)]


@pytest.mark.parametrize("wrong", [None, "1", float("nan"), object(), True])
def test_a_wait_that_is_no_number_is_said(wrong: Any) -> None:
    assert isinstance(call(Server(503), retry=Retry(wait=lambda state: wrong)), ConfigurationError)


async def _yes(state: Any) -> bool:
    return True


@pytest.mark.parametrize("strategy", [_yes, tenacity.asyncio.retry_if_exception(_yes)])
@pytest.mark.parametrize("argument", ["wait", "stop", "when"])
def test_an_async_strategy_is_said_and_not_taken_for_a_yes(argument: str, strategy: Any) -> None:
    server = Server(404)
    error = call(server, method="POST", retry=Retry(**{argument: strategy}))
    assert isinstance(error, ConfigurationError)
    assert f"Retry({argument}=…)" in str(error)
    assert len(server.at) == 1


def test_a_negative_wait_is_none() -> None:
    server = Server(503)
    call(server, retry=Retry(wait=lambda state: -3.0))
    assert server.waits == [0, 0]


# ---------------------------------------------------------------------------------------------- over real connections, in every world


def test_dropped_connections_are_tried_again(serve: Any, world: Any) -> None:
    numbers = itertools.count(1)
    server = serve(lambda asked: {"ok": True} if next(numbers) == 3 else (lambda connection: None))

    async def main() -> Any:
        async with Client(server.url, retry=Retry(wait=lambda state: 0.001)) as client:
            return await client.aget("/a")

    response = world(main)
    assert response.attempts == 3
    assert [asked.method for asked in server.asked] == ["GET"] * 3


def test_a_post_whose_answer_is_lost_is_not_sent_again(serve: Any, world: Any) -> None:
    server = serve(lambda asked: lambda connection: None)

    async def main() -> None:
        async with Client(server.url) as client:
            with pytest.raises(TransportError) as caught:
                await client.apost("/a", json={})
            assert caught.value.sent is True
            assert not isinstance(caught.value, ConnectError)

    world(main)
    assert len(server.asked) == 1


def test_nobody_there_is_a_connect_error_for_every_method(world: Any) -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:9", retry=Retry(attempts=2, wait=lambda state: 0.0)) as client:
            with pytest.raises(ConnectError, match="nothing was sent") as caught:
                await client.apost("/a", json={})
            assert caught.value.attempts == 2
            assert caught.value.sent is False

    world(main)


def test_repeated_attempts_are_numbered_for_policies(world: Any, serve: Any) -> None:
    server = serve(lambda asked: (503, {}, b""))
    seen: list[int] = []

    async def policy(request: Request, call_next: Any) -> Response:
        seen.append(request.attempt)
        return await call_next(request)

    async def main() -> None:
        from integrakit.http import PerAttempt

        async with Client(server.url, retry=Retry(wait=lambda state: 0.0), policies=[PerAttempt(policy)]) as client:
            with pytest.raises(ServerError):
                await client.aget("/a")
        assert runtime().name

    world(main)
    assert seen == [1, 2, 3]


# ---------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("attempts", [None, "", 0, -1, True, 1.5, float("nan"), float("inf"), object()]),
        ("max_wait", [None, "", -1, True, float("nan"), object()]),
        ("also", [None, "500", 500, [200], [True], ["500"], [[1]], [600], [float("nan")], object()]),
        ("wait", ["", 5, True, float("inf"), object()]),
        ("stop", ["", 5, True, object()]),
        ("when", ["", 5, False, object()]),
        ("budget", ["", 5, 0.2, True, object()]),
        ("random", [None, "", 0.5, object()]),
    ],
)
def test_wrong_arguments_are_said(argument: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=argument):
            Retry(**{argument: value})
