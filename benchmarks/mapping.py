"""What a compiled mapping costs over the function one would write by hand.

200,000 orders with three to five lines, 18 target fields, five for each line: paths, texts, lookups, money, dates with zones, a sum over the lines.
Beside glom, pydantic, jmespath and jsonata-python where they are installed. Target: at most 1.30 times the CPU of the hand-written function.

The orders are a seeded pool of 2,000, taken in 100 short rounds, so that a slow moment of the machine meets both. All must give the same values of
the same types, but for what a peer cannot say (`_mapping_peers`); slow peers get fewer of the same orders.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from _mapping_peers import peers
from _measure import alternating, options, ratio, show

import integrakit as ik

TARGET = 1.30

MAPPING = """
source = "shop.orders"
target = "books.invoices"

[fields]
external_id = "id"
email    = { from = "customer.email", apply = ["strip", "lower"] }
customer = { concat = ["customer.first_name", { value = " " }, "customer.last_name"] }
company  = { coalesce = ["customer.company", "billing_address.company", { value = "private" }] }
city     = "shipping_address.city"
country  = { from = "shipping_address.country", lookup = "countries" }
status   = { from = "financial_status", lookup = "payment_status" }
currency = { from = "currency", default = "EUR" }
note     = { from = "note", optional = true }
net      = { sum = "lines", of = { multiply = ["price", "quantity", { subtract = [1, "discount"] }] }, to = "decimal", scale = 2 }
shipping = { from = "shipping.amount", to = "decimal", scale = 2 }
total    = { from = "total_price", to = "decimal", scale = 2 }
issued   = { from = "created_at", to = "date", timezone = "Europe/Berlin" }
updated  = { from = "updated_at", to = "datetime", timezone = "Europe/Berlin" }
positions = { count = "lines" }
confirmed = { from = "confirmed", to = "bool" }
priority  = { from = "priority", to = "int" }

[fields.lines]
each = "lines"

[fields.lines.fields]
sku      = { from = "sku", apply = ["strip", "upper"] }
title    = "title"
quantity = { from = "quantity", to = "int" }
price    = { from = "price", to = "decimal", scale = 2 }
gift     = { from = "gift", default = false }

[lookups.countries]
Germany = "DE"
Austria = "AT"
France = "FR"
Spain = "ES"

[lookups.payment_status]
paid = "PAID"
pending = "OPEN"
partially_paid = "OPEN"
refunded = "VOID"
"""

COUNTRIES = {"Germany": "DE", "Austria": "AT", "France": "FR", "Spain": "ES"}
STATUS = {"paid": "PAID", "pending": "OPEN", "partially_paid": "OPEN", "refunded": "VOID"}
BERLIN = ZoneInfo("Europe/Berlin")
CENT = Decimal("0.01")


def by_hand(order: dict[str, Any]) -> dict[str, Any]:
    """What a careful engineer writes who knows the shop's orders, trusts their types, and wants one walk over the lines."""
    customer = order["customer"]
    shipping_address = order["shipping_address"]
    company = customer.get("company")
    if company is None:
        company = order["billing_address"].get("company")
        if company is None:
            company = "private"
    net = Decimal(0)
    lines = []
    for line in order["lines"]:
        price = line["price"]
        quantity = line["quantity"]
        net += price * quantity * (1 - line["discount"])
        lines.append(
            {
                "sku": line["sku"].strip().upper(),
                "title": line["title"],
                "quantity": int(quantity),
                "price": price.quantize(CENT, ROUND_HALF_EVEN),
                "gift": line.get("gift", False),
            }
        )
    invoice = {
        "external_id": order["id"],
        "email": customer["email"].strip().lower(),
        "customer": f"{customer['first_name']} {customer['last_name']}",
        "company": company,
        "city": shipping_address["city"],
        "country": COUNTRIES[shipping_address["country"]],
        "status": STATUS[order["financial_status"]],
        "currency": order.get("currency", "EUR"),
        "net": net.quantize(CENT, ROUND_HALF_EVEN),
        "shipping": order["shipping"]["amount"].quantize(CENT, ROUND_HALF_EVEN),
        "total": Decimal(order["total_price"]).quantize(CENT, ROUND_HALF_EVEN),
        "issued": datetime.fromisoformat(order["created_at"]).astimezone(BERLIN).date(),
        "updated": datetime.fromisoformat(order["updated_at"]).astimezone(BERLIN),
        "positions": len(lines),
        "confirmed": bool(order["confirmed"]),
        "priority": int(order["priority"]),
        "lines": lines,
    }
    if "note" in order:
        invoice["note"] = order["note"]
    return invoice


def orders(count: int) -> list[dict[str, Any]]:
    """Seeded orders as JSON gives them with ``parse_float=Decimal``: more keys than any mapping wants, some of them missing or null."""
    dice = random.Random(5)
    return [_order(dice, number) for number in range(count)]


