"""Events as lines of the standard library's log: one a call, more of them at DEBUG, and a warning where somebody should look. Never a secret."""

from __future__ import annotations

import logging
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
    RedirectFollowed,
    RetryRefused,
    RetryScheduled,
    SharedLimitBack,
    SharedLimitLost,
    TokenRefreshed,
    VersionMismatch,
    Waited,
)

__all__ = ["LoggingObserver"]

#: What would break a line, or paint a terminal: URLs come from servers too.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Line = tuple[int, str, dict[str, Any]]


class LoggingObserver:
    """``Client(observers=[LoggingObserver()])``: a line for each call at ``level``, for its attempts, waits and redirects at DEBUG.

    Retries that were refused, an open circuit, a shared limit or a grant that was lost, a deprecated endpoint and another version of the API are
    warnings. ``logger`` is "integrakit.calls" unless another one, its name or an adapter is given. What is in a line is in the record as well
    (``extra``): ``event``, ``http_method``, ``url``, ``status_code``, ``attempts``, ``seconds``, ``error_type``, ``request_id`` … URLs are masked,
    and the words of errors are left to who raises them.
    """

    def __init__(self, logger: logging.Logger | logging.LoggerAdapter[Any] | str | None = None, *, level: int = logging.INFO) -> None:
        if isinstance(level, bool) or not isinstance(level, int):
            raise ConfigurationError(f"LoggingObserver(level=…) takes a level such as logging.INFO, not {level!r}")
        if logger is None or isinstance(logger, str):
            logger = logging.getLogger(logger or "integrakit.calls")
        if not callable(getattr(logger, "log", None)) or not callable(getattr(logger, "isEnabledFor", None)):
            raise ConfigurationError(f"LoggingObserver(logger) takes a logger of the standard library, its name or None, not {logger!r}")
        self._logger = logger
        # The level of each event, so that nothing is made up for a line that nobody writes.
        self._lines: dict[type[Event], tuple[int, Callable[[Any], Line | None]]] = {
            CallFinished: (level, lambda event: _finished(event, level)),
            AttemptFinished: (logging.DEBUG, _attempted),
            Waited: (logging.DEBUG, _waited),
            RetryScheduled: (logging.DEBUG, _retried),
            RetryRefused: (logging.WARNING, _refused),
            HedgeSent: (logging.DEBUG, _hedged),
            RedirectFollowed: (logging.DEBUG, _redirected),
            QuotaPaused: (logging.INFO, _paused),
            SharedLimitLost: (logging.WARNING, _lost),
            SharedLimitBack: (logging.INFO, _back),
            CircuitChanged: (logging.INFO, _circuit),
            TokenRefreshed: (logging.INFO, _refreshed),
            GrantLost: (logging.WARNING, _grant_lost),
            EndpointDeprecated: (logging.WARNING, _deprecated),
            VersionMismatch: (logging.WARNING, _other_version),
        }

    def __call__(self, event: Event) -> None:
        level, make = self._lines.get(type(event), (0, None))
        if make is None or not self._logger.isEnabledFor(level):
            return
        line = make(event)
        if line is None:
            return
        level, what, told = line
        if not self._logger.isEnabledFor(level):
            return
        request = event.request
        extra = {"event": _snake(type(event).__name__), "http_method": request.method, "url": _plain(str(request).partition(" ")[2]), **told}
        if request.purpose:
            extra["purpose"] = _plain(request.purpose)
        self._logger.log(level, "%s %s %s", request.method, extra["url"], what, extra=extra)

    def __repr__(self) -> str:
        return f"<LoggingObserver {self._logger.name}>"


def _plain(value: Any) -> str:
    return _CONTROLS.sub(" ", str(value))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _answer(event: CallFinished | AttemptFinished) -> tuple[str, dict[str, Any]]:
    """How it ended, in words and in fields."""
    told: dict[str, Any] = {"seconds": event.seconds}
    if event.response is not None:
        told["status_code"] = event.response.status_code
        if (request_id := event.response.request_id) is not None:
            told["request_id"] = _plain(request_id)
    if event.error is None:
        return f"answered {told.get('status_code')}", told
    told["error_type"] = type(event.error).__name__
    status = f" ({told['status_code']})" if "status_code" in told else ""
    return f"failed: {told['error_type']}{status}", told


