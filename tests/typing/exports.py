"""What type checkers see of the top level: real types, not ``Any``. Checked by mypy and pyright, never run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, assert_type

import integrakit as ik
from integrakit.reading import BulkJob, RemoteFile
from integrakit.reconciliation import Drift, Matching, ParallelStatus
from integrakit.runtimes import Runtime
from integrakit.sql import SqlQuery
from integrakit.transform import DataDictionary, LookupFunction
from integrakit.unset import Unset

assert_type(ik.__version__, str)
assert_type(ik.runtime(), Runtime)
assert_type(ik.Page([]), ik.Page)

error: type[ik.IntegrakitError] = ik.errors.RateLimited
client: type[ik.http.Client] = ik.Client
relay: type[ik.http.RelayPaginator] = ik.RelayPaginator
file: type[RemoteFile] = ik.RemoteFile
job: type[BulkJob] = ik.BulkJob
query: type[SqlQuery] = ik.SqlQuery
assert_type(ik.grouped([{"id": 1}], by="id"), Iterable[dict[str, Any]])
assert_type(ik.data_dictionary(ik.Mapping({"fields": {"id": "id"}})), DataDictionary)
region: LookupFunction = ik.LookupFunction(str.upper, cache=0)

price = ik.Money("9.80", "EUR")
assert_type(price + price, ik.Money)
assert_type(price * 3, ik.Money)
assert_type(price / 3, ik.Money)
assert_type(price / price, Decimal)
assert_type(price.split(3), list[ik.Money])
ik.Money(9.8, "EUR")  # type: ignore[arg-type]
price + 1  # type: ignore[operator]
price * 0.5  # type: ignore[operator]

accounts = ik.match_ledgers([{"id": 1, "v": 1}], [{"id": 2, "v": 1}], id="id", amount="v")
assert_type(accounts, Matching)
ledger = ik.DriftLedger("memory://", "shop", owner={"total": "accounting"})
compared = ik.reconcile([{"id": 1}], [{"id": 1}], key="id", accept=ik.Accept(breaks=1), settle=ik.Settle(600, "updated_at"), recheck=ik.Recheck(2))
assert_type(ledger.record(compared), Drift)
assert_type(ik.ParallelRun(ik.MemoryStore(), "erp", days=5).record(compared), ParallelStatus)


async def answer() -> int:
    return 42


assert_type(ik.run(answer()), int)
ik.run(answer)  # type: ignore[arg-type]
ik.Clientt  # type: ignore[attr-defined]


def said(phone: str | Unset | None) -> str | None:
    """``is UNSET`` narrows."""
    if phone is ik.UNSET:
        return "nothing"
    assert_type(phone, str | None)
    return phone


sliced = ik.SlicedRead(slice=lambda low, high: [], by="id", cap=10)
assert_type(sliced, ik.SlicedRead)
backfill = ik.Backfill("history", lambda low, high: sliced, start=0, end=10, step=1)
assert_type(backfill.missing(), list[tuple[Any, Any]])
ik.Backfill("history", 5)  # type: ignore[arg-type]
ik.SlicedRead(slice=lambda low, high: [], by="id", cap=10, saturation="ignore")  # type: ignore[arg-type]
