"""What the vendor schemas of many trades show, from a seed: people with work, mail, dates, prices and parcels. Two flavours have no value in common.

Beside each value stands what it means, as `m("email", …)`; `a|b` where either is a right answer.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as T


class M:
    """A value and what it means."""

    def __init__(self, meaning, value):
        self.meaning, self.value = meaning, value


m = M
POOL = [
    {
        "given": ["Ann", "Bruno", "Clara", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katja", "Liam"],
        "family": ["Abel", "Brandt", "Conti", "Dahl", "Engel", "Fischer", "Graf", "Hahn", "Jung", "Keller", "Lang"],
        "city": ["Hamburg", "Lyon", "Graz", "Basel", "Turin"],
        "zip": ["20095", "69001", "80101", "40515", "10121"],
        "street": ["Lindenweg", "Rue Haute", "Am Markt", "Seestrasse"],
        "country": ["DE", "FR", "AT", "IT"],
        "cname": ["Germany", "France", "Austria", "Italy"],
        "tld": "example",
        "cur": ["EUR"],
        "dept": ["Finance", "Sales", "Engineering"],
        "job": ["Accountant", "Sales Manager", "Developer", "Analyst"],
        "firm": ["Nordlicht", "Alpina", "Ferro", "Klee", "Brunnen"],
        "start": datetime(2022, 1, 3, 8, 0, 5, tzinfo=UTC),
        "base": 41000,
        "dial": "+4940",
        "title": ["Login page fails", "Export is slow", "Typo in the footer", "Crash on upload", "Add dark mode", "Totals are wrong"],
        "text": ["It happens every time.", "Only seen in the new version.", "A user told us so.", "See the log."],
        "repo": "shop",
        "words": ["oak", "pine", "linen", "brass", "wool", "clay"],
        "thing": ["Chair", "Table", "Lamp", "Rug"],
        "brand": ["Nordholz", "Feinwerk"],
        "loc": ["Room 1", "Library", "Canteen"],
    },
    {
        "given": ["Aiko", "Bongani", "Chloe", "Diego", "Esther", "Femi", "Grace", "Hana", "Imani", "Jamal", "Kenji", "Lucia"],
        "family": ["Adeyemi", "Barnes", "Castillo", "Dube", "Evans", "Flores", "Gupta", "Hayashi", "Ito", "Jackson", "Khan"],
        "city": ["Austin", "Osaka", "Durban", "Leeds"],
        "zip": ["73301", "53000", "40019", "61820"],
        "street": ["Elm Street", "Mission Road", "Harbour Lane"],
        "country": ["US", "JP", "ZA", "GB"],
        "cname": ["United States", "Japan", "South Africa", "United Kingdom"],
        "tld": "test",
        "cur": ["USD"],
        "dept": ["Legal", "Support", "Research", "Logistics"],
        "job": ["Paralegal", "Support Agent", "Scientist", "Driver"],
        "firm": ["Bluegate", "Redwood", "Sunfield", "Quickstep"],
        "start": datetime(2024, 3, 4, 9, 30, 11, tzinfo=UTC),
        "base": 87000,
        "dial": "+1512",
        "title": ["Search finds nothing", "Wrong price shown", "Broken link in mail", "Timeout on checkout", "New icon wanted"],
        "text": ["Please look into this.", "Started yesterday.", "Reported by the shop.", "No idea why."],
        "repo": "api",
        "words": ["trail", "rain", "camp", "head", "sun"],
        "thing": ["Boots", "Jacket", "Stove", "Hat"],
        "brand": ["Peakline", "Outbound"],
        "loc": ["HQ 4F", "Blue Room", "Lobby"],
    },
]


def things(flavour, count=20):
    r, p = random.Random(f"x{flavour}"), POOL[flavour]
    found = []
    for n in range(count):
        g, f = r.choice(p["given"]), r.choice(p["family"])
        c = r.randrange(len(p["country"]))
        t = p["start"] + timedelta(days=11 * n + r.randint(0, 9), seconds=r.randint(0, 40000))
        price = r.randint(5, 300) * 100 + r.choice([0, 50, 90, 99])
        found.append(
            T(
                n=n,
                r=random.Random(f"{flavour}{n}"),
                p=p,
                num=p["base"] + n * 7,
                g=g,
                f=f,
                mail=f"{g}.{f}{n}@{p['firm'][n % 4].lower()}.{p['tld']}".lower(),
                home=f"{f}{n}@home.{p['tld']}".lower(),
                tel=p["dial"] + str(2000000 + n * 7919 + flavour),
                mob=p["dial"] + str(7000000 + n * 6101 + flavour),
                city=p["city"][c % len(p["city"])],
                zip=p["zip"][c % len(p["zip"])],
                street=f"{r.choice(p['street'])} {r.randint(1, 99)}",
                cc=p["country"][c],
                cname=p["cname"][c],
                dept=r.choice(p["dept"]),
                job=r.choice(p["job"]),
                firm=r.choice(p["firm"]),
                t=t,
                t2=t + timedelta(hours=r.randint(5, 300), seconds=17),
                t3=t + timedelta(days=r.randint(14, 60)),
                boss=f"{r.choice(p['given'])} {r.choice(p['family'])}",
                title=r.choice(p["title"]),
                text=r.choice(p["text"]),
                price=price,
                cur=r.choice(p["cur"]),
                k=r.randint(1, 5),
                w=r.randint(100, 9000),
                flag=r.random() < 0.5,
                open=r.random() < 0.6,
                word=r.choice(p["words"]),
                thing=r.choice(p["thing"]),
                brand=r.choice(p["brand"]),
                loc=r.choice(p["loc"]),
                ean=f"{40 + flavour}{random.Random(n + 99 * flavour).randint(10**10, 10**11 - 1)}",
                birth=datetime(1960 + r.randint(0, 40), r.randint(1, 12), r.randint(1, 28)),
                hue=r.choice(["red", "blue", "green"]) if not flavour else r.choice(["black", "white", "grey"]),
            )
        )
    return found


def z(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def ms(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def d(t):
    return t.strftime("%Y-%m-%d")


def guid(x, salt):
    h = f"{random.Random(f'{x.num}{salt}').getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def small_value(x, meaning, side):
    dt = {"created": x.t, "updated": x.t2, "due": x.t3, "birth": x.birth}
    if meaning in dt:
        return d(dt[meaning]) if not side or meaning == "birth" else z(dt[meaning])
    return {
        "mail": x.mail,
        "street": x.street,
        "text": x.text,
        "home": x.home,
        "given": x.g,
        "family": x.f,
        "tel": x.tel,
        "mob": x.mob,
        "city": x.city,
        "city2": x.p["city"][x.n % 4],
        "zip": x.zip,
        "zip2": x.p["zip"][x.n % 4],
        "cc": x.cc,
        "num": x.num if not side else str(x.num),
        "display": f"{x.g} {x.f}",
        "boss": x.boss,
        "price": x.price / 100 if not side else f"{x.price / 100:.2f}",
        "cur": x.cur,
        "ostatus": x.r.choice(["paid", "open"]),
        "k": x.k,
        "w": x.w,
        "sku": f"{x.word[:3].upper()}-{x.num}",
        "title": f"{x.word.title()} {x.thing}",
        "stock": x.w % 40,
        "hue": x.hue,
        "ean": x.ean,
        "cost": f"{x.price / 170:.2f}",
        "firm": x.firm,
        "job": x.job,
        "dept": x.dept,
        "net": x.price / 100,
        "tax": round(x.price / 500, 2),
        "gross": round(x.price * 1.2 / 100, 2),
        "flag": x.flag,
        "login": (x.g + x.f).lower(),
        "kind": x.thing,
        "fax": x.p["dial"] + str(5550000 + x.n * 37),
        "iban": f"DE{x.num}12345678{x.num}111",
        "fee": x.k / 2,
    }[meaning]
