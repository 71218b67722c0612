"""Both sides in DuckDB: files and frames in a connection of our own, or two relations in the connection that they came with.

Parquet files are read by DuckDB; CSV cells and frames come as the same columns that other engines are given. Values come back in the types of Arrow
that the source has, so that the records are those of its own reader.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import Any

from integrakit.errors import ConfigurationError, ReadError
from integrakit.files import ParquetFile
from integrakit.files.arrow_values import records_of
from integrakit.model import Evidence
from integrakit.reconciliation.engines.pushdown.dialects import DUCKDB
from integrakit.reconciliation.engines.pushdown.duckdb_kinds import arrow_side, kind_of
from integrakit.reconciliation.engines.pushdown.kinds import PlacedColumn, PlacedSide
from integrakit.reconciliation.engines.pushdown.session import Came
from integrakit.reconciliation.engines.run import Unsuitable
from integrakit.reconciliation.inputs.csv_batches import Unreadable
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.inputs.plain_columns import arrow_or_none
from integrakit.sql.statement import Statement

__all__ = ["open_files", "open_relations"]

_BATCH = 4096
#: Bytes that one row of both sides may take when all that may differ is gathered at once.
_LISTED = 400
#: Of ``memory=``, what DuckDB may take; the rest is for what comes back.
_SHARE = 0.6
_NAMES = ("integrakit_left", "integrakit_right")


def open_files(feeds: tuple[Feed, Feed], memory: int) -> DuckdbSession:
    """Both in a connection of our own. Raises `Unsuitable`, and what the sources' own readers raise."""
    arrow = _arrow()
    closing = ExitStack()
    try:
        folder = tempfile.mkdtemp(prefix="integrakit-")
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        connection = _connect(folder, memory)
        closing.callback(connection.close)
        paths = [feed.source.path for feed in feeds if type(feed.source) is ParquetFile]
        given = [_Given(arrow, connection, feed, name) for feed, name in zip(feeds, _NAMES, strict=True)]
        with failures():
            for each in given:
                each.take()
            _lock(connection, [*paths, folder])
            sides = (given[0].side(), given[1].side())
        return DuckdbSession(arrow, connection.sql, (given[0], given[1]), sides, memory, closing)
    except BaseException:
        closing.close()
        raise


def open_relations(relations: tuple[Any, Any], memory: int) -> DuckdbSession:
    """Two relations, in their connection. Raises `Unsuitable` where they do not share one."""
    arrow = _arrow()
    given = (_Related(relations[0]), _Related(relations[1]))
    names = (f"{_NAMES[0]}_{os.urandom(6).hex()}", f"{_NAMES[1]}_{os.urandom(6).hex()}")
    left, right = given[0].relation, given[1].relation
    closing = ExitStack()
    for relation, name in zip((left, right), names, strict=True):
        closing.callback(_dropped, relation, name)

    def ask(text: str) -> Any:
        return left.query(names[0], text)

    try:
        with failures():
            right.query(names[1], "SELECT 1").fetchall()
            if not _sees(ask, names[1]):
                # Since 2.0 the name of a query is gone with it; a view is there until it is dropped at the end.
                right.create_view(names[1])
                if not _sees(ask, names[1]):
                    raise Unsuitable("the two relations are not of one connection")
            sides = (given[0].side(names[0]), given[1].side(names[1]))
    except BaseException:
        closing.close()
        raise
    return DuckdbSession(arrow, ask, given, sides, memory, closing)


def _sees(ask: Any, name: str) -> bool:
    try:
        ask(f"SELECT 1 FROM {name} LIMIT 0").fetchall()
    except Exception as problem:
        if not _is_duckdb(problem):
            raise
        return False
    return True


def _dropped(relation: Any, name: str) -> None:
    try:
        relation.query(name, f"DROP VIEW IF EXISTS {name}")
    except Exception as problem:
        if not _is_duckdb(problem):
            raise


def _arrow() -> Any:
    arrow = arrow_or_none()
    if arrow is None:
        raise ConfigurationError('DuckDB gives its answers through pyarrow: pip install "integrakit[duckdb]"')
    return arrow


def _connect(folder: str, memory: int) -> Any:
    # an extra
    import duckdb

    # Nothing is fetched from anywhere: what is not built in is not there.
    options = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "temp_directory": folder}
    limit = {"memory_limit": f"{int(memory * _SHARE) // 1000}KB", "threads": str(min(4, os.cpu_count() or 1)), "preserve_insertion_order": "false"}
    connection = duckdb.connect(":memory:", config={**options, **limit})
    with suppress(duckdb.Error):  # without the part that knows time zones there is only UTC
        connection.execute("SET TimeZone = 'UTC'")
    return connection


