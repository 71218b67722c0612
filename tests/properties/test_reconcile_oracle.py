"""Every engine against an oracle: a reconciliation that is slow and plain, written from the pages of the reference and not from the code."""

from __future__ import annotations

import contextlib
import json
import math
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError
from integrakit.files import CsvFile, JsonLines
from integrakit.model import Page
from integrakit.reconciliation import Diff, Field, Key, reconcile
from integrakit.sql import SqlQuery, SqlTable

slow = settings(deadline=None, max_examples=16, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])
ENGINES = ["dict", "auto", "merge", "spill", "arrow", "pushdown", "segments"]
Row = dict[str, Any]
ABSENT = ("absent",)
NUMBER = re.compile("-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?")


# ---------------------------------------------------------------- the oracle: values


def norm(value: Any) -> Any:
    """Equal for values that are the same: "When two values are the same"."""
    if isinstance(value, tuple):
        return value  # it is one already
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, int):
        return ("number", Fraction(value))
    if isinstance(value, float | Decimal):
        exact = Decimal(repr(value)) if isinstance(value, float) else value
        return ("nan",) if exact.is_nan() else ("number", math.copysign(math.inf, exact) if exact.is_infinite() else Fraction(exact))
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return ("naive", value - datetime(1, 1, 1))
        return ("instant", value.replace(tzinfo=None) - (value.utcoffset() or timedelta()) - datetime(1, 1, 1))
    if isinstance(value, list):
        return ("list", tuple(map(norm, value)))
    if isinstance(value, dict):
        return ("dict", frozenset((name, norm(each)) for name, each in value.items()))
    return (type(value).__name__, value)


def cell(text: str, like: Any) -> Any:
    """An untyped cell as what the other side has: "Cells of CSV files"."""
    kind = norm(like)[0]
    with contextlib.suppress(ValueError):
        if kind in ("null", "absent"):
            return None if text == "" else text
        if kind == "number":
            return Decimal(text) if NUMBER.fullmatch(text) or text.lower().lstrip("-") in ("inf", "infinity") else text
        if kind == "nan" and text.lower() == "nan":
            return math.nan
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind == "date" and len(text) == 10:
            return date.fromisoformat(text)
        if kind in ("naive", "instant") and len(text) > 15 and text == text.strip():
            return datetime.fromisoformat(text)
    return text


def prepared(value: Any, options: Row) -> Any:
    empty = options.get("null_is_empty", False)
    if empty and (value is None or value == ABSENT or value == ""):
        return None
    if isinstance(value, str):
        value = value.casefold() if options.get("ignore_case") else value
        value = value.strip() if options.get("blanks") == "trim" else value
    if isinstance(value, datetime) and options.get("truncate") == "s":
        value = value.replace(microsecond=0)
    return None if empty and value == "" else value


def agree(left: Any, right: Any, options: Row, untyped: tuple[bool, bool]) -> bool:
    if untyped[0] != untyped[1]:
        if untyped[0] and isinstance(left, str) and not isinstance(right, str):
            left = cell(left, right)
        if untyped[1] and isinstance(right, str) and not isinstance(left, str):
            right = cell(right, left)
    mine, other = norm(prepared(left, options)), norm(prepared(right, options))
    if mine == other:
        return True
    within = options.get("within")
    if within is None or mine[0] != "number" or other[0] != "number" or math.inf in (abs(mine[1]), abs(other[1])):
        return options.get("unordered", False) and mine[0] == other[0] == "list" and Counter(mine[1]) == Counter(other[1])
    limit = Fraction(within[:-1]) / 100 * max(abs(mine[1]), abs(other[1])) if within.endswith("%") else Fraction(within)
    return bool(abs(mine[1] - other[1]) <= limit)


# ---------------------------------------------------------------- the oracle: records


