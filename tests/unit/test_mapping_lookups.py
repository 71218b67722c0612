"""Lookup tables of a mapping: where rows come from, what columns mean, days, misses, functions, and every mistake in a table."""

from __future__ import annotations

import asyncio
import pickle
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import frozen

import integrakit as ik
from integrakit.errors import ConfigurationError, MappingError, ReadError
from integrakit.transform import LookupFunction, Mapping
from integrakit.transform.lookups import rows as rows_module
from integrakit.unset import UNSET

VAT = [
    {"country": "DE", "from": date(2007, 1, 1), "to": date(2020, 7, 1), "rate": "19"},
    {"country": "DE", "from": date(2020, 7, 1), "to": date(2021, 1, 1), "rate": "16"},
    {"country": "DE", "from": date(2021, 1, 1), "rate": "19"},
    {"country": "CH", "to": date(2024, 1, 1), "rate": "7.7"},
]
DATED = {"key": "country", "value": "rate", "valid_from": "from", "valid_to": "to"}


def built(table: dict[str, Any], rule: dict[str, Any] | None = None, *, folder: Any = None, given: Any = None) -> Mapping:
    """A mapping with one rule over one table."""
    tree = {"fields": {"it": {"from": "a", "lookup": "t", **(rule or {})}}, "tables": {"t": table}}
    return Mapping(tree, folder=folder, lookups=None if given is None else {"t": given})


def given(table: Any, rule: dict[str, Any] | None = None) -> Mapping:
    """A mapping with one rule over a table that the program gives, and nobody declares."""
    return Mapping({"fields": {"it": {"from": "a", "lookup": "t", **(rule or {})}}}, lookups={"t": table})


def one(mapping: Mapping, value: Any, **more: Any) -> Any:
    """What both passes make of a value."""
    record = {"a": value, **more}
    found = mapping(record)["it"]
    assert mapping._carefully(record)["it"] == found
    return found


def miss(mapping: Mapping, value: Any, **more: Any) -> str:
    """The one reason why a record does not fit."""
    with pytest.raises(MappingError) as caught:
        mapping({"a": value, **more})
    ((reason),) = [error.reason for error in caught.value.errors]
    return reason


