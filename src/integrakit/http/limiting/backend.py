"""What a place for shared state has to do, and how it says that it cannot. Nothing but the seam between `shared` and its backends may live here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from attrs import frozen

from integrakit.http.limiting.ledger import Ledger, Operation

__all__ = ["ANSWER_WITHIN", "CONNECT_WITHIN", "Answer", "Backend", "StateAway"]

#: Seconds that a connection, and an answer, may take: a request is not held up for longer when the shared state is away.
CONNECT_WITHIN, ANSWER_WITHIN = 0.3, 0.5


class StateAway(Exception):
    """The shared state could not be asked. Never leaves the rate limit; ``__cause__`` says why."""


@frozen
class Answer:
    """What the shared state says."""

    #: One for each operation.
    answers: Sequence[Any]
    #: Seconds for which nobody may go.
    paused: float
    #: How many processes took part lately, this one included.
    processes: int
    #: Units used of each quota.
    used: Sequence[float]
    #: When it said so, by its own time.
    moment: float


class Backend(Protocol):
    """Where the state is. ``wall`` is the time of day in seconds, for backends that have no clock of their own. Raises `StateAway`."""

    def apply(self, key: str, operations: Sequence[Operation], wall: float) -> Answer: ...

    def look(self, key: str, wall: float) -> tuple[Ledger, float]:
        """The state as a ledger, and the moment by its clock."""
        ...
