"""Intervals: what is merged, what is left over, what two have in common; and how a long range is divided."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrakit.errors import ConfigurationError
from integrakit.reading.intervals import intersected, merged, without
from integrakit.reading.partitions import Grid


def test_intervals_that_overlap_or_touch_become_one() -> None:
    assert merged([(5, 7), (1, 3), (3, 4), (2, 3), (9, 9), (10, 8)]) == [(1, 4), (5, 7)]
    assert merged([]) == []
    assert merged([(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1))]) == [(date(2026, 1, 1), date(2026, 3, 1))]


def test_what_is_taken_leaves_the_rest() -> None:
    assert without([(0, 10)], [(2, 3), (5, 7)]) == [(0, 2), (3, 5), (7, 10)]
    assert without([(0, 4), (6, 9)], [(3, 7)]) == [(0, 3), (7, 9)]
    assert without([(0, 4)], [(-1, 9)]) == []
    assert without([(0, 4)], []) == [(0, 4)]
    assert intersected([(0, 4), (6, 9)], [(3, 7)]) == [(3, 4), (6, 7)]


# ---------------------------------------------------------------------- grids


def cells(start: Any, end: Any, step: Any) -> list[tuple[Any, Any]]:
    grid = Grid(start, end, step, None)
    return [grid.values(cell) for cell in grid.cells]


def test_months_are_those_of_the_calendar() -> None:
    assert cells(date(2024, 1, 31), date(2024, 4, 10), "1 month") == [
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2024, 2, 29), date(2024, 3, 31)),
        (date(2024, 3, 31), date(2024, 4, 10)),
    ]
    assert len(cells(date(2019, 1, 1), date(2026, 1, 1), "1 month")) == 84
    assert len(cells(date(2019, 1, 1), date(2026, 1, 1), "year")) == 7
    assert cells(date(9999, 1, 1), date(9999, 12, 31), "2 years") == [(date(9999, 1, 1), date(9999, 12, 31))]


@pytest.mark.parametrize(("step", "count"), [("1 day", 31), ("7 days", 5), ("2 weeks", 3), (timedelta(days=10), 4)])
def test_days_and_weeks(step: Any, count: int) -> None:
    found = cells(date(2026, 1, 1), date(2026, 2, 1), step)
    assert len(found) == count
    assert [high for _, high in found[:-1]] == [low for low, _ in found[1:]]


def test_hours_are_hours_and_days_are_days_where_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start, end = datetime(2026, 3, 28, tzinfo=berlin), datetime(2026, 3, 31, tzinfo=berlin)
    assert [(high.astimezone(UTC) - low.astimezone(UTC)).total_seconds() / 3600 for low, high in cells(start, end, "1 day")] == [24, 23, 24]
    assert len(cells(start, end, "1 hour")) == 71
    autumn = cells(datetime(2026, 10, 25, tzinfo=berlin), datetime(2026, 10, 26, tzinfo=berlin), "1 hour")
    assert len(autumn) == 25
    assert [(high.astimezone(UTC) - low.astimezone(UTC)).total_seconds() for low, high in autumn] == [3600] * 25
    assert len(cells(start, end, timedelta(hours=24))) == 3
    assert len(cells(datetime(2026, 1, 1), datetime(2026, 1, 1, 1), "10 minutes")) == 6
    assert len(cells(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 1), "20 seconds")) == 3


def test_numbers_and_pairs() -> None:
    assert cells(0, 25, 10) == [(0, 10), (10, 20), (20, 25)]
    grid = Grid(None, None, None, [(20, 30), (0, 10)])
    assert (grid.cells, grid.whole, grid.kind) == ([(0, 10), (20, 30)], [(0, 10), (20, 30)], "number")
    assert grid.divided([(5, 22)]) == [(5, 10), (20, 22)]
    assert grid.first([(5, 22)], newest=False) == (5, 10)
    assert grid.first([(5, 22)], newest=True) == (20, 22)
    assert grid.first([(12, 15)], newest=True) is None


@pytest.mark.parametrize(
    ("start", "end", "step", "partitions", "words"),
    [
        (0, 10, 0, None, "step above 0"),
        (0, 10, "1 day", None, "whole number"),
        (0, 10, True, None, "whole number"),
        (10, 10, 1, None, "end must be after start"),
        (0, 10**9, 1, None, "more than 1000000"),
        (date(2026, 1, 1), date(2026, 2, 1), "1 hour", None, "whole days"),
        (date(2026, 1, 1), date(2026, 2, 1), "monthly", None, "'1 month'"),
        (date(2026, 1, 1), date(2026, 2, 1), timedelta(0), None, "step above 0"),
        (date(2026, 1, 1), datetime(2026, 2, 1), "1 day", None, "all dates"),
        (datetime(2026, 1, 1), datetime(2026, 2, 1, tzinfo=UTC), "1 day", None, "time zone"),
        (None, None, None, None, "all dates"),
        (0, 10, 1, [(0, 1)], "not both"),
        (None, None, None, [], "pairs of bounds"),
        (None, None, None, [(0, None)], "pairs of bounds"),
        (None, None, None, [3], "pairs of bounds"),
        (None, None, None, [(0, 5), (4, 6)], "no two overlap"),
        (None, None, None, [(5, 5)], "each high is above"),
    ],
)
def test_what_divides_nothing_is_said(start: Any, end: Any, step: Any, partitions: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Grid(start, end, step, partitions)