def mistake(build: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        build(*arguments, **options)
    return str(caught.value)


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


# ---------------------------------------------------------------- rows


def test_a_column() -> None:
    mapping = built({"rows": [{"code": "DE", "name": "Germany"}, {"code": 7, "name": None}], "key": "code", "value": "name"})
    assert one(mapping, "DE") == "Germany"
    assert one(mapping, 7) is None
    assert one(mapping, "7") is None
    assert miss(mapping, "fr") == "'fr' is not in lookup 't'"
    hint = 'apply = ["upper"] finds it, or ignore_case = true in [tables.t]'
    assert miss(mapping, "de") == f"'de' is not in lookup 't', and 'DE' is: {hint}"


def test_whole_rows_and_some_columns_are_objects_that_nobody_shares() -> None:
    rows = [{"code": "DE", "name": "Germany", "tags": ["eu"]}]
    whole = built({"rows": rows, "key": "code"})
    assert one(whole, "DE") == rows[0]
    whole({"a": "DE"})["it"]["tags"].append("x")
    assert one(whole, "DE") == {"code": "DE", "name": "Germany", "tags": ["eu"]}
    some = built({"rows": rows, "key": "code", "value": ["tags", "code"]})
    assert list(one(some, "DE").items()) == [("tags", ["eu"]), ("code", "DE")]


def test_one_column_of_a_row() -> None:
    table = {"rows": [{"code": "DE", "name": "Germany", "tags": ["eu"]}], "key": "code"}
    mapping = built(table, {"column": "name"})
    assert one(mapping, "DE") == "Germany"
    assert " in table" in mapping.source(), "the generated code reads it itself"
    assert one(built(table, {"column": "tags"}), "DE") == ["eu"]
    assert "table 't' has no column 'nam': did you mean 'name'?" in mistake(built, table, {"column": "nam"})
    assert "is the name of a column, not 5" in mistake(built, table, {"column": 5})
    assert "one value for each key, and no columns" in mistake(built, {**table, "value": "name"}, {"column": "name"})
    uneven = {"rows": [{"code": "DE", "name": "x"}, {"code": "FR"}], "key": "code"}
    assert "the entry of 'FR' has no column 'name'" in mistake(built, uneven, {"column": "name"})
    assert "column belongs to lookup" in mistake(Mapping, {"fields": {"a": {"from": "a", "column": "x"}}})
    dated = built({**DATED, "rows": VAT, "value": ["rate", "country"]}, {"column": "rate", "at": "day"})
    assert one(dated, "DE", day="2020-08-01") == "16"


def test_a_key_of_several_columns() -> None:
    table = {
        "rows": [{"country": "DE", "sku": 7, "price": 1}, {"country": "DE", "sku": "8", "price": 2}],
        "key": ["country", "sku"],
        "value": "price",
    }
    mapping = built(table)
    assert one(mapping, ["DE", 7]) == 1
    assert one(mapping, ("DE", "7")) == 1
    assert one(mapping, ["DE", 8]) == 2
    assert miss(mapping, ["DE", 9]) == "['DE', 9] is not in lookup 't'"
    assert miss(mapping, "DE") == "a str cannot be looked up: the key is a list of 2 (country, sku)"
    assert miss(mapping, ["DE"]) == "a list of 1 cannot be looked up: the key is a list of 2 (country, sku)"
    assert "null cannot be looked up" in miss(mapping, ["DE", None])
    assert mapping.coverage([{"a": ["DE", 9]}, {"a": ["DE", 7]}]).never_looked_up == {"t": ("['DE', '8']",)}
    assert one(built({**table, "key": ["sku"]}), 7) == 1


def test_case_and_blanks() -> None:
    mapping = built({"rows": [{"c": " Straße ", "v": 1}, {"c": "Bern", "v": 2}], "key": "c", "value": "v", "ignore_case": True, "strip": True})
    for value in ["STRASSE", "straße", " Straße ", "\tstrasse"]:
        assert one(mapping, value) == 1
    assert one(mapping, "BERN") == 2
    assert mapping.coverage([{"a": "bern"}]).never_looked_up == {"t": ("' Straße '",)}
    assert "| Bern | 2 |" in mapping.document()
    twice = {"rows": [{"c": "A", "v": 1}, {"c": "a", "v": 2}], "key": "c", "value": "v", "ignore_case": True}
    assert "row 2: the key 'a' is in row 1 already, with another value" in mistake(built, twice)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (True, "true"),
        (1, Decimal("1.00")),
        (Decimal("7E2"), 700),
        (date(2024, 1, 31), "2024-01-31"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ("__proto__", "__proto__"),
        ("\ud800", "\ud800"),
        ("", ""),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_keys_are_texts(key: Any, value: Any) -> None:
    for mapping in (built({"key": "k", "value": "v"}, given=[{"k": key, "v": 1}]), given({key: 1})):
        assert one(mapping, value) == 1
        assert one(mapping, key) == 1


class Rude(str):
    """A text with a mind of its own."""

    def __hash__(self) -> int:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [1.0, Decimal("1.5"), Decimal("NaN"), Decimal("1E+999999"), [], {}, b"1", 10**999, datetime(2024, 1, 1), object(), {1: 2}, [[]]]
)
@pytest.mark.parametrize("otherwise", ["error", "keep", {"value": 1}, {"from": "a"}])
def test_what_cannot_be_looked_up(value: Any, otherwise: Any) -> None:
    for mapping in (built({"rows": VAT[:1], "key": "country"}, {"otherwise": otherwise}), given({"x": 1}, {"otherwise": otherwise})):
        assert "cannot be looked up" in miss(mapping, value)


def test_a_text_with_a_mind_of_its_own_is_a_text() -> None:
    assert one(given({"x": 1}), Rude("x")) == 1


def test_mistakes_in_rows() -> None:
    table = {"key": "k", "value": "v"}
    for rows, why in [
        ([{"k": "a", "v": 1}, {"k": None, "v": 1}], "row 2: the key 'k' is null"),
        ([{"k": "a", "v": 1}, {"v": 1}], "row 2: has no column 'k'"),
        ([{"k": "a", "v": 1}, {"k": "b"}], "row 2: has no column 'v'"),
        ([{"k": "a", "v": 1}, {"k": "b", "V": 5}], "row 2: has no column 'v'"),
        ([{"k": "a", "v": UNSET}], "row 1: has no column 'v'"),
        ([{"k": 1.5, "v": 1}], "row 1: the key 'k': a float cannot be looked up"),
        ([{"k": "a", "v": 1}, {"k": "a", "v": 2}], "row 2: the key 'a' is in row 1 already, with another value"),
        ([{"k": "a", "v": 1}, {"k": "a", "v": True}], "row 2: the key 'a' is in row 1 already"),
        (["text"], "row 1: a row is an object of columns, not a str"),
        ([{"k": "a", "v": 1, 5: 6}], "row 1: the name of a column is text, not an int"),
    ]:
        message = mistake(built, table, given=rows)
        assert message.startswith("Mapping({…}): tables.t: lookups={'t': …}: "), message
        assert why in message
    # The same row twice says nothing new.
    assert one(built(table, given=[{"k": "a", "v": [1]}, {"k": "a", "v": [1]}]), "a") == [1]
    assert miss(built(table, given=[]), "a") == "'a' is not in lookup 't'"


def test_types_of_columns() -> None:
    table = {"key": "k", "value": ["n", "on"], "types": {"n": {"to": "decimal", "scale": 2}, "on": "bool", "k": "int"}}
    mapping = built(table, given=[{"k": "007", "n": "1.005", "on": "yes"}, {"k": "8", "n": " ", "on": None}])
    assert one(mapping, 7) == {"n": Decimal("1.00"), "on": True}
    assert one(mapping, "8") == {"n": None, "on": None}
    assert "row 1: column 'n': 'x' is not a number" in mistake(built, table, given=[{"k": 1, "n": "x", "on": 1}])
    assert "tables.t.types.n: unknown type 'decimel'" in mistake(built, {"key": "k", "types": {"n": "decimel"}}, given=[])
    assert "tables.t.types.n: is a type, such as" in mistake(built, {"key": "k", "types": {"n": 5}}, given=[])
    for wanted, why in [
        ({"to": "decimal", "scael": 2}, "tables.t.types.n: unknown option 'scael': did you mean 'scale'?"),
        ({"to": "int", "null_values": ["-"]}, "unknown option 'null_values'"),
        ({"to": "int", "apply": ["strip"]}, "unknown option 'apply'"),
        ({"to": "money", "currency": {"from": "c"}}, "the currency of a column is a code"),
    ]:
        assert why in mistake(built, {"key": "k", "types": {"n": wanted}}, given=[])
    assert "tables.t.types: is a table of column and type" in mistake(built, {"key": "k", "types": ["n"]}, given=[])
    assert "types: no row has a column 'm': known are k, n" in mistake(built, {"key": "k", "types": {"m": "int"}}, given=[{"k": 1, "n": 2}])


def test_a_misspelt_column_is_found_even_where_it_could_be_left_out() -> None:
    rows = [{"country": "DE", "form": date(2024, 1, 1), "rate": 1}]
    message = mistake(built, {"key": "country", "value": "rate", "valid_from": "from"}, {"at": "day"}, given=rows)
    assert "valid_from: no row has a column 'from': did you mean 'form'?" in message


def test_an_iterable_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MOST_ROWS", 5)
    assert "has more than 5 rows" in mistake(built, {"key": "k"}, given=({"k": "x"} for _ in iter(int, 1)))


# ---------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("day", "rate"),
    [
        ("2007-01-01", "19"),
        ("2020-06-30", "19"),
        ("2020-07-01", "16"),
        ("2020-12-31T23:59:59", "16"),
        (date(2021, 1, 1), "19"),
        (datetime(2020, 7, 1), "16"),
        (date.max, "19"),
        (" 2020-07-01 ", "16"),
    ],
)
def test_the_entry_of_a_day(day: Any, rate: str) -> None:
    assert one(built({**DATED, "rows": VAT}, {"at": "day"}), "DE", day=day) == rate


