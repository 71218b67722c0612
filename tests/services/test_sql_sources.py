"""`SqlTable` and `SqlQuery` reading from real servers: order, types, read-only, connections that break, and memory that stays flat."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.services.databases import Room, room

import integrakit as ik
from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, ReadError
from integrakit.model import Change, Checkpoint, Window
from integrakit.runtimes import drive
from integrakit.sql import SqlQuery, SqlTable

sqlalchemy = pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')

pytestmark = pytest.mark.service

DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Room]:
    with room(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Room]:
    with room("postgresql") as made:
        yield made


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Room]:
    with room("mariadb") as made:
        yield made


def made(database: Room, definition: str, *rows: str) -> str:
    """A table of its own: its name, with the schema's. ``{}`` in a definition is that name."""
    name = f"t{uuid4().hex[:8]}"
    database.execute(f"CREATE TABLE {{}}{name} ({definition})")
    if rows:
        database.execute(f"INSERT INTO {{}}{name} VALUES {', '.join(rows)}".replace("%", "%%"))
    return f"{database.name}.{name}"


@pytest.fixture
def numbers(database: Room) -> str:
    """25 rows: id 1 to 25."""
    return made(database, "id int PRIMARY KEY, v int", *(f"({n}, {n % 5})" for n in range(1, 26)))


def engine_of(database: Room, **options: Any) -> Any:
    return sqlalchemy.create_engine(sqlalchemy.engine.make_url(database.url).set(drivername=DRIVERS[database.kind]), **options)


def to_the_end(reader: Any) -> None:
    while drive(reader.next_page()) is not None:
        pass


def ids(records: Any) -> list[Any]:
    return [record["id"] for record in records]


# ---------------------------------------------------------------------- a table, read


