"""`CsvFile`: a CSV file as a source of records, and as a sink that appends to it.

What makes a CSV file whole is checked here, cell values are in ``cells``, lines in ``lines``, pages in ``reader``, and the writing in ``append``.
"""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.files.append import Unfit, append, found, names_of, outcomes_of, page_size_of, record_of
from integrakit.files.cells import TYPES, parser, to_cell
from integrakit.files.lines import Lines, text_encoding
from integrakit.files.opening import file_path, is_packed
from integrakit.files.reader import FileReader, start_of
from integrakit.iterating import Rereadable
from integrakit.model import Change, Checkpoint, Outcome, Record
from integrakit.protocols import SinkLimits
from integrakit.runtimes import runtime

__all__ = ["CsvFile"]

#: How pages for people and answers in JSON begin. With one line, they would pass for the header of a file without rows.
_NOT_CSV = ("<!doctype", "<html", "<?xml", '{"', '[{"')


class CsvFile(Rereadable):
    """A CSV file: iterate it, read it in pages, append to it.

    ``key``: the column that names a record, or several; what a sync takes as its key. ``types``: column → Decimal, int, float, str, bool, date,
    datetime, time or ``"json"``; blank cells of such a column are None, all other cells are text. ``header``: the names, for a file whose first line
    is data already. ``encoding``: the default is UTF-8 with or without a mark at the start. Gzip, and a zip with one file in it, are told by their
    first bytes and read compressed.

    A wrong argument is a `ConfigurationError` at once, a missing file or column when it is opened, a malformed file a `DecodeError` naming line and
    column.
    """

    on_runtime = True
    #: A record appended twice is there twice.
    repeatable = False
    deletes = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | Sequence[str] | None = None,
        types: Mapping[str, Any] | None = None,
        delimiter: str = ",",
        quote: str = '"',
        encoding: str = "utf-8-sig",
        header: Sequence[str] | None = None,
        page_size: int = 1000,
    ) -> None:
        self.path = file_path("CsvFile", path)
        self.name = os.path.basename(self.path)
        self._key = () if key is None else names_of("CsvFile", "key", key)
        #: The column that names a record; a tuple where it takes several.
        self.key: str | tuple[str, ...] | None = self._key[0] if len(self._key) == 1 else self._key or None
        self._types = _types({} if types is None else types)
        #: Whether cells are text that nobody has said the type of.
        self.untyped = not self._types
        #: Whether `find` can answer.
        self.findable = bool(self._key)
        for argument, mark in (("delimiter", delimiter), ("quote", quote)):
            if not isinstance(mark, str) or len(mark) != 1 or mark in "\r\n\0":
                raise ConfigurationError(f"CsvFile({argument}=…) takes one character, not {mark!r}")
        if delimiter == quote:
            raise ConfigurationError(f"CsvFile: delimiter and quote are both {quote!r}")
        self._delimiter, self._quote = delimiter, quote
        self._encoding = text_encoding("CsvFile", encoding)
        self._header = None if header is None else names_of("CsvFile", "header", list(header) if not isinstance(header, str) else ())
        self._page_size = page_size_of("CsvFile", page_size)
        self._lock = threading.Lock()
        self.limits = SinkLimits()

    def __repr__(self) -> str:
        return f"<CsvFile {self.name}{f', key {self.key!r}' if self._key else ''}>"

    # ---------------------------------------------------------------- reading

    def open_read(self, since: Checkpoint | None = None, /) -> FileReader[Lines]:
        """A new read, from the start or on from a page's checkpoint. The file is opened when the first page is asked for."""
        parameters = f"delimiter={self._delimiter} encoding={self._encoding}"
        return FileReader(self._lines, self._parse, start_of(self.path, parameters, "lines", since), self._page_size)

    def columns(self) -> Sequence[str] | None:
        """The names of the columns: ``header``, or those of the file's first line; None where it is empty. Raises what reading raises."""
        lines = self._lines()
        try:
            return self._checked_header(lines, self._rows(lines))
        finally:
            lines.close()

    def find(self, keys: Collection[Any], /) -> dict[Any, Mapping[str, Any]]:
        """The last record of each of the keys that is there: ``{key: record}``. Reads the whole file."""
        if not self._key:
            raise ConfigurationError("CsvFile.find() needs to know the key: CsvFile(path, key=…)")
        return found(self, self._key, keys, to_cell) if os.path.exists(self.path) else {}

    def _lines(self) -> Lines:
        # Line ends stay as they are: those inside quotes are part of the cell.
        return Lines(self.path, encoding=self._encoding, newline="")

    def _rows(self, lines: Lines) -> Any:
        return csv.reader(lines, delimiter=self._delimiter, quotechar=self._quote, strict=True)

    def _parse(self, lines: Lines, token: Any) -> Iterator[Record]:
        header = self._checked_header(lines, self._rows(lines))
        if header is None:
            raise DecodeError(f"{self.name} is empty: there is not even a header")
        lines.skip_to(token)
        parsers = [(name, header.index(name), parse) for name, wanted in self._types.items() if (parse := parser(wanted)) is not None]
        width = len(header)
        before = lines.number + 1
        rows = self._rows(lines)
        come = 0
        try:
            for row in rows:
                if len(row) == width:
                    record: dict[str, Any] = dict(zip(header, row, strict=True))
                    for name, at, parse in parsers:
                        record[name] = self._typed(row[at], name, parse, before + come)
                    yield record
                elif row:  # a blank line has no cells
                    line = before + come
                    problem = f"{self.name}, line {line}: {len(row)} cells, and the header has {width}{_other_delimiter(header, row)}"
                    raise DecodeError(problem, path=f"line {line}", record=row)
                come = rows.line_num
        except csv.Error as problem:
            raise self._malformed(problem, before + come) from problem

    def _checked_header(self, lines: Lines, rows: Iterator[list[str]]) -> Sequence[str] | None:
        """The names of the columns, or None where the file has nothing in it at all."""
        header: Sequence[str] | None = self._header
        try:
            header = header or next((row for row in rows if row), None)
        except csv.Error as problem:
            raise self._malformed(problem, 1) from problem
        if header is None:
            return None
        if self._header is None and header[0].strip().lower().startswith(_NOT_CSV):
            raise DecodeError(f"{self.name} is not CSV: it begins with {header[0].strip()!r:.60}")
        for at, name in enumerate(header):
            if name in header[:at]:
                raise DecodeError(f"{self.name}: columns {header.index(name) + 1} and {at + 1} of the header are both {name!r}", path=name)
        for argument, names in (("key", self._key), ("types", self._types)):
            for name in names:
                if name not in header:
                    raise ConfigurationError(f"CsvFile({argument}=…): {self.name} has no column {name!r}{_hint(name, header)}")
        return header

    def _typed(self, cell: str, name: str, parse: Any, line: int) -> Any:
        if not cell:
            return None
        try:
            return parse(cell)
        except ValueError as problem:
            raise DecodeError(f"{self.name}, line {line}, column {name!r}: {cell!r:.60} is {problem}", path=name) from problem

    def _malformed(self, problem: csv.Error, line: int) -> DecodeError:
        text = str(problem)
        if "unexpected end of data" in text:
            text = "the quotes that open here are not closed: the file was cut, or a quote is missing"
        elif "field limit" in text:
            text += ", perhaps since a quote is not closed; csv.field_size_limit(…) raises it"
        return DecodeError(f"{self.name}, line {line}: {text}", path=f"line {line}")

    # ---------------------------------------------------------------- writing

    def write(self, changes: Sequence[Change], /) -> list[Outcome]:
        """Appends a line for each create and upsert, and waits until they are on the disk; an update or delete is rejected.

        A new file gets a header: ``header``, or the fields of the first record. Later fields that it does not have are rejected. None is written as a
        blank cell, which is read as "" or, in a column of ``types``, as None. Raises `WriteError` when nothing could be written.
        """
        encoding = "utf-8" if self._encoding == "utf-8-sig" else self._encoding
        if is_packed(self.path) or "aa".encode(encoding) != "a".encode(encoding) * 2:
            raise ConfigurationError(f"{self.name} cannot be appended to: it is compressed, or its encoding {encoding} has a mark at the start")
        with self._lock:
            lines: list[bytes] = []
            header = self._written_header()

            def line(change: Change) -> None:
                nonlocal header
                record = record_of(change, self._key)
                names = header if header is not None else tuple(self._header or record)
                row = self._row(names, record, encoding)
                if header is None:
                    header = names
                    if self._header is None:
                        lines.append(self._row(names, dict(zip(names, names, strict=True)), encoding))
                lines.append(row)

            outcomes = outcomes_of(self.name, changes, line)
            if lines:
                append(self.path, b"".join(lines), newline="\n".encode(encoding), read_through=lambda: sum(1 for _ in self))
            return outcomes

    async def awrite(self, changes: Sequence[Change], /) -> list[Outcome]:
        """`write`, without holding up an event loop."""
        return await runtime().blocking(self.write, changes)

    def _written_header(self) -> Sequence[str] | None:
        return self.columns() if os.path.exists(self.path) else None

    def _row(self, names: Sequence[str], record: Mapping[str, Any], encoding: str) -> bytes:
        if not names:
            raise Unfit("a record without a field")
        for name in record:
            if name not in names:
                raise Unfit(f"there is no column {name!r} in the header{_hint(name, names)}")
        cells = []
        for name in names:
            try:
                cells.append(to_cell(record.get(name)))
            except Unfit as problem:
                raise Unfit(f"{name}: {problem}") from problem
        text = io.StringIO()
        # With both characters in the line end, the writer puts quotes around cells that hold one of them.
        csv.writer(text, lineterminator="\r\n", delimiter=self._delimiter, quotechar=self._quote).writerow(cells)
        try:
            return (text.getvalue()[:-2] + "\n").encode(encoding)
        except UnicodeEncodeError as problem:
            raise Unfit(f"{problem.object[problem.start]!r} cannot be written in {encoding}") from problem


