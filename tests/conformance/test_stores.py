"""What every store must do. One suite, each check on every backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import define, frozen
from tests.services.databases import KINDS, Room, room

from integrakit.errors import ConfigurationError, IntegrakitError, StoreError, VersionConflict
from integrakit.protocols import Delete, DeleteColumns, Entry, Put, PutColumns, Store
from integrakit.state import MemoryStore, SqliteStore
from integrakit.unset import UNSET


@define
class Wall:
    """A clock that is moved by hand."""

    seconds: float = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@frozen
class Invoice:
    number: int
    total: Decimal


BACKENDS: dict[str, Callable[[Path, Wall], Store]] = {
    "memory": lambda _, clock: MemoryStore(clock=clock),
    "sqlite": lambda folder, clock: SqliteStore(folder / "state.db", clock=clock),
    "sqlite-full": lambda folder, clock: SqliteStore(folder / "state.db", durability="full", clock=clock),
}


@pytest.fixture
def clock() -> Wall:
    return Wall()


@pytest.fixture(scope="module")
def rooms() -> Iterator[Callable[[str], Room]]:
    """One schema or database for all tests of this module, made when the first one needs it."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(room(kind)))


@pytest.fixture(params=[*BACKENDS, *(pytest.param(kind, marks=pytest.mark.service) for kind in KINDS)])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Wall, rooms: Callable[[str], Room]) -> Iterator[Any]:
    if request.param in KINDS:
        store: Any = rooms(request.param).store(f"t{uuid4().hex[:8]}_", clock=clock)
    else:
        store = BACKENDS[request.param](tmp_path, clock)
    yield store
    store.close()


def put(store: Store, key: str, value: Any = None, *, space: str = "s", **options: Any) -> None:
    store.commit([Put(space, key, value, **options)])


def keys(entries: Iterator[Entry]) -> list[str]:
    return [entry.key for entry in entries]


def test_is_a_store(store: Store) -> None:
    assert isinstance(store, Store)


class TestDocuments:
    def test_absent(self, store: Store) -> None:
        assert store.get("s", "a") is None
        assert store.get_many("s", ["a", "b"]) == {}
        assert list(store.scan("s")) == []

    def test_written_and_read(self, store: Store) -> None:
        put(store, "a", {"n": 1}, attributes={"status": "open", "size": 3})
        assert store.get("s", "a") == Entry({"n": 1}, 1, "a", {"status": "open", "size": 3})
        assert store.get("t", "a") is None
        assert store.get("s", "A") is None

    @pytest.mark.parametrize(
        "value",
        [
            None,
            "",
            "\0",
            "a lone surrogate in a value \ud800 is kept",
            2**200,
            -1.5,
            True,
            [1, [2, {}]],
            {"$": "decimal", "v": "1"},
            {1: "a", (2, 3): "b"},
            Decimal("1.10"),
            date(2026, 2, 28),
            datetime(2026, 2, 28, 1, 2, 3, 4, tzinfo=UTC),
            timedelta(days=-1, microseconds=1),
            b"\x00\xff",
            (1, (2,)),
            UNSET,
            "x" * 300_000,
        ],
        ids=repr,
    )
    def test_values_come_back_as_they_were(self, store: Store, value: Any) -> None:
        put(store, "a", value)
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.value == value
        assert type(entry.value) is type(value)

    def test_attrs_instances_are_kept_as_mappings(self, store: Store) -> None:
        put(store, "a", Invoice(7, Decimal("1.50")))
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.value == {"number": 7, "total": Decimal("1.50")}

    def test_what_was_put_in_is_not_what_is_kept(self, store: Store) -> None:
        value, attributes = {"lines": [1]}, {"status": "open"}
        put(store, "a", value, attributes=attributes)
        value["lines"].append(2)
        attributes["status"] = "closed"
        first = store.get("s", "a")
        assert first is not None
        assert first.value == {"lines": [1]}
        assert first.attributes == {"status": "open"}
        first.value["lines"].append(3)
        again = store.get("s", "a")
        assert again is not None
        assert again.value == {"lines": [1]}

    @pytest.mark.parametrize("key", ["", "\0", "a\0b", "ü", "e\u0301", "😀", "\uffff", "a" * 5000, "%_*?[a]'\"", " x "])
    def test_keys_are_any_text(self, store: Store, key: str) -> None:
        put(store, key, "here")
        put(store, "a", "a")
        put(store, key + "\0", "longer")
        entry = store.get("s", key)
        assert entry is not None
        assert (entry.value, entry.key) == ("here", key)
        assert keys(store.scan("s", prefix=key)) == sorted({key, key + "\0"} | ({"a"} if "a".startswith(key) else set()))

    def test_many(self, store: Store) -> None:
        store.commit([Put("s", str(n), n) for n in range(1000)])
        asked = [str(n) for n in range(999, 489, -1)] + ["missing", "500"]
        found = store.get_many("s", asked)
        assert list(found) == asked[:-2]
        assert all(entry.value == int(key) and entry.key == key for key, entry in found.items())
        assert store.get_many("s", iter(["7"]))["7"].value == 7
        assert store.get_many("s", []) == {}


