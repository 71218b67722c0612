"""`ParquetFile`: a Parquet file as a source. Decoding is pyarrow's; what Python values its columns become, and what proves it whole, is here."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError
from integrakit.files.append import names_of, page_size_of
from integrakit.files.arrow_values import records_of
from integrakit.files.opening import file_path, not_opened
from integrakit.files.reader import FileReader, start_of
from integrakit.iterating import Rereadable
from integrakit.model import Checkpoint, Record

__all__ = ["ParquetFile"]

#: The file ends with the length of its footer and these four bytes (https://parquet.apache.org/docs/file-format/).
_MAGIC = b"PAR1"


class ParquetFile(Rereadable):
    """A Parquet file: iterate it, or read it in pages, in the memory of a page and of the column chunks it is cut from.

    ``key``: the column that names a record, or several; what a sync takes as its key. ``columns``: read these only, in the file's order.

    Values are as they are stored: decimals are Decimals, timestamps have their time zone or none, lists are lists, structs and maps are dicts.
    Needs the extra "arrow". A wrong argument is a `ConfigurationError` at once, a missing file or column when it is opened; a file that is damaged,
    was cut, or has other rows than its footer says is a `DecodeError`.
    """

    on_runtime = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        page_size: int = 1000,
    ) -> None:
        self.path = file_path("ParquetFile", path)
        self.name = os.path.basename(self.path)
        self._key = () if key is None else names_of("ParquetFile", "key", key)
        #: The column that names a record; a tuple where it takes several.
        self.key: str | tuple[str, ...] | None = self._key[0] if len(self._key) == 1 else self._key or None
        self._columns = None if columns is None else names_of("ParquetFile", "columns", list(columns) if not isinstance(columns, str) else ())
        for name in self._key:
            if self._columns is not None and name not in self._columns:
                raise ConfigurationError(f"ParquetFile(columns=…) leaves out {name!r}, which is the key")
        self._page_size = page_size_of("ParquetFile", page_size)

    def __repr__(self) -> str:
        return f"<ParquetFile {self.name}{f', key {self.key!r}' if self._key else ''}>"

    def open_read(self, since: Checkpoint | None = None, /) -> FileReader[_OpenParquet]:
        """A new read, from the start or on from a page's checkpoint. The file is opened when the first page is asked for."""
        parameters = "" if self._columns is None else f"columns={list(self._columns)}"
        return FileReader(self.open_file, _OpenParquet.records, start_of(self.path, parameters, "rows", since), self._page_size)

    def open_file(self) -> _OpenParquet:
        """The file, opened and checked: for those who read its columns and need no records. Raises what reading raises."""
        file = _OpenParquet(self.path, self._page_size)
        file.choose("key", self._key)
        file.choose("columns", self._columns or ())
        return file


