"""Sides larger than memory: what goes to the disk, what it says, and that nothing is left behind whatever happens."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from integrakit.errors import ConfigurationError, StoreError
from integrakit.model import Page
from integrakit.reconciliation import Diff, Field, areconcile, reconcile
from integrakit.reconciliation.breaks import Kept
from integrakit.reconciliation.engines.planning import ways
from integrakit.reconciliation.engines.run import Order
from integrakit.reconciliation.engines.spill import engine as spilling
from integrakit.reconciliation.engines.spill import parting
from integrakit.reconciliation.inputs.feed import PROBATION, attach_both
from integrakit.reconciliation.memory import Scales, memory_of
from integrakit.reconciliation.rules.spec import Key
from integrakit.reconciliation.scratch import Scratch
from integrakit.runtimes import runtime

Rows = list[dict[str, Any]]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """So little memory that some hundreds of records do not fit."""
    monkeypatch.setattr(spilling, "_ROOM", 50_000 / 1e9)
    monkeypatch.setattr(parting, "_PARTS", 8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files would be."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(folder: Path) -> list[str]:
    """Files in the folder, and those without a name that are still open."""
    gc.collect()
    held = []
    for link in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").exists() else ():
        try:
            held.append(os.readlink(link))
        except OSError:  # the one that listed them
            continue
    return [*map(str, folder.iterdir()), *(name for name in held if name.startswith(str(folder)))]


def made(count: int, step: int = 7, **changes: Any) -> Iterator[dict[str, Any]]:
    """Records out of order, to be read once."""
    for index in range(count):
        yield {"id": index * step % count, "name": f"name {index * step % count}", "amount": Decimal(index * step % count) / 100, **changes}


def kinds(diff: Diff) -> list[tuple[Any, str]]:
    return [(found.key, found.kind) for found in diff.breaks()]


# ---------------------------------------------------------------- what it says


@pytest.mark.usefixtures("little")
def test_what_outgrows_memory_goes_to_the_disk(folder: Path) -> None:
    def other() -> Iterator[dict[str, Any]]:
        for row in made(2000, 11):
            if row["id"] != 77:
                yield {**row, "name": "new"} if row["id"] % 500 == 0 else row
        yield {"id": "77", "name": "name 77", "amount": 1}

    diff = reconcile(made(2000), other(), key="id")
    assert kinds(diff) == [(0, "changed"), (77, "missing_right"), (500, "changed"), (1000, "changed"), (1500, "changed"), ("77", "missing_left")]
    assert diff.summary["equal"] == 1995
    assert [(each.left, each.right) for each in diff.lookalikes] == [(77, "77")]
    assert "engine: spill" in diff.explain()
    assert "because the records take more than memory=1 GB, so" in diff.explain()
    assert not left_behind(folder)


def test_what_fits_stays_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert "engine: dict" in reconcile(made(500), made(500, 11), key="id").explain()
    assert "engine: spill\n  because asked for" in reconcile(made(500), made(500, 11), key="id", engine="spill").explain()


def test_an_engine_without_a_disk_says_when_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reconciliation.memory.LEAST", 1)
    with pytest.raises(ConfigurationError, match=r'engine="dict" cannot do this: the first 5,000 records take more than 100 kB.*engine="spill"'):
        reconcile(made(20_000), made(20_000), key="id", engine="dict", memory=100_000)


@pytest.mark.usefixtures("little")
def test_records_that_are_in_memory_anyway_do_not_count() -> None:
    rows = [{"id": index, "text": "x" * 10_000} for index in range(60)]
    assert "engine: dict" in reconcile(rows, rows, key="id").explain()
    assert "engine: spill" in reconcile((dict(row, text="x" * 10_000 + str(row["id"])) for row in rows), rows, key="id").explain()


@pytest.mark.usefixtures("little")
def test_agreeing_duplicates_come_in_the_order_of_keys() -> None:
    rows = [*made(300), *made(300)]
    diff = reconcile(iter(rows), iter(rows[::-1]), key="id", engine="spill")
    assert (diff.matches, diff.summary["duplicates"]) == (True, 300)
    assert "the same records on both sides: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n" in str(diff) + "\n"


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("field", [Field("v"), Field("v", within="0.1")])
def test_one_key_with_most_of_the_records(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the records have one key, and are joined as a stream."""
    held: list[int] = []
    join = spilling.Spilling._join

    def watched(self: Any, left: Any, right: Any) -> None:
        held.append(len(left.rows) + len(right.rows))
        join(self, left, right)

    monkeypatch.setattr(spilling.Spilling, "_join", watched)
    left = [{"id": 7, "v": index % 500} for index in range(1_000)] + [{"id": index, "v": 1} for index in range(100, 300)]
    right = left[::-1][:-1] + [{"id": 7, "v": -index} for index in range(1, 151)]
    diff = reconcile(iter(left), iter(right), key="id", fields=[field], engine="spill")
    (found,) = diff.breaks()
    plain = reconcile(left, right, key="id", fields=[field], engine="dict")
    assert list(plain.breaks()) == [found]
    assert found.reason == "1,000 on the left, 1,149 on the right, 999 agree; the first 100 without a partner are held here"
    assert diff.summary == plain.summary
    assert repr(diff.totals) == repr(plain.totals)
    assert max(held) < 200


