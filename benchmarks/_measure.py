"""What the benchmark programs share: CPU time of a call and of a process, medians, a table. No benchmark lives here.

CPU time comes first everywhere: it says what code costs, while the wall clock also says what else the machine was doing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median


def options(what: str, **switches: str) -> argparse.Namespace:
    """``--quick`` (a short run, to see that it works; its figures mean nothing), ``--json``, and further ``switches``: name → what it does."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    for name, does in switches.items():
        parser.add_argument(f"--{name}", action="store_true", help=does)
    return parser.parse_args()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one call, the CPU of all threads."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def alternating(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Times each of them in each round, so that a slow moment of the machine meets all; each round starts with another one. One round to warm up."""
    names = list(contestants)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number in range(-1, rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            measured = timed(contestants[name])
            if number >= 0:
                times[name].append(measured)
    return times


def process_cpu(program: str) -> float:
    """CPU seconds, user and system, of a fresh interpreter that runs a program and ends."""
    child = subprocess.Popen([sys.executable, "-I", "-c", program])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"this program failed: {program}")
    return usage.ru_utime + usage.ru_stime


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """The median of the rounds' own ratios."""
    return median(one / other for one, other in zip(times, base, strict=True))


@contextmanager
def server(program: str, *arguments: str) -> Iterator[str]:
    """A server in a process of its own: its address is the first line it prints. Stopped at the end, whatever happens."""
    path = Path(__file__).with_name(program)
    process = subprocess.Popen([sys.executable, str(path), *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise SystemExit(f"{program} did not start")
        yield address
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stdin):
            if pipe is not None:
                pipe.close()


def show(title: str, rows: Sequence[dict[str, object]], verdict: dict[str, object], *, as_json: bool) -> None:
    """Prints the rows and what follows from them."""
    machine = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    if as_json:
        print(json.dumps({"benchmark": title, "machine": machine, "rows": rows, "verdict": verdict}, indent=2))
        return
    print(f"{title}\n{machine}\n")
    columns = list(rows[0])
    cells = [columns, *([f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        print(
            "  ".join(
                cell.ljust(width) if not index else cell.rjust(width) for index, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
        )
    print()
    for name, value in verdict.items():
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")
