"""One contestant of `reconcile.py` in a process of its own: its CPU, its peak of memory, and what it found. Prints one line of JSON.

python benchmarks/_reconcile_contestants.py parquet:integrakit /tmp/reconcile
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

Answer = dict[str, int] | None
#: What is prepared first, and not measured; then the work.
Contestant = Callable[[Path], Callable[[], Answer]]

KEY = "id"
OTHERS = ("name", "email", "status", "amount", "weight", "updated_at", "active")
_SIDES = ("left", "right")


def _warm(*modules: str) -> None:
    """Imports what will be needed, as far as it is there: imports are measured elsewhere."""
    import_module("integrakit.reconciliation")
    for module in modules:
        with suppress(ImportError):
            import_module(module)


def _counts(diff: Any) -> Answer:
    return {name: diff.summary[name] for name in ("changed", "missing_left", "missing_right")}


# ---------------------------------------------------------------------------------------------------- integrakit, and reading alone


def files(kind: str, **options: Any) -> Contestant:
    def prepare(folder: Path) -> Callable[[], Answer]:
        import integrakit as ik

        if kind == "parquet":
            import_module("pyarrow.parquet")
        if options.get("engine") == "pushdown":
            import_module("duckdb")
        _warm(*(("pyarrow.compute", "pyarrow.csv", "numpy") if kind != "jsonl" else ()))
        return lambda: _counts(ik.reconcile(folder / f"left.{kind}", folder / f"right.{kind}", key=KEY, **options))

    return prepare


def read_parquet(folder: Path) -> Callable[[], Answer]:
    import pyarrow.parquet as pq

    def work() -> None:
        for side in _SIDES:
            for _ in pq.ParquetFile(folder / f"{side}.parquet").iter_batches():
                pass

    return work


def read_csv(folder: Path) -> Callable[[], Answer]:
    import pyarrow as pa
    import pyarrow.csv as pc

    def work() -> None:
        for side in _SIDES:
            options = pc.ConvertOptions(column_types=dict.fromkeys((KEY, *OTHERS), pa.string()))
            for _ in pc.open_csv(folder / f"{side}.csv", convert_options=options):
                pass

    return work


def read_json_lines(folder: Path) -> Callable[[], Answer]:
    import integrakit as ik

    def work() -> None:
        for side in _SIDES:
            for _ in ik.JsonLines(folder / f"{side}.jsonl"):
                pass

    return work


def dicts(engine: str) -> Contestant:
    def prepare(folder: Path) -> Callable[[], Answer]:
        import integrakit as ik

        _warm()
        sides = [list(ik.JsonLines(folder / f"{side}.jsonl")) for side in _SIDES]
        return lambda: _counts(ik.reconcile(*sides, key=KEY, engine=engine))  # type: ignore[arg-type]

    return prepare


# ---------------------------------------------------------------------------------------------------- by hand

_JOIN = """
SELECT l.*, r.* FROM {left} l FULL OUTER JOIN {right} r ON l.id = r.id
WHERE l.id IS NULL OR r.id IS NULL OR {differs}
"""


def join_by_hand(left: str, right: str) -> str:
    return _JOIN.format(left=left, right=right, differs=" OR ".join(f"l.{name} IS DISTINCT FROM r.{name}" for name in OTHERS))


def duckdb_by_hand(kind: str) -> Contestant:
    def prepare(folder: Path) -> Callable[[], Answer]:
        import duckdb

        connection = duckdb.connect()
        reader = "read_parquet('{}')" if kind == "parquet" else "read_csv('{}', all_varchar = true)"
        query = join_by_hand(*(reader.format(folder / f"{side}.{kind}") for side in _SIDES))

        def work() -> Answer:
            # As columns: its rows would need pytz for the times.
            rows = connection.sql(query).to_arrow_table()
            left, right = rows.column(0).null_count, rows.column(len(OTHERS) + 1).null_count
            return {"changed": len(rows) - left - right, "missing_left": left, "missing_right": right}

        return work

    return prepare


def polars_by_hand(kind: str) -> Contestant:
    def prepare(folder: Path) -> Callable[[], Answer]:
        import polars as pl

        def work() -> Answer:
            read = pl.scan_parquet if kind == "parquet" else lambda path: pl.scan_csv(path, infer_schema=False)
            left, right = (read(folder / f"{side}.{kind}") for side in _SIDES)
            both = left.join(right, on=KEY, how="full", suffix="_r")
            differs = pl.any_horizontal([pl.col(name).ne_missing(pl.col(f"{name}_r")) for name in OTHERS])
            rows = both.filter(differs).collect()
            missing_left, missing_right = rows[KEY].null_count(), rows[f"{KEY}_r"].null_count()
            return {"changed": len(rows) - missing_left - missing_right, "missing_left": missing_left, "missing_right": missing_right}

        return work

    return prepare


# ---------------------------------------------------------------------------------------------------- peers


def datacompy_pandas(kind: str) -> Contestant:
    def prepare(folder: Path) -> Callable[[], Answer]:
        import datacompy
        import pandas as pd

        compare = getattr(datacompy, "PandasCompare", None) or datacompy.Compare

        def work() -> Answer:
            read = pd.read_parquet if kind == "parquet" else lambda path: pd.read_csv(path, dtype=str)
            found = compare(*(read(folder / f"{side}.{kind}") for side in _SIDES), join_columns=KEY)
            return {
                "changed": int((~found.intersect_rows[[f"{name}_match" for name in OTHERS]].all(axis=1)).sum()),
                "missing_left": len(found.df2_unq_rows),
                "missing_right": len(found.df1_unq_rows),
            }

        return work

    return prepare


def datacompy_polars(kind: str) -> Contestant:
    def prepare(folder: Path) -> Callable[[], Answer]:
        import polars as pl
        from datacompy import PolarsCompare

        def work() -> Answer:
            read = pl.read_parquet if kind == "parquet" else lambda path: pl.read_csv(path, infer_schema=False)
            found = PolarsCompare(*(read(folder / f"{side}.{kind}") for side in _SIDES), join_columns=KEY)
            same = found.intersect_rows.select(pl.all_horizontal([pl.col(f"{name}_match") for name in OTHERS])).to_series()
            return {"changed": int((~same).sum()), "missing_left": len(found.df2_unq_rows), "missing_right": len(found.df1_unq_rows)}

        return work

    return prepare


def csv_diff(folder: Path) -> Callable[[], Answer]:
    from csv_diff import compare, load_csv

    def work() -> Answer:
        sides = []
        for side in _SIDES:
            with (folder / f"{side}.csv").open(newline="") as file:
                sides.append(load_csv(file, key=KEY))
        found = compare(*sides)
        return {name: len(found[theirs]) for name, theirs in (("changed", "changed"), ("missing_left", "added"), ("missing_right", "removed"))}

    return work


CONTESTANTS: dict[str, Contestant] = {
    "json lines:reading": read_json_lines,
    "json lines:integrakit": files("jsonl"),
    "dicts:integrakit dict": dicts("dict"),
    "dicts:integrakit merge": dicts("merge"),
    "csv:reading (pyarrow)": read_csv,
    "csv:integrakit": files("csv"),
    "csv:integrakit, no extras": files("csv", engine="merge"),
    "csv:duckdb by hand": duckdb_by_hand("csv"),
    "csv:polars by hand": polars_by_hand("csv"),
    "csv:datacompy (pandas)": datacompy_pandas("csv"),
    "csv:datacompy (polars)": datacompy_polars("csv"),
    "csv:csv-diff": csv_diff,
    "parquet:reading (pyarrow)": read_parquet,
    "parquet:integrakit": files("parquet"),
    "parquet:integrakit in duckdb": files("parquet", engine="pushdown"),
    "parquet:duckdb by hand": duckdb_by_hand("parquet"),
    "parquet:polars by hand": polars_by_hand("parquet"),
    "parquet:datacompy (pandas)": datacompy_pandas("parquet"),
    "parquet:datacompy (polars)": datacompy_polars("parquet"),
}


def main(name: str, folder: Path) -> None:
    try:
        work = CONTESTANTS[name](folder)
    except ImportError as missing:
        print(json.dumps({"missing": missing.name}))
        return
    cpu, wall = time.process_time(), time.perf_counter()
    answer = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "answer": answer}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
