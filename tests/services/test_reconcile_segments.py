"""The engine "segments" on real servers: whatever the values and keys are, it answers as engine="dict" does, and reads no more than it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.services.databases import Room, room

import integrakit as ik
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.reconciliation.engines.segments import engine as segments
from integrakit.reconciliation.engines.segments import mariadb as mariadb_statements
from integrakit.reconciliation.engines.segments.snapshot import Snapshot
from integrakit.sql import SqlQuery, SqlTable

sqlalchemy = pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')

pytestmark = pytest.mark.service

PAIRS = ("postgresql-postgresql", "postgresql-mariadb", "mariadb-mariadb")
Rooms = tuple[Room, Room]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Room]]:
    with room("postgresql") as postgresql, room("mariadb") as mariadb:
        yield {"postgresql": postgresql, "mariadb": mariadb}


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, servers: dict[str, Room]) -> Rooms:
    left, right = request.param.split("-")
    return servers[left], servers[right]


@pytest.fixture
def one_row_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no pair that differs hides another one that is taken for the same."""
    monkeypatch.setattr(segments, "_ROWS", 1)
    monkeypatch.setattr(segments, "_ROWS_OF_MARIADB", 1)
    monkeypatch.setattr(Snapshot, "estimate", lambda self: 2**20)


def made(place: Room, definition: str, rows: Sequence[Sequence[Any]] = ()) -> str:
    """A table of its own: its name, with the schema's."""
    name = f"{place.name}.t{uuid4().hex[:8]}"
    drivers = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
    engine = sqlalchemy.create_engine(sqlalchemy.engine.make_url(place.url).set(drivername=drivers[place.kind]))
    with engine.begin() as connection:
        if place.kind == "mariadb":
            connection.exec_driver_sql("SET time_zone = '+00:00', sql_mode = ''")
        connection.exec_driver_sql(f"CREATE TABLE {name} ({definition}){' CHARACTER SET utf8mb4' if place.kind == 'mariadb' else ''}")
        if rows:
            marks = ", ".join(["%s"] * len(rows[0]))
            # As text, which each type reads by itself.
            given = [
                tuple(str(value) if isinstance(value, int | float | Decimal) and place.kind == "postgresql" else value for value in row)
                for row in rows
            ]
            connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", given)
    engine.dispose()
    return name


def answer(diff: Any) -> dict[str, Any]:
    return {
        "summary": dict(diff.summary),
        "by_field": {name: dict(found.causes) for name, found in diff.by_field.items()},
        "totals": {name: (total.left, total.right, total.exact) for name, total in diff.totals.items()},
        "breaks": [(found.key, found.kind, repr(found.left), repr(found.right), repr(dict(found.fields)), found.reason) for found in diff.breaks()],
        "lookalikes": diff.lookalikes,
        "only": (diff.only_left, diff.only_right),
    }


def compared(left: Any, right: Any, **options: Any) -> Any:
    """What segments says, having been held to what dict says."""
    found = ik.reconcile(left, right, engine="segments", **options)
    assert answer(found) == answer(ik.reconcile(left, right, engine="dict", **options))
    for side in (left, right):
        side.close()
    return found


@pytest.fixture(autouse=True)
def opened() -> Iterator[list[SqlTable]]:
    """What `tables` made, closed at the end."""
    OPENED.clear()
    yield OPENED
    for each in OPENED:
        each.close()


OPENED: list[SqlTable] = []


def tables(pair: Rooms, definitions: tuple[str, str], rows: tuple[Sequence[Any], Sequence[Any]], key: Any = "id", **options: Any) -> list[SqlTable]:
    found = [
        SqlTable(place.url, made(place, definition, some), key=key, **options)
        for place, definition, some in zip(pair, definitions, rows, strict=True)
    ]
    OPENED.extend(found)
    return found


def unread(diff: Any) -> bool:
    """Whether no row was read."""
    return "no row was read" in diff.explain()


# ---------------------------------------------------------------------- values

