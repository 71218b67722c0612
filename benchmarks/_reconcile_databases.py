"""The two sides of `_reconcile_data` as tables of PostgreSQL and MariaDB, and the CPU that the servers spend.

Nothing is measured here. Tables get names of their own with a random suffix; whoever loads them drops them.

python benchmarks/_reconcile_databases.py 1000000        # loads both sides into both servers, and drops them again
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from uuid import uuid4

POSTGRESQL = os.environ.get("INTEGRAKIT_BENCH_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("INTEGRAKIT_BENCH_MARIADB", "mysql://root@127.0.0.1:3306/test")

_POSTGRESQL = """
CREATE TABLE {table} (id bigint PRIMARY KEY, name text, email text, status text, amount numeric(12, 2), weight double precision,
                      updated_at timestamptz, active boolean)
"""
_MARIADB = """
CREATE TABLE {table} (id bigint PRIMARY KEY, name varchar(100), email varchar(100), status varchar(20), amount decimal(12, 2), weight double,
                      updated_at timestamp(6) NULL, active tinyint(1)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci
"""


def name_of(side: str) -> str:
    return f"bench_{side}_{uuid4().hex[:8]}"


def load_postgresql(csv: Path, table: str, *, url: str = POSTGRESQL) -> str:
    """A CSV file of `_reconcile_data` as a table with a primary key, analysed. Gives the name of the table."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_POSTGRESQL.format(table=table))
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy, csv.open("rb") as file:
            while data := file.read(1 << 20):
                copy.write(data)
        connection.execute(f"VACUUM ANALYZE {table}")
    return table


def load_mariadb(csv: Path, table: str, *, url: str = MARIADB) -> str:
    """The same in MariaDB, by LOAD DATA LOCAL."""
    with _mariadb(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(_MARIADB.format(table=table))
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{csv}' INTO TABLE {table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' "
            "IGNORE 1 LINES (id, name, email, status, amount, weight, @updated_at, @active) "
            "SET updated_at = REPLACE(@updated_at, 'Z', ''), active = @active = 'true'"
        )
        connection.commit()
        cursor.execute(f"ANALYZE TABLE {table}")
    return table


def drop_postgresql(*tables: str, url: str = POSTGRESQL) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def drop_mariadb(*tables: str, url: str = MARIADB) -> None:
    with _mariadb(url) as connection, connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def server_cpu() -> float:
    """CPU seconds of all processes of both servers on this machine so far, ended ones too. Call it before and after, with no connection open."""
    ticks = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = place.read_text().partition("(")[2].rpartition(")")
        except OSError:  # ended meanwhile
            continue
        if name in ("postgres", "mariadbd", "mysqld"):
            fields = rest.split()
            # utime, stime; and those of children that ended, which PostgreSQL's backends are
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _mariadb(url: str):
    import pymysql
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    return pymysql.connect(
        host=parts.host or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.database,
        charset="utf8mb4",
        local_infile=True,
    )


def main(rows: int) -> None:
    from _reconcile_data import write

    folder = Path(os.environ.get("INTEGRAKIT_BENCH_DATA", "/tmp/bench")) / (f"{rows // 1_000_000}m" if rows >= 1_000_000 else f"{rows // 1000}k")
    write(rows, folder)
    tables = []
    try:
        for load in (load_postgresql, load_mariadb):
            for side in ("left", "right"):
                before = server_cpu()
                tables.append(load(folder / f"{side}.csv", name_of(side)))
                print(load.__name__, tables[-1], f"{server_cpu() - before:.1f} s of CPU")
    finally:
        drop_postgresql(*tables)
        drop_mariadb(*tables)


if __name__ == "__main__":
    main(int(sys.argv[1]))
