"""``to = "enum"``: one of the values that the target knows."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Any

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all


class Status(StrEnum):
    OPEN = "open"


@pytest.mark.parametrize(
    ("value", "options", "result"),
    [
        ("open", {"one_of": ["open", "paid"]}, "open"),
        (Status.OPEN, {"one_of": ["open", "paid"]}, "open"),
        ("PAID", {"one_of": ["Open", "Paid"], "ignore_case": True}, "Paid"),
        ("STRASSE", {"one_of": ["straße"], "ignore_case": True}, "straße"),
        ("straße", {"one_of": ["STRASSE"], "ignore_case": True}, "STRASSE"),
        (2, {"one_of": [1, 2]}, 2),
        ("", {"one_of": ["", "x"]}, ""),
    ],
)
def test_enum(value: Any, options: Any, result: Any) -> None:
    found = convert(value, to="enum", **options)
    assert (type(found), found) == (type(result), result)


@pytest.mark.parametrize("value", ["Open", " open", "opened", "", 1, 1.0, True])
def test_not_one_of_them(value: Any) -> None:
    assert "is not one of 'open', 'paid'" in refuse(value, to="enum", one_of=["open", "paid"])


def test_hostile() -> None:
    refuse_all(hostile(), to="enum", one_of=["open", 1])
    refuse_all(hostile(), to="enum", one_of=["open", 1], ignore_case=True)


def test_reasons() -> None:
    assert refuse("opne", to="enum", one_of=["open", "paid"]) == "'opne' is not one of 'open', 'paid': did you mean 'open'?"
    assert refuse("Paid", to="enum", one_of=["open", "paid"]).endswith("did you mean 'paid'?")
    assert refuse("zzz", to="enum", one_of=[1, "a"]) == "'zzz' is not one of 1, 'a'"
    assert refuse(True, to="enum", one_of=[1]) == "true is not one of 1"
    assert refuse("x", to="enum", one_of=[str(number) for number in range(99)]).count(", ") == 12


def test_many_values_and_long_texts_are_quick() -> None:
    values = [f"value {number}" for number in range(10_000)]
    start = time.process_time()
    assert refuse("valeu 77", to="enum", one_of=values)
    assert refuse("value" * 1_000_000, to="enum", one_of=values, ignore_case=True)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, 'to = "enum" needs one_of'),
        ({"one_of": []}, "one_of is a list of what is right"),
        ({"one_of": "open"}, "not 'open'"),
        ({"one_of": ["a", "a"]}, "the same twice"),
        ({"one_of": ["a", "A"], "ignore_case": True}, "'a' and 'A' differ in capitals only"),
        ({"one_of": ["a", None]}, "has null"),
        ({"one_of": ["a"], "ignore_case": "yes"}, "ignore_case is true or false, not 'yes'"),
    ],
)
def test_mistakes(options: Any, reason: str) -> None:
    assert reason in mistake(to="enum", **options)
