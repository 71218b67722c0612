"""Observers for tools that watch: the log, OpenTelemetry, Prometheus. An observer is a callable of one event; give it as ``Client(observers=[…])``.

`integrakit.observers.opentelemetry` is a module of its own. Nothing here decides anything: without observers every request goes the same way.
"""

from integrakit.observers.prometheus import PrometheusObserver
from integrakit.observers.stdlib_logging import LoggingObserver

__all__ = ["LoggingObserver", "PrometheusObserver"]
