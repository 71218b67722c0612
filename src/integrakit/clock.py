"""Time as an argument: what the clocks of integrakit are.

Two readings, never mixed: ``now()`` is monotonic seconds, for waits and limits; ``wall()`` is an aware UTC datetime, for what is stored and
shown. Nothing here waits: waiting is the runtime's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Where the time comes from. ``integrakit.testing.VirtualClock`` is the one for tests."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        ...

    def wall(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clocks."""

    now = staticmethod(time.monotonic)

    @staticmethod
    def wall() -> datetime:
        return datetime.now(UTC)

    def __repr__(self) -> str:
        return "SystemClock()"
