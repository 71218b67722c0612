"""Dead letters: kept with everything needed to mend them, discarded with the reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from attrs import evolve

from integrakit.model import FieldError
from integrakit.state import MemoryStore
from integrakit.writing import DeadLetter, Letters, letter_id

LETTER = DeadLetter(
    id="a",
    input={"id": 1, "when": date(2026, 1, 1)},
    target={"total": Decimal("1.10")},
    key=("t", 1),
    stage="write",
    error="closed period",
    errors=(FieldError("lines[0].price", "no number", "str", "total"),),
    mapping="v1",
    request_id="r-7",
    at="2026-01-01T00:00:00+00:00",
    order=(3, 1),
)


def test_everything_comes_back() -> None:
    store = MemoryStore()
    letters = Letters(store, "s")
    store.commit(letters.put([LETTER, evolve(LETTER, id="b", stage="held")]))
    assert list(letters) == [LETTER, evolve(LETTER, id="b", stage="held")]
    assert [letter.id for letter in letters.of_stage("held")] == ["b"]
    assert letters.orders() == {"a": (3, 1), "b": (3, 1)}
    store.commit(letters.done(["a", "never"]))
    assert set(letters.orders()) == {"b"}
    assert DeadLetter.from_dict(LETTER.to_dict()) == LETTER


def test_discarded_letters_keep_the_reason() -> None:
    store = MemoryStore()
    letters = Letters(store, "s")
    store.commit(letters.put([LETTER]))
    store.commit(letters.discard([LETTER], "a test order"))
    assert list(letters) == []
    assert list(letters.discarded()) == [(LETTER, "a test order")]


def test_ids_are_by_value() -> None:
    assert letter_id({"a": 1, "b": 2}) == letter_id({"b": 2, "a": 1})
    assert letter_id(42) != letter_id("42")


def test_words() -> None:
    assert str(LETTER) == "record ('t', 1) (write): closed period"
    assert str(DeadLetter(id="x", input={"loan": 7}, error="bad")) == "letter x, {'loan': 7} (mapping): bad"
