"""Applicants, registrations, time sheets, bank transactions, tasks and hotel bookings: the second set that was written blind."""

from __future__ import annotations

from datetime import timedelta

from tests.suggestions.trades import d, guid, m, z


def greenhouse(x):
    return {
        "id": m("own1", 53883000 + x.num),
        "first_name": m("given", x.g),
        "last_name": m("family", x.f),
        "company": m("firm", x.firm),
        "title": m("job", x.job),
        "created_at": m("created", z(x.t)),
        "updated_at": m("updated", z(x.t2)),
        "last_activity": m("act", z(x.t2 + timedelta(hours=1))),
        "is_private": m("priv", False),
        "can_email": m("can", True),
        "email_address": {"value": m("mail", x.mail), "type": m("mtype", "work")},
        "phone_number": {"value": m("tel", x.tel), "type": m("ptype", x.r.choice(["mobile", "home"]))},
        "recruiter": {"name": m("recruiter", x.boss), "employee_id": m("rid", str(x.n + 3))},
        "coordinator": {"name": m("coord", x.p["given"][0] + " " + x.p["family"][0])},
        "application": {
            "id": m("app", 69306000 + x.n),
            "status": m("status", x.r.choice(["active", "rejected"])),
            "applied_at": m("applied", z(x.t)),
            "source": {"public_name": m("source", x.r.choice(["Referral", "LinkedIn"]))},
            "current_stage": {"name": m("stage", x.r.choice(["Application Review", "Face to Face"]))},
            "job": {"name": m("opening", x.job)},
        },
    }


def lever(x):
    return {
        "id": m("own2", guid(x, "lv")),
        "name": m("display", f"{x.g} {x.f}"),
        "headline": m("firm", x.firm),
        "contact": m("cid", guid(x, "lc")),
        "email": m("mail", x.mail),
        "phone": m("tel", x.tel),
        "location": m("city", x.city),
        "origin": m("source", x.r.choice(["referred", "sourced"])),
        "owner": {"name": m("recruiter|coord", x.boss), "email": m("recmail", f"r{x.n % 4}@hr.{x.p['tld']}")},
        "stage": {"id": m("stid", guid(x, "st")), "text": m("stage", x.r.choice(["New lead", "On-site"]))},
        "createdAt": m("created|applied", int(x.t.timestamp() * 1000)),
        "updatedAt": m("updated", int(x.t2.timestamp() * 1000)),
        "lastInteractionAt": m("act", int((x.t2 + timedelta(hours=1)).timestamp() * 1000)),
        "archived": {"reason": m("reason", "hired" if x.flag else "withdrew"), "archivedAt": m("archived", int(x.t3.timestamp() * 1000))},
        "isAnonymized": m("anon", False),
        "posting": {"title": m("opening|job", x.job), "team": m("dept", x.dept)},
    }


def eventbrite(x):
    return {
        "id": m("own1", str(900100 + x.num)),
        "created": m("created", z(x.t)),
        "changed": m("updated", z(x.t2)),
        "ticket_class_name": m("ticket", x.r.choice(["Early Bird", "Regular"])),
        "quantity": m("qty", 1),
        "status": m("status", x.r.choice(["Attending", "Not Attending"])),
        "checked_in": m("checked", x.flag),
        "cancelled": m("canc", False),
        "refunded": m("refunded", False),
        "event_id": m("event", "48216" + str(x.k)),
        "order_id": m("order", str(700000 + x.num)),
        "profile": {
            "name": m("display", f"{x.g} {x.f}"),
            "first_name": m("given", x.g),
            "last_name": m("family", x.f),
            "email": m("mail", x.mail),
            "company": m("firm", x.firm),
            "job_title": m("job", x.job),
            "cell_phone": m("mob", x.mob),
            "addresses": {
                "home": {"city": m("hcity", x.city), "country": m("hcc", x.cc)},
                "work": {"city": m("wcity", x.p["city"][0]), "country": m("wcc", x.p["country"][0])},
            },
        },
        "costs": {
            "base_price": {"currency": m("cur", x.cur), "value": m("price", x.price)},
            "gross": {"value": m("gross", x.price + 300), "currency": m("cur", x.cur)},
            "eventbrite_fee": {"value": m("fee", 300)},
        },
    }


