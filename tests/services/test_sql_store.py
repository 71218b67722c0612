"""`SqlStore` on real servers: what the conformance suite cannot show, with other processes, lost connections and other people's engines."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.services.databases import KINDS, Room, room

from integrakit.errors import ConfigurationError, LeaseHeld, StoreError, StoreTooNew, VersionConflict
from integrakit.protocols import Delete, DeleteColumns, Put, PutColumns, TransactionalStore
from integrakit.state import SqlStore, acquire_lease, open_store
from integrakit.state.sql_schema import BUCKETS, bucket_of, place_of

sqlalchemy = pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')

pytestmark = pytest.mark.service


@pytest.fixture(scope="module", params=KINDS)
def database(request: pytest.FixtureRequest) -> Iterator[Room]:
    with room(request.param) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"t{uuid4().hex[:8]}_"


@pytest.fixture
def store(database: Room, prefix: str) -> Iterator[SqlStore]:
    with database.store(prefix) as made:
        yield made


def child(program: str, *arguments: str) -> subprocess.Popen[str]:
    begin = "import sys\nfrom integrakit.state import *\nfrom integrakit.protocols import *\nfrom integrakit.errors import *\n"
    begin += "store = SqlStore(sys.argv[1], schema=sys.argv[2] or None, prefix=sys.argv[3])\n"
    return subprocess.Popen([sys.executable, "-c", begin + program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def where(database: Room, prefix: str) -> tuple[str, str, str]:
    return database.url, database.schema or "", prefix


def in_threads(*works: Callable[[], object]) -> None:
    problems: list[Exception] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001  # raised again below, in the test's own thread
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if problems:
        raise problems[0]


class TestTogether:
    def test_processes_and_threads_count_without_losing_one(self, database: Room, store: SqlStore, prefix: str) -> None:
        store.commit([Put("s", "counter", 0)])
        program = """
import threading
def work():
    for _ in range(20):
        while True:
            entry = store.get("s", "counter")
            try:
                store.commit([Put("s", "counter", entry.value + 1, expect=entry.version), Put("s", f"{entry.value}", None, expect=0)])
                break
            except VersionConflict:
                pass
threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
        children = [child(program, *where(database, prefix)) for _ in range(3)]
        for process in children:
            process.communicate(timeout=60)
            assert process.returncode == 0
        entry = store.get("s", "counter")
        assert entry is not None
        assert (entry.value, entry.version) == (120, 121)
        assert len(list(store.scan("s"))) == 121

    def test_only_one_creates(self, store: SqlStore) -> None:
        won: list[int] = []

        def create(number: int) -> None:
            for key in range(20):
                try:
                    store.commit([Put("s", str(key), number, expect=0)])
                    won.append(key)
                except VersionConflict:
                    pass

        in_threads(*(lambda n=n: create(n) for n in range(4)))
        assert sorted(won) == list(range(20))

    def test_commits_in_opposite_orders_never_stand_in_each_others_way(self, store: SqlStore) -> None:
        keys = [f"{n}" for n in range(30)]

        def write(order: int) -> None:
            for turn in range(10):
                some = keys[::order]
                store.commit([*(Put("s", key, turn, attributes={"n": turn}, ttl=1000) for key in some), PutColumns("c", dict.fromkeys(some, b"x"))])
                store.commit([DeleteColumns("c", some[:5]), *(Delete("s", key) for key in some[:10])])

        in_threads(lambda: write(1), lambda: write(-1), lambda: write(1), lambda: write(-1))
        assert store.count_columns("c") >= 20

    def test_a_version_never_comes_back_whoever_deletes(self, store: SqlStore) -> None:
        # Each write of a key tells its version; no two may ever be the same.
        seen: list[int] = []

        def churn() -> None:
            for _ in range(40):
                entry = store.get("s", "a")
                try:
                    if entry is None:
                        store.commit([Put("s", "a", None, expect=0)])
                    else:
                        store.commit([Delete("s", "a", expect=entry.version)])
                        seen.append(entry.version)
                except VersionConflict:
                    pass

        in_threads(churn, churn, churn)
        assert len(seen) == len(set(seen)) > 5

    def test_a_reader_sees_whole_commits(self, store: SqlStore) -> None:
        stop = threading.Event()

        def write() -> None:
            for turn in range(60):
                store.commit([Put("s", f"{n}", turn) for n in range(5)])
            stop.set()

        def read() -> None:
            while not stop.is_set():
                assert len({entry.value for entry in store.get_many("s", [f"{n}" for n in range(5)]).values()}) <= 1

        in_threads(write, read, read)

    def test_all_processes_that_open_a_new_store_at_once_succeed(self, database: Room, prefix: str) -> None:
        children = [child("store.commit([Put('s', sys.argv[4], 1)])", *where(database, prefix), str(n)) for n in range(4)]
        for process in children:
            process.communicate(timeout=60)
            assert process.returncode == 0
        with database.store(prefix) as store:
            assert [entry.key for entry in store.scan("s")] == ["0", "1", "2", "3"]

    def test_a_lease_is_one_processs_and_passes_on_when_it_dies(self, database: Room, store: SqlStore, prefix: str) -> None:
        holder = child("lease = acquire_lease(store, 'job'); print(lease.token, flush=True); sys.stdin.read()", *where(database, prefix))
        assert holder.stdout is not None
        token = int(holder.stdout.readline())
        with pytest.raises(LeaseHeld, match=f"process {holder.pid} "):
            acquire_lease(store, "job")
        holder.kill()
        holder.communicate(timeout=10)
        with acquire_lease(store, "job") as lease:
            assert lease.token > token
            store.commit([Put("s", "a", 1), lease.renewal()])
            lease.renewed()
            stale = lease.renewal()
        with pytest.raises(VersionConflict):
            store.commit([Put("s", "a", 2), stale])
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.value == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
    @pytest.mark.parametrize("own", [True, False], ids=["url", "engine"])
    def test_a_forked_child_has_connections_of_its_own(self, database: Room, prefix: str, own: bool) -> None:
        engine = None if own else engine_for(database)
        store = database.store(prefix) if engine is None else SqlStore(engine, prefix=prefix, schema=database.schema)
        store.commit([Put("s", "parent", 1)])
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for turn in range(20):
                    store.commit([Put("s", "child", turn)])
                    assert store.get("s", "parent") is not None
                status = 0
            except Exception:  # noqa: BLE001  # told by the exit status
                traceback.print_exc()
            finally:
                os._exit(status)
        for turn in range(20):
            store.commit([Put("s", "parent", turn)])
        assert os.waitpid(pid, 0)[1] == 0
        entry = store.get("s", "child")
        assert entry is not None
        assert entry.value == 19
        assert store.get("s", "parent") is not None
        store.close()
        if engine is not None:
            engine.dispose()


