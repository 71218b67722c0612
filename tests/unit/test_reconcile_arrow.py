"""Sides that come as columns: what they are read as, what is refused, and that the engine that compares columns says what it did."""

from __future__ import annotations

import asyncio
import gzip
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.files import CsvFile, ParquetFile
from integrakit.reconciliation import Diff, Field, Key, areconcile, reconcile
from integrakit.reconciliation.engines.planning import ENGINES
from integrakit.reconciliation.inputs.feed import attach

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
np = pytest.importorskip("numpy", reason="needs numpy")
pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")


def found(diff: Diff) -> Any:
    breaks = [(b.key, b.kind, b.left, b.right, {name: m.cause for name, m in b.fields.items()}, b.reason) for b in diff.breaks()]
    return dict(diff.summary), repr(breaks), {name: (t.left, t.right) for name, t in diff.totals.items()}


def both(left: Any, right: Any, **options: Any) -> Diff:
    """What arrow says, which is what dict says."""
    diff = reconcile(left, right, engine="arrow", **options)
    assert "engine: arrow" in diff.explain()
    assert found(diff) == found(reconcile(left, right, engine="dict", **options))
    return diff


def table(*ids: Any, **columns: Any) -> Any:
    return pa.table({"id": pa.array(ids), "v": pa.array([float(len(str(each))) for each in ids]), **columns})


# ---------------------------------------------------------------- order, duplicates, windows


