"""Events as Prometheus metrics, with labels that stay few: method, host, status class. The only file that knows prometheus-client."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from integrakit.errors import ConfigurationError
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
    RedirectFollowed,
    RetryRefused,
    RetryScheduled,
    SharedLimitBack,
    SharedLimitLost,
    TokenRefreshed,
    VersionMismatch,
    Waited,
)
from integrakit.observers.labels import Bounded, method_label, outcome, server, status_class

__all__ = ["PrometheusObserver"]

#: Names of hosts, and of quotas, limits, circuits and grants, that are told apart.
HOSTS, NAMES = 200, 100
_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)
_WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_STATES = {"closed": 0, "half-open": 1, "open": 2}

#: Kind, name, labels and what it says.
_METRICS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("Histogram", "attempt_duration_seconds", ("method", "host", "status"), "One attempt, until its answer was read; status is 2xx … 5xx or error."),
    ("Histogram", "call_duration_seconds", ("method", "host", "outcome"), "One call with all its attempts and waits."),
    ("Histogram", "wait_seconds", ("what", "host"), "Waiting for a turn: rate limit or concurrency."),
    ("Counter", "retries", ("method", "host"), "Attempts that failed and were repeated."),
    ("Counter", "retries_refused", ("method", "host"), "Attempts that could have been repeated, and were not."),
    ("Counter", "hedges", ("host",), "Second attempts beside a slow first one."),
    ("Counter", "redirects", ("host",), "Redirects that were followed."),
    ("Gauge", "quota_remaining", ("host", "quota"), "Units left, as the server told it last."),
    ("Counter", "quota_pauses", ("host",), "How often the server said that a whole quota is gone."),
    ("Gauge", "shared_limit_up", ("limit",), "1 while the shared state of a limit can be reached, else 0."),
    ("Gauge", "circuit_state", ("circuit",), "0 closed, 1 half-open, 2 open."),
    ("Counter", "tokens_refreshed", ("grant",), "Access tokens that were granted."),
    ("Counter", "grants_lost", ("grant",), "Grants that a person must give anew."),
    ("Counter", "deprecations", ("host",), "Kinds of requests that the server said will go."),
    ("Counter", "version_mismatches", ("host",), "Answers by another version of the API than the one expected."),
)


class PrometheusObserver:
    """``Client(observers=[PrometheusObserver()])``: counts in a registry, the default one unless given. Needs the extra ``prometheus``.

    One observer may serve many clients, and several observers of one registry and namespace count into the same metrics. Labels are the method, the
    host (200 of them, later ones are ``_OTHER``), the class of the status: never a URL.
    """

    def __init__(self, registry: Any = None, namespace: str = "integrakit") -> None:
        if not isinstance(namespace, str) or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", namespace):
            raise ConfigurationError(f"PrometheusObserver(namespace=…) takes letters, digits and _, such as 'integrakit', not {namespace!r}")
        try:
            # An extra.
            import prometheus_client
        except ImportError:
            raise ConfigurationError('PrometheusObserver needs prometheus-client: pip install "integrakit[prometheus]"') from None
        if registry is None:
            registry = prometheus_client.REGISTRY
        if not callable(getattr(registry, "register", None)):
            raise ConfigurationError(f"PrometheusObserver(registry) takes a prometheus_client.CollectorRegistry, not {registry!r}")
        self._metrics = {name: _metric(prometheus_client, registry, namespace, kind, name, labels, text) for kind, name, labels, text in _METRICS}
        self._hosts = Bounded(HOSTS)
        self._names = Bounded(NAMES)
        self._told: dict[type[Event], Callable[[Any], None]] = {
            AttemptFinished: self._attempt,
            CallFinished: self._call,
            Waited: lambda event: self._of("wait_seconds", what=event.what, host=self._host(event)).observe(event.seconds),
            RetryScheduled: lambda event: self._of("retries", method=method_label(event.request), host=self._host(event)).inc(),
            RetryRefused: lambda event: self._of("retries_refused", method=method_label(event.request), host=self._host(event)).inc(),
            HedgeSent: lambda event: self._of("hedges", host=self._host(event)).inc(),
            RedirectFollowed: lambda event: self._of("redirects", host=self._host(event)).inc(),
            QuotaTold: self._quota,
            QuotaPaused: lambda event: self._of("quota_pauses", host=self._host(event)).inc(),
            SharedLimitLost: lambda event: self._of("shared_limit_up", limit=self._names(event.limit)).set(0),
            SharedLimitBack: lambda event: self._of("shared_limit_up", limit=self._names(event.limit)).set(1),
            CircuitChanged: lambda event: self._of("circuit_state", circuit=self._names(event.key)).set(_STATES.get(event.after, 0)),
            TokenRefreshed: lambda event: self._of("tokens_refreshed", grant=self._names(event.grant)).inc(),
            GrantLost: lambda event: self._of("grants_lost", grant=self._names(event.grant)).inc(),
            EndpointDeprecated: lambda event: self._of("deprecations", host=self._host(event)).inc(),
            VersionMismatch: lambda event: self._of("version_mismatches", host=self._host(event)).inc(),
        }

    def __call__(self, event: Event) -> None:
        count = self._told.get(type(event))
        if count is not None:
            count(event)

    def _of(self, name: str, **labels: str) -> Any:
        return self._metrics[name].labels(**labels)

    def _host(self, event: Event) -> str:
        return self._hosts(server(event.request)[1])

    def _attempt(self, event: AttemptFinished) -> None:
        status = status_class(event.response, event.error)
        self._of("attempt_duration_seconds", method=method_label(event.request), host=self._host(event), status=status).observe(event.seconds)

    def _call(self, event: CallFinished) -> None:
        labels = {"method": method_label(event.request), "host": self._host(event), "outcome": outcome(event.error)}
        self._of("call_duration_seconds", **labels).observe(event.seconds)

    def _quota(self, event: QuotaTold) -> None:
        remaining = getattr(event.signal, "remaining", None)
        if remaining is not None:
            quota = getattr(event.signal, "name", "") or getattr(event.signal, "kind", "")
            self._of("quota_remaining", host=self._host(event), quota=self._names(quota)).set(remaining)


def _metric(module: Any, registry: Any, namespace: str, kind: str, name: str, labels: tuple[str, ...], text: str) -> Any:
    """The metric, made now or by an observer before this one."""
    more = {"buckets": _WAITS if name == "wait_seconds" else _DURATIONS} if kind == "Histogram" else {}
    wanted = getattr(module, kind)
    try:
        return wanted(name, text, labels, namespace=namespace, registry=registry, **more)
    except ValueError as problem:
        # The registry has no public way to ask for a metric by its name.
        found: Any = getattr(registry, "_names_to_collectors", {}).get(f"{namespace}_{name}")
        if type(found) is wanted and found._labelnames == labels:
            return found
        raise ConfigurationError(f"another metric is called {namespace}_{name} in this registry: give PrometheusObserver(namespace=…)") from problem
