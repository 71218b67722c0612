"""Values on disk: in order, again and again, in flat memory, and gone with the object."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, StoreError
from integrakit.writing import Spool
from integrakit.writing.spool import IN_MEMORY


def test_values_come_back_in_order_and_as_they_were() -> None:
    spool = Spool()
    values = [{"a": Decimal("1.10")}, None, [1, "é\ud800"], {"$": 1}]
    for value in values:
        spool.append(value)
    assert list(spool) == values == list(spool)
    assert len(spool) == 4
    walk = iter(spool)
    assert next(walk) == values[0]
    spool.append("later")
    assert list(walk) == values[1:], "an iteration sees what was there when it began"
    spool.close()
    spool.close()


def test_an_empty_one() -> None:
    assert list(Spool()) == []
    assert len(Spool()) == 0


def test_beyond_memory_it_is_a_file_and_memory_stays_flat() -> None:
    spool = Spool()
    tracemalloc.start()
    for number in range(20_000):
        spool.append({"number": number, "text": "x" * 200})
    assert sum(1 for _ in spool) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * IN_MEMORY
    # Left to the collector without a word: no file is reported as forgotten.
    del spool
    gc.collect()


def test_what_cannot_be_kept_leaves_nothing_behind() -> None:
    spool = Spool()
    spool.append(1)
    with pytest.raises(ConfigurationError):
        spool.append(object())
    spool.append(2)
    assert list(spool) == [1, 2]


def test_a_full_disk() -> None:
    class Full:
        def seek(self, place: int) -> None: ...

        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    spool = Spool()
    spool._file = Full()  # type: ignore[assignment]
    with pytest.raises(StoreError, match="temporary file for a plan cannot be written"):
        spool.append(1)
    assert len(spool) == 0


def test_threads_may_append_while_others_read() -> None:
    spool = Spool()
    seen: list[Any] = []

    def write(mark: int) -> None:
        for number in range(200):
            spool.append([mark, number])
            seen.append(len(list(spool)))

    threads = [threading.Thread(target=write, args=(mark,)) for mark in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spool) == 600
    for mark in range(3):
        assert [number for its, number in spool if its == mark] == list(range(200))
    assert max(seen) == 600
