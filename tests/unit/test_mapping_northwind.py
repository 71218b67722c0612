"""A real database: every order of Northwind with its lines, against arithmetic by hand."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from integrakit.transform import Mapping

DATABASE = Path(__file__).parents[2].parent / "shared" / "data" / "northwind.sqlite"

pytestmark = pytest.mark.skipif(not DATABASE.exists(), reason="the Northwind database is not beside the checkout")

MAPPING = {
    "source": "northwind.orders",
    "target": "books.invoices",
    "fields": {
        "external_id": {"from": "OrderID", "to": "str"},
        "customer": "CustomerID",
        "issued": {"from": "OrderDate", "to": "date"},
        "shipped": {"from": "ShippedDate", "to": "date"},
        "freight": {"from": "Freight", "to": "decimal", "scale": 2},
        "country": {"from": "ShipCountry", "lookup": "countries", "otherwise": "keep"},
        "total": {
            "sum": '"Order Details"',
            "of": {"multiply": ["UnitPrice", "Quantity", {"subtract": [1, "Discount"]}]},
            "to": "decimal",
            "scale": 2,
            "rounding": "half-even",
        },
        "lines": {"each": "Order Details", "fields": {"product": "ProductID", "quantity": "Quantity"}},
    },
    "lookups": {"countries": {"Germany": "DE", "France": "FR"}},
}


def orders() -> Iterator[dict[str, Any]]:
    """Each order as an API would send it: one JSON document with its lines, decoded with exact decimals."""
    with closing(sqlite3.connect(f"file:{DATABASE}?mode=ro&immutable=1", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        lines: dict[int, list[dict[str, Any]]] = {}
        for line in connection.execute('SELECT * FROM "Order Details" ORDER BY OrderID, ProductID'):
            lines.setdefault(line["OrderID"], []).append(dict(line))
        for order in connection.execute("SELECT * FROM Orders ORDER BY OrderID"):
            document = json.dumps({**dict(order), "Order Details": lines[order["OrderID"]]})
            yield json.loads(document, parse_float=Decimal)


def test_all_totals() -> None:
    mapping = Mapping(MAPPING)
    seen = 0
    exact = Decimal(0)
    for order in orders():
        invoice = mapping(order)
        expected = sum(
            (Decimal(line["UnitPrice"]) * line["Quantity"] * (1 - Decimal(line["Discount"])) for line in order["Order Details"]), Decimal(0)
        )
        assert invoice["total"] == expected.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        assert str(invoice["issued"]) == order["OrderDate"][:10]
        assert (invoice["shipped"] is None) == (order["ShippedDate"] is None)
        assert len(invoice["lines"]) == len(order["Order Details"])
        assert mapping._carefully(order) == invoice
        exact += expected
        seen += 1
    assert seen == 830
    # The database agrees, in whole numbers of its own: cents × quantity × percent.
    with closing(sqlite3.connect(f"file:{DATABASE}?mode=ro&immutable=1", uri=True)) as connection:
        (units,) = connection.execute(
            'SELECT sum(CAST(round(UnitPrice * 100) AS INTEGER) * Quantity * (100 - CAST(round(Discount * 100) AS INTEGER))) FROM "Order Details"'
        ).fetchone()
    assert exact == Decimal(units) / 10_000 == Decimal("1265793.0395")


def test_coverage_of_the_real_thing() -> None:
    found = Mapping(MAPPING).coverage(orders())
    assert (found.records, found.failed, found.truncated) == (830, 0, False)
    assert set(found.unused) >= {"EmployeeID", "RequiredDate", "ShipCity", "Order Details[].OrderID"}
    assert not set(found.unused) & {"OrderID", "Order Details", "Order Details[]", "Order Details[].Discount"}
    assert found.missed["countries"]["'USA'"] == 122
    assert found.nulls["ShippedDate"] == 21
    assert found.types["Order Details[].ProductID"] == {"int": 2155}
