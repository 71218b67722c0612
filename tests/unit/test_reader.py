"""One read over HTTP: its evidence, where it stalls, what is asked for again, and resuming it."""

from __future__ import annotations

import datetime as dt
import enum
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from integrakit._json import pack, unpack
from integrakit.errors import (
    CheckpointMismatch,
    ConfigurationError,
    DeadlineExceeded,
    DecodeError,
    IncompleteRead,
    PaginationStalled,
    ReadError,
    ServerError,
)
from integrakit.http import (
    Client,
    CursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    KeysetPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    Retry,
    SinglePagePaginator,
    seen_keys,
    stalling,
)
from integrakit.http import reader as reader_module
from integrakit.model import UNSET, Checkpoint
from integrakit.runtimes import SimulatedRuntime
from integrakit.testing import Faults, Simulator

ROWS = [{"id": number, "name": f"row {number}"} for number in range(1, 24)]
PAGINGS: dict[str, Any] = {
    "link": HeaderLinkPaginator(),
    "cursor": CursorPaginator("next", "after"),
    "offset": OffsetPaginator(limit=10, total="total"),
    "page": PageNumberPaginator(total="total"),
}


def simulated(answer: Callable[[Any], Any], body: Callable[[Client], Any], **options: Any) -> Any:
    """Runs ``body(client)`` in virtual time against a server that gives ``answer(request)``: a body, or (status, headers, body)."""
    world = SimulatedRuntime(seed=1)

    async def host(request: Any, world: Any) -> Any:
        found = answer(request)
        status, headers, value = found if isinstance(found, tuple) else (200, {}, found)
        return status, [("Content-Type", "application/json"), *headers.items()], value if isinstance(value, bytes) else json.dumps(value).encode()

    world.hosts[("http", "api.test", 80)] = host

    async def main() -> Any:
        async with Client("http://api.test", **{"retry": None, **options}) as client:
            return await body(client)

    return world.run(main())


async def read(client: Client, **options: Any) -> tuple[list[Any], Any]:
    stream = client.stream("/a", **options)
    return [record async for record in stream], stream.evidence


# ---------------------------------------------------------------------------------------------- evidence


@pytest.mark.parametrize("pagination", ["link", "cursor", "offset", "page"])
@pytest.mark.parametrize("key", ["id", None])
def test_every_record_comes_once_with_evidence(world: Any, pagination: Any, key: str | None) -> None:
    async def main() -> Any:
        with Simulator({"orders": ROWS}, pagination=pagination, page_size=5) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders", records="orders", paginator=PAGINGS[pagination], key=key)
                return [record async for record in stream], stream.evidence

    records, evidence = world(main)
    assert records == ROWS
    assert (evidence.pages, evidence.records, evidence.duplicates, evidence.repeated_pages) == (5, 23, 0, 0)
    assert evidence.started.tzinfo is not None
    if pagination in ("link", "cursor"):
        assert evidence.complete is True
        assert evidence.reasons == ()
        assert evidence.stability == "keyset"
        assert evidence.ended_by == "protocol"
    else:
        assert evidence.complete is None
        assert evidence.declared_total == 23
        assert evidence.ended_by == "total"
        assert "rows were counted off" in evidence.reasons[0]


@pytest.mark.parametrize("pagination", ["link", "cursor"])
@pytest.mark.parametrize("rows", [0, 1, 5, 6])
def test_recognised_pagings(world: Any, pagination: Any, rows: int) -> None:
    async def main() -> Any:
        with Simulator({"orders": ROWS[:rows]}, pagination=pagination, page_size=5) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders")
                if pagination == "cursor" and rows > 5:
                    # "next" holds a cursor here, and by which parameter it goes back is not told: said, not guessed.
                    with pytest.raises(IncompleteRead, match="the body names something at next"):
                        [record async for record in stream]
                    return stream.evidence
                assert [record async for record in stream] == ROWS[:rows]
                return stream.evidence

    evidence = world(main)
    if pagination == "cursor":
        assert evidence.complete is (rows <= 5)
    else:
        assert evidence.complete is (True if rows > 5 else None)


