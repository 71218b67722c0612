"""Keys, duplicates, the two engines, what they read, and how they refuse what they cannot do."""

from __future__ import annotations

import gc
import gzip
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from integrakit.errors import ConfigurationError, IncompleteRead
from integrakit.files import CsvFile, JsonLines
from integrakit.model import Evidence, Page
from integrakit.reconciliation import Diff, Field, Key, areconcile, reconcile
from integrakit.reconciliation.inputs.feed import PROBATION
from integrakit.runtimes import runtime

np = pytest.importorskip("numpy", reason="needs numpy")

Rows = list[dict[str, Any]]


class Pages:
    """A source of pages that counts how often it is read."""

    def __init__(self, rows: Iterable[Any], size: int = 2) -> None:
        self.rows, self.size, self.reads = list(rows), size, 0

    def pages(self, since: Any) -> Iterable[Page]:
        self.reads += 1
        return (Page(self.rows[start : start + self.size]) for start in range(0, len(self.rows), self.size))


class Native:
    """A source written on the runtime, with evidence of its own."""

    def __init__(self, rows: Rows, *, complete: bool | None = True) -> None:
        self.rows, self.complete = rows, complete

    def open_read(self, since: Any = None) -> Any:
        return NativeReader(self.rows, self.complete)


class NativeReader:
    def __init__(self, rows: Rows, complete: bool | None) -> None:
        self.waiting = [Page(rows[:1]), Page(()), Page(rows[1:])]
        self.evidence = Evidence(complete=complete, reasons=() if complete else ("page 2 was short",), records=len(rows), pages=3)

    async def next_page(self) -> Page | None:
        await runtime().sleep(0.001)
        return self.waiting.pop(0) if self.waiting else None


def rows(*keys: Any, **values: Any) -> Rows:
    return [{"id": key, "v": 1, **values} for key in keys]


def kinds(diff: Diff) -> list[tuple[Any, str]]:
    return [(found.key, found.kind) for found in diff.breaks()]


# ---------------------------------------------------------------- keys


def test_keys_of_different_types_never_match_and_the_report_says_so() -> None:
    diff = reconcile(rows("42", "7", "042", True), rows(42, 7.0, 1), key="id")
    assert diff.summary["matched"] == 0
    assert "'42' / 42 (different types)" in str(diff)
    assert {(each.left, each.right) for each in diff.lookalikes} == {("042", 42), ("42", 42), ("7", 7.0)}


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        ("042", 42, "different types"),
        ("042", "42", "written differently"),
        ("A1", "a1", "upper and lower case"),
        ("a1", "a1 ", "blanks"),
        ("é", "e\u0301", "another unicode form"),
        (("a", "1"), ("a", 1), "different types"),
    ],
)
def test_keys_that_look_alike(left: Any, right: Any, why: str) -> None:
    def record(key: Any) -> dict[str, Any]:
        return dict(zip(("id", "k"), key, strict=True)) if isinstance(key, tuple) else {"id": key}

    diff = reconcile([record(left)], [record(right)], key=["id", "k"] if isinstance(left, tuple) else "id")
    assert [(each.left, each.right, each.why) for each in diff.lookalikes] == [(left, right, why)]


def test_lookalikes_are_a_sample_and_never_in_the_way() -> None:
    diff = reconcile([{"id": 10**5000}, *({"id": f"{'0' * zeros}7"} for zeros in range(9))], [{"id": 7}, {"id": (1, 2)}], key="id")
    assert [(each.left, each.right) for each in diff.lookalikes] == [("000000007", 7), ("00000007", 7), ("0000007", 7)]
    assert diff.summary["missing_right"] == 10
    many = reconcile([{"id": str(index)} for index in range(60_000)], [{"id": index} for index in range(20)], key="id")
    assert len(many.lookalikes) == 10
    assert " pairs of keys look alike and are not equal: '0' / 0 (different types)" in str(many)


def test_only_ten_agreeing_duplicates_are_named() -> None:
    rows_twice = rows(*range(20), *range(20))
    text = str(reconcile(rows_twice, rows_twice, key="id"))
    assert "the same records on both sides: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n" in text + "\n"