def pairing(fits: list[list[int]]) -> dict[int, int]:
    """The most pairs there can be: right → left."""
    taken: dict[int, int] = {}

    def place(left: int, seen: set[int]) -> bool:
        for right in fits[left]:
            if right not in seen:
                seen.add(right)
                if right not in taken or place(taken[right], seen):
                    taken[right] = left
                    return True
        return False

    for left in range(len(fits)):
        place(left, set())
    return taken


def oracle(left: list[Row], right: list[Row], keys: tuple[list[str], list[str]], fields: Any, untyped: tuple[bool, bool]) -> Row:
    sides = (left, right)
    have = [{name for row in rows for name in row} for rows in sides]
    if fields is None:
        both = have[0] & have[1] if left and right else set()
        fields = [(name, name, {}) for name in sorted(both - {*keys[0], *keys[1]})]
    raw = [[[norm(row.get(name)) for name in keys[side]] for row in sides[side]] for side in (0, 1)]
    for side in (0, 1):  # untyped keys are read as the other side's, part by part
        if untyped[side] and not untyped[1 - side]:
            usable = [key for key in raw[1 - side] if not any(part[0] in ("null", "nan") for part in key)]
            for part, name in enumerate(keys[side]):
                kinds = {key[part][0] for key in usable}
                if len(kinds) == 1 and kinds != {"str"}:
                    example = next(row[keys[1 - side][part]] for row in sides[1 - side] if norm(row.get(keys[1 - side][part]))[0] in kinds)
                    for key, row in zip(raw[side], sides[side], strict=True):
                        key[part] = norm(cell(row[name], example))
    groups: dict[Any, tuple[list[Row], list[Row]]] = {}
    counts = dict.fromkeys(["left", "right", "matched", "equal", "changed", "missing_left", "missing_right", "duplicates", "null_keys", "invalid"], 0)
    counts.update(left=len(left), right=len(right))
    mismatches: Counter[str] = Counter()
    breaks: Counter[Any] = Counter()

    def shown(side: int, row: Row | None) -> Any:
        return None if row is None else frozenset((name, norm(value)) for name, value in row.items())

    for side in (0, 1):
        for key, row in zip(raw[side], sides[side], strict=True):
            if any(part[0] in ("null", "nan") for part in key):
                counts["null_keys"] += 1
                breaks["null_key", side, shown(side, row)] += 1
            else:
                groups.setdefault(tuple(key), ([], []))[side].append(row)
    for key, (mine, others) in groups.items():

        def apart(one: Row, other: Row) -> frozenset[str]:
            differ = [name for name, called, options in fields if not agree(one.get(name, ABSENT), other.get(called, ABSENT), options, untyped)]
            return frozenset(differ)

        if max(len(mine), len(others)) > 1:
            found = pairing([[index for index, other in enumerate(others) if not apart(one, other)] for one in mine])
            counts["duplicates"] += 1
            counts["equal"] += len(found)
            if len(found) < max(len(mine), len(others)):
                breaks["duplicate", key, len(mine) - len(found), len(others) - len(found)] += 1
        elif not (mine and others):
            kind = "missing_right" if mine else "missing_left"
            counts[kind] += 1
            breaks[kind, key, shown(0, mine[0] if mine else None), shown(1, others[0] if others else None)] += 1
        elif differ := apart(mine[0], others[0]):
            counts["changed"] += 1
            mismatches.update(differ)
            breaks["changed", key, shown(0, mine[0]), shown(1, others[0]), differ] += 1
        else:
            counts["equal"] += 1
    counts["matched"] = counts["equal"] + counts["changed"]
    totals = {}
    for name, called, _ in fields:
        sums = []
        for side, here in ((0, name), (1, called)):
            found = [row[here] for row in sides[side] if row.get(here) is not None]
            if untyped[side]:
                found = [cell(each, 0) for each in found if each != ""]
            sums.append([norm(each) for each in found])
        if any(sums) and all(each[0] == "number" and abs(each[1]) != math.inf for each in sums[0] + sums[1]):
            totals[name] = tuple(sum((each[1] for each in half), Fraction(0)) for half in sums)
    only = [(have[side] - have[1 - side]) - {*keys[0], *keys[1]} for side in (0, 1)]
    return {"summary": counts, "mismatches": dict(mismatches), "breaks": breaks, "totals": totals, "only": only}