def test_stability_may_be_told() -> None:
    answer = lambda request: {"total": 2, "data": [{"id": 1}] if request.params.get("page", 1) == 1 else [{"id": 2}]}  # noqa: E731
    asked: list[int] = []

    def counted(request: Any) -> Any:
        asked.append(1)
        return answer(request)

    records, evidence = simulated(
        counted, lambda client: read(client, records="data", paginator=PageNumberPaginator(total="total"), stability="snapshot")
    )
    assert len(records) == 2
    assert evidence.complete is True
    assert evidence.ended_by == "total"
    assert len(asked) == 2  # no page beyond the last: many servers answer 404 there


def test_a_page_number_without_a_total_ends_at_an_empty_page() -> None:
    records, evidence = simulated(
        lambda request: [{"id": request.params["page"]}] if request.params["page"] < 4 else [],
        lambda client: read(client, paginator=PageNumberPaginator()),
    )
    assert len(records) == 3
    assert evidence.complete is None
    assert evidence.ended_by == "protocol"
    assert evidence.pages == 4


def test_a_server_that_caps_the_size_loses_nothing() -> None:
    rows = [{"id": number} for number in range(107)]

    def answer(request: Any) -> Any:
        offset = int(request.params.get("offset", 0))
        return {"total": 107, "data": rows[offset : offset + min(int(request.params["limit"]), 25)]}

    for paginator in (OffsetPaginator(limit=100, total="total"), OffsetPaginator(limit=100)):
        records, evidence = simulated(answer, lambda client, paginator=paginator: read(client, records="data", paginator=paginator, key="id"))
        assert records == rows
        assert evidence.complete is None


def test_a_short_body_is_found_out() -> None:
    def answer(request: Any) -> Any:
        return {"total": 5, "data": [{"id": 1}, {"id": 2}] if not request.params.get("offset") else []}

    async def body(client: Client) -> Any:
        stream = client.stream("/a", records="data", paginator=OffsetPaginator(total="total"))
        seen = []
        with pytest.raises(IncompleteRead, match="declared 5 records and gave 2") as caught:  # noqa: PT012
            async for record in stream:
                seen.append(record)
        assert seen == [{"id": 1}, {"id": 2}]  # everything is delivered first
        assert caught.value.evidence.complete is False
        assert stream.evidence.complete is False

    simulated(answer, body)


def test_a_total_that_changes_is_found_out() -> None:
    totals = iter([3, 4, 4, 4, 4])
    with pytest.raises(IncompleteRead, match="changed from 3 to 4"):
        simulated(
            lambda request: {"total": next(totals), "data": [{"id": int(request.params.get("offset", 0))}]},
            lambda client: read(client, records="data", paginator=OffsetPaginator(total="total")),
        )


def test_a_total_that_changes_in_a_snapshot_does_not_matter() -> None:
    totals = iter([9, 3, 3])
    records, evidence = simulated(
        lambda request: {"total": next(totals), "data": [{"id": int(request.params.get("offset", 0))}]},
        lambda client: read(client, records="data", paginator=OffsetPaginator(total="total"), stability="snapshot"),
    )
    assert len(records) == 3
    assert evidence.complete is True
    assert evidence.declared_total == 3


@pytest.mark.parametrize("key", ["id", "meta.id", ("id", "meta.id")])
def test_a_key_that_comes_twice_is_found_out(key: Any) -> None:
    row = lambda number: {"id": number, "meta": {"id": number}}  # noqa: E731
    pages = {"0": [row(1), row(2)], "a": [row(2), row(3)]}
    with pytest.raises(IncompleteRead, match="1 records came twice"):
        simulated(
            lambda request: {"next": "a" if "after" not in request.params else None, "data": pages[request.params.get("after", "0")]},
            lambda client: read(client, records="data", paginator=CursorPaginator("next", "after"), key=key),
        )


def test_a_key_twice_within_a_page_is_found_out() -> None:
    with pytest.raises(IncompleteRead, match="2 records came twice"):
        simulated(lambda request: [{"id": 1}, {"id": 1}, {"id": 1}], lambda client: read(client, paginator=SinglePagePaginator(), key="id"))


