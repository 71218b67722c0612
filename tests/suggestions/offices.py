"""Staff, issues, parcels, address books, incidents, calendars, subscriptions, products, and flat records: the first set that was written blind."""

from __future__ import annotations

from datetime import timedelta

from tests.suggestions.trades import d, guid, m, ms, z


def workday(x):
    return {
        "Worker_ID": m("own1", guid(x, "wd")),
        "Employee_ID": m("number", str(x.num)),
        "Legal_Name": {"First_Name": m("given", x.g), "Last_Name": m("family", x.f)},
        "Preferred_Name": m("display", f"{x.g} {x.f}"),
        "Primary_Work_Email": m("mail", x.mail),
        "Personal_Email": m("home", x.home),
        "Work_Phone": m("tel", x.tel),
        "Birth_Date": m("birth", d(x.birth)),
        "Hire_Date": m("hired", d(x.t)),
        "Termination_Date": m("left", None if x.open else d(x.t3)),
        "Worker_Status": m("status", "Active" if x.open else "Terminated"),
        "Position": {"Business_Title": m("job", x.job), "Worker_Type": m("type", "Employee"), "FTE": m("fte", 100)},
        "Supervisory_Organization": m("dept", x.dept),
        "Location": m("loc", x.city),
        "Manager_Name": m("boss", x.boss),
        "Annual_Salary": m("salary", x.price * 10 / 100),
        "Currency": m("cur", x.cur),
        "Last_Modified": m("mod1", z(x.t2)),
    }


def bamboo(x):
    return {
        "id": m("own2", 100 + x.n * 3),
        "employeeNumber": m("number", str(x.num)),
        "firstName": m("given", x.g),
        "lastName": m("family", x.f),
        "displayName": m("display", f"{x.g} {x.f}"),
        "workEmail": m("mail", x.mail),
        "homeEmail": m("home", x.home),
        "workPhone": m("tel", x.tel),
        "mobilePhone": m("mob", x.mob),
        "dateOfBirth": m("birth", d(x.birth)),
        "hireDate": m("hired", d(x.t)),
        "terminationDate": m("left", "0000-00-00" if x.open else d(x.t3)),
        "status": m("status", "Active" if x.open else "Inactive"),
        "jobTitle": m("job", x.job),
        "department": m("dept", x.dept),
        "division": m("division", x.r.choice(["North", "South"])),
        "location": m("loc", x.city),
        "supervisor": m("boss", x.boss),
        "payRate": m("salary", f"{x.price / 10:.2f} {x.cur}"),
        "address1": m("street", x.street),
        "city": m("homecity", x.p["city"][x.n % 4]),
        "gender": m("gender", "Female" if x.flag else "Male"),
        "lastChanged": m("mod1", z(x.t2 + timedelta(days=2))),
    }


def jira(x):
    return {
        "id": m("own1", str(10000 + x.n)),
        "key": m("key", f"{x.p['repo'].upper()}-{x.n + 1}"),
        "self": m("self", f"https://x.atlassian.net/rest/api/3/issue/{10000 + x.n}"),
        "fields": {
            "summary": m("title", x.title + f" {x.n}"),
            "description": m("text", x.text),
            "created": m("created", ms(x.t)),
            "updated": m("updated", ms(x.t2)),
            "resolutiondate": m("closed", None if x.open else ms(x.t3)),
            "duedate": m("due", d(x.t3)),
            "status": {"name": m("state", "In Progress" if x.open else "Done"), "id": m("sid", "3" if x.open else "10001")},
            "priority": {"name": m("priority", x.r.choice(["High", "Low", "Medium"]))},
            "issuetype": {"name": m("type", x.r.choice(["Bug", "Task"])), "subtask": m("sub", False)},
            "assignee": {"accountId": m("aid", guid(x, "a")[:24]), "displayName": m("assignee", f"{x.g} {x.f}"), "emailAddress": m("amail", x.mail)},
            "reporter": {"displayName": m("reporter", x.boss)},
            "project": {"key": m("pkey", x.p["repo"].upper()), "name": m("repo", x.p["repo"] + "-front")},
            "labels": m("labels", [x.word]),
            "votes": {"votes": m("votes", x.k)},
            "timeestimate": m("est", x.w),
        },
    }


