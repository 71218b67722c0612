"""From a page to what must be done."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.model import Change, Checkpoint, Page
from integrakit.state import MemoryStore
from integrakit.sync.compare import Comparison, Places, Work, mapping_version
from integrakit.writing import Remembered, Written, fingerprint, key_text, letter_id


def comparison(store: Any = None, **options: Any) -> Comparison:
    remembered = Remembered(store or MemoryStore(), "s", options.pop("remember", "record"))
    return Comparison("s", **{"mapping": None, "key": "id", "source_key": None, "mode": "upsert", "remembered": remembered, **options})


def work_of(records: list[Any], store: Any = None, **options: Any) -> Work:
    return comparison(store, **options).page(Page(records), place="0/.0", now="now", order=(3, 1))


def remember(records: list[dict[str, Any]], how: Any = "record") -> MemoryStore:
    store = MemoryStore()
    written = {
        key_text(record["id"]): Written(key=record["id"], fingerprint=fingerprint(record), count=2, remote_key=f"r{record['id']}", record=record)
        for record in records
    }
    store.commit(Remembered(store, "s", how).put(written))
    return store


def changes(work: Work) -> list[tuple[Any, ...]]:
    return [(item.change.kind, item.change.key, item.change.record) for item in work.items]


def test_new_changed_unchanged() -> None:
    store = remember([{"id": 1, "v": 1}, {"id": 2, "v": 1, "gone": 0}])
    work = work_of([{"id": 1, "v": 1}, {"id": 2, "v": 2}, {"id": 3, "v": 1}], store)
    assert changes(work) == [("update", 2, {"v": 2}), ("upsert", 3, {"id": 3, "v": 1})]
    update, create = work.items
    assert (update.change.whole, update.change.remote_key, update.count) == ({"id": 2, "v": 2}, "r2", 2)
    assert (create.count, create.order, create.source) == (0, (3, 1), {"id": 3, "v": 1})
    assert update.change.idempotency_key != create.change.idempotency_key
    assert (work.read, work.unchanged, work.seen) == (3, 1, ["1", "2", "3"])
    assert work.well == [(letter_id("1"), "1")]


def test_a_field_that_is_gone_is_left_alone() -> None:
    store = remember([{"id": 1, "v": 1, "w": 2}])
    work = work_of([{"id": 1, "v": 1}], store)
    assert (work.items, work.unchanged) == ([], 1)


def test_with_a_fingerprint_only_an_update_sends_everything() -> None:
    store = remember([{"id": 1, "v": 1, "w": 2}], "fingerprint")
    assert changes(work_of([{"id": 1, "v": 1, "w": 2}], store, remember="fingerprint")) == []
    assert changes(work_of([{"id": 1, "v": 1, "w": 3}], store, remember="fingerprint")) == [("update", 1, {"id": 1, "v": 1, "w": 3})]


def test_keys_of_different_types_are_different_records() -> None:
    work = work_of([{"id": 42}, {"id": "42"}, {"id": ("a", "b")}, {"id": "é"}])
    assert [item.change.key for item in work.items] == [42, "42", ("a", "b"), "é"]
    assert len({item.id for item in work.items}) == 4


def test_composite_keys() -> None:
    work = work_of([{"a": 1, "b": 2}, {"a": 12, "b": None}, {"a": 1}], key=("a", "b"))
    assert [item.change.key for item in work.items] == [(1, 2)]
    assert len(work.letters) == 2


def test_the_same_key_twice_in_one_page_the_later_one_counts() -> None:
    work = work_of([{"id": 1, "v": 1}, {"id": 2, "v": 0}, {"id": 1, "v": 2}])
    assert changes(work) == [("upsert", 2, {"id": 2, "v": 0}), ("upsert", 1, {"id": 1, "v": 2})]
    assert (work.read, work.unchanged) == (3, 1)


def test_but_what_is_appended_first_stays() -> None:
    work = work_of([{"id": 1, "v": 1}, {"id": 1, "v": 2}], mode="append")
    assert changes(work) == [("create", 1, {"id": 1, "v": 1})]
    store = remember([{"id": 1, "v": 1}])
    assert changes(work_of([{"id": 1, "v": 5}], store, mode="append")) == []


def test_without_a_key_a_record_is_known_by_its_place_or_by_the_sources_key() -> None:
    by_place = work_of([{"v": 1}, {"v": 1}], mode="append", key=None)
    assert [item.id[:8] for item in by_place.items] == ['"0/.0/0/', '"0/.0/1/']
    # What stands there by then may be another record; one that cannot be written down is known by its place alone.
    assert work_of([{"v": 2}], mode="append", key=None).items[0].id != by_place.items[0].id
    by_place_alone = work_of([{"v": object()}], mode="append", key=None, mapping=lambda record: {"v": 1})
    assert by_place_alone.items[0].id == '"0/.0/0"'
    assert by_place.items[0].change == Change.create(None, {"v": 1}, idempotency_key=by_place.items[0].change.idempotency_key)
    by_source = work_of([{"n": 7, "v": 1}, {"v": 1}], mode="append", key=None, source_key="n")
    assert "7" in by_source.items[0].id
    assert "0/.0/1" in by_source.items[1].id


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (lambda record: record["nope"], "KeyError: 'nope'"),
        (lambda record: [record], "gave a list"),
        (lambda record: {"id": None}, "the key 'id' is None"),
        (lambda record: {"v": 1}, "has no 'id'"),
        (lambda record: {"id": object()}, "cannot be kept"),
        (lambda record: {"id": 1, "v": object()}, "a object cannot be kept in a store"),
        (lambda record: 1 / 0, "ZeroDivisionError"),
        (lambda record: (_ for _ in ()).throw(RecursionError("deep")), "RecursionError: deep"),
    ],
)
def test_whatever_a_mapping_does_concerns_one_record_alone(mapping: Any, words: str) -> None:
    def sometimes(record: Any) -> Any:
        return record if record["id"] == 2 else mapping(record)

    work = work_of([{"id": 1}, {"id": 2}, {"id": 3}], mapping=sometimes, source_key="id")
    assert changes(work) == [("upsert", 2, {"id": 2})]
    assert [letter.input for letter in work.letters] == [{"id": 1}, {"id": 3}]
    assert all(words in letter.error for letter in work.letters), work.letters[0].error
    assert (work.letters[0].stage, work.letters[0].order, work.letters[0].at) == ("mapping", (3, 1), "now")


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_list_without_a_key_is_no_record_either(mode: Any) -> None:
    work = work_of([{"a": 1}], mapping=lambda record: [record], mode=mode, key=None if mode == "append" else "id")
    assert len(work.letters) == 1


def test_none_leaves_a_record_out_and_its_letter_goes() -> None:
    work = work_of([{"id": 1}], mapping=lambda record: None, source_key="id")
    assert (work.skipped, work.items, work.seen, work.well) == (1, [], [], [(letter_id(1), "")])
    assert work_of([{"id": 1}], mapping=lambda record: None).well == []


def test_a_source_record_that_no_store_can_keep_does_not_stop_its_target() -> None:
    work = work_of([{"id": 1, "raw": object()}], mapping=lambda record: {"id": record["id"]})
    assert changes(work) == [("upsert", 1, {"id": 1})]
    assert isinstance(work.items[0].source, str)


def test_keys_of_writes_tell_runs_and_values_apart() -> None:
    one = comparison()
    first = one.page(Page([{"id": 1}]), place="", now="", order=(1, 0)).items[0].change.idempotency_key
    assert one.page(Page([{"id": 1}]), place="x", now="y", order=(1, 9)).items[0].change.idempotency_key == first
    assert one.page(Page([{"id": 1}]), place="", now="", order=(2, 0)).items[0].change.idempotency_key != first


def test_deletions() -> None:
    item = comparison().deletion("1", Written(key=1, fingerprint="f", count=3, remote_key="r"), order=(2, 2))
    assert (item.change.kind, item.change.key, item.change.remote_key, item.count) == ("delete", 1, "r", 3)
    assert item.letter == letter_id("1")


def test_versions_of_mappings() -> None:
    class Versioned:
        version = "v7"

        def __call__(self, record: Any) -> Any: ...

    class Plain:
        def __call__(self, record: Any) -> Any: ...

    assert mapping_version(None) == ""
    assert mapping_version(Versioned()) == "v7"
    assert mapping_version(Plain()) == "Plain"
    assert mapping_version(test_deletions) == "test_deletions"


def test_places_of_pages() -> None:
    def page(token: Any) -> Page:
        return Page([], Checkpoint(resource="r", token=token))

    places = Places(3, None)
    names = [places.name]
    for passed in (Page([]), Page([]), page({"p": 1}), Page([]), page({"p": 2})):
        places.passed(passed)
        names.append(places.name)
    assert names[:3] == ["3/.0", "3/.1", "3/.2"]
    assert len(set(names)) == len(names)
    # Resumed after the page with token 1, the same pages have the same names.
    resumed = Places(3, Checkpoint(resource="r", token={"p": 1}))
    assert resumed.name == names[3]
    resumed.passed(Page([]))
    assert resumed.name == names[4]
    assert Places(3, Checkpoint(resource="r", watermark=5)).name == "3/.0"
