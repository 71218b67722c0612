"""Leads, merge requests, expenses, homes, patients, parcels, students and purchases: the third set that was written blind."""

from __future__ import annotations

from datetime import timedelta

from tests.suggestions.trades import d, guid, m, ms, z


def sflead(x):
    return {
        "attributes": {"type": m("stype", "Lead"), "url": m("surl", f"/services/data/v58.0/sobjects/Lead/00Q{x.num}")},
        "Id": m("own1", f"00Q5g00000{x.num}AAA"),
        "FirstName": m("given", x.g),
        "LastName": m("family", x.f),
        "Company": m("firm", x.firm),
        "Title": m("job", x.job),
        "Email": m("mail", x.mail),
        "Phone": m("tel", x.tel),
        "MobilePhone": m("mob", x.mob),
        "Status": m("status", "Working" if x.open else "Nurturing"),
        "LeadSource": m("source", ["Web", "Referral", "Trade Show"][x.k % 3]),
        "Rating": m("rating", ["Hot", "Cold"][x.n % 2]),
        "Industry": m("ind", x.thing),
        "AnnualRevenue": m("rev", x.price * 100.0),
        "NumberOfEmployees": m("emps", x.w),
        "Street": m("street", x.street),
        "City": m("city", x.city),
        "PostalCode": m("zip", x.zip),
        "Country": m("country", x.cname),
        "IsConverted": m("conv", False),
        "HasOptedOutOfEmail": m("optout", x.flag),
        "OwnerId": m("ownerid", f"0055g00000{x.k}"),
        "CreatedDate": m("created", ms(x.t)),
        "LastModifiedDate": m("updated", ms(x.t2)),
        "LastActivityDate": m("act", d(x.t3)),
        "Customer_No__c": m("cno", str(x.num)),
        "Preferred_Colour__c": m("hue", x.hue),
    }


def intercom(x):
    return {
        "type": m("itype", "contact"),
        "id": m("own2", f"{x.num:024x}"),
        "workspace_id": m("ws", "ecahpwf5"),
        "external_id": m("cno", str(x.num)),
        "role": m("role", ["user", "lead"][x.n % 2]),
        "email": m("mail", x.mail),
        "phone": m("mob|tel", x.mob),
        "name": m("display", f"{x.g} {x.f}"),
        "avatar": m("img", f"https://img.x/{x.n}.png"),
        "owner_id": m("ownerid", 127 + x.k),
        "has_hard_bounced": m("bounced", False),
        "marked_email_as_spam": m("spam", False),
        "unsubscribed_from_emails": m("optout", x.flag),
        "created_at": m("created", int(x.t.timestamp())),
        "updated_at": m("updated", int(x.t2.timestamp())),
        "signed_up_at": m("signup|created", int((x.t + timedelta(days=2)).timestamp())),
        "last_seen_at": m("seen", int((x.t3 + timedelta(3)).timestamp())),
        "last_contacted_at": m("act", int(x.t3.timestamp())),
        "browser": m("browser", "chrome"),
        "location": {"country": m("country", x.cname), "region": m("region", x.p["zip"][0]), "city": m("city", x.city)},
        "company": {"name": m("firm", x.firm), "id": m("cid", f"c{x.k}")},
        "custom_attributes": {"job": m("job", x.job), "plan": m("plan", x.word), "seats": m("seats", x.k)},
    }


def gitlab(x):
    return {
        "id": m("own1", 155000 + x.num),
        "iid": m("iid", x.n + 14),
        "project_id": m("pid", 15513260),
        "title": m("title", f"{x.title} {x.n}"),
        "description": m("text", x.text),
        "state": m("state", "merged" if x.open else "opened"),
        "created_at": m("created", z(x.t)),
        "updated_at": m("updated", z(x.t2)),
        "merged_at": m("merged", z(x.t3) if x.open else None),
        "target_branch": m("tgt", "main"),
        "source_branch": m("src", f"{x.word}-{x.n}"),
        "upvotes": m("up", 0),
        "user_notes_count": m("ncom", x.k),
        "author": {
            "id": m("aid", 4155490 + x.n),
            "name": m("author", f"{x.g} {x.f}"),
            "username": m("alogin", (x.g + x.f).lower()),
            "state": m("astate", "active"),
        },
        "assignee": {"name": m("assignee", x.boss), "username": m("aslogin", x.boss.replace(" ", ".").lower())},
        "draft": m("draft", x.flag),
        "sha": m("sha", f"{x.num * 7919:040x}"),
        "web_url": m("url", f"https://gitlab.com/x/-/merge_requests/{x.n + 14}"),
        "milestone": {"title": m("ms", f"v{x.k}"), "due_date": m("due", d(x.t3))},
    }


