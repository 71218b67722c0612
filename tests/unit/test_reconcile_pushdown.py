"""What DuckDB joins by itself: files, frames and relations. The answer is the one of engine="dict"; what it cannot do, it says."""

from __future__ import annotations

import glob
import os
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.corpus.answers import same_answers

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead
from integrakit.files import CsvFile, ParquetFile
from integrakit.reconciliation import Field, Key, reconcile
from integrakit.reconciliation.engines.pushdown import suits_duckdb, suits_pushdown
from integrakit.reconciliation.engines.run import Order
from integrakit.reconciliation.inputs.feed import attach_both
from integrakit.reconciliation.rules.spec import read_fields

pa = pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "integrakit[arrow]"')
duckdb = pytest.importorskip("duckdb", reason='needs DuckDB: pip install "integrakit[duckdb]"')
parquet = pytest.importorskip("pyarrow.parquet", reason='needs pyarrow: pip install "integrakit[arrow]"')


def refused(left: Any, right: Any, words: str, **options: Any) -> None:
    with pytest.raises(ConfigurationError, match=words):
        reconcile(left, right, engine="pushdown", **options)


LEFT = pa.table(
    {
        "id": pa.array([1, 2, 3, 3, 5, None, 7, 8], pa.int64()),
        "name": ["a", "é", "x", "y", "z", "n", "", None],
        "total": pa.array(list(map(Decimal, ["1.10", "2.00", "3.00", "3.50", "5.00", "6.00", "7.00", "8.00"])), pa.decimal128(12, 2)),
        "weight": [0.1, float("nan"), -0.0, 1e300, 2.5, 1.0, 7.25, 1 / 3],
        "at": pa.array([datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 9)], pa.timestamp("us", "UTC")),
    }
)
RIGHT = pa.table(
    {
        "id": pa.array([8, 7, 3, 3, 2, 1, 9, None], pa.int32()),
        "name": ["", "", "y", "w", "e\u0301", "a", "q", None],
        "total": pa.array(list(map(Decimal, ["8.0", "7.1", "3.5", "3.0", "2.0", "1.1", "9.0", "1.0"])), pa.decimal128(20, 1)),
        "weight": [1 / 3, 7.25, 1e300, 0.0, float("nan"), 0.1, 9.0, 1.0],
        "at": pa.array([datetime(2024, 1, day, tzinfo=UTC) for day in (8, 7, 4, 3, 2, 1, 9, 1)], pa.timestamp("ms", "Europe/Berlin")),
    }
)


def test_frames_are_joined() -> None:
    found = same_answers(LEFT, RIGHT, key="id")
    assert (found.summary["equal"], found.summary["duplicates"], found.summary["null_keys"]) == (2, 1, 2)
    unique = LEFT.filter(pa.compute.field("id") != 3), RIGHT.filter(pa.compute.field("id") != 3)
    found = same_answers(*unique, key="id", fields=[Field("total", within="0.1"), Field("name", null_is_empty=True)])
    assert found.summary["equal"] == 3


def test_a_small_memory_gives_the_same_answer_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    from integrakit.reconciliation.engines.pushdown.duckdb_session import DuckdbSession

    monkeypatch.setattr(DuckdbSession, "listed", lambda self, statement: None)
    same_answers(LEFT, RIGHT, key="id")
    unique = LEFT.slice(0, 3), RIGHT.slice(3, 5)
    same_answers(*unique, key="id")


def test_files_are_joined_with_what_their_reads_prove(tmp_path: Path) -> None:
    paths = []
    for name, table in (("left", LEFT), ("right", RIGHT)):
        parquet.write_table(table, path := tmp_path / f"{name}.parquet")
        paths.append(path)
    found = same_answers(*paths, key="id")
    assert found.evidence.left.complete is True
    assert found.evidence.right.declared_total == 8
    chosen = [ParquetFile(path, columns=["id", "total"]) for path in paths]
    assert [field.name for field in same_answers(*chosen, key="id").fields] == ["total"]


def test_cells_are_read_as_csv_files_are_read(tmp_path: Path) -> None:
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text('id,name,n\n1,"a ""b"", c",\n2,,007\n\n10,"line\nend",1e2\n04,x,-0.50\n', encoding="utf-8-sig")
    right.write_text("id;name;n\r\n10;'line\nend';100\r\n2;'';7\r\n1;a \"b\", c;0\r\n4;x;-0.5\r\n", encoding="latin-1")
    sides = CsvFile(left), CsvFile(right, delimiter=";", quote="'", encoding="latin-1")
    found = same_answers(*sides, key="id")
    assert (found.summary["missing_left"], found.summary["missing_right"]) == (1, 1)


