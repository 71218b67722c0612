"""SqlTable: what it takes as a database, the arguments it refuses, and the connections it keeps."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import warnings
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.model import Change
from integrakit.sql import SqlTable
from integrakit.state import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
    return tmp_path / "a.db"


def test_what_names_a_database(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    odd = path.rename(path.with_name("50% off #1?.db"))
    assert list(SqlTable(odd, "t", key="id")) == [{"id": 1}]
    odd.rename(path)
    relative = SqlTable("a.db", "t", key="id")
    databases: list[Any] = [
        str(path),
        path,
        Path("a.db"),
        "sqlite:///a.db",
        f"sqlite:///{path}",
        "SQLITE:///a.db",
        "sqlite:////" + str(path).lstrip("/"),
    ]
    for database in databases:
        assert list(SqlTable(database, "t", key="id")) == [{"id": 1}]
    for name in ("b.SQLITE", "b.sqlite3", "b"):
        (path.parent / name).write_bytes(path.read_bytes())
    assert (
        list(SqlTable("b.SQLITE", "t", key="id"))
        == list(SqlTable("b.sqlite3", "t", key="id"))
        == list(SqlTable(Path("b"), "t", key="id"))
        == [{"id": 1}]
    )
    monkeypatch.chdir("/")
    assert list(relative) == [{"id": 1}]  # where it was when the table was named
    with SqliteStore(path) as store, SqlTable(store, "t", key="id") as table:
        assert list(table) == [{"id": 1}]


@pytest.mark.parametrize(
    ("database", "message"),
    [
        ("mssql://me:hunter2@host/db", "does not know mssql://…"),
        ("sqlite+pysqlite:///a.db", "does not know sqlite\\+pysqlite"),
        ("sqlite://a.db", "write sqlite:///relative.db or sqlite:////absolute.db"),
        ("sqlite:///a.db?mode=ro", "instead of '\\?'"),
        ("sqlite:///", "takes a file"),
        ("sqlite:///:memory:", "takes a file, which ':memory:' is not"),
        ("orders", "ending in .db"),
        (":memory:", "ending in .db"),
        (Path(":memory:"), "takes a file"),
        (Path("a\0.db"), "takes a file"),
        (7, "not int"),
        (None, "not NoneType"),
        (b"a.db", "not bytes"),
    ],
)
def test_what_does_not(database: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        SqlTable(database, "t", key="id")
    assert "hunter2" not in str(caught.value)


def test_a_bare_connection_is_refused() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(ConfigurationError, match="not Connection: give the path of its file"):
        SqlTable(connection, "t", key="id")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": ""}, "name of a table"),
        ({"table": 7}, "name of a table"),
        ({"table": "a\0"}, "name of a table"),
        ({"key": ()}, r"key=…\) takes the name of a column"),
        ({"key": None}, "key="),
        ({"key": ""}, "key="),
        ({"key": ("a", "a")}, "key="),
        ({"key": ("a", 1)}, "key="),
        ({"key": "a\0"}, "key="),
        ({"order_by": []}, "order_by="),
        ({"cursor": 7}, "cursor="),
        ({"types": []}, "types=…"),
        ({"types": {"a": complex}}, "types={'a': …}.* Decimal, int, float, str, bool, date, datetime, time, bytes, json"),
        ({"types": {"a": "text"}}, "types="),
        ({"types": {"id": "json"}}, "a key cannot be JSON"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 1.5}, "page_size"),
        ({"page_size": True}, "page_size"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"create": {}}, "create=…"),
        ({"create": ["id"]}, "create=…"),
        ({"create": {"id": ""}}, "create=…"),
        ({"create": {"id": int}}, "create=…"),
        ({"create": {"name": "TEXT"}}, "no column 'id', which is in key="),
        ({"create": {"id": "TEXT)"}}, "no table definition"),
        ({"create": {"id": "TEXT PRIMARY KEY"}}, "no table definition: .*more than one primary key"),
        ({"create": {"id": "TEXT", "a": "TEXT, b TEXT"}}, "one type for each column"),
        ({"create": {"id": "TEXT", "a": "TEXT); DROP TABLE x; --"}}, "no table definition"),
        ({"create": {"id": "TEXT", "a\0": "TEXT"}}, "no table definition"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    given = {"table": "t", "key": "id", **arguments}
    with pytest.raises(ConfigurationError, match=message):
        SqlTable("a.db", given.pop("table"), **given)


def test_a_key_of_one_name_is_that_name() -> None:
    assert SqlTable("a.db", "t", key=("id",)).key == "id"
    assert SqlTable("a.db", "t", key=["a", "b"]).key == ("a", "b")


def test_a_table_that_was_there_with_other_columns_than_create_says(path: Path) -> None:
    table = SqlTable(path, "t", key="id", create={"id": "INTEGER", "n": "INTEGER"})
    with pytest.raises(ConfigurationError, match="the table was there already"):
        table.write([Change.create(2, {})])


def test_a_closed_table_may_be_used_again(path: Path) -> None:
    with SqlTable(path, "t", key="id") as table:
        assert table.count() == 1
    table.close()
    assert table.count() == 1
    table.close()


def test_one_connection_is_used_over_and_over(path: Path) -> None:
    table = SqlTable(path, "t", key="id", page_size=1)
    for _ in range(5):
        list(table)
        table.write([Change.delete(99)])
        threading.Thread(target=table.count).run()
    assert len(table._file._idle) == 1
    table.close()
    assert not table._file._idle


def test_a_connection_that_is_lent_out_while_the_table_is_closed_is_closed_after(path: Path) -> None:
    table = SqlTable(path, "t", key="id")
    with table._file.connection() as connection:
        table.close()
        connection.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    assert table.count() == 1
    table.close()


def test_what_is_dropped_without_closing_leaves_no_warning(path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = SqlTable(path, "t", key="id")
        connections = []
        table.count()
        connections += [connection for connection, _ in table._file._idle]
        del table
        gc.collect()
        with pytest.raises(sqlite3.ProgrammingError):
            connections[0].execute("SELECT 1")
    assert not caught


def test_a_file_that_was_replaced_is_opened_anew(path: Path, tmp_path: Path) -> None:
    table = SqlTable(path, "t", key="id")
    assert table.count() == 1
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, more)")
        connection.commit()
    (tmp_path / "new.db").replace(path)
    assert table.count() == 0
    path.unlink()
    with pytest.raises(ConfigurationError, match="there is no database"):
        table.count()
    table.close()


def test_a_schema_that_changes_is_noticed(path: Path) -> None:
    table = SqlTable(path, "t", key="id")
    list(table)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE t ADD COLUMN total DECIMAL(9,2)")
        connection.commit()
    assert [outcome.status for outcome in table.write([Change.update(1, {"total": Decimal("1.5")})])] == ["applied"]
    assert list(table) == [{"id": 1, "total": Decimal("1.5")}]
    table.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_opens_its_own(path: Path) -> None:
    table = SqlTable(path, "t", key="id", page_size=1)
    iterator = iter(table)
    next(iterator)
    inherited = table._file._idle[0][0]
    parents = table._file._guard()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other tests may have left threads
        child = os.fork()
    if child == 0:  # pragma: no cover - in another process
        status = 1
        try:
            # As if another thread had held it when the process was copied.
            parents.acquire()
            table.write([Change.create(2, {})])
            own = table._file._idle[0][0]
            inherited.execute("SELECT 1")  # left open
            status = 0 if own is not inherited and [row["id"] for row in iterator] == [2] else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [row["id"] for row in iterator] == [2]
    assert table._file._idle[0][0] is inherited
    table.close()


def test_types_decide_per_column(tmp_path: Path) -> None:
    table = SqlTable(
        tmp_path / "a.db",
        "t",
        key="id",
        create={"id": "TEXT", "total": "TEXT", "issued": "TEXT", "lines": "TEXT"},
        types={"total": Decimal, "issued": date, "lines": "json"},
    )
    record = {
        "id": "a",
        "total": Decimal("12.50"),
        "issued": date(2024, 2, 29),
        "lines": [{"sku": "x", "price": Decimal("1.10"), "n": None}, "ü", []],
    }
    table.write([Change.upsert("a", record)])
    assert list(table) == [record]
    assert str(next(iter(table))["total"]) == "12.50"
    table.close()