def _lock(connection: Any, paths: list[str]) -> None:
    """From here on only these files are read, where DuckDB has come to know how to promise that (1.2)."""
    # an extra
    import duckdb

    listed = ", ".join("'" + os.path.abspath(path).replace("'", "''") + "'" for path in paths)
    try:
        connection.execute(f"SET allowed_paths = [{listed}]")
        connection.execute("SET enable_external_access = false")
    except duckdb.Error:
        return


def _is_duckdb(problem: BaseException) -> bool:
    # an extra
    import duckdb

    return isinstance(problem, duckdb.Error)


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0][:200]


@contextmanager
def failures() -> Iterator[None]:
    """What DuckDB raises, as what another engine can be tried after."""
    # an extra
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as problem:
        raise Unsuitable(f"DuckDB had not enough memory: {_first_line(problem)}") from problem
    except duckdb.InterruptException as problem:
        raise ReadError("DuckDB was interrupted while it compared") from problem
    except duckdb.Error as problem:
        raise Unsuitable(f"DuckDB could not do it: {_first_line(problem)}") from problem
    except Unreadable as problem:
        raise Unsuitable(str(problem)) from problem


class _Given:
    """A file or a frame of one side, and what proves that all of it was read."""

    def __init__(self, arrow: Any, connection: Any, feed: Feed, name: str) -> None:
        self.arrow, self._connection, self._feed, self._name = arrow, connection, feed, name
        self._source = feed.source
        self._read: Any = None
        self._file: Any = None
        self.schema: Any = None
        self._rows = 0
        self._from = name

    def take(self) -> None:
        """Makes the side known to the connection. Raises what its own reader raises."""
        if type(self._source) is ParquetFile:
            self._file = self._source.open_file()
            chosen = self._file.chosen
            self.schema = self.arrow.schema([field for field in self._file.schema if not chosen or field.name in chosen])
            self._rows = self._file.declared_total
            path = os.path.abspath(self._source.path)
            if set(path) & set("*?["):
                raise Unsuitable(f"{self._source.name} has a name that DuckDB takes for many files")
            quoted = path.replace("'", "''")
            self._from = f"read_parquet('{quoted}')"
            return
        columns = self._feed.columns
        if columns is None:
            raise Unsuitable(f"the {type(self._source).__name__} does not come as columns")
        read = self._read = columns.open_columns()
        try:
            self.schema = read.schema
            if columns.untyped:
                self._load(read)
            else:
                batches = list(iter(read.next, None))
                table = self.arrow.Table.from_batches(batches, read.schema)
                self._connection.register(self._name, table)
                self._rows = table.num_rows
        finally:
            read.close()

    def _load(self, read: Any) -> None:
        """A stream into a table, for it is asked more than once: what does not fit into memory is on the disk."""
        failed: list[BaseException] = []

        def batches() -> Iterator[Any]:
            try:
                while (batch := read.next()) is not None:
                    self._rows += batch.num_rows
                    yield batch
            except BaseException as problem:
                failed.append(problem)
                raise

        stream = self.arrow.RecordBatchReader.from_batches(read.schema, batches())
        self._connection.register(self._name + "_stream", stream)
        try:
            self._connection.execute(f"CREATE TABLE {self._name} AS SELECT * FROM {self._name}_stream")
        except Exception:
            if failed:
                raise failed[0] from None
            raise
        finally:
            self._connection.unregister(self._name + "_stream")

    def side(self) -> PlacedSide:
        found = self._connection.sql(f"SELECT * FROM {self._from} LIMIT 0")
        kinds = dict(zip(found.columns, map(str, found.types), strict=True))
        cells = self._feed.untyped
        return PlacedSide(columns=arrow_side(self.arrow, self.schema, kinds, cells=cells), source=f"{self._from} AS t", rows=self._rows)

    def evidence(self, records: int, started: datetime) -> Evidence:
        if self._file is not None:
            reasons = ("the file was written to while it was read",) if self._file.changed() else ()
            return Evidence(
                complete=not reasons and records == self._rows,
                reasons=reasons,
                records=records,
                declared_total=self._rows,
                stability="snapshot",
                ended_by="total",
                started=started,
            )
        proof: Evidence = self._read.evidence(started)
        return proof

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Related:
    """A relation of one side."""

    def __init__(self, relation: Any) -> None:
        self.relation = relation
        self.schema: Any = None

    def side(self, name: str) -> PlacedSide:
        columns: dict[str, PlacedColumn] = {}
        for column, kind in zip(self.relation.columns, map(str, self.relation.types), strict=True):
            if column in columns:
                raise Unsuitable(f"a relation has two columns called {column!r}")
            found = kind_of(kind)
            if found is None:
                raise Unsuitable(f"the column {column!r} is {kind}, whose values do not come out of DuckDB as they are")
            columns[column] = PlacedColumn(name=column, selected='t."' + column.replace('"', '""') + '"', kind=found)
        return PlacedSide(columns=columns, source=f"{name} AS t")

    def evidence(self, records: int, started: datetime) -> Evidence:
        return Evidence(reasons=("a relation cannot prove that it is everything",), records=records, ended_by="exhausted", started=started)

    def close(self) -> None:
        """Nothing is open."""