def said(diff: Diff, keys: tuple[list[str], list[str]], coerced: Callable[[Any, Row | None, Row | None], Any]) -> Row:
    """What the engine says, in the words of the oracle."""
    breaks: Counter[Any] = Counter()
    for each in diff.breaks():
        if each.kind == "null_key":
            side = 0 if each.left is not None else 1
            breaks["null_key", side, frozenset((name, norm(value)) for name, value in (each.left or each.right or {}).items())] += 1
        elif each.kind == "duplicate":
            breaks["duplicate", coerced(each.key, (each.left or [None])[0], (each.right or [None])[0]), len(each.left), len(each.right)] += 1
        else:
            records = [None if row is None else frozenset((name, norm(value)) for name, value in row.items()) for row in (each.left, each.right)]
            key = coerced(each.key, each.left, each.right)
            breaks[(each.kind, key, *records, *([frozenset(each.fields)] if each.kind == "changed" else []))] += 1
    return {
        "summary": dict(diff.summary),
        "mismatches": {name: each.mismatches for name, each in diff.by_field.items()},
        "breaks": breaks,
        "totals": {name: (Fraction(each.left), Fraction(each.right)) for name, each in diff.totals.items() if each.exact},
        "only": [set(diff.only_left), set(diff.only_right)],
    }


def everything(diff: Diff) -> dict[str, str]:
    """All that two engines must agree on, written down."""

    def record(value: Any) -> Any:  # records of one key have no order in a database
        return sorted(map(repr, value)) if isinstance(value, tuple) else value

    breaks = [
        repr(
            (
                each.key,
                each.kind,
                record(each.left),
                record(each.right),
                {name: (m.left, m.right, m.cause) for name, m in each.fields.items()},
                each.reason,
            )
        )
        for each in diff.breaks()
        if each.kind != "null_key"
    ]
    return {
        "summary": repr(dict(diff.summary)),
        "breaks": "\n".join(breaks),
        "null keys": "\n".join(sorted(repr((each.key, each.left, each.right, each.reason)) for each in diff.breaks() if each.kind == "null_key")),
        "by_field": repr({name: (each.mismatches, dict(sorted(each.causes.items()))) for name, each in sorted(diff.by_field.items())}),
        "totals": repr({name: (*map(norm, (each.left, each.right, each.difference)), each.exact) for name, each in sorted(diff.totals.items())}),
        "lookalikes": repr(sorted(map(repr, diff.lookalikes))),
        "only": repr((sorted(diff.only_left), sorted(diff.only_right))),
    }


# ---------------------------------------------------------------- worlds: values by kind, and what a side may be

BERLIN = timezone(timedelta(hours=2))
POOLS: dict[str, list[Any]] = {
    "int": [0, 1, 2, 3, 11, 42, -1, 2**53, 2**53 + 1],
    "float": [0.0, -0.0, 0.1, 1.1, 0.1 + 0.2, 0.3, math.nan, math.inf, 42.0, float(2**53), 1e300, 1 / 3],
    "decimal": [Decimal(each) for each in ("1.10", "0.10", "42.00", "0.00", "-1.00", "110.00", "0.30")],
    "text": [
        "",
        " ",
        "a",
        "A",
        "a ",
        "é",
        "e\u0301",
        "42",
        "042",
        "1.10",
        "1",
        "11",
        "\U0001f600",
        "\uffff",
        "a\nb",
        '"',
        ",",
        "null",
        "nan",
        "ß",
        "SS",
    ],
    "bool": [True, False],
    "date": [date(2026, 1, 1), date(2026, 2, 1), date(2026, 1, 2), date(1, 1, 1)],
    "naive": [datetime(2026, 1, 1), datetime(2026, 1, 1, 1), datetime(2026, 1, 1, 0, 0, 0, 1), datetime(2026, 10, 25, 2, 30)],
    "instant": [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)],
    "bytes": [b"", b"a", b"A", b"\xff"],
    "list": [[], [1], [1, 2], [2, 1], [None], [1, 1]],
}
POOLS["mixed"] = [value for pool in POOLS.values() for value in pool] + [{"x": 1}, {"x": 1.0}, [0.1, "a"], datetime(2026, 1, 1, 2, tzinfo=BERLIN)]
ALIKE = {"int": ["int", "int", "decimal", "float", "text"], "float": ["float", "float", "decimal"], "decimal": ["decimal", "float", "int"]}
ALIKE |= {"naive": ["naive", "naive", "instant", "date"], "text": ["text", "text", "text", "bytes", "int"], "bool": ["bool", "bool", "int"]}


