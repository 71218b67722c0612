"""Chains of reads from watermarks: of a table whose rows become visible late, and change several times within a tick, nothing that became visible is
ever missed, whatever the moments of the reads.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.reading import WatermarkReader, lower_bound
from integrakit.reading.watermark_values import moment_of
from integrakit.runtimes import drive

START = datetime(2026, 1, 1, tzinfo=UTC)


@frozen
class Version:
    """One version of a row: its cursor is ``stamped``, in seconds from the start, and it is there from ``visible`` on."""

    key: int
    stamped: float
    visible: float
    content: int


def written(seconds: float, way: str) -> Any:
    """A cursor value of whole seconds (a tick), as a server writes it."""
    moment = START + timedelta(seconds=int(seconds // 1))
    if way == "iso":
        return moment.isoformat().replace("+00:00", "Z")
    if way == "ms":
        return int(moment.timestamp()) * 1000
    return moment


class Table:
    """What a server shows at a moment: of each row the version that became visible last."""

    def __init__(self, versions: list[Version], way: str, nulls: frozenset[int]) -> None:
        self.versions, self.way, self.nulls = versions, way, nulls

    def rows(self, now: float) -> list[dict[str, Any]]:
        latest: dict[int, Version] = {}
        for version in sorted(self.versions, key=lambda version: (version.visible, version.stamped)):
            if version.visible <= now:
                latest[version.key] = version
        return [
            {"id": version.key, "at": None if version.key in self.nulls else written(version.stamped, self.way), "content": version.content}
            for version in latest.values()
        ]


class Reader:
    """One read of the rows at or after a bound, in pages of two; those without a cursor come always."""

    def __init__(self, table: Table, now: float, since: Checkpoint | None, window: Window) -> None:
        bound = None if since is None else lower_bound(since.watermark, window)
        rows = table.rows(now)
        if bound is not None:
            at_least = moment_of(bound)
            assert at_least is not None
            rows = [row for row in rows if row["at"] is None or (moment_of(row["at"]) or at_least) >= at_least]
        self._pages = [rows[start : start + 2] for start in range(0, len(rows), 2)]
        self._given = 0
        self._now, self._since = now, since

    async def next_page(self) -> Page | None:
        if self._given >= len(self._pages):
            return None
        self._given += 1
        return Page(self._pages[self._given - 1], self.checkpoint)

    evidence = Evidence(complete=True)

    @property
    def checkpoint(self) -> Checkpoint:
        watermark = None if self._since is None else self._since.watermark
        token = {"page": self._given} if self._given < len(self._pages) else None
        return Checkpoint(resource="t", token=token, watermark=watermark, born=START + timedelta(seconds=self._now))


def versions(late: float, ahead: float) -> st.SearchStrategy[list[Version]]:
    """Versions of four rows: stamped at up to ``ahead`` seconds after they really happened, visible at up to ``late`` seconds after their stamp."""

    def version(key: int, happened: float, early: float, delay: float, content: int) -> Version:
        stamped = happened + early * ahead
        # The tick the stamp is cut to may lie up to a second earlier: it counts as lateness.
        tick = float(int(stamped // 1))
        return Version(key, stamped, max(happened, min(happened + delay * late, tick + late)) if late else happened, content)

    share = st.integers(0, 10).map(lambda tenths: tenths / 10)
    seconds = st.integers(0, 120).map(lambda quarters: quarters / 4)
    return st.lists(st.builds(version, st.integers(0, 3), seconds, share, share, st.integers(0, 2)), min_size=3, max_size=14)


def chain(table: Table, moments: list[float], window: Window) -> None:
    """Reads at these moments, and checks after each that what is visible was given out."""
    have: dict[int, dict[str, Any]] = {}
    checkpoint: Checkpoint | None = None
    for now in sorted(moments):
        reader = WatermarkReader(Reader(table, now, checkpoint, window), "at", window, checkpoint, key="id")
        while (page := drive(reader.next_page())) is not None:
            have.update({record["id"]: record for record in page.records})
            assert page.checkpoint is not None
            Checkpoint.from_dict(page.checkpoint.to_dict())
        checkpoint = reader.checkpoint
        assert checkpoint is not None
        checkpoint = Checkpoint.from_dict(checkpoint.to_dict())
        missed = [row for row in table.rows(now) if have.get(row["id"]) != row]
        assert not missed, f"at {now} these were missed: {missed}"


WAYS = st.sampled_from(["iso", "ms", "datetime"])
MOMENTS = st.lists(st.integers(0, 180).map(lambda quarters: quarters / 4), min_size=3, max_size=10)
NULLS = st.frozensets(st.integers(0, 3), max_size=1)


@settings(max_examples=250)
@given(versions(late=10, ahead=0), MOMENTS, WAYS, NULLS)
def test_rows_that_become_visible_late_are_never_missed(history: list[Version], moments: list[float], way: str, nulls: frozenset[int]) -> None:
    chain(Table(history, way, nulls), moments, Window(overlap=11))


@settings(max_examples=250)
@given(versions(late=0, ahead=0), MOMENTS, WAYS, NULLS)
def test_rows_that_change_within_a_tick_are_never_missed(history: list[Version], moments: list[float], way: str, nulls: frozenset[int]) -> None:
    chain(Table(history, way, nulls), moments, Window())


@settings(max_examples=250)
@given(versions(late=0, ahead=8), MOMENTS, WAYS, NULLS)
def test_clocks_that_are_ahead_hide_nothing(history: list[Version], moments: list[float], way: str, nulls: frozenset[int]) -> None:
    chain(Table(history, way, nulls), moments, Window(settle=9))


@settings(max_examples=250)
@given(versions(late=10, ahead=8), MOMENTS, WAYS, NULLS)
def test_both_at_once(history: list[Version], moments: list[float], way: str, nulls: frozenset[int]) -> None:
    chain(Table(history, way, nulls), moments, Window(overlap=11, settle=9))
