"""A plan writes nothing anywhere; applied, it does what a run would have done; and it is refused once the world has moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from integrakit.errors import GuardTripped, IncompleteRead, PlanOutdated
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page
from integrakit.protocols import Operation, Put
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.writing import Guard, Intents, Remembered

LOOSE = Guard(max_deletes=None, max_rejected=None)


class Sink:
    key: Any = "id"
    takes_keys = True

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}
        self.sent: list[tuple[str, Any]] = []
        self.reject: set[Any] = set()
        self.answer: Any = None

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [self.one(change) for change in changes]

    def one(self, change: Change) -> Outcome:
        self.sent.append((change.kind, change.key))
        if self.answer is not None:
            return self.answer(change.key)
        if change.key in self.reject:
            return Outcome.rejected(change.key, "no")
        if change.kind == "delete":
            del self.rows[change.key]
        else:
            self.rows.setdefault(change.key, {}).update(change.record or {})
        return Outcome.applied(change.key)


class Source:
    key = "id"

    def __init__(self, *pages: list[Any], complete: bool | None = True) -> None:
        self.given, self.complete = list(pages), complete
        self.evidence = Evidence()
        self.asked: list[Any] = []

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.asked.append(since)
        for number, page in enumerate(self.given, 1):
            yield Page(page, Checkpoint(resource="r", token={"n": number} if number < len(self.given) else None, watermark="w"))
        self.evidence = Evidence(complete=self.complete, reasons=("it says so",), ended_by="protocol")


class Watched(MemoryStore):
    commits = 0

    def commit(self, operations: Sequence[Operation]) -> None:
        self.commits += 1
        super().commit(operations)


def rows(*pairs: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{"id": key, "v": value} for key, value in pairs]


BEFORE = rows((1, 1), (2, 1), (3, 1), (4, 1))
AFTER = [rows((2, 2), (3, 1)), [{"id": 9}, {"broken": 1}], rows((7, 1), (8, "reject"), (7, 5))]


def prepared(store: Any, sink: Sink, mode: Any = "upsert") -> Sync:
    Sync("s", source=Source(BEFORE), sink=sink, store=store, mode=mode, guard=LOOSE).run()
    sink.sent.clear()
    sink.reject = {8}
    return Sync("s", source=Source(*AFTER), sink=sink, store=store, mode=mode, guard=LOOSE)


def state(store: Any) -> Any:
    remembered = Remembered(store, "s", "record")
    return (
        {id: (was.record, was.remote_key) for id, was in remembered.all()},
        sorted((letter.id, letter.stage, letter.error) for letter in Sync("s", source=[], sink=Sink(), store=store).dead_letters),
        list(Intents(store, "s").all()),
        {name: value for name, value in store.get("checkpoints", "s").value.items() if name != "version"},
    )


@pytest.mark.parametrize("mode", ["upsert", "append", "mirror"])
def test_a_plan_writes_nothing_and_applied_it_is_a_run(mode: Any, world: Any) -> None:
    store, sink = Watched(), Sink()
    sync = prepared(store, sink, mode)
    if mode == "mirror":
        sync._source.given[1] = [{"id": 9}]
    store.commits = 0
    plan = world(sync.aplan)
    assert (store.commits, sink.sent, plan.rejected) == (0, [], 0 if mode == "mirror" else 1)
    assert world(sync.aplan).creates == plan.creates, "as often as you like"
    report = world(plan.aapply)

    other_store, other_sink = MemoryStore(), Sink()
    other = prepared(other_store, other_sink, mode)
    if mode == "mirror":
        other._source.given[1] = [{"id": 9}]
    expected = world(other.arun)
    assert sink.rows == other_sink.rows
    assert state(store) == state(other_store)
    for name in ("read", "deleted", "rejected", "failed", "unknown", "evidence"):
        assert getattr(report, name) == getattr(expected, name), name
    assert plan.deletes == report.deleted == (2 if mode == "mirror" else 0)
    assert plan.creates + plan.updates == report.written + 1, "one is rejected by the sink"
    assert str(plan)
    assert len(list(plan)) == len(plan), "a plan that was applied can still be looked at"


def test_what_the_plan_shows(world: Any) -> None:
    sync = prepared(MemoryStore(), Sink(), "mirror")
    plan = world(sync.aplan)
    assert {(change.kind, change.key): change.record for change in plan} == {
        ("update", 2): {"v": 2},
        ("upsert", 9): {"id": 9},
        ("upsert", 8): {"id": 8, "v": "reject"},
        ("upsert", 7): {"id": 7, "v": 5},
    }
    assert (plan.creates, plan.updates, plan.deletes, plan.unchanged, plan.rejected) == (3, 1, 0, 2, 1)
    assert plan.notes == (
        "the one rejected: the record has no 'id', which is the key of this sync (record {'broken': 1})",
        "deletes are left out: 1 records could not be mapped",
    )


def test_deletes_need_proof(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    prepared(store, sink, "mirror")
    plan = world(Sync("s", source=Source(BEFORE[1:], complete=None), sink=sink, store=store, mode="mirror", guard=LOOSE).aplan)
    assert plan.deletes == 0
    assert "deletes are left out: not proved complete" in str(plan)


def test_of_a_record_that_comes_on_several_pages_the_latest_counts(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    prepared(store, sink)
    pages = [rows((1, 5), (2, 7), (5, 1)), rows((1, 1), (2, 8)), rows((2, 9), (5, 1))]
    sync = Sync("s", source=Source(*pages), sink=sink, store=store, guard=LOOSE)
    plan = world(sync.aplan)
    assert [(change.key, change.record) for change in plan] == [(2, {"v": 9}), (5, {"id": 5, "v": 1})]
    world(plan.aapply)
    assert sink.rows[1] == {"id": 1, "v": 1}
    assert sink.rows[2] == {"id": 2, "v": 9}


def test_what_is_appended_first_stays(world: Any) -> None:
    sink = Sink()
    plan = world(Sync("s", source=Source(rows((1, 1)), rows((1, 2))), sink=sink, mode="append").aplan)
    assert [change.record for change in plan] == [{"id": 1, "v": 1}]
    assert plan.unchanged == 1


# ---------------------------------------------------------------- outdated


def test_a_run_since_then(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    sync = prepared(store, sink)
    plan = sync.plan()
    sync.run()
    sink.sent.clear()
    with pytest.raises(PlanOutdated, match="has run since this plan was made"):
        world(plan.aapply)
    assert sink.sent == []
    assert store.get("leases", "sync:s") is None


def test_a_record_written_since_then(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    plan = prepared(store, sink).plan()
    remembered = Remembered(store, "s", "record")
    (was,) = remembered.read(["2"]).values()
    store.commit(remembered.put({"2": type(was)(key=2, fingerprint="x", count=9)}))
    with pytest.raises(PlanOutdated, match="record 2 was written since"):
        world(plan.aapply)
    assert sink.sent == []


def test_a_record_deleted_since_then() -> None:
    store, sink = MemoryStore(), Sink()
    plan = prepared(store, sink).plan()
    store.commit(Remembered(store, "s", "record").forget(["2"]))
    with pytest.raises(PlanOutdated):
        plan.apply()


def test_writes_that_are_not_settled(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    prepared(store, sink)
    sink.answer = lambda key: Outcome.failed(key, "away")
    sync = Sync("s", source=Source(rows((1, 5))), sink=sink, store=store)
    sync.run()
    sink.answer = None
    plan = world(sync.aplan)
    assert "1 writes of an earlier run are not settled" in str(plan)
    with pytest.raises(PlanOutdated, match="run it once"):
        world(plan.aapply)
    world(sync.arun)
    world(world(sync.aplan).aapply)
    assert sink.rows[1] == {"id": 1, "v": 5}


def test_records_in_doubt_are_left_out_and_do_not_block_the_others(world: Any) -> None:
    store = MemoryStore()

    def push(records: list[Any]) -> list[Outcome]:
        return [Outcome.unknown(record["id"], "?") if record["id"] == 1 else Outcome.applied(record["id"]) for record in records]

    sync = Sync("s", source=Source(rows((1, 1))), sink=push, key="id", store=store)
    sync.run()
    sync = Sync("s", source=Source(rows((1, 2), (2, 1))), sink=push, key="id", store=store)
    plan = world(sync.aplan)
    assert [change.key for change in plan] == [2]
    assert "1 changes are left out" in str(plan)
    assert world(plan.aapply).written == 1


def test_a_plan_in_doubt_deletes_nothing_of_it() -> None:
    class Blind(Sink):
        takes_keys = False

    store, sink = MemoryStore(), Blind()
    Sync("s", source=Source(BEFORE), sink=sink, store=store, mode="mirror", guard=LOOSE).run()
    sink.answer = lambda key: Outcome.unknown(key, "?")
    Sync("s", source=Source(rows((1, 1), (2, 9), (3, 1), (4, 1))), sink=sink, store=store, mode="mirror", guard=LOOSE).run()
    plan = Sync("s", source=Source(BEFORE[2:]), sink=sink, store=store, mode="mirror", guard=LOOSE).plan()
    assert [(change.kind, change.key) for change in plan] == [("delete", 1)]


# ---------------------------------------------------------------- guards, evidence, words


def test_guards_trip_when_the_plan_is_made(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    prepared(store, sink, "mirror")
    with pytest.raises(GuardTripped, match="4 of 4 records would be deleted"):
        world(Sync("s", source=Source(), sink=sink, store=store, mode="mirror").aplan)
    with pytest.raises(GuardTripped, match="were rejected"):
        world(Sync("s", source=Source([{}] * 3), sink=sink, store=store).aplan)
    with pytest.raises(GuardTripped, match="were rejected"):
        world(Sync("s", source=Source([{}] * 300, []), sink=sink, store=store).aplan)
    with pytest.raises(GuardTripped, match="2 changes or more"):
        world(Sync("s", source=Source(rows((1, 2), (2, 2))), sink=sink, store=store, guard=Guard(max_changes=1)).aplan)


def test_rejections_by_the_sink_trip_while_it_is_applied(world: Any) -> None:
    sink = Sink()
    sink.reject = set(range(10_000))
    plan = world(Sync("s", source=Source(rows(*((number, 1) for number in range(1500)))), sink=sink).aplan)
    with pytest.raises(GuardTripped):
        world(plan.aapply)
    assert len(sink.sent) == 500


def test_an_incomplete_read_makes_no_plan(world: Any) -> None:
    with pytest.raises(IncompleteRead):
        world(Sync("s", source=Source(BEFORE, complete=False), sink=Sink()).aplan)


def test_a_plan_shows_all_that_is_new_also_after_a_run_that_was_cut_off(world: Any) -> None:
    store, source = MemoryStore(), Source(rows((1, 1)), rows((2, 1)))
    at = Checkpoint(resource="r", token={"n": 1}, watermark="w", pages=1)
    store.commit([Put("checkpoints", "s", {"checkpoint": at.to_dict(), "mapping": "", "runs": 1})])
    world(Sync("s", source=source, sink=Sink(), store=store).aplan)
    world(Sync("s", source=source, sink=Sink(), store=store, mapping=dict).aplan)
    world(Sync("s", source=source, sink=Sink(), store=store, mode="mirror").aplan)
    assert source.asked == [Checkpoint(resource="r", watermark="w"), None, None]


def test_letters_of_records_that_are_well_go_when_it_is_applied(world: Any) -> None:
    store, sink = MemoryStore(), Sink()
    bad = Sync(
        "s", source=Source([{"id": 1, "v": "x"}]), sink=sink, store=store, mapping=lambda record: {**record, "v": int(record["v"])}, guard=LOOSE
    )
    prepared(store, sink)
    bad.run()
    assert len(list(bad.dead_letters)) == 1
    well = Sync("s", source=Source([{"id": 1, "v": 1}]), sink=sink, store=store)
    plan = world(well.aplan)
    assert (len(plan), len(list(well.dead_letters))) == (0, 1)
    world(plan.aapply)
    assert list(well.dead_letters) == []