def test_days_without_an_entry() -> None:
    mapping = built({**DATED, "rows": VAT}, {"at": "day"})
    assert miss(mapping, "DE", day="2006-12-31") == "'DE' is not in lookup 't' on 2006-12-31"
    assert miss(mapping, "CH", day="2024-01-01") == "'CH' is not in lookup 't' on 2024-01-01"
    assert one(mapping, "CH", day=date.min) == "7.7"
    assert one(built({**DATED, "rows": VAT}, {"at": "day", "otherwise": "keep"}), "CH", day="2024-01-01") == "CH"
    assert mapping({"a": None})["it"] is None, "what is null is not looked up, and needs no day"


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (None, "null is not a date"),
        ("soon", "'soon' is not a date in ISO 8601"),
        (5, "an int is not a date"),
        ("x" * 100, "too long for a date"),
        ("2024-01-31T23:30:00Z", "is an instant, and its day depends on the place: say at = {"),
        (datetime(2024, 1, 31, tzinfo=UTC), "is an instant"),
    ],
)
def test_what_is_no_day(day: Any, why: str) -> None:
    mapping = built({**DATED, "rows": VAT}, {"at": "day"})
    with pytest.raises(MappingError) as caught:
        mapping({"a": "DE", "day": day})
    ((error),) = caught.value.errors
    assert error.path == "day"
    assert why in error.reason
    with pytest.raises(MappingError) as caught:
        mapping({"a": "DE"})
    assert [(error.path, error.reason) for error in caught.value.errors] == [("day", "is missing")]


def test_the_day_may_be_any_rule() -> None:
    at = {"from": "moment", "to": "date", "timezone": "Europe/Berlin"}
    assert one(built({**DATED, "rows": VAT}, {"at": at}), "DE", moment="2020-06-30T22:00:00Z") == "16"
    assert one(built({**DATED, "rows": VAT}, {"at": at}), "DE", moment="2020-06-30T21:59:59Z") == "19"
    lines = {"each": "lines", "fields": {"rate": {"from": "country", "lookup": "t", "at": "day"}}}
    mapping = Mapping({"fields": {"lines": lines}, "tables": {"t": {**DATED, "rows": VAT}}})
    record = {"lines": [{"country": "DE", "day": "2020-08-01"}, {"country": "CH", "day": "2020-08-01"}]}
    assert mapping(record) == {"lines": [{"rate": "16"}, {"rate": "7.7"}]}


def test_the_last_day_may_be_part_of_a_period() -> None:
    table = {"key": "k", "value": "v", "valid_from": "since", "valid_through": "last"}
    rows = [{"k": "a", "since": None, "last": "2020-06-30", "v": 1}, {"k": "a", "since": "2020-07-01", "last": "9999-12-31", "v": 2}]
    mapping = built(table, {"at": "day"}, given=rows)
    assert [one(mapping, "a", day=day) for day in ("2020-06-30", "2020-07-01", "9999-12-31")] == [1, 2, 2]
    assert one(built(table, {"at": "day"}, given=[{"k": "a", "since": "2020-07-01", "last": "2020-07-01", "v": 1}]), "a", day="2020-07-01") == 1


