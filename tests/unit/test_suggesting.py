"""`suggest`: what it proposes, what it keeps silent about, and that a proposal is a mapping only when asked."""

from __future__ import annotations

import random
import tomllib
from datetime import date
from decimal import Decimal

import pytest
from attrs import frozen
from tests.suggestions.world import World

import integrakit as ik
from integrakit.errors import ConfigurationError
from integrakit.transform.suggesting import suggest


def proposed(left, right, **options):
    return suggest(left, right, build=ik.Mapping, **options)


def pairs(suggestion):
    return {(field.source, field.target) for field in suggestion.fields}


def rule(suggestion, target):
    return next(field.rule for field in suggestion.fields if field.target == target)


def people(count=30, seed=3):
    return World(seed, 0, count).people


@pytest.fixture(scope="module")
def orders():
    return World(4, 0, 40).orders


# ---------------------------------------------------------------------------------------------------- what is found


def test_names_alone_are_enough_where_they_say_the_same():
    left = [{"customerEmail": f"a{n}@left.example", "qty": n % 4 + 1, "postal_code": f"1{n:04}"} for n in range(10)]
    right = [{"customer_email": f"b{n}@right.example", "Quantity": n % 3 + 5, "Zip": f"9{n:04}"} for n in range(10)]
    found = proposed(left, right)
    assert pairs(found) == {("customerEmail", "customer_email"), ("qty", "Quantity"), ("postal_code", "Zip")}
    assert all(0.8 <= field.confidence < 1 and field.evidence for field in found.fields)


def test_rows_that_belong_together_prove_what_names_do_not_say():
    left = [{"mail": p.email, "a1": p.family, "b7": p.zip if hasattr(p, "zip") else p.address.zip} for p in people()]
    right = [{"Email": p.email.upper(), "zzz": p.family, "qqq": p.address.zip} for p in reversed(people())]
    found = proposed(left, right)
    assert pairs(found) == {("mail", "Email"), ("a1", "zzz"), ("b7", "qqq")}
    assert "100% of 30 rows agree" in next(field for field in found.fields if field.target == "zzz").evidence
    assert rule(found, "Email") == {"from": "mail", "apply": ["upper"]}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("created_at", "updated_at"),
        ("billing_city", "shipping_city"),
        ("subtotal", "total"),
        ("total_tax", "total_discount"),
        ("first_name", "last_name"),
        ("quantity", "line_number"),
        ("amount_paid", "amount_due"),
        ("unit_price", "line_total"),
        ("customer_email", "vendor_email"),
        ("id", "parent_id"),
        ("order_id", "product_id"),
        ("start_date", "end_date"),
    ],
)
def test_names_that_only_look_alike_are_left_alone(left, right):
    def values(shift):
        return [10_000 + 37 * n + shift for n in range(20)]

    assert proposed([{left: value} for value in values(0)], [{right: value} for value in values(5)]).fields == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "left", "right"),
    [
        ("latest_ship_date", "ship_date", [f"2024-01-0{n + 1}" for n in range(6)], [f"2025-03-0{n + 1}" for n in range(6)]),
        ("deliver_by", "delivered_at", [f"2024-01-0{n + 1}" for n in range(6)], [f"2025-03-0{n + 1}" for n in range(6)]),
        ("status", "order_status", ["open", "shut"] * 3, ["good", "bad"] * 3),
        ("status", "status", ["attending", "away"] * 3, ["approved", "denied"] * 3),
        ("value", "value", [12.5, 17.25, 13.99, 19.5, 14.1, 15.2], [1250, 1725, 1800, 1950, 1410, 1520]),
        ("priority", "severity", ["high", "low"] * 3, ["major", "minor"] * 3),
        ("remarks", "notes", ["Please ring twice", "Leave at the door", "No rush at all"] * 2, ["VIP"] * 3 + ["NEW"] * 3),
    ],
)
def test_names_alone_are_too_little(ours, theirs, left, right):
    assert not pairs(proposed([{ours: value} for value in left], [{theirs: value} for value in right]))


def test_a_few_rows_prove_no_translation_and_no_price():
    left = [{"email": f"a{n}@mail.example", "status": ["open", "shut"][n % 2], "price_net": n + 10.5} for n in range(5)]
    right = [{"email": f"a{n}@mail.example", "order_status": ["good", "bad"][n % 2], "price_eur": n + 10.5} for n in range(5)]
    assert ("status", "order_status") not in pairs(proposed(left, right))
    more = [[{**row, "email": f"{time}{row['email']}"} for time in range(4) for row in side] for side in (left, right)]
    assert ("status", "order_status") in pairs(proposed(*more))


def test_identifiers_of_two_systems_are_not_the_same():
    assert proposed([{"id": 100 + n} for n in range(20)], [{"id": 9_000 + n} for n in range(20)]).fields == ()


