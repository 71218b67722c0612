"""Words in a row that together mean one thing: "first name" is a given name, "amount due" a balance. Data only; single words are in `words`.

They are written in the words that `words` gives, not in all their spellings.
"""

from __future__ import annotations

__all__ = ["PHRASES"]

# What is meant: how it is said.
_SAYINGS = {
    "gross": "gross tax",
    "net": "net tax",
    "given": "first name, given name",
    "family": "last name, family name",
    "middle": "middle name",
    "name": "full name, display name",
    "email": "e email, email address, email address address",
    "website": "website address, website url",
    "phone": "phone number",
    "mobile": "mobile phone, mobile number, mobile phone number, phone mobile",
    "fax": "fax number",
    "zip": "zip code, post code",
    "region": "state code, region code, state region, country sub division code, sub division",
    "country": "country code, country name, country iso",
    "currency": "currency code, currency iso code, currency iso, iso currency code, currency ref, currency id",
    "symbol": "currency symbol",
    "street": "street 1, address 1, street address, address street, line 1, address line 1, address line, street line 1, street name",
    "street2": "street 2, address 2, line 2, address line 2, street line 2",
    "street3": "address 3, line 3, address line 3",
    "jobtitle": "job title, jobtitle title",
    "updated": "last updated, last updated date",
    "subtotal": ("sub total, subtotal price, subtotal amount, amount subtotal, total net, net total, net amount, amount net, amount untaxed"),
    "total": (
        "total amount, amount total, total price, total value, gross total, gross amount, amount gross, total gross, "
        "document total, order total, invoice total"
    ),
    "tax": "total tax, tax total, tax amount, amount tax, total tax amount",
    "taxrate": "tax rate, tax percent",
    "taxcode": "tax code, tax type",
    "taxid": "tax number, tax id, tax registration number, tax identifier",
    "discount": "total discount, discount total, discount amount, amount discount, total discount amount",
    "discountrate": "discount percent, discount rate",
    "discountcode": "discount code",
    "shippingcost": (
        "shipping charge, delivered fee, delivered charge, delivered cost, "
        "shipping total, total shipping, shipping amount, shipping cost, shipping price, shipping fee"
    ),
    "balance": "amount due, balance due, due amount, total due, amount balance",
    "amountpaid": "amount paid, paid amount, total paid, paid to date, paid end date",
    "amountrefunded": "amount refunded, refunded amount, total refunded",
    "unitprice": "unit price, price unit, unit amount, price per unit, sales price",
    "cost": "unit cost",
    "linetotal": "line total, line amount, extended amount, extended price, row total",
    "sku": "product code, product number, product sku, part number, stock code",
    "linenumber": "line number, line product number, sequence number",
    "line": "line product, document line, order line, invoice line",
    "customer id": "card code",
    "customer name": "card name",
    "count": "number of",
    "dialcode": "phone country code",
    "exchangerate": "exchange rate, conversion rate",
    "terms": "payment terms, paid terms",
    "method": "paid method, payment method",
    "document number": "issued id, issued number",
    "timezone": "time zone",
    "birth": "day of birth, date of birth, birth date",
    "delivered expected": "delivered by, delivered before",
    "shipped expected": "shipping by, shipped by, shipping before",
    "due": "paid by, paid before",
    "order": "sales order",
    "purchaseorder": "purchase order",
    "order number": "order number",
    "owner": "sales owner, sales person, sales contact",
    "revenue": "annual revenue",
    "issued": "document date, order date, invoice date",
    "shipping": "shipping end",
    "billing": "billing end",
}
#: The words in a row → the words they mean. Longer ones win over shorter ones.
PHRASES: dict[tuple[str, ...], tuple[str, ...]] = {
    tuple(saying.split()): tuple(meaning.split()) for meaning, sayings in _SAYINGS.items() for saying in sayings.split(", ")
}
