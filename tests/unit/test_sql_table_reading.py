"""SqlTable as a source: pages, resuming, watermarks, views, finding, and the errors of what is not there."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError
from integrakit.model import Change, Checkpoint
from integrakit.protocols import Readable, Sink, Source, TransactionalSink
from integrakit.runtimes import drive
from integrakit.sql import SqlTable
from integrakit.sql.table import OrderedBy

NORTHWIND = Path(__file__).parents[3] / "shared" / "data" / "northwind.sqlite"

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(script: str, rows: dict[str, list[tuple[Any, ...]]] | None = None, name: str = "a.db") -> Path:
        path = tmp_path / name
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
            for table, values in (rows or {}).items():
                marks = ",".join("?" * len(values[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
            connection.commit()
        return path

    return build


def test_it_fits_the_protocols(make: Make) -> None:
    table = SqlTable(make("CREATE TABLE t (id INTEGER PRIMARY KEY)"), "t", key="id")
    assert isinstance(table, Readable)
    assert isinstance(table, Source)
    assert isinstance(table, Sink)
    assert isinstance(table, TransactionalSink)
    assert (table.key, table.repeatable, table.on_runtime, table.limits.batch, table.name) == ("id", True, True, None, "t")
    assert repr(table) == "<SqlTable 't' in a.db, key 'id'>"
    assert table.ordered_by == OrderedBy(("id",), "BINARY")


def test_a_read_in_every_world(make: Make, world: Any) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", {"t": [(n, f"n{n}") for n in range(1, 26)]})
    with SqlTable(path, "t", key="id", page_size=10) as table:

        async def body() -> tuple[list[int], Any, list[Any]]:
            reader = table.open_read()
            assert reader.evidence.complete is None
            assert reader.evidence.reasons == ("the read is not at its end",)
            assert reader.checkpoint is None
            sizes = []
            while (page := await reader.next_page()) is not None:
                sizes.append(len(page))
                assert reader.checkpoint == page.checkpoint
                assert reader.evidence.complete is None
            assert await reader.next_page() is None
            assert reader.checkpoint is None
            return sizes, reader.evidence, [row async for row in aiter(aiter(table))]

        sizes, evidence, rows = world(body)
        assert sizes == [10, 10, 5]
        assert (evidence.complete, evidence.pages, evidence.records, evidence.stability, evidence.ended_by) == (True, 3, 25, "keyset", "protocol")
        assert evidence.started.tzinfo is not None
        assert rows == [{"id": n, "name": f"n{n}"} for n in range(1, 26)]


def test_sync_iteration_works_inside_a_running_loop(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY)", {"t": [(1,), (2,)]})

    async def notebook() -> list[Any]:
        return list(SqlTable(path, "t", key="id"))

    assert asyncio.run(notebook()) == [{"id": 1}, {"id": 2}]


def test_each_iteration_is_a_new_read_and_an_early_end_leaves_nothing_behind(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY)", {"t": [(n,) for n in range(10)]})
    table = SqlTable(path, "t", key="id", page_size=3)
    assert next(iter(table)) == {"id": 0}
    for _ in table:
        break
    assert len(list(table)) == 10
    # Nothing is locked in the middle of a read.
    pages = table.pages()
    next(pages)
    with closing(sqlite3.connect(path, timeout=0)) as other:
        other.execute("INSERT INTO t VALUES (100)")
        other.commit()
    assert [row["id"] for page in pages for row in page.records] == [3, 4, 5, 6, 7, 8, 9, 100]


def test_an_empty_table_is_a_complete_read(make: Make) -> None:
    table = SqlTable(make("CREATE TABLE t (id INTEGER PRIMARY KEY)"), "t", key="id", cursor="id")
    reader = table.open_read()
    assert drive(reader.next_page()) is None
    assert reader.evidence.complete is True
    assert reader.watermark is None
    assert reader.checkpoint is None
    assert table.count() == 0


AWKWARD = [(None, 1), (None, 2), (None, 2), (1, None), (1, 1), (1, 2), (2, None), (2, None), ("a", "b"), ("a", "B"), (b"x", 1.5), (2.5, 1), ("", "")]


@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 100])
def test_nulls_and_mixed_types_in_a_composite_key_come_exactly_once(make: Make, page_size: int) -> None:
    path = make("CREATE TABLE t (a, b)", {"t": AWKWARD})
    rows = [(row["a"], row["b"]) for row in SqlTable(path, "t", key=("a", "b"), page_size=page_size)]
    with closing(sqlite3.connect(path)) as connection:
        assert rows == connection.execute("SELECT a, b FROM t ORDER BY a, b, rowid").fetchall()


@pytest.mark.parametrize("page_size", [1, 2, 4])
@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE base (a, b); CREATE VIEW t AS SELECT a, b FROM base",
        'CREATE TABLE base (a, b, "rowid", oid, _rowid_); CREATE VIEW unused AS SELECT 1; CREATE VIEW t AS SELECT a, b, "rowid" FROM base',
    ],
)
def test_rows_of_a_view_that_nothing_tells_apart_come_exactly_once(make: Make, script: str, page_size: int) -> None:
    path = make(script)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO base (a, b) VALUES (?, ?)", AWKWARD + AWKWARD[:4])
        connection.commit()
    table = SqlTable(path, "t", key="a", page_size=page_size)
    reader = table.open_read()
    rows = []
    while (page := drive(reader.next_page())) is not None:
        rows += [(row["a"], row["b"]) for row in page.records]
    assert sorted(map(repr, rows)) == sorted(map(repr, AWKWARD + AWKWARD[:4]))
    # 17 rows with 6 different keys.
    assert reader.evidence.duplicates == 17 - len({a for a, _ in AWKWARD})


def test_a_table_where_every_name_of_the_rowid_is_taken(make: Make) -> None:
    path = make('CREATE TABLE t (a, "ROWID", oid, _rowid_)', {"t": [(n % 3, n, n, n) for n in range(20)]})
    rows = list(SqlTable(path, "t", key="a", page_size=4))
    assert sorted(row["oid"] for row in rows) == list(range(20))


def test_duplicates_of_a_key_are_counted_over_page_borders(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER, x)", {"t": [(1, 1), (1, 2), (1, 3), (2, 1), (None, 1), (None, 2)]})
    reader = SqlTable(path, "t", key="id", page_size=2).open_read()
    while drive(reader.next_page()) is not None:
        pass
    assert (reader.evidence.duplicates, reader.evidence.records, reader.evidence.complete) == (3, 6, True)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE t (id TEXT, name TEXT, PRIMARY KEY (id)) WITHOUT ROWID",
        "CREATE TABLE t (id TEXT NOT NULL UNIQUE, name TEXT)",
        "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, name TEXT)",
        "CREATE TABLE t (id TEXT, name TEXT); CREATE UNIQUE INDEX i ON t (id) WHERE id > 'b'; CREATE UNIQUE INDEX j ON t (lower(id), name)",
    ],
)
def test_the_order_is_binary_whatever_the_column_says(make: Make, script: str) -> None:
    path = make(script, {"t": [(key, "x") for key in ("b", "A", "ä", "Z", "aa", "", "\U0001f600", "\uffff")]})
    rows = [row["id"] for row in SqlTable(path, "t", key="id", page_size=2)]
    assert rows == sorted(rows)
    assert len(rows) == 8


def test_pages_are_ranges_of_an_index(make: Make) -> None:
    path = make("CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, x, PRIMARY KEY (a, b))", {"t": [(n // 10, n, n) for n in range(100)]})
    table = SqlTable(path, "t", key=("a", "b"), page_size=7)
    reader = table.open_read()
    drive(reader.next_page())
    steps: list[int] = []
    with table._file.connection() as connection:
        connection.set_progress_handler(lambda: steps.append(1), 1)
    while drive(reader.next_page()) is not None:
        pass
    with table._file.connection() as connection:
        connection.set_progress_handler(None, 1)
    pages = 14
    assert len(steps) / pages < 1500  # instructions a page; a scan of all rows for each would need several times that
    table.close()


def test_a_resumed_read_is_exact_from_every_checkpoint(make: Make) -> None:
    path = make("CREATE TABLE t (a, b)", {"t": AWKWARD})
    table = SqlTable(path, "t", key=("a", "b"), page_size=2)
    everything = list(table)
    seen: list[Any] = []
    for page in table.pages():
        seen += page.records
        assert page.checkpoint is not None
        stored = Checkpoint.from_dict(page.checkpoint.to_dict())
        reader = SqlTable(path, "t", key=("a", "b"), page_size=3).open_read(stored)
        rest = []
        while (more := drive(reader.next_page())) is not None:
            rest += more.records
        assert seen + rest == everything
        assert (reader.evidence.records, reader.evidence.complete) == (len(everything), True)
        assert reader.evidence.started == page.checkpoint.born


def test_checkpoints_of_something_else_are_refused(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, x); CREATE TABLE u (id INTEGER PRIMARY KEY, x)", {"t": [(1, 1), (2, 2)]})
    table = SqlTable(path, "t", key="id", page_size=1)
    checkpoint = next(table.pages()).checkpoint
    assert checkpoint is not None
    for other in (SqlTable(path, "u", key="id"), SqlTable(path, "t", key="x"), SqlTable(path, "t", key="id", cursor="x")):
        with pytest.raises(CheckpointMismatch):
            other.open_read(checkpoint)
    with pytest.raises(CheckpointMismatch, match="has no cursor="):
        table.open_read(evolve(table.checkpoint(), watermark=7))


@pytest.mark.parametrize(
    "changes",
    [
        *({"token": token} for token in ("[[1, 2], null]", "nonsense", 7, "[]", '"x"', "[[1], null, 7]")),
        {"mode": "lines"},
        {"expires": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_place_that_is_worth_nothing_falls_back_to_the_watermark(make: Make, changes: dict[str, Any]) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, x)", {"t": [(1, 1), (2, 2), (3, 3)]})
    plain = SqlTable(path, "t", key="id", page_size=1)
    watched = SqlTable(path, "t", key="id", page_size=1, cursor="x")
    for table, watermark, expected in ((plain, None, [1, 2, 3]), (watched, 2, [2, 3])):
        checkpoint = next(table.pages(table.checkpoint(watermark))).checkpoint
        assert checkpoint is not None
        read = table.read(evolve(checkpoint, **changes))
        assert [record["id"] for record in read] == expected
        assert len(read.evidence.notes) == 1
        assert "begins" in read.evidence.notes[0]
        assert (read.evidence.records, read.evidence.complete) == (len(expected), True)


def test_a_watermark_is_inclusive_and_rows_without_a_value_always_come(make: Make) -> None:
    rows = [(n, f"2024-01-{n:02d} 10:00:00") for n in range(1, 10)] + [(10, None)]
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, updated_at DATETIME)", {"t": rows})
    table = SqlTable(path, "t", key="id", cursor="updated_at", page_size=4)
    reader = table.open_read()
    marks = []
    while (page := drive(reader.next_page())) is not None:
        marks.append(reader.watermark)
        assert page.checkpoint is not None
        assert page.checkpoint.watermark is None
    assert marks == ["2024-01-04 10:00:00", "2024-01-08 10:00:00", "2024-01-09 10:00:00"]
    following = reader.checkpoint
    assert following is not None
    assert (following.watermark, following.token, following.records) == ("2024-01-09 10:00:00", None, 0)
    assert following == evolve(table.checkpoint("2024-01-09 10:00:00"))
    again = table.open_read(Checkpoint.from_dict(following.to_dict()))
    page = drive(again.next_page())
    assert page is not None
    assert [row["id"] for row in page.records] == [9, 10]
    assert page.records[0]["updated_at"] == datetime(2024, 1, 9, 10)
    assert page.checkpoint is not None
    assert page.checkpoint.watermark == "2024-01-09 10:00:00"


def test_a_watermark_survives_a_resumed_read_and_never_moves_back(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", {"t": [(1, 50), (2, 7), (3, 8)]})
    table = SqlTable(path, "t", key="id", cursor="v", page_size=1)
    first = next(table.pages()).checkpoint
    reader = table.open_read(first)
    while drive(reader.next_page()) is not None:
        pass
    assert reader.watermark == 50
    later = table.open_read(table.checkpoint(1000))
    assert drive(later.next_page()) is None
    assert later.watermark == 1000


def test_the_watermark_follows_the_order_of_the_database(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", {"t": [(1, "9"), (2, 10), (3, b"\x00"), (4, "a")]})
    reader = SqlTable(path, "t", key="id", cursor="v", page_size=3).open_read()
    drive(reader.next_page())
    assert reader.watermark == b"\x00"
    with pytest.raises(ConfigurationError, match="as the table stores it"):
        SqlTable(path, "t", key="id", cursor="v").checkpoint(datetime(2024, 1, 1, tzinfo=UTC))


def test_sorted_by_other_columns(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, city TEXT, n INT)", {"t": [(1, "b", 1), (2, None, 2), (3, "a", 3), (4, "b", 0)]})
    table = SqlTable(path, "t", key="id", order_by="city", page_size=1)
    assert [row["id"] for row in table] == [2, 3, 1, 4]
    assert table.ordered_by == OrderedBy(("city", "id"))
    assert SqlTable(path, "t", key="id", order_by=["n"], types={"n": str}).ordered_by == OrderedBy(("n", "id"))
    assert SqlTable(path, "t", key="id", types={"id": Decimal}).ordered_by is None


def test_find(make: Make) -> None:
    path = make("CREATE TABLE t (a INTEGER, b TEXT, total DECIMAL(9,2), PRIMARY KEY (a, b))", {"t": [(1, "x", 1.5), (2, "y", 2)]})
    table = SqlTable(path, "t", key=("a", "b"))
    found = table.find([(1, "x"), [2, "y"], (3, "z"), (1, None), ("text", "x"), 7])
    assert found == {(1, "x"): {"a": 1, "b": "x", "total": Decimal("1.5")}, (2, "y"): {"a": 2, "b": "y", "total": Decimal(2)}}
    assert table.find([]) == {}


def test_find_goes_by_what_the_column_takes_for_equal(make: Make) -> None:
    path = make("CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY)", {"t": [("7",), ("Bob",)]})
    assert SqlTable(path, "t", key="id").find([7, "bob"]) == {7: {"id": "7"}, "bob": {"id": "Bob"}}


# ---------------------------------------------------------------- what is not there


def test_reading_a_missing_file_makes_none_and_names_its_neighbours(tmp_path: Path, world: Any) -> None:
    (tmp_path / "orders.db").touch()
    table = SqlTable(tmp_path / "order.db", "t", key="id")

    async def body() -> Any:
        with pytest.raises(ConfigurationError, match=r"there is no database order.db: did you mean orders.db\?"):
            await table.open_read().next_page()

    world(body)
    with pytest.raises(ConfigurationError, match=r"there is no database x.db in "):
        SqlTable(tmp_path / "x.db", "t", key="id").count()
    with pytest.raises(ConfigurationError, match="there is no directory"):
        list(SqlTable(tmp_path / "away" / "x.db", "t", key="id"))
    with pytest.raises(ConfigurationError, match="is a directory"):
        SqlTable(tmp_path, "t", key="id").find([1])
    assert [path.name for path in tmp_path.iterdir()] == ["orders.db"]


def test_a_missing_table_names_those_there_are(make: Make) -> None:
    path = make("CREATE TABLE invoices (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIEW open_invoices AS SELECT 1")
    with pytest.raises(ConfigurationError, match=r"a.db has no table 'invoice' \(did you mean 'invoices'\?\); it has invoices, open_invoices"):
        list(SqlTable(path, "invoice", key="id"))
    empty = make("", name="empty.db")
    with pytest.raises(ConfigurationError, match="it has none"):
        SqlTable(empty, "t", key="id").count()
    assert SqlTable(path, "INVOICES", key="id").count() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": "ID"}, r"key=: t has no column 'ID' \(did you mean 'id'\?\); it has id, name"),
        ({"key": "zzz"}, "key=: t has no column 'zzz'; it has id, name"),
        ({"key": "id", "order_by": "nam"}, "order_by=: .*'name'"),
        ({"key": "id", "cursor": "updated"}, "cursor=: "),
        ({"key": "id", "types": {"nome": str}}, "types=: "),
        ({"key": "id", "create": {"id": "INTEGER", "extra": "TEXT"}}, "create= .*no column 'extra'"),
    ],
)
def test_missing_columns(make: Make, arguments: Any, message: str) -> None:
    table = SqlTable(make("CREATE TABLE t (id INTEGER PRIMARY KEY, name)"), "t", **arguments)
    with pytest.raises(ConfigurationError, match=message):
        list(table)


def test_what_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is a text and no database at all" * 50)
    with pytest.raises(ConfigurationError, match=r"a.db is not a SQLite database") as caught:
        list(SqlTable(path, "t", key="id"))
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_text_that_is_not_utf8(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, CAST(X'ff41' AS TEXT))")
    with pytest.raises(DecodeError, match="not UTF-8"):
        list(SqlTable(path, "t", key="id"))


def test_a_damaged_file(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", {"t": [(n, "x" * 500) for n in range(100)]})
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(ReadError, match="damaged"):
        list(SqlTable(path, "t", key="id"))


def test_a_table_locked_by_another_process_for_too_long(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ReadError, match=r"reading t in a.db: it is locked .*timeout=0.01 seconds"):
            list(SqlTable(path, "t", key="id", timeout=0.01))


def test_values_that_are_not_what_types_says(make: Make) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, total TEXT)", {"t": [(1, "1.50"), (2, "n/a")]})
    table = SqlTable(path, "t", key="id", types={"total": Decimal}, page_size=1)
    reader = table.open_read()
    page = drive(reader.next_page())
    assert page is not None
    assert page.records == [{"id": 1, "total": Decimal("1.50")}]
    for _ in range(2):  # it is not skipped by asking again
        with pytest.raises(DecodeError, match=r"t at {'id': 2}, column 'total': 'n/a' is not a decimal number") as caught:
            drive(reader.next_page())
    assert caught.value.path == "total"
    assert caught.value.record == {"id": 2, "total": "n/a"}
    assert reader.evidence.records == 1


def test_a_virtual_table(make: Make) -> None:
    try:
        path = make("CREATE VIRTUAL TABLE t USING fts5(title, body); INSERT INTO t VALUES ('a', 'x'), ('a', 'y'), ('b', 'z')")
    except sqlite3.OperationalError as problem:
        pytest.skip(f"this SQLite has no fts5: {problem}")
    table = SqlTable(path, "t", key="title", page_size=1)
    assert list(table) == [{"title": "a", "body": "x"}, {"title": "a", "body": "y"}, {"title": "b", "body": "z"}]
    # Its module is asked for the rowid, and another one that is not here cannot be.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'nosuchmodule') WHERE name = 't'")
        connection.commit()
    with pytest.raises(ReadError, match="no such module"):
        list(SqlTable(path, "t", key="title"))


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["Order Details", 'with "quotes"', "[brackets]", "día ÄÖ 订单", "a.b", "select", "x;y--", "it's", "`tick`"])
def test_names_of_any_kind(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.db"
    table = SqlTable(path, name, key=name, create={name: "TEXT", f"{name} 2": "INTEGER"})
    assert [outcome.status for outcome in table.write([Change.upsert("k", {f"{name} 2": 1}), Change.upsert("k", {f"{name} 2": 2})])] == [
        "applied"
    ] * 2
    assert list(table) == [{name: "k", f"{name} 2": 2}]
    assert table.find(["k"]) == {"k": {name: "k", f"{name} 2": 2}}
    assert table.count() == 1


# ---------------------------------------------------------------- a real one


@pytest.mark.skipif(not NORTHWIND.exists(), reason="the Northwind database is not here")
def test_northwind() -> None:
    with SqlTable(NORTHWIND, "Order Details", key=("OrderID", "ProductID"), page_size=100) as details:
        sizes = [len(page) for page in details.pages()]
        assert sizes == [100] * 21 + [55]
        rows = list(details)
        assert len({(row["OrderID"], row["ProductID"]) for row in rows}) == len(rows) == details.count() == 2155
        assert rows[0] == {"OrderID": 10248, "ProductID": 11, "UnitPrice": Decimal(14), "Quantity": 12, "Discount": 0.0}
        half = list(details.pages())[9].checkpoint
        assert [row for page in details.pages(half) for row in page.records] == rows[1000:]
    with SqlTable(NORTHWIND, "Invoices", key="OrderID", page_size=100) as invoices:
        assert len(list(invoices)) == invoices.count() == 2155
