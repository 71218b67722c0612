"""The shared state of one key as a document, for backends that keep documents: read, change, write back if nobody else did. Pure.

The Redis script keeps the same document and does the same with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrakit.http.limiting.backend import Answer
from integrakit.http.limiting.ledger import Ledger, Operation
from integrakit.http.limiting.terms import Terms

__all__ = ["TAKES_PART_FOR", "apply_to", "open_document"]

#: A process that did not ask for so many seconds does not count as taking part any more.
TAKES_PART_FOR = 60.0


def open_document(document: Any, terms: Sequence[Terms], clock: float) -> tuple[Ledger, float, float]:
    """The ledger in it, the moment by its own time, and how far that is ahead of ``clock``.

    Its time never goes back: where the clock does (another server took over, a machine set its clock), it goes on from where it was.
    Raises `ValueError` and its kin for what is no such document.
    """
    ledger = Ledger(terms)
    if document is None:
        return ledger, clock, 0.0
    ahead = float(document["ahead"])
    now = clock + ahead
    if now < document["at"]:
        ahead += document["at"] - now
        now = float(document["at"])
    ledger.paused = float(document["paused"])
    for meter in ledger.meters:
        if (state := document["quotas"].get(meter.terms.place)) is not None:
            meter.load(state)
    return ledger, now, ahead


def apply_to(
    document: Any, terms: Sequence[Terms], operations: Sequence[Operation], clock: float, process: str
) -> tuple[dict[str, Any], Answer, float]:
    """The document after the operations, what they answered, and for how many seconds it is worth keeping."""
    ledger, now, ahead = open_document(document, terms, clock)
    answers = [ledger.apply(operation, now) for operation in operations]
    before: Mapping[str, Any] = document or {"quotas": {}, "processes": {}}
    processes = {name: seen for name, seen in before["processes"].items() if seen > now - TAKES_PART_FOR}
    processes[process] = now
    # Quotas that are not ours belong to another version of the same limit.
    quotas = {**before["quotas"], **{meter.terms.place: meter.dump() for meter in ledger.meters}}
    after = {"at": now, "ahead": ahead, "paused": ledger.paused, "processes": processes, "quotas": quotas}
    answer = Answer(answers, max(0.0, ledger.paused - now), len(processes), [meter.used() for meter in ledger.meters], now)
    return after, answer, max(ledger.horizon() - now, 0.0) + TAKES_PART_FOR
