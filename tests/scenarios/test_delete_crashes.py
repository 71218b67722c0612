"""Deletes by sweeps and by tombstones, killed before or after each I/O step, and by SIGKILL: in the end the sink holds what the source has, no record
that lives was deleted, and no delete was sent in two versions.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page, Tombstone
from integrakit.protocols import Delete
from integrakit.state import MemoryStore, SqliteStore
from integrakit.sync import Sync
from integrakit.writing import Guard, Intents

LOOSE = Guard(max_deletes=None, max_rejected=None)


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Kills at one I/O step: before it takes place, or after it did and before anybody heard of it."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after, self.steps, self.dead = at, after, 0, False

    def step(self, action: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        self.steps += 1
        fatal = self.steps == self.at
        if fatal and not self.after:
            self.dead = True
            raise Killed
        result = action()
        if fatal:
            self.dead = True
            raise Killed
        return result


class MortalStore:
    """A store as one process sees it."""

    def __init__(self, store: MemoryStore, fate: Fate) -> None:
        self._store, self._fate = store, fate

    def commit(self, operations: Any) -> None:
        self._fate.step(lambda: self._store.commit(operations))


def _passed_on(name: str) -> Any:
    def method(self: MortalStore, *args: Any, **options: Any) -> Any:
        if self._fate.dead:
            raise Killed
        return getattr(self._store, name)(*args, **options)

    return method


for _name in ("get", "get_many", "scan", "get_columns", "scan_columns", "count_columns", "close"):
    setattr(MortalStore, _name, _passed_on(_name))


class Shop:
    """Pages of two; deletes since a run are told first, where it has a feed."""

    key = "id"

    def __init__(self, *, feed: bool) -> None:
        self.tombstones = feed
        self.rows = {number: number * 10 for number in range(1, 8)}
        self.gone: list[int] = []
        self.evidence = Evidence()

    def delete(self, *keys: int) -> None:
        for key in keys:
            del self.rows[key]
            self.gone.append(key)

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.evidence = Evidence(reasons=("under way",))
        token = None if since is None or since.token is None else since.token
        told = 0 if since is None or since.deletes is None else since.deletes["told"]
        if self.tombstones and token is None:
            for key in self.gone[told:]:
                yield Page([Tombstone(key)], Checkpoint(resource="shop", deletes={"told": told}))
        deletes = {"told": len(self.gone)} if self.tombstones else None
        keys = sorted(key for key in self.rows if token is None or key > token["after"])
        for start in range(0, len(keys), 2):
            part = keys[start : start + 2]
            more = {"after": part[-1]} if start + 2 < len(keys) else None
            yield Page([{"id": key, "v": self.rows[key]} for key in part], Checkpoint(resource="shop", token=more, deletes=deletes))
        self.evidence = Evidence(complete=True)


class Sink:
    key = "id"

    def __init__(self, rows: dict[Any, Any], log: list[tuple[str, Any, Any]], fate: Fate, kind: str) -> None:
        self.rows, self.log, self.fate = rows, log, fate
        self.repeatable, self.takes_keys = kind == "repeatable", kind == "keys"

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [self.fate.step(lambda change=change: self.one(change)) for change in changes]

    def one(self, change: Change) -> Outcome:
        self.log.append((change.kind, change.key, change.idempotency_key))
        if change.kind == "delete":
            self.rows.pop(change.key, None)
        else:
            self.rows[change.key] = (change.whole or change.record or {})["v"]
        return Outcome.applied(change.key)


def renamed(record: Any) -> Any:
    return {"id": f"S-{record['id']}", "v": record["v"]}


class World:
    def __init__(self, kind: str, how: str, mapping: Any) -> None:
        self.kind, self.how, self.mapping = kind, how, mapping
        self.shop, self.store = Shop(feed=how == "feed"), MemoryStore()
        self.rows: dict[Any, Any] = {}
        self.log: list[tuple[str, Any, Any]] = []

    def process(self, fate: Fate) -> Sync:
        self.store.commit([Delete("leases", "sync:s")])
        sink = Sink(self.rows, self.log, fate, self.kind)
        store = MortalStore(self.store, fate)
        return Sync("s", source=self.shop, sink=sink, mapping=self.mapping, store=store, guard=LOOSE, batch=2, progress=False)

    def work(self, sync: Sync) -> None:
        if self.how == "feed":
            sync.run()
        elif self.how == "plan":
            sync.plan_sweep().apply()
        else:
            sync.sweep()


@pytest.mark.parametrize("kind", ["repeatable", "keys"])
@pytest.mark.parametrize("mapping", [None, renamed])
@pytest.mark.parametrize("how", ["sweep", "plan", "feed"])
def test_killed_at_every_step(how: str, mapping: Any, kind: str) -> None:
    deaths = 0
    for after in (False, True):
        at = 1
        while True:
            world = World(kind, how, mapping)
            world.process(Fate()).run()
            world.shop.delete(2, 3, 5, 7)
            world.log.clear()
            fate = Fate(at, after=after)
            try:
                world.work(world.process(fate))
            except Killed:
                deaths += 1
                # A dead process leaves what it had open to settle, which a plan refuses to do: somebody runs the sync first.
                if how == "plan":
                    world.process(Fate()).run()
                world.work(world.process(Fate()))
            where = f"killed {'after' if after else 'before'} step {at}; log: {world.log}"
            own = (lambda key: key) if mapping is None else (lambda key: f"S-{key}")
            assert world.rows == {own(key): value for key, value in world.shop.rows.items()}, where
            deleted = [(key, token) for change, key, token in world.log if change == "delete"]
            assert {key for key, _ in deleted} == {own(key) for key in (2, 3, 5, 7)}, where
            assert len(set(deleted)) == 4, where
            assert list(Intents(world.store, "s").all()) == []
            if not fate.dead:
                break
            at += 1
    assert deaths > 10


# ---------------------------------------------------------------------------------------------------- a real process

CHILD = """
    import sys
    from integrakit.model import Evidence, Outcome, Page
    from integrakit.sync import Sync
    from integrakit.writing import Guard

    class Source:
        key = "id"
        def pages(self, since):
            yield Page([{"id": number} for number in range(int(sys.argv[2]), 12)])
            self.evidence = Evidence(complete=True)

    class Sink:
        key, takes_keys = "id", True

        def write(self, changes):
            outcomes = []
            for change in changes:
                if change.kind == "delete":
                    print(change.idempotency_key, change.key, flush=True)
                    sys.stdin.readline()
                outcomes.append(Outcome.applied(change.key))
            return outcomes

    sync = Sync("s", source=Source(), sink=Sink(), store=sys.argv[1], batch=3, progress=False, guard=Guard(max_deletes=None))
    print("begin", flush=True)
    report = sync.run() if sys.argv[2] == "0" else sync.sweep()
    print("end", report.deleted, flush=True)
