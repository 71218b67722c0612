"""One rotating refresh token, and everybody at once: threads, tasks, processes, and a process killed at each step. The server revokes the whole grant
when a refresh token is used twice, so that a single refresh too many fails them all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.fakes.token_server import TokenServer
from tests.unit.conftest import Asked, LoopbackServer

from integrakit.http import Client
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.protocols import Entry, Put
from integrakit.state import SqliteStore

ROOT = Path(__file__).parents[2]


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[Asked], Any]], str]]:
    servers: list[LoopbackServer] = []

    def start(script: Callable[[Asked], Any]) -> str:
        servers.append(LoopbackServer(script))
        return servers[-1].url

    yield start
    for server in servers:
        server.close()


def slow(server: TokenServer) -> Callable[[Asked], Any]:
    """Takes its time for a refresh, so that all others arrive meanwhile."""

    def script(asked: Asked) -> Any:
        if asked.path == "/token":
            threading.Event().wait(0.05)
        return server.serve(asked)

    return script


def test_threads_and_tasks_of_one_process_refresh_once(serving: Any, tmp_path: Path) -> None:
    server = TokenServer()
    url = serving(slow(server))
    outcomes: list[Any] = []
    with SqliteStore(tmp_path / "tokens.db") as store:
        auth = OAuth2RefreshToken(f"{url}/token", client_id="c", refresh_token="refresh-token-0", store=store)

        def ask() -> None:
            with Client(url, auth=auth) as client:
                outcomes.append(client.get("/orders").status_code)

        async def aask(client: Client) -> None:
            outcomes.append((await client.aget("/orders")).status_code)

        async def tasks() -> None:
            async with Client(url, auth=auth) as client:
                await asyncio.gather(*[aask(client) for _ in range(8)])

        async def nursery() -> None:
            async with Client(url, auth=auth) as client, trio.open_nursery() as tasks:
                for _ in range(8):
                    tasks.start_soon(aask, client)

        for generation in (1, 2, 3):
            work: list[Callable[[], Any]] = [ask] * 8 + [lambda: asyncio.run(tasks()), lambda: trio.run(nursery)]
            threads = [threading.Thread(target=each) for each in work]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert outcomes == [200] * 24 * generation
            assert (server.refreshed, server.reused) == (generation, 0)
            # The next round begins with an expired token in memory and in the store.
            entry = store.get("tokens", auth.name)
            assert entry is not None
            auth = OAuth2RefreshToken(f"{url}/token", client_id="c", refresh_token="refresh-token-0", store=store)
            store.commit([_aged(entry)])


def _aged(entry: Entry) -> Put:
    return Put("tokens", entry.key, {**entry.value, "expires_at": entry.value["granted_at"]})


CROWD = """
import json, sys, threading
from integrakit.http import Client
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.state import SqliteStore

url, path = sys.argv[1:]
outcomes = []
with SqliteStore(path) as store:
    auth = OAuth2RefreshToken(url + "/token", client_id="c", refresh_token="refresh-token-0", store=store)
    print("ready", flush=True)
    sys.stdin.readline()
    def ask():
        try:
            with Client(url, auth=auth) as client:
                for _ in range(3):
                    outcomes.append(client.get("/orders").status_code)
        except Exception as problem:
            outcomes.append(repr(problem))
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(json.dumps(outcomes))
"""


def test_eight_threads_in_each_of_two_processes_refresh_once(serving: Any, tmp_path: Path) -> None:
    server = TokenServer()
    url = serving(slow(server))
    SqliteStore(tmp_path / "tokens.db").close()
    command = [sys.executable, "-c", CROWD, url, str(tmp_path / "tokens.db")]
    crowd = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    try:
        for process in crowd:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in crowd:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [json.loads(process.communicate(timeout=30)[0]) for process in crowd]
    finally:
        for process in crowd:
            process.kill()
            process.communicate()
    assert outcomes == [[200] * 24] * 2
    assert (server.refreshed, server.reused, len(server.log)) == (1, 0, 1)


# Forks a process for each step and side of it, kills it there, and lets the next one run. The process that forks has one thread only.
KILLED = """
import json, os, signal, sys
from integrakit.errors import ReauthorisationNeeded
from integrakit.http import Client
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.state import SqliteStore

url, folder = sys.argv[1:]

class Fate:
    def __init__(self, at, after):
        self.at, self.after, self.count, self.name = at, after, 0, ""
    def step(self, name, work):
        self.count += 1
        mine = self.count == self.at
        if mine:
            os.write(say, name.encode())
            if not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
        result = work()
        if mine and self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

class Wrapped:
    def __init__(self, store, fate):
        self.store, self.fate = store, fate
        for name in ("get_many", "scan", "get_columns", "scan_columns", "count_columns", "close"):
            setattr(self, name, getattr(store, name))
    def get(self, space, key):
        return self.fate.step("get", lambda: self.store.get(space, key))
    def commit(self, operations):
        return self.fate.step("commit:" + operations[0].space, lambda: self.store.commit(operations))

