"""The lines of a text file, counted and summed up, so that an error can say where it is and a checkpoint can tell whether the file is still the same.

Opening, decoding and decompressing fail in many ways; every one of them gets its words here. What is in a line is not looked at.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from difflib import get_close_matches
from typing import Any

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError

__all__ = ["Lines", "file_path", "text_encoding"]


def file_path(what: str, path: Any) -> str:
    """The path as text; raises `ConfigurationError` for what is none."""
    if not isinstance(path, str | os.PathLike) or not (text := os.fspath(path)) or not isinstance(text, str) or "\0" in text:
        raise ConfigurationError(f"{what}(path) takes the path of a file, not {path!r}")
    return text


def text_encoding(what: str, encoding: Any) -> str:
    """The name of an encoding of text; raises `ConfigurationError` for what is none."""
    try:
        "a".encode(encoding)
    except (LookupError, TypeError) as problem:
        raise ConfigurationError(
            f"{what}(encoding=…) takes the name of a text encoding such as 'utf-8-sig' or 'cp1252', not {encoding!r}"
        ) from problem
    return codecs.lookup(encoding).name


class Lines:
    """Iterates over the lines of one file, line ends kept. Closes itself at the end, after an error, and when it is dropped."""

    def __init__(self, path: str, *, encoding: str, newline: str) -> None:
        self.name = os.path.basename(path)
        #: How many lines have come, and their checksum.
        self.number = self.checksum = 0
        self._encoding = encoding
        self._file: io.TextIOWrapper | None = None
        try:
            raw = open(path, "rb")  # noqa: SIM115 - open between pages, and closed by close()
        except OSError as problem:
            raise _not_opened(path, problem) from problem
        self._raw = raw
        self._before = self._state()
        inside: Any = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
        self._file = io.TextIOWrapper(inside, encoding=encoding, newline=newline)

    def _state(self) -> tuple[int, int]:
        stat = os.fstat(self._raw.fileno())
        return stat.st_size, stat.st_mtime_ns

    def changed(self) -> bool:
        """Whether somebody wrote to the file since it was opened. Only before `close`."""
        return self._state() != self._before

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._file is None:
            raise ReadError(f"{self.name} was closed in the middle of a read")
        try:
            line = next(self._file)
        except UnicodeDecodeError as problem:
            # A block is decoded at once: the lines in it before the bad byte have not come yet.
            ahead = bytes(problem.object)[: problem.start].decode(self._encoding, "ignore").count("\n")
            raise DecodeError(
                f"{self.name}, line {self.number + 1 + ahead}: not {self._encoding} (byte 0x{problem.object[problem.start]:02x}): give the file's "
                "encoding=, cp1252 perhaps"
            ) from problem
        except UnicodeError as problem:
            raise DecodeError(f"{self.name}, line {self.number + 1}: not {self._encoding}: {problem}") from problem
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise DecodeError(f"{self.name}, after line {self.number}: the compressed file is damaged or was cut: {problem}") from problem
        except OSError as problem:
            raise ReadError(f"{self.name}, after line {self.number}: {problem.strerror or problem}") from problem
        self.number += 1
        if "\0" in line:
            raise DecodeError(f"{self.name}, line {self.number}: a NUL character: not a text file, or one in another encoding than {self._encoding}")
        # Without its end: a last line that had none gets one when something is appended.
        self.checksum = zlib.crc32(line.rstrip("\r\n").encode("utf-8", "surrogatepass"), self.checksum)
        return line

    def skip_to(self, token: Any) -> None:
        """Goes on where ``token`` was made; raises `CheckpointMismatch` where the lines up to there are not those of that time."""
        if token is None:
            return
        try:
            number, checksum = int(token["line"]), int(token["checksum"])
        except (KeyError, TypeError, ValueError) as problem:
            raise CheckpointMismatch(f"the checkpoint of {self.name} is not one of this version: start without it") from problem
        while self.number < number and next(self, None) is not None:
            pass
        if (self.number, self.checksum) != (number, checksum):
            raise CheckpointMismatch(f"the first {number} lines of {self.name} are not those the checkpoint was made of: start without it")

    def token(self) -> dict[str, int]:
        """What `skip_to` takes."""
        return {"line": self.number, "checksum": self.checksum}

    def close(self) -> None:
        """Closes the file. Closing twice is no error."""
        if self._file is not None:
            self._file.close()
            self._raw.close()
            self._file = None

    def __del__(self) -> None:
        self.close()


def _not_opened(path: str, problem: OSError) -> ConfigurationError:
    name, folder = os.path.basename(path), os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return ConfigurationError(f"{path} is a directory, not a file")
    if not isinstance(problem, FileNotFoundError):
        return ConfigurationError(f"{path} cannot be read: {problem.strerror or problem}")
    if not os.path.isdir(folder):
        return ConfigurationError(f"there is no directory {folder} for {name}")
    near = get_close_matches(name, sorted(os.listdir(folder)), n=3, cutoff=0.5)
    return ConfigurationError(f"there is no file {path}" + (f": did you mean {' or '.join(near)}?" if near else ""))
