"""The keys of a read: found in its records, remembered in bounded memory, and compared when the collection is read once more.

Pure: nothing is asked for here, and what a double means for the proof is said elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from integrakit.errors import DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path

__all__ = ["KeyField", "KeysOfPasses", "RecentKeys"]

#: Keys are remembered over this many records, so that memory stays flat; rows that move come again close by.
KEYS_REMEMBERED = 100_000
#: Where all keys are needed, to compare them at the end, no more than these are kept: about 100 MB.
KEYS_COMPARED = 1_000_000


class KeyField:
    """Where a record's key is: a field, a dotted path, or several of them."""

    def __init__(self, key: str | tuple[str, ...], resource: str) -> None:
        self.name = key
        self._resource = resource
        self._paths = [parse_path(name) for name in ([key] if isinstance(key, str) else key)]
        self._simple = key if isinstance(key, str) and "." not in key else None

    def keys(self, records: list[Any]) -> list[Any]:
        """One for each record, None where there is none. Raises `DecodeError` where that is the key of nothing."""
        if self._simple is not None:
            name = self._simple
            keys = [record.get(name) if isinstance(record, dict) else None for record in records]
        else:
            parts = [tuple(look_up(record, path) for path in self._paths) for record in records]
            keys = [None if any(part is ABSENT for part in key) else key for key in parts]
        if None in keys and all(key is None for key in keys) and all(isinstance(record, dict) for record in records):
            self._check_name(records)
        try:
            hash(tuple(keys))
        except TypeError:
            name_ = repr(self.name)
            raise DecodeError(f"a record of {self._resource} has a list or an object as its key {name_}", path=str(self.name)) from None
        return keys

    def _check_name(self, records: list[Any]) -> None:
        """Where no record has the key it is a wrong name; where some have, doubles among the others stay unseen."""
        first = self.name if isinstance(self.name, str) else self.name[0]
        if all(look_up(record, parse_path(first)) is ABSENT for record in records):
            there = ", ".join(map(repr, list(records[0])[:12])) or "no fields"
            raise DecodeError(f"no record of {self._resource} has {self.name!r}, which is its key; they have {there}", path=str(first))


class RecentKeys:
    """The keys of the latest records: enough to find doubles of rows that moved, in flat memory."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()
        self._pages: deque[list[Any]] = deque()
        #: Whether the oldest were forgotten.
        self.forgot = False

    def __contains__(self, key: Any) -> bool:
        return key in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, keys: list[Any]) -> int:
        """Remembers a page's keys; how many of them had come before, in this page or an earlier one."""
        seen, twice, before = self._seen, 0, len(self._seen)
        fresh = set(keys)
        if len(fresh) == len(keys) and seen.isdisjoint(fresh):
            seen |= fresh
        else:
            for key in keys:
                twice += key in seen and key is not None
                seen.add(key)
        if len(seen) > before:
            self._pages.append(keys)
        while len(seen) > KEYS_REMEMBERED:
            seen.difference_update(self._pages.popleft())
            self.forgot = True
        return twice


class KeysOfPasses:
    """All keys of a collection that is read several times: for each the pass that brought it last. 64 bits for a text, however long it is."""

    def __init__(self) -> None:
        self._passes: dict[Any, int] = {}
        #: Which pass this is; the first is 0.
        self.number = 0
        #: Keys of this pass that an earlier one had brought.
        self.hits = 0
        #: Whether there were more keys than can be compared, so that they were given up.
        self.gave_up = False

    def __contains__(self, key: Any) -> bool:
        return _small(key) in self._passes

    def next_pass(self) -> None:
        self.number += 1
        self.hits = 0

    def add(self, keys: Iterable[Any]) -> bool:
        """Remembers a page's keys; whether one of them is the first time in this pass."""
        if self.gave_up:
            return True
        passes, number, new = self._passes, self.number, False
        for key in map(_small, keys):
            before = passes.get(key)
            if before is not None and before < number:
                self.hits += 1
            new = new or before != number
            passes[key] = number
        if len(passes) > KEYS_COMPARED:
            self.gave_up = True
            self._passes = {}
        return new


def _small(key: Any) -> Any:
    # A hash of a text is 64 bits that nobody can foresee. That of a number is not: -1 and -2 have the same. It is small as it is.
    kind = type(key)
    if kind is str:
        return hash(key)
    return hash(repr(key)) if kind is tuple else key
