"""Slices and intervals: over any collections, caps and orders exactly the records come; and intervals are what sets say they are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.capped import Capped

from integrakit.errors import IncompleteRead
from integrakit.model import Checkpoint
from integrakit.reading import SlicedRead
from integrakit.reading.bounds import scale_of
from integrakit.reading.intervals import intersected, merged, without
from integrakit.runtimes import drive

NUMBERS = st.one_of(
    st.sets(st.integers(0, 400), max_size=150),
    st.sets(st.integers(0, 10**15), max_size=80),
    # Clusters far from each other.
    st.builds(
        lambda starts, size: {start + number for start in starts for number in range(size)},
        st.sets(st.integers(0, 10**12), max_size=5),
        st.integers(1, 40),
    ),
)


@given(
    numbers=NUMBERS,
    cap=st.integers(1, 40),
    page=st.integers(1, 40),
    order=st.sampled_from(["ascending", "descending", "random"]),
    declares=st.booleans(),
    low=st.sampled_from([0, None]),
    high=st.sampled_from([10**15 + 1, None]),
    workers=st.integers(1, 4),
)
def test_exactly_the_records_come(numbers: set[int], cap: int, page: int, order: str, declares: bool, low: Any, high: Any, workers: int) -> None:
    cap = max(cap, 2)  # with a cap of one a single record is a full answer
    collection = Capped([{"id": number} for number in numbers], cap=cap, page=min(page, cap), order=order, declares=declares)
    source = SlicedRead(slice=collection.between, by="id", key="id", cap=cap, low=low, high=high, workers=workers)
    found = [record["id"] for record in source]
    assert len(found) == len(numbers)
    assert set(found) == numbers
    assert source.evidence.complete is True
    assert all(low is None or high is None or low < high for low, high in collection.asked)
    # Bounded, whatever lies where: cutting in two alone would take some fifty steps for each cluster.
    assert collection.requests <= 20 + 4 * 50 * (1 + len(numbers) / cap) + 4 * len(numbers) / page


@given(values=st.lists(st.integers(0, 12), max_size=60), cap=st.integers(2, 8), order=st.sampled_from(["ascending", "descending", "random"]))
def test_what_ties_beyond_the_cap_is_said_and_the_rest_comes(values: list[int], cap: int, order: str) -> None:
    rows = [{"id": number, "at": value} for number, value in enumerate(values)]
    collection = Capped(rows, by="at", cap=cap, page=2, order=order)
    source = SlicedRead(slice=collection.between, by="at", key="id", cap=cap, low=0)
    full = {value for value in values if values.count(value) >= cap}
    found: list[Any] = []
    if full:
        with pytest.raises(IncompleteRead) as caught:
            found.extend(source)
        assert all(f"at {value} is full" in str(caught.value) for value in full)
    else:
        found.extend(source)
    assert {record["id"] for record in found} >= {row["id"] for row in rows if row["at"] not in full}
    assert len(found) == len({record["id"] for record in found})


@given(
    numbers=st.sets(st.integers(0, 10**6), min_size=1, max_size=120),
    cap=st.integers(2, 30),
    stop=st.integers(1, 60),
    high=st.sampled_from([None, 10**6 + 1]),
)
def test_a_read_that_is_taken_up_again_gives_the_rest(numbers: set[int], cap: int, stop: int, high: Any) -> None:
    collection = Capped([{"id": number} for number in numbers], cap=cap, page=min(cap, 4))
    source = SlicedRead(slice=collection.between, by="id", key="id", cap=cap, low=0, high=high)

    async def main() -> tuple[list[int], Checkpoint | None]:
        reader, found = source.open_read(), list[int]()
        for _ in range(stop):
            page = await reader.next_page()
            if page is None:
                break
            found += [record["id"] for record in page.records]
        return found, reader.checkpoint

    found, checkpoint = drive(main())
    rest = [record["id"] for record in source.read(checkpoint)]
    assert {*found, *rest} == numbers
    if checkpoint is not None and checkpoint.token is not None:
        assert len(found) + len(rest) < len(numbers) + cap


ALPHABETS = st.sampled_from(["01", "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz"])


@given(data=st.data(), alphabet=ALPHABETS, fixed=st.booleans())
def test_text_ids_stand_in_their_order(data: st.DataObject, alphabet: str, fixed: bool) -> None:
    size = {"min_size": 6, "max_size": 6} if fixed else {"min_size": 1, "max_size": 6}
    texts = data.draw(st.lists(st.text(alphabet, **size), min_size=2, max_size=20))
    first = alphabet[0]
    scale = scale_of(first * (6 if fixed else 1), alphabet[-1] * 6, alphabet=alphabet)
    assert sorted(texts, key=scale.position) == sorted(texts)
    for text in texts:
        assert scale.value(scale.position(text)) == text
    place = data.draw(st.integers(0, scale.position(max(texts))))
    assert scale.position(scale.value(place)) <= place


# ---------------------------------------------------------------------- intervals

INTERVALS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


def points(intervals: Any) -> set[int]:
    return {point for low, high in intervals for point in range(low, high)}


@given(one=INTERVALS, other=INTERVALS)
def test_intervals_are_what_sets_say(one: list[Any], other: list[Any]) -> None:
    assert points(merged(one)) == points(one)
    assert points(merged([*one, *other])) == points(one) | points(other)
    assert points(without(one, other)) == points(one) - points(other)
    assert points(intersected(one, other)) == points(one) & points(other)
    for found in (merged(one), without(one, other), intersected(one, other)):
        assert all(low < high for low, high in found)
        assert all(high < low for (_, high), (low, _) in pairwise(found))  # in order, and nothing touches