class DuckdbSession:
    """An open connection with both sides in it."""

    dialect = DUCKDB
    snapshot = False

    def __init__(self, arrow: Any, sql: Any, given: tuple[Any, Any], sides: tuple[PlacedSide, PlacedSide], memory: int, closing: ExitStack) -> None:
        self._arrow, self._sql, self._given, self._memory, self._closing = arrow, sql, given, memory, closing
        self.sides = sides

    def rows(self, statement: Statement, /) -> list[tuple[Any, ...]]:
        with failures():
            found: list[tuple[Any, ...]] = self._sql(statement.sql).fetchall()
        return found

    def came(self, statement: Statement, /) -> Iterator[Came]:
        with failures():
            reader = _reader(self._sql(statement.sql))
            for batch in reader:
                for start in range(0, batch.num_rows, _BATCH):
                    yield self._came(batch.slice(start, _BATCH))

    def listed(self, statement: Statement, /) -> tuple[tuple[Any, ...], Came] | None:
        if sum(side.rows or 0 for side in self.sides) * _LISTED > self._memory:
            return None
        with failures():
            table = self._arrow.Table.from_batches(_reader(self._sql(statement.sql)))
            *numbers, found = (table.column(place).combine_chunks() for place in range(table.num_columns))
            batch = self._arrow.RecordBatch.from_struct_array(found.flatten())
            return tuple(each[0].as_py() for each in numbers), self._came(batch)

    def column(self, statement: Statement, side: int, name: str, /) -> Generator[list[Any], None, None]:
        with failures():
            for batch in _reader(self._sql(statement.sql)):
                records = self._records(side, [batch.column(0)], [name])
                yield [record[name] for record in records]

    def _came(self, batch: Any) -> Came:
        names = batch.schema.names
        keys = [batch.column(place).to_pylist() for place, name in enumerate(names) if name[0] == "o"]
        tags = batch.column(names.index("tag")).to_pylist() if "tag" in names else [0] * batch.num_rows
        sides = []
        for side, letter in ((0, "l"), (1, "r")):
            there = batch.column(names.index(f"{letter}p")).is_valid().to_pylist()
            columns = list(self.sides[side].columns)
            arrays = [batch.column(names.index(f"{letter}{place}")) for place in range(len(columns))]
            rows = self._records(side, arrays, columns)
            sides.append([row if is_there else None for row, is_there in zip(rows, there, strict=True)])
        return Came(list(zip(*keys, strict=True)), tags, sides[0], sides[1])

    def _records(self, side: int, arrays: list[Any], names: list[str]) -> list[dict[str, Any]]:
        schema = self._given[side].schema
        try:
            if schema is not None:
                arrays = [_as(self._arrow, array, schema.field(name).type) for array, name in zip(arrays, names, strict=True)]
            return records_of(self._arrow, self._arrow.RecordBatch.from_arrays(arrays, names=names))
        except (self._arrow.ArrowException, ValueError, OverflowError, KeyError, TypeError) as problem:
            raise Unsuitable(f"there are values that Python does not have ({problem!s:.200})") from problem

    def evidence(self, side: int, records: int, started: datetime, /) -> Evidence:
        found: Evidence = self._given[side].evidence(records, started)
        return found

    def close(self) -> None:
        """Closes what is ours, and leaves the connection of relations as it was."""
        for each in self._given:
            each.close()
        self._closing.close()


def _as(arrow: Any, array: Any, kind: Any) -> Any:
    if arrow.types.is_dictionary(kind):
        kind = kind.value_type
    return array if array.type == kind else array.cast(kind)


def _reader(relation: Any) -> Any:
    # One thing has had several names.
    make = next(found for name in ("to_arrow_reader", "fetch_record_batch", "fetch_arrow_reader") if (found := getattr(relation, name, None)))
    return make(_BATCH)
