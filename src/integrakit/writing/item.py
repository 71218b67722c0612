"""`Item`: one change on its way through a run, with what is needed to remember it, to settle it, or to write its dead letter. Values only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from attrs import define, frozen

from integrakit.model import Change, Outcome
from integrakit.writing.dead_letters import DeadLetter, letter_id
from integrakit.writing.intents import Intent, Status
from integrakit.writing.plan import change_from_dict, change_to_dict
from integrakit.writing.remembered import Written

__all__ = ["Item", "Tally", "idempotency_key", "intent_of", "item_of", "letter_of", "written_of"]

_FIELDS = ("id", "fingerprint", "count", "source", "letter", "order", "mapping")


@frozen(kw_only=True)
class Item:
    """One change to be sent."""

    change: Change
    #: `key_text` of the record.
    id: str
    fingerprint: str
    #: How often the record had been written before.
    count: int = 0
    #: The record of the source, and the id its dead letter has.
    source: Any = None
    letter: str = ""
    #: When the record was read, as a number of the run and one within it: what is greater is newer.
    order: tuple[int, int] = (0, 0)
    #: The version of the mapping that made it.
    mapping: str = ""
    #: It was sent before and not answered, so a failure now says nothing about then.
    doubtful: bool = False

    def to_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in _FIELDS}
        return {**values, "order": list(self.order), "change": change_to_dict(self.change)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Item:
        return cls(**{**values, "order": tuple(values["order"]), "change": change_from_dict(values["change"])})


@define
class Tally:
    """What became of the changes so far."""

    written: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    rejected: int = 0
    failed: int = 0
    unknown: int = 0

    def note(self, change: Change, outcome: Outcome) -> None:
        if outcome.status == "applied" and change.kind == "delete":
            self.deleted += 1
        elif outcome.status == "applied":
            self.written += 1
            self.updated += change.kind == "update"
            self.created += change.kind != "update"
        else:
            setattr(self, outcome.status, getattr(self, outcome.status) + 1)


def idempotency_key(name: str, id: str, count: int, fingerprint: str, run: int) -> str:
    """The key one change goes out with. It is stored with the intent, so every attempt has the same one.

    ``count`` tells a value that comes back from the first time it was written; ``run``, the token of the lease, tells a record that was deleted, or
    rejected, and is sent anew: a server would repeat its old answer.
    """
    text = "\x00".join((name, id, str(count), fingerprint, str(run)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def intent_of(item: Item, at: str, *, status: Status = "open", error: str | None = None) -> Intent:
    """The intent to send it."""
    return Intent(
        change=item.change,
        id=item.id,
        fingerprint=item.fingerprint,
        count=item.count,
        status=status,
        error=error,
        at=at,
        source=item.source,
        letter=item.letter,
        order=item.order,
        mapping=item.mapping,
    )


def item_of(intent: Intent, *, doubtful: bool = False) -> Item:
    """The very change that was to be sent, to be sent again."""
    return Item(
        change=intent.change,
        id=intent.id,
        fingerprint=intent.fingerprint,
        count=intent.count,
        source=intent.source,
        letter=intent.letter,
        order=intent.order,
        mapping=intent.mapping,
        doubtful=doubtful,
    )


def written_of(item: Item, outcome: Outcome, at: str) -> Written:
    """What is remembered of a change that took place."""
    change = item.change
    return Written(
        key=change.key,
        fingerprint=item.fingerprint,
        count=item.count + 1,
        remote_key=outcome.remote_key if outcome.remote_key is not None else change.remote_key,
        at=at,
        order=item.order,
        mapping=item.mapping,
        record=change.whole if change.whole is not None else change.record,
    )


def letter_of(item: Item, outcome: Outcome, mapping: str, at: str) -> DeadLetter:
    """The dead letter of a change that was rejected."""
    return DeadLetter(
        id=item.letter or letter_id(item.id),
        input=item.source,
        target=item.change.whole if item.change.whole is not None else item.change.record,
        key=item.change.key,
        stage="delete" if item.change.kind == "delete" else "write",
        error=outcome.error or "the sink rejected it",
        mapping=item.mapping or mapping,
        request_id=outcome.request_id,
        at=at,
        order=item.order,
    )
