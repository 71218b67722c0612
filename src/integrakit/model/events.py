"""What happens around requests, as values that observers are given. No I/O; nothing here holds a credential, as far as it is printed.

An observer is a callable of one event. It is called where the event happens, in whatever thread or task that is, and must be quick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from integrakit.model.exchange import Request, Response

if TYPE_CHECKING:
    from integrakit.errors import IntegrakitError

__all__ = [
    "AttemptFinished",
    "AttemptStarted",
    "CallFinished",
    "CallStarted",
    "CircuitChanged",
    "Event",
    "GrantLost",
    "HedgeSent",
    "Observer",
    "QuotaPaused",
    "QuotaTold",
    "RedirectFollowed",
    "RetryRefused",
    "RetryScheduled",
    "SharedLimitBack",
    "SharedLimitLost",
    "TokenRefreshed",
    "Waited",
]


@frozen(kw_only=True)
class Event:
    """What all events have: the request it happened to (its ``repr`` hides credentials)."""

    request: Request


@frozen(kw_only=True)
class CallStarted(Event):
    """A logical call begins: what the user asked for, before any policy."""


@frozen(kw_only=True)
class CallFinished(Event):
    """A logical call is over, after all its attempts and waits. ``response`` is None where none came; ``error`` is None for a success."""

    seconds: float
    attempts: int
    response: Response | None = None
    error: BaseException | None = None


@frozen(kw_only=True)
class AttemptStarted(Event):
    """One attempt is about to be signed and sent; ``request.attempt`` says which."""


@frozen(kw_only=True)
class AttemptFinished(Event):
    """One attempt is over: an answer came, or an error instead of it."""

    seconds: float
    response: Response | None = None
    error: BaseException | None = None


@frozen(kw_only=True)
class Waited(Event):
    """The request waited for its turn. ``what``: "rate limit" or "concurrency"."""

    what: str
    seconds: float


@frozen(kw_only=True)
class RetryScheduled(Event):
    """The attempt failed with ``error``; the next one comes in ``seconds``."""

    error: IntegrakitError
    seconds: float


@frozen(kw_only=True)
class RetryRefused(Event):
    """The attempt failed in a way that could be repeated, and is not: ``why`` says the limit that stood against it."""

    error: IntegrakitError
    why: str


@frozen(kw_only=True)
class HedgeSent(Event):
    """No answer came for ``after`` seconds, so a second attempt goes out beside the first."""

    after: float


@frozen(kw_only=True)
class RedirectFollowed(Event):
    """The server sent us on, from ``request`` to ``url`` (as it may be shown)."""

    url: str


@frozen(kw_only=True)
class QuotaTold(Event):
    """The server said where a quota stands: a `QuotaSignal`."""

    signal: Any


@frozen(kw_only=True)
class QuotaPaused(Event):
    """The server said that the whole quota is gone: everybody who shares the limit waits ``seconds``."""

    limit: str
    seconds: float


@frozen(kw_only=True)
class SharedLimitLost(Event):
    """The shared state of a limit cannot be reached. Until it is back, this process keeps to ``share`` of the limit."""

    limit: str
    share: float
    error: BaseException


@frozen(kw_only=True)
class SharedLimitBack(Event):
    """The shared state of a limit can be reached again, after ``seconds``."""

    limit: str
    seconds: float


@frozen(kw_only=True)
class CircuitChanged(Event):
    """A circuit breaker went from ``before`` to ``after``: "closed", "open" or "half-open". ``failures`` of ``calls`` in its window had failed."""

    key: str
    before: str
    after: str
    failures: int = 0
    calls: int = 0


@frozen(kw_only=True)
class TokenRefreshed(Event):
    """A new access token was granted and kept. ``expires_in`` in seconds, where told; ``rotated``: the refresh token is a new one too."""

    grant: str
    expires_in: float | None = None
    rotated: bool = False


@frozen(kw_only=True)
class GrantLost(Event):
    """The authorisation server says that the grant is gone: a person must give it anew."""

    grant: str
    error: BaseException = field(repr=False)


Observer: TypeAlias = Callable[[Event], None]