def github(x):
    return {
        "id": m("own2", 900000000 + x.num),
        "node_id": m("node", f"I_kw{x.num}Dc"),
        "number": m("num", x.n + 301),
        "html_url": m("url", f"https://github.com/acme/{x.p['repo']}/issues/{x.n + 301}"),
        "title": m("title", x.title + f" {x.n}"),
        "body": m("text", x.text),
        "state": m("state|sid", "open" if x.open else "closed"),
        "locked": m("locked", False),
        "comments": m("comments", x.r.randint(0, 9)),
        "created_at": m("created", z(x.t)),
        "updated_at": m("updated", z(x.t2)),
        "closed_at": m("closed", None if x.open else z(x.t3)),
        "user": {"login": m("rlogin", x.boss.replace(" ", "").lower()), "id": m("uid", 5000 + x.n)},
        "assignee": {"login": m("alogin", (x.g + x.f).lower()), "type": m("utype", "User")},
        "milestone": {"title": m("ms", f"v{x.k}.0"), "due_on": m("due", z(x.t3.replace(hour=0, minute=0, second=0)))},
        "author_association": m("assoc", x.r.choice(["MEMBER", "NONE"])),
    }


def amazon(x):
    return {
        "AmazonOrderId": m("order", f"302-{x.num}11-{x.num}22"),
        "PurchaseDate": m("placed", z(x.t)),
        "LastUpdateDate": m("updated", z(x.t2)),
        "OrderStatus": m("ostatus", x.r.choice(["Shipped", "Unshipped"])),
        "FulfillmentChannel": m("chan", "MFN"),
        "ShipServiceLevel": m("service", x.r.choice(["Std DE", "Exp DE"])),
        "OrderTotal": {"CurrencyCode": m("cur", x.cur), "Amount": m("total", f"{x.price / 100:.2f}")},
        "NumberOfItemsShipped": m("items", x.k),
        "NumberOfItemsUnshipped": m("unshipped", 0),
        "MarketplaceId": m("market", "A1PA6795UKMFR9"),
        "BuyerEmail": m("mail", x.mail),
        "BuyerName": m("buyer", x.boss),
        "ShippingAddress": {
            "Name": m("recipient", f"{x.g} {x.f}"),
            "AddressLine1": m("street", x.street),
            "City": m("city", x.city),
            "PostalCode": m("zip", x.zip),
            "CountryCode": m("cc", x.cc),
            "Phone": m("tel", x.tel),
        },
        "LatestShipDate": m("latest", z(x.t3)),
        "IsPrime": m("prime", x.flag),
        "IsBusinessOrder": m("biz", False),
    }


def dhl(x):
    return {
        "shipmentNo": m("track", f"00340434{x.num}{x.n:04}"),
        "refNo": m("order", f"302-{x.num}11-{x.num}22"),
        "product": m("service", x.r.choice(["V01PAK", "V53WPAK"])),
        "billingNumber": m("bill", "33333333330101"),
        "shipDate": m("shipped", d(x.t2)),
        "status": m("dstatus", x.r.choice(["transit", "delivered"])),
        "shipper": {
            "name1": m("shipper", x.p["firm"][0] + " Logistik"),
            "addressStreet": m("sstreet", x.p["street"][0]),
            "city": m("scity", x.p["city"][0]),
            "postalCode": m("szip", x.p["zip"][0]),
            "country": m("scc", x.p["country"][0]),
            "email": m("smail", "versand@shop." + x.p["tld"]),
        },
        "consignee": {
            "name1": m("recipient", f"{x.g} {x.f}"),
            "addressStreet": m("street", x.street),
            "city": m("city", x.city),
            "postalCode": m("zip", x.zip),
            "country": m("cc", x.cc),
            "phone": m("tel", x.tel),
            "email": m("mail", x.mail),
        },
        "details": {
            "weight": {"uom": m("uom", "g"), "value": m("weight", x.w)},
            "dim": {"height": m("h", 10 + x.k), "length": m("l", 30 + x.k), "width": m("w", 20)},
        },
        "services": {"insurance": {"currency": m("icur", "EUR"), "value": m("ins", 500.0)}},
    }


