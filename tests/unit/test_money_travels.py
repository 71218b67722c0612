"""Money on its way: JSON, stores, attrs classes, reconciliation, tables and files."""

from __future__ import annotations

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

import integrakit as ik
from integrakit._convert import structure
from integrakit._json import canonical, dumps, loads, pack, unpack
from integrakit.errors import DecodeError
from integrakit.files.append import Unfit as UnfitCell
from integrakit.files.cells import to_cell
from integrakit.money import Currency, Money
from integrakit.reconciliation.reports.showing import show
from integrakit.reconciliation.rules.causes import cause_of
from integrakit.sql.values import Unfit, encode

POINTS = Currency("POINTS", digits=0)


@attrs.frozen
class Invoice:
    total: Money
    tip: Money | None = None
    lines: list[Money] = attrs.Factory(list)


def test_it_is_the_name_at_the_top():
    assert ik.Money is Money


def test_on_the_wire_it_is_an_object_of_two_texts():
    body = {"a": Money("12.3", "EUR"), "b": [Money(5, POINTS)], "c": Invoice(Money("0.00000001", "EUR"))}
    assert loads(dumps(body)) == {
        "a": {"amount": "12.30", "currency": "EUR"},
        "b": [{"amount": "5", "currency": "POINTS"}],
        "c": {"total": {"amount": "0.00000001", "currency": "EUR"}, "tip": None, "lines": []},
    }


@pytest.mark.parametrize(
    "money",
    [Money("12.3", "EUR"), Money("-0.00450", "EUR"), Money(5, POINTS), Money(1, "XAU"), Money(1, Currency("DEM", digits=2)), Money("1E+150", "JPY")],
    ids=str,
)
def test_from_a_store_it_comes_back(money):
    kept: Any = {"total": money, "deep": [(money, None)], money: "as a key"}
    back = unpack(pack(kept))
    assert back == kept
    assert type(back["total"]) is Money
    assert repr(back["total"]) == repr(money)
    assert back["total"] + money == money * 2


def test_equal_amounts_have_one_fingerprint():
    assert canonical([Money("1.1", "EUR")]) == canonical([Money("1.100", "EUR")])
    assert canonical(Money(1, "EUR")) != canonical(Money(1, "USD"))
    assert canonical(Money(1, "EUR")) != canonical({"amount": "1.00", "currency": "EUR"})


def test_what_was_stored_is_read_whatever_the_list_of_currencies_says_today():
    for digits, written in ((3, "1.250 EUR"), (0, "1.25 EUR"), (None, "1.25 EUR")):
        assert str(unpack(b'{"$":"money","v":["1.25","EUR",' + json.dumps(digits).encode() + b"]}")) == written
    assert str(unpack(b'{"$":"money","v":["1.25","GONE",2]}')) == "1.25 GONE"


def test_a_dict_that_looks_like_stored_money_is_a_dict():
    lookalike = {"$": "money", "v": ["1.00", "EUR", 2]}
    assert unpack(pack(lookalike)) == lookalike


def test_a_class_takes_the_object_or_money():
    made = structure(
        {"total": {"amount": "12.3", "currency": "EUR", "formatted": "€12.30"}, "tip": None, "lines": [Money(1, "JPY")]}, Invoice, "record 1"
    )
    assert made == Invoice(Money("12.30", "EUR"), None, [Money(1, "JPY")])
    assert structure({"total": {"amount": 12, "currency": "EUR"}}, Invoice, "record 1").total == Money(12, "EUR")
    assert structure({"total": {"amount": Decimal("0.5"), "currency": "EUR"}}, Invoice, "record 1").total == Money("0.5", "EUR")
    assert structure(loads(dumps(Invoice(Money(1, "EUR")))), Invoice, "record 1") == Invoice(Money(1, "EUR"))


