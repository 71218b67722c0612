"""A list of values on disk: written once, read any number of times, in flat memory."""

from __future__ import annotations

import struct
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from integrakit._json import pack, unpack
from integrakit.errors import StoreError

__all__ = ["Spool"]

#: Up to this many bytes stay in memory.
IN_MEMORY = 1 << 20
_LENGTH = struct.Struct(">I")


class Spool:
    """Values that `integrakit._json.pack` can write, in the order they came. The file has no name and goes with the object."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as the spool
        # Plans are seldom closed by hand: the file goes with the object, without a warning.
        self._close = weakref.finalize(self, self._file.close)
        # A file that is left to the collector would be reported as one that was forgotten.
        self._finalizer = weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._end = 0
        self._count = 0

    def append(self, value: Any) -> None:
        """Raises `StoreError` when the disk is full."""
        data = pack(value)
        with self._lock:
            try:
                self._file.seek(self._end)
                self._file.write(_LENGTH.pack(len(data)) + data)
            except OSError as problem:
                raise StoreError(f"the temporary file for a plan cannot be written: {problem}") from problem
            self._end += _LENGTH.size + len(data)
            self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        place, end = 0, self._end
        while place < end:
            with self._lock:
                self._file.seek(place)
                (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
                data = self._file.read(length)
            place += _LENGTH.size + length
            yield unpack(data)

    def close(self) -> None:
        self._close()
