"""Write intents: the stored fact that a change is about to be sent. What lets a run that was killed at any instruction be settled by the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from attrs import frozen

from integrakit._json import pack, unpack
from integrakit.model import Change
from integrakit.protocols import Delete, DeleteColumns, Operation, Put, PutColumns, Store
from integrakit.writing.plan import change_from_dict, change_to_dict

__all__ = ["Intent", "Intents", "Status"]

#: ``open``: sent or about to be, no word yet. ``failed``: it certainly did not take place. ``unknown``: nothing can tell whether it did.
Status: TypeAlias = Literal["open", "failed", "unknown"]

_FIELDS = ("fingerprint", "count", "status", "error", "at", "source", "letter", "order", "mapping")


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
    #: The record of the source, and the id its dead letter would have.
    source: Any = None
    letter: str = ""
    #: When the record was read, as a number of the run and one within it: what is greater is newer.
    order: tuple[int, int] = (0, 0)
    #: The version of the mapping that made the change.
    mapping: str = ""


class Intents:
    """The intents of one sync. Those on their way stand in a hot set, since every record passes through it; those that are left are documents."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._space = f"intents:{name}"
        self._sending = f"sending:{name}"

    def sending(self, intents: Iterable[Intent]) -> list[Operation]:
        """Operations that keep them while they are sent; the newest of a record replaces the one before."""
        packed = {intent.id: pack(_to_dict(intent)) for intent in intents}
        return [PutColumns(self._sending, packed)] if packed else []

    def leave(self, intents: Sequence[Intent]) -> list[Operation]:
        """Operations that keep what was not settled."""
        documents = [Put(self._space, intent.id, _to_dict(intent), attributes={"status": intent.status}) for intent in intents]
        return [*documents, DeleteColumns(self._sending, [intent.id for intent in intents])] if intents else []

    def done(self, ids: Sequence[str], *, left: Iterable[str]) -> list[Operation]:
        """Operations that strike them off. ``left``: those that may stand there as left by an earlier run."""
        return [*([DeleteColumns(self._sending, ids)] if ids else []), *(Delete(self._space, id) for id in left)]

    def all(self, status: Status | None = None) -> Iterator[Intent]:
        """Every one, or those of one status. Blocks."""
        # A record that stands in both places is being sent again right now, or was when the run died.
        sending = dict(self._store.scan_columns(self._sending))
        where: dict[str, str | int] | None = None if status is None else {"status": status}
        yield from (_from_dict(entry.key, entry.value) for entry in self._store.scan(self._space, where=where) if entry.key not in sending)
        if status in (None, "open"):
            yield from (_from_dict(id, unpack(data)) for id, data in sending.items())

    def get(self, id: str) -> Intent | None:
        """Blocks."""
        if data := self._store.get_columns(self._sending, [id]).get(id):
            return _from_dict(id, unpack(data))
        entry = self._store.get(self._space, id)
        return None if entry is None else _from_dict(id, entry.value)


def _to_dict(intent: Intent) -> dict[str, Any]:
    values = {"change": change_to_dict(intent.change), **{name: getattr(intent, name) for name in _FIELDS}}
    values["order"] = list(intent.order)
    return values


def _from_dict(id: str, values: dict[str, Any]) -> Intent:
    return Intent(**{**values, "id": id, "order": tuple(values["order"]), "change": change_from_dict(values["change"])})