def test_keys_that_stand_more_than_once_and_null_keys_go_to_the_rules() -> None:
    left = pa.table({"id": [None, 1, 2, 2, 3, 3, 5], "v": [0, 1, 2, 2, 3, 4, 5]})
    right = pa.table({"id": [1, 2, 2, 3, 4, 5, 5], "v": [1, 2, 2, 4, 4, 5, 5]})
    diff = both(left, right, key="id")
    assert (diff.summary["null_keys"], diff.summary["duplicates"]) == (1, 3)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_a_key_may_go_on_in_the_next_batches(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reconciliation.inputs.plain_columns.WINDOW", window)
    left, right = table(1, 2, 2, 2, 2, 2, 3), table(2, 2, 2, 2, 2, 4)
    assert both(left, right, key="id").summary["duplicates"] == 1


def test_sides_in_no_order_are_sorted_in_memory() -> None:
    diff = both(table(3, 1, 2, 9), table(2, 3, 5, 1), key="id")
    assert "sorted" in diff.explain()


def test_disorder_that_shows_late_is_for_another_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reconciliation.inputs.plain_columns.WINDOW", 4)
    mixed = table(*range(40), 7)
    with pytest.raises(ConfigurationError, match="7 comes after 39"):
        reconcile(mixed, table(*range(40)), key="id", engine="arrow")
    assert reconcile(mixed, table(*range(40)), key="id").summary["duplicates"] == 1


def test_text_is_merged_by_code_points_and_composite_keys_part_by_part() -> None:
    both(table("A", "a", "é", "\uffff", "😀"), table("a", "z", "😀"), key="id")
    left = pa.table({"k": ["a", "a|b", "b"], "n": [2, 1, 1], "v": [1, 2, 3]})
    right = pa.table({"k": ["a", "a", "b"], "n": [1, 2, 1], "v": [1, 1, 3]})
    assert both(left, right, key=["k", "n"]).summary["matched"] == 2


def test_keys_of_different_types_are_for_another_engine() -> None:
    with pytest.raises(ConfigurationError, match="types string and int64"):
        reconcile(table("1"), table(1), key="id", engine="arrow")
    assert reconcile(table("1"), table(1), key="id").lookalikes[0].why == "different types"


@pytest.mark.parametrize("options", [{"key": Key("id", normalise=abs)}, {"key": "id", "fields": [Field("v", zone=("UTC", "Europe/Berlin"))]}])
def test_what_is_done_record_by_record_is_said(options: Any) -> None:
    with pytest.raises(ConfigurationError, match='engine="arrow" cannot do this'):
        reconcile(table(1), table(1), engine="arrow", **options)


def test_fields_that_one_side_has_are_told_from_the_schema() -> None:
    left = table(1, 2, only=pa.array([1, 2]))
    assert both(left, table(1, 2), key="id").only_left == ("only",)
    diff = both(left, table(1, 2), key="id", fields=["only"])
    assert diff.by_field["only"].causes == {"absent": 2}


# ---------------------------------------------------------------- values and totals


def test_the_smallest_whole_number_is_not_its_float() -> None:
    left, right = pa.table({"id": [1], "v": [-(2**63)]}), pa.table({"id": [1], "v": [-(2.0**63)]})
    assert both(left, right, key="id").summary["changed"] == 1


def test_floats_of_both_widths_are_their_shortest_text() -> None:
    left = pa.table({"id": [1, 2], "v": pa.array([0.1, math.nan], pa.float32())})
    assert both(left, pa.table({"id": [1, 2], "v": [0.1, math.nan]}), key="id").matches
    assert reconcile(left, [{"id": 1, "v": Decimal("0.1")}, {"id": 2, "v": math.nan}], key="id", engine="dict").matches


def test_totals_are_exact_beyond_64_bits() -> None:
    values = [2**63 - 1] * 40
    left = pa.table({"id": range(40), "v": pa.array(values, pa.int64())})
    assert both(left, left, key="id").totals["v"].left == sum(values)
    wide = pa.table({"id": range(3), "v": pa.array([Decimal("9" * 38)] * 3, pa.decimal128(38, 0))})
    assert both(wide, wide, key="id").totals["v"].left == 3 * int("9" * 38)


def test_totals_of_floats_of_many_digits_are_those_of_the_rules() -> None:
    values = [0.1, 1 / 3, 1e300, 2.5, math.pi] * 30
    both(pa.table({"id": range(150), "v": values}), pa.table({"id": range(150), "v": values[::-1]}), key="id")


# ---------------------------------------------------------------- CSV


def csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(gzip.compress(text.encode(encoding)) if path.suffix == ".gz" else text.encode(encoding))
    return path


def test_csv_ids_are_merged_as_numbers_and_reported_in_the_order_of_text(tmp_path: Path) -> None:
    left = csv(tmp_path / "l.csv", "id,v\n" + "".join(f"{each},{each}\n" for each in range(1, 130)))
    right = csv(tmp_path / "r.csv.gz", "id,v\n" + "".join(f"{each},{each % 9 and each}\n" for each in range(3, 131)))
    keys = [found.key for found in both(left, right, key="id").breaks()]
    assert keys == sorted(keys)
    assert keys[:3] == ["1", "108", "117"]


def test_csv_files_with_other_columns_or_marks_are_compared_by_columns(tmp_path: Path) -> None:
    left = csv(tmp_path / "l.csv", 'id,a,b\n1,"x, y",1.50\n2,é,2\n')
    right = CsvFile(csv(tmp_path / "r.csv", "b;a;id\n1.50;x, y;1\n2.0;é;2\n", "cp1252"), delimiter=";", encoding="cp1252")
    assert both(left, right, key="id").by_field["b"].causes == {"format": 1}


def test_cells_are_read_as_what_the_table_has(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    side = pa.table({"id": [1, 2, 3], "n": pa.array([Decimal("7.00"), None, Decimal("1.50")]), "t": [moment, None, moment], "b": [True, None, False]})
    text = "id,n,t,b\n1,7,2026-01-31T12:00:00Z,true\n2,,,\n3,1.5,2026-01-31 13:00:00+01:00,FALSE\n"
    diff = both(csv(tmp_path / "l.csv", text), side, key="id")
    assert diff.matches
    assert diff.totals["n"].left == diff.totals["n"].right == Decimal("8.5")


@pytest.mark.parametrize("text", ['id,v\n1,"a"b\n', "id,v\n1,a,b\n", 'id,v\n1,"a\n', "id,v\n1,a\0\n", "id,id\n1,2\n", "<html>\n", ""])
def test_malformed_csv_is_refused_as_its_own_reader_does(tmp_path: Path, text: str) -> None:
    path, good = csv(tmp_path / "x.csv", text), csv(tmp_path / "good.csv", "id,v\n1,a\n2,b\n")
    with pytest.raises(DecodeError) as expected:
        list(CsvFile(path))
    for sides in ((path, good), (good, path)):
        with pytest.raises(DecodeError) as raised:
            reconcile(*sides, key="id", engine="arrow")
        assert str(raised.value) == str(expected.value)


def test_quotes_inside_of_cells_are_for_the_reader_of_records(tmp_path: Path) -> None:
    path = csv(tmp_path / "x.csv", 'id,v\n1,5" pipe\n')
    with pytest.raises(ConfigurationError, match="quotes inside of cells"):
        reconcile(path, path, key="id", engine="arrow")
    assert reconcile(path, path, key="id").matches


# ---------------------------------------------------------------- what can be a side


def test_the_read_of_a_parquet_file_is_proved(tmp_path: Path) -> None:
    pq.write_table(table(*range(10)), tmp_path / "x.parquet", row_group_size=3)
    diff = both(tmp_path / "x.parquet", ParquetFile(tmp_path / "x.parquet", columns=["id", "v"]), key="id")
    evidence = diff.evidence.left
    assert evidence is not None
    assert (evidence.complete, evidence.records, evidence.declared_total, evidence.ended_by) == (True, 10, 10, "total")


def test_a_damaged_parquet_file_is_a_decode_error(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": range(20_000), "v": np.random.default_rng(1).random(20_000)}), path)
    data = bytearray(path.read_bytes())
    data[2000:60_000] = bytes(58_000)
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=r"x\.parquet, after row"):
        reconcile(path, path, key="id", engine="arrow")


def test_frames_are_sides_of_every_engine() -> None:
    pandas, polars = pytest.importorskip("pandas", reason="needs pandas"), pytest.importorskip("polars", reason="needs polars")
    rows = [{"id": 1, "f": math.nan, "s": "a", "n": 1}, {"id": 2, "f": 1.5, "s": None, "n": None}]
    frames = [
        pandas.DataFrame({"f": [math.nan, 1.5], "s": ["a", None], "n": pandas.array([1, None], "Int64")}, index=pandas.Index([1, 2], name="id")),
        pandas.DataFrame({"id": [1, 2], "f": [math.nan, 1.5], "s": pandas.Categorical(["a", None]), "n": pandas.Series([1, None], dtype=object)}),
        polars.DataFrame(rows),
        polars.DataFrame(rows).with_columns(polars.col("s").cast(polars.Categorical)),
        pa.Table.from_pylist(rows),
    ]
    for frame in frames:
        for other in frames:
            both(frame, other, key="id")
        for engine in sorted({"dict", "merge", "auto"} & {*ENGINES, "auto"}):
            assert reconcile(frame, rows, key="id", engine=engine).matches, (engine, frame)  # type: ignore[arg-type]


def test_a_reader_of_batches_is_read_once_even_when_an_engine_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reconciliation.inputs.plain_columns.WINDOW", 4)
    mixed = table(*range(40), 7)
    diff = reconcile(pa.RecordBatchReader.from_batches(mixed.schema, mixed.to_batches(max_chunksize=5)), table(*range(40)), key="id")
    assert diff.summary["left"] == 41
    assert "given up" in diff.explain()
    reader = table(1).to_reader()
    with pytest.raises(ConfigurationError, match="the same iterator"):
        reconcile(reader, reader, key="id")


def test_columns_that_cannot_be_fields_are_refused() -> None:
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    with pytest.raises(ConfigurationError, match="two columns called 'a'"):
        reconcile(pa.table([[1], [2]], names=["a", "a"]), [{"a": 1}], key="a")
    for frame in (pandas.DataFrame({"a": [1], 2: [3]}), pandas.DataFrame({"a": [1, "x"]})):
        with pytest.raises(ConfigurationError, match="DataFrame"):
            reconcile(frame, [{"a": 1}], key="a")


def test_it_runs_beside_an_event_loop() -> None:
    diff = asyncio.run(areconcile(table(1, 2), table(1, 3), key="id", engine="arrow"))
    assert diff.summary["matched"] == 1


def test_without_pyarrow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(1)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[arrow\]"'):
        attach(frame, "left")
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[arrow\]"'):
        reconcile([{"id": 1}], [{"id": 1}], key="id", engine="arrow")
