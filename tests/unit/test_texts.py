"""``to = "str"`` with options: length, width, pattern. Plain text is in test_mapping_conversions."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

from integrakit.transform.conversions.texts import cut


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        ("abc", {"max_length": 3}, "abc"),
        ("abcd", {"max_length": 3, "too_long": "cut"}, "abc"),
        ("", {"max_length": 3}, ""),
        ("abc", {"min_length": 3}, "abc"),
        ("42", {"width": 8}, "00000042"),
        (42, {"width": 8, "fill": "0"}, "00000042"),
        ("42", {"width": 4, "fill": " "}, "  42"),
        ("-5", {"width": 4, "fill": " "}, "  -5"),
        ("-5", {"width": 2}, "-5"),
        ("DE-1234", {"pattern": "[A-Z]{2}-\\d{4}"}, "DE-1234"),
        (7, {"width": 3, "pattern": "0.7"}, "007"),
        (0.1, {"float": "shortest", "max_length": 3}, "0.1"),
    ],
)
def test_options(value: Any, options: Any, text: str) -> None:
    assert convert(value, to="str", **options) == text


@pytest.mark.parametrize(
    ("value", "options", "reason"),
    [
        ("abcd", {"max_length": 3}, "'abcd' has 4 characters, and at most 3 are allowed: too_long = \"cut\" would cut it"),
        (1234, {"max_length": 3}, "'1234' has 4 characters"),
        ("ab", {"min_length": 3}, "'ab' has 2 characters, and at least 3 are needed"),
        ("abc", {"width": 2}, "'abc' has 3 characters, and the width is 2"),
        ("-5", {"width": 4}, "has a sign, and zeros would stand before it"),
        ("DE-12345", {"pattern": "[A-Z]{2}-\\d{4}"}, "'DE-12345' does not match the pattern '[A-Z]{2}-"),
        ("x" * 5000, {"pattern": "x*"}, "has 5000 characters, and a pattern is tried on 4096 at most"),
        (0.1, {"max_length": 3}, 'float = "shortest"'),
    ],
)
def test_refused(value: Any, options: Any, reason: str) -> None:
    assert reason in refuse(value, to="str", **options)


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"


@pytest.mark.parametrize(
    ("value", "most", "text"),
    [
        ("abc", 2, "ab"),
        ("ae\u0301x", 2, "a"),
        ("ae\u0301x", 3, "ae\u0301"),
        ("a" + FAMILY, 3, "a"),
        ("a" + FAMILY, 5, "a"),
        (FAMILY + "a", 5, FAMILY),
        ("x\U0001f44d\U0001f3fd", 2, "x"),
        ("a" + FLAGS, 2, "a"),
        (FLAGS, 3, FLAGS[:2]),
        ("a\ud83d\ude00", 2, "a"),
        ("a\r\nb", 2, "a"),
        ("\u0915\u093fa", 2, "\u0915\u093f"),
        ("x\u0915\u093f", 2, "x"),
    ],
)
def test_a_cut_is_never_inside_of_what_is_seen_as_one_character(value: str, most: int, text: str) -> None:
    assert cut(value, most) == text
    assert convert(value, to="str", max_length=most, too_long="cut") == text


def test_a_first_character_longer_than_the_limit_cannot_be_cut() -> None:
    assert "cannot be cut: its first character is longer than 3" in refuse("a" + "\u0301" * 9, to="str", max_length=3, too_long="cut")
    assert "cannot be cut" in refuse("a" + "\u0301" * 1_000_000, to="str", max_length=1000, too_long="cut")


def test_hostile() -> None:
    refuse_all(hostile(), to="str", pattern="[A-Z]+", max_length=20)
    refuse_all(hostile(), to="str", width=2, fill="0", pattern="[A-Z]+")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_length": 0}, "max_length is a number of characters, 1 to"),
        ({"max_length": "40"}, "not '40'"),
        ({"max_length": True}, "not true"),
        ({"too_long": "cut"}, "too_long belongs to max_length"),
        ({"max_length": 4, "too_long": "trim"}, 'too_long is "error" or "cut"'),
        ({"fill": "0"}, "fill belongs to width"),
        ({"width": 8, "fill": "00"}, "fill is the character that fills up at the left, of 1 character,"),
        ({"width": 10**9}, "width is a number of characters, 1 to 1000"),
        ({"width": 8, "max_length": 4}, "max_length = 4 is below width: no text fits"),
        ({"min_length": 8, "max_length": 4}, "max_length = 4 is below min_length: no text fits"),
        ({"pattern": "(a"}, "pattern '(a': a ( without its )"),
        ({"pattern": "(a*)*\\1"}, "back-references"),
        ({"pattern": "x" * 501}, "of 1 to 500 characters"),
        ({"pattern": ["x"]}, "not a list of 1"),
        ({"maxlength": 4}, "unknown option 'maxlength': did you mean 'max_length'?"),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(to="str", **options)


def test_the_text_of_a_cut_is_the_beginning_of_the_text() -> None:
    text = "Zoë\u0308 " + unicodedata.normalize("NFD", "Müllerö") + FAMILY
    for most in range(1, len(text)):
        assert text.startswith(cut(text, most))
