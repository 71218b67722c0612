"""Where a read has been: circles of any length, in bounded memory."""

from __future__ import annotations

import pytest

from integrakit.http import stalling
from integrakit.http.stalling import Trail
from integrakit.model import Request


def at(number: int) -> Request:
    return Request(method="GET", url="http://api.test/a", params={"page": number})


@pytest.mark.parametrize("before", [0, 1, 50])
@pytest.mark.parametrize("length", [1, 2, 10, 11, 12, 100, 777])
def test_a_circle_of_any_length_is_found(before: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalling, "PAGES_REMEMBERED", 10)
    trail = Trail(at(0))
    for step in range(1, 10_000):
        number = step if step < before else before + (step - before) % length
        if trail.passed(at(number)):
            assert step >= before + length
            assert step <= 10 + 4 * (before + length)
            return
        trail.go(at(number))
        assert len(trail._places) <= 10
    pytest.fail("it went round in circles for ever")


def test_what_is_no_circle_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalling, "PAGES_REMEMBERED", 10)
    trail = Trail(at(0))
    for number in range(1, 3000):
        assert not trail.passed(at(number))
        trail.go(at(number))
