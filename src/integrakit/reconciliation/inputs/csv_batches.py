"""A CSV file as batches of text columns: cut at the ends of records, parsed by pyarrow, and only where its lenient parser and `CsvFile` see the same.

They differ in what they refuse: quotes inside a cell or left open, NUL characters, rows of another length, wrong encodings. Whatever is suspicious is
read once more by `CsvFile`, which says what is wrong in its own words, or that nothing is: then it is `Unreadable` as columns.
"""

from __future__ import annotations

import codecs
import csv
import io
import string
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, NoReturn

from attrs import frozen

from integrakit.files import CsvFile
from integrakit.files.opening import OpenFile
from integrakit.model import Evidence
from integrakit.reconciliation.inputs.plain_columns import arrow_or_none

__all__ = ["Block", "CsvColumns", "CsvRead", "Unreadable"]

#: Bytes that are read at a time: some ten thousand lines.
BLOCK = 1 << 21
#: Bytes without a line end outside quotes, at most.
_LONGEST = 1 << 27
#: Bytes of a header at most.
_HEADER = 1 << 20
_UTF8 = frozenset({"utf-8", "utf-8-sig"})


class Unreadable(Exception):
    """It is no error, and cannot be read as columns; the reason is for the user. Never raised out of the package."""


class CsvColumns:
    """A CSV file without types."""

    untyped = True
    once = False

    def __init__(self, file: CsvFile) -> None:
        self.file = file
        self.name = file.name

    @classmethod
    def of(cls, file: CsvFile) -> CsvColumns | None:
        """None where it has types, or marks that pyarrow does not take."""
        marks = file._delimiter + file._quote
        return cls(file) if file.untyped and not set(marks) - set(string.punctuation + " \t\x1c\x1d\x1e\x1f") else None

    def open_columns(self) -> CsvRead:
        return CsvRead(self.file)


@frozen(eq=False)
class Block:
    """Whole records as they are written: the first ``size`` bytes of ``data``, and the places of the quotes in them; None where there is none."""

    data: bytes
    size: int
    quotes: Any


