"""A sync that dies before or after each I/O step in turn, and is run again: nothing lost, nothing doubled, and what cannot be known is listed.

The process "dies" by an exception nobody catches; from then on neither store nor sink answers it. What the next process finds is what was there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import IntegrakitError, PlanOutdated, StoreError
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page
from integrakit.protocols import Delete, Operation, Store
from integrakit.sql import SqlTable
from integrakit.state import MemoryStore, SqliteStore
from integrakit.sync import Report, Sync
from integrakit.writing import Guard, Intents

LOOSE = Guard(max_deletes=None, max_rejected=None)


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Counts I/O steps and kills at one of them: before it takes place, or after it did and before anybody heard of it."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after = at, after
        self.steps = 0
        self.dead = False

    def step(self, action: Callable[[], Any]) -> Any:
        self.alive()
        self.steps += 1
        fatal = self.steps == self.at
        if fatal and not self.after:
            self.die()
        result = action()
        if fatal:
            self.die()
        return result

    def alive(self) -> None:
        if self.dead:
            raise Killed

    def die(self) -> None:
        self.dead = True
        raise Killed


class MortalStore:
    """A store as one process sees it."""

    def __init__(self, store: Any, fate: Fate) -> None:
        self._store, self._fate = store, fate

    def get(self, space: str, key: str) -> Any:
        self._fate.alive()
        return self._store.get(space, key)

    def get_many(self, space: str, keys: Iterable[str]) -> Any:
        self._fate.alive()
        return self._store.get_many(space, keys)

    def scan(self, space: str, **options: Any) -> Iterator[Any]:
        self._fate.alive()
        return self._store.scan(space, **options)

    def get_columns(self, set: str, keys: Iterable[str]) -> Any:
        self._fate.alive()
        return self._store.get_columns(set, keys)

    def scan_columns(self, set: str, **options: Any) -> Iterator[Any]:
        self._fate.alive()
        return self._store.scan_columns(set, **options)

    def count_columns(self, set: str) -> int:
        self._fate.alive()
        return self._store.count_columns(set)

    def commit(self, operations: Sequence[Operation]) -> None:
        self._fate.step(lambda: self._store.commit(operations))

    def close(self) -> None:
        self._store.close()


class MortalSqlStore(MortalStore):
    """The same for a store whose transaction a sink can share."""

    @property
    def path(self) -> Any:
        return self._store.path

    def same_database(self, path: Any) -> bool:
        return self._store.same_database(path)

    def commit_with(self, work: Any) -> Any:
        return self._fate.step(lambda: self._store.commit_with(work))


class Shop:
    """A source with pages of two, whose rows are edited between runs. Keyset paging; it can be resumed, and proves its completeness."""

    key = "id"

    def __init__(self, rows: Mapping[Any, Mapping[str, Any]]) -> None:
        self.rows = {key: dict(row) for key, row in rows.items()}
        self.evidence = Evidence()

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.evidence = Evidence(reasons=("under way",))
        after = since.token["after"] if since is not None and since.token else None
        keys = sorted(key for key in self.rows if after is None or key > after)
        for start in range(0, len(keys), 2):
            part = keys[start : start + 2]
            token = {"after": part[-1]} if start + 2 < len(keys) else None
            yield Page([{"id": key, **self.rows[key]} for key in part], Checkpoint(resource="shop", token=token))
        self.evidence = Evidence(complete=True, records=len(keys), ended_by="protocol")


class Books:
    """The system behind every sink of this file: it gives ids of its own and keeps what it is told. ``log``: key and value, as they were written."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.log: list[tuple[str, Any, Any]] = []
        self.next = 100

    def create(self, record: Mapping[str, Any]) -> int:
        self.next += 1
        self.rows[self.next] = dict(record)
        self.log.append(("create", record["id"], record.get("v")))
        return self.next

    def patch(self, number: int, fields: Mapping[str, Any]) -> None:
        self.rows[number].update(fields)
        self.log.append(("update", self.rows[number]["id"], fields.get("v")))

    def delete(self, number: int) -> None:
        self.log.append(("delete", self.rows.pop(number)["id"], None))

    def numbers(self, key: Any) -> list[int]:
        return [number for number, row in self.rows.items() if row["id"] == key]

    def content(self) -> list[tuple[Any, Any]]:
        return sorted((row["id"], row["v"]) for row in self.rows.values())


