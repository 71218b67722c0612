"""One expired access token, one refresh token that is good for one use, and 8 threads in each of 2 processes that all need it at the same moment.

The server revokes the whole grant, access tokens included, when a refresh token is used twice. Ours keeps its tokens in a `SqliteStore`; beside it
authlib's synchronous client keeps them in a file by its ``update_token`` callback, one client for all threads of a process. Target: 1 refresh, 0
failed requests.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from _measure import options, show

from integrakit.state import SqliteStore

THREADS, PROCESSES = 8, 2

OURS = """
from integrakit.http import Client
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.state import SqliteStore
store = SqliteStore(path + ".db")
auth = OAuth2RefreshToken(url + "/token", client_id="c", refresh_token="refresh-0", access_token="expired",
                          expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc), store=store)
client = Client(url, auth=auth)
def ask():
    return client.get("/orders").status_code
"""

AUTHLIB = """
from authlib.integrations.httpx_client import OAuth2Client
def keep(token, refresh_token=None, access_token=None):
    with open(path + ".json", "w") as file:
        json.dump(token, file)
try:
    with open(path + ".json") as file:
        token = json.load(file)
except FileNotFoundError:
    token = {"access_token": "expired", "refresh_token": "refresh-0", "token_type": "Bearer", "expires_at": 1577836800}
client = OAuth2Client("c", token_endpoint=url + "/token", token=token, update_token=keep, token_endpoint_auth_method="none")
def ask():
    return client.get(url + "/orders").status_code
"""

CROWD = """
import json, sys, threading
from datetime import datetime, timezone
url, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
{setup}
print("ready", flush=True)
sys.stdin.readline()
outcomes, barrier = [], threading.Barrier(threads)
def work():
    barrier.wait()
    try:
        outcomes.append(ask() == 200)
    except Exception:
        outcomes.append(False)
crowd = [threading.Thread(target=work) for _ in range(threads)]
for thread in crowd: thread.start()
for thread in crowd: thread.join()
print(json.dumps(outcomes.count(False)))
"""


class TokenServer:
    """Refresh tokens that are good for one use. A refresh takes 50 ms, as it does out there."""

    def __init__(self) -> None:
        server = self
        self.lock = threading.Lock()
        self.forget()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                time.sleep(0.05)
                self.answer(*server.refresh(form.get("refresh_token", [""])[0]))

            def do_GET(self) -> None:
                with server.lock:
                    good = self.headers.get("authorization", "").removeprefix("Bearer ") in server.valid
                self.answer(200 if good else 401, {"ok": good})

            def answer(self, status: int, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

        self.http = Server(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def forget(self) -> None:
        self.current, self.count, self.revoked, self.asked = "refresh-0", 0, False, 0
        self.valid: set[str] = set()

    def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.asked += 1
            if self.revoked or token != self.current:
                self.revoked = True
                self.valid.clear()
                return 400, {"error": "invalid_grant"}
            self.count += 1
            self.current, access = f"refresh-{self.count}", f"access-{self.count}"
            self.valid.add(access)
            return 200, {"access_token": access, "refresh_token": self.current, "token_type": "Bearer", "expires_in": 3600}


def run(server: TokenServer, setup: str, folder: str, number: int) -> int:
    """How many requests failed; the server knows how many refreshes it was asked for."""
    server.forget()
    path = str(Path(folder, str(number)))
    SqliteStore(path + ".db").close()
    Path(path + ".db").chmod(0o600)
    command = [sys.executable, "-c", CROWD.format(setup=setup), server.url, path, str(THREADS)]
    crowd = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    for process in crowd:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("a process of the crowd did not start")
    for process in crowd:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(int(process.communicate(timeout=60)[0]) for process in crowd)


def main() -> None:
    arguments = options(__doc__ or "")
    rounds = 1 if arguments.quick else 10
    contestants = {"integrakit": OURS}
    if importlib.util.find_spec("authlib") is not None:
        contestants["authlib (sync)"] = AUTHLIB
    server = TokenServer()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for index, (name, setup) in enumerate(contestants.items()):
            refreshes, failures = [], []
            for number in range(rounds):
                failures.append(run(server, setup, folder, index * rounds + number))
                refreshes.append(server.asked)
            rows.append(
                {
                    "client": name,
                    "rounds": rounds,
                    "refreshes, most in a round": max(refreshes),
                    "refreshes, mean": sum(refreshes) / rounds,
                    f"failed of {THREADS * PROCESSES}, most": max(failures),
                    "failed, mean": sum(failures) / rounds,
                }
            )
    server.http.shutdown()
    server.http.server_close()
    ours = rows[0]
    verdict: dict[str, object] = {
        "most refreshes in a round (target: 1)": ours["refreshes, most in a round"],
        "most failed requests in a round (target: 0)": ours[f"failed of {THREADS * PROCESSES}, most"],
    }
    show(f"One rotating refresh token, {THREADS} threads in each of {PROCESSES} processes", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
