"""``memory=`` is kept: the peak of the whole process, less what it took before, while sides many times as large are compared. Seconds each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say how much memory a process took at most")

ROWS = """
from integrakit.model import Page
from integrakit.reconciliation import reconcile

COUNT = {count}

def row(number, **changes):
    return {{"id": number, "name": f"name {{number}}", "email": f"u{{number}}@example.com", "amount": number * 1.25, "quantity": number % 50,
            "status": "paid" if number % 3 else "open", "day": f"2026-01-{{number % 28 + 1:02d}}", "note": f"{{number}} " * 4, **changes}}

class InOrder:
    def __init__(self, changes):
        self.changes = changes
    def pages(self, since):
        for start in range(0, COUNT, 1000):
            yield Page([row(number, **self.changes) for number in range(start, min(COUNT, start + 1000))])

def shuffled(step, changes):
    for index in range(COUNT):
        yield row(index * step % COUNT, **changes)

def many_times(changes):
    for index in range(COUNT):
        yield row(index if index < 1000 else 7, quantity=index % 900, **changes)

def peak():
    # Not ru_maxrss, which begins with what the parent had.
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

before = peak()
diff = reconcile({left}, {right}, key="id", engine={engine!r}, memory="64MB")
breaks = sum(1 for _ in diff.breaks())
print(diff._findings.engine, breaks, diff.summary["equal"], peak() - before)
"""


@pytest.mark.parametrize(
    ("engine", "left", "right", "found"),
    [
        ("auto", "shuffled(7919, {})", "shuffled(104729, {'status': 'new'})", ("spill", 300_000, 0)),
        ("auto", "InOrder({})", "InOrder({})", ("merge", 0, 300_000)),
        ("spill", "many_times({})", "many_times({})", ("spill", 0, 300_000)),
    ],
)
def test_memory_is_kept(engine: str, left: str, right: str, found: tuple[str, int, int]) -> None:
    code = ROWS.format(count=300_000, left=left, right=right, engine=engine)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert (answer[0], int(answer[1]), int(answer[2])) == found
    assert int(answer[3]) <= 64_000_000, f"{int(answer[3]) / 1e6:.0f} MB"