def test_records_without_their_key_are_not_doubles() -> None:
    for key in ("id", "a.b", ("id", "x")):
        records, evidence = simulated(
            lambda request: [{}, {"id": None}, {"other": 1}, 5, "text"],
            lambda client, key=key: read(client, paginator=SinglePagePaginator(), key=key),
        )
        assert len(records) == 5
        assert evidence.duplicates == 0
        assert evidence.complete is None  # doubles among them would not be seen


def test_a_key_that_cannot_be_one_is_said() -> None:
    with pytest.raises(DecodeError, match="a list or an object as its key 'id'"):
        simulated(lambda request: [{"id": [1]}], lambda client: read(client, paginator=SinglePagePaginator(), key="id"))


def test_keys_and_requests_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_keys, "KEYS_REMEMBERED", 50)
    monkeypatch.setattr(stalling, "PAGES_REMEMBERED", 20)

    async def body(client: Client) -> Any:
        stream = client.stream("/a", paginator=PageNumberPaginator(), key="id", stability="snapshot")
        reader: Any = stream.open_read()
        most = 0
        while await reader.next_page() is not None:
            most = max(most, len(reader._seen), len(reader._trail._places), sum(map(len, reader._seen._pages)))
        assert most <= 60
        assert reader.evidence.notes == ("doubles were looked for among the latest keys only: not all could be remembered",)
        return reader.evidence

    def answer(request: Any) -> Any:
        page = request.params["page"]
        return [{"id": (page, number).__hash__()} for number in range(7)] if page < 100 else []

    assert simulated(answer, body).complete is True


def test_a_double_close_by_is_still_found_when_old_keys_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_keys, "KEYS_REMEMBERED", 50)

    def answer(request: Any) -> Any:
        page = request.params["page"]
        return [{"id": page * 9 + number} for number in range(10)] if page < 60 else []

    with pytest.raises(IncompleteRead, match="58 records came twice"):
        simulated(answer, lambda client: read(client, paginator=PageNumberPaginator(), key="id"))


def test_an_early_break_proves_nothing(world: Any) -> None:
    async def main() -> Any:
        with Simulator({"orders": ROWS}, page_size=5) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders", paginator=HeaderLinkPaginator())
                assert stream.evidence.reasons == ("nothing was read yet",)
                async for record in stream:
                    if record["id"] == 7:
                        break
                assert len(api.requests) == 2
                return stream.evidence

    evidence = world(main)
    assert evidence.complete is None
    assert evidence.ended_by is None
    assert "not finished" in evidence.reasons[0]


def test_empty_pages_in_the_middle_of_cursor_paging_are_no_end() -> None:
    pages = {"0": ([{"id": 1}], "a"), "a": ([], "b"), "b": ([], "c"), "c": ([{"id": 2}], "d"), "d": ([], None)}
    records, evidence = simulated(
        lambda request: dict(zip(("data", "next"), pages[request.params.get("after", "0")], strict=True)),
        lambda client: read(client, records="data", paginator=CursorPaginator("next", "after")),
    )
    assert records == [{"id": 1}, {"id": 2}]
    assert evidence.pages == 5
    assert evidence.complete is True


def test_no_content_ends_a_read() -> None:
    for paginator in (CursorPaginator("next", "after"), HeaderLinkPaginator(), JSONLinkPaginator("next"), OffsetPaginator(), None):
        records, evidence = simulated(
            lambda request: (204, {}, b""), lambda client, paginator=paginator: read(client, records="data", paginator=paginator)
        )
        assert records == []
        assert evidence.complete in (True, None)


def test_a_paginator_of_ones_own_is_one_method() -> None:
    class Descending:
        def next_request(self, request: Any, response: Any, records: Any) -> Any:
            return request.copy(params={"below": records[-1]["id"]}) if records else None

    def answer(request: Any) -> Any:
        below = int(request.params.get("below", 6))
        return [{"id": number} for number in range(below - 1, max(0, below - 3), -1)]

    records, evidence = simulated(answer, lambda client: read(client, paginator=Descending()))
    assert [record["id"] for record in records] == [5, 4, 3, 2, 1]
    assert evidence.complete is None
    assert "stability=" in evidence.reasons[0]
    _, evidence = simulated(answer, lambda client: read(client, paginator=Descending(), stability="keyset"))
    assert evidence.ended_by == "protocol"
    assert evidence.complete is not False


