"""Dead letters: records set aside with the reason why, to be looked at, mended and replayed. Never lost, never in anybody's way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import asdict, frozen

from integrakit._json import canonical
from integrakit.model import FieldError
from integrakit.protocols import Delete, Operation, Put, Store

__all__ = ["DeadLetter", "Letters", "letter_id"]


@frozen(kw_only=True)
class DeadLetter:
    """One record that could not go its way."""

    id: str
    #: The record as the source gave it, or None where only what should have been written is known.
    input: Any = None
    #: The mapped record, where the mapping was not what failed.
    target: Mapping[str, Any] | None = None
    key: Any = None
    #: ``"mapping"`` or ``"write"``.
    stage: str = "mapping"
    error: str = ""
    #: Every bad field, where the mapping said.
    errors: tuple[FieldError, ...] = ()
    #: The version of the mapping that was in use.
    mapping: str = ""
    #: The server's own id of the exchange that refused it.
    request_id: str | None = None
    #: When, ISO 8601 in UTC.
    at: str = ""

    def __str__(self) -> str:
        what = f"record {self.key!r}" if self.key is not None else f"letter {self.id}"
        return f"{what} ({self.stage}): {self.error}"


def letter_id(record: Any) -> str:
    """From the source's key of a record, or else the record itself: it has one letter, however often it is read."""
    return hashlib.blake2b(canonical(record), digest_size=10).hexdigest()


class Letters:
    """The dead letters of one sync, and those that were discarded."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._space = f"dead_letters:{name}"
        self._discarded = f"discarded_letters:{name}"

    def put(self, letters: Iterable[DeadLetter]) -> list[Operation]:
        return [Put(self._space, letter.id, _to_dict(letter), attributes={"stage": letter.stage}) for letter in letters]

    def done(self, ids: Iterable[str]) -> list[Operation]:
        """Operations that take them away: the record went its way after all."""
        return [Delete(self._space, id) for id in ids]

    def discard(self, letters: Iterable[DeadLetter], why: str) -> list[Operation]:
        """Operations that set them aside for good, with the reason."""
        operations: list[Operation] = []
        for letter in letters:
            operations += [Put(self._discarded, letter.id, {**_to_dict(letter), "why": why}), Delete(self._space, letter.id)]
        return operations

    def __iter__(self) -> Iterator[DeadLetter]:
        return (_from_dict(entry.key, entry.value) for entry in self._store.scan(self._space))

    def ids(self) -> set[str]:
        """The ids of all. Blocks."""
        return {entry.key for entry in self._store.scan(self._space)}


def _to_dict(letter: DeadLetter) -> dict[str, Any]:
    values = {name: value for name, value in asdict(letter, recurse=False).items() if name not in ("id", "errors")}
    values["errors"] = [asdict(error) for error in letter.errors]
    return values


def _from_dict(id: str, values: dict[str, Any]) -> DeadLetter:
    errors = tuple(FieldError(**error) for error in values["errors"])
    return DeadLetter(**{**values, "id": id, "errors": errors})