def test_cells_are_compared_with_what_the_other_side_has(tmp_path: Path) -> None:
    path = tmp_path / "left.csv"
    rows = [
        "id,total,name,weight,active,at,day,naive",
        "1,1.1,a,0.1,true,2024-01-01T00:00:00Z,2024-01-01,2024-01-01 10:00:00",
        "2,2.00,,1e300,false,2024-01-02 01:00:00+01:00,2024-01-02,2024-01-02T10:00:00.5",
        "3,3.001,c,nan,TRUE,2024-01-03T00:00:00,2024-02-30,2024-01-03",
        "4,,'',,,,,",
        "5,5e0,d,inf,1,2024-01-05T24:00:00Z,2024-01-05T00:00:00,2024-01-05 10:00:60",
    ]
    path.write_text("\n".join(rows) + "\n")
    right = pa.table(
        {
            "id": pa.array([1, 2, 3, 4, 5], pa.int64()),
            "total": pa.array([Decimal("1.10"), Decimal("2.00"), Decimal("3.00"), None, Decimal("5.00")], pa.decimal128(10, 2)),
            "name": ["a", None, "c", "", "d"],
            "weight": [0.1, 1e300, float("nan"), None, float("inf")],
            "active": [True, False, True, None, True],
            "at": pa.array([datetime(2024, 1, day, tzinfo=UTC) if day != 4 else None for day in range(1, 6)], pa.timestamp("us", "UTC")),
            "day": pa.array([datetime(2024, 1, day).date() for day in range(1, 6)], pa.date32()),
            "naive": pa.array([datetime(2024, 1, day, 10) for day in range(1, 6)], pa.timestamp("us")),
        }
    )
    for sides in ((path, right), (right, path)):
        assert same_answers(*sides, key="id").summary["equal"] == 1
        assert same_answers(*sides, key="id", fields=["total", "weight"]).summary["equal"] == 4


