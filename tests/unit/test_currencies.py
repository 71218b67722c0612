"""The table of ISO 4217, and units of one's own."""

from __future__ import annotations

import pickle
from collections import Counter

import attrs
import pytest

from integrakit.errors import ConfigurationError
from integrakit.money import CURRENCIES, WITHDRAWN, Currency
from integrakit.money.currencies import currency_of


def test_the_table_is_that_of_the_standard():
    """Counted in List One and List Three as published on 2026-01-01: 178 current codes, and 129 that are historic only."""
    assert Counter(CURRENCIES.values()) == {2: 139, 0: 17, 3: 7, 4: 2, None: 13}
    assert len(WITHDRAWN) == 129
    assert not CURRENCIES.keys() & WITHDRAWN.keys()
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in (*CURRENCIES, *WITHDRAWN))


@pytest.mark.parametrize(
    ("code", "digits"),
    # Those that other tables often have wrong: CLDR says how many digits are in use, not how many there are.
    [
        ("EUR", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("CLF", 4),
        ("UYW", 4),
        ("HUF", 2),
        ("IDR", 2),
        ("LBP", 2),
        ("MGA", 2),
        ("MRU", 2),
        ("UGX", 0),
        ("ISK", 0),
        ("XAD", 2),
        ("XCG", 2),
        ("ZWG", 2),
        ("SLE", 2),
        ("VED", 2),
        ("XAU", None),
        ("XXX", None),
    ],
)
def test_digits(code, digits):
    assert Currency(code).digits == digits
    assert currency_of(code) == Currency(code)
    assert currency_of(code) is currency_of(code)


def test_what_was_withdrawn_leads_to_what_is_current():
    assert {gone.successor for gone in WITHDRAWN.values()} - {None} <= CURRENCIES.keys()
    assert (WITHDRAWN["BGN"].when, WITHDRAWN["BGN"].successor) == ("2026-01", "EUR")
    assert WITHDRAWN["ZWL"].successor == "ZWG"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("DEM", r'DEM was withdrawn from ISO 4217 in 2002-03, and EUR came after it\. For old records: Currency\("DEM", digits=2\)'),
        ("dem", "DEM was withdrawn"),
        ("SUR", r"in 1990-12\. For"),
        ("eur", "did you mean 'EUR'"),
        (" EUR", "did you mean 'EUR'"),
        ("€", r"did you mean 'EUR'\?$"),
        ("EUT", "did you mean"),
        ("QQQ", r"no currency code of ISO 4217\. A unit of your own is Currency\('QQQ', digits=2\)"),
        ("", r"'' is no currency code of ISO 4217\.$"),
        ("x" * 10_000, "…"),
        (978, 'such as "EUR", or a Currency, not 978'),
        (None, "not None"),
        (["EUR"], "not a list"),
    ],
)
def test_what_is_no_code_is_refused(code, words):
    for make in (Currency, currency_of):
        with pytest.raises(ConfigurationError, match=words) as caught:
            make(code)
        assert len(str(caught.value)) < 300


def test_a_unit_of_ones_own():
    points = Currency("POINTS", digits=0)
    assert (points.code, points.digits, str(points), repr(points)) == ("POINTS", 0, "POINTS", "Currency('POINTS', digits=0)")
    assert repr(Currency("EUR")) == "Currency('EUR')"
    assert Currency("EUR", digits=2) == Currency("EUR")
    assert Currency("DEM", digits=2).digits == 2
    assert Currency("XAU", digits=3) != Currency("XAU")
    assert currency_of(points) is points
    assert pickle.loads(pickle.dumps(points)) == points
    assert len({points, Currency("POINTS", digits=0), Currency("POINTS", digits=1)}) == 2
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        points.digits = 2


@pytest.mark.parametrize(
    ("code", "digits", "words"),
    [
        ("EUR", 4, "EUR has 2 digits in ISO 4217, not 4"),
        ("BTC", -1, "0 to 30, not -1"),
        ("BTC", 31, "0 to 30"),
        ("BTC", True, "not True"),
        ("BTC", 8.0, "not 8.0"),
        ("a b", 2, "letters, digits, dots and dashes"),
        ("", 2, "letters"),
        ("x" * 21, 2, "1 to 20"),
        ("x\n", 2, "letters"),
        ("é", 2, "letters"),
        (None, 2, "not None"),
    ],
)
def test_a_unit_that_cannot_be_is_refused(code, digits, words):
    with pytest.raises(ConfigurationError, match=words):
        Currency(code, digits=digits)


def test_what_was_kept_comes_back_whatever_the_list_says_today():
    assert Currency.kept("EUR", 2) is currency_of("EUR")
    assert Currency.kept("EUR", 3).digits == 3
    assert Currency.kept("OLD", None).unit is None
