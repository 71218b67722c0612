"""Mappings into attrs classes, and records that are instances of classes."""

from __future__ import annotations

import dataclasses
import enum
import pickle
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import Factory, define, evolve, field, frozen, validators

import integrakit as ik
from integrakit.errors import ConfigurationError, MappingError
from integrakit.money import Money
from integrakit.transform import Mapping
from integrakit.unset import UNSET, Unset


class Status(enum.Enum):
    PAID = "PAID"
    VOID = "VOID"


@frozen
class Party:
    name: str
    city: str | Unset = UNSET


@frozen
class Line:
    sku: str
    quantity: int = field(validator=validators.gt(0))


@frozen
class Invoice:
    id: int
    net: Decimal
    issued: date
    status: Status
    customer: Party
    lines: list[Line]
    note: str | Unset | None = UNSET
    total: Money | None = None
    uid: UUID | None = None
    extra: list[Line] | Unset = UNSET
    tags: list[str] = Factory(list)
    made: str = field(init=False, default="here")


TREE: dict[str, Any] = {
    "target": "books.invoices",
    "fields": {
        "id": "id",
        "net": {"sum": "items", "of": "price", "to": "decimal", "scale": 2},
        "issued": {"from": "day", "to": "date"},
        "status": {"from": "state", "lookup": "status"},
        "customer": {"fields": {"name": "buyer.name", "city": {"from": "buyer.city", "optional": True}}},
        "lines": {"each": "items", "fields": {"sku": "sku", "quantity": "qty"}},
        "note": {"from": "note", "optional": True},
        "total": {"from": "total", "optional": True},
    },
    "lookups": {"status": {"p": "PAID", "v": "VOID"}},
}
ORDER: dict[str, Any] = {
    "id": 5,
    "day": "2024-01-31",
    "state": "p",
    "buyer": {"name": "Ann"},
    "items": [{"sku": "A", "qty": 3, "price": "1.5"}, {"sku": "B", "qty": 1, "price": 2}],
    "total": Money("3.50", "EUR"),
}
INVOICE = Invoice(
    id=5,
    net=Decimal("3.50"),
    issued=date(2024, 1, 31),
    status=Status.PAID,
    customer=Party("Ann"),
    lines=[Line("A", 3), Line("B", 1)],
    total=Money("3.50", "EUR"),
)


def fields(**changes: Any) -> dict[str, Any]:
    return {**TREE, "fields": {**TREE["fields"], **changes}}


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return Mapping(TREE, into=Invoice)


# ---------------------------------------------------------------- into


def test_a_mapped_record_is_an_instance(mapping: Mapping) -> None:
    assert mapping(ORDER) == INVOICE
    assert mapping.noted(ORDER, []) == INVOICE
    assert list(mapping.each([ORDER])) == [INVOICE]
    assert pickle.loads(pickle.dumps(mapping))(ORDER) == INVOICE
    assert mapping.refreshed()(ORDER) == INVOICE
    assert mapping.version == Mapping(TREE).version