class TestVersions:
    def test_grow_by_one(self, store: Store) -> None:
        for version in (1, 2, 3):
            put(store, "a")
            entry = store.get("s", "a")
            assert entry is not None
            assert entry.version == version

    def test_expected(self, store: Store) -> None:
        put(store, "a", 1, expect=0)
        put(store, "a", 2, expect=1)
        for wrong in (0, 1, 3):
            with pytest.raises(VersionConflict, match="s/a is at version 2, and was expected") as caught:
                put(store, "a", 3, expect=wrong)
            assert (caught.value.space, caught.value.key) == ("s", "a")
        with pytest.raises(VersionConflict, match="s/b does not exist, and was expected at version 1"):
            put(store, "b", expect=1)
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.value == 2

    def test_delete(self, store: Store) -> None:
        put(store, "a")
        with pytest.raises(VersionConflict):
            store.commit([Delete("s", "a", expect=2)])
        with pytest.raises(VersionConflict):
            store.commit([Delete("s", "a", expect=0)])
        store.commit([Delete("s", "a", expect=1)])
        assert store.get("s", "a") is None
        store.commit([Delete("s", "a")])
        store.commit([Delete("s", "a", expect=0)])
        with pytest.raises(VersionConflict):
            store.commit([Delete("s", "a", expect=1)])

    def test_never_repeat_after_a_delete(self, store: Store) -> None:
        seen = set()
        for _ in range(4):
            put(store, "a", expect=0)
            put(store, "a")
            entry = store.get("s", "a")
            assert entry is not None
            assert entry.version not in seen
            seen |= {entry.version - 1, entry.version}
            store.commit([Delete("s", "a")])
            for stale in seen:
                with pytest.raises(VersionConflict):
                    put(store, "a", expect=stale)

    def test_never_repeat_after_delete_and_put_in_one_commit(self, store: Store) -> None:
        put(store, "a")
        store.commit([Delete("s", "a"), Put("s", "a", "new", expect=0)])
        with pytest.raises(VersionConflict):
            put(store, "a", expect=1)

    def test_never_repeat_after_expiry(self, store: Store, clock: Wall) -> None:
        put(store, "a", ttl=10)
        clock.seconds += 10
        put(store, "b", ttl=10)  # clears away what expired
        put(store, "a", expect=0)
        with pytest.raises(VersionConflict):
            put(store, "a", expect=1)

    def test_deleting_an_expired_document_keeps_its_version_spent(self, store: Store, clock: Wall) -> None:
        put(store, "a", ttl=10)
        clock.seconds += 10
        store.commit([Delete("s", "a", expect=0)])
        put(store, "a", expect=0)
        with pytest.raises(VersionConflict):
            put(store, "a", expect=1)


