"""Any sequence of operations leaves the SQLite store, the memory store and a plain dict with the same content, across restarts."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import define, evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.services.databases import KINDS, Room, room

from integrakit.errors import VersionConflict
from integrakit.protocols import Delete, DeleteColumns, Operation, Put, PutColumns, Store
from integrakit.state import MemoryStore, SqliteStore
from integrakit.state.arguments import prefix_end

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.sampled_from(["a", "a%", "b", "", "a\0", "\uffff", "😀"])
SPACES = st.sampled_from(["s", "s", "s", "t:é"])
ATTRIBUTES = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "open", 1, 0]), max_size=2)
NO_WHERE: st.SearchStrategy[dict[str, Any]] = st.just({})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=False) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3) | st.just("$"), inner, max_size=2),
    max_leaves=4,
)
#: What a write expects of a document: its version, resolved for each store as it stands. "stale": a version that this key had once.
Expectation = Literal["any", "absent", "current", "stale"]
EXPECT = st.sampled_from(["any"] * 12 + ["current"] * 6 + ["absent", "stale"])


@frozen
class Write:
    """A `Put` or, with ``delete``, a `Delete`, before its ``expect`` is known."""

    place: tuple[str, str]
    value: Any
    expectation: Expectation
    ttl: float | None
    attributes: dict[str, Any]
    delete: bool


WRITES = st.builds(
    Write, st.tuples(SPACES, KEYS), VALUES, EXPECT, st.sampled_from([None, None, 1, 2.5]), ATTRIBUTES, st.sampled_from([False, False, True])
)
COLUMNS = st.builds(PutColumns, SPACES, st.dictionaries(KEYS, st.binary(max_size=4), max_size=4)) | st.builds(
    DeleteColumns, SPACES, st.none() | st.lists(KEYS, max_size=4)
)
STEPS = st.lists(WRITES | WRITES | COLUMNS, min_size=1, max_size=10)


@define
class Wall:
    seconds: float = 1_000_000.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@frozen
class Document:
    value: Any
    attributes: dict[str, Any]
    expires: float


#: The database of the service tests, and how many stores it has seen: each example has tables of its own prefix.
ROOM: dict[str, Room] = {}
NUMBERS = count()


class Stores(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Wall()
        self.stores: dict[str, Store] = {"memory": MemoryStore(clock=self.clock), "sqlite": self.opened()}
        # The model: what is there, and for each store and place the greatest version it ever had.
        self.documents: dict[tuple[str, str], Document] = {}
        self.columns: dict[tuple[str, str], bytes] = {}
        self.spent: dict[tuple[str, tuple[str, str]], int] = {}

    def opened(self) -> SqliteStore:
        return SqliteStore(self.folder / "state.db", clock=self.clock)

    def alive(self, place: tuple[str, str]) -> bool:
        return place in self.documents and self.documents[place].expires > self.clock.seconds

    @rule(steps=STEPS)
    def commit(self, steps: list[Any]) -> None:
        # Only the first write of a place in a commit expects something: what it should expect later on is the business of the conformance suite.
        touched: set[tuple[str, str]] = set()
        conflict = False
        for number, step in enumerate(steps):
            if isinstance(step, Write):
                if step.place in touched:
                    steps[number] = evolve(step, expectation="any")
                elif step.expectation == "absent":
                    conflict |= self.alive(step.place)
                conflict |= steps[number].expectation == "stale"
                touched.add(step.place)
        for name, store in self.stores.items():
            before = {place: store.get(*place) for place in touched}
            try:
                store.commit([self.operation(name, store, step) for step in steps])
                assert not conflict, name
            except VersionConflict:
                assert conflict, name
                assert {place: store.get(*place) for place in touched} == before
        if not conflict:
            self.apply(steps)
            self.check_versions(touched)

    def operation(self, name: str, store: Store, step: Any) -> Operation:
        if not isinstance(step, Write):
            operation: Operation = step
            return operation
        entry = store.get(*step.place)
        current = 0 if entry is None else entry.version
        spent = self.spent.get((name, step.place), 7)
        stale = spent - 1 if spent == current else spent
        expect = {"any": None, "absent": 0, "current": current, "stale": stale or 7}[step.expectation]
        if step.delete:
            return Delete(*step.place, expect=expect)
        return Put(*step.place, step.value, expect=expect, ttl=step.ttl, attributes=step.attributes)

    def apply(self, steps: list[Any]) -> None:
        for step in steps:
            if isinstance(step, Write):
                self.documents.pop(step.place, None)
                if not step.delete:
                    expires = float("inf") if step.ttl is None else self.clock.seconds + step.ttl
                    self.documents[step.place] = Document(step.value, step.attributes, expires)
            elif isinstance(step, PutColumns):
                self.columns |= {(step.set, key): value for key, value in step.values.items()}
            else:
                for place in list(self.columns):
                    if place[0] == step.set and (step.keys is None or place[1] in step.keys):
                        del self.columns[place]

    def check_versions(self, touched: set[tuple[str, str]]) -> None:
        for name, store in self.stores.items():
            for place in touched:
                entry = store.get(*place)
                if entry is not None:
                    assert entry.version > self.spent.get((name, place), 0), "a version came back"
                    self.spent[name, place] = entry.version

    @rule(seconds=st.sampled_from([0.5, 1, 2]))
    def time_passes(self, seconds: float) -> None:
        self.clock.seconds += seconds

    @precondition(lambda self: self.documents)
    @rule()
    def restart(self) -> None:
        self.stores["sqlite"].close()
        self.stores["sqlite"] = self.opened()

    @rule(space=SPACES, prefix=st.just("") | KEYS, where=NO_WHERE | ATTRIBUTES, after=st.none() | KEYS, limit=st.none() | st.integers(1, 3))
    def scan(self, space: str, prefix: str, where: dict[str, Any], after: str | None, limit: int | None) -> None:
        expected = [
            (key, document.value, document.attributes)
            for (place, key), document in sorted(self.documents.items(), key=lambda item: item[0])
            if place == space
            and document.expires > self.clock.seconds
            and key.startswith(prefix)
            and (after is None or key > after)
            and all(_same(document.attributes.get(name), value) for name, value in where.items())
        ][:limit]
        for store in self.stores.values():
            found = store.scan(space, prefix=prefix, where=where, after=after, limit=limit)
            assert [(entry.key, entry.value, entry.attributes) for entry in found] == expected

    @rule(set=SPACES, keys=st.lists(KEYS, max_size=5), after=st.none() | KEYS, limit=st.none() | st.integers(0, 3))
    def read_columns(self, set: str, keys: list[str], after: str | None, limit: int | None) -> None:
        mine = {key: value for (name, key), value in self.columns.items() if name == set}
        for store in self.stores.values():
            assert store.get_columns(set, keys) == {key: mine[key] for key in keys if key in mine}
            assert store.count_columns(set) == len(mine)
            assert (
                list(store.scan_columns(set, after=after, limit=limit))
                == sorted(item for item in mine.items() if after is None or item[0] > after)[:limit]
            )

    @invariant()
    def same_documents(self) -> None:
        for place, document in self.documents.items():
            for store in self.stores.values():
                entry = store.get(*place)
                assert (entry is not None) == self.alive(place)
                assert store.get_many(place[0], [place[1]]) == ({} if entry is None else {place[1]: entry})
                if entry is not None:
                    assert (entry.value, entry.attributes, entry.key) == (document.value, document.attributes, place[1])

    def teardown(self) -> None:
        for store in self.stores.values():
            store.close()
        shutil.rmtree(self.folder)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


TestStores = Stores.TestCase
TestStores.settings = settings(stateful_step_count=50)


class SqlStores(Stores):
    """The same, with a SQL store beside the other two."""

    kind = ""

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"t{next(NUMBERS)}_"
        self.stores[self.kind] = self.opened_sql()

    def opened_sql(self) -> Store:
        return ROOM[self.kind].store(self.prefix, clock=self.clock)

    @precondition(lambda self: self.documents)
    @rule()
    def restart_sql(self) -> None:
        self.stores[self.kind].close()
        self.stores[self.kind] = self.opened_sql()


@pytest.mark.service
@pytest.mark.parametrize("kind", KINDS)
def test_sql_stores(kind: str) -> None:
    class OfKind(SqlStores):
        pass

    OfKind.kind = kind
    with room(kind) as ROOM[kind]:
        run_state_machine_as_test(OfKind, settings=settings(stateful_step_count=30, max_examples=8, deadline=None))


@given(prefix=TEXT, text=TEXT)
def test_prefix_end_is_the_edge(prefix: str, text: str) -> None:
    end = prefix_end(prefix)
    for candidate in (text, prefix + text, prefix):
        inside = candidate >= prefix and (end is None or candidate < end)
        assert inside == candidate.startswith(prefix)


@given(parts=st.lists(st.sampled_from(["a", "\ud7ff", "\ue000", "\U0010ffff"]), max_size=4), text=TEXT)
def test_prefix_end_at_the_rims_of_unicode(parts: list[str], text: str) -> None:
    prefix = "".join(parts)
    end = prefix_end(prefix)
    assert end is None or (end.encode() > prefix.encode() and not end.startswith(prefix))
    for candidate in (text, prefix + text, prefix[:-1] + text):
        assert (candidate >= prefix and (end is None or candidate < end)) == candidate.startswith(prefix)