def test_keys_are_joined_by_value() -> None:
    left = rows(1, Decimal("2.0"), 3.0, "é", datetime(2026, 1, 1, tzinfo=UTC), b"x", (1, 2), frozenset({1}))
    right = rows(1.0, 2, np.int64(3), "é", datetime.fromisoformat("2026-01-01T02:00+02:00"), bytearray(b"x"), [1, 2], {1})
    assert reconcile(left, right, key="id").summary["equal"] == 8


def test_null_keys_are_reported_and_never_joined() -> None:
    left = [*rows(None, math.nan, ""), {"v": 1}]
    diff = reconcile(left, rows(None, math.nan, ""), key="id")
    assert diff.summary["null_keys"] == 5
    assert diff.summary["equal"] == 1
    assert [(found.left is None, found.reason) for found in diff.breaks()] == [
        (False, "id is null"), (False, "id is not a number"), (False, "id is absent"), (True, "id is null"), (True, "id is not a number"),
    ]  # fmt: skip
    assert not list(diff.changes())
    assert not diff.matches


def test_a_key_that_no_record_has_is_pointed_out() -> None:
    diff = reconcile(rows(1), rows(1), key="ID")
    assert diff.summary["null_keys"] == 2
    assert "no record on the left has a usable key (ID): is that its name?" in str(diff)


def test_composite_keys() -> None:
    left = [{"a": 1, "b": 11, "v": 1}, {"a": "a|b", "b": "c", "v": 1}, {"a": 1, "b": None, "v": 1}]
    right = [{"a": 11, "b": 1, "v": 1}, {"a": "a", "b": "b|c", "v": 1}, {"a": 1, "b": None, "v": 1}]
    diff = reconcile(left, right, key=("a", "b"))
    assert diff.summary["matched"] == 0
    assert diff.summary["null_keys"] == 2
    assert [found.key for found in diff.breaks()] == [(1, 11), (11, 1), ("a", "b|c"), ("a|b", "c"), (1, None), (1, None)]


def test_keys_are_normalised() -> None:
    key = Key("id", right="ID", normalise=str.casefold)
    diff = reconcile([{"id": "A", "v": 1}, {"id": None, "v": 1}], [{"ID": "a", "v": 2}], key=key)
    (found, null) = diff.breaks()
    assert (found.key, found.kind, null.kind) == ("A", "changed", "null_key")
    assert [change.key for change in diff.changes(to="right")] == ["a"]
    assert [change.key for change in diff.changes(to="left")] == ["A"]
    failed = reconcile([{"id": 5, "v": 1}], [], key=key)
    assert next(failed.breaks()).reason == (
        "its key cannot be read: normalise= failed on a int: TypeError: descriptor 'casefold' for 'str' objects doesn't apply to a 'int' object"
    )
    gone = reconcile([{"id": "x", "v": 1}], [], key=Key("id", normalise=lambda value: None))
    assert next(gone.breaks()).reason == "the key is null after normalise="


def test_keys_that_cannot_be_read_or_compared() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert reconcile(rows(endless), [], key="id").summary["invalid"] == 1

    class Broken:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no")

    with pytest.raises(ConfigurationError, match="keys of these records cannot be compared"):
        reconcile(rows(Broken()), rows(Broken()), key="id")


def test_records_of_many_shapes() -> None:
    @attrs.frozen
    class Order:
        id: int
        v: int

    from collections import UserDict

    assert reconcile([Order(1, 1), UserDict(id=2, v=1)], rows(1, 2), key="id").matches
    diff = reconcile([*rows(1), "text", None, Order, (1, 2)], rows(1), key="id")
    assert diff.summary["invalid"] == 4
    assert next(diff.breaks()).reason == "a record is a dict or an attrs instance, not a str"
    assert reconcile([1, 2], [], key="id").summary["left"] == 2


# ---------------------------------------------------------------- duplicates


def doubled(*pairs: tuple[Any, Any]) -> Rows:
    return [{"id": key, "v": value} for key, value in pairs]


