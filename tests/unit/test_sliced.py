"""Reads in slices: everything behind a cap comes once, few requests are wasted, and what cannot be read whole is said."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from tests.fakes.capped import Capped

from integrakit.connector import Connector, Resource
from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, IncompleteRead, IncompleteReadWarning, ReadError, ServerError
from integrakit.http import OffsetPaginator
from integrakit.model import Checkpoint, Evidence, Page, Tombstone, Window
from integrakit.reading import SlicedRead
from integrakit.reading.bounds import scale_of
from integrakit.reading.slices import Slice, cut, step
from integrakit.testing import simulate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDS = [{"id": number} for number in range(1, 501)]


def sliced(collection: Capped, **options: Any) -> SlicedRead:
    given: dict[str, Any] = {"slice": collection.between, "by": collection.by, "cap": collection.cap, "low": 0, "key": collection.by}
    return SlicedRead(**(given | options))


def ids(records: Any) -> list[Any]:
    return [record["id"] for record in records]


# ---------------------------------------------------------------------- whole reads


@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
@pytest.mark.parametrize("declares", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_everything_behind_the_cap_comes_once(world: Any, order: str, declares: bool, workers: int) -> None:
    collection = Capped(IDS, cap=50, page=10, order=order, declares=declares)

    async def main() -> None:
        read = sliced(collection, workers=workers).read()
        found = [record async for record in read]
        assert sorted(ids(found)) == list(range(1, 501))
        evidence = read.evidence
        assert (evidence.complete, evidence.records, evidence.duplicates, evidence.stability) == (True, 500, 0, "keyset")
        assert evidence.ended_by == "protocol"
        assert any("slices" in note for note in evidence.notes)

    world(main)
    for low, high in collection.asked:
        assert low is None or high is None or low < high


def test_what_is_below_the_cap_is_one_question() -> None:
    collection = Capped(IDS[:40], cap=50, page=10)
    source = sliced(collection, high=1000)
    assert ids(source) == list(range(1, 41))
    assert (collection.asked, collection.requests) == ([(0, 1000)], 4)
    assert source.evidence.complete is True
    assert source.evidence.notes == ()


def test_slices_are_delivered_in_order() -> None:
    collection = Capped(IDS, cap=50, page=10)
    assert ids(sliced(collection, workers=4, high=600)) == list(range(1, 501))


@pytest.mark.parametrize(
    ("order", "declares", "high", "most"),
    [
        ("ascending", False, 1.0, 1.3),
        ("ascending", True, 1.0, 1.3),
        ("random", False, 1.0, 1.6),
        ("random", True, 1.0, 1.3),
        ("descending", False, 1.0, 1.6),
        ("descending", True, 1.0, 1.3),
        ("ascending", False, None, 1.3),
        ("random", False, None, 1.6),
        ("descending", False, None, 2.2),
    ],
)
def test_few_requests_are_wasted_on_even_rows(order: str, declares: bool, high: float | None, most: float) -> None:
    numbers = sorted(random.Random(5).sample(range(1, 10_000_000), 10_000))
    collection = Capped([{"id": number} for number in numbers], cap=1000, page=100, order=order, declares=declares)
    assert len(list(sliced(collection, high=high and numbers[-1] + 1))) == 10_000
    assert collection.requests / 100 <= most


@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
@pytest.mark.parametrize("declares", [False, True])
@pytest.mark.parametrize("kind", ["exponential", "clusters", "at the end"])
def test_requests_stay_bounded_on_uneven_rows(order: str, declares: bool, kind: str) -> None:
    chance = random.Random(5)
    numbers = {
        "exponential": {int(math.exp(chance.uniform(0, 30))) for _ in range(2400)},
        "clusters": {chance.choice([0, 10**9, 10**9 + 10**6, 5 * 10**10]) + chance.randrange(4800) for _ in range(2400)},
        "at the end": {10**12 + chance.randrange(24_000) for _ in range(2400)},
    }[kind]
    collection = Capped([{"id": number} for number in numbers], cap=300, page=30, order=order, declares=declares)
    assert len(list(sliced(collection, high=max(numbers) + 1))) == len(numbers)
    assert collection.requests / (len(numbers) / 30) <= 4


@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
@pytest.mark.parametrize("declares", [False, True])
def test_both_ends_may_be_open(order: str, declares: bool) -> None:
    rows = [{"id": number} for number in range(-200, 300)]
    collection = Capped(rows, cap=50, page=10, order=order, declares=declares)
    source = sliced(collection, low=None, high=None)
    assert sorted(ids(source)) == list(range(-200, 300))
    assert source.evidence.complete is True
    assert collection.asked[0] == (None, None)


def test_an_empty_collection_and_an_empty_range() -> None:
    collection = Capped([])
    assert (list(sliced(collection)), sliced(collection, high=0).to_list()) == ([], [])
    source = sliced(collection, high=0)
    assert list(source) == []
    assert source.evidence.complete is True


# ---------------------------------------------------------------------- kinds of bounds


def moments(count: int, write: Any) -> list[dict[str, Any]]:
    return [{"id": number, "at": write(NOW - timedelta(seconds=977 * number))} for number in range(count)]


@pytest.mark.parametrize(
    ("write", "low"),
    [
        (lambda at: at.isoformat(), "2026-01-01T00:00:00+00:00"),
        (lambda at: at.isoformat().replace("+00:00", "Z"), "2026-01-01T00:00:00Z"),
        (lambda at: at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "2026-01-01T00:00:00.000Z"),
        (lambda at: at.isoformat(), datetime(2026, 1, 1, tzinfo=UTC)),
        (lambda at: at, datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))),
        (lambda at: at.replace(tzinfo=None), datetime(2026, 1, 1)),
        (lambda at: at.strftime("%Y-%m-%d %H:%M:%S+0000"), "2026-01-01 00:00:00+0000"),
    ],
)
def test_times_are_cut_and_written_as_they_are(write: Any, low: Any) -> None:
    def place(value: Any) -> Any:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    collection = Capped(moments(300, write), by="at", cap=40, page=10, place=place)
    source = sliced(collection, low=low, key="id")

    async def main() -> None:
        assert len([record async for record in source]) == 300

    simulate(main, start=NOW)
    assert source.evidence.complete is True
    for bounds in collection.asked:
        for bound in bounds:
            assert type(bound) is type(low)
            if isinstance(low, str):
                assert len(bound) == len(low)
                assert bound[10] == low[10]


def test_days_end_after_today_and_numbers_are_open() -> None:
    collection = Capped([{"id": n, "day": date(2026, 3, 1) - timedelta(days=n)} for n in range(100)], by="day", cap=20, page=10)
    source = sliced(collection, low=date(2025, 1, 1), key="id")

    async def main() -> None:
        assert len([record async for record in source]) == 100

    simulate(main, start=NOW)
    assert collection.asked[0] == (date(2025, 1, 1), date(2026, 3, 3))
    numbers = Capped([], by="id")
    list(sliced(numbers, low=5))
    assert numbers.asked == [(5, None)]


@pytest.mark.parametrize(
    ("make", "low", "high", "options"),
    [
        (str, "0", "1000", {}),
        (lambda n: Decimal(n) / 100, Decimal("0.00"), Decimal("10.00"), {}),
        (lambda n: n / 100, Decimal("0.00"), Decimal("10.00"), {}),
        (lambda n: f"{n / 100:.2f}", "0.00", "10.00", {}),
        (lambda n: UUID(int=n << 100), UUID(int=0), UUID(int=(1 << 128) - 1), {}),
        (lambda n: str(UUID(int=n << 100)), str(UUID(int=0)), str(UUID(int=(1 << 128) - 1)), {}),
        (lambda n: f"{n:06x}", "000000", "ffffff", {"alphabet": "0123456789abcdef"}),
        (
            lambda n: "001" + chr(65 + n // 26 % 26) + chr(97 + n % 26),
            "00100",
            "001zz",
            {"alphabet": "".join(map(chr, [*range(48, 58), *range(65, 91), *range(97, 123)]))},
        ),
        (lambda n: "k" + "abcde"[n % 5] * (n // 5 % 40 + 1), "k", "ke" + "e" * 40, {"alphabet": "abcdefghijk"}),
    ],
)
@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
def test_every_kind_of_bound_is_cut(make: Any, low: Any, high: Any, options: Any, order: str) -> None:
    values = {make(number): None for number in range(1, 200)}

    def place(value: Any) -> Any:
        return Decimal(str(value)) if isinstance(low, Decimal) or (isinstance(low, str) and "." in low) else int(value) if low == "0" else value

    collection = Capped([{"id": value} for value in values], cap=20, page=10, order=order, place=place)
    source = sliced(collection, low=low, high=high, **options)
    assert sorted(ids(source), key=str) == sorted(values, key=str)
    assert source.evidence.complete is True
    assert all(type(bound) is type(low) for bounds in collection.asked for bound in bounds)


def test_the_smallest_step_of_times_is_what_the_bounds_show() -> None:
    assert scale_of(datetime(2026, 1, 1)).position(datetime(1970, 1, 1, 0, 0, 1, 999_999)) == 1
    assert scale_of(datetime(2026, 1, 1), resolution=0.001).position(datetime(1970, 1, 1, 0, 0, 1)) == 1000
    assert scale_of(datetime(2026, 1, 1, 0, 0, 0, 5)).position(datetime(1970, 1, 1, 0, 0, 1)) == 1_000_000
    assert scale_of("2026-01-01T00:00:00.123Z").value(1) == "1970-01-01T00:00:00.001Z"
    assert scale_of("2026-01-01T00:00:00.1234567Z").value(1) == "1970-01-01T00:00:00.000001Z"
    assert scale_of("2026-01-01T00:00:00Z", resolution=timedelta(milliseconds=1)).value(1) == "1970-01-01T00:00:00.001Z"
    assert scale_of(Decimal(1), resolution=Decimal("0.1")).value(3) == Decimal("0.3")
    assert scale_of("6BA7B810-9DAD-11D1-80B4-00C04FD430C8").value(10) == "00000000-0000-0000-0000-00000000000A"


def test_ids_longer_than_the_bounds_are_told_apart_by_their_beginning() -> None:
    scale = scale_of("001aa", "001zz", alphabet="0123456789abcdefghijklmnopqrstuvwxyz")
    assert scale.position("001abXYZ") == scale.position("001ab")
    with pytest.raises(ValueError, match="shorter than the bounds"):
        scale.position("001a")


@pytest.mark.parametrize(
    ("bounds", "options", "words"),
    [
        ((1.5,), {}, "take whole numbers"),
        ((True,), {}, "take whole numbers"),
        ((None, b"x"), {}, "take whole numbers"),
        (("abc",), {}, "alphabet="),
        ((1, "x"), {}, "of one kind"),
        ((date(2026, 1, 1), datetime(2026, 1, 1)), {}, "give the bounds as times"),
        ((datetime(2026, 1, 1), 5), {}, "not a time"),
        ((Decimal(1), "x"), {}, "not a number"),
        ((UUID(int=1), 3), {}, "not a UUID"),
        (("ab", "xy"), {"alphabet": "abc"}, "not in the alphabet"),
        (("ab", 1), {"alphabet": "abc"}, "not text"),
        (("ab",), {"alphabet": "ba"}, "ascending order"),
        (("ab", 5), {"alphabet": "ab"}, "not text"),
        ((datetime(2026, 1, 1),), {"resolution": 0}, "resolution="),
        ((Decimal(1),), {"resolution": 0.5}, "resolution="),
    ],
)
def test_bounds_that_cannot_be_cut_are_said(bounds: Any, options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        scale_of(*bounds, **options)


# ---------------------------------------------------------------------- what goes wrong


def test_a_slice_that_stays_full_is_named(world: Any) -> None:
    rows = [{"id": n, "at": n // 10} for n in range(300)] + [{"id": 1000 + n, "at": 7} for n in range(60)]
    collection = Capped(rows, by="at", cap=50, page=10)

    async def main() -> None:
        source = sliced(collection, key="id", high=100)
        found: list[int] = []

        async def read() -> None:
            async for record in source:
                found.append(record["id"])

        with pytest.raises(IncompleteRead, match="at 7 is full with 50 records where the cap is 50: it cannot be cut further") as caught:
            await read()
        assert len(found) == len(set(found)) == 340  # 300 and 60, less what the server does not give of at=7
        assert caught.value.evidence is not None
        assert caught.value.evidence.complete is False
        assert source.evidence.complete is False
        assert source.open_read().checkpoint is not None

    world(main)


def test_with_a_warning_where_asked() -> None:
    collection = Capped([{"id": 3}] * 60, cap=50, page=10)
    source = sliced(collection, key=None, incomplete="warn")
    with pytest.warns(IncompleteReadWarning, match="id 3 is full"):
        assert len(list(source)) == 50


@pytest.mark.parametrize("workers", [1, 4])
def test_a_server_that_ignores_the_slice_is_found_out(world: Any, workers: int) -> None:
    collection = Capped(IDS, cap=50, page=10)
    source = sliced(collection, slice=lambda low, high: collection.between(None, None), high=1000, workers=workers)

    async def main() -> None:
        with pytest.raises(
            ReadError, match=r"asked for id from \d+ on, below \d+, the server also gave record .* it ignores the parameters"
        ) as caught:
            async for _ in source:
                pass
        assert caught.value.evidence is not None
        assert caught.value.evidence.complete is False

    world(main)
    assert collection.requests <= 20


def test_a_server_that_compares_inclusively_is_told() -> None:
    collection = Capped(IDS, cap=50, page=10)

    def inclusive(low: Any, high: Any) -> Any:
        return collection.between(low, None if high is None else high + 1)

    with pytest.raises(ReadError, match="inclusive=True"):
        list(sliced(collection, slice=inclusive))
    source = sliced(collection, slice=inclusive, inclusive=True, high=501)
    assert ids(source) == list(range(1, 501))
    assert source.evidence.complete is True


def test_a_server_that_orders_otherwise_is_not_believed() -> None:
    """Ids compared as text, and cut as numbers: slices lose rows, and what a full one showed does not come again."""
    collection = Capped([{"id": str(n)} for n in range(1, 200)], cap=50, page=10)  # as text "9" is above "10"
    source = sliced(collection, low="1", high="999")
    with pytest.raises(ReadError) as caught:
        list(source)
    assert "compares otherwise" in str(caught.value)


def test_rows_that_vanish_while_slices_are_cut_leave_it_unproved() -> None:
    collection = Capped(IDS, cap=50, page=10)

    def vanish() -> None:
        if collection.requests == 5:
            del collection.rows[10:20]

    collection.before = vanish
    source = sliced(collection, high=60)
    assert len(list(source)) == 49
    assert source.evidence.complete is None
    assert any("showed 50 records, and its parts brought 49" in reason for reason in source.evidence.reasons)


def test_a_record_that_moves_comes_as_it_was_and_as_it_is() -> None:
    collection = Capped([{"id": n, "at": n} for n in range(90)], by="at", cap=50, page=10)

    def move() -> None:
        if collection.requests == 9:
            collection.rows[0] = {"id": 0, "at": 95}

    collection.before = move
    source = sliced(collection, key="id")
    assert len(ids(source)) == 91
    assert source.evidence.complete is True
    assert any("1 records changed while they were read" in note for note in source.evidence.notes)


def test_one_key_in_two_slices_is_no_proof() -> None:
    collection = Capped([{"id": n % 60, "at": 5} for n in range(70)], by="at", cap=100, page=10)
    with pytest.raises(IncompleteRead, match="10 records came twice"):
        list(sliced(collection, key="id"))


@pytest.mark.parametrize(("complete", "raises"), [(None, False), (False, True)])
def test_slices_prove_together_what_each_of_them_proves(complete: bool | None, raises: bool) -> None:
    collection = Capped(IDS, cap=50, page=10, complete=complete)
    source = sliced(collection)
    if raises:
        with pytest.raises(IncompleteRead, match="rows were counted off"):
            list(source)
    else:
        assert len(list(source)) == 500
    assert source.evidence.complete is complete
    assert source.evidence.reasons


class Short:
    """A source whose read is over before all came, and says so."""

    def __init__(self, rows: list[Any], total: int) -> None:
        self.rows, self.total = rows, total

    def open_read(self, since: Any = None) -> Any:
        self.left: list[Any] = [Page(self.rows)]
        return self

    checkpoint = None

    async def next_page(self) -> Any:
        if self.left:
            return self.left.pop()
        raise IncompleteRead("short", evidence=self.evidence)

    @property
    def evidence(self) -> Evidence:
        return Evidence(complete=False, reasons=(f"the server declared {self.total} records",), declared_total=self.total)


def test_a_short_slice_makes_the_whole_incomplete() -> None:
    source = SlicedRead(slice=lambda low, high: Short([{"id": 1}], 2), by="id", low=0, cap=10, name="short")
    with pytest.raises(IncompleteRead, match="id from 0 on: the server declared 2 records"):
        list(source)


def test_nulls_belong_to_no_slice() -> None:
    rows = [*IDS, {"id": None}]
    collection = Capped(rows, cap=1000, page=100)
    assert len(list(sliced(collection, low=None))) == 501  # one question without bounds
    collection = Capped(rows[-101:], cap=100, page=50, order="descending")
    with pytest.raises(IncompleteRead, match="1 records without a id came"):
        list(sliced(collection, low=None))
    with pytest.raises(ReadError, match="with null"):
        list(SlicedRead(slice=lambda low, high: [{"id": None}], by="id", low=0, cap=10, name="nulls"))


@pytest.mark.parametrize(
    ("record", "words"),
    [({"name": "a"}, "has no 'id', by which it is cut"), ({"id": "x"}, "not a whole number"), (7, "has no 'id'")],
)
def test_a_record_that_does_not_fit_is_named(record: Any, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        list(SlicedRead(slice=lambda low, high: [record], by="id", low=0, cap=10))
    with pytest.raises(DecodeError, match="alphabet="):
        list(SlicedRead(slice=lambda low, high: [{"id": "x-1"}], by="id", cap=10))


def test_tombstones_pass() -> None:
    dead = [Tombstone(5, record={"id": 5}), Tombstone(6)]
    assert list(SlicedRead(slice=lambda low, high: dead, by="id", key="id", low=0, cap=10)) == dead


def test_a_read_goes_on_after_an_error(world: Any) -> None:
    collection = Capped(IDS, cap=50, page=10)
    failing = iter(range(1, 1000))

    def fail() -> None:
        if next(failing) % 7 == 0:
            raise ServerError("away")

    collection.before = fail

    async def main() -> None:
        reader = sliced(collection, workers=2).open_read()
        found: list[Any] = []
        errors = 0
        while True:
            try:
                page = await reader.next_page()
            except ServerError:
                errors += 1
                continue
            if page is None:
                break
            found += ids(page.records)
        assert sorted(found) == list(range(1, 501))
        assert errors > 3
        assert reader.evidence.complete is True

    world(main)


def test_a_record_that_did_not_fit_is_not_passed_over() -> None:
    collection = Capped([{"id": n} for n in range(30)], cap=50, page=10)
    collection.rows[15] = {"id": "bad"}
    collection.place = lambda value: 15 if value == "bad" else value
    read = sliced(collection, key=None).read()
    with pytest.raises(DecodeError):
        list(read)
    collection.rows[15] = {"id": 15}
    assert ids(read) == list(range(30))


def test_a_full_slice_of_which_nothing_is_known_is_cut_in_half() -> None:
    scale = scale_of(0)
    assert [(part.low, part.high) for part in cut(Slice(0, 10), 5, scale, "")] == [(0, 5), (5, 10)]
    assert cut(Slice(None, 10), 5, scale, "") == []
    assert cut(Slice(3, 4, places=[3]), 5, scale, "") == []
    assert step(Slice(None, 4, density=1.0), 5, scale) is None
    days = scale_of(date(2026, 1, 1))
    assert step(Slice(date(9999, 12, 30).toordinal(), None, density=0.001), 10, days) is not None
    moments = scale_of(datetime(9999, 12, 30))
    assert step(Slice(moments.position(datetime(9999, 12, 30)), None, density=1e-9), 10, moments) is None
    first = moments.position(datetime(1, 1, 1))
    parts = cut(Slice(None, None, places=[first + number for number in range(20, 0, -1)], came=20), 20, moments, "")
    assert [(part.low, part.high) for part in parts] == [(None, first + 6), (first + 6, None)]


# ---------------------------------------------------------------------- resuming, and going on later


@pytest.mark.parametrize("high", [600, None])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_read_resumes_at_the_first_slice_that_is_not_done(high: Any, workers: int) -> None:
    for stop in range(1, 60, 4):
        collection = Capped(IDS, cap=50, page=10)
        source = sliced(collection, high=high, workers=workers)
        seen: list[Any] = []
        checkpoint: Checkpoint | None = None
        for number, page in enumerate(source.pages(), 1):
            seen += ids(page.records)
            checkpoint = page.checkpoint
            if number == stop:
                break
        assert checkpoint is not None
        checkpoint = Checkpoint.from_dict(checkpoint.to_dict())
        if checkpoint.token is not None:
            assert checkpoint.mode == "slices"
        rest = source.read(checkpoint)
        again = ids(rest)
        assert set(seen) | set(again) == set(range(1, 501))
        assert len(seen) + len(again) <= 500 + 50 or checkpoint.token is None
        assert rest.evidence.complete is True
        if checkpoint.token is not None and rest.evidence.records:
            assert rest.evidence.records == 500


def test_what_was_missing_before_a_resume_is_still_missing() -> None:
    rows = [{"id": n, "at": n} for n in range(100)] + [{"id": 500 + n, "at": 3} for n in range(60)]
    source = sliced(Capped(rows, by="at", cap=50, page=10), key="id", high=200)
    pages: list[Page] = []
    with pytest.raises(IncompleteRead):
        pages.extend(source.pages())
    for page in pages[10:]:
        with pytest.raises(IncompleteRead, match="at 3 is full"):
            list(source.read(page.checkpoint))


def test_a_watermark_begins_the_next_read() -> None:
    collection = Capped([{"id": n, "at": 1_800_000_000 + n} for n in range(200)], by="at", cap=50, page=10)
    source = sliced(collection, key="id", watermark=True, window=Window(overlap=5))
    reader = source.open_read()
    assert reader.checkpoint is not None
    assert reader.checkpoint.token is None
    read = list(source.pages())
    assert sum(map(len, read)) == 200
    last = source._latest.checkpoint  # type: ignore[union-attr]
    assert last is not None
    assert (last.token, last.watermark) == (None, 1_800_000_199)
    collection.rows += [{"id": 300, "at": 1_800_000_300}]
    collection.asked.clear()
    assert ids(source.read(last)) == [194, 195, 196, 197, 198, 199, 300]
    assert collection.asked[0] == (1_800_000_194, None)
    collection.rows.clear()
    later = source.open_read(last)
    assert later.checkpoint == evolve(last, born=None)


def test_a_watermark_does_not_move_when_the_read_was_incomplete() -> None:
    collection = Capped([{"id": n, "at": 5} for n in range(60)], by="at", cap=50, page=10)
    source = sliced(collection, key="id", watermark=True, incomplete="warn")
    with pytest.warns(IncompleteReadWarning):
        list(source)
    assert source._latest.checkpoint.watermark is None  # type: ignore[union-attr]


def test_without_a_watermark_each_read_is_of_all() -> None:
    source = sliced(Capped(IDS, cap=50, page=10))
    list(source)
    assert len(list(source.read(source._latest.checkpoint))) == 500  # type: ignore[union-attr]


def test_the_checkpoint_of_another_read_is_refused_and_a_foreign_token_dropped() -> None:
    source = sliced(Capped(IDS, cap=50, page=10), name="contacts")
    *_, page = source.pages()
    assert page.checkpoint is not None
    with pytest.raises(CheckpointMismatch):
        list(source.read(evolve(page.checkpoint, resource="other")))
    with pytest.raises(CheckpointMismatch):
        list(sliced(Capped(IDS, cap=50, page=10), name="contacts", low=1).read(page.checkpoint))
    with pytest.raises(CheckpointMismatch, match="begins at a Checkpoint"):
        source.open_read("yesterday")  # type: ignore[arg-type]
    read = source.read(evolve(page.checkpoint, mode="offset", token={"offset": 5}))
    assert len(list(read)) == 500
    assert any("began anew" in note for note in read.evidence.notes)


# ---------------------------------------------------------------------- where it ends, and feeds that cannot be cut


def test_the_upper_bound_may_be_asked_for(world: Any) -> None:
    async def highest() -> int:
        return 300

    for high in (lambda: 300, highest):
        collection = Capped(IDS, cap=50, page=10)

        async def main(high: Any = high, collection: Capped = collection) -> None:
            assert [record["id"] async for record in sliced(collection, high=high)] == list(range(1, 300))

        world(main)


def test_a_saturated_feed_is_no_place_to_go_on_from() -> None:
    collection = Capped([{"id": n, "at": n} for n in range(1, 61)], by="at", cap=50, page=50)
    feed = SlicedRead(
        slice=lambda low, high: collection.between(low, None), by="at", key="id", cap=50, low=0, saturation="fail", watermark=True, name="changes"
    )
    with pytest.raises(IncompleteRead, match="this feed is saturated"):
        list(feed)
    assert feed._latest.checkpoint.watermark is None  # type: ignore[union-attr]
    del collection.rows[40:]
    assert len(list(feed)) == 40
    checkpoint = feed._latest.checkpoint  # type: ignore[union-attr]
    assert checkpoint.watermark == 40
    collection.rows.append({"id": 99, "at": 99})
    assert ids(feed.read(checkpoint)) == [40, 99]


def test_a_feed_without_an_upper_bound_keeps_to_it_here() -> None:
    collection = Capped(IDS, cap=1000, page=100)
    feed = SlicedRead(slice=lambda low, high: collection.between(low, None), by="id", cap=1000, low=10, high=20, saturation="fail")
    assert ids(feed) == list(range(10, 20))


# ---------------------------------------------------------------------- resources


class Crm(Connector):
    contacts = Resource("/contacts", key="id", records="results", paginator=OffsetPaginator(limit=10, total="total"), stability="keyset")


def test_a_resource_is_narrowed_by_two_parameters(serve: Any) -> None:
    def answer(asked: Any) -> Any:
        low, high = int(asked.params.get("id_gte", 0)), int(asked.params.get("id_lt", 10**9))
        rows = [row for row in IDS if low <= row["id"] < high]
        offset = int(asked.params["offset"]) if "offset" in asked.params else 0
        assert asked.params["state"] == "open"
        if offset >= 50:
            return 400, {}, {"message": "only the first 50 can be paged through"}
        return {"results": rows[offset : offset + 10], "total": len(rows)}

    server = serve(answer)
    with Crm(base_url=server.url) as crm:
        source = SlicedRead(crm.contacts.where(state="open"), by="id", low=0, cap=50, params=("id_gte", "id_lt"), workers=2)
        assert ids(source) == list(range(1, 501))
        assert source.evidence.complete is True
        assert (source.name, source.key) == ("contacts", "id")
        page = next(iter(source.pages()))
        assert page.checkpoint is not None
        assert page.checkpoint.resource.endswith("/contacts")
        other = SlicedRead(crm.contacts.where(state="closed"), by="id", low=0, cap=50, params=("id_gte", "id_lt"))
        with pytest.raises(CheckpointMismatch):
            list(other.read(page.checkpoint))


def test_nothing_was_read_yet() -> None:
    source = sliced(Capped([]), name="contacts")
    assert source.evidence.reasons == ("nothing was read yet",)
    assert "by 'id', 1000 at a time" in repr(source)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": 3}, "name of a field"),
        ({"by": "a..b"}, "dotted path"),
        ({"cap": 0}, "cap="),
        ({"cap": True}, "cap="),
        ({"workers": 0}, "workers="),
        ({"saturation": "ignore"}, "'cut' or 'fail'"),
        ({"incomplete": "no"}, "'raise' or 'warn'"),
        ({"inclusive": 1}, "True or False"),
        ({"watermark": 1}, "True or False"),
        ({"window": Window()}, "needs watermark=True"),
        ({"low": 5, "high": 3}, "below the lower"),
        ({"low": 5.5}, "whole numbers"),
        ({"key": 3}, "key="),
        ({"name": ""}, "name="),
        ({"slice": 3}, "function of two bounds"),
        ({"slice": None}, "takes a resource and params="),
        ({"params": ("a", "b")}, "takes a resource and params="),
        ({"low": None, "saturation": "fail", "watermark": True}, "needs low="),
    ],
)
def test_wrong_arguments_are_said(options: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"slice": lambda low, high: [], "by": "id", "cap": 10, "low": 0}
    with pytest.raises(ConfigurationError, match=words):
        SlicedRead(**(given | options))


@pytest.mark.parametrize(("source", "params", "words"), [([], ("a", "b"), "which has where"), ("orders", ("a", "b"), "which has where")])
def test_a_source_that_cannot_be_narrowed_is_said(source: Any, params: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SlicedRead(source, by="id", cap=10, params=params)
    with pytest.raises(ConfigurationError, match="use it on an instance"):
        SlicedRead(Crm.contacts, by="id", cap=10, params=("a", "b"))
    with Crm(base_url="http://127.0.0.1:1") as crm, pytest.raises(ConfigurationError, match="lower and the upper"):
        SlicedRead(crm.contacts, by="id", cap=10, params=("a",))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- bounds between two steps, and after a resume


BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "low", "high", "resolution"),
    [
        ([Decimal(number) / 1000 for number in range(2000)], Decimal("0.105"), Decimal("1.995"), Decimal("0.01")),
        ([BEGIN + timedelta(seconds=number) for number in range(600)], BEGIN + timedelta(seconds=45), BEGIN + timedelta(seconds=590), 60),
    ],
)
def test_bounds_between_two_steps_lose_nothing_and_add_nothing(values: list[Any], low: Any, high: Any, resolution: Any) -> None:
    collection = Capped([{"id": value} for value in values], cap=100, page=50)
    source = sliced(collection, low=low, high=high, resolution=resolution)
    assert ids(source) == [value for value in values if low <= value < high]
    assert source.evidence.complete is True
    # Both within one step.
    assert ids(sliced(collection, low=values[45], high=values[47], resolution=resolution)) == values[45:47]
    assert ids(sliced(collection, low=values[45], high=values[45], resolution=resolution)) == []


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([BEGIN + timedelta(seconds=number) for number in range(500)], BEGIN, BEGIN + timedelta(seconds=600)),
        ([date(2026, 1, 1) + timedelta(days=number) for number in range(500)], date(2026, 1, 1), date(2030, 1, 1)),
        ([Decimal(number) / 10 for number in range(500)], Decimal("0.0"), Decimal("99.9")),
        ([UUID(int=number << 118) for number in range(500)], UUID(int=0), None),
    ],
)
def test_a_read_that_is_resumed_asks_with_bounds_of_the_same_kind(values: list[Any], low: Any, high: Any) -> None:
    collection = Capped([{"id": value} for value in values], cap=50, page=10)
    source = sliced(collection, low=low, high=high)
    found: list[Any] = []
    for page in source.pages():
        found += ids(page.records)
        if len(found) >= 200:
            assert page.checkpoint is not None
            checkpoint = Checkpoint.from_dict(page.checkpoint.to_dict())
            break
    collection.asked.clear()
    found += ids(source.read(checkpoint))
    assert set(found) == set(values)
    assert {type(bound) for asked in collection.asked for bound in asked if bound is not None} == {type(low)}


def test_a_watermark_that_is_text_asks_with_a_bound_of_the_same_kind() -> None:
    asked: list[Any] = []

    def between(low: Any, high: Any) -> Any:
        asked.append(low)
        return [{"id": 1, "at": "2026-01-01T00:00:05Z"}]

    source = SlicedRead(slice=between, by="at", cap=10, low=BEGIN, high=BEGIN + timedelta(days=1), key="id", watermark=True)

    async def main() -> None:
        since = None
        for _ in range(2):
            reader = source.open_read(since)
            while await reader.next_page() is not None:
                pass
            since = reader.checkpoint

    simulate(main)
    assert asked == [BEGIN, BEGIN + timedelta(seconds=5)]
