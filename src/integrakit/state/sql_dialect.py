"""In what PostgreSQL and MariaDB / MySQL differ, as one value each, and what their error codes mean.

Keys are kept as bytes (UTF-8, whose order is that of code points), so that no collation folds, trims or reorders them, and a NUL is a character as
any other. No statement of the store itself may live here.
"""

from __future__ import annotations

from attrs import frozen

__all__ = ["KILLED", "MARIADB", "POSTGRESQL", "RETRIED", "Dialect", "code_of", "reason_for"]


@frozen(kw_only=True)
class Dialect:
    """What differs. ``now``: the database's clock, seconds since the epoch. ``session``: what each new connection is told."""

    name: str
    driver: str
    install: str
    quote: str
    number: str
    place: str
    key: str
    value: str
    table_end: str
    index_where: str
    now: str
    begin: str
    upsert: str
    excluded: str
    ignore: tuple[str, str]
    session: tuple[str, ...]

    def upserting(self, table: str, columns: tuple[str, ...], keys: tuple[str, ...], fixed: tuple[str, ...] = ()) -> str:
        """INSERT, or UPDATE of all but ``fixed`` where the key is there already. Placeholders only: drivers send many rows in one statement then."""
        marks = ", ".join(f":{column}" for column in columns)
        changes = ", ".join(f"{column} = {self.excluded.format(column)}" for column in columns if column not in keys + fixed)
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {self.upsert.format(', '.join(keys))} {changes}"

    def inserting(self, table: str, columns: tuple[str, ...]) -> str:
        """INSERT where the key is not there yet."""
        marks = ", ".join(f":{column}" for column in columns)
        return f"INSERT {self.ignore[0]} INTO {table} ({', '.join(columns)}) VALUES ({marks}) {self.ignore[1]}"


POSTGRESQL = Dialect(
    name="PostgreSQL",
    driver="psycopg",
    install="psycopg[binary]",
    quote='"',
    number="double precision",
    place="bytea",
    key="bytea",
    value="bytea",
    table_end="",
    index_where="WHERE expires IS NOT NULL",
    now="CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
    # Said each time: under any other isolation the documents would be read as they were before the lock was waited for.
    begin="BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    upsert="ON CONFLICT ({}) DO UPDATE SET",
    excluded="excluded.{}",
    ignore=("", "ON CONFLICT DO NOTHING"),
    session=("SET lock_timeout = {milliseconds}",),
)

MARIADB = Dialect(
    name="MariaDB",
    driver="pymysql",
    install="pymysql",
    quote="`",
    number="DOUBLE",
    place="VARBINARY(16)",
    key="VARBINARY(512)",
    value="LONGBLOB",
    table_end="ENGINE=InnoDB ROW_FORMAT=DYNAMIC",
    index_where="",
    # Not unix_timestamp(): that goes through the time zone of the session, in which an hour of the autumn comes twice.
    now="timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6)) / 1e6",
    # Right under REPEATABLE READ, too: the first statement of a commit locks, and the snapshot is taken by the read after it.
    begin="START TRANSACTION READ WRITE",
    upsert="ON DUPLICATE KEY UPDATE",
    excluded="VALUES({})",
    ignore=("IGNORE", ""),
    # READ COMMITTED takes no locks on gaps, on which commits that have nothing to do with each other would wait.
    session=("SET SESSION innodb_lock_wait_timeout = {seconds}", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"),
)

#: SQLSTATE of PostgreSQL, error number of MariaDB / MySQL: https://www.postgresql.org/docs/15/errcodes-appendix.html and
#: https://mariadb.com/kb/en/mariadb-error-codes/ (read 2026-11).
_WORDS: dict[object, str] = {
    **dict.fromkeys(("28P01", "28000", 1045, 1698), "the database refused the user name or the password: check both in the URL"),
    **dict.fromkeys(("3D000", 1049), "there is no such database on this server: create it first"),
    **dict.fromkeys(("3F000",), "there is no such schema in this database: create it first, or leave schema= away"),
    **dict.fromkeys(("42501", 1044, 1142, 1227), "this user may not do that: grant it CREATE once, and to read and write the tables"),
    **dict.fromkeys(("55P03", 1205), "another commit kept it locked for too long: find what writes to it, or raise timeout="),
    **dict.fromkeys(("57014", 3024, 1969), "the database cancelled the statement: raise its statement timeout"),
    **dict.fromkeys(("53100", 1021, 1114), "the disk of the database is full: free some space and run again"),
    **dict.fromkeys(("25006", 1290, 1792, 1836), "the database may only be read, perhaps a replica: give the URL of the primary"),
    **dict.fromkeys(("53300", 1040, 1203, 1226), "the database takes no more connections: raise its limit, or close some"),
    **dict.fromkeys((1153,), "a commit is bigger than the server's max_allowed_packet: raise it, or keep big payloads as files"),
    **dict.fromkeys(("42P01", 1146), "its tables are gone: somebody dropped them; open the store again to make them anew"),
}
#: The server ends the connection, which SQLAlchemy does not take from these codes (57P01 to 57P03: PostgreSQL stops; 1927: KILL in MariaDB).
KILLED = frozenset({"57P01", "57P02", "57P03", 1927, 1053})
RETRIED = frozenset({"40001", "40P01", 1213, 1020})
"""Deadlock, or the like: the database has rolled back, and the same commit may be tried again."""


def code_of(problem: BaseException | None) -> object:
    """SQLSTATE, or the number of a MariaDB error; None where the driver tells neither."""
    state = getattr(problem, "sqlstate", None) or getattr(problem, "pgcode", None)
    if isinstance(state, str) and not isinstance((getattr(problem, "args", None) or (None,))[0], int):
        return state
    number = (getattr(problem, "args", None) or (None,))[0]
    return number if isinstance(number, int) else None


def reason_for(problem: BaseException | None) -> str | None:
    """What an error of the database means, and what to do; None where nothing more is known than what it says."""
    return _WORDS.get(code_of(problem))
