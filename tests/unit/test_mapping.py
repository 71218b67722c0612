"""What a mapping makes of records: paths, nulls, constants, functions, lookups, lists, operators, errors."""

from __future__ import annotations

import copy
import gc
import linecache
import pickle
import sys
import threading
from collections import OrderedDict, UserDict, defaultdict
from decimal import Context, Decimal, getcontext, localcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from attrs import define

from integrakit.errors import ConfigurationError, MappingError
from integrakit.model import FieldError
from integrakit.transform import Mapping
from integrakit.unset import UNSET


def one(rule: Any, record: Any, **more: Any) -> Any:
    """The value of a single field."""
    functions = more.pop("functions", None)
    return Mapping({"fields": {"it": rule}, **more}, functions=functions)(record)["it"]


def bad(rule: Any, record: Any, **more: Any) -> list[tuple[str, str, str]]:
    """(path, type, reason) of every error of a single field."""
    functions = more.pop("functions", None)
    with pytest.raises(MappingError) as caught:
        Mapping({"fields": {"it": rule}, **more}, functions=functions)(record)
    return [(error.path, error.value_type, error.reason) for error in caught.value.errors]


EXAMPLE = """
source = "shop.orders"
target = "books.invoices"
[fields]
external_id = "id"
email    = { from = "customer.email", apply = ["strip", "lower"] }
total    = { from = "total_price", to = "decimal", scale = 2 }
net      = { sum = "lines", of = { multiply = ["price", "quantity", { subtract = [1, "discount"] }] }, to = "decimal", scale = 2 }
issued   = { from = "created_at", to = "date", timezone = "Europe/Berlin" }
status   = { from = "financial_status", lookup = "payment_status", otherwise = "error" }
channel  = { value = "web" }
name     = { concat = ["first", { value = " " }, "last"] }
discount = { from = "discount", optional = true }
lines    = { each = "line_items", fields = { sku = { from = "sku", apply = ["sku"] }, quantity = { from = "quantity", to = "int" } } }
[lookups.payment_status]
paid = "PAID"
refunded = "VOID"
"""

ORDER = {
    "id": 7,
    "customer": {"email": " Ann@X.Example "},
    "total_price": "12.345",
    "lines": [
        {"price": Decimal("9.80"), "quantity": 3, "discount": Decimal("0.05")},
        {"price": "0.10", "quantity": 7, "discount": 0},
    ],
    "created_at": "2024-01-31T23:30:00Z",
    "financial_status": "paid",
    "first": "Ann",
    "last": "Lee",
    "line_items": [{"sku": " a-1 ", "quantity": "3"}],
}


def sku(text: str) -> str:
    """Without blanks, in capitals."""
    return text.strip().upper()


@pytest.fixture
def example(tmp_path: Path) -> Mapping:
    path = tmp_path / "order_to_invoice.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return Mapping.load(path, functions={"sku": sku})


def test_the_example_of_the_documentation(example: Mapping) -> None:
    before = copy.deepcopy(ORDER)
    result = example(ORDER)
    assert list(result) == ["external_id", "email", "total", "net", "issued", "status", "channel", "name", "lines"]
    assert result["external_id"] == 7
    assert result["email"] == "ann@x.example"
    assert str(result["total"]) == "12.34"
    assert str(result["net"]) == "28.63"
    assert result["issued"].isoformat() == "2024-02-01"
    assert (result["status"], result["channel"], result["name"]) == ("PAID", "web", "Ann Lee")
    assert result["lines"] == [{"sku": "A-1", "quantity": 3}]
    assert before == ORDER


def test_absent_stays_absent_and_null_stays_null(example: Mapping) -> None:
    assert "discount" not in example(ORDER)
    assert example({**ORDER, "discount": None})["discount"] is None
    assert "discount" not in example({**ORDER, "discount": UNSET})
    assert list(example({**ORDER, "discount": 5}))[-2:] == ["discount", "lines"]