# ---------------------------------------------------------------------------------------------- standing still


def test_a_cursor_that_repeats_is_a_stall() -> None:
    count = iter(range(100))
    with pytest.raises(PaginationStalled, match="read before") as caught:
        simulated(
            lambda request: {"data": [{"id": next(count)}], "next": "same"},
            lambda client: read(client, records="data", paginator=CursorPaginator("next", "after")),
        )
    assert caught.value.evidence.complete is None
    assert next(count) == 2


def test_a_circle_of_pages_is_a_stall() -> None:
    with pytest.raises(PaginationStalled, match="read before"):
        simulated(
            lambda request: {"data": [{"id": request.url}], "next": {"/a": "/b", "/b": "/c", "/c": "/a"}[request.url[15:]]},
            lambda client: read(client, records="data", paginator=JSONLinkPaginator("next")),
        )


def test_a_server_that_ignores_the_offset_is_a_stall() -> None:
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request.params)
        return [{"id": 1}, {"id": 2}]  # in virtual time: the waits are the real ones

    with pytest.raises(PaginationStalled, match="3 times in a row, after 2 records") as caught:
        simulated(answer, lambda client: read(client, paginator=OffsetPaginator()))
    assert len(asked) == 4
    assert caught.value.evidence.repeated_pages == 3


@pytest.mark.parametrize("pagination", ["link", "cursor", "offset", "page"])
def test_a_page_repeated_by_a_stale_cache_is_asked_for_again(world: Any, pagination: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "FIRST_WAIT", 0.002)

    async def main() -> Any:
        faults = Faults.script([None, None, "duplicate", None, "duplicate", "duplicate"])
        with Simulator({"orders": ROWS}, pagination=pagination, page_size=5, faults=faults) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders", records="orders", paginator=PAGINGS[pagination], key="id")
                records = [record async for record in stream]
                assert len(api.requests) == 8
                return records, stream.evidence

    records, evidence = world(main)
    assert records == ROWS
    assert evidence.repeated_pages == 3
    assert evidence.complete is (True if pagination in ("link", "cursor") else None)


def test_a_repeated_page_is_seen_though_its_records_were_changed() -> None:
    repeated = iter([False, False, True, False])

    def answer(request: Any) -> Any:
        page = request.params["page"] - next(repeated)
        return {"data": [{"id": page, "tags": ["x"]}] if page < 3 else []}

    async def body(client: Client) -> Any:
        stream = client.stream("/a", records="data", paginator=PageNumberPaginator())
        seen = []
        async for record in stream:
            seen.append(record["id"])
            record["tags"].append("mine")
            record["id"] = None
        return seen, stream.evidence.repeated_pages

    repeated = iter([False, True, False, False])
    assert simulated(answer, body) == ([1, 2], 1)


def test_equal_pages_after_an_empty_one_are_no_repetition() -> None:
    pages = {"0": ([], "a"), "a": ([], "b"), "b": ([{"id": 1}], None)}
    _, evidence = simulated(
        lambda request: dict(zip(("data", "next"), pages[request.params.get("after", "0")], strict=True)),
        lambda client: read(client, records="data", paginator=CursorPaginator("next", "after")),
    )
    assert evidence.repeated_pages == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_a_next_page_at_another_origin(serve: Any, world: Any, allowed: bool) -> None:
    other = serve(lambda asked: {"data": [{"id": 2}], "next": None})
    first = serve(lambda asked: {"data": [{"id": 1}], "next": f"{other.url}/page2?token=abcdef"})

    async def main() -> Any:
        async with Client(first.url, allow_hosts=[f"127.0.0.1:{other.port}"] if allowed else []) as client:
            stream = client.stream("/a", records="data", paginator=JSONLinkPaginator("next"))
            if allowed:
                return [record["id"] async for record in stream]
            with pytest.raises(ReadError, match=r"another origin.*allow_hosts") as caught:
                [record async for record in stream]
            assert "abcdef" not in str(caught.value)
            return None

    assert world(main) == ([1, 2] if allowed else None)
    assert len(other.asked) == allowed