@pytest.mark.parametrize("cell", ["1.0", "01", "", "x", "1e0", "99999999999999999999"])
def test_keys_that_are_no_plain_whole_numbers_are_left_to_others(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "left.csv"
    path.write_text(f"id,x\n{cell},1\n2,1\n")
    right = pa.table({"id": [1, 2], "x": [1, 1]})
    refused(path, right, "not written as a whole number", key="id")


def test_relations_are_joined_in_their_connection_and_leave_nothing_in_it() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE a AS SELECT i AS id, i % 7 AS x, sum(i) OVER () AS s FROM range(50) AS t (i)")
    connection.execute("CREATE TABLE b AS SELECT i AS id, i % 5 AS x, 1.5 AS s FROM range(3, 60) AS t (i)")
    before = connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()
    left, right = connection.sql("SELECT id, x FROM a"), connection.sql("SELECT id, x FROM b WHERE id > 5")
    found = same_answers(left, right, key="id")
    assert (found.summary["missing_right"], found.summary["missing_left"]) == (6, 10)
    assert "engine: pushdown" in reconcile(left, right, key="id").explain()
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == before
    refused(connection.sql("FROM a"), right, "may|do not come out|HUGEINT", key="id")
    other = duckdb.connect()
    refused(left, other.sql("SELECT 1 AS id, 2 AS x"), "connection", key="id")
    other.close()
    connection.close()


def test_collations_do_not_join_what_are_several_keys() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE a (id VARCHAR COLLATE NOCASE, x VARCHAR COLLATE NOCASE)")
    connection.execute("INSERT INTO a VALUES ('a', 'x'), ('B', 'x'), ('b', 'X')")
    found = same_answers(connection.sql("FROM a"), connection.sql("SELECT upper(id) AS id, lower(x) AS x FROM a WHERE rowid <> 1"), key="id")
    assert (found.summary["missing_right"], found.summary["missing_left"], found.summary["equal"]) == (2, 1, 1)
    connection.close()


def test_what_has_no_form_in_sql_is_refused_in_words() -> None:
    refused(LEFT, RIGHT, "changed before it is compared", key=Key("id", ignore_case=True))
    refused(LEFT, RIGHT, "no column 'nope'", key="nope")
    refused(LEFT, RIGHT, "no equality in SQL", key=Key("id", right="name"))
    refused(LEFT, LEFT, "NaN", key="weight")
    refused(LEFT.append_column("odd", pa.array([1] * 8, pa.duration("us"))), RIGHT, "'odd' is duration", key="id")
    refused([{"id": 1}], RIGHT, "in no engine", key="id")
    refused(iter([]), RIGHT, "in no engine", key="id")


def test_a_field_with_two_clocks_is_never_sorted_out() -> None:
    naive = pa.table({"id": [1], "at": pa.array([datetime(2024, 1, 1)], pa.timestamp("us"))})
    refused(naive, naive, "two time zones", key="id", fields=[Field("at", zone=("Europe/Berlin", "UTC"))])


def test_a_field_that_cannot_be_compared_in_sql_comes_back() -> None:
    left, right = pa.table({"id": [1, 2, 3], "x": ["1", None, "3"]}), pa.table({"id": [1, 2, 3], "x": [1, None, 3]})
    found = same_answers(left, right, key="id")
    assert found.summary["equal"] == 1
    assert "cannot be compared in SQL" in found.explain()


def test_mistakes_in_files_are_told_by_their_own_readers(tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("id,x\n1,2\n")
    for text in ("id,x\n1,2,3\n", "", 'id,x\n1,"2\n', "id,x\n1,2\n3\n"):
        bad = tmp_path / "bad.csv"
        bad.write_text(text)
        with pytest.raises(DecodeError, match=r"bad\.csv"):
            reconcile(bad, good, key="id", engine="pushdown")
    cut = tmp_path / "cut.parquet"
    parquet.write_table(LEFT, cut)
    cut.write_bytes(cut.read_bytes()[:-9])
    with pytest.raises(DecodeError, match=r"cut\.parquet"):
        reconcile(cut, good, key="id", engine="pushdown")
    with pytest.raises(ConfigurationError, match="missing"):
        reconcile(tmp_path / "missing.parquet", good, key="id", engine="pushdown")


def test_a_file_that_is_written_to_meanwhile_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from integrakit.reconciliation.engines.pushdown.work import Work

    path = tmp_path / "left.parquet"
    parquet.write_table(LEFT, path)
    ending = Work.end

    def end(self: Work) -> tuple[int, int]:
        os.utime(path, ns=(1, 1))
        return ending(self)

    monkeypatch.setattr(Work, "end", end)
    with pytest.raises(IncompleteRead, match="written to"):
        reconcile(path, RIGHT, key="id", engine="pushdown")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made: list[Any] = []
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *args, **more: made.append(connect(*args, **more)) or made[-1])
    same_answers(LEFT, RIGHT, key="id")
    refused(LEFT, RIGHT, "no column", key="nope")
    assert len(made) == 2
    for connection in made:
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT 1")
    assert glob.glob(str(tmp_path / "*")) == []


def test_nothing_but_the_two_files_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from integrakit.reconciliation.engines.pushdown.duckdb_session import DuckdbSession

    path, other = tmp_path / "l.parquet", tmp_path / "other.csv"
    parquet.write_table(LEFT, path)
    other.write_text("a\n1\n")
    asked = []
    listed = DuckdbSession.listed

    def ask(self: DuckdbSession, statement: Any) -> Any:
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
            asked.append(str(self._sql(f"SELECT current_setting('{setting}')").fetchall()[0][0]).lower())
        with pytest.raises(duckdb.Error):
            self._sql(f"FROM read_csv('{other}')").fetchall()
        return listed(self, statement)

    monkeypatch.setattr(DuckdbSession, "listed", ask)
    same_answers(path, path, key="id", fields=["name"])
    assert asked == ["false"] * 3


def test_when_it_is_chosen() -> None:
    order = Order(key=Key("id"), fields=read_fields(None, frozenset()), ignored=frozenset(), engine="auto", memory=10**9)
    frames = attach_both(LEFT, RIGHT)
    assert not suits_pushdown(frames, order)[0]
    assert suits_duckdb(frames, order)[0]
    connection = duckdb.connect()
    relations = attach_both(connection.sql("SELECT 1 AS id"), connection.sql("SELECT 2 AS id"))
    assert suits_pushdown(relations, order)[0]
    assert not suits_duckdb(attach_both([{"id": 1}], LEFT), order)[0]
    once = attach_both(pa.RecordBatchReader.from_batches(LEFT.schema, iter(LEFT.to_batches())), LEFT)
    assert suits_duckdb(once, order) == (False, "the left side can be read only once")
    connection.close()
