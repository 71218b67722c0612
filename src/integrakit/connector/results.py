"""What the answer to one write says: the record it brings back, and what a batch tells about each of its members. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrakit.connector.endpoint import Endpoint
from integrakit.errors import DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Change, Outcome, Response

__all__ = ["batch_outcomes", "key_in", "record_in"]

#: Statuses of a member of a batch that say that it did not take place and may be tried again, and that it may have taken place.
_LATER, _DOUBTFUL = (425, 429, 503), (408, 500, 502, 504)
_NO = ("error", "failed", "failure", "invalid", "rejected")


def key_in(record: Any, key: Any) -> Any:
    """The system's own key in a record, or None where it does not stand there."""
    found = look_up(record, parse_path(key)) if isinstance(record, Mapping) and isinstance(key, str) else None
    return None if found is ABSENT else found


def record_in(response: Response, body: str | None) -> Any:
    """The record in an answer, where there is one: many answer 204, or with something else."""
    if not response.content or "json" not in response.headers.get("content-type", ""):
        return None
    try:
        answer = response.json()
    except DecodeError:
        return None  # the status says that it took place, and nothing else is lost
    found = ABSENT if body is None else look_up(answer, parse_path(body))
    return answer if found is ABSENT else found


def batch_outcomes(
    endpoint: Endpoint, key: Any, changes: Sequence[Change], records: Sequence[Mapping[str, Any]], response: Response
) -> list[Outcome]:
    """One outcome for each change, in their order. Raises `DecodeError` when there is no list of results where one was agreed."""
    if endpoint.results is None and endpoint.correlate is None and not response.content:
        return [Outcome.applied(change.key, request_id=response.request_id) for change in changes]  # a success, and no word about any of them
    body = response.json()
    results = body if endpoint.results is None else look_up(body, parse_path(endpoint.results))
    if not isinstance(results, list):
        raise DecodeError(f"{response}: there is no list of results at {endpoint.results or 'its root'!r}", response=response)
    if endpoint.correlate is None:
        if len(results) != len(changes):
            words = f"{response}: {len(changes)} records were sent and {len(results)} results came back, in no order that can be told"
            return [Outcome.unknown(change.key, words, request_id=response.request_id) for change in changes]
        matched = results
    else:
        matched = _correlated(endpoint.correlate, changes, records, results)
    return [_outcome(*told, key, response) for told in zip(matched, changes, records, strict=True)]


def _correlated(correlate: str, changes: Sequence[Change], records: Sequence[Mapping[str, Any]], results: Sequence[Any]) -> list[Any]:
    """The result of each change, or None where there is not exactly one."""
    path = parse_path(correlate)
    by_value: dict[str, list[Any]] = {}
    for result in results:
        if (value := look_up(result, path)) is not ABSENT and value is not None:
            by_value.setdefault(str(value), []).append(result)
    matched = []
    for change, record in zip(changes, records, strict=True):
        value = look_up(record, path)
        found = by_value.get(str(change.key if value is ABSENT or value is None else value), [])
        matched.append(found[0] if len(found) == 1 else None)
    return matched


def _outcome(result: Any, change: Change, record: Mapping[str, Any], key: Any, response: Response) -> Outcome:
    request_id = response.request_id
    if result is None:
        return Outcome.unknown(change.key, f"{response}: the answer does not say what became of this record", request_id=request_id)
    if not isinstance(result, Mapping):
        return Outcome.applied(change.key, request_id=request_id)
    # Many give the record back: what is in it as it was sent is the record's own, and no verdict.
    verdict = {name: result[name] for name in ("error", "errors", "status", "success") if name in result and result[name] != record.get(name, ABSENT)}
    error, status = verdict.get("error") or verdict.get("errors"), verdict.get("status")
    words = f"{error or dict(result)}"
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if status in _LATER:
        return Outcome.failed(change.key, words, request_id=request_id)
    if status in _DOUBTFUL:
        return Outcome.unknown(change.key, words, request_id=request_id)
    refused = status >= 400 if isinstance(status, int) else isinstance(status, str) and status.lower() in _NO
    if error or refused or verdict.get("success") is False:
        return Outcome.rejected(change.key, words, request_id=request_id)
    return Outcome.applied(change.key, remote_key=key_in(result, key), request_id=request_id)
