"""How many pages are fetched again after a run was killed: SIGKILL while page 16 of 30 is asked for, then the same program once more.

A sync from an API behind cursors into a SQLite table, in a process of its own. Counted are the requests of the second run, and what is in the table
after it. Target: at most 16 requests (15 pages are left), every row there once.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from _measure import options, show

PAGES, SIZE, KILLED_AT, TARGET = 30, 100, 16, 16

RUN = """
import sys
import integrakit as ik

class Shop(ik.Connector):
    orders = ik.Resource("/orders", key="id", records="data", paginator=ik.CursorPaginator("next", "after"))

address, database = sys.argv[1:]
table = ik.SqlTable(database, "orders", key="id", create={"id": "INTEGER", "note": "TEXT"})
ik.Sync("orders", source=Shop(base_url=address).orders, sink=table, store=database, progress=False).run()
"""


class Orders(ThreadingHTTPServer):
    """Serves the pages, counts what it is asked for, and calls ``at`` before it answers a page: True, and it does not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = 0
        self.at: Any = None
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Orders

    def do_GET(self) -> None:
        after = parse_qs(urlsplit(self.path).query).get("after", ["1"])[0]
        page = int(after)
        self.server.asked += 1
        if self.server.at is not None and self.server.at(page):
            self.close_connection = True
            return  # nobody is left to answer
        rows = [{"id": number, "note": f"order {number}"} for number in range((page - 1) * SIZE, page * SIZE)]
        body = json.dumps({"data": rows, "next": str(page + 1) if page < PAGES else None}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def main() -> None:
    arguments = options(__doc__ or "")
    server = Orders()
    rows: list[dict[str, object]] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            database = str(Path(folder, "state.db"))
            command = [sys.executable, "-c", RUN, server.url, database]
            first = subprocess.Popen(command)

            def kill(page: int) -> bool:
                if page == KILLED_AT:
                    os.kill(first.pid, signal.SIGKILL)
                    first.wait()
                return page == KILLED_AT

            server.at = kill
            status = first.wait()
            rows.append({"run": f"killed at page {KILLED_AT}", "requests": server.asked, "exit status": status, "rows": count(database)})
            server.asked, server.at = 0, None
            status = subprocess.run(command, check=True).returncode
            rows.append({"run": "again", "requests": server.asked, "exit status": status, "rows": count(database)})
    finally:
        server.shutdown()
        server.server_close()
    verdict: dict[str, object] = {"requests of the second run": rows[1]["requests"], "target": f"at most {TARGET}"}
    if rows[0]["exit status"] != -signal.SIGKILL or rows[1]["rows"] != PAGES * SIZE:
        raise SystemExit(f"the runs did not go as they should: {rows}")
    show(f"{PAGES} pages × {SIZE} records, killed at page {KILLED_AT}", rows, verdict, as_json=arguments.json)


def count(database: str) -> int:
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])
    finally:
        connection.close()


if __name__ == "__main__":
    main()
