"""Dead letters: looked at, mended and replayed, discarded with a reason; an old letter never overwrites what is newer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.model import Change, Evidence, Outcome, Page
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.writing import Guard, Intents, Letters

LOOSE = Guard(max_deletes=None, max_rejected=None)


class Sink:
    key: Any = "id"
    takes_keys = True

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.answers: dict[Any, Any] = {}
        self.sent: list[Change] = []

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [self.one(change) for change in changes]

    def one(self, change: Change) -> Outcome:
        self.sent.append(change)
        if change.key in self.answers:
            return self.answers[change.key](change.key)
        if change.kind == "delete":
            self.rows.pop(change.key)
        else:
            self.rows.setdefault(change.key, {}).update(change.record or {})
        return Outcome.applied(change.key)


class Whole(list[Any]):
    """A list that proves that it is all."""

    key = "id"
    evidence = Evidence(complete=True)

    def pages(self, since: Any) -> Any:
        return iter([Page(list(self))])


def strict(record: dict[str, Any]) -> dict[str, Any]:
    return {"id": record["id"], "v": int(record["v"])}


def lenient(record: dict[str, Any]) -> dict[str, Any]:
    return {"id": record["id"], "v": 0}


def reject(key: Any) -> Outcome:
    return Outcome.rejected(key, "closed")


def sync_of(source: list[Any], sink: Sink, store: MemoryStore, **options: Any) -> Sync:
    return Sync("s", source=Whole(source), sink=sink, store=store, **{"guard": LOOSE, **options})


def test_replayed_with_a_mended_mapping(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sync = sync_of([{"id": 1, "v": "x"}, {"id": 2, "v": "1"}, {"id": 3, "v": "y"}], sink, store, mapping=strict)
    world(sync.arun)
    assert sorted(letter.input["id"] for letter in sync.dead_letters) == [1, 3]
    report = world(sync.dead_letters.areplay)
    assert (report.read, report.rejected, report.written) == (2, 2, 0)
    assert len(sync.dead_letters) == 2, "one letter for each, however often it fails"
    report = world(lambda: sync.dead_letters.areplay(mapping=lenient))
    assert (report.name, report.read, report.written, report.created) == ("s (replay)", 2, 2, 2)
    assert not sync.dead_letters
    assert sink.rows[1] == {"id": 1, "v": 0}
    assert list(Intents(store, "s").all()) == []


def test_what_the_sink_refused_is_sent_under_a_new_key(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.answers[1] = reject
    sync = sync_of([{"id": 1, "v": 1}], sink, store)
    world(sync.arun)
    report = world(sync.dead_letters.areplay)
    assert (report.rejected, len(sync.dead_letters)) == (1, 1)
    sink.answers.clear()
    assert world(sync.dead_letters.areplay).written == 1
    assert len({change.idempotency_key for change in sink.sent}) == 3
    assert not sync.dead_letters


def test_an_old_letter_does_not_overwrite_what_is_newer(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    # Without a key of the source nothing tells that the letter is of the record that was well later.
    world(Sync("s", source=[{"id": 1, "v": "x"}], sink=sink, store=store, mapping=strict, guard=LOOSE).arun)
    sync = Sync("s", source=[{"id": 1, "v": 5}], sink=sink, store=store, mapping=strict, guard=LOOSE)
    world(sync.arun)
    assert len(sync.dead_letters) == 1
    report = world(lambda: sync.dead_letters.areplay(mapping=lenient))
    assert sink.rows[1] == {"id": 1, "v": 5}
    assert report.written == 0
    assert "1 letters were discarded: a newer version of the record was written since" in str(report)
    ((letter, why),) = sync.dead_letters.discarded()
    assert (letter.input, why) == ({"id": 1, "v": "x"}, "a newer version of the record was written since")
    assert not sync.dead_letters


def test_a_letter_that_is_newer_does_overwrite(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(Sync("s", source=[{"id": 1, "v": 5}], sink=sink, store=store, mapping=strict, guard=LOOSE).arun)
    sync = Sync("s", source=[{"id": 1, "v": "x"}], sink=sink, store=store, mapping=strict, guard=LOOSE)
    world(sync.arun)
    world(lambda: sync.dead_letters.areplay(mapping=lenient))
    assert sink.rows[1] == {"id": 1, "v": 0}


def test_a_letter_that_asks_for_nothing_any_more_goes(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(Sync("s", source=[{"id": 1, "v": 0}], sink=sink, store=store, mapping=strict).arun)
    sync = Sync("s", source=[{"id": 1, "v": "x"}, {"id": 2, "v": "out"}], sink=sink, store=store, mapping=strict, guard=LOOSE)
    world(sync.arun)
    report = world(lambda: sync.dead_letters.areplay(mapping=lambda record: None if record["id"] == 2 else lenient(record)))
    assert (report.unchanged, report.written) == (2, 0)
    assert not sync.dead_letters


def test_deletes_are_replayed_too(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(sync_of([{"id": 1}, {"id": 2}, {"id": 3}], sink, store, mode="mirror").arun)
    sink.answers = {1: reject, 2: reject}
    sync = sync_of([{"id": 3}], sink, store, mode="mirror")
    world(sync.arun)
    assert {letter.stage for letter in sync.dead_letters} == {"delete"}
    sink.answers = {1: reject}
    report = world(sync.dead_letters.areplay)
    assert (report.deleted, report.rejected, sorted(sink.rows)) == (1, 1, [1, 3])
    # A record that is back is well: its letter goes.
    world(sync_of([{"id": 1}, {"id": 3}], sink, store, mode="mirror").arun)
    assert not sync.dead_letters
    # And one that was deleted by somebody in the meantime is no letter any more.
    sink.answers = {3: reject}
    sync = sync_of([{"id": 1}], sink, store, mode="mirror")
    world(sync.arun)
    store.commit(sync._remembered.forget(["3"]))
    assert world(sync.dead_letters.areplay).unchanged == 1
    assert not sync.dead_letters


def test_an_open_intent_is_settled_before_a_letter_goes(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.answers[1] = lambda key: Outcome.unknown(key, "cut off")
    sync = sync_of([{"id": 1, "v": 1}], sink, store)
    world(sync.arun)
    newer = sync_of([{"id": 1, "v": 2}], sink, store)
    world(newer.arun)
    (letter,) = newer.dead_letters
    assert letter.stage == "held"
    report = world(newer.dead_letters.areplay)
    assert "1 letters wait" in str(report)
    assert all(change.record == {"id": 1, "v": 1} for change in sink.sent)
    sink.answers.clear()
    report = world(newer.dead_letters.areplay)
    assert [change.record for change in sink.sent[-2:]] == [{"id": 1, "v": 1}, {"v": 2}]
    assert not newer.dead_letters


def test_a_replay_that_fails_now_is_tried_by_the_next_run(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.answers[1] = reject
    sync = sync_of([{"id": 1, "v": 1}], sink, store)
    world(sync.arun)
    sink.answers[1] = lambda key: Outcome.failed(key, "busy")
    assert world(sync.dead_letters.areplay).failed == 1
    assert len(sync.dead_letters) == 1
    sink.answers.clear()
    world(sync_of([], sink, store).arun)
    assert sink.rows == {1: {"id": 1, "v": 1}}
    assert not sync.dead_letters


def test_letters_of_an_append_sync(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.key = None
    sync = Sync(
        "s", source=[{"v": "x"}, {"v": "1"}], sink=sink, store=store, mode="append", mapping=lambda record: {"v": int(record["v"])}, guard=LOOSE
    )
    world(sync.arun)
    world(lambda: sync.dead_letters.areplay(mapping=lambda record: {"v": 0}))
    assert [change.record for change in sink.sent] == [{"v": 1}, {"v": 0}]
    assert not sync.dead_letters


def test_discarding() -> None:
    sink, store = Sink(), MemoryStore()
    sync = sync_of([{"id": number, "v": "x"} for number in range(3)], sink, store, mapping=strict)
    sync.run()
    first, *others = sync.dead_letters
    for why in ("", "  ", None):
        with pytest.raises(ConfigurationError, match="needs the reason"):
            sync.dead_letters.discard(first, why=why)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no dead letters \\['nope'\\]"):
        sync.dead_letters.discard("nope", why="because")
    assert sync.dead_letters.discard(first, why="a test order") == 1
    assert len(sync.dead_letters) == 2
    assert sync.dead_letters.discard(others[0].id, why="another") == 1
    assert sync.dead_letters.discard(why="all of them") == 1
    assert sorted(why for _, why in Letters(store, "s").discarded()) == ["a test order", "all of them", "another"]
    assert repr(sync.dead_letters) == "<DeadLetters: 0>"


def test_a_mapping_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"replay\(mapping=…\)"):
        sync_of([], Sink(), MemoryStore()).dead_letters.replay(mapping=7)
