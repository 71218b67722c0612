"""The log as JSON lines: one record a line, under a lock on the file (``flock``). POSIX only.

Nothing that was acknowledged is ever rewritten. A line that a crash cut off stays where it is: the next record written is a note that vouches for it
by its hash.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from integrakit.audit.chain import NOTHING, Head, Stored, first, link, sha256
from integrakit.errors import ConfigurationError, StoreError

if sys.platform != "win32":
    import fcntl

__all__ = ["JsonLinesFile", "read_json_lines"]

# The hash stands at the end of the line, so that what was hashed can be cut out of it byte for byte.
_LINE = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})"\}', re.DOTALL)
#: How a log begins, should a crash have left no more of it than this.
_BEGIN = b'{"at":"'
_BLOCK = 65_536
_LONGEST_NAP = 0.01


class JsonLinesFile:
    """The end of the log that is written to. Not safe for threads: `Appender` sees to that."""

    def __init__(self, path: Path, durability: str, timeout: float) -> None:
        if sys.platform == "win32":
            raise ConfigurationError('an audit log as JSON lines needs a POSIX system: on Windows use the SQLite form, AuditLog("audit.db")')
        self._path = path
        self._full = durability == "full"
        self._timeout = timeout
        self._shut = False
        self._descriptor: int | None = None
        self._log: str | None = None
        #: Size of the file and last record after our own last append: nobody else wrote as long as the size is the same.
        self._known: tuple[int, int, str, str] | None = None

    def append(self, drafts: Sequence[Mapping[str, Any]], at: str) -> tuple[int, Head]:
        """Writes them all or none; the number of the first one and the new head. ``at`` is the time of what is added: a first record, a note."""
        if self._shut:
            raise StoreError(f"the audit log {self._path} is closed: open it again")
        try:
            descriptor = self._open()
            _lock(descriptor, self._path, self._timeout)
            try:
                return self._write(descriptor, drafts, at)
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        except OSError as problem:
            raise _explain(problem, self._path) from problem

    def _open(self) -> int:
        """The descriptor of the file that has the name now: somebody may have moved the old one away."""
        if self._descriptor is not None:
            with contextlib.suppress(FileNotFoundError):
                there, ours = os.stat(self._path), os.fstat(self._descriptor)
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return self._descriptor
            self._drop()
        new = not self._path.exists()
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if new and self._full:
            # The name of a new file is on the disk only once its directory is.
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return self._descriptor

    def _write(self, descriptor: int, drafts: Sequence[Mapping[str, Any]], at: str) -> tuple[int, Head]:
        size = os.fstat(descriptor).st_size
        torn: list[str] = []
        begin = b""
        if self._known is not None and self._known[0] == size:
            _, seq, previous, last = self._known
        else:
            seq, previous, last, scraps, begin = _end_of(descriptor, size)
            # A crash leaves the last line without its end. A whole line that is no record is another matter: no note vouches for it.
            torn = [sha256(scrap) for scrap in scraps] if begin and (drafts or seq < 0) else []
            if seq < 0 and scraps and not (len(scraps) == 1 and begin and scraps[0][: len(_BEGIN)] == _BEGIN[: len(scraps[0])]):
                raise StoreError(f"{self._path} is no audit log, and not empty: give the log a file of its own. Nothing was changed")
            self._log = _id(descriptor) if seq >= 0 else None
        added: list[dict[str, Any]] = [first(at)] if seq < 0 else []
        if torn:
            # In the very next record, whichever that is: `verify` looks there.
            note = {"torn": torn, "note": "the lines before this one were torn by a crash, and are kept as they are"}
            added = [{**added[0], **note}] if added else [{"kind": "note", "at": at, **note}]
        self._log = self._log or str(added[0]["log"])
        begun, lines = seq + 1, [begin]
        for draft in (*added, *drafts):
            seq += 1
            data, previous = link(draft, seq, previous)
            last = str(draft["at"])
            lines.append(data[:-1] + b',"hash":"' + previous.encode() + b'"}\n')
        if len(lines) == 1:
            return begun, Head(log=self._log, seq=seq, hash=previous, at=last or "unknown")
        self._known = None
        _write_all(descriptor, b"".join(lines), size)
        if self._full:
            try:
                _sync(descriptor)
            except OSError:
                # Whether it is on the disk cannot be known. It was not acknowledged: it must not be there once more when it is written again.
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        self._known = (size + sum(map(len, lines)), seq, previous, last)
        return begun, Head(log=self._log, seq=seq, hash=previous, at=last or "unknown")

    def discard(self) -> None:
        self._shut = True
        self._drop()

    # Closing what was inherited through a fork takes nothing from the parent: it unlocks the file by itself.
    abandon = discard

    def _drop(self) -> None:
        descriptor, self._descriptor, self._known, self._log = self._descriptor, None, None, None
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int, path: Path, timeout: float, *, shared: bool = False) -> None:
    give_up, nap = time.monotonic() + timeout, 0.0001
    while True:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                message = f"the audit log {path} was locked by another process for {timeout:g} s: find what holds it, or raise timeout="
                raise StoreError(message) from None
            time.sleep(nap)
            nap = min(nap * 2, _LONGEST_NAP)
        else:
            return


def _write_all(descriptor: int, data: bytes, size: int) -> None:
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except BaseException:
        # Half of it may be there, and none of it was acknowledged. Where it cannot be taken back, the next append finds a torn line.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # fsync alone leaves it in the drive's cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def _end_of(descriptor: int, size: int) -> tuple[int, str, str, list[bytes], bytes]:
    """Number, hash and time of the last record, the lines after it that are none, and what must be written before the next line begins."""
    tail, start = b"", size
    while True:
        lines = tail.split(b"\n")
        # The first one may have begun before what was read; the last one is what stands behind the last line end.
        whole = lines[:-1] if start == 0 else lines[1:-1]
        for index in range(len(whole) - 1, -1, -1):
            if (found := _split(whole[index])) is not None and (seq := _seq(found[0])) is not None:
                scraps = [*whole[index + 1 :], *filter(None, [lines[-1]])]
                return seq, found[1], str(json.loads(found[0]).get("at", "")), scraps, b"\n" if lines[-1] else b""
        if start == 0:
            return -1, NOTHING, "", [*whole, *filter(None, [lines[-1]])], b"\n" if lines[-1] else b""
        step = min(start, max(_BLOCK, len(tail)))
        start -= step
        tail = os.pread(descriptor, step, start) + tail


def _split(line: bytes) -> tuple[bytes, str] | None:
    match = _LINE.fullmatch(line)
    return None if match is None else (match[1] + b"}", match[2].decode())


def _seq(data: bytes) -> int | None:
    try:
        seq = json.loads(data)["seq"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) and seq >= 0 else None


def _id(descriptor: int) -> str:
    line = os.pread(descriptor, _BLOCK, 0).partition(b"\n")[0]
    try:
        return str(json.loads(line)["log"]) or "unknown"
    except (ValueError, RecursionError, KeyError, TypeError):
        return "unknown"


def read_json_lines(path: Path, timeout: float, after: int | None) -> Iterator[Stored]:
    """All lines in the order of the file, up to where it ended when this began. ``after``: records with smaller or the same numbers are left out."""
    try:
        with open(path, "rb") as file:
            # Under the lock nobody is in the middle of a line: one that is not ended then was left so by a crash.
            _lock(file.fileno(), path, timeout, shared=True)
            size = os.fstat(file.fileno()).st_size
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)
            number = 0
            while size > 0 and (line := file.readline(size)):
                size -= len(line)
                number += 1
                stored = _stored(line, f"line {number}")
                if after is None or stored.data is None or (_seq(stored.data) or 0) > after:
                    yield stored
    except OSError as problem:
        raise _explain(problem, path) from problem


def _stored(line: bytes, place: str) -> Stored:
    if not line.endswith(b"\n"):
        return Stored(place, None, None, "", line, True)
    found = _split(line[:-1])
    if found is None or _seq(found[0]) is None:
        return Stored(place, None, None, "", line[:-1])
    return Stored(place, None, found[0], found[1])


def _explain(problem: OSError, path: Path) -> StoreError:
    return StoreError(f"the audit log {path} cannot go on: {problem.strerror or problem}. What was written before is kept")
