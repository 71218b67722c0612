"""Recognising how a collection goes on, from its first page: never a guess, and never silent about more."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrakit._json import dumps
from integrakit.http import CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator, SinglePagePaginator
from integrakit.http.recognise import recognise
from integrakit.model import Request, Response

ROWS = [{"id": 1}, {"id": 2}]


def response(body: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    request = Request(method="GET", url="https://x.example/a")
    content = b"" if status == 204 else dumps(body)
    return Response(httpx.Response(status, headers=headers, content=content, request=httpx.Request("GET", request.url)), request)


@pytest.mark.parametrize(
    ("body", "paginator"),
    [
        ({"next": "https://x/2"}, JSONLinkPaginator("next")),
        ({"next": "/a?page=2"}, JSONLinkPaginator("next")),
        ({"links": {"next": "?page=2"}}, JSONLinkPaginator("links.next")),
        ({"_links": {"next": {"href": "/2"}}}, JSONLinkPaginator("_links.next.href")),
        ({"links": {"next": {"href": "/2"}}}, JSONLinkPaginator("links.next.href")),
        ({"@odata.nextLink": "https://x/2"}, JSONLinkPaginator("@odata.nextLink")),
        ({"nextLink": "https://x/2"}, JSONLinkPaginator("nextLink")),
        ({"next": {"href": "/2"}}, JSONLinkPaginator("next.href")),
        ({"next_page": "https://x/2"}, JSONLinkPaginator("next_page")),
        ({"next_url": "/2"}, JSONLinkPaginator("next_url")),
        ({"next_page_url": "/2"}, JSONLinkPaginator("next_page_url")),
        ({"meta": {"next": "/2"}}, JSONLinkPaginator("meta.next")),
        ({"pagination": {"next_url": "/2"}}, JSONLinkPaginator("pagination.next_url")),
        ({"pagination": {"next_cursor": "abc"}}, CursorPaginator("pagination.next_cursor", "cursor")),
        ({"paging": {"next": {"after": "abc"}}}, CursorPaginator("paging.next.after", "after")),
        ({"next_page_token": "abc"}, CursorPaginator("next_page_token", "page_token")),
        ({"next": None, "next_cursor": "abc"}, CursorPaginator("next_cursor", "cursor")),
        ({"paging": {"next": {"link": "https://x/2", "after": "abc"}}}, JSONLinkPaginator("paging.next.link")),
        ({"next_cursor": "abc"}, CursorPaginator("next_cursor", "cursor")),
        ({"nextPageToken": "abc"}, CursorPaginator("nextPageToken", "pageToken")),
        ({"response_metadata": {"next_cursor": "abc"}}, CursorPaginator("response_metadata.next_cursor", "cursor")),
        ({"meta": {"next_cursor": 17}}, CursorPaginator("meta.next_cursor", "cursor")),
        ({"count": 50, "next": "https://x/2"}, JSONLinkPaginator("next")),
    ],
)
def test_what_is_recognised(body: dict[str, Any], paginator: Any) -> None:
    found = recognise(response({"data": ROWS, **body}), 2)
    assert found.paginator == paginator
    assert found.reason is None
    assert found.stability == "keyset"


@pytest.mark.parametrize("relations", ["next", "prev", "first", "last"])
def test_the_link_header_comes_first(relations: str) -> None:
    body = {"data": ROWS, "next": "/other"} if relations == "next" else {"data": ROWS}
    found = recognise(response(body, {"Link": f"<https://x/2>; rel={relations}"}), 2)
    assert found.paginator == HeaderLinkPaginator()
    assert found.reason is None


@pytest.mark.parametrize("relations", ["prev", "first", "last"])
def test_a_next_page_in_the_body_is_not_lost_to_a_header_without_one(relations: str) -> None:
    found = recognise(response({"data": ROWS, "next": "/other"}, {"Link": f"<https://x/2>; rel={relations}"}), 2)
    assert found.paginator == JSONLinkPaginator("next")
    assert recognise(response({"data": ROWS, "has_more": True}, {"Link": f"<https://x/2>; rel={relations}"}), 2).more


@pytest.mark.parametrize(
    "body",
    [
        {"next": None},
        {"next": ""},
        {"next_cursor": ""},
        {"has_more": False},
        {"links": {"next": None}},
        {"next": False},
        {"next": {"href": None}},
        {"links": {"next": {"href": ""}}},
    ],
)
def test_an_empty_place_for_a_link_is_an_explicit_end(body: dict[str, Any]) -> None:
    found = recognise(response({"data": ROWS, **body}), 2)
    assert found.paginator == SinglePagePaginator()
    assert found.reason is None
    assert not found.more


def test_no_content_is_an_end() -> None:
    assert recognise(response(None, status=204), 0).reason is None


@pytest.mark.parametrize(
    "body",
    [
        {"has_more": True},
        {"meta": {"has_more": True}},
        {"next": "opaque-token"},
        {"next": 2},
        {"next": True},
        {"meta": {"next": "token"}},
        {"total": 500},
        {"total_count": 3},
        {"meta": {"total": 3}},
        {"total_pages": 2},
        {"last_page": 9, "total": 2},
        {"hasNextPage": True},
        {"has_more": "true"},
        {"has_more": 1},
        {"pageInfo": {"hasNextPage": True, "endCursor": "x"}},
        {"meta": {"hasMore": True}},
        {"next_cursor": None, "has_more": True},
        {"next": {"page": 2}},
        {"next": ["/2"]},
        {"next_page": 2},
        {"total": "9"},
        {"total": 9.0},
        {"next": None, "total": 9},
        {"total_pages": "3"},
    ],
)
def test_signs_of_more_without_a_way_are_said(body: dict[str, Any]) -> None:
    found = recognise(response({"data": ROWS, **body}), 2)
    assert found.more
    assert "name a paginator=" in (found.reason or "")


def test_a_total_in_a_header_is_a_sign_too() -> None:
    assert recognise(response(ROWS, {"X-Total-Count": "3"}), 2).more
    assert not recognise(response(ROWS, {"X-Total-Count": "2"}), 2).more
    assert not recognise(response(ROWS, {"X-Total-Count": "many"}), 2).more
    assert recognise(response(ROWS, {"X-Total": "3"}), 2).more
    assert recognise(response(ROWS, {"Content-Range": "items 0-1/3"}), 2).more
    assert not recognise(response(ROWS, {"Content-Range": "items 0-1/2"}), 2).more
    assert not recognise(response(ROWS, {"Content-Range": "items 0-1/*"}), 2).more


@pytest.mark.parametrize(
    "body",
    [
        ROWS,
        {"data": ROWS},
        {"data": ROWS, "total": 2},
        {"data": ROWS, "total_pages": 1},
        {"data": ROWS, "total": "12.50"},
        {"data": ROWS, "total": True},
        {"data": ROWS, "total": -9},
        {"data": ROWS, "total": "9" * 5000},
        {"data": ROWS, "total": 1e300},
        {"data": ROWS, "total": 9.5},
        {"data": ROWS, "next": {}},
        {"data": ROWS, "_links": {"self": {"href": "/1"}}},
    ],
)
def test_what_says_nothing_is_taken_for_everything_and_said(body: Any) -> None:
    found = recognise(response(body), 2)
    assert found.paginator == SinglePagePaginator()
    assert not found.more
    assert "none was recognised" in (found.reason or "")
    assert found.stability == "unknown"
