"""`Sync` as its users build it: what it refuses, in which worlds it works, and what it keeps where."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, GuardTripped, LeaseHeld, StoreError
from integrakit.files import CsvFile
from integrakit.model import Change, Checkpoint, Outcome, Page
from integrakit.protocols import Operation, Store
from integrakit.runtimes import WorldClock, runtime
from integrakit.sql import SqlTable
from integrakit.state import MemoryStore, SqliteStore
from integrakit.sync import Sync
from integrakit.testing import simulate
from integrakit.transform import Mapping
from integrakit.writing import Guard, Remembered


class Sink:
    key: Any = "id"
    deletes = True

    def __init__(self) -> None:
        self.got: list[Change] = []

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        self.got += changes
        return [Outcome.applied(change.key) for change in changes]


def nothing(records: Any) -> None: ...


GOOD: dict[str, Any] = {"source": [], "sink": Sink()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": 7}, "source=…) takes a resource"),
        ({"source": "rows"}, "source=…) takes a resource"),
        ({"source": {"id": 1}}, "source=…) takes a resource"),
        ({"source": None}, "source=…) takes a resource"),
        ({"sink": None}, "a sink is a resource"),
        ({"sink": Sink}, "a sink is a resource"),
        ({"mapping": {}}, "mapping=…) takes a Mapping or a function"),
        ({"sink": nothing}, "needs key="),
        ({"sink": nothing, "mode": "mirror", "key": "id"}, "needs a sink that can delete, and nothing cannot"),
        ({"key": ""}, "key=…) takes the name"),
        ({"key": ()}, "key=…) takes the name"),
        ({"key": ("a", 1)}, "key=…) takes the name"),
        ({"key": 7}, "key=…) takes the name"),
        ({"mode": "delete"}, "mode=…) takes one of 'append', 'upsert', 'mirror'"),
        ({"remember": "all"}, "remember=…) takes one of"),
        ({"guard": "5%"}, "guard=…) takes a Guard"),
        ({"batch": 0}, "batch=…) takes a whole number"),
        ({"batch": True}, "batch=…) takes a whole number"),
        ({"workers": 1.5}, "workers=…) takes a whole number"),
        ({"progress": "loud"}, "progress= takes"),
        ({"store": 7}, "store"),
    ],
)
def test_wrong_arguments_are_told_when_it_is_built(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        Sync("s", **{**GOOD, **options})


@pytest.mark.parametrize("name", ["", None, 7, "a\nb", "a\x00"])
def test_names(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes a name that stays"):
        Sync(name, **GOOD)


def test_the_key_is_the_sinks_unless_told() -> None:
    assert Sync("s", **GOOD).key == "id"
    assert Sync("s", **GOOD, key="external").key == "external"
    assert Sync("s", **GOOD, key=["a", "b"]).key == ("a", "b")  # type: ignore[arg-type]
    assert Sync("s", source=[], sink=nothing, mode="append").key is None


def test_words() -> None:
    assert repr(Sync("orders", source=[1], sink=nothing, key="id")) == "<Sync 'orders': [1] → nothing>"


# ---------------------------------------------------------------- worlds


class AsyncPages:
    key = "id"

    async def apages(self, since: Checkpoint | None) -> AsyncIterator[Page]:
        for number in range(3):
            await runtime().sleep(0)
            yield Page([{"id": number}], Checkpoint(resource="r", token={"n": number + 1}))


class AsyncRecords:
    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self._walk()

    async def _walk(self) -> AsyncIterator[dict[str, Any]]:
        for number in range(3):
            yield {"id": number}


class AwritesOnly:
    key = "id"

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
        await runtime().sleep(0)
        self.got += changes
        return [Outcome.applied(change.key) for change in changes]


async def awaits(records: list[Any]) -> None:
    await runtime().sleep(0)


@pytest.mark.parametrize("source", [AsyncPages, AsyncRecords])
@pytest.mark.parametrize("sink", [AwritesOnly, lambda: awaits])
def test_async_only_sources_and_sinks(source: Any, sink: Any, world: Any) -> None:
    store = MemoryStore()
    sync = Sync("s", source=source(), sink=sink(), key="id", store=store)

    async def body() -> Any:
        if runtime().name == "blocking":
            with pytest.raises(ConfigurationError, match=r"async code only: await sync.arun\(\) instead of sync.run\(\)"):
                await sync.arun()
            assert sync.unknown == []
            assert list(store.scan("intents:s")) == []
            assert store.count_columns("sending:s") == 0
            return None
        return await sync.arun()

    report = world(body)
    assert report is None or report.written == 3


def test_a_sync_source_and_sink_in_every_world(world: Any) -> None:
    assert world(Sync("s", source=iter([{"id": 1}]), sink=Sink()).arun).written == 1


def test_blocking_calls_inside_an_event_loop() -> None:
    async def body() -> None:
        sync = Sync("s", source=[{"id": 1}], sink=Sink())
        assert sync.run().written == 1
        assert sync.plan().apply().unchanged == 1

    asyncio.run(body())


def test_in_virtual_time_leases_go_by_virtual_time() -> None:
    """A run that is silent for longer than its lease may be taken over; then it stops by itself."""
    store = MemoryStore()

    async def body() -> None:
        class Slow(Sink):
            on_runtime = True

            async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
                with pytest.raises(LeaseHeld):
                    await Sync("s", source=[{"id": 1}], sink=Sink(), store=store).arun()
                await runtime().sleep(1000)
                assert (await Sync("s", source=[], sink=OnRuntime(), store=store, key="id").arun()).settled == 1
                return self.write(changes)

        with pytest.raises(LeaseHeld, match="taken over"):
            await Sync("s", source=[{"id": 1}], sink=Slow(), store=store).arun()

    simulate(body)
    assert Remembered(store, "s", "record").count() == 1


class OnRuntime(Sink):
    repeatable = True


# ---------------------------------------------------------------- stores


def test_a_store_of_its_own_is_closed_with_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Sync("s", source=[{"id": 1}], sink=Sink(), store=str(path)) as sync:
        sync.run()
    with pytest.raises(StoreError):
        sync.run()
    sync.close()
    with Sync("s", source=[{"id": 1}], sink=Sink(), store=path) as again:
        assert again.run().unchanged == 1
    # One that was never closed is closed when it is collected.
    forgotten = Sync("s", source=[], sink=Sink(), store=path)
    forgotten.run()
    del forgotten
    gc.collect()


def test_a_store_that_was_given_is_left_open(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as store:
        with Sync("s", source=[{"id": 1}], sink=Sink(), store=store) as sync:
            sync.run()
        assert Sync("s", source=[{"id": 1}], sink=Sink(), store=store).run().unchanged == 1


def test_two_syncs_share_a_store_without_knowing_of_each_other() -> None:
    store = MemoryStore()
    assert Sync("a", source=[{"id": 1}], sink=Sink(), store=store).run().written == 1
    assert Sync("b", source=[{"id": 1}], sink=Sink(), store=store).run().written == 1
    assert Sync("a", source=[{"id": 1}], sink=Sink(), store=store).run().unchanged == 1


def test_without_a_store_the_object_remembers() -> None:
    sync = Sync("s", source=[{"id": 1}], sink=Sink())
    sync.run()
    assert sync.run().unchanged == 1
    assert Sync("s", source=[{"id": 1}], sink=Sink()).run().written == 1


@pytest.mark.parametrize("fails_with_work", [False, True])
def test_a_lease_that_cannot_be_given_back_is_said(fails_with_work: bool) -> None:
    class Breaks(MemoryStore):
        broken = False

        def commit(self, operations: Sequence[Operation]) -> None:
            if self.broken and [type(operation).__name__ for operation in operations] == ["Delete"]:
                raise StoreError("gone")
            super().commit(operations)

    store: Store = Breaks()

    def push(records: Any) -> None:
        store.broken = True  # type: ignore[attr-defined]
        if fails_with_work:
            raise KeyError("sdk")

    with pytest.raises(Exception, match="KeyError" if fails_with_work else "gone") as caught:
        Sync("s", source=[{"id": 1}], sink=push, key="id", store=store).run()
    assert "could not be given back" in "".join(caught.value.__notes__)


# ---------------------------------------------------------------- unknown writes


def unknown(store: Any) -> Sync:
    def push(records: list[Any]) -> list[Outcome]:
        return [Outcome.unknown(record["id"], "cut off") for record in records]

    sync = Sync("s", source=[{"id": 42}, {"id": "42"}], sink=push, key="id", store=store)
    sync.run()
    return sync


def test_a_person_says_what_became_of_it(world: Any) -> None:
    store = MemoryStore()
    sync = unknown(store)
    assert [intent.change.key for intent in sync.unknown] == ["42", 42] or [intent.change.key for intent in sync.unknown] == [42, "42"]
    with pytest.raises(ConfigurationError, match="no unknown write of record 'x'; there are"):
        sync.settle("x", applied=True)
    world(lambda: sync.asettle(42, applied=True))
    (left,) = sync.unknown
    assert left.change.key == "42"
    with pytest.raises(ConfigurationError, match="no unknown write of record 42"):
        sync.settle(42, applied=True)
    sync.settle(left, applied=False)
    assert sync.unknown == []
    with pytest.raises(ConfigurationError, match="no unknown write of record '42'"):
        sync.settle(left, applied=True)
    sink = Sink()
    report = Sync("s", source=[{"id": 42}], sink=sink, store=store).run()
    assert [change.key for change in sink.got] == ["42"]
    assert (report.settled, report.unchanged) == (1, 1)


# ---------------------------------------------------------------- together with the rest of the box


def test_from_a_file_through_a_mapping_into_a_table(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id,total,status\n1,10.50,paid\n2,x,paid\n3,7,open\n", encoding="utf-8")
    mapping = Mapping(
        {
            "fields": {
                "id": {"from": "id", "to": "int"},
                "total": {"from": "total", "to": "decimal", "scale": 2},
                "status": {"from": "status", "lookup": "status", "otherwise": "keep"},
            },
            "lookups": {"status": {"paid": "PAID"}},
        }
    )
    with SqlTable(tmp_path / "books.db", "invoices", key="id", create={"id": "INTEGER", "total": "TEXT", "status": "TEXT"}) as invoices:
        options: dict[str, Any] = {"source": CsvFile(tmp_path / "orders.csv", key="id"), "sink": invoices, "mapping": mapping}
        with Sync("orders", store=tmp_path / "books.db", **options) as sync:
            assert sync._sink.transactional
            report = sync.run()
            assert (report.written, report.rejected) == (2, 1)
            assert [dict(row) for row in invoices] == [{"id": 1, "total": "10.50", "status": "PAID"}, {"id": 3, "total": "7.00", "status": "open"}]
            (letter,) = sync.dead_letters
            assert letter.input == {"id": "2", "total": "x", "status": "paid"}
            assert letter.errors[0].path == "total"
            assert letter.mapping == mapping.version


def test_records_that_are_attrs_objects() -> None:
    @define
    class Order:
        id: int
        total: int

    sink = Sink()
    sync = Sync("s", source=[Order(1, 5)], sink=sink)
    assert sync.run().written == 1
    assert sink.got[0].record == {"id": 1, "total": 5}
    assert sync.run().unchanged == 1


def test_the_clock_of_leases_is_that_of_the_world_that_asks() -> None:
    clock = WorldClock()

    async def body() -> None:
        assert (clock.now(), clock.wall()) == (runtime().now(), runtime().wall())
        await runtime().sleep(5)
        assert clock.now() == 5

    simulate(body)


def test_a_guard_by_default() -> None:
    assert Sync("s", **GOOD)._guard == Guard()


def test_async_with_closes_the_store_too(tmp_path):
    async def body():
        async with Sync("s", source=[{"id": 1}], sink=lambda records: None, key="id", store=tmp_path / "s.db") as sync:
            assert (await sync.arun()).written == 1

    asyncio.run(body())


def test_resource_of_a_class_is_refused_when_the_sync_is_built():
    class Shop(Connector):
        base_url = "https://shop.example"
        orders = Resource("/orders", key="id")

    with pytest.raises(ConfigurationError, match="use it on an instance"):
        Sync("s", source=Shop.orders, sink=lambda records: None, key="id")


def test_path_of_a_mapping_is_not_a_mapping():
    with pytest.raises(ConfigurationError, match=r"write ik.Mapping.load\('order.toml'\)"):
        Sync("s", source=[], sink=lambda records: None, key="id", mapping="order.toml")


def test_guard_says_what_was_wrong_with_one_of_them():
    with pytest.raises(GuardTripped, match=r"one of them: the record has no 'id'.* \(record \{'x': 1\}\)"):
        Sync("s", source=[{"x": n} for n in range(1, 9)], sink=lambda records: None, key="id").run()
