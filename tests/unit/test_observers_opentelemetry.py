"""OpenTelemetry: spans and metrics as the semantic conventions for HTTP clients want them, and where the trace goes on and where not."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import integrakit as ik
from integrakit.errors import ConfigurationError, ConnectError, NotFound, ReauthorisationNeeded, ServerError
from integrakit.http import BearerToken, Client, Request, Response, Retry
from integrakit.http.limiting.quota_signal import QuotaSignal
from integrakit.model.events import (
    AttemptFinished,
    CallFinished,
    CallStarted,
    CircuitChanged,
    Event,
    GrantLost,
    HedgeSent,
    QuotaPaused,
    QuotaTold,
    RetryRefused,
    RetryScheduled,
    SharedLimitBack,
    SharedLimitLost,
    TokenRefreshed,
    Waited,
)
from integrakit.observers.opentelemetry import OpenTelemetryMetrics, OpenTelemetryTracing
from integrakit.runtimes import runtime

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode


class Tracer:
    """A provider and what it exported."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def spans(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def tracer() -> Any:
    made = Tracer()
    yield made
    made.provider.shutdown()


@pytest.fixture
def meter() -> Any:
    made = Meter()
    yield made
    made.provider.shutdown()


class Meter:
    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    @property
    def points(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        found = [metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics]
        return {metric.name: list(metric.data.data_points) for metric in found}

    def unit(self, name: str) -> str:
        data = self.reader.get_metrics_data()
        return next(
            metric.unit for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics if metric.name == name
        )


def call(world: Any, url: str, tracer: Tracer, path: str = "/a", method: str = "GET", policy: Any = None, **client: Any) -> Any:
    policy = policy or OpenTelemetryTracing(tracer.provider)

    async def main() -> Any:
        async with Client(url, policies=[ik.PerAttempt(policy)], **client) as it:
            return await it.arequest(method, path, check=False)

    return world(main)


# ---------------------------------------------------------------------- spans


def test_the_span_of_a_success(world: Any, serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {})
    call(world, server.url, tracer, "/orders?token=hush&n=1#there", params={"client": "hush"}, auth=BearerToken("hush-hush-hush"))
    (span,) = tracer.spans
    assert span.name == "GET"
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.full": f"{server.url}/orders?token=***&n=1",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    assert span.instrumentation_scope.name == "integrakit"
    assert span.parent is None
    assert not span.events
    assert "hush" not in span.to_json()


def test_every_attempt_has_a_span_under_the_one_in_force(world: Any, serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "0.001"}, {}) if len(server.asked) < 3 else {})

    async def main() -> None:
        async with Client(server.url, policies=[ik.PerAttempt(OpenTelemetryTracing(tracer.provider))]) as client:
            with tracer.provider.get_tracer("test").start_as_current_span("job"):
                await client.aget("/a")

    world(main)
    *attempts, job = tracer.spans
    assert [span.attributes.get("http.request.resend_count") for span in attempts] == [None, 1, 2]
    assert [span.attributes["http.response.status_code"] for span in attempts] == [503, 503, 200]
    assert [span.attributes.get("error.type") for span in attempts] == ["503", "503", None]
    assert [span.status.status_code for span in attempts] == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET]
    assert all(span.status.description is None for span in attempts)
    assert all(span.parent.span_id == job.context.span_id for span in attempts)
    # All but the flags, which are the SDK's.
    sent = [asked.headers["traceparent"].rpartition("-")[0] for asked in server.asked]
    assert sent == [f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}" for span in attempts]


def test_several_at_once_do_not_become_each_others_children(world: Any, serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {})

    async def main() -> None:
        async with Client(server.url, policies=[ik.PerAttempt(OpenTelemetryTracing(tracer.provider))]) as client:
            with tracer.provider.get_tracer("test").start_as_current_span("job"):
                await runtime().gather([lambda number=number: client.aget(f"/{number}") for number in range(4)], 4)
                assert trace.get_current_span().name == "job"

    world(main)
    *attempts, job = tracer.spans
    assert len(attempts) == 4
    assert {span.parent.span_id for span in attempts} == {job.context.span_id}


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_statuses_of_errors(serve: Any, tracer: Tracer, status: int) -> None:
    server = serve(lambda asked: (status, {}, {}))
    with Client(server.url, policies=[ik.PerAttempt(OpenTelemetryTracing(tracer.provider))], retry=None) as client:
        client.get("/a", check=False)
    (span,) = tracer.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == str(status)


