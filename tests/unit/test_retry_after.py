"""``Retry-After``, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrakit.http.retry_after import parse_retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("2.0", 2),
        ("1.5", 1.5),
        ("0.25", 0.25),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 12:00:00 GMT", 0),
        ("Thursday, 01-Jan-26 12:01:00 GMT", 60),
        ("Thu Jan  1 12:01:00 2026", 60),
        ("Thu, 01 Jan 2026 14:00:30 +0200", 30),
    ],
)
def test_what_is_understood(value: str, seconds: float) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "-1",
        "+5",
        "120junk",
        "1e3",
        "1.",
        ".5",
        "1,5",
        "0x10",
        "inf",
        "nan",
        "٣",
        "1_000",
        "9" * 40,
        "soon",
        "Thu, 01 Jan 2026 11:59:59 GMT",
        "Thu, 99 Jan 2026 12:00:00 GMT",
        "Thu, 01 Jan 99999 12:00:00 GMT",
        "Thu, 01 Jan 2026 12:00:00 +9999",
        "Thu, 01 Jan 2026",
        "\x00",
        "120, 60",
    ],
)
def test_what_is_no_advice(value: str | None) -> None:
    assert parse_retry_after(value, NOW) is None
