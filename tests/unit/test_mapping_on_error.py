"""What becomes of records that do not fit, by ``on_error``: alone, over many, and in a sync; and the mapping's version beside each write."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, GuardTripped, MappingError
from integrakit.model import Change, Outcome
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.transform import Mapping
from integrakit.writing import Guard, Intents

FIELDS = {
    "id": "id",
    "total": {"from": "total", "to": "decimal"},
    "lines": {"each": "lines", "optional": True, "fields": {"n": {"from": "n", "to": "int", "on_error": "null"}}},
}
GOOD = {"id": 1, "total": "1.50"}
BAD = {"id": 2, "total": "x"}


class Sink:
    key: Any = "id"
    deletes = True

    def __init__(self) -> None:
        self.got: list[Change] = []
        self.answer: Any = Outcome.applied

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        self.got += changes
        return [self.answer(change.key) for change in changes]


def records(sink: Sink) -> list[Any]:
    return [change.record for change in sink.got]


@pytest.mark.parametrize("value", ["nul", None, 7, ["null"], {}])
def test_another_word_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"on_error is one of 'dead_letter', 'raise', 'null'"):
        Mapping({"fields": FIELDS, "on_error": value})
    if value is not None:
        with pytest.raises(ConfigurationError, match=r"on_error is one of"):
            Mapping({"fields": FIELDS}, on_error=value)


def test_another_word_of_a_field_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r'fields.a.on_error: of a field is "null"'):
        Mapping({"fields": {"a": {"from": "a", "on_error": "raise"}}})
    with pytest.raises(ConfigurationError, match="on_error belongs to a whole field"):
        Mapping({"fields": {"a": {"coalesce": [{"from": "a", "on_error": "null"}]}}})


@pytest.mark.parametrize("on_error", ["dead_letter", "raise"])
def test_called_alone_it_raises(on_error: str) -> None:
    mapping = Mapping({"fields": FIELDS, "on_error": on_error})
    assert mapping.on_error == on_error
    with pytest.raises(MappingError) as caught:
        mapping(BAD)
    assert [error.target for error in caught.value.errors] == ["total"]


def test_null_makes_the_field_null_and_says_so() -> None:
    mapping = Mapping({"fields": FIELDS, "on_error": "null"})
    assert mapping(BAD) == {"id": 2, "total": None}
    assert mapping({}) == {"id": None, "total": None}
    nulled: list[Any] = []
    assert mapping.noted(BAD, nulled) == {"id": 2, "total": None}
    assert [(error.target, error.value_type) for error in nulled] == [("total", "str")]
    assert mapping.coverage([BAD, GOOD]).errors == {"total": 1}
    assert mapping.coverage([BAD, GOOD]).failed == 0


def test_what_is_no_record_is_refused_in_any_case() -> None:
    with pytest.raises(MappingError, match="stands where an object is wanted"):
        Mapping({"fields": FIELDS, "on_error": "null"})([])


def test_the_argument_wins_over_the_file() -> None:
    mapping = Mapping({"fields": FIELDS, "on_error": "null"}, on_error="raise")
    assert mapping.on_error == "raise"
    with pytest.raises(MappingError):
        mapping(BAD)
    assert pickle.loads(pickle.dumps(mapping)).on_error == "raise"


def test_a_field_of_its_own_deep_inside() -> None:
    mapping = Mapping({"fields": FIELDS})
    assert mapping({**GOOD, "lines": [{"n": "1"}, {"n": "x"}]})["lines"] == [{"n": 1}, {"n": None}]
    with pytest.raises(MappingError):
        mapping({**GOOD, "lines": 7})


def test_each_keeps_failures() -> None:
    mapping = Mapping({"fields": FIELDS})
    mapped = mapping.each([GOOD, BAD, {**GOOD, "id": 3}])
    for _ in range(2):
        assert [record["id"] for record in mapped] == [1, 3]
        assert [(failure.number, failure.record) for failure in mapped.failures] == [(2, BAD)]
        assert mapped.failed == 1
        assert mapped.nulled == {}
    assert "total" in str(mapped.failures[0].error)


def test_each_raises_with_the_number() -> None:
    mapped = iter(Mapping({"fields": FIELDS}, on_error="raise").each([GOOD, BAD]))
    assert next(mapped)["id"] == 1
    with pytest.raises(MappingError) as caught:
        next(mapped)
    assert caught.value.__notes__ == ["it was record 2"]


def test_each_counts_nulls() -> None:
    mapped = Mapping({"fields": FIELDS}, on_error="null").each(iter([GOOD, BAD, BAD]))
    assert len(list(mapped)) == 3
    assert mapped.nulled == {"total": 2}
    assert mapped.failed == 0


@pytest.mark.parametrize("wrong", [None, 7, "text", GOOD])
def test_each_takes_records(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes an iterable of records"):
        Mapping({"fields": FIELDS}).each(wrong)


# ---------------------------------------------------------------- in a sync


def test_a_sync_sets_it_aside() -> None:
    sink = Sink()
    sync = Sync("s", source=[GOOD, BAD], sink=sink, mapping=Mapping({"fields": FIELDS}))
    report = sync.run()
    assert report.rejected == 1
    assert [record["id"] for record in records(sink)] == [1]
    assert [letter.input for letter in sync.dead_letters] == [BAD]


@pytest.mark.parametrize("plan", [False, True])
def test_a_sync_stops(plan: bool) -> None:
    sink = Sink()
    sync = Sync("s", source=[GOOD, BAD], sink=sink, mapping=Mapping({"fields": FIELDS}, on_error="raise"))
    with pytest.raises(MappingError) as caught:
        sync.plan() if plan else sync.run()
    assert "on_error='raise'" in caught.value.__notes__[0]
    assert not sink.got
    assert not list(sync.dead_letters)


@pytest.mark.parametrize("plan", [False, True])
def test_a_sync_writes_null_and_reports_it(plan: bool) -> None:
    sink = Sink()
    sync = Sync("s", source=[GOOD, BAD, {"id": 3, "total": []}], sink=sink, mapping=Mapping({"fields": FIELDS}, on_error="null"))
    note = "fields that did not fit became null, as their mapping says (on_error): total 2"
    if plan:
        assert note in sync.plan().notes
        assert not sink.got
    else:
        report = sync.run()
        assert note in report.notes
        assert [record["total"] for record in records(sink)][1:] == [None, None]
        assert report.rejected == 0


# ---------------------------------------------------------------- the version beside each write


def test_the_version_is_stored_with_each_write() -> None:
    store = MemoryStore()
    first, second = Mapping({"fields": {"id": "id", "a": "a"}}), Mapping({"fields": {"id": "id", "a": {"from": "a", "to": "str"}}})
    rows: list[dict[str, Any]] = [{"id": 1, "a": "x"}, {"id": 2, "a": 7}]
    Sync("s", source=rows, sink=Sink(), mapping=first, store=store).run()
    sync = Sync("s", source=rows, sink=Sink(), mapping=second, store=store)
    assert sync.written.mappings() == {first.version: 2}
    sync.run()
    # The first record came out the same, so it was not written again: it is still the first mapping's.
    found = {written.key: written.mapping for written in sync.written}
    assert found == {1: first.version, 2: second.version}
    assert sync.written.get(2) is not None
    assert sync.written.get(2).record == {"id": 2, "a": "7"}  # type: ignore[union-attr]
    assert sync.written.get(99) is None
    assert len(sync.written) == 2
    assert repr(sync.written) == "<2 written records>"


def test_a_plan_and_a_doubtful_write_carry_it_too() -> None:
    store, mapping = MemoryStore(), Mapping({"fields": {"id": "id"}})
    sync = Sync("s", source=[{"id": 1}], sink=Sink(), mapping=mapping, store=store)
    sync.plan().apply()
    assert sync.written.mappings() == {mapping.version: 1}
    doubtful = Sink()
    doubtful.answer = lambda key: Outcome.unknown(key, "no answer")
    other = Sync("t", source=[{"id": 1}], sink=doubtful, mapping=mapping, store=store)
    other.run()
    assert [intent.mapping for intent in Intents(store, "t").all()] == [mapping.version]
    other.settle(1, applied=True)
    assert other.written.mappings() == {mapping.version: 1}


def test_a_rejected_write_names_the_mapping_that_made_it() -> None:
    sink, mapping = Sink(), Mapping({"fields": {"id": "id"}})
    sink.answer = lambda key: Outcome.rejected(key, "no")
    sync = Sync("s", source=[{"id": 1}], sink=sink, mapping=mapping, guard=Guard(max_rejected=None))
    sync.run()
    assert [letter.mapping for letter in sync.dead_letters] == [mapping.version]


def test_a_function_is_known_by_its_name(tmp_path: Path) -> None:
    def plain(record: Any) -> Any:
        return record

    with Sync("s", source=[{"id": 1}], sink=Sink(), mapping=plain, store=tmp_path / "s.db") as sync:
        sync.run()
        assert list(sync.written.mappings()) == [plain.__qualname__]


def test_a_plan_says_what_is_wrong_with_one_of_the_rejected() -> None:
    sync = Sync("s", source=[GOOD, BAD, BAD], sink=Sink(), mapping=Mapping({"fields": FIELDS}), guard=Guard(max_rejected=None))
    (note,) = [note for note in sync.plan().notes if "rejected" in note]
    assert note.startswith("one of the 2 rejected: Mapping({…}): 1 field of the record does not fit:\n  total: ")
    with pytest.raises(GuardTripped) as caught:
        Sync("s", source=[BAD], sink=Sink(), mapping=Mapping({"fields": FIELDS}), guard=Guard(max_rejected=0)).plan()
    assert "the plan stopped here, one of them: Mapping({…}): 1 field" in str(caught.value)
    assert "dead letters" not in str(caught.value)


@pytest.mark.parametrize("key", ["external_id", ("id", "external_id")])
def test_a_key_that_the_mapping_does_not_give(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="the key 'external_id' is no field of its mapping, which gives 'id', 'total', 'lines'"):
        Sync("s", source=[GOOD], sink=Sink(), mapping=Mapping({"fields": FIELDS}), key=key)


def test_where_a_sync_stopped_without_a_key_of_the_source() -> None:
    with pytest.raises(MappingError) as caught:
        Sync("s", source=[GOOD, BAD], sink=Sink(), mapping=Mapping({"fields": FIELDS}, on_error="raise")).run()
    assert caught.value.__notes__ == ["sync 's' stopped at record 2 of the page: on_error='raise'"]


def test_each_error_names_its_rule() -> None:
    lines = {"each": "lines", "fields": {"n": {"from": "n", "to": "int"}, "tax": {"from": "t", "lookup": "tax"}}}
    mapping = Mapping({"fields": {"total": {"from": "total", "to": "decimal", "scale": 2}, "lines": lines}, "lookups": {"tax": {"A": 19}}})
    with pytest.raises(MappingError) as caught:
        mapping({"total": "x", "lines": [{"n": "1", "t": "B"}, {"n": "y", "t": "A"}, 7]})
    assert {error.target: error.rule for error in caught.value.errors} == {
        "total": "read; to decimal, scale 2, rounding half-even",
        "lines[0].tax": "read; lookup tax, else an error",
        "lines[1].n": "read; to int",
        "lines[2]": "a list, one object for each item",
    }
    nulled: list[Any] = []
    Mapping({"fields": {"n": {"from": "n", "to": "int"}}}, on_error="null").noted({"n": "x"}, nulled)
    assert [error.rule for error in nulled] == ["read; to int"]
    sync = Sync("s", source=[{"id": 1, "n": "x"}], sink=Sink(), mapping=Mapping({"fields": {"id": "id", "n": {"from": "n", "to": "int"}}}))
    sync.run()
    assert [error.rule for letter in sync.dead_letters for error in letter.errors] == ["read; to int"]