def types_of_arrow() -> Row:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    return {
        "int": pa.int64(), "float": pa.float64(), "decimal": pa.decimal128(20, 2), "text": pa.string(), "bool": pa.bool_(), "date": pa.date32(),
        "naive": pa.timestamp("us"), "instant": pa.timestamp("us", "UTC"), "bytes": pa.binary(), "list": pa.list_(pa.int64()),
    }  # fmt: skip


def arrow_table(rows: list[Row], kinds: Row) -> Any:
    import pyarrow as pa

    known = types_of_arrow()
    columns = {name: pa.array([row.get(name) for row in rows], known[kind]) for name, kind in kinds.items()}
    return pa.table(columns)


class Paged:
    """A source that gives its records page by page, as often as it is asked."""

    def __init__(self, rows: list[Row], size: int) -> None:
        self.rows, self.size = rows, size

    def pages(self, since: Any) -> Iterator[Page]:
        return (Page(self.rows[start : start + self.size]) for start in range(0, len(self.rows), self.size))


def text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else value.isoformat() if isinstance(value, date) else str(value)


class Side:
    """One side in one of its forms: the records it holds, and a function that gives it anew."""

    def __init__(self, form: str, rows: list[Row], kinds: Row, folder: Path, which: str, size: int, place: Row) -> None:
        self.form, self.untyped, self.schema = form, form == "csv", form not in ("list", "generator", "pages", "jsonl")
        names = list(kinds)
        full = [{name: row.get(name) for name in names} for row in rows]
        path = folder / f"{which}.{ {'parquet': 'parquet', 'csv': 'csv', 'typed': 'csv', 'jsonl': 'jsonl'}.get(form, 'db') }"
        self.rows = rows if not self.schema else full
        if form == "list":
            self.make: Callable[[], Any] = lambda: rows
        elif form == "generator":
            self.make = lambda: iter(rows)
        elif form == "pages":
            self.make = lambda: Paged(rows, size)
        elif form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            self.make = lambda: path
        elif form in ("csv", "typed"):
            import csv

            texts = [[text_of(row[name]) for name in names] for row in full]
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, quoting=csv.QUOTE_ALL if size == 1 else csv.QUOTE_MINIMAL, lineterminator="\n").writerows([names, *texts])
            self.rows = [dict(zip(names, line, strict=True)) for line in texts]
            types = {"int": int, "float": float, "decimal": Decimal, "bool": bool, "date": date, "naive": datetime, "instant": datetime}
            if form == "typed":
                given_types = {name: types[kind] for name, kind in kinds.items() if kind in types} or {names[0]: str}
                self.rows = [
                    {name: value if name in given_types and kinds[name] in types else text_of(value) for name, value in row.items()} for row in full
                ]
                self.make = lambda: CsvFile(path, types=given_types, page_size=size)
            else:
                self.make = lambda: CsvFile(path, page_size=size) if size > 1 else path
        elif form in ("sqlite", "query"):
            columns = ", ".join(
                f'"{name}" {({"int": "INTEGER", "float": "REAL", "text": "TEXT", "bytes": "BLOB"})[kind]}' for name, kind in kinds.items()
            )
            with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                connection.execute(f"CREATE TABLE t ({columns})")
                connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", [tuple(row.values()) for row in full])
            url, key = f"sqlite:///{path}", names[0]
            self.make = (lambda: SqlTable(url, "t", key=key)) if form == "sqlite" else (lambda: SqlQuery(url, "SELECT * FROM t"))
        else:
            self._columns(form, full, kinds, path, which, place)

    def _columns(self, form: str, full: list[Row], kinds: Row, path: Path, which: str, place: Row) -> None:
        table = arrow_table(full, kinds)
        if form == "parquet":
            import pyarrow.parquet as pq

            pq.write_table(table, path, row_group_size=3)
            self.make = lambda: path
        elif form == "arrow":
            self.make = lambda: table
        elif form == "reader":
            self.make = lambda: table.to_reader(max_chunksize=2)
        elif form == "polars":
            polars = pytest.importorskip("polars", reason="needs polars")
            frame = polars.from_arrow(table)
            self.make = lambda: frame
        elif form == "pandas":
            pandas = pytest.importorskip("pandas", reason="needs pandas")
            frame = table.to_pandas(types_mapper=pandas.ArrowDtype)
            self.make = lambda: frame
        else:
            duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")

            def relation() -> Any:  # both sides in one connection, a new one each time
                if owner == which:
                    place["connection"] = duckdb.connect()
                return place["connection"].from_arrow(table)

            owner = place.setdefault("owner", which)
            self.make = relation


