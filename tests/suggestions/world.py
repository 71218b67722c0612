"""The made-up businesses that the vendor schemas show: people, companies, orders and deals, from a seed. Nothing in it is anyone's data.

Two flavours share no name, place, product, currency, number or day, so samples of one and of the other have no value in common.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace as Thing


def words(text):
    return text.split(" ")


POOLS = [
    {
        "given": words("Ann Bruno Clara David Elif Farid Greta Hugo Ines Jonas Katja Liam Mara Nils Olga Pavel Rosa Stefan Tilda Uwe"),
        "family": words(
            "Abel Brandt Conti Dahl Engel Fischer Graf Hahn Iversen Jung Keller Lang Maurer Nolte Otto Pohl Richter Sommer Thoma Ullrich"
        ),
        "cities": ["Hamburg", "Lyon", "Graz", "Basel", "Turin", "Bremen", "Nantes", "Linz", "Bern", "Parma"],
        "regions": ["HH", "ARA", "ST", "BS", "PIE", "HB", "PDL", "OOE", "BE", "EMR"],
        "streets": ["Lindenweg", "Rue Haute", "Am Markt", "Seestrasse", "Via Roma", "Hafenweg"],
        "firms": ["Nordlicht", "Alpina", "Ferro", "Klee", "Brunnen", "Sandberg", "Morgenrot", "Tannenhof", "Seewind", "Rebstock"],
        "legal": ["GmbH", "SA", "AG"],
        "countries": ["DE", "FR", "AT", "CH"],
        "currencies": ["EUR", "CHF"],
        "products": ["Oak Chair", "Pine Table", "Linen Curtain", "Brass Lamp", "Wool Rug", "Clay Vase", "Steel Shelf", "Glass Bowl", "Cork Mat"],
        "sku": "OAK",
        "tld": "example",
        "dial": "+49 40 3",
        "jobs": ["Buyer", "Head of Sales", "Accountant", "Managing Director", "Engineer"],
        "industry": ["Furniture", "Retail", "Hotels"],
        "start": datetime(2022, 1, 3, 8, 0, 5, tzinfo=UTC),
        "cents": 1,
        "base": 410_000,
        "quantities": [1, 2, 3, 4],
        "percent": [10, 20, 40],
        "notes": ["Leave it with the neighbour", "Please call before delivery", "Gift, no price list", "Second floor"],
    },
    {
        "given": words("Aiko Bongani Chloe Diego Esther Femi Grace Hana Imani Jamal Kenji Lucia Mateo Nadia Oscar Priya Quinn Rahul Sofia Tariq"),
        "family": words(
            "Adeyemi Barnes Castillo Dube Evans Flores Gupta Hayashi Ito Jackson Khan Lopez Mbeki Nakamura Okafor Patel Ramirez Singh Tanaka"
        ),
        "cities": ["Austin", "Osaka", "Durban", "Leeds", "Cusco", "Boise", "Nagoya", "Soweto", "Derby", "Lima"],
        "regions": ["TX", "27", "KZN", "WYK", "CUS", "ID", "23", "GP", "DBY", "LIM"],
        "streets": ["Elm Street", "Mission Road", "Harbour Lane", "Kings Avenue", "Ocean Drive", "Palm Court"],
        "firms": ["Bluegate", "Redwood", "Sunfield", "Quickstep", "Ironbark", "Cedarline", "Halfmoon", "Stonebridge", "Larkspur", "Whitecap"],
        "legal": ["Inc", "Ltd", "LLC"],
        "countries": ["US", "JP", "ZA", "GB"],
        "currencies": ["USD", "GBP"],
        "products": ["Trail Boots", "Rain Jacket", "Camp Stove", "Head Torch", "Water Filter", "Sun Hat", "Climbing Rope", "Dry Bag"],
        "sku": "TRL",
        "tld": "test",
        "dial": "+1 512 7",
        "jobs": ["Procurement Lead", "Store Owner", "Controller", "Chief of Staff", "Designer"],
        "industry": ["Outdoor", "Logistics", "Education"],
        "start": datetime(2024, 3, 2, 14, 30, 41, tzinfo=UTC),
        "cents": 2,
        "base": 780_000,
        "quantities": [5, 6, 7, 8, 9],
        "percent": [25, 50, 75],
        "notes": ["Ring the bell twice", "Fragile contents", "Bill to head office", "Deliver after six"],
    },
]
RATE = Decimal("0.19")


class World:
    """``people``, ``companies``, ``orders``, ``deals``: as many of each as asked for, always the same for a seed and flavour."""

    def __init__(self, seed: int, flavour: int, size: int = 60) -> None:
        self.random = random.Random(seed * 2 + flavour)
        self.pool = POOLS[flavour]
        self.number = self.pool["base"]
        self.companies = [self._company(index) for index in range(size)]
        self.people = [self._person(index) for index in range(size)]
        self.orders = [self._order(index) for index in range(size)]
        self.deals = [self._deal(index) for index in range(size)]

    def _next(self) -> int:
        self.number += self.random.randint(3, 17)
        return self.number

    def _moment(self) -> datetime:
        return self.pool["start"] + timedelta(seconds=self.random.randint(0, 500 * 86_400))

    def _later(self, moment: datetime, most: int) -> datetime:
        return moment + timedelta(seconds=self.random.randint(3_600, most * 86_400))

    def _phone(self) -> str:
        return self.pool["dial"] + str(self.random.randint(100_000, 999_999))

    def _address(self) -> Thing:
        pick = self.random.choice
        index = self.random.randrange(len(self.pool["cities"]))
        return Thing(
            street=f"{pick(self.pool['streets'])} {self.random.randint(1, 140)}",
            city=self.pool["cities"][index],
            region=self.pool["regions"][index],
            zip=str(self.random.randint(10_000, 49_999) + 50_000 * (self.pool["cents"] - 1)),
            country=self.pool["countries"][index % 4],
        )

    def _company(self, index: int) -> Thing:
        name = f"{self.random.choice(self.pool['firms'])} {self.random.choice(self.pool['firms'])} {self.random.choice(self.pool['legal'])}"
        created = self._moment()
        return Thing(
            id=self._next(),
            name=name,
            domain=f"{name.partition(' ')[0].lower()}{index}.{self.pool['tld']}",
            phone=self._phone(),
            billing=self._address(),
            shipping=self._address(),
            industry=self.random.choice(self.pool["industry"]),
            employees=self.random.randint(3, 900) * 10 + self.pool["cents"],
            revenue=self.random.randint(50, 9_000) * 10_000 + 700 * self.pool["cents"],
            created=created,
            updated=self._later(created, 200),
        )

    def _person(self, index: int) -> Thing:
        given, family = self.random.choice(self.pool["given"]), self.random.choice(self.pool["family"])
        created = self._moment()
        return Thing(
            id=self._next(),
            given=given,
            family=family,
            email=f"{given}.{family}{index}@mail.{self.pool['tld']}".lower(),
            phone=self._phone(),
            mobile=self._phone(),
            job=self.random.choice(self.pool["jobs"]),
            company=self.random.choice(self.companies),
            address=self._address(),
            other=self._address(),
            created=created,
            updated=self._later(created, 300),
            subscribed=self.random.random() < 0.5,
            note=self.random.choice(self.pool["notes"]),
            orders=self.random.randint(0, 30),
            spent=Decimal(self.random.randint(0, 400_000)) / 100,
        )

    def _order(self, index: int) -> Thing:
        created = self._moment()
        lines = []
        for position in range(self.random.randint(1, 4)):
            product = self.random.randrange(len(self.pool["products"]))
            price = Decimal(self.random.randint(5, 200) * 10) / 10 + Decimal(self.pool["cents"]) / 100
            quantity = self.random.choice(self.pool["quantities"])
            lines.append(
                Thing(
                    id=self._next(),
                    position=position + 1,
                    name=self.pool["products"][product],
                    sku=f"{self.pool['sku']}-{product + 10}-{self.random.choice('SML')}",
                    price=price,
                    quantity=quantity,
                    total=price * quantity,
                )
            )
        subtotal = sum((line.total for line in lines), Decimal(0))
        discount = (subtotal / 10).quantize(Decimal("0.01")) if self.random.random() < 0.4 else Decimal("0.00")
        shipping = self.random.choice([Decimal("0.00"), Decimal("4.90"), Decimal("9.50")])
        tax = ((subtotal - discount) * RATE).quantize(Decimal("0.01"))
        total = subtotal - discount + shipping + tax
        paid = self.random.random() < 0.6
        return Thing(
            id=self._next(),
            number=self._next(),
            index=index,
            person=self.random.choice(self.people),
            billing=self._address(),
            shipping=self._address(),
            created=created,
            updated=self._later(created, 20),
            due=created + timedelta(days=self.random.choice([14, 30])),
            lines=lines,
            subtotal=subtotal,
            discount=discount,
            freight=shipping,
            tax=tax,
            total=total,
            paid=total if paid else Decimal("0.00"),
            balance=Decimal("0.00") if paid else total,
            is_paid=paid,
            currency=self.random.choice(self.pool["currencies"]),
            note=self.random.choice(self.pool["notes"]),
            reference=f"PO-{self._next()}",
        )

    def _deal(self, index: int) -> Thing:
        created = self._moment()
        return Thing(
            id=self._next(),
            name=f"{self.random.choice(self.pool['firms'])} {self.random.choice(self.pool['products'])} {index}",
            amount=Decimal(self.random.randint(500, 90_000)) + Decimal(self.pool["cents"]) / 4,
            stage=self.random.randrange(4),
            close=created + timedelta(days=self.random.randint(10, 120)),
            created=created,
            updated=self._later(created, 30),
            company=self.random.choice(self.companies),
            probability=self.random.choice(self.pool["percent"]),
            next_step=self.random.choice(self.pool["notes"]),
            currency=self.random.choice(self.pool["currencies"]),
        )