def test_a_file_is_loaded_into_a_class(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[fields]\nname = "n"\n')
    assert Mapping.load(tmp_path / "a.toml", into=Party)({"n": "Ann"}) == Party("Ann")
    with pytest.raises(ConfigurationError, match=r"(?s)a\.toml.*quantity: is needed by Line"):
        Mapping.loads('[fields]\nsku = "n"\n', name="a.toml", into=Line)


def test_everything_that_does_not_fit_the_class_is_told(mapping: Mapping) -> None:
    items = [{"sku": 1, "qty": "3", "price": 1}, {"sku": "a", "qty": 0, "price": 1}, {"sku": "a", "qty": None, "price": 1}]
    broken = {**ORDER, "id": "x", "buyer": {"name": None, "city": 5}, "items": items}
    with pytest.raises(MappingError, match="7 fields of the record do not fit") as caught:
        mapping(broken)
    told = [(error.target, error.path, error.value_type) for error in caught.value.errors]
    assert told == [
        ("id", "id", "str"),
        ("customer.name", "buyer.name", "null"),
        ("customer.city", "buyer.city", "int"),
        ("lines[0].sku", "items[0].sku", "int"),
        ("lines[0].quantity", "items[0].qty", "str"),
        ("lines[1]", "items[1]", "dict"),
        ("lines[2].quantity", "items[2].qty", "null"),
    ]
    each = mapping.each([broken, ORDER])
    assert list(each) == [INVOICE]
    assert each.failed == 1


def test_what_the_mapping_finds_comes_first(mapping: Mapping) -> None:
    with pytest.raises(MappingError) as caught:
        mapping({**ORDER, "id": "x", "day": "soon"})
    assert [error.target for error in caught.value.errors] == ["issued"]


def test_a_field_that_became_null_is_held_against_the_class() -> None:
    mapping = Mapping({"on_error": "null", "fields": {"name": "n", "city": {"from": "c", "to": "email"}}}, into=Party)
    with pytest.raises(MappingError) as caught:
        mapping({"n": "Ann", "c": "x"})
    assert [(error.target, error.value_type) for error in caught.value.errors] == [("city", "null")]


def test_many_misfits_are_bounded() -> None:
    @frozen
    class Box:
        lines: list[Line]

    mapping = Mapping({"fields": {"lines": {"each": "l", "fields": {"sku": "s", "quantity": "q"}}}}, into=Box)
    with pytest.raises(MappingError) as caught:
        mapping({"l": [{"s": 1, "q": 1}] * 5_000})
    assert len(caught.value.errors) == 1_000


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"fields": {"id": "id"}}, "net, issued, status, customer, lines: is needed by Invoice, and no field gives it"),
        (fields(nte="x"), "nte: is no attribute of Invoice"),
        (fields(totl="x", total={"value": None}), "totl: is no attribute of Invoice"),
        (fields(made="x"), "made: is not taken by Invoice: its attribute has init=False"),
        (fields(id={"from": "id", "optional": True}), "id: is needed by Invoice, and may be left out here"),
        (fields(status={"value": "paid"}), "status: gives 'paid', and the class takes only 'PAID', 'VOID': did you mean 'PAID'?"),
        (fields(lines={"value": "x"}), "lines: gives 'x', and the class wants a list"),
        (fields(id={"sum": "items"}), 'id: gives a decimal number, and the class wants a whole number: say to = "int"'),
        (fields(customer={"fields": {"nme": "x"}}), "customer.nme: is no attribute of Party: did you mean 'name'?"),
        (fields(customer={"value": "x"}), "customer: gives 'x', and the class wants an object, for Party"),
        (
            fields(lines={"each": "items", "fields": {"sku": {"count": "x"}, "quantity": "q"}}),
            "lines[].sku: gives a whole number, and the class wants text",
        ),
        (fields(id={"value": None}), "id: is always null, and the class does not take None here"),
        (fields(total={"value": 5}), "total: gives 5, and the class wants money"),
        (fields(net={"from": "a", "to": "date"}), "net: gives a date, and the class wants a decimal number"),
    ],
)
def test_a_mapping_that_could_never_make_an_instance(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        Mapping(tree, into=Invoice)


@frozen
class Untold:
    x: list[range]


@frozen
class Lost:
    x: Nowhere  # type: ignore[name-defined]  # noqa: F821 - that is the point


@dataclasses.dataclass
class Data:
    x: int = 1
    inner: Any = None


@pytest.mark.parametrize(
    ("into", "words"),
    [
        (dict, "takes an attrs class, not the class dict"),
        (Data, "takes an attrs class, not the class Data"),
        (5, "takes an attrs class, not an int"),
        (INVOICE, "takes an attrs class, not an Invoice"),
        (Untold, "into=Untold has a field of a type that no record can be made into: <class 'range'>"),
        (Lost, "into=Lost: the types of its fields cannot be found: name 'Nowhere' is not defined"),
    ],
)
def test_classes_that_nothing_can_be_made_into(into: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        # Older releases of cattrs tell only with the first record.
        Mapping({"fields": {"x": "x"}}, into=into)({"x": [1]})


def test_private_attributes_and_aliases_go_by_the_names_of_attributes() -> None:
    @frozen
    class Secretive:
        _token: str
        kind: str = field(alias="type")

    assert Mapping({"fields": {"_token": "t", "kind": "k"}}, into=Secretive)({"t": "x", "k": "y"}) == Secretive("x", "y")
    with pytest.raises(ConfigurationError, match="did you mean 'kind'"):
        Mapping({"fields": {"_token": "t", "type": "k"}}, into=Secretive)


def test_a_class_is_checked_without_being_made(mapping: Mapping) -> None:
    found = Mapping(TREE).check(Invoice)
    assert not found.errors
    assert found.warnings[0].place == "id"
    assert str(found).startswith("Mapping({…}) against the class Invoice: ")
    with pytest.raises(ConfigurationError, match="is needed by Line"):
        Mapping({"fields": {"sku": "s"}}).check(Line, strict=True)
    with pytest.raises(ConfigurationError, match="belong to a JSON Schema"):
        mapping.check(Invoice, component="x")


def test_the_defaults_of_the_class_count_against_a_schema(mapping: Mapping) -> None:
    schema = {"type": "object", "required": ["tags", "uid", "note"], "properties": {name: {} for name in [*TREE["fields"], "tags", "uid", "made"]}}
    assert [str(finding) for finding in mapping.check(schema).errors] == [
        "error: note: is required by the schema, and may be left out here: by optional = true, or a condition that does not hold"
    ]


def test_a_sync_writes_plain_records_and_knows_them_again(mapping: Mapping, tmp_path: Path) -> None:
    sent: list[Any] = []
    orders = [ORDER, {**ORDER, "id": 6, "note": None, "buyer": {"name": "Bo", "city": "Bonn"}}, {**ORDER, "id": "x"}]
    for remember in ("record", "fingerprint"):
        sent.clear()
        sync = ik.Sync("s", source=orders, sink=sent.extend, mapping=mapping, key="id", remember=remember, store=tmp_path / f"{remember}.db")
        report = sync.run()
        assert (report.written, report.rejected) == (2, 1)
        assert sent[0] == {
            "id": 5,
            "net": Decimal("3.50"),
            "issued": date(2024, 1, 31),
            "status": "PAID",
            "customer": {"name": "Ann"},
            "lines": [{"sku": "A", "quantity": 3}, {"sku": "B", "quantity": 1}],
            "total": Money("3.50", "EUR"),
            "uid": None,
            "tags": [],
            "made": "here",
        }
        assert sent[1]["customer"] == {"name": "Bo", "city": "Bonn"}
        assert sync.run().unchanged == 2


# ---------------------------------------------------------------- out of


def test_an_instance_is_a_record() -> None:
    out = Mapping(
        {
            "fields": {
                "state": {"from": "status", "lookup": "state"},
                "cents": {"multiply": ["total.amount", 100]},
                "day": "issued",
                "who": "customer.name",
                "where": {"from": "customer.city", "optional": True},
                "note": {"from": "note", "optional": True},
                "skus": {"each": "lines", "fields": {"sku": "sku"}},
            },
            "lookups": {"state": {"PAID": "p"}},
        }
    )
    assert out(INVOICE) == {"state": "p", "cents": Decimal("350.00"), "day": date(2024, 1, 31), "who": "Ann", "skus": [{"sku": "A"}, {"sku": "B"}]}
    assert out(evolve(INVOICE, note=None, customer=Party("Bo", "Bonn")))["where"] == "Bonn"
    assert Mapping({"fields": {"who": "buyer.name"}})({"buyer": Party("Ann")}) == {"who": "Ann"}


def test_dataclasses_too() -> None:
    mapping = Mapping({"fields": {"x": "x", "y": {"from": "inner.name", "optional": True}}})
    assert mapping(Data(2)) == {"x": 2}
    assert mapping(Data(2, Party("Ann"))) == {"x": 2, "y": "Ann"}


def test_an_instance_that_holds_itself_is_refused() -> None:
    @define
    class Ring:
        other: Any = None

    ring = Ring()
    ring.other = ring
    with pytest.raises(MappingError, match="RecursionError"):
        Mapping({"fields": {"x": "other"}})(ring)