def test_an_error_in_a_200(serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {"error": "no"})
    policies = [ik.PerAttempt(OpenTelemetryTracing(tracer.provider))]
    with Client(server.url, policies=policies, classify=lambda response: NotFound("no", response=response)) as client:
        client.get("/a", check=False)
    (span,) = tracer.spans
    assert span.attributes["error.type"] == "integrakit.errors.NotFound"
    assert span.status.status_code is StatusCode.ERROR


def test_no_answer(world: Any, serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {})
    server.close()
    server.close = lambda: None
    with pytest.raises(ConnectError):
        call(world, server.url, tracer, retry=None)
    (span,) = tracer.spans
    assert span.attributes["error.type"] == "integrakit.errors.ConnectError"
    assert "http.response.status_code" not in span.attributes
    assert span.status.status_code is StatusCode.ERROR
    assert "no connection was made" in span.status.description


def test_foreign_errors_and_cancellations_end_the_span_without_their_words(world: Any, tracer: Tracer) -> None:
    tracing = OpenTelemetryTracing(tracer.provider)
    request = Request(method="GET", url="http://api.test/")
    for kind in (KeyError, KeyboardInterrupt):

        async def call_next(_: Request, kind: Any = kind) -> Response:
            raise kind("hush")

        async def main() -> None:
            try:
                await tracing(request, call_next)
            except (KeyError, KeyboardInterrupt):
                return

        world(main)
    assert [span.attributes["error.type"] for span in tracer.spans] == ["KeyError", "KeyboardInterrupt"]
    assert all("hush" not in span.to_json() for span in tracer.spans)
    assert "traceparent" not in request.headers


def test_methods_and_templates(serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {})
    policy = OpenTelemetryTracing(tracer.provider, template=lambda request: "/orders/{id}" if "orders" in request.url else None)
    with Client(server.url, policies=[ik.PerAttempt(policy)]) as client:
        client.get("/orders/1")
        client.request("PURGE", "/x")
    known, other = tracer.spans
    assert (known.name, known.attributes["url.template"]) == ("GET /orders/{id}", "/orders/{id}")
    assert (other.name, other.attributes["http.request.method"], other.attributes["http.request.method_original"]) == ("HTTP", "_OTHER", "PURGE")


# ---------------------------------------------------------------------- where the trace goes on


def test_it_does_not_go_on_to_other_origins(world: Any, serve: Any, tracer: Tracer) -> None:
    there = serve(lambda asked: {})
    here = serve(lambda asked: (302, {"Location": f"{there.url}/elsewhere"}, {}))
    call(world, here.url, tracer)
    assert "traceparent" in here.asked[0].headers
    assert there.asked
    assert not {"traceparent", "tracestate", "baggage"} & set(there.asked[0].headers)
    assert [span.attributes["server.port"] for span in tracer.spans] == [here.port, there.port]


def test_it_can_be_told_not_to(world: Any, serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {})
    call(world, server.url, tracer, policy=OpenTelemetryTracing(tracer.provider, propagate=False))
    assert "traceparent" not in server.asked[0].headers
    assert len(tracer.spans) == 1


def test_without_an_sdk_nothing_happens(world: Any, serve: Any, tracer: Tracer) -> None:
    server = serve(lambda asked: {})
    response = call(world, server.url, tracer, policy=OpenTelemetryTracing(trace.NoOpTracerProvider()))
    assert response.status_code == 200
    assert "traceparent" not in server.asked[0].headers


# ---------------------------------------------------------------------- metrics

REQUEST = Request(method="GET", url="https://api.test/orders/17?token=hush")
ERROR = ServerError("hush", request=REQUEST)
WHERE = {"http.request.method": "GET", "server.address": "api.test", "server.port": 443}
QUOTA = {"server.address": "api.test", "server.port": 443, "integrakit.quota": "core"}

