"""The lines of a text file, counted and summed up, so that an error can say where it is and a checkpoint can tell whether the file is still the same.

What is in a line is not looked at. Lines come in blocks, and are handed on without a step of Python for each.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import chain
from operator import length_hint
from typing import Any

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError
from integrakit.files.opening import OpenFile

__all__ = ["Lines", "text_encoding"]

#: Characters of a block: lines are read until there are so many.
BLOCK = 1 << 17
#: Characters of a line, at most: a few megabytes of gzip can be gigabytes without a line end, which would take all memory there is.
LONGEST = 1 << 28
#: Encodings whose text gives the very same bytes when it is encoded again. In such a file a read goes on at a byte, without decoding what is before.
_EXACT = frozenset({"utf-8", "utf-8-sig", "ascii", "iso8859-1", "cp1252"})


def text_encoding(what: str, encoding: Any) -> str:
    """The name of an encoding of text; raises `ConfigurationError` for what is none."""
    try:
        "a".encode(encoding)
    except (LookupError, TypeError) as problem:
        raise ConfigurationError(
            f"{what}(encoding=…) takes the name of a text encoding such as 'utf-8-sig' or 'cp1252', not {encoding!r}"
        ) from problem
    return codecs.lookup(encoding).name


class _Sum:
    """A checksum without the line ends that stand last: a last line that had none gets one when something is appended."""

    def __init__(self) -> None:
        self.value = self.bytes = 0
        self._ends = b""

    def add(self, data: bytes) -> None:
        self.bytes += len(data)
        body = data.rstrip(b"\r\n")
        if body:
            self.value = zlib.crc32(body, zlib.crc32(self._ends, self.value))
            self._ends = data[len(body) :]
        else:
            self._ends += data

    @property
    def last(self) -> bytes:
        """The last byte, where it is that of a line end."""
        return self._ends[-1:]


class Lines:
    """The lines of one file, line ends kept; each iteration goes on where the last one stopped.

    Closes itself at the end, after an error, and when it is dropped.
    """

    #: How many records the file says it has: a text file does not.
    declared_total: int | None = None

    def __init__(self, path: str, *, encoding: str, newline: str) -> None:
        self._open = False
        self._file = OpenFile(path)
        self._open = True
        self.name = self._file.name
        self._encoding, self._newline = encoding, newline
        #: Whether a checkpoint is a place in the bytes; otherwise the lines before it are read again.
        self._exact = not self._file.packed and encoding in _EXACT
        # The mark at the start is not among the lines.
        self._coded = "utf-8" if encoding == "utf-8-sig" or not self._exact else encoding
        self._text = self._file.text(encoding, newline=newline)
        self._block: list[str] = []
        # A list's own iterator: it knows how much of it is left.
        self._rest: Iterator[str] = iter(self._block)
        self._loaded = 0
        self._summed = 0
        self._sum = _Sum()
        if self._exact and encoding == "utf-8-sig" and self._file.head.startswith(codecs.BOM_UTF8):
            self._sum.add(codecs.BOM_UTF8)
        self._problem: Exception | None = None

    @property
    def number(self) -> int:
        """How many lines have come."""
        return self._loaded - length_hint(self._rest)

    def changed(self) -> bool:
        """Whether somebody wrote to the file since it was opened. Only before `close`."""
        return self._file.changed()

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[Iterator[str]]:
        yield self._rest
        while self._load():
            yield self._rest

    def _load(self) -> bool:
        """Reads the next block, once everything before it was taken. Lines that came before a bad one are handed out first."""
        if not self._open:
            raise ReadError(f"{self.name} was closed in the middle of a read")
        if self._problem is not None:
            raise self._problem
        self._add_up()
        block: list[str] = []
        size = 0
        try:
            with self._file.failures(lambda: f"after line {self._loaded + len(block)}"):
                for line in iter(partial(self._text.readline, LONGEST), ""):
                    block.append(line)
                    size += len(line)
                    if size >= BLOCK:
                        break
            if block and len(block[-1]) >= LONGEST:
                block.pop()
                self._problem = DecodeError(f"{self.name}, line {self._loaded + len(block) + 1}: longer than {LONGEST} characters")
        except (DecodeError, ReadError) as problem:
            self._problem = problem
        except UnicodeError as problem:
            self._problem = self._undecodable(problem, self._loaded + len(block) + 1)
        if "\0" in "".join(block):
            at = next(index for index, line in enumerate(block) if "\0" in line)
            self._problem = DecodeError(
                f"{self.name}, line {self._loaded + at + 1}: a NUL character: not a text file, or one in another encoding than {self._encoding}"
            )
            del block[at:]
        self._block, self._rest, self._summed = block, iter(block), 0
        self._loaded += len(block)
        if not block and self._problem is not None:
            raise self._problem
        return bool(block)

    def _undecodable(self, problem: UnicodeError, line: int) -> DecodeError:
        if isinstance(problem, UnicodeDecodeError):
            # Some bytes are decoded at once: the lines in them before the bad byte have not come yet.
            line += bytes(problem.object)[: problem.start].decode(self._encoding, "ignore").count("\n")
            error = DecodeError(
                f"{self.name}, line {line}: not {self._encoding} (byte 0x{problem.object[problem.start]:02x}): give the file's encoding=, "
                "cp1252 perhaps"
            )
        else:
            error = DecodeError(f"{self.name}, line {line}: not {self._encoding}: {problem}")
        error.__cause__ = problem
        return error

    def _add_up(self) -> None:
        taken = len(self._block) - length_hint(self._rest)
        self._sum.add("".join(self._block[self._summed : taken]).encode(self._coded, "surrogatepass"))
        self._summed = taken

    # ---------------------------------------------------------------- checkpoints

    def token(self) -> dict[str, int]:
        """What `skip_to` takes."""
        self._add_up()
        place = {"line": self.number, "checksum": self._sum.value}
        return {**place, "offset": self._sum.bytes} if self._exact else place

    def skip_to(self, token: Any) -> None:
        """Goes on where ``token`` was made; raises `CheckpointMismatch` where the lines up to there are not those of that time.

        Everything before it is summed up anew; nothing of it is decoded where the bytes are those of the text. Iterate anew after it.
        """
        if token is None:
            return
        try:
            number, checksum = int(token["line"]), int(token["checksum"])
            offset = int(token["offset"]) if "offset" in token else None
        except (KeyError, TypeError, ValueError) as problem:
            raise CheckpointMismatch(f"the checkpoint of {self.name} is not one of this version: start without it") from problem
        if self._exact and offset is not None:
            same = self._jump(number, offset) and self._sum.value == checksum
        else:
            lines = iter(self)
            while self.number < number and next(lines, None) is not None:
                pass
            self._add_up()
            same = (self.number, self._sum.value) == (number, checksum)
        if not same:
            raise CheckpointMismatch(f"the first {number} lines of {self.name} are not those the checkpoint was made of: start without it")

    def _jump(self, number: int, offset: int) -> bool:
        """Goes on after ``offset`` bytes; False where they do not end a line."""
        raw = self._file.raw
        assert raw is not None
        self._text.detach()
        self._text = self._file.text(self._coded, newline=self._newline)  # reads nothing before it is asked
        self._sum = _Sum()
        with self._file.failures(lambda: f"before line {number + 1}"):
            raw.seek(0)
            while (left := offset - self._sum.bytes) > 0 and (data := raw.read(min(left, 1 << 20))):
                self._sum.add(data)
            if offset > self._sum.bytes:
                return False
            swallowed = self._end_since(raw.peek(2)[:2])
            if swallowed is None:
                return False
            self._sum.add(raw.read(swallowed))
        self._block, self._summed, self._loaded = [], 0, number
        self._rest = iter(self._block)
        return True

    def _end_since(self, following: bytes) -> int | None:
        """How many bytes of a line end the last line has got since; None where it went on, and is another line now."""
        last, any_end = self._sum.last, self._newline == ""
        if last == b"\n" or not following:
            return 0
        if last == b"\r" and any_end:
            return 1 if following[:1] == b"\n" else 0
        if following == b"\r\n" and not last:
            return 2
        return 1 if following[:1] == b"\n" or (any_end and following[:1] == b"\r") else None

    def close(self) -> None:
        """Closes the file. Closing twice is no error."""
        if self._open:
            self._open = False
            self._text.close()
            self._file.close()

    def __del__(self) -> None:
        self.close()
