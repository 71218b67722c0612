"""One handle for every kind of sink: what it can do, in which world, and what it says when the sink breaks its agreement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from integrakit.connector import Connector, Endpoint, Resource
from integrakit.errors import AuthenticationError, ConfigurationError, WriteError
from integrakit.model import Change, Outcome
from integrakit.protocols import Put, SinkLimits
from integrakit.runtimes import runtime
from integrakit.sql import SqlTable
from integrakit.state import MemoryStore, SqliteStore
from integrakit.writing import open_sink

CHANGES = [Change.upsert(1, {"id": 1}), Change.update(2, {"v": 2}, whole={"id": 2, "v": 2})]


class Writes:
    def __init__(self, answer: Any = None) -> None:
        self.got: list[Any] = []
        self.answer = answer

    def write(self, changes: Sequence[Change]) -> Any:
        self.got.append(list(changes))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return [Outcome.applied(change.key) for change in changes] if self.answer is None else self.answer


class Awrites:
    def __init__(self) -> None:
        self.got: list[Any] = []

    async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
        await runtime().sleep(0)
        self.got.append(list(changes))
        return [Outcome.applied(change.key) for change in changes]


class Both(Awrites):
    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        raise AssertionError("the blocking twin")


class OnRuntime(Both):
    on_runtime = True


def test_a_callable_gets_whole_records_and_none_means_applied(world: Any) -> None:
    got: list[Any] = []
    handle = open_sink(got.extend)
    assert world(lambda: handle.write(CHANGES)) == [Outcome.applied(1), Outcome.applied(2)]
    assert got == [{"id": 1}, {"id": 2, "v": 2}]
    assert not handle.deletes
    assert not handle.settles
    assert handle.name == "extend"


def test_a_callable_may_tell_outcomes(world: Any) -> None:
    told = [Outcome.applied(1), Outcome.rejected(2, "no")]
    assert world(lambda: open_sink(lambda records: tuple(told)).write(CHANGES)) == told


def test_an_object_with_write_is_called_off_the_loop(world: Any) -> None:
    sink = Writes()
    handle = open_sink(sink)
    assert world(lambda: handle.write(CHANGES)) == [Outcome.applied(1), Outcome.applied(2)]
    assert sink.got == [CHANGES]
    assert handle.deletes
    assert handle.name == "Writes"


def test_async_callables_and_awaitable_results(world: Any) -> None:
    got: list[Any] = []

    async def push(records: Any) -> None:
        await runtime().sleep(0)
        got.append(records)

    class Pushes:
        async def __call__(self, records: Any) -> None:
            await push(records)

    push.on_runtime = True  # type: ignore[attr-defined]
    for sink in (push, Pushes(), partial(_later, push)):
        world(lambda sink=sink: open_sink(sink).write(CHANGES))
    assert len(got) == 3


@pytest.mark.parametrize("make", [Awrites, lambda: _async_callable])
def test_async_only_sinks_are_refused_in_sync_runs_before_anything_is_stored(make: Callable[[], Any], world: Any) -> None:
    handle = open_sink(make())

    async def body() -> bool:
        if runtime().name == "blocking":
            with pytest.raises(ConfigurationError, match=r"await sync.arun\(\)"):
                handle.check_world()
            return False
        handle.check_world()
        await handle.write(CHANGES)
        return True

    async def name() -> str:
        return runtime().name

    assert world(body) is (world(name) != "blocking")


def _later(push: Any, records: Any) -> Any:
    """A plain function that gives something to await."""
    return push(records)


async def _async_callable(records: Any) -> None:
    await runtime().sleep(0)


def test_the_native_twin_is_preferred_where_it_can_be_awaited(world: Any) -> None:
    native = OnRuntime()
    world(lambda: open_sink(native).write(CHANGES))
    assert native.got == [CHANGES]

    async def body() -> None:
        open_sink(Both()).check_world()
        if runtime().name == "concurrent":
            await open_sink(Both()).write(CHANGES)
        else:
            with pytest.raises(WriteError, match="the blocking twin"):
                await open_sink(Both()).write(CHANGES)

    world(body)


def test_a_coroutine_that_needs_a_loop_is_said_so_in_a_sync_run() -> None:
    import asyncio

    from integrakit.runtimes import drive

    async def sleepy(records: Any) -> None:
        await asyncio.sleep(0.001)

    with pytest.raises(ConfigurationError, match=r"needs an event loop: await sync.arun\(\)"):
        drive(open_sink(partial(_later, sleepy)).write(CHANGES))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([Outcome.applied(1)], "given 2 changes and told 1 outcomes"),
        ([Outcome.applied(1)] * 3, "told 3 outcomes"),
        (["yes", "yes"], "must give one integrakit.Outcome"),
        ("no", "must give one integrakit.Outcome"),
        (7, "not 7"),
        (object(), "must give one"),
        (iter([]), "must give one"),
        (KeyError("k"), "failed with KeyError: 'k'; what became of these 2 changes is not known"),
        (RuntimeError("x"), "failed with RuntimeError"),
    ],
)
def test_sinks_that_break_their_agreement(answer: Any, words: str, world: Any) -> None:
    with pytest.raises(WriteError, match=words) as caught:
        world(lambda: open_sink(Writes(answer)).write(CHANGES))
    assert (caught.value.__cause__ is answer) or not isinstance(answer, Exception)


def test_an_object_that_gives_none_is_wrong(world: Any) -> None:
    class Forgets:
        def write(self, changes: Any) -> None: ...

    with pytest.raises(WriteError, match="must give one"):
        world(lambda: open_sink(Forgets()).write(CHANGES))


def test_our_own_errors_pass_as_they_are(world: Any) -> None:
    refused = AuthenticationError("401")
    with pytest.raises(AuthenticationError) as caught:
        world(lambda: open_sink(Writes(refused)).write(CHANGES))
    assert caught.value is refused


@pytest.mark.parametrize("wrong", [None, 7, "sink", Writes, int, [], {}])
def test_what_is_no_sink(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="a sink is a resource"):
        open_sink(wrong)


def test_a_resource_that_is_read_only() -> None:
    class Shop(Connector):
        base_url = "https://shop.test"
        orders = Resource("/orders", key="id")
        items = Resource("/items", key="id", create=Endpoint("POST", "/items"), find={"id": "/items?id={id}"})

    with Shop() as shop:
        with pytest.raises(ConfigurationError, match="read only"):
            open_sink(shop.orders)
        assert open_sink(shop.items).findable
        # By another key the resource cannot be asked: that it finds nothing would prove nothing.
        assert not open_sink(shop.items, key="external_id").findable
        assert open_sink(shop.items, key=("id",)).findable
        assert not open_sink(shop.items).deletes


@pytest.mark.parametrize("batch", [0, -1, True, "10", 2.5])
def test_limits_that_make_no_sense(batch: Any) -> None:
    sink = Writes()
    sink.limits = SinkLimits(batch=batch)  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="1 or more"):
        open_sink(sink)


def test_what_a_sink_can_do() -> None:
    @frozen
    class Says:
        takes_keys: bool = False
        repeatable: bool = False
        deletes: bool = True
        limits: SinkLimits = field(factory=lambda: SinkLimits(batch=7))
        name: str = "books"

        def write(self, changes: Any) -> Any: ...

    assert open_sink(Says()).batch == 7
    assert open_sink(Says()).name == "books"
    assert not open_sink(Says()).settles
    assert open_sink(Says(takes_keys=True)).settles
    assert open_sink(Says(repeatable=True)).settles
    assert not open_sink(Says(deletes=False)).deletes

    def push(records: Any) -> None: ...

    push.takes_keys = True  # type: ignore[attr-defined]
    assert not open_sink(push).takes_keys, "a callable never sees the keys"


# ---------------------------------------------------------------- asking


class Finds(Writes):
    def __init__(self, found: Any) -> None:
        super().__init__()
        self.found = found

    def find(self, keys: Sequence[Any]) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


class AfindsOnly(Writes):
    async def afind(self, keys: Sequence[Any]) -> Any:
        await runtime().sleep(0)
        return {1: {"id": 1}}


def test_asking(world: Any) -> None:
    assert world(lambda: open_sink(Finds({1: {"id": 1}})).find([1, 2])) == {1: {"id": 1}}
    assert open_sink(AfindsOnly()).findable
    assert world(lambda: open_sink(AfindsOnly()).find([1])) == {1: {"id": 1}}


@pytest.mark.parametrize(
    ("found", "words"), [(None, "must give a dict"), ([1], "must give a dict"), ({1: 7}, "must give a dict"), (OSError("gone"), "OSError: gone")]
)
def test_answers_that_are_none(found: Any, words: str, world: Any) -> None:
    with pytest.raises(WriteError, match=words):
        world(lambda: open_sink(Finds(found)).find([1]))


def test_our_own_errors_pass_when_asking(world: Any) -> None:
    with pytest.raises(AuthenticationError):
        world(lambda: open_sink(Finds(AuthenticationError("401"))).find([1]))


# ---------------------------------------------------------------- one transaction with the store


def test_writing_in_the_stores_own_transaction(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as store, SqlTable(tmp_path / "s.db", "t", key="id", create={"id": "INTEGER"}) as table:
        handle = open_sink(table, store)
        assert handle.transactional
        assert not open_sink(table, MemoryStore()).transactional
        assert not open_sink(table).transactional
        outcomes = handle.commit_in(store, CHANGES[:1], lambda outcomes: [Put("s", "k", len(outcomes))])
        assert outcomes == [Outcome.applied(1)]
        assert store.get("s", "k").value == 1  # type: ignore[union-attr]
        assert table.count() == 1


@pytest.mark.parametrize(
    ("answer", "words"), [(KeyError("k"), "nothing of these 1 changes was kept"), ([], "told 0 outcomes"), (WriteError("w"), "w")]
)
def test_a_transactional_sink_that_fails_leaves_nothing(answer: Any, words: str, tmp_path: Path) -> None:
    class Table(Writes):
        def shares_database_with(self, store: Any) -> bool:
            return True

        def write_in(self, connection: Any, changes: Any) -> Any:
            connection.execute("CREATE TABLE left_over (id)")
            return self.write(changes)

    with SqliteStore(tmp_path / "s.db") as store:
        with pytest.raises(WriteError, match=words):
            open_sink(Table(answer), store).commit_in(store, CHANGES[:1], lambda outcomes: [Put("s", "k", 1)])
        assert store.get("s", "k") is None
        assert store.commit_with(
            lambda connection: (connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'left_over'").fetchone(), [])
        ) == (0,)
