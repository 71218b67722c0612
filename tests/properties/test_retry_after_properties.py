"""``Retry-After``: whatever a server sends, it is a wait of 0 or more seconds, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from integrakit.http.retry_after import parse_retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@given(st.text() | st.from_regex(r"[-+.0-9eE, A-Za-z:]{0,40}"))
def test_any_text_is_a_wait_or_nothing(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds < 1e12


@given(st.integers(0, 10**9 - 1))
def test_whole_seconds_are_exact(seconds: int) -> None:
    assert parse_retry_after(str(seconds), NOW) == seconds


@given(st.integers(-(10**7), 10**7))
def test_dates_count_from_now(seconds: int) -> None:
    told = parse_retry_after(format_datetime(NOW + timedelta(seconds=seconds), usegmt=True), NOW)
    assert told == (seconds if seconds >= 0 else None)
