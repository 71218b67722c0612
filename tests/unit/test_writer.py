"""Writing to resources: which endpoint a change goes to, what is sent, and what the answer or its absence means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import AuthenticationError, ConfigurationError, PermissionDenied, ReauthorisationNeeded
from integrakit.http import BearerToken, IdempotencyKey, Retry
from integrakit.model import Change, Outcome
from integrakit.runtimes import runtime
from integrakit.testing import Faults, Simulator

POST = Endpoint("POST", "/things")
PATCH = Endpoint("PATCH", "/things/{key}")
PUT = Endpoint("PUT", "/things/{key}")
DELETE = Endpoint("DELETE", "/things/{key}")
BATCH = Endpoint("POST", "/things/batch", size=3, results="results", correlate="ref")


class Shop(Connector):
    retry = None
    things = Resource("/things", key="id", records="things", create=POST, update=PATCH, delete=DELETE)


def served(world: Any, serve: Any, answer: Callable[[Any], Any], changes: list[Change], *, client: Any = None, **options: Any) -> Any:
    """Writes the changes to a server that gives ``answer(asked)``; gives the outcomes and what was asked."""
    kind = type("Odd", (Connector,), {"retry": None, "things": Resource("/things", **{"key": "id", **options})})
    server = serve(answer)

    async def main() -> Any:
        async with kind(base_url=server.url, **(client or {})) as odd:
            return await odd.things.awrite(changes)

    return world(main), server.asked


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


# ---------------------------------------------------------------------- which endpoint

ALL = {"create": POST, "update": PATCH, "upsert": PUT, "delete": DELETE}


@pytest.mark.parametrize(
    ("change", "endpoints", "sent"),
    [
        (Change.create(1, {"a": 1}), "create upsert", "POST /things"),
        (Change.create(1, {"a": 1}), "upsert", "PUT /things/1"),
        (Change.update(1, {"a": 1}), "update upsert", "PATCH /things/1"),
        (Change.update(1, {"a": 1}, whole={"a": 1, "b": 2}), "upsert create", "PUT /things/1"),
        (Change.upsert(1, {"a": 1}), "create update upsert", "PUT /things/1"),
        (Change.upsert(1, {"a": 1}), "create update", "POST /things"),
        (Change.upsert(1, {"a": 1}, remote_key=9), "create update", "PATCH /things/9"),
        (Change.upsert(1, {"a": 1}, remote_key=0), "create update", "PATCH /things/0"),
        (Change.delete(1), "delete", "DELETE /things/1"),
        (Change.delete(1, remote_key="a/b"), "delete", "DELETE /things/a%2Fb"),
    ],
)
def test_the_endpoint_of_a_change(change: Change, endpoints: str, sent: str, world: Any, serve: Any) -> None:
    given = {name: ALL[name] for name in endpoints.split()}
    outcomes, asked = served(world, serve, lambda asked: (204, {}, b""), [change], **given)
    assert statuses(outcomes) == ["applied"]
    assert [f"{one.method} {one.target}" for one in asked] == [sent]


@pytest.mark.parametrize(
    ("change", "endpoints"),
    [
        (Change.create(1, {}), "update delete"),
        (Change.update(1, {}), "create delete"),
        (Change.upsert(1, {}), "update delete"),
        (Change.upsert(1, {}, remote_key=9), "create"),  # it is there already: creating it would double it
        (Change.delete(1), "create update upsert"),
    ],
)
def test_a_missing_endpoint_is_said_before_anything_is_sent(change: Change, endpoints: str, world: Any, serve: Any) -> None:
    possible = {"create": Change.create(5, {}), "update": Change.update(5, {})}[endpoints.partition(" ")[0]]
    given = {name: ALL[name] for name in endpoints.split()}
    with pytest.raises(ConfigurationError, match=f"/things has no endpoint to {change.kind} a record: give the resource {change.kind}=Endpoint"):
        served(world, serve, lambda asked: pytest.fail("nothing may be sent"), [possible, change], **given)


def test_no_changes_are_no_requests(world: Any, serve: Any) -> None:
    for options in ({"create": POST}, {"batch": Endpoint("POST", "/b")}, {"batch": BATCH}):
        assert served(world, serve, lambda asked: pytest.fail("nothing may be sent"), [], **options) == ([], [])


# ---------------------------------------------------------------------- against a server that keeps what it is told


def test_writing(world: Any) -> None:
    async def main() -> None:
        with Simulator({"things": [{"id": 1, "a": 1, "b": 1}, {"id": 2, "a": 2}]}) as api:
            async with Shop(base_url=api.url) as shop:
                outcomes = await shop.things.awrite(
                    [
                        Change.create("new", {"a": 9}),
                        Change.update(1, {"a": 5, "b": None}),
                        Change.update("nobody", {"a": 1}),
                        Change.delete(2),
                        Change.delete(2),
                        Change.upsert("one", {"b": 7}, remote_key=1),
                    ]
                )
                assert statuses(outcomes) == ["applied", "applied", "rejected", "applied", "unchanged", "applied"]
                assert [outcome.key for outcome in outcomes] == ["new", 1, "nobody", 2, 2, "one"]
                assert [outcome.remote_key for outcome in outcomes] == [3, 1, None, None, None, 1]
                assert outcomes[2].request_id == "req-3"
                assert "404" in str(outcomes[2].error)
                assert api.table("things") == [{"id": 1, "a": 5, "b": 7}, {"id": 3, "a": 9}]

    world(main)


def test_writing_in_blocking_code() -> None:
    with Simulator({"things": []}) as api, Shop(base_url=api.url) as shop:
        assert shop.things.write([Change.create(7, {"id": 7})]) == [Outcome.applied(7, remote_key=7, request_id="req-1")]


# ---------------------------------------------------------------------- what is sent


def test_put_sends_the_whole_record_and_patch_the_patch(world: Any, serve: Any) -> None:
    change = Change.update(1, {"a": 1}, whole={"a": 1, "b": 2})
    _, asked = served(world, serve, lambda asked: (204, {}, b""), [change], update=PUT)
    assert asked[0].json() == {"a": 1, "b": 2}
    _, asked = served(world, serve, lambda asked: (204, {}, b""), [change], update=PATCH)
    assert asked[0].json() == {"a": 1}
    _, asked = served(world, serve, lambda asked: (204, {}, b""), [Change.upsert(1, {"c": 1})], upsert=PUT)
    assert asked[0].json() == {"c": 1}
    _, asked = served(world, serve, lambda asked: (204, {}, b""), [Change.update(1, {}, whole={})], update=PUT)
    assert asked[0].json() == {}


def test_a_put_of_a_patch_alone_would_wipe_the_rest(world: Any, serve: Any) -> None:
    changes = [Change.update(1, {"a": 1}), Change.update(2, {"a": 1}, whole={"a": 1})]
    outcomes, asked = served(world, serve, lambda asked: (204, {}, b""), changes, update=PUT)
    assert statuses(outcomes) == ["rejected", "applied"]
    assert "give Change.update(…, whole=…)" in outcomes[0].error
    assert [one.target for one in asked] == ["/things/2"]


@pytest.mark.parametrize(("body", "path"), [("thing", ["thing"]), ("data.attributes", ["data", "attributes"])])
def test_the_record_may_stand_in_a_field(body: str, path: list[str], world: Any, serve: Any) -> None:
    def wrapped(record: Any) -> Any:
        for name in reversed(path):
            record = {name: record}
        return record

    endpoint = Endpoint("POST", "/things", body=body)
    outcomes, asked = served(world, serve, lambda asked: wrapped({"id": 5}), [Change.create("x", {"a": 1})], create=endpoint)
    assert asked[0].json() == wrapped({"a": 1})
    assert outcomes[0].remote_key == 5
    outcomes, _ = served(world, serve, lambda asked: {"id": 6}, [Change.create("x", {"a": 1})], create=endpoint)
    assert outcomes[0].remote_key == 6


@pytest.mark.parametrize(
    "answer", [(204, {}, b""), (200, {}, b"OK"), (201, {"Content-Type": "application/json"}, b"{oops"), [], "text", None, {"id": None}, {"other": 1}]
)
def test_an_answer_without_the_key_keeps_what_is_known(answer: Any, world: Any, serve: Any) -> None:
    changes = [Change.create("x", {"a": 1}), Change.update("x", {"a": 1}, remote_key=9)]
    outcomes, _ = served(world, serve, lambda asked: answer, changes, create=POST, update=PATCH)
    assert statuses(outcomes) == ["applied", "applied"]
    assert [outcome.remote_key for outcome in outcomes] == [None, 9]


def test_keys_deep_in_the_answer(world: Any, serve: Any) -> None:
    outcomes, _ = served(world, serve, lambda asked: {"attributes": {"id": 4}}, [Change.create("x", {})], create=POST, key="attributes.id")
    assert outcomes[0].remote_key == 4


def test_paths_are_filled_from_key_and_record(world: Any, serve: Any) -> None:
    changes = [
        Change.update("a", {"x": 1}, whole={"id": "a", "shop": "s/1"}),
        Change.delete("b"),
        Change.create(None, {"shop": "s"}),
    ]
    outcomes, asked = served(
        world, serve, lambda asked: (204, {}, b""), changes,
        update=Endpoint("PATCH", "/{shop}/{id}"), delete=Endpoint("DELETE", "/things/{id}"), create=Endpoint("POST", "/{shop}"),
    )  # fmt: skip
    assert statuses(outcomes) == ["applied"] * 3
    assert [one.target for one in asked] == ["/s%2F1/a", "/things/b", "/s"]


def test_composite_keys(world: Any, serve: Any) -> None:
    changes = [Change.delete(("a/b", 2)), Change.delete(("a", "b", "c")), Change.delete("a"), Change.update(("a", 3), {"x": 1})]
    path = "/shops/{shop}/things/{number}"
    outcomes, asked = served(
        world, serve, lambda asked: {"shop": "a"}, changes, key=("shop", "number"), delete=Endpoint("DELETE", path), update=Endpoint("PATCH", path)
    )
    assert statuses(outcomes) == ["applied", "rejected", "rejected", "applied"]
    assert [one.target for one in asked] == ["/shops/a%2Fb/things/2", "/shops/a/things/3"]


@pytest.mark.parametrize(
    "change",
    [
        Change.update(None, {"a": 1}),
        Change.update("", {"a": 1}),
        Change.update("..", {"a": 1}),
        Change.update({"a": 1}, {"a": 1}),
        Change.update(("a", 1), {"a": 1}),
        Change.update(1, {"a": float("nan")}),
        Change.update(1, {"a": {1, 2}}),
        Change.update(1, {"a": object()}),
        Change.update(1, {"a": "\ud800"}),
        Change.create(None, {"a": float("inf")}),
    ],
)
def test_what_cannot_be_sent_is_rejected_and_does_not_stop_the_others(change: Change, world: Any, serve: Any) -> None:
    changes = [Change.update(1, {}), change, Change.update(2, {})]
    outcomes, asked = served(world, serve, lambda asked: (204, {}, b""), changes, update=PATCH, create=POST)
    assert statuses(outcomes) == ["applied", "rejected", "applied"]
    assert outcomes[1].error
    assert [one.target for one in asked] == ["/things/1", "/things/2"]
    outcomes, asked = served(world, serve, lambda asked: (204, {}, b""), changes, batch=Endpoint("POST", "/b"))
    rejected = any(isinstance(value, float | set | object) and value != 1 for value in (change.record or {}).values())
    assert statuses(outcomes) == ["applied", "rejected" if rejected else "applied", "applied"]
    assert len(asked[0].json()) == (2 if rejected else 3)


# ---------------------------------------------------------------------- idempotency keys


def test_keys_are_on_the_wire_where_the_client_was_told_so(world: Any) -> None:
    async def main() -> None:
        changes = [Change.create("x", {"id": 1}, idempotency_key="k-1"), Change.update(1, {"a": 1}, idempotency_key="k-2")]
        with Simulator({"things": []}, idempotency="Idempotency-Key") as api:
            async with Shop(base_url=api.url) as without:
                assert statuses(await without.things.awrite(changes)) == ["applied", "applied"]
                assert not any("idempotency-key" in request.headers for request in api.requests)
            async with Shop(base_url=api.url, idempotency=IdempotencyKey(header="Idempotency-Key")) as shop:
                api.delete("things", 1)
                for _ in range(2):
                    assert statuses(await shop.things.awrite([*changes, Change.delete(9, idempotency_key="k-3")])) == [
                        "applied",
                        "applied",
                        "unchanged",
                    ]
                assert [request.headers.get("idempotency-key") for request in api.requests[2:]] == ["k-1", "k-2", None] * 2
                assert api.idempotency_keys == {"k-1": 201, "k-2": 200}
                assert api.table("things") == [{"id": 1, "a": 1}]

    world(main)


def test_the_client_says_which_methods_carry_a_key(world: Any, serve: Any) -> None:
    changes = [Change.upsert(1, {"a": 1}, idempotency_key="k-1"), Change.delete(1, idempotency_key="k-2")]
    client = {"idempotency": IdempotencyKey(header="K", methods=["PUT"])}
    _, asked = served(world, serve, lambda asked: (204, {}, b""), changes, client=client, upsert=PUT, delete=DELETE)
    assert [one.headers.get("k") for one in asked] == ["k-1", None]


# ---------------------------------------------------------------------- what became of it


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (400, {}, "rejected"), (404, {}, "rejected"), (409, {}, "rejected"), (410, {}, "rejected"), (413, {}, "rejected"), (422, {}, "rejected"),
        (425, {}, "failed"), (429, {}, "failed"), (408, {}, "unknown"), (500, {}, "unknown"), (502, {}, "unknown"), (503, {}, "unknown"),
        (504, {}, "unknown"), (200, {}, "applied"), (201, {}, "applied"), (202, {}, "applied"),
        (302, {"Location": "/elsewhere"}, "unknown"), (303, {"Location": "/elsewhere"}, "unknown"), (307, {"Location": "/elsewhere"}, "applied"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["one", "batch"])
def test_statuses(kind: str, status: int, headers: dict[str, str], outcome: str, world: Any, serve: Any) -> None:
    options = {"create": POST} if kind == "one" else {"batch": Endpoint("POST", "/things")}

    def answer(asked: Any) -> Any:
        return (200, {}, b"") if asked.path == "/elsewhere" else (status, {**headers, "X-Request-Id": "r-1"}, b"")

    outcomes, asked = served(world, serve, answer, [Change.create("x", {"a": 1})], **options)
    assert statuses(outcomes) == [outcome]
    assert asked[0].json() == ({"a": 1} if kind == "one" else [{"a": 1}])
    assert (outcomes[0].error is None) == (outcome == "applied")
    if status not in (302, 303, 307):
        assert outcomes[0].request_id == "r-1"
    if status in (302, 303):
        assert "/elsewhere" in outcomes[0].error


@pytest.mark.parametrize(("status", "outcome"), [(404, "unchanged"), (410, "unchanged"), (409, "rejected"), (500, "unknown"), (204, "applied")])
def test_statuses_of_a_delete(status: int, outcome: str, world: Any, serve: Any) -> None:
    outcomes, asked = served(world, serve, lambda asked: (status, {}, b""), [Change.delete(1)], delete=DELETE)
    assert statuses(outcomes) == [outcome]
    assert asked[0].body == b""


def test_what_was_lost_is_unknown_and_what_was_not_sent_is_failed(world: Any) -> None:
    async def main() -> None:
        with Simulator({"things": []}, latency=0.03) as api:
            url = api.url
            async with Shop(base_url=url) as shop:
                change = Change.create("x", {"a": 1})
                api.faults = Faults.script(["drop_response", "drop", "error", "malformed", None])
                outcomes = await shop.things.awrite([change] * 5)
                assert statuses(outcomes) == ["unknown", "unknown", "unknown", "applied", "applied"]
                assert len(api.table("things")) == 3
            async with Shop(base_url=url, deadline=0.005) as hasty:
                assert statuses(await hasty.things.awrite([change])) == ["unknown"]
            async with Shop(base_url=url, timeout=0.005) as hasty:
                assert statuses(await hasty.things.awrite([change])) == ["unknown"]
            count = len(api.requests)
            async with Shop(base_url=url, rate_limit="1/hour") as limited:
                assert statuses(await limited.things.awrite([change, change])) == ["applied", "failed"]
                assert len(api.requests) == count + 1
        async with Shop(base_url=url) as shop:
            outcomes = await shop.things.awrite([change])
            assert statuses(outcomes) == ["failed"]

    world(main)


def test_a_conflict_with_an_attempt_of_its_own_is_no_refusal(world: Any) -> None:
    """The answer was lost, and the next attempt is told that the record exists: it does because of the first."""

    async def main() -> None:
        with Simulator({"things": []}) as api:
            key = IdempotencyKey(header="A-Header-Nobody-Reads")
            async with Shop(base_url=api.url, idempotency=key, retry=Retry(random=lambda: 0)) as shop:
                api.faults = Faults.script(["drop_response"])
                change = Change.create(1, {"id": 1}, idempotency_key="k")
                assert statuses(await shop.things.awrite([change])) == ["unknown"]
                assert [request.status for request in api.requests] == [201, 409]
                assert statuses(await shop.things.awrite([change])) == ["rejected"]

    world(main)


# ---------------------------------------------------------------------- what concerns all of them


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (403, PermissionDenied)])
@pytest.mark.parametrize("options", [{"create": POST}, {"batch": Endpoint("POST", "/things")}])
def test_refused_credentials_are_raised(status: int, error: Any, options: Any, world: Any, serve: Any) -> None:
    with pytest.raises(error):
        served(world, serve, lambda asked: (status, {}, b""), [Change.create(n, {}) for n in range(3)], **options)


def test_other_errors_are_raised_as_they_are(world: Any) -> None:
    async def policy(request: Any, call_next: Any) -> Any:
        raise ReauthorisationNeeded("somebody must log in")

    async def main() -> None:
        async with Shop(base_url="http://127.0.0.1:9", policies=[policy]) as shop:
            with pytest.raises(ReauthorisationNeeded):
                await shop.things.awrite([Change.create(1, {})])

    world(main)


def test_what_is_known_is_told_when_credentials_are_refused_in_the_middle(world: Any) -> None:
    async def main() -> None:
        allowed = iter([True, True, False, False])
        with Simulator({"things": []}, auth=lambda headers: next(allowed)) as api:
            async with Shop(base_url=api.url, auth=BearerToken("the-token")) as shop:
                outcomes = await shop.things.awrite([Change.create(number, {"id": number}) for number in range(1, 5)])
                assert statuses(outcomes) == ["applied", "applied", "failed", "failed"]
                assert [outcome.key for outcome in outcomes] == [1, 2, 3, 4]
                assert "401" in str(outcomes[3].error)
                assert len(api.requests) == 3
                with pytest.raises(AuthenticationError):
                    await shop.things.awrite([Change.create(3, {"id": 3})])

    world(main)


def test_a_refusal_after_a_lost_answer_leaves_the_question_open(world: Any) -> None:
    async def main() -> None:
        allowed = iter([True, True, False])
        with Simulator({"things": []}, auth=lambda headers: next(allowed)) as api:
            key = IdempotencyKey(header="K")
            async with Shop(base_url=api.url, idempotency=key, retry=Retry(random=lambda: 0)) as shop:
                api.faults = Faults.script([None, "drop_response"])
                outcomes = await shop.things.awrite([Change.create(number, {"id": number}) for number in (1, 2, 3)])
                assert statuses(outcomes) == ["applied", "unknown", "failed"]

    world(main)


# ---------------------------------------------------------------------- batches


def refs(count: int) -> list[Change]:
    return [Change.upsert(f"k{number}", {"ref": f"k{number}", "n": number}, idempotency_key=f"i{number}") for number in range(count)]


def echo(asked: Any) -> Any:
    records = asked.json()
    return {"results": [{"ref": record["ref"], "id": record["n"] + 100} for record in reversed(records)]}


def test_batches_keep_their_size_and_the_order_of_outcomes(world: Any, serve: Any) -> None:
    outcomes, asked = served(world, serve, echo, refs(7), batch=BATCH)
    assert [len(one.json()) for one in asked] == [3, 3, 1]
    assert {one.target for one in asked} == {"/things/batch"}
    assert statuses(outcomes) == ["applied"] * 7
    assert [outcome.key for outcome in outcomes] == [f"k{number}" for number in range(7)]
    assert [outcome.remote_key for outcome in outcomes] == [100 + number for number in range(7)]
    assert "idempotency-key" not in asked[0].headers


def test_without_a_size_all_go_at_once(world: Any, serve: Any) -> None:
    outcomes, asked = served(world, serve, lambda asked: [{"id": n} for n in range(7)], refs(7), batch=Endpoint("PUT", "/b"))
    assert [len(one.json()) for one in asked] == [7]
    assert [outcome.remote_key for outcome in outcomes] == list(range(7))


def test_a_batch_may_stand_in_a_field(world: Any, serve: Any) -> None:
    batch = Endpoint("POST", "/b", body="data.records", results="data.done")
    outcomes, asked = served(world, serve, lambda asked: {"data": {"done": ["ok", {"id": 3}]}}, refs(2), batch=batch)
    assert asked[0].json()["data"]["records"][0] == {"ref": "k0", "n": 0}
    assert [outcome.remote_key for outcome in outcomes] == [None, 3]


def test_deletes_go_one_by_one_between_batches_in_order(world: Any, serve: Any) -> None:
    changes = [*refs(2), Change.delete("k9"), *refs(1)]
    outcomes, asked = served(
        world, serve, lambda asked: (204, {}, b"") if asked.method == "DELETE" else echo(asked), changes, batch=BATCH, delete=DELETE
    )
    assert [f"{one.method} {one.target}" for one in asked] == ["POST /things/batch", "DELETE /things/k9", "POST /things/batch"]
    assert statuses(outcomes) == ["applied"] * 4
    assert [outcome.key for outcome in outcomes] == ["k0", "k1", "k9", "k0"]


def test_updates_go_whole_or_by_their_own_endpoint(world: Any, serve: Any) -> None:
    changes = [
        Change.update("a", {"n": 1}, whole={"ref": "a", "n": 1, "m": 2}, remote_key=7),
        Change.update("b", {"n": 2}, remote_key=8),
    ]
    batch = Endpoint("POST", "/b")
    _, asked = served(world, serve, lambda asked: [{}], changes, batch=batch, update=PATCH)
    assert [(one.target, one.json()) for one in asked] == [("/b", [{"ref": "a", "n": 1, "m": 2, "id": 7}]), ("/things/8", {"n": 2})]
    _, asked = served(world, serve, lambda asked: [{}, {}], changes, batch=batch)
    assert asked[0].json() == [{"ref": "a", "n": 1, "m": 2, "id": 7}, {"n": 2, "id": 8}]
    _, asked = served(world, serve, lambda asked: [{}, {}], changes, batch=batch, key=("ref", "n"))
    assert asked[0].json() == [{"ref": "a", "n": 1, "m": 2}, {"n": 2}]


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"id": 1}, "applied"),
        ("ok", "applied"),
        ({"status": 201}, "applied"),
        ({"status": "success", "error": None, "errors": [], "success": True}, "applied"),
        ({"error": "no such tax code"}, "rejected"),
        ({"errors": [{"field": "a"}]}, "rejected"),
        ({"success": False}, "rejected"),
        ({"status": 422}, "rejected"),
        ({"status": "422"}, "rejected"),
        ({"status": "error", "message": "no"}, "rejected"),
        ({"status": "FAILED"}, "rejected"),
        ({"status": 404, "error": "x"}, "rejected"),
        ({"status": 429}, "failed"),
        ({"status": 503, "error": "busy"}, "failed"),
        ({"status": 500}, "unknown"),
        ({"status": 504, "error": "x"}, "unknown"),
        (None, "unknown"),
        ({"status": "active"}, "applied"),
        ({"status": {"a": 1}}, "applied"),
    ],
)
def test_what_a_batch_says_about_one_of_its_members(result: Any, outcome: str, world: Any, serve: Any) -> None:
    outcomes, _ = served(world, serve, lambda asked: [{"id": 5}, result], refs(2), batch=Endpoint("POST", "/b"))
    assert statuses(outcomes) == ["applied", outcome]
    assert outcomes[0].remote_key == 5
    assert (outcomes[1].error is None) == (outcome == "applied")


def test_what_is_given_back_as_it_was_sent_is_no_verdict(world: Any, serve: Any) -> None:
    records = [{"status": "failed", "id": 1}, {"status": 500, "id": 2}, {"errors": ["mine"], "id": 3}, {"success": False, "id": 4}]
    changes = [Change.upsert(record["id"], record) for record in records]
    outcomes, _ = served(world, serve, lambda asked: asked.json(), changes, batch=Endpoint("POST", "/b"))
    assert statuses(outcomes) == ["applied"] * 4
    outcomes, _ = served(world, serve, lambda asked: [{"status": "error"}] * 4, changes, batch=Endpoint("POST", "/b"))
    assert statuses(outcomes) == ["rejected"] * 4


def test_correlated_results(world: Any, serve: Any) -> None:
    def answer(asked: Any) -> Any:
        return {
            "results": [
                {"ref": 3, "id": 30},
                {"ref": None, "error": "?"},
                {"ref": "k0", "error": "bad"},
                {"ref": "k2", "id": 1},
                {"ref": "k2", "error": "or not"},
                {"nothing": 1},
                "text",
            ]
        }

    changes = [*refs(3), Change.upsert(3, {"n": 3}), Change.upsert(None, {"ref": None})]
    batch = Endpoint("POST", "/b", results="results", correlate="ref")
    outcomes, _ = served(world, serve, answer, changes, batch=batch)
    # One that is not mentioned, and one that is mentioned twice, may be anything.
    assert statuses(outcomes) == ["rejected", "unknown", "unknown", "applied", "unknown"]
    assert outcomes[3].remote_key == 30


def test_correlation_deep_in_records_and_results(world: Any, serve: Any) -> None:
    def answer(asked: Any) -> Any:
        return [{"meta": {"ref": record["meta"]["ref"]}, "id": record["meta"]["ref"] * 2} for record in reversed(asked.json())]

    changes = [Change.upsert(n, {"meta": {"ref": n + 5}}) for n in range(3)]
    outcomes, _ = served(world, serve, answer, changes, batch=Endpoint("POST", "/b", correlate="meta.ref"))
    assert [outcome.remote_key for outcome in outcomes] == [10, 12, 14]


@pytest.mark.parametrize(
    "answer",
    [[], [{}], [{}, {}, {}], {"results": [{}, {}]}, {}, None, "text", 5, (200, {}, b"OK"), (200, {"Content-Type": "application/json"}, b"[{")],
)
def test_answers_that_cannot_be_told_apart_are_unknown(answer: Any, world: Any, serve: Any) -> None:
    outcomes, _ = served(world, serve, lambda asked: answer, refs(2), batch=Endpoint("POST", "/b"))
    assert statuses(outcomes) == ["unknown", "unknown"]


@pytest.mark.parametrize("answer", [{}, [], {"results": None}, {"results": {"a": 1}}, (204, {}, b"")])
def test_results_that_are_not_where_they_were_agreed(answer: Any, world: Any, serve: Any) -> None:
    outcomes, _ = served(world, serve, lambda asked: answer, refs(2), batch=BATCH)
    assert statuses(outcomes) == ["unknown", "unknown"]


def test_a_success_without_a_word_where_none_was_agreed(world: Any, serve: Any) -> None:
    outcomes, _ = served(world, serve, lambda asked: (204, {}, b""), refs(2), batch=Endpoint("POST", "/b"))
    assert statuses(outcomes) == ["applied", "applied"]


def test_what_cannot_be_sent_does_not_stop_its_batch(world: Any, serve: Any) -> None:
    changes = [*refs(1), Change.upsert("bad", {"ref": "bad", "n": float("nan")}), *refs(2)[1:]]
    outcomes, asked = served(world, serve, echo, changes, batch=BATCH)
    assert statuses(outcomes) == ["applied", "rejected", "applied"]
    assert [outcome.remote_key for outcome in outcomes] == [100, None, 101]
    assert len(asked) == 1
    outcomes, asked = served(world, serve, echo, [changes[1]], batch=BATCH)
    assert statuses(outcomes) == ["rejected"]
    assert asked == []


def test_a_batch_whose_answer_was_lost_has_the_same_key_when_it_is_sent_again(world: Any, serve: Any) -> None:
    def hang_up(connection: Any) -> None:
        connection.close()

    lost = iter([True, False, True, True])

    def answer(asked: Any) -> Any:
        return hang_up if next(lost) else echo(asked)

    client = {"idempotency": IdempotencyKey(header="K"), "retry": None}
    kind = type("Odd", (Connector,), {"things": Resource("/things", key="id", batch=BATCH)})
    server = serve(answer)

    async def main() -> None:
        async with kind(base_url=server.url, **client) as odd:
            assert statuses(await odd.things.awrite(refs(3))) == ["unknown"] * 3
            assert statuses(await odd.things.awrite(refs(3))) == ["applied"] * 3
            assert statuses(await odd.things.awrite(refs(2))) == ["unknown"] * 2
            assert statuses(await odd.things.awrite([Change.create("x", {"ref": "x"})])) == ["unknown"]

    world(main)
    keys = [asked.headers["k"] for asked in server.asked]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_batch_is_tried_again_with_its_key(world: Any, serve: Any) -> None:
    answers = iter([(503, {}, b""), None])

    def answer(asked: Any) -> Any:
        return next(answers) or echo(asked)

    client = {"idempotency": IdempotencyKey(header="K"), "retry": Retry(random=lambda: 0)}
    outcomes, asked = served(world, serve, answer, refs(2), client=client, batch=BATCH)
    assert statuses(outcomes) == ["applied", "applied"]
    assert asked[0].headers["k"] == asked[1].headers["k"]


def test_batches_stop_at_what_concerns_all(world: Any, serve: Any) -> None:
    allowed = iter([True, False])
    outcomes, asked = served(world, serve, lambda asked: echo(asked) if next(allowed) else (403, {}, b""), refs(8), batch=BATCH)
    assert statuses(outcomes) == ["applied"] * 3 + ["failed"] * 5
    assert len(asked) == 2


def test_the_world_is_the_one_it_is_called_in(world: Any, serve: Any) -> None:
    seen = []

    async def policy(request: Any, call_next: Any) -> Any:
        seen.append(runtime().name)
        return await call_next(request)

    served(world, serve, echo, refs(1), client={"policies": [policy]}, batch=BATCH)
    assert len(seen) == 1