def test_every_bad_field_is_named_at_once(example: Mapping) -> None:
    record = {
        **ORDER,
        "customer": None,
        "total_price": 12.5,
        "lines": [{"price": "x", "quantity": None}, 5],
        "created_at": "2024-13-01",
        "financial_status": "lost",
        "line_items": [{"sku": "a", "quantity": "3"}, {"sku": 5, "quantity": "3.5"}, None],
    }
    with pytest.raises(MappingError) as caught:
        example(record)
    found = {(error.target, error.path, error.value_type) for error in caught.value.errors}
    assert found == {
        ("email", "customer.email", "missing"),
        ("total", "total_price", "float"),
        ("net", "lines[0].price", "str"),
        ("net", "lines[0].quantity", "null"),
        ("net", "lines[0].discount", "missing"),
        ("net", "lines[1]", "int"),
        ("issued", "created_at", "str"),
        ("status", "financial_status", "str"),
        ("lines[1].sku", "line_items[1].sku", "int"),
        ("lines[1].quantity", "line_items[1].quantity", "str"),
        ("lines[2]", "line_items[2]", "null"),
    }
    message = str(caught.value)
    assert "order_to_invoice.toml" in message
    assert all(error.target in message and error.reason in message for error in caught.value.errors)
    assert isinstance(caught.value.__cause__, AttributeError)  # what the user's own function raised
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.errors == caught.value.errors


def test_a_million_bad_lines_are_not_a_million_errors() -> None:
    mapping = Mapping({"fields": {"lines": {"each": "lines", "fields": {"n": {"from": "n", "to": "int"}}}}})
    with pytest.raises(MappingError, match="3000 fields of the record do not fit") as caught:
        mapping({"lines": [{"n": "x"}] * 3000})
    assert len(caught.value.errors) == 1000
    assert len(str(caught.value)) < 4000
    assert "… and 2980 more" in str(caught.value)


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("path", "record", "value"),
    [
        ("a", {"a": 1}, 1),
        ("a.b", {"a": {"b": 1}}, 1),
        ("a[0].b", {"a": [{"b": 1}]}, 1),
        ("a[-1]", {"a": [1, 2]}, 2),
        ("a[1][0]", {"a": [0, [5]]}, 5),
        ("a[1]", {"a": (0, 5)}, 5),
        ("Order Details[0].Unit Price", {"Order Details": [{"Unit Price": 3}]}, 3),
        ('"Order Details"[0]."Unit Price"', {"Order Details": [{"Unit Price": 3}]}, 3),
        ("'a.b'.c", {"a.b": {"c": 1}}, 1),
        (r'"say \"hi\"".x', {'say "hi"': {"x": 1}}, 1),
        ("größe.日本", {"größe": {"日本": 1}}, 1),
        ('""', {"": 1}, 1),
        ("@id", {"@id": 1}, 1),
        (".", {"a": 1}, {"a": 1}),
    ],
)
def test_paths(path: str, record: Any, value: Any) -> None:
    assert one(path, record) == value
    assert one({"from": path, "optional": True}, record) == value


@pytest.mark.parametrize("path", ["", "a..b", ".a", "a.", "a[", "a[x]", "a]", 'a"b"', '"a', "a[0]b", " a", "a .b", "a[1.5]", "'a'b"])
def test_what_is_not_a_path(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"fields\.it: .* is not a path"):
        Mapping({"fields": {"it": path}})


@pytest.mark.parametrize(
    ("path", "record", "at", "kind"),
    [
        ("a", {}, "a", "missing"),
        ("a", {"a": UNSET}, "a", "missing"),
        ("a.b.c", {"a": {}}, "a.b", "missing"),
        ("a.b", {"a": None}, "a.b", "missing"),
        ("a.b", {"a": "text"}, "a", "str"),
        ("a.b", {"a": [{"b": 1}]}, "a", "list"),
        ("a[0]", {"a": {"0": 1}}, "a", "dict"),
        ("a[0]", {"a": "text"}, "a", "str"),
        ("a[2]", {"a": [1, 2]}, "a[2]", "missing"),
        ("a[-3]", {"a": [1, 2]}, "a[-3]", "missing"),
        ("'x y'.'p.q'", {"x y": {}}, 'x y."p.q"', "missing"),
    ],
)
def test_where_a_path_ends(path: str, record: Any, at: str, kind: str) -> None:
    assert [(where, what) for where, what, _ in bad(path, record)] == [(at, kind)]