class SinkOf:
    """What is common to the sinks: one I/O step for each change, and what the system refuses."""

    key: Any = "id"

    def __init__(self, books: Books, fate: Fate, refuse: Callable[[Change], Outcome | None] = lambda change: None) -> None:
        self.books, self.fate, self.refuse = books, fate, refuse

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [self.fate.step(lambda change=change: self.one(change)) for change in changes]

    def one(self, change: Change) -> Outcome:
        return self.refuse(change) or self.apply(change)

    def apply(self, change: Change) -> Outcome:
        raise NotImplementedError


class KeySink(SinkOf):
    """Creates blindly, and answers an idempotency key it knows with what it answered then."""

    takes_keys = True

    def __init__(self, *args: Any, answers: dict[str, Outcome], **options: Any) -> None:
        super().__init__(*args, **options)
        self.answers = answers

    def one(self, change: Change) -> Outcome:
        assert change.idempotency_key is not None
        if change.idempotency_key not in self.answers:
            refused = self.refuse(change)
            if refused is not None and refused.status != "rejected":
                return refused
            self.answers[change.idempotency_key] = refused or self.apply(change)
        return self.answers[change.idempotency_key]

    def apply(self, change: Change) -> Outcome:
        if change.kind == "delete":
            self.books.delete(change.remote_key)
            return Outcome.applied(change.key)
        if change.remote_key is None:
            assert change.kind != "update"
            return Outcome.applied(change.key, remote_key=self.books.create(change.record or {}))
        self.books.patch(change.remote_key, change.record or {})
        return Outcome.applied(change.key)


class UpsertSink(SinkOf):
    """Has no ids of its own; puts by key, whatever was there."""

    repeatable = True

    def apply(self, change: Change) -> Outcome:
        numbers = self.books.numbers(change.key)
        if change.kind == "delete":
            for number in numbers:
                self.books.delete(number)
        elif numbers:
            self.books.patch(numbers[0], change.record or {})
        else:
            assert change.kind != "update", "the row was there when the update was made"
            self.books.create(change.record or {})
        return Outcome.applied(change.key)


class FindSink(SinkOf):
    """Creates blindly and knows no idempotency keys, but can be asked what it holds. It names no remote keys."""

    def apply(self, change: Change) -> Outcome:
        numbers = self.books.numbers(change.key)
        if change.kind == "delete":
            for number in numbers:
                self.books.delete(number)
        elif change.kind == "update":
            self.books.patch(numbers[0], change.record or {})
        else:
            self.books.create(change.record or {})
        return Outcome.applied(change.key)

    def find(self, keys: Sequence[Any]) -> dict[Any, Mapping[str, Any]]:
        self.fate.alive()
        return {row["id"]: row for row in self.books.rows.values() if row["id"] in keys}


class World:
    """What outlives a process: the systems and the store."""

    def __init__(self, kind: str, folder: Path, rows: Mapping[Any, Mapping[str, Any]], **options: Any) -> None:
        self.kind, self.folder, self.options = kind, folder, options
        self.shop, self.books = Shop(rows), Books()
        self.answers: dict[str, Outcome] = {}
        self.refuse: Callable[[Change], Outcome | None] = lambda change: None
        self.mapping: Callable[[Any], Any] | None = None
        self.store: Any = MemoryStore()
        if kind == "table":
            self.store = SqliteStore(folder / "state.db")

    def table(self) -> SqlTable:
        return SqlTable(self.folder / "state.db", "books", key="id", create={"id": "INTEGER", "v": "INTEGER", "w": "TEXT"})

    def sink(self, fate: Fate) -> Any:
        if self.kind == "keys":
            sink = KeySink(self.books, fate, self.refuse, answers=self.answers)
            sink.key = self.options.get("key", "id")
            return sink
        if self.kind == "upsert":
            return UpsertSink(self.books, fate, self.refuse)
        if self.kind == "find":
            return FindSink(self.books, fate, self.refuse)
        if self.kind == "table":
            return self.table()

        def plain(records: list[Mapping[str, Any]]) -> None:
            for record in records:
                fate.step(lambda record=record: self.books.create(record))

        return plain

    def process(self, fate: Fate) -> Sync:
        """A new process: whoever held the lease is gone."""
        self.store.commit([Delete("leases", "sync:s")])
        wrapper = MortalSqlStore if self.kind == "table" else MortalStore
        options = {"key": "id", "guard": LOOSE, "batch": 2, "progress": False, **self.options}
        return Sync("s", source=self.shop, sink=self.sink(fate), mapping=self.mapping, store=wrapper(self.store, fate), **options)

    def content(self) -> list[tuple[Any, Any]]:
        if self.kind != "table":
            return self.books.content()
        with self.table() as table:
            return sorted((row["id"], row["v"]) for row in table)

    def close(self) -> None:
        self.store.close()


