"""Flat rows as documents: the rule ``group`` inside a record, `grouped` over records, and two real databases joined flat and grouped again."""

from __future__ import annotations

import sqlite3
from collections import UserDict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping, grouped
from integrakit.unset import UNSET

D = Decimal
DATA = Path(__file__).parents[2].parent / "shared" / "data"
ROWS = [
    {"order": 7, "name": "Ann", "sku": "A", "net": D("1.10")},
    {"order": 8, "name": "Bob", "sku": "B", "net": 2},
    {"order": 7, "name": "Ann", "sku": "C", "net": "3.30"},
]
ORDERS = {
    "group": "rows",
    "by": "order",
    "fields": {
        "id": "order",
        "name": "name",
        "total": {"sum": "rows", "of": "net"},
        "lines": {"each": "rows", "fields": {"n": {"position": 1}, "sku": "sku"}},
    },
}


def one(rule: Any, record: Any) -> Any:
    """The value of a single field, from both passes."""
    mapping = Mapping({"fields": {"it": rule}})
    result = mapping._mapped(record)
    assert repr(mapping._carefully(record)) == repr(result)
    return result.get("it", UNSET)


def bad(rule: Any, record: Any) -> list[tuple[str, str]]:
    """(path, reason) of every error."""
    mapping = Mapping({"fields": {"it": rule}})
    with pytest.raises(Exception):  # noqa: B017 - the code may raise anything, and must raise something
        mapping._mapped(record)
    with pytest.raises(MappingError) as caught:
        mapping(record)
    return [(error.path, error.reason) for error in caught.value.errors]


def test_rows_become_documents() -> None:
    assert one(ORDERS, {"rows": ROWS}) == [
        {"id": 7, "name": "Ann", "total": D("4.40"), "lines": [{"n": 1, "sku": "A"}, {"n": 2, "sku": "C"}]},
        {"id": 8, "name": "Bob", "total": D(2), "lines": [{"n": 1, "sku": "B"}]},
    ]
    assert one(ORDERS, {"rows": []}) == []
    assert one(ORDERS, {"rows": None}) is None
    assert one({**ORDERS, "optional": True}, {}) is UNSET


def test_sort_and_where_are_about_the_rows() -> None:
    found = one({**ORDERS, "sort": "sku", "descending": True, "where": "sku != 'B'"}, {"rows": ROWS})
    assert [[line["sku"] for line in order["lines"]] for order in found] == [["C", "A"]]
    assert [order["id"] for order in one({**ORDERS, "sort": "order", "descending": True}, {"rows": ROWS})] == [8, 7]


def test_what_is_not_the_same_is_an_error() -> None:
    rows = [*ROWS, {"order": 7, "name": "Zoe", "sku": "D", "net": 1}]
    [(path, reason)] = bad(ORDERS, {"rows": rows})
    assert path == "rows[3].name"
    assert reason == "is 'Zoe', and 'Ann' at rows[0].name, in the same group: what differs between the rows of a group is read through them"
    [(path, reason)] = bad(ORDERS, {"rows": [*ROWS, {"order": 7, "sku": "D", "net": 1}]})
    assert (path, reason[:12]) == ("rows[3].name", "is missing, ")
    first = {**ORDERS, "fields": {"name": {"first": "rows", "of": "name"}, "all": {"values": "rows", "of": "name", "distinct": True}}}
    assert one(first, {"rows": rows})[0] == {"name": "Ann", "all": ["Ann", "Zoe"]}