class _OpenParquet:
    """One open file: its rows, how many were taken, and the footer that says how many there are."""

    def __init__(self, path: str, page_size: int) -> None:
        self.name = os.path.basename(path)
        self._raw: io.BufferedReader | None = None
        self._arrow, parquet = _pyarrow()
        try:
            self._raw = open(path, "rb")  # noqa: SIM115 - open between pages, and closed by close()
        except OSError as problem:
            raise not_opened(path, problem) from problem
        self._before = self._state()
        #: Rows that were taken.
        self.taken = 0
        self._page_size = page_size
        with self._failures():
            self._footer = self._sum_of_footer()
            # Read from the file that is open, whatever the name stands for by then; in pieces, not whole column chunks ahead.
            self._file = parquet.ParquetFile(self._raw, buffer_size=1 << 16, pre_buffer=False)
            self.schema = self._file.schema_arrow
            self.declared_total: int | None = self._file.metadata.num_rows
        names = self.schema.names
        for name in names:
            if names.count(name) > 1:
                raise DecodeError(f"{self.name}: two columns are called {name!r}", path=name)
        #: The columns that are read; none: all.
        self.chosen: Sequence[str] = ()

    def choose(self, argument: str, names: Sequence[str]) -> None:
        """Raises `ConfigurationError` for a column that is not there; ``columns`` are those that are read."""
        there = self.schema.names
        for name in names:
            if name not in there:
                near = get_close_matches(name, there, n=1, cutoff=0.6)
                hint = f" (did you mean {near[0]!r}?)" if near else f"; it has {', '.join(map(repr, there))}"
                raise ConfigurationError(f"ParquetFile({argument}=…): {self.name} has no column {name!r}{hint}")
        if argument == "columns" and names:
            self.chosen = [name for name in there if name in names]

    def _sum_of_footer(self) -> int:
        raw = self._raw
        assert raw is not None
        size = raw.seek(0, os.SEEK_END)
        raw.seek(max(0, size - 8))
        end = raw.read(8)
        length = int.from_bytes(end[:4], "little")
        if size < 12 or end[4:] != _MAGIC or length > size - 12:
            raw.seek(0)
            began = raw.read(4) == _MAGIC
            raise DecodeError(f"{self.name} {'has no footer: it was cut' if began else 'is not a Parquet file'}")
        raw.seek(size - 8 - length)
        return zlib.crc32(raw.read(length))

    # ---------------------------------------------------------------- rows

    def records(self, token: Any) -> Iterator[Record]:
        """The rows from where the token was made."""
        start = 0 if token is None else self._checked(token)
        metadata = self._file.metadata
        first = 0
        groups: list[int] = []
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if first + rows > start or groups:
                groups.append(group)
            else:
                first += rows
        # Whole row groups are passed over without being read.
        self.taken = first
        for batch in self._batches(groups) if groups else ():
            if self.taken + batch.num_rows <= start:
                self.taken += batch.num_rows
                continue
            skipped = max(0, start - self.taken)
            self.taken += skipped
            for row in self._rows(batch.slice(skipped)):
                self.taken += 1
                yield row
        if self.taken != self.declared_total:
            raise DecodeError(f"{self.name}: the footer says {self.declared_total} rows, and {self.taken} came")

    def _checked(self, token: Any) -> int:
        try:
            row, footer = int(token["row"]), int(token["footer"])
        except (KeyError, TypeError, ValueError) as problem:
            raise CheckpointMismatch(f"the checkpoint of {self.name} is not one of this version: start without it") from problem
        if footer != self._footer or not 0 <= row <= (self.declared_total or 0):
            raise CheckpointMismatch(f"{self.name} is not the file that the checkpoint was made of: start without it")
        return row

    def _batches(self, groups: list[int]) -> Iterator[Any]:
        with self._failures():
            yield from self._file.iter_batches(batch_size=self._page_size, row_groups=groups, columns=self.chosen or None, use_threads=False)

    def batches(self, rows: int, size: int) -> Iterator[Any]:
        """All rows as record batches of so many rows at most, or fewer where they would be larger than ``size`` bytes. Raises what pyarrow raises."""
        metadata = self._file.metadata
        groups = range(metadata.num_row_groups)
        each = sum(metadata.row_group(group).total_byte_size for group in groups) // max(1, metadata.num_rows)
        fitting = max(1, min(rows, size // max(1, each)))
        if groups:
            yield from self._file.iter_batches(batch_size=fitting, columns=self.chosen or None, use_threads=False)

    def _rows(self, batch: Any) -> list[Record]:
        with self._failures():
            return records_of(self._arrow, batch)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        # What pyarrow raises for damage is a ValueError or an OSError; a date that Python has not is an OverflowError, an unknown zone a KeyError,
        # and a struct as the key of a map, which no dict takes, a TypeError.
        except (self._arrow.ArrowException, ValueError, OSError, OverflowError, KeyError, TypeError) as problem:
            raise DecodeError(f"{self.name}, after row {self.taken}: damaged, or holds what cannot be told in Python: {problem!s:.300}") from problem

    # ---------------------------------------------------------------- what a read asks

    def token(self) -> dict[str, int]:
        """How many rows were taken, and the sum of the footer, which says where in the file everything stands."""
        return {"row": self.taken, "footer": self._footer}

    def _state(self) -> tuple[int, int]:
        assert self._raw is not None
        stat = os.fstat(self._raw.fileno())
        return stat.st_size, stat.st_mtime_ns

    def changed(self) -> bool:
        """Whether somebody wrote to the file since it was opened. Only before `close`."""
        return self._state() != self._before

    def close(self) -> None:
        """Closes the file. Closing twice is no error."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def __del__(self) -> None:
        self.close()


def _pyarrow() -> tuple[Any, Any]:
    try:
        # Optional, and heavy: only for those who read such a file.
        import pyarrow
        import pyarrow.parquet
    except ImportError as missing:
        raise ConfigurationError('ParquetFile needs pyarrow: pip install "integrakit[arrow]"') from missing
    return pyarrow, pyarrow.parquet
