"""How many are in flight, in which order the others come, and that no permit is ever lost: over tasks, threads, loops, cancellations and forks."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import trio

from integrakit.errors import ConfigurationError, RateLimitExceeded, ServerError, StoreError
from integrakit.http import Client, PerAttempt, Request, Response
from integrakit.http.concurrency import ConcurrencyLimit
from integrakit.http.limiting.permits import Permits
from integrakit.http.limiting.permits_shared import process_of
from integrakit.http.limiting.permits_store import StorePermits
from integrakit.http.stack import compose
from integrakit.model.events import SharedLimitBack, SharedLimitLost, Waited
from integrakit.runtimes import SimulatedRuntime, drive, runtime
from integrakit.state import MemoryStore, SqliteStore
from integrakit.state.processes import Process, this_process


class Raw:
    status_code = 200


class Server:
    """``send`` of a stack: takes ``seconds``, and keeps how many were there at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.now = self.most = self.asked = 0
        self.order: list[Any] = []
        self._lock = threading.Lock()

    async def __call__(self, request: Request) -> Response:
        with self._lock:
            self.now += 1
            self.asked += 1
            self.most = max(self.most, self.now)
            self.order.append(request.extensions.get("number"))
        try:
            await runtime().sleep(self.seconds)
        finally:
            with self._lock:
                self.now -= 1
        return Response(Raw(), request)


def get(number: Any = None, **more: Any) -> Request:
    return Request(method="GET", url="https://api.test/a", extensions={"number": number}, **more)


def all_free(limit: ConcurrencyLimit) -> bool:
    return limit.in_flight() == 0 and all(not pool.permits._queue for pool in limit._pools.values())


# ---------------------------------------------------------------------------------------------- the limit


def test_no_more_than_the_limit_are_in_flight_and_they_come_in_order(world: Any) -> None:
    server, limit = Server(0.002), ConcurrencyLimit(3)
    call = compose([limit], server)

    async def main() -> None:
        await runtime().gather([lambda number=number: call(get(number)) for number in range(20)], 20)

    world(main)
    assert server.most == 3
    assert server.asked == 20
    assert all_free(limit)


def test_first_come_first_served_in_virtual_time() -> None:
    server = Server(1.0)
    call = compose([ConcurrencyLimit(2)], server)

    async def main() -> float:
        world = runtime()

        async def one(number: int) -> None:
            await world.sleep(number * 0.01)
            await call(get(number))

        await world.gather([lambda number=number: one(number) for number in reversed(range(10))], 10)
        return world.now()

    assert round(SimulatedRuntime(seed=1).run(main()), 2) == 5.01  # no pause between one and the next
    assert server.order == list(range(10))


def test_an_error_gives_the_permit_back(world: Any) -> None:
    limit = ConcurrencyLimit(1)

    async def failing(request: Request) -> Response:
        raise ServerError("no")

    async def main() -> None:
        call = compose([limit], failing)
        for _ in range(3):
            with pytest.raises(ServerError):
                await call(get())

    world(main)
    assert all_free(limit)


def test_in_a_client_the_body_belongs_to_it(serve: Any, world: Any) -> None:
    """A server that sends its bodies slowly never has more than two to send."""
    here, most, lock = [0], [0], threading.Lock()

    def script(asked: Any) -> Any:
        def drip(connection: Any) -> None:
            with lock:
                here[0] += 1
                most[0] = max(most[0], here[0])
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 4\r\nConnection: close\r\n\r\n12")
            time.sleep(0.01)
            with lock:
                here[0] -= 1
            connection.sendall(b"34")

        return drip

    server = serve(script)

    async def main() -> None:
        async with Client(server.url, policies=[PerAttempt(ConcurrencyLimit(2))]) as client:
            await runtime().gather([lambda: client.aget("/a")] * 8, 8)

    world(main)
    assert most[0] <= 2
    assert len(server.asked) == 8