def test_what_is_the_same_by_value_agrees() -> None:
    rows = [
        {"k": 1, "v": D("1.0"), "o": {"a": [1, None]}},
        {"k": D("1.00"), "v": 1, "o": {"a": [D(1), None]}},
        {"k": 1.0, "v": 1.0, "o": {"a": (1, None)}},
    ]
    rule = {"group": "rows", "by": "k", "fields": {"v": "v", "o": "o", "n": {"count": "rows"}}}
    assert one(rule, {"rows": rows}) == [{"v": D("1.0"), "o": {"a": [1, None]}, "n": 3}]
    assert bad(rule, {"rows": [*rows, {"k": 1, "v": "1", "o": {"a": [1, None]}}]})[0][0] == "rows[3].v"
    assert bad(rule, {"rows": [*rows, {"k": 1, "v": 1, "o": {"a": [2, None]}}]})[0][0] == "rows[3].o"
    assert bad(rule, {"rows": [*rows, {"k": 1, "v": 1, "o": {"a": [1, None], "b": 1}}]})[0][0] == "rows[3].o"


def test_paths_below_objects_and_missing_everywhere() -> None:
    rows = [{"k": 1, "c": {"n": "x", "t": 1}}, {"k": 1, "c": {"n": "x", "t": 2}}]
    rule = {"group": "rows", "by": "k", "fields": {"n": "c.n", "z": {"from": "c.z", "optional": True}}}
    assert one(rule, {"rows": rows}) == [{"n": "x"}]
    assert bad({"group": "rows", "by": "k", "fields": {"t": "c.t"}}, {"rows": rows})[0][0] == "rows[1].c.t"
    assert bad({"group": "rows", "by": "k", "fields": {"z": "c.z"}}, {"rows": rows}) == [("rows[0].c.z", "is missing")]
    assert bad(rule, {"rows": [*rows, {"k": 1, "c": "text"}]})[0][0] == "rows[2].c"


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ([1, 1.0, D("1.00"), D(1)], 1),
        ([1, True, "1", None, D("1.5"), 1.5], 5),
        ([None, None], 1),
        ([0, False, "", D("-0")], 3),
        ([0.1, D("0.1")], 1),
        ([datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2024, 1, 1, tzinfo=UTC)], 1),
        ([datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)], 2),
        (["\u00e9", "e\u0301"], 2),
    ],
)
def test_keys_by_value(keys: list[Any], count: int) -> None:
    found = one({"group": "l", "by": "k", "fields": {"n": {"count": "rows"}}}, {"l": [{"k": key} for key in keys]})
    assert len(found) == count


