"""Labels stay few, whatever servers and users do."""

from __future__ import annotations

import threading

import pytest

from integrakit.errors import ServerError
from integrakit.http import Request
from integrakit.observers.labels import OTHER, Bounded, error_type, method_label, outcome, server, status_class


def test_only_so_many_names() -> None:
    names = Bounded(3)
    assert [names(name) for name in ("a", "b", "c", "d", "a", "e", "c")] == ["a", "b", "c", OTHER, "a", OTHER, "c"]


def test_only_so_many_names_from_threads() -> None:
    names, seen = Bounded(50), set()
    threads = [threading.Thread(target=lambda start=start: seen.update(names(f"{start + i}") for i in range(100))) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen - {OTHER}) == 50
    assert OTHER in seen


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Api.test/a", ("api.test", "api.test", 443)),
        ("http://api.test:80", ("api.test", "api.test", 80)),
        ("http://api.test:8080/?a", ("api.test", "api.test:8080", 8080)),
        ("https://user:hush@api.test:80", ("api.test", "api.test:80", 80)),
        ("http://[::1]:99999/", ("", "", 0)),
        ("nonsense", ("", "", 0)),
    ],
)
def test_servers(url: str, expected: tuple[str, str, int]) -> None:
    assert server(Request(method="GET", url=url)) == expected


def test_methods_statuses_and_errors() -> None:
    assert method_label(Request(method="PATCH", url="")) == "PATCH"
    assert method_label(Request(method="PURGE", url="")) == OTHER
    assert (outcome(None), outcome(ValueError()), outcome(KeyboardInterrupt())) == ("ok", "error", "cancelled")
    assert status_class(None, ValueError()) == "error"
    assert error_type(None, None) is None
    assert error_type(None, ValueError()) == "ValueError"
    assert error_type(None, ServerError("x")) == "integrakit.errors.ServerError"
