"""The tree of errors: exactly the documented one, and each error travels between processes whole."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrakit import errors
from integrakit.errors import IntegrakitError
from integrakit.model import Evidence, FieldError, Request, Response

TREE: dict[str, Any] = {
    "ConfigurationError": {},
    "TransportError": {"ConnectError": {}, "TransportTimeout": {}},
    "ResponseError": {
        "BadRequest": {},
        "AuthenticationError": {},
        "PermissionDenied": {},
        "NotFound": {},
        "Conflict": {},
        "Unprocessable": {},
        "RateLimited": {},
        "ServerError": {},
        "GraphQLError": {},
    },
    "DecodeError": {},
    "PolicyError": {key: {} for key in ["RateLimitExceeded", "CircuitOpen", "DeadlineExceeded"]},
    "ReadError": {key: {} for key in ["PaginationStalled", "IncompleteRead", "CheckpointMismatch"]},
    "MappingError": {},
    "NotAccepted": {},
    "WriteError": {key: {} for key in ["GuardTripped", "PlanOutdated", "UnknownOutcome", "LeaseHeld"]},
    "IdempotencyError": {key: {} for key in ["IdempotencyMismatch", "InProgress"]},
    "StoreError": {key: {} for key in ["VersionConflict", "StoreTooNew"]},
    "ReauthorisationNeeded": {},
    "SignatureError": {},
}


def public(kind: type) -> list[type]:
    """Its nearest subclasses that users may name, in this module: private ones in between are looked through."""
    found: list[type] = []
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            found += public(below) if below.__name__.startswith("_") else [below]
    return found


def tree(kind: type) -> dict[str, Any]:
    return {below.__name__: tree(below) for below in public(kind)}


def every(kind: type = IntegrakitError) -> Iterator[type]:
    yield kind
    for below in public(kind):
        yield from every(below)


def test_the_tree_is_the_documented_one() -> None:
    assert tree(IntegrakitError) == TREE


def test_the_exported_names_are_complete_and_sorted() -> None:
    assert errors.__all__ == sorted([*(kind.__name__ for kind in every()), "IncompleteReadWarning"])
    assert issubclass(errors.IncompleteReadWarning, UserWarning)


def response(status: int = 429) -> Response:
    request = Request(method="GET", url="https://user:pass@x.example/a?token=s3cret", headers={"x-key": "s3cret"}, extensions={"f": lambda: 1})
    raw = httpx.Response(status, headers={"x-request-id": "r-1"}, content=b"{}", request=httpx.Request("GET", "https://x.example/a"))
    return Response(raw, request)


@pytest.mark.parametrize("way", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
@pytest.mark.parametrize("kind", list(every()), ids=lambda kind: kind.__name__)
def test_every_error_travels_whole(kind: Any, way: Any) -> None:
    values = {
        "attempts": 3,
        "retry_after": 1.5,
        "sent": False,
        "path": "a.b",
        "record": {"id": 1},
        "evidence": Evidence(complete=False, records=3),
        "errors": [FieldError("a", "no")],
        "space": "s",
        "key": "k",
    }
    accepted = inspect.signature(kind).parameters
    error = kind("what went wrong", **{name: value for name, value in values.items() if name in accepted})
    error.add_note("after 3 attempts")
    again = way(error)
    assert type(again) is kind
    assert again is not error
    assert str(again) == "what went wrong"
    assert again.__dict__ == error.__dict__
    assert again.__notes__ == ["after 3 attempts"]
    assert all(
        getattr(again, name) in (value, tuple(value) if isinstance(value, list) else None) for name, value in values.items() if name in accepted
    )


def test_a_response_travels_with_its_error() -> None:
    error = errors.RateLimited("slow down", response=response(), request=response().request, attempts=2)
    error.response.error = error
    again = pickle.loads(pickle.dumps(error))
    assert (again.status_code, again.request_id, again.response.json()) == (429, "r-1", {})
    assert again.request.method == "GET"
    assert again.request.extensions == {}


def test_an_error_without_a_response_has_no_status() -> None:
    error = errors.ServerError("from classify")
    assert error.status_code is None
    assert error.request_id is None


def test_nothing_of_a_secret_shows() -> None:
    error = errors.RateLimited("slow down", response=response(), request=response().request)
    shown = repr(error) + repr(error.request) + str(error.request) + repr(error.response) + str(error.response)
    assert "s3cret" not in shown
    assert "pass" not in shown


def test_errors_of_ones_own_travel_too() -> None:
    error = OwnError("a", 5)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.number, again.attempts) == (OwnError, "a 5", 5, 1)


class OwnError(errors.ResponseError):
    def __init__(self, word: str, number: int) -> None:
        super().__init__(f"{word} {number}")
        self.number = number


def test_a_lasting_error_stays_one() -> None:
    error = errors.TransportError("in circles")
    assert not error.lasting
    error.lasting = True
    assert pickle.loads(pickle.dumps(error)).lasting
