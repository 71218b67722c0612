"""Mapping, syncs, connectors, stores, tables and reconciliation, as users write them. Checked by mypy and pyright, never run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Iterator
from typing import Any, assert_type

import integrakit as ik
from integrakit.protocols import Entry
from integrakit.reconciliation import Break, Diff
from integrakit.sync import DeadLetters, Report
from integrakit.testing import Faults, Simulator


class Shop(ik.Connector):
    base_url = "https://{shop}.acme.example/api"
    rate_limit = "2/second"
    orders = ik.Resource("/orders", key="id", cursor="updated_at", window=ik.Window(overlap=300, settle=60))
    customers = ik.Resource("/customers", key="id", create=ik.Endpoint("POST", "/customers", body="customer"))

    async def refund(self, order_id: int, amount: str) -> str:
        job = (await self.apost(f"/orders/{order_id}/refunds", json={"amount": amount})).json()
        return str(job["state"])


shop = Shop(shop="acme", auth=ik.BearerToken("secret"))
assert_type(shop.orders, ik.Resource)
assert_type(shop.orders.where(status="paid"), ik.Resource)
assert_type(shop.customers.write([ik.Change.create("c-1", {})]), list[ik.Outcome])
assert_type(ik.run(shop.refund(7, "12.50")), str)
assert_type(shop.get("/orders"), ik.Response)

mapping = ik.Mapping({"fields": {"external_id": "id"}})
assert_type(mapping({"id": 1}), Any)  # a dict, or what into= makes of it
assert_type(mapping.document(), str)

sync = ik.Sync("orders", source=shop.orders, sink=shop.customers, mapping=mapping, guard=ik.Guard(max_deletes="5%"))
assert_type(sync.run(), Report)
assert_type(sync.plan(), ik.Plan)
assert_type(sync.dead_letters, DeadLetters)
ik.Sync("orders", source=shop.orders, sink=shop.customers, mode="replace")  # type: ignore[arg-type]

store = ik.open_store("memory://")
assert_type(store, ik.Store)
assert_type(store.get("space", "key"), Entry | None)
store = ik.MemoryStore()
store = ik.SqliteStore("state.db")
store.close()

diff = ik.reconcile(shop.orders, [{"id": 1}], key=ik.Key("id"), fields=[ik.Field("total", within="0.01")])
assert_type(diff, Diff)
assert_type(diff.matches, bool)
assert_type(diff.breaks(), Iterator[Break])
assert_type(diff.repairs(sink=ik.CsvFile("fixes.csv", key="id")), ik.Plan)

table = ik.SqlTable("sqlite:///shop.db", "orders", key="id")
lines = ik.JsonLines("orders.jsonl", key="id")
document = ik.JsonFile("orders.json", records="data.orders", key="id")
parquet = ik.ParquetFile("orders.parquet", key="id", columns=["id", "total"])

with Simulator({"orders": [{"id": 1}]}, faults=Faults(seed=7)) as api:
    assert_type(api.url, str)
