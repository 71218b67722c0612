"""Watermarks: how cursor values compare, where the next read begins, and when a watermark moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead
from integrakit.http import CursorPaginator, OffsetPaginator, SinglePagePaginator
from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.reading import WatermarkReader, later, lower_bound, settled
from integrakit.reading.watermark_values import moment_of, not_beyond, same, written_like
from integrakit.runtimes import runtime
from integrakit.testing import Simulator

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=5))

# ---------------------------------------------------------------------- comparing


@pytest.mark.parametrize(
    ("earlier", "after"),
    [
        (1, 2),
        (1, 1.5),
        (1.5, Decimal("1.6")),
        (9, 10),
        ("9", "10"),
        ("1512085950.000216", "1512085950.000217"),
        (9, "10"),
        ("-2", "-1"),
        ("a", "b"),
        ("10a", "9a"),
        ("1a", "9"),
        ("2026-02-30", "2026-99-99"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01+00:00"),
        ("2026-01-01T12:00:00+05:00", "2026-01-01T08:00:00Z"),
        ("2026-01-01T07:00:00", "2026-01-01T12:00:00.000001+05:00"),
        ("2026-01-01", "2026-01-01T00:00:00.5Z"),
        ("2026-01-01T00:00:00.123", "2026-01-01 00:00:00,124"),
        ("2025-12-31T23:59:59Z", "2026-01-01"),
        ("0001-01-01T00:00:00+05:00", "2026-01-01"),
        ("2026-01-01", "9999-12-31T23:59:59.999-05:00"),
        (date(2026, 1, 1), datetime(2026, 1, 1, 1)),
        (datetime(2026, 1, 1, 4, tzinfo=EAST), datetime(2026, 1, 1)),
        (datetime(2026, 1, 1), "2026-01-01T00:00:01Z"),
        (None, 0),
        (None, ""),
        (None, "2026-01-01"),
    ],
)
def test_the_later_of_two(earlier: Any, after: Any) -> None:
    assert later(earlier, after) is after
    assert later(after, earlier) is after


@pytest.mark.parametrize("pair", [("2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00"), (1, 1.0), ("7", "07"), ("x", "x")])
def test_of_equal_ones_the_first_stays_as_it_was_written(pair: tuple[Any, Any]) -> None:
    assert later(*pair) is pair[0]


def test_nothing_is_later_than_nothing() -> None:
    assert later(None, None) is None


@pytest.mark.parametrize(
    "value", [True, [1], {"a": 1}, object(), b"x", float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), timedelta(1)]
)
def test_what_cannot_be_compared_is_no_watermark_even_alone(value: Any) -> None:
    for pair in ((None, value), (value, None), (1, value), (value, value)):
        with pytest.raises(TypeError):
            later(*pair)


@pytest.mark.parametrize("pair", [("2026-01-01", "n/a"), ("2026-01-01", 5), ("2026-01-01", "1767225600"), ("abc", 5), (NOW, 5)])
def test_values_of_two_kinds_cannot_be_compared(pair: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError):
        later(*pair)
    with pytest.raises(TypeError):
        later(*pair[::-1])


# ---------------------------------------------------------------------- where the next read begins


@pytest.mark.parametrize(
    ("watermark", "bound"),
    [
        ("2026-01-01T00:10:00Z", "2026-01-01T00:05:00Z"),
        ("2026-01-01T00:10:00.500Z", "2026-01-01T00:05:00.500Z"),
        ("2026-01-01T00:10:00.000Z", "2026-01-01T00:05:00.000Z"),
        ("2026-01-01T00:10:00.1234567Z", "2026-01-01T00:05:00.123456Z"),
        ("2026-01-01T00:10:00+02:00", "2026-01-01T00:05:00+02:00"),
        ("2026-01-01T00:10:00.000+0000", "2026-01-01T00:05:00.000+0000"),
        ("2026-01-01T00:10:00-0530", "2026-01-01T00:05:00-0530"),
        ("2026-01-01T00:10:00", "2026-01-01T00:05:00"),
        ("2026-01-01 00:10:00", "2026-01-01 00:05:00"),
        ("2026-01-01t00:10:00Z", "2026-01-01t00:05:00Z"),
        ("2026-01-01T00:10", "2026-01-01T00:05:00"),
        ("2026-01-01", "2025-12-31"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00+05:00"),
        ("9999-12-31T23:59:59-05:00", "9999-12-29T19:00:00-05:00"),
        (1700000000, 1699999700),
        (1700000000.5, 1699999700.5),
        (Decimal("1700000000.25"), Decimal("1699999700.25")),
        ("1700000000", "1699999700"),
        ("1700000000.000216", "1699999700.000216"),
        (1700000000000, 1699999700000),
        (1700000000000000, 1699999700000000),
        (1700000000000000000, 1699999700000000000),
        (datetime(2026, 1, 1, 0, 10, tzinfo=EAST), datetime(2026, 1, 1, 0, 5, tzinfo=EAST)),
        (datetime(2026, 1, 1, 0, 10), datetime(2026, 1, 1, 0, 5)),
        (date(2026, 1, 1), date(2025, 12, 31)),
        (None, None),
    ],
)
def test_the_overlap_is_read_again(watermark: Any, bound: Any) -> None:
    found = lower_bound(watermark, Window(overlap=300))
    assert found == bound
    assert type(found) is type(bound)
    if isinstance(bound, datetime):
        assert found.tzinfo == bound.tzinfo


def test_fractions_of_a_second_are_rounded_downwards() -> None:
    assert lower_bound("2026-01-01T00:00:10Z", Window(overlap=0.5)) == "2026-01-01T00:00:09Z"
    assert lower_bound(100, Window(overlap=0.5)) == 99
    assert lower_bound("100", Window(overlap=0.5)) == "99"


@pytest.mark.parametrize("watermark", ["abc", 7, None, "2026-01-01T00:00:00.1234567Z", 1e300])
def test_without_a_window_the_watermark_is_asked_for_as_it_was_written(watermark: Any) -> None:
    assert lower_bound(watermark, Window()) is watermark
    assert settled(watermark, Window(), NOW) is watermark


@pytest.mark.parametrize("window", [Window(overlap=1), Window(settle=1)])
def test_a_window_needs_times(window: Window) -> None:
    with pytest.raises(ConfigurationError, match="'abc' is neither: leave the window out"):
        lower_bound("abc", Window(overlap=1))
    with pytest.raises(ConfigurationError, match="'abc' is neither: leave the window out"):
        settled("abc", Window(settle=1), NOW)


def test_an_overlap_beyond_all_time_begins_at_the_first_day() -> None:
    assert lower_bound("2026-01-01", Window(overlap=1e300)) == "0001-01-02"
    assert settled("2026-01-01", Window(settle=1e300), NOW) == "0001-01-02"


@pytest.mark.parametrize(
    ("watermark", "kept"),
    [
        ("2026-03-01T11:58:00Z", "2026-03-01T11:58:00Z"),
        ("2026-03-01T11:59:00Z", "2026-03-01T11:59:00Z"),
        ("2026-03-01T11:59:30Z", "2026-03-01T11:59:00Z"),
        ("2026-03-01T16:59:30.250+05:00", "2026-03-01T16:59:00.000+05:00"),
        ("2026-03-01T11:59:30", "2026-03-01T11:59:00"),
        ("9999-12-31T23:59:59-05:00", "2026-03-01T06:59:00-05:00"),
        ("0001-01-01", "0001-01-01"),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-02", "2026-03-01"),
        (date(2026, 3, 2), date(2026, 3, 1)),
        (datetime(2026, 3, 1, 16, 59, 30, tzinfo=EAST), datetime(2026, 3, 1, 16, 59, tzinfo=EAST)),
        (datetime(2026, 3, 1, 11, 59, 30), datetime(2026, 3, 1, 11, 59)),
        (1772366340, 1772366340),
        (1772366370, 1772366340),
        (1772366370.5, 1772366340.0),
        (Decimal("1772366370.5"), Decimal(1772366340)),
        ("1772366370.500", "1772366340.000"),
        (1772366370000, 1772366340000),
        (1772366370000000, 1772366340000000),
        (1772366370000000000, 1772366340000000000),
        (5, 5),
        (None, None),
    ],
)
def test_the_newest_are_not_believed_yet(watermark: Any, kept: Any) -> None:
    found = settled(watermark, Window(settle=60), NOW)
    assert found == kept
    assert type(found) is type(kept)


# ---------------------------------------------------------------------- watching a read


class Scripted:
    """A reader that brings these pages of records."""

    evidence = Evidence(complete=True)

    def __init__(self, *pages: Any, token: Any = None, watermark: Any = None, end: Exception | None = None) -> None:
        self._pages = list(pages)
        self._token = token
        self._watermark = watermark
        self._end = end

    async def next_page(self) -> Page | None:
        if not self._pages:
            end, self._end = self._end, None
            if end is not None:
                raise end
            return None
        return Page(self._pages.pop(0), self.checkpoint)

    @property
    def checkpoint(self) -> Checkpoint | None:
        return Checkpoint(resource="/orders", token=self._token, watermark=self._watermark, born=NOW)


async def finish(reader: WatermarkReader) -> Any:
    while await reader.next_page() is not None:
        pass
    checkpoint = reader.checkpoint
    assert checkpoint is not None
    return checkpoint.watermark


def watched(*pages: Any, cursor: str = "at", window: Window | None = None, floor: Any = None, **options: Any) -> WatermarkReader:
    since = None if floor is None else Checkpoint(resource="/orders", watermark=floor)
    return WatermarkReader(Scripted(*pages, watermark=floor, **options), cursor, window or Window(), since)


def test_the_highest_value_is_the_watermark(world: Any) -> None:
    pages = [[{"at": 3}, {"at": None}, {"at": 7}], [], [{"at": 7}, {"at": 5}]]

    async def main() -> list[Any]:
        return [await finish(watched(*pages)), await finish(watched(*pages, floor=9)), await finish(watched([{"at": None}])), await finish(watched())]

    assert world(main) == [7, 9, None, None]


def test_no_records_leave_the_watermark_where_it_was(world: Any) -> None:
    async def main() -> Any:
        return await finish(watched(floor="2026-01-01"))

    assert world(main) == "2026-01-01"


def test_a_settle_window_never_moves_the_watermark_back(world: Any) -> None:
    async def main() -> list[Any]:
        window = Window(settle=60)
        new = [{"at": "2026-03-01T11:59:59Z"}]
        return [
            await finish(watched(new, window=window, floor="2026-03-01T11:59:30Z")),
            await finish(watched(new, window=window, floor="2026-03-01T11:50:00Z")),
            await finish(watched(new, window=window)),
        ]

    assert world(main) == ["2026-03-01T11:59:30Z", "2026-03-01T11:59:00Z", "2026-03-01T11:59:00Z"]


def test_cursors_may_stand_deeper(world: Any) -> None:
    @attrs.frozen
    class Meta:
        at: int

    @attrs.frozen
    class Order:
        meta: Meta

    async def main() -> list[Any]:
        return [
            await finish(watched([{"meta": {"at": 4}}, {"meta": {"at": 6}}], cursor="meta.at")),
            await finish(watched([{"meta.at": 4}], cursor="meta.at")),
            await finish(watched([Order(Meta(4)), Order(Meta(9))], cursor="meta.at")),
        ]

    assert world(main) == [6, 4, 9]


@pytest.mark.parametrize("record", [{"id": 1}, {}, object(), {"meta": None}, {"meta": []}])
def test_a_record_without_the_cursor_is_an_error(record: Any, world: Any) -> None:
    async def main() -> None:
        for cursor in ("at", "meta.at"):
            with pytest.raises(DecodeError, match=f"no '{cursor}'") as caught:
                await watched([record], cursor=cursor).next_page()
            assert caught.value.record is record
            assert caught.value.path == cursor

    world(main)


@pytest.mark.parametrize("values", [[{"a": 1}], [True], [1, "x"], ["2026-01-01", "soon"], [float("inf")]])
def test_cursors_that_cannot_be_compared_are_an_error(values: Any, world: Any) -> None:
    async def main() -> None:
        with pytest.raises(DecodeError, match="cannot be compared"):
            await watched([{"at": value} for value in values]).next_page()

    world(main)


def test_a_page_that_could_not_be_taken_comes_again(world: Any) -> None:
    """Or else a read that is taken up after the error would pass it over, and its watermark too."""
    record: dict[str, Any] = {"at": {}}

    async def main() -> Any:
        reader = watched([{"at": 1}], [{"at": 5}, record], [{"at": 2}])
        await reader.next_page()
        for _ in range(2):
            with pytest.raises(DecodeError):
                await reader.next_page()
        assert reader.checkpoint is not None
        assert reader.checkpoint.watermark is None
        record["at"] = 3
        page = await reader.next_page()
        assert page is not None
        assert [row["at"] for row in page.records] == [5, 3]
        return await finish(reader)

    assert world(main) == 5


def test_the_highest_value_travels_in_the_token(world: Any) -> None:
    async def main() -> Any:
        reader = watched([{"at": 9}], [{"at": 3}], token={"url": "/2"})
        page = await reader.next_page()
        assert page is not None
        assert page.checkpoint is not None
        assert page.checkpoint.token == {"url": "/2", "highest": 9}
        assert page.checkpoint.watermark is None
        resumed = WatermarkReader(Scripted([{"at": 3}]), "at", Window(), page.checkpoint)
        return await finish(resumed)

    assert world(main) == 9


def test_an_incomplete_read_never_moves_the_watermark(world: Any) -> None:
    async def main() -> Any:
        reader = watched([{"at": 9}], floor=4, end=IncompleteRead("something is missing"))
        reader._reader.evidence = Evidence(complete=False)  # type: ignore[misc]
        with pytest.raises(IncompleteRead):
            await finish(reader)
        assert reader.checkpoint is not None
        assert reader.checkpoint.watermark == 4
        return await finish(reader)  # asked again, it says only that it is over

    assert world(main) == 4


def test_a_reader_without_checkpoints_has_none(world: Any) -> None:
    class Without(Scripted):
        checkpoint = None

    async def main() -> None:
        reader = WatermarkReader(Without([{"at": 1}]), "at", Window(), None)
        page = await reader.next_page()
        assert page is not None
        assert page.checkpoint is None
        assert await reader.next_page() is None
        assert reader.checkpoint is None

    world(main)


# ---------------------------------------------------------------------- all of it, against a server


def rows(*times: str) -> list[dict[str, Any]]:
    return [{"id": number, "updated_at": time} for number, time in enumerate(times, 1)]


class Shop(Connector):
    paginator = CursorPaginator("next", "after")
    orders = Resource("/orders", key="id", records="orders", cursor="updated_at", since_param="updated_at_min", window=Window(overlap=60))


async def read_from(resource: Resource, since: Checkpoint | None) -> tuple[list[Any], Checkpoint]:
    reader = resource.open_read(since)
    ids: list[Any] = []
    while (page := await reader.next_page()) is not None:
        ids += [record["id"] for record in page.records]
    assert reader.checkpoint is not None
    return ids, reader.checkpoint


def test_reading_only_what_is_new(world: Any) -> None:
    async def main() -> None:
        times = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00+01:00", "2026-01-01T00:30:00Z"]
        with Simulator({"orders": rows(*times)}, pagination="cursor", page_size=2) as api:
            async with Shop(base_url=api.url) as shop:
                ids, checkpoint = await read_from(shop.orders, None)
                assert ids == [1, 2, 3, 4]
                assert checkpoint.watermark == "2026-01-01T01:00:00Z"
                assert "updated_at_min" not in api.requests[0].query
                api.put("orders", {"id": 5, "updated_at": "2026-01-01T00:59:30Z"})
                api.put("orders", {"id": 6, "updated_at": "2026-01-01T00:58:59Z"})
                ids, again = await read_from(shop.orders, Checkpoint.from_dict(checkpoint.to_dict()))
                assert ids == [5]  # of the overlap; 2 and 3, at the very watermark, came again too, and are still what they were
                assert api.requests[-1].query["updated_at_min"] == "2026-01-01T00:59:00Z"
                assert again.watermark == checkpoint.watermark
                assert (await read_from(shop.orders.since(again), None))[0] == [5]

    world(main)


def test_resuming_in_the_middle_keeps_the_highest_value(world: Any) -> None:
    async def main() -> None:
        times = ["2026-01-09T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-01T00:00:00Z"]
        with Simulator({"orders": rows(*times)}, pagination="cursor", page_size=2) as api:
            async with Shop(base_url=api.url) as shop:
                page = await anext(aiter(shop.orders.pages()))
                assert page.checkpoint is not None
                assert page.checkpoint.watermark is None
                kept = Checkpoint.from_dict(page.checkpoint.to_dict())
                ids, checkpoint = await read_from(shop.orders, kept)
                assert ids == [3, 4, 5]
                assert checkpoint.watermark == "2026-01-09T00:00:00Z"

    world(main)


def test_a_read_that_misses_something_moves_nothing(world: Any) -> None:
    class Offsets(Connector):
        paginator = OffsetPaginator(limit=2, total="total")
        orders = Resource("/orders", key="id", records="orders", cursor="updated_at", since_param="updated_at_min")

    async def main() -> None:
        with Simulator({"orders": rows("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")}, pagination="offset", page_size=2) as api:
            async with Offsets(base_url=api.url) as shop:
                reader = shop.orders.open_read(Checkpoint(**{**_at(shop), "watermark": "2025-12-31"}))
                await reader.next_page()
                api.put("orders", {"id": 0, "updated_at": "2026-01-05"})
                api.delete("orders", 1)
                api.delete("orders", 4)
                with pytest.raises(IncompleteRead):
                    await finish(reader)
                assert reader.evidence.complete is False
                assert reader.checkpoint is not None
                assert reader.checkpoint.watermark == "2025-12-31"

    def _at(shop: Any) -> dict[str, Any]:
        inner = shop.orders.open_read().checkpoint
        return {"resource": inner.resource, "parameters": inner.parameters}

    world(main)


def test_typed_records_have_cursors_too(world: Any) -> None:
    @attrs.frozen
    class Order:
        id: int
        updated_at: datetime

    class Typed(Connector):
        orders = Resource(
            "/orders",
            records="orders",
            cursor="updated_at",
            since_param="updated_at_min",
            into=Order,
            window=Window(overlap=60),
            paginator=SinglePagePaginator(),
        )

    async def main() -> None:
        with Simulator({"orders": rows("2026-01-01T00:00:00Z", "2026-01-01T02:00:00+01:00")}) as api:
            async with Typed(base_url=api.url) as shop:
                reader = shop.orders.open_read()
                page = await reader.next_page()
                assert page is not None
                assert isinstance(page.records[0], Order)
                assert await reader.next_page() is None
                assert reader.checkpoint is not None
                assert reader.checkpoint.watermark == datetime(2026, 1, 1, 1, tzinfo=UTC)
                page = await shop.orders.open_read(reader.checkpoint).next_page()
                assert page is not None
                assert [order.id for order in page.records] == [2]

    world(main)


@pytest.mark.parametrize("argument", ["overlap", "settle"])
@pytest.mark.parametrize("value", [-1, float("inf"), float("nan"), True, "60", None, timedelta(1)])
def test_a_window_takes_seconds(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"Window\({argument}=…\)"):
        Window(**{argument: value})


# ---------------------------------------------------------------------- ties


async def given_out(reader: WatermarkReader) -> list[Any]:
    records: list[Any] = []
    while (page := await reader.next_page()) is not None:
        records += page.records
    return records


def tied(records: Any, since: Checkpoint | None = None, *, key: Any = "id", window: Window | None = None, **options: Any) -> WatermarkReader:
    watermark = None if since is None else since.watermark
    return WatermarkReader(Scripted(*records, watermark=watermark, **options), "at", window or Window(), since, key=key)


async def chained(*reads: list[Any], key: Any = "id", window: Window | None = None) -> tuple[list[list[Any]], list[Checkpoint]]:
    """What each of several reads, one after the other, gives out, and the checkpoints between them."""
    given, checkpoints, since = [], [], None
    for pages in reads:
        reader = tied(pages, since, key=key, window=window)
        given.append(await given_out(reader))
        assert reader.checkpoint is not None
        since = Checkpoint.from_dict(reader.checkpoint.to_dict())
        checkpoints.append(since)
    return given, checkpoints


A, B, C = {"id": 1, "at": 5, "v": "a"}, {"id": 2, "at": 5, "v": "b"}, {"id": 3, "at": 6, "v": "c"}


def test_what_ties_on_the_watermark_is_given_out_once(world: Any) -> None:
    async def main() -> None:
        given, checkpoints = await chained([[A], [B]], [[A, B]], [[B], [A, C]], [[C]])
        assert given == [[A, B], [], [C], []]
        assert set(checkpoints[0].ties) == {"1", "2"}
        assert checkpoints[1] == checkpoints[0]
        assert set(checkpoints[2].ties) == set(checkpoints[3].ties) == {"3"}

    world(main)


def test_what_changed_within_the_tick_is_given_out_again_and_so_is_what_changed_back(world: Any) -> None:
    async def main() -> None:
        other = {**A, "v": "z"}
        given, _ = await chained([[A, B]], [[other, B]], [[A, B]], [[A], [other], [A]])
        assert given == [[A, B], [other], [A], [other, A]]

    world(main)


def test_what_was_away_for_a_read_is_given_out_again(world: Any) -> None:
    async def main() -> None:
        assert (await chained([[A, B]], [[A]], [[A, B]]))[0] == [[A, B], [], [B]]

    world(main)


def test_without_a_key_or_without_a_cursor_value_a_record_comes_again(world: Any) -> None:
    async def main() -> None:
        given, checkpoints = await chained([[A]], [[A]], key=None)
        assert given == [[A], [A]]
        assert checkpoints[1].ties == {}
        empty = {"id": 9, "at": None}
        assert (await chained([[A, empty]], [[A, empty]]))[0] == [[A, empty], [empty]]
        keyless = {"id": None, "at": 5}
        assert (await chained([[A, keyless]], [[A, keyless]]))[0] == [[A, keyless], [keyless]]
        assert (await chained([[{"id": object(), "at": 5}]]))[1][0].ties == {}

    world(main)


def test_composite_keys_and_objects_tie_too(world: Any) -> None:
    @attrs.frozen
    class Order:
        id: int
        at: int
        v: str

    class Plain:
        id, at = 1, 5

    async def main() -> None:
        rows = [{"shop": "a", "id": 1, "at": 5}, {"shop": "b", "id": 1, "at": 5}]
        assert (await chained([rows], [rows], key=("shop", "id")))[0] == [rows, []]
        assert (await chained([[Order(1, 5, "x")]], [[Order(1, 5, "x"), Order(2, 5, "y")]], [[Order(1, 5, "z")]]))[0] == [
            [Order(1, 5, "x")],
            [Order(2, 5, "y")],
            [Order(1, 5, "z")],
        ]
        plain = Plain()
        assert (await chained([[plain]], [[plain]]))[0] == [[plain], [plain]], "what cannot be written down is not remembered"
        nested = [{"meta": {"id": 1}, "at": 5}]
        assert (await chained([nested], [nested], key="meta.id"))[0] == [nested, []]

    world(main)


def test_the_overlap_comes_again_but_not_the_ties(world: Any) -> None:
    async def main() -> None:
        late, at = {"id": 3, "at": 1_700_000_000}, {"id": 1, "at": 1_700_000_100}
        given, checkpoints = await chained([[at]], [[late, at]], [[late, at]], window=Window(overlap=300))
        assert given == [[at], [late], [late]]
        assert checkpoints[-1].watermark == 1_700_000_100

    world(main)


def test_a_watermark_that_settles_remembers_the_ties_it_stands_at(world: Any) -> None:
    async def main() -> None:
        old, new = {"id": 1, "at": "2026-03-01T11:00:00Z"}, {"id": 2, "at": "2026-03-01T11:59:59Z"}
        given, checkpoints = await chained([[old]], [[old, new]], [[new]], window=Window(settle=60))
        assert given == [[old], [new], [new]], "what has not settled comes again"
        assert checkpoints[0].ties
        assert checkpoints[1].watermark == "2026-03-01T11:59:00Z"
        assert checkpoints[1].ties == {}
        floor = {"id": 7, "at": "2026-03-01T11:59:30Z"}
        since = Checkpoint(resource="/orders", watermark=floor["at"])
        reader = tied([[floor, new]], since, window=Window(settle=60))
        assert await given_out(reader) == [floor, new]
        assert reader.checkpoint is not None
        assert reader.checkpoint.watermark == floor["at"]
        assert set(reader.checkpoint.ties) == {"7"}

    world(main)


def test_too_many_ties_come_again_rather_than_be_lost(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reading.ties.MOST", 1)

    async def main() -> None:
        given, checkpoints = await chained([[A, B]], [[A, B]])
        assert given == [[A, B], [A, B]]
        assert checkpoints[0].ties == {}

    world(main)


def test_a_read_that_is_cut_off_goes_on_with_its_ties(world: Any) -> None:
    async def main() -> None:
        first = tied([[A], [B]], token={"url": "/2"})
        page = await first.next_page()
        assert page is not None
        assert page.checkpoint is not None
        kept = Checkpoint.from_dict(page.checkpoint.to_dict())
        resumed = tied([[B]], kept)
        assert await given_out(resumed) == [B]
        assert resumed.checkpoint is not None
        assert set(resumed.checkpoint.ties) == {"1", "2"}
        # A token from before ties were kept: none are known.
        assert kept.token is not None
        old = attrs.evolve(kept, token={"url": "/2", "highest": 5})
        resumed = tied([[B]], old)
        assert await given_out(resumed) == [B]
        assert resumed.checkpoint is not None
        assert resumed.checkpoint.ties == {}

    world(main)


def test_few_ties_travel_with_each_page(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reading.watermark.TRAVELLING", 1)

    async def main() -> None:
        reader = tied([[A, B], [C]], Checkpoint(resource="/orders", watermark=4, ties={"7": "x", "8": "y"}), token={"url": "/2"})
        page = await reader.next_page()
        assert page is not None
        assert page.checkpoint is not None
        assert page.checkpoint.token == {"url": "/2", "highest": 5, "at_floor": {}, "at_highest": None}
        assert page.checkpoint.ties == {}

    world(main)


def test_an_incomplete_read_keeps_only_the_ties_that_are_certain(world: Any) -> None:
    async def main() -> None:
        _, checkpoints = await chained([[A, B]])
        reader = tied([[{**A, "v": "z"}, B]], checkpoints[0])
        reader._reader.evidence = Evidence(complete=False)  # type: ignore[misc]
        assert await given_out(reader) == [{**A, "v": "z"}]
        assert reader.checkpoint is not None
        assert reader.checkpoint.watermark == 5
        # Changed back meanwhile: what was given out last of it is another.
        assert await given_out(tied([[A, B]], reader.checkpoint)) == [A]

    world(main)


def test_a_tie_that_was_said_to_be_gone_is_news_if_it_comes(world: Any) -> None:
    async def main() -> None:
        _, checkpoints = await chained([[A, B]])
        reader = tied([[A, B]], checkpoints[0])
        reader.forget(1)
        assert await given_out(reader) == [A]
        bare = tied([[A]], None, key=None)
        bare.forget(1)

    world(main)


def test_a_record_that_moved_on_is_no_tie_any_more(world: Any) -> None:
    async def main() -> None:
        _, checkpoints = await chained([[A, B]])
        # A newer version first, then the old one again: what was given out last is the newer one.
        assert await given_out(tied([[{**A, "at": 9}], [A]], checkpoints[0])) == [{**A, "at": 9}, A]

    world(main)


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", True),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", False),
        (5, 5.0, True),
        ("5", 5, True),
        ("a", "a", True),
        ("a", "b", False),
        ("a", 5, False),
        ("2026-01-01", 5, False),
        (None, None, False),
        (None, 5, False),
    ],
)
def test_the_same_place(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-01T12:00:00Z", NOW),
        ("2026-03-01T14:00:00+02:00", NOW),
        (datetime(2026, 3, 1, 12), NOW),
        (int(NOW.timestamp()), NOW),
        (int(NOW.timestamp()) * 1000, NOW),
        (str(int(NOW.timestamp()) * 1_000_000), NOW),
        (int(NOW.timestamp()) * 1_000_000_000, NOW),
        (NOW.timestamp(), NOW),
        (date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        ("abc", None),
        (17, None),
        (None, None),
        ([], None),
        (10**30, None),
    ],
)
def test_the_moment_a_cursor_means(value: Any, moment: Any) -> None:
    assert moment_of(value) == moment


@pytest.mark.parametrize(
    ("like", "text"),
    [
        ("2020-01-01T00:00:00Z", "2026-03-01T12:00:00Z"),
        ("2020-01-01T00:00:00.000+0200", "2026-03-01T14:00:00.000+0200"),
        (1_600_000_000, int(NOW.timestamp())),
        ("1600000000000", str(int(NOW.timestamp()) * 1000)),
        (date(2020, 1, 1), date(2026, 3, 1)),
    ],
)
def test_a_moment_is_written_as_the_values_are(like: Any, text: Any) -> None:
    assert written_like(like, NOW) == text
    with pytest.raises(TypeError, match="is no time"):
        written_like("abc", NOW)


# ---------------------------------------------------------------------- pages whose values are written in several ways

EVENING = "2026-01-01T23:30:00"


@pytest.mark.parametrize(
    ("values", "highest"),
    [
        (["2026-01-01T09:00:00+02:00", "2026-01-01T08:00:00Z"], "2026-01-01T08:00:00Z"),
        (["2026-01-01T09:00:00+02:00", "2026-01-01T08:30:00+01:00"], "2026-01-01T08:30:00+01:00"),
        (["2026-01-01T09:00:00-01:00", "2026-01-01T09:30:00+01:00"], "2026-01-01T09:00:00-01:00"),
        (["2026-01-01T09:00:00.5Z", "2026-01-01T09:00:00.25Z", "2026-01-01T09:00:00Z"], "2026-01-01T09:00:00.5Z"),
        (["2026-01-01T09:00:00Z", "2026-01-01T09:00:00.001Z"], "2026-01-01T09:00:00.001Z"),
        (["2026-01-01T09:00:00Z", "2026-01-01 09:00:01Z"], "2026-01-01 09:00:01Z"),
        (["2026-01-02", EVENING + "-02:00", EVENING], EVENING + "-02:00"),
        (["2026-01-01T10:00:00Z", "2026-01-01T12:00:00"], "2026-01-01T12:00:00"),
        (["9", "10", "-11"], "10"),
        (["-10", "-9"], "-9"),
        (["-1", "-10", None], "-1"),
        (["1.5", "1.25", "01"], "1.5"),
        (["9", "10", 11], 11),
        ([9, "10", 9.5], "10"),
        ([None, "2026-01-01T00:00:00Z", None, "2026-01-01T00:00:01Z"], "2026-01-01T00:00:01Z"),
        (["a9", "a10", "b"], "b"),
        (["a9", "10", "9"], "a9"),
        (["2026-1-1", "2026-1-2"], "2026-1-2"),
        (["2026-02-30", "2026-02-31"], "2026-02-31"),
        (["2026-W10-1", "2026-W09-1"], "2026-W10-1"),
        ([datetime(2026, 1, 1, 4, tzinfo=EAST), "2026-01-01T00:00:01Z", date(2026, 1, 1)], "2026-01-01T00:00:01Z"),
        ([1, 2**70, 1.5], 2**70),
        ([Decimal("1.5"), 1.25, 1], Decimal("1.5")),
    ],
)
def test_the_highest_of_a_page_is_what_one_by_one_would_find(values: list[Any], highest: Any, world: Any) -> None:
    async def main() -> None:
        for order in (values, values[::-1]):
            assert await finish(watched([{"at": value} for value in order])) == highest
            assert await finish(watched(*([{"at": value}] for value in order))) == highest, "a page each"

    world(main)


def test_of_equal_instants_the_first_stays_as_it_was_written_and_all_tie(world: Any) -> None:
    page = [
        {"id": 1, "at": "2026-01-01T00:00:00Z"},
        {"id": 2, "at": "2026-01-01T02:00:00+02:00"},
        {"id": 3, "at": None},
        {"id": 4, "at": "2026-01-01T00:00:00.000Z"},
        {"id": 5, "at": "2025-12-31T23:59:59Z"},
    ]

    async def main() -> None:
        given, checkpoints = await chained([page], [page])
        assert given == [page, [page[2], page[4]]]
        assert checkpoints[0].watermark == "2026-01-01T00:00:00Z"
        assert set(checkpoints[0].ties) == {"1", "2", "4"}

    world(main)


def test_codes_of_which_some_are_numbers_tie_as_they_are_written(world: Any) -> None:
    page = [{"id": 1, "at": "07"}, {"id": 2, "at": "b"}, {"id": 3, "at": "7"}, {"id": 4, "at": "b"}]

    async def main() -> None:
        given, checkpoints = await chained([page], [page])
        assert given == [page, [page[0], page[2]]]
        assert set(checkpoints[0].ties) == {"2", "4"}

    world(main)


@pytest.mark.parametrize(
    "values",
    [
        ["2026-01-01T00:00:00Z", "2026-1-1"],
        ["2026-02-28T00:00:00Z", "2026-02-30T00:00:00Z"],
        ["2026-01-01T00:00:00Z", "2026-01-01X00:00:00Z"],
        ["2026-01-01", "2026-1-001"],
        ["2026-01-01", "20260101"],
        [1, True],
        [1.0, float("nan")],
        [1, 2, "x"],
        ["2026-01-01T00:00:00Z", 5],
    ],
)
def test_values_of_two_kinds_in_a_page_are_an_error(values: list[Any], world: Any) -> None:
    async def main() -> None:
        for order in (values, values[::-1]):
            for pages in ([[{"at": value} for value in order]], [[{"at": value}] for value in order]):
                with pytest.raises(DecodeError, match="cannot be compared"):
                    await finish(watched(*pages))

    world(main)


def test_values_of_another_kind_than_the_watermark_are_an_error(world: Any) -> None:
    async def main() -> None:
        for floor, value in (("2026-01-01T00:00:00Z", 5), (5, "2026-01-01"), ("abc", 5), ([], 5)):
            with pytest.raises(DecodeError, match="cannot be compared"):
                await finish(watched([{"at": value}], floor=floor))
        assert await finish(watched([{"at": "7"}], floor="abc")) == "abc", "codes, of which some are numbers"

    world(main)


def test_a_row_that_changes_behind_the_reader_is_not_passed_by_the_watermark(world: Any) -> None:
    async def main() -> None:
        def now(seconds: float) -> str:
            return (runtime().wall() + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")

        with Simulator({"orders": rows(*["2020-01-01T00:00:00.000Z"] * 5)}, pagination="cursor", page_size=2) as api:
            async with Shop(base_url=api.url) as shop:
                reader = shop.orders.open_read()
                await reader.next_page()
                # Behind the reader, and then, newer, before it.
                api.put("orders", {"id": 1, "updated_at": now(0.010)})
                api.put("orders", {"id": 5, "updated_at": now(0.020)})
                while await reader.next_page() is not None:
                    pass
                assert reader.checkpoint is not None
                ids, _ = await read_from(shop.orders, reader.checkpoint)
                assert 1 in ids

    world(main)


@pytest.mark.parametrize(
    ("watermark", "kept"),
    [
        ("2026-01-01T00:00:30Z", "2026-01-01T00:00:10Z"),  # changed while it was read
        ("2026-01-01T00:00:09Z", "2026-01-01T00:00:09Z"),
        ("2026-01-01T00:01:20Z", "2026-01-01T00:00:10Z"),  # clocks differ a little
        ("2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z"),  # another clock
        (1767225630, 1767225610),
        (1767225630123, 1767225610000),
        (17, 17),
        ("A-17", "A-17"),
        (None, None),
    ],
)
def test_not_beyond_the_moment_a_read_began(watermark: Any, kept: Any) -> None:
    began = datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert not_beyond(watermark, began, began + timedelta(seconds=30)) == kept


def test_a_server_that_does_not_know_the_parameter_is_noted(world: Any) -> None:
    class Deaf(Shop):
        orders = Resource("/orders", key="id", records="orders", cursor="updated_at", since_param="ignored_min")

    async def main() -> None:
        times = ["2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"]
        with Simulator({"orders": rows(*times)}, pagination="cursor", page_size=2) as api:
            for kind, noted in ((Deaf, True), (Shop, False)):
                async with kind(base_url=api.url) as shop:
                    _, checkpoint = await read_from(shop.orders, None)
                    assert "since_param" not in str(shop.orders.evidence.notes)
                    await read_from(shop.orders, checkpoint)
                    assert ("since_param" in str(shop.orders.evidence.notes)) is noted

    world(main)