RECORDS = ["list", "generator", "pages"]
FORMS = ["jsonl", "csv", "typed", "sqlite", "query", "parquet", "arrow", "reader", "polars", "pandas", "duckdb"]
CAN: dict[str, set[str]] = {form: set(POOLS) for form in RECORDS}
CAN |= {
    "jsonl": {"int", "text", "bool", "list", "json float"},
    "csv": set(POOLS) - {"mixed", "list", "bytes"},
    "typed": set(POOLS) - {"mixed", "list", "bytes", "float"},
    "sqlite": {"int", "text", "bytes"},
    "query": {"int", "text", "bytes"},
}
for form in FORMS:
    CAN.setdefault(form, set(POOLS) - {"mixed"})
OPTIONS: list[Row] = [{}, {}, {}, {"within": "0.2"}, {"within": "50%"}, {"null_is_empty": True}, {"ignore_case": True}, {"blanks": "trim"}]
OPTIONS += [{"truncate": "s"}, {"unordered": True}, {"blanks": "trim", "null_is_empty": True}]


@st.composite
def worlds(draw: Any, forms: list[str] | None = None) -> Row:
    """Two sides that hold nearly the same records, in any form, order and type."""
    both = [draw(st.sampled_from(forms or RECORDS + FORMS)) for _ in (0, 1)]
    if draw(st.booleans()):
        both[1] = both[0]
    names = (["k"], ["k"], ["k", "l"])[draw(st.integers(0, 2))]
    fields = ["a", "b", "c"][: draw(st.integers(1, 3))]
    kinds: tuple[Row, Row] = ({}, {})
    for name in names + fields:
        usual = ["int", "text", "int", "text", "date", "decimal", "instant", "bytes", "mixed"] if name in names else sorted(POOLS)
        allowed = [each for each in usual if each in CAN[both[0]]]
        kinds[0][name] = kind = draw(st.sampled_from(allowed))
        near = [each for each in (ALIKE.get(kind, [kind]) if draw(st.booleans()) else [kind]) if each in CAN[both[1]]]
        kinds[1][name] = draw(st.sampled_from(near or sorted(CAN[both[1]] - {"json float", "mixed"})))
    size = draw(st.sampled_from([3, 5, 8, 14, 1, 0]))
    nulls, repeats = draw(st.booleans()), draw(st.booleans())
    base: list[Row] = []
    for _ in range(size):
        row = {}
        for name in names + fields:
            pool = POOLS[kinds[0][name]]
            row[name] = None if (nulls or name in fields) and draw(st.integers(0, 6)) == 0 else draw(st.sampled_from(pool))
        if repeats or all([norm(other[name]) for name in names] != [norm(row[name]) for name in names] for other in base):
            base.append(row)
    sides = []
    for side in (0, 1):
        rows = []
        for index, row in enumerate(base):
            fate = draw(st.integers(0, 9))
            if fate == 0:
                continue
            mine = {name: fitting(value, kinds[side][name], index) for name, value in row.items()}
            if fate == 1:
                name = draw(st.sampled_from(fields))
                mine[name] = draw(st.sampled_from([None, *POOLS[kinds[side][name]]]))
            if both[side] in RECORDS and draw(st.integers(0, 9)) == 0:
                del mine[draw(st.sampled_from(fields + names))]
            rows.append(mine)
        if draw(st.integers(0, 9)) == 0:
            rows = []
        extra = draw(st.integers(0, 4)) == 0
        if extra:
            kinds[side][f"only{side}"] = "int"
            rows = [{**row, f"only{side}": 1} for row in rows]
        order = draw(st.sampled_from(["ordered", "ordered", "late", "any"]))
        rows.sort(key=lambda row: tuple((norm(row.get(name))[0], *(norm(row.get(name))[1:])) for name in names) if order != "any" else ())
        if order == "late" and len(rows) > 1:
            rows = [*rows[1:-1], rows[-1], rows[0]]
        sides.append(rows)
    options = None if draw(st.booleans()) else [draw(st.sampled_from(OPTIONS)) for _ in fields]
    renamed = options is not None and draw(st.integers(0, 4)) == 0
    if renamed:
        sides[1] = [{"R" + name: value for name, value in row.items()} for row in sides[1]]
        kinds = (kinds[0], {"R" + name: kind for name, kind in kinds[1].items()})
    prefix = "R" if renamed else ""
    return {
        "forms": both,
        "kinds": kinds,
        "rows": sides,
        "keys": (names, [prefix + name for name in names]),
        "fields": None if options is None else [(name, prefix + name, more) for name, more in zip(fields, options, strict=True)],
        "size": draw(st.integers(1, 3)),
        "tight": draw(st.booleans()),
    }


