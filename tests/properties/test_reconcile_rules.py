"""Laws of the rules: sameness is an equivalence, options settle what they prepare, keys of values decide alone, and cells lose nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from integrakit.money import Money
from integrakit.reconciliation.rules.agreeing import Agreement
from integrakit.reconciliation.rules.causes import CAUSES, cause_of
from integrakit.reconciliation.rules.cells import cell_as, cell_like
from integrakit.reconciliation.rules.spec import Field
from integrakit.reconciliation.rules.values import canonical, category, same
from integrakit.unset import UNSET

quick = settings(suppress_health_check=[HealthCheck.too_slow])

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 10, 25, 2, 30)
#: Texts that look alike, times around a change of clocks, numbers that floats cannot tell apart: neighbours, so that some of them are the same.
NASTY: list[Any] = [
    *(
        None,
        UNSET,
        True,
        False,
        0,
        1,
        -0.0,
        1.0,
        Decimal("1.00"),
        Decimal("-0"),
        2**53,
        2**53 + 1,
        2.0**53,
        0.1,
        Decimal("0.1"),
        0.1 + 0.2,
        1e-300,
        5e-324,
    ),
    *(math.nan, Decimal("NaN"), Decimal("sNaN"), math.inf, -math.inf, Decimal("Infinity"), 10**400, Decimal("1E+400"), Decimal("1E+1000000")),
    *(
        "",
        " ",
        "a",
        "A",
        "a ",
        "\u00a0a",
        "a  b",
        "a b",
        "ab",
        "é",
        "e\u0301",
        "É",
        "e \u0301",
        "ß",
        "SS",
        "ẞ",
        "ﬁ",
        "FI",
        "İ",
        "i\u0307",
        "ΐ",
        "ᾳ\u0301",
    ),
    *(
        "α\u0301\u0345",
        "ΑΙ\u0301",
        "각",
        "ｶﾞ",
        "ガ",
        "42",
        "042",
        "1",
        "NULL",
        "\\N",
        "\x1f",
        "a\x1fb",
        "\0",
        "\ud800",
        "😀",
        "¨",
        "\u2160",
        "\u03d2\u0301",
    ),
    *(NIGHT, NIGHT.replace(fold=1), NIGHT.replace(tzinfo=BERLIN), NIGHT.replace(tzinfo=BERLIN, fold=1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    *(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25), datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    *(
        datetime.min,
        datetime.max,
        datetime.min.replace(tzinfo=timezone(timedelta(hours=9))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))),
    ),
    *(
        date(2026, 10, 25),
        time(2, 30),
        time(2, 30, tzinfo=UTC),
        timedelta(1),
        timedelta(hours=24),
        b"a",
        bytearray(b"a"),
        b"",
        UUID(int=1),
        str(UUID(int=1)),
    ),
    *(Money("1.00", "EUR"), Money("1", "EUR"), Money("1", "USD"), (1, 11), [1, 11], (11, 1), {1, 11}, frozenset({11, 1.0})),
]
scalars = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.sampled_from("aAeéßıİ\u0301\u0327\u0345 \u00a0\u200b\t\x1fﬁ각ᄀ\u1161\u11a8ΐᾳ\u03d2😀"), max_size=5),
    st.text(max_size=4),
    st.datetimes(timezones=st.sampled_from([None, UTC, BERLIN])),
    st.floats(),
    st.integers(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.lists(inner, max_size=2).map(tuple), st.dictionaries(st.sampled_from(["x", "y"]), inner)),
    max_leaves=4,
)
options = st.fixed_dictionaries(
    {},
    optional={
        "ignore_case": st.booleans(),
        "unicode": st.sampled_from([None, "NFC", "NFKC"]),
        "blanks": st.sampled_from([None, "trim", "collapse", "remove"]),
        "zone": st.sampled_from(
            [None, "UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", ("Europe/Berlin", None), (None, "Asia/Kathmandu")]
        ),
        "truncate": st.sampled_from([None, "us", "ms", "s", "min", "h", "day"]),
        "unordered": st.booleans(),
        "null_is_empty": st.booleans(),
    },
)


def everything(parts: Iterable[Any]) -> list[Any]:
    return [*parts, *([part] for part in parts), *({"x": part} for part in parts)]


def test_same_is_an_equivalence_over_all_nasty_values() -> None:
    """Reflexive, the same in both directions, and through a third: exactly what equal canonical values, with equal hashes, give."""
    nasty = everything(NASTY)
    forms = [canonical(value) for value in nasty]
    for (left, one), (right, other) in product(zip(nasty, forms, strict=True), repeat=2):
        assert same(left, right) == (one == other), (left, right)
        if one == other:
            assert hash(one) == hash(other)
    groups: dict[Any, list[int]] = {}
    for index, form in enumerate(forms):
        groups.setdefault(form, []).append(index)
    kinds = Counter(category(form) for form in groups)
    assert len(groups) < len(nasty)
    assert kinds["number"] > 5  # many of them met


@quick
@given(values, values, values)
def test_same_is_an_equivalence(one: Any, other: Any, third: Any) -> None:
    assert same(one, one)
    assert same(one, other) == same(other, one) == (canonical(one) == canonical(other))
    if same(one, other) and same(other, third):
        assert same(one, third)


@quick
@given(values, values)
def test_every_difference_has_a_cause_and_the_same_from_both_sides(left: Any, right: Any) -> None:
    assume(not same(left, right))
    assert cause_of(left, right) == cause_of(right, left)
    assert cause_of(left, right) in CAUSES


@quick
@given(values, options, st.sampled_from([0, 1]))
def test_what_is_prepared_once_is_prepared(value: Any, given_options: dict[str, Any], side: int) -> None:
    rule = Agreement(Field("v", **given_options))
    once = rule.prepare(value, side)
    assert same(rule.prepare(once, side), once)


@quick
@given(values, values, options)
def test_fields_without_a_tolerance_agree_exactly_when_their_keys_are_equal(left: Any, right: Any, given_options: dict[str, Any]) -> None:
    rule = Agreement(Field("v", **given_options))
    agree = rule.differ(left, right, ({}, {})) is None
    assert agree == (rule.key(left, 0) == rule.key(right, 1))
    if not rule.field.by_side and same(left, right):
        assert agree
    if not rule.field.by_side:
        assert agree == (rule.differ(right, left, ({}, {})) is None)


@quick
@given(values, options)
def test_lists_go_by_their_items(value: Any, given_options: dict[str, Any]) -> None:
    rule = Agreement(Field("v", **{**given_options, "null_is_empty": False, "unordered": False}))
    assert same(rule.prepare([value, [value]], 0), [rule.prepare(value, 0), [rule.prepare(value, 0)]])


written = st.one_of(
    st.integers(),
    st.decimals(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-9))])),
    st.times(),
    st.uuids(),
    st.text(max_size=5),
)


def as_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@quick
@given(written)
def test_what_is_written_in_full_into_a_cell_is_read_as_the_same(value: Any) -> None:
    assume(not (isinstance(value, Decimal) and value.is_snan()))
    cell = as_cell(value).replace("-Infinity", "-inf").replace("-NaN", "NaN")
    assert same(cell_like(cell, value), value)


@quick
@given(st.one_of(written, st.text(st.sampled_from("0123456789+-.,:TZeE _"), max_size=12)), written)
def test_a_cell_is_the_same_as_few_things(text: Any, value: Any) -> None:
    """What a cell is read as is written back as the cell, or as another strict writing of the very same value: never something that was lost."""
    cell = as_cell(text)
    read = cell_like(cell, value)
    if type(read) is not str and read is not None:
        assert same(cell_as(as_cell(read), category(canonical(read))), read) or category(canonical(read)) == "nan"
    if not isinstance(value, str) and same(read, value):
        assert category(canonical(read)) == category(canonical(value))
