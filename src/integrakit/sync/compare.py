"""From a page of the source to what must be done: map each record, compare it with what was last written. Pure but for looking up what was written.

A plan and a run take the same steps here; that is what makes a plan worth looking at.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from integrakit._json import canonical
from integrakit.errors import IntegrakitError, MappingError
from integrakit.model import Change, Checkpoint, FieldError, Page, Tombstone
from integrakit.sync.burials import Burials, Graves
from integrakit.sync.judging import checked_key, dead_letter, keepable, letter_of_record, record_of, source_key
from integrakit.writing import DeadLetter, Item, Remembered, Written, differences, fingerprint, idempotency_key, key_text, letter_id

__all__ = ["Comparison", "Mode", "Places", "Work", "mapping_version"]

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
    #: Letter id and record id of records that are well and unchanged, or left out: whatever was wrong with them passed.
    well: list[tuple[str, str]] = field(factory=list)
    #: What the tombstones of the page ask for, and how many are left alone because records are only ever added.
    graves: Graves = field(factory=Graves)
    ignored: int = 0
    #: Fields of the target that became null because they did not fit, as their mapping allows → in how many records.
    nulled: Counter[str] = field(factory=Counter)


def mapping_version(mapping: Any) -> str:
    """What tells one mapping from another: its own ``version``, or the name of the function."""
    if mapping is None:
        return ""
    return str(getattr(mapping, "version", None) or getattr(mapping, "__qualname__", type(mapping).__name__))


class Places:
    """Names for the pages of one read, so that the records of an append run that is resumed, or was planned, are known again.

    ``runs``: how many runs there were before. ``since``: where the read begins.
    """

    def __init__(self, runs: int, since: Checkpoint | None) -> None:
        self._runs = runs
        self._checkpoint = since
        # Pages since that checkpoint: of a source that gives none, all of them.
        self._beyond = 0
        #: How many pages there were.
        self.pages = 0

    @property
    def name(self) -> str:
        """Of the page that comes next."""
        token = None if self._checkpoint is None else self._checkpoint.token
        where = "" if token is None else hashlib.blake2b(canonical(token), digest_size=8).hexdigest()
        return f"{self._runs}/{where}.{self._beyond}"

    def passed(self, page: Page) -> None:
        """That page was dealt with."""
        self.pages += 1
        self._beyond += 1
        if page.checkpoint is not None:
            self._checkpoint, self._beyond = page.checkpoint, 0


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
        burials: Burials | None = None,
    ) -> None:
        self._burials = burials
        #: Whether it is worth knowing which records are there: some are to be deleted, or the source's keys are remembered.
        self.indexed = self.watchful = burials is not None and burials.indexed
        self._name = name
        self._mapping: Any = mapping
        #: What the mapping says is done with a record that breaks it; a function of the user's says nothing.
        self._on_error = getattr(mapping, "on_error", "dead_letter")
        self._version = mapping_version(mapping)
        self._key = key
        self._source_key: tuple[str, ...] = (source_key,) if isinstance(source_key, str) else tuple(source_key or ())
        self._mode = mode
        self._remembered = remembered

    def page(self, page: Page, *, place: str, now: str, order: tuple[int, int], doubtful: Callable[[str], bool] = lambda _: False) -> Work:
        """What to do about one page. Blocks.

        ``place`` names it, for records without a key; ``now`` and ``order`` say when it was read, for people and for comparing. ``doubtful`` records
        get an item in any case: what the sink holds of them is not known.
        """
        work = Work()
        mapped: dict[str, _Mapped] = {}
        walked: list[tuple[str, Any, str | None]] = []
        watchful = self._burials is not None and (self.watchful or any(type(record) is Tombstone for record in page.records))
        for index, record in enumerate(page.records):
            if isinstance(record, Tombstone):
                walked.append(("gone", record, None))
                continue
            work.read += 1
            try:
                target = record if self._mapping is None else self._map(record, work)
                if target is None:
                    work.skipped += 1
                    if (own := source_key(record, self._source_key)) is not None:
                        work.well.append((letter_id(own), ""))
                    continue
                target = record_of(target)
                key = checked_key(target, self._key) if self._key is not None else self._place_of(record, place, index)
                id, digest = key_text(key), fingerprint(target)
            except Exception as problem:
                if self._on_error == "raise" and isinstance(problem, MappingError):
                    own = source_key(record, self._source_key)
                    what = f"record {own!r:.100}" if own is not None else f"record {work.read} of the page"
                    problem.add_note(f"sync {self._name!r} stopped at {what}: on_error='raise'")
                    raise
                work.letters.append(dead_letter(record, problem, self._source_key, mapping=self._version, now=now, order=order))
                if watchful:
                    walked.append(("there", source_key(record, self._source_key), None))
                continue
            if watchful:
                walked.append(("there", source_key(record, self._source_key), id))
            if id in mapped:
                work.unchanged += 1  # this record came twice in the page: the later one is the newer one, and what was appended first stays
                if self._mode == "append":
                    continue
                del mapped[id]
            mapped[id] = _Mapped(key, record, target, digest)
        self._compare(mapped, work, order, doubtful)
        if self._burials is not None and walked:
            work.graves = self._burials.page(walked, mapped, doubtful)
            work.well += work.graves.over
        elif self._mode == "append":
            work.ignored = len(page.records) - work.read
        return work

    def _map(self, record: Any, work: Work) -> Any:
        if not hasattr(self._mapping, "noted"):
            return self._mapping(record)
        nulled: list[FieldError] = []
        target = self._mapping.noted(record, nulled)
        work.nulled.update({error.target for error in nulled})
        return target

    def _place_of(self, record: Any, place: str, index: int) -> Any:
        """What a record without a key is known by: the source's key, or else where it stood and what it was. A run that is resumed knows it again.

        Another record that stands there by then, since rows were added or deleted in front of it, is not taken for it.
        """
        own = source_key(record, self._source_key)
        if own is not None:
            return "source", own
        try:
            return f"{place}/{index}/{hashlib.blake2b(canonical(record), digest_size=8).hexdigest()}"
        except IntegrakitError:
            return f"{place}/{index}"  # it cannot be written down, though what was made of it can

    def _compare(self, mapped: Mapping[str, _Mapped], work: Work, order: tuple[int, int], doubtful: Callable[[str], bool]) -> None:
        before = self._remembered.read(mapped)
        for id, one in mapped.items():
            work.seen.append(id)
            was = before.get(id)
            change = self._change(one.key, id, one.target, one.fingerprint, was, order[0])
            if change is None and doubtful(id) and self._mode != "append":
                change = Change.upsert(one.key, one.target)
            letter = letter_of_record(one.source, id, self._source_key)
            if change is None:
                work.unchanged += 1
                work.well.append((letter, id))
                continue
            source = keepable(one.source) if one.source is not one.target else one.source
            count = 0 if was is None else was.count
            item = Item(
                change=change,
                id=id,
                fingerprint=one.fingerprint,
                count=count,
                source=source,
                letter=letter,
                order=order,
                mapping=self._version,
            )
            work.items.append(item)

    def _change(self, key: Any, id: str, target: Mapping[str, Any], digest: str, was: Written | None, run: int) -> Change | None:
        """The change that makes the sink hold ``target``, or None when it does."""
        if was is None:
            token = idempotency_key(self._name, id, 0, digest, run)
            if self._mode == "append":
                return Change.create(key if self._key is not None else None, target, idempotency_key=token)
            return Change.upsert(key, target, idempotency_key=token)
        if was.fingerprint == digest or self._mode == "append":
            return None
        patch = target if was.record is None else differences(was.record, target)
        if not patch:
            return None
        token = idempotency_key(self._name, id, was.count, digest, run)
        return Change.update(key, patch, whole=target, remote_key=was.remote_key, idempotency_key=token)

    def deletion(self, id: str, was: Written, *, order: tuple[int, int]) -> Item:
        """The deletion of a record that the source has no more."""
        token = idempotency_key(self._name, id, was.count, "", order[0])
        change = Change.delete(was.key, remote_key=was.remote_key, idempotency_key=token)
        return Item(change=change, id=id, fingerprint="", count=was.count, letter=letter_id(id), order=order, mapping=self._version)
