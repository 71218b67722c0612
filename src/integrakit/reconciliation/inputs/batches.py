"""What can come as columns: Parquet files, CSV files without types, and frames; each read is a stream of Arrow record batches that proves itself.

A read raises what the source's own reader would raise, and `Unreadable` where only that one can read it. Nothing is compared here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from integrakit.errors import DecodeError
from integrakit.files import CsvFile, ParquetFile
from integrakit.model import Evidence
from integrakit.reconciliation.inputs.csv_batches import CsvColumns, Unreadable
from integrakit.reconciliation.inputs.frames import Frame
from integrakit.reconciliation.inputs.plain_columns import WINDOW, WINDOW_BYTES, arrow_or_none, plain_batch, plain_schema, windows

__all__ = ["Columns", "ColumnsRead", "Unreadable", "columns_of"]


class ColumnsRead(Protocol):
    """One read in progress."""

    #: The Arrow schema of all batches, in plain types.
    schema: Any

    def next(self) -> Any:
        """The next record batch, None at the end. Raises `DecodeError`, `ReadError`, and `Unreadable`."""
        ...

    def evidence(self, started: datetime) -> Evidence:
        """What the read proved; after the end."""
        ...

    def close(self) -> None:
        """Ends the read; closing twice is no error."""
        ...


class Columns(Protocol):
    """A source that can be read as columns."""

    #: Whether its columns are text that nobody has said the type of.
    untyped: bool
    #: Whether only one read is possible.
    once: bool
    name: str

    def open_columns(self) -> ColumnsRead:
        """Begins a read. Raises `ConfigurationError`, `DecodeError` and `Unreadable`. Blocks."""
        ...


def columns_of(source: Any) -> Columns | None:
    """The source as columns; None where it cannot come as such, or pyarrow is not installed."""
    if isinstance(source, Frame):
        return source
    if type(source) not in (CsvFile, ParquetFile) or arrow_or_none() is None:  # in this order: finding out takes long, and 50 MB
        return None
    if type(source) is ParquetFile:
        return _ParquetColumns(source)
    return CsvColumns.of(source) if type(source) is CsvFile else None


class _ParquetColumns:
    untyped = False
    once = False

    def __init__(self, file: ParquetFile) -> None:
        self.name = file.name
        self._file = file

    def open_columns(self) -> _ParquetRead:
        return _ParquetRead(self._file)


class _ParquetRead:
    def __init__(self, source: ParquetFile) -> None:
        self._arrow = arrow = arrow_or_none()
        self._name = source.name
        self._file = file = source.open_file()
        try:
            self.schema = plain_schema(arrow, arrow.schema([each for each in file.schema if not file.chosen or each.name in file.chosen]))
            self._batches = windows(arrow, self._read())
        except BaseException:
            file.close()
            raise
        self._rows = self._pages = 0
        self._changed = False

    def _read(self) -> Iterator[Any]:
        with self._failures():
            for batch in self._file.batches(WINDOW, WINDOW_BYTES):
                yield plain_batch(self._arrow, batch, self.schema)

    def next(self) -> Any:
        with self._failures():
            batch = next(self._batches, None)
        if batch is not None:
            self._rows, self._pages = self._rows + batch.num_rows, self._pages + 1
            return batch
        if self._rows != self._file.declared_total:
            raise DecodeError(f"{self._name}: the footer says {self._file.declared_total} rows, and {self._rows} came")
        self._changed = self._file.changed()
        return None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (self._arrow.ArrowException, ValueError, OSError, OverflowError, KeyError, TypeError) as problem:
            raise DecodeError(f"{self._name}, after row {self._rows}: damaged, or holds what cannot be read: {problem!s:.300}") from problem

    def evidence(self, started: datetime) -> Evidence:
        reasons = ("the file was written to while it was read",) if self._changed else ()
        return Evidence(
            complete=None if reasons else True,
            reasons=reasons,
            pages=self._pages,
            records=self._rows,
            declared_total=self._file.declared_total,
            stability="snapshot",
            ended_by="total",
            started=started,
        )

    def close(self) -> None:
        self._file.close()
