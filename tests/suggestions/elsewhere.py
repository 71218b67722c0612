"""More vendors, for schemas that nothing was built on: a shop, a CRM and books as other systems show them. See `documents`."""

from __future__ import annotations

from decimal import Decimal

from tests.suggestions.documents import iso


def woo_order(o):
    def local(moment):
        return moment.strftime("%Y-%m-%dT%H:%M:%S")

    def address(a):
        return {
            "first_name": o.person.given,
            "last_name": o.person.family,
            "company": "",
            "address_1": a.street,
            "address_2": "",
            "city": a.city,
            "state": a.region,
            "postcode": a.zip,
            "country": a.country,
        }

    return {
        "id": 700 + o.index,
        "parent_id": 0,
        "number": str(o.number),
        "order_key": f"wc_order_{o.id * 7919:013x}",
        "created_via": "checkout",
        "version": "8.1.0",
        "status": "completed" if o.is_paid else "on-hold",
        "currency": o.currency,
        "date_created": local(o.created),
        "date_modified": local(o.updated),
        "date_completed": None,
        "discount_total": str(o.discount),
        "discount_tax": "0.00",
        "shipping_total": str(o.freight),
        "shipping_tax": "0.00",
        "total": str(o.total),
        "total_tax": str(o.tax),
        "prices_include_tax": False,
        "customer_id": o.person.id % 5_003,
        "customer_ip_address": f"192.0.2.{o.index}",
        "customer_note": o.note,
        "payment_method": "bacs" if o.index % 2 else "cod",
        "billing": {**address(o.billing), "email": o.person.email, "phone": o.person.phone},
        "shipping": address(o.shipping),
        "line_items": [
            {
                "id": 9_000 + line.id % 977,
                "name": line.name,
                "product_id": line.id % 389,
                "variation_id": 0,
                "quantity": line.quantity,
                "tax_class": "",
                "subtotal": str(line.total),
                "total": str(line.total),
                "total_tax": str((line.total * Decimal("0.19")).quantize(Decimal("0.01"))),
                "sku": line.sku,
                "price": float(line.price),
            }
            for line in o.lines
        ],
        "fee_lines": [],
        "refunds": [],
    }


WOO_ORDER = {
    "number": "number",
    "status": "status",
    "currency": "currency",
    "date_created": "issued",
    "date_modified": "updated",
    "discount_total": "discount",
    "shipping_total": "freight",
    "total": "total",
    "total_tax": "tax",
    "customer_note": "note",
    "payment_method": "method",
    "billing.first_name": "given",
    "billing.last_name": "family",
    "shipping.first_name": "given",
    "shipping.last_name": "family",
    "billing.email": "email",
    "billing.phone": "phone",
    **{
        f"{side}.{key}": f"{side} {meaning}"
        for side in ("billing", "shipping")
        for key, meaning in (("address_1", "street"), ("city", "city"), ("state", "region"), ("postcode", "zip"), ("country", "country"))
    },
    "line_items[].name": "line name",
    "line_items[].quantity": "line quantity",
    "line_items[].subtotal": "line total",
    "line_items[].total": "line total",
    "line_items[].total_tax": "line tax",
    "line_items[].sku": "line sku",
    "line_items[].price": "line price",
}


def netsuite_invoice(o):
    def address(a):
        return {
            "addr1": a.street,
            "addr2": None,
            "city": a.city,
            "state": a.region,
            "zip": a.zip,
            "country": {"id": a.country, "refName": a.country.title()},
        }

    return {
        "id": str(20_000 + o.index),
        "tranId": str(o.number),
        "tranDate": o.created.strftime("%Y-%m-%d"),
        "dueDate": o.due.strftime("%Y-%m-%d"),
        "createdDate": iso(o.created),
        "lastModifiedDate": iso(o.updated),
        "entity": {"id": str(o.person.id % 1_009), "refName": f"{o.person.given} {o.person.family}"},
        "email": o.person.email,
        "memo": o.note,
        "otherRefNum": o.reference,
        "currency": {"id": "1", "refName": o.currency},
        "exchangeRate": 1.0,
        "subtotal": float(o.subtotal),
        "discountTotal": float(o.discount),
        "taxTotal": float(o.tax),
        "shippingCost": float(o.freight),
        "total": float(o.total),
        "amountPaid": float(o.paid),
        "amountRemaining": float(o.balance),
        "status": {"id": "Paid In Full" if o.is_paid else "Open"},
        "custbody_shop_channel": "web",
        "toBePrinted": False,
        "billingAddress": address(o.billing),
        "shippingAddress": address(o.shipping),
        "item": {
            "items": [
                {
                    "line": line.position,
                    "item": {"id": str(line.id % 97), "refName": line.sku},
                    "description": line.name,
                    "quantity": float(line.quantity),
                    "rate": float(line.price),
                    "amount": float(line.total),
                    "isClosed": False,
                }
                for line in o.lines
            ]
        },
    }