def test_mistakes_in_periods() -> None:
    table = {"key": "k", "value": "v", "valid_from": "f", "valid_to": "t"}
    for rows, why in [
        (
            [{"k": "a", "f": "2020-01-01", "t": "2021-01-01", "v": 1}, {"k": "b", "v": 5}, {"k": "a", "f": "2020-12-31", "t": None, "v": 2}],
            "row 3: the entry of 'a' (from 2020-12-31) overlaps with the one in row 1 (from 2020-01-01 until 2021-01-01)",
        ),
        ([{"k": "a", "f": "2020-01-01", "t": "2021-01-01", "v": 1}, {"k": "a", "v": 1}], "row 2: the entry of 'a' (always) overlaps"),
        ([{"k": "a", "f": "2020-01-01", "t": "2021-01-01", "v": 1}] * 2 + [{"k": "a", "f": "2020-01-01", "t": "2021-01-01", "v": 2}], "overlaps"),
        ([{"k": "a", "f": "2020-01-01", "t": "2020-01-01", "v": 1}], "row 1: the entry of 'a' holds on no day: from 2020-01-01 until 2020-01-01"),
        ([{"k": "a", "f": "2020-01-01T12:00:00", "t": None, "v": 1}], "row 1: column 'f': '2020-01-01T12:00:00' is not the beginning of a day"),
        ([{"k": "a", "f": "soon", "t": None, "v": 1}], "row 1: column 'f': 'soon' is not a date"),
        ([{"k": "a", "f": datetime(2020, 1, 1, tzinfo=UTC), "t": None, "v": 1}], "its day depends on the place: say types = {"),
    ]:
        assert why in mistake(built, table, {"at": "day"}, given=rows)
    twice = [{"k": "a", "f": datetime(2020, 1, 1), "t": "", "v": 1}] * 2
    assert one(built(table, {"at": "day"}, given=twice), "a", day="2020-01-01") == 1


def test_dates_and_at_belong_together() -> None:
    assert "fields.it: lookup needs at = " in mistake(built, {**DATED, "rows": VAT})
    assert "fields.it: at has no meaning: 't' has no dates" in mistake(built, {"key": "country", "rows": VAT[:1]}, {"at": "day"})
    assert "at has no meaning" in mistake(given, {"a": 1}, {"at": "day"})
    assert "at belongs to lookup" in mistake(Mapping, {"fields": {"a": {"from": "a", "at": "x"}}})
    both = {**DATED, "valid_through": "to", "rows": VAT}
    assert "valid_to is the first day after, valid_through the last day: give one of them" in mistake(built, both, {"at": "day"})


def test_many_periods_of_one_key() -> None:
    first = date(1990, 1, 1).toordinal()
    rows = [{"k": "a", "f": date.fromordinal(first + day), "t": date.fromordinal(first + day + 1), "v": day} for day in range(5000)]
    mapping = built({"key": "k", "value": "v", "valid_from": "f", "valid_to": "t"}, {"at": "day"}, given=reversed(rows))
    assert [one(mapping, "a", day=date.fromordinal(first + day)) for day in (0, 2500, 4999)] == [0, 2500, 4999]


# ---------------------------------------------------------------- misses


def test_another_rule_for_a_miss() -> None:
    mapping = given({"x": "1", "null": None}, {"otherwise": {"from": "b", "apply": ["strip"]}, "to": "int"})
    assert one(mapping, "x") == 1
    assert one(mapping, "y", b=" 2 ") == 2
    assert one(mapping, "y", b=None) is None
    assert one(mapping, "null") is None
    assert miss(mapping, "y") == "is missing"
    assert mapping.coverage([{"a": "y", "b": "3"}]).missed == {"t": {"'y'": 1}}
    chained = Mapping(
        {
            "fields": {"it": {"from": "a", "lookup": "own", "otherwise": {"from": "a", "lookup": "all", "otherwise": {"value": "?"}}}},
            "lookups": {"own": {"x": 1}, "all": {"x": 2, "y": 3}},
        }
    )
    assert [one(chained, value) for value in ("x", "y", "z")] == [1, 3, "?"]


def test_a_list_or_an_object_for_a_miss_is_not_shared() -> None:
    mapping = built({"rows": VAT[:1], "key": "country"}, {"otherwise": {"value": {"rate": []}}})
    mapping({"a": "FR"})["it"]["rate"].append(1)
    assert one(mapping, "FR") == {"rate": []}


def test_coverage() -> None:
    mapping = built({**DATED, "rows": VAT}, {"at": "day", "otherwise": "keep"})
    found = mapping.coverage([{"a": "DE", "day": "2020-08-01"}, {"a": "DE", "day": "2006-08-01"}, {"a": "FR", "day": "2020-08-01"}] * 2)
    assert found.missed == {"t": {"'DE' on 2006-08-01": 2, "'FR' on 2020-08-01": 2}}
    assert found.never_looked_up == {"t": ("'DE' from 2007-01-01 until 2020-07-01", "'DE' from 2021-01-01", "'CH' until 2024-01-01")}
    assert "never looked up in 't':\n  'DE' from 2007-01-01 until 2020-07-01, " in str(found)
    many = given({str(number): number for number in range(5000)}).coverage([{"a": "1"}])
    assert len(many.never_looked_up["t"]) == 1000
    assert many.truncated
    assert "… and 980 more" in str(many)
    assert given({"x": 1}).coverage([{"a": "x"}]).never_looked_up == {}


# ---------------------------------------------------------------- CSV


