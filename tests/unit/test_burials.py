"""Tombstones in syncs: which record one is about, when it is deleted, and what keeps it alive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, GuardTripped, IncompleteRead, WriteError
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page, Tombstone
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.writing import Guard, Remembered, key_text

LOOSE = Guard(max_deletes=None, max_rejected=None)


class Source:
    """Pages a test sets; each run reads them all, or those of a delta."""

    key = "id"
    tombstones = True

    def __init__(self, *pages: list[Any], complete: bool | None = True) -> None:
        self.pages_now, self.complete = list(pages), complete
        self.evidence = Evidence()

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.evidence = Evidence(reasons=("under way",))
        for number, records in enumerate(self.pages_now):
            yield Page(records, Checkpoint(resource="s", watermark=number))
        self.evidence = Evidence(complete=self.complete)


class Sink:
    key: Any = "id"
    repeatable = True

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.log: list[tuple[str, Any]] = []
        self.answer: Any = None

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes = []
        for change in changes:
            self.log.append((change.kind, change.key))
            if change.kind == "delete":
                if self.answer is not None:
                    outcomes.append(self.answer(change.key))
                    continue
                self.rows.pop(change.key, None)
            else:
                self.rows[change.key] = change.whole or change.record
            outcomes.append(Outcome.applied(change.key))
        return outcomes


def rows(*ids: Any) -> list[dict[str, Any]]:
    return [{"id": id, "v": 1} for id in ids]


def renamed(record: Any) -> Any:
    return {"id": f"S-{record['id']}", "v": record["v"]}


class Bench:
    """A source, a sink and a store that outlive syncs."""

    def __init__(self, **options: Any) -> None:
        self.source, self.sink, self.store, self.options = Source(), Sink(), MemoryStore(), {"guard": LOOSE, **options}

    def sync(self, **options: Any) -> Sync:
        return Sync("s", source=self.source, sink=self.sink, store=self.store, progress=False, **{**self.options, **options})

    async def run(self, *pages: list[Any], **options: Any) -> Any:
        self.source.pages_now = list(pages)
        return await self.sync(**options).arun()

    @property
    def staged(self) -> int:
        return Remembered(self.store, "s", "record").count_staged()


@pytest.mark.parametrize("mapping", [None, renamed])
def test_a_tombstone_deletes_what_this_sync_wrote(mapping: Any, world: Any) -> None:
    async def main() -> None:
        bench = Bench(mapping=mapping)
        await bench.run(rows(1, 2, 3))
        report = await bench.run([Tombstone(2), Tombstone(99)], rows(3))
        assert (report.deleted, report.read, report.unchanged, report.notes) == (1, 1, 1, ())
        assert len(bench.sink.rows) == 2
        assert bench.staged == 0
        # Told again, it is nothing.
        assert (await bench.run([Tombstone(2)])).deleted == 0
        # It comes back: written anew.
        assert (await bench.run(rows(2))).created == 1

    world(main)


@pytest.mark.parametrize("mapping", [None, renamed])
def test_the_plan_says_the_same_and_applied_it_does_the_same(mapping: Any, world: Any) -> None:
    async def main() -> None:
        bench, own = Bench(mapping=mapping), (lambda number: number if mapping is None else f"S-{number}")
        bench.source.pages_now = [rows(1, 2, 3)]
        await (await bench.sync().aplan()).aapply()
        bench.source.pages_now = [[Tombstone(2), Tombstone(1), Tombstone(8)], rows(1), [{"id": 7, "v": 1}], [Tombstone(7)]]
        log = len(bench.sink.log)
        plan = await bench.sync().aplan()
        assert [(change.kind, change.key) for change in plan] == [("delete", own(2))]
        assert (len(bench.sink.log), bench.staged) == (log, 0)
        assert (await plan.aapply()).deleted == 1
        assert sorted(bench.sink.rows) == [own(1), own(3)]

    world(main)


def test_a_record_that_comes_later_is_alive_and_one_before_is_not(world: Any) -> None:
    async def main() -> None:
        for pages in ([[Tombstone(1)], rows(1)], [[Tombstone(1), *rows(1)]]):
            bench = Bench()
            await bench.run(rows(1, 2))
            assert (await bench.run(*pages)).deleted == 0
            assert bench.staged == 0
            bench = Bench()
            await bench.run(rows(1, 2))
            assert (await bench.run(*reversed([list(reversed(page)) for page in pages]))).deleted == 1
        # Written and deleted by the same read.
        bench = Bench(mapping=renamed)
        report = await bench.run([*rows(5), Tombstone(5)])
        assert (report.created, report.deleted, bench.sink.rows) == (1, 1, {})

    world(main)


def test_a_record_that_cannot_be_mapped_is_alive_all_the_same(world: Any) -> None:
    def broken(record: Any) -> Any:
        if record["v"] == 2:
            raise ValueError("no")
        return renamed(record)

    async def main() -> None:
        bench = Bench(mapping=broken)
        await bench.run(rows(1, 2))
        report = await bench.run([Tombstone(1)], [{"id": 1, "v": 2}])
        assert (report.deleted, report.rejected) == (0, 1)

    world(main)


def test_nothing_is_deleted_before_the_read_is_over_or_when_it_is_not_whole(world: Any) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.run(rows(1, 2))
        bench.source.complete = False
        with pytest.raises(IncompleteRead):
            await bench.run([Tombstone(1)], rows(3))
        assert sorted(bench.sink.rows) == [1, 2, 3]
        bench.source.complete = None
        # What was told is kept: an explicit word needs no proof that everything else was read.
        assert (await bench.run()).deleted == 1
        assert sorted(bench.sink.rows) == [2, 3]

    world(main)


def test_the_guard_is_asked_first_and_nothing_told_is_lost(world: Any) -> None:
    async def main() -> None:
        bench = Bench(guard=Guard(max_deletes=1))
        await bench.run(rows(1, 2, 3))
        with pytest.raises(GuardTripped, match="2 of 3 records would be deleted"):
            await bench.run([Tombstone(1), Tombstone(2)])
        bench.source.pages_now = []
        with pytest.raises(GuardTripped):
            await bench.sync().aplan()
        assert len(bench.sink.rows) == 3
        bench.source.pages_now = [[Tombstone(1)]]
        plan = await bench.sync(guard=LOOSE).aplan()
        assert plan.deletes == 2
        # 2 is there after all.
        assert (await bench.run(rows(2))).deleted == 1
        assert sorted(bench.sink.rows) == [2, 3]

    world(main)


@pytest.mark.parametrize("answer", [Outcome.failed, Outcome.unknown, Outcome.rejected, "raise"])
def test_a_delete_that_does_not_succeed_is_not_forgotten(answer: Any, world: Any) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.run(rows(1, 2))

        def said(key: Any) -> Outcome:
            if answer == "raise":
                raise OSError("no answer")
            outcome: Outcome = answer(key, "no")
            return outcome

        bench.sink.answer = said
        if answer == "raise":
            with pytest.raises(WriteError):
                await bench.run([Tombstone(1)])
        else:
            await bench.run([Tombstone(1)])
        bench.sink.answer = None
        if answer == Outcome.rejected:
            assert [letter.stage for letter in bench.sync().dead_letters] == ["delete"]
        else:
            await bench.run()
            assert sorted(bench.sink.rows) == [2]
        assert bench.staged == 0

    world(main)


def test_append_leaves_tombstones_alone_and_a_mirror_needs_none(world: Any) -> None:
    async def main() -> None:
        bench = Bench(mode="append")
        await bench.run(rows(1))
        report = await bench.run([Tombstone(1)])
        assert report.notes == ("1 tombstones were left alone: append never deletes",)
        assert (await bench.sync().aplan()).notes == ("1 tombstones are left alone: append never deletes",)
        bench = Bench(mode="mirror")
        await bench.run(rows(1, 2))
        report = await bench.run([Tombstone(7), *rows(1)])
        assert (report.deleted, report.notes) == (1, ())

    world(main)


def test_a_sink_that_cannot_delete_is_told_about(world: Any) -> None:
    async def main() -> None:
        bench = Bench()
        bench.sink.deletes = False  # type: ignore[attr-defined]
        await bench.run(rows(1, 2))
        assert (await bench.run([Tombstone(1)])).notes == ("1 records are gone from the source, and Sink cannot delete",)
        assert (await bench.sync().aplan()).notes == ("1 records are gone from the source, and the sink cannot delete",)
        assert len(bench.sink.rows) == 2

    world(main)


# ---------------------------------------------------------------------- which record it is


def test_the_users_own_function_tells(world: Any) -> None:
    def own(tombstone: Tombstone) -> Any:
        if tombstone.key == 3:
            raise ValueError("three")
        return None if tombstone.key == 2 else f"S-{tombstone.key}"

    async def main() -> None:
        bench = Bench(mapping=renamed, tombstone_key=own)
        bench.source.tombstones = False
        await bench.run(rows(1, 2, 3))
        report = await bench.run([Tombstone(1), Tombstone(2), Tombstone(3)])
        assert sorted(bench.sink.rows) == ["S-2", "S-3"]
        assert report.notes == ("1 tombstones could not be matched with a record, which stays: tombstone_key failed with ValueError: three",)

    world(main)


def test_what_cannot_be_told_is_not_guessed(world: Any) -> None:
    async def main() -> None:
        bench = Bench(mapping=lambda record: {"id": record["id"] + 1})
        bench.source.tombstones = False
        await bench.run([{"id": 1}, {"id": 2}])
        # There is a record 2 on the other side, and it is another one.
        report = await bench.run([Tombstone(2)])
        assert report.deleted == 0
        assert "give Sync(tombstone_key=…)" in report.notes[0]
        bench.source.pages_now = [[Tombstone(2)]]
        assert "give Sync(tombstone_key=…)" in (await bench.sync().aplan()).notes[0]

    world(main)


@pytest.mark.parametrize("mapping", [None, renamed])
@pytest.mark.parametrize(("written", "told"), [(42, "42"), ("42", 42)])
def test_keys_of_different_types_never_match_silently(mapping: Any, written: Any, told: Any, world: Any) -> None:
    async def main() -> None:
        bench = Bench(mapping=mapping)
        await bench.run(rows(written))
        report = await bench.run([Tombstone(told)])
        assert report.deleted == 0
        assert f"the tombstone names {told!r}, and the record's key is {written!r}" in report.notes[0]

    world(main)


def test_composite_keys(world: Any) -> None:
    async def main() -> None:
        bench = Bench(key=("shop", "id"))
        bench.source.key = ("shop", "id")  # type: ignore[assignment]
        bench.sink.key = ("shop", "id")
        await bench.run([{"shop": "a", "id": 1}, {"shop": "b", "id": 1}])
        assert (await bench.run([Tombstone(["a", 1]), Tombstone(("c", 1))])).deleted == 1
        assert list(bench.sink.rows) == [("b", 1)]

    world(main)


def test_the_sources_keys_are_learned_from_records_that_did_not_change(world: Any) -> None:
    async def main() -> None:
        bench = Bench(mapping=renamed)
        bench.source.tombstones = False
        await bench.run(rows(1, 2))
        bench.source.tombstones = True
        await bench.run(rows(1, 2))
        assert (await bench.run([Tombstone(1)])).deleted == 1

    world(main)


def test_what_a_replay_writes_is_known_by_the_sources_key(world: Any) -> None:
    async def main() -> None:
        def broken(record: Any) -> Any:
            raise ValueError("no")

        bench = Bench(mapping=broken)
        await bench.run(rows(1))
        await bench.sync().dead_letters.areplay(mapping=renamed)
        assert list(bench.sink.rows) == ["S-1"]
        assert (await bench.run([Tombstone(1)], mapping=renamed)).deleted == 1

    world(main)


@pytest.mark.parametrize("wrong", [5, "id"])
def test_tombstone_key_is_a_plain_function(wrong: Any) -> None:
    async def asynchronous(tombstone: Tombstone) -> Any: ...

    for value in (wrong, asynchronous):
        with pytest.raises(ConfigurationError, match="takes a plain function of a Tombstone"):
            Sync("s", source=[], sink=Sink(), tombstone_key=value)


def test_a_record_in_doubt_is_left_until_it_is_settled(world: Any) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.run(rows(1, 2))
        bench.sink.repeatable = False
        bench.sink.answer = lambda key: Outcome.unknown(key, "?")
        assert (await bench.run([Tombstone(1)])).unknown == 1
        bench.source.pages_now = [[Tombstone(1), Tombstone(2)]]
        plan = await bench.sync().aplan()
        assert [change.key for change in plan] == [2]
        bench.sink.answer = None
        report = await bench.run([Tombstone(1), Tombstone(2)])
        assert report.deleted == 1
        assert bench.staged == 1
        await bench.sync().asettle(1, applied=False)
        await bench.run()
        assert bench.sink.rows == {}
        assert bench.staged == 0
        assert key_text(1) == "1"

    world(main)


@pytest.mark.parametrize("mapping", [None, renamed])
def test_what_a_plan_found_alive_again_stays_alive(mapping: Any, world: Any) -> None:
    async def main() -> None:
        bench = Bench(guard=Guard(max_deletes=0), mapping=mapping)
        await bench.run(rows(1, 2, 3))
        with pytest.raises(GuardTripped):
            await bench.run([*rows(5), Tombstone(5), Tombstone(1), Tombstone(2)])
        # 1 is there as it was, 5 with another value; 2 is gone indeed.
        bench.source.pages_now = [[*rows(1), {"id": 5, "v": 2}]]
        plan = await bench.sync(guard=LOOSE).aplan()
        assert plan.deletes == 1
        await plan.aapply()
        assert bench.staged == 0
        assert (await bench.run(guard=LOOSE)).deleted == 0
        assert len(bench.sink.rows) == 3

    world(main)


@pytest.mark.parametrize("planned", [False, True])
def test_a_tombstone_of_a_record_whose_first_write_is_in_doubt_is_not_forgotten(planned: bool, world: Any) -> None:
    async def main() -> None:
        bench = Bench()
        bench.sink.repeatable = False
        written = bench.sink.write
        bench.sink.write = lambda changes: [Outcome.unknown(outcome.key, "?") for outcome in written(changes)]  # type: ignore[method-assign]
        assert (await bench.run(rows(7))).unknown == 1
        bench.sink.write = written  # type: ignore[method-assign]
        if planned:
            bench.source.pages_now = [[Tombstone(7)]]
            await (await bench.sync().aplan()).aapply()
        else:
            await bench.run([Tombstone(7)])
        await bench.sync().asettle(7, applied=True)
        assert (await bench.run()).deleted == 1
        assert bench.sink.rows == {}

    world(main)


@pytest.mark.parametrize("mapping", [None, renamed])
def test_a_write_that_failed_is_not_tried_again_once_the_record_is_gone(mapping: Any, world: Any) -> None:
    async def main() -> None:
        bench = Bench(mapping=mapping)
        written = bench.sink.write
        bench.sink.write = lambda changes: [Outcome.failed(change.key, "busy") for change in changes]  # type: ignore[method-assign]
        report = await bench.run(rows(7), [Tombstone(7)])
        assert (report.failed, report.deleted) == (1, 0)
        bench.sink.write = written  # type: ignore[method-assign]
        await bench.run()
        await bench.run()
        assert bench.sink.rows == {}

    world(main)


@pytest.mark.parametrize("planned", [False, True])
def test_a_dead_letter_of_a_record_that_is_gone_is_not_replayed(planned: bool, world: Any) -> None:
    async def main() -> None:
        broken = True

        def mapping(record: Any) -> Any:
            if broken and record["id"] > 6:
                raise ValueError("not yet")
            return record

        bench = Bench(mapping=mapping)
        await bench.run(rows(1, 7, 8))
        assert len(list(bench.sync().dead_letters)) == 2
        bench.source.pages_now = [[Tombstone(7), Tombstone(8)], rows(8)]
        if planned:
            await (await bench.sync().aplan()).aapply()
        else:
            await bench.sync().arun()
        assert [letter.input["id"] for letter in bench.sync().dead_letters] == [8]
        broken = False
        await bench.sync().dead_letters.areplay()
        assert sorted(bench.sink.rows) == [1, 8]

    world(main)


def test_a_mapping_that_changed_does_not_hide_what_the_feed_was_asked_for_last(world: Any) -> None:
    async def main() -> None:
        asked: list[Any] = []

        class Fed(Source):
            def pages(self, since: Checkpoint | None) -> Iterator[Page]:
                asked.append(None if since is None else (since.watermark, since.deletes))
                for page in super().pages(since):
                    yield Page(page.records, Checkpoint(resource="s", watermark=5, token=None, deletes={"watermark": "2026-01-01", "ties": {}}))

        bench = Bench()
        bench.source = Fed()
        await bench.run(rows(1), mapping=renamed)
        await bench.run(rows(1))
        await bench.sync(mapping=renamed).aplan()
        assert asked == [None, (None, {"watermark": "2026-01-01", "ties": {}}), (None, {"watermark": "2026-01-01", "ties": {}})]

    world(main)


def test_tombstones_of_records_written_before_the_sources_keys_were_remembered_are_not_silent(world: Any) -> None:
    async def main() -> None:
        bench = Bench(mapping=renamed)
        bench.source.tombstones = False
        await bench.run(rows(1, 2))
        bench.source.tombstones = True
        report = await bench.run([Tombstone(1)])
        assert report.deleted == 0
        assert "2 records were written before the source's keys were remembered" in report.notes[0]
        await bench.run(rows(1, 2))
        assert (await bench.run([Tombstone(9)])).notes == ()

    world(main)