#: Column types of both servers (PostgreSQL, MariaDB) that can be compared with each other, and values that differ or hardly differ.
VALUES: dict[str, tuple[tuple[str, ...], tuple[str, ...], list[Any]]] = {
    "number": (
        ("bigint", "numeric", "numeric(30,2)", "numeric(30,6)", "money"),
        ("bigint", "decimal(30,2)", "decimal(30,6)", "int zerofill", "bit(20)", "year"),
        [None, 0, 1, 10, 100, 1000, 12, 120, 2024],
    ),
    "decimal": (
        ("numeric", "numeric(40,2)", "numeric(40,20)", "double precision"),
        ("decimal(40,2)", "decimal(40,20)", "double"),
        [
            None,
            Decimal("0.00"),
            Decimal("1.10"),
            Decimal("1.1"),
            Decimal("-0.01"),
            Decimal("100"),
            Decimal("1E+12"),
            Decimal("0.5"),
            Decimal("99.99"),
        ],
    ),
    "float": (
        ("double precision",),
        ("double",),
        [None, 0.0, -0.0, 0.1, 0.1 + 0.2, 0.3, 1e15, 1e16, 123456789.125, 1e22, 1.5e-5, 1e-4, 2.0**53, 2.0**53 + 2, 1 / 3, -1e15, 1e300 / 1e280],
    ),
    "text": (
        ("text", "varchar(100)", "char(12)", "citext_or_text"),
        (
            "text",
            "varchar(100)",
            "char(12)",
            "varchar(100) COLLATE utf8mb4_bin",
            "varchar(100) CHARACTER SET utf8mb3",
            "varchar(100) CHARACTER SET latin1",
        ),
        [
            None,
            "",
            " ",
            "NULL",
            "null",
            "~",
            "a",
            "A",
            "a ",
            " a",
            "ä",
            "a\u0308",
            "a|b",
            "a,b",
            "a;b",
            "|",
            "'",
            "\\",
            "%s",
            "%%",
            "\n",
            "é",
            "1",
            "1.0",
        ],
    ),
    "wide text": (("text",), ("text",), [None, "😀", "e\u0301😀", "x" * 5000, "x" * 5001, "\u200b", "ß", "ss", "SS", "\x7f", "\x01"]),
    "bool": (("boolean",), ("tinyint(1)", "bit(1)"), [None, True, False]),
    "date": (("date",), ("date",), [None, "2024-02-29", "2024-03-01", "1000-01-01", "9999-12-31"]),
    "naive": (
        ("timestamp", "timestamp(3)", "timestamp(0)"),
        ("datetime", "datetime(3)", "datetime(6)"),
        [None, "2024-02-29 00:00:00", "2024-02-29 10:10:10", "2024-02-29 10:10:10.5", "2024-02-29 10:10:10.500001", "9999-12-31 23:59:59"],
    ),
    "instant": (
        ("timestamptz", "timestamptz(3)"),
        ("timestamp NULL", "timestamp(3) NULL", "timestamp(6) NULL"),
        [None, "2024-02-29 00:00:00", "2024-10-27 01:30:00", "2024-02-29 10:10:10.5", "2024-02-29 10:10:10.500001"],
    ),
    "bytes": (("bytea",), ("varbinary(100)", "blob", "binary(4)"), [None, b"", b"\0", b"a", b"A", b"a\0\0\0", bytes(range(256))[-4:], b"~"]),
    "uuid": (("uuid", "text"), ("varchar(36)", "uuid"), [None, str(uuid4()), "00000000-0000-0000-0000-000000000000"]),
    "json": (
        ("jsonb", "json"),
        ("json",),
        [None, '{"a": 1, "b": [1, 2.0]}', '{"a": 1, "b": [1, 2.00]}', '{"b": [1, 2.0], "a": 1}', "[]", "null", '"1"', '"NULL"', "true"],
    ),
}


