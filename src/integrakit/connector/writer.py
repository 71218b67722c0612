"""Writing to a resource: which endpoint a change goes to, and what its answer says became of it.

Nothing is ever left vague: an answer is applied or rejected; no answer is failed where it is certain that nothing happened, and unknown otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from integrakit.connector.endpoint import Endpoint
from integrakit.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DeadlineExceeded,
    DecodeError,
    IntegrakitError,
    NotFound,
    PermissionDenied,
    PolicyError,
    RateLimited,
    ResponseError,
    ServerError,
    TransportError,
)
from integrakit.http import CallOptions, Client
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Change, Outcome, Response

__all__ = ["Endpoints", "write_changes"]


class Endpoints:
    """The endpoints of one resource, and which of them a change goes to."""

    def __init__(self, name: str, **endpoints: Endpoint | None) -> None:
        for kind, endpoint in endpoints.items():
            if endpoint is not None and not isinstance(endpoint, Endpoint):
                raise ConfigurationError(f"Resource({kind}=…) takes an Endpoint, e.g. Endpoint('POST', '/orders'), not {endpoint!r}")
        self._name = name
        self.create = endpoints.get("create")
        self.update = endpoints.get("update")
        self.upsert = endpoints.get("upsert")
        self.delete = endpoints.get("delete")
        self.batch = endpoints.get("batch")

    def any(self) -> bool:
        """Whether anything can be written at all."""
        return any((self.create, self.update, self.upsert, self.delete, self.batch))

    def repeatable(self) -> bool:
        """Whether every write may be sent again at any time: all of them put, patch or delete by key."""
        return all(endpoint is None or endpoint.method != "POST" for endpoint in (self.create, self.update, self.upsert, self.batch))

    def of(self, change: Change) -> Endpoint:
        """The endpoint for one change; raises `ConfigurationError` naming what is missing."""
        candidates = {
            "create": (self.create, self.upsert),
            "update": (self.update, self.upsert),
            "upsert": (self.upsert, self.update if change.remote_key is not None else self.create, self.create),
            "delete": (self.delete,),
        }[change.kind]
        for endpoint in candidates:
            if endpoint is not None:
                return endpoint
        raise ConfigurationError(f"{self._name} has no endpoint to {change.kind} a record: give the resource {change.kind}=Endpoint(…)")


async def write_changes(client: Client, endpoints: Endpoints, key: Any, changes: Sequence[Change], *, keyed: bool) -> list[Outcome]:
    """Sends the changes, in batches where the resource takes batches. Raises what stops every write: refused credentials, a wrong configuration."""
    batch = endpoints.batch
    if batch is None or any(change.kind == "delete" for change in changes):
        return [await _write_one(client, endpoints.of(change), key, change, keyed=keyed) for change in changes]
    outcomes: list[Outcome] = []
    size = batch.size or len(changes)
    for start in range(0, len(changes), size):
        outcomes += await _write_batch(client, batch, key, changes[start : start + size], keyed=keyed)
    return outcomes


async def _write_one(client: Client, endpoint: Endpoint, key: Any, change: Change, *, keyed: bool) -> Outcome:
    record = change.record
    if endpoint.method == "PUT" and change.whole is not None:
        record = change.whole  # PUT replaces: a patch would wipe the rest
    remote = change.remote_key if change.remote_key is not None else change.key
    options: CallOptions = {}
    if record is not None and endpoint.method != "DELETE":
        options["json"] = dict(record) if endpoint.body is None else {endpoint.body: dict(record)}
    if keyed and change.idempotency_key is not None and endpoint.method in ("POST", "PATCH"):
        options["idempotency_key"] = change.idempotency_key
    try:
        response = await client.arequest(endpoint.method, endpoint.url(remote, change.whole or change.record), **options)
    except IntegrakitError as problem:
        if isinstance(problem, NotFound) and change.kind == "delete":
            return Outcome.unchanged(change.key)
        return _outcome_of(problem, change)
    told = _record_in(response, endpoint.body)
    found = told.get(key) if isinstance(told, Mapping) and isinstance(key, str) else None
    return Outcome.applied(change.key, remote_key=found if found is not None else change.remote_key, request_id=response.request_id)


def _outcome_of(problem: IntegrakitError, change: Change) -> Outcome:
    """What an error says about one change. Raises it when it concerns every change alike."""
    if isinstance(problem, AuthenticationError | PermissionDenied | ConfigurationError):
        raise problem
    request_id = getattr(problem, "request_id", None)
    words = str(problem)
    if isinstance(problem, ConnectError | RateLimited) or (isinstance(problem, PolicyError) and not isinstance(problem, DeadlineExceeded)):
        return Outcome.failed(change.key, words, request_id=request_id)
    if isinstance(problem, TransportError | DeadlineExceeded | ServerError | DecodeError):
        # It may have taken place. With a key that makes the server recognise it, it can be sent again as it is: that is settled by the next run.
        return Outcome.unknown(change.key, words, request_id=request_id)
    if isinstance(problem, ResponseError):
        return Outcome.rejected(change.key, words, request_id=request_id)
    raise problem


def _record_in(response: Response, body: str | None) -> Any:
    """The record in an answer, where there is one: many answer 204, or with something else."""
    if not response.content or "json" not in response.headers.get("content-type", ""):
        return None
    answer = response.json()
    return answer.get(body, answer) if body is not None and isinstance(answer, Mapping) else answer


async def _write_batch(client: Client, endpoint: Endpoint, key: Any, changes: Sequence[Change], *, keyed: bool) -> list[Outcome]:
    records = [dict(change.whole or change.record or {}) for change in changes]
    options: CallOptions = {"json": records if endpoint.body is None else {endpoint.body: records}}
    if keyed and all(change.idempotency_key is not None for change in changes):
        # The keys of the members make the key of the batch, so that the same batch has the same key after a restart.
        options["idempotency_key"] = _digest(changes)
    try:
        response = await client.arequest(endpoint.method, endpoint.url("batch", {}), **options)
        results = response.json() if endpoint.results is None else look_up(response.json(), parse_path(endpoint.results))
        if results is ABSENT or not isinstance(results, list):
            raise DecodeError(f"{response}: there is no list of results at {endpoint.results or 'its root'!r}", response=response)
    except IntegrakitError as problem:
        return [_outcome_of(problem, change) for change in changes]
    by_key: dict[Any, Any] | None = None
    if endpoint.correlate is not None:
        by_key = {str(result.get(endpoint.correlate)): result for result in results if isinstance(result, Mapping)}
    elif len(results) != len(changes):
        words = f"{response}: {len(changes)} records were sent and {len(results)} results came back, in no order that can be told"
        return [Outcome.unknown(change.key, words) for change in changes]
    outcomes = []
    for index, (change, record) in enumerate(zip(changes, records, strict=True)):
        result = results[index] if by_key is None else by_key.get(str(record.get(str(endpoint.correlate), change.key)))
        outcomes.append(_batch_outcome(result, key, change, response))
    return outcomes


def _batch_outcome(result: Any, key: Any, change: Change, response: Response) -> Outcome:
    if result is None:
        return Outcome.unknown(change.key, f"{response}: the answer says nothing about this record", request_id=response.request_id)
    if isinstance(result, Mapping):
        error = result.get("error") or result.get("errors")
        status = result.get("status")
        if error or result.get("success") is False or (isinstance(status, int) and status >= 400):
            return Outcome.rejected(change.key, f"{error or result}", request_id=response.request_id)
        remote = result.get(key) if isinstance(key, str) else None
        return Outcome.applied(change.key, remote_key=remote, request_id=response.request_id)
    return Outcome.applied(change.key, request_id=response.request_id)


def _digest(changes: Sequence[Change]) -> str:
    return hashlib.blake2b("\n".join(str(change.idempotency_key) for change in changes).encode(), digest_size=16).hexdigest()
