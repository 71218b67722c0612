"""Opening a file of records: as it is, or out of gzip or zip, told by its first bytes. Every failure of opening and unpacking gets its words here.

Bytes only: what is in them is the business of ``lines`` and ``json_text``.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from integrakit.errors import ConfigurationError, DecodeError, ReadError

__all__ = ["OpenFile", "file_path", "is_packed", "not_opened"]

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


def file_path(what: str, path: Any) -> str:
    """The path as text; raises `ConfigurationError` for what is none."""
    if not isinstance(path, str | os.PathLike) or not (text := os.fspath(path)) or not isinstance(text, str) or "\0" in text:
        raise ConfigurationError(f"{what}(path) takes the path of a file, not {path!r}")
    return text


def is_packed(path: str) -> bool:
    """Whether the file is compressed, or will be by its name: nothing can be appended to it then."""
    if path.endswith(".gz"):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(4).startswith((_GZIP, _ZIP))
    except OSError:
        return False  # whoever opens it for writing has better words


class OpenFile:
    """One file, open for reading. ``inside`` are its bytes, unpacked where it is compressed; ``packed`` says whether it is.

    A name that ends in ``.gz`` must be gzip. Any other file is what its first bytes say: gzip, a zip with one file in it, or neither.
    """

    def __init__(self, path: str) -> None:
        self.name = os.path.basename(path)
        self.raw: io.BufferedReader | None = None
        try:
            raw = open(path, "rb")  # noqa: SIM115 - open between pages, and closed by close()
        except OSError as problem:
            raise not_opened(path, problem) from problem
        self.raw = raw
        self._before = self._state()
        self.inside: Any = raw
        with self.failures(lambda: "at its start"):
            #: The first bytes as they are on the disk.
            self.head = raw.peek(4)[:4]
            if path.endswith(".gz") and not self.head:
                raise EOFError("there is not a byte in it")
            if path.endswith(".gz") or self.head.startswith(_GZIP):
                self.inside = gzip.GzipFile(fileobj=raw)
            elif self.head == _ZIP:
                self.inside = self._only_member(raw)
        self.packed = self.inside is not raw

    def _only_member(self, raw: io.BufferedReader) -> Any:
        archive = zipfile.ZipFile(raw)
        members = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            raise DecodeError(f"{self.name} is a zip with {len(members)} files in it, and only one can be read: unpack it")
        return archive.open(members[0])

    def text(self, encoding: str, *, newline: str, errors: str = "strict") -> io.TextIOWrapper:
        """The bytes that are still to come, as text."""
        return io.TextIOWrapper(self.inside, encoding=encoding, errors=errors, newline=newline)

    @contextmanager
    def failures(self, where: Callable[[], str]) -> Iterator[None]:
        """Whatever reading and unpacking raise, as a `DecodeError` or `ReadError` that names the file and ``where()``."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as problem:
            raise DecodeError(f"{self.name}, {where()}: the compressed file is damaged or was cut: {problem}") from problem
        except OSError as problem:
            raise ReadError(f"{self.name}, {where()}: {problem.strerror or problem}") from problem
        except RuntimeError as problem:  # zip: a method that nobody knows, or a password
            raise DecodeError(f"{self.name}, {where()}: the compressed file cannot be unpacked: {problem}") from problem

    def _state(self) -> tuple[int, int]:
        assert self.raw is not None
        stat = os.fstat(self.raw.fileno())
        return stat.st_size, stat.st_mtime_ns

    def changed(self) -> bool:
        """Whether somebody wrote to the file since it was opened. Only before `close`."""
        return self._state() != self._before

    def close(self) -> None:
        """Closes the file. Closing twice is no error."""
        if self.raw is not None:
            self.raw.close()
            self.raw = None

    def __del__(self) -> None:
        self.close()


def not_opened(path: str, problem: OSError) -> ConfigurationError:
    """Why a file could not be opened, with the names that are like it."""
    name, folder = os.path.basename(path), os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return ConfigurationError(f"{path} is a directory, not a file")
    if not isinstance(problem, FileNotFoundError):
        return ConfigurationError(f"{path} cannot be read: {problem.strerror or problem}")
    if not os.path.isdir(folder):
        return ConfigurationError(f"there is no directory {folder} for {name}")
    near = get_close_matches(name, sorted(os.listdir(folder)), n=3, cutoff=0.5)
    return ConfigurationError(f"there is no file {path}" + (f": did you mean {' or '.join(near)}?" if near else ""))