Action = Callable[[Sync], Any]


def live(world: World, fate: Fate, work: Callable[[Sync], Any]) -> bool:
    """Whether the process survived its work."""
    sync = world.process(fate)
    try:
        work(sync)
    except Killed:
        return False
    assert not fate.dead
    return True


def lives(make: Callable[[], World], history: Sequence[Callable[[World], Any]], check: Callable[[World], None]) -> int:
    """Goes through ``history`` once for each I/O step and each side of it. An element edits the world, and may give the work of one process, which is
    the one that may die. After a death the history goes on with its next element. Then ``check``. Gives the number of deaths."""
    deaths = 0
    for after in (False, True):
        at = 1
        while True:
            world, fate, killed = make(), Fate(at, after=after), False
            try:
                for element in history:
                    work = element(world)
                    if work is not None and not live(world, fate, work):
                        killed = True
                        fate = Fate()
                try:
                    check(world)
                except AssertionError as problem:
                    problem.add_note(f"killed {'after' if after else 'before'} step {at}; log: {world.books.log}")
                    raise
            finally:
                world.close()
            if not killed:
                break
            deaths += 1
            at += 1
    return deaths


def run(world: World) -> Callable[[Sync], Report]:
    return Sync.run


def edit(**rows: int | None) -> Callable[[World], None]:
    """``edit(k1=5)``: row 1 has v=5 now; None deletes it."""

    def change(world: World) -> None:
        for name, value in rows.items():
            key = int(name[1:])
            if value is None:
                del world.shop.rows[key]
            else:
                world.shop.rows[key] = {"v": value}

    return change


def rows(count: int) -> dict[int, dict[str, int]]:
    return {number: {"v": number * 10} for number in range(1, count + 1)}


def mirrored(world: World) -> None:
    """After one more run, and another for what changed behind the place where a run was cut off: sink equals source, each record exactly once,
    nothing is open, and nothing is sent any more."""
    world.process(Fate()).run()
    world.process(Fate()).run()
    assert world.content() == sorted((key, row["v"]) for key, row in world.shop.rows.items())
    assert list(Intents(world.store, "s").all()) == []
    assert list(world.store.scan("dead_letters:s")) == []
    before = len(world.books.log)
    report = world.process(Fate()).run()
    assert (report.written, report.deleted, report.unknown, report.settled) == (0, 0, 0, 0)
    assert report.unchanged == len(world.shop.rows)
    assert len(world.books.log) == before


SETTLING = ("keys", "upsert", "find", "table")


