"""Two sides to reconcile, the same for every contestant: 8 columns, 0.1 % of the rows changed in one column, 0.05 % missing on each side. Seeded.

python benchmarks/_reconcile_data.py 1000000 /tmp/reconcile      # left.csv, left.jsonl, left.parquet (with pyarrow), and the same of the right
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

COLUMNS = ("id", "name", "email", "status", "amount", "weight", "updated_at", "active")

_STATES = ("open", "paid", "shipped", "cancelled", "refunded")
_START = datetime(2023, 11, 14, tzinfo=UTC)
_YEAR = 31_536_000_000_000  # microseconds
_BLOCK = 50_000


def records(rows: int, side: int) -> Iterator[dict[str, Any]]:
    """One side in the order of its keys: int, text, text, text, Decimal with two places, float with three, aware time, bool."""
    values = random.Random(1)
    for number in range(1, rows + 1):
        # Every thousandth row differs in one of four columns, spread evenly and by turns; two others are missing on one side each.
        place, turn = number % 1000, number // 1000
        cents, weight = values.randrange(10_000_000), round(values.random() * 100, 3)
        moment, active = values.randrange(_YEAR), values.random() < 0.7
        name, state = values.randrange(50_000), values.randrange(5)
        if (place == 250 and turn % 2 == side) or (place == 750 and turn % 2 != side):
            continue
        if side and place == 500:
            cents, weight = cents + (turn % 4 == 0), round(weight + 0.001 * (turn % 4 == 1), 3)
            moment, active = moment + 1_000_000 * (turn % 4 == 2), active ^ (turn % 4 == 3)
        yield {
            "id": number,
            "name": f"Name {name:05d}",
            "email": f"user{number}@example.com",
            "status": _STATES[state],
            "amount": Decimal(cents).scaleb(-2),
            "weight": weight,
            "updated_at": _START + timedelta(microseconds=moment),
            "active": active,
        }


def expected(rows: int) -> dict[str, int]:
    """What every contestant must find: pairs that differ, and records that are missing on either side."""
    sides = [sum(1 for number in range(1, rows + 1) for place in [number % 1000] if _is_missing(place, number // 1000, side)) for side in (0, 1)]
    return {"changed": sum(1 for number in range(1, rows + 1) if number % 1000 == 500), "missing_left": sides[0], "missing_right": sides[1]}


def _is_missing(place: int, turn: int, side: int) -> bool:
    return (place == 250 and turn % 2 == side) or (place == 750 and turn % 2 != side)


def write(rows: int, folder: Path) -> None:
    """The files of both sides; where they are already, nothing is done."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "done").exists():
        return
    for side, name in enumerate(("left", "right")):
        with (folder / f"{name}.csv").open("w", newline="") as cells, (folder / f"{name}.jsonl").open("w") as lines:
            writer = csv.writer(cells, lineterminator="\n")
            writer.writerow(COLUMNS)
            for record in records(rows, side):
                moment = record["updated_at"].isoformat(timespec="microseconds")
                active = "true" if record["active"] else "false"
                writer.writerow([*list(record.values())[:6], moment.replace("+00:00", "Z"), active])
                lines.write(json.dumps({**record, "amount": float(record["amount"]), "updated_at": moment}) + "\n")
        _parquet(rows, side, folder / f"{name}.parquet")
    (folder / "done").touch()


def _parquet(rows: int, side: int, path: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return
    kinds = (pa.int64(), pa.string(), pa.string(), pa.string(), pa.decimal128(12, 2), pa.float64(), pa.timestamp("us", "UTC"), pa.bool_())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    source = records(rows, side)
    with pq.ParquetWriter(path, schema) as writer:
        while block := list(islice(source, _BLOCK)):
            writer.write_table(pa.Table.from_pylist(block, schema=schema))


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