def crossed(kinds: str, values: list[Any]) -> tuple[list[Any], list[Any]]:
    """Every value next to every other one."""
    size = len(values)
    lefts = [(index * size + other, values[index]) for index in range(size) for other in range(size)]
    rights = [(index * size + other, values[other]) for index in range(size) for other in range(size)]
    return lefts, rights


def types_of(place: Room, kind: str) -> tuple[str, ...]:
    found = VALUES[kind][0 if place.kind == "postgresql" else 1]
    return tuple(each for each in found if each != "citext_or_text")


@pytest.mark.usefixtures("one_row_a_bucket")
@pytest.mark.parametrize("kind", list(VALUES))
def test_each_value_next_to_each_other_is_judged_as_dict_judges_it(pair: Rooms, kind: str) -> None:
    lefts, rights = types_of(pair[0], kind), types_of(pair[1], kind)
    values = VALUES[kind][2]
    # Each type of one side meets each of the other at least once.
    for index in range(max(len(lefts), len(rights))):
        left, right = lefts[index % len(lefts)], rights[index % len(rights)]
        fit = [value for value in values if fits(left, value) and fits(right, value)]
        sides = tables(pair, (f"id int PRIMARY KEY, v {left}", f"id int PRIMARY KEY, v {right}"), crossed(kind, fit))
        compared(*(sides if index % 2 else reversed(sides)), key="id")


def fits(kind: str, value: Any) -> bool:
    """Whether a column takes it, changed or not."""
    if value is None or kind in ("json", "jsonb"):
        return True
    if kind in ("int zerofill", "bit(20)", "year", "bigint"):
        return Decimal(str(value)) == int(value) and (kind != "year" or value in (0, 2024, 12))
    if kind.startswith("char(12)"):
        return len(value) <= 12
    return kind != "binary(4)" or len(value) <= 4


@pytest.mark.parametrize("kind", ["number", "decimal", "text", "bool", "date", "naive", "instant", "bytes", "json"])
def test_values_that_are_the_same_are_not_read(pair: Rooms, kind: str) -> None:
    pick = {"number": 2 if pair[0].kind == "postgresql" else 1, "json": 1 if pair[0].kind == "postgresql" else 0}.get(kind, 0)
    other = {"number": 3 if pair[1].kind == "postgresql" else 2, "json": 1 if pair[1].kind == "postgresql" else 0}.get(kind, 0)
    left, right = types_of(pair[0], kind)[pick], types_of(pair[1], kind)[other]
    values = [value for value in VALUES[kind][2] if value is None or (kind, str(value)[-2:]) != ("text", "a ")]
    if kind in ("naive", "instant"):
        values = [value for value in values if value is None or "." not in value]
    rows = list(enumerate(values))
    diff = compared(*tables(pair, (f"id int PRIMARY KEY, v {left}", f"id bigint PRIMARY KEY, v {right}"), (rows, rows)), key="id")
    assert diff.matches
    assert unread(diff)


def test_floats_of_all_sizes_make_the_same_totals(pair: Rooms) -> None:
    for rows in (
        [(1, 0.1), (2, 0.2), (3, None)],
        [(1, 0.1 + 0.2), (2, 1 / 3), (3, 2.5)],
        [(1, None), (2, None)],
        [(1, 1e15), (2, -1e15), (3, 0.25)],
    ):
        types = tuple("double precision" if place.kind == "postgresql" else "double" for place in pair)
        changed = [(key, value if key != 2 else 1 / 7) for key, value in rows]
        for right in (rows, changed):
            compared(*tables(pair, (f"id int PRIMARY KEY, v {types[0]}", f"id int PRIMARY KEY, v {types[1]}"), (rows, right)), key="id")


def test_floats_next_to_decimals_make_the_same_totals(pair: Rooms) -> None:
    rows = [(1, 0.1 + 0.2), (2, 0.5), (3, 1 / 3)]
    types = [("double precision" if place.kind == "postgresql" else "double", "decimal(30,20)") for place in pair]
    for left, right in ((types[0][0], types[1][1]), (types[0][1], types[1][0])):
        compared(*tables(pair, (f"id int PRIMARY KEY, v {left}", f"id int PRIMARY KEY, v {right}"), (rows, rows)), key="id")


