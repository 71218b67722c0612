"""Shapes of records: what is learned, which differences are news, and how much each of them matters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError
from integrakit.transform import shapes
from integrakit.transform.shapes import Shape

ORDER = {"id": 1, "email": "a@b", "total": Decimal("1.5"), "paid": True, "customer": {"id": 7, "name": None}, "lines": [{"sku": "A"}, {"sku": "B"}]}


def many(record: Any, count: int = 50) -> list[Any]:
    return [record] * count


def news(before: list[Any], now: list[Any]) -> list[tuple[str, str, str]]:
    return [(change.path, change.kind, change.severity) for change in Shape.of(now).changes("orders", Shape.of(before))]


def test_what_is_learned() -> None:
    shape = Shape.of(many(ORDER, 3))
    assert shape.records == 3
    assert {path: (field.present, dict(field.types)) for path, field in shape.fields.items()} == {
        "id": (3, {"integer": 3}),
        "email": (3, {"text": 3}),
        "total": (3, {"number": 3}),
        "paid": (3, {"boolean": 3}),
        "customer": (3, {"object": 3}),
        "customer.id": (3, {"integer": 3}),
        "customer.name": (3, {"null": 3}),
        "lines": (3, {"list": 3}),
        "lines[]": (6, {"object": 6}),
        "lines[].sku": (6, {"text": 6}),
    }


@pytest.mark.parametrize(
    ("value", "name"),
    [(datetime(2026, 1, 1, tzinfo=UTC), "time"), (date(2026, 1, 1), "date"), (b"x", "binary"), (1.5, "number"), ((1,), "list"), (1j, "complex")],
)
def test_types_of_python(value: Any, name: str) -> None:
    assert list(Shape.of([{"a": value}]).fields["a"].types) == [name]


def test_attrs_instances_too() -> None:
    @attrs.define
    class Order:
        id: int
        lines: list[dict[str, str]]

    assert set(Shape.of([Order(1, [{"sku": "A"}])]).fields) == {"id", "lines", "lines[]", "lines[].sku"}


def test_the_same_again_is_no_news() -> None:
    assert news(many(ORDER), many(ORDER)) == []
    assert news([], many(ORDER)) == []
    assert news(many(ORDER), []) == []


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({**ORDER, "note": "x"}, [("note", "new", "info")]),
        ({**ORDER, "customer": {"id": 7, "name": None, "vip": True}}, [("customer.vip", "new", "info")]),
        ({**ORDER, "lines": [{"sku": "A", "price": 1}]}, [("lines[].price", "new", "info")]),
        ({**ORDER, "extra": {"a": 1, "b": {"c": 2}}}, [("extra", "new", "info")]),  # one word about a whole object
        ({**ORDER, "id": "1"}, [("id", "retyped", "error")]),
        ({**ORDER, "id": 1.5}, [("id", "retyped", "warning")]),
        ({**ORDER, "total": 1}, [("total", "retyped", "info")]),
        ({**ORDER, "customer": 7}, [("customer", "retyped", "error")]),
        ({**ORDER, "lines": [1]}, [("lines[]", "retyped", "error")]),
        ({**ORDER, "email": None}, [("email", "nullable", "warning")]),
        ({**ORDER, "customer": {"id": 7, "name": "Ada"}}, []),  # it was only ever null: a value was to be expected
        ({**ORDER, "lines": []}, []),
        ({name: value for name, value in ORDER.items() if name != "email"}, [("email", "missing", "error")]),
        ({**ORDER, "customer": {"id": 7}}, [("customer.name", "missing", "error")]),
    ],
)
def test_what_is_news(now: dict[str, Any], said: list[Any]) -> None:
    assert news(many(ORDER), many(now)) == said


def test_a_field_that_always_came_and_is_absent_from_one_record() -> None:
    short = {"id": 1}
    assert news(many({"id": 1, "email": "x"}), [*many({"id": 1, "email": "x"}), short]) == [("email", "optional", "warning")]


def test_what_too_few_records_show_is_not_said() -> None:
    assert news(many({"id": 1, "email": "x"}, 5), many({"id": 1}, 5)) == []
    assert news(many({"id": 1, "email": "x"}), many({"id": 1}, 5)) == []
    rare = [*many({"id": 1}, 90), *many({"id": 1, "gift": True}, 10)]
    assert news(rare, many({"id": 1}, 100)) == []
    assert news(rare, many({"id": 1}, 1000)) == [("gift", "missing", "warning")]


def test_what_was_said_is_not_said_again_until_it_comes_back() -> None:
    known, without, with_it = Shape.of(many({"id": 1, "email": "x"})), many({"id": 1}), many({"id": 1, "email": "x"})
    said = []
    for records in (without, without, with_it, without):
        now = Shape.of(records)
        said.append([change.kind for change in now.changes("orders", known)])
        known.merge(now)
        known = Shape.from_dict(known.to_dict())
    # Once it was absent it is known to be a field that may be: its second absence is less of a surprise.
    assert said == [["missing"], [], [], ["missing"]]


def test_names_with_dots_are_names() -> None:
    shape = Shape.of([{"@odata.etag": 1, "a": {"b.c": {"d": 1}}, "ids[]": [1]}])
    assert set(shape.fields) == {"`@odata.etag`", "a", "a.`b.c`", "a.`b.c`.d", "`ids[]`", "`ids[]`[]"}
    assert news(many({"@odata.etag": 1}), many({"id": 1})) == [("id", "new", "info"), ("`@odata.etag`", "missing", "error")]


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MOST_PATHS", 10)
    shape = Shape.of([{f"key {number}": number} for number in range(50)])
    assert (len(shape.fields), shape.overflown) == (10, True)
    assert shape.changes("orders", Shape.of(many({"id": 1}))) != []
    assert news(many({"id": 1, "email": "x"}), [{f"key {number}": number} for number in range(50)]) != []  # new ones are said, missing ones are not
    shape.merge(Shape.of([{"other": 1}]))
    assert len(shape.fields) == 10


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(10_000):
        deep = {"a": deep}
    assert len(Shape.of([{"deep": deep}]).fields) == shapes.DEEPEST + 1


def test_strange_records_are_counted_and_nothing_more() -> None:
    shape = Shape.of([1, None, "x", {3: 4}])
    assert (shape.records, set(shape.fields)) == (4, {"3"})


@pytest.mark.parametrize("wrong", [{}, {"v": 2}, {"v": 1, "records": 1, "fields": [], "gone": [], "overflown": False}, {"v": 1, "records": "x"}])
def test_what_is_no_shape(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="no shape of records"):
        Shape.from_dict(wrong)


RECORDS = st.lists(
    st.dictionaries(
        st.sampled_from("abc"),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=2),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("de"), inner, max_size=2),
            max_leaves=6,
        ),
        max_size=3,
    ),
    max_size=12,
)


@given(RECORDS, RECORDS)
def test_learning_in_parts_is_learning_at_once(one: list[Any], other: list[Any]) -> None:
    parts = Shape.of(one)
    parts.learn(other)
    merged = Shape.of(one)
    merged.merge(Shape.of(other))
    whole = Shape.of(one + other)
    assert parts.to_dict() == whole.to_dict()
    assert merged.fields == whole.fields
    assert merged.records == whole.records


@given(RECORDS)
def test_kept_and_read_again_it_is_the_same(records: list[Any]) -> None:
    shape = Shape.of(records)
    assert Shape.from_dict(shape.to_dict()) == shape
    assert shape.changes("orders", shape) == []


def test_words() -> None:
    (change,) = Shape.of(many({"id": "1"})).changes("orders", Shape.of(many({"id": 1})))
    assert str(change) == "orders: field id was integer, and is text now"
    (change,) = Shape.of(many({})).changes("orders", Shape.of(many({"id": 1})))
    assert str(change) == "orders: field id (integer) is gone: none of 50 records has it"