@pytest.mark.parametrize("kind", SETTLING)
@pytest.mark.parametrize("options", [{}, {"workers": 3, "batch": 1}, {"remember": "fingerprint"}, {"batch": 100}])
def test_killed_at_any_step_and_run_again(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    count = iter(range(1000))

    def make() -> World:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return World(kind, folder, rows(5), **options)

    deaths = lives(make, [run, run], mirrored)
    # A table that shares the store's transaction needs one step where the others need three.
    assert deaths >= 10


@pytest.mark.parametrize("kind", SETTLING)
def test_records_that_change_between_the_crash_and_the_next_run(kind: str, tmp_path: Path) -> None:
    count = iter(range(1000))

    def make() -> World:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return World(kind, folder, rows(4))

    # There and back: what was sent last must not be taken for what was written last.
    history = [run, edit(k1=11, k2=21, k5=50), run, edit(k1=10, k2=22, k5=51), run, edit(k2=20), run, run]
    lives(make, history, mirrored)


@pytest.mark.parametrize("kind", SETTLING)
def test_deletes_in_mirror_mode(kind: str, tmp_path: Path) -> None:
    count = iter(range(1000))

    def make() -> World:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return World(kind, folder, rows(4), mode="mirror")

    # Gone, new and gone before it was ever remembered, gone and back.
    history = [run, edit(k1=None, k2=None, k5=50), run, edit(k5=None, k2=20), run, edit(k1=12), run, run]
    lives(make, history, mirrored)


def test_an_old_intent_is_settled_with_its_exact_body_before_the_newer_version_goes_out_as_an_update(tmp_path: Path) -> None:
    def check(world: World) -> None:
        mirrored(world)
        written = [(kind, value) for kind, key, value in world.books.log if key == 1]
        assert written in ([("create", 10), ("update", 11)], [("create", 11)])

    deaths = lives(lambda: World("keys", tmp_path, rows(1)), [run, edit(k1=11), run], check)
    assert deaths > 4


@pytest.mark.parametrize("kind", SETTLING)
def test_replayed_dead_letters(kind: str, tmp_path: Path) -> None:
    count = iter(range(1000))

    def make() -> World:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        world = World(kind, folder, rows(4))
        world.refuse = lambda change: Outcome.rejected(change.key, "closed period", request_id="r-1") if change.key in (2, 3) else None
        return world

    def reopen(world: World) -> None:
        world.refuse = lambda change: None

    def replay(world: World) -> Action:
        return lambda sync: sync.dead_letters.replay()

    lives(make, [run, reopen, replay, replay, run], mirrored)


@pytest.mark.parametrize("kind", SETTLING)
def test_a_plan_that_dies_while_it_is_applied(kind: str, tmp_path: Path) -> None:
    count = iter(range(1000))

    def make() -> World:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return World(kind, folder, rows(4), mode="mirror")

    def apply(world: World) -> Action:
        def work(sync: Sync) -> None:
            plan = sync.plan()
            try:
                plan.apply()
            except PlanOutdated:
                # An earlier life left something open, and the plan said so.
                if "not settled" not in str(plan):
                    raise
                sync.run()

        return work

    lives(make, [run, edit(k1=None, k2=21, k5=50), apply, run], mirrored)


@pytest.mark.parametrize("kind", ["keys", "plain"])
@pytest.mark.parametrize("source_key", ["id", None])
def test_appending_without_a_key(kind: str, source_key: str | None, tmp_path: Path) -> None:
    """One complete run appends each record once, however often it died on the way."""

    def make() -> World:
        world = World(kind, tmp_path, rows(5), mode="append", key=None)
        world.shop.key = source_key  # type: ignore[assignment]
        return world

    def complete(world: World) -> bool:
        entry = world.store.get("checkpoints", "s")
        return entry is not None and entry.value["runs"] > 0

    def until_complete(world: World) -> Action | None:
        # What is known only by its place is appended anew by each run, so nobody runs it again once it is complete.
        return None if complete(world) else Sync.run

    def check(world: World) -> None:
        sync = world.process(Fate())
        if not complete(world):
            sync.run()
        written = [key for key, _ in world.content()]
        assert len(written) == len(set(written)), f"doubled: {written}"
        assert kind == "plain" or not sync.unknown
        for intent in sync.unknown:
            assert intent.change.record is not None
            sync.settle(intent, applied=intent.change.record["id"] in written)
        sync.dead_letters.replay()
        assert world.content() == sorted((key, row["v"]) for key, row in world.shop.rows.items())
        assert list(Intents(world.store, "s").all()) == []

    lives(make, [until_complete, until_complete], check)


@pytest.mark.parametrize("source_key", ["id", None])
def test_appending_again(source_key: str | None, tmp_path: Path) -> None:
    """Of a source that has a key a second run appends what is new; without one, everything is new."""
    world = World("keys", tmp_path, rows(2), mode="append", key=None)
    world.shop.key = source_key  # type: ignore[assignment]
    world.process(Fate()).run()
    edit(k1=11, k3=30)(world)
    world.process(Fate()).run()
    assert world.content() == ([(1, 10), (2, 20), (3, 30)] if source_key else [(1, 10), (1, 11), (2, 20), (2, 20), (3, 30)])


def test_a_plain_callable_is_never_doubled_silently(tmp_path: Path) -> None:
    def check(world: World) -> None:
        sync = world.process(Fate())
        sync.run()
        written = [key for key, _ in world.content()]
        assert len(written) == len(set(written)), f"doubled: {written}"
        unknown = {intent.change.key for intent in sync.unknown}
        assert set(written) | unknown == set(world.shop.rows), "lost"
        # A person looks, and says for each what became of it: then all is well.
        for intent in sync.unknown:
            assert intent.error
            sync.settle(intent.change.key, applied=intent.change.key in written)
        assert sync.unknown == []
        sync.run()
        mirrored(world)

    deaths = lives(lambda: World("plain", tmp_path, rows(5)), [run, run], check)
    assert deaths > 15


def test_a_plain_callable_whose_records_changed_since(tmp_path: Path) -> None:
    def check(world: World) -> None:
        sync = world.process(Fate())
        sync.run()
        created = [(key, value) for kind, key, value in world.books.log]
        assert len(created) == len(set(created)), f"sent twice: {created}"
        for intent in list(sync.unknown):
            sync.settle(intent.change.key, applied=(intent.change.key, intent.change.whole or intent.change.record) and _there(world, intent.change))
        sync.run()
        latest = {key: value for _, key, value in world.books.log}
        assert latest == {key: row["v"] for key, row in world.shop.rows.items()}
        assert list(sync.dead_letters) == []
        assert sync.unknown == []

    lives(lambda: World("plain", tmp_path, rows(3)), [run, edit(k1=11, k2=21), run, edit(k1=12), run], check)


def _there(world: World, change: Change) -> bool:
    record = change.whole or change.record or {}
    return any(key == change.key and value == record["v"] for _, key, value in world.books.log)


def test_in_every_world(world: Any, tmp_path: Path) -> None:
    def async_run(_: World) -> Action:
        async def body(sync: Sync) -> None:
            await sync.arun()

        return lambda sync: world(lambda: body(sync))

    lives(lambda: World("keys", tmp_path, rows(3), workers=2, batch=1, mode="mirror"), [async_run, edit(k1=None), async_run, async_run], mirrored)


# ---------------------------------------------------------------------------------------------------- a disk that is full


class FullStore(MortalStore):
    """Every commit from one on fails for a while, as on a full disk."""

    def __init__(self, store: Any, first: int, last: int) -> None:
        super().__init__(store, Fate())
        self.first, self.last, self.count = first, last, 0

    def commit(self, operations: Sequence[Operation]) -> None:
        self.count += 1
        if self.first <= self.count <= self.last:
            raise StoreError("the disk is full")
        self._store.commit(operations)


@pytest.mark.parametrize("kind", ["keys", "upsert", "find"])
@pytest.mark.parametrize("long", [False, True])
def test_a_disk_that_is_full_at_any_commit(kind: str, long: bool, tmp_path: Path) -> None:
    first = 1
    while True:
        world = World(kind, tmp_path, rows(4), mode="mirror")
        full = FullStore(world.store, first, 10_000 if long else first)
        sync = Sync("s", source=world.shop, sink=world.sink(Fate()), key="id", store=full, mode="mirror", guard=LOOSE, batch=2)
        try:
            sync.run()
        except StoreError as problem:
            notes = "".join(getattr(problem, "__notes__", ()))
        else:
            break
        assert not long or first == 1 or "could not be given back" in notes
        full.last = 0
        world.process(Fate()).run()
        mirrored(world)
        first += 1
    assert first > 5


def test_a_real_file_that_cannot_grow(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    books = Books()
    shop = Shop({number: {"v": number, "text": "x" * 2000} for number in range(60)})
    with SqliteStore(path) as store:
        sync = Sync("s", source=shop, sink=UpsertSink(books, Fate()), key="id", store=store, batch=5)
        store.commit_with(lambda connection: (connection.execute("PRAGMA max_page_count = 40").fetchone(), []))
        with pytest.raises(StoreError, match="full"):
            sync.run()
    written = len(books.rows)
    assert 0 < written < 60
    with SqliteStore(path) as store:
        report = Sync("s", source=shop, sink=UpsertSink(books, Fate()), key="id", store=store, batch=5).run()
    assert len(books.rows) == 60
    # What was kept before the disk was full was not sent again.
    assert report.written < 60


# ---------------------------------------------------------------------------------------------------- real processes

CHILD = """
    import signal, sys, time
    from integrakit.model import Outcome
    from integrakit.sync import Sync

    # As in a terminal, also where the tests run in the background, where shells have it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    class Sink:
        key, takes_keys = "id", True

        def write(self, changes):
            outcomes = []
            for change in changes:
                print(change.idempotency_key, change.key, change.kind, flush=True)
                sys.stdin.readline()
                outcomes.append(Outcome.applied(change.key))
            return outcomes

    sync = Sync("s", source=[{"id": number, "v": number} for number in range(9)], sink=Sink(), store=sys.argv[1], batch=3, progress=False)
    print("begin", flush=True)
    report = sync.run()
    print("end", report.written, report.settled, report.notes, flush=True)
"""


class Child:
    """A sync in a process of its own; the test lets it write one record after the other."""

    def __init__(self, store: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CHILD), str(store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        assert self.line() == "begin"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self) -> tuple[list[str], str, int]:
        """What it wrote until its end, its errors, its exit code."""
        lines = []
        while line := self.line():
            lines.append(line)
            if not line.startswith("end"):
                self.go_on()
        return lines, self.end(), self.process.returncode

    def end(self) -> str:
        with self.process:
            assert self.process.stderr is not None
            return self.process.stderr.read()


@pytest.mark.parametrize("survived", [0, 2, 5])
def test_sigkill_in_the_middle_of_a_batch(survived: int, tmp_path: Path) -> None:
    store = tmp_path / "state.db"
    child = Child(store)
    sent = [child.line()]
    for _ in range(survived):
        child.go_on()
        sent.append(child.line())
    child.process.kill()
    child.end()
    # The lease of a process that is gone is free at once.
    lines, errors, code = Child(store).finish()
    assert (code, errors) == (0, "")
    assert lines[-1].startswith("end")
    again = lines[:-1]
    batch = survived // 3 * 3
    assert again[: len(sent) - batch] == sent[batch:], "the open batch is sent again, with its keys"
    assert len({line.split()[0] for line in [*sent, *again]}) == 9, "one idempotency key for each record"
    with SqliteStore(store) as opened:
        assert opened.count_columns("written:s") == 9
        assert list(Intents(opened, "s").all()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, None)])
