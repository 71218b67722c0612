"""A temporary file of blocks that nobody else sees: nameless where the system allows it, and gone with the process, even when that is killed.

Bytes only. What they mean is the business of whoever writes them. Blocks (in the sense of waiting, too): call it from the runtime's workers.
"""

from __future__ import annotations

import errno
import io
import shutil
import tempfile
import threading
import weakref
from typing import IO

from integrakit.errors import StoreError

__all__ = ["Scratch"]

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


class Scratch:
    """Append-only. One writer; any number of readers, in any thread, also while it is written.

    ``purpose``: what stands in it, for messages. ``in_memory``: bytes that are kept in memory before there is a file at all.
    """

    def __init__(self, purpose: str, *, in_memory: int = 0) -> None:
        self._purpose = purpose
        self._in_memory = in_memory
        self._lock = threading.Lock()
        self._file: IO[bytes] = io.BytesIO()
        # A run that is cancelled half way leaves it behind open; the finalizer closes it without a word.
        self._finalizer = weakref.finalize(self, self._file.close)
        #: Whether there is a file by now.
        self.on_disk = False
        #: Bytes that were written so far.
        self.size = 0

    def append(self, data: bytes) -> int:
        """Writes a block at the end; the place where it begins. Raises `StoreError` where the disk is full or the file cannot be written."""
        with self._lock:
            try:
                if not self.on_disk and self.size + len(data) > self._in_memory:
                    self._move()
                self._file.seek(self.size)
                self._write(data)
            except OSError as problem:
                raise self._failed(problem) from problem
            place = self.size
            self.size += len(data)
            return place

    def read(self, place: int, length: int) -> bytes:
        """A block. Raises `StoreError` where it cannot be read."""
        with self._lock:
            try:
                self._file.seek(place)
                data = self._file.read(length)
            except OSError as problem:
                raise StoreError(f"the temporary file for {self._purpose} cannot be read: {problem.strerror or problem}") from problem
        if len(data) != length:
            raise StoreError(f"the temporary file for {self._purpose} was cut off at {place + len(data):,} of {self.size:,} bytes")
        return data

    def close(self) -> None:
        """Gives the space back. Blocks cannot be read any more."""
        self._finalizer()

    def _move(self) -> None:
        held = self._file
        # Without a buffer of Python's, so that nothing is left to be written, and to fail, when it is closed.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, self._file.close)
        self.on_disk = True
        held.seek(0)
        self._write(held.read())

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _failed(self, problem: OSError) -> StoreError:
        where = tempfile.gettempdir()
        why = "the disk is full" if problem.errno in _FULL else str(problem.strerror or problem)
        try:
            free = f"{shutil.disk_usage(where).free / 1e9:,.1f} GB are free there"
        except OSError:
            free = "and how much is free there cannot be told"
        return StoreError(
            f"the temporary file for {self._purpose} cannot be written to {where}: {why}. {self.size / 1e9:,.1f} GB of it were written, {free}: make "
            "room, let TMPDIR name a directory on a larger disk, or give more memory="
        )