def fitting(value: Any, kind: str, index: int) -> Any:
    """The value as one of this kind where it can be, else another one."""
    if value is None or kind == "mixed":
        return value
    numeric = isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "text" and numeric:
        return str(value)
    if numeric and kind == "int" and value == int(value) and abs(value) < 2**62:
        return int(value)
    if numeric and kind == "float":
        return float(value)
    if numeric and kind == "decimal" and abs(value) < 10**17 and Decimal(repr(value) if isinstance(value, float) else value) % Decimal("0.01") == 0:
        return Decimal(repr(value) if isinstance(value, float) else value).quantize(Decimal("0.01"))
    if isinstance(value, datetime):
        return value if kind == ("naive" if value.tzinfo is None else "instant") else POOLS[kind][index % len(POOLS[kind])]
    if any(type(value) is type(each) for each in POOLS[kind]):
        return value
    return POOLS[kind][index % len(POOLS[kind])]


@contextlib.contextmanager
def tight(really: bool) -> Iterator[None]:
    """Windows, blocks and memory as small as they can be."""
    with pytest.MonkeyPatch.context() as patch:
        if really:
            place = "integrakit.reconciliation."
            for name, value in (
                ("engines.merging._ENOUGH", 2), ("engines.joining._BLOCK", 2), ("engines.in_memory._LOT", 2), ("inputs.feed.PROBATION", 3),
                ("inputs.plain_columns.WINDOW", 2), ("inputs.batches.WINDOW", 2), ("engines.spill.engine._ROOM", 1e-5),
            ):  # fmt: skip
                patch.setattr(place + name, value)
        yield