EVENTS: list[tuple[Event, str, dict[str, Any], float]] = [
    (
        AttemptFinished(request=REQUEST, seconds=1, error=ERROR),
        "http.client.request.duration",
        {**WHERE, "error.type": "integrakit.errors.ServerError"},
        1,
    ),
    (CallFinished(request=REQUEST, seconds=2, attempts=3, error=ERROR), "integrakit.call.duration", {**WHERE, "integrakit.outcome": "error"}, 2),
    (Waited(request=REQUEST, what="concurrency", seconds=3), "integrakit.wait.duration", {**WHERE, "integrakit.wait.for": "concurrency"}, 3),
    (RetryScheduled(request=REQUEST, error=ERROR, seconds=2), "integrakit.retries", WHERE, 1),
    (RetryRefused(request=REQUEST, error=ERROR, why="beyond the deadline"), "integrakit.retries.refused", WHERE, 1),
    (HedgeSent(request=REQUEST, after=0.2), "integrakit.hedges", WHERE, 1),
    (QuotaTold(request=REQUEST, signal=QuotaSignal(dialect="x", name="core", remaining=7)), "integrakit.quota.remaining", QUOTA, 7),
    (QuotaPaused(request=REQUEST, limit="2/second", seconds=30), "integrakit.quota.pauses", WHERE, 1),
    (
        SharedLimitLost(request=REQUEST, limit="2/second", share=0.25, error=OSError()),
        "integrakit.shared_limit.up",
        {"integrakit.limit": "2/second"},
        0,
    ),
    (SharedLimitBack(request=REQUEST, limit="2/second", seconds=30), "integrakit.shared_limit.up", {"integrakit.limit": "2/second"}, 1),
    (CircuitChanged(request=REQUEST, key="k", before="closed", after="open"), "integrakit.circuit.state", {"integrakit.circuit": "k"}, 2),
    (TokenRefreshed(request=REQUEST, grant="shop"), "integrakit.tokens.refreshed", {"integrakit.grant": "shop"}, 1),
    (GrantLost(request=REQUEST, grant="shop", error=ReauthorisationNeeded("hush")), "integrakit.grants.lost", {"integrakit.grant": "shop"}, 1),
]


@pytest.mark.parametrize(("event", "name", "attributes", "value"), EVENTS)
def test_what_is_measured(meter: Meter, event: Event, name: str, attributes: dict[str, Any], value: float) -> None:
    OpenTelemetryMetrics(meter.provider)(event)
    points = meter.points
    (point,) = points.pop(name)
    assert dict(point.attributes) == attributes
    assert (point.sum if hasattr(point, "sum") else point.value) == value
    assert not any(points.values())
    assert "hush" not in str(point)


def test_the_duration_as_the_conventions_want_it(world: Any, serve: Any, meter: Meter) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "0.001"}, {}) if len(server.asked) < 2 else {})
    observer = OpenTelemetryMetrics(meter.provider)

    async def main() -> None:
        async with Client(server.url, observers=[observer]) as client:
            await client.aget("/a", params={"n": 1})

    world(main)
    where = {"http.request.method": "GET", "server.address": "127.0.0.1", "server.port": server.port, "network.protocol.version": "1.1"}
    points = {point.attributes["http.response.status_code"]: point for point in meter.points["http.client.request.duration"]}
    assert dict(points[503].attributes) == {**where, "http.response.status_code": 503, "error.type": "503"}
    assert dict(points[200].attributes) == {**where, "http.response.status_code": 200}
    assert points[200].count == 1
    assert points[200].explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert meter.unit("http.client.request.duration") == "s"


def test_hosts_and_names_stay_few(meter: Meter) -> None:
    observer = OpenTelemetryMetrics(meter.provider)
    for number in range(300):
        observer(AttemptFinished(request=Request(method="GET", url=f"https://host.test:{number + 1}/"), seconds=1))
        observer(CircuitChanged(request=REQUEST, key=f"key {number}", before="closed", after="open"))
    points = meter.points
    assert len(points["http.client.request.duration"]) == 201
    assert len(points["integrakit.circuit.state"]) == 101


def test_what_is_not_measured(meter: Meter) -> None:
    observer = OpenTelemetryMetrics(meter.provider)
    observer(CallStarted(request=REQUEST))
    observer(QuotaTold(request=REQUEST, signal=QuotaSignal(dialect="x", limit=5)))
    assert not any(meter.points.values())


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize("wrong", [{"tracer_provider": 5}, {"propagate": "yes"}, {"propagate": None}, {"template": "/orders/{id}"}])
def test_wrong_arguments_of_tracing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="OpenTelemetryTracing"):
        OpenTelemetryTracing(**wrong)


def test_wrong_arguments_of_metrics() -> None:
    with pytest.raises(ConfigurationError, match="OpenTelemetryMetrics"):
        OpenTelemetryMetrics("provider")


@pytest.mark.parametrize("make", [OpenTelemetryTracing, OpenTelemetryMetrics])
def test_a_missing_extra_is_said(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opentelemetry.metrics", "opentelemetry.trace", "opentelemetry.propagate"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[opentelemetry\]"'):
        make()


def test_retries_are_seen_with_the_policies_that_cause_them(serve: Any, meter: Meter) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "3600"}, {}))
    with Client(server.url, observers=[OpenTelemetryMetrics(meter.provider)], retry=Retry(max_wait=1)) as client, pytest.raises(ServerError):
        client.get("/a")
    assert [point.value for point in meter.points["integrakit.retries.refused"]] == [1]
