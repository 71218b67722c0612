"""The functions that ``apply`` knows without being told."""

from __future__ import annotations

import time
import unicodedata
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.converting import convert, mistake, refuse

from integrakit.transform.cleaning import _INVISIBLE, BUILT_IN, METHODS, built_in
from integrakit.transform.misfit import Misfit


@pytest.mark.parametrize(
    ("names", "value", "text"),
    [
        (["strip"], " a ", "a"),
        (["lstrip"], " a ", "a "),
        (["rstrip"], " a ", " a"),
        (["lower"], "ÄB", "äb"),
        (["upper"], "straße", "STRASSE"),
        (["casefold"], "Straße", "strasse"),
        (["title"], "ann lee", "Ann Lee"),
        (["nfc"], "e\u0301", "é"),
        (["nfd"], "é", "e\u0301"),
        (["nfkc"], "ﬁ①", "fi1"),
        (["nfkd"], "é½", "e\u03011\u20442"),
        (["squeeze"], "\u00a0 a \t\n\u2003b\u202fc ", "a b c"),
        (["digits"], "+49 (30) 12-34", "49301234"),
        (["digits"], "äöü", ""),
        (["ascii"], "Crème Brûlée ﬁ²", "Creme Brulee fi2"),
        (["ascii"], "plain", "plain"),
        (["remove_invisible"], "\ufeffa\u200bb\u00adc\x00d\u200ee\tf\ud800", "abcde\tf"),
        (["strip", "squeeze", "upper"], "  a  b ", "A B"),
        (["squeeze", "blank_to_null"], " a ", "a"),
    ],
)
def test_functions(names: list[str], value: str, text: str) -> None:
    assert convert(value, apply=names) == text


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ascii", "Łódź", "has 'Ł', which is no ASCII letter with an accent"),
        ("ascii", "½", "has '⁄'"),
        ("digits", "٣", "has the digit '٣', which is not one of 0 to 9"),
        ("digits", "x²", "has the digit '²'"),
        *((name, 5, f"5 is an int, and {name} works on text") for name in BUILT_IN if not name.endswith("_to_null")),
    ],
)
def test_refused(name: str, value: Any, reason: str) -> None:
    assert reason in refuse(value, apply=[name])


@pytest.mark.parametrize(
    ("name", "value"), [("blank_to_null", ""), ("blank_to_null", " \u00a0"), ("nan_to_null", float("nan")), ("nan_to_null", Decimal("sNaN"))]
)
def test_to_null(name: str, value: Any) -> None:
    assert convert(value, apply=[name]) is None
    assert convert(value, apply=[name], to="int", default=7, nullable=False) == 7


@pytest.mark.parametrize(
    ("name", "value"), [("blank_to_null", 0), ("blank_to_null", "x"), ("nan_to_null", 1.5), ("nan_to_null", "nan"), ("nan_to_null", Decimal(1))]
)
def test_not_to_null(name: str, value: Any) -> None:
    assert convert(value, apply=[name]) == value


def test_what_cannot_be_seen_is_what_unicode_calls_so() -> None:
    kept = {"\t", "\n", "\r"}
    known = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) in ("Cc", "Cf")] + ["\ufeff", "\U000e0041", "\ud800", "\udfff"]
    assert [character for character in known if not _INVISIBLE.fullmatch(character)] == sorted(kept)
    seen = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code))[0] in "LMNPSZ"]
    assert [character for character in seen if _INVISIBLE.fullmatch(character)] == []


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("value", ["x \u200b" * 300_000, "\u0301\u0316" * 100_000, "\ufdfa" * 10_000], ids=["long", "combining", "growing"])
def test_hostile_texts_are_quick(name: str, value: str) -> None:
    start = time.process_time()
    with suppress(Misfit):
        built_in(name)(value)
    assert time.process_time() - start < 1


def test_mistakes() -> None:
    assert "unknown function 'nfck': did you mean 'nfkc'?" in mistake(apply=["nfck"])
    assert set(METHODS) < set(BUILT_IN)