def life(round, at, after):
    path = f"{folder}/{round}.db"
    with SqliteStore(path) as inner:
        fate = Fate(at, after)
        auth = OAuth2RefreshToken(f"{url}/{round}/token", client_id="c", refresh_token="refresh-token-0", store=Wrapped(inner, fate))
        with Client(f"{url}/{round}", auth=auth) as client:
            sending = client._send._exchange
            async def exchange(request):
                # The server has answered, and this process has not seen it yet.
                fate.count += 1
                mine = fate.count == fate.at
                if mine:
                    os.write(say, b"exchange")
                    if not fate.after:
                        os.kill(os.getpid(), signal.SIGKILL)
                response = await sending(request)
                if mine:
                    os.kill(os.getpid(), signal.SIGKILL)
                return response
            client._send._exchange = exchange
            try:
                return str(client.get("/orders").status_code)
            except ReauthorisationNeeded:
                return "ReauthorisationNeeded"
            except Exception as problem:
                return repr(problem)

def forked(round, at, after):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        global say
        say = write
        answer = "crashed"
        try:
            answer = life(round, at, after)
        finally:
            os.write(say, ("\\n" + answer).encode())
            os._exit(0)
    os.close(write)
    told = b""
    while piece := os.read(read, 1000):
        told += piece
    os.close(read)
    status = os.waitpid(child, 0)[1]
    step, _, answer = told.decode().partition("\\n")
    return os.waitstatus_to_exitcode(status), step, answer

for after in (False, True):
    at = 1
    while True:
        round = f"{'after' if after else 'before'}-{at}"
        code, step, answer = forked(round, at, after)
        if code != -signal.SIGKILL:
            print(json.dumps({"round": round, "step": "", "answer": answer}), flush=True)
            break
        print(json.dumps({"round": round, "step": step, "answer": forked(round, 0, False)[2]}), flush=True)
        at += 1
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.parametrize("grace", [True, False], ids=["a server with patience", "a strict server"])
def test_killed_at_each_step_and_run_again(serving: Any, tmp_path: Path, grace: bool) -> None:
    servers: dict[str, TokenServer] = {}

    def script(asked: Asked) -> Any:
        round, _, rest = asked.path[1:].partition("/")
        server = servers.setdefault(round, TokenServer(grace=grace))
        return server.token(asked.body) if rest == "token" else server.resource(asked.headers.get("authorization"))

    url = serving(script)
    child = subprocess.run([sys.executable, "-c", KILLED, url, str(tmp_path)], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert child.returncode == 0, child.stderr
    rounds = [json.loads(line) for line in child.stdout.splitlines()]
    killed = [each for each in rounds if each["step"]]
    assert [each["answer"] for each in rounds if not each["step"]] == ["200", "200"]
    names = [each["step"] for each in killed if each["round"].startswith("before")]
    assert {"commit:leases", "exchange", "commit:tokens"} <= set(names)
    assert names.index("commit:leases") < names.index("exchange") == names.index("commit:tokens") - 1
    for each in killed:
        side, step = each["round"].partition("-")[0], each["step"]
        # The answer came, or was on its way, and nothing of it was kept: the new refresh token is nowhere but at the server.
        in_the_window = (side, step) in (("after", "exchange"), ("before", "commit:tokens"))
        server = servers[each["round"]]
        assert each["answer"] == ("200" if grace or not in_the_window else "ReauthorisationNeeded"), each
        assert server.refreshed == (2 if grace and in_the_window else 1), each
        assert server.reused == (1 if in_the_window and not grace else 0), each


def test_a_token_that_somebody_else_is_renewing_is_taken_over_at_once_when_that_one_dies(serving: Any, tmp_path: Path) -> None:
    server = TokenServer(grace=True)
    asked_first = threading.Event()

    def script(asked: Asked) -> Any:
        if asked.path == "/token" and not asked_first.is_set():
            asked_first.set()
            threading.Event().wait(0.2)  # the first one dies while it waits for this
            return lambda connection: None
        return server.serve(asked)

    url, path = serving(script), tmp_path / "tokens.db"
    SqliteStore(path).close()
    command = [sys.executable, "-c", CROWD, url, str(path)]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdout.readline()
        first.stdin.write("go\n")
        first.stdin.flush()
        assert asked_first.wait(20)
        with SqliteStore(path) as store:
            auth = OAuth2RefreshToken(f"{url}/token", client_id="c", refresh_token="refresh-token-0", store=store)
            done: list[int] = []

            def follow() -> None:
                with Client(url, auth=auth, deadline=20) as client:
                    done.append(client.get("/orders").status_code)

            thread = threading.Thread(target=follow)
            thread.start()
            first.send_signal(signal.SIGKILL)
            first.wait()
            thread.join()
            assert done == [200]  # long before the lease would have expired
            assert store.get("leases", f"token:{auth.name}") is None
    finally:
        first.kill()
        first.communicate()
