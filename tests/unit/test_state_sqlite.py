"""What is particular to the SQLite store: its file, its failures, threads, forks and other people's tables."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, StoreError, StoreTooNew, VersionConflict
from integrakit.protocols import Delete, DeleteColumns, Put, PutColumns, TransactionalStore
from integrakit.state import MemoryStore, SqliteStore
from integrakit.state.connections import Connections, explain
from integrakit.state.schema import APPLICATION_ID, STEPS, is_current, migrate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def value(store: SqliteStore, key: str = "a") -> Any:
    entry = store.get("s", key)
    return None if entry is None else entry.value


def rows(path: Path, sql: str, *values: Any) -> list[Any]:
    with database(path) as connection:
        return connection.execute(sql, values).fetchall()


class TestFile:
    def test_is_a_store_in_a_database(self, store: SqliteStore) -> None:
        assert isinstance(store, TransactionalStore)
        assert not isinstance(MemoryStore(), TransactionalStore)

    def test_says_what_it_is(self, store: SqliteStore, path: Path) -> None:
        assert store.path == path
        assert rows(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
        assert rows(path, "PRAGMA journal_mode") == [("wal",)]
        assert rows(path, "SELECT value FROM integrakit_meta WHERE name = 'schema_version'") == [(len(STEPS),)]

    @pytest.mark.parametrize(("durability", "level"), [("normal", 1), ("full", 2)])
    def test_durability(self, path: Path, durability: Any, level: int) -> None:
        with SqliteStore(path, durability=durability) as store:
            found = store.commit_with(lambda connection: (connection.execute("PRAGMA synchronous").fetchone()[0], []))
            assert found == level

    def test_kept_from_one_to_the_next(self, path: Path) -> None:
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", 1, attributes={"x": 1}), PutColumns("c", {"k": b"v"})])
        assert [file.name for file in path.parent.iterdir()] == ["state.db"]
        with SqliteStore(str(path)) as store:
            assert value(store) == 1
            assert store.get_columns("c", ["k"]) == {"k": b"v"}

    def test_two_stores_on_one_file_see_each_other(self, store: SqliteStore, path: Path) -> None:
        with SqliteStore(path) as other:
            store.commit([Put("s", "a", 1)])
            assert value(other) == 1
            other.commit([Put("s", "a", 2, expect=1)])
            with pytest.raises(VersionConflict):
                store.commit([Put("s", "a", 3, expect=1)])
            assert value(store) == 2

    def test_same_database(self, store: SqliteStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "link.db").symlink_to(path)
        (tmp_path / "other.db").touch()
        for same in (path, str(path), "state.db", "./state.db", "link.db", os.fsencode(path)):
            assert store.same_database(same)
        for other in ("other.db", "missing.db", "a\0b", None, object(), "sqlite:///state.db"):
            assert not store.same_database(other)

    def test_no_connection_is_left_behind(self, path: Path) -> None:
        store = SqliteStore(path)
        store.commit([Put("s", "a", 1)])
        del store
        gc.collect()  # a connection that was not closed would be a ResourceWarning from Python 3.13 on
        assert [file.name for file in path.parent.iterdir()] == ["state.db"]

    def test_queries_walk_along_their_indexes(self, store: SqliteStore, path: Path) -> None:
        seen: list[str] = []

        def record(connection: sqlite3.Connection) -> None:
            connection.set_trace_callback(lambda sql: seen.append(sql) if sql.startswith("SELECT") else None)

        with store._connections.reader as connection:
            record(connection)
        store.get("s", "a")
        store.get_many("s", ["a"])
        list(store.scan("s", prefix="a", after="aa"))
        list(store.scan("s", prefix="a", where={"x": 1, "y": 2}))
        store.get_columns("c", ["a"])
        list(store.scan_columns("c"))
        assert len(seen) == 6
        with database(path) as connection:
            for sql in seen:
                plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql)]
                assert not [step for step in plan if "TEMP B-TREE" in step or "OR" in step or (step.startswith("SCAN") and "CONSTANT" not in step)], (
                    plan
                )


class TestForeignFiles:
    def test_a_database_of_the_user(self, path: Path) -> None:
        with database(path) as connection:
            connection.execute("CREATE TABLE invoices (id INTEGER PRIMARY KEY)")
            connection.execute("INSERT INTO invoices VALUES (7)")
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", 1)])
        with SqliteStore(path) as store:
            assert value(store) == 1
        assert rows(path, "SELECT id FROM invoices") == [(7,)]
        assert rows(path, "PRAGMA application_id") == [(0,)]
        names = [name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")]
        assert all(name.startswith("integrakit_") for name in names if name != "invoices")

    def test_a_database_of_another_application(self, path: Path) -> None:
        with database(path) as connection:
            connection.execute("PRAGMA application_id = 0x47504B47")
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"another application .*0x47504b47.*file of its own"):
            SqliteStore(path)
        assert path.read_bytes() == before

    def test_a_database_that_got_an_owner_later(self, path: Path) -> None:
        SqliteStore(path).close()
        with database(path) as connection:
            connection.execute("PRAGMA application_id = 7")
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", 1)])

    def test_a_database_in_another_encoding(self, path: Path) -> None:
        with database(path) as connection:
            connection.execute("PRAGMA encoding = 'UTF-16'")
            connection.execute("CREATE TABLE t (x)")
        with pytest.raises(StoreError, match="UTF-16"):
            SqliteStore(path)

    @pytest.mark.parametrize("content", [b"hello, I am a text\n" * 100, b"SQLite format 3\0" + b"\xff" * 4096, b"\0" * 4096])
    def test_no_database(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"state\.db cannot go on: .*file of its own|damaged"):
            SqliteStore(path)
        assert path.read_bytes() == content

    def test_an_empty_file(self, path: Path) -> None:
        path.touch()
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", 1)])

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="it is a directory"):
            SqliteStore(tmp_path)

    def test_a_missing_directory(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"its directory .*missing does not exist: make it first"):
            SqliteStore(tmp_path / "missing" / "state.db")
        assert list(tmp_path.iterdir()) == []

    def test_a_damaged_file(self, path: Path) -> None:
        with SqliteStore(path) as store:
            store.commit([Put("s", str(n), "x" * 100) for n in range(500)])
        content = bytearray(path.read_bytes())
        content[4096 * 3 :] = b"\xa5" * (len(content) - 4096 * 3)
        path.write_bytes(content)
        with pytest.raises(StoreError, match="damaged"), SqliteStore(path) as store:
            list(store.scan("s"))

    def test_a_document_that_somebody_wrote_by_hand(self, store: SqliteStore, path: Path) -> None:
        with database(path) as connection:
            for number, content in enumerate([b"{", b'{"$": "nonsense", "v": 1}', b'{"$": "decimal", "v": []}', 7, b"\xff"]):
                connection.execute("INSERT INTO integrakit_documents (space, key, version, value) VALUES ('s', ?, 1, ?)", (str(number), content))
        for number in range(5):
            with pytest.raises(StoreError, match=f"s/{number} holds something"):
                store.get("s", str(number))


class TestSchema:
    @pytest.mark.parametrize("version", [len(STEPS) + 1, 99])
    def test_too_new(self, path: Path, version: int) -> None:
        SqliteStore(path).close()
        with database(path) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("UPDATE integrakit_meta SET value = ? WHERE name = 'schema_version'", (version,))
        before = path.read_bytes()
        with pytest.raises(StoreTooNew, match=f"schema {version}.*upgrade integrakit"):
            SqliteStore(path)
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["state.db"]

    def test_forward(self, path: Path) -> None:
        """A step that is added one day finds the data of today, and is taken once."""
        steps = [*STEPS, ("CREATE TABLE integrakit_more (x)", "INSERT INTO integrakit_more SELECT count(*) FROM integrakit_documents")]
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", 1)])
        with database(path) as connection:
            assert not is_current(connection, "state.db", steps)
            for _ in range(2):
                connection.execute("BEGIN IMMEDIATE")
                migrate(connection, "state.db", steps)
                connection.execute("COMMIT")
            assert is_current(connection, "state.db", steps)
            assert connection.execute("SELECT x FROM integrakit_more").fetchall() == [(1,)]
        with pytest.raises(StoreTooNew):
            SqliteStore(path)

    def test_a_step_that_fails_leaves_what_was(self, path: Path) -> None:
        SqliteStore(path).close()
        with database(path) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError):
                migrate(connection, "state.db", [*STEPS, ("CREATE TABLE integrakit_more (x)", "nonsense")])
            connection.execute("ROLLBACK")
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", 1)])

    def test_an_application_with_a_table_of_our_name(self, path: Path) -> None:
        with database(path) as connection:
            connection.execute("CREATE TABLE integrakit_meta (name, value)")
        with pytest.raises(StoreError, match="integrakit_meta"):
            SqliteStore(path)
        assert rows(path, "SELECT name FROM sqlite_master") == [("integrakit_meta",)]


class TestSql:
    def test_views(self, store: SqliteStore, path: Path) -> None:
        store.commit(
            [
                Put("checkpoints", "orders", {"after": "2026-01-01", "n": 1.5}),
                Put("dead_letters:orders-to-invoices", "7", {"error": "no sku: ä"}, attributes={"reason": "mapping"}),
                Put("intents:orders-to-invoices", "8", {"body": "…"}, ttl=3600),
                Put("leases", "orders", {"pid": 1}),
                Put("other", "x", 1),
                PutColumns("checkpoints", {"k": b"v"}),
            ]
        )
        with database(path) as connection:
            connection.execute("UPDATE integrakit_documents SET expires = 1 WHERE space = 'leases'")
        assert rows(path, "SELECT space, sync, key, version, json_extract(value, '$.after') FROM integrakit_checkpoints") == [
            ("checkpoints", None, "orders", 1, "2026-01-01")
        ]
        assert rows(path, "SELECT sync, key, json_extract(value, '$.error'), json_extract(attributes, '$.reason') FROM integrakit_dead_letters") == [
            ("orders-to-invoices", "7", "no sku: ä", "mapping")
        ]
        ((space, key, text, expires),) = rows(path, "SELECT space, key, value, expires FROM integrakit_write_intents")
        assert (space, key, json.loads(text)) == ("intents:orders-to-invoices", "8", {"body": "…"})
        assert expires > time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        assert rows(path, "SELECT * FROM integrakit_leases") == []

    def test_expired_documents_are_cleared_away_by_those_who_write_such(self, path: Path) -> None:
        with SqliteStore(path) as store:
            store.commit([Put("s", str(n), n, ttl=1e-6, attributes={"x": n}) for n in range(500)])
            time.sleep(0.001)
            store.commit([Put("s", "a", 1)])
            assert rows(path, "SELECT count(*) FROM integrakit_documents") == [(501,)]
            for n in range(20):
                store.commit([Put("t", f"{n}-{m}", 1, ttl=1000) for m in range(10)])
            assert rows(path, "SELECT count(*) FROM integrakit_documents WHERE space = 's'") == [(1,)]
            assert rows(path, "SELECT count(*) FROM integrakit_attributes") == [(0,)]


class TestCommitWith:
    def test_shares_the_transaction(self, store: SqliteStore, path: Path) -> None:
        def work(connection: sqlite3.Connection) -> tuple[str, list[Put]]:
            connection.execute("CREATE TABLE invoices (id)")
            connection.execute("INSERT INTO invoices VALUES (7)")
            return "done", [Put("s", "a", 1, expect=0)]

        assert store.commit_with(work) == "done"
        assert value(store) == 1
        assert rows(path, "SELECT id FROM invoices") == [(7,)]

    def test_nothing_is_kept_when_the_work_fails(self, store: SqliteStore, path: Path) -> None:
        store.commit_with(lambda connection: (connection.execute("CREATE TABLE invoices (id UNIQUE)"), []))

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO invoices VALUES (7)")

        def breaks(connection: sqlite3.Connection) -> Any:
            insert(connection)
            raise KeyError("mine")

        def twice(connection: sqlite3.Connection) -> Any:
            insert(connection)
            insert(connection)

        def conflict(connection: sqlite3.Connection) -> Any:
            insert(connection)
            return None, [Put("s", "a", 1), Put("s", "b", 1, expect=3)]

        def interrupted(connection: sqlite3.Connection) -> Any:
            insert(connection)
            raise KeyboardInterrupt

        def wrong(connection: sqlite3.Connection) -> Any:
            insert(connection)

        def wrong_operations(connection: sqlite3.Connection) -> Any:
            insert(connection)
            return None, Put("s", "a", 1)

        for work, error in (
            (breaks, KeyError),
            (twice, sqlite3.IntegrityError),
            (conflict, VersionConflict),
            (interrupted, KeyboardInterrupt),
            (wrong, ConfigurationError),
            (wrong_operations, ConfigurationError),
        ):
            with pytest.raises(error):
                store.commit_with(work)
            assert rows(path, "SELECT * FROM invoices") == []
            assert value(store) is None
        store.commit([Put("s", "a", 1)])

    def test_work_that_ends_the_transaction(self, store: SqliteStore) -> None:
        def ends(connection: sqlite3.Connection) -> Any:
            connection.execute("COMMIT")
            return None, [Put("s", "a", 1)]

        with pytest.raises(StoreError, match="ended the transaction"):
            store.commit_with(ends)
        assert value(store) is None

    def test_work_that_changes_how_rows_look(self, store: SqliteStore) -> None:
        def work(connection: sqlite3.Connection) -> Any:
            connection.row_factory = lambda cursor, row: {"n": row}
            connection.text_factory = bytes
            return None, [Put("s", "a", 1, attributes={"x": 1}), Put("s", "a", 2, expect=1, attributes={"x": 2})]

        store.commit_with(work)
        store.commit([Put("s", "a", 3, attributes={"x": 3})])
        assert [entry.value for entry in store.scan("s", where={"x": 3})] == [3]
        assert list(store.scan("s", where={"x": 2})) == []

    def test_committing_inside_is_refused_and_reading_is_not(self, store: SqliteStore) -> None:
        store.commit([Put("s", "a", 1)])

        def work(connection: sqlite3.Connection) -> Any:
            assert value(store) == 1
            with pytest.raises(StoreError, match="return the operations"):
                store.commit([Put("s", "a", 2)])
            with pytest.raises(StoreError, match="return the operations"):
                store.close()
            return None, [Put("s", "a", 3)]

        store.commit_with(work)
        assert value(store) == 3


class TestFailures:
    """Each leaves what was there, says what to do, and the store goes on when the cause is gone."""

    def test_full_disk(self, store: SqliteStore) -> None:
        store.commit([Put("s", "a", "old"), PutColumns("c", {"k": b"old"})])
        pages = store.commit_with(lambda connection: (connection.execute("PRAGMA page_count").fetchone()[0], []))
        limit = f"PRAGMA max_page_count = {pages + 2}"
        store.commit_with(lambda connection: (connection.execute(limit).fetchone(), []))
        with pytest.raises(StoreError, match=r"is full: free some space and run again.*What was committed before is kept") as caught:
            store.commit([Put("s", "a", "new"), DeleteColumns("c"), PutColumns("c", {str(n): b"x" * 5000 for n in range(50)})])
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        assert value(store) == "old"
        assert dict(store.scan_columns("c")) == {"k": b"old"}
        store.commit([Put("s", "a", "small is still possible")])
        store.commit_with(lambda connection: (connection.execute("PRAGMA max_page_count = 1000000").fetchone(), []))
        store.commit([PutColumns("c", {str(n): b"x" * 5000 for n in range(50)})])
        assert store.count_columns("c") == 51

    def test_a_limit_on_file_size(self, store: SqliteStore) -> None:
        store.commit([Put("s", "a", "old")])
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            with pytest.raises(StoreError, match=r"limit on file size|full"):
                store.commit([Put("s", "a", "new"), PutColumns("c", {str(n): b"x" * 5000 for n in range(400)})])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert value(store) == "old"
        store.commit([Put("s", "a", "new"), PutColumns("c", {str(n): b"x" * 5000 for n in range(400)})])
        assert (value(store), store.count_columns("c")) == ("new", 400)

    def test_a_connection_that_cannot_roll_back_is_replaced(self, store: SqliteStore) -> None:
        def work(connection: sqlite3.Connection) -> Any:
            connection.execute("CREATE TABLE t (x)")
            connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK)
            return None, [Put("s", "a", 1)]

        with pytest.raises(StoreError, match="cannot go on"):
            store.commit_with(work)
        assert value(store) is None
        store.commit_with(lambda connection: (connection.execute("CREATE TABLE t (x)"), [Put("s", "a", 2)]))
        assert value(store) == 2

    def test_another_process_that_does_not_let_go(self, path: Path) -> None:
        with SqliteStore(path, timeout=0.03) as store, database(path) as other:
            store.commit([Put("s", "a", 1)])
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"another process kept it locked for 0\.03 s.*timeout="):
                store.commit([Put("s", "a", 2)])
            assert value(store) == 1
            other.execute("ROLLBACK")
            store.commit([Put("s", "a", 3)])
            assert value(store) == 3

    def test_another_thread_that_does_not_let_go(self, path: Path) -> None:
        held, go = threading.Event(), threading.Event()

        def slow(connection: sqlite3.Connection) -> Any:
            held.set()
            go.wait(10)
            return None, []

        with SqliteStore(path, timeout=0.03) as store:
            thread = threading.Thread(target=store.commit_with, args=(slow,))
            thread.start()
            held.wait(10)
            with pytest.raises(StoreError, match="another thread of this process"):
                store.commit([Put("s", "a", 1)])
            assert value(store) is None  # reading does not wait
            go.set()
            thread.join()
            store.commit([Put("s", "a", 1)])

    def test_opening_while_another_process_holds_a_new_file(self, path: Path) -> None:
        with database(path) as other:
            other.execute("CREATE TABLE mine (x)")
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreError, match="another process"):
                SqliteStore(path, timeout=0.03)
            other.execute("ROLLBACK")
        SqliteStore(path, timeout=0.03).close()

    def test_switching_to_wal_waits_for_those_who_read(self, path: Path) -> None:
        with database(path) as other:
            other.execute("CREATE TABLE mine (x)")
            other.execute("BEGIN")
            other.execute("SELECT * FROM mine").fetchall()
            with pytest.raises(StoreError, match="another process"):
                SqliteStore(path, timeout=0.03)
            done = threading.Event()

            def open_it() -> None:
                SqliteStore(path).close()
                done.set()

            thread = threading.Thread(target=open_it)
            thread.start()
            assert not done.wait(0.03)
            other.execute("ROLLBACK")
            thread.join()
            assert done.is_set()

    def test_a_file_that_fails_while_reading(self, store: SqliteStore, path: Path) -> None:
        store.commit([Put("s", "a", 1), PutColumns("c", {"k": b"v"})])
        with database(path) as connection:
            connection.execute("DROP TABLE integrakit_attributes")
            connection.execute("ALTER TABLE integrakit_documents RENAME TO stolen")
            connection.execute("ALTER TABLE integrakit_columns RENAME TO stolen_too")
        for use in (lambda: store.get("s", "a"), lambda: list(store.scan("s")), lambda: list(store.scan_columns("c"))):
            with pytest.raises(StoreError, match=r"cannot go on: SQLite refused \(no such table"):
                use()

    def test_closed_by_one_thread_while_another_writes(self, store: SqliteStore, path: Path) -> None:
        held, go = threading.Event(), threading.Event()
        errors: list[StoreError] = []

        def slow(connection: sqlite3.Connection) -> Any:
            held.set()
            go.wait(10)
            return None, [Put("s", "a", "written")]

        def late() -> None:
            try:
                store.commit([Put("s", "a", "late")])
            except StoreError as error:
                errors.append(error)

        threads = [threading.Thread(target=store.commit_with, args=(slow,)), threading.Thread(target=store.close), threading.Thread(target=late)]
        threads[0].start()
        held.wait(10)
        threads[1].start()
        time.sleep(0.02)
        threads[2].start()
        time.sleep(0.02)
        go.set()
        for thread in threads:
            thread.join()
        assert len(errors) == 1
        assert "closed" in str(errors[0])
        with SqliteStore(path) as again:
            assert value(again) == "written"

    @pytest.mark.parametrize("code", ["SQLITE_READONLY", "SQLITE_PERM", "SQLITE_TOOBIG", "SQLITE_CORRUPT", "SQLITE_BUSY", "SQLITE_LOCKED"])
    def test_words(self, code: str, path: Path) -> None:
        problem = sqlite3.OperationalError("as SQLite says")
        problem.sqlite_errorcode = getattr(sqlite3, code) | 256  # an extended code
        error = explain(problem, path, 1)
        assert "as SQLite says" in str(error)
        assert "SQLite refused" not in str(error)

    def test_words_for_what_has_none(self, path: Path) -> None:
        assert "SQLite refused (odd)" in str(explain(sqlite3.ProgrammingError("odd"), path, 1))

    def test_no_permission_where_the_file_would_be(self, tmp_path: Path) -> None:
        problem = sqlite3.OperationalError("no")
        problem.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        assert "check the permissions" in str(explain(problem, tmp_path / "state.db", 1))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as POSIX has them")
class TestPermissions:
    """Root may write anywhere, so these run as another user where the tests run as root."""

    def refused(self, path: Path) -> str:
        """What a commit says when another user tries it. In a forked child: that user may not be able to start this Python."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                try:
                    with SqliteStore(path) as store:
                        store.commit([Put("s", "a", "new")])
                except StoreError as error:
                    os.write(writing, str(error).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        os.waitpid(pid, 0)
        return said

    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        # Not under tmp_path: only its owner may look into that.
        folder = Path(tempfile.mkdtemp())
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)
        shutil.rmtree(folder)

    def test_read_only_file(self, folder: Path) -> None:
        path = folder / "state.db"
        with SqliteStore(path) as store:
            store.commit([Put("s", "a", "old")])
        path.chmod(0o444)
        folder.chmod(0o555 if os.geteuid() else 0o755)
        assert "may not be written to: change its permissions" in self.refused(path)
        folder.chmod(0o755)
        path.chmod(0o644)
        with SqliteStore(path) as store:
            assert value(store) == "old"

    def test_a_directory_that_may_not_be_written(self, folder: Path) -> None:
        folder.chmod(0o555)
        assert "check the permissions" in self.refused(folder / "state.db")
        assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks as POSIX has them")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
