"""Frames of Spark as a side: what values their columns hold, and their rows as records, where no engine of Spark's own does the work.

Times come as numbers of microseconds, for what pyspark makes of them depends on the clock of the machine. pyspark is never imported for it: a frame
brings all that is asked of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Any

from integrakit.errors import ConfigurationError, IntegrakitError, ReadError
from integrakit.model import Checkpoint, Evidence, Page
from integrakit.runtimes import runtime

__all__ = ["SparkRows", "decoded", "failed", "is_spark", "selected"]

_PAGE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_spark(value: Any) -> bool:
    """Whether it is a DataFrame of Spark: a classic one, or one of Connect."""
    return type(value).__module__.startswith("pyspark.sql.") and type(value).__name__ == "DataFrame"


def selected(name: str, kind: str) -> str:
    """What is selected for a column of the type ``kind``."""
    quoted = "`" + name.replace("`", "``") + "`"
    return f"unix_micros({quoted})" if kind == "timestamp" else quoted


def decoded(kind: str, value: Any) -> Any:
    """What a value of such a column is."""
    decode = _DECODERS.get(kind)
    return value if value is None or decode is None else decode(value)


def _instant(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def _single(value: float) -> float:
    """The shortest number that is the same at 32 bits."""
    if value - value != 0:  # not finite
        return value
    bits = struct.pack("f", value)
    return next((short for digits in (6, 7, 8) if struct.pack("f", short := float(f"{value:.{digits}g}")) == bits), float(f"{value:.9g}"))


def _plain(value: Any) -> Any:
    """Rows inside of values are records, too."""
    if hasattr(value, "asDict"):
        return {name: _plain(item) for name, item in value.asDict().items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, dict) else value


_DECODERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"timestamp": _instant, "float": _single, "binary": bytes})


def failed(problem: Exception, doing: str) -> IntegrakitError:
    """The error of integrakit's own for one of Spark's."""
    return ReadError(f"{doing} in Spark: {str(problem).partition(chr(10))[0][:300]}")


class SparkRows:
    """One frame. ``given``: what the user gave."""

    on_runtime = True
    untyped = False

    def __init__(self, given: Any) -> None:
        self.given = given
        self.name = "DataFrame of Spark"

    def open_read(self, since: Checkpoint | None = None, /) -> _SparkReader:
        """A new read of records, from the start."""
        return _SparkReader(self.given)


class _SparkReader:
    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._records: Iterator[dict[str, Any]] | None = None
        self._pages = self._count = 0
        self._started: datetime | None = None
        self._ended = False

    async def next_page(self) -> Page | None:
        self._started = self._started or runtime().wall()
        return await runtime().blocking(self._fetch)

    def _fetch(self) -> Page | None:
        try:
            if self._records is None:
                self._records = self._read()
            records = list(islice(self._records, _PAGE))
        except Exception as problem:
            if not type(problem).__module__.startswith(("pyspark.", "py4j.", "grpc")):
                raise
            raise failed(problem, "reading a frame") from problem
        if not records:
            self._ended = True
            return None
        self._pages, self._count = self._pages + 1, self._count + len(records)
        return Page(records)

    def _read(self) -> Iterator[dict[str, Any]]:
        kinds = {field.name: field.dataType.simpleString() for field in self._frame.schema.fields}
        if len(kinds) < len(self._frame.schema.fields):
            raise ConfigurationError("the frame of Spark has two columns of one name: a record has one value for a name")
        frame = self._frame.selectExpr(*(f"{selected(name, kind)} AS `c{place}`" for place, (name, kind) in enumerate(kinds.items())))
        for row in frame.toLocalIterator():
            yield {name: _plain(decoded(kind, value)) for (name, kind), value in zip(kinds.items(), row, strict=True)}

    @property
    def checkpoint(self) -> Checkpoint | None:
        return None

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            reasons=("a frame of Spark cannot prove that it is everything" if self._ended else "the read was not finished",),
            pages=self._pages,
            records=self._count,
            ended_by="exhausted" if self._ended else None,
            started=self._started,
        )
