"""From a page of the source to what must be done: map each record, compare it with what was last written. Pure but for looking up what was written.

A plan and a run take the same steps here; that is what makes a plan worth looking at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from integrakit.errors import IntegrakitError, MappingError
from integrakit.model import Change, Page
from integrakit.unset import UNSET
from integrakit.writing import DeadLetter, Item, Remembered, Written, differences, fingerprint, key_text, letter_id

__all__ = ["Comparison", "Mode", "Work", "mapping_version"]

Mode: TypeAlias = Literal["append", "upsert", "mirror"]


@frozen
class _Mapped:
    key: Any
    source: Any
    target: Mapping[str, Any]
    fingerprint: str


@define(kw_only=True)
class Work:
    """What one page asks for."""

    read: int = 0
    items: list[Item] = field(factory=list)
    letters: list[DeadLetter] = field(factory=list)
    unchanged: int = 0
    skipped: int = 0
    #: Key texts of all records of the page: what the source still has.
    seen: list[str] = field(factory=list)
    #: Letters of records that are well and unchanged: whatever was wrong with them passed.
    well: list[str] = field(factory=list)


def mapping_version(mapping: Any) -> str:
    """What tells one mapping from another: its own ``version``, or the name of the function."""
    if mapping is None:
        return ""
    return str(getattr(mapping, "version", None) or getattr(mapping, "__qualname__", type(mapping).__name__))


class Comparison:
    """Maps and compares the pages of one sync. ``key``: field of the mapped record, or several; None in append mode: records have none."""

    def __init__(
        self,
        name: str,
        *,
        mapping: Callable[[Any], Any] | None,
        key: str | tuple[str, ...] | None,
        source_key: Any,
        mode: Mode,
        remembered: Remembered,
    ) -> None:
        self._name = name
        self._mapping = mapping
        self._version = mapping_version(mapping)
        self._key = key
        self._source_key = source_key if isinstance(source_key, str) else None
        self._mode = mode
        self._remembered = remembered

    def page(self, page: Page, *, place: str, now: str) -> Work:
        """What to do about one page. ``place`` names it, for records without a key; ``now`` goes into dead letters. Blocks."""
        work = Work(read=len(page.records))
        mapped: dict[str, _Mapped] = {}
        for index, record in enumerate(page.records):
            try:
                target = record if self._mapping is None else self._mapping(record)
                if target is None:
                    work.skipped += 1
                    continue
                key = self._key_of(target) if self._key is not None else f"{place}/{index}"
                id, digest = key_text(key), fingerprint(target)
            except Exception as problem:  # noqa: BLE001 - whatever a user's function raises about a record concerns that record alone
                work.letters.append(self._dead(record, problem, now))
                continue
            if id in mapped:
                work.unchanged += 1  # an older version of a record that comes again in this page
                del mapped[id]
            mapped[id] = _Mapped(key, record, target, digest)
        self._compare(mapped, work)
        return work

    def _compare(self, mapped: Mapping[str, _Mapped], work: Work) -> None:
        before = self._remembered.read(mapped)
        for id, one in mapped.items():
            work.seen.append(id)
            was = before.get(id)
            change = self._change(one.key, id, one.target, one.fingerprint, was)
            letter = self._letter_id(one.source, id)
            if change is None:
                work.unchanged += 1
                work.well.append(letter)
            else:
                count = 0 if was is None else was.count
                work.items.append(Item(change=change, id=id, fingerprint=one.fingerprint, count=count, source=one.source, letter=letter))

    def _change(self, key: Any, id: str, target: Mapping[str, Any], digest: str, was: Written | None) -> Change | None:
        """The change that makes the sink hold ``target``, or None when it does."""
        if was is None:
            token = self._idempotency_key(id, 0, digest)
            if self._mode == "append":
                return Change.create(key if self._key is not None else None, target, idempotency_key=token)
            return Change.upsert(key, target, idempotency_key=token)
        if was.fingerprint == digest or self._mode == "append":
            return None
        patch = target if was.record is None else differences(was.record, target)
        if not patch:
            return None
        token = self._idempotency_key(id, was.count, digest)
        return Change.update(key, patch, whole=target, remote_key=was.remote_key, idempotency_key=token)

    def deletion(self, id: str, was: Written) -> Item:
        """The deletion of a record that the source has no more."""
        token = self._idempotency_key(id, was.count, "")
        change = Change.delete(was.key, remote_key=was.remote_key, idempotency_key=token)
        return Item(change=change, id=id, fingerprint="", count=was.count)

    def _idempotency_key(self, id: str, count: int, digest: str) -> str:
        # The count tells a value that comes back later from the first time it was written.
        text = "\x00".join((self._name, id, str(count), digest))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _key_of(self, target: Any) -> Any:
        if not isinstance(target, Mapping):
            raise MappingError(f"the mapping gave a {type(target).__name__} where a record (a dict) is needed")
        names = (self._key,) if isinstance(self._key, str) else self._key or ()
        values = []
        for name in names:
            value = target.get(name, UNSET)
            if value is UNSET or value is None or value == "":
                raise MappingError(
                    f"the record has no {name!r}, which is the key of this sync" if value is UNSET else f"the key {name!r} is {value!r}"
                )
            values.append(value)
        return values[0] if isinstance(self._key, str) else tuple(values)

    def _letter_id(self, record: Any, id: str | None) -> str:
        """By the source's own key where it has one: then a record has one letter, whatever is wrong with it."""
        source_key = record.get(self._source_key) if self._source_key is not None and isinstance(record, Mapping) else None
        if source_key is not None and not isinstance(source_key, list | dict):
            return letter_id(source_key)
        return letter_id(id if id is not None else record)

    def _dead(self, record: Any, problem: Exception, now: str) -> DeadLetter:
        errors: Sequence[Any] = getattr(problem, "errors", ())
        words = str(problem) if isinstance(problem, IntegrakitError) else f"the mapping failed with {type(problem).__name__}: {problem}"
        try:
            fingerprint({"record": record})
        except IntegrakitError:
            record = repr(record)  # what no store can keep still gets its letter
        return DeadLetter(
            id=self._letter_id(record, None),
            input=record,
            stage="mapping",
            error=words,
            errors=tuple(errors),
            mapping=self._version,
            at=now,
        )
