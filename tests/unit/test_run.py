"""One run, from the settling of what is open to the deletes at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from attrs import evolve

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import (
    CheckpointMismatch,
    GuardTripped,
    IncompleteRead,
    IncompleteReadWarning,
    LeaseHeld,
    NotFound,
    PaginationStalled,
    ReadError,
    ServerError,
    WriteError,
)
from integrakit.http import HeaderLinkPaginator, SinglePagePaginator
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page, Request, Response
from integrakit.protocols import Put
from integrakit.state import MemoryStore, acquire_lease
from integrakit.sync import Sync
from integrakit.testing import Simulator
from integrakit.writing import Guard, Intents, Remembered


class Sink:
    key: Any = "id"
    takes_keys = True

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}
        self.sent: list[Change] = []
        self.answers: dict[Any, Any] = {}

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [self.one(change) for change in changes]

    def one(self, change: Change) -> Outcome:
        self.sent.append(change)
        answer = self.answers.get(change.key)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer(change.key)
        if change.kind == "delete":
            self.rows.pop(change.key, None)
        else:
            self.rows.setdefault(change.key, {}).update(change.record or {})
        return Outcome.applied(change.key)

    @property
    def kinds(self) -> list[tuple[str, Any]]:
        return [(change.kind, change.key) for change in self.sent]


class Pages:
    """A source that gives these pages, and raises what stands among them."""

    key = "id"

    def __init__(self, *pages: Any, complete: bool | None = True, resource: str = "p", warned: bool = False) -> None:
        self.warned = warned
        self.given, self.complete, self.asked, self.resource = pages, complete, [], resource
        self.asked: list[Checkpoint | None] = []
        self.evidence = Evidence()

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.asked.append(since)
        self.evidence = Evidence()
        start = since.token["n"] if since is not None and since.token else 0
        watermark = since.watermark if since is not None else None
        for number, page in enumerate(self.given[start:], start):
            if isinstance(page, BaseException):
                raise page
            yield Page(page, Checkpoint(resource=self.resource, token={"n": number + 1}, watermark=watermark))
        self.evidence = Evidence(complete=self.complete, reasons=("said so",), ended_by="protocol", declared_total=7, warned=self.warned)


def rows(*keys: Any, v: Any = 1) -> list[dict[str, Any]]:
    return [{"id": key, "v": v} for key in keys]


def test_unchanged_records_cost_no_request(world: Any) -> None:
    sink, store, source = Sink(), MemoryStore(), rows(1, 2, 3)
    sync = Sync("s", source=source, sink=sink, store=store)
    report = world(sync.arun)
    assert (report.read, report.written, report.created, report.unchanged) == (3, 3, 3, 0)
    report = world(sync.arun)
    assert (report.written, report.unchanged, len(sink.sent)) == (0, 3, 3)
    source[1] = {"id": 2, "v": 5}
    report = world(sync.arun)
    assert (report.written, report.updated, report.unchanged) == (1, 1, 2)
    assert sink.sent[-1].record == {"v": 5}


def test_a_source_that_raises_in_the_middle_is_kept_so_far_and_resumed(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    broken = OSError("the network is gone")
    with pytest.raises(OSError, match="the network is gone"):
        world(Sync("s", source=Pages(rows(1), rows(2), broken), sink=sink, store=store).arun)
    assert sorted(sink.rows) == [1, 2]
    assert store.get("leases", "sync:s") is None
    whole = Pages(rows(1), rows(2), rows(3))
    report = world(Sync("s", source=whole, sink=sink, store=store).arun)
    assert whole.asked[0].token == {"n": 2}
    assert (report.read, report.written) == (1, 1)


def test_a_list_that_raises_in_the_middle_is_read_again(world: Any) -> None:
    def records(until: int) -> Iterator[dict[str, Any]]:
        for number in range(1200):
            if number == until:
                raise RuntimeError("the file is cut")
            yield {"id": number}

    class Records:
        def __init__(self, until: int) -> None:
            self.until = until

        def __iter__(self) -> Iterator[dict[str, Any]]:
            return records(self.until)

    sink, store = Sink(), MemoryStore()
    with pytest.raises(RuntimeError):
        world(Sync("s", source=Records(700), sink=sink, store=store).arun)
    assert len(sink.rows) == 500
    report = world(Sync("s", source=Records(-1), sink=sink, store=store).arun)
    assert (report.written, report.unchanged) == (700, 500)


def gone(status: int) -> Exception:
    request = Request(method="GET", url="https://x.test/page")
    return NotFound("gone", response=Response(httpx.Response(status), request))


class Forgetful(Pages):
    """The server knows its own page tokens no more."""

    problem: Exception = gone(404)

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        if since is not None and since.token:
            self.asked.append(since)
            raise self.problem
        yield from super().pages(since)


@pytest.mark.parametrize("problem", [gone(404), gone(410), gone(422), PaginationStalled("once more")])
def test_a_token_that_is_gone_falls_back_to_the_watermark(problem: Exception, world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    at = Checkpoint(resource="p", token={"n": 2}, watermark="2026-01-01", pages=2, records=9)
    store.commit([Put("checkpoints", "s", {"checkpoint": at.to_dict(), "mapping": "", "runs": 1})])
    source = Forgetful(rows(1), rows(2))
    source.problem = problem
    report = world(Sync("s", source=source, sink=sink, store=store).arun)
    assert [(since.token, since.watermark) for since in source.asked] == [({"n": 2}, "2026-01-01"), (None, "2026-01-01")]
    assert report.read == 2
    assert "began anew at the watermark" in str(report)


@pytest.mark.parametrize(("problem", "token"), [(gone(500), {"n": 2}), (gone(404), None)])
def test_other_errors_at_the_first_page_go_on(problem: Exception, token: Any) -> None:
    store = MemoryStore()
    store.commit([Put("checkpoints", "s", {"checkpoint": Checkpoint(resource="p", token=token).to_dict(), "mapping": "", "runs": 1})])
    source = Forgetful(problem) if token is None else Forgetful(rows(1))
    source.problem = problem
    with pytest.raises(NotFound):
        Sync("s", source=source, sink=Sink(), store=store).run()


def test_a_token_of_another_mapping_is_no_reason_to_skip_what_comes_before_the_watermark() -> None:
    store = MemoryStore()
    at = Checkpoint(resource="p", token={"n": 1}, watermark="w")
    store.commit([Put("checkpoints", "s", {"checkpoint": at.to_dict(), "mapping": "older", "runs": 1})])
    source = Pages(gone(404))
    with pytest.raises(NotFound):
        Sync("s", source=source, sink=Sink(), store=store).run()
    assert source.asked == [None]


def test_an_incomplete_read_keeps_what_was_written_and_moves_no_watermark(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    store.commit([Put("checkpoints", "s", {"checkpoint": Checkpoint(resource="p", watermark="w").to_dict(), "mapping": "", "runs": 1})])
    for source in (Pages(rows(1), rows(2), complete=False), Pages(rows(1), rows(3), IncompleteRead("short"))):
        sync = Sync("s", source=source, sink=sink, store=store)
        with pytest.raises(IncompleteRead):
            world(sync.arun)
        assert sync.checkpoint == Checkpoint(resource="p", watermark="w")
    assert sorted(sink.rows) == [1, 2, 3]


def test_an_incomplete_read_that_only_warns_ends_the_run_and_moves_no_watermark(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    store.commit([Put("checkpoints", "s", {"checkpoint": Checkpoint(resource="p", watermark="w").to_dict(), "mapping": "", "runs": 1})])
    source = Pages(rows(1), rows(2), complete=False, warned=True)
    for mode in ("upsert", "mirror"):
        sync = Sync("s", source=source, sink=sink, store=store, mode=mode)
        if mode == "mirror":
            store.commit([Put("checkpoints", "s", {"checkpoint": Checkpoint(resource="p", watermark="w").to_dict(), "mapping": "", "runs": 1})])
            source.given = (rows(1),)
        report = world(sync.arun)
        assert "the watermark stays where it was, and nothing is deleted" in str(report)
        assert report.deleted == 0
        assert sync.checkpoint == (None if mode == "mirror" else Checkpoint(resource="p", watermark="w"))
        assert sorted(sink.rows) == [1, 2]
        plan = world(sync.aplan)
        assert "the watermark stays where it was" in " ".join(plan.notes)


def test_a_read_of_a_resource_that_only_warns(world: Any) -> None:
    async def body() -> None:
        table = [{"id": number % 5, "n": number, "at": f"2026-01-0{number}"} for number in range(1, 8)]
        with Simulator({"orders": table}, keys={"orders": "n"}, page_size=3) as api:

            class Shop(Connector):
                orders = Resource(
                    "/orders", key="id", records="orders", paginator=HeaderLinkPaginator(), incomplete="warn", cursor="at", since_param="at_min"
                )

            async with Shop(base_url=api.url) as shop:
                sync = Sync("s", source=shop.orders, sink=Sink(), store=MemoryStore())
                with pytest.warns(IncompleteReadWarning, match="2 records came twice"):
                    report = await sync.arun()
                assert report.evidence.complete is False
                assert sync.checkpoint is None or sync.checkpoint.watermark is None
                assert "the watermark stays where it was" in str(report)

    world(body)


def test_what_a_resource_makes_of_a_lost_token_is_in_the_report_and_an_append_knows_its_records(world: Any) -> None:
    async def body() -> None:
        table = [{"id": number, "at": f"2026-01-0{number}"} for number in range(1, 8)]
        with Simulator({"orders": table}, page_size=3) as api:

            class Shop(Connector):
                orders = Resource("/orders", records="orders", paginator=HeaderLinkPaginator())

            class Breaks(Sink):
                key = None
                calls = 0
                broken = 2

                def write(self, changes: Sequence[Change]) -> list[Outcome]:
                    self.calls += 1
                    if self.calls == self.broken:
                        raise RuntimeError("killed")
                    self.sent += changes
                    return [Outcome.applied(change.key) for change in changes]

            async with Shop(base_url=api.url) as shop:
                store, sink = MemoryStore(), Breaks()
                with pytest.raises(WriteError):
                    await Sync("s", source=shop.orders, sink=sink, store=store, mode="append").arun()
                sync = Sync("s", source=shop.orders, sink=sink, store=store, mode="append")
                at = sync.checkpoint
                assert at is not None
                assert at.token is not None
                lost = evolve(at, token={**at.token, "url": at.token["url"].partition("?")[0] + "?cursor=nonsense"})
                kept = store.get("checkpoints", "s")
                assert kept is not None
                store.commit([Put("checkpoints", "s", {**kept.value, "checkpoint": lost.to_dict()})])
                report = await sync.arun()
                assert "the read began anew at the beginning" in str(report)
                # Killed in the second page: which of it went out is not known. The first one is not sent again.
                sent = [change.record["id"] for change in sink.sent if change.record is not None]
                assert len(sent) == len(set(sent))

    world(body)


def test_an_incomplete_read_of_a_resource(world: Any) -> None:
    """A record moved while rows were counted off: it came twice, so another one may be missing."""

    async def body() -> None:
        table = [{"id": number % 5, "n": number} for number in range(1, 8)]
        with Simulator({"orders": table}, keys={"orders": "n"}, page_size=3) as api:

            class Shop(Connector):
                orders = Resource("/orders", key="id", records="orders", paginator=HeaderLinkPaginator())

            store, sink = MemoryStore(), Sink()
            async with Shop(base_url=api.url) as shop:
                sync = Sync("s", source=shop.orders, sink=sink, store=store)
                with pytest.raises(IncompleteRead, match="came twice"):
                    await sync.arun()
                assert len(sink.rows) == 5
                assert sync.checkpoint is None

    world(body)


def test_a_mapping_whose_version_changed_reads_everything_again(world: Any) -> None:
    class Mapping:
        def __init__(self, version: str, v: int) -> None:
            self.version, self.v = version, v

        def __call__(self, record: Any) -> Any:
            return {**record, "v": self.v}

    sink, store = Sink(), MemoryStore()
    first = Pages(rows(1), rows(2))
    world(Sync("s", source=first, sink=sink, store=store, mapping=Mapping("1", 1)).arun)
    world(Sync("s", source=first, sink=sink, store=store, mapping=Mapping("1", 1)).arun)
    assert first.asked[1].token == {"n": 2}
    report = world(Sync("s", source=first, sink=sink, store=store, mapping=Mapping("2", 2)).arun)
    assert first.asked[2] is None
    assert (report.read, report.updated) == (2, 2)
    assert "the mapping has changed" in str(report)


def test_the_same_key_across_pages(world: Any) -> None:
    sink = Sink()
    source = [*rows(*range(500), v=1), *rows(3, v=2), *rows(4, v=1)]
    report = world(Sync("s", source=source, sink=sink).arun)
    assert (report.read, report.created, report.updated, report.unchanged) == (502, 500, 1, 1)
    assert sink.rows[3] == {"id": 3, "v": 2}


@pytest.mark.parametrize("first", [Outcome.failed, Outcome.unknown])
def test_a_later_version_in_the_same_run_waits_for_what_became_of_the_first(first: Any, world: Any) -> None:
    sink = Sink()
    sink.answers[3] = [lambda key: first(key, "?")]
    report = world(Sync("s", source=[*rows(*range(500), v=1), *rows(3, v=2)], sink=sink).arun)
    third = [change for change in sink.sent if change.key == 3]
    assert [(change.kind, (change.record or {})["v"]) for change in third] == [("upsert", 1), ("upsert", 1), ("update", 2)]
    assert third[0].idempotency_key == third[1].idempotency_key != third[2].idempotency_key
    assert sink.rows[3] == {"id": 3, "v": 2}
    assert report.unknown == 0


def test_a_plain_callable_told_unknown_is_not_sent_a_later_version(world: Any) -> None:
    got: list[Any] = []

    def push(records: list[dict[str, Any]]) -> list[Outcome]:
        got.extend(records)
        return [Outcome.unknown(record["id"], "cut off") if record["id"] == 3 else Outcome.applied(record["id"]) for record in records]

    store = MemoryStore()
    sync = Sync("s", source=[*rows(*range(500), v=1), *rows(3, v=2)], sink=push, key="id", store=store)
    report = world(sync.arun)
    assert [record for record in got if record["id"] == 3] == rows(3, v=1)
    assert report.unknown == 1
    assert [intent.change.key for intent in sync.unknown] == [3], "listed at once"
    (letter,) = sync.dead_letters
    assert (letter.stage, letter.input) == ("held", {"id": 3, "v": 2})
    # The source went back to what was sent: nothing waits any more.
    sync = Sync("s", source=rows(3, v=1), sink=push, key="id", store=store)
    world(sync.arun)
    assert list(sync.dead_letters) == []
    assert [intent.change.key for intent in sync.unknown] == [3]


def test_a_source_that_has_nothing_new_keeps_its_place(world: Any) -> None:
    store, source = MemoryStore(), Pages(rows(1), rows(2))
    for _ in range(3):
        world(Sync("s", source=source, sink=Sink(), store=store).arun)
    assert [since and since.token for since in source.asked] == [None, {"n": 2}, {"n": 2}]
    world(Sync("s", source=source, sink=Sink(), store=store).plan().aapply)
    world(Sync("s", source=source, sink=Sink(), store=store).arun)


def test_a_failing_record_never_stops_the_others_and_tries_again(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.answers = {
        2: [lambda key: Outcome.failed(key, "busy")],
        3: lambda key: Outcome.rejected(key, "closed period", request_id="r-3"),
        4: [lambda key: Outcome.unknown(key, "cut off")],
    }
    sync = Sync("s", source=rows(*range(10)), sink=sink, store=store)
    report = world(sync.arun)
    assert (report.written, report.failed, report.rejected, report.unknown) == (7, 1, 1, 1)
    (letter,) = sync.dead_letters
    assert (letter.key, letter.error, letter.request_id, letter.input) == (3, "closed period", "r-3", {"id": 3, "v": 1})
    report = world(sync.arun)
    assert (report.settled, report.written, report.rejected, report.unchanged) == (2, 2, 1, 9)
    assert len(list(sync.dead_letters)) == 1
    first, second = [change.idempotency_key for change in sink.sent if change.key == 3]
    assert first != second, "under the old key the server would repeat its old answer"
    del sink.answers[3]
    world(sync.arun)
    assert list(sync.dead_letters) == []


def test_a_dead_letter_that_becomes_well_disappears(world: Any) -> None:
    def mapping(record: dict[str, Any]) -> dict[str, Any] | None:
        if record["v"] == "out":
            return None
        return {"id": f"k{record['id']}", "v": int(record["v"])}

    sink, store = Sink(), MemoryStore()
    loose = Guard(max_rejected=None)

    def run(*records: dict[str, Any]) -> list[Any]:
        sync = Sync("s", source=Pages(list(records)), sink=sink, store=store, mapping=mapping, guard=loose)
        store.commit([Put("checkpoints", "s", {"checkpoint": None, "mapping": "", "runs": 1})])
        world(sync.arun)
        return [letter.input["id"] for letter in sync.dead_letters]

    bad = [{"id": 1, "v": "x"}, {"id": 2, "v": "y"}, {"id": 3, "v": "z"}]
    assert sorted(run(*bad)) == [1, 2, 3]
    assert sorted(run(*bad)) == [1, 2, 3]
    assert sorted(run({"id": 1, "v": "1"}, *bad[1:])) == [2, 3]
    # Unchanged in the sink's eyes: it was written before it went wrong.
    assert sorted(run({"id": 1, "v": "x"}, *bad[1:])) == [1, 2, 3]
    assert sorted(run({"id": 1, "v": "1"}, *bad[1:])) == [2, 3]
    assert run({"id": 2, "v": "out"}, bad[2]) == [3]


def test_a_bad_record_that_is_well_on_a_later_page_of_the_same_run(world: Any) -> None:
    def mapping(record: dict[str, Any]) -> dict[str, Any]:
        return {"id": record["id"], "v": int(record["v"])}

    sync = Sync("s", source=Pages(rows(1, v="x"), rows(1, v="1")), sink=Sink(), mapping=mapping, guard=Guard(max_rejected=None))
    report = world(sync.arun)
    assert (report.rejected, report.written) == (1, 1)
    assert list(sync.dead_letters) == []


# ---------------------------------------------------------------- mirrors


def mirror(source: Any, sink: Sink, store: Any, **options: Any) -> Sync:
    return Sync("s", source=source, sink=sink, store=store, mode="mirror", **{"guard": Guard(max_deletes=None), **options})


def test_deletes_come_last_and_only_what_this_sync_wrote(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.rows["foreign"] = {"id": "foreign"}
    world(mirror(Pages(rows(1, 2, 3)), sink, store).arun)
    report = world(mirror(Pages(rows(4), rows(2)), sink, store).arun)
    assert sink.kinds[3:] == [("upsert", 4), ("delete", 1), ("delete", 3)]
    assert (report.deleted, report.written) == (2, 1)
    assert sorted(map(str, sink.rows)) == ["2", "4", "foreign"]
    assert store.count_columns("seen:s") == 0


@pytest.mark.parametrize("complete", [None, False])
def test_nothing_is_deleted_without_proof(complete: bool | None, world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(mirror(Pages(rows(1, 2, 3)), sink, store).arun)
    sync = mirror(Pages(rows(2), complete=complete), sink, store)
    if complete is False:
        with pytest.raises(IncompleteRead):
            world(sync.arun)
    else:
        assert "nothing was deleted" in str(world(sync.arun))
    assert sorted(sink.rows) == [1, 2, 3]


def test_a_plain_list_proves_nothing() -> None:
    sink, store = Sink(), MemoryStore()
    mirror(rows(1, 2), sink, store).run()
    report = mirror(rows(2), sink, store).run()
    assert (report.deleted, sorted(sink.rows)) == (0, [1, 2])


def test_nothing_is_deleted_where_a_record_could_not_be_mapped(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(mirror(Pages(rows(1, 2, 3)), sink, store).arun)
    report = world(mirror(Pages(rows(1), [{"no id": 2}]), sink, store, guard=Guard(max_rejected=None, max_deletes=None)).arun)
    assert report.deleted == 0
    assert "1 records could not be mapped" in str(report)


def test_what_the_mapping_leaves_out_is_gone(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(mirror(Pages(rows(1, 2)), sink, store).arun)
    report = world(mirror(Pages(rows(1, 2)), sink, store, mapping=lambda record: None if record["id"] == 1 else record).arun)
    assert (report.skipped, report.deleted) == (1, 1)


def test_an_empty_source_trips_the_guard_and_deletes_nothing(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(mirror(Pages(rows(*range(40))), sink, store).arun)
    with pytest.raises(GuardTripped, match="40 of 40 records would be deleted"):
        world(mirror(Pages(), sink, store, guard=Guard()).arun)
    assert len(sink.rows) == 40
    assert world(mirror(Pages(rows(*range(38))), sink, store, guard=Guard()).arun).deleted == 2
    with pytest.raises(GuardTripped):
        world(mirror(Pages(rows(*range(30))), sink, store, guard=Guard(max_deletes=7)).arun)
    with pytest.raises(GuardTripped, match="max_changes"):
        world(mirror(Pages(rows(*range(30))), sink, store, guard=Guard(max_deletes=None, max_changes=7)).arun)
    assert len(sink.rows) == 38


def test_a_delete_that_is_rejected_is_a_letter_and_is_tried_again(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(mirror(Pages(rows(1, 2)), sink, store).arun)
    sink.answers[1] = lambda key: Outcome.rejected(key, "it has children")
    sync = mirror(Pages(rows(2)), sink, store)
    world(sync.arun)
    (letter,) = sync.dead_letters
    assert (letter.stage, letter.key, letter.input, letter.error) == ("delete", 1, None, "it has children")
    world(sync.arun)
    assert len(list(sync.dead_letters)) == 1
    sink.answers.clear()
    assert world(sync.arun).deleted == 1
    assert list(sync.dead_letters) == []


def test_many_deletes_go_in_pieces(world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    world(mirror(Pages(rows(*range(1300))), sink, store).arun)
    report = world(mirror(Pages(rows(*range(100))), sink, store).arun)
    assert (report.deleted, len(sink.rows), Remembered(store, "s", "record").count()) == (1200, 100, 100)


# ---------------------------------------------------------------- guards


def test_rejections_trip_before_more_harm_is_done(world: Any) -> None:
    sink = Sink()
    sync = Sync("s", source=[*[{"no id": number} for number in range(60)], *rows(*range(1000))], sink=sink)
    with pytest.raises(GuardTripped, match="60 of 500 records were rejected"):
        world(sync.arun)
    assert sink.sent == []
    assert len(list(sync.dead_letters)) == 60, "they say why"
    assert sync.checkpoint is None


def test_a_few_rejections_are_let_pass_until_the_end(world: Any) -> None:
    sync = Sync("s", source=[{"no id": 1}, {"no id": 2}, *rows(1, 2, 3)], sink=Sink(), guard=Guard(max_rejected="10%"))
    with pytest.raises(GuardTripped, match="2 of 5 records"):
        world(sync.arun)
    assert Sync("s", source=[{"no id": 1}, *rows(1, 2)], sink=Sink()).run().rejected == 1


def test_rejections_by_the_sink_count_too(world: Any) -> None:
    sink = Sink()
    sink.answers = dict.fromkeys(range(100), lambda key: Outcome.rejected(key, "no"))
    with pytest.raises(GuardTripped, match="100 of 500"):
        world(Sync("s", source=rows(*range(1000)), sink=sink).arun)
    assert len(sink.sent) == 500


def test_changes_by_count(world: Any) -> None:
    sink = Sink()
    with pytest.raises(GuardTripped, match="1000 changes or more"):
        world(Sync("s", source=rows(*range(1500)), sink=sink, guard=Guard(max_changes=700)).arun)
    assert len(sink.sent) == 500


# ---------------------------------------------------------------- leases


def test_a_second_run_is_refused(world: Any) -> None:
    store = MemoryStore()
    inner: list[Any] = []

    class Nosy(Sink):
        def one(self, change: Change) -> Outcome:
            with pytest.raises(LeaseHeld, match="another run is under way"):
                Sync("s", source=rows(1), sink=Sink(), store=store).run()
            inner.append(1)
            return super().one(change)

    assert world(Sync("s", source=rows(1), sink=Nosy(), store=store).arun).written == 1
    assert inner == [1]


def test_a_run_that_lost_its_lease_stops_without_keeping_its_step(world: Any) -> None:
    store = MemoryStore()

    class Slow(Sink):
        def one(self, change: Change) -> Outcome:
            if change.key == 2:
                # It slept for longer than its lease; another run has taken over.
                store.commit([Put("leases", "sync:s", {**store.get("leases", "sync:s").value, "holder": "the other"})])  # type: ignore[union-attr]
            return super().one(change)

    sink = Slow()
    sync = Sync("s", source=Pages(rows(1), rows(2), rows(3)), sink=sink, store=store)
    with pytest.raises(LeaseHeld, match="was taken over by another run"):
        world(sync.arun)
    assert sink.kinds == [("upsert", 1), ("upsert", 2)]
    assert [was.key for _, was in Remembered(store, "s", "record").all()] == [1]
    assert [intent.change.key for intent in Intents(store, "s").all()] == [2], "for the other run to settle"
    assert store.get("leases", "sync:s") is not None, "it is the other's"


def test_a_version_conflict_of_something_else_gives_the_lease_back() -> None:
    store = MemoryStore()

    class Own(Sink):
        def one(self, change: Change) -> Outcome:
            store.commit([Put("mine", "k", 1, expect=9)])
            raise AssertionError

    with pytest.raises(Exception, match="mine/k"):
        Sync("s", source=rows(1), sink=Own(), store=store).run()
    assert store.get("leases", "sync:s") is None
    acquire_lease(store, "sync:s").release()


# ---------------------------------------------------------------- sinks that misbehave


@pytest.mark.parametrize("answer", [KeyError("sdk"), lambda key: "garbage"])
def test_a_sink_that_raises_or_talks_nonsense_leaves_open_what_is_not_known(answer: Any, world: Any) -> None:
    sink, store = Sink(), MemoryStore()
    sink.answers[3] = [answer]
    sync = Sync("s", source=rows(1, 2, 3, 4), sink=sink, store=store, batch=2)
    with pytest.raises(WriteError):
        world(sync.arun)
    assert [intent.change.key for intent in Intents(store, "s").all()] == [3, 4]
    report = world(sync.arun)
    assert (report.settled, report.written, sorted(sink.rows)) == (2, 2, [1, 2, 3, 4])


def test_too_few_outcomes(world: Any) -> None:
    class Short(Sink):
        def write(self, changes: Sequence[Change]) -> list[Outcome]:
            return super().write(changes)[:1]

    with pytest.raises(WriteError, match="given 3 changes and told 1"):
        world(Sync("s", source=rows(1, 2, 3), sink=Short()).arun)


def test_errors_of_ours_pass_with_their_type(world: Any) -> None:
    sink = Sink()
    sink.answers[1] = ServerError("everything is down")
    with pytest.raises(ServerError):
        world(Sync("s", source=rows(1), sink=sink).arun)


# ---------------------------------------------------------------- other shapes


def test_every_kind_of_key(world: Any) -> None:
    keys = [42, "42", "é", "e\u0301", "日本", "a/b?c", "\ud800", " ", "0", 0, True + 1, 2**70, "x" * 3000]
    sink = Sink()
    sync = Sync("s", source=rows(*keys), sink=sink)
    assert world(sync.arun).written == len(keys)
    assert list(sink.rows) == keys
    assert world(sync.arun).unchanged == len(keys)


def test_composite_keys(world: Any) -> None:
    sink = Sink()
    sink.key = ("tenant", "id")
    source = [{"tenant": "a", "id": 1}, {"tenant": "b", "id": 1}, {"tenant": "a", "id": "1"}]
    sync = Sync("s", source=source, sink=sink)
    assert world(sync.arun).written == 3
    assert list(sink.rows) == [("a", 1), ("b", 1), ("a", "1")]
    assert world(sync.arun).unchanged == 3


def test_a_fingerprint_is_enough_to_know_what_changed(world: Any) -> None:
    sink, store, source = Sink(), MemoryStore(), rows(1, 2)
    sync = Sync("s", source=source, sink=sink, store=store, remember="fingerprint")
    world(sync.arun)
    source[0] = {"id": 1, "v": 9}
    report = world(sync.arun)
    assert (report.updated, report.unchanged) == (1, 1)
    assert sink.sent[-1].record == {"id": 1, "v": 9}


@pytest.mark.parametrize("workers", [2, 5])
def test_several_workers(workers: int, world: Any) -> None:
    sink = Sink()
    sink.answers[7] = lambda key: Outcome.rejected(key, "no")
    sync = Sync("s", source=rows(*range(103)), sink=sink, batch=10, workers=workers)
    report = world(sync.arun)
    assert (report.written, report.rejected, len(sink.rows)) == (102, 1, 102)
    assert world(sync.arun).unchanged == 102


def test_from_a_resource_to_a_resource(world: Any) -> None:
    async def body() -> None:
        orders = [{"id": number, "updated_at": f"2026-01-{number:02d}", "total": number * 10} for number in range(1, 8)]
        with Simulator({"orders": orders}, page_size=3) as shop_api, Simulator({"invoices": []}, idempotency="Idempotency-Key") as books_api:

            class Shop(Connector):
                orders = Resource("/orders", key="id", records="orders", cursor="updated_at", since_param="updated_at_min")

            class Books(Connector):
                invoices = Resource(
                    "/invoices",
                    key="id",
                    create=Endpoint("POST", "/invoices"),
                    update=Endpoint("PATCH", "/invoices/{key}"),
                    delete=Endpoint("DELETE", "/invoices/{key}"),
                )

            async with Shop(base_url=shop_api.url) as shop, Books(base_url=books_api.url) as books:
                sync = Sync(
                    "s",
                    source=shop.orders,
                    sink=books.invoices,
                    mapping=lambda order: {"external": order["id"], "total": order["total"]},
                    key="external",
                )
                report = await sync.arun()
                assert (report.written, report.evidence.complete) == (7, True)
                shop_api.put("orders", {"id": 7, "updated_at": "2026-02-01", "total": 1})
                report = await sync.arun()
                assert (report.read, report.written, report.updated) == (1, 1, 1)
                invoices = books_api.table("invoices")
                assert sorted((row["external"], row["total"]) for row in invoices) == [*[(n, n * 10) for n in range(1, 7)], (7, 1)]

    world(body)


def test_an_append_that_is_resumed_takes_no_other_record_for_one_it_wrote(world: Any) -> None:
    class Log:
        rows: list[Any] = [{"n": letter} for letter in "abcd"]  # noqa: RUF012
        broken = True

        def pages(self, since: Any) -> Any:
            yield Page(self.rows[:2])
            if self.broken:
                raise ReadError("gone away")
            yield Page(self.rows[2:])

    async def main() -> None:
        source, store, written = Log(), MemoryStore(), list[str]()

        def sync() -> Sync:
            return Sync("log", source=source, sink=lambda rows: written.extend(row["n"] for row in rows), store=store, mode="append", progress=False)

        with pytest.raises(ReadError):
            await sync().arun()
        source.broken = False
        await sync().arun()
        assert written == ["a", "b", "c", "d"]
        source.broken, written[:] = True, []
        with pytest.raises(ReadError):
            await sync().arun()
        source.broken, source.rows = False, [{"n": "new"}, *source.rows]
        await sync().arun()
        assert set(written) == {"new", "a", "b", "c", "d"}

    world(main)


def test_a_source_that_asks_for_something_else_now_is_said_to_be_another_sync() -> None:
    class Shop(Connector):
        paginator = SinglePagePaginator()
        orders = Resource("/orders", key="id", cursor="at", since_param="since")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"id": 1, "at": "2026-01-01"}])

    store = MemoryStore()
    with httpx.Client(transport=httpx.MockTransport(answer)) as http, Shop(base_url="https://shop.test", http=http) as shop:
        Sync("o", source=shop.orders, sink=lambda rows: None, key="id", store=store, progress=False).run()
        with pytest.raises(CheckpointMismatch) as failed:
            Sync("o", source=shop.orders.where(status="paid"), sink=lambda rows: None, key="id", store=store, progress=False).run()
    assert "a new name makes it a new sync" in failed.value.__notes__[0]