def google(x):
    return {
        "resourceName": m("own1", f"people/c{x.num}99"),
        "etag": m("etag", f"%EgU{x.num}="),
        "givenName": m("given", x.g),
        "familyName": m("family", x.f),
        "displayName": m("display", f"{x.g} {x.f}"),
        "primaryEmail": m("mail", x.mail),
        "mobile": m("mob", x.mob),
        "workPhone": m("tel", x.tel),
        "organization": {"name": m("firm", x.firm), "title": m("job", x.job), "department": m("dept", x.dept), "current": m("current", True)},
        "address": {
            "type": m("atype", "home"),
            "streetAddress": m("street", x.street),
            "city": m("city", x.city),
            "postalCode": m("zip", x.zip),
            "country": m("country", x.cname),
            "countryCode": m("cc", x.cc),
        },
        "birthday": m("birth", d(x.birth)),
        "biography": m("note", x.text),
        "updateTime": m("mod", z(x.t2)),
    }


def outlook(x):
    return {
        "id": m("own2", f"AAMkAG{x.num}AAA="),
        "changeKey": m("ck", f"EQAAABYA{x.num}"),
        "createdDateTime": m("created", z(x.t)),
        "lastModifiedDateTime": m("mod", z(x.t2)),
        "fileAs": m("fileas", f"{x.f}, {x.g}"),
        "displayName": m("display", f"{x.g} {x.f}"),
        "givenName": m("given", x.g),
        "surname": m("family", x.f),
        "initials": m("ini", x.g[0] + x.f[0]),
        "jobTitle": m("job", x.job),
        "companyName": m("firm", x.firm),
        "department": m("dept", x.dept),
        "officeLocation": m("office", f"B{x.k}"),
        "businessHomePage": m("url", None),
        "mobilePhone": m("mob", x.mob),
        "businessPhone": m("tel", x.tel),
        "homePhone": m("hometel", None),
        "emailAddress": {"address": m("mail", x.mail), "name": m("display", f"{x.g} {x.f}")},
        "homeAddress": {
            "street": m("street", x.street),
            "city": m("city", x.city),
            "postalCode": m("zip", x.zip),
            "countryOrRegion": m("country", x.cname),
        },
        "businessAddress": {
            "street": m("bstreet", x.p["street"][1] + " 1"),
            "city": m("bcity", x.p["city"][1]),
            "postalCode": m("bzip", x.p["zip"][1]),
            "countryOrRegion": m("bcountry", x.p["cname"][1]),
        },
        "birthday": m("birth", d(x.birth) + "T11:59:00Z"),
        "personalNotes": m("note", x.text),
        "manager": m("boss", x.boss),
    }


def servicenow(x):
    return {
        "sys_id": m("own1", guid(x, "sn").replace("-", "")),
        "number": m("number", f"INC00{x.num}"),
        "short_description": m("title", x.title),
        "description": m("text", x.text),
        "state": m("state", x.r.choice(["1", "2", "6"])),
        "priority": m("priority", str(x.k)),
        "urgency": m("urg", str(x.r.randint(1, 3))),
        "impact": m("impact", str(x.r.randint(1, 3))),
        "category": m("cat", x.r.choice(["software", "network"])),
        "caller_id": m("req", f"{x.g} {x.f}"),
        "caller_email": m("reqmail", x.mail),
        "opened_by": m("openedby", x.boss),
        "assigned_to": m("agent", x.p["given"][x.n % 5] + " " + x.p["family"][x.n % 4]),
        "assignment_group": m("group", x.dept),
        "opened_at": m("created", x.t.strftime("%Y-%m-%d %H:%M:%S")),
        "sys_created_on": m("created", x.t.strftime("%Y-%m-%d %H:%M:%S")),
        "sys_updated_on": m("updated", x.t2.strftime("%Y-%m-%d %H:%M:%S")),
        "closed_at": m("closed", "" if x.open else x.t3.strftime("%Y-%m-%d %H:%M:%S")),
        "active": m("active", "true" if x.open else "false"),
        "company": m("firm", x.firm),
        "location": m("loc", x.city),
        "reopen_count": m("reopen", str(x.r.randint(0, 3))),
    }


