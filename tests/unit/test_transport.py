"""`Transport` under clients of httpx and httpx2: what goes through unchanged, what a refusal looks like, and where credentials go."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import json
import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import trio

from integrakit.errors import (
    CircuitOpen,
    ConfigurationError,
    ConnectError,
    DeadlineExceeded,
    DecodeError,
    PolicyError,
    RateLimited,
    RateLimitExceeded,
    ReauthorisationNeeded,
    ServerError,
    TransportError,
    TransportTimeout,
)
from integrakit.http import ApiKey, BearerToken, ConcurrencyLimit, IdempotencyKey, PerAttempt, RateLimit, Retry
from integrakit.http.transport import Transport
from integrakit.model.events import AttemptFinished, CallFinished
from integrakit.runtimes import SimulatedRuntime, drive, runtime
from integrakit.testing import Simulator


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@asynccontextmanager
async def client(library: Any, transport: Any, **options: Any) -> Any:
    """A client of this world's colour."""
    if runtime().name == "blocking":
        with library.Client(transport=transport, **options) as http:
            yield http
    else:
        async with library.AsyncClient(transport=transport, **options) as http:
            yield http


async def ask(http: Any, method: str, url: str, **options: Any) -> Any:
    answer = http.request(method, url, **options)
    return await answer if inspect.isawaitable(answer) else answer


async def once(library: Any, transport: Any, method: str = "GET", url: str = "https://x.example/a", **options: Any) -> Any:
    async with client(library, transport) as http:
        return await ask(http, method, url, **options)


def scripted(library: Any, *answers: Any, seen: list[Any] | None = None) -> Any:
    """An inner transport without a network: statuses, responses, or exceptions, the last one for ever."""
    left = list(answers)

    def handle(request: Any) -> Any:
        if seen is not None:
            seen.append(request)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return library.Response(answer, json={"n": answer}) if isinstance(answer, int) else answer(request) if callable(answer) else answer

    return library.MockTransport(handle)


def refusing(error: Exception) -> Any:
    async def policy(request: Any, call_next: Any) -> Any:
        raise error

    return policy


# ---------------------------------------------------------------------------------------------- what goes through


