"""nginx's ``limit_req``: a rate limiter that nobody here wrote, in front of a page of its own. It counts in milliseconds."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.require import away

import integrakit as ik

pytestmark = pytest.mark.service

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    limit_req_zone $binary_remote_addr zone=orders:1m rate=50r/s;
    limit_req_zone $binary_remote_addr zone=exports:1m rate=1r/s;
    limit_req_status 429;
    server {{
        listen 127.0.0.1:{port};
        default_type application/json;
        location /orders {{ limit_req zone=orders burst=20 nodelay; root {folder}/www; error_page 429 @slow_down; try_files /orders.json =404; }}
        location /exports {{ limit_req zone=exports; root {folder}/www; error_page 429 @slow_down; try_files /orders.json =404; }}
        location @slow_down {{ add_header Retry-After 1 always; return 429 '{{"error": "slow down"}}'; }}
    }}
}}
"""


class Nginx:
    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "access.log"

    def statuses(self, expected: int) -> list[int]:
        """Of all requests so far, once so many are in the log."""
        for _ in range(100):
            lines = self._log.read_text().splitlines()
            if len(lines) >= expected:
                break
            time.sleep(0.02)
        return [int(line.split('" ')[1].split()[0]) for line in lines]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        away("nginx is not installed (Debian: apt-get install nginx-light)")
    # Its worker may run as another user, who must be able to read the page.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and folder != folder.parent and "pytest" in str(folder):
            folder.chmod(0o755)
    (tmp_path / "www").mkdir(mode=0o755)
    (tmp_path / "www" / "orders.json").write_text('{"id": 1}')
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, port=port))
    process = subprocess.Popen([program, "-c", str(configuration), "-p", str(tmp_path), "-e", str(tmp_path / "error.log")])
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            except OSError:
                assert process.poll() is None, "nginx did not start"
                time.sleep(0.02)
        yield Nginx(tmp_path, port)
    finally:
        process.terminate()
        process.wait(10)


def test_paced_requests_are_not_refused(nginx: Nginx) -> None:
    async def body() -> None:
        async with ik.Client(nginx.url, rate_limit="50/second") as client:

            async def work() -> None:
                for _ in range(15):
                    assert (await client.aget("/orders")).json() == {"id": 1}

            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(work())

    asyncio.run(body())
    statuses = nginx.statuses(120)
    assert statuses.count(200) == 120
    assert statuses.count(429) <= 5  # what a busy machine delays, and then sends at once


def test_without_a_limit_its_refusals_are_waited_out(nginx: Nginx) -> None:
    with ik.Client(nginx.url, retry=ik.Retry(attempts=5)) as client:
        assert [client.get("/exports").json() for _ in range(3)] == [{"id": 1}] * 3
    statuses = nginx.statuses(5)
    assert statuses.count(200) == 3
    assert statuses.count(429) == 2


def test_a_refusal_is_an_error_that_says_when_to_come_back(nginx: Nginx) -> None:
    with ik.Client(nginx.url, retry=None) as client:
        client.get("/exports")
        with pytest.raises(ik.errors.RateLimited) as caught:
            client.get("/exports")
    assert caught.value.retry_after == 1
    assert "slow down" in str(caught.value)