def freshservice(x):
    return {
        "id": m("own2", x.num),
        "subject": m("title", x.title),
        "description_text": m("text", x.text),
        "status": m("state", x.r.choice([2, 3, 5])),
        "priority": m("priority", x.r.randint(1, 4)),
        "source": m("source", x.r.choice([1, 2])),
        "type": m("type", "Incident"),
        "requester": {"name": m("req", f"{x.g} {x.f}"), "email": m("reqmail", x.mail), "id": m("rid", 21000 + x.n)},
        "responder": {
            "name": m("agent", x.p["given"][x.n % 5] + " " + x.p["family"][x.n % 4]),
            "email": m("agentmail", f"agent{x.n % 5}@desk.{x.p['tld']}"),
        },
        "group_id": m("gid", 7 + x.k),
        "department": m("rdept", x.p["dept"][x.n % 3]),
        "created_at": m("created", z(x.t)),
        "updated_at": m("updated", z(x.t2)),
        "due_by": m("due", z(x.t3)),
        "fr_due_by": m("frdue", z(x.t + timedelta(hours=4))),
        "is_escalated": m("esc", False),
        "spam": m("spam", False),
        "category": m("cat", x.r.choice(["Software", "Network"])),
        "to_emails": m("to", f"help@desk.{x.p['tld']}"),
    }


def gcal(x):
    return {
        "id": m("own1", f"ev{x.num}abc"),
        "iCalUID": m("uid", f"ev{x.num}@google.com"),
        "status": m("status", "confirmed"),
        "summary": m("title", x.title),
        "description": m("text", x.text),
        "location": m("loc", x.loc),
        "created": m("created", z(x.t)),
        "updated": m("updated", z(x.t2)),
        "start": {"dateTime": m("start", z(x.t3)), "timeZone": m("tz", "Europe/Berlin")},
        "end": {"dateTime": m("end", z(x.t3 + timedelta(minutes=30 * x.k))), "timeZone": m("tze", "Europe/Berlin")},
        "organizer": {"email": m("omail", x.mail), "displayName": m("oname", f"{x.g} {x.f}")},
        "creator": {"email": m("cmail", x.home)},
        "transparency": m("transp", x.r.choice(["opaque", "transparent"])),
        "sequence": m("seq", x.k),
        "hangoutLink": m("join", f"https://meet.google.com/a{x.num}"),
        "htmlLink": m("html", f"https://calendar.google.com/e?eid={x.num}"),
    }


def outlookevent(x):
    return {
        "id": m("own2", f"AAMk{x.num}Q="),
        "iCalUId": m("uid", f"ev{x.num}@google.com"),
        "subject": m("title", x.title),
        "bodyPreview": m("text", x.text),
        "importance": m("imp", x.r.choice(["normal", "high"])),
        "isAllDay": m("allday", False),
        "isCancelled": m("canc", False),
        "showAs": m("transp", x.r.choice(["busy", "free"])),
        "createdDateTime": m("created", z(x.t)),
        "lastModifiedDateTime": m("updated", z(x.t2)),
        "start": {"dateTime": m("start", x.t3.strftime("%Y-%m-%dT%H:%M:%S.0000000")), "timeZone": m("tz|tze", "UTC")},
        "end": {"dateTime": m("end", (x.t3 + timedelta(minutes=30 * x.k)).strftime("%Y-%m-%dT%H:%M:%S.0000000")), "timeZone": m("tze|tz", "UTC")},
        "location": {"displayName": m("loc", x.loc)},
        "organizer": {"emailAddress": {"name": m("oname", f"{x.g} {x.f}"), "address": m("omail", x.mail)}},
        "onlineMeetingUrl": m("join", f"https://teams.microsoft.com/l/{x.num}"),
        "webLink": m("html", f"https://outlook.office365.com/owa/?itemid={x.num}"),
        "reminderMinutesBeforeStart": m("rem", 15),
    }


def stripesub(x):
    return {
        "id": m("sub", f"sub_{x.num}AbC"),
        "customer": m("cust", f"cus_{x.num}X"),
        "status": m("state", "active" if x.open else "canceled"),
        "created": m("created", int(x.t.timestamp())),
        "start_date": m("started", int(x.t.timestamp())),
        "current_period_start": m("pstart", int(x.t2.timestamp())),
        "current_period_end": m("pend", int(x.t3.timestamp())),
        "canceled_at": m("canc", None if x.open else int((x.t3 + timedelta(1)).timestamp())),
        "trial_end": m("trial", None),
        "cancel_at_period_end": m("cape", x.flag),
        "collection_method": m("coll", "charge_automatically"),
        "currency": m("cur", x.cur.lower()),
        "plan": {
            "id": m("plan", f"price_{x.word}"),
            "amount": m("price", x.price),
            "interval": m("unit", x.r.choice(["month", "year"])),
            "interval_count": m("period", 1),
            "nickname": m("nick", x.word.title()),
        },
        "quantity": m("qty", x.k),
        "livemode": m("live", True),
        "metadata": {"account_email": m("mail", x.mail)},
    }


