"""Reading while rows come, go and move between any two requests: what is lost is never taken for complete, and an overlap loses nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit.errors import IncompleteRead, PaginationStalled
from integrakit.http import OffsetPaginator, PageNumberPaginator
from integrakit.http.read_options import ReadSpec
from integrakit.http.reader import HttpReader
from integrakit.model import Checkpoint, Request, Response
from integrakit.runtimes import SimulatedRuntime

INSERT = st.tuples(st.just("insert"), st.integers(0, 30))
DELETE = st.tuples(st.just("delete"), st.integers(0, 30))
MOVE = st.tuples(st.just("front") | st.just("back"), st.integers(0, 30))
GROWING = st.lists(st.lists(INSERT | DELETE, max_size=4), max_size=12)
MOVING = st.lists(st.lists(INSERT | DELETE | MOVE, max_size=4), max_size=25)


class Collection:
    """Rows in an order, and what happens to them before each request."""

    def __init__(self, count: int, history: list[list[tuple[str, int]]], cap: int, *, total: bool) -> None:
        self.rows = list(range(count))
        #: Rows that were there from the first request on, and still are.
        self.throughout = set(self.rows)
        self.history = iter(history)
        self.cap = cap
        self.total = total
        self.fresh = count
        self.asked = 0

    async def __call__(self, request: Request) -> Response:
        # What happens before the first request happens before the read.
        for kind, where in next(self.history, []) if self.asked else []:
            self.happen(kind, where)
        self.asked += 1
        assert self.asked < 5000
        size = min(self.cap, int(request.params.get("limit", request.params.get("size", self.cap))))
        start = (int(request.params["page"]) - 1) * size if "page" in request.params else int(request.params.get("offset", 0))
        body: dict[str, Any] = {"data": [{"id": number} for number in self.rows[start : start + size]]}
        if self.total:
            body["total"] = len(self.rows)
        return Response(httpx.Response(200, content=json.dumps(body).encode(), request=httpx.Request("GET", request.url)), request)

    def happen(self, kind: str, where: int) -> None:
        if kind == "insert":
            self.rows.insert(where % (len(self.rows) + 1), self.fresh)
            self.fresh += 1
        elif self.rows:
            row = self.rows.pop(where % len(self.rows))
            if kind == "delete":
                self.throughout.discard(row)
            else:
                self.rows.insert(0 if kind == "front" else len(self.rows), row)

    def paginator(self, kind: str, overlap: int = 0) -> Any:
        total = "total" if self.total else None
        return PageNumberPaginator(total=total) if kind == "page" else OffsetPaginator(total=total, overlap=overlap)


def read(collection: Collection, paginator: Any, stop_after: int | None = None, since: Checkpoint | None = None, **options: Any) -> Any:
    """The keys that came, the evidence, and the checkpoint of the page it was left at."""
    request = Request(method="GET", url="http://api.test/rows")
    spec = ReadSpec(request=request, resource="/rows", records="data", paginator=paginator, key="id", **options)

    async def main() -> Any:
        reader = HttpReader(spec, collection, own=lambda url: True, since=since)
        came: list[int] = []
        pages, checkpoint = 0, None
        try:
            while (page := await reader.next_page()) is not None:
                came += [record["id"] for record in page.records]
                pages, checkpoint = pages + 1, page.checkpoint
                if pages == stop_after:
                    break
        except IncompleteRead:
            pass  # the evidence says so too
        except PaginationStalled:
            return came, None, checkpoint
        return came, reader.evidence, checkpoint

    return SimulatedRuntime(seed=1).run(main())


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("kind", ["offset", "page"])
@given(st.integers(0, 12), MOVING, st.integers(1, 5), st.integers(0, 3))
def test_reading_the_keys_once_more_detects_every_loss(kind: str, total: bool, count: int, history: Any, cap: int, overlap: int) -> None:
    collection = Collection(count, history, cap, total=total)
    came, evidence, _ = read(collection, collection.paginator(kind, overlap), final_check="ids")
    assert len(came) == len(set(came))
    if evidence is not None and evidence.complete is True:
        assert collection.throughout <= set(came)


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("kind", ["offset", "page"])
@given(st.integers(0, 23), st.integers(1, 5), st.integers(0, 3))
def test_in_a_quiet_collection_the_keys_prove_that_it_is_complete(kind: str, total: bool, count: int, cap: int, overlap: int) -> None:
    collection = Collection(count, [], cap, total=total)
    came, evidence, _ = read(collection, collection.paginator(kind, overlap), final_check="ids")
    assert came == list(range(count))
    assert evidence.complete is True, evidence


@pytest.mark.parametrize("total", [True, False])
@given(st.integers(0, 14), GROWING, st.integers(2, 6), st.integers(1, 5))
def test_an_overlap_loses_nothing_where_rows_come_and_go(total: bool, count: int, history: Any, cap: int, overlap: int) -> None:
    collection = Collection(count, history, cap, total=total)
    came, evidence, _ = read(collection, collection.paginator("offset", overlap))
    assert len(came) == len(set(came))
    if evidence is not None:  # as many inserts as a page has new rows, each time: that looks as a server that does not move on, and is an error
        assert collection.throughout <= set(came) or evidence.complete is False
        assert evidence.complete is not True


@given(st.integers(0, 23), st.integers(2, 6), st.integers(1, 5), st.booleans())
def test_an_overlap_in_a_quiet_collection_changes_nothing(count: int, cap: int, overlap: int, total: bool) -> None:
    collection = Collection(count, [], cap, total=total)
    came, evidence, _ = read(collection, collection.paginator("offset", overlap))
    assert came == list(range(count))
    assert evidence.complete is None
    assert evidence.records == count


@pytest.mark.parametrize("total", [True, False])
@given(st.integers(0, 14), MOVING, st.integers(1, 6), st.integers(1, 5))
def test_an_overlap_never_proves_anything_where_rows_move(total: bool, count: int, history: Any, cap: int, overlap: int) -> None:
    collection = Collection(count, history, cap, total=total)
    came, evidence, _ = read(collection, collection.paginator("offset", overlap))
    assert len(came) == len(set(came))
    assert evidence is None or evidence.complete is not True


@pytest.mark.parametrize("total", [True, False])
@given(st.integers(0, 14), GROWING, st.integers(2, 6), st.integers(1, 5), st.integers(1, 4))
def test_an_overlap_loses_nothing_over_a_restart_either(total: bool, count: int, history: Any, cap: int, overlap: int, stop: int) -> None:
    collection = Collection(count, history, cap, total=total)
    first, evidence, checkpoint = read(collection, collection.paginator("offset", overlap), stop_after=stop)
    if checkpoint is None or checkpoint.token is None:
        return
    kept = Checkpoint.from_dict(json.loads(json.dumps(checkpoint.to_dict())))
    rest, evidence, _ = read(collection, collection.paginator("offset", overlap), since=kept)
    if evidence is not None:
        assert collection.throughout <= {*first, *rest} or evidence.complete is False
        assert evidence.complete is not True


@pytest.mark.parametrize("kind", ["offset", "page"])
@given(st.integers(0, 14), MOVING, st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_a_read_taken_up_in_the_middle_proves_nothing_by_its_keys(kind: str, count: int, history: Any, cap: int, stop: int, total: bool) -> None:
    collection = Collection(count, history, cap, total=total)
    _, _, checkpoint = read(collection, collection.paginator(kind), stop_after=stop, final_check="ids")
    if checkpoint is None or checkpoint.token is None:
        return
    _, evidence, _ = read(collection, collection.paginator(kind), since=checkpoint, final_check="ids")
    assert evidence is None or evidence.complete is not True
