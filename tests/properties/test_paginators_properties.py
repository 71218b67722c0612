"""Paginators against any answer: a request that goes on, None, or a DecodeError, and never a changed request."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

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
from integrakit.http.paths import ABSENT, look_up, parse_path, put_at
from integrakit.http.recognise import recognise
from integrakit.model import Request, Response

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(["/a", "?b=1", "https://x.example/a?n=2", "http://[", "false", "0", " 5 ", "1_0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "next", "href", "n"]), inner, max_size=3),
    max_leaves=6,
)
BODIES = (
    st.dictionaries(st.sampled_from(["next", "total", "more", "has_more", "meta", "next_cursor", "last_page", "links"]), ANYTHING, max_size=5)
    | ANYTHING
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "link": st.sampled_from(['</b>; rel="next"', "<>; rel=next", '<http://[>; rel="next"', '</p>; rel="prev"']),
        "x-total": st.text(alphabet="0123456789/*-x", max_size=8),
    },
)
PAGINATORS = st.sampled_from(
    [
        SinglePagePaginator(),
        HeaderLinkPaginator(),
        JSONLinkPaginator("next"),
        JSONLinkPaginator("header:X-Total"),
        *(CursorPaginator("next", "n", in_=place, has_more=more) for place in ("params", "json", "header") for more in (None, "more")),  # type: ignore[arg-type]
        *(OffsetPaginator(limit=2, total=total, in_=place) for place in ("params", "json", "header") for total in (None, "total", "header:X-Total")),  # type: ignore[arg-type]
        *(PageNumberPaginator(total=total) for total in (None, "total", "header:X-Total")),
        *(KeysetPaginator("id", "n", has_more=more) for more in (None, "more")),
        *(
            KeysetPaginator("id", "n", template=template, quote=quote)
            for template in ("gt.{}", "id gt '{}'")
            for quote in (None, "double", "backslash")
        ),  # type: ignore[arg-type]
        JSONLinkPaginator("links", rel="next", has_more="more"),
        OffsetPaginator(limit=3, overlap=2, total="total"),
    ]
)


@given(PAGINATORS, BODIES, HEADERS, st.lists(st.dictionaries(st.just("id"), ANYTHING), max_size=3), st.sampled_from([200, 204]))
def test_any_answer_is_understood_or_said(paginator: Any, body: Any, headers: dict[str, str], records: list[Any], status: int) -> None:
    asked = Request(method="GET", url="https://x.example/v1/a?offset=3", params={"q": 1}, headers={"h": "1"}, json={"q": {"deep": [1]}})
    before = (asked.url, dict(asked.params), dict(asked.headers), dumps(asked.json))
    raw = httpx.Response(status, headers=headers, content=b"" if status == 204 else dumps(body), request=httpx.Request("GET", asked.url))
    try:
        first = paginator.first_request(asked) if hasattr(paginator, "first_request") else asked
        following = paginator.next_request(first, Response(raw, first), records)
        if hasattr(paginator, "declared_total"):
            total = paginator.declared_total(Response(raw, first))
            assert total is None or (type(total) is int and total >= 0)
    except DecodeError:
        following = None
    assert following is None or (isinstance(following, Request) and following is not asked and following is not first)
    assert (asked.url, asked.params, asked.headers, dumps(asked.json)) == before


@given(BODIES, HEADERS, st.integers(0, 5))
def test_recognising_never_fails(body: Any, headers: dict[str, str], count: int) -> None:
    raw = httpx.Response(200, headers=headers, content=dumps(body), request=httpx.Request("GET", "https://x.example/a"))
    found = recognise(Response(raw, Request(method="GET", url="https://x.example/a")), count)
    assert not (found.more and found.reason is None)
    assert (found.stability == "unknown") is (found.reason is not None)


@given(st.integers(0, 50), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_an_offset_reaches_every_row_whatever_the_server_caps(rows: int, limit: int, cap: int, tells: bool) -> None:
    paginator = OffsetPaginator(limit=limit, total="total" if tells else None)
    asked: Request | None = paginator.first_request(Request(method="GET", url="https://x.example/a"))
    seen: list[int] = []
    while asked is not None:
        start = asked.params.get("offset", 0)
        page = list(range(rows))[start : start + min(limit, cap)]
        seen += page
        raw = httpx.Response(200, content=dumps({"total": rows}), request=httpx.Request("GET", asked.url))
        asked = paginator.next_request(asked, Response(raw, asked), page)
    assert seen == list(range(rows))


@given(st.integers(0, 60), st.integers(1, 7), st.integers(0, 6), st.integers(0, 1), st.integers(0, 9))
def test_what_is_known_in_advance_is_what_is_asked_for_one_by_one(rows: int, cap: int, overlap: int, start: int, most: int) -> None:
    for paginator in (OffsetPaginator(overlap=overlap, start=start, total="total"), PageNumberPaginator(start=start, total="total")):
        asked: Request | None = paginator.first_request(Request(method="GET", url="https://x.example/a"))
        chain: list[dict[str, Any]] = []
        foreseen: list[list[dict[str, Any]]] = []
        came = 0
        while asked is not None:
            chain.append(asked.params)
            counted = isinstance(paginator, OffsetPaginator)
            first = asked.params.get("offset", start) - start if counted else (asked.params["page"] - start) * cap
            page = list(range(rows))[first : first + cap]
            came = max(came, first + len(page))
            response = Response(httpx.Response(200, content=dumps({"total": rows}), request=httpx.Request("GET", asked.url)), asked)
            following = paginator.next_request(asked, response, page)
            if came >= rows:
                following = None
            foreseen.append([] if following is None else [each.params for each in paginator.requests_ahead(following, response, page, came, most)])
            asked = following
        for number, known in enumerate(foreseen):
            # The last page may be shorter, so that nothing is asked for after it; never is anything else asked for than was foreseen.
            assert known == chain[number + 2 : number + 2 + most]


@given(ANYTHING, st.lists(st.sampled_from(["id", "next", "0", "1", "href"]), min_size=1, max_size=4), ANYTHING)
def test_what_was_put_is_found_there(body: Any, steps: list[str], value: Any) -> None:
    path = parse_path(".".join(steps))
    before = dumps(body)
    try:
        changed = put_at(body, path, value)
    except ConfigurationError:
        changed = None
    else:
        assert look_up(changed, path) == value
    assert dumps(body) == before
    look_up(body, path)
    assert look_up(body, ("nowhere",)) is ABSENT
