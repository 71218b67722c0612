"""State in memory that a fork copies: its lock, and what a process holds, are made once in each process, however many threads ask first."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from integrakit._locks import StateLock
from integrakit.http.limiting.this_process import ThisProcess

THREADS = 6


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Threads change places between almost any two lines."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(ask: Callable[[], Any]) -> list[Any]:
    gate = threading.Barrier(THREADS)

    def work() -> Any:
        gate.wait()
        return ask()

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(work) for _ in range(THREADS)]]


def test_threads_that_come_first_hold_the_same_thing() -> None:
    for _ in range(100):
        process, made = ThisProcess(), []
        found = at_once(lambda process=process, made=made: process.held(lambda: made.append(1) or object()))
        assert len(made) == 1
        assert len({id(thing) for thing, _ in found}) == 1
        assert {name for _, name in found} == {process.name()}


@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
def test_threads_of_a_child_get_one_lock_and_only_when_it_is_ready(kind: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    state: list[str] = []

    def forked() -> None:
        state.append("begun")
        time.sleep(0.002)
        state.append("ready")

    lock = StateLock(forked, kind)
    parents = lock.here()
    parents.acquire()  # by a thread of the parent, at the moment of the fork
    assert state == []
    monkeypatch.setattr(os, "getpid", lambda: -1)
    found = at_once(lambda: (lock.here(), list(state)))
    assert {id(one) for one, _ in found} == {id(lock.here())} != {id(parents)}
    assert all(seen == ["begun", "ready"] for _, seen in found)


def test_a_process_with_the_number_of_an_ancestor_is_prepared_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first process is gone, and its number was given again to a late descendant, as happens to daemons that fork workers for months.
    forked: list[int] = []
    lock = StateLock(lambda: forked.append(os.getpid()))
    seen = [lock.here()]
    for number in (-1, -2, -1, -2, -3):
        monkeypatch.setattr(os, "getpid", lambda number=number: number)
        assert lock.here() is lock.here()
        seen.append(lock.here())
    assert forked == [-1, -2, -1, -2, -3]
    assert len(set(map(id, seen))) == 6


def test_a_child_has_a_name_and_a_holding_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ThisProcess()
    before = process.held(object)
    assert process.held(object) == before
    monkeypatch.setattr(os, "getpid", lambda: -2)
    after = process.held(object)
    assert after[0] is not before[0]
    assert after[1] != before[1]
