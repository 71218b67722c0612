"""What `mapping.py` compares with, each at its fair best: built once, with the library's own means first and plain functions for the rest.

What a library cannot say is left out of its result and named: it has less to do then, not more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.util import find_spec
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from attrs import frozen

BERLIN = ZoneInfo("Europe/Berlin")
CENT = Decimal("0.01")
COUNTRIES = {"Germany": "DE", "Austria": "AT", "France": "FR", "Spain": "ES"}
STATUS = {"paid": "PAID", "pending": "OPEN", "partially_paid": "OPEN", "refunded": "VOID"}


@frozen
class Peer:
    """``slower``: how many times fewer records it gets, since it would take the day. ``prepare``: what it wants a record to be, outside the clock."""

    name: str
    map_one: Callable[[Any], Any]
    slower: int
    says: str
    #: Fields of the result that it cannot say; "lines.sku" is one of each line.
    without: frozenset[str] = frozenset()
    #: Fields that it can say in another type only, so that nobody compares them.
    unlike: frozenset[str] = frozenset()
    prepare: Callable[[dict[str, Any]], Any] = lambda order: order


def peers() -> Iterator[Peer]:
    for module, make in (("glom", _glom), ("pydantic", _pydantic), ("jmespath", _jmespath), ("jsonata", _jsonata)):
        if find_spec(module) is not None:
            yield make()


def _cents(value: Decimal | str) -> Decimal:
    return Decimal(value).quantize(CENT, ROUND_HALF_EVEN)


def _net(lines: list[dict[str, Any]]) -> Decimal:
    return sum((line["price"] * line["quantity"] * (1 - line["discount"]) for line in lines), Decimal(0)).quantize(CENT, ROUND_HALF_EVEN)


def _berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(BERLIN)


def _berlin_day(text: str) -> date:
    return _berlin(text).date()


def _glom() -> Peer:
    from glom import SKIP, Coalesce, glom

    line = {
        "sku": ("sku", lambda text: text.strip().upper()),
        "title": "title",
        "quantity": ("quantity", int),
        "price": ("price", _cents),
        "gift": Coalesce("gift", default=False),
    }
    spec = {
        "external_id": "id",
        "email": ("customer.email", lambda text: text.strip().lower()),
        "customer": ("customer", lambda customer: f"{customer['first_name']} {customer['last_name']}"),
        "company": Coalesce("customer.company", "billing_address.company", skip=None, default="private"),
        "city": "shipping_address.city",
        "country": ("shipping_address.country", COUNTRIES.__getitem__),
        "status": ("financial_status", STATUS.__getitem__),
        "currency": Coalesce("currency", default="EUR"),
        "note": Coalesce("note", default=SKIP),
        "net": ("lines", _net),
        "shipping": ("shipping.amount", _cents),
        "total": ("total_price", _cents),
        "issued": ("created_at", _berlin_day),
        "updated": ("updated_at", _berlin),
        "positions": ("lines", len),
        "confirmed": ("confirmed", bool),
        "priority": ("priority", int),
        "lines": ("lines", [line]),
    }
    return Peer("glom", lambda order: glom(order, spec), 20, "a spec of paths, Coalesce and Python functions, built once; glom interprets it")


def _pydantic() -> Peer:
    from pydantic import AfterValidator, AliasPath, BaseModel, BeforeValidator, Field, PlainValidator, StringConstraints

    def at(*path: str, **more: Any) -> Any:
        return Field(validation_alias=AliasPath(*path), **more)

    cents = AfterValidator(_cents)
    looked_up = {name: AfterValidator(table.__getitem__) for name, table in (("country", COUNTRIES), ("status", STATUS))}

    def full_name(customer: Any) -> str:
        return f"{customer['first_name']} {customer['last_name']}"

    def company(order: Any) -> str:
        for owner in (order["customer"], order["billing_address"]):
            if owner.get("company") is not None:
                return str(owner["company"])
        return "private"

    class Line(BaseModel):
        sku: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True)]
        title: str
        quantity: int
        price: Annotated[Decimal, cents]
        gift: bool = False

    class Invoice(BaseModel):
        external_id: int = at("id")
        email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)] = at("customer", "email")
        customer: Annotated[str, BeforeValidator(full_name)]
        company: str = at("company")
        city: str = at("shipping_address", "city")
        country: Annotated[str, looked_up["country"]] = at("shipping_address", "country")
        status: Annotated[str, looked_up["status"]] = at("financial_status")
        currency: str = "EUR"
        note: str | None = None
        net: Annotated[Decimal, PlainValidator(_net)] = at("lines")
        shipping: Annotated[Decimal, cents] = at("shipping", "amount")
        total: Annotated[Decimal, cents] = at("total_price")
        issued: Annotated[date, PlainValidator(_berlin_day)] = at("created_at")
        updated: Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(BERLIN))] = at("updated_at")
        positions: Annotated[int, BeforeValidator(len)] = at("lines")
        confirmed: bool
        priority: int
        lines: list[Line]

    def map_one(order: dict[str, Any]) -> dict[str, Any]:
        invoice = Invoice.model_validate({**order, "company": company(order)}).model_dump()
        if "note" not in order:
            del invoice["note"]
        return invoice

    return Peer("pydantic", map_one, 2, "a model with aliases and validators, then model_dump")


def _jmespath() -> Peer:
    import jmespath

    compiled = jmespath.compile(
        "{external_id: id, customer: join(' ', [customer.first_name, customer.last_name]),"
        " company: customer.company || billing_address.company || 'private', city: shipping_address.city, currency: currency || 'EUR',"
        " positions: length(lines), confirmed: confirmed, priority: priority,"
        " lines: lines[].{title: title, quantity: quantity, gift: gift || `false`}}"
    )
    without = frozenset({"email", "country", "status", "note", "net", "shipping", "total", "issued", "updated", "lines.sku", "lines.price"})
    return Peer("jmespath", compiled.search, 2, f"a compiled expression without {', '.join(sorted(without))}: it has no words for them", without)


_JSONATA = """
(
  $countries := {"Germany": "DE", "Austria": "AT", "France": "FR", "Spain": "ES"};
  $status := {"paid": "PAID", "pending": "OPEN", "partially_paid": "OPEN", "refunded": "VOID"};
  {
    "external_id": id,
    "email": $lowercase($trim(customer.email)),
    "customer": customer.first_name & " " & customer.last_name,
    "company": customer.company ? customer.company : billing_address.company ? billing_address.company : "private",
    "city": shipping_address.city,
    "country": $lookup($countries, shipping_address.country),
    "status": $lookup($status, financial_status),
    "currency": currency ? currency : "EUR",
    "note": note,
    "net": $round($sum(lines.(price * quantity * (1 - discount))), 2),
    "shipping": $round(shipping.amount, 2),
    "total": $round($number(total_price), 2),
    "issued": $fromMillis($toMillis(created_at), "[Y0001]-[M01]-[D01]", "+0100"),
    "updated": $fromMillis($toMillis(updated_at), "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01][Z]", "+0100"),
    "positions": $count(lines),
    "confirmed": $boolean(confirmed),
    "priority": priority,
    "lines": lines.{
      "sku": $uppercase($trim(sku)),
      "title": title,
      "quantity": quantity,
      "price": $round(price, 2),
      "gift": gift ? gift : false
    }
  }
)
"""


def _jsonata() -> Peer:
    import jsonata

    def floats(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: floats(item) for key, item in value.items()}
        if isinstance(value, list):
            return [floats(item) for item in value]
        return float(value) if isinstance(value, Decimal) else value

    expression = jsonata.Jsonata(_JSONATA)
    says = "an expression; it has floats for money and no time zones of places: a fixed +01:00 here"
    unlike = frozenset({"net", "shipping", "total", "issued", "updated", "lines.price"})
    return Peer("jsonata-python", expression.evaluate, 200, says, unlike=unlike, prepare=floats)
