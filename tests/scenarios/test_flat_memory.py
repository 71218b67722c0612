"""Memory of a run and of a plan over many records: flat, whatever their number. Seconds each, because every allocation is watched."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from integrakit.model import Change, Outcome
from integrakit.state import SqliteStore
from integrakit.sync import Sync


class Many:
    key = "id"

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return ({"id": number, "text": f"{number} " * 40} for number in range(self.count))


class Drain:
    key, repeatable, deletes = "id", True, True

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [Outcome.applied(change.key) for change in changes]


def run(sync: Sync) -> int:
    return sync.run().written


def plan(sync: Sync) -> int:
    return sync.plan().creates


@pytest.mark.parametrize(("work", "mode"), [(run, "upsert"), (plan, "mirror")])
def test_memory_is_flat_in_the_number_of_records(work: Callable[[Sync], int], mode: Any, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        with SqliteStore(tmp_path / f"{count}.db") as store:
            sync = Sync("s", source=Many(count), sink=Drain(), store=store, mode=mode, progress=False)
            tracemalloc.start()
            assert work(sync) == count
            highest = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return highest

    peak(600)
    small, large = peak(2000), peak(12_000)
    assert large < small * 1.5 + 1_000_000, (small, large)
