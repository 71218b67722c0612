"""Settling what an earlier run left open, before anything newer goes out.

An open intent may have been written or not. Where the sink takes it again without harm it is sent again, with the exact body and key; where it can
be asked, it is asked; elsewhere it stays, as unknown, for a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from attrs import evolve

from integrakit._json import canonical
from integrakit.model import Change, Outcome
from integrakit.runtimes import runtime
from integrakit.writing import Delivery, Intent, Item, Journal, SinkHandle, item_of

__all__ = ["settle"]

#: Intents taken from the store at a time.
CHUNK = 500


async def settle(journal: Journal, sink: SinkHandle, delivery: Delivery, only: Collection[str] | None = None) -> int:
    """Settles all intents, or those of the records ``only``, and gives how many it settled. ``delivery`` knows which are left."""
    intents = journal.intents.all() if only is None else _of(journal, only)
    settled = 0
    while chunk := await runtime().blocking(lambda: list(islice(intents, CHUNK))):
        await _settle(chunk, journal, sink, delivery)
        settled += sum(delivery.left(intent.id) is None for intent in chunk)
    return settled


def _of(journal: Journal, ids: Collection[str]) -> Iterator[Intent]:
    return (intent for id in ids if (intent := journal.intents.get(id)) is not None)


async def _settle(intents: list[Intent], journal: Journal, sink: SinkHandle, delivery: Delivery) -> None:
    again: list[Item] = []
    ask: list[Intent] = []
    unknown: list[Intent] = []
    for intent in intents:
        if intent.status == "unknown":
            continue
        if intent.status == "failed":
            again.append(item_of(intent))
        elif sink.repeatable or sink.takes_keys or sink.transactional:
            again.append(item_of(intent, doubtful=True))
        elif sink.findable and intent.change.key is not None:
            ask.append(intent)
        else:
            unknown.append(intent)
    if unknown:
        await journal.commit(delivery.mark_unknown(unknown))
    if ask:
        again += await _ask(ask, sink, delivery)
    if again:
        await delivery.deliver(again)


async def _ask(intents: list[Intent], sink: SinkHandle, delivery: Delivery) -> list[Item]:
    """Asks the sink what it holds; keeps what took place, and gives what did not, to be sent now."""
    found = await sink.find([intent.change.key for intent in intents])
    items: list[Item] = []
    outcomes: list[Outcome] = []
    again: list[Item] = []
    for intent in intents:
        record = found.get(intent.change.key)
        remote = None if record is None or not isinstance(sink.key, str) else record.get(sink.key)
        if _took_place(intent.change, record):
            items.append(item_of(intent))
            outcomes.append(Outcome.applied(intent.change.key, remote_key=remote))
        else:
            again.append(evolve(item_of(intent), change=_next(intent.change, record, remote)))
    if items:
        await delivery.keep(items, outcomes)
    return again


def _took_place(change: Change, record: Mapping[str, Any] | None) -> bool:
    """Whether the system's own record shows that the change took place."""
    if change.kind == "delete":
        return record is None
    if record is None:
        return False
    if change.kind == "create":
        return True
    wanted = change.record or {}
    return all(name in record and canonical(record[name]) == canonical(value) for name, value in wanted.items())


def _next(change: Change, record: Mapping[str, Any] | None, remote_key: Any) -> Change:
    """What is to be sent now. A record that is there with other values is updated: to create it once more would double it."""
    if change.kind != "upsert" or record is None:
        return change
    remote_key = remote_key if remote_key is not None else change.remote_key
    values = change.record or {}
    return Change.update(change.key, values, whole=values, remote_key=remote_key, idempotency_key=change.idempotency_key)
