"""What keeps its state in a store, on PostgreSQL and MariaDB: rate limits, permits, tokens, and a sync."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.fakes.token_server import TokenServer
from tests.services.databases import KINDS, Room, room
from tests.unit.conftest import LoopbackServer

from integrakit.http import Client, ConcurrencyLimit, OAuth2RefreshToken, RateLimit
from integrakit.runtimes import runtime
from integrakit.sync import Sync
from integrakit.testing import Simulator

pytest.importorskip("sqlalchemy", reason='needs SQLAlchemy: pip install "integrakit[sql]"')
pytestmark = pytest.mark.service


@pytest.fixture(params=KINDS, scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[Room]:
    with room(request.param) as made:
        yield made


def test_a_rate_limit_is_shared(database: Room) -> None:
    with database.store("rate_") as one, database.store("rate_") as other:
        limits = [RateLimit("1/second; 100/day", shared=store, name="shop", margin=0) for store in (one, other)]
        with ThreadPoolExecutor(4) as pool:
            starts = sorted(pool.map(lambda number: limits[number % 2].reserve(now=runtime().now(), within=1e6).start, range(12)))
        # A second apart, less what an answer may take while others ask the same database.
        assert all(later - earlier > 0.4 for earlier, later in itertools.pairwise(starts))
        assert starts[-1] - starts[0] > 10.4
        assert limits[0].forecast()[1].used == 12


def test_permits_are_shared(database: Room) -> None:
    with database.store("permits_") as one, database.store("permits_") as other, Simulator({"orders": [{"id": 1}]}, latency=0.02) as api:
        clients = [Client(api.url, concurrency=ConcurrencyLimit(2, shared=store, name="shop")) for store in (one, other)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda number: clients[number % 2].get("/orders/1").status_code, range(16))) == [200] * 16
        for client in clients:
            client.close()


def test_tokens_are_kept_and_refreshed_once(database: Room) -> None:
    tokens = TokenServer()
    server = LoopbackServer(tokens.serve)
    with database.store("tokens_") as one, database.store("tokens_") as other:
        auths = [
            OAuth2RefreshToken(f"{server.url}/token", client_id="app", refresh_token=tokens.current, store=store, name="shop")
            for store in (one, other)
        ]
        clients = [Client(server.url, auth=auth) for auth in auths]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda number: clients[number % 2].get("/orders").status_code, range(16))) == [200] * 16
        for client in clients:
            client.close()
    server.close()
    assert (tokens.refreshed, tokens.reused) == (1, 0)


def test_a_sync_remembers(database: Room) -> None:
    rows = [{"id": number, "total": number} for number in range(50)]
    written: list[Any] = []
    with database.store("sync_") as store:
        assert Sync("orders", source=rows, sink=written.extend, key="id", store=store).run().written == 50
    rows[7] = {"id": 7, "total": 1000}
    with database.store("sync_") as store:
        assert Sync("orders", source=rows, sink=written.extend, key="id", store=store).run().written == 1
    assert len(written) == 51
