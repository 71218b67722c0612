"""Tables of real servers side by side: they merge where they come in the order of their keys, and give the same answer where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.services.databases import Room, room

from integrakit.errors import ConfigurationError
from integrakit.model import Page
from integrakit.reconciliation import Diff, reconcile
from integrakit.sql import SqlQuery, SqlTable

pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')

pytestmark = pytest.mark.service

COLLATIONS = {
    "postgresql": ['"C"', '"und-x-icu"', '"de-x-icu"', "{}without_case"],
    "mariadb": ["utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_nopad_bin"],
}
BY_CODE_POINT = ('"C"', "utf8mb4_nopad_bin")
#: Case, accents in two forms, blanks at the end, digits, what sorts differently in UTF-16.
KEYS = ["A", "B", "Z", "a", "a ", "ab", "b", "z", "e\u0301", "é", "è", "ß", "ss", "10", "9", "042", "ﬀ", "😀", "", "_", "a-b"]


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Room]:
    with room(request.param) as made:
        if made.kind == "postgresql":
            made.execute("CREATE COLLATION {}without_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        yield made


def table(database: Room, columns: str, rows: list[tuple[Any, ...]]) -> SqlTable:
    name = f"t{uuid4().hex[:8]}"
    database.execute(f"CREATE TABLE {{}}{name} ({columns})")
    for row in rows:
        written = ", ".join("NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value) for value in row)
        database.execute(f"INSERT INTO {{}}{name} VALUES ({written})")
    return SqlTable(database.url, f"{database.name}.{name}", key="id", page_size=7)


class Pages:
    """Records that can be read again, in pages."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def pages(self, since: Any) -> Iterator[Page]:
        return (Page(self.rows[start : start + 4]) for start in range(0, len(self.rows), 4))


def answer(diff: Diff) -> Any:
    return dict(diff.summary), dict(diff.by_field), [(each.key, each.kind, each.left, each.right) for each in diff.breaks()]


def test_tables_with_whole_numbers_merge(database: Room) -> None:
    left = table(database, "id int PRIMARY KEY, v int", [(number, number % 7) for number in range(1, 200)])
    right = table(database, "id bigint PRIMARY KEY, v int", [(number, number % 7 if number != 150 else 9) for number in range(3, 202)])
    diff = reconcile(left, right, key="id", engine="merge")
    assert [diff.summary[name] for name in ("equal", "changed", "missing_right", "missing_left")] == [196, 1, 2, 2]
    assert answer(reconcile(left, right, key="id", engine="dict")) == answer(diff)


def collated(database: Room, collation: str) -> SqlTable:
    name = collation.replace("{}", f"{database.name}.")
    column = f"id varchar(20) COLLATE {name}" if database.kind == "postgresql" else f"id varchar(20) CHARACTER SET utf8mb4 COLLATE {name}"
    return table(database, f"{column} NOT NULL, v int", [(key, index) for index, key in enumerate(KEYS)])


def here() -> Pages:
    """All but two of the keys, by code point."""
    records = [{"id": key, "v": index} for index, key in enumerate(KEYS) if key not in ("b", "é")]
    return Pages(sorted(records, key=lambda row: str(row["id"])))


def test_text_keys_of_any_collation_merge(database: Room) -> None:
    for collation in COLLATIONS[database.kind]:
        there = collated(database, collation)
        merged, held = (reconcile(there, here(), key="id", engine=engine) for engine in ("merge", "dict"))
        assert answer(merged) == answer(held), collation
        assert [(each.key, each.kind) for each in held.breaks()] == [("b", "missing_right"), ("é", "missing_right")], collation


def test_queries_sorted_by_a_collation_are_found_out_and_read_by_another_engine(database: Room) -> None:
    for collation in COLLATIONS[database.kind]:
        there = SqlQuery(database.url, f"SELECT id, v FROM {collated(database, collation).table} ORDER BY id")
        assert [(each.key, each.kind) for each in reconcile(there, here(), key="id").breaks()] == [("b", "missing_right"), ("é", "missing_right")]
        if collation in BY_CODE_POINT:
            assert len(list(reconcile(there, here(), key="id", engine="merge").breaks())) == 2
        elif collation != "utf8mb4_bin":  # to which "a" and "a " are one: they come in either order
            with pytest.raises(ConfigurationError, match=r"is not in the order of its keys: .* comes after"):
                reconcile(there, here(), key="id", engine="merge")


def test_char_columns_and_their_blanks(database: Room) -> None:
    left = table(database, "id char(5) PRIMARY KEY, v int", [("a", 1), ("b", 2)])
    right = [{"id": "a", "v": 1}, {"id": "b", "v": 2}]
    diff = reconcile(left, Pages(right), key="id")
    # PostgreSQL hands out the blanks a CHAR is filled up with, MariaDB cuts them: what is there is what is compared.
    assert diff.summary["equal"] == (0 if database.kind == "postgresql" else 2)
    if database.kind == "postgresql":
        assert {each.why for each in diff.lookalikes} == {"blanks"}
