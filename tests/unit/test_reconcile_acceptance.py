"""How much may differ: limits by count and by share, of kinds, of fields, of control totals; and the verdict in sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import ConfigurationError, NotAccepted
from integrakit.model import Evidence
from integrakit.reconciliation import Accept, Diff, reconcile
from integrakit.reconciliation.findings import Sides

#: 100 keys: 7 differ in note, one of them in amount too; 2 are on the left only, 1 on the right only.
LEFT = [{"id": index, "amount": index, "note": "x"} for index in range(99)]
RIGHT = [{"id": index, "amount": index + (index == 5), "note": "y" if index < 9 else "x"} for index in range(2, 100)]


@pytest.fixture(name="diff", scope="module")
def _diff() -> Diff:
    return reconcile(LEFT, RIGHT, key="id", engine="dict")


def judged(diff: Diff, rule: Accept, **found: Any) -> tuple[bool, tuple[str, ...]]:
    verdict = Diff(evolve(diff._findings, accept=rule, **found)).verdict
    return verdict.accepted, verdict.reasons


def test_without_a_rule_no_break_is_accepted(diff: Diff) -> None:
    assert not diff.accepted
    assert diff.verdict.reasons == ("10 breaks; none is accepted",)
    assert diff.verdict.rule == ""
    same = reconcile(LEFT, LEFT, key="id")
    assert same.accepted
    assert same.verdict.reasons == ()


@pytest.mark.parametrize(
    ("rule", "accepted", "reasons"),
    [
        (Accept(), False, ("10 breaks; none is accepted",)),
        (Accept(breaks=9), False, ("10 breaks: more than the 9 accepted",)),
        (Accept(breaks=10), True, ("10 breaks; up to 10 are accepted",)),
        (Accept(breaks="9.99%"), False, ("10 breaks: more than the 9 accepted (9.99 % of 100 records)",)),
        (Accept(breaks="10%"), True, ("10 breaks; up to 10 % of 100 records are accepted, which is 10",)),
        (Accept(changed=7), False, ("3 other breaks; none is accepted",)),
        (Accept(changed="6.99%", breaks=3), False, ("7 records differ: more than the 6 accepted (6.99 % of 100 records)",)),
        (Accept(missing_left=0, breaks=100), False, ("1 record is on the right only; none is accepted",)),
        (
            Accept(changed=7, missing_right=2, missing_left=1),
            True,
            (
                "7 records differ; up to 7 are accepted",
                "2 records are on the left only; up to 2 are accepted",
                "1 record is on the right only; up to 1 are accepted",
            ),
        ),
        (Accept(fields={"note": None}, breaks=3), False, ("4 other breaks: more than the 3 accepted",)),
        (
            Accept(fields={"note": None}, breaks=4),
            True,
            ("4 other breaks; up to 4 are accepted", "7 records differ in note; any number is accepted"),
        ),
        (Accept(fields={"note": 6}, breaks=4), False, ("7 records differ in note: more than the 6 accepted",)),
        (Accept(fields={"nota": None}, breaks=99), False, ("the rule names the field nota, and no such field was compared",)),
        (
            Accept(totals={"amount": "300"}, breaks=10),
            True,
            ("10 breaks; up to 10 are accepted", "the control totals of amount are 99 apart; up to 300 is accepted"),
        ),
        (Accept(totals={"amount": "98.99"}, breaks=10), False, ("the control totals of amount are 99 apart: more than the 98.99 accepted",)),
        (Accept(totals={"amount": 0}, breaks=10), False, ("the control totals of amount are 99 apart; no difference is accepted",)),
        (Accept(totals={"amount": "1%"}, breaks=10), False, ("the control totals of amount are 99 apart: more than the 49.5 accepted (1 %)",)),
        (Accept(totals={"note": 1}, breaks=10), False, ("there is no control total of note: no field of numbers with that name was compared",)),
        (Accept(records=99, breaks=10), False, ("99 records on the left and 98 on the right; at least 99 on both are expected",)),
    ],
)
def test_limits(diff: Diff, rule: Accept, accepted: bool, reasons: tuple[str, ...]) -> None:
    assert judged(diff, rule) == (accepted, reasons)


def test_a_kind_with_a_limit_of_its_own_does_not_count_to_the_others(diff: Diff) -> None:
    assert judged(diff, Accept(breaks=3, changed=7))[0]
    assert judged(diff, Accept(breaks=2, changed=7)) == (False, ("3 other breaks: more than the 2 accepted",))


def test_repeated_keys_that_agree_are_no_breaks() -> None:
    rows = [{"id": 1, "v": 1}, {"id": 1, "v": 1}]
    assert judged(reconcile(rows, rows, key="id"), Accept(duplicates=0)) == (True, ())
    assert not judged(reconcile(rows, rows[:1], key="id"), Accept(duplicates=0, breaks=5))[0]


def test_nothing_compared_with_nothing_can_be_refused() -> None:
    nothing = reconcile([], [], key="id")
    assert judged(nothing, Accept(breaks="0.1%", totals={"amount": 0}))[0]
    assert not judged(nothing, Accept(records=1))[0]


def test_totals_of_many_digits_are_held_exactly() -> None:
    left = [{"id": 1, "v": 10**40}]
    diff = reconcile(left, [{"id": 1, "v": 10**40 + 1}], key="id")
    assert judged(diff, Accept(breaks=1, totals={"v": 1}))[0]
    assert not judged(diff, Accept(breaks=1, totals={"v": "0.99"}))[0]


def test_proof_of_completeness_can_be_asked_for(diff: Diff) -> None:
    rule = Accept(breaks=10, verified=True)
    proved = Evidence(complete=True)
    accepted, reasons = judged(diff, rule, evidence=Sides(proved, Evidence(complete=None, reasons=("the server says nothing",))))
    assert not accepted
    assert reasons == ("the right side cannot prove that it was read completely: the server says nothing",)
    assert judged(diff, rule, evidence=Sides(proved, proved))[0]
    moved = judged(diff, rule, evidence=Sides(proved, proved), unstable=("page 3 came twice",))
    assert moved == (False, ("something moved while it was read: page 3 came twice",))
    assert "says nothing about it" in judged(diff, rule, evidence=Sides(None, proved))[1][0]


def test_what_is_in_flight_can_be_limited(diff: Diff) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    flying = tuple(diff.breaks())[:3]
    assert judged(diff, Accept(breaks=10, in_flight=3), in_flight=flying)[0]
    assert judged(diff, Accept(breaks=10, in_flight=2), in_flight=flying) == (
        False,
        ("3 records are too new to be judged: more than the 2 accepted",),
    )
    rule = Accept(breaks=10, fresh=timedelta(minutes=10))
    assert judged(diff, rule, started=now, verified_through=now - timedelta(minutes=10))[0]
    assert not judged(diff, rule, started=now, verified_through=now - timedelta(minutes=11))[0]
    assert judged(diff, rule) == (False, ("nothing says until when changes have been judged: use settle=",))


def test_a_rule_reads_as_a_sentence() -> None:
    rule = Accept(breaks="0.1%", missing_right=0, fields={"note": None}, totals={"amount": "0.01"}, records=5, verified=True, in_flight=3, fresh=600)
    assert str(rule) == (
        "other breaks: at most 0.1 % of the records; records on the left only: none; records that differ in note: any number; "
        "control totals of amount: at most 0.01 apart; records on both sides: at least 5; both reads must prove that they are complete; "
        "records too new to be judged: at most 3; changes must be judged up to 0:10:00 before the comparison"
    )
    assert str(Accept()) == "breaks: none"


def test_rules_are_values() -> None:
    assert Accept(breaks=Decimal(5), totals={"a": "1%"}) == Accept(breaks="5", totals={"a": "1.0 %"})
    assert Accept(changed=0) != Accept()


def test_a_diff_can_be_judged_by_another_rule(diff: Diff) -> None:
    assert diff.judged_by(Accept(breaks=10)).accepted
    assert not diff.accepted
    assert diff.judged_by(Accept(fields={"note": None}, breaks=4)).accepted
    assert not diff.judged_by(Accept(fields={"note": None}, breaks=3)).accepted
    with pytest.raises(ConfigurationError, match="takes a rule"):
        diff.judged_by(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"breaks": -1},
        {"breaks": True},
        {"breaks": 0.5},
        {"breaks": "1.5"},
        {"breaks": "101%"},
        {"breaks": "many"},
        {"breaks": None},
        {"breaks": "NaN"},
        {"changed": "-1%"},
        {"fields": ["note"]},
        {"fields": {1: None}},
        {"fields": {"note": "x"}},
        {"totals": {"amount": None}},
        {"totals": {"amount": 0.01}},
        {"records": -1},
        {"records": True},
        {"verified": 1},
        {"fresh": -1},
        {"fresh": "10 minutes"},
    ],
)
def test_wrong_limits_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Accept"):
        Accept(**wrong)


def test_a_diff_is_judged_without_reading_its_breaks(diff: Diff) -> None:
    class Unread:
        def __len__(self) -> int:
            return 10

        def __iter__(self) -> Any:
            raise AssertionError("the breaks were read")

    assert judged(diff, Accept(breaks=10, totals={"amount": 99}), breaks=Unread())[0]
    with pytest.raises(AssertionError, match="were read"):
        judged(diff, Accept(breaks=10, fields={"note": None}), breaks=Unread())


def test_fields_in_many_combinations_are_still_counted_exactly() -> None:
    names = [f"f{index}" for index in range(11)]
    left = [{"id": index, **dict.fromkeys(names, 0)} for index in range(1, 2**11)]
    right = [{"id": row["id"], **{name: row["id"] >> place & 1 for place, name in enumerate(names)}} for row in left]
    diff = reconcile(left, right, key="id")
    assert diff.judged_by(Accept(fields=dict.fromkeys(names[:3]), breaks=2**11 - 8)).accepted
    assert not diff.judged_by(Accept(fields=dict.fromkeys(names[:3]), breaks=2**11 - 9)).accepted


def test_check_gives_the_diff_or_raises_with_the_verdict():
    same = reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": 1}], key="id")
    assert same.check() is same
    other = reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": 2}], key="id")
    with pytest.raises(NotAccepted, match="1 differ") as caught:
        other.check()
    assert caught.value.verdict == other.verdict
    borne = reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": 2}], key="id", accept=Accept(breaks=1))
    assert borne.check() is borne
