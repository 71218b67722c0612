"""A limit whose state is shared with other processes, and what happens while that state is away. Blocking: the runtime takes it off the event loop.

While the state is away, this process keeps to its share of the limit by itself, and asks again every few seconds, in the course of one request at a
time. Backends know nothing of this: they raise `StateAway`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from attrs import define, field

from integrakit._locks import StateLock
from integrakit.http.limiting.backend import Answer, Backend, StateAway
from integrakit.http.limiting.by_key import ByKey
from integrakit.http.limiting.ledger import Ledger, Operation
from integrakit.http.limiting.meters import FAR, NEVER
from integrakit.http.limiting.terms import Terms

__all__ = ["RETRY_AFTER", "Place", "SharedLimit", "Turn"]

#: Seconds between two tries to reach the shared state again.
RETRY_AFTER = 3.0
#: Seconds by which our clock and that of the shared state may come apart during a pause.
DRIFT = 0.05
#: Seconds by which two clocks may come apart in a second.
CLOCKS_PART = 1e-4
#: The share of a process that never saw how many take part.
UNKNOWN_SHARE = 0.25


@define(eq=False)
class Place:
    """What this process knows of one key. Times by the runtime's ``now``."""

    #: The newest pause that we have heard of: who waits for a slot before its end waits anew.
    paused: float = NEVER
    told_at: float = NEVER
    seen_at: float = NEVER
    used: Sequence[float] = ()
    processes: int = 0
    #: How far the time of the shared state is ahead of ours, by the quickest answer; and when that was.
    lead: float = NEVER
    lead_at: float = NEVER
    #: What is used while the state is away.
    alone: Ledger | None = None
    #: What was used then and is not known to the shared state yet, of each quota.
    owed: Sequence[float] = ()
    #: Seconds that it is worth remembering.
    lasts: float = 0.0

    def horizon(self) -> float:
        return max(self.paused, self.seen_at + self.lasts, FAR if self.alone is not None or any(self.owed) else NEVER)

    def used_alone(self) -> list[float]:
        """Of each quota that is counted; paced ones have nothing to make up for."""
        return [] if self.alone is None else [0.0 if meter.terms.paced else max(0.0, meter.total) for meter in self.alone.meters]


@define(eq=False)
class Turn:
    """What came of one call of `SharedLimit.apply`."""

    answers: Sequence[Any]
    #: Counts the times that the state was lost or came back: tickets of one period mean nothing in another.
    period: int
    #: The time of the shared state, where that answered.
    moment: float | None = None
    #: Set where this call found out that the state is away, with the share kept to from now on; or that it is back, after so many seconds.
    lost: BaseException | None = None
    share: float = 1.0
    back: float | None = None


@define(eq=False)
class _Loss:
    since: float
    next_try: float
    share: float
    terms: Sequence[Terms] = field(repr=False)


