"""Several processes on one SQLite store: what was acknowledged is there after a kill, half a commit never is, and nobody's write is lost."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from integrakit.protocols import Put
from integrakit.state import SqliteStore

HEAD = "import sys\nfrom integrakit.errors import *\nfrom integrakit.protocols import *\nfrom integrakit.state import *\n"


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HEAD + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(children: Sequence[subprocess.Popen[str]]) -> None:
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors


def intact(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


WRITER = """
    store = SqliteStore(sys.argv[1], durability=sys.argv[2])
    entry = store.get("s", "first")
    n = 0 if entry is None else entry.value
    while True:
        n += 1
        store.commit([
            Put("s", "first", n, attributes={"n": n}),
            *(Delete("t", str(n - 1)), Put("t", str(n), "x" * 3000, attributes={"n": n})),
            PutColumns("c", {f"{n}-{m}": b"y" * 200 for m in range(20)}),
            Put("s", "last", n),
        ])
        print(n, flush=True)
"""


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_killed_at_any_moment(tmp_path: Path, durability: str) -> None:
    path = tmp_path / "state.db"
    moments = random.Random(7)
    total = 0
    for _ in range(6):
        child = start(WRITER, path, durability)
        assert child.stdout is not None
        acknowledged = 0
        wanted = moments.randrange(1, 60)
        while acknowledged < total + wanted:
            line = child.stdout.readline()
            assert line, child.stderr and child.stderr.read()
            acknowledged = int(line)
        child.kill()
        rest = child.stdout.read()
        child.communicate()
        # The last line may be cut off: what was told whole was committed before.
        told = [int(line) for line in rest.split("\n")[:-1]]
        acknowledged = max([acknowledged, *told])
        with SqliteStore(path) as store:
            first, last = store.get("s", "first"), store.get("s", "last")
            assert first is not None
            assert last is not None
            assert first.value == last.value, "half a commit"
            assert acknowledged <= first.value <= acknowledged + 1, "an acknowledged commit is gone"
            total = first.value
            assert [entry.key for entry in store.scan("t")] == [str(total)]
            assert [entry.key for entry in store.scan("t", where={"n": total})] == [str(total)]
            assert [entry.key for entry in store.scan("s", where={"n": total})] == ["first"]
            assert store.count_columns("c") == 20 * total
        assert intact(path)
    assert total >= 6


def test_nobodys_write_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    code = """
        with SqliteStore(sys.argv[1]) as store:
            for _ in range(60):
                while True:
                    entry = store.get("s", "counter")
                    try:
                        store.commit([Put("s", "counter", 1 if entry is None else entry.value + 1, expect=0 if entry is None else entry.version)])
                        break
                    except VersionConflict:
                        pass
    """
    finish([start(code, path) for _ in range(4)])
    with SqliteStore(path) as store:
        entry = store.get("s", "counter")
        assert entry is not None
        assert (entry.value, entry.version) == (240, 240)


def test_all_open_a_new_file_at_once(tmp_path: Path) -> None:
    """And close it again, over and over: the first to come makes the tables, the last to go clears the log away."""
    code = """
        for n in range(15):
            with SqliteStore(sys.argv[1]) as store:
                store.commit([Put("s", f"{sys.argv[2]}-{n}", n)])
                assert store.get("s", f"{sys.argv[2]}-{n}").value == n
    """
    finish([start(code, tmp_path / "state.db", number) for number in range(5)])
    with SqliteStore(tmp_path / "state.db") as store:
        assert len(list(store.scan("s"))) == 75


def test_one_lease_for_all(tmp_path: Path) -> None:
    code = """
        store = SqliteStore(sys.argv[1])
        done = 0
        while done < 15:
            try:
                with acquire_lease(store, "orders") as lease:
                    entry = store.get("s", "log")
                    log = [] if entry is None else entry.value
                    store.commit([Put("s", "log", [*log, lease.token]), lease.renewal()])
                    done += 1
            except LeaseHeld:
                pass
    """
    finish([start(code, tmp_path / "state.db") for _ in range(3)])
    with SqliteStore(tmp_path / "state.db") as store:
        entry = store.get("s", "log")
        assert entry is not None
        assert len(entry.value) == 45
        assert entry.value == sorted(set(entry.value))


def test_writing_where_another_process_migrates(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
    finish([start("SqliteStore(sys.argv[1]).commit([Put('s', sys.argv[2], 1)])", path, number) for number in range(4)])
    with SqliteStore(path) as store:
        store.commit([Put("s", "main", 1)])
        assert len(list(store.scan("s"))) == 5
