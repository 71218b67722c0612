"""How the simulator hands out collections: page sizes, tokens, filters, and what changes under a reader's feet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integrakit.testing import Faults, Simulator

Ids = list[int]


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": number, "status": "paid" if number % 2 else "open"} for number in range(1, count + 1)]


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def ids(answer: httpx.Response) -> Ids:
    assert answer.status_code == 200, answer.text
    content = answer.json()
    return [row["id"] for row in (content if isinstance(content, list) else content["orders"])]


def following(answer: httpx.Response) -> str | None:
    """The URL of the next page, however it is said."""
    if "next" in answer.links:
        return str(answer.links["next"]["url"])
    content = answer.json()
    token = content.get("next") if isinstance(content, dict) else answer.headers.get("x-next-cursor")
    return None if token is None else str(answer.url.copy_merge_params({"after": token}))


def walk(http: httpx.Client, url: str, between: Callable[[int], None] = lambda page: None) -> Ids:
    seen: Ids = []
    page = 0
    address: str | None = url
    while address is not None:
        answer = http.get(address)
        seen += ids(answer)
        address = following(answer)
        between(page)
        page += 1
    return seen


@pytest.mark.parametrize("pagination", ["link", "cursor"])
@pytest.mark.parametrize("envelope", [True, False])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 6])
def test_positions_end_exactly(http: httpx.Client, pagination: Any, envelope: bool, count: int) -> None:
    with Simulator({"orders": rows(count)}, pagination=pagination, page_size=3, envelope=envelope) as api:
        assert walk(http, api.url + "/orders") == list(range(1, count + 1))
        # No needless request for an empty last page.
        assert len(api.requests) == max(1, -(-count // 3))
        answer = http.get(api.url + "/orders")
        assert answer.headers.get("x-total-count") == (None if envelope else str(count))


@pytest.mark.parametrize("pagination", ["link", "cursor"])
def test_nothing_shifts_a_reader_by_position(http: httpx.Client, pagination: Any) -> None:
    with Simulator({"orders": rows(9)}, pagination=pagination, page_size=3) as api:

        def between(page: int) -> None:
            if page == 0:
                for key in (1, 3, 5):
                    api.delete("orders", key)
                api.put("orders", {"id": 2, "status": "changed"})
                api.put("orders", {"id": 50})
            if page == 1:
                api.delete("orders", 7)

        assert walk(http, api.url + "/orders", between) == [1, 2, 3, 4, 6, 7, 8, 9, 50]
        assert [row["id"] for row in api.table("orders")] == [2, 4, 6, 8, 9, 50]


@pytest.mark.parametrize("pagination", ["link", "cursor"])
def test_a_deleted_rest_leaves_an_empty_last_page(http: httpx.Client, pagination: Any) -> None:
    with Simulator({"orders": rows(4)}, pagination=pagination, page_size=3) as api:
        assert walk(http, api.url + "/orders", lambda page: bool(api.delete("orders", 4)) and None) == [1, 2, 3]


def test_offsets_and_numbers_shift_as_real_ones_do(http: httpx.Client) -> None:
    with Simulator({"orders": rows(6)}, pagination="offset", page_size=3) as api:
        assert ids(http.get(api.url + "/orders")) == [1, 2, 3]
        api.delete("orders", 1)
        assert ids(http.get(api.url + "/orders?offset=3")) == [5, 6]  # 4 was missed
        assert http.get(api.url + "/orders?offset=99").json() == {"orders": [], "total": 5}
    with Simulator({"orders": rows(6)}, pagination="page", page_size=3) as api:
        assert http.get(api.url + "/orders?page=2&size=4").json()["page"] == 2
        assert ids(http.get(api.url + "/orders?page=2&size=2")) == [3, 4]
        assert http.get(api.url + "/orders?page=9").json() == {"orders": [], "page": 9, "total": 6}


@pytest.mark.parametrize(("pagination", "name"), [("link", "limit"), ("cursor", "limit"), ("offset", "limit"), ("page", "size")])
def test_a_page_size_is_cut_down_without_a_word(http: httpx.Client, pagination: Any, name: str) -> None:
    with Simulator({"orders": rows(9)}, pagination=pagination, page_size=4) as api:
        assert len(ids(http.get(f"{api.url}/orders?{name}=1000"))) == 4
        assert len(ids(http.get(f"{api.url}/orders?{name}=3&{name}=2"))) == 2
        for wrong in ("0", "-1", "x", "", "1.5", "１", "9" * 20):
            answer = http.get(f"{api.url}/orders", params={name: wrong})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_parameter"), wrong
            assert name in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("pagination", "name", "wrong"),
    [
        *(("cursor", "after", token) for token in ("", "x", "é", "AAAA", "b3JkZXJzOg", "b3RoZXI6MQ", "b3JkZXJzOjE=x", "b3JkZXJzOi0x", "%00")),
        ("link", "cursor", "nonsense"),
        ("offset", "offset", "-1"),
        ("page", "page", "0"),
        ("page", "page", "two"),
    ],
)
def test_a_wrong_place_is_400(http: httpx.Client, pagination: Any, name: str, wrong: str) -> None:
    with Simulator({"orders": rows(3)}, pagination=pagination) as api:
        answer = http.get(api.url + "/orders", params={name: wrong})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_parameter")


def test_a_next_link_keeps_the_other_parameters(http: httpx.Client) -> None:
    with Simulator({"a b": [{"id": n, "tag": "x&y"} for n in range(5)]}, page_size=2) as api:
        answer = http.get(api.url + "/a%20b", params={"tag": "x&y", "limit": "1", "v": "é"})
        url = str(answer.links["next"]["url"])
        assert url.startswith(f"{api.url}/a%20b?")
        query = parse_qs(urlsplit(url).query)
        assert (query["tag"], query["limit"], query["v"]) == (["x&y"], ["1"], ["é"])
        again = parse_qs(urlsplit(str(http.get(url).links["next"]["url"])).query)
        assert len(again["cursor"]) == 1


# ---------------------------------------------------------------------------------------------- filters


class Colour(Enum):
    RED = "red"


MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILTERED = [
    {"id": 1, "n": 9, "text": "b", "at": "2026-03-01T12:00:00Z", "ok": True, "none": None, "when": MOMENT, "d": Decimal("1.50"), "c": Colour.RED},
    {"id": 2, "n": 10, "text": "10", "at": "2026-03-01T13:00:00+01:00", "ok": False, "none": "", "f": 0.1, "t": time(9, 30), "tags": ["a"]},
    {"id": 3, "n": 10.5, "text": "2026-02-30", "at": "2026-03-01T11:59:59.999Z", "day": date(2026, 3, 1), "when": datetime(2026, 3, 2)},
    {
        "id": 4,
        "text": "null",
        "at": None,
        "o": {"a": 1},
        "n": "9",  # text, so compared as text
        "edge": "0001-01-01T00:00:00+05:00",
    },
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3, 4]),
        ("unknown=1", [1, 2, 3, 4]),
        ("unknown_min=1", [1, 2, 3, 4]),
        ("_min=1", [1, 2, 3, 4]),
        ("id=2", [2]),
        ("id=2&id=3", [2, 3]),
        ("id=2.0", [2]),
        ("id=x", []),
        ("n=10.50", [3]),
        ("n_min=10", [2, 3, 4]),
        ("n_gte=9&text=b", [1]),
        ("n_min=9", [1, 2, 3, 4]),
        ("n_min=abc", []),
        ("n_min=9&n_min=10", [2, 3, 4]),
        ("n=nan", []),
        ("d=1.5", [1]),
        ("f=0.1", [2]),
        ("text_min=b", [1, 4]),
        ("text=B", []),
        ("text=10", [2]),
        ("ok=true", [1]),
        ("ok=false", [2]),
        ("none=null", [1]),
        ("none=", [1, 2]),
        ("none_min=", [2]),
        ("at=2026-03-01T12:00:00Z", [1, 2]),
        ("at_min=2026-03-01T12:00:00%2B00:00", [1, 2]),
        ("at_gte=2026-03-01T11:59:59.5Z", [1, 2, 3]),
        ("at_min=2026-03-01", [1, 2, 3]),
        ("at_min=2026", [1, 2, 3]),
        ("when_min=2026-03-02T00:00:00Z", [3]),
        ("when=2026-03-01T13:00:00%2B01:00", [1]),
        ("day=2026-03-01", [3]),
        ("t=09:30:00", [2]),
        ("c=red", [1]),
        ("tags=a", []),
        ("o_min=a", []),
        ("edge=0001-01-01T00:00:00%2B05:00", [4]),
        ("text=2026-02-30", [3]),
    ],
)
def test_filters(http: httpx.Client, query: str, found: Ids) -> None:
    with Simulator({"orders": FILTERED}) as api:
        assert ids(http.get(f"{api.url}/orders?{query}")) == found
        assert ids(http.get(f"{api.url}/orders?{query}")) == found  # from the remembered selection


def test_a_filter_and_a_total_go_together(http: httpx.Client) -> None:
    with Simulator({"orders": rows(9)}, pagination="offset", page_size=2) as api:
        assert http.get(api.url + "/orders?status=paid&offset=4").json() == {"orders": [{"id": 9, "status": "paid"}], "total": 5}
        api.put("orders", {"id": 2, "status": "paid"})
        assert http.get(api.url + "/orders?status=paid").json()["total"] == 6
        api.delete("orders", 2)
        assert http.get(api.url + "/orders?status=paid").json()["total"] == 5
        for number in range(40):  # more than are remembered
            assert ids(http.get(f"{api.url}/orders?id={number}")) == ([number] if number in (1, *range(3, 10)) else [])


def test_a_field_seen_later_can_be_filtered_by(http: httpx.Client) -> None:
    with Simulator({"orders": []}) as api:
        assert ids(http.get(api.url + "/orders?colour=red")) == []
        api.put("orders", {"id": 1})
        assert ids(http.get(api.url + "/orders?colour=red")) == [1]
        http.post(api.url + "/orders", json={"colour": "red"})
        assert ids(http.get(api.url + "/orders?colour=red")) == [2]


# ---------------------------------------------------------------------------------------------- pages that repeat


@pytest.mark.parametrize("pagination", ["link", "cursor"])
def test_a_repeated_page_comes_with_its_next_link(http: httpx.Client, pagination: Any) -> None:
    with Simulator({"orders": rows(7)}, pagination=pagination, page_size=2, faults=Faults.script([None, None, "duplicate", "duplicate"])) as api:
        assert walk(http, api.url + "/orders") == [1, 2, 3, 4, 3, 4, 3, 4, 5, 6, 7]
        assert [request.fault for request in api.requests] == [None, None, "duplicate", "duplicate", None, None]


def test_a_first_page_never_repeats(http: httpx.Client) -> None:
    for pagination, first in (("link", ""), ("cursor", ""), ("offset", "?offset=0"), ("page", "?page=1"), ("page", "?size=2")):
        with Simulator({"orders": rows(5)}, pagination=pagination, page_size=2, faults=Faults(duplicate=1.0)) as api:  # type: ignore[arg-type]
            for _ in range(3):
                assert ids(http.get(f"{api.url}/orders{first}")) == [1, 2]
            assert {request.fault for request in api.requests} == {None}


def test_a_page_asked_for_again_is_not_its_own_past(http: httpx.Client) -> None:
    with Simulator({"orders": rows(6)}, pagination="offset", page_size=2) as api:
        url = api.url + "/orders?offset="
        assert [ids(http.get(f"{url}{offset}")) for offset in (0, 2, 4, 4)] == [[1, 2], [3, 4], [5, 6], [5, 6]]
        api.faults = Faults.script(["duplicate"])
        assert ids(http.get(f"{url}4")) == [3, 4]
        assert ids(http.get(f"{url}4")) == [5, 6]


def test_reads_do_not_see_each_others_past(http: httpx.Client) -> None:
    with Simulator({"orders": rows(6), "others": rows(6)}, pagination="offset", page_size=2, faults=Faults(duplicate=1.0)) as api:
        http.get(api.url + "/others?offset=0")
        http.get(api.url + "/orders?offset=0&status=paid")
        assert ids(http.get(api.url + "/orders?offset=2")) == [3, 4]
        assert ids(http.get(api.url + "/orders?offset=2&status=paid")) == [1, 3]
        for number in range(100):
            http.get(f"{api.url}/orders?offset=0&id={number}")
        assert ids(http.get(api.url + "/orders?offset=2&status=paid")) == [5]  # its past is forgotten
        post = http.post(api.url + "/orders", json={})
        assert (post.status_code, api.requests[-1].fault) == (201, None)
