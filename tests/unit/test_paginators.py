"""How each paginator asks for the next page: pure functions of a request, a response and its records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from integrakit._json import dumps
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http import (
    CursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    KeysetPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from integrakit.model import Request, Response

ROWS = [{"id": 1, "at": {"seq": 10}}, {"id": 2, "at": {"seq": 20}}]


def request(**options: Any) -> Request:
    return Request(**{"method": "GET", "url": "https://x.example/v1/a", **options})


def after(
    paginator: Any, body: Any = None, *, asked: Request | None = None, headers: dict[str, str] | None = None, records: Any = ROWS, status: int = 200
) -> Any:
    asked = asked or request()
    before = (dict(asked.params), dict(asked.headers), dumps(asked.json), asked.url)
    content = b"" if status == 204 else dumps(body)
    raw = httpx.Response(status, headers=headers, content=content, request=httpx.Request("GET", asked.url))
    following = paginator.next_request(asked, Response(raw, asked, decimals=True), records)
    assert before == (asked.params, asked.headers, dumps(asked.json), asked.url)  # pure
    return following


def test_a_single_page_has_no_next() -> None:
    assert after(SinglePagePaginator(), {}) is None


def test_the_link_header() -> None:
    following = after(
        HeaderLinkPaginator(), {}, headers={"Link": '</v1/a?page=2>; rel="next"'}, asked=request(params={"page": 1}, headers={"x": "y"})
    )
    assert (following.url, following.params, following.headers) == ("https://x.example/v1/a?page=2", {}, {"x": "y"})
    assert after(HeaderLinkPaginator(), {}) is None
    assert after(HeaderLinkPaginator(), {}, headers={"Link": '</1>; rel="prev"'}) is None
    assert after(HeaderLinkPaginator(rel="Later"), {}, headers={"Link": "<?p=2>; rel=later"}).url == "https://x.example/v1/a?p=2"


@pytest.mark.parametrize("link", [None, "", False])
def test_an_empty_link_in_the_body_is_the_end(link: Any) -> None:
    assert after(JSONLinkPaginator("next"), {"next": link}) is None
    assert after(JSONLinkPaginator("next"), {}) is None
    assert after(JSONLinkPaginator("a.b"), {"a": []}) is None


def test_a_link_in_the_body() -> None:
    assert after(JSONLinkPaginator("meta.next"), {"meta": {"next": "b?x=1"}}).url == "https://x.example/v1/b?x=1"
    assert after(JSONLinkPaginator("header:X-Next"), [], headers={"x-next": "https://other/1"}).url == "https://other/1"
    assert after(JSONLinkPaginator("@odata.nextLink"), {"@odata.nextLink": "/2"}).url == "https://x.example/2"


@pytest.mark.parametrize("link", [5, True, ["x"], {"href": "/2"}, "http://["])
def test_a_link_that_is_none_is_said(link: Any) -> None:
    with pytest.raises(DecodeError):
        after(JSONLinkPaginator("next"), {"next": link})


@pytest.mark.parametrize("cursor", [None, "", False])
def test_no_cursor_is_the_end(cursor: Any) -> None:
    assert after(CursorPaginator("next", "after"), {"next": cursor}) is None
    assert after(CursorPaginator("next", "after"), {}) is None
    assert after(CursorPaginator("next", "after"), status=204) is None


@pytest.mark.parametrize("cursor", ["abc", 17, 0, Decimal("1.5"), "0", "null"])
def test_a_cursor_goes_back_as_it_came(cursor: Any) -> None:
    following = after(CursorPaginator("meta.next", "after"), {"meta": {"next": cursor}}, asked=request(params={"limit": 5, "after": "old"}))
    assert following.params == {"limit": 5, "after": cursor}
    assert following.url == "https://x.example/v1/a"


def test_a_cursor_in_other_places() -> None:
    in_json = after(CursorPaginator("next", "params.1", in_="json"), {"next": "t"}, asked=request(method="POST", json={"params": [1, None], "q": 1}))
    assert in_json.json == {"params": [1, "t"], "q": 1}
    assert after(CursorPaginator("next", "a.b", in_="json"), {"next": "t"}).json == {"a": {"b": "t"}}
    in_header = after(CursorPaginator("header:X-Next", "X-After", in_="header"), [], headers={"X-Next": "t"})
    assert in_header.headers == {"x-after": "t"}
    assert after(CursorPaginator("next", "X-After", in_="header"), {"next": 5}, asked=request(headers={"x-after": "4"})).headers == {"x-after": "5"}


@pytest.mark.parametrize("more", [False, None, "", 0, "false", "False", "no", "0"])
def test_has_more_ends_a_read_though_a_cursor_is_there(more: Any) -> None:
    assert after(CursorPaginator("next", "after", has_more="more"), {"next": "abc", "more": more}) is None
    assert after(CursorPaginator("next", "after", has_more="more"), {"next": "abc"}) is None
    assert after(KeysetPaginator("id", "after", has_more="more"), {"more": more}) is None


def test_has_more_without_a_cursor_is_said() -> None:
    assert after(CursorPaginator("next", "after", has_more="more"), {"next": "abc", "more": True}).params == {"after": "abc"}
    for cursor in (None, "", False):
        with pytest.raises(DecodeError, match="holds no cursor"):
            after(CursorPaginator("next", "after", has_more="more"), {"next": cursor, "more": "true"})


@pytest.mark.parametrize("cursor", [True, ["x"], {"a": 1}])
def test_a_cursor_that_is_none_is_said(cursor: Any) -> None:
    with pytest.raises(DecodeError, match="where a cursor was agreed"):
        after(CursorPaginator("next", "after"), {"next": cursor})


def test_an_offset_advances_by_what_came() -> None:
    paginator = OffsetPaginator(limit=100, total="total")
    first = paginator.first_request(request(params={"x": 1}))
    assert first.params == {"x": 1, "limit": 100}
    second = after(paginator, {"total": 5}, asked=first)
    assert second.params == {"x": 1, "limit": 100, "offset": 2}
    assert after(paginator, {"total": 4}, asked=second) is None
    assert after(paginator, {"total": 5}, asked=second, records=[]) is None
    assert after(paginator, {}, asked=second).params["offset"] == 4
    assert paginator.first_request(request(params={"limit": 7})).params == {"limit": 7}
    assert after(OffsetPaginator(), {}, asked=request(params={"offset": "30"})).params == {"offset": 32}


def test_an_offset_in_the_body() -> None:
    paginator = OffsetPaginator(limit=2, offset_param="page.skip", limit_param="page.top", in_="json")
    first = paginator.first_request(request(method="POST", json={"q": "x"}))
    assert first.json == {"q": "x", "page": {"top": 2}}
    assert after(paginator, {}, asked=first).json == {"q": "x", "page": {"top": 2, "skip": 2}}


@pytest.mark.parametrize("offset", ["abc", None, True, -1, "1.5", 1.5])
def test_an_offset_that_is_no_number_is_said(offset: Any) -> None:
    with pytest.raises(DecodeError, match="where a whole number was agreed"):
        after(OffsetPaginator(), {}, asked=request(params={"offset": offset}))


@pytest.mark.parametrize(
    ("total", "headers", "body", "declared"),
    [
        (None, {}, {"total": 5}, None),
        ("total", {}, {"total": 5}, 5),
        ("total", {}, {"total": "5"}, 5),
        ("total", {}, {"total": 5.0}, 5),
        ("total", {}, {"total": None}, None),
        ("total", {}, {}, None),
        ("meta.total", {}, {"meta": {"total": 0}}, 0),
        ("header:X-Total-Count", {"x-total-count": "830"}, [], 830),
        ("header:X-Total-Count", {}, [], None),
        ("header:Content-Range", {"content-range": "items 0-49/830"}, [], 830),
        ("header:Content-Range", {"content-range": "items 0-49/*"}, [], None),
    ],
)
@pytest.mark.parametrize("kind", [OffsetPaginator, PageNumberPaginator])
def test_declared_totals(kind: Any, total: Any, headers: dict[str, str], body: Any, declared: int | None) -> None:
    raw = httpx.Response(200, headers=headers, content=dumps(body), request=httpx.Request("GET", "https://x/"))
    assert kind(total=total).declared_total(Response(raw, request())) == declared


@pytest.mark.parametrize("total", [True, "many", -1, 1.5, [5], "1e3", Decimal("1.5")])
def test_a_total_that_is_no_number_is_said(total: Any) -> None:
    with pytest.raises(DecodeError, match="whole number"):
        after(OffsetPaginator(total="total"), {"total": total})


def test_page_numbers() -> None:
    paginator = PageNumberPaginator(param="p", size_param="n", size=50, start=0)
    first = paginator.first_request(request())
    assert first.params == {"n": 50, "p": 0}
    assert paginator.first_request(first).params == {"n": 50, "p": 0}
    assert after(paginator, {}, asked=first).params == {"n": 50, "p": 1}
    assert after(paginator, {}, asked=first, records=[]) is None
    assert after(PageNumberPaginator(), {}).params == {"page": 2}
    assert after(PageNumberPaginator(in_="json"), {}, asked=request(json={"page": 4})).json == {"page": 5}
    assert PageNumberPaginator(size_param="n").first_request(request()).params == {"page": 1}


def test_keysets_go_on_after_the_last_record() -> None:
    assert after(KeysetPaginator("id", "starting_after"), {}).params == {"starting_after": 2}
    assert after(KeysetPaginator("at.seq", "after"), {}, asked=request(params={"after": 1, "x": 2})).params == {"after": 20, "x": 2}
    assert after(KeysetPaginator("id", "starting_after"), {}, records=[]) is None
    assert after(KeysetPaginator("id", "a", has_more="more"), {"more": True}).params == {"a": 2}
    assert after(KeysetPaginator("id", "where.gt", in_="json"), {}).json == {"where": {"gt": 2}}


def test_a_keyset_that_cannot_go_on_is_said() -> None:
    for records in ([{}], [{"id": None}], ["text"]):
        with pytest.raises(DecodeError, match="no 'id' to go on from"):
            after(KeysetPaginator("id", "after"), {}, records=records)
    with pytest.raises(DecodeError, match="says that there is more"):
        after(KeysetPaginator("id", "after", has_more="more"), {"more": True}, records=[])


def test_links_in_a_list() -> None:
    paginator = JSONLinkPaginator("links", rel="next")
    links: Any = [{"rel": "self", "href": "/1"}, "text", {"rel": "next", "href": "/2"}]
    assert after(paginator, {"links": links}).url == "https://x.example/2"
    assert after(JSONLinkPaginator("link", rel="next"), {"link": [{"relation": "next", "url": "/2"}]}).url == "https://x.example/2"
    for nothing in ([], None, [{"rel": "next"}], [{"rel": ["next"], "href": "/2"}]):
        assert after(paginator, {"links": nothing}) is None
    assert after(paginator, {}) is None
    for wrong in ({"next": "/2"}, "next", 5):
        with pytest.raises(DecodeError, match="a list was agreed"):
            after(paginator, {"links": wrong})
    with pytest.raises(DecodeError, match="a URL was agreed"):
        after(paginator, {"links": [{"rel": "next", "href": 5}]})


def test_has_more_decides_over_a_link() -> None:
    paginator = JSONLinkPaginator("links.next", has_more="meta.has_more")
    assert after(paginator, {"links": {"next": "/2"}, "meta": {"has_more": True}}).url == "https://x.example/2"
    assert after(paginator, {"links": {"next": "/2"}, "meta": {"has_more": False}}) is None
    with pytest.raises(DecodeError, match="holds no link"):
        after(paginator, {"links": {"next": None}, "meta": {"has_more": True}})


@pytest.mark.parametrize(("came", "offset"), [(10, 7), (4, 2), (3, 2), (2, 1), (1, 1)], ids=["usual", "short", "capped at the overlap", "two", "one"])
def test_pages_overlap_and_get_on_all_the_same(came: int, offset: int) -> None:
    paginator = OffsetPaginator(limit=10, overlap=3)
    records = [{"id": number} for number in range(came)]
    assert after(paginator, {}, asked=request(params={"offset": 20}), records=records).params["offset"] == 20 + offset
    assert after(paginator, {}, asked=request(params={"offset": 20}), records=[]) is None


def test_an_overlap_does_not_go_beyond_the_total() -> None:
    paginator = OffsetPaginator(limit=10, overlap=3, total="total")
    records = [{"id": number} for number in range(10)]
    assert after(paginator, {"total": 10}, records=records) is None
    assert after(paginator, {"total": 11}, records=records).params["offset"] == 7


def test_rows_may_be_counted_from_one() -> None:
    paginator = OffsetPaginator(start=1, offset_param="startIndex", limit_param="count", limit=2, total="totalResults")
    first = paginator.first_request(request())
    assert first.params == {"count": 2, "startIndex": 1}
    second = after(paginator, {"totalResults": 4}, asked=first)
    assert second.params["startIndex"] == 3
    assert after(paginator, {"totalResults": 4}, asked=second) is None
    assert after(paginator, {"totalResults": 5}, asked=second).params["startIndex"] == 5


def test_an_earlier_page() -> None:
    paginator = OffsetPaginator(start=1)
    assert paginator.earlier(request(params={"offset": 30}), 7).params == {"offset": 23}  # type: ignore[union-attr]
    assert paginator.earlier(request(params={"offset": 5}), 7).params == {"offset": 1}  # type: ignore[union-attr]
    for at_the_beginning in ({"offset": 1}, {"offset": 0}, {}):
        assert paginator.earlier(request(params=at_the_beginning), 7) is None
    assert paginator.earlier(request(params={"offset": 5}), 0) is None
    pages = PageNumberPaginator(start=0)
    assert pages.earlier(request(params={"page": 3}), 100).params == {"page": 2}  # type: ignore[union-attr]
    assert pages.earlier(request(params={"page": 0}), 1) is None
    assert pages.earlier(request(), 1) is None
    with pytest.raises(DecodeError, match="whole number"):
        pages.earlier(request(params={"page": "x"}), 1)


def ahead(paginator: Any, following: Request, body: Any, *, came: int = 2, most: int = 100, records: Any = ROWS) -> list[dict[str, Any]]:
    raw = httpx.Response(200, content=dumps(body), request=httpx.Request("GET", "https://x/"))
    return [each.params for each in paginator.requests_ahead(following, Response(raw, following), records, came, most)]


@pytest.mark.parametrize(("total", "offsets"), [(2, []), (3, []), (4, []), (5, [4]), (9, [4, 6, 8])])
def test_offsets_that_are_known_in_advance(total: int, offsets: list[int]) -> None:
    paginator = OffsetPaginator(total="total")
    assert [each["offset"] for each in ahead(paginator, request(params={"offset": 2}), {"total": total})] == offsets
    assert [each["offset"] for each in ahead(paginator, request(params={"offset": 2}), {"total": total}, most=2)] == offsets[:2]


def test_offsets_ahead_step_as_the_pages_do() -> None:
    paginator = OffsetPaginator(total="total", overlap=1, limit=4)
    records = [{"id": number} for number in range(4)]
    assert [each["offset"] for each in ahead(paginator, request(params={"offset": 3}), {"total": 14}, records=records)] == [6, 9, 12][:3]
    # Exactly what would be asked for one by one.
    asked, one_by_one = request(params={"offset": 3}), []
    while (asked := after(paginator, {"total": 14}, asked=asked, records=records[: 14 - asked.params["offset"]])) is not None:
        one_by_one.append(asked.params["offset"])
    assert one_by_one == [6, 9, 12][: len(one_by_one)]


@pytest.mark.parametrize(("total", "pages"), [(2, []), (4, []), (5, [3]), (9, [3, 4, 5])])
def test_pages_that_are_known_in_advance(total: int, pages: list[int]) -> None:
    paginator = PageNumberPaginator(total="total")
    assert [each["page"] for each in ahead(paginator, request(params={"page": 2}), {"total": total})] == pages
    assert [each["page"] for each in ahead(paginator, request(params={"page": 2}), {"total": total}, most=1)] == pages[:1]


@pytest.mark.parametrize("kind", [OffsetPaginator, PageNumberPaginator])
def test_without_a_total_nothing_is_known_in_advance(kind: Any) -> None:
    following = request(params={"page": 2, "offset": 2})
    assert ahead(kind(), following, {"total": 100}) == []
    assert ahead(kind(total="total"), following, {}) == []
    assert ahead(kind(total="total"), following, {"total": 100}, records=[]) == []
    assert ahead(kind(total="total"), following, {"total": 10**18}, most=3) != []
    with pytest.raises(DecodeError, match="whole number"):
        ahead(kind(total="total"), following, {"total": "many"})


@pytest.mark.parametrize(
    ("paginator", "mode"),
    [
        (OffsetPaginator(), "offset"),
        (PageNumberPaginator(), "page"),
        (CursorPaginator("a", "b"), "cursor"),
        (KeysetPaginator("a", "b"), "keyset"),
        (HeaderLinkPaginator(), "link"),
        (JSONLinkPaginator("a"), "link"),
        (SinglePagePaginator(), "single"),
    ],
)
def test_each_says_how_it_goes_on(paginator: Any, mode: str) -> None:
    assert paginator.mode == mode


def test_a_body_that_is_no_json_is_a_decode_error() -> None:
    raw = httpx.Response(200, content=b"<html>", request=httpx.Request("GET", "https://x/"))
    for paginator in (JSONLinkPaginator("next"), CursorPaginator("next", "a"), OffsetPaginator(total="t")):
        with pytest.raises(DecodeError):
            paginator.next_request(request(), Response(raw, request()), ROWS)


NAMES: list[Any] = [None, "", -1, 0, True, float("nan"), float("inf"), object(), [], b"x"]
OPTIONAL = NAMES[1:]
PLACES: list[Any] = [None, "", "query", 5, True, [], object()]
SIZES: list[Any] = ["", -1, 0, True, 1.5, float("nan"), float("inf"), object(), "10"]
PATHS = [*NAMES, "a..b", ".a", "header:"]


@pytest.mark.parametrize(
    ("kind", "given", "argument", "values"),
    [
        (HeaderLinkPaginator, {}, "rel", NAMES),
        (JSONLinkPaginator, {}, "link", PATHS),
        (CursorPaginator, {"param": "a"}, "cursor", PATHS),
        (CursorPaginator, {"cursor": "a"}, "param", NAMES),
        (CursorPaginator, {"cursor": "a", "param": "b"}, "in_", PLACES),
        (CursorPaginator, {"cursor": "a", "param": "b"}, "has_more", PATHS[1:]),
        (OffsetPaginator, {}, "limit", SIZES),
        (OffsetPaginator, {}, "offset_param", NAMES),
        (OffsetPaginator, {}, "limit_param", NAMES),
        (OffsetPaginator, {}, "total", PATHS[1:]),
        (OffsetPaginator, {}, "in_", PLACES),
        (OffsetPaginator, {}, "overlap", [None, "", -1, True, 1.5, float("nan"), object(), "2"]),
        (OffsetPaginator, {"limit": 5}, "overlap", [5, 6]),
        (OffsetPaginator, {}, "start", [None, "", -1, True, 1.5, object()]),
        (OffsetPaginator, {}, "clause", ["", 5, b"x", " LIMIT 5", " OFFSET {other}", " OFFSET x{offset}", " {offset} {limit}", []]),
        (OffsetPaginator, {"limit": 5}, "clause", [" OFFSET {offset}"]),
        (JSONLinkPaginator, {"link": "a"}, "rel", OPTIONAL),
        (JSONLinkPaginator, {"link": "a"}, "has_more", PATHS[1:]),
        (PageNumberPaginator, {}, "param", NAMES),
        (PageNumberPaginator, {}, "size_param", OPTIONAL),
        (PageNumberPaginator, {"size_param": "n"}, "size", SIZES),
        (PageNumberPaginator, {}, "start", [None, "", -1, True, 1.5, float("nan"), object()]),
        (PageNumberPaginator, {}, "total", PATHS[1:]),
        (PageNumberPaginator, {}, "in_", PLACES),
        (KeysetPaginator, {"param": "a"}, "field", PATHS),
        (KeysetPaginator, {"field": "a"}, "param", NAMES),
        (KeysetPaginator, {"field": "a", "param": "b"}, "has_more", PATHS[1:]),
        (KeysetPaginator, {"field": "a", "param": "b"}, "in_", PLACES),
        (KeysetPaginator, {"param": "b"}, "field", [(), ("a", ""), ("a", 5), ("header:X",), ["a"]]),
        (KeysetPaginator, {"field": "a", "param": "b"}, "template", ["", 5, b"{}", "no place", "{other}", "x{}", "'x{}'", []]),
        (KeysetPaginator, {"field": "a", "param": "b", "first": ""}, "clause", ["", 5, "no place", " a > x{last}", []]),
        (KeysetPaginator, {"field": "a", "param": "b"}, "quote", ["", "single", 5, [], True]),
        (KeysetPaginator, {"field": "a", "param": "b", "clause": " a > {last}"}, "first", [None, 5, b"", []]),
    ],
)
def test_wrong_arguments_are_said(kind: Any, given: dict[str, Any], argument: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=argument):
            kind(**given, **{argument: value})


def test_a_size_without_its_parameter_is_said() -> None:
    with pytest.raises(ConfigurationError, match="size_param="):
        PageNumberPaginator(size=5)


@pytest.mark.parametrize("more", [[], {}, 0.0, "FALSE"])
def test_every_falsy_has_more_ends_a_read(more: Any) -> None:
    assert after(CursorPaginator("next", "after", has_more="more"), {"next": "abc", "more": more}) is None


@pytest.mark.parametrize("value", ["a\nb", "ü", "\x00"])
def test_a_cursor_that_cannot_be_a_header_is_said(value: str) -> None:
    with pytest.raises(DecodeError, match="header X-After"):
        after(CursorPaginator("next", "X-After", in_="header"), {"next": value})


@pytest.mark.parametrize("value", [[1], {"a": 1}, True])
def test_a_keyset_goes_on_from_plain_values_only(value: Any) -> None:
    with pytest.raises(DecodeError, match="where a cursor was agreed"):
        after(KeysetPaginator("id", "after"), {}, records=[{"id": value}])
    for plain in (0, "", "x", Decimal("1.10")):
        assert after(KeysetPaginator("id", "after"), {}, records=[{"id": plain}]).params == {"after": plain}


def test_what_stands_in_the_url_is_gone_on_from_and_replaced() -> None:
    asked = request(url="https://x.example/v1/a?offset=10&limit=5&x=1#f")
    assert OffsetPaginator(limit=100).first_request(asked).params == {}
    following = after(OffsetPaginator(limit=100), {}, asked=asked)
    assert (following.url, following.params) == ("https://x.example/v1/a?limit=5&x=1#f", {"offset": 12})
    asked = request(url="https://x.example/v1/a?page=3")
    assert PageNumberPaginator().first_request(asked).params == {}
    following = after(PageNumberPaginator(), {}, asked=asked)
    assert (following.url, following.params) == ("https://x.example/v1/a", {"page": 4})
    following = after(CursorPaginator("next", "after"), {"next": "new"}, asked=request(url="https://x.example/v1/a?after=old&x=1"))
    assert (following.url, following.params) == ("https://x.example/v1/a?x=1", {"after": "new"})


@pytest.mark.parametrize("total", ["1_000", "+5", "", "0x10", [], {}])
def test_a_total_is_plain_digits(total: Any) -> None:
    with pytest.raises(DecodeError, match="whole number"):
        after(OffsetPaginator(total="total"), {"total": total})
    assert after(OffsetPaginator(total="total"), {"total": " 2 "}) is None


@pytest.mark.parametrize("value", ["/", "items 0-49/", "items 0-49/many", "items 0-49/-1"])
def test_a_content_range_without_a_number_is_said(value: str) -> None:
    with pytest.raises(DecodeError, match="whole number"):
        after(OffsetPaginator(total="header:Content-Range"), [], headers={"content-range": value})


@pytest.mark.parametrize(
    "build",
    [
        lambda: CursorPaginator("a", "b..c", in_="json"),
        lambda: CursorPaginator("a", "b c", in_="header"),
        lambda: CursorPaginator("a", "b\n", in_="header"),
        lambda: OffsetPaginator(offset_param="a.", in_="json"),
        lambda: OffsetPaginator(offset_param="x", limit_param="x"),
        lambda: OffsetPaginator(offset_param="X", limit_param="x", in_="header"),
        lambda: PageNumberPaginator(param="p", size_param="p", size=3),
        lambda: PageNumberPaginator(param="a:b", in_="header"),
        lambda: KeysetPaginator("id", ".a", in_="json"),
        lambda: KeysetPaginator("header:X-Id", "after"),
    ],
)
def test_parameters_that_cannot_stand_in_their_place_are_said_at_build(build: Any) -> None:
    with pytest.raises(ConfigurationError, match="Paginator"):
        build()