class TestCommit:
    def test_all_or_nothing(self, store: Store) -> None:
        put(store, "a", "old")
        store.commit([PutColumns("c", {"k": b"old"})])
        with pytest.raises(VersionConflict):
            store.commit(
                [
                    Put("s", "a", "new"),
                    Put("s", "b", "new", attributes={"x": 1}),
                    Delete("s", "a"),
                    PutColumns("c", {"k": b"new", "l": b"new"}),
                    PutColumns("d", {"k": b"new"}),
                    DeleteColumns("c"),
                    Put("s", "z", None, expect=9),
                ]
            )
        assert {entry.key: entry.value for entry in store.scan("s")} == {"a": "old"}
        assert list(store.scan("s", where={"x": 1})) == []
        assert dict(store.scan_columns("c")) == {"k": b"old"}
        assert store.count_columns("d") == 0
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.version == 1

    def test_a_value_that_cannot_be_kept_keeps_nothing(self, store: Store) -> None:
        for value in (object(), {1, 2}, 10**5000):
            with pytest.raises(ConfigurationError, match="s/b"):
                store.commit([Put("s", "a", 1), Put("s", "b", {"x": value})])
        assert store.get("s", "a") is None

    def test_in_their_order(self, store: Store) -> None:
        store.commit([Put("s", "a", 1, expect=0), Put("s", "a", 2, expect=1), Delete("s", "a", expect=2), Put("s", "a", 3, expect=0)])
        entry = store.get("s", "a")
        assert entry is not None
        assert entry.value == 3
        store.commit([PutColumns("c", {"a": b"1", "b": b"1"}), DeleteColumns("c", ["a"]), PutColumns("c", {"c": b"1"})])
        assert [key for key, _ in store.scan_columns("c")] == ["b", "c"]
        store.commit([PutColumns("c", {"d": b"1"}), DeleteColumns("c"), PutColumns("c", {"e": b"1"})])
        assert [key for key, _ in store.scan_columns("c")] == ["e"]

    def test_nothing(self, store: Store) -> None:
        store.commit([])
        store.commit(())
        store.commit(Put("s", key, 1) for key in ("a", "b"))  # type: ignore[arg-type]  # an iterator is good enough
        assert keys(store.scan("s")) == ["a", "b"]

    def test_only_one_of_many_threads_wins(self, store: Store) -> None:
        put(store, "counter", 0)
        conflicts = []

        def work() -> None:
            for _ in range(25):
                while True:
                    entry = store.get("s", "counter")
                    assert entry is not None
                    try:
                        put(store, "counter", entry.value + 1, expect=entry.version)
                        break
                    except VersionConflict:
                        conflicts.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        entry = store.get("s", "counter")
        assert entry is not None
        assert (entry.value, entry.version) == (100, 101)


class TestExpiry:
    def test_what_expired_is_not_there(self, store: Store, clock: Wall) -> None:
        put(store, "a", 1, ttl=10, attributes={"x": 1})
        put(store, "b", 2)
        clock.seconds += 9.9
        assert store.get("s", "a") is not None
        clock.seconds += 0.1
        assert store.get("s", "a") is None
        assert list(store.get_many("s", ["a", "b"])) == ["b"]
        assert keys(store.scan("s")) == ["b"]
        assert keys(store.scan("s", where={"x": 1})) == []

    def test_counts_as_absent(self, store: Store, clock: Wall) -> None:
        put(store, "a", 1, ttl=10)
        clock.seconds += 11
        with pytest.raises(VersionConflict, match="does not exist"):
            put(store, "a", 2, expect=1)
        with pytest.raises(VersionConflict, match="does not exist"):
            store.commit([Delete("s", "a", expect=1)])
        put(store, "a", 3, expect=0)
        entry = store.get("s", "a")
        assert entry is not None
        assert (entry.value, entry.version) == (3, 2)

    def test_a_new_write_sets_it_anew(self, store: Store, clock: Wall) -> None:
        put(store, "a", 1, ttl=10)
        put(store, "b", 1, ttl=10)
        put(store, "a", 2)
        put(store, "b", 2, ttl=20)
        clock.seconds += 15
        put(store, "clears", ttl=1)
        assert keys(store.scan("s")) == ["a", "b", "clears"]
        clock.seconds += 5
        assert keys(store.scan("s")) == ["a"]

    def test_limit_counts_what_is_there(self, store: Store, clock: Wall) -> None:
        store.commit([Put("s", f"{n:02}", n, ttl=5 if n % 2 else None) for n in range(20)])
        clock.seconds += 5
        assert keys(store.scan("s", limit=3)) == ["00", "02", "04"]


