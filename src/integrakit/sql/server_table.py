"""A table of a database server, seen by `SqlTable`: its layout, what it has, and what is open beside it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from integrakit.errors import ConfigurationError
from integrakit.model import Window
from integrakit.sql import mariadb, postgresql
from integrakit.sql.horizon import Horizon, postgresql_horizon
from integrakit.sql.layout import Session
from integrakit.sql.schema import suggest
from integrakit.sql.server import Server
from integrakit.sql.server_schema import ServerSchema

__all__ = ["dialect_of", "horizon_of", "load_table"]

T = TypeVar("T")

_NOT_KNOWN = Horizon(notes=("MariaDB and MySQL do not tell when open transactions began: only Window(overlap=…) keeps rows that are committed late",))


def dialect_of(server: Server) -> ModuleType:
    """Where what is this server's own is written."""
    return postgresql if server.postgres else mariadb


def load_table(server: Server, session: Session, table: str) -> ServerSchema:
    """The table as it stands. Raises `ConfigurationError` where there is none, naming what there is."""
    own = dialect_of(server)
    schema: ServerSchema | None = own.load(session, table)
    if schema is None:
        names = own.table_names(session)
        there = f"it has {', '.join(names)}" if names else "it has none"
        raise ConfigurationError(f"{server.name} has no table {table!r}{suggest(table, names)}; {there}")
    return schema


def horizon_of(server: Server, window: Window, *, doing: str) -> Callable[[], Horizon]:
    """What takes the horizon of a read, in a transaction of its own."""
    if server.postgres:
        return lambda: server.lend(postgresql_horizon, doing=doing, transaction=False)
    known = Horizon() if window.overlap else _NOT_KNOWN
    return lambda: known