def test_a_field_with_two_candidates_that_are_equally_good_is_left_to_a_person():
    left = [{"home": {"city": f"A{n}"}, "office": {"city": f"B{n}"}} for n in range(20)]
    found = proposed(left, [{"city": f"C{n}"} for n in range(20)])
    assert found.fields == ()
    assert set(found.unmatched_left) == {"home.city", "office.city"}


def test_other_forms_are_no_match_whatever_the_names_say():
    left = [{"email": f"a{n}@x.example", "active": True, "created": "2024-01-02"} for n in range(20)]
    right = [{"email": 100 + n, "active": f"word {n}", "created": f"someone {n}"} for n in range(20)]
    assert proposed(left, right).fields == ()


def test_vendors_prefixes_say_nothing():
    left = [{"acme_total": n + 0.5, "acme_city": f"A{n}", "acme_phone": "+49 40 1234567", "acme_zip": "x", "acme_note": f"n {n}"} for n in range(9)]
    right = [{"custbody_Total__c": n + 0.25, "hs_city": f"B{n}"} for n in range(9)]
    assert pairs(proposed(left, right)) == {("acme_total", "custbody_Total__c"), ("acme_city", "hs_city")}


# ---------------------------------------------------------------------------------------------------- rules


def test_rules_convert_what_the_samples_show(orders):
    left = [
        {
            "number": o.number,
            "total_cents": int(o.total * 100),
            "tax": str(o.tax),
            "created_at": o.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "currency": o.currency.lower(),
            "status": "paid" if o.is_paid else "pending",
            "first_name": o.person.given,
            "last_name": o.person.family,
        }
        for o in orders
    ]
    right = [
        {
            "DocNumber": str(o.number),
            "Total": o.total,
            "TaxAmount": o.tax,
            "TxnDate": o.created.date(),
            "CurrencyCode": o.currency,
            "Status": "SETTLED" if o.is_paid else "OPEN",
            "CustomerName": f"{o.person.given} {o.person.family}",
        }
        for o in reversed(orders[5:])
    ]
    found = proposed(left, right)
    rules = {field.target: field.rule for field in found.fields}
    assert rules == {
        "DocNumber": {"from": "number", "to": "str"},
        "Total": {"divide": ["total_cents", 100], "to": "decimal", "scale": 2},
        "TaxAmount": {"from": "tax", "to": "decimal", "scale": 2},
        "TxnDate": {"from": "created_at", "to": "date", "timezone": "UTC"},
        "CurrencyCode": {"from": "currency", "apply": ["upper"]},
        "Status": {"from": "status", "lookup": "Status"},
        "CustomerName": {"concat": ["first_name", {"value": " "}, "last_name"]},
    }
    mapping = found.mapping()
    for o, record in zip(orders, left, strict=True):
        assert mapping(record) == {
            "DocNumber": str(o.number),
            "Total": o.total,
            "TaxAmount": o.tax,
            "TxnDate": o.created.date(),
            "CurrencyCode": o.currency,
            "Status": "SETTLED" if o.is_paid else "OPEN",
            "CustomerName": f"{o.person.given} {o.person.family}",
        }


def test_units_become_minor_units(orders):
    left = [{"number": str(o.number), "total": o.total} for o in orders]
    right = [{"number": str(o.number), "total": int(o.total * 100)} for o in orders]
    found = proposed(left, right)
    assert rule(found, "total") == {"multiply": ["total", 100], "to": "int"}
    assert found.mapping()(left[0]) == right[0]


def test_lists_go_with_lists_and_nested_targets_are_built(orders):
    left = [
        {
            "number": str(o.number),
            "bill": {"city": o.billing.city},
            "line_items": [{"sku": n.sku, "quantity": n.quantity, "price": str(n.price)} for n in o.lines],
            "tax_lines": [{"title": "VAT", "price": str(o.tax)}],
        }
        for o in orders
    ]
    right = [
        {
            "DocNumber": str(o.number),
            "BillAddr": {"City": o.billing.city},
            "Detail": {"Line": [{"ItemCode": n.sku, "Qty": n.quantity, "UnitPrice": n.price} for n in reversed(o.lines)]},
        }
        for o in orders
    ]
    found = proposed(left, right)
    assert ("line_items[].sku", "Detail.Line[].ItemCode") in pairs(found)
    assert rule(found, "Detail.Line[].UnitPrice") == {"from": "price", "to": "decimal", "scale": 2}
    mapped = found.mapping()(left[0])
    assert mapped["BillAddr"] == {"City": orders[0].billing.city}
    assert [line["Qty"] for line in mapped["Detail"]["Line"]] == [n.quantity for n in orders[0].lines]


