"""The engine that compares columns says what the one that compares records says, on tables of many types."""

from __future__ import annotations

import math
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.files import CsvFile
from integrakit.reconciliation import Diff, Field, reconcile
from integrakit.reconciliation.inputs.batches import Unreadable, columns_of

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
pytest.importorskip("numpy", reason="needs numpy")

slow = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def everything(diff: Diff) -> Any:
    """All that two engines must agree on."""
    breaks = [(b.key, b.kind, b.left, b.right, {name: (m.left, m.right, m.cause) for name, m in b.fields.items()}, b.reason) for b in diff.breaks()]
    totals = {name: (Decimal(t.left), Decimal(t.right), Decimal(t.difference), t.exact) for name, t in diff.totals.items()}
    alike = (diff.lookalikes, diff.only_left, diff.only_right, diff.matches)
    return dict(diff.summary), repr(breaks), {name: dict(m.causes) for name, m in diff.by_field.items()}, totals, alike


def both(left: Any, right: Any, **options: Any) -> tuple[Any, Any]:
    """What the two engines say; None for arrow where it says that it cannot."""
    try:
        found = everything(reconcile(left, right, engine="arrow", **options))
    except ConfigurationError as problem:
        if 'engine="arrow"' not in str(problem):
            raise
        found = None
    return found, everything(reconcile(left, right, engine="dict", **options))


# ---------------------------------------------------------------- tables of many types

texts = st.sampled_from(["", "a", "A", " a", "é", "e\u0301", "😀", "1.10", "42", "\U0001f600b", "\uffff", "z" * 40])
instants = st.sampled_from([0, 1, 1_700_000_000, 1_700_000_000_123_456, -1, 86_400_000_000, 1_000_000])
FAMILIES: dict[str, tuple[list[Any], Any]] = {
    "whole": (
        [pa.int8(), pa.int64(), pa.uint8(), pa.uint64(), pa.int32(), pa.float64(), pa.decimal128(12, 2), pa.decimal128(38, 10)],
        st.integers(0, 12).map(Decimal),
    ),
    "number": (
        [pa.float64(), pa.decimal128(12, 2), pa.decimal128(20, 5), pa.decimal256(60, 8), pa.float32()],
        st.sampled_from([Decimal(each) for each in ("0", "0.1", "1.1", "1.10", "-2.5", "0.3", "1234567.89", "3", "0.07")]),
    ),
    "large": (
        [pa.int64(), pa.decimal128(38, 0), pa.float64(), pa.uint64()],
        st.sampled_from([2**53, 2**53 + 1, 2**53 - 1, 10**15, 10**15 - 1, 2**63 - 1, 1, 0]).map(Decimal),
    ),
    "odd floats": (
        [pa.float64(), pa.float32()],
        st.one_of(st.sampled_from([math.nan, -0.0, 0.0, math.inf, -math.inf, 1e300, 0.1 + 0.2, 0.3, 1 / 3, 5e-324]), st.floats(width=32)),
    ),
    "text": ([pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], texts),
    "bytes": ([pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1)], st.sampled_from([b"a", b"b", b"\xff"])),
    "bool": ([pa.bool_()], st.booleans()),
    "time of day": ([pa.time32("s"), pa.time64("us"), pa.time64("ns")], st.sampled_from([time(0), time(1, 2, 3)])),
    "duration": ([pa.duration("s"), pa.duration("us"), pa.duration("ns")], st.sampled_from([timedelta(0), timedelta(days=1), timedelta(seconds=-1)])),
    "date": ([pa.date32(), pa.date64()], st.sampled_from([date(2026, 1, 1), date(1969, 12, 31)])),
    "naive": ([pa.timestamp("us"), pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ms")], instants.map(lambda at: at // 1_000_000)),
    "aware": (
        [pa.timestamp("us", "UTC"), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ns", "UTC"), pa.timestamp("s", "+05:30")],
        instants.map(lambda at: at // 1_000_000),
    ),
    "list": ([pa.list_(pa.float64()), pa.large_list(pa.float64())], st.lists(st.sampled_from([1.0, math.nan, -0.0, 0.1, None]), max_size=3)),
    "struct": (
        [pa.struct([("x", pa.int64()), ("y", pa.string())])],
        st.fixed_dictionaries({"x": st.sampled_from([1, None]), "y": st.sampled_from(["a", "A"])}),
    ),
    "map": (
        [pa.map_(pa.string(), pa.float32())],
        st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([0.1, None]), max_size=2).map(lambda each: list(each.items())),
    ),
    "nothing": ([pa.null()], st.none()),
}
ANY = [kinds[0] for kinds, _ in FAMILIES.values()]
KEYS: dict[str, tuple[list[Any], Any]] = {
    "whole": ([pa.int64(), pa.int32(), pa.uint64(), pa.decimal128(10, 0), pa.float64(), pa.decimal128(12, 2)], st.integers(0, 9).map(Decimal)),
    "text": ([pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], texts),
    "bytes": ([pa.binary()], st.sampled_from([b"a", b"b", b"", b"\xff"])),
    "date": ([pa.date32(), pa.date64()], st.sampled_from([date(2026, 1, day) for day in range(1, 9)])),
    "naive": ([pa.timestamp("us"), pa.timestamp("s"), pa.timestamp("ns")], st.integers(-3, 9)),
    "aware": ([pa.timestamp("us", "UTC"), pa.timestamp("ms", "Europe/Berlin")], st.integers(-3, 9)),
    "bool": ([pa.bool_()], st.booleans()),
}


def array(kind: Any, values: list[Any]) -> Any:
    """Values as a column of a type: of times, counts of seconds."""
    types = pa.types
    if types.is_timestamp(kind):
        factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        return pa.array([None if value is None else value * factor for value in values], pa.int64()).cast(kind)
    if types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    if types.is_integer(kind):
        values = [None if value is None else int(value) for value in values]
        low, high = (0, 2**kind.bit_width) if types.is_unsigned_integer(kind) else (-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1))
        values = [value if value is None or low <= value < high else 0 for value in values]
    if types.is_floating(kind):
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, kind)