@pytest.mark.parametrize("record", [{}, {"a": None}, {"a": {}}, {"a": UNSET}, {"a": {"b": None}}, {"a": {"b": []}}])
def test_optional_forgives_what_is_missing(record: Any) -> None:
    assert Mapping({"fields": {"it": {"from": "a.b[0]", "optional": True}}})(record) == {}


@pytest.mark.parametrize("record", [{"a": 5}, {"a": "b"}, {"a": []}, {"a": {"b": {}}}, {"a": {"b": "text"}}])
def test_optional_does_not_forgive_another_shape(record: Any) -> None:
    assert bad({"from": "a.b[0]", "optional": True}, record)


# ---------------------------------------------------------------- null, default


def test_null_passes_through_every_step() -> None:
    rule = {"from": "a", "apply": ["strip", "own"], "lookup": "table", "to": "decimal"}
    assert one(rule, {"a": None}, lookups={"table": {"x": 1}}, functions={"own": lambda value: 1 / 0}) is None


def test_null_can_be_refused() -> None:
    rule = {"from": "a", "to": "decimal", "nullable": False}
    assert bad(rule, {"a": None}) == [("a", "null", "null is not allowed here")]
    assert one(rule, {"a": "1"}) == 1
    assert bad({"from": "a", "apply": ["gone"], "nullable": False}, {"a": "x"}, functions={"gone": lambda value: None})


def test_default_stands_for_what_is_missing_and_not_for_null() -> None:
    rule = {"from": "a.b", "to": "decimal", "scale": 2, "default": 0}
    assert str(one(rule, {})) == "0.00"
    assert str(one(rule, {"a": None})) == "0.00"
    assert one(rule, {"a": {"b": None}}) is None
    assert str(one({**rule, "nullable": False}, {"a": {"b": None}})) == "0.00"
    assert one({"from": "a", "default": None}, {}) is None


def test_what_a_default_holds_is_not_shared() -> None:
    mapping = Mapping({"fields": {"a": {"from": "a", "default": []}, "b": {"value": {"x": [1]}}}})
    first, second = mapping({}), mapping({})
    assert first == second == {"a": [], "b": {"x": [1]}}
    first["a"].append(1)
    first["b"]["x"].append(1)
    assert second == {"a": [], "b": {"x": [1]}} == mapping({})


def test_constants_mean_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "constants.toml"
    path.write_text(
        '[fields]\na = { value = 0.10 }\nb = { value = "0.1", to = "decimal", scale = 3 }\nc = { value = 2024-02-29 }\nd = { value = true }\n'
    )
    result = Mapping.load(path)({})
    assert {name: str(value) for name, value in result.items()} == {"a": "0.10", "b": "0.100", "c": "2024-02-29", "d": "True"}
    assert one({"value": 0.1}, {}) == Decimal("0.1")
    assert one({"value": 0.5, "to": "float"}, {}) == 0.5
    assert one({"value": None}, {}) is None


# ---------------------------------------------------------------- apply


def test_built_in_functions() -> None:
    assert one({"from": "a", "apply": ["strip", "title"]}, {"a": "  ann lee "}) == "Ann Lee"
    assert one({"from": "a", "apply": ["upper"]}, {"a": "ß"}) == "SS"
    assert one({"from": "a", "apply": ["casefold"]}, {"a": "STRAẞE"}) == "strasse"

    class Text(str):
        __slots__ = ()

    assert one({"from": "a", "apply": ["lower"]}, {"a": Text("A")}) == "a"
    assert bad({"from": "a", "apply": ["strip"]}, {"a": 5}) == [("a", "int", "5 is an int, and strip works on text")]


def test_text_made_of_digits_is_not_a_number_yet() -> None:
    assert str(one({"concat": ["a", "a"], "to": "decimal"}, {"a": 1})) == "11"
    assert str(one({"concat": ["a", {"value": "."}, "a"], "to": "decimal", "scale": 2}, {"a": 1})) == "1.10"
    assert one({"add": [{"concat": ["a", "a"]}, 1]}, {"a": 1}) == 12


