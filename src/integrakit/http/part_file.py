"""The file of a download while it is not whole: ``orders.csv.part`` beside ``orders.csv``, and beside it a note of what it is a part of.

Here are its bytes, its lock and its end: it becomes the target in one step, or it stays to be gone on with, or it goes. Of HTTP nothing is known.
Everything blocks.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

from integrakit._json import dumps, loads
from integrakit.errors import ConfigurationError, IntegrakitError, WriteError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none: there a part is never gone on with by another process
    fcntl = None  # type: ignore[assignment]

__all__ = ["Broken", "PartFile", "target_of"]

#: Bytes that are read or unpacked at once.
_STEP = 1 << 18


class Broken(Exception):
    """The compressed bytes are not whole; the text says why."""


def target_of(path: Any) -> str:
    """The path of the file to write. Raises `ConfigurationError` for what cannot be one."""
    if not isinstance(path, str | os.PathLike) or not (text := os.fspath(path)) or not isinstance(text, str) or "\0" in text:
        raise ConfigurationError(f"download(url, path) takes the path of the file to write, not {path!r}")
    # A link stays one: what it leads to is written.
    target = os.path.realpath(text)
    if os.path.isdir(target):
        raise ConfigurationError(f"{text} is a directory: download() takes the path of the file to write")
    if os.path.exists(target) and not os.path.isfile(target):
        raise ConfigurationError(f"{text} is no ordinary file, so it cannot be replaced by a download")
    if not os.path.isdir(os.path.dirname(target)):
        raise ConfigurationError(f"there is no directory {os.path.dirname(target)} for {os.path.basename(target)}")
    return target


class PartFile:
    """What has come of a file so far. Of two that write the same target at once, the second has a part of its own, with a name of its own."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.path = f"{target}.part"
        #: How many bytes there are.
        self.size = 0
        #: What they are a part of, as it was noted; None where nobody could go on with them.
        self.note: dict[str, Any] | None = None
        self._descriptor = -1
        self._shared = True

    def open(self) -> None:
        """Opens it, with what an earlier process left of it. Raises `ConfigurationError` or `WriteError` where it cannot be written."""
        try:
            if not self._claim():
                self.path, self._shared = f"{self.target}.{os.getpid()}-{token_hex(4)}.part", False
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            self.size = os.fstat(self._descriptor).st_size
        except OSError as problem:
            raise self._unwritable(problem) from problem
        self.note = self._noted()
        if self.note is None:
            self.rewind()

    def _claim(self) -> bool:
        """Opens and locks the part that everybody takes first. False where it belongs to somebody else."""
        if fcntl is None:  # pragma: no cover - Windows
            return False
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            except OSError:
                if os.path.lexists(self.path) and os.access(os.path.dirname(self.target), os.W_OK):
                    return False  # somebody else's, or a link
                raise
            try:
                _lock(descriptor)
                mine = os.fstat(descriptor)
                if not stat.S_ISREG(mine.st_mode) or mine.st_uid != os.geteuid():
                    os.close(descriptor)
                    return False
                # Whoever had it may have made it the target meanwhile, or removed it.
                if os.path.lexists(self.path) and os.path.samestat(mine, os.lstat(self.path)):
                    self._descriptor = descriptor
                    return True
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    # ------------------------------------------------------------------ the note

    @property
    def _note_path(self) -> str:
        return f"{self.path}.json"

    def _noted(self) -> dict[str, Any] | None:
        if not self._shared:
            return None
        try:
            with open(self._note_path, "rb") as file:
                note = loads(file.read())
        except (OSError, ValueError):
            return None
        return note if isinstance(note, dict) else None

    def keep(self, note: dict[str, Any] | None) -> None:
        """Notes what this is a part of, so that it can be gone on with, after a crash too; None: it cannot."""
        self.note = note
        if not self._shared:
            return
        try:
            if note is None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._note_path)
            else:
                with open(self._note_path, "wb") as file:
                    file.write(dumps(note))
        except OSError as problem:
            raise self._unwritable(problem) from problem

    # ------------------------------------------------------------------ bytes

    def rewind(self) -> None:
        """Forgets everything."""
        self.keep(None)
        try:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        self.size = 0

    def write(self, data: bytes) -> None:
        """Appends. Raises `WriteError` where the disk does not take it."""
        left = memoryview(data)
        try:
            while left:
                written = os.write(self._descriptor, left)
                self.size += written
                left = left[written:]
        except OSError as problem:
            raise self._unwritable(problem) from problem

    def read(self, start: int = 0) -> Iterator[bytes]:
        """The bytes from ``start`` on; what is written next is appended to them."""
        os.lseek(self._descriptor, start, os.SEEK_SET)
        left = self.size - start
        while left > 0 and (data := os.read(self._descriptor, min(_STEP, left))):
            left -= len(data)
            yield data

    def unpack(self, coding: str) -> Iterator[bytes]:
        """Puts the unpacked bytes in the place of the packed ones, and gives them. Raises `Broken`.

        ``coding``: "gzip" or "deflate". The disk must have room for both.
        """
        path, size, plain = f"{self.path}.unpacked", 0, -1
        try:
            plain = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), 0o666)
            _lock(plain)
            for data in _unpacked(self.read(), coding):
                left = memoryview(data)
                while left:
                    left = left[os.write(plain, left) :]
                size += len(data)
                yield data
            # The note is of the packed bytes.
            self.keep(None)
            os.replace(path, self.path)
            plain, self._descriptor, self.size = self._descriptor, plain, size
        except OSError as problem:
            raise self._unwritable(problem) from problem
        finally:
            if plain >= 0:
                os.close(plain)
            with contextlib.suppress(OSError):
                os.unlink(path)

    # ------------------------------------------------------------------ the end

    def finish(self) -> None:
        """Makes it the target, in one step, once it is on the disk."""
        try:
            with contextlib.suppress(OSError):
                # As open() would have left an existing file.
                os.chmod(self.path, stat.S_IMODE(os.stat(self.target).st_mode))
            os.fsync(self._descriptor)
            if fcntl is None:  # pragma: no cover - Windows moves no open file
                os.close(self._descriptor)
                self._descriptor = -1
            os.replace(self.path, self.target)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        self.keep(None)
        self._close()

    def close(self, *, keep: bool) -> bool:
        """Leaves it: kept for whoever goes on with it, or removed. Whether it was kept. Closing twice is no error."""
        if self._descriptor < 0:
            return False
        keep = keep and self._shared and self.note is not None and self.size > 0
        if not keep:
            with contextlib.suppress(OSError, IntegrakitError):
                self.keep(None)
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        self._close()
        return keep

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _unwritable(self, problem: OSError) -> IntegrakitError:
        return WriteError(f"{self.target} cannot be written: {problem.strerror or problem}")


def _lock(descriptor: int) -> None:
    """Until it is closed. Raises `BlockingIOError` where another has it."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unpacked(parts: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """The bytes that are packed in ``parts``, a piece at a time however well they are packed. Raises `Broken`."""
    unpacker: Any = None
    seen = False
    try:
        for part in parts:
            data = part
            while data:
                if unpacker is None:
                    unpacker = zlib.decompressobj(31 if coding == "gzip" else 15 if _is_zlib(data) else -15)
                seen = True
                if plain := unpacker.decompress(data, _STEP):
                    yield plain
                data = unpacker.unconsumed_tail
                if unpacker.eof:
                    # A gzip file may have several members, one after the other (RFC 1952 §2.2).
                    data, unpacker = unpacker.unused_data, None
    except zlib.error as problem:
        raise Broken(str(problem)) from problem
    if unpacker is not None:
        while plain := unpacker.decompress(b"", _STEP):
            yield plain
        if not unpacker.eof:
            raise Broken("it ends in the middle")
    elif not seen:
        raise Broken("there is nothing in it")


def _is_zlib(data: bytes) -> bool:
    """Whether deflated bytes have the header of RFC 1950, as they should have; some servers leave it out."""
    return len(data) >= 2 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
