"""Breaks kept out of memory: pickled in batches to a temporary file that grows from a few megabytes in memory to the disk.

The file is this process's own and is gone with the last reference. Records are copied by being written: what the user does to them afterwards changes
no report. `Kept.of` writes breaks anew, for whoever filters or completes them.
"""

from __future__ import annotations

import heapq
import pickle
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from integrakit.reconciliation.findings import Break, BreakKind, Mismatch
from integrakit.reconciliation.portable import described, pickled
from integrakit.reconciliation.rules.spec import Field
from integrakit.reconciliation.scratch import Scratch
from integrakit.unset import UNSET

__all__ = ["Entry", "Kept", "Log"]

_IN_MEMORY = 4_000_000  # bytes
#: A batch grows up to so many entries, and to so many bytes: whole batches are read, one of each run at a time.
_BATCH = 256
_BYTES = 32_000
_BYTES_OF_RUNS = 6_000

#: key, kind, left, right, ((name, cause), …), reason
Entry = tuple[Any, BreakKind, Any, Any, tuple[tuple[str, str], ...], str]


class Log:
    """An append-only file of entries. One writer; afterwards any number of readers, in any thread.

    It may be written in several runs, each in an order of its own making: iterating merges them by the ``order`` that each entry came with.
    """

    def __init__(self) -> None:
        self._scratch = Scratch("breaks", in_memory=_IN_MEMORY)
        self._offsets = array("Q", [0])
        #: Index of the batch that each run begins with.
        self._runs = [0]
        self._batch: list[Entry] = []
        self._orders: list[Any] = []
        self._limit = 1
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def on_disk(self) -> bool:
        return self._scratch.on_disk

    def append(self, entry: Entry, order: Any = None) -> None:
        """``order``: what the entries of this run ascend by; only needed where there is more than one run."""
        self._batch.append(entry)
        if order is not None:
            self._orders.append(order)
        self._count += 1
        if len(self._batch) >= self._limit:
            self.flush()

    def begin_run(self) -> None:
        """What comes from now on ascends by itself, and is merged with what came before."""
        self.flush()
        if (batches := len(self._offsets) - 1) > self._runs[-1]:
            self._runs.append(batches)

    def flush(self) -> None:
        """Writes what is still waiting: to be called when the last entry is in. Raises `StoreError` when the disk is full."""
        if not self._batch:
            return
        try:
            data = pickled((self._orders, self._batch))
        except Exception:  # noqa: BLE001 - a foreign class may raise anything when it is pickled; its name is kept then
            data = pickled((self._orders, [described(entry) for entry in self._batch]))
        self._scratch.append(data)
        self._offsets.append(self._scratch.size)
        # Doubled step by step, for nobody knows yet how large the next records are.
        self._limit = min(self._limit * 2, _BATCH, max(1, (_BYTES_OF_RUNS if self._orders else _BYTES) * len(self._batch) // len(data)))
        self._batch, self._orders = [], []

    def __iter__(self) -> Iterator[Entry]:
        starts = [*self._runs, len(self._offsets) - 1]
        if len(self._runs) == 1:
            for _, entries in self._batches(*starts):
                yield from entries
            return
        runs = [self._ordered(start, end) for start, end in pairwise(starts)]
        for _, entry in heapq.merge(*runs, key=itemgetter(0)):
            yield entry

    def _ordered(self, start: int, end: int) -> Iterator[tuple[Any, Entry]]:
        for orders, entries in self._batches(start, end):
            yield from zip(orders, entries, strict=True)

    def _batches(self, start: int, end: int) -> Iterator[tuple[list[Any], list[Entry]]]:
        for index in range(start, end):
            place = self._offsets[index]
            yield pickle.loads(self._scratch.read(place, self._offsets[index + 1] - place))


class Kept:
    """The breaks of a finished run, in the order of their keys, then what has no key: the left side's first.

    It has a length and can be iterated as often as one likes, also by several threads at a time, in flat memory. ``names``: name of a field on the
    left → its name on the right. ``dropped``: fields that turned out to be on one side only, and are no mismatch after all.
    """

    def __init__(self, logs: Sequence[Log], *, names: dict[str, str], dropped: frozenset[str], count: int) -> None:
        self._logs = tuple(logs)
        self._names = names
        self._order = {name: place for place, name in enumerate(names)}
        self._dropped = dropped
        self._count = count
        for log in self._logs:
            log.flush()

    @classmethod
    def of(cls, breaks: Iterable[Break], fields: Iterable[Field]) -> Kept:
        """Breaks written anew, in the order they come in: ``evolve(findings, breaks=Kept.of(wanted, findings.fields))``.

        ``breaks`` may be a generator over another `Kept`. The values of mismatches are not written; they are taken from ``left`` and ``right`` when
        they are read. Blocks: in async code through the runtime. Raises `StoreError` when the disk is full.
        """
        log = Log()
        for each in breaks:
            causes = tuple((name, mismatch.cause) for name, mismatch in each.fields.items())
            log.append((each.key, each.kind, each.left, each.right, causes, each.reason))
        return cls((log,), names={field.name: field.right for field in fields}, dropped=frozenset(), count=len(log))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Break]:
        for log in self._logs:
            for key, kind, left, right, fields, reason in log:
                # In the order of the report, whichever order the engine met the fields in.
                counted = sorted((each for each in fields if each[0] not in self._dropped), key=lambda each: self._order[each[0]])
                found = {name: self._mismatch(name, cause, left, right) for name, cause in counted}
                if kind != "changed" or found:
                    yield Break(key, kind, left, right, MappingProxyType(found), reason)

    def _mismatch(self, name: str, cause: str, left: Any, right: Any) -> Mismatch:
        return Mismatch(left.get(name, UNSET), right.get(self._names[name], UNSET), cause)
