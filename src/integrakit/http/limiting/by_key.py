"""One state for each key, of which there may be many: those that are as good as fresh are let go. Not thread-safe: the owner has the lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from integrakit.errors import RateLimitExceeded

__all__ = ["MOST_KEYS", "ByKey", "Kept"]

#: A sweep for states to let go is made from so many on; more than `MOST_KEYS` at once are refused.
SWEEP_FROM = 1_000
MOST_KEYS = 100_000


class Kept(Protocol):
    """What is kept for a key."""

    def horizon(self) -> float:
        """From when on it is as good as a fresh one."""
        ...


T = TypeVar("T", bound=Kept)


class ByKey(Generic[T]):
    """States by key, made when they are first asked for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._states: dict[str, T] = {}
        self._sweep_at = SWEEP_FROM

    def get(self, key: str, now: float) -> T:
        """Raises `RateLimitExceeded` where too many keys are in use at once: a state that still says something is never let go."""
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= self._sweep_at:
                self._states = {name: kept for name, kept in self._states.items() if kept.horizon() > now}
                # Not before it is twice as many: each key pays for its own sweep.
                self._sweep_at = min(MOST_KEYS, max(SWEEP_FROM, 2 * len(self._states)))
                if len(self._states) >= MOST_KEYS:
                    raise RateLimitExceeded(
                        f"a rate limit with key=… has {MOST_KEYS} keys in use at once, and takes no more: key by something that there are fewer of"
                    )
            state = self._states[key] = self._make()
        return state

    def __len__(self) -> int:
        return len(self._states)

    def values(self) -> list[T]:
        return list(self._states.values())
