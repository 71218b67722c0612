"""Servers that lie, break off or go round in circles while they answer 200: no such read may call itself complete, or go on for ever."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead, IncompleteReadWarning, PaginationStalled
from integrakit.http import Client, CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator, KeysetPaginator, OffsetPaginator, PageNumberPaginator
from integrakit.http import reader as reader_module
from integrakit.http.paginators import SinglePagePaginator
from integrakit.http.seen_keys import RecentKeys
from integrakit.http.stalling import StallGuard
from integrakit.model import Checkpoint

CURSOR = CursorPaginator("next", "c")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "FIRST_WAIT", 0.0001)


def api(answer: Callable[[httpx.Request], Any], **options: Any) -> Client:
    """A client of a server that gives JSON or bytes, and runs away after 1,500 requests."""
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        assert len(asked) < 1500, "it goes on for ever"
        body = answer(request)
        if isinstance(body, httpx.Response):
            return body
        return httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    return Client("https://api.example", http=httpx.Client(transport=httpx.MockTransport(handle)), **options)


def number(request: httpx.Request, name: str, start: int = 0) -> int:
    return int(request.url.params.get(name, start))


# ---------------------------------------------------------------------------------------------- round and round


def wrapping(request: httpx.Request) -> Any:
    """Behind its last page it begins again at the first."""
    page = (number(request, "page", 1) - 1) % 3
    return {"data": [{"id": page * 2}, {"id": page * 2 + 1}]}


@pytest.mark.parametrize(
    "options",
    [{}, {"key": "id"}, {"key": "id", "final_check": "ids"}, {"key": "id", "prefetch": 3}, {"prefetch": 3}],
    ids=["no key", "key", "ids", "key ahead", "no key ahead"],
)
def test_a_server_that_begins_again_behind_its_last_page_is_a_stall(options: dict[str, Any]) -> None:
    with api(wrapping) as client:
        read = client.stream("/x", paginator=PageNumberPaginator(), stall_guard=StallGuard(empty_pages=20), **options).read()
        with pytest.raises(PaginationStalled, match="the server goes round in circles"):
            list(read)
        assert read.evidence.complete is None


def test_a_circle_of_pages_under_ever_new_cursors_is_a_stall() -> None:
    def circle(request: httpx.Request) -> Any:
        return {"data": [{"id": number(request, "c") % 3}], "next": str(number(request, "c") + 1)}

    with api(circle) as client, pytest.raises(PaginationStalled, match="21 pages in a row brought nothing but records that had come before"):
        client.stream("/x", key="id", paginator=CURSOR, stall_guard=StallGuard(empty_pages=20)).to_list()


def test_a_pass_of_keys_that_never_ends_is_a_stall() -> None:
    """The read itself ends; when the keys are read once more, the server begins again behind the last page."""
    asked: list[int] = []

    def answer(request: httpx.Request) -> Any:
        asked.append(number(request, "page", 1))
        if len(asked) == 4:
            return {"data": []}
        return wrapping(request)

    with api(answer) as client:
        stream = client.stream("/x", key="id", paginator=PageNumberPaginator(), final_check="ids", stall_guard=StallGuard(empty_pages=20))
        with pytest.raises(PaginationStalled, match="round in circles"):
            stream.to_list()


def test_pages_that_look_alike_now_and_then_are_no_circle() -> None:
    def answer(request: httpx.Request) -> Any:
        page = number(request, "c")
        return {"data": [{"v": page % 2}], "next": str(page + 1) if page < 60 else None}

    with api(answer) as client:
        stream = client.stream("/x", paginator=CURSOR)
        assert len(stream.to_list()) == 61
        assert stream.evidence.complete is True


# ---------------------------------------------------------------------------------------------- 200, and not all of it


def broken_off(last: Any) -> Callable[[httpx.Request], Any]:
    def answer(request: httpx.Request) -> Any:
        page = number(request, "c")
        return {"data": [{"id": page}], "next": str(page + 1)} if page < 2 else last

    return answer


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_page_of_errors_is_not_taken_for_records(prefetch: int) -> None:
    with api(broken_off({"errors": [{"message": "out of time"}]})) as client:
        read = client.stream("/x", paginator=CURSOR, prefetch=prefetch).read()
        with pytest.raises(DecodeError, match="there are no records at 'data'; the body has 'errors'"):
            list(read)
        assert read.evidence.records == 2


def test_a_page_of_errors_is_not_taken_for_records_after_a_restart() -> None:
    with api(broken_off({"errors": [{"message": "out of time"}]})) as client:
        pages = client.stream("/x", paginator=CURSOR).pages()
        kept = [next(pages), next(pages)][-1].checkpoint.to_dict()  # type: ignore[union-attr]
        with pytest.raises(DecodeError, match="there are no records at 'data'"):
            next(client.stream("/x", paginator=CURSOR).pages(Checkpoint.from_dict(kept)))


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ({"data": None, "errors": [{"message": "out of time"}]}, "has no records, and holds errors"),
        ({"data": [], "error": "out of time"}, "has no records, and holds error"),
        ({"data": [{"id": 2}], "has_more": True}, "says has_more=true"),
        ({"data": [{"id": 2}], "truncated": True}, "says truncated=true"),
        ({"data": [{"id": 2}], "isLast": False}, "says isLast=false"),
    ],
    ids=lambda value: None if isinstance(value, str) else json.dumps(value)[:30],
)
def test_a_last_page_that_says_it_is_not_the_end_is_none(last: Any, why: str) -> None:
    with api(broken_off(last)) as client:
        read = client.stream("/x", paginator=CURSOR, records="data", key="id").read()
        with pytest.raises(IncompleteRead, match=why):
            list(read)
        assert read.evidence.complete is False


@pytest.mark.parametrize(
    "last",
    [
        {"data": [{"id": 2}]},
        {"data": []},
        {"data": [], "errors": []},
        {"data": [], "error": {"code": 0, "message": ""}},
        {"data": [{"id": 2}], "errors": [{"message": "deprecated"}], "has_more": False},
    ],
    ids=json.dumps,
)
def test_a_last_page_that_says_nothing_of_the_kind_is_the_end(last: Any) -> None:
    with api(broken_off(last)) as client:
        stream = client.stream("/x", paginator=CURSOR, records="data", key="id")
        assert stream.to_list()
        assert stream.evidence.complete is True


@pytest.mark.parametrize("paginator", [CursorPaginator("next", "c", has_more="more"), JSONLinkPaginator("next", has_more="more")])
def test_a_page_without_has_more_that_can_be_read_on_is_no_end(paginator: Any) -> None:
    def answer(request: httpx.Request) -> Any:
        page = number(request, "c")
        place = f"/x?c={page + 1}" if isinstance(paginator, JSONLinkPaginator) else str(page + 1)
        return {"data": [{"id": page}], "next": place} | ({"more": True} if page < 2 else {})

    with api(answer) as client, pytest.raises(IncompleteRead, match="has no more, though there is something at next"):
        client.stream("/x", paginator=paginator, key="id").to_list()


def test_a_has_more_that_is_left_out_where_it_is_false_is_an_end() -> None:
    def answer(request: httpx.Request) -> Any:
        after = number(request, "after", -1)
        return {"data": [{"id": after + 1}]} | ({"more": True} if after < 2 else {})

    with api(answer) as client:
        stream = client.stream("/x", paginator=KeysetPaginator("id", "after", has_more="more"), key="id")
        assert len(stream.to_list()) == 4
        assert stream.evidence.complete is True


def test_a_search_that_ran_out_of_time_is_incomplete_though_its_links_go_on() -> None:
    """GitHub's ``incomplete_results``, on a page in the middle."""

    def answer(request: httpx.Request) -> Any:
        page = number(request, "page", 1)
        links = {"Link": f'<https://api.example/x?page={page + 1}>; rel="next"'} if page < 3 else {}
        return httpx.Response(200, json={"total_count": 3, "incomplete_results": page == 2, "items": [{"id": page}]}, headers=links)

    for paginator in (None, HeaderLinkPaginator()):
        with api(answer) as client:
            read = client.stream("/x", key="id", paginator=paginator).read()
            with pytest.raises(IncompleteRead, match="the body says incomplete_results"):
                list(read)
            assert read.evidence.records == 3


