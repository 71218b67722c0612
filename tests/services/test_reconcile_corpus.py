"""The corpus of hard values and keys on real servers: joined by the server, digested by it, or read, the answer is the one that Python gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from attrs import frozen
from tests.corpus.answers import if_able
from tests.corpus.carrying import FIRST, answer, answers_of_groups, fields_of, key_of, records, records_of_keys
from tests.corpus.reconciliation import GROUPS, KEYS, Group, Keys
from tests.services.databases import Room, room

from integrakit.reconciliation import reconcile
from integrakit.sql import SqlTable

sqlalchemy = pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')

pytestmark = pytest.mark.service

DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
TYPES = {
    "postgresql": {
        "int64": "bigint",
        "int32": "integer",
        "float64": "double precision",
        "float32": "real",
        "decimal(38,10)": "numeric(38,10)",
        "decimal(20,2)": "numeric",
        "text": "text",
        "char(8)": "char(8)",
        "bool": "boolean",
        "date": "date",
        "naive": "timestamp",
        "naive ms": "timestamp(3)",
        "instant": "timestamptz",
        "instant in Berlin": "timestamptz",
        "bytes": "bytea",
    },
    "mariadb": {
        "int64": "bigint",
        "int32": "int",
        "float64": "double",
        "float32": "float",
        "decimal(38,10)": "decimal(38,10)",
        "decimal(20,2)": "decimal(38,2)",
        # The collation most tables have: neither case nor accents nor blanks at the end count for the server.
        "text": "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        "char(8)": "char(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        "date": "date",
        "naive": "datetime(6)",
        "naive ms": "datetime(3)",
        "bytes": "longblob",
    },
}
#: A key of text needs a length there.
KEY_TYPES = {
    "postgresql": {**TYPES["postgresql"], "text": 'text COLLATE "und-x-icu"'},
    "mariadb": {**TYPES["mariadb"], "text": "varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"},
}


@frozen
class Table:
    """A table that was made: opened anew for each comparison, for every one that is open holds connections."""

    url: str
    name: str
    key: str | tuple[str, ...]


class Rooms:
    """Both servers, and the tables that were made there so far."""

    def __init__(self, **rooms: Room) -> None:
        self.rooms = rooms
        self.made: dict[Any, tuple[Table, Table]] = {}

    @contextmanager
    def tables(self, kinds: tuple[str, str], what: str, make: Callable[[Room, int], Table]) -> Iterator[tuple[SqlTable, SqlTable]]:
        if (kinds, what) not in self.made:
            self.made[kinds, what] = make(self.rooms[kinds[0]], 0), make(self.rooms[kinds[1]], 1)
        left, right = (SqlTable(table.url, table.name, key=table.key) for table in self.made[kinds, what])
        with closing(left), closing(right):
            yield left, right


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    with room("postgresql") as postgresql, room("mariadb") as mariadb:
        yield Rooms(postgresql=postgresql, mariadb=mariadb)


def stored(place: Room, columns: dict[str, str], rows: Sequence[dict[str, Any]], key: str | Sequence[str], unique: bool = True) -> Table:
    name = f"t{uuid4().hex[:8]}"
    names = [key] if isinstance(key, str) else list(key)
    primary = f", PRIMARY KEY ({', '.join(names)})" if unique else ""
    place.execute(f"CREATE TABLE {{}}{name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())}{primary})")
    engine = sqlalchemy.create_engine(sqlalchemy.engine.make_url(place.url).set(drivername=DRIVERS[place.kind]))
    with engine.begin() as connection:
        if place.kind == "mariadb":
            connection.exec_driver_sql("SET time_zone = '+00:00'")
        statement = f"INSERT INTO {place.name}.{name} VALUES ({', '.join(f':{column}' for column in columns)})"
        if rows:
            connection.execute(sqlalchemy.text(statement), list(rows))
    engine.dispose()
    return Table(place.url, f"{place.name}.{name}", key if isinstance(key, str) else tuple(key))


def carried(kind: str, groups: Sequence[Group]) -> list[Group]:
    def storable(value: Any) -> bool:
        # Not what it cannot store, and not what it cannot add up exactly.
        return kind != "mariadb" or not isinstance(value, float) or value == 0 or 1e-30 < abs(value) < 1e30

    found = []
    for group in groups:
        if {group.left, group.right} <= TYPES[kind].keys() and "normalise" not in group.options:
            pairs = [pair for pair in group.pairs if storable(pair[0]) and storable(pair[1])]
            found.append(Group(group.name, group.left, group.right, pairs, group.options))
    return found


def tables(rooms: Rooms, kinds: tuple[str, str], groups: Sequence[Group]) -> AbstractContextManager[tuple[SqlTable, SqlTable]]:
    def make(place: Room, side: int) -> Table:
        columns = {"id": "bigint", **{group.name: TYPES[place.kind][group.right if side else group.left] for group in groups}}
        rows = [{name: float(value) if type(value).__module__ == "numpy" else value for name, value in row.items()} for row in records(groups, side)]
        return stored(place, columns, rows, "id")

    return rooms.tables(kinds, "values", make)


WAYS = [
    (("postgresql", "postgresql"), "pushdown"),
    (("postgresql", "postgresql"), "segments"),
    (("postgresql", "postgresql"), "merge"),
    (("postgresql", "postgresql"), "auto"),
    (("mariadb", "mariadb"), "segments"),
    (("mariadb", "mariadb"), "merge"),
    (("mariadb", "mariadb"), "auto"),
    (("postgresql", "mariadb"), "segments"),
    (("postgresql", "mariadb"), "auto"),
    (("mariadb", "postgresql"), "segments"),
]


def between(kinds: tuple[str, str]) -> list[Group]:
    groups = carried("mariadb" if "mariadb" in kinds else "postgresql", GROUPS)
    return [group for group in groups if all({group.left, group.right} <= TYPES[kind].keys() for kind in kinds)]


@pytest.mark.parametrize(("kinds", "engine"), WAYS, ids=lambda each: each if isinstance(each, str) else "-".join(each))
def test_values(rooms: Rooms, kinds: tuple[str, str], engine: str) -> None:
    groups = between(kinds)
    with tables(rooms, kinds, groups) as sides:
        by_dict = reconcile(*sides, key="id", fields=fields_of(groups), engine="dict")
        if kinds == ("postgresql", "postgresql"):
            judged = {each.key: {name: one.cause for name, one in each.fields.items()} for each in by_dict.breaks()}
            expected = answers_of_groups(groups)
            pairs = [(group.name, pair) for group in groups for pair in group.pairs]
            assert {pairs[key - FIRST]: judged.get(key) for key in judged.keys() | expected.keys() if judged.get(key) != expected.get(key)} == {}
        carried = list(groups)
        while (diff := if_able(*sides, engine, key="id", fields=fields_of(carried))) is None:
            carried = [group for group in carried if not _refused(sides, engine, group, kinds)]
            assert len(carried) > 20
        assert answer(diff) == answer(reconcile(*sides, key="id", fields=fields_of(carried), engine="dict"))


def _refused(sides: tuple[SqlTable, SqlTable], engine: str, group: Group, kinds: tuple[str, str]) -> bool:
    """Whether the engine says that it cannot compare this column; only columns of two types, and what has no exact text, may be refused."""
    if if_able(*sides, engine, key="id", fields=fields_of([group])) is not None:
        return False
    assert group.left != group.right or group.options or ("float32" in (group.left, group.right) and "mariadb" in kinds), group.name
    return True


@pytest.mark.parametrize(("kinds", "engine"), WAYS, ids=lambda each: each if isinstance(each, str) else "-".join(each))
def test_keys(rooms: Rooms, kinds: tuple[str, str], engine: str) -> None:
    for keys in KEYS:
        if keys.types is None or "normalise" in keys.options or (made := _tables_of_keys(rooms, kinds, keys)) is None:
            continue
        with made as sides:
            arguments: dict[str, Any] = {"key": key_of(keys), "fields": ["value"]}
            by_dict = reconcile(*sides, engine="dict", **arguments)
            assert by_dict.summary["left"] == len(keys.left)
            diff = if_able(*sides, engine, **arguments)
            if diff is not None:
                assert answer(diff) == answer(by_dict), keys.name
            else:
                left, right = keys.types
                assert keys.options or left != right or kinds[0] != kinds[1] or "float64" in left, keys.name


def _tables_of_keys(rooms: Rooms, kinds: tuple[str, str], keys: Keys) -> AbstractContextManager[tuple[SqlTable, SqlTable]] | None:
    types = keys.types
    assert types is not None
    for kind, needed in zip(kinds, types, strict=True):
        if not set(needed) <= KEY_TYPES[kind].keys() or (kind == "mariadb" and "float64" in needed):
            return None
    names = key_of(keys).names

    def make(place: Room, side: int) -> Table:
        known = KEY_TYPES[place.kind]
        columns = {**{name: known[each] for name, each in zip(names, types[side], strict=True)}, "value": known["text"]}
        return stored(place, columns, records_of_keys(keys, side), names, unique=False)

    return rooms.tables(kinds, keys.name, make)