class TestTable:
    def test_a_read_in_every_world(self, database: Room, numbers: str, world: Any) -> None:
        table = SqlTable(database.url, numbers, key="id", page_size=10)

        async def body() -> Any:
            reader = table.open_read()
            sizes = []
            while (page := await reader.next_page()) is not None:
                sizes.append(len(page))
            return sizes, reader.evidence

        sizes, evidence = world(body)
        assert sizes == [10, 10, 5]
        assert (evidence.complete, evidence.stability, evidence.records, evidence.duplicates) == (True, "keyset", 25, 0)
        table.close()

    def test_a_resumed_read_is_exact_from_every_checkpoint(self, database: Room) -> None:
        rows = [f"({a}, {b}, {n})" for n, (a, b) in enumerate((a, b) for a in ("NULL", "'x'", "'X'", "'é'", "''") for b in ("NULL", "1.50", "-2"))]
        table = made(database, "a varchar(9), b numeric(9,2), n int", *rows, "('x', 1.5, 99)")
        everything = list(SqlTable(database.url, table, key=("a", "b"), page_size=100))
        assert len(everything) == 16
        source = SqlTable(database.url, table, key=("a", "b"), page_size=2)
        seen: list[Any] = []
        for page in source.pages():
            seen += page.records
            assert page.checkpoint is not None
            read = source.read(Checkpoint.from_dict(page.checkpoint.to_dict()))
            came = seen + list(read)
            # The two rows that share a key have no order between them.
            assert [(row["a"], row["b"]) for row in came] == [(row["a"], row["b"]) for row in everything]
            assert sorted(row["n"] for row in came) == [*range(15), 99]
            assert (read.evidence.records, read.evidence.complete) == (16, True)
        assert source.read().evidence.duplicates == 0
        counted = source.read()
        list(counted)
        assert counted.evidence.duplicates == 1

    def test_text_is_sorted_by_code_point_and_nulls_come_first(self, database: Room) -> None:
        values = ["b", "B", "a", "A", "é", "z", "ß", "ss", "a ", "a\t", "", "10", "9", "😀", "\uffff", "_"]
        table = made(database, "id int PRIMARY KEY, s varchar(20)", *(f"({n}, '{value}')" for n, value in enumerate(values)), "(99, NULL)")
        source = SqlTable(database.url, table, key=("s", "id"), page_size=3)
        assert [record["s"] for record in source] == [None, *sorted(values)]
        assert source.ordered_by is not None
        assert source.ordered_by.names == ("s", "id")

    def test_a_column_that_is_sorted_so_by_itself_uses_its_index(self, database: Room) -> None:
        kind = 'text COLLATE "C"' if database.kind == "postgresql" else "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
        table = made(database, f"s {kind} PRIMARY KEY", "('b')", "('B')", "('a ')", "('a')", "('é')")
        assert [record["s"] for record in SqlTable(database.url, table, key="s", page_size=2)] == ["B", "a", "a ", "b", "é"]

    def test_rows_that_nothing_tells_apart_are_never_split(self, database: Room) -> None:
        table = made(database, "id int, v int", *(f"({n // 7}, {n})" for n in range(40)))
        source = SqlTable(database.url, table, key="id", page_size=3)
        assert sorted(record["v"] for record in source) == list(range(40))

    def test_awkward_names(self, database: Room) -> None:
        quote = '"' if database.kind == "postgresql" else "`"
        name = "Order % Details? :x"
        database.execute(
            f"CREATE TABLE {{}}{quote}{name}{quote} ({quote}the %s key{quote} int PRIMARY KEY, {quote}a.b{quote} int)".replace("%", "%%")
        )
        database.execute(f"INSERT INTO {{}}{quote}{name}{quote} VALUES (1, 2), (3, 4)".replace("%", "%%"))
        try:
            table = SqlTable(database.url, f"{database.name}.{name}", key="the %s key", page_size=1, cursor="a.b")
            assert list(table) == [{"the %s key": 1, "a.b": 2}, {"the %s key": 3, "a.b": 4}]
            assert (table.count(), list(table.find([3]))) == (2, [3])
        finally:
            database.execute(f"DROP TABLE {{}}{quote}{name}{quote}".replace("%", "%%"))

    def test_views_read_like_tables(self, database: Room, numbers: str) -> None:
        view = f"v{uuid4().hex[:8]}"
        database.execute(f"CREATE VIEW {{}}{view} AS SELECT id, v FROM {numbers} WHERE v > 2")
        source = SqlTable(database.url, f"{database.name}.{view}", key="id", page_size=4)
        assert ids(source) == [n for n in range(1, 26) if n % 5 > 2]

    def test_a_table_without_rows(self, database: Room) -> None:
        source = SqlTable(database.url, made(database, "id int PRIMARY KEY"), key="id")
        read = source.read()
        assert (list(read), source.count(), source.find([1]), read.evidence.complete) == ([], 0, {}, True)

    def test_find_asks_for_what_rows_can_have(self, database: Room) -> None:
        table = made(database, "id int PRIMARY KEY, s varchar(9) NOT NULL, d numeric(9,2)", "(1, 'a', 1.50)", "(2, 'B', 2)", "(3, 'c', NULL)")
        by_id = SqlTable(database.url, table, key="id")
        assert by_id.find([1, 3, 7, None, "1", 2**70, True, (1,)]).keys() == {1, 3}
        assert by_id.find(range(1000)).keys() == {1, 2, 3}
        by_text = SqlTable(database.url, table, key="s")
        assert by_text.find(["a", "A", "b", "B", 1, "a ", "x\0"]).keys() == {"a", "B"}
        by_both = SqlTable(database.url, table, key=("s", "id"))
        assert by_both.find([("a", 1), ["B", 2], ("a", 2), "a"]).keys() == {("a", 1), ("B", 2)}
        assert SqlTable(database.url, table, key="d").find([Decimal("1.5"), 2]).keys() == {Decimal("1.5"), 2}

    def test_what_changed_since_a_watermark(self, database: Room) -> None:
        table = made(database, "id int PRIMARY KEY, at int", *(f"({n}, {n})" for n in range(1, 10)), "(10, NULL)")
        source = SqlTable(database.url, table, key="id", cursor="at", page_size=4)
        reader = source.open_read()
        while drive(reader.next_page()) is not None:
            pass
        assert reader.checkpoint == source.checkpoint(9)
        assert ids(record for page in source.pages(source.checkpoint(8)) for record in page.records) == [8, 9, 10]
        text = made(database, "id int PRIMARY KEY, at varchar(9)", "(1, 'a')", "(2, 'B')")
        source = SqlTable(database.url, text, key="id", cursor="at")
        reader = source.open_read()
        while drive(reader.next_page()) is not None:
            pass
        assert reader.watermark == "a"

    def test_a_cursor_of_decimals_and_of_dates(self, database: Room) -> None:
        table = made(database, "id int PRIMARY KEY, n numeric(30,9), d date", "(1, 12345678901234567890.5, '2024-01-31')", "(2, 1, '2024-02-01')")
        for column, mark, expected in (("n", "12345678901234567890.500000000", [1]), ("d", "2024-02-01", [2])):
            source = SqlTable(database.url, table, key="id", cursor=column)
            reader = source.open_read()
            while drive(reader.next_page()) is not None:
                pass
            assert reader.watermark == mark
            assert ids(record for page in source.pages(source.checkpoint(mark)) for record in page.records) == expected

    def test_types_decide_for_single_columns(self, database: Room) -> None:
        table = made(
            database, "id int PRIMARY KEY, n numeric(9,2), s varchar(20), at timestamp NULL", "(1, 5.00, '{\"a\": 1.10}', '2024-01-31 12:00:00')"
        )
        types = {"id": str, "n": int, "s": "json", "at": str}
        at = "2024-01-31 12:00:00" if database.kind == "postgresql" else "2024-01-31 12:00:00+00:00"
        with SqlTable(database.url, table, key="id", types=types) as source:
            assert list(source) == [{"id": "1", "n": 5, "s": {"a": Decimal("1.10")}, "at": at}]
            assert source.ordered_by is None or source.ordered_by.names == ("id",)
        read = SqlTable(database.url, table, key="id", types={"s": Decimal}).read()
        with pytest.raises(DecodeError, match="column 's'"):
            list(read)

    def test_writing_comes_later_and_says_so(self, database: Room, numbers: str) -> None:
        table = SqlTable(database.url, numbers, key="id")
        for attempt in (lambda: table.write([Change.upsert(1, {"v": 2})]), lambda: table.write_in(None, [])):
            with pytest.raises(ConfigurationError, match="writes to SQLite only"):
                attempt()
        assert table.shares_database_with(ik.MemoryStore()) is False
        with pytest.raises(ConfigurationError, match=r"create=…, foreign_keys=…\) are for SQLite"):
            SqlTable(database.url, numbers, key="id", create={"id": "int"})

    def test_a_reconciliation_of_a_table_with_a_query_streams(self, database: Room, numbers: str) -> None:
        query = SqlQuery(database.url, f"SELECT id, CASE WHEN id = 7 THEN 9 ELSE v END AS v FROM {numbers}", key="id", order_by="id")
        diff = ik.reconcile(SqlTable(database.url, numbers, key="id", page_size=4), query, key="id", engine="merge")
        assert [broken.key for broken in diff.breaks()] == [7]


# ---------------------------------------------------------------------- values


