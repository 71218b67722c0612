"""Settling what an earlier run left: sent again as it was, asked about, or left to a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import WriteError
from integrakit.model import Change, Outcome
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.writing import Intent, Intents, Remembered, Written, key_text, letter_id

BODY = {"id": 1, "v": 1}


def intent(change: Change, status: Any = "open", count: int = 0) -> Intent:
    return Intent(change=change, id=key_text(change.key), fingerprint="old", count=count, status=status, source={"s": 1}, letter="l", order=(0, 0))


class Sink:
    key: Any = "id"

    def __init__(self, **can: bool) -> None:
        self.repeatable, self.takes_keys = can.get("repeatable", False), can.get("takes_keys", False)
        self.findable = can.get("findable", False)
        self.sent: list[Change] = []
        self.asked: list[list[Any]] = []
        self.there: dict[Any, Any] = {}
        self.answer: Any = Outcome.applied

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        self.sent += changes
        return [self.answer(change.key) for change in changes]

    def find(self, keys: Sequence[Any]) -> dict[Any, Any]:
        self.asked.append(list(keys))
        return {key: self.there[key] for key in keys if key in self.there}


def settle(world: Any, sink: Sink, *intents: Intent, store: MemoryStore | None = None, source: Any = ()) -> tuple[Any, Sync]:
    store = store or MemoryStore()
    left = [each for each in intents if each.status != "open"]
    there = Intents(store, "s")
    store.commit([*there.sending([each for each in intents if each.status == "open"]), *there.leave(left)])
    sync = Sync("s", source=list(source), sink=sink, key="id", store=store)
    return world(sync.arun), sync


@pytest.mark.parametrize("can", ["repeatable", "takes_keys"])
def test_sent_again_with_the_exact_body_and_key(can: str, world: Any) -> None:
    change = Change.upsert(1, BODY, idempotency_key="the key")
    sink = Sink(**{can: True})
    report, sync = settle(world, sink, intent(change))
    assert sink.sent == [change]
    assert (report.settled, report.written) == (1, 1)
    assert [was.record for _, was in Remembered(sync._store, "s", "record").all()] == [BODY]


def test_what_certainly_failed_is_sent_again_by_any_sink(world: Any) -> None:
    sink = Sink()
    change = Change.upsert(1, BODY, idempotency_key="k")
    report, sync = settle(world, sink, intent(change, "failed"))
    assert sink.sent == [change]
    assert report.settled == 1
    assert sync.unknown == []


def test_elsewhere_it_stays_unknown_and_listed(world: Any) -> None:
    sink = Sink()
    report, sync = settle(world, sink, intent(Change.upsert(1, BODY)))
    assert sink.sent == []
    assert (report.settled, report.unknown) == (0, 1)
    assert [(each.change.key, each.error) for each in sync.unknown] == [(1, "the run ended before the sink answered")]
    assert "see sync.unknown" in str(report)
    again = world(sync.arun)
    assert (again.unknown, again.settled, sink.sent) == (1, 0, [])


@pytest.mark.parametrize(
    ("change", "there", "sent"),
    [
        (Change.create(1, BODY), {}, "create"),
        (Change.create(1, BODY), {1: {"id": 1, "v": "whatever"}}, None),
        (Change.upsert(1, BODY), {}, "upsert"),
        (Change.upsert(1, BODY), {1: {**BODY, "more": 1}}, None),
        (Change.upsert(1, BODY), {1: {"id": 1, "v": 99}}, "update"),
        (Change.update(1, {"v": 2}), {1: {"id": 1, "v": 2}}, None),
        (Change.update(1, {"v": 2}), {1: {"id": 1}}, "update"),
        (Change.update(1, {"v": 2}), {}, "update"),
        (Change.delete(1), {}, None),
        (Change.delete(1), {1: BODY}, "delete"),
    ],
)
def test_asking_what_took_place(change: Change, there: dict[Any, Any], sent: str | None, world: Any) -> None:
    sink = Sink(findable=True)
    sink.there = there
    report, sync = settle(world, sink, intent(change))
    assert sink.asked == [[1]]
    assert [each.kind for each in sink.sent] == ([] if sent is None else [sent])
    assert (report.settled, report.unknown) == (1, 0)
    if change.kind == "upsert" and sent == "update":
        assert (sink.sent[0].record, sink.sent[0].whole, sink.sent[0].remote_key) == (BODY, BODY, 1)
    assert Remembered(sync._store, "s", "record").count() == (0 if change.kind == "delete" else 1)


def test_what_has_no_key_cannot_be_asked_for() -> None:
    sink = Sink(findable=True)
    sink.key = None
    store = MemoryStore()
    store.commit(Intents(store, "s").sending([evolve(intent(Change.create(None, BODY)), id="place")]))
    sync = Sync("s", source=[], sink=sink, store=store, mode="append")
    sync.run()
    assert (sink.asked, sink.sent) == ([], [])
    (unknown,) = sync.unknown
    sync.settle(unknown, applied=True)
    assert sync.unknown == []


def test_a_sink_that_cannot_be_asked_now_leaves_everything_as_it_was(world: Any) -> None:
    class Away(Sink):
        def find(self, keys: Any) -> Any:
            raise OSError("away")

    store = MemoryStore()
    with pytest.raises(WriteError, match="could not be asked"):
        settle(world, Away(findable=True), intent(Change.upsert(1, BODY)), store=store)
    assert len(list(Intents(store, "s").all())) == 1
    assert store.get("leases", "sync:s") is None


def test_nothing_newer_goes_out_while_it_is_in_doubt(world: Any) -> None:
    sink = Sink(takes_keys=True)
    sink.answer = lambda key: Outcome.unknown(key, "cut off")
    report, sync = settle(world, sink, intent(Change.upsert(1, BODY, idempotency_key="k")), source=[{"id": 1, "v": 2}])
    assert [change.record for change in sink.sent] == [BODY], "once, and not the newer one"
    assert report.unknown == 1
    (letter,) = sync.dead_letters
    assert (letter.stage, letter.input, letter.key) == ("held", {"id": 1, "v": 2}, 1)
    sink.answer = Outcome.applied
    report = world(sync.arun)
    # First the old body under its old key, then the newer one as an update.
    assert [(change.kind, change.record) for change in sink.sent[1:]] == [("upsert", BODY), ("update", {"v": 2})]
    assert (report.settled, report.written, report.unknown) == (1, 2, 0)
    assert list(sync.dead_letters) == []


def test_what_waited_is_sent_even_if_the_source_does_not_bring_it_again(world: Any) -> None:
    sink = Sink()
    store = MemoryStore()
    settle(world, sink, intent(Change.upsert(1, BODY)), store=store, source=[{"id": 1, "v": 2}])
    sync = Sync("s", source=[], sink=sink, key="id", store=store)
    world(lambda: sync.asettle(1, applied=True))
    report = world(sync.arun)
    assert [(change.kind, change.record) for change in sink.sent] == [("update", {"v": 2})]
    assert (report.read, report.written) == (0, 1)
    assert list(sync.dead_letters) == []


def test_the_same_record_again_needs_no_letter(world: Any) -> None:
    sink = Sink()
    store = MemoryStore()
    first = Sync("s", source=[BODY], sink=_Raises(), key="id", store=store)
    with pytest.raises(WriteError):
        world(first.arun)
    sync = Sync("s", source=[BODY], sink=sink, key="id", store=store)
    report = world(sync.arun)
    assert (sink.sent, report.unknown, list(sync.dead_letters)) == ([], 1, [])
    sync.settle(1, applied=False)
    assert world(sync.arun).written == 1
    assert [change.record for change in sink.sent] == [BODY]


class _Raises:
    def write(self, changes: Any) -> Any:
        raise RuntimeError("cut off")


def test_a_rejection_while_settling_is_a_letter_with_its_input(world: Any) -> None:
    sink = Sink(takes_keys=True)
    sink.answer = lambda key: Outcome.rejected(key, "closed")
    report, sync = settle(world, sink, intent(Change.upsert(1, BODY)))
    (letter,) = sync.dead_letters
    assert (letter.id, letter.input, letter.target) == ("l", {"s": 1}, BODY)
    assert (report.settled, report.rejected) == (1, 1)


def test_many_are_settled_in_pieces(world: Any) -> None:
    sink = Sink(repeatable=True)
    report, sync = settle(world, sink, *[intent(Change.upsert(number, {"id": number})) for number in range(1201)])
    assert (report.settled, report.written, len(sink.sent)) == (1201, 1201, 1201)
    assert list(Intents(sync._store, "s").all()) == []


def test_a_delete_that_was_open_is_settled_before_the_record_comes_back(world: Any) -> None:
    sink = Sink(takes_keys=True)
    store = MemoryStore()
    store.commit(Remembered(store, "s", "record").put({"1": Written(key=1, fingerprint="f", remote_key=9, record=BODY)}))
    report, _ = settle(world, sink, intent(Change.delete(1, remote_key=9), count=1), store=store, source=[BODY])
    assert [change.kind for change in sink.sent] == ["delete", "upsert"]
    assert (report.deleted, report.written) == (1, 1)


def test_what_went_back_to_what_was_remembered_is_written_back_after_the_doubt_is_settled(world: Any) -> None:
    """The source says what was written last but one: nobody knows whether the sink says so too."""
    sink = Sink()
    store = MemoryStore()
    store.commit(Remembered(store, "s", "record").put({"1": Written(key=1, fingerprint="older", record={"id": 1, "v": 0})}))
    doubtful = intent(Change.update(1, {"v": 1}, whole=BODY), count=1)
    report, sync = settle(world, sink, doubtful, store=store, source=[{"id": 1, "v": 0}])
    assert (report.unknown, sink.sent) == (1, [])
    sync.settle(1, applied=True)
    world(Sync("s", source=[], sink=sink, key="id", store=store).arun)
    assert [(change.kind, change.record) for change in sink.sent] == [("update", {"v": 0})]


def test_a_write_that_failed_is_not_sent_any_more_once_the_source_says_what_was_there_before(world: Any) -> None:
    sink = Sink()
    store = MemoryStore()
    store.commit(Remembered(store, "s", "record").put({"1": Written(key=1, fingerprint="older", record={"id": 1, "v": 0})}))
    sink.answer = lambda key: Outcome.failed(key, "away")
    report, sync = settle(world, sink, intent(Change.update(1, {"v": 1}, whole=BODY), "failed", count=1), store=store, source=[{"id": 1, "v": 0}])
    assert (len(sink.sent), report.failed) == (1, 1)
    assert list(Intents(store, "s").all()) == []
    sink.answer = Outcome.applied
    assert world(sync.arun).written == 0


def test_the_letter_of_an_older_version_does_not_take_the_place_of_a_newer_one(world: Any) -> None:
    sink = Sink(takes_keys=True)
    store = MemoryStore()
    sink.answer = lambda key: Outcome.unknown(key, "cut off")
    _, sync = settle(world, sink, evolve(intent(Change.upsert(1, BODY)), letter=letter_id("1")), store=store, source=[{"id": 1, "v": 2}])
    sink.answer = lambda key: Outcome.rejected(key, "no")
    sync = Sync("s", source=[], sink=sink, key="id", store=store)
    report = world(sync.arun)
    assert [change.record for change in sink.sent[1:]] == [BODY, {"id": 1, "v": 2}]
    (letter,) = sync.dead_letters
    assert (letter.stage, letter.input) == ("write", {"id": 1, "v": 2})
    assert report.rejected == 2


def test_rejections_of_what_was_read_before_do_not_trip_this_runs_guard(world: Any) -> None:
    sink = Sink(takes_keys=True)
    sink.answer = lambda key: Outcome.rejected(key, "no") if key != 0 else Outcome.applied(key)
    report, _ = settle(world, sink, *[intent(Change.upsert(number, {"id": number})) for number in range(1, 4)], source=[{"id": 0}])
    assert (report.rejected, report.written) == (3, 1)


@pytest.mark.parametrize("can", ["takes_keys", "findable", "repeatable"])
def test_what_is_left_to_a_person_stays_so_whatever_the_sink_learns(can: str, world: Any) -> None:
    """It went out when the sink took no keys: with its key it would be doubled now."""
    sink = Sink(**{can: True})
    report, sync = settle(world, sink, intent(Change.upsert(1, BODY, idempotency_key="k"), "unknown"))
    assert (sink.sent, sink.asked, report.unknown, len(sync.unknown)) == ([], [], 1, 1)
