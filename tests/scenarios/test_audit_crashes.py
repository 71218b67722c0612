"""Processes that append to one log and are killed at any moment: nothing that was acknowledged is lost, and the chain holds."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from integrakit.audit import AuditLog

WRITER = textwrap.dedent("""
    import sys
    import httpx
    from integrakit.audit import AuditLog
    from integrakit.http.stack import compose
    from integrakit.model import Request, Response
    from integrakit.runtimes import drive

    path, durability, name = sys.argv[1:]

    async def send(request):
        print("sent", request.url.rpartition("/")[2], flush=True)
        return Response(httpx.Response(200, content=b"x" * 50, request=httpx.Request("GET", request.url)), request)

    log = AuditLog(path, durability=durability, actor=name)
    call = compose([log.call, log.attempt], send)
    n = 0
    while True:
        n += 1
        drive(call(Request(method="POST", url=f"https://shop.example/{name}-{n}", json={"n": n, "pad": "y" * 3000})))
        print("done", f"{name}-{n}", flush=True)
""")


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until(child: subprocess.Popen[str], calls: int) -> list[str]:
    assert child.stdout is not None
    lines: list[str] = []
    while sum(line.startswith("done") for line in lines) < calls:
        line = child.stdout.readline()
        assert line, child.stderr and child.stderr.read()
        lines.append(line)
    return lines


@pytest.mark.parametrize("durability", ["full", "normal"])
@pytest.mark.parametrize("name", ["audit.db", "audit.jsonl"])
def test_killed_at_any_moment(tmp_path: Path, name: str, durability: Any) -> None:
    path = tmp_path / name
    moments = random.Random(11)
    told: list[str] = []
    for round in range(3):
        children = [start(path, durability, f"{round}-{number}") for number in range(2)]
        lines = [read_until(child, moments.randrange(3, 30)) for child in children]
        for child in children:
            child.kill()
        for child, heard in zip(children, lines, strict=True):
            # The last line may be cut off: what was told whole took place.
            rest, _ = child.communicate(timeout=30)
            told += [line.strip() for line in [*heard, *(rest.split("\n")[:-1] if rest else [])]]
    with AuditLog(path) as log:
        found = log.verify(head=log.head())
        assert found.ok, found
        urls: dict[str, list[str]] = {}
        for record in log:
            if record.url is not None:
                urls.setdefault(record.url.rpartition("/")[2], []).append(record.kind)
        for line in told:
            what, _, call = line.partition(" ")
            if what == "sent":
                assert "started" in urls[call], "sent, and not announced"
            elif what == "done":
                assert urls[call] == ["started", "attempt", "call"], "an acknowledged record is gone"
        # What was under way when the process died is known by name: at most one for each of them.
        unfinished = [record.url for record in log.unfinished()]
        assert len(unfinished) <= 6
        # And it can be written on.
        head = log.head()
    child = start(path, durability, "last")
    read_until(child, 1)
    child.kill()
    child.communicate(timeout=30)
    with AuditLog(path) as log:
        assert log.verify(head=head).ok
