"""Idempotency keys: one for a logical call, the same on every attempt, and really on the wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from integrakit.errors import ConfigurationError
from integrakit.http import Client, IdempotencyKey, Retry
from integrakit.model import Request
from integrakit.runtimes import drive
from integrakit.testing import Faults, Simulator

QUICK = Retry(wait=lambda state: 0.0)


@pytest.mark.parametrize("place", ["header", "query", "body"])
@pytest.mark.parametrize("key", [None, "order-7"])
def test_the_key_is_on_the_wire_of_every_attempt(serve: Any, world: Any, place: str, key: str | None) -> None:
    server = serve(lambda asked: (502, {}, b"") if len(server.asked) < 3 else {})
    body = {"a": 1}

    async def main() -> None:
        async with Client(server.url, idempotency=IdempotencyKey(**{place: "request-id"}), retry=QUICK) as client:
            await client.apost("/a", json=body, **({} if key is None else {"idempotency_key": key}))

    world(main)
    found = {
        "header": lambda asked: asked.headers["request-id"],
        "query": lambda asked: parse_qs(asked.target.partition("?")[2])["request-id"][0],
        "body": lambda asked: asked.json()["request-id"],
    }[place]
    keys = [found(asked) for asked in server.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert keys[0] == key if key else UUID(keys[0])
    assert body == {"a": 1}


def test_each_call_has_its_own(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, idempotency=IdempotencyKey(header="K")) as client:
        client.post("/a")
        client.patch("/a")
        client.put("/a")
        client.get("/a")
    keys = [asked.headers.get("k") for asked in server.asked]
    assert keys[0] != keys[1]
    assert keys[2:] == [None, None]


def test_other_methods_on_request(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, idempotency=IdempotencyKey(header="K", methods=["put"])) as client:
        client.put("/a")
        client.post("/a")
    assert [("k" in asked.headers) for asked in server.asked] == [True, False]


def test_a_lost_answer_does_not_double(world: Any) -> None:
    async def main() -> None:
        with Simulator(
            {"orders": [{"id": 0}]}, idempotency="Idempotency-Key", faults=Faults.script(["drop_response", None], methods=["POST"])
        ) as api:
            async with Client(api.url, idempotency=IdempotencyKey(header="Idempotency-Key"), retry=QUICK) as client:
                response = await client.apost("/orders", json={"id": 7})
                assert response.attempts == 2
                assert response.headers["idempotent-replayed"] == "true"
            assert len(api.table("orders")) == 2

    world(main)


@pytest.mark.parametrize("body", [{"json": [1]}, {"content": b"x"}, {}])
def test_a_key_in_a_body_needs_an_object(world: Any, body: Any) -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:9", idempotency=IdempotencyKey(body="id")) as client:
            with pytest.raises(ConfigurationError, match="needs a JSON object"):
                await client.apost("/a", **body)

    world(main)


@pytest.mark.parametrize("key", ["ü", "a\nb", 5, "\x00", "", " ", " a", 0])
def test_a_key_that_cannot_be_sent_is_said(key: Any) -> None:
    with Client("http://127.0.0.1:9", idempotency=IdempotencyKey(header="K")) as client, pytest.raises(ConfigurationError, match="idempotency_key"):
        client.post("/a", idempotency_key=key)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"header": "a", "query": "b"},
        {"header": "a", "body": "b"},
        {"header": ""},
        {"header": 5},
        {"query": True},
        {"body": float("nan")},
        {"header": "a\n"},
        {"header": "a b"},
        {"header": "ü"},
        {"header": "a:b"},
        {"query": " "},
        {"header": "K", "methods": []},
        {"header": "K", "methods": None},
        {"header": "K", "methods": "POST"},
        {"header": "K", "methods": [5]},
        {"header": "K", "methods": [""]},
        {"header": "K", "methods": 5},
        {"header": "K", "methods": object()},
    ],
)
def test_wrong_arguments_are_said(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="IdempotencyKey"):
        IdempotencyKey(**options)


@pytest.mark.parametrize(
    ("policy", "given"),
    [
        (IdempotencyKey(header="Request-Id"), {"headers": {"request-id": "mine"}}),
        (IdempotencyKey(query="request-id"), {"params": {"request-id": "mine"}}),
        (IdempotencyKey(query="request-id"), {"url": "https://x.example/a?b=1&request-id=mine#f"}),
        (IdempotencyKey(body="request-id"), {}),
    ],
)
@pytest.mark.parametrize("key", [None, "other"])
def test_a_key_the_caller_put_there_himself_stays_unless_another_is_given(policy: Any, given: dict[str, Any], key: str | None) -> None:
    body = {"request-id": "mine"} if policy.body else {"a": 1}
    request = Request(**{"method": "post", "url": "https://x.example/a", "json": body, "idempotency_key": key, **given})
    before = (request.url, dict(request.params), dict(request.headers), dict(request.json), request.idempotency_key)

    async def send(sent: Request) -> Any:
        return sent

    sent: Any = drive(policy(request, send))
    expected = key or "mine"
    assert sent.idempotency_key == expected
    assert "request-id" not in sent.url
    assert {**sent.params, **sent.headers, **sent.json}["request-id"] == expected
    assert (request.url, request.params, request.headers, request.json, request.idempotency_key) == before
