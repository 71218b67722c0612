"""The engine pushdown against the engine dict, on tables that try to be hard: the same counts, causes, totals and breaks in the same order."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus.answers import told

import integrakit as ik
from integrakit.errors import ConfigurationError
from integrakit.reconciliation import reconcile

pa = pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "integrakit[arrow]"')
pytest.importorskip("duckdb", reason='needs DuckDB: pip install "integrakit[duckdb]"')

TEXTS = st.sampled_from(["", " ", "a", "A", "a ", "\u00e9", "e\u0301", "42", "042", "\U0001f600", "\uffff", "null", "NaN", "ß", "SS"])
DECIMALS = st.decimals(-1000, 1000, places=2)
MOMENTS = st.datetimes(datetime(1969, 12, 31), datetime(2030, 1, 1))
FLOATS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e300, -1e-300, math.nan, math.inf, 2.0**53]), st.floats(-100, 100, width=32).map(lambda x: round(x, 2))
)
#: Type of Arrow → its values.
KINDS: dict[str, tuple[Any, Any]] = {
    "int64": (pa.int64(), st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1, -(2**63)])),
    "int32": (pa.int32(), st.integers(-3, 3)),
    "uint64": (pa.uint64(), st.integers(0, 3) | st.just(2**64 - 1)),
    "decimal": (pa.decimal128(12, 2), DECIMALS),
    "wide decimal": (pa.decimal128(38, 4), DECIMALS),
    "double": (pa.float64(), FLOATS),
    "float": (pa.float32(), st.floats(width=32)),
    "text": (pa.string(), TEXTS),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), TEXTS),
    "bytes": (pa.binary(), st.binary(max_size=2)),
    "bool": (pa.bool_(), st.booleans()),
    "date": (pa.date32(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    "naive": (pa.timestamp("us"), MOMENTS),
    "naive ms": (pa.timestamp("ms"), MOMENTS.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))),
    "instant": (pa.timestamp("us", "UTC"), MOMENTS.map(lambda at: at.replace(tzinfo=UTC))),
    "elsewhere": (pa.timestamp("ms", "Europe/Berlin"), MOMENTS.map(lambda at: at.replace(microsecond=0, tzinfo=UTC))),
    "time": (pa.time64("us"), st.times(time(0), time(23, 59))),
    "list": (pa.list_(pa.int32()), st.lists(st.none() | st.integers(0, 2), max_size=2)),
}
#: Pairs of types whose values may be the same.
ACROSS = [("int64", "decimal"), ("int32", "uint64"), ("double", "decimal"), ("double", "int64"), ("float", "double"), ("naive", "naive ms")]
ACROSS += [
    ("instant", "elsewhere"),
    ("text", "dictionary"),
    ("wide decimal", "decimal"),
    ("wide decimal", "int64"),
    ("bool", "int32"),
    ("instant", "naive"),
]
PAIRS = st.sampled_from([(name, name) for name in KINDS] + ACROSS)
KEYS = st.sampled_from(
    [("int64", "int64"), ("int64", "decimal"), ("text", "text"), ("date", "date"), ("double", "double"), ("bytes", "bytes"), ("bool", "bool")]
)


#: What DuckDB may say no to.
REASONS = ("which is the key", "no equality in SQL", "is not a number (NaN)", "may not come back as it was")


def same_on_both(left: Any, right: Any, **options: Any) -> None:
    """Both engines say the same; DuckDB may say no to what it cannot do, and never gives another answer."""
    expected = told(reconcile(left, right, engine="dict", **options))
    found = joined(left, right, **options)
    assert found is None or told(found) == expected


def joined(left: Any, right: Any, **options: Any) -> Any:
    """None where DuckDB says no for one of the known reasons."""
    try:
        return reconcile(left, right, engine="pushdown", **options)
    except ConfigurationError as problem:
        if any(words in str(problem) for words in REASONS):
            return None
        raise


@st.composite
def tables(draw: Any) -> tuple[Any, Any]:
    """Two tables that have much in common."""
    keys = draw(KEYS)
    pairs = draw(st.lists(PAIRS, min_size=1, max_size=3))
    rows = draw(st.lists(st.integers(0, 5), max_size=8))
    sides = []
    for side in (0, 1):
        columns = [keys[side], *(pair[side] for pair in pairs)]
        pools = [draw(st.lists(st.none() | KINDS[name][1], min_size=2, max_size=4)) for name in columns]
        sides.append((columns, pools))
    tables = []
    for side, (columns, _) in enumerate(sides):
        arrays = []
        for place, name in enumerate(columns):
            kind = KINDS[name][0]
            # Of the pool of the other side where its values fit: most of what is compared is then the same.
            values = []
            for row in rows:
                pool = sides[0 if draw(st.integers(0, 3)) else side][1][place]
                value = pool[row % len(pool)]
                try:
                    pa.array([value], kind if not pa.types.is_dictionary(kind) else pa.string())
                    if pa.types.is_floating(kind) and not isinstance(value, float | None):
                        value = float(value)
                except (pa.ArrowException, TypeError, ValueError, OverflowError):
                    value = None
                values.append(value)
            plain = pa.array(values, kind.value_type if pa.types.is_dictionary(kind) else kind)
            arrays.append(plain.cast(kind) if pa.types.is_dictionary(kind) else plain)
        tables.append(pa.table(arrays, names=["id", *(f"f{place}" for place in range(1, len(columns)))]))
    return tables[0], tables[1]


OPTIONS = st.sampled_from(
    [{}, {}, {"within": "0.5"}, {"within": "10%"}, {"null_is_empty": True}, {"truncate": "s"}, {"truncate": "ms"}, {"ignore_case": True}]
)


@given(tables(), st.lists(OPTIONS, min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_frames_give_the_same_answer(pair: tuple[Any, Any], options: list[dict[str, Any]]) -> None:
    left, right = pair
    names = [name for name in left.column_names if name != "id"]
    fields = [ik.Field(name, **more) for name, more in zip(names, options, strict=False)]
    same_on_both(left, right, key="id", fields=fields)


@given(tables())
@settings(max_examples=12, deadline=None)
def test_composite_keys_give_the_same_answer(pair: tuple[Any, Any]) -> None:
    same_on_both(*pair, key=["id", "f1"])