def test_several_keys_and_rules_as_keys() -> None:
    rows = [{"a": 1, "b": 1}, {"a": "1", "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 1}]
    rule = {"group": "l", "by": ["a", "b"], "fields": {"a": "a", "b": "b", "n": {"count": "rows"}}}
    assert one(rule, {"l": rows}) == [{"a": 1, "b": 1, "n": 2}, {"a": "1", "b": 1, "n": 1}, {"a": 1, "b": 2, "n": 1}]
    first = {"from": "name", "apply": ["lower"]}
    rule = {"group": "l", "by": first, "fields": {"name": {"first": "rows", "of": first}, "n": {"count": "rows"}}}
    assert one(rule, {"l": [{"name": "A"}, {"name": "b"}, {"name": "a"}]}) == [{"name": "a", "n": 2}, {"name": "b", "n": 1}]


@pytest.mark.parametrize("key", [[1], {"a": 1}, object(), D("NaN"), float("inf"), {1}, UNSET])
def test_what_cannot_be_a_key(key: Any) -> None:
    rule = {"group": "l", "by": "k", "fields": {"n": {"count": "rows"}}}
    assert bad(rule, {"l": [{"k": 1}, {"k": key}]})[0][0] == "l[1].k"


def test_the_rows_may_have_another_name() -> None:
    rows = [{"k": 1, "rows": 5}]
    assert "give the rows of a group another name with as" in bad({"group": "l", "by": "k", "fields": {"k": "k"}}, {"l": rows})[0][1]
    assert one({"group": "l", "by": "k", "as": "all", "fields": {"r": "rows", "n": {"count": "all"}}}, {"l": rows}) == [{"r": 5, "n": 1}]


def test_errors_name_the_row_of_the_record() -> None:
    rule = {"group": "l", "by": "k", "fields": {"lines": {"each": "rows", "fields": {"x": {"from": "x", "to": "int"}}}}}
    assert [path for path, _ in bad(rule, {"l": [{"k": 1, "x": 1}, {"k": 2, "x": "a"}, {"k": 1, "x": "b"}]})] == ["l[2].x", "l[1].x"]
    total = {"group": "l", "by": "k", "fields": {"t": {"sum": "rows", "of": "x"}}}
    assert bad(total, {"l": [{"k": 1, "x": 1}, {"k": 1}]}) == [("l[1].x", "is missing")]
    assert bad({**total, "fields": {"t": {"first": "rows", "of": "x", "where": "x == 5"}}}, {"l": [{"k": 1, "x": 1}]})[0][0] == "l"
    assert bad(total, {"l": [{"k": 1, "x": 1}, "row", 5]})[0][0] == "l[1]"


def test_groups_in_groups() -> None:
    inner = {"group": "rows", "by": "b", "as": "lines", "fields": {"b": "b", "x": {"sum": "lines", "of": "x"}}}
    rule = {"group": "l", "by": "a", "fields": {"a": "a", "inner": inner}}
    rows = [{"a": 1, "b": 1, "x": 1}, {"a": 2, "b": 1, "x": 2}, {"a": 1, "b": 2, "x": 3}, {"a": 1, "b": 1, "x": 4}]
    assert one(rule, {"l": rows}) == [{"a": 1, "inner": [{"b": 1, "x": D(5)}, {"b": 2, "x": D(3)}]}, {"a": 2, "inner": [{"b": 1, "x": D(2)}]}]
    rows[3]["x"] = "bad"
    assert bad(rule, {"l": rows})[0][0] == "l[3].x"


def test_groups_of_flattened_rows() -> None:
    rule = {
        "group": {"flatten": "orders[].lines", "as": ["order", "line"]},
        "by": "line.sku",
        "fields": {"sku": "line.sku", "orders": {"values": "rows", "of": "order.id", "distinct": True}, "n": {"sum": "rows", "of": "line.n"}},
    }
    orders = [{"id": 1, "lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]}, {"id": 2, "lines": [{"sku": "A", "n": 5}]}]
    assert one(rule, {"orders": orders}) == [{"sku": "A", "orders": [1, 2], "n": D(6)}, {"sku": "B", "orders": [1], "n": D(2)}]
    orders[1]["lines"][0]["n"] = "x"
    assert bad(rule, {"orders": orders})[0][0] == "orders[1].lines[0].n"
    assert set(Mapping({"fields": {"it": rule}}).coverage([{"orders": [{"z": 1, **orders[0]}]}]).unused) == {"orders[].z"}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"group": "l", "by": "k"}, "group needs fields"),
        ({"group": "l", "fields": {"a": "a"}}, "group needs by"),
        ({"group": "l", "by": [], "fields": {"a": "a"}}, "group needs by"),
        ({"group": "l", "by": 5, "fields": {"a": "a"}}, "group needs by"),
        ({"group": "l", "by": ["a", 5], "fields": {"a": "a"}}, "fields.it.by[1]"),
        ({"group": "l", "by": "k", "as": "", "fields": {"a": "a"}}, "as is the name"),
        ({"group": "l", "by": "k", "as": ["x"], "fields": {"a": "a"}}, "as is the name"),
        ({"group": "l", "by": "k", "fields": {"a": "."}}, "the path . says nothing in a group"),
        ({"group": "l", "by": "k", "fields": {"a": "a"}, "to": "str"}, "to has no meaning beside group"),
    ],
)
def test_mistakes(rule: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"it": rule}})
    assert words in str(caught.value)


