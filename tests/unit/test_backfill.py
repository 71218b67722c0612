"""Backfills: each partition once, over any number of runs and processes; what is missing is known, and live syncs come first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from integrakit.connector import Connector, Resource
from integrakit.errors import CheckpointMismatch, ConfigurationError, IncompleteRead, LeaseHeld, RateLimitExceeded, ReadError, ServerError, StoreError
from integrakit.http import HeaderLinkPaginator, RateLimit, SinglePagePaginator
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Evidence, Outcome, Page
from integrakit.protocols import Store
from integrakit.reading import Backfill, mapped
from integrakit.runtimes import runtime
from integrakit.state import MemoryStore, SqliteStore
from integrakit.sync import Sync
from integrakit.testing import Simulator, simulate

START, END = date(2026, 1, 1), date(2026, 7, 1)
ROWS = [{"id": number, "day": START + timedelta(days=number)} for number in range(181)]


class History:
    """Orders by day, in pages of ten, which can be resumed at a number. ``complete``: what a read says of itself, by its lower bound."""

    def __init__(self, complete: dict[Any, Any] | None = None) -> None:
        self.complete = complete or {}
        self.opened: list[tuple[Any, Any]] = []
        self.pages = 0
        self.fail: Any = lambda: None

    def between(self, low: Any, high: Any) -> Rereadable:
        self.opened.append((low, high))
        return _Month(self, low, high)


class _Month(Rereadable):
    def __init__(self, history: History, low: Any, high: Any) -> None:
        self.history, self.low, self.high = history, low, high

    def open_read(self, since: Checkpoint | None = None, /) -> Any:
        if since is not None:
            since.check("month", str(self.low))
        return _MonthReader(self, 0 if since is None else since.token)


class _MonthReader:
    def __init__(self, month: _Month, at: int) -> None:
        self._month, self._at = month, at
        self._rows = [row for row in ROWS if month.low <= row["day"] < month.high]
        self._over = False

    async def next_page(self) -> Page | None:
        await runtime().sleep(0.001)
        self._month.history.fail()
        if self._at >= len(self._rows):
            self._over = True
            if self.evidence.complete is False:
                raise IncompleteRead("a hole", evidence=self.evidence)
            return None
        self._month.history.pages += 1
        page = self._rows[self._at : self._at + 10]
        self._at += len(page)
        return Page(page, self.checkpoint)

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(resource="month", parameters=str(self._month.low), token=self._at)

    @property
    def evidence(self) -> Evidence:
        complete = self._month.history.complete.get(self._month.low, True) if self._over else None
        return Evidence(complete=complete, reasons=() if complete else ("not proved",))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Store]:
    opened: Any = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "ledger.db")
    yield opened
    opened.close()


def backfill(history: History, store: Any = None, **options: Any) -> Backfill:
    given: dict[str, Any] = {"start": START, "end": END, "step": "1 month", "store": store}
    return Backfill("orders", history.between, **(given | options))


# ---------------------------------------------------------------------- running


@pytest.mark.parametrize("workers", [1, 3])
def test_all_partitions_are_read_once(world: Any, store: Store, workers: int) -> None:
    history, found = History(), list[int]()

    async def main() -> None:
        job = backfill(history, store)
        assert await job.amissing() == [(START, END)]
        report = await job.arun(lambda records: found.extend(record["id"] for record in records), workers=workers)
        assert (report.done, report.records, report.pages, report.lost, report.missing) == (6, 181, 21, 0, ())
        assert sorted(found) == list(range(181))
        assert (await job.amissing(), await job.adone()) == ([], [(START, END)])
        status = await job.astatus()
        assert status.counts == {"done": 6, "running": 0, "failed": 0, "pending": 0}
        assert str(report) == "orders: 6 partitions done, 181 records in 21 pages; nothing is missing"
        again = await job.arun(found.extend)
        assert (again.done, len(history.opened)) == (0, 6)

    world(main)


def test_a_handler_may_be_async(world: Any) -> None:
    found: list[Any] = []

    async def handle(records: list[Any]) -> None:
        await runtime().sleep(0)
        found.extend(records)

    class Callable:
        async def __call__(self, records: list[Any]) -> None:
            found.extend(records)

    async def main() -> None:
        await backfill(History()).arun(handle)
        await backfill(History()).arun(Callable())

    world(main)
    assert len(found) == 362


def test_the_newest_first_where_asked() -> None:
    history = History()
    backfill(history, newest_first=True).run(lambda records: None)
    assert [low.month for low, _ in history.opened] == [6, 5, 4, 3, 2, 1]


def test_a_longer_range_and_another_step_add_what_is_missing(store: Store) -> None:
    backfill(History(), store, end=date(2026, 3, 1)).run(lambda records: None)
    history = History()
    job = backfill(history, store, start=date(2025, 12, 1), end=date(2026, 4, 15), step="10 days")
    assert job.missing() == [(date(2025, 12, 1), START), (date(2026, 3, 1), date(2026, 4, 15))]
    assert job.status().counts == {"done": 2, "running": 0, "failed": 0, "pending": 9}
    job.run(lambda records: None)
    assert history.opened[3:5] == [(date(2025, 12, 31), START), (date(2026, 3, 1), date(2026, 3, 11))]
    assert job.done() == [(date(2025, 12, 1), date(2026, 4, 15))]
    assert job.status().counts["done"] == 11


def test_what_is_forgotten_is_read_again(store: Store) -> None:
    history = History()
    job = backfill(history, store)
    job.run(lambda records: None)
    history.opened.clear()
    job.forget(date(2026, 2, 10), date(2026, 3, 10))
    assert job.missing() == [(date(2026, 2, 10), date(2026, 3, 10))]
    assert job.status().counts == {"done": 6, "running": 0, "failed": 0, "pending": 2}
    job.run(lambda records: None)
    assert history.opened == [(date(2026, 2, 10), date(2026, 3, 1)), (date(2026, 3, 1), date(2026, 3, 10))]
    assert job.status().counts == {"done": 8, "running": 0, "failed": 0, "pending": 0}
    with pytest.raises(ConfigurationError, match="kind of start and end"):
        job.forget(1, 2)


def test_partitions_may_be_given_and_may_be_numbers_or_times() -> None:
    asked: list[Any] = []

    def none(low: Any, high: Any) -> Any:
        asked.append((low, high))
        return History().between(date(1999, 1, 1), date(1999, 1, 2))

    Backfill("b", none, partitions=[(10, 20), (30, 40)]).run(lambda records: None)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    job = Backfill("b", none, start=start, end=start + timedelta(hours=3), step="2 hours")
    job.run(lambda records: None)
    assert asked == [(10, 20), (30, 40), (start, start + timedelta(hours=2)), (start + timedelta(hours=2), start + timedelta(hours=3))]
    assert job.done() == [(start, start + timedelta(hours=3))]


# ---------------------------------------------------------------------- what is not proved, and what breaks


def test_a_partition_with_a_hole_is_not_done_and_the_others_are(world: Any, store: Store) -> None:
    history = History({date(2026, 3, 1): False, date(2026, 4, 1): None})

    async def main() -> None:
        job = backfill(history, store)
        with pytest.raises(IncompleteRead, match="2 partitions failed, 4 are done: 2026-03-01 to 2026-04-01: INCOMPLETE") as caught:
            await job.arun(lambda records: None, workers=2)
        assert caught.value.evidence is not None
        assert caught.value.evidence.complete is False
        status = await job.astatus()
        assert status.counts == {"done": 4, "running": 0, "failed": 2, "pending": 0}
        assert "2026-03-01 to 2026-04-01: failed, 31 records in 4 pages (not proved)" in str(status)
        assert await job.amissing() == [(date(2026, 3, 1), date(2026, 5, 1))]
        history.complete.clear()
        assert (await job.arun(lambda records: None)).done == 2
        assert (await job.astatus())[2].runs == 2

    world(main)


def test_what_nothing_speaks_against_is_accepted_where_asked() -> None:
    history = History(dict.fromkeys((date(2026, month, 1) for month in range(1, 7)), None))
    assert backfill(history, accept_unproved=True).run(lambda records: None).done == 6


@pytest.mark.parametrize("workers", [1, 2])
def test_a_handler_that_breaks_ends_the_run_and_the_next_goes_on(world: Any, store: Store, workers: int) -> None:
    history = History()
    found: list[int] = []
    lock = threading.Lock()

    def handle(records: list[Any]) -> None:
        with lock:
            if len(found) >= 70 and not history.complete:
                raise ValueError("disk full")
            found.extend(record["id"] for record in records)

    async def main() -> None:
        job = backfill(history, store)
        with pytest.raises(ValueError, match="disk full"):
            await job.arun(handle, workers=workers)
        assert "ValueError: disk full" in str(await job.astatus())
        history.complete = {None: None}
        pages = history.pages
        await job.arun(handle)
        assert sorted(set(found)) == list(range(181))
        assert len(found) <= 181 + 10 * workers  # it goes on in the middle of a partition
        assert history.pages - pages <= 21 - 7 + workers
        assert (await job.amissing()) == []

    world(main)


def test_a_source_that_cannot_read_a_partition_fails_that_one_only() -> None:
    history = History()
    counted = iter(range(1000))

    def fail() -> None:
        if next(counted) == 6:
            raise ReadError("a page is gone")

    history.fail = fail
    job = backfill(history)
    with pytest.raises(IncompleteRead, match=r"1 partitions failed, 5 are done: .*a page is gone"):
        job.run(lambda records: None)
    assert len(job.missing()) == 1
    history.fail = lambda: (_ for _ in ()).throw(ServerError("down"))
    with pytest.raises(ServerError):
        job.run(lambda records: None)


def test_a_checkpoint_the_source_does_not_know_any_more_begins_the_partition_anew(store: Store) -> None:
    history = History()
    broken: list[Any] = []

    def handle(records: list[Any]) -> None:
        broken.append(records)
        if len(broken) == 3:
            raise ValueError

    with pytest.raises(ValueError):
        backfill(history, store).run(handle)
    found: list[Any] = []
    job = backfill(Moved(), store)
    job.run(found.extend)
    assert len(found) == 181


class Moved(History):
    """The same orders, whose checkpoints are of another resource now."""

    def between(self, low: Any, high: Any) -> Rereadable:
        class Other(_Month):
            def open_read(self, since: Checkpoint | None = None, /) -> Any:
                if since is not None:
                    since.check("moved", "")
                return super().open_read()

        return Other(self, low, high)


# ---------------------------------------------------------------------- several at once


def test_two_runs_share_one_ledger(store: Store) -> None:
    history, found, lock = History(), list[int](), threading.Lock()

    def handle(records: list[Any]) -> None:
        with lock:
            found.extend(record["id"] for record in records)

    reports: list[Any] = []
    jobs = [backfill(history, store) for _ in range(3)]
    threads = [threading.Thread(target=lambda job=job: reports.append(job.run(handle))) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(181))
    assert sum(report.done for report in reports) == 6
    assert jobs[0].missing() == []


def test_a_partition_whose_run_fell_silent_is_taken_over_and_the_late_one_is_refused() -> None:
    history, store = History(), MemoryStore()

    async def main() -> None:
        first = backfill(history, store, lease=60, end=date(2026, 2, 1)).open_read()
        assert await first.next_page() is not None
        assert await first.next_page() is not None
        second = backfill(history, store, lease=60, end=date(2026, 2, 1))
        assert (await second.arun(lambda records: None)).missing == ((START, date(2026, 2, 1)),)
        assert (await second.astatus()).counts["running"] == 1
        await runtime().sleep(61)
        found: list[Any] = []
        report = await second.arun(found.extend)
        assert (report.done, report.records) == (1, 31)
        assert len(found) == 21  # the first page was kept as dealt with
        assert await first.next_page() is None
        assert first.evidence.complete is None
        assert "taken over" in first.evidence.reasons[0]
        assert await second.amissing() == []

    simulate(main)


def test_a_run_that_lost_its_partition_says_so() -> None:
    store = MemoryStore()

    async def main() -> None:
        job = backfill(History(), store, lease=10, end=date(2026, 3, 1))

        async def handle(records: list[Any]) -> None:
            if not await runtime().blocking(lambda: len(job.status()[0].reasons)) and records[0]["id"] == 0 and not handled:
                handled.append(1)
                await runtime().sleep(11)
                await backfill(History(), store, lease=10, end=date(2026, 2, 1)).arun(lambda records: None)

        handled: list[int] = []
        report = await job.arun(handle)
        assert (report.lost, report.done, report.missing) == (1, 1, ())

    simulate(main)


# ---------------------------------------------------------------------- as a source


def test_it_is_a_source_that_a_sync_resumes(world: Any, store: Store) -> None:
    history, target = History(), dict[int, Any]()

    def write(records: list[Any]) -> None:
        target.update((record["id"], record) for record in records)

    async def main() -> None:
        job = backfill(history, store)
        report = await Sync("history", source=job, sink=write, key="id", store=store, progress=False).arun()
        assert (report.read, report.evidence.complete, len(target)) == (181, True, 181)
        assert await job.amissing() == []
        again = await Sync("history", source=job, sink=write, key="id", store=store, progress=False).arun()
        assert (again.read, again.evidence.complete) == (0, None)

    world(main)


def test_a_partition_is_done_once_its_last_page_is_dealt_with(world: Any) -> None:
    store = MemoryStore()

    async def main() -> None:
        job = backfill(History(), store)
        reader = job.open_read()
        for _ in range(4):
            page = await reader.next_page()
            assert page is not None
            assert page.checkpoint is not None
            assert page.checkpoint.token == {"low": "2026-01-01"}
        assert await job.adone() == []
        await reader.next_page()
        assert await job.adone() == [(START, date(2026, 2, 1))]
        assert reader.evidence.complete is None

    world(main)


def test_a_loop_that_is_left_gives_its_partition_back_to_the_next() -> None:
    job = backfill(History())
    for _ in job:
        break
    found = list(job)
    assert len(found) == 181
    assert job.missing() == []
    assert job.evidence.complete is True


def test_a_source_with_a_hole_ends_incomplete() -> None:
    history = History({date(2026, 3, 1): False, date(2026, 4, 1): None})
    job = backfill(history)
    read = job.read()
    with pytest.raises(IncompleteRead, match="the partition from 2026-03-01 to 2026-04-01 is INCOMPLETE"):
        list(read)
    assert list(read) == []
    assert len(job.missing()) == 1
    counted = iter(range(100))

    def fail() -> None:
        if next(counted) == 1:
            raise ReadError("a page is gone")

    history.fail = fail
    with pytest.raises(IncompleteRead, match="a page is gone"):
        list(job)


def test_what_others_are_reading_leaves_it_unproved() -> None:
    store = MemoryStore()
    other = backfill(History(), store).open_read()
    job = backfill(History(), store)
    assert job.evidence.reasons == ("nothing was read yet",)

    async def main() -> None:
        await other.next_page()
        assert len([record async for record in job]) == 150

    simulate(main)
    assert job.evidence.complete is None
    assert "other runs are still reading a part of it" in job.evidence.reasons


def test_a_foreign_checkpoint_is_refused() -> None:
    job = backfill(History())
    with pytest.raises(CheckpointMismatch):
        job.open_read(Checkpoint(resource="orders"))
    assert job.open_read(Checkpoint(resource="backfill:orders")).checkpoint is not None


# ---------------------------------------------------------------------- pauses, and quota


def test_it_pauses_while_told_to() -> None:
    async def main() -> None:
        world = runtime()
        begun = world.now()
        job = backfill(History(), pause_when=lambda: world.now() - begun < 1000, pause=60, lease=100)
        await job.arun(lambda records: None)
        assert 1000 <= world.now() - begun < 1100
        assert await job.amissing() == []

    simulate(main)


class Shop(Connector):
    orders = Resource("/orders", key="id", paginator=HeaderLinkPaginator())
    stock = Resource("/stock", key="id", paginator=SinglePagePaginator())


def test_a_live_sync_is_not_delayed_by_a_running_backfill() -> None:
    rows = [{"id": number, "year": 2000 + number // 50} for number in range(1000)]

    async def main() -> None:
        world = runtime()
        limit = RateLimit("60/hour", margin=0, reserve={"live": 30}, max_wait=30)
        with Simulator({"orders": rows, "stock": [{"id": 1}]}, page_size=10) as api:
            async with Shop(base_url=api.url, rate_limit=limit) as shop:
                live = shop.stock.reading(purpose="live")
                waits: list[float] = []
                found: list[Any] = []

                async def sync() -> None:
                    for _ in range(30):
                        await world.sleep(110)
                        asked = world.now()
                        assert len([record async for record in live]) == 1
                        waits.append(world.now() - asked)

                job = Backfill("orders", lambda low, high: shop.orders.where(year=low), start=2000, end=2020, step=1)
                reports = await world.gather([lambda: job.arun(found.extend), sync], 2)
                assert max(waits) < 1
                assert len(found) == 1000
                assert reports[0].done == 20
                assert world.now() > 2 * 3600  # and it waited for quota, hours, instead of failing

    simulate(main)


def test_a_wait_for_quota_that_is_too_long_ends_the_run() -> None:
    async def main() -> None:
        limit = RateLimit("3/day", margin=0)
        with Simulator({"orders": [{"id": number} for number in range(100)]}, page_size=10) as api:
            async with Shop(base_url=api.url, rate_limit=limit) as shop:
                job = Backfill("orders", lambda low, high: shop.orders, start=0, end=1, step=1, wait=600)
                with pytest.raises(RateLimitExceeded):
                    await job.arun(lambda records: None)
                assert job.status().counts["failed"] == 1

    simulate(main)


def test_other_purposes_are_for_the_asking() -> None:
    class Told:
        purposes: list[Any] = []  # noqa: RUF012 - of one test

        def reading(self, **options: Any) -> Any:
            self.purposes.append(options["purpose"])
            return History().between(START, END)

        def pages(self, since: Any) -> Any:
            self.purposes.append(None)
            return iter(())

    Backfill("b", lambda low, high: Told(), start=0, end=1, step=1, purpose="history").run(lambda records: None)
    Backfill("b", lambda low, high: Told(), start=0, end=1, step=1, purpose=None, accept_unproved=True).run(lambda records: None)
    assert Told.purposes == ["history", None]


# ---------------------------------------------------------------------- mistakes, and a store that fails


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": ""}, "name that stays"),
        ({"source_for": 3}, "function of two bounds"),
        ({"newest_first": 1}, "newest_first"),
        ({"accept_unproved": None}, "accept_unproved"),
        ({"pause": 0}, "pause"),
        ({"wait": -1}, "wait"),
        ({"lease": True}, "lease"),
        ({"pause_when": 3}, "pause_when"),
        ({"purpose": ""}, "purpose"),
        ({"step": "often"}, "1 month"),
        ({"store": 5}, "a store is"),
    ],
)
def test_wrong_arguments_are_said(options: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"name": "b", "source_for": lambda low, high: [], "start": START, "end": END, "step": "1 month"}
    with pytest.raises(ConfigurationError, match=words):
        Backfill(**(given | options))


def test_wrong_arguments_of_a_run_are_said() -> None:
    job = backfill(History())
    with pytest.raises(ConfigurationError, match="function of a list of records"):
        job.run(3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="workers"):
        job.run(print, workers=0)
    assert repr(job) == "<Backfill 'orders', 6 partitions>"


def test_a_ledger_of_another_kind_is_refused() -> None:
    store = MemoryStore()
    backfill(History(), store).run(lambda records: None)
    with pytest.raises(ConfigurationError, match="has a ledger of dates, and its bounds are numbers now"):
        backfill(History(), store, start=0, end=10, step=1).missing()


class Crowded(MemoryStore):
    """Somebody else is always faster."""

    def get(self, space: str, key: str) -> Any:
        entry = super().get(space, key)
        if space == "backfills" and self.crowded:
            from integrakit.protocols import Put

            value = {"kind": "date", "done": [], "running": []} if entry is None else entry.value
            super().commit([Put(space, key, value)])
        return entry

    crowded = False


def test_races_that_are_lost_for_ever_are_said() -> None:
    store = Crowded()
    job = backfill(History(), store)
    reader = job.open_read()

    async def main() -> None:
        for _ in range(4):
            await reader.next_page()
        store.crowded = True
        with pytest.raises(StoreError, match="other runs were faster"):
            await reader.next_page()
        with pytest.raises(StoreError, match="other runs were faster"):
            await backfill(History(), store).arun(lambda records: None)
        with pytest.raises(StoreError, match="other runs wrote its ledger"):
            await job.aforget(START, END)

    simulate(main)


def test_a_store_that_fails_while_a_run_gives_up_is_noted() -> None:
    store = MemoryStore()
    job = backfill(History(), store)

    def handle(records: list[Any]) -> None:
        store.close()
        raise ValueError("disk full")

    with pytest.raises(ValueError, match="disk full") as caught:
        job.run(handle)
    assert not caught.value.__notes__ or "could not be given back" in caught.value.__notes__[0]
    assert LeaseHeld is not None


# ---------------------------------------------------------------------- what must not mark anything as done


def test_a_plan_and_a_sweep_do_not_use_up_the_ledger(world: Any, store: Store) -> None:
    async def main() -> None:
        job = backfill(History(), store)
        for source in (job, mapped(job, dict)):
            sync = Sync("history", source=source, sink=_Kept(), key="id", store=store, progress=False)
            for attempt in (sync.aplan, sync.asweep, sync.aplan_sweep):
                with pytest.raises(ConfigurationError, match="marks what was read"):
                    await attempt()
        with pytest.raises(ConfigurationError, match="marks what was read"):
            await Sync("other", source=[], sink=_Kept(), key="id", store=store, progress=False).asweep(job)
        assert await job.amissing() == [(START, END)]

    world(main)


class _Kept:
    key = "id"
    repeatable = True

    def write(self, changes: Any) -> list[Outcome]:
        return [Outcome.applied(change.key) for change in changes]


def test_a_mapping_that_changed_does_not_claim_that_a_backfill_was_read_again(store: Store) -> None:
    for mapping in (None, dict):
        report = Sync("history", source=backfill(History(), store), mapping=mapping, sink=_Kept(), key="id", store=store, progress=False).run()
    assert report.read == 0
    assert any("is not read again" in note and "forget" in note for note in report.notes)
    assert not any("everything was read again" in note for note in report.notes)


def test_a_ledger_of_times_without_a_zone_is_none_of_times_with_one() -> None:
    store, day = MemoryStore(), datetime(2026, 1, 1)
    span = {"store": store, "step": "1 day", "accept_unproved": True}
    Backfill("x", lambda low, high: [1], start=day, end=day + timedelta(days=2), **span).run(lambda _: None)
    aware = day.replace(tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(ConfigurationError, match="give it another name"):
        Backfill("x", lambda low, high: [1], start=aware, end=aware + timedelta(days=2), **span).run(lambda _: None)


def test_bounds_that_are_coarser_claim_no_part_of_a_second() -> None:
    store, begin, asked = MemoryStore(), datetime(2026, 1, 1, tzinfo=UTC), list[Any]()

    def source(low: Any, high: Any) -> Any:
        asked.append((low, high))
        return [1]

    half = begin + timedelta(milliseconds=500)
    span = {"store": store, "step": "1 minute", "accept_unproved": True, "end": begin + timedelta(minutes=1)}
    Backfill("x", source, start=half, **span).run(lambda _: None)
    Backfill("x", source, start=begin, **span).run(lambda _: None)
    assert asked == [(half, begin + timedelta(minutes=1)), (begin, begin + timedelta(seconds=1))]