# ---------------------------------------------------------------------------------------------- taking it up again


@pytest.mark.parametrize("pagination", ["link", "cursor", "offset", "page"])
def test_resuming_from_every_page_gives_exactly_the_rest(world: Any, pagination: Any) -> None:
    async def main() -> None:
        with Simulator({"orders": ROWS}, pagination=pagination, page_size=5) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders", records="orders", paginator=PAGINGS[pagination], key="id", params={"x": 1, "y": [1, 2]})
                pages = [page async for page in stream.pages()]
                assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
                for number, page in enumerate(pages[:-1], 1):
                    stored = Checkpoint.from_dict(unpack(pack(json.loads(json.dumps(page.checkpoint.to_dict())))))
                    assert stored == page.checkpoint
                    again = client.stream("/orders", records="orders", paginator=PAGINGS[pagination], key="id", params={"y": [1, 2], "x": 1})
                    rest = [page async for page in again.pages(stored)]
                    assert [record for page in rest for record in page.records] == ROWS[5 * number :]
                    assert again.evidence.records == 23
                    assert again.evidence.pages == 5
                    assert again.evidence.complete is (True if pagination in ("link", "cursor") else None)
                    assert again.evidence.started == stream.evidence.started
                end = pages[-1].checkpoint
                assert (end.token, end.pages, end.records) == (None, 0, 0)

    world(main)


def test_a_cursor_in_a_header_is_resumed_too() -> None:
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request.headers.get("x-after"))
        number = int(request.headers.get("x-after", 0))
        return (200, {"X-Next": str(number + 1)} if number < 3 else {}, [{"id": number}])

    async def body(client: Client) -> Any:
        stream = client.stream("/a", paginator=CursorPaginator("header:X-Next", "X-After", in_="header"), headers={"X-Mine": "1"})
        pages = [page async for page in stream.pages()]
        assert "x-mine" not in pages[0].checkpoint.token["headers"]
        return [[record["id"] for page in [page async for page in stream.pages(first.checkpoint)] for record in page.records] for first in pages[:3]]

    assert simulated(answer, body) == [[1, 2, 3], [2, 3], [3]]


def test_reading_by_post_is_resumed_too() -> None:
    def answer(request: Any) -> Any:
        assert request.method == "POST"
        start = request.json["params"][1].get("skip", 0)
        return {"result": [{"id": start}] if start < 4 else []}

    async def body(client: Client) -> Any:
        stream = client.stream(
            "/rpc",
            method="post",
            json={"method": "search", "params": ["orders", {"limit": 1}]},
            records="result",
            paginator=OffsetPaginator(offset_param="params.1.skip", in_="json"),
        )
        pages = [page async for page in stream.pages()]
        rest = []
        async for page in stream.pages(pages[1].checkpoint):
            rest += [record["id"] for record in page.records]
        return [record["id"] for page in pages for record in page.records], rest

    assert simulated(answer, body) == ([0, 1, 2, 3], [2, 3])


class Kind(enum.Enum):
    A = "a"


def test_parameters_of_every_kind_can_be_kept() -> None:
    params = {
        "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "kind": Kind.A,
        "price": Decimal("1.50"),
        "none": None,
        "unset": UNSET,
        "many": [1, "b"],
        "yes": True,
    }

    async def body(client: Client) -> Any:
        stream = client.stream("/a", params=params, paginator=PageNumberPaginator())
        pages = [page async for page in stream.pages()]
        stored = Checkpoint.from_dict(json.loads(json.dumps(pages[0].checkpoint.to_dict())))
        return [page.records async for page in stream.pages(stored)]

    seen: list[Any] = []

    def answer(request: Any) -> Any:
        from integrakit._http import encode_params

        seen.append(sorted(pair for pair in encode_params(request.params) if pair[0] != "page"))
        return [{"id": 1}] if str(request.params["page"]) == "1" else [{"id": 2}] if str(request.params["page"]) == "2" else []

    assert simulated(answer, body)[0] == [{"id": 2}]
    assert all(pairs == seen[0] for pairs in seen)


