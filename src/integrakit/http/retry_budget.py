"""How much repeating a server has to bear: a share of the requests, and a few a second besides. Nothing is known here of when to repeat what.

Without it, a server that slows down gets three times the requests just when it can take them least.
"""

from __future__ import annotations

from typing import Any

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError

__all__ = ["RetryBudget"]

#: What may be saved up: so many seconds' worth of ``per_second``, and never less than this many retries.
SAVED_SECONDS, SAVED_AT_LEAST = 10.0, 10.0
#: Hosts kept at most.
MOST_HOSTS = 1000


class RetryBudget:
    """For each host, retries may be ``share`` of its requests, and ``per_second`` more in each second.

    What is not used is saved up: ten seconds' worth of ``per_second``, and at least ten retries, so that a quiet client may repeat at once. Budgets
    are equal when their numbers are; what was used belongs to the object: pass the same one to several `Retry` objects to share it.
    """

    def __init__(self, *, share: float = 0.2, per_second: float = 10.0) -> None:
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ConfigurationError(f"RetryBudget(share=…) takes a share from 0 to 1, such as 0.2, not {share!r}")
        if isinstance(per_second, bool) or not isinstance(per_second, int | float) or not 0 <= per_second < float("inf"):
            raise ConfigurationError(f"RetryBudget(per_second=…) takes retries per second, 0 or more, not {per_second!r}")
        self.share = float(share)
        self.per_second = float(per_second)
        self._most = max(SAVED_AT_LEAST, SAVED_SECONDS * self.per_second)
        self._hosts: dict[str, list[float]] = {}  # host → [retries left, when that was]
        self._guard = StateLock().here

    @property
    def in_use(self) -> bool:
        """Whether any host's is less than full. While nothing was ever repeated there is nothing to deposit to, and nothing is spent on it."""
        return bool(self._hosts)

    def deposit(self, host: str) -> None:
        """A request was sent for the first time."""
        with self._guard():
            account = self._hosts.get(host)
            # One that is not there is full.
            if account is not None:
                account[0] += self.share
                if account[0] >= self._most:
                    del self._hosts[host]

    def take(self, host: str, now: float) -> bool:
        """Whether one more retry may be sent, at the runtime's ``now``; then it is paid for."""
        with self._guard():
            account = self._hosts.get(host)
            if account is None:
                if len(self._hosts) >= MOST_HOSTS:
                    # The one that has most left is the one nearest to having never been here.
                    del self._hosts[max(self._hosts, key=lambda name: self._hosts[name][0])]
                account = self._hosts[host] = [self._most, now]
            left, since = account
            left = min(self._most, left + max(0.0, now - since) * self.per_second)
            account[1] = now
            if left < 1.0 - 1e-9:  # what floats add up to
                account[0] = left
                return False
            account[0] = left - 1.0
            return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RetryBudget) and (self.share, self.per_second) == (other.share, other.per_second)

    def __hash__(self) -> int:
        return hash((RetryBudget, self.share, self.per_second))

    def __getstate__(self) -> dict[str, Any]:
        # Another process begins with a full one: a lock cannot go there, and its clock is another.
        return {"share": self.share, "per_second": self.per_second}

    def __setstate__(self, state: dict[str, Any]) -> None:
        RetryBudget.__init__(self, **state)

    def __repr__(self) -> str:
        return f"RetryBudget(share={self.share:g}, per_second={self.per_second:g})"
