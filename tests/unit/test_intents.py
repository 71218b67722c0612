"""Intents: on their way in a hot set, left behind as documents, and never both."""

from __future__ import annotations

from attrs import evolve

from integrakit.model import Change
from integrakit.state import MemoryStore
from integrakit.writing import Intent, Intents

ONE = Intent(
    change=Change.upsert(1, {"v": 1}, idempotency_key="k"), id="1", fingerprint="f", count=2, at="now", source={"id": 1}, letter="l", order=(3, 4)
)
TWO = evolve(ONE, id="2", change=Change.update(2, {"v": 1}, whole={"v": 1, "w": 2}, remote_key=7))


def test_they_come_back_with_the_exact_change() -> None:
    store = MemoryStore()
    intents = Intents(store, "s")
    store.commit(intents.sending([ONE, TWO]))
    assert list(intents.all()) == [ONE, TWO] == list(intents.all("open"))
    assert intents.get("2") == TWO
    assert intents.get("3") is None
    assert list(Intents(store, "other").all()) == []
    store.commit(intents.done(["1"], left=[]))
    assert list(intents.all()) == [TWO]


def test_what_is_left_is_a_document_with_its_status() -> None:
    store = MemoryStore()
    intents = Intents(store, "s")
    store.commit(intents.sending([ONE, TWO]))
    failed = evolve(ONE, status="failed", error="later")
    unknown = evolve(TWO, status="unknown", error="?")
    store.commit(intents.leave([failed, unknown]))
    assert list(intents.all()) == [failed, unknown]
    assert list(intents.all("unknown")) == [unknown]
    assert intents.get("1") == failed
    assert [entry.attributes for entry in store.scan("intents:s")] == [{"status": "failed"}, {"status": "unknown"}]
    store.commit(intents.done([], left=["1", "2"]))
    assert list(intents.all()) == []


def test_a_record_that_is_being_sent_again_is_open() -> None:
    store = MemoryStore()
    intents = Intents(store, "s")
    store.commit(intents.leave([evolve(ONE, status="failed")]))
    newer = evolve(ONE, change=Change.upsert(1, {"v": 2}))
    store.commit(intents.sending([newer]))
    assert list(intents.all()) == [newer]
    assert list(intents.all("failed")) == []
    assert intents.get("1") == newer
    store.commit(intents.done(["1"], left=["1"]))
    assert list(intents.all()) == []


def test_nothing_is_no_operation() -> None:
    intents = Intents(MemoryStore(), "s")
    assert intents.sending([]) == [] == intents.leave([]) == intents.done([], left=[])
