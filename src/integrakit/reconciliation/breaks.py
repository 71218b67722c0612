"""Breaks kept out of memory: pickled in batches to a temporary file that grows from a few megabytes in memory to the disk.

The file is this process's own, nameless where the system allows it, and is gone with the last reference. Records are copied by being written: what
the user does to them afterwards changes no report.
"""

from __future__ import annotations

import io
import pickle
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from integrakit.reconciliation.findings import Break, BreakKind, Mismatch
from integrakit.unset import UNSET

__all__ = ["Entry", "Kept", "Log"]

_IN_MEMORY = 4_000_000  # bytes
_BATCH = 256
_KNOWN = frozenset({Decimal, date, datetime, time, timedelta, timezone, UUID, ZoneInfo, bytearray})

#: key, kind, left, right, ((name, cause), …), reason
Entry = tuple[Any, BreakKind, Any, Any, tuple[tuple[str, str], ...], str]


class _Pickler(pickle.Pickler):
    """Notes whether anything of a class unknown here went in: such a class may refuse to come back."""

    foreign = False

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) not in _KNOWN and not (type(obj) is type and obj in _KNOWN):
            self.foreign = True
        return NotImplemented


def _dump(value: Any) -> bytes:
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=5)
    pickler.dump(value)
    if pickler.foreign:
        pickle.loads(buffer.getvalue())
    return buffer.getvalue()


def _portable(value: Any) -> Any:
    """The value, or where it cannot be stored the text that describes it."""
    try:
        _dump(value)
    except Exception:  # noqa: BLE001 - a foreign class may raise anything when it is pickled; its name is kept then
        if isinstance(value, dict):
            return {name: _portable(item) for name, item in value.items()}
        if isinstance(value, tuple):
            return tuple(map(_portable, value))
        return f"<{type(value).__name__}>"
    return value


class Log:
    """An append-only file of entries. One writer; afterwards any number of readers, in any thread."""

    def __init__(self) -> None:
        # Kept open for as long as the log lives; the finalizer closes it without a word, even when a run is cancelled half way.
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._offsets = array("Q", [0])
        self._batch: list[Entry] = []
        self._lock = threading.Lock()
        self._count = 0
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._count

    def append(self, entry: Entry) -> None:
        self._batch.append(entry)
        self._count += 1
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Writes what is still waiting: to be called when the last entry is in."""
        if not self._batch:
            return
        try:
            data = _dump(self._batch)
        except Exception:  # noqa: BLE001 - see _portable
            data = _dump([_portable(entry) for entry in self._batch])
        self._batch = []
        self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))

    def __iter__(self) -> Iterator[Entry]:
        for index in range(len(self._offsets) - 1):
            start, end = self._offsets[index], self._offsets[index + 1]
            with self._lock:
                self._file.seek(start)
                data = self._file.read(end - start)
            yield from pickle.loads(data)


class Kept:
    """The breaks of a finished run, in the order of their keys, then what has no key: the left side's first.

    ``dropped``: fields that turned out to be on one side only, and are no mismatch after all.
    """

    def __init__(self, logs: Sequence[Log], *, names: dict[str, str], dropped: frozenset[str], count: int) -> None:
        self._logs = tuple(logs)
        self._names = names
        self._order = {name: place for place, name in enumerate(names)}
        self._dropped = dropped
        self._count = count
        for log in self._logs:
            log.flush()

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
