"""What a sync opens for itself: its store, and the clock its leases go by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrakit.protocols import Store
from integrakit.runtimes import runtime
from integrakit.state import MemoryStore, open_store

__all__ = ["WorldClock", "opened_store"]


class WorldClock:
    """The time of whichever world asks: leases in a simulation go by virtual time."""

    def now(self) -> float:
        return runtime().now()

    def wall(self) -> datetime:
        return runtime().wall()


def opened_store(store: Any) -> tuple[Store, Callable[[], None] | None]:
    """The store, and what closes it where it was opened here, from a path or URL."""
    if store is None:
        return MemoryStore(), None
    opened = open_store(store)
    return opened, opened.close if opened is not store else None