def zoom(x):
    return {
        "id": m("own2", guid(x, "z")[:22]),
        "email": m("mail", x.mail),
        "first_name": m("given", x.g),
        "last_name": m("family", x.f),
        "address": m("street", x.street),
        "city": m("hcity|wcity", x.city),
        "state": m("region", x.p["zip"][0][:2]),
        "zip": m("zip", x.zip),
        "country": m("hcc|wcc", x.cc),
        "phone": m("mob", x.mob),
        "industry": m("ind", x.r.choice(["Food", "Retail"])),
        "org": m("firm", x.firm),
        "job_title": m("job", x.job),
        "purchasing_time_frame": m("frame", "Within a month"),
        "role_in_purchase_process": m("rolepp", x.r.choice(["Influencer", "Not involved"])),
        "no_of_employees": m("staff", "1-20"),
        "comments": m("text", x.text),
        "status": m("zstatus", x.r.choice(["approved", "pending", "denied"])),
        "create_time": m("created", z(x.t)),
        "join_url": m("join", f"https://zoom.us/w/{x.num}"),
        "registrant_source": m("regsrc", x.r.choice(["web", "api"])),
    }


def toggl(x):
    return {
        "id": m("own1", 3300000 + x.num),
        "workspace_id": m("ws", 777),
        "project_id": m("pid", 1800 + x.k),
        "project_name": m("project", x.word.title() + " site"),
        "client_name": m("client", x.firm),
        "user_id": m("uid", 40 + x.n % 3),
        "user_name": m("user", x.boss),
        "description": m("text", x.text + f" {x.n}"),
        "start": m("start", z(x.t)),
        "stop": m("end", z(x.t + timedelta(seconds=x.w))),
        "duration": m("dur", x.w),
        "billable": m("billable", x.flag),
        "hourly_rate": m("rate", x.price / 100),
        "tags": m("tags", [x.hue]),
        "task_id": m("tid", None),
        "at": m("updated", z(x.t2)),
        "duronly": m("duronly", True),
    }


def harvest(x):
    return {
        "id": m("own2", 636709000 + x.num),
        "spent_date": m("day|start", d(x.t)),
        "hours": m("dur", round(x.w / 3600, 2)),
        "rounded_hours": m("dur", round(x.w / 900) / 4 + 0.25),
        "notes": m("text", x.text + f" {x.n}"),
        "is_locked": m("locked", False),
        "is_billed": m("billed", x.open),
        "is_running": m("running", False),
        "billable": m("billable", x.flag),
        "billable_rate": m("rate", x.price / 100),
        "cost_rate": m("cost", x.price / 180),
        "budgeted": m("budgeted", True),
        "started_time": m("stime", x.t.strftime("%H:%M")),
        "ended_time": m("etime", (x.t + timedelta(seconds=x.w)).strftime("%H:%M")),
        "user": {"id": m("uid2", 1782 + x.n % 3), "name": m("user", x.boss)},
        "client": {"id": m("cid", 5735 + x.k), "name": m("client", x.firm), "currency": m("cur", x.cur)},
        "project": {"id": m("pid2", 14307 + x.k), "name": m("project", x.word.title() + " site"), "code": m("pcode", x.word[:2].upper())},
        "task": {"id": m("tk", 8083 + x.k), "name": m("task", x.r.choice(["Design", "Coding"]))},
        "created_at": m("created", z(x.t + timedelta(minutes=5))),
        "updated_at": m("updated", z(x.t2)),
    }


def plaid(x):
    return {
        "transaction_id": m("own1", f"lPNjeW1nR6CDn{x.num}"),
        "account_id": m("acc", f"BxBXxLj1m4{x.k}"),
        "amount": m("amount", x.price / 100),
        "iso_currency_code": m("cur", x.cur),
        "date": m("date", d(x.t2)),
        "authorized_date": m("auth", d(x.t)),
        "name": m("payee|raw", f"{x.firm.upper()} 0{x.n}"),
        "merchant_name": m("payee|merchant", x.firm),
        "pending": m("pending", x.flag),
        "payment_channel": m("chan", x.r.choice(["online", "in store"])),
        "category": m("cat", x.thing),
        "category_id": m("catid", "190470" + str(x.k)),
        "check_number": m("check", None),
        "location": {
            "address": m("street", x.street),
            "city": m("city", x.city),
            "postal_code": m("zip", x.zip),
            "country": m("cc", x.cc),
            "lat": m("lat", 40.1 + x.n / 9),
            "lon": m("lon", -74.2 + x.n / 7),
        },
        "payment_meta": {"reference_number": m("ref", f"R{x.num}"), "payer": m("payer", None)},
    }


def bank(x):
    return {
        "TransactionID": m("own2", guid(x, "b")),
        "BookingDate": m("date", d(x.t2)),
        "ValueDate": m("value", d(x.t2 + timedelta(1))),
        "TransactionAmount": {"Amount": m("amount", f"{x.price / 100:.2f}"), "Currency": m("cur", x.cur)},
        "BalanceAfter": {"Amount": m("bal", f"{x.w / 10:.2f}"), "Currency": m("cur", x.cur)},
        "CreditorName": m("payee|merchant|raw", x.firm),
        "CreditorIban": m("iban", f"DE{x.num}00{x.num}"),
        "DebtorName": m("debtor", f"{x.g} {x.f}"),
        "RemittanceInformation": m("rem", x.text),
        "EndToEndReference": m("ref", f"R{x.num}"),
        "BankTransactionCode": m("btc", x.r.choice(["PMNT", "CCRD"])),
        "Status": m("status", "booked"),
        "CreditDebitIndicator": m("ind", "DBIT"),
        "Fee": m("fee", x.k / 4),
    }