def test_each_key_has_permits_of_its_own_and_leaves_nothing_behind() -> None:
    server = Server(1.0)
    limit = ConcurrencyLimit(1, key=lambda request: request.extensions["number"])
    call = compose([limit], server)

    async def main() -> float:
        world = runtime()
        await world.gather([lambda number=number: call(get(number)) for number in "aabbcc"], 6)
        with pytest.raises(ConfigurationError, match="must give text"):
            await call(get(7))
        return world.now()

    assert SimulatedRuntime(seed=1).run(main()) == 2
    assert server.most == 3
    assert limit._pools == {}


# ---------------------------------------------------------------------------------------------- waiting too long


@pytest.mark.parametrize(
    ("options", "words", "waited"), [({"max_wait": 5}, "max_wait of 5 s", 5), ({}, "deadline", 7), ({"max_wait": 0}, "max_wait", 0)]
)
def test_waiting_is_bounded(options: Any, words: str, waited: float) -> None:
    server, limit = Server(100.0), ConcurrencyLimit(1, name="shop", **options)
    call = compose([limit], server)

    async def main() -> None:
        world = runtime()

        async def second() -> None:
            await world.sleep(1)
            with pytest.raises(RateLimitExceeded, match=words) as caught:
                await call(get(deadline=8.0, attempt=3))
            assert world.now() == 1 + waited
            assert caught.value.attempts == 2
            assert "'shop'" in str(caught.value)

        await world.gather([lambda: call(get()), second], 2)

    SimulatedRuntime(seed=1).run(main())
    assert server.asked == 1
    assert all_free(limit)


def test_who_gave_up_waiting_gets_no_permit(world: Any) -> None:
    server, limit = Server(0.03), ConcurrencyLimit(1, max_wait=0.005)
    call = compose([limit], server)

    async def main() -> None:
        async def impatient() -> None:
            await runtime().sleep(0.005)
            with pytest.raises(RateLimitExceeded):
                await call(get())

        await runtime().gather([lambda: call(get()), impatient, impatient], 3)
        await call(get())

    world(main)
    assert server.asked == 2
    assert all_free(limit)


def test_waits_are_told() -> None:
    events: list[Any] = []
    call = compose([ConcurrencyLimit(1)], Server(2.0))

    async def main() -> None:
        request = get()
        request.extensions["observers"] = events.append
        await runtime().gather([lambda: call(request)] * 3, 3)

    SimulatedRuntime(seed=1).run(main())
    assert [(type(event), event.what, event.seconds) for event in events] == [(Waited, "concurrency", 2.0), (Waited, "concurrency", 4.0)]


# ---------------------------------------------------------------------------------------------- cancellation


def test_cancelling_gives_back_and_passes_on() -> None:
    limit = ConcurrencyLimit(1)
    call = compose([limit], Server(60.0))

    async def main() -> None:
        holder = asyncio.ensure_future(call(get(1)))
        await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(call(get(number))) for number in (2, 3, 4)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        await asyncio.sleep(0)
        holder.cancel()  # handed to 3 …
        await asyncio.sleep(0)
        waiting[1].cancel()  # … who is cancelled in that moment
        await asyncio.sleep(0.01)
        assert limit.in_flight() == 1
        waiting[2].cancel()
        await asyncio.gather(holder, *waiting, return_exceptions=True)

    asyncio.run(main())
    assert all_free(limit)


def test_cancelled_in_the_very_moment_it_was_granted() -> None:
    """The permit is granted by another thread while the task is being cancelled: the next one gets it."""
    permits = Permits(1)

    async def main() -> None:
        first = permits.acquire_now()
        assert first is not None
        second = asyncio.ensure_future(permits.acquire(runtime(), 60.0))
        third = asyncio.ensure_future(permits.acquire(runtime(), 60.0))
        await asyncio.sleep(0.01)
        permits.release(first)  # granted to the second, which has not run since
        second.cancel()
        permit = await asyncio.wait_for(third, 1)
        assert permit is not None
        assert second.cancelled()
        permits.release(permit)

    asyncio.run(main())
    assert not permits._held


