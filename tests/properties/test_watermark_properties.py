"""Watermarks under Hypothesis: whatever the cursors are, nothing is passed over and nothing moves back."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrakit.model import Window
from integrakit.reading import later, lower_bound, settled

ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=9, minutes=30))])
MOMENTS = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(), ZONES)
DECENT = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1)), ZONES)
SECONDS = st.one_of(st.integers(0, 10**7), st.floats(0, 1e7))


def texts(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[str]:
    precision = st.sampled_from(["seconds", "milliseconds", "microseconds"])
    written = st.builds(lambda moment, sep, spec: moment.isoformat(sep=sep, timespec=spec), moments, st.sampled_from("T t"), precision)
    return st.one_of(written, written.map(lambda text: text.replace("+00:00", "Z")), moments.map(lambda moment: moment.date().isoformat()))


TIMES = st.one_of(texts(MOMENTS), MOMENTS, st.dates())
NUMBERS = st.one_of(
    st.integers(0, 10**18),
    st.floats(0, 1e10),
    st.decimals(0, 10**10, places=3),
    st.integers(0, 10**15).map(str),
    st.decimals(0, 10**10, places=6).map(lambda number: format(number, "f")),
)
KINDS = st.sampled_from([TIMES, NUMBERS, st.text()])


def instant(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


@given(st.one_of(st.lists(TIMES, min_size=1), st.lists(NUMBERS, min_size=1)))
def test_nothing_that_was_read_is_later_than_the_watermark(values: list[Any]) -> None:
    highest = reduce(later, values)
    assert any(highest is value for value in values)
    assert all(later(highest, value) is highest for value in values)


@given(st.lists(st.one_of(st.none(), TIMES)))
def test_the_watermark_of_times_is_the_latest_instant(values: list[Any]) -> None:
    highest = reduce(later, values, None)
    known = [instant(value) for value in values if value is not None]
    assert (highest is None) == (not known)
    if known:
        assert instant(highest) == max(known)


@given(st.text(), st.text())
def test_any_text_can_be_compared_or_is_refused_in_words(one: str, other: str) -> None:
    with contextlib.suppress(TypeError):
        assert later(one, other) in (one, other)


@given(st.one_of(texts(DECENT), DECENT), SECONDS)
def test_an_overlap_is_never_shorter_than_asked_and_keeps_the_way_of_writing(watermark: Any, overlap: float) -> None:
    bound = lower_bound(watermark, Window(overlap=overlap))
    assert type(bound) is type(watermark)
    assert instant(bound) <= instant(watermark)
    if instant(watermark) - timedelta(seconds=overlap) > datetime(1, 1, 2, tzinfo=UTC):
        assert instant(bound) <= instant(watermark) - timedelta(seconds=overlap)
    if isinstance(watermark, str):
        assert len(bound) == len(watermark)
        assert bound[-1].isdigit() == watermark[-1].isdigit()


@given(TIMES, SECONDS)
def test_an_overlap_never_fails_on_a_time(watermark: Any, overlap: float) -> None:
    bound = lower_bound(watermark, Window(overlap=overlap))
    assert type(bound) is type(watermark)
    assert instant(bound) <= instant(watermark)


@given(st.integers(0, 10**18), st.integers(0, 10**6))
def test_whole_numbers_stay_whole(watermark: int, overlap: int) -> None:
    window = Window(overlap=overlap)
    bound = lower_bound(watermark, window)
    assert type(bound) is int
    assert bound <= watermark
    assert lower_bound(str(watermark), window) == str(bound)


@given(TIMES, SECONDS, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_settled_time_is_never_among_the_newest_and_never_later(watermark: Any, settle: float, now: datetime) -> None:
    kept = settled(watermark, Window(settle=settle), now)
    assert type(kept) is type(watermark)
    assert instant(kept) <= instant(watermark)
    if settle:
        assert instant(kept) <= now - timedelta(seconds=settle)


@given(st.integers(0, 4 * 10**9), st.integers(1, 10**6), st.sampled_from([1, 1000]), st.sampled_from([int, str, Decimal, float]))
def test_settled_numbers_follow_the_same_rule(seconds: int, settle: int, per: int, kind: Any) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    if per > 1 and seconds * per < 10**11:
        seconds += 10**9
    watermark = kind(seconds * per)
    kept = settled(watermark, Window(settle=settle), now)
    assert type(kept) is kind
    assert float(kept) == min(seconds, now.timestamp() - settle) * per