@pytest.mark.parametrize("check", ["count", "ids"])
def test_a_total_that_counts_the_page_ends_nothing(check: Any) -> None:
    def answer(request: httpx.Request) -> Any:
        rows = [{"id": n} for n in range(7)][number(request, "offset") :][:3]
        return {"items": rows, "count": len(rows), "total": 7}

    with api(answer) as client, pytest.raises(IncompleteRead, match="declares total=7 and 3 records came"):
        client.stream("/x", paginator=OffsetPaginator(total="count"), stability="snapshot", key="id", final_check=check).to_list()


def test_a_total_that_was_reached_is_believed_whatever_links_there_are() -> None:
    with api(lambda _: {"data": [{"id": 1}], "total": 1, "next": "/x?offset=1"}) as client:
        stream = client.stream("/x", paginator=OffsetPaginator(total="total"), stability="snapshot", key="id")
        assert stream.to_list() == [{"id": 1}]
        assert stream.evidence.complete is True


def test_a_single_page_that_was_asked_for_and_holds_errors_is_incomplete() -> None:
    with api(lambda _: {"data": [], "errors": ["no"]}) as client, pytest.raises(IncompleteRead, match="holds errors"):
        client.stream("/x", paginator=SinglePagePaginator(), records="data").to_list()


# ---------------------------------------------------------------------------------------------- taken up at the last page


