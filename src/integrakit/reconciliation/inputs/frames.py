"""Frames and streams of Arrow (anything with ``__arrow_c_stream__``) as a side: pyarrow, polars, pandas, relations of DuckDB, readers of batches.

They come as columns, and as the same records that a Parquet file with these columns would give. What can be read only once is kept, in memory and
then on the disk, for as long as another engine may want to begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError
from integrakit.files.arrow_values import records_of
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.reconciliation.inputs.pandas_frames import is_pandas, pandas_table
from integrakit.reconciliation.inputs.plain_columns import arrow_or_none, plain_batch, plain_schema, windows
from integrakit.reconciliation.scratch import Scratch
from integrakit.runtimes import runtime

__all__ = ["Frame", "is_frame", "is_relation"]

_KEPT_IN_MEMORY = 16_000_000
_PAGE = 1000
#: What gives all of itself each time it is asked; anything else is taken to be used up by being read.
_AGAIN = frozenset({"pyarrow", "polars", "pandas", "duckdb", "_duckdb", "nanoarrow", "modin", "cudf"})


def is_relation(value: Any) -> bool:
    """Whether it is a relation of DuckDB: a query that is run whenever anything is asked of it, its length included."""
    return type(value).__name__ == "DuckDBPyRelation"


def is_frame(value: Any) -> bool:
    """Whether it is an object that hands out its columns by the Arrow C stream interface."""
    return not isinstance(value, type) and hasattr(value, "__arrow_c_stream__")


class Frame:
    """One frame. ``given``: what the user gave. Raises `ConfigurationError` where pyarrow is missing or the columns cannot be fields."""

    on_runtime = True
    untyped = False

    def __init__(self, given: Any) -> None:
        self.given = given
        self.name = type(given).__name__
        if arrow_or_none() is None:
            raise ConfigurationError(f'a {self.name} is read with pyarrow: pip install "integrakit[arrow]"')
        #: Whether only one read is possible.
        self.once = type(given).__module__.partition(".")[0] not in _AGAIN or "RecordBatchReader" in self.name
        #: Whether it is taken to its end before anything else is read: a connection of DuckDB gives one result at a time.
        self.drains = False
        self._tape: _Tape | None = None
        self._table: Any = None

    def keep_nothing(self) -> None:
        """There will be no other read."""
        if self._tape is not None and not self.drains:
            self._tape.keeps = False

    def open_read(self, since: Checkpoint | None = None, /) -> _FrameReader:
        """A new read of records, from the start."""
        return _FrameReader(self)

    def open_columns(self) -> _FrameRead:
        """A new read of columns, from the start."""
        return _FrameRead(self)

    def opened(self, arrow: Any) -> tuple[Any, Iterator[Any]]:
        """The plain schema and the plain batches of a new read."""
        if is_pandas(self.given):
            if self._table is None:
                self._table = pandas_table(arrow, self.given)
            given = self._table
        else:
            given = self.given
        if self._tape is not None:
            return self._tape.schema, self._tape.play()
        with failures(arrow, self.name):
            stream = arrow.RecordBatchReader.from_stream(given)
            schema = plain_schema(arrow, stream.schema)
        for name in schema.names:
            if schema.names.count(name) > 1:
                raise ConfigurationError(f"the {self.name} has two columns called {name!r}: a record has one value for a name")
        batches = (plain_batch(arrow, batch, schema) for batch in stream)
        if self.once or self.drains:
            self._tape = _Tape(arrow, schema, batches)
            if self.drains:
                with failures(arrow, self.name):
                    for _ in self._tape.play():
                        pass
            return schema, self._tape.play()
        return schema, batches


@contextmanager
def failures(arrow: Any, name: str) -> Iterator[None]:
    """What Arrow raises, as a `DecodeError` that names the frame."""
    try:
        yield
    except IntegrakitError:
        raise
    except Exception as problem:  # of Arrow, or of the library that the frame is of
        raise DecodeError(f"the {name} holds what cannot be read or told in Python: {problem!s:.300}") from problem


class _Tape:
    """Batches that come only once, kept so that they can be played from the beginning. One player at a time."""

    def __init__(self, arrow: Any, schema: Any, batches: Iterator[Any]) -> None:
        self.schema = schema
        self.keeps = True
        self._arrow = arrow
        self._coming = batches
        self._scratch = Scratch("a stream that can be read only once", in_memory=_KEPT_IN_MEMORY)
        self._places: list[tuple[int, int]] = []

    def play(self) -> Iterator[Any]:
        for place, size in tuple(self._places):
            buffer = self._arrow.py_buffer(self._scratch.read(place, size))
            yield self._arrow.ipc.read_record_batch(buffer, self.schema)
        for batch in self._coming:
            if self.keeps:
                data = batch.serialize().to_pybytes()
                self._places.append((self._scratch.append(data), len(data)))
            yield batch


class _FrameRead:
    """One read of columns."""

    def __init__(self, frame: Frame) -> None:
        self._arrow = arrow_or_none()
        self._name = frame.name
        self.schema, batches = frame.opened(self._arrow)
        self._batches = windows(self._arrow, batches)
        self._rows = self._pages = 0

    def next(self) -> Any:
        with failures(self._arrow, self._name):
            batch = next(self._batches, None)
        if batch is not None:
            self._rows, self._pages = self._rows + batch.num_rows, self._pages + 1
        return batch

    def evidence(self, started: datetime) -> Evidence:
        return _evidence(self._name, self._pages, self._rows, started, ended=True)

    def close(self) -> None:
        """Lets go of the stream: a connection of DuckDB is busy for as long as it is there."""
        self._batches = iter(())


class _FrameReader:
    """One read of records."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._batches: Iterator[Any] | None = None
        self._pages = self._records = 0
        self._started: datetime | None = None
        self._ended = False

    async def next_page(self) -> Page | None:
        self._started = self._started or runtime().wall()
        return await runtime().blocking(self._fetch)

    def _fetch(self) -> Page | None:
        arrow = arrow_or_none()
        with failures(arrow, self._frame.name):
            if self._batches is None:
                self._batches = self._slices(self._frame.opened(arrow)[1])
            batch = next(self._batches, None)
            if batch is None:
                self._ended = True
                return None
            records = records_of(arrow, batch)
        self._pages, self._records = self._pages + 1, self._records + len(records)
        return Page(records)

    @staticmethod
    def _slices(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            for start in range(0, batch.num_rows, _PAGE):
                yield batch.slice(start, _PAGE)

    @property
    def checkpoint(self) -> Checkpoint | None:
        return None

    @property
    def evidence(self) -> Evidence:
        return _evidence(self._frame.name, self._pages, self._records, self._started, ended=self._ended)


def _evidence(name: str, pages: int, records: int, started: datetime | None, *, ended: bool) -> Evidence:
    return Evidence(
        reasons=(f"a {name} cannot prove that it is everything" if ended else "the read was not finished",),
        pages=pages,
        records=records,
        ended_by="exhausted" if ended else None,
        started=started,
    )
