"""Where parts of mappings meet: what random mappings and sums by hand have shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping


def both(rule: Any, record: Any, **options: Any) -> Any:
    """The value of a field, which both passes must agree on."""
    mapping = Mapping({"fields": {"it": rule}}, **options)
    found = mapping(record)["it"]
    assert repr(mapping._carefully(record)["it"]) == repr(found)
    return found


@pytest.mark.parametrize(
    ("value", "text"), [(1e-7, "0.0000001"), (1e16, "10000000000000000"), (1e22, "10000000000000000000000"), (3.0, "3.0"), (-2.5e-9, "-0.0000000025")]
)
def test_the_text_of_a_float_has_plain_digits_as_that_of_a_decimal(value: float, text: str) -> None:
    assert both({"from": "a", "to": "str", "float": "shortest"}, {"a": value}) == text
    assert both({"concat": ["a", {"value": "!"}], "float": "shortest"}, {"a": value}) == f"{text}!"
    assert both({"join": ["a"], "by": "", "float": "shortest"}, {"a": value}) == text


@pytest.mark.parametrize("text", ["2024-W05", "2024W05", " 2024-W05 ", "2024-W05T10:00", "2024W05T10:00:00"])
def test_a_week_has_no_day_of_its_own(text: str) -> None:
    mapping = Mapping(
        {
            "fields": {
                "day": {"from": "a", "to": "date"},
                "at": {"from": "a", "to": "datetime", "timezone": "UTC"},
                "rate": {"value": "DE", "to": "str"},
                "after": {"value": True, "when": "date(b) >= a"},
                "vat": {"from": "c", "lookup": "vat", "at": "a"},
            },
            "tables": {"vat": {"key": "k", "value": "v", "valid_from": "f", "rows": [{"k": "DE", "f": "2020-01-01", "v": 1}]}},
        }
    )
    with pytest.raises(MappingError) as caught:
        mapping({"a": text, "b": "2024-01-31", "c": "DE"})
    assert [error.target for error in caught.value.errors] == ["day", "at", "after", "vat"]
    assert "week without a day" in caught.value.errors[0].reason


def test_a_week_with_its_day_is_a_day() -> None:
    assert str(both({"from": "a", "to": "date"}, {"a": "2024-W05-3"})) == str(both({"from": "a", "to": "date"}, {"a": "2024W053"})) == "2024-01-31"
    assert both({"from": "a", "to": "datetime"}, {"a": "2024-W05-3T10:00Z"}).isoformat() == "2024-01-31T10:00:00+00:00"


@pytest.mark.parametrize(
    "rule",
    [
        {"each": "lines", "fields": {"n": {"position": 1}}},
        {"each": "lines", "fields": {"n": {"share": "$.num", "scale": 2}}},
        {"each": {"values": "lines"}, "fields": {"n": "$.num"}},
        {"values": "lines", "of": "$.num", "where": "$.num == 1"},
        {"sum": "lines", "of": {"value": 1}},
        {"residue": "lines", "of": {"value": 1}, "scale": 0},
        {"last": "lines", "of": "$.num"},
        {"group": "lines", "by": {"value": 1}, "fields": {"n": "$.num"}},
        {"from": "lines[0]", "fields": {"n": "$.num"}},
        {"flatten": ["lines", "$.lines"], "as": ["one", "other"], "fields": {"n": "$.num"}},
    ],
)
def test_a_list_of_which_only_the_number_counts_is_used(rule: Any) -> None:
    mapping = Mapping({"fields": {"it": rule}})
    report = mapping.coverage([{"lines": [{"a": 1}], "num": 1, "other": 2}])
    assert not report.failed
    assert "lines" not in report.unused
    assert "other" in report.unused
    row = next(line for line in mapping.document().splitlines() if line.startswith("| it"))
    assert "lines" in row


SHARE = {"share": "x", "scale": 2}


@pytest.mark.parametrize(
    "rule",
    [
        {"coalesce": ["p", SHARE]},
        {"cases": [{"when": "p == 1", "value": 0}, SHARE]},
        {"add": [SHARE, 1], "when": "p == 1", "optional": True},
        {"fields": {"inner": SHARE}, "when": "p == 1"},
        {"from": "p", "lookup": "t", "otherwise": SHARE},
    ],
)
def test_no_part_of_a_shared_amount_is_lost_to_a_condition(rule: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"the part of an item that gets another value would be lost"):
        Mapping({"fields": {"lines": {"each": "l", "fields": {"it": rule}}}, "lookups": {"t": {"1": 0}}})


@pytest.mark.parametrize("lenient", [{"optional": True}, {"default": 0}])
def test_no_part_is_lost_where_a_neighbour_is_missing(lenient: dict[str, Any]) -> None:
    rule = {"add": [SHARE, "p"], **lenient}
    with pytest.raises(ConfigurationError, match=r"the part of an item that gets another value would be lost"):
        Mapping({"fields": {"lines": {"each": "l", "fields": {"it": rule}}}})


def test_a_share_is_at_home_in_a_list_inside_a_condition() -> None:
    inner = {"each": "l", "when": "p == 1", "fields": {"s": SHARE}}
    assert both({"cases": [{**inner, "when": "p == 2"}, inner]}, {"p": 1, "x": 1, "l": [{}, {}]}) == [{"s": Decimal("0.50")}] * 2
    assert both({"fields": {"lines": {k: v for k, v in inner.items() if k != "when"}}, "when": "p == 1"}, {"p": 1, "x": 1, "l": [{}]}) == {
        "lines": [{"s": Decimal("1.00")}]
    }


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"fields": {"b": "b"}, "when": "x == 1"}, "it.b"),
        ({"from": "o", "fields": {"b": "b"}, "optional": True}, "it.b"),
        ({"each": "o", "fields": {"b": "b"}, "optional": True}, "it[].b"),
        ({"group": "o", "by": "k", "fields": {"b": "b"}}, "it[].b"),
        ({"flatten": "o", "fields": {"b": "b"}}, "it[].b"),
    ],
)
def test_a_difference_names_lists_as_lists_and_objects_as_objects(rule: Any, place: str) -> None:
    other = Mapping({"fields": {"it": {**rule, "fields": {"b": "c"}}}})
    assert [difference.place for difference in Mapping({"fields": {"it": rule}}).diff(other)] == [place]


@pytest.mark.parametrize("name", ["sum", "average", "min", "max", "residue"])
@pytest.mark.parametrize("value", [[1], "x", {"a": 1}, True])
def test_a_constant_that_cannot_be_summed_is_found_when_the_mapping_is_built(name: str, value: Any) -> None:
    more = {"scale": 2} if name == "residue" else {}
    with pytest.raises(ConfigurationError, match=rf"fields\.it\.of: cannot be an operand of {name}"):
        Mapping({"fields": {"it": {name: "l", "of": {"value": value}, **more}}})
    assert both({name: "l", "of": {"value": "2.5"}, **more}, {"l": [1]}) is not None


@pytest.mark.parametrize("record", [{}, {"a": None}, {"a": []}])
def test_a_default_of_null_is_null_for_all_that_is_built_on_it(record: Any) -> None:
    rule = {"first": "a", "default": None, "nullable": False} if record.get("a") is not None else {"from": "a", "default": None, "nullable": False}
    assert both(rule, record) is None
    assert both({"list": [rule], "skip": "null"}, record) == []
    assert both({"coalesce": [rule, {"value": 1}]}, record) == 1
    assert both({"cases": [rule]}, record) is None
    assert both({"split": rule, "by": ","}, record) is None