def test_the_page_and_coverage() -> None:
    mapping = Mapping({"fields": {"orders": {**ORDERS, "where": "net > 0"}}})
    page = mapping.document()
    for row in [
        "| orders\\[\\].id | rows\\[\\].order | as it is |",
        "| orders\\[\\].total | rows\\[\\].net | sum(rows of net) |",
        "| orders\\[\\].lines\\[\\].sku | rows\\[\\].sku | as it is |",
        "a list, one object for each item of the rows of rows where net &gt; 0 with the same order",
    ]:
        assert row in page
    assert set(mapping.coverage([{"rows": [{**row, "net": 1, "z": 1} for row in ROWS], "y": 1}]).unused) == {"rows[].z", "y"}


# ---------------------------------------------------------------- grouped


def test_grouped_rows() -> None:
    rows = sorted(ROWS, key=lambda row: row["order"])
    documents = grouped(rows, by="order", into="lines", common=["name"])
    wanted = [{"order": 7, "name": "Ann", "lines": [ROWS[0], ROWS[2]]}, {"order": 8, "name": "Bob", "lines": [ROWS[1]]}]
    assert list(documents) == wanted
    assert list(documents) == wanted
    assert list(grouped([], by="order")) == []
    assert repr(documents) == "<grouped by order into 'lines'>"
    mapping = Mapping({"fields": {"id": "order", "total": {"sum": "lines", "of": "net"}}})
    assert [mapping(document) for document in documents] == [{"id": 7, "total": D("4.40")}, {"id": 8, "total": D(2)}]


