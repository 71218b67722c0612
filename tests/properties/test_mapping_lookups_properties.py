"""Lookup tables against a slow reading of their rows, in both passes, on random tables, values and days."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping

MISSED = object()
DAYS = st.integers(0, 12).map(lambda number: date(2024, 1, 1) + timedelta(days=number))
KEYS = st.sampled_from(["a", "A", "b", " a", "1", "ß", "ss"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2))
OTHERWISE = st.sampled_from(["error", "keep", {"value": [1]}, {"from": "b"}])


def answer(mapping: Mapping, record: dict[str, Any]) -> Any:
    """What the mapping makes of the record; both passes must agree."""
    try:
        found = mapping(record)["it"]
    except MappingError:
        return MISSED
    assert mapping._carefully(record)["it"] == found
    return found


def expected(found: list[Any], otherwise: Any, record: dict[str, Any]) -> Any:
    if found:
        return found[0]
    return {"error": MISSED, "keep": record["a"]}[otherwise] if isinstance(otherwise, str) else otherwise.get("value", record["b"])


PERIODS = st.tuples(KEYS, st.none() | DAYS, st.none() | DAYS, VALUES)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(PERIODS, max_size=5), asked=st.lists(st.tuples(KEYS, DAYS), max_size=8), otherwise=OTHERWISE, through=st.booleans())
def test_the_entry_of_a_day(rows: list[Any], asked: list[Any], otherwise: Any, through: bool) -> None:
    def holds(row: Any, day: date) -> bool:
        return (row[1] is None or row[1] <= day) and (row[2] is None or day < row[2] or (through and day == row[2]))

    every = [date(2023, 12, 31) + timedelta(days=number) for number in range(16)]
    empty = any(not any(holds(row, day) for day in every) for row in rows)
    doubled = any(holds(one, day) and holds(two, day) for two in rows for one in rows if one is not two and one[0] == two[0] for day in every)
    tree = {
        "fields": {"it": {"from": "a", "lookup": "t", "at": "day", "otherwise": otherwise}},
        "tables": {"t": {"key": "k", "value": "v", "valid_from": "f", "valid_through" if through else "valid_to": "u"}},
    }
    records = [dict(zip(("k", "f", "u", "v"), row, strict=True)) for row in rows]
    try:
        mapping = Mapping(tree, lookups={"t": records})
    except ConfigurationError:
        assert empty or doubled
        return
    assert not empty
    assume(not doubled)  # the same row twice
    for key, day in asked:
        record = {"a": key, "b": 5, "day": day.isoformat()}
        assert answer(mapping, record) == expected([row[3] for row in rows if row[0] == key and holds(row, day)], otherwise, record)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(KEYS, KEYS, VALUES), max_size=5, unique_by=lambda row: (row[0].strip().casefold(), row[1].strip().casefold())),
    asked=st.lists(st.tuples(KEYS, KEYS), max_size=8),
    otherwise=OTHERWISE,
    ignore_case=st.booleans(),
    strip=st.booleans(),
    column=st.booleans(),
)
def test_keys_of_two_parts(rows: list[Any], asked: list[Any], otherwise: Any, ignore_case: bool, strip: bool, column: bool) -> None:
    def same(left: str, right: str) -> bool:
        left, right = (text.strip() if strip else text for text in (left, right))
        return left.casefold() == right.casefold() if ignore_case else left == right

    rule = {"from": "a", "lookup": "t", "otherwise": otherwise, **({"column": "v"} if column and rows else {})}
    table = {"key": ["k", "l"], "ignore_case": ignore_case, "strip": strip, **({} if column else {"value": "v"})}
    records = [dict(zip(("k", "l", "v"), row, strict=True)) for row in rows]
    mapping = Mapping({"fields": {"it": rule}, "tables": {"t": {**table, "rows": records}}})
    for key in asked:
        record = {"a": list(key), "b": 5}
        found = [row[2] for row in rows if same(row[0], key[0]) and same(row[1], key[1])]
        assert answer(mapping, record) == expected(found, otherwise, record)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS), max_size=5, unique_by=lambda row: row[0]), delimiter=st.sampled_from(",;\t"))
def test_any_text_in_a_csv_file(rows: list[Any], delimiter: str) -> None:
    with TemporaryDirectory() as folder:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("k", "v"), *rows])
        Path(folder, "t.csv").write_bytes(text.getvalue().encode())
        table = {"csv": "t.csv", "key": "k", "value": "v", "delimiter": delimiter}
        mapping = Mapping({"fields": {"it": {"from": "a", "lookup": "t"}}, "tables": {"t": table}}, folder=folder)
    assert [answer(mapping, {"a": key}) for key, _ in rows] == [value for _, value in rows]
    assert isinstance(mapping.document(), str)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=40).map(lambda data: b"k,v\n" + data))
def test_any_bytes_as_a_csv_file(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "t.csv").write_bytes(data)
        try:
            Mapping({"fields": {"it": {"from": "a", "lookup": "t"}}, "tables": {"t": {"csv": "t.csv", "key": "k"}}}, folder=folder)
            message = ""
        except ConfigurationError as problem:
            message = str(problem)
    assert not message or message.startswith("Mapping({…}): tables.t.csv: 't.csv': ")