def test_a_csv_file(tmp_path: Path) -> None:
    write(tmp_path, '\ufeffcode,name,\r\nDE,"Germany, ""Fed.""\nRep.",\r\n\r\nFR,,\r\n')
    mapping = built({"csv": "t.csv", "key": "code"}, folder=tmp_path)
    assert one(mapping, "DE") == {"code": "DE", "name": 'Germany, "Fed."\nRep.'}
    assert one(mapping, "FR") == {"code": "FR", "name": ""}
    plain = built({"csv": "t.csv", "key": "code", "value": "name"}, folder=str(tmp_path))
    assert " in table" in plain.source()
    assert "From t.csv." in plain.document()
    assert "| FR | '' |" in plain.document()


def test_how_a_csv_file_is_read(tmp_path: Path) -> None:
    write(tmp_path, "code;name\nGR;'Ελλάδα;x'\n".encode("cp1253"))
    table = {"csv": "t.csv", "key": "code", "value": "name", "delimiter": ";", "quote": "'", "encoding": "cp1253"}
    assert one(built(table, folder=tmp_path), "GR") == "Ελλάδα;x"
    write(tmp_path, "code\tname\nDE\tx\n".encode("utf-16"), "t.tsv")
    assert one(built({**table, "csv": "t.tsv", "delimiter": "\t", "encoding": "utf-16"}, folder=tmp_path), "DE") == "x"
    for option, value, why in [
        ("encoding", "utf-99", "unknown encoding 'utf-99'"),
        ("encoding", "hex", "unknown encoding 'hex'"),
        ("encoding", 5, "unknown encoding 5"),
        ("delimiter", "", "is one character, not ''"),
        ("quote", ";", "delimiter and quote are both ';'"),
    ]:
        assert why in mistake(built, {**table, option: value}, folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1 has no names of columns"),
        (",,\n", "line 1 has no names of columns"),
        ("code,code\n", "line 1 names the column 'code' twice"),
        ("Code,name\nDE,x\n", "key: there is no column 'code': did you mean 'Code'?"),
        ("code;name\nDE;x\n", "say delimiter = ';'"),
        ("code,name\nDE,x\nFR\n", "line 3 has 1 cells, and the first line has 2"),
        ('code,name\nDE,"x\ny"\nFR,1,2\n', "line 4 has 3 cells"),
        ('code,name\nDE,"x\n', "line 2 is not valid CSV: unexpected end of data"),
        ("code,name\nDE," + "x" * 200_000 + "\n", "line 2 is not valid CSV: field larger than field limit"),
        ("code,name\nDE,x\n,y\n", "line 3: the key 'code' is empty"),
        ("code,name\nDE,x\n  ,y\n", "line 3: the key 'code' is empty"),
        ("code,name\nDE,x\n\nDE,y\n", "line 4: the key 'DE' is in line 2 already, with another value"),
        ("code,name\nDE,x\nF\0,y\n", "line 3 has a NUL in it"),
        (b"code,name\nDE,x\nFR,\xff\n", 'line 3 is not utf-8 text: say encoding = "…"'),
        ("code,name\n".encode("utf-16"), 'is UTF-16: say encoding = "utf-16"'),
    ],
)
def test_mistakes_in_a_csv_file(tmp_path: Path, text: str | bytes, why: str) -> None:
    message = mistake(built, {"csv": "t.csv", "key": "code", "value": "name"}, folder=write(tmp_path, text))
    assert message.startswith("Mapping({…}): tables.t.csv: 't.csv': ")
    assert why in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "name",
    ["/etc/hosts.csv", "../t.csv", "a/../../t.csv", "a\\..\\..\\t.csv", "C:\\t.csv", "C:t.csv", "\\\\host\\t.csv", "", ".env", "t", "t.csv.key"],
)
def test_no_other_file_is_read(tmp_path: Path, name: str) -> None:
    write(tmp_path, "code,name\nDE,x\n")
    (tmp_path / "inner").mkdir()
    message = mistake(built, {"csv": name, "key": "code"}, folder=tmp_path / "inner")
    assert "is not a file in the folder of the mapping" in message or "its name must end in .csv, .tsv, .txt" in message


def test_links_folders_and_pipes_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "code,name\nDE,x\n")
    inner = tmp_path / "inner"
    (inner / "deep").mkdir(parents=True)
    (inner / "folder.csv").mkdir()
    (inner / "link.csv").symlink_to(tmp_path / "t.csv")
    (inner / "up").symlink_to(tmp_path)
    (inner / "loop.csv").symlink_to(inner / "loop.csv")
    write(inner / "deep", "code,name\nDE,x\n")
    (inner / "within.csv").symlink_to(inner / "deep" / "t.csv")
    for name, why in [
        ("link.csv", "is a link out of the folder"),
        ("up/t.csv", "is a link out of the folder"),
        ("folder.csv", "is not a plain file"),
        ("loop.csv", "loop.csv"),
        ("other.csv", "is not beside the mapping: there are"),
        ("\0.csv", "cannot be read"),
        ("nowhere/t.csv", "is not beside the mapping"),
    ]:
        assert why in mistake(built, {"csv": name, "key": "code"}, folder=inner)
    assert one(built({"csv": "deep/t.csv", "key": "code", "value": "name"}, folder=inner), "DE") == "x"
    assert one(built({"csv": "within.csv", "key": "code", "value": "name"}, folder=inner), "DE") == "x"
    assert "there is none: use Mapping.load, or say folder" in mistake(built, {"csv": "t.csv", "key": "code"})
    assert "folder=… takes the path of a folder, not an int" in mistake(built, {"csv": "t.csv", "key": "code"}, folder=5)


