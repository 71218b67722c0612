"""Where the generated code gives a result it is the careful pass's, to the digit, and ordinary records get theirs from it."""

from __future__ import annotations

import math
from collections import OrderedDict, UserDict, defaultdict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Context, Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.transform import Mapping
from integrakit.transform.careful import CarefulPass
from integrakit.unset import UNSET


class Text(str):
    __slots__ = ()


class Whole(int):
    def __mul__(self, other: Any) -> Any:
        return 7

    __rmul__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__


class Exact(Decimal):
    def __mul__(self, other: Any, /) -> Any:
        return Decimal(7)

    __rmul__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__


NUMBERS = st.one_of(
    st.integers(-(10**4), 10**4),
    st.decimals(-1000, 1000, places=2),
    st.sampled_from(["1.5", " 2 ", "1e3", "NaN", "1_0", "٣", "0" * 401]),
    st.sampled_from([True, False, None, UNSET, 1.5, math.nan, Whole(3), Exact("1.5"), Text("4.25"), 10**450, -(10**99)]),
    st.sampled_from([Decimal(text) for text in ("NaN", "sNaN", "Infinity", "0E+120", "0E-150", "-0.00", "1E+99", "1E-99", "1E+500", "1" * 90)]),
)
MOMENTS = st.sampled_from(
    [
        *("2024-03-31T01:30:00Z", "2024-03-31T02:30:00", "2024-10-27 02:30", "2024-01-31", " 2024-01-31", "20240131T10", "2024W01T10"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2024-01-31T10:00:00+02:00 ", "0000-00-00", "", "soon", 7, None, UNSET),
        *(
            date(2024, 1, 31),
            datetime(2024, 3, 31, 2, 30),
            datetime(2024, 6, 1, tzinfo=UTC),
            datetime(2024, 6, 1, tzinfo=timezone(timedelta(hours=14))),
        ),
        datetime(2024, 6, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    ]
)
WORDS: st.SearchStrategy[Any] = st.sampled_from(
    ["x", " X ", "yes", "", Text(" x "), Text("yes"), True, 0, 1, 2, Whole(1), None, UNSET, 1.0, Decimal(1), ["x"], {}]
)
ITEMS = st.fixed_dictionaries({"price": NUMBERS, "quantity": NUMBERS, "word": WORDS}, optional={"gift": WORDS})
WRAPPED = st.sampled_from([dict, dict, dict, OrderedDict, UserDict, lambda item: defaultdict(int, item), lambda item: list(item.items())])
RECORDS = st.fixed_dictionaries(
    {
        "number": NUMBERS,
        "other": NUMBERS,
        "moment": MOMENTS,
        "word": WORDS,
        "lines": st.lists(st.builds(lambda wrap, item: wrap(item), WRAPPED, ITEMS), max_size=3) | st.none(),
    },
    optional={"note": WORDS, "buyer": st.builds(lambda wrap, item: wrap(item), WRAPPED, ITEMS) | st.none() | st.just(UNSET)},
)

PRODUCT = {"multiply": ["price", "quantity", {"subtract": [1, "price"]}]}
LINE = {"word": "word", "price": {"from": "price", "to": "decimal", "scale": 2}, "gift": {"from": "gift", "default": False}}
RULES: list[Any] = [
    "word",
    {"from": "note", "optional": True},
    {"from": "note", "default": "none", "nullable": False},
    {"coalesce": ["note", "buyer.word", {"value": "nobody"}]},
    {"coalesce": ["buyer.word", "note"], "optional": True},
    {"concat": ["word", {"value": "-"}, "number"]},
    {"from": "word", "apply": ["strip", "upper"]},
    {"from": "word", "apply": ["strip", "same"], "lookup": "table", "otherwise": "keep"},
    {"from": "word", "lookup": "table"},
    {"from": "word", "lookup": "table", "otherwise": {"value": None}, "to": "str"},
    {"from": "note", "lookup": "table", "optional": True},
    *({"from": name, "to": to} for name in ("word", "number", "moment") for to in ("str", "int", "bool", "decimal", "date", "datetime")),
    *({"from": name, "to": to, "optional": True} for name in ("note", "buyer.price") for to in ("str", "int", "bool", "decimal")),
    {"from": "number", "to": "decimal", "scale": 1, "rounding": "half-up"},
    {"from": "number", "to": "decimal", "scale": 0, "rounding": "exact"},
    {"from": "moment", "to": "date", "timezone": "Europe/Berlin"},
    {"from": "moment", "to": "datetime", "timezone": "Europe/Berlin"},
    {"from": "moment", "to": "datetime", "timezone": "Europe/Berlin", "fold": "later", "optional": True},
    {"add": ["number", "other", 1]},
    {"subtract": ["number", {"multiply": ["other", "number"]}], "to": "decimal", "scale": 2},
    {"divide": ["number", "other"], "to": "decimal", "scale": 3},
    {"sum": "lines", "of": "price"},
    {"sum": "lines", "of": PRODUCT, "to": "decimal", "scale": 2},
    {"sum": "lines", "of": {"add": ["price", {"divide": ["quantity", 4]}]}},
    {"sum": "lines", "of": {"multiply": ["quantity", {"from": "price", "to": "decimal", "scale": 1}]}},
    {"sum": "lines", "of": {"from": "price", "apply": ["same"]}},
    {"sum": "lines", "of": {"from": "price", "default": 2}, "optional": True},
    {"count": "lines"},
    {"first": "lines", "of": "word", "optional": True},
    {"each": "lines", "fields": LINE},
    {"from": "buyer", "fields": LINE, "optional": True},
    {"fields": {"inner": "word", "note": {"from": "note", "optional": True}}},
]


def spelled(value: Any) -> Any:
    """With types, digits and order."""
    if type(value) is dict:
        return [(key, spelled(item)) for key, item in value.items()]
    if type(value) is list:
        return [spelled(item) for item in value]
    if isinstance(value, datetime):
        return datetime, value.isoformat(), value.fold, str(value.tzinfo)
    return (type(value), str.__str__(value)) if isinstance(value, str) else (type(value), repr(value))


def held_together(mapping: Mapping, record: Any) -> bool:
    """True where the generated code gave a result."""
    try:
        found = mapping._mapped(record)
    except Exception:  # noqa: BLE001 - it may raise anything: that is its way to leave a record to the other pass
        return False
    careful = CarefulPass()
    expected = careful.run(mapping._fields, record)
    assert not careful.errors, (record, mapping.source())
    assert spelled(found) == spelled(expected), (record, mapping.source())
    return True


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rules=st.lists(st.sampled_from(RULES), min_size=1, max_size=6), records=st.lists(RECORDS, min_size=2, max_size=6), precision=st.integers(1, 50)
)
def test_both_passes_agree(rules: list[Any], records: list[Any], precision: int) -> None:
    fields = {f"field {index}" if index % 2 else f"field_{index}": rule for index, rule in enumerate(rules)}
    lookups = {"table": {"x": "one", "X": None, "1": 5, "true": "yes"}}
    mapping = Mapping({"fields": fields, "lookups": lookups}, functions={"same": lambda value: value})
    with localcontext(Context(prec=precision)) as context:
        for record in records:
            held_together(mapping, record)
        assert context.prec == precision, "the caller's context is his own again"


def test_an_ordinary_record_takes_the_generated_code() -> None:
    line = {"price": Decimal("9.80"), "quantity": 3, "word": "x"}
    record = {"number": 7, "other": "0.25", "moment": "2024-01-31T23:30:00Z", "word": "x", "lines": [line, {**line, "price": "1.50"}], "buyer": line}
    left = [
        rule
        for rule in RULES
        if not held_together(Mapping({"fields": {"field": rule}, "lookups": {"table": {"x": 1}}}, functions={"same": lambda value: value}), record)
    ]
    # What is no number, bool or moment at all, and an instant without a place for its day.
    wrong = [("word", to) for to in ("int", "bool", "decimal", "date", "datetime")] + [("number", "bool"), ("number", "date"), ("number", "datetime")]
    wrong += [("moment", to) for to in ("int", "bool", "decimal", "date")] + [("buyer.price", "int"), ("buyer.price", "bool")]
    assert sorted((rule["from"], rule["to"]) for rule in left) == sorted(wrong)
