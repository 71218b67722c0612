"""Sweeps: what they delete, what they refuse, and what they leave for the next one."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, GuardTripped, IncompleteRead, PlanOutdated
from integrakit.http import HeaderLinkPaginator
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page, Tombstone
from integrakit.state import MemoryStore, SqliteStore
from integrakit.sync import Sync
from integrakit.sync.progressed import load_progressed
from integrakit.testing import Simulator
from integrakit.writing import Guard, Remembered, Written, key_text

LOOSE = Guard(max_deletes=None, max_rejected=None)


class Whole:
    """A source that proves what it is told to."""

    def __init__(self, *records: Any, complete: bool | None = True, key: Any = "id", tombstones: bool = False, watermark: Any = None) -> None:
        self.records, self.complete, self.key, self.tombstones, self.watermark = list(records), complete, key, tombstones, watermark
        self.evidence = Evidence()

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.evidence = Evidence(reasons=("under way",))
        deletes = {"watermark": "2026-01-01T00:00:00Z", "ties": {}} if self.tombstones else None
        for start in range(0, len(self.records), 2):
            checkpoint = Checkpoint(resource="w", watermark=self.watermark, deletes=deletes)
            yield Page(self.records[start : start + 2], checkpoint)
        self.evidence = Evidence(complete=self.complete)


class Sink:
    key: Any = "id"
    repeatable = True

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.answer: Any = None

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes = []
        for change in changes:
            if change.kind != "delete":
                self.rows[change.key] = change.whole or change.record
            elif self.answer is not None:
                outcomes.append(self.answer(change.key, "no"))
                continue
            else:
                self.rows.pop(change.key)
            outcomes.append(Outcome.applied(change.key))
        return outcomes


def rows(*ids: Any) -> list[dict[str, Any]]:
    return [{"id": id, "v": 1} for id in ids]


def renamed(record: Any) -> Any:
    return {"id": f"S-{record['id']}"}


class Bench:
    def __init__(self, *records: Any, **options: Any) -> None:
        tombstones = options.pop("tombstones", False)
        self.source, self.sink, self.store = Whole(*records, tombstones=tombstones), Sink(), MemoryStore()
        self.options = {"guard": LOOSE, "progress": False, **options}

    def sync(self, **options: Any) -> Sync:
        return Sync("s", source=self.source, sink=self.sink, store=self.store, **{**self.options, **options})


def test_what_the_source_has_no_more_is_deleted(world: Any) -> None:
    async def main() -> None:
        for mapping, ids in ((None, [2, 4]), (renamed, ["S-2", "S-4"])):
            bench = Bench(*rows(1, 2, 3, 4), mapping=mapping)
            await bench.sync().arun()
            bench.source.records = rows(2, 4, 5)
            plan = await bench.sync().aplan_sweep()
            assert (plan.deletes, plan.unchanged, len(bench.sink.rows)) == (2, 2, 4)
            assert {change.kind for change in plan} == {"delete"}
            report = await bench.sync().asweep()
            assert (report.name, report.read, report.deleted, report.unchanged) == ("s (sweep)", 3, 2, 2)
            assert sorted(bench.sink.rows) == ids
            assert (await bench.sync().asweep()).deleted == 0
            # What is new was not written: that is for the next run.
            assert (await bench.sync().arun()).created == 1
            # What the plan would delete is gone by now.
            assert (await plan.aapply()).deleted == 0

    world(main)


def test_in_blocking_code() -> None:
    bench = Bench(*rows(1, 2))
    bench.sync().run()
    bench.source.records = rows(2)
    assert bench.sync().plan_sweep().apply().deleted == 1
    bench.source.records = []
    assert bench.sync().sweep().deleted == 1


@pytest.mark.parametrize("ids", [[2], [{"id": 2}], Whole({"id": 2}), Whole(Tombstone(1), {"id": 2})])
@pytest.mark.parametrize("how", ["direct", "indexed", "function"])
def test_a_cheaper_source_of_ids(how: str, ids: Any, world: Any) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"direct": {}, "indexed": {"mapping": renamed, "tombstones": True}}.get(how, {})
        if how == "function":
            options = {"mapping": renamed, "tombstone_key": lambda tombstone: f"S-{tombstone.key}"}
        bench = Bench(*rows(1, 2, 3), **options)
        await bench.sync().arun()
        cheap = Whole(*ids) if isinstance(ids, list) else ids
        report = await bench.sync().asweep(cheap)
        assert (report.read, report.deleted) == (1, 2)
        assert list(bench.sink.rows) == [2 if how == "direct" else "S-2"]
        assert (await bench.sync().asweep(cheap)).deleted == 0

    world(main)


@pytest.mark.parametrize("complete", [False, None])
def test_without_proof_nothing_is_swept(complete: bool | None, world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2))
        await bench.sync().arun()
        bench.source = Whole(*rows(1), complete=complete)
        for work in (bench.sync().asweep, bench.sync().aplan_sweep):
            with pytest.raises(IncompleteRead, match="nothing of 's' was swept"):
                await work()
        with pytest.raises(IncompleteRead):
            await bench.sync().asweep([1])
        assert len(bench.sink.rows) == 2

    world(main)


def test_what_makes_a_sweep_wrong_is_refused(world: Any) -> None:
    def broken(record: Any) -> Any:
        if record["id"] == 1:
            raise ValueError("no")
        return record

    async def main() -> None:
        bench = Bench(*rows(1, 2))
        await bench.sync().arun()
        with pytest.raises(ConfigurationError, match="keys are there as another type, such as 1 and '1'"):
            await bench.sync().asweep(Whole({"id": "1"}, {"id": 2}))
        with pytest.raises(ConfigurationError, match="begins at a watermark"):
            await bench.sync().asweep(Whole({"id": 1}, watermark=5))
        with pytest.raises(IncompleteRead, match="an id is missing"):
            await bench.sync().asweep(Whole({"key": 1}))
        with pytest.raises(IncompleteRead, match="a record could not be mapped"):
            await bench.sync(mapping=broken).asweep()
        with pytest.raises(ConfigurationError, match=r"give Sync\(tombstone_key=…\), or sweep\(\) without ids="):
            await bench.sync(mapping=renamed).asweep(Whole({"id": 1}))
        with pytest.raises(ConfigurationError, match="append' never deletes"):
            await bench.sync(mode="append").asweep()
        with pytest.raises(ConfigurationError, match="takes a resource, table, file, or iterable of ids"):
            await bench.sync().asweep(7)
        bench.sink.deletes = False  # type: ignore[attr-defined]
        with pytest.raises(ConfigurationError, match="Sink cannot delete"):
            await bench.sync().asweep()
        assert len(bench.sink.rows) == 2

    world(main)


def test_the_guard_is_asked_first(world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2, 3))
        await bench.sync().arun()
        bench.source.records = []
        for guard in (Guard(max_deletes=2), Guard(max_deletes=None, max_changes=2)):
            with pytest.raises(GuardTripped):
                await bench.sync(guard=guard).asweep()
            with pytest.raises(GuardTripped):
                await bench.sync(guard=guard).aplan_sweep()
        assert len(bench.sink.rows) == 3

    world(main)


def test_a_plan_of_a_sweep_is_outdated_by_a_write(world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2))
        await bench.sync().arun()
        bench.source.records = rows(2)
        plan = await bench.sync().aplan_sweep()
        bench.source.records = [{"id": 1, "v": 9}, *rows(2)]
        await bench.sync().arun()
        with pytest.raises(PlanOutdated, match="record 1 was written since"):
            await plan.aapply()
        assert len(bench.sink.rows) == 2

    world(main)


def test_what_failed_is_settled_and_what_is_in_doubt_is_left_alone(world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2))
        await bench.sync().arun()
        bench.source.records = []
        bench.sink.answer = Outcome.failed
        assert (await bench.sync().asweep()).failed == 2
        bench.sink.answer = None
        report = await bench.sync().asweep()
        assert (report.deleted, bench.sink.rows) == (2, {})
        bench = Bench(*rows(1, 2))
        await bench.sync().arun()
        bench.source.records, bench.sink.repeatable = [], False
        bench.sink.answer = Outcome.unknown
        assert (await bench.sync().asweep()).unknown == 2
        report = await bench.sync().asweep()
        assert (report.deleted, report.unknown) == (0, 2)
        assert report.notes == ("2 records are left alone: an earlier write of them is not settled, see sync.unknown",)

    world(main)


def test_records_whose_source_key_is_not_known_are_left_alone(world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2), mapping=renamed)
        await bench.sync().arun()
        bench.source = Whole(*rows(3), tombstones=True)
        await bench.sync().arun()
        report = await bench.sync().asweep(Whole({"id": 1}))
        assert sorted(bench.sink.rows) == ["S-1", "S-2"]
        assert "2 records were written before the source's keys were remembered" in report.notes[0]

    world(main)


def test_a_record_that_another_living_key_stands_for_stays(world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2, 3), mapping=lambda record: {"id": f"S-{record['id'] % 2}"}, tombstones=True)
        await bench.sync().arun()
        assert (await bench.sync().asweep(Whole({"id": 3}))).deleted == 1
        assert list(bench.sink.rows) == ["S-1"]

    world(main)


def test_after_a_sweep_a_feed_that_has_forgotten_may_go_on(world: Any) -> None:
    async def main() -> None:
        bench = Bench(*rows(1, 2), tombstones=True)
        await bench.sync().arun()
        await bench.sync().asweep()
        checkpoint = load_progressed(bench.store, "s").checkpoint
        assert checkpoint is not None
        assert checkpoint.deletes is not None
        assert set(checkpoint.deletes) == {"watermark", "ties", "swept"}

    world(main)


def test_a_resource_swept_by_its_ids(world: Any) -> None:
    class Shop(Connector):
        paginator = HeaderLinkPaginator()
        orders = Resource("/orders", key="id", cursor="at", since_param="at_min", records="orders")

    async def main() -> None:
        table = [{"id": number, "at": f"2026-01-0{number}"} for number in range(1, 6)]
        with Simulator({"orders": table}, page_size=2) as api:
            async with Shop(base_url=api.url) as shop:
                sink = Sink()
                sync = Sync("s", source=shop.orders, sink=sink, store=MemoryStore(), guard=LOOSE, progress=False)
                await sync.arun()
                api.delete("orders", 2)
                assert (await sync.arun()).deleted == 0, "a read of what is new never sees a delete"
                report = await sync.asweep(shop.orders.where(fields="id"))
                assert (report.read, report.deleted) == (4, 1)
                assert sorted(sink.rows) == [1, 3, 4, 5]
                with pytest.raises(ConfigurationError, match="begins at a watermark"):
                    await sync.asweep(shop.orders.since(sync.checkpoint))

    world(main)


def test_memory_is_flat_in_the_number_of_records(tmp_path: Path) -> None:
    class Many(Whole):
        def pages(self, since: Checkpoint | None) -> Iterator[Page]:
            for start in range(0, self.records[0], 500):
                yield Page(range(start, start + 500))
            self.evidence = Evidence(complete=True)

    class Deletes:
        repeatable = True

        def write(self, changes: Sequence[Change]) -> list[Outcome]:
            return [Outcome.applied(change.key) for change in changes]

    def peak(many: int) -> int:
        with SqliteStore(tmp_path / f"{many}.db") as store:
            remembered = Remembered(store, "s", "record")
            store.commit(remembered.put({key_text(number): Written(key=number, fingerprint="", record={"id": number}) for number in range(many)}))
            sync = Sync("s", source=Whole(), sink=Deletes(), key="id", store=store, progress=False, guard=LOOSE)
            tracemalloc.start()
            assert sync.sweep(Many(many - 500)).deleted == 500
            highest = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return highest

    peak(1000)
    small, large = peak(1000), peak(5000)
    assert large < small * 1.5 + 2_000_000, (small, large)


def test_what_another_run_writes_while_the_ids_are_read_is_not_swept() -> None:
    bench = Bench(*rows(1, 2))
    bench.sync().run()

    class Ids(Whole):
        def pages(self, since: Checkpoint | None) -> Iterator[Page]:
            yield from super().pages(since)
            bench.source.records = rows(1, 2, 3)
            bench.sync().run()

    plan = bench.sync().plan_sweep(Ids(*rows(1)))
    assert [change.key for change in plan] == [2]
    plan.apply()
    assert sorted(bench.sink.rows) == [1, 3]
