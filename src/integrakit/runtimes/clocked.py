"""A world whose clock is another's: what a client with ``clock=`` runs in. Waiting stays the world's own."""

from __future__ import annotations

from typing import Any, cast

from integrakit.clock import Clock
from integrakit.runtimes.protocol import Runtime

__all__ = ["clocked"]


def clocked(world: Runtime, clock: Clock) -> Runtime:
    """``world``, with the time of ``clock``."""
    return cast("Runtime", _Clocked(world, clock))


class _Clocked:
    """All verbs of ``world`` but ``now`` and ``wall``, which are the clock's."""

    def __init__(self, world: Runtime, clock: Clock) -> None:
        self._world = world
        self.name = world.name
        self.now = clock.now
        self.wall = clock.wall

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._world, verb)