class TestFork:
    def child(self, work: Callable[[], None]) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                work()
            except BaseException:  # noqa: BLE001 - told to the parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def test_the_child_uses_connections_of_its_own(self, store: SqliteStore, path: Path) -> None:
        store.commit([Put("s", "a", 0)])

        def work() -> None:
            assert value(store) in (0, 1)
            for n in range(20):
                store.commit([Put("s", f"child-{n}", n)])

        for n in range(3):
            self.child(work)
            store.commit([Put("s", "a", n)])
        assert len(list(store.scan("s"))) == 21
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]

    def test_the_child_may_close_it_without_harm(self, store: SqliteStore, path: Path) -> None:
        store.commit([Put("s", "a", 1)])

        def work() -> None:
            store.close()
            with pytest.raises(StoreError, match="closed"):
                store.get("s", "a")

        self.child(work)
        store.commit([Put("s", "a", 2)])
        assert value(store) == 2
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]

    def test_forked_while_another_thread_writes(self, store: SqliteStore, path: Path) -> None:
        """The child inherits a lock that nobody will ever release, and a transaction that is not its own."""
        held, go = threading.Event(), threading.Event()

        def slow(connection: sqlite3.Connection) -> Any:
            connection.execute("PRAGMA cache_size = 1")
            connection.execute("CREATE TABLE big (x)")
            connection.executemany("INSERT INTO big VALUES (?)", [(b"x" * 4000,)] * 200)  # spills into the log
            held.set()
            go.wait(10)
            return None, [Put("s", "a", "parent")]

        thread = threading.Thread(target=store.commit_with, args=(slow,))
        thread.start()
        held.wait(10)

        def work() -> None:
            assert value(store) is None
            store.close()
            gc.collect()

        self.child(work)
        go.set()
        thread.join()
        assert value(store) == "parent"
        assert rows(path, "SELECT count(*) FROM big") == [(200,)]
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]

    def test_what_was_inherited_stays_open(self, path: Path) -> None:
        """As the child sees it: the pair of another process is given up, and not closed."""
        connections = Connections(path, durability="normal", timeout=1)
        with connections.writer as connection:
            pass
        connections._pairs[-1] = connections._pairs.pop(os.getpid())
        connections.close()
        with pytest.raises(StoreError, match="closed"):
            connections.check_open()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
        connection.close()

    def test_a_child_that_ends_as_programs_do(self, path: Path) -> None:
        """With interpreter shutdown, in which inherited connections must not be closed either."""
        script = f"""
        import os, sys, threading
        from integrakit.state import SqliteStore
        from integrakit.protocols import Put
        store = SqliteStore({str(path)!r})
        held, go = threading.Event(), threading.Event()
        def slow(connection):
            connection.execute("PRAGMA cache_size = 1")
            connection.execute("CREATE TABLE big (x)")
            connection.executemany("INSERT INTO big VALUES (?)", [(b"x" * 4000,)] * 200)
            held.set(); go.wait(10)
            return None, [Put("s", "a", "parent")]
        thread = threading.Thread(target=store.commit_with, args=(slow,))
        thread.start(); held.wait(10)
        pid = os.fork()
        if pid == 0:
            assert store.get("s", "a") is None
            sys.exit(0)
        status = os.waitpid(pid, 0)[1]
        go.set(); thread.join()
        assert store.get("s", "a").value == "parent"
        sys.exit(os.waitstatus_to_exitcode(status))
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert rows(path, "SELECT count(*) FROM big") == [(200,)]


class TestThreads:
    def test_readers_and_writers_side_by_side(self, store: SqliteStore) -> None:
        store.commit([Put("s", "a", 0), Put("s", "b", 0)])
        errors: list[BaseException] = []
        stop = threading.Event()

        def read() -> None:
            try:
                last = 0
                while not stop.is_set():
                    both = [entry.value for entry in store.scan("s")]
                    assert both[0] == both[1] >= last, "half a commit was seen"
                    last = both[0]
            except BaseException as error:  # noqa: BLE001 - told to the main thread
                errors.append(error)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for thread in readers:
            thread.start()
        for n in range(1, 150):
            store.commit([Put("s", "a", n), PutColumns("c", {str(n): b"x" * 1000}), Put("s", "b", n)])
        stop.set()
        for thread in readers:
            thread.join()
        assert errors == []

    def test_deleting_beside_reading(self, store: SqliteStore) -> None:
        store.commit([Put("s", f"{n:04}", n) for n in range(3000)])
        thread = threading.Thread(target=lambda: [store.commit([Delete("s", f"{n:04}")]) for n in range(0, 3000, 30)])
        thread.start()
        seen = [entry.key for entry in store.scan("s")]
        thread.join()
        assert seen == sorted(set(seen))
        assert {f"{n:04}" for n in range(3000) if n % 30} <= set(seen)


def test_a_new_file_is_its_owners_alone(tmp_path):
    with SqliteStore(tmp_path / "state.db") as store:
        store.commit([Put("tokens", "shop", {"access_token": "x"})])
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == dict.fromkeys(
            ("state.db", "state.db-shm", "state.db-wal"), 0o600
        )


def test_a_file_that_is_there_keeps_its_mode(tmp_path):
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    path.chmod(0o640)
    SqliteStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