def trello(x):
    return {
        "id": m("own1", f"{x.num:024x}"),
        "idShort": m("short", x.n + 1),
        "name": m("title", f"{x.title} {x.n}"),
        "desc": m("text", x.text),
        "closed": m("arch", False),
        "pos": m("pos", 16384.0 * (x.n + 1)),
        "due": m("due", z(x.t3)),
        "dueComplete": m("done", x.open),
        "start": m("start", d(x.t)),
        "dateLastActivity": m("updated", z(x.t2)),
        "idList": m("listid", guid(x, x.k)[:8]),
        "list": {"name": m("section", x.r.choice(["To Do", "Doing"]))},
        "board": {"name": m("project", x.word.title() + " board")},
        "shortUrl": m("url", f"https://trello.com/c/{x.num}"),
        "member": {"fullName": m("assignee", f"{x.g} {x.f}"), "username": m("login", (x.g + x.f).lower())},
        "badges": {"comments": m("ncom", x.k), "attachments": m("natt", x.k % 3), "votes": m("likes", 0)},
        "subscribed": m("subd", False),
    }


def asana(x):
    return {
        "gid": m("own2", str(1200000000 + x.num * 3)),
        "name": m("title", f"{x.title} {x.n}"),
        "notes": m("text", x.text),
        "completed": m("done", x.open),
        "completed_at": m("donet", z(x.t3) if x.open else None),
        "created_at": m("created", z(x.t)),
        "modified_at": m("updated", z(x.t2)),
        "due_on": m("due", d(x.t3)),
        "start_on": m("start", d(x.t)),
        "permalink_url": m("url", f"https://app.asana.com/0/{x.num}"),
        "resource_subtype": m("sub", "default_task"),
        "assignee": {"gid": m("agid", str(77 + x.n)), "name": m("assignee", f"{x.g} {x.f}")},
        "assignee_status": m("ast", x.r.choice(["inbox", "upcoming"])),
        "created_by": {"name": m("creator", x.boss)},
        "project": {"name": m("project", x.word.title() + " board"), "gid": m("pgid", str(88 + x.k))},
        "memberships": {"section": {"name": m("section", x.r.choice(["Backlog", "Active"]))}},
        "num_likes": m("likes", x.k),
        "num_subtasks": m("nsub", x.k % 2),
        "workspace": {"name": m("ws", "Acme")},
        "parent": {"name": m("pname", None)},
    }


def booking(x):
    return {
        "reservation_id": m("resid", 2000000 + x.num),
        "hotel_id": m("hotel", 4711),
        "hotel_name": m("hname", x.p["firm"][0] + " Hotel"),
        "status": m("status", x.r.choice(["new", "modified", "cancelled"])),
        "date": m("created", d(x.t)),
        "customer": {
            "first_name": m("given", x.g),
            "last_name": m("family", x.f),
            "email": m("mail", x.mail),
            "telephone": m("tel", x.tel),
            "address": m("street", x.street),
            "city": m("city", x.city),
            "zip": m("zip", x.zip),
            "countrycode": m("cc", x.cc),
            "remarks": m("text", x.text),
        },
        "room": {
            "id": m("roomid", 30 + x.k),
            "name": m("room", x.r.choice(["Double", "Single"])),
            "arrival_date": m("in", d(x.t2)),
            "departure_date": m("out", d(x.t3)),
            "guest_name": m("guest", x.boss),
            "numberofguests": m("guests", x.k),
            "meal_plan": m("meal", "Breakfast"),
            "rate_id": m("rateid", 5 + x.k),
        },
        "totalprice": m("total", f"{x.price / 100:.2f}"),
        "commissionamount": m("comm", f"{x.price / 700:.2f}"),
        "currencycode": m("cur", x.cur),
        "loyalty_id": m("loy", None),
    }


