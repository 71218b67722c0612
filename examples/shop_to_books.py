"""From a shop's orders to invoices in the books, on a bad day: the whole of integrakit once, against two simulated systems on this machine.

    python examples/shop_to_books.py                              200 generated orders
    python examples/shop_to_books.py --data northwind.sqlite      the orders of a Northwind database

The shop allows 20 requests a second, and one answer in twenty is a 500, a dropped connection or the page before once more. The books allow 200,
and lose some answers after the invoice was written. Nothing is lost, nothing is doubled, and in the end that is proved.

The parts to copy for an integration of your own are `Shop`, `Books`, order_to_invoice.toml and `bring_up_to_date`.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import integrakit as ik
from integrakit.testing import Faults, Simulator

MAPPING = Path(__file__).with_name("order_to_invoice.toml")
TABLE = {
    "external_id": "TEXT",
    "customer": "TEXT",
    "issued": "DATE",
    "shipped": "DATE",
    "status": "TEXT",
    "lines": "TEXT",
    "total": "TEXT",  # SQLite keeps numbers with a point as floats; as text, money stays what it is
}


# ---------------------------------------------------------------------------------------------- the two systems


class Shop(ik.Connector):
    """The shop: pages of orders, newest changes on request."""

    rate_limit = "20/second"
    paginator = ik.HeaderLinkPaginator()
    retry = ik.Retry(attempts=6, also=[500])
    decimals = True
    orders = ik.Resource("/orders", key="id", records="orders", cursor="updated_at", since_param="updated_at_min")


class Books(ik.Connector):
    """The books: takes invoices, and recognises one that is sent again by its idempotency key."""

    rate_limit = "200/second"
    paginator = ik.HeaderLinkPaginator()
    retry = ik.Retry(attempts=6, also=[500])
    idempotency = ik.IdempotencyKey(header="Idempotency-Key")
    decimals = True
    invoices = ik.Resource(
        "/invoices",
        key="external_id",
        records="invoices",
        create=ik.Endpoint("POST", "/invoices"),
        update=ik.Endpoint("PUT", "/invoices/{key}"),
    )


# ---------------------------------------------------------------------------------------------- the integration


def bring_up_to_date(shop: Shop, books: Books, folder: Path, *, progress: bool = True) -> list[Any]:
    """Both syncs once: orders to the books over HTTP, and to a table of a SQLite database. Safe to kill and to run again at any moment."""
    mapping = ik.Mapping.load(MAPPING)
    store = folder / "integrakit.db"
    table = ik.SqlTable(folder / "warehouse.db", "invoices", key="external_id", create=TABLE, types={"lines": "json", "total": Decimal})
    reports = []
    for name, sink in (("orders-to-books", books.invoices), ("orders-to-table", table)):
        with ik.Sync(name, source=shop.orders, sink=sink, mapping=mapping, store=store, progress=progress) as sync:
            reports.append(sync.run())
    table.close()
    return reports


def prove(shop: Shop, books: Books, folder: Path) -> Any:
    """What the shop has, mapped, against what the books have. Reads both sides anew and trusts nothing that was remembered."""
    mapping = ik.Mapping.load(MAPPING)
    wanted = ik.mapped(shop.orders, mapping)
    as_text = [ik.Field(name, normalise=str) for name in ("issued", "shipped")]  # JSON has no dates
    diff = ik.reconcile(wanted, books.invoices, key="external_id", fields=["customer", *as_text, "status", "lines", "total"])
    diff.to_html(folder / "diff.html")
    return diff


def change_some_orders(shop: Shop) -> int:
    """What the shop's own people do during the day: three orders get a better discount on their first line."""
    changed = 0
    for order in list(shop.orders)[:3]:
        lines = [{**order["lines"][0], "discount": Decimal("0.5")}, *order["lines"][1:]]
        shop.put(f"/orders/{order['id']}", json={**order, "lines": lines, "updated_at": "2026-11-02T09:00:00Z"})
        changed += 1
    return changed


# ---------------------------------------------------------------------------------------------- the data