def test_a_signal_finishes_the_batch_keeps_it_and_frees_the_lease(number: signal.Signals, code: int | None, tmp_path: Path) -> None:
    store = tmp_path / "state.db"
    child = Child(store)
    child.line()
    child.process.send_signal(number)
    child.go_on()
    lines, errors, exit_code = child.finish()
    assert len(lines) == 2, "the two records that were left of the batch"
    if code is None:
        assert "KeyboardInterrupt" in errors
    else:
        assert exit_code == code
    with SqliteStore(store) as opened:
        assert opened.count_columns("written:s") == 3
        assert list(Intents(opened, "s").all()) == []
        assert opened.get("leases", "sync:s") is None
    lines, errors, exit_code = Child(store).finish()
    assert (exit_code, errors) == (0, "")
    assert lines[-1].startswith("end 6 0")


def test_a_second_process_is_refused_while_the_first_is_under_way(tmp_path: Path) -> None:
    store = tmp_path / "state.db"
    child = Child(store)
    child.line()
    sent: list[Any] = []
    with (
        Sync("s", source=[{"id": 1}], sink=sent.extend, key="id", store=store) as second,
        pytest.raises(IntegrakitError, match="another run is under way"),
    ):
        second.run()
    assert sent == []
    child.go_on()
    lines, _, code = child.finish()
    assert code == 0
    assert lines[-1].startswith("end 9")


