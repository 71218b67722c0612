"""``to = "phone"``: numbers that exist in some numbering plan, in the form the target wants."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

pytest.importorskip("phonenumbers")


@pytest.mark.parametrize(
    ("value", "options", "result"),
    [
        ("+49 30 123456", {}, "+4930123456"),
        ("tel:+49-30-123456", {}, "+4930123456"),
        ("+49 (0)30 123456", {}, "+4930123456"),
        ("030/123456", {"region": "DE"}, "+4930123456"),
        ("0049 30 123456", {"region": "DE"}, "+4930123456"),
        ("+1 650 253 0000", {"region": "DE"}, "+16502530000"),
        ("(650) 253-0000", {"region": "US", "write": "INTERNATIONAL"}, "+1 650-253-0000"),
        ("+16502530000", {"write": "NATIONAL"}, "(650) 253-0000"),
        ("650 253 0000 x 5", {"region": "US", "write": "RFC3966"}, "tel:+1-650-253-0000;ext=5"),
        ("+39 06 1234567", {}, "+39061234567"),
        ("+800 1234 5678", {}, "+80012345678"),
    ],
)
def test_phone(value: str, options: Any, result: str) -> None:
    assert convert(value, to="phone", **options) == result


@pytest.mark.parametrize(
    ("value", "options", "reason"),
    [
        ("030 123456", {}, 'does not begin with + and a country: say region = "DE"'),
        ("12", {"region": "DE"}, "is not a valid phone number"),
        ("+49 1", {}, "is not a"),
        ("+1 650 253 000", {}, "too short for US"),
        ("+1 650 253 00000", {}, "too long for US"),
        ("+999 123456", {}, "is not a phone number: "),
        ("call 030 123456", {"region": "DE"}, "is not a phone number alone"),
        ("030 123456, 0170 1234567", {"region": "DE"}, "is not a phone number alone"),
        ("1-800-FLOWERS", {"region": "US"}, "is not a phone number alone"),
        ("030 123456 x 5", {"region": "DE"}, "has an extension, which E164 cannot hold"),
        ("", {"region": "DE"}, "is not a phone number alone"),
        ("+", {"region": "DE"}, "is not a phone number"),
        ("()", {"region": "DE"}, "is not a phone number"),
        (4930123456, {"region": "DE"}, "an int is not a phone number: text is wanted, since numbers lose zeros"),
    ],
)
def test_not_a_phone(value: Any, options: Any, reason: str) -> None:
    assert reason in refuse(value, to="phone", **options)


def test_hostile() -> None:
    refuse_all(hostile(), to="phone", region="DE")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"region": "de"}, "region is the code of a country such as DE, not 'de': did you mean 'DE'?"),
        ({"region": "XX"}, "region is the code of a country such as DE, not 'XX'"),
        ({"region": "DEU"}, "of 2 characters"),
        ({"write": "e164"}, 'write is "E164", "INTERNATIONAL", "NATIONAL" or "RFC3966", not \'e164\''),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(to="phone", **options)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert 'to = "phone" needs phonenumbers: pip install "integrakit[phone]"' in mistake(to="phone")