@st.composite
def tables(draw: Any, ordered: bool | None = None) -> tuple[Any, Any]:
    """Two tables that are alike, cell by cell, most of the time."""
    size = draw(st.integers(0, 12))
    key_names = draw(st.sampled_from([["id"], ["id"], ["id", "sub"]]))
    columns: dict[str, tuple[list[Any], list[Any]]] = {}
    kinds: dict[str, tuple[Any, Any]] = {}
    for name in key_names:
        choices, values = KEYS[draw(st.sampled_from(sorted(KEYS)))]
        kinds[name] = (draw(st.sampled_from(choices)), draw(st.sampled_from(choices)))
        found = draw(st.lists(values if draw(st.booleans()) else st.one_of(st.none(), values), min_size=size, max_size=size))
        columns[name] = (found, list(found))
    for name in ("a", "b"):
        choices, values = FAMILIES[draw(st.sampled_from(sorted(FAMILIES)))]
        kinds[name] = (draw(st.sampled_from(choices)), draw(st.sampled_from(choices if draw(st.integers(0, 5)) else ANY)))
        mine = draw(st.lists(st.one_of(st.none(), values), min_size=size, max_size=size))
        theirs = [each if draw(st.integers(0, 4)) else draw(st.one_of(st.none(), values)) for each in mine]
        columns[name] = (mine, theirs)
    sides = []
    for side in (0, 1):
        keep = [index for index in range(size) if draw(st.integers(0, 6))]
        if draw(st.booleans()) if ordered is None else ordered:
            keep.sort(
                key=lambda index: tuple(
                    (columns[name][side][index] is not None, columns[name][side][index] or type(columns[name][side][index])()) for name in key_names
                )
            )
        try:
            arrays = [array(kinds[name][side], [columns[name][side][index] for index in keep]) for name in columns]
        except (pa.ArrowException, ValueError, TypeError, OverflowError):  # the other family's values have no such type
            arrays = [
                array(
                    kinds[name][0] if name in key_names else pa.null(),
                    [columns[name][side][index] for index in keep] if name in key_names else [None] * len(keep),
                )
                for name in columns
            ]
        table = pa.table(arrays, names=list(columns))
        cut = draw(st.integers(0, len(keep)))
        sides.append(pa.concat_tables([table.slice(0, cut), table.slice(cut)]))
    return sides[0], sides[1]


