"""A clock that a test moves by hand. It moves nothing else: nobody who sleeps is woken by it (that is what `simulate` is for)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from integrakit.errors import ConfigurationError
from integrakit.testing.checks import seconds

__all__ = ["VirtualClock"]


class VirtualClock:
    """An `integrakit.clock.Clock` that stands still until `advance` is called. Safe for threads.

    ``start`` is the time of day at the beginning, aware; ``now()`` begins at 0.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if not isinstance(start, datetime) or start.tzinfo is None:
            raise ConfigurationError(f"VirtualClock(start=…) takes an aware datetime such as datetime(2026, 1, 1, tzinfo=UTC), not {start!r}")
        self._start = start.astimezone(UTC)
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds advanced since the beginning."""
        return self._now

    def wall(self) -> datetime:
        """The time of day, aware, in UTC."""
        return self._start + timedelta(seconds=self._now)

    def advance(self, by: float | timedelta) -> None:
        """Moves the clock on, by seconds or a timedelta; never back."""
        step = seconds("advance()", by.total_seconds() if isinstance(by, timedelta) else by)
        with self._lock:
            self._now += step

    def __repr__(self) -> str:
        return f"VirtualClock({self.wall().isoformat()}, now={self._now:g})"