@pytest.mark.parametrize("engine", ["dict", "merge"])
def test_duplicates_are_multisets(engine: Any) -> None:
    left = doubled((1, "a"), (1, "b"), (2, "x"))
    same = reconcile(left, doubled((1, "b"), (1, "a"), (2, "x")), key="id", engine=engine)
    assert same.matches
    assert (same.summary["duplicates"], same.summary["equal"]) == (1, 3)
    assert "some keys stand more than once, with the same records on both sides: 1" in str(same)
    short = reconcile(left, doubled((1, "b"), (2, "x")), key="id", engine=engine)
    (found,) = short.breaks()
    assert (found.kind, found.left, found.right) == ("duplicate", ({"id": 1, "v": "a"},), ())
    assert found.reason == "2 on the left, 1 on the right, 1 agree"
    assert not list(short.changes())
    alone = reconcile([], doubled((1, "a"), (1, "a")), key="id", engine=engine)
    assert (kinds(alone), alone.summary["missing_left"]) == ([(1, "duplicate")], 0)


def test_duplicates_with_a_tolerance_find_the_best_pairing() -> None:
    fields = [Field("v", within=1)]
    assert reconcile(doubled((1, 10), (1, 11)), doubled((1, 10), (1, 9)), key="id", fields=fields).matches
    assert reconcile(doubled((1, 0), (1, 1), (1, 2), (1, 3)), doubled((1, 1), (1, 0), (1, -1), (1, 2)), key="id", fields=fields).matches
    off = reconcile(doubled((1, 10), (1, 13)), doubled((1, 10), (1, 9)), key="id", fields=fields)
    assert [(found.left, found.right) for found in off.breaks()] == [(({"id": 1, "v": 13},), ({"id": 1, "v": 9},))]


def test_very_many_duplicates_do_not_take_for_ever() -> None:
    many = doubled(*((1, index) for index in range(2_000)))
    assert reconcile(many, many[::-1], key="id", fields=[Field("v", within=1)]).matches
    diff = reconcile(many, [], key="id")
    (found,) = diff.breaks()
    assert len(found.left) == 100
    assert found.reason.endswith("the first 100 without a partner are held here")


def test_duplicates_that_cannot_be_compared_find_no_partner() -> None:
    endless: list[Any] = []
    endless.append(endless)
    other: list[Any] = []
    other.append(other)
    diff = reconcile(doubled((1, endless), (1, 2)), doubled((1, 2), (1, other)), key="id")
    (found,) = diff.breaks()
    assert (len(found.left), len(found.right), diff.summary["equal"]) == (1, 1, 1)
    loose = reconcile(doubled((1, endless), (1, 2)), doubled((1, 2), (1, other)), key="id", fields=[Field("v", within=1)])
    assert loose.summary["equal"] == 1


# ---------------------------------------------------------------- which fields


@pytest.mark.parametrize("engine", ["dict", "merge"])
def test_fields_that_both_sides_have(engine: Any) -> None:
    left = [{"id": 1, "a": 1, "b": 1, "etag": 1}, {"id": 2, "a": 1}, {"id": 3, "late": 1, "c": 7}]
    right = [{"id": 1, "a": 1, "c": 2, "etag": 2}, {"id": 2, "a": 2, "late": 1}, {"id": 3, "late": 1, "c": 7, "a": 1}]
    diff = reconcile(Pages(left, 1), Pages(right, 1), key="id", ignore=["etag"], engine=engine)
    assert (diff.only_left, diff.only_right) == (("b",), ())
    assert {found.key: set(found.fields) for found in diff.breaks()} == {1: {"c"}, 2: {"a", "late"}, 3: {"a"}}
    assert diff.summary["changed"] == 3
    assert "not compared, on the left only: b" in str(diff)
    assert "ignored: etag" in diff.explain()
    quiet = reconcile(Pages([{"id": 1, "a": 1, "b": 1}], 1), Pages([{"id": 1, "a": 1, "z": 1}], 1), key="id", engine=engine)
    assert quiet.matches
    assert quiet.summary["equal"] == 1
    assert not list(quiet.breaks())
    assert not quiet.by_field


def test_key_names_of_either_side_are_not_compared() -> None:
    diff = reconcile([{"id": 1, "v": 1}], [{"external_id": 1, "id": 99, "v": 1}], key=Key("id", right="external_id"))
    assert diff.matches
    assert "compared: v" in diff.explain()


