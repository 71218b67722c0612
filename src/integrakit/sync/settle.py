"""Settling what an earlier run left open, before anything newer goes out.

An open intent may have been written or not. Where the sink takes it again without harm it is sent again, with the exact body and key; where it can
be asked, it is asked; elsewhere it stays, as unknown, for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from integrakit._json import canonical
from integrakit.model import Change
from integrakit.protocols import Operation
from integrakit.runtimes import runtime
from integrakit.writing import Delivery, Intent, Item, Journal, SinkHandle, Written

__all__ = ["applied", "settle"]


async def settle(journal: Journal, sink: SinkHandle, delivery: Delivery) -> tuple[int, set[str]]:
    """How many intents there were, and the ids of those that stay unknown: nothing newer may go out for these records."""
    intents = await runtime().blocking(lambda: list(journal.intents.all()))
    again: list[Item] = []
    unknown: set[str] = set()
    operations: list[Operation] = []
    now = runtime().wall().isoformat(timespec="milliseconds")
    ask: list[Intent] = []
    for intent in intents:
        if intent.status == "unknown":
            unknown.add(intent.id)
        elif intent.status == "failed" or sink.repeatable or sink.takes_keys or sink.transactional:
            again.append(_item(intent))
        elif sink.findable:
            ask.append(intent)
        else:
            unknown.add(intent.id)
            operations += journal.intents.put([evolve(intent, status="unknown", error=intent.error or "the run ended before the sink answered")])
    if ask:
        found = await sink.find([intent.change.key for intent in ask])
        for intent in ask:
            if _took_place(intent.change, found.get(intent.change.key)):
                remote = found[intent.change.key].get(sink.key) if isinstance(sink.key, str) and intent.change.kind != "delete" else None
                operations += applied(journal, intent, now, remote_key=remote)
            else:
                again.append(_item(intent))
    if operations:
        await journal.commit(operations)
    if again:
        await delivery.deliver(again)
    return len(intents), unknown


def applied(journal: Journal, intent: Intent, now: str, *, remote_key: Any = None) -> list[Operation]:
    """Operations that take an intent for done."""
    change = intent.change
    if change.kind == "delete":
        return [*journal.remembered.forget([intent.id]), *journal.intents.done([intent.id])]
    written = Written(
        key=change.key,
        fingerprint=intent.fingerprint,
        count=intent.count + 1,
        remote_key=remote_key if remote_key is not None else change.remote_key,
        at=now,
        record=change.whole if change.whole is not None else change.record,
    )
    return [*journal.remembered.put({intent.id: written}), *journal.intents.done([intent.id])]


def _item(intent: Intent) -> Item:
    return Item(change=intent.change, id=intent.id, fingerprint=intent.fingerprint, count=intent.count)


def _took_place(change: Change, record: Any) -> bool:
    """Whether the system's own record shows that the change took place."""
    if change.kind == "delete":
        return record is None
    if record is None:
        return False
    if change.kind == "create":
        return True
    wanted = change.record or {}
    return isinstance(record, Mapping) and all(name in record and canonical(record[name]) == canonical(value) for name, value in wanted.items())
