"""Numbers as people write them: marks where the mapping says so, and nowhere else."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

GERMAN = {"decimal_mark": ",", "group_mark": "."}
FRENCH = {"decimal_mark": ",", "group_mark": " "}
ENGLISH = {"group_mark": ","}
SWISS = {"group_mark": "'"}


@pytest.mark.parametrize(
    ("value", "options", "number"),
    [
        ("1.234,56", GERMAN, "1234.56"),
        (" -1.234.567,8 ", GERMAN, "-1234567.8"),
        ("1234,56", GERMAN, "1234.56"),
        ("1.234", GERMAN, "1234"),
        ("0,10", GERMAN, "0.10"),
        (",5", GERMAN, "0.5"),
        ("+7", GERMAN, "7"),
        ("\u22127", GERMAN, "-7"),
        ("1 234,56", FRENCH, "1234.56"),
        ("1\u00a0234\u00a0567,8", FRENCH, "1234567.8"),
        ("1\u202f234,56", FRENCH, "1234.56"),
        ("1,234.56", ENGLISH, "1234.56"),
        ("999", ENGLISH, "999"),
        ("1'234.56", SWISS, "1234.56"),
        ("1\u2019234.56", SWISS, "1234.56"),
        ("12,5", {"decimal_mark": ","}, "12.5"),
        ("(12.30)", {"negative": "parentheses"}, "-12.30"),
        ("12.30", {"negative": "parentheses"}, "12.30"),
        ("-12.30", {"negative": "parentheses"}, "-12.30"),
        ("12.30-", {"negative": "trailing"}, "-12.30"),
        ("(1.234,50)", {**GERMAN, "negative": ["parentheses", "trailing"]}, "-1234.50"),
        ("1.234,50-", {**GERMAN, "negative": ["parentheses", "trailing"]}, "-1234.50"),
        ("12.5%", {"percent": "fraction"}, "0.125"),
        ("19 %", {"percent": "fraction"}, "0.19"),
        ("-19\u00a0%", {"percent": "number"}, "-19"),
        ("(5 %)", {"percent": "number", "negative": "parentheses"}, "-5"),
        (5, GERMAN, "5"),
        (Decimal("1.5"), GERMAN, "1.5"),
    ],
)
def test_marked(value: Any, options: Any, number: str) -> None:
    with localcontext(prec=2):  # the caller's context has no say
        assert str(convert(value, to="decimal", **options)) == number


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("1.23", GERMAN),
        ("12.34,5", GERMAN),
        ("1234.567", GERMAN),
        ("1.2345", GERMAN),
        (".123", GERMAN),
        ("1..234", GERMAN),
        ("1,234,567", GERMAN),
        ("1,", GERMAN),
        ("1.234,56.7", GERMAN),
        ("1e3", GERMAN),
        ("1 234", GERMAN),
        ("١٢", GERMAN),
        ("1\u00a0234 567", FRENCH),
        ("1.5", FRENCH),
        ("1'234\u2019567", SWISS),
        ("12,34,567", ENGLISH),
        ("1,5", {"negative": "trailing"}),
        ("(12", {"negative": "parentheses"}),
        ("12)", {"negative": "parentheses"}),
        ("(-12)", {"negative": "parentheses"}),
        ("-12-", {"negative": "trailing"}),
        ("12-", {"negative": "parentheses"}),
        ("(12)", {"negative": "trailing"}),
        ("19", {"percent": "fraction"}),
        ("%", {"percent": "fraction"}),
        ("19%%", {"percent": "fraction"}),
        ("", GERMAN),
        ("-", GERMAN),
        (",", GERMAN),
        ("()", {"negative": "parentheses"}),
        ("€5", GERMAN),
        (True, GERMAN),
    ],
)
def test_refused(value: Any, options: Any) -> None:
    assert refuse(value, to="decimal", **options)


@pytest.mark.parametrize("to", ["int", "float", "decimal"])
def test_hostile(to: str) -> None:
    # An int is itself, however long; only a float cannot hold it.
    values = [value for value in hostile() if to == "float" or not isinstance(value, int)]
    refuse_all(values, to=to)
    refuse_all(values, to=to, **GERMAN, negative=["parentheses", "trailing"])


def test_the_reason_says_what_is_right() -> None:
    assert refuse("1.23", to="decimal", **GERMAN) == (
        "'1.23' is not a number with decimal mark ',' and group mark '.' between groups of three digits"
    )
    assert "no group mark" in refuse("1.234,5", to="decimal", decimal_mark=",")
    assert "negative also (1) and 1-" in refuse("x", to="int", negative=["parentheses", "trailing"])


def test_marks_that_are_not_named_are_told() -> None:
    for value in ("1,234", "12 %", "(5)", "1'000"):
        assert "marks have to be named" in refuse(value, to="decimal")
    assert refuse("x", to="decimal") == "'x' is not a number"


def test_other_types_and_scale() -> None:
    assert convert("1.234", to="int", **GERMAN) == 1234
    assert "is not a whole number" in refuse("1.234,5", to="int", **GERMAN)
    assert convert("1.234,50", to="float", **GERMAN) == 1234.5
    assert str(convert("1.234,505", to="decimal", scale=2, rounding="half-up", **GERMAN)) == "1234.51"
    assert convert("200 %", to="int", percent="fraction") == 2
    assert convert(7, to="int", **GERMAN) == 7


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"decimal_mark": ",", "group_mark": ","}, "have to differ"),
        ({"group_mark": "."}, "decimal_mark and group_mark are both '.': they have to differ (decimal_mark is '.' unless said)"),
        ({"decimal_mark": ";"}, 'decimal_mark is "." or ",", not \';\''),
        ({"group_mark": ""}, "group_mark is"),
        ({"negative": "brackets"}, "negative: unknown 'brackets': known are parentheses, trailing"),
        ({"negative": []}, "negative is how a negative number may be written besides -1"),
        ({"negative": ["trailing", "trailing"]}, "the same twice"),
        ({"percent": True}, 'percent is "fraction" or "number", not true'),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(to="decimal", **options)
    assert reason in mistake(to="int", **options)