def chargebee(x):
    return {
        "id": m("own2", f"AzZ{x.num}lM"),
        "customer_id": m("cust2", f"Az{x.num}c"),
        "plan_id": m("plan|nick", f"price_{x.word}"),
        "plan_quantity": m("qty", x.k),
        "plan_unit_price": m("price", x.price),
        "billing_period": m("period", 1),
        "billing_period_unit": m("unit", x.r.choice(["month", "year"])),
        "status": m("state", "active" if x.open else "cancelled"),
        "created_at": m("created|started", int(x.t.timestamp())),
        "started_at": m("started|created", int(x.t.timestamp())),
        "current_term_start": m("pstart", int(x.t2.timestamp())),
        "current_term_end": m("pend", int(x.t3.timestamp())),
        "next_billing_at": m("pend", int(x.t3.timestamp())),
        "cancelled_at": m("canc", None if x.open else int((x.t3 + timedelta(1)).timestamp())),
        "remaining_billing_cycles": m("cycles", x.r.randint(1, 9)),
        "updated_at": m("upd", int((x.t2 + timedelta(5)).timestamp())),
        "has_scheduled_changes": m("sched", False),
        "currency_code": m("cur", x.cur),
        "due_invoices_count": m("dcount", x.r.randint(0, 2)),
        "total_dues": m("dues", x.r.randint(0, 2) * 990),
        "mrr": m("mrr", x.price * x.k),
        "customer": {"email": m("mail", x.mail), "first_name": m("given", x.g)},
    }


def shopifyproduct(x):
    return {
        "id": m("own1", 632910000 + x.num),
        "title": m("title", f"{x.word.title()} {x.thing}"),
        "handle": m("handle", f"{x.word}-{x.thing}".lower()),
        "body_html": m("text", f"<p>{x.text}</p>"),
        "vendor": m("brand", x.brand),
        "product_type": m("kind", x.thing),
        "status": m("status", x.r.choice(["active", "draft"])),
        "created_at": m("created", z(x.t)),
        "updated_at": m("updated", z(x.t2)),
        "published_at": m("pub", z(x.t3)),
        "tags": m("tags", f"{x.word}, sale"),
        "variant": {
            "id": m("vid", 808950000 + x.num),
            "sku": m("sku", f"{x.word[:3].upper()}-{x.num}"),
            "barcode": m("ean", x.ean),
            "price": m("price", f"{x.price / 100:.2f}"),
            "compare_at_price": m("rrp", f"{x.price / 80:.2f}"),
            "inventory_quantity": m("stock", x.w % 40),
            "grams": m("weight", x.w),
            "option1": m("colour", x.hue),
            "taxable": m("taxable", True),
        },
        "image": {"src": m("img", f"https://cdn.shopify.com/s/{x.num}.jpg")},
    }


def merchant(x):
    return {
        "offerId": m("sku", f"{x.word[:3].upper()}-{x.num}"),
        "title": m("title", f"{x.word.title()} {x.thing}"),
        "description": m("text", x.text),
        "link": m("link", f"https://shop.{x.p['tld']}/p/{x.word}-{x.num}"),
        "imageLink": m("img", f"https://cdn.shopify.com/s/{x.num}.jpg"),
        "contentLanguage": m("lang", "en"),
        "targetCountry": m("cc", x.p["country"][0]),
        "channel": m("chan", "online"),
        "availability": m("avail", "in stock" if x.w % 40 else "out of stock"),
        "brand": m("brand", x.brand),
        "color": m("colour", x.hue),
        "gtin": m("ean", x.ean),
        "mpn": m("mpn", f"M{x.num * 3}"),
        "condition": m("cond", "new"),
        "price": {"value": m("price|rrp", f"{x.price / 80:.2f}" if x.k > 2 else f"{x.price / 100:.2f}"), "currency": m("cur", x.cur)},
        "salePrice": {"value": m("price", f"{x.price / 100:.2f}"), "currency": m("cur", x.cur)},
        "shippingWeight": {"value": m("weight", x.w), "unit": m("wunit", "g")},
        "googleProductCategory": m("gcat", str(436 + x.k)),
        "productType": m("kind", x.thing),
        "itemGroupId": m("own1", str(632910000 + x.num)),
        "expirationDate": m("exp", z(x.t3 + timedelta(30))),
    }


