"""SqlTable as a sink: what each change does, what is refused, transactions, and what makes a whole call fail."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, WriteError
from integrakit.model import UNSET, Change, Outcome
from integrakit.protocols import Put
from integrakit.sql import SqlTable
from integrakit.state import MemoryStore, SqliteStore

INVOICES = {"external_id": "TEXT", "total": "DECIMAL(12,2)", "note": "TEXT", "paid": "BOOLEAN", "issued": "DATE"}


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def made(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


@pytest.fixture
def table(tmp_path: Path) -> SqlTable:
    return SqlTable(tmp_path / "books.db", "invoices", key="external_id", create=INVOICES)


def test_writing_in_every_world(table: SqlTable, world: Any) -> None:
    async def body() -> list[Outcome]:
        return await table.awrite([Change.upsert("a", {"total": Decimal("12.50"), "paid": True, "issued": date(2024, 1, 31)}), Change.delete("b")])

    assert statuses(world(body)) == ["applied", "unchanged"]
    assert list(table) == [{"external_id": "a", "total": Decimal("12.5"), "note": None, "paid": True, "issued": date(2024, 1, 31)}]


def test_what_create_will_make_is_empty_until_then(table: SqlTable, tmp_path: Path) -> None:
    assert (list(table), table.count(), table.find(["a"])) == ([], 0, {})
    assert not (tmp_path / "books.db").exists()
    made(tmp_path / "books.db", "CREATE TABLE other (x)")
    assert (list(table), table.count(), table.find(["a"])) == ([], 0, {})
    assert table.write([]) == []
    assert table.count() == 0
    table.write([Change.upsert("a", {})])
    assert table.count() == 1


def test_the_made_table_has_its_key_as_primary_key(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    SqlTable(path, "lines", key=("order", "line"), create={"order": "INTEGER", "line": "INTEGER NOT NULL", "sku": "TEXT DEFAULT ''"}).write(
        [Change.create((1, 1), {}), Change.create([1, 2], {"sku": "x"})]
    )
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, type, \"notnull\", pk FROM pragma_table_info('lines')").fetchall()
        assert rows == [("order", "INTEGER", 1, 1), ("line", "INTEGER", 1, 2), ("sku", "TEXT", 0, 0)]
        assert connection.execute("SELECT * FROM lines").fetchall() == [(1, 1, ""), (1, 2, "x")]


def test_create(table: SqlTable) -> None:
    first = table.write([Change.create("a", {"note": "x"}), Change.create("a", {"note": "x"}), Change.create("a", {"note": "y"})])
    # The second is what an attempt that was cut off and repeated looks like.
    assert statuses(first) == ["applied", "unchanged", "rejected"]
    assert first[2].error == "invoices: there is another row with the key 'a' already: update it, or upsert"
    assert next(iter(table))["note"] == "x"


def test_update_changes_the_given_fields_only(table: SqlTable) -> None:
    table.write([Change.create("a", {"note": "x", "total": 1, "paid": False})])
    outcomes = table.write(
        [
            Change.update("a", {"total": 2, "note": UNSET}),
            Change.update("a", {"paid": None}),
            Change.update("a", {}),
            Change.update("b", {"total": 1}),
        ]
    )
    assert statuses(outcomes) == ["applied", "applied", "unchanged", "rejected"]
    assert outcomes[3].error == "invoices: there is no row with the key 'b' to update"
    assert list(table) == [{"external_id": "a", "total": Decimal(2), "note": "x", "paid": None, "issued": None}]
    assert statuses(table.write([Change.update("b", {})])) == ["rejected"]


def test_upsert_inserts_or_changes_the_given_fields(table: SqlTable) -> None:
    for _ in range(2):
        assert statuses(table.write([Change.upsert("a", {"external_id": "a", "note": "x"}), Change.upsert("a", {"total": 3})])) == ["applied"] * 2
    assert statuses(table.write([Change.upsert("a", {}), Change.upsert("b", {})])) == ["unchanged", "applied"]
    assert [(row["external_id"], row["note"], row["total"]) for row in table] == [("a", "x", Decimal(3)), ("b", None, None)]


def test_upsert_of_some_fields_where_others_are_required(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT); INSERT INTO t VALUES (1, 'e', 'n')")
    outcomes = SqlTable(path, "t", key="id").write([Change.upsert(1, {"name": "m"}), Change.upsert(2, {"name": "m"})])
    assert statuses(outcomes) == ["applied", "rejected"]
    assert outcomes[1].error == "t: NOT NULL constraint failed: t.email"


def test_a_key_without_an_index(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db", "CREATE TABLE t (id TEXT, n INTEGER); INSERT INTO t VALUES ('twice', 1), ('twice', 2)")
    table = SqlTable(path, "t", key="id")
    outcomes = table.write(
        [
            Change.upsert("a", {"n": 1}),
            Change.upsert("a", {"n": 2}),
            Change.create("a", {"n": 3}),
            Change.upsert("twice", {"n": 9}),
            Change.delete("twice"),
            Change.delete("a"),
            Change.delete("a"),
        ]
    )
    assert statuses(outcomes) == ["applied", "applied", "rejected", "rejected", "rejected", "applied", "unchanged"]
    assert outcomes[3].error == "t: 2 rows have the key 'twice': which one is meant? Give a key that is unique"
    assert [row["n"] for row in table] == [1, 2]


def test_a_bad_record_does_not_stop_the_others(tmp_path: Path) -> None:
    path = made(
        tmp_path / "a.db",
        """CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT UNIQUE ON CONFLICT REPLACE, n INTEGER CHECK (n > 0) , g AS (n * 2),
           must TEXT NOT NULL ON CONFLICT ROLLBACK DEFAULT 'x');""",
    )
    table = SqlTable(path, "t", key="id")
    outcomes = table.write(
        [
            Change.create(1, {"email": "a@x", "n": 1}),
            Change.create(2, {"email": "a@x"}),
            Change.create(3, {"n": 0}),
            Change.create(4, {"emial": "b@x"}),
            Change.create(5, {"n": "text"}),
            Change.create(6, {"g": 1}),
            Change.create(7, {"must": None}),
            Change.update(1, {"must": None}),
            Change.create(8, {"id": 9}),
            Change.create(None, {"n": 5}),
            Change.upsert(None, {"n": 6}),
            Change.create("x", {"n": 6}),
            Change.create((10, 11), {"n": 6}),
            Change.create(2**63, {}),
            Change.create(10, {1: 2}),  # type: ignore[dict-item]
            Change.create(11, {"n": 11}),
        ]
    )
    assert statuses(outcomes) == ["applied", *["rejected"] * 8, "applied", *["rejected"] * 5, "applied"]
    errors = [outcome.error for outcome in outcomes]
    assert errors[1] == "t: UNIQUE constraint failed: t.email"
    assert "CHECK constraint failed" in str(errors[2])
    assert errors[3] == "t: there is no column 'emial' (did you mean 'email'?)"
    assert errors[4] == "t: n: the column is INTEGER, and the value is text 'text': convert it in the mapping"
    assert errors[5] == "t: the column 'g' is computed by the database: leave it out"
    assert errors[6] == errors[7] == "t: NOT NULL constraint failed: t.must"
    assert errors[8] == "t: the record has id = 9, and the change is for the key 8"
    assert outcomes[9].remote_key == 2
    assert errors[10] == "t: the key (id) is null, or a part of it: None"
    assert "the column is INTEGER" in str(errors[11])
    assert errors[12] == "t: id: the column is INTEGER, and the value is JSON '[10,11]': convert it in the mapping"
    assert "beyond 64 bits" in str(errors[13])
    assert errors[14] == "t: there is no column 1"
    assert [(row["id"], row["n"], row["g"]) for row in table] == [(1, 1, 2), (2, 5, 10), (11, 11, 22)]


def test_composite_keys(tmp_path: Path) -> None:
    table = SqlTable(tmp_path / "a.db", "t", key=("a", "b"), create={"a": "INTEGER", "b": "TEXT", "n": "INTEGER"})
    outcomes = table.write(
        [
            Change.upsert((1, "x"), {"n": 1}),
            Change.upsert([1, "x"], {"n": 2}),
            Change.upsert((1, None), {"n": 3}),
            Change.upsert(7, {}),
            Change.delete((1,)),
        ]
    )
    assert statuses(outcomes) == ["applied", "applied", "rejected", "rejected", "rejected"]
    assert outcomes[3].error == "t: the key is (a, b), not 7"
    assert list(table) == [{"a": 1, "b": "x", "n": 2}]
    assert statuses(table.write([Change.delete((1, "x"))])) == ["applied"]


def test_triggers_that_interfere(tmp_path: Path) -> None:
    path = made(
        tmp_path / "a.db",
        """CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE log (n);
        CREATE TRIGGER r BEFORE INSERT ON t WHEN NEW.n = 1 BEGIN SELECT RAISE(ROLLBACK, 'rolled back'); END;
        CREATE TRIGGER i BEFORE INSERT ON t WHEN NEW.n = 2 BEGIN SELECT RAISE(IGNORE); END;
        CREATE TRIGGER f BEFORE INSERT ON t WHEN NEW.n = 3 BEGIN INSERT INTO log VALUES (3); SELECT RAISE(FAIL, 'failed'); END;
        CREATE TRIGGER e BEFORE INSERT ON t WHEN NEW.n = 4 BEGIN SELECT RAISE(ABORT, 'aborted'); END;""",
    )
    table = SqlTable(path, "t", key="id")
    changes = [Change.create(n, {"n": n % 10}) for n in (5, 1, 2, 3, 4, 6, 11)]
    outcomes = table.write(changes)
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [
        ("applied", None),
        ("rejected", "rolled back"),
        ("rejected", "t: a trigger of the table left the row out"),
        ("rejected", "t: failed"),
        ("rejected", "t: aborted"),
        ("applied", None),
        ("rejected", "rolled back"),
    ]
    assert [row["id"] for row in table] == [5, 6]
    assert SqlTable(path, "log", key="n").count() == 0
    with SqliteStore(tmp_path / "a.db") as store, pytest.raises(WriteError, match="rolled the whole transaction back"):
        store.commit_with(lambda connection: (table.write_in(connection, changes), []))
    table.close()


def test_foreign_keys_are_checked_where_asked_for(tmp_path: Path) -> None:
    path = made(
        tmp_path / "a.db",
        """CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
        CREATE TABLE now (id INTEGER PRIMARY KEY, p REFERENCES p);
        CREATE TABLE late (id INTEGER PRIMARY KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED);""",
    )
    changes = [Change.create(1, {"p": 1}), Change.create(2, {"p": 99}), Change.create(3, {"p": 1})]
    for name in ("now", "late"):
        outcomes = SqlTable(path, name, key="id", foreign_keys=True).write(changes)
        assert [(outcome.status, outcome.error) for outcome in outcomes] == [
            ("applied", None),
            ("rejected", f"{name}: FOREIGN KEY constraint failed"),
            ("applied", None),
        ]
        assert statuses(SqlTable(path, name, key="id").write([Change.create(2, {"p": 99})])) == ["applied"]


def test_strict_tables_and_any(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db", "CREATE TABLE t (id TEXT PRIMARY KEY, v ANY, n INT) STRICT")
    table = SqlTable(path, "t", key="id")
    assert statuses(table.write([Change.create("a", {"v": "007"}), Change.create("b", {"v": 7, "n": b"x"})])) == ["applied", "rejected"]
    assert list(table) == [{"id": "a", "v": "007", "n": None}]


# ---------------------------------------------------------------- whole calls


def test_writing_without_a_file_or_table_makes_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no database a.db"):
        SqlTable(tmp_path / "a.db", "t", key="id").write([Change.create(1, {})])
    made(tmp_path / "b.db", "CREATE TABLE x (id); CREATE VIEW v AS SELECT id FROM x")
    with pytest.raises(ConfigurationError, match=r"b.db has no table 't'; it has v, x"):
        SqlTable(tmp_path / "b.db", "t", key="id").write([Change.create(1, {})])
    with pytest.raises(ConfigurationError, match=r"v in b.db is a view"):
        SqlTable(tmp_path / "b.db", "v", key="id").write([Change.create(1, {})])
    with pytest.raises(ConfigurationError, match="there is no directory"):
        SqlTable(tmp_path / "away" / "b.db", "v", key="id", create={"id": "TEXT"}).write([Change.create("1", {})])
    with pytest.raises(ConfigurationError, match=r"write\(\) takes changes, .*not dict"):
        SqlTable(tmp_path / "b.db", "x", key="id").write([{"id": 1}])  # type: ignore[list-item]
    assert not (tmp_path / "a.db").exists()


def test_a_database_that_others_keep_locked(table: SqlTable, tmp_path: Path) -> None:
    table.write([Change.create("a", {})])
    table = SqlTable(tmp_path / "books.db", "invoices", key="external_id", timeout=0.01)
    with closing(sqlite3.connect(tmp_path / "books.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            WriteError, match=r"writing to invoices in books.db: it is locked by another writer.*nothing of this call was written"
        ) as caught:
            table.write([Change.create("b", {})])
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        other.execute("ROLLBACK")
    assert statuses(table.write([Change.create("b", {})])) == ["applied"]


def test_a_full_disk(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)")
    table = SqlTable(path, "t", key="id")
    with table._file.connection() as connection:
        connection.execute("PRAGMA max_page_count = 10")
    with pytest.raises(WriteError, match="the disk is full; nothing of this call was written"):
        table.write([Change.create(1, {"x": b"1"}), Change.create(2, {"x": bytes(100_000)})])
    # The connection it happened on is gone, and so is its limit.
    assert statuses(table.write([Change.create(1, {"x": b"1"}), Change.create(2, {"x": bytes(100_000)})])) == ["applied"] * 2
    table.close()


def test_a_read_only_database(table: SqlTable, tmp_path: Path) -> None:
    table.write([Change.create("a", {})])
    with table._file.connection() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(WriteError, match="the file is read-only"):
        table.write([Change.create("b", {})])


def test_many_threads(table: SqlTable) -> None:
    table.write([Change.create("start", {})])
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(20):
                assert statuses(table.write([Change.upsert(f"{name}{n}", {"total": n})])) == ["applied"]
                table.find([f"{name}{n}"])
        except BaseException as problem:  # noqa: BLE001 - shown below
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert table.count() == 61


# ---------------------------------------------------------------- in a store's transaction


def test_one_transaction_with_the_store(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "a.db") as store:
        table = SqlTable(store, "t", key="id", create={"id": "TEXT", "n": "INTEGER"})
        assert table.shares_database_with(store)

        def work(connection: Any) -> tuple[list[Outcome], list[Put]]:
            return table.write_in(connection, [Change.upsert("a", {"n": 1}), Change.upsert("b", {"m": 1})]), [Put("s", "k", 1)]

        assert statuses(store.commit_with(work)) == ["applied", "rejected"]
        assert list(table) == [{"id": "a", "n": 1}]

        def cut(connection: Any) -> tuple[list[Outcome], list[Put]]:
            table.write_in(connection, [Change.upsert("c", {"n": 1})])
            raise RuntimeError("killed")

        with pytest.raises(RuntimeError, match="killed"):
            store.commit_with(cut)
        assert [row["id"] for row in table] == ["a"]
        assert statuses(table.write([Change.upsert("d", {"n": 1})])) == ["applied"]
        table.close()


def test_what_shares_a_database(tmp_path: Path) -> None:
    class Store:
        def __init__(self, path: Any) -> None:
            self.path = path

        def commit_with(self, work: Any) -> None: ...

    def shares(table: SqlTable, store: Any) -> bool:
        return table.shares_database_with(store)

    table = SqlTable(tmp_path / "a.db", "t", key="id")
    assert shares(table, Store(tmp_path / "a.db"))
    assert shares(table, Store(str(tmp_path / "x" / ".." / "a.db")))
    assert not shares(table, Store(tmp_path / "b.db"))
    assert not shares(table, Store(None))
    assert not shares(table, MemoryStore())
    assert not shares(SqlTable(tmp_path / "a.db", "t", key="id", foreign_keys=True), Store(tmp_path / "a.db"))
    made(tmp_path / "a.db", "CREATE TABLE t (id)")
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    assert shares(table, Store(tmp_path / "link.db"))


def test_errors_in_a_store_s_transaction_have_words(tmp_path: Path) -> None:
    table = SqlTable(made(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)"), "t", key="id")
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        with pytest.raises(WriteError, match="read-only"):
            table.write_in(connection, [Change.create(1, {})])