def bitbucket(x):
    return {
        "id": m("iid|own2", x.n + 14),
        "title": m("title", f"{x.title} {x.n}"),
        "description": m("text", x.text),
        "state": m("state", "MERGED" if x.open else "OPEN"),
        "created_on": m("created", z(x.t)),
        "updated_on": m("updated", z(x.t2)),
        "comment_count": m("ncom", x.k),
        "task_count": m("tasks", x.k % 2),
        "close_source_branch": m("close", x.n % 2 == 0),
        "reason": m("reason", ""),
        "merge_commit": {"hash": m("merge", f"{x.num * 31:012x}")},
        "author": {
            "display_name": m("author", f"{x.g} {x.f}"),
            "nickname": m("alogin", (x.g + x.f).lower()),
            "account_id": m("aid2", f"557058:{x.num}"),
        },
        "closed_by": {"display_name": m("closer", x.boss)},
        "source": {"branch": {"name": m("src", f"{x.word}-{x.n}")}, "commit": {"hash": m("sha", f"{x.num * 7919:012x}")}},
        "destination": {"branch": {"name": m("tgt", "main")}},
        "links": {"html": {"href": m("url", f"https://bitbucket.org/x/pull-requests/{x.n + 14}")}},
    }


def uber(x):
    return {
        "trip_id": m("own1", guid(x, "u")),
        "transaction_timestamp": m("posted", z(x.t2)),
        "request_time": m("requested", z(x.t)),
        "dropoff_time": m("dropped", z(x.t + timedelta(minutes=x.k * 9))),
        "service_type": m("service", ["UberX", "Comfort"][x.n % 2]),
        "city": m("city", x.city),
        "distance_miles": m("dist", x.w / 100),
        "duration_minutes": m("dur", x.k * 9.0),
        "pickup_address": m("pick", x.street),
        "dropoff_address": m("drop", x.p["street"][0] + " 7"),
        "expense_code": m("code", f"E{x.k}"),
        "expense_memo": m("memo", x.text),
        "fare": m("fare", x.price / 100),
        "taxes": m("tax", round(x.price / 1000, 2)),
        "tip": m("tip", x.k * 1.0),
        "total_due": m("total", round(x.price / 100 + x.price / 1000 + x.k, 2)),
        "currency_code": m("cur", x.cur),
        "employee_email": m("mail", x.mail),
        "first_name": m("given", x.g),
        "last_name": m("family", x.f),
        "employee_id": m("eno", str(x.num)),
        "group": m("dept", x.dept),
    }


def expensify(x):
    return {
        "transactionID": m("own2", str(10**12 + x.num)),
        "reportID": m("rep", str(5000 + x.k)),
        "merchant": m("merch", "Uber"),
        "amount": m("total", int(x.price * 1.1 + x.k * 100)),
        "currency": m("cur", x.cur),
        "created": m("posted|requested", d(x.t2)),
        "inserted": m("ins", x.t3.strftime("%Y-%m-%d %H:%M:%S")),
        "modifiedAmount": m("modamt", 0),
        "category": m("cat", "Travel"),
        "tag": m("code", f"E{x.k}"),
        "comment": m("memo", x.text),
        "billable": m("bill", False),
        "reimbursable": m("reimb", True),
        "taxAmount": m("tax", round(x.price / 1000, 2)),
        "taxRate": m("taxrate", "10%"),
        "receiptState": m("rstate", ["SCANCOMPLETE", "OPEN"][x.n % 2]),
        "submitterEmail": m("mail", x.mail),
        "submitterName": m("display", f"{x.g} {x.f}"),
        "approverEmail": m("appr", f"boss{x.n % 4}@{x.firm.lower()}.{x.p['tld']}"),
        "department": m("dept", x.dept),
        "units": {"count": m("dist", x.w / 100), "rate": m("urate", 0.65)},
    }


