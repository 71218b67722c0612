"""Faults: how they are drawn, and what is refused when they are built."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrakit.errors import ConfigurationError
from integrakit.testing import Faults, Simulator
from integrakit.testing.faults import Fault, FaultDraw

ROWS = [{"id": 1}]


def drawn(faults: Faults, count: int, method: str = "GET") -> list[str | None]:
    draw = FaultDraw(faults)
    return [fault.kind if (fault := draw.next(method)) else None for _ in range(count)]


def test_a_seed_makes_it_happen_again() -> None:
    faults = Faults(seed=7, error=0.1, drop=0.1, drop_response=0.1, slow=0.1, duplicate=0.1, malformed=0.1)
    assert drawn(faults, 500) == drawn(faults, 500)
    assert drawn(faults, 500) != drawn(Faults(seed=8, error=0.1, drop=0.1, drop_response=0.1, slow=0.1, duplicate=0.1, malformed=0.1), 500)


def test_probabilities_are_kept() -> None:
    faults = drawn(Faults(error=0.2, drop=0.1, drop_response=0.1, slow=0.05, duplicate=0.05, malformed=0.1), 10_000)
    for kind, share in (("error", 0.2), ("drop", 0.1), ("drop_response", 0.1), ("slow", 0.05), ("duplicate", 0.05), ("malformed", 0.1), (None, 0.4)):
        assert abs(faults.count(kind) / 10_000 - share) < 0.02, kind


@pytest.mark.parametrize("kind", ["error", "drop", "drop_response", "slow", "duplicate", "malformed"])
def test_certainty_is_certain(kind: str) -> None:
    assert set(drawn(Faults(**{kind: 1.0}), 300)) == {kind}  # type: ignore[arg-type]
    assert set(drawn(Faults(**{kind: 0}), 300)) == {None}  # type: ignore[arg-type]


def test_lost_responses_only_for_some_methods() -> None:
    faults = Faults(drop_response=1.0, drop_methods=["post", "PATCH"])  # type: ignore[arg-type]
    assert faults.drop_methods == ("POST", "PATCH")
    assert drawn(faults, 2, "POST") == ["drop_response"] * 2
    assert drawn(faults, 2, "GET") == [None] * 2
    # Scripted faults are meant as they stand.
    assert drawn(Faults.script(["drop_response"], drop_methods=["POST"]), 1, "GET") == ["drop_response"]


def test_an_error_has_one_of_three_statuses() -> None:
    draw = FaultDraw(Faults(error=1.0))
    statuses = {fault.status for _ in range(100) if (fault := draw.next("GET"))}
    assert statuses == {500, 502, 503}


def test_a_script_is_used_up_in_order_then_chance_takes_over() -> None:
    faults = Faults.script(["error", None, "drop", 429], drop_response=1.0)
    assert drawn(faults, 6) == ["error", None, "drop", "error", "drop_response", "drop_response"]
    draw = FaultDraw(Faults.script([404]))
    assert draw.next("GET") == Fault("error", 404)
    assert draw.next("GET") is None


def test_a_script_for_some_methods_waits_for_them() -> None:
    draw = FaultDraw(Faults.script(["drop", "slow"], methods=["post"]))
    assert [fault.kind if (fault := draw.next(method)) else None for method in ("GET", "POST", "GET", "POST", "POST")] == [
        None,
        "drop",
        None,
        "slow",
        None,
    ]


def test_faults_can_be_changed_while_it_runs() -> None:
    with Simulator({"orders": ROWS}) as api, httpx.Client() as http:
        assert api.faults == Faults()
        assert http.get(api.url + "/orders").status_code == 200
        api.faults = Faults.script([503, 418], retry_after="120junk")
        answer = http.get(api.url + "/orders")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "120junk")
        assert "nothing was done" in answer.json()["error"]["message"]
        teapot = http.get(api.url + "/orders")
        assert teapot.status_code == 418
        assert "retry-after" not in teapot.headers
        api.faults = None  # type: ignore[assignment]
        assert api.faults == Faults()
        with pytest.raises(ConfigurationError, match="faults takes"):
            api.faults = "error"  # type: ignore[assignment]
        assert [request.fault for request in api.requests] == [None, "error", "error"]


def test_an_odd_status_has_no_reason_phrase() -> None:
    with Simulator({"orders": ROWS}, faults=Faults.script([599])) as api:
        assert httpx.get(api.url + "/orders").status_code == 599


def test_a_fault_before_anything_spends_no_quota_and_asks_no_credentials() -> None:
    with Simulator({"orders": ROWS}, limit="1/day", auth="t", faults=Faults.script([500, "drop"])) as api, httpx.Client() as http:
        assert http.get(api.url + "/orders").status_code == 500
        with pytest.raises(httpx.RemoteProtocolError):
            http.get(api.url + "/orders")
        assert http.get(api.url + "/orders").status_code == 401
        good = {"Authorization": "Bearer t"}
        assert [http.get(api.url + "/orders", headers=good).status_code for _ in range(2)] == [200, 429]
        api.faults = Faults.script(["drop_response"])
        with pytest.raises(httpx.RemoteProtocolError):
            http.get(api.url + "/orders", headers=good)
        assert (api.requests[-1].status, api.refused) == (429, 2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"error": 1.1}, "Faults(error=…)"),
        ({"drop": -0.1}, "Faults(drop=…)"),
        ({"slow": "often"}, "Faults(slow=…)"),
        ({"duplicate": True}, "Faults(duplicate=…)"),
        ({"malformed": float("nan")}, "Faults(malformed=…)"),
        ({"error": 0.5, "drop": 0.6}, "add up to 1.1"),
        ({"slow_seconds": -1}, "slow_seconds"),
        ({"slow_seconds": float("inf")}, "slow_seconds"),
        ({"retry_after": -1}, "retry_after"),
        ({"retry_after": "1\r\nX: y"}, "retry_after"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"drop_methods": "POST"}, "drop_methods"),
        ({"drop_methods": [1]}, "drop_methods"),
        ({"scripted": "error"}, "scripted"),
        ({"scripted": ["explode"]}, "'explode'"),
        ({"scripted": [200]}, "200"),
        ({"scripted": [True]}, "True"),
    ],
)
def test_wrong_faults_are_said_when_they_are_built(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Faults(**arguments)
    assert says in str(caught.value)


def test_ten_tenths_are_one() -> None:
    assert Faults(error=0.1, drop=0.2, drop_response=0.3, slow=0.1, duplicate=0.2, malformed=0.1)
