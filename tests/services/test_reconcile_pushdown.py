"""Two tables of one database are joined there, and the answer is the one that reading both gives."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests.corpus.answers import same_answers as one_answer
from tests.services.databases import Room, room

from integrakit.errors import ConfigurationError
from integrakit.reconciliation import Field, reconcile
from integrakit.sql import SqlQuery, SqlTable

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def postgres() -> Iterator[Room]:
    with room("postgresql") as found:
        yield found


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Room]:
    with room("mariadb") as found:
        yield found


def same_answers(left: Any, right: Any, **options: Any) -> Any:
    found = one_answer(left, right, **options)
    for side in (left, right):
        side.close()
    return found


#: Type on the left, type on the right, and pairs of values as SQL.
POSTGRESQL = {
    "int": ("int4", "numeric", [("1", "1.00"), ("2", "2.5"), ("-3", "-3"), ("NULL", "NULL"), ("4", "NULL")]),
    "numeric": ("numeric", "numeric(20,4)", [("1.10", "1.1"), ("'NaN'", "'NaN'"), ("0.00001", "0"), ("1e30::numeric", "1")]),
    "nan": ("numeric", "float8", [("'NaN'", "'NaN'"), ("1", "1"), ("0.1", "0.1")]),
    "float8": ("float8", "float8", [("'NaN'", "'NaN'"), ("'-0'", "0"), ("1e300", "1e300"), ("0.1", "0.30000000000000004"), ("'inf'", "'-inf'")]),
    "exact": ("float8", "numeric", [("0.1", "0.1"), ("1e23", "1e23"), ("9007199254740993", "9007199254740993"), ("'inf'", "1")]),
    "float4": ("float4", "float8", [("0.1", "0.1"), ("16777217", "16777217"), ("3.4e38", "3.4e38")]),
    "text": ("text", "varchar", [("'a'", "'a '"), ("'é'", "U&'e\\0301'"), ("''", "NULL"), ("'A'", "'a'"), ("'z'", "'z'")]),
    "char": ("char(3)", "char(5)", [("'ab'", "'ab'"), ("'abc'", "'abc'")]),
    "chars": ("char(3)", "char(3)", [("'ab'", "'ab'"), ("'abc'", "'ab'")]),
    "char text": ("char(3)", "text", [("'ab'", "'ab'"), ("'ab'", "'ab '"), ("'abc'", "'abc'")]),
    "uuid": (
        "uuid",
        "text",
        [
            ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
            ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
        ],
    ),
    "uuids": ("uuid", "uuid", [("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'")]),
    "moment": (
        "timestamptz",
        "timestamptz",
        [("'2024-03-31 02:30+01'", "'2024-03-31 01:30Z'"), ("'infinity'", "'infinity'"), ("'0044-03-15 BC'", "'2024-01-01'")],
    ),
    "naive": ("timestamp", "timestamp(0)", [("'2024-01-01 10:00:00.5'", "'2024-01-01 10:00:00'"), ("'2024-01-01'", "'2024-01-01'")]),
    "aware": ("timestamp", "timestamptz", [("'2024-01-01'", "'2024-01-01Z'")]),
    "date": ("date", "date", [("'2024-01-01'", "'2024-01-01'"), ("'-infinity'", "'infinity'"), ("'20000-01-01'", "'20000-01-01'")]),
    "timetz": ("timetz", "timetz", [("'10:00+01'", "'10:00+01'"), ("'10:00+01'", "'09:00+00'")]),
    "interval": ("interval", "interval", [("'1 mon'", "'30 days'"), ("'1 day'", "'24 hours'"), ("'1 day'", "'1 day'")]),
    "bytes": ("bytea", "bytea", [("'\\x00'", "'\\x00'"), ("'\\x00'", "''")]),
    "bool": ("bool", "bool", [("true", "true"), ("true", "false")]),
    "bool int": ("bool", "int4", [("true", "1")]),
    "text number": ("text", "int4", [("'42'", "42")]),
    "json": ("json", "jsonb", [("'{\"a\": 1}'", "'{\"a\":1}'"), ("'[1,2]'", "'[2,1]'")]),
    "jsonb": ("jsonb", "jsonb", [("'{\"a\": 1}'", "'{\"a\": 1.0}'"), ("'1'", "'true'"), ("'null'", "NULL")]),
    "list": ("int4[]", "int4[]", [("'{1,2}'", "'{1,2}'"), ("'{1,2}'", "'{2,1}'"), ("'{1,NULL}'", "'{1,NULL}'")]),
    "inet": ("inet", "inet", [("'10.0.0.1/32'", "'10.0.0.1'"), ("'10.0.0.1/24'", "'10.0.0.1'")]),
    "money": ("money", "numeric", [("'1.10'", "1.1"), ("'2'", "3")]),
    "oid": ("oid", "int8", [("4294967295", "4294967295"), ("1", "2")]),
}


def tables(place: Room, types: dict[str, tuple[str, str, list[tuple[str, str]]]], key: str = "int") -> tuple[str, str]:
    """One row for each pair of each kind, all other columns null; and one row more on each side."""
    names = []
    for side, name in ((0, "hard_left"), (1, "hard_right")):
        place.execute(f"DROP TABLE IF EXISTS {{}}{name}")
        columns = ", ".join(f"c{at} {kind[side]}" for at, kind in enumerate(types.values()))
        place.execute(f"CREATE TABLE {{}}{name} (id {key} PRIMARY KEY, {columns})")
        row = 0
        for at, kind in enumerate(types.values()):
            for pair in kind[2]:
                row += 1
                place.execute(f"INSERT INTO {{}}{name} (id, c{at}) VALUES ({row}, {pair[side]})".replace("%", "%%"))
        place.execute(f"INSERT INTO {{}}{name} (id) VALUES ({1000 + side})")
        names.append(f"{place.name}.{name}")
    return names[0], names[1]


def test_every_type_of_postgresql_is_compared_as_it_is_when_it_is_read(postgres: Room) -> None:
    names = tables(postgres, POSTGRESQL)
    left, right = (SqlTable(postgres.url, name, key="id") for name in names)
    found = same_answers(left, right, key="id")
    assert found.summary["equal"] > 25
    assert found.summary["missing_left"] == found.summary["missing_right"] == 1
    for kind in ("NULLIF", "types"):
        pairs = [
            SqlTable(postgres.url, name, key="id", types={"c1": str, "c6": str})
            if kind == "types"
            else SqlQuery(postgres.url, f"SELECT *, 1 AS one FROM {name} WHERE id > :low", params={"low": 1})
            for name in names
        ]
        same_answers(*pairs, key="id")


def test_options_are_prefilters_that_change_nothing(postgres: Room) -> None:
    left, right = (SqlTable(postgres.url, name, key="id") for name in tables(postgres, POSTGRESQL))
    names = list(POSTGRESQL)
    at = {name: f"c{place}" for place, name in enumerate(names)}
    fields = [
        Field(at["numeric"], within="0.00001"),
        Field(at["float8"], within="0.2"),
        Field(at["exact"], within="1%"),
        Field(at["text"], null_is_empty=True),
        Field(at["naive"], truncate="s"),
        Field(at["moment"], truncate="ms"),
        Field(at["char text"], ignore_case=True),
        Field(at["uuid"], ignore_case=True),
    ]
    assert same_answers(left, right, key="id", fields=fields).summary["equal"] > 40


@pytest.mark.parametrize("kind", ["text", "char(4)", 'text COLLATE "nocase_%"', "numeric", "bytea", "uuid", "timestamptz"])
def test_keys_are_joined_and_ordered_as_the_rules_say(postgres: Room, kind: str) -> None:
    values: list[Any] = ["a", "A", "é", "e\u0301", "b ", "b", "\U0001f600", "\uffff", "", None, "a"]
    if kind == "numeric":
        values = ["1.0", "1", "2", "1e3", None, "-5"]
    if kind == "uuid":
        values = ["00000000-0000-0000-0000-00000000000" + each for each in "1aAf0"]
    if kind == "timestamptz":
        values = ["2024-10-27 02:30+02", "2024-10-27 02:30+01", "2024-10-27 00:30Z", None]
    if "COLLATE" in kind:
        kind = kind.replace("%", postgres.name)
        postgres.execute(
            f"CREATE COLLATION IF NOT EXISTS {{}}\"nocase_{postgres.name}\" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        kind = kind.replace('"nocase', f'{postgres.name}."nocase')
    names = []
    for side in (0, 1):
        name = f"keys_{side}"
        postgres.execute(f"DROP TABLE IF EXISTS {{}}{name}")
        postgres.execute(f"CREATE TABLE {{}}{name} (id {kind}, n int4)")
        for place, value in enumerate(values[side:] + values[:side]):
            shown = "NULL" if value is None else "'" + value + "'"
            postgres.execute(f"INSERT INTO {{}}{name} VALUES ({shown}, {place // 2})")
        names.append(f"{postgres.name}.{name}")
    left, right = (SqlQuery(postgres.url, f"SELECT * FROM {name}") for name in names)
    assert same_answers(left, right, key="id").summary["left"] == len(values)


def test_keys_that_are_not_a_number_are_left_to_others(postgres: Room) -> None:
    left, right = (SqlQuery(postgres.url, f"SELECT * FROM (VALUES ('NaN'::{kind}), (1)) AS t (id)") for kind in ("numeric", "numeric"))
    with pytest.raises(ConfigurationError, match="NaN"):
        reconcile(left, right, key="id", engine="pushdown")
    found = reconcile(left, right, key="id")
    assert found.summary["null_keys"] == 2
    assert "pushdown was given up" in found.explain()


def test_totals_are_exact_whatever_the_floats(postgres: Room) -> None:
    rows = "SELECT g AS id, {} AS x, g * 0.1::numeric AS d FROM generate_series(1, 2500) AS g"
    for value in ("g / 4.0::float8", "sqrt(g::float8)", "CASE WHEN g > 2 THEN 'NaN'::float8 ELSE g END", "g::float4 / 10"):
        left = SqlQuery(postgres.url, rows.format(value))
        right = SqlQuery(postgres.url, rows.format(value) + " WHERE g <> 7")
        found = same_answers(left, right, key="id")
        assert found.totals["d"].left == Decimal("312625.0")


def test_a_mistake_in_a_query_is_told_in_words_of_our_own_and_leaves_no_connection(postgres: Room) -> None:
    left, right = (SqlQuery(postgres.url, "SELECT 1 AS id, 1 / (SELECT count(*) - 1 FROM (VALUES (1)) AS t) AS x") for _ in "lr")
    with pytest.raises(Exception, match="division by zero") as caught:
        reconcile(left, right, key="id", engine="pushdown")
    assert type(caught.value).__module__ == "integrakit.errors"
    left.close()
    right.close()
    busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%integrakit_join%%' AND state LIKE 'idle in%%'"
    assert postgres.execute(busy) == [(0,)]


def test_an_open_connection_sees_one_moment(postgres: Room) -> None:
    names = tables(postgres, {"int": POSTGRESQL["int"]})
    left, right = (SqlTable(postgres.url, name, key="id") for name in names)
    found = reconcile(left, right, key="id")
    assert "engine: pushdown" in found.explain()
    assert getattr(found.evidence.left, "complete", None) is True


MARIADB = {
    "int": ("int", "decimal(10,2)", [("1", "1.00"), ("2", "2.5"), ("NULL", "NULL")]),
    "bigint": ("bigint unsigned", "decimal(30,0)", [("18446744073709551615", "18446744073709551615"), ("1", "2")]),
    "bool": ("tinyint(1)", "tinyint(1)", [("1", "1"), ("0", "1"), ("2", "2")]),
    "bool int": ("tinyint(1)", "int", [("1", "1")]),
    "bit": ("bit(1)", "int", [("1", "1")]),
    "bits": ("bit(8)", "bit(8)", [("5", "5"), ("5", "6")]),
    "float": ("float", "float", [("0.1", "0.1"), ("0.1", "0.2")]),
    "float double": ("float", "double", [("0.1", "0.1"), ("0.1", "0.10000000149011612"), ("0.5", "0.5")]),
    "double": ("double", "double", [("0.1", "0.1"), ("0.1", "0.30000000000000004"), ("-0.0", "0.0")]),
    "double decimal": ("double", "decimal(20,4)", [("0.1", "0.1"), ("1e15", "1000000000000000")]),
    "text": ("varchar(20)", "text", [("'a'", "'A'"), ("'a'", "'a '"), ("'é'", "'e'"), ("'ß'", "'ss'"), ("''", "NULL"), ("'x'", "'x'")]),
    "latin": ("varchar(20) CHARACTER SET latin1", "varchar(20) CHARACTER SET utf8mb4", [("'é'", "'é'"), ("'a'", "'b'")]),
    "char": ("char(3)", "varchar(5)", [("'ab'", "'ab'"), ("'ab '", "'ab '")]),
    "json": ("json", "longtext", [("'[]'", "'[]'")]),
    "jsons": ("json", "json", [("'[1]'", "'[1]'"), ("'[1]'", "'[1.0]'")]),
    "bytes": ("varbinary(5)", "blob", [("'a'", "'a'"), ("'a'", "'A'"), ("x'00'", "''")]),
    "date": ("date", "date", [("'2024-01-01'", "'2024-01-01'"), ("'2024-01-01'", "'2024-01-02'")]),
    "naive": ("datetime(6)", "datetime", [("'2024-01-01 00:00:00.5'", "'2024-01-01 00:00:00'"), ("'2024-01-01'", "'2024-01-01'")]),
    "instant": ("timestamp(3) NULL", "datetime(3)", [("'2024-01-01'", "'2024-01-01'")]),
    "instants": ("timestamp(3) NULL", "timestamp NULL", [("'2024-01-01'", "'2024-01-01'"), ("'2024-01-01'", "'2024-01-02'")]),
    "time": ("time", "time", [("'10:00'", "'10:00'"), ("'-100:00'", "'10:00'")]),
    "enum": ("enum('a','b')", "varchar(5)", [("'a'", "'a'"), ("'a'", "'A'")]),
    "year": ("year", "int", [("2024", "2024")]),
}


def test_every_type_of_mariadb_is_compared_as_it_is_when_it_is_read(mariadb: Room) -> None:
    names = tables(mariadb, MARIADB)
    left, right = (SqlTable(mariadb.url, name, key="id") for name in names)
    assert same_answers(left, right, key="id").summary["equal"] > 15
    left, right = (SqlQuery(mariadb.url, f"SELECT * FROM {name}") for name in names)
    same_answers(left, right, key="id")


def test_texts_that_a_collation_takes_for_one_are_several_keys(mariadb: Room) -> None:
    rows = "SELECT 'a' AS id, 1 AS x" + "".join(f" UNION ALL SELECT {key}, {x}" for x, key in enumerate(["'A '", "'é'", "{}", "NULL", "{}"], 2))
    left, right = SqlQuery(mariadb.url, rows.format("'b'", "'a'")), SqlQuery(mariadb.url, rows.format("'B'", "'e'"))
    found = same_answers(left, right, key="id")
    assert (found.summary["missing_left"], found.summary["duplicates"]) == (2, 1)
