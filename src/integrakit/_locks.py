"""A lock for state in memory that is held for microseconds, and survives a fork: in the child another thread of the parent may have held it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["StateLock"]


class StateLock:
    """``with lock.here(): …``. ``forked`` is called once in a child, before any thread there gets the lock: for what the parent alone will finish.

    ``kind`` is what makes the lock, `threading.RLock` where whoever holds it may come again. ``forked`` may not ask for the lock.
    """

    __slots__ = ("_forked", "_kind", "_locks", "_preparing")

    def __init__(self, forked: Callable[[], None] | None = None, kind: Callable[[], Any] = threading.Lock) -> None:
        self._kind = kind
        self._forked = forked
        # Of one process only: its number may be given to a late child of its children, once it is gone.
        self._locks: dict[int, Any] = {os.getpid(): kind()}
        self._preparing: dict[int, Any] = {}

    def here(self) -> Any:
        """The lock of this process."""
        return self._locks.get(os.getpid()) or self._first()

    def _first(self) -> Any:
        # Several threads of a child may come here at once: one of them prepares, and the others wait for it.
        mine = self._kind()
        with mine:
            lock = self._preparing.setdefault(os.getpid(), mine)
            if lock is mine and os.getpid() not in self._locks:
                if self._forked is not None:
                    self._forked()
                self._locks = {os.getpid(): mine}
            if lock is mine:
                # Who comes from now on finds the lock itself.
                self._preparing = {}
        if lock is not mine:
            with lock:
                pass
        return self._locks[os.getpid()]