def test_both_colours_of_both_libraries(library: Any, world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            answer = await once(library, Transport(), url=api.url + "/orders/1")
            assert answer.json() == {"id": 1}
            assert type(answer).__module__.partition(".")[0] == library.__name__
            assert answer.http_version == "HTTP/1.1"
            assert (await once(library, Transport(), url=api.url + "/orders/2")).status_code == 404

    world(main)


def test_one_transport_serves_a_blocking_and_an_async_client(library: Any) -> None:
    limit = RateLimit("1000/second")
    with Simulator({"orders": [{"id": 1}]}) as api:
        transport = Transport(rate_limit=limit)
        blocking = library.Client(transport=transport)
        assert blocking.get(api.url + "/orders/1").json() == {"id": 1}

        async def main() -> None:
            async with library.AsyncClient(transport=transport) as http:
                # Also while a loop is running.
                assert (await http.get(api.url + "/orders/1")).json() == blocking.get(api.url + "/orders/1").json()

        asyncio.run(main())
        asyncio.run(main())
        # Closing the async one has not closed this one.
        assert blocking.get(api.url + "/orders/1").json() == {"id": 1}
        blocking.close()


def test_a_request_goes_out_as_it_came(library: Any, world: Any) -> None:
    seen: list[Any] = []
    fields = [(b"X-Twice", b"1"), (b"x-TWICE", b"2"), (b"X-Latin", "é".encode("latin-1")), (b"Cookie", b"a=1"), (b"Host", b"other.example")]

    async def main() -> None:
        seen.clear()
        async with client(library, Transport(rate_limit="1000/second", inner=scripted(library, 200, seen=seen))) as http:
            asked = http.build_request("PATCH", "https://x.example/a%2Fb?q=%20+é", headers=fields, content=b"body", extensions={"sni_hostname": "y"})
            before = list(asked.headers.raw)
            answer = http.send(asked)
            answer = await answer if inspect.isawaitable(answer) else answer
            assert answer.request is asked
        assert seen == [asked]
        assert seen[0] is asked
        assert seen[0].headers.raw == before
        assert seen[0].extensions["sni_hostname"] == "y"

    world(main)


def test_what_a_policy_adds_leaves_the_rest_as_it_was(library: Any, world: Any) -> None:
    seen: list[Any] = []
    fields = [(b"X-Twice", b"1"), (b"x-TWICE", b"2"), (b"X-Gone", b"3"), (b"X-Same", b"4")]

    async def policy(request: Any, call_next: Any) -> Any:
        assert request.headers["x-twice"] == "1, 2"
        request = request.copy(params={"key": "a b"})
        del request.headers["x-gone"]
        request.headers["X-New"] = "5"
        return await call_next(request)

    async def main() -> None:
        seen.clear()
        transport = Transport(policies=[policy], inner=scripted(library, 200, seen=seen))
        answer = await once(library, transport, "POST", "https://x.example/a%2Fb?q=%20#part", headers=fields, content=b"body")
        raw = [(name, value) for name, value in seen[0].headers.raw if name.lower().startswith(b"x-")]
        assert raw == [(b"X-Twice", b"1"), (b"x-TWICE", b"2"), (b"X-Same", b"4"), (b"X-New", b"5")]
        assert seen[0].url.raw_path == b"/a%2Fb?q=%20&key=a+b"
        assert seen[0].content if hasattr(seen[0], "_content") else b"".join(seen[0].stream) == b"body"
        assert seen[0].headers["content-length"] == "4"
        assert seen[0].extensions["timeout"] == answer.request.extensions["timeout"]
        # The client's own record is of what it sent.
        assert "x-new" not in answer.request.headers
        assert answer.request.headers["x-gone"] == "3"

    world(main)


def test_a_policy_may_send_it_elsewhere_with_another_body(library: Any, world: Any) -> None:
    seen: list[Any] = []

    async def policy(request: Any, call_next: Any) -> Any:
        return await call_next(request.copy(method="PUT", url="http://y.example:81/b", json={"é": 1}, content=None))

    async def main() -> None:
        seen.clear()
        await once(library, Transport(policies=[policy], inner=scripted(library, 200, seen=seen)), "POST", content=b"long enough")
        (sent,) = seen
        assert (sent.method, str(sent.url)) == ("PUT", "http://y.example:81/b")
        assert sent.headers["host"] == "y.example:81"
        body = b"".join(sent.stream)
        assert json.loads(body) == {"é": 1}
        assert int(sent.headers["content-length"]) == len(body)
        assert sent.headers["content-type"] == "application/json"

    world(main)


def test_a_stream_comes_as_the_server_sends_it(library: Any, serve: Any) -> None:
    go_on = threading.Event()

    def slowly(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n")
        assert go_on.wait(5)
        connection.sendall(b"data: 2\n\n")

    server = serve(lambda asked: slowly)
    # What would read JSON must not read this.
    transport = Transport(rate_limit="1000/second", classify=lambda response: None)
    with library.Client(transport=transport) as http, http.stream("GET", server.url) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: 1"  # before the server has sent the rest
        go_on.set()
        assert [line for line in lines if line] == ["data: 2"]

    async def main() -> None:
        go_on.clear()
        async with library.AsyncClient(transport=transport) as http, http.stream("GET", server.url) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "data: 1"
            go_on.set()
            assert [line async for line in lines if line] == ["data: 2"]

    asyncio.run(main())


def test_the_network_stream_is_there(library: Any, serve: Any) -> None:
    server = serve(lambda asked: {})
    traced: list[str] = []
    with library.Client(transport=Transport()) as http:
        answer = http.get(server.url, extensions={"trace": lambda name, info: traced.append(name)})
        assert answer.extensions["network_stream"].get_extra_info("server_addr")[1] == server.port
    assert "http11.send_request_headers.started" in traced


def test_an_error_body_is_read_twice_and_as_it_came(library: Any, world: Any) -> None:
    packed = gzip.compress(b'{"error": {"message": "no"}}')
    looked: list[str] = []

    async def policy(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        assert isinstance(response.error, ServerError)
        looked.append(response.text)
        return response

    def answer(request: Any) -> Any:
        return library.Response(500, headers={"content-encoding": "gzip", "x-a": "1"}, stream=library.ByteStream(packed), extensions={"own": 1})

    async def main() -> None:
        looked.clear()
        transport = Transport(policies=[policy], inner=scripted(library, answer))
        got = await once(library, transport)
        assert got.json() == {"error": {"message": "no"}}
        assert got.extensions["own"] == 1
        assert got.headers["x-a"] == "1"
        async with client(library, transport) as http:
            if runtime().name == "blocking":
                with http.stream("GET", "https://x.example/a") as got:
                    assert b"".join(got.iter_raw()) == packed
            else:
                async with http.stream("GET", "https://x.example/a") as got:
                    assert b"".join([part async for part in got.aiter_raw()]) == packed
        assert looked == ['{"error": {"message": "no"}}'] * 2

    world(main)


def test_an_error_body_that_cannot_be_decoded_is_the_clients_business(library: Any, world: Any) -> None:
    def answer(request: Any) -> Any:
        return library.Response(503, headers={"content-encoding": "gzip"}, stream=library.ByteStream(b"no gzip"))

    async def main() -> None:
        told: list[Any] = []
        transport = Transport(observers=[told.append], inner=scripted(library, answer))
        async with client(library, transport) as http:
            if runtime().name == "blocking":
                with pytest.raises(library.DecodingError):
                    http.get("https://x.example/a")
            else:
                async with http.stream("GET", "https://x.example/a") as got:
                    assert got.status_code == 503
        assert [event.error.status_code for event in told if isinstance(event, AttemptFinished)] == [503]

    world(main)


def test_request_bodies_that_are_made_while_they_are_sent(library: Any, serve: Any) -> None:
    server = serve(lambda asked: (200, {}, asked.body))
    bodies = 0

    def parts() -> Any:
        nonlocal bodies
        bodies += 1
        yield b"one"
        yield b"two"

    with library.Client(transport=Transport(retry=Retry(), rate_limit="1000/second")) as http:
        assert http.put(server.url, content=parts()).content == b"onetwo"
        assert server.asked[0].headers["transfer-encoding"] == "chunked"
        assert b"hello" in http.post(server.url, files={"f": ("a.txt", b"hello")}).content
    assert bodies == 1


@pytest.mark.parametrize("status", [101, 204, 304])
def test_answers_without_a_body(library: Any, world: Any, status: int) -> None:
    async def main() -> None:
        answer = await once(library, Transport(inner=scripted(library, lambda request: library.Response(status))))
        assert (answer.status_code, answer.content) == (status, b"")

    world(main)


# ---------------------------------------------------------------------------------------------- exceptions


def test_the_librarys_exceptions_are_the_very_ones(library: Any, world: Any) -> None:
    for kind in (
        "ConnectError",
        "ConnectTimeout",
        "ReadTimeout",
        "WriteError",
        "PoolTimeout",
        "RemoteProtocolError",
        "LocalProtocolError",
        "ProxyError",
    ):
        original = getattr(library, kind)("words")
        tries: list[Any] = []
        told: list[Any] = []

        async def main(original: Any = original, tries: Any = tries, told: Any = told) -> None:
            inner = scripted(library, original, seen=tries)
            with pytest.raises(type(original)) as caught:
                await once(library, Transport(retry=Retry(attempts=2, random=lambda: 0.0), observers=[told.append], inner=inner))
            assert caught.value is original
            assert caught.value.__cause__ is None
            assert not isinstance(caught.value.__context__, TransportError)

        world(main)
        # Our policies saw one of ours, and what another try would not mend was not tried again.
        assert len(tries) == (1 if kind == "LocalProtocolError" else 2)
        assert isinstance(next(event.error for event in told if isinstance(event, CallFinished)), TransportError)
        assert any("after 2 attempts" in note for note in getattr(original, "__notes__", ())) == (len(tries) == 2)


def test_other_exceptions_go_through(library: Any, world: Any) -> None:
    async def main() -> None:
        for error in (RuntimeError("mine"), KeyError("k"), library.InvalidURL("u")):
            with pytest.raises(type(error)) as caught:
                await once(library, Transport(retry=Retry(), inner=scripted(library, error)))
            assert caught.value is error
        for problem in (ConfigurationError("wrong"), ReauthorisationNeeded("gone")):
            with pytest.raises(type(problem)) as known:
                await once(library, Transport(policies=[refusing(problem)], inner=scripted(library, 200)))
            assert known.value is problem

    world(main)


@pytest.mark.parametrize(
    ("error", "name"), [(TransportTimeout("late"), "ReadTimeout"), (ConnectError("no"), "ConnectError"), (TransportError("x"), "ReadError")]
)
def test_a_transport_error_of_a_policy_speaks_the_librarys_language(library: Any, world: Any, error: Any, name: str) -> None:
    async def main() -> None:
        with pytest.raises(getattr(library, name), match=str(error)) as caught:
            await once(library, Transport(policies=[refusing(error)], inner=scripted(library, 200)))
        assert caught.value.__cause__ is error

    world(main)


# ---------------------------------------------------------------------------------------------- refusals


class Mine(PolicyError):
    pass


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (CircuitOpen("open", retry_after=1.25), 503, "circuit-open"),
        (RateLimitExceeded("later", retry_after=90.0), 429, "rate-limit-exceeded"),
        (DeadlineExceeded("over"), 504, "deadline-exceeded"),
        (Mine("no"), 503, "mine"),
    ],
)
def test_a_refusal_is_an_answer(library: Any, world: Any, error: PolicyError, status: int, word: str) -> None:
    async def main() -> None:
        seen: list[Any] = []
        answer = await once(library, Transport(policies=[PerAttempt(refusing(error))], retry=Retry(), inner=scripted(library, 200, seen=seen)))
        assert seen == []
        assert answer.status_code == status
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["x-integrakit-refused"] == word
        assert answer.json()["error"] == {"message": f"integrakit: {error}", "type": f"integrakit.{type(error).__name__}"}
        if error.retry_after is None:
            assert "retry-after" not in answer.headers
        else:
            assert int(answer.headers["retry-after"]) >= error.retry_after
            assert int(answer.headers["retry-after-ms"]) == error.retry_after * 1000
        with pytest.raises(library.HTTPStatusError):
            answer.raise_for_status()

    world(main)


def test_a_rate_limit_waits_and_refuses(library: Any) -> None:
    async def main() -> None:
        limit = RateLimit("1/minute", max_wait=70.0, margin=0.0)
        started = runtime().now()
        async with client(library, Transport(rate_limit=limit, inner=scripted(library, 200))) as http:
            answers = [await ask(http, "GET", "https://x.example/a") for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert runtime().now() - started == pytest.approx(60)
        short = Transport(rate_limit=RateLimit("1/hour", max_wait=1.0), inner=scripted(library, 200))
        async with client(library, short) as http:
            assert [(await ask(http, "GET", "https://x.example/a")).status_code for _ in range(3)] == [200, 429, 429]

    SimulatedRuntime(seed=1).run(main())


def test_a_blocking_client_in_a_simulation_takes_virtual_time(library: Any) -> None:
    async def main() -> None:
        started, real = runtime().now(), time.monotonic()
        with library.Client(transport=Transport(rate_limit=RateLimit("1/minute", max_wait=100.0), inner=scripted(library, 200))) as http:
            assert [http.get("https://x.example/a").status_code for _ in range(2)] == [200, 200]
        assert runtime().now() - started > 59
        assert time.monotonic() - real < 5

    SimulatedRuntime(seed=1).run(main())


def test_a_simulated_server_answers(library: Any) -> None:
    async def main() -> None:
        async def host(request: Any, there: Any) -> Any:
            await there.sleep(3.0)
            status = 404 if request.url.endswith("/none") else 200
            return status, [("content-type", "text/plain")], request.content or b"empty"

        runtime().hosts[("https", "x.example", 443)] = host  # type: ignore[attr-defined]

        def parts() -> Any:
            yield b"made"

        async def aparts() -> Any:
            yield b"made"

        with library.Client(transport=Transport()) as http:
            assert http.put("https://x.example/a", content=b"body").text == "body"
            assert http.put("https://x.example/a", content=parts()).text == "made"
            assert http.get("https://x.example/none").status_code == 404
        async with library.AsyncClient(transport=Transport(deadline=2.0)) as http:
            assert (await http.put("https://x.example/a", content=aparts())).status_code == 504
        assert runtime().now() == pytest.approx(11.0)

    SimulatedRuntime(seed=1).run(main())


# ---------------------------------------------------------------------------------------------- retry


def test_nothing_is_repeated_unless_asked_for(library: Any, world: Any) -> None:
    async def main() -> None:
        seen: list[Any] = []
        assert (await once(library, Transport(inner=scripted(library, 503, 200, seen=seen)))).status_code == 503
        assert len(seen) == 1

    world(main)


def test_retry_when_asked_for(library: Any, world: Any) -> None:
    retry = Retry(random=lambda: 0.0)

    async def main() -> None:
        seen: list[Any] = []
        answer = await once(library, Transport(retry=retry, inner=scripted(library, 503, 200, seen=seen)), "PUT", content=b"body")
        assert answer.json() == {"n": 200}
        assert [b"".join(request.stream) for request in seen] == [b"body", b"body"]
        seen.clear()
        answer = await once(library, Transport(retry=retry, inner=scripted(library, 503, seen=seen)))
        assert (answer.status_code, answer.json(), len(seen)) == (503, {"n": 503}, 3)
        seen.clear()
        assert (await once(library, Transport(retry=retry, inner=scripted(library, 503, 200, seen=seen)), "POST", content=b"x")).status_code == 503
        assert len(seen) == 1

    world(main)


@pytest.mark.parametrize("key", [IdempotencyKey(header="Idempotency-Key"), IdempotencyKey(query="key")])
def test_a_write_with_a_key_is_repeated_with_the_same_one(library: Any, world: Any, key: IdempotencyKey) -> None:
    def keys(seen: list[Any]) -> list[Any]:
        return [request.headers.get("idempotency-key", request.url.params.get("key")) for request in seen]

    async def main() -> None:
        seen: list[Any] = []
        transport = Transport(retry=Retry(random=lambda: 0.0), idempotency=key, inner=scripted(library, 502, 200, seen=seen))
        answer = await once(library, transport, "POST", content=b"body")
        assert answer.status_code == 200
        first, second = keys(seen)
        assert first == second
        assert len(first) == 36
        # What the SDK put there itself is kept, and a read carries none.
        seen.clear()
        async with client(library, Transport(retry=Retry(random=lambda: 0.0), idempotency=key, inner=scripted(library, 502, 200, seen=seen))) as http:
            await ask(http, "POST", "https://x.example/a", headers={"Idempotency-Key": "own"} if key.header else {}, params={"key": "own"})
            await ask(http, "GET", "https://x.example/a")
        assert keys(seen) == ["own", "own", None]

    world(main)


def test_a_spent_body_is_not_repeated(library: Any, serve: Any) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "0"}, b""))

    def parts() -> Any:
        yield b"one"

    with library.Client(transport=Transport(retry=Retry())) as http:
        assert http.put(server.url, content=parts()).status_code == 503
        assert len(server.asked) == 1
        assert http.put(server.url, content=b"one").status_code == 503
        assert len(server.asked) == 4


