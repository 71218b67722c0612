"""httpx and httpx2, clients of the user's own, forks, several event loops, and closing."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import sys
import threading
import time
import warnings
from importlib import import_module
from typing import Any

import httpx
import pytest
import trio

import integrakit._http.wire as wire_module
from integrakit._http.bounded import Bound
from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, ConnectError, TransportTimeout
from integrakit.http import BearerToken, Client, Request, Retry, Timeout
from integrakit.runtimes import runtime
from integrakit.testing import Simulator


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture
def api() -> Any:
    with Simulator({"orders": [{"id": 1}]}) as api:
        yield api


def test_either_library_by_name(library: Any, world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, http=library.__name__, auth=BearerToken("abcdef")) as client:
                response = await client.aget("/orders/1")
                assert response.json() == {"id": 1}
                assert type(response.raw).__module__.partition(".")[0] == library.__name__
                assert pickle.loads(pickle.dumps(response)).raw.request.headers["authorization"] == "***"
                assert len(api.requests) == 1
                assert api.requests[0].headers["authorization"] == "Bearer abcdef"
            async with Client("http://127.0.0.1:9", http=library.__name__, retry=None) as client:
                with pytest.raises(ConnectError):
                    await client.aget("/a")

    world(main)


def test_the_users_own_clients(library: Any, api: Simulator) -> None:
    blocking = library.Client(headers={"X-Mine": "1"}, follow_redirects=True)
    with Client(api.url, http=blocking) as client:
        assert client.get("/orders/1").json() == {"id": 1}
        with pytest.raises(ConfigurationError, match="blocking Client only"):
            asyncio.run(client.aget("/orders/1"))
    assert api.requests[0].headers["x-mine"] == "1"
    assert not blocking.is_closed  # the user's to close

    async def main() -> None:
        concurrent = library.AsyncClient(headers={"X-Mine": "2"})
        async with Client(api.url, http=concurrent) as client:
            assert (await client.aget("/orders/1")).json() == {"id": 1}
            with pytest.raises(ConfigurationError, match="AsyncClient only"):
                client.get("/orders/1")
        assert not concurrent.is_closed
        async with Client(api.url, http=(blocking, concurrent)) as client:
            assert (await client.aget("/orders/1")).json() == client.get("/orders/1").json()
        async with Client(api.url, http=[concurrent, blocking]) as client:
            assert (await client.aget("/orders/1")).json() == client.get("/orders/1").json()
        await concurrent.aclose()

    asyncio.run(main())
    blocking.close()
    with Client(api.url, http=blocking) as client, pytest.raises(ConfigurationError, match="http= client that this client was given is closed"):
        client.get("/orders/1")


def test_a_subclass_of_the_librarys_client_is_one(library: Any, api: Simulator) -> None:
    class Mine(library.Client):  # type: ignore[misc, name-defined]
        pass

    with Mine() as mine, Client(api.url, http=mine) as client:
        assert client.get("/orders/1").json() == {"id": 1}


def test_a_library_without_network_works(library: Any, world: Any) -> None:
    mock = library.MockTransport(lambda request: library.Response(200, json={"auth": request.headers["authorization"]}))

    async def main() -> None:
        async with library.AsyncClient(transport=mock) as concurrent:
            with library.Client(transport=mock) as blocking:
                async with Client("https://x.example", http=(blocking, concurrent), auth=BearerToken("abcdef")) as client:
                    assert (await client.aget("/a")).json() == {"auth": "Bearer abcdef"}

    world(main)


def test_pairs_that_do_not_belong_together_are_refused() -> None:
    httpx2 = pytest.importorskip("httpx2")
    one, other = httpx.Client(), httpx2.AsyncClient()
    for pair in ((one, other), (one, one), (one, None), (one, "httpx")):
        with pytest.raises(ConfigurationError, match="http="):
            Client("https://x.example", http=pair)
    one.close()
    asyncio.run(other.aclose())


def test_a_missing_library_is_said_when_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigurationError, match="pip install httpx2"):
        Client("https://x.example", http="httpx2")


def test_a_runtime_error_of_the_users_transport_goes_through(library: Any, world: Any) -> None:
    def fail(request: Any) -> Any:
        raise RuntimeError("mine")

    async def main() -> None:
        async with library.AsyncClient(transport=library.MockTransport(fail)) as concurrent:
            with library.Client(transport=library.MockTransport(fail)) as blocking:
                async with Client("https://x.example", http=(blocking, concurrent)) as client:
                    with pytest.raises(RuntimeError, match="mine"):
                        await client.aget("/a")

    world(main)


# ---------------------------------------------------------------------------------------------- time


def test_a_dripping_answer_ends_by_the_clock_with_each_library(library: Any, serve: Any) -> None:
    def slowly(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            time.sleep(0.02)
            connection.sendall(b"x")

    server = serve(lambda asked: slowly)
    with library.Client() as own:
        for http in (library.__name__, own):
            started = time.monotonic()
            with Client(server.url, http=http, timeout=0.15, retry=None) as client, pytest.raises(TransportTimeout):
                client.get("/a")
            assert time.monotonic() - started < 0.5


def test_without_a_limit_nothing_is_cut_off(library: Any, world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(
                api.url, http=library.__name__, timeout=Timeout(attempt=None, connect=None, read=None, write=None, pool=None)
            ) as client:
                assert (await client.aget("/orders/1")).json() == {"id": 1}

    world(main)


def test_what_is_left_of_an_attempt() -> None:
    bound = Bound()
    assert bound.left(5, ValueError) == 5
    assert bound.left(None, ValueError) is None
    bound.until = time.monotonic() + 1
    assert 0.9 < (bound.left(5, ValueError) or 0) <= 1
    assert 0.9 < (bound.left(None, ValueError) or 0) <= 1
    assert bound.left(0.5, ValueError) == 0.5
    bound.until = time.monotonic() - 1
    with pytest.raises(ValueError, match="timed out"):
        bound.left(5, ValueError)


def test_an_error_of_the_users_own_file_goes_through(library: Any, serve: Any, world: Any) -> None:
    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise LookupError("mine")

    async def main() -> None:
        async with Client(serve(lambda asked: {}).url, http=library.__name__) as client:
            with pytest.raises(LookupError, match="mine"):
                await client.apost("/orders", files={"f": Broken()})

    world(main)


def test_a_scheme_that_nobody_speaks_is_said(library: Any, world: Any) -> None:
    async def policy(request: Request, call_next: Any) -> Any:
        return await call_next(request.copy(url="gopher://x.example/a"))

    async def main() -> None:
        async with Client("https://x.example", http=library.__name__, policies=[policy]) as client:
            with pytest.raises(ConfigurationError, match="cannot be sent"):
                await client.aget("/a")

    world(main)


def test_a_proxy_in_the_environment_is_used(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda asked: {"target": asked.target})
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("no_proxy", "")
    with Client("http://shop.example", retry=None) as client:
        assert client.get("/a").json() == {"target": "http://shop.example/a"}


def test_https_is_spoken(serve: Any, library: Any) -> None:
    # A plain server cannot shake hands: what counts is that the error is ours, and at once.
    server = serve(lambda asked: {})
    with Client(f"https://127.0.0.1:{server.port}", http=library.__name__, retry=None, timeout=0.2) as client, pytest.raises(ConnectError):
        client.get("/a")


def test_a_body_that_the_server_does_not_read_ends_by_the_clock(library: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(url, http=library.__name__, retry=None, timeout=0.2) as client, pytest.raises(TransportTimeout):
            client.put("/a", content=b"x" * 30_000_000)


# ---------------------------------------------------------------------------------------------- loops, threads, forks


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_one_client_serves_several_loops_one_after_the_other(api: Simulator) -> None:
    client = Client(api.url)

    async def use() -> Any:
        return (await client.aget("/orders/1")).json()

    with warnings.catch_warnings():
        # Nobody closed the connections of a loop that is over; only its own loop could have.
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(3):
            assert asyncio.run(use()) == {"id": 1}
            assert trio.run(use) == {"id": 1}
            assert client.get("/orders/1").json() == {"id": 1}
        gc.collect()
        # Those that are over are forgotten: the one of asyncio when the next is made, those of trio at once.
        assert len(client._wire._loops) <= 1
        client.close()
        client._wire._loops.clear()
        gc.collect()


def test_one_client_serves_several_loops_and_threads_at_once(api: Simulator) -> None:
    client = Client(api.url, retry=Retry(attempts=1))
    failures: list[BaseException] = []
    gate = threading.Barrier(6)

    async def use() -> None:
        gate.wait()
        for _ in range(5):
            assert (await client.aget("/orders/1")).json() == {"id": 1}
        loop = wire_module.loop_in_force()
        await client._wire._loops.pop(loop).aclose()

    def block() -> None:
        gate.wait()
        for _ in range(5):
            assert client.get("/orders/1").json() == {"id": 1}

    def guarded(job: Any) -> Any:
        def work() -> None:
            try:
                job()
            except BaseException as problem:  # noqa: BLE001 - shown by the test
                failures.append(problem)

        return work

    jobs = [lambda: asyncio.run(use())] * 2 + [lambda: trio.run(use)] * 2 + [block] * 2
    threads = [threading.Thread(target=guarded(job)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert failures == []
    assert len(api.requests) == 30


def test_a_client_works_after_a_fork(api: Simulator) -> None:
    client = Client(api.url, rate_limit="1000/second")
    assert client.get("/orders/1").json() == {"id": 1}
    inherited = client._wire._client
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 7 if client.get("/orders/1").json() == {"id": 1} and client._wire._client is not inherited else 2
        finally:
            os._exit(code)
    # The parent goes on with its own connection, undisturbed.
    for _ in range(3):
        assert client.get("/orders/1").json() == {"id": 1}
    until = time.monotonic() + 10
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < until:
        time.sleep(0.01)
    if done[0] == 0:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(done[1]) == 7
    client.close()


def test_sync_calls_inside_a_running_loop(api: Simulator) -> None:
    async def main() -> None:
        async with Client(api.url) as client:
            assert client.get("/orders/1").json() == {"id": 1}
            assert list(client.stream("/orders")) == [{"id": 1}]
            assert (await client.aget("/orders/1")).json() == {"id": 1}

    asyncio.run(main())
    trio.run(main)


# ---------------------------------------------------------------------------------------------- the end


def test_a_closed_client_says_so(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            client = Client(api.url)
            await client.aget("/orders/1")
            await client.aclose()
            await client.aclose()
            client.close()
            with pytest.raises(ConfigurationError, match="this client is closed"):
                await client.aget("/orders/1")
            with pytest.raises(ConfigurationError, match="this client is closed"):
                client.get("/orders/1")

    world(main)


def test_with_closes(api: Simulator) -> None:
    with Client(api.url) as client:
        client.get("/orders/1")
        inner = client._wire._client
    assert inner.is_closed
    with pytest.raises(ValueError), Client(api.url):
        raise ValueError

    async def main() -> Any:
        async with Client(api.url) as client:
            await client.aget("/orders/1")
            return next(iter(client._wire._loops.values()))

    assert asyncio.run(main()).is_closed


def test_nothing_is_made_before_it_is_used(api: Simulator) -> None:
    client = Client(api.url)
    assert client._wire._client is None
    assert not client._wire._loops
    client.close()
    assert import_module("httpx") is httpx


def test_this_run_goes_over_the_library_it_was_told(http_library: str, world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:

            class Shop(Connector):
                base_url = api.url
                orders = Resource("/orders", key="id")

            async with Client(api.url) as client, Shop() as shop:
                answers = [await client.aget("/orders/1"), client.get("/orders/1"), await shop.aget("/orders/1")]
        assert {type(answer.raw).__module__.partition(".")[0] for answer in answers} == {http_library}

    world(main)


def test_secret_parameters_are_sent_and_not_logged(library: Any, world: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(lambda asked: {})
    request = Request(
        method="GET",
        url=server.url + "/a%2Fb?page=2",
        params={"q": "é x", "key": "s3cret&x"},
        extensions={"secret_params": {"key"}},
        timeout=Timeout(),
    )

    async def main() -> None:
        wire = wire_module.Wire(library.__name__)
        try:
            answer = await runtime().send(wire, request, 5.0)
        finally:
            await wire.aclose()
        assert "s3cret" not in str(answer.url) + str(answer.request.url)

    caplog.set_level("INFO", logger=library.__name__)
    world(main)
    assert server.asked[-1].target.startswith("/a%2Fb?")
    assert server.asked[-1].query == [("page", "2"), ("q", "é x"), ("key", "s3cret&x")]
    assert "page=2&q=" in caplog.text
    assert "s3cret" not in caplog.text


def test_secret_parameters_reach_a_server_behind_a_proxy(library: Any, world: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda asked: {})
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("no_proxy", "")
    request = Request(method="GET", url="http://shop.example/a", params={"key": "k"}, extensions={"secret_params": {"key"}}, timeout=Timeout())

    async def main() -> None:
        wire = wire_module.Wire(library.__name__)
        try:
            await runtime().send(wire, request, 5.0)
        finally:
            await wire.aclose()

    world(main)
    assert proxy.asked[-1].target == "http://shop.example/a?key=k"