@pytest.mark.parametrize(
    "change", [{"params": {"x": 2}}, {"params": {}}, {"params": {"x": 1, "z": 1}}, {"url": "/b"}, {"method": "POST"}, {"json": {"a": 1}}]
)
def test_the_checkpoint_of_another_read_is_refused(change: dict[str, Any]) -> None:
    async def body(client: Client) -> None:
        options: dict[str, Any] = {"url": "/a", "params": {"x": 1}, "paginator": PageNumberPaginator()}
        pages = [page async for page in client.stream(**options).pages()]
        with pytest.raises(CheckpointMismatch, match="start without a checkpoint"):
            [page async for page in client.stream(**{**options, **change}).pages(pages[0].checkpoint)]

    simulated(lambda request: [{"id": 1}] if request.params["page"] == 1 else [], body)


@pytest.mark.parametrize(
    "token",
    [
        5,
        "text",
        [],
        {"url": "http://api.test/a"},
        {"url": 5, "params": {}, "json": None},
        {"url": "http://evil.test/", "params": {}, "json": None},
        {"url": "http://api.test/a", "params": "abc", "json": None},
        {"url": "http://api.test/a", "params": {}, "json": None, "headers": 5},
        {"url": "http://api.test/a", "params": {}, "json": None, "headers": {"x": 5}},
        {"url": "http://api.test/a", "params": {}, "json": None, "proof": 5},
        {"url": "http://api.test/a", "params": {}, "json": None, "proof": {"complete": True}},
        {"url": "http://api.test/a", "params": {}, "json": None, "proof": {"total": "5"}},
        {"url": "http://api.test/a", "params": {}, "json": None, "proof": {"reasons": [5]}},
    ],
)
def test_a_token_that_is_none_of_ours_falls_back_to_the_beginning(token: Any) -> None:
    async def body(client: Client) -> None:
        stream = client.stream("/a", paginator=PageNumberPaginator())
        pages = [page async for page in stream.pages()]
        wrong = attrs.evolve(pages[0].checkpoint, token=token, expires=None)
        reader = stream.open_read(wrong)
        page = await reader.next_page()
        assert page is not None
        assert page.records == [{"id": 1}]
        assert reader.evidence.notes == ("the checkpoint's token is none of this resource's: the read began anew at the beginning",)

    simulated(lambda request: [{"id": 1}] if request.params["page"] == 1 else [], body)


def test_an_old_offset_begins_anew() -> None:
    async def body(client: Client) -> Any:
        from integrakit.runtimes import runtime

        stream = client.stream("/a", paginator=OffsetPaginator())
        pages = [page async for page in stream.pages()]
        await runtime().sleep(16 * 60)
        return [[record["id"] for record in page.records] async for page in stream.pages(pages[1].checkpoint)], stream.evidence.records

    rows = [{"id": 1}, {"id": 2}, {"id": 3}]
    pages, records = simulated(lambda request: rows[int(request.params.get("offset", 0)) :][:1], body)
    assert pages == [[1], [2], [3], []]
    assert records == 3


def test_after_an_error_the_same_page_is_asked_for_again() -> None:
    fail = [False, True, False, False]

    def answer(request: Any) -> Any:
        return (500, {}, b"") if fail.pop(0) else {"data": [{"id": request.params["page"]}] if request.params["page"] < 3 else []}

    async def body(client: Client) -> Any:
        read = client.stream("/a", records="data", paginator=PageNumberPaginator()).read()
        seen = []
        with pytest.raises(ServerError):  # noqa: PT012
            async for record in read:
                seen.append(record["id"])
        async for record in read:
            seen.append(record["id"])
        return seen, read.evidence

    seen, evidence = simulated(answer, body)
    assert seen == [1, 2]
    assert evidence.pages == 3


def test_a_page_that_does_not_fit_is_never_passed_over() -> None:
    @attrs.frozen
    class Row:
        id: int

    Row.__annotations__["id"] = int

    async def body(client: Client) -> Any:
        read = client.stream("/a", records="data", paginator=CursorPaginator("next", "after"), into=Row).read()
        seen = []
        for _ in range(3):
            with pytest.raises(DecodeError, match="record 1 does not fit Row at id"):  # noqa: PT012
                async for row in read:
                    seen.append(row.id)
        return seen, read.evidence

    pages = {"0": ([{"id": 1}], "a"), "a": ([{"id": "x"}], "b"), "b": ([{"id": 3}], None)}
    seen, evidence = simulated(lambda request: dict(zip(("data", "next"), pages[request.params.get("after", "0")], strict=True)), body)
    assert seen == [1]
    assert evidence.complete is None
    assert evidence.records == 1


