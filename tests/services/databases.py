"""PostgreSQL and MariaDB for tests: a schema, or a database, of their own with a random name, dropped at the end.

Where they are is said by ``INTEGRAKIT_TEST_POSTGRESQL`` and ``INTEGRAKIT_TEST_MARIADB`` (SQLAlchemy URLs), unless they run on this machine as usual.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from attrs import frozen
from tests.services.require import away

from integrakit.state.sql_store import SqlStore

KINDS = ("postgresql", "mariadb")


@frozen
class Room:
    """Where one test module may make its tables."""

    kind: str
    url: str
    schema: str | None
    name: str

    def store(self, prefix: str = "integrakit_", **options: Any) -> SqlStore:
        return SqlStore(self.url, prefix=prefix, schema=self.schema, **options)

    def execute(self, sql: str) -> list[Any]:
        """One statement, beside the store; ``{}`` is where the tables are."""
        engine = _engine(self.url)
        with engine.connect() as connection:
            result = connection.exec_driver_sql(sql.replace("{}", f"{self.name}."))
            rows = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return rows


@contextmanager
def room(kind: str) -> Iterator[Room]:
    default = {"postgresql": "postgresql://postgres@127.0.0.1:5432/postgres", "mariadb": "mariadb://root@127.0.0.1:3306/mysql"}[kind]
    url = os.environ.get(f"INTEGRAKIT_TEST_{kind.upper()}", default)
    name = f"integrakit_test_{uuid4().hex[:12]}"
    what = "SCHEMA" if kind == "postgresql" else "DATABASE"
    sqlalchemy = _sqlalchemy()
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE {what} {name}")
    except sqlalchemy.exc.OperationalError as problem:
        away(f"{kind} does not answer ({problem.orig})")
    try:
        if kind == "postgresql":
            yield Room(kind, url, name, name)
        else:
            yield Room(kind, sqlalchemy.engine.make_url(url).set(database=name).render_as_string(hide_password=False), None, name)
    finally:
        gc.collect()  # a read that an error's traceback still holds would keep its tables from being dropped
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP {what} {name}" + (" CASCADE" if kind == "postgresql" else ""))
        engine.dispose()


def _sqlalchemy() -> Any:
    return pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')


def _engine(url: str) -> Any:
    sqlalchemy = _sqlalchemy()
    made = sqlalchemy.engine.make_url(url)
    drivers = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql", "mysql": "mysql+pymysql"}
    return sqlalchemy.create_engine(made.set(drivername=drivers.get(made.drivername, made.drivername)), isolation_level="AUTOCOMMIT")