class SharedLimit:
    """Asks the backend, or goes on alone. Thread-safe; the lock is not held while the backend is asked."""

    def __init__(self, backend: Backend, terms: Sequence[Terms], share: float | None, shrink: Callable[[float], Sequence[Terms]]) -> None:
        self._backend = backend
        self._terms = terms
        self._share = share
        self._shrink = shrink
        lasts = max(each.window for each in terms)
        self._places = ByKey(lambda: Place(lasts=lasts))
        self._period = 0
        self._loss: _Loss | None = None
        self._guard = StateLock().here

    @property
    def away(self) -> bool:
        return self._loss is not None

    def place(self, key: str, now: float) -> Place:
        with self._guard():
            return self._places.get(key, now)

    def apply(self, key: str, operations: Sequence[Operation], now: float, wall: float, period: int | None = None) -> Turn:
        """Does them in the shared state, or in this process alone where that is away. ``period``: only if it is still that one."""
        with self._guard():
            place = self._places.get(key, now)
            if period is not None and period != self._period:
                return Turn([], self._period)
            loss, alone = self._loss, place.used_alone()
            if loss is not None:
                if now < loss.next_try:
                    return self._alone(place, loss, operations, now)
                loss.next_try = now + RETRY_AFTER  # one request tries, the others do not wait for it
            owed = [sum(both) for both in zip_longest(place.owed, alone, fillvalue=0.0)]
            if loss is None:
                place.owed, place.alone = (), None
        charge: list[Operation] = [["charge", owed]] if any(owed) else []
        # What is about slots that were booked in this process has no meaning in the shared state.
        asked = list(operations) if loss is None or period is None else []
        try:
            answer = self._backend.apply(key, charge + asked, wall)
        except StateAway as problem:
            with self._guard():
                if loss is None:
                    place.owed = owed
                return self._lost(place, operations, now, problem, shared_slots=period is not None and loss is None)
        with self._guard():
            return self._answered(place, answer, loss, alone, now, len(charge))

    def start(self, place: Place, turn: Turn, delay: float, asked: float, answered: float) -> float:
        """When a slot is, by our time, that was ``delay`` seconds away when the shared state looked at it: between ``asked`` and ``answered``.

        The quickest answers tell how the clocks stand to each other; what held up this one (a busy machine, above all) does not make us late then.
        """
        if turn.moment is None:
            return asked + delay
        with self._guard():
            place.lead = max(turn.moment - answered, place.lead - CLOCKS_PART * max(0.0, answered - place.lead_at))
            place.lead_at = answered
            return min(max(turn.moment + delay - place.lead, asked + delay), answered + delay)

    def _answered(self, place: Place, answer: Answer, loss: _Loss | None, charged: Sequence[float], now: float, skip: int) -> Turn:
        place.seen_at, place.used, place.processes = now, answer.used, answer.processes
        if answer.paused > 0:
            # Two clocks: whoever waits for a slot right at its end must not take it for a new one.
            place.paused = max(place.paused, now + answer.paused - DRIFT)
        turn = Turn(answer.answers[skip:], self._period, answer.moment)
        if loss is not None and self._loss is loss:
            # What others of this process used while we were asking is charged with the next call.
            place.owed = [max(0.0, used - before) for used, before in zip_longest(place.used_alone(), charged, fillvalue=0.0)]
            place.alone = None
            self._loss = None
            self._period += 1
            turn.period, turn.back = self._period, now - loss.since
        return turn

    def _lost(self, place: Place, operations: Sequence[Operation], now: float, problem: StateAway, shared_slots: bool) -> Turn:
        loss, found_out = self._loss, self._loss is None
        if loss is None:
            # Of several keys, that which most take part in: a share is for all of them.
            processes = max([each.processes for each in self._places.values()], default=0)
            share = self._share if self._share is not None else 1.0 / processes if processes else UNKNOWN_SHARE
            loss = self._loss = _Loss(now, now + RETRY_AFTER, share, self._shrink(share))
            self._period += 1
        turn = self._alone(place, loss, [] if shared_slots else operations, now)
        if found_out:
            turn.lost, turn.share = problem.__cause__ or problem, loss.share
        return turn

    def _alone(self, place: Place, loss: _Loss, operations: Sequence[Operation], now: float) -> Turn:
        if place.alone is None:
            place.alone = _alone_from(place, self._terms, loss.terms, now)
        turn = Turn([place.alone.apply(operation, now) for operation in operations], self._period)
        place.paused = max(place.paused, place.alone.paused)
        return turn

    def look(self, key: str, now: float, wall: float) -> tuple[Ledger, float]:
        """The state as a ledger, and the moment by its clock; what this process knows itself, where the shared state is away."""
        if self._loss is None:
            try:
                return self._backend.look(key, wall)
            except StateAway:
                pass  # the next request finds that out, and tells of it
        with self._guard():
            place = self._places.get(key, now)
            terms = self._terms if self._loss is None else self._loss.terms
            return place.alone or _alone_from(place, self._terms, terms, now), now


def _alone_from(place: Place, whole: Sequence[Terms], terms: Sequence[Terms], now: float) -> Ledger:
    """The limit of one process, going on from where the shared one was seen last: nothing begins anew because the state is away."""
    ledger = Ledger(terms)
    for index, (meter, before) in enumerate(zip(ledger.meters, whole, strict=True)):
        if meter.terms.paced:
            meter.next = now + meter.terms.tolerance + (meter.terms.interval if place.used else 0.0)
        elif place.used:
            meter.foreign = place.used[index] * meter.terms.capacity / before.capacity
            meter.foreign_until = now + meter.terms.window
    if place.paused > now:
        ledger.pause(place.paused)
    return ledger
