"""Joining: the hard groups of keys and duplicates, with every engine of records; and the orders in which a merge works, or is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrakit.errors import ConfigurationError
from integrakit.files import CsvFile, JsonLines
from integrakit.model import Page
from integrakit.reconciliation import Diff, Field, Key, reconcile
from integrakit.reconciliation.rules.totals import Total, measure
from integrakit.sql import SqlTable

Rows = list[dict[str, Any]]
ENGINES = ("dict", "merge", "spill")


class Pages:
    """A source that can be read again, in pages."""

    def __init__(self, rows: Iterable[Any], size: int = 3) -> None:
        self.rows, self.size = list(rows), size

    def pages(self, since: Any) -> Iterable[Page]:
        return (Page(self.rows[start : start + self.size]) for start in range(0, len(self.rows), self.size))


def rows(*keys: Any, **values: Any) -> Rows:
    return [{"id": key, "v": 1, **values} for key in keys]


def lines(*pairs: tuple[Any, Any]) -> Rows:
    return [{"id": key, "v": value} for key, value in pairs]


def kinds(diff: Diff) -> list[tuple[Any, str]]:
    return [(found.key, found.kind) for found in diff.breaks()]


def merged(left: Any, right: Any, key: Any = "id", **options: Any) -> Diff:
    """By merging, without falling back; and dict must say the same."""
    diff = reconcile(left, right, key=key, engine="merge", **options)
    held = reconcile(left, right, key=key, engine="dict", **options)
    assert diff.summary == held.summary
    assert diff.by_field == held.by_field
    assert diff.totals == held.totals
    assert [(each.key, each.kind, each.left, each.right, each.reason) for each in diff.breaks()] == [
        (each.key, each.kind, each.left, each.right, each.reason) for each in held.breaks()
    ]
    return diff


def refused(left: Any, right: Any, *words: str, key: Any = "id", **options: Any) -> None:
    """Merging is refused with these words, and `auto` falls back to the right answer."""
    with pytest.raises(ConfigurationError) as problem:
        reconcile(left, right, key=key, engine="merge", **options)
    assert all(word in str(problem.value) for word in words), str(problem.value)
    held = reconcile(left, right, key=key, engine="dict", **options)
    found = reconcile(left, right, key=key, **options)
    assert (found.summary, kinds(found)) == (held.summary, kinds(held))


# ---------------------------------------------------------------- duplicate keys


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_same_records_of_a_key_agree_in_any_order(engine: Any) -> None:
    left = lines((1, "a"), (1, "b"), (1, "b"), (2, "x"))
    for right in (left, [left[2], left[0], left[1], left[3]]):
        diff = reconcile(left, right, key="id", engine=engine)
        assert diff.matches
        assert (diff.summary["duplicates"], diff.summary["equal"]) == (1, 4)


def test_how_often_a_record_stands_there_counts(engine: Any) -> None:
    diff = reconcile(lines((1, "a"), (1, "a"), (1, "b")), lines((1, "a"), (1, "b"), (1, "b")), key="id", engine=engine)
    (found,) = diff.breaks()
    assert (found.kind, found.left, found.right) == ("duplicate", ({"id": 1, "v": "a"},), ({"id": 1, "v": "b"},))
    assert found.reason == "3 on the left, 3 on the right, 2 agree"


def test_a_key_repeated_on_one_side_only(engine: Any) -> None:
    diff = reconcile(lines((1, "a"), (2, "b"), (2, "b")), lines((1, "a"), (2, "b")), key="id", engine=engine)
    (found,) = diff.breaks()
    assert (found.key, found.kind, found.left, found.right) == (2, "duplicate", ({"id": 2, "v": "b"},), ())
    (alone,) = reconcile(lines((1, "a"), (1, "a")), [], key="id", engine=engine).breaks()
    assert (alone.kind, len(alone.left), alone.right) == ("duplicate", 2, ())


def test_many_and_many_with_a_tolerance_find_the_pairing_that_leaves_fewest(engine: Any) -> None:
    left, right = lines((1, 100), (1, 101), (1, 103), (1, 110)), lines((1, 101), (1, 102), (1, 102), (1, 120))
    diff = reconcile(left, right, key="id", fields=[Field("v", within=1)], engine=engine)
    (found,) = diff.breaks()
    assert (found.left, found.right) == (({"id": 1, "v": 110},), ({"id": 1, "v": 120},))
    assert diff.summary["equal"] == 3


def test_repeated_keys_across_pages_are_one_group() -> None:
    left = rows(1) + lines(*((2, index) for index in range(10))) + rows(3)
    right = rows(1) + lines(*((2, index) for index in reversed(range(10)))) + rows(3)
    for size in (1, 2, 5, 20):
        assert merged(Pages(left, size), Pages(right, 3)).matches


# ---------------------------------------------------------------- null, empty and composite keys


def test_null_keys_are_reported_wherever_they_stand(engine: Any) -> None:
    left = [*rows(None), *rows(1), {"v": 2}, *rows(math.nan), *rows(2), *rows(None)]
    diff = reconcile(left, rows(1, None, 2), key="id", engine=engine)
    assert diff.summary["null_keys"] == 5
    assert [found.reason for found in diff.breaks()] == ["id is null", "id is absent", "id is not a number", "id is null", "id is null"]
    assert diff.summary["equal"] == 2


def test_the_empty_text_is_a_key_and_not_null(engine: Any) -> None:
    diff = reconcile(rows("", "a"), [*rows(None), *rows("a")], key="id", engine=engine)
    assert kinds(diff) == [("", "missing_right"), (None, "null_key")]


def test_parts_of_composite_keys_do_not_run_together(engine: Any) -> None:
    left = [{"a": 1, "b": 11, "v": 1}, {"a": 11, "b": 1, "v": 2}]
    assert reconcile(left, left, key=["a", "b"], engine=engine).matches
    diff = reconcile(left[:1], left[1:], key=["a", "b"], engine=engine)
    assert kinds(diff) == [((1, 11), "missing_right"), ((11, 1), "missing_left")]
    texts = [{"a": "x|", "b": "y"}, {"a": "x", "b": "|y"}, {"a": "x\0", "b": "y"}, {"a": "x", "b": "\0y"}]
    for index in range(3):
        assert reconcile(texts[index : index + 1], texts[index + 1 : index + 2], key=["a", "b"], engine=engine).summary["equal"] == 0


def test_42_and_its_like_are_three_keys(engine: Any) -> None:
    left = [*rows("042"), *rows("42")]
    assert reconcile(left, left, key="id", engine=engine).summary["equal"] == 2
    diff = reconcile(rows("042", "42"), rows("42"), key="id", engine=engine)
    assert kinds(diff) == [("042", "missing_right")]
    if engine != "merge":
        mixed = reconcile(rows("42", 42, "042"), rows(42.0), key="id", engine=engine)
        assert mixed.summary["equal"] == 1


# ---------------------------------------------------------------- the order of a merge


@pytest.mark.parametrize(
    ("order", "before", "after"),
    [
        (["a", "B", "c"], "'a'", "'B'"),  # without case, as many a collation
        (["A", "a", "B"], "'a'", "'B'"),  # a locale's
        (["e", "é", "f"], "'é'", "'f'"),
        (["cote", "côte", "coté"], "'côte'", "'coté'"),
        (["e\u0301", "é", "f"], "'é'", "'f'"),  # NFD and NFC beside each other
        (["😀", "ﬀ"], "'😀'", "'ﬀ'"),  # by UTF-16 code units
        (["a b", "ab", "a c"], "'ab'", "'a c'"),  # blanks left out
        (["10", "9a", "9"], "'9a'", "'9'"),
    ],
)
def test_another_collation_is_found_out(order: list[str], before: str, after: str) -> None:
    refused(Pages(rows(*order)), Pages(rows(*sorted(order))), f"{after} comes after {before}")
    refused(Pages(rows(*sorted(order))), Pages(rows(*order), 1), f"{after} comes after {before}", "right")


def test_disorder_across_pages_is_found_out() -> None:
    for size in (3, 1000):
        many = [*range(1500), 1200, *range(1500, 1600)]
        refused(Pages(rows(*many), size), Pages(rows(*sorted(many)), 7), "1200 comes after 1499")


def test_a_side_that_ends_early_and_one_without_records() -> None:
    left, right = rows(*range(2000)), rows(*range(0, 1000, 2))
    diff = merged(Pages(left, 100), Pages(right, 30))
    assert (diff.summary["equal"], diff.summary["missing_right"]) == (500, 1500)
    assert merged(Pages(left, 700), Pages([])).summary["missing_right"] == 2000
    assert merged(Pages([]), Pages([])).matches


def test_composite_keys_merge_in_the_order_of_their_parts() -> None:
    left = [{"tenant": tenant, "id": number, "v": 1} for tenant in ("A", "B", "a") for number in (1, 2, 10)]
    assert merged(Pages(left, 2), Pages(left, 5), key=["tenant", "id"]).summary["equal"] == 9
    refused(Pages(left), Pages(sorted(left, key=lambda row: row["id"])), "right", "comes after", key=["tenant", "id"])


def test_keys_of_several_kinds_are_refused_wherever_they_turn_up() -> None:
    refused(Pages(rows(*range(1200))), Pages([*rows(*range(1199)), *rows("x")]), "have no order to merge by: number, text")
    refused(Pages(rows(1, 2), 1), Pages(rows("1", "2"), 1), "several types (number, text)")
    at = datetime(2026, 1, 1)
    refused(Pages(rows(at)), Pages(rows(at.replace(tzinfo=UTC))), "several types (instant, naive)")


def test_numbers_of_several_types_are_one_kind() -> None:
    left, right = rows(1, Decimal("2.5"), 3.0, 2**53 + 1), rows(1.0, 2.5, Decimal("3.00"), 2**53 + 1)
    assert merged(Pages(left, 1), Pages(right, 2)).matches


def test_fields_that_appear_late_are_compared_all_the_same() -> None:
    left, right = rows(*range(1500)), rows(*range(1500))
    left[1400]["late"] = right[1400]["late"] = 1
    right[1401]["late"] = 2
    diff = merged(Pages(left, 100), Pages(right, 90))
    assert diff.by_field["late"].causes == {"absent": 1}
    right[1402]["own"] = 3
    diff = merged(Pages(left, 100), Pages(right, 90))
    assert diff.only_right == ("own",)
    assert diff.summary["changed"] == 1


def test_a_field_that_takes_the_place_of_another_is_found() -> None:
    """As many fields as before, and yet others."""
    left = [{"id": number, "a": 1} for number in range(600)] + [{"id": 600, "b": 1}]
    right = [{"id": number, "a": 1} for number in range(600)] + [{"id": 600, "b": 2}]
    diff = merged(Pages(left, 50), Pages(right, 50))
    assert list(diff.by_field) == ["b"]
    assert merged(Pages(left, 50), Pages(right, 50), ignore=["b"]).matches
    alone = merged(Pages(left), Pages([*right[:600], {"id": 601, "c": 2}]))
    assert (alone.only_left, alone.only_right) == (("b",), ("c",))


def test_fields_of_one_side_and_repeated_keys_that_have_none_of_them() -> None:
    left = [*rows(1, 1), {"id": 2, "v": 1, "own": 5}]
    assert merged(Pages(left, 1), Pages(rows(1, 1, 2), 1)).matches
    refused(Pages([*left, *rows(3, 3, own=1)]), Pages(rows(1, 1, 2, 3, 3)), "more than once", "give fields=")


# ---------------------------------------------------------------- text that is numbers


def csv(path: Path, keys: Iterable[Any], value: Any = 1) -> CsvFile:
    path.write_text("id,v\n" + "".join(f"{key},{value}\n" for key in keys))
    return CsvFile(path)


def test_untyped_whole_numbers_merge_in_the_order_of_numbers(tmp_path: Path) -> None:
    left, right = csv(tmp_path / "l.csv", range(1, 4001)), csv(tmp_path / "r.csv", [*range(1, 900), *range(901, 4003)])
    diff = merged(left, right)
    # … and breaks come in the order that keys of text always have.
    assert kinds(diff) == [("4001", "missing_left"), ("4002", "missing_left"), ("900", "missing_right")]
    assert diff.summary["equal"] == 3_999


def test_the_order_of_numbers_is_recognised_late(tmp_path: Path) -> None:
    """The first pages say nothing: as many digits everywhere."""
    numbers = list(range(7500, 10_200))
    left, right = csv(tmp_path / "l.csv", numbers, 1), csv(tmp_path / "r.csv", [number for number in numbers if number != 9000], 2)
    diff = merged(left, right)
    assert (diff.summary["changed"], diff.summary["missing_right"]) == (2699, 1)
    assert [found.key for found in diff.breaks()] == sorted(map(str, numbers))


def test_numbers_in_the_order_of_text_merge_as_text(tmp_path: Path) -> None:
    keys = sorted(map(str, range(1, 3000)))
    assert merged(csv(tmp_path / "l.csv", keys), csv(tmp_path / "r.csv", keys[:-1])).summary["missing_right"] == 1


def test_numbers_beyond_18_digits_are_themselves(tmp_path: Path) -> None:
    keys = [9, 10, 10**18, 10**18 + 1, 2**63, 2**64, 10**30, 10**30 + 1]
    other = [9, 10, 10**18, 10**18 + 2, 2**63, 2**64, 10**30, 10**30 + 1]
    diff = merged(csv(tmp_path / "l.csv", keys), csv(tmp_path / "r.csv", other))
    assert kinds(diff) == [(str(10**18 + 1), "missing_right"), (str(10**18 + 2), "missing_left")]


@pytest.mark.parametrize("odd", ["011", "+11", "-11", "11.0", "1e1", " 11", "1_1", "١١", "x", "", "1" * 5000])
def test_what_is_not_the_plain_writing_of_a_number_ends_the_order_of_numbers(odd: str, tmp_path: Path) -> None:
    left = [*range(1, 11), odd]
    refused(csv(tmp_path / "l.csv", left), csv(tmp_path / "r.csv", range(1, 11)), "comes after")
    late = [*range(1, 2011), odd]
    refused(csv(tmp_path / "l.csv", late), csv(tmp_path / "r.csv", range(1, 2011)), "in the order of whole numbers", repr(odd)[:20])


def test_numbers_of_one_side_that_start_later_do_not_mislead() -> None:
    """As text 1000 … 1999 stand before 998, as numbers behind: what was joined in one order does not go on in the other."""
    left, right = rows(*map(str, range(990, 2600))), rows(*map(str, range(1000, 2600)))
    for size in (1, 10, 400, 1000):
        assert merged(Pages(left, size), Pages(right, 1000)).summary["missing_right"] == 10 if size > 1 else True
        found = reconcile(Pages(left, size), Pages(right, 1000), key="id")
        assert found.summary["missing_right"] == 10


def test_text_that_is_numbers_against_numbers(tmp_path: Path) -> None:
    left = csv(tmp_path / "l.csv", range(1, 3000))
    typed = tmp_path / "r.jsonl"
    typed.write_text("".join(f'{{"id": {number}, "v": 1}}\n' for number in range(1, 3000)))
    assert merged(left, JsonLines(typed)).matches
    texts = Pages(rows(*map(str, range(1, 30))))
    refused(texts, Pages(rows(*range(1, 30))), "key")


# ---------------------------------------------------------------- sources that say their order


def test_a_table_of_sqlite_merges_with_a_file(tmp_path: Path) -> None:
    with SqlTable(tmp_path / "t.db", "t", key="id", create={"id": "INTEGER", "v": "INTEGER"}) as table:
        from integrakit.model import Change

        table.write([Change.create(number, {"id": number, "v": number % 7}) for number in range(1, 2500)])
        file = tmp_path / "r.jsonl"
        file.write_text("".join(f'{{"id": {number}, "v": {number % 7}}}\n' for number in range(1, 2500)))
        assert merged(table, JsonLines(file)).matches


def test_text_keys_of_sqlite_with_a_collation_merge_or_are_refused(tmp_path: Path) -> None:
    from integrakit.model import Change

    for collation in ("BINARY", "NOCASE", "RTRIM"):
        with SqlTable(tmp_path / f"{collation}.db", "t", key="id", create={"id": f"TEXT COLLATE {collation}", "v": "INTEGER"}) as table:
            table.write([Change.create(key, {"id": key, "v": 1}) for key in ("a", "B", "c", "D", "é", "e\u0301")])
            right = rows("B", "D", "a", "c", "é", "f")
            assert kinds(reconcile(table, Pages(right), key="id")) == [("e\u0301", "missing_right"), ("f", "missing_left")]


# ---------------------------------------------------------------- values compared in columns


def differing(left: list[Any], right: list[Any]) -> list[int]:
    pairs = [[{"id": index, "v": value} for index, value in enumerate(side)] for side in (left, right)]
    return [found.key for found in reconcile(*pairs, key="id", engine="dict").breaks()]


def test_equal_by_accident_is_not_the_same() -> None:
    assert differing([1, 2, True], [1, 2, 1]) == [2]
    assert differing([0, 2], [False, 2.0]) == [0]
    assert differing([10**23, 2**53], [1e23, 2**53]) == []
    assert differing([99999999999999991611392, 5], [1e23, 5.0]) == [0]
    assert differing([Decimal.from_float(0.1), Decimal("0.1")], [0.1, 0.1]) == [0]
    assert differing([1, Decimal("1.10")], [Decimal("1.0"), Decimal("1.1")]) == []


def test_signalling_nans_anywhere_in_a_column_do_not_end_the_run() -> None:
    odd = Decimal("sNaN")
    assert differing([1, 2, odd], [1, 3, odd]) == [1]
    assert differing([Decimal(1), odd, Decimal(2)], [Decimal(2), Decimal("NaN"), Decimal(2)]) == [0]


def test_times_of_fixed_zones_are_compared_as_instants_and_folds_are_told_apart() -> None:
    zone, berlin = timezone(timedelta(hours=2)), ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert differing([noon, noon, None], [noon.astimezone(zone), noon.astimezone(ZoneInfo("UTC")), None]) == []
    night = datetime(2025, 10, 26, 2, 30, tzinfo=berlin)
    assert differing([night, noon], [night.replace(fold=1), noon]) == [0]
    assert differing([noon, noon], [noon.replace(tzinfo=None), noon + timedelta(microseconds=1)]) == [0, 1]


def test_text_of_another_class_is_compared_by_its_letters() -> None:
    class Blind(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return True

    assert differing(["a", "b"], [Blind("a"), Blind("x")]) == [1]


def test_one_object_on_both_sides_is_the_same_unless_names_or_clocks_differ() -> None:
    shared = [{"id": index, "a": index / 10, "b": index / 10 + index % 2, "at": datetime(2026, 1, 1)} for index in range(1200)]
    shared[1100]["late"] = 2
    right = [*shared[:1190], *({**row, "a": 0} for row in shared[1190:])]
    diff = merged(Pages(shared, 100), Pages(right, 90))
    assert (diff.summary["changed"], diff.totals["late"].left, diff.totals["a"].left) == (10, 2, Decimal("71940.0"))
    assert reconcile(shared, shared, key="id", fields=[("a", "b")], engine="dict").summary["changed"] == 600
    clocks = Field("at", zone=("Europe/Berlin", "UTC"))
    assert reconcile(shared, shared, key="id", fields=[clocks], engine="dict").summary["changed"] == 1200


# ---------------------------------------------------------------- totals


def test_floats_of_up_to_15_digits_are_added_exactly() -> None:
    cents = [index / 100 for index in range(10_000)]
    total = measure(cents, {float}, False)
    assert (total.value, total.inexact) == (Decimal("499950.00"), False)
    assert str(measure([0.1, 0.2], {float}, False).value) == "0.3"
    assert measure([999999999999999.0, 0.000001, 1e-300], {float}, False).value == Decimal("999999999999999") + Decimal("0.000001") + Decimal(
        "1e-300"
    )


def test_longer_floats_make_a_total_of_15_digits() -> None:
    total = measure([1 / 3, 0.1, 2, Decimal("5.00")], {float, int, Decimal}, False)
    assert (total.value, total.inexact, total.count) == (Decimal("7.43333333333333"), True, 4)
    assert measure([1e308, 1e308 * (1 / 3), -1e308, -1e308 * (1 / 3)], {float}, False).value == 0
    assert measure([1.7976931348623157e308] * 3, {float}, False).value == Decimal("5.39307940458695E+308")


def test_a_total_made_elsewhere() -> None:
    long = [1 / 3, 2 / 3]
    for made in (
        Total.of(Decimal("7.1"), count=5, long=long),
        Total.of(Decimal("7.1"), count=5, long=math.fsum(long)),
        Total.of(Decimal("7.1"), count=5, long=Decimal(1) / 3 + Decimal(2) / 3),
    ):
        assert (made.value, made.inexact, made.numeric) == (Decimal("8.10000000000000"), True, True)
    plain = Total.of(7, count=2)
    plain.merge(Total.of(Decimal("0.5"), count=1, others=1))
    assert (plain.value, plain.inexact, plain.count, plain.others) == (Decimal("7.5"), False, 3, 1)
    assert Total.of(7, count=2, exact=False).inexact


def test_totals_of_keys_with_another_name(engine: Any) -> None:
    diff = reconcile(lines((1, 0.1), (2, 0.2)), [{"ref": 1, "v": Decimal("0.10")}, {"ref": 2, "v": 0.2}], key=Key("id", right="ref"), engine=engine)
    assert diff.matches
    assert diff.totals["v"].difference == 0