def test_records_that_do_not_fit_can_be_set_aside() -> None:
    @attrs.frozen
    class Row:
        id: int

    Row.__annotations__["id"] = int
    aside: list[Any] = []

    async def body(client: Client) -> Any:
        stream = client.stream(
            "/a",
            records="data",
            paginator=CursorPaginator("next", "after"),
            into=Row,
            on_invalid=lambda record, error: aside.append((record, error.path)),
        )
        return [row.id async for row in stream], stream.evidence

    pages = {"0": ([{"id": 1}, {"id": None}], "a"), "a": ([{"id": "x"}, {"id": 4}], None)}
    seen, evidence = simulated(lambda request: dict(zip(("data", "next"), pages[request.params.get("after", "0")], strict=True)), body)
    assert seen == [1, 4]
    assert aside == [({"id": None}, "id"), ({"id": "x"}, "id")]
    assert evidence.invalid == 2
    assert evidence.records == 4
    assert evidence.complete is True


def test_decimals_are_exact() -> None:
    records, _ = simulated(lambda request: (200, {}, b'[{"id": 1, "price": 0.1000, "big": 12345678901234567890.12, "n": 7}]'), read, decimals=True)
    assert {name: str(value) for name, value in records[0].items()} == {"id": "1", "price": "0.1000", "big": "12345678901234567890.12", "n": "7"}


def test_waits_and_errors_of_the_client_hold_for_reads() -> None:
    answers = iter([(503, {}, b""), {"data": [], "next": None}])
    _, evidence = simulated(
        lambda request: next(answers), lambda client: read(client, records="data", paginator=JSONLinkPaginator("next")), retry=Retry()
    )
    assert evidence.complete is True


def test_a_read_keeps_the_clients_deadline_page_by_page(serve: Any, world: Any) -> None:
    over = threading.Event()
    server = serve(lambda asked: [{"id": int(asked.params["page"])}] if int(asked.params["page"]) < 4 else lambda connection: over.wait(10))

    async def main() -> Any:
        async with Client(server.url, deadline=0.5) as client:
            stream = client.stream("/a", paginator=PageNumberPaginator())
            with pytest.raises(DeadlineExceeded):
                [record async for record in stream]
            over.set()
            return stream.evidence.records

    assert world(main) == 3


def test_a_read_may_begin_somewhere() -> None:
    seen: list[Any] = []

    def answer(request: Any) -> Any:
        seen.append(request.params)
        return []

    async def body(client: Client) -> Any:
        stream = client.stream("/a", params={"x": 1}, start={"since": 5}, paginator=SinglePagePaginator())
        checkpoint = (await anext(stream.pages())).checkpoint
        return [page async for page in client.stream("/a", params={"x": 1}, start={"since": 9}, paginator=SinglePagePaginator()).pages(checkpoint)]

    assert len(simulated(answer, body)) == 1
    assert seen == [{"x": 1, "since": 5}, {"x": 1, "since": 9}]  # where it begins does not make it another read


