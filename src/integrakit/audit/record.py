"""One record of a log as a value: what `for record in log` gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from integrakit.audit.chain import Stored
from integrakit.errors import StoreError

__all__ = ["AuditRecord"]


@frozen(kw_only=True)
class AuditRecord:
    """One fact: that an attempt is about to be sent, how it ended, how the call ended, or something about the log itself."""

    #: Number in the log, from 0 on without gaps.
    seq: int
    #: When it was recorded: aware, UTC, of the runtime in force.
    at: datetime
    #: ``"started"``: about to be sent. ``"attempt"``: it ended. ``"call"``: the whole call ended. ``"log"``: the first record of all.
    #: ``"note"``: something about the log itself, see ``details``.
    kind: str
    #: What all records of one call have in common; None in "log" and "note".
    call: str | None = None
    #: What the "started" and the "attempt" record of one exchange have in common: redirects make several of one attempt.
    exchange: str | None = None
    #: Which attempt, from 1; in a "call" record how many were begun, 0 for none.
    attempt: int | None = None
    #: True: a request of the auth's own, for a token say, which the call needed. Its bodies are credentials, and not hashed.
    authorisation: bool | None = None
    actor: str | None = None
    #: ``host:pid`` of the process.
    process: str | None = None
    method: str | None = None
    #: Without credentials: see the documentation for what is hidden.
    url: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    #: Names only, in small letters.
    headers: tuple[str, ...] = ()
    status: int | None = None
    #: Class of the error it ended in: of what was raised, or of what the status will be raised as.
    error: str | None = None
    #: Words of the error, only with ``AuditLog(messages=True)``.
    message: str | None = None
    #: False where it is certain that the server never got the request.
    sent: bool | None = None
    #: How long it took, waits included in a "call".
    seconds: float | None = None
    #: ``sha256:…`` or ``hmac-sha256:…`` over the bytes of the body; None where there was none, or it was not read.
    request_hash: str | None = None
    request_bytes: int | None = None
    response_hash: str | None = None
    response_bytes: int | None = None
    idempotency_key_hash: str | None = None
    #: The server's own id of the exchange.
    request_id: str | None = None
    #: Of this record, and of the one before it.
    hash: str
    previous: str
    #: The record as it is stored.
    details: Mapping[str, Any]

    @property
    def outcome(self) -> str | None:
        """Class of the error, or else the status: ``"200"``, ``"NotFound"``, ``"TransportTimeout"``. None for what has not ended."""
        return self.error or (None if self.status is None else str(self.status))

    @classmethod
    def of(cls, stored: Stored) -> AuditRecord:
        """Raises `StoreError` where what is stored is no record."""
        try:
            details = json.loads(stored.data or b"")
            microseconds = details.get("microseconds")
            return cls(
                **{name: details.get(name) for name in _PLAIN},
                at=datetime.fromisoformat(details["at"]),
                params=tuple((name, value) for name, value in details.get("params", ())),
                headers=tuple(details.get("headers", ())),
                seconds=None if microseconds is None else microseconds / 1e6,
                hash=stored.hash,
                details=details,
            )
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as problem:
            what = f"{stored.place} of the audit log is not a record: verify() says what is wrong with the log"
            raise StoreError(f"{what}, and records(after=…) reads on behind it") from problem


_PLAIN = (
    "actor", "attempt", "authorisation", "call", "error", "exchange", "idempotency_key_hash", "kind", "message", "method", "previous", "process",
    "request_bytes", "request_hash", "request_id", "response_bytes", "response_hash", "sent", "seq", "status", "url",
)  # fmt: skip