def test_what_is_no_number_is_told_in_the_totals(servers: dict[str, Room]) -> None:
    pair = servers["postgresql"], servers["postgresql"]
    for kind in ("numeric", "double precision", "real"):
        for odd in ("NaN", "Infinity", "-Infinity"):
            rows = [(1, 1.5), (2, odd), (3, 2.25)]
            for right in (rows, rows[:1], [(1, 1.5), (2, 7), (3, 2.25)]):
                compared(*tables(pair, (f"id int PRIMARY KEY, v {kind}",) * 2, (rows, right)), key="id")


@pytest.mark.usefixtures("one_row_a_bucket")
def test_types_of_one_server_only(servers: dict[str, Room]) -> None:
    pair = servers["postgresql"], servers["postgresql"]
    values = {
        "real": [0.1, 0.5, 16777217, 3.4e38, None],
        "timestamptz": ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00", "20000-01-01", "1999-12-31 23:59:59.999999"],
        "time": ["00:00", "24:00", "12:00:00.000001", None],
        "timetz": ["12:00+00", "13:00+01", None],
        "interval": ["1 day", "24 hours", "1 mon", "30 days", None],
        "int[]": ["{1,2}", "{1,NULL}", "{}", None],
        "inet": ["10.0.0.1", "10.0.0.1/32", "10.0.0.1/24", None],
        "int4range": ["[1,5)", "empty", None],
        "oid": [0, 4294967295, None],
        "bit varying": ["1", "01", "", None],
        '"char"': ["a", "b", None],
    }
    for kind, some in values.items():
        compared(*tables(pair, (f"id int PRIMARY KEY, v {kind}",) * 2, crossed(kind, some)), key="id")
    compared(
        *tables(pair, ("id int PRIMARY KEY, v real", "id int PRIMARY KEY, v double precision"), crossed("", [0.1, 0.5, 16777217, None])), key="id"
    )
    pair = servers["mariadb"], servers["mariadb"]
    more = {
        "time(6)": ["00:00:00", "-01:00:00", "838:59:59", "12:00:00.000001", None],
        "enum('a','b','')": ["a", "b", "", None],
        "set('a','b')": ["a", "a,b", "", None],
        "datetime": ["0000-00-00 00:00:00", "2024-00-00 00:00:00", "2024-01-01 00:00:00", None],
        "bigint unsigned": [0, 2**63, 2**64 - 1, None],
        "decimal(10,2) zerofill": [0, 1, 12.5, None],
    }
    for kind, some in more.items():
        compared(*tables(pair, (f"id int PRIMARY KEY, v {kind}",) * 2, crossed(kind, some)), key="id")


def test_numbers_whose_halves_fold_to_the_same_hash_are_told_apart(servers: dict[str, Room]) -> None:
    """PostgreSQL hashes a bigint and a time as 32 bits, high half and low half laid over each other."""
    pair = servers["postgresql"], servers["postgresql"]
    # The sums are the same too.
    lefts, rights = [(1, 2**32 + 1), (2, 0)], [(1, 0), (2, 2**32 + 1)]
    assert compared(*tables(pair, ("id int PRIMARY KEY, v bigint",) * 2, (lefts, rights)), key="id").summary["changed"] == 2
    start = datetime(2000, 1, 1, tzinfo=UTC)
    fold = timedelta(microseconds=2**32 + 1)
    lefts, rights = [(1, start + fold), (2, start)], [(1, start), (2, start + fold)]
    assert compared(*tables(pair, ("id int PRIMARY KEY, v timestamptz",) * 2, (lefts, rights)), key="id").summary["changed"] == 2


