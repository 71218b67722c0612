"""`anti_join`: which of the keys one knows are alive no more."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import attrs
import pytest

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead, StoreError
from integrakit.model import Checkpoint, Evidence, Page, Tombstone
from integrakit.reading import AntiJoin, aanti_join, anti_join
from integrakit.reading.key_table import KeyTable


class Source:
    key: Any = "id"

    def __init__(self, *records: Any, complete: bool | None = True) -> None:
        self.records, self.complete = records, complete
        self.evidence = Evidence()

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.evidence = Evidence(reasons=("under way",))
        yield Page(list(self.records))
        self.evidence = Evidence(complete=self.complete)


def joined(known: Any, alive: Any, **options: Any) -> AntiJoin:
    return anti_join(known, alive, **options)


def test_what_is_known_and_not_alive_is_gone(world: Any) -> None:
    async def main() -> None:
        with await aanti_join([3, 1, 2, 5], Source({"id": 2}, {"id": 3}, {"id": 4}, Tombstone(1))) as found:
            assert sorted(found) == [1, 5]
            assert list(found.new_keys()) == [4]
            assert (found.known, found.alive, found.gone, found.new) == (4, 3, 2, 1)
            assert found.evidence.complete is True
            assert str(found).startswith("4 known, 3 alive: 2 gone, 1 new; the read is complete")
            assert list(found) == list(found), "it can be walked more than once"

    world(main)


@pytest.mark.parametrize("complete", [False, None])
def test_without_proof_nothing_is_told(complete: bool | None, world: Any) -> None:
    async def main() -> None:
        with pytest.raises(IncompleteRead, match="which keys are gone cannot be told: the read of the alive side"):
            await aanti_join([1], Source({"id": 2}, complete=complete))

    world(main)


def test_the_known_side_needs_no_proof_but_must_not_be_known_to_be_short() -> None:
    assert list(joined(Source({"id": 1}, complete=None), [2])) == [1]
    with pytest.raises(IncompleteRead, match="known side"):
        joined(Source({"id": 1}, complete=False), [2])


def test_keys_of_every_kind_are_told_apart_by_type() -> None:
    keys = [1, "a", "", 1.5, ("a", 1), UUID(int=5), b"x", True]
    assert sorted(map(repr, joined(keys, []))) == sorted(map(repr, keys))
    assert list(joined(keys, keys)) == []


def test_keys_that_only_differ_in_type_are_said() -> None:
    found = joined([42, 43, "x"], ["42", "43", "y"])
    assert (found.gone, found.lookalikes, found.pairs) == (3, 2, [(42, "42"), (43, "43")])
    assert "NOT THE SAME TYPE: 2 keys" in str(found)
    assert joined([42, "42"], ["42"]).lookalikes == 0, "text 42 is known too, and alive"
    assert joined(["42"], [42]).pairs == [("42", 42)]


def test_doubles_are_counted_and_change_nothing() -> None:
    found = joined([1, 1, 1, 2], [1, 3, 3])
    assert list(found) == [2]
    assert (found.surplus_known, found.surplus_alive) == (2, 1)
    assert "doubles: 2 among the known, 1 among the alive" in str(found)


def test_records_by_a_field() -> None:
    @attrs.frozen
    class Row:
        id: int

    rows = [{"id": 1, "n": {"k": 7}}, {"id": 2, "n": {"k": 8}}]
    assert list(joined([7, 9], rows, key="n.k")) == [9]
    assert list(joined([{"ref": 1}, {"ref": 5}], rows, key="id", known_key="ref")) == [5]
    assert list(joined([Row(1), Row(3)], rows, key="id")) == [3]
    assert list(joined([(1, 7), (1, 8)], [{"id": 1, "k": 7}], key=("id", "k"))) == [(1, 8)]


@pytest.mark.parametrize(
    ("known", "alive", "options", "error", "words"),
    [
        (7, [], {}, ConfigurationError, r"anti_join\(known\) takes"),
        ([], "ids", {}, ConfigurationError, r"anti_join\(alive\) takes"),
        ([], [{"id": 1}], {}, ConfigurationError, "say with key="),
        ([], [{"id": 1}], {"key": "nr"}, DecodeError, "has no 'nr'"),
        ([], [None], {}, DecodeError, "None is no key"),
        ([object()], [], {}, DecodeError, "is no key"),
        ([], [], {"memory": 5}, ConfigurationError, "memory= takes bytes"),
        ([], [], {"memory": True}, ConfigurationError, "memory= takes bytes"),
    ],
)
def test_what_cannot_be_joined(known: Any, alive: Any, options: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        joined(known, alive, **options)


def test_memory_is_bounded_whatever_the_number_of_keys() -> None:
    def peak(many: int) -> int:
        tracemalloc.start()
        with joined((f"key-{number:020}" for number in range(many)), (f"key-{number:020}" for number in range(10, many)), memory=1 << 20) as found:
            assert found.gone == 10
            assert len(list(found)) == 10
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1000)
    small, large = peak(3_000), peak(12_000)
    assert large < small * 2 + 1_000_000, (small, large)


def test_a_full_disk_is_an_error_of_ours() -> None:
    table = KeyTable()
    table._connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(StoreError, match="the temporary file for keys cannot be written"):
        table.add("known", ("x" * 500 + str(number) for number in range(1000)))
    table.close()
    with pytest.raises(sqlite3.ProgrammingError):
        table.count_only("known")


def test_many_keys_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.reading.key_table.CHUNK", 7)
    found = joined(range(100), range(0, 100, 2))
    assert sorted(found) == list(range(1, 100, 2))
