"""What a first comparison that went wrong says: notes, hints and errors that name the way on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.files import CsvFile
from integrakit.reconciliation import Field, Key, reconcile
from integrakit.reconciliation.rules.causes import cause_of

ROWS = [{"id": 1, "total": Decimal("1.00"), "paid": True}, {"id": 2, "total": Decimal("2.50"), "paid": False}]
CELLS = "id,total,paid\n1,1.00,true\n2,2.50,false\n3,3.00,true\n"
THIRD = {"id": 3, "total": Decimal("3.00"), "paid": True}


def _csv(folder, text, name="a.csv"):
    path = folder / name
    path.write_text(text)
    return path


class _Sink:
    def write(self, changes):
        raise AssertionError("nothing is applied here")


def _typed(record):
    return {name: (type(value), value) for name, value in record.items()}


# ---------------------------------------------------------------- repairs out of untyped text


@pytest.mark.parametrize("engine", ["dict", "merge", "spill"])
def test_records_created_from_untyped_text_have_the_types_of_the_other_side(tmp_path, engine):
    [change] = reconcile(_csv(tmp_path, CELLS), ROWS, key="id", engine=engine).changes()
    assert (type(change.key), change.key) == (int, 3)
    assert _typed(change.record) == _typed(THIRD)


@pytest.mark.parametrize("engine", ["auto", "arrow", "pushdown"])
def test_columns_say_the_types_of_created_records_too(tmp_path, engine):
    arrow = pytest.importorskip("pyarrow", reason="compares columns")
    parquet = pytest.importorskip("pyarrow.parquet", reason="writes the file")
    if engine == "pushdown":
        pytest.importorskip("duckdb", reason="joins files")
    parquet.write_table(arrow.Table.from_pylist(ROWS), tmp_path / "b.parquet")
    for same in ("1,1.00,true\n2,2.50,false\n", "1,1.00,true\n2,2.51,false\n"):
        *_, change = reconcile(_csv(tmp_path, f"id,total,paid\n{same}3,3.00,true\n"), tmp_path / "b.parquet", key="id", engine=engine).changes()
        assert (change.kind, _typed(change.record)) == ("create", _typed(THIRD))


def test_created_records_on_the_left_have_its_names_and_types(tmp_path):
    right = _csv(tmp_path, "number,day,at,note\n1,2026-01-02,2026-01-02T03:04:05Z,\n2,2026-01-03,2026-01-03T03:04:05Z,\n3,,,\n")
    left = [{"id": 1, "date": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "note": ""}]
    diff = reconcile(left, right, key=Key("id", right="number"), fields=[("date", "day"), "at", "note"])
    second, third = diff.changes(to="left")
    assert second.record == {"id": 2, "date": date(2026, 1, 3), "at": datetime(2026, 1, 3, 3, 4, 5, tzinfo=UTC), "note": ""}
    assert third.record == {"id": 3, "date": None, "at": None, "note": ""}


def test_cells_stay_text_where_nothing_says_their_type_and_the_plan_says_so(tmp_path):
    left = _csv(tmp_path, CELLS)
    diff = reconcile(left, [{"id": 1, "total": None, "paid": True}], key="id")
    plan = diff.repairs(sink=_Sink())
    assert [change.record["total"] for change in plan if change.kind == "create"] == ["2.50", "3.00"]
    [note] = [note for note in plan.notes if "types=" in note]
    assert "'total'" in note
    assert "'paid'" not in note
    assert "CsvFile(" in note
    mixed = reconcile(left, [{"id": 1, "total": 1, "paid": True}, {"id": 9, "total": "n/a", "paid": True}], key="id").repairs(sink=_Sink())
    assert [change.record["total"] for change in mixed if change.kind == "create"] == ["2.50", "3.00"]
    assert any("'total'" in note for note in mixed.notes)


def test_a_cell_that_is_not_written_as_the_type_stays_text_and_is_noted(tmp_path):
    plan = reconcile(_csv(tmp_path, CELLS + "4,1.000,yes\n"), ROWS, key="id").repairs(sink=_Sink())
    assert [change.record["paid"] for change in plan] == [True, "yes"]
    assert any("'paid'" in note and "types=" in note for note in plan.notes)


def test_typed_sides_need_no_word_about_types(tmp_path):
    typed = CsvFile(_csv(tmp_path, CELLS), types={"id": int, "total": Decimal, "paid": bool})
    plan = reconcile(typed, ROWS, key="id").repairs(sink=_Sink())
    assert [_typed(change.record) for change in plan] == [_typed(THIRD)]
    assert not any("types=" in note for note in plan.notes)
    both = reconcile(_csv(tmp_path, CELLS), _csv(tmp_path, "id,total,paid\n", "b.csv"), key="id").repairs(sink=_Sink())
    assert not any("types=" in note for note in both.notes)


def test_repairs_check_their_arguments():
    diff = reconcile(ROWS, ROWS[:1], key="id")
    with pytest.raises(ConfigurationError, match=r"guard= takes a Guard"):
        diff.repairs(sink=_Sink(), guard=3)
    with pytest.raises(ConfigurationError, match=r'^to= takes "left" or "right"'):
        diff.repairs(sink=_Sink(), to="books")


# ---------------------------------------------------------------- causes


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        (Decimal("1.00"), Decimal("1.01"), "rounding"),
        (Decimal("19.99"), Decimal("20.00"), "rounding"),
        (Decimal("1234567.89"), Decimal("1234567.90"), "rounding"),
        (Decimal("19.9900"), Decimal("20.0000"), "rounding"),
        (Decimal("1.0060"), Decimal("1.0100"), "scale"),  # a column that has more places than its values
        (Decimal("5.10"), Decimal("5.13"), "value"),
        (Decimal("5.10"), Decimal("5.19"), "value"),
        (Decimal("5.1"), Decimal("5.13"), "scale"),
        (Decimal("5.1"), Decimal("5.19"), "truncation"),
        (Decimal("7"), Decimal("8"), "value"),
        (7, 8, "value"),
        (5.1, 5.13, "scale"),
        (1.0, 1.01, "scale"),
        (Decimal("1.00"), Decimal("100.00"), "×100"),
    ],
)
def test_decimals_of_the_same_scale_were_not_cut_to_fewer_places(left, right, cause):
    assert cause_of(left, right) == cause_of(right, left) == cause


def test_cause_is_the_same_for_columns(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="compares columns")
    rows = [{"id": 1, "total": Decimal("19.99")}], [{"id": 1, "total": Decimal("20.00")}]
    tables = map(arrow.Table.from_pylist, rows)
    for left, right in (rows, tables):
        assert dict(reconcile(left, right, key="id").by_field["total"].causes) == {"rounding": 1}


# ---------------------------------------------------------------- what was given as a side


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://joe:secret@host/db",
        "mysql+pymysql://joe:secret@host/orders.csv",
        "host=h user=joe password=secret dbname=d",
        "joe:secret@host/db",
    ],
)
def test_addresses_with_credentials_are_never_shown(given):
    with pytest.raises(ConfigurationError) as failed:
        reconcile(ROWS, given, key="id")
    assert "secret" not in str(failed.value)
    assert "right side" in str(failed.value)
    assert "SqlTable(" in str(failed.value)


@pytest.mark.parametrize("name", ["books.db", "books.sqlite", "books.sqlite3", "sqlite:///books.db"])
def test_a_database_file_needs_the_name_of_a_table(name):
    with pytest.raises(ConfigurationError, match=r"SqlTable\(.*, table, key=…\)"):
        reconcile(name, ROWS, key="id")


def test_an_address_on_the_web_is_no_path():
    with pytest.raises(ConfigurationError, match="of this machine") as failed:
        reconcile("https://joe:secret@example.org/books.csv", ROWS, key="id")
    assert "secret" not in str(failed.value)


def test_an_iterator_that_gave_nothing_is_noted():
    rows = iter(ROWS)
    list(rows)
    note = "the right side is an iterator that gave nothing: was it read before?"
    assert note in reconcile(ROWS, rows, key="id").explain() + str(reconcile(ROWS, rows, key="id"))
    assert not any("gave nothing" in str(reconcile(ROWS, right, key="id")) for right in ([], iter(ROWS)))


# ---------------------------------------------------------------- names and options


def _notes(diff):
    return diff._findings.notes


def test_tolerances_by_currency_that_nothing_says_the_currency_for_are_noted():
    right = [{**row, "total": row["total"] + Decimal("0.01")} for row in ROWS]
    diff = reconcile(ROWS, right, key="id", fields=[Field("total", within={"EUR": "0.01"})])
    assert not diff.matches
    assert any("'total'" in note and "currency=" in note for note in _notes(diff))
    assert not _notes(reconcile(ROWS, right, key="id", fields=[Field("total", within="0.01")]))


def test_fields_as_a_mapping_are_pairs():
    right = [{"id": row["id"], "amount": row["total"]} for row in ROWS]
    diff = reconcile(ROWS, right, key="id", fields={"total": "amount"})
    assert diff.matches
    assert [(field.name, field.right) for field in diff.fields] == [("total", "amount")]
    with pytest.raises(ConfigurationError, match="names of fields as text"):
        reconcile(ROWS, right, key="id", fields={"total": 3})


@pytest.mark.parametrize("engine", ["dict", "merge"])
def test_an_ignored_name_that_no_record_has_is_noted(engine):
    assert _notes(reconcile(ROWS, ROWS, key="id", ignore=["totl", "paid"], engine=engine)) == (
        "no record has the field 'totl' that ignore= names: did you mean 'total'?",
    )
    assert not _notes(reconcile([], [], key="id", ignore=["totl"]))


@pytest.mark.parametrize("fields", [None, ["total"]])
def test_a_key_that_no_record_has_is_noted_with_a_name_that_is_near(fields):
    left = [{"order_id": 1, "total": 1}]
    [note, *_] = _notes(reconcile(left, [{"orderid": 1, "total": 1}], key="orderid", fields=fields))
    assert note == "no record on the left has a usable key (orderid): did you mean 'order_id'?"


def test_a_key_that_columns_do_not_have_is_noted_too(tmp_path):
    left = _csv(tmp_path, "order_id,total\n1,1\n")
    diff = reconcile(left, _csv(tmp_path, "orderid,total\n1,1\n", "b.csv"), key="orderid")
    assert "did you mean 'order_id'?" in "".join(_notes(diff))


@pytest.mark.parametrize("engine", ["duckdb", "DuckDB", "spark", "postgresql", "sql"])
def test_the_name_of_a_database_is_answered_with_pushdown(engine):
    with pytest.raises(ConfigurationError, match='engine="pushdown"'):
        reconcile(ROWS, ROWS, key="id", engine=engine)


# ---------------------------------------------------------------- the delimiter


def test_another_delimiter_is_suggested(tmp_path):
    path = _csv(tmp_path, "id;betrag\n1;1,50\n")
    with pytest.raises(DecodeError, match=r"line 2: 2 cells, and the header has 1; is the delimiter ';'\?"):
        list(CsvFile(path))
    with pytest.raises(DecodeError, match="is the delimiter ';'"):
        reconcile(path, path, key="id")
    with pytest.raises(DecodeError) as failed:
        list(CsvFile(_csv(tmp_path, "a;b\n1,2\n")))
    assert "delimiter" not in str(failed.value)


def test_another_delimiter_is_suggested_where_lines_do_not_tell(tmp_path):
    path = _csv(tmp_path, "id;name\n1;a\n")
    assert "is the delimiter ';'?" in "".join(_notes(reconcile(path, ROWS, key="id")))