NETSUITE_INVOICE = {
    "tranId": "number",
    "tranDate": "issued",
    "dueDate": "due",
    "createdDate": "issued",
    "lastModifiedDate": "updated",
    "entity.refName": "full name",
    "email": "email",
    "memo": "note",
    "otherRefNum": "reference",
    "currency.refName": "currency",
    "subtotal": "subtotal",
    "discountTotal": "discount",
    "taxTotal": "tax",
    "shippingCost": "freight",
    "total": "total",
    "amountPaid": "paid amount",
    "amountRemaining": "balance",
    "status.id": "status",
    **{
        f"{side}Address.{key}": f"{side} {meaning}"
        for side in ("billing", "shipping")
        for key, meaning in (
            ("addr1", "street"),
            ("city", "city"),
            ("state", "region"),
            ("zip", "zip"),
            ("country.id", "country"),
            ("country.refName", "country"),
        )
    },
    "item.items[].line": "line position",
    "item.items[].item.refName": "line sku",
    "item.items[].description": "line name",
    "item.items[].quantity": "line quantity",
    "item.items[].rate": "line price",
    "item.items[].amount": "line total",
}


def magento_order(o):
    def address(a):
        return {
            "firstname": o.person.given,
            "lastname": o.person.family,
            "street": [a.street],
            "city": a.city,
            "region_code": a.region,
            "postcode": a.zip,
            "country_id": a.country,
            "telephone": o.person.phone,
        }

    return {
        "entity_id": o.index + 1,
        "increment_id": f"{o.number:09d}",
        "store_id": 1,
        "state": "complete" if o.is_paid else "new",
        "status": "complete" if o.is_paid else "pending",
        "created_at": o.created.strftime("%Y-%m-%d %H:%M:%S"),
        "updated_at": o.updated.strftime("%Y-%m-%d %H:%M:%S"),
        "customer_email": o.person.email,
        "customer_firstname": o.person.given,
        "customer_lastname": o.person.family,
        "customer_is_guest": 0,
        "order_currency_code": o.currency,
        "subtotal": float(o.subtotal),
        "discount_amount": -float(o.discount),
        "shipping_amount": float(o.freight),
        "tax_amount": float(o.tax),
        "grand_total": float(o.total),
        "total_paid": float(o.paid),
        "total_due": float(o.balance),
        "total_qty_ordered": sum(line.quantity for line in o.lines),
        "weight": 1.5,
        "billing_address": address(o.billing),
        "items": [
            {
                "item_id": line.id,
                "product_type": "simple",
                "name": line.name,
                "sku": line.sku,
                "price": float(line.price),
                "qty_ordered": line.quantity,
                "qty_shipped": 0,
                "qty_refunded": 0,
                "row_total": float(line.total),
                "tax_percent": 19,
                "weight": 0.5,
            }
            for line in o.lines
        ],
    }


MAGENTO_ORDER = {
    "increment_id": "number",
    "state": "status",
    "status": "status",
    "created_at": "issued",
    "updated_at": "updated",
    "customer_email": "email",
    "customer_firstname": "given",
    "customer_lastname": "family",
    "order_currency_code": "currency",
    "subtotal": "subtotal",
    "shipping_amount": "freight",
    "tax_amount": "tax",
    "grand_total": "total",
    "total_paid": "paid amount",
    "total_due": "balance",
    "billing_address.firstname": "given",
    "billing_address.lastname": "family",
    "billing_address.street": "billing street",
    "billing_address.city": "billing city",
    "billing_address.region_code": "billing region",
    "billing_address.postcode": "billing zip",
    "billing_address.country_id": "billing country",
    "billing_address.telephone": "phone",
    "items[].name": "line name",
    "items[].sku": "line sku",
    "items[].price": "line price",
    "items[].qty_ordered": "line quantity",
    "items[].row_total": "line total",
}


