"""Arguments: what `Key`, `Field` and `reconcile` take, and how they refuse the rest."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.reconciliation import Field, Key, reconcile

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
pd = pytest.importorskip("pandas", reason="needs pandas")

ROWS = [{"id": 1, "v": 1}]


def test_keys() -> None:
    assert Key("id").names == Key("id").right == ("id",)
    assert Key("id", right="external_id").right == ("external_id",)
    assert Key("a", "b", right=["c", "d"]).right == ("c", "d")
    assert Key.of("id") == Key("id")
    assert Key.of(["a", "b"]) == Key("a", "b")
    assert Key.of(Key("id")) == Key("id")


@pytest.mark.parametrize(
    "make",
    [
        Key,
        lambda: Key(1),  # type: ignore[arg-type]
        lambda: Key("a", "a"),
        lambda: Key("a", "b", right="c"),
        lambda: Key("a", "b", right=["c", "c"]),
        lambda: Key("a", right=[1]),  # type: ignore[list-item]
        lambda: Key("a", normalise="casefold"),  # type: ignore[arg-type]
        lambda: Key.of(None),
        lambda: Key.of(7),
        lambda: Field(1),  # type: ignore[arg-type]
        lambda: Field("a", right=1),  # type: ignore[arg-type]
        lambda: Field("a", within=-1),
        lambda: Field("a", within="x"),
        lambda: Field("a", within="%"),
        lambda: Field("a", within=True),
        lambda: Field("a", within=float("nan")),
        lambda: Field("a", within=Decimal("Infinity")),
        lambda: Field("a", within="1E+40"),
        lambda: Field("a", within=[1]),
        lambda: Field("a", within=timedelta(-1)),
        lambda: Field("a", normalise=1),  # type: ignore[arg-type]
        lambda: Field("a", unordered=1),  # type: ignore[arg-type]
        lambda: Field("a", null_is_empty="yes"),  # type: ignore[arg-type]
        lambda: Field("a", truncate="week"),  # type: ignore[arg-type]
        lambda: Field("a", unordered=True, within=1),
        lambda: Field.of(3),
        lambda: Field.of(("a", "b", "c")),
    ],
)
def test_wrong_keys_and_fields(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_fields() -> None:
    assert Field("a").right == "a"
    assert Field.of(("a", "b")) == Field("a", right="b")
    field = Field("a", within="0.5%")
    assert field.within is not None
    assert field.within.relative == Decimal("0.005")
    assert Field.of(field) is field
    with pytest.raises(AttributeError):
        field.name = "b"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fields": "v"}, "list of names"),
        ({"fields": 3}, "list of names"),
        ({"fields": ["v", "v"]}, "twice"),
        ({"fields": [("a", "v"), ("b", "v")]}, "twice on the right"),
        ({"fields": ["v"], "ignore": ["v"]}, "ignore="),
        ({"fields": ["w"]}, "no record on either side has the field 'w'"),
        ({"fields": [("w", "x")]}, "(right: 'x')"),
        ({"ignore": "v"}, "ignore= takes a list"),
        ({"ignore": [1]}, "names of fields"),
        ({"ignore": ["id"]}, "a key is never compared"),
        ({"key": None}, "key="),
        ({"engine": "duckdb"}, "'auto', 'dict', 'merge'"),
        ({"memory": "much"}, "memory= takes bytes or a text"),
        ({"memory": "1MB"}, "less than the 16 MB"),
        ({"settle": -1}, "settle= takes seconds"),
        ({"recheck": -1}, "recheck= takes the number"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        reconcile(ROWS, ROWS, **{"key": "id", **arguments})
    assert message in str(problem.value)


def test_off_is_not_refused() -> None:
    assert reconcile(ROWS, ROWS, key="id", settle=0, recheck=0, memory=None).matches
    assert reconcile([], [], key="id", fields=["v"]).matches
    assert reconcile(ROWS, ROWS, key="id", fields=[Field("w", null_is_empty=True)]).matches


class OnlyAsync:
    def apages(self, since: Any) -> Any:
        raise AssertionError("not to be read")


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ({"id": 1}, "the right side is a dict"),
        (b"rows", "is a bytes"),
        (None, "is a NoneType"),
        (7, "is a int"),
        (dict, "the class dict"),
        ("rows", "the path 'rows'"),
        ("rows.xlsx", ".csv, .jsonl, .ndjson, .json, .parquet"),
        (OnlyAsync(), "await areconcile"),
    ],
)
def test_what_cannot_be_a_side(side: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        reconcile(ROWS, side, key="id")
    assert message in str(problem.value)


def test_one_iterator_cannot_be_both_sides() -> None:
    rows = iter(ROWS)
    with pytest.raises(ConfigurationError, match="same iterator"):
        reconcile(rows, rows, key="id")
    assert reconcile(ROWS, ROWS, key="id").matches


def test_names_of_fields_are_text() -> None:
    with pytest.raises(ConfigurationError, match="field named 5"):
        reconcile([{"id": 1, 5: 1}], ROWS, key="id")


def test_paths_of_json_and_parquet_files(tmp_path: Path) -> None:
    from pyarrow import parquet

    rows = [{"id": 1, "total": "1.5"}, {"id": 2, "total": "2"}]
    (tmp_path / "a.json").write_text(json.dumps({"rows": rows}))
    parquet.write_table(pa.Table.from_pylist(rows[:1]), tmp_path / "b.parquet")
    diff = reconcile(tmp_path / "a.json", str(tmp_path / "b.parquet"), key="id")
    assert (diff.summary["equal"], diff.summary["missing_right"]) == (1, 1)