class CsvRead:
    """One read in progress."""

    def __init__(self, source: CsvFile) -> None:
        self._arrow = arrow = arrow_or_none()
        # an extra
        import pyarrow.csv

        self._csv = pyarrow.csv
        self._source = source
        self._file = OpenFile(source.path)
        try:
            self._encoding = source._encoding
            self._decoder = None if self._encoding in _UTF8 else codecs.getincrementaldecoder(self._encoding)()
            self.delimiter, self.quote = source._delimiter.encode(), source._quote.encode()
            #: What was read and not taken yet, in UTF-8, and whether there is no more to come.
            self.rest = b""
            self.over = False
            self._block = max(1, BLOCK // 128)
            #: Records that were taken, and blocks that were read.
            self.rows = self.pages = 0
            self._changed = False
            self._start()
            self.schema = arrow.schema([(name, arrow.string()) for name in self.names])
        except BaseException:
            self._file.close()
            raise
        self._read_options = self._csv.ReadOptions(use_threads=False, column_names=list(self.names), block_size=(1 << 31) - 1)
        self._parse_options = self._csv.ParseOptions(
            delimiter=source._delimiter, quote_char=source._quote, double_quote=True, newlines_in_values=True
        )
        self._convert_options = self._csv.ConvertOptions(column_types=dict.fromkeys(self.names, arrow.string()), strings_can_be_null=False)

    def _start(self) -> None:
        """Reads the header, and leaves what comes after it."""
        self.fill()
        if self._encoding == "utf-8-sig" and self.rest.startswith(codecs.BOM_UTF8):
            self.rest = self.rest[len(codecs.BOM_UTF8) :]
        header = self._source.columns()
        if header is None:
            self.let_source_speak("is empty")
        #: The names of the columns.
        self.names = tuple(header)
        if self._source._header is not None:
            return
        first, taken = self._first_row()
        while first != self.names and not self.over and len(self.rest) < _HEADER:
            self.fill()
            first, taken = self._first_row()
        if first != self.names:
            self.let_source_speak("the header is not the one it had a moment ago")
        self.rest = self.rest[taken:]

    def _first_row(self) -> tuple[tuple[str, ...], int]:
        """The cells of the first row that is not blank, and the bytes up to its end."""
        taken: list[int] = []

        def lines() -> Iterator[str]:
            for line in io.TextIOWrapper(io.BytesIO(self.rest), "utf-8", newline=""):
                taken.append(len(line.encode()))
                yield line

        try:
            rows = csv.reader(lines(), delimiter=self._source._delimiter, quotechar=self._source._quote, strict=True)
            return tuple(next((row for row in rows if row), ())), sum(taken)
        except (UnicodeError, csv.Error):
            return (), 0

    def fill(self) -> bool:
        """Reads on, by a block; False when the file is over. A last line without its end gets one."""
        if self.over:
            return False
        # The first one is small: whoever only wants a look at it need not wait for more.
        self._block = min(BLOCK, self._block * 4)
        self.pages += 1
        with self._file.failures(lambda: f"after record {self.rows}"):
            if self._decoder is None and not self._file.packed:
                self._fill_at_once()
            else:
                self._fill_piece_by_piece()
        if self.over:
            if self.rest and not self.rest.endswith((b"\n", b"\r")):
                self.rest += b"\n"
            self._changed = self._file.changed()
        return True

    def _fill_at_once(self) -> None:
        # What was read and not taken is read again: that is less than copying all of it together.
        self._file.inside.seek(-len(self.rest), io.SEEK_CUR)
        wanted = self._block + len(self.rest)
        self.rest = self._file.inside.read(wanted)
        self.over = len(self.rest) < wanted

    def _fill_piece_by_piece(self) -> None:
        parts = [self.rest]
        size = 0
        while size < self._block and not self.over:
            data = self._file.inside.read(self._block - size)
            self.over = not data
            if self._decoder is not None:
                try:
                    data = self._decoder.decode(data, self.over).encode()
                except UnicodeError:
                    self.let_source_speak(f"it is not {self._encoding}")
            parts.append(data)
            size += len(data)
        self.rest = b"".join(parts)

    def next(self) -> Any:
        """The next record batch, None at the end. Raises `DecodeError`, `ReadError` and `Unreadable`."""
        while (block := self.block()) is not None:
            if (batch := self.parsed(block)) is not None:
                return batch
        return None

    def block(self) -> Block | None:
        """Some whole records, None at the end."""
        while True:
            if (len(self.rest) >= self._block // 2 or self.over) and (found := self._cut()) is not None:
                return found
            if len(self.rest) > _LONGEST:
                self.let_source_speak("a record is very long, or a quote is not closed")
            if not self.fill():
                return None

    def _cut(self) -> Block | None:
        """Takes the records that are whole, by the number of quotes before their ends; None where there is none yet."""
        data = self.rest
        quotes = self._quotes_in(data)
        end = len(data) if self.over else data.rfind(b"\n") + 1
        while not self.over and end > 0 and quotes is not None and int(quotes.searchsorted(end)) % 2:
            end = data.rfind(b"\n", 0, end - 1) + 1
        if end == 0:
            return None
        self.rest = data[end:]
        return Block(data, end, None if quotes is None else quotes[: quotes.searchsorted(end)])

    def _quotes_in(self, data: bytes) -> Any:
        """Where quotes stand; None where there is none."""
        if self.quote not in data:
            return None
        # an extra
        import numpy as np

        return np.flatnonzero(np.frombuffer(data, np.uint8) == self.quote[0])

    def parsed(self, block: Block, columns: Sequence[str] | None = None) -> Any:
        """The records of a block, with these columns at least; None where it has blank lines only. Raises as `next`."""
        data, end = block.data, block.size
        if data.find(b"\0", 0, end) >= 0:
            self.let_source_speak("it has NUL characters")
        if block.quotes is not None and not self._well_quoted(block):
            self.let_source_speak("it has quotes inside of cells")
        if data[0] in b"\r\n" and not data[:end].strip(b"\r\n"):
            return None
        try:
            table = self._csv.read_csv(
                self._arrow.py_buffer(data).slice(0, end),
                read_options=self._read_options,
                parse_options=self._parse_options,
                convert_options=self._convert_options if columns is None or not self._short_ascii(block) else self._only(columns),
            )
        except (self._arrow.ArrowException, ValueError, OSError) as problem:
            self.let_source_speak(f"pyarrow does not take it ({problem!s:.200})")
        batch = table.combine_chunks().to_batches()[0] if table.num_rows else None
        if batch is not None:
            if columns is None and end > csv.field_size_limit() and self._longest(batch) > csv.field_size_limit():
                self.let_source_speak("it has very long cells")
            self.rows += batch.num_rows
        return batch

    def _only(self, columns: Sequence[str]) -> Any:
        types = {name: self._arrow.string() for name in columns}
        return self._csv.ConvertOptions(column_types=types, include_columns=list(columns), strings_can_be_null=False)

    def _short_ascii(self, block: Block) -> bool:
        """Whether there is nothing to be checked in cells that nobody converts: neither their encoding nor their length."""
        half = csv.field_size_limit() // 2
        # With a line end in every stretch of half the length, no line is longer.
        return block.data.isascii() and all(block.data.find(b"\n", at, at + half) >= 0 for at in range(0, block.size - half, half))

    def _longest(self, batch: Any) -> int:
        compute = self._arrow.compute
        return max((compute.max(compute.binary_length(column)).as_py() or 0 for column in batch.columns), default=0)

    def _well_quoted(self, block: Block) -> bool:
        """Whether quotes stand around cells or doubled inside of quoted ones, and nowhere else."""
        # an extra
        import numpy as np

        places = block.quotes
        if len(places) % 2 or not len(places):
            return not len(places)
        data = np.frombuffer(block.data, np.uint8, block.size)
        outside = np.zeros(256, bool)
        outside[[self.delimiter[0], 10, 13, self.quote[0]]] = True
        opening, closing = places[0::2], places[1::2]
        before = data[opening[1:] - 1 if opening[0] == 0 else opening - 1]
        after = data[closing[:-1] + 1 if closing[-1] == len(data) - 1 else closing + 1]
        return bool(outside[before].all() and outside[after].all())

    def let_source_speak(self, why: str) -> NoReturn:
        """Raises what `CsvFile` says to this file; `Unreadable` where it has nothing to say."""
        self._file.close()
        with closing(self._source._lines()) as lines:
            for _ in self._source._parse(lines, None):
                pass
        raise Unreadable(f"{self._source.name} is read record by record: {why}")

    def evidence(self, started: datetime) -> Evidence:
        """What the read proved; after the end."""
        reasons = ("the file was written to while it was read",) if self._changed else ()
        return Evidence(
            complete=None if reasons else True,
            reasons=reasons,
            pages=self.pages,
            records=self.rows,
            stability="snapshot",
            ended_by="protocol",
            started=started,
        )

    def close(self) -> None:
        """Closes the file. Closing twice is no error."""
        self._file.close()