def test_a_body_cut_off_in_the_middle_never_counts(world: Any) -> None:
    async def main() -> Any:
        with Simulator({"orders": ROWS}, page_size=5, faults=Faults.script([None, "malformed"])) as api:
            async with Client(api.url) as client:
                stream = client.stream("/orders", paginator=HeaderLinkPaginator(), records="orders")
                with pytest.raises(DecodeError, match="not JSON"):
                    [record async for record in stream]
                return stream.evidence

    assert world(main).complete is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("records", ["", 5, True, [], object()]),
        ("params", ["", 5, True, ["a"], {5: 1}, {"": 1}]),
        ("paginator", ["", 5, True, object(), HeaderLinkPaginator]),
        ("key", ["", 5, True, [], (), ("a", 5), "a..b", object()]),
        ("into", ["", 5, True, object()]),
        ("stability", ["", "firm", 5, True, object()]),
        ("method", ["", 5, None, True, "GET /"]),
        ("headers", ["", 5, True, ["a"], {"a b": "c"}, {"a": 5}, {5: "a"}]),
        ("start", ["", 5, True, ["a"]]),
    ],
)
def test_wrong_arguments_of_a_stream_are_said(name: str, values: list[Any]) -> None:
    with Client("https://x.example") as client:
        for value in values:
            if name in ("headers", "params", "start") and not value:
                continue
            with pytest.raises(ConfigurationError):
                client.stream("/a", **{name: value})
        with pytest.raises(ConfigurationError, match="on_invalid"):
            client.stream("/a", into=dict, on_invalid="x")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="on_invalid= needs into="):
            client.stream("/a", on_invalid=print)
        with pytest.raises(ConfigurationError, match="path such as"):
            client.stream(5)  # type: ignore[arg-type]
        assert KeysetPaginator("id", "after").stability == "keyset"


def test_leaving_in_the_middle_of_the_last_page_proves_nothing():
    with Simulator({"orders": [{"id": n} for n in range(7)]}, page_size=5) as api, Client(api.url) as client:
        stream = client.stream("/orders", records="orders", key="id", paginator=HeaderLinkPaginator())
        for order in stream:
            if order["id"] == 6:
                break
        assert stream.evidence.complete is None
        assert "not finished" in str(stream.evidence)
        assert stream.to_list()
        assert stream.evidence.complete is True


HUNDRED = [{"id": n} for n in range(100)]


@pytest.mark.parametrize(
    "paginator",
    [
        CursorPaginator("meta.next", "after"),
        JSONLinkPaginator("links.next"),
        HeaderLinkPaginator(),
        KeysetPaginator("id", "starting_after", has_more="has_more"),
    ],
)
def test_paginator_that_looks_in_the_wrong_place_is_found_out(paginator, world):
    async def body():
        with Simulator({"orders": HUNDRED}, pagination="cursor", page_size=10) as api:
            async with Client(api.url) as client:
                read = client.stream("/orders", records="orders", key="id", paginator=paginator).read()
                with pytest.raises(IncompleteRead, match="saw one page only"):
                    async for _ in read:
                        pass
                assert read.evidence.complete is False

    world(body)


def test_single_page_that_was_asked_for_is_not_taken_for_everything():
    with Simulator({"orders": HUNDRED}, pagination="cursor", page_size=10) as api, Client(api.url) as client:
        stream = client.stream("/orders", records="orders", paginator=SinglePagePaginator())
        assert len(stream.to_list()) == 10
        assert stream.evidence.complete is None
        assert "saw one page only" in str(stream.evidence)


@pytest.mark.parametrize("size", [100, 200])
@pytest.mark.parametrize(("pagination", "paginator"), [("cursor", CursorPaginator("next", "after")), ("link", HeaderLinkPaginator())])
def test_right_paginator_of_one_page_is_believed(pagination, paginator, size):
    with Simulator({"orders": HUNDRED}, pagination=pagination, page_size=size) as api, Client(api.url) as client:
        stream = client.stream("/orders", records="orders", key="id", paginator=paginator)
        assert len(stream.to_list()) == 100
        assert stream.evidence.complete is True


def test_wrong_key_is_said():
    with Simulator({"orders": [{"loan_id": n, "x": n} for n in range(3)]}) as api, Client(api.url) as client:
        stream = client.stream("/orders", records="orders", key="id", paginator=HeaderLinkPaginator())
        with pytest.raises(DecodeError, match=r"no record of /orders has 'id', which is its key; they have 'loan_id', 'x'"):
            stream.to_list()


def test_key_that_some_records_lack_proves_nothing():
    with Simulator({"orders": [{"n": 1, "id": 7}, {"n": 2}]}, keys={"orders": "n"}) as api, Client(api.url) as client:
        stream = client.stream("/orders", records="orders", key="id", paginator=HeaderLinkPaginator())
        assert len(stream.to_list()) == 2
        assert stream.evidence.complete is None
        assert "some records have no 'id'" in str(stream.evidence)
