"""What was last written, record by record: the reason why an unchanged record costs no request, and why an update sends only what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, TypeAlias

from attrs import frozen

from integrakit._json import canonical, pack, unpack
from integrakit.protocols import DeleteColumns, Operation, PutColumns, Store

__all__ = ["Remember", "Remembered", "Written", "differences", "fingerprint", "key_text"]

#: Keep the whole record (an update sends the differences) or its fingerprint only (an update sends everything, and the store stays small).
Remember: TypeAlias = Literal["record", "fingerprint"]


def key_text(key: Any) -> str:
    """A key as text for the store; 42 and "42" stay two keys."""
    # Half a character, which no store takes, is written with one backslash; JSON writes two for a backslash, so nothing can be mistaken.
    return canonical(key).decode("utf-8", "backslashreplace")


def fingerprint(record: Mapping[str, Any]) -> str:
    """Equal for equal records, whatever the order of their fields."""
    return hashlib.blake2b(canonical(record), digest_size=16).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``now`` that are new or not exactly what they were. What is absent now is left alone, and so is not a difference."""
    return {name: value for name, value in now.items() if name not in before or canonical(before[name]) != canonical(value)}


@frozen(kw_only=True)
class Written:
    """What one record was when it was written last."""

    key: Any
    fingerprint: str
    #: How often it was written: what an update is based on.
    count: int = 1
    remote_key: Any = None
    #: When, ISO 8601 in UTC.
    at: str = ""
    #: When the record was read, as a number of the run and one within it: what is greater is newer.
    order: tuple[int, int] = (0, 0)
    #: The version of the mapping that made it.
    mapping: str = ""
    record: Mapping[str, Any] | None = None


class Remembered:
    """The records that one sync wrote and owns."""

    def __init__(self, store: Store, name: str, remember: Remember) -> None:
        self._store = store
        self._set = f"written:{name}"
        self._seen = f"seen:{name}"
        self._gone = f"gone:{name}"
        self._sources = f"sources:{name}"
        self.whole = remember == "record"

    def read(self, keys: Iterable[str]) -> dict[str, Written]:
        """By `key_text`. Blocks."""
        return {key: _decode(data) for key, data in self._store.get_columns(self._set, keys).items()}

    def count(self) -> int:
        """How many records this sync owns. Blocks."""
        return self._store.count_columns(self._set)

    def put(self, written: Mapping[str, Written]) -> list[Operation]:
        """Operations that remember these."""
        return [PutColumns(self._set, {key: self._encode(value) for key, value in written.items()})] if written else []

    def forget(self, keys: Iterable[str]) -> list[Operation]:
        """Operations that forget these: they were deleted."""
        keys = list(keys)
        return [DeleteColumns(self._set, keys)] if keys else []

    def _encode(self, value: Written) -> bytes:
        kept = value.record if self.whole else None
        return pack([value.key, value.fingerprint, value.count, value.remote_key, value.at, list(value.order), kept, value.mapping])

    def all(self) -> Iterator[tuple[str, Written]]:
        """All of them, in the order of their key texts. Blocks."""
        return ((key, _decode(data)) for key, data in self._store.scan_columns(self._set))

    # ------------------------------------------------------------------ what the source still has

    def mark_seen(self, keys: Iterable[str]) -> list[Operation]:
        """Operations that note which records the source still has. On disk: a mirror of a million rows has flat memory too."""
        marks = dict.fromkeys(keys, b"")
        return [PutColumns(self._seen, marks)] if marks else []

    def clear_seen(self) -> list[Operation]:
        return [DeleteColumns(self._seen)]

    def unseen(self) -> Iterator[tuple[str, Written]]:
        """The records that this sync wrote and the source has no more, in the order of their key texts. Blocks."""
        seen = self._store.scan_columns(self._seen)
        mark = next(seen, None)
        for key, data in self._store.scan_columns(self._set):
            while mark is not None and mark[0] < key:
                mark = next(seen, None)
            if mark is None or mark[0] != key:
                yield key, _decode(data)

    # ------------------------------------------------------------------ what the source said is gone

    def stage(self, ids: Iterable[str]) -> list[Operation]:
        """Operations that note which records are to be deleted, once the read is over and the guard has looked."""
        marks = dict.fromkeys(ids, b"")
        return [PutColumns(self._gone, marks)] if marks else []

    def unstage(self, ids: Iterable[str]) -> list[Operation]:
        """Operations that take them off again: they were deleted, or are there after all."""
        ids = list(ids)
        return [DeleteColumns(self._gone, ids)] if ids else []

    def staged_of(self, ids: Iterable[str]) -> list[str]:
        """Those of these records that are to be deleted. Blocks."""
        return list(self._store.get_columns(self._gone, ids))

    def count_staged(self) -> int:
        """Blocks."""
        return self._store.count_columns(self._gone)

    def staged(self, chunk: int = 500) -> Iterator[tuple[str, Written | None]]:
        """The records that are to be deleted, in the order of their key texts; None for one this sync does not own. Blocks."""
        marks = self._store.scan_columns(self._gone)
        while some := [id for id, _ in islice(marks, chunk)]:
            written = self.read(some)
            yield from ((id, written.get(id)) for id in some)

    # ------------------------------------------------------------------ what the source calls them

    def name_sources(self, sources: Mapping[str, str]) -> list[Operation]:
        """Operations that note the record of each key of the source, both as `key_text`."""
        return [PutColumns(self._sources, {source: id.encode() for source, id in sources.items()})] if sources else []

    def forget_sources(self, sources: Iterable[str]) -> list[Operation]:
        sources = list(sources)
        return [DeleteColumns(self._sources, sources)] if sources else []

    def ids_of(self, sources: Iterable[str]) -> dict[str, str]:
        """The records that these keys of the source are known to be. Blocks."""
        return {source: id.decode() for source, id in self._store.get_columns(self._sources, sources).items()}

    def count_sources(self) -> int:
        """Blocks."""
        return self._store.count_columns(self._sources)

    def all_sources(self) -> Iterator[tuple[str, str]]:
        """Key of the source → record, in order. Blocks."""
        return ((source, id.decode()) for source, id in self._store.scan_columns(self._sources))


def _decode(data: bytes) -> Written:
    key, digest, count, remote_key, at, order, record, mapping = unpack(data)
    return Written(key=key, fingerprint=digest, count=count, remote_key=remote_key, at=at, order=tuple(order), mapping=mapping, record=record)