def test_what_is_missing_in_some_samples_is_optional():
    left = [{"email": f"a{n}@x.example", **({"phone": f"+49 40 12345{n:02}"} if n % 2 else {})} for n in range(20)]
    right = [{"email": f"b{n}@y.example", "phone": f"+1 512 55566{n:02}"} for n in range(20)]
    found = proposed(left, right)
    assert rule(found, "phone") == {"from": "phone", "optional": True}
    assert found.mapping()(left[0]) == {"email": "a0@x.example"}


def test_a_rule_that_the_samples_refuse_is_weakened():
    def found(odd):
        left = [{"email": f"a{n}@x.example", "total": f"{n}.50" if n else odd} for n in range(20)]
        return proposed(left, [{"email": f"a{n}@x.example", "total": Decimal(n) + Decimal("0.50")} for n in range(20)])

    assert rule(found("n/a"), "total") == {"from": "total", "to": "decimal", "scale": 2, "null_values": ["", "n/a"]}
    # Text beside Decimals is another type, so the path alone is only for a person to look at.
    assert [(field.target, field.rule) for field in found("Ann's").doubtful] == [("total", "total")]


# ---------------------------------------------------------------------------------------------------- what a person does with it


@pytest.fixture
def found():
    left = [{"email": p.email, "given_name": p.given, "company.name": p.company.name, "noise": n} for n, p in enumerate(people())]
    right = [{"Email": p.email, "FirstName": p.given, "Company": p.company.name, "Other": "x"} for p in people()]
    return proposed(left, right)


def test_a_mapping_is_made_of_what_is_confirmed(found):
    assert set(found.mapping().fields) == {"Email", "FirstName", "Company"}
    assert found.mapping(confirm=["Email"]).fields == ("Email",)
    assert isinstance(found.mapping(), ik.Mapping)


@pytest.mark.parametrize(
    ("confirm", "words"),
    [(["Emal"], "did you mean 'Email'"), ("Email", "in a list"), ([], "names no field"), ([object()], "an object"), (5, "not an int")],
)
def test_what_cannot_be_confirmed(found, confirm, words):
    with pytest.raises(ConfigurationError, match=words):
        found.mapping(confirm=confirm)


def test_nothing_found_is_no_mapping():
    silent = proposed([{"a": 1}], [{"zz": "x"}])
    assert str(silent).startswith("nothing is as sure as 0.8")
    assert silent.unmatched_left == ("a",)
    assert silent.unmatched_right == ("zz",)
    with pytest.raises(ConfigurationError, match="nothing was found"):
        silent.mapping()


def test_the_file_it_writes_is_loaded_and_means_the_same(found, tmp_path, orders):
    path = tmp_path / "proposal.toml"
    path.write_text(found.to_toml(), encoding="utf-8")
    assert ik.Mapping.load(path).version == found.mapping().version
    assert "# 0.9" in found.to_toml()
    nested = proposed(
        [{"n": str(o.number), "a": {"city": o.billing.city}, "x": [{"sku": line.sku, "qty": line.quantity} for line in o.lines]} for o in orders],
        [
            {"No": str(o.number), "b c": {"City": o.billing.city}, "y": [{"SKU": line.sku, '"qty"': line.quantity} for line in o.lines]}
            for o in orders
        ],
    )
    path.write_text(nested.to_toml(), encoding="utf-8")
    assert ik.Mapping.load(path).version == nested.mapping().version
    assert len(nested.fields) == 4


def test_the_table_names_everything(found):
    text = str(found)
    for word in ("target", "evidence", "FirstName", "given_name", "unmatched left: noise", "unmatched right: Other"):
        assert word in text
    assert repr(found) == "<Suggestion of 3 fields, 0 doubtful>"


def test_a_notebook_shows_tables_and_no_markup_of_the_samples():
    left = [{"<b>email</b>": p.email, "x": 1, "fee": 2} for p in people()]
    shown = proposed(left, [{"Email & more": p.email, "<i>y</i>": "z", "fee": 3} for p in people()], excerpts=True)._repr_html_()
    assert "<td>&quot;&lt;b&gt;email&lt;/b&gt;&quot;" in shown or "&lt;b&gt;email&lt;/b&gt;" in shown
    assert shown.count("<table>") >= 1
    for word in ("<b>email", "<i>", "& more"):
        assert word not in shown
    for word in ("Email &amp; more", "unmatched right", "&lt;i&gt;y", "doubtful"):
        assert word in shown


def test_values_are_shown_only_when_asked():
    left, right = [{"email": p.email} for p in people()], [{"Email": p.email} for p in people()]
    shown = people()[0].email
    plain = proposed(left, right)
    assert shown not in str(plain)
    assert shown not in plain.to_toml()
    assert shown in str(proposed(left, right, excerpts=True))


