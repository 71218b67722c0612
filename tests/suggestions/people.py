"""How the vendors show a person or a company; see `documents` for how a schema is written."""

from __future__ import annotations

from tests.suggestions.documents import iso, zulu


def shopify_customer(p):
    return {
        "id": 6_000_000_000 + p.id,
        "email": p.email,
        "accepts_marketing": p.subscribed,
        "created_at": iso(p.created),
        "updated_at": iso(p.updated),
        "first_name": p.given,
        "last_name": p.family,
        "orders_count": p.orders,
        "state": "enabled",
        "total_spent": str(p.spent),
        "last_order_id": 5_000_000_000 + p.id * 3,
        "note": p.note,
        "verified_email": True,
        "phone": p.phone.replace(" ", ""),
        "tags": "",
        "currency": "EUR",
        "default_address": {
            "id": 8_000_000 + p.id,
            "company": p.company.name,
            "address1": p.address.street,
            "address2": "",
            "city": p.address.city,
            "province_code": p.address.region,
            "zip": p.address.zip,
            "country_code": p.address.country,
            "default": True,
        },
    }


SHOPIFY_CUSTOMER = {
    "email": "email",
    "accepts_marketing": "subscribed",
    "created_at": "created",
    "updated_at": "updated",
    "first_name": "given",
    "last_name": "family",
    "total_spent": "spent",
    "note": "note",
    "phone": "phone",
    "default_address.company": "company",
    "default_address.address1": "street",
    "default_address.city": "city",
    "default_address.province_code": "region",
    "default_address.zip": "zip",
    "default_address.country_code": "country",
}


def hubspot_contact(p):
    return {
        "id": str(4_000_000 + p.id * 17),
        "createdAt": zulu(p.created),
        "updatedAt": zulu(p.updated),
        "archived": False,
        "properties": {
            "hs_object_id": str(4_000_000 + p.id * 17),
            "email": p.email,
            "firstname": p.given,
            "lastname": p.family,
            "phone": p.phone,
            "mobilephone": p.mobile,
            "company": p.company.name,
            "jobtitle": p.job,
            "address": p.address.street,
            "city": p.address.city,
            "state": p.address.region,
            "zip": p.address.zip,
            "country": p.address.country,
            "website": f"https://www.{p.company.domain}",
            "lifecyclestage": "customer" if p.id % 3 else "lead",
            "hs_lead_status": "NEW" if p.id % 2 else "OPEN",
            "createdate": zulu(p.created),
            "lastmodifieddate": zulu(p.updated),
            "hs_email_domain": p.email.partition("@")[2],
            "hubspot_owner_id": str(77_000 + p.id % 3),
            "num_associated_deals": str(p.id % 4),
        },
    }


HUBSPOT_CONTACT = {
    "createdAt": "created",
    "updatedAt": "updated",
    "properties.email": "email",
    "properties.firstname": "given",
    "properties.lastname": "family",
    "properties.phone": "phone",
    "properties.mobilephone": "mobile",
    "properties.company": "company",
    "properties.jobtitle": "job",
    "properties.address": "street",
    "properties.city": "city",
    "properties.state": "region",
    "properties.zip": "zip",
    "properties.country": "country",
    "properties.website": "website",
    "properties.createdate": "created",
    "properties.lastmodifieddate": "updated",
    "properties.hubspot_owner_id": "owner",
}


def salesforce_contact(p):
    return {
        "Id": f"003{p.id * 7919:012d}AAA",
        "AccountId": f"001{p.company.id * 31:012d}AAA",
        "Account": {"Name": p.company.name},
        "FirstName": p.given,
        "LastName": p.family,
        "Name": f"{p.given} {p.family}",
        "Salutation": "Dr." if p.id % 7 == 0 else None,
        "Title": p.job,
        "Email": p.email,
        "Phone": p.phone,
        "MobilePhone": p.mobile,
        "Fax": None,
        "MailingStreet": p.address.street,
        "MailingCity": p.address.city,
        "MailingState": p.address.region,
        "MailingPostalCode": p.address.zip,
        "MailingCountry": p.address.country,
        "OtherStreet": p.other.street,
        "OtherCity": p.other.city,
        "OtherPostalCode": p.other.zip,
        "Description": p.note,
        "LeadSource": "Web" if p.id % 2 else "Fair",
        "HasOptedOutOfEmail": not p.subscribed,
        "OwnerId": f"005{p.id % 3:012d}AAA",
        "IsDeleted": False,
        "CreatedDate": zulu(p.created),
        "LastModifiedDate": zulu(p.updated),
        "LastActivityDate": None,
    }


SALESFORCE_CONTACT = {
    "Account.Name": "company",
    "FirstName": "given",
    "LastName": "family",
    "Name": "full name",
    "Title": "job",
    "Email": "email",
    "Phone": "phone",
    "MobilePhone": "mobile",
    "MailingStreet": "street",
    "MailingCity": "city",
    "MailingState": "region",
    "MailingPostalCode": "zip",
    "MailingCountry": "country",
    "Description": "note",
    "OwnerId": "owner",
    "CreatedDate": "created",
    "LastModifiedDate": "updated",
}


