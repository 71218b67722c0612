"""Dead letters: records set aside with the reason why, to be looked at, mended and replayed. Never lost, never in anybody's way."""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import asdict, frozen

from integrakit._json import canonical
from integrakit.model import FieldError
from integrakit.protocols import Delete, Operation, Put, Store

__all__ = ["DeadLetter", "Letters", "Stage", "letter_id"]

#: What the record was set aside by. ``held``: nothing is wrong with it, it waits for an earlier write of the same record to be settled.
Stage: TypeAlias = Literal["mapping", "write", "delete", "held"]


@frozen(kw_only=True)
class DeadLetter:
    """One record that could not go its way."""

    id: str
    #: The record as the source gave it, or None where it was to be deleted.
    input: Any = None
    #: The mapped record, where the mapping was not what failed.
    target: Mapping[str, Any] | None = None
    key: Any = None
    stage: Stage = "mapping"
    error: str = ""
    #: Every bad field, where the mapping said.
    errors: tuple[FieldError, ...] = ()
    #: The version of the mapping that was in use.
    mapping: str = ""
    #: The server's own id of the exchange that refused it.
    request_id: str | None = None
    #: When, ISO 8601 in UTC.
    at: str = ""
    #: When the record was read, as a number of the run and one within it: what is greater is newer.
    order: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        # Before a record is mapped it has no key of the target: then its own first words tell it from others.
        what = f"record {self.key!r}" if self.key is not None else f"letter {self.id}, {reprlib.repr(self.input)}"
        return f"{what} ({self.stage}): {self.error}"

    def to_dict(self) -> dict[str, Any]:
        """As values a store can keep; JSON-able where the record is."""
        return {**asdict(self, recurse=False), "errors": [asdict(error) for error in self.errors], "order": list(self.order)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DeadLetter:
        """The inverse of `to_dict`."""
        errors = tuple(FieldError(**error) for error in values["errors"])
        return cls(**{**values, "errors": errors, "order": tuple(values["order"])})


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
        return [Put(self._space, letter.id, letter.to_dict(), attributes={"stage": letter.stage}) for letter in letters]

    def done(self, ids: Iterable[str]) -> list[Operation]:
        """Operations that take them away: the record went its way after all."""
        return [Delete(self._space, id) for id in ids]

    def discard(self, letters: Iterable[DeadLetter], why: str) -> list[Operation]:
        """Operations that set them aside for good, with the reason."""
        operations: list[Operation] = []
        for letter in letters:
            operations += [Put(self._discarded, letter.id, {**letter.to_dict(), "why": why}), Delete(self._space, letter.id)]
        return operations

    def __iter__(self) -> Iterator[DeadLetter]:
        return self.of_stage(None)

    def of_stage(self, stage: Stage | None) -> Iterator[DeadLetter]:
        """Those of one stage, or all. Blocks."""
        where: dict[str, str | int] | None = None if stage is None else {"stage": stage}
        return (DeadLetter.from_dict(entry.value) for entry in self._store.scan(self._space, where=where))

    def discarded(self) -> Iterator[tuple[DeadLetter, str]]:
        """Those that were discarded, each with the reason. Blocks."""
        for entry in self._store.scan(self._discarded):
            values = dict(entry.value)
            why = values.pop("why")
            yield DeadLetter.from_dict(values), why

    def orders(self) -> dict[str, tuple[int, int]]:
        """The id of each, and when its record was read. Blocks."""
        return {letter.id: letter.order for letter in self}
