"""Properties of tables and files: what is written comes back, and every row is read exactly once wherever a read is cut."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integrakit.errors import IntegrakitError
from integrakit.files import CsvFile, JsonLines
from integrakit.model import Change, Checkpoint
from integrakit.runtimes import drive
from integrakit.sql import SqlTable


@contextmanager
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def read_cut(make: Any, cuts: list[int]) -> list[Any]:
    """Reads with ``make(page_size)``; after each cut the reader is thrown away and another goes on from the stored checkpoint."""
    records: list[Any] = []
    checkpoint: Checkpoint | None = None
    for pages in [*cuts, 10**9]:
        reader = make().open_read(None if checkpoint is None else Checkpoint.from_dict(checkpoint.to_dict()))
        for _ in range(pages):
            page = drive(reader.next_page())
            if page is None:
                assert reader.evidence.complete is True
                assert reader.evidence.records == len(records)
                return records
            records += page.records
            checkpoint = page.checkpoint
    raise AssertionError("the read never ended")


stored = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, width=32),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    st.binary(max_size=2),
)
TABLES = st.sampled_from(
    [
        "CREATE TABLE t (a, b, c)",
        "CREATE TABLE t (a TEXT, b INTEGER, c)",
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b STRING, c REAL); CREATE INDEX i ON t (a, b)",
        "CREATE TABLE t (a, b, c); CREATE INDEX i ON t (a, b, c)",
        "CREATE TABLE base (a, b, c); CREATE VIEW t AS SELECT * FROM base",
        'CREATE TABLE base ("rowid" INT, oid INT, _rowid_ INT, a, b, c); CREATE VIEW t AS SELECT a, b, c FROM base',
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    TABLES,
    st.lists(st.tuples(stored, stored, stored), max_size=30),
    st.sampled_from(["a", "ab", "abc", "ba"]),
    st.integers(1, 7),
    st.lists(st.integers(1, 4)),
)
def test_keyset_pages_are_the_whole_table_in_order(script: str, rows: list[Any], key: str, page_size: int, cuts: list[int]) -> None:
    with directory() as folder:
        with closing(sqlite3.connect(folder / "a.db")) as connection:
            connection.executescript(script)
            target = "base" if "base" in script else "t"
            connection.executemany(f"INSERT INTO {target} (a, b, c) VALUES (?, ?, ?)", rows)
            connection.commit()
            order = ", ".join(f"{name} COLLATE BINARY" for name in key)
            expected = connection.execute(f"SELECT a, b, c FROM t ORDER BY {order}").fetchall()
        table = SqlTable(folder / "a.db", "t", key=tuple(key), page_size=page_size)
        got = [tuple(row[name] for name in "abc") for row in read_cut(lambda: table, cuts)]
        table.close()
    places = ["abc".index(name) for name in key]
    assert [[row[place] for place in places] for row in got] == [[row[place] for place in places] for row in expected]
    assert sorted(got, key=repr) == sorted(expected, key=repr)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | text | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
COLUMNS: dict[str, tuple[str, Any, Any]] = {
    "name": ("TEXT", None, text),
    "total": ("TEXT", Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    "price": ("DECIMAL(12,2)", None, st.decimals(-(10**9), 10**9, places=2)),
    "n": ("INTEGER", None, st.integers(-(2**63), 2**63 - 1)),
    "ratio": ("REAL", None, st.floats(allow_nan=False, allow_infinity=False)),
    "paid": ("BOOLEAN", None, st.booleans()),
    "day": ("DATE", None, st.dates()),
    "at": ("DATETIME", None, st.datetimes()),
    "lines": ("TEXT", "json", json_value),
    "raw": ("BLOB", None, st.binary(max_size=10)),
}
rows = st.dictionaries(text, st.fixed_dictionaries({}, optional={name: st.none() | values for name, (_, _, values) in COLUMNS.items()}), max_size=8)


@settings(max_examples=100, deadline=None)
@given(rows, rows)
def test_what_a_table_is_given_comes_back(first: dict[str, Any], second: dict[str, Any]) -> None:
    create = {"id": "TEXT", **{name: declared for name, (declared, _, _) in COLUMNS.items()}}
    types = {name: wanted for name, (_, wanted, _) in COLUMNS.items() if wanted is not None}
    expected: dict[str, Any] = {}
    with directory() as folder, SqlTable(folder / "a.db", "t", key="id", create=create, types=types, page_size=3) as table:
        for batch in (first, second, second):
            outcomes = table.write([Change.upsert(key, record) for key, record in batch.items()])
            assert {outcome.status for outcome in outcomes} <= {"applied", "unchanged"}, outcomes
            for key, record in batch.items():
                expected[key] = {**dict.fromkeys(create), **expected.get(key, {}), **record, "id": key}
        assert list(table) == [expected[key] for key in sorted(expected)]
        assert table.find([*expected, "nobody knows this one, it is too long"]) == expected
        outcomes = table.write([Change.delete(key) for key in expected])
        assert {outcome.status for outcome in outcomes} <= {"applied"}
        assert list(table) == []


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["\r", "\n", "\r\n", '"', ",", "'", "", '""', "\ufeff"]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(cell, cell), min_size=1, max_size=20),
    st.lists(st.integers(1, 3)),
    st.integers(1, 5),
    st.sampled_from(",;\t|"),
    st.sampled_from("\"'"),
)
def test_what_a_csv_file_is_given_comes_back(cells: list[Any], cuts: list[int], page_size: int, delimiter: str, quote: str) -> None:
    records = [{"id": left, "b": right} for left, right in cells]
    with directory() as folder:
        file = CsvFile(folder / "a.csv", delimiter=delimiter, quote=quote, page_size=page_size)
        for part in (records[:7], records[7:]):
            file.write([Change.create(None, record) for record in part])
        assert list(file) == records
        assert read_cut(lambda: file, cuts) == records


typed = st.fixed_dictionaries(
    {
        "total": st.decimals(allow_nan=False, allow_infinity=False),
        "n": st.integers(-(10**30), 10**30),
        "ratio": st.floats(allow_nan=False, allow_infinity=False),
        "paid": st.booleans(),
        "day": st.dates(),
        "at": st.datetimes(),
        "tod": st.times(),
        "lines": json_value.filter(lambda value: value is not None),
    }
)
TYPES = {"total": Decimal, "n": int, "ratio": float, "paid": bool, "day": date, "at": datetime, "tod": time, "lines": "json"}


@settings(max_examples=100, deadline=None)
@given(st.lists(typed, min_size=1, max_size=5))
def test_types_of_a_csv_file_come_back(records: list[Any]) -> None:
    with directory() as folder:
        file = CsvFile(folder / "a.csv", types=TYPES)
        outcomes = file.write([Change.create(None, {**record, "lines": [record["lines"]]}) for record in records])
        assert {outcome.status for outcome in outcomes} == {"applied"}
        assert list(file) == [{**record, "lines": [record["lines"]]} for record in records]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(text, json_value, max_size=4), max_size=10), st.lists(st.integers(1, 3)), st.integers(1, 5))
def test_what_a_json_lines_file_is_given_comes_back(records: list[Any], cuts: list[int], page_size: int) -> None:
    with directory() as folder:
        (folder / "a.jsonl").touch()
        file = JsonLines(folder / "a.jsonl", page_size=page_size)
        for part in (records[:4], records[4:]):
            file.write([Change.create(None, record) for record in part])
        assert list(file) == records
        assert read_cut(lambda: file, cuts) == records


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_are_records_or_an_error_of_ours(content: bytes, cut: int) -> None:
    with directory() as folder:
        for data in (content, b"id,n\n1,2\n" + content, b'{"a": "' + content + b'"}\n', b'id\n"a' + content + b'"\n'):
            (folder / "a").write_bytes(data)
            for file in (CsvFile(folder / "a"), JsonLines(folder / "a"), CsvFile(folder / "a", encoding="utf-16")):
                with suppress(IntegrakitError):
                    assert all(isinstance(record, dict) for record in file)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=6), st.data())
def test_a_cut_csv_file_never_passes_for_other_records(cells: list[Any], data: Any) -> None:
    """What is read from a file that was cut is a beginning of what was written, but for the last cell, or an error."""
    records = [{"id": left, "b": right} for left, right in cells]
    with directory() as folder:
        path = folder / "a.csv"
        CsvFile(path).write([Change.create(None, record) for record in records])
        content = path.read_bytes()
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        try:
            got = list(CsvFile(path))
        except IntegrakitError:
            return
    if got and list(got[0]) == ["id", "b"]:
        assert got[:-1] == records[: len(got) - 1]
        assert got[-1]["id"] == records[len(got) - 1]["id"]
