"""Write intents: the stored fact that a change is about to be sent. What lets a run that was killed at any instruction be settled by the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

from attrs import frozen

from integrakit.model import Change
from integrakit.protocols import Delete, Operation, Put, Store
from integrakit.writing.plan import change_from_dict, change_to_dict

__all__ = ["Intent", "Intents", "Status"]

#: ``open``: sent or about to be, no word yet. ``failed``: it certainly did not take place. ``unknown``: nothing can tell whether it did.
Status: TypeAlias = Literal["open", "failed", "unknown"]


@frozen(kw_only=True)
class Intent:
    """One change on its way, with the exact body and key that go out."""

    change: Change
    #: The record's key as text, by which it is stored.
    id: str
    fingerprint: str
    #: How often the record had been written before.
    count: int
    status: Status = "open"
    error: str | None = None
    #: When it was stored first, ISO 8601 in UTC.
    at: str = ""


class Intents:
    """The open intents of one sync."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._space = f"intents:{name}"

    def put(self, intents: Iterable[Intent]) -> list[Operation]:
        """Operations that keep them; the newest of a record replaces the one before."""
        return [Put(self._space, intent.id, _to_dict(intent), attributes={"status": intent.status}) for intent in intents]

    def done(self, ids: Iterable[str]) -> list[Operation]:
        """Operations that strike them off."""
        return [Delete(self._space, id) for id in ids]

    def all(self, status: Status | None = None) -> Iterator[Intent]:
        """Every one, or those of one status. Blocks."""
        where: dict[str, str | int] | None = None if status is None else {"status": status}
        return (_from_dict(entry.key, entry.value) for entry in self._store.scan(self._space, where=where))

    def get(self, id: str) -> Intent | None:
        entry = self._store.get(self._space, id)
        return None if entry is None else _from_dict(id, entry.value)


def _to_dict(intent: Intent) -> dict[str, Any]:
    return {
        "change": change_to_dict(intent.change),
        "fingerprint": intent.fingerprint,
        "count": intent.count,
        "status": intent.status,
        "error": intent.error,
        "at": intent.at,
    }


def _from_dict(id: str, values: dict[str, Any]) -> Intent:
    return Intent(**{**values, "id": id, "change": change_from_dict(values["change"])})
