"""One side, held open: a connection in a transaction that may only read and sees one moment, from the first digest to the last row.

Runs in worker threads, one at a time. Errors are integrakit's; what a server does not want to digest is `Unsuitable`. No SQL is made here.
"""

from __future__ import annotations

import json
from typing import Any

from integrakit.errors import ConfigurationError, IntegrakitError, ReadError
from integrakit.reconciliation.engines.joining import Unsuitable
from integrakit.reconciliation.engines.segments import mariadb, postgresql
from integrakit.sql.layout import Row
from integrakit.sql.query import SqlQuery
from integrakit.sql.server import Held
from integrakit.sql.server_schema import ServerSchema
from integrakit.sql.table import SqlTable
from integrakit.state.sql_dialect import code_of

__all__ = ["Snapshot"]

#: 14: infinite numbers, and the functions that hash with a key.
_OLDEST = 140000
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
#: SQLSTATE of PostgreSQL, error number of MariaDB: cancelled, locked, out of connections or disk, in recovery. Such errors are no matter of digests.
_PASSING = frozenset({"57014", "55P03", "53300", "53100", "40001", "40P01", 3024, 1969, 1317, 1205, 1213, 1040, 1203, 1021, 1114})


class Snapshot:
    """One side's transaction."""

    def __init__(self, source: SqlTable | SqlQuery, name: str) -> None:
        assert source.server is not None
        self._source = source
        self.name = name
        self.postgres = source.server.postgres
        self._held: Held | None = None
        self._cursor: Any = None
        self.schema: ServerSchema
        #: Character sets of columns, of a table of MariaDB that is not empty.
        self.charsets: dict[str, str] = {}

    def open(self) -> None:
        """Takes the snapshot, and asks for the columns. Raises `ConfigurationError`, `ReadError`, and `Unsuitable` for servers of another make."""
        server = self._source.server
        assert server is not None
        self._held = held = server.hold(doing=f"digesting {self._source.name}", long=True)
        try:
            if self.postgres:
                held.session.run(postgresql.SETTINGS)
                ((version, encoding),) = held.session.rows("SELECT current_setting('server_version_num'), current_setting('server_encoding')", ())
                if int(version) < _OLDEST or encoding != "UTF8":
                    raise Unsuitable(f"the {self.name} side is PostgreSQL {version} in {encoding}: it takes version 14 and UTF8")
            else:
                ((version,),) = held.session.rows("SELECT VERSION()", ())
                if "mariadb" not in str(version).lower():
                    raise Unsuitable(f"the {self.name} side is MySQL {version}: it takes MariaDB")
            self.schema = self._source.server_schema(held.session)
            if not self.postgres and isinstance(self._source, SqlTable):
                self._ask_for_charsets(held)
        except BaseException as problem:
            self._fail(problem)
            raise

    def _ask_for_charsets(self, held: Held) -> None:
        texts = {name: column.quoted for name, column in self.schema.columns.items() if column.kind in _TEXTS}
        if texts:
            sets = ", ".join(f"CHARSET({quoted})" for quoted in texts.values())
            for row in held.session.rows(f"SELECT {sets} FROM {self.schema.source} LIMIT 1", ()):
                self.charsets = dict(zip(texts, row, strict=True))

    # ---------------------------------------------------------------- asking

    def rows(self, statement: str) -> list[Row]:
        """All rows of an answer that is not long."""
        try:
            return self._open.session.rows(statement, self.schema.source_values)
        except BaseException as problem:
            self._fail(problem, digesting=True)
            raise

    def estimate(self) -> int:
        """About how many rows there are."""
        if self.postgres:
            ((plan,),) = self.rows(postgresql.estimate(self.schema.source))
            found = json.loads(plan) if isinstance(plan, str | bytes) else plan
            return int(found[0]["Plan"]["Plan Rows"])
        return max((int(row[-2] or 0) for row in self.rows(mariadb.estimate(self.schema.source))), default=0)

    def begin(self, statement: str, *, digesting: bool) -> None:
        """Runs what gives many rows."""
        session = self._open.session
        try:
            if self.postgres:
                self._cursor = session.cursor()
                self._cursor.execute(f"DECLARE integrakit_segments NO SCROLL CURSOR FOR {statement}", self.schema.source_values)
            else:
                self._cursor = session.connection.cursor(session.driver.cursors.SSCursor)
                self._cursor.execute(statement, self.schema.source_values)
        except BaseException as problem:
            self._fail(problem, digesting=digesting)
            raise

    def fetch(self, size: int, *, digesting: bool) -> list[Row]:
        """The next rows; fewer than ``size`` at the end."""
        try:
            if not self.postgres:
                return list(self._cursor.fetchmany(size))
            self._cursor.execute(f"FETCH FORWARD {size} FROM integrakit_segments", None, prepare=False)
            return self._open.session.fetched(self._cursor)
        except BaseException as problem:
            self._fail(problem, digesting=digesting)
            raise

    def finish(self) -> None:
        """After the last row of an answer. Raises `Unsuitable` where MariaDB warned: it cuts what is too long, and goes on."""
        try:
            session = self._open.session
            self._cursor.close()
            self._cursor = None
            if self.postgres:
                session.run("CLOSE integrakit_segments")
                return
            ((warned,),) = session.rows("SHOW COUNT(*) WARNINGS", ())
            if warned:
                said = session.rows("SHOW WARNINGS LIMIT 1", ())
                raise Unsuitable(f"the server of the {self.name} side warned about its digests ({said[0][-1] if said else warned})")
        except BaseException as problem:
            self._fail(problem)
            raise

    # ---------------------------------------------------------------- ending

    def close(self) -> None:
        """Gives the connection back: in the middle of an answer it is closed instead."""
        held, cursor = self._held, self._cursor
        self._held = self._cursor = None
        if held is None:
            return
        if cursor is None or self.postgres:
            held.end()
            return
        _let_go(cursor)
        held.drop()

    @property
    def _open(self) -> Held:
        assert self._held is not None
        return self._held

    def _fail(self, problem: BaseException, *, digesting: bool = False) -> None:
        """Closes the connection, and raises the error of integrakit's own for one of the driver's."""
        held, cursor = self._held, self._cursor
        self._held = self._cursor = None
        if held is None:
            return
        told: IntegrakitError | None = held.told(problem) if held.is_theirs(problem) else None
        if cursor is not None and not self.postgres:
            _let_go(cursor)
        held.drop()
        if told is not None and digesting and not held.lost and code_of(problem) not in _PASSING and isinstance(told, ReadError | ConfigurationError):
            raise Unsuitable(f"the server of the {self.name} side cannot digest it: {told}") from problem
        if told is not None:
            raise told from problem


def _let_go(cursor: Any) -> None:
    # pymysql would read all that is still to come before it closes anything.
    if (result := getattr(cursor, "_result", None)) is not None:
        result.unbuffered_active = False