def hold(world: Row, engines: list[str]) -> None:
    with TemporaryDirectory() as folder:
        rows, kinds, keys, fields = world["rows"], world["kinds"], world["keys"], world["fields"]
        place: Row = {}
        made = [Side(world["forms"][side], rows[side], kinds[side], Path(folder), "lr"[side], world["size"], place) for side in (0, 1)]
        left, right = made
        untyped = (left.untyped, right.untyped)
        options: Row = {"key": Key(*keys[0], right=keys[1])}
        if fields is not None:
            options["fields"] = [Field(name, right=called, **more) for name, called, more in fields]
        answers: dict[str, Any] = {}
        for engine in engines:
            try:
                with tight(world["tight"]):
                    diff = reconcile(left.make(), right.make(), engine=engine, **options)
            except ConfigurationError as problem:
                if f'engine="{engine}"' in str(problem):
                    continue
                if "no record on either side has the field" not in str(problem):
                    raise
                answers[engine] = "no such field"
                continue
            answers[engine] = everything(diff)
            if engine == "dict":
                check(diff, left, right, keys, fields, untyped)
        assert {"dict", "auto"} <= answers.keys() or "dict" not in engines, answers.keys()
        first = next(iter(answers))
        for engine, answer in answers.items():
            if isinstance(answer, str) or isinstance(answers[first], str):
                assert answer == answers[first], f"{engine} is not {first}"
                continue
            for what, expected in answers[first].items():
                # Of a side without records an engine on columns knows the fields, and one on records does not.
                if what != "totals" or fields is not None or all(half.rows for half in made):
                    assert (engine, what, answer[what]) == (engine, what, expected)


def check(diff: Diff, left: Side, right: Side, keys: Any, fields: Any, untyped: tuple[bool, bool]) -> None:
    expected = oracle(left.rows, right.rows, keys, fields, untyped)
    usable: list[list[set[str]]] = []
    for side, half in ((0, left), (1, right)):
        found: list[set[str]] = [set() for _ in keys[side]]
        for row in half.rows:
            parts = [norm(row.get(name)) for name in keys[side]]
            if not any(part[0] in ("null", "nan") for part in parts):
                for kinds, part in zip(found, parts, strict=True):
                    kinds.add(part[0])
        usable.append(found)

    def coerced(key: Any, one: Any, other: Any) -> Any:
        parts = list(key) if len(keys[0]) > 1 else [key]
        if untyped[0] != untyped[1]:
            typed = untyped.index(False)
            source = other if typed else one
            for place, part in enumerate(parts):
                if isinstance(part, str) and source is None and len(usable[typed][place]) == 1 and usable[typed][place] != {"str"}:
                    kind = next(iter(usable[typed][place]))
                    rows, names = ((left, right)[typed].rows, keys[typed])
                    like = next(row[names[place]] for row in rows if norm(row.get(names[place]))[0] == kind)
                    parts[place] = cell(part, like)
                elif isinstance(part, str) and source is not None:
                    parts[place] = source[keys[typed][place]]
        return tuple(map(norm, parts))

    found = said(diff, keys, coerced)
    assert found["summary"] == expected["summary"]
    assert found["mismatches"] == expected["mismatches"]
    assert found["breaks"] == expected["breaks"]
    if left.rows and right.rows:
        assert {name: total for name, total in expected["totals"].items() if name in found["totals"]} == found["totals"]
        assert expected["totals"].keys() <= diff.totals.keys()
        if fields is None:
            assert found["only"] == expected["only"]


@slow
@given(worlds())
def test_every_engine_says_what_the_oracle_says(world: Row) -> None:
    hold(world, ENGINES)


@settings(slow, max_examples=8)
@given(worlds(["csv", "parquet", "arrow", "duckdb"]))
def test_engines_on_columns_say_what_the_oracle_says(world: Row) -> None:
    hold(world, ENGINES)


