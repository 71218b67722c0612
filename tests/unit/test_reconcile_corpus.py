"""The corpus of hard values and hard keys: every engine gives the one right answer, whatever it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.corpus.answers import if_able
from tests.corpus.carrying import (
    CARRIED_BY_ARROW,
    CARRIED_BY_CSV,
    Pages,
    answer,
    answers_of_cells,
    answers_of_groups,
    cell_groups,
    fields_of,
    key_of,
    key_table,
    records,
    records_of_keys,
    table,
    write_csv,
)
from tests.corpus.reconciliation import GROUPS, KEYS, Group, Keys

from integrakit.errors import ConfigurationError
from integrakit.reconciliation import Diff, Field, reconcile
from integrakit.reconciliation.engines.planning import ENGINES
from integrakit.reconciliation.rules.causes import CAUSES
from integrakit.reconciliation.rules.keys import order_of
from integrakit.reconciliation.rules.values import Incomparable, canonical

np = pytest.importorskip("numpy", reason="needs numpy")
pa = pytest.importorskip("pyarrow", reason="needs pyarrow")

OF_RECORDS = ("dict", "merge", "spill")
OF_COLUMNS = ("dict", "merge", "spill", "arrow", "pushdown")
TYPED = [keys for keys in KEYS if keys.types is not None]


def engine_or_skip(engine: str) -> str:
    if engine == "pushdown":
        pytest.importorskip("duckdb", reason="needs duckdb")
    return engine


def judged(diff: Diff) -> dict[Any, dict[str, str]]:
    return {int(each.key): {name: one.cause for name, one in each.fields.items()} for each in diff.breaks()}


def test_every_engine_is_held_to_the_corpus() -> None:
    assert set(ENGINES) == {*OF_COLUMNS, "segments"}  # segments: between databases, in tests/services


def test_every_cause_of_the_corpus_has_a_sentence() -> None:
    causes = {pair[2] for group in (*GROUPS, *cell_groups()) for pair in group.pairs}
    assert causes - {None} <= CAUSES.keys()


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("engine", [*OF_RECORDS, "auto"])
def test_records(engine: str) -> None:
    left, right = records(GROUPS, 0), records(GROUPS, 1)
    diff = reconcile(Pages(left), Pages(right), engine=engine, key="id", fields=fields_of(GROUPS))
    assert judged(diff) == answers_of_groups(GROUPS)
    assert answer(diff) == answer(reconcile(left, right, key="id", fields=fields_of(GROUPS), engine="dict"))


def test_the_sides_can_be_swapped() -> None:
    mirrored = [group for group in GROUPS if "zone" not in group.options]
    diff = reconcile(records(mirrored, 1), records(mirrored, 0), key="id", fields=fields_of(mirrored))
    assert judged(diff) == answers_of_groups(mirrored)


def of_tables(folder: Path, groups: Sequence[Group]) -> tuple[Any, Any]:
    return table(groups, 0), table(groups, 1)


def of_parquet(folder: Path, groups: Sequence[Group]) -> tuple[Any, Any]:
    from pyarrow import parquet

    for side, name in enumerate(("left", "right")):
        parquet.write_table(table(groups, side), folder / f"{name}.parquet", row_group_size=100)
    return folder / "left.parquet", folder / "right.parquet"


@pytest.mark.parametrize("engine", [*OF_COLUMNS, "auto"])
@pytest.mark.parametrize("made", [of_tables, of_parquet])
def test_typed_columns(made: Callable[[Path, Sequence[Group]], tuple[Any, Any]], engine: str, tmp_path: Path) -> None:
    groups: Sequence[Group] = CARRIED_BY_ARROW
    if engine == "pushdown":  # planning a join takes the square of the number of columns: half of them in tables, half in files
        groups = groups[made is of_parquet :: 2]
    sides, fields = made(tmp_path, groups), fields_of(groups)
    diff = reconcile(*sides, engine=engine_or_skip(engine), key="id", fields=fields)
    assert judged(diff) == answers_of_groups(groups)
    assert answer(diff) == answer(reconcile(*sides, key="id", fields=fields, engine="dict"))


@pytest.mark.parametrize("engine", [*OF_COLUMNS, "auto"])
def test_typed_columns_without_named_fields(engine: str) -> None:
    groups = [group for group in CARRIED_BY_ARROW if not group.options]
    diff = reconcile(table(groups, 0), table(groups, 1), engine=engine_or_skip(engine), key="id")
    assert judged(diff) == answers_of_groups(groups)


def of_two_csv(folder: Path, groups: Sequence[Group]) -> tuple[Any, Any]:
    return write_csv(records(groups, 0), folder / "left.csv"), write_csv(records(groups, 1), folder / "right.csv")


def of_csv_and_parquet(folder: Path, groups: Sequence[Group]) -> tuple[Any, Any]:
    from pyarrow import parquet

    parquet.write_table(table(groups, 1), folder / "right.parquet")
    return write_csv(records(groups, 0), folder / "left.csv"), folder / "right.parquet"


def of_parquet_and_csv(folder: Path, groups: Sequence[Group]) -> tuple[Any, Any]:
    from pyarrow import parquet

    parquet.write_table(table(groups, 0), folder / "left.parquet", row_group_size=100)
    return folder / "left.parquet", write_csv(records(groups, 1), folder / "right.csv")


@pytest.mark.parametrize("engine", [*OF_COLUMNS[1:], "auto"])
@pytest.mark.parametrize("made", [of_two_csv, of_csv_and_parquet, of_parquet_and_csv])
def test_untyped_files(made: Callable[[Path, Sequence[Group]], tuple[Any, Any]], engine: str, tmp_path: Path) -> None:
    groups: Sequence[Group] = CARRIED_BY_CSV
    if engine == "pushdown":
        start, step = {of_two_csv: (0, 3), of_csv_and_parquet: (0, 2), of_parquet_and_csv: (1, 2)}[made]
        # From 1e-300 to 1e300, numbers as text have no total that could be told from two parts: pushdown says so, and others do it.
        groups = [group for group in groups[start::step] if group.name != "floats"]
    sides, fields = made(tmp_path, groups), fields_of(groups)
    diff = reconcile(*sides, engine=engine_or_skip(engine), key="id", fields=fields)
    assert answer(diff) == answer(reconcile(*sides, key="id", fields=fields, engine="dict"))


@pytest.mark.parametrize("engine", [*OF_COLUMNS, "auto"])
def test_cells(engine: str, tmp_path: Path) -> None:
    from pyarrow import parquet

    groups = cell_groups()
    left = write_csv(records(groups, 0), tmp_path / "left.csv")
    parquet.write_table(table(groups, 1), tmp_path / "right.parquet")
    diff = reconcile(left, tmp_path / "right.parquet", engine=engine_or_skip(engine), key="id", fields=fields_of(groups))
    assert judged(diff) == answers_of_cells()


# ---------------------------------------------------------------- options that look beyond one value


@pytest.mark.parametrize("engine", [*OF_COLUMNS, "auto"])
def test_tolerances_by_currency(engine: str) -> None:
    amounts = [
        (Decimal("10.00"), Decimal("10.01")),
        (Decimal("10.00"), Decimal("10.02")),
        (Decimal("5"), Decimal("5")),
        (Decimal("5"), None),
        (None, None),
    ]
    codes = [("EUR", "EUR"), ("EUR", "eur"), ("JPY", "JPY"), ("EUR", "USD"), ("CHF", "CHF"), (None, None), ("", "EUR")]
    cases = [(amount, code) for amount in amounts for code in codes]
    fields = [Field("amount", within={"EUR": "0.01", "JPY": 0, "*": "0.02"}, currency="code")]
    schema = pa.schema([("id", pa.int64()), ("amount", pa.decimal128(20, 2)), ("code", pa.string())])
    sides = [pa.Table.from_pylist([{"id": n, "amount": a[side], "code": c[side]} for n, (a, c) in enumerate(cases)], schema) for side in (0, 1)]
    diff = reconcile(*sides, engine=engine_or_skip(engine), key="id", fields=fields)
    allowed = {"EUR": Decimal("0.01"), "JPY": Decimal(0), "CHF": Decimal("0.02")}
    wrong = {}
    for number, ((left, right), (mine, other)) in enumerate(cases):
        code = mine.upper() if mine and other and mine.upper() == other.upper() else ""
        near = left == right or (left is not None and right is not None and code in allowed and abs(left - right) <= allowed[code])
        if names := [name for name, differs in (("amount", not near), ("code", mine != other)) if differs]:
            wrong[number] = names
    assert {each.key: list(each.fields) for each in diff.breaks()} == wrong


@pytest.mark.parametrize("engine", [*OF_COLUMNS, "auto"])
def test_clocks_of_two_zones(engine: str) -> None:
    """What is written the same way differs here: an engine that cannot tell leaves the field to the rules, or says that it cannot do it."""
    moments = [datetime(2026, 1, 1, hour) for hour in range(6)]
    lefts = pa.table({"id": range(6), "at": moments, "v": [1] * 6})
    rights = pa.table({"id": range(6), "at": [moment - timedelta(hours=1) if n % 2 else moment for n, moment in enumerate(moments)], "v": [1] * 6})
    arguments: dict[str, Any] = {"key": "id", "fields": [Field("at", zone=("Europe/Berlin", "UTC")), "v"]}
    if (diff := if_able(lefts, rights, engine_or_skip(engine), **arguments)) is not None:
        assert judged(diff) == {n: {"at": "timezone shift"} for n in (0, 2, 4)}
    else:
        assert engine in {"arrow", "pushdown"}


# ---------------------------------------------------------------- keys


def in_order(rows: list[dict[str, Any]], keys: Keys) -> list[dict[str, Any]]:
    names = key_of(keys).names

    def place(row: dict[str, Any]) -> Any:
        parts = tuple(canonical(row[name]) for name in names)
        return order_of(parts if len(parts) > 1 else parts[0], len(parts))

    try:
        return sorted(rows, key=place)
    except (Incomparable, TypeError):
        return rows


def check(diff: Diff, keys: Keys) -> None:
    found = [(canonical(each.key), each.kind) for each in diff.breaks()]
    expected = [(canonical(key), kind) for key, kind in keys.breaks]
    assert found == expected
    assert diff.summary["equal"] == keys.equal
    assert (diff.summary["left"], diff.summary["right"]) == (len(keys.left), len(keys.right))


@pytest.mark.parametrize("keys", KEYS, ids=lambda keys: keys.name)
def test_keys_of_records(keys: Keys) -> None:
    left, right = records_of_keys(keys, 0), records_of_keys(keys, 1)
    by_dict = reconcile(left, right, key=key_of(keys), fields=["value"], engine="dict") if left or right else None
    if by_dict is None:
        return
    check(by_dict, keys)
    for engine in ("spill", "auto"):
        diff = reconcile(Pages(left, 2), Pages(right, 2), engine=engine, key=key_of(keys), fields=["value"])
        assert answer(diff) == answer(by_dict), engine


@pytest.mark.parametrize("keys", KEYS, ids=lambda keys: keys.name)
def test_keys_in_a_merge(keys: Keys) -> None:
    """A merge gives the right answer or says that it cannot."""
    left, right = in_order(records_of_keys(keys, 0), keys), in_order(records_of_keys(keys, 1), keys)
    diff = if_able(Pages(left, 2), Pages(right, 1), "merge", key=key_of(keys), fields=["value"])
    if diff is not None:
        check(diff, keys)
    else:  # in the order of the values as they are, and not of what the options make of them; or of no order at all
        assert keys.options or keys.types is None or keys.types[0] != keys.types[1]


@pytest.mark.parametrize("engine", ["arrow", "pushdown"])
def test_keys_of_typed_columns(engine: str) -> None:
    engine_or_skip(engine)
    for keys in TYPED[::2] if engine == "pushdown" else TYPED:  # each takes a database of its own; tests/services has them all
        diff = if_able(key_table(keys, 0), key_table(keys, 1), engine, key=key_of(keys), fields=["value"])
        if diff is not None:
            check(diff, keys)
        else:
            left, right = keys.types or ([], [])
            assert keys.options or left != right or "float64" in left, keys.name


@pytest.mark.parametrize(
    "collation",
    [str.casefold, lambda text: text.replace(" ", "").casefold(), lambda text: text.encode("utf-16-be"), lambda text: (len(text), text)],
    ids=["case-insensitive", "locale", "utf-16", "length"],
)
def test_text_keys_in_the_order_of_another_collation_are_never_merged_wrongly(collation: Callable[[str], Any]) -> None:
    words = ["a", "B", "c", "a b", "aa", "Äpfel", "Zebra", "zebra", "ä", "\uffee", "😀", "é", "e\u0301", "ab", "A b"]
    left = [{"id": word, "v": 1} for word in sorted(words, key=collation)]
    right = [{"id": word, "v": 1} for word in sorted(words[1:], key=collation)]
    expected = answer(reconcile(left, right, key="id", fields=["v"], engine="dict"))
    assert answer(reconcile(Pages(left, 3), Pages(right, 3), key="id", fields=["v"])) == expected
    with pytest.raises(ConfigurationError, match="order"):
        reconcile(Pages(left, 3), Pages(right, 3), key="id", fields=["v"], engine="merge")