"""


class Child:
    def __init__(self, store: Path, first: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CHILD), str(store), str(first)],
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

    def finish(self) -> list[str]:
        lines = []
        while line := self.line():
            lines.append(line)
            if not line.startswith("end"):
                self.go_on()
        with self.process:
            assert self.process.stderr is not None
            errors = self.process.stderr.read()
        assert (errors, self.process.returncode) == ("", 0)
        return lines


@pytest.mark.parametrize("survived", [0, 2, 5])
def test_a_sweep_killed_in_the_middle_of_a_batch(survived: int, tmp_path: Path) -> None:
    store = tmp_path / "state.db"
    assert Child(store, 0).finish() == ["end 0"]
    child = Child(store, 8)
    sent = [child.line()]
    for _ in range(survived):
        child.go_on()
        sent.append(child.line())
    child.process.kill()
    with child.process:
        pass
    *again, end = Child(store, 8).finish()
    assert end.startswith("end")
    batch = survived // 3 * 3
    assert again[: len(sent) - batch] == sent[batch:], "the open batch is sent again, with its keys"
    assert {line.split()[1] for line in [*sent, *again]} == {str(number) for number in range(8)}
    assert len({line.split()[0] for line in [*sent, *again]}) == 8, "one idempotency key for each record"
    with SqliteStore(store) as opened:
        assert opened.count_columns("written:s") == 4
        assert list(Intents(opened, "s").all()) == []