def quickbooks_customer(p):
    return {
        "Id": str(p.id % 9_973),
        "SyncToken": "0",
        "MetaData": {"CreateTime": iso(p.created), "LastUpdatedTime": iso(p.updated)},
        "GivenName": p.given,
        "FamilyName": p.family,
        "DisplayName": f"{p.given} {p.family}",
        "PrintOnCheckName": f"{p.given} {p.family}",
        "CompanyName": p.company.name,
        "PrimaryEmailAddr": {"Address": p.email},
        "PrimaryPhone": {"FreeFormNumber": p.phone},
        "Mobile": {"FreeFormNumber": p.mobile},
        "BillAddr": {
            "Id": str(p.id % 4_001),
            "Line1": p.address.street,
            "City": p.address.city,
            "CountrySubDivisionCode": p.address.region,
            "PostalCode": p.address.zip,
            "Country": p.address.country,
        },
        "Notes": p.note,
        "Active": True,
        "Job": False,
        "Taxable": True,
        "Balance": 0.0,
        "BalanceWithJobs": 0.0,
        "PreferredDeliveryMethod": "Print",
    }


QUICKBOOKS_CUSTOMER = {
    "MetaData.CreateTime": "created",
    "MetaData.LastUpdatedTime": "updated",
    "GivenName": "given",
    "FamilyName": "family",
    "DisplayName": "full name",
    "PrintOnCheckName": "full name",
    "CompanyName": "company",
    "PrimaryEmailAddr.Address": "email",
    "PrimaryPhone.FreeFormNumber": "phone",
    "Mobile.FreeFormNumber": "mobile",
    "BillAddr.Line1": "street",
    "BillAddr.City": "city",
    "BillAddr.CountrySubDivisionCode": "region",
    "BillAddr.PostalCode": "zip",
    "BillAddr.Country": "country",
    "Notes": "note",
}


def stripe_customer(p):
    return {
        "id": f"cus_{p.id * 104_729:014x}",
        "object": "customer",
        "address": {
            "line1": p.address.street,
            "line2": None,
            "city": p.address.city,
            "state": p.address.region,
            "postal_code": p.address.zip,
            "country": p.address.country,
        },
        "balance": 0,
        "created": int(p.created.timestamp()),
        "currency": "eur",
        "default_source": None,
        "delinquent": False,
        "description": p.note,
        "email": p.email,
        "invoice_prefix": f"{p.id * 7919 % 16**8:08X}",
        "livemode": False,
        "name": f"{p.given} {p.family}",
        "next_invoice_sequence": p.orders + 1,
        "phone": p.phone,
        "tax_exempt": "none",
    }


STRIPE_CUSTOMER = {
    "address.line1": "street",
    "address.city": "city",
    "address.state": "region",
    "address.postal_code": "zip",
    "address.country": "country",
    "created": "created",
    "description": "note",
    "email": "email",
    "name": "full name",
    "phone": "phone",
}


def salesforce_account(c):
    return {
        "Id": f"001{c.id * 31:012d}AAA",
        "IsDeleted": False,
        "Name": c.name,
        "Type": "Customer - Direct" if c.id % 2 else "Prospect",
        "ParentId": None,
        "BillingStreet": c.billing.street,
        "BillingCity": c.billing.city,
        "BillingState": c.billing.region,
        "BillingPostalCode": c.billing.zip,
        "BillingCountry": c.billing.country,
        "ShippingStreet": c.shipping.street,
        "ShippingCity": c.shipping.city,
        "ShippingPostalCode": c.shipping.zip,
        "Phone": c.phone,
        "Fax": None,
        "AccountNumber": f"CD{c.id}",
        "Website": f"https://www.{c.domain}",
        "Industry": c.industry,
        "AnnualRevenue": float(c.revenue),
        "NumberOfEmployees": c.employees,
        "OwnerId": f"005{c.id % 3:012d}AAA",
        "CreatedDate": zulu(c.created),
        "LastModifiedDate": zulu(c.updated),
    }


SALESFORCE_ACCOUNT = {
    "Name": "name",
    "BillingStreet": "street",
    "BillingCity": "city",
    "BillingState": "region",
    "BillingPostalCode": "zip",
    "BillingCountry": "country",
    "Phone": "phone",
    "Website": "website",
    "Industry": "industry",
    "AnnualRevenue": "revenue",
    "NumberOfEmployees": "employees",
    "CreatedDate": "created",
    "LastModifiedDate": "updated",
}


def hubspot_company(c):
    return {
        "id": str(3_000_000 + c.id * 19),
        "createdAt": zulu(c.created),
        "updatedAt": zulu(c.updated),
        "archived": False,
        "properties": {
            "hs_object_id": str(3_000_000 + c.id * 19),
            "name": c.name,
            "domain": c.domain,
            "website": f"https://www.{c.domain}",
            "phone": c.phone.replace(" ", "-"),
            "address": c.billing.street,
            "address2": None,
            "city": c.billing.city,
            "state": c.billing.region,
            "zip": c.billing.zip,
            "country": c.billing.country,
            "industry": c.industry.upper(),
            "annualrevenue": str(c.revenue),
            "numberofemployees": str(c.employees),
            "createdate": zulu(c.created),
            "hs_lastmodifieddate": zulu(c.updated),
            "lifecyclestage": "customer" if c.id % 3 else "lead",
            "num_associated_contacts": str(c.id % 6),
        },
    }


HUBSPOT_COMPANY = {
    "createdAt": "created",
    "updatedAt": "updated",
    "properties.name": "name",
    "properties.domain": "website",
    "properties.website": "website",
    "properties.phone": "phone",
    "properties.address": "street",
    "properties.city": "city",
    "properties.state": "region",
    "properties.zip": "zip",
    "properties.country": "country",
    "properties.industry": "industry",
    "properties.annualrevenue": "revenue",
    "properties.numberofemployees": "employees",
    "properties.createdate": "created",
    "properties.hs_lastmodifieddate": "updated",
}