def test_cancelled_in_the_middle_of_a_write(tmp_path: Path) -> None:
    """asyncio's cancellation: the lease is given back, and the next run settles what was open."""
    books, answers = Books(), {}
    shop = Shop(rows(3))

    class Slow(KeySink):
        started: asyncio.Event

        async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
            outcomes = self.write(changes)
            self.started.set()
            await asyncio.Event().wait()
            return outcomes

    store: Store = MemoryStore()

    async def body() -> None:
        sink = Slow(books, Fate(), answers=answers)
        sink.started = asyncio.Event()
        sync = Sync("s", source=shop, sink=sink, store=store)
        task = asyncio.create_task(sync.arun())
        await sink.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert store.get("leases", "sync:s") is None
        assert len(list(Intents(store, "s").all())) == 2

    asyncio.run(body())
    report = Sync("s", source=shop, sink=KeySink(books, Fate(), answers=answers), store=store).run()
    assert (report.settled, report.written) == (2, 3)
    assert books.content() == [(1, 10), (2, 20), (3, 30)]


def test_the_helpers_do_kill() -> None:
    """A sweep whose check looks away would prove nothing."""
    fate = Fate(2, after=True)
    done: list[int] = []
    fate.step(lambda: done.append(1))
    with pytest.raises(Killed):
        fate.step(lambda: done.append(2))
    with pytest.raises(Killed):
        fate.alive()
    assert done == [1, 2]
    assert evolve(Outcome.applied(1), key=2) == Outcome.applied(2)