def test_only_the_keys_can_be_compared() -> None:
    diff = reconcile([{"id": 1, "a": 1}], [{"id": 1, "b": 1}], key="id")
    assert diff.matches
    assert "only the keys were compared" in str(diff)
    assert reconcile([{"id": 1, "a": 1}], [{"id": 1, "a": 2}], key="id", fields=[]).matches


# ---------------------------------------------------------------- engines


def test_the_engine_is_chosen_and_explained() -> None:
    assert "engine: dict\n  because the left side is in memory already" in reconcile(rows(1), rows(1), key="id").explain()
    assert "can be read only once" in reconcile(iter(rows(1)), Pages(rows(1)), key="id").explain()
    merged = reconcile(Pages(rows(1, 2, 3)), Pages(rows(1, 2, 3)), key="id")
    assert "engine: merge\n  because neither side is in memory" in merged.explain()
    assert "because asked for" in reconcile(rows(1), rows(1), key="id", engine="merge").explain()


def test_auto_falls_back_without_a_second_read() -> None:
    left, right = Pages(rows(1, 3, 2)), Pages(rows(1, 2, 3))
    diff = reconcile(left, right, key="id")
    assert diff.matches
    assert (left.reads, right.reads) == (1, 1)
    assert "merge was given up: the left side (Pages) is not in the order of its keys: 2 comes after 3" in diff.explain()
    assert diff.summary["left"] == diff.summary["right"] == 3


