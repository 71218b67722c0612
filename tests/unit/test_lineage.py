"""Several mappings as one dictionary: where each field comes from, where it goes, and what is wrong with the whole."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import integrakit as ik
from integrakit.errors import ConfigurationError
from integrakit.transform import DataDictionary, Mapping, data_dictionary


def mapping(source: str | None, target: str | None, fields: dict[str, Any], name: str = "m", **more: Any) -> Mapping:
    headings = {"source": source, "target": target}
    return Mapping({**{key: value for key, value in headings.items() if value}, **more, "fields": fields}, name=name)


ORDERS = mapping(
    "shop.orders",
    "books.invoices",
    {
        "external_id": {"from": "id", "to": "str", "doc": "The number of the order in the shop."},
        "customer": {"fields": {"email": {"from": "cust.mail", "apply": ["lower"]}, "name": "cust.name"}},
        "address": "shipping",
        "net": {"sum": "items", "of": {"multiply": ["price", "quantity"]}, "to": "decimal", "scale": 2},
        "channel": {"value": "web"},
        "lines": {"each": "items", "where": "kind == 'item'", "fields": {"sku": "sku", "amount": "price", "currency": "$.currency"}},
    },
    "order_to_invoice.toml",
    doc="Invoices of paid orders.",
)
FACTS = mapping(
    "books.invoices",
    "warehouse.facts",
    {
        "id": "external_id",
        "who": "customer",
        "mail": "customer.email",
        "city": "address.city",
        "revenue": {"from": "net", "to": "float"} if False else "net",
        "channel": "channel",
        "count": {"count": "lines"},
        "skus": {"values": "lines", "of": "sku"},
        "first": "lines[0].amount",
        "rows": {"group": "lines", "by": "currency", "fields": {"currency": "currency", "total": {"sum": "rows", "of": "amount"}}},
        "phone": {"from": "customer.phone", "optional": True},
    },
    "invoice_to_fact.toml",
)
BOTH = data_dictionary(ORDERS, FACTS, title="The shop")


def found(lineage: Any) -> set[str]:
    return {f"{dataset}: {field}" for dataset, field in lineage.fields}


def ends(lineage: Any) -> set[str]:
    return {field for _, field in lineage.ends}


@pytest.mark.parametrize(
    ("field", "first"),
    [
        ("id", {"id"}),
        ("who", {"cust.mail", "cust.name"}),  # the whole object, field by field
        ("who.email", {"cust.mail"}),
        ("mail", {"cust.mail"}),
        ("city", {"shipping.city"}),  # part of an object that was copied
        ("revenue", {"items[].price", "items[].quantity"}),
        ("count", {"items", "items[].kind"}),  # not what is in the lines
        ("skus", {"items[].sku", "items[].kind"}),
        ("first", {"items[].price", "items[].kind"}),
        ("rows[].currency", {"currency", "items[].kind"}),
        ("rows[3].total", {"items[].price", "items[].kind"}),
        ("channel", set()),
        ("phone", {"customer.phone"}),  # nobody writes it there
    ],
)
def test_upstream(field: str, first: set[str]) -> None:
    assert ends(BOTH.upstream("warehouse.facts", field)) == first


@pytest.mark.parametrize(
    ("field", "last"),
    [
        ("id", {"warehouse.facts: id"}),
        ("cust.mail", {"warehouse.facts: who.email", "warehouse.facts: mail"}),
        ("cust", {"warehouse.facts: who.email", "warehouse.facts: mail", "warehouse.facts: who.name"}),
        ("cust.phone", set()),
        ("shipping.city", {"warehouse.facts: city"}),
        ("shipping.street", {"books.invoices: address.street"}),
        ("items[].price", {"warehouse.facts: revenue", "warehouse.facts: first", "warehouse.facts: rows[].total"}),
        ("items[0].sku", {"warehouse.facts: skus"}),
        ("items[].note", set()),
        ("unheard", set()),
    ],
)
def test_downstream(field: str, last: set[str]) -> None:
    assert {f"{dataset}: {name}" for dataset, name in BOTH.downstream("shop.orders", field).ends} == last


def test_a_condition_decides_about_all_that_is_inside() -> None:
    reached = found(BOTH.downstream("shop.orders", "items[].kind"))
    assert {"books.invoices: lines", "books.invoices: lines[].sku", "warehouse.facts: count", "warehouse.facts: skus"} <= reached
    assert "warehouse.facts: revenue" not in reached


def test_the_whole_record() -> None:
    copied = data_dictionary(mapping("a", "b", {"raw": "."}), mapping("b", "c", {"mail": "raw.customer.email", "all": "."}))
    assert ends(copied.upstream("c", "mail")) == {"customer.email"}
    assert found(copied.downstream("a", "customer.email")) == {"b: raw.customer.email", "c: mail", "c: all.raw.customer.email"}
    assert found(copied.downstream("a", ".")) == {"b: raw", "c: mail", "c: all.raw"}
    assert ends(copied.upstream("c", "all")) == {"."}
    assert ends(copied.upstream("c", ".")) == {".", "customer.email"}


def test_the_steps() -> None:
    lineage = BOTH.upstream("warehouse.facts", "mail")
    near, far = lineage
    assert (near.source, near.source_field, near.target, near.target_field) == ("books.invoices", "customer.email", "warehouse.facts", "mail")
    assert (near.by, near.rule) == ("invoice_to_fact.toml", "as it is")
    assert (far.source_field, far.target_field, far.by, far.rule) == ("cust.mail", "customer.email", "order_to_invoice.toml", "read; apply lower")
    assert str(far) == "shop.orders: cust.mail → books.invoices: customer.email by order_to_invoice.toml: read; apply lower"
    assert list(lineage.paths()) == [(near, far)]
    assert len(list(BOTH.upstream("warehouse.facts", "revenue").paths())) == 2
    assert len(list(BOTH.upstream("warehouse.facts", "revenue").paths(most=1))) == 1
    assert (bool(lineage), len(lineage), lineage.direction, lineage.truncated) == (True, 2, "upstream", False)
    assert str(lineage) == (
        "warehouse.facts: mail\n"
        "  ← books.invoices: customer.email (invoice_to_fact.toml: as it is)\n"
        "    ← shop.orders: cust.mail (order_to_invoice.toml: read; apply lower)"
    )
    assert str(BOTH.downstream("shop.orders", "cust.name")) == (
        "shop.orders: cust.name\n"
        "  → books.invoices: customer.name (order_to_invoice.toml: as it is)\n"
        "    → warehouse.facts: who.name (invoice_to_fact.toml: as it is)"
    )
    assert str(BOTH.downstream("shop.orders", "fax")) == "shop.orders: fax\n  nothing reads it"
    assert str(BOTH.upstream("warehouse.facts", "fax")) == "warehouse.facts: fax\n  nothing writes it"


def test_a_constant_comes_from_the_mapping() -> None:
    lineage = BOTH.upstream("warehouse.facts", "channel")
    assert "← (order_to_invoice.toml: always 'web')" in str(lineage)
    assert lineage.fields == (("books.invoices", "channel"),)
    assert str(lineage.steps[1]) == "books.invoices: channel by order_to_invoice.toml: always 'web'"


def test_the_fields_of_a_dataset() -> None:
    assert BOTH.datasets == ("shop.orders", "books.invoices", "warehouse.facts")
    fields = {field.field: field for field in BOTH.fields("books.invoices")}
    assert fields["net"].type == "decimal"
    assert fields["external_id"].doc == "The number of the order in the shop."
    assert fields["external_id"].written == (("order_to_invoice.toml", "read; to str", ("id",)),)
    assert fields["customer.email"].read == (
        ("invoice_to_fact.toml", "warehouse.facts", "who.email"),
        ("invoice_to_fact.toml", "warehouse.facts", "mail"),
    )
    assert fields["customer.phone"].written == ()
    assert [field.field for field in BOTH.fields("shop.orders")][:3] == ["id", "cust.mail", "cust.name"]


def test_two_into_one() -> None:
    crm = mapping(
        "crm.people", "books.invoices", {"customer": {"fields": {"email": "Email", "fax": "Fax"}}, "lines": {"each": "l", "fields": {"n": "n"}}}
    )
    both = data_dictionary(ORDERS, crm)
    assert both.written_twice == (
        ("books.invoices", "customer.email", ("order_to_invoice.toml", "m")),
        ("books.invoices", "lines", ("order_to_invoice.toml", "m")),
        ("books.invoices", "lines[].sku", ("order_to_invoice.toml", "m")),
        ("books.invoices", "lines[].amount", ("order_to_invoice.toml", "m")),
        ("books.invoices", "lines[].currency", ("order_to_invoice.toml", "m")),
        ("books.invoices", "lines[].n", ("m", "order_to_invoice.toml")),
    )
    assert ends(both.upstream("books.invoices", "customer.email")) == {"cust.mail", "Email"}
    assert "## Written by several" in both.document()
    copied = mapping("crm.people", "books.invoices", {"customer": "person"}, "whole")
    assert ("books.invoices", "customer.email", ("order_to_invoice.toml", "whole")) in data_dictionary(ORDERS, copied).written_twice
    assert BOTH.written_twice == ()
    assert data_dictionary(ORDERS, FACTS, ORDERS).written_twice == ()  # the same one twice is one


def test_there_and_back() -> None:
    back = mapping("warehouse.facts", "shop.orders", {"id": "id", "cust": {"fields": {"mail": "mail"}}}, "back")
    cycle = data_dictionary(ORDERS, FACTS, back)
    assert cycle.cycles == (("shop.orders", "books.invoices", "warehouse.facts"),)
    assert found(cycle.upstream("shop.orders", "id")) == {"warehouse.facts: id", "books.invoices: external_id", "shop.orders: id"}
    assert cycle.upstream("shop.orders", "id").ends == ()
    assert len(list(cycle.upstream("shop.orders", "id").paths())) == 1
    assert "see above" in str(cycle.downstream("shop.orders", "id"))
    assert "## There and back\n\nThese datasets feed each other" in cycle.document()
    assert BOTH.cycles == ()
    itself = data_dictionary(mapping("a", "a", {"x": "x", "y": {"add": ["x", "y"]}}))
    assert itself.cycles == (("a",),)
    assert found(itself.upstream("a", "y")) == {"a: x", "a: y"}


def test_an_object_that_goes_into_itself_comes_to_an_end() -> None:
    loop = data_dictionary(mapping("a", "b", {"x": "."}), mapping("b", "a", {"y": ".", "z": "x"}))
    for direction in (loop.upstream, loop.downstream):
        for dataset in ("a", "b"):
            assert len(direction(dataset, "x.q")) < 100
            str(direction(dataset, "."))
    assert loop.document()


def test_names_that_nobody_gave() -> None:
    one, two = mapping(None, None, {"a": "a"}, "Mapping({…})"), mapping(None, "t", {"b": "b"}, "Mapping({…})")
    both = data_dictionary(one, two)
    assert both.datasets == ("(source of Mapping({…}))", "(target of Mapping({…}))", "(source of Mapping({…}) (2))", "t")
    assert [part.by for part in both.parts] == ["Mapping({…})", "Mapping({…}) (2)"]
    assert both.downstream("(source of Mapping({…}))", "b").steps == ()


def test_syncs() -> None:
    orders = ik.Sync("orders", source=[], sink=[].extend, mapping=ORDERS, key="external_id")
    assert orders.mapping is ORDERS
    facts = ik.Sync("facts", source=[], sink=[].extend, mapping=FACTS, key="id")
    both = ik.data_dictionary(orders, facts, orders)
    assert [(part.by, part.version) for part in both.parts] == [("orders", ORDERS.version), ("facts", FACTS.version)]
    assert [step.by for step in both.upstream("warehouse.facts", "mail")] == ["facts", "orders"]
    twice = ik.data_dictionary(orders, ik.Sync("again", source=[], sink=[].extend, mapping=ORDERS, key="external_id"))
    assert ("books.invoices", "net", ("orders", "again")) in twice.written_twice


def test_the_page() -> None:
    page = BOTH.document()
    assert str(BOTH) == page == BOTH._repr_markdown_()
    assert page == data_dictionary(ORDERS, FACTS, title="The shop").document()
    lines = page.splitlines()
    assert lines[0] == "# The shop"
    for line in [
        f"| shop.orders | books.invoices | order\\_to\\_invoice.toml | {ORDERS.version} | 11 | Invoices of paid orders. |",
        '  d0 -->|"order_to_invoice.toml"| d1',
        "## books.invoices",
        "Invoices of paid orders.",
        "Written by order\\_to\\_invoice.toml; read by invoice\\_to\\_fact.toml.",
        "| mail |  | books.invoices: customer.email | invoice\\_to\\_fact.toml | as it is | shop.orders: cust.mail |  |",
    ]:
        assert line in lines or line.rstrip(" |") in [other.rstrip(" |") for other in lines], line
    assert page.count("```mermaid") == 3
    assert page.count("```") == 6
    assert "| customer.phone |  |  | not by these mappings |" in page


def test_no_name_becomes_markup() -> None:
    name = 'a|b<script>`*_[x](y)"\n# z %%{init}%%\x1b\u202e'
    page = data_dictionary(
        mapping(name, name, {name: {"from": f"'{name}'", "doc": name}}, name, doc=name), mapping(name, "t", {"a": "."}), title=name
    ).document()
    assert "<" not in page.replace("&lt;", "")
    assert "\n# z" not in page
    assert not set("\x1b\u202e") & set(page)
    assert "\x1b" not in str(data_dictionary(mapping("s", name, {"x": "x"})).downstream("s", "x"))


def test_a_large_dictionary() -> None:
    chain = [
        mapping(
            f"d{number}", f"d{number + 1}", {f"f{index}": {"coalesce": [f"f{index}", f"f{(index + 1) % 20}"]} for index in range(20)}, f"m{number}"
        )
        for number in range(12)
    ]
    whole = data_dictionary(*chain)
    lineage = whole.upstream("d12", "f0")
    assert len(lineage) < 500
    assert len(lineage.ends) == 13
    assert len(list(lineage.paths())) == 100
    assert len(str(lineage).splitlines()) <= 202
    assert "; … and " in whole.document()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), "needs at least one"),
        (([ORDERS, FACTS],), r"each Mapping or Sync by itself: data_dictionary\(\*parts\)"),
        ((5,), "takes Mappings and Syncs, not an int"),
        ((ik.Sync("plain", source=[], sink=[].extend, mapping=dict, key="id"),), "'plain' has a function for its mapping"),
        ((ik.Sync("none", source=[], sink=[].extend, key="id"),), "'none' has no mapping"),
    ],
)
def test_what_is_no_part(parts: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        data_dictionary(*parts)


def test_wrong_questions() -> None:
    with pytest.raises(ConfigurationError, match=r"no mapping reads or writes 'shop\.order': did you mean 'shop\.orders'"):
        BOTH.upstream("shop.order", "id")
    with pytest.raises(ConfigurationError, match="no mapping reads or writes"):
        BOTH.fields("x")
    with pytest.raises(ConfigurationError, match=r"downstream\(dataset, field\): 'a\.\.b' is not a path"):
        BOTH.downstream("shop.orders", "a..b")
    with pytest.raises(ConfigurationError, match="takes a field as text"):
        BOTH.upstream("shop.orders", 5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no mapping reads or writes a list"):
        BOTH.upstream([], "a")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="title"):
        data_dictionary(ORDERS, title=5)  # type: ignore[arg-type]


def test_a_dictionary_is_a_value() -> None:
    assert isinstance(BOTH, DataDictionary)
    assert "warehouse.facts" in repr(BOTH)
    assert pickle.loads(pickle.dumps(BOTH)).document() == BOTH.document()
