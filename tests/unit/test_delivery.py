"""One step of writing: what is stored before, what is kept after, and what is known of a group of which one batch failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from integrakit.clock import SystemClock
from integrakit.errors import ConfigurationError, VersionConflict, WriteError
from integrakit.model import Change, Outcome
from integrakit.protocols import Put, SinkLimits
from integrakit.runtimes import runtime
from integrakit.sql import SqlTable
from integrakit.state import MemoryStore, SqliteStore, acquire_lease
from integrakit.writing import Delivery, Intents, Item, Journal, Letters, Remembered, Tally, key_text, letter_id, open_sink
from integrakit.writing.item import letter_of


def item(number: int, kind: str = "upsert", *, count: int = 0) -> Item:
    record = {"id": number, "v": number}
    change = {
        "upsert": Change.upsert(number, record, idempotency_key=f"k{number}"),
        "create": Change.create(number, record),
        "update": Change.update(number, {"v": number}, whole=record, remote_key=100 + number),
        "delete": Change.delete(number, remote_key=100 + number),
    }[kind]
    letter = letter_id(f"source {number}") if kind != "delete" else letter_id(key_text(number))
    return Item(change=change, id=key_text(number), fingerprint=f"f{number}", count=count, source={"n": number}, letter=letter, order=(1, 0))


class Sink:
    key = "id"
    takes_keys = True

    def __init__(self, answer: Callable[[Change], Outcome | Exception] = lambda change: Outcome.applied(change.key)) -> None:
        self.answer, self.batches, self.lock = answer, [], threading.Lock()
        self.batches: list[list[Any]] = []
        self.before: Callable[[], None] = lambda: None

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        self.before()
        with self.lock:
            self.batches.append([change.key for change in changes])
        answers = [self.answer(change) for change in changes]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers  # type: ignore[return-value]


def build(sink: Any, *, store: Any = None, batch: int = 2, workers: int = 1, remember: Any = "record") -> tuple[Delivery, Journal]:
    store = store or MemoryStore()
    lease = acquire_lease(store, "sync:s", ttl=100, clock=SystemClock())
    journal = Journal(
        name="s", store=store, remembered=Remembered(store, "s", remember), intents=Intents(store, "s"), letters=Letters(store, "s"), lease=lease
    )
    return Delivery(journal, open_sink(sink, store), batch=batch, workers=workers, mapping="m1", tally=Tally()), journal


def deliver(world: Any, delivery: Delivery, items: Sequence[Item], *also: Any, stop: Any = lambda: False) -> bool:
    async def body() -> bool:
        await delivery.begin()
        return await delivery.deliver(items, also, stop=stop)

    done: bool = world(body)
    return done


def test_intents_stand_in_the_store_while_the_sink_is_called(world: Any) -> None:
    sink = Sink()
    delivery, journal = build(sink)
    seen: list[Any] = []
    sink.before = lambda: seen.append([(intent.change.key, intent.status, intent.source) for intent in journal.intents.all()])
    assert deliver(world, delivery, [item(1), item(2), item(3)], Put("s", "also", 1))
    assert seen == [[(1, "open", {"n": 1}), (2, "open", {"n": 2})], [(3, "open", {"n": 3})]]
    assert sink.batches == [[1, 2], [3]]
    assert list(journal.intents.all()) == []
    assert journal.store.get("s", "also") is not None
    assert {was.key: (was.count, was.record, was.order) for _, was in journal.remembered.all()} == {
        number: (1, {"id": number, "v": number}, (1, 0)) for number in (1, 2, 3)
    }
    assert (delivery.tally.written, delivery.tally.created) == (3, 3)


def test_every_kind_of_outcome(world: Any) -> None:
    answers = {
        1: Outcome.applied(1, remote_key=900),
        2: Outcome.unchanged(2),
        3: Outcome.rejected(3, "closed", request_id="r-3"),
        4: Outcome.failed(4, "busy"),
        5: Outcome.unknown(5, "cut off"),
        6: Outcome.applied(6),
        7: Outcome.unchanged(7),
        8: Outcome("rejected", 8),
    }
    items = [item(1), item(2, "update", count=4), item(3), item(4), item(5), item(6, "delete"), item(7, "delete"), item(8, "delete")]
    delivery, journal = build(Sink(lambda change: answers[change.key]), batch=100)
    journal.store.commit(journal.remembered.put({key_text(number): _was(number) for number in (6, 7, 8)}))
    assert deliver(world, delivery, items)
    remembered = {was.key: was for _, was in journal.remembered.all()}
    assert sorted(remembered) == [1, 2, 8]
    assert remembered[1].remote_key == 900
    assert (remembered[2].remote_key, remembered[2].count, remembered[2].record) == (102, 5, {"id": 2, "v": 2})
    letters = {letter.key: letter for letter in journal.letters}
    assert sorted(letters) == [3, 8]
    assert (letters[3].stage, letters[3].error, letters[3].request_id, letters[3].mapping) == ("write", "closed", "r-3", "m1")
    assert (letters[3].input, letters[3].target, letters[3].order) == ({"n": 3}, {"id": 3, "v": 3}, (1, 0))
    assert (letters[8].stage, letters[8].error) == ("delete", "the sink rejected it")
    left = {intent.change.key: (intent.status, intent.error) for intent in journal.intents.all()}
    assert left == {4: ("failed", "busy"), 5: ("open", "cut off")}
    tally = delivery.tally
    assert (tally.written, tally.created, tally.updated, tally.deleted, tally.unchanged) == (1, 1, 0, 1, 2)
    assert (tally.rejected, tally.failed, tally.unknown) == (2, 1, 1)
    assert (delivery.left(key_text(4)), delivery.left(key_text(5)), delivery.left(key_text(1))) == ("failed", "open", None)
    assert (delivery.doubt(key_text(4)), delivery.doubt(key_text(5))) == (None, "f5")
    assert delivery.doubts == 1


def _was(number: int) -> Any:
    from integrakit.writing import Written

    return Written(key=number, fingerprint="f", remote_key=100 + number)


def test_a_sink_that_cannot_settle_ends_unknown_at_once() -> None:
    class Blind(Sink):
        takes_keys = False

    delivery, journal = build(Blind(lambda change: Outcome.unknown(change.key, "?")))
    deliver(drive_it, delivery, [item(1)])
    assert [(intent.status, intent.error) for intent in journal.intents.all("unknown")] == [("unknown", "?")]


def test_a_failure_after_a_doubt_says_nothing_about_the_doubt() -> None:
    delivery, _ = build(Sink(lambda change: Outcome.failed(change.key, "no connection")))
    deliver(drive_it, delivery, [evolve(item(1), doubtful=True), item(2)])
    assert (delivery.left(key_text(1)), delivery.left(key_text(2))) == ("open", "failed")


def drive_it(make: Any) -> Any:
    from integrakit.runtimes import drive

    return drive(make())


def test_stopping_between_batches(world: Any) -> None:
    sink = Sink()
    delivery, journal = build(sink)
    assert not deliver(world, delivery, [item(1), item(2), item(3)], Put("s", "also", 1), stop=lambda: True)
    assert sink.batches == [[1, 2]]
    assert journal.store.get("s", "also") is None
    assert list(journal.intents.all()) == []


def test_nothing_to_write_still_keeps_the_rest_and_renews_the_lease(world: Any) -> None:
    delivery, journal = build(Sink())
    before = journal.lease.expires
    assert deliver(world, delivery, [], Put("s", "also", 1))
    assert journal.store.get("s", "also") is not None
    assert journal.lease.expires >= before


def test_the_sinks_own_limit_counts() -> None:
    sink = Sink()
    sink.limits = SinkLimits(batch=1)  # type: ignore[attr-defined]
    delivery, _ = build(sink, batch=100)
    deliver(drive_it, delivery, [item(1), item(2)])
    assert sink.batches == [[1], [2]]


def test_workers_write_side_by_side_and_outcomes_stay_with_their_changes(world: Any) -> None:
    class Awaits:
        on_runtime = True
        running = most = 0

        async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
            self.running += 1
            self.most = max(self.most, self.running)
            await runtime().sleep(0.001 * (5 - changes[0].key))
            self.running -= 1
            return [Outcome.applied(change.key, remote_key=-change.key) for change in changes]

    sink = Awaits()
    delivery, journal = build(sink, batch=1, workers=3)
    assert deliver(world, delivery, [item(number) for number in range(1, 6)])
    assert {was.key: was.remote_key for _, was in journal.remembered.all()} == {number: -number for number in range(1, 6)}
    assert sink.most in (2, 3)


def test_of_a_group_what_is_known_is_kept_before_the_error_goes_on(world: Any) -> None:
    def answer(change: Change) -> Outcome | Exception:
        return KeyError("sdk") if change.key == 2 else Outcome.applied(change.key)

    delivery, journal = build(Sink(answer), batch=1, workers=3)
    with pytest.raises(WriteError, match="KeyError"):
        deliver(world, delivery, [item(1), item(2), item(3), item(4)], Put("s", "also", 1))
    assert sorted(was.key for _, was in journal.remembered.all()) == [1, 3]
    assert [intent.change.key for intent in journal.intents.all()] == [2]
    assert journal.store.get("s", "also") is None
    assert delivery.tally.written == 2


def test_a_lost_lease_keeps_nothing_and_sends_nothing(world: Any) -> None:
    sink = Sink()
    delivery, journal = build(sink)
    journal.store.commit([Put("leases", "sync:s", {"holder": "somebody else"})])
    with pytest.raises(VersionConflict):
        deliver(world, delivery, [item(1)])
    assert sink.batches == []
    assert list(journal.intents.all()) == []


def test_a_lease_lost_while_writing_does_not_keep_the_step() -> None:
    sink = Sink()
    delivery, journal = build(sink)
    sink.before = lambda: journal.store.commit([Put("leases", "sync:s", {"holder": "somebody else"})])
    with pytest.raises(VersionConflict):
        deliver(drive_it, delivery, [item(1)])
    assert list(journal.remembered.all()) == []
    assert [intent.change.key for intent in journal.intents.all()] == [1], "the new run settles it"


def test_in_one_transaction_with_the_store(world: Any, tmp_path: Path) -> None:
    columns = {"id": "INTEGER", "v": "INTEGER CHECK (v <> 2)"}
    with SqliteStore(tmp_path / "s.db") as store, SqlTable(tmp_path / "s.db", "t", key="id", create=columns) as table:
        delivery, journal = build(table, store=store, workers=4)
        store.commit(journal.intents.leave([_intent(item(1))]))
        assert deliver(world, delivery, [item(1), item(2), item(3)], Put("s", "also", 1))
        assert [row["id"] for row in table] == [1, 3]
        assert [letter.key for letter in journal.letters] == [2]
        assert list(journal.intents.all()) == [], "what was left of an earlier sink is struck off too"
        store.commit([Put("leases", "sync:s", {"holder": "somebody else"})])
        with pytest.raises(VersionConflict):
            deliver(world, delivery, [item(4)])
        assert [row["id"] for row in table] == [1, 3], "neither side has it"


def _intent(of: Item) -> Any:
    from integrakit.writing.item import intent_of

    return intent_of(of, "now", status="failed")


def test_letters_of_records_that_turn_out_well_go_with_the_same_commit(world: Any) -> None:
    delivery, journal = build(Sink(), batch=100)
    old = [letter_of(item(number), Outcome.rejected(number, "no"), "m0", "then") for number in (1, 2, 3)]
    gone = letter_of(item(4, "delete"), Outcome.rejected(4, "no"), "m0", "then")
    journal.store.commit(journal.letters.put([*old, gone]))
    # 4 was to be deleted, and is back in the source and well.
    assert deliver(world, delivery, [item(1), item(4)])
    assert sorted(letter.key for letter in journal.letters) == [2, 3]
    assert len(delivery.well([(old[1].id, key_text(2)), ("unknown", "unknown")])) == 1
    assert delivery.well([(old[1].id, key_text(2))]) == [], "once"


def test_marking_unknown_says_why() -> None:
    delivery, journal = build(Sink())
    journal.store.commit(delivery.mark_unknown([evolve(_intent(item(1)), status="open"), evolve(_intent(item(2)), error="cut")]))
    assert [intent.error for intent in journal.intents.all("unknown")] == ["the run ended before the sink answered", "cut"]
    assert delivery.doubts == 2
    assert delivery.all_left() == {key_text(1), key_text(2)}


def test_minted_keys_are_of_this_run() -> None:
    delivery, journal = build(Sink())
    (one,) = delivery.minted([item(1)])
    assert one.change.idempotency_key not in (None, "k1")
    journal.lease.release()
    other, _ = build(Sink(), store=journal.store)
    assert other.minted([item(1)])[0].change.idempotency_key != one.change.idempotency_key
    assert evolve(one.change, idempotency_key="k1") == item(1).change


def test_keeping_what_was_found_out(world: Any) -> None:
    delivery, journal = build(Sink())

    async def body() -> None:
        await delivery.begin()
        await delivery.keep([item(1)], [Outcome.applied(1, remote_key=5)])

    world(body)
    assert [was.remote_key for _, was in journal.remembered.all()] == [5]
    assert delivery.tally.written == 1


def test_a_sink_that_cannot_be_awaited_here_is_refused_at_the_beginning() -> None:
    class Awaits:
        async def awrite(self, changes: Any) -> Any: ...

    delivery, journal = build(Awaits())
    with pytest.raises(ConfigurationError, match="async code only"):
        deliver(drive_it, delivery, [item(1)])
    assert list(journal.intents.all()) == []
