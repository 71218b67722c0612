"""The column that grows: its highest value, and bounds that are moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.model import Window
from integrakit.sql.horizon import Horizon, postgresql_horizon
from integrakit.sql.reader import advanced, bounded
from integrakit.sql.watermarks import Cursor, Kind, capped, earlier

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


def cursor(kind: Kind) -> Cursor:
    return Cursor(name="at", sql="at", kind=kind)


@pytest.mark.parametrize(
    ("kind", "values", "before", "highest"),
    [
        ("stored", [None, 1, "a", 2.5], None, "a"),
        ("stored", [None], 7, 7),
        ("stored", [b"x", "y"], 7, b"x"),
        ("zoned", [NOON, None, "infinity", NOON - timedelta(hours=1)], None, "2024-01-31 12:00:00+00:00"),
        ("zoned", [NOON], "2024-01-31 14:00:00.5+01:00", "2024-01-31 14:00:00.500000+01:00"),
        ("naive", [NOON.replace(tzinfo=None), "0000-00-00 00:00:00"], None, "2024-01-31 12:00:00"),
        ("naive", [date(2024, 1, 31)], "2024-01-30", "2024-01-31"),
        ("number", [Decimal("1.50"), Decimal("NaN")], None, "1.50"),
        ("number", [Decimal(2)], "12.5", "12.5"),
        ("number", [3, 9], 7, 9),
        ("text", ["a", "B"], None, "a"),
        ("xid8", [3, 2**40], 5, 2**40),
        ("zoned", ["infinity"], None, None),
    ],
)
def test_the_highest(kind: Kind, values: list[Any], before: Any, highest: Any) -> None:
    assert cursor(kind).highest(values, before) == highest


@pytest.mark.parametrize(
    ("mark", "seconds", "expected"),
    [
        (None, 5, None),
        ("2024-01-31 12:00:00", 0, "2024-01-31 12:00:00"),
        ("2024-01-31 12:00:00", 90, "2024-01-31 11:58:30"),
        ("2024-01-31 12:00:00+05:30", 90, "2024-01-31 11:58:30+05:30"),
        ("2024-01-31T12:00:00.250Z", 0.5, "2024-01-31T11:59:59.750Z"),
        ("2024-01-31 12:00:00.123456", 1, "2024-01-31 11:59:59.123456"),
        ("2024-01-31 12:00:00", 0.5, "2024-01-31 11:59:59"),
        ("2024-01-31", 90, "2024-01-30"),
        ("0001-01-01 00:00:00", 90, "0001-01-01 00:00:00"),
        ("2024-01-31", 1e15, "0001-01-02"),
        (1_700_000_000, 1.5, 1_699_999_998),
        (1_700_000_000_000, 1.5, 1_699_999_998_500),
        (1_700_000_000.5, 1, 1_699_999_999.5),
    ],
)
def test_earlier(mark: Any, seconds: float, expected: Any) -> None:
    assert earlier(mark, seconds) == expected


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (None, None),
        ("2024-01-31 11:00:00", "2024-01-31 11:00:00"),
        ("2024-01-31 13:00:00", "2024-01-31 12:00:00"),
        ("2024-01-31 13:30:00.5+01:00", "2024-01-31 13:00:00.000+01:00"),
        ("2024-01-31 12:30:00+01:00", "2024-01-31 12:30:00+01:00"),
        ("2024-02-01", "2024-01-31"),
        (1_706_700_000, 1_706_700_000),
        (1_800_000_000, 1_706_702_400),
        (1_800_000_000_000, 1_706_702_400_000),
        (1_800_000_000.5, 1_706_702_400.0),
    ],
)
def test_capped(mark: Any, expected: Any) -> None:
    assert capped(mark, NOON) == expected


def test_what_is_no_time_cannot_be_moved() -> None:
    for mark in ("a", "2024-13-31", b"x"):
        with pytest.raises(ConfigurationError, match="window= needs a cursor of times"):
            earlier(mark, 5)
        with pytest.raises(ConfigurationError, match="window= needs a cursor of times"):
            capped(mark, NOON)


class _Session:
    connection = None

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def rows(self, statement: str, values: Any) -> Any:
        return self.answers.pop(0)


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class TestHorizon:
    def taken(self, *, oldest: datetime | None = None, replica: bool = False, hidden: int = 0, prepared: list[Any] | None = None) -> Horizon:
        return postgresql_horizon(_Session([(micros(NOON), replica, 77, None if oldest is None else micros(oldest), hidden)], prepared or []))

    def test_it_is_a_second_before_the_oldest_open_transaction(self) -> None:
        alone = self.taken()
        assert (alone.start, alone.age, alone.held, alone.xmin, alone.notes) == (NOON - timedelta(seconds=1), 1.0, False, 77, ())
        shared = self.taken(oldest=NOON - timedelta(seconds=9))
        assert (shared.start, shared.age) == (NOON - timedelta(seconds=10), 10.0)
        # A clock that was set back.
        assert self.taken(oldest=NOON + timedelta(seconds=9)).start == NOON - timedelta(seconds=1)

    def test_what_cannot_be_known_is_said(self) -> None:
        replica, hidden, held = self.taken(replica=True), self.taken(hidden=3), self.taken(prepared=[("gid",)])
        assert (replica.start, hidden.start) == (None, None)
        assert (replica.xmin, hidden.xmin) == (77, 77)
        assert "replica" in replica.notes[0]
        assert "3 sessions of other users are hidden" in hidden.notes[0]
        assert held.held
        assert "'gid' is neither committed nor rolled back" in held.notes[0]

    def test_it_travels_in_checkpoints(self) -> None:
        for horizon in (self.taken(), self.taken(replica=True), self.taken(prepared=[("gid",)]), Horizon()):
            assert Horizon.from_list(horizon.to_list()) == horizon
        for wrong in ([], [1, 2, 3, 4, []], [None, "x", 0, False, []]):
            with pytest.raises((ValueError, TypeError)):
                Horizon.from_list(wrong)


def after(kind: Kind, highest: Any, floor: Any = None, horizon: Horizon | None = None, window: Window | None = None, took: float = 0) -> Any:
    ended = NOON + timedelta(seconds=took)
    return advanced(cursor(kind), highest, floor=floor, window=window or Window(), horizon=horizon, began=NOON, ended=ended)


class TestAdvancing:
    def test_without_a_horizon_it_is_the_highest_value_and_never_below_where_it_was(self) -> None:
        assert after("zoned", "2024-01-31 13:00:00+00:00") == "2024-01-31 13:00:00+00:00"
        assert after("zoned", "2024-01-31 13:00:00+00:00", floor="2024-01-31 15:00:00+01:00") == "2024-01-31 15:00:00+01:00"
        assert after("number", "9", floor="10") == "10"
        assert after("zoned", None, floor="2024-01-31") == "2024-01-31"
        assert after("zoned", None) is None

    def test_times_with_a_zone_stop_at_the_horizon(self) -> None:
        horizon = Horizon(start=NOON, xmin=5, age=1)
        assert after("zoned", "2024-01-31 13:00:00+00:00", horizon=horizon) == "2024-01-31 12:00:00+00:00"
        assert after("zoned", "2024-01-31 11:00:00+00:00", horizon=horizon) == "2024-01-31 11:00:00+00:00"
        assert after("zoned", "2024-01-31 13:00:00+00:00", floor="2024-01-31 12:30:00+00:00", horizon=horizon) == "2024-01-31 12:30:00+00:00"

    def test_times_without_one_go_back_by_what_was_open_for_how_long(self) -> None:
        horizon = Horizon(start=NOON, xmin=5, age=10)
        assert after("naive", "2024-01-31 21:00:00", horizon=horizon, took=20) == "2024-01-31 20:59:30"
        assert after("naive", "2024-01-31 21:00:00", horizon=Horizon(xmin=5), took=20) == "2024-01-31 21:00:00"

    def test_a_prepared_transaction_holds_it(self) -> None:
        horizon = Horizon(start=NOON, xmin=5, held=True)
        assert after("zoned", "2024-01-31 11:00:00+00:00", floor="2024-01-30 00:00:00+00:00", horizon=horizon) == "2024-01-30 00:00:00+00:00"
        assert after("naive", "2024-01-31 11:00:00", horizon=horizon) is None

    def test_transaction_numbers_stop_below_the_oldest_that_runs(self) -> None:
        horizon = Horizon(xmin=50, held=True)
        assert after("xid8", 40, floor=30, horizon=horizon) == 50
        conditions, values = bounded(cursor("xid8"), 30, Window(overlap=60), horizon)
        assert (len(conditions), values) == (2, [30, 50])

    def test_settling_and_overlapping(self) -> None:
        window = Window(settle=60, overlap=30)
        assert after("zoned", "2024-01-31 12:00:00+00:00", window=window) == "2024-01-31 11:59:00+00:00"
        assert after("number", 1_706_702_400, window=window) == 1_706_702_340
        assert after("zoned", None, window=window) is None
        assert bounded(cursor("zoned"), "2024-01-31 12:00:00+00:00", window, None)[1] == ["2024-01-31 11:59:30+00:00"]
        assert bounded(cursor("zoned"), None, window, None) == ([], [])

    def test_a_zone_of_whole_hours_is_kept(self) -> None:
        there = NOON.astimezone(timezone(timedelta(hours=9)))
        assert after("zoned", there.isoformat(sep=" "), window=Window(settle=3600)) == "2024-01-31 20:00:00+09:00"
