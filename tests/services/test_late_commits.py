"""Rows that are committed late, on real servers: what a plain watermark loses, and that none of ours does.

PostgreSQL stamps ``now()`` with the start of a transaction, MariaDB with the start of a statement; both show the row at the commit.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from tests.services.databases import Room, room

from integrakit.model import Checkpoint, Window
from integrakit.runtimes import drive
from integrakit.sql import SqlQuery, SqlTable
from integrakit.sql.horizon import postgresql_horizon

sqlalchemy = pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')

pytestmark = pytest.mark.service

TABLE = {
    "postgresql": """CREATE TABLE {}%s (id int PRIMARY KEY, v int NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
        local_at timestamp NOT NULL DEFAULT now(), changed xid8 NOT NULL DEFAULT pg_current_xact_id())""",
    "mariadb": """CREATE TABLE {}%s (id int PRIMARY KEY, v int NOT NULL, updated_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
        local_at datetime(6) NOT NULL DEFAULT current_timestamp(6))""",
}
WRITE = {
    "postgresql": """INSERT INTO {} (id, v) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE
        SET v = excluded.v, updated_at = now(), local_at = now(), changed = pg_current_xact_id()""",
    "mariadb": """INSERT INTO {} (id, v) VALUES (%s, %s) ON DUPLICATE KEY UPDATE
        v = VALUES(v), updated_at = current_timestamp(6), local_at = current_timestamp(6)""",
}


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Room]:
    with room(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Room]:
    with room("postgresql") as made:
        yield made


class Place:
    """One table, and transactions on it that end when they are told to."""

    def __init__(self, database: Room) -> None:
        self.database = database
        self.name = f"t{uuid4().hex[:8]}"
        self.table = f"{database.name}.{self.name}"
        database.execute(TABLE[database.kind] % self.name)
        drivers = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
        self.engine = sqlalchemy.create_engine(sqlalchemy.engine.make_url(database.url).set(drivername=drivers[database.kind]), pool_size=20)

    def begin(self) -> Any:
        """A transaction that is open on the server already."""
        connection = self.engine.connect()
        connection.exec_driver_sql("SELECT 1")
        return connection

    def write(self, connection: Any, key: int, value: int = 0) -> None:
        connection.exec_driver_sql(WRITE[self.database.kind].format(self.table), (key, value))

    def committed(self, key: int, value: int = 0) -> None:
        with self.engine.connect() as connection:
            self.write(connection, key, value)
            connection.commit()

    def rows(self, where: str = "true", values: tuple[Any, ...] = ()) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(f"SELECT id, v, updated_at FROM {self.table} WHERE {where}", values))

    def naive(self) -> Naive:
        return Naive(self)

    def careful(self, **options: Any) -> Careful:
        return Careful(SqlTable(self.database.url, self.table, key="id", page_size=3, **options))


@pytest.fixture
def place(database: Room) -> Iterator[Place]:
    made = Place(database)
    yield made
    made.engine.dispose()


@pytest.fixture
def here(postgresql: Room) -> Iterator[Place]:
    made = Place(postgresql)
    yield made
    made.engine.dispose()


class Naive:
    """What everybody writes first: the highest stamp seen, and what is above it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.mark: Any = None
        self.seen: dict[int, int] = {}

    def read(self) -> None:
        rows = self.place.rows() if self.mark is None else self.place.rows("updated_at > %s", (self.mark,))
        for key, value, stamp in rows:
            self.seen[key] = value
            self.mark = stamp if self.mark is None else max(self.mark, stamp)


