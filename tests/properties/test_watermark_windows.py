"""Windows, one part at a time: histories in which a read without that part loses a row, or gives one out for nothing. Each part has its own
property, which fails when that part is ignored; `test_watermark_chains.py` reads histories of all kinds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.reading import WatermarkReader, lower_bound
from integrakit.reading.watermark_values import moment_of
from integrakit.runtimes import drive

START = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def row(key: int, second: int, content: int, way: str) -> Row:
    moment = START + timedelta(seconds=second)
    return {"id": key, "at": moment.isoformat().replace("+00:00", "Z") if way == "iso" else int(moment.timestamp()), "content": content}


class Given:
    """One read at a second: of these rows, those at or after the bound."""

    evidence = Evidence(complete=True)

    def __init__(self, rows: list[Row], now: int, since: Checkpoint | None, window: Window) -> None:
        bound = moment_of(lower_bound(since.watermark, window)) if since is not None else None
        shown = [one for one in rows if bound is None or (moment_of(one["at"]) or bound) >= bound]
        self._pages = [shown[begin : begin + 3] for begin in range(0, len(shown), 3)]
        watermark = None if since is None else since.watermark
        self.checkpoint = Checkpoint(resource="t", watermark=watermark, born=START + timedelta(seconds=now))

    async def next_page(self) -> Page | None:
        return Page(self._pages.pop(0), self.checkpoint) if self._pages else None


def read(rows: list[Row], now: int, since: Checkpoint | None, window: Window) -> tuple[list[Row], Checkpoint]:
    reader = WatermarkReader(Given(rows, now, since, window), "at", window, since, key="id")
    came: list[Row] = []
    while (page := drive(reader.next_page())) is not None:
        came += page.records
    assert reader.checkpoint is not None
    return came, Checkpoint.from_dict(reader.checkpoint.to_dict())


WAYS = st.sampled_from(["iso", "epoch"])
MANY = st.integers(1, 8)


@given(early=MANY, newest=st.integers(100, 200), overlap=st.integers(1, 30), behind=st.integers(1, 30), way=WAYS, settle=st.sampled_from([0, 3]))
def test_a_row_that_shows_up_within_the_overlap_comes(early: int, newest: int, overlap: int, behind: int, way: str, settle: int) -> None:
    """The row was stamped ``behind`` seconds before the newest one that was read, and became visible after that read."""
    behind = min(behind, overlap)
    first = [row(key, newest - 5 * key, 0, way) for key in range(early)]
    late = row(99, newest - behind, 0, way)
    window = Window(overlap=overlap, settle=settle)
    now = newest + settle + 1
    _, since = read(first, now, None, window)
    came, _ = read([*first, late], now + 1, since, window)
    assert late in came


@given(early=MANY, now=st.integers(100, 200), settle=st.integers(1, 30), ahead=st.integers(1, 30), way=WAYS, overlap=st.sampled_from([0, 5]))
def test_a_clock_that_is_ahead_hides_nothing_that_settles(early: int, now: int, settle: int, ahead: int, way: str, overlap: int) -> None:
    """A row is stamped ``ahead`` seconds after the moment it is read at. What is stamped rightly a second later comes all the same."""
    window = Window(overlap=overlap, settle=settle)
    first = [*(row(key, now - settle - 5 * key, 0, way) for key in range(early)), row(98, now + overlap + 1 + ahead, 0, way)]
    _, since = read(first, now, None, window)
    true = row(99, now + 1, 0, way)
    came, since = read([*first, true], now + 1, since, window)
    assert true in came
    behind = moment_of(since.watermark)
    assert behind is not None
    assert behind <= START + timedelta(seconds=now + 1 - settle)


@given(
    tied=st.lists(st.booleans(), min_size=1, max_size=8),
    second=st.integers(0, 100),
    way=WAYS,
    window=st.sampled_from([Window(), Window(overlap=5, settle=3)]),
)
def test_of_those_at_the_watermark_just_the_changed_ones_come_again(tied: list[bool], second: int, way: str, window: Window) -> None:
    """As the digest tells them: by the keys alone changes would be lost, without ties all would come again."""
    first = [row(key, second, 0, way) for key in range(len(tied))]
    now = second + 60
    came, since = read(first, now, None, window)
    assert came == first
    then = [row(key, second, int(changed), way) for key, changed in enumerate(tied)]
    came, since = read(then, now + 1, since, window)
    assert came == [one for one in then if one["content"]]
    came, since = read(first, now + 2, since, window)
    assert [one["id"] for one in came] == [key for key, changed in enumerate(tied) if changed], "changed back is a change"
    assert read(first, now + 3, since, window)[0] == []


@given(
    tied=st.lists(st.booleans(), min_size=1, max_size=8).filter(any),
    overlap=st.integers(1, 20),
    settle=st.integers(1, 20),
    behind=st.integers(1, 20),
    ahead=st.integers(1, 20),
    way=WAYS,
)
def test_all_of_it_at_once(tied: list[bool], overlap: int, settle: int, behind: int, ahead: int, way: str) -> None:
    """Ties that change, a row that shows up late, and one stamped ahead of its time, in one history: none is lost, and no tie comes for nothing."""
    window, newest = Window(overlap=overlap, settle=settle), 100
    ties = [row(key, newest, 0, way) for key in range(len(tied))]
    now = newest + settle
    came, since = read(ties, now, None, window)
    assert came == ties
    changed = [row(key, newest, int(change), way) for key, change in enumerate(tied)]
    late, hasty = row(90, newest - min(behind, overlap), 0, way), row(91, now + 1 + overlap + ahead, 0, way)
    came, since = read([*changed, late, hasty], now + 1, since, window)
    assert came == [*(one for one in changed if one["content"]), late, hasty]
    # Were the hasty one believed, the next read would begin above this one.
    following = row(92, now + 1, 0, way)
    came, since = read([*changed, late, hasty, following], now + 2, since, window)
    assert following in came