def airbnb(x):
    return {
        "listing_id": m("own1", 41000000 + x.num),
        "name": m("title", f"{x.word.title()} {x.thing} {x.n}"),
        "summary": m("text", x.text),
        "property_type": m("ptype", ["House", "Apartment"][x.n % 2]),
        "room_type": m("room", "Entire home"),
        "person_capacity": m("cap", x.k + 1),
        "bedrooms": m("beds", x.k),
        "bathrooms": m("bath", x.k / 2),
        "street": m("street", x.street),
        "city": m("city", x.city),
        "zipcode": m("zip", x.zip),
        "country_code": m("cc", x.cc),
        "lat": m("lat", 48.1 + x.n / 11),
        "lng": m("lng", 11.3 + x.n / 13),
        "listing_price": m("price", x.price // 100),
        "cleaning_fee": m("clean", x.w % 90),
        "listing_currency": m("cur", x.cur),
        "min_nights": m("minn", x.k % 3 + 1),
        "max_nights": m("maxn", 365),
        "check_in_time_start": m("cin", "15"),
        "check_out_time": m("cout", "11"),
        "host_name": m("host", f"{x.g} {x.f}"),
        "host_email": m("mail", x.mail),
        "instant_booking": m("inst", x.flag),
        "overall_rating": m("rate", 4.0 + x.k / 6),
        "reviews_count": m("revs", x.w % 300),
        "created_at": m("created", z(x.t)),
    }


def vrbo(x):
    return {
        "unitId": m("own2", f"321.{x.num}.{x.n}"),
        "headline": m("title", f"{x.word.title()} {x.thing} {x.n}"),
        "details": m("text", x.text),
        "propertyType": m("ptype", ["HOUSE", "CONDO"][x.n % 2]),
        "sleeps": m("cap", x.k + 1),
        "bedroomCount": m("beds", x.k),
        "bathroomCount": m("bath", x.k / 2),
        "area": {"value": m("area", x.w), "unit": m("aunit", "SQ_FT")},
        "address": {"addressLine1": m("street", x.street), "city": m("city", x.city), "postalCode": m("zip", x.zip), "countryCode": m("cc", x.cc)},
        "geo": {"latitude": m("lat", 48.1 + x.n / 11), "longitude": m("lng", 11.3 + x.n / 13)},
        "nightlyRate": {"amount": m("price", x.price // 100), "currency": m("cur", x.cur)},
        "cleaningFee": m("clean", x.w % 90),
        "damageDeposit": m("dep", 200 + x.k),
        "minimumStay": m("minn", x.k % 3 + 1),
        "checkInTime": m("cin", "15:00"),
        "owner": {"name": m("host", f"{x.g} {x.f}"), "phone": m("tel", x.tel), "contactEmail": m("mail", x.mail)},
        "active": m("active", True),
        "instantBook": m("inst", x.flag),
        "averageRating": m("rate", 4.0 + x.k / 6),
        "reviewCount": m("revs", x.w % 300),
        "lastUpdated": m("updated", z(x.t2)),
    }


def fhir(x):
    return {
        "resourceType": m("rt", "Patient"),
        "id": m("own1", guid(x, "f")),
        "meta": {"versionId": m("ver", str(x.k)), "lastUpdated": m("updated", z(x.t2))},
        "identifier": {"system": m("sys", "urn:oid:1.2.36"), "value": m("mrn", f"MRN{x.num}")},
        "active": m("active", True),
        "name": {"use": m("use", "official"), "family": m("family", x.f), "given": m("given", [x.g])},
        "telecom": {"phone": m("tel", x.tel), "email": m("mail", x.home)},
        "gender": m("gender", "female" if x.flag else "male"),
        "birthDate": m("birth", d(x.birth)),
        "deceasedBoolean": m("dead", False),
        "address": {"line": m("street", x.street), "city": m("city", x.city), "postalCode": m("zip", x.zip), "country": m("cc", x.cc)},
        "maritalStatus": {"text": m("marital", ["Married", "Single"][x.n % 2])},
        "contact": {"name": m("kin", x.boss), "relationship": m("rel", ["Spouse", "Parent"][x.k % 2]), "phone": m("kintel", x.mob)},
        "generalPractitioner": {"display": m("gp", "Dr " + x.p["family"][x.k])},
        "managingOrganization": {"display": m("org", x.p["firm"][0] + " Clinic")},
    }


def flatpatient(x):
    return {
        "patient_no": m("own2|mrn", f"MRN{x.num}"),
        "surname": m("family", x.f),
        "forename": m("given", x.g),
        "sex": m("gender", "F" if x.flag else "M"),
        "dob": m("birth", d(x.birth)),
        "home_phone": m("tel", x.tel),
        "email": m("mail", x.home),
        "address_1": m("street", x.street),
        "address_2": m("street2", None),
        "town": m("city", x.city),
        "postcode": m("zip", x.zip),
        "marital_status": m("marital", ["M", "S"][x.n % 2]),
        "next_of_kin_name": m("kin", x.boss),
        "next_of_kin_phone": m("kintel", x.mob),
        "next_of_kin_relationship": m("rel", ["Spouse", "Parent"][x.k % 2]),
        "gp_name": m("gp", "Dr " + x.p["family"][x.k]),
        "admission_date": m("adm", d(x.t)),
        "discharge_date": m("disch", d(x.t3)),
        "ward": m("ward", x.hue),
        "insurance_no": m("ins", f"I{x.num * 3}"),
        "record_updated": m("updated", z(x.t2)),
        "status": m("status", "inpatient" if x.open else "outpatient"),
    }


def shippo(x):
    return {
        "object_id": m("own1", f"{x.num:032x}"),
        "object_created": m("created", z(x.t)),
        "object_updated": m("updated", z(x.t2)),
        "tracking_number": m("track", f"1Z{x.num}A{x.n:04}"),
        "carrier": m("carrier", "ups"),
        "servicelevel": {"name": m("service", ["Ground", "2nd Day Air"][x.n % 2]), "token": m("stok", ["ups_ground", "ups_2day"][x.n % 2])},
        "address_from": {
            "name": m("sname", x.p["firm"][0]),
            "street1": m("sstreet", x.p["street"][0] + " 1"),
            "city": m("scity", x.p["city"][0]),
            "zip": m("szip", x.p["zip"][0]),
            "country": m("scc", x.p["country"][0]),
        },
        "address_to": {
            "name": m("recipient", f"{x.g} {x.f}"),
            "company": m("firm", x.firm),
            "street1": m("street", x.street),
            "city": m("city", x.city),
            "zip": m("zip", x.zip),
            "country": m("cc", x.cc),
            "phone": m("tel", x.tel),
            "email": m("mail", x.mail),
        },
        "parcel": {
            "length": m("len", f"{x.k + 20}"),
            "width": m("wid", f"{x.k + 10}"),
            "height": m("hei", f"{x.k}"),
            "weight": m("weight", f"{x.w / 100}"),
            "mass_unit": m("mu", "lb"),
        },
        "rate": {"amount": m("price", f"{x.price / 100:.2f}"), "currency": m("cur", x.cur)},
        "eta": m("eta", z(x.t3)),
        "tracking_status": m("status", "DELIVERED" if x.open else "TRANSIT"),
        "metadata": m("order", f"Order {x.num}"),
        "test": m("test", False),
    }


def ups(x):
    return {
        "inquiryNumber": m("track", f"1Z{x.num}A{x.n:04}"),
        "shipperNumber": m("snum", "A12B34"),
        "pickupDate": m("pick", x.t2.strftime("%Y%m%d")),
        "deliveryDate": m("eta", x.t3.strftime("%Y%m%d")),
        "currentStatus": {"code": m("status", "011" if x.open else "005"), "description": m("status", "Delivered" if x.open else "In Transit")},
        "service": {"code": m("servc", ["003", "002"][x.n % 2]), "description": m("service", ["UPS Ground", "UPS 2nd Day Air"][x.n % 2])},
        "shipFrom": {
            "attentionName": m("sname", x.p["firm"][0]),
            "city": m("scity", x.p["city"][0]),
            "postalCode": m("szip", x.p["zip"][0]),
            "countryCode": m("scc", x.p["country"][0]),
        },
        "shipTo": {
            "attentionName": m("recipient", f"{x.g} {x.f}"),
            "companyName": m("firm", x.firm),
            "addressLine": m("street", x.street),
            "city": m("city", x.city),
            "postalCode": m("zip", x.zip),
            "countryCode": m("cc", x.cc),
        },
        "packageWeight": {"weight": m("weight", f"{x.w / 100}"), "unit": m("mu", "LBS")},
        "reference": {"number": m("order", f"Order {x.num}"), "type": m("rtype", "PO")},
        "signedForBy": m("signed", x.f.upper()),
        "lastActivity": {"location": {"city": m("lcity", x.p["city"][1])}, "time": m("ltime", x.t2.strftime("%H%M%S"))},
        "charges": {"amount": m("price", f"{x.price / 100:.2f}"), "currencyCode": m("cur", x.cur)},
    }


def canvas(x):
    return {
        "id": m("own1", 4000 + x.n),
        "sis_user_id": m("sno", f"S{x.num}"),
        "name": m("display", f"{x.g} {x.f}"),
        "sortable_name": m("sort", f"{x.f}, {x.g}"),
        "short_name": m("short", x.g),
        "login_id": m("login", (x.g + x.f).lower()),
        "email": m("mail", x.mail),
        "locale": m("lang", "en"),
        "time_zone": m("tz", "Europe/Berlin"),
        "created_at": m("created", z(x.t)),
        "last_login": m("seen", z(x.t3)),
        "enrollment": {
            "course_id": m("course", 600 + x.k),
            "type": m("etype", "StudentEnrollment"),
            "enrollment_state": m("state", "active" if x.open else "completed"),
            "current_grade": m("grade", "ABCDE"[x.k - 1]),
            "current_score": m("score", 50 + x.w % 50),
            "total_activity_time": m("act", x.w),
            "updated_at": m("eupd", z(x.t2)),
        },
        "term": {"name": m("term", f"Fall {x.t.year}"), "start_at": m("tstart", z(x.t.replace(day=1)))},
    }


def moodle(x):
    return {
        "id": m("own2", 70 + x.n),
        "username": m("login", (x.g + x.f).lower()),
        "firstname": m("given|short", x.g),
        "lastname": m("family", x.f),
        "fullname": m("display", f"{x.g} {x.f}"),
        "email": m("mail", x.mail),
        "idnumber": m("sno", f"S{x.num}"),
        "department": m("dept", x.dept),
        "institution": m("inst", x.firm),
        "city": m("city", x.city),
        "country": m("cc", x.cc),
        "lang": m("lang", "en"),
        "timezone": m("tz", "Europe/Berlin"),
        "firstaccess": m("faccess", int((x.t + timedelta(1)).timestamp())),
        "lastaccess": m("seen", int(x.t3.timestamp())),
        "timecreated": m("created", int(x.t.timestamp())),
        "timemodified": m("upd", int((x.t2 + timedelta(9)).timestamp())),
        "suspended": m("susp", False),
        "confirmed": m("conf", True),
        "description": m("text", x.text),
        "grade": {"finalgrade": m("score", 50 + x.w % 50), "lettergrade": m("grade", "ABCDE"[x.k - 1])},
        "course": {"shortname": m("cshort", f"C{x.k}"), "startdate": m("tstart", int(x.t.replace(day=1).timestamp()))},
    }


def xerobill(x):
    return {
        "BankTransactionID": m("own1", guid(x, "q")),
        "Type": m("type", "SPEND"),
        "Reference": m("ref", f"INV{x.num}"),
        "Date": m("date", d(x.t)),
        "Status": m("status", "AUTHORISED"),
        "SubTotal": m("net", x.price / 100),
        "TotalTax": m("tax", round(x.price / 500, 2)),
        "Total": m("total", round(x.price * 1.2 / 100, 2)),
        "CurrencyCode": m("cur", x.cur),
        "IsReconciled": m("rec", x.flag),
        "Contact": {"ContactID": m("cid", guid(x, "c")), "Name": m("firm", x.firm)},
        "BankAccount": {"Code": m("bcode", "090"), "Name": m("bname", "Business Account")},
        "UpdatedDateUTC": m("updated", z(x.t2)),
        "LineAmountTypes": m("lat", "Exclusive"),
    }


def qbexpense(x):
    return {
        "Id": m("own2", str(90 + x.n)),
        "DocNumber": m("ref", f"INV{x.num}"),
        "PaymentType": m("ptype", "Cash"),
        "TxnDate": m("date", d(x.t)),
        "TotalAmt": m("total", round(x.price * 1.2 / 100, 2)),
        "TaxTotal": m("tax", round(x.price / 500, 2)),
        "CurrencyRef": {"value": m("cur", x.cur), "name": m("cname", "Euro")},
        "EntityRef": {"name": m("firm", x.firm), "value": m("eid", str(20 + x.k)), "type": m("etype", "Vendor")},
        "AccountRef": {"name": m("bname", "Checking"), "value": m("bid", "35")},
        "PrivateNote": m("note", x.text),
        "Credit": m("credit", False),
        "MetaData": {"CreateTime": m("created", z(x.t + timedelta(2))), "LastUpdatedTime": m("updated", z(x.t2))},
        "PrintStatus": m("print", "NotSet"),
    }


PAIRS = [
    (sflead, intercom),
    (gitlab, bitbucket),
    (uber, expensify),
    (airbnb, vrbo),
    (fhir, flatpatient),
    (shippo, ups),
    (canvas, moodle),
    (xerobill, qbexpense),
]
COMPOSED = {"display": {"given", "family"}}
SMALL = [
    (
        {"name": "display", "mail": "mail", "tel": "tel", "street": "street", "plz": "zip", "city": "city"},
        {
            "contact_name": "display",
            "e_mail": "mail",
            "telephone": "tel",
            "address": "street",
            "zip_code": "zip",
            "place": "city",
            "fax_number": "fax",
        },
    ),
    (
        {"orderNo": "num", "orderedBy": "display", "grandTotal": "gross", "vat": "tax", "placedAt": "created"},
        {"order_number": "num", "customer": "display", "total": "gross", "tax": "tax", "subtotal": "net", "created": "created", "shipped": "updated"},
    ),
    (
        {"id": "num", "first_name": "given", "last_name": "family", "email": "mail", "created_at": "created", "updated_at": "updated"},
        {
            "Id": "num",
            "FirstName": "given",
            "LastName": "family",
            "Email": "mail",
            "CreatedDate": "created",
            "LastModifiedDate": "updated",
            "LastLoginDate": "due",
        },
    ),
    (
        {"item": "title", "sku": "sku", "amount": "k", "price_eur": "price", "category": "kind"},
        {"productTitle": "title", "stockKeepingUnit": "sku", "availableQuantity": "stock", "priceNet": "net", "section": "kind"},
    ),
    (
        {"company": "firm", "contact": "display", "contact_email": "mail", "phone": "tel", "city": "city", "revenue": "w"},
        {"account_name": "firm", "owner_name": "boss", "owner_email": "home", "main_phone": "tel", "billing_city": "city", "employees": "stock"},
    ),
    (
        {"subject": "title", "from_email": "mail", "body": "text", "received": "created", "assigned_to": "boss"},
        {"title": "title", "requester": "mail", "description": "text", "opened_at": "created", "resolved_at": "due", "group": "dept"},
    ),
    (
        {"uid": "num", "username": "login", "email": "mail", "role": "kind", "last_seen": "updated", "active": "flag"},
        {"external_id": "num", "login": "login", "email_address": "mail", "department": "dept", "created": "created", "enabled": "flag"},
    ),
    (
        {"amount": "price", "currency": "cur", "date": "created", "description": "title", "type": "kind"},
        {"total": "price", "currency_code": "cur", "booking_date": "created", "memo": "title", "fee": "fee"},
    ),
    (
        {"firstName": "given", "lastName": "family", "birthDate": "birth", "startDate": "created", "endDate": "due"},
        {"first_name": "given", "last_name": "family", "date_of_birth": "birth", "hired_on": "created", "terminated_on": "due", "updated": "updated"},
    ),
    (
        {"tracking_no": "sku", "weight_g": "w", "ship_date": "created", "deliver_by": "due", "to_zip": "zip", "to_country": "cc"},
        {
            "trackingNumber": "sku",
            "weight": "w",
            "shipped_at": "created",
            "delivered_at": "updated",
            "recipient_postcode": "zip",
            "recipient_country": "cc",
            "sender_postcode": "zip2",
        },
    ),
]
