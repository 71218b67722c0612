"""Sharing out bare numbers by the largest remainder."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from integrakit.errors import ConfigurationError
from integrakit.money import allocate


@pytest.mark.parametrize(
    ("total", "weights", "scale", "expected"),
    [
        ("100", [1, 1, 1], 2, "33.34 33.33 33.33"),
        ("-100", [1, 1, 1], 2, "-33.34 -33.33 -33.33"),
        ("0.05", [1, 1, 1, 1], 2, "0.02 0.01 0.01 0.01"),
        # The largest remainder, not the largest weight, and not the last.
        ("10", [Decimal("1.5"), 3, "4.5"], 0, "2 3 5"),
        ("10", [3, 3, 4, 0], 0, "3 3 4 0"),
        ("1", [0, 0, 5], 2, "0.00 0.00 1.00"),
        ("0", [1, 2], 2, "0.00 0.00"),
        ("7", [1], 0, "7"),
        ("0.1", ["1E+5", "1E-5"], 1, "0.1 0.0"),
        ("1E+3", [1, 1], 0, "500 500"),
        # The example by which the method is usually taught: 10 seats for 100,000 votes.
        ("10", [47_000, 16_000, 15_900, 12_000, 6_000, 3_100], 0, "5 2 1 1 1 0"),
    ],
)
def test_parts(total, weights, scale, expected):
    parts = allocate(total, weights, scale)
    assert [f"{part:f}" for part in parts] == expected.split()
    assert sum(parts) == Decimal(total)


def test_scale_is_two_unless_said():
    assert allocate(1, [1, 1, 1]) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((Decimal("0.001"), [1]), "0.001 has more than 2 digits"),
        ((0.5, [1]), "the total to allocate is never a float"),
        ((Decimal("NaN"), [1]), "finite"),
        ((1, []), "there are no weights"),
        ((1, [0, Decimal("0.0")]), "all weights are zero"),
        ((1, [1, Decimal("-0.5")]), r"weight 1 is -0\.5"),
        ((1, [None]), "weight 0"),
        ((1, [True]), "weight 0"),
        ((1, [1, 0.5]), "weight 1 is never a float"),
        ((1, [Decimal("Infinity")]), "finite"),
        ((1, [Decimal("1E+5000")]), "more than 200 digits"),
        ((1, [Decimal("1." + "1" * 5000)]), "more than 200 digits"),
        ((1, "11"), "a list of numbers"),
        ((1, None), "a list of numbers"),
        ((1, [1], -1), "scale"),
        ((1, [1], 2.0), "scale"),
        ((1, [1], True), "scale"),
        ((1, [1], 10**9), "scale"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        allocate(*arguments)


def test_many_parts_of_a_huge_whole_add_up():
    whole = "9" * 190
    parts = allocate(whole, [*range(20_000), whole], 9)
    with localcontext(prec=500):
        assert sum(parts) == Decimal(whole)
