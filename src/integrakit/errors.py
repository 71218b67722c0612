"""Every error integrakit raises, in one tree.

    IntegrakitError
    ├── ConfigurationError          a wrong argument, or a missing extra
    ├── TransportError              no usable answer came back
    │   ├── ConnectError            no connection was made: nothing was sent
    │   └── TransportTimeout        the attempt took longer than its timeout
    ├── ResponseError               an answer came, and it says no
    │   ├── BadRequest 400          AuthenticationError 401     PermissionDenied 403
    │   ├── NotFound 404            Conflict 409                Unprocessable 422
    │   ├── RateLimited 429         ServerError 5xx
    │   └── GraphQLError            errors in the body, whatever the status
    ├── DecodeError                 an answer came, and it is not what was agreed
    ├── PolicyError                 integrakit itself refused to go on
    │   └── RateLimitExceeded       CircuitOpen                 DeadlineExceeded
    ├── ReadError                   a read that cannot prove itself
    │   └── PaginationStalled       IncompleteRead              CheckpointMismatch
    ├── MappingError                a record that breaks its mapping
    ├── NotAccepted                 a comparison found more than its rule accepts
    ├── WriteError
    │   ├── GuardTripped            PlanOutdated
    │   └── UnknownOutcome          LeaseHeld
    ├── IdempotencyError
    │   └── IdempotencyMismatch     InProgress
    ├── StoreError
    │   └── VersionConflict         StoreTooNew
    ├── ReauthorisationNeeded       the grant is gone: who must do what
    └── SignatureError

What may live here: exception classes and nothing else. A message says which record or request, what was wrong, and what to do next. It never
holds a secret: whoever builds the message redacts first. No exception of another library ever leaves integrakit; it is the ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrakit.model import Evidence, FieldError, Request, Response

__all__ = [
    "AuthenticationError",
    "BadRequest",
    "CheckpointMismatch",
    "CircuitOpen",
    "ConfigurationError",
    "Conflict",
    "ConnectError",
    "DeadlineExceeded",
    "DecodeError",
    "GraphQLError",
    "GuardTripped",
    "IdempotencyError",
    "IdempotencyMismatch",
    "InProgress",
    "IncompleteRead",
    "IncompleteReadWarning",
    "IntegrakitError",
    "LeaseHeld",
    "MappingError",
    "NotAccepted",
    "NotFound",
    "PaginationStalled",
    "PermissionDenied",
    "PlanOutdated",
    "PolicyError",
    "RateLimitExceeded",
    "RateLimited",
    "ReadError",
    "ReauthorisationNeeded",
    "ResponseError",
    "ServerError",
    "SignatureError",
    "StoreError",
    "StoreTooNew",
    "TransportError",
    "TransportTimeout",
    "UnknownOutcome",
    "Unprocessable",
    "VersionConflict",
    "WriteError",
]


def _rebuild(cls: type[IntegrakitError], message: str, state: dict[str, Any]) -> IntegrakitError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class IntegrakitError(Exception):
    """The root: ``except IntegrakitError`` catches whatever this library raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only constructors would not survive pickling by default, and errors travel between processes.
        return _rebuild, (type(self), str(self), dict(self.__dict__))


class ConfigurationError(IntegrakitError):
    """An argument is wrong, or an extra is not installed. The message names the argument and what would be right."""


