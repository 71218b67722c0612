"""From what a user writes down to a store: a path, a URL, or a store that is already there. Nothing is decided here but which class to build."""

from __future__ import annotations

import os
import re
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.protocols import Store
from integrakit.state.memory import MemoryStore
from integrakit.state.sql_store import SqlStore
from integrakit.state.sqlite import SqliteStore

__all__ = ["open_store"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SQL = ("postgresql", "postgres", "mysql", "mariadb")
_LATER = ("redis", "rediss", "unix")
_FORMS = (
    '"state.db", a path, "sqlite:///relative.db", "sqlite:////absolute.db", '
    '"postgresql://…", "mysql://…", "mariadb://…", "memory://", or a store object'
)


def open_store(store: str | os.PathLike[str] | Store, /) -> Store:
    """Opens a store by path or URL; a store is handed back as it is.

    ``"state.db"`` and path objects open a `SqliteStore`, and so do ``"sqlite:///relative.db"`` and ``"sqlite:////absolute.db"``;
    ``"memory://"`` makes a `MemoryStore`; ``"postgresql://user:password@host/database"``, ``"mysql://…"`` and ``"mariadb://…"`` open a `SqlStore`, by
    psycopg or pymysql unless the URL names another driver (``"postgresql+psycopg2://…"``).
    Raises `ConfigurationError` for anything else, and `StoreError` where the file or database cannot be used.
    """
    if isinstance(store, str):
        match = _SCHEME.fullmatch(store)
        return SqliteStore(store) if match is None else _from_url(match[1].lower(), match[2])
    if isinstance(store, os.PathLike):
        return SqliteStore(store)
    if isinstance(store, Store) and not isinstance(store, type):
        return store
    raise ConfigurationError(f"a store is {_FORMS}; not a {_kind(store)}")


def _from_url(scheme: str, rest: str) -> Store:
    # No message below repeats the URL: it may hold a password.
    if scheme == "memory":
        if rest:
            raise ConfigurationError('a store in memory has no name: write "memory://" alone')
        return MemoryStore()
    if scheme == "sqlite":
        if not rest.startswith("/") or len(rest) == 1:
            raise ConfigurationError('a SQLite URL has three slashes and a path: "sqlite:///relative.db" or "sqlite:////absolute.db"')
        if "?" in rest:
            raise ConfigurationError("a SQLite URL takes no options here: build SqliteStore(path, durability=..., timeout=...) instead")
        return SqliteStore(rest[1:])
    if scheme.partition("+")[0] in _SQL:
        return SqlStore(f"{scheme}://{rest}")
    if scheme.partition("+")[0] in _LATER:
        raise ConfigurationError(
            f"{scheme}:// stores do not exist yet: this version of integrakit keeps state in SQLite, PostgreSQL, MariaDB, MySQL or in memory. "
            f"A store is {_FORMS}"
        )
    raise ConfigurationError(f"unknown kind of store {scheme}://: a store is {_FORMS}")


def _kind(store: Any) -> str:
    return f"class ({store.__name__}); build one" if isinstance(store, type) else type(store).__name__
