"""Permits shared over processes in a real Redis: the limit holds, the first comes first, and what died gives back what it held."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.services.require import away

from integrakit.errors import RateLimitExceeded
from integrakit.http import Request, Response
from integrakit.http.concurrency import ConcurrencyLimit
from integrakit.http.limiting.permits_redis import RedisPermits
from integrakit.http.stack import compose
from integrakit.model.events import SharedLimitBack, SharedLimitLost
from integrakit.runtimes import drive, runtime

pytestmark = pytest.mark.service

URL = os.environ.get("INTEGRAKIT_REDIS", "redis://127.0.0.1:6379/0")


class Raw:
    status_code = 200


def get(**extensions: Any) -> Request:
    return Request(method="GET", url="https://api.test/a", extensions=extensions)


async def answer(request: Request) -> Response:
    return Response(Raw(), request)


@pytest.fixture
def redis() -> Iterator[Any]:
    """A client, and a server that is left as it was found."""
    library = pytest.importorskip("redis", reason='needs redis: pip install "integrakit[redis]"')
    client = library.Redis.from_url(URL, socket_connect_timeout=1)
    try:
        client.ping()
    except library.RedisError as problem:
        away(f"no Redis at {URL}: {problem}")
    yield client
    client.close()


@pytest.fixture
def name(redis: Any) -> Iterator[str]:
    made = f"test-{uuid4().hex}"
    yield made
    found = redis.keys(f"*{made}*")
    if found:
        redis.delete(*found)


PROGRAM = """
import sys, threading, time
import redis
from integrakit.http import Request, Response
from integrakit.http.concurrency import ConcurrencyLimit
from integrakit.http.stack import compose
from integrakit.runtimes import drive, runtime

url, name, limit, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
client = redis.Redis.from_url(url)

class Raw:
    status_code = 200

async def send(request):
    now = client.incr(name + ":now")
    client.zadd(name + ":most", {"most": now}, gt=True)
    await runtime().sleep(float(sys.argv[5]))
    client.decr(name + ":now")
    client.incr(name + ":done")
    return Response(Raw(), request)

call = compose([ConcurrencyLimit(limit, shared=url, name=name, max_wait=30.0)], send)

def work():
    for _ in range(rounds):
        drive(call(Request(method="GET", url="https://api.test/a")))

threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
client.close()
"""


def start(name: str, *, limit: int, rounds: int, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, URL, name, str(limit), str(rounds), str(seconds)])


def test_processes_and_threads_together_keep_to_the_limit(redis: Any, name: str) -> None:
    processes = [start(name, limit=3, rounds=15, seconds=0.002) for _ in range(3)]
    for process in processes:
        assert process.wait(60) == 0
    assert int(redis.get(f"{name}:done")) == 3 * 4 * 15
    assert redis.zscore(f"{name}:most", "most") <= 3
    assert redis.zcard(f"integrakit:permits:{{{name}}}:holders") == 0
    assert redis.zcard(f"integrakit:permits:{{{name}}}:queue") == 0


def test_a_killed_process_gives_its_permits_back_at_once(redis: Any, name: str) -> None:
    process = start(name, limit=2, rounds=1, seconds=60)
    try:
        for _ in range(500):
            if redis.zcard(f"integrakit:permits:{{{name}}}:holders") == 2:
                break
            time.sleep(0.02)
        with pytest.raises(RateLimitExceeded):
            drive(compose([ConcurrencyLimit(2, shared=URL, name=name, max_wait=0.1)], answer)(get()))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    began = time.monotonic()
    call = compose([ConcurrencyLimit(2, shared=URL, name=name, max_wait=20)], answer)
    # The two that waited in it stand before us until they are seen not to ask any more.
    assert drive(call(get())).status_code == 200
    assert time.monotonic() - began < 5


def test_what_another_machine_held_comes_back_by_time(redis: Any, name: str) -> None:
    permits = RedisPermits(redis, name, 1)
    elsewhere = json.dumps(["another-machine", 1, "", None])
    assert permits.acquire(json.dumps(["a", elsewhere]), elsewhere, 0.15, 0.0) == (True, 1)
    assert permits.acquire("b", "p", 1.0, 0.0) == (False, 2)
    assert permits.holders() == [json.dumps(["a", elsewhere])]
    call = compose([ConcurrencyLimit(1, shared=URL, name=name, max_wait=20)], answer)
    permits.release("b", 0.0)
    assert drive(call(get())).status_code == 200
    assert permits.holders() == []


def test_the_first_of_the_queue_is_served_first(redis: Any, name: str) -> None:
    permits = RedisPermits(redis, name, 1)
    assert permits.acquire("a", "p", 10.0, 0.0)[0]
    for token in ("b", "c"):
        assert not permits.acquire(token, "p", 10.0, 0.0)[0]
    permits.release("a", 0.0)
    assert not permits.acquire("c", "p", 10.0, 0.0)[0]
    assert permits.acquire("b", "p", 10.0, 0.0)[0]
    assert permits.acquire("b", "p", 10.0, 0.0)[0]  # asked twice, as after a lost answer: one permit
    permits.release("b", 0.0)
    assert permits.acquire("c", "p", 10.0, 0.0)[0]
    for key in redis.keys(f"*{name}*"):
        assert 0 < redis.ttl(key) <= 62


def test_every_world_waits_for_a_permit_of_another_process(redis: Any, name: str, world: Any) -> None:
    elsewhere = RedisPermits(redis, name, 1)
    assert elsewhere.acquire("a", "p", 60.0, 0.0)[0]
    call = compose([ConcurrencyLimit(1, shared=URL, name=name, max_wait=20)], answer)

    async def free() -> None:
        await runtime().sleep(0.03)
        await runtime().blocking(elsewhere.release, "a", 0.0)

    async def main() -> None:
        await runtime().gather([lambda: call(get()), lambda: call(get()), free], 3)

    world(main)
    assert elsewhere.holders() == []


def test_a_server_that_is_away_leaves_a_local_share(redis: Any, name: str) -> None:
    events: list[Any] = []
    dead = "redis://user:s3cr3t@127.0.0.1:1/0"
    limit = ConcurrencyLimit(4, shared=dead, name=name)
    began = time.monotonic()
    for _ in range(5):
        assert drive(compose([limit], answer)(get(observers=events.append))).status_code == 200
    assert time.monotonic() - began < 3
    (lost,) = [event for event in events if isinstance(event, SharedLimitLost)]
    assert lost.share == 0.25  # one permit of four
    assert "s3cr3t" not in repr(lost) + repr(limit)
    assert not [event for event in events if isinstance(event, SharedLimitBack)]
