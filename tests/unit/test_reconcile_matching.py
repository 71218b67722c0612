"""Entries of two ledgers that belong together: the exact pass, the scored pass, sums, doubts, and an account that always closes."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import integrakit as ik
from integrakit.errors import ConfigurationError
from integrakit.reconciliation.matching import amatch_ledgers, match_ledgers
from integrakit.reconciliation.matching.sums import Steps, Undecided, adding_up

DAY = date(2026, 3, 1)


def payment(id, amount, *, days=0, purpose="", payer=""):
    return {"id": id, "amount": Decimal(amount), "booked": DAY + timedelta(days), "purpose": purpose, "payer": payer}


def invoice(no, total, *, days=0, customer=""):
    return {"no": no, "total": Decimal(total), "date": DAY + timedelta(days), "customer": customer}


def matched(payments, invoices, **options):
    return match_ledgers(
        payments,
        invoices,
        id=("id", "no"),
        amount=("amount", "total"),
        date=("booked", "date"),
        reference=("purpose", "no"),
        party=("payer", "customer"),
        **options,
    )


def pairs(matching):
    return {(match.left, match.right): match.rule for match in matching.matches}


# ---------------------------------------------------------------------------------------------------- exact


def test_reference_and_amount_are_exact_however_the_reference_is_written():
    for purpose in ("INV-2026-001", "your inv 2026/001, thanks", "Rechnung INV2026001.", "ＩＮＶ 2026 001"):
        found = matched([payment("P1", "100.00", days=40, purpose=purpose)], [invoice("INV-2026-001", "100")])
        assert pairs(found) == {(("P1",), ("INV-2026-001",)): "exact"}
        assert "the reference is named" in found.matches[0].reasons
        assert found.complete


def test_one_payment_names_several_invoices():
    found = matched(
        [payment("P1", "350", purpose="INV-1 and INV-2")], [invoice("INV-1", "150"), invoice("INV-2", "200"), invoice("INV-3", "350", days=9)]
    )
    assert pairs(found) == {(("P1",), ("INV-1", "INV-2")): "exact"}
    assert found.unmatched_right == ("INV-3",)


def test_instalments_name_one_invoice():
    found = matched([payment("P1", "100", purpose="INV-1 first"), payment("P2", "50", purpose="INV-1 rest")], [invoice("INV-1", "150")])
    assert pairs(found) == {(("P1", "P2"), ("INV-1",)): "exact"}


def test_two_payments_of_the_same_invoice_are_not_both_taken():
    found = matched([payment("P1", "100", purpose="INV-1"), payment("P2", "100", purpose="INV-1")], [invoice("INV-1", "100")])
    assert len(found.matches) <= 1
    assert found.remainder[""].unexplained == 100


def test_part_of_a_number_is_not_the_number():
    found = matched([payment("P1", "100", days=200, purpose="INV-10")], [invoice("INV-1", "100")])
    assert not found.matches


def test_same_amount_on_the_same_day_is_exact_only_where_nobody_else_has_it():
    found = matched([payment("P1", "70")], [invoice("A", "70"), invoice("B", "71")])
    assert pairs(found) == {(("P1",), ("A",)): "exact"}
    found = matched([payment("P1", "70")], [invoice("A", "70"), invoice("B", "70")])
    assert not found.matches
    assert {each.id: set(each.candidates) for each in found.ambiguous} == {"P1": {"A", "B"}}


def test_another_party_is_no_partner_however_well_the_amount_fits():
    found = matched([payment("P1", "70", payer="Ann")], [invoice("A", "70", customer="Bob")])
    assert not found.matches


def test_a_number_is_named_without_its_letters_too_but_a_day_is_no_number():
    assert matched([payment("P1", "100", purpose="Rechnung 2026-9101")], [invoice("INV-2026-9101", "100")]).matches
    found = matched([payment("P1", "100", days=9, purpose="vom 12.03.2026")], [invoice("INV-12032026", "100", customer="Bob"), invoice("B", "100")])
    assert not found.matches


@pytest.mark.parametrize(
    ("number", "purpose"), [("12", "12 Stück"), ("2026", "Abo 2026"), ("Mai 2026", "Miete Mai 2026"), ("1", "1 2 3 4"), ("x", "x")]
)
def test_short_numbers_years_and_months_are_not_exact(number, purpose):
    found = matched([payment("P1", "20", days=5, purpose=purpose, payer="Ann")], [invoice(number, "20", customer="Bob")])
    assert not found.matches


def test_a_short_number_of_the_right_party_tells_the_months_of_a_subscription_apart():
    invoices = [invoice(str(number), "9.99", days=30 * number, customer="Ann Lee") for number in range(212, 215)]
    found = matched([payment("P1", "9.99", days=30 * 213 + 9, purpose="Rechnung 213", payer="Lee, Ann")], invoices)
    assert pairs(found) == {(("P1",), ("213",)): "scored"}
    assert not matched([payment("P1", "9.99", days=30 * 213 + 9, purpose="Abo", payer="Lee, Ann")], invoices).matches


def test_somebody_else_may_pay_where_the_number_is_unmistakable():
    found = matched([payment("P1", "20", days=5, purpose="INV-2026-17", payer="Ann")], [invoice("INV-2026-17", "20", customer="Bob")])
    assert found.matches[0].reasons == ("the reference is named", "same amount 20", "5 days apart", "another party")
    found = matched([payment("P1", "20", days=5, purpose="10115 Berlin", payer="Ann")], [invoice("10115", "20", customer="Bob")])
    assert not found.matches
    assert found.ambiguous[0].reason == "it names this one, and the amount is the same, but another party pays"


def test_what_was_returned_is_not_paid():
    for text in ("INV-2026-1", "Danke"):
        payments = [payment("P1", "20", days=5, purpose=text, payer="Bob"), payment("P2", "-20", days=8, purpose=f"Rückgabe {text}", payer="Bob")]
        found = matched(payments, [invoice("INV-2026-1", "20", customer="Bob")])
        assert not found.matches
        assert any("returned" in each.reason for each in found.ambiguous)
    # Paid again: all three together.
    found = matched([payment(f"P{n}", v, purpose="INV-2026-1") for n, v in enumerate(("20", "-20", "20"))], [invoice("INV-2026-1", "20")])
    assert pairs(found) == {(("P0", "P1", "P2"), ("INV-2026-1",)): "exact"}


def test_two_explanations_are_none():
    # P1 paid both, or P2 paid the first: nobody can tell.
    found = matched(
        [payment("P1", "350", purpose="INV-1 and INV-2"), payment("P2", "150", purpose="INV-1")], [invoice("INV-1", "150"), invoice("INV-2", "200")]
    )
    assert not found.matches
    assert {each.reason for each in found.ambiguous} == {"references and amounts fit in more than one way"}


def test_who_names_something_else_is_no_partner():
    invoices = [invoice("INV-2026-1", "20", customer="Bob"), invoice("INV-2026-2", "90", customer="Bob")]
    for purpose in ("INV-2026-2", "re. INV-2026-2", "Rechnung INV-2026-9"):
        assert not matched([payment("P1", "20", purpose=purpose, payer="Bob")], invoices).matches


def test_what_is_named_and_does_not_fit_is_said():
    found = matched([payment("P1", "85.00", purpose="INV-2026-1")], [invoice("INV-2026-1", "100.00")])
    assert [(each.id, each.candidates, each.reason) for each in found.ambiguous] == [
        ("P1", ("INV-2026-1",), "it names this one, and the amounts are 15.00 apart")
    ]


# ---------------------------------------------------------------------------------------------------- scored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("Müller, Hans", "Hans Mueller"), ("ACME", "Acme GmbH & Co. KG"), ("Groß", "GROSS"), ("Émile Lefèvre", "LEFEVRE EMILE"), ("AG", "ag")),
        *(("Smith", "John Smith"), ("ＡＣＭＥ Ltd", "acme limited")),
    ],
)
def test_names_of_the_same_party(one, other):
    assert matched([payment("P1", "20", days=5, payer=one)], [invoice("A", "20", customer=other)]).matches


@pytest.mark.parametrize(("one", "other"), [("Ann", "Johannes"), ("Hans Meier", "Hans Müller"), ("Acme GmbH", "Globex GmbH"), ("Li", "Li Wei")])
def test_names_of_others(one, other):
    assert not matched([payment("P1", "20", days=5, payer=one)], [invoice("A", "20", customer=other)]).matches


def test_the_day_does_not_choose_between_equal_amounts_of_a_party():
    # Paid late: the next month's is nearer.
    invoices = [invoice("A", "20", days=0, customer="Bob"), invoice("B", "20", days=30, customer="Bob")]
    found = matched([payment("P1", "20", days=29, payer="Bob")], invoices)
    assert not found.matches
    assert found.ambiguous[0].candidates == ("A", "B")


def test_an_amount_alone_is_enough_only_where_nobody_else_has_it():
    assert matched([payment("P1", "20", days=3)], [invoice("A", "20")]).matches
    found = matched([payment("P1", "20", days=3)], [invoice("A", "20"), invoice("B", "20", days=60)])
    assert not found.matches
    assert "others have it too" in found.ambiguous[0].reason


def test_amounts_that_are_only_near_need_a_party_or_a_reference():
    assert not matched([payment("P1", "20.30", days=3)], [invoice("A", "20")], within=1).matches
    assert matched([payment("P1", "20.30", days=3, payer="Bob")], [invoice("A", "20", customer="Bob")], within=1).matches


def test_the_nearest_and_alike_is_taken_with_its_reasons():
    found = matched(
        [payment("P1", "19.99", days=6, payer="Cy Ltd")],
        [invoice("A", "19.98", customer="cy ltd"), invoice("B", "25", customer="cy ltd")],
        within="0.05",
    )
    (match,) = found.matches
    assert (match.rule, match.difference) == ("scored", Decimal("0.01"))
    assert match.reasons == ("amounts 0.01 apart", "6 days apart", "same party", "the only candidate")
    assert found.remainder[""].differences == Decimal("0.01")
    assert not found.complete


def test_two_that_fit_equally_well_are_left_to_a_person():
    found = matched([payment("P1", "20", days=3, payer="Cy")], [invoice("A", "20", customer="Cy"), invoice("B", "20", customer="Cy")])
    assert not found.matches
    assert found.ambiguous[0].candidates == ("A", "B")
    assert "P1" in str(found)


def test_days_and_threshold_are_limits():
    sides = [payment("P1", "20", days=31, payer="Cy")], [invoice("A", "20", customer="Cy")]
    assert not matched(*sides, days=30).matches
    assert matched(*sides, days=31).matches
    assert not matched(*sides, days=31, threshold=0.99).matches


def test_one_payment_for_several_invoices_by_their_sum():
    found = matched(
        [payment("P1", "60.08", days=9, payer="Dee")],
        [
            invoice("A", "25.07", customer="Dee"),
            invoice("B", "35.01", customer="Dee"),
            invoice("C", "60.08", customer="Eve"),
            invoice("D", "5.99", customer="Dee"),
        ],
    )
    assert pairs(found) == {(("P1",), ("A", "B")): "scored"}
    assert found.matches[0].reasons == ("2 entries add up to 60.08", "no other sum does", "same party")


def test_round_amounts_add_up_by_chance_unless_all_that_is_open_was_paid():
    invoices = [invoice(name, total, customer="Dee") for name, total in zip("ABC", ("25", "35", "5"), strict=True)]
    found = matched([payment("P1", "60", days=9, payer="Dee")], invoices)
    assert not found.matches
    assert found.ambiguous[0].reason == "they add up, but so might others by chance"
    found = matched([payment("P1", "65", days=9, payer="Dee")], invoices)
    assert pairs(found) == {(("P1",), ("A", "B", "C")): "scored"}
    assert "all that is open near it" in found.matches[0].reasons


def test_what_two_payments_could_both_have_paid_is_neithers():
    invoices = [invoice("A", "25.07", customer="Dee"), invoice("B", "35.01", customer="Dee")]
    found = matched([payment("P1", "60.08", payer="Dee"), payment("P2", "60.08", days=1, payer="Dee")], invoices)
    assert not found.matches
    assert {each.id for each in found.ambiguous} == {"P1", "P2"}


def test_a_sum_is_not_looked_for_where_one_alone_would_do():
    invoices = [invoice(name, total, customer="Dee") for name, total in zip("ABCD", ("25.07", "35.01", "60.08", "60.08"), strict=True)]
    assert not matched([payment("P1", "60.08", payer="Dee")], invoices).matches


def test_sums_that_are_not_the_only_ones_are_doubtful():
    found = matched(
        [payment("P1", "60", payer="D")], [invoice(name, total, customer="D") for name, total in zip("ABCD", ("25", "35", "20", "40"), strict=True)]
    )
    assert not found.matches
    assert found.ambiguous[0].reason == "several sums fit"


def test_currencies_do_not_mix_and_each_has_its_account():
    left = [{"id": 1, "m": ik.Money("10", "EUR")}, {"id": 2, "m": ik.Money("10", "USD")}]
    right = [{"id": "x", "m": ik.Money("10", "EUR")}]
    found = match_ledgers(left, right, id="id", amount="m", threshold=0.5)
    assert [(match.left, match.currency) for match in found.matches] == [((1,), "EUR")]
    assert found.remainder["USD"].unexplained == 10
    assert found.remainder["EUR"].unexplained == 0


def test_opposite_signs():
    found = match_ledgers([{"id": 1, "v": 5, "d": DAY}], [{"id": 2, "v": -5, "d": DAY}], id="id", amount="v", date="d", opposite=True)
    assert len(found.matches) == 1


def test_records_that_are_no_entries_say_why_and_are_in_no_total():
    left = [{"id": 1, "v": "12.50"}, {"id": 2, "v": None}, {"id": 3, "v": True}, {"id": 4, "v": float("nan")}, {"id": 5, "v": 1}]
    found = match_ledgers(left, [], id="id", amount="v")
    assert [reason for _, reason in found.invalid_left] == [
        "v is no amount: '12.50'",
        "v is no amount: null",
        "v is no amount: true",
        "v is no amount: nan",
    ]
    assert found.remainder[""].left == 1


def test_files_of_untyped_text(tmp_path):
    (tmp_path / "bank.csv").write_text("id,amount,date\n1,12.50,2026-03-01\n2,x,2026-03-01\n")
    found = match_ledgers(
        tmp_path / "bank.csv", [{"id": 9, "amount": Decimal("12.5"), "date": datetime(2026, 3, 1, 12)}], id="id", amount="amount", date="date"
    )
    assert pairs(found) == {(("1",), (9,)): "exact"}
    assert len(found.invalid_left) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"id": None}, "needs id= and amount="),
        ({"id": ("a", "b", "c")}, "id= takes the name"),
        ({"within": -1}, "within= takes"),
        ({"within": "x"}, "within= takes"),
        ({"within": "nan"}, "within= takes"),
        ({"days": -1}, "days= takes"),
        ({"most": 13}, "most= takes"),
        ({"threshold": 2}, "threshold= takes"),
        ({"margin": True}, "margin= takes"),
        ({"opposite": 1}, "opposite= takes"),
        ({"reference": "nobody"}, "no record on the left has the field 'nobody'"),
    ],
)
def test_wrong_arguments(options, words):
    with pytest.raises(ConfigurationError, match=words):
        match_ledgers([{"id": 1, "v": 1}], [{"id": 1, "v": 1}], **{"id": "id", "amount": "v", **options})


def test_async_sides():
    async def work():
        return await amatch_ledgers([{"id": 1, "v": 1, "d": DAY}], [{"id": 2, "v": 1, "d": DAY}], id="id", amount="v", date="d")

    assert len(ik.run(work()).matches) == 1


# ---------------------------------------------------------------------------------------------------- sums, and the whole


def test_adding_up():
    amounts = (7, 11, 13, -4)
    assert adding_up(amounts, 18, most=3) == (0, 1)
    assert adding_up(amounts, 16, most=3) == (0, 2, 3)
    assert adding_up(amounts, 7, most=3) == (1, 3)
    assert adding_up(amounts, 100, most=3) is None
    assert adding_up(amounts, 25, most=2, within=1) == (1, 2)
    with pytest.raises(Undecided):
        adding_up([1] * 4, 2, most=2)


def test_a_search_without_an_end_is_given_up():
    seeded = random.Random(1)
    amounts = [seeded.randrange(10**9, 10**10) for _ in range(24)]
    with pytest.raises(Undecided):
        adding_up(amounts, sum(amounts[:12]) + 1, most=12)
    steps = Steps(1000)
    for _ in range(2):
        with pytest.raises(Undecided):
            adding_up(amounts, sum(amounts[:12]) + 1, most=12, steps=steps)
    assert steps.left <= 0


@given(st.lists(st.integers(-9, 9), max_size=7), st.integers(-20, 20), st.integers(2, 5), st.integers(0, 2))
def test_adding_up_finds_what_trying_all_of_them_finds(amounts, target, most, within):
    every = [
        places
        for size in range(2, most + 1)
        for places in itertools.combinations(range(len(amounts)), size)
        if abs(sum(amounts[place] for place in places) - target) <= within
    ]
    if len(every) > 1:
        with pytest.raises(Undecided) as several:
            adding_up(amounts, target, most=most, within=within)
        assert set(several.value.found) <= set(every)
    else:
        assert [adding_up(amounts, target, most=most, within=within)] == (every or [None])


rows = st.lists(
    st.tuples(st.integers(-3, 6), st.integers(0, 40), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "I1", "I2 I3", "I9"])), max_size=8
)


@given(rows, rows, st.sampled_from([0, 1]))
def test_every_entry_is_in_one_place_and_the_account_closes(left, right, within):
    payments = [payment(f"P{place}", v, days=d, payer=p, purpose=r) for place, (v, d, p, r) in enumerate(left)]
    invoices = [invoice(f"I{place}", v, days=d, customer=p) for place, (v, d, p, _) in enumerate(right)]
    found = matched(payments, invoices, within=within)
    for side, (name, records, unmatched) in enumerate((("id", payments, found.unmatched_left), ("no", invoices, found.unmatched_right))):
        taken = [id for match in found.matches for id in (match.right if side else match.left)]
        assert sorted([*taken, *unmatched]) == sorted(record[name] for record in records)
    account = found.remainder.get("")
    if account is not None:
        assert account.unexplained == account.unmatched_left - account.unmatched_right + account.differences
        assert account.left == sum(record["amount"] for record in payments)
    for match in found.matches:
        assert match.reasons
        assert abs(match.difference) <= (within if match.rule == "scored" else 0)


# ---------------------------------------------------------------------------------------------------- hostile input


def test_amounts_beyond_all_bounds_are_no_amounts_and_all_others_are_exact():
    values = [float("inf"), Decimal("NaN"), Decimal("1E+999999"), Decimal("1E-999999"), 10**40, Decimal("sNaN"), [1], ik.Money("1E+40", "EUR")]
    found = match_ledgers([{"id": 1, "v": value} for value in values], [], id="id", amount="v")
    assert len(found.invalid_left) == len(values)
    assert all(reason.startswith(("v is no amount: ", "v is beyond all amounts: ")) for _, reason in found.invalid_left)
    assert str(found)
    exact = Decimal("123456789012345678901234567890.12345678901234567890")
    found = match_ledgers(
        [{"id": 1, "v": exact, "d": DAY}], [{"id": 2, "v": exact.copy_negate(), "d": DAY}], id="id", amount="v", date="d", opposite=True
    )
    assert found.matches[0].amount_right == exact
    assert found.remainder[""].unexplained == 0
    found = match_ledgers(
        [{"id": 1, "v": exact, "d": DAY}],
        [{"id": 2, "v": Decimal("123456789012345678901234567890.12345678901234567891"), "d": DAY}],
        id="id",
        amount="v",
        date="d",
    )
    assert not found.matches


@pytest.mark.parametrize("value", ["", None, float("nan")])
def test_no_day_is_no_error(value):
    found = match_ledgers([{"id": 1, "v": 1, "d": value}], [{"id": 2, "v": 1, "d": DAY}], id="id", amount="v", date="d", threshold=0.5)
    assert not found.invalid_left
    assert found.matches


@pytest.mark.parametrize("value", ["01.03.2026", "2026-02-30", 20260301, b"2026-03-01", "x" * 10_000])
def test_bad_dates_are_said(value):
    found = match_ledgers([{"id": 1, "v": 1, "d": value}], [{"id": 2, "v": 1, "d": DAY}], id="id", amount="v", date="d")
    assert found.invalid_left[0][1].startswith("d is no date: ")
    assert len(found.invalid_left[0][1]) < 200


def test_a_time_is_of_the_day_that_it_says_in_its_own_zone():
    late = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    found = match_ledgers([{"id": 1, "v": 1, "d": late}], [{"id": 2, "v": 1, "d": DAY}], id="id", amount="v", date="d", days=0)
    assert found.matches[0].rule == "exact"


def test_texts_of_any_length_and_kind_take_no_time():
    texts = [
        "12 " * 3_000_000,
        "INV" * 3_000_000,
        "e\u0301\u0323" * 100_000,
        "\udc80\x00",
        "-" * 1_000_000,
        "9" * 1_000_000,
        "((((((a+)+)+)+)+)+" * 1000,
    ]
    payments = [payment(f"P{n}", "5", purpose=text, payer=text) for n, text in enumerate(texts)]
    assert len(matched(payments, [invoice("INV-2026-1", "5", customer="e\u0301" * 1000)]).unmatched_left) == len(texts)
    for text in (7, 2026001.0, None, b"x", {"a": 1}, ["INV-1"]):
        matched([payment("P1", "5", purpose=text, payer=text)], [invoice("INV-2026-1", "5")])
    assert matched([payment("P1", "5", purpose=2026001.0)], [invoice(2026001, "5")]).matches


def test_ids_may_be_absent_or_repeated_and_that_is_said():
    payments = [payment(None, "5", purpose="INV-2026-1"), payment("P", "6", purpose="INV-2026-2"), payment("P", "7"), payment(["odd"], "8")]
    found = matched(payments, [invoice("INV-2026-1", "5"), invoice("INV-2026-2", "6")])
    assert {match.left for match in found.matches} == {(None,), ("P",)}
    assert found.unmatched_left == ("P", ["odd"])
    assert found.notes == ("1 entries on the left have an id that another one has: what is matched is not told by its id alone",)
    assert "worth knowing" in str(found)
    assert json.loads(found.to_json())["matches"][0]["left"] == [None]


def test_many_of_one_amount_and_one_party_are_not_compared_each_with_each():
    payments = [payment(f"P{n}", "9.99", days=n % 90, payer="Acme") for n in range(400)]
    found = matched(payments, [invoice(f"I{n}", "9.99", days=n % 90, customer="Acme") for n in range(400)])
    assert not found.matches
    assert len(found.notes) == 3


def test_json(tmp_path):
    found = matched([payment("P1", "100.00", purpose="INV-2026-1"), payment("P2", "1")], [invoice("INV-2026-1", "100")])
    values = json.loads(found.to_json(), parse_float=Decimal)
    assert values["version"] == 1
    assert values["matches"][0]["amount_left"] == Decimal("100.00")
    assert values["remainder"][""]["unexplained"] == 1
    found.to_json(tmp_path / "matching.json")
    assert (tmp_path / "matching.json").read_text() == found.to_json()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        found.to_json(tmp_path / "nowhere" / "matching.json")


def test_generators_and_async_sides():
    async def invoices():
        yield invoice("INV-2026-1", "5")

    async def work():
        rows = (each for each in [payment("P1", "5", purpose="INV-2026-1")])
        return await amatch_ledgers(rows, invoices(), id=("id", "no"), amount=("amount", "total"), reference=("purpose", "no"))

    assert len(asyncio.run(work()).matches) == 1


@settings(max_examples=40)
@given(rows, rows, st.sampled_from([0, 1]), st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(left, right, within, chance):
    payments = [payment(f"P{place}", v, days=d, payer=p, purpose=r) for place, (v, d, p, r) in enumerate(left)]
    invoices = [invoice(f"I{place}", v, days=d, customer=p) for place, (v, d, p, _) in enumerate(right)]

    def matches():
        return {(frozenset(each.left), frozenset(each.right), each.rule, each.score) for each in matched(payments, invoices, within=within).matches}

    before = matches()
    chance.shuffle(payments)
    chance.shuffle(invoices)
    assert matches() == before
