"""What a read makes of a server that answers oddly: each case has one answer, the same in every world; the reference page has them as a table."""

from __future__ import annotations

import json
import warnings
from typing import Any

import attrs
import httpx
import pytest

from integrakit.errors import (
    BadRequest,
    CheckpointMismatch,
    ConfigurationError,
    DecodeError,
    IncompleteRead,
    IncompleteReadWarning,
    NotFound,
    PaginationStalled,
    ServerError,
)
from integrakit.http import Client, CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator, OffsetPaginator, PageNumberPaginator
from integrakit.http import reader as reader_module
from integrakit.http.read_options import ReadSpec
from integrakit.http.reader import HttpReader
from integrakit.http.stalling import StallGuard
from integrakit.model import Checkpoint, Request, Response
from integrakit.testing import Simulator

CURSOR = CursorPaginator("next", "after")
OFFSET = OffsetPaginator()
COUNTED = OffsetPaginator(total="total")
PAGES = PageNumberPaginator()
NUMBERED = PageNumberPaginator(total="total")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "FIRST_WAIT", 0.0001)


def page(*ids: Any, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": id} for id in ids], **more}


class Server:
    """Gives these bodies in turn, and the last one for ever. A number is a status, bytes are a body as they stand."""

    def __init__(self, *bodies: Any, headers: dict[str, str] | None = None) -> None:
        self.bodies, self.headers = list(bodies), headers or {}
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        status = body if isinstance(body, int) else 200
        content = body if isinstance(body, bytes) else b"" if isinstance(body, int) else json.dumps(body).encode()
        raw = httpx.Response(status, content=content, headers=self.headers, request=httpx.Request("GET", request.url))
        response = Response(raw, request)
        kind = {400: BadRequest, 404: NotFound, 410: NotFound, 422: BadRequest, 500: ServerError}.get(status)
        if kind is not None:
            raise kind("no", response=response)
        return response


def open_read(server: Any, paginator: Any, *, since: Checkpoint | None = None, **options: Any) -> HttpReader:
    request = Request(method="GET", url="http://api.test/a", params=options.pop("params", {}))
    spec = ReadSpec(request=request, resource="/a", records=options.pop("records", "data"), paginator=paginator, **options)
    return HttpReader(spec, server, own=lambda url: url.startswith("http://api.test"), since=since)


async def all_of(reader: HttpReader) -> list[Any]:
    came: list[Any] = []
    while (found := await reader.next_page()) is not None:
        came += [record["id"] if isinstance(record, dict) else record for record in found.records]
    return came


# ---------------------------------------------------------------------------------------------- one answer for each case

ANSWERS: dict[str, tuple[Any, list[Any], Any, Any, str]] = {
    # name: paginator, bodies, what came (or the error), complete, a reason or message
    "an empty page in the middle of cursors": (CURSOR, [page(1, next="a"), page(next="b"), page(2)], [1, 2], True, ""),
    "an empty page that a cache gave, counted off": (COUNTED, [page(1, total=2), page(total=2), page(2, total=2)], [1, 2], None, "counted off"),
    "an empty page where more is declared": (COUNTED, [page(1, total=2), page(total=2)], IncompleteRead, False, "declared 2 records and gave 1"),
    "an empty page by number where more is declared": (
        NUMBERED,
        [page(1, total=2), page(total=2)],
        IncompleteRead,
        False,
        "declared 2 records and gave 1",
    ),
    "a page that shrinks": (PAGES, [page(1, 2), page(3), page(4, 5), page()], [1, 2, 3, 4, 5], None, "counted off"),
    "a total that changes": (COUNTED, [page(1, total=2), page(2, total=3), page(3, total=3)], IncompleteRead, False, "changed from 2 to 3"),
    "a total smaller than what came, by number": (
        NUMBERED,
        [page(1, 2, total=1), page(3, total=1), page(total=1)],
        [1, 2, 3],
        None,
        "cannot be believed",
    ),
    "a total smaller than what came, by offset": (COUNTED, [page(1, 2, total=1)], IncompleteRead, False, "cannot be believed"),
    "a total of 0 with rows, by number": (NUMBERED, [page(1, total=0), page(total=0)], [1], None, "cannot be believed"),
    "a total of 0 with rows, by offset": (COUNTED, [page(1, total=0)], IncompleteRead, False, "declared 0 records and gave 1"),
    "a key twice in one page": (CURSOR, [page(1, 1)], IncompleteRead, False, "1 records came twice"),
    "a key on two pages": (CURSOR, [page(1, next="a"), page(1, 2)], IncompleteRead, False, "1 records came twice"),
    "a body cut off": (CURSOR, [page(1, next="a"), b'{"data": [{"id": 2}, {"i'], DecodeError, None, "not JSON"),
    "null instead of a list": (CURSOR, [page(1, next="a"), {"data": None, "next": "b"}, page(2)], [1, 2], True, ""),
    "null at the end, counted off": (OFFSET, [page(1), {"data": None}], [1], None, "counted off"),
    "records that vanish": (CURSOR, [page(1, next="a"), {"rows": [], "next": "b"}], DecodeError, None, "no records at 'data'"),
    "a cursor that becomes a number": (CURSOR, [page(1, next="a"), page(2, next=7), page(3)], [1, 2, 3], True, ""),
    "a cursor that becomes an object": (CURSOR, [page(1, next="a"), page(2, next={"x": 1})], DecodeError, None, "where a cursor was agreed"),
    "204 in the middle of cursors": (CURSOR, [page(1, next="a"), 204], [1], None, "204 No Content"),
    "204 after rows counted off": (OFFSET, [page(1), 204], [1], None, "counted off"),
    "204 at once": (CURSOR, [204], [], True, ""),
    "a link to page one": (JSONLinkPaginator("next"), [page(1, next="/b"), page(2, next="/a")], PaginationStalled, None, "read before"),
    "a cursor twice": (CURSOR, [page(1, next="a"), page(2, next="a")], PaginationStalled, None, "read before"),
    "a circle of cursors": (
        CURSOR,
        [page(1, next="a"), page(2, next="b"), page(3, next="c"), page(4, next="a")],
        PaginationStalled,
        None,
        "read before",
    ),
    "a server that ignores the page": (PAGES, [page(1, 2)], PaginationStalled, None, "3 times in a row"),
    "a last page that repeats": (PAGES, [page(1, 2), page(3)], PaginationStalled, None, "3 times in a row, after 3 records"),
    "a last page that would repeat, with a total": (NUMBERED, [page(1, 2, total=3), page(3, total=3)], [1, 2, 3], None, "counted off"),
    "a page that a cache repeats": (PAGES, [page(1), page(2), page(2), page(3), page()], [1, 2, 3], None, "counted off"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_odd_answer(case: str, world: Any) -> None:
    paginator, bodies, came, complete, reason = ANSWERS[case]

    async def main() -> None:
        reader = open_read(Server(*bodies), paginator, key="id")
        if isinstance(came, list):
            assert await all_of(reader) == came
            said = " ".join(reader.evidence.reasons)
        else:
            with pytest.raises(came) as caught:
                await all_of(reader)
            said = str(caught.value)
        assert reader.evidence.complete is complete
        assert reason in said
        assert bool(reason) is bool(said)

    world(main)


@pytest.mark.parametrize("stability", ["offset", "snapshot"])
def test_what_a_page_repeats_is_asked_for_again_as_often_as_told(stability: Any, world: Any) -> None:
    async def main() -> None:
        for ask_again in (0, 1, 4):
            server = Server(page(1, 2))
            reader = open_read(server, PAGES, stall_guard=StallGuard(ask_again=ask_again), stability=stability)
            with pytest.raises(PaginationStalled, match=f"{ask_again + 1} times in a row"):
                await all_of(reader)
            assert len(server.asked) == 2 + ask_again
            assert reader.evidence.repeated_pages == 1 + ask_again

    world(main)


def test_empty_pages_in_a_row_are_given_up(world: Any) -> None:
    class Endless(Server):
        async def __call__(self, request: Request) -> Response:
            number = int(request.params.get("after", -1)) + 1
            self.bodies = [page(*([7] if number == 2 else []), next=str(number))]
            return await super().__call__(request)

    async def main() -> None:
        for most, asked in ((0, 1), (1, 2), (2, 6), (5, 9)):
            server = Endless(0)
            reader = open_read(server, CURSOR, stall_guard=StallGuard(empty_pages=most))
            for _ in range(2):
                with pytest.raises(PaginationStalled, match=f"page {most + 1} in a row without a record"):
                    await all_of(reader)
            assert len(server.asked) == asked + 1
            assert reader.evidence.pages == asked - 1

    world(main)


def test_a_read_may_have_so_many_pages(world: Any) -> None:
    async def main() -> None:
        for exact in (False, True):
            reader = open_read(Server(page(1, next="a"), page(2, next=None if exact else "b"), page(3)), CURSOR, stall_guard=StallGuard(pages=2))
            if exact:
                assert await all_of(reader) == [1, 2]
                continue
            for _ in range(2):
                with pytest.raises(PaginationStalled, match="has 2 pages, which is all") as caught:
                    await all_of(reader)
            assert caught.value.evidence is not None
            assert caught.value.evidence.records == 2

    world(main)


@pytest.mark.parametrize(
    "values", [{"ask_again": -1}, {"ask_again": None}, {"empty_pages": 1.5}, {"empty_pages": None}, {"pages": 0}, {"pages": True}]
)
def test_wrong_limits_of_a_guard_are_said(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"StallGuard.{next(iter(values))}="):
        StallGuard(**values)


@pytest.mark.parametrize(
    "options",
    [
        {"final_check": "sum"},
        {"incomplete": None},
        {"prefetch": -1},
        {"prefetch": True},
        {"token_lifetime": 0},
        {"token_lifetime": "1 day"},
        {"stall_guard": 5},
        {"stall_gard": StallGuard()},
    ],
)
def test_wrong_options_are_said(options: dict[str, Any]) -> None:
    with Client("https://x.example") as client, pytest.raises(ConfigurationError, match=next(iter(options))):
        client.stream("/a", key="id", **options)
    with Client("https://x.example") as client:
        client.stream("/a", timeout=5, purpose="backfill", prefetch=3, token_lifetime=60, incomplete="warn", stall_guard=StallGuard(pages=3))


def test_an_incomplete_read_may_warn(world: Any) -> None:
    async def main() -> None:
        reader = open_read(Server(page(1, total=2), page(total=2)), COUNTED, incomplete="warn")
        with pytest.warns(IncompleteReadWarning, match="INCOMPLETE: 1 record .*declared 2"):
            assert await all_of(reader) == [1]
        assert reader.evidence.warned is True
        assert reader.evidence.complete is False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert await reader.next_page() is None
            reader = open_read(Server(page(1)), CURSOR, incomplete="warn")
            assert await all_of(reader) == [1]
        assert reader.evidence.warned is False

    world(main)


# ---------------------------------------------------------------------------------------------- what a paginator may bring


class Nested:
    """Selects its own records, and completes them."""

    stability = "keyset"
    mode = "nested"
    missing: tuple[str, ...] = ()

    def select(self, response: Response) -> list[Any]:
        return [dict(node) for node in response.json()["nodes"]]

    def next_request(self, request: Request, response: Response, records: Any) -> Request | None:
        after = response.json()["after"]
        return None if after is None else request.copy(params={"after": after})

    async def fill_in(self, records: list[Any], request: Request, call: Any) -> Any:
        for record in records:
            record["lines"] = (await call(request.copy(params={"lines": record["id"]}))).json()
        return self.missing


class NestedServer(Server):
    async def __call__(self, request: Request) -> Response:
        if "lines" in request.params:
            self.bodies, kept = [[request.params["lines"] * 10]], self.bodies
            try:
                return await super().__call__(request)
            finally:
                self.bodies = kept
        return await super().__call__(request)


def test_a_paginator_may_find_and_complete_its_records(world: Any) -> None:
    async def main() -> None:
        bodies = [{"nodes": [{"id": 1}], "after": "a"}, {"nodes": [{"id": 1}], "after": "a"}, {"nodes": [{"id": 2}], "after": None}]
        reader = open_read(NestedServer(*bodies), Nested(), records=None, key="id")
        pages = [await reader.next_page(), await reader.next_page()]
        assert [record for found in pages if found for record in found.records] == [{"id": 1, "lines": [10]}, {"id": 2, "lines": [20]}]
        assert await reader.next_page() is None
        assert (reader.evidence.complete, reader.evidence.repeated_pages) == (True, 1)

        partly = Nested()
        partly.missing = ("the lines of 7 are missing",)
        reader = open_read(NestedServer({"nodes": [{"id": 7}], "after": None}), partly, records=None)
        with pytest.raises(IncompleteRead, match="the lines of 7 are missing"):
            await all_of(reader)
        # Whoever names the records finds them himself.
        reader = open_read(NestedServer({"nodes": [{"id": 7}], "mine": [], "after": None}), Nested(), records="mine")
        assert await all_of(reader) == []

    world(main)


# ---------------------------------------------------------------------------------------------- taken up in the middle


async def first_checkpoint(paginator: Any = CURSOR, *bodies: Any, watermark: Any = "w", **options: Any) -> Checkpoint:
    reader = open_read(Server(*(bodies or (page(1, next="a"),))), paginator, key="id", **options)
    found = await reader.next_page()
    assert found is not None
    assert found.checkpoint is not None
    return Checkpoint.from_dict(json.loads(json.dumps(attrs.evolve(found.checkpoint, watermark=watermark).to_dict())))


@pytest.mark.parametrize("status", [400, 404, 410, 422])
@pytest.mark.parametrize("watermark", ["w", None])
def test_a_token_that_the_server_does_not_know_falls_back_once(status: int, watermark: Any, world: Any) -> None:
    async def main() -> None:
        server = Server(status, page(1, next="b"), page(2))
        reader = open_read(server, CURSOR, since=await first_checkpoint(watermark=watermark), start={"since": 5}, key="id")
        assert await all_of(reader) == [1, 2]
        assert [request.params for request in server.asked] == [{"after": "a"}, {"since": 5}, {"since": 5, "after": "b"}] or [
            request.params for request in server.asked
        ] == [{"after": "a"}, {"since": 5}, {"after": "b", "since": 5}]
        where = "beginning" if watermark is None else "watermark"
        assert reader.evidence.notes == (
            f"the server does not know the page any more where the last read stopped: the read began anew at the {where}",
        )
        assert (reader.evidence.records, reader.evidence.pages, reader.evidence.complete, reader.evidence.began_anew) == (2, 2, True, True)
        assert reader.checkpoint.watermark == watermark

        # It never loops: what is refused without the token, too, is an error.
        server = Server(status)
        reader = open_read(server, CURSOR, since=await first_checkpoint(), key="id")
        for asked in (2, 3):
            with pytest.raises((BadRequest, NotFound)):
                await all_of(reader)
            assert len(server.asked) == asked

    world(main)


def test_a_stall_at_the_first_page_falls_back_too_and_later_ones_do_not(world: Any) -> None:
    async def main() -> None:
        server = Server(page(1, next="a"), page(1, next="b"), page(2, next="c"), page(3, next="b"))
        reader = open_read(server, CURSOR, since=await first_checkpoint(), key="id")
        with pytest.raises(PaginationStalled):
            await all_of(reader)
        assert reader.evidence.began_anew
        assert len(server.asked) == 4

        for status, asked in ((500, 1), (404, 2)):
            server = Server(*([page(2, next="b")] if asked == 2 else []), status)
            reader = open_read(server, CURSOR, since=await first_checkpoint(), key="id")
            with pytest.raises((ServerError, NotFound)):
                await all_of(reader)
            assert len(server.asked) == asked
            assert not reader.evidence.began_anew

    world(main)


def test_a_token_of_another_mode_or_time_is_not_used(world: Any) -> None:
    async def main() -> None:
        since = await first_checkpoint()
        assert since.mode == "cursor"
        assert since.expires is None
        reader = open_read(Server(page(1)), PageNumberPaginator(), since=since)
        await reader.next_page()
        assert "went on by cursor, and this one goes on by page" in reader.evidence.notes[0]

        class Own:
            def next_request(self, request: Any, response: Any, records: Any) -> Any:
                return request.copy(params={"n": len(records)})

        assert (await first_checkpoint(Own())).mode == "Own"
        reader = open_read(Server(page(2)), CURSOR, since=attrs.evolve(since, mode=""))
        assert await all_of(reader) == [2]  # made before there were modes

        short = await first_checkpoint(token_lifetime=3600)
        assert short.expires is not None
        assert short.born is not None
        assert 3599 < (short.expires - short.born).total_seconds() < 3601
        reader = open_read(Server(page(1)), CURSOR, since=attrs.evolve(short, expires=short.born))
        assert await all_of(reader) == [1]
        assert "was good until" in reader.evidence.notes[0]
        assert reader.evidence.records == 1

    world(main)


def test_a_checkpoint_of_another_read_is_refused(world: Any) -> None:
    async def main() -> None:
        reader = open_read(Server(page(1)), CURSOR, since=await first_checkpoint(), params={"x": 1})
        for _ in range(2):
            with pytest.raises(CheckpointMismatch):
                await reader.next_page()

    world(main)


def test_what_was_wrong_before_a_restart_is_not_forgotten(world: Any) -> None:
    async def main() -> None:
        since = await first_checkpoint(CURSOR, page(1, 1, next="a"))
        with pytest.raises(IncompleteRead, match="1 records came twice"):
            await all_of(open_read(Server(page(2)), CURSOR, since=since, key="id"))
        since = await first_checkpoint(CURSOR, {"data": [{"id": 1}, {}], "next": "a"})
        reader = open_read(Server(page(2)), CURSOR, since=since, key="id")
        assert await all_of(reader) == [2]
        assert reader.evidence.complete is None
        assert "some records have no 'id'" in str(reader.evidence)
        since = await first_checkpoint(COUNTED, page(1, total=2))
        with pytest.raises(IncompleteRead, match="changed from 2 to 3"):
            await all_of(open_read(Server(page(2, total=3), page(3, total=3)), COUNTED, since=since, key="id"))
        # What a token that is of no use carried does not count.
        since = await first_checkpoint(CURSOR, page(1, 1, next="a"))
        reader = open_read(Server(404, page(1)), CURSOR, since=since, key="id")
        assert await all_of(reader) == [1]
        assert reader.evidence.complete is True

    world(main)


# ---------------------------------------------------------------------------------------------- overlap and ids, where the model does not go


def test_an_overlap_needs_a_key() -> None:
    with Client("https://x.example") as client:
        with pytest.raises(ConfigurationError, match=r"OffsetPaginator\(overlap=2\).*needs key="):
            client.stream("/a", paginator=OffsetPaginator(overlap=2))
        client.stream("/a", paginator=OffsetPaginator(overlap=2), key="id")
    with Client("https://x.example", paginator=OffsetPaginator(overlap=2)) as client, pytest.raises(ConfigurationError, match="needs key="):
        client.stream("/a")
    with Client("https://x.example") as client, pytest.raises(ConfigurationError, match="needs key="):
        client.stream("/a", final_check="ids")


class Rows:
    """Rows by offset or page number; ``happens[n]`` changes them before request n."""

    def __init__(self, *rows: int, cap: int = 3, happens: dict[int, Any] | None = None, total: bool = False) -> None:
        self.rows, self.cap, self.happens, self.total = list(rows), cap, happens or {}, total
        self.asked: list[int] = []

    async def __call__(self, request: Request) -> Response:
        if (happens := self.happens.get(len(self.asked))) is not None:
            found = happens(self.rows)
            if isinstance(found, Exception):
                self.happens = {}
                raise found
        start = int(request.params.get("offset", 0)) if "page" not in request.params else (int(request.params["page"]) - 1) * self.cap
        self.asked.append(start)
        body = page(*self.rows[start : start + self.cap], **({"total": len(self.rows)} if self.total else {}))
        return Response(httpx.Response(200, json=body, request=httpx.Request("GET", request.url)), request)


def test_an_overlap_steps_back_over_a_hole(world: Any) -> None:
    async def main() -> None:
        server = Rows(*range(12), cap=4, happens={2: lambda rows: rows.__delitem__(slice(0, 4))})
        reader = open_read(server, OffsetPaginator(overlap=1), key="id")
        assert await all_of(reader) == list(range(12))
        # At 6 the rows began with 10: stepped back to 5, then 4, where the row that came last stood beside new ones again.
        assert server.asked[:5] == [0, 3, 6, 5, 3]
        assert reader.evidence.complete is None
        assert "rows were counted off: with an overlap" in str(reader.evidence)
        assert reader.evidence.overlapped > 0

    world(main)


@pytest.mark.parametrize("fails", [3, 4, 5])
def test_an_error_while_stepping_back_skips_nothing(fails: int, world: Any) -> None:
    async def main() -> None:
        def rest(rows: list[int]) -> None:
            del rows[:9]

        calls = iter(range(100))

        class Failing(Rows):
            async def __call__(self, request: Request) -> Response:
                if next(calls) == fails:
                    raise ServerError("no")
                return await super().__call__(request)

        reader = open_read(Failing(*range(14), cap=4, happens={2: rest}), OffsetPaginator(overlap=1), key="id")
        came: list[int] = []
        with pytest.raises(ServerError):  # noqa: PT012
            while (found := await reader.next_page()) is not None:
                came += [record["id"] for record in found.records]
        assert [*came, *await all_of(reader)] == [*range(7), *range(9, 14)]

    world(main)


@pytest.mark.parametrize("anchors", [None, 5, "text", [5], [[]], []])
def test_anchors_that_are_none_are_no_help(anchors: Any, world: Any) -> None:
    async def main() -> None:
        checkpoint = await first_checkpoint(OffsetPaginator(overlap=1), page(1, 2, 3))
        reader = open_read(Rows(*range(1, 8)), OffsetPaginator(overlap=1), key="id", since=checkpoint)
        assert await all_of(reader) == [4, 5, 6, 7]
        assert reader.evidence.records == 7
        without = attrs.evolve(checkpoint, token={**checkpoint.token, "anchors": anchors})
        reader = open_read(Rows(*range(1, 8)), OffsetPaginator(overlap=1), key="id", since=without)
        assert sorted(await all_of(reader)) == [1, 2, 3, 4, 5, 6, 7]
        assert reader.evidence.records == 7
        assert reader.evidence.complete is None

    world(main)


def test_a_read_by_overlap_begins_anew_at_most_three_times(world: Any) -> None:
    async def main() -> None:
        fresh = iter(range(1000, 5000))

        def replaced(rows: list[int]) -> None:
            rows[:] = [next(fresh) for _ in rows]

        server = Rows(*range(9), happens=dict.fromkeys(range(1, 300), replaced))
        reader = open_read(server, OffsetPaginator(overlap=1), key="id")
        with pytest.raises(IncompleteRead, match=r"rows are missing between \d+ and \d+: none of those before came again"):
            await all_of(reader)
        assert "the read began once more at the first one" in reader.evidence.notes[0]

    world(main)


def test_an_overlap_that_a_server_ignores_is_a_stall(world: Any) -> None:
    async def main() -> None:
        server = Server(page(1, 2, 3))
        with pytest.raises(PaginationStalled, match="brought the page before it once more, 3 times in a row"):
            await all_of(open_read(server, OffsetPaginator(overlap=1), key="id"))
        assert len(server.asked) == 4
        # One that gives old rows in ever other pages does not get on either.
        turns = [page(*numbers) for numbers in ((1, 2, 3), (2, 3), (1, 2))]
        with pytest.raises(PaginationStalled, match="brought nothing new"):
            await all_of(open_read(Server(*turns * 30), OffsetPaginator(overlap=1), key="id", stall_guard=StallGuard(empty_pages=10)))

    world(main)


@pytest.mark.parametrize("paginator", [COUNTED, NUMBERED, OFFSET, PAGES])
def test_what_was_passed_over_comes_late(paginator: Any, world: Any) -> None:
    async def main() -> None:
        happens = {1: lambda rows: rows.remove(0)}
        server = Rows(*range(7), happens=happens, total=paginator.total is not None)
        reader = open_read(server, paginator, key="id", final_check="ids")
        first = await reader.next_page()
        assert first is not None
        rest = await all_of(reader)
        assert sorted(rest) == [3, 4, 5, 6]
        assert rest[-1] == 3
        assert reader.evidence.complete is True
        assert any("the keys were read once more" in note for note in reader.evidence.notes)
        assert reader.evidence.records == 7

        plain = open_read(Rows(*range(7), happens=happens, total=paginator.total is not None), paginator, key="id", incomplete="warn")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert 3 not in await all_of(plain)
        assert plain.evidence.complete is (False if paginator.total else None)

    world(main)


def test_a_row_that_slips_past_two_passes_is_not_proved_away(world: Any) -> None:
    async def main() -> None:
        rest = [5, 6, 7, 8, 9, 10]
        # Row 3 moves up past the reader (1), is put behind 4 (4), moves up past it again (5); a double then makes up the count (6).
        states = {1: [1, 2, 3, 4, *rest], 4: [1, 2, 4, 3, *rest], 5: [2, 4, 3, *rest], 6: [11, 2, 4, 3, *rest]}
        happens = {number: lambda rows, state=state: rows.__setitem__(slice(None), state) for number, state in states.items()}
        server = Rows(*range(10), happens=happens, total=True)
        reader = open_read(server, COUNTED, key="id", final_check="ids")
        assert await all_of(reader) == [0, 1, 2, 4, *rest, 11, 3]
        assert server.asked == [0, 3, 6, 9] * 4
        assert reader.evidence.complete is True
        assert any("(3×): all 10 that were there had come" in note for note in reader.evidence.notes)

    world(main)


def test_a_collection_that_never_rests_is_not_proved(world: Any) -> None:
    async def main() -> None:
        fresh = iter(range(1000, 9000))

        def turn(rows: list[int]) -> None:
            rows.insert(0, next(fresh))
            rows.pop()

        server = Rows(*range(7), happens=dict.fromkeys(range(1, 300), turn), total=True)
        reader = open_read(server, COUNTED, key="id", final_check="ids")
        with pytest.raises(IncompleteRead, match="the keys were read again 3 times"):
            await all_of(reader)

    world(main)


def test_a_double_within_a_page_is_wrong_whatever_the_keys_prove(world: Any) -> None:
    async def main() -> None:
        with pytest.raises(IncompleteRead, match="1 records came twice, so"):
            await all_of(open_read(Rows(1, 1, 2), COUNTED, key="id", final_check="ids"))
        reader = open_read(Rows(1, 2, 3, happens={1: lambda rows: rows.insert(0, 9)}), OFFSET, key="id", final_check="ids")
        assert sorted(await all_of(reader)) == [1, 2, 3, 9]
        assert (reader.evidence.complete, reader.evidence.overlapped) == (True, 1)

    world(main)


class Unsure:
    """Counts rows in a way of its own."""

    stability = "offset"

    def next_request(self, request: Request, response: Response, records: Any) -> Request | None:
        return request.copy(params={"offset": int(request.params.get("offset", 0)) + len(records)}) if records else None


def test_what_the_keys_cannot_tell_is_said(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        reader = open_read(Rows(1, 2, 3, 4), Unsure(), key="id", final_check="ids")
        assert await all_of(reader) == [1, 2, 3, 4]
        assert reader.evidence.complete is None
        assert "the server declares no total" in str(reader.evidence)

        reader = open_read(Rows(1, 2, 3, 4), OFFSET, key="id", final_check="ids", params={"offset": 1})
        assert await all_of(reader) == [2, 3, 4]
        assert "did not begin at the first row" in str(reader.evidence)

        uneven = iter([3, 2, 3, 0, *[3, 2, 3, 0] * 3])
        bodies = [page(*range(n * 10, n * 10 + size)) for n, size in enumerate(uneven)]
        server = Server(*[{"data": bodies[n % 4]["data"]} for n in range(16)])
        reader = open_read(server, PAGES, key="id", final_check="ids")
        assert len(await all_of(reader)) == 8
        assert "no even size" in str(reader.evidence)

        reader = open_read(Server({"data": [{"id": 1}, {}]}, page()), OFFSET, key="id", final_check="ids")
        while await reader.next_page() is not None:
            pass
        assert "could not compare them" in str(reader.evidence)

        checkpoint = await first_checkpoint(OFFSET, page(1), final_check="ids")
        reader = open_read(Rows(1, 2, cap=1), OFFSET, key="id", final_check="ids", since=checkpoint)
        assert await all_of(reader) == [2]
        assert "taken up in the middle" in str(reader.evidence)

        from integrakit.http import seen_keys

        with monkeypatch.context() as patch:
            patch.setattr(seen_keys, "KEYS_COMPARED", 3)
            reader = open_read(Rows(1, 2, 3, 4, 5), OFFSET, key="id", final_check="ids")
            assert await all_of(reader) == [1, 2, 3, 4, 5]
            assert "all that final_check='ids' compares" in str(reader.evidence)
            assert reader.evidence.complete is None

    world(main)


def test_other_stabilities_need_no_second_look(world: Any) -> None:
    async def main() -> None:
        server = Rows(1, 2, 3, 4)
        reader = open_read(server, OFFSET, key="id", final_check="ids", stability="snapshot")
        assert await all_of(reader) == [1, 2, 3, 4]
        assert server.asked == [0, 3, 4]
        assert reader.evidence.complete is True

    world(main)


def test_an_error_while_the_keys_are_read_again_repeats_that_page_only(world: Any) -> None:
    async def main() -> None:
        server = Rows(1, 2, 3, 4, 5, happens={5: lambda rows: ServerError("no")})
        reader = open_read(server, OFFSET, key="id", final_check="ids")
        pages = [await reader.next_page() for _ in range(3)]
        assert [len(found) for found in pages if found is not None] == [3, 2, 0]
        with pytest.raises(ServerError):
            await reader.next_page()
        assert reader.checkpoint.token is None  # whoever is cut off here begins anew
        assert await reader.next_page() is None
        assert server.asked == [0, 3, 5, 0, 3, 5]
        assert reader.evidence.complete is True

    world(main)


@pytest.mark.parametrize("key", ["name", ("tenant", "id"), "deep.id"])
def test_keys_of_every_kind_are_compared(key: Any, world: Any) -> None:
    async def main() -> None:
        rows = [{"name": f"row {n}", "tenant": -n, "id": n % 2, "deep": {"id": n}} for n in range(1, 8)]
        bodies = [{"data": rows[start : start + 3]} for start in (0, 3, 6, 7)] * 2
        reader = open_read(Server(*bodies), OFFSET, key=key, final_check="ids")
        while await reader.next_page() is not None:
            pass
        assert (reader.evidence.complete, reader.evidence.records) == (True, 7)

    world(main)


def test_a_link_header_to_page_one_is_a_stall(world: Any) -> None:
    async def main() -> None:
        with pytest.raises(PaginationStalled, match="read before"):
            await all_of(open_read(Server([{"id": 1}], headers={"Link": '</a>; rel="next"'}), HeaderLinkPaginator(), records=None))

    world(main)


def test_a_read_that_is_not_proved_raises_where_that_is_asked(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": number} for number in range(5)]}, pagination="offset", page_size=2) as api:
            async with Client(api.url) as client:
                for total, incomplete, raised in (("total", "raise", False), ("total", "strict", True), (None, "strict", True)):
                    stream = client.stream("/orders", key="id", paginator=OffsetPaginator(total=total), incomplete=incomplete)
                    read = stream.read()
                    problem = None
                    try:
                        async for _ in read:
                            pass
                    except IncompleteRead as error:
                        problem = str(error)
                    assert (problem is not None) is raised
                    assert problem is None or "not proved complete" in problem
                    assert read.evidence.records == 5
                    assert read.evidence.complete is None
                proved = client.stream("/orders", key="id", paginator=OffsetPaginator(total="total"), final_check="ids", incomplete="strict")
                assert len([record async for record in proved]) == 5

    world(main)


def test_a_total_that_no_page_declares_proves_nothing(world: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": [{"id": number} for number in range(5)]}, pagination="offset", page_size=2) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders", key="id", paginator=OffsetPaginator(total="totl"), stability="snapshot")
                assert len([record async for record in stream]) == 5
                assert stream.evidence.complete is None
                assert "no page declared a total at 'totl'" in str(stream.evidence)

    world(main)


def test_a_server_that_does_not_know_the_parameter_is_asked_about_it(serve: Any) -> None:
    server = serve(lambda asked: {"data": [{"id": 1}, {"id": 2}], "total": 9})
    with Client(server.url) as client, pytest.raises(PaginationStalled, match=r"does it know the parameter 'skip'\?"):
        list(client.stream("/orders", paginator=OffsetPaginator(offset_param="skip", total="total")))