@pytest.mark.parametrize(
    ("record", "path", "words"),
    [
        ({"total": {"amount": 12.3, "currency": "EUR"}}, "total", "decode JSON with decimals=True"),
        ({"total": {"amount": "12.3"}}, "total", 'dict where an object {"amount": "12.30", "currency": "EUR"} was agreed'),
        ({"total": "12.30"}, "total", "str where an object"),
        ({"total": 12}, "total", "int where an object"),
        ({"total": None}, "total", "NoneType where an object"),
        ({"total": {"amount": None, "currency": "EUR"}}, "total", "not None"),
        ({"total": {"amount": "1", "currency": "DEM"}}, "total", "withdrawn"),
        ({"total": {"amount": "1", "currency": ["EUR"]}}, "total", "not a list"),
        ({"total": Money(1, "EUR"), "tip": {"amount": "x", "currency": "EUR"}}, "tip", "not 'x'"),
        ({"total": Money(1, "EUR"), "lines": [Money(1, "EUR"), {}]}, "lines[1]", "dict where"),
    ],
)
def test_what_is_no_money_is_named_with_its_path(record, path, words):
    with pytest.raises(DecodeError) as caught:
        structure(record, Invoice, "record 1")
    assert caught.value.path == path
    assert words in str(caught.value)


def pairs(*values: tuple[Any, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return [{"id": n, "t": left} for n, (left, _) in enumerate(values)], [{"id": n, "t": right} for n, (_, right) in enumerate(values)]


def test_reconciliation_compares_it_by_value():
    one = Money(1, "EUR")
    left, right = pairs((one, Money("1.0", "EUR")), (one, Money(1, "USD")), (one, 1), (one, {"amount": "1.00", "currency": "EUR"}), ([one], [one]))
    found = ik.reconcile(left, right, key="id")
    assert {each.key: each.fields["t"].cause for each in found.breaks()} == {1: "currency", 2: "type", 3: "type"}
    # What is a unit of the right size for one side and not for the other is the same money.
    assert ik.reconcile(*pairs((Money(1, POINTS), Money(1, Currency("POINTS", digits=2)))), key="id").matches


def test_a_tolerance_holds_within_a_currency():
    left, right = pairs((Money(1, "EUR"), Money("1.01", "EUR")), (Money(1, "EUR"), Money("1.02", "EUR")), (Money(1, "EUR"), Money("1", "USD")))
    found = ik.reconcile(left, right, key="id", fields=[ik.Field("t", within=Decimal("0.01"))])
    assert [each.key for each in found.breaks()] == [1, 2]


def test_reports_show_it():
    found = ik.reconcile(*pairs((Money(1, "EUR"), Money("1.5", "EUR"))), key="id")
    assert "1.00 EUR / 1.50 EUR" in str(found)
    assert '"left":{"amount":"1.00","currency":"EUR"}' in found.to_json()
    assert show([Money(1, "EUR")]) == "[1.00 EUR]"


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [("1", "-1", "sign"), ("1", "100", "×100"), ("1.005", "1.00", "scale"), ("1.509", "1.00", "truncation"), ("1", "2", "value")],
)
def test_the_cause_of_a_difference_is_that_of_the_amounts(left, right, cause):
    assert cause_of(Money(left, "EUR"), Money(right, "EUR")) == cause
    assert cause_of(Money(left, "EUR"), Money(right, "USD")) == "currency"


def test_tables_and_csv_files_have_no_type_for_it():
    with pytest.raises(Unfit, match="map its amount and its currency to two columns"):
        encode(SimpleNamespace(meaning="text", affinity="TEXT", declared="TEXT"), Money(1, "EUR"))
    with pytest.raises(UnfitCell, match="map its amount and its currency to two columns"):
        to_cell(Money(1, "EUR"))


def test_it_is_one_value_and_does_not_fall_apart():
    assert attrs.asdict(Invoice(Money(1, "EUR"))) == {"total": Money(1, "EUR"), "tip": None, "lines": []}
    assert ik.Mapping({"fields": {"total": "total"}})(Invoice(Money(1, "EUR"))) == {"total": Money(1, "EUR")}
