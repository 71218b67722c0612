"""What reconciling tables of databases costs, beside reladiff and a join written by hand: CPU of the client and of all server processes together.

The same rows as in ``reconcile.py``, loaded into PostgreSQL and MariaDB on loopback (tables with names of their own, dropped at the end);
``--million`` takes 1,000,000 rows, else 100,000. Without the servers, SQLAlchemy and the drivers nothing is measured. Targets at 1,000,000:
PostgreSQL–PostgreSQL at most 1.3 times reading both tables, two databases at least 8 times less than reladiff, one engine at most 1.1 times the join
written by hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from _measure import options, show
from _reconcile_contestants import OTHERS, join_by_hand
from _reconcile_data import COLUMNS, expected, write
from _reconcile_databases import MARIADB, POSTGRESQL, drop_mariadb, drop_postgresql, load_mariadb, load_postgresql, name_of, server_cpu

_TOO_LONG = 3600
#: MariaDB has no type for truth values.
_TYPES = {"active": bool}


def tables(left: list[str], right: list[str]) -> tuple[Any, Any]:
    import integrakit as ik

    return tuple(ik.SqlTable(url, name, key="id", types=_TYPES if url.startswith("mysql") else None) for url, name in (left, right))  # type: ignore[return-value]


def reading(left: list[str], right: list[str]) -> dict[str, int] | None:
    for table in tables(left, right):
        for _ in table:
            pass
    return None


def ours(engine: str) -> Callable[[list[str], list[str]], dict[str, int] | None]:
    def work(left: list[str], right: list[str]) -> dict[str, int] | None:
        import integrakit as ik

        diff = ik.reconcile(*tables(left, right), key="id", engine=engine)  # type: ignore[arg-type]
        return {name: diff.summary[name] for name in ("changed", "missing_left", "missing_right")}

    return work


def by_hand(left: list[str], right: list[str]) -> dict[str, int] | None:
    import psycopg

    with psycopg.connect(left[0]) as connection:
        rows = connection.execute(join_by_hand(left[1], right[1])).fetchall()
    missing_left, missing_right = sum(row[0] is None for row in rows), sum(row[len(COLUMNS)] is None for row in rows)
    return {"changed": len(rows) - missing_left - missing_right, "missing_left": missing_left, "missing_right": missing_right}


def reladiff(left: list[str], right: list[str]) -> dict[str, int] | None:
    from reladiff import connect_to_table, diff_tables

    sides = [connect_to_table(url, name, "id") for url, name in (left, right)]
    signs: dict[str, set[Any]] = {"-": set(), "+": set()}
    for sign, row in diff_tables(*sides, extra_columns=OTHERS):
        signs[sign].add(row[0])
    changed = signs["-"] & signs["+"]
    return {"changed": len(changed), "missing_left": len(signs["+"] - changed), "missing_right": len(signs["-"] - changed)}


WORK: dict[str, Callable[[list[str], list[str]], dict[str, int] | None]] = {
    "reading both": reading,
    "integrakit, segments": ours("segments"),
    "integrakit, merge": ours("merge"),
    "integrakit, auto": ours("auto"),
    "integrakit, pushdown": ours("pushdown"),
    "join by hand": by_hand,
    "reladiff": reladiff,
}
_ONE_ENGINE = ("integrakit, pushdown", "join by hand")


def child(name: str, left: list[str], right: list[str]) -> None:
    """One contestant, in a process of its own."""
    try:
        # Imports are not measured.
        for module in ("reladiff",) if name == "reladiff" else ("integrakit.reconciliation", "sqlalchemy", "psycopg", "pymysql"):
            import_module(module)
    except ImportError as missing:
        print(json.dumps({"missing": missing.name}))
        return
    cpu, wall = time.process_time(), time.perf_counter()
    answer = WORK[name](left, right)
    print(json.dumps({"client": time.process_time() - cpu, "wall": time.perf_counter() - wall, "answer": answer}))


def run(name: str, left: list[str], right: list[str]) -> dict[str, Any]:
    before = server_cpu()
    command = [sys.executable, __file__, "--child", name, json.dumps([left, right])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TOO_LONG, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    time.sleep(0.5)  # a backend's CPU is counted once it has ended
    return {**found, "server": server_cpu() - before}


@contextmanager
def loaded(folder: Path) -> Iterator[dict[str, list[str]]]:
    """Both sides in PostgreSQL, and the right one in MariaDB too."""
    names = {"left": name_of("left"), "right": name_of("right"), "other": name_of("right")}
    try:
        for side in ("left", "right"):
            load_postgresql(folder / f"{side}.csv", names[side])
        load_mariadb(folder / "right.csv", names["other"])
        yield {"left": [POSTGRESQL, names["left"]], "right": [POSTGRESQL, names["right"]], "other": [MARIADB, names["other"]]}
    finally:
        drop_postgresql(names["left"], names["right"])
        drop_mariadb(names["other"])


def main() -> None:
    arguments = options(__doc__ or "", million="1,000,000 rows")
    rows, rounds = (2_000, 1) if arguments.quick else (1_000_000, 1) if arguments.million else (100_000, 3)
    results: dict[str, list[dict[str, Any]]] = {}
    missing: set[str] = set()
    with tempfile.TemporaryDirectory() as temporary:
        write(rows, Path(temporary))
        try:
            import psycopg
            import pymysql
            import sqlalchemy  # noqa: F401

            unreachable: tuple[type[Exception], ...] = (psycopg.OperationalError, pymysql.OperationalError)
        except ImportError as absent:
            print(f"Nothing is measured: {absent.name} is not installed")
            return
        try:
            with loaded(Path(temporary)) as places:
                pairs = {"PostgreSQL–PostgreSQL": (places["left"], places["right"]), "PostgreSQL–MariaDB": (places["left"], places["other"])}
                for _ in range(rounds):
                    for pair, (left, right) in pairs.items():
                        for name in WORK:
                            if (name in _ONE_ENGINE and left[0] != right[0]) or name in missing or (rows < 10_000 and "segments" in name):
                                continue
                            found = run(name, left, right)
                            if "missing" in found:
                                missing.add(name)
                                continue
                            if found["answer"] not in (None, expected(rows)):
                                print(f"NOTE: {pair}: {name} found {found['answer']}, not {expected(rows)}")
                            results.setdefault(f"{pair}: {name}", []).append(found)
        except unreachable as problem:
            print(f"Nothing is measured: {type(problem).__name__}, a server cannot be reached")
            return
    table: list[dict[str, object]] = []
    whole: dict[str, float] = {}
    for name, found in results.items():
        client, server = (median(each[part] for each in found) for part in ("client", "server"))
        whole[name] = client + server
        wall = median(each["wall"] for each in found)
        table.append({"contestant": name, "CPU s": client + server, "client": client, "servers": server, "wall s": wall})
    verdict: dict[str, object] = {}
    for name, over, what in (
        ("PostgreSQL–PostgreSQL: integrakit, segments", "PostgreSQL–PostgreSQL: reading both", "target: at most 1.3"),
        ("PostgreSQL–PostgreSQL: integrakit, pushdown", "PostgreSQL–PostgreSQL: join by hand", "target: at most 1.1"),
        ("PostgreSQL–PostgreSQL: reladiff", "PostgreSQL–PostgreSQL: integrakit, segments", "target: at least 8"),
        ("PostgreSQL–MariaDB: reladiff", "PostgreSQL–MariaDB: integrakit, auto", "target: at least 8"),
    ):
        if name in whole and over in whole:
            verdict[f"{name} / {over} ({what})"] = whole[name] / whole[over]
    if missing:
        verdict["not installed"] = ", ".join(sorted(missing))
    if not table:
        print("Nothing is measured: SQLAlchemy is not installed")
        return
    show(f"Reconciling tables of {rows:,} rows, {rounds} rounds", table, verdict, as_json=arguments.json)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], *json.loads(sys.argv[3]))
    else:
        main()
