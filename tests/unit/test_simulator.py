"""The simulator as a test uses it: in all four worlds through the wire, and over HTTP with somebody else's client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from integrakit._http import Wire
from integrakit.errors import ConfigurationError, ConnectError, TransportError, TransportTimeout
from integrakit.model import Request
from integrakit.runtimes import runtime
from integrakit.testing import Faults, Simulator, VirtualClock, simulate

World = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def rows(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [{"id": number, "status": "paid" if number % 2 else "open", "total": number * 10} for number in range(first, first + count)]


def asked(world: World, api: Simulator, body: Callable[[Callable[..., Coroutine[Any, Any, Any]]], Coroutine[Any, Any, Any]]) -> Any:
    """Runs ``body(ask)`` in a world, with the simulator entered inside it; ``await ask("GET", "/orders", json=…)`` gives the raw response."""

    async def main() -> Any:
        wire = Wire()

        async def ask(method: str, path: str, *, limit: float | None = 5.0, **parts: Any) -> Any:
            return await runtime().send(wire, Request(method=method, url=api.url + path, **parts), limit)

        try:
            with api:
                return await body(ask)
        finally:
            await wire.aclose()

    return world(main)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


# ---------------------------------------------------------------------------------------------- the four worlds


def test_rows_are_made_read_changed_and_deleted(world: World) -> None:
    api = Simulator({"orders": rows(2)})

    async def body(ask: Any) -> None:
        made = await ask("POST", "/orders", json={"total": Decimal("12.50"), "note": "für Zoë 🧾"})
        assert (made.status_code, made.json()) == (201, {"total": 12.5, "note": "für Zoë 🧾", "id": 3})
        assert made.headers["location"] == f"{api.url}/orders/3"
        assert b'"total":12.50' in made.content
        assert (await ask("GET", "/orders/3")).json() == made.json()
        assert (await ask("PATCH", "/orders/3", json={"note": None})).json() == {"total": 12.5, "note": None, "id": 3}
        assert (await ask("PUT", "/orders/9", json={"total": 1})).status_code == 201
        assert (await ask("PUT", "/orders/9", json={"id": 9, "total": 2})).status_code == 200
        gone = await ask("DELETE", "/orders/1")
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await ask("DELETE", "/orders/1")).status_code == 404
        assert (await ask("POST", "/orders", json={"id": "2"})).status_code == 409

    asked(world, api, body)
    assert api.table("orders") == [
        {"id": 2, "status": "open", "total": 20},
        {"total": Decimal("12.50"), "note": None, "id": 3},
        {"total": 2, "id": 9},
    ]
    assert str(api.table("orders")[1]["total"]) == "12.50"


def test_the_same_bytes_arrive_in_every_world(world: World) -> None:
    api = Simulator({"a b/ü".replace("/", ""): [{"id": "x"}]})

    async def body(ask: Any) -> None:
        table = "/a%20b%C3%BC"
        await ask("GET", f"{table}?q=1", params={"z": ["a", "b c"], "flag": True, "none": None, "day": date(2026, 1, 2), "u": "é&"})
        await ask("POST", table, json={"id": "y", "m": Decimal("1.10"), "at": datetime(2026, 1, 1, tzinfo=UTC)}, headers={"X-Sign": "s"})
        await ask("POST", table, content='{"id": "z"}', headers={"Content-Type": "application/json"})
        await ask("PUT", f"{table}/y", content=b'{"id": "y"}')
        await ask("POST", table, data={"id": ["1", "2"], "b": "x y"})
        await ask("GET", "/a bü/x")

    asked(world, api, body)
    get, post, text, put, form, item = api.requests
    assert (get.method, get.path) == ("GET", "/a%20b%C3%BC")
    assert get.query == {"q": "1", "z": "b c", "flag": "true", "day": "2026-01-02", "u": "é&"}
    assert post.body == b'{"id":"y","m":1.10,"at":"2026-01-01T00:00:00+00:00"}'
    assert post.json()["m"] == Decimal("1.10")
    assert (post.headers["Content-Type"], post.headers["x-sign"]) == ("application/json", "s")
    assert post.headers["content-length"] == str(len(post.body))
    assert (text.body, text.headers["content-type"], text.status) == (b'{"id": "z"}', "application/json", 201)
    assert (put.body, put.status) == (b'{"id": "y"}', 200)
    assert (form.body, form.status) == (b"id=1&id=2&b=x+y", 400)
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (item.path, item.status) == ("/a%20b%C3%BC/x", 200)
    assert all(request.headers["host"] for request in api.requests)


@pytest.mark.parametrize("pagination", ["link", "cursor", "offset", "page"])
def test_every_page_comes_once(world: World, pagination: Any) -> None:
    api = Simulator({"orders": rows(23)}, pagination=pagination, page_size=5)
    seen: list[int] = []

    async def body(ask: Any) -> None:
        path: str | None = "/orders"
        while path is not None:
            answer = await ask("GET", path)
            assert answer.status_code == 200
            content = answer.json()
            seen.extend(row["id"] for row in content["orders"])
            if pagination == "link":
                following = answer.links.get("next", {}).get("url")
                path = following.removeprefix(api.url) if following else None
            elif pagination == "cursor":
                path = f"/orders?after={content['next']}" if content["next"] else None
            elif pagination == "offset":
                path = f"/orders?offset={len(seen)}" if len(seen) < content["total"] else None
            else:
                path = f"/orders?page={content['page'] + 1}" if len(seen) < content["total"] else None

    asked(world, api, body)
    assert seen == list(range(1, 24))
    assert len(api.requests) == 5


def test_a_dropped_request_did_nothing_and_a_dropped_response_did(world: World) -> None:
    api = Simulator({"orders": []}, faults=Faults.script(["drop", "drop_response", None]))

    async def body(ask: Any) -> None:
        for _ in range(2):
            with pytest.raises(TransportError) as caught:
                await ask("POST", "/orders", json={"n": 1})
            assert caught.value.sent
            assert not isinstance(caught.value, ConnectError | TransportTimeout)
        assert (await ask("POST", "/orders", json={"n": 2})).status_code == 201

    asked(world, api, body)
    assert api.table("orders") == [{"n": 1, "id": 1}, {"n": 2, "id": 2}]
    assert [(request.status, request.fault) for request in api.requests] == [(None, "drop"), (201, "drop_response"), (201, None)]


def test_a_slow_answer_outlives_the_clients_patience_and_the_write_happens(world: World) -> None:
    api = Simulator({"orders": []}, faults=Faults.script(["slow"], slow_seconds=60, methods=["POST"]), idempotency="Idempotency-Key")
    headers = {"Idempotency-Key": "k"}

    async def body(ask: Any) -> None:
        await ask("GET", "/orders")
        with pytest.raises(TransportTimeout):
            await ask("POST", "/orders", json={"n": 1}, headers=headers, limit=0.05)
        busy = await ask("POST", "/orders", json={"n": 1}, headers=headers)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "idempotency_key_in_use")

    async def later(ask: Any) -> None:
        again = await ask("POST", "/orders", json={"n": 1}, headers=headers)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")

    asked(world, api, body)
    asked(world, api, later)
    assert api.table("orders") == [{"n": 1, "id": 1}]


def test_a_key_is_free_once_the_slow_answer_is_out() -> None:
    api = Simulator({"orders": []}, faults=Faults.script(["slow"], slow_seconds=60), idempotency="Idempotency-Key")

    async def body(ask: Any) -> None:
        with pytest.raises(TransportTimeout):
            await ask("POST", "/orders", json={"n": 1}, headers={"Idempotency-Key": "k"})
        await runtime().sleep(54.9)
        assert (await ask("POST", "/orders", json={"n": 1}, headers={"Idempotency-Key": "k"})).status_code == 409
        await runtime().sleep(0.2)
        assert (await ask("POST", "/orders", json={"n": 1}, headers={"Idempotency-Key": "k"})).status_code == 201

    asked(simulate, api, body)
    assert len(api.table("orders")) == 1


def test_the_rate_limit_refuses_and_says_when_to_come_back(world: World) -> None:
    api = Simulator({"orders": rows(1)}, limit="2 per 1 hour")

    async def body(ask: Any) -> None:
        statuses = [(await ask("GET", "/orders")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refusal = await ask("GET", "/orders/1")
        assert 3590 <= int(refusal.headers["retry-after"]) <= 3600
        assert refusal.json()["error"]["code"] == "rate_limited"

    asked(world, api, body)
    assert api.refused == 2
    api.clear_log()
    assert (api.refused, api.requests) == (0, [])


def test_latency_takes_the_worlds_own_time(world: World) -> None:
    api = Simulator({"orders": rows(1)}, latency=(0.01, 0.02), seed=3)

    async def body(ask: Any) -> None:
        before = runtime().now()
        await ask("GET", "/orders")
        assert runtime().now() - before >= 0.009
        if runtime().name == "simulated":
            assert runtime().now() - before <= 0.02

    asked(world, api, body)


def test_a_cut_body_and_a_head_without_one(world: World) -> None:
    api = Simulator({"orders": rows(3)}, faults=Faults.script(["malformed", "malformed", None, "malformed"]))

    async def body(ask: Any) -> None:
        cut = await ask("GET", "/orders")
        assert (cut.status_code, cut.headers["content-type"]) == (200, "application/json")
        with pytest.raises(ValueError, match=r".+"):
            cut.json()
        assert int(cut.headers["content-length"]) == len(cut.content)
        whole = await ask("HEAD", "/orders/2")
        full = await ask("GET", "/orders/2")
        assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", str(len(full.content)))
        assert (await ask("DELETE", "/orders/1")).status_code == 204

    asked(world, api, body)
    assert [request.fault for request in api.requests] == ["malformed", None, None, None]


def test_nobody_listens_after_the_end(world: World) -> None:
    api = Simulator({"orders": rows(1)})

    async def main() -> None:
        wire = Wire()
        with api:
            url = api.url
            assert (await runtime().send(wire, Request(method="GET", url=url + "/orders"), 5.0)).status_code == 200
        try:
            with pytest.raises(ConnectError) as caught:
                await runtime().send(wire, Request(method="GET", url=url + "/orders"), 5.0)
            assert not caught.value.sent
        finally:
            await wire.aclose()
        with pytest.raises(ConfigurationError, match="not running"):
            _ = api.url

    world(main)


def test_two_simulators_and_a_second_run_with_the_same_rows(world: World) -> None:
    shop, books = Simulator({"orders": rows(1)}), Simulator({"invoices": []}, limit="1 per 1 day")

    async def main() -> None:
        wire = Wire()

        async def ask(api: Simulator, method: str, path: str, **parts: Any) -> int:
            return int((await runtime().send(wire, Request(method=method, url=api.url + path, **parts), 5.0)).status_code)

        try:
            with shop, books:
                assert shop.url != books.url
                assert await ask(shop, "GET", "/invoices") == 404
                assert await ask(books, "POST", "/invoices", json={"n": 1}) == 201
                assert await ask(books, "GET", "/invoices") == 429
                with pytest.raises(ConfigurationError, match="running already"):
                    books.__enter__()
            with books:
                assert await ask(books, "GET", "/invoices/1") == 200
        finally:
            await wire.aclose()

    world(main)
    assert books.table("invoices") == [{"n": 1, "id": 1}]


def test_a_simulated_host_sees_no_files() -> None:
    api = Simulator({"orders": []})

    async def main() -> None:
        with api:
            await runtime().send(Wire(), Request(method="POST", url=api.url + "/orders", files={"f": b"x"}), 5.0)

    with pytest.raises(ConfigurationError, match="files="):
        simulate(main)


# ---------------------------------------------------------------------------------------------- the REST surface


def test_errors_are_json_and_say_what_is_there(http: httpx.Client) -> None:
    with Simulator({"orders": rows(1), "customers": []}) as api:
        for path in ("/", "/nope", "/orders/1/lines", "/orders//", "", "/Orders"):
            answer = http.get(api.url + path)
            assert answer.status_code == 404, path
            assert "/orders, /customers" in answer.json()["error"]["message"]
        assert http.get(api.url + "/orders/").status_code == 200
        assert http.get(api.url + "/orders/2").json()["error"] == {"code": "not_found", "message": "orders has no row with id 2"}
        assert http.patch(api.url + "/orders/2", json={}).status_code == 404
        for method, path, allowed in (
            ("DELETE", "/orders", "GET, HEAD, OPTIONS, POST"),
            ("POST", "/orders/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
            ("BREW", "/orders", "GET, HEAD, OPTIONS, POST"),
        ):
            answer = http.request(method, api.url + path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        options = http.options(api.url + "/orders/1")
        assert (options.status_code, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
        assert http.head(api.url + "/orders/7").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b"\xff", b'{"a":' + b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_a_body_that_is_not_json_is_400(http: httpx.Client, body: bytes) -> None:
    with Simulator({"orders": rows(1)}) as api:
        for method, path in (("POST", "/orders"), ("PUT", "/orders/5"), ("PATCH", "/orders/1")):
            answer = http.request(method, api.url + path, content=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_json")
        assert api.table("orders") == rows(1)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/orders", b"[]"),
        ("POST", "/orders", b'"text"'),
        ("POST", "/orders", b"null"),
        ("POST", "/orders", b'{"id": ""}'),
        ("POST", "/orders", b'{"id": true}'),
        ("POST", "/orders", b'{"id": [1]}'),
        ("POST", "/orders", b'{"note": "\\ud800"}'),
        ("PUT", "/orders/1", b'{"id": 2}'),
        ("PATCH", "/orders/1", b'{"id": 2}'),
        ("PATCH", "/orders/1", b'{"id": null}'),
        ("PATCH", "/orders/1", b"7"),
    ],
)
def test_what_cannot_be_a_row_is_422(http: httpx.Client, method: str, path: str, body: bytes) -> None:
    with Simulator({"orders": rows(1)}) as api:
        answer = http.request(method, api.url + path, content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
        assert api.table("orders") == rows(1)


def test_keys_of_any_type_and_spelling(http: httpx.Client) -> None:
    uuid = UUID("12345678-1234-5678-1234-567812345678")
    things = [{"k": "a/b c?ü%"}, {"k": uuid}, {"k": date(2026, 1, 2)}, {"k": Decimal("1.50")}, {"k": 7}]
    with Simulator({"things": things}) as api:
        for path, key in (
            ("a%2Fb%20c%3F%C3%BC%25", "a/b c?ü%"),
            (str(uuid), str(uuid)),
            ("2026-01-02", "2026-01-02"),
            ("1.50", 1.5),
            ("7", 7),
        ):
            answer = http.get(f"{api.url}/things/{path}")
            assert (answer.status_code, answer.json() if answer.status_code == 200 else None) == (200, {"k": key})
        assert http.get(f"{api.url}/things/1.5").status_code == 404
        assert api.get("things", uuid) == {"k": uuid}
        assert api.get("things", "x") is None
        with pytest.raises(ConfigurationError, match="cannot be a key"):
            api.get("things", None)
        made = http.post(f"{api.url}/things", json={"k": "ä b"})
        assert made.headers["location"].endswith("/things/%C3%A4%20b")
        assert http.get(made.headers["location"]).json() == {"k": "ä b"}


def test_the_key_of_an_upsert_has_the_type_of_the_table(http: httpx.Client) -> None:
    with Simulator({"numbers": [{"id": 1}], "texts": [{"id": "1"}], "none": []}) as api:
        for name in ("numbers", "texts", "none"):
            assert http.put(f"{api.url}/{name}/12", json={"id": None}).status_code == 201
        for text in ("007", "1" * 30, "x", "-1"):
            assert http.put(f"{api.url}/none/{text}", json={"n": 1}).json() == {"id": text, "n": 1}
        assert http.put(f"{api.url}/texts/1", json={}).json() == {"id": "1"}
        assert [row["id"] for row in api.table("numbers")] == [1, 12]
        assert [row["id"] for row in api.table("texts")] == ["1", "12"]
        assert [row["id"] for row in api.table("none")] == [12, "007", "1" * 30, "x", "-1"]


def test_a_server_made_key_is_never_used_again(http: httpx.Client) -> None:
    with Simulator({"orders": [{"id": "A-1"}, {"id": "41"}]}) as api:
        assert http.post(api.url + "/orders", json={}).json() == {"id": 42}
        assert http.delete(api.url + "/orders/42").status_code == 204
        assert http.post(api.url + "/orders", json={"id": None}).json() == {"id": 43}
        assert http.post(api.url + "/orders", json={"id": 100}).status_code == 201
        assert http.post(api.url + "/orders", json={}).json() == {"id": 101}


def test_credentials(http: httpx.Client) -> None:
    with Simulator({"orders": rows(1)}, auth="s3cret") as api:
        missing = http.get(api.url + "/orders")
        assert (missing.status_code, missing.headers["www-authenticate"]) == (401, "Bearer")
        assert http.post(api.url + "/orders", json={}, headers={"Authorization": "Bearer nope"}).status_code == 401
        assert http.get(api.url + "/orders", headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert len(api.table("orders")) == 1
        assert "s3cret" not in repr(api)
        assert "s3cret" not in repr(api.requests)
        assert api.requests[-1].headers["AUTHORIZATION"] == "Bearer s3cret"
        assert "s3cret" not in repr(api.requests[-1].headers)
    with Simulator({"orders": rows(1)}, auth=lambda headers: headers.get("X-Api-Key") == "k" and "x-api-key" in headers) as api:
        assert http.get(api.url + "/orders").status_code == 401
        assert http.get(api.url + "/orders", headers={"x-api-key": "k"}).status_code == 200


def test_an_error_of_the_users_own_auth_is_raised_at_the_end(http: httpx.Client) -> None:
    def broken(headers: Any) -> bool:
        raise KeyError("oops")

    def test(error: Exception | None) -> None:
        with Simulator({"orders": []}, auth=broken) as api:
            for _ in range(2):
                assert http.get(api.url + "/orders").json()["error"]["code"] == "simulator_failed"
            if error is not None:
                raise error

    with pytest.raises(KeyError, match="oops"):
        test(None)
    with pytest.raises(AssertionError, match="mine"):
        test(AssertionError("mine"))


# ---------------------------------------------------------------------------------------------- idempotency keys


def test_the_first_answer_is_replayed(http: httpx.Client) -> None:
    with Simulator({"orders": rows(1)}, idempotency="X-Once", faults=Faults.script([None, None, "malformed"])) as api:
        url, once = api.url + "/orders", {"x-once": "k1"}
        first = http.post(url, json={"n": 1}, headers=once)
        assert "idempotent-replayed" not in first.headers
        again = http.post(url, json={"n": 1}, headers=once)
        assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (201, first.content, "true")
        http.post(url, json={"n": 1}, headers=once)  # the fault spoils this copy only
        assert http.post(url, json={"n": 1}, headers=once).content == first.content
        for answer in (
            http.post(url, json={"n": 2}, headers=once),
            http.post(url + "?x=1", json={"n": 1}, headers=once),
            http.patch(url + "/1", json={"n": 1}, headers=once),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
        assert http.patch(url + "/9", json={"n": 1}, headers={"x-once": "k2"}).status_code == 404
        assert http.patch(url + "/1", json={"n": 1}, headers={"x-once": "k3"}).status_code == 200
        assert api.idempotency_keys == {"k1": 201, "k2": 404, "k3": 200}
        assert len(api.table("orders")) == 2


def test_what_was_not_carried_out_is_not_remembered(http: httpx.Client) -> None:
    script = Faults.script([503, "drop", None, None, None, None], retry_after=7)
    with Simulator({"orders": rows(1)}, idempotency="Idempotency-Key", faults=script, limit="3 per 1 day", auth="t") as api:
        url, headers = api.url + "/orders", {"Idempotency-Key": "k", "Authorization": "Bearer t"}
        fault = http.post(url, json={"n": 1}, headers=headers)
        assert (fault.status_code, fault.headers["retry-after"]) == (503, "7")
        with pytest.raises(httpx.RemoteProtocolError):
            http.post(url, json={"n": 1}, headers=headers)
        assert http.post(url, json={"n": 1}, headers={"Idempotency-Key": "k"}).status_code == 401
        assert http.post(url, content=b"{", headers=headers).status_code == 400
        assert http.put(url + "/1", json={}, headers=headers).status_code == 200  # not for PUT
        assert api.idempotency_keys == {}
        assert http.post(url, json={"n": 1}, headers=headers).status_code == 201
        assert http.post(url, json={"n": 1}, headers=headers).status_code == 429
        assert api.idempotency_keys == {"k": 201}


def test_a_lost_response_is_replayed(http: httpx.Client) -> None:
    with Simulator({"orders": []}, idempotency="Idempotency-Key", faults=Faults.script(["drop_response"])) as api:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post(api.url + "/orders", json={"n": 1}, headers={"Idempotency-Key": "k"})
        assert http.post(api.url + "/orders", json={"n": 1}, headers={"Idempotency-Key": "k"}).status_code == 201
        assert len(api.table("orders")) == 1


# ---------------------------------------------------------------------------------------------- what a test sees and does


def test_rows_are_copies_both_ways(http: httpx.Client) -> None:
    nested = {"id": 1, "lines": [{"n": 1}], "pair": (1, 2)}
    given = [nested]
    with Simulator({"orders": given}) as api:
        nested["lines"][0]["n"] = 99  # type: ignore[index]
        given.append({"id": 2})
        expected = {"id": 1, "lines": [{"n": 1}], "pair": [1, 2]}
        api.table("orders")[0]["lines"].append("x")
        row = api.get("orders", 1)
        assert row == expected
        row["lines"][0]["n"] = 5
        mine = {"id": 2, "tags": ["a"]}
        api.put("orders", mine)
        mine["tags"].append("b")  # type: ignore[attr-defined]
        assert api.table("orders") == [expected, {"id": 2, "tags": ["a"]}]
        assert http.get(api.url + "/orders").json()["orders"] == [expected, {"id": 2, "tags": ["a"]}]


def test_somebody_elses_writes_are_no_requests(http: httpx.Client) -> None:
    with Simulator({"orders": rows(2)}) as api:
        api.put("orders", {"id": 1, "new": True})
        api.put("orders", {"id": 5})
        assert api.delete("orders", 2)
        assert not api.delete("orders", "2")
        assert [row["id"] for row in api.table("orders")] == [1, 5]
        assert api.requests == []
        for wrong in ({"no": "key"}, {"id": float("nan")}, {"id": 1, "x": {1, 2}}, "text"):
            with pytest.raises(ConfigurationError):
                api.put("orders", wrong)  # type: ignore[arg-type]
        for use in (lambda: api.table("x"), lambda: api.put("x", {"id": 1}), lambda: api.delete("x", 1), lambda: api.get("x", 1)):
            with pytest.raises(ConfigurationError, match="no table 'x'"):
                use()


def test_requests_are_recorded_as_they_came(http: httpx.Client) -> None:
    clock = VirtualClock()
    with Simulator({"orders": rows(1)}, clock=clock) as api:
        clock.advance(12.5)
        answer = http.post(api.url + "/orders?a=1&b=&a=2", json={"n": 1})
        (request,) = api.requests
        assert (request.method, request.path, request.query) == ("POST", "/orders", {"a": "2", "b": ""})
        assert (request.status, request.fault, request.at) == (201, None, 12.5)
        assert request.id == answer.headers["x-request-id"] == "req-1"
        assert request.headers["Content-Type"] == "application/json"
        assert len(request.headers) == len(list(request.headers))
        with pytest.raises(AttributeError):
            request.status = 500  # type: ignore[misc]
        api.requests.clear()
        assert len(api.requests) == 1


def test_the_limit_goes_by_the_given_clock(http: httpx.Client) -> None:
    clock = VirtualClock()
    with Simulator({"orders": rows(1)}, clock=clock, limit="1/minute", limit_kind="token-bucket") as api:
        assert http.get(api.url + "/orders").status_code == 200
        assert http.get(api.url + "/orders").headers["retry-after"] == "60"
        clock.advance(59)
        assert http.get(api.url + "/orders").headers["retry-after"] == "1"
        clock.advance(1)
        assert http.get(api.url + "/orders").status_code == 200


def test_the_given_clock_counts_in_a_simulation_too() -> None:
    clock = VirtualClock()
    clock.advance(5)
    api = Simulator({"orders": rows(1)}, clock=clock)

    async def body(ask: Any) -> None:
        await ask("GET", "/orders")

    asked(simulate, api, body)
    assert [request.at for request in api.requests] == [5.0]


def test_repr_says_what_it_is() -> None:
    api = Simulator({"orders": rows(3)}, limit="5/second", pagination="cursor", page_size=2)
    assert repr(api) == "<Simulator not running: orders (3 rows, key id); cursor pages of 2, 5/second (sliding-log)>"
    with api:
        assert api.url.startswith("http://127.0.0.1:")
        assert api.url in repr(api)
    assert "second" not in repr(Simulator({"orders": []}))


def test_many_threads_at_once() -> None:
    with Simulator({"orders": []}, idempotency="Idempotency-Key") as api:
        failed: list[Any] = []

        def work(number: int) -> None:
            with httpx.Client() as client:
                for turn in range(20):
                    answer = client.post(api.url + "/orders", json={"n": turn}, headers={"Idempotency-Key": f"{turn}"})
                    if answer.status_code != 201:
                        failed.append(answer.text)
                    api.put("orders", {"id": f"own-{number}-{turn}"})
                    if len(api.table("orders")) < turn:
                        failed.append(turn)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert len(api.table("orders")) == 20 + 100
        assert len(api.requests) == 100
        assert len({request.id for request in api.requests}) == 100


# ---------------------------------------------------------------------------------------------- wrong arguments


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"tables": {}}, "tables"),
        ({"tables": [("orders", [])]}, "tables"),
        ({"tables": {"a/b": []}}, "name of a table"),
        ({"tables": {"": []}}, "name of a table"),
        ({"tables": {1: []}}, "name of a table"),
        ({"tables": {"orders": "rows"}}, "list of dicts"),
        ({"tables": {"orders": {"id": 1}}}, "list of dicts"),
        ({"tables": {"orders": 7}}, "list of dicts"),
        ({"tables": {"orders": [1]}}, "row 0 of table 'orders'"),
        ({"tables": {"orders": [{1: 2}]}}, "row 0 of table 'orders'"),
        ({"tables": {"orders": [{"id": 1}, {"id": "1"}]}}, "row 1 of table 'orders'"),
        ({"tables": {"orders": [{"id": 1}, {"id": None}]}}, "row 1 of table 'orders'"),
        ({"tables": {"orders": [{"k": 1}, {"id": 2}]}}, "name the key field with keys="),
        ({"tables": {"orders": [{"id": 1, "x": float("nan")}]}}, "row 0 of table 'orders'"),
        ({"tables": {"orders": [{}]}}, "no usable key in 'id'"),
        ({"tables": {"next": []}, "pagination": "cursor"}, "envelope"),
        ({"keys": {"x": "id"}}, "keys="),
        ({"keys": {"orders": 1}}, "keys="),
        ({"pagination": "scroll"}, "pagination takes one of link, cursor"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": True}, "page_size"),
        ({"limit": "fast"}, "limit='fast'"),
        ({"limit": 5}, "limit takes a text"),
        ({"limit_kind": "leaky"}, "limit_kind takes one of"),
        ({"faults": {"error": 1}}, "faults takes"),
        ({"auth": 5}, "auth takes"),
        ({"auth": ""}, "auth takes"),
        ({"idempotency": True}, "idempotency takes"),
        ({"latency": -1}, "latency"),
        ({"latency": (2, 1)}, "smaller number"),
        ({"latency": "1"}, "latency"),
        ({"latency": (1, 2, 3)}, "latency"),
    ],
)
def test_a_wrong_argument_is_said_when_it_is_built(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says.replace("(", r"\(")):
        Simulator(**{"tables": {"orders": []}, **arguments})


def test_names_the_envelope_needs_are_free_where_there_is_none() -> None:
    assert Simulator({"next": [], "total": []}, pagination="cursor", envelope=False)
    assert Simulator({"next": [], "total": []}, pagination="link")


def test_the_key_is_id_where_every_row_has_it_else_the_first_field() -> None:
    api = Simulator(
        {"a": [{"sku": "x", "id": 1}, {"id": 2}], "b": [{"sku": "x"}, {"sku": "y", "id": 2}], "c": [{"id": 1, "sku": "x"}]}, keys={"c": "sku"}
    )
    assert api.get("a", 2) == {"id": 2}
    assert api.get("b", "x") == {"sku": "x"}
    assert api.get("c", "x") == {"id": 1, "sku": "x"}


def test_start_and_stop_without_a_block():
    api = Simulator({"rows": [{"id": 1}]})
    assert api.start() is api
    assert api.url.startswith("http://127.0.0.1:")
    with pytest.raises(ConfigurationError, match="running already"):
        api.start()
    api.stop()
    api.stop()
    with pytest.raises(ConfigurationError, match="not running"):
        _ = api.url
