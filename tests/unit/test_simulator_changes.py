"""Collections of the simulator that change while they are read: their order, keyset and snapshot pages, empty pages, the hook between requests."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

import integrakit as ik
from integrakit.errors import ConfigurationError
from integrakit.testing import Faults, RecordedRequest, Simulator, simulate


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def get(http: httpx.Client, api: Simulator, **params: Any) -> Any:
    return http.get(api.url + "/rows", params=params).json()


def ids(answer: Any) -> list[Any]:
    return [row["id"] for row in answer["rows"]]


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("pagination", ["link", "cursor", "offset", "page", "snapshot"])
def test_rows_come_in_the_order_that_is_named(http: httpx.Client, pagination: Any) -> None:
    rows = [{"id": 1, "at": "b"}, {"id": 2, "at": None}, {"id": 3, "at": "a"}, {"id": 4, "at": 7}, {"id": 5, "at": True}, {"id": 6, "at": "a"}]
    with Simulator({"rows": rows}, pagination=pagination, order_by="at", page_size=10) as api:
        assert ids(get(http, api)) == [2, 4, 3, 6, 1, 5]
        api.put("rows", {"id": 2, "at": "z"})
        assert ids(get(http, api)) == [4, 3, 6, 1, 5, 2]


@pytest.mark.parametrize("order_by", [None, ("group", "id"), ["price"]])
def test_pages_by_position_go_on_behind_the_last_row_whatever_happened_to_it(http: httpx.Client, order_by: Any) -> None:
    rows = [{"id": number, "group": number % 2, "price": Decimal(number) / 2} for number in range(1, 8)]
    with Simulator({"rows": rows}, pagination="cursor", order_by=order_by, page_size=2) as api:
        page = get(http, api)
        came = ids(page)
        api.delete("rows", came[-1])
        while page["next"] is not None:
            page = get(http, api, after=page["next"])
            came += ids(page)
    assert sorted(came) == [1, 2, 3, 4, 5, 6, 7]
    assert len(came) == 7


def test_keyset_pages_go_by_the_key(http: httpx.Client) -> None:
    with Simulator({"rows": [{"id": number} for number in (30, 10, 20, 2)]}, pagination="keyset", page_size=2) as api:
        assert get(http, api) == {"rows": [{"id": 2}, {"id": 10}], "has_more": True}
        api.delete("rows", 10)
        api.put("rows", {"id": 15})
        assert get(http, api, starting_after=10) == {"rows": [{"id": 15}, {"id": 20}], "has_more": True}
        assert get(http, api, starting_after=20) == {"rows": [{"id": 30}], "has_more": False}
        assert get(http, api, starting_after=99) == {"rows": [], "has_more": False}


def test_keyset_pages_go_by_several_fields_of_any_type(http: httpx.Client) -> None:
    rows = [{"id": f"{number}", "at": f"2026-01-0{number % 2 + 1}, noon", "n": number / 4} for number in range(1, 6)]
    with Simulator({"rows": rows}, pagination="keyset", order_by=("at", "n"), page_size=2) as api:
        assert ids(get(http, api)) == ["2", "4"]
        assert ids(get(http, api, starting_after="2026-01-01, noon,1.0,4")) == ["1", "3"]
        answer = http.get(api.url + "/rows", params={"starting_after": "4"})
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "starting_after takes at,n,id of a row, not '4'")
    with Simulator({"rows": []}, pagination="keyset", order_by="at") as api:
        assert ids(get(http, api, starting_after="4")) == []


def test_keys_that_are_texts_of_digits_are_ordered_as_texts(http: httpx.Client) -> None:
    with Simulator({"rows": [{"id": text} for text in ("9", "10", "1")]}, pagination="keyset", page_size=2) as api:
        assert ids(get(http, api)) == ["1", "10"]
        assert ids(get(http, api, starting_after="10")) == ["9"]


def test_a_snapshot_stands_still(http: httpx.Client) -> None:
    with Simulator({"rows": [{"id": number, "state": "old"} for number in range(5)]}, pagination="snapshot", page_size=2) as api:
        first = get(http, api)
        assert first["total"] == 5
        api.put("rows", {"id": 2, "state": "new"})
        api.put("rows", {"id": 9, "state": "new"})
        api.delete("rows", 3)
        second = get(http, api, snapshot=first["next"])
        assert second["rows"] == [{"id": 2, "state": "old"}, {"id": 3, "state": "old"}]
        assert get(http, api, snapshot=first["next"]) == second
        assert get(http, api, snapshot=second["next"]) == {"rows": [{"id": 4, "state": "old"}], "next": None, "total": 5}
        assert ids(get(http, api)) == [0, 1]
        assert get(http, api, limit=9)["rows"] == get(http, api)["rows"]


def test_a_snapshot_is_not_kept_for_ever(http: httpx.Client) -> None:
    with Simulator({"rows": [{"id": 1}, {"id": 2}]}, pagination="snapshot", page_size=1, envelope=False) as api:
        first = http.get(api.url + "/rows")
        assert first.json() == [{"id": 1}]
        cursor = first.headers["x-next-cursor"]
        for _ in range(63):
            http.get(api.url + "/rows")
        assert http.get(api.url + "/rows", params={"snapshot": cursor}).json() == [{"id": 2}]
        http.get(api.url + "/rows")
        gone = http.get(api.url + "/rows", params={"snapshot": cursor})
        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "gone")


@pytest.mark.parametrize("text", ['["rows",1]', '["other",1,0]', '["rows","1",0]', '["rows",1,-1]', '["rows",1,"0"]', "{}", "x"])
def test_a_wrong_snapshot_is_400(http: httpx.Client, text: str) -> None:
    with Simulator({"rows": [{"id": 1}]}, pagination="snapshot") as api:
        assert http.get(api.url + "/rows", params={"snapshot": token(text)}).status_code == 400


@pytest.mark.parametrize("text", ['["rows",1,0]', '["rows",[1],0]', '["rows",[1,2,3],0]', '["rows",[1,2],null]'])
def test_a_token_of_another_order_is_400(http: httpx.Client, text: str) -> None:
    with Simulator({"rows": [{"id": 1, "at": 2}]}, pagination="cursor", order_by="at") as api:
        assert http.get(api.url + "/rows", params={"after": token(text)}).status_code == 400


@pytest.mark.parametrize("pagination", ["link", "cursor"])
def test_an_empty_page_names_a_next_one_at_the_same_place(pagination: Any) -> None:
    faults = Faults.script(["empty", "empty", None, "empty"])

    def job() -> Any:
        with Simulator({"rows": [{"id": number} for number in range(5)]}, pagination=pagination, page_size=2, faults=faults) as api:
            paginator = ik.HeaderLinkPaginator() if pagination == "link" else ik.CursorPaginator("next", "after")
            read = ik.Client(api.url).stream("/rows", key="id", records="rows", paginator=paginator)
            return [row["id"] for row in read], [request.fault for request in api.requests], read.evidence.complete

    assert simulate(job) == ([0, 1, 2, 3, 4], ["empty", "empty", None, "empty", None, None], True)


@pytest.mark.parametrize("pagination", ["keyset", "snapshot", "offset", "page"])
def test_where_an_empty_page_would_be_the_end_there_is_none(http: httpx.Client, pagination: Any) -> None:
    with Simulator({"rows": [{"id": 1}]}, pagination=pagination, faults=Faults.script(["empty"])) as api:
        assert ids(get(http, api)) == [1]
        assert api.requests[0].fault is None


def test_an_empty_collection_has_no_next_page(http: httpx.Client) -> None:
    with Simulator({"rows": []}, pagination="cursor", faults=Faults.script(["empty"])) as api:
        assert get(http, api) == {"rows": [], "next": None}


def test_a_bound_from_above_is_exclusive_and_met_by_no_null(http: httpx.Client) -> None:
    rows = [{"id": number, "at": None if number == 3 else number} for number in range(1, 6)]
    with Simulator({"rows": rows}) as api:
        assert ids(get(http, api, at_gte=2, at_lt=5)) == [2, 4]
        assert ids(get(http, api, at_lt="x")) == []


@pytest.mark.parametrize("virtual", [True, False])
def test_the_hook_is_called_before_each_request_and_what_it_changes_is_met(virtual: bool) -> None:
    asked: list[RecordedRequest] = []

    def job() -> Any:
        def hook(request: RecordedRequest) -> None:
            asked.append(request)
            api.put("rows", {"id": len(asked)})

        with Simulator({"rows": []}, on_request=hook, faults=Faults.script([503])) as api, ik.Client(api.url, retry=None) as client:
            assert client.get("/rows", check=False).status_code == 503
            return client.get("/rows", params={"a": "1"}).json()

    assert (simulate(job) if virtual else job()) == {"rows": [{"id": 1}, {"id": 2}]}
    assert [(request.method, request.path, request.query) for request in asked] == [("GET", "/rows", {}), ("GET", "/rows", {"a": "1"})]
    assert {(request.status, request.fault, request.id) for request in asked} == {(None, None, "")}


@pytest.mark.parametrize("arguments", [{"order_by": 1}, {"order_by": ["a", 2]}, {"order_by": ""}, {"on_request": 3}, {"pagination": "token"}])
def test_wrong_arguments_are_named(arguments: Any) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        Simulator({"rows": []}, **arguments)
