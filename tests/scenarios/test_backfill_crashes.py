"""A backfill whose processes are killed at any moment, and others that go on: every partition done once in the ledger, and no record lost."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from integrakit.reading import Backfill
from integrakit.state import SqliteStore

START, END = date(2024, 1, 1), date(2024, 7, 1)

JOB = textwrap.dedent("""
    import sqlite3, sys, time
    from datetime import date, timedelta
    from integrakit.iterating import Rereadable
    from integrakit.model import Checkpoint, Evidence, Page
    from integrakit.reading import Backfill
    from integrakit.state import SqliteStore

    folder, step = sys.argv[1:]
    START, END = date(2024, 1, 1), date(2024, 7, 1)

    class Days(Rereadable):
        def __init__(self, low, high):
            self.low, self.high = low, high
        def open_read(self, since=None):
            return Reader(self.low, self.high, 0 if since is None else since.token)

    class Reader:
        def __init__(self, low, high, at):
            self.low, self.at, self.days, self.over = low, at, (high - low).days, False
        async def next_page(self):
            time.sleep(0.002)
            if self.at >= self.days:
                self.over = True
                return None
            page = [{"day": (self.low + timedelta(days=self.at + n)).isoformat()} for n in range(min(4, self.days - self.at))]
            self.at += len(page)
            return Page(page, self.checkpoint)
        @property
        def checkpoint(self):
            return Checkpoint(resource="days", token=self.at)
        @property
        def evidence(self):
            return Evidence(complete=True if self.over else None)

    target = sqlite3.connect(folder + "/target.db", timeout=30)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("CREATE TABLE IF NOT EXISTS days (day TEXT)")

    def handle(records):
        with target:
            target.executemany("INSERT INTO days VALUES (:day)", records)

    with SqliteStore(folder + "/ledger.db") as store:
        print("ready", flush=True)
        report = Backfill("days", Days, start=START, end=END, step=step, store=store).run(handle)
        print(report, flush=True)
""")


def start(folder: Path, step: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", JOB, str(folder), step], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def handled(folder: Path) -> Counter[str]:
    with closing(sqlite3.connect(folder / "target.db")) as target:
        return Counter(day for (day,) in target.execute("SELECT day FROM days"))


def test_killed_at_any_moment_and_run_again(tmp_path: Path) -> None:
    moments = random.Random(3)
    kills = 0
    for round in range(5):
        # Two processes share the ledger, and the step is another one from time to time.
        children = [start(tmp_path, ("1 month", "7 days")[round % 2]) for _ in range(2)]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n", child.stderr and child.stderr.read()
        time.sleep(moments.uniform(0, 0.05))
        for child in children:
            child.send_signal(signal.SIGKILL)
        for child in children:
            child.communicate(timeout=30)
            kills += child.returncode == -signal.SIGKILL
    assert kills >= 2
    last = start(tmp_path, "1 month")
    output, errors = last.communicate(timeout=60)
    assert last.returncode == 0, errors
    assert "nothing is missing" in output
    with SqliteStore(tmp_path / "ledger.db") as store:
        job = Backfill("days", lambda low, high: [], start=START, end=END, step="1 month", store=store)
        assert job.missing() == []
        assert job.done() == [(START, END)]
        # The partitions that are done make up the whole, and none overlaps another.
        done: list[Any] = [entry.value for entry in store.scan("backfill:days") if entry.value["state"] == "done"]
        spans = sorted((date.fromisoformat(value["low"]), date.fromisoformat(value["high"])) for value in done)
        assert [low for low, _ in spans] == [START, *(high for _, high in spans[:-1])]
        assert spans[-1][1] == END
        assert sum(value["records"] for value in done) == 182, json.dumps(done)
        assert all(partition.state == "done" for partition in job.status())
    found = handled(tmp_path)
    assert set(found) == {(START + timedelta(days=n)).isoformat() for n in range(182)}
    # What came twice is the page that each kill cut off from the ledger, and what another step began anew.
    assert sum(found.values()) - 182 <= kills * 31
