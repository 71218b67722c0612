"""RFC 9651, as far as quotas need it: lists and dictionaries of items. What is right is mostly the RFC's own examples."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integrakit.http.limiting.dialects.structured_fields import Item, Token, parse_dictionary, parse_list


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("   ", []),
        ("sugar, tea, rum", ["sugar", "tea", "rum"]),
        ("a , b,\tc", ["a", "b", "c"]),
        ('"foo", "it\'s \\"x\\" \\\\"', ["foo", 'it\'s "x" \\']),
        ("42, -5, 999999999999999, 0, -0, 007", [42, -5, 999999999999999, 0, 0, 7]),
        ("4.5, -0.125, 123456789012.123", [4.5, -0.125, 123456789012.123]),
        ("?1, ?0", [True, False]),
        ("*foo123/456:x", ["*foo123/456:x"]),
        (":cHJldGVuZA==:, :cHJldGVuZA:, ::", [b"pretend", b"pretend", b""]),
        ("@1659578233", [datetime(2022, 8, 4, 1, 57, 13, tzinfo=UTC)]),
        ('%"This is %c3%bc"', ["This is ü"]),
    ],
)
def test_values(text: str, values: list[Any]) -> None:
    items = parse_list(text)
    assert items is not None
    assert [item.value for item in items] == values
    assert [type(item.value) is bool for item in items] == [type(value) is bool for value in values]


def test_tokens_and_strings_are_told_apart() -> None:
    items = parse_list('a, "a"')
    assert items is not None
    assert [type(item.value) for item in items] == [Token, str]


def test_parameters() -> None:
    assert parse_list('abc;a=1;b=2; cde_456, "x";q;q=?0;a="y;z,";_') is None  # a key begins with a small letter or a star
    assert parse_list('abc;a=1;b=2; cde_456, "x";q;q=?0;a="y;z,";*k=t') == [
        Item("abc", {"a": 1, "b": 2, "cde_456": True}),
        Item("x", {"q": False, "a": "y;z,", "*k": "t"}),
    ]


def test_dictionaries() -> None:
    assert parse_dictionary('en="Applepie", da=:w4ZibGV0w6ZydGU=:') == {"en": Item("Applepie", {}), "da": Item("Æbletærte".encode(), {})}
    assert parse_dictionary("a=?0, b, c; foo=bar") == {"a": Item(False, {}), "b": Item(True, {}), "c": Item(True, {"foo": "bar"})}
    assert parse_dictionary("a=1,b=2;x=1;y=2,a=3") == {"a": Item(3, {}), "b": Item(2, {"x": 1, "y": 2})}
    assert parse_dictionary("") == {}


@pytest.mark.parametrize(
    "text",
    [
        ",",
        "a,",
        ",a",
        "a,,b",
        "a b",
        "a;",
        "a;=1",
        "a; ;b",
        "a ;b",
        "a;\tb",
        "a;B=1",
        "a;b =1",
        "a;b= 1",
        '"a',
        'a"',
        '"a\\x"',
        '"\x7f"',
        '"ü"',
        "ü",
        "٣",
        "1.",
        "1.1234",
        ".5",
        "+1",
        "--1",
        "1e5",
        "1000000000000000",
        "1234567890123.1",
        "?2",
        "?",
        ":a:",
        ":====:",
        ":a b:",
        "@1.5",
        "@999999999999999",
        '%"%C3"',
        '%"%ff"',
        '%"%c"',
        "(a b)",
        "\x00",
        "a\n",
        "a\r\nb",
        "\ta",
    ],
)
def test_one_wrong_character_and_there_is_no_field(text: str) -> None:
    assert parse_list(text) is None
    assert parse_dictionary(f"k={text}") is None


@pytest.mark.parametrize("text", ["A=1", "1=1", "a=", "=1", '"a"=1', "a=1 b=2"])
def test_what_is_no_dictionary(text: str) -> None:
    assert parse_dictionary(text) is None


def test_ten_kilobytes_are_nobodys_field() -> None:
    assert parse_list("a" * 10_000) is None
    assert parse_list("a" * 8_000) is not None


@pytest.mark.parametrize("part", ["a,", "a;", "a;b=1", '"', '"\\', "\\", ":", "%", '%"%c3', "1", "1.", "a ", "?1,", ";", " ", "a;b;", '"a" ', "@1,"])
def test_the_worst_text_comes_to_an_end(part: str) -> None:
    # A pattern that goes back over what it read, in all ways there are, would not come back from here.
    text = part * (8_000 // len(part))
    assert parse_list(text + "\x00") is None
    assert parse_list('"' + text + "\x00") is None
    assert parse_dictionary(text + "\x00") is None
    assert parse_dictionary("a=" + text + "\x00") is None