TOML = """
[fields]
it = { from = "a", lookup = "t" }

[tables.t]
csv = "t.csv"
key = "code"
value = "name"
"""


def test_files_are_looked_for_beside_the_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "code,name\nDE,x\n")
    (tmp_path / "m.toml").write_text(TOML)
    assert one(Mapping.load(tmp_path / "m.toml"), "DE") == "x"
    monkeypatch.chdir(tmp_path)
    mapping = Mapping.load("m.toml")
    monkeypatch.chdir("/")
    assert one(mapping.refreshed(), "DE") == "x"
    (tmp_path / "m.toml").write_text(TOML.replace('"code"', '"kode"'))
    assert f"{tmp_path / 'm.toml'}:6: tables.t.csv: 't.csv': key: there is no column 'kode': did you mean 'code'?" in mistake(
        Mapping.load, tmp_path / "m.toml"
    )


def test_files_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("maps/m.toml", TOML)
        archive.writestr("maps/t.csv", "code,name\nDE,x\n")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        resource: Any = zipfile.Path(archive, "maps/m.toml")
        mapping = Mapping.load(resource)
        assert one(mapping, "DE") == "x"
        assert "there is no such file" in mistake(built, {"csv": "u.csv", "key": "code"}, folder=zipfile.Path(archive, "maps/"))


def test_the_content_of_a_file_is_part_of_the_version(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(TOML)
    write(tmp_path, "code,name\nDE,x\n")
    first = Mapping.load(tmp_path / "m.toml")
    assert first.refreshed().version == Mapping.load(tmp_path / "m.toml").version == first.version
    write(tmp_path, "code,name\nDE,y\n")
    second = first.refreshed()
    assert second.version != first.version
    assert (one(first, "DE"), one(second, "DE")) == ("x", "y")
    assert given({"x": 1}).version == given({"x": 2}).version


# ---------------------------------------------------------------- what the program gives


@frozen
class Customer:
    code: str
    id: int


CUSTOMERS = {"key": "code", "value": "id"}


def test_records_of_any_kind(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as database:
        database.execute("CREATE TABLE customers (code TEXT PRIMARY KEY, id INTEGER)")
        database.execute("INSERT INTO customers VALUES ('A', 1)")
    database.close()
    write(tmp_path, "code,id\nA,1\n")
    query = ik.SqlQuery(tmp_path / "crm.db", "SELECT code, id FROM customers")
    table = ik.SqlTable(tmp_path / "crm.db", "customers", key="code")
    for source in [
        [{"code": "A", "id": 1}],
        iter([{"code": "A", "id": 1}]),
        [Customer("A", 1)],
        query,
        table,
    ]:
        assert one(built(CUSTOMERS, given=source), "A") == 1
    assert one(built(CUSTOMERS, given=ik.CsvFile(tmp_path / "t.csv")), "A") == "1"

    async def inside_a_loop() -> Any:
        return one(built(CUSTOMERS, given=query), "A")

    assert asyncio.run(inside_a_loop()) == 1
    query.close()
    table.close()


class Failing:
    """Rows that cannot be read."""

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def __iter__(self) -> Iterator[Any]:
        raise self.problem


class OnlyAsync:
    """Rows for async code alone."""

    def __aiter__(self) -> Any:
        return self


def test_sources_that_cannot_be_read() -> None:
    assert "lookups={'t': …}: reading it failed: OSError: 'gone'" in mistake(built, CUSTOMERS, given=Failing(OSError("gone")))
    with pytest.raises(ReadError) as caught:
        built(CUSTOMERS, given=Failing(ReadError("no")))
    assert caught.value.__notes__ == ["while reading lookups={'t': …} of Mapping({…})"]
    assert "can only be read with async for: read it before" in mistake(built, CUSTOMERS, given=OnlyAsync())


@pytest.mark.parametrize(
    ("lookups", "why"),
    [
        ([], "lookups={…} takes a dict of name → table, not a list"),
        ({5: {}}, "the name of a table is text, not 5"),
        ({"t": "text"}, "lookups={'t': …}: a table is a dict, a function, or an iterable of records, not a str"),
        ({"t": None}, "an iterable of records, not null"),
        ({"t": {1.5: 1}}, "lookups={'t': …}: a float cannot be looked up"),
        ({"t": {None: 1}}, "lookups={'t': …}: null cannot be looked up"),
        ({"t": {1: 1, "1": 2}}, "the key '1' is there twice"),
        ({"t": {"a": UNSET}}, "stands for UNSET"),
        ({"t": {("a", "b"): 1, "c": 2}}, "the key 'c' has 1 part, and others have 2"),
        ({"t": [{"a": 1}]}, "lookup 't' has no columns: lookups={'t': …} holds records: say in [tables.t] which column is the key"),
        ({"T": {}}, "unknown lookup 't': did you mean 'T'? (your own are given as lookups={'t': …})"),
        ({"tt": {}}, "unknown lookup 't': known are tt"),
    ],
)
def test_mistakes_in_what_is_given(lookups: Any, why: str) -> None:
    assert why in mistake(Mapping, {"fields": {"it": {"from": "a", "lookup": "t"}}}, lookups=lookups)


def test_a_dict_is_copied() -> None:
    table: dict[Any, Any] = {"a": [1], ("b",): 2}
    mapping = given(table)
    table["a"].append(2)
    table["c"] = 3
    mapping({"a": "a"})["it"].append(5)
    assert one(mapping, "a") == [1]
    assert one(mapping, "b") == 2
    assert miss(mapping, "c")
    assert one(given({("DE", 7): "x"}), ["DE", "7"]) == "x"


def test_what_is_given_and_not_used_is_left_alone() -> None:
    tree = {"fields": {"it": {"from": "a", "lookup": "t"}}}
    mapping = Mapping(tree, lookups={"t": {"x": 1}, "u": {"y": 2}, "records": Failing(ValueError("read"))})
    assert "Lookup u" not in mapping.document()
    assert "u" not in mapping.coverage([{"a": "x"}]).never_looked_up


def test_where_tables_are_declared_and_given() -> None:
    assert "tables.t: has no csv and no rows: the program gives them, as lookups={'t': …}, and did not" in mistake(built, CUSTOMERS)
    assert "so lookups={'t': …} takes records, not a dict" in mistake(built, CUSTOMERS, given={"A": 1})
    assert "takes records, not a function" in mistake(built, CUSTOMERS, given=lambda value: 1)
    assert "they can be in one place" in mistake(built, {**CUSTOMERS, "rows": []}, given=[])
    tree = {"fields": {"it": "a"}, "lookups": {"t": {"x": 1}}}
    assert "lookups.t: stands in the mapping and in lookups={'t': …}" in mistake(Mapping, tree, lookups={"t": {}})
    assert "tables.t: is there twice, as lookups.t too" in mistake(Mapping, {**tree, "tables": {"t": {**CUSTOMERS, "rows": []}}})


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (5, "tables.t: must be a table, not 5"),
        ({"paid": "PAID"}, "unknown option 'paid'"),
        ({"paid": "PAID"}, "a plain table of text and values is [lookups.t]"),
        ({"csv": "t.csv", "rows": [], "key": "k"}, "csv and rows exclude each other"),
        ({"rows": []}, "key is missing"),
        ({"rows": [], "key": 5}, "tables.t.key: is the name of a column, or a list of names, not 5"),
        ({"rows": [], "key": []}, "not a list of 0"),
        ({"rows": [], "key": ["a", "a"]}, "names a column twice"),
        ({"rows": [], "key": [f"c{number}" for number in range(20)]}, "has 20 columns, and at most 16 can be"),
        ({"rows": [], "key": "k", "value": 5}, "tables.t.value: is the name of a column, or a list of names"),
        ({"rows": [], "key": "k", "valid_from": ["f"]}, "tables.t.valid_from: is the name of a column, not a list of 1"),
        ({"rows": {}, "key": "k"}, "tables.t.rows: is a list of tables, not a table"),
        ({"csv": 5, "key": "k"}, "tables.t.csv: is the name of a file beside the mapping, not 5"),
        ({"rows": [], "key": "k", "strip": "yes"}, "tables.t.strip: is true or false, not 'yes'"),
        ({"rows": [], "key": "k", "delimiter": ";"}, "delimiter belongs to csv"),
        ({"rows": [], "keys": "k"}, "unknown option 'keys': did you mean 'key'?"),
        ({"rows": [5], "key": "k"}, "tables.t: row 1: a row is an object of columns, not an int"),
    ],
)
def test_mistakes_in_a_declaration(table: Any, why: str) -> None:
    message = mistake(Mapping, {"fields": {"it": "a"}, "tables": {"t": table}}, name="m.toml")
    assert message.startswith("m.toml: tables.t")
    assert why in message


