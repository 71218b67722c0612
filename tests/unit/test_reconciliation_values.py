"""When two values are the same, and why they differ when they do not."""

from __future__ import annotations

import enum
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest

from integrakit.reconciliation import Field, reconcile
from integrakit.reconciliation.rules.causes import cause_of
from integrakit.reconciliation.rules.values import Incomparable, canonical, category, number, same
from integrakit.unset import UNSET

np = pytest.importorskip("numpy", reason="needs numpy")
pd = pytest.importorskip("pandas", reason="needs pandas")

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)  # the hour that comes twice


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Number(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    A = "a"


@attrs.frozen
class Point:
    x: Any
    y: Any = UNSET


class Odd:
    """Equal to its like, and not hashable."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odd) and self.value == other.value


EQUAL = [
    (1.10, Decimal("1.1")),
    (1.1, 1.10),
    (Decimal("1.10"), Decimal("1.1")),
    (1, 1.0),
    (1, Decimal("1.000")),
    (-0.0, 0),
    (0.0, Decimal("-0")),
    (math.nan, math.nan),
    (math.nan, Decimal("NaN")),
    (Decimal("NaN"), Decimal("sNaN")),
    (Decimal("sNaN"), Decimal("sNaN")),
    (math.inf, Decimal("Infinity")),
    (2**53, float(2**53)),
    (10**23, 1e23),
    (Decimal("1E+1000000"), Decimal("10E+999999")),
    (5e-324, Decimal("5E-324")),
    (np.float32(0.1), 0.1),
    (np.float32(0.1), Decimal("0.1")),
    (np.float16(0.1), 0.1),
    (np.float64(0.1), 0.1),
    (np.float32("nan"), math.nan),
    (np.float32("inf"), math.inf),
    (np.int64(7), 7),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.array([1, 2]), [1, 2]),
    (np.array(1.5), 1.5),
    (np.datetime64("2026-01-01T00:00:00.123456789"), pd.Timestamp("2026-01-01T00:00:00.123456789")),
    (np.datetime64("2026-01-01T00:00:00"), datetime(2026, 1, 1)),
    (np.datetime64("NaT"), pd.NaT),
    (np.datetime64("30000-01-01T00:00:00"), np.datetime64("30000-01-01T00:00:00")),
    (np.timedelta64(1, "s"), np.timedelta64(1, "s")),
    (pd.NaT, pd.NaT),
    (pd.NA, pd.NA),
    (pd.Timestamp("2026-01-01", tz="UTC"), datetime(2026, 1, 1, tzinfo=UTC)),
    (pd.Timedelta("1s"), timedelta(seconds=1)),
    (Number.ONE, 1),
    (Word.A, "a"),
    (Colour.RED, Colour.RED),
    (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=BERLIN)),
    (NIGHT.replace(fold=1), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))),
    (time(12, tzinfo=UTC), time(13, tzinfo=timezone(timedelta(hours=1)))),
    (b"a", bytearray(b"a")),
    (b"a", memoryview(b"a")),
    ([1, [2, {"a": 1.0}]], (1.0, (2, {"a": 1}))),
    ({"a": 1, "b": None}, {"b": None, "a": 1}),
    ({"a": 1}, MappingProxyType({"a": 1})),
    ({1: "a"}, {1.0: "a"}),
    ({1, 2}, frozenset({2, 1.0})),
    ({1}, {1: 0}.keys()),
    (Point(1), {"x": 1}),
    (Point(1), Point(1.0)),
    ({"x": 1, "y": UNSET}, {"x": 1}),
    (UUID(int=1), UUID(int=1)),
    (Odd(1), Odd(1)),
    (1 + 2j, 1 + 2j),
    (None, None),
]

DIFFERENT = [
    (2**53 + 1, float(2**53), "precision"),
    (0.1 + 0.2, Decimal("0.3"), "precision"),
    (1, True, "type"),
    (0, False, "type"),
    (1.0, True, "type"),
    (np.bool_(True), 1, "type"),
    ("1", 1, "type"),
    ("true", True, "type"),
    (math.nan, None, "null"),
    (math.nan, 0, "nan"),
    (math.nan, "", "type"),
    (math.inf, 1, "value"),
    ("", None, "null"),
    (0, None, "null"),
    (UNSET, None, "absent"),
    (UNSET, 1, "absent"),
    ("", "a", "empty"),
    ("a", "A", "case"),
    ("straße", "STRASSE", "case"),
    ("a b", " a  b ", "blanks"),
    ("a b", "ab", "blanks"),
    ("a b", "a\u00a0b", "blanks"),
    ("A b", "ab", "case"),
    ("é", "e\u0301", "unicode"),
    ("ﬁn", "fin", "unicode"),
    ("042", "42", "format"),
    ("1.10", "1.1", "format"),
    ("Müller", "MÃ¼ller", "encoding"),
    ("“a”", "â€œa”", "value"),
    ("Integration", "Integr", "truncation"),
    ("😀", "😁", "value"),
    ("a", "b", "value"),
    (np.float32(0.1), float(np.float32(0.1)), "precision"),
    (Decimal.from_float(0.1), 0.1, "precision"),
    (12.5, -12.5, "sign"),
    (1250, Decimal("12.50"), "×100"),
    (Decimal("12.50"), 1250, "×100"),
    (Decimal("1.005"), Decimal("1.01"), "scale"),
    (Decimal("1.025"), Decimal("1.02"), "scale"),
    (Decimal("1.029"), Decimal("1.02"), "truncation"),
    (1234, 1200, "value"),
    (1, 2, "value"),
    (0, Decimal("1E+1000000"), "value"),
    (Decimal("1E-1000000"), 1, "value"),
    (date(2026, 1, 1), datetime(2026, 1, 1), "type"),
    (date(2026, 1, 1), date(2026, 1, 2), "one day off"),
    (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), "timezone missing"),
    (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 14), "timezone shift"),
    (datetime(2026, 1, 1, 12, 7), datetime(2026, 1, 1, 14, 7), "timezone shift"),
    (datetime(2026, 1, 1, 12, 7), datetime(2026, 1, 3, 12, 7), "value"),
    (datetime(2026, 1, 1, 12, 7, 1), datetime(2026, 1, 1, 12, 7, 2), "value"),
    (datetime(2026, 1, 1, 0, 0, 0, 123456), datetime(2026, 1, 1, 0, 0, 0, 123000), "truncation"),
    (datetime(2026, 1, 1, 0, 0, 5), datetime(2026, 1, 1, 0, 0), "truncation"),
    (NIGHT, NIGHT.replace(fold=1), "timezone shift"),
    (pd.Timestamp("2026-01-01T00:00:00.000000001"), datetime(2026, 1, 1), "truncation"),
    (time(12), time(12, tzinfo=UTC), "type"),
    ([1, 2], [2, 1], "order"),
    ([1, 2], [1], "value"),
    ([1, 2], [1, 3], "value"),
    ([1], {1}, "type"),
    ([[1]], [[True]], "value"),
    ({"a": 1}, {"a": True}, "value"),
    ({"a": None}, {}, "value"),
    ({1: "a"}, {True: "a"}, "value"),
    ({1}, {True}, "value"),
    (b"a", "a", "type"),
    (UUID(int=1), str(UUID(int=1)), "type"),
    (Colour.RED, Colour.BLUE, "value"),
    (Colour.RED, 1, "type"),
    (Odd(1), Odd(2), "value"),
    (Odd(1), 1, "type"),
    (timedelta(1), timedelta(2), "value"),
    (pd.NA, None, "null"),
]


def judged(left: Any, right: Any) -> bool:
    return reconcile([{"id": 1, "v": left}], [{"id": 1, "v": right}], key="id", fields=["v"]).matches


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_by_value(left: Any, right: Any) -> None:
    assert same(left, right)
    assert same(right, left)
    assert canonical(left) == canonical(right)
    assert hash(canonical(left)) == hash(canonical(right))
    assert judged(left, right)
    assert judged([{"deep": left}], [{"deep": right}])


@pytest.mark.parametrize(("left", "right", "cause"), DIFFERENT)
def test_different_and_the_likely_cause(left: Any, right: Any, cause: str) -> None:
    assert not same(left, right)
    assert not same(right, left)
    assert cause_of(left, right) == cause
    assert cause_of(right, left) == cause
    if left is not UNSET:
        diff = reconcile([{"id": 1, "v": left}], [{"id": 1, "v": right}], key="id", fields=["v"])
        assert not diff.matches
        assert diff.by_field["v"].causes == {cause: 1}
        assert not judged([left], [right])


def test_a_whole_column_of_one_type_is_compared_like_single_values() -> None:
    """A block takes another path than a single odd pair; both must say the same."""
    plain = [{"id": index, "v": index} for index in range(50)]
    for odd in (True, 7.5, "7", None, Decimal("sNaN")):
        rows = [dict(row) for row in plain]
        rows[7]["v"] = odd
        diff = reconcile(plain, rows, key="id")
        assert [found.key for found in diff.breaks()] == [7]
    nights = [{"id": index, "v": NIGHT.replace(fold=index % 2)} for index in range(4)]
    other = [{"id": index, "v": NIGHT} for index in range(4)]
    assert [found.key for found in reconcile(nights, other, key="id").breaks()] == [1, 3]
    snans = [{"id": index, "v": Decimal("sNaN")} for index in range(3)]
    assert reconcile(snans, [{"id": index, "v": Decimal("sNaN")} for index in range(3)], key="id").matches
    mixed = [{"id": 0, "v": datetime(2026, 1, 1)}, {"id": 1, "v": None}]
    assert reconcile(mixed, [dict(row) for row in mixed], key="id").matches


def test_what_contains_itself_or_is_too_deep_is_invalid_and_stops_nothing() -> None:
    endless: list[Any] = []
    endless.append(endless)
    other: list[Any] = []
    other.append(other)
    deep_left: Any = 1
    deep_right: Any = 1
    for _ in range(100_000):
        deep_left, deep_right = [deep_left], [deep_right]
    left = [{"id": 1, "v": endless}, {"id": 2, "v": deep_left}, {"id": 3, "v": 0}]
    right = [{"id": 1, "v": other}, {"id": 2, "v": deep_right}, {"id": 3, "v": 0}]
    diff = reconcile(left, right, key="id")
    assert diff.summary["invalid"] == 2
    assert diff.summary["equal"] == 1
    assert all("nested too deeply" in found.reason for found in diff.breaks())
    with pytest.raises(Incomparable):
        canonical(endless)
    assert cause_of(endless, 1) == "value"
    while isinstance(deep_left, list):  # taken apart by hand: the interpreter's own way is recursive
        deep_left, deep_right = deep_left.pop(), deep_right.pop()


def test_a_class_that_cannot_be_compared_is_invalid() -> None:
    class Broken:
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no")

    diff = reconcile([{"id": 1, "v": Broken()}], [{"id": 1, "v": Broken()}], key="id")
    (found,) = diff.breaks()
    assert (found.kind, found.reason) == ("invalid", "v: comparing two values of Broken failed: RuntimeError")


def test_long_texts_are_compared_in_full_and_shown_in_part() -> None:
    left, right = "ä" * 50_000_000, "ä" * 49_999_999 + "b"
    diff = reconcile([{"id": 1, "v": left}], [{"id": 1, "v": right}], key="id")
    assert diff.by_field["v"].causes == {"value": 1}
    assert len(str(diff)) < 2000
    assert "50,000,000 characters" in str(diff)
    assert reconcile([{"id": 1, "v": left}], [{"id": 1, "v": left[:-1] + "ä"}], key="id").matches


def test_categories_and_numbers() -> None:
    values = [None, UNSET, 1, 1.5, "a", True, math.nan, date(2026, 1, 1), Odd(1), [1]]
    assert [category(canonical(value)) for value in values] == ["null", "absent", "number", "number", "text", "bool", "nan", "date", "other", "list"]
    assert number(1.10) == Decimal("1.1")
    assert number(True) is None
    assert number("1") is None


@pytest.mark.parametrize(
    ("field", "left", "right", "matches"),
    [
        (Field("v", within="0.01"), 1.00, Decimal("1.01"), True),
        (Field("v", within="0.01"), 1.00, Decimal("1.0100000000000000000001"), False),
        (Field("v", within=0.01), 1.00, "1.00", False),
        (Field("v", within=0), 1, 1.0, True),
        (Field("v", within=1), Decimal("1E+1000000"), 1, False),
        (Field("v", within=1), Decimal("1E+1000000") , Decimal("1E+1000000"), True),
        (Field("v", within=1), Decimal("1E-999999999"), 1, True),
        (Field("v", within=1), math.nan, 1, False),
        (Field("v", within=1), math.inf, math.inf, True),
        (Field("v", within=1), math.inf, -math.inf, False),
        (Field("v", within=1), None, 0, False),
        (Field("v", within=1), True, 1, False),
        (Field("v", within="0.1%"), 1000, 1001, True),
        (Field("v", within="0.1%"), 1000, 1002, False),
        (Field("v", within="0.1%"), -1000, 1000, False),
        (Field("v", within="10 %"), 0, 0.0, True),
        (Field("v", within=timedelta(seconds=1)), datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 1), True),
        (Field("v", within=timedelta(seconds=1)), datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 1, 1), False),
        (Field("v", within=timedelta(hours=9)), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), False),
        (Field("v", within=timedelta(hours=9)), 1, 2, False),
        (Field("v", normalise=str.casefold), "A", "a", True),
        (Field("v", normalise=str.casefold), None, None, True),
        (Field("v", normalise=str.casefold), None, "", False),
        (Field("v", unordered=True), [1, 2, 2], [2, 1, 2.0], True),
        (Field("v", unordered=True), [1, 2, 2], [1, 1, 2], False),
        (Field("v", unordered=True), [1, 2], {2, 1}, True),
        (Field("v", unordered=True), [[1, 2]], [[2, 1]], False),
        (Field("v", unordered=True), "ab", "ba", False),
        (Field("v", unordered=True), None, [], False),
        (Field("v", truncate="ms"), datetime(2026, 1, 1, 0, 0, 0, 123456), datetime(2026, 1, 1, 0, 0, 0, 123999), True),
        (Field("v", truncate="ms"), datetime(2026, 1, 1, 0, 0, 0, 123456), datetime(2026, 1, 1, 0, 0, 0, 124000), False),
        (Field("v", truncate="us"), pd.Timestamp("2026-01-01T00:00:00.000000999"), datetime(2026, 1, 1), True),
        (Field("v", truncate="s"), datetime(2026, 1, 1, 1, 0, 0, 5, tzinfo=BERLIN), datetime(2026, 1, 1, tzinfo=UTC), True),
        (Field("v", truncate="min"), datetime(2026, 1, 1, 0, 0, 59), datetime(2026, 1, 1), True),
        (Field("v", truncate="min"), datetime(2026, 1, 1, 0, 1), datetime(2026, 1, 1), False),
        (Field("v", truncate="s"), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), False),
        (Field("v", truncate="s"), pd.NaT, datetime(2026, 1, 1), False),
        (Field("v", truncate="s"), date(2026, 1, 1), date(2026, 1, 1), True),
        (Field("v", truncate="s"), datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), datetime(2026, 1, 1, tzinfo=UTC), False),
        (Field("v", null_is_empty=True), None, "", True),
        (Field("v", null_is_empty=True), None, 0, False),
        (Field("v", null_is_empty=True), None, " ", False),
    ],
)  # fmt: skip
def test_options_of_a_field(field: Field, left: Any, right: Any, matches: bool) -> None:
    for one, other in ((left, right), (right, left)):
        assert reconcile([{"id": 1, "v": one}], [{"id": 1, "v": other}], key="id", fields=[field]).matches is matches
        pair = [{"id": 1, "v": one}, {"id": 1, "v": one}], [{"id": 1, "v": other}, {"id": 1, "v": other}]
        assert reconcile(*pair, key="id", fields=[field]).matches is matches  # as duplicates


def test_an_absent_field_is_not_a_null_one_unless_told() -> None:
    left, right = [{"id": 1, "v": None}, {"id": 2, "v": 1}], [{"id": 1}, {"id": 2, "v": 1}]
    diff = reconcile(left, right, key="id")
    assert diff.by_field["v"].causes == {"absent": 1}
    assert next(diff.breaks()).fields["v"].right is UNSET
    assert reconcile(left, right, key="id", fields=[Field("v", null_is_empty=True)]).matches
    assert reconcile([{"id": 1, "v": UNSET}], [{"id": 1}], key="id", fields=[Field("v", null_is_empty=True)]).matches


def test_a_normalise_that_fails_makes_the_pair_invalid() -> None:
    left = [{"id": 1, "v": 5}, {"id": 2, "v": "A"}, {"id": 3, "v": 5}]
    right = [{"id": 1, "v": "5"}, {"id": 2, "v": "a"}, {"id": 3, "v": 5}]
    diff = reconcile(left, right, key="id", fields=[Field("v", normalise=str.casefold)])
    (found,) = diff.breaks()
    assert (found.key, found.kind) == (1, "invalid")
    assert found.reason.startswith("v: normalise= failed on a int: TypeError")
    doubled = reconcile(left[:1] * 2, right[:1] * 2, key="id", fields=[Field("v", normalise=str.casefold)])
    assert [each.kind for each in doubled.breaks()] == ["duplicate"]