class TestScan:
    def test_in_code_point_order(self, store: Store) -> None:
        wild = ["b", "", "ä", "a\0", "a", "Z", "\U0001f600", "\uffff", "\ue000", "\ud7ff", "z", "aa", "10", "9"]
        store.commit([Put("s", key, None) for key in wild])
        assert keys(store.scan("s")) == sorted(wild)
        for after in [*wild, "a\0\0", "m"]:
            assert keys(store.scan("s", after=after)) == sorted(key for key in wild if key > after)

    @pytest.mark.parametrize("prefix", ["", "a", "a%", "a_", "a*", "a[", "a\0", "\U0010ffff", "\U0010ffff\U0010ffff", "\ud7ff", "~"])
    def test_prefix(self, store: Store, prefix: str) -> None:
        wild = [
            "a",
            "ab",
            "a%",
            "a%b",
            "a_",
            "a*x",
            "a[b]",
            "a\0",
            "a\0b",
            "b",
            "A",
            "\U0010ffff",
            "\U0010ffff\U0010ffff!",
            "\ud7ff",
            "\ud7ff\U0010ffff",
            "\ue000",
        ]
        store.commit([Put("s", key, None, attributes={"x": 1}) for key in wild])
        expected = sorted(key for key in wild if key.startswith(prefix))
        assert keys(store.scan("s", prefix=prefix)) == expected
        assert keys(store.scan("s", prefix=prefix, where={"x": 1})) == expected
        for after in ("", "a", "a%", "zzz", "\U0010ffff"):
            assert keys(store.scan("s", prefix=prefix, after=after)) == [key for key in expected if key > after]

    def test_where(self, store: Store) -> None:
        store.commit(
            [
                Put("s", "a", 1, attributes={"status": "open", "n": 1}),
                Put("s", "b", 2, attributes={"status": "open", "n": 2}),
                Put("s", "c", 3, attributes={"status": "closed", "n": 1, "late": True}),
                Put("s", "d", 4, attributes={"status": "1", "n": -(2**63)}),
                Put("s", "e", 5),
                Put("t", "a", 6, attributes={"status": "open"}),
            ]
        )
        assert keys(store.scan("s", where={"status": "open"})) == ["a", "b"]
        assert keys(store.scan("s", where={"status": "open", "n": 2})) == ["b"]
        assert keys(store.scan("s", where={"n": 1, "status": "closed", "late": 1})) == ["c"]
        assert keys(store.scan("s", where={"n": 1, "status": "closed", "late": 0})) == []
        assert keys(store.scan("s", where={"status": 1})) == []
        assert keys(store.scan("s", where={"n": "1"})) == []
        assert keys(store.scan("s", where={"n": -(2**63)})) == ["d"]
        assert keys(store.scan("s", where={"missing": 1})) == []
        assert keys(store.scan("s", where={"status": "open"}, after="a")) == ["b"]
        assert keys(store.scan("s", where={"status": "open"}, limit=1)) == ["a"]
        assert keys(store.scan("s", where={})) == ["a", "b", "c", "d", "e"]
        entry = store.get("s", "c")
        assert entry is not None
        assert entry.attributes == {"status": "closed", "n": 1, "late": 1}

    def test_attributes_follow_the_document(self, store: Store) -> None:
        put(store, "a", attributes={"status": "open", "kept": 1})
        put(store, "a", attributes={"status": "closed", "kept": 1})
        assert keys(store.scan("s", where={"status": "open"})) == []
        assert keys(store.scan("s", where={"status": "closed", "kept": 1})) == ["a"]
        put(store, "a")
        assert keys(store.scan("s", where={"kept": 1})) == []
        put(store, "a", attributes={"kept": 1})
        store.commit([Delete("s", "a")])
        put(store, "a")
        assert keys(store.scan("s", where={"kept": 1})) == []

    def test_limit(self, store: Store) -> None:
        store.commit([Put("s", f"{n:04}", n) for n in range(2500)])
        for limit in (0, 1, 999, 1000, 1001, 2000, 2500, 9999):
            assert len(keys(store.scan("s", limit=limit))) == min(limit, 2500)
        assert keys(store.scan("s", after="2497", limit=9)) == ["2498", "2499"]

    def test_big_values_come_one_and_all(self, store: Store) -> None:
        store.commit([Put("s", f"{n:02}", "x" * 200_000) for n in range(12)])
        assert keys(store.scan("s")) == [f"{n:02}" for n in range(12)]
        assert keys(store.scan("s", limit=11)) == [f"{n:02}" for n in range(11)]

    def test_writing_while_iterating(self, store: Store) -> None:
        store.commit([Put("s", f"{n:04}", n) for n in range(2200)])
        seen = []
        for entry in store.scan("s"):
            seen.append(entry.key)
            number = int(entry.key[:4])
            if number % 2 == 0 and len(entry.key) == 4:
                store.commit(
                    [Delete("s", entry.key), Put("s", f"{number:04}-", "behind or ahead")] if number % 100 == 0 else [Delete("s", entry.key)]
                )
        assert [key for key in seen if len(key) == 4] == [f"{n:04}" for n in range(2200)]
        assert seen == sorted(set(seen))
        assert [entry.key for entry in store.scan("s") if len(entry.key) == 4] == [f"{n:04}" for n in range(1, 2200, 2)]

    def test_what_was_deleted_far_ahead_does_not_come(self, store: Store) -> None:
        store.commit([Put("s", f"{n:04}", n) for n in range(2200)] + [PutColumns("c", {f"{n:04}": b"x" for n in range(2200)})])
        documents, columns = store.scan("s"), store.scan_columns("c")
        next(documents), next(columns)
        store.commit([Delete("s", "2199"), DeleteColumns("c", ["2199"])])
        assert keys(documents)[-1] == "2198"
        assert [key for key, _ in columns][-1] == "2198"


