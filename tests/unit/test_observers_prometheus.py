"""`PrometheusObserver`: what is counted, under how few labels, and by how many observers at once."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, ReauthorisationNeeded, ServerError
from integrakit.http import Client, Request
from integrakit.http.limiting.quota_signal import QuotaSignal
from integrakit.model.events import (
    AttemptFinished,
    CallFinished,
    CallStarted,
    CircuitChanged,
    EndpointDeprecated,
    Event,
    GrantLost,
    HedgeSent,
    QuotaPaused,
    QuotaTold,
    RedirectFollowed,
    RetryRefused,
    RetryScheduled,
    SharedLimitBack,
    SharedLimitLost,
    TokenRefreshed,
    VersionMismatch,
    Waited,
)
from integrakit.observers import PrometheusObserver

prometheus_client = pytest.importorskip("prometheus_client")

REQUEST = Request(method="GET", url="https://api.test/orders/17?token=hush")
ERROR = ServerError("hush", request=REQUEST)
WHERE = {"method": "GET", "host": "api.test"}


@pytest.fixture
def registry() -> Any:
    return prometheus_client.CollectorRegistry()


EVENTS: list[tuple[Event, str, dict[str, str], float]] = [
    (AttemptFinished(request=REQUEST, seconds=1, error=ERROR), "attempt_duration_seconds_sum", {**WHERE, "status": "error"}, 1),
    (CallFinished(request=REQUEST, seconds=2, attempts=3, error=ERROR), "call_duration_seconds_sum", {**WHERE, "outcome": "error"}, 2),
    (
        CallFinished(request=REQUEST, seconds=2, attempts=3, error=KeyboardInterrupt()),
        "call_duration_seconds_count",
        {**WHERE, "outcome": "cancelled"},
        1,
    ),
    (Waited(request=REQUEST, what="concurrency", seconds=3), "wait_seconds_sum", {"what": "concurrency", "host": "api.test"}, 3),
    (RetryScheduled(request=REQUEST, error=ERROR, seconds=2), "retries_total", WHERE, 1),
    (RetryRefused(request=REQUEST, error=ERROR, why="beyond the deadline"), "retries_refused_total", WHERE, 1),
    (HedgeSent(request=REQUEST, after=0.2), "hedges_total", {"host": "api.test"}, 1),
    (RedirectFollowed(request=REQUEST, url="https://b.test/"), "redirects_total", {"host": "api.test"}, 1),
    (
        QuotaTold(request=REQUEST, signal=QuotaSignal(dialect="x", name="core", remaining=7)),
        "quota_remaining",
        {"host": "api.test", "quota": "core"},
        7,
    ),
    (QuotaTold(request=REQUEST, signal=QuotaSignal(dialect="x", remaining=0)), "quota_remaining", {"host": "api.test", "quota": "window"}, 0),
    (QuotaPaused(request=REQUEST, limit="2/second", seconds=30), "quota_pauses_total", {"host": "api.test"}, 1),
    (SharedLimitLost(request=REQUEST, limit="2/second", share=0.25, error=OSError()), "shared_limit_up", {"limit": "2/second"}, 0),
    (SharedLimitBack(request=REQUEST, limit="2/second", seconds=30), "shared_limit_up", {"limit": "2/second"}, 1),
    (CircuitChanged(request=REQUEST, key="api.test", before="closed", after="open"), "circuit_state", {"circuit": "api.test"}, 2),
    (CircuitChanged(request=REQUEST, key="api.test", before="open", after="half-open"), "circuit_state", {"circuit": "api.test"}, 1),
    (CircuitChanged(request=REQUEST, key="api.test", before="half-open", after="closed"), "circuit_state", {"circuit": "api.test"}, 0),
    (TokenRefreshed(request=REQUEST, grant="shop"), "tokens_refreshed_total", {"grant": "shop"}, 1),
    (GrantLost(request=REQUEST, grant="shop", error=ReauthorisationNeeded("hush")), "grants_lost_total", {"grant": "shop"}, 1),
    (EndpointDeprecated(request=REQUEST), "deprecations_total", {"host": "api.test"}, 1),
    (VersionMismatch(request=REQUEST, header="X-Version", expected="1", got="2"), "version_mismatches_total", {"host": "api.test"}, 1),
]


@pytest.mark.parametrize(("event", "name", "labels", "value"), EVENTS)
def test_what_is_counted(registry: Any, event: Event, name: str, labels: dict[str, str], value: float) -> None:
    PrometheusObserver(registry)(event)
    assert registry.get_sample_value(f"integrakit_{name}", labels) == value
    shown = prometheus_client.generate_latest(registry).decode()
    assert "hush" not in shown
    assert "orders" not in shown


def test_what_is_not_counted(registry: Any) -> None:
    observer = PrometheusObserver(registry)
    before = prometheus_client.generate_latest(registry)
    observer(CallStarted(request=REQUEST))
    observer(QuotaTold(request=REQUEST, signal=QuotaSignal(dialect="x", limit=5)))
    assert prometheus_client.generate_latest(registry) == before


def test_calls_in_every_world(world: Any, serve: Any, registry: Any) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "0.001"}, {}) if len(server.asked) < 2 else {})
    observer = PrometheusObserver(registry, "shop")

    async def main() -> None:
        async with Client(server.url, observers=[observer]) as client:
            await client.aget("/orders/1")
            await client.aget("/orders/2")

    world(main)
    where = {"method": "GET", "host": f"127.0.0.1:{server.port}"}
    assert registry.get_sample_value("shop_attempt_duration_seconds_count", {**where, "status": "5xx"}) == 1
    assert registry.get_sample_value("shop_attempt_duration_seconds_count", {**where, "status": "2xx"}) == 2
    assert registry.get_sample_value("shop_call_duration_seconds_count", {**where, "outcome": "ok"}) == 2
    assert registry.get_sample_value("shop_retries_total", where) == 1


def test_two_observers_of_one_registry_count_together(registry: Any) -> None:
    for observer in (PrometheusObserver(registry), PrometheusObserver(registry)):
        observer(HedgeSent(request=REQUEST, after=1))
    assert registry.get_sample_value("integrakit_hedges_total", {"host": "api.test"}) == 2
    PrometheusObserver(registry, "other")(HedgeSent(request=REQUEST, after=1))
    assert registry.get_sample_value("other_hedges_total", {"host": "api.test"}) == 1


def test_many_threads_and_observers(registry: Any) -> None:
    ready = threading.Barrier(8)

    def work() -> None:
        ready.wait()
        observer = PrometheusObserver(registry)
        for _ in range(200):
            observer(HedgeSent(request=REQUEST, after=1))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.get_sample_value("integrakit_hedges_total", {"host": "api.test"}) == 1600


def test_a_metric_of_somebody_elses_is_not_taken_for_ours(registry: Any) -> None:
    prometheus_client.Gauge("hedges_total", "of another kind", namespace="integrakit", registry=registry)
    with pytest.raises(ConfigurationError, match="integrakit_hedges"):
        PrometheusObserver(registry)
    other = prometheus_client.CollectorRegistry()
    prometheus_client.Counter("hedges", "with other labels", ["shop"], namespace="integrakit", registry=other)
    with pytest.raises(ConfigurationError, match="namespace="):
        PrometheusObserver(other)


def test_hosts_methods_and_names_stay_few(registry: Any) -> None:
    observer = PrometheusObserver(registry)
    for number in range(500):
        request = Request(method=f"METHOD{'A' * number}", url=f"https://host{number}.test/")
        observer(AttemptFinished(request=request, seconds=1, error=ERROR))
        observer(CircuitChanged(request=request, key=f"key {number}", before="closed", after="open"))
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    assert len({sample.labels["host"] for sample in samples if "host" in sample.labels}) == 201
    assert len({sample.labels["circuit"] for sample in samples if "circuit" in sample.labels}) == 101
    assert {sample.labels["method"] for sample in samples if "method" in sample.labels} == {"_OTHER"}


def test_the_default_registry() -> None:
    known = set(prometheus_client.REGISTRY._names_to_collectors)
    observer = PrometheusObserver(namespace="integrakit_test_default")
    try:
        observer(HedgeSent(request=REQUEST, after=1))
        assert prometheus_client.REGISTRY.get_sample_value("integrakit_test_default_hedges_total", {"host": "api.test"}) == 1
    finally:
        added = {prometheus_client.REGISTRY._names_to_collectors[name] for name in set(prometheus_client.REGISTRY._names_to_collectors) - known}
        for collector in added:
            prometheus_client.REGISTRY.unregister(collector)


@pytest.mark.parametrize("wrong", [{"namespace": ""}, {"namespace": "a-b"}, {"namespace": "7a"}, {"namespace": None}, {"registry": 5}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="PrometheusObserver"):
        PrometheusObserver(**wrong)


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[prometheus\]"'):
        PrometheusObserver()
