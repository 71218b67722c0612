"""Two sides to reconcile, the same for every contestant: 8 columns, 0.1 % of the rows changed in one column, 0.05 % missing on each side. Seeded.

python benchmarks/_reconcile_data.py 1000000 /tmp/reconcile      # writes left.parquet, left.csv, left.jsonl and the same of the right
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

COLUMNS = ("id", "name", "email", "status", "amount", "weight", "updated_at", "active")


def tables(rows: int, *, seed: int = 1):
    """Both sides as Arrow tables, in the order of their keys: int64, text, text, text, decimal(12, 2), float64, timestamp (us, UTC), bool."""
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(seed)
    ids = np.arange(1, rows + 1, dtype=np.int64)
    words = pa.array([f"Name {number:05d}" for number in range(50_000)])
    names = words.take(pa.array(random.integers(0, 50_000, rows)))
    mails = pa.array([f"user{number}@example.com" for number in ids.tolist()])
    states = pa.array(["open", "paid", "shipped", "cancelled", "refunded"]).take(pa.array(random.integers(0, 5, rows)))
    cents = random.integers(0, 10_000_000, rows)
    weights = np.round(random.random(rows) * 100, 3)
    moments = 1_700_000_000_000_000 + random.integers(0, 31_536_000_000_000, rows)
    active = random.random(rows) < 0.7

    def table(cents, weights, moments, active, names, states):
        amounts = pa.array(cents, pa.int64()).cast(pa.decimal128(21, 2))
        import pyarrow.compute as pc

        amount = pc.multiply(amounts, pa.scalar(__import__("decimal").Decimal("0.01"), pa.decimal128(3, 2))).cast(pa.decimal128(12, 2), safe=False)
        return pa.table(
            {
                "id": ids,
                "name": names,
                "email": mails,
                "status": states,
                "amount": amount,
                "weight": weights,
                "updated_at": pa.array(moments, pa.timestamp("us", "UTC")),
                "active": active,
            }
        )

    left = table(cents, weights, moments, active, names, states)
    changed = random.choice(rows, rows // 1000, replace=False)
    parts = np.array_split(changed, 4)
    cents, weights, moments, active = cents.copy(), weights.copy(), moments.copy(), active.copy()
    cents[parts[0]] += 1
    weights[parts[1]] += 0.001
    weights = np.round(weights, 3)
    moments[parts[2]] += 1_000_000
    active[parts[3]] = ~active[parts[3]]
    right = table(cents, weights, moments, active, names, states)
    gone = random.choice(np.setdiff1d(np.arange(rows), changed), 2 * (rows // 2000), replace=False)
    keep = np.ones((2, rows), dtype=bool)
    keep[0, gone[: len(gone) // 2]] = False
    keep[1, gone[len(gone) // 2 :]] = False
    return left.filter(pa.array(keep[0])), right.filter(pa.array(keep[1]))


def write(rows: int, folder: Path) -> None:
    """The files of both sides; those that are there already are left alone."""
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "right.jsonl").exists():
        return
    for name, table in zip(("left", "right"), tables(rows), strict=True):
        pq.write_table(table, folder / f"{name}.parquet")
        pc.write_csv(table, folder / f"{name}.csv", pc.WriteOptions(quoting_style="needed"))
        with (folder / f"{name}.jsonl").open("w") as file:
            for batch in table.to_batches(max_chunksize=10_000):
                for record in batch.to_pylist():
                    record["amount"], record["updated_at"] = float(record["amount"]), record["updated_at"].isoformat()
                    file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
