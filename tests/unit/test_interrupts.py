"""SIGINT and SIGTERM: noted first, raised again when everything is kept. (Real processes: tests/scenarios/test_sync_crashes.py.)"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from integrakit.model import Checkpoint, Page
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.sync.interrupts import SIGNALS, Interrupts


class Noticed(Exception):
    pass


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """Handlers of the test's own, which note the signal."""
    seen: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: seen.append(number))
    yield seen
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_and_then_takes_its_course(number: signal.Signals, handled: list[int]) -> None:
    mine = signal.getsignal(number)
    with Interrupts() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        assert handled == []
    assert signal.getsignal(number) is mine
    assert handled == []
    stop.take_course()
    assert handled == [number]


def test_a_second_one_takes_its_course_at_once(handled: list[int]) -> None:
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert handled == [signal.SIGTERM]
        signal.raise_signal(signal.SIGTERM)
        assert handled == [signal.SIGTERM, signal.SIGTERM]


def test_no_signal_nothing_to_take(handled: list[int]) -> None:
    with Interrupts() as stop:
        pass
    stop.take_course()
    assert handled == []


def test_what_is_ignored_stays_ignored(handled: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupts() as stop:
        signal.raise_signal(signal.SIGINT)
        assert not stop()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_nothing_is_changed(handled: list[int]) -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []

    def work() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


class Source:
    key = "id"

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        start = since.token["n"] if since is not None and since.token else 0
        for number in range(start, 3):
            records = [{"id": number * 10 + part} for part in range(4)]
            yield Page(records, Checkpoint(resource="r", token={"n": number + 1}))


class Sink:
    key, takes_keys = "id", True

    def __init__(self, at: Any) -> None:
        self.at, self.got = at, []
        self.got: list[Any] = []

    def write(self, changes: Any) -> Any:
        from integrakit.model import Outcome

        outcomes = []
        for change in changes:
            if change.key == self.at:
                signal.raise_signal(signal.SIGTERM)
            self.got.append(change.key)
            outcomes.append(Outcome.applied(change.key))
        return outcomes


@pytest.mark.parametrize(("at", "written", "token"), [(1, [0, 1], None), (3, [0, 1, 2, 3], {"n": 1}), (10, [0, 1, 2, 3, 10, 11], {"n": 1})])
def test_a_run_finishes_the_batch(at: int, written: list[int], token: Any, handled: list[int]) -> None:
    store, sink = MemoryStore(), Sink(at)
    shown: list[Any] = []
    sync = Sync("s", source=Source(), sink=sink, store=store, batch=2, progress=shown.append)
    report = sync.run()
    assert handled == [signal.SIGTERM], "after everything was kept and given back"
    assert sink.got == written
    assert "interrupted" in str(report)
    assert (None if sync.checkpoint is None else sync.checkpoint.token) == token
    assert store.get("leases", "sync:s") is None
    sync = Sync("s", source=Source(), sink=sink, store=store, batch=2)
    sink.at = None
    sync.run()
    assert sorted(sink.got) == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]


def test_a_plan_and_a_replay_finish_the_batch_too(handled: list[int]) -> None:
    store, sink = MemoryStore(), Sink(0)
    sync = Sync("s", source=Source(), sink=sink, store=store, batch=2)
    report = sync.plan().apply()
    assert (sink.got, handled) == ([0, 1], [signal.SIGTERM])
    assert "interrupted" in str(report)
    assert sync.checkpoint is None
    sink.at = None
    sync.run()
    assert len(sink.got) == 12


def test_deletes_stop_between_batches(handled: list[int]) -> None:
    from integrakit.model import Evidence
    from integrakit.writing import Guard

    class Whole:
        key = "id"
        evidence = Evidence(complete=True)

        def __init__(self, *keys: int) -> None:
            self.keys = keys

        def pages(self, since: Any) -> Iterator[Page]:
            yield Page([{"id": key} for key in self.keys])

    store, sink = MemoryStore(), Sink(None)
    options: dict[str, Any] = {"sink": sink, "store": store, "mode": "mirror", "batch": 2, "guard": Guard(max_deletes=None)}
    Sync("s", source=Whole(1, 2, 3, 4, 5), **options).run()
    sink.got.clear()
    sink.at = 1
    report = Sync("s", source=Whole(5), **options).run()
    assert (sink.got, report.deleted) == ([1, 2], 2)
    assert "interrupted" in str(report)
    assert Sync("s", source=Whole(5), **options).run().deleted == 2


def test_replay_stops_between_letters(handled: list[int]) -> None:
    from integrakit.writing import Guard

    store, sink = MemoryStore(), Sink(None)

    def bad(record: Any) -> Any:
        raise Noticed

    sync = Sync("s", source=[{"id": 1}, {"id": 2}], sink=sink, store=store, mapping=bad, guard=Guard(max_rejected=None))
    sync.run()
    (first, _) = sync.dead_letters
    sink.at = first.input["id"]
    report = sync.dead_letters.replay(mapping=dict)
    assert (report.read, report.written, len(sync.dead_letters)) == (1, 1, 1)
    assert handled == [signal.SIGTERM]


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)])
def test_control_c_in_an_event_loop(run: Any) -> None:
    store = MemoryStore()

    class Pressed(Sink):
        def write(self, changes: Any) -> Any:
            if not self.got:
                os.kill(os.getpid(), signal.SIGINT)
            return super().write(changes)

    sink = Pressed(None)
    with pytest.raises(KeyboardInterrupt):
        run(Sync("s", source=Source(), sink=sink, store=store, batch=2).arun())
    assert sink.got == [0, 1]
    assert store.get("leases", "sync:s") is None
    assert store.count_columns("sending:s") == 0
    assert store.count_columns("written:s") == 2
