"""SqlTable: values on their way into a column and out of it, one case after the other."""

from __future__ import annotations

import enum
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from integrakit.errors import DecodeError
from integrakit.model import UNSET, Change
from integrakit.sql import SqlTable

NAN, INF = float("nan"), float("inf")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def put(tmp_path: Path, declared: str, value: Any, wanted: Any = None) -> tuple[str, Any]:
    """What becomes of one value in a column: the status, and what comes back or why not."""
    types = {} if wanted is None else {"v": wanted}
    with SqlTable(tmp_path / "a.db", "t", key="id", create={"id": "INTEGER", "v": declared}, types=types) as table:
        outcome = table.write([Change.create(1, {"v": value})])[0]
        return (outcome.status, outcome.error) if outcome.error else (outcome.status, table.find([1])[1]["v"])


@pytest.mark.parametrize(
    ("declared", "value", "back"),
    [
        ("TEXT", Decimal("12.50"), "12.50"),
        ("TEXT", Decimal("1E+3"), "1000"),
        ("TEXT", Decimal("1E+60"), "1E+60"),
        ("TEXT", 7, "7"),
        ("TEXT", 2**80, str(2**80)),
        ("TEXT", 0.1 + 0.2, "0.30000000000000004"),
        ("TEXT", True, "1"),
        ("TEXT", "007", "007"),
        ("TEXT", "nul\0 and \U0001f600", "nul\0 and \U0001f600"),
        ("TEXT", "", ""),
        ("TEXT", b"bytes", b"bytes"),
        ("TEXT", Colour.RED, "red"),
        ("TEXT", Level.HIGH, "3"),
        ("TEXT", UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ("TEXT", {"a": [Decimal("1.50"), None, date(2024, 1, 1)]}, '{"a":[1.50,null,"2024-01-01"]}'),
        ("TEXT", (1, 2), "[1,2]"),
        ("TEXT", time(9, 30), "09:30:00"),
        ("VARCHAR(20)", datetime(2024, 1, 31, 12, tzinfo=UTC), "2024-01-31T12:00:00+00:00"),
        ("INTEGER", -(2**63), -(2**63)),
        ("INTEGER", 12.0, 12),
        ("INTEGER", Decimal("12.00"), 12),
        ("INTEGER", True, 1),
        ("REAL", 5, 5.0),
        ("REAL", Decimal("0.1"), 0.1),
        ("REAL", -0.0, -0.0),
        ("DOUBLE PRECISION", 1e308, 1e308),
        ("DECIMAL(12,2)", Decimal("12.50"), Decimal("12.5")),
        ("DECIMAL(12,2)", Decimal("9007199254740993"), Decimal("9007199254740993")),
        ("DECIMAL(12,2)", Decimal("1E+20"), Decimal("1E+20")),
        ("NUMERIC", 0.1, Decimal("0.1")),
        ("MONEY", 7, Decimal(7)),
        ("BOOLEAN", False, False),
        ("BOOL", 1, True),
        ("BOOLEAN", 1.0, True),
        ("BOOLEAN", Decimal(0), False),
        ("DATE", date(2024, 2, 29), date(2024, 2, 29)),
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("DATE", "2024-02-30", "2024-02-30"),
        ("DATE", "next week", "next week"),
        ("DATE", "2024-02-28T10:00:00", "2024-02-28T10:00:00"),
        ("DATE", 20240229, 20240229),
        ("DATETIME", datetime(2024, 1, 31, 12, 0, 0, 123456), datetime(2024, 1, 31, 12, 0, 0, 123456)),
        ("TIMESTAMP", datetime(2024, 1, 31, tzinfo=timezone(timedelta(hours=-3, minutes=-30))), datetime(2024, 1, 31, 3, 30, tzinfo=UTC)),
        ("DATETIME", "2024-01-31 12:00", datetime(2024, 1, 31, 12)),
        ("DATETIME", "2024-01-31T12:00:00Z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("DATETIME", "2024-01-31", datetime(2024, 1, 31)),
        ("DATETIME", "2024-01-31T12:00:00.1234567", "2024-01-31T12:00:00.1234567"),
        ("DATETIME", "2024-W05-3", "2024-W05-3"),
        ("DATETIME", 1706700000, 1706700000),
        ("BLOB", b"\x00\xff", b"\x00\xff"),
        ("BLOB", bytearray(b"x"), b"x"),
        ("BLOB", memoryview(b"x"), b"x"),
        ("BLOB", "text", "text"),
        ("BLOB", Decimal("1.10"), "1.10"),
        ("INTERVAL", "1 day", "1 day"),
        ("JSON", {"a": 1}, '{"a":1}'),
        ("TEXT", None, None),
        ("INTEGER", None, None),
        ("TEXT", UNSET, None),
    ],
)
def test_what_is_stored_and_comes_back(tmp_path: Path, declared: str, value: Any, back: Any) -> None:
    status, got = put(tmp_path, declared, value)
    assert (status, got, type(got)) == ("applied", back, type(back))


@pytest.mark.parametrize(
    ("declared", "value", "reason"),
    [
        ("TEXT", NAN, "nan is not a number that can be stored"),
        ("REAL", INF, "inf is not"),
        ("TEXT", Decimal("NaN"), "NaN is not"),
        ("TEXT", Decimal("sNaN"), "sNaN is not"),
        ("TEXT", Decimal("-Infinity"), "is not a number"),
        ("TEXT", "\ud800", "the text is not Unicode: surrogates not allowed at position 0"),
        ("TEXT", {"a": NAN}, "Out of range float"),
        ("TEXT", {"a": {1, 2}}, "a set has no order"),
        ("TEXT", [UNSET], "Unset cannot be written"),
        ("TEXT", {1, 2}, "a set cannot be stored"),
        ("TEXT", object(), "a object cannot be stored"),
        ("TEXT", 1j, "a complex cannot be stored"),
        ("INTEGER", "7", "the column is INTEGER, and the value is text '7': convert it in the mapping"),
        ("INTEGER", 2**63, "beyond 64 bits: declare the column TEXT"),
        ("INTEGER", 1.5, "1.5, not a whole number"),
        ("BIGINT", Decimal("1.5"), "1.5, not a whole number"),
        ("INTEGER", b"x", "1 bytes"),
        ("INTEGER", [1], "JSON '\\[1\\]'"),
        ("INTEGER", date(2024, 1, 1), "a date, '2024-01-01'"),
        ("REAL", "1.5", "text '1.5'"),
        ("REAL", 2**53 + 1, "which a float cannot hold"),
        ("REAL", Decimal("0.1000000000000000055"), "which would be kept as 0.1: declare the column TEXT, which keeps every digit"),
        ("DECIMAL(20,4)", Decimal("12345678901234567.89"), "would be kept as 1.2345678901234568e\\+16"),
        ("DECIMAL", Decimal("1E+400"), "would be kept as inf"),
        ("DECIMAL", Decimal("1E-400"), "would be kept as 0.0"),
        ("DECIMAL", "12.50", "text '12.50'"),
        ("DECIMAL", "x" * 100, "text '" + "x" * 40 + "…'"),
        ("BOOLEAN", 2, "2, neither 0 nor 1"),
        ("BOOLEAN", 0.5, "not a whole number"),
        ("BOOLEAN", "true", "text 'true'"),
        ("DATE", datetime(2024, 1, 1), "a date with a time, 2024-01-01T00:00:00: give a date"),
        ("DATE", True, "the value is True"),
        ("DATE", b"x", "1 bytes"),
        ("DATE", "20240101", "text '20240101', which SQLite would turn into a number"),
        ("STRING", "007", "would turn into a number: declare the column TEXT"),
        ("STRING", " +1.5e3\n", "would turn into a number"),
        ("JSON", "5", "would turn into a number"),
    ],
)
def test_what_is_refused(tmp_path: Path, declared: str, value: Any, reason: str) -> None:
    status, got = put(tmp_path, declared, value)
    assert status == "rejected"
    assert got.startswith("t: v: ")
    assert re.search(reason, got), got


@pytest.mark.parametrize(
    ("declared", "value", "wanted", "back"),
    [
        ("TEXT", "1.10", Decimal, Decimal("1.10")),
        ("TEXT", "-1E+3", Decimal, Decimal("-1E+3")),
        ("REAL", 0.1, Decimal, Decimal("0.1")),
        ("INTEGER", 7, Decimal, Decimal(7)),
        ("TEXT", "007", int, 7),
        ("REAL", 7.0, int, 7),
        ("INTEGER", 7, float, 7.0),
        ("TEXT", "1e3", float, 1000.0),
        ("DECIMAL", Decimal("0.5"), float, 0.5),
        ("DECIMAL", Decimal("0.5"), str, "0.5"),
        ("INTEGER", 7, str, "7"),
        ("TEXT", "x", str, "x"),
        ("TEXT", "TRUE", bool, True),
        ("TEXT", "0", bool, False),
        ("INTEGER", 1, bool, True),
        ("TEXT", "2024-01-31", date, date(2024, 1, 31)),
        ("DATE", datetime(2024, 1, 31).isoformat(), datetime, datetime(2024, 1, 31)),
        ("TEXT", time(9, 30, 0, 5, tzinfo=UTC), time, time(9, 30, 0, 5, tzinfo=UTC)),
        ("TEXT", "23:59", time, time(23, 59)),
        ("BLOB", b"x", bytes, b"x"),
        ("TEXT", {"a": Decimal("1.50")}, "json", {"a": Decimal("1.50")}),
        ("TEXT", "a text", "json", "a text"),
        ("TEXT", 5, "json", 5),
        ("TEXT", None, "json", None),
        ("TEXT", None, Decimal, None),
    ],
)
def test_types_decide(tmp_path: Path, declared: str, value: Any, wanted: Any, back: Any) -> None:
    status, got = put(tmp_path, declared, value, wanted)
    assert (status, got, type(got)) == ("applied", back, type(back))
    if isinstance(back, Decimal):
        assert str(got) == str(back)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        *[(text, Decimal) for text in ("", " 1", "1,5", "1_000", "NaN", "Infinity", "١", b"1")],
        *[(text, int) for text in ("1.0", "", "0x10", " 7", 1.5, b"7")],
        *[(text, float) for text in ("inf", "nan", "", b"1")],
        *[(text, bool) for text in ("yes", "", 2, b"1")],
        *[(text, date) for text in ("20240131", "2024-01-31T00:00:00", "2024-02-30", "31.01.2024", 7, b"2024-01-31")],
        *[(text, datetime) for text in ("2024-01-31T25:00:00", "2024-01-31T10", "20240131T100000", 7)],
        *[(text, time) for text in ("9:30", "24:00", "0930")],
        *[(text, bytes) for text in ("x", 7)],
        (b"x", str),
        *[(text, "json") for text in ("{", "NaN", "", 7)],
    ],
)
def test_types_are_strict(tmp_path: Path, value: Any, wanted: Any) -> None:
    with SqlTable(tmp_path / "a.db", "t", key="id", create={"id": "INTEGER", "v": "BLOB"}) as plain:
        assert plain.write([Change.create(1, {"v": value})])[0].status == "applied"
    with SqlTable(tmp_path / "a.db", "t", key="id", types={"v": wanted}) as table:
        with pytest.raises(DecodeError, match=r"t at {'id': 1}, column 'v': .*types={…} says that it is"):
            list(table)
        with pytest.raises(DecodeError):
            table.find([1])


def test_json_in_a_column_of_numbers(tmp_path: Path) -> None:
    assert put(tmp_path, "JSON", 5, "json")[0] == "rejected"
