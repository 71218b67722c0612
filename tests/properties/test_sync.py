"""A sync against a model: random edits of the source, deaths at random I/O steps, random answers of the sink; in the end both sides agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from integrakit.errors import PlanOutdated, WriteError
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page
from integrakit.protocols import Delete, Operation
from integrakit.state import MemoryStore
from integrakit.sync import Sync
from integrakit.writing import Guard, Intents

LOOSE = Guard(max_deletes=None, max_rejected=None)
ANSWERS = ["applied", "applied", "applied", "rejected", "failed", "lost before", "lost after", "told unknown", "raises"]


class Killed(BaseException):
    """The process is gone."""


class Process:
    """One process: it dies at one I/O step, before or after it; a store and a sink as it sees them."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after, self.dead = at, after, False

    def step(self, action: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        self.left -= 1
        self.dead = self.left == 0
        if self.dead and not self.after:
            raise Killed
        result = action()
        if self.dead:
            raise Killed
        return result


class MortalStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.process = Process(0, False)

    def commit(self, operations: Sequence[Operation]) -> None:
        commit = super().commit
        self.process.step(lambda: commit(operations))


class Shop:
    """Read as a whole, key by key; or only what changed since, in the order of changes, the last one once more."""

    key = "id"

    def __init__(self, incremental: bool) -> None:
        self.incremental = incremental
        self.rows: dict[int, int] = {}
        self.changed: dict[int, int] = {}
        self.clock = 0
        self.evidence = Evidence()

    def put(self, key: int, value: int) -> None:
        self.clock += 1
        self.rows[key], self.changed[key] = value, self.clock

    def pages(self, since: Checkpoint | None) -> Iterator[Page]:
        self.evidence = Evidence()
        place: Callable[[int], int] = self.changed.__getitem__ if self.incremental else int
        begin = -1
        if since is not None:
            begin = since.watermark if self.incremental else since.token["after"] + 1
        keys = sorted((key for key in self.rows if place(key) >= begin), key=place)
        for start in range(0, len(keys), 2):
            part = keys[start : start + 2]
            last = place(part[-1])
            checkpoint = Checkpoint(resource="shop", watermark=last) if self.incremental else Checkpoint(resource="shop", token={"after": last})
            yield Page([{"id": key, "v": self.rows[key]} for key in part], checkpoint)
        self.evidence = Evidence(complete=True, ended_by="protocol")


class Books:
    """A system of one of three kinds, which answers as it is told to."""

    key = "id"

    def __init__(self, kind: str, store: MortalStore) -> None:
        self.store = store
        self.takes_keys, self.repeatable, self.findable = kind == "keys", kind == "upsert", kind == "find"
        self.rows: dict[int, dict[str, Any]] = {}
        self.known: dict[str, Outcome] = {}
        self.answers: Iterator[str] = iter(())
        self.next = 0

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return [self.store.process.step(lambda change=change: self._one(change)) for change in changes]

    def _one(self, change: Change) -> Outcome:
        if self.takes_keys and change.idempotency_key in self.known:
            return self.known[change.idempotency_key]
        answer = next(self.answers, "applied")
        if answer == "rejected":
            outcome = Outcome.rejected(change.key, "no")
        elif answer == "failed":
            return Outcome.failed(change.key, "later")
        elif answer in ("lost before", "raises"):
            outcome = None
        else:
            outcome = self._apply(change)
        if outcome is not None:
            self.known[str(change.idempotency_key)] = outcome
        if answer == "raises":
            raise RuntimeError("an SDK gave up")
        return Outcome.unknown(change.key, "no answer") if outcome is None or answer in ("lost after", "told unknown") else outcome

    def _apply(self, change: Change) -> Outcome:
        known = next((number for number, row in self.rows.items() if row["id"] == change.key), None)
        number = change.remote_key if self.takes_keys else known
        if change.kind == "delete":
            assert self.rows.pop(number, None) is not None or not self.takes_keys
        elif change.kind == "update" or (self.repeatable and number is not None):
            self.rows[number].update(change.record or {})
        else:
            self.next += 1
            number = self.next
            self.rows[number] = dict(change.record or {})
        return Outcome.applied(change.key, remote_key=number if self.takes_keys else None)

    def find(self, keys: Sequence[Any]) -> dict[Any, Mapping[str, Any]]:
        return {row["id"]: row for row in self.rows.values() if row["id"] in keys}


def mapped(record: dict[str, Any]) -> dict[str, Any]:
    if record["v"] < 0:
        raise ValueError("not below zero")
    return dict(record)


class Model(RuleBasedStateMachine):
    @initialize(
        kind=st.sampled_from(["keys", "upsert", "find"]),
        remember=st.sampled_from(["record", "fingerprint"]),
        workers=st.sampled_from([1, 1, 2]),
        incremental=st.booleans(),
    )
    def begin(self, kind: str, remember: Any, workers: int, incremental: bool) -> None:
        self.store = MortalStore()
        self.shop, self.books = Shop(incremental), Books(kind, self.store)
        self.options: dict[str, Any] = {"remember": remember, "workers": workers, "mode": "upsert" if incremental else "mirror"}

    def sync(self, at: int = 0, after: bool = False, answers: Sequence[str] = ()) -> Sync:
        self.store.process = Process(0, False)
        self.store.commit([Delete("leases", "sync:s")])
        self.store.process = Process(at, after)
        self.books.answers = iter(answers)
        return Sync("s", source=self.shop, sink=self.books, mapping=mapped, store=self.store, guard=LOOSE, batch=2, progress=False, **self.options)

    @rule(key=st.integers(0, 6), value=st.integers(-1, 3))
    def put(self, key: int, value: int) -> None:
        self.shop.put(key, value)

    @precondition(lambda self: self.shop.rows and not self.shop.incremental)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        del self.shop.rows[data.draw(st.sampled_from(sorted(self.shop.rows)))]

    @rule(
        at=st.integers(0, 30),
        after=st.booleans(),
        answers=st.lists(st.sampled_from(ANSWERS), max_size=12),
        how=st.sampled_from(["run", "run", "plan", "replay"]),
    )
    def work(self, at: int, after: bool, answers: list[str], how: str) -> None:
        sync = self.sync(at, after, answers)
        try:
            if how == "plan":
                sync.plan().apply()
            elif how == "replay":
                sync.dead_letters.replay()
            else:
                sync.run()
        except (Killed, PlanOutdated):
            return
        except WriteError as problem:
            if "an SDK gave up" not in str(problem):
                raise

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.sync().run()
        self.sync().dead_letters.replay()
        self.sync().run()  # a mirror takes away again what was replayed and is gone from the source
        sync = self.sync()
        report = sync.run()
        assert (report.written, report.deleted, report.failed, report.unknown) == (0, 0, 0, 0), report
        content = sorted((row["id"], row["v"]) for row in self.books.rows.values())
        keys = [key for key, _ in content]
        assert len(set(keys)) == len(keys), f"doubled: {content}"
        bad = {key for key, value in self.shop.rows.items() if value < 0}
        good = {key: value for key, value in self.shop.rows.items() if value >= 0}
        assert {key: value for key, value in content if key in good} == good
        if not bad:
            assert set(keys) == set(good)
        letters = [letter.input["id"] for letter in sync.dead_letters if letter.input is not None]
        assert len(letters) == len(set(letters)), "one letter for each record"
        assert bad <= set(letters)
        # The letter of a record that is gone from the source stays: nobody said that it is well.
        assert not set(letters) & set(good)
        assert list(Intents(self.store, "s").all()) == []


TestModel = Model.TestCase
TestModel.settings = settings(stateful_step_count=16)
