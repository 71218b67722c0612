"""Differences of two mappings, in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.transform import Mapping

BEFORE: dict[str, Any] = {
    "source": "shop.orders",
    "target": "books.invoices",
    "fields": {
        "id": "id",
        "fax": "fax",
        "total": {"from": "total", "to": "decimal", "scale": 2},
        "status": {"from": "status", "lookup": "status"},
        "lines": {"each": "items", "fields": {"sku": "sku", "quantity": {"from": "quantity", "to": "int"}}},
        "customer": {"from": "customer", "fields": {"email": "email"}},
    },
    "lookups": {"status": {"paid": "PAID", "void": "VOID"}, "old": {"a": 1}},
}


def changed(**fields: Any) -> Mapping:
    return Mapping({**BEFORE, "fields": {**BEFORE["fields"], **fields}})


def words(after: dict[str, Any]) -> list[str]:
    return [str(difference) for difference in Mapping(BEFORE).diff(Mapping(after))]


def test_no_difference() -> None:
    diff = Mapping(BEFORE).diff(Mapping({**BEFORE, "fields": dict(reversed(BEFORE["fields"].items()))}))
    assert not diff
    assert len(diff) == 0
    assert str(diff) == f"no difference: both are version {Mapping(BEFORE).version}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"total": {"from": "total", "to": "decimal", "scale": 3}}, "~ total: scale 2 → 3"),
        ({"total": "total"}, "~ total: no to (was 'decimal'); no scale (was 2)"),
        (
            {"total": {"from": "amount", "to": "decimal", "scale": 2, "rounding": "half-up"}},
            "~ total: from 'total' → 'amount'; rounding 'half-up' added",
        ),
        ({"fax": {"value": "none"}}, "~ fax: no from (was 'fax'); value 'none' added"),
        ({"note": {"from": "note", "optional": True}}, "+ note: from 'note', optional true"),
        ({"note": "note"}, "+ note: from 'note'"),
        ({"lines": {"each": "items", "fields": {"sku": "sku", "quantity": "quantity"}}}, "~ lines[].quantity: no to (was 'int')"),
        ({"lines": {"each": "rows", "fields": BEFORE["fields"]["lines"]["fields"]}}, "~ lines: each 'items' → 'rows'"),
        ({"customer": {"from": "customer", "fields": {"email": "mail"}}}, "~ customer.email: from 'email' → 'mail'"),
        ({"id": {"value": True}}, "~ id: no from (was 'id'); value true added"),
        ({"sum": {"sum": "lines", "of": {"multiply": ["a", 2]}}}, "+ sum: sum 'lines', of {multiply = ['a', 2]}"),
    ],
)
def test_fields(fields: dict[str, Any], expected: str) -> None:
    assert [str(each) for each in Mapping(BEFORE).diff(changed(**fields))] == [expected]


def test_both_ways() -> None:
    after = changed(note="note")
    assert [each.kind for each in after.diff(Mapping(BEFORE))] == ["removed"]
    assert str(after.diff(Mapping(BEFORE)).differences[0]) == "- note: was from 'note'"


def test_headings_and_lookups() -> None:
    after = {**BEFORE, "target": "books.bills", "on_error": "null", "lookups": {"status": {"paid": "DONE", "open": "OPEN"}, "new": {"x": 1, "y": 2}}}
    assert words(after) == [
        "~ target: 'books.invoices' → 'books.bills'",
        "+ on_error: 'null'",
        "~ lookup status: 'paid' 'PAID' → 'DONE'; 'void' was 'VOID'; 'open' added: 'OPEN'",
        "- lookup old: was 1 entry",
        "+ lookup new: 2 entries",
    ]


def test_many_entries_are_cut() -> None:
    lookups = {"status": {**BEFORE["lookups"]["status"], **{f"k{index}": index for index in range(50)}}, "old": {"a": 1}}
    (line,) = words({**BEFORE, "lookups": lookups})
    assert line.endswith("; … and 40 more")


def test_a_difference_of_digits_counts() -> None:
    one = Mapping({"fields": {"a": {"value": Decimal("1.0")}}})
    other = Mapping({"fields": {"a": {"value": Decimal("1.00")}}})
    assert one.version != other.version
    assert [str(each) for each in one.diff(other)] == ["~ a: value 1.0 → 1.00"]
    assert Mapping({"fields": {"a": {"value": 1}}}).diff(Mapping({"fields": {"a": {"value": True}}}))


def test_the_whole_text() -> None:
    before, after = Mapping(BEFORE), changed(note="note")
    assert str(before.diff(after)) == f"1 difference from version {before.version} to {after.version}:\n+ note: from 'note'"


@pytest.mark.parametrize("other", [None, {}, "mapping.toml", len])
def test_only_with_a_mapping(other: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"diff\(other\) takes a Mapping"):
        Mapping(BEFORE).diff(other)