class TestColumns:
    def test_written_and_read(self, store: Store) -> None:
        store.commit([PutColumns("c", {"a": b"1", "b": b"", "\0": b"\0" * 10}), PutColumns("d", {"a": b"other"}), PutColumns("", {"a": b"unnamed"})])
        assert store.get_columns("c", ["b", "missing", "a", "a"]) == {"b": b"", "a": b"1"}
        assert list(store.get_columns("c", ["b", "a"])) == ["b", "a"]
        assert list(store.scan_columns("c")) == [("\0", b"\0" * 10), ("a", b"1"), ("b", b"")]
        assert store.get_columns("", ["a"]) == {"a": b"unnamed"}
        assert store.get_columns("none", ["a"]) == {}
        assert list(store.scan_columns("none")) == []
        assert [store.count_columns(name) for name in ("c", "d", "none")] == [3, 1, 0]

    def test_whatever_was_there(self, store: Store) -> None:
        store.commit([PutColumns("c", {"a": b"1", "b": b"1"})])
        store.commit([PutColumns("c", {"a": b"2"}), PutColumns("c", {})])
        assert dict(store.scan_columns("c")) == {"a": b"2", "b": b"1"}

    def test_deleted(self, store: Store) -> None:
        store.commit([PutColumns("c", {"a": b"1", "b": b"1", "c": b"1"}), PutColumns("d", {"a": b"1"})])
        store.commit([DeleteColumns("c", ["a", "missing"]), DeleteColumns("none", ["a"]), DeleteColumns("never"), DeleteColumns("c", [])])
        assert [key for key, _ in store.scan_columns("c")] == ["b", "c"]
        store.commit([DeleteColumns("c")])
        assert store.count_columns("c") == 0
        assert store.count_columns("d") == 1

    def test_many_in_order(self, store: Store) -> None:
        values = {f"{n:05}😀": str(n).encode() for n in range(4999, -1, -1)}
        store.commit([PutColumns("c", values)])
        assert store.count_columns("c") == 5000
        assert list(store.scan_columns("c")) == sorted(values.items())
        assert list(store.scan_columns("c", after="04990", limit=3)) == sorted(values.items())[4990:4993]
        assert list(store.scan_columns("c", limit=0)) == []
        asked = list(values)[:1234]
        assert store.get_columns("c", asked) == {key: values[key] for key in asked}
        assert store.get_columns("c", []) == {}

    def test_writing_while_iterating(self, store: Store) -> None:
        store.commit([PutColumns("c", {f"{n:04}": b"x" for n in range(2500)})])
        seen = []
        for key, _ in store.scan_columns("c"):
            seen.append(key)
            if len(seen) % 50 == 0:
                store.commit([DeleteColumns("c", seen[-50:]), PutColumns("c", {"9999": b"last"})])
        assert seen[:2500] == [f"{n:04}" for n in range(2500)]
        assert store.count_columns("c") <= 51

    def test_big_values(self, store: Store) -> None:
        store.commit([PutColumns("c", {str(n): bytes([n]) * 700_000 for n in range(5)})])
        assert [(key, len(value)) for key, value in store.scan_columns("c")] == [(str(n), 700_000) for n in range(5)]


