"""Peak memory of a process that reads 10,000 records, and of one that reads 1,000,000: from files of every kind, and from pages over HTTP.

Target: the larger one takes at most 1.15 times as much. ``--big`` reads one file of 1 GB of each kind instead, and says how long that took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from _measure import options, server, show

TARGET = 1.15
#: What runs in a process of its own: imports, one read, and the most memory it ever had. VmHWM, where there is one, begins anew with a program;
#: ru_maxrss may be that of its parent.
PROGRAM = """
import resource, sys, time
import integrakit as ik
kind, where, parents = sys.argv[1], sys.argv[2], sys.argv[3] == "parents"
if kind == "http":
    client = ik.Client(where)
    source = client.stream("/orders", records="data", paginator=ik.CursorPaginator(cursor="meta.next", param="after"))
else:
    makers = {"csv": ik.CsvFile, "jsonl": ik.JsonLines, "json": ik.JsonFile, "parquet": ik.ParquetFile}
    source = makers[kind](where, **({"records": "data"} if kind == "json" else {}))
    if parents:
        from integrakit.reading import reassembled
        source = reassembled(source, parent="parent", children="lines")
seen, cpu, wall = 0, time.process_time(), time.perf_counter()
for record in source:
    seen += 1 + len(record.get("lines", ()))
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
try:
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
except (OSError, StopIteration):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
print(seen, peak, cpu, wall)
"""
COLUMNS = ("id", "parent", "status", "email", "total_price", "currency", "created_at", "updated_at", "note")


def rows(count: int) -> Iterator[tuple[str, str]]:
    """Each record as JSON and as CSV. Every fourth is a parent of the three that follow."""
    for number in range(count):
        parent = number - number % 4 if number % 4 else None
        fields = f"customer-{number}@shop.example", f"{number % 500}.95", "EUR", "2026-03-01T10:00:00Z", "2026-03-02T11:30:00Z"
        texts = ",".join(f'"{name}":"{text}"' for name, text in zip(COLUMNS[3:], fields, strict=False))
        yield (
            f'{{"id":{number},"parent":{"null" if parent is None else parent},"status":"paid",{texts},"note":null}}',
            f"{number},{'' if parent is None else parent},paid,{','.join(fields)},",
        )


def write(path: Path, kind: str, count: int) -> None:
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(name, pa.int64() if name in ("id", "parent") else pa.string()) for name in COLUMNS])
        with pq.ParquetWriter(path, schema) as writer:
            batch: list[dict[str, object]] = []
            for number, (text, _) in enumerate(rows(count), 1):
                batch.append(json.loads(text))
                # One row group: how large the writer made them is what reading a Parquet file takes.
                if len(batch) == 10_000 or number == count:
                    writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                    batch = []
        return
    with path.open("w") as file:
        file.write({"json": '{"data":[', "csv": ",".join(COLUMNS) + "\n"}.get(kind, ""))
        for number, (text, cells) in enumerate(rows(count)):
            file.write(f"{cells}\n" if kind == "csv" else f"{text}\n" if kind == "jsonl" else f",{text}" if number else text)
        file.write('],"meta":{"next":null}}' if kind == "json" else "")


def read(kind: str, where: str, count: int, parents: bool = False) -> tuple[float, float, float]:
    """Peak MB, CPU and wall seconds of a process that reads it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, kind, where, "parents" if parents else "flat"], stdout=subprocess.PIPE, text=True, check=True
    )
    seen, peak, cpu, wall = done.stdout.split()
    if int(seen) != count:
        raise SystemExit(f"{kind}: {seen} records came instead of {count}")
    return int(peak) / 1024, float(cpu), float(wall)


def measured(kind: str, count: int, folder: str, parents: bool = False) -> tuple[float, float, float, float]:
    """The same, and the size of the file in MB (0 for HTTP)."""
    if kind == "http":
        with server("_pages_server.py", str(count // 100), "100") as address:
            return *read(kind, address, count), 0.0
    path = Path(folder) / f"a.{kind}"
    write(path, kind, count)
    try:
        return *read(kind, str(path), count, parents), path.stat().st_size / 1e6
    finally:
        path.unlink()


def main() -> None:
    arguments = options(__doc__ or "", big="one file of 1 GB of each kind")
    few, many = (1_000, 10_000) if arguments.quick else (10_000, 1_000_000)
    kinds = ["jsonl", "csv", "json", *(["parquet"] if find_spec("pyarrow") else [])]
    table: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        if arguments.big:
            for kind, count in {"jsonl": 5_200_000, "json": 5_200_000, "csv": 10_500_000}.items():
                peak, cpu, wall, size = measured(kind, 10_000 if arguments.quick else count, folder)
                table.append({"source": kind, "MB": size, "records": count, "peak MB": peak, "CPU s": cpu, "wall s": wall})
            show("One file of 1 GB", table, {"target": "the memory of a small file"}, as_json=arguments.json)
            return
        for kind, parents in [*((kind, False) for kind in kinds), ("http", False), ("jsonl", True)]:
            small, *_ = measured(kind, few, folder, parents)
            large, cpu, wall, size = measured(kind, many, folder, parents)
            table.append(
                {
                    "source": f"{kind}{', children under parents' if parents else ''}",
                    f"peak MB, {few}": small,
                    f"peak MB, {many}": large,
                    "ratio": large / small,
                    "CPU µs/record": cpu / many * 1e6,
                }
            )
    worst = max(float(str(row["ratio"])) for row in table if "parents" not in str(row["source"]))
    verdict: dict[str, object] = {
        "largest ratio": worst,
        "target": f"at most {TARGET:.2f}; children under parents take the cache of a temporary database more",
    }
    show(f"Peak memory of reading {few} and {many} records", table, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