def test_grouped_holds_one_document() -> None:
    read = 0

    def rows() -> Iterator[dict[str, int]]:
        nonlocal read
        for read in range(1000):
            yield {"k": read // 10}

    documents = iter(grouped(rows(), by="k"))
    assert next(documents) == {"k": 0, "rows": [{"k": 0}] * 10}
    assert read == 10


def test_grouped_refuses_what_it_cannot_bring_together() -> None:
    with pytest.raises(MappingError, match=r"row 3: order: order 7 comes again after other rows: sort the rows by order"):
        list(grouped(ROWS, by="order"))
    with pytest.raises(MappingError, match=r"row 2: name: is 'Bob', and 'Ann' in the first row of the same order") as caught:
        list(grouped([ROWS[0], {**ROWS[0], "name": "Bob"}], by="order", common="name"))
    assert [(error.path, error.value_type) for error in caught.value.errors] == [("name", "str")]
    with pytest.raises(MappingError, match=r"row 1: order: is missing"):
        list(grouped([{"a": 1}], by="order"))
    with pytest.raises(MappingError, match=r"row 1: order: a list cannot be a key"):
        list(grouped([{"order": []}], by="order"))
    with pytest.raises(MappingError, match=r"row 2: \.: text stands|row 2: \.: a str stands where an object is wanted"):
        list(grouped([{"order": 1}, "x"], by="order"))
    with pytest.raises(MappingError, match=r"more than 2 rows have the same order"):
        list(grouped([{"order": 1}] * 3, by="order", most=2))


class Unwilling(UserDict[str, Any]):
    """A mapping that cannot be read."""

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")


def test_grouped_says_which_row_cannot_be_read() -> None:
    with pytest.raises(MappingError, match=r"row 2: \.: reading it failed: RuntimeError"):
        list(grouped([{"k": 1}, Unwilling(k=1)], by="k"))


def test_grouped_reads_an_iterator_once() -> None:
    documents = grouped(iter(ROWS[:1]), by="order")
    assert len(list(documents)) == 1
    with pytest.raises(ConfigurationError, match="only once"):
        list(documents)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rows": 5}, "an iterable of records, not an int"),
        ({"rows": "text"}, "an iterable of records"),
        ({"rows": {}}, "an iterable of records, not an object"),
        ({"by": ()}, "at least one field"),
        ({"by": 5}, "takes the name of a field"),
        ({"by": ["a", 5]}, "takes the name of a field"),
        ({"by": ""}, "takes the name of a field"),
        ({"common": 5}, "common=…"),
        ({"into": "k"}, "none of those in by and common"),
        ({"into": ""}, "the name of the field for the rows"),
        ({"most": 0}, "at least 1"),
        ({"most": True}, "at least 1"),
    ],
)
def test_mistakes_of_grouped(arguments: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        grouped(**{"rows": [], "by": "k", **arguments})


# ---------------------------------------------------------------- real databases, joined flat


def joined(name: str, query: str) -> list[dict[str, Any]]:
    """The rows of a join, floats as the decimal text that the database shows."""
    with closing(sqlite3.connect(f"file:{DATA / name}?mode=ro&immutable=1", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(query)]
    return [{key: D(repr(value)) if isinstance(value, float) else value for key, value in row.items()} for row in rows]


@pytest.mark.skipif(not (DATA / "northwind.sqlite").exists(), reason="the Northwind database is not beside the checkout")
def test_northwind_joined_flat() -> None:
    rows = joined("northwind.sqlite", 'SELECT o.*, d.* FROM Orders o JOIN "Order Details" d ON d.OrderID = o.OrderID ORDER BY d.ProductID, o.OrderID')
    net = {"multiply": ["UnitPrice", "Quantity", {"subtract": [1, "Discount"]}]}
    invoices = {
        "group": "rows",
        "by": "OrderID",
        "fields": {
            "id": "OrderID",
            "customer": "CustomerID",
            "total": {"sum": "rows", "of": net, "to": "decimal", "scale": 2},
            "rounding": {"residue": "rows", "of": net, "scale": 2},
            "lines": {
                "each": "rows",
                "sort": "ProductID",
                "fields": {
                    "position": {"position": 1},
                    "product": "ProductID",
                    "net": {**net, "to": "decimal", "scale": 2},
                    "freight": {"share": "rows[0].Freight", "by": net, "scale": 4},
                },
            },
        },
    }
    mapping = Mapping({"fields": {"invoices": invoices}})
    found = mapping._mapped({"rows": rows})["invoices"]
    assert mapping._carefully({"rows": rows})["invoices"] == found
    assert len(found) == 830
    exact: dict[int, D] = {}
    for row in rows:
        exact[row["OrderID"]] = exact.get(row["OrderID"], D(0)) + row["UnitPrice"] * row["Quantity"] * (1 - row["Discount"])
    freights = {row["OrderID"]: D(row["Freight"]) for row in rows}
    for invoice in found:
        assert invoice["total"] == exact[invoice["id"]].quantize(D("0.01"), ROUND_HALF_EVEN)
        assert sum(line["net"] for line in invoice["lines"]) + invoice["rounding"] == invoice["total"]
        assert sum(line["freight"] for line in invoice["lines"]) == freights[invoice["id"]]
        assert [line["position"] for line in invoice["lines"]] == list(range(1, len(invoice["lines"]) + 1))


@pytest.mark.skipif(not (DATA / "chinook.sqlite").exists(), reason="the Chinook database is not beside the checkout")
def test_chinook_joined_flat() -> None:
    rows = joined(
        "chinook.sqlite", "SELECT i.*, l.InvoiceLineId, l.TrackId, l.UnitPrice, l.Quantity FROM Invoice i JOIN InvoiceLine l USING (InvoiceId)"
    )
    mapping = Mapping(
        {
            "fields": {
                "id": "InvoiceId",
                "given": {"from": "Total", "to": "decimal", "scale": 2},
                "total": {"sum": "lines", "of": {"multiply": ["UnitPrice", "Quantity"]}, "to": "decimal", "scale": 2},
                "lines": {"each": "lines", "fields": {"track": "TrackId"}},
            }
        }
    )
    found = [mapping(document) for document in grouped(rows, by="InvoiceId", into="lines", common=["Total"])]
    assert len(found) == 412
    assert all(invoice["total"] == invoice["given"] for invoice in found)
    assert sum(invoice["total"] for invoice in found) == D("2328.60")
