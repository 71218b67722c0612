"""The main job: orders of a shop become invoices in the books, on bad days, on real data, and with the process killed in the middle."""

from __future__ import annotations

import importlib.util
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
JOB = ROOT / "examples" / "shop_to_books.py"
NORTHWIND = ROOT.parent / "shared" / "data" / "northwind.sqlite"

needs_northwind = pytest.mark.skipif(not NORTHWIND.is_file(), reason="the Northwind database is not beside the project (../shared/data)")


@pytest.fixture(scope="module")
def job() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop_to_books", JOB)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def northwind_totals() -> dict[str, Decimal]:
    """Computed from the tables, without anything of the job: shortest text, exact products, half-even once per invoice."""
    sums: dict[int, Decimal] = {}
    with closing(sqlite3.connect(f"{NORTHWIND.as_uri()}?mode=ro", uri=True)) as database:
        for (number,) in database.execute("SELECT OrderID FROM Orders"):
            sums[number] = Decimal(0)
        for number, price, quantity, discount in database.execute('SELECT OrderID, UnitPrice, Quantity, Discount FROM "Order Details"'):
            sums[number] += Decimal(repr(price)) * quantity * (1 - Decimal(repr(discount)))
    return {f"INV-{number}": total.quantize(Decimal("0.01"), ROUND_HALF_EVEN) for number, total in sums.items()}


def table_totals(folder: Path) -> dict[str, Decimal]:
    with closing(sqlite3.connect(folder / "warehouse.db")) as database:
        return {key: Decimal(total) for key, total in database.execute("SELECT external_id, total FROM invoices")}


def test_whole_job_runs_and_proves_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(JOB), "--orders", "60", "--folder", str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "orders-to-books: 60 read, 60 written" in done.stdout
    assert "The two sides match: 60 records on both" in done.stdout
    assert "60 invoices, made with 60 idempotency keys" in done.stdout
    assert "60 read, 60 written" in done.stderr  # the progress bar
    assert "<html" in (tmp_path / "diff.html").read_text(encoding="utf-8")


@needs_northwind
def test_northwind_orders_become_invoices_to_the_cent(job: ModuleType, tmp_path: Path) -> None:
    orders = job.northwind_orders(NORTHWIND)
    wanted = northwind_totals()
    assert len(wanted) == 830
    assert sum(len(order["lines"]) for order in orders) == 2155
    with job.simulated_shop(orders) as shop_server, job.simulated_books() as books_server:
        with job.Shop(base_url=shop_server.url) as shop, job.Books(base_url=books_server.url) as books:
            first = job.bring_up_to_date(shop, books, tmp_path, progress=False)
            assert [(report.read, report.written, report.rejected, report.unknown) for report in first] == [(830, 830, 0, 0)] * 2
            assert all(report.evidence.complete for report in first)
            invoices = {row["external_id"]: row for row in books_server.table("invoices")}
            assert {key: row["total"] for key, row in invoices.items()} == wanted
            assert len(books_server.table("invoices")) == len(books_server.idempotency_keys) == 830
            assert table_totals(tmp_path) == wanted
            assert sum(1 for row in invoices.values() if row["shipped"] is None) == 21

            before = len([request for request in books_server.requests if request.method != "GET"])
            again = job.bring_up_to_date(shop, books, tmp_path, progress=False)
            assert [report.written for report in again] == [0, 0]
            assert len([request for request in books_server.requests if request.method != "GET"]) == before

            assert job.change_some_orders(shop) == 3
            assert [report.written for report in job.bring_up_to_date(shop, books, tmp_path, progress=False)] == [3, 3]
            diff = job.prove(shop, books, tmp_path)
        assert diff.matches, str(diff)
        assert diff.summary["equal"] == 830
        assert shop_server.refused == 0
        assert any(request.fault for request in shop_server.requests)


def _killed(command: list[str], after: float) -> bool:
    """Starts the job, kills it with SIGKILL some time after its first line; False when it was done before."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert any(line.startswith(b"1.") for line in iter(process.stdout.readline, b""))
        try:
            process.wait(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        return False


@needs_northwind
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_ten_times_nothing_is_lost_or_doubled(job: ModuleType, tmp_path: Path) -> None:
    seed = time.time_ns() % 1_000_000
    chance = random.Random(seed)
    wanted = northwind_totals()
    with job.simulated_shop(job.northwind_orders(NORTHWIND)) as shop_server, job.simulated_books() as books_server:
        command: list[Any] = [sys.executable, str(JOB), "--shop", shop_server.url, "--books", books_server.url, "--folder", str(tmp_path)]
        kills = sum(_killed(command, chance.uniform(0.02, 1.0)) for _ in range(10))
        assert kills == 10, f"seed {seed}: the job was done after {kills} kills; nothing was shown"
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
        rows = books_server.table("invoices")
        assert len(rows) == 830, f"seed {seed}"
        assert len(books_server.idempotency_keys) == 830, f"seed {seed}"
        half = Decimal("0.5")
        changed = {f"INV-{order['id']}" for order in shop_server.table("orders") if any(line["discount"] == half for line in order["lines"])}
        assert len(changed) == 3
        assert {row["external_id"]: row["total"] for row in rows if row["external_id"] not in changed} == {
            key: total for key, total in wanted.items() if key not in changed
        }, f"seed {seed}"
        assert table_totals(tmp_path) == {row["external_id"]: row["total"] for row in rows}, f"seed {seed}"
