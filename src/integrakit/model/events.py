"""What happens around requests, as values that observers are given. No I/O; nothing here holds a credential, as far as it is printed.

An observer is a callable of one event. It is called where the event happens, in whatever thread or task that is, and must be quick.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

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
    "EndpointDeprecated",
    "Event",
    "GrantLost",
    "HedgeSent",
    "Observer",
    "QuotaPaused",
    "QuotaTold",
    "RedirectFollowed",
    "RetryRefused",
    "RetryScheduled",
    "SchemaChanged",
    "Severity",
    "SharedLimitBack",
    "SharedLimitLost",
    "TokenRefreshed",
    "VersionMismatch",
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


#: How much it matters: for the log, for somebody to look at soon, or something that will break (or has broken) what depends on it.
Severity: TypeAlias = Literal["info", "warning", "error"]


@frozen(kw_only=True)
class EndpointDeprecated(Event):
    """The server says, by ``Deprecation`` or ``Sunset``, that what was asked for will go. An "error" where it ends within 30 days, or has ended."""

    severity: Severity = "warning"
    #: When it was deprecated, and when it ends; aware, UTC, None where not told.
    since: datetime | None = None
    sunset: datetime | None = None
    #: Where the server says more about it, as it may be shown.
    link: str | None = None

    def __str__(self) -> str:
        ends = "" if self.sunset is None else f" and ends on {self.sunset:%Y-%m-%d}"
        return f"is deprecated{ends}" + (f": see {self.link}" if self.link else "")


@frozen(kw_only=True)
class VersionMismatch(Event):
    """Another version of the API answered than the one that was asked for."""

    severity: Severity = "warning"
    header: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"was answered by version {self.got} ({self.header}), and {self.expected} was expected"


@frozen(kw_only=True)
class SchemaChanged:
    """The shape of a resource's records is not what it was. No request's event: a whole read shows it. No value of a record stands in it.

    ``kind``: "new" (a field nobody saw before), "missing" (one that always came, and did not come at all), "optional" (one that always came, and is
    absent from some records), "nullable" (null where none was), "retyped" (another type than before).
    """

    severity: Severity
    resource: str
    #: Dotted; ``lines[].sku`` is a field of the objects in a list.
    path: str
    kind: Literal["new", "missing", "optional", "nullable", "retyped"]
    #: The types before and now: "null", "boolean", "integer", "number", "text", "date", "time", "binary", "object", "list".
    before: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    #: Records read when it was found, and how many of them have it.
    records: int = 0
    having: int = 0

    def __str__(self) -> str:
        was, has = " or ".join(self.before), " or ".join(self.now)
        what = {
            "new": f"is new ({has})",
            "missing": f"({was}) is gone: none of {self.records} records has it",
            "optional": f"({was}) always came, and only {self.having} of {self.records} records have it",
            "nullable": f"was never null ({was}), and is now",
            "retyped": f"was {was}, and is {has} now",
        }[self.kind]
        return f"{self.resource}: field {self.path} {what}"


Observer: TypeAlias = Callable[[Event], None]
