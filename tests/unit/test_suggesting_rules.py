"""What `suggest` proposes is tried on aligned rows: a rule that does not give what the other side holds is not proposed as if it did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

import integrakit as ik

MAILS = [f"user{n}@mail.example" for n in range(24)]
DAYS = [datetime(2024, 1, 5, 9, 30, tzinfo=UTC) + timedelta(days=3 * n, minutes=17 * n) for n in range(24)]


def suggested(ours, theirs, name="value"):
    left = [{"email": mail, name: value} for mail, value in zip(MAILS, ours, strict=True)]
    right = [{"email": mail, name: value} for mail, value in zip(MAILS, theirs, strict=True)]
    found = ik.Mapping.suggest(left, list(reversed(right)))
    return found, left


def sure(ours, theirs, name="value"):
    """The rule that is proposed, once it was seen to give the right values."""
    found, left = suggested(ours, theirs, name)
    field = next(field for field in found.fields if field.target == name)
    assert [found.mapping()(record)[name] for record in left] == list(theirs)
    return field.rule


def doubtful(ours, theirs, name="value"):
    found, _ = suggested(ours, theirs, name)
    assert [field.target for field in found.fields] == ["email"]
    return next((field for field in found.doubtful if field.target == name), None)


NATIONAL = [f"0151 {20_000_000 + 77_777 * n}" for n in range(24)]
PLAIN = [number.replace(" ", "") for number in NATIONAL]
E164 = [f"+49{number[1:]}" for number in PLAIN]


@pytest.mark.parametrize("ours", [NATIONAL, PLAIN])
def test_a_national_number_becomes_what_the_other_side_holds(ours):
    assert sure(ours, E164, "phone") == {"from": "phone", "to": "phone", "region": "DE"}


def test_a_number_that_no_rule_can_spell_is_doubtful_and_says_so():
    field = doubtful(E164, PLAIN, "phone")
    assert field.confidence < 0.8
    assert any("in 0% of 24 rows" in reason for reason in field.evidence)


def test_a_number_is_doubtful_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "phonenumbers", None)
    assert doubtful(NATIONAL, E164, "phone").rule == "phone"


SPELLED = {
    "day": lambda d: d.date(),
    "slashed": lambda d: d.strftime("%d/%m/%Y"),
    "american": lambda d: d.strftime("%m/%d/%Y"),
    "bare": lambda d: f"{d.day}.{d.month}.{d.year}",
    "moment": lambda d: d,
    "seconds": lambda d: int(d.timestamp()),
    "milliseconds": lambda d: int(d.timestamp()) * 1000,
    "dotnet": lambda d: f"/Date({int(d.timestamp()) * 1000})/",
    "mail": lambda d: d.strftime("%a, %d %b %Y %H:%M:%S +0000"),
    "clock": lambda d: d.strftime("%Y-%m-%d %H:%M:%S"),
    "midnight": lambda d: d.strftime("%Y-%m-%dT00:00:00"),
}
WITHOUT_TIME = ["day", "slashed", "american", "bare", "midnight"]


@pytest.mark.parametrize("ours", SPELLED)
def test_days_and_moments_are_read_and_written(ours):
    for theirs in SPELLED if ours not in WITHOUT_TIME else WITHOUT_TIME:
        if theirs != ours:
            sure([SPELLED[ours](day) for day in DAYS], [SPELLED[theirs](day) for day in DAYS], "due_date")


def test_an_hour_is_not_invented():
    field = doubtful([SPELLED["slashed"](day) for day in DAYS], [SPELLED["moment"](day) for day in DAYS], "due_date")
    assert field.confidence < 0.8


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("  Ann  Lee{} ", "Ann Lee{}", ["squeeze"]),
        ("ann lee{} ", "Ann Lee{}", ["strip", "title"]),
        ("Ann Lee{}", "ANN LEE{}", ["upper"]),
        ("#10{}", "10{}", ["digits"]),
    ],
)
def test_case_blanks_and_signs(ours, theirs, expected):
    letters = [f"{n:02}" for n in range(24)]
    assert sure([ours.format(one) for one in letters], [theirs.format(one) for one in letters], "name")["apply"] == expected


def test_texts_that_only_look_alike_are_doubtful():
    field = doubtful([f"Ann Lee-{n}" for n in range(24)], [f"ANN_LEE {n}!" for n in range(24)], "name")
    assert field.confidence < 0.8
    assert any("perhaps only in form" in reason for reason in field.evidence)


def test_numbers_as_text_keep_their_zeros():
    assert sure([n + 7 for n in range(24)], [f"{n + 7:05}" for n in range(24)], "number") == {"from": "number", "to": "str", "width": 5}
    assert doubtful([f"{n + 7:05}" for n in range(24)], [str(n + 7) for n in range(24)], "number").confidence < 0.8


def test_minor_units_and_digits():
    assert "divide" in sure([1999 + 37 * n for n in range(24)], [Decimal(1999 + 37 * n) / 100 for n in range(24)], "total")
    rounded = sure([Decimal(n) + Decimal("1.4499") for n in range(24)], [Decimal(n) + Decimal("1.45") for n in range(24)], "total")
    assert rounded == {"from": "total", "to": "decimal", "scale": 2}


@pytest.mark.parametrize(("ours", "theirs"), [(24.81, 19.70), ("EUR", "USD"), (True, False), (4, 2)])
def test_a_constant_beside_another_constant_is_no_pair(ours, theirs):
    field = doubtful([ours] * 24, [theirs] * 24, "fee")
    assert field is None or (field.confidence < 0.8 and any("only 0% of 24 rows agree" in reason for reason in field.evidence))


def test_values_that_disagree_in_every_row_are_no_pair():
    field = doubtful([100 + n * n for n in range(24)], [9_000 - 13 * n for n in range(24)], "total")
    assert field is None or field.confidence < 0.8


def test_a_table_explains_values_that_disagree():
    ours = ["paid", "open", "void"] * 8
    assert sure(ours, [{"paid": 1, "open": 2, "void": 9}[one] for one in ours], "status") == {"from": "status", "lookup": "status"}


def test_values_in_common_without_rows_have_to_be_the_same_too():
    left = [{"code": f"AB-{n:03}-X"} for n in range(20)]
    right = [{"code": f"ab {n:03} x"} for n in reversed(range(20))]
    found = ik.Mapping.suggest(left, right)
    assert all(found.mapping()(record)["code"] in {one["code"] for one in right} for record in left) if found.fields else found.doubtful


def test_a_day_stays_a_day():
    assert sure([day.date() for day in DAYS], [day.date() for day in DAYS], "due") == "due"
    assert sure(["2024-03-05"] * 12 + ["2024-03-06"] * 12, [date(2024, 3, 5)] * 12 + [date(2024, 3, 6)] * 12, "due") == {"from": "due", "to": "date"}
