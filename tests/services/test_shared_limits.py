"""Shared limits on real servers: Redis (its script held to the Python arithmetic), memcached, SQLite; and servers that stop, hang and forget."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.services.require import away

from integrakit.errors import RateLimitExceeded
from integrakit.http import Client, RateLimit
from integrakit.http.limiting.document import apply_to, open_document
from integrakit.http.limiting.quotas import Quota, parse_quotas
from integrakit.http.limiting.redis_backend import RedisBackend
from integrakit.http.limiting.shared import RETRY_AFTER
from integrakit.http.limiting.terms import terms_of
from integrakit.model.events import SharedLimitBack, SharedLimitLost
from integrakit.runtimes import runtime
from integrakit.state import SqliteStore
from integrakit.testing import Simulator

redis = pytest.importorskip("redis", reason='needs redis: pip install "integrakit[redis]"')

pytestmark = pytest.mark.service


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """A server of our own that can be stopped, hung and started again on the same port."""

    def __init__(self, command: Callable[[int], list[str]]) -> None:
        self.port = free_port()
        self._command = command(self.port)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                assert time.monotonic() < until, "the server does not start"
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("redis-server") is None:
        away("redis-server is not installed (apt-get install redis-server)")
    server = Server(lambda port: ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)])
    yield server
    server.stop()


@pytest.fixture
def memcached_server() -> Iterator[Server]:
    pytest.importorskip("pymemcache")
    if shutil.which("memcached") is None:
        away("memcached is not installed (apt-get install memcached)")
    server = Server(lambda port: ["memcached", "-l", "127.0.0.1", "-p", str(port), "-u", "nobody"])
    yield server
    server.stop()


@pytest.fixture(params=["redis", "memcached", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """What ``shared=`` takes: each of the three."""
    if request.param == "sqlite":
        with SqliteStore(tmp_path / "limits.db") as store:
            yield store
    else:
        yield f"{request.param}://127.0.0.1:{request.getfixturevalue(request.param + '_server').port}"


def close(*limits: RateLimit) -> None:
    """Connections that a test opened."""
    for limit in limits:
        backend: Any = limit._sharing()._backend
        if isinstance(backend, RedisBackend):
            backend._process.held(backend._connect)[0].registered_client.close()
        elif hasattr(backend._cells, "_connect"):
            backend._cells._process.held(backend._cells._connect)[0].close()


# ------------------------------------------------------------------ everywhere the same


def test_two_limits_of_one_name_are_one(place: Any) -> None:
    one, other = (RateLimit("1/minute; 100/day", shared=place, name="a limit", margin=0) for _ in range(2))
    booked = [limit.reserve(now=runtime().now(), within=1e6) for limit in (one, other, one)]
    assert [round(slot.delay / 60, 1) for slot in booked] == [0, 1, 2]
    booked[1].cancel()
    assert round(other.reserve(now=runtime().now()).delay / 60, 1) == 1
    assert one.forecast()[1].used == 3
    assert other.reserve(now=runtime().now(), within=0).delay > 100
    assert one.forecast()[1].used == 3
    apart = RateLimit("1/minute; 100/day", shared=place, name="another", margin=0)
    assert apart.reserve(now=runtime().now()).delay == 0
    close(one, other, apart)


def test_many_threads_of_many_limits_get_a_slot_each(place: Any) -> None:
    limits = [RateLimit("1/second", shared=place, name="threads", margin=0) for _ in range(2)]
    found: list[float] = []
    gate = threading.Barrier(6)

    def work(limit: RateLimit) -> None:
        gate.wait()
        found.extend(limit.reserve(now=runtime().now()).start for _ in range(8))

    threads = [threading.Thread(target=work, args=(limits[number % 2],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(limit._sharing().away for limit in limits)
    assert all(0.5 < later - earlier < 1.5 for earlier, later in pairwise(sorted(found)))
    close(*limits)


def test_purposes_keys_and_windows(place: Any) -> None:
    limit = RateLimit(
        Quota(10, 3600, kind="budget"),
        Quota(4, 10, kind="window"),
        shared=place,
        name="kinds",
        margin=0,
        reserve={"interactive": 8},
        key=lambda request: request.url,
    )
    now = runtime().now()
    assert [limit.reserve(now=now, key="ä b\n", purpose="backfill", within=60).delay > 1000 for _ in range(3)] == [False, False, True]
    assert limit.reserve(now=now, key="ä b\n", purpose="interactive", within=60).delay == 0
    assert limit.reserve(now=now, key="ä b\n", purpose="interactive", within=60).delay == 0
    assert 5 < limit.reserve(now=now, key="ä b\n", purpose="interactive", within=60).delay <= 10
    for key in ("other", "", "\udc80", "\0", "x" * 5000):
        assert limit.reserve(now=now, key=key, within=60).delay == 0
    assert not limit._sharing().away
    close(limit)


def test_requests_in_every_world(place: Any, world: Any) -> None:
    limits = [RateLimit("40/second", shared=place, name="worlds") for _ in range(2)]

    async def main() -> int:
        with Simulator({"orders": [{"id": 1}]}, limit="40/second") as api:
            async with Client(api.url, rate_limit=limits[0], retry=None) as one, Client(api.url, rate_limit=limits[1], retry=None) as other:
                for _ in range(6):
                    await one.aget("/orders/1")
                    await other.aget("/orders/1")
                return api.refused

    if world.__name__ == "_simulated":
        pytest.skip("the server's clock is not the simulation's")
    assert world(main) == 0
    close(*limits)


_PROCESS = """
import sys, time
from integrakit.http import Client, RateLimit
from integrakit.state import SqliteStore
place, url, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
shared = SqliteStore(place) if "://" not in place else place
limit = RateLimit("50/second", shared=shared, name="processes")
with Client(url, rate_limit=limit, retry=None) as client:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        client.get("/orders/1", check=False)
"""


def test_four_processes_keep_to_one_limit(place: Any) -> None:
    where = str(place.path) if isinstance(place, SqliteStore) else place
    with Simulator({"orders": [{"id": 1}]}, limit="50/second", latency=0.005) as api:
        children = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", _PROCESS, where, api.url, "2.5"]) for _ in range(4)]
        # One is killed in the middle: it takes no more than its slot along.
        time.sleep(0.04)
        until = time.monotonic() + 10
        while len(api.requests) < 60 and time.monotonic() < until:
            time.sleep(0.04)
        children[0].kill()
        for child in children:
            child.wait(20)
        assert [child.returncode for child in children[1:]] == [0, 0, 0]
        sent = sorted(request.at for request in api.requests)
        busy = [at for at in sent if at > sent[0] + 1]
        # How near to the limit is measured in benchmarks/; here it is enough that nobody counts alone.
        assert len(busy) / (busy[-1] - busy[0]) <= 52
        assert api.refused <= 10


# ------------------------------------------------------------------ the script is the arithmetic

_quotas = st.sampled_from(
    [
        parse_quotas("5/second", 1),
        parse_quotas("10/second; 50/hour", 3),
        [Quota(5, 10, kind="window", name="b"), Quota(40, 3600, kind="budget")],
        [Quota(300, 10, kind="window")],
        [Quota(20, 1, burst=5)],
    ]
)
_steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "reserve", "reserve", "give back", "pause", "settle", "told", "slower", "charge"]),
        st.one_of(st.just(0.0), st.floats(0, 20), st.just(-0.5)),
        st.integers(0, 10**6),
        st.floats(0, 10),
    ),
    max_size=25,
)


def _operation(kind: str, number: int, fraction: float, quotas: list[Quota], kept: list[Any], purpose: str) -> Any:
    index = number % len(quotas)
    if kind == "reserve":
        return ["reserve", number % 4 + 1, purpose, (1e15, 0, 2.5)[number % 3]]
    if kind in ("give back", "settle") and not kept:
        return None
    if kind == "give back":
        tickets, purpose = kept.pop(number % len(kept))
        return ["give back", tickets, purpose]
    if kind == "settle":
        tickets, purpose = kept[number % len(kept)]
        return ["settle", tickets, index, (-2, -1, 1, 3, 0.5)[number % 5], purpose]
    if kind == "pause":
        return ["pause", fraction / 3]
    if kind == "told":
        return ["told", index, number % 12, fraction]
    if kind == "slower":
        return ["slower", index, fraction / 10, 5]
    return ["charge", [number % 3] * len(quotas)]


@pytest.fixture(scope="module")
def shared_redis() -> Any:
    client = redis.Redis(socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        away("no Redis on localhost:6379")
    yield client
    client.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quotas=_quotas, margin=st.sampled_from([0.0, 0.02]), steps=_steps)
def test_the_script_does_what_the_arithmetic_does(shared_redis: Any, quotas: list[Quota], margin: float, steps: list[Any]) -> None:
    reserve = {"i": 5} if any(quota.kind == "budget" for quota in quotas) else {}
    terms = terms_of(quotas, margin, reserve)
    clock, name = [1763700000.123], uuid4().hex
    backend = RedisBackend("redis://localhost:6379/0", name, terms, clock=lambda: clock[0])
    document: Any = None
    kept: list[Any] = []
    try:
        for kind, wait, number, fraction in steps:
            clock[0] += wait
            operation = _operation(kind, number, fraction, quotas, kept, "i" if reserve and number % 2 else "")
            if operation is None:
                continue
            there = backend.apply("", [operation], 0.0)
            document, here, _ = apply_to(document, terms, [operation], clock[0], "x")
            document = json.loads(json.dumps(document))
            assert list(there.answers) == json.loads(json.dumps(here.answers))
            assert (there.paused, there.processes, there.moment, list(there.used)) == (here.paused, here.processes, here.moment, list(here.used))
            if kind == "reserve" and there.answers[0][1]:
                kept.append((there.answers[0][1], operation[2]))
        ledger, moment = backend.look("", 0.0)
        mine, now, _ = open_document(document, terms, clock[0])
        assert moment == now
        assert [meter.dump() for meter in ledger.meters] == [meter.dump() for meter in mine.meters]
        assert not steps or document is None or shared_redis.pttl(f"integrakit:limit:{{{name}}}:") > 0  # nothing is left behind for ever
    finally:
        shared_redis.delete(f"integrakit:limit:{{{name}}}:")
        backend._process.held(backend._connect)[0].registered_client.close()


def test_the_servers_clock_counts_not_ours(redis_server: Server) -> None:
    limit = RateLimit("1/minute", shared=f"redis://127.0.0.1:{redis_server.port}", name="clock", margin=0)
    sharing = limit._sharing()
    ask = [["reserve", 1, "", 1e15]]
    assert sharing.apply("", ask, 0.0, 0.0).answers[0][0] == 0
    assert 59 < sharing.apply("", ask, 0.0, 9e9).answers[0][0] <= 60
    close(limit)


# ------------------------------------------------------------------ away and back


def _until_back(limit: RateLimit) -> None:
    limit._sharing()._loss.next_try = 0.0  # type: ignore[union-attr]  # instead of waiting a few seconds
    limit.reserve(now=runtime().now())


@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_a_server_that_is_killed_and_comes_back(kind: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(f"{kind}_server")
    uri, events = f"{kind}://127.0.0.1:{server.port}", list[Any]()
    limits = [RateLimit("1000/second; 1000/day", shared=uri, name="crm", margin=0) for _ in range(2)]
    with Simulator({"orders": [{"id": 1}]}) as api:
        with Client(api.url, rate_limit=limits[0], observers=[events.append]) as client:
            limits[1].reserve(now=runtime().now())
            client.get("/orders/1")
            server.stop()
            began = time.monotonic()
            for _ in range(20):
                client.get("/orders/1")
            assert time.monotonic() - began < 3
            assert limits[0]._sharing().away
            server.start()
            _until_back(limits[0])
            client.get("/orders/1")
        assert not limits[0]._sharing().away
    lost = [event for event in events if isinstance(event, SharedLimitLost)]
    assert [event.share for event in lost] == [0.5]
    # The server has forgotten all it knew; what we used while it was away it knows again.
    assert limits[1].forecast()[1].used == 22
    close(*limits)


def test_a_server_that_hangs_costs_one_request_half_a_second(redis_server: Server) -> None:
    limit = RateLimit("1000/second", shared=f"redis://127.0.0.1:{redis_server.port}", name="crm")
    limit.reserve(now=runtime().now())
    os.kill(redis_server.process.pid, signal.SIGSTOP)
    try:
        waits = []
        for _ in range(10):
            began = time.monotonic()
            limit.reserve(now=runtime().now())
            waits.append(time.monotonic() - began)
        assert waits[0] < 1.5
        assert max(waits[1:]) < 0.3
        assert limit._sharing().away
    finally:
        os.kill(redis_server.process.pid, signal.SIGCONT)
    _until_back(limit)
    assert not limit._sharing().away
    close(limit)


@pytest.mark.parametrize("how", ["wrong type", "rubbish", "read-only"])
def test_a_redis_that_cannot_keep_it_counts_as_away(redis_server: Server, how: str) -> None:
    uri = f"redis://127.0.0.1:{redis_server.port}"
    limit = RateLimit("100/second", shared=uri, name="crm", margin=0)
    key = "integrakit:limit:{crm}:"
    with redis.Redis(port=redis_server.port) as client:
        if how == "wrong type":
            client.lpush(key, "x")
        elif how == "rubbish":
            client.set(key, b"\xc1rubbish")
        else:
            client.config_set("replica-read-only", "yes")
            client.replicaof("127.0.0.1", str(free_port()))
        limit.reserve(now=runtime().now())
        assert limit._sharing().away
        assert limit.reserve(now=runtime().now(), within=0).delay > 0  # a share, and not no limit
        if how == "read-only":
            client.replicaof("NO", "ONE")
        else:
            client.delete(key)
        _until_back(limit)
        assert not limit._sharing().away
    close(limit)


def test_scripts_that_the_server_has_forgotten_are_sent_again(redis_server: Server) -> None:
    limit = RateLimit("1/minute", shared=f"redis://127.0.0.1:{redis_server.port}", name="crm", margin=0)
    limit.reserve(now=runtime().now())
    with redis.Redis(port=redis_server.port) as client:
        client.script_flush()
        client.client_kill_filter(_type="normal", skipme=True)
    assert limit.reserve(now=runtime().now()).delay > 50
    assert not limit._sharing().away
    close(limit)


def test_a_wrong_password_is_told_without_it(redis_server: Server) -> None:
    with redis.Redis(port=redis_server.port) as client:
        client.config_set("requirepass", "right")
    events: list[Any] = []
    limit = RateLimit("100/second", shared=f"redis://:s3cret@127.0.0.1:{redis_server.port}", name="crm")
    with Simulator({"orders": [{"id": 1}]}) as api, Client(api.url, rate_limit=limit, observers=[events.append]) as client:
        client.get("/orders/1")
    (lost,) = [event for event in events if isinstance(event, SharedLimitLost)]
    assert "s3cret" not in repr(lost)
    assert not [event for event in events if isinstance(event, SharedLimitBack)]
    close(limit)


def test_a_fork_has_connections_of_its_own(place: Any) -> None:
    limit = RateLimit("1/minute", shared=place, name="fork", margin=0)
    limit.reserve(now=runtime().now())
    child = os.fork()
    if child == 0:
        delay = limit.reserve(now=runtime().now()).delay
        os._exit(7 if 50 < delay <= 60 and not limit._sharing().away else 8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert 110 < limit.reserve(now=runtime().now()).delay <= 120
    close(limit)


def test_max_wait_and_deadline_hold(place: Any) -> None:
    limit = RateLimit("1/minute", shared=place, name="waits", margin=0, max_wait=5)
    with Simulator({"orders": [{"id": 1}]}) as api, Client(api.url, rate_limit=limit) as client:
        client.get("/orders/1")
        for options in ({}, {"deadline": 0.5}):
            with pytest.raises(RateLimitExceeded) as caught:
                client.get("/orders/1", **options)
            assert 50 < (caught.value.retry_after or 0) <= 60
        assert len(api.requests) == 1
    close(limit)


def test_the_time_between_two_tries_is_short_enough_to_notice() -> None:
    assert 1 <= RETRY_AFTER <= 5