def engine_for(database: Room, **options: Any) -> Any:
    url = sqlalchemy.engine.make_url(database.url)
    return sqlalchemy.create_engine(url.set(drivername={"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}[database.kind]), **options)


def hang_up(database: Room, store: SqlStore, engine: Any) -> None:
    """The server drops every connection of this engine but the one that asks it to."""
    with engine.connect() as one, engine.connect() as other:
        ask = "SELECT pg_backend_pid()" if database.kind == "postgresql" else "SELECT connection_id()"
        numbers = [connection.exec_driver_sql(ask).scalar() for connection in (one, other)]
    for number in numbers:
        database.execute(f"SELECT pg_terminate_backend({number})" if database.kind == "postgresql" else f"KILL {number}")


class TestServers:
    def test_idle_connections_that_the_server_closed_are_replaced(self, database: Room, prefix: str) -> None:
        engine = engine_for(database)
        with SqlStore(engine, prefix=prefix, schema=database.schema) as store:
            store.commit([Put("s", "a", 1)])
            hang_up(database, store, engine)
            assert store.get("s", "a") is not None
            hang_up(database, store, engine)
            store.commit([Put("s", "a", 2, expect=1)])
        engine.dispose()

    @pytest.mark.parametrize("isolation", ["SERIALIZABLE", "REPEATABLE READ"])
    def test_an_engine_with_an_isolation_of_its_own(self, database: Room, prefix: str, isolation: str) -> None:
        engine = engine_for(database, isolation_level=isolation)
        with SqlStore(engine, prefix=prefix, schema=database.schema) as store:
            store.commit([Put("s", "n", 0)])

            def count() -> None:
                for _ in range(15):
                    while True:
                        entry = store.get("s", "n")
                        assert entry is not None
                        try:
                            store.commit([Put("s", "n", entry.value + 1, expect=entry.version), Delete("s", "x"), Put("s", "x", 1, ttl=9)])
                            break
                        except VersionConflict:
                            pass

            in_threads(count, count, count)
            entry = store.get("s", "n")
            assert entry is not None
            assert entry.value == 45
        with engine.connect() as connection:  # the engine is the caller's, as it was
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
            assert connection.get_isolation_level() == isolation
        engine.dispose()

    def test_a_lock_that_is_never_given_back(self, database: Room, prefix: str) -> None:
        with database.store(prefix, timeout=1) as store:
            store.commit([Put("s", "a", 1)])
            engine = engine_for(database)
            with engine.begin() as connection:
                table = f'"{database.name}"."{prefix}buckets"' if database.schema else f"`{prefix}buckets`"
                connection.exec_driver_sql(f"SELECT bucket FROM {table} FOR UPDATE").fetchall()
                with pytest.raises(StoreError, match="raise timeout="):
                    store.commit([Put("s", "a", 2)])
                assert store.get("s", "a") is not None  # reading never waits
            engine.dispose()
            store.commit([Put("s", "a", 3, expect=1)])

    def test_tables_that_are_gone(self, database: Room, store: SqlStore, prefix: str) -> None:
        database.execute(f"DROP TABLE {{}}{prefix}documents")
        uses: list[Callable[[], object]] = [lambda: store.get("s", "a"), lambda: store.commit([Put("s", "a", "secret")])]
        for use in uses:
            with pytest.raises(StoreError, match="its tables are gone") as caught:
                use()
            assert "secret" not in "".join(traceback.format_exception(caught.value)).replace('"secret"', "")

    def test_a_wrong_password(self, database: Room, prefix: str) -> None:
        url = sqlalchemy.engine.make_url(database.url).set(username="nobody_here", password="hunter2")
        with pytest.raises(StoreError, match="cannot go on") as caught:
            SqlStore(url, prefix=prefix)
        assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)

    def test_a_missing_database(self, database: Room) -> None:
        url = sqlalchemy.engine.make_url(database.url).set(database="no_such_database")
        with pytest.raises(StoreError, match="cannot go on"):
            SqlStore(url)

    def test_what_is_too_big_says_so_and_the_store_goes_on(self, database: Room, store: SqlStore) -> None:
        big = os.urandom(6_000_000)
        store.commit([PutColumns("c", {"big": big})])
        assert store.get_columns("c", ["big"]) == {"big": big}
        if database.kind == "mariadb":
            with pytest.raises(StoreError, match="max_allowed_packet"):
                store.commit([Put("s", "a", 1), PutColumns("c", {"bigger": b"\0" * 30_000_000})])
            assert store.get("s", "a") is None
        store.commit([Put("s", "a", 1)])


class TestSchema:
    def test_a_newer_store_is_left_alone(self, database: Room, store: SqlStore, prefix: str) -> None:
        store.commit([Put("s", "a", 1)])
        database.execute(f"UPDATE {{}}{prefix}meta SET value = 99 WHERE name = 'schema_version'")
        with pytest.raises(StoreTooNew, match=r"schema 99, this one knows up to 1\).*Nothing was changed"):
            database.store(prefix)
        assert database.execute(f"SELECT value FROM {{}}{prefix}meta") == [(99,)]

    def test_a_setup_that_was_cut_off_is_taken_up(self, database: Room, prefix: str) -> None:
        with database.store(prefix) as store:
            store.commit([Put("s", "a", 1)])
        database.execute(f"DELETE FROM {{}}{prefix}meta")
        database.execute(f"DROP TABLE {{}}{prefix}columns")
        database.execute(f"DELETE FROM {{}}{prefix}buckets WHERE bucket > 10")
        with database.store(prefix) as store:
            assert store.get("s", "a") is not None
            store.commit([Put("s", f"{n}", n) for n in range(200)] + [PutColumns("c", {"a": b"1"})])
        assert database.execute(f"SELECT count(*) FROM {{}}{prefix}buckets") == [(BUCKETS,)]

    def test_prefixes_are_stores_apart(self, database: Room, store: SqlStore, prefix: str) -> None:
        store.commit([Put("s", "a", 1)])
        with database.store(prefix + "other_") as other:
            assert other.get("s", "a") is None

    def test_a_missing_schema(self, database: Room) -> None:
        if database.schema:
            with pytest.raises(StoreError, match="there is no such schema"):
                SqlStore(database.url, schema="nowhere")
        else:
            with pytest.raises(ConfigurationError):
                SqlStore(database.url, schema="nowhere")

    def test_open_store(self, database: Room, monkeypatch: pytest.MonkeyPatch) -> None:
        url = database.url if database.kind == "mariadb" else f"{database.url}?options=-csearch_path%3D{database.name}"
        with open_store(url) as opened:  # type: ignore[attr-defined]
            assert isinstance(opened, SqlStore)
            assert repr(opened).endswith("prefix='integrakit_')")
            assert "@" not in repr(opened)
            assert not isinstance(opened, TransactionalStore)  # sinks of other databases must not take it for one


class TestDocuments:
    def test_keys_longer_than_an_index_holds(self, store: SqlStore) -> None:
        rng = random.Random(7)
        keys = [letter * 511 + tail for letter in "aé" for tail in ("", "a", "b", "\0", "bb", "\U0010ffff")]
        keys += ["a" * 2000 + tail for tail in ("", "z", "b" * 3000, "é")] + ["".join(rng.choices("xyz", k=6000)) for _ in range(50)] + ["b", ""]
        expected = sorted(set(keys))
        rng.shuffle(keys)
        store.commit(
            [Put("s" * 3000, key, len(key), attributes={"long" * 900: "v" * 4000}) for key in keys] + [PutColumns("c", dict.fromkeys(keys, b"x"))]
        )
        for condition in (None, {"long" * 900: "v" * 4000}):
            assert [entry.key for entry in store.scan("s" * 3000, where=condition)] == expected
            assert [entry.key for entry in store.scan("s" * 3000, where=condition, prefix="a" * 600)] == [
                k for k in expected if k.startswith("a" * 600)
            ]
            assert [entry.key for entry in store.scan("s" * 3000, where=condition, after=expected[5], limit=7)] == expected[6:13]
        assert [key for key, _ in store.scan_columns("c")] == expected
        assert list(store.get_many("s" * 3000, keys)) == list(dict.fromkeys(keys))
        store.commit([Delete("s" * 3000, key) for key in keys] + [DeleteColumns("c", keys)])
        assert list(store.scan("s" * 3000)) == []
        assert store.count_columns("c") == 0

    def test_expiry_goes_by_the_clock_of_the_database(self, database: Room, store: SqlStore, prefix: str) -> None:
        store.commit([Put("s", "a", 1, ttl=100), Put("s", "b", 1, ttl=100)])
        now = "extract(epoch from now())" if database.kind == "postgresql" else "unix_timestamp()"
        for left in database.execute(f"SELECT expires - {now} FROM {{}}{prefix}documents"):
            assert 90 < left[0] < 101
        database.execute(f"UPDATE {{}}{prefix}documents SET expires = {now} - 1")
        assert store.get("s", "a") is None
        assert list(store.scan("s")) == []
        with pytest.raises(VersionConflict, match="does not exist"):
            store.commit([Put("s", "a", 2, expect=1)])
        store.commit([Put("s", "a", 2, expect=0)])
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.version > 1

    def test_what_expired_is_cleared_away(self, database: Room, store: SqlStore, prefix: str) -> None:
        store.commit([Put("s", f"{n}", None, ttl=100, attributes={"x": 1}) for n in range(300)])
        database.execute(f"UPDATE {{}}{prefix}documents SET expires = 1")
        store.commit([Put("t", f"{n}", None, ttl=100) for n in range(300)])  # touches every bucket
        assert database.execute(f"SELECT count(*) FROM {{}}{prefix}documents WHERE expires = 1") == [(0,)]
        assert database.execute(f"SELECT count(*) FROM {{}}{prefix}attributes") == [(0,)]
        store.commit([Put("s", "7", None, expect=0)])
        entry = store.get("s", "7")
        assert entry is not None
        assert entry.version > 1

    def test_buckets_are_used_evenly(self) -> None:
        used = {bucket_of(place_of("s"), str(n)) for n in range(1000)}
        assert used == set(range(BUCKETS))
