"""Lines rounded per line or per document, and where the difference between the two goes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from integrakit.errors import ConfigurationError
from integrakit.money import Currency, Money, total


def euros(*amounts: str) -> list[Money]:
    return [Money(amount, "EUR") for amount in amounts]


def written(lines: tuple[Money, ...]) -> str:
    return " ".join(f"{line.amount:f}" for line in lines)


THIRDS = euros("0.335", "0.335", "0.335")


def test_per_line_and_per_document_name_the_same_residue():
    by_line, by_document = total(THIRDS, "line"), total(THIRDS, "document")
    assert (str(by_line.total), str(by_document.total)) == ("1.02 EUR", "1.00 EUR")
    assert by_line.lines == by_document.lines == tuple(euros("0.34", "0.34", "0.34"))
    assert by_line.residue == by_document.residue == Money("-0.02", "EUR")
    assert by_line.exact == by_document.exact == tuple(THIRDS)
    assert (by_document.per, by_document.rounding, by_document.digits) == ("document", "half-even", 2)
    assert sum(by_line.lines) == by_line.total
    assert sum(by_document.lines) + by_document.residue == by_document.total


def test_the_rounding_is_the_one_that_was_asked_for():
    lines = euros("0.125", "0.125")
    assert str(total(lines, "line").total) == "0.24 EUR"
    assert str(total(lines, "line", "half-up").total) == "0.26 EUR"
    assert str(total(lines, "document", rounding="half-up").total) == "0.25 EUR"
    assert str(total(lines, "document", digits=1).total) == "0.20 EUR"
    assert total(lines, "document", digits=1).digits == 1
    assert str(total([Money("0.5", "JPY")] * 3, "document").total) == "2 JPY"


@pytest.mark.parametrize(
    ("lines", "rounding", "spread", "last"),
    [
        (THIRDS, "half-even", "0.33 0.33 0.34", "0.34 0.34 0.32"),
        (euros("0.334", "0.334", "0.334"), "half-even", "0.34 0.33 0.33", "0.33 0.33 0.34"),
        # The line that lost most, not the first one.
        (euros("0.331", "0.333", "0.332"), "half-even", "0.33 0.34 0.33", "0.33 0.33 0.34"),
        (euros("-0.334", "-0.334", "-0.334"), "half-even", "-0.34 -0.33 -0.33", "-0.33 -0.33 -0.34"),
        (euros("0.1", "0.2"), "half-even", "0.10 0.20", "0.10 0.20"),
        (euros("0.009", "0.009", "0.009"), "down", "0.01 0.01 0.00", "0.00 0.00 0.02"),
        (euros("0.001", "-0.009"), "up", "0.00 -0.01", "0.01 -0.02"),
    ],
)
def test_the_residue_goes_where_it_is_sent(lines, rounding, spread, last):
    found = total(lines, "document", rounding)
    assert written(found.spread()) == spread
    assert written(found.on_line(-1)) == last
    assert found.on_line(len(lines) - 1) == found.on_line(-1)
    for placed in (found.spread(), found.on_line(0), found.as_line()):
        assert sum(placed) == found.total


def test_a_line_of_its_own_only_where_there_is_a_residue():
    assert written(total(THIRDS, "document").as_line()) == "0.34 0.34 0.34 -0.02"
    assert written(total(euros("0.1", "0.2"), "document").as_line()) == "0.10 0.20"


def test_a_document_without_lines_has_the_currency_it_is_told():
    found = total([], "document", currency="JPY")
    assert (found.total, found.lines, found.residue, found.spread(), found.as_line()) == (Money(0, "JPY"), (), Money(0, "JPY"), (), ())
    with pytest.raises(ConfigurationError, match="no lines has no currency"):
        total([], "line")
    with pytest.raises(ConfigurationError, match="there is no line 0: there are 0"):
        found.on_line(0)


def test_units_of_ones_own_and_units_without_digits():
    points = Currency("POINTS", digits=0)
    assert total([Money("0.4", points), Money("0.4", points)], "document").spread() == (Money(1, points), Money(0, points))
    assert total([Money("0.04", "XAU")] * 2, "document", digits=1).spread() == (Money("0.1", "XAU"), Money(0, "XAU"))
    with pytest.raises(ConfigurationError, match="no smallest unit"):
        total([Money(1, "XAU")], "document")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: total(THIRDS, "row"), '"line" or "document", not \'row\''),
        (lambda: total(THIRDS, None), "not None"),
        (lambda: total(THIRDS, "line", "half"), "unknown rounding 'half'"),
        (lambda: total([*THIRDS, Money(1, "USD")], "line"), "different currencies"),
        (lambda: total(THIRDS, "line", currency="USD"), "different currencies"),
        (lambda: total([Money(1, "EUR"), Decimal(1)], "line"), "line 1 of a total is Money, not 1"),
        (lambda: total([0.5], "line"), "line 0 of a total is Money, not 0.5"),
        (lambda: total(5, "line"), "a list of Money, not 5"),
        (lambda: total("12", "line"), "line 0 of a total is Money, not '1'"),
        (lambda: total(THIRDS, "line", digits=1.5), "whole number"),
        (lambda: total(THIRDS, "document").on_line(3), "there is no line 3: there are 3"),
        (lambda: total(THIRDS, "document").on_line(True), "no line True"),
        (lambda: total(THIRDS, "line").spread(), "add up to their total already"),
        (lambda: total(THIRDS, "line").on_line(0), 'ask for per="document"'),
        (lambda: total(THIRDS, "line").as_line(), "already"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()
