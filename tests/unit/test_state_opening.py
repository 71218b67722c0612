from __future__ import annotations

import os
import socket
import traceback
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, StoreError
from integrakit.protocols import Put
from integrakit.state import MemoryStore, SqliteStore, SqlStore, open_store


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("given", ["state.db", Path("state.db"), "sqlite:///state.db", "SQLite:///state.db", "./state.db"])
def test_relative(given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(given)
    assert isinstance(store, SqliteStore)
    with store:
        assert store.path == tmp_path / "state.db"
        monkeypatch.chdir("/")
        store.commit([Put("s", "a", 1)])
    assert (tmp_path / "state.db").is_file()


def test_absolute(tmp_path: Path) -> None:
    for given in (str(tmp_path / "a.db"), f"sqlite:///{tmp_path / 'a.db'}"):
        store = open_store(given)
        assert isinstance(store, SqliteStore)
        with store:
            assert store.path == tmp_path / "a.db"


@pytest.mark.parametrize("name", ["per cent %41.db", "ä 😀.db", "file:odd.db", "a#b.db", "white\tspace.db"])
def test_names_are_taken_literally(name: str, tmp_path: Path) -> None:
    with SqliteStore(name):
        pass
    assert (tmp_path / name).is_file()


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"latin-\xe9.db")
    with SqliteStore(name) as store:
        store.commit([Put("s", "a", 1)])
        assert store.same_database(name)
    assert (tmp_path / name).is_file()


def test_memory() -> None:
    one, other = open_store("memory://"), open_store("memory://")
    assert isinstance(one, MemoryStore)
    one.commit([Put("s", "a", 1)])
    assert other.get("s", "a") is None


def test_a_store_is_handed_back() -> None:
    store = MemoryStore()
    assert open_store(store) is store


@pytest.mark.parametrize("scheme", ["redis", "rediss", "unix"])
def test_not_yet(scheme: str) -> None:
    with pytest.raises(
        ConfigurationError, match="this version of integrakit keeps state in SQLite, PostgreSQL, MariaDB, MySQL or in memory"
    ) as caught:
        open_store(f"{scheme}://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "PostgreSQL", "postgresql+psycopg", "mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"]
)
def test_a_sql_database_that_is_away(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"{scheme}://user:hunter2@127.0.0.1:{port}/db"
    with pytest.raises(StoreError, match=rf"the store [a-z]+://127.0.0.1:{port}/db cannot go on: it cannot be reached") as caught:
        open_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+nothing://user:hunter2@host/db", "does not take the URL|is not installed"),
        ("postgresql+psycopg2://user:hunter2@host/db", "needs the driver psycopg2, which is not installed: install it"),
        ("mysql://user:hunter2@host", "names no database"),
        ("postgresql://user:hunter2@host:port/db", "no URL of a database"),
        ("postgresql+asyncpg://user:hunter2@host/db", "asyncpg"),
    ],
)
def test_a_sql_url_that_can_never_be_right(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": ""}, "prefix"),
        ({"prefix": 'a"; DROP TABLE x; --'}, "prefix"),
        ({"prefix": 7}, "prefix"),
        ({"schema": 'a"b'}, "schema"),
        ({"schema": ""}, "schema"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"clock": 7}, "clock"),
    ],
)
def test_wrong_options_of_a_sql_store(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SqlStore("postgresql://127.0.0.1:1/db", **options)


def test_wrong_databases_for_a_sql_store() -> None:
    for wrong in (None, 7, "state.db", "", "sqlite:///state.db", "oracle://user:hunter2@host/db"):
        with pytest.raises(ConfigurationError) as caught:
            SqlStore(wrong)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="another database in the URL"):
        SqlStore("mariadb://127.0.0.1:1/db", schema="s")


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        b"state.db",
        [],
        MemoryStore,
        object(),
        "",
        ":memory:",
        "a\0b",
        "memory://name",
        "sqlite://",
        "sqlite:///",
        "sqlite://state.db",
        "sqlite:///state.db?mode=ro",
        "sqlite:///:memory:",
        "oracle://user:hunter2@host",
        "http://host/state.db",
    ],
)
def test_refused(given: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_store(given)
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        {"durability": "off"},
        {"durability": None},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": True},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": "30"},
        {"clock": 7},
    ],
)
def test_wrong_options(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        SqliteStore("state.db", **options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_types() -> None:
    with pytest.raises(ConfigurationError, match="path"):
        SqliteStore(7)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="clock"):
        MemoryStore(clock="now")  # type: ignore[arg-type]


def test_opening_says_at_once_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        open_store(tmp_path / "missing" / "state.db")


def test_repr(tmp_path: Path) -> None:
    with SqliteStore("state.db", durability="full") as store:
        assert repr(store) == f"SqliteStore({str(tmp_path / 'state.db')!r}, durability='full')"
    assert repr(MemoryStore()) == "MemoryStore()"
