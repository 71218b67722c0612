"""``to = "currency"``: the code of a currency of today."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all


@pytest.mark.parametrize(("value", "code"), [("EUR", "EUR"), (" eur ", "EUR"), ("Jpy", "JPY")])
def test_currency(value: str, code: str) -> None:
    assert convert(value, to="currency") == code


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("DEM", "is a currency that was withdrawn in 2002-03, EUR came after it"),
        ("EURO", "is not the code of a currency in ISO 4217"),
        ("€", "is not the code of a currency"),
        ("", "is not the code of a currency"),
        ("978", "numeric = true takes the numbers of ISO 4217 too"),
        (978, "numeric = true"),
        (True, "a bool is not the code"),
        (1000, "is not the code"),
        (-1, "is not the code"),
        ("ＥＵＲ", "is not the code"),
    ],
)
def test_not_a_currency(value: Any, reason: str) -> None:
    assert reason in refuse(value, to="currency")


def test_hostile() -> None:
    refuse_all(hostile(), to="currency")


def test_numbers_of_currencies() -> None:
    pytest.importorskip("pycountry")
    for value in ("978", 978, "EUR"):
        assert convert(value, to="currency", numeric=True) == "EUR"
    assert convert(8, to="currency", numeric=True) == "ALL"
    assert "is not the code of a currency" in refuse("000", to="currency", numeric=True)
    assert "is not the code of a currency" in refuse("٩٧٨", to="currency", numeric=True)
    assert "numeric is true or false" in mistake(to="currency", numeric="yes")