@pytest.mark.usefixtures("little")
def test_parts_that_are_too_large_are_parted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    diff = reconcile(made(2000), made(2000, 11), key="id", engine="spill")
    assert diff.matches
    assert "of the parts were too large, and parted again" in diff.explain()


@pytest.mark.usefixtures("little")
def test_keys_that_no_hash_parts() -> None:
    prime = 2**61 - 1  # whole numbers that differ by it have the same hash
    left = [{"id": 5 + prime * index, "v": index} for index in range(600)]
    diff = reconcile(iter(left), iter(left[:0:-1]), key="id", engine="spill")
    assert kinds(diff) == [(5, "missing_right")]
    assert diff.summary["equal"] == 599


@pytest.mark.usefixtures("little")
def test_values_that_cannot_be_written_stay_in_memory() -> None:
    unwritable = threading.Lock()  # equal to itself only, and not to be pickled
    left = [{"id": index, "v": unwritable if index == 50 else "x" * 500} for index in range(300)]
    diff = reconcile(iter(left), iter([*left[1:], {"id": 0, "v": unwritable}]), key="id", engine="spill")
    assert kinds(diff) == [(0, "changed")]
    assert "2 records hold values that cannot be written" in diff.explain() or "3 records hold" in diff.explain()


@pytest.mark.usefixtures("little")
def test_in_every_world(world: Any) -> None:
    async def body() -> Diff:
        return await areconcile(made(500), made(499, 11), key="id", fields=["name"], engine="spill")

    assert kinds(world(body)) == [(499, "missing_right")]


# ---------------------------------------------------------------- what is left behind


class Stop(BaseException):
    pass


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, Stop])
def test_an_error_in_the_midst_of_reading_leaves_nothing(folder: Path, error: type[BaseException]) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield from made(5500)
        assert left_behind(folder), "by now there should be a file"
        raise error("mine")

    with pytest.raises(error, match="mine"):
        reconcile(broken(), made(10), key="id", engine="spill")
    assert not left_behind(folder)


class Endless:
    """Gives pages until it is cancelled."""

    def __init__(self, cancel: Any) -> None:
        self.cancel = cancel

    def open_read(self, since: Any = None) -> Endless:
        self.page = 0
        return self

    async def next_page(self) -> Page:
        self.page += 1
        if self.page == 6:
            self.cancel()
        await runtime().sleep(0.001)
        return Page(list(made(1000)))


@pytest.mark.usefixtures("little")
def test_a_cancellation_leaves_nothing(folder: Path) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(areconcile(Endless(lambda: task.cancel(None)), made(10), key="id", engine="spill"))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not left_behind(folder)

    async def in_trio() -> None:
        with trio.CancelScope() as scope:
            await areconcile(Endless(scope.cancel), made(10), key="id", engine="spill")
        assert scope.cancelled_caught

    trio.run(in_trio)
    assert not left_behind(folder)


@pytest.mark.usefixtures("little")
def test_a_full_disk_is_said_where_and_how_much(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Scratch._write

    def full(self: Scratch, data: bytes) -> None:
        if self.on_disk and self.size > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, data)

    monkeypatch.setattr(Scratch, "_write", full)
    with pytest.raises(StoreError) as problem:
        reconcile(made(3000), made(3000), key="id", engine="spill")
    assert f"for records that are larger than memory= cannot be written to {folder}: the disk is full. 0.0 GB of it were written" in str(
        problem.value
    )
    assert "TMPDIR" in str(problem.value)
    del problem
    assert not left_behind(folder)