def _finished(event: CallFinished, level: int) -> Line:
    what, told = _answer(event)
    told["attempts"] = event.attempts
    return level, f"{what} after {event.attempts} attempt{'' if event.attempts == 1 else 's'} in {event.seconds:.3f} s", told


def _attempted(event: AttemptFinished) -> Line:
    what, told = _answer(event)
    told["attempt"] = event.request.attempt
    return logging.DEBUG, f"{what} in attempt {event.request.attempt}, in {event.seconds:.3f} s", told


def _waited(event: Waited) -> Line:
    return logging.DEBUG, f"waited {event.seconds:.3f} s for the {event.what}", {"what": event.what, "seconds": event.seconds}


def _retried(event: RetryScheduled) -> Line:
    kind = type(event.error).__name__
    return logging.DEBUG, f"is tried again in {event.seconds:.3f} s, after {kind}", {"seconds": event.seconds, "error_type": kind}


def _refused(event: RetryRefused) -> Line:
    kind, why = type(event.error).__name__, _plain(event.why)
    return logging.WARNING, f"is not tried again after {kind}: {why}", {"why": why, "error_type": kind}


def _hedged(event: HedgeSent) -> Line:
    return logging.DEBUG, f"is asked a second time, after {event.after:.3f} s without an answer", {"seconds": event.after}


def _redirected(event: RedirectFollowed) -> Line:
    to = _plain(event.url)
    return logging.DEBUG, f"is redirected to {to}", {"redirected_to": to}


def _paused(event: QuotaPaused) -> Line:
    limit = _plain(event.limit)
    what = f"used the last of the quota {limit}: everybody waits {event.seconds:.1f} s"
    return logging.INFO, what, {"limit": limit, "seconds": event.seconds}


def _lost(event: SharedLimitLost) -> Line:
    limit, kind = _plain(event.limit), type(event.error).__name__
    what = f"goes without the shared state of {limit} ({kind}): this process keeps to {event.share:.0%} of it"
    return logging.WARNING, what, {"limit": limit, "share": event.share, "error_type": kind}


def _back(event: SharedLimitBack) -> Line:
    limit = _plain(event.limit)
    return logging.INFO, f"found the shared state of {limit} again, after {event.seconds:.1f} s", {"limit": limit, "seconds": event.seconds}


def _circuit(event: CircuitChanged) -> Line:
    key = _plain(event.key)
    what = f"changed the circuit of {key} from {event.before} to {event.after}"
    if event.after == "open":
        what += f": {event.failures} of {event.calls} calls failed"
    level = logging.WARNING if event.after == "open" else logging.INFO
    return level, what, {"circuit": key, "before": event.before, "after": event.after, "failures": event.failures, "calls": event.calls}


def _refreshed(event: TokenRefreshed) -> Line:
    grant = _plain(event.grant)
    lasting = "" if event.expires_in is None else f", for {event.expires_in:.0f} s"
    return logging.INFO, f"got a new token for {grant}{lasting}", {"grant": grant, "expires_in": event.expires_in, "rotated": event.rotated}


def _grant_lost(event: GrantLost) -> Line:
    grant, kind = _plain(event.grant), type(event.error).__name__
    return logging.WARNING, f"lost the grant {grant} ({kind}): a person must give it anew", {"grant": grant, "error_type": kind}


def _deprecated(event: EndpointDeprecated) -> Line:
    told = {"severity": event.severity, "since": event.since, "sunset": event.sunset, "link": _plain(event.link) if event.link else None}
    return logging.ERROR if event.severity == "error" else logging.WARNING, _plain(event), told


def _other_version(event: VersionMismatch) -> Line:
    return logging.WARNING, _plain(event), {"severity": event.severity, "expected": event.expected, "got": _plain(event.got)}