# ---------------------------------------------------------------- what these worlds found


@pytest.mark.parametrize("engine", ["dict", "merge", "spill", "arrow", "pushdown"])
def test_cells_have_totals_where_rows_have_no_partner(tmp_path: Path, engine: Any) -> None:
    needed(engine)
    (tmp_path / "l.csv").write_text("id,v\n1,1.5\n2,2.5\n")
    (tmp_path / "r.csv").write_text("id,v\n2,2.5\n3,4\n")
    total = reconcile(tmp_path / "l.csv", tmp_path / "r.csv", key="id", engine=engine).totals["v"]
    assert (total.left, total.right, total.exact) == (4, Decimal("6.5"), True)


@pytest.mark.parametrize("engine", ["dict", "merge", "spill", "arrow", "pushdown"])
def test_what_only_one_side_has_is_no_news_where_the_fields_are_named(tmp_path: Path, engine: Any) -> None:
    needed(engine)
    (tmp_path / "l.csv").write_text("id,v,extra\n1,1.5,x\n")
    (tmp_path / "r.csv").write_text("id,v\n1,1.5\n")
    assert reconcile(tmp_path / "l.csv", tmp_path / "r.csv", key="id", engine=engine).only_left == ("extra",)
    assert reconcile(tmp_path / "l.csv", tmp_path / "r.csv", key="id", fields=["v"], engine=engine).only_left == ()


@pytest.mark.parametrize("engine", ["auto", "dict", "merge", "spill", "arrow", "pushdown"])
def test_relations_of_one_connection_are_compared_and_leave_it_free(engine: Any) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    connection = duckdb.connect()
    left = connection.sql("SELECT i AS id, i * 2 AS v FROM range(5000) t(i) ORDER BY i")
    right = connection.sql("SELECT i AS id, i * 2 AS v FROM range(1, 5001) t(i) ORDER BY i")
    for _ in range(2):
        diff = reconcile(left, right, key="id", engine=engine)
        assert (diff.summary["equal"], diff.summary["missing_right"], diff.summary["missing_left"]) == (4999, 1, 1)
    assert connection.sql("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(ConfigurationError, match="not in the order"):
        reconcile(connection.sql("SELECT -i AS id FROM range(30000) t(i)"), left, key="id", engine="merge")
    assert connection.sql("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("engine", ["auto", "dict", "arrow", "pushdown"])
def test_what_a_frame_raises_is_told_in_our_words(engine: Any) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    connection = duckdb.connect()
    broken = connection.sql("SELECT CASE WHEN i = 4000 THEN error('boom') ELSE i END AS id, 1 AS v FROM range(5000) t(i)")
    with pytest.raises(IntegrakitError):
        reconcile(broken, connection.sql("SELECT 1 AS id, 1 AS v"), key="id", engine=engine)
    relation = connection.sql("SELECT 1 AS id, 1 AS v")
    connection.close()
    with pytest.raises(IntegrakitError):
        reconcile(relation, [{"id": 1, "v": 1}], key="id")


def test_the_other_file_is_closed_when_one_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text("".join(f'{{"id": {number}}}\n' for number in range(5000)))
    (tmp_path / "r.jsonl").write_text('{"id": 1}\n{"id"')
    opened: list[Any] = []

    class Noted(JsonLines):
        def open_read(self, *given: Any, **named: Any) -> Any:
            opened.append(super().open_read(*given, **named))
            return opened[-1]

    with pytest.raises(DecodeError):
        reconcile(Noted(tmp_path / "l.jsonl"), JsonLines(tmp_path / "r.jsonl"), key="id", engine="merge")
    (reader,) = opened
    assert not reader._file._open


def needed(engine: str) -> None:
    for module in {"arrow": ["pyarrow", "numpy"], "pushdown": ["duckdb", "pyarrow"]}.get(engine, []):
        pytest.importorskip(module, reason=f"needs {module}")
