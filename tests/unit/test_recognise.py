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
        ({"totalSize": 5, "done": False, "nextRecordsUrl": "/services/data/v67.0/query/01g-2"}, JSONLinkPaginator("nextRecordsUrl")),
        ({"d": {"results": ROWS, "__next": "https://x/2"}}, JSONLinkPaginator("d.__next")),
        ({"@odata.count": 5, "@odata.nextLink": "https://x/2"}, JSONLinkPaginator("@odata.nextLink")),
        ({"paging": {"cursors": {"after": "b"}, "next": "https://x/2"}}, JSONLinkPaginator("paging.next")),
        ({"links": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}], "hasMore": True}, JSONLinkPaginator("links", rel="next")),
        ({"resourceType": "Bundle", "link": [{"relation": "next", "url": "/2"}]}, JSONLinkPaginator("link", rel="next")),
        ({"metadata": {"continue": "abc"}}, CursorPaginator("metadata.continue", "continue")),
        ({"nextCursor": "abc"}, CursorPaginator("nextCursor", "cursor")),
        ({"additional_data": {"next_cursor": "abc"}}, CursorPaginator("additional_data.next_cursor", "cursor")),
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
        {"totalSize": 2, "done": True},
        {"isLast": True},
        {"resourceType": "Bundle", "link": [{"relation": "self", "url": "/1"}]},
        {"orders": {"pageInfo": {"hasNextPage": False, "endCursor": "x"}}},
        {"has_more": False, "cursor": "one that is named on the last page too"},
        {"response_metadata": {"next_cursor": ""}},
        {"metadata": {"continue": ""}},
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
        {"done": False, "totalSize": 2},
        {"isLast": False},
        {"truncated": True},
        {"IsTruncated": True},
        {"incomplete_results": True},
        {"@odata.count": 3},
        {"hits": {"total": {"value": 3}}, "_scroll_id": "x"},
        {"page": {"totalElements": 9, "number": 0}},
        {"additional_data": {"pagination": {"more_items_in_collection": True, "next_start": 100}}},
        {"meta": {"has_more": True, "after_cursor": "x"}},
        {"pagination": {"has_next_page": True}},
    ],
)
def test_signs_of_more_without_a_way_are_said(body: dict[str, Any]) -> None:
    found = recognise(response({"data": ROWS, **body}), 2)
    assert found.more
    assert "name a paginator=" in (found.reason or "")


def test_signs_of_more_name_the_paginator_that_is_known() -> None:
    graph = recognise(response({"data": {"shop": {"orders": {"nodes": ROWS, "pageInfo": {"hasNextPage": True}}}}}), 2)
    assert graph.more
    assert "RelayPaginator('data.shop.orders')" in str(graph.reason)
    stripe = recognise(response({"object": "list", "data": ROWS, "has_more": True}), 2)
    assert stripe.more
    assert "KeysetPaginator('id', 'starting_after', has_more='has_more')" in str(stripe.reason)


def test_airtables_offset_is_a_cursor_and_an_echoed_one_is_not() -> None:
    assert recognise(response({"records": ROWS, "offset": "itrA/recB"}), 2).paginator == CursorPaginator("offset", "offset")
    for offset in ("100", 100, "text"):
        assert recognise(response({"records": ROWS, "offset": offset}), 2).paginator == SinglePagePaginator()


@pytest.mark.parametrize("body", [{"_scroll_id": "x"}, {"cursor": "x"}, {"nextToken": "x"}, {"next_offset": 100}, {"continuation": {"a": 1}}])
def test_what_may_be_there_to_go_on_with_is_said(body: dict[str, Any]) -> None:
    found = recognise(response({"data": ROWS, **body}), 2)
    assert found.paginator == SinglePagePaginator()
    assert not found.more  # some name one on the last page too
    assert str(next(iter(body))) in str(found.reason)
    assert recognise(response({"data": ROWS, **body}, {"X-Total-Count": "3"}), 2).more


def test_a_content_range() -> None:
    whole = recognise(response(ROWS, {"Content-Range": "0-1/2"}), 2)
    assert (whole.paginator, whole.reason) == (SinglePagePaginator(), None)
    assert recognise(response({"data": ROWS, "next": None}, {"Content-Range": "0-1/2"}), 2).reason is None
    unknown = recognise(response(ROWS, {"Content-Range": "0-1/*"}), 2)
    assert (unknown.stability, unknown.more) == ("unknown", False)
    assert "count=exact" in str(unknown.reason)
    assert recognise(response(ROWS, {"Content-Range": "0-1/*"}, 206), 2).more
    assert recognise(response({"data": ROWS, "next": None}, {"Content-Range": "0-1/9"}), 2).more
    for odd in ("0-5/2", "1-2/2", "items 0-1", "-/2", "0-1/" + "9" * 40):
        found = recognise(response(ROWS, {"Content-Range": odd}), 2)
        assert found.reason is not None


def test_pages_in_a_header_are_a_sign_too() -> None:
    assert recognise(response(ROWS, {"X-Total-Pages": "2"}), 2).more
    assert recognise(response(ROWS, {"X-WP-TotalPages": "2", "X-WP-Total": "2"}), 2).more
    assert not recognise(response(ROWS, {"X-Total-Pages": "1"}), 2).more
    assert not recognise(response(ROWS, {"X-Total-Pages": "many"}), 2).more


def test_a_body_as_deep_as_one_likes_is_looked_at_as_far_as_answers_go() -> None:
    body: Any = {"pageInfo": {"hasNextPage": True}}
    for _ in range(200):
        body = {"a": body}
    assert not recognise(response(body), 2).more


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