PAIRS = [
    (workday, bamboo),
    (jira, github),
    (amazon, dhl),
    (google, outlook),
    (servicenow, freshservice),
    (gcal, outlookevent),
    (stripesub, chargebee),
    (shopifyproduct, merchant),
]
COMPOSED = {"display": {"given", "family"}, "fileas": {"given", "family"}, "recipient": {"given", "family"}, "req": {"given", "family"}}


#: Small flat records: field → what it means.
SMALL = [
    (
        {"email": "mail", "first_name": "given", "last_name": "family", "phone": "tel", "city": "city", "signup_date": "created"},
        {
            "EmailAddress": "mail",
            "GivenName": "given",
            "Surname": "family",
            "Telephone": "tel",
            "Town": "city",
            "CreatedOn": "created",
            "UpdatedOn": "updated",
        },
    ),
    (
        {"id": "num", "name": "display", "email": "mail", "zip": "zip", "country": "cc"},
        {"customer_no": "num", "full_name": "display", "mail": "mail", "postcode": "zip", "country_code": "cc", "account_manager": "boss"},
    ),
    (
        {
            "order_id": "num",
            "customer_email": "mail",
            "total": "price",
            "currency": "cur",
            "created_at": "created",
            "status": "ostatus",
            "quantity": "k",
        },
        {
            "OrderNumber": "num",
            "BuyerEmail": "mail",
            "Amount": "price",
            "CurrencyCode": "cur",
            "OrderDate": "created",
            "ShipDate": "updated",
            "Qty": "k",
            "Weight": "w",
        },
    ),
    (
        {"sku": "sku", "title": "title", "price": "price", "stock": "stock", "color": "hue", "ean": "ean"},
        {"item_code": "sku", "product_name": "title", "unit_price": "price", "inventory": "stock", "colour": "hue", "barcode": "ean", "cost": "cost"},
    ),
    (
        {"fname": "given", "lname": "family", "mail": "mail", "dob": "birth", "company": "firm", "job_title": "job"},
        {
            "first_name": "given",
            "last_name": "family",
            "email": "mail",
            "birth_date": "birth",
            "organisation": "firm",
            "position": "job",
            "department": "dept",
        },
    ),
    (
        {"invoice_no": "num", "date": "created", "due": "due", "net": "net", "tax": "tax", "gross": "gross", "customer": "firm"},
        {
            "number": "num",
            "issue_date": "created",
            "due_date": "due",
            "subtotal": "net",
            "vat": "tax",
            "total": "gross",
            "client_name": "firm",
            "paid": "flag",
        },
    ),
    (
        {"userId": "num", "userName": "login", "isActive": "flag", "lastLogin": "updated", "createdAt": "created"},
        {"id": "num", "username": "login", "active": "flag", "last_seen": "updated", "registered": "created", "email": "mail"},
    ),
    (
        {"billing_city": "city", "shipping_city": "city2", "billing_zip": "zip", "shipping_zip": "zip2", "email": "mail"},
        {"invoice_town": "city", "delivery_town": "city2", "invoice_postcode": "zip", "delivery_postcode": "zip2", "contact_email": "mail"},
    ),
    (
        {"name": "firm", "type": "kind", "value": "price", "date": "created", "owner": "boss"},
        {"name": "display", "type": "dept", "value": "w", "date": "due", "code": "num"},
    ),
    (
        {"email": "mail", "phone": "tel", "mobile": "mob", "name": "display", "created": "created", "updated": "updated"},
        {"email": "mail", "fax": "fax", "cell": "mob", "assistant": "boss", "added": "created", "birthday": "birth"},
    ),
    (
        {"amount": "price", "currency": "cur", "reference": "num", "payer": "display", "iban": "iban"},
        {"value": "price", "ccy": "cur", "payment_ref": "num", "debtor_name": "display", "account_number": "iban", "fee": "fee"},
    ),
]
