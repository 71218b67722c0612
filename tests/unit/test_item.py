"""Items and what becomes of them: values only."""

from __future__ import annotations

import pytest
from attrs import evolve

from integrakit.model import Change, Outcome
from integrakit.writing import Item, Tally, idempotency_key, item_of
from integrakit.writing.item import intent_of, letter_of, written_of

ITEM = Item(
    change=Change.update(1, {"v": 2}, whole={"v": 2, "w": 3}, remote_key=9),
    id="1",
    fingerprint="f",
    count=2,
    source={"s": 1},
    letter="l",
    order=(5, 6),
)


def test_there_and_back() -> None:
    assert Item.from_dict(ITEM.to_dict()) == ITEM
    assert item_of(intent_of(ITEM, "now")) == ITEM
    assert item_of(intent_of(ITEM, "now"), doubtful=True) == evolve(ITEM, doubtful=True)


def test_what_is_remembered() -> None:
    written = written_of(ITEM, Outcome.applied(1), "now")
    assert (written.record, written.remote_key, written.count, written.order) == ({"v": 2, "w": 3}, 9, 3, (5, 6))
    assert written_of(ITEM, Outcome.applied(1, remote_key=0), "now").remote_key == 0


def test_a_letter_without_an_id_of_the_source_has_the_records() -> None:
    letter = letter_of(evolve(ITEM, letter=""), Outcome("rejected", 1), "m", "now")
    assert letter.id
    assert letter.error == "the sink rejected it"


def test_each_write_of_each_run_has_a_key_of_its_own() -> None:
    keys = [
        idempotency_key(name, id, count, digest, run)
        for name in ("a", "ab")
        for id in ("1", "b1")
        for count in (0, 1)
        for digest in ("f", "g\ud800")
        for run in (1, 2)
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == idempotency_key("a", "1", 0, "f", 1)


@pytest.mark.parametrize(
    ("change", "status", "counted"),
    [
        (Change.delete(1), "applied", {"deleted": 1}),
        (Change.upsert(1, {}), "applied", {"written": 1, "created": 1}),
        (Change.update(1, {}), "applied", {"written": 1, "updated": 1}),
        (Change.delete(1), "unchanged", {"unchanged": 1}),
        (Change.create(1, {}), "rejected", {"rejected": 1}),
        (Change.create(1, {}), "failed", {"failed": 1}),
        (Change.create(1, {}), "unknown", {"unknown": 1}),
    ],
)
def test_counting(change: Change, status: str, counted: dict[str, int]) -> None:
    tally = Tally()
    tally.note(change, Outcome(status, 1))  # type: ignore[arg-type]
    assert tally == Tally(**counted)