class _ExchangeError(IntegrakitError):
    """What errors of one HTTP exchange know: the request, and how often it was tried."""

    def __init__(self, message: str, *, request: Request | None = None, attempts: int = 1, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: The request as it was built; its ``repr`` hides credentials.
        self.request = request
        #: How many times it was sent before giving up.
        self.attempts = attempts
        #: Seconds after which it is worth asking again, where known.
        self.retry_after = retry_after


class TransportError(_ExchangeError):
    """No usable answer came back. ``sent`` is False only when it is certain that the server never got the request.

    ``lasting`` is True when another try would end in the same way: redirects in circles.
    """

    lasting = False

    def __init__(
        self, message: str, *, request: Request | None = None, attempts: int = 1, retry_after: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message, request=request, attempts=attempts, retry_after=retry_after)
        self.sent = sent


class ConnectError(TransportError):
    """No connection was made, so nothing was sent: safe to repeat whatever the method."""


class TransportTimeout(TransportError):
    """The attempt took longer than its ``timeout``."""


class ResponseError(_ExchangeError):
    """The server answered, and the answer is a refusal. The message holds an excerpt of the body."""

    def __init__(
        self,
        message: str,
        *,
        response: Response | None = None,
        request: Request | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, request=request, attempts=attempts, retry_after=retry_after)
        self.response = response

    @property
    def status_code(self) -> int | None:
        """The HTTP status, or None where ``classify`` built the error without a response."""
        return None if self.response is None else self.response.status_code

    @property
    def request_id(self) -> str | None:
        """The server's own id of this exchange (``x-request-id`` and its kin), to quote to its support."""
        return None if self.response is None else self.response.request_id


class BadRequest(ResponseError):
    """400"""


class AuthenticationError(ResponseError):
    """401"""


class PermissionDenied(ResponseError):
    """403"""


class NotFound(ResponseError):
    """404"""


class Conflict(ResponseError):
    """409"""


class Unprocessable(ResponseError):
    """422"""


class RateLimited(ResponseError):
    """429; ``retry_after`` says when to come back, in seconds, where the server told."""


class ServerError(ResponseError):
    """5xx"""


class GraphQLError(ResponseError):
    """The body of a GraphQL answer holds errors. Where they or the status say which kind, it is that one as well: `RateLimited`, `NotFound` …

    ``errors`` is the list as the server sent it, without our credentials: dicts with ``message``, ``path``, ``locations``, ``extensions``. ``data``
    is what came in spite of them: a dict with nulls where something failed, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        errors: Sequence[Any] = (),
        data: Any = None,
        response: Response | None = None,
        request: Request | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, response=response, request=request, attempts=attempts, retry_after=retry_after)
        self.errors = list(errors)
        self.data = data


class DecodeError(IntegrakitError):
    """A body, page or record is not of the agreed shape. ``path`` says where in it, as a dotted path."""

    def __init__(self, message: str, *, path: str = "", response: Response | None = None, record: Any = None) -> None:
        super().__init__(message)
        self.path = path
        self.response = response
        self.record = record


class PolicyError(_ExchangeError):
    """A policy refused to go on: nothing was sent by this attempt."""


class RateLimitExceeded(PolicyError):
    """The wait for a free slot is longer than ``max_wait`` or the deadline. ``retry_after`` is that wait, in seconds."""


class CircuitOpen(PolicyError):
    """The circuit breaker is open. ``retry_after`` is the time to the next probe, in seconds."""


class DeadlineExceeded(PolicyError):
    """The whole call, waits included, ran out of time. Unlike its siblings, an earlier attempt may have reached the server."""


class ReadError(IntegrakitError):
    """A read that cannot go on or cannot prove itself. ``evidence`` is what it saw until then, where there is any."""

    def __init__(self, message: str, *, evidence: Evidence | None = None) -> None:
        super().__init__(message)
        self.evidence = evidence


class PaginationStalled(ReadError):
    """The server repeats a page or a cursor: going on would loop for ever."""


class IncompleteRead(ReadError):
    """The read is over, and its evidence says that something was missed. Every record was delivered; no watermark moved."""


class IncompleteReadWarning(UserWarning):
    """What `IncompleteRead` becomes with ``incomplete="warn"``: every record was delivered, no watermark moved, nothing is deleted."""


class CheckpointMismatch(ReadError):
    """The checkpoint belongs to another resource or to other parameters."""


class MappingError(IntegrakitError):
    """A record breaks its mapping. ``errors`` lists every bad field: ``path``, ``reason``, ``value_type``, ``target``."""

    def __init__(self, message: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class NotAccepted(IntegrakitError):
    """Two sides differ by more than the acceptance rule allows. ``verdict`` has every reason."""

    def __init__(self, message: str, *, verdict: Any = None) -> None:
        super().__init__(message)
        self.verdict = verdict


class WriteError(IntegrakitError):
    """A write did not happen, or may not go on."""


class GuardTripped(WriteError):
    """The run would change more than its guard allows. Nothing beyond the limit was written."""


class PlanOutdated(WriteError):
    """The world moved since the plan was made: make a new plan."""


class UnknownOutcome(WriteError):
    """A write may or may not have taken place, and nothing can tell: a person must look."""


class LeaseHeld(WriteError):
    """Another run of the same sync is under way."""


class IdempotencyError(IntegrakitError):
    """A key for exactly-once handling cannot be honoured."""


class IdempotencyMismatch(IdempotencyError):
    """The same key was used for another request."""


class InProgress(IdempotencyError):
    """The same key is being handled right now."""


class StoreError(IntegrakitError):
    """The store could not read or keep state: full disk, no permission, a file that is not a store."""


class VersionConflict(StoreError):
    """A document is not at the version that was expected: somebody else wrote it. Nothing of the commit was kept."""

    def __init__(self, message: str, *, space: str = "", key: str = "") -> None:
        super().__init__(message)
        self.space = space
        self.key = key


class StoreTooNew(StoreError):
    """The store was written by a newer integrakit. Upgrade this one; nothing was changed."""


class ReauthorisationNeeded(IntegrakitError):
    """The grant is gone. The message says who must do what."""


class SignatureError(IntegrakitError):
    """A signature does not hold."""