def test_tables_that_are_none() -> None:
    assert "tables: must be a table, not a list of 0" in mistake(Mapping, {"fields": {"it": "a"}, "tables": []})


# ---------------------------------------------------------------- functions


def test_a_function() -> None:
    asked = []

    def region(value: Any) -> Any:
        asked.append(value)
        if value == "bad":
            raise ValueError("no such region")
        return {"DE": "north", "null": None, "list": [1]}.get(value, UNSET)

    mapping = given(region)
    assert [one(mapping, value) for value in ("DE", "DE", "null")] == ["north", "north", None]
    assert asked == ["DE", "null"]
    mapping({"a": "list"})["it"].append(2)
    assert one(mapping, "list") == [1]
    assert miss(mapping, "FR") == "'FR' is not in lookup 't'"
    assert miss(mapping, "bad") == "lookup 't' failed on 'bad': ValueError: 'no such region'"
    assert one(given(region, {"otherwise": {"value": "?"}}), "FR") == "?"
    assert mapping.coverage([{"a": "FR"}, {"a": "DE"}]).missed == {"t": {"'FR'": 1}}
    assert "From the function region." in mapping.document()


def test_a_function_of_a_value_and_a_day() -> None:
    def rate(value: str, day: date) -> str:
        """The rate of a day."""
        return f"{value} {day!r}"

    mapping = given(rate, {"at": "day"})
    assert one(mapping, "EUR", day="2024-01-31T10:00:00") == "EUR datetime.date(2024, 1, 31)"
    assert one(mapping, "EUR", day="2024-02-01") == "EUR datetime.date(2024, 2, 1)"
    assert r"the function rate: The rate of a day" in mapping.document()
    assert "the function of lookup 't' cannot be called with one value" in mistake(given, rate)
    assert "cannot be called with a value and a day" in mistake(given, lambda value: value, {"at": "day"})
    assert one(given(str), 5) == "5"
    assert one(given({"a": 1}.get), "a") == 1