def test_values_that_change_places_are_told(pair: Rooms) -> None:
    """All sums of a bucket stay what they were."""
    types = tuple("numeric" if place.kind == "postgresql" else "decimal(10,2)" for place in pair)
    rows = [(number, "a" if number % 2 else "b", number) for number in range(40)]
    moved = [(0, "b", 1), (1, "a", 0), *rows[2:]]
    crosswise = [(0, "a", 0), (1, "b", 1), *rows[2:]]
    definitions = f"id int PRIMARY KEY, a varchar(9), v {types[0]}", f"id int PRIMARY KEY, a varchar(9), v {types[1]}"
    for right in (moved, crosswise):
        assert compared(*tables(pair, definitions, (rows, right)), key="id").summary["changed"] == 2


def test_nothing_that_a_text_says_makes_it_another_field(pair: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(1, "a", "b|c"), (2, "a|b", "c"), (3, None, ""), (4, "", None), (5, "~", None), (6, None, "~"), (7, "a~", "b")]
    other = [(1, "a|b", "c"), (2, "a", "b|c"), (3, "", None), (4, None, ""), (5, None, "~"), (6, "~", None), (7, "a", "~b")]
    definition = "id int PRIMARY KEY, a varchar(40), b varchar(40)"
    monkeypatch.setattr(segments, "_ROWS", 1)
    monkeypatch.setattr(segments, "_ROWS_OF_MARIADB", 1)
    assert compared(*tables(pair, (definition, definition), (rows, other)), key="id").summary["changed"] == 7


def test_bytes_of_two_character_sets_are_not_one_text(servers: dict[str, Room]) -> None:
    pair = servers["mariadb"], servers["mariadb"]
    definitions = "id int PRIMARY KEY, v varchar(9) CHARACTER SET latin1", "id int PRIMARY KEY, v varchar(9) CHARACTER SET utf8mb4"
    # The same two bytes.
    diff = compared(*tables(pair, definitions, ([(1, "Ã©"), (2, "ä"), (3, "a")], [(1, "é"), (2, "ä"), (3, "a")])), key="id")
    assert [found.key for found in diff.breaks()] == [1]


# ---------------------------------------------------------------------- keys