def dynamics_contact(p):
    return {
        "contactid": f"{p.id * 7919:08x}-2b1c-4e8a-8d4b-{p.id * 31:012x}",
        "_parentcustomerid_value": f"{p.company.id * 7919:08x}-2b1c-4e8a-8d4b-{p.company.id * 31:012x}",
        "firstname": p.given,
        "lastname": p.family,
        "fullname": f"{p.given} {p.family}",
        "jobtitle": p.job,
        "emailaddress1": p.email,
        "emailaddress2": None,
        "telephone1": p.phone,
        "mobilephone": p.mobile,
        "address1_line1": p.address.street,
        "address1_city": p.address.city,
        "address1_stateorprovince": p.address.region,
        "address1_postalcode": p.address.zip,
        "address1_country": p.address.country,
        "address2_city": p.other.city,
        "description": p.note,
        "donotemail": not p.subscribed,
        "statecode": 0,
        "statuscode": 1,
        "createdon": p.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "modifiedon": p.updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versionnumber": 1_000_000 + p.id,
    }


DYNAMICS_CONTACT = {
    "firstname": "given",
    "lastname": "family",
    "fullname": "full name",
    "jobtitle": "job",
    "emailaddress1": "email",
    "telephone1": "phone",
    "mobilephone": "mobile",
    "address1_line1": "street",
    "address1_city": "city",
    "address1_stateorprovince": "region",
    "address1_postalcode": "zip",
    "address1_country": "country",
    "address2_city": "other city",
    "description": "note",
    "createdon": "created",
    "modifiedon": "updated",
}


def zoho_contact(p):
    return {
        "id": str(410_000_000_000 + p.id * 101),
        "First_Name": p.given,
        "Last_Name": p.family,
        "Full_Name": f"{p.given} {p.family}",
        "Account_Name": {"id": str(410_000_000_000 + p.company.id), "name": p.company.name},
        "Title": p.job,
        "Email": p.email,
        "Secondary_Email": None,
        "Phone": p.phone,
        "Mobile": p.mobile,
        "Home_Phone": None,
        "Mailing_Street": p.address.street,
        "Mailing_City": p.address.city,
        "Mailing_State": p.address.region,
        "Mailing_Zip": p.address.zip,
        "Mailing_Country": p.address.country,
        "Other_City": p.other.city,
        "Description": p.note,
        "Email_Opt_Out": not p.subscribed,
        "Created_Time": iso(p.created),
        "Modified_Time": iso(p.updated),
        "Last_Activity_Time": iso(p.updated),
        "Owner": {"id": "7", "name": "House"},
    }


ZOHO_CONTACT = {
    "First_Name": "given",
    "Last_Name": "family",
    "Full_Name": "full name",
    "Account_Name.name": "company",
    "Title": "job",
    "Email": "email",
    "Phone": "phone",
    "Mobile": "mobile",
    "Mailing_Street": "street",
    "Mailing_City": "city",
    "Mailing_State": "region",
    "Mailing_Zip": "zip",
    "Mailing_Country": "country",
    "Other_City": "other city",
    "Description": "note",
    "Created_Time": "created",
    "Modified_Time": "updated",
    "Last_Activity_Time": "updated",
}


def pipedrive_deal(d):
    return {
        "id": d.id % 7_919,
        "title": d.name,
        "value": float(d.amount),
        "currency": d.currency,
        "add_time": d.created.strftime("%Y-%m-%d %H:%M:%S"),
        "update_time": d.updated.strftime("%Y-%m-%d %H:%M:%S"),
        "close_time": None,
        "expected_close_date": d.close.strftime("%Y-%m-%d"),
        "stage_id": d.stage + 1,
        "status": ["open", "open", "won", "lost"][d.stage],
        "probability": d.probability,
        "org_id": {"name": d.company.name, "value": d.company.id % 97},
        "person_id": None,
        "pipeline_id": 1,
        "user_id": {"id": d.id % 3, "name": "House", "email": "house@crm.example"},
        "activities_count": d.id % 4,
        "deleted": False,
    }


PIPEDRIVE_DEAL = {
    "title": "name",
    "value": "amount",
    "currency": "currency",
    "add_time": "created",
    "update_time": "updated",
    "expected_close_date": "close",
    "stage_id": "stage",
    "probability": "probability",
    "org_id.name": "company",
}