def shown_whole(request: httpx.Request) -> Any:
    """As Laravel pages: totals on every page, and null for the page after the last."""
    page = number(request, "page", 1)
    following = f"https://api.example/x?page={page + 1}" if page < 3 else None
    return {"data": [{"id": page * 2}, {"id": page * 2 + 1}], "next_page_url": following, "total": 6, "last_page": 3}


def test_what_was_recognised_is_kept_for_a_read_that_is_taken_up_at_its_last_page() -> None:
    with api(shown_whole) as client:
        pages = client.stream("/x", key="id").pages()
        kept = [next(pages), next(pages)][-1].checkpoint.to_dict()  # type: ignore[union-attr]
        read = client.stream("/x", key="id").read(Checkpoint.from_dict(json.loads(json.dumps(kept))))
        assert [record["id"] for record in read] == [6, 7]
        assert read.evidence.complete is True
        assert read.evidence.records == 6


@pytest.mark.parametrize(
    "found",
    [
        7,
        [],
        {"paginator": "JSONLinkPaginator"},
        {"paginator": {"class": "Path", "link": "x"}},
        {"paginator": {"class": "JSONLinkPaginator", "link": ""}},
        {"paginator": {"class": ["JSONLinkPaginator"]}, "records": "a.b"},
        {"paginator": {"class": "CursorPaginator", "cursor": "x", "param": "y", "shell": "rm"}, "records": 5},
    ],
    ids=str,
)
def test_what_a_checkpoint_cannot_have_kept_is_recognised_anew(found: Any) -> None:
    with api(shown_whole) as client:
        kept = next(client.stream("/x", key="id").pages()).checkpoint.to_dict()  # type: ignore[union-attr]
        kept["token"]["found"] = found
        stream = client.stream("/x", key="id")
        assert [record["id"] for page in stream.pages(Checkpoint.from_dict(kept)) for record in page.records] == [4, 5, 6, 7]
        assert stream.evidence.complete is True


def test_a_checkpoint_of_another_keyset_field_is_not_gone_on_from() -> None:
    def answer(request: httpx.Request) -> Any:
        after = number(request, "after", -1)
        return {"data": [{"id": n, "at": 100 + n} for n in range(10) if n > after][:3]}

    with api(answer) as client:
        old = client.stream("/x", paginator=KeysetPaginator("at", "after"), key="id")
        kept = next(old.pages()).checkpoint
        stream = client.stream("/x", paginator=KeysetPaginator("id", "after"), key="id")
        assert [record["id"] for page in stream.pages(kept) for record in page.records] == list(range(10))
        assert stream.evidence.began_anew is True
        assert "in other words" in stream.evidence.notes[0]
        assert stream.evidence.complete is True


@pytest.mark.parametrize("paginator", [PageNumberPaginator(param="p"), PageNumberPaginator(start=0), PageNumberPaginator(in_="json")])
def test_a_checkpoint_of_another_page_parameter_is_not_gone_on_from(paginator: Any) -> None:
    with api(wrapping) as client:
        kept = next(client.stream("/x", paginator=PageNumberPaginator(), key="id").pages()).checkpoint
        stream = client.stream("/x", paginator=paginator, key="id")
        next(stream.pages(kept))
        assert stream.evidence.began_anew is True


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], [{"a": 1}]], ids=str)
def test_a_token_that_cannot_be_sent_falls_back_to_the_beginning(value: Any) -> None:
    with api(wrapping) as client:
        stream = client.stream("/x", paginator=PageNumberPaginator(), key="id")
        kept = next(stream.pages()).checkpoint.to_dict()  # type: ignore[union-attr]
        kept["token"]["params"]["page"] = value
        assert next(stream.pages(Checkpoint.from_dict(kept))).records[0] == {"id": 0}
        assert stream.evidence.began_anew is True