def mews(x):
    return {
        "Id": m("own2", guid(x, "m")),
        "Number": m("num", str(50 + x.n)),
        "ChannelNumber": m("resid", str(2000000 + x.num)),
        "State": m("status", x.r.choice(["Confirmed", "Canceled"])),
        "Origin": m("orig", "ChannelManager"),
        "CreatedUtc": m("created", z(x.t)),
        "UpdatedUtc": m("upd", z(x.t2 + timedelta(3))),
        "ScheduledStartUtc": m("in", z(x.t2.replace(hour=14, minute=0, second=0))),
        "ScheduledEndUtc": m("out", z(x.t3.replace(hour=10, minute=0, second=0))),
        "CancelledUtc": m("canc", None),
        "ReleasedUtc": m("rel", None),
        "AdultCount": m("guests", x.k),
        "ChildCount": m("child", x.n % 2),
        "Customer": {
            "FirstName": m("given", x.g),
            "LastName": m("family", x.f),
            "Email": m("mail", x.mail),
            "Phone": m("tel", x.tel),
            "BirthDate": m("birth", d(x.birth)),
            "NationalityCode": m("nat", x.p["country"][x.n % 3]),
            "Address": {"Line1": m("street", x.street), "City": m("city", x.city), "PostalCode": m("zip", x.zip), "CountryCode": m("cc", x.cc)},
            "Notes": m("cnote", "VIP" if x.flag else None),
        },
        "Company": {"Name": m("firm", x.firm), "TaxIdentifier": m("taxid", f"X{x.num}")},
        "RoomCategory": {"Name": m("room", x.r.choice(["Double room", "Single room"]))},
        "TotalAmount": {"Value": m("total", x.price / 100), "Currency": m("cur", x.cur), "TaxValue": m("tax", round(x.price / 600, 2))},
        "Notes": m("text", x.text),
    }


PAIRS = [(greenhouse, lever), (eventbrite, zoom), (toggl, harvest), (plaid, bank), (trello, asana), (booking, mews)]
COMPOSED = {"display": {"given", "family"}}
SMALL = [
    (
        {"customer_name": "display", "customer_email": "mail", "order_total": "price", "order_date": "created", "shipping_city": "city"},
        {"name": "display", "email": "mail", "total_amount": "price", "ordered_at": "created", "ship_to_city": "city", "billing_city": "city2"},
    ),
    (
        {"first": "given", "last": "family", "e_mail": "mail", "tel": "tel", "birthday": "birth", "company_name": "firm"},
        {
            "firstName": "given",
            "lastName": "family",
            "emailAddress": "mail",
            "phoneNumber": "tel",
            "dateOfBirth": "birth",
            "employer": "firm",
            "managerEmail": "home",
        },
    ),
    (
        {"product_id": "num", "product_name": "title", "price": "price", "qty": "k", "colour": "hue"},
        {"id": "num", "title": "title", "unitPrice": "price", "quantity": "k", "color": "hue", "size": "dept", "listPrice": "cost"},
    ),
    (
        {"ticket_id": "num", "subject": "title", "requester_email": "mail", "priority": "kind", "opened": "created", "closed": "due"},
        {
            "id": "num",
            "summary": "title",
            "reporter_mail": "mail",
            "severity": "dept",
            "created_at": "created",
            "updated_at": "updated",
            "assignee_email": "home",
        },
    ),
    (
        {"vorname": "given", "nachname": "family", "email": "mail", "telefon": "tel", "plz": "zip", "ort": "city", "land": "cc"},
        {
            "first_name": "given",
            "last_name": "family",
            "email": "mail",
            "phone": "tel",
            "zip": "zip",
            "city": "city",
            "country": "cc",
            "mobile": "mob",
        },
    ),
    (
        {"id": "num", "name": "display", "email": "mail", "status": "ostatus", "created_at": "created"},
        {
            "user_id": "num",
            "full_name": "display",
            "email_address": "mail",
            "account_status": "ostatus",
            "registration_date": "created",
            "last_login_at": "updated",
        },
    ),
    (
        {
            "InvoiceNumber": "num",
            "InvoiceDate": "created",
            "DueDate": "due",
            "TotalAmount": "gross",
            "TaxAmount": "tax",
            "CustomerName": "firm",
            "Currency": "cur",
        },
        {
            "doc_no": "num",
            "doc_date": "created",
            "payment_due": "due",
            "amount_incl_vat": "gross",
            "vat_amount": "tax",
            "amount_excl_vat": "net",
            "buyer": "firm",
            "currency_code": "cur",
        },
    ),
    (
        {
            "employee_id": "num",
            "full_name": "display",
            "work_email": "mail",
            "title": "job",
            "dept": "dept",
            "hire_date": "created",
            "manager": "boss",
        },
        {
            "emp_no": "num",
            "name": "display",
            "email": "mail",
            "job_title": "job",
            "department": "dept",
            "start_date": "created",
            "personal_email": "home",
            "end_date": "due",
        },
    ),
    (
        {"sku": "sku", "weight": "w", "cost": "cost", "price": "price", "updated_at": "updated"},
        {"SKU": "sku", "Weight_g": "w", "ListPrice": "price", "Height": "k", "LastUpdated": "updated"},
    ),
]
