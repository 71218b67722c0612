"""A JSON text of any length, walked value by value in flat memory: arrays and objects are entered, what is in them is decoded whole, or passed over.

Each value is decoded by the very decoder that a short body is decoded with, so a file and a body of the same text give the same. Which values are
records is not known here.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from integrakit._json import decoder
from integrakit.errors import CheckpointMismatch, DecodeError, ReadError
from integrakit.files.opening import OpenFile

__all__ = ["JsonText"]

#: Characters read at once, at least.
CHUNK = 1 << 18
#: Characters of one value, at most: a few megabytes of gzip can be a text of gigabytes, which would take all memory there is.
LONGEST = 1 << 28
#: An error so near to the end of what is there may be one because more is to come: no literal, escape or pair of escapes is longer.
_NEAR = 16
_BLANK = re.compile(r"[ \t\n\r]*")


class JsonText:
    """One open file of JSON. Always stands before a value, or where a value ended; every failure is a `DecodeError` that says where."""

    #: How many records the file says it has: JSON does not.
    declared_total: int | None = None

    def __init__(self, path: str, *, decimals: bool) -> None:
        self._text: io.TextIOWrapper | None = None
        self._file = OpenFile(path)
        self.name = self._file.name
        #: How many records were taken: `took` counts them.
        self.records = 0
        self._decode = decoder(decimals=decimals).raw_decode
        self._buffer = self._tail = ""
        self._at = 0
        # Characters before the buffer; the sum of all up to a place in it; where the last record ends, if that is in it, and the sum up to there.
        self._before = self._summed = self._checksum = 0
        self._mark: int | None = None
        self._marked = 0
        self._ended = False
        with self._file.failures(self._where):
            encoding = json.detect_encoding(self._file.inside.peek(4)[:4])
        # As a body is decoded: half a character may stand where it cannot be one, and is handed on as it came.
        self._text = self._file.text(encoding, newline="", errors="surrogatepass")

    # ---------------------------------------------------------------- walking

    def peek(self) -> str:
        """The first character of what comes next, blanks passed over; "" at the end of the file."""
        char = self._buffer[self._at : self._at + 1]
        if char and char not in " \t\n\r":
            return char
        while True:
            found = _BLANK.match(self._buffer, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The value that comes next, whole."""
        self.peek()
        while True:
            start = self._at
            try:
                value, end = self._decode(self._buffer, start)
            except json.JSONDecodeError as problem:
                if self._may_be_cut(problem) and self._more():
                    continue
                at = problem.pos - start + self._at  # reading on, in vain, may have moved it
                if at >= len(self._buffer) or problem.msg.startswith("Unterminated string"):
                    raise self._cut() from problem
                raise self._wrong(problem.msg, at) from problem
            except RecursionError as problem:
                raise self._wrong("nested too deeply", start) from problem
            except ValueError as problem:  # NaN, an exponent or a number of digits out of all bounds
                raise self._wrong(str(problem), start) from problem
            # A number goes on as far as there are digits, a point or an exponent.
            if len(self._buffer) - end < _NEAR and isinstance(value, int | float | Decimal) and self._more():
                continue
            self._at += end - start
            return value

    def items(self) -> Iterator[int]:
        """Enters the array that comes next; stands before each of its values in turn, which must be taken before the next one is asked for."""
        return self._inside("]")

    def values(self) -> Iterator[Any]:
        """Enters the array that comes next, and gives each of its values."""
        for _ in self._inside("]"):
            yield self.value()

    def names(self) -> Iterator[str]:
        """Enters the object that comes next; gives each name and stands before its value, which must be taken before the next one is asked for."""
        for _ in self._inside("}"):
            yield self._name()

    def skip(self) -> None:
        """Passes over the value that comes next. One that is longer than what is read at once is entered, so that memory stays flat."""
        open_ones: list[str] = []
        while True:
            char = self.peek()
            if char not in ("[", "{"):
                self.value()
            elif not self._passed():
                self._at += 1
                open_ones.append("]" if char == "[" else "}")
                if self.peek() != open_ones[-1]:
                    self._enter(open_ones[-1])
                    continue
            while open_ones and self._ends(open_ones[-1]):
                self._at += 1
                open_ones.pop()
            if not open_ones:
                return
            self._at += 1
            self._enter(open_ones[-1])

    def end(self) -> None:
        """Raises `DecodeError` unless nothing but blanks is left."""
        if char := self.peek():
            lines = "; if there is one object a line, JsonLines(path) reads it" if char == "{" else ""
            raise self._wrong(f"there is something after the end of the document{lines}", self._at)

    def _inside(self, closing: str) -> Iterator[int]:
        self._at += 1
        number = 0
        if self.peek() != closing:
            yield number
            while self.peek() == "," or not self._ends(closing):
                number += 1
                self._at += 1
                yield number
        self._at += 1

    def _ends(self, closing: str) -> bool:
        """Whether an array or object ends here; False where a comma says that it goes on."""
        char = self.peek()
        if char == ",":
            return False
        if char == closing:
            return True
        raise self._wrong(f"Expecting ',' or {closing!r}", self._at) if char else self._cut()

    def _enter(self, closing: str) -> None:
        if closing == "}":
            self._name()

    def _name(self) -> str:
        if (char := self.peek()) != '"':
            raise self._wrong("Expecting property name enclosed in double quotes", self._at) if char else self._cut()
        name: str = self.value()
        if (char := self.peek()) != ":":
            raise self._wrong("Expecting ':' delimiter", self._at) if char else self._cut()
        self._at += 1
        return name

    def _passed(self) -> bool:
        """Passes over the array or object that comes next, if it is whole in what is there; reads more where that is little."""
        if len(self._buffer) - self._at < CHUNK:
            self._more()
        try:
            _, self._at = self._decode(self._buffer, self._at)
        except json.JSONDecodeError as problem:
            if self._may_be_cut(problem):
                return False
            raise self._wrong(problem.msg, problem.pos) from problem
        except (RecursionError, ValueError):
            self.value()  # raises, and says what is wrong
        return True

    # ---------------------------------------------------------------- reading

    def _more(self) -> bool:
        """Reads on; False at the end of the file. At least as much as is there, so that a long value is not decoded over and over."""
        if self._text is None:
            raise ReadError(f"{self.name} was closed in the middle of a read")
        if self._ended:
            return False
        self._settle()
        self._sum_to(self._at)
        left = self._buffer[self._at :]
        if len(left) > LONGEST:
            raise DecodeError(f"{self.name}, {self._where()}: one value of more than {LONGEST} characters")
        self._tail = self._buffer[-40:] or self._tail
        try:
            with self._file.failures(self._where):
                new = self._text.read(max(CHUNK, len(left)))
        except UnicodeError as problem:
            raise DecodeError(f"{self.name}, {self._where()}: not {self._text.encoding}: {problem}") from problem
        self._before += self._at
        self._buffer, self._at, self._summed = left + new, 0, 0
        self._ended = not new
        return bool(new)

    def _may_be_cut(self, problem: json.JSONDecodeError) -> bool:
        # A text that is not closed is reported at its start.
        return problem.msg.startswith("Unterminated string") or problem.pos > len(self._buffer) - _NEAR

    def _where(self) -> str:
        return f"after record {self.records}, from character {self._before + self._at}"

    def _wrong(self, what: str, at: int) -> DecodeError:
        if self._before + len(self._buffer) == 0:
            return DecodeError(f"{self.name} is empty: there is not even an empty array")
        if self._ended and at >= len(self._buffer):
            return self._cut()
        place = f"{self.name}, after record {self.records}, character {self._before + at}"
        return DecodeError(f"{place}: not JSON ({what}): {self._buffer[at : at + 60]!r:.60}", path=f"character {self._before + at}")

    def _cut(self) -> DecodeError:
        if self._before + len(self._buffer) == 0:
            return DecodeError(f"{self.name} is empty: there is not even an empty array")
        tail = self._buffer[-40:] or self._tail
        return DecodeError(
            f"{self.name}, after record {self.records}: the file ends in the middle of the document, it was cut: {tail!r} is its end",
            path=f"character {self._before + len(self._buffer)}",
        )

    # ---------------------------------------------------------------- checkpoints

    def took(self) -> None:
        """The value that was just taken is a record."""
        self.records += 1
        self._mark = self._at

    def _sum_to(self, place: int) -> None:
        self._checksum = zlib.crc32(self._buffer[self._summed : place].encode("utf-8", "surrogatepass"), self._checksum)
        self._summed = place

    def _settle(self) -> None:
        if self._mark is not None:
            self._sum_to(self._mark)
            self._marked, self._mark = self._checksum, None

    def token(self) -> dict[str, int]:
        """How many records were taken, and the sum of all characters up to the end of the last one."""
        self._settle()
        return {"item": self.records, "checksum": self._marked}

    def check(self, token: Any) -> None:
        """Raises `CheckpointMismatch` unless the document up to here is that of the token."""
        mine = self.token()
        if any(mine[name] != token[name] for name in mine):
            raise CheckpointMismatch(f"{self.name} is not the same up to record {token['item']} as when the checkpoint was made: start without it")

    def changed(self) -> bool:
        """Whether somebody wrote to the file since it was opened. Only before `close`."""
        return self._file.changed()

    def close(self) -> None:
        """Closes the file. Closing twice is no error."""
        if self._text is not None:
            self._text.close()
            self._text = None
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.close()
