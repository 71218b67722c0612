"""Still more vendors, written before it was looked at how they fare. Here what a field means stands beside its value, as `means("email", …)`."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen
from tests.suggestions.world import World


@frozen
class Meant:
    meaning: str
    value: object


means = Meant


def schema(kind):
    """Makes of a function with `means` in it what the test set works with: one that gives plain records, and the meanings by path."""

    def decorate(function):
        def shown(thing):
            return _plain(function(thing))

        shown.__name__ = function.__name__
        meanings = {}
        for thing in getattr(World(7, 0, 12), kind):
            _meanings(function(thing), "", meanings)
        return shown, meanings

    return decorate


def _plain(tree):
    if isinstance(tree, Meant):
        return tree.value
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    return [_plain(item) for item in tree] if isinstance(tree, list) else tree


def _meanings(tree, path, found):
    if isinstance(tree, Meant):
        found[path] = tree.meaning
    elif isinstance(tree, dict):
        for key, value in tree.items():
            _meanings(value, f"{path}.{key}" if path else key, found)
    elif isinstance(tree, list):
        for item in tree:
            _meanings(item, f"{path}[]", found)


def cents(amount):
    return int(amount * 100)


def zulu(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# -------------------------------------------------------------------------------------------------- orders and invoices


@schema("orders")
def bigcommerce_order(o):
    def address(a, side):
        return {
            "first_name": means("given", o.person.given),
            "last_name": means("family", o.person.family),
            "company": "",
            "street_1": means(f"{side} street", a.street),
            "street_2": "",
            "city": means(f"{side} city", a.city),
            "state": means(f"{side} region", a.region),
            "zip": means(f"{side} zip", a.zip),
            "country_iso2": means(f"{side} country", a.country),
        }

    rfc = "%a, %d %b %Y %H:%M:%S +0000"
    return {
        "id": means("number", o.number),
        "customer_id": o.person.id % 997,
        "date_created": means("issued", o.created.strftime(rfc)),
        "date_modified": means("updated", o.updated.strftime(rfc)),
        "date_shipped": "",
        "status_id": 10 if o.is_paid else 7,
        "status": means("status", "Completed" if o.is_paid else "Awaiting Payment"),
        "subtotal_ex_tax": means("subtotal", f"{o.subtotal:.4f}"),
        "subtotal_inc_tax": f"{o.subtotal * Decimal('1.19'):.4f}",
        "subtotal_tax": f"{o.subtotal * Decimal('0.19'):.4f}",
        "shipping_cost_ex_tax": means("freight", f"{o.freight:.4f}"),
        "total_tax": means("tax", f"{o.tax:.4f}"),
        "total_ex_tax": means("net", f"{o.total - o.tax:.4f}"),
        "total_inc_tax": means("total", f"{o.total:.4f}"),
        "discount_amount": means("discount", f"{o.discount:.4f}"),
        "refunded_amount": "0.0000",
        "items_total": sum(line.quantity for line in o.lines),
        "payment_method": "Manual",
        "currency_code": means("currency", o.currency),
        "customer_message": means("note", o.note),
        "staff_notes": "",
        "is_deleted": False,
        "external_order_id": means("reference", o.reference),
        "billing_address": {**address(o.billing, "billing"), "email": means("email", o.person.email), "phone": means("phone", o.person.phone)},
        "shipping_addresses": [address(o.shipping, "shipping")],
        "products": [
            {
                "id": line.id % 811,
                "order_id": o.number,
                "product_id": line.id % 389,
                "name": means("line name", line.name),
                "sku": means("line sku", line.sku),
                "base_price": means("line price", f"{line.price:.4f}"),
                "price_ex_tax": means("line price", f"{line.price:.4f}"),
                "price_inc_tax": f"{line.price * Decimal('1.19'):.4f}",
                "total_ex_tax": means("line total", f"{line.total:.4f}"),
                "total_inc_tax": means("line gross", f"{line.total * Decimal('1.19'):.4f}"),
                "quantity": means("line quantity", line.quantity),
                "weight": "0.5000",
            }
            for line in o.lines
        ],
    }


@schema("orders")
def businesscentral_invoice(o):
    return {
        "id": f"{o.id * 48611 % 16**8:08x}-3a5e-ee11-8df1-{o.id * 7919 % 16**12:012x}",
        "number": means("number", str(o.number)),
        "externalDocumentNumber": means("reference", o.reference),
        "invoiceDate": means("issued", o.created.strftime("%Y-%m-%d")),
        "postingDate": means("issued", o.created.strftime("%Y-%m-%d")),
        "dueDate": means("due", o.due.strftime("%Y-%m-%d")),
        "customerNumber": str(10_000 + o.person.id % 6_007),
        "customerName": means("full name", f"{o.person.given} {o.person.family}"),
        "billToName": means("full name", f"{o.person.given} {o.person.family}"),
        "shipToName": means("full name", f"{o.person.given} {o.person.family}"),
        "sellToAddressLine1": means("billing street", o.billing.street),
        "sellToCity": means("billing city", o.billing.city),
        "sellToCountry": means("billing country", o.billing.country),
        "sellToState": means("billing region", o.billing.region),
        "sellToPostCode": means("billing zip", o.billing.zip),
        "shipToAddressLine1": means("shipping street", o.shipping.street),
        "shipToCity": means("shipping city", o.shipping.city),
        "shipToCountry": means("shipping country", o.shipping.country),
        "shipToState": means("shipping region", o.shipping.region),
        "shipToPostCode": means("shipping zip", o.shipping.zip),
        "currencyCode": means("currency", o.currency),
        "pricesIncludeTax": False,
        "discountAmount": means("discount", float(o.discount)),
        "discountAppliedBeforeTax": True,
        "totalAmountExcludingTax": means("net", float(o.total - o.tax)),
        "totalTaxAmount": means("tax", float(o.tax)),
        "totalAmountIncludingTax": means("total", float(o.total)),
        "remainingAmount": means("balance", float(o.balance)),
        "status": means("status", "Paid" if o.is_paid else "Open"),
        "lastModifiedDateTime": means("updated", zulu(o.updated)),
        "phoneNumber": means("phone", o.person.phone),
        "email": means("email", o.person.email),
        "salesInvoiceLines": [
            {
                "sequence": 10_000 * line.position,
                "lineType": "Item",
                "lineObjectNumber": means("line sku", line.sku),
                "description": means("line name", line.name),
                "quantity": means("line quantity", line.quantity),
                "unitPrice": means("line price", float(line.price)),
                "discountAmount": 0,
                "taxPercent": 19,
                "amountExcludingTax": means("line total", float(line.total)),
                "amountIncludingTax": means("line gross", float((line.total * Decimal("1.19")).quantize(Decimal("0.01")))),
            }
            for line in o.lines
        ],
    }


@schema("orders")
def square_order(o):
    def money(meaning, amount):
        return {"amount": means(meaning, cents(amount)), "currency": means("currency", o.currency)}

    return {
        "id": f"CAIS{o.id * 104729:x}",
        "location_id": "L88917AVBK2S5",
        "reference_id": means("number", str(o.number)),
        "customer_id": f"JDKYHBWT1D4F{o.person.id}",
        "state": means("status", "COMPLETED" if o.is_paid else "OPEN"),
        "version": 4,
        "created_at": means("entered", zulu(o.created)),
        "updated_at": means("updated", zulu(o.updated)),
        "total_money": money("total", o.total),
        "total_tax_money": money("tax", o.tax),
        "total_discount_money": money("discount", o.discount),
        "total_tip_money": {"amount": 0, "currency": o.currency},
        "total_service_charge_money": money("freight", o.freight),
        "net_amount_due_money": money("balance", o.balance),
        "fulfillments": [
            {
                "uid": f"f{o.id}",
                "type": "SHIPMENT",
                "shipment_details": {
                    "recipient": {
                        "display_name": means("full name", f"{o.person.given} {o.person.family}"),
                        "email_address": means("email", o.person.email),
                        "phone_number": means("phone", o.person.phone.replace(" ", "")),
                        "address": {
                            "address_line_1": means("shipping street", o.shipping.street),
                            "locality": means("shipping city", o.shipping.city),
                            "postal_code": means("shipping zip", o.shipping.zip),
                            "country": means("shipping country", o.shipping.country),
                        },
                    },
                },
            }
        ],
        "line_items": [
            {
                "uid": f"u{line.id}",
                "catalog_object_id": f"BEMYCSMIJL{line.id % 389}",
                "name": means("line name", line.name),
                "variation_name": "Regular",
                "quantity": means("line quantity", str(line.quantity)),
                "base_price_money": money("line price", line.price),
                "gross_sales_money": money("line total", line.total),
                "total_money": money("line gross", (line.total * Decimal("1.19")).quantize(Decimal("0.01"))),
                "note": "",
            }
            for line in o.lines
        ],
    }


@schema("orders")
def lexware_invoice(o):
    return {
        "id": f"{o.id * 90001 % 16**8:08x}-bf20-41f8-a9c2-{o.id * 15485863 % 16**12:012x}",
        "organizationId": "aa93e8a8-2aa3-470b-b914-caad8a255dd8",
        "createdDate": means("entered", zulu(o.created.replace(hour=23))),
        "updatedDate": means("updated", o.updated.strftime("%Y-%m-%dT%H:%M:%S.000+00:00")),
        "version": 2,
        "voucherNumber": means("number", f"{o.number}"),
        "voucherStatus": means("status", "paid" if o.is_paid else "open"),
        "voucherDate": means("issued", o.created.strftime("%Y-%m-%dT00:00:00.000+00:00")),
        "dueDate": means("due", o.due.strftime("%Y-%m-%dT00:00:00.000+00:00")),
        "address": {
            "contactId": f"{o.person.id * 64007 % 16**8:08x}-eb42-497d-ae15-{o.person.id * 7 % 16**12:012x}",
            "name": means("full name", f"{o.person.given} {o.person.family}"),
            "supplement": None,
            "street": means("billing street", o.billing.street),
            "zip": means("billing zip", o.billing.zip),
            "city": means("billing city", o.billing.city),
            "countryCode": means("billing country", o.billing.country),
        },
        "lineItems": [
            {
                "id": f"{line.id * 50021 % 16**8:08x}-54be-45bb-9c3b-{line.id * 31 % 16**12:012x}",
                "type": "custom",
                "name": means("line name", line.name),
                "quantity": means("line quantity", line.quantity),
                "unitName": "Stück",
                "unitPrice": {
                    "currency": means("currency", o.currency),
                    "netAmount": means("line price", float(line.price)),
                    "grossAmount": float((line.price * Decimal("1.19")).quantize(Decimal("0.01"))),
                    "taxRatePercentage": 19,
                },
                "discountPercentage": 0,
                "lineItemAmount": means("line total", float(line.total)),
            }
            for line in o.lines
        ],
        "totalPrice": {
            "currency": means("currency", o.currency),
            "totalNetAmount": means("net", float(o.total - o.tax)),
            "totalGrossAmount": means("total", float(o.total)),
            "totalTaxAmount": means("tax", float(o.tax)),
            "totalDiscountAbsolute": means("discount", float(o.discount)),
        },
        "taxConditions": {"taxType": "net"},
        "introduction": "Ihre bestellten Positionen stellen wir Ihnen hiermit in Rechnung",
        "remark": means("note", o.note),
    }


@schema("orders")
def amazon_order(o):
    return {
        "AmazonOrderId": means("number", f"{o.number:03}"),
        "SellerOrderId": means("reference", o.reference),
        "PurchaseDate": means("issued", zulu(o.created)),
        "LastUpdateDate": means("updated", zulu(o.updated)),
        "OrderStatus": means("status", "Shipped" if o.is_paid else "Unshipped"),
        "FulfillmentChannel": "MFN",
        "SalesChannel": "Amazon.de",
        "ShipServiceLevel": "Std DE Dom",
        "OrderTotal": {"CurrencyCode": means("currency", o.currency), "Amount": means("total", str(o.total))},
        "NumberOfItemsShipped": sum(line.quantity for line in o.lines) if o.is_paid else 0,
        "NumberOfItemsUnshipped": 0 if o.is_paid else sum(line.quantity for line in o.lines),
        "PaymentMethod": "Other",
        "MarketplaceId": "A1PA6795UKMFR9",
        "EarliestShipDate": zulu(o.created.replace(hour=22, minute=0)),
        "LatestDeliveryDate": zulu(o.due.replace(hour=21, minute=59)),
        "IsPrime": False,
        "IsBusinessOrder": o.index % 3 == 0,
        "ShippingAddress": {
            "Name": means("full name", f"{o.person.given} {o.person.family}"),
            "AddressLine1": means("shipping street", o.shipping.street),
            "City": means("shipping city", o.shipping.city),
            "StateOrRegion": means("shipping region", o.shipping.region),
            "PostalCode": means("shipping zip", o.shipping.zip),
            "CountryCode": means("shipping country", o.shipping.country),
            "Phone": means("phone", o.person.phone),
        },
        "BuyerInfo": {"BuyerEmail": means("email", o.person.email), "BuyerName": means("full name", f"{o.person.given} {o.person.family}")},
        "OrderItems": [
            {
                "ASIN": f"B0{line.id * 7 % 10**8:08}",
                "SellerSKU": means("line sku", line.sku),
                "OrderItemId": str(10**13 + line.id * 999983),
                "Title": means("line name", line.name),
                "QuantityOrdered": means("line quantity", line.quantity),
                "QuantityShipped": line.quantity if o.is_paid else 0,
                "ItemPrice": {"CurrencyCode": means("currency", o.currency), "Amount": means("line total", str(line.total))},
                "ItemTax": {
                    "CurrencyCode": means("currency", o.currency),
                    "Amount": means("line tax", str((line.total * Decimal("0.19")).quantize(Decimal("0.01")))),
                },
                "PromotionDiscount": {"CurrencyCode": means("currency", o.currency), "Amount": "0.00"},
            }
            for line in o.lines
        ],
    }


@schema("orders")
def odoo_sale_order(o):
    return {
        "id": 40 + o.index,
        "name": f"S{o.index + 50:05}",
        "client_order_ref": means("number", str(o.number)),
        "origin": means("reference", o.reference),
        "state": means("status", "sale" if o.is_paid else "sent"),
        "date_order": means("issued", o.created.strftime("%Y-%m-%d %H:%M:%S")),
        "validity_date": means("due", o.due.strftime("%Y-%m-%d")),
        "create_date": o.created.replace(day=1, hour=3).strftime("%Y-%m-%d %H:%M:%S"),
        "write_date": means("updated", o.updated.strftime("%Y-%m-%d %H:%M:%S")),
        "partner_id": {"id": o.person.id % 3_001, "display_name": means("full name", f"{o.person.given} {o.person.family}")},
        "partner_shipping_id": {
            "id": o.person.id % 3_001 + 1,
            "street": means("shipping street", o.shipping.street),
            "street2": False,
            "city": means("shipping city", o.shipping.city),
            "zip": means("shipping zip", o.shipping.zip),
            "country_code": means("shipping country", o.shipping.country),
        },
        "currency_id": means("currency", o.currency),
        "amount_untaxed": means("net", float(o.total - o.tax)),
        "amount_tax": means("tax", float(o.tax)),
        "amount_total": means("total", float(o.total)),
        "invoice_status": "to invoice",
        "note": means("note", f"<p>{o.note}</p>"),
        "order_line": [
            {
                "id": line.id % 9_973,
                "sequence": line.position,
                "name": means("line name", line.name),
                "product_id": line.id % 389,
                "default_code": means("line sku", line.sku),
                "product_uom_qty": means("line quantity", float(line.quantity)),
                "qty_delivered": float(line.quantity if o.is_paid else 0),
                "qty_invoiced": 0.0,
                "price_unit": means("line price", float(line.price)),
                "discount": 0.0,
                "price_subtotal": means("line total", float(line.total)),
                "price_tax": means("line tax", float((line.total * Decimal("0.19")).quantize(Decimal("0.01")))),
                "price_total": means("line gross", float((line.total * Decimal("1.19")).quantize(Decimal("0.01")))),
            }
            for line in o.lines
        ],
    }


@schema("orders")
def paypal_invoice(o):
    def money(meaning, amount):
        return {"currency_code": means("currency", o.currency), "value": means(meaning, f"{amount:.2f}")}

    return {
        "id": f"INV2-{o.id * 31337 % 16**12:012X}",
        "parent_id": f"INV2-{o.id * 31327 % 16**12:012X}",
        "status": means("status", "PAID" if o.is_paid else "SENT"),
        "detail": {
            "invoice_number": means("number", f"#{o.number}"),
            "reference": means("reference", o.reference),
            "invoice_date": means("issued", o.created.strftime("%Y-%m-%d")),
            "currency_code": means("currency", o.currency),
            "note": means("note", o.note),
            "memo": "internal only",
            "payment_term": {"term_type": "NET_30", "due_date": means("due", o.due.strftime("%Y-%m-%d"))},
            "metadata": {"create_time": means("entered", zulu(o.created.replace(minute=0))), "last_update_time": means("updated", zulu(o.updated))},
        },
        "primary_recipients": [
            {
                "billing_info": {
                    "name": {"given_name": means("given", o.person.given), "surname": means("family", o.person.family)},
                    "email_address": means("email", o.person.email),
                    "address": {
                        "address_line_1": means("billing street", o.billing.street),
                        "admin_area_2": means("billing city", o.billing.city),
                        "admin_area_1": means("billing region", o.billing.region),
                        "postal_code": means("billing zip", o.billing.zip),
                        "country_code": means("billing country", o.billing.country),
                    },
                },
                "shipping_info": {
                    "address": {
                        "address_line_1": means("shipping street", o.shipping.street),
                        "admin_area_2": means("shipping city", o.shipping.city),
                        "postal_code": means("shipping zip", o.shipping.zip),
                        "country_code": means("shipping country", o.shipping.country),
                    }
                },
            }
        ],
        "items": [
            {
                "id": f"ITEM-{line.id * 7919:X}",
                "name": means("line name", line.name),
                "quantity": means("line quantity", str(line.quantity)),
                "unit_amount": money("line price", line.price),
                "tax": {"name": "VAT", "percent": "19", "amount": money("line tax", (line.total * Decimal("0.19")).quantize(Decimal("0.01")))},
                "unit_of_measure": "QUANTITY",
            }
            for line in o.lines
        ],
        "amount": {
            **money("total", o.total),
            "breakdown": {
                "item_total": money("subtotal", o.subtotal),
                "discount": {"invoice_discount": {"amount": money("discount", o.discount)}},
                "tax_total": money("tax", o.tax),
                "shipping": {"amount": money("freight", o.freight)},
            },
        },
        "due_amount": money("balance", o.balance),
        "payments": {"paid_amount": money("paid", o.paid)},
    }


@schema("orders")
def sage_invoice(o):
    def address(a, side):
        return {
            "address_line_1": means(f"{side} street", a.street),
            "address_line_2": "",
            "city": means(f"{side} city", a.city),
            "region": means(f"{side} region", a.region),
            "postal_code": means(f"{side} zip", a.zip),
            "country": {"id": means(f"{side} country", a.country)},
        }

    return {
        "id": f"{o.id * 2654435761 % 16**32:032x}",
        "displayed_as": f"SI-{o.index + 1}",
        "created_at": means("entered", zulu(o.created.replace(second=1))),
        "updated_at": means("updated", zulu(o.updated)),
        "contact_name": means("full name", f"{o.person.given} {o.person.family}"),
        "contact_reference": f"C{o.person.id % 6_007}",
        "contact_id": f"{o.person.id * 40503 % 16**16:032x}",
        "invoice_number": means("number", str(o.number)),
        "date": means("issued", o.created.strftime("%Y-%m-%d")),
        "due_date": means("due", o.due.strftime("%Y-%m-%d")),
        "reference": means("reference", o.reference),
        "main_address": address(o.billing, "billing"),
        "delivery_address": address(o.shipping, "shipping"),
        "notes": means("note", o.note),
        "terms_and_conditions": "",
        "shipping_net_amount": means("freight", str(o.freight)),
        "shipping_tax_amount": "0.0",
        "net_amount": means("net", str(o.total - o.tax)),
        "tax_amount": means("tax", str(o.tax)),
        "total_amount": means("total", str(o.total)),
        "payments_allocations_total_amount": means("paid", str(o.paid)),
        "total_discount_amount": means("discount", str(o.discount)),
        "outstanding_amount": means("balance", str(o.balance)),
        "currency": {"id": means("currency", o.currency), "displayed_as": o.currency.lower() + " currency"},
        "exchange_rate": "1.0",
        "sent": o.index % 2 == 0,
        "status": {"id": means("status", "PAID" if o.is_paid else "UNPAID")},
        "invoice_lines": [
            {
                "id": f"{line.id * 2246822519 % 16**32:032x}",
                "description": means("line name", line.name),
                "quantity": means("line quantity", f"{line.quantity}.0"),
                "unit_price": means("line price", str(line.price)),
                "net_amount": means("line total", str(line.total)),
                "tax_amount": means("line tax", str((line.total * Decimal("0.19")).quantize(Decimal("0.01")))),
                "total_amount": means("line gross", str((line.total * Decimal("1.19")).quantize(Decimal("0.01")))),
                "discount_amount": "0.0",
            }
            for line in o.lines
        ],
    }


# -------------------------------------------------------------------------------------------------- people


@schema("people")
def zendesk_user(p):
    return {
        "id": 20_978_000_000 + p.id,
        "url": f"https://shop.zendesk.test/api/v2/users/{p.id}.json",
        "external_id": means("id", str(p.id)),
        "name": means("full name", f"{p.given} {p.family}"),
        "alias": "",
        "email": means("email", p.email),
        "phone": means("phone", p.phone.replace(" ", "")),
        "created_at": means("created", zulu(p.created)),
        "updated_at": means("updated", zulu(p.updated)),
        "last_login_at": zulu(p.updated.replace(minute=59)),
        "active": True,
        "verified": p.orders % 3 > 0,
        "suspended": False,
        "role": "end-user",
        "organization_id": 57_542 + p.company.id % 991,
        "locale": "de-DE",
        "time_zone": means("zone", "Berlin"),
        "notes": means("note", p.note),
        "tags": ["customer"],
        "user_fields": {
            "job_title": means("job", p.job),
            "company_name": means("company", p.company.name),
            "mobile_phone": means("mobile", p.mobile.replace(" ", "")),
            "lifetime_orders": means("orders", p.orders),
            "newsletter": means("subscribed", p.subscribed),
        },
    }


@schema("people")
def freshdesk_contact(p):
    return {
        "id": 434_000 + p.id % 7_919,
        "name": means("full name", f"{p.given} {p.family}"),
        "job_title": means("job", p.job),
        "email": means("email", p.email),
        "phone": means("phone", p.phone),
        "mobile": means("mobile", p.mobile),
        "address": means("street", p.address.street),
        "description": means("note", p.note),
        "language": "de",
        "time_zone": means("zone", "Berlin"),
        "unique_external_id": means("id", str(p.id)),
        "view_all_tickets": False,
        "deleted": False,
        "active": p.orders % 5 > 0,
        "company_id": 23_000 + p.company.id % 887,
        "created_at": means("created", zulu(p.created)),
        "updated_at": means("updated", zulu(p.updated)),
        "custom_fields": {
            "company": means("company", p.company.name),
            "orders_count": means("orders", p.orders),
            "opt_in": means("subscribed", p.subscribed),
            "city": means("city", p.address.city),
            "zip": means("zip", p.address.zip),
        },
        "other_emails": [],
    }


@schema("people")
def odoo_partner(p):
    return {
        "id": 300 + p.id % 7_001,
        "display_name": f"{p.company.name}, {p.given} {p.family}",
        "name": means("full name", f"{p.given} {p.family}"),
        "ref": means("id", str(p.id)),
        "is_company": False,
        "parent_id": 90 + p.company.id % 577,
        "commercial_company_name": means("company", p.company.name),
        "function": means("job", p.job),
        "street": means("street", p.address.street),
        "street2": False,
        "zip": means("zip", p.address.zip),
        "city": means("city", p.address.city),
        "state_code": means("region", p.address.region),
        "country_code": means("country", p.address.country),
        "phone": means("phone", p.phone),
        "mobile": means("mobile", p.mobile),
        "email": means("email", p.email),
        "comment": means("note", p.note),
        "sale_order_count": means("orders", p.orders),
        "total_invoiced": means("spent", float(p.spent)),
        "create_date": means("created", p.created.strftime("%Y-%m-%d %H:%M:%S")),
        "write_date": means("updated", p.updated.strftime("%Y-%m-%d %H:%M:%S")),
        "active": True,
        "lang": "de_DE",
    }


@schema("people")
def pipedrive_person(p):
    local = "%Y-%m-%d %H:%M:%S"
    return {
        "id": 1 + p.id % 5_003,
        "owner_id": 1_234 + p.orders % 3,
        "org_id": {"name": means("company", p.company.name), "address": means("other street", p.other.street), "value": 12 + p.company.id % 769},
        "name": means("full name", f"{p.given} {p.family}"),
        "first_name": means("given", p.given),
        "last_name": means("family", p.family),
        "email": [{"label": "work", "value": means("email", p.email), "primary": True}],
        "phone": [{"label": "work", "value": means("phone", p.phone), "primary": True}],
        "primary_email": means("email", p.email),
        "open_deals_count": p.orders % 4,
        "won_deals_count": means("orders", p.orders),
        "visible_to": "3",
        "add_time": means("created", p.created.strftime(local)),
        "update_time": means("updated", p.updated.strftime(local)),
        "last_activity_date": p.updated.replace(day=2).strftime("%Y-%m-%d"),
        "job_title": means("job", p.job),
        "notes": means("note", p.note),
        "postal_address_locality": means("city", p.address.city),
        "postal_address_postal_code": means("zip", p.address.zip),
        "postal_address_country": means("country", p.address.country),
        "postal_address_route": means("street", p.address.street),
    }


@schema("people")
def mailchimp_member(p):
    return {
        "id": f"{p.id * 2654435761 % 16**32:032x}",
        "email_address": means("email", p.email),
        "unique_email_id": f"{p.id * 48611:x}",
        "full_name": means("full name", f"{p.given} {p.family}"),
        "status": "subscribed" if p.subscribed else "unsubscribed",
        "merge_fields": {
            "FNAME": means("given", p.given),
            "LNAME": means("family", p.family),
            "PHONE": means("phone", p.phone),
            "COMPANY": means("company", p.company.name),
            "ADDRESS": {
                "addr1": means("street", p.address.street),
                "addr2": "",
                "city": means("city", p.address.city),
                "state": means("region", p.address.region),
                "zip": means("zip", p.address.zip),
                "country": means("country", p.address.country),
            },
        },
        "stats": {
            "avg_open_rate": p.orders / 31,
            "ecommerce_data": {"total_revenue": means("spent", float(p.spent)), "number_of_orders": means("orders", p.orders)},
        },
        "timestamp_signup": means("created", p.created.strftime("%Y-%m-%dT%H:%M:%S+00:00")),
        "timestamp_opt": p.created.replace(second=59).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "last_changed": means("updated", p.updated.strftime("%Y-%m-%dT%H:%M:%S+00:00")),
        "language": "de",
        "vip": False,
        "member_rating": 1 + p.orders % 5,
    }


# -------------------------------------------------------------------------------------------------- companies and deals


@schema("companies")
def businesscentral_customer(c):
    return {
        "id": f"{c.id * 48611 % 16**8:08x}-6d5e-ee11-8df1-{c.id * 104729 % 16**12:012x}",
        "number": f"C{c.id}",
        "displayName": means("name", c.name),
        "type": "Company",
        "addressLine1": means("billing street", c.billing.street),
        "addressLine2": "",
        "city": means("billing city", c.billing.city),
        "state": means("billing region", c.billing.region),
        "country": means("billing country", c.billing.country),
        "postalCode": means("billing zip", c.billing.zip),
        "phoneNumber": means("phone", c.phone),
        "website": means("domain", f"www.{c.domain}"),
        "taxLiable": True,
        "currencyCode": "EUR",
        "balanceDue": float(c.employees * 3),
        "creditLimit": 0,
        "blocked": " ",
        "lastModifiedDateTime": means("updated", zulu(c.updated)),
    }


@schema("companies")
def pipedrive_organization(c):
    return {
        "id": 700 + c.id % 4_001,
        "name": means("name", c.name),
        "owner_name": "Kim Sales",
        "address": f"{c.billing.street}, {c.billing.zip} {c.billing.city}",
        "address_route": means("billing street", c.billing.street),
        "address_locality": means("billing city", c.billing.city),
        "address_admin_area_level_1": means("billing region", c.billing.region),
        "address_country": means("billing country", c.billing.country),
        "address_postal_code": means("billing zip", c.billing.zip),
        "people_count": c.id % 7,
        "employee_count": means("employees", c.employees),
        "annual_revenue": means("revenue", c.revenue),
        "website": means("domain", f"https://{c.domain}"),
        "industry": means("industry", c.industry),
        "add_time": means("created", c.created.strftime("%Y-%m-%d %H:%M:%S")),
        "update_time": means("updated", c.updated.strftime("%Y-%m-%d %H:%M:%S")),
        "last_activity_date": None,
    }


@schema("deals")
def zoho_deal(d):
    return {
        "id": str(554_023_000_000_000_000 + d.id * 13),
        "Deal_Name": means("name", d.name),
        "Amount": means("amount", float(d.amount)),
        "Expected_Revenue": float(d.amount * d.probability / 100),
        "Stage": means("stage", ["Qualification", "Value Proposition", "Negotiation/Review", "Closed Won"][d.stage]),
        "Probability": means("probability", d.probability),
        "Closing_Date": means("close", d.close.strftime("%Y-%m-%d")),
        "Account_Name": {"id": str(554_023_000_000_100_000 + d.company.id), "name": means("company", d.company.name)},
        "Contact_Name": None,
        "Currency": means("currency", d.currency),
        "Exchange_Rate": means("rate", 1),
        "Next_Step": means("next step", d.next_step),
        "Lead_Source": "Web",
        "Created_Time": means("created", d.created.strftime("%Y-%m-%dT%H:%M:%S+00:00")),
        "Modified_Time": means("updated", d.updated.strftime("%Y-%m-%dT%H:%M:%S+00:00")),
        "Last_Activity_Time": d.updated.replace(second=0).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "Sales_Cycle_Duration": (d.close - d.created).days,
    }


@schema("deals")
def dynamics_opportunity(d):
    return {
        "opportunityid": f"{d.id * 48611 % 16**8:08x}-2c5e-ee11-8def-{d.id * 7919 % 16**12:012x}",
        "name": means("name", d.name),
        "estimatedvalue": means("amount", float(d.amount)),
        "actualvalue": float(d.amount - 10) if d.stage == 3 else None,
        "totalamount": 0.0,
        "estimatedclosedate": means("close", d.close.strftime("%Y-%m-%d")),
        "actualclosedate": None,
        "stepname": means("stage", ["1-Qualify", "2-Develop", "3-Propose", "4-Close"][d.stage]),
        "closeprobability": means("probability", d.probability),
        "parentaccountid": {"accountid": f"{d.company.id * 7919 % 16**12:032x}", "name": means("company", d.company.name)},
        "transactioncurrencyid": {"isocurrencycode": means("currency", d.currency)},
        "exchangerate": means("rate", 1.0),
        "currentsituation": means("next step", d.next_step),
        "description": None,
        "createdon": means("created", zulu(d.created)),
        "modifiedon": means("updated", zulu(d.updated)),
        "overriddencreatedon": None,
        "statecode": 0,
        "statuscode": 1,
    }
