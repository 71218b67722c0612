"""From what a server said to what a limit does about it. Pure: signals and terms in, operations for a `Ledger` out.

A server can only make us slower, and only for a time that is bounded: what it says may be wrong, or hostile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import field, frozen

from integrakit.http.limiting.dialects.telling import EVERYBODY_WAITS_FROM
from integrakit.http.limiting.ledger import Operation
from integrakit.http.limiting.meters import Ticket
from integrakit.http.limiting.quota_signal import QuotaSignal
from integrakit.http.limiting.terms import Terms

__all__ = ["Advice", "advise", "longest_pause"]

#: No pause is longer than this, or the longest window of the limit where that is longer: then one request asks how things are.
LONGEST_PAUSE = 3600.0
#: A server that tells a rate tells it with each answer; one that does not tell it again after so many seconds has changed its mind.
RATE_HOLDS = 60.0


@frozen
class Advice:
    """What follows from one answer."""

    operations: list[Operation] = field(factory=list)
    #: Seconds for which nobody may go; 0 for none.
    pause: float = 0.0
    #: This answer is a refusal by a quota, and when the server wants to be asked again, where it told.
    refused: bool = False
    retry_after: float | None = None


def longest_pause(terms: Sequence[Terms]) -> float:
    """No server can stop a client for longer than this at a time."""
    return max(LONGEST_PAUSE, *[each.quota.seconds for each in terms])


def advise(
    signals: Sequence[QuotaSignal],
    terms: Sequence[Terms],
    *,
    limited: bool,
    retry_after: float | None,
    cost: int,
    tickets: Sequence[Ticket],
    purpose: str,
    cap: float,
) -> Advice:
    """What to do after an answer. ``limited``: it was an error of the rate limited kind, with ``retry_after`` seconds where told."""
    operations: list[Operation] = []
    pause = retry_after if limited and retry_after is not None and retry_after >= EVERYBODY_WAITS_FROM else 0.0
    for signal in signals:
        refused = signal.refused or limited
        told = signal.retry_after if signal.retry_after is not None else (retry_after if limited else None)
        if signal.refused and retry_after is None:
            retry_after = signal.retry_after
        gone = signal.everybody or (signal.kind != "concurrency" and signal.remaining is not None and signal.remaining < 1)
        index = _match(signal, terms)
        # Of a quota that is ours, an answer that is no refusal does not stop us when nothing is left: at full speed that is as it should be.
        if (gone and (refused or index is None)) or (refused and told is not None and told >= EVERYBODY_WAITS_FROM):
            pause = max(pause, told if told is not None else signal.reset or 0.0)
        if index is None:
            continue
        if signal.charged is not None and index < len(tickets):
            # A call may cost more than a second's worth, but an absurd number must not stop everybody for years.
            quota = terms[index].quota
            more = min(signal.charged, quota.amount * max(1.0, RATE_HOLDS / quota.seconds)) - cost
            if more:
                operations.append(["settle", list(tickets), index, more, purpose])
        operations += _state(signal, index, terms[index], cap)
    return Advice(operations, min(pause, cap), any(signal.refused for signal in signals), retry_after)


def _state(signal: QuotaSignal, index: int, terms: Terms, cap: float) -> list[Operation]:
    quota = terms.quota
    if signal.kind == "rate":
        # It refills all the time, so that little of it is left at any moment while all is well; what counts is how fast.
        slow = signal.rate is not None and signal.rate < quota.amount / quota.seconds * 0.98
        return [["slower", index, min(RATE_HOLDS, 1 / signal.rate) if signal.rate else RATE_HOLDS, RATE_HOLDS]] if slow else []
    if signal.remaining is None:
        return []
    reset = quota.seconds if signal.reset is None else signal.reset
    return [["told", index, min(signal.remaining, quota.amount), min(reset, quota.seconds if quota.kind != "budget" else cap, cap)]]


def _match(signal: QuotaSignal, terms: Sequence[Terms]) -> int | None:
    """Which of our quotas the server speaks of, or None. What fits none may be another quota altogether, and is left alone."""
    if signal.kind == "concurrency":
        return None
    best, distance = None, math.inf
    for index, each in enumerate(terms):
        quota = each.quota
        if signal.name and signal.name == quota.name:
            return index
        if signal.unit in ("tokens", "bytes"):
            continue  # a call is counted in requests or points here: only a quota of that very name is meant
        if (signal.kind == "budget") != (quota.kind == "budget") and not (signal.window and quota.seconds >= 3600):
            continue
        apart = 0.0
        if signal.kind == "rate" and signal.rate:
            apart = _apart(signal.rate, quota.amount / quota.seconds)
        elif signal.window:
            apart = 10 * _apart(signal.window, quota.seconds)  # whatever the numbers are, the windows must be the same
        elif signal.limit:
            apart = _apart(signal.limit, quota.amount)
        elif len(terms) > 1 and (signal.reset is None or signal.reset > quota.seconds * 1.05):
            continue
        # A rate and nothing else is likely to be ours, however far from what we thought it is.
        bound = math.inf if signal.kind == "rate" and signal.limit is None and signal.charged is None else math.log(4)
        if apart < min(distance, bound):
            best, distance = index, apart
    return best


def _apart(one: float, other: float) -> float:
    return abs(math.log(one) - math.log(other))  # not of the quotient, which the smallest floats take to 0
