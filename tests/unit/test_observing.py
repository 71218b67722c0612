"""What observers are told, in which order, in every world; and that none of them disturbs a request."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
import trio

from integrakit.errors import ConfigurationError, ConnectError, IntegrakitError, NotFound, RateLimitExceeded, ServerError, TransportTimeout
from integrakit.http import Client, RateLimit, Request, Response, Retry
from integrakit.http.observing import Observers, observed
from integrakit.model.events import (
    AttemptFinished,
    AttemptStarted,
    CallFinished,
    CallStarted,
    Event,
    GrantLost,
    RedirectFollowed,
    RetryRefused,
    RetryScheduled,
    Waited,
)
from integrakit.runtimes import SimulatedRuntime, runtime


class Seen:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


def run(world: Any, url: str, method: str = "GET", path: str = "/a", options: dict[str, Any] | None = None, **client: Any) -> tuple[Seen, Any]:
    """What an observer saw of one call, and the response or the error of it."""
    seen = Seen()

    async def main() -> Any:
        async with Client(url, observers=[seen], **client) as it:
            try:
                return await it.arequest(method, path, **(options or {}))
            except IntegrakitError as error:
                return error

    return seen, world(main)


# ---------------------------------------------------------------------- the order


def test_a_success(world: Any, serve: Any) -> None:
    server = serve(lambda asked: {})
    seen, response = run(world, server.url, options={"params": {"n": 1}, "purpose": "backfill"})
    assert seen.kinds == ["CallStarted", "AttemptStarted", "AttemptFinished", "CallFinished"]
    started, attempt, finished, ended = seen.events
    assert started.request.params == {"n": 1}
    assert started.request.purpose == "backfill"
    assert attempt.request.attempt == 1
    assert finished.response.status_code == 200
    assert finished.error is None
    assert ended.response is response
    assert (ended.attempts, ended.error) == (1, None)
    assert 0 <= finished.seconds <= ended.seconds < 10


def test_retries_and_the_waits_between(world: Any, serve: Any) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "0.01"}, {}) if len(server.asked) < 3 else {})
    seen, response = run(world, server.url)
    one = ["AttemptStarted", "AttemptFinished"]
    assert seen.kinds == ["CallStarted", *one, "RetryScheduled", *one, "RetryScheduled", *one, "CallFinished"]
    assert [event.request.attempt for event in seen.of(AttemptStarted)] == [1, 2, 3]
    assert [type(event.error) for event in seen.of(AttemptFinished)] == [ServerError, ServerError, type(None)]
    assert [event.seconds for event in seen.of(RetryScheduled)] == [0.01, 0.01]
    ended = seen.events[-1]
    assert (ended.response is response, ended.attempts, ended.error) == (True, 3, None)
    assert ended.seconds >= 0.02


def test_a_failure_that_is_not_repeated(world: Any, serve: Any) -> None:
    server = serve(lambda asked: (404, {}, {}))
    seen, error = run(world, server.url)
    assert isinstance(error, NotFound)
    assert seen.kinds[:3] == ["CallStarted", "AttemptStarted", "AttemptFinished"]
    assert seen.kinds[-1] == "CallFinished"
    assert "RetryScheduled" not in seen.kinds
    assert seen.events[-1].error is error
    assert seen.events[-1].response.status_code == 404


def test_a_retry_that_is_refused_says_why(world: Any, serve: Any) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "3600"}, {}))
    seen, error = run(world, server.url)
    assert isinstance(error, ServerError)
    assert seen.kinds == ["CallStarted", "AttemptStarted", "AttemptFinished", "RetryRefused", "CallFinished"]
    refused = seen.of(RetryRefused)[0]
    assert refused.error is error
    assert "max_wait" in refused.why


def test_no_connection(world: Any, serve: Any) -> None:
    server = serve(lambda asked: {})
    server.close()
    server.close = lambda: None  # it is closed already
    seen, error = run(world, server.url, retry=Retry(attempts=2, random=lambda: 0.0))
    assert isinstance(error, ConnectError)
    one = ["AttemptStarted", "AttemptFinished"]
    assert [kind for kind in seen.kinds if kind != "RetryRefused"] == ["CallStarted", *one, "RetryScheduled", *one, "CallFinished"]
    ended = seen.events[-1]
    assert (ended.response, ended.error, ended.attempts) == (None, error, 2)
    assert all(event.response is None and isinstance(event.error, ConnectError) for event in seen.of(AttemptFinished))


def test_redirects(world: Any, serve: Any) -> None:
    server = serve(lambda asked: {} if asked.path == "/b" else (302, {"Location": "/b?token=hush&n=1"}, {}))
    seen, _ = run(world, server.url)
    one = ["AttemptStarted", "AttemptFinished"]
    assert seen.kinds == ["CallStarted", *one, "RedirectFollowed", *one, "CallFinished"]
    followed = seen.of(RedirectFollowed)[0]
    assert followed.request.url == f"{server.url}/a"
    assert followed.url == f"{server.url}/b?token=***&n=1"
    assert seen.events[-1].attempts == 1


def test_waits_for_the_rate_limit(world: Any, serve: Any) -> None:
    server, limit, seen = serve(lambda asked: {}), RateLimit("50/second", margin=0), Seen()

    async def main() -> None:
        async with Client(server.url, observers=[seen], rate_limit=limit) as client:
            await client.aget("/a")
            limit.reserve(2, now=runtime().now())  # by somebody else
            await client.aget("/a")

    world(main)
    attempt = ["AttemptStarted", "AttemptFinished"]
    told = [kind for kind in seen.kinds if kind != "QuotaTold"]
    assert told == ["CallStarted", *attempt, "CallFinished", "CallStarted", "Waited", *attempt, "CallFinished"]
    waited = seen.of(Waited)[0]
    assert waited.what == "rate limit"
    assert 0 < waited.seconds < 1


def test_a_wait_that_is_refused(world: Any, serve: Any) -> None:
    server, limit, seen = serve(lambda asked: {}), RateLimit("1/hour", margin=0), Seen()
    errors: list[Exception] = []

    async def main() -> None:
        async with Client(server.url, observers=[seen], rate_limit=limit) as client:
            await client.aget("/a")
            try:
                await client.aget("/a")
            except RateLimitExceeded as error:
                errors.append(error)

    world(main)
    assert seen.kinds == ["CallStarted", "AttemptStarted", "AttemptFinished", "CallFinished", "CallStarted", "CallFinished"]
    assert seen.events[-1].error is errors[0]
    assert seen.events[-1].attempts == 0


def test_an_attempt_that_takes_too_long() -> None:
    world, seen = SimulatedRuntime(), Seen()

    async def host(request: Request, it: SimulatedRuntime) -> Any:
        await it.sleep(60)
        return 200, [], b"{}"

    world.hosts[("http", "api.test", 80)] = host

    async def main() -> None:
        async with Client("http://api.test", observers=[seen], timeout=5, retry=None) as client:
            with pytest.raises(TransportTimeout):
                await client.aget("/a")

    world.run(main())
    assert [round(event.seconds, 6) for event in seen.of(AttemptFinished) + seen.of(CallFinished)] == [5, 5]


# ---------------------------------------------------------------------- cancellation


class Slow:
    """A policy inside of the attempt that never gets on by itself."""

    async def __call__(self, request: Request, call_next: Any, /) -> Response:
        await runtime().sleep(60)
        raise AssertionError


def test_a_cancellation_in_asyncio() -> None:
    seen = Seen()

    async def main() -> None:
        async with Client("http://127.0.0.1:9", observers=[seen], policies=[Slow()]) as client:
            task = asyncio.create_task(client.aget("/a"))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert seen.kinds == ["CallStarted", "CallFinished"]
    assert isinstance(seen.events[-1].error, asyncio.CancelledError)
    assert seen.events[-1].response is None


def test_a_cancellation_in_trio() -> None:
    seen = Seen()

    async def main() -> None:
        async with Client("http://127.0.0.1:9", observers=[seen], policies=[Slow()]) as client:
            with trio.move_on_after(0.01) as scope:
                await client.aget("/a")
            assert scope.cancelled_caught

    trio.run(main)
    assert seen.kinds == ["CallStarted", "CallFinished"]
    assert isinstance(seen.events[-1].error, trio.Cancelled)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_end_from_outside(kind: type[BaseException], world: Any) -> None:
    seen = Seen()

    async def ended(request: Request, call_next: Any, /) -> Response:
        raise kind

    async def main() -> None:
        async with Client("http://127.0.0.1:9", observers=[seen], policies=[ended]) as client:
            try:
                await client.aget("/a")
            except kind:
                return
        raise AssertionError

    world(main)
    assert seen.kinds == ["CallStarted", "CallFinished"]
    assert isinstance(seen.events[-1].error, kind)


# ---------------------------------------------------------------------- observers that fail, and that share


def test_an_observer_that_raises_is_logged_and_disturbs_nothing(world: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    server, seen = serve(lambda asked: {}), Seen()

    def broken(event: Event) -> None:
        raise ZeroDivisionError("an observer's own")

    async def main() -> int:
        async with Client(server.url, observers=[broken, seen]) as client:
            return (await client.aget("/a")).status_code

    assert world(main) == 200
    assert len(seen.kinds) == 4
    lines = [record for record in caplog.records if record.name == "integrakit.observers"]
    assert len(lines) == 4
    assert all(record.levelno == logging.ERROR and record.exc_info and record.exc_info[0] is ZeroDivisionError for record in lines)
    assert "AttemptStarted" in lines[1].getMessage()


def test_an_observer_that_raises_does_not_hide_the_error_of_the_call(world: Any, serve: Any) -> None:
    def broken(event: Event) -> None:
        raise ZeroDivisionError

    server = serve(lambda asked: (404, {}, {}))

    async def main() -> None:
        async with Client(server.url, observers=[broken]) as client:
            await client.aget("/a")

    with pytest.raises(NotFound):
        world(main)


def test_clients_that_share_a_rate_limit_each_hear_their_own(world: Any, serve: Any) -> None:
    server, limit, ours, theirs = serve(lambda asked: {}), RateLimit("50/second", margin=0), Seen(), Seen()

    async def somebody_else(request: Request, call_next: Any) -> Response:
        limit.reserve(now=runtime().now())  # just before the limit is asked
        response: Response = await call_next(request)
        return response

    async def main() -> None:
        async with (
            Client(server.url, observers=[ours], rate_limit=limit, policies=[somebody_else]) as one,
            Client(server.url, observers=[theirs], rate_limit=limit, policies=[somebody_else]) as two,
            Client(server.url, rate_limit=limit, policies=[somebody_else]) as quiet,
        ):
            for number in range(2):
                for client, path in ((one, "one"), (two, "two"), (quiet, "quiet")):
                    await client.aget(f"/{path}/{number}")

    world(main)
    for seen, path in ((ours, "/one/"), (theirs, "/two/")):
        assert seen.kinds.count("CallFinished") == 2
        assert seen.kinds.count("Waited") == 2
        assert all(path in event.request.url for event in seen.events)


def test_several_calls_at_once(world: Any, serve: Any) -> None:
    server, seen = serve(lambda asked: {}), Seen()

    async def main() -> None:
        async with Client(server.url, observers=[seen]) as client:
            await runtime().gather([lambda path=path: client.aget(path) for path in ("/1", "/2", "/3", "/4")], 4)

    world(main)
    for path in ("/1", "/2", "/3", "/4"):
        own = [type(event).__name__ for event in seen.events if event.request.url.endswith(path)]
        assert own == ["CallStarted", "AttemptStarted", "AttemptFinished", "CallFinished"]


# ---------------------------------------------------------------------- what is told, and to whom


def test_no_credential_is_in_what_is_told(world: Any, serve: Any) -> None:
    from integrakit.http import BearerToken

    server = serve(lambda asked: (500, {}, {"echo": "hush-hush-hush"}))
    seen, _ = run(
        world,
        server.url,
        auth=BearerToken("hush-hush-hush"),
        path="/a?api_key=hush-hush-hush",
        headers={"X-Own": "hush-hush-hush"},
        params={"key": "hush-hush-hush"},
    )
    assert "CallFinished" in seen.kinds
    assert "hush" not in repr(seen.events)
    assert "hush" not in str(seen.events)


def test_a_lost_grant_does_not_show_its_error() -> None:
    assert "hush" not in repr(GrantLost(request=Request(method="GET", url="http://api.test"), grant="shop", error=ValueError("hush")))


def test_without_observers_nothing_is_called(world: Any, serve: Any) -> None:
    server, found = serve(lambda asked: {}), []

    async def look(request: Request, call_next: Any, /) -> Response:
        found.append(observed(request))
        return await call_next(request)

    async def main() -> None:
        async with Client(server.url, policies=[look]) as client:
            await client.aget("/a")

    world(main)
    assert found == [None]
    assert not Observers([])


def test_the_request_of_the_caller_is_not_marked() -> None:
    request, seen = Request(method="GET", url="http://api.test"), Seen()

    async def call_next(inner: Request) -> Response:
        tell = observed(inner)
        assert tell is not None
        tell(CallStarted(request=inner))
        raise ConnectError("x")

    with pytest.raises(ConnectError):
        SimulatedRuntime().run(Observers([seen])(request, call_next))
    assert observed(request) is None
    assert seen.kinds == ["CallStarted", "CallStarted", "CallFinished"]


@pytest.mark.parametrize("wrong", [None, print, "print", [None], [Seen], {print}, [print, 5]])
def test_what_is_no_list_of_observers_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"observers="):
        Client("http://api.test", observers=wrong)


class Later:
    async def __call__(self, event: Event) -> None:
        raise AssertionError("nobody awaits it")


async def later(event: Event) -> None:
    raise AssertionError("nobody awaits it")


@pytest.mark.parametrize("wrong", [later, Later(), Later().__call__, partial(later)])
def test_an_observer_that_would_have_to_be_awaited_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"observers=.*not async"):
        Client("http://api.test", observers=[Seen(), wrong])
