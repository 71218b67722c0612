"""``jmespath``: what it finds, that it is exact, and what it refuses."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping
from integrakit.unset import UNSET

RECORD = {
    "lines": [
        {"sku": "A", "price": Decimal("9.8"), "count": 2},
        {"sku": "B", "price": 9.8, "count": 1},
        {"sku": "C", "price": Decimal("12.5"), "count": None},
    ],
    "pair": ("x", "y"),
    "unset": UNSET,
    "day": dt.date(2024, 1, 2),
    "text": "12.50",
    "odd": MappingProxyType({"k": 1}),
    "nets": [Decimal("0.1"), Decimal("0.2"), 1],
}


def mapped(query: str, record: Any = RECORD, **options: Any) -> Any:
    """The field ``f`` of the result, or UNSET; both passes must say the same."""
    mapping = Mapping({"fields": {"f": {"jmespath": query, **options}}})
    result = mapping(record)
    assert mapping._carefully(record) == result
    return result.get("f", UNSET)


def refused(query: str, record: Any = RECORD, **options: Any) -> str:
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"f": {"jmespath": query, **options}}})(record)
    return str(caught.value.errors[0])


def mistake(rule: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"f": rule}})
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lines[?price > `10`].sku | [0]", "C"),
        ("lines[?price == `9.8`].sku", ["A", "B"]),
        ("lines[?price > `9.8`].sku", ["C"]),
        ("lines[?price != `9.8`].sku", ["C"]),
        ("lines[?sku == 'A' || count == `1`].sku", ["A", "B"]),
        ("lines[?count].sku", ["A", "B"]),
        ("lines[*].{s: sku, n: count}[0]", {"s": "A", "n": 2}),
        ("lines[::-1].sku", ["C", "B", "A"]),
        ("sum(nets)", Decimal("1.3")),
        ("avg(nets[:2])", Decimal("0.15")),
        ("max(lines[].price)", Decimal("12.5")),
        ("min(nets)", Decimal("0.1")),
        ("max_by(lines, &price).sku", "C"),
        ("sort_by(lines, &price)[-1].sku", "C"),
        ("sort(nets)[0]", Decimal("0.1")),
        ("map(&sku, lines)", ["A", "B", "C"]),
        ("length(lines)", 3),
        ("join(', ', lines[].sku)", "A, B, C"),
        ("contains(lines[].price, `12.50`)", True),
        ("contains(text, '.5')", True),
        ("to_number(text)", Decimal("12.50")),
        ("to_number('5')", 5),
        ("to_string(nets[0])", "0.1"),
        ("to_string(day)", "2024-01-02"),
        ("abs(nets[0])", Decimal("0.1")),
        ("ceil(nets[0])", 1),
        ("floor(lines[2].price)", 12),
        ("type(nets[0])", "number"),
        ("day > '2024-01-01'", True),
        ("day == '2024-01-02'", True),
        ("pair[0]", "x"),
        ("pair", ["x", "y"]),
        ("odd.k", 1),
        ("keys(odd)", ["k"]),
        ("values(odd)", [1]),
        ("not_null(unset, text)", "12.50"),
        ("merge(odd, lines[0]).sku", "A"),
        ("gone || text", "12.50"),
        ("!gone", True),
        ("`1.10`", Decimal("1.1")),
        ("`[1, 2.5]`", [1, Decimal("2.5")]),
        ("[text, gone]", ["12.50", None]),
        ("nets[0] == `true`", False),
        ("[nets[0]] == `[0.1]`", True),
        ('{a: nets[0]} == `{"a": 0.1}`', True),
        ("text.gone.more || 'none'", "none"),
        ("lines[?sku > `1`]", []),
    ],
)
def test_finds(query: str, found: Any) -> None:
    result = mapped(query)
    assert result == found
    assert type(result) is type(found)


def test_null_and_nothing_are_missing() -> None:
    for query in ("gone", "lines[2].count", "unset", "lines[9].sku", "to_number('x')", "max(gone || `[]`)"):
        assert mapped(query, optional=True) is UNSET
        assert mapped(query, default=7) == 7
        assert "finds nothing, or null" in refused(query)
    assert refused("text.gone") == "f: 'text.gone' finds nothing, or null (from 'text.gone', missing)"


def test_floats_are_added_up_by_their_shortest_text_only_where_the_rule_says_so() -> None:
    assert "9.8 is a float and would be taken inexactly" in refused("sum(lines[].price)")
    assert mapped("sum(lines[].price)", float="shortest") == Decimal("32.1")


def test_steps_follow() -> None:
    assert mapped("lines[0].price", to="decimal", scale=0) == 10
    assert mapped("lines[0].sku", apply=["lower"]) == "a"


def test_in_a_list_it_starts_at_the_item() -> None:
    each = {"each": "lines", "fields": {"twice": {"jmespath": "join('-', [sku, sku])"}}}
    mapping = Mapping({"fields": {"f": each, "s": {"sum": "lines", "of": {"jmespath": "n"}}}})
    assert mapping({"lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]}) == {"f": [{"twice": "A-A"}, {"twice": "B-B"}], "s": 3}
    with pytest.raises(MappingError) as caught:
        mapping({"lines": [{"sku": 5, "n": 1}]})
    assert str(caught.value.errors[0]) == "f[0].twice: join() takes array-string, not an int (from 'lines[0].sku', int)"


@pytest.mark.parametrize(
    ("query", "record", "reason"),
    [
        ("sum(text)", RECORD, "f: sum() takes array-number, not a str (from 'text', str)"),
        ("max_by(lines, &count).sku", RECORD, "max_by() takes number or string, not null"),
        ("sum(a)", {"a": [Decimal("NaN")]}, "NaN is not a finite number"),
        ("a > `1`", {"a": float("nan")}, "nan is not a finite number"),
        ("sum(a)", {"a": [Decimal("1e999999"), 1]}, "a number of too many digits"),
        ("ceil(a)", {"a": Decimal("1e999999")}, "a number of too many digits"),
        ("to_string(@)", {"a": 1}, "has no one text"),
        ("a[?b > `1`]", 5, "an int stands where an object is wanted"),
    ],
)
def test_what_it_cannot_work_on_is_an_error_of_the_field(query: str, record: Any, reason: str) -> None:
    assert reason in refused(query, record)


def test_a_record_of_any_depth() -> None:
    def deep() -> dict[str, Any]:
        inner: dict[str, Any] = {}
        for _ in range(10_000):
            inner = {"a": inner}
        return inner

    assert "is nested too deeply" in refused("a == b", {"a": deep(), "b": deep()})
    assert mapped("length(a.a.a)", {"a": deep()}) == 1


def test_objects_of_other_classes_are_never_asked() -> None:
    class Odd:
        def get(self, name: str) -> Any:
            raise AssertionError("asked")

        def values(self) -> Any:
            raise AssertionError("asked")

    assert mapped("odd.x", {"odd": Odd()}, optional=True) is UNSET
    assert mapped("odd.*", {"odd": Odd()}, optional=True) is UNSET


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("lines[?price > 10]", "is not a JMESPath expression: at character 16: 10 is not expected here"),
        ("a[", "at character 3: it ends too early"),
        ("a.b.", "at character 5: it ends too early"),
        ("a ~ b", "at character 3: Unknown token ~"),
        ("a = b", "at character 3: "),
        ("", "cannot be empty"),
        ("&a", "& stands only before an input of a function"),
        ("[&a]", "& stands only before an input of a function"),
        ("fooor(a)", "there is no function fooor(): did you mean 'floor'?"),
        ("sum(a, b)", "sum() takes 1 input, not 2"),
        ("merge()", "merge() takes at least 1 input, not 0"),
        ("[" * 3000, "it is nested too deeply"),
        ("a" * 10_001, "it has more than 10000 characters"),
    ],
)
def test_mistakes(query: str, reason: str) -> None:
    message = mistake({"jmespath": query})
    assert reason in message
    assert message.startswith("Mapping({…}): fields.f.jmespath: ")


def test_it_is_a_text_and_a_rule_like_others() -> None:
    assert "is an expression, as text, not 5" in mistake({"jmespath": 5})
    assert "exclude each other" in mistake({"jmespath": "a", "from": "a"})


@pytest.mark.parametrize(
    ("query", "origins"),
    [
        ("a.b", "a.b"),
        ("lines[?price > `10`].sku | [0]", "lines[].price, lines[].sku"),
        ("orders[].lines[].sku", "orders[].lines[].sku"),
        ("sort_by(lines, &rank)[0].sku", "lines[].rank, lines[].sku"),
        ("max_by(lines, &rank).sku", "lines[].rank, lines[].sku"),
        ("map(&sku, lines)", "lines[].sku"),
        ("length(lines)", "lines"),
        ("lines[*].{s: sku, n: a.b}", "lines[].sku, lines[].a.b"),
        ("a || b.c", "a, b.c"),
        ("things.*.name", "things"),
        ("lines[].price | sum(@)", "lines[].price"),
        ("lines[:2].sku", "lines[].sku"),
        ("not_null(a, b).c", "a.c, b.c"),
        ("[a, b][0]", "a, b"),
        ("@", "."),
        ("`5`", "–"),
    ],
)
def test_what_it_reads(query: str, origins: str) -> None:
    rows = Mapping({"fields": {"f": {"jmespath": query}}}).document().replace("\\", "").splitlines()
    assert any(row.startswith(f"| f | {origins} | jmespath(") for row in rows), rows[6]


def test_what_it_reads_is_used() -> None:
    mapping = Mapping({"fields": {"f": {"jmespath": "lines[?price > `1`].sku"}, "n": {"jmespath": "length(tags)"}}})
    record = {"lines": [{"sku": 1, "price": 2, "x": 3}], "tags": ["t"], "y": 1}
    assert mapping.coverage([record]).unused == {"lines[].x": 1, "tags[]": 1, "y": 1}


def test_literals_of_two_records_are_two() -> None:
    mapping = Mapping({"fields": {"f": {"jmespath": "`[1]`"}}})
    one, other = mapping({}), mapping({})
    one["f"].append(2)
    assert other == {"f": [1]}


def test_without_the_library_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "jmespath"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jmespath", None)
    monkeypatch.delitem(sys.modules, "integrakit.transform.jmespath_queries", raising=False)
    assert 'pip install "integrakit[jmespath]"' in mistake({"jmespath": "a"})
    assert Mapping({"fields": {"f": "a"}})({"a": 1}) == {"f": 1}
