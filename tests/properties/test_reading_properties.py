"""Reading: over any sizes and caps every record comes exactly once, and a read that is taken up again gives exactly the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from hypothesis import given
from hypothesis import strategies as st

from integrakit.http import (
    Client,
    CursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    KeysetPaginator,
    OffsetPaginator,
    PageNumberPaginator,
)
from integrakit.http.origins import Origins
from integrakit.model import Checkpoint, Window
from integrakit.reading import later, lower_bound, settled
from integrakit.runtimes import SimulatedRuntime

PAGINATORS: dict[str, Any] = {
    "link": lambda size: HeaderLinkPaginator(),
    "body link": lambda size: JSONLinkPaginator("next"),
    "cursor": lambda size: CursorPaginator("cursor", "after"),
    "cursor in json": lambda size: CursorPaginator("cursor", "page.after", in_="json"),
    "offset": lambda size: OffsetPaginator(limit=size),
    "offset with total": lambda size: OffsetPaginator(limit=size, total="total"),
    "page": lambda size: PageNumberPaginator(size_param="size", size=size),
    "page with total": lambda size: PageNumberPaginator(size_param="size", size=size, total="header:X-Total"),
    "keyset": lambda size: KeysetPaginator("id", "above"),
    "keyset with more": lambda size: KeysetPaginator("id", "above", has_more="more"),
}


class Server:
    """Pages by whatever it is asked with, never more than ``cap`` at once; repeats a page now and then, as a stale cache does."""

    def __init__(self, count: int, cap: int, repeat_every: int) -> None:
        self.rows = [{"id": number + 1} for number in range(count)]
        self.cap = cap
        self.repeat_every = repeat_every
        self.calls = 0
        self.before: Any = None

    async def __call__(self, request: Any, world: Any) -> Any:
        self.calls += 1
        if self.repeat_every and self.calls % self.repeat_every == 0 and self.before is not None and self.before[2]:
            answer, self.before = self.before, None
            return (*answer[:2], answer[3])
        query = dict(part.split("=") for part in urlsplit(request.url).query.split("&") if part)
        params = {**query, **request.params, **((request.json or {}).get("page", {}))}
        size = min(self.cap, int(params.get("limit", params.get("size", self.cap))))
        if "page" in request.params:
            start = (int(params["page"]) - 1) * size
        elif "above" in params:
            start = int(params["above"])
        else:
            start = int(params.get("offset", params.get("after", 0)))
        rows = self.rows[start : start + size]
        end = start + len(rows)
        more = end < len(self.rows)
        body = {"data": rows, "total": len(self.rows), "more": more, "cursor": f"{end}" if more else None, "next": f"?after={end}" if more else None}
        headers = [("X-Total", str(len(self.rows)))] + ([("Link", f'<?after={end}>; rel="next"')] if more else [])
        answer = (200, headers, rows, json.dumps(body).encode())
        # Only a page in the middle can come again: the protocol would end with the last.
        self.before = answer if more and self.repeat_every > 1 else None
        return (*answer[:2], answer[3])


@given(st.sampled_from(sorted(PAGINATORS)), st.integers(0, 60), st.integers(1, 25), st.integers(1, 25), st.sampled_from([0, 0, 3, 4, 7]), st.data())
def test_every_record_exactly_once(kind: str, count: int, cap: int, size: int, repeat: int, data: st.DataObject) -> None:
    world = SimulatedRuntime(seed=1)
    server = Server(count, cap, 0 if kind.startswith("page") and cap < size else repeat)
    world.hosts[("http", "api.test", 80)] = server

    async def main() -> None:
        async with Client("http://api.test") as client:
            stream = client.stream("/rows", records="data", paginator=PAGINATORS[kind](size), key="id", json={} if "json" in kind else None)
            pages = [page async for page in stream.pages()]
            assert [row for page in pages for row in page.records] == server.rows
            assert stream.evidence.records == count
            assert stream.evidence.complete is (None if kind.startswith(("offset", "page")) else True)
            middle = [number for number, page in enumerate(pages) if page.checkpoint is not None and page.checkpoint.token is not None]
            if middle:
                number = data.draw(st.sampled_from(middle))
                server.before = None
                stored = Checkpoint.from_dict(json.loads(json.dumps(pages[number].checkpoint.to_dict())))
                rest: list[Any] = []
                async for page in stream.pages(stored):
                    rest += page.records
                assert rest == server.rows[sum(len(page.records) for page in pages[: number + 1]) :]
                assert stream.evidence.records == count

    world.run(main())


moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
written = st.one_of(
    moments.map(lambda moment: moment.isoformat()),
    moments.map(lambda moment: moment.replace(tzinfo=None).isoformat() + "Z"),
    moments.map(lambda moment: moment.replace(tzinfo=None).isoformat(sep=" ")),
    moments.map(lambda moment: moment.date().isoformat()),
)
numbers = st.integers(0, 4_000_000_000) | st.integers(1_000_000_000_000, 4_000_000_000_000)


@given(st.lists(written, min_size=1, max_size=8) | st.lists(numbers, min_size=1, max_size=8) | st.lists(moments, min_size=1, max_size=8))
def test_the_highest_is_the_same_in_any_order(values: list[Any]) -> None:
    highest = None
    for value in values:
        highest = later(highest, value)
    backwards = None
    for value in reversed(values):
        backwards = later(backwards, value)
    assert later(highest, backwards) == highest
    assert highest in values
    assert all(later(highest, value) == highest or later(value, highest) == value for value in values)


@given(written | numbers | moments, st.floats(0.001, 10**6))
def test_a_bound_is_never_later_than_the_watermark(watermark: Any, overlap: float) -> None:
    bound = lower_bound(watermark, Window(overlap=overlap))
    assert later(bound, watermark) == watermark
    assert bound != watermark or overlap < 0.001


@given(written | moments, st.floats(0.001, 10**6), moments)
def test_nothing_newer_than_the_settle_window_is_believed(watermark: Any, settle: float, now: datetime) -> None:
    found = settled(watermark, Window(settle=settle), now)
    assert later(found, watermark) == watermark or found == watermark
    limit = now - timedelta(seconds=settle) + timedelta(microseconds=2)
    assert later(limit.isoformat(), found if isinstance(found, str) else found.isoformat()) == limit.isoformat()


@given(st.text("htps:/\\@.?#[]:0123456789abe% \t\nxn-ＡéⅠ", max_size=40) | st.text(max_size=30))
def test_what_we_take_for_our_own_is_where_the_library_would_go(tail: str) -> None:
    origins = Origins("https://api.example", [])
    for url in (tail, f"https://{tail}", f"https://api.example{tail}", f"//api.example{tail}"):
        if not origins.own(url):
            continue
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            continue
        assert (target.scheme, target.host, target.port or 443) == ("https", "api.example", 443)
