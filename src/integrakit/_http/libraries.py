"""What the two HTTP libraries have in common, and how to tell them apart without importing either. No client is made here."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

__all__ = ["LIBRARIES", "library_of", "loop_in_force"]

LIBRARIES = ("httpx", "httpx2")


def library_of(thing: Any) -> str | None:
    """Which of the two an object comes from, or what its class is made from does."""
    kind: Any = type(thing)
    return _library_of_class(kind)


@cache
def _library_of_class(kind: Any) -> str | None:
    return next((name for each in kind.__mro__ if (name := each.__module__.partition(".")[0]) in LIBRARIES), None)


def loop_in_force() -> Any:
    """What an async client belongs to: the running asyncio loop, or trio's token; None without either. What is imported only half is not running."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    if running is not None and (loop := running()) is not None:
        return loop
    trio = getattr(sys.modules.get("trio"), "lowlevel", None)
    if trio is not None:
        try:
            return trio.current_trio_token()
        except RuntimeError:
            return None
    return None
