"""Texts of 50 MB that differ in one character: compared, explained and reported in a time and a memory that grow with their length alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from integrakit.reconciliation import Field, reconcile
from integrakit.reconciliation.rules.causes import cause_of

LENGTH = 50_000_000
PLAIN = "Lorem ipsum dolor sit amet, 0123456789 äöü é. " * (LENGTH // 46)
ACCENTED = "e\u0301a\u0308 Ｌ" * (LENGTH // 18)


def seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    return work(), time.process_time() - start


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        (PLAIN + "a", PLAIN + "b", "value"),
        (PLAIN + "a", PLAIN + "A", "case"),
        (PLAIN + "é", PLAIN + "e\u0301", "unicode"),
        ("é" + PLAIN, "e\u0301" + PLAIN, "unicode"),
        (PLAIN + "x", PLAIN, "truncation"),
        (PLAIN + " ", PLAIN + "\t", "blanks"),
        ("a" + PLAIN + "a", "b" + PLAIN + "b", "value"),
        ("", PLAIN, "empty"),
        ("\u0301\u0327" * (LENGTH // 2), "\u0327\u0301" * (LENGTH // 2), "value"),
    ],
    ids=["last", "case", "form", "first form", "cut", "blank", "both ends", "empty", "marks"],
)
def test_the_cause_takes_seconds_at_most(left: str, right: str, cause: str) -> None:
    found, taken = seconds(lambda: cause_of(left, right))
    assert found == cause
    assert taken < 5


def test_a_break_of_long_texts_is_reported_in_a_few_lines() -> None:
    """Exactly one break, and a report that holds the beginning of both texts and not the whole of them."""
    left = [{"id": 1, "v": PLAIN + "é"}, {"id": 2, "v": PLAIN}]
    right = [{"id": 1, "v": PLAIN + "e\u0301"}, {"id": 2, "v": "".join(PLAIN)}]
    diff, taken = seconds(lambda: reconcile(left, right, key="id"))
    assert dict(diff.by_field["v"].causes) == {"unicode": 1}
    assert diff.summary["equal"] == 1
    text, writing = seconds(lambda: str(diff))
    assert len(text) < 10_000
    assert taken + writing < 10


@pytest.mark.parametrize("options", [{"unicode": "NFC"}, {"unicode": "NFKC", "ignore_case": True, "blanks": "remove"}], ids=["NFC", "all"])
def test_options_of_text_take_a_time_that_grows_with_the_length_alone(options: dict[str, Any]) -> None:
    def run(length: int) -> float:
        left, right = ACCENTED[:length] + "é", ACCENTED[:length] + "e\u0301"
        diff, taken = seconds(lambda: reconcile([{"id": 1, "v": left}], [{"id": 1, "v": right}], key="id", fields=[Field("v", **options)]))
        assert diff.matches
        return taken

    part = len(ACCENTED) // 60 * 6
    short, whole = run(part), run(part * 10)
    assert whole < 25 * short + 1


def test_marks_without_end_are_given_up_at_once() -> None:
    marks = "\u0301\u0327" * (LENGTH // 2)
    left, right = [{"id": 1, "v": "a" + marks}], [{"id": 1, "v": "b" + marks}]
    diff, taken = seconds(lambda: reconcile(left, right, key="id", fields=[Field("v", unicode="NFC")]))
    assert diff.summary["invalid"] == 1
    assert taken < 5