def _types(types: Any) -> dict[str, Any]:
    if not isinstance(types, Mapping):
        raise ConfigurationError(f"CsvFile(types=…) takes column → type, not {types!r}")
    for name, wanted in types.items():
        if not any(wanted is kind or (kind == "json" and wanted == kind) for kind in TYPES):
            shown = ", ".join(kind if isinstance(kind, str) else kind.__name__ for kind in TYPES)
            raise ConfigurationError(f"CsvFile(types={{{name!r}: …}}) takes one of {shown}, not {wanted!r}")
    return dict(types)


def _other_delimiter(header: Sequence[str], row: Sequence[str]) -> str:
    """A question where both the header, one cell, and the line have a mark that may be what is between the cells."""
    mark = next((mark for mark in ";\t|" if len(header) == 1 and mark in header[0] and any(mark in cell for cell in row)), None)
    return f"; is the delimiter {mark!r}?" if mark else ""


def _hint(name: Any, header: Sequence[str]) -> str:
    near = get_close_matches(str(name), header, n=1, cutoff=0.6)
    if near:
        return f" (did you mean {near[0]!r}?)"
    other = next((mark for mark in ";\t|" if len(header) == 1 and mark in header[0]), None)
    return f": the header is one cell, {header[0]!r:.60}; is the delimiter {other!r}?" if other else f"; it has {', '.join(map(repr, header))}"
