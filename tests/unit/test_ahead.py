"""Pages fetched ahead: the same pages in the same order as one by one, whatever happens, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio

from integrakit._json import dumps
from integrakit.errors import BadRequest, ConfigurationError, DecodeError, TransportError
from integrakit.http import Client, CursorPaginator, HeaderLinkPaginator, OffsetPaginator, PageNumberPaginator
from integrakit.http.ahead import Ahead
from integrakit.http.records import select
from integrakit.model import Request, Response
from integrakit.runtimes import SimulatedRuntime, drive, runtime
from integrakit.testing import Simulator

URL = "https://x.example/a"


class Server:
    """A collection of ``pages`` pages of two records, each ``seconds`` away. ``wrong(request)`` may raise, or give another body."""

    def __init__(self, pages: int = 8, *, seconds: float = 0.001, total: bool = True, wrong: Callable[[Request], Any] | None = None) -> None:
        self.pages, self.seconds, self.total, self.wrong = pages, seconds, total, wrong
        self.asked: list[int] = []
        self.under_way = self.most = self.cancelled = 0
        self.lock = threading.Lock()

    async def call(self, request: Request) -> Response:
        page = int(request.params.get("page", request.params.get("after", 1)))
        with self.lock:
            self.asked.append(page)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            await runtime().sleep(self.seconds)
            body = None if self.wrong is None else self.wrong(request)
            return answer(request, self.body(page) if body is None else body)
        except Exception:
            raise
        except BaseException:
            self.cancelled += 1
            raise
        finally:
            with self.lock:
                self.under_way -= 1

    def body(self, page: int) -> dict[str, Any]:
        rows = [{"id": page * 2}, {"id": page * 2 + 1}] if 1 <= page <= self.pages else []
        return {"data": rows, "next": page + 1 if page < self.pages else None, **({"total": self.pages * 2} if self.total else {})}

    @property
    def rows(self) -> list[int]:
        return list(range(2, self.pages * 2 + 2))


def answer(request: Request, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(httpx.Response(200, content=dumps(body), headers=headers, request=httpx.Request("GET", request.url)), request)


class Walk:
    """A reader in short: what `HttpReader` does with an `Ahead`, and nothing else."""

    def __init__(self, server: Any, paginator: Any, most: int, *, records: Any = "data", own: Any = lambda url: True, clean: Any = str) -> None:
        self.paginator, self.records = paginator, records
        self.ahead = Ahead(server.call, most, own=own, clean=clean, records=records)
        first = Request(method="GET", url=URL)
        self.following: Request | None = paginator.first_request(first) if hasattr(paginator, "first_request") else first
        self.came = 0

    async def page(self) -> list[int] | None:
        request = self.following
        if request is None:
            return None
        response = await self.ahead.fetch(request)
        records = select(response, self.records)
        following = self.paginator.next_request(request, response, records)
        total = self.paginator.declared_total(response) if hasattr(self.paginator, "declared_total") else None
        self.came += len(records)
        self.following = None if total is not None and self.came >= total else following
        self.ahead.foresee(self.following, response, records, self.came, self.paginator)
        return [record["id"] for record in records]

    async def rest(self, pause: float = 0.0) -> list[int]:
        ids: list[int] = []
        while (page := await self.page()) is not None:
            ids += page
            if pause:
                await runtime().sleep(pause)
        return ids


PAGED = PageNumberPaginator(total="total")
CHAIN = CursorPaginator("next", "after")


def gone(condition: Callable[[], Any], within: float = 2.0) -> bool:
    until = time.monotonic() + within
    while not condition() and time.monotonic() < until:
        time.sleep(0.002)
    return bool(condition())


async def until(condition: Callable[[], Any]) -> None:
    """On a busy machine a moment may be over before anybody else had a turn."""
    end = runtime().now() + 5
    while not condition() and runtime().now() < end:
        await runtime().sleep(0.002)
    assert condition()


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "integrakit-ahead"]


@pytest.mark.parametrize("most", [1, 3, 20])
@pytest.mark.parametrize("paginator", [PAGED, PageNumberPaginator(), CHAIN], ids=["known", "counted", "chain"])
def test_every_page_comes_once_and_in_order(world: Any, paginator: Any, most: int) -> None:
    server = Server(total=paginator is PAGED)
    assert world(lambda: Walk(server, paginator, most).rest(0.0005)) == server.rows
    # Without a total the end is an empty page; nothing else is asked for, and nothing twice.
    assert sorted(server.asked) == list(range(1, 9 + (paginator == PageNumberPaginator())))


def test_pages_known_in_advance_are_on_their_way_together(world: Any) -> None:
    server = Server(13, seconds=0.01)
    assert world(lambda: Walk(server, PAGED, 4).rest()) == server.rows
    assert 2 <= server.most <= 4


def test_pages_known_in_advance_take_a_fraction_of_the_time() -> None:
    server = Server(101, seconds=1.0)
    world = SimulatedRuntime()
    assert world.run(Walk(server, PAGED, 10).rest()) == server.rows
    assert world.now() == 11
    assert server.most == 10


def test_a_chain_is_followed_while_a_page_is_walked() -> None:
    for most, seconds in ((1, 11.0), (3, 11.0)):
        world, server = SimulatedRuntime(), Server(10, seconds=1.0)
        assert world.run(Walk(server, CHAIN, most).rest(1.0)) == server.rows
        assert world.now() == pytest.approx(seconds)
        assert server.most == 1


def test_no_more_pages_are_held_than_agreed() -> None:
    async def main(paginator: Any) -> None:
        server = Server(100)
        walk = Walk(server, paginator, 5)
        for delivered in range(1, 30):
            await walk.page()
            await runtime().sleep(1)
            assert len(server.asked) == delivered + 5

    for paginator in (PAGED, CHAIN):
        SimulatedRuntime().run(main(paginator))


@pytest.mark.parametrize("paginator", [PAGED, CHAIN], ids=["known", "chain"])
def test_an_error_comes_at_its_turn_and_asking_again_asks_anew(world: Any, paginator: Any) -> None:
    failed: list[int] = []

    def wrong(request: Request) -> None:
        page = request.params.get("page", request.params.get("after"))
        if page == 4 and len(failed) < 2:
            failed.append(page)
            raise TransportError("away", request=request)

    server = Server(wrong=wrong)

    async def main() -> None:
        walk, ids = Walk(server, paginator, 3), []
        for _ in range(3):
            ids += await walk.page() or []
            await runtime().sleep(0.01)
        assert ids == server.rows[:6]
        await until(lambda: failed == [4])  # known already, and not told before its turn
        for _ in range(2):
            with pytest.raises(TransportError, match="away"):
                await walk.page()
        assert ids + await walk.rest() == server.rows
        # Those behind it were not asked for twice.
        assert sorted(server.asked) == sorted([*range(1, 9), 4, 4])

    world(main)


def test_another_request_than_the_foreseen_drops_what_was_fetched(world: Any) -> None:
    server = Server()

    async def main() -> None:
        walk = Walk(server, PAGED, 3)
        assert await walk.page() == [2, 3]
        await runtime().sleep(0.01)
        assert walk.following is not None
        walk.following = walk.following.copy(headers={"x": "other"})
        assert await walk.page() == [4, 5]
        assert await walk.rest() == server.rows[4:]
        assert server.asked.count(2) == 2

    world(main)


def test_pages_that_differ_in_size_are_followed_after_a_while() -> None:
    """Offsets that are not where they were expected cost requests; not for ever."""

    class Uneven(Server):
        async def call(self, request: Request) -> Response:
            offset = int(request.params.get("offset", 0))
            self.asked.append(offset)
            await runtime().sleep(1)
            rows = [{"id": number} for number in range(200)][offset : offset + 2 + (offset % 3)]
            return answer(request, {"data": rows, "total": 200})

    server = Uneven()
    assert SimulatedRuntime().run(Walk(server, OffsetPaginator(total="total"), 10).rest()) == list(range(200))
    assert len(server.asked) <= len(set(server.asked)) + 25


@pytest.mark.parametrize("how", ["break", "keep"])
@pytest.mark.parametrize("paginator", [PAGED, CHAIN], ids=["known", "chain"])
def test_a_read_that_is_left_in_the_middle_leaves_nothing_behind(world: Any, paginator: Any, how: str) -> None:
    server = Server(100, seconds=0.005)
    kept: list[Any] = []

    async def main() -> None:
        walk = Walk(server, paginator, 4)
        assert await walk.page() == [2, 3]
        await runtime().sleep(0.001)
        if how == "keep":
            kept.append(walk)
        del walk
        await runtime().sleep(0.002)

    world(main)
    gc.collect()
    asked = len(server.asked)
    assert gone(lambda: not our_threads() and server.under_way == 0)
    assert len(server.asked) <= (asked if how == "break" else 5)


@pytest.mark.parametrize("paginator", [PAGED, CHAIN], ids=["known", "chain"])
def test_a_walk_that_is_garbage_cancels_what_is_on_its_way(paginator: Any) -> None:
    async def main() -> None:
        server = Server(100, seconds=30)
        server.seconds = 0
        walk = Walk(server, paginator, 4)
        await walk.page()
        server.seconds = 30
        await until(lambda: server.under_way >= 1)
        dead = weakref.ref(walk.ahead)
        del walk
        assert dead() is None
        await until(lambda: server.under_way == 0)
        assert server.cancelled >= 1

    asyncio.run(main())
    trio.run(main)
    SimulatedRuntime().run(main())


def test_a_cancelled_reader_can_go_on() -> None:
    server = Server(seconds=0.0)

    async def with_trio() -> list[int]:
        walk = Walk(server, CHAIN, 2)
        assert await walk.page() == [2, 3]
        server.seconds = 0.02
        with trio.move_on_after(0.005) as scope:
            await walk.page()
        assert scope.cancelled_caught
        return await walk.rest()

    async def with_asyncio() -> list[int]:
        walk = Walk(server, CHAIN, 2)
        assert await walk.page() == [2, 3]
        server.seconds = 0.02
        task = asyncio.ensure_future(walk.page())
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await walk.rest()

    assert trio.run(with_trio) == server.rows[2:]
    server.seconds = 0.0
    assert asyncio.run(with_asyncio()) == server.rows[2:]


def test_a_read_goes_on_in_another_loop_thread_or_world() -> None:
    server = Server(40, seconds=0.002)
    walk = Walk(server, PAGED, 3)
    ids: list[int] = []

    async def two() -> None:
        for _ in range(2):
            ids.extend(await walk.page() or [])

    for _ in range(2):
        asyncio.run(two())
        drive(two())
        trio.run(two)
        SimulatedRuntime().run(two())
        thread = threading.Thread(target=lambda: drive(two()))
        thread.start()
        thread.join()
    assert ids == server.rows[:40]
    assert drive(walk.rest()) == server.rows[40:]
    assert gone(lambda: not our_threads())


@pytest.mark.parametrize("begun", [True, False])
def test_a_loop_that_is_closed_over_it_is_not_complained_of(begun: bool, recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture) -> None:
    server = Server(100, seconds=0)
    loop = asyncio.new_event_loop()
    walks = [Walk(server, CHAIN, 3)]

    async def main() -> None:
        await walks[0].page()
        server.seconds = 30
        if begun:
            await asyncio.sleep(0.005)

    loop.run_until_complete(main())
    loop.close()
    walks.clear()
    gc.collect()
    assert not recwarn.list
    assert not caplog.records


def test_a_child_process_fetches_for_itself() -> None:
    server = Server(seconds=0.01)
    walk = Walk(server, PAGED, 3)
    assert drive(walk.page()) == [2, 3]
    child = os.fork()
    if child == 0:
        ok = drive(walk.rest()) == server.rows[2:]
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert drive(walk.rest()) == server.rows[2:]


def test_several_reads_at_once(world: Any) -> None:
    server = Server(seconds=0.002)

    async def main() -> None:
        walks = [Walk(server, paginator, 3) for paginator in (PAGED, CHAIN, PAGED)]
        assert await runtime().gather([walk.rest for walk in walks], 3) == [server.rows] * 3

    world(main)


def test_a_link_that_would_not_be_followed_is_not_followed_ahead() -> None:
    asked: list[str] = []

    class Elsewhere:
        async def call(self, request: Request) -> Response:
            asked.append(request.url)
            number = len(asked)
            link = f"https://{'evil' if number == 2 else 'x'}.example/a?n={number}"
            return answer(request, {"data": [{"id": number}]}, {"Link": f'<{link}>; rel="next"'})

    async def main() -> None:
        walk = Walk(Elsewhere(), HeaderLinkPaginator(), 5, own=lambda url: url.startswith("https://x.example/"))
        await walk.page()
        await runtime().sleep(1)
        assert asked == [URL, URL + "?n=1"]

    SimulatedRuntime().run(main())


def test_a_link_is_cleaned_before_it_is_followed() -> None:
    asked: list[str] = []

    class Echoing:
        async def call(self, request: Request) -> Response:
            asked.append(request.url)
            return answer(request, {"data": [{"id": 1}]}, {"Link": f'<{URL}?n={len(asked)}&token=secret>; rel="next"'})

    async def main() -> None:
        walk = Walk(Echoing(), HeaderLinkPaginator(), 3, clean=lambda url: url.replace("&token=secret", ""))
        await walk.page()
        await runtime().sleep(1)
        assert asked[2:] == [f"{URL}?n=2", f"{URL}?n=3"]

    SimulatedRuntime().run(main())


@pytest.mark.parametrize(
    "body",
    [
        {"data": [], "next": ["x"]},
        {"data": [], "next": {"a": 1}},
        {"data": 5, "next": 2},
        {"data": [{"id": 1}], "next": 2, "total": "many"},
        {"next": 3},
        [],
        "text",
        None,
    ],
)
def test_what_a_hostile_page_says_is_said_at_its_turn(world: Any, body: Any) -> None:
    server = Server(
        wrong=lambda request: {"x": 1} if body is None else body if request.params.get("after", request.params.get("page")) == 2 else None
    )

    async def main() -> None:
        for paginator in (CHAIN, PAGED):
            walk = Walk(server, paginator, 3)
            if body is not None:
                assert await walk.page() == [2, 3]
                await runtime().sleep(0.005)
            # Either it is said, or the paginator at hand does not look at it and goes on; a reader would see that it goes round in circles.
            with contextlib.suppress(DecodeError):
                for _ in range(12):
                    await walk.page()
            assert len(server.asked) < 60

    world(main)


def test_a_selector_that_changes_the_body_it_is_given_is_called_on_one_of_its_own(world: Any) -> None:
    server = Server()
    assert world(lambda: Walk(server, CHAIN, 2, records=lambda body: body.pop("data")).rest(0.002)) == server.rows


def test_a_mistake_in_a_paginator_is_told_with_the_next_page(world: Any) -> None:
    class Mistaken:
        def next_request(self, request: Request, response: Response, records: Any) -> Request | None:
            return PAGED.next_request(request, response, records)

        def declared_total(self, response: Response) -> int | None:
            return 16

        def requests_ahead(self, following: Request, response: Response, records: Any, came: int, most: int) -> Any:
            raise ZeroDivisionError

    async def main() -> None:
        walk = Walk(Server(), Mistaken(), 3)
        assert await walk.page() == [2, 3]
        with pytest.raises(ZeroDivisionError):
            await walk.page()
        assert await walk.page() == [4, 5]

    world(main)


def test_more_requests_than_were_asked_for_are_not_sent() -> None:
    class Greedy:
        def next_request(self, request: Request, response: Response, records: Any) -> Request | None:
            return PAGED.next_request(request, response, records)

        declared_total = staticmethod(PAGED.declared_total)

        def requests_ahead(self, following: Request, response: Response, records: Any, came: int, most: int) -> Any:
            return PAGED.requests_ahead(following, response, records, came, 1000)

    async def main() -> None:
        server = Server(50)
        await Walk(server, Greedy(), 3).page()
        walk = Walk(server, Greedy(), 3)
        await walk.page()
        server.asked.clear()
        await runtime().sleep(1)
        assert sorted(server.asked) == [2, 3, 4]

    SimulatedRuntime().run(main())


def test_a_total_that_shrinks_forgets_what_lies_behind_it() -> None:
    server = Server(10, seconds=1)

    async def main() -> None:
        walk = Walk(server, PAGED, 5)
        await walk.page()
        server.pages = 3
        await runtime().sleep(3)
        assert await walk.rest() == [4, 5, 6, 7]

    SimulatedRuntime().run(main())


def test_threads_are_used_again_and_end_with_the_read() -> None:
    server = Server(60, seconds=0.001)
    seen: set[int] = set()
    call = server.call

    async def noting(request: Request) -> Response:
        seen.add(threading.get_ident())
        return await call(request)

    server.call = noting  # type: ignore[method-assign]
    walk = Walk(server, PAGED, 4)
    assert drive(walk.rest()) == server.rows
    assert len(seen) <= 6
    assert gone(lambda: not our_threads(), within=0.4)  # sooner than they would end for want of work


# ---------------------------------------------------------------------------------------------- with a client and its reader


ROWS = [{"id": number} for number in range(95)]


@pytest.mark.parametrize("pagination", ["page", "offset", "cursor", "link"])
@pytest.mark.parametrize("prefetch", [4])
def test_a_stream_reads_the_same_ahead(world: Any, pagination: str, prefetch: int) -> None:
    paginator = {
        "page": PageNumberPaginator(total="total"),
        "offset": OffsetPaginator(total="total"),
        "cursor": CursorPaginator("next", "after"),
        "link": None,
    }[pagination]

    async def main() -> None:
        with Simulator({"orders": ROWS}, pagination=pagination, page_size=10) as api:
            async with Client(api.url) as client:
                plain = client.stream("/orders", paginator=paginator, key="id").read()
                expected = [record async for record in plain]
                before = len(api.requests)
                read = client.stream("/orders", paginator=paginator, key="id", prefetch=prefetch).read()
                assert [record async for record in read] == expected
                assert read.evidence.complete is plain.evidence.complete
                assert (read.evidence.pages, read.evidence.records) == (plain.evidence.pages, 95)
                # Not one request more.
                assert len(api.requests) - before == before

    world(main)
    gc.collect()


def test_a_checkpoint_is_of_the_page_that_was_walked_not_of_what_was_fetched() -> None:
    paginator = CursorPaginator("next", "after")
    with Simulator({"orders": ROWS}, pagination="cursor", page_size=10) as api, Client(api.url) as client:
        pages = client.stream("/orders", key="id", paginator=paginator, prefetch=5).pages()
        first = next(pages)
        gone(lambda: len(api.requests) == 6)
        rest = client.stream("/orders", key="id", paginator=paginator, prefetch=5).pages(first.checkpoint)
        assert [record["id"] for page in rest for record in page.records] == list(range(10, 95))


def test_what_a_wrong_page_fetched_ahead_says_comes_after_those_before_it(serve: Any) -> None:
    def script(asked: Any) -> Any:
        page = int(asked.params.get("page", 1))
        return {"total": 50, "data": [{"id": page * 10 + number} for number in range(10)]} if page != 4 else (400, {}, {"error": "no"})

    with Client(serve(script).url) as client:
        seen: list[int] = []
        stream = client.stream("/a", records="data", paginator=PageNumberPaginator(total="total"), prefetch=5)
        with pytest.raises(BadRequest):
            seen.extend(record["id"] for record in stream)
        assert seen == [page * 10 + number for page in (1, 2, 3) for number in range(10)]


@pytest.mark.parametrize("prefetch", [-1, True, 1.5, "2", None, 1001])
def test_a_prefetch_that_is_none_is_said(prefetch: Any) -> None:
    with pytest.raises(ConfigurationError, match="prefetch="):
        Client("https://x.example").stream("/a", prefetch=prefetch)
