"""A limit whose state is shared: in a store, with others, and while that state is away. Real servers are in tests/services."""

from __future__ import annotations

import os
import threading
from itertools import pairwise
from typing import Any

import httpx
import pytest
from tests.fakes.cancelling import wait_after_cancelling

from integrakit.errors import ConfigurationError, RateLimitExceeded, StoreError
from integrakit.http import Client, RateLimit
from integrakit.http.limiting.backend import StateAway
from integrakit.http.limiting.document_backend import MongoCells
from integrakit.http.limiting.shared import RETRY_AFTER, Turn
from integrakit.http.rate_limit import Quota
from integrakit.http.stack import compose
from integrakit.model import Request, Response
from integrakit.model.events import SharedLimitBack, SharedLimitLost
from integrakit.runtimes import SimulatedRuntime, drive, runtime
from integrakit.state import MemoryStore, SqliteStore
from integrakit.testing import Simulator, simulate


class Breakable(MemoryStore):
    """A store that can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked = 0

    def get(self, space: str, key: str) -> Any:
        self.asked += 1
        if self.away:
            raise StoreError("away")
        return super().get(space, key)


def shared(store: Any, rate: Any = "10/second", **options: Any) -> RateLimit:
    return RateLimit(rate, shared=store, **{"name": "crm", "margin": 0, **options})


def starts(limits: list[RateLimit], count: int, **options: Any) -> list[float]:
    """In virtual time, which does not move: so many slots, from the limits in turn."""

    def take() -> list[float]:
        now = runtime().now()
        return [round(limits[number % len(limits)].reserve(now=now, **options).delay, 5) for number in range(count)]

    return simulate(take)


def test_two_limits_of_one_name_are_one() -> None:
    store = MemoryStore()
    assert starts([shared(store), shared(store)], 4) == [0, 0.1, 0.2, 0.3]
    assert starts([shared(store, name="erp")], 2) == [0, 0.1]


def test_keys_are_apart_and_shared() -> None:
    store = MemoryStore()
    one, other = (shared(store, key=lambda request: request.url) for _ in range(2))
    assert starts([one, other], 2, key="a") == [0, 0.1]
    assert starts([other], 1, key="b") == [0]


def test_a_slot_given_back_is_anothers() -> None:
    store = MemoryStore()
    one, other = shared(store), shared(store)

    def main() -> None:
        booked = [one.reserve(now=0.0) for _ in range(3)]
        booked[1].cancel()
        booked[1].cancel()
        assert [round(other.reserve(now=0.0).start, 5) for _ in range(2)] == [0.1, 0.3]

    simulate(main)


def test_a_slot_that_is_too_far_away_is_not_taken() -> None:
    store = MemoryStore()

    def main() -> None:
        limit = shared(store, "2/day")
        assert [limit.reserve(now=0.0, within=1).delay > 1 for _ in range(4)] == [False, False, True, True]

    simulate(main)


def test_a_daily_budget_survives_a_restart(tmp_path: Any) -> None:
    path = tmp_path / "limits.db"

    def day(most: int) -> int:
        with SqliteStore(path) as store, Simulator({"orders": [{"id": 1}]}) as api:
            limit = shared(store, "5/day", reserve={"interactive": 2})
            with Client(api.url, rate_limit=limit) as client:
                for number in range(most):
                    try:
                        client.get("/orders/1", purpose="backfill")
                    except RateLimitExceeded:
                        return number
                return most

    assert day(2) == 2
    assert day(9) == 1


def test_a_new_amount_does_not_forget_what_was_used() -> None:
    store = MemoryStore()
    assert starts([shared(store, "3/day")], 3) == [0, 0, 0]
    assert [delay > 0 for delay in starts([shared(store, "5/day")], 3)] == [False, False, True]


def test_the_clock_of_the_machine_going_back_changes_no_wait() -> None:
    store = MemoryStore()
    limit = shared(store, "1/second")
    sharing = limit._sharing()
    ask = [["reserve", 1, "", 1e15]]
    assert sharing.apply("", ask, 0.0, 1_000_000.0).answers[0][0] == 0
    assert sharing.apply("", ask, 0.0, 990_000.0).answers[0][0] == pytest.approx(1)
    assert sharing.apply("", ask, 1.0, 990_001.0).answers[0][0] == pytest.approx(1)


def test_requests_in_every_world_share(world: Any, tmp_path: Any) -> None:
    async def main() -> tuple[float, int]:
        with SqliteStore(tmp_path / "limits.db") as store, Simulator({"orders": [{"id": 1}]}, limit="20/second") as api:
            one, other = shared(store, "20/second", margin=0.02), shared(store, "20/second", margin=0.02)
            async with Client(api.url, rate_limit=one, retry=None) as first, Client(api.url, rate_limit=other, retry=None) as second:
                began = runtime().now()
                for _ in range(4):
                    await first.aget("/orders/1")
                    await second.aget("/orders/1")
                return runtime().now() - began, api.refused

    seconds, refused = world(main)
    assert 0.35 <= seconds < 1.5
    assert refused == 0


def test_many_threads_get_a_slot_each(tmp_path: Any) -> None:
    with SqliteStore(tmp_path / "limits.db") as store:
        limits = [shared(store, "1/second", max_wait=1e9) for _ in range(2)]
        found: list[float] = []
        gate = threading.Barrier(8)

        def work(limit: RateLimit) -> None:
            gate.wait()
            found.extend(limit.reserve(now=runtime().now()).start for _ in range(10))

        threads = [threading.Thread(target=work, args=(limits[number % 2],)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not any(limit._sharing().away for limit in limits)
        ordered = sorted(found)
        assert all(later - earlier > 0.5 for earlier, later in pairwise(ordered))


@pytest.mark.parametrize("how", ["asyncio", "trio", "simulated"])
def test_cancelling_gives_the_slot_back(how: str) -> None:
    assert 50 < wait_after_cancelling(how, shared(MemoryStore(), "1/minute")) <= 60.01


def test_a_pause_is_everybodys() -> None:
    store = MemoryStore()
    world, sent = SimulatedRuntime(), list[float]()

    async def host(request: Any, world: Any) -> Any:
        sent.append(world.now())
        return (429, [("Retry-After", "30")], b"") if len(sent) == 1 else (200, [], b"{}")

    async def main() -> None:
        world.hosts[("http", "api.test", 80)] = host
        one, other = shared(store, max_wait=100), shared(store, max_wait=100)
        async with Client("http://api.test", rate_limit=one, retry=None) as first, Client("http://api.test", rate_limit=other, retry=None) as second:
            jobs = [lambda: first.aget("/a", check=False)] * 5
            await runtime().gather(jobs, 5)
            await second.aget("/a")

    world.run(main())
    assert sent[0] == 0
    assert sent[1] >= 30
    assert len(sent) == 6


def test_a_pause_by_hand_is_everybodys() -> None:
    store = MemoryStore()

    def main() -> None:
        shared(store).pause(50.0)
        assert shared(store).reserve(now=0.0).delay == pytest.approx(50)

    simulate(main)


# ------------------------------------------------------------------ away


def test_while_it_is_away_each_keeps_to_its_share() -> None:
    store = Breakable()
    one, other = shared(store, "8/second; 100/day"), shared(store, "8/second; 100/day")

    def main() -> None:
        for limit in (one, other, one, other):
            limit.reserve(now=0.0)
        store.away = True
        # One of two, and not at once: nobody knows what the other one sends now.
        delays = [one.reserve(now=0.0, within=100).delay for _ in range(4)]
        assert delays == pytest.approx([0.25, 0.5, 0.75, 1.0])
        granted = sum(one.reserve(now=1.0, within=100).delay <= 100 for _ in range(200))
        assert granted + 4 == 48  # half of the 96 that are left
        assert one._sharing().away

    simulate(main)


@pytest.mark.parametrize(("share", "apart"), [(None, 0.4), (0.5, 0.2)])
def test_who_never_saw_it_keeps_to_a_quarter_or_as_told(share: float | None, apart: float) -> None:
    store = Breakable()
    store.away = True
    assert starts([shared(store, share=share)], 3) == [0, apart, 2 * apart]


def test_a_share_of_less_than_one_is_nothing() -> None:
    store = Breakable()
    store.away = True

    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            async with Client(api.url, rate_limit=shared(store, "3/day")) as client:
                with pytest.raises(RateLimitExceeded, match="shared state of '3/day' is away") as caught:
                    await client.aget("/orders/1")
                assert caught.value.retry_after is not None
                assert caught.value.retry_after <= RETRY_AFTER
                assert api.requests == []

    simulate(main)


def test_it_is_asked_again_now_and_then_and_what_was_used_is_charged() -> None:
    store, events = Breakable(), list[Any]()

    async def main() -> None:
        with Simulator({"orders": [{"id": 1}]}) as api:
            limit = shared(store, "100/second; 100/day", max_wait=5)
            async with Client(api.url, rate_limit=limit, observers=[events.append]) as client:
                await client.aget("/orders/1")
                store.away, store.asked = True, 0
                for _ in range(10):
                    await client.aget("/orders/1")
                    await runtime().sleep(1.0)
                assert 3 <= store.asked <= 5  # not at each request
                store.away = False
                await runtime().sleep(RETRY_AFTER)
                await client.aget("/orders/1")
                assert not limit._sharing().away
                assert [each.used for each in limit.forecast()][1] == 12
                await client.aget("/orders/1")
                assert [each.used for each in limit.forecast()][1] == 13

    simulate(main)
    lost = [event for event in events if isinstance(event, SharedLimitLost)]
    back = [event for event in events if isinstance(event, SharedLimitBack)]
    assert [(event.share, type(event.error)) for event in lost] == [(1.0, StoreError)]
    assert [round(event.seconds) for event in back] == [13]


def test_what_other_keys_used_meanwhile_is_charged_when_they_are_asked_for() -> None:
    store = Breakable()
    limit = shared(store, "100/day", key=lambda request: request.url)

    def main() -> None:
        for key in ("a", "b"):
            limit.reserve(now=0.0, key=key)
        store.away = True
        for key in ("a", "b", "b"):
            limit.reserve(now=1.0, key=key)
        store.away = False
        limit.reserve(now=10.0, key="a")
        assert limit.forecast(key="a")[0].used == 3
        limit.reserve(now=10.0, key="b")
        assert limit.forecast(key="b")[0].used == 4
        limit.reserve(now=10.0, key="b")
        assert limit.forecast(key="b")[0].used == 5

    simulate(main)


def test_what_could_not_be_charged_at_once_is_not_forgotten() -> None:
    store = Breakable()
    limit = shared(store, "100/day", key=lambda request: request.url)

    def main() -> None:
        for key in ("a", "b"):
            limit.reserve(now=0.0, key=key)
        store.away = True
        for key in ("a", "b"):
            limit.reserve(now=1.0, key=key)
        store.away = False
        limit.reserve(now=10.0, key="a")  # back, and "b" has something to be charged still
        store.away = True
        limit.reserve(now=11.0, key="b")
        store.away = False
        limit.reserve(now=20.0, key="b")
        assert limit.forecast(key="b")[0].used == 4
        limit.reserve(now=20.0, key="b")
        assert limit.forecast(key="b")[0].used == 5

    simulate(main)


def test_the_share_is_that_of_the_key_with_most_processes() -> None:
    store = Breakable()
    limits = [shared(store, "8/second", key=lambda request: request.url) for _ in range(4)]

    def main() -> None:
        for limit in limits:
            limit.reserve(now=0.0, key="all")
        limits[0].reserve(now=0.0, key="all")
        limits[0].reserve(now=0.0, key="mine")
        store.away = True
        assert [limits[0].reserve(now=1.0, key="all").delay for _ in range(2)] == pytest.approx([0.5, 1.0])

    simulate(main)


def test_what_holds_up_an_answer_does_not_hold_up_the_slot() -> None:
    limit = shared(MemoryStore(), "1/second")
    sharing, place = limit._sharing(), limit._sharing().place("", 0.0)

    def slot(moment: float, delay: float, asked: float, answered: float) -> float:
        return sharing.start(place, Turn([], 0, moment), delay, asked, answered)

    assert slot(1000.0, 5.0, 10.0, 10.001) == pytest.approx(15.001)
    assert slot(1001.0, 5.0, 10.9, 11.4) == pytest.approx(16.001, abs=1e-3)  # answered late
    assert slot(1002.0, 5.0, 11.5, 12.002) == pytest.approx(17.001, abs=1e-3)  # asked late
    # Whatever the clocks do, it is between what it could be at the earliest and at the latest.
    assert slot(10.0, 5.0, 20.0, 20.5) == pytest.approx(25.0)
    assert slot(5000.0, 5.0, 30.0, 30.5) == pytest.approx(35.5)
    assert sharing.start(place, Turn([], 0), 5.0, 40.0, 40.5) == 45.0


def test_no_key_makes_the_state_look_away(tmp_path: Any) -> None:
    with SqliteStore(tmp_path / "limits.db") as store:
        limit = shared(store, key=lambda request: request.url)
        for key in ("", "\udc80", "\0", "x" * 5000, "ä\n"):
            limit.reserve(now=runtime().now(), key=key)
        assert not limit._sharing().away


def test_slots_of_another_time_mean_nothing() -> None:
    store = Breakable()
    limit = shared(store, "1/second")

    def main() -> None:
        before = [limit.reserve(now=0.0) for _ in range(2)]
        store.away = True
        alone = [limit.reserve(now=0.0) for _ in range(2)]
        before[1].cancel()
        store.away = False
        limit.reserve(now=10.0)
        alone[1].cancel()
        assert limit.reserve(now=10.0).delay >= 1

    simulate(main)


def test_what_is_no_state_of_a_limit_counts_as_away() -> None:
    from integrakit.protocols import Put

    for wrong in ("text", {"at": 1}, {"at": "x", "ahead": 0, "paused": 0, "quotas": {}, "processes": {}}, [1], {"quotas": 7}):
        store = MemoryStore()
        store.commit([Put("rate_limits", "crm:", wrong)])
        limit = shared(store, "10/second")
        assert starts([limit], 2) == [0, 0.4]
        assert limit._sharing().away
        assert "away" in limit.state()


def test_only_one_thread_at_a_time_asks_while_it_is_away() -> None:
    store = Breakable()
    limit = shared(store, "1000/second")
    limit.reserve(now=0.0)
    store.away = True
    limit.reserve(now=0.0)
    store.asked = 0
    gate = threading.Barrier(8)

    def work() -> None:
        gate.wait()
        for _ in range(20):
            limit.reserve(now=100.0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.asked == 1


def test_a_fork_takes_part_under_a_name_of_its_own(tmp_path: Any) -> None:
    with SqliteStore(tmp_path / "limits.db") as store:
        limit = shared(store, "1000/second")
        limit.reserve(now=runtime().now())
        with limit._sharing()._guard():
            child = os.fork()
            if child == 0:
                limit.reserve(now=runtime().now())
                os._exit(7 if limit._sharing().place("", 0.0).processes == 2 else 8)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


# ------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"shared": "redis://h:6379"}, "name="),
        ({"shared": "redis://h:6379", "name": ""}, "name="),
        ({"shared": "redis://h:6379", "name": "\udc80"}, "name="),
        ({"name": "crm"}, "shared="),
        ({"share": 0.5}, "shared="),
        ({"shared": "redis://h:6379", "name": "crm", "share": 0}, "share="),
        ({"shared": "redis://h:6379", "name": "crm", "share": True}, "share="),
        ({"shared": "redis://:s3cret@h:port", "name": "crm"}, "cannot be read"),
        ({"shared": "amqp://u:s3cret@h", "name": "crm"}, "redis://host"),
        ({"shared": "", "name": "crm"}, "redis://host"),
        ({"shared": 7, "name": "crm"}, "redis://host"),
        ({"shared": SqliteStore, "name": "crm"}, "redis://host"),
    ],
)
def test_wrong_arguments_are_said_without_the_password(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        RateLimit("2/second", **options)
    assert "s3cret" not in str(caught.value)


def test_the_password_is_not_shown() -> None:
    limit = RateLimit("2/second", shared="redis://user:s3cret@localhost:6379/0?password=s3cret", name="crm")
    assert repr(limit) == "RateLimit('2/second', name='crm', shared='redis://***@localhost:6379/0')"


def test_a_quota_of_ones_own_prints() -> None:
    assert repr(RateLimit(Quota(2, 10, kind="window", name="burst"))) == "RateLimit('burst: 2 per 10 s (window)')"


# ------------------------------------------------------------------ MongoDB, against a collection of our own


class Collection:
    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def find_one(self, query: dict[str, Any]) -> Any:
        return self.documents.get(query["_id"])

    def insert_one(self, document: dict[str, Any]) -> None:
        self.documents[document["_id"]] = document

    def replace_one(self, query: dict[str, Any], document: dict[str, Any]) -> Any:
        class Result:
            matched_count = int(self.documents.get(query["_id"], {}).get("version") == query["version"])

        if Result.matched_count:
            self.documents[query["_id"]] = document
        return Result


def test_mongodb_documents_are_replaced_only_as_they_were_read() -> None:
    pytest.importorskip("pymongo")
    cells = MongoCells("mongodb://user:s3cret@localhost:1")
    collection = Collection()
    cells._process.held(lambda: collection)
    assert cells.read("a") == (None, None)
    assert cells.write("a", {"at": 1.5}, None, 10.0, 0.0)
    assert cells.read("a") == ({"at": 1.5}, 1)
    assert cells.write("a", {"at": 2.5}, 1, 10.0, 0.0)
    assert not cells.write("a", {"at": 3.5}, 1, 10.0, 0.0)
    assert cells.read("a") == ({"at": 2.5}, 2)
    collection.documents[next(iter(collection.documents))]["state"] = "{"
    with pytest.raises(StateAway):
        cells.read("a")


def test_the_log_says_that_the_shared_state_is_away(caplog: Any) -> None:
    pytest.importorskip("redis")
    limit = RateLimit("20/second", shared="redis://user:s3cr3t@127.0.0.1:1/0", name="crm")
    with caplog.at_level("WARNING", logger="integrakit.limits"):
        for _ in range(3):
            drive(compose([limit], _answered)(Request(method="GET", url="https://api.test/a")))
    (said,) = [record.getMessage() for record in caplog.records if record.name == "integrakit.limits"]
    assert "'crm' cannot be reached" in said
    assert "25%" in said
    assert "s3cr3t" not in caplog.text


async def _answered(request: Request) -> Response:
    return Response(httpx.Response(200, request=httpx.Request("GET", request.url)), request)