def test_auto_reads_again_when_disorder_comes_late() -> None:
    many = rows(*range(PROBATION + 10), 5)
    left, right = Pages(many[:-1] + rows(-1), 5000), Pages(rows(*range(PROBATION + 10)), 5000)
    diff = reconcile(left, right, key="id")
    assert (left.reads, right.reads) == (2, 1), "what was read of the right side was still held"
    assert kinds(diff) == [(-1, "missing_right")]
    assert "the left side was read twice" in str(diff)


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (rows(1, 3, 2), rows(1), "2 comes after 3"),
        (rows(1), rows("b", "a"), "'a' comes after 'b'"),
        (rows(1), rows("a"), "several types (number, text)"),
        (rows(1, "a"), rows(1), "have no order to merge by: number, text"),
        (rows([1]), rows([1]), "no order to merge by: list"),
        ([*rows(1), {"id": 1, "w": 1}], rows(1, 1), "give fields="),
    ],
)
def test_merge_refuses_what_it_cannot_do(left: Rows, right: Rows, message: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        reconcile(left, right, key="id", engine="merge")
    assert message in str(problem.value)
    assert 'engine="dict"' in str(problem.value)
    assert reconcile(Pages(left), Pages(right), key="id").explain().startswith("engine: dict")


def test_merge_with_order_broken_between_pages() -> None:
    with pytest.raises(ConfigurationError, match="1 comes after 2"):
        reconcile(Pages(rows(2, 1), 1), Pages(rows(1, 2), 1), key="id", engine="merge")


def test_merge_keeps_little() -> None:
    """Both sides are made while they are read; the rows that wait at any moment are a few pages."""
    alive = high = 0

    class Row(dict[str, Any]):
        def __init__(self, key: int) -> None:
            nonlocal alive, high
            super().__init__(id=key, v=key)
            alive += 1
            high = max(high, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    diff = reconcile((Row(key) for key in range(30_000)), (Row(key) for key in range(30_000)), key="id", engine="merge")
    assert diff.matches
    assert high < 5_000


def test_merge_of_sides_of_very_different_length() -> None:
    for left, right in ((rows(), rows(1, 2, 3)), (rows(5), rows(*range(10))), (rows(*range(10)), rows(99)), (rows(None), rows(None, 1))):
        for size in (1, 3):
            merged = reconcile(Pages(left, size), Pages(right, size), key="id", engine="merge")
            plain = reconcile(left, right, key="id")
            assert merged.summary == plain.summary
            assert list(merged.breaks()) == list(plain.breaks())


# ---------------------------------------------------------------- reading


def test_evidence_of_both_sides_is_kept() -> None:
    diff = reconcile(Native(rows(1, 2)), Native(rows(1, 2), complete=None), key="id")
    assert diff.evidence.left is not None
    assert diff.evidence.left.complete is True
    assert diff.evidence.right is not None
    assert diff.evidence.right.complete is None
    assert "the right side cannot prove that it was read completely" in str(diff)
    assert "neither side can prove that it was read completely" in str(reconcile(rows(1), rows(1), key="id"))


def test_an_incomplete_side_is_no_side() -> None:
    with pytest.raises(IncompleteRead, match=r"the left side \(Native\) cannot be compared: INCOMPLETE.*page 2 was short"):
        reconcile(Native(rows(1, 2), complete=False), rows(1, 2), key="id")


def test_reading_errors_come_through() -> None:
    def broken() -> Any:
        yield from rows(1)
        raise ZeroDivisionError("mine")

    for engine in ("dict", "merge"):
        with pytest.raises(ZeroDivisionError, match="mine"):
            reconcile(broken(), rows(1), key="id", engine=engine)  # type: ignore[arg-type]
    gc.collect()


@pytest.mark.parametrize("engine", ["auto", "dict", "merge"])
def test_in_every_world(world: Any, engine: Any) -> None:
    async def body() -> Diff:
        return await areconcile(Native(rows(1, 2, 3)), Native(rows(2, 3, 4)), key="id", engine=engine)

    diff = world(body)
    assert kinds(diff) == [(1, "missing_right"), (4, "missing_left")]


def test_asynchronous_sources_in_asynchronous_code() -> None:
    import asyncio

    class Source:
        def apages(self, since: Any) -> Any:
            return self

        def __aiter__(self) -> Any:
            self.waiting = [Page(rows(1, 2)), Page(rows(3))]
            return self

        async def __anext__(self) -> Page:
            await asyncio.sleep(0)
            if not self.waiting:
                raise StopAsyncIteration
            return self.waiting.pop(0)

    class Records:
        def __init__(self) -> None:
            self.waiting = rows(1, 2, 3)

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Any:
            if not self.waiting:
                raise StopAsyncIteration
            return self.waiting.pop(0)

    async def body() -> tuple[Diff, Diff]:
        return await areconcile(Source(), rows(1, 2, 3), key="id"), await areconcile(Records(), Source(), key="id")

    assert all(diff.matches for diff in asyncio.run(body()))


# ---------------------------------------------------------------- files of text


def csv(folder: Path, text: str, name: str = "side.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


DAYS = datetime(2026, 1, 1).date(), datetime(2026, 1, 2).date()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TYPED: Rows = [
    {"id": 1, "amount": Decimal("1.10"), "day": DAYS[0], "at": NOON, "ok": True, "note": "", "gone": None},
    {"id": 2, "amount": 1e-7, "day": DAYS[1], "at": NOON.replace(minute=30), "ok": False, "note": "x", "gone": None},
]
TEXT = "id,amount,day,at,ok,note,gone\n1,1.1,2026-01-01,2026-01-01T13:00:00+01:00,True,,\n2,1e-07,2026-01-02,2026-01-01 12:30Z,false,x,\n"


@pytest.mark.parametrize("engine", ["auto", "dict", "merge"])
def test_cells_are_read_as_what_the_other_side_has(tmp_path: Path, engine: Any) -> None:
    path = csv(tmp_path, TEXT)
    for left, right in ((path, TYPED), (TYPED, Path(path)), (CsvFile(path), iter(TYPED))):
        diff = reconcile(left, right, key="id", engine=engine)
        assert diff.matches, str(diff)
        assert diff.totals["amount"].difference == 0
        assert "untyped text" in diff.explain()


@pytest.mark.parametrize(
    ("cell", "value", "matches"),
    [
        ("42", 42, True),
        ("42.0", 42, True),
        ("-0", 0, True),
        ("042", 42, False),
        ("+42", 42, False),
        (" 42", 42, False),
        ("1,000", 1000, False),
        ("1_000", 1000, False),
        ("٤٢", 42, False),
        ("4.2E1", 42, True),
        ("1e999999999", 1, False),
        ("nan", math.nan, True),
        ("", math.nan, False),
        ("Infinity", math.inf, True),
        ("-inf", -math.inf, True),
        ("TRUE", True, True),
        ("1", True, False),
        ("yes", True, False),
        ("", None, True),
        ("null", None, False),
        ("2026-02-30", datetime(2026, 2, 1).date(), False),
        ("01.02.2026", datetime(2026, 2, 1).date(), False),
        ("2026-02-01", datetime(2026, 2, 1), False),
        ("2026-02-01T00:00", datetime(2026, 2, 1), True),
        ("2026-02-01T00:00Z", datetime(2026, 2, 1), False),
        ("12:30", datetime(2026, 2, 1, 12, 30).time(), True),
        ("12:30+00:00", datetime(2026, 2, 1, 12, 30, tzinfo=UTC).timetz(), True),
        ("00000000-0000-0000-0000-00000000000A", __import__("uuid").UUID(int=10), True),
        ("a", b"a", False),
        ("[1]", [1], False),
        ("a", "a", True),
        ("1.10", "1.1", False),
    ],
)
def test_cells_are_read_strictly(tmp_path: Path, cell: str, value: Any, matches: bool) -> None:
    path = csv(tmp_path, f'id,v\n1,"{cell}"\n')
    assert reconcile(path, [{"id": 1, "v": value}], key="id").matches is matches
    assert reconcile([{"id": 1, "v": value}], path, key="id", fields=[Field("v", within=0)]).matches is matches


def test_text_against_text(tmp_path: Path) -> None:
    one, other = csv(tmp_path, "id,v\n9,1.10\n10,x\n"), csv(tmp_path, "id,v\n9,1.1\n10,x\n", "other.csv")
    assert reconcile(one, other, key="id").by_field["v"].causes == {"format": 1}
    assert reconcile(one, other, key="id", engine="merge").by_field["v"].causes == {"format": 1}, "in the order of numbers"
    odd = csv(tmp_path, "id,v\n9,1\n10,1\n011,1\n", "odd.csv")
    with pytest.raises(ConfigurationError, match="'10' comes after '9'"):
        reconcile(odd, odd, key="id", engine="merge")
    money = csv(tmp_path, "id,v\n1,10.50\n2,\n", "money.csv")
    assert reconcile(money, money, key="id").totals["v"].left == Decimal("10.50")


def test_text_keys_and_typed_keys(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,v\n042,1\n42,1\nx,1\n")
    diff = reconcile(path, rows(42, 43), key="id")
    assert diff.summary["matched"] == 1
    assert kinds(diff) == [(43, "missing_left"), ("042", "missing_right"), ("x", "missing_right")]
    mixed = reconcile(path, [*rows(42), *rows("x")], key="id")
    assert mixed.summary["matched"] == 1, "the other side has text too, so text stays text"
    assert [(each.left, each.right) for each in mixed.lookalikes] == [("042", 42), ("42", 42)]


def test_unpaired_cells_count_into_the_totals(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,v\n1,1.5\n2,2.5\n")
    diff = reconcile(path, [{"id": 1, "v": 1.5}], key="id")
    assert (diff.totals["v"].left, diff.totals["v"].right) == (4, Decimal("1.5"))


def test_duplicates_of_text_and_types(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,v\n1,1.5\n1,2\n")
    assert reconcile(path, doubled((1, 2), (1, 1.5)), key="id").matches
    assert not reconcile(path, doubled((1, 2), (1, 1.6)), key="id").matches


def test_json_lines(tmp_path: Path) -> None:
    path = csv(tmp_path, '{"id": 1, "v": 1}\n{"id": 2, "v": 1}\n', "side.jsonl")
    assert reconcile(path, rows(1, 2), key="id").matches
    assert reconcile(JsonLines(path), Path(path), key="id").matches
    packed = tmp_path / "SIDE.JSONL.gz"
    packed.write_bytes(gzip.compress(Path(path).read_bytes()))
    assert reconcile(packed, rows(1, 2), key="id").matches


def test_changes_from_text_have_the_types_of_the_other_side(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,v,w\n1,43,x\n2,oops,x\n")
    diff = reconcile(path, [{"id": 1, "v": 42, "w": "x"}, {"id": 2, "v": 42, "w": "x"}], key="id")
    assert [dict(change.record or {}) for change in diff.changes(to="right")] == [{"v": 43}, {"v": "oops"}]