def test_own_functions_stand_anywhere_in_the_chain() -> None:
    functions = {"first": lambda text: text[0], "gone": lambda text: UNSET, "null": lambda text: None}
    assert one({"from": "a", "apply": ["strip", "first", "upper"]}, {"a": " xy"}, functions=functions) == "X"
    assert one({"from": "a", "apply": ["null", "upper"]}, {"a": "x"}, functions=functions) is None
    assert Mapping({"fields": {"it": {"from": "a", "apply": ["gone", "upper"], "optional": True}}}, functions=functions)({"a": "x"}) == {}
    assert bad({"from": "a", "apply": ["gone"]}, {"a": "x"}, functions=functions) == [("a", "missing", "is missing")]
    assert one({"from": "a", "apply": ["gone"], "default": 5}, {"a": "x"}, functions=functions) == 5


def test_what_a_function_raises_is_an_error_of_the_field() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def rude(value: Any) -> Any:
        raise Rude

    def wrong(value: Any) -> Any:
        raise ValueError("no such sku " + "x" * 500)

    ((path, kind, reason),) = bad({"from": "a", "apply": ["wrong"]}, {"a": 1}, functions={"wrong": wrong})
    assert (path, kind) == ("a", "int")
    assert reason.startswith("function 'wrong' failed on 1: ValueError: 'no such sku xxx")
    assert len(reason) < 150
    ((_, _, reason),) = bad({"from": "a", "apply": ["rude"]}, {"a": 1}, functions={"rude": rude})
    assert reason == "function 'rude' failed on 1: Rude: no message"
    assert "ZeroDivisionError" in bad({"from": "a", "apply": ["zero"]}, {"a": 1}, functions={"zero": lambda value: 1 / 0})[0][2]


# ---------------------------------------------------------------- lookups

TABLE = {"table": {"paid": "PAID", "1": "one", "true": "yes", "": "nothing"}}


@pytest.mark.parametrize(("value", "expected"), [("paid", "PAID"), ("1", "one"), (1, "one"), (True, "yes"), ("", "nothing")])
def test_lookup(value: Any, expected: str) -> None:
    assert one({"from": "a", "lookup": "table"}, {"a": value}, lookups=TABLE) == expected
    assert one({"from": "a", "lookup": "table", "otherwise": {"value": 0}}, {"a": value}, lookups=TABLE) == expected


def test_what_is_not_in_the_table() -> None:
    assert bad({"from": "a", "lookup": "table"}, {"a": "Paid"}, lookups=TABLE) == [
        ("a", "str", "'Paid' is not in lookup 'table', and 'paid' is: apply = [\"lower\"] finds it, or ignore_case = true in [tables.table]")
    ]
    assert one({"from": "a", "lookup": "table", "otherwise": "keep"}, {"a": "open"}, lookups=TABLE) == "open"
    assert one({"from": "a", "lookup": "table", "otherwise": {"value": "?"}}, {"a": "open"}, lookups=TABLE) == "?"
    assert one({"from": "a", "lookup": "table", "otherwise": {"value": "5"}, "to": "int"}, {"a": "open"}, lookups=TABLE) == 5


@pytest.mark.parametrize("value", [1.0, Decimal("1.5"), [], {}, b"1"])
@pytest.mark.parametrize("otherwise", ["error", "keep", {"value": 1}])
def test_only_text_whole_numbers_and_bools_are_looked_up(value: Any, otherwise: Any) -> None:
    assert "cannot be looked up" in bad({"from": "a", "lookup": "table", "otherwise": otherwise}, {"a": value}, lookups=TABLE)[0][2]


def test_a_lookup_of_a_dict_may_have_numbers_for_keys() -> None:
    assert one({"from": "a", "lookup": "n"}, {"a": "2"}, lookups={"n": {1: "one", 2: "two", False: "no"}}) == "two"
    with pytest.raises(ConfigurationError, match="there twice"):
        Mapping({"fields": {"a": "a"}, "lookups": {"n": {1: "one", "1": "two"}}})


# ---------------------------------------------------------------- lists and objects


