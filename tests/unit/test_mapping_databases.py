"""Two real databases mapped to invoices by mapping files alone: every total to the cent, against whole-number arithmetic of the database itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import integrakit as ik
from integrakit.money import Money
from integrakit.sql import SqlQuery

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
EXAMPLES = ROOT / "examples"


def database(name: str) -> Path:
    path = DATA / f"{name}.sqlite"
    if not path.exists():
        pytest.skip(f"the {name} database is not beside the checkout")
    return path


def query(mapping: str) -> str:
    """The SELECT that stands in the head of the mapping file."""
    return " ".join(re.findall(r"^#     (.*)$", (EXAMPLES / mapping).read_text("utf-8"), re.MULTILINE))


def rows_of(path: Path, statement: str) -> Iterator[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        yield from connection.execute(statement)


def test_northwind() -> None:
    path = database("northwind")
    mapping = ik.Mapping.load(EXAMPLES / "northwind_invoices.toml")
    rows = list(SqlQuery(path, query("northwind_invoices.toml")))
    (invoices,) = mapping({"rows": rows}).values()
    # In whole numbers: cents × quantity × percent.
    exactly = dict(
        rows_of(
            path,
            "SELECT OrderID, sum(CAST(round(UnitPrice * 100) AS INTEGER) * Quantity * (100 - CAST(round(Discount * 100) AS INTEGER)))"
            ' FROM "Order Details" GROUP BY OrderID',
        )
    )
    orders = {order: (date, country, lines) for order, date, country, lines in rows_of(path, _ORDERS)}
    assert len(invoices) == len(exactly) == len(orders) == 830
    for invoice in invoices:
        units = exactly[int(invoice["external_id"])]
        assert invoice["net"] == Decimal(round(Decimal(units) / 100)) / 100
        assert invoice["rounding"] == invoice["net"] - sum(line["net"] for line in invoice["lines"])
        date, country, lines = orders[int(invoice["external_id"])]
        assert str(invoice["issued"]) == date[:10]
        assert len(invoice["country"]) == 2
        assert invoice["country"][0] == country[0] or country in ("Germany", "Spain", "Switzerland", "UK")
        assert [line["position"] for line in invoice["lines"]] == list(range(1, lines + 1))
        assert invoice["positions"] == lines
        assert ("shipped" in invoice and invoice["shipped"] is None) == (invoice["state"] == "open")
    assert sum(invoice["net"] for invoice in invoices) == Decimal("1265793.06")
    ((freight,),) = rows_of(path, "SELECT sum(CAST(round(Freight * 100) AS INTEGER)) FROM Orders")
    assert sum(invoice["freight"] for invoice in invoices) == Money.from_minor(freight, "USD")
    assert mapping._carefully({"rows": rows}) == {"invoices": invoices}


_ORDERS = """
SELECT OrderID, OrderDate, ShipCountry, count(*) FROM Orders JOIN "Order Details" USING (OrderID) GROUP BY OrderID
"""


def test_chinook() -> None:
    path = database("chinook")
    mapping = ik.Mapping.load(EXAMPLES / "chinook_invoices.toml")
    source = SqlQuery(path, query("chinook_invoices.toml"))
    invoices = list(mapping.each(ik.grouped(source, by="InvoiceId", common=["InvoiceDate", "Total", "BillingCountry"], into="lines")))
    cents = dict(rows_of(path, "SELECT InvoiceId, sum(CAST(round(UnitPrice * 100) AS INTEGER) * Quantity) FROM InvoiceLine GROUP BY InvoiceId"))
    assert len(invoices) == len(cents) == 412
    for invoice in invoices:
        assert invoice["net"].minor == cents[int(invoice["external_id"])] == sum(line["cents"] * line["quantity"] for line in invoice["lines"])
        # The database's own total agrees, which it keeps as a float.
        assert invoice["net"] == invoice["stated"]
    assert sum(invoice["net"] for invoice in invoices) == Money("2328.60", "USD")
