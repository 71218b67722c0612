"""Both sides in one session of Spark: two frames, joined where their data is. Public SQL and DataFrame API only, classic and Connect."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Evidence
from integrakit.reconciliation.engines.pushdown.dialects import SPARK
from integrakit.reconciliation.engines.pushdown.kinds import OTHER, Kind, PlacedColumn, PlacedSide
from integrakit.reconciliation.engines.pushdown.session import Came
from integrakit.reconciliation.engines.run import Unsuitable
from integrakit.reconciliation.inputs.spark_frames import decoded, failed, selected
from integrakit.sql.statement import Statement

__all__ = ["open_spark"]

_BATCH = 2000
_DIGITS: Mapping[str, int] = MappingProxyType({"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19})
_FAMILIES: Mapping[str, str] = MappingProxyType({"string": "text", "binary": "bytes", "boolean": "bool", "date": "date", "timestamp_ntz": "naive"})


def open_spark(frames: tuple[Any, Any]) -> SparkSession:
    """Raises `Unsuitable` where the two frames are of two sessions, or hold what does not come back as it is."""
    left, right = frames
    try:
        # an extra
        from pyspark.errors import PySparkException  # pyright: ignore[reportMissingImports]
    except ImportError as missing:
        raise ConfigurationError('frames of Spark need pyspark: pip install "integrakit[spark]"') from missing
    if left.sparkSession is not right.sparkSession:
        raise Unsuitable("the two frames are of two sessions of Spark")
    return SparkSession(left.sparkSession, frames, PySparkException)


def _number(name: str) -> Kind | None:
    if name in _DIGITS:
        return Kind(family="number", name=name, whole=_DIGITS[name], scale=0, integer=True)
    if name.startswith("decimal("):
        digits, scale = map(int, name[8:-1].split(","))
        return Kind(family="number", name=name, whole=digits - scale, scale=scale)
    return {"double": Kind(family="float", name=name), "float": Kind(family="float", name=name, bits=32)}.get(name)


def _kind(name: str) -> Kind | None:
    """None for what does not come back as it is."""
    if found := _number(name):
        return found
    if name == "timestamp":
        return Kind(family="instant", name=name)
    if name.startswith(("string collate", "char(", "varchar(")):
        return Kind(family="text", name=name)
    if name in _FAMILIES:
        return Kind(family=_FAMILIES[name], name=name)
    inner = name.removeprefix("array<").removesuffix(">")
    if inner != name and inner not in ("timestamp", "float", "binary") and "collate" not in inner and _kind(inner) is not None:
        return Kind(family=OTHER, name=name)
    return None


class SparkSession:
    """Two frames of one session."""

    dialect = SPARK
    snapshot = False

    def __init__(self, spark: Any, frames: tuple[Any, Any], errors: Any) -> None:
        self._spark, self._frames, self._errors = spark, frames, errors
        with self._failures():
            self.sides = (self._side(frames[0], "left"), self._side(frames[1], "right"))

    def _side(self, frame: Any, name: str) -> PlacedSide:
        columns: dict[str, PlacedColumn] = {}
        for field in frame.schema.fields:
            kind = _kind(field.dataType.simpleString())
            if kind is None:
                raise Unsuitable(f"the column {field.name!r} is {field.dataType.simpleString()}, whose values do not come back as they are")
            if any(field.name.casefold() == other.casefold() for other in columns):
                raise Unsuitable(f"two columns have names that Spark takes for one: {field.name!r}")
            sql = selected(field.name, kind.name).replace("{", "{{").replace("}", "}}")
            columns[field.name] = PlacedColumn(name=field.name, selected=sql, kind=kind)
        return PlacedSide(columns=columns, source="{" + name + "}")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except self._errors as problem:
            raise failed(problem, "comparing two frames") from problem

    def _asked(self, statement: Statement) -> Any:
        # The frames that the statement names, and no others.
        named = {name: frame for name, frame in zip(("left", "right"), self._frames, strict=True) if "{" + name + "}" in statement.sql}
        return self._spark.sql(statement.sql, **named)

    def rows(self, statement: Statement, /) -> list[tuple[Any, ...]]:
        with self._failures():
            return [tuple(row) for row in self._asked(statement).collect()]

    def _stream(self, statement: Statement) -> Generator[list[tuple[Any, ...]], None, None]:
        with self._failures():
            rows = iter(self._asked(statement).toLocalIterator())
            while batch := [tuple(row) for row in islice(rows, _BATCH)]:
                yield batch

    def came(self, statement: Statement, /) -> Iterator[Came]:
        ends = (len(self.sides[0].columns), len(self.sides[1].columns))
        for rows in self._stream(statement):
            first = len(rows[0]) - sum(ends) - 3
            sides = []
            for side, at in ((0, first + 1), (1, first + 2 + ends[0])):
                sides.append([None if row[at] is None else self._record(side, row[at + 1 : at + 1 + ends[side]]) for row in rows])
            keys = [tuple(bytes(part) if isinstance(part, bytearray) else part for part in row[:first]) for row in rows]
            yield Came(keys, [row[first] for row in rows], sides[0], sides[1])

    def _record(self, side: int, values: tuple[Any, ...]) -> dict[str, Any]:
        return {name: decoded(column.kind.name, value) for (name, column), value in zip(self.sides[side].columns.items(), values, strict=True)}

    def listed(self, statement: Statement, /) -> None:
        """A list that may be as long as the frames is nothing for one machine."""

    def column(self, statement: Statement, side: int, name: str, /) -> Generator[list[Any], None, None]:
        column = self.sides[side].columns[name]
        for rows in self._stream(statement):
            yield [decoded(column.kind.name, row[0]) for row in rows]

    def evidence(self, side: int, records: int, started: datetime, /) -> Evidence:
        return Evidence(reasons=("a frame of Spark cannot prove that it is everything",), records=records, ended_by="exhausted", started=started)

    def close(self) -> None:
        """The session is not ours."""