def test_the_same_samples_always_give_the_same(orders):
    left = [{"n": o.number, "total": o.total, "currency": o.currency} for o in orders]
    right = [{"number": o.number, "amount": o.total, "ccy": o.currency} for o in orders]
    assert proposed(left, right).to_toml() == proposed(iter(left), tuple(right)).to_toml()


def test_attrs_instances_are_records():
    @frozen
    class Line:
        sku: str
        quantity: int

    @frozen
    class Order:
        number: str
        lines: list[Line]

    left = [Order(f"A-{n}", [Line(f"S-{n}", n), Line(f"T-{n}", n + 1)]) for n in range(9)]
    right = [{"number": f"A-{n}", "items": [{"sku": f"S-{n}", "qty": n}, {"sku": f"T-{n}", "qty": n + 1}]} for n in range(9)]
    found = proposed(left, right)
    assert ("lines[].sku", "items[].sku") in pairs(found)
    assert found.mapping()(left[0]) == right[0]


# ---------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("bad", [[], None, 5, "records", b"x", {"a": 1}, [1, 2], [[]], [{}], [None]])
def test_what_are_no_samples(bad):
    with pytest.raises(ConfigurationError, match="left_samples"):
        proposed(bad, [{"a": 1}])
    with pytest.raises(ConfigurationError, match="right_samples"):
        proposed([{"a": 1}], bad)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": "high"}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"most_records": 0}, "most_records"),
        ({"most_records": True}, "most_records"),
        ({"excerpts": "yes"}, "excerpts"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(ConfigurationError, match=words):
        proposed([{"a": 1}], [{"a": 1}], **options)


class Unfriendly:
    def __repr__(self):
        raise RuntimeError("never asked")

    __str__ = __hash__ = __eq__ = __repr__


def hostile():
    deep: dict = {}
    inner = deep
    for _ in range(5_000):
        inner["a"] = {}
        inner = inner["a"]
    flat: list = []
    items = flat
    for _ in range(5_000):
        items.append([])
        items = items[0]
    return {
        "deep": deep,
        "lists": flat,
        "long": "x" * 2_000_000,
        "nan": float("nan"),
        "signal": Decimal("sNaN"),
        "far": Decimal("1e999999"),
        "huge": 10**5000,
        "object": Unfriendly(),
        1: 2,
        (1, 2): 3,
        None: 4,
        "": 5,
        "a.b": "x@y.example",
        'q"uo[t]e': 1,
        "\ud800": "\ud800",
        "\n\x00\x7f": "line\nbreak\x00",
        "bytes": b"123",
        "mixed": [1, "a", {"b": 1}, None, [2]],
        "last day": date.max,
        "dotnet": "/Date(99999999999999)/",
        "k" * 500: 1,
    }


def test_hostile_records_give_notes_and_no_crash():
    found = proposed([hostile()] * 12, [hostile()] * 12)
    str(found)
    repr(found)
    tomllib.loads(found.to_toml())
    assert found.mapping()(hostile())["a.b"] == "x@y.example"
    assert any("nested more than" in note for note in found.notes)
    assert any("keys that are not text" in note for note in found.notes)


def test_samples_that_are_no_records_are_left_out_and_said():
    found = proposed([{"email": "a@x.example"}, 7, None], [{"email": "b@x.example"}])
    assert "left_samples: 2 of the samples are no record (a dict or an attrs instance) and left out" in found.notes


def test_lists_in_lists_in_lists_are_bounded(monkeypatch):
    monkeypatch.setattr("integrakit.transform.suggesting.columns._MOST_CELLS", 3_000)
    thing: object = {"v": 1}
    for _ in range(9):
        thing = {"l": [thing] * 30}
    found = proposed([thing], [{"v": 1}])
    assert "left_samples: more than 3000 values: the others are not looked at" in found.notes


def test_only_the_first_samples_are_looked_at():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield {"email": f"a{len(taken)}@x.example"}

    proposed(endless(), [{"email": "b@x.example"}], most_records=25)
    assert len(taken) == 25


def test_random_records_never_crash():
    chance = random.Random(7)
    values = [
        None,
        0,
        1,
        -1.5,
        "",
        "x",
        "2024-02-30",
        "1e400",
        True,
        [],
        {},
        [{}],
        [[1]],
        [{"a": 1}],
        {"a": {"b": []}},
        "31/12/2024",
        "/Date(1)/",
        10**30,
    ]
    keys = ["id", "name", "date", "total", "lines", "email", "status", "é", "a.b", "x[0]"]
    for _ in range(25):
        left = [{chance.choice(keys): chance.choice(values) for _ in range(5)} for _ in range(6)]
        right = [{chance.choice(keys): chance.choice(values) for _ in range(5)} for _ in range(6)]
        left[0]["sure"] = right[0]["sure"] = 1
        found = proposed(left, right, threshold=0.3)
        tomllib.loads(found.to_toml())
        if found.fields:
            for record in left:
                found.mapping()(record)