class TestPostgresqlValues:
    def values(self, database: Room, kind: str, literal: str) -> tuple[Any, Any, Any]:
        """As a table gives it, as a query does, and as an order by it goes on."""
        table = made(database, f"id int PRIMARY KEY, v {kind}", *(f"({n}, {literal})" for n in range(3)), "(9, NULL)")
        (of_table,) = list(SqlTable(database.url, table, key="id").find([1]).values())
        (of_query,) = list(SqlQuery(database.url, f"SELECT v FROM {table} WHERE id = :id", params={"id": 1}))
        ordered = SqlTable(database.url, table, key=("v", "id"), page_size=1)
        assert ids(ordered) == [9, 0, 1, 2]
        by_query = SqlQuery(database.url, f"SELECT * FROM {table}", key=("v", "id"), order_by=("v", "id"), page_size=1)
        assert ids(by_query) == [9, 0, 1, 2]
        return of_table["v"], of_query["v"], None if isinstance(of_table["v"], list | dict) else next(iter(ordered.find([(of_table["v"], 1)])), None)

    @pytest.mark.parametrize(
        ("kind", "literal", "expected"),
        [
            ("smallint", "-5", -5),
            ("bigint", "9223372036854775807", 2**63 - 1),
            ("numeric", "1.10", Decimal("1.10")),
            ("numeric(38,18)", "12345678901234567890.123456789012345678", Decimal("12345678901234567890.123456789012345678")),
            ("real", "0.1", 0.1),
            ("real", "16777217", 16777216.0),
            ("double precision", "0.1", 0.1),
            ("double precision", "'-Infinity'", float("-inf")),
            ("boolean", "true", True),
            ("text", "'a%b'", "a%b"),
            ("varchar(20)", "'Zoë'", "Zoë"),
            ("char(5)", "'ab'", "ab   "),
            ("bytea", "'\\x00ff'", b"\x00\xff"),
            ("date", "'2024-02-29'", date(2024, 2, 29)),
            ("date", "'infinity'", "infinity"),
            ("date", "'0044-03-15 BC'", "0044-03-15 BC"),
            ("time", "'12:00:00.5'", time(12, 0, 0, 500000)),
            ("time", "'24:00'", "24:00:00"),
            ("timestamp", "'2024-01-31 12:00:00.123456'", datetime(2024, 1, 31, 12, 0, 0, 123456)),
            ("timestamp", "'infinity'", "infinity"),
            ("timestamptz", "'2024-01-31 12:00:00.5+05:30'", datetime(2024, 1, 31, 6, 30, 0, 500000, tzinfo=UTC)),
            ("timestamptz", "'-infinity'", "-infinity"),
            ("timestamptz", "'12024-01-31 00:00:00Z'", "12024-01-31 00:00:00+00"),
            ("interval", "'1 day 02:03:04.5'", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
            ("interval", "'-1 day -00:00:00.25'", timedelta(days=-1, seconds=-0.25)),
            ("interval", "'1 year 2 months 3 days'", "P1Y2M3D"),
            ("interval", "'178000000 years'", "P178000000Y"),
            ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ("inet", "'10.0.0.1/8'", "10.0.0.1/8"),
            ("int4range", "'[1,5)'", "[1,5)"),
            ("int4multirange", "'{[1,5)}'", "{[1,5)}"),
            ("jsonb", "'{\"a\": [1.10, null]}'", {"a": [Decimal("1.10"), None]}),
            ("json", "'[1, 2.50]'", [1, Decimal("2.50")]),
            ("int[]", "'{1,NULL,3}'", [1, None, 3]),
            ("numeric[]", "'{{1.10},{2}}'", [[Decimal("1.10")], [Decimal(2)]]),
            ("timestamptz[]", "'{infinity}'", ["infinity"]),
            ("xid8", "'4294967297'", 4294967297),
            ("bit(4)", "B'1010'", "1010"),
            ("point", "'(1,2)'", "(1,2)"),
            ("xml", "'<a/>'", "<a/>"),
        ],
    )
    def test_what_comes_out(self, postgresql: Room, kind: str, literal: str, expected: Any) -> None:
        of_table, of_query, found = self.values(postgresql, kind, literal)
        assert of_table == expected
        assert of_query == expected
        assert type(of_table) is type(of_query) is type(expected)
        if isinstance(expected, int | Decimal | date) and kind != "timestamp":
            assert found == (expected, 1)

    def test_a_number_that_is_none(self, postgresql: Room) -> None:
        of_table, of_query, _ = self.values(postgresql, "numeric", "'NaN'")
        assert isinstance(of_table, Decimal)
        assert of_table.is_nan()
        assert of_query.is_nan()

    def test_money_is_a_decimal_in_a_table_and_its_text_in_a_query(self, postgresql: Room) -> None:
        of_table, of_query, _ = self.values(postgresql, "money", "1234.50")
        assert of_table == Decimal("1234.50")
        assert "1,234.50" in of_query

    def test_enums_domains_and_composites(self, postgresql: Room) -> None:
        tag = f"x{uuid4().hex[:6]}"
        postgresql.execute(f"CREATE TYPE {{}}{tag}e AS ENUM ('zebra', 'ant')")
        postgresql.execute(f"CREATE DOMAIN {{}}{tag}d AS numeric(9,2) CHECK (VALUE > 0)")
        postgresql.execute(f"CREATE TYPE {{}}{tag}c AS (a int, b text)")
        schema = postgresql.name
        table = made(
            postgresql, f"e {schema}.{tag}e, d {schema}.{tag}d, c {schema}.{tag}c", "('zebra', 1.5, (1, 'x'))", "('ant', 2, NULL)", "('ant', 3, NULL)"
        )
        source = SqlTable(postgresql.url, table, key="e", page_size=1)
        # By name, as everybody else sorts it, and not by its place in the definition.
        assert [(record["e"], record["d"]) for record in source] == [("ant", 2), ("ant", 3), ("zebra", Decimal("1.50"))]
        assert [record["d"] for record in SqlTable(postgresql.url, table, key="d", page_size=1)] == [Decimal("1.50"), 2, 3]
        assert [record["c"] for record in SqlTable(postgresql.url, table, key="c", page_size=1)] == [None, None, "(1,x)"]
        assert source.find(["ant", "bee"]).keys() == {"ant"}

    def test_a_uuid_is_found_as_text_and_as_itself(self, postgresql: Room) -> None:
        text = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        table = SqlTable(postgresql.url, made(postgresql, "id uuid PRIMARY KEY", f"('{text}')"), key="id")
        assert list(table.find([text])) == [text]
        assert table.find([UUID(text)]) == {UUID(text): {"id": text}}

    def test_the_settings_of_a_caller_change_nothing(self, postgresql: Room) -> None:
        table = made(postgresql, "id int PRIMARY KEY, at timestamptz, i interval, f real", "(1, '2024-01-31 12:00Z', '1 mon', 0.1)")
        options = "-c TimeZone=Asia/Tokyo -c DateStyle=German -c IntervalStyle=postgres_verbose -c extra_float_digits=-5"
        engine = engine_of(postgresql, connect_args={"options": options})
        (record,) = SqlTable(engine, table, key=("at", "id"), cursor="at")
        assert record == {"id": 1, "at": datetime(2024, 1, 31, 12, tzinfo=UTC), "i": "P1M", "f": 0.1}
        assert record["at"].utcoffset() == timedelta(0)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "Asia/Tokyo"
            assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "off"
        engine.dispose()


class TestMariadbValues:
    @pytest.mark.parametrize(
        ("kind", "literal", "expected"),
        [
            ("tinyint(1)", "1", True),
            ("tinyint(1)", "7", 7),
            ("tinyint(4)", "1", 1),
            ("bit(1)", "b'1'", True),
            ("bit(12)", "b'100000001'", 257),
            ("bigint unsigned", "18446744073709551615", 2**64 - 1),
            ("decimal(38,18)", "12345678901234567890.123456789012345678", Decimal("12345678901234567890.123456789012345678")),
            ("double", "0.1", 0.1),
            ("varchar(20)", "'a%b\\\\'", "a%b\\"),
            ("varchar(20) CHARACTER SET latin1", "'Zoë'", "Zoë"),
            ("text", "'x'", "x"),
            ("enum('z','a')", "'z'", "z"),
            ("set('z','a')", "'z,a'", "z,a"),
            ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ("varbinary(9)", "x'00ff'", b"\x00\xff"),
            ("blob", "x'00ff'", b"\x00\xff"),
            ("date", "'2024-02-29'", date(2024, 2, 29)),
            ("date", "'0000-00-00'", "0000-00-00"),
            ("datetime(6)", "'2024-01-31 12:00:00.123456'", datetime(2024, 1, 31, 12, 0, 0, 123456)),
            ("datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
            ("timestamp NULL", "'2024-01-31 12:00:00'", datetime(2024, 1, 31, 12, tzinfo=UTC)),
            ("time", "'-26:00:01'", timedelta(hours=-26, seconds=-1)),
            ("year", "2024", 2024),
        ],
    )
    def test_what_comes_out(self, mariadb: Room, kind: str, literal: str, expected: Any) -> None:
        table = made(mariadb, f"id int PRIMARY KEY, v {kind}")
        engine = engine_of(mariadb)
        with engine.connect() as connection:
            connection.exec_driver_sql("SET sql_mode = '', time_zone = '+00:00'")
            for n in range(3):
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({n}, {literal})".replace("%", "%%"), ())
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES (9, NULL)")
            connection.commit()
            connection.invalidate()
        engine.dispose()
        (of_table,) = list(SqlTable(mariadb.url, table, key="id").find([1]).values())
        (of_query,) = list(SqlQuery(mariadb.url, f"SELECT v FROM {table} WHERE id = :id", params={"id": 1}))
        assert of_table["v"] == of_query["v"] == expected
        assert type(of_table["v"]) is type(of_query["v"]) is type(expected)
        ordered = SqlTable(mariadb.url, table, key=("v", "id"), page_size=1)
        assert ids(ordered) == [9, 0, 1, 2]
        by_query = SqlQuery(mariadb.url, f"SELECT * FROM {table}", key=("v", "id"), order_by=("v", "id"), page_size=1)
        assert ids(by_query) == [9, 0, 1, 2]

    def test_json_is_text_that_is_checked(self, mariadb: Room) -> None:
        table = made(mariadb, "id int PRIMARY KEY, j json", "(1, '{\"a\": 1.10}')")
        assert next(iter(SqlTable(mariadb.url, table, key="id")))["j"] == {"a": Decimal("1.10")}
        text = f"SELECT * FROM {table}"
        assert next(iter(SqlQuery(mariadb.url, text)))["j"] == '{"a": 1.10}'
        assert next(iter(SqlQuery(mariadb.url, text, types={"j": "json"})))["j"] == {"a": Decimal("1.10")}

    def test_a_single_float_has_all_its_digits(self, mariadb: Room) -> None:
        table = made(mariadb, "id int PRIMARY KEY, f float", "(1, 16777215)", "(2, 0.1)", "(3, 123456.79)", "(4, 3.402823e38)", "(5, NULL)")
        assert [record["f"] for record in SqlTable(mariadb.url, table, key="id")] == [16777215.0, 0.1, 123456.79, 3.402823e38, None]
        assert ids(SqlTable(mariadb.url, table, key="f", page_size=1)) == [5, 2, 3, 1, 4]
        read = SqlQuery(mariadb.url, f"SELECT * FROM {table} ORDER BY id").read()
        list(read)
        assert "CAST(f AS DOUBLE)" in read.evidence.notes[0]
        assert ids(SqlQuery(mariadb.url, f"SELECT * FROM {table}", order_by="f", page_size=1)) == [5, 2, 3, 1, 4]

    def test_the_session_of_a_caller_is_as_it_was(self, mariadb: Room) -> None:
        engine = engine_of(mariadb, pool_size=1, max_overflow=0)
        table = made(mariadb, "id int PRIMARY KEY, at timestamp NULL")
        with engine.connect() as connection:
            connection.exec_driver_sql("SET SESSION time_zone = '+09:00', SESSION net_write_timeout = 77, SESSION max_statement_time = 5")
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES (1, '2024-01-31 21:00:00')")
            connection.commit()
        assert list(SqlTable(engine, table, key="id")) == [{"id": 1, "at": datetime(2024, 1, 31, 12, tzinfo=UTC)}]
        assert list(SqlQuery(engine, f"SELECT * FROM {table}", statement_timeout=30)) == [{"id": 1, "at": datetime(2024, 1, 31, 12, tzinfo=UTC)}]
        with engine.connect() as connection:
            shown = connection.exec_driver_sql("SELECT @@time_zone, @@net_write_timeout, @@max_statement_time, @@tx_read_only, @@tx_isolation")
            assert tuple(shown.one()) == ("+09:00", 77, 5, 0, "REPEATABLE-READ")
        engine.dispose()


# ---------------------------------------------------------------------- nothing is written


class TestReadOnly:
    def test_a_function_that_writes_fails(self, database: Room, numbers: str) -> None:
        name = f"{database.name}.f{uuid4().hex[:8]}"
        if database.kind == "postgresql":
            database.execute(f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql AS 'DELETE FROM {numbers}; SELECT 1'")
        else:
            database.execute(f"CREATE FUNCTION {name}() RETURNS int MODIFIES SQL DATA BEGIN DELETE FROM {numbers}; RETURN 1; END")
        for options in ({}, {"order_by": "x"}):
            with pytest.raises(ReadError, match="reads are read-only, and this would write"):
                list(SqlQuery(database.url, f"SELECT {name}() AS x", **options))  # type: ignore[arg-type]
        view = f"{database.name}.v{uuid4().hex[:8]}"
        database.execute(f"CREATE VIEW {view} AS SELECT id FROM {numbers} WHERE {name}() = 1")
        table = SqlTable(database.url, view, key="id")
        if database.kind == "postgresql":  # MariaDB does not even tell the columns of such a view
            with pytest.raises(ReadError, match="reads are read-only"):
                list(table)
            with pytest.raises(ReadError, match="reads are read-only"):
                table.find([1])
        assert SqlTable(database.url, numbers, key="id").count() == 25

    def test_a_sequence_is_not_moved(self, database: Room) -> None:
        sequence = f"{database.name}.s{uuid4().hex[:8]}"
        database.execute(f"CREATE SEQUENCE {sequence}")
        text = f"SELECT nextval('{sequence}') AS n" if database.kind == "postgresql" else f"SELECT nextval({sequence}) AS n"
        with pytest.raises(ReadError, match="reads are read-only"):
            list(SqlQuery(database.url, text))

    @pytest.mark.parametrize("wrong", ["SELECT * INTO {}_copy FROM {}", "WITH gone AS (DELETE FROM {} RETURNING *) SELECT * FROM gone"])
    def test_statements_that_write_are_refused(self, postgresql: Room, wrong: str) -> None:
        table = made(postgresql, "id int", "(1)")
        with pytest.raises((ReadError, ConfigurationError)):
            list(SqlQuery(postgresql.url, wrong.replace("{}", table)))
        assert SqlTable(postgresql.url, table, key="id").count() == 1

    def test_nothing_follows_the_one_statement(self, database: Room, numbers: str) -> None:
        for text in (
            f"SELECT 1; DELETE FROM {numbers}",
            f"SELECT 1; -- x\n DELETE FROM {numbers}",
            f"SELECT ';' AS a; COMMIT; DELETE FROM {numbers}",
        ):
            with pytest.raises(ConfigurationError, match="takes one statement"):
                SqlQuery(database.url, text)
        assert list(SqlQuery(database.url, "SELECT ';' AS a; -- the end")) == [{"a": ";"}]


# ---------------------------------------------------------------------- a query


class TestQuery:
    def test_a_read_in_every_world(self, database: Room, numbers: str, world: Any) -> None:
        query = SqlQuery(database.url, f"SELECT * FROM {numbers} WHERE id > :low ORDER BY id DESC", params={"low": 2}, page_size=10)

        async def body() -> Any:
            reader = query.open_read()
            found = []
            while (page := await reader.next_page()) is not None:
                assert page.checkpoint is None
                found += page.records
            assert await reader.next_page() is None
            return found, reader.evidence, reader.checkpoint

        found, evidence, checkpoint = world(body)
        assert ids(found) == list(range(25, 2, -1))
        assert (evidence.complete, evidence.stability, evidence.ended_by, evidence.records, checkpoint) == (True, "snapshot", "protocol", 23, None)
        query.close()

    def test_it_shows_one_moment_whatever_is_written_meanwhile(self, database: Room, numbers: str) -> None:
        read = SqlQuery(database.url, f"SELECT * FROM {numbers} ORDER BY id", page_size=5).read()
        records = iter(read)
        first = next(records)
        database.execute(f"DELETE FROM {numbers} WHERE id > 3")
        database.execute(f"INSERT INTO {numbers} VALUES (100, 1)")
        assert ids([first, *records]) == list(range(1, 26))
        assert read.evidence.complete is True

    def test_parameters_are_bound(self, database: Room) -> None:
        given: dict[str, Any] = {
            "text": "'; DROP TABLE x; --%s\\",
            "number": Decimal("1.50"),
            "day": date(2024, 1, 31),
            "nothing": None,
            "raw": b"\x00'",
        }
        text = "SELECT :text AS a, :number AS b, :day AS c, :nothing AS d, :raw AS e, :text AS f, '100%' AS g"
        if database.kind == "postgresql":
            text = "SELECT :text AS a, :number AS b, :day::date AS c, :nothing AS d, :raw::bytea AS e, :text AS f, '100%' AS g"
        (record,) = SqlQuery(database.url, text, params=given)
        assert str(record.pop("c")) == "2024-01-31"
        assert record == {"a": given["text"], "b": Decimal("1.50"), "d": None, "e": given["raw"], "f": given["text"], "g": "100%"}
        moment = datetime(2024, 1, 31, 21, tzinfo=UTC).astimezone(timezone(timedelta(hours=5)))
        kind = "timestamptz" if database.kind == "postgresql" else "datetime"
        table = made(database, f"id int, at {kind}", "(1, '2024-01-31 20:59:59')", "(2, '2024-01-31 21:00:01')")
        if database.kind == "mariadb":
            assert ids(SqlQuery(database.url, f"SELECT * FROM {table} WHERE at <= :moment", params={"moment": moment})) == [1]

    def test_lists_are_parameters_too(self, database: Room, numbers: str) -> None:
        condition = "id = ANY(:some)" if database.kind == "postgresql" else "id IN :some"
        assert ids(SqlQuery(database.url, f"SELECT * FROM {numbers} WHERE {condition} ORDER BY id", params={"some": [3, 1]})) == [1, 3]

    def test_a_keyset_goes_on_from_any_checkpoint(self, database: Room, numbers: str) -> None:
        text = f"SELECT a.id, a.v, b.v AS w FROM {numbers} a JOIN {numbers} b USING (id) WHERE a.id <> :not"
        query = SqlQuery(database.url, text, params={"not": 4}, key="id", order_by="v", page_size=4)
        everything = list(query)
        assert [(record["v"], record["id"]) for record in everything] == sorted((n % 5, n) for n in range(1, 26) if n != 4)
        seen: list[Any] = []
        for page in query.pages():
            seen += page.records
            assert page.checkpoint is not None
            assert page.checkpoint.mode == "keyset"
            assert seen + list(query.read(Checkpoint.from_dict(page.checkpoint.to_dict()))) == everything
        other = SqlQuery(database.url, text, params={"not": 5}, key="id", order_by="v")
        with pytest.raises(CheckpointMismatch):
            other.open_read(page.checkpoint)

    @pytest.mark.parametrize("order", [None, "id"])
    def test_what_changed_since_a_watermark(self, database: Room, numbers: str, order: str | None) -> None:
        query = SqlQuery(database.url, f"SELECT id, v * 10 AS at FROM {numbers}", cursor="at", order_by=order, page_size=4)
        reader = query.open_read()
        while drive(reader.next_page()) is not None:
            pass
        assert reader.checkpoint == query.checkpoint(40)
        again = query.open_read(reader.checkpoint)
        page = drive(again.next_page())
        assert page is not None
        assert page.checkpoint is not None
        assert (page.checkpoint.watermark, sorted(ids(page.records))) == (40, [4, 9, 14, 19])

    def test_who_leaves_early_leaves_nothing_behind(self, database: Room, numbers: str) -> None:
        engine = engine_of(database, pool_size=1, max_overflow=0, pool_timeout=1)
        query = SqlQuery(engine, f"SELECT a.* FROM {numbers} a, {numbers} b, {numbers} c", page_size=3)
        for _ in range(3):
            for _ in query:
                break
            gc.collect()
            assert engine.pool.checkedout() == 0
        assert len(list(query)) == 25**3
        engine.dispose()

    def test_an_error_in_the_middle_gives_the_connection_back(self, database: Room) -> None:
        table = made(database, "id int", *(f"({n})" for n in (4, 3, 2, 1, 0)))
        engine = engine_of(database, pool_size=1, max_overflow=0, pool_timeout=1)
        divide = "10 / id" if database.kind == "postgresql" else "CASE WHEN id = 0 THEN (SELECT 1 UNION SELECT 2) ELSE id END"
        reader = SqlQuery(engine, f"SELECT {divide} AS x FROM {table}", page_size=1).open_read()
        with pytest.raises(ReadError) as caught:
            to_the_end(reader)
        assert engine.pool.checkedout() == 0
        if reader.evidence.pages:
            with pytest.raises(ReadError, match="begin a new one") as again:
                drive(reader.next_page())
            assert again.value.__cause__ is caught.value
        engine.dispose()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("SELECT * FROM nowhere", "there is no such table"),
            ("SELECT nothing FROM {}", "there is no such column"),
            ("SELECT FROM WHERE {}", "does not understand"),
            ("SELECT id, id FROM {}", "several columns the name 'id'"),
            ("SELECT no_such_function(id) FROM {}", "no such function"),
        ],
    )
    def test_what_the_database_does_not_understand(self, database: Room, numbers: str, text: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            list(SqlQuery(database.url, text.replace("{}", numbers)))

    def test_columns_that_are_not_there(self, database: Room, numbers: str) -> None:
        text = f"SELECT id, v FROM {numbers}"
        for options in ({"order_by": "idd"}, {"cursor": "idd"}, {"types": {"idd": str}}, {"order_by": "id", "types": {"idd": str}}):
            with pytest.raises(ConfigurationError, match=r"no column 'idd'.*it has id, v"):
                list(SqlQuery(database.url, text, **options))  # type: ignore[arg-type]

    def test_a_cursor_must_be_something_that_grows(self, database: Room) -> None:
        table = made(database, "id int, raw " + ("bytea" if database.kind == "postgresql" else "blob"))
        for source in (SqlTable(database.url, table, key="id", cursor="raw"), SqlQuery(database.url, f"SELECT * FROM {table}", cursor="raw")):
            with pytest.raises(ConfigurationError, match="does not grow"):
                list(source)
        source = SqlTable(database.url, table, key="id", cursor="id", window=Window(overlap=5))
        database.execute(f"INSERT INTO {table} (id) VALUES (7)")
        assert len(list(source.read(source.checkpoint(9)))) == 1

    def test_memory_stays_flat(self, database: Room) -> None:
        """300,000 rows; the figures for a million are in the reference page."""
        program = """
import resource, sys
from integrakit.sql import SqlQuery
rows = {
    "postgresql": "SELECT g AS id, repeat('x', 200) AS v FROM generate_series(1, %d) g",
    "mariadb": "SELECT seq AS id, repeat('x', 200) AS v FROM seq_1_to_%d",
}
def read(count):
    assert sum(1 for _ in SqlQuery(sys.argv[1], rows[sys.argv[2]] % count)) == count
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(read(10_000), read(300_000))
"""
        done = subprocess.run([sys.executable, "-c", program, database.url, database.kind], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        few, many = map(int, done.stdout.split())
        assert many - few < 8 * 1024  # KiB; the rows themselves are 60 MB


# ---------------------------------------------------------------------- connections


class TestConnections:
    def kill(self, database: Room, but: int = 0) -> None:
        """Ends all sessions that read from our tables."""
        if database.kind == "postgresql":
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'integrakit victim'".replace("{}", ""))
            return
        for (number,) in database.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{database.name}' AND id <> connection_id()"):
            database.execute(f"KILL {number}")

    def url(self, database: Room) -> Any:
        return database.url + ("?application_name=integrakit victim" if database.kind == "postgresql" else "")

    def test_an_idle_connection_that_died_is_replaced(self, database: Room, numbers: str) -> None:
        table = SqlTable(self.url(database), numbers, key="id")
        assert table.count() == 25
        self.kill(database)
        assert table.count() == 25

    def test_a_table_goes_on_at_the_same_place(self, database: Room, numbers: str) -> None:
        table = SqlTable(self.url(database), numbers, key="id", page_size=10)
        reader = table.open_read()
        found = []
        for _ in range(2):
            page = drive(reader.next_page())
            assert page is not None
            found += page.records
            self.kill(database)
        while (page := drive(reader.next_page())) is not None:
            found += page.records
        assert ids(found) == list(range(1, 26))

    def test_a_query_says_that_it_must_begin_anew(self, database: Room, numbers: str) -> None:
        query = SqlQuery(
            self.url(database), f"SELECT a.id, repeat('x', 999) AS s FROM {numbers} a, {numbers} b, {numbers} c, {numbers} d", page_size=10
        )
        reader = query.open_read()
        assert drive(reader.next_page()) is not None
        self.kill(database)
        with pytest.raises(ReadError, match="the connection was lost"):
            to_the_end(reader)
        with pytest.raises(ReadError, match="its moment is gone: begin a new one"):
            drive(reader.next_page())
        assert reader.evidence.complete is None
        again = query.open_read()
        assert drive(again.next_page()) is not None

    def test_statements_have_a_time_limit(self, database: Room) -> None:
        sleep = "SELECT pg_sleep(5)::text AS x" if database.kind == "postgresql" else "SELECT sleep(5) AS x, 1/0 AS y FROM information_schema.tables"
        with pytest.raises(ReadError, match="raise statement_timeout="):
            list(SqlQuery(database.url, sleep, statement_timeout=0.2))

    def test_a_locked_table_is_waited_for_only_so_long(self, database: Room, numbers: str) -> None:
        engine = engine_of(database)
        with engine.connect() as connection:
            connection.exec_driver_sql(
                f"LOCK TABLE {numbers} IN ACCESS EXCLUSIVE MODE" if database.kind == "postgresql" else f"LOCK TABLES {numbers} WRITE"
            )
            with pytest.raises(ReadError, match="something locks the table"):
                list(SqlTable(database.url, numbers, key="id", timeout=0.3 if database.kind == "postgresql" else 1))
            connection.rollback()
            connection.invalidate()
        engine.dispose()

    def test_a_forked_child_has_connections_of_its_own(self, database: Room, numbers: str) -> None:
        table = SqlTable(database.url, numbers, key="id", page_size=5)
        query = SqlQuery(database.url, f"SELECT * FROM {numbers} ORDER BY id", page_size=5)
        in_table, in_query = iter(table), iter(query)
        before = [next(in_table), next(in_query)]
        child = os.fork()
        if child == 0:  # pragma: no cover  # another process
            status = 1
            try:
                assert ids(table) == ids(query) == list(range(1, 26))
                del in_query
                gc.collect()
                status = 0
            except BaseException:  # noqa: BLE001  # told by the exit status
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert ids([before[0], *in_table]) == ids([before[1], *in_query]) == list(range(1, 26))

    def test_several_threads_share_one(self, database: Room, numbers: str) -> None:
        table = SqlTable(database.url, numbers, key="id", page_size=5)
        found: list[list[int]] = []
        threads = [threading.Thread(target=lambda: found.append(ids(table))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert found == [list(range(1, 26))] * 8

    def test_closing_and_using_it_again(self, database: Room, numbers: str) -> None:
        with SqlTable(database.url, numbers, key="id") as table, SqlQuery(database.url, "SELECT 1 AS id") as query:
            assert (table.count(), query.count()) == (25, 1)
            table.close()
            assert (table.count(), query.count()) == (25, 1)

        async def body() -> list[int]:
            async with SqlTable(database.url, numbers, key="id") as table, SqlQuery(database.url, "SELECT 1 AS id") as query:
                return [record["id"] async for record in table] + [record["id"] async for record in query]

        assert drive(body()) == [*range(1, 26), 1]

    def test_engines_stay_the_callers(self, database: Room, numbers: str) -> None:
        engine = engine_of(database, pool_size=2)
        with SqlTable(engine, numbers, key="id") as table:
            assert table.count() == 25
        with engine.connect() as connection:
            connection.exec_driver_sql(f"UPDATE {numbers} SET v = 7 WHERE id = 1")
            connection.commit()
        assert table.find([1])[1]["v"] == 7
        engine.dispose()

    def test_no_message_has_the_password(self, database: Room) -> None:
        url = sqlalchemy.engine.make_url(database.url).set(password="hunter2", username="nobody_here", host="127.0.0.1")
        shown = url.render_as_string(hide_password=False)
        assert "hunter2" in shown
        for source in (SqlTable(shown, "t", key="id"), SqlQuery(shown, "SELECT 1"), SqlTable(url.set(port=1), "t", key="id", timeout=1)):
            assert "hunter2" not in repr(source)
            with pytest.raises((ReadError, ConfigurationError)) as caught:
                list(source)
            assert "hunter2" not in "".join(traceback.format_exception(caught.value))

    def test_names_that_are_not_there_are_said_with_those_that_are(self, database: Room) -> None:
        database.execute("CREATE TABLE {}customers (id int)")
        known = "customers" if database.kind == "mariadb" else f"{database.name}.customers"
        with pytest.raises(ConfigurationError, match=f"no table '{database.name}.custmers'.*{known}"):
            list(SqlTable(database.url, f"{database.name}.custmers", key="id"))
        database.execute("DROP TABLE {}customers")

    @pytest.mark.parametrize("argument", ["key", "cursor", "order_by"])
    def test_columns_that_are_not_there(self, database: Room, numbers: str, argument: str) -> None:
        options: dict[str, Any] = {"key": "id", argument: "idd"}
        with pytest.raises(ConfigurationError, match=rf"{argument}=: .* has no column 'idd' \(did you mean 'id'\?\); it has id, v"):
            list(SqlTable(database.url, numbers, **options))


def test_other_drivers_and_databases_are_refused() -> None:
    for url, message in (
        ("postgresql+psycopg2://host/db", r"through psycopg, not psycopg2: write postgresql\+psycopg://"),
        ("mysql+mysqldb://host/db", "through pymysql, not mysqldb"),
        ("oracle://host/db", "does not know oracle"),
        ("postgresql://host", "names no database"),
        ("mysql://me:hunter2@host:port/db", "this is no URL of a database"),
    ):
        for make in (lambda url: SqlTable(url, "t", key="id"), lambda url: SqlQuery(url, "SELECT 1")):
            with pytest.raises(ConfigurationError, match=message) as caught:
                make(url)
            assert "hunter2" not in str(caught.value)


def test_an_engine_for_sqlite_is_its_file(tmp_path: Any) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (2)")
        connection.commit()
    assert ids(SqlTable(engine, "t", key="id")) == ids(SqlQuery(engine, "SELECT * FROM t")) == [1, 2]
    engine.dispose()
    for memory in (sqlalchemy.create_engine("sqlite://"), sqlalchemy.create_engine("sqlite:///:memory:")):
        with pytest.raises(ConfigurationError, match="takes a file"):
            SqlTable(memory, "t", key="id")


@pytest.mark.parametrize("nulls", ["", " NOT NULL"])
def test_pages_are_ranges_of_an_index_on_postgresql(postgresql: Room, nulls: str) -> None:
    """By what the server says it did: rows that were read by scanning a whole table, or from an index."""
    table = made(postgresql, f"id int{nulls} UNIQUE, v int")
    postgresql.execute(f"INSERT INTO {table} SELECT g, g FROM generate_series(1, 20000) g")
    postgresql.execute(f"ANALYZE {table}")
    for source in (
        SqlTable(postgresql.url, table, key="id", page_size=100),
        SqlQuery(postgresql.url, f"SELECT id, v FROM {table} WHERE v > :low", params={"low": 0}, order_by="id", page_size=100),
    ):
        seen: list[str] = []
        reader = source.open_read()
        lend = reader._lend  # type: ignore[attr-defined]

        class Explaining:
            def __init__(self, session: Any) -> None:
                self.session, self.connection = session, session.connection

            def rows(self, statement: str, values: Any) -> Any:
                if "ORDER BY" in statement and "pg_" not in statement:
                    seen.extend(line for (line,) in self.session.rows(f"EXPLAIN {statement}", values))  # noqa: B023
                return self.session.rows(statement, values)

            def __getattr__(self, name: str) -> Any:
                return getattr(self.session, name)

        reader._lend = lambda work: lend(lambda session: work(Explaining(session)))  # type: ignore[attr-defined]  # noqa: B023
        assert [len(page.records) for page in (drive(reader.next_page()), drive(reader.next_page())) if page] == [100, 100]
        assert any("Index Scan" in line for line in seen)
        assert not any("Seq Scan" in line or "Sort" in line for line in seen)