def test_granted_in_the_very_moment_it_timed_out() -> None:
    class Late:
        """A wait that ends by its time-out, in the moment the permit comes."""

        name = "blocking"

        def waiter(self) -> Any:
            return self

        def wake(self) -> None:
            pass

        async def wait(self, seconds: float | None = None) -> bool:
            permits.release(first)
            return False

    permits = Permits(1)
    first = Permits(1).acquire_now()
    first = permits.acquire_now()
    first.thread = 0
    second = drive(permits.acquire(Late(), 1.0))  # type: ignore[arg-type]
    assert second is not None
    assert permits._held == {second}


def test_giving_back_twice_does_nothing() -> None:
    permits = Permits(1)
    first = permits.acquire_now()
    permits.release(first)
    second = permits.acquire_now()
    permits.release(first)
    assert permits.acquire_now() is None
    permits.release(second)


@pytest.mark.parametrize("seed", range(3))
def test_threads_and_loops_and_random_cancellations_lose_no_permit(seed: int) -> None:
    chance = random.Random(seed)
    limit = ConcurrencyLimit(3, max_wait=20.0)
    server = Server()
    done: list[str] = []
    errors: list[BaseException] = []

    async def one(call: Any, seconds: float) -> None:
        request = get()
        request.extensions["seconds"] = seconds
        await call(request)
        done.append("x")

    async def send(request: Request) -> Response:
        with server._lock:
            server.now += 1
            server.most = max(server.most, server.now)
        try:
            await runtime().sleep(request.extensions["seconds"])
        finally:
            with server._lock:
                server.now -= 1
        return Response(Raw(), request)

    call = compose([limit], send)

    def in_threads(number: int) -> None:
        mine = random.Random(seed * 100 + number)
        for _ in range(30):
            drive(one(call, mine.choice((0, 0, 0.0005))))

    def in_asyncio(number: int) -> None:
        mine = random.Random(seed * 100 + number)

        async def main() -> None:
            tasks = []
            for _ in range(60):
                tasks.append(asyncio.ensure_future(one(call, mine.choice((0, 0.0005)))))
                await asyncio.sleep(mine.choice((0, 0, 0.0003)))
                if mine.random() < 0.4:
                    mine.choice(tasks).cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            errors.extend(result for result in results if isinstance(result, Exception))

        asyncio.run(main())

    def in_trio(number: int) -> None:
        mine = random.Random(seed * 100 + number)

        async def main() -> None:
            async def limited() -> None:
                with trio.move_on_after(mine.choice((0.0001, 0.001, 1))):
                    await one(call, mine.choice((0, 0.0005)))

            async with trio.open_nursery() as nursery:
                for _ in range(60):
                    nursery.start_soon(limited)
                    await trio.sleep(mine.choice((0, 0, 0.0003)))

        trio.run(main)

    def guarded(kind: Any, number: int) -> None:
        try:
            kind(number)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    kinds = [in_threads, in_threads, in_asyncio, in_asyncio, in_trio]
    chance.shuffle(kinds)
    threads = [threading.Thread(target=guarded, args=(kind, number)) for number, kind in enumerate(kinds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert errors == []
    assert server.most == 3
    assert len(done) >= 60
    assert all_free(limit)


def test_a_loop_that_was_dropped_with_a_request_in_flight_gives_its_permit_back() -> None:
    limit = ConcurrencyLimit(1)
    call = compose([limit], Server(60.0))

    def dropped() -> None:
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)
        task = loop.create_task(call(get()))
        loop.run_until_complete(asyncio.sleep(0.005))
        assert limit.in_flight() == 1
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()

    dropped()
    gc.collect()
    assert all_free(limit)


# ---------------------------------------------------------------------------------------------- a blocking call and its own thread's loop


def test_a_blocking_call_that_would_wait_for_its_own_loop_raises_at_once() -> None:
    limit = ConcurrencyLimit(1)
    call = compose([limit], Server(0.02))

    async def main() -> None:
        task = asyncio.ensure_future(call(get()))
        await asyncio.sleep(0.001)
        began = time.monotonic()
        with pytest.raises(ConfigurationError, match=r"await client\.aget"):
            drive_here(call(get()))
        assert time.monotonic() - began < 1
        await task
        drive_here(call(get()))  # a free one is no reason to complain

    asyncio.run(main())
    assert all_free(limit)


def drive_here(coroutine: Any) -> Any:
    """As ``client.get`` inside of an event loop does."""
    return drive(coroutine)


def test_a_call_inside_of_a_call_that_holds_the_only_permit_raises() -> None:
    limit = ConcurrencyLimit(1)

    async def nested(request: Request) -> Response:
        return drive(compose([limit], Server())(get()))

    with pytest.raises(ConfigurationError, match="the call that this one was made in"):
        drive(compose([limit], nested)(get()))
    assert all_free(limit)
    two = ConcurrencyLimit(2)

    async def fits(request: Request) -> Response:
        return drive(compose([two], Server())(get()))

    assert drive(compose([two], fits)(get())).status_code == 200


def test_a_blocking_call_comes_before_the_tasks_of_its_own_thread() -> None:
    """They cannot go on before it returns: behind them it would wait for ever."""
    limit = ConcurrencyLimit(1)
    call = compose([limit], Server())
    held, go = threading.Event(), threading.Event()

    def other() -> None:
        async def hold(request: Request) -> Response:
            held.set()
            go.wait(5)
            time.sleep(0.01)  # noqa: ASYNC251 - a blocking call, driven without a loop
            return Response(Raw(), request)

        drive(compose([limit], hold)(get()))

    thread = threading.Thread(target=other)
    thread.start()
    held.wait(5)

    async def main() -> None:
        task = asyncio.ensure_future(call(get()))
        await asyncio.sleep(0.001)
        go.set()
        assert drive(call(get())).status_code == 200
        await task

    asyncio.run(main())
    thread.join()
    assert all_free(limit)


def test_two_threads_that_would_wait_for_each_others_loops_are_found_out() -> None:
    limit = ConcurrencyLimit(2, max_wait=20.0)
    call = compose([limit], Server(0.02))
    both, outcomes = threading.Barrier(2), []

    def work() -> None:
        async def main() -> None:
            task = asyncio.ensure_future(call(get()))
            await asyncio.sleep(0.001)
            both.wait()
            try:
                drive(call(get()))
                outcomes.append("ok")
            except ConfigurationError:
                outcomes.append("refused")
            await task

        asyncio.run(main())

    threads = [threading.Thread(target=work) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 10
    assert sorted(outcomes) in (["ok", "refused"], ["ok", "ok"])
    assert "refused" in outcomes
    assert all_free(limit)


# ---------------------------------------------------------------------------------------------- forks


def test_a_forked_child_begins_with_all_permits_free() -> None:
    limit = ConcurrencyLimit(1, max_wait=5.0)
    call = compose([limit], Server())
    pool = limit._enter("")
    permit = pool.permits.acquire_now()
    with limit._guard():
        pid = os.fork()
        if pid == 0:
            free = drive(call(get())).status_code == 200
            pool.permits.release(permit)  # the parent's call goes on in the child, too: it must not free what is not the child's
            limit._leave("", pool)
            os._exit(0 if free and limit.in_flight() == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert limit.in_flight() == 1
    pool.permits.release(permit)
    limit._leave("", pool)


# ---------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize("wrong", [None, "", "5", 0, -1, True, 1.5, float("inf"), object()])
def test_wrong_limits_are_said(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="requests in flight"):
        ConcurrencyLimit(wrong)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("key", ["", 5, True, object()]),
        ("max_wait", [None, "", -1, True, float("nan"), object()]),
        ("name", ["", 5, "a\n", object()]),
        ("shared", ["state.db", "memcached://h:1", "mongodb://user:secret@h", "file:///x", 5, True, object(), "redis"]),
    ],
)
def test_wrong_arguments_are_said(argument: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=argument) as caught:
            ConcurrencyLimit(5, **{"name": "shop", argument: value})
        assert "secret" not in str(caught.value)


def test_a_shared_limit_needs_a_name() -> None:
    with pytest.raises(ConfigurationError, match="needs a name="):
        ConcurrencyLimit(5, shared="redis://localhost")


def test_it_says_what_it_is() -> None:
    assert repr(ConcurrencyLimit(5)) == "ConcurrencyLimit(5)"


# ---------------------------------------------------------------------------------------------- shared over processes, by a store


class Shaky(MemoryStore):
    """A store that is away while ``away`` is True."""

    away = False

    def get(self, space: str, key: str) -> Any:
        if self.away:
            raise StoreError("the disk is gone")
        return super().get(space, key)


def shared(store: Any, limit: int = 2, **options: Any) -> ConcurrencyLimit:
    """As another process would build it."""
    return ConcurrencyLimit(limit, shared=store, name="shop", **options)


def test_two_limits_of_one_name_share_their_permits(world: Any) -> None:
    store, server = MemoryStore(), Server(0.002)
    calls = [compose([shared(store)], server) for _ in range(3)]

    async def main() -> None:
        await runtime().gather([lambda number=number: calls[number % 3](get(number)) for number in range(15)], 15)

    world(main)
    assert server.most == 2
    assert server.asked == 15
    assert store.get("permits", "shop").value["held"] == {}
    assert store.get("permits", "shop").value["queue"] == []


def test_limits_of_other_names_and_keys_do_not() -> None:
    store, server = MemoryStore(), Server(1.0)
    keyed = shared(store, 1, key=lambda request: request.extensions["number"])
    other = ConcurrencyLimit(1, shared=store, name="other")

    async def main() -> float:
        world = runtime()
        calls = [(keyed, "a"), (keyed, "b"), (other, "a")]
        await world.gather([lambda limit=limit, number=number: compose([limit], server)(get(number)) for limit, number in calls], 3)
        return world.now()

    assert SimulatedRuntime(seed=1).run(main()) == 1
    assert keyed._pools == {}


def test_among_processes_the_first_comes_first() -> None:
    store, server = MemoryStore(), Server(1.0)
    calls = [compose([shared(store, 1)], server) for _ in range(5)]

    async def main() -> float:
        world = runtime()

        async def one(number: int) -> None:
            await world.sleep(number * 0.1)
            await calls[number](get(number))

        await world.gather([lambda number=number: one(number) for number in range(5)], 5)
        return world.now()

    assert SimulatedRuntime(seed=1).run(main()) <= 5 + 4 * 0.26  # the pauses between two questions
    assert server.order == list(range(5))


@pytest.mark.parametrize("options", [{"max_wait": 3}, {}])
def test_waiting_for_a_shared_permit_is_bounded_and_leaves_no_place_in_the_queue(options: Any) -> None:
    store, server = MemoryStore(), Server(100.0)
    one, other = shared(store, 1), shared(store, 1, **options)

    async def main() -> None:
        world = runtime()

        async def second() -> None:
            await world.sleep(1)
            with pytest.raises(RateLimitExceeded):
                await compose([other], server)(get(deadline=4.5))
            assert world.now() == pytest.approx(4 if options else 4.5)
            assert len(store.get("permits", "shop").value["held"]) == 1
            assert store.get("permits", "shop").value["queue"] == []

        await world.gather([lambda: compose([one], server)(get()), second], 2)

    SimulatedRuntime(seed=1).run(main())


def test_cancelling_while_it_waits_or_works_gives_back_what_is_shared() -> None:
    store = MemoryStore()
    one, other = shared(store, 1), shared(store, 1)
    server = Server(60.0)

    async def main() -> None:
        holder = asyncio.ensure_future(compose([one], server)(get()))
        await asyncio.sleep(0.03)
        waiting = asyncio.ensure_future(compose([other], server)(get()))
        await asyncio.sleep(0.03)
        assert len(store.get("permits", "shop").value["queue"]) == 1
        waiting.cancel()
        await asyncio.wait([waiting])
        assert store.get("permits", "shop").value["queue"] == []
        holder.cancel()
        await asyncio.wait([holder])
        assert store.get("permits", "shop").value["held"] == {}

    asyncio.run(main())
    assert one.in_flight() == other.in_flight() == 0


def test_permits_of_a_dead_process_come_back_at_once_and_those_of_another_machine_by_time(tmp_path: Any) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ours = this_process()
    process = Process(host=ours.host, pid=child.pid, boot=ours.boot, started=None)
    text = json.dumps([process.host, process.pid, process.boot, process.started])
    elsewhere = json.dumps(["another-machine", 1, "", None])
    with SqliteStore(tmp_path / "state.db") as store:
        backend = StorePermits(store, "shop", 2)
        now = datetime.now(UTC).timestamp()
        assert backend.acquire(json.dumps(["a", text]), text, 1000.0, now) == (True, 1)
        assert backend.acquire(json.dumps(["b", elsewhere]), elsewhere, 1000.0, now) == (True, 2)
        with pytest.raises(RateLimitExceeded):
            drive(compose([shared(store, max_wait=0.02)], Server())(get()))
        child.communicate(b"\n")
        began = time.monotonic()
        drive(compose([shared(store, max_wait=10.0)], Server())(get()))
        assert time.monotonic() - began < 1
        assert backend.holders() == [json.dumps(["b", elsewhere])]
        assert backend.acquire("c", "p", 5.0, now)[0]
        assert not backend.acquire("d", "p", 5.0, now + 4)[0]
        assert backend.acquire("d", "p", 5.0, now + 6)[0]


def test_without_the_shared_state_each_keeps_to_its_share_and_it_comes_back() -> None:
    store, events = Shaky(), []
    server = Server(1.0)
    one, other = shared(store, 4), shared(store, 4)

    def request() -> Request:
        made = get()
        made.extensions["observers"] = events.append
        return made

    async def main() -> None:
        world = runtime()
        # Both are seen, though in truth it is one process.
        StorePermits(store, "shop", 4).acquire("x", "another process", 1.0, world.wall().timestamp())
        await world.gather([lambda: compose([one], server)(request()), lambda: compose([other], server)(request())], 2)
        store.away, server.most = True, 0
        await world.gather([lambda: compose([one], server)(request())] * 8, 8)
        assert server.most == 2
        (lost,) = [event for event in events if isinstance(event, SharedLimitLost)]
        assert (lost.limit, lost.share) == ("shop", 0.5)
        assert "the disk is gone" in str(lost.error)
        store.away, server.most = False, 0
        await world.sleep(6)
        await world.gather([lambda: compose([one], server)(request())] * 8, 8)
        assert server.most == 4
        (back,) = [event for event in events if isinstance(event, SharedLimitBack)]
        assert back.seconds > 5
        assert one.in_flight() == 0

    SimulatedRuntime(seed=1).run(main())


def test_a_process_that_never_saw_the_shared_state_takes_one_at_a_time() -> None:
    store = Shaky()
    store.away = True
    server = Server(1.0)
    call = compose([shared(store, 4)], server)

    async def main() -> None:
        await runtime().gather([lambda: call(get())] * 3, 3)

    SimulatedRuntime(seed=1).run(main())
    assert server.most == 1


def test_a_store_that_goes_away_in_between_does_not_lose_the_response() -> None:
    store = Shaky()
    limit = shared(store, 1)

    async def send(request: Request) -> Response:
        store.away = True
        return Response(Raw(), request)

    assert drive(compose([limit], send)(get())).status_code == 200
    assert limit.in_flight() == 0


def test_tokens_that_cannot_be_read_belong_to_nobody() -> None:
    for token in ("", "x", "[]", '["a", 5]', '["a", "x"]', '["a", "[1]"]', "null"):
        assert process_of(token) is None
    text = json.dumps(["host", 1, "boot", 5])
    assert process_of(json.dumps(["a", text])) == Process(host="host", pid=1, boot="boot", started=5)
