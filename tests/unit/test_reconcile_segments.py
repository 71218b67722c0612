"""What the engine "segments" asks servers and makes of their answers, without a server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import evolve

import integrakit as ik
from integrakit.errors import ConfigurationError
from integrakit.reconciliation.engines.joining import Unsuitable
from integrakit.reconciliation.engines.segments import mariadb, postgresql
from integrakit.reconciliation.engines.segments.buckets import NO_KEY, chosen
from integrakit.reconciliation.engines.segments.digests import Digests
from integrakit.reconciliation.engines.segments.forms import mariadb_form, postgresql_form
from integrakit.reconciliation.engines.segments.pairing import Pair, Side, pair_up
from integrakit.reconciliation.engines.segments.plan import Plan
from integrakit.reconciliation.engines.segments.words import Words
from integrakit.reconciliation.rules.columns import Column
from integrakit.reconciliation.rules.spec import Field, Key
from integrakit.sql import mariadb as mariadb_columns
from integrakit.sql import postgresql as postgresql_columns
from integrakit.sql.server_schema import ServerSchema


def here(name: str, kind: str, declared: str = "", *, text: bool = False, required: bool = False) -> Any:
    return postgresql_columns.column_of(name, kind, declared or kind, text=text, required=required)


def there(name: str, kind: str, declared: str = "", *, required: bool = False) -> Any:
    return mariadb_columns.column_of(name, kind, declared or kind, required=required)


def side(name: str, *columns: Any, postgres: bool = True, retyped: Any = ()) -> Side:
    schema = ServerSchema(name="x", source="x AS t", columns={column.name: column for column in columns})
    return Side(name=name, schema=schema, postgres=postgres, retyped=dict.fromkeys(retyped))


def planned(left: Side, right: Side, fields: tuple[str, ...] = ("v",)) -> Plan:
    keys, found = pair_up((left, right), Key("id"), [Column(Field(name)) for name in fields])
    return Plan(keys=tuple(keys), fields=found, postgres=(left.postgres, right.postgres), unique=(True, True))


def number(low: int = 0, *, required: bool = True) -> list[Pair]:
    return [Pair(postgresql_form(here("id", "int8", required=required)), mariadb_form(there("id", "bigint", "bigint(20)", required=required)))]


WORDS = Words.random()


def test_the_words_of_a_run_are_new_each_time_and_letters_and_digits_only() -> None:
    assert Words.random() != Words.random()
    assert re.fullmatch(r"[A-Za-z0-9]{8}", WORDS.separator)
    assert re.fullmatch(r"[A-Za-z0-9]{20}", WORDS.null)
    assert 0 < float(WORDS.double) < 1e-180


@pytest.mark.parametrize(("rows", "bounds", "how"), [(1000, (1, 1000), "ranges"), (1000, (1, 10**9), "remainders"), (10, (0, 2**63 - 1), "digests")])
def test_how_keys_are_parted(rows: int, bounds: tuple[int, int], how: str) -> None:
    assert chosen(number(), WORDS, rows=rows, bounds=bounds, wanted=20).how == how


def test_texts_are_parted_by_a_digest_into_a_power_of_two() -> None:
    keys = [Pair(postgresql_form(here("id", "text", text=True)), mariadb_form(there("id", "varchar")))]
    found = chosen(keys, WORDS, rows=1000, bounds=None, wanted=10)
    assert (found.how, found.size) == ("digests", 128)
    assert found.sql(0, True).startswith(f'CASE WHEN t."id" IS NULL THEN {NO_KEY} ELSE')


def test_buckets_and_keys_are_named() -> None:
    found = chosen(number(), WORDS, rows=100, bounds=(-50, 49), wanted=10)
    assert found.size == 10
    assert found.finest() == evolve(found, size=1)
    assert postgresql.among(evolve(found, size=1), 0, [3, 0]) == "t.\"id\" = ANY (CAST('{-47,-50}' AS int8[]))"
    assert mariadb.among(evolve(found, size=1), 1, [3, 0]) == "t.`id` IN (-47, -50)"
    assert mariadb.among(found, 1, [3, 0, 1]) == "t.`id` BETWEEN -50 AND -31 OR t.`id` BETWEEN -20 AND -11"
    assert mariadb.among(evolve(found, how="remainders"), 1, [3, 0]) == "abs(mod(t.`id`, 10)) IN (3, 0)"
    nullable = evolve(found, keys=tuple(number(required=False)), size=1)
    assert postgresql.among(nullable, 0, [-1, 0]) == 't."id" = ANY (CAST(\'{-50}\' AS int8[])) OR t."id" IS NULL'
    assert mariadb.among(nullable, 1, [-1]) == "t.`id` IS NULL"


def test_a_number_is_compared_with_all_its_digits_only_where_both_sides_have_as_many() -> None:
    pair = Pair(postgresql_form(here("v", "numeric", "numeric(12,2)")), mariadb_form(there("v", "decimal", "decimal(12,2)")))
    assert (pair.text(0), pair.text(1)) == ('CAST(t."v" AS text)', "t.`v`")
    pair = Pair(postgresql_form(here("v", "numeric")), mariadb_form(there("v", "decimal", "decimal(12,2)")))
    assert pair.text(0) == 'CAST(trim_scale(t."v") AS text)'
    assert pair.text(1).startswith("TRIM(TRAILING '.' FROM TRIM(TRAILING '0'")
    # A query does not tell the scale, and 100 must not become 1.
    assert mariadb_form(there("v", "decimal")).shortest.startswith("IF(LOCATE('.', t.`v`)")
    assert mariadb_form(there("v", "decimal", "decimal(9,0)")).shortest == "t.`v`"


def test_what_has_no_exact_text_is_refused() -> None:
    for column in (there("v", "float"), there("v", "geometry"), there("v", "decimal", "decimal(65,2)")):
        with pytest.raises(Unsuitable, match="'v'"):
            mariadb_form(column)
    with pytest.raises(Unsuitable, match="'v'"):
        postgresql_form(here("v", ""))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (here("v", "int4"), here("v", "text", text=True)),
        (here("v", "timestamp"), here("v", "timestamptz")),
        (here("v", "bool"), here("v", "int2")),
        (here("v", "_int4", "integer[]"), here("v", "_text", "text[]")),
        (here("v", "date"), here("v", "timestamp")),
        (here("v", "json"), here("v", "text", text=True)),
    ],
)
def test_types_that_never_hold_the_same_value_are_refused(left: Any, right: Any) -> None:
    key = here("id", "int8", required=True)
    with pytest.raises(Unsuitable, match="no value is the same"):
        planned(side("left", key, left), side("right", key, right))


def test_what_only_python_knows_is_refused() -> None:
    key, value = here("id", "int8", required=True), here("v", "text", text=True)
    with pytest.raises(Unsuitable, match="types="):
        planned(side("left", key, value, retyped=("v",)), side("right", key, value))
    with pytest.raises(Unsuitable, match="no column 'w'"):
        planned(side("left", key, value), side("right", key, value), ("w",))
    with pytest.raises(Unsuitable, match="the key 'id'"):
        planned(side("left", here("id", "float8"), value), side("right", key, value))


def test_every_value_of_64_bits_goes_in_whole() -> None:
    """A bigint and a time are folded to 32 bits by their own hashes."""
    key = here("id", "int8", required=True)
    plan = planned(*(side(name, key, here("v", kind := "timestamptz")) for name in ("left", "right")))
    statement = postgresql.digests(plan, chosen(list(plan.keys), WORDS, rows=100, bounds=(1, 100), wanted=10), 0, "x AS t")
    assert statement.count("hashint8extended") == 4
    assert statement.count("timestamp_hash_extended") == statement.count("date_part('epoch'") == 2, kind
    assert all(str(seed) in statement for seed in WORDS.seeds)


def test_names_are_quoted_and_columns_of_any_name_are_no_groups() -> None:
    odd = 'a"b`%s'
    plan = planned(
        side("left", here("id", "int8"), here(odd, "int8")), side("right", there("id", "bigint"), there(odd, "bigint"), postgres=False), (odd,)
    )
    buckets = chosen(list(plan.keys), WORDS, rows=100, bounds=(1, 100), wanted=10)
    assert 't."a""b`%%s"' in postgresql.digests(plan, buckets, 0, "x AS t")
    statement = mariadb.digests(plan, buckets, 1, "x AS t")
    assert 't.`a"b``%%s`' in statement
    assert re.findall(r"GROUP BY (\w+)", statement) == ["1", "1"]


def test_keys_that_may_stand_twice_are_counted_on_one_side() -> None:
    plan = planned(side("left", here("id", "int8"), here("v", "int8")), side("right", here("id", "int8"), here("v", "int8")))
    unsure = Plan(keys=plan.keys, fields=plan.fields, postgres=(True, True), unique=(False, False))
    assert [plan.counts_twice(each) for each in (0, 1)] == [False, False]
    assert [unsure.counts_twice(each) for each in (0, 1)] == [True, False]


class Answer:
    """A snapshot that has given its only page already."""

    def finish(self) -> None:
        pass


def judged(left: str, right: str, *, barred: int = 0) -> Digests:
    plan = planned(side("left", here("id", "int8"), here("v", "int8")), side("right", there("id", "bigint"), there("v", "double"), postgres=False))
    found = Digests(plan)
    found.compare((Answer(), Answer()), [[(0, left, 0)] if left else [], [(0, right.encode(), barred)] if right else []])  # type: ignore[arg-type]
    return found


def test_a_bucket_is_clean_only_if_everything_agrees() -> None:
    clean = "0,3,0,d,6,1.5"
    assert judged(clean, clean).dirty == []
    for other in ("0,4,0,d,6,1.5", "0,3,0,e,6,1.5", "0,3,0,d,7,1.5", "0,3,0,d,6,1.6", "0,3,0,d,6,~", "1,3,0,d,6,1.5"):
        assert 0 in judged(clean, other).dirty
    assert judged("0,3,1,d,6,1.5", "0,3,1,d,6,1.5").dirty == [0], "a key stands twice"
    assert judged("-1,3,0,d,6,1.5", "-1,3,0,d,6,1.5").dirty == [-1], "no keys"


def test_rows_and_sums_of_both_sides_are_whole() -> None:
    found = judged("0,3,0,d,6,1.5;1,2,0,d,6,2", "0,3,0,d,6,1.5;1,2,0,x,6,2;2,5,0,y,6,0.25")
    assert (found.dirty, found.clean, found.rows, found.buckets) == ([1, 2], 3, (5, 10), 3)
    assert [str(sums.values[0]) for sums in found.sums] == ["3.5", "3.75"]
    assert found.share == 0.7
    found = judged("", "")
    assert (found.rows, found.share, found.sums[0].values) == ((0, 0), 0, [None])


def test_what_may_not_be_added_up_is_said() -> None:
    with pytest.raises(Unsuitable, match=r"the right side has a field that cannot be added up: 'v'"):
        judged("0,3,0,d,6,1.5", "0,3,0,d,6,1.5", barred=2)


def test_records_in_memory_are_no_databases() -> None:
    with pytest.raises(ConfigurationError, match="the left side is no table or query of a database server"):
        ik.reconcile([{"id": 1}], [{"id": 1}], key="id", engine="segments")