KILLED = """
import sys
from integrakit.reconciliation import reconcile
from integrakit.reconciliation.engines.spill import engine
engine._ROOM = 50_000 / 1e9
def rows():
    for index in range(10**9):
        if index == 6_000:
            print("written", flush=True)
        yield {"id": index, "text": "x" * 100}
reconcile(rows(), [], key="id", engine="spill")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a killed process leaves its files there, whatever one does")
def test_a_killed_process_leaves_nothing(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(folder)}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert not list(folder.iterdir())


def test_a_file_that_was_cut_off_is_no_end(folder: Path) -> None:
    scratch = Scratch("tests")
    scratch.append(b"abc")
    with pytest.raises(StoreError, match="the temporary file for tests was cut off at 3 of 3 bytes"):
        scratch.read(1, 5)
    scratch.close()
    scratch.close()


# ---------------------------------------------------------------- the breaks


def test_breaks_can_be_written_anew() -> None:
    diff = reconcile([{"id": 1, "v": 1}, {"id": 2, "v": 1}, {"id": None, "v": 1}], [{"id": 1, "v": 2}, {"id": 3, "v": 1}], key="id")
    findings = diff._findings
    wanted = Kept.of((found for found in diff.breaks() if found.key != 2), findings.fields)
    fewer = Diff(evolve(findings, breaks=wanted))
    assert len(wanted) == 3
    assert list(fewer.breaks()) == [found for found in diff.breaks() if found.key != 2]
    assert list(Kept.of((), findings.fields)) == []


@pytest.mark.usefixtures("little")
def test_many_breaks_are_merged_for_several_readers(folder: Path) -> None:
    diff = reconcile(made(2000), made(2000, 11, amount=0), key="id", engine="spill")
    seen: list[list[int]] = []

    def read(diff: Diff) -> None:
        seen.append([found.key for found in diff.breaks()])

    threads = [threading.Thread(target=read, args=(diff,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [list(range(1, 2000))] * 3
    del diff, threads
    assert not left_behind(folder)


# ---------------------------------------------------------------- memory


def test_records_are_weighed_with_all_that_is_in_them() -> None:
    scales = Scales()
    flat = scales.weigh([{"id": index, "text": f"{index}" * 2} for index in range(1000)])
    assert 200_000 < flat < 600_000
    assert scales.weigh([{"id": index, "text": f"{index:01000}"} for index in range(100)]) > 100_000
    nested = [{"id": index, "lines": [{"text": f"{index} {line:0200}"} for line in range(10)]} for index in range(100)]
    assert scales.weigh(nested) > 100 * 10 * 250
    assert scales.weigh([{"v": [float(item) for item in range(100_000)]}]) > 2_000_000
    assert scales.weigh([]) == 0

    class Heavy:
        def __init__(self) -> None:
            self.data = bytearray(100_000)

    assert scales.weigh([{"v": Heavy()}]) > 100_000
    endless: list[Any] = []
    endless.append(endless)
    assert scales.weigh([{"v": endless}]) < 1000


@pytest.mark.parametrize(("given", "size"), [(None, 10**9), ("512MB", 512_000_000), ("1.5 GiB", 1_610_612_736), (20_000_000, 20_000_000)])
def test_memory_is_a_number_or_a_text(given: Any, size: int) -> None:
    assert memory_of(given) == size


@pytest.mark.parametrize("given", ["much", 1.5, True, "1kB", -1])
def test_memory_that_is_none(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="memory="):
        reconcile([], [], key="id", memory=given)


# ---------------------------------------------------------------- the planner


class Pages:
    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def pages(self, since: Any) -> Any:
        return iter([Page(self.rows)])


def order(engine: str = "auto") -> Order:
    return Order(key=Key("id"), fields=None, ignored=frozenset(), engine=engine, memory=10**9)


def test_every_engine_is_considered_and_says_why_not() -> None:
    found = ways(attach_both([{"id": 1}], iter(())), order())
    assert [way.called for way in found] == ["pushdown", "segments", "arrow", "pushdown to DuckDB", "merge", "dict"]
    assert [way.suits for way in found] == [False] * 5 + [True]
    assert all(way.reason for way in found)
    assert found[4].reason == found[5].reason == "the left side is in memory already"
    (asked,) = ways(attach_both([{"id": 1}], iter(())), order("merge"))
    assert (asked.engine, asked.suits, asked.reason) == ("merge", True, "asked for")


def test_explain_says_what_was_considered() -> None:
    text = reconcile(Pages([{"id": 1}]), Pages([{"id": 1}]), key="id").explain()
    assert "engine: merge\n  because neither side is in memory" in text
    assert "\n  not pushdown: " in text
    assert "\n  not arrow: the left side does not come as columns\n" in text
    assert "not merge" not in reconcile([{"id": 1}], [{"id": 1}], key="id").explain()


def test_late_disorder_goes_to_the_engine_that_spills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilling, "_ROOM", 2e-3)
    many = [{"id": index, "v": 1} for index in range(PROBATION + 10)]
    diff = reconcile(Pages(many), Pages([*many, {"id": -1, "v": 1}]), key="id")
    assert kinds(diff) == [(-1, "missing_left")]
    assert (
        "engine: spill\n  because merge was given up: the right side (Pages) is not in the order of its keys: -1 comes after 10009" in diff.explain()
    )


def test_comparing_records_loads_no_extra() -> None:
    extras = "[each for each in ('pyarrow', 'numpy', 'duckdb') if each in sys.modules]"
    code = f"import sys, integrakit as ik; ik.reconcile([], iter(()), key='id'); print({extras})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
