"""SqlQuery on SQLite: one moment, pages by a keyset, watermarks, parameters, and connections that are given back. Servers: tests/services."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import integrakit as ik
from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError
from integrakit.model import Checkpoint, Window
from integrakit.protocols import Readable, Source
from integrakit.runtimes import drive
from integrakit.sql import SqlQuery, SqlTable

Make = Callable[..., SqlQuery]
ROWS = [(n, n % 5, f"2024-01-{n:02d} 12:00:00") for n in range(1, 26)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v, at TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        connection.commit()
    return tmp_path / "a.db"


def execute(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def ids(records: Any) -> list[Any]:
    return [record["id"] for record in records]


def idle(query: SqlQuery) -> int:
    assert query._file is not None
    return len(query._file._idle)


def test_it_fits_the_protocols(path: Path) -> None:
    query = ik.SqlQuery(path, "SELECT * FROM t", key="id")
    assert isinstance(query, Readable)
    assert isinstance(query, Source)
    assert (query.key, query.name) == ("id", "query")
    assert repr(query) == "<SqlQuery 'query' in a.db>"
    assert SqlQuery(path, "SELECT 1", name="orders").key is None
    assert SqlQuery(path, "SELECT 1", key=("a", "b")).key == ("a", "b")


@pytest.mark.parametrize("order", [None, "v"])
def test_a_read_in_every_world(path: Path, world: Any, order: str | None) -> None:
    query = SqlQuery(path, "SELECT id, v FROM t WHERE id > :low", params={"low": 3}, key="id", order_by=order, page_size=10)

    async def body() -> Any:
        reader = query.open_read()
        assert reader.evidence.complete is None
        sizes = []
        while (page := await reader.next_page()) is not None:
            sizes.append(len(page))
        assert await reader.next_page() is None
        return sizes, reader.evidence, reader.checkpoint

    sizes, evidence, checkpoint = world(body)
    assert sizes == [10, 10, 2]
    assert (evidence.complete, evidence.records, evidence.pages, evidence.ended_by) == (True, 22, 3, "protocol")
    assert evidence.stability == ("snapshot" if order is None else "keyset")
    assert checkpoint is None
    query.close()


def test_it_shows_one_moment_whatever_is_written_meanwhile(path: Path) -> None:
    read = SqlQuery(path, "SELECT * FROM t ORDER BY id", page_size=5).read()
    records = iter(read)
    first = next(records)
    execute(path, "DELETE FROM t WHERE id > 3")
    assert ids([first, *records]) == list(range(1, 26))
    assert read.evidence.complete is True
    assert ids(SqlQuery(path, "SELECT * FROM t")) == [1, 2, 3]


def test_a_page_that_is_just_full_is_not_the_end(path: Path) -> None:
    query = SqlQuery(path, "SELECT * FROM t", page_size=5)
    assert [len(page) for page in query.pages()] == [5] * 5
    assert list(SqlQuery(path, "SELECT * FROM t WHERE id > 99")) == []
    assert query.count() == 25


def test_parameters_are_bound(path: Path) -> None:
    moment = datetime(2024, 1, 31, 21, tzinfo=timezone(timedelta(hours=9)))
    given = {"a": "'; DROP TABLE t; --", "b": 1.5, "c": b"\0", "d": None, "e": True, "f": moment, "g": date(2024, 1, 31), "h": time(12)}
    text = "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f, :g AS g, :h AS h, :a AS i"
    (record,) = SqlQuery(path, text, params=given)
    assert record == {**given, "e": 1, "f": "2024-01-31 12:00:00", "g": "2024-01-31", "h": "12:00:00", "i": given["a"]}
    with pytest.raises(ConfigurationError, match="SQLite takes numbers, text, bytes, dates and times, not Decimal"):
        SqlQuery(path, "SELECT :a", params={"a": Decimal(1)})


def test_a_keyset_goes_on_from_any_checkpoint(path: Path) -> None:
    query = SqlQuery(path, "SELECT a.id, b.v FROM t a JOIN t b USING (id)", key="id", order_by="v", page_size=4)
    everything = list(query)
    assert [(record["v"], record["id"]) for record in everything] == sorted((n % 5, n) for n in range(1, 26))
    seen: list[Any] = []
    for page in query.pages():
        seen += page.records
        assert page.checkpoint is not None
        assert seen + list(query.read(Checkpoint.from_dict(page.checkpoint.to_dict()))) == everything
    assert ids(SqlQuery(path, "SELECT * FROM t ORDER BY id DESC", order_by="id", page_size=7)) == list(range(1, 26))


@pytest.mark.parametrize("order", [None, "id"])
def test_what_changed_since_a_watermark(path: Path, order: str | None) -> None:
    query = SqlQuery(path, "SELECT * FROM t WHERE v <> :v", params={"v": 0}, cursor="at", order_by=order, page_size=4)
    reader = query.open_read()
    while drive(reader.next_page()) is not None:
        pass
    assert reader.checkpoint == query.checkpoint("2024-01-24 12:00:00")
    execute(path, "INSERT INTO t VALUES (30, 1, '2024-02-01 12:00:00'), (31, 1, '2024-01-01 00:00:00'), (32, 1, NULL)")
    again = query.open_read(reader.checkpoint)
    page = drive(again.next_page())
    assert page is not None
    assert page.checkpoint is not None
    assert (page.checkpoint.watermark, ids(page.records)) == ("2024-01-24 12:00:00", [24, 30, 32])
    assert again.checkpoint is not None
    assert again.checkpoint.watermark == "2024-01-24 12:00:00"
    assert drive(again.next_page()) is None
    assert again.checkpoint == query.checkpoint("2024-02-01 12:00:00")
    wide = SqlQuery(path, "SELECT * FROM t", cursor="at", order_by=order, window=Window(overlap=2 * 86400))
    assert ids(record for page in wide.pages(wide.checkpoint("2024-01-25 12:00:00")) for record in page.records) == [23, 24, 25, 30, 32]


def test_checkpoints_of_something_else_are_refused(path: Path) -> None:
    query = SqlQuery(path, "SELECT * FROM t WHERE id > :low", params={"low": 3}, order_by="id", page_size=2)
    checkpoint = next(query.pages()).checkpoint
    for other in (
        SqlQuery(path, "SELECT * FROM t WHERE id > :low", params={"low": 4}, order_by="id"),
        SqlQuery(path, "SELECT * FROM t", order_by="id"),
        SqlQuery(path, "SELECT * FROM t WHERE id > :low", params={"low": 3}),
        SqlQuery(path, "SELECT * FROM t WHERE id > :low", params={"low": 3}, order_by="id", name="other"),
    ):
        with pytest.raises(CheckpointMismatch):
            other.open_read(checkpoint)
    with pytest.raises(CheckpointMismatch, match="has no cursor="):
        query.open_read(query.checkpoint(7))
    # In the middle of one moment nothing goes on.
    plain = SqlQuery(path, "SELECT * FROM t", page_size=2, cursor="id")
    assert len(list(plain.read(evolve(plain.checkpoint(), token="[]", mode="keyset")))) == 25


def test_types_decide_and_a_page_that_does_not_fit_can_be_asked_for_again(path: Path) -> None:
    (record, *_) = SqlQuery(path, "SELECT '1.50' AS a, '{}' AS b, 1 AS c, NULL AS d", types={"a": Decimal, "b": "json", "c": bool, "d": int})
    assert record == {"a": Decimal("1.50"), "b": {}, "c": True, "d": None}
    for order in (None, "id"):
        query = SqlQuery(path, "SELECT id, CASE WHEN id = 3 THEN 'x' ELSE '1' END AS n FROM t", types={"n": int}, order_by=order, page_size=2)
        reader = query.open_read()
        assert drive(reader.next_page()) is not None
        for _ in range(2):
            with pytest.raises(DecodeError, match="column 'n': 'x' is not a whole number"):
                drive(reader.next_page())
        assert reader.evidence.records == 2


def test_who_leaves_early_leaves_nothing_behind(path: Path) -> None:
    with SqlQuery(path, "SELECT * FROM t", page_size=3) as query:
        for _ in query:
            break
        gc.collect()
        assert idle(query) == 0  # closed, in the middle of its rows
        assert len(list(query)) == 25
        assert idle(query) == 1
        # Not held by anybody: others may write.
        execute(path, "DROP TABLE t")
    assert idle(query) == 0


def test_nothing_can_be_written(path: Path) -> None:
    for text in ("WITH x AS (SELECT 1) DELETE FROM t", "WITH x AS (SELECT 1) INSERT INTO t SELECT 99, 1, 1"):
        for options in ({}, {"order_by": "id"}):
            with pytest.raises((ReadError, ConfigurationError)):
                list(SqlQuery(path, text, **options))  # type: ignore[arg-type]
    with pytest.raises(ReadError, match="reads are read-only, and this would write"):
        list(SqlQuery(path, "WITH x AS (SELECT 1) DELETE FROM t"))
    assert SqlQuery(path, "SELECT * FROM t").count() == 25
    # And what was lent for reading may write again.
    table = SqlTable(path, "t", key="id")
    assert table.count() == 25
    assert table.write([ik.Change.upsert(1, {"v": 9})])[0].status == "applied"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELECT other FROM t", "no such column"),
        ("SELECT FROM WHERE", "syntax error"),
    ],
)
def test_what_sqlite_does_not_understand(path: Path, text: str, message: str) -> None:
    for options in ({}, {"order_by": "id"}, {"cursor": "id"}):
        query = SqlQuery(path, text, **options)  # type: ignore[arg-type]
        for _ in range(2):
            with pytest.raises(ReadError, match=message):
                list(query)
        assert idle(query) == 0
    with pytest.raises(ConfigurationError, match="several columns the name 'id'"):
        list(SqlQuery(path, "SELECT id, id FROM t"))


def test_an_error_in_the_middle_means_that_a_new_read_must_begin(path: Path) -> None:
    query = SqlQuery(path, "SELECT id, json(CASE WHEN id = 7 THEN 'x' ELSE '1' END) AS j FROM t", page_size=4)
    reader = query.open_read()
    assert drive(reader.next_page()) is not None
    with pytest.raises(ReadError, match="malformed JSON"):
        drive(reader.next_page())
    for _ in range(2):
        with pytest.raises(ReadError, match="broke off after 4 records, and its moment is gone: begin a new one"):
            drive(reader.next_page())
    assert reader.evidence.complete is None
    assert reader.checkpoint is None
    assert idle(query) == 0
    # Before anything came it may simply be tried again.
    query = SqlQuery(path, "SELECT * FROM late")
    reader = query.open_read()
    with pytest.raises(ReadError):
        drive(reader.next_page())
    execute(path, "CREATE TABLE late AS SELECT 1 AS id")
    page = drive(reader.next_page())
    assert page is not None
    assert ids(page.records) == [1]


def test_columns_that_are_not_there(path: Path) -> None:
    for options in ({"order_by": "idd"}, {"cursor": "idd"}, {"types": {"idd": str}}, {"order_by": "id", "key": "idd"}):
        with pytest.raises(ConfigurationError, match=r"no column 'idd'.*it has id, v, at"):
            list(SqlQuery(path, "SELECT * FROM t", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "name="),
        ({"key": 7}, "key="),
        ({"order_by": ["a", "a"]}, "order_by="),
        ({"cursor": ""}, "cursor="),
        ({"window": Window()}, "window="),
        ({"types": 7}, "types="),
        ({"page_size": 0}, "page_size="),
        ({"timeout": "x"}, "timeout="),
        ({"statement_timeout": 5}, "for database servers"),
    ],
)
def test_wrong_arguments(path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SqlQuery(path, "SELECT 1", **options)


def test_what_names_no_database() -> None:
    for database, message in (
        ("orders", r"SqlQuery\('orders'\): give"),
        (7, "SqlQuery.database. takes"),
        ("oracle://me:hunter2@x/y", "does not know oracle"),
    ):
        with pytest.raises(ConfigurationError, match=message) as caught:
            SqlQuery(database, "SELECT 1")
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="there is no database"):
        list(SqlQuery("nowhere_at_all.db", "SELECT 1"))


def test_without_sqlalchemy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    for make in (lambda: SqlQuery("postgresql://host/db", "SELECT 1"), lambda: SqlTable("mysql://host/db", "t", key="id")):
        with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[sql\]"'):
            make()


def test_in_async_code(path: Path) -> None:
    async def body() -> list[int]:
        async with SqlQuery(path, "SELECT * FROM t", page_size=4) as query:
            return [record["id"] async for record in query]

    assert asyncio.run(body()) == list(range(1, 26))


def test_a_cancelled_read_skips_nothing(path: Path) -> None:
    async def body() -> list[int]:
        found: list[int] = []
        for source in (SqlQuery(path, "SELECT * FROM t ORDER BY id", page_size=5), SqlTable(path, "t", key="id", page_size=5)):
            reader = source.open_read()
            while True:
                task = asyncio.ensure_future(reader.next_page())
                await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                page = await reader.next_page()
                if page is None:
                    break
                found += ids(page.records)
        return found

    assert asyncio.run(body()) == [*range(1, 26)] * 2


def test_a_watermark_of_utc(path: Path) -> None:
    query = SqlQuery(path, "SELECT * FROM t", cursor="at")
    with pytest.raises(ConfigurationError, match="a watermark is the cursor's value"):
        query.checkpoint(datetime(2024, 1, 1, tzinfo=UTC))