class Careful:
    """A table or query of ours, read again and again from where the last read ended."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.checkpoint: Checkpoint | None = None
        self.seen: dict[int, int] = {}
        self.came: list[int] = []
        self.notes: tuple[str, ...] = ()

    def read(self) -> list[int]:
        reader = self.source.open_read(self.checkpoint)
        self.came = []
        while (page := drive(reader.next_page())) is not None:
            for record in page.records:
                self.seen[record["id"]] = record["v"]
                self.came.append(record["id"])
        # As a store would keep it.
        self.checkpoint = None if reader.checkpoint is None else Checkpoint.from_dict(reader.checkpoint.to_dict())
        self.notes = reader.evidence.notes
        assert reader.evidence.complete is True
        return self.came


def late(place: Place, *readers: Any, between: float = 0.0) -> None:
    """T1 begins and writes; T2 writes and commits; everybody reads; T1 commits; everybody reads again."""
    first = place.begin()
    place.write(first, 1)
    if between:
        time.sleep(between)
    place.committed(2)
    for reader in readers:
        reader.read()
    first.commit()
    first.close()
    for reader in readers:
        reader.read()


class TestOneLateCommit:
    def test_a_naive_watermark_loses_the_row_for_ever(self, place: Place) -> None:
        naive = place.naive()
        late(place, naive)
        assert set(naive.seen) == {2}
        place.committed(3)
        naive.read()
        assert set(naive.seen) == {2, 3}  # and it will never see 1

    @pytest.mark.parametrize("column", ["updated_at", "local_at", "changed"])
    def test_on_postgresql_the_watermark_waits_for_open_transactions(self, here: Place, column: str) -> None:
        careful = here.careful(cursor=column)
        # Longer than the second that is taken off anyway, so that it is not what saves the row.
        late(here, careful, between=1.2)
        assert set(careful.seen) == {1, 2}
        assert careful.notes == ()

    def test_a_query_waits_for_them_too(self, here: Place) -> None:
        text = f"SELECT a.id, a.v, greatest(a.updated_at, b.updated_at) AS latest FROM {here.table} a JOIN {here.table} b USING (id)"
        numbered = Careful(SqlQuery(here.database.url, f"SELECT * FROM {here.table}", cursor="changed", page_size=3))
        plain = Careful(SqlQuery(here.database.url, text, cursor="latest", page_size=3))
        paged = Careful(SqlQuery(here.database.url, text, cursor="latest", order_by="id", page_size=3))
        late(here, plain, paged, numbered, between=1.2)
        assert set(plain.seen) == set(paged.seen) == set(numbered.seen) == {1, 2}

    def test_a_transaction_that_has_not_written_yet_counts(self, here: Place) -> None:
        careful, first = here.careful(cursor="updated_at"), here.begin()
        time.sleep(1.2)
        here.committed(2)
        careful.read()
        here.write(first, 1)
        first.commit()
        first.close()
        careful.read()
        assert set(careful.seen) == {1, 2}

    def test_it_counts_what_was_open_when_the_read_began_and_not_only_at_its_end(self, here: Place) -> None:
        for key in range(10, 20):
            here.committed(key)
        first = here.begin()
        here.write(first, 1)
        time.sleep(1.2)
        here.committed(20)
        table = SqlTable(here.database.url, here.table, key="id", page_size=3, cursor="updated_at")
        reader = table.open_read()
        page = drive(reader.next_page())
        # Committed in the middle of the read, in front of where the read is: no longer open at the end.
        first.commit()
        first.close()
        # … and the read is taken up in another process.
        assert page is not None
        assert page.checkpoint is not None
        resumed = table.open_read(Checkpoint.from_dict(page.checkpoint.to_dict()))
        while drive(resumed.next_page()) is not None:
            pass
        assert resumed.checkpoint is not None
        assert 1 in [record["id"] for page in table.pages(resumed.checkpoint) for record in page.records]

    @pytest.mark.parametrize("column", ["updated_at", "local_at"])
    def test_an_overlap_finds_it_on_every_database(self, place: Place, column: str) -> None:
        careful = place.careful(cursor=column, window=Window(overlap=60))
        late(place, careful)
        assert set(careful.seen) == {1, 2}
        assert careful.notes == ()

    def test_settling_leaves_the_newest_seconds_for_the_next_read(self, place: Place) -> None:
        careful = place.careful(cursor="updated_at", window=Window(settle=60))
        late(place, careful)
        assert set(careful.seen) == {1, 2}

    def test_without_an_overlap_mariadb_says_what_may_be_missed(self, place: Place) -> None:
        careful = place.careful(cursor="updated_at")
        late(place, careful)
        if place.database.kind == "mariadb":
            assert set(careful.seen) == {2}
            assert "only Window(overlap=…) keeps rows that are committed late" in careful.notes[0]


class TestWhatItCosts:
    def test_transaction_numbers_bring_nothing_twice(self, here: Place) -> None:
        careful = here.careful(cursor="changed")
        for key in range(5):
            here.committed(key)
        first = here.begin()
        here.write(first, 100)
        here.committed(200)
        # From the oldest open transaction on nothing is read yet, so nothing comes twice.
        assert careful.read() == [0, 1, 2, 3, 4]
        assert careful.read() == []
        first.commit()
        first.close()
        assert careful.read() == [100, 200]
        assert careful.read() == []

    def test_when_nothing_is_open_only_the_last_second_comes_again(self, here: Place) -> None:
        careful = here.careful(cursor="updated_at")
        here.committed(1)
        time.sleep(2.2)
        here.committed(2)
        assert careful.read() == [1, 2]
        assert careful.read() == [2]
        time.sleep(1.2)
        assert careful.read() == [2]  # the newest row itself: the bound is inclusive

    def test_a_watermark_never_moves_back(self, here: Place) -> None:
        careful = here.careful(cursor="updated_at")
        here.committed(1)
        time.sleep(1.2)
        careful.read()
        before = careful.checkpoint
        first = here.begin()
        careful.read()
        first.close()
        assert careful.checkpoint == before

    def test_a_horizon_that_is_taken_after_the_rows_would_lose_them(self, here: Place) -> None:
        """Why the order is what it is: the same two queries, the other way round."""
        first = here.begin()
        here.write(first, 1)
        time.sleep(1.2)
        here.committed(2)
        seen = here.rows()
        first.commit()
        first.close()
        with here.engine.connect() as connection:
            horizon = postgresql_horizon(_Rows(connection))
        assert horizon.start is not None
        mark = min(max(stamp for _, _, stamp in seen), horizon.start)
        assert {key for key, _, _ in seen} == {2}
        assert {key for key, _, _ in here.rows("updated_at >= %s", (mark,))} == {2}


class _Rows:
    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, statement: str, values: Any) -> list[Any]:
        found = [tuple(row) for row in self.connection.exec_driver_sql(statement, tuple(values))]
        self.connection.rollback()
        return found


@contextmanager
def user(place: Place) -> Iterator[str]:
    """A role that may read the table and nothing else, and a URL for it."""
    name = f"integrakit_{uuid4().hex[:8]}"
    place.database.execute(f"CREATE ROLE {name} LOGIN")
    place.database.execute(f"GRANT USAGE ON SCHEMA {place.database.name} TO {name}")
    place.database.execute(f"GRANT SELECT ON {place.table} TO {name}")
    try:
        yield sqlalchemy.engine.make_url(place.database.url).set(username=name).render_as_string(hide_password=False)
    finally:
        place.database.execute(f"DROP OWNED BY {name}")
        place.database.execute(f"DROP ROLE {name}")


def test_who_may_not_see_other_sessions_is_told_so_and_relies_on_the_window(here: Place) -> None:
    with user(here) as url, SqlTable(url, here.table, key="id", cursor="updated_at") as table:
        careful = Careful(table)
        late(here, careful)
        assert "grant it pg_read_all_stats, or give Window(overlap=…)" in careful.notes[0]
        name = sqlalchemy.engine.make_url(url).username
        here.database.execute(f"GRANT pg_read_all_stats TO {name}")
        careful.read()
        assert careful.notes == ()
        with SqlTable(url, here.table, key="id", cursor="updated_at", window=Window(overlap=60)) as other:
            again = Careful(other)
            late(here, again)
            assert {1, 2} <= set(again.seen)


def test_a_prepared_transaction_holds_the_watermark(here: Place) -> None:
    ((most,),) = here.database.execute("SHOW max_prepared_transactions")
    if most == "0":
        pytest.skip("this server has no prepared transactions (max_prepared_transactions = 0)")
    careful = here.careful(cursor="updated_at")
    here.committed(1)
    time.sleep(1.2)
    careful.read()
    before = careful.checkpoint
    first = here.begin()
    here.write(first, 2)
    first.exec_driver_sql(f"PREPARE TRANSACTION '{here.name}'")
    time.sleep(1.2)
    here.committed(3)
    careful.read()
    assert careful.checkpoint == before
    assert here.name in careful.notes[0]
    here.database.execute(f"COMMIT PREPARED '{here.name}'")
    careful.read()
    assert set(careful.seen) == {1, 2, 3}
    first.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_under_load_nothing_is_lost(here: Place, seed: int) -> None:
    """Writers begin, wait, write, wait, and commit or roll back, in any order, while every kind of reader goes round."""
    readers: dict[str, Any] = {
        "times": here.careful(cursor="updated_at"),
        "local times": here.careful(cursor="local_at"),
        "transactions": here.careful(cursor="changed"),
        "overlap": here.careful(cursor="updated_at", window=Window(overlap=5)),
        "query": Careful(SqlQuery(here.database.url, f"SELECT * FROM {here.table}", cursor="updated_at", page_size=5)),
    }
    end = time.monotonic() + 3
    problems: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as problem:  # noqa: BLE001  # shown below, in the test's own thread
                problems.append(problem)

        return run

    def writer(number: int) -> Callable[[], None]:
        chance = random.Random(f"{seed} {number}")

        def work() -> None:
            turn = 0
            while time.monotonic() < end:
                connection = here.begin()
                time.sleep(chance.uniform(0, 0.04) if chance.random() < 0.9 else 1.3)
                for _ in range(chance.randint(1, 3)):
                    turn += 1
                    # Each writer has keys of its own, so that none waits for another.
                    here.write(connection, number * 1000 + chance.randint(0, 15), turn)
                    time.sleep(chance.uniform(0, 0.02))
                connection.rollback() if chance.random() < 0.1 else connection.commit()
                connection.close()

        return work

    def going_round(reader: Any) -> Callable[[], None]:
        def work() -> None:
            while time.monotonic() < end:
                reader.read()
                time.sleep(0.02)

        return work

    works = [*(writer(number) for number in range(6)), *(going_round(reader) for reader in readers.values())]
    threads = [threading.Thread(target=guarded(work)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if problems:
        raise problems[0]
    truth = {key: value for key, value, _ in here.rows()}
    assert len(truth) > 50
    for name, reader in readers.items():
        reader.read()
        assert reader.seen.keys() <= truth.keys(), name
        assert {key: value for key, value in truth.items() if reader.seen.get(key) != value} == {}, name
        reader.source.close()


def test_a_watermark_is_text_that_a_store_can_keep(here: Place) -> None:
    here.committed(1)
    table = SqlTable(here.database.url, here.table, key="id", cursor="updated_at")
    assert [record["id"] for page in table.pages(table.checkpoint(datetime(2020, 1, 1, tzinfo=UTC))) for record in page.records] == [1]
    assert [record["id"] for page in table.pages(table.checkpoint("2999-01-01 00:00:00+00:00")) for record in page.records] == []