def test_each_nests() -> None:
    mapping = Mapping(
        {
            "fields": {
                "parcels": {
                    "each": "shipments",
                    "fields": {
                        "no": "id",
                        "items": {"each": "lines", "optional": True, "fields": {"sku": "sku", "qty": {"from": "q", "default": 1}}},
                    },
                }
            }
        }
    )
    assert mapping(
        {"shipments": [{"id": 1, "lines": [{"sku": "a"}, {"sku": "b", "q": 2}]}, {"id": 2}, {"id": 3, "lines": None}, {"id": 4, "lines": ()}]}
    ) == {
        "parcels": [
            {"no": 1, "items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}]},
            {"no": 2},
            {"no": 3, "items": None},
            {"no": 4, "items": []},
        ]
    }


@pytest.mark.parametrize("lines", ["", "ab", {}, 5, {"a": 1}, {1}])
@pytest.mark.parametrize(
    "rule", [{"each": "l", "fields": {"x": "x"}}, {"sum": "l"}, {"count": "l"}, {"first": "l"}, {"last": "l"}, {"first": "l", "of": "x"}]
)
def test_what_is_not_a_list_is_not_an_empty_one(rule: Any, lines: Any) -> None:
    assert "stands where a list is wanted" in bad(rule, {"l": lines})[0][2]
    assert "stands where a list is wanted" in bad({**rule, "optional": True}, {"l": lines})[0][2]


def test_objects() -> None:
    mapping = Mapping(
        {
            "fields": {
                "flat": {"fields": {"email": "customer.email", "inner": {"fields": {"id": "id"}}}},
                "based": {"from": "customer", "optional": True, "fields": {"email": {"from": "email", "optional": True}}},
            }
        }
    )
    assert mapping({"id": 1, "customer": {"email": "x"}}) == {"flat": {"email": "x", "inner": {"id": 1}}, "based": {"email": "x"}}
    assert mapping({"id": 1, "customer": {"email": None}})["based"] == {"email": None}
    loose = Mapping({"fields": {"based": {"from": "c", "optional": True, "fields": {"x": {"from": "x", "optional": True}}}}})
    assert loose({}) == {}
    assert loose({"c": None}) == {"based": None}
    assert loose({"c": {}}) == {"based": {}}
    with pytest.raises(MappingError, match="a list stands where an object is wanted"):
        loose({"c": []})
    assert bad({"from": "c", "fields": {"x": "x"}, "nullable": False}, {"c": None}) == [("c", "null", "null is not allowed here")]


def test_a_target_name_is_taken_as_it_is() -> None:
    assert Mapping({"fields": {"a.b": "x", "": "x", "it's \"\n": "x"}})({"x": 1}) == {"a.b": 1, "": 1, "it's \"\n": 1}
    with pytest.raises(ConfigurationError, match="unknown option 'email'"):
        Mapping({"fields": {"customer": {"email": "email"}}})


# ---------------------------------------------------------------- operators


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"add": ["a", "b"]}, "5.5"),
        ({"add": ["a", "b", 1, 0.25]}, "6.75"),
        ({"subtract": ["a", "b", "a"]}, "-2.5"),
        ({"multiply": ["a", "b", {"add": [1, 1]}]}, "15.0"),
        ({"divide": ["a", 4]}, "0.75"),
        ({"divide": ["a", "b", 2], "to": "decimal", "scale": 3}, "0.600"),
        ({"sum": "l"}, "6.5"),
        ({"sum": "o", "of": "x"}, "3"),
        ({"sum": "o", "of": {"multiply": ["x", "x"]}}, "5"),
        ({"sum": "empty"}, "0"),
        ({"count": "l"}, "3"),
        ({"first": "l"}, "1"),
        ({"last": "l"}, "3.5"),
        ({"last": "o", "of": "x", "to": "decimal", "scale": 1}, "2.0"),
        ({"concat": ["t", "a", {"value": "-"}, "b", 7]}, "x3-2.57"),
        ({"coalesce": ["none", "nope", "nope.deep", "a"]}, "3"),
        ({"coalesce": ["none", {"value": "?"}]}, "?"),
        ({"sum": {"coalesce": ["nope", {"value": []}]}}, "0"),
        ({"add": ["a", {"from": "nope", "default": 2}]}, "5"),
        ({"add": [{"from": "text", "apply": ["strip"]}, 1]}, "13.50"),
    ],
)
def test_operators(rule: Any, expected: str) -> None:
    record = {
        "a": 3,
        "b": Decimal("2.5"),
        "l": [1, "2", Decimal("3.5")],
        "o": [{"x": 1}, {"x": 2}],
        "empty": [],
        "t": "x",
        "none": None,
        "text": " 12.50 ",
    }
    assert str(one(rule, record)) == expected


