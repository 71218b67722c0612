"""`SqliteStore` against the standard library's sqlite3 with the same tables, statements, transactions and JSON values, written by hand.

Target: at least 0.8 of the speed of the raw one, by CPU time, in each case. The raw side checks no argument, translates no error, takes no lock.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

from _measure import alternating, options, ratio, show

from integrakit.protocols import Delete, Operation, Put, PutColumns
from integrakit.state import SqliteStore
from integrakit.state.schema import STEPS

ORDER = {"id": 7, "status": "paid", "email": "customer@shop.example", "total": "12.50", "lines": [{"sku": "A-1", "quantity": 2, "price": "6.25"}] * 4}
RECORD = json.dumps(ORDER).encode()
FIND = "SELECT id, version, expires, attributes FROM integrakit_documents WHERE space = ? AND key = ?"
INSERT = "INSERT INTO integrakit_documents (space, key, version, value, expires, attributes) VALUES (?, ?, ?, ?, ?, ?)"
UPDATE = "UPDATE integrakit_documents SET version = version + 1, value = ?, expires = ?, attributes = ? WHERE id = ?"
INDEX = "INSERT INTO integrakit_attributes (space, name, value, key) VALUES (?, ?, ?, ?)"
UNINDEX = "DELETE FROM integrakit_attributes WHERE space = ? AND name = ? AND value = ? AND key = ?"
FLOOR = "SELECT value FROM integrakit_meta WHERE name = 'version_floor'"
SET_FLOOR = "UPDATE integrakit_meta SET value = ? WHERE name = 'version_floor'"
DOCUMENTS = "SELECT key, value, version, attributes FROM integrakit_documents WHERE space = ? AND (+expires IS NULL OR +expires > ?) AND key"
GET = "SELECT key, value, version, attributes, expires FROM integrakit_documents WHERE space = ? AND key = ?"
UPSERT = "INSERT INTO integrakit_columns (set_id, key, value) VALUES (?, ?, ?) ON CONFLICT (set_id, key) DO UPDATE SET value = excluded.value"
COLUMNS = "SELECT key, value FROM integrakit_columns WHERE set_id = (SELECT id FROM integrakit_sets WHERE name = ?) AND key"
MARKS = "(" + ", ".join("?" * 200) + ")"


def dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Raw:
    """What one would write for this one purpose, with the same effect in the file."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        for step in STEPS:
            for statement in step:
                self.connection.execute(statement)
        self.connection.execute("INSERT INTO integrakit_sets VALUES (1, 'c')")

    def put(self, space: str, keys: list[str], attributes: dict[str, str] | None = None) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        floor = execute(FLOOR).fetchone()[0]
        self._put(space, keys, attributes, floor)
        execute("COMMIT")

    def _put(self, space: str, keys: list[str], attributes: dict[str, str] | None, floor: int) -> None:
        execute = self.connection.execute
        text = None if attributes is None else json.dumps(attributes)
        for key in keys:
            row = execute(FIND, (space, key)).fetchone()
            if row is None:
                execute(INSERT, (space, key, floor + 1, dumps(ORDER), None, text))
                for name, value in (attributes or {}).items():
                    execute(INDEX, (space, name, value, key))
            else:
                execute(UPDATE, (dumps(ORDER), None, text, row[0]))

    def step(self, keys: list[str]) -> None:
        execute = self.connection.execute
        self.put("intents", keys, {"run": "1"})
        execute("BEGIN IMMEDIATE")
        floor = execute(FLOOR).fetchone()[0]
        for key in keys:
            row = execute(FIND, ("intents", key)).fetchone()
            execute("DELETE FROM integrakit_documents WHERE id = ?", (row[0],))
            for name, value in json.loads(row[3]).items():
                execute(UNINDEX, ("intents", name, value, key))
            floor = max(floor, row[1])
        self._put("checkpoints", ["orders"], None, floor)
        set_id = execute("SELECT id FROM integrakit_sets WHERE name = ?", ("c",)).fetchone()[0]
        self.connection.executemany(UPSERT, [(set_id, key, RECORD) for key in keys])
        execute(SET_FLOOR, (floor,))
        execute("COMMIT")

    def put_columns(self, keys: list[str]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        set_id = self.connection.execute("SELECT id FROM integrakit_sets WHERE name = ?", ("c",)).fetchone()[0]
        self.connection.executemany(UPSERT, [(set_id, key, RECORD) for key in keys])
        self.connection.execute("COMMIT")

    def get(self, keys: list[str]) -> None:
        for key in keys:
            row = self.connection.execute(GET, ("d", key)).fetchone()
            json.loads(row[1])

    def get_many(self, keys: list[str]) -> dict[str, object]:
        found = {}
        for start in range(0, len(keys), 200):
            for row in self.connection.execute(f"{DOCUMENTS} IN {MARKS}", ("d", 0.0, *keys[start : start + 200])):
                found[row[0]] = json.loads(row[1])
        return found

    def scan(self) -> None:
        after = ""
        while rows := self.connection.execute(DOCUMENTS + " > ? ORDER BY key LIMIT 1000", ("d", 0.0, after)).fetchall():
            for row in rows:
                json.loads(row[1])
            after = rows[-1][0]

    def get_columns(self, keys: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), 200):
            found.update(self.connection.execute(f"{COLUMNS} IN {MARKS}", ("c", *keys[start : start + 200])).fetchall())
        return found

    def scan_columns(self) -> int:
        after, seen = "", 0
        while rows := self.connection.execute(COLUMNS + " > ? ORDER BY key LIMIT 1000", ("c", after)).fetchall():
            for _ in rows:
                seen += 1
            after = rows[-1][0]
        return seen