class TestWrongUse:
    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.get("s", 7),
            lambda store: store.get(None, "a"),
            lambda store: store.get("s", "\ud800"),
            lambda store: store.get_many("s", "abc"),
            lambda store: store.get_many("s", None),
            lambda store: store.get_many("s", [1]),
            lambda store: store.get_many(b"s", ["a"]),
            lambda store: store.scan(1),
            lambda store: store.scan("s", prefix=None),
            lambda store: store.scan("s", prefix="\udfff"),
            lambda store: store.scan("s", after=3),
            lambda store: store.scan("s", limit=-1),
            lambda store: store.scan("s", limit=True),
            lambda store: store.scan("s", limit=1.0),
            lambda store: store.scan("s", where=["a"]),
            lambda store: store.scan("s", where={"a": None}),
            lambda store: store.scan("s", where={"a": 2**63}),
            lambda store: store.scan("s", where={1: "a"}),
            lambda store: store.get_columns("c", "abc"),
            lambda store: store.get_columns("c", [b"a"]),
            lambda store: store.get_columns(None, ["a"]),
            lambda store: store.scan_columns(1),
            lambda store: store.scan_columns("c", after=b"a"),
            lambda store: store.scan_columns("c", limit="1"),
            lambda store: store.count_columns(None),
            lambda store: store.commit(Put("s", "a", 1)),
            lambda store: store.commit(None),
            lambda store: store.commit("abc"),
            lambda store: store.commit([("s", "a", 1)]),
            lambda store: store.commit([Put]),
        ],
    )
    def test_is_refused_at_the_call(self, store: Store, use: Callable[[Store], object]) -> None:
        with pytest.raises(ConfigurationError):
            use(store)
        put(store, "still works")

    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.get("s", "a"),
            lambda store: store.get_many("s", ["a"]),
            lambda store: store.scan("s"),
            lambda store: store.get_columns("c", ["a"]),
            lambda store: store.scan_columns("c"),
            lambda store: store.count_columns("c"),
            lambda store: store.commit([Put("s", "a", 1)]),
            lambda store: store.commit([]),
        ],
    )
    def test_a_closed_store_says_so(self, store: Store, use: Callable[[Store], object]) -> None:
        put(store, "a")
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"):
            use(store)

    def test_closed_while_iterating(self, store: Store) -> None:
        store.commit([Put("s", f"{n:04}", "x") for n in range(3000)])
        entries = store.scan("s")
        next(entries)
        store.close()
        with pytest.raises(IntegrakitError, match="closed"):
            list(entries)

    def test_with(self, store: Any) -> None:
        with store as same:
            assert same is store
            put(store, "a")
        with pytest.raises(StoreError, match="closed"):
            store.get("s", "a")