@pytest.mark.parametrize(("rows", "size", "overlap"), [(2, 3, 2), (3, 4, 3), (7, 6, 3), (7, 3, 1), (10, 6, 5), (8, 4, 2)])
def test_an_overlap_that_is_taken_up_anywhere_gives_every_row_once(rows: int, size: int, overlap: int) -> None:
    """Where nothing moves. At its last page, too, where only the end is left to show."""
    paginator = OffsetPaginator(limit=size, overlap=overlap)
    with api(lambda request: {"data": [{"id": n} for n in range(rows)][number(request, "offset") :][:size]}) as client:
        stream = client.stream("/x", paginator=paginator, key="id", stability="snapshot")
        pages = list(stream.pages())
        for stop in range(1, len(pages)):
            came = [record["id"] for page in pages[:stop] for record in page.records]
            kept = pages[stop - 1].checkpoint.to_dict()  # type: ignore[union-attr]
            since = Checkpoint.from_dict(json.loads(json.dumps(kept)))
            came += [record["id"] for page in stream.pages(since) for record in page.records]
            assert came == list(range(rows))
            assert (stream.evidence.complete, stream.evidence.records) == (True, rows)


# ---------------------------------------------------------------------------------------------- numbers out of all bounds


def test_a_total_of_a_thousand_million_digits_is_refused_at_once() -> None:
    with api(lambda _: b'{"data":[{"id":1}],"total":1E+999999999}', decimals=True) as client, pytest.raises(DecodeError, match="total holds"):
        client.stream("/x", paginator=OffsetPaginator(total="total"), key="id").to_list()


def test_a_cursor_of_a_thousand_million_digits_is_refused_at_once() -> None:
    body = b'{"data":[{"id":1}],"next":1E+999999999}'
    with api(lambda _: body, decimals=True) as client, pytest.raises(DecodeError, match="next holds '1E\\+999999999' where a cursor was agreed"):
        client.stream("/x", paginator=CURSOR, key="id").to_list()
    keyset = KeysetPaginator("id", "q", template="gt.{}")
    with api(lambda _: b'{"data":[{"id":1E-999999999}]}', decimals=True) as client, pytest.raises(DecodeError, match="id holds"):
        client.stream("/x", paginator=keyset, key="id").to_list()


@pytest.mark.parametrize("prefetch", [0, 3])
def test_a_cursor_that_cannot_be_sent_is_said(prefetch: int) -> None:
    with (
        api(lambda _: b'{"data":[{"id":1}],"next":"\\ud800"}') as client,
        pytest.raises(DecodeError, match=r"next holds .* where a cursor was agreed"),
    ):
        client.stream("/x", paginator=CURSOR, key="id", prefetch=prefetch).to_list()
    with api(wrapping) as client, pytest.raises(ConfigurationError, match="half a character"):
        client.get("/x", params={"a": "\ud800"})


def test_a_number_out_of_all_bounds_is_a_parameter_that_is_not_written_out() -> None:
    asked = []
    with api(lambda request: asked.append(str(request.url)) or {"ok": True}) as client:
        client.get("/x", params={"n": Decimal("1E+999999999"), "m": Decimal("12.50")})
    assert asked == ["https://api.example/x?n=1E%2B999999999&m=12.50"]


# ---------------------------------------------------------------------------------------------- flat memory


@pytest.mark.parametrize("overlap", [0, 1])
def test_what_goes_wrong_on_every_page_is_told_in_bounded_words(overlap: int) -> None:
    """A total that changes with each page: the reasons, and the token that carries them, do not grow with the read."""

    def answer(request: httpx.Request) -> Any:
        offset = number(request, "offset")
        return {"data": [{"id": n} for n in range(600)][offset:][:2], "total": 1000 + offset if offset < 590 else 600}

    with api(answer) as client:
        read = client.stream("/x", key="id", paginator=OffsetPaginator(limit=2, overlap=overlap, total="total"), incomplete="warn").pages()
        sizes = []
        with pytest.warns(IncompleteReadWarning) if overlap == 0 else contextlib.nullcontext():
            sizes = [len(json.dumps(page.checkpoint.to_dict())) for page in read]  # type: ignore[union-attr]
        assert max(sizes) < 4000
        evidence = read._reader.evidence
        assert evidence.records == 600
        assert evidence.complete is (None if overlap else False)
        assert len(evidence.reasons) + len(evidence.notes) < 30
        assert "and more of the kind" in (*evidence.reasons, *evidence.notes)


def test_pages_that_bring_no_new_key_are_not_remembered() -> None:
    recent = RecentKeys()
    for _ in range(1000):
        recent.add([None, None])
        recent.add([])
        recent.add([1, 2])
    assert len(recent._pages) < 5