def words(number: int) -> str:
    return ["a", "A", "ä", "a ", "b", "Z", "😀", "", "~", "é"][number % 10] + str(number // 10)


@pytest.mark.parametrize(
    ("definition", "keys"),
    [
        ("id bigint PRIMARY KEY", [-(2**62), -5, -1, 0, 1, 2**40, 2**62]),
        ("id bigint PRIMARY KEY", [number * 1_000_003 for number in range(200)]),
        ("id int PRIMARY KEY", list(range(-100, 100))),
        ("id numeric(20,2) PRIMARY KEY", [Decimal(number) / 4 for number in range(60)]),
        ("id varchar(20) COLLATE {} PRIMARY KEY", [words(number) for number in range(100)]),
        ("id date PRIMARY KEY", [datetime(2024, 1, 1 + number).date() for number in range(30)]),
    ],
)
def test_keys_of_all_kinds(pair: Rooms, definition: str, keys: list[Any]) -> None:
    collations = {"postgresql": '"und-x-icu"', "mariadb": "utf8mb4_nopad_bin"}
    definitions = [definition.replace("{}", collations[place.kind]) + ", v int" for place in pair]
    rows = [(key, number) for number, key in enumerate(keys)]
    changed = [(key, number + (number % 7 == 3)) for key, number in rows if number % 11 != 5]
    sides = tables(pair, (definitions[0], definitions[1]), (rows[:-1], changed))
    diff = compared(*sides, key="id")
    assert diff.summary["missing_left"] == 1 - (len(keys) - 1) % 11 // 5 * (len(keys) % 11 == 6)


def test_composite_keys_with_nulls_and_twice(pair: Rooms) -> None:
    rows = [
        (tenant, name, number) for number in range(60) for tenant in [number % 3 or None] for name in [None if number % 20 == 7 else words(number)]
    ]
    rows += rows[:6]
    changed = [(tenant, name, value + (value % 9 == 4)) for tenant, name, value in rows if value % 13 != 1]
    definition = "tenant int, name varchar(20), v int"
    sides = tables(pair, (definition, definition), (rows, changed), key=("tenant", "name"))
    diff = compared(*sides, key=["tenant", "name"])
    assert diff.summary["null_keys"] > 2
    assert diff.summary["duplicates"] > 2


def test_keys_that_stand_twice_are_found_where_both_sides_agree(pair: Rooms) -> None:
    rows = [(number, number) for number in range(100)] + [(7, 7), (8, 9)]
    diff = compared(*tables(pair, ("id int, v int", "id int, v int"), (rows, rows)), key="id")
    assert diff.summary["duplicates"] == 2
    assert diff.matches
    null = [*rows, (None, 1), (None, 1)]
    assert compared(*tables(pair, ("id int, v int", "id int, v int"), (null, rows)), key="id").summary["null_keys"] == 2


def test_a_key_of_another_type_is_not_joined(pair: Rooms) -> None:
    sides = tables(pair, ("id int PRIMARY KEY, v int", "id varchar(9) PRIMARY KEY, v int"), ([(42, 1)], [("42", 1)]))
    with pytest.raises(ConfigurationError, match=r"'id' is number on the left and text on the right"):
        ik.reconcile(*sides, key="id", engine="segments")
    assert ik.reconcile(*sides, key="id").summary["missing_left"] == 1


def test_empty_tables(pair: Rooms) -> None:
    definitions = "id int PRIMARY KEY, v int", "id int PRIMARY KEY, v int"
    assert unread(compared(*tables(pair, definitions, ([], [])), key="id"))
    compared(*tables(pair, definitions, ([(1, 1)], [])), key="id")


# ---------------------------------------------------------------------- queries, names, options


def test_queries_with_parameters_and_names_that_need_quoting(pair: Rooms) -> None:
    quotes = [('"', '"') if place.kind == "postgresql" else ("`", "`") for place in pair]
    rows = [(number, number % 5, "x") for number in range(100)]
    sides = []
    for place, (left, right) in zip(pair, quotes, strict=True):
        name = made(
            place, f"id int PRIMARY KEY, {left}100 %%s{right} int, b varchar(10)", rows if not sides else [*rows[:50], (50, 9, "x"), *rows[52:]]
        )
        sides.append(
            SqlQuery(place.url, f"SELECT id, {left}100 %s{right}, b FROM {name} WHERE id < :most AND b LIKE '%x'", params={"most": 90}, key="id")
        )
    diff = compared(*sides, key="id")
    assert (diff.summary["left"], diff.summary["changed"], diff.summary["missing_right"]) == (90, 1, 1)


def test_fields_of_other_names_and_with_options(pair: Rooms) -> None:
    rows = [(number, f"Name {number}", Decimal(number) / 4) for number in range(80)]
    other = [
        (number, name.upper() if number % 10 == 0 else name, value + (Decimal("0.01") if number % 7 == 0 else 0)) for number, name, value in rows
    ]
    definitions = "id int PRIMARY KEY, name varchar(30), total decimal(20,2)", "ref int PRIMARY KEY, label varchar(30), amount decimal(20,3)"
    left = SqlTable(pair[0].url, made(pair[0], definitions[0], rows), key="id")
    right = SqlTable(pair[1].url, made(pair[1], definitions[1], other), key="ref")
    fields = [ik.Field("name", right="label", normalise=str.casefold), ik.Field("total", right="amount", within="0.005")]
    diff = compared(left, right, key=ik.Key("id", right="ref"), fields=fields)
    assert list(diff.by_field) == ["total"]


def test_what_the_servers_cannot_say_is_said_when_asked_for(pair: Rooms) -> None:
    rows = [(number, number) for number in range(30)]
    sides = tables(pair, ("id int PRIMARY KEY, v int", "id int PRIMARY KEY, v int"), (rows, rows), types={"v": Decimal})
    with pytest.raises(ConfigurationError, match="types="):
        ik.reconcile(*sides, key="id", engine="segments")
    with pytest.raises(ConfigurationError, match=r"Key\(…\)"):
        ik.reconcile(*sides, key=ik.Key("id", normalise=str), engine="segments")
    with pytest.raises(ConfigurationError, match="no column"):
        ik.reconcile(*sides, key="id", fields=["nothing"], engine="segments")
    with pytest.raises(ConfigurationError, match="has no table"), SqlTable(pair[0].url, "no_such_table", key="id") as away:
        ik.reconcile(away, sides[1], key="id", engine="segments")


def test_a_number_among_truths_and_a_number_that_is_json(servers: dict[str, Room]) -> None:
    pair = servers["mariadb"], servers["mariadb"]
    for kind, value in (("tinyint(1)", 5), ("json", "5"), ("double", 1e-20), ("float", 1.5)):
        sides = tables(pair, (f"id int PRIMARY KEY, v {kind}",) * 2, ([(1, value)], [(1, value)]))
        with pytest.raises(ConfigurationError, match="'v'"):
            ik.reconcile(*sides, key="id", engine="segments")
        # What it cannot do is done by others.
        assert ik.reconcile(*sides, key="id").matches
    pair = servers["postgresql"], servers["postgresql"]
    sides = tables(pair, ("id int PRIMARY KEY, v jsonb",) * 2, ([(1, "5")], [(1, "5")]))
    with pytest.raises(ConfigurationError, match="bare number"):
        ik.reconcile(*sides, key="id", engine="segments")


# ---------------------------------------------------------------------- choosing, giving up


def several(pair: Rooms, changed: int, count: int = 300) -> list[SqlTable]:
    rows = [(number, number) for number in range(count)]
    return tables(pair, ("id int PRIMARY KEY, v int",) * 2, (rows, [(key, value + (key < changed)) for key, value in rows]))


def test_few_rows_are_read_and_not_digested(pair: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = several(pair, 1)
    monkeypatch.setattr("integrakit.reconciliation.engines.planning._CONSIDERED", without_pushdown())
    diff = ik.reconcile(*sides, key="id")
    assert "rows, which are read sooner than digested" in diff.explain()
    assert diff.summary["changed"] == 1


def test_many_rows_that_differ_are_read_and_few_are_not(pair: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_SMALL", 100)
    monkeypatch.setattr("integrakit.reconciliation.engines.planning._CONSIDERED", without_pushdown())
    diff = ik.reconcile(*several(pair, 200), key="id")
    assert "segments was given up" in diff.explain()
    assert diff.summary["changed"] == 200
    diff = ik.reconcile(*several(pair, 10), key="id")
    assert "engine: segments" in diff.explain()
    assert diff.summary["changed"] == 10
    assert "buckets that differ, and 10 rows were read" in diff.explain()


def without_pushdown() -> Any:
    from integrakit.reconciliation.engines import planning

    return tuple(each for each in planning._CONSIDERED if each[0] != "pushdown")


def test_what_mariadb_cuts_is_not_taken_for_the_whole(servers: dict[str, Room], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb_statements, "_SETTINGS", "SET STATEMENT group_concat_max_len = 1000 FOR ")
    pair = servers["mariadb"], servers["mariadb"]
    rows = [(number, "x" * 400) for number in range(10)]
    sides = tables(pair, ("id int PRIMARY KEY, v text",) * 2, (rows, [*rows[:-1], (9, "y" * 400)]))
    with pytest.raises(ConfigurationError, match="warned"):
        ik.reconcile(*sides, key="id", engine="segments")


# ---------------------------------------------------------------------- one moment


def test_rows_that_change_between_the_passes_make_no_difference(pair: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = several(pair, 3)
    begin = Snapshot.begin

    def writing_first(self: Snapshot, statement: str, *, digesting: bool) -> None:
        if not digesting:
            for place, side in zip(pair, sides, strict=True):
                place.execute(f"UPDATE {side.table} SET v = v + 1000 WHERE id < 30")
                place.execute(f"DELETE FROM {side.table} WHERE id = 1")
                place.execute(f"INSERT INTO {side.table} VALUES (100000, 1) ON {'CONFLICT DO NOTHING' if place.kind == 'postgresql' else DO_NOTHING}")
        begin(self, statement, digesting=digesting)

    monkeypatch.setattr(Snapshot, "begin", writing_first)
    diff = ik.reconcile(*sides, key="id", engine="segments")
    assert dict(diff.summary) | {"changed": 3, "left": 300, "right": 300, "missing_left": 0, "missing_right": 0} == dict(diff.summary)
    assert [found.fields["v"].left for found in diff.breaks()] == [0, 1, 2]
    assert (diff.totals["v"].left, diff.totals["v"].difference) == (300 * 299 // 2, -3)


DO_NOTHING = "DUPLICATE KEY UPDATE v = 1"


def test_no_connection_is_left_in_a_transaction(servers: dict[str, Room], monkeypatch: pytest.MonkeyPatch) -> None:
    pair = servers["postgresql"], servers["mariadb"]
    sides = several(pair, 3)
    fetch = Snapshot.fetch

    def breaking(self: Snapshot, size: int, *, digesting: bool) -> Any:
        if not digesting:
            raise DecodeError("broken")
        return fetch(self, size, digesting=digesting)

    monkeypatch.setattr(Snapshot, "fetch", breaking)
    with pytest.raises(DecodeError, match="broken"):
        ik.reconcile(*sides, key="id", engine="segments")
    for side in sides:
        assert side.server is not None
        assert side.server._engine().pool.checkedout() == 0


# ---------------------------------------------------------------------- anything


def values_of(kind: str) -> st.SearchStrategy[Any]:
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
    return {
        "t": st.none() | text | st.sampled_from(["", " ", "a", "A", "~", "NULL"]),
        "n": st.none() | st.integers(-3, 3) | st.decimals(-1000, 1000, places=2),
        "f": st.none() | st.sampled_from([0.1, 0.2, 0.5, 1.0, -1.0]) | st.floats(-1e14, 1e14).filter(lambda value: value == 0 or abs(value) > 1e-12),
        "b": st.none() | st.booleans(),
        "d": st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),
    }[kind]


ROW = st.tuples(*(values_of(kind) for kind in "tnfbd"))
COLUMNS = {
    "postgresql": "id int{}, t text, n numeric, f double precision, b boolean, d timestamptz",
    "mariadb": "id int{}, t text, n decimal(20,4), f double, b tinyint(1), d timestamp(6) NULL",
}


@pytest.mark.usefixtures("one_row_a_bucket")
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_rows_are_judged_as_dict_judges_them(pair: Rooms, data: st.DataObject) -> None:
    unique = data.draw(st.booleans())
    lefts = data.draw(st.lists(st.tuples(st.integers(-50, 50), ROW), max_size=60, unique_by=(lambda row: row[0]) if unique else None))
    rights = list(lefts)
    for place in data.draw(st.lists(st.integers(0, max(0, len(lefts) - 1)), max_size=4)) if lefts else ():
        rights[place] = rights[place][0], data.draw(ROW)
    if rights and data.draw(st.booleans()):
        rights.pop()
    definitions = [COLUMNS[place.kind].format(" PRIMARY KEY" if unique else "") for place in pair]
    rows = [[(key, *values) for key, values in side] for side in (lefts, rights)]
    compared(*tables(pair, (definitions[0], definitions[1]), (rows[0], rows[1])), key="id")


def test_json_is_compared_as_it_is_written(servers: dict[str, Room]) -> None:
    pair = servers["postgresql"], servers["mariadb"]
    rows = [(number, json.dumps({"a": number, "b": ["x", None]})) for number in range(40)]
    assert unread(compared(*tables(pair, ("id int PRIMARY KEY, v jsonb", "id int PRIMARY KEY, v json"), (rows, rows)), key="id"))