def _order(dice: random.Random, number: int) -> dict[str, Any]:
    created = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(366 * 86_400))
    updated = created.astimezone(timezone(timedelta(hours=dice.choice((-5, 0, 1, 2))))) + timedelta(hours=dice.randrange(300))
    first, last = dice.choice(("Ann", "Émile", "Jörg", "María", "Lea")), dice.choice(("Weber", "Durand", "García", "Huber", "Stein"))
    order: dict[str, Any] = {
        "id": 4_500_000_000 + number,
        "name": f"#{1000 + number}",
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated_at": updated.isoformat(),
        "financial_status": dice.choice(tuple(STATUS)),
        "currency": dice.choice(("EUR", "CHF", "USD")),
        "confirmed": dice.random() < 0.9,
        "priority": dice.randrange(4),
        "total_price": f"{dice.randrange(1000, 90_000) / 100:.2f}",
        "shipping": {"method": "parcel", "amount": Decimal(dice.randrange(0, 2000)).scaleb(-2)},
        "customer": {
            "id": dice.randrange(10**9),
            "email": f"  {first}.{last}{number}@Shop.Example",
            "first_name": first,
            "last_name": last,
            "company": f"{last} GmbH" if dice.random() < 0.4 else None,
        },
        "billing_address": {"city": "Berlin", "country": "Germany", "zip": "10115"},
        "shipping_address": {
            "street": f"Road {dice.randrange(200)}",
            "city": dice.choice(("Köln", "Wien", "Lyon", "Sevilla")),
            "country": dice.choice(tuple(COUNTRIES)),
            "zip": f"{dice.randrange(10_000, 99_999)}",
        },
        "tags": ["web", "new"],
        "lines": [_line(dice, position) for position in range(dice.randrange(3, 6))],
    }
    if dice.random() < 0.3:
        order["note"] = "leave it with the neighbour"
    if dice.random() < 0.2:
        del order["currency"]
    if dice.random() < 0.3:
        order["billing_address"]["company"] = "Accounts AG"
    return order


def _line(dice: random.Random, position: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": dice.randrange(10**9),
        "position": position,
        "sku": f"ab-{dice.randrange(10**5)} ",
        "title": f"Article {dice.randrange(500)}",
        "price": Decimal(dice.randrange(100, 500_000)).scaleb(-dice.choice((2, 2, 3))),
        "quantity": dice.randrange(1, 20),
        "discount": dice.choice((0, Decimal("0.05"), Decimal("0.1"), Decimal("0.125"))),
        "taxable": True,
    }
    if dice.random() < 0.3:
        line["gift"] = dice.random() < 0.5
    return line


def spelled(value: Any) -> Any:
    """A value with its type, and a Decimal with its digits: 1 is not 1.00 is not True."""
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return type(value).__name__, str(value)


def only_compared(invoice: dict[str, Any], without: frozenset[str]) -> dict[str, Any]:
    kept = {name: value for name, value in invoice.items() if name not in without}
    kept["lines"] = [{name: value for name, value in line.items() if f"lines.{name}" not in without} for line in invoice["lines"]]
    return kept


def over(map_one: Callable[[Any], object], pool: list[Any], times: int) -> Callable[[], None]:
    def loop() -> None:
        for _ in range(times):
            for order in pool:
                map_one(order)

    return loop


def main() -> None:
    arguments = options(__doc__ or "")
    size, rounds, laps = (200, 3, 2) if arguments.quick else (2000, 100, 1)
    pool = orders(size)
    mapping = ik.Mapping(tomllib.loads(MAPPING))
    expected = [spelled(by_hand(order)) for order in pool]
    if [spelled(mapping(order)) for order in pool] != expected:
        raise SystemExit("the mapping and the function by hand differ")
    # The two alone first, so that neither follows a peer that has left the caches to itself.
    pair: dict[str, Callable[[], object]] = {"by hand": over(by_hand, pool, laps), "integrakit": over(mapping, pool, laps)}
    times = _per_record(pair, dict.fromkeys(pair, size * laps), rounds)
    rows = [_row(name, times[name], times["by hand"]) for name in pair]
    verdict: dict[str, object] = {"ratio (CPU, median of rounds)": ratio(times["integrakit"], times["by hand"]), "target": f"at most {TARGET:.2f}"}
    against: dict[str, Callable[[], object]] = {"by hand": pair["by hand"]}
    records = {"by hand": size * laps}
    for peer in peers():
        prepared = [peer.prepare(order) for order in pool[: max(5, size // peer.slower)]]
        for order, wanted in zip(prepared, expected, strict=False):
            found = only_compared(spelled(peer.map_one(order)), peer.unlike)
            if found != only_compared(wanted, peer.without | peer.unlike):
                raise SystemExit(f"{peer.name} gives another result:\n{found}\n{wanted}")
        against[peer.name], records[peer.name] = over(peer.map_one, prepared, 1), len(prepared)
        verdict[f"{peer.name}, {len(prepared)} records a round"] = peer.says
    if len(against) > 1:
        times = _per_record(against, records, max(2, rounds // 20))
        rows += [_row(name, times[name], times["by hand"]) for name in against if name != "by hand"]
    show(f"{rounds * laps * size} orders in {rounds} alternating rounds, 18 fields", rows, verdict, as_json=arguments.json)


def _per_record(contestants: dict[str, Callable[[], object]], records: dict[str, int], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of one record, in each round."""
    return {name: [cpu / records[name] for cpu, _ in measured] for name, measured in alternating(contestants, rounds).items()}


def _row(name: str, times: list[float], base: list[float]) -> dict[str, object]:
    return {"mapping": name, "CPU µs/record": median(times) * 1e6, "ratio": ratio(times, base)}


if __name__ == "__main__":
    main()
