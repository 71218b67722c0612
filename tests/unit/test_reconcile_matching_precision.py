"""How often `match_ledgers` is right: on invented bank statements of which the truth is known, with all that real ones have. Seeded."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from integrakit.reconciliation.matching import match_ledgers

FIRST = [
    *("Anna", "Hans", "Petra", "Jürgen", "Marie", "Luc", "Zoë", "John"),
    *("Mary", "Paul", "Émile", "Björn", "Jörg", "Sofia", "Tim", "Lea"),
]
LAST = [
    *("Müller", "Schmidt", "Weber", "Fischer", "Dupont", "Lefèvre", "Smith", "Jones"),
    *("Brown", "Garcia", "Köhler", "Groß", "Meyer", "Maier", "Durand", "Taylor"),
]
FIRMS = [
    *("Acme", "Globex", "Initech", "Umbrella", "Hooli", "Vandelay", "Stark", "Wayne"),
    *("Tyrell", "Cyberdyne", "Aperture", "Wonka", "Soylent", "Nordwind", "Sonnenschein", "Mercator"),
]
FORMS = ["GmbH", "AG", "GmbH & Co. KG", "Ltd", "SARL", "Inc.", "e.K."]
#: Purposes that name their invoice, between dates and numbers that are none.
TELLING = [
    *("Rechnung {no}", "Rg.-Nr. {no} vom {day}", "{no}", "Invoice {no}, thanks", "your inv. {no} / order {order}", "Facture n° {no}"),
    *("Paiement facture {no} du {day}", "RE {no} KdNr {customer}", "SVWZ+{no} EREF+NOTPROVIDED", "payment for {no} customer {customer}"),
]
VAGUE = [
    *("Danke", "Rechnung", "payment", "merci", "Bestellung {order}", "KdNr {customer}", "Rechnung vom {day}", "", "12 Stück", "Abo 2026"),
    *("Haus Nr {small}", "Loyer mars 2026", "invoice {small}"),
]
PRICES = ["9.99", "19.99", "49.00", "99.00", "12.00"]
#: How invoices are numbered: with letters, with short numbers, like dates, like postcodes, with strokes.
NUMBERS = ["INV-2026-{0:03}", "{0}", "2026{0:04}", "{1}", "RE2026/{0:04}"]
START = date(2026, 1, 1)
CENT = Decimal("0.01")


class Ledgers:
    """Payments, invoices, and which belong together; what nobody could tell (paid twice, a part, returned) belongs to nothing."""

    def __init__(self, seed: int, numbers: str, customers: int) -> None:
        self.chance = random.Random(seed)
        self.numbers = numbers
        self.number = self.chance.randint(1, 400)
        self.payments: list[dict[str, object]] = []
        self.invoices: list[dict[str, object]] = []
        self.truth: set[tuple[frozenset[str], frozenset[str]]] = set()
        for _ in range(customers):
            one = self.chance.random() < 0.5
            name = f"{self.pick(FIRST)} {self.pick(LAST)}" if one else f"{self.pick(FIRMS)} {self.pick(FIRMS)} {self.pick(FORMS)}"
            (self.subscription if self.chance.random() < 0.25 else self.customer)(name)
        for _ in range(customers // 2):
            self.stranger()
        self.chance.shuffle(self.payments)
        self.chance.shuffle(self.invoices)

    def pick(self, some):
        return self.chance.choice(some)

    def invoice(self, customer, total, day):
        self.number += 1
        number = self.numbers.format(self.number, self.number + 10000)
        self.invoices.append({"no": number, "total": total, "date": day, "customer": customer})
        return number

    def pay(self, amount, day, purpose, payer):
        self.payments.append({"id": f"P{len(self.payments)}", "amount": amount, "booked": day, "purpose": purpose, "payer": self.shown(payer)})
        return f"P{len(self.payments) - 1}"

    def belong(self, payments, invoices):
        self.truth.add((frozenset(payments), frozenset(invoices)))

    def text(self, numbers, day):
        written = " + ".join(self.pick([each, each, each.replace("-", " "), each.replace("-", "/"), each.lower()]) for each in numbers)
        return self.filled(self.pick(TELLING), day, written)

    def vague(self, day):
        return self.filled(self.pick(VAGUE), day)

    def filled(self, text, day, number=""):
        some = {"order": self.chance.randint(10, 99999), "customer": self.chance.randint(100, 9999), "small": self.chance.randint(1, 60)}
        return text.format(no=number, day=day.strftime("%d.%m.%Y"), **some)

    def typo(self, number):
        place = self.pick([place for place, letter in enumerate(number) if letter.isdigit()])
        return number[:place] + str((int(number[place]) + self.chance.randint(1, 9)) % 10) + number[place + 1 :]

    def shown(self, name):
        kind = self.chance.random()
        if kind < 0.15:
            return ""
        if kind < 0.3:
            return name.upper().replace("Ü", "UE")
        if kind < 0.4 and " " in name and "&" not in name:
            first, _, last = name.partition(" ")
            return f"{last}, {first}"
        return f"{self.pick(FIRST)} {self.pick(LAST)}" if kind < 0.45 else name  # somebody else pays

    def subscription(self, name):
        price, day = Decimal(self.pick(PRICES)), START + timedelta(self.chance.randrange(28))
        tells = self.chance.random() < 0.5
        for month in range(self.chance.randint(2, 6)):
            due = day + timedelta(30 * month)
            number = self.invoice(name, price, due)
            late = self.pick([2, 3, 5, 9, 14, 27, 38])
            if self.chance.random() < 0.9:
                text = self.text([number], due) if tells and self.chance.random() < 0.9 else self.vague(due)
                self.belong([self.pay(price, due + timedelta(late), text, name)], [number])

    def customer(self, name):
        due = []
        for _ in range(self.chance.randint(1, 7)):
            day = START + timedelta(self.chance.randrange(150))
            cents = self.pick([self.chance.randrange(500, 300000), self.chance.randrange(10, 400) * 500, self.chance.randrange(1000, 9000)])
            total = cents * CENT
            due.append((self.invoice(name, total, day), total, day))
        while due:
            kind = self.chance.random()
            if kind < 0.12 and len(due) >= 2:
                some = [due.pop() for _ in range(min(len(due), self.chance.randint(2, 4)))]
                day = max(each[2] for each in some) + timedelta(self.chance.randint(1, 20))
                text = self.text([each[0] for each in some], day) if self.chance.random() < 0.6 else self.vague(day)
                self.belong([self.pay(sum(each[1] for each in some), day, text, name)], [each[0] for each in some])
            else:
                self.one(name, kind, *due.pop())

    def one(self, name, kind, number, total, day):
        paid = day + timedelta(self.pick([0, 1, 3, 7, 10, 14, 20, 29, 45]))
        tells = self.chance.random() < 0.7
        text = self.text([number], day) if tells else self.vague(day)
        if kind < 0.2:  # not paid
            return
        if kind < 0.25:  # a part, and never the rest
            self.pay((total * Decimal("0.4")).quantize(CENT), paid, text, name)
        elif kind < 0.3:  # in two parts
            part = (total * Decimal("0.3")).quantize(CENT)
            rest = self.text([number], day) if tells else self.vague(day)
            self.belong([self.pay(part, paid, text, name), self.pay(total - part, paid + timedelta(9), rest, name)], [number])
        elif kind < 0.34:  # a fee was kept
            self.belong([self.pay(total - Decimal("0.35"), paid, text, name)], [number])
        elif kind < 0.37:  # paid twice
            self.pay(total, paid, text, name)
            self.pay(total, paid + timedelta(1), text, name)
        elif kind < 0.4:  # returned
            self.pay(total, paid, text, name)
            self.pay(-total, paid + timedelta(3), "Rücklastschrift " + text, name)
        elif kind < 0.43:  # a credit note
            note = self.invoice(name, -total, paid)
            self.belong([self.pay(-total, paid + timedelta(4), self.text([note], paid), name)], [note])
            self.belong([self.pay(total, paid, text, name)], [number])
        else:
            text = self.text([self.typo(number)], day) if kind < 0.46 else text
            self.belong([self.pay(total, paid, text, name)], [number])

    def stranger(self):
        day = START + timedelta(self.chance.randrange(180))
        amount = Decimal(self.pick(PRICES)) if self.chance.random() < 0.4 else self.chance.randrange(100, 90000) * CENT
        order, month = self.chance.randint(1000, 9999), self.chance.randint(1, 12)
        text = self.pick([self.vague(day), self.text([f"X-{order}"], day), "Gehalt", f"Miete {month}/2026"])
        self.pay(amount if self.chance.random() < 0.8 else -amount, day, text, f"{self.pick(FIRST)} {self.pick(LAST)}")


FIELDS = {
    "id": ("id", "no"),
    "amount": ("amount", "total"),
    "date": ("booked", "date"),
    "reference": ("purpose", "no"),
    "party": ("payer", "customer"),
}


def measured(seeds, numbers, without=(), **options):
    """How many matches of each rule are right and wrong, and how many there are in truth."""
    found: Counter[tuple[str, bool] | str] = Counter()
    for seed in seeds:
        ledgers = Ledgers(seed, numbers, 60)
        fields = {name: pair for name, pair in FIELDS.items() if name not in without}
        for match in match_ledgers(ledgers.payments, ledgers.invoices, **fields, **options).matches:
            found[match.rule, (frozenset(match.left), frozenset(match.right)) in ledgers.truth] += 1
        found["truth"] += len(ledgers.truth)
    return found


# Wrong matches are worse than none: of the exact ones none may be, of the scored ones two in a hundred. What is found besides is a floor.
@pytest.mark.parametrize(
    ("numbers", "options", "least"),
    [
        *((numbers, {}, least) for numbers, least in zip(NUMBERS, (0.65, 0.45, 0.6, 0.6, 0.65), strict=True)),
        (NUMBERS[0], {"within": "0.50"}, 0.66),
        (NUMBERS[0], {"days": 14}, 0.6),
        (NUMBERS[0], {"without": ("party",)}, 0.6),
        (NUMBERS[0], {"without": ("reference",)}, 0.4),
        (NUMBERS[0], {"without": ("reference", "party")}, 0.4),
    ],
)
def test_what_is_matched_is_right(numbers, options, least):
    found = measured(range(2000, 2002), numbers, **options)
    assert found["exact", False] == 0
    assert found["scored", False] <= 0.02 * (found["scored", True] + found["scored", False])
    assert found["exact", True] + found["scored", True] >= least * found["truth"]