def keys_of(table: Any) -> list[str]:
    return [name for name in table.column_names if name in ("id", "sub")]


@slow
@given(tables(), st.sampled_from([["a", "b"], None]), st.sampled_from([1, 3, 32_768]))
def test_columns_and_records_say_the_same(sides: tuple[Any, Any], fields: list[str] | None, window: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("plain_columns", "batches"):
            patch.setattr(f"integrakit.reconciliation.inputs.{module}.WINDOW", window)
        try:
            found, expected = both(*sides, key=keys_of(sides[0]), fields=fields)
        except DecodeError:  # a time that Python does not have
            return
    assert found is None or found == expected


OPTIONS = [
    {"within": "0.5"}, {"within": "0.1"}, {"within": "1"}, {"within": "50%"}, {"within": timedelta(seconds=1)}, {"normalise": str}, {"truncate": "s"},
    {"null_is_empty": True}, {"ignore_case": True}, {"unicode": "NFC"}, {"blanks": "trim"}, {"zone": "Europe/Berlin"}, {"unordered": True},
]  # fmt: skip


@slow
@given(tables(ordered=True), st.sampled_from(OPTIONS), st.sampled_from(OPTIONS))
def test_options_of_fields_hold(sides: tuple[Any, Any], one: Any, other: Any) -> None:
    try:
        found, expected = both(*sides, key=keys_of(sides[0]), fields=[Field("a", **one), Field("b", **other)])
    except DecodeError:  # a time that Python does not have
        return
    assert found is None or found == expected


# ---------------------------------------------------------------- CSV

pieces = st.sampled_from(
    ["a", "b", "1", ",", ",", '"', '""', '"x"', ',"y",', "\n", "\n", "\r\n", "\r", " ", "é", "\0", "1,2\n", '1,"a\nb"\n', "\n\n"]
)


def read_as_columns(file: CsvFile) -> Any:
    read = columns_of(file).open_columns()  # type: ignore[union-attr]
    rows: list[Any] = []
    try:
        while (batch := read.next()) is not None:
            rows += batch.to_pylist()
    finally:
        read.close()
    return rows


@slow
@given(
    st.lists(pieces, max_size=14).map("".join),
    st.sampled_from(["h,k\n", "h\n", '"h","k"\r\n', "\ufeffh,k\n", "h,h\n", "", "\n\nh,k\n"]),
    st.sampled_from(["utf-8-sig", "utf-8", "cp1252", "utf-16"]),
    st.sampled_from([1, 8, 1 << 21]),
)
def test_columns_of_a_csv_file_are_its_records_or_are_refused(body: str, header: str, encoding: str, block: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("integrakit.reconciliation.inputs.csv_batches.BLOCK", block)
        path = Path(folder) / "x.csv"
        try:
            path.write_bytes((header + body).encode("utf-8" if encoding == "utf-8-sig" else encoding, "replace"))
            expected: Any = list(CsvFile(path, encoding=encoding))
        except (DecodeError, ConfigurationError) as problem:
            expected = str(problem)
        try:
            found: Any = read_as_columns(CsvFile(path, encoding=encoding))
        except (DecodeError, ConfigurationError) as problem:
            found = str(problem)
        except Unreadable:
            return
    assert found == expected


cells = st.sampled_from(["", "a", "A", "1", "1.0", "1.50", "-2", "042", "x,y", 'q"q', "l\nl", "é", "3", "0.10", "true", "2026-01-01T00:00:00Z", " 7"])
ids = st.one_of(st.integers(0, 130).map(str), st.integers(0, 130).map(str), st.sampled_from(["7", "07", "a", "", "-3", "é", "x\ny"]))


def written(rows: list[tuple[str, ...]], header: str, quoted: bool, end: str, last: bool) -> str:
    lines = [header]
    for row in rows:
        lines.append(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if quoted or set(cell) & set(',"\n') else cell for cell in row))
    return end.join(lines) + (end if last else "")


@st.composite
def csv_pairs(draw: Any) -> tuple[str, str]:
    plain = draw(st.booleans())
    found = draw(st.lists(st.tuples(st.integers(0, 130).map(str) if plain else ids, cells, cells), max_size=14))
    how = draw(st.sampled_from(["number", "number", "text", "none"]))
    if how != "none":
        found.sort(key=lambda row: int(row[0]) if row[0].isdigit() and how == "number" else row[0] if how == "text" else -1)
    if how != "none" and draw(st.integers(0, 3)):
        found = [row for index, row in enumerate(found) if row[0] not in {each[0] for each in found[:index]}]
    texts_of_both = []
    swapped = draw(st.integers(0, 4)) == 0
    for side in (0, 1):
        rows = [row for row in found if draw(st.integers(0, 8))]
        rows = [(row[0], row[1], draw(cells)) if side and not draw(st.integers(0, 3)) else row for row in rows]
        header = "id,a,b"
        if side and swapped:
            rows, header = [(row[0], row[2], row[1]) for row in rows], "id,b,a"
        texts_of_both.append(
            written(rows, header, draw(st.booleans()) if side == 0 else False, draw(st.sampled_from(["\n", "\n", "\r\n"])), draw(st.booleans()))
        )
    if draw(st.booleans()):
        texts_of_both[1] = texts_of_both[1] if draw(st.integers(0, 5)) else texts_of_both[0]
    return texts_of_both[0], texts_of_both[1]


@slow
@given(csv_pairs(), st.sampled_from([None, None, ["a", "b"], ["b"], [Field("a", within="1"), "b"]]), st.sampled_from([4, 40, 1 << 21]))
def test_csv_files_say_the_same_as_columns_and_as_records(texts_of_both: tuple[str, str], fields: Any, block: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("integrakit.reconciliation.inputs.csv_batches.BLOCK", block)
        paths = [Path(folder) / name for name in ("l.csv", "r.csv")]
        for path, text in zip(paths, texts_of_both, strict=True):
            path.write_bytes(text.encode())
        found, expected = both(*paths, key="id", fields=fields)
        assert found is None or found == expected


def value_of(cell: str, kind: Any) -> Any:
    try:
        return pa.array([cell]).cast(kind)[0].as_py()
    except pa.ArrowException:
        return None


@slow
@given(csv_pairs(), st.sampled_from([pa.int64(), pa.string(), pa.decimal128(10, 2), pa.float64()]), st.booleans())
def test_a_csv_file_and_a_table_say_the_same_as_columns_and_as_records(texts_of_both: tuple[str, str], kind: Any, swap: bool) -> None:
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("l.csv", "r.csv")]
        for path, text in zip(paths, texts_of_both, strict=True):
            path.write_bytes(text.encode())
        columns: dict[str, list[Any]] = {"id": [], "a": [], "b": []}
        for row in CsvFile(paths[1]):
            columns["id"].append(int(row["id"]) if row["id"].isdigit() else None)
            columns["a"].append(row["a"])
            columns["b"].append(row["b"])
        typed = pa.array([value_of(each, kind) for each in columns["a"]], kind)
        times = pa.array([each if each.startswith("2026") else None for each in columns["b"]]).cast(pa.timestamp("us", "UTC"))
        table = pa.table({"id": pa.array(columns["id"], pa.int64()), "a": typed, "b": times})
        if not any(columns["id"]):  # without any key there it is open what the cells are to be read as, and so their order
            return
        sides = (table, paths[0]) if swap else (paths[0], table)
        found, expected = both(*sides, key="id")
        assert found is None or found == expected
