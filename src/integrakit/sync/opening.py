"""What a sync opens for itself: its store, and the clock its leases go by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrakit.protocols import Store
from integrakit.state import MemoryStore, open_store

__all__ = ["opened_store"]


def opened_store(store: Any) -> tuple[Store, Callable[[], None] | None]:
    """The store, and what closes it where it was opened here, from a path or URL."""
    if store is None:
        return MemoryStore(), None
    opened = open_store(store)
    return opened, opened.close if opened is not store else None
