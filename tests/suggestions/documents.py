"""How six vendors show an order or an invoice, and a deal: field names and formats as they have them, values from `world`.

Each schema is a function from a thing to a record, and what its fields mean. Fields with the same meaning are true pairs;
fields without one here have no counterpart anywhere.
"""

from __future__ import annotations

from decimal import Decimal


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def zulu(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def cents(amount):
    return int(amount * 100)


def shopify_order(o):
    def address(a):
        return {
            "first_name": o.person.given,
            "last_name": o.person.family,
            "address1": a.street,
            "address2": None,
            "city": a.city,
            "province_code": a.region,
            "zip": a.zip,
            "country_code": a.country,
            "phone": None,
        }

    return {
        "id": 5_000_000_000_000 + o.id * 977,
        "admin_graphql_api_id": f"gid://shopify/Order/{5_000_000_000_000 + o.id * 977}",
        "name": f"#{o.number}",
        "order_number": o.number,
        "number": o.index + 1,
        "email": o.person.email,
        "created_at": iso(o.created),
        "updated_at": iso(o.updated),
        "cancelled_at": None,
        "currency": o.currency,
        "subtotal_price": str(o.subtotal - o.discount),
        "total_line_items_price": str(o.subtotal),
        "total_discounts": str(o.discount),
        "total_tax": str(o.tax),
        "total_price": str(o.total),
        "total_outstanding": str(o.balance),
        "taxes_included": False,
        "financial_status": "paid" if o.is_paid else "pending",
        "fulfillment_status": None if o.index % 3 else "fulfilled",
        "note": o.note,
        "po_number": o.reference,
        "test": False,
        "token": f"{o.id * 7919:032x}",
        "tags": "web, vip" if o.index % 4 else "",
        "customer": {"id": 6_000_000_000 + o.person.id, "first_name": o.person.given, "last_name": o.person.family, "phone": o.person.phone},
        "billing_address": address(o.billing),
        "shipping_address": address(o.shipping),
        "shipping_lines": [{"title": "Standard", "price": str(o.freight), "code": "STD", "carrier_identifier": None}],
        "tax_lines": [{"title": "VAT", "rate": 0.19, "price": str(o.tax)}],
        "line_items": [
            {
                "id": 9_000_000_000 + line.id,
                "product_id": 700_000 + line.id * 3,
                "variant_id": 800_000 + line.id * 7,
                "title": line.name,
                "sku": line.sku,
                "quantity": line.quantity,
                "price": str(line.price),
                "total_discount": "0.00",
                "grams": 500 + line.position,
                "requires_shipping": True,
                "vendor": "House",
            }
            for line in o.lines
        ],
    }


SHOPIFY_ORDER = {
    "name": "number",
    "order_number": "number",
    "email": "email",
    "created_at": "issued",
    "updated_at": "updated",
    "currency": "currency",
    "total_line_items_price": "subtotal",
    "total_discounts": "discount",
    "total_tax": "tax",
    "total_price": "total",
    "total_outstanding": "balance",
    "financial_status": "status",
    "note": "note",
    "po_number": "reference",
    "customer.first_name": "given",
    "customer.last_name": "family",
    "customer.phone": "phone",
    "billing_address.first_name": "given",
    "billing_address.last_name": "family",
    "shipping_address.first_name": "given",
    "shipping_address.last_name": "family",
    **{f"billing_address.{key}": f"billing {key}" for key in ("city",)},
    "billing_address.address1": "billing street",
    "billing_address.province_code": "billing region",
    "billing_address.zip": "billing zip",
    "billing_address.country_code": "billing country",
    "shipping_address.address1": "shipping street",
    "shipping_address.city": "shipping city",
    "shipping_address.province_code": "shipping region",
    "shipping_address.zip": "shipping zip",
    "shipping_address.country_code": "shipping country",
    "line_items[].title": "line name",
    "line_items[].sku": "line sku",
    "line_items[].quantity": "line quantity",
    "line_items[].price": "line price",
    "tax_lines[].price": "tax",
}


def quickbooks_invoice(o):
    return {
        "Id": str(o.index + 130),
        "SyncToken": str(o.index % 3),
        "domain": "QBO",
        "sparse": False,
        "MetaData": {"CreateTime": iso(o.created), "LastUpdatedTime": iso(o.updated)},
        "DocNumber": str(o.number),
        "TxnDate": o.created.strftime("%Y-%m-%d"),
        "DueDate": o.due.strftime("%Y-%m-%d"),
        "CurrencyRef": {"value": o.currency},
        "TotalAmt": float(o.total),
        "Balance": float(o.balance),
        "TxnTaxDetail": {"TotalTax": float(o.tax)},
        "CustomerMemo": {"value": o.note},
        "PrivateNote": None,
        "EmailStatus": "NotSet",
        "PrintStatus": "NeedToPrint" if o.index % 5 else "PrintComplete",
        "BillEmail": {"Address": o.person.email},
        "CustomerRef": {"value": str(o.person.id % 977), "name": f"{o.person.given} {o.person.family}"},
        "BillAddr": {
            "Id": str(3 * o.index + 7),
            "Line1": o.billing.street,
            "City": o.billing.city,
            "CountrySubDivisionCode": o.billing.region,
            "PostalCode": o.billing.zip,
            "Country": o.billing.country,
        },
        "ShipAddr": {
            "Id": str(3 * o.index + 8),
            "Line1": o.shipping.street,
            "City": o.shipping.city,
            "CountrySubDivisionCode": o.shipping.region,
            "PostalCode": o.shipping.zip,
            "Country": o.shipping.country,
        },
        "SalesTermRef": {"value": "3"},
        "Line": [
            {
                "Id": str(line.position),
                "LineNum": line.position,
                "Description": line.name,
                "Amount": float(line.total),
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {
                    "ItemRef": {"value": str(line.id % 89), "name": line.sku},
                    "UnitPrice": float(line.price),
                    "Qty": line.quantity,
                    "TaxCodeRef": {"value": "TAX"},
                },
            }
            for line in o.lines
        ],
    }


QUICKBOOKS_INVOICE = {
    "MetaData.CreateTime": "issued",
    "MetaData.LastUpdatedTime": "updated",
    "DocNumber": "number",
    "TxnDate": "issued",
    "DueDate": "due",
    "CurrencyRef.value": "currency",
    "TotalAmt": "total",
    "Balance": "balance",
    "TxnTaxDetail.TotalTax": "tax",
    "CustomerMemo.value": "note",
    "BillEmail.Address": "email",
    "CustomerRef.name": "full name",
    "BillAddr.Line1": "billing street",
    "BillAddr.City": "billing city",
    "BillAddr.CountrySubDivisionCode": "billing region",
    "BillAddr.PostalCode": "billing zip",
    "BillAddr.Country": "billing country",
    "ShipAddr.Line1": "shipping street",
    "ShipAddr.City": "shipping city",
    "ShipAddr.CountrySubDivisionCode": "shipping region",
    "ShipAddr.PostalCode": "shipping zip",
    "ShipAddr.Country": "shipping country",
    "Line[].Id": "line position",
    "Line[].LineNum": "line position",
    "Line[].Description": "line name",
    "Line[].Amount": "line total",
    "Line[].SalesItemLineDetail.ItemRef.name": "line sku",
    "Line[].SalesItemLineDetail.UnitPrice": "line price",
    "Line[].SalesItemLineDetail.Qty": "line quantity",
}


def stripe_invoice(o):
    return {
        "id": f"in_{o.id * 7919:014x}",
        "object": "invoice",
        "account_country": "IE",
        "amount_due": cents(o.total),
        "amount_paid": cents(o.paid),
        "amount_remaining": cents(o.balance),
        "attempt_count": 1,
        "collection_method": "send_invoice",
        "created": int(o.created.timestamp()),
        "currency": o.currency.lower(),
        "customer": f"cus_{o.person.id * 104_729:014x}",
        "customer_email": o.person.email,
        "customer_name": f"{o.person.given} {o.person.family}",
        "customer_phone": o.person.phone,
        "customer_address": {
            "line1": o.billing.street,
            "line2": None,
            "city": o.billing.city,
            "state": o.billing.region,
            "postal_code": o.billing.zip,
            "country": o.billing.country,
        },
        "customer_shipping": {
            "address": {
                "line1": o.shipping.street,
                "line2": None,
                "city": o.shipping.city,
                "state": o.shipping.region,
                "postal_code": o.shipping.zip,
                "country": o.shipping.country,
            }
        },
        "description": o.note,
        "due_date": int(o.due.timestamp()),
        "livemode": False,
        "metadata": {},
        "number": str(o.number),
        "paid": o.is_paid,
        "period_start": int(o.created.timestamp()) - 86_400 * 7,
        "period_end": int(o.created.timestamp()) - 3_600,
        "status": "paid" if o.is_paid else "open",
        "subtotal": cents(o.subtotal),
        "tax": cents(o.tax),
        "total": cents(o.total),
        "webhooks_delivered_at": None,
        "lines": {
            "object": "list",
            "has_more": False,
            "data": [
                {
                    "id": f"il_{line.id * 6007:014x}",
                    "object": "line_item",
                    "amount": cents(line.total),
                    "currency": o.currency.lower(),
                    "description": line.name,
                    "quantity": line.quantity,
                    "discountable": True,
                    "price": {"id": f"price_{line.id * 31:010x}", "unit_amount": cents(line.price), "type": "one_time"},
                }
                for line in o.lines
            ],
        },
    }


STRIPE_INVOICE = {
    "amount_due": "total",
    "amount_paid": "paid amount",
    "amount_remaining": "balance",
    "created": "issued",
    "currency": "currency",
    "customer_email": "email",
    "customer_name": "full name",
    "customer_phone": "phone",
    "customer_address.line1": "billing street",
    "customer_address.city": "billing city",
    "customer_address.state": "billing region",
    "customer_address.postal_code": "billing zip",
    "customer_address.country": "billing country",
    "customer_shipping.address.line1": "shipping street",
    "customer_shipping.address.city": "shipping city",
    "customer_shipping.address.state": "shipping region",
    "customer_shipping.address.postal_code": "shipping zip",
    "customer_shipping.address.country": "shipping country",
    "description": "note",
    "due_date": "due",
    "number": "number",
    "status": "status",
    "subtotal": "subtotal",
    "tax": "tax",
    "total": "total",
    "lines.data[].amount": "line total",
    "lines.data[].description": "line name",
    "lines.data[].quantity": "line quantity",
    "lines.data[].price.unit_amount": "line price",
}


def xero_invoice(o):
    def dotnet(moment):
        return f"/Date({int(moment.timestamp()) * 1000}+0000)/"

    return {
        "InvoiceID": f"{o.id * 7919:08x}-4a6d-4c60-9b1f-{o.id * 104_729:012x}",
        "Type": "ACCREC",
        "InvoiceNumber": str(o.number),
        "Reference": o.reference,
        "Contact": {
            "ContactID": f"{o.person.id * 6007:08x}-11d2-4e8a-8d4b-{o.person.id * 31:012x}",
            "Name": f"{o.person.given} {o.person.family}",
            "EmailAddress": o.person.email,
            "HasValidationErrors": False,
        },
        "DateString": o.created.strftime("%Y-%m-%dT00:00:00"),
        "DueDateString": o.due.strftime("%Y-%m-%dT00:00:00"),
        "UpdatedDateUTC": dotnet(o.updated),
        "BrandingThemeID": "dabc7637-62c1-4941-8a6e-ee44fa5090e7",
        "Status": "PAID" if o.is_paid else "AUTHORISED",
        "LineAmountTypes": "Exclusive",
        "SubTotal": o.subtotal,
        "TotalTax": o.tax,
        "Total": o.total,
        "AmountDue": o.balance,
        "AmountPaid": o.paid,
        "AmountCredited": Decimal("0.00"),
        "CurrencyCode": o.currency,
        "CurrencyRate": Decimal("1.000000"),
        "SentToContact": bool(o.index % 2),
        "LineItems": [
            {
                "LineItemID": f"{line.id * 7919:08x}-65a1-4a3e-9e0e-{line.id * 31:012x}",
                "ItemCode": line.sku,
                "Description": line.name,
                "UnitAmount": line.price,
                "Quantity": Decimal(line.quantity),
                "TaxType": "OUTPUT",
                "TaxAmount": (line.total * Decimal("0.19")).quantize(Decimal("0.01")),
                "LineAmount": line.total,
                "AccountCode": "200",
            }
            for line in o.lines
        ],
    }


XERO_INVOICE = {
    "InvoiceNumber": "number",
    "Reference": "reference",
    "Contact.Name": "full name",
    "Contact.EmailAddress": "email",
    "DateString": "issued",
    "DueDateString": "due",
    "UpdatedDateUTC": "updated",
    "Status": "status",
    "SubTotal": "subtotal",
    "TotalTax": "tax",
    "Total": "total",
    "AmountDue": "balance",
    "AmountPaid": "paid amount",
    "CurrencyCode": "currency",
    "LineItems[].ItemCode": "line sku",
    "LineItems[].Description": "line name",
    "LineItems[].UnitAmount": "line price",
    "LineItems[].Quantity": "line quantity",
    "LineItems[].LineAmount": "line total",
}


def sap_invoice(o):
    return {
        "DocEntry": o.index + 51,
        "DocNum": o.number,
        "DocType": "dDocument_Items",
        "DocDate": o.created.strftime("%Y-%m-%d"),
        "DocDueDate": o.due.strftime("%Y-%m-%d"),
        "TaxDate": o.created.strftime("%Y-%m-%d"),
        "CardCode": f"C{o.person.id}",
        "CardName": f"{o.person.given} {o.person.family}",
        "NumAtCard": o.reference,
        "DocCurrency": o.currency,
        "DocRate": 1.0,
        "DocTotal": float(o.total),
        "VatSum": float(o.tax),
        "TotalDiscount": float(o.discount),
        "PaidToDate": float(o.paid),
        "Comments": o.note,
        "DocumentStatus": "bost_Close" if o.is_paid else "bost_Open",
        "Cancelled": "tNO",
        "SalesPersonCode": -1,
        "CreationDate": o.created.strftime("%Y-%m-%d"),
        "UpdateDate": o.updated.strftime("%Y-%m-%d"),
        "AddressExtension": {
            "ShipToStreet": o.shipping.street,
            "ShipToZipCode": o.shipping.zip,
            "ShipToCity": o.shipping.city,
            "ShipToCountry": o.shipping.country,
            "BillToStreet": o.billing.street,
            "BillToZipCode": o.billing.zip,
            "BillToCity": o.billing.city,
            "BillToCountry": o.billing.country,
        },
        "DocumentLines": [
            {
                "LineNum": line.position - 1,
                "ItemCode": line.sku,
                "ItemDescription": line.name,
                "Quantity": float(line.quantity),
                "UnitPrice": float(line.price),
                "LineTotal": float(line.total),
                "WarehouseCode": "01",
                "TaxCode": "A1",
                "DiscountPercent": 0.0,
                "OpenAmount": 0.0,
            }
            for line in o.lines
        ],
    }


SAP_INVOICE = {
    "DocNum": "number",
    "DocDate": "issued",
    "DocDueDate": "due",
    "TaxDate": "issued",
    "CreationDate": "issued",
    "CardName": "full name",
    "NumAtCard": "reference",
    "DocCurrency": "currency",
    "DocTotal": "total",
    "VatSum": "tax",
    "TotalDiscount": "discount",
    "PaidToDate": "paid amount",
    "Comments": "note",
    "DocumentStatus": "status",
    "UpdateDate": "updated",
    "AddressExtension.ShipToStreet": "shipping street",
    "AddressExtension.ShipToZipCode": "shipping zip",
    "AddressExtension.ShipToCity": "shipping city",
    "AddressExtension.ShipToCountry": "shipping country",
    "AddressExtension.BillToStreet": "billing street",
    "AddressExtension.BillToZipCode": "billing zip",
    "AddressExtension.BillToCity": "billing city",
    "AddressExtension.BillToCountry": "billing country",
    "DocumentLines[].ItemCode": "line sku",
    "DocumentLines[].ItemDescription": "line name",
    "DocumentLines[].Quantity": "line quantity",
    "DocumentLines[].UnitPrice": "line price",
    "DocumentLines[].LineTotal": "line total",
}


STAGES_SF = ["Prospecting", "Proposal/Price Quote", "Closed Won", "Closed Lost"]
STAGES_HS = ["appointmentscheduled", "presentationscheduled", "closedwon", "closedlost"]


def salesforce_opportunity(d):
    return {
        "Id": f"006{d.id * 7919:012d}AAA",
        "IsDeleted": False,
        "AccountId": f"001{d.company.id * 31:012d}AAA",
        "Account": {"Name": d.company.name},
        "Name": d.name,
        "StageName": STAGES_SF[d.stage],
        "Amount": float(d.amount),
        "Probability": float(d.probability),
        "CloseDate": d.close.strftime("%Y-%m-%d"),
        "NextStep": d.next_step,
        "CurrencyIsoCode": d.currency,
        "IsClosed": d.stage > 1,
        "IsWon": d.stage == 2,
        "ForecastCategory": "Pipeline",
        "OwnerId": f"005{d.id % 3:012d}AAA",
        "CreatedDate": zulu(d.created),
        "LastModifiedDate": zulu(d.updated),
        "SystemModstamp": zulu(d.updated),
        "FiscalYear": d.close.year,
    }


SALESFORCE_OPPORTUNITY = {
    "Account.Name": "company",
    "Name": "name",
    "StageName": "stage",
    "Amount": "amount",
    "Probability": "probability",
    "CloseDate": "close",
    "NextStep": "next",
    "CurrencyIsoCode": "currency",
    "CreatedDate": "created",
    "LastModifiedDate": "updated",
    "SystemModstamp": "updated",
    "IsClosed": "closed",
    "IsWon": "won",
    "OwnerId": "owner",
}


def hubspot_deal(d):
    return {
        "id": str(9_000_000_000 + d.id * 13),
        "archived": False,
        "createdAt": zulu(d.created),
        "updatedAt": zulu(d.updated),
        "properties": {
            "hs_object_id": str(9_000_000_000 + d.id * 13),
            "dealname": d.name,
            "dealstage": STAGES_HS[d.stage],
            "pipeline": "default",
            "amount": str(d.amount),
            "closedate": zulu(d.close),
            "createdate": zulu(d.created),
            "hs_lastmodifieddate": zulu(d.updated),
            "deal_currency_code": d.currency,
            "hs_deal_stage_probability": str(Decimal(d.probability) / 100),
            "hs_is_closed": "true" if d.stage > 1 else "false",
            "hs_next_step": d.next_step,
            "hubspot_owner_id": str(77_000 + d.id % 3),
            "num_notes": str(d.id % 5),
        },
    }


HUBSPOT_DEAL = {
    "createdAt": "created",
    "updatedAt": "updated",
    "properties.dealname": "name",
    "properties.dealstage": "stage",
    "properties.amount": "amount",
    "properties.closedate": "close",
    "properties.createdate": "created",
    "properties.hs_lastmodifieddate": "updated",
    "properties.deal_currency_code": "currency",
    "properties.hs_deal_stage_probability": "probability",
    "properties.hs_is_closed": "closed",
    "properties.hs_next_step": "next",
    "properties.hubspot_owner_id": "owner",
}