def test_arithmetic_gives_decimals_and_count_an_int() -> None:
    assert type(one({"add": [1, 2]}, {})) is Decimal
    assert type(one({"sum": "l"}, {"l": []})) is Decimal
    assert type(one({"sum": "l"}, {"l": [1]})) is Decimal
    assert type(one({"count": "l"}, {"l": [1]})) is int


NO_NUMBERS = [None, True, "x", "", "1_000", "NaN", "Infinity", "٣", [], {}, float("nan"), 1.5, b"1", "9" * 401, 1j]
NO_NUMBERS += [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(
    "rule", [{"add": ["a", 1]}, {"multiply": [0, "a"]}, {"divide": [1, "a"]}, {"sum": "l"}, {"sum": "l", "of": {"multiply": [".", 2]}}]
)
def test_what_arithmetic_refuses(rule: Any, value: Any) -> None:
    assert len(bad(rule, {"a": value, "l": [1, value]})) == 1
    assert len(bad({**rule, "optional": True}, {"a": value, "l": [1, value]})) == 1


def test_floats_only_by_their_shortest_text() -> None:
    assert 'float = "shortest"' in bad({"add": ["a", 0]}, {"a": 0.1})[0][2]
    assert str(one({"add": ["a", "b"], "float": "shortest"}, {"a": 0.1, "b": 0.2})) == "0.3"
    rule = {"sum": "l", "of": {"multiply": ["p", {"subtract": [1, "d"]}]}, "float": "shortest"}
    assert str(one(rule, {"l": [{"p": 9.8, "d": 0.05}]})) == "9.310"
    assert bad({"add": ["a", 0], "float": "shortest"}, {"a": float("inf")})
    assert str(one({"concat": ["a", "b"], "float": "shortest"}, {"a": 0.5, "b": "x"})) == "0.5x"
    assert bad({"concat": ["a"]}, {"a": 0.5})


def test_digits_are_never_lost_silently() -> None:
    wide = {"a": Decimal("1e300"), "b": Decimal("1e-300")}
    assert "more than 400 digits" in bad({"add": ["a", "b"]}, wide)[0][2]
    assert one({"multiply": ["a", "b"]}, wide) == 1
    assert bad({"multiply": ["a", "a"]}, {"a": Decimal("1e999999")})
    assert bad({"multiply": ["a", "a"]}, {"a": Decimal("1e-999999")})
    assert "more than 400 digits" in bad({"add": ["a", 1]}, {"a": 10**400})[0][2]
    assert one({"multiply": [0, "a"]}, {"a": 10**400}) == 0
    assert "division by zero" in bad({"divide": [1, "a"]}, {"a": 0})[0][2]
    assert "division by zero" in bad({"divide": [0, "a"]}, {"a": "0.0"})[0][2]
    assert len(str(one({"divide": [1, 3]}, {}))) == 52
    assert str(one({"multiply": [{"divide": [1, 3]}, 3], "to": "decimal", "scale": 2}, {})) == "1.00"


def test_the_callers_decimal_context_does_not_matter() -> None:
    record = {"l": [Decimal("0.1234567890123456789")] * 3, "t": "abc"}
    mapping = Mapping({"fields": {"s": {"sum": "l"}, "t": {"from": "t", "to": "decimal", "optional": True}}})
    with localcontext(Context(prec=3, traps=[])):
        before = getcontext().copy()
        assert str(mapping({"l": record["l"]})["s"]) == "0.3703703670370370367"
        with pytest.raises(MappingError, match="'abc' is not a"):
            mapping(record)
        assert getcontext().prec == before.prec


def test_a_missing_operand() -> None:
    assert bad({"add": ["a", "b"]}, {}) == [("a", "missing", "is missing"), ("b", "missing", "is missing")]
    for rule in ({"add": ["a", "b"]}, {"concat": ["a", "b"]}, {"coalesce": ["b", "c"]}, {"sum": "b"}, {"count": "b"}, {"first": "b"}):
        mapping = Mapping({"fields": {"it": {**rule, "optional": True}}})
        assert mapping({"a": 1}) == {}
        assert mapping._carefully({"a": 1}) == {}
    assert bad({"coalesce": ["b", "c"]}, {})[0][2] == "none of the coalesce operands is there: b, c"
    assert one({"coalesce": ["b", "c"]}, {"b": None}) is None
    assert one({"coalesce": ["b", "c"], "default": 1}, {}) == 1
    # One bad line makes no smaller total, whatever is optional.
    assert bad({"sum": "l", "of": "x", "optional": True}, {"l": [{"x": 1}, {}]}) == [("l[1].x", "missing", "is missing")]


def test_first_and_last_of_nothing() -> None:
    assert bad({"first": "l"}, {"l": []})[0][2] == "the list is empty: it has no first item"
    assert one({"last": "l", "default": 0}, {"l": []}) == 0
    assert one({"first": "l"}, {"l": [None]}) is None
    assert one({"first": "l", "of": "x"}, {"l": [{"x": 1}, 5]}) == 1
    assert bad({"first": "l", "of": "x"}, {"l": [{}]}) == [("l[0].x", "missing", "is missing")]


# ---------------------------------------------------------------- records of every kind


def test_records_need_not_be_dicts() -> None:
    @define
    class Line:
        price: int

    @define
    class Order:
        id: int
        lines: list[Line]
        note: Any = UNSET

    mapping = Mapping({"fields": {"id": "id", "total": {"sum": "lines", "of": "price"}, "note": {"from": "note", "optional": True}}})
    assert mapping(Order(1, [Line(2), Line(3)])) == {"id": 1, "total": 5}
    plain = {"id": 1, "lines": [OrderedDict(price=5), MappingProxyType({"price": 1})]}
    for record in (OrderedDict(plain), UserDict(plain), MappingProxyType(plain)):
        assert mapping(record) == {"id": 1, "total": 6}


def test_a_defaultdict_invents_no_field() -> None:
    record = {"c": defaultdict(str)}
    assert bad("c.email", record) == [("c.email", "missing", "is missing")]
    assert one({"from": "c.email", "default": "?"}, record) == "?"
    assert not record["c"]


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Hostile
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise RuntimeError("hash")


class HostileText(str):
    __slots__ = ()

    def strip(self, *arguments: Any) -> str:
        raise RuntimeError("strip")

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __len__(self) -> int:
        raise RuntimeError("len")


class HostileDict(UserDict[str, Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("iter")


def deep(levels: int, kind: type) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = [value] if kind is list else {"id": value}
    return value


def outcome(mapping: Mapping, record: Any) -> tuple[Any, tuple[FieldError, ...], str]:
    """(result, errors, message): anything but a result or a MappingError fails the test."""
    try:
        return mapping(record), (), ""
    except MappingError as problem:
        return None, problem.errors, str(problem)


HOSTILE = [
    None, True, 0, -1, 10**5000, 1e308, float("nan"), float("-inf"), "", "x" * 50_000_000, "9" * 5_000_000, "\ud800", "\x00", b"x", [], {}, (),
    set(),
    deep(10_000, list), deep(10_000, dict), Hostile(), Hostile, HostileText("x"), HostileDict(), UNSET, object(),
    Decimal("sNaN"), Decimal("1e999999"), Decimal("1e-999999"), [None], [[]], [{}], {"email": {}},
    {None: None}, {1: 2}, [Hostile()], 1j, NotImplemented, Ellipsis, range(3), iter(()),
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=[f"{index}-{type(value).__name__}" for index, value in enumerate(HOSTILE)])
def test_hostile_values_are_mapping_errors_or_right_answers(example: Mapping, value: Any) -> None:
    everything = Mapping(
        {
            "fields": {
                **{to: {"from": "a", "to": to} for to in ("str", "int", "float", "decimal", "bool")},
                "date": {"from": "a", "to": "date", "timezone": "Europe/Berlin"},
                "datetime": {"from": "a", "to": "datetime", "timezone": "Europe/Berlin"},
                "scale": {"from": "a", "to": "decimal", "scale": 2, "float": "shortest"},
                "text": {"concat": ["a"], "float": "shortest"},
                "plus": {"add": ["a", 1]},
                "table": {"from": "a", "lookup": "table", "otherwise": "keep"},
            },
            "lookups": {"table": {"x": 1}},
        }
    )
    records = [
        value,
        *({**ORDER, name: value} for name in ORDER),
        {**ORDER, "lines": [value]},
        {**ORDER, "line_items": [{"sku": value, "quantity": value}]},
    ]
    for mapping, record in [*((example, record) for record in records), (everything, {"a": value})]:
        result, errors, message = outcome(mapping, record)
        assert (result is None) == bool(errors)
        assert set(result or ()) <= set(mapping.fields)
        assert all(len(error.reason) < 400 and error.path for error in errors)
        assert len(message) < 10_000
        mapping.coverage([record])


def test_a_deep_object_is_handed_on() -> None:
    record = deep(10_000, dict)
    assert one("id.id", record) is record["id"]["id"]


# ---------------------------------------------------------------- the object itself


def test_repr_and_names(example: Mapping) -> None:
    assert "order_to_invoice.toml" in repr(example)
    assert f"shop.orders → books.invoices, 10 fields, version {example.version}>" in repr(example)
    assert (example.source_name, example.target_name) == ("shop.orders", "books.invoices")
    plain = Mapping({"fields": {"a": "a"}})
    assert (plain.source_name, plain.target_name) == (None, None)
    assert repr(plain) == f"<Mapping 'Mapping({{…}})', 1 field, version {plain.version}>"


def test_the_version_follows_the_content() -> None:
    tree = {"fields": {"a": "x", "b": {"from": "y", "to": "int"}}, "lookups": {"t": {"1": 0.5}}}
    other = {"lookups": {"t": {1: Decimal("0.5")}}, "fields": {"b": {"to": "int", "from": "y"}, "a": "x"}}
    version = Mapping(tree).version
    assert version == Mapping(other).version == Mapping(copy.deepcopy(tree), functions={"f": str}).version
    assert len(version) == 12
    assert int(version, 16) >= 0
    tree["fields"]["a"] = "z"
    assert Mapping(tree).version != version


def test_a_later_change_of_the_tree_changes_nothing() -> None:
    tree: dict[str, Any] = {"fields": {"a": {"from": "a", "lookup": "t"}}, "lookups": {"t": {"x": 1}}}
    mapping = Mapping(tree)
    tree["lookups"]["t"]["x"] = 2
    tree["fields"].clear()
    assert mapping({"a": "x"}) == {"a": 1}


def test_pickle_and_copy(example: Mapping) -> None:
    for again in (pickle.loads(pickle.dumps(example)), copy.deepcopy(example)):
        assert again(ORDER) == example(ORDER)
        assert again.version == example.version
        assert repr(again) == repr(example)


def test_the_generated_source_can_be_read_and_is_forgotten() -> None:
    mapping = Mapping({"fields": {"a": {"from": "x", "apply": ["f"]}}}, functions={"f": lambda value: sys._getframe(1).f_code.co_filename})
    filename = mapping({"x": 1})["a"]
    assert linecache.getlines(filename) == mapping.source().splitlines(keepends=True)
    assert "record" in mapping.source()
    del mapping
    gc.collect()
    assert filename not in linecache.cache


@pytest.mark.parametrize(
    "name", ["'); import os; os.abort() #", '"""\nraise SystemExit\n"""', "\\", "\\'", "{x}", "\u2028raise SystemExit", "\ud800"]
)
def test_no_name_becomes_code(name: str) -> None:
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    rule = {"from": f"{quoted}.{quoted}", "apply": [name], "lookup": name, "otherwise": {"value": name}}
    tree = {
        "source": name,
        "fields": {name: rule, "v": {"value": name}, "w": {"concat": [{"value": name}]}},
        "lookups": {name: {name: name}},
    }
    mapping = Mapping(tree, functions={name: lambda value: value})
    assert mapping({name: {name: name}}) == {name: name, "v": name, "w": name}
    assert mapping({name: {name: "?"}})[name] == name
    assert mapping.document()


def test_one_mapping_serves_many_threads(example: Mapping) -> None:
    expected = example(ORDER)
    results: list[bool] = []

    def work() -> None:
        results.append(all(example(ORDER) == expected for _ in range(200)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
