"""Spans and metrics by OpenTelemetry's stable semantic conventions for HTTP clients (1.23 and later). The only file that knows opentelemetry-api.

Metrics are an observer. Spans are a policy, since the trace goes on in the headers of the request, which an observer cannot change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from integrakit._http import encode_params
from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.model import Request, Response
from integrakit.model.events import (
    AttemptFinished,
    CallFinished,
    CircuitChanged,
    EndpointDeprecated,
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
    VersionMismatch,
    Waited,
)
from integrakit.model.exchange import mask_url
from integrakit.observers.labels import METHODS, OTHER, Bounded, error_type, method_label, outcome, server
from integrakit.protocols import CallNext

__all__ = ["OpenTelemetryMetrics", "OpenTelemetryTracing"]

_NAME = "integrakit"
_SCHEMA = "https://opentelemetry.io/schemas/1.23.0"
#: As the conventions advise for http.client.request.duration (semconv/http/http-metrics, read 2026-11).
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_STATES = {"closed": 0, "half-open": 1, "open": 2}
#: Names of hosts, and of quotas, limits, circuits and grants, that are told apart.
HOSTS, NAMES = 200, 100


def _api(what: str) -> Any:
    try:
        # An extra.
        import opentelemetry.metrics
        import opentelemetry.propagate
        import opentelemetry.trace
    except ImportError:
        raise ConfigurationError(f'{what} needs opentelemetry-api: pip install "integrakit[opentelemetry]"') from None
    return opentelemetry


def _provider(what: str, value: Any, method: str) -> None:
    if value is not None and not callable(getattr(value, method, None)):
        raise ConfigurationError(f"{what} takes a provider with {method}(), or None for the global one, not {value!r}")


def _version(response: Response) -> str:
    """``1.1``, ``2`` …"""
    return str(getattr(response.raw, "http_version", "")).partition("/")[2]


# ---------------------------------------------------------------------- spans


class OpenTelemetryTracing:
    """A CLIENT span for each attempt, child of the span in force: ``policies=[ik.PerAttempt(OpenTelemetryTracing())]``. Extra ``opentelemetry``.

    With ``propagate`` the trace goes on in headers (``traceparent``) by the global propagator, to the client's own origins only. ``template`` gives
    the URL's pattern for the span's name ("/orders/{id}"), or None. ``url.full`` is masked. The span does not become the current one.
    """

    def __init__(self, tracer_provider: Any = None, *, propagate: bool = True, template: Callable[[Request], str | None] | None = None) -> None:
        api = _api("OpenTelemetryTracing")
        _provider("OpenTelemetryTracing(tracer_provider)", tracer_provider, "get_tracer")
        if not isinstance(propagate, bool):
            raise ConfigurationError(f"OpenTelemetryTracing(propagate=…) takes True or False, not {propagate!r}")
        if template is not None and not callable(template):
            raise ConfigurationError(f"OpenTelemetryTracing(template=…) takes a function of a request, not {template!r}")
        self._trace = api.trace
        self._inject = api.propagate.inject if propagate else None
        self._template = template
        self._tracer = api.trace.get_tracer(_NAME, tracer_provider=tracer_provider, schema_url=_SCHEMA)

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        span = self._start(request)
        try:
            if self._inject is not None:
                request = request.copy()
                self._inject(request.headers, context=self._trace.set_span_in_context(span))
            response = await call_next(request)
        except BaseException as problem:
            # The words of foreign errors may hold anything.
            self._failed(span, error_type(None, problem), str(problem) if isinstance(problem, IntegrakitError) else type(problem).__name__)
            raise
        else:
            if span.is_recording():
                span.set_attribute("http.response.status_code", response.status_code)
                if version := _version(response):
                    span.set_attribute("network.protocol.version", version)
                if (kind := error_type(response, response.error)) is not None:
                    self._failed(span, kind, None)
            return response
        finally:
            span.end()

    def _start(self, request: Request) -> Any:
        method, (host, _, port) = method_label(request), server(request)
        template = None if self._template is None else self._template(request)
        attributes: dict[str, Any] = {"http.request.method": method, "url.full": _full_url(request), "server.address": host, "server.port": port}
        if method == OTHER:
            attributes["http.request.method_original"] = request.method
        if request.attempt > 1:
            attributes["http.request.resend_count"] = request.attempt - 1
        if template:
            attributes["url.template"] = template
        name = request.method if request.method in METHODS else "HTTP"
        return self._tracer.start_span(f"{name} {template}" if template else name, kind=self._trace.SpanKind.CLIENT, attributes=attributes)

    def _failed(self, span: Any, kind: str | None, why: str | None) -> None:
        span.set_attribute("error.type", kind or OTHER)
        span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, why))


def _full_url(request: Request) -> str:
    """With its parameters, and without what looks like a credential. Those of the client and its auth are not in it: they are added later."""
    url = request.url.partition("#")[0]
    if request.params and (pairs := encode_params(request.params)):
        url += ("&" if "?" in url else "?") + urlencode(pairs)
    return mask_url(url)


# ---------------------------------------------------------------------- metrics


class OpenTelemetryMetrics:
    """``Client(observers=[OpenTelemetryMetrics()])``: ``http.client.request.duration`` for each attempt, and more under ``integrakit.``

    Needs the extra ``opentelemetry``. Attributes are bounded: methods, 200 hosts (later ones are ``_OTHER``), never a URL.
    """

    def __init__(self, meter_provider: Any = None) -> None:
        api = _api("OpenTelemetryMetrics")
        _provider("OpenTelemetryMetrics(meter_provider)", meter_provider, "get_meter")
        meter = api.metrics.get_meter(_NAME, meter_provider=meter_provider, schema_url=_SCHEMA)
        self._hosts, self._names = Bounded(HOSTS), Bounded(NAMES)
        self._attempt = meter.create_histogram(
            "http.client.request.duration", unit="s", description="Duration of HTTP client requests.", explicit_bucket_boundaries_advisory=_BUCKETS
        )
        self._call = meter.create_histogram("integrakit.call.duration", unit="s", description="A call with all its attempts and waits.")
        self._wait = meter.create_histogram("integrakit.wait.duration", unit="s", description="Waiting for a turn: rate limit or concurrency.")
        counters = {
            RetryScheduled: ("integrakit.retries", "{attempt}", "Attempts that failed and were repeated."),
            RetryRefused: ("integrakit.retries.refused", "{attempt}", "Attempts that could have been repeated, and were not."),
            HedgeSent: ("integrakit.hedges", "{attempt}", "Second attempts beside a slow first one."),
            QuotaPaused: ("integrakit.quota.pauses", "{pause}", "How often the server said that a whole quota is gone."),
            EndpointDeprecated: ("integrakit.deprecations", "{notice}", "Kinds of requests that the server said will go."),
            VersionMismatch: ("integrakit.version.mismatches", "{notice}", "Another version of the API answered than the one expected."),
        }
        granted = {
            TokenRefreshed: ("integrakit.tokens.refreshed", "{token}", "Access tokens that were granted."),
            GrantLost: ("integrakit.grants.lost", "{grant}", "Grants that a person must give anew."),
        }
        self._counters = {
            kind: meter.create_counter(name, unit=unit, description=text) for kind, (name, unit, text) in {**counters, **granted}.items()
        }
        self._circuit = meter.create_gauge("integrakit.circuit.state", description="0 closed, 1 half-open, 2 open.")
        self._quota = meter.create_gauge("integrakit.quota.remaining", description="Units left, as the server told it last.")
        self._shared = meter.create_gauge("integrakit.shared_limit.up", description="1 while the shared state of a limit can be reached, else 0.")
        self._told: dict[type[Event], Callable[[Any], None]] = {
            AttemptFinished: self._attempted,
            CallFinished: lambda event: self._call.record(event.seconds, {**self._server(event), "integrakit.outcome": outcome(event.error)}),
            Waited: lambda event: self._wait.record(event.seconds, {**self._server(event), "integrakit.wait.for": event.what}),
            CircuitChanged: lambda event: self._circuit.set(_STATES.get(event.after, 0), {"integrakit.circuit": self._names(event.key)}),
            QuotaTold: self._quota_told,
            SharedLimitLost: lambda event: self._shared.set(0, {"integrakit.limit": self._names(event.limit)}),
            SharedLimitBack: lambda event: self._shared.set(1, {"integrakit.limit": self._names(event.limit)}),
            **dict.fromkeys(counters, self._counted),
            **dict.fromkeys(granted, self._granted),
        }

    def __call__(self, event: Event) -> None:
        record = self._told.get(type(event))
        if record is not None:
            record(event)

    def _server(self, event: Event) -> dict[str, Any]:
        host, named, port = server(event.request)
        if self._hosts(named) == OTHER:
            host, port = OTHER, 0
        return {"http.request.method": method_label(event.request), "server.address": host, "server.port": port}

    def _attempted(self, event: AttemptFinished) -> None:
        attributes = self._server(event)
        if event.response is not None:
            attributes["http.response.status_code"] = event.response.status_code
            if version := _version(event.response):
                attributes["network.protocol.version"] = version
        if (kind := error_type(event.response, event.error)) is not None:
            attributes["error.type"] = kind
        self._attempt.record(event.seconds, attributes)

    def _counted(self, event: Event) -> None:
        self._counters[type(event)].add(1, self._server(event))

    def _granted(self, event: TokenRefreshed | GrantLost) -> None:
        self._counters[type(event)].add(1, {"integrakit.grant": self._names(event.grant)})

    def _quota_told(self, event: QuotaTold) -> None:
        if (remaining := getattr(event.signal, "remaining", None)) is not None:
            quota = getattr(event.signal, "name", "") or getattr(event.signal, "kind", "")
            where = self._server(event)
            del where["http.request.method"]
            self._quota.set(remaining, {**where, "integrakit.quota": self._names(quota)})