def step(store: SqliteStore, keys: list[str]) -> None:
    """What a sync does with a page: intents first; then outcomes, what was written and the checkpoint at once."""
    store.commit([Put("intents", key, ORDER, attributes={"run": "1"}) for key in keys])
    done: list[Operation] = [Delete("intents", key) for key in keys]
    store.commit([*done, Put("checkpoints", "orders", ORDER), PutColumns("c", dict.fromkeys(keys, RECORD))])


def cases(store: SqliteStore, raw: Raw, size: int) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    known = [f"order-{number:07}" for number in range(size)]
    store.commit([Put("d", key, ORDER) for key in known])
    raw.put("d", known)
    store.commit([PutColumns("c", dict.fromkeys(known, RECORD))])
    raw.put_columns(known)
    fresh = {name: count(1) for name in ("store", "raw")}

    def new(side: str) -> list[str]:
        batch = next(fresh[side])
        return [f"{number * 7919 % 1_000_003:07}-{batch}" for number in range(size)]

    def batches(keys: list[str], length: int) -> list[list[str]]:
        return [keys[start : start + length] for start in range(0, len(keys), length)]

    return {
        "put documents, new, 100 a commit": (
            lambda: [store.commit([Put("n", key, ORDER) for key in part]) for part in batches(new("store"), 100)],
            lambda: [raw.put("n", part) for part in batches(new("raw"), 100)],
        ),
        "put documents, known, 100 a commit": (
            lambda: [store.commit([Put("d", key, ORDER) for key in part]) for part in batches(known, 100)],
            lambda: [raw.put("d", part) for part in batches(known, 100)],
        ),
        "put documents, known, one a commit": (
            lambda: [store.commit([Put("d", key, ORDER)]) for key in known[: size // 5]],
            lambda: [raw.put("d", [key]) for key in known[: size // 5]],
        ),
        "a step of a sync, 100 changes": (
            lambda: [step(store, part) for part in batches(new("store"), 100)],
            lambda: [raw.step(part) for part in batches(new("raw"), 100)],
        ),
        "put columns, new, 1000 a commit": (
            lambda: [store.commit([PutColumns("c", dict.fromkeys(part, RECORD))]) for part in batches(new("store"), 1000)],
            lambda: [raw.put_columns(part) for part in batches(new("raw"), 1000)],
        ),
        "get documents one by one": (lambda: [store.get("d", key) for key in known], lambda: raw.get(known)),
        "get many documents": (lambda: store.get_many("d", known), lambda: raw.get_many(known)),
        "get columns": (lambda: store.get_columns("c", known), lambda: raw.get_columns(known)),
        "scan documents": (lambda: [None for _ in store.scan("d")], raw.scan),
        "scan columns": (lambda: sum(1 for _ in store.scan_columns("c")), raw.scan_columns),
    }


def main() -> None:
    arguments = options(__doc__ or "")
    rounds, size = (2, 400) if arguments.quick else (15, 4000)
    rows: list[dict[str, object]] = []
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder, "store.db")) as store:
        raw = Raw(Path(folder, "raw.db"))
        for name, (ours, theirs) in cases(store, raw, size).items():
            times = alternating({"store": ours, "raw": theirs}, rounds)
            cpu = {side: [measured[0] for measured in times[side]] for side in times}
            wall = {side: [measured[1] for measured in times[side]] for side in times}
            ratios.append(ratio(cpu["raw"], cpu["store"]))
            rows.append(
                {
                    "case": name,
                    "store CPU ms": median(cpu["store"]) * 1e3,
                    "raw CPU ms": median(cpu["raw"]) * 1e3,
                    "speed by CPU": ratios[-1],
                    "speed by clock": ratio(wall["raw"], wall["store"]),
                }
            )
        raw.connection.close()
    verdict: dict[str, object] = {"slowest case, of the speed of raw sqlite3 (target: at least 0.8)": min(ratios)}
    show(f"SqliteStore and raw sqlite3, {size} rows, {rounds} rounds", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