def generated_orders(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Orders that look like a small shop's."""
    chance = random.Random(seed)
    people = ["Ada Lovelace", "Grace Hopper", "Émilie du Châtelet", "Katherine Johnson", "Lise Meitner", "王贞仪"]
    goods = [("Tea", 4.5), ("Teapot", 31.9), ("Cup", 6.25), ("Saucer", 3.1), ("Honey", 8.75)]
    orders = []
    for number in range(1, count + 1):
        created = datetime(2026, 10, 1, 8, tzinfo=UTC) + timedelta(minutes=37 * number)
        shipped = created + timedelta(days=2) if chance.random() < 0.8 else None
        lines = [
            {"product": name, "price": price, "quantity": chance.randint(1, 9), "discount": chance.choice([0, 0, 0.05, 0.15])}
            for name, price in chance.sample(goods, chance.randint(1, 4))
        ]
        orders.append(order_of(number, chance.choice(people), created.isoformat(), shipped.isoformat() if shipped else None, lines))
    return orders


def northwind_orders(path: Path) -> list[dict[str, Any]]:
    """The orders of a Northwind database, as a shop's API would tell them."""
    if not path.is_file():
        sys.exit(f"there is no file {path}")
    with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        lines: dict[int, list[dict[str, Any]]] = {}
        for row in database.execute(
            'SELECT d.*, p.ProductName FROM "Order Details" d LEFT JOIN Products p USING (ProductID) ORDER BY d.OrderID, d.ProductID'
        ):
            line = {"product": row["ProductName"], "price": row["UnitPrice"], "quantity": row["Quantity"], "discount": row["Discount"]}
            lines.setdefault(row["OrderID"], []).append(line)
        rows = database.execute("SELECT o.*, c.CompanyName FROM Orders o LEFT JOIN Customers c USING (CustomerID) ORDER BY o.OrderID").fetchall()
    database.close()
    return [
        order_of(row["OrderID"], row["CompanyName"], iso(row["OrderDate"]), iso(row["ShippedDate"]), lines.get(row["OrderID"], [])) for row in rows
    ]


def iso(text: str | None) -> str | None:
    """``1996-07-04 00:00:00.000`` as ``1996-07-04T00:00:00Z``."""
    return None if text is None else f"{text[:10]}T{text[11:19]}Z"


def order_of(number: int, customer: str, created: str | None, shipped: str | None, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": number,
        "customer": {"name": customer},
        "created_at": created,
        "shipped_at": shipped,
        "updated_at": shipped or created,
        "status": "shipped" if shipped else "open",
        "lines": lines,
    }


# ---------------------------------------------------------------------------------------------- the stage


def simulated_shop(orders: list[dict[str, Any]], seed: int = 1) -> Simulator:
    """20 requests a second; 5 % of the answers are a 500, a dropped connection, or the page before once more."""
    return Simulator({"orders": orders}, limit="20/second", faults=Faults(seed=seed, error=0.02, drop=0.02, duplicate=0.01), page_size=50)


def simulated_books(seed: int = 2) -> Simulator:
    """200 requests a second, idempotency keys, and one answer in fifty lost after the write took place."""
    return Simulator(
        {"invoices": []},
        keys={"invoices": "external_id"},
        limit="200/second",
        idempotency="Idempotency-Key",
        faults=Faults(seed=seed, drop_response=0.02),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=200, help="how many orders to generate")
    parser.add_argument("--data", type=Path, help="a Northwind database to take the orders from instead")
    parser.add_argument("--folder", type=Path, help="where to keep the store, the table and diff.html (default: a new temporary folder)")
    parser.add_argument("--shop", help="URL of a shop that is running already")
    parser.add_argument("--books", help="URL of books that are running already")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="shop-to-books-"))
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        shop_server = books_server = None
        if options.shop is None:
            orders = northwind_orders(options.data) if options.data else generated_orders(options.orders)
            shop_server = stack.enter_context(simulated_shop(orders))
        if options.books is None:
            books_server = stack.enter_context(simulated_books())
        shop = stack.enter_context(Shop(base_url=options.shop or shop_server.url))
        books = stack.enter_context(Books(base_url=options.books or books_server.url))

        print(f"A shop at {shop.base_url} and its books at {books.base_url}; what is kept goes to {folder}.\n", flush=True)
        print("1. The shop's orders go to the books (HTTP) and to a table (SQLite).", flush=True)
        for report in bring_up_to_date(shop, books, folder):
            print("  ", report, flush=True)
        print(
            "\n2. Again: a read begins at the newest change it knows, so that comes once more; nothing has changed, so nothing is written.",
            flush=True,
        )
        for report in bring_up_to_date(shop, books, folder):
            print("  ", report, flush=True)
        print(f"\n3. {change_some_orders(shop)} orders change in the shop; only they are written.", flush=True)
        for report in bring_up_to_date(shop, books, folder):
            print("  ", report, flush=True)
        print("\n4. The proof: every order of the shop against every invoice in the books.", flush=True)
        diff = prove(shop, books, folder)
        print(diff)
        print(f"\nAs a page for those who keep the books: {folder / 'diff.html'}")
        for name, server in (("shop", shop_server), ("books", books_server)):
            if server is not None:
                faults = sum(1 for request in server.requests if request.fault is not None)
                print(
                    f"The {name} answered {len(server.requests)} requests, {faults} of them badly; it refused {server.refused} for coming too fast."
                )
        if books_server is not None:
            print(f"It holds {len(books_server.table('invoices'))} invoices, made with {len(books_server.idempotency_keys)} idempotency keys.")
        return 0 if diff.matches else 1


if __name__ == "__main__":
    sys.exit(main())
