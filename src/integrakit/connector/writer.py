"""Writing to a resource: which endpoint a change goes to, and what becomes of it.

Nothing is ever left vague: an answer is applied or rejected; no answer is failed where it is certain that nothing happened, and unknown otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from integrakit._json import dumps
from integrakit.connector.endpoint import Endpoint, placeholders
from integrakit.connector.results import batch_outcomes, key_in, record_in
from integrakit.errors import (
    AuthenticationError,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    DecodeError,
    IntegrakitError,
    PermissionDenied,
    PolicyError,
    RateLimited,
    ResponseError,
    ServerError,
    TransportError,
)
from integrakit.http import CallOptions, Client
from integrakit.http.paths import parse_path, put_at
from integrakit.model import Change, Outcome
from integrakit.model.exchange import mask_url

__all__ = ["Endpoints", "write_changes"]


class Endpoints:
    """The endpoints of one resource, and which of them a change goes to."""

    def __init__(self, name: str, **endpoints: Endpoint | None) -> None:
        for kind, endpoint in endpoints.items():
            _check(kind, endpoint)
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

    def paths(self) -> set[str]:
        """The paths of single records that are written to."""
        return {endpoint.path for endpoint in (self.create, self.update, self.upsert, self.delete) if endpoint is not None}

    def of(self, change: Change) -> Endpoint:
        """The endpoint for one change; raises `ConfigurationError` naming what is missing."""
        one = {
            "create": self.create or self.upsert,
            "update": self.update or self.upsert,
            # What the system has already is never created: that would double it.
            "upsert": self.upsert or (self.update if change.remote_key is not None else self.create),
            "delete": self.delete,
        }[change.kind]
        # A batch takes whole records: of a patch the rest would be wiped, where there is another way.
        if self.batch is not None and change.kind != "delete" and (one is None or change.kind != "update" or change.whole is not None):
            return self.batch
        if one is None:
            raise ConfigurationError(f"{self._name} has no endpoint to {change.kind} a record: give the resource {change.kind}=Endpoint(…)")
        return one

    def steps(self, changes: Sequence[Change]) -> list[tuple[Endpoint, list[Change]]]:
        """What is to be sent, in order: one change each, or as many as a batch takes. Raises before anything is sent."""
        steps: list[tuple[Endpoint, list[Change]]] = []
        for change in changes:
            endpoint = self.of(change)
            if endpoint is self.batch and steps and steps[-1][0] is endpoint and len(steps[-1][1]) != endpoint.size:
                steps[-1][1].append(change)
            else:
                steps.append((endpoint, [change]))
        return steps


def _check(kind: str, endpoint: Any) -> None:
    if endpoint is None:
        return
    if not isinstance(endpoint, Endpoint):
        raise ConfigurationError(f"Resource({kind}=…) takes an Endpoint, e.g. Endpoint('POST', '/orders'), not {endpoint!r}")
    names = placeholders(endpoint.path)
    if kind == "batch":
        if names:
            raise ConfigurationError(f"Resource(batch=…): {endpoint.path!r} names one record, and a batch has many: leave {names} out")
        return
    if endpoint.size is not None or endpoint.results is not None or endpoint.correlate is not None:
        raise ConfigurationError(f"Resource({kind}=…): size=, results= and correlate= are for batch=Endpoint(…)")
    if kind == "delete" and not names:
        raise ConfigurationError(
            f"Resource(delete=…): {endpoint.path!r} would delete the whole collection: say which record, as in '/orders/{{key}}'"
        )


async def write_changes(client: Client, endpoints: Endpoints, key: Any, changes: Sequence[Change], *, keyed: bool) -> list[Outcome]:
    """Sends the changes, in batches where the resource takes batches.

    Raises what stops every write, such as refused credentials. Once something was sent it raises nothing: what became of that must be told, and the
    changes after it are failed.
    """
    outcomes: list[Outcome] = []
    for endpoint, group in endpoints.steps(changes):
        try:
            if endpoint is endpoints.batch:
                outcomes += await _write_batch(client, endpoint, key, group, keyed=keyed)
            else:
                outcomes.append(await _write_one(client, endpoint, key, group[0], keyed=keyed))
        except IntegrakitError as problem:
            if not outcomes:
                raise
            begun = len(outcomes) + (len(group) if _tried_before(problem) else 0)
            doubtful = [Outcome.unknown(change.key, str(problem)) for change in changes[len(outcomes) : begun]]
            return outcomes + doubtful + [Outcome.failed(change.key, f"not written: {problem}") for change in changes[begun:]]
    return outcomes


def _tried_before(problem: IntegrakitError) -> bool:
    """Whether an attempt before the one that failed may have reached its end."""
    return getattr(problem, "attempts", 1) > 1


# ---------------------------------------------------------------------- one record


async def _write_one(client: Client, endpoint: Endpoint, key: Any, change: Change, *, keyed: bool) -> Outcome:
    record = change.record
    if endpoint.method == "PUT" and change.kind == "update":
        record = change.whole  # PUT replaces: a patch would wipe the rest
        if record is None:
            words = f"{endpoint} replaces the whole record, and only a part of it is known: give Change.update(…, whole=…)"
            return Outcome.rejected(change.key, words)
    remote = change.remote_key if change.remote_key is not None else change.key
    options: CallOptions = {}
    if record is not None and endpoint.method != "DELETE":
        options["json"] = _wrapped(endpoint, dict(record))
    if keyed and change.idempotency_key is not None:
        options["idempotency_key"] = change.idempotency_key
    try:
        url = endpoint.url(remote, {**_fields(key, change.key), **(change.whole or change.record or {})})
        dumps(options.get("json"))
    except ConfigurationError as problem:
        # It concerns this record only: a key that is missing, a value that JSON cannot say. The others go on.
        return Outcome.rejected(change.key, str(problem))
    try:
        response = await client.arequest(endpoint.method, url, **options)
    except IntegrakitError as problem:
        if isinstance(problem, ResponseError) and problem.status_code in (404, 410) and change.kind == "delete":
            return Outcome.unchanged(change.key)
        return _outcome_of(problem, change)
    if response.request.method != endpoint.method:
        return Outcome.unknown(change.key, _led_astray(endpoint, response.url), request_id=response.request_id)
    found = key_in(record_in(response, endpoint.body), key)
    return Outcome.applied(change.key, remote_key=found if found is not None else change.remote_key, request_id=response.request_id)


def _fields(key: Any, value: Any) -> dict[str, Any]:
    """The key fields as a record has them, for a change that has no record."""
    if isinstance(key, tuple):
        return dict(zip(key, value, strict=True)) if isinstance(value, tuple | list) and len(value) == len(key) else {}
    return {} if key is None else {key: value}


def _wrapped(endpoint: Endpoint, body: Any) -> Any:
    return body if endpoint.body is None else put_at({}, parse_path(endpoint.body), body)


def _led_astray(endpoint: Endpoint, url: str) -> str:
    return (
        f"{endpoint} was redirected to {mask_url(url)} and went on as a GET: whether anything was written cannot be told; check the scheme and host "
        "of base_url="
    )


def _outcome_of(problem: IntegrakitError, change: Change) -> Outcome:
    """What an error says about one change. Raises it when it concerns every change alike."""
    if isinstance(problem, AuthenticationError | PermissionDenied | ConfigurationError):
        raise problem
    request_id = getattr(problem, "request_id", None)
    status = getattr(problem, "status_code", None)
    words = str(problem)
    if isinstance(problem, TransportError) and not problem.sent:
        return Outcome.failed(change.key, words, request_id=request_id)
    if isinstance(problem, RateLimited) or status == 425 or (isinstance(problem, PolicyError) and not isinstance(problem, DeadlineExceeded)):
        return Outcome.failed(change.key, words, request_id=request_id)
    if isinstance(problem, TransportError | DeadlineExceeded | ServerError | DecodeError) or status == 408:
        # It may have taken place. With a key that makes the server recognise it, it can be sent again as it is: that is settled by the next run.
        return Outcome.unknown(change.key, words, request_id=request_id)
    if isinstance(problem, Conflict) and _tried_before(problem):
        # The conflict may be with the attempt before: it exists already, or its key is still in use.
        return Outcome.unknown(change.key, words, request_id=request_id)
    if isinstance(problem, ResponseError):
        return Outcome.rejected(change.key, words, request_id=request_id)
    raise problem


# ---------------------------------------------------------------------- many at once


async def _write_batch(client: Client, endpoint: Endpoint, key: Any, changes: Sequence[Change], *, keyed: bool) -> list[Outcome]:
    """One request for all that can be written as JSON; the others are rejected here, so that they do not stop their neighbours."""
    rejected: dict[int, Outcome] = {}
    records: dict[int, Mapping[str, Any]] = {}
    for index, change in enumerate(changes):
        record = _whole(key, change)
        try:
            dumps(record)
        except ConfigurationError as problem:
            rejected[index] = Outcome.rejected(change.key, str(problem))
        else:
            records[index] = record
    sent = [changes[index] for index in records]
    outcomes = iter(await _send_batch(client, endpoint, key, sent, list(records.values()), keyed=keyed) if sent else ())
    return [rejected[index] if index in rejected else next(outcomes) for index in range(len(changes))]


def _whole(key: Any, change: Change) -> dict[str, Any]:
    record = dict(change.whole if change.whole is not None else change.record or {})
    if change.remote_key is not None and isinstance(key, str) and "." not in key and record.get(key) is None:
        record[key] = change.remote_key  # or the system would take it for a new one
    return record


async def _send_batch(
    client: Client, endpoint: Endpoint, key: Any, changes: Sequence[Change], records: Sequence[Mapping[str, Any]], *, keyed: bool
) -> list[Outcome]:
    options: CallOptions = {"json": _wrapped(endpoint, records)}
    if keyed and all(change.idempotency_key is not None for change in changes):
        # The keys of the members make the key of the batch, so that the same batch has the same key after a restart.
        options["idempotency_key"] = _digest(changes)
    try:
        response = await client.arequest(endpoint.method, endpoint.path, **options)
        if response.request.method != endpoint.method:
            return [Outcome.unknown(change.key, _led_astray(endpoint, response.url), request_id=response.request_id) for change in changes]
        return batch_outcomes(endpoint, key, changes, records, response)
    except IntegrakitError as problem:
        return [_outcome_of(problem, change) for change in changes]


def _digest(changes: Sequence[Change]) -> str:
    return hashlib.blake2b("\n".join(str(change.idempotency_key) for change in changes).encode(), digest_size=16).hexdigest()
