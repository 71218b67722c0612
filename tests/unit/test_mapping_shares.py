"""Amounts shared out over the items of a list: the shares always add up, and what nobody can carry is an error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.money import Money
from integrakit.transform import Mapping
from integrakit.unset import UNSET

D = Decimal


def shares(record: Any, share: Any = None, **more: Any) -> list[Any]:
    """The shares of the lines, from both passes."""
    rule = {"share": "shipping", "by": "net", "scale": 2} if share is None else share
    mapping = Mapping({"fields": {"lines": {"each": "lines", "fields": {"s": rule}, **more}}})
    result = mapping._mapped(record)
    assert repr(mapping._carefully(record)) == repr(result)
    return [line.get("s", UNSET) for line in result["lines"]]


def bad(record: Any, share: Any = None, **more: Any) -> list[tuple[str, str, str]]:
    """(path, target, reason) of every error."""
    rule = {"share": "shipping", "by": "net", "scale": 2} if share is None else share
    mapping = Mapping({"fields": {"lines": {"each": "lines", "fields": {"s": rule}, **more}}})
    with pytest.raises(Exception):  # noqa: B017 - the code may raise anything, and must raise something
        mapping._mapped(record)
    with pytest.raises(MappingError) as caught:
        mapping(record)
    return [(error.path, error.target, error.reason) for error in caught.value.errors]


def nets(*values: Any, shipping: Any = "10.00") -> dict[str, Any]:
    return {"shipping": shipping, "lines": [{"net": value} for value in values]}


def test_shares_add_up() -> None:
    assert shares(nets(1, 1, 1)) == [D("3.34"), D("3.33"), D("3.33")]
    assert shares(nets(1, "2", D("0.5"), shipping=7)) == [D("2.00"), D("4.00"), D("1.00")]
    assert shares(nets(0, 3)) == [D("0.00"), D("10.00")]
    assert shares(nets(1, 2, shipping=D("-1.00"))) == [D("-0.33"), D("-0.67")]
    assert shares(nets(5)) == [D("10.00")]


def test_a_credit_note_is_shared_like_an_invoice() -> None:
    assert shares(nets(-1, -2, shipping=D("-1.00"))) == [D("-0.33"), D("-0.67")]
    assert shares(nets(-1, -3, 0)) == [D("2.50"), D("7.50"), D("0.00")]


def test_nothing_is_shared_by_anything() -> None:
    assert shares(nets(0, 0, shipping=0)) == [D("0.00"), D("0.00")]
    assert shares(nets(1, -1, shipping="0.00")) == [D("0.00"), D("0.00")]
    assert shares(nets(shipping=0)) == []


def test_without_by_all_get_the_same() -> None:
    assert shares(nets(0, 0, 0), {"share": "shipping", "scale": 2}) == [D("3.34"), D("3.33"), D("3.33")]


def test_the_amount_is_read_around_the_list() -> None:
    record = {"totals": {"shipping": 3, "tax": 1}, "lines": [{"net": 1, "totals": "not this"}, {"net": 2}]}
    assert shares(record, {"share": {"add": ["totals.shipping", "$.totals.tax"]}, "by": {"multiply": ["net", 2]}, "scale": 2}) == [
        D("1.33"),
        D("2.67"),
    ]
    fields = {"orders": {"each": "orders", "fields": {"lines": {"each": "lines", "fields": {"s": {"share": "ship", "by": "net", "scale": 2}}}}}}
    mapping = Mapping({"fields": fields})
    orders = {"orders": [{"ship": 1, "lines": [{"net": 1}, {"net": 1}]}, {"ship": 2, "lines": [{"net": 1}]}, {"ship": 0, "lines": []}]}
    wanted = {"orders": [{"lines": [{"s": D("0.50")}, {"s": D("0.50")}]}, {"lines": [{"s": D("2.00")}]}, {"lines": []}]}
    assert mapping._mapped(orders) == mapping._carefully(orders) == wanted


def test_a_share_is_an_operand() -> None:
    record = nets(D("10.00"), D("20.00"), shipping=D("1.00"))
    total = {"add": ["net", {"share": "shipping", "by": "net", "scale": 2}], "to": "str"}
    assert shares(record, total) == ["10.33", "20.67"]
    nested = Mapping({"fields": {"lines": {"each": "lines", "fields": {"o": {"fields": {"s": {"share": "shipping", "by": "net", "scale": 0}}}}}}})
    assert nested(record) == {"lines": [{"o": {"s": D(0)}}, {"o": {"s": D(1)}}]}


def test_only_the_items_that_count_carry() -> None:
    record = {"shipping": 1, "lines": [{"net": 5, "kind": "fee"}, {"net": 1, "kind": "item"}, {"net": 3, "kind": "item"}]}
    assert shares(record, where="kind == 'item'") == [D("0.25"), D("0.75")]
    assert shares(record, where="kind == 'item'", sort="net", descending=True) == [D("0.75"), D("0.25")]


def test_in_groups_and_flattened_lists() -> None:
    rows = [{"order": 1, "net": 1}, {"order": 2, "net": 3}, {"order": 1, "net": 2}]
    group = {
        "group": "rows",
        "by": "order",
        "fields": {"s": {"share": "total", "by": {"sum": "rows", "of": "net"}, "scale": 2}, "n": {"position": 1}},
    }
    assert Mapping({"fields": {"it": group}})({"total": 1, "rows": rows}) == {"it": [{"s": D("0.50"), "n": 1}, {"s": D("0.50"), "n": 2}]}
    flat = {"flatten": "o[].l", "as": ["o", "l"], "fields": {"s": {"share": "total", "by": "l.net", "scale": 2}}}
    mapping = Mapping({"fields": {"it": flat}})
    assert mapping({"total": 1, "o": [{"l": [{"net": 1}]}, {"l": [{"net": 3}]}]}) == {"it": [{"s": D("0.25")}, {"s": D("0.75")}]}
    with pytest.raises(MappingError) as caught:
        mapping({"total": 1, "o": [{"l": [{"net": 1}]}, {"l": [{"net": "x"}]}]})
    assert [error.path for error in caught.value.errors] == ["o[1].l[0].net"]


def test_money_is_shared_in_its_own_units() -> None:
    assert shares(nets(1, 2, shipping=Money("10", "JPY"))) == [Money("3", "JPY"), Money("7", "JPY")]
    assert shares(nets(Money("1", "EUR"), Money("2", "EUR"), shipping=Money("1.00", "EUR"))) == [Money("0.33", "EUR"), Money("0.67", "EUR")]


def test_floats_need_a_word() -> None:
    assert "float" in bad(nets(0.1, 0.2))[0][2]
    assert shares(nets(0.1, 0.2, shipping=0.3), {"share": "shipping", "by": "net", "scale": 2, "float": "shortest"}) == [D("0.10"), D("0.20")]


@pytest.mark.parametrize(
    ("record", "path", "words"),
    [
        (nets(), "lines", "the list is empty, and nothing would carry it"),
        (nets(0, 0), "shipping", "every weight is 0"),
        (nets(1, -1), "shipping", "some weights are above zero, and some below"),
        (nets(1, 2, shipping="1.005"), "shipping", "more than 2 digits after the point"),
        (nets(1, 2, shipping=None), "shipping", "null is not a number"),
        (nets(1, 2, shipping="x"), "shipping", "'x' is not a number"),
        (nets(1, None), "lines[1].net", "null is not a number"),
        (nets(1, "x"), "lines[1].net", "is not a number"),
        (nets(1, D("NaN")), "lines[1].net", "not a finite number"),
        ({"lines": [{"net": 1}]}, "shipping", "is missing"),
        ({"shipping": 1, "lines": [{"net": 1}, {}]}, "lines[1].net", "is missing"),
        (nets(1, D("1E+999999")), "shipping", "digits"),
        (nets(1, 2, shipping=D("1E+999999")), "shipping", "digits"),
        (nets(1, D("1E-999999")), "shipping", "digits"),
    ],
)
def test_what_cannot_be_shared_out(record: Any, path: str, words: str) -> None:
    found = bad(record)
    assert len(found) == 1
    assert found[0][0] == path
    assert words in found[0][2]


def test_an_amount_that_is_missing() -> None:
    record = {"lines": [{"net": 1}, {"net": 2}]}
    rule = {"share": "shipping", "by": "net", "scale": 2}
    assert shares(record, {**rule, "optional": True}) == [UNSET, UNSET]
    assert shares(record, {**rule, "default": 0}) == [0, 0]
    assert shares(record, {**rule, "share": {"from": "shipping", "default": 0}}) == [D("0.00"), D("0.00")]
    assert shares({"lines": []}, {**rule, "optional": True}) == []


def test_a_share_that_is_wrong_becomes_null_in_every_item() -> None:
    rule = {"share": "shipping", "by": "net", "scale": 2, "on_error": "null"}
    mapping = Mapping({"fields": {"lines": {"each": "lines", "fields": {"s": rule, "net": "net"}}}})
    assert mapping(nets(0, 0)) == {"lines": [{"s": None, "net": 0}, {"s": None, "net": 0}]}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"share": "x", "scale": 2}, "share belongs into the fields of a list"),
        ({"each": "l", "fields": {"s": {"share": "x"}}}, "share needs scale, the number of digits"),
        ({"each": "l", "fields": {"s": {"share": "x", "scale": 2, "when": "a == 1"}}}, "share takes no when"),
        ({"each": "l", "fields": {"s": {"share": "x", "scale": 2, "to": "str"}}}, "to has no meaning beside share"),
        ({"each": "l", "fields": {"s": {"share": "x", "scale": 2, "rounding": "up"}}}, "rounding has no meaning beside share"),
        ({"each": "l", "fields": {"s": {"share": 5, "scale": 2}}}, "a rule is a path"),
        ({"each": "l", "fields": {"s": {"share": "x", "by": [], "scale": 2}}}, "a rule is a path"),
        ({"each": "l", "fields": {"s": {"sum": "m", "of": {"share": "x", "scale": 2}}}}, "share belongs into the fields of a list"),
    ],
)
def test_mistakes(rule: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"it": rule}})
    assert words in str(caught.value)


def test_the_page_names_the_amount() -> None:
    mapping = Mapping({"fields": {"lines": {"each": "lines", "fields": {"s": {"share": "totals.shipping", "by": "net", "scale": 2}}}}})
    assert "| lines\\[\\].s | totals.shipping, lines\\[\\].net | its share of totals.shipping, by net, at 2 digits |" in mapping.document()
    assert mapping.coverage([{"totals": {"shipping": 0, "z": 1}, "lines": [{"net": 1}]}]).unused == {"totals.z": 1}
