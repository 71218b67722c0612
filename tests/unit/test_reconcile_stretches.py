"""Where breaks lie on a range of keys or times: parts that read well, clusters in words, and memory that does not grow."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from integrakit.reconciliation.reports.stretches import Spread, Stretches


def spread(values: Iterable[Any]) -> Stretches:
    found = Spread("id")
    for value in values:
        found.add(value)
    result = found.result()
    assert result is not None
    return result


def parts(values: Iterable[Any]) -> list[tuple[str, int]]:
    return [(str(each), each.number) for each in spread(values).stretches]


def test_numbers_come_in_ten_round_parts() -> None:
    assert parts(range(1, 1001)) == [(f"{start + 1:,} – {start + 100:,}", 100) for start in range(0, 1000, 100)]
    assert parts([1, 1000])[1:9] == [(f"{start + 1:,} – {start + 100:,}", 0) for start in range(100, 900, 100)]
    assert parts([5, 7]) == [("5", 1), ("6", 0), ("7", 1)]
    assert parts(range(501))[0] == ("0 – 100", 101)
    assert parts([-3, 10**12])[-1] == ("800,000,000,001 – 1,000,000,000,000", 1)


def test_the_parts_count_every_value_whatever_their_order_and_number() -> None:
    chance = random.Random(7)
    values = [chance.choice([chance.randrange(10), chance.randrange(10**6), chance.randrange(-(10**9), 10**9)]) for _ in range(5000)]
    found = parts(values)
    assert sum(number for _, number in found) == 5000
    assert found == parts(sorted(values)) == parts(sorted(values, reverse=True))
    assert len(found) <= 12


def test_a_cluster_is_told_in_words() -> None:
    chance = random.Random(1)
    values = [*range(10_001, 11_001), *(chance.randrange(1, 1_000_000) for _ in range(80))]
    assert spread(values).cluster == "92 % of the breaks lie between 10,001 and 11,000"
    assert spread([*[500] * 40, 1, 1000]).cluster == "95 % of the breaks lie at 500"
    assert spread(range(1000)).cluster == ""
    assert spread([1, 2, 3, 1000]).cluster == "", "too few to speak of"


def test_texts_are_parted_by_their_first_letters() -> None:
    assert parts(f"INV-{index:04}" for index in range(1000)) == [(f"'INV-0{digit}'…", 100) for digit in range(10)]
    assert parts(["a", "b", "b"]) == [("'a'", 1), ("'b'", 2)]
    found = parts(UUID(int=random.Random(5).getrandbits(128) ^ index << 100) for index in range(5000))
    assert sum(number for _, number in found) == 5000
    assert len(found) <= 12


def test_texts_that_have_nothing_in_common_at_all_are_not_parted() -> None:
    found = Spread("id")
    for index in range(5000):
        found.add(chr(0x4E00 + index) * 3)
    assert found.result() is None


def test_clusters_of_texts() -> None:
    values = [*(f"INV-{index:06}" for index in range(1000, 2000)), "INV-000005", "INV-077777"]
    assert spread(values).cluster == "in 99 % of the breaks id begins with 'INV-001'"
    assert spread(["A"] * 90 + ["B"] * 5 + ["C"]).cluster == "in 93 % of the breaks id is 'A'"
    assert spread(["A"] * 5 + ["B"] * 5).cluster == ""


def test_digits_are_numbers_as_long_as_all_are() -> None:
    assert parts(str(index) for index in range(1, 101))[1] == ("11 – 20", 10)
    assert parts([*(str(index) for index in range(1, 101)), "x"])[0][0] == "'1'…"


def test_dates_and_times() -> None:
    days = [date(2026, 1, 1) + timedelta(days=index) for index in range(100)]
    assert ("2026-01-04 – 2026-01-13", 10) in parts(days)
    moments = [datetime(2026, 3, 29) + timedelta(minutes=index) for index in range(150)]
    assert parts(moments)[0] == ("2026-03-29 00:00:00 – 2026-03-29 00:14:59", 15)
    aware = spread(datetime(2026, 3, 29, 2, index, tzinfo=timezone(timedelta(hours=2))) for index in range(60))
    assert aware.by == "id (UTC)"
    assert aware.stretches[0].first == "2026-03-29 00:00:00"
    years = spread([datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
    assert years.stretches[0].last < "2021"


def test_odd_values_are_counted_and_harm_nothing() -> None:
    odd = [1, 2, 3, "a", Decimal("NaN"), Decimal("sNaN"), float("inf"), b"x", True, 10**50, Decimal("1E+999999999"), (1, 2), Decimal("2.5")]
    found = spread(odd)
    assert sum(each.number for each in found.stretches) + found.elsewhere == len(odd)
    pd = pytest.importorskip("pandas", reason="needs pandas")
    assert spread([pd.NaT, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02")]).elsewhere == 1


def test_nothing_to_show() -> None:
    empty = Spread("id")
    assert empty.result() is None
    for _ in range(3):
        empty.add(7)
    empty.add(None)
    assert empty.result() is None
    assert (empty.number, empty.nothing) == (3, 1)


def test_the_memory_does_not_grow_with_the_values() -> None:
    numbers, texts = Spread("n"), Spread("t")
    for index in range(20_000):
        numbers.add(index * 7919 % 1_000_003)
        texts.add(f"{index * 7919 % 1_000_003:x}@example.com")
    assert len(numbers._scales["number"]._bins) <= 1000
    assert len(texts._texts._groups) <= 1000
