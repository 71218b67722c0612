"""``to = "bool"``: the spellings of the wild, and one's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

OWN = {"to": "bool", "true_values": ["J", "ja", "X", -1], "false_values": ["", "N", 0]}


@pytest.mark.parametrize(
    "value",
    [
        True,
        1,
        1.0,
        Decimal(1),
        Decimal("1.00"),
        "true",
        "True",
        " YES ",
        "y",
        "t",
        "on",
        "1",
        "1.0",
        "ja",
        "Oui",
        "sí",
        "SI\u0301",
        "si",
        "WAHR",
        "VRAI",
        b"\x01",
    ],
)
def test_true(value: Any) -> None:
    assert convert(value, to="bool") is True


@pytest.mark.parametrize(
    "value", [False, 0, 0.0, -0.0, Decimal(0), "false", "FALSE", "no", "n", "f", "off", "0", "0.0", "Nein", "non", "não", "FALSCH", "FAUX", b"\x00"]
)
def test_false(value: Any) -> None:
    assert convert(value, to="bool") is False


@pytest.mark.parametrize("value", [2, -1, 0.5, "maybe", "2", "x", "j", "o", "10", Decimal("NaN"), Decimal("sNaN"), "true" * 9, b"\x02", b"1"])
def test_not_a_bool(value: Any) -> None:
    assert "true/false, yes/no" in refuse(value, to="bool")


def test_hostile() -> None:
    refuse_all(hostile(), to="bool")
    refuse_all(hostile(), **OWN)


def test_blank_is_neither() -> None:
    assert "blank, which may mean false or unknown" in refuse(" ", to="bool")
    assert convert(" ", apply=["blank_to_null"], to="bool") is None


@pytest.mark.parametrize(
    ("value", "meaning"), [("J", True), (" j ", True), ("x", True), (-1, True), (True, True), ("", False), ("  ", False), ("n", False), (0, False)]
)
def test_own_spellings(value: Any, meaning: bool) -> None:
    assert convert(value, **OWN) is meaning


@pytest.mark.parametrize("value", ["yes", "1", 1, "false", "jaa", 2, 0.0])
def test_own_spellings_stand_instead_of_the_known_ones(value: Any) -> None:
    assert "'J', 'ja', 'X', -1 are true, '', 'N', 0 are false" in refuse(value, **OWN)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"true_values": ["J"]}, "true_values needs false_values beside it"),
        ({"false_values": ["J"]}, "false_values needs true_values beside it"),
        ({"true_values": ["J"], "false_values": [" j "]}, "' j ' is in true_values and in false_values"),
        ({"true_values": "J", "false_values": ["N"]}, "true_values is a list of what means true, not 'J'"),
        ({"true_values": [], "false_values": ["N"]}, "not a list of 0"),
        ({"true_values": [True], "false_values": ["N"]}, "has true"),
        ({"true_values": [1.5], "false_values": ["N"]}, "has 1.5"),
        ({"true_values": ["J", "J"], "false_values": ["N"]}, "says the same twice"),
        ({"one_of": ["J"]}, "one_of has no meaning with to = 'bool'"),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(to="bool", **options)