def test_answers_that_a_policy_throws_away_are_closed(library: Any, world: Any) -> None:
    class Body(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.closed = 0

        def __iter__(self) -> Any:
            return iter([b"x"])

        def __aiter__(self) -> Any:
            return library.ByteStream(b"x").__aiter__()

        def close(self) -> None:
            self.closed += 1

        async def aclose(self) -> None:
            self.closed += 1

    async def twice(request: Any, call_next: Any) -> Any:
        await call_next(request)
        return await call_next(request)

    async def failing(request: Any, call_next: Any) -> Any:
        await call_next(request)
        raise LookupError

    async def unread(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        if runtime().name != "simulated":
            for read in (lambda: response.content, lambda: response.text, response.json):
                with pytest.raises(DecodeError, match="hands it on to its client"):
                    read()
        return response

    async def main() -> None:
        bodies: list[Any] = []

        def handle(request: Any) -> Any:
            bodies.append(Body())
            return library.Response(200, stream=bodies[-1])

        # As a transport of a network does it: MockTransport itself reads nothing.
        inner = library.MockTransport(handle)
        assert (await once(library, Transport(policies=[twice, unread], inner=inner))).content == b"x"
        assert [body.closed > 0 for body in bodies] == [True, True]
        bodies.clear()
        with pytest.raises(LookupError):
            await once(library, Transport(policies=[failing], inner=inner))
        assert [body.closed > 0 for body in bodies] == [True]

    world(main)


def test_what_a_policy_holds_is_held_until_the_body_is_over(library: Any, world: Any) -> None:
    free = 1

    async def holding(request: Any, call_next: Any) -> Any:
        nonlocal free
        free -= 1

        async def release() -> None:
            nonlocal free
            await runtime().sleep(0)
            free += 1

        request.extensions["held"].append(release)
        return await call_next(request)

    async def main() -> None:
        inner = scripted(library, lambda request: library.Response(200, stream=library.ByteStream(b"body")))
        async with client(library, Transport(policies=[holding], inner=inner)) as http:
            if runtime().name == "blocking":
                with http.stream("GET", "https://x.example/a") as answer:
                    assert free == 0
                    assert answer.read() == b"body"
                    assert free == 1
            else:
                async with http.stream("GET", "https://x.example/a") as answer:
                    # In a simulation the body was read already.
                    assert free == (1 if runtime().name == "simulated" else 0)
                    assert await answer.aread() == b"body"
                    assert free == 1
            assert free == 1
        for answers in (500, library.ConnectError("no"), LookupError()):
            with suppress(LookupError, library.ConnectError):
                await once(library, Transport(policies=[holding], inner=scripted(library, answers)))
            assert free == 1

    world(main)


# ---------------------------------------------------------------------------------------------- classify


def test_classify_sees_answers_in_json_only(library: Any, world: Any) -> None:
    def classify(response: Any) -> Any:
        return RateLimited("hidden") if response.json().get("ok") is False else None

    async def main() -> None:
        answers = [library.Response(200, json={"ok": False}), library.Response(200, json={"ok": True})]
        told: list[Any] = []
        transport = Transport(classify=classify, retry=Retry(random=lambda: 0.0), observers=[told.append], inner=scripted(library, *answers))
        assert (await once(library, transport)).json() == {"ok": True}
        assert next(event.attempts for event in told if isinstance(event, CallFinished)) == 2
        for kind in ("text/plain", "application/x-ndjson"):
            inner = scripted(library, lambda request, kind=kind: library.Response(200, headers={"content-type": kind}, content=b'{"ok": false}'))
            if runtime().name != "simulated":
                assert (await once(library, Transport(classify=classify, inner=inner))).status_code == 200

    world(main)


def test_a_quota_told_in_the_body_of_a_graphql_answer_is_heard(library: Any, world: Any) -> None:
    cost = {"actualQueryCost": 5, "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 900.0, "restoreRate": 50.0}}
    body = json.dumps({"data": 1, "extensions": {"cost": cost}}).encode()

    async def main() -> None:
        looked: list[bytes] = []

        async def policy(request: Any, call_next: Any) -> Any:
            response = await call_next(request)
            looked.append(response.content)
            return response

        inner = scripted(
            library, lambda request: library.Response(200, headers={"content-type": "application/json"}, stream=library.ByteStream(body))
        )
        transport = Transport(rate_limit="100/second", policies=[PerAttempt(policy)], inner=inner)
        answer = await once(library, transport, "POST", "https://x.myshopify.com/admin/api/graphql.json", json={"query": "{a}"})
        assert answer.json()["data"] == 1
        assert looked == [body]

    world(main)


# ---------------------------------------------------------------------------------------------- credentials


@pytest.mark.parametrize("auth", [BearerToken("s3cret-token"), ApiKey("s3cret-token", header="X-Key"), ApiKey("s3cret-token", query="api_key")])
def test_credentials_stay_home(library: Any, world: Any, serve: Any, auth: Any) -> None:
    foreign = serve(lambda asked: {"foreign": True})
    home = serve(lambda asked: (302, {"Location": foreign.url + "/stolen"}, b"") if asked.path == "/away" else {"home": True})

    async def main() -> None:
        home.asked.clear()
        foreign.asked.clear()
        async with client(library, Transport(auth=auth, allow_hosts=[home.url]), follow_redirects=True) as http:
            answer = await ask(http, "GET", home.url + "/away?a=1", headers={"X-Own": "kept"})
            assert answer.json() == {"foreign": True}
            direct = await ask(http, "GET", foreign.url + "/b")
        for each in (*answer.history, answer, direct):
            assert "s3cret-token" not in str(each.url) + str(each.request.url) + repr(each.request.headers.raw)
        (sent,) = home.asked
        assert "s3cret-token" in sent.target + str(sent.headers)
        assert ("a", "1") in sent.query
        assert len(foreign.asked) == 2
        for asked in foreign.asked:
            assert "s3cret-token" not in asked.target + str(asked.headers)
        # What the client sends by itself is its own business.
        assert foreign.asked[0].headers["x-own"] == "kept"

    world(main)


def test_ours_takes_the_place_of_what_the_sdk_would_send(library: Any, world: Any) -> None:
    async def main() -> None:
        seen: list[Any] = []
        transport = Transport(auth=BearerToken("ours-1"), allow_hosts=["x.example"], inner=scripted(library, 200, seen=seen))
        answer = await once(library, transport, headers={"Authorization": "Bearer placeholder"})
        assert seen[0].headers.get_list("authorization") == ["Bearer ours-1"]
        assert answer.request.headers["authorization"] == "Bearer placeholder"
        # http is not https, and x.example.evil is not x.example.
        for url in ("http://x.example/a", "https://x.example.evil/a", "https://x.example:444/a", "https://x.example@evil/a"):
            await once(library, transport, url=url)
            assert "ours-1" not in str(seen[-1].headers.raw)

    world(main)


class Rotating:
    """Its first token is refused; the next one comes from an endpoint."""

    def __init__(self, endpoint: str) -> None:
        self.token, self.endpoint = "old-token", endpoint

    async def authorise(self, request: Any, /) -> Any:
        raise AssertionError

    async def authorise_over(self, request: Any, exchange: Any) -> Any:
        self.exchange = exchange
        signed = request.copy()
        signed.headers["authorization"] = f"Bearer {self.token}"
        return signed

    async def rejected(self, request: Any, response: Any) -> bool:
        assert request.headers["authorization"] == f"Bearer {self.token}"
        assert response.json() == {"error": "expired"}
        told = await self.exchange(request.copy(method="POST", url=self.endpoint, headers={}, params={}, content=None, data={"grant": "x"}))
        self.token = told.json()["token"]
        return True

    def secrets(self) -> Any:
        return (self.token,)


def test_an_auth_that_asks_a_server(library: Any, world: Any, serve: Any) -> None:
    def script(asked: Any) -> Any:
        if asked.path == "/token":
            assert "authorization" not in asked.headers
            assert asked.body == b"grant=x"
            return {"token": "new-token"}
        return {"ok": True} if asked.headers.get("authorization") == "Bearer new-token" else (401, {}, {"error": "expired"})

    server = serve(script)

    async def main() -> None:
        server.asked.clear()
        transport = Transport(auth=Rotating(server.url + "/token"), allow_hosts=[server.url])
        answer = await once(library, transport, "POST", server.url + "/a", content=b"body")
        assert answer.json() == {"ok": True}
        assert [(asked.path, asked.body) for asked in server.asked] == [("/a", b"body"), ("/token", b"grant=x"), ("/a", b"body")]

    world(main)


# ---------------------------------------------------------------------------------------------- time


def test_a_deadline_holds_for_a_server_that_does_not_answer(library: Any, serve: Any) -> None:
    gate = threading.Event()
    server = serve(lambda asked: lambda connection: gate.wait(5))
    started = time.monotonic()
    with library.Client(transport=Transport(deadline=0.15, retry=Retry())) as http:
        answer = http.get(server.url)
        assert (answer.status_code, answer.headers["x-integrakit-refused"]) == (504, "deadline-exceeded")

    async def main() -> None:
        async with library.AsyncClient(transport=Transport(deadline=0.15), timeout=None) as http:
            assert (await http.get(server.url)).status_code == 504

    asyncio.run(main())
    assert time.monotonic() - started < 2
    gate.set()


def test_a_deadline_that_is_over_sends_nothing(library: Any, world: Any) -> None:
    async def dawdling(request: Any, call_next: Any) -> Any:
        await runtime().sleep(0.02)
        return await call_next(request)

    async def main() -> None:
        seen: list[Any] = []
        answer = await once(library, Transport(deadline=0.01, policies=[dawdling], inner=scripted(library, 200, seen=seen)))
        assert (answer.status_code, seen) == (504, [])

    world(main)


def test_the_deadline_is_for_the_headers_and_the_body_has_the_clients_own_time(library: Any) -> None:
    seen: list[Any] = []
    for timeout, back in (
        ((7.0, 8.0, 9.0, 10.0), {"connect": 7.0, "read": 8.0, "write": 9.0, "pool": 10.0}),
        (None, dict.fromkeys(("connect", "read"))),
    ):
        limits: list[Any] = []

        def handle(request: Any, limits: Any = limits) -> Any:
            limits.append(dict(request.extensions["timeout"]))
            seen.append(request)
            return library.Response(200, stream=library.ByteStream(b"x"))

        transport = Transport(deadline=8.5, inner=library.MockTransport(handle))
        with library.Client(transport=transport, timeout=library.Timeout(timeout)) as http:
            answer = http.get("https://x.example/a")
        assert all(value is not None and value <= 8.5 for value in limits[0].values())
        assert back.items() <= seen[-1].extensions["timeout"].items()
        assert back.items() <= answer.request.extensions["timeout"].items()


# ---------------------------------------------------------------------------------------------- inner, proxies, forks


def test_a_proxy_in_the_environment_is_used(library: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda asked: {"target": asked.target})
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("no_proxy", "")
    with library.Client(transport=Transport()) as http:
        assert http.get("http://shop.example/a").json() == {"target": "http://shop.example/a"}
        with http.stream("GET", "http://shop.example/b") as answer:
            assert json.loads(b"".join(answer.iter_raw())) == {"target": "http://shop.example/b"}

    async def main() -> None:
        async with library.AsyncClient(transport=Transport()) as http:
            assert (await http.get("http://shop.example/a")).json() == {"target": "http://shop.example/a"}

    asyncio.run(main())


def test_inner_is_entered_and_closed_with_its_client(library: Any) -> None:
    calls: list[str] = []

    class Blocking(library.BaseTransport):  # type: ignore[misc, name-defined]
        def __enter__(self) -> Any:
            calls.append("enter")
            return self

        def handle_request(self, request: Any) -> Any:
            return library.Response(200)

        def close(self) -> None:
            calls.append("close")

    class Concurrent(library.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def __aenter__(self) -> Any:
            calls.append("aenter")
            return self

        async def handle_async_request(self, request: Any) -> Any:
            return library.Response(200)

        async def aclose(self) -> None:
            calls.append("aclose")

    transport = Transport(inner=(Blocking(), Concurrent()))
    with library.Client(transport=transport) as http:
        http.get("https://x.example/a")

    async def main() -> None:
        async with library.AsyncClient(transport=transport) as http:
            await http.get("https://x.example/a")
        await library.AsyncClient(transport=transport).aclose()

    asyncio.run(main())
    library.Client(transport=transport).close()
    assert calls == ["enter", "close", "aenter", "aclose", "aclose", "close"]
    with library.Client(transport=Transport(inner=Concurrent())) as http, pytest.raises(ConfigurationError, match="not for blocking code"):
        http.get("https://x.example/a")

    async def wrong() -> None:
        async with library.AsyncClient(transport=Transport(inner=Blocking())) as http:
            with pytest.raises(ConfigurationError, match="not for async code"):
                await http.get("https://x.example/a")

    asyncio.run(wrong())


def test_the_two_libraries_are_not_mixed() -> None:
    httpx2 = pytest.importorskip("httpx2")
    used = Transport(inner=None)
    with Simulator({"orders": [{"id": 1}]}) as api:
        with httpx.Client(transport=used) as one:
            one.get(api.url + "/orders/1")
        for transport, words in ((used, "it has served others of httpx"), (Transport(inner=scripted(httpx, 200)), "its inner= is one of httpx")):
            with httpx2.Client(transport=transport) as other, pytest.raises(ConfigurationError, match=words):
                other.get(api.url + "/orders/1")
    with pytest.raises(ConfigurationError, match=r"handed a builtins\.object"):
        used.handle_request(object())
    with pytest.raises(ConfigurationError, match="inner= takes"):
        Transport(inner=(scripted(httpx, 200), scripted(httpx2, 200)))


def test_it_works_after_a_fork(library: Any) -> None:
    with Simulator({"orders": [{"id": 1}]}) as api, library.Client(transport=Transport(rate_limit="1000/second")) as http:
        assert http.get(api.url + "/orders/1").json() == {"id": 1}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 7 if http.get(api.url + "/orders/1").json() == {"id": 1} else 2
            finally:
                os._exit(code)
        for _ in range(3):
            assert http.get(api.url + "/orders/1").json() == {"id": 1}
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_threads_share_one(library: Any) -> None:
    failures: list[BaseException] = []
    with Simulator({"orders": [{"id": 1}]}) as api, library.Client(transport=Transport(rate_limit="10000/second")) as http:

        def work() -> None:
            try:
                for _ in range(5):
                    assert http.get(api.url + "/orders/1").json() == {"id": 1}
            except BaseException as problem:  # noqa: BLE001 - shown by the test
                failures.append(problem)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(api.requests) == 30


def test_a_cancelled_request_gives_everything_back(library: Any, serve: Any) -> None:
    gate = threading.Event()
    server = serve(lambda asked: (lambda connection: gate.wait(5)) if asked.path == "/slow" else {})
    released: list[int] = []

    async def holding(request: Any, call_next: Any) -> Any:
        async def release() -> None:
            await runtime().sleep(0)
            released.append(1)

        request.extensions["held"].append(release)
        return await call_next(request)

    async def main() -> None:
        async with library.AsyncClient(transport=Transport(policies=[holding])) as http:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(http.get(server.url + "/slow"), 0.1)
            assert released == [1]
            assert (await http.get(server.url + "/fast")).status_code == 200

    asyncio.run(main())
    gate.set()


def test_a_cancellation_after_the_answer_closes_it_and_gives_everything_back(library: Any) -> None:
    limit, closed = ConcurrencyLimit(1), 0

    class Body(library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __aiter__(self) -> Any:
            return library.ByteStream(b"x").__aiter__()

        async def aclose(self) -> None:
            nonlocal closed
            await asleep(0.001)
            closed += 1

    async def asleep(seconds: float) -> None:
        await runtime().sleep(seconds)

    async def slow(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        await asleep(10)
        return response

    inner = library.MockTransport(lambda request: library.Response(200, stream=Body()))

    def client() -> Any:
        return library.AsyncClient(transport=Transport(concurrency=limit, policies=[slow], inner=inner))

    async def in_asyncio() -> None:
        async with client() as http:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(http.get("https://x.example/a"), 0.02)

    async def in_trio() -> None:
        async with client() as http:
            with trio.move_on_after(0.02):
                await http.get("https://x.example/a")

    for count, run in enumerate((lambda: asyncio.run(in_asyncio()), lambda: trio.run(in_trio)), 1):
        run()
        assert (closed, limit.in_flight()) == (count, 0)


def test_an_answer_that_cannot_be_closed_holds_nothing(library: Any) -> None:
    limit = ConcurrencyLimit(1)

    class Body(library.SyncByteStream):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return iter([b"x"])

        def close(self) -> None:
            raise OSError("at the end")

    async def failing(request: Any, call_next: Any) -> Any:
        await call_next(request)
        raise LookupError

    inner = library.MockTransport(lambda request: library.Response(200, stream=Body()))
    for policies, kind in (([failing], OSError), ([], OSError)):
        with library.Client(transport=Transport(concurrency=limit, policies=policies, inner=inner)) as http, pytest.raises(kind):
            http.get("https://x.example/a")
        assert limit.in_flight() == 0


# ---------------------------------------------------------------------------------------------- arguments, types


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"auth": BearerToken("abcdef")}, "auth= needs allow_hosts="),
        ({"auth": "Bearer abcdef", "allow_hosts": ["x.example"]}, "auth= takes"),
        ({"auth": BearerToken, "allow_hosts": ["x.example"]}, "auth= takes"),
        ({"allow_hosts": ["x.example"]}, "there is no auth="),
        ({"auth": BearerToken("abcdef"), "allow_hosts": "x.example"}, "allow_hosts= takes a list"),
        ({"auth": BearerToken("abcdef"), "allow_hosts": [7]}, "allow_hosts= takes hosts"),
        ({"auth": BearerToken("abcdef"), "allow_hosts": ["x.example/path"]}, "allow_hosts= takes hosts"),
        ({"auth": BearerToken("abcdef"), "allow_hosts": [""]}, "allow_hosts= takes hosts"),
        ({"rate_limit": 5}, "rate_limit="),
        ({"retry": True}, "retry="),
        ({"deadline": 0}, "deadline="),
        ({"classify": 1}, "classify="),
        ({"policies": "x"}, "policies="),
        ({"policies": [Retry]}, "policies="),
        ({"observers": print}, "observers="),
        ({"circuit_breaker": True}, "circuit_breaker="),
        ({"concurrency": RateLimit}, "concurrency="),
        ({"idempotency": "Idempotency-Key"}, "idempotency="),
        ({"idempotency": IdempotencyKey(body="key")}, "body that the client made"),
        ({"tls": "1.1"}, "tls="),
        ({"tls": 1.3}, "tls="),
        ({"inner": object()}, "inner="),
        ({"inner": httpx.HTTPTransport}, "inner="),
        ({"inner": ()}, "inner="),
        ({"inner": [httpx.MockTransport(print)] * 3}, "inner="),
        ({"inner": httpx.MockTransport(print), "tls": "1.3"}, "verify=context"),
    ],
)
def test_wrong_arguments(arguments: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Transport(**arguments)
    assert "abcdef" not in str(caught.value)


def test_nothing_of_a_library_is_made_before_a_request_comes() -> None:
    transport = Transport(tls="1.3")
    transport.close()
    asyncio.run(transport.aclose())
    with transport:
        pass


def test_the_nominal_classes(library: Any) -> None:
    from importlib import import_module

    kind = import_module(f"integrakit.http.{library.__name__}").Transport
    transport = kind(inner=scripted(library, 200))
    assert isinstance(transport, library.BaseTransport)
    assert isinstance(transport, library.AsyncBaseTransport)
    assert isinstance(transport, Transport)
    with library.Client(transport=transport) as http:
        assert http.get("https://x.example/a").status_code == 200
    # And as an inner transport of another one.
    with library.Client(transport=Transport(inner=kind(inner=scripted(library, 200)))) as http:
        assert http.get("https://x.example/a").status_code == 200


def test_drive_alone_is_enough_for_a_blocking_request(library: Any) -> None:
    # No event loop was made or needed.
    assert drive(once(library, Transport(inner=scripted(library, 200)))).status_code == 200


def test_a_permit_is_held_until_the_body_has_been_read(serve: Any) -> None:
    server = serve(lambda asked: b"x" * 200_000)
    limit = ConcurrencyLimit(1, max_wait=0.02, key=lambda request: "one")
    with httpx.Client(transport=Transport(concurrency=limit)) as client:
        with client.stream("GET", server.url) as response:
            assert limit.in_flight() == 1
            with pytest.raises(ConfigurationError, match="for ever"):
                client.get(server.url)  # in the thread that holds the permit
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(client.get, server.url).result().status_code == 429  # no permit became free: a refusal of ours
            assert len(response.read()) == 200_000
        assert limit.in_flight() == 0
        with client.stream("GET", server.url):
            pass  # given up
        assert client.get(server.url).status_code == 200
    assert len(server.asked) == 3


def test_a_permit_is_held_until_an_async_body_has_been_read(serve: Any) -> None:
    server = serve(lambda asked: b"x" * 200_000)
    limit = ConcurrencyLimit(1, max_wait=0.02)

    async def body() -> None:
        async with httpx.AsyncClient(transport=Transport(concurrency=limit)) as client:
            async with client.stream("GET", server.url) as response:
                assert limit.in_flight() == 1
                assert (await client.get(server.url)).status_code == 429
                await response.aread()
            assert (await client.get(server.url)).status_code == 200
            assert limit.in_flight() == 0

    asyncio.run(body())
