"""Measuring how late rows become visible, in virtual time where it takes long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import attrs
import pytest

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, IncompleteRead
from integrakit.http import SinglePagePaginator
from integrakit.model import Checkpoint, Evidence, Page, Tombstone, Window
from integrakit.reading import Lag, Tombstones, ameasure_lag, clock_difference, measure_lag
from integrakit.reading.watermark_values import moment_of
from integrakit.runtimes import runtime
from integrakit.testing import simulate


class Table:
    """Rows as (key, cursor moment, visible from): what a source with a delay shows. ``way``: how it writes its cursor."""

    key: Any = "id"
    cursor: Any = "at"

    def __init__(self, rows: list[tuple[int, float, float]], way: Callable[[datetime], Any] = datetime.isoformat) -> None:
        self.rows, self.way = rows, way
        self.asked: list[Any] = []
        self.start = runtime().wall()
        self.fails = False

    def open_read(self, since: Checkpoint | None = None, /) -> Any:
        return _Reader(self, since)


class _Reader:
    evidence = Evidence(complete=True)

    def __init__(self, table: Table, since: Checkpoint | None) -> None:
        self.table, self.since, self.given = table, since, False

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(resource="t")

    async def next_page(self) -> Page | None:
        if self.given:
            if self.table.fails:
                raise IncompleteRead("something is missing")
            return None
        self.given = True
        table, now = self.table, (runtime().wall() - self.table.start).total_seconds()
        bound = None if self.since is None else moment_of(self.since.watermark)
        table.asked.append(None if self.since is None else self.since.watermark)
        records = []
        for key, stamped, visible in table.rows:
            at = table.start + timedelta(seconds=stamped)
            if visible <= now and (bound is None or at >= bound):
                records.append({"id": key, "at": table.way(at)})
        return Page(records)


def measured(rows: list[tuple[int, float, float]], **options: Any) -> tuple[Lag, Table]:
    async def main() -> tuple[Lag, Table]:
        table = Table(rows, options.pop("way", datetime.isoformat))
        table.fails = options.pop("fails", False)
        return await ameasure_lag(table, **options), table

    found: tuple[Lag, Table] = simulate(main)
    return found


LATE = [(0, -50, 0), (1, 10, 10), (2, 20, 50), (3, 30, 30), (4, 60, 60.0), (5, 5, 100)]


@pytest.mark.parametrize(
    "way",
    [
        datetime.isoformat,
        lambda moment: moment,
        lambda moment: moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        lambda moment: int(moment.timestamp()),
        lambda moment: int(moment.timestamp() * 1000),
        lambda moment: str(int(moment.timestamp() * 1_000_000)),
        lambda moment: int(moment.timestamp()) * 1_000_000_000,
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_how_late_rows_become_visible(way: Any, fails: bool) -> None:
    lag, table = measured(LATE, seconds=120, every=1, way=way, fails=fails)
    assert (lag.samples, lag.polls, lag.watched) == (5, 121, 120)
    assert lag.longest == pytest.approx(95, abs=1.1)
    assert lag.p99 == lag.longest
    assert lag.median == pytest.approx(0, abs=1.1)
    # 2 appeared when 30 had been seen, 5 when 60 had: a watermark would have lost both.
    assert (lag.out_of_order, lag.deepest) == (2, pytest.approx(55, abs=1.1))
    assert lag.window() == Window(overlap=lag.window().overlap, settle=0)
    assert 190 <= lag.window().overlap <= 194
    assert table.asked[0] is None
    assert type(table.asked[-1]) is type(way(table.start))
    text = str(lag)
    assert "5 new rows in 121 polls over 120 s: visible after" in text
    assert "2 appeared below the highest cursor seen before" in text
    assert "proposed: Window(overlap=" in text


def test_clocks_that_are_ahead_want_the_newest_to_settle() -> None:
    lag, _ = measured([(0, 0, 0), (1, 40, 20), (2, 41, 41)], seconds=60, every=1)
    assert lag.earliest == pytest.approx(-20, abs=1.1)
    assert 36 <= lag.window().settle <= 42


def test_rows_of_the_first_poll_tell_nothing() -> None:
    lag, _ = measured([(0, -500, 0), (1, -10, 0)], seconds=30, every=10)
    assert lag.samples == 0
    assert str(lag) == "0 new rows in 4 polls over 30 s: nothing is known"
    with pytest.raises(ConfigurationError, match="no row was new within 30 seconds"):
        lag.window()


def test_a_row_that_changes_is_new_each_time_and_a_null_is_passed_over() -> None:
    async def main() -> Lag:
        table = Table([(1, 5, 5), (1, 15, 15), (1, 25, 25)], lambda moment: None if moment.second == 15 else moment.isoformat())
        return await ameasure_lag(table, seconds=40, every=5)

    assert simulate(main).samples in (2, 3)


def test_an_empty_source_is_read_whole_until_there_is_a_row() -> None:
    lag, table = measured([(1, 10, 10)], seconds=30, every=10)
    assert lag.samples == 1
    assert table.asked[:2] == [None, None]
    assert table.asked[-1] is not None


def test_what_did_not_come_for_long_is_forgotten() -> None:
    lag, _ = measured([(number, number, number) for number in range(200)], seconds=100, every=1, lookback=1)
    assert lag.samples == 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": 0}, "seconds=…"),
        ({"every": True}, "every=…"),
        ({"lookback": float("inf")}, "lookback=…"),
        ({"source": []}, "takes a resource"),
        ({"cursor": "", "source_cursor": None}, "needs cursor="),
        ({"source_key": None}, "needs key="),
        ({"way": lambda moment: "soon"}, "'soon' at 'at', which is no time"),
        ({"way": lambda moment: 17}, "17 at 'at', which is no time"),
        ({"cursor": "when"}, "ABSENT"),
        ({"key": "nr"}, "its key None"),
    ],
)
def test_what_cannot_be_measured(options: dict[str, Any], words: str) -> None:
    async def main() -> None:
        table = Table(LATE, options.pop("way", datetime.isoformat))
        table.cursor, table.key = options.pop("source_cursor", "at"), options.pop("source_key", "id")
        source = options.pop("source", table)
        with pytest.raises(ConfigurationError, match=words):
            await ameasure_lag(source, **options)

    simulate(main)


def test_a_source_without_checkpoints_cannot_begin_at_a_moment() -> None:
    class Without(_Reader):
        checkpoint = None  # type: ignore[assignment]

    async def main() -> None:
        table = Table(LATE)
        table.open_read = lambda since=None: Without(table, since)  # type: ignore[method-assign,assignment]
        with pytest.raises(ConfigurationError, match=r"cannot read .* from a moment on"):
            await ameasure_lag(table, seconds=5)

    simulate(main)


def test_objects_and_sources_that_make_checkpoints() -> None:
    @attrs.frozen
    class Meta:
        at: str

    @attrs.frozen
    class Row:
        id: int
        meta: Meta

    made: list[Any] = []

    class Objects(Table):
        def checkpoint(self, watermark: Any = None) -> Checkpoint:
            made.append(watermark)
            return Checkpoint(resource="t", watermark=watermark)

        def open_read(self, since: Checkpoint | None = None, /) -> Any:
            reader = _Reader(self, since)
            inner = reader.next_page

            async def page() -> Page | None:
                found = await inner()
                return None if found is None else Page([Row(row["id"], Meta(row["at"])) for row in found.records])

            reader.next_page = page  # type: ignore[method-assign]
            return reader

    async def main() -> Lag:
        return await ameasure_lag(Objects(LATE), seconds=40, every=5, cursor="meta.at")

    assert simulate(main).samples == 2
    assert made


# ---------------------------------------------------------------------- the clock, and a resource


BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("Sun, 01 Mar 2026 12:05:00 GMT", 299.5), ("Sun, 01 Mar 2026 12:00:00 GMT", -0.5), (None, None), ("soon", None), ("", None)],
)
def test_the_difference_of_clocks(date: str | None, seconds: float | None) -> None:
    assert clock_difference(date, BEGUN, BEGUN + timedelta(seconds=2)) == seconds


def test_a_difference_of_clocks_is_taken_out() -> None:
    async def main() -> Lag:
        async def clock() -> float:
            return -30.0  # the server is behind: what it stamps looks old to us

        return await ameasure_lag(Table([(0, 0, 0), (1, -20, 10)]), seconds=20, every=1, clock=clock)

    lag = simulate(main)
    assert lag.longest == pytest.approx(0, abs=1.1)
    assert "the server's clock is 30.0 s behind ours" in str(lag)


def test_a_resource_is_measured_without_its_tombstones(world: Any, serve: Any) -> None:
    polls = []
    start = datetime.now(UTC)

    def script(asked: Any) -> Any:
        date = {"Date": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}
        if asked.method == "HEAD":
            return (204, date, b"")
        polls.append(asked.params.get("since"))
        at = start if len(polls) < 3 else datetime(2099, 1, 1, tzinfo=UTC)
        return [{"id": 1, "at": at.isoformat()}]

    server = serve(script)

    class Shop(Connector):
        paginator = SinglePagePaginator()
        orders = Resource("/orders", key="id", cursor="at", since_param="since", tombstones=Tombstones(where={"id": 1}))
        plain = Resource("/orders", key="id")

    async def main() -> None:
        polls.clear()
        async with Shop(base_url=server.url) as shop:
            lag = await shop.orders.ameasure_lag(seconds=0.05, every=0.03)
            assert lag.samples == 1
            assert lag.clock_difference is not None
            assert polls[0] is None
            assert polls[1] is not None
            assert any(isinstance(record, Tombstone) for record in await _all(shop.orders))
            with pytest.raises(ConfigurationError, match="needs cursor="):
                await shop.plain.ameasure_lag()

    world(main)


async def _all(resource: Any) -> list[Any]:
    return [record async for record in resource]


def test_a_server_that_tells_no_time(world: Any, serve: Any) -> None:
    server = serve(lambda asked: (500, {}, b"") if asked.method == "HEAD" else [])

    class Shop(Connector):
        retry = None
        paginator = SinglePagePaginator()
        orders = Resource("/orders", key="id", cursor="at", since_param="since")

    async def main() -> None:
        async with Shop(base_url=server.url) as shop:
            assert (await shop.orders.ameasure_lag(seconds=0.01, every=0.01)).clock_difference is None
        async with Shop(base_url="http://127.0.0.1:9") as shop:
            assert await shop.orders._clock_difference() is None

    world(main)


def test_in_blocking_code(serve: Any) -> None:
    server = serve(lambda asked: (204, {}, b"") if asked.method == "HEAD" else [])

    class Shop(Connector):
        paginator = SinglePagePaginator()
        orders = Resource("/orders", key="id", cursor="at", since_param="since")

    with Shop(base_url=server.url) as shop:
        assert shop.orders.measure_lag(seconds=0.01, every=0.01).samples == 0
        assert measure_lag(shop.orders, seconds=0.01, every=0.01).polls >= 1
