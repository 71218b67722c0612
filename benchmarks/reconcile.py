"""What reconciling costs, over reading alone, beside the dataframe tools: CPU and peak of memory, each contestant in a process of its own.

8 columns, 0.1 % of the rows changed, 0.05 % missing on each side; JSON lines, ready-made dicts, CSV, Parquet. Peers: datacompy (pandas, polars),
csv-diff, DuckDB and polars by hand, where they are installed. ``--million`` takes 1,000,000 rows, ``--ten-million`` 10,000,000 (files only); without,
100,000. Everybody must find the same. Targets at 1,000,000: Parquet at most 1.6 times reading alone, CSV 1.5, JSON lines 1.15, dicts 2 µs a pair;
memory at most 450 MB with Arrow, 60 MB with the standard library's merge. Databases are in ``reconcile_databases.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from _measure import options, show
from _reconcile_contestants import CONTESTANTS
from _reconcile_data import expected

#: Target: contestant → (what it is measured against, at most so many times its CPU).
TARGETS = {
    "json lines:integrakit": ("json lines:reading", 1.15),
    "csv:integrakit": ("csv:reading (pyarrow)", 1.5),
    "parquet:integrakit": ("parquet:reading (pyarrow)", 1.6),
    "parquet:integrakit in duckdb": ("parquet:duckdb by hand", 1.1),
}
#: A pair of ready-made dicts, in seconds.
PAIR = 2e-6
#: Those that would take hours, or all the memory there is.
_SMALL_ONLY = ("csv:csv-diff", "csv:datacompy (pandas)", "parquet:datacompy (pandas)", "dicts:integrakit dict", "dicts:integrakit merge")
_TOO_LONG = 3600


def run(name: str, folder: Path) -> dict[str, object]:
    """What one contestant prints."""
    program = Path(__file__).with_name("_reconcile_contestants.py")
    done = subprocess.run([sys.executable, str(program), name, str(folder)], capture_output=True, text=True, timeout=_TOO_LONG, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    arguments = options(__doc__ or "", million="1,000,000 rows", **{"ten-million": "10,000,000 rows"}, ours="without the peers")
    rows = 2_000 if arguments.quick else 10_000_000 if arguments.ten_million else 1_000_000 if arguments.million else 100_000
    rounds = 1 if arguments.quick or arguments.ten_million else 3
    names = [name for name in CONTESTANTS if not (arguments.ten_million and name in _SMALL_ONLY)]
    if arguments.ours:
        names = [name for name in names if "integrakit" in name or "reading" in name or name in {floor for floor, _ in TARGETS.values()}]
    place = os.environ.get("INTEGRAKIT_BENCH_DATA")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(place or temporary) / str(rows)
        # In another process: what this one holds at its peak, its children would be told to hold.
        subprocess.run([sys.executable, str(Path(__file__).with_name("_reconcile_data.py")), str(rows), str(folder)], check=True)
        missing: dict[str, str] = {}
        results: dict[str, list[dict[str, object]]] = {}
        # In turns, so that a slow moment of the machine meets all of them.
        for _ in range(rounds):
            for name in names:
                if name in missing:
                    continue
                found = run(name, folder)
                if "missing" in found:
                    missing[name] = str(found["missing"])
                    continue
                if found["answer"] is not None and found["answer"] != expected(rows):
                    raise SystemExit(f"{name} found {found['answer']}, not {expected(rows)}")
                results.setdefault(name, []).append(found)
    table: list[dict[str, object]] = []
    for name, found in results.items():
        kind = name.partition(":")[0]
        floor = next((other for other in results if other.startswith(f"{kind}:reading")), None)
        cpu = _median(found, "cpu")
        table.append(
            {
                "contestant": name,
                "CPU s": cpu,
                "of reading": round(cpu / _median(results[floor], "cpu"), 2) if floor else "",
                "µs a pair": cpu / rows * 1e6,
                "wall s": _median(found, "wall"),
                "peak MB": round(_median(found, "memory") / 1e6),
            }
        )
    verdict: dict[str, object] = {}
    for name, (floor, limit) in TARGETS.items():
        if name in results and floor in results:
            share = _median(results[name], "cpu") / _median(results[floor], "cpu")
            verdict[f"{name} / {floor} (target: at most {limit})"] = share
    for name, found in results.items():
        if name.startswith("dicts:"):
            verdict[f"{name}: µs a pair (target: at most {PAIR * 1e6:g})"] = _median(found, "cpu") / rows * 1e6
    if missing:
        verdict["not installed"] = ", ".join(sorted(set(missing.values())))
    show(f"Reconciling {rows:,} rows of 8 columns, {rounds} rounds", table, verdict, as_json=arguments.json)


def _median(found: list[dict[str, object]], name: str) -> float:
    return median(float(str(each[name])) for each in found)


if __name__ == "__main__":
    main()
