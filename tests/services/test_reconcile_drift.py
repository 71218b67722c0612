"""A ledger of drift and a parallel run in PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.services.databases import KINDS, Room, room

from integrakit.reconciliation import Diff, DriftLedger, ParallelRun, reconcile

pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')
pytestmark = pytest.mark.service


@pytest.fixture(params=KINDS, scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[Room]:
    with room(request.param) as made:
        yield made


def found(*values: Any) -> Diff:
    keys = ["a", "A", "á", "a ", "x" * 2000, "\x00\U0001f600", *range(600)]
    left = [{"id": key, "v": 1} for key in keys]
    return reconcile(left, [{"id": key, "v": values[place % len(values)]} for place, key in enumerate(keys)], key="id")


def test_what_is_new_persists_and_is_resolved(database: Room) -> None:
    with database.store("drift_") as store:
        ledger = DriftLedger(store, "shop")
        assert ledger.record(found(2)).new == 606
        for item in ledger.items():
            if item.key == "á":
                ledger.assign(item, "ann", note="accent")

        def fail(*_: object) -> str:
            raise RuntimeError

        with pytest.raises(Exception, match="function failed"):
            DriftLedger(store, "shop", owner=fail).record(found(1, 2))
        drift = ledger.record(found(1, 2))
        assert (drift.new, drift.persisting, drift.resolved, drift.open) == (0, 303, 303, 303)
        assert len(list(ledger.items())) == len(list(ledger.items(resolved=True))) == 303
        drift = ledger.record(found(2))
        assert (drift.persisting, drift.reopened, drift.owners["ann"]) == (303, 303, 1)
        assert [each.run for each in ledger.history()] == [1, 2, 3]


def test_days_in_a_row(database: Room) -> None:
    with database.store("days_") as store:
        assert not ParallelRun(store, "erp", days=1).record(found(1, 2)).safe
        assert ParallelRun(store, "other", days=1).record(found(1)).safe