def test_what_a_function_remembers() -> None:
    asked: list[Any] = []

    def say(value: Any) -> str:
        asked.append(value)
        return str(type(value))

    for mapping, expected in [
        (given(say), [1, True, "1", Decimal("1.0"), Decimal("1.00"), 1.0, [1], [True], {"x": 1}, {"x": 1}, "x" * 2000, "x" * 2000]),
        (given(LookupFunction(say, cache=1)), [1, True, "1", "x"]),
    ]:
        asked.clear()
        for value in expected:
            assert mapping({"a": value})["it"] == str(type(value))
        assert len(asked) == len(expected)
    asked.clear()
    mapping = given(LookupFunction(say, cache=0))
    assert mapping({"a": 1}) == mapping({"a": 1})
    assert asked == [1, 1]
    asked.clear()
    mapping = given(say)
    mapping({"a": 1})
    mapping.refreshed()({"a": 1})
    mapping({"a": 1})
    assert asked == [1, 1]


async def later(value: Any) -> Any:
    return value


class Caller:
    async def __call__(self, value: Any) -> Any:
        return value


@pytest.mark.parametrize("function", [later, Caller()])
def test_async_functions_are_refused(function: Any) -> None:
    assert "lookups={'t': …}: LookupFunction takes a plain function" in mistake(given, function)


@pytest.mark.parametrize("cache", [-1, True, "10", None, 10**9])
def test_a_cache_is_a_number(cache: Any) -> None:
    assert "LookupFunction(cache=…) takes a number of answers" in mistake(LookupFunction, str, cache=cache)
    assert "not an int" in mistake(LookupFunction, 5)


def test_functions_that_misbehave() -> None:
    def endless(value: Any) -> Any:
        return endless(value)

    assert "RecursionError" in miss(given(endless), "x")
    odd = object()
    assert given(lambda value: odd)({"a": "x"})["it"] is odd
    assert "ZeroDivisionError" in miss(given(lambda value: 1 / 0), "x")
    assert "is a function and has no column 'x'" in mistake(given, str, {"column": "x"})


def test_threads_share_a_mapping() -> None:
    mapping = given(lambda value: value * 2)
    found: list[Any] = []

    def work() -> None:
        found.extend(mapping({"a": str(number % 50)})["it"] for number in range(500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2000
    assert set(found) == {str(number) * 2 for number in range(50)}


# ---------------------------------------------------------------- anew, and elsewhere


def test_reading_anew() -> None:
    rows = [{"code": "A", "id": 1}]
    mapping = built(CUSTOMERS, given=rows)
    rows.append({"code": "B", "id": 2})
    assert miss(mapping, "B")
    assert one(mapping.refreshed(), "B") == 2
    assert one(mapping.refreshed().refreshed(), "B") == 2
    assert "is an iterator, and used up" in mistake(built(CUSTOMERS, given=iter(rows)).refreshed)
    rows.append({"code": "B", "id": 3})
    assert "row 3: the key 'B' is in row 2 already" in mistake(mapping.refreshed)


def test_pickles(tmp_path: Path) -> None:
    write(tmp_path, "code,name\nDE,x\n")
    tree = {
        "fields": {name: {"from": "a", "lookup": name} for name in ("file", "rows", "dict", "function")},
        "tables": {"file": {"csv": "t.csv", "key": "code", "value": "name"}, "rows": {"key": "code", "value": "id"}},
    }
    rows = Rows([{"code": "DE", "id": 1}])
    mapping = Mapping(tree, folder=tmp_path, lookups={"rows": rows, "dict": {"DE": 2}, "function": str.lower})
    again = pickle.loads(pickle.dumps(mapping))
    assert again({"a": "DE"}) == mapping({"a": "DE"}) == {"file": "x", "rows": 1, "dict": 2, "function": "de"}
    assert again.version == mapping.version
    assert rows.reads == 1, "the pickle holds what was read"
    assert "the source of lookups={'rows': …} was not pickled with the mapping" in mistake(again.refreshed)
    other = pickle.loads(pickle.dumps(given(str.lower))).refreshed()
    assert one(other, "X") == "x"


class Rows:
    """Rows that count how often they are read, and cannot be pickled."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows
        self.reads = 0
        self.lock = threading.Lock()

    def __iter__(self) -> Iterator[Any]:
        self.reads += 1
        return iter(self.rows)


def test_the_page() -> None:
    rows = [{"k": f"key {number}", "v|": number} for number in range(150)]
    page = built({"key": "k", "value": "v|"}, given=rows).document()
    assert "From rows of the program.\n\n| k | v\\| |\n|---|---|\n| key 0 | 0 |" in page
    assert "key 99 " in page
    assert "key 100 " not in page
    assert "… and 50 more." in page
    dated = built({**DATED, "rows": VAT}, {"at": "day", "otherwise": {"from": "b"}}).document()
    assert "| it | a, day, b | read; lookup t, at day, else b |" in dated
    assert "| country | rate | From day | Until day |" in dated
    assert "| CH | '7.7' |  | 2024-01-01 |" in dated
